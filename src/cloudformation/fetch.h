/* Templates, policies and snippets that lie in a bucket. */
#pragma once

#include "cloudformation/cloudformation.h"

#define CFN_URL_BYTES_MAX ((size_t)1 << 20) /* of a template in a bucket */

/* Where an object is; slices of the URL or of the arena. */
struct cfn_location {
    struct str bucket, key, version;
};
/*
 * https://BUCKET.s3.REGION.amazonaws.com/KEY and the other forms that S3 has, with ?versionId=,
 * and s3://BUCKET/KEY.  False: it is none of them.
 */
bool cfn_location_parse(struct arena *a, struct str url, struct cfn_location *ret);

/* The text of an object, as the caller may read it.  0, positive with a fault, negative. */
int cfn_fetch(struct api_call *call, struct str url, struct str *ret);

/* Another source than S3, for tests: the same contract; NULL: S3. */
extern int (*cfn_fetch_other)(struct api_call *call, const struct cfn_location *at,
                              struct str *ret);
