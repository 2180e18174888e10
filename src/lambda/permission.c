/*
 * Policies of functions.  A statement is made of AddPermission's members and kept as the JSON that
 * it is; a policy is the statements of a function, or of one of its versions or aliases.
 */
#include "lambda/lambda.h"

#include "base/error.h"
#include "codec/aws_names.h"
#include "codec/json.h"

/* ---- a statement ---- */

static void
put_principal(struct json_out *o, struct arena *a, struct str principal)
{
    json_key(o, S("Principal"));
    if (str_is(principal, "*")) {
        json_str(o, principal);
        return;
    }
    json_open(o, '{');
    if (aws_is_account(principal))
        json_key_str(o, "AWS", str_fmt(a, "arn:aws:iam::%.*s:root", STR_ARG(principal)));
    else if (str_starts(principal, S("arn:")))
        json_key_str(o, "AWS", principal);
    else
        json_key_str(o, "Service", principal);
    json_close(o, '}');
}

static void
put_conditions(struct json_out *o, const struct lambda_AddPermissionRequest *req)
{
    const struct {
        const char *operator, * key;
        struct str value;
    } all[] = {
        {"StringEquals", "AWS:SourceAccount", req->source_account},
        {"StringEquals", "lambda:EventSourceToken", req->event_source_token},
        {"StringEquals", "aws:PrincipalOrgID", req->principal_org_id},
        {"StringEquals", "lambda:FunctionUrlAuthType", req->function_url_auth_type},
        {"Bool", "lambda:InvokedViaFunctionUrl",
         !req->invoked_via_function_url.set ? STR_NONE
         : req->invoked_via_function_url.v  ? S("true")
                                            : S("false")},
        {"ArnLike", "AWS:SourceArn", req->source_arn},
    };
    const char *open = NULL;

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (!all[i].value.p)
            continue;
        if (!open) {
            json_key(o, S("Condition"));
            json_open(o, '{');
        }
        if (open != all[i].operator) {
            if (open)
                json_close(o, '}');
            json_key(o, str_from(all[i].operator));
            json_open(o, '{');
        }
        open = all[i].operator;
        json_key_str(o, all[i].key, all[i].value);
    }
    if (!open)
        return;
    json_close(o, '}');
    json_close(o, '}');
}

static struct str
statement_of(struct api_call *call, const struct lambda_AddPermissionRequest *req,
             const struct lambda_name *name)
{
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, (size_t)64 << 10);
    json_open(&o, '{');
    json_key_str(&o, "Sid", req->statement_id);
    json_key_str(&o, "Effect", S("Allow"));
    put_principal(&o, call->arena, req->principal);
    json_key_str(&o, "Action", req->action);
    json_key_str(&o, "Resource", lambda_arn(call->arena, name));
    put_conditions(&o, req);
    json_close(&o, '}');
    struct str text = buf_failed(&buf) ? STR_NONE : str_dup(call->arena, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* ---- a policy ---- */

static struct str
qualifier_of(const struct lambda_name *name)
{
    return name->qualifier.p && !str_is(name->qualifier, LAMBDA_LATEST) ? name->qualifier : S("");
}

struct str
lambda_policy(struct api_call *call, const struct lambda_name *name)
{
    struct buf buf;
    size_t n = 0;

    buf_init(&buf, (size_t)64 << 10);
    buf_add_lit(&buf, "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[");
    STORE_EACH(call->txn, lambda_permission_by_function, row, name->account, name->region,
               name->name, qualifier_of(name)) {
        if (n++)
            buf_add_char(&buf, ',');
        buf_add_str(&buf, row->statement);
    }
    buf_add_lit(&buf, "]}");
    assert(!buf_failed(&buf)); /* AddPermission keeps it short */
    struct str text = n ? str_dup(call->arena, buf_str(&buf)) : STR_NONE;

    buf_done(&buf);
    return text;
}

static struct str
policy_key(struct api_call *call, const struct lambda_name *name)
{
    return lambda_key(call->arena, name, qualifier_of(name));
}

/* Another revision, as there is another policy. */
static int
touch(struct api_call *call, const struct lambda_name *name)
{
    const struct lambda_policy_row row = {.id = policy_key(call, name),
                                          .revision = api_uuid(call->env, call->arena)};

    return lambda_policy_get(call->txn, row.id) ? lambda_policy_update(call->txn, &row)
                                                : lambda_policy_insert(call->txn, &row);
}

static struct str
permission_key(struct api_call *call, const struct lambda_name *name, struct str sid)
{
    return str_fmt(call->arena, "%.*s %.*s", STR_ARG(policy_key(call, name)), STR_ARG(sid));
}

/* The thing must be there. */
static int
find(struct api_call *call, struct str function, struct str qualifier, struct lambda_name *name)
{
    const struct lambda_function_row *row;
    int r = lambda_name_read(call, function, qualifier, name);

    return r ? r : lambda_find_version(call, name, false, &row);
}

int
lambda_no_resource(struct api_call *call)
{
    return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                     "The resource you requested does not exist.");
}

