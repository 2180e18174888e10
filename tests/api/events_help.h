/* What the tests of EventBridge share: functions that remember what they were told. */
#pragma once

#include "lambda_help.h"

#define EVENTS_RULE "arn:aws:events:us-east-1:000000000000:rule/"
#define EVENTS_BUS "arn:aws:events:us-east-1:000000000000:event-bus/"

/* Bodies with quotes in quotes: ' is for ", ` for \". */
static inline char *
events_text(struct world *w, const char *json)
{
    char *text = arena_alloc(&w->arena, 2 * strlen(json) + 1), *to = text;

    for (; *json; json++) {
        if (*json == '`')
            *to++ = '\\';
        *to++ = *json == '`' || *json == '\'' ? '"' : *json;
    }
    return text;
}

static inline struct str
events_ok(struct world *w, const char *operation, const char *json)
{
    return world_json_ok(w, "events", operation, events_text(w, json));
}

static inline void
events_refused(struct world *w, const char *code, const char *message, const char *operation,
               const char *json)
{
    world_json_refused(w, code, message, "events", operation, events_text(w, json));
}

/* What functions got, in order. */
enum { EVENTS_HEARD_MAX = 64 };
extern struct str events_heard[EVENTS_HEARD_MAX];
extern size_t events_n_heard;

/* A world whose function "f" hears, and may be called by rules. */
struct world *events_world(void);
/* Runs what is due; how many events were heard since the last time. */
size_t events_hear(struct world *w);
