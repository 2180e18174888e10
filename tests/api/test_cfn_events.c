/*
 * Golden lists of events: what DescribeStackEvents of AWS shows for these stacks, event by event,
 * with ids and request tokens left out.  Texts and orders are those of event lists that users of
 * AWS published: aws-quickstart/quickstart-pivotal-cloudfoundry#10 and
 * aws-samples/immersive-media-refarch#7 (signals, cancelled creations),
 * aws/serverless-application-model#58 (a creation rolled back), ansible/ansible#26225 and
 * aws-amplify/amplify-cli#82 (an update rolled back).  What handlers say of a refusal has the form
 * of 2025 and later, with the SDK's attempts: stack sets' operations in public repositories ("A
 * policy called … already exists. … (SDK Attempt Count: 1)").
 */
#include "api/cfn_help.h"

/* What stands between `from` and `to` of an event's reason changes from run to run. */
static const char *
without(const char *text, const char *from, const char *to)
{
    struct str in = str_from(text), out = S("");

    for (;;) {
        size_t at = str_find(in, str_from(from));
        struct str rest = str_cut(in, at == SIZE_MAX ? in.n : at + strlen(from), in.n);
        size_t end = str_find(rest, str_from(to));

        if (at == SIZE_MAX || end == SIZE_MAX)
            return str_cstr(test_arena(), str_cat(test_arena(), out, in));
        out = str_fmt(test_arena(), "%.*s%.*s*", STR_ARG(out), (int)(at + strlen(from)), in.p);
        in = str_cut(rest, end, rest.n);
    }
}

static void
check_events(struct world *w, const char *name, const char *golden)
{
    const char *seen = without(events(w, name), "Request ID: ", ")");

    CHECK_STR(str_from(without(seen, "RequestToken: ", ",")), golden);
}

static const char waits[] = "Resources:\n"
                            "  Server: {Type: AWS::SSM::Parameter, Properties: {Type: String, "
                            "Value: x}}\n"
                            "  Wait:\n"
                            "    Type: AWS::CloudFormation::WaitCondition\n"
                            "    DependsOn: Server\n"
                            "    CreationPolicy: {ResourceSignal: {Timeout: PT15M, Count: 2}}\n"
                            "  Other:\n"
                            "    Type: AWS::CloudFormation::WaitCondition\n"
                            "    CreationPolicy: {ResourceSignal: {Timeout: PT1H}}\n"
                            "  After: {Type: AWS::SSM::Parameter, DependsOn: Wait, Properties: "
                            "{Type: String, Value: x}}\n";

#define BEGUN(name)                                                                                \
    name " CREATE_IN_PROGRESS User Initiated\n"                                                    \
         "Server CREATE_IN_PROGRESS\n"                                                             \
         "Other CREATE_IN_PROGRESS\n"                                                              \
         "Server CREATE_IN_PROGRESS Resource creation Initiated\n"                                 \
         "Other CREATE_IN_PROGRESS Resource creation Initiated\n"                                  \
         "Server CREATE_COMPLETE\n"                                                                \
         "Wait CREATE_IN_PROGRESS\n"                                                               \
         "Wait CREATE_IN_PROGRESS Resource creation Initiated\n"

#define ROLLED_BACK(name)                                                                          \
    "Other CREATE_FAILED Resource creation cancelled\n" name                                       \
    " ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Wait, Other]. "            \
    "Rollback requested by user.\n"                                                                \
    "Wait DELETE_IN_PROGRESS\n"                                                                    \
    "Other DELETE_IN_PROGRESS\n"                                                                   \
    "Wait DELETE_COMPLETE\n"                                                                       \
    "Other DELETE_COMPLETE\n"                                                                      \
    "Server DELETE_IN_PROGRESS\n"                                                                  \
    "Server DELETE_COMPLETE\n" name " ROLLBACK_COMPLETE\n"

