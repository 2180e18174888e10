/*
 * The steps of a rolling update.
 *
 *   begin    the batch is as large as policy, obsolete instances and room below the maximum allow;
 *            the group grows when that many cannot be missed
 *   settle   until as many are in service as are wanted; of new ones the signals are awaited
 *   end      the next batch is terminated, and replaced as far as the group lacks new ones
 *   going    until they are gone
 */
#include "cloudformation/roll.h"

#include <stddef.h>

#define PAUSE_MAX_MS ((int64_t)3600 * 1000)
#define PRINT_MAX ((size_t)1 << 20)

/* ---- the policy ---- */

bool
cfn_duration(struct str s, int64_t *ret)
{
    int64_t n = 0, sum = 0;

    if (!str_starts(s, S("PT")) || s.n < 4)
        return false;
    for (size_t i = 2; i < s.n; i++) {
        char c = s.p[i];

        if (c >= '0' && c <= '9') {
            n = n * 10 + (c - '0');
            if (n > 1000000)
                return false;
            continue;
        }
        if (c != 'H' && c != 'M' && c != 'S')
            return false;
        sum += n * (c == 'H' ? 3600 : c == 'M' ? 60 : 1) * 1000;
        n = 0;
    }
    assert(n >= 0 && sum >= 0);
    *ret = sum;
    return n == 0 && sum <= (int64_t)12 * 3600 * 1000;
}

struct str
cfn_roll_policy(struct arena *a, const struct json *in, struct cfn_roll *ret)
{
    static const struct {
        const char *name;
        size_t at;
        int64_t min, max;
    } numbers[] = {
        {"MaxBatchSize", offsetof(struct cfn_roll, max_batch), 1, 100},
        {"MinInstancesInService", offsetof(struct cfn_roll, in_service), 0, INT32_MAX},
        {"MinActiveInstancesPercent", offsetof(struct cfn_roll, active_percent), 0, 100},
        {"MinSuccessfulInstancesPercent", offsetof(struct cfn_roll, percent), 0, 100},
    };

    *ret = (struct cfn_roll){.max_batch = 1, .active_percent = 0, .percent = 100};
    if (!in || in->kind != JSON_OBJECT)
        return S("AutoScalingRollingUpdate must be an object");
    for (size_t i = 0; i < in->n; i++) {
        struct str name = in->names[i], value = cfn_scalar(&in->v[i]);
        bool good = str_is(name, "PauseTime") || str_is(name, "WaitOnResourceSignals") ||
                    str_is(name, "SuspendProcesses");

        for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
            int64_t *number = (int64_t *)((char *)ret + numbers[k].at);

            if (!str_is(name, numbers[k].name))
                continue;
            good =
                str_to_i64(value, number) && *number >= numbers[k].min && *number <= numbers[k].max;
        }
        if (!good)
            return name;
    }
    assert(ret->max_batch >= 1 && ret->percent >= 0 && ret->percent <= 100);
    const struct json *pause = json_get(in, "PauseTime"), *list = json_get(in, "SuspendProcesses");
    struct str waits = cfn_scalar(json_get(in, "WaitOnResourceSignals"));

    if (waits.p && !str_is(waits, "true") && !str_is(waits, "false"))
        return S("WaitOnResourceSignals");
    ret->waits = str_is(waits, "true");
    ret->pause = pause ? cfn_scalar(pause) : ret->waits ? S("PT5M") : S("PT0S");
    if (!cfn_duration(ret->pause, &ret->pause_ms) || ret->pause_ms > PAUSE_MAX_MS)
        return S("PauseTime");
    for (size_t i = 0; list && i < list->n; i++)
        *LIST_PUSH(a, &ret->suspend) = cfn_scalar(&list->v[i]);
    return list && list->kind != JSON_ARRAY ? S("SuspendProcesses") : STR_NONE;
}

/* ---- signals ---- */

