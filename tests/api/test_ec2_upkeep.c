/* Status checks, faults and recovery, scheduled events. */
#include "ec2/instance.h"
#include "base/timefmt.h"
#include "harness/world.h"

#define AMI "ami-009d6802948d06e52"
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static const char *
run(struct world *w, const char *more)
{
    struct str xml = world_okf(w,
                               "Action=RunInstances&ImageId=" AMI "&MinCount=1&MaxCount=1"
                               "&Placement.AvailabilityZone=us-east-1a%s",
                               more);

    world_advance(w, 61000); /* until its checks pass */
    return xml_cstr(xml, "instanceId");
}

/* Puts the instance on a host, as placement does. */
static void
put_on(struct world *w, const char *id, const char *host)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct ec2_instance_row row = *ec2_instance_get(txn, str_from(id));

    row.host = str_from(host);
    CHECK_INT(ec2_instance_update(txn, &row), 0);
    (void)store_commit(txn);
    world_flush(w);
}

static void
fault(struct world *w, const char *kind, const char *target, bool on)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct ec2_fault_row row = {
        .id = str_fmt(test_arena(), "%s:%s", kind, target),
        .kind = str_from(kind),
        .target = str_from(target),
        .since_ms = w->env.env.now_ms(&w->env.env),
    };

    CHECK_INT(on ? ec2_fault_insert(txn, &row) : ec2_fault_delete(txn, row.id), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_settle(w);
}

static struct str
event(struct world *w, const char *id, const char *code, int64_t in_ms, int64_t deadline_ms)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    int64_t at_ms = w->env.env.now_ms(&w->env.env) + in_ms;
    const struct ec2_event_want want = {
        .instance_id = str_from(id),
        .code = str_from(code),
        .not_before_ms = at_ms,
        .not_after_ms = at_ms + HOUR_MS,
        .deadline_ms = deadline_ms ? at_ms + deadline_ms : 0,
    };
    struct str event_id;

    CHECK_INT(ec2_event_make(txn, &w->env.env, test_arena(), &want, &event_id), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_settle(w);
    return event_id;
}

static struct str
status(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstanceStatus&IncludeAllInstances=true&InstanceId.1=%s",
                     id);
}

static const char *
check_of(struct world *w, const char *id, const char *which)
{
    struct str summary = xml_element(status(w, id), which);
    struct str details = xml_element(summary, "details");
    struct str rest = str_cut(summary, str_find(summary, details) + details.n, summary.n);
    struct str before = str_cut(summary, 0, str_find(summary, details));

    return xml_cstr(str_cat(test_arena(), before, rest), "status");
}

static const char *
state(struct world *w, const char *id)
{
    return xml_cstr(xml_element(status(w, id), "instanceState"), "name");
}

TEST(a_fault_of_the_hardware_impairs_the_system_check_of_what_runs_on_it, "STAT-05 STAT-08 STAT-09")
{
    static const struct {
        const char *kind, *target;
        bool hit;
    } rows[] = {
        {"zone", "us-east-1a", true},        {"zone", "us-east-1b", false},
        {"rack", "us-east-1a/r3", true},     {"rack", "us-east-1a/r", false},
        {"network", "us-east-1a/r3", true},  {"host", "us-east-1a/r3/h12", true},
        {"host", "us-east-1a/r3/h1", false}, {"host", "us-east-1a/r3/h120", false},
    };
    struct world *w = world_new();
    const char *id = run(w, "&InstanceType=t3.micro");

    put_on(w, id, "us-east-1a/r3/h12");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *want = rows[i].hit ? "impaired" : "ok";

        fault(w, rows[i].kind, rows[i].target, true);
        CHECK_STR(str_from(check_of(w, id, "systemStatus")), want);
        CHECK_STR(str_from(check_of(w, id, "instanceStatus")), want);
        CHECK_INT(xml_count(status(w, id), "impairedSince"), rows[i].hit ? 2 : 0);
        CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstanceStatus"
                                        "&Filter.1.Name=system-status.status"
                                        "&Filter.1.Value.1=impaired"),
                            "instanceId"),
                  rows[i].hit);
        fault(w, rows[i].kind, rows[i].target, false);
        CHECK_STR(str_from(check_of(w, id, "systemStatus")), "ok");
    }
    world_free(w);
}

