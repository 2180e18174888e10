/* Systems Manager: Parameter Store so far.  Handlers are declared by the generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/ssm.h"

extern const struct api_service_hooks ssm_hooks;
