/* Stack sets: one template, many accounts and regions. */
#include "api/cfn_help.h"

#define HOME "000000000000"
#define ONE "111111111111"
#define TWO "222222222222"
#define OP "&Accounts.member.1=" ONE "&Accounts.member.2=" TWO
#define BOTH OP "&Regions.member.1=us-east-1&Regions.member.2=eu-west-1"
#define IAM_V "&Version=2010-05-08"

static void
role(struct world *w, const char *account, const char *name, const char *principal,
     const char *action)
{
    struct str trust =
        world_code(w, str_fmt(test_arena(),
                              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                              "\"Principal\":{%s},\"Action\":\"sts:AssumeRole\"}]}",
                              principal));
    struct str policy =
        world_code(w, str_fmt(test_arena(),
                              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                              "\"Action\":\"%s\",\"Resource\":\"*\"}]}",
                              action));

    world_account(w, account, "us-east-1");
    world_okf(w, "Action=CreateRole" IAM_V "&RoleName=%s&AssumeRolePolicyDocument=%.*s", name,
              STR_ARG(trust));
    world_okf(w, "Action=PutRolePolicy" IAM_V "&RoleName=%s&PolicyName=p&PolicyDocument=%.*s", name,
              STR_ARG(policy));
    world_account(w, HOME, "us-east-1");
}

static void
admin_role(struct world *w)
{
    role(w, HOME, "AWSCloudFormationStackSetAdministrationRole",
         "\"Service\":\"cloudformation.amazonaws.com\"", "sts:AssumeRole");
}

static void
exec_role(struct world *w, const char *account)
{
    role(w, account, "AWSCloudFormationStackSetExecutionRole",
         "\"AWS\":\"arn:aws:iam::" HOME ":role/AWSCloudFormationStackSetAdministrationRole\"", "*");
}

static struct world *
new_world(void)
{
    struct world *w = world_new();

    admin_role(w);
    exec_role(w, ONE);
    exec_role(w, TWO);
    return w;
}

static const char parameter[] =
    "Parameters: {Text: {Type: String, Default: one}}\n"
    "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: !Ref "
    "Text}}}\n";
static const char waits_too[] =
    "Resources:\n"
    "  W: {Type: AWS::CloudFormation::WaitCondition, CreationPolicy: {ResourceSignal: {Timeout: "
    "PT10S}}}\n"
    "  P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: x}}\n";

static struct str
new_set(struct world *w, const char *name, const char *more, const char *template)
{
    return world_callf(w, "Action=CreateStackSet" V "&StackSetName=%s%s&TemplateBody=%.*s", name,
                       more, STR_ARG(world_code(w, str_from(template))));
}

static const char *
instances(struct world *w, const char *verb, const char *more)
{
    struct str reply = world_okf(w, "Action=%sStackInstances" V "&StackSetName=mine%s", verb, more);

    return xml_cstr(reply, "OperationId");
}

static struct str
operation(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeStackSetOperation" V "&StackSetName=mine&OperationId=%s",
                     id);
}

static void
check_operation(struct world *w, const char *id, const char *status)
{
    struct str seen = xml_text(operation(w, id), "Status");

    if (!str_is(seen, status))
        FAIL("the operation is %.*s, not %s: %.*s", STR_ARG(seen), status,
             STR_ARG(world_okf(
                 w, "Action=ListStackSetOperationResults" V "&StackSetName=mine&OperationId=%s",
                 id)));
}

/* ACCOUNT REGION STATUS, one after the other, in the order of their turns. */
static const char *
results(struct world *w, const char *id)
{
    struct str reply = world_okf(
        w, "Action=ListStackSetOperationResults" V "&StackSetName=mine&OperationId=%s", id);
    struct str text = S("");

    for (size_t i = 0; i < xml_count(reply, "Account"); i++) {
        struct str one = xml_element_at(xml_element(reply, "Summaries"), "member", i);

        text = str_fmt(test_arena(), "%.*s%.*s %.*s %.*s\n", STR_ARG(text),
                       STR_ARG(xml_text(one, "Account")), STR_ARG(xml_text(one, "Region")),
                       STR_ARG(xml_text(one, "Status")));
    }
    return test_cstr(text);
}

static struct str
value(struct world *w, const char *account, const char *region)
{
    world_account(w, account, region);
    struct str reply = world_json(w, "ssm", "GetParameter", "{'Name':'/p'}");
    struct str ret = w->http == 200 ? json_path(reply, "Parameter.Value") : S("none");

    world_account(w, HOME, "us-east-1");
    return ret;
}

