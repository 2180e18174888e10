/*
 * What rules do, as metrics of AWS/Events, in the transaction that does it.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
 */
#include "events/events.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "gen/api/cloudwatch.h"

static struct cloudwatch_DimensionList
dimensions_of(struct arena *a, const struct events_rule_row *rule)
{
    struct cloudwatch_DimensionList list = {NULL, 0};

    if (!str_is(rule->bus, EVENTS_DEFAULT))
        *LIST_PUSH(a, &list) =
            (struct cloudwatch_Dimension){.name = S("EventBusName"), .value = rule->bus};
    *LIST_PUSH(a, &list) =
        (struct cloudwatch_Dimension){.name = S("RuleName"), .value = rule->name};
    assert(rule->name.n > 0 && list.n >= 1);
    return list;
}

int
events_count(struct api *api, struct arena *a, struct txn *txn, const struct events_rule_row *rule,
             const char *const *names, size_t n)
{
    struct str_list actor = api_actor_account(a, rule->account);
    struct cloudwatch_PutMetricDataInput req = {.namespace = S("AWS/Events")};
    struct cloudwatch_PutMetricDataResult res = {0};
    struct api_call call;

    assert(n > 0);
    if (!api_actor_call(api, a, &actor, rule->region, &call))
        return -EINVAL;
    call.txn = txn;
    for (size_t i = 0; i < n; i++)
        *LIST_PUSH(a, &req.metric_data) = (struct cloudwatch_MetricDatum){
            .metric_name = str_from(names[i]),
            .dimensions = dimensions_of(a, rule),
            .value = opt_f64(1),
            .unit = S("Count"),
        };
    int r = api_call_internal(&call, "cloudwatch", "PutMetricData", &req, &res, EVENTS_SERVICE);

    /* a metric that is refused (an account has too many) holds nothing up */
    return MIN(r, 0);
}
