/*
 * Rolling updates, step by step, with a group that does at once what it is told.  The lists of
 * events are recordings of AWS's: see cloudformation/roll.h.
 */
#include "cloudformation/load.h"
#include "cloudformation/roll.h"
#include "harness/harness.h"

#define ROOM 64

struct play {
    struct cfn_roll roll;
    struct cfn_group group;
    struct cfn_group_instance instances[ROOM];
    int64_t made, good, bad, now, least, most;
    bool silent; /* new instances send no signals */
    struct str events, failed;
};

/* YAML in braces. */
static const struct json *
policy_of(const char *text)
{
    struct json *j = ARENA_NEW(test_arena(), struct json);

    CHECK(!cfn_load(test_arena(), str_fmt(test_arena(), "V: %s", text), j).p);
    return json_get(j, "V");
}

static void
add(struct play *p, bool obsolete)
{
    CHECK(p->group.n < ROOM);
    p->instances[p->group.n++] = (struct cfn_group_instance){
        .id = str_fmt(test_arena(), "%s%lld", obsolete ? "old" : "new", (long long)++p->made),
        .in_service = true,
        .obsolete = obsolete};
    if (!obsolete && p->roll.waits && !p->silent)
        p->good++;
}

static void
start(struct play *p, const char *policy, int64_t min, int64_t desired, int64_t max)
{
    *p = (struct play){.group = {.min = min, .max = max, .desired = desired}};
    p->group.v = p->instances;
    CHECK_STR(cfn_roll_policy(test_arena(), policy_of(policy), &p->roll), "");
    while ((int64_t)p->group.n < desired)
        add(p, true);
    p->made = 0;
    p->least = p->most = desired;
}

static void
end(struct play *p, const struct cfn_roll_step *step)
{
    for (size_t i = 0; i < step->end.n; i++) {
        size_t k = 0;

        while (k < p->group.n && !str_eq(p->instances[k].id, step->end.v[i]))
            k++;
        CHECK(k < p->group.n);
        p->instances[k] = p->instances[--p->group.n];
        p->group.desired -= i >= step->replaced;
        CHECK(p->group.desired >= p->group.min);
    }
    p->least = MIN(p->least, (int64_t)p->group.n);
}

/* The group obeys, and the state goes through its text, as from look to look. */
static void
obey(struct play *p, const struct cfn_roll_step *step)
{
    struct str text = cfn_roll_print(test_arena(), &p->roll);

    CHECK(cfn_roll_read(test_arena(), text, &p->roll));
    CHECK_STR(cfn_roll_print(test_arena(), &p->roll), str_cstr(test_arena(), text));
    LIST_EACH(&step->events, event)
        p->events = str_fmt(test_arena(), "%.*s%.*s\n", STR_ARG(p->events), STR_ARG(*event));
    if (step->set_min >= 0)
        p->group.min = step->set_min;
    if (step->set_desired >= 0)
        p->group.desired = step->set_desired;
    CHECK(p->group.min <= p->group.desired && p->group.desired <= p->group.max);
    end(p, step);
    if (p->roll.at == CFN_ROLL_SETTLE)
        while ((int64_t)p->group.n < p->group.desired)
            add(p, false);
    p->most = MAX(p->most, (int64_t)p->group.n);
    if (p->roll.at == CFN_ROLL_OVER) /* who keeps more than there were has too many */
        p->group.n = MIN(p->group.n, (size_t)p->group.desired);
}

static void
run(struct play *p)
{
    struct cfn_roll_step step;

    for (int i = 0; i < 1000 && p->roll.at != CFN_ROLL_OVER && !p->failed.p; i++) {
        bool moved =
            cfn_roll_next(test_arena(), &p->roll, &p->group, p->good, p->bad, p->now, &step);

        obey(p, &step);
        p->failed = step.failed;
        if (!moved && !step.failed.p) {
            CHECK(step.look_ms > p->now);
            p->now = step.look_ms;
        }
    }
    CHECK(p->failed.p || p->roll.at == CFN_ROLL_OVER);
}

