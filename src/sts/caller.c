/*
 * GetCallerIdentity.  Anyone whose signature was right may ask, and learns what dispatch found
 * out about the key; nothing is looked up here.
 */
#include "sts/sts.h"

const struct api_service_hooks sts_hooks = {.service = &sts_service};

int
sts_get_caller_identity(struct api_call *call,
                        const struct sts_GetCallerIdentityRequest *req UNUSED,
                        struct sts_GetCallerIdentityResponse *res)
{
    res->user_id = call->principal_id;
    res->account = call->account;
    res->arn = call->principal_arn;
    return 0;
}
