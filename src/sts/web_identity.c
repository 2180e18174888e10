/*
 * AssumeRoleWithWebIdentity: a token of an OpenID Connect provider instead of a signature.
 *
 * Nothing is fetched from the network.  The keys that check tokens are those kept with the
 * account's provider (docs/sts.md says how they come there); all else is as on AWS.
 */
#include "sts/sts.h"

#include "base/timefmt.h"
#include "codec/jwt.h"

#define SKEW_MS (5 * 60 * 1000)

static int
token_fault(struct api_call *call, enum jwt_error error)
{
    assert(error != JWT_OK);
    switch (error) {
    case JWT_ALGORITHM:
        return api_fault(call, &sts_invalid_token,
                         "The ID Token provided is signed with an algorithm that is not "
                         "supported.");
    case JWT_NO_KEY:
        return api_fault(call, &sts_invalid_token,
                         "Couldn't retrieve verification key from your identity provider,  "
                         "please reference AssumeRoleWithWebIdentity documentation for "
                         "requirements");
    case JWT_SIGNATURE:
        return api_fault(call, &sts_invalid_token, "The token's signature is not valid.");
    case JWT_MALFORMED:
    case JWT_OK:
        break;
    }
    return api_fault(call, &sts_invalid_token,
                     "The ID Token provided is not a valid JWT. (You may see this error if you "
                     "sent an Access Token)");
}

/* What a token says of its bearer. */
struct bearer {
    struct str issuer; /* without https:// */
    struct str subject, audience;
    const struct iam_provider_row *provider;
};

/* `aud` is one text or several, of which the provider must know one. */
static bool
find_audience(const struct jwt *jwt, const struct iam_provider_row *provider, struct str *ret)
{
    const struct json *aud = json_get(&jwt->claims, "aud");
    struct str azp = json_text(&jwt->claims, "azp");

    assert(str_is(provider->kind, "oidc"));
    /* who was authorised is the audience when it is named beside several */
    if (azp.n && str_in(&provider->client_ids, azp)) {
        *ret = azp;
        return true;
    }
    for (size_t i = 0; aud && i < (aud->kind == JSON_ARRAY ? aud->n : 1); i++) {
        const struct json *one = aud->kind == JSON_ARRAY ? &aud->v[i] : aud;

        if (one->kind == JSON_STRING && str_in(&provider->client_ids, one->text)) {
            *ret = one->text;
            return true;
        }
    }
    return false;
}

static int
check_times(struct api_call *call, const struct jwt *jwt)
{
    int64_t exp, iat;

    if (!json_i64(json_get(&jwt->claims, "exp"), &exp) ||
        !json_i64(json_get(&jwt->claims, "iat"), &iat) || exp < 0 || exp > INT64_MAX / 1000 ||
        iat < 0 || iat > INT64_MAX / 1000)
        return api_fault(call, &sts_invalid_token, "Missing a required claim: exp, iat");
    if (exp * 1000 <= call->now_ms)
        return api_fault(call, &sts_expired_token,
                         "Token expired: current date/time %lld must be before the expiration "
                         "date/time %lld",
                         (long long)(call->now_ms / 1000), (long long)exp);
    if (iat * 1000 > call->now_ms + SKEW_MS)
        return api_fault(call, &sts_invalid_token, "The token was issued in the future.");
    return 0;
}

static int
find_provider(struct api_call *call, const struct jwt *jwt, struct str account, struct bearer *ret)
{
    struct str iss = json_text(&jwt->claims, "iss"), scheme = S("https://");

    ret->issuer = str_starts(iss, scheme) ? str_cut(iss, scheme.n, iss.n) : iss;
    ret->provider =
        iam_provider_get(call->txn, str_fmt(call->arena, "arn:aws:iam::%.*s:oidc-provider/%.*s",
                                            STR_ARG(account), STR_ARG(ret->issuer)));
    if (ret->provider && str_is(ret->provider->kind, "oidc"))
        return 0;
    return api_fault(call, &sts_invalid_token,
                     "No OpenIDConnect provider found in your account for %.*s", STR_ARG(iss));
}

