/* Parameters: types, versions, labels, hierarchy, tiers, tags, limits. */
#include "api/event.h"
#include "gen/store/ssm_rows.h"
#include "ssm_help.h"

TEST(a_parameter_is_put_and_got, "PS-01 PS-03 PS-05 PS-16")
{
    struct world *w = world_new();
    struct str r = SSM(w, "PutParameter",
                       "{'Name':'/app/db.url','Value':'db:3306','Type':'String',"
                       "'Description':'where','Tags':[{'Key':'a','Value':'1'}]}");

    CHECK_STR(json_path(r, "Version"), "1");
    CHECK_STR(json_path(r, "Tier"), "Standard");
    r = SSM(w, "GetParameter", "{'Name':' /app/db.url '}");
    CHECK_STR(json_path(r, "Parameter.Name"), "/app/db.url");
    CHECK_STR(json_path(r, "Parameter.Type"), "String");
    CHECK_STR(json_path(r, "Parameter.Value"), "db:3306");
    CHECK_STR(json_path(r, "Parameter.DataType"), "text");
    CHECK_STR(json_path(r, "Parameter.ARN"),
              "arn:aws:ssm:us-east-1:000000000000:parameter/app/db.url");
    CHECK(!json_path(r, "Parameter.Selector").p);
    SSM(w, "PutParameter", "{'Name':'list','Value':'a,b,c','Type':'StringList'}");
    CHECK_STR(ssm_value(w, "list"), "a,b,c");
    CHECK_STR(ssm_value(w, "/list"), "a,b,c");
    CHECK_STR(ssm_value(w, "arn:aws:ssm:us-east-1:000000000000:parameter/list"), "a,b,c");
    world_crash(w);
    CHECK_STR(ssm_value(w, "/app/db.url"), "db:3306");
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/app/none'}");
    world_account(w, "111122223333", "us-east-1");
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/app/db.url'}");
    world_account(w, "000000000000", "eu-west-1");
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/app/db.url'}");
    world_free(w);
}

TEST(an_existing_parameter_is_overwritten_only_when_asked, "PS-01 PS-07")
{
    struct world *w = world_new();

    ssm_put(w, "/a", "1");
    SSM_REFUSED(
        w, "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in "
        "the request to true.",
        "PutParameter", "{'Name':'/a','Value':'2','Type':'String'}");
    SSM_REFUSED(w, "ParameterAlreadyExists", NULL, "PutParameter",
                "{'Name':'a','Value':'2','Type':'String'}");
    CHECK_STR(
        json_path(SSM(w, "PutParameter", "{'Name':'/a','Value':'2','Overwrite':true}"), "Version"),
        "2");
    CHECK_STR(ssm_value(w, "/a"), "2");
    CHECK_STR(ssm_value(w, "/a:1"), "1");
    struct str r = SSM(w, "GetParameter", "{'Name':'/a:1'}");
    CHECK_STR(json_path(r, "Parameter.Selector"), ":1");
    CHECK_STR(json_path(r, "Parameter.Name"), "/a");
    SSM_REFUSED(w, "ParameterVersionNotFound",
                "Systems Manager could not find version 3 of /a. Verify the version and try again.",
                "GetParameter", "{'Name':'/a:3'}");
    SSM_REFUSED(w, "ValidationException", NULL, "GetParameter", "{'Name':'/a:3:4'}");
    SSM_REFUSED(
        w, "ValidationException",
        "Invalid request: tags and overwrite can't be used together. To create a parameter "
        "with tags, please remove overwrite flag. To update tags for an existing parameter, "
        "please use AddTagsToResource or RemoveTagsFromResource.",
        "PutParameter",
        "{\"Name\":\"/a\",\"Value\":\"2\",\"Overwrite\":true,"
        "\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}");
    world_free(w);
}

