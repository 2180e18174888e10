/*
 * The reconcilers of the host and of EC2 with the sim host between them: every state of an
 * instance meets every event and every kind of crash, and what comes of it is what shall be.
 */
#include "ec2/ec2.h"
#include "harness/world.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&MaxCount=" \
    "1"
/* As world.c sets up the sim host. */
#define BOOT_MS 50
#define STOP_MS 20
#define LONG_MS 60000

static struct str
ok(struct world *w, struct str xml)
{
    if (w->http != 200)
        FAIL("HTTP %d: %.*s", w->http, STR_ARG(xml));
    return xml;
}

static const char *
launch(struct world *w, const char *more)
{
    struct str xml = ok(w, world_callf(w, RUN "%s", more));

    return str_cstr(test_arena(), xml_text(xml, "instanceId"));
}

static void
act(struct world *w, const char *action, const char *id)
{
    bool whole = strstr(action, "Action=") != NULL;

    ok(w, world_callf(w, "%s%sInstances&InstanceId.1=%s", whole ? "" : "Action=", action, id));
}

static int
state(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    const struct ec2_instance_row *row = ec2_instance_get(txn, str_from(id));
    int s = row ? (int)row->state : EC2_TERMINATED;

    store_rollback(txn);
    return s;
}

static struct host_machine_row
seen(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    const struct host_machine_row *row = host_machine_get(txn, str_from(id));
    struct host_machine_row copy = row ? *row : (struct host_machine_row){.phase = -1};

    store_rollback(txn);
    return copy;
}

static bool
runs(struct world *w, const char *id)
{
    return host_sim_runs(w->sim, str_from(id));
}

/* ---- every state × every event × every crash ---- */

enum from {
    PENDING,
    RUNNING,
    REBOOTING,
    STOPPING,
    STOPPED,
    RESTARTING,
    ENDING,
    ENDED,
    FREEZING,
    FROZEN,
    THAWING,
    N_FROM
};
static const char *const from_names[] = {"pending",  "running",    "rebooting",     "stopping",
                                         "stopped",  "restarting", "shutting-down", "terminated",
                                         "freezing", "hibernated", "thawing"};

/* An instance in that state, its machine somewhere on the way. */
static const char *
bring(struct world *w, enum from from)
{
    bool cold = from == FREEZING || from == FROZEN || from == THAWING;
    const char *id = launch(w, cold ? "&HibernationOptions.Configured=true&BlockDeviceMapping.1."
                                      "DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true"
                                    : "");

    if (from == PENDING)
        return id;
    world_advance(w, cold ? 120000 : 1000);
    if (cold) {
        act(w, "Hibernate=true&Action=Stop", id);
        if (from != FREEZING)
            world_advance(w, 1000);
        if (from == THAWING)
            act(w, "Start", id);
    } else if (from == REBOOTING) {
        act(w, "Reboot", id);
    } else if (from == STOPPING || from == STOPPED || from == RESTARTING) {
        act(w, "Stop", id);
        if (from != STOPPING)
            world_advance(w, 1000);
        if (from == RESTARTING)
            act(w, "Start", id);
    } else if (from == ENDING || from == ENDED) {
        act(w, "Terminate", id);
        if (from == ENDED)
            world_advance(w, 1000);
    }
    return id;
}

enum event { NOTHING, STOP, START, REBOOT, TERMINATE, POWEROFF, RESET, CRASH, N_EVENTS };
static const char *const event_names[] = {"nothing",       "stop",         "start",
                                          "reboot",        "terminate",    "poweroff",
                                          "guest reboots", "guest crashes"};

/* What the instance comes to, when left alone; -1: the event does not apply there. */
static int
outcome(enum from from, enum event event)
{
    bool up = from == PENDING || from == RUNNING || from == REBOOTING || from == RESTARTING ||
              from == THAWING;
    bool gone = from == ENDING || from == ENDED;

    switch (event) {
    case STOP:
        return gone ? EC2_TERMINATED : from == PENDING ? EC2_RUNNING : EC2_STOPPED;
    case START:
        return gone                                   ? EC2_TERMINATED
               : from == STOPPING || from == FREEZING ? EC2_STOPPED
                                                      : EC2_RUNNING;
    case TERMINATE:
        return EC2_TERMINATED;
    case POWEROFF:
    case CRASH:
        return from == RUNNING ? EC2_STOPPED : -1;
    case RESET:
        return from == RUNNING ? EC2_RUNNING : -1;
    default:
        return up ? EC2_RUNNING : gone ? EC2_TERMINATED : EC2_STOPPED;
    }
}

