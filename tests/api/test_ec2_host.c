/* Dedicated Hosts and the instances on them. */
#include "ec2/capacity.h"
#include "ec2/ec2.h"
#include "ec2/placer.h"
#include "harness/world.h"

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1"
/* A host holds four m5.large. */
#define SMALL                                                                                      \
    "kind k vcpus=8 memory=65536 sockets=2 cores=4 families=*\n"                                   \
    "zone us-east-1a racks=2 hosts=2*k\n"                                                          \
    "zone * racks=1 hosts=3*k\n"

static struct str
allocate(struct world *w, const char *rest)
{
    return str_dup(
        &w->arena,
        xml_text(xml_element(world_okf(w,
                                       "Action=AllocateHosts&AvailabilityZone=us-east-1a&"
                                       "Quantity=1&%s",
                                       rest),
                             "hostIdSet"),
                 "item"));
}

static struct str
run(struct world *w, const char *rest)
{
    return str_dup(&w->arena, xml_text(world_okf(w, RUN "&%s", rest), "instanceId"));
}

static struct str
describe(struct world *w, struct str id)
{
    return world_okf(w, "Action=DescribeHosts&HostId.1=%s", test_cstr(id));
}

static void
stop(struct world *w, struct str id)
{
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id));
    world_advance(w, 60000);
}

TEST(a_dedicated_host_is_allocated_filled_and_released, "DH-01 DH-06")
{
    struct world *w = world_new_region(SMALL);
    struct str host = allocate(w, "InstanceType=m5.large&TagSpecification.1.ResourceType="
                                  "dedicated-host&TagSpecification.1.Tag.1.Key=a&"
                                  "TagSpecification.1.Tag.1.Value=b");
    struct str id[4], shown = describe(w, host);

    CHECK(str_starts(host, S("h-")));
    CHECK_STR(xml_text(shown, "state"), "available");
    CHECK_STR(xml_text(shown, "sockets"), "2");
    CHECK_STR(xml_text(shown, "cores"), "4");
    CHECK_STR(xml_text(shown, "totalVCpus"), "8");
    CHECK_STR(xml_text(shown, "autoPlacement"), "off");
    CHECK_STR(xml_text(shown, "allowsMultipleInstanceTypes"), "off");
    CHECK_STR(xml_text(shown, "key"), "a");
    for (unsigned i = 0; i < 4; i++)
        id[i] = run(w, test_fmt("InstanceType=m5.large&Placement.Tenancy=host&Placement.HostId=%s",
                                test_cstr(host)));
    world_crash(w);
    shown = describe(w, host);
    CHECK_STR(xml_text(shown, "availableVCpus"), "0");
    CHECK_STR(xml_text(xml_element(shown, "availableInstanceCapacity"), "availableCapacity"), "0");
    CHECK_STR(xml_text(xml_element(shown, "availableInstanceCapacity"), "totalCapacity"), "4");
    CHECK(xml_count(shown, "instanceId") == 4);
    world_refusedf(w, "InsufficientHostCapacity", NULL,
                   RUN "&InstanceType=m5.large&Placement.HostId=%s", test_cstr(host));
    CHECK(w->http == 500);
    struct str one = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(id[2]));
    CHECK_STR(xml_text(one, "tenancy"), "host");
    CHECK(str_eq(xml_text(one, "hostId"), host));
    CHECK_STR(xml_text(one, "affinity"), "default");
    struct str kept = world_okf(w, "Action=ReleaseHosts&HostId.1=%s", test_cstr(host));
    CHECK_STR(xml_text(xml_element(kept, "unsuccessful"), "code"), "Client.InvalidHost.Occupied");
    CHECK_STR(xml_text(describe(w, host), "state"), "available");
    world_advance(w, 60000);
    for (unsigned i = 0; i < 4; i++)
        world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", test_cstr(id[i]));
    world_advance(w, 60000);
    world_okf(w, "Action=ReleaseHosts&HostId.1=%s", test_cstr(host));
    CHECK_STR(xml_text(describe(w, host), "state"), "released");
    world_refusedf(w, "InvalidHostID.NotFound", NULL,
                   RUN "&InstanceType=m5.large&Placement.HostId=%s", test_cstr(host));
    world_advance(w, 2 * 3600 * 1000);
    world_refusedf(w, "InvalidHostID.NotFound", NULL, "Action=DescribeHosts&HostId.1=%s",
                   test_cstr(host));
    world_free(w);
}

