/*
 * Why credentials are made and not kept: an instance that asks after a restart, or ten thousand of
 * them at once, costs a few hashes each and no row.  The access key is a MAC over who it is for and
 * since when; the secret follows from the access key (codec/session.h).  The token's nonce is a MAC
 * over all that the token says, so that one nonce never seals two texts.
 */
#include "guestnet/role.h"

#include "base/buf.h"
#include "base/timefmt.h"
#include "codec/crypto.h"
#include "codec/json.h"
#include "policy/policy.h"

#define DOCUMENT_BYTES_MAX ((size_t)16 << 10)
#define SEE_ALSO                                                                                   \
    "  Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/"              \
    "troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."

struct role_view
role_look(struct txn *txn, const struct ec2_instance_row *instance)
{
    struct role_view view = {.instance = instance};

    assert(instance);
    view.association = ec2_profile_association_by_instance_get(txn, instance->id);
    if (view.association)
        view.profile = iam_profile_get(txn, view.association->profile_id);
    assert(!view.profile || str_eq(view.profile->account, instance->account));
    if (view.profile && view.profile->role_id.n)
        view.role = iam_role_get(txn, view.profile->role_id);
    assert(!view.role || str_eq(view.role->account, instance->account));
    return view;
}

/* When the credentials of now began: periods count from when the instance could have the role. */
static int64_t
issued_ms(const struct role_view *view, int64_t now_ms)
{
    const int64_t period_ms = (int64_t)ROLE_PERIOD_S * 1000;
    int64_t from_ms = view->association->associated_ms;

    assert(view->association && now_ms > 0);
    if (view->role)
        from_ms = MAX(from_ms, view->role->created_ms);
    return from_ms + MAX(now_ms - from_ms, 0) / period_ms * period_ms;
}

/* ---- JSON, spaced as AWS spaces it ---- */

struct document {
    struct buf buf;
    bool more;
};

static void
begin(struct document *d)
{
    *d = (struct document){0};
    buf_init(&d->buf, DOCUMENT_BYTES_MAX);
    buf_add_lit(&d->buf, "{");
}

static void
put(struct document *d, const char *name, struct str value)
{
    struct json_out o = {.buf = &d->buf};

    assert(name[0] != '\0');
    buf_add_fmt(&d->buf, "%s\n  \"%s\" : ", d->more ? "," : "", name);
    json_str(&o, value);
    d->more = true;
}

/* The text in the arena; it may hold a secret, so nothing is left behind. */
static struct str
end(struct document *d, struct arena *a)
{
    buf_add_lit(&d->buf, "\n}");
    assert(!buf_failed(&d->buf)); /* names, ARNs and a token have maxima */
    struct str text = str_dup(a, buf_str(&d->buf));

    buf_wipe(&d->buf);
    buf_done(&d->buf);
    return text;
}

struct str
role_info(struct arena *a, const struct role_view *view, int64_t now_ms)
{
    struct document d;

    assert(view->association);
    begin(&d);
    if (!view->profile) {
        put(&d, "Code", S("InstanceProfileNotFound"));
        put(&d, "Message",
            str_fmt(a, "Instance Profile with Id %.*s cannot be found." SEE_ALSO,
                    STR_ARG(view->association->profile_id)));
    } else {
        put(&d, "Code", S("Success"));
        if (!view->role)
            put(&d, "Message", S("Instance Profile does not contain a role." SEE_ALSO));
    }
    put(&d, "LastUpdated", time_iso_s(a, issued_ms(view, now_ms)));
    if (view->profile) {
        put(&d, "InstanceProfileArn", view->association->profile_arn);
        put(&d, "InstanceProfileId", view->association->profile_id);
    }
    return end(&d, a);
}

/* ---- whether EC2 may ---- */

/*
 * EC2 is who assumes the role, and the role says who may.  A policy that IAM would not have stored
 * allows nobody.
 */
static bool
trusts_ec2(struct arena *a, const struct iam_role_row *role, int64_t now_ms)
{
    static const struct policy_principal ec2 = {.kind = POLICY_SERVICE,
                                                .service = S_INIT("ec2.amazonaws.com")};
    const struct str now = time_iso_s(a, now_ms);
    struct policy_key time_key = {.name = S("aws:CurrentTime"), .values = &now, .n = 1};
    const struct policy_context context = {&time_key, 1};
    const struct policy_request req = {.action = S("sts:AssumeRole"),
                                       .resource = S("*"),
                                       .principal = &ec2,
                                       .context = &context};
    struct policy *policy;
    struct str why;

    if (policy_parse(&policy, role->trust_policy, POLICY_TRUST, a, &why) != 0)
        return false;
    struct policy_match match = policy_eval(policy, &req);
    policy_free(policy);
    return match.effect == POLICY_ALLOW;
}

