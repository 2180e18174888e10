/* Events on their way: rules look at what was sent, and targets get what they look for. */
#pragma once

#include "api/api.h"
#include "loop/loop.h"

struct events_engine;

int events_engine_new(struct events_engine **ret, struct loop *loop, struct store *store,
                      struct api *api);
/* Takes NULL, answers NULL. */
struct events_engine *events_engine_free(struct events_engine *engine);
