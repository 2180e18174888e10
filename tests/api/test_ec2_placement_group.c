/* Placement groups and where instances run, through the API. */
#include "api/placement_help.h"
#include "ec2/placer.h"

#include <stdlib.h>

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52"

static void
create(struct world *w, const char *name, const char *rest)
{
    world_okf(w, "Action=CreatePlacementGroup&GroupName=%s&%s", name, rest);
}

static struct str
run(struct world *w, const char *rest)
{
    return str_dup(&w->arena,
                   xml_text(world_okf(w, RUN "&MinCount=1&MaxCount=1&%s", rest), "instanceId"));
}

TEST(a_placement_group_of_each_strategy_is_made_shown_and_deleted, "PG-01 PG-02")
{
    struct world *w = world_new();

    struct str made =
        world_ok(w, "Action=CreatePlacementGroup&GroupName=p&Strategy=partition&"
                    "PartitionCount=5&TagSpecification.1.ResourceType=placement-group"
                    "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b");
    CHECK_STR(xml_text(made, "partitionCount"), "5");
    CHECK_STR(xml_text(made, "state"), "available");
    CHECK_STR(xml_text(made, "groupArn"), "arn:aws:ec2:us-east-1:000000000000:placement-group/p");
    CHECK(str_starts(xml_text(made, "groupId"), S("pg-")));
    create(w, "c", "Strategy=cluster");
    create(w, "s", "Strategy=spread");
    create(w, "o", "Strategy=spread&SpreadLevel=host");
    create(w, "d", "Strategy=partition");
    world_crash(w);
    struct str all = world_ok(w, "Action=DescribePlacementGroups");
    CHECK(xml_count(all, "groupName") == 5);
    CHECK_STR(xml_text(xml_where(all, "item", "groupName", "s"), "spreadLevel"), "rack");
    CHECK_STR(xml_text(xml_where(all, "item", "groupName", "d"), "partitionCount"), "2");
    CHECK(!xml_text(xml_where(all, "item", "groupName", "c"), "spreadLevel").p);
    CHECK(xml_count(world_ok(w, "Action=DescribePlacementGroups&Filter.1.Name=strategy&"
                                "Filter.1.Value.1=spread"),
                    "groupName") == 2);
    CHECK(xml_count(world_ok(w, "Action=DescribePlacementGroups&Filter.1.Name=tag:a&"
                                "Filter.1.Value.1=b"),
                    "groupName") == 1);
    CHECK(xml_count(world_ok(w, "Action=DescribePlacementGroups&GroupName.1=s&GroupName.2=c"),
                    "groupName") == 2);
    struct str id = xml_text(made, "groupId");
    CHECK_STR(xml_text(world_okf(w, "Action=DescribePlacementGroups&GroupId.1=%s", test_cstr(id)),
                       "groupName"),
              "p");
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=c&Tag.1.Value=d", test_cstr(id));
    CHECK(xml_count(world_ok(w, "Action=DescribePlacementGroups&GroupName.1=p"), "key") == 2);

    world_account(w, "111122223333", "us-east-1");
    CHECK(xml_count(world_ok(w, "Action=DescribePlacementGroups"), "groupName") == 0);
    world_refusedf(w, "InvalidPlacementGroup.Unknown", NULL,
                   "Action=DescribePlacementGroups&GroupId.1=%s", test_cstr(id));
    create(w, "p", "Strategy=cluster");
    world_account(w, "000000000000", "eu-west-1");
    world_refused(w, "InvalidPlacementGroup.Unknown", "The Placement Group 'p' is unknown.",
                  "Action=DeletePlacementGroup&GroupName=p");
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=DeletePlacementGroup&GroupName=p");
    world_refused(w, "InvalidPlacementGroup.Unknown", "The Placement Group 'p' is unknown.",
                  "Action=DescribePlacementGroups&GroupName.1=p");
    world_free(w);
}

