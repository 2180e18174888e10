/*
 * GetMetricData.  A page has at most MaxDatapoints of all results together; the token of the next
 * one counts how many came before, in the order of the queries.
 */
#include "cloudwatch/query.h"

struct page {
    int64_t skip;  /* datapoints that came before */
    int64_t left;  /* that fit */
    int64_t taken; /* so far, those that were skipped included */
    bool cut;      /* some did not fit */
};

static int
check(struct api_call *call, const struct cloudwatch_GetMetricDataInput *req)
{
    struct str zone = req->label_options ? req->label_options->timezone : STR_NONE;
    int64_t digits;

    if (req->max_datapoints.set &&
        (req->max_datapoints.v < 1 || req->max_datapoints.v > CLOUDWATCH_DATA_POINTS_MAX))
        return api_fault(call, &CLOUDWATCH_ERR(ValidationError),
                         "The parameter MaxDatapoints must be between 1 and %d.",
                         CLOUDWATCH_DATA_POINTS_MAX);
    /* It is of labels that tell times, which are refused. */
    if (zone.p && (zone.n != 5 || (zone.p[0] != '+' && zone.p[0] != '-') ||
                   !str_to_i64(str_cut(zone, 1, 5), &digits)))
        return api_fault(call, &CLOUDWATCH_ERR(ValidationError),
                         "The value %.*s for parameter LabelOptions.Timezone is invalid.",
                         STR_ARG(zone));
    return cloudwatch_times_check(call, req->start_time.v, req->end_time.v,
                                  CLOUDWATCH_ERROR_ValidationError);
}

/* Whether all that could come is not too much to work out. */
static int
check_amount(struct cloudwatch_queries *q)
{
    int64_t points = 0;

    for (size_t i = 0; i < q->n; i++) {
        int64_t period_ms = (q->v[i].period_s ? q->v[i].period_s : q->period_s) * 1000;

        points += MIN((q->end_ms - q->start_ms) / period_ms, INT64_C(1) << 40);
    }
    assert(points >= 0);
    if (q->expressions && points > CLOUDWATCH_DATA_POINTS_MAX)
        return api_fault(q->call, &CLOUDWATCH_ERR(ValidationError),
                         "You have requested up to %lld datapoints, which exceeds the limit of %d.",
                         (long long)points, CLOUDWATCH_DATA_POINTS_MAX);
    return 0;
}

static void
add_points(struct api_call *call, const struct cloudwatch_series *series, bool ascending,
           struct page *page, struct cloudwatch_MetricDataResult *res)
{
    assert(page->left >= 0 && page->taken >= 0);
    for (size_t i = 0; i < series->n; i++) {
        const struct cloudwatch_series_point *p = &series->v[ascending ? i : series->n - 1 - i];

        if (page->taken < page->skip) {
            page->taken++;
            continue;
        }
        if (!page->left) {
            page->cut = true;
            res->status_code = S("PartialData");
            return;
        }
        page->left--;
        page->taken++;
        *LIST_PUSH(call->arena, &res->timestamps) = p->ms;
        *LIST_PUSH(call->arena, &res->values) = p->value;
    }
}

/* "Filled: Errors" of an element of an array, the expression's label of a series alone. */
static struct str
label_of(struct api_call *call, const struct cloudwatch_query *query,
         const struct cloudwatch_math_series *one)
{
    struct str label = query->of->label;

    assert(query->stage == CLOUDWATCH_QUERY_DONE);

    if (!query->root)
        return one->label;
    if (query->value.kind == CLOUDWATCH_SERIES)
        return label.p ? label : query->of->id;
    if (!label.p)
        label = query->of->id;
    return label.n ? str_fmt(call->arena, "%.*s %.*s", STR_ARG(label), STR_ARG(one->label))
                   : one->label;
}

static int
show(struct cloudwatch_queries *q, struct cloudwatch_query *query, bool ascending,
     struct page *page, struct cloudwatch_GetMetricDataOutput *res)
{
    struct cloudwatch_math value;
    int r = cloudwatch_query_run(q, query, &value);

    for (size_t i = 0; i < value.n && r == 0; i++) {
        struct cloudwatch_MetricDataResult one = {.id = query->of->id,
                                                  .label = label_of(q->call, query, &value.v[i]),
                                                  .status_code = S("Complete")};

        if (!one.label.p || !one.label.n)
            one.label = query->of->id;
        add_points(q->call, &value.v[i].series, ascending, page, &one);
        API_PRESENT(&one.timestamps);
        API_PRESENT(&one.values);
        *LIST_PUSH(q->call->arena, &res->metric_data_results) = one;
    }
    return r;
}

static int
open_page(struct api_call *call, const struct cloudwatch_GetMetricDataInput *req,
          struct api_page *token, struct page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = CLOUDWATCH_DATA_POINTS_MAX};
    const struct api_page_scope scope = api_page_scope(call);

    *ret = (struct page){.left = opt_i64_or(req->max_datapoints, CLOUDWATCH_DATA_POINTS_MAX)};
    if (api_page_open(call->arena, &scope, &rule, req->next_token, (struct opt_i64){0}, false,
                      token, &call->fault) ||
        (token->after.p && !str_to_i64(token->after, &ret->skip)))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidNextToken), "Invalid next token");
    return 0;
}

int
cloudwatch_get_metric_data(struct api_call *call, const struct cloudwatch_GetMetricDataInput *req,
                           struct cloudwatch_GetMetricDataOutput *res)
{
    const struct api_page_scope scope = api_page_scope(call);
    bool ascending = str_is(req->scan_by, "TimestampAscending");
    struct cloudwatch_queries queries;
    struct api_page token;
    struct page page;
    int r = check(call, req);

    if (r == 0)
        r = cloudwatch_queries_open(call, "MetricDataQueries", &req->metric_data_queries, &queries);
    if (r == 0)
        r = open_page(call, req, &token, &page);
    if (r)
        return r;
    queries.start_ms = req->start_time.v;
    queries.end_ms = req->end_time.v;
    r = check_amount(&queries);
    API_PRESENT(&res->metric_data_results);
    for (size_t i = 0; i < queries.n && r == 0; i++)
        if (opt_bool_or(queries.v[i].of->return_data, true))
            r = show(&queries, &queries.v[i], ascending, &page, res);
    if (r)
        return r;
    /* Of expressions there is no next page. */
    assert(!page.cut || page.left == 0);
    if (page.cut && !queries.expressions) {
        token.more = true;
        token.last = str_fmt(call->arena, "%lld", (long long)page.taken);
        res->next_token = api_page_next(call->arena, &scope, &token);
    }
    API_PRESENT(&res->messages);
    return 0;
}
