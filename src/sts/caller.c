/*
 * Who is calling.  Anyone whose signature was right may ask, and learns what dispatch found out
 * about the key; keys tell their account themselves.
 */
#include "sts/sts.h"

const struct api_service_hooks sts_hooks = {.service = &sts_service};

int
sts_get_caller_identity(struct api_call *call,
                        const struct sts_GetCallerIdentityRequest *req UNUSED,
                        struct sts_GetCallerIdentityResponse *res)
{
    assert(call->account.n > 0 && call->principal_arn.n > 0);
    res->user_id = call->principal_id;
    res->account = call->account;
    res->arn = call->principal_arn;
    return 0;
}

int
sts_get_access_key_info(struct api_call *call, const struct sts_GetAccessKeyInfoRequest *req,
                        struct sts_GetAccessKeyInfoResponse *res)
{
    const struct iam_access_key_row *row = iam_access_key_get(call->txn, req->access_key_id);

    res->account = row ? row->account : session_key_account(call->arena, req->access_key_id);
    return res->account.p ? 0
                          : api_fault(call, &sts_validation, "Invalid Access Key: %.*s",
                                      STR_ARG(req->access_key_id));
}

int
sts_decode_authorization_message(struct api_call *call,
                                 const struct sts_DecodeAuthorizationMessageRequest *req,
                                 struct sts_DecodeAuthorizationMessageResponse *res)
{
    return api_authorization_message(call, req->encoded_message, &res->decoded_message)
               ? 0
               : api_fault(call, &sts_invalid_message,
                           "The encoded message is not valid, or is not of this account.");
}
