/*
 * Who is replaced without a user's or a refresh's wish: the unhealthy, and those that have served
 * longer than the group's maximum lifetime.  Where the group's maintenance policy lets it be larger
 * than it desires (more than 100 percent), others are launched first.
 */
#include "autoscaling/engine.h"

static bool
launches_first(const struct asg_group_row *g)
{
    return g->keep_max > 100;
}

int64_t
asg_serving(const struct asg_look *look)
{
    int64_t n = 0;

    LIST_EACH(&look->instances, row)
        if (row->state == ASG_IN_SERVICE && !row->unhealthy)
            n += asg_weight(row);
    return n;
}

int64_t
asg_room(int64_t desired, int64_t max_percent)
{
    assert(desired >= 0 && max_percent >= 100);
    return max_percent == 100 ? 0 : MAX(desired * max_percent / 100 - desired, 1);
}

static int
end_one(struct asg_look *look, struct asg_instance_row *row, struct str why)
{
    assert(row->state == ASG_IN_SERVICE && why.n > 0);
    look->changed = true;
    return asg_terminate_begin(look->call, &look->group, row,
                               str_fmt(look->call->arena,
                                       "At %.*s an instance was taken out of service in response "
                                       "to %.*s.",
                                       STR_ARG(asg_time(look->call)), STR_ARG(why)));
}

/* The unhealthy do not serve: once enough others do, all of them may end. */
int
asg_replace_unhealthy(struct asg_look *look)
{
    const struct asg_group_row *g = &look->group;
    int64_t n = 0;
    int r = 0;

    if (asg_suspended(g, "ReplaceUnhealthy") || asg_suspended(g, "Terminate"))
        return 0;
    LIST_EACH(&look->instances, row)
        n += row->state == ASG_IN_SERVICE && row->unhealthy;
    if (n && launches_first(g) && asg_serving(look) * 100 < g->desired * g->keep_min) {
        look->surge = MAX(look->surge, MIN(n, asg_room(g->desired, g->keep_max)));
        return 0;
    }
    LIST_EACH(&look->instances, row) {
        if (r || row->state != ASG_IN_SERVICE || !row->unhealthy)
            continue;
        r = end_one(look, row, row->why);
        look->group.replacing++;
    }
    return r;
}

/* One at a time, the oldest first; protected ones stay. */
int
asg_replace_old(struct asg_look *look)
{
    const struct asg_group_row *g = &look->group;
    struct asg_instance_row *oldest = NULL;

    if (!g->max_life_s || asg_suspended(g, "Terminate") || asg_suspended(g, "Launch"))
        return 0;
    LIST_EACH(&look->instances, row)
        if (row->state == ASG_IN_SERVICE && !row->unhealthy && !row->protected &&
            (!oldest || row->service_ms < oldest->service_ms))
            oldest = row;
    if (!oldest)
        return 0;
    assert(oldest->service_ms > 0 && look->surge >= 0);
    int64_t due_ms = oldest->service_ms + g->max_life_s * 1000;

    if (due_ms > look->call->now_ms) {
        asg_look_next(look, due_ms);
        return 0;
    }
    if (asg_is_moving(look) || asg_serving(look) < g->desired + launches_first(g)) {
        if (launches_first(g))
            look->surge = MAX(look->surge, 1);
        return 0;
    }
    return end_one(look, oldest, S("its maximum instance lifetime being exceeded"));
}