TEST(names_are_checked, "PS-01 PS-06")
{
    struct world *w = world_new();
    static const struct {
        const char *name, *code, *message;
    } bad[] = {
        {"/aws/x", "AccessDeniedException", "No access to reserved parameter name: /aws/x."},
        {"awsThing", "ValidationException",
         "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."},
        {"/SSM-x", "ValidationException",
         "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."},
        {"/ssm/x", "ValidationException",
         "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, "
         "it "
         "can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix "
         "of "
         "letters, numbers and the following 3 symbols .-_"},
        {"a b", "ValidationException", NULL},
        {"/a//b", "ValidationException", NULL},
        {"/a/", "ValidationException", NULL},
        {"a/b", "ValidationException", "Parameter name must be a fully qualified name."},
        {"/a:1", "ValidationException", NULL},
        {"arn:aws:ssm:us-east-1:000000000000:parameter/a", "ValidationException", NULL},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException",
         "A hierarchy can have a maximum of 15 levels."},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        SSM_REFUSED(w, bad[i].code, bad[i].message, "PutParameter",
                    "{'Name':'%s','Value':'v','Type':'String'}", bad[i].name);
    ssm_put(w, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "deep");
    char name[1012];
    size_t prefix = strlen("arn:aws:ssm:us-east-1:000000000000:parameter");

    memset(name, 'n', sizeof(name));
    name[0] = '/';
    name[1012 - prefix] = '\0';
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{'Name':'%s','Value':'v','Type':'String'}", name);
    name[1011 - prefix] = '\0';
    ssm_put(w, name, "long");
    CHECK_STR(ssm_value(w, name), "long");
    world_free(w);
}

TEST(requests_are_checked, "PS-03 PS-05")
{
    struct world *w = world_new();

    SSM_REFUSED(w, "ValidationException",
                "A parameter type is required when you create a parameter.", "PutParameter",
                "{\"Name\":\"/a\",\"Value\":\"v\"}");
    SSM_REFUSED(
        w, "ValidationException",
        "1 validation error detected: Value at 'value' failed to satisfy constraint: Member "
        "must have length greater than or equal to 1",
        "PutParameter", "{\"Name\":\"/a\",\"Value\":\"\",\"Type\":\"String\"}");
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{'Name':'/a','Value':'v','Type':'Number'}");
    SSM_REFUSED(w, "ValidationException",
                "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
                "PutParameter", "{'Name':'/a','Value':'x{{ssm:b}}','Type':'String'}");
    SSM_REFUSED(
        w, "ValidationException",
        "The following data type is not supported: Text (Data type names are all lowercase.)",
        "PutParameter", "{'Name':'/a','Value':'v','Type':'String','DataType':'Text'}");
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{'Name':'/a','Value':'v','Type':'String','KeyId':'alias/aws/ssm'}");
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{'Name':'/a','Value':'v','Type':'String','Tags':[{'Key':'aws:x','Value':''}]}");
    world_free(w);
}

TEST(a_value_must_match_its_allowed_pattern)
{
    struct world *w = world_new();

    SSM_REFUSED(w, "ParameterPatternMismatchException",
                "Parameter value, cannot be validated against allowedPattern: ^[0-9]+$",
                "PutParameter",
                "{'Name':'/n','Value':'x','Type':'String','AllowedPattern':'^[0-9]+$'}");
    SSM(w, "PutParameter",
        "{'Name':'/n','Value':'12','Type':'String','AllowedPattern':'^[0-9]+$'}");
    SSM_REFUSED(w, "ParameterPatternMismatchException", NULL, "PutParameter",
                "{'Name':'/n','Value':'x','Overwrite':true}");
    SSM_REFUSED(w, "InvalidAllowedPatternException", NULL, "PutParameter",
                "{'Name':'/m','Value':'x','Type':'String','AllowedPattern':'(?=x)x'}");
    struct str r = SSM(w, "DescribeParameters", "{}");
    CHECK_STR(json_path(r, "Parameters.0.AllowedPattern"), "^[0-9]+$");
    world_free(w);
}

