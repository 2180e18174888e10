/* Finite hardware: what a launch is told when there is no room, and what faults do. */
#include "daemon/region.h"
#include "api/placement_help.h"
#include "ec2/placer.h"

#include <stdlib.h>

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
/* Two hosts of four t3.micro in each zone, one a rack. */
#define SMALL                                                                                      \
    "kind k vcpus=8 memory=16384 sockets=1 cores=4 families=*\n"                                   \
    "zone us-east-1* racks=2 hosts=1*k\n"                                                          \
    "zone * racks=9 hosts=9*k\n"

static void
fill(struct world *w, const char *zone, unsigned n)
{
    world_okf(w, RUN "&MinCount=%u&MaxCount=%u&Placement.AvailabilityZone=%s", n, n, zone);
}

TEST(a_zone_without_room_answers_which_zones_have_some, "LAUNCH-06 LAUNCH-14")
{
    struct world *w = world_new_region(SMALL);

    fill(w, "us-east-1a", 8);
    world_refused(w, "InsufficientInstanceCapacity",
                  "We currently do not have sufficient t3.micro capacity in the Availability Zone "
                  "you requested (us-east-1a). Our system will be working on provisioning "
                  "additional capacity. You can currently get t3.micro capacity by not specifying "
                  "an Availability Zone in your request or choosing us-east-1b, us-east-1d, "
                  "us-east-1e, us-east-1f.",
                  RUN "&MinCount=1&MaxCount=1&Placement.AvailabilityZone=us-east-1a");
    CHECK(w->http == 500);
    /* Without a zone it goes where there is room. */
    struct str other = world_ok(w, RUN "&MinCount=1&MaxCount=1");
    CHECK_STR(xml_text(xml_element(other, "placement"), "availabilityZone"), "us-east-1b");
    world_free(w);
}

TEST(a_launch_takes_what_there_is_from_its_minimum_on, "LAUNCH-07")
{
    struct world *w = world_new_region(SMALL);

    fill(w, "us-east-1a", 5);
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=4&MaxCount=4&Placement.AvailabilityZone=us-east-1a");
    CHECK(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId") == 5);
    /* In pieces it works, and MinCount below MaxCount gives what there is. */
    fill(w, "us-east-1a", 1);
    struct str rest =
        world_ok(w, RUN "&MinCount=1&MaxCount=4&Placement.AvailabilityZone=us-east-1a");
    CHECK(xml_count(rest, "instanceId") == 2);
    world_free(w);
}

TEST(a_start_needs_room_as_well_and_a_stop_gives_it_back, "LAUNCH-06")
{
    struct world *w = world_new_region(SMALL);

    fill(w, "us-east-1a", 7);
    struct str id =
        str_dup(&w->arena, xml_text(world_ok(w, RUN "&MinCount=1&MaxCount=1&"
                                                    "Placement.AvailabilityZone=us-east-1a"),
                                    "instanceId"));
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id));
    world_advance(w, 60000);
    fill(w, "us-east-1a", 1);
    world_crash(w);
    world_refusedf(w, "InsufficientInstanceCapacity", NULL, "Action=StartInstances&InstanceId.1=%s",
                   test_cstr(id));
    struct str victim =
        str_dup(&w->arena,
                xml_text(world_ok(w, "Action=DescribeInstances&"
                                     "Filter.1.Name=instance-state-name&Filter.1.Value.1=running"),
                         "instanceId"));
    world_advance(w, 60000);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", test_cstr(victim));
    world_advance(w, 60000);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(id));
    CHECK(host_of(w, id).n > 0);
    world_free(w);
}

