/*
 * What is kept is what policies look at: the principal and, of temporary credentials, the session
 * with its policies and tags.  No key and no token: whoever reads the row can call nothing with it.
 * A user or role that is gone since has no policies any more, so its stacks fail as on AWS.
 */
#include "api/actor.h"

#include "api/guard.h"
#include "base/timefmt.h"
#include "gen/store/iam_rows.h"

static void
add(struct arena *a, struct str_list *to, const char *name, struct str value)
{
    assert(name[0] != '\0' && str_ok(value));
    if (!value.n)
        return;
    *LIST_PUSH(a, to) = str_from(name);
    *LIST_PUSH(a, to) = value;
}

static void
add_int(struct arena *a, struct str_list *to, const char *name, int64_t v)
{
    assert(name[0] != '\0');
    add(a, to, name, str_fmt(a, "%lld", (long long)v));
}

static void
add_principal(struct arena *a, struct str_list *to, const struct policy_principal *p)
{
    add_int(a, to, "kind", p->kind);
    add(a, to, "account", p->account);
    add(a, to, "arn", p->arn);
    add(a, to, "id", p->id);
    add(a, to, "role", p->role_arn);
    add(a, to, "unique", p->unique_id);
}

static void
add_session(struct arena *a, struct str_list *to, const struct session *s)
{
    add_int(a, to, "session", s->kind);
    add(a, to, "owner", s->owner_id);
    add(a, to, "name", s->name);
    add_int(a, to, "issued", s->issued_ms);
    LIST_EACH(&s->policies, p)
        add(a, to, "policy", *p);
    LIST_EACH(&s->policy_arns, arn)
        add(a, to, "policy-arn", *arn);
    for (size_t i = 0; i + 1 < s->tags.n; i += 2) {
        add(a, to, "tag",
            str_fmt(a, "%.*s=%.*s", STR_ARG(s->tags.v[i]), STR_ARG(s->tags.v[i + 1])));
    }
    add(a, to, "source", s->source_identity);
    add(a, to, "provider", s->provider);
    if (s->mfa)
        add_int(a, to, "mfa", s->mfa_ms);
}

struct str_list
api_actor_keep(struct api_call *call)
{
    struct str_list list = {0};

    assert(call->account.n == 12);
    add_principal(call->arena, &list, &call->principal);
    if (call->session)
        add_session(call->arena, &list, call->session);
    return list;
}

static const struct iam_role_row *
own_role(struct api_call *call, struct str role_arn)
{
    STORE_EACH(call->txn, iam_role_by_key, row) {
        struct str arn = str_fmt(call->arena, "arn:aws:iam::%.*s:role%.*s%.*s",
                                 STR_ARG(row->account), STR_ARG(row->path), STR_ARG(row->name));

        if (str_eq(arn, role_arn))
            return str_eq(row->account, call->account) ? row : NULL;
    }
    return NULL;
}

bool
api_role_trusts(struct api_call *call, struct str role_arn, const char *service)
{
    const struct policy_principal who = {.kind = POLICY_SERVICE, .service = str_from(service)};
    const struct iam_role_row *row = own_role(call, role_arn);
    const struct str now = time_iso_s(call->arena, call->now_ms);
    struct policy_key time_key = {.name = S("aws:CurrentTime"), .values = &now, .n = 1};
    const struct policy_context context = {&time_key, 1};
    const struct policy_request req = {
        .action = S("sts:AssumeRole"), .resource = S("*"), .principal = &who, .context = &context};
    struct policy *policy;
    struct str why;

    if (!row || policy_parse(&policy, row->trust_policy, POLICY_TRUST, call->arena, &why) != 0)
        return false;
    struct policy_match match = policy_eval(policy, &req);

    policy_free(policy);
    return match.effect == POLICY_ALLOW;
}

struct str_list
api_actor_role(struct api_call *call, struct str role_arn, struct str session_name)
{
    struct arena *a = call->arena;
    struct str_list list = {0};
    const struct iam_role_row *row = own_role(call, role_arn);

    if (!row)
        return list;
    add_principal(
        a, &list,
        &(struct policy_principal){
            .kind = POLICY_SESSION,
            .account = row->account,
            .arn = str_fmt(a, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(row->account),
                           STR_ARG(row->name), STR_ARG(session_name)),
            .id = str_fmt(a, "%.*s:%.*s", STR_ARG(row->id), STR_ARG(session_name)),
            .role_arn = role_arn,
            .unique_id = row->id,
        });
    add_session(a, &list,
                &(struct session){.kind = SESSION_ROLE,
                                  .owner_id = row->id,
                                  .name = session_name,
                                  .issued_ms = call->now_ms});
    return list;
}

