/* EventBridge's buses, rules and targets: what is kept, shown and refused. */
#include "events_help.h"

#define INVALID "ValidationException"
#define MISSING "ResourceNotFoundException"
#define FUNCTION LAMBDA_ARN "f"

TEST(every_account_has_a_default_bus_and_makes_others)
{
    struct world *w = world_new();
    struct str r = events_ok(w, "DescribeEventBus", "{}");

    CHECK_STR(json_path(r, "Name"), "default");
    CHECK_STR(json_path(r, "Arn"), EVENTS_BUS "default");
    CHECK(!json_path(r, "Policy").p && json_path(r, "CreationTime").p);
    r = events_ok(w, "CreateEventBus",
                  "{'Name': 'orders', 'Description': 'd', 'Tags': [{'Key': 'k', 'Value': 'v'}], "
                  "'DeadLetterConfig': {'Arn': 'arn:aws:sqs:us-east-1:000000000000:q'}}");
    CHECK_STR(json_path(r, "EventBusArn"), EVENTS_BUS "orders");
    r = events_ok(w, "DescribeEventBus", "{'Name': '" EVENTS_BUS "orders'}");
    CHECK_STR(json_path(r, "Description"), "d");
    CHECK_STR(json_path(r, "DeadLetterConfig.Arn"), "arn:aws:sqs:us-east-1:000000000000:q");
    r = events_ok(w, "UpdateEventBus", "{'Name': 'orders', 'Description': 'e'}");
    CHECK_STR(json_path(r, "Description"), "e");
    events_ok(w, "CreateEventBus", "{'Name': 'other'}");
    world_crash(w);
    r = events_ok(w, "ListEventBuses", "{'Limit': 2}");
    CHECK_INT(json_count(r, "EventBuses"), 2);
    CHECK_STR(json_path(r, "EventBuses.0.Name"), "default");
    r = world_json_okf(w, "events", "ListEventBuses", "{'Limit': 2, 'NextToken': '%s'}",
                       json_cstr(r, "NextToken"));
    CHECK_STR(json_path(r, "EventBuses.0.Name"), "other");
    CHECK(!json_path(r, "NextToken").p);
    r = events_ok(w, "ListEventBuses", "{'NamePrefix': 'ord'}");
    CHECK_INT(json_count(r, "EventBuses"), 1);
    events_ok(w, "DeleteEventBus", "{'Name': 'other'}");
    events_ok(w, "DeleteEventBus", "{'Name': 'other'}");
    events_refused(w, MISSING, "Event bus other does not exist.", "DescribeEventBus",
                   "{'Name': 'other'}");
    world_account(w, "111122223333", "us-east-1");
    events_refused(w, MISSING, "Event bus orders does not exist.", "DescribeEventBus",
                   "{'Name': 'orders'}");
    world_free(w);
}

TEST(buses_are_refused_for_what_they_cannot_be)
{
    struct world *w = world_new();

    events_ok(w, "CreateEventBus", "{'Name': 'a'}");
    events_refused(w, "ResourceAlreadyExistsException", "Event bus a already exists.",
                   "CreateEventBus", "{'Name': 'a'}");
    events_refused(w, INVALID, "Event bus name must not contain '/'.", "CreateEventBus",
                   "{'Name': 'a/b'}");
    events_refused(w, MISSING, "Event source aws.partner/x/y does not exist.", "CreateEventBus",
                   "{'Name': 'b', 'EventSourceName': 'aws.partner/x/y'}");
    events_refused(w, INVALID, "Cannot delete event bus default.", "DeleteEventBus",
                   "{'Name': 'default'}");
    events_refused(w, INVALID, NULL, "CreateEventBus", "{'Name': 'b', 'KmsKeyIdentifier': 'k'}");
    events_refused(w, INVALID, NULL, "CreateEventBus",
                   "{'Name': 'b', 'LogConfig': {'Level': 'INFO'}}");
    events_refused(w, INVALID, "Parameter NextToken is not valid.", "ListEventBuses",
                   "{'NextToken': 'x'}");
    events_ok(w, "PutRule", "{'Name': 'r', 'EventBusName': 'a', 'EventPattern': '{`a`: [1]}'}");
    events_refused(w, INVALID, "Event bus a can't be deleted since it has rules.", "DeleteEventBus",
                   "{'Name': 'a'}");
    world_free(w);
}

