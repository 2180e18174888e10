/*
 * AWS::CloudFormation::Authentication: with what a download proves who asks.
 */
#ifndef CFN_AUTH_H
#define CFN_AUTH_H

#include "../http.h"
#include "../node.h"

/* The bucket that a URL of S3 names, virtual-hosted or as a path; empty for other URLs. */
struct str auth_bucket(const struct url *u);

/*
 * The entry to use for this URL: the one of that name, or else the S3 entry with its bucket or the
 * basic entry with its host.  NULL: none.
 */
const struct node *auth_find(const struct node *auth, struct str name, const struct url *u);

/*
 * Header lines for a GET with an entry of auth_find(), each with its end; false with a reason when
 * the entry does not say enough.
 */
bool auth_headers(struct arena *a, const struct node *entry, const struct url *u, struct str host,
                  int64_t now_ms, struct str *ret, struct str *ret_why);

#endif
