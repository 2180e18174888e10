/* Metric math: the parser, and the value of everything but functions (functions.c). */
#include "cloudwatch/expression.h"

#include "codec/json.h"

#include <math.h>

enum { DEPTH_MAX = 64 };

struct parser {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth, nodes;
    struct str why;
};

/* Operators by how tightly they bind; longer ones before their beginnings. */
static const char *const levels[][7] = {
    {"||", "OR"}, {"&&", "AND"}, {"==", "!=", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/"}, {"^"},
};

static const struct cloudwatch_node *parse_level(struct parser *p, size_t level);

static bool
failed(const struct parser *p)
{
    return p->why.p != NULL;
}

static const struct cloudwatch_node *
fail(struct parser *p, const char *what)
{
    if (!failed(p))
        p->why = str_fmt(p->arena, "%s at position %zu", what, p->at);
    return NULL;
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static char
peek(struct parser *p)
{
    while (p->at < p->text.n && (p->text.p[p->at] == ' ' || p->text.p[p->at] == '\t' ||
                                 p->text.p[p->at] == '\n' || p->text.p[p->at] == '\r'))
        p->at++;
    return p->at < p->text.n ? p->text.p[p->at] : '\0';
}

static bool
take(struct parser *p, const char *token)
{
    struct str t = str_from(token);

    assert(t.n > 0);

    peek(p);
    if (!str_starts(str_cut(p->text, p->at, p->text.n), t))
        return false;
    /* AND is not the beginning of ANDROID. */
    if (is_word(t.p[0]) && p->at + t.n < p->text.n && is_word(p->text.p[p->at + t.n]))
        return false;
    p->at += t.n;
    return true;
}

static struct cloudwatch_node *
node(struct parser *p, enum cloudwatch_node_kind kind, struct str text)
{
    struct cloudwatch_node *new = ARENA_NEW(p->arena, struct cloudwatch_node);

    if (++p->nodes > CLOUDWATCH_NODES_MAX)
        fail(p, "The expression is too long");
    new->kind = kind;
    new->text = text;
    return new;
}

static const struct cloudwatch_node *
parse_number(struct parser *p)
{
    size_t start = p->at;
    struct json number = {.kind = JSON_NUMBER};
    struct cloudwatch_node *new = node(p, CLOUDWATCH_NODE_NUMBER, S(""));

    while (p->at < p->text.n &&
           ((p->text.p[p->at] >= '0' && p->text.p[p->at] <= '9') || p->text.p[p->at] == '.' ||
            p->text.p[p->at] == 'e' || p->text.p[p->at] == 'E'))
        p->at++;
    number.text = str_cut(p->text, start, p->at);
    if (number.text.n > 40 || !json_f64(&number, &new->number))
        return fail(p, "Invalid number");
    return new;
}

static const struct cloudwatch_node *
parse_text(struct parser *p, char quote)
{
    struct str rest = str_cut(p->text, p->at + 1, p->text.n);
    size_t end = str_find_char(rest, quote);

    if (end == SIZE_MAX)
        return fail(p, "A text has no end");
    p->at += end + 2;
    return node(p, CLOUDWATCH_NODE_TEXT, str_cut(rest, 0, end));
}

/* Elements up to the closing bracket. */
static const struct cloudwatch_node *
parse_list(struct parser *p, struct cloudwatch_node *into, const char *close)
{
    if (take(p, close))
        return into;
    do {
        const struct cloudwatch_node *element = parse_level(p, 0);

        if (failed(p))
            return NULL;
        *LIST_PUSH(p->arena, &into->args) = element;
    } while (take(p, ","));
    return take(p, close) ? into : fail(p, "A bracket is not closed");
}

static const struct cloudwatch_node *
parse_name(struct parser *p)
{
    size_t start = p->at;

    while (p->at < p->text.n && is_word(p->text.p[p->at]))
        p->at++;
    struct str name = str_cut(p->text, start, p->at);

    if (!take(p, "("))
        return node(p, CLOUDWATCH_NODE_NAME, name);
    const struct cloudwatch_function *function = cloudwatch_function(name);
    struct cloudwatch_node *call = node(p, CLOUDWATCH_NODE_CALL, name);

    if (!function) {
        p->why = str_fmt(p->arena, "Unknown function '%.*s'", STR_ARG(name));
        return NULL;
    }
    if (!parse_list(p, call, ")"))
        return NULL;
    if (call->args.n < function->least || call->args.n > function->most)
        return fail(p, "Wrong number of arguments");
    return call;
}

static const struct cloudwatch_node *
parse_atom(struct parser *p)
{
    char c = peek(p);

    if ((c >= '0' && c <= '9') || c == '.')
        return parse_number(p);
    if (c == '"' || c == '\'')
        return parse_text(p, c);
    if (is_word(c))
        return parse_name(p);
    if (take(p, "["))
        return parse_list(p, node(p, CLOUDWATCH_NODE_ARRAY, S("")), "]");
    if (take(p, "(")) {
        const struct cloudwatch_node *inner = parse_level(p, 0);

        if (failed(p))
            return NULL;
        return take(p, ")") ? inner : fail(p, "A bracket is not closed");
    }
    return fail(p, c ? "Unexpected character" : "Unexpected end");
}

static const struct cloudwatch_node *
parse_unary(struct parser *p)
{
    const struct cloudwatch_node *inner;

    if (++p->depth > DEPTH_MAX)
        return fail(p, "The expression is too deep");
    if (take(p, "-")) {
        struct cloudwatch_node *minus = node(p, CLOUDWATCH_NODE_MINUS, S("-"));

        inner = parse_unary(p);
        if (failed(p))
            return NULL;
        *LIST_PUSH(p->arena, &minus->args) = inner;
        inner = minus;
    } else {
        inner = parse_atom(p);
    }
    p->depth--;
    return failed(p) ? NULL : inner;
}

static const char *
take_operator(struct parser *p, size_t level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels[level]) && levels[level][i]; i++)
        if (take(p, levels[level][i]))
            return levels[level][i];
    return NULL;
}

