/*
 * What all temporary credentials have in common: policies and tags that limit them, their keys,
 * the device that vouches for their owner.
 */
#include "sts/sts.h"

#include "base/error.h"
#include "codec/base32.h"
#include "codec/totp.h"

enum {
    POLICY_CHARS_MAX = 2048,
    POLICY_ARNS_MAX = 10,
    /* AWS packs policies, ARNs and tags into one room and tells how full it is.  How it packs is
     * not published; ours are as long as they are. */
    PACKED_MAX_BYTES = 4096,
    MFA_STEPS = 1, /* a device's clock may be one step off */
};

/* ---- policies ---- */

static int
take_policy(struct api_call *call, struct str json, struct session *s)
{
    struct policy *policy;
    struct str why;

    if (!json.p)
        return 0;
    if (str_chars(json) > POLICY_CHARS_MAX)
        return api_fault(call, &sts_validation,
                         "1 validation error detected: Value at 'policy' failed to satisfy "
                         "constraint: Member must have length less than or equal to %d",
                         POLICY_CHARS_MAX);
    int r = policy_parse(&policy, json, POLICY_IDENTITY, call->arena, &why);

    if (r > 0)
        return api_fault(call, &sts_malformed_policy, "%.*s", STR_ARG(why));
    if (r == 0) {
        policy_free(policy);
        *LIST_PUSH(call->arena, &s->policies) = json;
    }
    return r;
}

static int
take_policy_arns(struct api_call *call, const struct sts_PolicyDescriptorTypeList *arns,
                 struct session *s)
{
    if (arns->n > POLICY_ARNS_MAX)
        return api_fault(call, &sts_validation,
                         "1 validation error detected: Value at 'policyArns' failed to satisfy "
                         "constraint: Member must have length less than or equal to %d",
                         POLICY_ARNS_MAX);
    LIST_EACH(arns, a) {
        if (!api_managed_document(call, a->arn).p)
            return api_fault(call, &sts_validation, "PolicyArn %.*s is not found.",
                             STR_ARG(a->arn));
        *LIST_PUSH(call->arena, &s->policy_arns) = a->arn;
    }
    assert(s->policy_arns.n <= POLICY_ARNS_MAX);
    return 0;
}

/* ---- tags ---- */

static bool
has_tag(const struct str_list *tags, struct str key)
{
    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        if (str_eq_nocase(tags->v[i], key))
            return true;
    return false;
}

static bool
has_key(const struct str_list *keys, struct str key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (str_eq_nocase(keys->v[i], key))
            return true;
    return false;
}

static int
take_tags(struct api_call *call, const struct sts_limits *l, struct session *s)
{
    static const struct str_list none;
    const struct str_list *inherited = l->inherited ? l->inherited : &none;

    assert(inherited->n % 2 == 0 && !s->tags.n);
    for (size_t i = 0; i + 1 < inherited->n; i += 2) {
        *LIST_PUSH(call->arena, &s->tags) = inherited->v[i];
        *LIST_PUSH(call->arena, &s->tags) = inherited->v[i + 1];
        *LIST_PUSH(call->arena, &s->transitive) = inherited->v[i];
    }
    LIST_EACH(l->tags, tag) {
        if (has_tag(inherited, tag->key))
            return api_fault(call, &sts_validation,
                             "One of the specified transitive tag keys can't be set because it "
                             "conflicts with a transitive tag key from the calling session.");
        if (has_tag(&s->tags, tag->key))
            return api_fault(call, &sts_validation,
                             "Duplicate tag keys found. Please note that Tag keys are case "
                             "insensitive.");
        if (str_starts(str_lower(call->arena, tag->key), S("aws:")))
            return api_fault(call, &sts_validation,
                             "Tags with the prefix aws: are reserved for AWS use.");
        *LIST_PUSH(call->arena, &s->tags) = tag->key;
        *LIST_PUSH(call->arena, &s->tags) = tag->value.p ? tag->value : S("");
    }
    for (size_t i = 0; l->transitive && i < l->transitive->n; i++) {
        if (!has_tag(&s->tags, l->transitive->v[i]))
            return api_fault(call, &sts_validation,
                             "The specified transitive tag key must be included in the requested "
                             "tags.");
        if (!has_key(&s->transitive, l->transitive->v[i]))
            *LIST_PUSH(call->arena, &s->transitive) = l->transitive->v[i];
    }
    return 0;
}