TEST(regions_have_hardware_of_their_own, "REG-01 REG-02")
{
    struct world *w = world_new_region(SMALL);

    fill(w, "us-east-1a", 8);
    world_account(w, "000000000000", "eu-west-1");
    struct str image = str_dup(
        &w->arena,
        xml_text(
            world_ok(w, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=welkin-tiny"),
            "imageId"));
    struct str there =
        world_okf(w,
                  "Action=RunInstances&ImageId=%s&InstanceType=t3.micro&MinCount=8&MaxCount=8&"
                  "Placement.AvailabilityZone=eu-west-1a",
                  test_cstr(image));
    CHECK(xml_count(there, "instanceId") == 8);
    world_account(w, "111122223333", "us-east-1");
    /* Another account finds the same zone full: the hardware is everybody's. */
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=1&MaxCount=1&Placement.AvailabilityZone=us-east-1a");
    fill(w, "us-east-1b", 8);
    world_free(w);
}

static void
fault(struct world *w, const char *kind, const char *target, bool on)
{
    CHECK(region_fault(w->cloud, str_from(kind), str_from(target), on, w->env.now_ms) == 0);
    world_settle(w);
}

static unsigned
suffering(struct world *w)
{
    struct txn *txn = world_begin(w);
    unsigned n = 0;

    STORE_EACH(txn, ec2_instance_by_key, row)
        n += ec2_fault_of(txn, row->host) != NULL;
    store_rollback(txn);
    return n;
}

TEST(a_fault_is_where_it_is_and_nothing_is_placed_there, "REG-02")
{
    struct world *w = world_new_region(SMALL);

    fill(w, "us-east-1a", 2); /* one in each rack */
    CHECK(suffering(w) == 0);
    fault(w, "rack", "us-east-1a/r1", true);
    CHECK(suffering(w) == 1);
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=4&MaxCount=4&Placement.AvailabilityZone=us-east-1a");
    fill(w, "us-east-1a", 3);
    world_crash(w);
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=1&MaxCount=1&Placement.AvailabilityZone=us-east-1a");
    fault(w, "zone", "us-east-1b", true);
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&MinCount=1&MaxCount=1&Placement.AvailabilityZone=us-east-1b");
    fill(w, "us-east-1d", 1);
    fault(w, "network", "us-east-1a/r2/h1", true);
    CHECK(suffering(w) == 5);
    fault(w, "network", "us-east-1a/r2/h1", false);
    fault(w, "rack", "us-east-1a/r1", false);
    fault(w, "rack", "us-east-1a/r1", false);
    fault(w, "zone", "us-east-1b", false);
    CHECK(suffering(w) == 0);
    fill(w, "us-east-1a", 3);
    CHECK(region_fault(w->cloud, S("rack"), S("us-east-1a"), true, 0) == -EINVAL);
    CHECK(region_fault(w->cloud, S("host"), S("us-east-1a/r3/h1"), true, 0) == -EINVAL);
    CHECK(region_fault(w->cloud, S("zone"), S("nowhere-1a"), true, 0) == -EINVAL);
    CHECK(region_fault(w->cloud, S("fire"), S("us-east-1a"), true, 0) == -EINVAL);
    world_free(w);
}

TEST(a_rack_fault_hits_one_of_a_spread_group_and_all_of_a_cluster, "PG-10 PG-19 PG-21 PG-33")
{
    struct world *w = world_new();
    struct str rack;

    world_ok(w, "Action=CreatePlacementGroup&GroupName=s&Strategy=spread");
    world_ok(w, "Action=CreatePlacementGroup&GroupName=c&Strategy=cluster");
    world_ok(w, "Action=CreatePlacementGroup&GroupName=p&Strategy=partition&PartitionCount=3");
    struct str spread = world_ok(w, RUN "&MinCount=6&MaxCount=6&Placement.GroupName=s");
    rack = placement_rack_of(host_of(w, xml_text(spread, "instanceId")));
    fault(w, "rack", test_cstr(rack), true);
    CHECK(suffering(w) == 1);
    fault(w, "rack", test_cstr(rack), false);
    struct str cluster = world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&"
                                     "InstanceType=c5.large&MinCount=5&MaxCount=5&"
                                     "Placement.GroupName=c");
    rack = placement_rack_of(host_of(w, xml_text(cluster, "instanceId")));
    fault(w, "rack", test_cstr(rack), true);
    for (unsigned i = 0; i < 5; i++) {
        struct txn *txn = world_begin(w);

        CHECK(
            ec2_fault_of(txn, ec2_instance_get(txn, xml_text_at(cluster, "instanceId", i))->host));
        store_rollback(txn);
    }
    fault(w, "rack", test_cstr(rack), false);
    struct str parts = world_ok(w, RUN "&MinCount=9&MaxCount=9&Placement.GroupName=p");
    rack = placement_rack_of(host_of(w, xml_text(parts, "instanceId")));
    fault(w, "rack", test_cstr(rack), true);
    for (unsigned i = 0; i < 9; i++) {
        struct txn *txn = world_begin(w);
        bool hit =
            ec2_fault_of(txn, ec2_instance_get(txn, xml_text_at(parts, "instanceId", i))->host);

        if (hit)
            CHECK(str_eq(xml_text_at(parts, "partitionNumber", i),
                         xml_text_at(parts, "partitionNumber", 0)));
        store_rollback(txn);
    }
    world_free(w);
}