TEST(a_rolling_update_that_keeps_one_of_two)
{
    struct play p;

    start(&p,
          "{MaxBatchSize: '1', MinInstancesInService: '1', PauseTime: PT5M, "
          "WaitOnResourceSignals: 'true'}",
          1, 2, 5);
    run(&p);
    CHECK_STR(p.events,
              "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1, while "
              "keeping at least 1 instance(s) in service. Waiting on resource signals with a "
              "timeout of PT5M when new instances are added to the autoscaling group.\n"
              "Temporarily setting autoscaling group MinSize and DesiredCapacity to 2.\n"
              "Terminating instance(s) [old1]; replacing with 1 new instance(s).\n"
              "Successfully terminated instance(s) [old1] (Progress 50%).\n"
              "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a "
              "timeout of PT5M.\n"
              "Terminating instance(s) [old2]; replacing with 1 new instance(s).\n"
              "Successfully terminated instance(s) [old2] (Progress 100%).\n"
              "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a "
              "timeout of PT5M.\n");
    CHECK_INT(p.group.min, 1);
    CHECK_INT(p.group.desired, 2);
}

TEST(a_rolling_update_that_keeps_all_three_makes_one_first)
{
    struct play p;

    start(&p, "{MinInstancesInService: 3, PauseTime: PT15M, WaitOnResourceSignals: true}", 3, 3, 4);
    run(&p);
    CHECK_STR(p.events,
              "Rolling update initiated. Terminating 3 obsolete instance(s) in batches of 1, while "
              "keeping at least 3 instance(s) in service. Waiting on resource signals with a "
              "timeout of PT15M when new instances are added to the autoscaling group.\n"
              "Temporarily setting autoscaling group MinSize and DesiredCapacity to 4.\n"
              "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a "
              "timeout of PT15M.\n"
              "Terminating instance(s) [old1]; replacing with 1 new instance(s).\n"
              "Successfully terminated instance(s) [old1] (Progress 33%).\n"
              "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a "
              "timeout of PT15M.\n"
              "Terminating instance(s) [old2]; replacing with 1 new instance(s).\n"
              "Successfully terminated instance(s) [old2] (Progress 67%).\n"
              "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a "
              "timeout of PT15M.\n"
              "Terminating instance(s) [old3]; replacing with 0 new instance(s).\n"
              "Successfully terminated instance(s) [old3] (Progress 100%).\n");
    CHECK_INT(p.least, 3);
    CHECK_INT(p.group.desired, 3);
}

TEST(a_rolling_update_without_pause_or_service)
{
    struct play p;

    start(&p, "{}", 2, 2, 2);
    run(&p);
    CHECK_STR(p.events,
              "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1.\n"
              "Terminating instance(s) [old1]; replacing with 1 new instance(s).\n"
              "Successfully terminated instance(s) [old1] (Progress 50%).\n"
              "Terminating instance(s) [old2]; replacing with 1 new instance(s).\n"
              "Successfully terminated instance(s) [old2] (Progress 100%).\n");
    CHECK_INT(p.now, 0);
}

TEST(a_group_at_its_largest_is_not_resized)
{
    struct play p;

    start(&p,
          "{MaxBatchSize: 6, MinInstancesInService: 8, PauseTime: PT5M, WaitOnResourceSignals: "
          "true}",
          3, 9, 9);
    p.silent = true;
    run(&p);
    CHECK(str_starts(p.events,
                     S("Rolling update initiated. Terminating 9 obsolete instance(s) in batches of "
                       "1, while keeping at least 8 instance(s) in service. Waiting")));
    CHECK(str_find(p.events, S("Temporarily")) == SIZE_MAX);
    CHECK(str_ends(p.events,
                   S("Failed to receive 1 resource signal(s) for the current batch.  Each resource "
                     "signal timeout is counted as a FAILURE.\n")));
    CHECK_STR(p.failed, "Received 0 SUCCESS signal(s) out of 9.  Unable to satisfy 100% "
                        "MinSuccessfulInstancesPercent requirement");
    CHECK_INT(p.now, 300000);
}

