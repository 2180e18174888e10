/*
 * The order of checks is AWS's: the form of the claim, its time and scope, the key, the signature.
 * A key that is not known is told so only then, and the signature is compared in constant time.
 *
 * Whose a key is: of IAM's rows (AKIA…), of a session token that seals its own claim (ASIA…), or
 * one of the root keys.  A session dies with its role or user: both are looked up each time.
 */
#include "api/auth.h"

#include "api/guard.h"
#include "api/upload.h"
#include "api/wire.h"
#include "base/log.h"
#include "codec/aws_names.h"
#include "gen/store/iam_rows.h"

#include <strings.h>

/* Last use is told to the hour: more often would make every read a write. */
#define USED_MS (3600 * 1000)

static const struct str ROOT_SECRET = S_INIT("test");

/* The account of a root key; false when it is none. */
static bool
root_account(struct str access_key, struct str *ret)
{
    assert(str_ok(access_key));
    if (str_is(access_key, "test")) {
        *ret = S("000000000000");
        return true;
    }
    if (!aws_is_account(access_key))
        return false;
    *ret = access_key;
    return true;
}

/* "us-east-1", "us-gov-west-1": letters in two or more parts, then a number. */
static bool
looks_like_region(struct str s)
{
    struct str rest = s, part;
    size_t n = 0;

    assert(str_ok(s));
    while (rest.p) {
        part = str_split(&rest, '-');
        if (!part.n || part.n > 12)
            return false;
        for (size_t i = 0; i < part.n; i++) {
            bool digit = part.p[i] >= '0' && part.p[i] <= '9';

            if (rest.p ? part.p[i] < 'a' || part.p[i] > 'z' : !digit)
                return false;
        }
        n++;
    }
    return n >= 3;
}

/* ---- principals ---- */

static void
become_root(struct api_call *call, struct str account)
{
    struct policy_principal *p = &call->principal;

    assert(account.n == 12);
    call->account = account;
    *p = (struct policy_principal){
        .kind = POLICY_ROOT,
        .account = account,
        .arn = str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(account)),
        .id = account,
        .unique_id = account,
    };
}

static void
become_user(struct api_call *call, const struct iam_user_row *row)
{
    struct arena *a = call->arena;

    assert(row->account.n == 12);
    call->account = str_dup(a, row->account);
    call->principal = (struct policy_principal){
        .kind = POLICY_USER,
        .account = call->account,
        .arn = str_fmt(a, "arn:aws:iam::%.*s:user%.*s%.*s", STR_ARG(row->account),
                       STR_ARG(row->path), STR_ARG(row->name)),
        .id = str_dup(a, row->id),
    };
    call->principal.unique_id = call->principal.id;
}

static void
become_role(struct api_call *call, const struct iam_role_row *row, const struct session *s)
{
    struct arena *a = call->arena;

    assert(row->account.n == 12 && s->access_key.n > 0);
    call->account = s->account;
    call->principal = (struct policy_principal){
        .kind = POLICY_SESSION,
        .account = s->account,
        .arn = str_fmt(a, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(s->account),
                       STR_ARG(row->name), STR_ARG(s->name)),
        .id = str_fmt(a, "%.*s:%.*s", STR_ARG(s->owner_id), STR_ARG(s->name)),
        .role_arn = str_fmt(a, "arn:aws:iam::%.*s:role%.*s%.*s", STR_ARG(s->account),
                            STR_ARG(row->path), STR_ARG(row->name)),
        .unique_id = s->owner_id,
    };
}

static void
become_federated(struct api_call *call, const struct session *s)
{
    struct arena *a = call->arena;
    struct str by = call->principal.arn; /* whose key asked for it */

    assert(s->kind == SESSION_FEDERATED);
    call->account = s->account;
    call->principal = (struct policy_principal){
        .kind = POLICY_FEDERATED_USER,
        .account = s->account,
        .arn = str_fmt(a, "arn:aws:sts::%.*s:federated-user/%.*s", STR_ARG(s->account),
                       STR_ARG(s->name)),
        .id = str_fmt(a, "%.*s:%.*s", STR_ARG(s->account), STR_ARG(s->name)),
        .role_arn = by,
    };
    call->principal.unique_id = call->principal.id;
}

/* ---- keys ---- */

/* What a key was found to be.  Rows and secret are good while the transaction lasts. */
struct found {
    struct str secret;
    const struct iam_access_key_row *key;
    const struct iam_role_row *role;
};

/* A user or the root of the account, by the id that rows and sessions keep. */
static bool
become_owner(struct api_call *call, struct txn *txn, struct str account, struct str owner)
{
    assert(account.n == 12);
    if (str_eq(owner, account)) {
        become_root(call, str_dup(call->arena, account));
        return true;
    }
    const struct iam_user_row *user = iam_user_get(txn, owner);

    if (!user || !str_eq(user->account, account))
        return false;
    become_user(call, user);
    return true;
}

