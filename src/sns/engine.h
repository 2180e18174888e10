/*
 * Makes the POSTs that rows sns_delivery ask for, until they are taken or their retries are used
 * up.  A row goes when its outcome is known, so after a crash a POST may be made twice, never none.
 */
#pragma once

#include "api/poster.h"
#include "loop/loop.h"
#include "sns/sns.h"

struct sns_engine;

/* 0 or -errno. */
int
sns_engine_new(struct sns_engine **ret, struct loop *loop, struct store *store, struct api *api);
struct sns_engine *sns_engine_free(struct sns_engine *engine);
/* From now on there is a poster, which must outlive the engine. */
void sns_engine_start(struct sns_engine *engine, const struct api_poster *poster,
                      struct api_poster_events *ret);
