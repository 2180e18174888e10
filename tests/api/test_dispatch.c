/*
 * The life of a call: what is found, what is refused and in which form, and that a refusal leaves
 * nothing behind.
 */
#include "api/model.h"
#include "api/pattern.h"
#include "ec2/ec2.h"
#include "gen/api/ec2.h"
#include "gen/api/iam.h"
#include "gen/api/sts.h"
#include "harness/world.h"

#define IMAGE "ami-009d6802948d06e52"
#define RUN "Action=RunInstances&ImageId=" IMAGE "&InstanceType=t3.micro&MinCount=1&MaxCount=1"

static struct str
ok(struct world *w, struct str xml)
{
    if (w->http != 200)
        FAIL("HTTP %d: %.*s", w->http, STR_ARG(xml));
    return xml;
}

/* A trusted request in any form. */
static struct str
handle(struct world *w, struct sigv4_request http)
{
    struct api_request req = {
        .http = http, .trusted = true, .account = w->account, .region = w->region};
    struct api_reply reply = {0};

    arena_reset(&w->call_arena);
    buf_init(&reply.body, 1 << 20);
    api_handle(cloud_api(w->cloud), &w->call_arena, &req, &reply);
    w->http = reply.status;
    w->content_type = str_dup(&w->arena, reply.content_type);
    struct str body = str_dup(&w->arena, buf_str(&reply.body));
    buf_done(&reply.body);
    world_settle(w);
    return body;
}

/* ---- operations that are not implemented ---- */

static unsigned
check_unimplemented(struct world *w, const struct api_service *service)
{
    unsigned n = 0;

    for (unsigned i = 0; i < service->n_ops; i++) {
        const struct api_op *op = &service->ops[i];

        if (api_op_handler(service, op))
            continue;
        struct str name = api_op_name(service, op);
        struct str form =
            str_fmt(test_arena(), "Action=%.*s&Version=%s", STR_ARG(name), service->version);
        struct str xml = world_call_str(w, form);
        if (w->http != 501 || !str_is(xml_text(xml, "Code"), "UnsupportedOperation"))
            FAIL("%.*s: HTTP %d %.*s", STR_ARG(form), w->http, STR_ARG(xml));
        struct str said = str_fmt(test_arena(), "%s:%.*s", service->name, STR_ARG(name));
        CHECK(str_find(xml_text(xml, "Message"), said) != SIZE_MAX);
        CHECK(str_is(w->content_type, "text/xml;charset=UTF-8"));
        if (service->protocol == API_EC2)
            CHECK(xml_element(xml_element(xml, "Response"), "Errors").p);
        else
            CHECK_STR(xml_text(xml_element(xml, "ErrorResponse"), "Type"), "Receiver");
        n++;
    }
    return n;
}

TEST(every_operation_that_is_not_implemented_says_so_by_its_name)
{
    struct world *w = world_new();
    uint64_t commits = store_stats(cloud_store(w->cloud)).commits;
    unsigned ec2 = check_unimplemented(w, &ec2_service);

    CHECK(ec2 > 500);
    CHECK(check_unimplemented(w, &iam_service) > 20);
    CHECK(check_unimplemented(w, &sts_service) > 3);
    CHECK_INT(store_stats(cloud_store(w->cloud)).commits, commits);
    world_free(w);
}

TEST(an_operation_is_validated_even_when_it_is_not_implemented)
{
    struct world *w = world_new();

    CHECK_FAULT(w, world_call(w, "Action=CreateVpcPeeringConnection&Nonsense=1"),
                "UnknownParameter");
    CHECK_FAULT(w, world_call(w, "Action=DeleteVpc"), "MissingParameter");
    CHECK_INT(w->http, 400);
    world_free(w);
}

/* ---- what is not found ---- */

