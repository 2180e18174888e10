/* What is true of every row of IAM, as assertions. */
#pragma once

#include "gen/store/iam_rows.h"

void iam_user_assert(const struct iam_user_row *row);
void iam_group_assert(const struct iam_group_row *row);
void iam_role_assert(const struct iam_role_row *row);
void iam_profile_assert(const struct iam_profile_row *row);
void iam_policy_assert(const struct iam_policy_row *row);
void iam_access_key_assert(const struct iam_access_key_row *row);
void iam_mfa_device_assert(const struct iam_mfa_device_row *row);
void iam_server_certificate_assert(const struct iam_server_certificate_row *row);
void iam_provider_assert(const struct iam_provider_row *row);
