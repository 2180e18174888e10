/*
 * Topics as actions: what an alarm tells them, in the words of AWS's messages.  CloudWatch
 * publishes by itself, so the topic's policy decides.
 */
#include "cloudwatch/action.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "api/notify.h"
#include "api/scalar.h"
#include "cloudwatch/alarm.h"
#include "gen/api/ssm.h"

#define VIA "cloudwatch.amazonaws.com"
#define MESSAGE_MAX ((size_t)128 << 10)

enum { SUBJECT_MAX = 99 };

/* "US East (N. Virginia)", from Systems Manager's public parameters; else the Region's code. */
static struct str
region_name(struct api_call *call)
{
    const struct ssm_GetParameterRequest req = {
        .name = str_fmt(call->arena, "/aws/service/global-infrastructure/regions/%.*s/longName",
                        STR_ARG(call->region))};
    struct str_list actor = api_actor_account(call->arena, call->account);
    struct ssm_GetParameterResult res = {0};
    struct api_call as;

    if (!api_actor_call(call->api, call->arena, &actor, call->region, &as))
        return call->region;
    as.txn = call->txn;
    int r = api_call_internal(&as, "ssm", "GetParameter", &req, &res, VIA);

    return r == 0 && res.parameter ? res.parameter->value : call->region;
}

static void
put_date(struct json_out *o, const char *name, int64_t ms)
{
    json_key(o, str_from(name));
    buf_add_char(o->buf, '"');
    cloudwatch_date(o->buf, ms);
    buf_add_char(o->buf, '"');
    o->comma = true;
}

static void
put_list(struct json_out *o, const char *name, const struct str_list *list)
{
    json_key(o, str_from(name));
    json_open(o, '[');
    LIST_EACH(list, s)
        json_str(o, *s);
    json_close(o, ']');
}

static void
put_or_null(struct json_out *o, const char *name, struct str s)
{
    json_key(o, str_from(name));
    if (s.n)
        json_str(o, s);
    else
        json_null(o);
}

/* SampleCount is SAMPLE_COUNT here. */
static struct str
statistic_name(struct arena *a, struct str name)
{
    struct str out = S("");

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (i && c >= 'A' && c <= 'Z')
            out = str_cat(a, out, S("_"));
        out = str_fmt(a, "%.*s%c", STR_ARG(out), c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    return out;
}

static void
put_metric(struct json_out *o, struct arena *a, const struct cloudwatch_alarm_row *alarm)
{
    bool extended = alarm->extended.n > 0;

    json_key_str(o, "MetricName", alarm->metric_name);
    json_key_str(o, "Namespace", alarm->namespace);
    json_key_str(o, "StatisticType", extended ? S("ExtendedStatistic") : S("Statistic"));
    if (extended)
        json_key_str(o, "ExtendedStatistic", alarm->extended);
    else
        json_key_str(o, "Statistic", statistic_name(a, alarm->statistic));
    put_or_null(o, "Unit", alarm->unit);
    json_key(o, S("Dimensions"));
    json_open(o, '[');
    for (size_t i = 0; i + 1 < alarm->dimensions.n; i += 2) {
        json_open(o, '{');
        json_key_str(o, "value", alarm->dimensions.v[i + 1]);
        json_key_str(o, "name", alarm->dimensions.v[i]);
        json_close(o, '}');
    }
    json_close(o, ']');
}

/* What made the state, of a metric alarm. */
static void
put_trigger(struct json_out *o, struct arena *a, const struct cloudwatch_alarm_row *alarm)
{
    json_key(o, S("Trigger"));
    json_open(o, '{');
    if (alarm->queries.n) {
        json_key(o, S("Metrics"));
        json_raw(o, alarm->queries);
    } else {
        put_metric(o, a, alarm);
    }
    json_key_int(o, "Period", alarm->period_s);
    json_key_int(o, "EvaluationPeriods", alarm->evaluation_periods);
    if (alarm->datapoints)
        json_key_int(o, "DatapointsToAlarm", alarm->datapoints);
    json_key_str(o, "ComparisonOperator", alarm->comparison);
    if (alarm->threshold.n) {
        json_key(o, S("Threshold"));
        json_raw(o, alarm->threshold);
    }
    json_key_str(o, "TreatMissingData", alarm->missing.n ? alarm->missing : S("missing"));
    json_key_str(o, "EvaluateLowSampleCountPercentile", alarm->low_samples);
    json_close(o, '}');
}

static struct str
message_of(struct api_call *call, const struct cloudwatch_alarm_row *alarm, struct str region)
{
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, MESSAGE_MAX);
    json_open(&o, '{');
    json_key_str(&o, "AlarmName", alarm->name);
    json_key(&o, S("AlarmDescription"));
    if (alarm->has_description)
        json_str(&o, alarm->description);
    else
        json_null(&o);
    json_key_str(&o, "AWSAccountId", alarm->account);
    put_date(&o, "AlarmConfigurationUpdatedTimestamp", alarm->configured_ms);
    json_key_str(&o, "NewStateValue", alarm->state);
    json_key_str(&o, "NewStateReason", alarm->reason);
    put_date(&o, "StateChangeTime", alarm->state_ms);
    json_key_str(&o, "Region", region);
    json_key_str(&o, "AlarmArn", alarm->id);
    json_key_str(&o, "OldStateValue", alarm->old_state);
    put_list(&o, "OKActions", &alarm->ok_actions);
    put_list(&o, "AlarmActions", &alarm->alarm_actions);
    put_list(&o, "InsufficientDataActions", &alarm->missing_actions);
    if (alarm->composite)
        json_key_str(&o, "AlarmRule", alarm->rule);
    else
        put_trigger(&o, call->arena, alarm);
    json_close(&o, '}');
    struct str text = buf_failed(&buf) ? STR_NONE : str_dup(call->arena, buf_str(&buf));

    buf_done(&buf);
    return text;
}

int
cloudwatch_action_notify(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                         struct str arn)
{
    struct api_call as =
        api_service_call(call->api, call->arena, VIA, alarm->account, alarm->region, alarm->id);
    struct str region = region_name(call);
    struct str subject = str_fmt(call->arena, "%.*s: \"%.*s\" in %.*s", STR_ARG(alarm->state),
                                 STR_ARG(alarm->name), STR_ARG(region));
    const struct api_notice notice = {.target = arn,
                                      .subject = api_excerpt(subject, SUBJECT_MAX),
                                      .text = message_of(call, alarm, region),
                                      .via = VIA};

    cloudwatch_alarm_assert(alarm);
    if (!notice.text.p)
        return error_origin(EMSGSIZE, "the message of alarm %.*s is too long", STR_ARG(alarm->id));
    as.txn = call->txn;
    int r = api_notify(&as, &notice);

    if (r > 0)
        call->fault = as.fault;
    return r;
}
