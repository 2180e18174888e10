/*
 * One pass, recursive for sections: a section's text is rendered once for each of its values.
 *
 * Output and depth are limited, and so is the number of tags looked at: nested sections over long
 * lists multiply, and the template comes from whoever may write the stack's metadata.
 */
#include "mustache.h"

#include "json.h"

#include <string.h>

enum { DEPTH_MAX = 32, TAGS_MAX = 1000000 };

struct scope {
    const struct node *value;
    const struct scope *outer;
};

struct render {
    struct arena *a;
    struct buf out;
    struct str why;
    size_t n_tags;
};

struct delimiters {
    struct str open, close;
};

struct tag {
    char sort; /* 0: variable; else one of # ^ / ! & { = > */
    struct str name;
    size_t from, to; /* the tag with its delimiters; of a line of its own, the whole line */
};

static bool
fail(struct render *r, const char *what, struct str name)
{
    r->why = arena_fmt(r->a, "%s%.*s", what, STR_ARG(name));
    return false;
}

/* A section, comment or change that is alone on its line takes the line with it. */
static void
take_line(struct str text, struct tag *t)
{
    size_t from = t->from, to = t->to;

    assert(from <= to && to <= text.n);
    while (from > 0 && (text.p[from - 1] == ' ' || text.p[from - 1] == '\t'))
        from--;
    while (to < text.n && (text.p[to] == ' ' || text.p[to] == '\t'))
        to++;
    bool starts = from == 0 || text.p[from - 1] == '\n';
    if (to < text.n && text.p[to] == '\r' && to + 1 < text.n && text.p[to + 1] == '\n')
        to++;
    if (!starts || (to < text.n && text.p[to] != '\n'))
        return;
    t->from = from;
    t->to = to < text.n ? to + 1 : to;
}

/* The next tag at or after `at`; *ret_found false when there is none. */
static bool
next_tag(struct render *r, struct str text, size_t at, const struct delimiters *d, struct tag *t,
         bool *ret_found)
{
    size_t open = str_find(text, d->open, at);

    *ret_found = open != SIZE_MAX;
    if (!*ret_found)
        return true;
    if (++r->n_tags > TAGS_MAX)
        return fail(r, "too much to render", S(""));
    size_t in = open + d->open.n;
    char c = in < text.n ? text.p[in] : 0;
    *t = (struct tag){.sort = c && strchr("#^/!&{=>", c) ? c : 0, .from = open};
    in += t->sort != 0;
    struct str end = t->sort == '{'   ? arena_fmt(r->a, "}%.*s", STR_ARG(d->close))
                     : t->sort == '=' ? arena_fmt(r->a, "=%.*s", STR_ARG(d->close))
                                      : d->close;
    size_t close = str_find(text, end, in);
    if (close == SIZE_MAX)
        return fail(r, "a tag is not closed: ", str_cut(text, open, open + 20));
    t->name = str_trim(str_cut(text, in, close));
    t->to = close + end.n;
    if (t->sort && t->sort != '&' && t->sort != '{')
        take_line(text, t);
    assert(t->from < t->to && t->to <= text.n);
    return true;
}

static const struct node *
member(const struct node *n, struct str name)
{
    for (const struct node *c = n && n->kind == NODE_MAP ? n->first : NULL; c; c = c->next)
        if (str_eq(c->key, name))
            return c;
    return NULL;
}

static const struct node *
lookup(const struct scope *s, struct str name)
{
    struct str part;
    const struct node *n = NULL;

    if (str_eq(name, S(".")))
        return s->value;
    if (!str_field(&name, '.', &part))
        return NULL;
    for (; s && !n; s = s->outer)
        n = member(s->value, part);
    while (n && str_field(&name, '.', &part))
        n = member(n, part);
    return n;
}

static void
add_value(struct render *r, const struct node *n, bool raw)
{
    struct str s = node_scalar(n);

    assert(r->out.max_bytes > 0);
    if (n && n->kind != NODE_SCALAR && n->kind != NODE_NULL) {
        struct buf b = buf_new(r->a, r->out.max_bytes);

        json_dump(&b, n, -1);
        s = buf_str(&b);
    } else if (n && n->kind == NODE_SCALAR && !n->quoted) {
        /* As str() of Python's True and False. */
        s = str_eq(s, S("true")) ? S("True") : str_eq(s, S("false")) ? S("False") : s;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        const char *as = raw         ? NULL
                         : c == '&'  ? "&amp;"
                         : c == '<'  ? "&lt;"
                         : c == '>'  ? "&gt;"
                         : c == '"'  ? "&quot;"
                         : c == '\'' ? "&#x27;"
                                     : NULL;

        if (as)
            buf_add(&r->out, str_c(as));
        else
            buf_byte(&r->out, c);
    }
}

