/* Capacity Reservations. */
#include "base/timefmt.h"
#include "ec2/ec2.h"
#include "ec2/placer.h"
#include "harness/world.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&"                     \
    "Placement.AvailabilityZone=us-east-1a"
#define CREATE                                                                                     \
    "Action=CreateCapacityReservation&InstanceType=t3.micro&InstancePlatform=Linux/UNIX&"          \
    "AvailabilityZone=us-east-1a"
/* Eight t3.micro in each zone. */
#define SMALL                                                                                      \
    "kind k vcpus=8 memory=16384 sockets=1 cores=4 families=*\n"                                   \
    "zone * racks=2 hosts=1*k\n"

static struct str
create(struct world *w, const char *rest)
{
    return str_dup(&w->arena, xml_text(world_okf(w, CREATE "&%s", rest), "capacityReservationId"));
}

static struct str
run(struct world *w, const char *rest)
{
    return str_dup(&w->arena,
                   xml_text(world_okf(w, RUN "&MinCount=1&MaxCount=1&%s", rest), "instanceId"));
}

static void
check_counts(struct world *w, struct str id, const char *total, const char *available)
{
    struct str shown = world_okf(
        w, "Action=DescribeCapacityReservations&CapacityReservationId.1=%s", test_cstr(id));

    CHECK_STR(xml_text(shown, "totalInstanceCount"), total);
    CHECK_STR(xml_text(shown, "availableInstanceCount"), available);
}

static struct str
reservation_of(struct world *w, struct str instance)
{
    return xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(instance)),
                    "capacityReservationId");
}

TEST(a_reservation_keeps_room_for_its_account)
{
    struct world *w = world_new_region(SMALL);
    struct str id = create(w, "InstanceCount=5&TagSpecifications.1.ResourceType="
                              "capacity-reservation&TagSpecifications.1.Tag.1.Key=a&"
                              "TagSpecifications.1.Tag.1.Value=b");
    struct str shown = world_ok(w, "Action=DescribeCapacityReservations");

    CHECK(str_starts(id, S("cr-")));
    CHECK_STR(xml_text(shown, "state"), "active");
    CHECK_STR(xml_text(shown, "instanceMatchCriteria"), "open");
    CHECK_STR(xml_text(shown, "endDateType"), "unlimited");
    CHECK_STR(xml_text(shown, "key"), "a");
    /* The others have three places. */
    world_account(w, "111122223333", "us-east-1");
    CHECK(xml_count(world_ok(w, "Action=DescribeCapacityReservations"), "state") == 0);
    CHECK(xml_count(world_ok(w, RUN "&MinCount=1&MaxCount=8"), "instanceId") == 3);
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  CREATE "&InstanceCount=1&InstanceMatchCriteria=targeted");
    world_account(w, "000000000000", "us-east-1");
    struct str first = run(w, "");
    CHECK(str_eq(reservation_of(w, first), id));
    check_counts(w, id, "5", "4");
    world_crash(w);
    CHECK(xml_count(world_ok(w, RUN "&MinCount=1&MaxCount=8"), "instanceId") == 4);
    check_counts(w, id, "5", "0");
    struct str usage =
        world_okf(w, "Action=GetCapacityReservationUsage&CapacityReservationId=%s", test_cstr(id));
    CHECK_STR(xml_text(usage, "usedInstanceCount"), "5");
    CHECK_STR(xml_text(usage, "accountId"), "000000000000");
    world_refused(w, "InsufficientInstanceCapacity", NULL, RUN "&MinCount=1&MaxCount=1");
    /* A stop frees the slot for the account, not for others. */
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(first));
    world_advance(w, 60000);
    check_counts(w, id, "5", "1");
    CHECK(!reservation_of(w, first).p);
    world_account(w, "111122223333", "us-east-1");
    world_refused(w, "InsufficientInstanceCapacity", NULL, RUN "&MinCount=1&MaxCount=1");
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(first));
    check_counts(w, id, "5", "0");
    world_free(w);
}

TEST(a_targeted_reservation_takes_only_what_names_it)
{
    struct world *w = world_new_region(SMALL);
    struct str id = create(w, "InstanceCount=2&InstanceMatchCriteria=targeted");
    const char *target = test_fmt("CapacityReservationSpecification.CapacityReservationTarget."
                                  "CapacityReservationId=%s",
                                  test_cstr(id));

    CHECK(!reservation_of(w, run(w, "")).p);
    struct str in = run(w, target);
    CHECK(str_eq(reservation_of(w, in), id));
    CHECK(str_eq(xml_text(xml_element(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s",
                                                test_cstr(in)),
                                      "capacityReservationTarget"),
                          "capacityReservationId"),
                 id));
    world_refusedf(w, "ReservationCapacityExceeded",
                   "The requested reservation does not have sufficient compatible and available "
                   "capacity for this request.",
                   RUN "&MinCount=2&MaxCount=2&%s", target);
    check_counts(w, id, "2", "1");
    run(w, target);
    world_refusedf(w, "ReservationCapacityExceeded", NULL,
                   "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.nano&"
                   "MinCount=1&MaxCount=1&%s",
                   target);
    world_refused(w, "InvalidCapacityReservationId.NotFound", NULL,
                  RUN "&MinCount=1&MaxCount=1&CapacityReservationSpecification."
                      "CapacityReservationTarget.CapacityReservationId=cr-01234567890123456");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   RUN "&MinCount=1&MaxCount=1&CapacityReservationSpecification."
                       "CapacityReservationPreference=open&%s",
                   target);
    world_refused(w, "ReservationCapacityExceeded", NULL,
                  RUN "&MinCount=1&MaxCount=1&CapacityReservationSpecification."
                      "CapacityReservationPreference=capacity-reservations-only");
    world_free(w);
}

