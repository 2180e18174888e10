/* The registry of types, and what a template would cost. */
#include "api/cfn_help.h"
#include "cloudformation/type.h"

TEST(types_are_listed_and_described)
{
    struct world *w = world_new();
    struct str seen, schema;

    CHECK_INT(xml_count(world_ok(w, "Action=ListTypes" V), "TypeName"), 0);
    seen = world_ok(w, "Action=ListTypes" V
                       "&Visibility=PUBLIC&Filters.TypeNamePrefix=AWS::SSM::Parameter");
    CHECK_STR(xml_text(seen, "TypeName"), "AWS::SSM::Parameter");
    CHECK_INT(xml_count(seen, "TypeName"), 1);
    size_t n = 0;
    const char *token = "";
    do {
        seen = world_okf(w, "Action=ListTypes" V "&Visibility=PUBLIC&MaxResults=20%s", token);
        n += xml_count(seen, "TypeName");
        token =
            xml_text(seen, "NextToken").p
                ? test_fmt("&NextToken=%.*s", STR_ARG(world_code(w, xml_text(seen, "NextToken"))))
                : "";
    } while (*token);
    CHECK_INT(n, cfn_types()->n);
    CHECK(n > 20); /* more than a page */
    CHECK_INT(
        xml_count(world_ok(w, "Action=ListTypes" V "&Visibility=PUBLIC&Type=HOOK"), "TypeName"), 0);
    seen = world_ok(w, "Action=DescribeType" V "&Type=RESOURCE&TypeName=AWS::SSM::Parameter");
    CHECK_STR(xml_text(seen, "Arn"),
              "arn:aws:cloudformation:us-east-1::type/resource/AWS-SSM-Parameter");
    CHECK_STR(xml_text(seen, "ProvisioningType"), "FULLY_MUTABLE");
    schema = xml_text(seen, "Schema");
    CHECK_STR(json_path(schema, "typeName"), "AWS::SSM::Parameter");
    CHECK_STR(json_path(schema, "createOnlyProperties.0"), "/properties/Name");
    CHECK_INT(json_count(schema, "required"), 2);
    CHECK(str_eq(xml_text(world_ok(w, "Action=DescribeType" V
                                      "&Arn=arn:aws:cloudformation:us-east-1::type/resource/"
                                      "AWS-SSM-Parameter"),
                          "Schema"),
                 schema));
    world_refused(w, "TypeNotFoundException", "The type 'AWS::No::Such' cannot be found.",
                  "Action=DescribeType" V "&Type=RESOURCE&TypeName=AWS::No::Such");
    world_refused(w, "ValidationError", NULL, "Action=DescribeType" V);
    world_free(w);
}

TEST(a_template_that_could_be_created_has_an_estimate, "CFN-05")
{
    struct world *w = world_new();
    struct str good = world_code(w, S("Parameters: {P: {Type: Number}}\nResources: {G: {Type: "
                                      "AWS::IAM::Group}}"));

    CHECK(str_starts(
        xml_text(world_okf(w,
                           "Action=EstimateTemplateCost" V "&Parameters.member.1.ParameterKey=P"
                           "&Parameters.member.1.ParameterValue=1&TemplateBody=%.*s",
                           STR_ARG(good)),
                 "Url"),
        S("http://calculator.s3.amazonaws.com/calc5.html?key=cloudformation/")));
    world_refusedf(w, "ValidationError", "Parameters: [P] must have values",
                   "Action=EstimateTemplateCost" V "&TemplateBody=%.*s", STR_ARG(good));
    world_refused(w, "ValidationError", NULL, "Action=EstimateTemplateCost" V "&TemplateBody=x");
    world_free(w);
}
