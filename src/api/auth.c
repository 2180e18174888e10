/*
 * The order of checks is AWS's: the form of the claim, its time and scope, the key, the signature.
 * A key that is not known is told so only then, and the signature is compared in constant time.
 */
#include "api/auth.h"

#include "api/wire.h"

static const struct str ROOT_SECRET = S_INIT("test");

/* The account of a root key; false when it is none. */
static bool
root_account(struct str access_key, struct str *ret)
{
    if (str_is(access_key, "test")) {
        *ret = S("000000000000");
        return true;
    }
    if (access_key.n != 12)
        return false;
    for (size_t i = 0; i < 12; i++)
        if (access_key.p[i] < '0' || access_key.p[i] > '9')
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

static void
become_root(struct api_call *call, struct str account)
{
    call->account = account;
    call->principal_id = account;
    call->principal_arn = str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(account));
}

static int
refuse(struct api_call *call, int error, const struct api_request *req,
       const struct sigv4_claim *claim, const struct sigv4_expect *expect)
{
    struct sigv4_fault fault =
        sigv4_fault(call->arena, (enum sigv4_error)error, call->wire->dialect, &req->http, claim,
                    expect, call->now_ms);

    call->fault = (struct api_fault){.code = str_from(fault.code),
                                     .http = (int)fault.status,
                                     .message = fault.message,
                                     .sender = true};
    return 1;
}

int
api_authenticate(struct api_call *call, struct sigv4_keys *keys, const struct api_request *req,
                 int claim_error, struct sigv4_claim *claim, bool root_keys)
{
    struct sigv4_expect expect = {.service = str_from(call->service->signing)};
    struct str account;

    if (req->trusted) {
        become_root(call, req->account);
        return 0;
    }
    expect.flags = sigv4_flags(expect.service);
    int error = claim_error;
    if (!error)
        error = sigv4_admit(&req->http, claim, &expect, call->now_ms);
    if (!error && !looks_like_region(claim->region))
        error = SIGV4_WRONG_SCOPE;
    if (!error && (!root_keys || !root_account(claim->access_key, &account)))
        error = SIGV4_UNKNOWN_KEY;
    if (!error && claim->token.p)
        error = SIGV4_BAD_TOKEN; /* root keys have no session */
    if (!error)
        error = sigv4_verify(&req->http, claim, expect.flags,
                             sigv4_keys_get(keys, claim, ROOT_SECRET));
    if (error)
        return refuse(call, error, req, claim, &expect);
    become_root(call, account);
    call->access_key = claim->access_key;
    call->region = claim->region;
    return 0;
}