struct str
lambda_policy_revision(struct api_call *call, const struct lambda_name *name)
{
    const struct lambda_policy_row *row = lambda_policy_get(call->txn, policy_key(call, name));

    assert(!row || row->revision.n > 0);
    return row ? row->revision : STR_NONE;
}

/* The policy must be the one that the caller knows. */
static int
revision_check(struct api_call *call, const struct lambda_name *name, struct str revision)
{
    struct str is = lambda_policy_revision(call, name);

    return is.p ? lambda_revision_check(call, revision, is) : 0;
}

int
lambda_statement_add(struct api_call *call, const struct lambda_name *name, struct str sid,
                     struct str statement, struct str revision, struct str *ret_revision)
{
    const struct lambda_permission_row row = {
        .id = permission_key(call, name, sid),
        .account = name->account,
        .region = name->region,
        .function = name->name,
        .qualifier = qualifier_of(name),
        .sid = sid,
        .statement = statement,
        .created_ms = call->now_ms,
    };
    int r = revision_check(call, name, revision);

    if (r)
        return r;
    assert(sid.n > 0 && name->name.n > 0);
    if (lambda_permission_get(call->txn, row.id))
        return api_fault(call, &LAMBDA_ERR(ResourceConflictException),
                         "The statement id (%.*s) provided already exists. Please provide a new "
                         "statement id, or remove the existing statement.",
                         STR_ARG(sid));
    struct str policy = lambda_policy(call, name);

    if (!statement.p || policy.n + statement.n > LAMBDA_POLICY_BYTES_MAX)
        return api_fault(call, &LAMBDA_ERR(PolicyLengthExceededException),
                         "The final policy size (%zu) is bigger than the limit (%d).",
                         policy.n + statement.n, LAMBDA_POLICY_BYTES_MAX);
    r = lambda_permission_insert(call->txn, &row);
    if (r >= 0)
        r = touch(call, name);
    if (ret_revision)
        *ret_revision = lambda_policy_revision(call, name);
    return r;
}

int
lambda_statement_remove(struct api_call *call, const struct lambda_name *name, struct str sid,
                        struct str revision)
{
    struct str key = permission_key(call, name, sid);
    int r = revision_check(call, name, revision);

    if (r)
        return r;
    if (!lambda_policy(call, name).p)
        return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                         "No policy is associated with the given resource.");
    if (!lambda_permission_get(call->txn, key))
        return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                         "Statement %.*s is not found in resource policy.", STR_ARG(sid));
    r = lambda_permission_delete(call->txn, key);
    return r < 0 ? r : touch(call, name);
}

int
lambda_permissions_drop(struct api_call *call, const struct lambda_name *name, bool all)
{
    int r = 0;

    STORE_EACH(call->txn, lambda_permission_by_function, row, name->account, name->region,
               name->name) {
        struct lambda_name of = *name;

        if (!all && !str_eq(row->qualifier, qualifier_of(name)))
            continue;
        of.qualifier = row->qualifier.n ? str_dup(call->arena, row->qualifier) : STR_NONE;
        struct str key = policy_key(call, &of);

        if (r >= 0)
            r = lambda_permission_delete(call->txn, row->id);
        if (r >= 0 && lambda_policy_get(call->txn, key))
            r = lambda_policy_delete(call->txn, key);
    }
    return r;
}

/* ---- the operations ---- */

int
lambda_add_permission(struct api_call *call, const struct lambda_AddPermissionRequest *req,
                      struct lambda_AddPermissionResponse *res)
{
    struct lambda_name name;
    int r = find(call, req->function_name, req->qualifier, &name);

    if (r)
        return r;
    if (str_is(name.qualifier, LAMBDA_LATEST))
        return lambda_bad(call, "We currently do not support adding policies for $LATEST.");
    if (req->function_url_auth_type.p && !str_is(req->action, "lambda:InvokeFunctionUrl"))
        return lambda_bad(call, "FunctionUrlAuthType is only supported for "
                                "lambda:InvokeFunctionUrl action");
    res->statement = statement_of(call, req, &name);
    return lambda_statement_add(call, &name, req->statement_id, res->statement, req->revision_id,
                                NULL);
}

int
lambda_remove_permission(struct api_call *call, const struct lambda_RemovePermissionRequest *req,
                         struct lambda_RemovePermissionResult *res UNUSED)
{
    struct lambda_name name;
    int r = find(call, req->function_name, req->qualifier, &name);

    return r ? r : lambda_statement_remove(call, &name, req->statement_id, req->revision_id);
}

int
lambda_get_policy(struct api_call *call, const struct lambda_GetPolicyRequest *req,
                  struct lambda_GetPolicyResponse *res)
{
    struct lambda_name name;
    int r = find(call, req->function_name, req->qualifier, &name);

    if (r)
        return r;
    res->policy = lambda_policy(call, &name);
    if (!res->policy.p)
        return lambda_no_resource(call);
    res->revision_id = lambda_policy_revision(call, &name);
    return 0;
}
