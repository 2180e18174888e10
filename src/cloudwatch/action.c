/*
 * The actions of alarms.  A system that is not there has a row too: alarms may name it, as their
 * templates do, and when the action falls due it fails with a sentence in the alarm's history.
 */
#include "cloudwatch/action.h"

#include "cloudwatch/alarm.h"
#include "cloudwatch/ec2.h"

static const struct api_error not_there = {"UnsupportedOperation", 501};

static int
no_system(struct api_call *call, const struct cloudwatch_alarm_row *alarm UNUSED, struct str arn)
{
    str_split(&arn, ':');
    str_split(&arn, ':');
    struct str service = str_split(&arn, ':');

    assert(service.n > 0);
    return api_fault(call, &not_there, "Welkin does not have the actions of %.*s yet.",
                     STR_ARG(service));
}

#define EC2(arn) {.pattern = (arn), .check = cloudwatch_ec2_check, .run = cloudwatch_ec2_run}

static const struct cloudwatch_action actions[] = {
    {.pattern = "arn:aws:sns:*:*:*", .run = cloudwatch_action_notify},
    {.pattern = "arn:aws:autoscaling:*:*:scalingPolicy:*",
     .run = cloudwatch_action_scale,
     .again = true},
    {.pattern = "arn:aws:lambda:*:*:function:*", .run = no_system},
    {.pattern = "arn:aws:ssm:*:*:opsitem:*", .run = no_system},
    {.pattern = "arn:aws:ssm-incidents::*:responseplan/*", .run = no_system},
    EC2("arn:aws:automate:*:ec2:stop"),
    EC2("arn:aws:automate:*:ec2:terminate"),
    EC2("arn:aws:automate:*:ec2:reboot"),
    EC2("arn:aws:automate:*:ec2:recover"),
    EC2("arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Stop/1.0"),
    EC2("arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Terminate/1.0"),
    EC2("arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Reboot/1.0"),
    EC2("arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Recover/1.0"),
};

const struct cloudwatch_action *
cloudwatch_action_find(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_glob(str_from(actions[i].pattern), arn))
            return &actions[i];
    return NULL;
}

/* The line of the history; `why` is p NULL when it was done. */
static int
put_history(struct api_call *call, const struct cloudwatch_alarm_row *alarm, struct str arn,
            struct str why)
{
    struct str summary =
        why.p ? str_fmt(call->arena, "Failed to execute action %.*s. Received error: \"%.*s\"",
                        STR_ARG(arn), STR_ARG(why))
              : str_fmt(call->arena, "Successfully executed action %.*s", STR_ARG(arn));
    struct buf buf;
    struct json_out out = {&buf};

    assert(arn.n > 0 && str_eq(alarm->account, call->account));
    buf_init(&buf, 16 << 10);
    json_open(&out, '{');
    json_key_str(&out, "actionState", why.p ? S("Failed") : S("Succeeded"));
    json_key_int(&out, "stateUpdateTimestamp", alarm->state_ms);
    json_key_str(&out, "notificationResource", arn);
    if (why.p)
        json_key_str(&out, "error", why);
    json_close(&out, '}');
    assert(!buf_failed(&buf));
    int r = cloudwatch_history_put(call, alarm, "Action", summary, buf_str(&buf));

    buf_done(&buf);
    return r;
}

int
cloudwatch_action_run(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                      struct str arn, bool again)
{
    const struct cloudwatch_action *action = cloudwatch_action_find(arn);
    size_t before = store_savepoint(call->txn);
    int r = -ENOENT;

    /* Forms that alarms could once have may be gone. */
    if (action)
        r = action->run(call, alarm, arn);
    else
        r = api_fault(call, &not_there, "Welkin does not know this action.");
    if (r < 0)
        return r;
    if (r == 0)
        return again && store_savepoint(call->txn) == before
                   ? 0
                   : put_history(call, alarm, arn, STR_NONE);
    store_rollback_to(call->txn, before);
    struct str why = call->fault.message;

    call->fault = (struct api_fault){0};
    return put_history(call, alarm, arn, why);
}
