/*
 * AssumeRole.  The role's trust policy says who may, and only where it names the whole account do
 * the caller's own policies speak; tags and a source identity are actions of their own.
 */
#include "sts/sts.h"

/* ---- roles ---- */

/* Cuts "arn:aws:iam::ACCOUNT:role/PATH/NAME"; path has both slashes. */
static bool
cut_arn(struct str arn, struct str *ret_account, struct str *ret_path, struct str *ret_name)
{
    struct str rest = arn;
    static const char *const head[] = {"arn", "aws", "iam", ""};

    for (size_t i = 0; i < ARRAY_LEN(head); i++)
        if (!str_is(str_split(&rest, ':'), head[i]))
            return false;
    struct str account = str_split(&rest, ':'), kind = str_split(&rest, '/');
    size_t slash = SIZE_MAX;

    if (account.n != 12 || !str_is(kind, "role") || !rest.n)
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] == '/')
            slash = i;
    /* with the slash that ended "role" */
    *ret_path = slash == SIZE_MAX ? S("/") : str_of(rest.p - 1, slash + 2);
    *ret_name = slash == SIZE_MAX ? rest : str_cut(rest, slash + 1, rest.n);
    *ret_account = account;
    assert(ret_path->p[0] == '/' && ret_path->p[ret_path->n - 1] == '/');
    return ret_name->n > 0;
}

int
sts_role_find(struct api_call *call, struct str arn, const struct iam_role_row **ret)
{
    struct str account, path, name;

    if (!cut_arn(arn, &account, &path, &name))
        return api_fault(call, &sts_validation, "Request ARN is invalid");
    *ret = iam_role_by_name_get(call->txn, account, str_lower(call->arena, name));
    if (*ret && !(str_eq((*ret)->path, path) && str_eq((*ret)->name, name)))
        *ret = NULL;
    assert(!*ret || str_eq((*ret)->account, account));
    return 0;
}

struct api_resource
sts_role_resource(struct api_call *call, struct str arn, const struct iam_role_row *role)
{
    struct api_resource r = {
        .arn = arn,
        .account = role->account,
        .tags = &role->tags,
        .policy = role->trust_policy,
        .policy_kind = POLICY_TRUST,
        .policy_rules = true,
    };

    assert(role->trust_policy.n > 0);
    assert(role->tags.n % 2 == 0);
    for (size_t i = 0; i + 1 < role->tags.n; i += 2)
        api_context_add(call, &r.keys,
                        str_fmt(call->arena, "iam:ResourceTag/%.*s", STR_ARG(role->tags.v[i])),
                        role->tags.v[i + 1]);
    return r;
}

int
sts_role_seconds(struct api_call *call, const struct iam_role_row *role, struct opt_i64 want,
                 bool chained, int64_t *ret)
{
    int64_t seconds = opt_i64_or(want, STS_DEFAULT_S);

    if (chained && seconds > STS_ROLE_CHAIN_MAX_S)
        return api_fault(call, &sts_validation,
                         "The requested DurationSeconds exceeds the 1 hour session limit for "
                         "roles assumed by role chaining");
    if (seconds > role->max_session_s)
        return api_fault(call, &sts_validation,
                         "The requested DurationSeconds exceeds the MaxSessionDuration set for "
                         "this role.");
    assert(seconds >= STS_MIN_S && seconds <= role->max_session_s);
    *ret = seconds;
    return 0;
}

struct sts_AssumedRoleUser *
sts_assumed_user(struct api_call *call, const struct iam_role_row *role, struct str name)
{
    struct sts_AssumedRoleUser *user = ARENA_NEW(call->arena, struct sts_AssumedRoleUser);

    assert(role->id.n && name.n);
    user->assumed_role_id = str_fmt(call->arena, "%.*s:%.*s", STR_ARG(role->id), STR_ARG(name));
    user->arn = str_fmt(call->arena, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s",
                        STR_ARG(role->account), STR_ARG(role->name), STR_ARG(name));
    return user;
}

/* ---- may it ---- */

static int
refused(struct api_call *call, struct str role_arn)
{
    return api_fault(call, &sts_access_denied,
                     "User: %.*s is not authorized to perform: sts:AssumeRole on resource: %.*s",
                     STR_ARG(call->principal_arn), STR_ARG(role_arn));
}

/* What the request says that a trust policy may ask for. */
static void
conditions(struct api_call *call, const struct sts_AssumeRoleRequest *req, bool mfa,
           struct policy_context *ret)
{
    api_context_add(call, ret, S("sts:RoleSessionName"), req->role_session_name);
    if (req->external_id.p)
        api_context_add(call, ret, S("sts:ExternalId"), req->external_id);
    if (req->source_identity.p)
        api_context_add(call, ret, S("sts:SourceIdentity"), req->source_identity);
    if (mfa) {
        api_context_add(call, ret, S("aws:MultiFactorAuthPresent"), S("true"));
        api_context_add(call, ret, S("aws:MultiFactorAuthAge"), S("0"));
    }
    if (req->transitive_tag_keys.n)
        *LIST_PUSH(call->arena, ret) = (struct policy_key){.name = S("sts:TransitiveTagKeys"),
                                                           .values = req->transitive_tag_keys.v,
                                                           .n = req->transitive_tag_keys.n,
                                                           .multi = true};
}

