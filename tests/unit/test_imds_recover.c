/* What an instance's metadata are after an alarm recovered it. */
#include "ec2/placer.h"
#include "harness/identity_keys.h"
#include "imds_ask.h"

static struct str
host_of(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    struct str host = str_dup(test_arena(), ec2_instance_get(txn, str_from(id))->host);

    store_rollback(txn);
    return host;
}

/* Every path below a folder and what is there. */
static struct str
tree(struct world *w, const char *id, struct str dir)
{
    struct str list = get(w, id, str_cstr(test_arena(), dir)), all = S("");

    while (list.n) {
        struct str name = str_split(&list, '\n');
        struct str path = str_cat(test_arena(), dir, name);

        if (str_is(name, "events/")) /* they tell of the host that was left */
            continue;
        if (str_ends(path, S("/")))
            all = str_cat(test_arena(), all, tree(w, id, path));
        else if (str_find_char(name, '=') == SIZE_MAX)
            all = str_fmt(test_arena(), "%.*s%.*s: %.*s\n", STR_ARG(all), STR_ARG(path),
                          STR_ARG(get(w, id, str_cstr(test_arena(), path))));
    }
    return all;
}

TEST(metadata_stay_as_they_are_through_a_recovery_by_an_alarm, "IMDS-14")
{
    struct world *w = world_new();
    const char *id = launch(w, "&MaintenanceOptions.AutoRecovery=disabled&UserData=YQ==");
    struct str host = host_of(w, id);
    struct txn *txn;

    world_json_okf(w, "cloudwatch", "PutMetricAlarm",
                   "{'AlarmName': 'a', 'AlarmActions': ['arn:aws:automate:us-east-1:ec2:recover'], "
                   "'Namespace': 'AWS/EC2', 'MetricName': 'StatusCheckFailed_System', "
                   "'Dimensions': [{'Name': 'InstanceId', 'Value': '%s'}], "
                   "'Statistic': 'Maximum', 'Period': 60, 'EvaluationPeriods': 2, 'Threshold': 1, "
                   "'ComparisonOperator': 'GreaterThanOrEqualToThreshold'}",
                   id);
    world_advance(w, 61000);
    struct str before = tree(w, id, S(MD)), data = get(w, id, "/latest/user-data");

    CHECK(before.n > 500);
    txn = store_begin(cloud_store(w->cloud));
    CHECK_INT(ec2_fault_set(txn, S("host"), host, true, w->env.now_ms), 0);
    store_commit(txn);
    world_flush(w);
    world_settle(w);
    world_advance(w, 6 * 60000);
    CHECK(!str_eq(host_of(w, id), host));
    CHECK_STR(tree(w, id, S(MD)), str_cstr(test_arena(), before));
    CHECK_STR(get(w, id, "/latest/user-data"), str_cstr(test_arena(), data));
    world_free(w);
}
