/*
 * Scheduled events: what the cloud is going to do to an instance, told beforehand.
 *
 * AWS makes them when hardware fails or is to be mended.  Here faults do (instance_upkeep.c), and
 * the operator (`welkin event`).  An event is active until it was carried out, or until its reason
 * is gone because the instance was stopped and so leaves its host; then it is shown as completed
 * for a week.
 */
#include "ec2/instance.h"

#include "base/timefmt.h"
#include "ec2/row_ok.h"

enum {
    EVENT_NOTICE_MIN_MS = 3600 * 1000, /* a new start is at least this far away */
    EVENT_ID_DIGITS = 17,
};

static const struct kind {
    const char *code, *description;
} kinds[] = {
    {"instance-reboot", "The instance is scheduled for a reboot"},
    {"system-reboot", "The instance is scheduled for a reboot"},
    {"system-maintenance", "The instance is scheduled for maintenance"},
    {"instance-retirement", "The instance is running on degraded hardware"},
    {"instance-stop", "The instance is running on degraded hardware"},
};

static const struct kind *
kind_of(struct str code)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(code, kinds[i].code))
            return &kinds[i];
    return NULL;
}

bool
ec2_event_code_ok(struct str code)
{
    return kind_of(code) != NULL;
}

int
ec2_event_make(struct txn *txn, struct env *env, struct arena *arena,
               const struct ec2_event_want *asked, struct str *ret_id)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, asked->instance_id);
    const struct kind *kind = kind_of(asked->code);
    uint8_t random[(EVENT_ID_DIGITS + 1) / 2];
    struct ec2_event_want fitted = *asked;
    const struct ec2_event_want *want = &fitted;

    assert(instance && kind && asked->not_before_ms <= asked->not_after_ms);
    ec2_event_window_fit(txn, instance, &fitted);
    env->random(env, random, sizeof(random));
    struct str digits = str_cut(str_hex(arena, random, sizeof(random)), 0, EVENT_ID_DIGITS);
    const struct ec2_event_row row = {
        .id = str_cat(arena, S("instance-event-"), digits),
        .account = instance->account,
        .region = instance->region,
        .instance_id = instance->id,
        .code = want->code,
        .description = want->description.n ? want->description : str_from(kind->description),
        .not_before_ms = want->not_before_ms,
        .not_after_ms = want->not_after_ms,
        .deadline_ms = want->deadline_ms,
        .active = true,
        .created_ms = env->now_ms(env),
    };
    assert(ec2_event_ok(&row));
    int r = ec2_event_insert(txn, &row);

    if (r < 0)
        return error_origin(-r, "event %.*s cannot be written", STR_ARG(row.id));
    *ret_id = row.id;
    return 0;
}

int
ec2_event_end(struct txn *txn, const struct ec2_event_row *row, int64_t now_ms)
{
    struct ec2_event_row new = *row;

    assert(row->active);
    new.active = false;
    new.ended_ms = now_ms;
    assert(ec2_event_ok(&new));
    int r = ec2_event_update(txn, &new);

    return r < 0 ? error_origin(-r, "event %.*s cannot be written", STR_ARG(row->id)) : 0;
}

int
ec2_events_end(struct txn *txn, struct str instance_id, const char *code, int64_t now_ms)
{
    STORE_EACH(txn, ec2_event_by_instance, row, instance_id) {
        int r =
            row->active && (!code || str_is(row->code, code)) ? ec2_event_end(txn, row, now_ms) : 0;
        if (r)
            return r;
    }
    return 0;
}

int
ec2_events_forget(struct txn *txn, struct str instance_id)
{
    assert(instance_id.n > 0);
    STORE_EACH(txn, ec2_event_by_instance, row, instance_id) {
        int r = ec2_event_delete(txn, row->id);

        if (r < 0)
            return error_origin(-r, "event %.*s cannot be deleted", STR_ARG(row->id));
    }
    return 0;
}

/* ---- as the API shows them ---- */

static struct ec2_InstanceStatusEvent
show(struct arena *arena, const struct ec2_event_row *row)
{
    return (struct ec2_InstanceStatusEvent){
        .instance_event_id = row->id,
        .code = row->code,
        .description =
            row->active ? row->description : str_cat(arena, S("[Completed] "), row->description),
        .not_after = opt_i64(row->not_after_ms),
        .not_before = opt_i64(row->not_before_ms),
        .not_before_deadline = {row->deadline_ms, row->deadline_ms != 0},
    };
}

struct ec2_InstanceStatusEventList
ec2_events_show(struct api_call *call, struct str instance_id)
{
    struct ec2_InstanceStatusEventList list = {0};

    STORE_EACH(call->txn, ec2_event_by_instance, row, instance_id)
        *LIST_PUSH(call->arena, &list) = show(call->arena, row);
    return list;
}

/* ---- ModifyInstanceEventStartTime ---- */

static int
start_check(struct api_call *call, const struct ec2_event_row *row, int64_t start_ms)
{
    const char *why = !row->active        ? "The event has been completed."
                      : !row->deadline_ms ? "The event has no deadline and cannot be rescheduled."
                      : start_ms > row->deadline_ms
                          ? "The new start time must be before the event's deadline."
                      : start_ms < call->now_ms + EVENT_NOTICE_MIN_MS
                          ? "The new start time must be at least 60 minutes from now."
                          : NULL;

    if (!why)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidInstanceEventStartTime), "%s", why);
}

int
ec2_modify_instance_event_start_time(struct api_call *call,
                                     const struct ec2_ModifyInstanceEventStartTimeRequest *req,
                                     struct ec2_ModifyInstanceEventStartTimeResult *res)
{
    const struct ec2_instance_row *instance;
    int r = ec2_instance_find(call, req->instance_id, &instance);
    const struct ec2_event_row *row = r ? NULL : ec2_event_get(call->txn, req->instance_event_id);

    if (r)
        return r;
    if (!row || !str_eq(row->instance_id, instance->id))
        return api_fault(call, &EC2_ERR(InvalidInstanceEventIDNotFound),
                         "The instance event ID '%.*s' does not exist",
                         STR_ARG(req->instance_event_id));
    r = start_check(call, row, opt_i64_or(req->not_before, 0));
    if (r)
        return r;
    struct ec2_event_row new = *row;

    new.not_before_ms = opt_i64_or(req->not_before, 0);
    new.not_after_ms = new.not_before_ms + (row->not_after_ms - row->not_before_ms);
    assert(ec2_event_ok(&new));
    r = ec2_event_update(call->txn, &new);
    if (r < 0)
        return error_origin(-r, "event %.*s cannot be written", STR_ARG(row->id));
    res->event = ARENA_NEW(call->arena, struct ec2_InstanceStatusEvent);
    *res->event = show(call->arena, &new);
    return 0;
}
