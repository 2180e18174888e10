/* What templates may say beside resources: loops, snippets, rules, references to secrets. */
#include "api/cfn_bucket.h"
#include "api/cfn_help.h"

static struct str
value_of(struct world *w, const char *name)
{
    return json_path(world_json_okf(w, "ssm", "GetParameter", "{'Name':'%s'}", name),
                     "Parameter.Value");
}

static const char loops[] =
    "Transform: AWS::LanguageExtensions\n"
    "Parameters: {Names: {Type: CommaDelimitedList, Default: 'one,t.w-o'}}\n"
    "Conditions:\n"
    "  Fn::ForEach::Conditions: [N, [A, B], {'Is${N}': !Equals ['${N}', A]}]\n"
    "Resources:\n"
    "  Fn::ForEach::Outer:\n"
    "    - Name\n"
    "    - !Ref Names\n"
    "    - Fn::ForEach::Inner:\n"
    "        - Letter\n"
    "        - [A, B]\n"
    "        - '&{Name}${Letter}':\n"
    "            Type: AWS::SSM::Parameter\n"
    "            Condition: 'Is${Letter}'\n"
    "            Properties:\n"
    "              Name: !Sub '/${Name}/${Letter}'\n"
    "              Type: String\n"
    "              Value: !Sub '${Name} in ${AWS::StackName}'\n"
    "              Tags: {Fn::ForEach::Tags: [T, [x, y], {'tag-${T}': !Ref Name}]}\n"
    "  Count: {Type: AWS::SSM::Parameter, Properties: {Name: /count, Type: String, Value: "
    "{Fn::ToJsonString: {n: {Fn::Length: !Ref Names}}}}}\n"
    "Outputs:\n"
    "  Fn::ForEach::Out:\n"
    "    - Name\n"
    "    - !Ref Names\n"
    "    - 'Out&{Name}': {Value: !GetAtt [!Sub '&{Name}A', Value]}\n";

TEST(loops_of_language_extensions_are_unrolled)
{
    struct world *w = world_new();
    struct str text;

    CHECK_OK(w, create(w, "loops", "", loops));
    world_settle(w);
    check_status(w, "loops", "CREATE_COMPLETE");
    CHECK_STR(value_of(w, "/one/A"), "one in loops");
    CHECK_STR(value_of(w, "/t.w-o/A"), "t.w-o in loops");
    CHECK_STR(value_of(w, "/count"), "{\"n\":2}");
    CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 3);
    CHECK_STR(
        xml_text(xml_where(stack(w, "loops"), "member", "OutputKey", "Outtwo"), "OutputValue"),
        "t.w-o in loops");
    text = world_ok(w, "Action=GetTemplate" V "&StackName=loops&TemplateStage=Processed");
    text = xml_text(text, "TemplateBody");
    CHECK_STR(json_path(text, "Resources.twoA.Type"), "AWS::SSM::Parameter");
    CHECK_STR(json_path(text, "Resources.oneA.Properties.Tags.tag-y"), "one");
    CHECK(!json_path(text, "Transform").p);
    CHECK(str_find(xml_text(world_ok(w, "Action=GetTemplate" V "&StackName=loops"), "TemplateBody"),
                   S("Fn::ForEach::Outer")) != SIZE_MAX);
    world_crash(w);
    /* a list that grows makes more of them, and one that shrinks fewer */
    CHECK_OK(w, world_call(w, "Action=UpdateStack" V "&StackName=loops&UsePreviousTemplate=true"
                              "&Parameters.member.1.ParameterKey=Names"
                              "&Parameters.member.1.ParameterValue=one,three"));
    world_settle(w);
    check_status(w, "loops", "UPDATE_COMPLETE");
    CHECK_STR(value_of(w, "/three/A"), "three in loops");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/t.w-o/A'}");
    world_free(w);
}