TEST(an_allocation_that_cannot_be_is_refused, "DH-06 DH-07")
{
    struct world *w = world_new_region(SMALL);

#define ALLOCATE "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=1"
    world_refused(w, "MissingParameter", NULL, ALLOCATE);
    world_refused(w, "InvalidParameterCombination", NULL,
                  ALLOCATE "&InstanceType=m5.large&InstanceFamily=m5");
    world_refused(w, "MissingParameter", NULL,
                  "Action=AllocateHosts&Quantity=1&InstanceType=m5.large");
    world_refused(w, "InvalidParameterValue", NULL, ALLOCATE "&InstanceType=m5.tiny");
    world_refused(w, "UnsupportedHostConfiguration", NULL, ALLOCATE "&InstanceFamily=zz9");
    world_refused(w, "UnsupportedHostConfiguration", NULL, ALLOCATE "&InstanceType=t2.nano");
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=0&"
                  "InstanceType=m5.large");
    world_refused(w, "UnsupportedOperation", NULL,
                  ALLOCATE "&InstanceType=m5.large&HostMaintenance=on");
    /* No host of the model holds an m5.24xlarge. */
    world_refused(w, "InsufficientHostCapacity", NULL, ALLOCATE "&InstanceFamily=m5");
    world_refused(w, "InsufficientHostCapacity", NULL,
                  "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=5&"
                  "InstanceType=m5.large");
    CHECK(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId") == 0);
    world_ok(w, "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=4&"
                "InstanceType=m5.large");
    CHECK(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId") == 4);
    /* They are whole hosts: nothing else finds room in the zone. */
    world_refused(w, "InsufficientInstanceCapacity", NULL,
                  RUN "&InstanceType=t3.micro&Placement.AvailabilityZone=us-east-1a");
    world_refused(w, "HostLimitExceeded",
                  "The number of Dedicated hosts you've requested (2) would bring your total up to "
                  "6 for the specified group of instance types (m5). This exceeds your current "
                  "limit of 5.",
                  "Action=AllocateHosts&AvailabilityZone=us-east-1b&Quantity=2&"
                  "InstanceType=m5.large");
    world_refused(w, "InvalidHostID.Malformed", NULL, "Action=DescribeHosts&HostId.1=x-1");
    world_refused(w, "InvalidHostID.NotFound", NULL,
                  "Action=DescribeHosts&HostId.1=h-01234567890123456");
    world_account(w, "111122223333", "us-east-1");
    CHECK(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId") == 0);
    world_free(w);
}

TEST(a_token_allocates_once)
{
    struct world *w = world_new_region(SMALL);
    struct str first = allocate(w, "InstanceType=m5.large&ClientToken=t");

    CHECK(str_eq(allocate(w, "InstanceType=m5.large&ClientToken=t"), first));
    world_refused(w, "IdempotentParameterMismatch", NULL,
                  ALLOCATE "&InstanceType=c5.large&ClientToken=t");
    CHECK(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId") == 1);
    world_free(w);
}

TEST(auto_placement_takes_launches_that_name_no_host, "DH-01 DH-14")
{
    struct world *w = world_new_region(SMALL);
    struct str host = allocate(w, "InstanceType=m5.large");

    world_refused(w, "InsufficientHostCapacity", NULL,
                  RUN "&InstanceType=m5.large&Placement.Tenancy=host");
    struct str changed =
        world_okf(w, "Action=ModifyHosts&HostId.1=%s&AutoPlacement=on", test_cstr(host));
    CHECK(str_eq(xml_text(xml_element(changed, "successful"), "item"), host));
    struct str id = run(w, "InstanceType=m5.large&Placement.Tenancy=host");
    CHECK(xml_count(describe(w, host), "instanceId") == 1);
    world_refusedf(w, "InvalidHostConfiguration", NULL,
                   RUN "&InstanceType=m5.xlarge&Placement.HostId=%s", test_cstr(host));
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   RUN "&InstanceType=m5.large&Placement.HostId=%s&"
                       "Placement.AvailabilityZone=us-east-1b",
                   test_cstr(host));
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   RUN "&InstanceType=m5.large&Placement.Tenancy=dedicated&Placement.HostId=%s",
                   test_cstr(host));
    /* One that was stopped may land elsewhere, one with affinity must not. */
    stop(w, id);
    CHECK(
        !xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(id)), "hostId")
             .p);
    world_okf(w, "Action=ModifyInstancePlacement&InstanceId=%s&Affinity=host&HostId=%s",
              test_cstr(id), test_cstr(host));
    struct str fill[4];
    for (unsigned i = 0; i < 4; i++)
        fill[i] = run(w, test_fmt("InstanceType=m5.large&Placement.HostId=%s", test_cstr(host)));
    struct str other = allocate(w, "InstanceType=m5.large&AutoPlacement=on");
    world_refusedf(w, "InsufficientHostCapacity", NULL, "Action=StartInstances&InstanceId.1=%s",
                   test_cstr(id));
    stop(w, fill[0]);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(id));
    CHECK(str_eq(
        xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", test_cstr(id)), "hostId"),
        host));
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(fill[0]));
    CHECK(xml_count(describe(w, other), "instanceId") == 1);
    world_refusedf(w, "InvalidRequest", NULL,
                   "Action=ModifyInstancePlacement&InstanceId=%s&Tenancy=default", test_cstr(id));
    world_free(w);
}