TEST(an_unknown_operation_is_invalid)
{
    static const char *const names[] = {"RunInstance", "runinstances", "RunInstances%20",
                                        "%00",         "%FF%FE",       "%3Cscript%3E"};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str xml = world_callf(w, "Version=2016-11-15&Action=%s", names[i]);

        CHECK_FAULT(w, xml, "InvalidAction");
        CHECK_INT(w->http, 400);
        CHECK(str_is_utf8(xml) && str_find(xml, S("<script>")) == SIZE_MAX);
        CHECK(str_find_char(xml, '\0') == SIZE_MAX);
    }
    struct str xml = world_call(w, "Version=2011-06-15&Action=RunInstances");
    CHECK_FAULT(w, xml, "InvalidAction");
    CHECK_STR(xml_text(xml, "Message"),
              "Could not find operation RunInstances for version 2011-06-15");
    CHECK_STR(xml_text(xml, "Type"), "Sender");
    world_free(w);
}

TEST(a_request_without_an_action_is_told_so)
{
    static const char *const forms[] = {"Version=2016-11-15",
                                        "Version=2016-11-15&Action=", "Version=2016-11-15&Action",
                                        "Version=2016-11-15&action=RunInstances"};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        CHECK_FAULT(w, world_call(w, forms[i]), "MissingAction");
    world_free(w);
}

TEST(an_unknown_service_is_told_its_name_in_its_own_protocol)
{
    struct world *w = world_new();

    CHECK_FAULT(w, world_call(w, "Action=X&Version=1999-01-01"), "UnknownService");
    CHECK_INT(w->http, 501);
    struct http_header json[] = {{S("Content-Type"), S("application/x-amz-json-1.1")},
                                 {S("X-Amz-Target"), S("AmazonNothing.GetThing")}};
    struct sigv4_request req = {S("POST"), S("/"), STR_NONE, json, 2, S("{}")};
    struct str body = handle(w, req);
    CHECK_INT(w->http, 501);
    CHECK_STR(w->content_type, "application/x-amz-json-1.1");
    CHECK(str_starts(body, S("{\"__type\":\"UnknownService\",\"message\":\"")));

    world_free(w);
}

TEST(a_service_that_does_not_speak_json_says_so_in_json)
{
    struct world *w = world_new();
    struct http_header headers[8] = {{S("Host"), S("ec2.us-east-1.amazonaws.com")},
                                     {S("Content-Type"), S("application/x-amz-json-1.1")}};
    struct sigv4_request req = {S("POST"), S("/"), S(""), headers, 2, S("{}")};
    struct sigv4_signer signer = {.access_key = S("test"),
                                  .secret = S("test"),
                                  .region = S("us-east-1"),
                                  .service = S("ec2"),
                                  .now_ms = w->env.now_ms};

    req.n_headers += sigv4_sign(test_arena(), &signer, &req, &headers[2]);
    struct str body = world_request(w, &req);
    CHECK_INT(w->http, 501);
    CHECK(str_starts(body, S("{\"__type\":\"UnsupportedProtocol\"")));
    world_free(w);
}

/* ---- forms ---- */

TEST(get_and_post_say_the_same)
{
    static const struct str form = S_INIT("Action=DescribeRegions&Version=2016-11-15&"
                                          "RegionName.1=eu-west-1");
    struct world *w = world_new();
    struct sigv4_request get = {S("GET"), S("/"), form, NULL, 0, STR_NONE};
    struct sigv4_request post = {S("POST"), S("/"), STR_NONE, NULL, 0, form};

    struct str a = ok(w, handle(w, get)), b = ok(w, handle(w, post));
    CHECK_STR(xml_text(a, "regionName"), "eu-west-1");
    CHECK(str_eq(xml_element(a, "regionInfo"), xml_element(b, "regionInfo")));
    world_free(w);
}

TEST(a_parameter_that_does_not_exist_is_refused_and_not_dropped)
{
    struct world *w = world_new();

    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs&Nonsense=1"), "UnknownParameter");
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs&Filter.1.Nonsense=1"), "UnknownParameter");
    world_free(w);
}

TEST(replies_carry_the_id_of_the_request)
{
    struct world *w = world_new();
    struct str xml = ok(w, world_call(w, "Action=DescribeRegions"));

    CHECK(str_eq(xml_text(xml, "requestId"), w->request_id) && w->request_id.n == 36);
    xml = world_call(w, "Action=Nonsense&Version=2016-11-15");
    CHECK(str_eq(xml_text(xml, "RequestID"), w->request_id));
    world_free(w);
}