static int
find_long_term(struct api_call *call, struct txn *txn, const struct sigv4_claim *claim,
               struct found *ret)
{
    const struct iam_access_key_row *row = iam_access_key_get(txn, claim->access_key);

    assert(!call->session);
    if (!row)
        return SIGV4_UNKNOWN_KEY;
    if (!row->active)
        return SIGV4_INACTIVE_KEY;
    if (claim->token.p)
        return SIGV4_BAD_TOKEN;
    if (!become_owner(call, txn, row->account, row->user_id))
        return SIGV4_UNKNOWN_KEY;
    ret->key = row;
    ret->secret = row->secret;
    return SIGV4_OK;
}

static int
become_session(struct api_call *call, struct txn *txn, const struct session *s, struct found *ret)
{
    assert(s->account.n == 12);
    if (s->kind == SESSION_ROLE) {
        const struct iam_role_row *row = iam_role_get(txn, s->owner_id);

        if (!row || !str_eq(row->account, s->account))
            return SIGV4_BAD_TOKEN;
        become_role(call, row, s);
        ret->role = row;
        return SIGV4_OK;
    }
    if (!become_owner(call, txn, s->account, s->owner_id))
        return SIGV4_BAD_TOKEN;
    if (s->kind == SESSION_FEDERATED)
        become_federated(call, s);
    return SIGV4_OK;
}

static int
find_session(struct api_call *call, struct txn *txn, const struct sigv4_claim *claim,
             struct found *ret)
{
    struct session *s = ARENA_NEW(call->arena, struct session);

    assert(!call->session);
    if (!claim->token.p)
        return SIGV4_UNKNOWN_KEY;
    if (!session_open(call->arena, call->guard->session_key, claim->access_key, claim->token, s))
        return SIGV4_BAD_TOKEN;
    if (s->expires_ms <= call->now_ms)
        return SIGV4_EXPIRED_TOKEN;
    /* AWS: a user's session calls IAM only when a device vouched for it, a federated one never */
    if (str_is(str_from(call->service->signing), "iam") &&
        (s->kind == SESSION_FEDERATED || (s->kind == SESSION_USER && !s->mfa)))
        return SIGV4_BAD_TOKEN;
    int error = become_session(call, txn, s, ret);

    if (error)
        return error;
    assert(str_eq(s->account, call->account));
    call->session = s;
    ret->secret = session_secret(call->arena, call->guard->session_key, claim->access_key);
    return SIGV4_OK;
}

static int
find_key(struct api_call *call, struct txn *txn, const struct sigv4_claim *claim, bool root_keys,
         struct found *ret)
{
    struct str account;

    if (root_keys && root_account(claim->access_key, &account)) {
        become_root(call, account);
        ret->secret = ROOT_SECRET;
        return claim->token.p ? SIGV4_BAD_TOKEN : SIGV4_OK; /* root keys have no session */
    }
    if (str_starts(claim->access_key, S("ASIA")))
        return find_session(call, txn, claim, ret);
    return find_long_term(call, txn, claim, ret);
}

/* ---- last use ---- */

static int
write_use(const struct api_call *call, struct txn *txn, const struct found *found)
{
    if (found->key) {
        struct iam_access_key_row row = *found->key;

        row.used_ms = call->now_ms;
        row.used_region = call->region;
        row.used_service = str_from(call->service->signing);
        return iam_access_key_update(txn, &row);
    }
    assert(found->role);
    struct iam_role_row row = *found->role;

    row.used_ms = call->now_ms;
    row.used_region = call->region;
    return iam_role_update(txn, &row);
}

/* Ends the transaction that found the key; it writes at most once an hour for a key or role. */
static int
end_with_use(const struct api_call *call, struct txn *txn, const struct found *found)
{
    int64_t used_ms = found->key    ? found->key->used_ms
                      : found->role ? found->role->used_ms
                                    : call->now_ms;
    int r = 0;

    assert(!found->key || !found->role); /* a key is a user's or a root's, or a session's */

    if (call->now_ms - used_ms >= USED_MS || used_ms == 0)
        r = write_use(call, txn, found);
    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    return r;
}

/* ---- the signature ---- */

static int
refuse(struct api_call *call, int error, const struct api_request *req,
       const struct sigv4_claim *claim, const struct sigv4_expect *expect)
{
    struct sigv4_fault fault =
        sigv4_fault(call->arena, (enum sigv4_error)error, api_wire_dialect(call), &req->http, claim,
                    expect, call->now_ms);

    assert(error > 0);
    call->fault = (struct api_fault){.code = str_from(fault.code),
                                     .http = (int)fault.status,
                                     .message = fault.message,
                                     .sender = true};
    return 1;
}

