/* What the hooks of KMS tell the policy engine. */
#pragma once

#include "kms/kms.h"

struct api_resource kms_resource_of(struct api_call *call, const struct kms_key_row *row);
void kms_request_context(struct api_call *call, const void *req, struct policy_context *context);
/* Whether a grant allows what no policy mentions. */
bool kms_granted(struct api_call *call, struct str action, const struct api_resource *resource,
                 const struct policy_context *extra);