/* What AWS says instead of credentials, with status 200. */
static struct str
unauthorized(struct arena *a, const struct role_view *view, int64_t now_ms)
{
    struct document d;

    assert(view->role);
    begin(&d);
    put(&d, "Code", S("AssumeRoleUnauthorizedAccess"));
    put(&d, "Message",
        str_fmt(a, "EC2 cannot assume the role %.*s." SEE_ALSO, STR_ARG(view->role->name)));
    put(&d, "LastUpdated", time_iso_s(a, issued_ms(view, now_ms)));
    return end(&d, a);
}

/* ---- credentials ---- */

static void
mac(const uint8_t key[ROLE_KEY_BYTES], struct str text, uint8_t ret[SHA256_LEN])
{
    assert(text.n > 0);
    crypto_hmac_sha256(key, ROLE_KEY_BYTES, text.p, text.n, ret);
}

static struct str
access_key(struct arena *a, const struct role_view *view, const uint8_t key[ROLE_KEY_BYTES],
           int64_t since_ms)
{
    uint8_t bytes[SHA256_LEN];

    assert(since_ms >= 0);
    mac(key,
        str_fmt(a, "access key\n%.*s\n%.*s\n%.*s\n%lld", STR_ARG(view->instance->id),
                STR_ARG(view->association->id), STR_ARG(view->role->id), (long long)since_ms),
        bytes);
    session_mark_account(bytes, view->role->account);
    return session_access_key(a, bytes);
}

static struct str
token(struct arena *a, const struct session *s, const uint8_t session_key[SESSION_KEY_BYTES],
      const uint8_t key[ROLE_KEY_BYTES])
{
    uint8_t nonce[SHA256_LEN];

    assert(s->access_key.n > 0 && s->expires_ms > s->issued_ms);
    /* all that is set in the session, and who writes it: another Welkin may write it otherwise */
    mac(key,
        str_fmt(a, "nonce\n" WELKIN_VERSION "\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%lld\n%lld",
                STR_ARG(s->access_key), STR_ARG(s->account), STR_ARG(s->owner_id),
                STR_ARG(s->name), STR_ARG(s->instance_arn), (long long)s->issued_ms,
                (long long)s->expires_ms),
        nonce);
    struct str text = session_seal(a, session_key, nonce, s);

    assert(text.p); /* far below the maximum of a token */
    return text;
}

struct str
role_credentials(struct arena *a, const struct role_view *view,
                 const uint8_t session_key[SESSION_KEY_BYTES],
                 const uint8_t role_key[ROLE_KEY_BYTES], int64_t now_ms, bool *ret_secret)
{
    const struct ec2_instance_row *instance = view->instance;
    struct session s = {.kind = SESSION_ROLE, .name = instance->id};
    struct document d;

    assert(view->association && view->role);
    if (!trusts_ec2(a, view->role, now_ms))
        return unauthorized(a, view, now_ms);
    s.issued_ms = issued_ms(view, now_ms);
    s.expires_ms = s.issued_ms + (int64_t)ROLE_CREDENTIALS_S * 1000;
    s.access_key = access_key(a, view, role_key, s.issued_ms);
    s.account = view->role->account;
    s.owner_id = view->role->id;
    s.instance_arn = str_fmt(a, "arn:aws:ec2:%.*s:%.*s:instance/%.*s", STR_ARG(instance->region),
                             STR_ARG(instance->account), STR_ARG(instance->id));
    assert(s.issued_ms > now_ms || s.expires_ms - now_ms >=
                                       (int64_t)(ROLE_CREDENTIALS_S - ROLE_PERIOD_S) * 1000);
    begin(&d);
    put(&d, "Code", S("Success"));
    put(&d, "LastUpdated", time_iso_s(a, s.issued_ms));
    put(&d, "Type", S("AWS-HMAC"));
    put(&d, "AccessKeyId", s.access_key);
    put(&d, "SecretAccessKey", session_secret(a, session_key, s.access_key));
    put(&d, "Token", token(a, &s, session_key, role_key));
    put(&d, "Expiration", time_iso_s(a, s.expires_ms));
    *ret_secret = true;
    return end(&d, a);
}
