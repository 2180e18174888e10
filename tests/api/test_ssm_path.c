/* GetParametersByPath and DescribeParameters: hierarchies, filters, pages; public parameters. */
#include "ssm_help.h"

/* The names of a reply, joined with blanks. */
static const char *
names(struct str reply)
{
    struct buf b;

    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < json_count(reply, "Parameters"); i++)
        buf_add_fmt(&b, "%s%s", i ? " " : "", json_cstr(reply, test_fmt("Parameters.%zu.Name", i)));
    const char *text = test_cstr(buf_str(&b));
    buf_done(&b);
    return text;
}

static void
tree(struct world *w)
{
    static const char *const all[] = {"/dept/app/dev/db.password",
                                      "/dept/app/dev/db.url",
                                      "/dept/app/prod/db.url",
                                      "/dept/app-two",
                                      "/dept/app/x",
                                      "/deptx/y",
                                      "/dept/a",
                                      "plain"};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        ssm_put(w, all[i], "v");
}

TEST(a_hierarchy_is_read_by_path, "PS-06")
{
    struct world *w = world_new();

    tree(w);
    CHECK_STR(str_from(names(SSM(w, "GetParametersByPath", "{'Path':'/dept'}"))),
              "/dept/a /dept/app-two");
    CHECK_STR(str_from(names(SSM(w, "GetParametersByPath", "{'Path':'/dept/','Recursive':true}"))),
              "/dept/a /dept/app-two /dept/app/dev/db.password /dept/app/dev/db.url "
              "/dept/app/prod/db.url /dept/app/x");
    CHECK_STR(str_from(names(SSM(w, "GetParametersByPath", "{'Path':'/dept/app'}"))),
              "/dept/app/x");
    CHECK_STR(str_from(names(SSM(w, "GetParametersByPath", "{'Path':'/'}"))), "plain");
    CHECK_INT(
        json_count(SSM(w, "GetParametersByPath", "{'Path':'/','Recursive':true}"), "Parameters"),
        8);
    CHECK_STR(str_from(names(SSM(w, "GetParametersByPath", "{'Path':'/none','Recursive':true}"))),
              "");
    struct str r =
        SSM(w, "GetParametersByPath", "{'Path':'/dept','Recursive':true,'MaxResults':4}");
    CHECK_INT(json_count(r, "Parameters"), 4);
    ssm_put(w, "/dept/app/dev/aaa", "behind");
    r = SSM(w, "GetParametersByPath",
            "{'Path':'/dept','Recursive':true,'MaxResults':4,'NextToken':'%s'}",
            json_cstr(r, "NextToken"));
    CHECK_STR(str_from(names(r)), "/dept/app/prod/db.url /dept/app/x");
    CHECK(!json_path(r, "NextToken").p);
    SSM_REFUSED(w, "InvalidNextToken", NULL, "GetParametersByPath",
                "{'Path':'/dept','NextToken':'none'}");
    SSM_REFUSED(w, "ValidationException", NULL, "GetParametersByPath",
                "{'Path':'/dept','MaxResults':11}");
    SSM_REFUSED(w, "ValidationException", NULL, "GetParametersByPath", "{'Path':'dept'}");
    SSM_REFUSED(w, "ValidationException", NULL, "GetParametersByPath", "{'Path':'/ssm/x'}");
    world_account(w, "111122223333", "us-east-1");
    CHECK_STR(str_from(names(SSM(w, "GetParametersByPath", "{'Path':'/dept'}"))), "");
    world_free(w);
}

TEST(a_path_is_filtered_by_type_key_and_label, "PS-06 PS-07")
{
    struct world *w = world_new();

    ssm_put(w, "/f/a", "1");
    SSM(w, "PutParameter", "{'Name':'/f/b','Value':'x,y','Type':'StringList'}");
    SSM(w, "PutParameter", "{'Name':'/f/c','Value':'s','Type':'SecureString'}");
    SSM(w, "LabelParameterVersion", "{'Name':'/f/a','Labels':['good']}");
    SSM(w, "PutParameter", "{'Name':'/f/a','Value':'2','Overwrite':true}");
    struct str r = SSM(w, "GetParametersByPath",
                       "{'Path':'/f','ParameterFilters':[{'Key':'Type','Values':['StringList']}]}");
    CHECK_STR(str_from(names(r)), "/f/b");
    r = SSM(w, "GetParametersByPath",
            "{'Path':'/f','ParameterFilters':[{'Key':'Label','Values':['good']}]}");
    CHECK_STR(str_from(names(r)), "/f/a");
    CHECK_STR(json_path(r, "Parameters.0.Value"), "1");
    r = SSM(w, "GetParametersByPath",
            "{'Path':'/f','WithDecryption':true,"
            "'ParameterFilters':[{'Key':'KeyId','Values':['alias/aws/ssm']}]}");
    CHECK_STR(str_from(names(r)), "/f/c");
    CHECK_STR(json_path(r, "Parameters.0.Value"), "s");
    SSM_REFUSED(w, "InvalidFilterKey",
                "The following filter key is not valid: Name. Valid filter keys include: [Type, "
                "KeyId].",
                "GetParametersByPath",
                "{'Path':'/f','ParameterFilters':[{'Key':'Name','Values':['x']}]}");
    SSM_REFUSED(w, "InvalidFilterOption", NULL, "GetParametersByPath",
                "{'Path':'/f','ParameterFilters':[{'Key':'Type','Option':'Recursive',"
                "'Values':['String']}]}");
    world_free(w);
}

