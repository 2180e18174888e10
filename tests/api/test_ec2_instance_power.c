/* Start, stop, reboot, terminate; and what the guest does by itself. */
#include "harness/world.h"

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
#define ONE RUN "&MinCount=1&MaxCount=1"

static const char *
launch(struct world *w, const char *more)
{
    struct str run = world_okf(w, ONE "%s", more);
    const char *id = xml_cstr(run, "instanceId");

    world_advance(w, 1000);
    return id;
}

static struct str
describe(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

static struct str
state(struct world *w, const char *id)
{
    return xml_text(xml_element(describe(w, id), "instanceState"), "name");
}

static struct str
act(struct world *w, const char *action, const char *id)
{
    return world_okf(w, "Action=%sInstances&InstanceId.1=%s", action, id);
}

static void
check_change(struct str reply, const char *before, const char *after)
{
    CHECK_STR(xml_text(xml_element(reply, "previousState"), "name"), before);
    CHECK_STR(xml_text(xml_element(reply, "currentState"), "name"), after);
}

TEST(an_instance_stops_and_starts, "LIFE-07")
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str before = describe(w, id);

    check_change(act(w, "Stop", id), "running", "stopping");
    CHECK_STR(state(w, id), "stopping");
    world_advance(w, 1000);
    struct str stopped = describe(w, id);
    CHECK_STR(xml_text(xml_element(stopped, "instanceState"), "name"), "stopped");
    CHECK_STR(xml_text(xml_element(stopped, "instanceState"), "code"), "80");
    CHECK_STR(xml_text(xml_element(stopped, "stateReason"), "code"),
              "Client.UserInitiatedShutdown");
    CHECK_STR(xml_text(xml_element(stopped, "stateReason"), "message"),
              "Client.UserInitiatedShutdown: User initiated shutdown");
    CHECK(str_starts(xml_text(stopped, "reason"), S("User initiated (")));
    CHECK(str_ends(xml_text(stopped, "reason"), S(" GMT)")));
    CHECK(!xml_element(stopped, "ipAddress").p);
    CHECK(!xml_text(stopped, "dnsName").n);
    CHECK(str_eq(xml_text(stopped, "privateIpAddress"), xml_text(before, "privateIpAddress")));
    CHECK(!host_sim_runs(w->sim, str_from(id)));

    launch(w, ""); /* takes the address that was given back */
    check_change(act(w, "Start", id), "stopped", "pending");
    world_advance(w, 1000);
    struct str after = describe(w, id);
    CHECK_STR(xml_text(xml_element(after, "instanceState"), "name"), "running");
    CHECK(!xml_element(after, "stateReason").p);
    CHECK(!xml_text(after, "reason").n);
    CHECK(xml_text(after, "ipAddress").n > 0);
    CHECK(!str_eq(xml_text(after, "ipAddress"), xml_text(before, "ipAddress")));
    CHECK(str_eq(xml_text(after, "privateIpAddress"), xml_text(before, "privateIpAddress")));
    CHECK(str_eq(xml_text(after, "volumeId"), xml_text(before, "volumeId")));
    CHECK(!str_eq(xml_text(after, "launchTime"), xml_text(before, "launchTime")));
    CHECK(host_sim_runs(w->sim, str_from(id)));
    world_free(w);
}

TEST(doing_it_again_is_fine)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    check_change(act(w, "Start", id), "running", "running");
    act(w, "Stop", id);
    check_change(act(w, "Stop", id), "stopping", "stopping");
    world_advance(w, 1000);
    check_change(act(w, "Stop", id), "stopped", "stopped");
    act(w, "Start", id);
    check_change(act(w, "Start", id), "pending", "pending");
    world_advance(w, 1000);
    check_change(act(w, "Terminate", id), "running", "shutting-down");
    world_advance(w, 1000);
    check_change(act(w, "Terminate", id), "terminated", "terminated");
    world_free(w);
}

