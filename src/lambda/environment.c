/* What a function finds in its environment: its settings, its variables, its role's credentials. */
#include "lambda/runner.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "codec/session.h"

enum { ACCESS_KEY_BYTES = 10, NONCE_BYTES = 12 };

static void
put(struct arena *a, struct str_list *list, const char *name, struct str value)
{
    assert(name[0] != '\0');
    *LIST_PUSH(a, list) = str_fmt(a, "%s=%.*s", name, STR_ARG(value));
}

/* The unique id of the function's role, if Lambda may still assume it; else empty. */
static struct str
role_id(struct api_call *call, const struct lambda_function_row *function)
{
    struct str_list actor = api_actor_role(call, function->role, function->name);

    if (!api_role_trusts(call, function->role, "lambda.amazonaws.com"))
        return S("");
    for (size_t i = 0; i + 1 < actor.n; i += 2)
        if (str_is(actor.v[i], "owner"))
            return actor.v[i + 1];
    return S("");
}

static int
put_credentials(struct api_call *call, const struct lambda_function_row *function,
                struct str_list *list)
{
    struct arena *a = call->arena;
    struct session s = {.kind = SESSION_ROLE,
                        .account = function->account,
                        .owner_id = role_id(call, function),
                        .name = function->name,
                        .issued_ms = call->now_ms,
                        .expires_ms = call->now_ms + LAMBDA_CREDENTIALS_MS};
    uint8_t random[ACCESS_KEY_BYTES], nonce[NONCE_BYTES];

    if (!s.owner_id.n)
        return api_fault(call, &LAMBDA_ERR(AccessDeniedException),
                         "The role defined for the function cannot be assumed by Lambda.");
    call->env->random(call->env, random, sizeof(random));
    call->env->random(call->env, nonce, sizeof(nonce));
    session_mark_account(random, function->account);
    s.access_key = session_access_key(a, random);
    struct str token = session_seal(a, api_session_key(call), nonce, &s);

    assert(token.p); /* far below the maximum of a token */
    put(a, list, "AWS_ACCESS_KEY_ID", s.access_key);
    put(a, list, "AWS_SECRET_ACCESS_KEY", session_secret(a, api_session_key(call), s.access_key));
    put(a, list, "AWS_SESSION_TOKEN", token);
    return 0;
}

int
lambda_environment_of(struct api_call *call, const struct lambda_function_row *function,
                      struct str_list *ret)
{
    struct arena *a = call->arena;
    struct lambda_TextMap variables = lambda_variables(a, function);
    bool python = str_starts(function->runtime, S("python"));
    char room[STR_I64_MAX];

    LIST_EACH(&variables, e)
        put(a, ret, str_cstr(a, e->key), e->value);
    put(a, ret, "_HANDLER", function->handler);
    put(a, ret, "AWS_REGION", function->region);
    put(a, ret, "AWS_DEFAULT_REGION", function->region);
    put(a, ret, "AWS_LAMBDA_FUNCTION_NAME", function->name);
    put(a, ret, "AWS_LAMBDA_FUNCTION_VERSION", function->version);
    put(a, ret, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", str_i64(function->memory_mib, room));
    put(a, ret, "AWS_LAMBDA_INITIALIZATION_TYPE", S("on-demand"));
    put(a, ret, "AWS_LAMBDA_LOG_GROUP_NAME",
        str_fmt(a, "/aws/lambda/%.*s", STR_ARG(function->name)));
    put(a, ret, "AWS_LAMBDA_LOG_STREAM_NAME",
        str_fmt(a, "[%.*s]%.*s", STR_ARG(function->version), STR_ARG(api_uuid(call->env, a))));
    if (python)
        put(a, ret, "AWS_EXECUTION_ENV", str_fmt(a, "AWS_Lambda_%.*s", STR_ARG(function->runtime)));
    put(a, ret, "LAMBDA_TASK_ROOT", S("/var/task"));
    put(a, ret, "LAMBDA_RUNTIME_DIR", S("/var/runtime"));
    put(a, ret, "LD_LIBRARY_PATH",
        S("/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"));
    put(a, ret, "LANG", S("en_US.UTF-8"));
    put(a, ret, "TZ", S(":UTC"));
    put(a, ret, "PATH", S("/usr/local/bin:/usr/bin:/bin:/opt/bin"));
    return put_credentials(call, function, ret);
}
