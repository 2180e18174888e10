/* What a URL of S3 holds: TemplateURL, StackPolicyURL. */
#pragma once

#include "api/authorize.h"
#include "cloudformation/errors.h"

#define CFN_URL_BYTES_MAX 1000000 /* of a template in S3 */
#define CFN_POLICY_BYTES_MAX 16384

/*
 * Reads it as the caller.  `what` is the parameter's name: "TemplateURL must be a supported URL."
 * 0, positive with the fault, negative.
 */
int cfn_fetch(struct api_call *call, struct str url, const char *what, size_t max, struct str *ret);
