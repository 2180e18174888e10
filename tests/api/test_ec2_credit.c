/* Credits of burstable instances: the options, and a meter that holds them to what they have. */
#include "ec2/instance.h"
#include "harness/world.h"

#define AMI "ami-009d6802948d06e52"
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define CREDIT INT64_C(1000000)

static const char *
run(struct world *w, const char *more)
{
    struct str xml = world_okf(w,
                               "Action=RunInstances&ImageId=" AMI "&MinCount=1&MaxCount=1"
                               "&InstanceType=%s",
                               more);

    world_advance(w, 1000);
    return xml_cstr(xml, "instanceId");
}

static struct host_credit_row
credits(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    const struct host_credit_row *row = host_credit_get(txn, str_from(id));
    struct host_credit_row copy = row ? *row : (struct host_credit_row){.limit_milli = -1};

    store_rollback(txn);
    return copy;
}

static const char *
option(struct world *w, const char *id)
{
    return xml_cstr(world_okf(w, "Action=DescribeInstanceCreditSpecifications&InstanceId.1=%s", id),
                    "cpuCredits");
}

TEST(the_credit_option_is_the_familys_default_until_it_is_changed)
{
    struct world *w = world_new();
    const char *t2 = run(w, "t2.micro"), *t3 = run(w, "t3.micro"), *m5 = run(w, "m5.large"), *late;
    struct str xml;

    CHECK_STR(str_from(option(w, t2)), "standard");
    CHECK_STR(str_from(option(w, t3)), "unlimited");
    xml = world_ok(w, "Action=GetDefaultCreditSpecification&InstanceFamily=t3");
    CHECK_STR(xml_text(xml, "instanceFamily"), "t3");
    CHECK_STR(xml_text(xml, "cpuCredits"), "unlimited");
    xml = world_ok(w, "Action=ModifyDefaultCreditSpecification&InstanceFamily=t3"
                      "&CpuCredits=standard");
    CHECK_STR(xml_text(xml, "cpuCredits"), "standard");
    world_crash(w);
    late = run(w, "t3.micro");
    CHECK_STR(str_from(option(w, late)), "standard");
    CHECK_STR(str_from(option(w, t3)), "unlimited");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_STR(xml_text(world_ok(w, "Action=GetDefaultCreditSpecification&InstanceFamily=t3"),
                       "cpuCredits"),
              "unlimited");
    world_account(w, "000000000000", "us-east-1");

    /* Each instance has an answer of its own. */
    xml = world_okf(w,
                    "Action=ModifyInstanceCreditSpecification"
                    "&InstanceCreditSpecification.1.InstanceId=%s"
                    "&InstanceCreditSpecification.1.CpuCredits=standard"
                    "&InstanceCreditSpecification.2.InstanceId=%s"
                    "&InstanceCreditSpecification.2.CpuCredits=standard"
                    "&InstanceCreditSpecification.3.InstanceId=i-0123456789abcdef0"
                    "&InstanceCreditSpecification.3.CpuCredits=standard"
                    "&InstanceCreditSpecification.4.InstanceId=x"
                    "&InstanceCreditSpecification.4.CpuCredits=standard",
                    t3, m5);
    CHECK_STR(xml_text(xml_element(xml, "successfulInstanceCreditSpecificationSet"), "instanceId"),
              t3);
    xml = xml_element(xml, "unsuccessfulInstanceCreditSpecificationSet");
    CHECK_INT(xml_count(xml, "instanceId"), 3);
    CHECK_STR(xml_text_at(xml, "code", 0), "InstanceCreditSpecification.NotSupported");
    CHECK_STR(xml_text_at(xml, "code", 1), "InvalidInstanceID.NotFound");
    CHECK_STR(xml_text_at(xml, "code", 2), "InvalidInstanceID.Malformed");
    CHECK_STR(str_from(option(w, t3)), "standard");
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=ModifyInstanceCreditSpecification"
                   "&InstanceCreditSpecification.1.InstanceId=%s"
                   "&InstanceCreditSpecification.1.CpuCredits=much",
                   t3);
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=ModifyDefaultCreditSpecification&InstanceFamily=t3&CpuCredits=much");
    world_free(w);
}

TEST(a_standard_instance_is_held_to_its_baseline_when_its_credits_are_gone, "ITYPE-10 ITYPE-11")
{
    struct world *w = world_new();
    const char *id = run(w, "t2.micro");
    struct host_credit_row at;

    CHECK_INT(credits(w, id).launch, 30 * CREDIT);
    CHECK_INT(credits(w, id).limit_milli, 1000);
    host_sim_use(w->sim, str_from(id), 1000);
    world_advance(w, 20 * MINUTE_MS);
    CHECK_INT(credits(w, id).limit_milli, 1000); /* thirty credits last over half an hour */
    world_crash(w);
    world_advance(w, 40 * MINUTE_MS);
    CHECK(credits(w, id).launch + credits(w, id).balance < CREDIT / 100);
    CHECK_INT(credits(w, id).limit_milli, 100);
    /* It stays there while it wants more, and gets up again when it was idle. */
    world_advance(w, 5 * HOUR_MS);
    CHECK_INT(credits(w, id).limit_milli, 100);
    host_sim_use(w->sim, str_from(id), 0);
    world_advance(w, 2 * HOUR_MS);
    at = credits(w, id);
    CHECK(at.balance >= 11 * CREDIT && at.balance <= 13 * CREDIT);
    CHECK_INT(at.limit_milli, 1000);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_INT(credits(w, id).limit_milli, -1);
    world_free(w);
}

TEST(one_that_boots_does_not_put_off_the_look_at_another_whose_credits_end)
{
    struct world *w = world_new();
    const char *id = run(w, "t2.micro");

    host_sim_use(w->sim, str_from(id), 1000);
    world_advance(w, 32 * MINUTE_MS);
    CHECK_INT(credits(w, id).limit_milli, 1000);
    run(w, "t2.micro"); /* with credits for more than half an hour */
    world_advance(w, 5 * MINUTE_MS);
    CHECK_INT(credits(w, id).limit_milli, 100);
    world_free(w);
}

TEST(an_unlimited_instance_borrows_and_a_change_to_standard_holds_it, "ITYPE-08")
{
    struct world *w = world_new();
    const char *id = run(w, "t3.micro");

    host_sim_use(w->sim, str_from(id), 2000);
    world_advance(w, 2 * HOUR_MS + MINUTE_MS);
    CHECK_INT(credits(w, id).limit_milli, 2000);
    CHECK(credits(w, id).surplus > 200 * CREDIT);
    CHECK_INT(credits(w, id).charged, 0);
    world_advance(w, 2 * HOUR_MS);
    CHECK(credits(w, id).charged > 100 * CREDIT);
    world_okf(w,
              "Action=ModifyInstanceCreditSpecification"
              "&InstanceCreditSpecification.1.InstanceId=%s"
              "&InstanceCreditSpecification.1.CpuCredits=standard",
              id);
    world_settle(w);
    CHECK_INT(credits(w, id).limit_milli, 200);
    world_free(w);
}