/* Any change of any row is a commit. */
static uint64_t
commits(struct world *w)
{
    return store_stats(cloud_store(w->cloud)).commits;
}

/* ---- sizes ---- */

TEST(ten_thousand_filters_are_answered_with_a_fault)
{
    struct world *w = world_new();
    struct buf form;

    buf_init(&form, 8 << 20);
    buf_add_lit(&form, "Action=DescribeInstances&Version=2016-11-15");
    for (int i = 1; i <= 10000; i++)
        buf_add_fmt(&form, "&Filter.%d.Name=tag:k%d", i, i);
    world_call_str(w, buf_str(&form));
    CHECK_INT(w->http, 400);
    buf_done(&form);
    world_free(w);
}

TEST(a_form_with_too_many_pairs_or_too_deep_is_refused)
{
    struct world *w = world_new();
    struct buf form;

    buf_init(&form, 16 << 20);
    buf_add_lit(&form, "Action=DescribeInstances&Version=2016-11-15");
    for (int i = 1; i <= 30000; i++)
        buf_add_fmt(&form, "&InstanceId.%d=i-0123456789abcdef0", i);
    world_call_str(w, buf_str(&form));
    CHECK_INT(w->http, 400);
    buf_reset(&form);
    buf_add_lit(&form, "Action=DescribeInstances&Version=2016-11-15&Filter");
    for (int i = 0; i < 1000; i++)
        buf_add_lit(&form, ".1");
    world_call_str(w, buf_str(&form));
    CHECK_INT(w->http, 400);
    buf_reset(&form);
    buf_add_lit(&form, "Action=DescribeInstances&Version=2016-11-15&InstanceId.4294967297=a");
    world_call_str(w, buf_str(&form));
    CHECK_INT(w->http, 400);
    buf_done(&form);
    world_free(w);
}

/* A reply larger than the caller's buffer is our fault, and nothing of the call stays. */
TEST(a_reply_that_does_not_fit_is_rolled_back)
{
    struct world *w = world_new();

    ok(w, world_call(w, "Action=DescribeVpcs"));
    uint64_t before = commits(w);
    struct api_request req = {
        .http = {.method = S("POST"), .path = S("/"), .body = S(RUN "&Version=2016-11-15")},
        .trusted = true,
        .account = w->account,
        .region = w->region};
    struct api_reply reply = {0};

    arena_reset(&w->call_arena);
    buf_init(&reply.body, 600);
    api_handle(cloud_api(w->cloud), &w->call_arena, &req, &reply);
    CHECK_INT(reply.status, 500);
    CHECK_STR(xml_text(buf_str(&reply.body), "Code"), "InternalError");
    CHECK_INT(commits(w), before);
    buf_done(&reply.body);
    world_free(w);
}

/* So is one that needs more memory than a call may use. */
TEST(a_call_that_spends_its_memory_is_rolled_back)
{
    struct world *w = world_new();
    struct api_request req = {
        .http = {.method = S("POST"),
                 .path = S("/"),
                 .body = S("Action=DescribeInstanceTypes&Version=2016-11-15")},
        .trusted = true,
        .account = w->account,
        .region = w->region};
    struct api_reply reply = {0};
    struct arena big, small;

    arena_init(&big, (size_t)64 << 20);
    buf_init(&reply.body, (size_t)64 << 20);
    api_handle(cloud_api(w->cloud), &big, &req, &reply);
    CHECK_INT(reply.status, 200);
    buf_reset(&reply.body);
    arena_init(&small, big.total_bytes * 3 / 4);
    api_handle(cloud_api(w->cloud), &small, &req, &reply);
    CHECK_INT(reply.status, 500);
    CHECK_STR(xml_text(buf_str(&reply.body), "Code"), "InternalError");
    buf_done(&reply.body);
    arena_done(&small);
    arena_done(&big);
    world_free(w);
}

/* ---- when an answer may leave ---- */