TEST(placement_groups_do_not_go_with_dedicated_hosts, "PG-24 PG-36 PG-37 DH-10")
{
    struct world *w = world_new();
    struct str host = allocate(w, "InstanceFamily=m5");
    static const char *const rules[] = {"cluster", "spread", "partition"};

    for (unsigned i = 0; i < 3; i++) {
        world_okf(w, "Action=CreatePlacementGroup&GroupName=g%u&Strategy=%s", i, rules[i]);
        world_refusedf(w, "InvalidParameterCombination", NULL,
                       RUN "&InstanceType=m5.large&Placement.GroupName=g%u&Placement.HostId=%s", i,
                       test_cstr(host));
        world_refusedf(w, "InvalidParameterCombination", NULL,
                       RUN "&InstanceType=m5.large&Placement.GroupName=g%u&Placement.Tenancy=host",
                       i);
    }
    world_free(w);
}

TEST(a_host_of_a_family_mixes_its_sizes, "DH-07")
{
    struct world *w = world_new();
    struct str host = allocate(w, "InstanceFamily=m5&AutoPlacement=on");

    run(w, "InstanceType=m5.large&Placement.Tenancy=host");
    run(w, "InstanceType=m5.4xlarge&Placement.Tenancy=host");
    struct str shown = describe(w, host);
    CHECK_STR(xml_text(shown, "allowsMultipleInstanceTypes"), "on");
    CHECK(xml_count(shown, "instanceId") == 2);
    CHECK(xml_count(shown, "totalCapacity") > 5);
    struct str no =
        world_okf(w, "Action=ModifyHosts&HostId.1=%s&InstanceType=m5.large", test_cstr(host));
    CHECK_STR(xml_text(no, "code"), "Client.InvalidHostConfiguration");
    world_refused(w, "InsufficientHostCapacity", NULL,
                  RUN "&InstanceType=c5.large&Placement.Tenancy=host");
    world_free(w);
}

TEST(every_filter_of_groups_hosts_and_reservations_leads_to_a_member)
{
    static const struct api_filter_table *const tables[] = {&ec2_placement_group_filter_table,
                                                            &ec2_dedicated_host_filter_table,
                                                            &ec2_capacity_filter_table};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        const char *bad = api_filter_table_error(tables[i]);

        if (bad)
            FAIL("table %zu: %s", i, bad);
    }
}
