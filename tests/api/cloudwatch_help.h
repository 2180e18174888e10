/* What the tests of CloudWatch share. */
#pragma once

#include "harness/world.h"

#include <stdlib.h>

static inline struct str
cw(struct world *w, const char *operation, const char *json)
{
    return world_json_ok(w, "cloudwatch", operation, json);
}

#define CWF(w, operation, ...) world_json_okf(w, "cloudwatch", operation, __VA_ARGS__)

static inline void
cw_refused(struct world *w, const char *code, const char *message, const char *operation,
           const char *json)
{
    world_json_refused(w, code, message, "cloudwatch", operation, json);
}

/* Seconds since 1970 in the cloud. */
static inline long long
cw_now(struct world *w)
{
    return (long long)(w->env.now_ms / 1000);
}

/* The start of the cloud's minute, and the clock there. */
static inline long long
cw_on_the_minute(struct world *w)
{
    world_advance(w, 60000 - w->env.now_ms % 60000);
    return cw_now(w);
}

/* One value of a metric without dimensions, now. */
static inline void
cw_put(struct world *w, const char *name, double value)
{
    CWF(w, "PutMetricData",
        "{'Namespace': 'Test', 'MetricData': [{'MetricName': '%s', "
        "'Value': %.17g}]}",
        name, value);
}

static inline double
cw_number(struct str json, const char *path)
{
    const char *text = json_cstr(json, path);

    CHECK(text != NULL);
    return strtod(text, NULL);
}
#define CHECK_NUMBER(json, path, want) CHECK(cw_number((json), (path)) == (double)(want))
