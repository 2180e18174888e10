/* Custom resources: what their function is asked, and what becomes of its answers. */
#include "codec/uri.h"
#include "cfn_help.h"
#include "lambda_help.h"

#define TOKEN "ServiceToken: '" LAMBDA_ARN "f'"

/* What the function was asked, oldest first, and how it behaves. */
static struct {
    struct str events[16];
    size_t n;
    const char *physical, *data, *fail; /* fail: this RequestType, once */
    bool silent, large;
    int status; /* of the last PUT */
} seen;

static struct str
put_answer(struct world *w, struct str url, struct str body)
{
    struct str rest = str_cut(url, 8, url.n), host = str_split(&rest, '/');
    struct str query = rest, path = str_split(&query, '?');
    const struct http_header headers[] = {{S("Host"), host}, {S("Content-Type"), S("")}};
    const struct api_request req = {.http = {.method = S("PUT"),
                                             .path = str_cat(&w->arena, S("/"), path),
                                             .query = query,
                                             .headers = headers,
                                             .n_headers = 2,
                                             .body = body}};

    CHECK(str_starts(url, S("https://cloudformation-custom-resource-response-useast1.s3.")));
    return world_from_function(w, &req, &seen.status);
}

static struct str
last(const char *path)
{
    CHECK(seen.n > 0);
    return json_path(seen.events[seen.n - 1], path);
}

static void
answers(struct world *w, const struct function_asked *asked, struct function_says *says UNUSED)
{
    struct str event = asked->work.payload;
    bool fails = seen.fail && str_is(json_path(event, "RequestType"), seen.fail);
    struct str padding = seen.large ? str_of(arena_alloc(&w->arena, 5000), 5000) : S("");

    CHECK(seen.n < ARRAY_LEN(seen.events));
    seen.events[seen.n++] = event;
    if (seen.silent)
        return;
    if (fails)
        seen.fail = NULL;
    memset((char *)(uintptr_t)padding.p, ' ', padding.n);
    put_answer(w, json_path(event, "ResponseURL"),
               str_fmt(&w->arena,
                       "{\"Status\":\"%s\",\"Reason\":\"it broke\",\"PhysicalResourceId\":\"%s\","
                       "\"StackId\":\"%.*s\",\"RequestId\":\"%.*s\",\"LogicalResourceId\":\"%.*s\","
                       "\"Data\":%s}%.*s",
                       fails ? "FAILED" : "SUCCESS", seen.physical,
                       STR_ARG(json_path(event, "StackId")), STR_ARG(json_path(event, "RequestId")),
                       STR_ARG(json_path(event, "LogicalResourceId")), seen.data,
                       STR_ARG(padding)));
    CHECK_INT(seen.status, 200);
}

static struct world *
custom_world(void)
{
    struct world *w = lambda_world(answers);

    memset(&seen, 0, sizeof(seen));
    seen.physical = "thing-1";
    seen.data = "{\"Colour\":\"blue\",\"Nested.Name\":\"deep\"}";
    lambda_create(w, "f");
    return w;
}

static const char *template(const char *properties)
{
    return test_fmt("Resources: {It: {Type: Custom::Thing, Properties: {" TOKEN "%s}}}\n"
                    "Outputs: {Id: {Value: !Ref It}, Colour: {Value: !GetAtt It.Colour}, Deep: "
                    "{Value: !GetAtt It.Nested.Name}}",
                    properties);
}

static struct str
output(struct world *w, const char *key)
{
    return xml_text(xml_where(stack(w, "s"), "member", "OutputKey", key), "OutputValue");
}

static void
reaches(struct world *w, const char *status)
{
    world_advance(w, 2000);
    check_status(w, "s", status);
}

