/* Identity: users, groups, roles, policies, keys.  Handlers: the generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/iam.h"

extern const struct api_service_hooks iam_hooks;
