/*
 * What the API asks of IAM beside its operations.
 */
#include "iam/iam.h"

const struct api_service_hooks iam_hooks = {.service = &iam_service};
