/* What is true of every row of S3, as assertions: asked where rows are found and written. */
#pragma once

#include "s3/s3.h"

void s3_bucket_assert(const struct s3_bucket_row *row);
/* Of a version that is whole: it has what s3_version_add gives it. */
void s3_object_assert(const struct s3_object_row *row);
void s3_rule_assert(const struct s3_rule_row *row);
void s3_upload_assert(const struct s3_upload_row *row);
void s3_part_assert(const struct s3_part_row *row);
