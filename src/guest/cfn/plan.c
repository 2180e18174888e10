/*
 * Pure: metadata in, order out.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 10000, SETS_DEPTH = 64, LOOKS_MAX = 100000 };

struct planner {
    struct arena *a;
    const struct node *init, *sets;
    struct plan_step *steps;
    size_t n, n_looks;
    struct str set, why; /* the set that is being unfolded for */
};

static bool
fail(struct planner *p, const char *before, struct str name, const char *after)
{
    p->why = arena_fmt(p->a, "%s%.*s%s", before, STR_ARG(name), after);
    return false;
}

/* As node_get(), for a name that is no literal. */
static const struct node *
member(const struct node *map, struct str name)
{
    for (const struct node *n = map && map->kind == NODE_MAP ? map->first : NULL; n; n = n->next)
        if (str_eq(n->key, name))
            return n;
    return NULL;
}

static bool
add_step(struct planner *p, struct str name, const struct node *config)
{
    assert(p->n <= STEPS_MAX);
    if (p->n == STEPS_MAX)
        return fail(p, "Too many configurations in config set ", p->set, "");
    p->steps[p->n++] = (struct plan_step){p->set, name, config};
    return true;
}

static bool
unfold(struct planner *p, const struct node *def, unsigned depth)
{
    assert(def && p->set.p);
    /* Sets that name others twice, which do the same, would take for ever to be nothing. */
    if (++p->n_looks > LOOKS_MAX)
        return fail(p, "Too many references in config set ", p->set, "");
    if (def->kind == NODE_SCALAR) {
        const struct node *config = member(p->init, def->text);

        return config ? add_step(p, def->text, config)
                      : fail(p, "No configuration found with name: ", def->text, "");
    }
    if (def->kind == NODE_MAP) {
        const struct node *ref = node_get(def, "ConfigSet"), *set;

        if (!ref)
            return fail(p,
                        "Config definitions must be either a config name or a reference in the "
                        "format {'ConfigSet':<config set name>}",
                        S(""), "");
        set = member(p->sets, node_scalar(ref));
        if (!set)
            return fail(p, "Configuration set ", node_scalar(ref),
                        " was referenced but not defined");
        if (depth > SETS_DEPTH)
            return fail(p,
                        "At least one circular dependency detected; this is not allowed. "
                        "Culprits: ",
                        set->key, "");
        return unfold(p, set, depth + 1);
    }
    for (const struct node *n = def->kind == NODE_LIST ? def->first : NULL; n; n = n->next)
        if (!unfold(p, n, depth + 1))
            return false;
    return true;
}

static bool
check_all(struct planner *p)
{
    assert(p->sets && p->sets->kind == NODE_MAP);
    for (const struct node *n = p->sets->first; n; n = n->next) {
        p->n = 0;
        p->set = n->key;
        if (!unfold(p, n, 0))
            return false;
    }
    p->n = 0;
    return true;
}

bool
plan_make(struct arena *a, const struct node *init, const struct str *sets, size_t n_sets,
          struct plan_step **ret, size_t *ret_n, struct str *ret_why)
{
    struct planner p = {.a = a, .init = init, .sets = node_get(init, "configSets")};
    bool good = true;

    p.steps = arena_alloc(a, STEPS_MAX * sizeof(*p.steps));
    if (p.sets && p.sets->kind != NODE_MAP)
        good = fail(&p, "configSets should be a mapping of name to list", S(""), "");
    else if (p.sets)
        good = check_all(&p);
    for (size_t i = 0; i < n_sets && good; i++) {
        const struct node *set = member(p.sets, sets[i]);

        p.set = sets[i];
        if (set)
            good = unfold(&p, set, 0);
        else if (!p.sets && str_eq(sets[i], S("default")))
            good = add_step(&p, S("config"), node_get(init, "config"));
        else
            good = fail(&p, "Error: no ConfigSet named ", sets[i], " exists");
    }
    assert(p.n <= STEPS_MAX && (good || p.why.n > 0));
    *ret = p.steps;
    *ret_n = p.n;
    *ret_why = p.why;
    return good;
}

static int
by_key(const void *a, const void *b)
{
    return str_compare((*(const struct node *const *)a)->key,
                       (*(const struct node *const *)b)->key);
}