static struct str
instance(struct world *w, const char *account, const char *region)
{
    return world_okf(w,
                     "Action=DescribeStackInstance" V "&StackSetName=mine&StackInstanceAccount=%s&"
                     "StackInstanceRegion=%s",
                     account, region);
}

TEST(a_stack_set_makes_changes_and_deletes_stacks_in_accounts_and_regions,
     "CFNSS-01 CFNSS-02 CFNSS-03 CFNSS-04 CFNSS-07 DR-21")
{
    struct world *w = new_world();
    struct str seen;

    CHECK_OK(w, new_set(w, "mine", "&Tags.member.1.Key=team&Tags.member.1.Value=x", parameter));
    const char *id = instances(w, "Create", BOTH "&OperationPreferences.MaxConcurrentCount=2");
    world_settle(w);
    check_operation(w, id, "SUCCEEDED");
    CHECK_STR(value(w, ONE, "us-east-1"), "one");
    CHECK_STR(value(w, TWO, "eu-west-1"), "one");
    CHECK_STR(value(w, HOME, "us-east-1"), "none");
    CHECK_STR(value(w, ONE, "us-west-2"), "none");
    seen = instance(w, TWO, "eu-west-1");
    CHECK_STR(xml_text_at(seen, "Status", 0), "CURRENT");
    CHECK_STR(xml_text(seen, "DetailedStatus"), "SUCCEEDED");
    CHECK(str_starts(xml_text(seen, "StackId"),
                     S("arn:aws:cloudformation:eu-west-1:" TWO ":stack/StackSet-mine-")));
    world_account(w, TWO, "eu-west-1");
    seen = world_ok(w, "Action=DescribeStacks" V);
    CHECK_STR(xml_text(xml_where(seen, "member", "Key", "team"), "Value"), "x");
    CHECK_STR(xml_text(seen, "StackStatus"), "CREATE_COMPLETE");
    world_account(w, HOME, "us-east-1");
    seen = world_ok(w, "Action=DescribeStackSet" V "&StackSetName=mine");
    CHECK_INT(xml_count(xml_element(seen, "Regions"), "member"), 2);
    CHECK_STR(xml_text(seen, "AdministrationRoleARN"),
              "arn:aws:iam::" HOME ":role/AWSCloudFormationStackSetAdministrationRole");
    /* an update of the set is one of all its stacks */
    seen =
        world_okf(w, "Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true"
                     "&Parameters.member.1.ParameterKey=Text&Parameters.member.1.ParameterValue=2");
    world_settle(w);
    check_operation(w, xml_cstr(seen, "OperationId"), "SUCCEEDED");
    CHECK_STR(value(w, ONE, "eu-west-1"), "2");
    CHECK_STR(value(w, TWO, "us-east-1"), "2");
    /* an override is of one account alone, and survives updates of the set */
    id = instances(w, "Update",
                   "&Accounts.member.1=" ONE "&Regions.member.1=us-east-1"
                   "&ParameterOverrides.member.1.ParameterKey=Text"
                   "&ParameterOverrides.member.1.ParameterValue=own");
    world_settle(w);
    check_operation(w, id, "SUCCEEDED");
    world_okf(w, "Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true"
                 "&Parameters.member.1.ParameterKey=Text&Parameters.member.1.ParameterValue=3");
    world_settle(w);
    CHECK_STR(value(w, ONE, "us-east-1"), "own");
    CHECK_STR(value(w, TWO, "us-east-1"), "3");
    CHECK_STR(xml_text(instance(w, ONE, "us-east-1"), "ParameterValue"), "own");
    world_refused(w, "StackSetNotEmptyException", "StackSet is not empty",
                  "Action=DeleteStackSet" V "&StackSetName=mine");
    /* retained stacks stay, the others go */
    id = instances(w, "Delete",
                   "&Accounts.member.1=" ONE "&Regions.member.1=us-east-1&RetainStacks=true");
    world_settle(w);
    check_operation(w, id, "SUCCEEDED");
    CHECK_STR(value(w, ONE, "us-east-1"), "own");
    id = instances(w, "Delete", BOTH "&RetainStacks=false");
    world_settle(w);
    check_operation(w, id, "SUCCEEDED");
    CHECK_STR(value(w, TWO, "us-east-1"), "none");
    CHECK_STR(value(w, ONE, "eu-west-1"), "none");
    CHECK_INT(xml_count(world_ok(w, "Action=ListStackInstances" V "&StackSetName=mine"), "Account"),
              0);
    world_ok(w, "Action=DeleteStackSet" V "&StackSetName=mine");
    world_refused(w, "StackSetNotFoundException", "StackSet mine not found",
                  "Action=DescribeStackSet" V "&StackSetName=mine");
    CHECK_INT(xml_count(world_ok(w, "Action=ListStackSets" V "&Status=DELETED"), "StackSetId"), 1);
    world_free(w);
}

