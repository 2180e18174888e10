/*
 * Secrets of Secrets Manager by the names of Parameter Store: /aws/reference/secretsmanager/ID.
 * Secrets Manager is called as the caller, who needs secretsmanager:GetSecretValue.
 */
#include "codec/json.h"
#include "gen/api/secretsmanager.h"
#include "ssm/ssm.h"

enum { RESULT_BYTES_MAX = 512 << 10 };

static void
member(struct json_out *o, const char *name, struct str value)
{
    if (value.p)
        json_key_str(o, name, value);
}

/* GetSecretValue's own answer as JSON: SourceResult. */
static struct str
result_text(struct api_call *call, const struct secretsmanager_GetSecretValueResponse *res)
{
    struct buf b;

    buf_init(&b, RESULT_BYTES_MAX);
    struct json_out o = {.buf = &b};

    json_open(&o, '{');
    member(&o, "ARN", res->arn);
    member(&o, "name", res->name);
    member(&o, "versionId", res->version_id);
    member(&o, "secretString", res->secret_string);
    json_key(&o, S("versionStages"));
    json_open(&o, '[');
    LIST_EACH(&res->version_stages, stage) {
        json_str(&o, *stage);
    }
    json_close(&o, ']');
    if (res->created_date.set) {
        json_key(&o, S("createdDate"));
        json_int(&o, res->created_date.v);
    }
    json_close(&o, '}');
    assert(!buf_failed(&b));
    struct str text = str_dup(call->arena, buf_str(&b));

    buf_wipe(&b);
    buf_done(&b);
    return text;
}

static int
refused(struct api_call *call, int r, struct str id)
{
    struct api_fault fault = call->fault;

    if (r <= 0)
        return r;
    assert(fault.code.n > 0);
    if (str_is(fault.code, "ResourceNotFoundException"))
        return api_fault(call, &SSM_ERR(ParameterNotFound),
                         "An error occurred (ParameterNotFound) when referencing Secrets Manager: "
                         "Secret " SSM_SECRETS "%.*s not found.",
                         STR_ARG(id));
    if (str_is(fault.code, "AccessDeniedException"))
        return api_fault(call, &SSM_ERR(AccessDeniedException), "%.*s", STR_ARG(fault.message));
    return api_fault(call, &SSM_ERR(ValidationException),
                     "An error occurred (%.*s) when referencing Secrets Manager: %.*s",
                     STR_ARG(fault.code), STR_ARG(fault.message));
}

/* A UUID, 32 to 64 characters, is a version's id; all else is a stage. */
static void
select_version(struct str selector, struct secretsmanager_GetSecretValueRequest *req)
{
    if (selector.n >= 32)
        req->version_id = selector;
    else
        req->version_stage = selector;
}

int
ssm_secret_find(struct api_call *call, const struct ssm_name *name, bool decrypt,
                struct ssm_found *ret)
{
    struct secretsmanager_GetSecretValueRequest req = {
        .secret_id = str_cut(name->path, strlen(SSM_SECRETS), name->path.n)};
    struct secretsmanager_GetSecretValueResponse res = {0};

    assert(str_starts(name->path, S(SSM_SECRETS)));
    if (!decrypt)
        return api_fault(
            call, &SSM_ERR(ValidationException),
            "WithDecryption flag must be True for retrieving a Secret Manager secret.");
    if (!req.secret_id.n)
        return ssm_not_found(call);
    if (name->selector.p)
        select_version(name->selector, &req);
    int r = api_call_internal(call, "secretsmanager", "GetSecretValue", &req, &res,
                              "ssm.amazonaws.com");

    if (r)
        return refused(call, r, req.secret_id);
    if (!res.secret_string.p)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Parameter Store cannot reference the binary secret %.*s.",
                         STR_ARG(req.secret_id));
    *ret = (struct ssm_found){
        .name = name->path,
        .arn = ssm_name_arn(call->arena, call->region, call->account, name->path),
        .version = {.type = S("SecureString"),
                    .value = res.secret_string,
                    .data_type = S("text"),
                    .modified_ms = opt_i64_or(res.created_date, call->now_ms)},
        .source_result = result_text(call, &res),
        .open = true,
    };
    return 0;
}