TEST(events_of_a_signal_that_fails_and_of_one_that_never_comes, "CSIG-03 CSIG-04 CSIG-09")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "fails", "", waits));
    CHECK_OK(w, create(w, "never", "", waits));
    world_settle(w);
    world_ok(w, "Action=SignalResource" V "&StackName=fails&LogicalResourceId=Wait&Status=SUCCESS"
                "&UniqueId=i-0a");
    world_settle(w);
    world_ok(w, "Action=SignalResource" V "&StackName=fails&LogicalResourceId=Wait&Status=FAILURE"
                "&UniqueId=i-0b");
    world_settle(w);
    check_events(
        w, "fails",
        BEGUN(
            "fails") "Wait CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId "
                     "i-0a\n"
                     "Wait CREATE_FAILED Received FAILURE signal with UniqueId i-0b\n" ROLLED_BACK(
                         "fails"));
    check_events(w, "never", BEGUN("never"));
    world_advance(w, 15 * 60 * 1000);
    check_events(w, "never",
                 BEGUN("never") "Wait CREATE_FAILED Failed to receive 2 resource signal(s) within "
                                "the specified duration\n" ROLLED_BACK("never"));
    world_free(w);
}

TEST(events_of_a_creation_that_fails_in_the_middle, "CFN-02 CFN-13 CFN-18")
{
    static const char template[] =
        "Resources:\n"
        "  First: {Type: AWS::IAM::Group}\n"
        "  Bad: {Type: AWS::IAM::Group, DependsOn: First, Properties: {GroupName: taken}}\n"
        "  Beside: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref First}}\n"
        "  Last: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Bad}}\n";
    struct world *w = world_new();

    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=taken");
    CHECK_OK(w, create(w, "middle", NAMED, template));
    world_settle(w);
    check_events(w, "middle",
                 "middle CREATE_IN_PROGRESS User Initiated\n"
                 "First CREATE_IN_PROGRESS\n"
                 "First CREATE_IN_PROGRESS Resource creation Initiated\n"
                 "First CREATE_COMPLETE\n"
                 "Bad CREATE_IN_PROGRESS\n"
                 "Beside CREATE_IN_PROGRESS\n"
                 "Bad CREATE_FAILED Resource handler returned message: \"Group with name taken "
                 "already exists. (Service: Iam, Status Code: 409, Request ID: *) "
                 "(SDK Attempt Count: 1)\" (RequestToken: *, HandlerErrorCode: AlreadyExists)\n"
                 "Beside CREATE_FAILED Resource creation cancelled\n"
                 "middle ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Bad, "
                 "Beside]. Rollback requested by user.\n"
                 "Bad DELETE_COMPLETE\n"
                 "Beside DELETE_COMPLETE\n"
                 "First DELETE_IN_PROGRESS\n"
                 "First DELETE_COMPLETE\n"
                 "middle ROLLBACK_COMPLETE\n");
    world_free(w);
}

