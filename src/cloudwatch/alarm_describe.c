/* DescribeAlarms and DescribeAlarmsForMetric. */
#include "cloudwatch/alarm.h"

#include "cloudwatch/formula.h"

static struct cloudwatch_MetricAlarm
show_metric_alarm(const struct cloudwatch_alarm_row *row)
{
    cloudwatch_alarm_assert(row);
    return (struct cloudwatch_MetricAlarm){
        .alarm_name = row->name,
        .alarm_arn = row->id,
        .alarm_description = row->has_description ? row->description : STR_NONE,
        .alarm_configuration_updated_timestamp = opt_i64(row->configured_ms),
        .actions_enabled = opt_bool(row->actions_enabled),
        .ok_actions = row->ok_actions,
        .alarm_actions = row->alarm_actions,
        .insufficient_data_actions = row->missing_actions,
        .state_value = row->state,
        .state_reason = row->reason,
        .state_reason_data = row->reason_data.n ? row->reason_data : STR_NONE,
        .state_updated_timestamp = opt_i64(row->state_ms),
        .state_transitioned_timestamp = opt_i64(row->transitioned_ms),
        .evaluation_periods = opt_i64(row->evaluation_periods),
        .datapoints_to_alarm = row->datapoints ? opt_i64(row->datapoints) : (struct opt_i64){0},
        .comparison_operator = row->comparison,
        .treat_missing_data = row->missing.n ? row->missing : STR_NONE,
    };
}

/* What an alarm of one metric shows besides. */
static void
show_metric(struct api_call *call, const struct cloudwatch_alarm_row *row,
            struct cloudwatch_MetricAlarm *alarm)
{
    assert(row->queries.n == 0 && row->metric.n > 0);
    alarm->metric_name = row->metric_name;
    alarm->namespace = row->namespace;
    alarm->statistic = row->statistic.n ? row->statistic : STR_NONE;
    alarm->extended_statistic = row->extended.n ? row->extended : STR_NONE;
    alarm->evaluate_low_sample_count_percentile = row->low_samples.n ? row->low_samples : STR_NONE;
    alarm->dimensions = cloudwatch_dimensions_show(call->arena, &row->dimensions);
    alarm->period = opt_i64(row->period_s);
    alarm->unit = row->unit.n ? row->unit : STR_NONE;
}

static int
show(struct api_call *call, const struct cloudwatch_alarm_row *row,
     struct cloudwatch_MetricAlarm *ret)
{
    const struct json threshold = {.kind = JSON_NUMBER, .text = row->threshold};
    struct cloudwatch_MetricAlarm alarm = show_metric_alarm(row);
    double number = 0;

    assert(!row->composite);
    API_PRESENT(&alarm.ok_actions);
    API_PRESENT(&alarm.alarm_actions);
    API_PRESENT(&alarm.insufficient_data_actions);
    API_PRESENT(&alarm.dimensions);
    if (json_f64(&threshold, &number))
        alarm.threshold = opt_f64(number);
    *ret = alarm;
    if (row->queries.n)
        return cloudwatch_alarm_queries(call, row, &ret->metrics);
    show_metric(call, row, ret);
    return 0;
}

static struct cloudwatch_CompositeAlarm
show_composite(const struct cloudwatch_alarm_row *row)
{
    struct cloudwatch_CompositeAlarm alarm = {
        .actions_enabled = opt_bool(row->actions_enabled),
        .alarm_actions = row->alarm_actions,
        .alarm_arn = row->id,
        .alarm_configuration_updated_timestamp = opt_i64(row->configured_ms),
        .alarm_description = row->has_description ? row->description : STR_NONE,
        .alarm_name = row->name,
        .alarm_rule = row->rule,
        .insufficient_data_actions = row->missing_actions,
        .ok_actions = row->ok_actions,
        .state_reason = row->reason,
        .state_reason_data = row->reason_data.n ? row->reason_data : STR_NONE,
        .state_updated_timestamp = opt_i64(row->state_ms),
        .state_transitioned_timestamp = opt_i64(row->transitioned_ms),
        .state_value = row->state,
    };

    assert(row->composite);
    API_PRESENT(&alarm.ok_actions);
    API_PRESENT(&alarm.alarm_actions);
    API_PRESENT(&alarm.insufficient_data_actions);
    return alarm;
}

/* ---- DescribeAlarms ---- */

static bool
has_action(const struct str_list *arns, struct str prefix)
{
    LIST_EACH(arns, arn) {
        if (str_starts(*arn, prefix))
            return true;
    }
    return false;
}

