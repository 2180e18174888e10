/* Service Quotas: what an account may use, and more on request.  Handlers are declared by the
 * generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/servicequotas.h"

extern const struct api_service_hooks servicequotas_hooks;
