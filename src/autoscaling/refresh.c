/*
 * Instance refreshes, the engine's side: all instances that a group had are replaced, so many at a
 * time that enough healthy ones stay, and no more than are allowed are there.  A row holds who is
 * left; the engine ends them, and the group's own growing replaces them.
 *
 *   Pending → InProgress (with waits at checkpoints) → Baking → Successful
 *           → Failed, or RollbackInProgress → RollbackSuccessful, RollbackFailed
 *           → Cancelling → Cancelled
 *
 * What a refresh is for becomes the group's when it is successful; until then launches take it.
 */
#include "autoscaling/engine.h"

#include "gen/store/cloudwatch_rows.h"
#include "gen/store/ec2_rows.h"

#define STALLED_MS (INT64_C(3600) * 1000)
#define ALARMS_AGAIN_MS (INT64_C(15) * 1000)

const struct asg_refresh_row *
asg_refresh_active(struct api_call *call, struct str group_id)
{
    STORE_EACH(call->txn, asg_refresh_by_group, row, group_id) {
        assert(row->total >= 0 && row->place < 0);
        return row->end_ms ? NULL : row;
    }
    return NULL;
}

int
asg_refresh_save(struct api_call *call, const struct asg_refresh_row *row)
{
    assert(row->min_healthy >= 0 && row->min_healthy <= 100);
    assert(row->checkpoint >= 0 && row->checkpoint <= (int64_t)row->checkpoints.n);
    return asg_written(asg_refresh_update(call->txn, row), "refresh", row->id);
}

static bool
is_status(const struct asg_refresh_row *row, const char *status)
{
    return str_is(row->status, status);
}

void
asg_refresh_apply(const struct asg_refresh_row *row, struct asg_group_row *group)
{
    if (!row->template_id.n || row->rollback_ms)
        return;
    group->template_id = row->template_id;
    group->template_name = row->template_name;
    group->template_version = row->template_version;
    group->mixed = row->mixed;
    group->launch_config = S("");
}

/* ---- who matches ---- */

/* The number that a version's name stands for now. */
static struct str
version_of(struct api_call *call, struct str template_id, struct str version)
{
    const struct ec2_launch_template_row *row = ec2_launch_template_get(call->txn, template_id);
    bool latest = str_is(version, "$Latest");

    if (!row || (version.n && !latest && !str_is(version, "$Default")))
        return version;
    return str_fmt(call->arena, "%lld",
                   (long long)(latest ? row->latest_version : row->default_version));
}

bool
asg_matches(struct api_call *call, const struct asg_group_row *group,
            const struct asg_instance_row *row)
{
    struct asg_kind_list kinds;

    if (group->launch_config.n)
        return str_eq(group->launch_config, row->launch_config);
    if (asg_kinds(call, group, &kinds) != 0)
        return false;
    LIST_EACH(&kinds, kind)
        if (str_eq(kind->template_id, row->template_id) &&
            str_eq(version_of(call, kind->template_id, kind->template_version),
                   row->template_version) &&
            (!kind->type.n || str_eq(kind->type, row->type)))
            return true;
    return false;
}

/* ---- going back ---- */

/* The group's own template must be a version that stays what it is. */
bool
asg_refresh_reversible(const struct asg_group_row *group, const struct asg_refresh_row *row)
{
    int64_t number;

    return row->template_id.n &&
           (group->launch_config.n || str_to_i64(group->template_version, &number));
}

void
asg_refresh_undo(struct api_call *call, const struct asg_group_row *group,
                 struct asg_refresh_row *row, struct str reason)
{
    assert(!row->rollback_ms && reason.n > 0);
    row->status = S("RollbackInProgress");
    row->rollback_reason = reason;
    row->rollback_ms = row->moved_ms = call->now_ms;
    row->until_ms = 0;
    row->left = (struct str_list){0};
    STORE_EACH(call->txn, asg_instance_by_group, instance, group->id)
        if (!asg_matches(call, group, instance))
            *LIST_PUSH(call->arena, &row->left) = instance->id;
    row->rollback_total = (int64_t)row->left.n;
}

static void
end(struct asg_look *look, struct asg_refresh_row *row, const char *status, struct str reason)
{
    assert(!row->end_ms && status[0] != '\0');
    row->status = str_from(status);
    row->reason = reason;
    row->end_ms = look->call->now_ms;
}

