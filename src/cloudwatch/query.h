/*
 * The queries of GetMetricData and of alarms with expressions: metrics and math that refer to each
 * other by their ids.
 */
#pragma once

#include "cloudwatch/cloudwatch.h"
#include "cloudwatch/expression.h"

struct cloudwatch_queries {
    struct api_call *call;
    const char *member; /* "MetricDataQueries" or "Metrics": how messages name them */
    const struct cloudwatch_MetricDataQueryList *list;
    struct cloudwatch_query {
        const struct cloudwatch_MetricDataQuery *of;
        const struct cloudwatch_node *root; /* NULL: a metric */
        struct cloudwatch_stat stat;        /* of a metric */
        int64_t period_s;                   /* 0: of an expression that says none */
        enum { CLOUDWATCH_QUERY_NEW, CLOUDWATCH_QUERY_RUNNING, CLOUDWATCH_QUERY_DONE } stage;
        struct cloudwatch_math value; /* once it is done */
    } *v;
    size_t n;
    int64_t period_s; /* of the first metric; of expressions without one */
    bool expressions;
    /* The range, before it is brought to what a period's data is kept by. */
    int64_t start_ms, end_ms;
    int r; /* of ours that went wrong while it ran, negative */
};

/* Checks and parses them.  Positive: the call's fault, ValidationError. */
int cloudwatch_queries_open(struct api_call *call, const char *member,
                            const struct cloudwatch_MetricDataQueryList *list,
                            struct cloudwatch_queries *ret);
/* The value of one, a series or an array of series. */
int cloudwatch_query_run(struct cloudwatch_queries *queries, struct cloudwatch_query *query,
                         struct cloudwatch_math *ret);