static size_t
bytes_of(const struct str_list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += list->v[i].n + 2;
    return n;
}

int
sts_limits_apply(struct api_call *call, const struct sts_limits *l, struct session *s,
                 struct opt_i64 *ret_packed)
{
    int r = take_policy(call, l->policy, s);

    if (r == 0 && l->policy_arns)
        r = take_policy_arns(call, l->policy_arns, s);
    if (r == 0 && l->tags)
        r = take_tags(call, l, s);
    if (r)
        return r;
    assert(s->tags.n % 2 == 0 && s->transitive.n <= s->tags.n / 2);
    assert(s->policies.n <= 1);
    size_t packed = bytes_of(&s->policies) + bytes_of(&s->policy_arns) + bytes_of(&s->tags) +
                    bytes_of(&s->transitive);
    int64_t percent = (int64_t)((packed * 100 + PACKED_MAX_BYTES - 1) / PACKED_MAX_BYTES);

    if (percent > 100)
        return api_fault(call, &sts_packed_too_large,
                         "Packed policy consumes %lld%% of allotted space, please use smaller "
                         "policy.",
                         (long long)percent);
    if (packed)
        *ret_packed = opt_i64(percent);
    return 0;
}

/* ---- keys ---- */

int
sts_credentials_make(struct api_call *call, struct session *s, int64_t seconds,
                     struct sts_Credentials **ret)
{
    struct sts_Credentials *made = ARENA_NEW(call->arena, struct sts_Credentials);
    uint8_t random[10], nonce[12];
    const uint8_t *key = api_session_key(call);

    assert(seconds > 0 && s->account.n == 12);
    call->env->random(call->env, random, sizeof(random));
    call->env->random(call->env, nonce, sizeof(nonce));
    session_mark_account(random, s->account);
    s->access_key = session_access_key(call->arena, random);
    s->issued_ms = call->now_ms;
    s->expires_ms = call->now_ms + seconds * 1000;
    made->access_key_id = s->access_key;
    made->secret_access_key = session_secret(call->arena, key, s->access_key);
    made->session_token = session_seal(call->arena, key, nonce, s);
    made->expiration = opt_i64(s->expires_ms);
    if (!made->session_token.p)
        return error_origin(EMSGSIZE, "a session has more to say than a token holds");
    *ret = made;
    assert(made->secret_access_key.n > 0 && s->expires_ms > s->issued_ms);
    return 0;
}

/* ---- devices ---- */

static int
mfa_refused(struct api_call *call)
{
    return api_fault(call, &sts_access_denied,
                     "MultiFactorAuthentication failed with invalid MFA one time pass code.");
}

int
sts_mfa_check(struct api_call *call, struct str user_id, struct str serial, struct str code,
              bool *ret)
{
    struct str seed;

    *ret = false;
    if (!serial.p && !code.p)
        return 0;
    if (!serial.p || !code.p)
        return api_fault(call, &sts_validation,
                         "Both the MFA serial number and the token code must be specified.");
    const struct iam_mfa_device_row *row = iam_mfa_device_get(call->txn, serial);

    if (!row || !row->user_id.n || !str_eq(row->user_id, user_id) ||
        !str_eq(row->account, call->account))
        return api_fault(call, &sts_access_denied,
                         "MultiFactorAuthentication failed, unable to validate MFA code.  Please "
                         "verify your MFA serial number is valid and associated with this user.");
    if (!base32_decode(call->arena, row->seed, &seed))
        return error_origin(EUCLEAN, "the seed of %.*s is not base32", STR_ARG(row->id));
    int64_t now = totp_step(call->now_ms) + row->drift_steps;
    int64_t first = MAX(now - MFA_STEPS, row->last_step + 1), last = now + MFA_STEPS;
    int64_t step = first > last ? -1 : totp_find(seed, first, last, code, STR_NONE);

    if (step < 0)
        return mfa_refused(call);
    struct iam_mfa_device_row used = *row;

    assert(step > row->last_step); /* no code counts twice */
    used.last_step = step;
    int r = iam_mfa_device_update(call->txn, &used);

    if (r < 0)
        return error_origin(-r, "device %.*s cannot be written", STR_ARG(row->id));
    *ret = true;
    return 0;
}