TEST(a_standard_value_has_4096_bytes_and_an_advanced_one_8192, "PS-19")
{
    struct world *w = world_new();
    char *text = arena_alloc(test_arena(), 8194);

    memset(text, 'v', 8193);
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{'Name':'/a','Value':'%s','Type':'String','Tier':'Advanced'}", text);
    text[8192] = '\0';
    struct str r = SSM(w, "PutParameter",
                       "{'Name':'/a','Value':'%s','Type':'String','Tier':'Advanced'}", text);
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    text[4097] = '\0';
    SSM_REFUSED(
        w, "ValidationException",
        "Standard tier parameters support a maximum parameter value of 4096 characters. To "
        "create a larger parameter value, upgrade the parameter to use the advanced-parameter "
        "tier. For more information, see "
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
        "parameter-store-advanced-parameters.html",
        "PutParameter", "{'Name':'/s','Value':'%s','Type':'String'}", text);
    r = SSM(w, "PutParameter",
            "{'Name':'/i','Value':'%s','Type':'String','Tier':'Intelligent-Tiering'}", text);
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    text[4096] = '\0';
    r = SSM(w, "PutParameter", "{'Name':'/s','Value':'%s','Type':'String'}", text);
    CHECK_STR(json_path(r, "Tier"), "Standard");
    r = SSM(w, "PutParameter",
            "{'Name':'/j','Value':'%s','Type':'String','Tier':'Intelligent-Tiering'}", text);
    CHECK_STR(json_path(r, "Tier"), "Standard");
    SSM_REFUSED(
        w, "ValidationException",
        "This parameter uses the advanced-parameter tier. You can't downgrade a parameter "
        "from the advanced-parameter tier to the standard-parameter tier. If necessary, you "
        "can delete the advanced parameter and recreate it as a standard parameter.",
        "PutParameter", "{'Name':'/a','Value':'x','Overwrite':true,'Tier':'Standard'}");
    r = SSM(w, "PutParameter", "{'Name':'/a','Value':'x','Overwrite':true}");
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    r = SSM(w, "PutParameter", "{'Name':'/s','Value':'x','Overwrite':true,'Tier':'Advanced'}");
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    world_free(w);
}

TEST(an_account_has_ten_thousand_standard_parameters, "PS-19")
{
    struct world *w = world_new();

    world_hold_disk(w, true);
    for (int i = 0; i < 10000; i++)
        ssm_put(w, test_fmt("/n/%d", i), "v");
    SSM_REFUSED(
        w, "ParameterLimitExceeded",
        "You have reached the maximum number of standard parameters for this AWS account and "
        "Region (10000). To add more parameters, either delete existing parameters or upgrade "
        "to the advanced-parameter tier (charges apply).",
        "PutParameter", "{'Name':'/more','Value':'v','Type':'String'}");
    struct str r = SSM(w, "PutParameter",
                       "{'Name':'/i','Value':'v','Type':'String','Tier':'Intelligent-Tiering'}");
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    SSM(w, "DeleteParameter", "{'Name':'/n/77'}");
    ssm_put(w, "/more", "v");
    SSM(w, "PutParameter", "{'Name':'/n/1','Value':'w','Overwrite':true,'Tier':'Advanced'}");
    ssm_put(w, "/yet-more", "v");
    world_account(w, "111122223333", "us-east-1");
    ssm_put(w, "/more", "v");
    world_free(w);
}

