/*
 * The states of an instance and the reconciler that moves it, against rows alone: the test plays
 * the host by writing host_machine.
 */
#include "ec2/instance.h"
#include "gen/store/events_rows.h"
#include "harness/harness.h"
#include "loop/loop.h"

#define HOUR_MS (3600 * 1000LL)
#define START_MS 1795224600000LL /* 2026-11-21 01:30:00 */
#define ID "i-0123456789abcdef0"

static const struct store_table *const tables[] = {
    &ec2_profile_association_table,
    &events_rule_table,
    &ec2_event_table,
    &ec2_event_window_target_table,
    &ec2_status_report_table,
    &ec2_address_table,
    &ec2_vcpu_use_table,
    &ec2_capacity_reservation_table,
    &ec2_instance_table,
    &ec2_reservation_table,
    &ec2_interface_table,
    &ec2_volume_table,
    &ec2_uid_slot_table,
    &ec2_address_block_table,
    &ec2_subnet_table,
    &host_machine_table,
};

struct bench {
    struct env_fake env;
    const char *dir;
    struct store *store;
    struct loop *loop;
    struct ec2_reconciler *reconciler;
};

static void
bench_open(struct bench *b)
{
    char why[STORE_WHY_BYTES];
    const struct store_config config = {
        .env = &b->env.env, .dir = b->dir, .tables = tables, .n_tables = ARRAY_LEN(tables)};

    if (store_open(&b->store, &config, why))
        FAIL("%s", why);
    CHECK(loop_new(&b->loop, &b->env.env, false) == 0);
}

static struct bench *
bench_new(void)
{
    static unsigned n;
    struct bench *b = ARENA_NEW(test_arena(), struct bench);

    b->dir = str_fmt(test_arena(), "%s/%u", test_dir(), n++).p;
    env_fake_init(&b->env, 7);
    b->env.now_ms = START_MS;
    bench_open(b);
    return b;
}

static void
bench_reconcile(struct bench *b)
{
    CHECK(ec2_reconciler_new(&b->reconciler, b->loop, b->store) == 0);
}

static void
bench_advance(struct bench *b, int64_t ms)
{
    int64_t until_ms = b->env.now_ms + ms, next_ms;

    while (loop_run_timers(b->loop, until_ms, &next_ms))
        b->env.now_ms = MAX(b->env.now_ms, next_ms);
    b->env.now_ms = until_ms;
    CHECK(!loop_run_timers(b->loop, until_ms, &next_ms));
}

static void
bench_crash(struct bench *b)
{
    CHECK(store_flush(b->store) == 0);
    b->reconciler = ec2_reconciler_free(b->reconciler);
    b->loop = loop_free(b->loop);
    b->store = store_abandon(b->store);
    bench_open(b);
}

static void
bench_free(struct bench *b)
{
    char why[STORE_WHY_BYTES];

    if (store_integrity_check(b->store, why))
        FAIL("%s", why);
    b->reconciler = ec2_reconciler_free(b->reconciler);
    loop_free(b->loop);
    store_close(b->store);
}

/* As it may stand in the store. */
static struct ec2_instance_row
whole_instance(enum ec2_instance_state state)
{
    struct ec2_instance_row row = {
        .id = S(ID),
        .account = S("000000000000"),
        .region = S("us-east-1"),
        .reservation_id = S("r-1"),
        .state = state,
        .start_generation = 1,
        .type = S("t3.micro"),
        .vcpus = 2,
        .memory_mib = 1024,
        .core_count = 1,
        .threads_per_core = 2,
        .zone = S("us-east-1a"),
        .tenancy = S("default"),
        .shutdown_behavior = S("stop"),
        .imds_tokens = S("optional"),
        .imds_endpoint = S("enabled"),
        .imds_hop_limit = 1,
    };

    if (state == EC2_TERMINATED) {
        row.terminated_ms = START_MS;
        return row;
    }
    row.uid_slot = 9;
    row.vpc_id = S("vpc-1");
    row.subnet_id = S("subnet-1");
    row.interface_id = S("eni-1");
    row.private_ip = S("10.0.0.4");
    return row;
}

static void
put_instance(struct bench *b, enum ec2_instance_state state, int64_t starts, const char *behavior)
{
    struct txn *txn = store_begin(b->store);
    struct ec2_reservation_row reservation = {.id = S("r-1")};
    struct ec2_instance_row row = whole_instance(state);

    row.reason_code = S("Client.UserInitiatedShutdown");
    row.start_generation = starts;
    row.shutdown_behavior = str_from(behavior);
    row.disable_api_termination = true; /* never in the way of what the guest or the host does */
    CHECK(ec2_slot_take(txn, row.id, 9, &row.uid_slot) == 0);
    CHECK(ec2_reservation_insert(txn, &reservation) == 0);
    CHECK(ec2_instance_insert(txn, &row) == 0);
    store_commit(txn);
}