TEST(an_update_for_one_account_leaves_the_others_behind, "CFNSS-04")
{
    struct world *w = new_world();

    CHECK_OK(w, new_set(w, "mine", "", parameter));
    instances(w, "Create", BOTH);
    world_settle(w);
    world_okf(w, "Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true"
                 "&Parameters.member.1.ParameterKey=Text&Parameters.member.1.ParameterValue=4"
                 "&Accounts.member.1=" TWO "&Regions.member.1=us-east-1");
    world_settle(w);
    CHECK_STR(value(w, TWO, "us-east-1"), "4");
    CHECK_STR(value(w, TWO, "eu-west-1"), "one");
    CHECK_STR(xml_text_at(instance(w, TWO, "us-east-1"), "Status", 0), "CURRENT");
    CHECK_STR(xml_text_at(instance(w, TWO, "eu-west-1"), "Status", 0), "OUTDATED");
    world_free(w);
}

/* The first of the two accounts cannot make the stack. */
static struct world *
world_that_fails(void)
{
    struct world *w = new_world();

    world_account(w, ONE, "us-east-1");
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/p','Type':'String','Value':'taken'}");
    world_account(w, HOME, "us-east-1");
    CHECK_OK(w, new_set(w, "mine", "", parameter));
    return w;
}

TEST(without_tolerance_the_first_failure_ends_the_operation, "CFNSS-05 CFNSS-06")
{
    struct world *w = world_that_fails();
    const char *id = instances(w, "Create", BOTH "&OperationPreferences.MaxConcurrentCount=1");
    struct str seen;

    world_settle(w);
    check_operation(w, id, "FAILED");
    CHECK_STR(str_from(results(w, id)), ONE " us-east-1 FAILED\n" TWO " us-east-1 CANCELLED\n" ONE
                                            " eu-west-1 CANCELLED\n" TWO " eu-west-1 CANCELLED\n");
    CHECK_STR(xml_text(operation(w, id), "FailedStackInstancesCount"), "1");
    seen = instance(w, ONE, "us-east-1");
    CHECK_STR(xml_text_at(seen, "Status", 0), "OUTDATED");
    CHECK_STR(xml_text(seen, "DetailedStatus"), "FAILED");
    CHECK(str_starts(xml_text(seen, "StatusReason"),
                     S("ResourceLogicalId:P, ResourceType:AWS::SSM::Parameter, "
                       "ResourceStatusReason:")));
    CHECK_STR(xml_text(instance(w, TWO, "us-east-1"), "StatusReason"),
              "Cancelled since failure tolerance has exceeded");
    CHECK_STR(value(w, TWO, "us-east-1"), "none");
    world_free(w);
}

TEST(a_tolerated_failure_does_not_hold_the_others_up, "CFNSS-06")
{
    struct world *w = world_that_fails();
    const char *id = instances(w, "Create", BOTH "&OperationPreferences.FailureToleranceCount=1");

    world_settle(w);
    check_operation(w, id, "SUCCEEDED");
    CHECK_STR(str_from(results(w, id)), ONE " us-east-1 FAILED\n" TWO " us-east-1 SUCCEEDED\n" ONE
                                            " eu-west-1 SUCCEEDED\n" TWO " eu-west-1 SUCCEEDED\n");
    CHECK_STR(value(w, TWO, "us-east-1"), "one");
    /* half of two is one; a half of one, none */
    id = instances(w, "Update",
                   "&Accounts.member.1=" ONE "&Regions.member.1=us-east-1"
                   "&OperationPreferences.FailureTolerancePercentage=50");
    world_settle(w);
    check_operation(w, id, "FAILED");
    world_free(w);
}

