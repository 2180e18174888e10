/* An alarm's row: what it is made of, how it is written, and what a change of state does. */
#include "cloudwatch/alarm.h"

#include "api/actor.h"
#include "api/scalar.h"
#include "cloudwatch/action.h"

struct str
cloudwatch_alarm_arn(struct api_call *call, struct str name)
{
    assert(call->account.n && call->region.n);
    return str_fmt(call->arena, "arn:aws:cloudwatch:%.*s:%.*s:alarm:%.*s", STR_ARG(call->region),
                   STR_ARG(call->account), STR_ARG(name));
}

const struct cloudwatch_alarm_row *
cloudwatch_alarm_find(struct api_call *call, struct str name)
{
    const struct cloudwatch_alarm_row *row =
        cloudwatch_alarm_get(call->txn, cloudwatch_alarm_arn(call, name));

    if (row)
        cloudwatch_alarm_assert(row);
    return row;
}

enum cloudwatch_state
cloudwatch_state_of(const struct cloudwatch_alarm_row *row)
{
    enum cloudwatch_state state = CLOUDWATCH_OK;

    while (state < CLOUDWATCH_NO_DATA && !str_is(row->state, cloudwatch_states[state]))
        state++;
    assert(str_is(row->state, cloudwatch_states[state]));
    return state;
}

/* ---- a change of state ---- */

static void
show_state(struct json_out *out, const char *name, const struct cloudwatch_alarm_row *row,
           bool data)
{
    json_key(out, str_from(name));
    json_open(out, '{');
    json_key_str(out, "stateValue", row->state);
    json_key_str(out, "stateReason", row->reason);
    if (data && row->reason_data.n) {
        json_key(out, S("stateReasonData"));
        json_raw(out, row->reason_data);
    }
    json_close(out, '}');
}

static void
show_change(struct buf *buf, const struct cloudwatch_alarm_row *old,
            const struct cloudwatch_alarm_row *new, bool data)
{
    struct json_out out = {buf};

    json_open(&out, '{');
    json_key_str(&out, "version", S("1.0"));
    show_state(&out, "oldState", old, data);
    show_state(&out, "newState", new, data);
    json_close(&out, '}');
    assert(!buf_failed(buf));
}

static int
put_state_history(struct api_call *call, const struct cloudwatch_alarm_row *old,
                  const struct cloudwatch_alarm_row *new)
{
    struct buf buf;

    buf_init(&buf, 32 << 10);
    show_change(&buf, old, new, true);
    if (buf.n > CLOUDWATCH_HISTORY_DATA_MAX) {
        /* Two long states are too much for an item: then without what they were made of. */
        buf_reset(&buf);
        show_change(&buf, old, new, false);
    }
    int r = cloudwatch_history_put(call, new, "StateUpdate",
                                   str_fmt(call->arena, "Alarm updated from %.*s to %.*s",
                                           STR_ARG(old->state), STR_ARG(new->state)),
                                   buf_str(&buf));

    buf_done(&buf);
    return r;
}

static int
act(struct api_call *call, const struct cloudwatch_alarm_row *row)
{
    const struct str_list *const actions[] = {
        [CLOUDWATCH_OK] = &row->ok_actions,
        [CLOUDWATCH_ALARM] = &row->alarm_actions,
        [CLOUDWATCH_NO_DATA] = &row->missing_actions,
    };
    int r = 0;

    if (!row->actions_enabled)
        return 0;
    LIST_EACH(actions[cloudwatch_state_of(row)], arn) {
        if (r >= 0)
            r = cloudwatch_action_run(call, row, *arn, false);
    }
    return r;
}

int
cloudwatch_alarm_change(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                        enum cloudwatch_state state, struct str reason, struct str data)
{
    struct cloudwatch_alarm_row row = *alarm;
    bool other = cloudwatch_state_of(alarm) != state;

    assert(state < CLOUDWATCH_RETAIN && str_eq(call->account, alarm->account));
    row.state = str_from(cloudwatch_states[state]);
    row.reason = reason;
    row.reason_data = data;
    row.state_ms = call->now_ms;
    if (other) {
        row.transitioned_ms = call->now_ms;
        row.old_state = alarm->state;
    }
    int r = cloudwatch_alarm_update(call->txn, &row);

    if (r < 0 || !other)
        return r;
    r = put_state_history(call, alarm, &row);
    if (r >= 0)
        r = cloudwatch_event_state(call, alarm, &row);
    return r < 0 ? r : act(call, &row);
}