static const struct cloudwatch_node *
parse_level(struct parser *p, size_t level)
{
    assert(level <= ARRAY_LEN(levels));
    if (level == ARRAY_LEN(levels))
        return parse_unary(p);
    const struct cloudwatch_node *left = parse_level(p, level + 1);
    const char *operator;

    while (!failed(p) && (operator= take_operator(p, level))) {
        struct cloudwatch_node *both = node(p, CLOUDWATCH_NODE_BINARY, str_from(operator));
        const struct cloudwatch_node *right = parse_level(p, level + 1);

        if (failed(p))
            return NULL;
        *LIST_PUSH(p->arena, &both->args) = left;
        *LIST_PUSH(p->arena, &both->args) = right;
        left = both;
    }
    return failed(p) ? NULL : left;
}

const struct cloudwatch_node *
cloudwatch_expression_parse(struct arena *arena, struct str text, struct str *ret_why)
{
    struct parser p = {.arena = arena, .text = text};
    const struct cloudwatch_node *root = parse_level(&p, 0);

    if (!failed(&p) && peek(&p))
        fail(&p, "Unexpected character");
    assert(failed(&p) || root);
    *ret_why = p.why;
    return failed(&p) ? NULL : root;
}

/* ---- values ---- */

bool
cloudwatch_math_fail(struct cloudwatch_scope *scope, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (!scope->why.p)
        scope->why = str_vfmt(scope->arena, fmt, ap);
    va_end(ap);
    return false;
}

bool
cloudwatch_series_at(const struct cloudwatch_series *series, int64_t ms, double *ret)
{
    size_t low = 0, high = series->n;

    assert(series->v || series->n == 0);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (series->v[middle].ms < ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == series->n || series->v[low].ms != ms)
        return false;
    *ret = series->v[low].value;
    return true;
}

/* False: there is no value. */
static bool
apply(struct str operator, double a, double b, double *ret)
{
    switch (operator.p[0]) {
    case '+':
        *ret = a + b;
        break;
    case '-':
        *ret = a - b;
        break;
    case '*':
        *ret = a * b;
        break;
    case '/':
        *ret = a / b;
        break;
    case '^':
        *ret = pow(a, b);
        break;
    case '=':
        *ret = a == b;
        break;
    case '!':
        *ret = a != b;
        break;
    case '<':
        *ret = operator.n == 2 ? a <= b : a<b;
        break;
    case '>':
        *ret = operator.n == 2 ? a >= b : a> b;
        break;
    case '&':
    case 'A':
        *ret = a != 0 && b != 0;
        break;
    default:
        *ret = a != 0 || b != 0;
    }
    return isfinite(*ret);
}

/* An operand as a series of its own, or NULL: a number. */
static const struct cloudwatch_math_series *
element(const struct cloudwatch_math *m, size_t i)
{
    if (m->kind == CLOUDWATCH_SCALAR)
        return NULL;
    assert(m->n > 0);
    return &m->v[m->kind == CLOUDWATCH_ARRAY ? i : 0];
}