TEST(a_reboot_keeps_the_instance_running_with_its_addresses)
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str before = describe(w, id);

    act(w, "Reboot", id);
    CHECK_STR(state(w, id), "running");
    world_advance(w, 1000);
    struct str after = describe(w, id);
    CHECK(str_eq(xml_text(after, "ipAddress"), xml_text(before, "ipAddress")));
    CHECK(str_eq(xml_text(after, "launchTime"), xml_text(before, "launchTime")));
    CHECK(host_sim_runs(w->sim, str_from(id)));
    struct txn *txn = world_begin(w);
    CHECK_INT(host_machine_get(txn, str_from(id))->boots, 2);
    store_rollback(txn);
    world_free(w);
}

TEST(a_terminated_instance_gives_back_what_it_had, "LIFE-06")
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    act(w, "Terminate", id);
    world_advance(w, 1000);
    struct str gone = describe(w, id);
    CHECK_STR(xml_text(xml_element(gone, "instanceState"), "name"), "terminated");
    CHECK_STR(xml_text(xml_element(gone, "stateReason"), "code"), "Client.UserInitiatedShutdown");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId"), 0);
    CHECK_INT(host_sim_running(w->sim), 0);
    /* The next one gets the lowest address again. */
    struct str first = xml_text(describe(w, launch(w, "")), "privateIpAddress");
    CHECK_STR(first, "172.31.0.4");
    world_free(w);
}

TEST(a_stopped_instance_is_terminated_at_once)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    act(w, "Stop", id);
    world_advance(w, 1000);
    check_change(act(w, "Terminate", id), "stopped", "terminated");
    CHECK_STR(state(w, id), "terminated");
    world_advance(w, 1000);
    struct txn *txn = world_begin(w);
    CHECK_INT(host_machine_get(txn, str_from(id))->phase, HOST_REMOVED);
    CHECK_INT(ec2_instance_get(txn, str_from(id))->uid_slot, 0);
    store_rollback(txn);
    world_free(w);
}

TEST(an_instance_can_be_terminated_while_it_boots)
{
    struct world *w = world_new();
    struct str run = world_ok(w, ONE);
    const char *id = xml_cstr(run, "instanceId");

    check_change(act(w, "Terminate", id), "pending", "shutting-down");
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "terminated");
    CHECK_INT(host_sim_running(w->sim), 0);
    world_free(w);
}

TEST(a_restart_can_be_stopped_while_it_boots)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    act(w, "Stop", id);
    world_advance(w, 1000);
    act(w, "Start", id);
    check_change(act(w, "Stop", id), "pending", "stopping");
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "stopped");
    CHECK(!host_sim_runs(w->sim, str_from(id)));
    act(w, "Start", id);
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "running");
    CHECK(host_sim_runs(w->sim, str_from(id)));
    world_free(w);
}

TEST(a_failed_start_leaves_the_instance_stopped)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    act(w, "Stop", id);
    world_advance(w, 1000);
    host_sim_fail_next_boot(w->sim, "No memory is left");
    act(w, "Start", id);
    world_advance(w, 1000);
    struct str seen = describe(w, id);
    CHECK_STR(xml_text(xml_element(seen, "instanceState"), "name"), "stopped");
    CHECK_STR(xml_text(xml_element(seen, "stateReason"), "message"),
              "Server.InternalError: No memory is left");
    CHECK(!xml_element(seen, "ipAddress").p);
    act(w, "Start", id);
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "running");
    world_free(w);
}