static void
put_machine(struct bench *b, enum host_phase phase, enum host_exit exit_kind, int64_t starts)
{
    struct txn *txn = store_begin(b->store);
    const struct host_machine_row *old = host_machine_get(txn, S(ID));
    struct host_machine_row row = {.id = S(ID),
                                   .phase = phase,
                                   .exit_kind = exit_kind,
                                   .start_generation = starts,
                                   .reason = S("The disk is full")};

    CHECK((old ? host_machine_update(txn, &row) : host_machine_insert(txn, &row)) == 0);
    store_commit(txn);
}

/* The row, copied into the test's arena as far as tests look; NULL when it is gone. */
static const struct ec2_instance_row *
seen(struct bench *b)
{
    struct txn *txn = store_begin(b->store);
    const struct ec2_instance_row *row = ec2_instance_get(txn, S(ID));
    struct ec2_instance_row *copy = NULL;

    if (row) {
        copy = ARENA_NEW(test_arena(), struct ec2_instance_row);
        *copy = *row;
        copy->reason_code = str_dup(test_arena(), row->reason_code);
        copy->reason_message = str_dup(test_arena(), row->reason_message);
        copy->transition_reason = str_dup(test_arena(), row->transition_reason);
    }
    store_rollback(txn);
    return copy;
}

TEST(instance_states_have_the_names_and_codes_of_ec2, "LIFE-09")
{
    static const struct {
        enum ec2_instance_state state;
        const char *name;
        int code;
    } want[] = {
        {EC2_PENDING, "pending", 0},
        {EC2_RUNNING, "running", 16},
        {EC2_SHUTTING_DOWN, "shutting-down", 32},
        {EC2_TERMINATED, "terminated", 48},
        {EC2_STOPPING, "stopping", 64},
        {EC2_STOPPED, "stopped", 80},
    };

    CHECK_INT(ec2_instance_sm.n_states, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_STR(str_from(ec2_instance_sm.states[want[i].state].name), want[i].name);
        CHECK_INT(ec2_instance_sm.states[want[i].state].code, want[i].code);
    }
}

/* 'x': the column's state may follow the row's.  Order: pending running shutting-down terminated
 * stopping stopped. */
static const char moves[6][7] = {".xxxxx", "..x.x.", "...x..", "......", "..x..x", "x..x.."};

TEST(an_instance_takes_only_moves_that_the_table_allows)
{
    struct bench *b = bench_new();

    for (unsigned from = 0; from < 6; from++)
        for (unsigned to = 0; to < 6; to++) {
            struct txn *txn = store_begin(b->store);
            struct ec2_instance_row row = whole_instance((enum ec2_instance_state)from);

            CHECK(ec2_instance_insert(txn, &row) == 0);
            int r = ec2_instance_move(txn, &row, to, START_MS + 5, INSTANCE_WHY_NONE);
            const struct ec2_instance_row *after = ec2_instance_get(txn, S(ID));
            CHECK(r == (moves[from][to] == 'x' ? 0 : -EPROTO));
            CHECK_INT(after->state, r ? from : to);
            CHECK_INT(after->state_since_ms, r ? 0 : START_MS + 5);
            CHECK_INT(after->terminated_ms, after->state != EC2_TERMINATED ? 0
                                            : from == EC2_TERMINATED       ? START_MS
                                                                           : START_MS + 5);
            store_rollback(txn);
        }
    bench_free(b);
}

enum { SAME, OLDER };

