/*
 * A recursive descent over one text, with a depth and a number of values that end it.
 */
#include "json.h"

#include <string.h>

enum { DEPTH_MAX = 64, VALUES_MAX = 20000 };

struct reader {
    struct arena *a;
    const char *p, *end, *start;
    size_t n_values;
    struct str why;
};

static struct node *read_value(struct reader *r, unsigned depth);

static bool
fail(struct reader *r, const char *what)
{
    assert(what[0] && r->p >= r->start && r->p <= r->end);
    if (!r->why.n)
        r->why = arena_fmt(r->a, "%s: char %zu", what, (size_t)(r->p - r->start));
    return false;
}

static void
skip_blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool
take(struct reader *r, char c)
{
    assert(r->p <= r->end);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static struct node *
new_node(struct reader *r, enum node_kind kind)
{
    if (++r->n_values > VALUES_MAX) {
        fail(r, "Too many values");
        return NULL;
    }
    struct node *n = arena_alloc(r->a, sizeof(*n));
    n->kind = kind;
    return n;
}

static bool
read_hex(struct reader *r, unsigned *ret)
{
    uint64_t v;

    if (r->end - r->p < 4 || !str_u64((struct str){r->p, 4}, 16, &v))
        return fail(r, "Invalid \\uXXXX escape");
    r->p += 4;
    *ret = (unsigned)v;
    return true;
}

static void
add_utf8(struct buf *b, unsigned c)
{
    assert(c > 0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
    if (c < 0x80) {
        buf_byte(b, (char)c);
    } else if (c < 0x800) {
        buf_byte(b, (char)(0xc0 | c >> 6));
        buf_byte(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_byte(b, (char)(0xe0 | c >> 12));
        buf_byte(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_byte(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_byte(b, (char)(0xf0 | c >> 18));
        buf_byte(b, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_byte(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_byte(b, (char)(0x80 | (c & 0x3f)));
    }
}

static bool
read_escape(struct reader *r, struct buf *b)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned c, low;

    _Static_assert(sizeof(from) == sizeof(to), "a character for each letter");
    if (r->p == r->end)
        return fail(r, "Unterminated string");
    char e = *r->p++;
    const char *hit = e ? strchr(from, e) : NULL;
    if (hit) {
        buf_byte(b, to[hit - from]);
        return true;
    }
    if (e != 'u')
        return fail(r, "Invalid \\escape");
    if (!read_hex(r, &c))
        return false;
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
        r->p += 2;
        if (!read_hex(r, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(r, "Half of a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c >= 0xd800 && c <= 0xdfff)
        return fail(r, "Half of a surrogate pair");
    if (c == 0)
        return fail(r, "A string holds a NUL");
    add_utf8(b, c);
    return true;
}

static bool
read_string(struct reader *r, struct str *ret)
{
    struct buf b = buf_new(r->a, (size_t)(r->end - r->p));

    if (!take(r, '"'))
        return fail(r, "Expecting a string");
    for (;;) {
        const char *from = r->p;

        while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= 0x20)
            r->p++;
        buf_add(&b, (struct str){from, (size_t)(r->p - from)});
        if (take(r, '"'))
            break;
        if (!take(r, '\\'))
            return fail(r, r->p == r->end ? "Unterminated string" : "Invalid control character");
        if (!read_escape(r, &b))
            return false;
    }
    *ret = buf_str(&b);
    return true;
}

static size_t
digits(struct reader *r)
{
    const char *from = r->p;

    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return (size_t)(r->p - from);
}

static struct node *
read_number(struct reader *r)
{
    const char *from = r->p;
    struct node *n = new_node(r, NODE_SCALAR);

    take(r, '-');
    bool good = take(r, '0') || digits(r) > 0;
    if (good && take(r, '.'))
        good = digits(r) > 0;
    if (good && (take(r, 'e') || take(r, 'E'))) {
        if (!take(r, '+'))
            take(r, '-');
        good = digits(r) > 0;
    }
    if (!good)
        fail(r, "Expecting value");
    if (!n || !good)
        return NULL;
    n->text = (struct str){from, (size_t)(r->p - from)};
    return n;
}

static struct node *
read_word(struct reader *r)
{
    static const char *const words[] = {"true", "false", "null"};
    struct str rest = {r->p, (size_t)(r->end - r->p)};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct str word = str_c(words[i]);

        if (!str_starts(rest, word))
            continue;
        struct node *n = new_node(r, i == 2 ? NODE_NULL : NODE_SCALAR);
        if (n && i < 2)
            n->text = word;
        r->p += word.n;
        return n;
    }
    return read_number(r);
}

static void
put(struct node *map, struct node *n)
{
    struct node **at = &map->first;

    assert(map->kind == NODE_MAP);
    while (*at && !str_eq((*at)->key, n->key))
        at = &(*at)->next;
    n->next = *at ? (*at)->next : NULL;
    *at = n;
}

static struct node *
read_map(struct reader *r, unsigned depth)
{
    struct node *map = new_node(r, NODE_MAP);

    skip_blanks(r);
    if (!map || take(r, '}'))
        return map;
    for (;;) {
        struct str key;

        skip_blanks(r);
        if (!read_string(r, &key))
            return NULL;
        skip_blanks(r);
        if (!take(r, ':')) {
            fail(r, "Expecting ':' delimiter");
            return NULL;
        }
        struct node *n = read_value(r, depth + 1);
        if (!n)
            return NULL;
        n->key = key;
        put(map, n);
        skip_blanks(r);
        if (take(r, '}'))
            return map;
        if (!take(r, ',')) {
            fail(r, "Expecting ',' delimiter");
            return NULL;
        }
    }
}

static struct node *
read_list(struct reader *r, unsigned depth)
{
    struct node *list = new_node(r, NODE_LIST), **last = list ? &list->first : NULL;

    skip_blanks(r);
    if (!list || take(r, ']'))
        return list;
    for (;;) {
        struct node *n = read_value(r, depth + 1);

        if (!n)
            return NULL;
        *last = n;
        last = &n->next;
        skip_blanks(r);
        if (take(r, ']'))
            return list;
        if (!take(r, ',')) {
            fail(r, "Expecting ',' delimiter");
            return NULL;
        }
    }
}

static struct node *
read_value(struct reader *r, unsigned depth)
{
    skip_blanks(r);
    if (depth > DEPTH_MAX) {
        fail(r, "Nested too deep");
        return NULL;
    }
    if (take(r, '{'))
        return read_map(r, depth);
    if (take(r, '['))
        return read_list(r, depth);
    if (r->p < r->end && *r->p == '"') {
        struct node *n = new_node(r, NODE_SCALAR);

        if (!n || !read_string(r, &n->text))
            return NULL;
        n->quoted = true;
        return n;
    }
    return read_word(r);
}

struct node *
json_parse(struct arena *a, struct str text, struct str *ret_why)
{
    struct reader r = {.a = a, .p = text.p, .start = text.p, .end = text.p + text.n};

    if (!is_utf8(text)) {
        *ret_why = S("It is not UTF-8");
        return NULL;
    }
    struct node *root = read_value(&r, 0);
    skip_blanks(&r);
    if (root && r.p != r.end) {
        fail(&r, "Extra data");
        root = NULL;
    }
    assert(root ? r.p == r.end : r.why.n > 0);
    *ret_why = r.why;
    return root;
}

/* One code point; a byte that is not UTF-8 (of a file, say) stands for itself. */
static unsigned
next_code(struct str s, size_t *at)
{
    unsigned char c = (unsigned char)s.p[(*at)++];
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    unsigned code = more == 3 ? c & 7 : more == 2 ? c & 15 : more == 1 ? c & 31 : c;

    if (more > s.n - *at)
        return c;
    for (unsigned i = 0; i < more; i++)
        if (((unsigned char)s.p[*at + i] & 0xc0) != 0x80)
            return c;
    for (; more; more--)
        code = code << 6 | ((unsigned char)s.p[(*at)++] & 0x3f);
    return code;
}

static void
dump_string(struct buf *b, struct str s)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";

    _Static_assert(sizeof(from) == sizeof(to), "a letter for each character");
    buf_byte(b, '"');
    for (size_t i = 0; i < s.n;) {
        unsigned c = next_code(s, &i);
        const char *hit = c && c < 0x80 ? strchr(from, (int)c) : NULL;

        if (hit)
            buf_fmt(b, "\\%c", to[hit - from]);
        else if (c >= 0x10000)
            buf_fmt(b, "\\u%04x\\u%04x", 0xd800 + (((c - 0x10000) >> 10) & 0x3ff),
                    0xdc00 + ((c - 0x10000) & 0x3ff));
        else if (c < 0x20 || c >= 0x7f)
            buf_fmt(b, c == 0x7f ? "%c" : "\\u%04x", c);
        else
            buf_byte(b, (char)c);
    }
    buf_byte(b, '"');
}

static void
new_line(struct buf *b, int indent, unsigned depth)
{
    if (indent >= 0)
        buf_fmt(b, "\n%*s", indent * (int)depth, "");
}

static void
dump(struct buf *b, const struct node *n, int indent, unsigned depth)
{
    bool map = n->kind == NODE_MAP;

    if (b->over || depth > DEPTH_MAX)
        return;
    if (n->kind == NODE_NULL) {
        buf_add(b, S("null"));
        return;
    }
    if (n->kind == NODE_SCALAR) {
        if (n->quoted)
            dump_string(b, n->text);
        else
            buf_add(b, n->text);
        return;
    }
    buf_byte(b, map ? '{' : '[');
    for (const struct node *c = n->first; c; c = c->next) {
        new_line(b, indent, depth + 1);
        if (map) {
            dump_string(b, c->key);
            buf_add(b, S(": "));
        }
        dump(b, c, indent, depth + 1);
        if (c->next)
            buf_add(b, indent < 0 ? S(", ") : S(","));
    }
    if (n->first)
        new_line(b, indent, depth);
    buf_byte(b, map ? '}' : ']');
}

void
json_dump(struct buf *b, const struct node *n, int indent)
{
    assert(n);
    dump(b, n, indent, 0);
}

struct str
json_strings(struct arena *a, const struct header *fields, size_t n, size_t max_bytes)
{
    struct node map = {.kind = NODE_MAP}, **last = &map.first;
    struct buf b = buf_new(a, max_bytes);

    for (size_t i = 0; i < n; i++) {
        *last = arena_alloc(a, sizeof(**last));
        **last = (struct node){
            .kind = NODE_SCALAR, .quoted = true, .text = fields[i].value, .key = fields[i].name};
        last = &(*last)->next;
    }
    json_dump(&b, &map, -1);
    return buf_str(&b);
}
