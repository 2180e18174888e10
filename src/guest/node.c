/*
 * YAML events to a tree, with libyaml.
 *
 * The event API, not the document API: the latter resolves nothing that is needed
 * here and cannot be limited.  An alias shares the children of its anchor, so a
 * "billion laughs" costs nothing until somebody walks it; the walkers (JSON) write
 * into limited buffers and stop when those are full.
 */
#include "node.h"

#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 64, NODES_MAX = 20000 };

struct anchor {
    struct str name;
    struct node *node;
    struct anchor *next;
};

struct reader {
    struct arena *a;
    yaml_parser_t yaml;
    struct anchor *anchors;
    size_t n_nodes;
    struct str why;
};

static struct node *read_node(struct reader *r, const yaml_event_t *ev, unsigned depth);

static bool
next_event(struct reader *r, yaml_event_t *ev)
{
    assert(!r->why.n);
    if (yaml_parser_parse(&r->yaml, ev))
        return true;
    r->why = arena_fmt(r->a, "%s at line %zu column %zu",
                       r->yaml.problem ? r->yaml.problem : "unreadable",
                       r->yaml.problem_mark.line + 1, r->yaml.problem_mark.column + 1);
    return false;
}

static struct str
event_text(struct arena *a, const yaml_char_t *p)
{
    return p ? arena_dup(a, str_c((const char *)p)) : S("");
}

static struct node *
new_node(struct reader *r, enum node_kind kind, const yaml_char_t *anchor)
{
    struct node *n;

    if (++r->n_nodes > NODES_MAX) {
        r->why = S("too many values");
        return NULL;
    }
    n = arena_alloc(r->a, sizeof(*n));
    assert(r->n_nodes <= NODES_MAX);
    n->kind = kind;
    if (anchor) {
        struct anchor *k = arena_alloc(r->a, sizeof(*k));

        *k = (struct anchor){event_text(r->a, anchor), n, r->anchors};
        r->anchors = k;
    }
    return n;
}

static struct node *
read_scalar(struct reader *r, const yaml_event_t *ev)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    struct node *n = new_node(r, NODE_SCALAR, ev->data.scalar.anchor);
    const char *tag = (const char *)ev->data.scalar.tag;
    struct str raw = {(const char *)ev->data.scalar.value, ev->data.scalar.length};

    if (!n)
        return NULL;
    n->text = arena_dup(r->a, raw);
    n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
                (tag && strcmp(tag, YAML_STR_TAG) == 0);
    if (tag && strcmp(tag, "tag:yaml.org,2002:binary") == 0)
        base64_decode(r->a, raw, &n->text);
    if (!n->quoted)
        for (size_t i = 0; i < COUNT_OF(nulls); i++)
            if (str_eq(n->text, str_c(nulls[i])))
                n->kind = NODE_NULL;
    return n;
}

static struct node *
read_list(struct reader *r, const yaml_event_t *start, unsigned depth)
{
    struct node *list = new_node(r, NODE_LIST, start->data.sequence_start.anchor);
    struct node **last = list ? &list->first : NULL;

    if (list)
        list->open = true;
    while (list) {
        yaml_event_t ev;

        if (!next_event(r, &ev))
            return NULL;
        bool end = ev.type == YAML_SEQUENCE_END_EVENT;
        struct node *n = end ? NULL : read_node(r, &ev, depth + 1);
        yaml_event_delete(&ev);
        if (end)
            break;
        if (!n)
            return NULL;
        assert(!n->next && !*last);
        *last = n;
        last = &n->next;
    }
    if (list)
        list->open = false;
    return list;
}

static void
map_put(struct node *map, struct node *n)
{
    struct node **at = &map->first;

    assert(map->kind == NODE_MAP && n != map);
    while (*at && !str_eq((*at)->key, n->key))
        at = &(*at)->next;
    n->next = *at ? (*at)->next : NULL;
    *at = n;
}

/* `<<: *base` or `<<: [*a, *b]`: what the map itself says wins. */
static void
map_inherit(struct arena *a, struct node *map, const struct node *from)
{
    assert(map->kind == NODE_MAP && !map->open);
    if (from->kind == NODE_LIST) {
        for (const struct node *n = from->first; n; n = n->next)
            if (n->kind == NODE_MAP)
                map_inherit(a, map, n);
        return;
    }
    for (const struct node *n = from->first; n && from->kind == NODE_MAP; n = n->next) {
        const struct node *have = map->first;

        while (have && !str_eq(have->key, n->key))
            have = have->next;
        if (have)
            continue;
        struct node *copy = arena_alloc(a, sizeof(*copy));
        *copy = *n;
        map_put(map, copy);
    }
}

static struct node *
read_map(struct reader *r, const yaml_event_t *start, unsigned depth)
{
    struct node *map = new_node(r, NODE_MAP, start->data.mapping_start.anchor);
    struct node *inherited = NULL;

    if (map)
        map->open = true;
    while (map) {
        yaml_event_t ev;

        if (!next_event(r, &ev))
            return NULL;
        bool end = ev.type == YAML_MAPPING_END_EVENT;
        struct node *key = end ? NULL : read_node(r, &ev, depth + 1);
        yaml_event_delete(&ev);
        if (end)
            break;
        if (!key || !next_event(r, &ev))
            return NULL;
        struct node *value = read_node(r, &ev, depth + 1);
        yaml_event_delete(&ev);
        if (!value)
            return NULL;
        if (key->kind != NODE_SCALAR && key->kind != NODE_NULL) {
            r->why = S("a key is not a scalar");
            return NULL;
        }
        value->key = key->text;
        if (str_eq(key->text, S("<<")) && !key->quoted)
            inherited = value;
        else
            map_put(map, value);
    }
    if (!map)
        return NULL;
    map->open = false;
    if (inherited)
        map_inherit(r->a, map, inherited);
    return map;
}