TEST(a_bus_has_a_policy_of_statements)
{
    struct world *w = world_new();
    struct str r;

    events_refused(w, MISSING, "EventBus does not have a policy.", "RemovePermission",
                   "{'StatementId': 's'}");
    events_ok(w, "PutPermission",
              "{'Action': 'events:PutEvents', 'Principal': '111122223333', 'StatementId': 's'}");
    events_ok(w, "PutPermission",
              "{'Action': 'events:PutEvents', 'Principal': '*', 'StatementId': 't', 'Condition': "
              "{'Type': "
              "'StringEquals', 'Key': 'aws:PrincipalOrgID', 'Value': 'o-1'}}");
    r = events_ok(w, "DescribeEventBus", "{}");
    CHECK_STR(json_path(r, "Policy"),
              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"s\",\"Effect\":\"Allow\","
              "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":"
              "\"events:PutEvents\",\"Resource\":\"" EVENTS_BUS "default\"},{\"Sid\":\"t\","
              "\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"events:PutEvents\","
              "\"Resource\":\"" EVENTS_BUS "default\",\"Condition\":{\"StringEquals\":{"
              "\"aws:PrincipalOrgID\":\"o-1\"}}}]}");
    events_refused(w, MISSING, "Statement with the provided id does not exist.", "RemovePermission",
                   "{'StatementId': 'u'}");
    events_ok(w, "RemovePermission", "{'StatementId': 's'}");
    r = events_ok(w, "DescribeEventBus", "{}");
    CHECK(str_find(json_path(r, "Policy"), S("\"s\"")) == SIZE_MAX);
    events_ok(w, "RemovePermission", "{'RemoveAllPermissions': true}");
    CHECK(!json_path(events_ok(w, "DescribeEventBus", "{}"), "Policy").p);
    events_refused(w, INVALID, "Parameter Principal must be specified.", "PutPermission",
                   "{'Action': 'events:PutEvents', 'StatementId': 's'}");
    events_refused(w, INVALID, "Provided value in parameter 'action' is not supported.",
                   "PutPermission",
                   "{'Action': 'events:PutRule', 'Principal': '*', 'StatementId': 's'}");
    events_refused(
        w, "InvalidParameterValue", NULL, "PutPermission",
        "{'Action': 'events:PutEvents', 'Principal': '111122223333', 'StatementId': 's', "
        "'Condition': {'Type': 'StringEquals', 'Key': 'aws:PrincipalOrgID', 'Value': 'o'}}");
    events_refused(w, INVALID, NULL, "PutPermission", "{'Policy': 'none'}");
    events_refused(w, MISSING, "Event bus x does not exist.", "PutPermission",
                   "{'EventBusName': 'x', 'Policy': '{}'}");
    world_free(w);
}

