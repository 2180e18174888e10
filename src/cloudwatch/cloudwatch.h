/*
 * CloudWatch: metrics and alarms.  Handlers are declared by the generated header; here is what the
 * service's files share.
 */
#pragma once

#include "api/api.h"
#include "gen/api/cloudwatch.h"
#include "gen/store/cloudwatch_rows.h"

extern const struct api_service_hooks cloudwatch_hooks;