TEST(events_of_an_update_that_fails_and_goes_back, "CFN-15 CFN-18")
{
    static const char template[] =
        "Resources:\n"
        "  Same: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n"
        "  Changed: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: '%d'}}\n"
        "  Replaced: {Type: AWS::SSM::Parameter, Properties: {Name: /r%d, Type: String, Value: "
        "x}}\n"
        "%s";
    static const char bad[] =
        "  New: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n"
        "  Bad: {Type: AWS::SSM::Parameter, DependsOn: [Changed, Replaced, New], Properties: "
        "{Name: /taken, Type: String, Value: x}}\n";
    static const char gone[] =
        "  Gone: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n";
    struct world *w = world_new();

    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    CHECK_OK(w, create(w, "back", "", test_fmt(template, 1, 1, gone)));
    world_settle(w);
    CHECK_OK(w, update(w, "back", "", test_fmt(template, 2, 2, bad)));
    world_settle(w);
    const char *all = strstr(events(w, "back"), "back UPDATE_IN_PROGRESS");
    all = without(all, "Request ID: ", ")");
    CHECK_STR(
        str_from(without(all, "RequestToken: ", ",")),
        "back UPDATE_IN_PROGRESS User Initiated\n"
        "Changed UPDATE_IN_PROGRESS\n"
        "Replaced UPDATE_IN_PROGRESS Requested update requires the creation of a new physical "
        "resource; hence creating one.\n"
        "New CREATE_IN_PROGRESS\n"
        "Replaced UPDATE_IN_PROGRESS Resource creation Initiated\n"
        "New CREATE_IN_PROGRESS Resource creation Initiated\n"
        "Changed UPDATE_COMPLETE\n"
        "Replaced UPDATE_COMPLETE\n"
        "New CREATE_COMPLETE\n"
        "Bad CREATE_IN_PROGRESS\n"
        "Bad CREATE_FAILED Resource handler returned message: \"The parameter already exists. To "
        "overwrite this value, set the overwrite option in the request to true. (Service: Ssm, "
        "Status Code: 400, Request ID: *) (SDK Attempt Count: 1)\" (RequestToken: *, "
        "HandlerErrorCode: AlreadyExists)\n"
        "back UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Bad]. \n"
        "Changed UPDATE_IN_PROGRESS\n"
        "Changed UPDATE_COMPLETE\n"
        "Replaced UPDATE_IN_PROGRESS\n"
        "Replaced UPDATE_COMPLETE\n"
        "back UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS\n"
        "Bad DELETE_COMPLETE\n"
        "Replaced DELETE_IN_PROGRESS\n"
        "New DELETE_IN_PROGRESS\n"
        "Replaced DELETE_COMPLETE\n"
        "New DELETE_COMPLETE\n"
        "back UPDATE_ROLLBACK_COMPLETE\n");
    world_free(w);
}

/* Clients know an event by its id, so no two may have the same, however fast they come. */
TEST(no_two_events_have_an_id_in_common, "CFN-09")
{
    static const char template[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /%s, Type: String, Value: '%d'}}\n"
        "  B: {Type: AWS::SSM::Parameter, DependsOn: A, Properties: {Name: /taken, Type: String, "
        "Value: x}}\n";
    struct world *w = world_new();
    struct str_list ids = {0};

    CHECK_OK(w, create(w, "ids", "",
                       "Resources: {A: {Type: AWS::SSM::Parameter, Properties: "
                       "{Name: /a, Type: String, Value: x}}}"));
    world_settle(w);
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    for (int i = 0; i < 4; i++) {
        world_advance(w, 1); /* a clock that stands tells operations not apart */
        CHECK_OK(w, update(w, "ids", "", test_fmt(template, i % 2 ? "a" : "b", i)));
        world_settle(w);
        check_status(w, "ids", "UPDATE_ROLLBACK_COMPLETE");
    }
    struct str seen = world_ok(w, "Action=DescribeStackEvents" V "&StackName=ids");
    struct str all = xml_element(seen, "StackEvents");
    for (size_t i = 0; i < xml_count(seen, "EventId"); i++) {
        struct str one = xml_element_at(all, "member", i), id = xml_text(one, "EventId");

        CHECK(!str_in(&ids, id));
        *LIST_PUSH(test_arena(), &ids) = id;
        if (str_is(xml_text(one, "LogicalResourceId"), "A"))
            CHECK_STR(id, test_fmt("A-%.*s-%.*s", STR_ARG(xml_text(one, "ResourceStatus")),
                                   STR_ARG(xml_text(one, "Timestamp"))));
    }
    CHECK(ids.n > 40);
    world_free(w);
}

