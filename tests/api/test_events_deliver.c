/* What rules send where, when, and as what; seen from functions that are targets. */
#include "events_help.h"

#include "gen/store/events_rows.h"

#define FUNCTION LAMBDA_ARN "f"
#define MINUTE_MS INT64_C(60000)

struct str events_heard[EVENTS_HEARD_MAX];
size_t events_n_heard;

static void
hear(struct world *w, const struct function_asked *asked, struct function_says *says)
{
    assert(events_n_heard < EVENTS_HEARD_MAX);
    events_heard[events_n_heard++] = str_dup(&w->arena, asked->work.payload);
    says->body = S("null");
}

static void
allow(struct world *w, const char *function, const char *rule)
{
    world_rest_okf(w, "lambda", "POST", test_fmt(FUNCTIONS "/%s/policy", function),
                   "{'StatementId': 'events', 'Action': 'lambda:InvokeFunction', 'Principal': "
                   "'events.amazonaws.com', 'SourceArn': '" EVENTS_RULE "%s'}",
                   rule);
}

struct world *
events_world(void)
{
    struct world *w = lambda_world(hear);

    events_n_heard = 0;
    lambda_create(w, "f");
    allow(w, "f", "*");
    return w;
}

size_t
events_hear(struct world *w)
{
    static size_t before;
    size_t n;

    if (!events_n_heard)
        before = 0;
    world_advance(w, 1000);
    n = events_n_heard - before;
    before = events_n_heard;
    return n;
}

static void
rule(struct world *w, const char *name, const char *bus, const char *pattern)
{
    events_ok(
        w, "PutRule",
        test_fmt("{'Name': '%s', 'EventBusName': '%s', 'EventPattern': '%s'}", name, bus, pattern));
}

static void
target(struct world *w, const char *name, const char *bus, const char *rest)
{
    events_ok(w, "PutTargets",
              test_fmt("{'Rule': '%s', 'EventBusName': '%s', 'Targets': [{'Id': '1', %s}]}", name,
                       bus, rest));
}

static const char *
put(struct world *w, const char *bus, const char *detail)
{
    struct str r = events_ok(
        w, "PutEvents",
        test_fmt("{'Entries': [{'EventBusName': '%s', 'Source': 'my.app', 'DetailType': 'Made', "
                 "'Resources': ['arn:a'], 'Time': 1500000000, 'Detail': '%s'}]}",
                 bus, detail));

    CHECK_STR(json_path(r, "FailedEntryCount"), "0");
    return json_cstr(r, "Entries.0.EventId");
}

static size_t
rows(struct world *w, const struct store_table *table)
{
    struct txn *txn = world_begin(w);
    size_t n = store_count(txn, table);

    store_rollback(txn);
    return n;
}

static struct str
heard(size_t back)
{
    CHECK(events_n_heard > back);
    return events_heard[events_n_heard - 1 - back];
}

TEST(an_event_goes_to_the_targets_of_rules_that_look_for_it, "CWE-03")
{
    struct world *w = events_world();
    const char *id;

    rule(w, "r", "default", "{`source`: [`my.app`], `detail`: {`n`: [{`numeric`: [`>`, 1]}]}}");
    target(w, "r", "default", "'Arn': '" FUNCTION "'");
    id = put(w, "default", "{`n`: 2}");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(heard(0),
              test_fmt("{\"version\":\"0\",\"id\":\"%s\",\"detail-type\":\"Made\",\"source\":"
                       "\"my.app\",\"account\":\"000000000000\",\"time\":\"2017-07-14T02:40:00Z\","
                       "\"region\":\"us-east-1\",\"resources\":[\"arn:a\"],\"detail\":{\"n\": 2}}",
                       id));
    put(w, "default", "{`n`: 1}");
    CHECK_INT(events_hear(w), 0);
    events_ok(w, "DisableRule", "{'Name': 'r'}");
    put(w, "default", "{`n`: 3}");
    CHECK_INT(events_hear(w), 0);
    events_ok(w, "EnableRule", "{'Name': 'r'}");
    put(w, "default", "{`n`: 4}");
    CHECK_INT(events_hear(w), 1);
    /* of another account and another region nobody hears */
    world_account(w, "000000000000", "eu-west-1");
    put(w, "default", "{`n`: 5}");
    world_account(w, "111122223333", "us-east-1");
    put(w, "default", "{`n`: 5}");
    CHECK_INT(events_hear(w), 0);
    CHECK_INT(rows(w, &events_sent_table), 0);
    CHECK_INT(rows(w, &events_delivery_table), 0);
    world_free(w);
}

