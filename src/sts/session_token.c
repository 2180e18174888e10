/*
 * GetSessionToken and GetFederationToken: credentials that are a user's or a root's own, for a
 * time, the latter within policies and for somebody else.  Only long-term keys may ask.
 */
#include "sts/sts.h"

enum { LONG_DEFAULT_S = 43200, ROOT_MAX_S = 3600 };

static int
long_term_only(struct api_call *call, const char *operation)
{
    if (!call->session)
        return 0;
    return api_fault(call, &sts_access_denied, "Cannot call %s with session credentials",
                     operation);
}

/* A root's session lasts an hour at most, whatever it asks for. */
static int64_t
seconds_of(const struct api_call *call, struct opt_i64 want)
{
    int64_t seconds = opt_i64_or(want, LONG_DEFAULT_S);

    assert(seconds >= STS_MIN_S);
    return call->principal.kind == POLICY_ROOT ? MIN(seconds, ROOT_MAX_S) : seconds;
}

int
sts_get_session_token(struct api_call *call, const struct sts_GetSessionTokenRequest *req,
                      struct sts_GetSessionTokenResponse *res)
{
    struct session s = {
        .kind = SESSION_USER,
        .account = call->account,
        .owner_id = call->principal.unique_id,
    };
    int r = long_term_only(call, "GetSessionToken");

    if (r == 0)
        r = sts_mfa_check(call, s.owner_id, req->serial_number, req->token_code, &s.mfa);
    if (r)
        return r;
    assert(!call->session && s.owner_id.n);
    s.mfa_ms = s.mfa ? call->now_ms : 0;
    return sts_credentials_make(call, &s, seconds_of(call, req->duration_seconds),
                                &res->credentials);
}

int
sts_get_federation_token(struct api_call *call, const struct sts_GetFederationTokenRequest *req,
                         struct sts_GetFederationTokenResponse *res)
{
    const struct sts_limits limits = {
        .policy = req->policy, .policy_arns = &req->policy_arns, .tags = &req->tags};
    struct session s = {
        .kind = SESSION_FEDERATED,
        .account = call->account,
        .owner_id = call->principal.unique_id,
        .name = req->name,
    };
    int r = long_term_only(call, "GetFederationToken");

    if (r == 0)
        r = sts_limits_apply(call, &limits, &s, &res->packed_policy_size);
    if (r == 0)
        r = sts_credentials_make(call, &s, seconds_of(call, req->duration_seconds),
                                 &res->credentials);
    if (r)
        return r;
    assert(!call->session && s.expires_ms > s.issued_ms);
    res->federated_user = ARENA_NEW(call->arena, struct sts_FederatedUser);
    res->federated_user->federated_user_id =
        str_fmt(call->arena, "%.*s:%.*s", STR_ARG(call->account), STR_ARG(req->name));
    res->federated_user->arn = str_fmt(call->arena, "arn:aws:sts::%.*s:federated-user/%.*s",
                                       STR_ARG(call->account), STR_ARG(req->name));
    return 0;
}