static const char *
described(struct world *w, const char *filters)
{
    return names(SSM(w, "DescribeParameters", "{'ParameterFilters':[%s]}", filters));
}

TEST(parameters_are_described_and_filtered, "PS-06")
{
    struct world *w = world_new();

    tree(w);
    CHECK_STR(str_from(described(w, "{'Key':'Name','Values':['/plain']}")), "plain");
    CHECK_STR(
        str_from(described(w, "{'Key':'Name','Option':'BeginsWith','Values':['/dept/app/d']}")),
        "/dept/app/dev/db.password /dept/app/dev/db.url");
    CHECK_STR(str_from(described(w, "{'Key':'Name','Option':'Contains','Values':['url']}")),
              "/dept/app/dev/db.url /dept/app/prod/db.url");
    CHECK_STR(str_from(described(w, "{'Key':'Path','Values':['/dept/app']}")), "/dept/app/x");
    CHECK_STR(str_from(described(w, "{'Key':'Path','Option':'Recursive',"
                                    "'Values':['/dept/app/prod','/deptx']}")),
              "/dept/app/prod/db.url /deptx/y");
    CHECK_STR(str_from(described(w, "{'Key':'Type','Values':['SecureString']}")), "");
    CHECK_STR(str_from(described(w, "{'Key':'Tier','Values':['Standard']},"
                                    "{'Key':'DataType','Values':['text']},"
                                    "{'Key':'Name','Option':'BeginsWith','Values':['pl']}")),
              "plain");
    struct str r = SSM(w, "DescribeParameters", "{'MaxResults':5}");
    CHECK_INT(json_count(r, "Parameters"), 5);
    r = SSM(w, "DescribeParameters", "{'MaxResults':5,'NextToken':'%s'}",
            json_cstr(r, "NextToken"));
    CHECK_INT(json_count(r, "Parameters"), 3);
    CHECK(!json_path(r, "NextToken").p);
    r = SSM(w, "DescribeParameters", "{'Filters':[{'Key':'Name','Values':['/deptx']}]}");
    CHECK_STR(str_from(names(r)), "/deptx/y");
    SSM_REFUSED(w, "ValidationException",
                "You can use either Filters or ParameterFilters in a single request.",
                "DescribeParameters",
                "{'Filters':[{'Key':'Name','Values':['a']}],"
                "'ParameterFilters':[{'Key':'Name','Values':['a']}]}");
    SSM_REFUSED(w, "InvalidFilterKey",
                "The following filter key is not valid: Label. Valid filter keys include: [Path, "
                "Name, Type, KeyId, Tier].",
                "DescribeParameters", "{'ParameterFilters':[{'Key':'Label','Values':['a']}]}");
    SSM_REFUSED(
        w, "InvalidFilterKey",
        "The following filter is duplicated in the request: Name. A request can contain only "
        "one occurrence of a specific filter.",
        "DescribeParameters",
        "{'ParameterFilters':[{'Key':'Name','Values':['a']},{'Key':'Name','Values':['b']}]}");
    SSM_REFUSED(w, "InvalidFilterValue", NULL, "DescribeParameters",
                "{'ParameterFilters':[{'Key':'Name'}]}");
    SSM_REFUSED(w, "InvalidFilterOption", NULL, "DescribeParameters",
                "{'ParameterFilters':[{'Key':'Path','Option':'Equals','Values':['/a']}]}");
    SSM_REFUSED(w, "ValidationException", NULL, "DescribeParameters",
                "{'ParameterFilters':[{'Key':'Path','Values':['/aws/service']}]}");
    world_free(w);
}

/* Whether a name is on any page of a path. */
static bool
is_listed(struct world *w, const char *path, const char *name)
{
    struct str r = SSM(w, "GetParametersByPath", "{'Path':'%s'}", path);

    for (;;) {
        if (strstr(names(r), name))
            return true;
        if (!json_path(r, "NextToken").p)
            return false;
        r = SSM(w, "GetParametersByPath", "{'Path':'%s','NextToken':'%s'}", path,
                json_cstr(r, "NextToken"));
    }
}

