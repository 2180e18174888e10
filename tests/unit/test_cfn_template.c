/* Templates: the loader, intrinsic functions and conditions, without a cloud. */
#include "cloudformation/function.h"
#include "cloudformation/load.h"
#include "cloudformation/template.h"
#include "cloudformation/type.h"
#include "harness/harness.h"

static bool
resource(struct cfn_scope *scope, struct str name, struct json *ret)
{
    *ret = cfn_text(str_fmt(scope->arena, "id-of-%.*s", STR_ARG(name)));
    return true;
}

static bool
attribute(struct cfn_scope *scope, struct str name, struct str attr, struct json *ret)
{
    *ret = cfn_text(str_fmt(scope->arena, "%.*s-of-%.*s", STR_ARG(attr), STR_ARG(name)));
    return true;
}

static bool
import(struct cfn_scope *scope, struct str name, struct json *ret)
{
    if (!str_is(name, "SSHSecurityGroup"))
        return cfn_wrong(scope, "No export named %.*s found.", STR_ARG(name));
    *ret = cfn_text(S("sg-1"));
    return true;
}

static bool
zones(struct cfn_scope *scope, struct str region, struct json *ret)
{
    *ret = cfn_array();
    cfn_push(scope->arena, ret, cfn_text(str_cat(scope->arena, region, S("a"))));
    cfn_push(scope->arena, ret, cfn_text(str_cat(scope->arena, region, S("b"))));
    return true;
}

/* What comes of `V: TEXT` in a template: JSON, or what is wrong. */
static struct str
value_of(const char *text)
{
    struct arena *a = test_arena();
    struct json root, ret;
    struct cfn_scope scope;
    struct str all =
        str_fmt(a,
                "Mappings: {AWSRegionArch2AMI: {us-east-1: {HVM64: ami-1, List: [x, y]}}}\n"
                "Conditions:\n"
                "  Prod: !Equals [!Ref EnvType, prod]\n"
                "  Dev: !Not [!Condition Prod]\n"
                "  Both: !And [!Condition Prod, !Condition Dev]\n"
                "  Any: !Or [Condition: Prod, Condition: Dev]\n"
                "  Loop: !Not [!Condition Loop]\n"
                "Resources: {MyRes: {Type: AWS::IAM::Group}}\n"
                "V: %s\n",
                text);
    struct str wrong = cfn_load(a, all, &root);

    if (wrong.p)
        return wrong;
    cfn_scope_init(&scope, a, &root);
    scope.resource = resource;
    scope.attribute = attribute;
    scope.import = import;
    scope.zones = zones;
    cfn_put(a, &scope.values, S("EnvType"), cfn_text(S("prod")));
    cfn_put(a, &scope.values, S("AWS::Region"), cfn_text(S("us-east-1")));
    cfn_put(a, &scope.values, S("AWS::StackName"), cfn_text(S("mine")));
    if (!cfn_resolve(&scope, json_get(&root, "V"), &ret))
        return scope.wrong;
    return cfn_print(a, &ret, 1 << 20);
}

