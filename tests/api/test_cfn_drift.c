/* Drift: what became of a stack's resources behind its back. */
#include "api/cfn_help.h"
#include "cloudformation/difference.h"

static const char template[] =
    "Parameters: {Secret: {Type: String, NoEcho: true, Default: hunter2}}\n"
    "Resources:\n"
    "  Same: {Type: AWS::SSM::Parameter, Properties: {Name: /same, Type: String, Value: x}}\n"
    "  Changed: {Type: AWS::SSM::Parameter, Properties: {Name: /changed, Type: String, Value: x, "
    "Description: d}}\n"
    "  Hidden: {Type: AWS::SSM::Parameter, Properties: {Name: /hidden, Type: String, Value: !Ref "
    "Secret}}\n"
    "  Gone: {Type: AWS::SSM::Parameter, Properties: {Name: /gone, Type: String, Value: x}}\n"
    "  Group:\n"
    "    Type: AWS::EC2::SecurityGroup\n"
    "    Properties:\n"
    "      GroupDescription: g\n"
    "      Tags: [{Key: a, Value: b}]\n"
    "      SecurityGroupIngress:\n"
    "        - {IpProtocol: tcp, FromPort: 22, ToPort: '22', CidrIp: 10.0.0.0/8}\n"
    "        - {IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8}\n"
    "  Wait: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
    "Outputs: {Group: {Value: !GetAtt Group.GroupId}}\n";

static struct str
detect(struct world *w)
{
    struct str id = xml_text(world_ok(w, "Action=DetectStackDrift" V "&StackName=drift"),
                             "StackDriftDetectionId");

    return world_okf(w, "Action=DescribeStackDriftDetectionStatus" V "&StackDriftDetectionId=%.*s",
                     STR_ARG(id));
}

static struct str
drift_of(struct world *w, const char *logical)
{
    return xml_where(world_ok(w, "Action=DescribeStackResourceDrifts" V "&StackName=drift"),
                     "member", "LogicalResourceId", logical);
}

TEST(what_changed_behind_a_stack_s_back_is_drift)
{
    struct world *w = world_new();
    struct str seen, one;

    CHECK_OK(w, create(w, "drift", "&Tags.member.1.Key=team&Tags.member.1.Value=x", template));
    world_settle(w);
    check_status(w, "drift", "CREATE_COMPLETE");
    CHECK_STR(xml_text(stack(w, "drift"), "StackDriftStatus"), "NOT_CHECKED");
    seen = detect(w);
    CHECK_STR(xml_text(seen, "DetectionStatus"), "DETECTION_COMPLETE");
    CHECK_STR(xml_text(seen, "StackDriftStatus"), "IN_SYNC");
    CHECK_STR(xml_text(stack(w, "drift"), "StackDriftStatus"), "IN_SYNC");
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name':'/changed','Type':'String','Value':'y','Overwrite':true}");
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name':'/hidden','Type':'String','Value':'other','Overwrite':true}");
    world_json_ok(w, "ssm", "DeleteParameter", "{'Name':'/gone'}");
    const char *group = xml_cstr(stack(w, "drift"), "OutputValue");
    world_okf(w,
              "Action=RevokeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=tcp"
              "&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=80"
              "&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8",
              group);
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=a&Tag.1.Value=c", group);
    seen = detect(w);
    CHECK_STR(xml_text(seen, "StackDriftStatus"), "DRIFTED");
    CHECK_STR(xml_text(seen, "DriftedStackResourceCount"), "4");
    CHECK_STR(xml_text(drift_of(w, "Same"), "StackResourceDriftStatus"), "IN_SYNC");
    CHECK_STR(xml_text(drift_of(w, "Gone"), "StackResourceDriftStatus"), "DELETED");
    CHECK(!drift_of(w, "Wait").p);
    one = drift_of(w, "Changed");
    CHECK_STR(xml_text(one, "StackResourceDriftStatus"), "MODIFIED");
    CHECK_STR(xml_text(one, "PropertyPath"), "/Value");
    CHECK_STR(xml_text(one, "ExpectedValue"), "x");
    CHECK_STR(xml_text(one, "ActualValue"), "y");
    CHECK_STR(xml_text(one, "DifferenceType"), "NOT_EQUAL");
    CHECK_STR(json_path(xml_text(one, "ExpectedProperties"), "Value"), "x");
    CHECK_STR(json_path(xml_text(one, "ActualProperties"), "Value"), "y");
    one = drift_of(w, "Group");
    CHECK_STR(xml_text(xml_where(one, "member", "PropertyPath", "/SecurityGroupIngress/1"),
                       "DifferenceType"),
              "REMOVE");
    CHECK_STR(xml_text(xml_where(one, "member", "PropertyPath", "/Tags/0/Value"), "ActualValue"),
              "c");
    CHECK_INT(xml_count(one, "PropertyPath"), 2);
    /* neither the secret nor what took its place is shown */
    one = drift_of(w, "Hidden");
    CHECK_STR(xml_text(one, "ExpectedValue"), "****");
    CHECK(str_find(one, S("hunter2")) == SIZE_MAX && str_find(one, S("other")) == SIZE_MAX);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeStackResource" V
                                   "&StackName=drift&LogicalResourceId=Gone"),
                       "StackResourceDriftStatus"),
              "DELETED");
    seen = world_ok(w, "Action=DescribeStackResourceDrifts" V
                       "&StackName=drift&StackResourceDriftStatusFilters.member.1=DELETED");
    CHECK_INT(xml_count(seen, "LogicalResourceId"), 1);
    seen = world_ok(w, "Action=DescribeStackResourceDrifts" V "&StackName=drift&MaxResults=2");
    CHECK_INT(xml_count(seen, "LogicalResourceId"), 2);
    CHECK(xml_text(seen, "NextToken").p);
    world_crash(w);
    /* put right again, looked at alone */
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name':'/changed','Type':'String','Value':'x','Overwrite':true}");
    seen = world_ok(w, "Action=DetectStackResourceDrift" V
                       "&StackName=drift&LogicalResourceId=Changed");
    CHECK_STR(xml_text(seen, "StackResourceDriftStatus"), "IN_SYNC");
    world_free(w);
}

