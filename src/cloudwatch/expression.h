/*
 * Metric math: an expression as a tree, and its value.  Pure: what an identifier stands for is
 * asked of the caller.
 *
 * A value is a number, a series, or an array of series.  Between series an operator works on every
 * time that either has, and what is missing is 0; what divides by zero is dropped.
 *
 * AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
#pragma once

#include "cloudwatch/series.h"

enum { CLOUDWATCH_NODES_MAX = 1000, CLOUDWATCH_ARRAY_MAX = 500 };

enum cloudwatch_node_kind {
    CLOUDWATCH_NODE_NUMBER,
    CLOUDWATCH_NODE_TEXT, /* of METRICS("x") */
    CLOUDWATCH_NODE_NAME, /* another query, or a word such as REPEAT */
    CLOUDWATCH_NODE_MINUS,
    CLOUDWATCH_NODE_BINARY,
    CLOUDWATCH_NODE_ARRAY,
    CLOUDWATCH_NODE_CALL,
};

struct cloudwatch_node {
    enum cloudwatch_node_kind kind;
    double number;
    struct str text; /* of a text or name, of a function's name, of an operator */
    struct cloudwatch_nodes {
        const struct cloudwatch_node **v;
        size_t n;
    } args; /* operands, elements, arguments */
};

/* NULL: *ret_why is what is wrong with it. */
const struct cloudwatch_node *
cloudwatch_expression_parse(struct arena *arena, struct str text, struct str *ret_why);

enum cloudwatch_math_kind { CLOUDWATCH_SCALAR, CLOUDWATCH_SERIES, CLOUDWATCH_ARRAY };

struct cloudwatch_math_series {
    struct cloudwatch_series series;
    int64_t period_ms;
    struct str label;
};

struct cloudwatch_math {
    enum cloudwatch_math_kind kind;
    double number;                    /* of a scalar */
    struct cloudwatch_math_series *v; /* one of a series */
    size_t n;
};

struct cloudwatch_scope {
    struct arena *arena;
    void *ctx;
    /* The value of a query; false: there is none of that id, or `why` was set. */
    bool (*lookup)(void *ctx, struct str id, struct cloudwatch_math *ret);
    /* All metrics of the request, no expressions, whose ids contain the text. */
    void (*metrics)(void *ctx, struct str part, struct cloudwatch_math *ret);
    int64_t start_ms, end_ms, period_ms; /* where TIME_SERIES and FILL have points */
    struct str why;                      /* what is wrong, p NULL: nothing */
};

/* False: scope->why says why. */
bool cloudwatch_expression_value(struct cloudwatch_scope *scope, const struct cloudwatch_node *node,
                                 struct cloudwatch_math *ret);

/* ---- functions.c ---- */

/* The function of that name, or NULL. */
struct cloudwatch_function {
    const char *name;
    size_t least, most; /* arguments */
    bool (*call)(struct cloudwatch_scope *scope, const struct cloudwatch_function *function,
                 const struct cloudwatch_node *node, struct cloudwatch_math *ret);
    double (*each)(double value);                                      /* of one value */
    bool (*of_all)(const double *v, size_t n, size_t of, double *ret); /* of n values, `of` asked */
};
const struct cloudwatch_function *cloudwatch_function(struct str name);

/* Says what is wrong, unless something was before; answers false. */
bool cloudwatch_math_fail(struct cloudwatch_scope *scope, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The value that a series has at a time; false: none. */
bool cloudwatch_series_at(const struct cloudwatch_series *series, int64_t ms, double *ret);