TEST(an_instance_on_failed_hardware_recovers_as_the_same_instance, "STAT-11")
{
    struct world *w = world_new();
    const char *id = run(w, "&InstanceType=t3.micro");
    struct str before = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id), after;
    struct txn *txn;
    int64_t boots;

    put_on(w, id, "us-east-1a/r3/h12");
    txn = world_begin(w);
    boots = host_machine_get(txn, str_from(id))->boots;
    store_rollback(txn);
    fault(w, "rack", "us-east-1a/r3", true);
    world_advance(w, 60000);
    CHECK_STR(str_from(check_of(w, id, "systemStatus")), "impaired");
    world_crash(w); /* what is due is done by who comes next */
    world_advance(w, 62000);
    CHECK_STR(str_from(check_of(w, id, "systemStatus")), "ok");
    CHECK_STR(str_from(state(w, id)), "running");
    after = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
    for (const char *const *name = (const char *const[]){"privateIpAddress", "ipAddress",
                                                         "volumeId", "launchTime", "dnsName", NULL};
         *name; name++)
        CHECK(str_eq(xml_text(before, *name), xml_text(after, *name)));
    txn = world_begin(w);
    CHECK_INT(host_machine_get(txn, str_from(id))->boots, boots + 1); /* memory is lost */
    store_rollback(txn);
    world_free(w);
}

TEST(an_instance_that_does_not_recover_is_retired_with_notice, "STAT-10")
{
    struct world *w = world_new();
    const char *id = run(w, "&InstanceType=t3.micro");
    struct str xml;

    xml = world_okf(w,
                    "Action=ModifyInstanceMaintenanceOptions&InstanceId=%s"
                    "&AutoRecovery=disabled",
                    id);
    CHECK_STR(xml_text(xml, "autoRecovery"), "disabled");
    put_on(w, id, "us-east-1a/r3/h12");
    fault(w, "host", "us-east-1a/r3/h12", true);
    world_advance(w, 121000);
    CHECK_STR(str_from(check_of(w, id, "systemStatus")), "impaired");
    xml = xml_element(status(w, id), "eventsSet");
    CHECK_STR(xml_text(xml, "code"), "instance-retirement");
    CHECK_STR(xml_text(xml, "description"), "The instance is running on degraded hardware");
    CHECK(!xml_text(xml, "notBeforeDeadline").n);
    world_jump(w, 14 * DAY_MS);
    world_advance(w, 1000);
    CHECK_STR(str_from(state(w, id)), "stopped");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
    CHECK_STR(xml_text(xml_element(xml, "stateReason"), "code"), "Server.ScheduledStop");
    CHECK_STR(xml_text(xml_element(status(w, id), "eventsSet"), "description"),
              "[Completed] The instance is running on degraded hardware");
    CHECK_INT(xml_count(status(w, id), "instanceEventId"), 1);
    /* Forgotten after a week. */
    world_advance(w, 7 * DAY_MS + 1000);
    CHECK_INT(xml_count(status(w, id), "instanceEventId"), 0);
    world_free(w);
}

TEST(a_stop_by_the_user_takes_the_instance_away_from_its_event, "STAT-11")
{
    struct world *w = world_new();
    const char *id = run(w, "&InstanceType=t3.micro");
    struct str xml;

    event(w, id, "instance-stop", 3 * DAY_MS, 0);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_jump(w, 4 * DAY_MS);
    world_advance(w, 1000);
    CHECK_STR(str_from(state(w, id)), "running");
    xml = xml_element(status(w, id), "eventsSet");
    CHECK(str_starts(xml_text(xml, "description"), S("[Completed] ")));
    world_free(w);
}

TEST(events_are_carried_out_when_they_are_due)
{
    static const struct {
        const char *code;
        int boots;
    } rows[] = {{"instance-reboot", 1}, {"system-reboot", 1}, {"system-maintenance", 0}};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *id = run(w, "&InstanceType=t3.micro");
        struct txn *txn = world_begin(w);
        int64_t boots = host_machine_get(txn, str_from(id))->boots;

        store_rollback(txn);
        event(w, id, rows[i].code, HOUR_MS, 0);
        world_advance(w, HOUR_MS / 2);
        CHECK(!str_starts(xml_text(xml_element(status(w, id), "eventsSet"), "description"),
                          S("[Completed]")));
        CHECK_INT(xml_count(world_okf(w,
                                      "Action=DescribeInstanceStatus&Filter.1.Name=event.code"
                                      "&Filter.1.Value.1=%s",
                                      rows[i].code),
                            "instanceEventId"),
                  1);
        world_advance(w, 2 * HOUR_MS);
        CHECK(str_starts(xml_text(xml_element(status(w, id), "eventsSet"), "description"),
                         S("[Completed]")));
        CHECK_STR(str_from(state(w, id)), "running");
        txn = world_begin(w);
        CHECK_INT(host_machine_get(txn, str_from(id))->boots, boots + rows[i].boots);
        store_rollback(txn);
    }
    world_free(w);
}

