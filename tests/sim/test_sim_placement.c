/*
 * The simulation of placement: random launches into groups, onto hosts and into reservations, with
 * stops, starts, ends, faults, repairs, crashes and losses of power; after each step the rules are
 * proved from the rows, and what the placement module has counted from the rows as well.
 */
#include "ec2/capacity.h"
#include "ec2/placer.h"
#include "base/log.h"
#include "daemon/region.h"
#include "harness/world.h"

#include <stdlib.h>

#define MODEL                                                                                      \
    "kind k vcpus=16 memory=65536 sockets=1 cores=8 families=*\n"                                  \
    "zone * racks=8 hosts=2*k\n"

enum { STEPS = 250, ZONES = 3 };

struct run {
    struct world *w;
    uint64_t rng;
    unsigned placed, refused;
};

static const char *const zones[ZONES] = {"us-east-1a", "us-east-1b", "us-east-1d"};

static unsigned
draw(struct run *r, unsigned n)
{
    r->rng = r->rng * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->rng >> 33) % n;
}

/* A call that may be refused, but not by a failure of ours. */
static bool
call(struct run *r, const char *form)
{
    struct str xml = world_call(r->w, form);

    if (str_is(xml_text(xml, "Code"), "InternalError"))
        FAIL("%s: %.*s", form, STR_ARG(xml));
    return r->w->http == 200;
}

/* An instance in one of two states, or an absent text. */
static struct str
pick(struct run *r, int64_t state)
{
    struct txn *txn = world_begin(r->w);
    struct str id = STR_NONE;
    unsigned n = 0;

    STORE_EACH(txn, ec2_instance_by_state, row, state)
        if (draw(r, ++n) == 0)
            id = row->id;
    id = id.n ? str_dup(&r->w->arena, id) : id;
    store_rollback(txn);
    return id;
}

static void
launch(struct run *r)
{
    static const char *const wants[] = {"",
                                        "&Placement.GroupName=c",
                                        "&Placement.GroupName=s",
                                        "&Placement.GroupName=p",
                                        "&Placement.Tenancy=dedicated",
                                        "&Placement.Tenancy=host",
                                        "&Placement.GroupName=p&Placement.PartitionNumber=2",
                                        "&DryRun=true&Placement.GroupName=s"};
    static const char *const types[] = {"c5.large", "m5.xlarge", "c5.2xlarge"};
    unsigned n = 1 + draw(r, 4);

    world_account(r->w, draw(r, 3) ? "000000000000" : "111122223333", "us-east-1");
    const char *zone =
        draw(r, 2) ? test_fmt("&Placement.AvailabilityZone=%s", zones[draw(r, 3)]) : "";
    bool ok = call(r, test_fmt("Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=%s&"
                               "MinCount=%u&MaxCount=%u%s%s",
                               types[draw(r, 3)], 1 + draw(r, n), n, wants[draw(r, 8)], zone));
    r->placed += ok;
    r->refused += !ok;
}

static void
change(struct run *r)
{
    static const struct {
        const char *action;
        int64_t state;
    } acts[] = {{"StopInstances", EC2_RUNNING},
                {"TerminateInstances", EC2_RUNNING},
                {"TerminateInstances", EC2_STOPPED},
                {"StartInstances", EC2_STOPPED}};
    unsigned i = draw(r, 4);
    struct str id = pick(r, acts[i].state);

    if (!id.n)
        return;
    world_account(r->w, "000000000000", "us-east-1");
    if (!call(r, test_fmt("Action=%s&InstanceId.1=%s", acts[i].action, test_cstr(id)))) {
        world_account(r->w, "111122223333", "us-east-1");
        call(r, test_fmt("Action=%s&InstanceId.1=%s", acts[i].action, test_cstr(id)));
    }
}

static void
hardware(struct run *r)
{
    const char *kinds[] = {"rack", "host", "network"};
    const char *zone = zones[draw(r, 3)];
    unsigned kind = draw(r, 3);
    const char *target = kind == 0 ? test_fmt("%s/r%u", zone, 1 + draw(r, 8))
                                   : test_fmt("%s/r%u/h%u", zone, 1 + draw(r, 8), 1 + draw(r, 2));

    CHECK(region_fault(r->w->cloud, str_from(kinds[kind]), str_from(target), draw(r, 3) == 0,
                       r->w->env.now_ms) == 0);
    world_flush(r->w);
}

static void
hosts_and_reservations(struct run *r)
{
    const char *zone = zones[draw(r, 3)];

    world_account(r->w, "000000000000", "us-east-1");
    switch (draw(r, 4)) {
    case 0:
        call(r, test_fmt("Action=AllocateHosts&InstanceType=c5.large&Quantity=1&AutoPlacement=on&"
                         "AvailabilityZone=%s",
                         zone));
        break;
    case 1: {
        struct str host = xml_text(world_ok(r->w, "Action=DescribeHosts&Filter.1.Name=state&"
                                                  "Filter.1.Value.1=available"),
                                   "hostId");

        if (host.n)
            call(r, test_fmt("Action=ReleaseHosts&HostId.1=%s", test_cstr(host)));
        break;
    }
    case 2:
        call(r, test_fmt("Action=CreateCapacityReservation&InstanceType=c5.large&InstanceCount=%u&"
                         "InstancePlatform=Linux/UNIX&AvailabilityZone=%s&InstanceMatchCriteria=%s",
                         1 + draw(r, 4), zone, draw(r, 2) ? "open" : "targeted"));
        break;
    default: {
        struct str id =
            xml_text(world_ok(r->w, "Action=DescribeCapacityReservations&Filter.1.Name=state&"
                                    "Filter.1.Value.1=active"),
                     "capacityReservationId");

        if (id.n)
            call(r,
                 test_fmt(draw(r, 2) ? "Action=CancelCapacityReservation&CapacityReservationId=%s"
                                     : "Action=ModifyCapacityReservation&CapacityReservationId=%s&"
                                       "InstanceCount=3",
                          test_cstr(id)));
    }
    }
}

