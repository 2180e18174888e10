/*
 * What one document says, and what many say together.
 *
 * 1. A Deny of any document is final.
 * 2. Each level of the organization must allow.
 * 3. In the resource's own account an Allow of its policy counts by how it names the caller:
 *
 *      the user, the session, everyone   allowed, whatever boundary and session policies leave out
 *      the session's role, the user      allowed, as far as boundary and session policies allow too
 *        of a federated session
 *      the account                       nothing by itself: identity policies must allow; for keys
 *                                        and roles (resource_rules) it is what lets them speak
 *
 * 4. Otherwise an identity policy must allow, then the boundary, then the session policies; from
 *    another account, the resource's policy as well.
 *
 * The root of the resource's account needs no policy of its own, only nobody who denies.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * (and …/reference_policies_evaluation-logic-cross-account.html)
 */
#include "policy/internal.h"

/* A request, with what is the same for all documents. */
struct asked {
    const struct policy_request *req;
    struct str service, name; /* of the action */
    uint32_t fingerprint;
};

/* What one document says; of several Allows the one that reaches farthest. */
struct verdict {
    const struct statement *allow, *deny;
    const struct policy *by;
    enum reach reach; /* of the Allow */
};

static struct asked
ask(const struct policy_request *req)
{
    struct asked a = {.req = req, .name = req->action};

    assert(req->principal);
    a.service = str_split(&a.name, ':');
    a.fingerprint = service_fingerprint(a.service);
    return a;
}

/* ---- statements ---- */

static bool
action_matches(const struct statement *s, const struct asked *a)
{
    assert(s->n_actions > 0 && s->services && s->actions);
    for (size_t i = 0; i < s->n_actions; i++) {
        if (s->services[i] != a->fingerprint && s->services[i] != 0)
            continue;
        const struct action *x = &s->actions[i];

        if (x->service.n && !str_eq_nocase(x->service, a->service))
            continue;
        if (pattern_match(&x->name, a->name, NULL, true) == MATCH_YES)
            return true;
    }
    return false;
}

static bool
resource_matches(const struct statement *s, const struct asked *a)
{
    bool unresolved = false;

    assert(s->has_resource || !s->n_resources);
    if (!s->has_resource)
        return true;
    for (size_t i = 0; i < s->n_resources; i++) {
        enum match m = pattern_match(&s->resources[i], a->req->resource, a->req->context, false);

        if (m == MATCH_YES)
            return !s->not_resource;
        unresolved |= m == MATCH_UNRESOLVED;
    }
    return s->not_resource && !unresolved;
}

static enum reach
reach_of(const struct statement *s, const struct asked *a)
{
    const struct policy_principal *who = a->req->principal;

    if (!s->has_principal)
        return REACH_DIRECT;
    if (!s->not_principal)
        return principal_reach(s->principals, s->n_principals, who);
    bool out = s->deny ? principal_is_spared(s->principals, s->n_principals, who)
                       : principal_reach(s->principals, s->n_principals, who) != REACH_NONE;

    return out ? REACH_NONE : REACH_DIRECT;
}

static bool
conditions_hold(const struct statement *s, const struct asked *a)
{
    for (size_t i = 0; i < s->n_conditions; i++)
        if (!condition_holds(&s->conditions[i], a->req->context))
            return false;
    return true;
}

static void
judge(const struct policy *p, const struct asked *a, struct verdict *v)
{
    *v = (struct verdict){.by = p};
    for (size_t i = 0; i < p->n && !v->deny; i++) {
        const struct statement *s = &p->statements[i];

        if (!s->deny && v->reach == REACH_DIRECT)
            continue; /* no Allow says more */
        if (action_matches(s, a) == s->not_action)
            continue;
        enum reach reach = reach_of(s, a);

        if (reach == REACH_NONE || (!s->deny && reach <= v->reach) || !resource_matches(s, a) ||
            !conditions_hold(s, a))
            continue;
        assert(!s->deny || !v->deny);
        if (s->deny) {
            v->deny = s;
        } else {
            v->allow = s;
            v->reach = reach;
        }
    }
}

/* The first Deny of a list, else its first Allow. */
static struct verdict
judge_list(const struct policy_list *list, const struct asked *a)
{
    struct verdict all = {0}, v;

    assert(list->v || list->n == 0);
    for (size_t i = 0; i < list->n; i++) {
        judge(list->v[i], a, &v);
        if (v.deny)
            return v;
        if (v.allow && !all.allow)
            all = v;
    }
    return all;
}

static struct verdict
judge_one(const struct policy *p, const struct asked *a)
{
    struct verdict v = {0};

    if (p)
        judge(p, a, &v);
    return v;
}

static struct policy_match
match_of(const struct verdict *v)
{
    const struct statement *s = v->deny ? v->deny : v->allow;

    if (!s)
        return (struct policy_match){.effect = POLICY_SILENT};
    assert(s >= v->by->statements && s < v->by->statements + v->by->n);
    return (struct policy_match){.effect = s->deny ? POLICY_DENY : POLICY_ALLOW,
                                 .statement = (unsigned)(s - v->by->statements),
                                 .sid = s->sid};
}