TEST(a_rule_has_a_pattern_or_a_schedule)
{
    struct world *w = world_new();
    struct str r;

    r = events_ok(
        w, "PutRule",
        "{'Name': 'r', 'EventPattern': '{`source`: [`my.app`]}', 'Description': 'd', 'Tags': "
        "[{'Key': 'k', 'Value': 'v'}]}");
    CHECK_STR(json_path(r, "RuleArn"), EVENTS_RULE "r");
    r = events_ok(w, "DescribeRule", "{'Name': 'r'}");
    CHECK_STR(json_path(r, "EventPattern"), "{\"source\": [\"my.app\"]}");
    CHECK_STR(json_path(r, "State"), "ENABLED");
    CHECK_STR(json_path(r, "Description"), "d");
    CHECK_STR(json_path(r, "EventBusName"), "default");
    CHECK_STR(json_path(r, "CreatedBy"), "000000000000");
    CHECK(!json_path(r, "ScheduleExpression").p);
    events_ok(w, "DisableRule", "{'Name': 'r'}");
    CHECK_STR(json_path(events_ok(w, "DescribeRule", "{'Name': 'r'}"), "State"), "DISABLED");
    events_ok(w, "EnableRule", "{'Name': 'r'}");
    CHECK_STR(json_path(events_ok(w, "DescribeRule", "{'Name': 'r'}"), "State"), "ENABLED");
    events_ok(w, "PutRule", "{'Name': 'r', 'ScheduleExpression': 'cron(0 8 ? * MON-FRI *)'}");
    r = events_ok(w, "DescribeRule", "{'Name': 'r'}");
    CHECK(!json_path(r, "EventPattern").p && !json_path(r, "Description").p);
    r = events_ok(w, "ListTagsForResource", "{'ResourceARN': '" EVENTS_RULE "r'}");
    CHECK_STR(json_path(r, "Tags.0.Value"), "v");
    events_ok(w, "CreateEventBus", "{'Name': 'a.b'}");
    r = events_ok(w, "PutRule",
                  "{'Name': 's', 'EventBusName': 'a.b', 'EventPattern': '{`a`: [1]}'}");
    CHECK_STR(json_path(r, "RuleArn"), EVENTS_RULE "a.b/s");
    events_ok(w, "PutRule",
              "{'Name': 'q', 'ScheduleExpression': 'rate(1 minute)', 'State': 'DISABLED'}");
    world_crash(w);
    r = events_ok(w, "ListRules", "{'Limit': 1}");
    CHECK_STR(json_path(r, "Rules.0.Name"), "q");
    r = world_json_okf(w, "events", "ListRules", "{'NextToken': '%s'}", json_cstr(r, "NextToken"));
    CHECK_STR(json_path(r, "Rules.0.Name"), "r");
    CHECK_INT(json_count(events_ok(w, "ListRules", "{'EventBusName': 'a.b'}"), "Rules"), 1);
    CHECK_INT(json_count(events_ok(w, "ListRules", "{'NamePrefix': 'x'}"), "Rules"), 0);
    events_ok(w, "DeleteRule", "{'Name': 'r'}");
    events_ok(w, "DeleteRule", "{'Name': 'r'}");
    events_refused(w, MISSING, "Rule r does not exist on EventBus default.", "DescribeRule",
                   "{'Name': 'r'}");
    world_free(w);
}