/* What the host saw, and where it leads. */
static const struct {
    enum ec2_instance_state state;
    int starts;
    const char *behavior;
    enum host_phase phase;
    enum host_exit exit_kind;
    int start; /* of the machine's row: SAME or OLDER */
    enum ec2_instance_state want;
    const char *why;
} looks[] = {
    /* Starting. */
    {EC2_PENDING, 1, "stop", HOST_BOOTING, 0, SAME, EC2_PENDING, NULL},
    {EC2_PENDING, 1, "stop", HOST_UP, 0, SAME, EC2_RUNNING, ""},
    {EC2_PENDING, 2, "stop", HOST_UP, 0, OLDER, EC2_PENDING, NULL},
    {EC2_PENDING, 2, "stop", HOST_DOWN, HOST_EXIT_POWEROFF, OLDER, EC2_PENDING, NULL},
    {EC2_PENDING, 1, "stop", HOST_FAILED, 0, SAME, EC2_TERMINATED, "Server.InternalError"},
    {EC2_PENDING, 2, "stop", HOST_FAILED, 0, SAME, EC2_STOPPED, "Server.InternalError"},
    {EC2_PENDING, 1, "stop", HOST_DOWN, HOST_EXIT_POWEROFF, SAME, EC2_STOPPED,
     "Client.InstanceInitiatedShutdown"},
    /* Shut down from inside: by the shutdown behaviour, protected or not. */
    {EC2_RUNNING, 1, "stop", HOST_UP, 0, SAME, EC2_RUNNING, NULL},
    {EC2_RUNNING, 1, "stop", HOST_DOWN, HOST_EXIT_POWEROFF, SAME, EC2_STOPPED,
     "Client.InstanceInitiatedShutdown"},
    {EC2_RUNNING, 1, "terminate", HOST_DOWN, HOST_EXIT_POWEROFF, SAME, EC2_TERMINATED,
     "Client.InstanceInitiatedShutdown"},
    {EC2_RUNNING, 1, "terminate", HOST_DOWN, HOST_EXIT_REBOOT, SAME, EC2_RUNNING, NULL},
    /* Died while nobody asked, or while the daemon was away. */
    {EC2_RUNNING, 1, "stop", HOST_DOWN, HOST_EXIT_CRASHED, SAME, EC2_STOPPED,
     "Server.InternalError"},
    {EC2_RUNNING, 1, "stop", HOST_DOWN, HOST_EXIT_UNKNOWN, SAME, EC2_STOPPED,
     "Server.InternalError"},
    {EC2_RUNNING, 1, "terminate", HOST_DOWN, HOST_EXIT_KILLED, SAME, EC2_TERMINATED,
     "Server.InternalError"},
    {EC2_RUNNING, 1, "stop", HOST_FAILED, 0, SAME, EC2_STOPPED, "Server.InternalError"},
    /* Asked to stop: also by one that would terminate if it had shut down itself. */
    {EC2_STOPPING, 1, "stop", HOST_UP, 0, SAME, EC2_STOPPING, NULL},
    {EC2_STOPPING, 1, "stop", HOST_STOPPING, 0, SAME, EC2_STOPPING, NULL},
    {EC2_STOPPING, 1, "terminate", HOST_DOWN, HOST_EXIT_POWEROFF, SAME, EC2_STOPPED,
     "Client.UserInitiatedShutdown"},
    {EC2_STOPPING, 1, "stop", HOST_DOWN, HOST_EXIT_REBOOT, SAME, EC2_STOPPED,
     "Client.UserInitiatedShutdown"},
    {EC2_STOPPING, 2, "stop", HOST_DOWN, HOST_EXIT_POWEROFF, OLDER, EC2_STOPPED,
     "Client.UserInitiatedShutdown"},
    {EC2_STOPPED, 1, "stop", HOST_DOWN, HOST_EXIT_POWEROFF, SAME, EC2_STOPPED, NULL},
    /* Asked to go. */
    {EC2_SHUTTING_DOWN, 1, "stop", HOST_UP, 0, SAME, EC2_SHUTTING_DOWN, NULL},
    {EC2_SHUTTING_DOWN, 2, "stop", HOST_DOWN, HOST_EXIT_POWEROFF, OLDER, EC2_SHUTTING_DOWN, NULL},
    {EC2_SHUTTING_DOWN, 1, "stop", HOST_DOWN, HOST_EXIT_KILLED, SAME, EC2_TERMINATED,
     "Client.UserInitiatedShutdown"},
    {EC2_SHUTTING_DOWN, 2, "stop", HOST_REMOVED, 0, OLDER, EC2_TERMINATED,
     "Client.UserInitiatedShutdown"},
};

static void
check_look(struct bench *b, size_t i)
{
    const struct ec2_instance_row *row = seen(b);

    if (!row || row->state != (int64_t)looks[i].want)
        FAIL("look %zu leads to %s, not to %s", i,
             row ? ec2_instance_sm.states[row->state].name : "nothing",
             ec2_instance_sm.states[looks[i].want].name);
    if (looks[i].why)
        CHECK_STR(row->reason_code, looks[i].why);
}

static void
put_look(struct bench *b, size_t i)
{
    put_machine(b, looks[i].phase, looks[i].exit_kind, looks[i].starts - (looks[i].start == OLDER));
}

TEST(an_instance_follows_its_machine, "LIFE-04")
{
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        struct bench *b = bench_new();

        bench_reconcile(b);
        put_instance(b, looks[i].state, looks[i].starts, looks[i].behavior);
        if (looks[i].state != EC2_STOPPING) /* it does not wait for what never began */
            bench_advance(b, 0);
        put_look(b, i);
        bench_advance(b, 0);
        check_look(b, i);
        bench_free(b);
    }
}

TEST(the_first_pass_after_a_crash_finishes_what_was_begun)
{
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        struct bench *b = bench_new();

        put_instance(b, looks[i].state, looks[i].starts, looks[i].behavior);
        put_look(b, i);
        bench_crash(b);
        bench_reconcile(b);
        bench_advance(b, 0);
        check_look(b, i);
        bench_crash(b); /* what the pass did is there after another one */
        check_look(b, i);
        bench_free(b);
    }
}