static bool
passes(const struct cloudwatch_DescribeAlarmsInput *req, const struct cloudwatch_alarm_row *row)
{
    struct str type = row->composite ? S("CompositeAlarm") : S("MetricAlarm");
    struct str prefix = req->action_prefix;

    cloudwatch_alarm_assert(row);
    return (req->alarm_types.n ? str_in(&req->alarm_types, type) : !row->composite) &&
           (!req->alarm_names.n || str_in(&req->alarm_names, row->name)) &&
           str_starts(row->name, req->alarm_name_prefix) &&
           (!req->state_value.p || str_eq(req->state_value, row->state)) &&
           (!prefix.p || has_action(&row->ok_actions, prefix) ||
            has_action(&row->alarm_actions, prefix) || has_action(&row->missing_actions, prefix));
}

/* Those that a composite alarm's rule names, or whose rule names this one. */
static int
describe_family(struct api_call *call, const struct cloudwatch_DescribeAlarmsInput *req,
                struct cloudwatch_DescribeAlarmsOutput *res)
{
    bool children = req->children_of_alarm_name.p != NULL;
    struct str name = children ? req->children_of_alarm_name : req->parents_of_alarm_name;
    const struct cloudwatch_alarm_row *of = cloudwatch_alarm_find(call, name);

    if ((children && req->parents_of_alarm_name.p) || req->alarm_names.n ||
        req->alarm_name_prefix.p || req->state_value.p || req->action_prefix.p)
        return api_fault(call, &CLOUDWATCH_ERR(ValidationError),
                         "%s cannot be combined with other filters",
                         children ? "ChildrenOfAlarmName" : "ParentsOfAlarmName");
    STORE_EACH(call->txn, cloudwatch_alarm_by_owner, row, call->account, call->region) {
        const struct cloudwatch_alarm_row *parent = children ? of : row;
        const struct cloudwatch_alarm_row *child = children ? row : of;

        if (!parent || !child || !parent->composite ||
            !cloudwatch_formula_names(call->arena, parent->rule, child->name, child->id))
            continue;
        /* Of these little more than the name is told. */
        if (row->composite)
            *LIST_PUSH(call->arena, &res->composite_alarms) = (struct cloudwatch_CompositeAlarm){
                .alarm_name = row->name, .alarm_arn = row->id, .state_value = row->state};
        else
            *LIST_PUSH(call->arena, &res->metric_alarms) = (struct cloudwatch_MetricAlarm){
                .alarm_name = row->name, .alarm_arn = row->id, .state_value = row->state};
    }
    return 0;
}

int
cloudwatch_describe_alarms(struct api_call *call, const struct cloudwatch_DescribeAlarmsInput *req,
                           struct cloudwatch_DescribeAlarmsOutput *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct api_page_scope scope = api_page_scope(call);
    struct api_page page;
    int r = 0;

    API_PRESENT(&res->metric_alarms);
    API_PRESENT(&res->composite_alarms);
    if (req->alarm_names.n && req->alarm_name_prefix.p)
        return api_fault(call, &CLOUDWATCH_ERR(ValidationError),
                         "AlarmNamePrefix and AlarmNames cannot be combined");
    if (req->children_of_alarm_name.p || req->parents_of_alarm_name.p)
        return describe_family(call, req, res);
    if (api_page_open(call->arena, &scope, &rule, req->next_token, req->max_records, false, &page,
                      &call->fault))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidNextToken), "Invalid next token");
    STORE_EACH(call->txn, cloudwatch_alarm_by_owner, row, call->account, call->region) {
        if (r || page.more || !passes(req, row) || !api_page_take(&page, row->name))
            continue;
        if (row->composite)
            *LIST_PUSH(call->arena, &res->composite_alarms) = show_composite(row);
        else
            r = show(call, row, LIST_PUSH(call->arena, &res->metric_alarms));
    }
    res->next_token = api_page_next(call->arena, &scope, &page);
    return r;
}

/* ---- DescribeAlarmsForMetric ---- */

int
cloudwatch_describe_alarms_for_metric(struct api_call *call,
                                      const struct cloudwatch_DescribeAlarmsForMetricInput *req,
                                      struct cloudwatch_DescribeAlarmsForMetricOutput *res)
{
    const struct cloudwatch_metric_name metric = {
        call->account, call->region, req->namespace, req->metric_name,
        cloudwatch_dimensions(call->arena, &req->dimensions)};
    char room[CLOUDWATCH_METRIC_ID_BYTES];
    int r = 0;

    API_PRESENT(&res->metric_alarms);
    STORE_EACH(call->txn, cloudwatch_alarm_by_metric, row, cloudwatch_metric_id(&metric, room)) {
        assert(!row->composite);
        if (r || (req->statistic.p && !str_eq(req->statistic, row->statistic)) ||
            (req->extended_statistic.p && !str_eq(req->extended_statistic, row->extended)) ||
            (req->period.set && req->period.v != row->period_s) ||
            (req->unit.p && !str_eq(req->unit, row->unit)))
            continue;
        r = show(call, row, LIST_PUSH(call->arena, &res->metric_alarms));
    }
    return r;
}
