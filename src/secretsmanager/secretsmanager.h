/* Secrets Manager: secrets with versions, stages and a life.  Handlers: the generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/secretsmanager.h"

extern const struct api_service_hooks secretsmanager_hooks;