TEST(a_crash_loses_no_event_and_sends_none_twice)
{
    struct world *w = events_world();

    rule(w, "r", "default", "{`source`: [`my.app`]}");
    target(w, "r", "default", "'Arn': '" FUNCTION "'");
    put(w, "default", "{`n`: 1}");
    world_crash(w);
    CHECK_INT(events_hear(w), 1);
    world_crash(w);
    CHECK_INT(events_hear(w), 0);
    world_free(w);
}

TEST(targets_get_what_they_ask_for)
{
    static const struct {
        const char *target, *got;
    } cases[] = {
        {"'Input': '{`x`: 1}'", "{\"x\": 1}"},
        {"'InputPath': '$.detail'", "{\"a\":{\"b\":[1,\"two\"]},\"s\":\"say \\\"x\\\"\"}"},
        {"'InputPath': '$.detail.a.b[1]'", "\"two\""},
        {"'InputPath': '$.detail[`s`]'", "\"say \\\"x\\\"\""},
        {"'InputPath': '$.none'", "null"},
        {"'InputTransformer': {'InputPathsMap': {'b': '$.detail.a.b', 's': '$.detail.s', 'n': "
         "'$.none'}, 'InputTemplate': '{`b`: <b>, `s`: <s>, `t`: `in <s>, <n>, <b>`}'}",
         "{\"b\": [1,\"two\"], \"s\": \"say \\\"x\\\"\", \"t\": \"in say \\\"x\\\", , "
         "[1,\\\"two\\\"]\"}"},
        {"'InputTransformer': {'InputTemplate': '[<aws.events.rule-arn>, <aws.events.rule-name>, "
         "`<aws.events.rule-name>`]'}",
         "[\"" EVENTS_RULE "r\", \"r\", \"r\"]"},
    };
    struct world *w = events_world();

    rule(w, "r", "default", "{`source`: [`my.app`]}");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        target(w, "r", "default", test_fmt("'Arn': '" FUNCTION "', %s", cases[i].target));
        put(w, "default", "{`a`: {`b`: [1, `two`]}, `s`: `say \\\\`x\\\\``}");
        CHECK_INT(events_hear(w), 1);
        CHECK_STR(heard(0), cases[i].got);
    }
    target(w, "r", "default",
           "'Arn': '" FUNCTION "', 'InputTransformer': {'InputTemplate': '{`e`: "
           "<aws.events.event>, `j`: <aws.events.event.json>, `t`: "
           "<aws.events.event.ingestion-time>}'}");
    put(w, "default", "{`n`: 1}");
    CHECK_INT(events_hear(w), 1);
    CHECK(!json_path(heard(0), "e.detail").p);
    CHECK_STR(json_path(heard(0), "e.source"), "my.app");
    CHECK_STR(json_path(heard(0), "j.detail.n"), "1");
    CHECK_INT(json_path(heard(0), "t").n, 24);
    world_free(w);
}

TEST(a_function_hears_only_rules_that_its_policy_names)
{
    struct world *w = events_world();

    lambda_create(w, "g");
    rule(w, "r", "default", "{`source`: [`my.app`]}");
    target(w, "r", "default", "'Arn': '" LAMBDA_ARN "g'");
    put(w, "default", "{}");
    CHECK_INT(events_hear(w), 0);
    allow(w, "g", "other");
    put(w, "default", "{}");
    CHECK_INT(events_hear(w), 0);
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/g/policy/events", "");
    allow(w, "g", "r");
    put(w, "default", "{}");
    CHECK_INT(events_hear(w), 1);
    /* what was refused for that does not come again */
    CHECK_INT(rows(w, &events_delivery_table), 0);
    world_free(w);
}