TEST(rules_are_refused_in_the_words_of_aws)
{
    static const struct {
        const char *code, *message, *json;
    } rows[] = {
        {INVALID, "Parameter(s) EventPattern or ScheduleExpression must be specified.",
         "{'Name': 'r'}"},
        {INVALID, "Parameter ScheduleExpression is not valid.",
         "{'Name': 'r', 'ScheduleExpression': 'rate(1 minutes)'}"},
        {INVALID, "Parameter ScheduleExpression is not valid.",
         "{'Name': 'r', 'ScheduleExpression': 'cron(7 20 * * 1-7 *)'}"},
        {INVALID, "Parameter ScheduleExpression is not valid.",
         "{'Name': 'r', 'ScheduleExpression': 'cron(*/60 * * * ? *)'}"},
        {INVALID, "ScheduleExpression is supported only on the default event bus.",
         "{'Name': 'r', 'EventBusName': 'b', 'ScheduleExpression': 'rate(1 day)'}"},
        {MISSING, "Event bus x does not exist.",
         "{'Name': 'r', 'EventBusName': 'x', 'ScheduleExpression': 'rate(1 day)'}"},
        {"InvalidEventPatternException",
         "Event pattern is not valid. Reason: Empty objects are not allowed\n at [Source: "
         "(String)\"{\"source\": [\"aws.health\"], \"detail\": {}}\"; line: 1, column: 40]",
         "{'Name': 'r', 'EventPattern': '{`source`: [`aws.health`], `detail`: {}}'}"},
        {INVALID, NULL, "{'Name': 'r', 'ScheduleExpression': 'rate(1 day)', 'State': 'ON'}"},
        {INVALID, "Parameter role is not valid. Reason: Provided Arn is not in correct format.",
         "{'Name': 'r', 'ScheduleExpression': 'rate(1 day)', 'RoleArn': 'role'}"},
    };
    struct world *w = world_new();

    events_ok(w, "CreateEventBus", "{'Name': 'b'}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        events_refused(w, rows[i].code, rows[i].message, "PutRule", rows[i].json);
    events_refused(w, MISSING, "Rule r does not exist on EventBus default.", "EnableRule",
                   "{'Name': 'r'}");
    events_refused(w, MISSING, "Rule r does not exist on EventBus default.", "PutTargets",
                   "{'Rule': 'r', 'Targets': [{'Id': '1', 'Arn': '" FUNCTION "'}]}");
    events_refused(w, MISSING, "Rule r does not exist on EventBus b.", "ListTagsForResource",
                   "{'ResourceARN': '" EVENTS_RULE "b/r'}");
    events_refused(w, MISSING, "Event bus x does not exist.", "TagResource",
                   "{'ResourceARN': '" EVENTS_BUS "x', 'Tags': []}");
    world_free(w);
}

TEST(targets_are_kept_as_they_were_put)
{
    struct world *w = world_new();
    struct str r;

    lambda_role(w, "stops", "events.amazonaws.com");
    events_ok(w, "PutRule", "{'Name': 'r', 'ScheduleExpression': 'rate(1 day)'}");
    events_ok(w, "PutRule", "{'Name': 's', 'ScheduleExpression': 'rate(1 day)'}");
    r = events_ok(
        w, "PutTargets",
        "{'Rule': 'r', 'Targets': [{'Id': '1', 'Arn': '" FUNCTION "', 'Input': '{}', "
        "'RetryPolicy': {'MaximumRetryAttempts': 0, 'MaximumEventAgeInSeconds': 60}, "
        "'DeadLetterConfig': {'Arn': 'arn:aws:sqs:us-east-1:000000000000:q'}}, "
        "{'Id': '2', 'Arn': '" FUNCTION "', 'InputTransformer': {'InputPathsMap': {'a': "
        "'$.detail.a'}, 'InputTemplate': '{`a`: <a>}'}}, "
        "{'Id': '3', 'Arn': 'arn:aws:events:us-east-1:000000000000:target/stop-instance', "
        "'RoleArn': 'arn:aws:iam::000000000000:role/stops', 'InputPath': '$.detail'}]}");
    CHECK_INT(json_count(r, "FailedEntries"), 0);
    CHECK_STR(json_path(r, "FailedEntryCount"), "0");
    events_ok(w, "PutTargets", "{'Rule': 's', 'Targets': [{'Id': '1', 'Arn': '" FUNCTION "'}]}");
    world_crash(w);
    r = events_ok(w, "ListTargetsByRule", "{'Rule': 'r', 'Limit': 2}");
    CHECK_STR(json_path(r, "Targets.0.Input"), "{}");
    CHECK_STR(json_path(r, "Targets.0.RetryPolicy.MaximumRetryAttempts"), "0");
    CHECK_STR(json_path(r, "Targets.0.RetryPolicy.MaximumEventAgeInSeconds"), "60");
    CHECK_STR(json_path(r, "Targets.0.DeadLetterConfig.Arn"),
              "arn:aws:sqs:us-east-1:000000000000:q");
    CHECK_STR(json_path(r, "Targets.1.InputTransformer.InputPathsMap.a"), "$.detail.a");
    CHECK_STR(json_path(r, "Targets.1.InputTransformer.InputTemplate"), "{\"a\": <a>}");
    CHECK(!json_path(r, "Targets.1.RetryPolicy").p && !json_path(r, "Targets.1.Input").p);
    r = world_json_okf(w, "events", "ListTargetsByRule", "{'Rule': 'r', 'NextToken': '%s'}",
                       json_cstr(r, "NextToken"));
    CHECK_STR(json_path(r, "Targets.0.InputPath"), "$.detail");
    CHECK_STR(json_path(r, "Targets.0.RoleArn"), "arn:aws:iam::000000000000:role/stops");
    r = events_ok(w, "ListRuleNamesByTarget", "{'TargetArn': '" FUNCTION "', 'Limit': 1}");
    CHECK_STR(json_path(r, "RuleNames.0"), "r");
    r = world_json_okf(w, "events", "ListRuleNamesByTarget",
                       "{'TargetArn': '" FUNCTION "', 'NextToken': '%s'}",
                       json_cstr(r, "NextToken"));
    CHECK_STR(json_path(r, "RuleNames.0"), "s");
    events_refused(w, INVALID, "Rule can't be deleted since it has targets.", "DeleteRule",
                   "{'Name': 'r'}");
    events_ok(w, "RemoveTargets", "{'Rule': 'r', 'Ids': ['1', '2', '3', 'none']}");
    events_ok(w, "DeleteRule", "{'Name': 'r'}");
    world_free(w);
}

TEST(targets_are_refused_for_what_they_cannot_be)
{
    static const struct {
        const char *message, *target;
    } rows[] = {
        {"Parameter f is not valid. Reason: Provided Arn is not in correct format.", "'Arn': 'f'"},
        {"Parameter arn:aws:kinesis:us-east-1:000000000000:stream/s is not valid. Reason: Welkin "
         "does not have this target of kinesis yet.",
         "'Arn': 'arn:aws:kinesis:us-east-1:000000000000:stream/s'"},
        {"The parameter EcsParameters is not implemented by Welkin.",
         "'Arn': '" FUNCTION "', 'EcsParameters': {'TaskDefinitionArn': 'arn:t'}"},
        {"RoleArn is required for target arn:aws:events:us-east-1:000000000000:target/"
         "stop-instance.",
         "'Arn': 'arn:aws:events:us-east-1:000000000000:target/stop-instance'"},
        {"Only one of Input, InputPath, or InputTransformer must be provided for target 1.",
         "'Arn': '" FUNCTION "', 'Input': '1', 'InputPath': '$'"},
        {"JSON syntax error in input for target 1.", "'Arn': '" FUNCTION "', 'Input': '{'"},
        {"Invalid JSONPath detail for target 1.", "'Arn': '" FUNCTION "', 'InputPath': 'detail'"},
        {"Invalid InputTemplate for target 1 : [Source: (String)\"{\"a\": b}\"; line: 1, column: "
         "7].",
         "'Arn': '" FUNCTION "', 'InputTransformer': {'InputTemplate': '{`a`: b}'}"},
        {"Parameter InputPathsMap is not valid. Reason: Key AWSx is reserved.",
         "'Arn': '" FUNCTION "', 'InputTransformer': {'InputPathsMap': {'AWSx': '$.a'}, "
         "'InputTemplate': '1'}"},
        {"Parameter DeadLetterConfig.Arn is not valid. Reason: Provided Arn is not that of an SQS "
         "queue.",
         "'Arn': '" FUNCTION "', 'DeadLetterConfig': {'Arn': '" FUNCTION "'}"},
    };
    struct world *w = world_new();

    events_ok(w, "PutRule", "{'Name': 'r', 'ScheduleExpression': 'rate(1 day)'}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        events_refused(w, INVALID, rows[i].message, "PutTargets",
                       test_fmt("{'Rule': 'r', 'Targets': [{'Id': '1', %s}]}", rows[i].target));
    CHECK_INT(json_count(events_ok(w, "ListTargetsByRule", "{'Rule': 'r'}"), "Targets"), 0);
    for (int i = 0; i < 5; i++)
        events_ok(w, "PutTargets",
                  test_fmt("{'Rule': 'r', 'Targets': [{'Id': '%d', 'Arn': '" FUNCTION "'}]}", i));
    events_refused(w, "LimitExceededException",
                   "The requested resource exceeds the maximum number allowed.", "PutTargets",
                   "{'Rule': 'r', 'Targets': [{'Id': 'x', 'Arn': '" FUNCTION "'}]}");
    world_free(w);
}

TEST(entries_of_put_events_are_refused_one_by_one)
{
    static const struct {
        const char *entry, *code, *message;
    } rows[] = {
        {"{'DetailType': 't', 'Detail': '{}'}", "InvalidArgument",
         "Parameter Source is not valid. Reason: Source is a required argument."},
        {"{'Source': 's', 'Detail': '{}'}", "InvalidArgument",
         "Parameter DetailType is not valid. Reason: DetailType is a required argument."},
        {"{'Source': 's', 'DetailType': 't'}", "InvalidArgument",
         "Parameter Detail is not valid. Reason: Detail is a required argument."},
        {"{'Source': 's', 'DetailType': 't', 'Detail': '[1]'}", "MalformedDetail",
         "Detail is malformed."},
        {"{'Source': 's', 'DetailType': 't', 'Detail': 'x'}", "MalformedDetail",
         "Detail is malformed."},
        {"{'Source': 'AWS.ec2', 'DetailType': 't', 'Detail': '{}'}",
         "NotAuthorizedForSourceException", "Not authorized for the source."},
    };
    struct world *w = world_new();
    struct str r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = events_ok(
            w, "PutEvents",
            test_fmt("{'Entries': [%s, {'Source': 's', 'DetailType': 't', 'Detail': '{}'}]}",
                     rows[i].entry));
        CHECK_STR(json_path(r, "FailedEntryCount"), "1");
        CHECK_STR(json_path(r, "Entries.0.ErrorCode"), rows[i].code);
        CHECK_STR(json_path(r, "Entries.0.ErrorMessage"), rows[i].message);
        CHECK(!json_path(r, "Entries.0.EventId").p);
        CHECK_INT(json_path(r, "Entries.1.EventId").n, 36);
    }
    r = events_ok(w, "PutEvents",
                  "{'Entries': [{'Source': 's', 'DetailType': 't', 'Detail': '{}', 'EventBusName': "
                  "'none'}]}");
    CHECK_STR(json_path(r, "FailedEntryCount"), "0");
    char *large = arena_alloc(&w->arena, (256 << 10) + 1);

    memset(large, 'x', 256 << 10);
    events_refused(
        w, INVALID, "Total size of the entries in the request is over the limit.", "PutEvents",
        test_fmt("{'Entries': [{'Source': 's', 'DetailType': 't', 'Detail': '%s'}]}", large));
    events_refused(w, INVALID, NULL, "PutEvents", "{'Entries': []}");
    events_refused(w, INVALID, NULL, "PutEvents",
                   "{'EndpointId': 'abc.def', 'Entries': [{'Source': 's'}]}");
    world_free(w);
}

