/*
 * Only what requests have: elements, attributes, text, CDATA, comments and processing
 * instructions.  A document type is refused, and with it all that is dangerous in XML.
 */
#include "codec/xml.h"

#include "base/list.h"

static bool
fail(struct xml_in *in)
{
    in->failed = true;
    return false;
}

static struct str
rest(const struct xml_in *in)
{
    assert(in->at <= in->text.n);
    return str_cut(in->text, in->at, in->text.n);
}

static bool
looking_at(const struct xml_in *in, const char *what)
{
    return str_starts(rest(in), str_from(what));
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Moves behind the next `end`. */
static bool
pass(struct xml_in *in, const char *end)
{
    size_t n = str_find(rest(in), str_from(end));

    assert(in->at <= in->text.n);
    if (n == SIZE_MAX)
        return fail(in);
    in->at += n + strlen(end);
    return true;
}

/* Blanks, comments and processing instructions. */
static void
pass_misc(struct xml_in *in)
{
    while (!in->failed && in->at < in->text.n) {
        if (is_blank(in->text.p[in->at]))
            in->at++;
        else if (looking_at(in, "<!--"))
            pass(in, "-->");
        else if (looking_at(in, "<?"))
            pass(in, "?>");
        else
            return;
    }
}

/* ---- tags ---- */

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static struct str
take_name(struct str *s)
{
    size_t n = 0;

    assert(str_ok(*s));
    while (n < s->n && is_name_char(s->p[n]))
        n++;
    struct str name = str_cut(*s, 0, n);

    *s = str_cut(*s, n, s->n);
    return name;
}

/* Where a start tag ends: a '>' may stand in the value of an attribute. */
static size_t
tag_length(struct str s)
{
    char quote = 0;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++) {
        if (quote ? s.p[i] == quote : s.p[i] == '"' || s.p[i] == '\'')
            quote = quote ? 0 : s.p[i];
        else if (!quote && s.p[i] == '>')
            return i;
        else if (s.p[i] == '<')
            return SIZE_MAX;
    }
    return SIZE_MAX;
}

/* Cuts `name="value"` off the attributes; false at their end or at what is none. */
static bool
next_attr(struct str *attrs, struct str *ret_name, struct str *ret_value)
{
    struct str s = str_trim(*attrs);

    assert(str_ok(*attrs));
    *ret_name = take_name(&s);
    s = str_trim(s);
    if (!ret_name->n || !str_starts(s, S("=")))
        return false;
    s = str_trim(str_cut(s, 1, s.n));
    if (s.n < 2 || (s.p[0] != '"' && s.p[0] != '\''))
        return false;
    size_t n = str_find_char(str_cut(s, 1, s.n), s.p[0]);

    if (n == SIZE_MAX)
        return false;
    *ret_value = str_cut(s, 1, n + 1);
    *attrs = str_cut(s, n + 2, s.n);
    return true;
}

struct str
xml_local_name(struct str full)
{
    size_t colon = str_find_char(full, ':');

    assert(str_ok(full));
    return colon == SIZE_MAX ? full : str_cut(full, colon + 1, full.n);
}

/* At a '<'. */
static bool
start_tag(struct xml_in *in, struct xml_tag *ret)
{
    struct str s = str_cut(in->text, in->at + 1, in->text.n), name, value, attrs;
    size_t n = tag_length(s);

    if (n == SIZE_MAX || in->tags_left == 0)
        return fail(in);
    in->tags_left--;
    in->at += n + 2;
    s = str_cut(s, 0, n);
    *ret = (struct xml_tag){.empty = str_ends(s, S("/"))};
    s.n -= ret->empty;
    ret->full = take_name(&s);
    ret->name = xml_local_name(ret->full);
    ret->attrs = attrs = s;
    while (next_attr(&attrs, &name, &value))
        ;
    if (!ret->name.n || str_trim(attrs).n || in->depth == XML_DEPTH_MAX)
        return fail(in);
    in->depth += !ret->empty;
    return true;
}

/* At a "</". */
static bool
end_tag(struct xml_in *in, const struct xml_tag *tag)
{
    struct str s = str_cut(in->text, in->at + 2, in->text.n);
    size_t n = str_find_char(s, '>');

    assert(in->at <= in->text.n);
    if (n == SIZE_MAX || !str_eq(str_trim(str_cut(s, 0, n)), tag->full))
        return fail(in);
    assert(in->depth > 0);
    in->at += n + 3;
    in->depth--;
    return true;
}

bool
xml_root(struct xml_in *in, struct xml_tag *ret)
{
    assert(in->at == 0);
    if (looking_at(in, "\xef\xbb\xbf"))
        in->at += 3;
    pass_misc(in);
    if (in->failed || !looking_at(in, "<"))
        return fail(in);
    return start_tag(in, ret);
}

bool
xml_child(struct xml_in *in, struct xml_tag *parent, struct xml_tag *ret)
{
    assert(in->at <= in->text.n);
    if (in->failed || parent->empty)
        return false;
    pass_misc(in);
    if (in->failed || !looking_at(in, "<"))
        return fail(in);
    if (looking_at(in, "</")) {
        parent->empty = end_tag(in, parent);
        return false;
    }
    return start_tag(in, ret);
}

/* ---- text ---- */