static int
check_token(struct api_call *call, struct str token, struct str account, struct bearer *ret)
{
    struct jwt jwt;
    enum jwt_error error = jwt_parse(call->arena, token, &jwt);

    if (error)
        return token_fault(call, error);
    int r = find_provider(call, &jwt, account, ret);

    if (r)
        return r;
    error = jwt_verify(call->arena, &jwt, ret->provider->document);
    if (error)
        return token_fault(call, error);
    r = check_times(call, &jwt);
    if (r)
        return r;
    if (!find_audience(&jwt, ret->provider, &ret->audience))
        return api_fault(call, &sts_invalid_token, "Incorrect token audience");
    assert(ret->issuer.n && str_in(&ret->provider->client_ids, ret->audience));
    ret->subject = json_text(&jwt.claims, "sub");
    if (!ret->subject.n)
        return api_fault(call, &sts_invalid_token, "Missing a required claim: sub");
    return 0;
}

/* The role's trust policy must name the provider; it may ask for audience and subject. */
static int
authorize(struct api_call *call, const struct sts_AssumeRoleWithWebIdentityRequest *req,
          const struct iam_role_row *role, const struct bearer *bearer)
{
    struct api_resource resource = sts_role_resource(call, req->role_arn, role);
    struct policy_context context = {0};
    const struct {
        const char *claim;
        struct str value;
    } keys[] = {{"aud", bearer->audience}, {"sub", bearer->subject}};

    assert(bearer->provider && bearer->subject.n > 0);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        api_context_add(call, &context,
                        str_fmt(call->arena, "%.*s:%s", STR_ARG(bearer->issuer), keys[i].claim),
                        keys[i].value);
    api_context_add(call, &context, S("sts:RoleSessionName"), req->role_session_name);
    api_context_add(call, &context, S("aws:FederatedProvider"), bearer->provider->id);
    call->principal = (struct policy_principal){.kind = POLICY_WEB_IDENTITY,
                                                .account = role->account,
                                                .arn = bearer->provider->id,
                                                .id = bearer->subject,
                                                .provider = bearer->provider->id};
    call->account = role->account;
    int r = api_authorize_on(call, S("sts:AssumeRoleWithWebIdentity"), &resource, &context);

    return r > 0 ? api_fault(call, &sts_access_denied,
                             "Not authorized to perform sts:AssumeRoleWithWebIdentity")
                 : r;
}

static int
make(struct api_call *call, const struct sts_AssumeRoleWithWebIdentityRequest *req,
     const struct iam_role_row *role, const struct bearer *bearer,
     struct sts_AssumeRoleWithWebIdentityResponse *res)
{
    const struct sts_limits limits = {.policy = req->policy, .policy_arns = &req->policy_arns};
    struct session s = {
        .kind = SESSION_ROLE,
        .account = role->account,
        .owner_id = role->id,
        .name = req->role_session_name,
        .provider = bearer->provider->id,
    };
    int64_t seconds = 0;

    assert(str_eq(bearer->provider->account, role->account));
    int r = sts_role_seconds(call, role, req->duration_seconds, false, &seconds);

    if (r == 0)
        r = sts_limits_apply(call, &limits, &s, &res->packed_policy_size);
    if (r == 0)
        r = sts_credentials_make(call, &s, seconds, &res->credentials);
    if (r)
        return r;
    res->assumed_role_user = sts_assumed_user(call, role, s.name);
    res->subject_from_web_identity_token = bearer->subject;
    res->provider = bearer->provider->id;
    res->audience = bearer->audience;
    return 0;
}

int
sts_assume_role_with_web_identity(struct api_call *call,
                                  const struct sts_AssumeRoleWithWebIdentityRequest *req,
                                  struct sts_AssumeRoleWithWebIdentityResponse *res)
{
    struct bearer bearer = {0};
    const struct iam_role_row *role;

    if (req->provider_id.p)
        return api_fault(call, &sts_validation,
                         "ProviderId is for OAuth 2.0 access tokens, which are not supported.");
    int r = sts_role_find(call, req->role_arn, &role);

    if (r == 0 && !role)
        r = api_fault(call, &sts_access_denied,
                      "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    if (r == 0)
        r = check_token(call, req->web_identity_token, role->account, &bearer);
    if (r == 0)
        r = authorize(call, req, role, &bearer);
    return r == 0 ? make(call, req, role, &bearer, res) : r;
}