TEST(a_function_makes_changes_and_deletes_a_custom_resource, "CFNX-01 CFNX-05 CFNX-06 LAM-15")
{
    struct world *w = custom_world();

    CHECK_OK(w, create(w, "s", "", template(", Count: 3, On: true, List: [a, {B: 1}]")));
    reaches(w, "CREATE_COMPLETE");
    CHECK_STR(last("RequestType"), "Create");
    CHECK_STR(last("ServiceToken"), LAMBDA_ARN "f");
    CHECK_STR(last("ResourceType"), "Custom::Thing");
    CHECK_STR(last("LogicalResourceId"), "It");
    CHECK(!last("PhysicalResourceId").p && !last("OldResourceProperties").p);
    CHECK_STR(last("ResourceProperties"), "{\"ServiceToken\":\"" LAMBDA_ARN
                                          "f\",\"Count\":\"3\",\"On\":\"true\",\"List\":[\"a\","
                                          "{\"B\":\"1\"}]}");
    CHECK_STR(output(w, "Id"), "thing-1");
    CHECK_STR(output(w, "Colour"), "blue");
    CHECK_STR(output(w, "Deep"), "deep");
    CHECK_STR(last("StackId"), xml_cstr(stack(w, "s"), "StackId"));

    world_crash(w);
    seen.data = "{\"Colour\":\"red\",\"Nested.Name\":\"x\"}";
    CHECK_OK(w, update(w, "s", "", template(", Count: 4")));
    reaches(w, "UPDATE_COMPLETE");
    CHECK_INT(seen.n, 2);
    CHECK_STR(last("RequestType"), "Update");
    CHECK_STR(last("PhysicalResourceId"), "thing-1");
    CHECK_STR(last("ResourceProperties.Count"), "4");
    CHECK_STR(last("OldResourceProperties.Count"), "3");
    CHECK_STR(output(w, "Colour"), "red");

    CHECK_OK(w, world_call(w, "Action=DeleteStack" V "&StackName=s"));
    world_advance(w, 2000);
    CHECK_INT(seen.n, 3);
    CHECK_STR(last("RequestType"), "Delete");
    CHECK_STR(last("PhysicalResourceId"), "thing-1");
    CHECK_STR(last("ResourceProperties.Count"), "4");
    CHECK_FAULT(w, world_call(w, "Action=DescribeStacks" V "&StackName=s"), "ValidationError");
    world_free(w);
}

TEST(another_physical_id_after_an_update_has_the_old_one_deleted, "CFNX-06")
{
    struct world *w = custom_world();

    CHECK_OK(w, create(w, "s", "", template(", Count: 1")));
    reaches(w, "CREATE_COMPLETE");
    seen.physical = "thing-2";
    CHECK_OK(w, update(w, "s", "", template(", Count: 2")));
    reaches(w, "UPDATE_COMPLETE");
    CHECK_INT(seen.n, 3);
    CHECK_STR(json_path(seen.events[1], "PhysicalResourceId"), "thing-1");
    CHECK_STR(last("RequestType"), "Delete");
    CHECK_STR(last("PhysicalResourceId"), "thing-1");
    CHECK_STR(last("ResourceProperties.Count"), "1");
    CHECK_STR(output(w, "Id"), "thing-2");
    world_free(w);
}

TEST(a_custom_resource_that_fails_takes_the_stack_back, "CFNX-06")
{
    struct world *w = custom_world();

    seen.fail = "Create";
    CHECK_OK(w, create(w, "s", "", template("")));
    reaches(w, "ROLLBACK_COMPLETE");
    if (!strstr(events(w, "s"),
                test_fmt("It CREATE_FAILED Received response status [FAILED] from custom resource. "
                         "Message returned: it broke (RequestId: %.*s)",
                         STR_ARG(json_path(seen.events[0], "RequestId")))))
        FAIL("%s", events(w, "s"));
    CHECK_INT(seen.n, 2);
    CHECK_STR(last("RequestType"), "Delete");
    CHECK_STR(last("PhysicalResourceId"), "thing-1");
    world_okf(w, "Action=DeleteStack" V "&StackName=s");
    world_advance(w, 2000);

    CHECK_OK(w, create(w, "s", "", template(", Count: 1")));
    reaches(w, "CREATE_COMPLETE");
    seen.fail = "Update";
    CHECK_OK(w, update(w, "s", "", template(", Count: 2")));
    reaches(w, "UPDATE_ROLLBACK_COMPLETE");
    CHECK_STR(last("RequestType"), "Update");
    CHECK_STR(last("ResourceProperties.Count"), "1");
    seen.fail = "Delete";
    world_okf(w, "Action=DeleteStack" V "&StackName=s");
    reaches(w, "DELETE_FAILED");
    world_free(w);
}

TEST(a_custom_resource_that_never_answers_is_given_up, "CFNX-07")
{
    struct world *w = custom_world();

    seen.silent = true;
    CHECK_OK(w, create(w, "s", "", template(", ServiceTimeout: 60")));
    world_advance(w, 59 * 1000);
    check_status(w, "s", "CREATE_IN_PROGRESS");
    world_crash(w);
    world_advance(w, 2 * 1000);
    if (!strstr(events(w, "s"),
                test_fmt("It CREATE_FAILED CloudFormation did not receive a response from your "
                         "Custom Resource. Please check your logs for requestId [%.*s].",
                         STR_ARG(json_path(seen.events[0], "RequestId")))))
        FAIL("%s", events(w, "s"));
    /* an hour when nothing is said */
    world_advance(w, 3 * 60 * 1000);
    CHECK_OK(w, create(w, "t", "", template("")));
    world_advance(w, 3590 * 1000);
    check_status(w, "t", "CREATE_IN_PROGRESS");
    world_advance(w, 20 * 1000);
    CHECK(strstr(events(w, "t"), "It CREATE_FAILED CloudFormation did not receive"));
    world_free(w);
}

