/* Templates at the edges of what is one. */
#include "api/cfn_help.h"
#include "api/cfn_bucket.h"

TEST(a_template_may_have_no_resources_before_its_transforms_ran)
{
    static const char empty[] = "{\"Transform\": \"AWS::LanguageExtensions\", \"Parameters\": "
                                "{\"P\": {\"Type\": \"String\"}}}";
    struct world *w = world_new();
    struct str body = world_code(w, S(empty));

    refused(w, empty, "ValidationError", "Parameters: [P] must have values");
    world_okf(w, "Action=ValidateTemplate" V "&TemplateBody=%.*s", STR_ARG(body));
    struct str reply =
        world_okf(w, "Action=GetTemplateSummary" V "&TemplateBody=%.*s", STR_ARG(body));
    CHECK_INT(xml_count(xml_element(reply, "ResourceTypes"), "member"), 0);
    world_okf(w,
              "Action=CreateStackSet" V "&StackSetName=s&Parameters.member.1.ParameterKey=P"
              "&Parameters.member.1.ParameterValue=x&TemplateBody=%.*s",
              STR_ARG(body));
    world_free(w);
}

TEST(rules_that_a_transform_brings_are_rules)
{
    static const char template[] =
        "Transform: {Name: AWS::Include, Parameters: {Location: 's3://templates/rules'}}\n"
        "Resources: {W: {Type: AWS::CloudFormation::WaitConditionHandle}}\n";
    struct world *w = world_new();

    bucket_put(w, "rules", "Rules: {R: {}}");
    struct str reply = create(w, "bad", "&Capabilities.member.1=CAPABILITY_AUTO_EXPAND", template);
    CHECK_FAULT(w, reply, "ValidationError");
    CHECK_STR(xml_text(reply, "Message"),
              "Template format error: Rule R must have a list of at least one of Assertions");
    world_free(w);
}

TEST(properties_that_a_function_makes_are_an_object)
{
    static const char wrong[] = "Parameters: {P: {Type: String, Default: text}}\n"
                                "Resources: {R: {Type: AWS::IAM::Group, Properties: {Ref: P}}}\n";
    static const char none[] =
        "Conditions: {Never: {Fn::Equals: [a, b]}}\n"
        "Resources: {R: {Type: AWS::CloudFormation::WaitConditionHandle, Properties: {Fn::If: "
        "[Never, {X: y}, {Ref: AWS::NoValue}]}}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "wrong", IAM, wrong));
    world_settle(w);
    check_status(w, "wrong", "ROLLBACK_COMPLETE");
    if (!strstr(events(w, "wrong"), "Properties of resource R must be an object"))
        FAIL("%s", events(w, "wrong"));
    CHECK_OK(w, create(w, "none", "", none));
    world_settle(w);
    check_status(w, "none", "CREATE_COMPLETE");
    world_free(w);
}
