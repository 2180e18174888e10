/* What machines use, measured each minute into rows. */
#include "harness/world.h"
#include "store/states.h"

#define AMI "ami-009d6802948d06e52"
#define MINUTE_MS INT64_C(60000)

static const char *
run(struct world *w, const char *type)
{
    struct str xml = world_okf(w,
                               "Action=RunInstances&ImageId=" AMI "&MinCount=1&MaxCount=1"
                               "&InstanceType=%s",
                               type);

    world_advance(w, 1000);
    return xml_cstr(xml, "instanceId");
}

static struct host_usage_row
usage(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    const struct host_usage_row *row = host_usage_get(txn, str_from(id));
    struct host_usage_row copy = row ? *row : (struct host_usage_row){.boots = -1};

    store_rollback(txn);
    return copy;
}

TEST(each_minute_of_a_running_machine_is_measured)
{
    struct world *w = world_new();
    const char *id = run(w, "m5.large");
    const struct host_use load = {.bytes_in = 1000,
                                  .bytes_out = 200,
                                  .packets_in = 10,
                                  .packets_out = 2,
                                  .reads = 3,
                                  .writes = 4,
                                  .bytes_read = 3000,
                                  .bytes_written = 4000};

    host_sim_use(w->sim, str_from(id), 500);
    host_sim_load(w->sim, str_from(id), &load);
    world_advance(w, 2 * MINUTE_MS);
    struct host_usage_row row = usage(w, id);
    CHECK_INT(row.at_ms - row.from_ms, MINUTE_MS);
    CHECK_INT(row.at_ms % MINUTE_MS, 0);
    CHECK_INT(row.cpu_ns, 30 * INT64_C(1000000000));
    CHECK_INT(row.bytes_in, 60000);
    CHECK_INT(row.bytes_out, 12000);
    CHECK_INT(row.packets_in, 600);
    CHECK_INT(row.packets_out, 120);
    CHECK_INT(row.reads, 180);
    CHECK_INT(row.writes, 240);
    CHECK_INT(row.bytes_read, 180000);
    CHECK_INT(row.bytes_written, 240000);
    CHECK(row.has_disk);

    /* A daemon that was away for a while makes one longer minute of it. */
    w->env.now_ms += 3 * MINUTE_MS;
    world_crash(w);
    world_advance(w, MINUTE_MS);
    CHECK_INT(usage(w, id).at_ms - row.at_ms, 4 * MINUTE_MS);
    CHECK_INT(usage(w, id).at_ms - usage(w, id).from_ms, 4 * MINUTE_MS);
    CHECK_INT(usage(w, id).bytes_in, 240000);
    world_free(w);
}

TEST(a_machine_that_rests_is_not_measured_and_one_that_is_gone_is_forgotten)
{
    struct world *w = world_new();
    const char *id = run(w, "m5.large"), *other;

    world_advance(w, 2 * MINUTE_MS);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    int64_t at_ms = usage(w, id).at_ms;

    other = run(w, "m5.large");
    world_advance(w, 3 * MINUTE_MS);
    CHECK_INT(usage(w, id).at_ms, at_ms);
    CHECK_INT(usage(w, other).at_ms, at_ms + 3 * MINUTE_MS);

    /* A boot begins with new meters. */
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    host_sim_use(w->sim, str_from(id), 1000);
    world_advance(w, MINUTE_MS);
    CHECK_INT(usage(w, id).boots, 2);
    CHECK(usage(w, id).at_ms - usage(w, id).from_ms <= MINUTE_MS);
    CHECK_INT(usage(w, id).cpu_ns, usage(w, id).cpu_ns_meter);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_INT(usage(w, id).boots, -1);
    world_free(w);
}
