/*
 * What the API asks of this service beside its operations.
 */
#include "kms/kms.h"

const struct api_service_hooks kms_hooks = {.service = &kms_service};