static void
do_event(struct world *w, const char *id, enum event event)
{
    static const char *const calls[] = {NULL, "Stop", "Start", "Reboot", "Terminate"};
    static const enum host_exit exits[] = {HOST_EXIT_POWEROFF, HOST_EXIT_REBOOT, HOST_EXIT_CRASHED};

    if (event >= POWEROFF) {
        CHECK(runs(w, id));
        host_sim_exit(w->sim, str_from(id), exits[event - POWEROFF]);
        return;
    }
    if (event != NOTHING) {
        world_callf(w, "Action=%sInstances&InstanceId.1=%s", calls[event], id);
        CHECK(w->http == 200 || w->http == 400);
    }
}

static void
check_rest(struct world *w, const char *id, int want, const char *what)
{
    int got = state(w, id);

    if (got != want)
        FAIL("%s: state %d, not %d", what, got, want);
    if (runs(w, id) != (want == EC2_RUNNING))
        FAIL("%s: state %d, and its machine %s", what, got, runs(w, id) ? "runs" : "is down");
    CHECK_INT(host_sim_running(w->sim), want == EC2_RUNNING);
    if (want == EC2_TERMINATED && seen(w, id).phase != -1 && seen(w, id).phase != HOST_REMOVED)
        FAIL("%s: its disk stays (phase %d)", what, (int)seen(w, id).phase);
}

enum crash { NO_CRASH, DAEMON, TWICE, N_CRASHES };

static void
one(enum from from, enum event event, enum crash how, int64_t after_ms)
{
    struct world *w = world_new();
    const char *id = bring(w, from);
    int want = outcome(from, event);

    if (want >= 0) {
        const char *what = str_fmt(test_arena(), "%s, then %s, %lld ms, crash %d", from_names[from],
                                   event_names[event], (long long)after_ms, how)
                               .p;
        do_event(w, id, event);
        world_advance(w, after_ms);
        for (int i = 0; i < (int)how; i++)
            world_crash(w);
        world_advance(w, LONG_MS);
        check_rest(w, id, want, what);
    }
    world_free(w);
}

static void
every_state_meets_every_event(enum crash how)
{
    static const int64_t after_ms[] = {0, 1, STOP_MS, STOP_MS + 1, BOOT_MS, BOOT_MS + STOP_MS + 1};

    for (int from = 0; from < N_FROM; from++)
        for (int event = 0; event < N_EVENTS; event++)
            for (size_t t = 0; t < ARRAY_LEN(after_ms); t++)
                one((enum from)from, (enum event)event, how, after_ms[t]);
}

TEST(every_state_meets_every_event)
{
    every_state_meets_every_event(NO_CRASH);
}

TEST(every_state_meets_every_event_and_a_crash_of_the_daemon_changes_nothing)
{
    every_state_meets_every_event(DAEMON);
}

TEST(every_state_meets_every_event_and_two_crashes_of_the_daemon_change_nothing)
{
    every_state_meets_every_event(TWICE);
}

/* Nothing runs after the host lost power: who ran is stopped, who was to go is gone. */
TEST(every_state_comes_to_rest_after_a_power_loss)
{
    static const int64_t after_ms[] = {0, 1, STOP_MS, BOOT_MS, 1000};

    for (int from = 0; from < N_FROM; from++)
        for (size_t t = 0; t < ARRAY_LEN(after_ms); t++) {
            struct world *w = world_new();
            const char *id = bring(w, (enum from)from);

            world_advance(w, after_ms[t]);
            bool was_pending = state(w, id) == EC2_PENDING;
            bool reboots =
                state(w, id) == EC2_RUNNING && !runs(w, id) && seen(w, id).phase == HOST_DOWN;
            world_power_loss(w);
            world_advance(w, LONG_MS);
            int got = state(w, id);
            int want = was_pending || reboots            ? EC2_RUNNING
                       : from == ENDING || from == ENDED ? EC2_TERMINATED
                                                         : EC2_STOPPED;
            if (got != want)
                FAIL("%s after %lld ms: state %d, not %d", from_names[from], (long long)after_ms[t],
                     got, want);
            check_rest(w, id, want, from_names[from]);
            /* and it can be used again */
            if (want == EC2_STOPPED) {
                act(w, "Start", id);
                world_advance(w, 1000);
                check_rest(w, id, EC2_RUNNING, from_names[from]);
            }
            world_free(w);
        }
}