/* Behaviour × protection × who: eight outcomes. */
TEST(shutdown_behaviour_and_protection_each_guard_their_own_door, "LIFE-01 LIFE-02 LIFE-03 LIFE-04")
{
    static const struct {
        const char *behavior;
        bool protected_;
        const char *from_inside; /* the state after the guest powers off */
        const char *from_api;    /* the code of TerminateInstances; NULL: it is done */
    } rows[] = {
        {"stop", false, "stopped", NULL},
        {"stop", true, "stopped", "OperationNotPermitted"},
        {"terminate", false, "terminated", NULL},
        {"terminate", true, "terminated", "OperationNotPermitted"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *more =
            test_fmt("&InstanceInitiatedShutdownBehavior=%s&DisableApiTermination=%s",
                     rows[i].behavior, rows[i].protected_ ? "true" : "false");
        const char *inside = launch(w, more), *api = launch(w, more), *stop = launch(w, more);

        host_sim_exit(w->sim, str_from(inside), HOST_EXIT_POWEROFF);
        world_advance(w, 1000);
        struct str seen = describe(w, inside);
        CHECK_STR(xml_text(xml_element(seen, "instanceState"), "name"), rows[i].from_inside);
        CHECK_STR(xml_text(xml_element(seen, "stateReason"), "code"),
                  "Client.InstanceInitiatedShutdown");
        CHECK_STR(xml_text(xml_element(seen, "stateReason"), "message"),
                  "Client.InstanceInitiatedShutdown: Instance initiated shutdown");

        struct str reply = world_callf(w, "Action=TerminateInstances&InstanceId.1=%s", api);
        CHECK_INT(w->http, rows[i].from_api ? 400 : 200);
        if (rows[i].from_api) {
            CHECK_STR(xml_text(reply, "Code"), rows[i].from_api);
            CHECK_STR(xml_text(reply, "Message"),
                      test_fmt("The instance '%s' may not be terminated. Modify its "
                               "'disableApiTermination' instance attribute and try again.",
                               api));
        }
        act(w, "Stop", stop);
        world_advance(w, 1000);
        CHECK_STR(state(w, stop), "stopped");
    }
    world_free(w);
}

TEST(stop_protection_refuses_a_stop)
{
    struct world *w = world_new();
    const char *id = launch(w, "&DisableApiStop=true");
    struct str reply = world_callf(w, "Action=StopInstances&InstanceId.1=%s", id);

    CHECK_FAULT(w, reply, "OperationNotPermitted");
    CHECK_STR(xml_text(reply, "Message"),
              test_fmt("The instance '%s' may not be stopped. Modify its 'disableApiStop' instance "
                       "attribute and try again.",
                       id));
    act(w, "Terminate", id);
    world_free(w);
}

TEST(a_guest_that_reboots_itself_goes_on_running)
{
    struct world *w = world_new();
    const char *id = launch(w, "&InstanceInitiatedShutdownBehavior=terminate");

    host_sim_exit(w->sim, str_from(id), HOST_EXIT_REBOOT);
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "running");
    CHECK(host_sim_runs(w->sim, str_from(id)));
    world_free(w);
}

TEST(what_died_while_the_daemon_was_away_is_seen_by_its_shutdown_behaviour)
{
    struct world *w = world_new();
    const char *stops = launch(w, "");
    const char *ends = launch(w, "&InstanceInitiatedShutdownBehavior=terminate");

    host_sim_lose(w->sim, str_from(stops));
    host_sim_lose(w->sim, str_from(ends));
    world_crash(w);
    world_advance(w, 1000);
    CHECK_STR(state(w, stops), "stopped");
    CHECK_STR(state(w, ends), "terminated");
    CHECK_STR(xml_text(xml_element(describe(w, stops), "stateReason"), "code"),
              "Server.InternalError");
    act(w, "Start", stops);
    world_advance(w, 1000);
    CHECK_STR(state(w, stops), "running");
    world_free(w);
}

TEST(after_the_host_restarted_all_that_ran_is_stopped_and_not_lost)
{
    struct world *w = world_new();
    const char *stops = launch(w, "");
    const char *ends = launch(w, "&InstanceInitiatedShutdownBehavior=terminate");

    world_power_loss(w);
    world_advance(w, 1000);
    CHECK_STR(state(w, stops), "stopped");
    CHECK_STR(state(w, ends), "stopped");
    act(w, "Start", ends);
    world_advance(w, 1000);
    CHECK_STR(state(w, ends), "running");
    world_free(w);
}

