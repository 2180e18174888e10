/* EC2's metrics. */
#include "cloudwatch/metric.h"
#include "ec2/placer.h"
#include "harness/world.h"

#include <math.h>

#define AMI "ami-009d6802948d06e52"
#define MINUTE_MS INT64_C(60000)
#define FIVE_MS (5 * MINUTE_MS)

/* At the beginning of five minutes, whose instances are up when they are over. */
static const char *
run(struct world *w, const char *more)
{
    world_advance(w, FIVE_MS - w->env.now_ms % FIVE_MS);
    struct str xml = world_okf(w,
                               "Action=RunInstances&ImageId=" AMI "&MinCount=1&MaxCount=1"
                               "&InstanceType=%s",
                               more);

    world_advance(w, FIVE_MS);
    return xml_cstr(xml, "instanceId");
}

struct seen {
    size_t n; /* datapoints that cover the time from start_ms on */
    struct cloudwatch_set first, last;
    int64_t first_ms;
    const char *unit;
};

static struct seen
look(struct world *w, const char *metric, const char *dimension, const char *value,
     int64_t start_ms)
{
    struct txn *txn = world_begin(w);
    struct cloudwatch_metric_name name = {.account = w->account,
                                          .region = w->region,
                                          .namespace = S("AWS/EC2"),
                                          .name = str_from(metric)};
    struct cloudwatch_range range = {.start_ms = start_ms,
                                     .end_ms = w->env.now_ms + 1,
                                     .period_ms = MINUTE_MS};
    struct cloudwatch_buckets all = {0};
    struct seen seen = {0};

    if (dimension) {
        *LIST_PUSH(&w->arena, &name.dimensions) = str_from(dimension);
        *LIST_PUSH(&w->arena, &name.dimensions) = str_from(value);
    }
    CHECK_INT(cloudwatch_metric_range(txn, &w->arena, &name, &range, &all), 0);
    store_rollback(txn);
    seen.n = all.n;
    if (!all.n)
        return seen;
    seen.first = all.v[0].set;
    seen.first_ms = all.v[0].start_ms;
    seen.last = all.v[all.n - 1].set;
    seen.unit = cloudwatch_units[all.v[0].unit];
    return seen;
}