static void
fail(struct asg_look *look, struct asg_refresh_row *row, struct str reason)
{
    if (row->rollback_ms)
        end(look, row, "RollbackFailed", reason);
    else if (row->auto_rollback && asg_refresh_reversible(&look->group, row))
        asg_refresh_undo(look->call, &look->group, row, reason);
    else
        end(look, row, "Failed", reason);
}

/* An alarm of its own that is loud; p NULL: none. */
static struct str
loud_alarm(struct asg_look *look, const struct asg_refresh_row *row)
{
    struct api_call *call = look->call;

    if (row->alarms.n)
        asg_look_next(look, call->now_ms + ALARMS_AGAIN_MS);
    LIST_EACH(&row->alarms, name) {
        struct str arn = str_fmt(call->arena, "arn:aws:cloudwatch:%.*s:%.*s:alarm:%.*s",
                                 STR_ARG(call->region), STR_ARG(call->account), STR_ARG(*name));
        const struct cloudwatch_alarm_row *alarm = cloudwatch_alarm_get(call->txn, arn);

        if (alarm && str_is(alarm->state, "ALARM"))
            return *name;
    }
    return STR_NONE;
}

/* ---- who goes ---- */

static const struct asg_instance_row *
member(const struct asg_look *look, struct str id)
{
    LIST_EACH(&look->instances, row)
        if (str_eq(row->id, id))
            return row;
    return NULL;
}

/* Whether it is still to be replaced: it is there, and nothing exempts it. */
static bool
is_left(const struct asg_look *look, const struct asg_refresh_row *refresh, struct str id)
{
    const struct asg_instance_row *row = member(look, id);

    if (!row || (!asg_counts(row) && row->state != ASG_STANDBY && row->state != ASG_WARMED))
        return false;
    if (row->state == ASG_STANDBY && str_is(refresh->standby, "Ignore"))
        return false;
    return !row->protected || !str_is(refresh->protected, "Ignore");
}

static bool
may_end(const struct asg_refresh_row *refresh, const struct asg_instance_row *row)
{
    if (row->state == ASG_STANDBY)
        return str_is(refresh->standby, "Terminate");
    return row->state == ASG_WARMED || (row->state == ASG_IN_SERVICE &&
                                        (!row->protected || str_is(refresh->protected, "Refresh")));
}

/* How many serve: the old ones, and new ones that are warm. */
static int64_t
serving(struct asg_look *look, const struct asg_refresh_row *refresh)
{
    int64_t n = 0;

    LIST_EACH(&look->instances, row) {
        int64_t warm_ms = row->service_ms + refresh->warmup_s * 1000;

        if (row->state != ASG_IN_SERVICE || row->unhealthy)
            continue;
        if (row->service_ms > refresh->start_ms && warm_ms > look->call->now_ms)
            asg_look_next(look, warm_ms);
        else
            n += asg_weight(row);
    }
    return n;
}

/* Ends at most `most` of them, of which those that serve are within the budget. */
static int
end_some(struct asg_look *look, const struct asg_refresh_row *refresh, int64_t budget, int64_t most)
{
    struct api_call *call = look->call;
    int r = 0;

    assert(!refresh->end_ms);
    LIST_EACH(&look->instances, row) {
        bool serves = row->state == ASG_IN_SERVICE;

        if (r || most <= 0 || !str_in(&refresh->left, row->id) || !may_end(refresh, row) ||
            (serves && budget <= 0))
            continue;
        budget -= serves ? asg_weight(row) : 0;
        most--;
        look->changed = true;
        r = asg_terminate_begin(call, &look->group, row,
                                str_fmt(call->arena,
                                        "At %.*s an instance was taken out of service in response "
                                        "to an instance refresh.",
                                        STR_ARG(asg_time(call))));
    }
    return r;
}

/* ---- a step ---- */

/* How many may be replaced before the next checkpoint is reached, all in all. */
static int64_t
allowed(const struct asg_refresh_row *row)
{
    int64_t percent = 100;

    if (row->rollback_ms || row->checkpoint >= (int64_t)row->checkpoints.n)
        return row->rollback_ms ? row->rollback_total : row->total;
    bool ok = str_to_i64(row->checkpoints.v[row->checkpoint], &percent);

    assert(ok && percent > 0 && percent <= 100);
    return ok ? (row->total * percent + 99) / 100 : 0;
}