TEST(a_crash_in_the_middle_of_anything_is_finished)
{
    static const struct {
        const char *action, *want;
    } rows[] = {{"Stop", "stopped"}, {"Terminate", "terminated"}, {"Reboot", "running"}};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int64_t after_ms = 0; after_ms < 80; after_ms += 10) {
            const char *id = launch(w, "");

            act(w, rows[i].action, id);
            world_advance(w, after_ms);
            world_crash(w);
            world_advance(w, 2000);
            if (!str_is(state(w, id), rows[i].want))
                FAIL("%s and a crash after %lld ms: %.*s", rows[i].action, (long long)after_ms,
                     STR_ARG(state(w, id)));
            CHECK(host_sim_runs(w->sim, str_from(id)) == (strcmp(rows[i].action, "Reboot") == 0));
        }
    world_free(w);
}

TEST(all_ids_are_checked_before_any_change)
{
    static const char *const actions[] = {"Start", "Stop", "Reboot", "Terminate"};
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        CHECK_FAULT(w,
                    world_callf(w,
                                "Action=%sInstances&InstanceId.1=%s"
                                "&InstanceId.2=i-00000000000000001",
                                actions[i], id),
                    "InvalidInstanceID.NotFound");
        CHECK_FAULT(
            w, world_callf(w, "Action=%sInstances&InstanceId.1=%s&InstanceId.2=x", actions[i], id),
            "InvalidInstanceID.Malformed");
        CHECK_FAULT(w, world_callf(w, "Action=%sInstances", actions[i]), "MissingParameter");
    }
    const char *guarded = launch(w, "&DisableApiTermination=true");
    CHECK_FAULT(
        w, world_callf(w, "Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=%s", id, guarded),
        "OperationNotPermitted");
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "running");
    CHECK_STR(state(w, guarded), "running");
    world_free(w);
}

TEST(a_wrong_state_is_named)
{
    struct world *w = world_new();
    const char *gone = launch(w, ""), *stopping = launch(w, ""), *stopped = launch(w, "");

    act(w, "Terminate", gone);
    act(w, "Stop", stopped);
    world_advance(w, 1000);
    act(w, "Stop", stopping);
    struct str run = world_ok(w, ONE);
    const char *fresh = xml_cstr(run, "instanceId");
    const struct {
        const char *action, *id, *message;
    } bad[] = {
        {"Start", gone, "The instance '%s' is not in a state from which it can be started."},
        {"Start", stopping, "The instance '%s' is not in a state from which it can be started."},
        {"Stop", gone, "This instance '%s' is not in a state from which it can be stopped."},
        {"Stop", fresh,
         "Instance '%s' cannot be stopped as it has never reached the 'running' state."},
        {"Reboot", stopped, "The instance '%s' is not in a state from which it can be rebooted."},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str reply =
            world_callf(w, "Action=%sInstances&InstanceId.1=%s", bad[i].action, bad[i].id);
        struct str want = str_from(bad[i].message);
        size_t at = str_find(want, S("%s"));

        CHECK_FAULT(w, reply, "IncorrectInstanceState");
        CHECK_STR(xml_text(reply, "Message"), test_fmt("%.*s%s%.*s", (int)at, want.p, bad[i].id,
                                                       STR_ARG(str_cut(want, at + 2, want.n))));
    }
    world_free(w);
}

TEST(skipping_the_shutdown_is_refused_by_name)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    CHECK_FAULT(w, world_callf(w, "Action=StopInstances&SkipOsShutdown=true&InstanceId.1=%s", id),
                "UnsupportedOperation");
    CHECK_FAULT(w, world_callf(w, "Action=StartInstances&AdditionalInfo=x&InstanceId.1=%s", id),
                "UnsupportedOperation");
    CHECK_STR(state(w, id), "running");
    world_okf(w, "Action=StopInstances&Force=true&Hibernate=false&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_STR(state(w, id), "stopped");
    world_free(w);
}

TEST(a_dry_run_moves_nothing)
{
    static const char *const actions[] = {"Stop", "Reboot", "Terminate"};
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        CHECK_FAULT(
            w, world_callf(w, "Action=%sInstances&DryRun=true&InstanceId.1=%s", actions[i], id),
            "DryRunOperation");
        world_advance(w, 1000);
        CHECK_STR(state(w, id), "running");
    }
    world_free(w);
}
