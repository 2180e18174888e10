/*
 * Only what policies say: the resource's own policy is not looked at, and tags of the thing and
 * keys of the request are those that the question names.
 */
#include "api/explain.h"

#include "api/guard.h"
#include "gen/store/iam_rows.h"

/* "arn:aws:iam::123456789012:user/x/bob": service, account and what follows it. */
static bool
cut_arn(struct str arn, struct str *ret_service, struct str *ret_account, struct str *ret_rest)
{
    struct str rest = arn;

    assert(str_ok(arn));
    if (!str_is(str_split(&rest, ':'), "arn") || !str_split(&rest, ':').n)
        return false;
    *ret_service = str_split(&rest, ':');
    str_split(&rest, ':');
    *ret_account = str_split(&rest, ':');
    *ret_rest = rest;
    return ret_account->n == 12 && rest.n > 0;
}

static struct str
last_part(struct str path)
{
    size_t at = path.n;

    assert(str_ok(path));
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    return str_cut(path, at, path.n);
}

static bool
become_user(struct api_call *call, struct str account, struct str name)
{
    const struct iam_user_row *row =
        iam_user_by_name_get(call->txn, account, str_lower(call->arena, name));

    assert(str_ok(account));
    if (row)
        call->principal = (struct policy_principal){
            .kind = POLICY_USER, .account = account, .id = row->id, .unique_id = row->id};
    return row != NULL;
}

static bool
become_role(struct api_call *call, struct str account, struct str name, struct str session)
{
    const struct iam_role_row *row =
        iam_role_by_name_get(call->txn, account, str_lower(call->arena, name));

    assert(str_ok(account));
    if (!row)
        return false;
    call->principal = (struct policy_principal){
        .kind = POLICY_SESSION,
        .account = account,
        .id = str_fmt(call->arena, "%.*s:%.*s", STR_ARG(row->id), STR_ARG(session)),
        .role_arn = str_fmt(call->arena, "arn:aws:iam::%.*s:role%.*s%.*s", STR_ARG(account),
                            STR_ARG(row->path), STR_ARG(row->name)),
        .unique_id = row->id,
    };
    return true;
}

/* Makes the call the principal's; false: there is none of that ARN. */
static bool
become(struct api_call *call, struct str arn)
{
    struct str service, account, rest, session = S("explain");
    bool ok = false;

    if (!cut_arn(arn, &service, &account, &rest))
        return false;
    struct str kind = str_split(&rest, '/');

    if (str_is(service, "iam") && str_is(kind, "root")) {
        call->principal = (struct policy_principal){
            .kind = POLICY_ROOT, .account = account, .id = account, .unique_id = account};
        ok = true;
    } else if (str_is(service, "iam") && str_is(kind, "user")) {
        ok = become_user(call, account, last_part(rest));
    } else if (str_is(service, "iam") && str_is(kind, "role")) {
        ok = become_role(call, account, last_part(rest), session);
    } else if (str_is(service, "sts") && str_is(kind, "assumed-role")) {
        struct str role = str_split(&rest, '/');

        ok = become_role(call, account, role, rest.n ? rest : session);
    }
    call->account = account;
    call->principal.arn = call->principal_arn = arn;
    return ok;
}

/* Keys that are named several times have several values. */
static void
add_keys(struct api_call *call, const struct str_list *pairs, struct policy_context *to)
{
    assert(pairs->n % 2 == 0);
    for (size_t i = 0; i + 1 < pairs->n; i += 2) {
        struct str_list values = {0};
        bool seen = false;

        for (size_t k = 0; k < i; k += 2)
            seen |= str_eq_nocase(pairs->v[k], pairs->v[i]);
        if (seen)
            continue;
        for (size_t k = i; k + 1 < pairs->n; k += 2)
            if (str_eq_nocase(pairs->v[k], pairs->v[i]))
                *LIST_PUSH(call->arena, &values) = pairs->v[k + 1];
        *LIST_PUSH(call->arena, to) = (struct policy_key){
            .name = pairs->v[i], .values = values.v, .n = values.n, .multi = values.n > 1};
    }
}

static int
decide(struct api_call *call, const struct api_question *q, struct api_answer *ret)
{
    struct policy_context context = {0};
    int r = api_caller_load(call);

    if (r < 0)
        return r;
    add_keys(call, &q->context, &context);
    api_context_add(call, &context, S("aws:RequestedRegion"), call->region);
    for (size_t i = 0; i < call->caller->keys.n; i++)
        *LIST_PUSH(call->arena, &context) = call->caller->keys.v[i];
    const struct policy_request asked = {.action = q->action,
                                         .resource = q->resource,
                                         .principal = &call->principal,
                                         .context = &context};
    struct policy_decision d = policy_decide(&call->caller->set, &asked);

    ret->allowed = d.allowed;
    ret->decided_by = api_decided_by(call->arena, &d);
    ret->policy = api_policy_name(call->caller, d.policy);
    ret->policies = call->caller->names;
    return 0;
}

int
api_explain(struct api *api, struct arena *arena, const struct api_question *q,
            struct api_answer *ret, struct str *ret_why)
{
    struct api_call call = api_call_of_operator(api, arena);
    int r = 1;

    if (q->region.n)
        call.region = q->region;
    if (str_find_char(q->action, ':') == SIZE_MAX) {
        *ret_why = S("An action is written SERVICE:ACTION, as ec2:RunInstances.");
        return 1;
    }
    call.txn = store_begin(call.store);
    if (become(&call, q->principal))
        r = decide(&call, q, ret);
    else
        *ret_why = S("There is no such principal. Give the ARN of a user, a role or a root.");
    store_rollback(call.txn);
    return r;
}