/* wait_seq of one call, with the disk held. */
static uint64_t
waits_for(struct world *w, const char *form, int *ret_status)
{
    struct api_request req = {.http = {.method = S("POST"), .path = S("/"), .body = str_from(form)},
                              .trusted = true,
                              .account = w->account,
                              .region = w->region};
    struct api_reply reply = {0};

    arena_reset(&w->call_arena);
    buf_init(&reply.body, 1 << 20);
    api_handle(cloud_api(w->cloud), &w->call_arena, &req, &reply);
    *ret_status = reply.status;
    buf_done(&reply.body);
    return reply.wait_seq;
}

TEST(no_answer_tells_of_what_is_not_durable)
{
    static const char group[] = "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=a&"
                                "GroupDescription=a";
    struct world *w = world_new();
    struct store *store = cloud_store(w->cloud);
    int status;

    ok(w, world_call(w, "Action=DescribeVpcs"));
    world_hold_disk(w, true);
    uint64_t made = waits_for(w, group, &status);
    CHECK_INT(status, 200);
    CHECK(made > store_durable_seq(store));
    /* a read has seen it, and so has the refusal of a duplicate */
    CHECK_INT(waits_for(w, "Action=DescribeSecurityGroups&Version=2016-11-15", &status), made);
    CHECK_INT(status, 200);
    CHECK_INT(waits_for(w, group, &status), made);
    CHECK_INT(status, 400);
    world_hold_disk(w, false);
    CHECK(made <= store_durable_seq(store));
    world_free(w);
}

/* ---- secrets ---- */

static bool
has_secret(const char *service, const char *operation)
{
    const struct api_op *op = NULL;

    for (size_t i = 0; cloud_services()[i]; i++)
        if (strcmp(cloud_services()[i]->service->name, service) == 0)
            op = api_op_find(cloud_services()[i]->service, str_from(operation));
    CHECK(op);
    return op->flags & API_OP_SECRET;
}

TEST(a_call_with_a_secret_at_any_depth_is_wiped)
{
    static const struct {
        const char *service, *operation;
        bool secret;
    } rows[] = {
        {"ec2", "CreateKeyPair", true},   /* at the top */
        {"iam", "CreateAccessKey", true}, /* AccessKey.SecretAccessKey */
        {"iam", "CreateVirtualMFADevice", true},
        {"sts", "AssumeRole", true}, /* Credentials.SecretAccessKey */
        {"sts", "GetSessionToken", true},
        {"ssm", "GetParameter", true},        /* Parameter.Value */
        {"ssm", "GetParametersByPath", true}, /* Parameters[].Value */
        {"kms", "GenerateDataKey", true},
        {"ssm", "PutParameter", true}, /* of the request */
        {"ec2", "DescribeInstances", false},
        {"iam", "ListUsers", false},
        {"sts", "GetCallerIdentity", false},
    };
    struct world *w = world_new();
    struct api_reply reply = {0};
    struct api_request req = {
        .http = {.method = S("POST"),
                 .path = S("/"),
                 .body = S("Action=GetSessionToken&Version=2011-06-15")},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (has_secret(rows[i].service, rows[i].operation) != rows[i].secret)
            FAIL("%s:%s", rows[i].service, rows[i].operation);
    buf_init(&reply.body, 1 << 20);
    api_handle(cloud_api(w->cloud), test_arena(), &req, &reply);
    CHECK(reply.status == 200 && reply.secret);
    /* a refused one too: what it was given is in the arena */
    buf_reset(&reply.body);
    req.http.body = S("Action=GetSessionToken&Version=2011-06-15&DurationSeconds=1");
    api_handle(cloud_api(w->cloud), test_arena(), &req, &reply);
    CHECK(reply.status == 400 && reply.secret);
    buf_reset(&reply.body);
    req.http.body = S("Action=GetCallerIdentity&Version=2011-06-15");
    api_handle(cloud_api(w->cloud), test_arena(), &req, &reply);
    CHECK(reply.status == 200 && !reply.secret);
    buf_done(&reply.body);
    world_free(w);
}
