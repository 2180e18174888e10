/*
 * AWS managed keys, as services meet them.  The service here is IAM's description with a handler of
 * this test behind CreateUser: it calls KMS for its caller, as Parameter Store does.
 */
#include "iam/iam.h"
#include "kms_help.h"
#include "kms/kms.h"

#define TEXT "'Plaintext':'c2VjcmV0'"

/* UserName is what the key is to be called; Path tells for which service the call is. */
static int
encrypt_for(struct api_call *call, const void *req_, void *res_ UNUSED)
{
    const struct iam_CreateUserRequest *req = req_;
    const struct kms_EncryptRequest ask = {
        .key_id = str_fmt(call->arena, "alias/aws/%.*s", STR_ARG(req->user_name)),
        .plaintext = S("secret")};
    const char *via = str_is(req->path, "/ec2/") ? "ec2.amazonaws.com" : "ssm.amazonaws.com";
    struct kms_EncryptResponse got = {{0}};

    return api_call_internal(call, "kms", "Encrypt", &ask, &got, via);
}

/* The world's store behind an API whose IAM is the service above. */
static struct str
call_service(struct world *w, const char *alias, const char *path)
{
    static api_handler *handlers[256];
    struct api_service service = iam_service;
    const struct api_op *op = api_op_find(&iam_service, S("CreateUser"));
    const struct api_service_hooks hooks = {.service = &service};
    const struct api_service_hooks *const services[] = {&hooks, &kms_hooks, NULL};
    const struct api_config config = {.env = &w->env.env,
                                      .store = cloud_store(w->cloud),
                                      .services = services,
                                      .root_keys = true,
                                      .default_region = "us-east-1"};
    struct api_request req = {
        .http = {.method = S("POST"),
                 .path = S("/"),
                 .body = str_fmt(test_arena(),
                                 "Action=CreateUser&Version=2010-05-08&UserName=%s&Path=%s", alias,
                                 path)},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };
    struct api_reply reply = {0};

    CHECK(op && iam_service.n_handlers <= ARRAY_LEN(handlers));
    memcpy(handlers, iam_service.handlers, iam_service.n_handlers * sizeof(*handlers));
    handlers[op->handler] = encrypt_for;
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

TEST(an_aws_managed_key_is_made_when_its_service_first_needs_it)
{
    struct world *w = world_new();

    KMS_REFUSED(w, "NotFoundException", NULL, "Encrypt", "{'KeyId':'alias/aws/ssm'," TEXT "}");
    CHECK_INT(json_count(KMS(w, "ListKeys", "{}"), "Keys"), 0);
    CHECK_OK(w, call_service(w, "ssm", "/"));
    CHECK_OK(w, call_service(w, "ssm", "/"));
    CHECK_INT(json_count(KMS(w, "ListKeys", "{}"), "Keys"), 1);
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'alias/aws/ssm'}");
    CHECK_STR(json_path(seen, "KeyMetadata.KeyManager"), "AWS");
    CHECK_STR(json_path(seen, "KeyMetadata.KeyState"), "Enabled");
    CHECK_STR(json_path(KMS(w, "GetKeyRotationStatus", "{'KeyId':'%s'}",
                            kms_get(seen, "KeyMetadata.KeyId")),
                        "KeyRotationEnabled"),
              "true");
    CHECK_STR(json_path(KMS(w, "ListAliases", "{}"), "Aliases.0.AliasName"), "alias/aws/ssm");
    world_free(w);
}

TEST(an_aws_managed_key_serves_its_service_and_nobody_else)
{
    struct world *w = world_new();

    CHECK_OK(w, call_service(w, "ssm", "/"));
    CHECK_FAULT(w, call_service(w, "ssm", "/ec2/"), "AccessDeniedException");
    CHECK_OK(w, call_service(w, "ebs", "/ec2/"));
    CHECK_FAULT(w, call_service(w, "nonsense", "/"), "NotFoundException");
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'alias/aws/ssm'," TEXT "}");
    const char *id =
        kms_get(KMS(w, "DescribeKey", "{'KeyId':'alias/aws/ssm'}"), "KeyMetadata.KeyId");
    KMS_REFUSED(w, "AccessDeniedException", NULL, "ScheduleKeyDeletion", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "DisableKey", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "TagResource",
                "{'KeyId':'%s','Tags':[{'TagKey':'a','TagValue':'b'}]}", id);
    KMS_REFUSED(w, "NotAuthorizedException", NULL, "DeleteAlias", "{'AliasName':'alias/aws/ssm'}");
    world_free(w);
}