TEST(a_placement_group_that_cannot_be_is_refused, "PG-01 PG-28")
{
    struct world *w = world_new();

    create(w, "g", "Strategy=cluster");
    world_refused(w, "InvalidPlacementGroup.Duplicate", "The placement group 'g' already exists.",
                  "Action=CreatePlacementGroup&GroupName=g&Strategy=spread");
    world_refused(w, "MissingParameter", NULL, "Action=CreatePlacementGroup&Strategy=spread");
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=CreatePlacementGroup&GroupName=x&Strategy=partition&PartitionCount=8");
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=CreatePlacementGroup&GroupName=x&Strategy=partition&PartitionCount=0");
    world_refused(w, "InvalidParameterCombination", NULL,
                  "Action=CreatePlacementGroup&GroupName=x&Strategy=spread&PartitionCount=2");
    world_refused(w, "InvalidParameterCombination", NULL,
                  "Action=CreatePlacementGroup&GroupName=x&Strategy=cluster&SpreadLevel=rack");
    world_refused(w, "UnsupportedOperation", NULL,
                  "Action=CreatePlacementGroup&GroupName=x&Strategy=spread&LinkedGroupId=y");
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=CreatePlacementGroup&GroupName=x%20&Strategy=spread");
    world_refused(w, "InvalidPlacementGroup.Unknown", NULL,
                  RUN "&MinCount=1&MaxCount=1&Placement.GroupName=nope");
    for (int i = 1; i < 500; i++)
        world_okf(w, "Action=CreatePlacementGroup&GroupName=g%d&Strategy=spread", i);
    world_refused(w, "PlacementGroupLimitExceeded", NULL,
                  "Action=CreatePlacementGroup&GroupName=x&Strategy=spread");
    world_free(w);
}

TEST(a_spread_group_runs_seven_in_a_zone_and_more_in_another, "PG-18 PG-20 PG-22 PG-23")
{
    struct world *w = world_new();
    struct str id[7];

    create(w, "s", "Strategy=spread");
    for (unsigned i = 0; i < 7; i++) {
        id[i] = run(w, "InstanceType=t3.micro&Placement.GroupName=s&"
                       "Placement.AvailabilityZone=us-east-1b");
        for (unsigned j = 0; j < i; j++)
            CHECK(!str_eq(placement_rack_of(host_of(w, id[i])),
                          placement_rack_of(host_of(w, id[j]))));
    }
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.GroupName=s&"
                      "Placement.AvailabilityZone=us-east-1b");
    run(w, "InstanceType=t3.micro&Placement.GroupName=s&Placement.AvailabilityZone=us-east-1f");
    world_crash(w);
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.GroupName=s&"
                      "Placement.AvailabilityZone=us-east-1b");
    /* Only what runs counts. */
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id[3]));
    world_advance(w, 60000);
    CHECK(host_of(w, id[3]).n == 0);
    run(w, "InstanceType=t3.micro&Placement.GroupName=s&Placement.AvailabilityZone=us-east-1b");
    world_refusedf(w, "InsufficientInstanceCapacity", NULL, "Action=StartInstances&InstanceId.1=%s",
                   test_cstr(id[3]));
    /* As many as there is room for: a zone of its own has seven. */
    struct str more =
        world_ok(w, RUN "&MinCount=2&MaxCount=20&InstanceType=t3.micro&"
                        "Placement.GroupName=s&Placement.AvailabilityZone=us-east-1d");
    CHECK(xml_count(more, "instanceId") == 7);
    world_refused(w, "InvalidParameterCombination", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.GroupName=s&"
                      "Placement.Tenancy=dedicated");
    world_free(w);
}

TEST(a_cluster_is_locked_to_the_zone_of_its_first_instance, "PG-03 PG-04 PG-09 PG-12")
{
    struct world *w = world_new();

    create(w, "c", "Strategy=cluster");
    world_refused(w, "InvalidParameterCombination",
                  "Cluster placement groups are not supported by the 't3.micro' instance type. "
                  "Specify a supported instance type or change the placement group strategy, and "
                  "try again.",
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.GroupName=c");
    struct str first = run(w, "InstanceType=c5.large&Placement.GroupName=c&"
                              "Placement.AvailabilityZone=us-east-1d");
    world_refused(w, "InvalidPlacementGroup.InUse",
                  "The placement group 'c' is in use in another availability zone: us-east-1d",
                  RUN "&MinCount=1&MaxCount=1&InstanceType=c5.large&Placement.GroupName=c&"
                      "Placement.AvailabilityZone=us-east-1a");
    /* Another type, and no zone: it follows. */
    struct str next = run(w, "InstanceType=m5.large&Placement.GroupName=c");
    struct str shown = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(next));
    CHECK_STR(xml_text(xml_element(shown, "placement"), "availabilityZone"), "us-east-1d");
    CHECK_STR(xml_text(xml_element(shown, "placement"), "groupName"), "c");
    CHECK(str_eq(placement_rack_of(host_of(w, next)), placement_rack_of(host_of(w, first))));
    world_refused(w, "InvalidPlacementGroup.InUse",
                  "The placement group 'c' is in use and may not be deleted.",
                  "Action=DeletePlacementGroup&GroupName=c");
    CHECK(xml_count(world_ok(w, "Action=DescribeInstances&Filter.1.Name=placement-group-name&"
                                "Filter.1.Value.1=c"),
                    "instanceId") == 2);
    /* A stopped member holds the zone as well; when all are gone the group is free again. */
    world_advance(w, 60000);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", test_cstr(first));
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(next));
    world_advance(w, 60000);
    world_refused(w, "InvalidPlacementGroup.InUse", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=c5.large&Placement.GroupName=c&"
                      "Placement.AvailabilityZone=us-east-1a");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", test_cstr(next));
    world_advance(w, 60000);
    run(w, "InstanceType=c5.large&Placement.GroupName=c&Placement.AvailabilityZone=us-east-1a");
    world_free(w);
}

