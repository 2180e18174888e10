/* What the API asks of this service beside its operations, and what its files share. */
#include "cloudwatch/cloudwatch.h"

const struct api_service_hooks cloudwatch_hooks = {.service = &cloudwatch_service};
