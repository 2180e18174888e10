/*
 * Calls between services, as they meet the policies of who is called for.  The service here is
 * IAM's description with two handlers of this test: CreateUser calls CreateGroup for its caller, as
 * another service would, and CreateGroup writes before it may refuse.
 */
#include "api/authorize.h"
#include "gen/store/iam_rows.h"
#include "harness/world.h"
#include "iam/iam.h"

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

static const struct api_error bad_group = {"InvalidInput", 400};

static int
write_group(struct api_call *call, struct str name)
{
    const struct iam_group_row row = {
        .id = str_cat(call->arena, S("AGPA"), name),
        .account = call->account,
        .path = S("/"),
        .name = name,
        .name_lower = str_lower(call->arena, name),
    };

    return iam_group_insert(call->txn, &row);
}

/* CreateGroup: writes, and then refuses the name "bad". */
static int
inner(struct api_call *call, const void *req_, void *res UNUSED)
{
    const struct iam_CreateGroupRequest *req = req_;
    int r = write_group(call, req->group_name);

    CHECK(call->via.n && call->input == req_);
    if (r == 0 && str_is(req->group_name, "bad"))
        r = api_fault(call, &bad_group, "It is bad.");
    return r;
}

/*
 * CreateUser of NAME: writes a group "outer-NAME", then has the group NAME made.  Path tells for
 * which service; a refusal is forwarded unless the path is /forgiving/.
 */
static int
outer(struct api_call *call, const void *req_, void *res UNUSED)
{
    const struct iam_CreateUserRequest *req = req_;
    const struct iam_CreateGroupRequest ask = {.group_name = req->user_name};
    struct iam_CreateGroupResponse got = {0};
    const char *via = str_is(req->path, "/ec2/") ? "ec2.amazonaws.com" : "ssm.amazonaws.com";
    int r = write_group(call, str_cat(call->arena, S("outer-"), req->user_name));

    CHECK_INT(r, 0);
    r = api_call_internal(call, "iam", "CreateGroup", &ask, &got, via);
    CHECK(!call->via.p && str_is(api_op_name(call->service, call->op), "CreateUser"));
    return r > 0 && str_is(req->path, "/forgiving/") ? 0 : r;
}

/* CreateUser of the service above, as the world's caller; the reply. */
static struct str
call_outer(struct world *w, const char *name, const char *path)
{
    static api_handler *handlers[256];
    struct api_service service = iam_service;
    const struct api_service_hooks hooks = {.service = &service};
    const struct api_service_hooks *const services[] = {&hooks, NULL};
    const struct api_config config = {.env = &w->env.env,
                                      .store = cloud_store(w->cloud),
                                      .services = services,
                                      .root_keys = true,
                                      .default_region = "us-east-1"};
    const struct sigv4_signer signer = {.access_key = w->access_key.p ? w->access_key : S("test"),
                                        .secret = w->access_key.p ? w->secret : S("test"),
                                        .region = w->region,
                                        .service = S("iam"),
                                        .now_ms = w->env.now_ms};
    struct http_header headers[1 + SIGV4_ADDED_MAX] = {{S("Host"), S("localhost")}};
    struct api_request req = {
        .http = {.method = S("POST"), .path = S("/"), .headers = headers, .n_headers = 1},
        .peer = S("192.0.2.1")};
    struct api_reply reply = {0};

    req.http.body = str_fmt(test_arena(),
                            "Action=CreateUser&Version=2010-05-08&UserName=%s&Path=%s", name, path);
    req.http.n_headers += sigv4_sign(test_arena(), &signer, &req.http, headers + 1);
    CHECK(iam_service.n_handlers <= ARRAY_LEN(handlers));
    memcpy(handlers, iam_service.handlers, iam_service.n_handlers * sizeof(*handlers));
    handlers[api_op_find(&iam_service, S("CreateUser"))->handler] = outer;
    handlers[api_op_find(&iam_service, S("CreateGroup"))->handler] = inner;
    service.handlers = handlers;
    struct api *api = api_new(&config);

    CHECK(api);
    buf_init(&reply.body, 1 << 20);
    api_handle(api, test_arena(), &req, &reply);
    struct str body = str_dup(test_arena(), buf_str(&reply.body));

    w->http = reply.status;
    buf_done(&reply.body);
    api_free(api);
    return body;
}

static size_t
groups(struct world *w, const char *name)
{
    struct txn *txn = world_begin(w);
    const struct iam_group_row *row = iam_group_by_name_get(txn, S("000000000000"), str_from(name));
    size_t n = row != NULL;

    store_rollback(txn);
    return n;
}

TEST(a_refused_inner_call_takes_back_what_it_wrote_and_no_more)
{
    struct world *w = world_new();
    struct str xml = call_outer(w, "bad", "/");

    CHECK_FAULT(w, xml, "InvalidInput");
    CHECK_STR(xml_text(xml, "Message"), "It is bad.");
    CHECK_INT(groups(w, "bad") + groups(w, "outer-bad"), 0);
    CHECK_OK(w, call_outer(w, "bad", "/forgiving/"));
    CHECK_INT(groups(w, "bad"), 0);
    CHECK_INT(groups(w, "outer-bad"), 1);
    world_free(w);
}

TEST(an_inner_call_that_is_well_stays_with_the_outer_one)
{
    struct world *w = world_new();

    CHECK_OK(w, call_outer(w, "good", "/"));
    CHECK_INT(groups(w, "good") + groups(w, "outer-good"), 2);
    /* validation is the same: a name has 128 characters at most */
    CHECK_FAULT(w, call_outer(w, test_fmt("%0129d", 0), "/"), "ValidationError");
    world_free(w);
}

TEST(an_inner_call_is_the_callers_and_says_for_which_service, "IAM-02")
{
    struct world *w = world_new();
    const char *policy =
        POLICY("{\"Effect\":\"Allow\",\"Action\":\"iam:CreateUser\",\"Resource\":\"*\","
               "\"Condition\":{\"Null\":{\"aws:CalledVia\":\"true\"},"
               "\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.1\"}}},"
               "{\"Effect\":\"Allow\",\"Action\":\"iam:CreateGroup\",\"Resource\":\"*\","
               "\"Condition\":{\"Bool\":{\"aws:ViaAWSService\":\"true\"},"
               "\"ForAllValues:StringEquals\":{\"aws:CalledVia\":\"ssm.amazonaws.com\"},"
               "\"StringEquals\":{\"aws:CalledViaFirst\":\"ssm.amazonaws.com\","
               "\"aws:CalledViaLast\":\"ssm.amazonaws.com\"},"
               "\"Null\":{\"aws:SourceIp\":\"true\"}}}");

    world_ok(w, "Action=CreateUser&UserName=bob");
    world_okf(w, "Action=PutUserPolicy&UserName=bob&PolicyName=own&PolicyDocument=%.*s",
              STR_ARG(world_code(w, str_from(policy))));
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=bob"));
    CHECK_OK(w, call_outer(w, "good", "/"));
    struct str xml = call_outer(w, "other", "/ec2/");

    CHECK_FAULT(w, xml, "AccessDenied");
    CHECK_STR(xml_text(xml, "Message"),
              "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: "
              "iam:CreateGroup on resource: arn:aws:iam::000000000000:group/other because no "
              "identity-based policy allows the iam:CreateGroup action");
    CHECK_INT(groups(w, "other") + groups(w, "outer-other"), 0);
    /* bob himself may not */
    CHECK_FAULT(w, world_call(w, "Action=CreateGroup&GroupName=mine"), "AccessDenied");
    world_free(w);
}