TEST(an_account_has_a_hundred_thousand_advanced_parameters, "PS-19")
{
    struct world *w = world_new();

    world_hold_disk(w, true);
    for (int i = 0; i < 100000; i++) {
        SSM(w, "PutParameter", "{'Name':'/n/%d','Value':'v','Type':'String','Tier':'Advanced'}", i);
        if (i % 5000 == 0)
            world_flush(w);
    }
    SSM_REFUSED(
        w, "ParameterLimitExceeded",
        "You have reached the maximum number of advanced parameters for this AWS account and "
        "Region (100000). To add more parameters, delete existing parameters.",
        "PutParameter", "{'Name':'/more','Value':'v','Type':'String','Tier':'Advanced'}");
    ssm_put(w, "/standard", "v");
    SSM_REFUSED(w, "ParameterLimitExceeded", NULL, "PutParameter",
                "{'Name':'/standard','Value':'w','Overwrite':true,'Tier':'Advanced'}");
    SSM(w, "PutParameter", "{'Name':'/n/5','Value':'w','Overwrite':true}");
    SSM(w, "DeleteParameter", "{'Name':'/n/77'}");
    SSM(w, "PutParameter", "{'Name':'/more','Value':'v','Type':'String','Tier':'Advanced'}");
    world_free(w);
}

TEST(history_keeps_a_hundred_versions, "PS-07")
{
    struct world *w = world_new();

    ssm_put(w, "/h/x", "v1");
    for (int i = 2; i <= 100; i++)
        SSM(w, "PutParameter", "{'Name':'/h/x','Value':'v%d','Overwrite':true}", i);
    SSM(w, "LabelParameterVersion", "{'Name':'/h/x','ParameterVersion':1,'Labels':['first']}");
    SSM_REFUSED(
        w, "ParameterMaxVersionLimitExceeded",
        "You attempted to create a new version of /h/x by calling the PutParameter API with "
        "the overwrite flag. Version 1, the oldest version, can't be deleted because it has a "
        "label associated with it. Move the label to another version of the parameter, and "
        "try again.",
        "PutParameter", "{'Name':'/h/x','Value':'v101','Overwrite':true}");
    SSM(w, "LabelParameterVersion", "{'Name':'/h/x','ParameterVersion':50,'Labels':['first']}");
    SSM(w, "PutParameter", "{'Name':'/h/x','Value':'v101','Overwrite':true}");
    SSM_REFUSED(w, "ParameterVersionNotFound", NULL, "GetParameter", "{'Name':'/h/x:1'}");
    CHECK_STR(ssm_value(w, "/h/x:2"), "v2");
    CHECK_STR(ssm_value(w, "/h/x:first"), "v50");
    world_crash(w);
    struct str r = SSM(w, "GetParameterHistory", "{'Name':'/h/x'}");
    CHECK_INT(json_count(r, "Parameters"), 50);
    CHECK_STR(json_path(r, "Parameters.0.Version"), "2");
    CHECK_STR(json_path(r, "Parameters.0.LastModifiedUser"), "arn:aws:iam::000000000000:root");
    CHECK_STR(json_path(r, "Parameters.48.Labels.0"), "first");
    r = SSM(w, "GetParameterHistory", "{'Name':'/h/x','NextToken':'%s'}",
            json_cstr(r, "NextToken"));
    CHECK_INT(json_count(r, "Parameters"), 50);
    CHECK_STR(json_path(r, "Parameters.49.Version"), "101");
    CHECK(!json_path(r, "NextToken").p);
    SSM_REFUSED(w, "InvalidNextToken", NULL, "GetParameterHistory",
                "{'Name':'/h/x','NextToken':'x'}");
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameterHistory", "{'Name':'/none'}");
    world_free(w);
}