#define CHECK_NEAR(a, b)                                                                           \
    do {                                                                                           \
        double a_ = (a), b_ = (b);                                                                 \
        if (fabs(a_ - b_) > 1e-6 * MAX(fabs(b_), 1.0))                                             \
            FAIL(#a " is %.9g, not %.9g", a_, b_);                                                 \
    } while (0)

TEST(detailed_monitoring_has_a_datapoint_a_minute_and_basic_one_in_five, "STAT-01 STAT-02 CWM-02")
{
    struct world *w = world_new();
    const char *fine = run(w, "m5.large&Monitoring.Enabled=true"), *coarse = run(w, "m5.large");
    const struct host_use load = {.bytes_in = 1000,
                                  .bytes_out = 10,
                                  .packets_in = 5,
                                  .packets_out = 1,
                                  .reads = 2,
                                  .writes = 3,
                                  .bytes_read = 200,
                                  .bytes_written = 300};
    int64_t start_ms = w->env.now_ms;
    struct seen seen;

    host_sim_use(w->sim, str_from(fine), 500);
    host_sim_use(w->sim, str_from(coarse), 1000);
    host_sim_load(w->sim, str_from(fine), &load);
    host_sim_load(w->sim, str_from(coarse), &load);
    world_advance(w, FIVE_MS);

    seen = look(w, "CPUUtilization", "InstanceId", fine, start_ms);
    CHECK_INT(seen.n, 5);
    CHECK_STR(str_from(seen.unit), "Percent");
    CHECK_NEAR(seen.last.sum, 25); /* half a processor of two */
    CHECK_NEAR(seen.last.count, 1);
    seen = look(w, "CPUUtilization", "InstanceId", coarse, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_INT(seen.first_ms, start_ms);
    CHECK_NEAR(seen.first.count, 5);
    CHECK_NEAR(seen.first.min, 50);
    CHECK_NEAR(seen.first.max, 50);

    seen = look(w, "NetworkIn", "InstanceId", fine, start_ms);
    CHECK_INT(seen.n, 5);
    CHECK_NEAR(seen.first.sum, 60000);
    CHECK_STR(str_from(seen.unit), "Bytes");
    seen = look(w, "NetworkIn", "InstanceId", coarse, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.sum, 300000);
    CHECK_NEAR(look(w, "NetworkOut", "InstanceId", fine, start_ms).first.sum, 600);
    /* Packets come every five minutes, whatever the monitoring. */
    seen = look(w, "NetworkPacketsIn", "InstanceId", fine, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.sum, 1500);
    CHECK_STR(str_from(seen.unit), "Count");
    CHECK_NEAR(look(w, "NetworkPacketsOut", "InstanceId", coarse, start_ms).first.sum, 300);

    /* Switched off and on. */
    world_okf(w, "Action=UnmonitorInstances&InstanceId.1=%s", fine);
    start_ms = w->env.now_ms;
    world_advance(w, FIVE_MS);
    CHECK_INT(look(w, "CPUUtilization", "InstanceId", fine, start_ms).n, 1);
    world_okf(w, "Action=MonitorInstances&InstanceId.1=%s", fine);
    start_ms = w->env.now_ms;
    world_advance(w, FIVE_MS);
    CHECK_INT(look(w, "CPUUtilization", "InstanceId", fine, start_ms).n, 5);
    world_free(w);
}

TEST(network_and_disks_are_measured_and_memory_is_not, "STAT-04 STAT-06 STAT-07 CWM-04 CWM-05")
{
    struct world *w = world_new();
    const char *nitro = run(w, "m5.large"), *disks = run(w, "m5d.large"), *xen = run(w, "t2.micro");
    const struct host_use load = {.reads = 2, .writes = 3, .bytes_read = 200, .bytes_written = 300};
    int64_t start_ms = w->env.now_ms;
    struct seen seen;

    host_sim_load(w->sim, str_from(nitro), &load);
    host_sim_load(w->sim, str_from(xen), &load);
    world_advance(w, FIVE_MS);
    CHECK_NEAR(look(w, "EBSReadOps", "InstanceId", nitro, start_ms).first.sum, 600);
    CHECK_NEAR(look(w, "EBSWriteOps", "InstanceId", nitro, start_ms).first.sum, 900);
    seen = look(w, "EBSReadBytes", "InstanceId", nitro, start_ms);
    CHECK_NEAR(seen.first.sum, 60000);
    CHECK_STR(str_from(seen.unit), "Bytes");
    CHECK_NEAR(look(w, "EBSWriteBytes", "InstanceId", nitro, start_ms).first.sum, 90000);
    CHECK_INT(look(w, "EBSReadOps", "InstanceId", xen, start_ms).n, 0);
    CHECK_INT(look(w, "DiskReadOps", "InstanceId", nitro, start_ms).n, 0);
    seen = look(w, "DiskReadOps", "InstanceId", disks, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.sum, 0);
    CHECK_INT(look(w, "DiskWriteBytes", "InstanceId", disks, start_ms).n, 1);
    struct txn *txn = world_begin(w);
    size_t n = 0;
    STORE_EACH(txn, cloudwatch_metric_by_key, row) {
        CHECK_STR(row->namespace, "AWS/EC2");
        CHECK(!str_starts(row->name, S("Mem")) && !str_starts(row->name, S("RAM")));
        n++;
    }
    store_rollback(txn);
    CHECK(n > 30);
    world_free(w);
}

/* As Auto Scaling tags what it launches; nobody else may. */
static void
member(struct world *w, const char *id)
{
    static struct str tags[] = {S_INIT("aws:autoscaling:groupName"), S_INIT("web")};
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct ec2_instance_row row = *ec2_instance_get(txn, str_from(id));

    row.tags = (struct str_list){tags, ARRAY_LEN(tags)};
    CHECK_INT(ec2_instance_update(txn, &row), 0);
    store_commit(txn);
    world_flush(w);
}

TEST(a_type_an_image_a_group_and_all_are_summed_up, "CWM-06 ASG-11")
{
    struct world *w = world_new();
    const char *a = run(w, "m5.large&Monitoring.Enabled=true");
    const char *b = run(w, "m5.large&Monitoring.Enabled=true"), *basic = run(w, "m5.large");
    int64_t start_ms = w->env.now_ms;
    struct seen seen;

    member(w, a);
    member(w, basic);
    host_sim_use(w->sim, str_from(a), 200);
    host_sim_use(w->sim, str_from(b), 600);
    host_sim_use(w->sim, str_from(basic), 2000);
    world_advance(w, MINUTE_MS);
    /* Those with basic monitoring are in none of them. */
    for (int i = 0; i < 3; i++) {
        static const char *const dimensions[][2] = {
            {"InstanceType", "m5.large"}, {"ImageId", AMI}, {NULL, NULL}};

        seen = look(w, "CPUUtilization", dimensions[i][0], dimensions[i][1], start_ms);
        CHECK_INT(seen.n, 1);
        CHECK_NEAR(seen.first.count, 2);
        CHECK_NEAR(seen.first.sum, 40);
        CHECK_NEAR(seen.first.min, 10);
        CHECK_NEAR(seen.first.max, 30);
    }
    /* A group's are there with either monitoring. */
    seen = look(w, "CPUUtilization", "AutoScalingGroupName", "web", start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.count, 2);
    CHECK_NEAR(seen.first.sum, 110);
    seen = look(w, "StatusCheckFailed", "AutoScalingGroupName", "web", start_ms);
    CHECK_NEAR(seen.first.count, 2);
    CHECK_INT(look(w, "StatusCheckFailed", "InstanceType", "m5.large", start_ms).n, 0);
    /* Another account and another region see nothing of it. */
    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(look(w, "CPUUtilization", NULL, NULL, start_ms).n, 0);
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(look(w, "CPUUtilization", NULL, NULL, start_ms).n, 0);
    world_free(w);
}

TEST(credits_are_told_every_five_minutes_of_burstable_instances_only, "STAT-03 ITYPE-09 ITYPE-13")
{
    struct world *w = world_new();
    const char *t3 = run(w, "t3.micro&Monitoring.Enabled=true"), *m5 = run(w, "m5.large");
    int64_t start_ms = w->env.now_ms;
    struct seen seen;

    host_sim_use(w->sim, str_from(t3), 1000);
    world_advance(w, 4 * MINUTE_MS);
    CHECK_INT(look(w, "CPUCreditUsage", "InstanceId", t3, start_ms).n, 0);
    world_advance(w, MINUTE_MS);
    seen = look(w, "CPUCreditUsage", "InstanceId", t3, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.sum, 5); /* a processor for five minutes */
    CHECK_STR(str_from(seen.unit), "Count");
    /* It earned what it used of its baseline, and borrowed the rest. */
    CHECK_NEAR(look(w, "CPUCreditBalance", "InstanceId", t3, start_ms).first.sum, 0);
    CHECK(look(w, "CPUSurplusCreditBalance", "InstanceId", t3, start_ms).first.sum > 1);
    CHECK_NEAR(look(w, "CPUSurplusCreditsCharged", "InstanceId", t3, start_ms).first.sum, 0);
    CHECK_INT(look(w, "CPUCreditUsage", "InstanceId", m5, start_ms).n, 0);

    /* What a day earns was borrowed within hours; from then on each hour costs. */
    world_advance(w, 10 * 3600 * 1000);
    start_ms = w->env.now_ms;
    world_crash(w);
    world_advance(w, FIVE_MS);
    seen = look(w, "CPUSurplusCreditsCharged", "InstanceId", t3, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.sum, 4); /* five used, one earned */
    CHECK_NEAR(look(w, "CPUCreditUsage", "InstanceId", t3, start_ms).first.sum, 5);
    /* What was charged before a reboot is not charged again. */
    start_ms = w->env.now_ms;
    world_advance(w, MINUTE_MS);
    world_okf(w, "Action=RebootInstances&InstanceId.1=%s", t3);
    world_advance(w, 4 * MINUTE_MS);
    seen = look(w, "CPUSurplusCreditsCharged", "InstanceId", t3, start_ms);
    CHECK_INT(seen.n, 1);
    CHECK_NEAR(seen.first.sum, 0);
    seen = look(w, "CPUCreditUsage", "InstanceId", t3, start_ms);
    CHECK(seen.first.sum > 0.9 && seen.first.sum < 1.1);
    world_free(w);
}

TEST(status_checks_are_metrics_of_each_minute_and_a_stopped_instance_has_none, "STAT-13")
{
    static const char *const names[] = {"StatusCheckFailed", "StatusCheckFailed_Instance",
                                        "StatusCheckFailed_System",
                                        "StatusCheckFailed_AttachedEBS"};
    struct world *w = world_new();
    const char *id = run(w, "t2.micro");
    int64_t start_ms = w->env.now_ms;
    struct txn *txn;

    world_advance(w, 3 * MINUTE_MS);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct seen seen = look(w, names[i], "InstanceId", id, start_ms);

        CHECK_INT(seen.n, 3);
        CHECK_STR(str_from(seen.unit), "Count");
        CHECK_NEAR(seen.last.max, 0);
    }
    /* The hardware fails. */
    txn = world_begin(w);
    struct str host = str_dup(&w->arena, ec2_instance_get(txn, str_from(id))->host);
    CHECK_INT(ec2_fault_set(txn, S("host"), host, true, w->env.now_ms), 0);
    store_commit(txn);
    start_ms = w->env.now_ms;
    world_advance(w, MINUTE_MS);
    CHECK_NEAR(look(w, "StatusCheckFailed", "InstanceId", id, start_ms).last.sum, 1);
    CHECK_NEAR(look(w, "StatusCheckFailed_System", "InstanceId", id, start_ms).last.sum, 1);
    CHECK_NEAR(look(w, "StatusCheckFailed_AttachedEBS", "InstanceId", id, start_ms).last.sum, 0);

    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    start_ms = w->env.now_ms + MINUTE_MS - w->env.now_ms % MINUTE_MS;
    world_advance(w, FIVE_MS);
    CHECK_INT(look(w, "StatusCheckFailed", "InstanceId", id, start_ms).n, 0);
    CHECK_INT(look(w, "CPUUtilization", "InstanceId", id, start_ms).n, 0);
    world_free(w);
}

TEST(many_instances_of_several_accounts_all_have_their_status)
{
    struct world *w = world_new();
    static const char *const accounts[] = {"000000000000", "111111111111"};
    int64_t start_ms;

    for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
        world_account(w, accounts[i], "us-east-1");
        world_ok(w, "Action=RunInstances&ImageId=" AMI "&MinCount=130&MaxCount=130"
                    "&InstanceType=m5.large&Monitoring.Enabled=true");
    }
    world_advance(w, 2 * MINUTE_MS - w->env.now_ms % MINUTE_MS);
    start_ms = w->env.now_ms;
    world_advance(w, MINUTE_MS);
    for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
        struct str xml;

        world_account(w, accounts[i], "us-east-1");
        CHECK_NEAR(look(w, "CPUUtilization", NULL, NULL, start_ms).first.count, 130);
        xml = world_ok(w, "Action=DescribeInstances&MaxResults=1000");
        for (size_t k = 0; k < 130; k++) {
            const char *id = str_cstr(&w->arena, xml_text_at(xml, "instanceId", k));

            CHECK_INT(look(w, "StatusCheckFailed", "InstanceId", id, start_ms).n, 1);
        }
    }
    world_free(w);
}
