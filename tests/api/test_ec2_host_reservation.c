/* Reservations of Dedicated Hosts: offerings, previews, purchases and their end. */
#include "ec2/placer.h"
#include "harness/world.h"

#include <stdlib.h>

#define YEAR_S 31536000
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static const char *
allocate(struct world *w, const char *rest)
{
    struct str xml =
        world_okf(w, "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=1&%s", rest);

    return test_cstr(xml_text(xml_element(xml, "hostIdSet"), "item"));
}

/* An offering of m5 by payment and years. */
static struct str
offering(struct world *w, const char *payment, int years)
{
    struct str xml = world_okf(w,
                               "Action=DescribeHostReservationOfferings&"
                               "Filter.1.Name=instance-family&Filter.1.Value.1=m5&"
                               "Filter.2.Name=payment-option&Filter.2.Value.1=%s&"
                               "MinDuration=%d&MaxDuration=%d",
                               payment, years * YEAR_S, years * YEAR_S);

    CHECK_INT(xml_count(xml, "offeringId"), 1);
    return str_dup(&w->arena, xml_element(xml, "offeringSet"));
}

static const char *
offering_id(struct world *w, const char *payment, int years)
{
    return test_cstr(xml_text(offering(w, payment, years), "offeringId"));
}

static double
price(struct str xml, const char *name)
{
    return strtod(test_cstr(xml_text(xml, name)), NULL);
}

/* What a host costs over the whole term. */
static double
whole(struct str offering)
{
    return price(offering, "upfrontPrice") +
           price(offering, "hourlyPrice") * price(offering, "duration") / 3600;
}

TEST(hosts_are_offered_for_one_and_three_years_in_three_ways_to_pay, "DH-04 DH-05")
{
    static const char *const payments[] = {"NoUpfront", "PartialUpfront", "AllUpfront"};
    struct world *w = world_new();
    double last = 1e9;

    for (int years = 1; years <= 3; years += 2)
        for (size_t i = 0; i < ARRAY_LEN(payments); i++) {
            struct str o = offering(w, payments[i], years);
            double per_year = whole(o) / years;

            CHECK_STR(xml_text(o, "paymentOption"), payments[i]);
            CHECK_STR(xml_text(o, "currencyCode"), "USD");
            CHECK_INT(price(o, "duration"), years * YEAR_S);
            CHECK((price(o, "upfrontPrice") > 0) == (i > 0));
            CHECK((price(o, "hourlyPrice") > 0) == (i < 2));
            /* who pays for longer, and earlier, pays less */
            CHECK(per_year > 1000 && per_year < last);
            last = per_year;
        }
    struct str all = world_ok(w, "Action=DescribeHostReservationOfferings&MaxResults=5");

    CHECK_INT(xml_count(all, "offeringId"), 5);
    all = world_okf(w, "Action=DescribeHostReservationOfferings&MaxResults=5&NextToken=%.*s",
                    STR_ARG(world_code(w, xml_text(all, "nextToken"))));
    CHECK_INT(xml_count(all, "offeringId"), 5);
    const char *id = offering_id(w, "NoUpfront", 1);

    all = world_okf(w, "Action=DescribeHostReservationOfferings&OfferingId=%s", id);
    CHECK_INT(xml_count(all, "offeringId"), 1);
    CHECK_STR(xml_text(all, "instanceFamily"), "m5");
    world_free(w);
}

