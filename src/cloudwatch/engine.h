/* The clock of alarms: metric alarms each minute, or ten seconds; composite ones after them. */
#pragma once

#include "api/api.h"
#include "loop/loop.h"

struct cloudwatch_engine;
int cloudwatch_engine_new(struct cloudwatch_engine **ret, struct loop *loop, struct store *store,
                          struct api *api);
struct cloudwatch_engine *cloudwatch_engine_free(struct cloudwatch_engine *engine);
