/*
 * CloudFormation.  A call checks and writes rows; the engine (engine.h) does the rest.
 *
 *   load, tree, function, template, parameter, convert   pure: what a template says
 *   type                                                 resource types, which are data
 *   look, apply, remove, output, engine                  from rows to resources
 *   stack, show, change_set, signal                      handlers
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "cloudformation/errors.h"
#include "gen/api/cloudformation.h"
#include "gen/store/cloudformation_rows.h"

extern const struct api_service_hooks cloudformation_hooks;
