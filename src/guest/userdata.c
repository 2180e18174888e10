/*
 * From user data to a list of parts.
 *
 * Follows cloud-init's UserDataProcessor: inflate, look for a MIME header in the first
 * 4 KiB, walk the parts, sniff those whose declared type proves little, replace
 * includes and archives by what they stand for.  Depth, parts, includes and
 * inflated bytes are limited, because includes may include themselves.
 */
#include "userdata.h"

#include "mime.h"
#include "node.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *start, *name;
    enum part_type type;
} types[] = {
    /* Longest start first: "#cloud-config" is the start of others. */
    {"#cloud-config-archive", "text/cloud-config-archive", PART_CLOUD_CONFIG_ARCHIVE},
    {"#cloud-config-jsonp", "text/cloud-config-jsonp", PART_CLOUD_CONFIG_JSONP},
    {"## template: jinja", "text/jinja2", PART_JINJA},
    {"#cloud-boothook", "text/cloud-boothook", PART_BOOTHOOK},
    {"#include-once", "text/x-include-once-url", PART_INCLUDE_ONCE},
    {"#cloud-config", "text/cloud-config", PART_CLOUD_CONFIG},
    {"#part-handler", "text/part-handler", PART_HANDLER},
    {"#include", "text/x-include-url", PART_INCLUDE},
    {"#!", "text/x-shellscript", PART_SHELLSCRIPT},
    {NULL, "text/x-shellscript-per-boot", PART_PER_BOOT},
    {NULL, "text/x-shellscript-per-instance", PART_PER_INSTANCE},
    {NULL, "text/x-shellscript-per-once", PART_PER_ONCE},
    {NULL, "text/x-not-multipart", PART_NOT_MULTIPART},
};

static const char *const gzip_types[] = {
    "application/gzip",      "application/gzip-compressed", "application/gzipped",
    "application/x-gunzip",  "application/x-compress",      "application/x-compressed",
    "application/x-gzip",    "application/x-gzip-compressed",
};

struct str
part_type_name(enum part_type type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].type == type)
            return str_c(types[i].name);
    return S("application/octet-stream");
}

static enum part_type
part_type_of(struct str content_type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_ieq(content_type, str_c(types[i].name)))
            return types[i].type;
    return PART_UNKNOWN;
}

enum part_type
part_sniff(struct str payload)
{
    struct str s = str_ltrim(payload);

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].start && str_istarts(s, str_c(types[i].start)))
            return is_utf8(payload) ? types[i].type : PART_UNKNOWN;
    return PART_UNKNOWN;
}

struct str
part_excerpt(struct arena *a, struct str payload)
{
    struct buf b = buf_new(a, 256);
    size_t n = str_find(payload, S("\n"), 0);

    if (n == SIZE_MAX)
        n = payload.n;
    for (size_t i = 0; i < n && i < 24; i++) {
        unsigned char c = (unsigned char)payload.p[i];

        if (c == '\\' || c == '\'')
            buf_fmt(&b, "\\%c", c);
        else if (c == '\t' || c == '\r')
            buf_fmt(&b, "\\%c", c == '\t' ? 't' : 'r');
        else if (c < ' ' || c > '~')
            buf_fmt(&b, "\\x%02x", c);
        else
            buf_byte(&b, (char)c);
    }
    return buf_str(&b);
}

struct str
clean_filename(struct arena *a, struct str name)
{
    struct buf b = buf_new(a, 200);

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        char low = ascii_lower(c);

        if (c == '/')
            buf_byte(&b, '_');
        else if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
                 memchr("_.()-", c, 5))
            buf_byte(&b, c);
    }
    struct str s = buf_str(&b);
    if (s.n == 0 || str_eq(s, S(".")) || str_eq(s, S("..")))
        return S("part");
    return arena_dup(a, s);
    assert(str_find(s, S("/"), 0) == SIZE_MAX);
}

static void __attribute__((format(printf, 3, 4)))
note(struct userdata *u, bool warn, const char *fmt, ...)
{
    struct buf b = buf_new(u->a, 1024);
    va_list ap;
    char text[512];

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n > 0)
        buf_add(&b, str_c(text));
    u->note(u->ctx, warn, buf_str(&b));
}

static bool
inflate_part(struct userdata *u, struct str in, struct str *ret)
{
    assert(u->inflated_bytes <= USERDATA_INFLATED_MAX);
    if (!gunzip(u->a, in, USERDATA_INFLATED_MAX - u->inflated_bytes, ret))
        return false;
    u->inflated_bytes += ret->n;
    assert(u->inflated_bytes <= USERDATA_INFLATED_MAX);
    return true;
}

static void
attach(struct userdata *u, const struct mime_part *m, enum part_type type, struct str payload)
{
    struct part *p;

    assert(u->n_parts <= USERDATA_PARTS_MAX + 1);
    if (u->n_parts == USERDATA_PARTS_MAX) {
        note(u, true, "More than %d parts in user data, the rest is left out", USERDATA_PARTS_MAX);
        u->n_parts++;
    }
    if (u->n_parts > USERDATA_PARTS_MAX)
        return;
    p = arena_alloc(u->a, sizeof(*p));
    u->n_parts++;
    p->type = type;
    p->content_type = type == PART_UNKNOWN ? m->content_type : part_type_name(type);
    p->filename = m->filename.n ? m->filename : arena_fmt(u->a, "part-%03zu", u->n_parts);
    p->merge_type = m->merge_type;
    p->payload = payload;
    *u->last = p;
    u->last = &p->next;
    assert(*u->last == NULL);
}