TEST(a_reservation_is_seen_beforehand_bought_kept_and_retired, "DH-02 DH-04")
{
    struct world *w = world_new();
    const char *host = allocate(w, "InstanceType=m5.large"),
               *other = allocate(w, "InstanceFamily=m5");
    const char *id = offering_id(w, "PartialUpfront", 1);
    const char *hosts = test_fmt("OfferingId=%s&HostIdSet.1=%s&HostIdSet.2=%s", id, host, other);
    struct str seen = world_okf(w, "Action=GetHostReservationPurchasePreview&%s", hosts);
    const char *total = test_cstr(xml_text(seen, "totalUpfrontPrice"));

    CHECK(price(seen, "totalUpfrontPrice") ==
          2 * price(xml_element(seen, "purchase"), "upfrontPrice"));
    CHECK_INT(xml_count(seen, "hostReservationId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHostReservations"), "hostReservationId"), 0);
    world_refusedf(w, "LimitPriceExceeded", NULL,
                   "Action=PurchaseHostReservation&%s&LimitPrice=10.5", hosts);
    struct str bought = world_okf(w,
                                  "Action=PurchaseHostReservation&%s&CurrencyCode=USD&"
                                  "ClientToken=t&LimitPrice=%s&"
                                  "TagSpecification.1.ResourceType=host-reservation&"
                                  "TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
                                  hosts, total);
    const char *reservation = test_cstr(xml_text(bought, "hostReservationId"));

    CHECK(str_starts(str_from(reservation), S("hr-")));
    CHECK_STR(xml_text(bought, "totalUpfrontPrice"), total);
    CHECK_STR(xml_text(bought, "clientToken"), "t");
    /* The same again is the same; another one with the token, and one of what is reserved, not. */
    bought = world_okf(w,
                       "Action=PurchaseHostReservation&%s&CurrencyCode=USD&ClientToken=t&"
                       "LimitPrice=%s&TagSpecification.1.ResourceType=host-reservation&"
                       "TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
                       hosts, total);
    CHECK_STR(xml_text(bought, "hostReservationId"), reservation);
    world_refusedf(w, "IdempotentParameterMismatch", NULL,
                   "Action=PurchaseHostReservation&%s&ClientToken=t", hosts);
    world_refusedf(w, "InvalidHostState", NULL, "Action=PurchaseHostReservation&%s", hosts);
    world_crash(w);
    struct str xml = world_okf(w, "Action=DescribeHosts&HostId.1=%s", host);

    CHECK_STR(xml_text(xml, "hostReservationId"), reservation);
    xml = world_okf(w, "Action=ReleaseHosts&HostId.1=%s", host);
    CHECK_STR(xml_text(xml_element(xml, "unsuccessful"), "code"), "Client.InvalidHostState");
    xml = world_ok(w, "Action=DescribeHostReservations&Filter.1.Name=state&Filter.1.Value.1=active&"
                      "Filter.2.Name=tag%3Aa&Filter.2.Value.1=b");
    CHECK_STR(xml_text(xml, "hostReservationId"), reservation);
    CHECK_STR(xml_text(xml, "count"), "2");
    CHECK_STR(xml_text(xml, "offeringId"), id);
    CHECK(str_starts(xml_text(xml, "start"), S("20")) && str_starts(xml_text(xml, "end"), S("20")));
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=k&Tag.1.Value=v", reservation);
    xml = world_okf(w, "Action=DescribeHostReservations&HostReservationIdSet.1=%s", reservation);
    CHECK_INT(xml_count(xml, "key"), 2);
    /* Somebody else, and another region, have none. */
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "InvalidHostReservationId.NotFound", NULL,
                   "Action=DescribeHostReservations&HostReservationIdSet.1=%s", reservation);
    world_refusedf(w, "InvalidHostID.NotFound", NULL, "Action=PurchaseHostReservation&%s", hosts);
    world_account(w, "000000000000", "us-east-1");
    world_advance(w, 364 * DAY_MS);
    xml = world_ok(w, "Action=DescribeHostReservations");
    CHECK_STR(xml_text(xml, "state"), "active");
    world_advance(w, DAY_MS + 1);
    xml = world_ok(w, "Action=DescribeHostReservations");
    CHECK_STR(xml_text(xml, "state"), "retired");
    xml = world_okf(w, "Action=ReleaseHosts&HostId.1=%s", host);
    CHECK_STR(xml_text(xml_element(xml, "successful"), "item"), host);
    world_free(w);
}

TEST(a_reservation_follows_its_host_when_that_recovers)
{
    struct world *w = world_new();
    const char *host = allocate(w, "InstanceType=m5.large&HostRecovery=on");
    const char *id = offering_id(w, "AllUpfront", 3);
    struct txn *txn;

    world_okf(w, "Action=PurchaseHostReservation&OfferingId=%s&HostIdSet.1=%s", id, host);
    txn = world_begin(w);
    CHECK(ec2_fault_set(txn, S("host"), ec2_dedicated_host_get(txn, str_from(host))->host, true,
                        w->env.now_ms) == 0);
    store_commit(txn);
    world_advance(w, 121000);
    struct str xml = world_ok(w, "Action=DescribeHostReservations");
    const char *next = test_cstr(xml_text(xml_element(xml, "hostIdSet"), "item"));

    CHECK(strcmp(next, host) != 0);
    xml = world_okf(w, "Action=DescribeHosts&HostId.1=%s", next);
    CHECK(str_starts(xml_text(xml, "hostReservationId"), S("hr-")));
    CHECK_STR(xml_text(xml, "state"), "available");
    world_free(w);
}

TEST(a_purchase_that_cannot_be_is_refused)
{
    struct world *w = world_new();
    const char *m5 = allocate(w, "InstanceType=m5.large"),
               *c5 = allocate(w, "InstanceType=c5.large");
    const char *id = offering_id(w, "NoUpfront", 1);
#define BUY "Action=PurchaseHostReservation&OfferingId="

    world_refusedf(w, "InvalidHostReservationOfferingId.Malformed", NULL, BUY "x&HostIdSet.1=%s",
                   m5);
    world_refusedf(w, "InvalidHostReservationOfferingId.NotFound", NULL,
                   BUY "hro-0123456789abcdef0&HostIdSet.1=%s", m5);
    world_refusedf(w, "InvalidHostConfiguration", NULL, BUY "%s&HostIdSet.1=%s", id, c5);
    world_refusedf(w, "InvalidHostState", NULL, BUY "%s&HostIdSet.1=%s&HostIdSet.2=%s", id, m5, m5);
    world_refusedf(w, "InvalidHostID.Malformed", NULL, BUY "%s&HostIdSet.1=x", id);
    world_refusedf(w, "InvalidParameterValue", NULL, BUY "%s&HostIdSet.1=%s&LimitPrice=ten", id,
                   m5);
    world_refusedf(w, "MissingParameter", NULL, BUY "%s", id);
    world_refused(w, "InvalidHostReservationId.Malformed", NULL,
                  "Action=DescribeHostReservations&HostReservationIdSet.1=x");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHostReservations"), "hostReservationId"), 0);
    world_free(w);
}