TEST(a_pattern_is_tested_without_a_rule)
{
    static const char event[] =
        "'{`id`: `1`, `account`: `1`, `source`: `my.app`, `time`: `t`, `region`: `r`, "
        "`resources`: [], `detail-type`: `x`, `detail`: {`n`: 5}}'";
    struct world *w = world_new();
    struct str r;

    r = events_ok(
        w, "TestEventPattern",
        test_fmt("{'EventPattern': '{`detail`: {`n`: [{`numeric`: [`>`, 4]}]}}', 'Event': %s}",
                 event));
    CHECK_STR(json_path(r, "Result"), "true");
    r = events_ok(w, "TestEventPattern",
                  test_fmt("{'EventPattern': '{`source`: [`other`]}', 'Event': %s}", event));
    CHECK_STR(json_path(r, "Result"), "false");
    events_refused(w, "InvalidEventPatternException", NULL, "TestEventPattern",
                   test_fmt("{'EventPattern': 'x', 'Event': %s}", event));
    events_refused(w, INVALID, "Parameter Event is not valid.", "TestEventPattern",
                   "{'EventPattern': '{`a`: [1]}', 'Event': '{}'}");
    world_free(w);
}

TEST(buses_and_rules_have_tags)
{
    struct world *w = world_new();
    struct str r;

    events_ok(w, "PutRule", "{'Name': 'r', 'ScheduleExpression': 'rate(1 day)'}");
    events_ok(w, "TagResource",
              "{'ResourceARN': '" EVENTS_RULE
              "r', 'Tags': [{'Key': 'b', 'Value': '2'}, {'Key': 'a', "
              "'Value': '1'}]}");
    events_ok(w, "TagResource",
              "{'ResourceARN': '" EVENTS_BUS "default', 'Tags': [{'Key': 'c', 'Value': '3'}]}");
    events_ok(w, "UntagResource", "{'ResourceARN': '" EVENTS_RULE "r', 'TagKeys': ['b']}");
    world_crash(w);
    r = events_ok(w, "ListTagsForResource", "{'ResourceARN': '" EVENTS_RULE "r'}");
    CHECK_INT(json_count(r, "Tags"), 1);
    CHECK_STR(json_path(r, "Tags.0.Key"), "a");
    r = events_ok(w, "ListTagsForResource", "{'ResourceARN': '" EVENTS_BUS "default'}");
    CHECK_STR(json_path(r, "Tags.0.Key"), "c");
    events_refused(w, INVALID, "Tag keys that begin with aws: are reserved for AWS use.",
                   "TagResource",
                   "{'ResourceARN': '" EVENTS_RULE "r', 'Tags': [{'Key': 'aws:x', 'Value': '2'}]}");
    world_free(w);
}
