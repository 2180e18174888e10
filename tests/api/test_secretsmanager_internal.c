/*
 * Secrets as other services read them.  The service here is IAM's description with a handler of
 * this test behind GetUser, which must not write: it reads a secret for its caller, as Parameter
 * Store does for /aws/reference/secretsmanager/NAME.
 */
#include "gen/api/iam.h"
#include "kms/kms.h"
#include "secretsmanager/secretsmanager.h"
#include "secretsmanager_help.h"

/* UserName is the secret's; its value goes out as the user's path. */
static int
read_for(struct api_call *call, const void *req_, void *res_)
{
    const struct iam_GetUserRequest *req = req_;
    struct iam_GetUserResponse *res = res_;
    const struct secretsmanager_GetSecretValueRequest ask = {.secret_id = req->user_name};
    struct secretsmanager_GetSecretValueResponse got = {{0}};
    int r = api_call_internal(call, "secretsmanager", "GetSecretValue", &ask, &got,
                              "ssm.amazonaws.com");

    res->user = ARENA_NEW(call->arena, struct iam_User);
    *res->user = (struct iam_User){
        .path = got.secret_string, .user_name = got.name, .user_id = S(""), .arn = got.arn};
    res->user->create_date = opt_i64(call->now_ms);
    return r;
}

/* The world's store behind an API whose IAM is the service above, asked as a root or another. */
static struct str
read_through(struct world *w, const char *name)
{
    static api_handler *handlers[256];
    struct api_service service = iam_service;
    const struct api_op *op = api_op_find(&iam_service, S("GetUser"));
    const struct api_service_hooks hooks = {.service = &service};
    const struct api_service_hooks *const services[] = {&hooks, &kms_hooks, &secretsmanager_hooks,
                                                        NULL};
    const struct api_config config = {.env = &w->env.env,
                                      .store = cloud_store(w->cloud),
                                      .services = services,
                                      .root_keys = true,
                                      .default_region = "us-east-1"};
    struct api_request req = {
        .http = {.method = S("POST"),
                 .path = S("/"),
                 .body =
                     str_fmt(test_arena(), "Action=GetUser&Version=2010-05-08&UserName=%s", name)},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };
    struct api_reply reply = {0};

    CHECK(op && iam_service.n_handlers <= ARRAY_LEN(handlers));
    memcpy(handlers, iam_service.handlers, iam_service.n_handlers * sizeof(*handlers));
    handlers[op->handler] = read_for;
    service.handlers = handlers;
    struct api *api = api_new(&config);

    CHECK(api);
    buf_init(&reply.body, 1 << 20);
    api_handle(api, test_arena(), &req, &reply);
    struct str body = str_dup(test_arena(), buf_str(&reply.body));

    buf_done(&reply.body);
    api_free(api);
    return body;
}

TEST(a_service_reads_a_secret_for_its_caller_inside_a_call_that_only_reads)
{
    struct world *w = world_new();

    sm_new(w, "one");
    CHECK_STR(xml_text(read_through(w, "one"), "Path"), "first");
    CHECK(!json_path(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "LastAccessedDate").p);
    CHECK_STR(xml_text(read_through(w, "none"), "Code"), "ResourceNotFoundException");
    CHECK_STR(xml_text(read_through(w, "none"), "Message"), SM_MISSING);
    /* due, though nobody called Secrets Manager itself */
    SM(w, "DeleteSecret", "{'SecretId':'one','RecoveryWindowInDays':7}");
    CHECK_STR(xml_text(read_through(w, "one"), "Message"), SM_DELETED);
    world_advance(w, 8 * SM_DAY);
    CHECK_STR(xml_text(read_through(w, "one"), "Message"), SM_MISSING);
    world_free(w);
}