/* "#65", "#x41": a character that XML may have; 0 when it is none. */
static uint32_t
char_reference(struct str s)
{
    bool hex = s.n > 1 && s.p[1] == 'x';
    uint32_t c = 0;

    for (size_t i = 1 + hex; i < s.n; i++) {
        unsigned d = s.p[i] >= '0' && s.p[i] <= '9'          ? (unsigned)(s.p[i] - '0')
                     : hex && s.p[i] >= 'a' && s.p[i] <= 'f' ? (unsigned)(s.p[i] - 'a') + 10
                     : hex && s.p[i] >= 'A' && s.p[i] <= 'F' ? (unsigned)(s.p[i] - 'A') + 10
                                                             : 99;
        if (d == 99 || c > 0x10ffff)
            return 0;
        c = c * (hex ? 16 : 10) + d;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff)
        return 0;
    return c >= 0x20 || c == '\t' || c == '\n' || c == '\r' ? c : 0;
}

/* A reference is longer than what it stands for, so that the text never outgrows its source. */
static bool
put_reference(struct str entity, char *out, size_t *n)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    uint32_t c = 0;

    assert(str_ok(entity));
    if (str_starts(entity, S("#")))
        c = char_reference(entity);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(entity, known[i].name))
            c = (unsigned char)known[i].c;
    if (c == 0)
        return false;
    *n += str_put_utf8(out + *n, c);
    return true;
}

/* Undoes references; ends of lines become one newline each, as XML has it. */
static bool
unescape(struct arena *a, struct str s, struct str *ret)
{
    size_t n = 0;

    assert(str_ok(s));
    *ret = s.p ? s : S("");
    if (str_find_char(s, '&') == SIZE_MAX && str_find_char(s, '\r') == SIZE_MAX)
        return true;
    char *out = arena_alloc_raw(a, s.n);

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '&') {
            struct str entity = str_cut(s, i + 1, s.n);

            entity = str_cut(entity, 0, str_find_char(entity, ';'));
            if (i + entity.n + 1 >= s.n || !put_reference(entity, out, &n))
                return false;
            i += entity.n + 1;
        } else if (s.p[i] != '\r') {
            out[n++] = s.p[i];
        } else if (i + 1 == s.n || s.p[i + 1] != '\n') {
            out[n++] = '\n';
        }
    }
    assert(n <= s.n);
    *ret = str_of(out, n);
    return true;
}

struct pieces {
    struct str *v;
    size_t n;
};

/* One run of text, CDATA or a comment; at something else *ret_end is true. */
static bool
next_piece(struct xml_in *in, struct str *ret, bool *ret_end)
{
    size_t from = in->at;

    *ret = S("");
    *ret_end = false;
    if (looking_at(in, "<![CDATA[")) {
        if (!pass(in, "]]>"))
            return false;
        *ret = str_cut(in->text, from + 9, in->at - 3);
        return true;
    }
    if (looking_at(in, "<!--"))
        return pass(in, "-->");
    if (looking_at(in, "<?"))
        return pass(in, "?>");
    if (looking_at(in, "<")) {
        *ret_end = true;
        return true;
    }
    size_t n = str_find_char(rest(in), '<');

    if (n == SIZE_MAX)
        return fail(in);
    in->at += n;
    return unescape(in->arena, str_cut(in->text, from, in->at), ret) || fail(in);
}

bool
xml_content(struct xml_in *in, struct xml_tag *tag, struct str *ret)
{
    struct pieces pieces = {0};
    struct str piece;
    bool end = false;

    assert(in->at <= in->text.n);
    *ret = S("");
    if (in->failed)
        return false;
    if (tag->empty)
        return true;
    while (next_piece(in, &piece, &end) && !end)
        if (piece.n) {
            if (pieces.n == 10000)
                return fail(in);
            *LIST_PUSH(in->arena, &pieces) = piece;
        }
    if (in->failed || !looking_at(in, "</"))
        return fail(in);
    tag->empty = end_tag(in, tag);
    struct str_list list = {pieces.v, pieces.n};

    if (pieces.n == 1)
        *ret = pieces.v[0];
    else if (pieces.n)
        *ret = str_join(in->arena, &list, S(""));
    return tag->empty;
}

bool
xml_skip(struct xml_in *in, struct xml_tag *tag)
{
    struct xml_tag child;
    struct str piece;
    bool end;

    while (!in->failed && !tag->empty) {
        if (!next_piece(in, &piece, &end))
            return false;
        if (!end)
            continue;
        if (looking_at(in, "</"))
            tag->empty = end_tag(in, tag);
        else if (start_tag(in, &child))
            xml_skip(in, &child);
    }
    return !in->failed;
}

bool
xml_attr(struct xml_in *in, const struct xml_tag *tag, struct str name, struct str *ret)
{
    struct str attrs = tag->attrs, found, value;

    assert(name.n > 0);
    while (next_attr(&attrs, &found, &value))
        if (str_eq(found, name) || str_eq(xml_local_name(found), xml_local_name(name)))
            return unescape(in->arena, value, ret) || fail(in);
    return false;
}

bool
xml_end(struct xml_in *in)
{
    pass_misc(in);
    assert(in->failed || in->depth == 0 || in->at <= in->text.n);
    return !in->failed && in->depth == 0 && in->at == in->text.n;
}
