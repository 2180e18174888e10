/*
 * Policy documents as IAM takes, keeps and shows them.
 *
 * A trust policy is kept with the unique ids (AIDA…, AROA…) of the users and roles that it
 * names, as AWS does: a user who is made anew under an old name is another one.  It is shown with
 * their ARNs while they exist.
 */
#pragma once

#include "iam/common.h"

/* MalformedPolicyDocument in AWS's words unless the engine takes it. */
int iam_document_check(struct api_call *call, struct str json, enum policy_kind kind);
/* The same for a trust policy, its quota, and that the principals exist; *ret is what is kept. */
int iam_trust_check(struct api_call *call, struct str json, struct str *ret);

/* As replies show it: percent-encoded.  iam_trust_show() takes what iam_trust_check() gave. */
struct str iam_document_show(struct api_call *call, struct str json);
struct str iam_trust_show(struct api_call *call, struct str kept);

/* What quotas count: the characters that are no white space. */
int64_t iam_document_size(struct str json);
