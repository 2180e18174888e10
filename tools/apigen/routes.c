/*
 * Routes of REST operations.  Which of two that fit a request is meant is decided here and not at
 * run time: literals go before labels, labels before a greedy one, more conditions before fewer.
 * Operations that share method and path (PutObject, CopyObject, UploadPart) are told apart by
 * the query parameters and headers that one of them requires; where there is nothing to tell
 * apart these are no conditions, so that their absence is a mistake in the request and not an
 * unknown operation.
 */
#include "apigen.h"

#include <stdlib.h>

static bool
is_label(struct str segment)
{
    return str_starts(segment, S("{"));
}

static bool
is_greedy(struct str segment)
{
    return str_ends(segment, S("+}"));
}

unsigned
route_label(struct gen *g, const struct op *op, struct str label)
{
    struct str name = str_cut(label, 1, label.n - (is_greedy(label) ? 2 : 1));

    for (size_t i = 0; i < op->input->members.n; i++) {
        const struct member *m = &op->input->members.v[i];

        if (m->place == API_IN_PATH && str_eq(m->wire, name))
            return (unsigned)i;
    }
    die_at(g->file, op->line, "'%.*s' has no member for the label '%.*s'", STR_ARG(op->name),
           STR_ARG(name));
}

void
route_parse(struct gen *g, struct op *op)
{
    struct route *r = &op->route;
    struct str query = op->uri;

    r->path = str_split(&query, '?');
    struct str rest = str_cut(r->path, 1, r->path.n);

    if (str_ends(rest, S("/")))
        rest.n--;
    while (rest.p && rest.n) {
        struct str segment = str_split(&rest, '/');

        if (segment.n == 0 || (is_greedy(segment) && rest.p))
            die_at(g->file, op->line, "'%.*s' is not a path", STR_ARG(op->uri));
        if (is_label(segment))
            route_label(g, op, segment);
        *LIST_PUSH(&g->arena, &r->segments) = segment;
    }
    while (query.p) {
        struct str value = str_split(&query, '&'), name = str_split(&value, '=');

        if (name.n)
            *LIST_PUSH(&g->arena, &r->conditions) = (struct condition){name, value, false};
    }
}

/* 0 when both fit the same paths. */
static int
path_order(const struct route *a, const struct route *b)
{
    size_t n = MIN(a->segments.n, b->segments.n);

    for (size_t i = 0; i < n; i++) {
        struct str x = a->segments.v[i], y = b->segments.v[i];
        int rank_x = is_label(x) + is_greedy(x), rank_y = is_label(y) + is_greedy(y);

        if (rank_x != rank_y)
            return rank_x - rank_y;
        int r = rank_x ? 0 : str_cmp(x, y);
        if (r)
            return r;
    }
    return (b->segments.n > a->segments.n) - (b->segments.n < a->segments.n);
}

static int
route_order(const void *x, const void *y)
{
    const struct op *a = *(struct op *const *)x, *b = *(struct op *const *)y;
    int r = str_cmp(a->method, b->method);

    if (r == 0)
        r = path_order(&a->route, &b->route);
    if (r == 0)
        r = (int)b->route.conditions.n - (int)a->route.conditions.n;
    return r ? r : str_cmp(a->name, b->name);
}

static bool
same_conditions(const struct route *a, const struct route *b)
{
    if (a->conditions.n != b->conditions.n)
        return false;
    for (size_t i = 0; i < a->conditions.n; i++) {
        const struct condition *x = &a->conditions.v[i], *y = &b->conditions.v[i];

        if (!str_eq(x->name, y->name) || !str_eq(x->value, y->value))
            return false;
    }
    return true;
}

static void
add_required(struct gen *g, struct op *op)
{
    LIST_EACH(&op->input->members, m)
        if (m->required && (m->place == API_IN_QUERY || m->place == API_IN_HEADER))
            *LIST_PUSH(&g->arena, &op->route.conditions) =
                (struct condition){m->wire, STR_NONE, m->place == API_IN_HEADER};
}

struct op **
routes_sorted(struct gen *g, size_t *ret_n)
{
    struct op **v = ARENA_ARRAY(&g->arena, struct op *, g->ops.n + 1);
    bool *shared = ARENA_ARRAY(&g->arena, bool, g->ops.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < g->ops.n; i++) {
        g->ops.v[i].route.op = i;
        if (g->ops.v[i].uri.p)
            v[n++] = &g->ops.v[i];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(v[i]->method, v[j]->method) && path_order(&v[i]->route, &v[j]->route) == 0 &&
                same_conditions(&v[i]->route, &v[j]->route))
                shared[i] = shared[j] = true;
    for (size_t i = 0; i < n; i++)
        if (shared[i])
            add_required(g, v[i]);
    if (n)
        qsort(v, n, sizeof(struct op *), route_order);
    *ret_n = n;
    return v;
}
