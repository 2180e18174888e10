/*
 * What the API asks of this service beside its operations.
 */
#include "ssm/ssm.h"

const struct api_service_hooks ssm_hooks = {.service = &ssm_service};