/* ---- what both kinds of alarms are put with ---- */

static int
check_actions(struct api_call *call, const struct str_list *arns)
{
    LIST_EACH(arns, arn) {
        if (!cloudwatch_action_find(*arn))
            return api_fault(call, &CLOUDWATCH_ERR(ValidationError), "Invalid arn syntax: %.*s",
                             STR_ARG(*arn));
    }
    return 0;
}

/* Whether the account may have another alarm in the Region. */
static int
check_room(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, cloudwatch_alarm_by_owner, row, call->account, call->region) {
        assert(str_eq(row->region, call->region));
        n++;
    }
    return n < CLOUDWATCH_ALARMS_MAX
               ? 0
               : api_fault(call, &CLOUDWATCH_ERR(LimitExceeded),
                           "The maximum number of alarms, %d, has been reached.",
                           CLOUDWATCH_ALARMS_MAX);
}

int
cloudwatch_alarm_fill(struct api_call *call, const struct cloudwatch_alarm_common *common,
                      const struct cloudwatch_alarm_row *old, struct cloudwatch_alarm_row *row)
{
    int r = check_actions(call, common->ok);

    if (r == 0)
        r = check_actions(call, common->alarm);
    if (r == 0)
        r = check_actions(call, common->missing);
    if (r)
        return r;
    row->id = cloudwatch_alarm_arn(call, common->name);
    row->account = call->account;
    row->region = call->region;
    row->name = common->name;
    row->description = common->description;
    row->has_description = common->description.p != NULL;
    row->actions_enabled = opt_bool_or(common->actions_enabled, true);
    row->ok_actions = *common->ok;
    row->alarm_actions = *common->alarm;
    row->missing_actions = *common->missing;
    row->configured_ms = call->now_ms;
    row->actor = api_actor_keep(call);
    if (old) {
        /* The state stays, and so do the tags: those of the request are ignored. */
        row->state = old->state;
        row->reason = old->reason;
        row->reason_data = old->reason_data;
        row->state_ms = old->state_ms;
        row->transitioned_ms = old->transitioned_ms;
        row->tags = old->tags;
        return 0;
    }
    row->state = str_from(cloudwatch_states[CLOUDWATCH_NO_DATA]);
    row->reason = S("Unchecked: Initial alarm creation");
    row->state_ms = row->transitioned_ms = call->now_ms;
    r = cloudwatch_tags_add(call, common->tags, &row->tags);
    return r ? r : check_room(call);
}