TEST(events_of_a_delete_with_a_retained_resource, "CFN-10 CFND-02")
{
    static const char template[] =
        "Resources:\n"
        "  Kept: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /kept, "
        "Type: String, Value: x}}\n"
        "  Above: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Kept}}\n"
        "  Gone: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n";
    struct world *w = world_new();

    struct str id = xml_text(create(w, "keep", "", template), "StackId");
    world_settle(w);
    world_ok(w, "Action=DeleteStack" V "&StackName=keep");
    world_settle(w);
    const char *all = strstr(events(w, str_cstr(test_arena(), id)), "keep DELETE_IN_PROGRESS");
    CHECK_STR(str_from(all), "keep DELETE_IN_PROGRESS User Initiated\n"
                             "Above DELETE_IN_PROGRESS\n"
                             "Gone DELETE_IN_PROGRESS\n"
                             "Above DELETE_COMPLETE\n"
                             "Gone DELETE_COMPLETE\n"
                             "Kept DELETE_SKIPPED\n"
                             "keep DELETE_COMPLETE\n");
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/kept'}");
    world_free(w);
}

TEST(an_update_that_failed_is_left_retried_or_rolled_back, "CFN-16 CFN-18")
{
    static const char template[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: '%d'}}\n"
        "  B: {Type: AWS::SSM::Parameter, DependsOn: A, Properties: {Name: /%s, Type: String, "
        "Value: '%d'}}\n";
    struct world *w = world_new();
    struct str seen;

    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    CHECK_OK(w, create(w, "debug", "", test_fmt(template, 1, "b", 1)));
    world_settle(w);
    CHECK_OK(w, update(w, "debug", "&DisableRollback=true", test_fmt(template, 2, "taken", 2)));
    world_settle(w);
    check_status(w, "debug", "UPDATE_FAILED");
    CHECK_STR(xml_text(stack(w, "debug"), "StackStatusReason"),
              "The following resource(s) failed to update: [B]. ");
    seen = world_json_ok(w, "ssm", "GetParameter", "{'Name':'/a'}");
    CHECK_STR(json_path(seen, "Parameter.Value"), "2");
    world_refused(w, "ValidationError", NULL, "Action=ContinueUpdateRollback" V "&StackName=debug");
    CHECK_FAULT(w, update(w, "debug", "", test_fmt(template, 3, "b", 1)), "ValidationError");
    /* tried again: it fails again, and goes back to what was well last */
    CHECK_OK(w, update(w, "debug", "&DisableRollback=true", test_fmt(template, 3, "taken", 2)));
    world_settle(w);
    check_status(w, "debug", "UPDATE_FAILED");
    world_crash(w);
    world_ok(w, "Action=RollbackStack" V "&StackName=debug");
    world_settle(w);
    check_status(w, "debug", "UPDATE_ROLLBACK_COMPLETE");
    seen = world_json_ok(w, "ssm", "GetParameter", "{'Name':'/a'}");
    CHECK_STR(json_path(seen, "Parameter.Value"), "1");
    CHECK(strstr(events(w, "debug"), "debug UPDATE_ROLLBACK_IN_PROGRESS User Initiated\n"
                                     "A UPDATE_IN_PROGRESS\n"
                                     "A UPDATE_COMPLETE\n"
                                     "B UPDATE_IN_PROGRESS\n"
                                     "B UPDATE_COMPLETE\n"));
    world_refused(w, "ValidationError", NULL, "Action=RollbackStack" V "&StackName=debug");
    /* or it is repaired */
    CHECK_OK(w, update(w, "debug", "&DisableRollback=true", test_fmt(template, 4, "taken", 2)));
    world_settle(w);
    CHECK_OK(w, update(w, "debug", "&DisableRollback=true", test_fmt(template, 4, "c", 2)));
    world_settle(w);
    check_status(w, "debug", "UPDATE_COMPLETE");
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/c'}");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/b'}");
    /* of a creation that failed */
    CHECK_OK(w, create(w, "made", "&DisableRollback=true", test_fmt(template, 1, "taken", 1)));
    world_settle(w);
    check_status(w, "made", "CREATE_FAILED");
    world_ok(w, "Action=RollbackStack" V "&StackName=made");
    world_settle(w);
    check_status(w, "made", "ROLLBACK_COMPLETE");
    world_free(w);
}