struct policy_match
policy_eval(const struct policy *policy, const struct policy_request *req)
{
    struct asked a = ask(req);
    struct verdict v;

    assert(policy && req);
    judge(policy, &a, &v);
    return match_of(&v);
}

/* ---- all together ---- */

struct verdicts {
    struct verdict scp, resource, identity, boundary, session;
    bool scps_allow;
};

static struct policy_decision
decided(enum policy_by by, bool allowed, const struct verdict *v)
{
    struct policy_decision d = {.allowed = allowed, .by = by};

    assert(!allowed || by != POLICY_BY_NOBODY);

    if (v && (allowed ? v->allow : v->deny)) {
        d.policy = v->by;
        d.match = match_of(v);
        d.explicit_deny = v->deny != NULL;
    }
    assert(!allowed || !d.explicit_deny);
    return d;
}

static struct verdict
judge_scps(const struct policy_set *set, const struct asked *a, bool *ret_allow)
{
    struct verdict v = {0};

    assert(set->scps || set->n_scps == 0);
    *ret_allow = true;
    for (size_t i = 0; i < set->n_scps; i++) {
        v = judge_list(&set->scps[i], a);
        if (v.deny)
            return v;
        *ret_allow &= v.allow != NULL;
    }
    return v;
}

/* Whether boundary and session policies leave it; false: *ret says which does not. */
static bool
limits_allow(const struct policy_set *set, const struct policy_request *req,
             const struct verdicts *v, struct policy_decision *ret)
{
    bool federated = req->principal->kind == POLICY_FEDERATED_USER;

    if (set->boundary && !v->boundary.allow) {
        *ret = decided(POLICY_BY_BOUNDARY, false, NULL);
        return false;
    }
    if ((set->has_session || federated) && !v->session.allow) {
        *ret = decided(POLICY_BY_SESSION, false, NULL);
        return false;
    }
    return true;
}

static bool
has_identity(const struct policy_principal *who)
{
    return who->kind == POLICY_ROOT || who->kind == POLICY_USER || who->kind == POLICY_SESSION ||
           who->kind == POLICY_FEDERATED_USER;
}

/* Nobody denies, and the organization allows. */
static struct policy_decision
decide_allow(const struct policy_set *set, const struct policy_request *req,
             const struct verdicts *v)
{
    const struct policy_principal *who = req->principal;

    assert(!v->resource.deny && !v->identity.deny && !v->boundary.deny && !v->session.deny);
    enum reach reach = v->resource.allow ? v->resource.reach : REACH_NONE;
    struct policy_decision limited;
    bool home = set->resource_account.n == 0 || str_eq(set->resource_account, who->account);
    bool must = !home || set->resource_rules || !has_identity(who);

    if (must && reach == REACH_NONE)
        return decided(POLICY_BY_RESOURCE, false, NULL);
    if (!has_identity(who))
        return decided(POLICY_BY_RESOURCE, true, &v->resource);
    if (who->kind == POLICY_ROOT) {
        bool resource = must || reach != REACH_NONE;

        return decided(resource ? POLICY_BY_RESOURCE : POLICY_BY_ROOT, true,
                       resource ? &v->resource : NULL);
    }
    if (home && reach == REACH_DIRECT)
        return decided(POLICY_BY_RESOURCE, true, &v->resource);
    if (home && reach == REACH_ROLE) {
        if (!limits_allow(set, req, v, &limited))
            return limited;
        return decided(POLICY_BY_RESOURCE, true, &v->resource);
    }
    if (!v->identity.allow)
        return decided(POLICY_BY_NOBODY, false, NULL);
    if (!limits_allow(set, req, v, &limited))
        return limited;
    return decided(POLICY_BY_IDENTITY, true, &v->identity);
}

struct policy_decision
policy_decide(const struct policy_set *set, const struct policy_request *req)
{
    struct asked a = ask(req);
    struct verdicts v = {0};

    assert(set && req);
    /* In the order in which AWS names the one that denied. */
    v.scp = judge_scps(set, &a, &v.scps_allow);
    if (v.scp.deny)
        return decided(POLICY_BY_SCP, false, &v.scp);
    v.resource = judge_one(set->resource, &a);
    if (v.resource.deny)
        return decided(POLICY_BY_RESOURCE, false, &v.resource);
    v.identity = judge_list(&set->identity, &a);
    if (v.identity.deny)
        return decided(POLICY_BY_IDENTITY, false, &v.identity);
    v.boundary = judge_one(set->boundary, &a);
    if (v.boundary.deny)
        return decided(POLICY_BY_BOUNDARY, false, &v.boundary);
    if (set->has_session)
        v.session = judge_list(&set->session, &a);
    if (v.session.deny)
        return decided(POLICY_BY_SESSION, false, &v.session);
    if (!v.scps_allow)
        return decided(POLICY_BY_SCP, false, NULL);
    return decide_allow(set, req, &v);
}