TEST(loops_that_are_wrong_are_refused)
{
    static const struct {
        const char *loop, *message;
    } rows[] = {
        {"[N, [A]]", "Transform AWS::LanguageExtensions failed with: Fn::ForEach layout is "
                     "incorrect"},
        {"[N, text, {X: {Type: AWS::SSM::Parameter}}]",
         "Transform AWS::LanguageExtensions failed with: Fn::ForEach layout is incorrect"},
        {"[N, [A, B], {X: {Type: AWS::SSM::Parameter}}]",
         "Transform AWS::LanguageExtensions failed with: the key X comes twice"},
        {"[N, [A], {'X${N}': {Type: AWS::No::Such}}]",
         "Template format error: Unrecognized resource types: [AWS::No::Such]"},
        {"[N, ['a b'], {'X${N}': {Type: AWS::SSM::Parameter}}]",
         "Template format error: Resources name Xa b is non alphanumeric."},
        {"[N, [A], {'X${N}': {Type: AWS::SSM::Parameter, DependsOn: Y}}]",
         "Template format error: Unresolved resource dependencies [Y] in the Resources block of "
         "the template"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(w,
                test_fmt("Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::L: %s\n",
                         rows[i].loop),
                "ValidationError", rows[i].message);
    /* loops in loops multiply, up to a bound */
    struct str text = S("{'X${A}': {Type: AWS::SSM::Parameter}}");
    for (char c = 'A'; c < 'H'; c++)
        text = str_fmt(test_arena(), "{Fn::ForEach::%c: [%c, [1,2,3,4,5,6,7,8,9,10], %.*s]}", c, c,
                       STR_ARG(text));
    refused(w, test_fmt("Transform: AWS::LanguageExtensions\nResources: %.*s\n", STR_ARG(text)),
            "ValidationError", NULL);
    refused(w, "Resources: {Fn::ForEach::L: [N, [A], {X: {Type: AWS::SSM::Parameter}}]}\n",
            "ValidationError",
            "Template format error: Resources name Fn::ForEach::L is non alphanumeric.");
    refused(w, "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::SSM::Parameter}}",
            "ValidationError",
            "Welkin does not implement the transform AWS::Serverless-2016-10-31 "
            "yet");
    refused(w, "Transform: Mine\nResources: {A: {Type: AWS::SSM::Parameter}}", "ValidationError",
            "No transform named Mine found.");
    world_free(w);
}

#define EXPAND "&Capabilities.member.1=CAPABILITY_AUTO_EXPAND"

TEST(snippets_are_included_from_buckets)
{
    static const char template[] =
        "Transform: {Name: AWS::Include, Parameters: {Location: 's3://templates/outputs'}}\n"
        "Resources:\n"
        "  Fn::Transform: {Name: AWS::Include, Parameters: {Location: "
        "'s3://templates/resources'}}\n"
        "  P:\n"
        "    Type: AWS::SSM::Parameter\n"
        "    Properties:\n"
        "      Name: /p\n"
        "      Fn::Transform: {Name: AWS::Include, Parameters: {Location: "
        "'s3://templates/properties'}}\n";
    struct world *w = world_new();

    bucket_put(w, "resources",
               "Q: {Type: AWS::SSM::Parameter, Properties: {Name: /q, Type: String, "
               "Value: '1'}}");
    bucket_put(w, "properties", "{\"Type\": \"String\", \"Value\": {\"Ref\": \"Q\"}}");
    bucket_put(w, "outputs", "Outputs: {V: {Value: !GetAtt P.Value}}");
    refused(w, template, "InsufficientCapabilitiesException",
            "Requires capabilities : [CAPABILITY_AUTO_EXPAND]");
    CHECK_OK(w, create(w, "parts", EXPAND, template));
    world_settle(w);
    check_status(w, "parts", "CREATE_COMPLETE");
    CHECK_STR(value_of(w, "/p"), "/q");
    CHECK_STR(xml_text(stack(w, "parts"), "OutputValue"), "/q");
    bucket_put(w, "outputs", "{");
    CHECK_STR(xml_text(create(w, "bad", EXPAND, template), "Message"),
              "Transform AWS::Include failed with: The specified S3 object's content should be "
              "valid Yaml/JSON");
    bucket_put(w, "outputs", "Resources: {}");
    CHECK_FAULT(w, create(w, "bad", EXPAND, template), "ValidationError");
    world_free(w);
}

TEST(a_template_is_read_from_a_bucket, "CFN-08")
{
    static const char simple[] = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: "
                                 "/url, Type: String, Value: %s}}}\n%s";
    struct world *w = world_new();
    struct str big = S("#");

    while (big.n < 60000)
        big = str_cat(test_arena(), big, big);
    bucket_put(w, "a/one.yaml", test_fmt(simple, "one", ""));
    bucket_put(w, "big.yaml", test_fmt(simple, "two", str_cstr(test_arena(), big)));
    world_ok(w, "Action=CreateStack" V "&StackName=url&TemplateURL=" BUCKET "a/one.yaml");
    world_settle(w);
    CHECK_STR(value_of(w, "/url"), "one");
    /* 51,200 bytes are the limit of a body, not of an object */
    world_ok(w, "Action=UpdateStack" V "&StackName=url&TemplateURL=" BUCKET "big.yaml");
    world_settle(w);
    CHECK_STR(value_of(w, "/url"), "two");
    world_ok(w, "Action=ValidateTemplate" V "&TemplateURL=" BUCKET "a/one.yaml");
    world_ok(w, "Action=GetTemplateSummary" V "&TemplateURL=s3://templates/a/one.yaml");
    world_refused(w, "ValidationError", NULL,
                  "Action=CreateStack" V "&StackName=no&TemplateURL=" BUCKET "none");
    world_refused(w, "ValidationError", "TemplateURL must be a supported URL.",
                  "Action=CreateStack" V "&StackName=no&TemplateURL=https://example.com/x");
    CHECK_FAULT(w, create(w, "big", "", test_fmt(simple, "two", str_cstr(test_arena(), big))),
                "ValidationError");
    while (big.n <= 1000000)
        big = str_cat(test_arena(), big, big);
    bucket_put(w, "mega.yaml", test_fmt(simple, "three", str_cstr(test_arena(), big)));
    world_refused(w, "ValidationError", "Template may not exceed 1000000 bytes in size.",
                  "Action=UpdateStack" V "&StackName=url&TemplateURL=" BUCKET "mega.yaml");
    CHECK_STR(value_of(w, "/url"), "two");
    world_free(w);
}

TEST(rules_hold_before_anything_is_made)
{
    static const char template[] =
        "Parameters:\n"
        "  Kind: {Type: String}\n"
        "  Zones: {Type: CommaDelimitedList, Default: 'a,b'}\n"
        "Rules:\n"
        "  Big:\n"
        "    RuleCondition: !Equals [!Ref Kind, prod]\n"
        "    Assertions:\n"
        "      - {Assert: !EachMemberIn [!Ref Zones, [a, b, c]], AssertDescription: Zones are a b "
        "and c}\n"
        "      - {Assert: {Fn::And: [!Contains [!Ref Zones, a], !Not [!Contains [{Fn::RefAll: "
        "String}, test]]]}, AssertDescription: Zone a is needed}\n"
        "  Known: {Assertions: [{Assert: !Contains [[dev, prod], !Ref Kind]}]}\n"
        "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}}\n";
    static const struct {
        const char *kind, *zones, *message;
    } rows[] = {
        {"dev", "x", NULL},
        {"prod", "a,c", NULL},
        {"prod", "a,x", "Rule Big failed: Zones are a b and c"},
        {"prod", "b,c", "Rule Big failed: Zone a is needed"},
        {"test", "a", "Rule Known failed: an assertion does not hold"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str reply = create(w, test_fmt("r%zu", i),
                                  test_fmt("&Parameters.member.1.ParameterKey=Kind"
                                           "&Parameters.member.1.ParameterValue=%s"
                                           "&Parameters.member.2.ParameterKey=Zones"
                                           "&Parameters.member.2.ParameterValue=%s",
                                           rows[i].kind, rows[i].zones),
                                  template);

        if (!rows[i].message) {
            CHECK_OK(w, reply);
            continue;
        }
        CHECK_FAULT(w, reply, "ValidationError");
        CHECK_STR(xml_text(reply, "Message"), rows[i].message);
    }
    refused(w,
            "Rules: {R: {Assertions: [{Assert: !If [a, b, c]}]}}\nResources: {P: {Type: "
            "AWS::SSM::Parameter}}\n",
            "ValidationError", "Template validation error: Fn::If is not supported in Rules");
    refused(w, "Rules: {R: {}}\nResources: {P: {Type: AWS::SSM::Parameter}}\n", "ValidationError",
            "Template format error: Rule R must have a list of at least one of Assertions");
    world_free(w);
}

TEST(references_to_secrets_are_resolved_and_never_shown)
{
    static const char template[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: "
        "'{{resolve:secretsmanager:db:SecretString:password}}'}}\n"
        "  B: {Type: AWS::SSM::Parameter, Properties: {Name: /b, Type: String, Value: "
        "'u={{resolve:secretsmanager:%s}}'}}\n";
    struct world *w = world_new();
    struct str arn, seen;

    seen = world_json_ok(w, "secretsmanager", "CreateSecret",
                         "{\"Name\":\"db\",\"ClientRequestToken\":\"00000000-0000-0000-0000-"
                         "000000000001\",\"SecretString\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}");
    arn = json_path(seen, "ARN");
    CHECK_OK(w, create(w, "hidden", "", test_fmt(template, str_cstr(test_arena(), arn))));
    world_settle(w);
    check_status(w, "hidden", "CREATE_COMPLETE");
    CHECK_STR(value_of(w, "/a"), "hunter2");
    CHECK_STR(value_of(w, "/b"), "u={\"password\":\"hunter2\"}");
    seen = world_ok(w, "Action=DescribeStackEvents" V "&StackName=hidden");
    CHECK(str_find(seen, S("hunter2")) == SIZE_MAX);
    CHECK(str_find(seen, S("{{resolve:secretsmanager:db:SecretString:password}}")) != SIZE_MAX);
    refused(w, test_fmt(template, "db:SecretString:nope"), "ValidationError",
            "Could not find a value associated with JSONKey in SecretString");
    refused(w, test_fmt(template, "none"), "ValidationError",
            "Secrets Manager can't find the specified secret.");
    refused(w, test_fmt(template, "db:SecretBinary"), "ValidationError", NULL);
    refused(w,
            "Resources: {A: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
            "'{{resolve:ssm-secure:/x}}'}}}",
            "ValidationError",
            "SSM Secure reference is not supported in: [AWS::SSM::Parameter/Properties/Value]");
    world_free(w);
}