static size_t
rank(struct str manager)
{
    static const char *const order[] = {"dpkg", "rpm", "apt", "yum"};
    size_t i = 0;

    while (i < COUNT_OF(order) && !str_eq(manager, str_c(order[i])))
        i++;
    return i;
}

static int
by_manager(const void *a, const void *b)
{
    struct str x = (*(const struct node *const *)a)->key, y = (*(const struct node *const *)b)->key;
    size_t rx = rank(x), ry = rank(y);

    return rx != ry ? (rx < ry ? -1 : 1) : str_compare(x, y);
}

static const struct node **
sorted(struct arena *a, const struct node *map, int (*order)(const void *, const void *))
{
    size_t n = 0, max = map && map->kind == NODE_MAP ? node_count(map) : 0;
    const struct node **all = arena_alloc(a, (max + 1) * sizeof(*all));

    for (const struct node *c = max ? map->first : NULL; c; c = c->next)
        all[n++] = c;
    assert(n == max);
    if (n)
        qsort(all, n, sizeof(*all), order);
    return all;
}

const struct node **
plan_sorted(struct arena *a, const struct node *map)
{
    return sorted(a, map, by_key);
}

const struct node **
plan_managers(struct arena *a, const struct node *packages)
{
    return sorted(a, packages, by_manager);
}

const struct node *
plan_value(struct arena *a, const struct node *root, struct str path)
{
    while (root && path.n) {
        struct buf part = buf_new(a, path.n);
        size_t i = 0;

        for (; i < path.n && path.p[i] != '.'; i++) {
            if (path.p[i] == '\\' && i + 1 < path.n && path.p[i + 1] == '.')
                i++;
            buf_byte(&part, path.p[i]);
        }
        path = str_cut(path, i + 1, path.n);
        root = member(root, buf_str(&part));
    }
    return root;
}

bool
plan_touches(const struct node *wanted, const struct str *changed, size_t n_changed)
{
    assert(changed || n_changed == 0);
    if (!wanted)
        return false;
    for (size_t i = 0; i < n_changed; i++) {
        if (wanted->kind == NODE_SCALAR && str_eq(wanted->text, changed[i]))
            return true;
        for (const struct node *n = wanted->kind == NODE_LIST ? wanted->first : NULL; n;
             n = n->next)
            if (str_eq(node_scalar(n), changed[i]))
                return true;
    }
    return false;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next run of digits or of letters. */
static struct str
next_field(struct str *rest)
{
    size_t i = 0, from;

    while (i < rest->n && !is_digit(rest->p[i]) &&
           !(ascii_lower(rest->p[i]) >= 'a' && ascii_lower(rest->p[i]) <= 'z'))
        i++;
    from = i;
    if (i == rest->n) {
        *rest = S("");
        return S("");
    }
    bool digit = is_digit(rest->p[i]);
    while (i < rest->n &&
           (digit ? is_digit(rest->p[i])
                  : ascii_lower(rest->p[i]) >= 'a' && ascii_lower(rest->p[i]) <= 'z'))
        i++;
    struct str field = str_cut(*rest, from, i);
    *rest = str_cut(*rest, i, rest->n);
    assert(field.n > 0);
    return field;
}

static int
compare_part(struct str a, struct str b)
{
    for (;;) {
        struct str x = next_field(&a), y = next_field(&b);

        if (!x.n || !y.n)
            return (x.n > 0) - (y.n > 0);
        if (is_digit(x.p[0]) != is_digit(y.p[0]))
            return is_digit(x.p[0]) ? 1 : -1;
        if (is_digit(x.p[0])) {
            while (x.n > 1 && x.p[0] == '0')
                x = str_cut(x, 1, x.n);
            while (y.n > 1 && y.p[0] == '0')
                y = str_cut(y, 1, y.n);
            if (x.n != y.n)
                return x.n > y.n ? 1 : -1;
        }
        int r = str_compare(x, y);
        if (r)
            return r;
    }
}

int
plan_compare_versions(struct str a, struct str b)
{
    size_t x = str_find(a, S("-"), 0), y = str_find(b, S("-"), 0);
    int r = compare_part(str_cut(a, 0, x), str_cut(b, 0, y));

    return r ? r
             : compare_part(str_cut(a, x == SIZE_MAX ? a.n : x + 1, a.n),
                            str_cut(b, y == SIZE_MAX ? b.n : y + 1, b.n));
}
