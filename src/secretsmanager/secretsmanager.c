/*
 * What the API asks of this service beside its operations.
 */
#include "secretsmanager/secretsmanager.h"

const struct api_service_hooks secretsmanager_hooks = {.service = &secretsmanager_service};
