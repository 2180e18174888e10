/*
 * What the event bus is told of parameters.  Never a value.
 * AWS: "Amazon EventBridge event examples for Systems Manager" in its user guide.
 */
#include "codec/json.h"
#include "ssm/ssm.h"

enum { DETAIL_BYTES_MAX = 128 << 10 };

static void
member(struct json_out *o, const char *name, struct str value)
{
    if (value.n)
        json_key_str(o, name, value);
}

/* Ends a detail that was begun in a buffer, and writes the event of the parameter. */
static int
write_event(struct txn *txn, struct env *env, const struct ssm_parameter_row *row, int64_t now_ms,
            const char *detail_type, struct json_out *o)
{
    CLEANUP(arena_done) struct arena arena;
    size_t scope = row->account.n + 1 + row->region.n;

    arena_init(&arena, 16 << 10);
    assert(row->id.n > scope && row->id.p[scope] == '/');
    json_close(o, '}');
    assert(!buf_failed(o->buf));
    struct str arn =
        ssm_name_arn(&arena, row->region, row->account, str_cut(row->id, scope, row->id.n));
    const struct api_event event = {
        .account = row->account,
        .region = row->region,
        .time_ms = now_ms,
        .source = "aws.ssm",
        .detail_type = detail_type,
        .resources = {&arn, 1},
        .detail = buf_str(o->buf),
    };
    int r = api_event_write(txn, env, &event);

    buf_done(o->buf);
    return r;
}

static void
change_begin(struct json_out *o, struct buf *b, const struct ssm_parameter_row *row,
             const char *operation)
{
    assert(row->name.n > 0 && operation);
    buf_init(b, DETAIL_BYTES_MAX);
    *o = (struct json_out){.buf = b};
    json_open(o, '{');
    member(o, "operation", str_from(operation));
    member(o, "name", row->name);
    member(o, "type", row->type);
    member(o, "description", row->description);
}

int
ssm_change_tell(struct api_call *call, const struct ssm_parameter_row *row, const char *operation,
                const struct str_list *labels, const char *why)
{
    struct json_out o;
    struct buf b;

    assert(!why || str_is(row->data_type, "aws:ec2:image"));
    change_begin(&o, &b, row, operation);
    if (!str_is(row->data_type, "text"))
        member(&o, "dataType", row->data_type);
    if (why)
        member(&o, "exception", str_from(why));
    if (labels) {
        json_key(&o, S("label"));
        json_open(&o, '[');
        LIST_EACH(labels, label) {
            json_str(&o, *label);
        }
        json_close(&o, ']');
    }
    return write_event(call->txn, call->env, row, call->now_ms, "Parameter Store Change", &o);
}

int
ssm_expiry_tell(struct txn *txn, struct env *env, const struct ssm_parameter_row *row,
                int64_t now_ms)
{
    struct json_out o;
    struct buf b;

    change_begin(&o, &b, row, "Delete");
    return write_event(txn, env, row, now_ms, "Parameter Store Change", &o);
}

int
ssm_policy_tell(struct txn *txn, struct env *env, const struct ssm_parameter_row *row,
                const struct ssm_policy *policy, int64_t now_ms)
{
    static const char *const reasons[] = {
        [SSM_EXPIRATION] = "The parameter has expired and was deleted.",
        [SSM_EXPIRATION_NOTIFICATION] = "The expiration of the parameter is near.",
        [SSM_NO_CHANGE_NOTIFICATION] = "The parameter was not changed for a period of time.",
    };
    struct buf b;

    assert(policy->kind < ARRAY_LEN(reasons) && policy->text.n > 0);
    buf_init(&b, DETAIL_BYTES_MAX);
    struct json_out o = {.buf = &b};

    json_open(&o, '{');
    member(&o, "parameter-name", row->name);
    member(&o, "parameter-type", row->type);
    member(&o, "policy-type", policy->type);
    member(&o, "policy-content", policy->text);
    member(&o, "action-status", S("Success"));
    member(&o, "action-reason", str_from(reasons[policy->kind]));
    return write_event(txn, env, row, now_ms, "Parameter Store Policy Action", &o);
}