struct str
cfn_roll_enough(struct arena *a, int64_t good, int64_t bad, int64_t lost, int64_t total,
                int64_t percent)
{
    int64_t needed = (total * percent + 99) / 100;
    bool failed = bad > 0;

    assert(good >= 0 && bad >= 0 && lost >= 0 && percent >= 0 && percent <= 100);
    if (bad + lost <= total - needed)
        return STR_NONE;
    return str_fmt(a,
                   "Received %lld %s signal(s) out of %lld.  Unable to satisfy %lld%% "
                   "MinSuccessfulInstancesPercent requirement",
                   (long long)(failed ? bad : good), failed ? "FAILURE" : "SUCCESS",
                   (long long)total, (long long)percent);
}

struct str
cfn_roll_lost(struct arena *a, int64_t lost)
{
    assert(lost > 0);
    return str_fmt(a,
                   "Failed to receive %lld resource signal(s) for the current batch.  Each "
                   "resource signal timeout is counted as a FAILURE.",
                   (long long)lost);
}

/* ---- steps ---- */

static void
tell(struct arena *a, struct cfn_roll_step *step, struct str event)
{
    assert(event.n > 0);
    *LIST_PUSH(a, &step->events) = event;
}

static struct str
how_it_waits(struct arena *a, const struct cfn_roll *roll)
{
    if (!roll->waits && !roll->pause_ms)
        return S("");
    return str_fmt(a, "%s %.*s when new instances are added to the autoscaling group.",
                   roll->waits ? " Waiting on resource signals with a timeout of" : " Pausing for",
                   STR_ARG(roll->pause));
}

static bool
begin(struct arena *a, struct cfn_roll *roll, const struct cfn_group *group,
      struct cfn_roll_step *step)
{
    int64_t keep = MAX(roll->in_service, (group->desired * roll->active_percent + 99) / 100);

    if (roll->in_service >= group->max && roll->in_service > 0) {
        step->failed = S("MinInstancesInService must be less than the autoscaling group's MaxSize");
        return false;
    }
    /* it gets smaller by itself first: of whom it is, is known then */
    if (group->n > (size_t)MAX(group->desired, 0))
        return false;
    for (size_t i = 0; i < group->n; i++) {
        *LIST_PUSH(a, &roll->known) = group->v[i].id;
        if (group->v[i].obsolete)
            *LIST_PUSH(a, &roll->old) = group->v[i].id;
    }
    roll->min = group->min;
    roll->desired = group->desired;
    roll->total = (int64_t)roll->old.n;
    roll->at = CFN_ROLL_OVER;
    if (!roll->old.n)
        return true;
    roll->batch = MAX(MIN(MIN(roll->max_batch, roll->total), group->max - keep), 1);
    int64_t size = MIN(MAX(roll->batch + keep, group->desired), group->max);
    struct str kept =
        keep ? str_fmt(a, ", while keeping at least %lld instance(s) in service", (long long)keep)
             : S("");

    tell(a, step,
         str_fmt(a,
                 "Rolling update initiated. Terminating %lld obsolete instance(s) in batches of "
                 "%lld%.*s.%.*s",
                 (long long)roll->total, (long long)roll->batch, STR_ARG(kept),
                 STR_ARG(how_it_waits(a, roll))));
    roll->at = CFN_ROLL_SETTLE;
    /* a group that is as large as it can be is left as it is */
    if (size != group->desired || (size != group->min && size < group->max)) {
        roll->resized = true;
        step->set_min = step->set_desired = size;
        tell(a, step,
             str_fmt(a,
                     "Temporarily setting autoscaling group MinSize and DesiredCapacity to %lld.",
                     (long long)size));
    }
    assert(roll->batch >= 1 && size <= group->max);
    return true;
}

static bool
settle(struct arena *a, struct cfn_roll *roll, const struct cfn_group *group, int64_t now_ms,
       struct cfn_roll_step *step)
{
    int64_t in_service = 0, fresh = 0;

