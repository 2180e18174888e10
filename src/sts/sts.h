/* Who is calling: the security token service.  Handlers are declared by the generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/sts.h"

extern const struct api_service_hooks sts_hooks;
