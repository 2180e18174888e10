/*
 * The account's password policy: a record, as JSON in the account's row, and what it says of a
 * password.
 */
#pragma once

#include "iam/common.h"

/* The account's policy; false when it has none, and then *ret is AWS's default. */
bool iam_password_policy(struct api_call *call, struct iam_PasswordPolicy *ret);

/* PasswordPolicyViolation unless the password keeps the account's policy. */
int iam_password_check(struct api_call *call, struct str password);