/* ---- generations ---- */

TEST(each_reboot_that_was_asked_for_boots_once)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    world_advance(w, 1000);
    CHECK_INT(seen(w, id).boots, 1);
    act(w, "Reboot", id);
    world_advance(w, 1000);
    CHECK_INT(seen(w, id).boots, 2);
    CHECK_INT(seen(w, id).reboot_generation, 1);
    CHECK_INT(seen(w, id).start_generation, 1);
    /* those that come while it is on its way are the same one */
    act(w, "Reboot", id);
    act(w, "Reboot", id);
    world_advance(w, 1000);
    CHECK_INT(seen(w, id).reboot_generation, 3);
    CHECK(seen(w, id).boots >= 3 && seen(w, id).boots <= 4);
    int64_t boots = seen(w, id).boots;
    world_crash(w);
    world_advance(w, 1000);
    CHECK_INT(seen(w, id).boots, boots); /* a restart of the daemon reboots nobody */
    world_free(w);
}

TEST(a_start_is_a_new_generation)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (int64_t generation = 1; generation <= 4; generation++) {
        world_advance(w, 1000);
        CHECK_INT(seen(w, id).start_generation, generation);
        CHECK_INT(seen(w, id).boots, generation);
        act(w, "Stop", id);
        world_advance(w, 1000);
        CHECK_INT(state(w, id), EC2_STOPPED);
        act(w, "Start", id);
    }
    world_free(w);
}

/* ---- patience ---- */

/* The sim host's driver, but guests do not hear the power button. */
static struct {
    struct host_driver driver;
    int (*power)(void *ctx, struct str id, enum host_power how);
    unsigned buttons, kills;
} deaf;

static int
deaf_power(void *ctx, struct str id, enum host_power how)
{
    deaf.buttons += how == HOST_POWER_BUTTON;
    deaf.kills += how == HOST_POWER_KILL;
    return how == HOST_POWER_KILL ? deaf.power(ctx, id, how) : 0;
}

static void
attach(void *ctx, const struct host_events *events)
{
    host_sim_attach(ctx, events);
}

/* The world's cloud with another driver: as after a crash. */
static void
use_driver(struct world *w, const struct host_driver *driver)
{
    static const uint8_t root_key[STORE_ROOT_KEY_BYTES] = "a root key that only tests have";
    char why[STORE_WHY_BYTES] = "";
    struct host_events nobody = {0};
    struct cloud_config config = {.env = &w->env.env,
                                  .loop = w->loop,
                                  .dir = "/world",
                                  .root_key = root_key,
                                  .root_keys = true};

    w->cloud = cloud_close(w->cloud);
    host_sim_attach(w->sim, &nobody);
    if (cloud_open(&w->cloud, &config, why) < 0)
        FAIL("%s", why);
    CHECK(cloud_start(w->cloud, driver, attach, w->sim) == 0);
    world_settle(w);
}

static struct world *
deaf_world(int (*boot)(void *ctx, const struct host_boot *boot))
{
    struct world *w = world_new();

    memset(&deaf, 0, sizeof(deaf));
    deaf.driver = *host_sim_driver(w->sim);
    deaf.power = deaf.driver.power;
    deaf.driver.power = deaf_power;
    if (boot)
        deaf.driver.boot = boot;
    use_driver(w, &deaf.driver);
    return w;
}

TEST(a_guest_that_does_not_shut_down_is_killed_after_half_a_minute, "LIFE-07")
{
    struct world *w = deaf_world(NULL);
    const char *id = launch(w, "");
    world_advance(w, 1000);
    CHECK_INT(state(w, id), EC2_RUNNING);
    act(w, "Stop", id);
    CHECK_INT(deaf.buttons, 1);
    world_advance(w, 29900);
    CHECK_INT(deaf.kills, 0);
    CHECK_INT(state(w, id), EC2_STOPPING);
    world_advance(w, 200);
    world_settle(w); /* patience is real time, at which the world does not stop by itself */
    CHECK_INT(deaf.kills, 1);
    world_advance(w, 100);
    check_rest(w, id, EC2_STOPPED, "killed");
    CHECK_INT(deaf.buttons, 1);
    world_free(w);
}