TEST(labels_name_versions_and_move, "PS-07")
{
    struct world *w = world_new();

    ssm_put(w, "/l", "1");
    SSM(w, "PutParameter", "{'Name':'/l','Value':'2','Overwrite':true}");
    struct str r = SSM(w, "LabelParameterVersion",
                       "{'Name':'/l','ParameterVersion':1,'Labels':['prod','1st','aws-x','a b']}");
    CHECK_INT(json_count(r, "InvalidLabels"), 3);
    CHECK_STR(json_path(r, "ParameterVersion"), "1");
    CHECK_STR(ssm_value(w, "/l:prod"), "1");
    r = SSM(w, "LabelParameterVersion", "{'Name':'/l','Labels':['prod','live']}");
    CHECK_STR(json_path(r, "ParameterVersion"), "2");
    CHECK_STR(ssm_value(w, "/l:prod"), "2");
    SSM(w, "PutParameter", "{'Name':'/l','Value':'3','Overwrite':true}");
    CHECK_STR(ssm_value(w, "/l:live"), "2");
    SSM(w, "LabelParameterVersion", "{'Name':'/l','Labels':['prod']}");
    CHECK_STR(ssm_value(w, "/l:prod"), "3");
    CHECK_STR(ssm_value(w, "/l:live"), "2");
    SSM_REFUSED(w, "ParameterVersionNotFound", NULL, "GetParameter", "{'Name':'/l:none'}");
    SSM_REFUSED(w, "ParameterVersionNotFound", NULL, "LabelParameterVersion",
                "{'Name':'/l','ParameterVersion':9,'Labels':['x']}");
    SSM_REFUSED(w, "ParameterVersionLabelLimitExceeded", NULL, "LabelParameterVersion",
                "{'Name':'/l','ParameterVersion':3,"
                "'Labels':['a','b','c','d','e','f','g','h','i','j']}");
    r = SSM(w, "UnlabelParameterVersion",
            "{'Name':'/l','ParameterVersion':2,'Labels':['live','prod']}");
    CHECK_STR(json_path(r, "RemovedLabels.0"), "live");
    CHECK_STR(json_path(r, "InvalidLabels.0"), "prod");
    SSM_REFUSED(w, "ParameterVersionNotFound", NULL, "GetParameter", "{'Name':'/l:live'}");
    SSM_REFUSED(w, "ParameterNotFound", "", "UnlabelParameterVersion",
                "{'Name':'/m','ParameterVersion':2,'Labels':['live']}");
    world_free(w);
}

TEST(a_type_is_not_changed_within_a_hierarchy)
{
    struct world *w = world_new();

    ssm_put(w, "/a/b", "1");
    ssm_put(w, "/c", "1");
    SSM_REFUSED(w, "HierarchyTypeMismatchException", NULL, "PutParameter",
                "{'Name':'/a/b','Value':'2','Type':'StringList','Overwrite':true}");
    SSM(w, "PutParameter", "{'Name':'/c','Value':'2','Type':'StringList','Overwrite':true}");
    CHECK_STR(json_path(SSM(w, "GetParameter", "{'Name':'/c'}"), "Parameter.Type"), "StringList");
    world_free(w);
}

TEST(several_parameters_are_got_and_deleted_together, "PS-01")
{
    struct world *w = world_new();

    ssm_put(w, "/b", "2");
    ssm_put(w, "/a", "1");
    struct str r = SSM(w, "GetParameters", "{'Names':['/b','/none','/a','/a:7']}");
    CHECK_INT(json_count(r, "Parameters"), 2);
    CHECK_STR(json_path(r, "Parameters.0.Name"), "/a");
    CHECK_STR(json_path(r, "InvalidParameters.0"), "/none");
    CHECK_STR(json_path(r, "InvalidParameters.1"), "/a:7");
    SSM_REFUSED(w, "ValidationException", NULL, "GetParameters",
                "{'Names':['1','2','3','4','5','6','7','8','9','10','11']}");
    SSM(w, "PutParameter", "{'Name':'/a','Value':'2','Overwrite':true}");
    r = SSM(w, "DeleteParameters", "{'Names':['/a','/none','/b:1']}");
    CHECK_STR(json_path(r, "DeletedParameters.0"), "/a");
    CHECK_INT(json_count(r, "InvalidParameters"), 2);
    SSM(w, "DeleteParameter", "{'Name':'/b'}");
    SSM_REFUSED(w, "ParameterNotFound", "", "DeleteParameter", "{'Name':'/b'}");
    struct txn *txn = world_begin(w);
    CHECK_INT(store_count(txn, &ssm_parameter_table), 0);
    CHECK_INT(store_count(txn, &ssm_version_table), 0);
    store_rollback(txn);
    world_free(w);
}