static struct str
configuration(struct api_call *call, const char *type, const struct cloudwatch_alarm_row *row)
{
    const char *key = str_is(str_from(type), "Create")   ? "createdAlarm"
                      : str_is(str_from(type), "Update") ? "updatedAlarm"
                                                         : "deletedAlarm";
    struct buf buf;
    struct json_out out = {&buf};

    buf_init(&buf, 3800);
    json_open(&out, '{');
    json_key_str(&out, "type", str_from(type));
    json_key_str(&out, "version", S("1.0"));
    json_key(&out, str_from(key));
    json_open(&out, '{');
    json_key_str(&out, "alarmName", row->name);
    json_key_str(&out, "alarmArn", row->id);
    json_key(&out, S("actionsEnabled"));
    json_bool(&out, row->actions_enabled);
    json_key_str(&out, "stateValue", row->state);
    if (row->composite) {
        json_key_str(&out, "alarmRule", str_cut(row->rule, 0, 1000));
    } else {
        if (!row->queries.n) {
            json_key_str(&out, "metricName", row->metric_name);
            json_key_str(&out, "namespace", row->namespace);
            json_key_str(&out, "statistic", row->statistic.n ? row->statistic : row->extended);
        }
        json_key_int(&out, "period", row->period_s);
        json_key_int(&out, "evaluationPeriods", row->evaluation_periods);
        json_key_str(&out, "comparisonOperator", row->comparison);
        json_key(&out, S("threshold"));
        json_raw(&out, row->threshold.n ? row->threshold : S("null"));
    }
    json_close(&out, '}');
    json_close(&out, '}');
    assert(!buf_failed(&buf));
    struct str text = str_dup(call->arena, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* "Alarm "NAME" created", and the event. */
static int
tell(struct api_call *call, const struct cloudwatch_alarm_row *row, const char *type,
     const char *operation)
{
    int r = cloudwatch_history_put(
        call, row, "ConfigurationUpdate",
        str_fmt(call->arena, "Alarm \"%.*s\" %sd", STR_ARG(api_excerpt(row->name, 200)), operation),
        configuration(call, type, row));

    return r < 0 ? r : cloudwatch_event_configuration(call, row, operation);
}

int
cloudwatch_alarm_keep(struct api_call *call, const struct cloudwatch_alarm_row *old,
                      const struct cloudwatch_alarm_row *row)
{
    cloudwatch_alarm_assert(row);
    int r = old ? cloudwatch_alarm_update(call->txn, row) : cloudwatch_alarm_insert(call->txn, row);

    return r < 0 ? r : tell(call, row, old ? "Update" : "Create", old ? "update" : "create");
}

/* ---- DeleteAlarms, EnableAlarmActions, DisableAlarmActions, SetAlarmState ---- */

/* Names that there are not are passed over. */
int
cloudwatch_delete_alarms(struct api_call *call, const struct cloudwatch_DeleteAlarmsInput *req,
                         struct cloudwatch_DeleteAlarmsResult *res UNUSED)
{
    unsigned composites = 0;
    int r = 0;

    LIST_EACH(&req->alarm_names, name) {
        const struct cloudwatch_alarm_row *row = cloudwatch_alarm_find(call, *name);

        if (row && row->composite && ++composites > 1)
            return api_fault(call, &CLOUDWATCH_ERR(ValidationError),
                             "At most one composite alarm can be deleted at a time.");
    }
    LIST_EACH(&req->alarm_names, name) {
        const struct cloudwatch_alarm_row *row = cloudwatch_alarm_find(call, *name);

        if (!row || r < 0)
            continue;
        r = tell(call, row, "Delete", "delete");
        if (r >= 0)
            r = cloudwatch_alarm_delete(call->txn, row->id);
    }
    return r;
}

static int
enable(struct api_call *call, const struct str_list *names, bool enabled)
{
    int r = 0;

    LIST_EACH(names, name) {
        const struct cloudwatch_alarm_row *old = cloudwatch_alarm_find(call, *name);

        if (!old || old->actions_enabled == enabled || r < 0)
            continue;
        struct cloudwatch_alarm_row row = *old;

        row.actions_enabled = enabled;
        row.configured_ms = call->now_ms;
        r = cloudwatch_alarm_keep(call, old, &row);
    }
    return r;
}

int
cloudwatch_enable_alarm_actions(struct api_call *call,
                                const struct cloudwatch_EnableAlarmActionsInput *req,
                                struct cloudwatch_EnableAlarmActionsResult *res UNUSED)
{
    return enable(call, &req->alarm_names, true);
}

int
cloudwatch_disable_alarm_actions(struct api_call *call,
                                 const struct cloudwatch_DisableAlarmActionsInput *req,
                                 struct cloudwatch_DisableAlarmActionsResult *res UNUSED)
{
    return enable(call, &req->alarm_names, false);
}

int
cloudwatch_set_alarm_state(struct api_call *call, const struct cloudwatch_SetAlarmStateInput *req,
                           struct cloudwatch_SetAlarmStateResult *res UNUSED)
{
    const struct cloudwatch_alarm_row *alarm = cloudwatch_alarm_find(call, req->alarm_name);
    enum cloudwatch_state state = CLOUDWATCH_OK;
    struct json data;
    size_t at;

    if (!alarm)
        return api_fault(call, &CLOUDWATCH_ERR(ResourceNotFound),
                         "Alarm with name %.*s does not exist", STR_ARG(req->alarm_name));
    if (req->state_reason_data.n &&
        !json_parse(call->arena, req->state_reason_data, 10000, &data, &at))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidFormat),
                         "StateReasonData was not syntactically valid JSON.");
    while (!str_is(req->state_value, cloudwatch_states[state]))
        state++;
    assert(state < CLOUDWATCH_RETAIN);
    return cloudwatch_alarm_change(call, alarm, state, req->state_reason, req->state_reason_data);
}
