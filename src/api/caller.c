/*
 * The policies of a principal, found in IAM's rows.  A set is made once a call, from index
 * look-ups; what it points to is compiled already (policy_cache.h).
 *
 *   user            inline and attached, then those of its groups; its boundary
 *   role session    the role's; its boundary; session policies
 *   federated user  the user's whose key asked for it, within session policies, of which none
 *                   means no permission at all; a root's have no limit but those
 *   root            none: it needs none
 */
#include "api/guard.h"

#include "api/managed_policy.h"
#include "codec/identity.h"
#include "base/error.h"
#include "gen/store/iam_rows.h"
#include "store/keys.h"

#include <stdlib.h>
#include <strings.h>

/* ---- the guard ---- */

struct api_guard *
api_guard_new(const struct api_config *config)
{
    struct api_guard *guard = calloc(1, sizeof(*guard));
    uint64_t seed;

    assert(config->store && config->env);
    if (!guard)
        return NULL;
    config->env->random(config->env, &seed, sizeof(seed));
    guard->services = config->services;
    policy_cache_init(&guard->policies, seed);
    if (store_key_load(config->store, config->env, "session", guard->session_key) < 0 ||
        store_key_load(config->store, config->env, "authorization-message", guard->message_key) < 0)
        return api_guard_free(guard);
    return guard;
}

struct api_guard *
api_guard_free(struct api_guard *guard)
{
    if (!guard)
        return NULL;
    policy_cache_done(&guard->policies);
    identity_free(guard->identity);
    explicit_bzero(guard->session_key, sizeof(guard->session_key));
    explicit_bzero(guard->message_key, sizeof(guard->message_key));
    free(guard);
    return NULL;
}

const uint8_t *
api_session_key(const struct api_call *call)
{
    return call->guard->session_key;
}

/* ---- documents ---- */

struct policies {
    const struct policy **v;
    size_t n;
};

/* Compiles a document under a name into a list. */
static int
add(struct api_call *call, struct policies *to, struct str_list *names, struct str name,
    struct str json)
{
    const struct policy *policy;
    int r =
        policy_cache_get(&call->guard->policies, call->arena, name, POLICY_IDENTITY, json, &policy);

    assert(str_ok(json));
    if (r < 0)
        return r;
    *LIST_PUSH(call->arena, to) = policy;
    if (names)
        *LIST_PUSH(call->arena, names) = name;
    return 0;
}

struct str
api_managed_document(struct api_call *call, struct str arn)
{
    struct managed_policy managed;
    const struct iam_policy_row *row = iam_policy_by_arn_get(call->txn, arn);

    assert(str_ok(arn));
    if (!row)
        return managed_policy_find(arn, &managed) ? managed.document : STR_NONE;
    struct str id =
        str_fmt(call->arena, "%.*s/v%lld", STR_ARG(row->id), (long long)row->default_version);
    const struct iam_policy_version_row *version = iam_policy_version_get(call->txn, id);

    return version ? version->document : STR_NONE;
}

/* A managed policy that is not there grants nothing: it cannot be deleted while attached, but a
 * session may name one that is gone since. */
static int
add_managed(struct api_call *call, struct policies *to, struct str_list *names, struct str arn)
{
    struct str json = api_managed_document(call, arn);

    assert(str_ok(arn));
    return json.p ? add(call, to, names, arn, json) : 0;
}

static int
add_owned(struct api_call *call, struct policies *to, struct str_list *names, struct str owner)
{
    int r = 0;

    assert(owner.n > 0);
    STORE_EACH(call->txn, iam_inline_by_owner, row, owner) {
        if (r == 0)
            r = add(call, to, names, row->id, row->document);
    }
    STORE_EACH(call->txn, iam_attachment_by_owner, row, owner) {
        if (r == 0)
            r = add_managed(call, to, names, row->policy_arn);
    }
    return r;
}

static int
add_groups(struct api_call *call, struct policies *to, struct str_list *names, struct str user)
{
    int r = 0;

    assert(user.n > 0);
    STORE_EACH(call->txn, iam_member_by_user, row, user) {
        if (r == 0)
            r = add_owned(call, to, names, row->group_id);
    }
    return r;
}

/*
 * A boundary that cannot be found must not set the principal free: it becomes a policy that
 * allows nothing.
 */