static bool
is_true(const struct node *n)
{
    if (!n || n->kind == NODE_NULL)
        return false;
    if (n->kind == NODE_LIST || n->kind == NODE_MAP)
        return n->first != NULL;
    return n->text.n && (n->quoted || (!str_eq(n->text, S("false")) && !str_eq(n->text, S("0"))));
}

/* Where the section that `open` begins ends: its closing tag. */
static bool
find_end(struct render *r, struct str text, const struct tag *open, const struct delimiters *d,
         struct tag *ret)
{
    struct delimiters now = *d;
    size_t depth = 1, at = open->to;
    bool found;

    assert(open->sort == '#' || open->sort == '^');
    while (next_tag(r, text, at, &now, ret, &found)) {
        if (!found)
            return fail(r, "a section is not closed: ", open->name);
        at = ret->to;
        if (ret->sort == '=') {
            struct str rest = ret->name;

            str_field(&rest, ' ', &now.open);
            now.close = str_trim(rest);
        }
        if (now.open.n == 0 || now.close.n == 0)
            return fail(r, "bad delimiters: ", ret->name);
        depth += ret->sort == '#' || ret->sort == '^';
        depth -= ret->sort == '/';
        if (depth == 0)
            return str_eq(ret->name, open->name) ||
                   fail(r, "a section is closed by another's name: ", ret->name);
    }
    return false;
}

static bool render(struct render *r, struct str text, const struct scope *s, struct delimiters d,
                   unsigned depth);

static bool
section(struct render *r, struct str text, const struct tag *t, const struct scope *s,
        struct delimiters d, unsigned depth, size_t *ret_at)
{
    const struct node *n = lookup(s, t->name);
    struct tag end;

    if (!find_end(r, text, t, &d, &end))
        return false;
    struct str inner = str_cut(text, t->to, end.from);
    *ret_at = end.to;
    if (t->sort == '^')
        return is_true(n) || render(r, inner, s, d, depth + 1);
    if (!is_true(n))
        return true;
    for (const struct node *c = n->kind == NODE_LIST ? n->first : n; c;
         c = n->kind == NODE_LIST ? c->next : NULL) {
        struct scope in = {c, s};

        if (!render(r, inner, &in, d, depth + 1))
            return false;
    }
    return true;
}

static bool
render(struct render *r, struct str text, const struct scope *s, struct delimiters d,
       unsigned depth)
{
    struct tag t;
    size_t at = 0;
    bool found;

    if (depth > DEPTH_MAX)
        return fail(r, "sections are nested too deep", S(""));
    while (next_tag(r, text, at, &d, &t, &found)) {
        if (r->out.over)
            return fail(r, "the result is too large", S(""));
        buf_add(&r->out, str_cut(text, at, found ? t.from : text.n));
        if (!found)
            return !r->out.over || fail(r, "the result is too large", S(""));
        at = t.to;
        if (t.sort == '>')
            return fail(r, "there are no partials here: ", t.name);
        if (t.sort == '/')
            return fail(r, "a section ends that was not begun: ", t.name);
        if (t.sort == '=') {
            struct str rest = t.name;

            if (!str_field(&rest, ' ', &d.open) || (d.close = str_trim(rest)).n == 0 ||
                d.open.n == 0)
                return fail(r, "bad delimiters: ", t.name);
        } else if (t.sort == '#' || t.sort == '^') {
            if (!section(r, text, &t, s, d, depth, &at))
                return false;
        } else if (t.sort != '!') {
            add_value(r, lookup(s, t.name), t.sort != 0);
        }
    }
    return false;
}

bool
mustache_render(struct arena *a, struct str template, const struct node *context, size_t max_bytes,
                struct str *ret, struct str *ret_why)
{
    struct render r = {.a = a, .out = buf_new(a, max_bytes)};
    struct scope top = {.value = context};

    bool good = render(&r, template, &top, (struct delimiters){S("{{"), S("}}")}, 0);
    *ret = buf_str(&r.out);
    *ret_why = r.why;
    assert(good || r.why.n > 0);
    return good;
}