TEST(an_instance_without_a_machine_waits_for_the_host)
{
    static const struct {
        enum ec2_instance_state from, to;
    } rows[] = {
        {EC2_PENDING, EC2_PENDING},
        {EC2_RUNNING, EC2_RUNNING},
        {EC2_SHUTTING_DOWN, EC2_SHUTTING_DOWN},
        {EC2_STOPPED, EC2_STOPPED},
        {EC2_STOPPING, EC2_STOPPED}, /* nothing is there that could run */
    };
    struct bench *b = bench_new();

    bench_reconcile(b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put_instance(b, rows[i].from, 1, "stop");
        bench_advance(b, 10 * HOUR_MS);
        CHECK_INT(seen(b)->state, rows[i].to);
        struct txn *txn = store_begin(b->store);
        CHECK(ec2_instance_delete(txn, S(ID)) == 0);
        CHECK(ec2_reservation_delete(txn, S("r-1")) == 0);
        store_commit(txn);
    }
    bench_free(b);
}

TEST(a_failed_boot_is_told_in_a_sentence, "LAUNCH-08 LAUNCH-13")
{
    struct bench *b = bench_new();

    bench_reconcile(b);
    put_instance(b, EC2_PENDING, 1, "stop");
    put_machine(b, HOST_FAILED, 0, 1);
    bench_advance(b, 0);
    CHECK_INT(seen(b)->state, EC2_TERMINATED);
    CHECK_STR(seen(b)->reason_code, "Server.InternalError");
    CHECK_STR(seen(b)->reason_message, "Server.InternalError: The disk is full");
    CHECK_STR(seen(b)->transition_reason, "Server.InternalError");
    bench_free(b);
}

static size_t
rows_left(struct bench *b)
{
    struct txn *txn = store_begin(b->store);
    size_t n = store_count(txn, &ec2_instance_table) + store_count(txn, &ec2_reservation_table);

    store_rollback(txn);
    return n;
}

TEST(a_terminated_instance_is_kept_for_an_hour_and_until_its_disk_is_gone)
{
    struct bench *b = bench_new();

    bench_reconcile(b);
    put_instance(b, EC2_SHUTTING_DOWN, 1, "stop");
    put_machine(b, HOST_DOWN, HOST_EXIT_KILLED, 1);
    bench_advance(b, 0);
    CHECK_INT(seen(b)->state, EC2_TERMINATED);
    CHECK_INT(seen(b)->uid_slot, 1);
    bench_advance(b, HOUR_MS);
    CHECK_INT(rows_left(b), 2);
    put_machine(b, HOST_REMOVED, HOST_EXIT_KILLED, 1);
    bench_advance(b, 0);
    CHECK_INT(rows_left(b), 0);
    bench_free(b);
}

TEST(the_hour_of_a_terminated_instance_survives_a_crash)
{
    struct bench *b = bench_new();

    bench_reconcile(b);
    put_instance(b, EC2_SHUTTING_DOWN, 1, "stop");
    put_machine(b, HOST_REMOVED, HOST_EXIT_KILLED, 1);
    bench_advance(b, HOUR_MS / 2);
    CHECK_INT(seen(b)->state, EC2_TERMINATED);
    CHECK_INT(seen(b)->uid_slot, 0);
    bench_crash(b);
    bench_reconcile(b);
    bench_advance(b, HOUR_MS / 2 - 1);
    CHECK_INT(rows_left(b), 2);
    bench_advance(b, 1);
    CHECK_INT(rows_left(b), 0);
    bench_free(b);
}

TEST(the_lowest_free_range_of_user_ids_is_given)
{
    struct bench *b = bench_new();
    struct txn *txn = store_begin(b->store);
    int64_t slot;

    for (int i = 1; i <= 12; i++) {
        CHECK(ec2_slot_take(txn, S("i-a"), 13, &slot) == 0);
        CHECK_INT(slot, i);
    }
    CHECK(ec2_slot_give_back(txn, 11) == 0);
    CHECK(ec2_slot_give_back(txn, 3) == 0);
    CHECK(ec2_slot_take(txn, S("i-b"), 13, &slot) == 0);
    CHECK_INT(slot, 3);
    CHECK(ec2_slot_take(txn, S("i-b"), 13, &slot) == 0);
    CHECK_INT(slot, 11);
    CHECK(ec2_slot_take(txn, S("i-b"), 13, &slot) == 0);
    CHECK_INT(slot, 13);
    CHECK_INT(ec2_slot_take(txn, S("i-c"), 13, &slot), -ENOSPC);
    store_rollback(txn);
    bench_free(b);
}