static int
boundary(struct api_call *call, struct str arn, struct policy_set *set)
{
    struct policies one = {0};
    struct str json;

    if (!arn.n)
        return 0;
    json = api_managed_document(call, arn);
    if (!json.p) {
        arn = S("nothing");
        json = S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","
                 "\"Action\":\"*\",\"Resource\":\"*\"}]}");
    }
    int r = add(call, &one, NULL, arn, json);

    if (r == 0)
        set->boundary = one.v[0];
    return r;
}

static int
session_policies(struct api_call *call, const struct session *s, struct policy_set *set)
{
    struct policies to = {0};
    int r = 0;

    for (size_t i = 0; i < s->policies.n && r == 0; i++)
        r = add(call, &to, NULL, str_fmt(call->arena, "%.*s/%zu", STR_ARG(s->access_key), i),
                s->policies.v[i]);
    for (size_t i = 0; i < s->policy_arns.n && r == 0; i++)
        r = add_managed(call, &to, NULL, s->policy_arns.v[i]);
    set->session = (struct policy_list){to.v, to.n};
    set->has_session = s->kind == SESSION_FEDERATED || s->policies.n > 0 || s->policy_arns.n > 0;
    return r;
}

/* ---- principals ---- */

static void
add_tags(struct arena *a, struct str_list *to, const struct str_list *tags)
{
    assert(tags->n % 2 == 0);
    for (size_t i = 0; i + 1 < tags->n; i += 2) {
        size_t at = 0;

        while (at < to->n && !str_eq_nocase(to->v[at], tags->v[i]))
            at += 2;
        if (at < to->n) {
            to->v[at + 1] = tags->v[i + 1]; /* the session's word counts */
            continue;
        }
        *LIST_PUSH(a, to) = tags->v[i];
        *LIST_PUSH(a, to) = tags->v[i + 1];
    }
}

/* The user that the principal is, or that a federated user acts for; NULL: a root. */
static const struct iam_user_row *
user_of(const struct api_call *call)
{
    struct str id = call->session ? call->session->owner_id : call->principal.unique_id;

    return iam_user_get(call->txn, id);
}

/* What a root's federated user may do within its session policies: all. */
static const struct str EVERYTHING =
    S_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
           "\"Resource\":\"*\"}]}");

static int
load_user(struct api_call *call, struct api_caller *caller, struct policies *identity)
{
    const struct iam_user_row *user = user_of(call);

    if (!user)
        return call->principal.kind == POLICY_FEDERATED_USER
                   ? add(call, identity, &caller->names, S("root"), EVERYTHING)
                   : 0;
    int r = add_owned(call, identity, &caller->names, user->id);

    if (r == 0)
        r = add_groups(call, identity, &caller->names, user->id);
    if (r == 0)
        r = boundary(call, user->boundary, &caller->set);
    if (call->principal.kind == POLICY_USER)
        add_tags(call->arena, &caller->tags, &user->tags);
    return r;
}

static int
load_role(struct api_call *call, struct api_caller *caller, struct policies *identity)
{
    const struct iam_role_row *role = iam_role_get(call->txn, call->principal.unique_id);

    /* deleted in this very call */
    if (!role)
        return 0;
    add_tags(call->arena, &caller->tags, &role->tags);
    int r = add_owned(call, identity, &caller->names, role->id);

    return r == 0 ? boundary(call, role->boundary, &caller->set) : r;
}

int
api_caller_load(struct api_call *call)
{
    struct api_caller *caller;
    struct policies identity = {0};
    int r = 0;

    if (call->caller)
        return 0;
    assert(call->txn);
    if (!call->via.p) /* else the call that made this one has policies in hand */
        policy_cache_trim(&call->guard->policies, POLICY_CACHE_MAX_BYTES);
    caller = ARENA_NEW(call->arena, struct api_caller);
    if (call->principal.kind == POLICY_SESSION)
        r = load_role(call, caller, &identity);
    else if (call->principal.kind == POLICY_USER || call->principal.kind == POLICY_FEDERATED_USER)
        r = load_user(call, caller, &identity);
    if (r == 0 && call->session) {
        add_tags(call->arena, &caller->tags, &call->session->tags);
        r = session_policies(call, call->session, &caller->set);
    }
    if (r < 0)
        return r;
    caller->set.identity = (struct policy_list){identity.v, identity.n};
    api_context_caller(call, &caller->tags, &caller->keys);
    call->caller = caller;
    return 0;
}
