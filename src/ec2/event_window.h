/*
 * Event windows: when in the week scheduled events may happen to an instance.  event_window.c has
 * the operations, event_window_target.c what a window is for, event_window_time.c the week.
 */
#pragma once

#include "ec2/instance.h"

enum {
    EVENT_WINDOW_WEEK_HOURS = 7 * 24,
    EVENT_WINDOW_RANGE_HOURS_MIN = 2,
    EVENT_WINDOW_HOURS_MIN = 4,
    EVENT_WINDOW_CRON_BYTES_MAX = 256,
};

/* ---- event_window_time.c: pure ---- */

/* The hours of a week that are within a window, from Sunday 00:00 UTC. */
struct ec2_week {
    bool open[EVENT_WINDOW_WEEK_HOURS];
};

/* All answer NULL, or what is wrong, as the end of a sentence. */
const char *ec2_week_add(struct ec2_week *week, struct str start_day, int64_t start_hour,
                         struct str end_day, int64_t end_hour);
const char *ec2_week_add_cron(struct ec2_week *week, struct str cron);
const char *ec2_week_check(const struct ec2_week *week);

/* The first moment from `ms` on that is within the window, which has one. */
int64_t ec2_week_next(const struct ec2_week *week, int64_t ms);
/* When the stretch that `ms` is within ends; of a window that never does, a week later. */
int64_t ec2_week_end(const struct ec2_week *week, int64_t ms);

/* ---- event_window.c ---- */

/* By id; faults: InvalidInstanceEventWindowID.Malformed, InvalidInstanceEventWindowID.NotFound. */
int ec2_event_window_find(struct api_call *call, struct str id,
                          const struct ec2_event_window_row **ret);
struct ec2_InstanceEventWindow *
ec2_event_window_show(struct api_call *call, const struct ec2_event_window_row *row,
                      const char *state);

/* ---- event_window_target.c ---- */

/* NULL: the window is for nothing. */
struct ec2_InstanceEventWindowAssociationTarget *
ec2_event_window_targets(struct api_call *call, struct str window_id);
/* All of a window; -errno. */
int ec2_event_window_drop_targets(struct txn *txn, struct str window_id);
/* The window that the instance is in: by its id, its Dedicated Host or a tag of it; NULL: none. */
const struct ec2_event_window_row *
ec2_event_window_of(struct txn *txn, const struct ec2_instance_row *row);

/* For the test that resolves every filter. */
extern const struct api_filter_table ec2_event_window_filter_table;
