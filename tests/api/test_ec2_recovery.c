/* Recoveries that alarms ask for, by their rows: what EC2's upkeep makes of them. */
#include "recovery_help.h"

static struct ec2_instance_row
instance(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    struct ec2_instance_row row = *ec2_instance_get(txn, str_from(id));

    row.host = str_dup(&w->arena, row.host);
    row.private_ip = str_dup(&w->arena, row.private_ip);
    row.public_ip = str_dup(&w->arena, row.public_ip);
    row.group_id = str_dup(&w->arena, row.group_id);
    store_rollback(txn);
    return row;
}

static void
ask(struct world *w, const char *id)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    const struct ec2_recovery_row *old = ec2_recovery_get(txn, str_from(id));
    struct ec2_recovery_row row = old ? *old : (struct ec2_recovery_row){.id = str_from(id)};

    row.asked_ms = w->env.now_ms;
    CHECK_INT(old ? ec2_recovery_update(txn, &row) : ec2_recovery_insert(txn, &row), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_advance(w, 1000);
}

static struct ec2_recovery_row
answer(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    const struct ec2_recovery_row *row = ec2_recovery_get(txn, str_from(id));
    struct ec2_recovery_row copy = row ? *row : (struct ec2_recovery_row){.asked_ms = -1};

    store_rollback(txn);
    return copy;
}

TEST(a_recovery_that_is_asked_for_moves_an_instance_that_does_not_recover_by_itself)
{
    struct world *w = world_new();
    const char *id = run(w, "t3.micro&MaintenanceOptions.AutoRecovery=disabled");
    struct ec2_instance_row before = instance(w, id), after;

    /* Nothing has failed: nothing happens. */
    ask(w, id);
    CHECK_INT(answer(w, id).asked_ms, 0);
    CHECK_INT(answer(w, id).attempts, 0);
    CHECK_STR(instance(w, id).host, str_cstr(&w->arena, before.host));

    fault(w, "host", before.host, true);
    world_advance(w, 3 * MINUTE_MS);
    CHECK_STR(instance(w, id).host, str_cstr(&w->arena, before.host));
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstanceStatus&InstanceId.1=%s", id), "code"),
              "instance-retirement");
    ask(w, id);
    after = instance(w, id);
    CHECK(!str_eq(after.host, before.host));
    CHECK_STR(after.private_ip, str_cstr(&w->arena, before.private_ip));
    CHECK_STR(after.public_ip, str_cstr(&w->arena, before.public_ip));
    CHECK_INT(after.reboot_generation, before.reboot_generation + 1);
    CHECK_INT(after.launched_ms, before.launched_ms);
    CHECK_INT(after.state, EC2_RUNNING);
    CHECK(host_sim_runs(w->sim, str_from(id)));
    /* It has left what it was to be retired for. */
    CHECK(str_starts(
        xml_text(world_okf(w, "Action=DescribeInstanceStatus&InstanceId.1=%s", id), "description"),
        S("[Completed] ")));
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    ask(w, id);
    CHECK_INT(answer(w, id).asked_ms, -1);
    world_free(w);
}

TEST(without_room_a_recovery_is_tried_again_and_there_are_three_a_day)
{
    struct world *w = world_new();
    const char *id = run(w, "t3.micro&MaintenanceOptions.AutoRecovery=disabled");
    struct ec2_instance_row before = instance(w, id);

    /* All of the zone fails: nowhere to go to. */
    fault(w, "zone", str_cut(before.host, 0, placement_zone_of(before.host).n), true);
    ask(w, id);
    CHECK(answer(w, id).asked_ms > 0);
    CHECK_INT(answer(w, id).attempts, 1);
    world_crash(w);
    world_advance(w, MINUTE_MS);
    CHECK_INT(answer(w, id).attempts, 1);
    world_advance(w, MINUTE_MS);
    CHECK_INT(answer(w, id).attempts, 2);
    world_advance(w, 4 * MINUTE_MS);
    CHECK_INT(answer(w, id).attempts, 3);
    CHECK_INT(answer(w, id).asked_ms, 0);
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstanceStatus&InstanceId.1=%s", id), "code"),
              "instance-retirement");
    /* That was all for this day, also when there would be room. */
    fault(w, "zone", str_cut(before.host, 0, placement_zone_of(before.host).n), false);
    fault(w, "host", before.host, true);
    ask(w, id);
    CHECK_STR(instance(w, id).host, str_cstr(&w->arena, before.host));
    world_jump(w, INT64_C(24) * 3600 * 1000);
    ask(w, id);
    CHECK(!str_eq(instance(w, id).host, before.host));
    CHECK_INT(answer(w, id).attempts, 1);
    world_free(w);
}
