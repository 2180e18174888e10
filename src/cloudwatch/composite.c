/* PutCompositeAlarm.  Its evaluation is in engine.c. */
#include "cloudwatch/alarm.h"
#include "cloudwatch/formula.h"

#define INVALID(call, ...) api_fault((call), &CLOUDWATCH_ERR(ValidationError), __VA_ARGS__)

static int
refuse_unknown(struct api_call *call, const struct cloudwatch_PutCompositeAlarmInput *req)
{
    if (req->actions_suppressor.p)
        return cloudwatch_unsupported(call, "ActionsSuppressor");
    if (req->actions_suppressor_wait_period.set)
        return cloudwatch_unsupported(call, "ActionsSuppressorWaitPeriod");
    if (req->actions_suppressor_extension_period.set)
        return cloudwatch_unsupported(call, "ActionsSuppressorExtensionPeriod");
    return 0;
}

/* Every alarm that the rule names is there, and none is this one. */
static int
check_names(struct api_call *call, const struct str_list *names, struct str own)
{
    struct str own_arn = cloudwatch_alarm_arn(call, own);

    assert(names->n <= CLOUDWATCH_FORMULA_ALARMS_MAX);
    LIST_EACH(names, name) {
        struct str arn = str_starts(*name, S("arn:")) ? *name : cloudwatch_alarm_arn(call, *name);
        const struct cloudwatch_alarm_row *row = cloudwatch_alarm_get(call->txn, arn);

        if (str_eq(arn, own_arn))
            return INVALID(call, "AlarmRule must not contain the alarm itself: %.*s",
                           STR_ARG(*name));
        if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
            return INVALID(call,
                           "Could not save the composite alarm as alarms [%.*s] in the alarm "
                           "rule do not exist",
                           STR_ARG(*name));
    }
    return 0;
}

/* EC2 and Auto Scaling are for metric alarms. */
static int
check_actions(struct api_call *call, const struct str_list *arns)
{
    LIST_EACH(arns, arn) {
        if (str_starts(*arn, S("arn:aws:automate:")) || str_starts(*arn, S("arn:aws:swf:")) ||
            str_starts(*arn, S("arn:aws:autoscaling:")))
            return INVALID(call, "Composite alarms cannot have the action %.*s", STR_ARG(*arn));
    }
    return 0;
}

int
cloudwatch_put_composite_alarm(struct api_call *call,
                               const struct cloudwatch_PutCompositeAlarmInput *req,
                               struct cloudwatch_PutCompositeAlarmResult *res UNUSED)
{
    const struct str_list *lists[] = {&req->ok_actions, &req->alarm_actions,
                                      &req->insufficient_data_actions};
    const struct cloudwatch_alarm_common common = {
        req->alarm_name,  req->alarm_description, req->actions_enabled,
        &req->ok_actions, &req->alarm_actions,    &req->insufficient_data_actions,
        &req->tags};
    const struct cloudwatch_alarm_row *old = cloudwatch_alarm_find(call, req->alarm_name);
    struct cloudwatch_alarm_row row = {.composite = true, .rule = req->alarm_rule};
    struct str_list names = {0};
    size_t at;
    int r = refuse_unknown(call, req);

    if (r)
        return r;
    if (old && !old->composite)
        return INVALID(call, "The alarm %.*s is a metric alarm", STR_ARG(req->alarm_name));
    if (!cloudwatch_formula_parse(call->arena, req->alarm_rule, &names, &at))
        return INVALID(call, "AlarmRule expression is not valid at position %zu", at);
    assert(at == req->alarm_rule.n);
    r = check_names(call, &names, req->alarm_name);
    for (size_t i = 0; i < ARRAY_LEN(lists) && r == 0; i++)
        r = check_actions(call, lists[i]);
    if (r == 0)
        r = cloudwatch_alarm_fill(call, &common, old, &row);
    return r ? r : cloudwatch_alarm_keep(call, old, &row);
}
