/*
 * Scaling policies as actions: ExecutePolicy as whoever put the alarm.  A simple policy honours its
 * cooldown; others are told the value that breached, which stands in the reason's data.
 */
#include "cloudwatch/action.h"

#include "api/authorize.h"
#include "codec/json.h"
#include "gen/api/autoscaling.h"
#include "gen/store/autoscaling_rows.h"

static const struct api_error no_value = {"InvalidParameterValue", 400};

/* The newest of the datapoints that made the state. */
static bool
newest_value(struct api_call *call, const struct cloudwatch_alarm_row *alarm, double *ret)
{
    const struct json *points;
    struct json data;
    size_t at;

    if (!alarm->reason_data.n || !json_parse(call->arena, alarm->reason_data, 10000, &data, &at))
        return false;
    points = json_get(&data, "recentDatapoints");
    return points && points->kind == JSON_ARRAY && points->n &&
           json_f64(&points->v[points->n - 1], ret);
}

int
cloudwatch_action_scale(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                        struct str arn)
{
    const struct asg_policy_row *policy = asg_policy_get(call->txn, arn);
    const struct json threshold = {.kind = JSON_NUMBER, .text = alarm->threshold};
    struct autoscaling_ExecutePolicyType req = {.policy_name = arn};
    struct autoscaling_ExecutePolicyResult res;
    double value, limit;

    assert(!alarm->composite);
    if (policy && !str_is(policy->type, "SimpleScaling")) {
        if (!newest_value(call, alarm, &value) || !json_f64(&threshold, &limit))
            return api_fault(call, &no_value, "The state has no value for a %s policy.",
                             policy->tracking.n ? "target tracking" : "step");
        req.metric_value = opt_f64(value);
        req.breach_threshold = opt_f64(limit);
    } else {
        req.honor_cooldown = opt_bool(true);
    }
    int r = api_call_internal(call, "autoscaling", "ExecutePolicy", &req, &res,
                              "cloudwatch.amazonaws.com");

    /* While it cools down nothing is to be done, and nothing went wrong. */
    if (r > 0 && str_is(call->fault.code, "ScalingActivityInProgress")) {
        call->fault = (struct api_fault){0};
        return 0;
    }
    return r;
}