/* A text that is signed as such, or (p NULL) a request. */
struct signed_thing {
    const struct sigv4_request *req;
    unsigned flags;
    struct str text;
};

static int
check_signature(const struct signed_thing *thing, const struct sigv4_claim *claim,
                const struct sigv4_key *key)
{
    char mac[2 * SHA256_LEN];

    if (!thing->text.p)
        return sigv4_verify(thing->req, claim, thing->flags, key);
    if (!key)
        return SIGV4_MISMATCH;
    sigv4_mac(key, thing->text, mac);
    return str_eq_consttime(str_of(mac, sizeof(mac)), claim->signature) ? SIGV4_OK : SIGV4_MISMATCH;
}

/* The key and the signature: 0, an enum sigv4_error, or negative. */
static int
verify(struct api_call *call, struct sigv4_keys *keys, const struct signed_thing *thing,
       const struct sigv4_claim *claim, bool root_keys)
{
    struct txn *txn = store_begin(call->store);
    struct found found = {0};
    int error = find_key(call, txn, claim, root_keys, &found);

    assert(!call->txn);
    assert(error || found.secret.n > 0);
    if (!error)
        error = check_signature(thing, claim, sigv4_keys_get(keys, claim, found.secret));
    if (!error && call->upload && !thing->text.p)
        api_upload_signed(call->upload, claim, found.secret);
    if (call->session)
        explicit_bzero((char *)found.secret.p, found.secret.n);
    if (!error)
        return end_with_use(call, txn, &found);
    store_rollback(txn);
    return error;
}

/* What a verification ended with. */
static int
end_authentication(struct api_call *call, int error, const struct api_request *req,
                   const struct sigv4_claim *claim, const struct sigv4_expect *expect)
{
    if (error < 0)
        return error;
    if (error) {
        call->account = STR_NONE; /* the log must not say who it was not */
        call->principal = (struct policy_principal){0};
        call->session = NULL;
        return refuse(call, error, req, claim, expect);
    }
    assert(call->principal.kind != POLICY_ANONYMOUS &&
           str_eq(call->principal.account, call->account));
    assert(call->principal.arn.n && call->principal.id.n);
    call->principal_id = call->principal.id;
    call->principal_arn = call->principal.arn;
    call->access_key = claim->access_key;
    return 0;
}

int
api_authenticate_text(struct api_call *call, struct sigv4_keys *keys,
                      const struct sigv4_request *req, struct str text, bool root_keys)
{
    struct sigv4_expect expect = {.service = str_from(call->service->signing)};
    struct sigv4_claim claim = {0};
    const struct api_request as = {.http = *req};
    const struct signed_thing thing = {.req = req, .text = text};
    int error = sigv4_parse(call->arena, req, &claim);

    assert(text.p);
    expect.flags = sigv4_flags(expect.service);
    if (!error)
        error = sigv4_admit(req, &claim, &expect, call->now_ms);
    if (!error && !looks_like_region(claim.region))
        error = SIGV4_WRONG_SCOPE;
    if (!error) {
        call->region = claim.region;
        error = verify(call, keys, &thing, &claim, root_keys);
    }
    return end_authentication(call, error, &as, &claim, &expect);
}

int
api_authenticate(struct api_call *call, struct sigv4_keys *keys, const struct api_request *req,
                 int claim_error, struct sigv4_claim *claim, bool root_keys)
{
    struct sigv4_expect expect = {.service = str_from(call->service->signing)};

    if (call->service->global)
        call->region = S("us-east-1");
    if (req->trusted) {
        become_root(call, req->account);
        call->principal_id = call->principal.id;
        call->principal_arn = call->principal.arn;
        return 0;
    }
    struct str authorization = api_header(req, S("Authorization"));

    if (api_is_of_instance(call, authorization))
        return api_authenticate_instance(call, authorization);
    expect.flags = sigv4_flags(expect.service);
    const struct signed_thing thing = {.req = &req->http, .flags = expect.flags};
    int error = claim_error;
    if (!error)
        /* a body may take longer to come than a signature lasts */
        error = sigv4_admit(&req->http, claim, &expect,
                            req->upload ? req->upload->begun_ms : call->now_ms);
    if (!error && !looks_like_region(claim->region))
        error = SIGV4_WRONG_SCOPE;
    if (!error) {
        if (!call->service->global)
            call->region = claim->region;
        error = verify(call, keys, &thing, claim, root_keys);
    }
    return end_authentication(call, error, req, claim, &expect);
}

void
api_anonymous(struct api_call *call)
{
    call->account = S("");
    call->principal = (struct policy_principal){.kind = POLICY_ANONYMOUS};
    call->principal_id = call->principal_arn = S("anonymous");
    if (call->service->global)
        call->region = S("us-east-1");
}