/* At every time that either has. */
static struct cloudwatch_math_series
combine(struct cloudwatch_scope *scope, struct str operator, const struct cloudwatch_math * a,
        const struct cloudwatch_math *b, size_t at)
{
    const struct cloudwatch_math_series *x = element(a, at), *y = element(b, at);
    const struct cloudwatch_math_series *first = x ? x : y;
    struct cloudwatch_math_series result = {.period_ms = first->period_ms, .label = first->label};
    size_t i = 0, j = 0, n = x ? x->series.n : 0, m = y ? y->series.n : 0;

    assert(x || y);
    assert(first->period_ms > 0);
    while (i < n || j < m) {
        int64_t ms =
            MIN(i < n ? x->series.v[i].ms : INT64_MAX, j < m ? y->series.v[j].ms : INT64_MAX);
        double left = x ? 0 : a->number, right = y ? 0 : b->number, value;

        if (i < n && x->series.v[i].ms == ms)
            left = x->series.v[i++].value;
        if (j < m && y->series.v[j].ms == ms)
            right = y->series.v[j++].value;
        if (apply(operator, left, right, &value))
            *LIST_PUSH(scope->arena, &result.series) =
                (struct cloudwatch_series_point){.ms = ms, .value = value};
    }
    return result;
}

static bool
binary(struct cloudwatch_scope *scope, struct str operator, const struct cloudwatch_math * a,
       const struct cloudwatch_math *b, struct cloudwatch_math *ret)
{
    bool arrays = a->kind == CLOUDWATCH_ARRAY && b->kind == CLOUDWATCH_ARRAY;
    size_t n = a->kind == CLOUDWATCH_ARRAY ? a->n : b->kind == CLOUDWATCH_ARRAY ? b->n : 1;

    *ret = (struct cloudwatch_math){.kind = MAX(a->kind, b->kind)};
    if (ret->kind == CLOUDWATCH_SCALAR)
        return apply(operator, a->number, b->number, &ret->number)
                   ? true
                   : cloudwatch_math_fail(scope, "The result is not a number");
    if (arrays && a->n != b->n)
        return cloudwatch_math_fail(scope, "The arrays have different sizes");
    for (size_t i = 0; i < n; i++)
        *LIST_PUSH(scope->arena, ret) = combine(scope, operator, a, b, i);
    return true;
}

/* [m1, METRICS()]: arrays within are their elements. */
static bool
array(struct cloudwatch_scope *scope, const struct cloudwatch_node *node,
      struct cloudwatch_math *ret)
{
    assert(node->kind == CLOUDWATCH_NODE_ARRAY);
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_ARRAY};
    for (size_t i = 0; i < node->args.n; i++) {
        struct cloudwatch_math one;

        if (!cloudwatch_expression_value(scope, node->args.v[i], &one))
            return false;
        if (one.kind == CLOUDWATCH_SCALAR)
            return cloudwatch_math_fail(scope, "An array cannot have numbers");
        for (size_t j = 0; j < one.n; j++)
            *LIST_PUSH(scope->arena, ret) = one.v[j];
        if (ret->n > CLOUDWATCH_ARRAY_MAX)
            return cloudwatch_math_fail(scope, "The array is too long");
    }
    return true;
}

bool
cloudwatch_expression_value(struct cloudwatch_scope *scope, const struct cloudwatch_node *node,
                            struct cloudwatch_math *ret)
{
    static const struct cloudwatch_math zero = {.kind = CLOUDWATCH_SCALAR};
    struct cloudwatch_math a, b;

    *ret = zero;
    assert(scope->lookup && scope->metrics);
    /* An expression can ask for much: what is too much ends here, not the daemon. */
    if (arena_spent(scope->arena))
        return cloudwatch_math_fail(scope, "The expression needs too much memory");
    switch (node->kind) {
    case CLOUDWATCH_NODE_NUMBER:
        ret->number = node->number;
        return true;
    case CLOUDWATCH_NODE_TEXT:
        return cloudwatch_math_fail(scope, "Unexpected text '%.*s'", STR_ARG(node->text));
    case CLOUDWATCH_NODE_NAME:
        return scope->lookup(scope->ctx, node->text, ret)
                   ? true
                   : cloudwatch_math_fail(scope, "Undefined identifier '%.*s'",
                                          STR_ARG(node->text));
    case CLOUDWATCH_NODE_MINUS:
        return cloudwatch_expression_value(scope, node->args.v[0], &b) &&
               binary(scope, S("-"), &zero, &b, ret);
    case CLOUDWATCH_NODE_BINARY:
        return cloudwatch_expression_value(scope, node->args.v[0], &a) &&
               cloudwatch_expression_value(scope, node->args.v[1], &b) &&
               binary(scope, node->text, &a, &b, ret);
    case CLOUDWATCH_NODE_ARRAY:
        return array(scope, node, ret);
    case CLOUDWATCH_NODE_CALL:
        break;
    }
    const struct cloudwatch_function *function = cloudwatch_function(node->text);

    assert(function && node->args.n >= function->least && node->args.n <= function->most);
    return function->call(scope, function, node, ret);
}