    assert(roll->total > 0 && roll->batch > 0);
    for (size_t i = 0; i < group->n; i++)
        in_service += group->v[i].in_service;
    if (in_service < group->desired)
        return false;
    for (size_t i = 0; i < group->n; i++) {
        if (str_in(&roll->known, group->v[i].id) || !group->v[i].in_service)
            continue;
        *LIST_PUSH(a, &roll->known) = group->v[i].id;
        fresh++;
    }
    roll->expected += roll->waits ? fresh : 0;
    roll->at = fresh && (roll->waits || roll->pause_ms) ? CFN_ROLL_WAIT : CFN_ROLL_END;
    roll->until_ms = now_ms + roll->pause_ms;
    if (roll->at == CFN_ROLL_END)
        return true;
    tell(a, step,
         roll->waits ? str_fmt(a,
                               "New instance(s) added to autoscaling group - Waiting on %lld "
                               "resource signal(s) with a timeout of %.*s.",
                               (long long)fresh, STR_ARG(roll->pause))
                     : str_fmt(a, "New instance(s) added to autoscaling group - Pausing for %.*s.",
                               STR_ARG(roll->pause)));
    return true;
}

static bool
wait_for(struct arena *a, struct cfn_roll *roll, int64_t good, int64_t bad, int64_t now_ms,
         struct cfn_roll_step *step)
{
    int64_t missing = roll->expected - good - bad - roll->lost;
    bool late = now_ms >= roll->until_ms;
    assert(step && roll->percent >= 0 && roll->percent <= 100);

    if (roll->waits && missing > 0 && late) {
        roll->lost += missing;
        tell(a, step, cfn_roll_lost(a, missing));
    }
    if (roll->waits)
        step->failed = cfn_roll_enough(a, good, bad, roll->lost, roll->total, roll->percent);
    if (step->failed.p)
        return false;
    if (!late && (!roll->waits || missing > 0)) {
        step->look_ms = roll->until_ms;
        return false;
    }
    roll->at = CFN_ROLL_END;
    return true;
}

static bool
end(struct arena *a, struct cfn_roll *roll, const struct cfn_group *group,
    struct cfn_roll_step *step)
{
    size_t n = MIN((size_t)roll->batch, roll->old.n);
    struct str_list left = {0};
    int64_t fresh = 0;

    assert(roll->batch > 0);
    if (!n) {
        if (roll->resized) {
            step->set_min = roll->min;
            step->set_desired = roll->desired;
        }
        roll->at = CFN_ROLL_OVER;
        return true;
    }
    for (size_t i = 0; i < group->n; i++)
        fresh += group->v[i].in_service && !str_in(&roll->old, group->v[i].id);
    roll->going = (struct str_list){0};
    for (size_t i = 0; i < roll->old.n; i++)
        *LIST_PUSH(a, i < n ? &roll->going : &left) = roll->old.v[i];
    roll->old = left;
    step->end = roll->going;
    step->replaced = (size_t)MAX(MIN((int64_t)n, roll->desired - fresh), 0);
    if (step->replaced < n && group->min > roll->min)
        step->set_min = roll->min; /* it gets smaller */
    tell(a, step,
         str_fmt(a, "Terminating instance(s) [%.*s]; replacing with %zu new instance(s).",
                 STR_ARG(str_join(a, &roll->going, S(","))), step->replaced));
    roll->at = CFN_ROLL_GOING;
    return true;
}

static bool
going(struct arena *a, struct cfn_roll *roll, const struct cfn_group *group,
      struct cfn_roll_step *step)
{
    int64_t gone = roll->total - (int64_t)roll->old.n;