static struct node *
read_alias(struct reader *r, const yaml_event_t *ev)
{
    struct str name = str_c((const char *)ev->data.alias.anchor);

    for (struct anchor *k = r->anchors; k; k = k->next) {
        struct node *copy;

        if (!str_eq(k->name, name))
            continue;
        if (k->node->open) {
            r->why = S("an alias refers to what holds it");
            return NULL;
        }
        copy = new_node(r, NODE_NULL, NULL);
        if (!copy)
            return NULL;
        *copy = *k->node;
        copy->next = NULL;
        return copy;
    }
    r->why = arena_fmt(r->a, "undefined alias %.*s", STR_ARG(name));
    return NULL;
}

static struct node *
read_node(struct reader *r, const yaml_event_t *ev, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        r->why = S("nested too deep");
        return NULL;
    }
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, ev);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r, ev, depth);
    case YAML_MAPPING_START_EVENT:
        return read_map(r, ev, depth);
    case YAML_ALIAS_EVENT:
        return read_alias(r, ev);
    default:
        r->why = S("it is not a YAML value");
        return NULL;
    }
}

static struct node *
read_document(struct reader *r)
{
    struct node *root = NULL;
    bool done = false;

    while (!done && !r->why.n) {
        yaml_event_t ev;

        if (!next_event(r, &ev))
            return NULL;
        if (ev.type == YAML_STREAM_END_EVENT)
            done = true;
        else if (ev.type == YAML_DOCUMENT_START_EVENT && root)
            r->why = S("expected a single document in the stream");
        else if (ev.type != YAML_STREAM_START_EVENT && ev.type != YAML_DOCUMENT_START_EVENT &&
                 ev.type != YAML_DOCUMENT_END_EVENT)
            root = read_node(r, &ev, 0);
        yaml_event_delete(&ev);
    }
    if (done && !root)
        r->why = S("it is empty");
    return done ? root : NULL;
}

struct node *
node_parse(struct arena *a, struct str text, struct str *ret_why)
{
    struct reader r = {.a = a};

    *ret_why = S("out of memory");
    if (!yaml_parser_initialize(&r.yaml))
        return NULL;
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text.p, text.n);
    struct node *root = read_document(&r);
    yaml_parser_delete(&r.yaml);
    assert(root || r.why.n);
    *ret_why = r.why;
    return root;
}

const struct node *
node_get(const struct node *map, const char *key)
{
    assert(key[0] != '\0');
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (const struct node *n = map->first; n; n = n->next)
        if (str_eq(n->key, str_c(key)))
            return n->kind == NODE_NULL ? NULL : n;
    return NULL;
}

struct str
node_scalar(const struct node *n)
{
    return n && n->kind == NODE_SCALAR ? n->text : S("");
}

struct str
node_text(const struct node *map, const char *key)
{
    return node_scalar(node_get(map, key));
}

bool
node_bool(const struct node *n, bool otherwise)
{
    static const char *const yes[] = {"true", "yes", "on", "1", "y"};
    struct str s = node_scalar(n);

    if (!n || n->kind == NODE_NULL)
        return otherwise;
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        if (str_ieq(s, str_c(yes[i])))
            return true;
    return false;
}

size_t
node_count(const struct node *n)
{
    size_t count = 0;

    if (!n || n->kind == NODE_NULL)
        return 0;
    if (n->kind == NODE_SCALAR)
        return 1;
    for (const struct node *c = n->first; c; c = c->next)
        count++;
    return count;
}

void
node_merge(struct arena *a, struct node *base, const struct node *over)
{
    assert(base->kind == NODE_MAP && over->kind == NODE_MAP);
    for (const struct node *n = over->first; n; n = n->next) {
        struct node *copy = arena_alloc(a, sizeof(*copy));

        *copy = *n;
        map_put(base, copy);
    }
}

static bool
plain_json(const struct node *n)
{
    uint64_t v;

    return !n->quoted && (str_eq(n->text, S("true")) || str_eq(n->text, S("false")) ||
                          (str_u64(n->text, 10, &v) && (n->text.n == 1 || n->text.p[0] != '0')));
}

static void
json_at(struct buf *b, const struct node *n, unsigned depth)
{
    if (b->over || depth > DEPTH_MAX)
        return;
    if (n->kind == NODE_NULL) {
        buf_add(b, S("null"));
    } else if (n->kind == NODE_SCALAR) {
        if (plain_json(n))
            buf_add(b, n->text);
        else
            buf_json(b, n->text);
    } else {
        bool map = n->kind == NODE_MAP;
        assert(map || n->kind == NODE_LIST);

        buf_byte(b, map ? '{' : '[');
        for (const struct node *c = n->first; c; c = c->next) {
            if (map) {
                buf_json(b, c->key);
                buf_add(b, S(": "));
            }
            json_at(b, c, depth + 1);
            if (c->next)
                buf_add(b, S(", "));
        }
        buf_byte(b, map ? '}' : ']');
    }
}

void
node_json(struct buf *b, const struct node *n)
{
    json_at(b, n, 0);
}
