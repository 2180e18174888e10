/*
 * What a function is: members of requests into its row, and the row into replies.
 *
 * There is no delay here between a change and its effect, so a function is always Active and its
 * last update always Successful.
 */
#include "lambda/lambda.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "base/timefmt.h"
#include "codec/json.h"

#define SERVICE "lambda.amazonaws.com"

enum { JSON_NODES_MAX = 4096 };

/* ---- from requests ---- */

int
lambda_take_runtime(struct api_call *call, struct str runtime, struct lambda_function_row *row)
{
    static const char *const ours[] = {
        "python3.8",  "python3.9",  "python3.10",   "python3.11",      "python3.12",
        "python3.13", "python3.14", "provided.al2", "provided.al2023",
    };

    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (str_is(runtime, ours[i])) {
            row->runtime = runtime;
            return 0;
        }
    return lambda_bad(call,
                      "Welkin does not run the runtime %.*s: it has python3.8 to python3.14, "
                      "provided.al2 and provided.al2023",
                      STR_ARG(runtime));
}

int
lambda_take_role(struct api_call *call, struct str role, struct lambda_function_row *row)
{
    struct str parts = role, account = STR_NONE;

    for (int i = 0; i < 5; i++)
        account = str_split(&parts, ':');
    if (!str_eq(account, call->account))
        return api_fault(call, &LAMBDA_ERR(AccessDeniedException),
                         "Cross-account pass role is not allowed.");
    int r = api_authorize_pass_role(call, role, SERVICE);

    if (r == 0 && !api_role_trusts(call, role, SERVICE))
        return lambda_bad(call, "The role defined for the function cannot be assumed by Lambda.");
    row->role = role;
    return r;
}

int
lambda_take_limits(struct api_call *call, struct opt_i64 timeout, struct opt_i64 memory,
                   struct lambda_function_row *row)
{
    if (timeout.set && timeout.v > LAMBDA_TIMEOUT_S_MAX)
        return api_fault(call, &LAMBDA_ERR(ValidationException),
                         "1 validation error detected: Value '%lld' at 'timeout' failed to satisfy "
                         "constraint: Member must have value less than or equal to %d",
                         (long long)timeout.v, LAMBDA_TIMEOUT_S_MAX);
    if (memory.set && memory.v > LAMBDA_MEMORY_MIB_MAX)
        return lambda_bad(call,
                          "'MemorySize' value failed to satisfy constraint: Member must have value "
                          "less than or equal to %d",
                          LAMBDA_MEMORY_MIB_MAX);
    row->timeout_s = opt_i64_or(timeout, row->timeout_s);
    row->memory_mib = opt_i64_or(memory, row->memory_mib);
    assert(row->timeout_s >= 1 && row->memory_mib >= 128);
    return 0;
}