TEST(drift_is_refused_where_it_cannot_be_told)
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "drift", "", template));
    world_settle(w);
    world_refused(w, "ValidationError", NULL,
                  "Action=DetectStackResourceDrift" V "&StackName=drift&LogicalResourceId=Wait");
    world_refused(w, "ValidationError", "Resource No does not exist for stack drift",
                  "Action=DetectStackResourceDrift" V "&StackName=drift&LogicalResourceId=No");
    world_refused(w, "ValidationError", "Resource No does not exist for stack drift",
                  "Action=DetectStackDrift" V "&StackName=drift&LogicalResourceIds.member.1=No");
    world_refused(w, "ValidationError", NULL, "Action=DetectStackDrift" V "&StackName=none");
    struct str id = xml_text(world_ok(w, "Action=DetectStackDrift" V "&StackName=drift"),
                             "StackDriftDetectionId");
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "ValidationError", NULL,
                   "Action=DescribeStackDriftDetectionStatus" V "&StackDriftDetectionId=%.*s",
                   STR_ARG(id));
    world_free(w);
}

TEST(differences_are_told_by_paths)
{
    static const struct {
        const char *expected, *actual, *differences;
    } rows[] = {
        {"{\"a\":1}", "{\"a\":\"1\",\"b\":2}", ""},
        {"{\"a\":true}", "{\"a\":\"false\"}", "/a NOT_EQUAL true false;"},
        {"{\"a\":[1,2,3]}", "{\"a\":[3,1]}", "/a/1 REMOVE 2 null;"},
        {"{\"a\":[1]}", "{\"a\":[1,2]}", "/a/1 ADD null 2;"},
        {"{\"a\":[{\"Key\":\"k\",\"Value\":\"v\"}]}", "{\"a\":[{\"Key\":\"k\",\"Value\":\"w\"}]}",
         "/a/0/Value NOT_EQUAL v w;"},
        {"{\"a\":[{\"Key\":\"k\",\"Value\":\"v\"}]}", "{\"a\":[{\"Key\":\"l\",\"Value\":\"v\"}]}",
         "/a/0 REMOVE {\"Key\":\"k\",\"Value\":\"v\"} null;/a/0 ADD null "
         "{\"Key\":\"l\",\"Value\":\"v\"};"},
        {"{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{\"b\":{}}}", "/a/b/c REMOVE 1 null;"},
        {"{\"p\":{\"x\":[1]}}", "{\"p\":\"{\\\"x\\\": [1]}\"}", ""},
    };
    struct arena *a = test_arena();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json expected, actual, list;
        struct str text = S("");

        CHECK(cfn_read(a, str_from(rows[i].expected), &expected));
        CHECK(cfn_read(a, str_from(rows[i].actual), &actual));
        list = cfn_differences(a, &expected, &actual);
        for (size_t k = 0; k < list.n; k++)
            text = str_fmt(a, "%.*s%.*s %.*s %.*s %.*s;", STR_ARG(text),
                           STR_ARG(json_text(&list.v[k], "PropertyPath")),
                           STR_ARG(json_text(&list.v[k], "DifferenceType")),
                           STR_ARG(json_text(&list.v[k], "ExpectedValue")),
                           STR_ARG(json_text(&list.v[k], "ActualValue")));
        CHECK_STR(text, rows[i].differences);
    }
}