TEST(who_terminates_waits_for_no_guest)
{
    struct world *w = deaf_world(NULL);
    const char *id = launch(w, "");
    world_advance(w, 1000);
    act(w, "Stop", id);
    world_advance(w, 100);
    act(w, "Terminate", id);
    world_advance(w, 100);
    CHECK_INT(deaf.kills, 1);
    check_rest(w, id, EC2_TERMINATED, "terminated while stopping");
    world_advance(w, LONG_MS);
    CHECK_INT(deaf.kills, 1); /* the patience of the stop has ended with it */
    world_free(w);
}

TEST(a_stop_that_a_crash_interrupted_goes_on_with_fresh_patience)
{
    struct world *w = deaf_world(NULL);
    const char *id = launch(w, "");
    world_advance(w, 1000);
    act(w, "Stop", id);
    world_advance(w, 20000);
    use_driver(w, &deaf.driver);
    CHECK_INT(deaf.buttons, 2);
    world_advance(w, 29000);
    CHECK_INT(deaf.kills, 0);
    world_advance(w, 2000);
    world_settle(w);
    CHECK_INT(deaf.kills, 1);
    world_settle(w);
    check_rest(w, id, EC2_STOPPED, "killed");
    world_free(w);
}

/* ---- failures ---- */

static int
refuse_boot(void *ctx UNUSED, const struct host_boot *boot UNUSED)
{
    return -ENOMEM;
}

TEST(an_instance_that_cannot_boot_says_why)
{
    struct world *w = world_new();

    host_sim_fail_next_boot(w->sim, "The image has no /sbin/init.");
    const char *id = launch(w, "");
    world_advance(w, 1000);
    check_rest(w, id, EC2_TERMINATED, "never booted");
    struct str xml = ok(w, world_callf(w, "Action=DescribeInstances&InstanceId.1=%s", id));
    struct str reason = xml_element(xml, "stateReason");
    CHECK(str_starts(xml_text(reason, "code"), S("Server.")));
    CHECK(str_find(xml_text(reason, "message"), S("The image has no /sbin/init.")) != SIZE_MAX);
    world_free(w);
}

TEST(an_instance_that_ran_before_and_cannot_boot_is_stopped)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    world_advance(w, 1000);
    act(w, "Stop", id);
    world_advance(w, 1000);
    host_sim_fail_next_boot(w->sim, "No memory.");
    act(w, "Start", id);
    world_advance(w, 1000);
    check_rest(w, id, EC2_STOPPED, "did not boot again");
    act(w, "Start", id);
    world_advance(w, 1000);
    check_rest(w, id, EC2_RUNNING, "booted at last");
    /* so is one that fails in the middle of a reboot */
    act(w, "Reboot", id);
    host_sim_fail_next_boot(w->sim, "No memory.");
    world_advance(w, 1000);
    check_rest(w, id, EC2_STOPPED, "did not come back");
    world_free(w);
}

TEST(a_host_that_refuses_to_boot_leaves_nobody_pending)
{
    struct world *w = deaf_world(refuse_boot);
    const char *id = launch(w, "");
    world_advance(w, 1000);
    check_rest(w, id, EC2_TERMINATED, "refused");
    world_free(w);
}

TEST(a_failed_boot_survives_a_crash)
{
    for (int64_t ms = 0; ms <= BOOT_MS + 10; ms += 10) {
        struct world *w = world_new();

        host_sim_fail_next_boot(w->sim, "No memory.");
        const char *id = launch(w, "");
        world_advance(w, ms);
        world_crash(w);
        world_advance(w, LONG_MS);
        int got = state(w, id);
        /* adopted while it booted: it counts as having run */
        CHECK(got == EC2_TERMINATED || got == EC2_STOPPED);
        check_rest(w, id, got, "failed");
        world_free(w);
    }
}

/* ---- machines without an instance, and instances without a machine ---- */

/* Takes the instance's row away, as a reset does. */
static void
drop_instance(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);

    CHECK(ec2_instance_delete(txn, str_from(id)) == 0);
    store_commit(txn);
}