TEST(a_reboot_by_the_user_migrates_unless_that_is_disabled)
{
    struct world *w = world_new();
    const char *a = run(w, "&InstanceType=t3.micro"), *b = run(w, "&InstanceType=t3.micro");

    world_okf(w, "Action=ModifyInstanceMaintenanceOptions&InstanceId=%s&RebootMigration=disabled",
              b);
    event(w, a, "system-reboot", DAY_MS, 0);
    event(w, b, "system-reboot", DAY_MS, 0);
    world_okf(w, "Action=RebootInstances&InstanceId.1=%s&InstanceId.2=%s", a, b);
    CHECK(str_starts(xml_text(xml_element(status(w, a), "eventsSet"), "description"),
                     S("[Completed]")));
    CHECK_STR(xml_text(xml_element(status(w, b), "eventsSet"), "description"),
              "The instance is scheduled for a reboot");
    CHECK_STR(
        xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", b), "rebootMigration"),
        "disabled");
    world_free(w);
}

TEST(an_event_is_put_off_up_to_its_deadline)
{
    struct world *w = world_new();
    const char *id = run(w, "&InstanceType=t3.micro");
    struct str fixed = event(w, id, "instance-stop", DAY_MS, 0), xml;
    struct str moving = event(w, id, "system-reboot", DAY_MS, 7 * DAY_MS);
    int64_t now_ms = w->env.env.now_ms(&w->env.env);
    const struct {
        struct str event;
        int64_t at_ms;
        const char *code;
    } bad[] = {
        {fixed, now_ms + 2 * DAY_MS, "InvalidInstanceEventStartTime"},
        {moving, now_ms + 9 * DAY_MS, "InvalidInstanceEventStartTime"},
        {moving, now_ms + HOUR_MS / 2, "InvalidInstanceEventStartTime"},
        {S("instance-event-0123456789abcdef0"), now_ms + 2 * DAY_MS,
         "InvalidInstanceEventIDNotFound"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, NULL,
                       "Action=ModifyInstanceEventStartTime&InstanceId=%s&InstanceEventId=%.*s"
                       "&NotBefore=%.*s",
                       id, STR_ARG(bad[i].event),
                       STR_ARG(world_code(w, time_iso(test_arena(), bad[i].at_ms))));
    struct str at = time_iso(test_arena(), now_ms + 5 * DAY_MS);

    xml = world_okf(w,
                    "Action=ModifyInstanceEventStartTime&InstanceId=%s&InstanceEventId=%.*s"
                    "&NotBefore=%.*s",
                    id, STR_ARG(moving), STR_ARG(world_code(w, at)));
    CHECK(str_eq(xml_text(xml, "notBefore"), at));
    CHECK(str_eq(xml_text(xml, "instanceEventId"), moving));
    world_free(w);
}

TEST(a_guest_that_does_not_answer_fails_its_check, "STAT-12")
{
    struct world *w = world_new();
    const char *id = run(w, "&InstanceType=t3.micro");

    CHECK_STR(str_from(check_of(w, id, "instanceStatus")), "ok");
    host_asked(cloud_host(w->cloud), str_from(id), false);
    CHECK_STR(str_from(check_of(w, id, "instanceStatus")), "impaired");
    CHECK_STR(str_from(check_of(w, id, "systemStatus")), "ok");
    world_okf(w,
              "Action=ReportInstanceStatus&InstanceId.1=%s&Status=impaired"
              "&ReasonCode.1=unresponsive",
              id);
    host_asked(cloud_host(w->cloud), str_from(id), true);
    /* What a customer reports changes no check. */
    CHECK_STR(str_from(check_of(w, id, "instanceStatus")), "ok");
    host_asked(cloud_host(w->cloud), str_from(id), false);
    /* A reboot is the cure. */
    world_okf(w, "Action=RebootInstances&InstanceId.1=%s", id);
    world_advance(w, 61000);
    CHECK_STR(str_from(check_of(w, id, "instanceStatus")), "ok");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    world_refusedf(w, "IncorrectInstanceState", NULL,
                   "Action=ReportInstanceStatus&InstanceId.1=%s&Status=ok&ReasonCode.1=other", id);
    world_free(w);
}