TEST(functions_give_what_aws_says,
     "CFNT-04 CFNT-05 CFNT-12 CFNT-14 CFNT-18 CFNT-19 CFNT-20 CFNT-21 CFNT-22 CFNT-23 CFNT-26 "
     "CFNT-27 VS-11 VS-15")
{
    static const char *const rows[][2] = {
        {"!Ref EnvType", "\"prod\""},
        {"!Ref MyRes", "\"id-of-MyRes\""},
        {"!GetAtt MyRes.Arn", "\"Arn-of-MyRes\""},
        {"!GetAtt MyRes.Outputs.X", "\"Outputs.X-of-MyRes\""},
        {"{'Fn::GetAtt': [MyRes, Arn]}", "\"Arn-of-MyRes\""},
        {"!FindInMap [AWSRegionArch2AMI, us-east-1, HVM64]", "\"ami-1\""},
        {"!FindInMap [AWSRegionArch2AMI, !Ref 'AWS::Region', HVM64]", "\"ami-1\""},
        {"!FindInMap [AWSRegionArch2AMI, us-east-1, List]", "[\"x\",\"y\"]"},
        {"!Join [' : ', [a, b, c]]", "\"a : b : c\""},
        {"!Join ['', [a, 1, true]]", "\"a1true\""},
        {"!Sub '${AWS::StackName}-${MyRes}-${MyRes.Arn}-${!Literal}'",
         "\"mine-id-of-MyRes-Arn-of-MyRes-${Literal}\""},
        {"!Sub ['${X}$${Y}', {X: !Ref EnvType, Y: 2}]", "\"prod$2\""},
        {"!Sub 'unclosed ${X'", "\"unclosed ${X\""},
        {"!Select [1, [a, b]]", "\"b\""},
        {"!Select ['0', !GetAZs '']", "\"us-east-1a\""},
        {"!GetAZs {Ref: 'AWS::Region'}", "[\"us-east-1a\",\"us-east-1b\"]"},
        {"!Split [',', 'a,b,']", "[\"a\",\"b\",\"\"]"},
        {"{'Fn::Base64': hello}", "\"aGVsbG8=\""},
        {"!If [Prod, yes it is, no]", "\"yes it is\""},
        {"!If [Dev, {Ref: Unknown}, fine]", "\"fine\""},
        {"{A: !If [Dev, x, !Ref 'AWS::NoValue'], B: 1}", "{\"B\":1}"},
        {"[!If [Both, 1, 2], !If [Any, 1, 2]]", "[2,1]"},
        {"!ImportValue SSHSecurityGroup", "\"sg-1\""},
        {"!Cidr [10.0.0.0/16, 2, 8]", "[\"10.0.0.0/24\",\"10.0.1.0/24\"]"},
        {"2010-09-09", "\"2010-09-09\""},
        {"012345678901", "\"012345678901\""},
        {"{'Fn::Length': [a]}", "Template error: Fn::Length is not supported here"},
        {"!ImportValue Nope", "No export named Nope found."},
        {"!FindInMap [Nope, a, b]", "Template error: Mapping named 'Nope' is not present in the "
                                    "'Mappings' section of template."},
        {"!Select [5, [a]]",
         "Template error: Fn::Select  cannot select nonexistent value at index 5"},
        {"!If [Loop, 1, 2]",
         "Template error: Found circular condition dependency with condition Loop"},
        {"!Sub '${a b}'", "Template error: variable names in Fn::Sub syntax must contain only "
                          "alphanumeric characters, underscores, periods, and colons"},
        {"!GetAtt Nope.Arn",
         "Template error: instance of Fn::GetAtt references undefined resource Nope"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got = value_of(rows[i][0]);

        if (!str_is(got, rows[i][1]))
            FAIL("%s is %.*s, not %s", rows[i][0], STR_ARG(got), rows[i][1]);
    }
}

TEST(defective_snippets_of_the_notes_are_no_yaml, "CFNT-13 VS-14 VS-17")
{
    struct json root;
    struct str wrong =
        cfn_load(test_arena(), S("Conditions:\n  A: !Equals[!Ref EnvType, prod]\n"), &root);

    CHECK(str_starts(wrong, S("Template format error: YAML not well-formed. (line 2, column ")));
    wrong = cfn_load(test_arena(),
                     S("Parameters:\n  A:\n    Type: x\n    Default: '/EC2/InstanceType\xe2\x80"
                       "\x99\n  B:\n    Type: 'y'\n"),
                     &root);
    CHECK(str_starts(wrong, S("Template format error: YAML not well-formed. (line ")));
}

TEST(templates_are_bounded)
{
    struct arena *a = test_arena();
    struct str deep = S("x");
    struct json root;

    for (int i = 0; i < 100; i++)
        deep = str_fmt(a, "{a: %.*s}", STR_ARG(deep));
    CHECK(cfn_load(a, str_cat(a, S("A: "), deep), &root).p);
    char *many = arena_alloc(a, (size_t)CFN_NODES_MAX * 2 + 8);
    memcpy(many, "R: [", 4);
    for (size_t i = 0; i < CFN_NODES_MAX; i++)
        memcpy(many + 4 + i * 2, "1,", 2);
    memcpy(many + 4 + (size_t)CFN_NODES_MAX * 2, "1]", 2);
    CHECK(cfn_load(a, str_of(many, 4 + (size_t)CFN_NODES_MAX * 2 + 2), &root).p);

    /* functions that double their text again and again come to an end */
    struct str text = S("0123456789");
    for (int i = 0; i < 25; i++)
        text = str_fmt(a, "!Sub ['${A}${A}${A}${A}', {A: %.*s}]", STR_ARG(text));
    CHECK(str_starts(value_of(str_cstr(a, text)), S("Template error: ")));
}

TEST(the_resource_types_are_whole)
{
    const struct json *types = cfn_types();

    CHECK(types->n >= 10);
    for (size_t i = 0; i < types->n; i++) {
        const struct json *type = &types->v[i];

        CHECK(json_get(type, "Properties") != NULL);
        /* made of rows, refused by name, or kept and nothing done */
        if (json_get(type, "Internal") || json_get(type, "Refused") || json_get(type, "Open"))
            continue;
        CHECK(json_text(type, "Service").p && json_get(type, "Id"));
        CHECK(json_get(type, "Create") && json_get(type, "Delete"));
    }
}