static void process(struct userdata *u, struct str bytes);

static void
include(struct userdata *u, struct str content)
{
    struct str rest = content, line, body;
    bool once = false;

    while (str_line(&rest, &line)) {
        if (str_istarts(line, S("#include-once"))) {
            line = str_ltrim(str_cut(line, strlen("#include-once"), line.n));
            once = true;
        } else if (str_istarts(line, S("#include"))) {
            line = str_ltrim(str_cut(line, strlen("#include"), line.n));
            once = false;
        }
        struct str url = str_trim(line);
        if (url.n == 0 || url.p[0] == '#')
            continue;
        if (u->n_fetches == USERDATA_FETCHES_MAX)
            note(u, true, "More than %d includes, the rest is left out", USERDATA_FETCHES_MAX);
        if (u->n_parts > USERDATA_PARTS_MAX || ++u->n_fetches > USERDATA_FETCHES_MAX)
            return;
        if (u->fetch(u->ctx, url, once, &body))
            process(u, body);
    }
}

static void
archive(struct userdata *u, struct str payload)
{
    struct str why;
    const struct node *list = node_parse(u->a, payload, &why);

    if (!list || list->kind != NODE_LIST) {
        note(u, true, "Failed loading cloud-config-archive: %.*s",
             STR_ARG(list ? S("it is not a list") : why));
        return;
    }
    for (const struct node *e = list->first; e; e = e->next) {
        struct mime_part m = {0};
        struct str content = e->kind == NODE_SCALAR ? e->text : node_text(e, "content");
        assert(e->kind != NODE_NULL || content.n == 0);
        struct str type_text = node_text(e, "type");

        if (e->kind == NODE_LIST)
            continue;
        m.filename = node_text(e, "filename");
        m.content_type = type_text;
        enum part_type type = type_text.n ? part_type_of(type_text) : part_sniff(content);
        if (!type_text.n && type == PART_UNKNOWN)
            type = PART_CLOUD_CONFIG;
        if (type == PART_INCLUDE || type == PART_INCLUDE_ONCE)
            include(u, content);
        else
            attach(u, &m, type, content);
    }
}

static bool
is_gzip_type(struct str content_type)
{
    for (size_t i = 0; i < COUNT_OF(gzip_types); i++)
        if (str_ieq(content_type, str_c(gzip_types[i])))
            return true;
    return false;
}

static void
process_part(struct userdata *u, const struct mime_part *m)
{
    struct str payload = m->payload, declared = m->content_type;

    if (is_gzip_type(declared)) {
        if (!inflate_part(u, payload, &payload)) {
            note(u, true, "Failed decompressing payload from %.*s of length %zu",
                 STR_ARG(declared), m->payload.n);
            return;
        }
        declared = S("text/plain");
    }
    enum part_type type = part_type_of(declared);
    bool doubtful = type == PART_NOT_MULTIPART || type == PART_SHELLSCRIPT || declared.n == 0 ||
                    str_ieq(declared, S("text/plain"));
    if (doubtful) {
        enum part_type seen = part_sniff(payload);

        type = seen != PART_UNKNOWN ? seen : type;
    }
    if (type == PART_INCLUDE || type == PART_INCLUDE_ONCE)
        include(u, payload);
    else if (type == PART_CLOUD_CONFIG_ARCHIVE)
        archive(u, payload);
    else
        attach(u, m, type, payload);
}

static void
process(struct userdata *u, struct str bytes)
{
    struct mime_part whole = {.content_type = S("text/x-not-multipart")};

    assert(u->depth <= USERDATA_DEPTH_MAX);
    if (++u->depth > USERDATA_DEPTH_MAX) {
        note(u, true, "User data includes itself more than %d deep", USERDATA_DEPTH_MAX);
        u->depth--;
        return;
    }
    if (is_gzip(bytes)) {
        struct str plain;

        if (inflate_part(u, bytes, &plain))
            bytes = plain;
        else
            note(u, true, "User data looks like gzip but is corrupt or inflates to more than "
                          "%d bytes", USERDATA_INFLATED_MAX);
    }
    if (str_ifind(str_cut(bytes, 0, 4096), S("mime-version:"), 0) != SIZE_MAX) {
        for (const struct mime_part *m = mime_parse(u->a, bytes); m; m = m->next)
            process_part(u, m);
    } else {
        whole.payload = bytes;
        process_part(u, &whole);
    }
    u->depth--;
}

void
userdata_init(struct userdata *u, struct arena *a)
{
    *u = (struct userdata){.a = a};
    u->last = &u->first;
}

void
userdata_parse(struct userdata *u, struct str bytes)
{
    assert(u->note && u->fetch && u->depth == 0);
    if (bytes.n)
        process(u, bytes);
}
