/*
 * What alarms tell of themselves.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
#include "api/event.h"

#include "base/timefmt.h"
#include "cloudwatch/alarm.h"

enum { DETAIL_BYTES_MAX = 200 << 10 };

/* Its value, reason, reasonData, timestamp. */
static void
show_state(struct json_out *out, const struct cloudwatch_alarm_row *row)
{
    json_open(out, '{');
    json_key_str(out, "value", row->state);
    json_key_str(out, "reason", row->reason);
    if (row->reason_data.n)
        json_key_str(out, "reasonData", row->reason_data);
    json_key(out, S("timestamp"));
    out->comma = false;
    buf_add_char(out->buf, '"');
    cloudwatch_date(out->buf, row->state_ms);
    buf_add_char(out->buf, '"');
    out->comma = true;
    json_close(out, '}');
}

static void
show_metric(struct json_out *out, const struct cloudwatch_alarm_row *row)
{
    assert(row->metric_name.n > 0);
    json_key(out, S("metricStat"));
    json_open(out, '{');
    json_key(out, S("metric"));
    json_open(out, '{');
    json_key_str(out, "namespace", row->namespace);
    json_key_str(out, "name", row->metric_name);
    json_key(out, S("dimensions"));
    json_open(out, '{');
    for (size_t i = 0; i + 1 < row->dimensions.n; i += 2) {
        json_key(out, row->dimensions.v[i]);
        json_str(out, row->dimensions.v[i + 1]);
    }
    json_close(out, '}');
    json_close(out, '}');
    json_key_int(out, "period", row->period_s);
    json_key_str(out, "stat", row->statistic.n ? row->statistic : row->extended);
    json_close(out, '}');
}

static void
show_query(struct json_out *out, const struct cloudwatch_MetricDataQuery *q)
{
    assert(q->id.n > 0);
    json_open(out, '{');
    json_key_str(out, "id", q->id);
    if (q->expression.p)
        json_key_str(out, "expression", q->expression);
    if (q->label.p)
        json_key_str(out, "label", q->label);
    json_key(out, S("returnData"));
    json_bool(out, opt_bool_or(q->return_data, true));
    json_close(out, '}');
}

static int
show_configuration(struct api_call *call, struct json_out *out,
                   const struct cloudwatch_alarm_row *row)
{
    struct cloudwatch_MetricDataQueryList queries = {0};
    int r = row->queries.n ? cloudwatch_alarm_queries(call, row, &queries) : 0;

    json_key(out, S("configuration"));
    json_open(out, '{');
    if (row->composite) {
        json_key_str(out, "alarmRule", row->rule);
    } else {
        json_key(out, S("metrics"));
        json_open(out, '[');
        LIST_EACH(&queries, q)
            show_query(out, q);
        if (!row->queries.n) {
            json_open(out, '{');
            json_key_str(out, "id", api_uuid(call->env, call->arena));
            show_metric(out, row);
            json_key(out, S("returnData"));
            json_bool(out, true);
            json_close(out, '}');
        }
        json_close(out, ']');
    }
    if (row->has_description)
        json_key_str(out, "description", row->description);
    json_close(out, '}');
    return r;
}

static int
put(struct api_call *call, const struct cloudwatch_alarm_row *row, const char *type,
    const struct cloudwatch_alarm_row *old, const char *operation)
{
    struct str_list resources = {0};
    struct buf buf;
    struct json_out out = {&buf};

    buf_init(&buf, DETAIL_BYTES_MAX);
    json_open(&out, '{');
    json_key_str(&out, "alarmName", row->name);
    if (operation)
        json_key_str(&out, "operation", str_from(operation));
    json_key(&out, S("state"));
    show_state(&out, row);
    if (old) {
        json_key(&out, S("previousState"));
        show_state(&out, old);
    }
    int r = show_configuration(call, &out, row);

    json_close(&out, '}');
    assert(!buf_failed(&buf));
    *LIST_PUSH(call->arena, &resources) = row->id;
    if (r >= 0)
        r = api_event_put(call, "aws.cloudwatch", type, resources, buf_str(&buf));
    buf_done(&buf);
    return r;
}

int
cloudwatch_event_state(struct api_call *call, const struct cloudwatch_alarm_row *old,
                       const struct cloudwatch_alarm_row *row)
{
    assert(!str_eq(old->state, row->state));
    return put(call, row, "CloudWatch Alarm State Change", old, NULL);
}

int
cloudwatch_event_configuration(struct api_call *call, const struct cloudwatch_alarm_row *row,
                               const char *operation)
{
    assert(operation[0] != '\0');
    return put(call, row, "CloudWatch Alarm Configuration Change", NULL, operation);
}