TEST(an_open_reservation_counts_what_runs_and_matches_already)
{
    struct world *w = world_new_region(SMALL);
    struct str old = run(w, "");
    struct str none = run(w, "CapacityReservationSpecification.CapacityReservationPreference=none");
    struct str id = create(w, "InstanceCount=3");

    CHECK(str_eq(reservation_of(w, old), id));
    CHECK(!reservation_of(w, none).p);
    check_counts(w, id, "3", "2");
    world_okf(w, "Action=ModifyCapacityReservation&CapacityReservationId=%s&InstanceCount=7",
              test_cstr(id));
    check_counts(w, id, "7", "6");
    world_refusedf(w, "InsufficientInstanceCapacity", NULL,
                   "Action=ModifyCapacityReservation&CapacityReservationId=%s&InstanceCount=8",
                   test_cstr(id));
    world_okf(w, "Action=ModifyCapacityReservation&CapacityReservationId=%s&InstanceCount=1",
              test_cstr(id));
    check_counts(w, id, "1", "0");
    CHECK(xml_count(world_ok(w, RUN "&MinCount=1&MaxCount=8"), "instanceId") == 6);
    world_okf(w, "Action=CancelCapacityReservation&CapacityReservationId=%s", test_cstr(id));
    CHECK(!reservation_of(w, old).p);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeCapacityReservations"), "state"), "cancelled");
    world_refusedf(w, "IncorrectState", NULL,
                   "Action=CancelCapacityReservation&CapacityReservationId=%s", test_cstr(id));
    world_free(w);
}

TEST(a_reservation_ends_at_its_end_date)
{
    struct world *w = world_new_region(SMALL);
    struct str id = create(w, "InstanceCount=8&EndDateType=unlimited");

    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=ModifyCapacityReservation&CapacityReservationId=%s&EndDateType=limited",
                   test_cstr(id));
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=ModifyCapacityReservation&CapacityReservationId=%s&EndDateType=limited&"
                   "EndDate=2001-01-01T00:00:00Z",
                   test_cstr(id));
    struct arena *a = &w->arena;
    struct str soon = time_iso(a, w->env.now_ms + 3600 * 1000);
    world_okf(w,
              "Action=ModifyCapacityReservation&CapacityReservationId=%s&EndDateType=limited&"
              "EndDate=%s",
              test_cstr(id), test_cstr(soon));
    world_crash(w);
    world_advance(w, 3500 * 1000);
    world_account(w, "111122223333", "us-east-1");
    world_refused(w, "InsufficientInstanceCapacity", NULL, RUN "&MinCount=1&MaxCount=1");
    world_advance(w, 101 * 1000);
    world_ok(w, RUN "&MinCount=8&MaxCount=8");
    world_account(w, "000000000000", "us-east-1");
    struct str shown = world_ok(w, "Action=DescribeCapacityReservations&Filter.1.Name=state&"
                                   "Filter.1.Value.1=expired");
    CHECK(str_eq(xml_text(shown, "capacityReservationId"), id));
    CHECK_STR(xml_text(shown, "availableInstanceCount"), "0");
    world_free(w);
}

TEST(a_reservation_that_cannot_be_is_refused)
{
    struct world *w = world_new_region(SMALL);

    world_refused(w, "InvalidParameterValue", NULL, CREATE "&InstanceCount=0");
    world_refused(w, "InvalidParameterValue", NULL, CREATE "&InstanceCount=1001");
    world_refused(w, "InsufficientInstanceCapacity", NULL, CREATE "&InstanceCount=9");
    world_refused(w, "UnsupportedOperation", NULL,
                  CREATE "&InstanceCount=1&StartDate=2030-01-01T00:00:00Z");
    world_refused(w, "UnsupportedOperation", NULL,
                  CREATE "&InstanceCount=1&OutpostArn="
                         "arn:aws:outposts:us-east-1:123456789012:outpost/op-0123456789abcdef0");
    world_refused(w, "InvalidCapacityReservationId.Malformed", NULL,
                  "Action=CancelCapacityReservation&CapacityReservationId=x");
    world_refused(w, "InvalidCapacityReservationId.NotFound", NULL,
                  "Action=CancelCapacityReservation&CapacityReservationId=cr-01234567890123456");
    struct str id = create(w, "InstanceCount=8&ClientToken=t");
    CHECK(str_eq(create(w, "InstanceCount=8&ClientToken=t"), id));
    world_refused(w, "IdempotentParameterMismatch", NULL, CREATE "&InstanceCount=2&ClientToken=t");
    world_free(w);
}
