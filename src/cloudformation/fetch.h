/* What a URL of S3 holds: TemplateURL, StackPolicyURL, snippets. */
#pragma once

#include "cloudformation/cloudformation.h"

#define CFN_URL_BYTES_MAX 1000000 /* of a template in S3 */

/*
 * Reads it as the caller.  `what` is the parameter's name: "TemplateURL must be a supported URL."
 * The URL may also be s3://BUCKET/KEY.  0, positive with the fault, negative.
 */
int cfn_fetch(struct api_call *call, struct str url, const char *what, size_t max, struct str *ret);