static void
finish(struct asg_look *look, struct asg_refresh_row *row)
{
    if (row->rollback_ms) {
        end(look, row, "RollbackSuccessful", S(""));
        return;
    }
    if (row->bake_s && !is_status(row, "Baking")) {
        row->status = S("Baking");
        row->until_ms = look->call->now_ms + row->bake_s * 1000;
        asg_look_next(look, row->until_ms);
        return;
    }
    end(look, row, "Successful", S(""));
    asg_refresh_apply(row, &look->group);
    look->from = look->group;
    look->changed = true;
}

/* All that were allowed are replaced, and the group serves: on to the next checkpoint. */
static void
checkpoint(struct asg_look *look, struct asg_refresh_row *row)
{
    int64_t now_ms = look->call->now_ms;

    row->moved_ms = now_ms;
    if (row->rollback_ms || row->checkpoint + 1 >= (int64_t)row->checkpoints.n) {
        finish(look, row);
    } else if (!row->until_ms) {
        row->until_ms = now_ms + row->delay_s * 1000;
    } else if (now_ms >= row->until_ms) {
        row->checkpoint++;
        row->until_ms = 0;
    }
    if (!row->end_ms)
        asg_look_next(look, row->until_ms > now_ms ? row->until_ms : now_ms + 1);
}

static int
go_on(struct asg_look *look, struct asg_refresh_row *row)
{
    const struct asg_group_row *g = &look->group;
    int64_t total = row->rollback_ms ? row->rollback_total : row->total;
    int64_t n = serving(look, row), live = asg_live(look, STR_NONE);
    int64_t need = (g->desired * row->min_healthy + 99) / 100;
    int64_t room = asg_room(g->desired, MAX(row->max_healthy, 100));
    int64_t most = allowed(row) - (total - (int64_t)row->left.n);

    if (most <= 0 && live == g->desired && n >= live) {
        checkpoint(look, row);
        return 0;
    }
    /* where it may not be larger, one may go in any case when all serve */
    int64_t budget = n >= g->desired && !room ? MAX(n - need, 1) : n - need;
    int64_t before = 0, after = 0;

    assert(room >= 0 && need >= 0 && need <= g->desired);
    LIST_EACH(&look->instances, each)
        before += str_in(&row->left, each->id) && may_end(row, each);
    int r = end_some(look, row, budget, most);

    LIST_EACH(&look->instances, each)
        after += str_in(&row->left, each->id) && may_end(row, each);
    most -= before - after;
    look->surge = MAX(look->surge, MAX(MIN(room, MIN(most, after)), 0));
    return r;
}

static int
step(struct asg_look *look, struct asg_refresh_row *row)
{
    struct str loud = loud_alarm(look, row);
    struct str_list left = {0};
    int64_t stalled_ms;

    LIST_EACH(&row->left, id)
        if (is_left(look, row, *id))
            *LIST_PUSH(look->call->arena, &left) = *id;
    if (left.n != row->left.n)
        row->moved_ms = look->call->now_ms;
    row->left = left;
    if (is_status(row, "Pending"))
        row->status = S("InProgress");
    if (loud.p && !row->rollback_ms) {
        fail(look, row,
             str_fmt(look->call->arena, "The alarm %.*s is in state ALARM.", STR_ARG(loud)));
        return 0;
    }
    if (is_status(row, "Baking")) {
        if (look->call->now_ms >= row->until_ms)
            finish(look, row);
        else
            asg_look_next(look, row->until_ms);
        return 0;
    }
    stalled_ms = row->moved_ms + row->warmup_s * 1000 + STALLED_MS;
    if (!row->until_ms && look->call->now_ms >= stalled_ms) {
        fail(look, row, S("The group could not be brought further within an hour."));
        return 0;
    }
    if (!row->until_ms)
        asg_look_next(look, stalled_ms);
    return go_on(look, row);
}

int
asg_refresh_step(struct asg_look *look)
{
    const struct asg_refresh_row *row = asg_refresh_active(look->call, look->group.id);
    const struct asg_group_row *g = &look->group;

    if (!row)
        return 0;
    struct asg_refresh_row changed = *row;
    int r = 0;

    asg_refresh_apply(row, &look->from);
    if (is_status(row, "Cancelling")) {
        if (asg_is_moving(look))
            return 0;
        end(look, &changed, "Cancelled", row->reason);
        return asg_refresh_save(look->call, &changed);
    }
    if (asg_suspended(g, "InstanceRefresh") || asg_suspended(g, "Launch") ||
        asg_suspended(g, "Terminate"))
        return 0;
    r = step(look, &changed);
    if (changed.rollback_ms && !row->rollback_ms)
        look->from = look->group;
    return r ? r : asg_refresh_save(look->call, &changed);
}