TEST(a_machine_that_nobody_asks_for_is_ended_and_its_disk_goes)
{
    static const enum from froms[] = {PENDING, RUNNING, STOPPED, STOPPING, RESTARTING};

    for (size_t i = 0; i < ARRAY_LEN(froms); i++)
        for (int crash = 0; crash < 3; crash++) {
            struct world *w = world_new();
            const char *id = bring(w, froms[i]);

            world_hold_disk(w, true);
            drop_instance(w, id);
            /* the daemon dies before it has done anything about it */
            CHECK(store_flush(cloud_store(w->cloud)) == 0);
            if (crash == 1)
                world_crash(w);
            else if (crash == 2)
                world_power_loss(w);
            world_hold_disk(w, false);
            world_advance(w, LONG_MS);
            CHECK_INT(host_sim_running(w->sim), 0);
            if (seen(w, id).phase != -1)
                FAIL("%s, crash %d: what was seen of it stays (phase %d)", from_names[froms[i]],
                     crash, (int)seen(w, id).phase);
            world_free(w);
        }
}

TEST(a_reset_ends_every_machine)
{
    struct world *w = world_new();
    uint64_t seq;

    launch(w, "");
    const char *stopped = bring(w, STOPPED);
    bring(w, RUNNING);
    CHECK(cloud_reset(w->cloud, &seq) == 0);
    CHECK(store_flush(cloud_store(w->cloud)) == 0);
    world_crash(w);
    world_advance(w, LONG_MS);
    CHECK_INT(host_sim_running(w->sim), 0);
    CHECK_INT(seen(w, stopped).phase, -1);
    struct txn *txn = world_begin(w);
    CHECK_INT(store_count(txn, &host_machine_table), 0);
    store_rollback(txn);
    /* and the cloud is as new */
    const char *id = launch(w, "");
    world_advance(w, 1000);
    check_rest(w, id, EC2_RUNNING, "after a reset");
    world_free(w);
}

TEST(rows_of_the_terminated_go_after_an_hour_with_what_was_seen)
{
    struct world *w = world_new();
    const char *id = bring(w, ENDED);

    world_advance(w, 3600 * 1000 - 5000);
    CHECK_INT(seen(w, id).phase, HOST_REMOVED);
    world_advance(w, 10000);
    struct txn *txn = world_begin(w);
    CHECK(!ec2_instance_get(txn, str_from(id)) && !host_machine_get(txn, str_from(id)));
    CHECK_INT(store_count(txn, &ec2_reservation_table), 0);
    store_rollback(txn);
    world_free(w);
}

/* ---- the guest is heard ---- */

TEST(the_first_sign_of_a_guest_is_kept_for_each_boot)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    CHECK(seen(w, id).phase == -1);
    world_advance(w, 1000);
    CHECK_INT(seen(w, id).reached_ms, 0);
    host_heard(cloud_host(w->cloud), str_from(id));
    int64_t first = seen(w, id).reached_ms;
    CHECK_INT(first, w->env.now_ms);
    world_advance(w, 1000);
    host_heard(cloud_host(w->cloud), str_from(id));
    CHECK_INT(seen(w, id).reached_ms, first);
    act(w, "Reboot", id);
    world_advance(w, 1000);
    CHECK_INT(seen(w, id).reached_ms, 0);
    host_heard(cloud_host(w->cloud), S("i-0123456789abcdef0"));
    world_free(w);
}

/* The guest asks for its address before the host's own news of its boot has come. */
TEST(a_guest_that_is_heard_while_it_boots_was_reached)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    host_heard(cloud_host(w->cloud), str_from(id));
    CHECK(seen(w, id).phase == -1);
    world_advance(w, 1000);
    CHECK(seen(w, id).reached_ms > 0);
    CHECK_INT(seen(w, id).reached_ms, seen(w, id).booted_ms);
    act(w, "Reboot", id);
    world_advance(w, 1000);
    CHECK_INT(seen(w, id).reached_ms, 0); /* that was the boot before */
    world_free(w);
}

/* A daemon that goes while it has things to do must not do them afterwards. */
TEST(what_was_deferred_dies_with_the_cloud)
{
    struct world *w = world_new();
    const char *id = bring(w, RUNNING);
    struct txn *txn = world_begin(w);
    struct ec2_instance_row row = *ec2_instance_get(txn, str_from(id));

    row.state = EC2_STOPPING;
    CHECK(ec2_instance_update(txn, &row) == 0);
    store_commit(txn); /* both reconcilers have something to look at now */
    CHECK(store_flush(cloud_store(w->cloud)) == 0);
    world_crash(w);
    world_advance(w, LONG_MS);
    check_rest(w, id, EC2_STOPPED, "crashed between commit and look");
    world_free(w);
}