TEST(parameters_are_tagged)
{
    struct world *w = world_new();

    SSM(w, "PutParameter",
        "{'Name':'/t','Value':'v','Type':'String','Tags':[{'Key':'b','Value':'2'}]}");
    SSM(w, "AddTagsToResource",
        "{'ResourceType':'Parameter','ResourceId':'/t',"
        "'Tags':[{'Key':'a','Value':'1'},{'Key':'b','Value':'3'}]}");
    struct str r = SSM(w, "ListTagsForResource", "{'ResourceType':'Parameter','ResourceId':'/t'}");
    CHECK_INT(json_count(r, "TagList"), 2);
    CHECK_STR(json_path(r, "TagList.1.Value"), "3");
    r = SSM(w, "DescribeParameters", "{'ParameterFilters':[{'Key':'tag:a','Values':['1']}]}");
    CHECK_INT(json_count(r, "Parameters"), 1);
    r = SSM(w, "DescribeParameters", "{'ParameterFilters':[{'Key':'tag:z'}]}");
    CHECK_INT(json_count(r, "Parameters"), 0);
    SSM(w, "RemoveTagsFromResource",
        "{'ResourceType':'Parameter','ResourceId':'/t','TagKeys':['a','nix']}");
    r = SSM(w, "ListTagsForResource", "{'ResourceType':'Parameter','ResourceId':'t'}");
    CHECK_INT(json_count(r, "TagList"), 1);
    SSM_REFUSED(w, "InvalidResourceId", NULL, "ListTagsForResource",
                "{'ResourceType':'Parameter','ResourceId':'/u'}");
    SSM_REFUSED(w, "InvalidResourceType", NULL, "ListTagsForResource",
                "{'ResourceType':'Document','ResourceId':'/u'}");
    struct buf b;

    buf_init(&b, 1 << 16);
    for (int i = 0; i < 50; i++)
        buf_add_fmt(&b, "%s{'Key':'k%d','Value':''}", i ? "," : "", i);
    SSM_REFUSED(w, "TooManyTagsError", NULL, "AddTagsToResource",
                "{'ResourceType':'Parameter','ResourceId':'/t','Tags':[%.*s]}", (int)b.n, b.p);
    buf_done(&b);
    world_free(w);
}

TEST(the_default_tier_is_a_setting_of_the_account, "PS-19")
{
    struct world *w = world_new();
    const char *tier = "/ssm/parameter-store/default-parameter-tier";
    struct str r = SSM(w, "GetServiceSetting", "{'SettingId':'%s'}", tier);

    CHECK_STR(json_path(r, "ServiceSetting.SettingValue"), "Standard");
    CHECK_STR(json_path(r, "ServiceSetting.Status"), "Default");
    SSM(w, "UpdateServiceSetting",
        "{'SettingId':'arn:aws:ssm:us-east-1:000000000000:servicesetting%s',"
        "'SettingValue':'Advanced'}",
        tier);
    r = SSM(w, "GetServiceSetting", "{'SettingId':'%s'}", tier);
    CHECK_STR(json_path(r, "ServiceSetting.SettingValue"), "Advanced");
    CHECK_STR(json_path(r, "ServiceSetting.Status"), "Customized");
    CHECK_STR(json_path(r, "ServiceSetting.ARN"),
              "arn:aws:ssm:us-east-1:000000000000:servicesetting/ssm/parameter-store/"
              "default-parameter-tier");
    r = SSM(w, "PutParameter", "{'Name':'/a','Value':'v','Type':'String'}");
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    world_crash(w);
    r = SSM(w, "ResetServiceSetting", "{'SettingId':'%s'}", tier);
    CHECK_STR(json_path(r, "ServiceSetting.SettingValue"), "Standard");
    SSM(w, "UpdateServiceSetting",
        "{'SettingId':'/ssm/parameter-store/high-throughput-enabled','SettingValue':'true'}");
    SSM_REFUSED(w, "ValidationException", NULL, "UpdateServiceSetting",
                "{'SettingId':'%s','SettingValue':'Gold'}", tier);
    SSM_REFUSED(w, "ServiceSettingNotFound", NULL, "GetServiceSetting",
                "{'SettingId':'/ssm/nothing'}");
    world_free(w);
}

