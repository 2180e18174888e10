/*
 * Alarms: what the files about them share.  An alarm's row is changed by the operations, and its
 * state by the engine too; both go through cloudwatch_alarm_change(), which writes its history,
 * tells of it and does its actions, all in one transaction.
 */
#pragma once

#include "cloudwatch/cloudwatch.h"
#include "cloudwatch/judge.h"
#include "codec/json.h"

/* The ARN of the caller's alarm of that name, which is the key of its row. */
struct str cloudwatch_alarm_arn(struct api_call *call, struct str name);
/* The caller's alarm, or NULL. */
const struct cloudwatch_alarm_row *cloudwatch_alarm_find(struct api_call *call, struct str name);

/* ---- holds.c: what is true of every row, as assertions ---- */

void cloudwatch_alarm_assert(const struct cloudwatch_alarm_row *row);
void cloudwatch_history_assert(const struct cloudwatch_history_row *row);

/* Which state the row's text is. */
enum cloudwatch_state cloudwatch_state_of(const struct cloudwatch_alarm_row *row);

/*
 * A new state with its reason: row, history, event and actions.  The call's account and region are
 * the alarm's.  0 or negative.
 */
int
cloudwatch_alarm_change(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                        enum cloudwatch_state state, struct str reason, struct str data) MUST_USE;

/* What PutMetricAlarm and PutCompositeAlarm have in common: actions, description, tags, limits. */
struct cloudwatch_alarm_common {
    struct str name, description;
    struct opt_bool actions_enabled;
    const struct str_list *ok, *alarm, *missing;
    const struct cloudwatch_TagList *tags;
};
/* Puts it into the row; `old` is the alarm of that name, or NULL. */
int cloudwatch_alarm_fill(struct api_call *call, const struct cloudwatch_alarm_common *common,
                          const struct cloudwatch_alarm_row *old, struct cloudwatch_alarm_row *row);
/* Writes the row, its history and its event. */
int cloudwatch_alarm_keep(struct api_call *call, const struct cloudwatch_alarm_row *old,
                          const struct cloudwatch_alarm_row *row);

/* ---- alarm_queries.c: alarms of expressions ---- */

/* Checks Metrics of the request and puts them into the row. */
int cloudwatch_alarm_fill_queries(struct api_call *call,
                                  const struct cloudwatch_PutMetricAlarmInput *req,
                                  struct cloudwatch_alarm_row *row);
/* The expressions of an alarm that has some. */
int cloudwatch_alarm_queries(struct api_call *call, const struct cloudwatch_alarm_row *row,
                             struct cloudwatch_MetricDataQueryList *ret) MUST_USE;
/* The series that such an alarm watches, of the periods that end at end_ms. */
int cloudwatch_alarm_series(struct api_call *call, const struct cloudwatch_alarm_row *row,
                            int64_t end_ms, struct cloudwatch_series *ret) MUST_USE;

/* Adds tags of a request to those of an alarm. */
int cloudwatch_tags_add(struct api_call *call, const struct cloudwatch_TagList *tags,
                        struct str_list *to);

/* ---- history.c ---- */

enum { CLOUDWATCH_HISTORY_DATA_MAX = 4095 };
/* One item of an alarm's history.  0 or negative. */
int cloudwatch_history_put(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                           const char *kind, struct str summary, struct str data) MUST_USE;
/* Forgets what is older than 30 days or too much. */
int cloudwatch_history_trim(struct txn *txn, int64_t now_ms) MUST_USE;

/* ---- event.c ---- */

/* "CloudWatch Alarm State Change"; `old` has the state before. */
int cloudwatch_event_state(struct api_call *call, const struct cloudwatch_alarm_row *old,
                           const struct cloudwatch_alarm_row *row) MUST_USE;
/* "CloudWatch Alarm Configuration Change": create, update, delete. */
int cloudwatch_event_configuration(struct api_call *call, const struct cloudwatch_alarm_row *row,
                                   const char *operation) MUST_USE;