TEST(answers_that_are_none_are_refused_by_aws_words)
{
    static const struct {
        const char *physical, *data;
        bool large;
        const char *why;
    } rows[] = {
        {"", "{}", false, "Invalid PhysicalResourceId"},
        {"x", "{}", true, "Response object is too long."},
        {"x", "not json", false, "Invalid response: it is no JSON object."},
    };
    struct world *w = custom_world();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = test_fmt("s%zu", i);

        seen.physical = rows[i].physical;
        seen.data = rows[i].data;
        seen.large = rows[i].large;
        seen.n = 0;
        CHECK_OK(w, create(w, name, "", template("")));
        world_advance(w, 2000);
        if (!strstr(events(w, name), test_fmt("It CREATE_FAILED %s", rows[i].why)))
            FAIL("%s: %s", rows[i].why, events(w, name));
    }
    world_free(w);
}

TEST(only_who_has_the_url_answers_for_a_custom_resource)
{
    struct world *w = custom_world();
    struct str url, forged;

    seen.silent = true;
    CHECK_OK(w, create(w, "s", "", template("")));
    world_advance(w, 500);
    url = last("ResponseURL");
    char *p = arena_dup(&w->arena, url.p, url.n);

    p[url.n - 1] = p[url.n - 1] == '0' ? '1' : '0';
    forged = str_of(p, url.n);
    put_answer(w, forged, S("{}"));
    CHECK_INT(seen.status, 403);
    world_advance(w, 500);
    check_status(w, "s", "CREATE_IN_PROGRESS");
    put_answer(w, url, S("{\"Status\":\"FAILED\",\"Reason\":\"mine\"}"));
    CHECK_INT(seen.status, 200);
    world_advance(w, 500);
    CHECK(strstr(events(w, "s"), "Message returned: mine"));
    put_answer(w, url, S("{}"));
    CHECK_INT(seen.status, 403); /* it is not awaited any more */
    world_free(w);
}

TEST(a_service_token_must_name_a_function_that_is_there, "CFNX-01")
{
    struct world *w = custom_world();

    CHECK_OK(w, create(w, "s", "",
                       "Resources: {It: {Type: 'AWS::CloudFormation::CustomResource', "
                       "Properties: {ServiceToken: '" LAMBDA_ARN "other'}}}"));
    reaches(w, "ROLLBACK_COMPLETE");
    if (!strstr(events(w, "s"),
                "It CREATE_FAILED Function not found: " LAMBDA_ARN "other (Service: "
                "Lambda, Status Code: 404, Request ID: "))
        FAIL("%s", events(w, "s"));
    CHECK_INT(seen.n, 0);
    world_free(w);
}

/* As printed in the course, and with the dot after the name taken away. */
TEST(the_bucket_cleaner_as_printed_has_no_export, "CFNX-08 CFNX-04")
{
    struct world *w = custom_world();
    static const char printed[] = "Resources:\n"
                                  "  myBucketResource:\n"
                                  "    Type: AWS::S3::Bucket\n"
                                  "  cleanupBucketOnDelete:\n"
                                  "    Type: Custom::cleanupbucket\n"
                                  "    Properties:\n"
                                  "      ServiceToken: !ImportValue EmptyS3BucketLambda%s\n"
                                  "      BucketName: !Ref myBucketResource\n";

    struct str reply = create(w, "s", "", test_fmt(printed, "."));

    world_advance(w, 1000);
    if (w->http == 200) {
        if (!strstr(events(w, "s"), "No export named EmptyS3BucketLambda. found"))
            FAIL("%s", events(w, "s"));
        world_okf(w, "Action=DeleteStack" V "&StackName=s");
        world_advance(w, 2000);
    } else {
        CHECK_STR(xml_text(reply, "Message"), "No export named EmptyS3BucketLambda. found");
    }
    CHECK_OK(w, create(w, "exports", "",
                       "Resources: {Key: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, "
                       "Value: x}}}\nOutputs: {F: {Value: '" LAMBDA_ARN
                       "f', Export: {Name: EmptyS3BucketLambda}}}"));
    world_advance(w, 1000);
    CHECK_OK(w, create(w, "s", "", test_fmt(printed, "")));
    reaches(w, "CREATE_COMPLETE");
    struct str bucket = last("ResourceProperties.BucketName");

    CHECK(str_starts(bucket, S("s-mybucketresource-")));
    world_okf(w, "Action=DeleteStack" V "&StackName=s");
    world_advance(w, 2000);
    CHECK_STR(last("RequestType"), "Delete");
    CHECK(str_eq(last("ResourceProperties.BucketName"), bucket));
    CHECK_FAULT(w, world_call(w, "Action=DescribeStacks" V "&StackName=s"), "ValidationError");
    world_free(w);
}
