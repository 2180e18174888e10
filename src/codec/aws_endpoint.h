/*
 * The host names of AWS's services, of the partition `aws`:
 *
 *   SERVICE.REGION.amazonaws.com          also SERVICE-fips, fips.SERVICE, SERVICE.dualstack.REGION
 *   PREFIX.SERVICE.REGION.amazonaws.com   a bucket, an API's id, "streams" of dynamodb …
 *   SERVICE.REGION.api.aws                dual-stack
 *   ID.lambda-url.REGION.on.aws
 *   SERVICE.amazonaws.com                 global ones, and the old forms of s3 and sqs
 *
 * Names of things (an instance's, a load balancer's, a database's) have another label before
 * amazonaws.com and are none of these.
 * https://docs.aws.amazon.com/general/latest/gr/rande.html
 */
#pragma once

#include "base/str.h"

struct aws_endpoint {
    struct str service; /* "ec2", "s3", "dynamodb": without "-fips" */
    struct str prefix;  /* what stands before it; empty: nothing */
    struct str region;  /* of global names: us-east-1 */
    bool fips, dualstack;
};

/* name: lower case, without a port.  Slices of *ret lie in it or in constants. */
bool aws_endpoint_parse(struct str name, struct aws_endpoint *ret);
/* Whether it has the form of a region of the partition `aws`. */
bool aws_region_like(struct str s);