/* Names that the runtime sets. */
static bool
is_reserved(struct str name)
{
    static const char *const names[] = {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

int
lambda_take_environment(struct api_call *call, const struct lambda_Environment *environment,
                        struct lambda_function_row *row)
{
    struct str_list reserved = {0};
    struct buf buf;
    struct json_out o = {&buf};

    if (!environment)
        return 0;
    row->environment = S("");
    if (!environment->variables.n)
        return 0;
    buf_init(&buf, (size_t)1 << 20);
    json_open(&o, '{');
    LIST_EACH(&environment->variables, e) {
        if (is_reserved(e->key))
            *LIST_PUSH(call->arena, &reserved) = e->key;
        json_key(&o, e->key);
        json_str(&o, e->value);
    }
    json_close(&o, '}');
    bool failed = buf_failed(&buf);
    struct str text = failed ? S("") : str_dup(call->arena, buf_str(&buf));

    buf_wipe(&buf);
    buf_done(&buf);
    if (reserved.n)
        return lambda_bad(call,
                          "Lambda was unable to configure your environment variables because the "
                          "environment variables you have provided contains reserved keys that are "
                          "currently not supported for modification. Reserved keys used in this "
                          "request: %.*s",
                          STR_ARG(str_join(call->arena, &reserved, S(", "))));
    if (failed || text.n > LAMBDA_ENVIRONMENT_BYTES_MAX)
        return lambda_bad(call, "Lambda was unable to configure your environment variables because "
                                "the environment variables you have provided exceeded the 4KB "
                                "limit.");
    row->environment = text;
    return 0;
}

int
lambda_fixed_check(struct api_call *call, const struct lambda_fixed *f)
{
    const struct lambda_LoggingConfig *log = f->logging_config;

    if (f->ephemeral_storage && f->ephemeral_storage->size.v != LAMBDA_STORAGE_MIB)
        return lambda_unsupported(call, "EphemeralStorage of other than 512 MB");
    if (f->snap_start && f->snap_start->apply_on.p && !str_is(f->snap_start->apply_on, "None"))
        return lambda_unsupported(call, "SnapStart");
    if (f->tracing_config && f->tracing_config->mode.p &&
        !str_is(f->tracing_config->mode, "PassThrough"))
        return lambda_unsupported(call, "TracingConfig");
    if (log && ((log->log_format.p && !str_is(log->log_format, "Text")) || log->log_group.p ||
                log->application_log_level.p || log->system_log_level.p))
        return lambda_unsupported(call, "LoggingConfig");
    LIST_EACH(f->architectures, one)
        if (!str_is(*one, "x86_64"))
            return lambda_unsupported(call, "Architectures of other than x86_64");
    return 0;
}

/* ---- in replies ---- */

struct lambda_TextMap
lambda_variables(struct arena *a, const struct lambda_function_row *row)
{
    struct lambda_TextMap list = {0};
    struct json j;
    size_t at;

    if (!row->environment.n || !json_parse(a, row->environment, JSON_NODES_MAX, &j, &at))
        return list;
    assert(j.kind == JSON_OBJECT);
    for (size_t i = 0; i < j.n; i++)
        *LIST_PUSH(a, &list) =
            (struct lambda_TextMapEntry){.key = j.names[i], .value = j.v[i].text};
    return list;
}

struct str
lambda_time(struct arena *a, int64_t ms)
{
    struct str iso = time_iso(a, ms);

    assert(iso.n == TIME_ISO_LEN);
    return str_fmt(a, "%.*s+0000", STR_ARG(str_cut(iso, 0, iso.n - 1)));
}

static void
show_fixed(struct api_call *call, const struct lambda_function_row *row,
           struct lambda_FunctionConfiguration *out)
{
    struct arena *a = call->arena;

    out->state = S("Active");
    out->last_update_status = S("Successful");
    out->package_type = S("Zip");
    *LIST_PUSH(a, &out->architectures) = S("x86_64");
    out->tracing_config = ARENA_NEW(a, struct lambda_TracingConfigResponse);
    out->tracing_config->mode = S("PassThrough");
    out->ephemeral_storage = ARENA_NEW(a, struct lambda_EphemeralStorage);
    out->ephemeral_storage->size = opt_i64(LAMBDA_STORAGE_MIB);
    out->snap_start = ARENA_NEW(a, struct lambda_SnapStartResponse);
    out->snap_start->apply_on = S("None");
    out->snap_start->optimization_status = S("Off");
    out->logging_config = ARENA_NEW(a, struct lambda_LoggingConfig);
    out->logging_config->log_format = S("Text");
    out->logging_config->log_group = str_fmt(a, "/aws/lambda/%.*s", STR_ARG(row->name));
}

void
lambda_show_in(struct api_call *call, const struct lambda_function_row *row,
               struct lambda_FunctionConfiguration *out)
{
    struct arena *a = call->arena;
    struct lambda_name name = lambda_name_of(row);
    struct lambda_TextMap variables = lambda_variables(a, row);

    *out = (struct lambda_FunctionConfiguration){
        .function_name = row->name,
        .function_arn = lambda_arn(a, &name),
        .runtime = row->runtime,
        .role = row->role,
        .handler = row->handler,
        .code_size = opt_i64(row->code_bytes),
        .description = row->description.p ? row->description : S(""),
        .timeout = opt_i64(row->timeout_s),
        .memory_size = opt_i64(row->memory_mib),
        .last_modified = lambda_time(a, row->modified_ms),
        .code_sha256 = row->code_sha256,
        .version = row->version,
        .revision_id = row->revision,
    };
    show_fixed(call, row, out);
    LIST_EACH(&row->layers, arn) {
        const struct lambda_layer_version_row *layer = lambda_layer_by_arn(call->txn, a, *arn);
        struct lambda_Layer *shown = LIST_PUSH(a, &out->layers);

        shown->arn = *arn;
        shown->code_size = opt_i64(layer ? layer->code_bytes : 0);
    }
    if (!variables.n)
        return;
    out->environment = ARENA_NEW(a, struct lambda_EnvironmentResponse);
    out->environment->variables = variables;
}

struct lambda_FunctionConfiguration *
lambda_show(struct api_call *call, const struct lambda_function_row *row)
{
    struct lambda_FunctionConfiguration *out =
        ARENA_NEW(call->arena, struct lambda_FunctionConfiguration);

    lambda_show_in(call, row, out);
    return out;
}