TEST(some_instances_of_a_rolling_update_may_fail)
{
    struct play p;
    const char *policy = "{MaxBatchSize: 2, MinInstancesInService: 2, "
                         "MinSuccessfulInstancesPercent: 50, PauseTime: PT1M, "
                         "WaitOnResourceSignals: true}";

    /* the first batch's two are lost, and no more of the four may be */
    start(&p, policy, 4, 4, 4);
    p.silent = true;
    run(&p);
    CHECK_STR(p.failed, "Received 0 SUCCESS signal(s) out of 4.  Unable to satisfy 50% "
                        "MinSuccessfulInstancesPercent requirement");
    CHECK_INT(p.now, 120000);
    start(&p, policy, 4, 4, 4);
    p.bad = 3;
    run(&p);
    CHECK_STR(p.failed, "Received 3 FAILURE signal(s) out of 4.  Unable to satisfy 50% "
                        "MinSuccessfulInstancesPercent requirement");
    start(&p, policy, 4, 4, 4);
    p.bad = 2;
    run(&p);
    CHECK(!p.failed.p);
}

TEST(a_rolling_update_that_keeps_as_many_as_there_may_be_fails)
{
    struct play p;

    start(&p, "{MinInstancesInService: 2}", 1, 2, 2);
    run(&p);
    CHECK_STR(p.failed, "MinInstancesInService must be less than the autoscaling group's MaxSize");
}

TEST(a_rolling_update_of_any_size_ends_with_the_sizes_of_before)
{
    struct play p;

    for (int64_t desired = 0; desired <= 9; desired++)
        for (int64_t max = MAX(desired, 1); max <= 12; max++)
            for (int64_t keep = 0; keep < max; keep += 1 + keep / 4)
                for (int64_t batch = 1; batch <= 10; batch += 3) {
                    const char *policy = test_fmt("{MaxBatchSize: %lld, MinInstancesInService: "
                                                  "%lld, PauseTime: PT1S}",
                                                  (long long)batch, (long long)keep);

                    start(&p, policy, desired / 2, desired, max);
                    run(&p);
                    CHECK(!p.failed.p);
                    CHECK_INT(p.group.n, desired);
                    CHECK_INT(p.group.desired, desired);
                    CHECK_INT(p.group.min, desired / 2);
                    CHECK(p.least >= MIN(keep, desired) && p.most <= max);
                    for (size_t i = 0; i < p.group.n; i++)
                        CHECK(!p.instances[i].obsolete);
                }
}

TEST(policies_of_rolling_updates_are_checked)
{
    static const struct {
        const char *in, *wrong;
    } rows[] = {
        {"{MaxBatchSize: 0}", "MaxBatchSize"},
        {"{MaxBatchSize: 101}", "MaxBatchSize"},
        {"{MinInstancesInService: -1}", "MinInstancesInService"},
        {"{MinSuccessfulInstancesPercent: 101}", "MinSuccessfulInstancesPercent"},
        {"{MinActiveInstancesPercent: many}", "MinActiveInstancesPercent"},
        {"{PauseTime: PT1H1S}", "PauseTime"},
        {"{PauseTime: 5}", "PauseTime"},
        {"{WaitOnResourceSignals: maybe}", "WaitOnResourceSignals"},
        {"{SuspendProcesses: Launch}", "SuspendProcesses"},
        {"{MaxBatch: 1}", "MaxBatch"},
        {"{PauseTime: PT1H, SuspendProcesses: [AZRebalance]}", ""},
        {"{WaitOnResourceSignals: 'true'}", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cfn_roll roll;

        CHECK_STR(cfn_roll_policy(test_arena(), policy_of(rows[i].in), &roll), rows[i].wrong);
    }
}
