/* Identity: users, groups, roles, policies, keys.  Handlers: the generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/iam.h"

extern const struct api_service_hooks iam_hooks;

/*
 * Gives the OpenID Connect provider `arn` the JSON Web Key Set that checks its tokens, instead of
 * the one that it has.  *ret_n: how many of its keys may check a token.  0; positive: *ret_why
 * tells what is wrong; negative.
 */
int iam_jwks_put(struct txn *txn, struct arena *a, struct str arn, struct str key_set,
                 size_t *ret_n, const char **ret_why);
