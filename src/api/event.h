/*
 * The internal event bus: what services tell of changes, as rows in the order in which they
 * happened, written in the transaction that made the change.  So there is no event without its
 * change, and none is lost by a crash.
 *
 * People see the newest CLOUD_EVENTS_MAX at /_welkin/events.  EventBridge's default bus of account
 * and region carries those that a rule there may look for: that row is written in the same
 * transaction, and costs nothing while no rule names the source.
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

/*
 * Whether a rule of the account's default bus may look for events of the source.  Of what happens
 * often (states of instances) events are written only then.
 */
bool api_event_wanted(struct txn *txn, struct str account, struct str region, struct str source);

/*
 * Sends an event to a bus, by its name, of an account in the event's region: rules look at it once
 * the transaction is committed.  The `nth` of those that one call sends.  0 or negative.
 */
int api_event_send(struct txn *txn, const struct cloud_event_row *event, struct str account,
                   struct str bus, int64_t now_ms, size_t nth);
/* The same to the targets of one rule of the default bus, whatever it looks for. */
int api_event_send_to(struct txn *txn, const struct cloud_event_row *event, struct str rule,
                      int64_t now_ms);

/* An event as EventBridge delivers it. */
void api_event_show(struct buf *out, const struct cloud_event_row *row);
