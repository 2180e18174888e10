/*
 * The internal event bus: what services tell of changes, as rows in the order in which they
 * happened, written in the transaction that made the change.  So there is no event without its
 * change, and none is lost by a crash.
 *
 * EventBridge's default bus of each account and region carries these rows: its rules watch the
 * table cloud_event.  People see them at /_welkin/events.  The newest CLOUD_EVENTS_MAX are kept;
 * whoever consumes them remembers the key of the last one it saw.
 */
#pragma once

#include "api/api.h"
#include "gen/store/api_rows.h"

enum { CLOUD_EVENTS_MAX = 10000 };

struct api_event {
    struct str account, region;
    int64_t time_ms;
    const char *source, *detail_type; /* "aws.ssm", "Parameter Store Change" */
    struct str_list resources;        /* ARNs */
    struct str detail;                /* a JSON object; no secrets */
};

/* Writes an event; the oldest goes when there are too many.  0 or negative. */
int api_event_write(struct txn *txn, struct env *env, const struct api_event *event);

/* The same of a call: its account, region and time. */
int api_event_put(struct api_call *call, const char *source, const char *detail_type,
                  struct str_list resources, struct str detail);

/* An event as EventBridge delivers it. */
void api_event_show(struct buf *out, const struct cloud_event_row *row);
