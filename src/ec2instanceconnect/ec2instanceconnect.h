/*
 * EC2 Instance Connect: keys that a user of an instance accepts for a minute.  Handlers are
 * declared by the generated header.
 */
#pragma once

#include "api/api.h"
#include "gen/api/ec2instanceconnect.h"

extern const struct api_service_hooks ec2instanceconnect_hooks;
