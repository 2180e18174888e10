/* What the API asks of this service beside its operations, and what its files share. */
#include "cloudwatch/cloudwatch.h"

#include "api/authorize.h"
#include "cloudwatch/tier.h"

const struct api_error cloudwatch_errors[CLOUDWATCH_N_ERRORS] = {
#define X(name) [CLOUDWATCH_ERROR_##name] = {#name, 0},
    CLOUDWATCH_ERRORS(X)
#undef X
};

/* https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html */
static void
add_context(struct api_call *call, const void *input, struct policy_context *context)
{
    const struct cloudwatch_PutMetricDataInput *req = input;

    if (str_is(api_op_name(call->service, call->op), "PutMetricData"))
        api_context_add(call, context, S("cloudwatch:namespace"), req->namespace);
}

/* Requests name alarms, and tags of them their ARNs. */
static int
resource_find(struct api_call *call, struct str type, struct str id, struct api_resource *resource)
{
    assert(str_is(type, "alarm"));
    if (str_starts(id, S("arn:")))
        resource->arn = id;
    const struct cloudwatch_alarm_row *alarm = cloudwatch_alarm_get(call->txn, resource->arn);

    if (alarm && str_eq(alarm->account, call->account))
        resource->tags = &alarm->tags;
    return 0;
}

const struct api_service_hooks cloudwatch_hooks = {.service = &cloudwatch_service,
                                                   .resource = resource_find,
                                                   .context = add_context};

int
cloudwatch_unsupported(struct api_call *call, const char *member)
{
    return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                     "The parameter %s is not implemented by Welkin.", member);
}

struct str_list
cloudwatch_dimensions(struct arena *arena, const struct cloudwatch_DimensionList *list)
{
    struct str_list texts = {0};

    LIST_EACH(list, d) {
        *LIST_PUSH(arena, &texts) = d->name;
        *LIST_PUSH(arena, &texts) = d->value;
    }
    assert(texts.n == 2 * list->n);
    return texts;
}

struct cloudwatch_DimensionList
cloudwatch_dimensions_show(struct arena *arena, const struct str_list *texts)
{
    struct cloudwatch_DimensionList list = {0};

    assert(texts->n % 2 == 0);
    for (size_t i = 0; i < texts->n; i += 2)
        *LIST_PUSH(arena, &list) =
            (struct cloudwatch_Dimension){.name = texts->v[i], .value = texts->v[i + 1]};
    API_PRESENT(&list);
    return list;
}

struct str
cloudwatch_dimension_twice(const struct str_list *texts)
{
    assert(texts->n <= 2 * CLOUDWATCH_DIMENSIONS_MAX);
    for (size_t i = 0; i < texts->n; i += 2)
        for (size_t j = 0; j < i; j += 2)
            if (str_eq(texts->v[i], texts->v[j]))
                return texts->v[i];
    return STR_NONE;
}

bool
cloudwatch_period_ok(int64_t seconds)
{
    return seconds == 1 || seconds == 5 || seconds == 10 || seconds == 20 || seconds == 30 ||
           (seconds > 0 && seconds % 60 == 0);
}

bool
cloudwatch_range_of(const struct api_call *call, int64_t start_ms, int64_t end_ms, int64_t period_s,
                    struct cloudwatch_range *ret)
{
    int64_t age_ms = call->now_ms - start_ms, oldest_ms = call->now_ms - CLOUDWATCH_KEEP_MS;
    int64_t kept_ms = cloudwatch_tiers[cloudwatch_tier_of_age(age_ms)].point_ms;
    /* Younger data is kept by the second, but only periods of seconds begin at one. */
    int64_t step_ms = period_s < 60 ? period_s * 1000 : MAX(kept_ms, CLOUDWATCH_MINUTE_MS);

    assert(cloudwatch_period_ok(period_s));
    start_ms = MAX(start_ms, 0);
    *ret = (struct cloudwatch_range){
        .start_ms = start_ms - start_ms % step_ms, .end_ms = end_ms, .period_ms = period_s * 1000};
    while (ret->start_ms < oldest_ms)
        ret->start_ms +=
            (oldest_ms - ret->start_ms + ret->period_ms - 1) / ret->period_ms * ret->period_ms;
    return period_s * 1000 % kept_ms == 0;
}

int
cloudwatch_times_check(struct api_call *call, int64_t start_ms, int64_t end_ms,
                       enum cloudwatch_error code)
{
    assert(code < CLOUDWATCH_N_ERRORS);
    if (start_ms == end_ms)
        return api_fault(call, &cloudwatch_errors[code],
                         "The parameter StartTime must not equal parameter EndTime.");
    if (start_ms > end_ms)
        return api_fault(call, &cloudwatch_errors[code],
                         "The parameter StartTime must be less than the parameter EndTime.");
    return 0;
}