TEST(a_schedule_sends_its_rule_to_its_targets, "CWE-04")
{
    struct world *w = events_world();
    struct str time;

    events_ok(w, "PutRule", "{'Name': 'each', 'ScheduleExpression': 'rate(5 minutes)'}");
    target(w, "each", "default", "'Arn': '" FUNCTION "'");
    world_advance(w, 4 * MINUTE_MS);
    CHECK_INT(events_hear(w), 0);
    world_advance(w, MINUTE_MS);
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(json_path(heard(0), "detail-type"), "Scheduled Event");
    CHECK_STR(json_path(heard(0), "source"), "aws.events");
    CHECK_STR(json_path(heard(0), "resources.0"), EVENTS_RULE "each");
    CHECK_STR(json_path(heard(0), "detail"), "{}");
    world_crash(w);
    world_advance(w, 5 * MINUTE_MS);
    CHECK_INT(events_hear(w), 1);
    events_ok(w, "DisableRule", "{'Name': 'each'}");
    world_advance(w, 11 * MINUTE_MS);
    CHECK_INT(events_hear(w), 0);
    events_ok(w, "PutRule", "{'Name': 'each', 'ScheduleExpression': 'cron(30 8 ? * MON-FRI *)'}");
    world_advance(w, 4 * 24 * 60 * MINUTE_MS);
    CHECK(events_hear(w) >= 2);
    time = json_path(heard(0), "time");
    CHECK_STR(str_cut(time, 11, time.n), "08:30:00Z");
    world_free(w);
}

TEST(what_was_missed_is_due_once)
{
    struct world *w = events_world();

    events_ok(w, "PutRule", "{'Name': 'each', 'ScheduleExpression': 'rate(1 minute)'}");
    target(w, "each", "default", "'Arn': '" FUNCTION "'");
    world_jump(w, 60 * MINUTE_MS);
    CHECK_INT(events_hear(w), 1);
    world_advance(w, MINUTE_MS);
    CHECK_INT(events_hear(w), 1);
    world_free(w);
}

TEST(an_event_goes_from_bus_to_bus)
{
    struct world *w = events_world();

    events_ok(w, "CreateEventBus", "{'Name': 'far'}");
    rule(w, "on", "default", "{`source`: [`my.app`]}");
    target(w, "on", "default", "'Arn': '" EVENTS_BUS "far'");
    rule(w, "there", "far", "{`detail-type`: [`Made`]}");
    target(w, "there", "far", "'Arn': '" FUNCTION "'");
    const char *id = put(w, "default", "{}");

    CHECK_INT(events_hear(w), 1);
    CHECK_STR(json_path(heard(0), "id"), id);
    /* buses that send to each other in a circle come to an end */
    rule(w, "back", "far", "{`source`: [`my.app`]}");
    target(w, "back", "far", "'Arn': '" EVENTS_BUS "default'");
    put(w, "default", "{}");
    CHECK_INT(events_hear(w), 3);
    CHECK_INT(events_hear(w), 0);
    world_free(w);
}

TEST(a_bus_of_another_account_takes_what_its_policy_allows)
{
    struct world *w = events_world();

    rule(w, "r", "default", "{`account`: [`111122223333`]}");
    target(w, "r", "default", "'Arn': '" FUNCTION "'");
    world_account(w, "111122223333", "us-east-1");
    events_refused(w, "AccessDeniedException", NULL, "PutEvents",
                   "{'Entries': [{'EventBusName': '" EVENTS_BUS
                   "default', 'Source': 's', 'DetailType': 't', 'Detail': '{}'}]}");
    world_account(w, "000000000000", "us-east-1");
    events_ok(w, "PutPermission",
              "{'Action': 'events:PutEvents', 'Principal': '111122223333', 'StatementId': 's'}");
    world_account(w, "111122223333", "us-east-1");
    put(w, EVENTS_BUS "default", "{}");
    world_account(w, "000000000000", "us-east-1");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(json_path(heard(0), "account"), "111122223333");
    world_free(w);
}

TEST(a_rule_stops_an_instance_as_its_role)
{
    struct world *w = events_world();
    struct str id = xml_text(
        world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1"),
        "instanceId");

    lambda_role(w, "stops", "events.amazonaws.com");
    world_advance(w, 1000);
    events_ok(w, "PutRule", "{'Name': 'night', 'ScheduleExpression': 'cron(0 20 * * ? *)'}");
    target(w, "night", "default",
           test_fmt("'Arn': 'arn:aws:events:us-east-1:000000000000:target/stop-instance', "
                    "'RoleArn': 'arn:aws:iam::000000000000:role/stops', 'Input': '`%.*s`'",
                    STR_ARG(id)));
    world_jump(w, 24 * 60 * MINUTE_MS);
    world_advance(w, 1000);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeInstances"), "name"), "running");
    world_okf(w, "Action=PutRolePolicy&RoleName=stops&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
                                      "\"Allow\",\"Action\":\"ec2:StopInstances\",\"Resource\":"
                                      "\"*\"}]}"))));
    world_jump(w, 24 * 60 * MINUTE_MS);
    world_advance(w, 1000);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeInstances"), "name"), "stopped");
    world_free(w);
}
