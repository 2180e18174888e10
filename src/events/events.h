/*
 * EventBridge: buses, rules and what rules send where.
 *
 *   PutEvents, other services    an events_sent row, in the transaction of what it tells of
 *   engine.c                     rules look at it: an events_delivery row for each target
 *   deliver.c                    the target is called; what it refuses comes again, or is a dead
 *                                letter
 *
 * Each step is one transaction, so no event is lost and none is sent twice.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "base/error.h"
#include "gen/api/events.h"
#include "gen/store/events_rows.h"

extern const struct api_service_hooks events_hooks;

#define EVENTS_SERVICE "events.amazonaws.com"
#define EVENTS_DEFAULT "default"

enum {
    EVENTS_BUSES_MAX = 100,
    EVENTS_RULES_MAX = 300, /* of a bus */
    EVENTS_TARGETS_MAX = 5, /* of a rule */
    EVENTS_TAGS_MAX = 50,
    EVENTS_POLICY_MAX = 10240,
    EVENTS_BYTES_MAX = 256 << 10, /* of an event */
    EVENTS_NODES_MAX = 100000,
    EVENTS_HOPS_MAX = 5,
    EVENTS_RETRIES = 185,
    EVENTS_AGE_S = 24 * 3600,
};

#define EVENTS_ERRORS(X)                                                                           \
    X(InvalidEventPatternException)                                                                \
    X(LimitExceededException)                                                                      \
    X(PolicyLengthExceededException)                                                               \
    X(ResourceAlreadyExistsException)                                                              \
    X(ResourceNotFoundException)                                                                   \
    X(ValidationException)

enum events_error {
#define X(name) EVENTS_ERROR_##name,
    EVENTS_ERRORS(X)
#undef X
        EVENTS_N_ERRORS
};
extern const struct api_error events_errors[EVENTS_N_ERRORS];
#define EVENTS_ERR(name) (events_errors[EVENTS_ERROR_##name])

/* What a reply shows of a text that may be empty. */
static inline struct str
events_shown(struct str text)
{
    return text.n ? text : STR_NONE;
}

/* ---- events.c ---- */

/* Pages are in the order of names; descriptions allow no other alphabet for tokens. */
int events_page_open(struct api_call *call, struct str token, struct opt_i64 limit,
                     struct api_page *ret);
struct str events_page_next(struct api_call *call, const struct api_page *page);
/* ValidationException: "The parameter NAME is not implemented by Welkin." */
int events_unsupported(struct api_call *call, const char *name);
/* The operation's action on a thing of this service. */
int events_may(struct api_call *call, struct str arn, const struct str_list *tags);

/* ---- bus.c ---- */

/* By name or ARN (empty: default), of the caller's or another account; *ret_arn also when there is
 * none. */
const struct events_bus_row *
events_bus_named(struct api_call *call, struct str name_or_arn, struct str *ret_arn);
/* Of the caller's account: "Event bus NAME does not exist." */
int
events_bus_find(struct api_call *call, struct str name_or_arn, const struct events_bus_row **ret);
int events_bus_save(struct api_call *call, struct events_bus_row *row);

/* ---- rule.c ---- */

/* Whether the caller may do the operation with it, and the rule; *ret is NULL without `must`. */
int events_rule_find(struct api_call *call, struct str name, struct str bus, bool must,
                     const struct events_rule_row **ret);
bool events_rule_enabled(const struct events_rule_row *row);
/* When its schedule is due after `ms`, 0: never.  `due`: it was due then. */
int64_t events_rule_next(const struct events_rule_row *row, int64_t ms);

/* ---- tag.c ---- */

/* "A resource may have 50 tags", keys once, none that are AWS's. */
int events_tags_put(struct api_call *call, const struct events_TagList *tags, struct str_list *all);

/* ---- target.c ---- */

/* Whether the caller may give EventBridge the role. */
int events_pass_role(struct api_call *call, struct str role);

/* ---- input.c ---- */

/* Whether targets may have them; the fault is in the words of AWS. */
int events_input_check(struct api_call *call, const struct events_Target *target);
/* What a target gets of an event; false: it is too large. */
bool events_input_make(struct arena *a, const struct events_target_row *target, struct str event,
                       int64_t sent_ms, struct str *ret);

/* ---- deliver.c ---- */

/* Whether the ARN can be a target; the refusal names what is not there. */
int events_target_check(struct api_call *call, const struct events_Target *target);
/* Calls the target as EventBridge: 0; positive: call->fault; negative. */
int events_deliver(struct api_call *call, const struct events_target_row *target,
                   const struct events_delivery_row *delivery);

/* ---- holds.c: what is true of every row ---- */

void events_bus_assert(const struct events_bus_row *row);
void events_rule_assert(const struct events_rule_row *row);
void events_target_assert(const struct events_target_row *row);
