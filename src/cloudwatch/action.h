/*
 * What alarms do when their state changes: a table of the forms of ARNs that stand in AlarmActions,
 * OKActions and InsufficientDataActions (action.c).  A system that can be acted on adds its rows
 * there.  An action that fails, or of a system that is not there, is in the alarm's history with
 * the reason.
 */
#pragma once

#include "api/api.h"
#include "gen/store/cloudwatch_rows.h"

struct cloudwatch_action {
    const char *pattern; /* of the ARN, with `*`: "arn:aws:automate:*:ec2:stop" */
    /*
     * Whether an alarm may have it: called by PutMetricAlarm, may be NULL.  0 or positive with the
     * fault.
     */
    int (*check)(struct api_call *call, const struct cloudwatch_alarm_row *alarm, struct str arn);
    /*
     * Does it.  The call is that of whoever put the alarm, inside the transaction of the change of
     * state; only api_call_internal() and rows.  0; positive: call->fault says why it failed;
     * negative: ours.  What a failed action changed is taken back.
     */
    int (*run)(struct api_call *call, const struct cloudwatch_alarm_row *alarm, struct str arn);
    bool again; /* also each minute that the alarm stays in its state: Auto Scaling policies */
};

/* The row of that ARN, or NULL: alarms cannot have it. */
const struct cloudwatch_action *cloudwatch_action_find(struct str arn);

/*
 * Does one and writes its line of the alarm's history; `again`: only when it did something.  0 or
 * negative.
 */
int cloudwatch_action_run(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                          struct str arn, bool again) MUST_USE;

/* ---- action_scaling.c ---- */

int cloudwatch_action_scale(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                            struct str arn);

/* ---- action_notify.c ---- */

int cloudwatch_action_notify(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                             struct str arn);