static size_t
under_way(struct world *w, const char *id)
{
    return xml_count(
        world_okf(w,
                  "Action=ListStackSetOperationResults" V "&StackSetName=mine&OperationId=%s"
                  "&Filters.member.1.Name=OPERATION_RESULT_STATUS&Filters.member.1.Values=RUNNING",
                  id),
        "Region");
}

TEST(as_many_accounts_at_once_as_are_asked_for_region_by_region, "CFNSS-05")
{
    static const struct {
        const char *prefs;
        size_t running;
    } rows[] = {
        {"", 1},
        /* no more than may fail */
        {"&OperationPreferences.MaxConcurrentCount=2", 1},
        {"&OperationPreferences.MaxConcurrentCount=2&OperationPreferences.FailureToleranceCount=1",
         2},
        {"&OperationPreferences.MaxConcurrentCount=2&OperationPreferences.ConcurrencyMode=SOFT_"
         "FAILURE_TOLERANCE",
         2},
        {"&OperationPreferences.MaxConcurrentPercentage=100&OperationPreferences."
         "FailureTolerancePercentage=100",
         2},
        {"&OperationPreferences.MaxConcurrentPercentage=10", 1},
        {"&OperationPreferences.RegionConcurrencyType=PARALLEL", 2},
        {"&OperationPreferences.RegionConcurrencyType=PARALLEL&OperationPreferences."
         "MaxConcurrentCount=2&OperationPreferences.FailureToleranceCount=1",
         4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = new_world();

        CHECK_OK(w, new_set(w, "mine", "", waits_too));
        const char *id = instances(w, "Create", test_fmt("%s%s", BOTH, rows[i].prefs));
        world_settle(w);
        check_operation(w, id, "RUNNING");
        CHECK_INT(under_way(w, id), rows[i].running);
        world_refused(w, "OperationInProgressException", NULL,
                      "Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true");
        world_free(w);
    }
}

TEST(regions_come_in_their_order_and_an_operation_is_stopped)
{
    struct world *w = new_world();

    CHECK_OK(w, new_set(w, "mine", "", waits_too));
    const char *id = instances(w, "Create",
                               BOTH "&OperationPreferences.RegionOrder.member.1=eu-west-1"
                                    "&OperationPreferences.RegionOrder.member.2=us-east-1");
    world_settle(w);
    CHECK_STR(str_from(results(w, id)), ONE " eu-west-1 RUNNING\n" TWO " eu-west-1 PENDING\n" ONE
                                            " us-east-1 PENDING\n" TWO " us-east-1 PENDING\n");
    world_okf(w, "Action=StopStackSetOperation" V "&StackSetName=mine&OperationId=%s", id);
    world_settle(w);
    check_operation(w, id, "STOPPING");
    world_advance(w, 30000);
    check_operation(w, id, "STOPPED");
    CHECK_STR(str_from(results(w, id)), ONE " eu-west-1 FAILED\n" TWO " eu-west-1 CANCELLED\n" ONE
                                            " us-east-1 CANCELLED\n" TWO " us-east-1 CANCELLED\n");
    world_refusedf(w, "InvalidOperationException", NULL,
                   "Action=StopStackSetOperation" V "&StackSetName=mine&OperationId=%s", id);
    CHECK_STR(
        xml_text(world_ok(w, "Action=ListStackSetOperations" V "&StackSetName=mine"), "Status"),
        "STOPPED");
    world_free(w);
}

TEST(roles_are_really_assumed, "CFNSS-02 CFNSS-03")
{
    struct world *w = world_new();
    const char *reason;

    CHECK_OK(w, new_set(w, "mine", "", parameter));
    const char *target = "&Accounts.member.1=" ONE "&Regions.member.1=us-east-1";
    const char *id = instances(w, "Create", target);

    world_settle(w);
    check_operation(w, id, "FAILED");
    reason = xml_cstr(instance(w, ONE, "us-east-1"), "StatusReason");
    CHECK_STR(str_from(reason),
              "Account " HOME " should have 'AWSCloudFormationStackSetAdministrationRole' role "
              "with trust relationship to CloudFormation service.");
    admin_role(w);
    /* it must be there, and trust the administration role */
    role(w, ONE, "AWSCloudFormationStackSetExecutionRole", "\"AWS\":\"arn:aws:iam::" TWO ":root\"",
         "*");
    id = instances(w, "Update", target);
    world_settle(w);
    check_operation(w, id, "FAILED");
    reason = xml_cstr(instance(w, ONE, "us-east-1"), "StatusReason");
    CHECK_STR(str_from(reason),
              "Account " ONE " should have 'AWSCloudFormationStackSetExecutionRole' role with "
              "trust relationship to Role 'AWSCloudFormationStackSetAdministrationRole'.");
    /* what it may not do, the stack cannot */
    role(w, ONE, "Weak",
         "\"AWS\":\"arn:aws:iam::" HOME ":role/AWSCloudFormationStackSetAdministrationRole\"",
         "cloudformation:*");
    world_ok(w, "Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true"
                "&ExecutionRoleName=Weak");
    world_settle(w);
    reason = xml_cstr(instance(w, ONE, "us-east-1"), "StatusReason");
    CHECK(strstr(reason, "assumed-role/Weak/AWSCloudFormationStackSet is not authorized to "
                         "perform: ssm:PutParameter"));
    CHECK_STR(value(w, ONE, "us-east-1"), "none");
    world_free(w);
}

TEST(a_stack_set_survives_crashes_anywhere, "CFNSS-01")
{
    for (int steps = 0; steps < 12; steps++) {
        struct world *w = new_world();

        CHECK_OK(w, new_set(w, "mine", "", waits_too));
        const char *id = instances(w, "Create",
                                   BOTH "&OperationPreferences.MaxConcurrentCount=2"
                                        "&OperationPreferences.FailureToleranceCount=2");
        for (int i = 0; i < 30; i++) {
            if (i == steps)
                world_crash(w);
            world_advance(w, 1500);
        }
        world_advance(w, 60000);
        /* nobody signals, so each fails, in its time, and once */
        check_operation(w, id, "SUCCEEDED");
        CHECK_STR(str_from(results(w, id)), ONE " us-east-1 FAILED\n" TWO " us-east-1 FAILED\n" ONE
                                                " eu-west-1 FAILED\n" TWO " eu-west-1 FAILED\n");
        world_account(w, TWO, "eu-west-1");
        CHECK_INT(xml_count(world_ok(w, "Action=ListStacks" V), "StackId"), 1);
        world_account(w, HOME, "us-east-1");
        id = instances(w, "Delete", BOTH "&RetainStacks=false");
        world_crash(w);
        world_settle(w);
        check_operation(w, id, "SUCCEEDED");
        world_free(w);
    }
}

static const struct {
    const char *form, *code, *message;
} refusals[] = {
    {"Action=CreateStackSet" V "&StackSetName=1x&TemplateBody=x", "ValidationError",
     "1 validation error detected: Value '1x' at 'stackSetName' failed to satisfy constraint: "
     "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"},
    {"Action=CreateStackSet" V "&StackSetName=x&TemplateBody=x", "ValidationError",
     "Template format error: unsupported structure."},
    {"Action=CreateStackSet" V "&StackSetName=x", "ValidationError",
     "Either Template URL or Template Body must be specified."},
    {"Action=CreateStackSet" V "&StackSetName=x&PermissionModel=SERVICE_MANAGED",
     "UnsupportedOperation", NULL},
    {"Action=CreateStackSet" V "&StackSetName=x&AutoDeployment.Enabled=true",
     "UnsupportedOperation", NULL},
    {"Action=CreateStackSet" V "&StackSetName=x&ManagedExecution.Active=true",
     "UnsupportedOperation", NULL},
    {"Action=CreateStackSet" V "&StackSetName=x&CallAs=DELEGATED_ADMIN", "UnsupportedOperation",
     NULL},
    {"Action=CreateStackSet" V "&StackSetName=x&TemplateBody=Resources%3A%20%7BG%3A%20%7BType%3A"
     "%20AWS%3A%3AIAM%3A%3AGroup%7D%7D",
     "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"},
    {"Action=CreateStackSet" V "&StackSetName=mine&TemplateBody=x", "NameAlreadyExistsException",
     NULL},
    {"Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true"
     "&Parameters.member.1.ParameterKey=No&Parameters.member.1.ParameterValue=1",
     "ValidationError", "Parameters: [No] do not exist in the template"},
    {"Action=UpdateStackSet" V "&StackSetName=none&UsePreviousTemplate=true",
     "StackSetNotFoundException", "StackSet none not found"},
    {"Action=CreateStackInstances" V "&StackSetName=mine&Regions.member.1=us-east-1",
     "ValidationError", NULL},
    {"Action=CreateStackInstances" V "&StackSetName=mine" OP "&Regions.member.1=us-eest-1",
     "ValidationError", "Region [us-eest-1] is not valid"},
    {"Action=CreateStackInstances" V "&StackSetName=mine&Regions.member.1=us-east-1"
     "&DeploymentTargets.OrganizationalUnitIds.member.1=ou-abcd-12345678",
     "UnsupportedOperation", NULL},
    {"Action=CreateStackInstances" V "&StackSetName=mine" BOTH
     "&OperationPreferences.MaxConcurrentCount=1&OperationPreferences.MaxConcurrentPercentage=1",
     "ValidationError", NULL},
    {"Action=CreateStackInstances" V "&StackSetName=mine" BOTH
     "&OperationPreferences.RegionOrder.member.1=us-west-2",
     "ValidationError", NULL},
    {"Action=UpdateStackInstances" V "&StackSetName=mine" BOTH, "StackInstanceNotFoundException",
     NULL},
    {"Action=UpdateStackSet" V "&StackSetName=mine&UsePreviousTemplate=true" BOTH,
     "StackInstanceNotFoundException",
     "StackInstance not found for account " ONE " in region us-east-1"},
    {"Action=DescribeStackInstance" V "&StackSetName=mine&StackInstanceAccount=" ONE
     "&StackInstanceRegion=us-east-1",
     "StackInstanceNotFoundException", NULL},
    {"Action=DescribeStackSetOperation" V "&StackSetName=mine&OperationId=none",
     "OperationNotFoundException", NULL},
};

TEST(what_a_stack_set_cannot_do_is_refused)
{
    struct world *w = new_world();

    CHECK_OK(w, new_set(w, "mine", "&ClientRequestToken=t", parameter));
    struct str again = new_set(w, "mine", "&ClientRequestToken=t", parameter);

    CHECK_OK(w, again);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        world_refused(w, refusals[i].code, refusals[i].message, refusals[i].form);
    const char *id = instances(w, "Create", BOTH "&OperationId=first");

    CHECK_STR(str_from(id), "first");
    world_settle(w);
    world_refused(w, "OperationIdAlreadyExistsException", NULL,
                  "Action=CreateStackInstances" V "&StackSetName=mine" BOTH "&OperationId=first");
    /* another region and another account do not see it */
    world_account(w, HOME, "eu-west-1");
    world_refused(w, "StackSetNotFoundException", NULL,
                  "Action=DescribeStackSet" V "&StackSetName=mine");
    world_account(w, ONE, "us-east-1");
    world_refused(w, "StackSetNotFoundException", NULL,
                  "Action=DescribeStackSet" V "&StackSetName=mine");
    world_free(w);
}

TEST(lists_of_stack_sets_come_in_pages)
{
    struct world *w = new_world();

    for (int i = 0; i < 3; i++)
        CHECK_OK(w, new_set(w, test_fmt("set-%d", i), "", parameter));
    struct str page = world_ok(w, "Action=ListStackSets" V "&MaxResults=2");

    CHECK_INT(xml_count(page, "StackSetName"), 2);
    page = world_okf(w, "Action=ListStackSets" V "&MaxResults=2&NextToken=%.*s",
                     STR_ARG(world_code(w, xml_text(page, "NextToken"))));
    CHECK_INT(xml_count(page, "StackSetName"), 1);
    CHECK(!xml_text(page, "NextToken").p);
    CHECK_OK(w, new_set(w, "mine", "", parameter));
    instances(w, "Create", BOTH);
    world_settle(w);
    page = world_ok(w, "Action=ListStackInstances" V "&StackSetName=mine&MaxResults=3");
    CHECK_INT(xml_count(page, "Region"), 3);
    page = world_okf(w,
                     "Action=ListStackInstances" V "&StackSetName=mine&MaxResults=3&NextToken="
                     "%.*s",
                     STR_ARG(world_code(w, xml_text(page, "NextToken"))));
    CHECK_INT(xml_count(page, "Region"), 1);
    page = world_ok(w, "Action=ListStackInstances" V "&StackSetName=mine&StackInstanceAccount=" ONE
                       "&StackInstanceRegion=eu-west-1");
    CHECK_INT(xml_count(page, "Region"), 1);
    page = world_ok(w, "Action=ListStackInstances" V "&StackSetName=mine&Filters.member.1.Name="
                       "DETAILED_STATUS&Filters.member.1.Values=FAILED");
    CHECK_INT(xml_count(page, "Region"), 0);
    world_free(w);
}
