/*
 * A MIME parser for user data.
 *
 * Payloads are slices of the message unless base64 or quoted-printable made copies,
 * and containers are never decoded, so memory is bounded by the message's size.
 * Nesting and the number of leaves are limited.
 */
#include "mime.h"

#include <string.h>

enum { DEPTH_MAX = 8, LEAVES_MAX = 2000 };

struct walk {
    struct arena *a;
    struct mime_part *first, **last;
    size_t n_leaves;
};

struct header {
    struct str content_type, boundary, encoding, filename, merge_type;
};

/* Value of a parameter in `text/plain; name="value"`, quotes undone. */
static struct str
parameter(struct arena *a, struct str value, const char *name)
{
    struct str key = str_c(name);

    assert(name[0] != '\0');
    for (size_t at = str_find(value, S(";"), 0); at != SIZE_MAX;
         at = str_find(value, S(";"), at + 1)) {
        struct str p = str_trim(str_cut(value, at + 1, value.n));

        if (!str_istarts(p, key))
            continue;
        p = str_ltrim(str_cut(p, key.n, p.n));
        if (p.n == 0 || p.p[0] != '=')
            continue;
        p = str_ltrim(str_cut(p, 1, p.n));
        if (p.n == 0 || p.p[0] != '"')
            return str_trim(str_cut(p, 0, str_find(p, S(";"), 0)));
        struct buf b = buf_new(a, 1024);
        for (size_t i = 1; i < p.n && p.p[i] != '"'; i++) {
            i += p.p[i] == '\\' && i + 1 < p.n;
            buf_byte(&b, p.p[i]);
        }
        return buf_str(&b);
    }
    return S("");
}

static void
header_field(struct arena *a, struct str name, struct str value, struct header *h)
{
    if (str_ieq(name, S("content-type"))) {
        h->content_type = str_trim(str_cut(value, 0, str_find(value, S(";"), 0)));
        h->content_type = str_lower(a, h->content_type);
        h->boundary = parameter(a, value, "boundary");
        if (h->filename.n == 0)
            h->filename = parameter(a, value, "name");
    } else if (str_ieq(name, S("content-transfer-encoding"))) {
        h->encoding = str_trim(value);
    } else if (str_ieq(name, S("content-disposition"))) {
        struct str f = parameter(a, value, "filename");
        h->filename = f.n ? f : h->filename;
    } else if (str_ieq(name, S("merge-type")) || str_ieq(name, S("x-merge-type"))) {
        h->merge_type = str_trim(value);
    }
}

/* Reads the header off *rest.  A line that is neither field nor continuation ends it. */
static struct header
header_read(struct arena *a, struct str *rest)
{
    struct header h = {0};
    struct buf value = buf_new(a, 8192);
    struct str name = S(""), line;

    for (;;) {
        struct str before = *rest;
        bool more = str_line(rest, &line) && line.n > 0;
        bool folded = more && (line.p[0] == ' ' || line.p[0] == '\t');

        if (folded) {
            buf_byte(&value, ' ');
            buf_add(&value, str_trim(line));
            continue;
        }
        if (name.n)
            header_field(a, name, arena_dup(a, buf_str(&value)), &h);
        name = S("");
        if (!more)
            break;
        size_t colon = str_find(line, S(":"), 0);
        if (str_starts(line, S("From ")))
            continue;
        if (colon == SIZE_MAX || colon == 0 || str_find(str_cut(line, 0, colon), S(" "), 0) !=
                                                   SIZE_MAX) {
            *rest = before;
            break;
        }
        name = str_cut(line, 0, colon);
        value = buf_new(a, 8192);
        buf_add(&value, str_cut(line, colon + 1, line.n));
    }
    if (h.content_type.n == 0 || str_find(h.content_type, S("/"), 0) == SIZE_MAX)
        h.content_type = S("text/plain");
    return h;
}

static void
leaf(struct walk *w, const struct header *h, struct str body)
{
    struct mime_part *m;
    struct str plain = body;

    assert(w->last && !*w->last);
    if (w->n_leaves++ >= LEAVES_MAX)
        return;
    if (str_ieq(h->encoding, S("base64")) && !base64_decode(w->a, body, &plain))
        plain = body; /* as Python: undecodable stays as it came */
    else if (str_ieq(h->encoding, S("quoted-printable")))
        plain = quoted_printable_decode(w->a, body);
    m = arena_alloc(w->a, sizeof(*m));
    m->content_type = h->content_type;
    m->filename = h->filename;
    m->merge_type = h->merge_type;
    m->payload = plain;
    assert(plain.p || plain.n == 0);
    *w->last = m;
    w->last = &m->next;
}

/* Offset of the next line that is "--boundary" or "--boundary--" from `from`, or the end. */
static size_t
delimiter(struct str body, struct str boundary, size_t from, size_t *ret_after, bool *ret_last)
{
    assert(from <= body.n && boundary.n > 0);
    for (size_t at = from; at < body.n;) {
        size_t eol = str_find(body, S("\n"), at);
        size_t next = eol == SIZE_MAX ? body.n : eol + 1;
        assert(next > at && next <= body.n);
        struct str line = str_cut(body, at, next);

        if (line.n >= boundary.n + 2 && line.p[0] == '-' && line.p[1] == '-' &&
            str_eq(str_cut(line, 2, 2 + boundary.n), boundary)) {
            struct str tail = str_trim(str_cut(line, 2 + boundary.n, line.n));

            if (tail.n == 0 || str_starts(tail, S("--"))) {
                *ret_after = next;
                *ret_last = tail.n != 0;
                return at;
            }
        }
        at = next;
    }
    *ret_after = body.n;
    *ret_last = true;
    return body.n;
}

static void
entity(struct walk *w, struct str text, unsigned depth)
{
    struct header h = header_read(w->a, &text);
    bool last = false;
    size_t after = 0;

    assert(depth <= DEPTH_MAX && w->n_leaves <= LEAVES_MAX + 1);
    if (!str_starts(h.content_type, S("multipart/")) || h.boundary.n == 0 ||
        depth >= DEPTH_MAX) {
        leaf(w, &h, text);
        return;
    }
    size_t from = delimiter(text, h.boundary, 0, &after, &last);
    if (from == text.n && last)
        return;
    while (!last && w->n_leaves < LEAVES_MAX) {
        size_t start = after;
        size_t end = delimiter(text, h.boundary, start, &after, &last);
        assert(start <= end && end <= after && after <= text.n);

        struct str part = str_cut(text, start, end);
        /* The line end before a delimiter belongs to the delimiter. */
        if (end < text.n && part.n && part.p[part.n - 1] == '\n')
            part.n--;
        if (end < text.n && part.n && part.p[part.n - 1] == '\r')
            part.n--;
        if (part.n || !last)
            entity(w, part, depth + 1);
    }
}

struct mime_part *
mime_parse(struct arena *a, struct str message)
{
    struct walk w = {.a = a};

    w.last = &w.first;
    entity(&w, message, 0);
    assert(w.n_leaves == 0 || w.first);
    return w.first;
}