TEST(instances_of_a_partition_group_are_dealt_out_evenly, "PG-27 PG-31")
{
    struct world *w = world_new();
    unsigned counts[3] = {0};
    struct str racks[42][3] = {{{0}}};

    create(w, "p", "Strategy=partition&PartitionCount=3");
    struct str all = world_ok(w, RUN "&MinCount=30&MaxCount=30&InstanceType=t3.micro&"
                                     "Placement.GroupName=p");
    for (unsigned i = 0; i < 30; i++) {
        struct str one = xml_text_at(all, "partitionNumber", i);
        struct str rack = placement_rack_of(host_of(w, xml_text_at(all, "instanceId", i)));
        unsigned partition = (unsigned)(one.p[0] - '1'), number;

        CHECK(one.n == 1 && partition < 3);
        counts[partition]++;
        number = (unsigned)strtoul(test_cstr(str_cut(rack, sizeof("us-east-1a/r") - 1, rack.n)),
                                   NULL, 10);
        CHECK(number >= 1 && number <= 42);
        racks[number - 1][partition] = rack;
        CHECK(!racks[number - 1][(partition + 1) % 3].n &&
              !racks[number - 1][(partition + 2) % 3].n);
    }
    CHECK(counts[0] == 10 && counts[1] == 10 && counts[2] == 10);
    struct str third = run(w, "InstanceType=t3.micro&Placement.GroupName=p&"
                              "Placement.PartitionNumber=3");
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(third)),
                       "partitionNumber"),
              "3");
    CHECK(xml_count(world_ok(w, "Action=DescribeInstances&Filter.1.Name=placement-partition-number&"
                                "Filter.1.Value.1=3"),
                    "instanceId") == 11);
    world_refused(w, "InvalidParameterValue", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.GroupName=p&"
                      "Placement.PartitionNumber=4");
    world_refused(w, "InvalidParameterCombination", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.PartitionNumber=1");
    world_refused(w, "InvalidParameterCombination", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro&Placement.GroupName=p&"
                      "Placement.Tenancy=dedicated");
    world_free(w);
}

TEST(a_stopped_instance_is_moved_in_and_out_of_a_group, "PG-01")
{
    struct world *w = world_new();

    create(w, "c", "Strategy=cluster");
    create(w, "p", "Strategy=partition&PartitionCount=4");
    struct str id = run(w, "InstanceType=c5.large");
    world_refusedf(w, "IncorrectInstanceState", NULL,
                   "Action=ModifyInstancePlacement&InstanceId=%s&GroupName=c", test_cstr(id));
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id));
    world_advance(w, 60000);
    world_refusedf(w, "MissingParameter", NULL, "Action=ModifyInstancePlacement&InstanceId=%s",
                   test_cstr(id));
    world_refusedf(w, "UnsupportedOperation", NULL,
                   "Action=ModifyInstancePlacement&InstanceId=%s&HostResourceGroupArn=x",
                   test_cstr(id));
    world_okf(w, "Action=ModifyInstancePlacement&InstanceId=%s&GroupName=p&PartitionNumber=4",
              test_cstr(id));
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(id));
    struct str shown = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(id));
    CHECK_STR(xml_text(shown, "partitionNumber"), "4");
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id));
    world_advance(w, 60000);
    world_okf(w, "Action=ModifyInstancePlacement&InstanceId=%s&GroupName=c", test_cstr(id));
    world_refused(w, "InvalidPlacementGroup.InUse", NULL,
                  "Action=DeletePlacementGroup&GroupName=c");
    world_okf(w, "Action=ModifyInstancePlacement&InstanceId=%s&GroupName=", test_cstr(id));
    world_ok(w, "Action=DeletePlacementGroup&GroupName=c");
    world_ok(w, "Action=DeletePlacementGroup&GroupName=p");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(id));
    shown = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(id));
    CHECK(!xml_text(shown, "partitionNumber").p);
    CHECK_STR(xml_text(xml_element(shown, "placement"), "groupName"), "");
    world_free(w);
}