TEST(what_resources_of_one_stack_attach_to_each_other_is_no_drift)
{
    static const char attaching[] =
        "Resources:\n"
        "  Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: '2012-10-17', Statement: "
        "[{Effect: Allow, Action: 'kms:*', Resource: '*', Principal: {AWS: '000000000000'}}]}}}\n"
        "  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/a, TargetKeyId: !GetAtt "
        "Key.Arn}}\n"
        "  Role:\n"
        "    Type: AWS::IAM::Role\n"
        "    Properties:\n"
        "      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Action: 'sts:AssumeRole', "
        "Principal: {Service: ec2.amazonaws.com}}]}\n"
        "      ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n"
        "      Policies: [{PolicyName: own, PolicyDocument: {Statement: [{Effect: Allow, Action: "
        "'s3:*', Resource: '*'}]}}]\n"
        "  Managed: {Type: AWS::IAM::ManagedPolicy, Properties: {Description: '', Roles: [!Ref "
        "Role], PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: "
        "'ssm:*', "
        "Resource: '*'}]}}}\n"
        "  Inline: {Type: AWS::IAM::Policy, Properties: {PolicyName: other, Roles: [!Ref Role], "
        "PolicyDocument: {Statement: [{Effect: Allow, Action: 'kms:*', Resource: '*'}]}}}\n"
        "  Group:\n"
        "    Type: AWS::EC2::SecurityGroup\n"
        "    Properties:\n"
        "      GroupDescription: g\n"
        "      SecurityGroupIngress:\n"
        "        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}\n"
        "  Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !GetAtt "
        "Group.GroupId, IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 10.0.0.0/8}}\n"
        "Outputs: {Role: {Value: !Ref Role}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "drift", IAM, attaching));
    world_settle(w);
    check_status(w, "drift", "CREATE_COMPLETE");
    CHECK_STR(xml_text(detect(w), "StackDriftStatus"), "IN_SYNC");
    /* what others attach is, and so is the loss of what it has itself */
    const char *role = xml_cstr(stack(w, "drift"), "OutputValue");
    world_okf(w,
              "Action=AttachRolePolicy&Version=2010-05-08&RoleName=%s&PolicyArn="
              "arn:aws:iam::aws:policy/PowerUserAccess",
              role);
    world_okf(w, "Action=DeleteRolePolicy&Version=2010-05-08&RoleName=%s&PolicyName=own", role);
    CHECK_STR(xml_text(detect(w), "DriftedStackResourceCount"), "1");
    struct str seen = drift_of(w, "Role");
    CHECK_INT(xml_count(seen, "PropertyPath"), 2);
    CHECK_STR(xml_text_at(seen, "PropertyPath", 0), "/ManagedPolicyArns/0");
    CHECK_STR(xml_text_at(seen, "DifferenceType", 0), "ADD");
    CHECK_STR(xml_text_at(seen, "PropertyPath", 1), "/Policies/0");
    CHECK_STR(xml_text_at(seen, "DifferenceType", 1), "REMOVE");
    world_free(w);
}