TEST(public_parameters_are_everybodys, "PS-11 PS-24 VS-19")
{
    struct world *w = world_new();
    const char *al2 = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2";
    const char *windows = "/aws/service/ami-windows-latest/Windows_Server-2016-English-Core-Base";

    CHECK(is_listed(w, "/aws/service/ami-amazon-linux-latest", "amzn2-ami-hvm-x86_64-gp2"));
    CHECK(is_listed(w, "/aws/service/ami-windows-latest", "Windows_Server-2016-English-Core-Base"));
    CHECK_STR(ssm_value(w, al2), "ami-009d6802948d06e52");
    struct str r = SSM(w, "GetParameter", "{'Name':'%s'}", al2);
    CHECK_STR(json_path(r, "Parameter.ARN"), test_fmt("arn:aws:ssm:us-east-1::parameter%s", al2));
    world_account(w, "111122223333", "eu-west-1");
    const char *ids[] = {test_cstr(ssm_value(w, al2)), test_cstr(ssm_value(w, windows))};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        CHECK(str_starts(str_from(ids[i]), S("ami-0")));
        world_okf(w, "Action=DescribeImages&ImageId.1=%s", ids[i]);
    }
    world_refusedf(w, "InvalidAMIID.Unavailable", NULL,
                   "Action=RunInstances&ImageId=%s&MinCount=1&MaxCount=1", ids[1]);
    CHECK_STR(ssm_value(w, "/aws/service/global-infrastructure/regions/eu-west-1/longName"),
              "Europe (Ireland)");
    CHECK_STR(ssm_value(w, "/aws/service/global-infrastructure/services/ssm/regions/us-east-1"),
              "us-east-1");
    r = SSM(w, "GetParametersByPath", "{'Path':'/aws/service/global-infrastructure/regions'}");
    CHECK_INT(json_count(r, "Parameters"), 10);
    CHECK_STR(json_path(r, "Parameters.0.Value"), "af-south-1");
    r = SSM(w, "GetParameter",
            "{'Name':'/aws/service/ecs/optimized-ami/amazon-linux-2/recommended'}");
    CHECK_STR(json_path(json_path(r, "Parameter.Value"), "image_id"),
              json_cstr(SSM(w, "GetParameter",
                            "{'Name':'/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/"
                            "image_id'}"),
                        "Parameter.Value"));
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/aws/service/none'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "PutParameter",
                "{'Name':'%s','Value':'v','Type':'String'}", al2);
    world_free(w);
}

TEST(instances_run_from_the_image_that_a_parameter_names, "PS-11 PS-25")
{
    struct world *w = world_new();

    ssm_put(w, "/EC2/AMI_ID", "ami-009d6802948d06e52");
    struct str r = world_ok(w, "Action=RunInstances&MinCount=1&MaxCount=1&ImageId=resolve:ssm:"
                               "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2");
    CHECK_STR(xml_text(r, "imageId"), "ami-009d6802948d06e52");
    SSM(w, "PutParameter", "{'Name':'/EC2/AMI_ID','Value':'ami-0','Overwrite':true}");
    r = world_ok(w, "Action=RunInstances&MinCount=1&MaxCount=1&ImageId=resolve:ssm:/EC2/AMI_ID:1");
    CHECK_STR(xml_text(r, "imageId"), "ami-009d6802948d06e52");
    world_refused(w, "InvalidAMIID.Malformed", NULL,
                  "Action=RunInstances&MinCount=1&MaxCount=1&ImageId=resolve:ssm:/EC2/AMI_ID");
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=RunInstances&MinCount=1&MaxCount=1&ImageId=resolve:ssm:/EC2/none");
    world_free(w);
}

TEST(a_parameter_of_an_image_must_name_one_that_is_there, "PS-03")
{
    struct world *w = world_new();
    struct str detail;

    SSM(w, "PutParameter",
        "{'Name':'/"
        "ami','Value':'ami-009d6802948d06e52','Type':'String','DataType':'aws:ec2:image'}");
    struct str r = SSM(w, "GetParameter", "{'Name':'/ami'}");
    CHECK_STR(json_path(r, "Parameter.DataType"), "aws:ec2:image");
    /* AWS says yes and does nothing; an event tells */
    r = SSM(w, "PutParameter", "{'Name':'/ami','Value':'ami-12345678','Overwrite':true}");
    CHECK_STR(json_path(r, "Version"), "2");
    CHECK_STR(ssm_value(w, "/ami"), "ami-009d6802948d06e52");
    CHECK_INT(ssm_events(w, "Parameter Store Change", &detail), 2);
    CHECK_STR(json_path(detail, "exception"), "Unable to Describe Resource");
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{'Name':'/b','Value':'x','Type':'StringList','DataType':'aws:ec2:image'}");
    world_free(w);
}
