/*
 * Who calls.  Key `test` with secret `test` is the root of account 000000000000; an access key
 * id of 12 digits with secret `test` is the root of that account; keys of users and roots are
 * those that IAM issued; temporary ones prove themselves by their token (codec/session.h).
 */
#pragma once

#include "api/api.h"

/*
 * Fills in the call's account, region and principal from the claim, or from a trusted request.
 * 0, or positive with the fault in the words of the call's service.
 */
int api_authenticate(struct api_call *call, struct sigv4_keys *keys, const struct api_request *req,
                     int claim_error, struct sigv4_claim *claim, bool root_keys);

/* The same for a text that is signed as such: `req` has the claim as a presigned URL has it. */
int api_authenticate_text(struct api_call *call, struct sigv4_keys *keys,
                          const struct sigv4_request *req, struct str text, bool root_keys);

/* For hooks: the principal of the call's own request, as any client signs it. */
int api_sign_in_as_sent(struct api_call *call);

/* The principal of a request that needs no signature and has none. */
void api_anonymous(struct api_call *call);