TEST(dedicated_instances_of_two_accounts_share_no_host, "DI-01 DI-05")
{
    struct world *w = world_new();
    struct str mine[6], others[6];

    for (unsigned i = 0; i < 6; i++) {
        world_account(w, "000000000000", "us-east-1");
        mine[i] = run(w, "InstanceType=m5.large&Placement.Tenancy=dedicated");
        struct str shown =
            world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(mine[i]));
        CHECK_STR(xml_text(shown, "tenancy"), "dedicated");
        CHECK(!xml_text(shown, "hostId").p);
        world_account(w, "111122223333", "us-east-1");
        others[i] = run(w, "InstanceType=m5.large");
    }
    for (unsigned i = 0; i < 6; i++)
        for (unsigned j = 0; j < 6; j++)
            CHECK(!str_eq(host_of(w, mine[i]), host_of(w, others[j])));
    world_free(w);
}

TEST(a_launch_that_was_rolled_back_leaves_no_trace_on_its_host)
{
    struct world *w = world_new();

    create(w, "s", "Strategy=spread");
    for (unsigned i = 0; i < 20; i++) {
        world_refused(w, "DryRunOperation", NULL,
                      RUN "&MinCount=5&MaxCount=5&InstanceType=t3.micro&Placement.GroupName=s&"
                          "DryRun=true&Placement.AvailabilityZone=us-east-1a");
        /* placed, then refused for another reason, all of it taken back */
        world_refused(w, "InsufficientInstanceCapacity", NULL,
                      RUN "&MinCount=8&MaxCount=9&InstanceType=t3.micro&Placement.GroupName=s&"
                          "Placement.AvailabilityZone=us-east-1a");
    }
    struct str all = world_ok(w, RUN "&MinCount=7&MaxCount=7&InstanceType=t3.micro&"
                                     "Placement.GroupName=s&Placement.AvailabilityZone=us-east-1a");
    CHECK(xml_count(all, "instanceId") == 7);
    world_free(w);
}

TEST(a_partition_takes_hundreds_and_a_group_spans_zones, "PG-29 PG-30 PG-32")
{
    struct world *w = world_new();
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1d"};
    struct str_list racks[2] = {{0}};

    create(w, "p", "Strategy=partition&PartitionCount=2");
    for (unsigned z = 0; z < ARRAY_LEN(zones); z++)
        for (unsigned p = 0; p < 2; p++) {
            struct str all = world_okf(w,
                                       RUN "&MinCount=150&MaxCount=150&InstanceType=t3.micro&"
                                           "Placement.GroupName=p&Placement.PartitionNumber=%u&"
                                           "Placement.AvailabilityZone=%s",
                                       p + 1, zones[z]);

            CHECK_INT(xml_count(all, "instanceId"), 150);
            for (unsigned i = 0; i < 150; i++) {
                struct str host = host_of(w, xml_text_at(all, "instanceId", i));

                CHECK(str_eq(placement_zone_of(host), str_from(zones[z])));
                if (!str_in(&racks[p], placement_rack_of(host)))
                    *LIST_PUSH(&w->arena, &racks[p]) = placement_rack_of(host);
            }
        }
    CHECK(racks[0].n >= 3 && racks[1].n >= 3);
    LIST_EACH(&racks[0], rack)
        CHECK(!str_in(&racks[1], *rack));
    struct str all = world_ok(w, "Action=DescribeInstances&Filter.1.Name=placement-group-name&"
                                 "Filter.1.Value.1=p");

    CHECK_INT(xml_count(all, "partitionNumber"), 900);
    world_free(w);
}

TEST(a_dedicated_instance_does_not_choose_its_hardware_and_may_move_to_other, "DI-03")
{
    struct world *w = world_new();
    struct str id = run(w, "InstanceType=m5.large&Placement.Tenancy=dedicated&"
                           "Placement.AvailabilityZone=us-east-1a");
    struct str before = host_of(w, id), other;

    world_refused(w, "InvalidParameterCombination", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=m5.large&Placement.Tenancy=dedicated&"
                      "Placement.HostId=h-0123456789abcdef0");
    world_refused(w, "InvalidParameterCombination", NULL,
                  RUN "&MinCount=1&MaxCount=1&InstanceType=m5.large&Placement.Tenancy=dedicated&"
                      "Placement.Affinity=host");
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id));
    world_advance(w, 60000);
    CHECK(!host_of(w, id).n);
    /* another account is faster */
    world_account(w, "111122223333", "us-east-1");
    do
        other = run(w, "InstanceType=m5.large&Placement.AvailabilityZone=us-east-1a");
    while (!str_eq(host_of(w, other), before));
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(id));
    CHECK(host_of(w, id).n && !str_eq(host_of(w, id), before));
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(id)),
                       "tenancy"),
              "dedicated");
    world_free(w);
}