static int
authorize(struct api_call *call, const struct sts_AssumeRoleRequest *req,
          const struct iam_role_row *role, bool mfa)
{
    struct api_resource resource = sts_role_resource(call, req->role_arn, role);
    struct policy_context context = {0};

    conditions(call, req, mfa, &context);
    int r = api_authorize_on(call, S("sts:AssumeRole"), &resource, &context);

    if (r > 0)
        return refused(call, req->role_arn);
    if (r == 0 && req->tags.n)
        r = api_authorize_on(call, S("sts:TagSession"), &resource, &context);
    if (r == 0 && req->source_identity.p)
        r = api_authorize_on(call, S("sts:SetSourceIdentity"), &resource, &context);
    return r;
}

/* ---- the call ---- */

/* The tags that the caller's own session carries on: those whose keys are transitive. */
static struct str_list
inherited_tags(struct api_call *call)
{
    struct str_list ret = {0};
    const struct session *s = call->session;

    for (size_t i = 0; s && i + 1 < s->tags.n; i += 2)
        if (str_in(&s->transitive, s->tags.v[i])) {
            *LIST_PUSH(call->arena, &ret) = s->tags.v[i];
            *LIST_PUSH(call->arena, &ret) = s->tags.v[i + 1];
        }
    assert(ret.n % 2 == 0);
    return ret;
}

static int
make_session(struct api_call *call, const struct sts_AssumeRoleRequest *req,
             const struct iam_role_row *role, bool mfa, struct sts_AssumeRoleResponse *res)
{
    struct str_list inherited = inherited_tags(call);
    bool chained = call->session && call->session->kind == SESSION_ROLE;
    const struct sts_limits limits = {
        .policy = req->policy,
        .policy_arns = &req->policy_arns,
        .tags = &req->tags,
        .transitive = &req->transitive_tag_keys,
        .inherited = &inherited,
    };
    struct session s = {
        .kind = SESSION_ROLE,
        .account = role->account,
        .owner_id = role->id,
        .name = req->role_session_name,
        .source_identity = req->source_identity,
        .chained = chained,
        .mfa = mfa,
        .mfa_ms = mfa ? call->now_ms : 0,
    };
    int64_t seconds = 0;

    /* a source identity goes on in a chain and cannot be changed */
    if (call->session && call->session->source_identity.n) {
        if (req->source_identity.p && !str_eq(req->source_identity, call->session->source_identity))
            return refused(call, req->role_arn);
        s.source_identity = call->session->source_identity;
    }
    int r = sts_role_seconds(call, role, req->duration_seconds, chained, &seconds);

    assert(r || !chained || seconds <= STS_ROLE_CHAIN_MAX_S);
    if (r == 0)
        r = sts_limits_apply(call, &limits, &s, &res->packed_policy_size);
    if (r == 0)
        r = sts_credentials_make(call, &s, seconds, &res->credentials);
    if (r)
        return r;
    res->assumed_role_user = sts_assumed_user(call, role, s.name);
    if (s.source_identity.n)
        res->source_identity = s.source_identity;
    assert(s.expires_ms - s.issued_ms == seconds * 1000);
    return 0;
}

int
sts_assume_role(struct api_call *call, const struct sts_AssumeRoleRequest *req,
                struct sts_AssumeRoleResponse *res)
{
    const struct iam_role_row *role;
    struct str owner = call->session ? call->session->owner_id : call->principal.unique_id;
    bool mfa;

    if (call->principal.kind == POLICY_ROOT)
        return api_fault(call, &sts_access_denied, "Roles may not be assumed by root accounts.");
    if (call->principal.kind == POLICY_FEDERATED_USER)
        return refused(call, req->role_arn);
    assert(call->principal.kind == POLICY_USER || call->principal.kind == POLICY_SESSION);
    if (req->provided_contexts.n)
        return api_fault(call, &sts_validation,
                         "ProvidedContexts is not supported: there is no IAM Identity Center.");
    int r = sts_role_find(call, req->role_arn, &role);

    if (r == 0 && !role)
        r = refused(call, req->role_arn);
    if (r == 0)
        r = sts_mfa_check(call, owner, req->serial_number, req->token_code, &mfa);
    if (r == 0)
        r = authorize(call, req, role, mfa);
    return r == 0 ? make_session(call, req, role, mfa, res) : r;
}
