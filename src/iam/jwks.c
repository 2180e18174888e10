/*
 * The keys of OpenID Connect providers.  AWS fetches a provider's JSON Web Key Set from its site;
 * Welkin connects to nobody, so the operator gives it (`welkin iam jwks`), beside the API.
 */
#include "iam/iam.h"

#include "base/error.h"
#include "codec/jwt.h"
#include "gen/store/iam_rows.h"

int
iam_jwks_put(struct txn *txn, struct arena *a, struct str arn, struct str key_set, size_t *ret_n,
             const char **ret_why)
{
    const struct iam_provider_row *row = iam_provider_get(txn, arn);
    size_t n = jwt_keys_count(a, key_set);

    if (!row || !str_is(row->kind, "oidc")) {
        *ret_why = "There is no OpenID Connect provider of that ARN.";
        return 1;
    }
    if (!n) {
        *ret_why = "That is no JSON Web Key Set with a key for RS256 (RSA of 2048 bits or more) "
                   "or ES256 (EC, P-256), of 131072 bytes at most.";
        return 1;
    }
    struct iam_provider_row new = *row;

    assert(str_eq(new.id, arn) && key_set.n <= JWT_KEYS_MAX_BYTES);
    new.document = key_set;
    int r = iam_provider_update(txn, &new);

    if (r < 0)
        return error_origin(-r, "provider %.*s cannot be written", STR_ARG(arn));
    assert(n > 0);
    *ret_n = n;
    return 0;
}