TEST(changes_are_on_the_event_bus_with_their_transaction, "PS-10")
{
    struct world *w = world_new();
    const char *kind = "Parameter Store Change";
    struct str detail;

    SSM(w, "PutParameter", "{'Name':'/e/x','Value':'hidden','Type':'String','Description':'d'}");
    CHECK_INT(ssm_events(w, kind, &detail), 1);
    CHECK_STR(detail, "{\"operation\":\"Create\",\"name\":\"/e/x\",\"type\":\"String\","
                      "\"description\":\"d\"}");
    SSM(w, "PutParameter", "{'Name':'/e/x','Value':'2','Overwrite':true}");
    CHECK_INT(ssm_events(w, kind, &detail), 2);
    CHECK_STR(json_path(detail, "operation"), "Update");
    SSM(w, "LabelParameterVersion", "{'Name':'/e/x','Labels':['l']}");
    CHECK_INT(ssm_events(w, kind, &detail), 3);
    CHECK_STR(json_path(detail, "operation"), "LabelParameterVersion");
    CHECK_STR(json_path(detail, "label.0"), "l");
    SSM_REFUSED(w, "ParameterAlreadyExists", NULL, "PutParameter",
                "{'Name':'/e/x','Value':'2','Type':'String'}");
    CHECK_INT(ssm_events(w, kind, NULL), 3);
    SSM(w, "DeleteParameter", "{'Name':'/e/x'}");
    CHECK_INT(ssm_events(w, kind, &detail), 4);
    CHECK_STR(json_path(detail, "operation"), "Delete");
    world_crash(w);
    CHECK_INT(ssm_events(w, kind, NULL), 4);
    struct txn *txn = world_begin(w);
    STORE_EACH(txn, cloud_event_by_key, row) {
        struct buf b;

        buf_init(&b, 1 << 16);
        api_event_show(&b, row);
        struct str json = str_dup(test_arena(), buf_str(&b));
        buf_done(&b);
        CHECK_STR(json_path(json, "source"), "aws.ssm");
        CHECK_STR(json_path(json, "detail-type"), kind);
        CHECK_STR(json_path(json, "region"), "us-east-1");
        CHECK_STR(json_path(json, "resources.0"),
                  "arn:aws:ssm:us-east-1:000000000000:parameter/e/x");
        CHECK(json_path(json, "detail.operation").n > 0);
    }
    store_rollback(txn);
    world_free(w);
}

TEST(the_event_bus_forgets_the_oldest)
{
    struct world *w = world_new();
    struct txn *txn = store_begin(cloud_store(w->cloud));
    const struct api_event event = {.account = w->account,
                                    .region = w->region,
                                    .time_ms = 1,
                                    .source = "x",
                                    .detail_type = "y",
                                    .detail = S("{}")};

    for (int i = 0; i < CLOUD_EVENTS_MAX + 5; i++)
        CHECK_INT(api_event_write(txn, &w->env.env, &event), 0);
    CHECK_INT(store_count(txn, &cloud_event_table), CLOUD_EVENTS_MAX);
    struct store_cursor c = store_seek(txn, &cloud_event_by_key, NULL, 0);
    CHECK_STR(cloud_event_by_key_next(&c)->id, "0000000000000006");
    store_commit(txn);
    world_free(w);
}
