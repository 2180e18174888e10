/*
 * Who signs messages: one RSA key of the cloud, made when the first message is signed, and its
 * certificate, which anybody may fetch where messages say that it is (SigningCertURL).  Its times
 * are the real ones: verifiers have clocks of their own.
 */
#include "sns/sns.h"

#include "codec/rsa_sign.h"
#include "sys/rsa_pool.h"

#define PATH_PREFIX "/SimpleNotificationService-"

enum { NAME_BYTES = 16 };

static const struct sns_signer_row *
signer(struct api_call *call)
{
    STORE_EACH(call->txn, sns_signer_by_key, row)
        return row;
    return NULL;
}

static int
make(struct api_call *call)
{
    struct sns_signer_row row = {0};
    uint8_t random[NAME_BYTES];

    call->env->random(call->env, random, sizeof(random));
    row.id = str_fmt(call->arena, "SimpleNotificationService-%.*s.pem",
                     STR_ARG(str_hex(call->arena, random, sizeof(random))));
    EVP_PKEY *key = rsa_pool_take();
    int r = key ? rsa_sign_make(call->arena, key, "sns.amazonaws.com", &row.key, &row.certificate)
                : -ENOMEM;

    EVP_PKEY_free(key);
    return r < 0 ? r : sns_signer_insert(call->txn, &row);
}

int
sns_sign(struct api_call *call, struct str text, int version, struct str *ret_signature,
         struct str *ret_certificate)
{
    const struct sns_signer_row *row = signer(call);
    int r = row ? 0 : make(call);

    assert(version == 1 || version == 2);
    if (r < 0)
        return error_origin(-r, "messages cannot be signed");
    row = signer(call);
    assert(row && row->key.n);
    *ret_certificate = str_dup(call->arena, row->id);
    r = rsa_sign(call->arena, row->key, version == 2, text, ret_signature);
    return r < 0 ? error_origin(-r, "a message cannot be signed") : 0;
}

/* ---- the certificate ---- */

/* By AWS's name; and, as machines without Welkin's DNS have no such, by any. */
bool
sns_signer_owns(const struct api_request *req)
{
    return str_is(req->http.method, "GET") && str_starts(req->http.path, S(PATH_PREFIX)) &&
           str_ends(req->http.path, S(".pem"));
}

void
sns_signer_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    call->txn = store_begin(call->store);
    const struct sns_signer_row *row =
        sns_signer_get(call->txn, str_cut(req->http.path, 1, req->http.path.n));

    reply->status = row ? 200 : 404;
    reply->content_type = row ? S("application/x-pem-file") : S("text/plain");
    buf_add_str(&reply->body, row ? row->certificate : S("There is no such certificate.\n"));
    reply->wait_seq = store_commit(call->txn);
}