struct str_list
api_actor_account(struct arena *arena, struct str account)
{
    struct str_list list = {0};

    assert(account.n == 12);
    add_principal(arena, &list,
                  &(struct policy_principal){
                      .kind = POLICY_ROOT,
                      .account = account,
                      .arn = str_fmt(arena, "arn:aws:iam::%.*s:root", STR_ARG(account)),
                      .id = account,
                      .unique_id = account,
                  });
    return list;
}

/* ---- and back ---- */

struct kept {
    struct arena *arena;
    struct policy_principal principal;
    struct session session;
    bool has_session;
    int64_t kind, session_kind;
};

static void
take_tag(struct kept *k, struct str value)
{
    struct str key = str_split(&value, '=');

    *LIST_PUSH(k->arena, &k->session.tags) = key;
    *LIST_PUSH(k->arena, &k->session.tags) = value;
}

/* Numbers and lists; texts are in a table below. */
static bool
take_other(struct kept *k, struct str name, struct str value)
{
    if (str_is(name, "kind"))
        return str_to_i64(value, &k->kind);
    if (str_is(name, "session")) {
        k->has_session = true;
        return str_to_i64(value, &k->session_kind);
    }
    if (str_is(name, "issued"))
        return str_to_i64(value, &k->session.issued_ms);
    if (str_is(name, "mfa")) {
        k->session.mfa = true;
        return str_to_i64(value, &k->session.mfa_ms);
    }
    if (str_is(name, "policy"))
        *LIST_PUSH(k->arena, &k->session.policies) = value;
    else if (str_is(name, "policy-arn"))
        *LIST_PUSH(k->arena, &k->session.policy_arns) = value;
    else if (str_is(name, "tag"))
        take_tag(k, value);
    else
        return false;
    return true;
}

static bool
take(struct kept *k, struct str name, struct str value)
{
    const struct {
        const char *name;
        struct str *to;
    } texts[] = {
        {"account", &k->principal.account},
        {"arn", &k->principal.arn},
        {"id", &k->principal.id},
        {"role", &k->principal.role_arn},
        {"unique", &k->principal.unique_id},
        {"owner", &k->session.owner_id},
        {"name", &k->session.name},
        {"source", &k->session.source_identity},
        {"provider", &k->session.provider},
    };

    assert(str_ok(name) && str_ok(value));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (str_is(name, texts[i].name)) {
            *texts[i].to = value;
            return true;
        }
    }
    return take_other(k, name, value);
}

bool
api_actor_call(struct api *api, struct arena *arena, const struct str_list *actor,
               struct str region, struct api_call *ret)
{
    struct kept k = {.arena = arena};
    bool ok = actor->n > 0 && actor->n % 2 == 0;

    assert(actor->v || actor->n == 0);
    for (size_t i = 0; ok && i + 1 < actor->n; i += 2)
        ok = take(&k, str_dup(arena, actor->v[i]), str_dup(arena, actor->v[i + 1]));
    if (!ok || !k.principal.account.n)
        return false;
    *ret = api_call_of_operator(api, arena);
    ret->region = str_dup(arena, region);
    ret->request_id = api_uuid(ret->env, arena);
    k.principal.kind = (enum policy_principal_kind)k.kind;
    ret->account = k.principal.account;
    ret->principal = k.principal;
    ret->principal_arn = k.principal.arn;
    ret->principal_id = k.principal.id;
    if (k.has_session) {
        k.session.kind = (enum session_kind)k.session_kind;
        k.session.account = k.principal.account;
        ret->session = arena_dup(arena, &k.session, sizeof(k.session));
    }
    return true;
}

struct api_call
api_service_call(struct api *api, struct arena *arena, const char *service, struct str account,
                 struct str region, struct str source_arn)
{
    struct api_call call = api_call_of_operator(api, arena);

    assert(account.n == 12 && region.n > 0 && service[0] != '\0');
    call.region = str_dup(arena, region);
    call.account = str_dup(arena, account);
    call.request_id = api_uuid(call.env, arena);
    call.source_arn = str_dup(arena, source_arn);
    call.principal =
        (struct policy_principal){.kind = POLICY_SERVICE, .service = str_from(service)};
    call.principal_arn = call.principal.service; /* what refusals and logs call it */
    return call;
}
