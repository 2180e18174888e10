/* Keys, and the cryptography that is done with them.  Handlers: the generated header. */
#pragma once

#include "api/api.h"
#include "gen/api/kms.h"

extern const struct api_service_hooks kms_hooks;