TEST(an_instance_that_moves_goes_where_no_fault_is_and_stays_in_its_group)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreatePlacementGroup&GroupName=s&Strategy=spread");
    struct str all = world_ok(w, RUN "&MinCount=7&MaxCount=7&Placement.GroupName=s");
    struct str id = xml_text(all, "instanceId"), before = host_of(w, id);

    fault(w, "rack", test_cstr(placement_rack_of(before)), true);
    struct txn *txn = world_begin(w);
    struct ec2_instance_row row = *ec2_instance_get(txn, id);
    CHECK(ec2_placer_place(cloud_placer(w->cloud), txn, &row) == PLACEMENT_FOUND);
    CHECK(ec2_instance_update(txn, &row) == 0);
    store_commit(txn);
    world_flush(w);
    CHECK(suffering(w) == 0);
    for (unsigned i = 1; i < 7; i++)
        CHECK(!str_eq(placement_rack_of(host_of(w, id)),
                      placement_rack_of(host_of(w, xml_text_at(all, "instanceId", i)))));
    txn = world_begin(w);
    struct placement_host host;
    CHECK(placement_host(ec2_placer_placement(cloud_placer(w->cloud), txn), before, &host));
    CHECK(host.n == 0);
    store_rollback(txn);
    world_free(w);
}

TEST(the_operator_sees_the_hardware_and_a_tenant_does_not)
{
    struct world *w = world_new_region(SMALL);
    struct buf out;

    buf_init(&out, 1 << 20);
    fill(w, "us-east-1a", 5);
    CHECK(region_show(w->cloud, STR_NONE, &out));
    CHECK_STR(json_path(buf_str(&out), "zones.0.zone"), "us-east-1a");
    CHECK_STR(json_path(buf_str(&out), "zones.0.instances"), "5");
    CHECK_STR(json_path(buf_str(&out), "zones.0.hosts_used"), "2");
    CHECK_STR(json_path(buf_str(&out), "zones.0.hosts"), "2");
    buf_reset(&out);
    fault(w, "host", "us-east-1a/r2/h1", true);
    CHECK(region_show(w->cloud, S("us-east-1a/r2"), &out));
    CHECK(json_count(buf_str(&out), "hosts") == 1);
    CHECK_STR(json_path(buf_str(&out), "hosts.0.host"), "us-east-1a/r2/h1");
    CHECK_STR(json_path(buf_str(&out), "hosts.0.family"), "t3");
    CHECK_STR(json_path(buf_str(&out), "hosts.0.fault"), "true");
    CHECK_STR(json_path(buf_str(&out), "faults.0.target"), "us-east-1a/r2/h1");
    CHECK(json_count(buf_str(&out), "hosts.0.instances") * 2 ==
          strtoul(json_cstr(buf_str(&out), "hosts.0.vcpus_used"), NULL, 10));
    CHECK(!region_show(w->cloud, S("us-east-1a/r9"), &out));
    buf_done(&out);
    CHECK(str_find(world_ok(w, "Action=DescribeInstances"), S("us-east-1a/")) == SIZE_MAX);
    world_free(w);
}