    assert(roll->total > 0 && gone > 0);
    for (size_t i = 0; i < group->n; i++)
        if (str_in(&roll->going, group->v[i].id))
            return false;
    tell(a, step,
         str_fmt(a, "Successfully terminated instance(s) [%.*s] (Progress %lld%%).",
                 STR_ARG(str_join(a, &roll->going, S(","))),
                 (long long)((100 * gone + roll->total / 2) / roll->total)));
    roll->going = (struct str_list){0};
    roll->at = CFN_ROLL_SETTLE;
    return true;
}

bool
cfn_roll_next(struct arena *a, struct cfn_roll *roll, const struct cfn_group *group, int64_t good,
              int64_t bad, int64_t now_ms, struct cfn_roll_step *ret)
{
    *ret = (struct cfn_roll_step){.set_min = -1, .set_desired = -1};
    assert(group->min <= group->max && group->desired <= group->max);
    switch ((enum cfn_roll_at)roll->at) {
    case CFN_ROLL_BEGIN:
        return begin(a, roll, group, ret);
    case CFN_ROLL_SETTLE:
        return settle(a, roll, group, now_ms, ret);
    case CFN_ROLL_WAIT:
        return wait_for(a, roll, good, bad, now_ms, ret);
    case CFN_ROLL_END:
        return end(a, roll, group, ret);
    case CFN_ROLL_GOING:
        return going(a, roll, group, ret);
    case CFN_ROLL_OVER:
        break;
    }
    return false;
}

/* ---- as text ---- */

#define AT(member) offsetof(struct cfn_roll, member)

static const struct {
    const char *name;
    size_t at;
} numbers[] =
    {
        {"MaxBatch", AT(max_batch)},
        {"InService", AT(in_service)},
        {"Active", AT(active_percent)},
        {"Percent", AT(percent)},
        {"PauseMs", AT(pause_ms)},
        {"Waits", AT(waits)},
        {"At", AT(at)},
        {"Min", AT(min)},
        {"Desired", AT(desired)},
        {"Resized", AT(resized)},
        {"Total", AT(total)},
        {"Batch", AT(batch)},
        {"Expected", AT(expected)},
        {"Lost", AT(lost)},
        {"Until", AT(until_ms)},
        {"Since", AT(since_ms)},
},
  lists[] = {
      {"Suspend", AT(suspend)},     {"Old", AT(old)}, {"Going", AT(going)}, {"Known", AT(known)},
      {"Suspended", AT(suspended)},
};

struct str
cfn_roll_print(struct arena *a, const struct cfn_roll *roll)
{
    struct json j = cfn_object();

    cfn_put(a, &j, S("Pause"), cfn_text(roll->pause));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t n = *(const int64_t *)((const char *)roll + numbers[i].at);

        cfn_put(a, &j, str_from(numbers[i].name), cfn_text(str_fmt(a, "%lld", (long long)n)));
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct str_list *list =
            (const struct str_list *)(const void *)((const char *)roll + lists[i].at);
        struct json *out = cfn_put(a, &j, str_from(lists[i].name), cfn_array());

        LIST_EACH(list, s)
            cfn_push(a, out, cfn_text(*s));
    }
    struct str text = cfn_print(a, &j, PRINT_MAX);

    assert(text.n > 0);
    return text;
}

bool
cfn_roll_read(struct arena *a, struct str text, struct cfn_roll *ret)
{
    struct json j;

    *ret = (struct cfn_roll){0};
    if (!text.n || !cfn_read(a, text, &j))
        return false;
    ret->pause = json_text(&j, "Pause");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (!str_to_i64(json_text(&j, numbers[i].name),
                        (int64_t *)(void *)((char *)ret + numbers[i].at)))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct json *in = json_get(&j, lists[i].name);
        struct str_list *list = (struct str_list *)(void *)((char *)ret + lists[i].at);

        for (size_t k = 0; in && k < in->n; k++)
            *LIST_PUSH(a, list) = cfn_scalar(&in->v[k]);
    }
    assert(ret->at >= CFN_ROLL_BEGIN && ret->at <= CFN_ROLL_OVER);
    return true;
}