/* ---- the rules, from the rows ---- */

static bool
occupies(const struct ec2_instance_row *row)
{
    return row->state != EC2_STOPPED && row->state != EC2_TERMINATED;
}

/* Two instances that run. */
static void
check_pair(struct txn *txn, const struct ec2_instance_row *a, const struct ec2_instance_row *b)
{
    bool same_rack = str_eq(placement_rack_of(a->host), placement_rack_of(b->host));
    const struct ec2_placement_group_row *group = a->group_id.n && str_eq(a->group_id, b->group_id)
                                                      ? ec2_placement_group_get(txn, a->group_id)
                                                      : NULL;

    if (str_eq(a->host, b->host)) {
        CHECK(str_eq(str_cut(a->type, 0, 2), str_cut(b->type, 0, 2)));
        CHECK(str_eq(a->host_id, b->host_id));
        if (str_is(a->tenancy, "dedicated"))
            CHECK(str_eq(a->account, b->account));
    }
    if (!group)
        return;
    if (str_is(group->strategy, "cluster"))
        CHECK(same_rack);
    else if (str_is(group->strategy, "spread"))
        CHECK(!same_rack);
    else if (same_rack)
        CHECK(a->partition_number == b->partition_number);
}

/* What the module counts on a host against what the rows say. */
static void
check_host(struct run *r, struct txn *txn, struct str path)
{
    struct placement_host host;
    unsigned vcpus = 0, n = 0;

    CHECK(placement_host(ec2_placer_placement(cloud_placer(r->w->cloud), txn), path, &host));
    STORE_EACH(txn, ec2_instance_by_host, row, path) {
        vcpus += ec2_type_find(row->type)->vcpus;
        n++;
    }
    STORE_EACH(txn, ec2_capacity_reservation_by_key, row)
        LIST_EACH(&row->hosts, slot)
            if (str_eq(*slot, path)) {
                vcpus += ec2_type_find(row->type)->vcpus;
                n++;
            }
    if (vcpus != host.vcpus_used || n != host.n)
        FAIL("%.*s: %u vCPUs of %u are counted, %u of %u are there", STR_ARG(path), host.vcpus_used,
             host.n, vcpus, n);
    CHECK(vcpus <= host.kind->vcpus);
}

static void
check_rules(struct run *r)
{
    struct txn *txn = world_begin(r->w);
    int64_t counted = 0;

    STORE_EACH(txn, ec2_instance_by_key, a) {
        if (occupies(a) != (a->host.n > 0))
            FAIL("%.*s in state %d is at '%.*s'", STR_ARG(a->id), (int)a->state, STR_ARG(a->host));
        if (!occupies(a))
            continue;
        unsigned spread = 0;

        CHECK(str_eq(placement_zone_of(a->host), a->zone));
        STORE_EACH(txn, ec2_instance_by_key, b)
            if (occupies(b)) {
                if (!str_eq(a->id, b->id))
                    check_pair(txn, a, b);
                spread +=
                    a->group_id.n && str_eq(a->group_id, b->group_id) && str_eq(a->zone, b->zone);
            }
        const struct ec2_placement_group_row *group = ec2_placement_group_get(txn, a->group_id);
        CHECK(!group || !str_is(group->strategy, "spread") || spread <= PLACEMENT_SPREAD_MAX);
        if (ec2_vcpus_count(a))
            counted += ec2_type_find(a->type)->vcpus;
    }
    STORE_EACH(txn, ec2_vcpu_use_by_key, use)
        counted -= use->vcpus;
    CHECK(counted == 0);
    for (unsigned z = 0; z < ZONES; z++)
        for (unsigned rack = 1; rack <= 8; rack++)
            for (unsigned host = 1; host <= 2; host++)
                check_host(r, txn, str_from(test_fmt("%s/r%u/h%u", zones[z], rack, host)));
    store_rollback(txn);
}

static void
step(struct run *r)
{
    unsigned what = draw(r, 100);

    if (what < 35)
        launch(r);
    else if (what < 75)
        change(r);
    else if (what < 83)
        hardware(r);
    else if (what < 93)
        hosts_and_reservations(r);
    else if (what < 98)
        world_crash(r->w);
    else
        world_power_loss(r->w);
    if (draw(r, 3) == 0)
        world_advance(r->w, draw(r, 200));
    check_rules(r);
}

TEST(placement_keeps_every_rule_through_launches_faults_and_crashes,
     "PG-03 PG-18 PG-22 PG-27 DI-01")
{
    const char *runs = getenv("SIM_RUNS"), *first = getenv("SIM_SEED");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    uint64_t last = seed + (runs ? strtoull(runs, NULL, 10) / 20 : 3);

    log_init(-1, LOG_ERROR, NULL);
    for (; seed <= last; seed++) {
        struct run r = {.w = world_new_region(MODEL), .rng = seed};

        world_ok(r.w, "Action=CreatePlacementGroup&GroupName=c&Strategy=cluster");
        world_ok(r.w, "Action=CreatePlacementGroup&GroupName=s&Strategy=spread");
        world_ok(r.w, "Action=CreatePlacementGroup&GroupName=p&Strategy=partition&"
                      "PartitionCount=3");
        for (unsigned i = 0; i < STEPS; i++)
            step(&r);
        CHECK(r.placed > 10 && r.refused > 0);
        world_free(r.w);
    }
}
