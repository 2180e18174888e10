/*
 * Secrets as other services read them.  The service here is IAM's description with a handler of
 * this test behind GetUser, which must not write: it reads a secret for its caller, as Parameter
 * Store does for /aws/reference/secretsmanager/NAME.
 */
#include "kms/kms.h"
#include "secretsmanager/secretsmanager.h"
#include "secretsmanager_help.h"
#include "through_help.h"

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

static struct str
read_through(struct world *w, const char *name)
{
    const struct api_service_hooks *const callees[] = {&kms_hooks, &secretsmanager_hooks, NULL};

    return through_iam(
        w, "GetUser", read_for, callees,
        str_fmt(test_arena(), "Action=GetUser&Version=2010-05-08&UserName=%s", name));
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
