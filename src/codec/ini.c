/* Line by line: a line is kept, replaced or dropped, and never taken apart further than its key. */
#include "codec/ini.h"

#include "base/buf.h"

#define PAIRS_MAX 16

enum kind { BLANK, COMMENT, HEADER, KEY, MORE, OTHER };

/* A line with its end, and what it is. */
struct line {
    enum kind kind;
    struct str whole, key, value; /* of a HEADER: key is its name */
};

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct line
next_line(struct str *rest)
{
    size_t end = str_find_char(*rest, '\n');
    struct line l = {.whole = str_cut(*rest, 0, end == SIZE_MAX ? rest->n : end + 1)};
    struct str s = str_trim(l.whole);

    assert(rest->p);
    *rest = str_cut(*rest, l.whole.n, rest->n);
    if (!s.n) {
        l.kind = BLANK;
    } else if (s.p[0] == '#' || s.p[0] == ';') {
        l.kind = COMMENT;
    } else if (is_blank(l.whole.p[0])) {
        l.kind = MORE;
    } else if (s.p[0] == '[') {
        size_t close = str_find_char(s, ']');

        l.kind = close == SIZE_MAX ? OTHER : HEADER;
        l.key = str_trim(str_cut(s, 1, close));
    } else {
        size_t at = MIN(str_find_char(s, '='), str_find_char(s, ':'));

        l.kind = at == SIZE_MAX ? OTHER : KEY;
        l.key = str_trim(str_cut(s, 0, at));
        l.value = at == SIZE_MAX ? STR_NONE : str_trim(str_cut(s, at + 1, s.n));
    }
    return l;
}

/* The next word of a header, without its quotes; empty at the end. */
static struct str
next_word(struct str *rest)
{
    assert(str_ok(*rest));
    *rest = str_trim(*rest);
    bool quoted = rest->n && (rest->p[0] == '"' || rest->p[0] == '\'');
    struct str word = str_cut(*rest, quoted, rest->n);
    size_t end = 0;

    while (end < word.n && (quoted ? word.p[end] != rest->p[0] : !is_blank(word.p[end])))
        end++;
    *rest = str_cut(word, end + quoted, word.n);
    return str_cut(word, 0, end);
}

static bool
same_section(struct str a, struct str b)
{
    while (a.n || b.n)
        if (!str_eq(next_word(&a), next_word(&b)))
            return false;
    return true;
}

static bool
is_header(const struct line *l, struct str section)
{
    return l->kind == HEADER && same_section(l->key, section);
}

bool
ini_has_section(struct str text, struct str section)
{
    assert(section.n > 0);
    while (text.n) {
        struct line l = next_line(&text);

        if (is_header(&l, section))
            return true;
    }
    return false;
}

struct str
ini_get(struct str text, struct str section, struct str key)
{
    bool inside = false;

    assert(section.n > 0 && key.n > 0);
    while (text.n) {
        struct line l = next_line(&text);

        if (l.kind == HEADER)
            inside = same_section(l.key, section);
        else if (inside && l.kind == KEY && str_eq_nocase(l.key, key))
            return l.value.p ? l.value : S("");
    }
    return STR_NONE;
}

/* ---- editing ---- */

struct edit {
    struct str out_end; /* of the lines that are added */
    const struct ini_pair *pairs;
    size_t n;
    bool clear;
    bool done[PAIRS_MAX];
    struct buf out;
    size_t last; /* where in out the section's last kept key ends */
};

static void
add_pair(struct buf *b, const struct ini_pair *pair, struct str end)
{
    assert(pair->key.n > 0 && pair->value.p);
    buf_add_str(b, pair->key);
    buf_add_lit(b, " = ");
    buf_add_str(b, pair->value);
    buf_add_str(b, end);
}

static void
end_line(struct edit *e)
{
    assert(e->last <= e->out.n);
    if (e->out.n && e->out.p[e->out.n - 1] == '\r')
        buf_add_char(&e->out, '\n');
    else if (e->out.n && e->out.p[e->out.n - 1] != '\n')
        buf_add_str(&e->out, e->out_end);
}

/* How the first line ends. */
static struct str
end_of_lines(struct str text)
{
    struct str first = str_split(&text, '\n');

    return str_ends(first, S("\r")) ? S("\r\n") : S("\n");
}

/* A key of the section: answers whether lines that go on with it are kept. */
static bool
edit_key(struct edit *e, const struct line *l)
{
    for (size_t i = 0; i < e->n; i++) {
        if (!str_eq_nocase(e->pairs[i].key, l->key))
            continue;
        /* A second one of the same name would be an error to who reads it. */
        if (e->pairs[i].value.p && !e->done[i])
            add_pair(&e->out, &e->pairs[i], e->out_end);
        e->done[i] = true;
        return false;
    }
    if (!e->clear)
        buf_add_str(&e->out, l->whole);
    return !e->clear;
}

/* Puts what was not there yet behind the section's last key. */
static void
add_missing(struct edit *e)
{
    struct buf tail;

    assert(e->last <= e->out.n && e->n <= PAIRS_MAX);
    buf_init(&tail, e->out.max);
    buf_add(&tail, e->out.p + e->last, e->out.n - e->last);
    e->out.n = e->last;
    for (size_t i = 0; i < e->n; i++) {
        if (e->done[i] || !e->pairs[i].value.p)
            continue;
        end_line(e);
        add_pair(&e->out, &e->pairs[i], e->out_end);
    }
    buf_add_str(&e->out, buf_str(&tail));
    buf_done(&tail);
}

static void
edit_section(struct edit *e, struct str *rest)
{
    bool keep = true;

    e->last = e->out.n;
    while (rest->n) {
        struct str before = *rest;
        struct line l = next_line(rest);

        if (l.kind == HEADER) {
            *rest = before;
            break;
        }
        if (l.kind == KEY)
            keep = edit_key(e, &l);
        else if (l.kind != MORE || keep)
            buf_add_str(&e->out, l.whole);
        if (l.kind == KEY || (l.kind == MORE && keep))
            e->last = e->out.n;
    }
    add_missing(e);
}

struct str
ini_set(struct arena *a, struct str text, struct str section, const struct ini_pair *pairs,
        size_t n, bool clear)
{
    struct edit e = {.out_end = end_of_lines(text),
                     .pairs = pairs,
                     .n = n,
                     .clear = clear};
    struct str rest = text;
    bool found = false;

    assert(section.n > 0);
    assert(n <= PAIRS_MAX);
    buf_init(&e.out, text.n * 2 + 65536);
    while (rest.n) {
        struct line l = next_line(&rest);

        buf_add_str(&e.out, l.whole);
        if (found || !is_header(&l, section))
            continue;
        found = true;
        edit_section(&e, &rest);
    }
    if (!found) {
        end_line(&e);
        if (e.out.n)
            buf_add_str(&e.out, e.out_end);
        buf_add_char(&e.out, '[');
        buf_add_str(&e.out, section);
        buf_add_char(&e.out, ']');
        buf_add_str(&e.out, e.out_end);
        e.last = e.out.n;
        add_missing(&e);
    }
    assert(!buf_failed(&e.out));
    struct str out = str_dup(a, buf_str(&e.out));
    buf_done(&e.out);
    return out;
}
