/* What holds of the rows of Auto Scaling, whatever was called. */
#include "autoscaling/autoscaling.h"

static bool
is_arn(struct str s, const char *kind, struct str name)
{
    return str_starts(s, S("arn:aws:autoscaling:")) && str_find(s, str_from(kind)) != SIZE_MAX &&
           str_ends(s, name);
}

bool
asg_group_ok(const struct asg_group_row *row)
{
    assert(is_arn(row->id, ":autoScalingGroup:", row->name));
    assert(row->min_size >= 0 && row->min_size <= row->max_size);
    assert(row->desired >= 0 && row->cooldown_s >= 0 && row->grace_s >= 0);
    assert(row->zones.n > 0 && row->termination.n > 0);
    assert(row->tags.n % 3 == 0 && row->suspended.n % 2 == 0);
    assert((row->launch_config.n > 0) != (row->template_id.n > 0));
    assert(!row->mixed.n || row->template_id.n > 0);
    assert(row->warmup_s >= -1 && row->failures >= 0 && row->replacing >= 0);
    assert(!row->cooling_ms || row->cooling_s >= 0);
    assert(row->keep_max == 0 || (row->keep_max >= 100 && row->keep_max - row->keep_min <= 100));
    assert(!row->pool_ending || row->pool);
    assert(!row->pool || (row->pool_state.n > 0 && row->pool_min >= 0 && row->pool_max >= -1));
    return true;
}

bool
asg_instance_ok(const struct asg_instance_row *row)
{
    bool waits = row->state == ASG_PENDING_WAIT || row->state == ASG_TERMINATING_WAIT;

    assert(str_starts(row->id, S("i-")) && row->group_id.n > 0 && row->zone.n > 0);
    assert(row->state >= ASG_PENDING && row->state < ASG_N_STATES);
    assert(waits == (row->hook_token.n > 0));
    assert(!waits || (row->hook.n > 0 && row->hook_until_ms > row->hook_since_ms));
    assert(!row->ending || row->state == ASG_TERMINATING || row->state == ASG_TERMINATING_PROCEED);
    assert(row->state != ASG_IN_SERVICE || row->service_ms >= row->joined_ms);
    assert(!row->launch_config.n || !row->template_id.n);
    assert(row->weight >= 0 && !(row->warm && row->returning));
    assert(row->state != ASG_WARMED || (row->warm && row->rest.n > 0));
    assert(!row->warm || (row->state != ASG_IN_SERVICE && row->state != ASG_STANDBY));
    return true;
}

bool
asg_activity_ok(const struct asg_activity_row *row)
{
    assert(row->id.n == 36 && row->group_id.n > 0 && row->place < 0);
    assert(row->cause.n > 0 && row->cause.n <= ASG_CAUSE_MAX);
    assert(row->message.n <= ASG_MESSAGE_MAX);
    assert(row->progress >= 0 && row->progress <= 100);
    assert(!row->end_ms || (row->end_ms >= row->start_ms && row->progress == 100));
    return true;
}

bool
asg_policy_ok(const struct asg_policy_row *row)
{
    bool steps = str_is(row->type, "StepScaling"),
         tracks = str_is(row->type, "TargetTrackingScaling");

    assert(is_arn(row->id, ":scalingPolicy:", row->name));
    assert(steps || tracks || str_is(row->type, "SimpleScaling"));
    assert(steps == (row->steps.n > 0) && row->steps.n <= 3 * ASG_STEPS_MAX);
    assert(steps == (row->aggregation.n > 0));
    assert(tracks == (row->tracking.n > 0) && row->alarms.n <= 2);
    return true;
}

bool
asg_schedule_ok(const struct asg_schedule_row *row)
{
    assert(is_arn(row->id, ":scheduledUpdateGroupAction:", row->name));
    assert(row->min_size >= 0 || row->max_size >= 0 || row->desired >= 0);
    assert(row->recurrence.n > 0 || row->start_ms > 0);
    assert(!row->end_ms || row->due_ms <= row->end_ms);
    return true;
}

bool
asg_hook_ok(const struct asg_hook_row *row)
{
    assert(str_starts(row->id, row->group_id) && str_ends(row->id, row->name));
    assert(str_is(row->transition, ASG_LAUNCHING) || str_is(row->transition, ASG_TERMINATING_HOOK));
    assert(str_is(row->result, "CONTINUE") || str_is(row->result, "ABANDON"));
    return true;
}
