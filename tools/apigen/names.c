/*
 * C names.  A structure keeps its name behind the service's (struct ec2_Tag); members become
 * snake_case; lists and maps are named by what they hold, so that the same shape is one struct
 * wherever it is used.
 */
#include "apigen.h"

#include <stdlib.h>

/* Keywords, and macros that headers or gcc's gnu mode define in lower case. */
static const char *const taken[] = {
    "assert", "auto",   "bool",     "break",    "case",     "char",   "const",    "continue",
    "default", "do",    "double",   "else",     "enum",     "errno",  "extern",   "false",
    "float",  "for",    "goto",     "i386",     "if",       "inline", "int",      "linux",
    "long",   "offsetof", "register", "restrict", "return", "short",  "signed",   "sizeof",
    "static", "stderr", "stdin",    "stdout",   "struct",   "switch", "true",     "typedef",
    "union",  "unix",   "unsigned", "void",     "volatile", "while",
};

static bool
is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Whether a new word begins at i: aB, 1B, and the last capital of ABc, but IDs and MiB whole. */
static bool
word_begins(struct str s, size_t i)
{
    if (i == 0 || !is_upper(s.p[i]))
        return false;
    char before = s.p[i - 1], after = i + 1 < s.n ? s.p[i + 1] : 0;

    if (before == '_')
        return false;
    if (!is_upper(before)) {
        struct str tail = str_cut(s, i - 2, i + 1);

        return !str_is(tail, "MiB") && !str_is(tail, "GiB");
    }
    if (!is_lower(after))
        return false;
    char next = i + 2 < s.n ? s.p[i + 2] : 'A';

    if (after == 's' && is_upper(next))
        return false;
    return !(before == 'I' && s.p[i] == 'P' && after == 'v') &&
           !str_is(str_cut(s, i - 1, i + 3), "MBps") && !str_is(str_cut(s, i - 1, i + 3), "VCpu");
}

struct str
snake(struct arena *a, struct str name)
{
    char *out = arena_alloc(a, name.n * 2 + 2);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (word_begins(name, i))
            out[n++] = '_';
        if (is_upper(c))
            c = (char)(c + 32);
        out[n] = is_lower(c) || (c >= '0' && c <= '9' && n > 0) ? c : '_';
        n++;
    }
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (str_is(str_of(out, n), taken[i])) {
            out[n++] = '_';
            break;
        }
    return str_of(out, n);
}

struct str
macro(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n * 2 + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (word_begins(text, i))
            out[n++] = '_';
        if (is_lower(c))
            c = (char)(c - 32);
        out[n++] = is_upper(c) || (c >= '0' && c <= '9') ? c : '_';
    }
    return str_of(out, n);
}

/* What stands before List or Map in the name of a container. */
static struct str
part_name(struct gen *g, const struct shape *s)
{
    switch (s->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        return S("Text");
    case API_BOOL:
        return S("Bool");
    case API_INT:
    case API_LONG:
    case API_TIME:
        return S("Number");
    case API_FLOAT:
    case API_DOUBLE:
        return S("Float");
    case API_STRUCT:
        return s->name;
    case API_LIST:
        return str_cat(&g->arena, part_name(g, s->members.v[0].type), S("List"));
    case API_MAP:
        return str_cat(&g->arena, part_name(g, s->members.v[1].type), S("Map"));
    }
    abort();
}

static struct str
list_name(struct gen *g, const struct shape *s)
{
    struct str part = part_name(g, s->members.v[0].type);

    if (str_is(part, "Text"))
        return S("struct str_list");
    if (str_is(part, "Number"))
        return S("struct i64_list");
    if (str_is(part, "Float"))
        return S("struct f64_list");
    if (str_is(part, "Bool"))
        return S("struct bool_list");
    struct str whole = str_cat(&g->arena, part, S("List"));
    const struct shape *clash = shape_find(g, whole);

    /* EC2 has a structure PrefixList beside lists of Prefix. */
    return str_fmt(&g->arena, "struct %.*s_%.*s%s", STR_ARG(g->name), STR_ARG(whole),
                   clash && clash->kind == API_STRUCT ? "_" : "");
}

static struct str
c_name(struct gen *g, const struct shape *s)
{
    switch (s->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        return S("struct str");
    case API_BOOL:
        return S("bool");
    case API_INT:
    case API_LONG:
    case API_TIME:
        return S("int64_t");
    case API_FLOAT:
    case API_DOUBLE:
        return S("double");
    case API_STRUCT:
        return str_fmt(&g->arena, "struct %.*s_%.*s", STR_ARG(g->name), STR_ARG(s->name));
    case API_LIST:
        return list_name(g, s);
    case API_MAP:
        return str_fmt(&g->arena, "struct %.*s_%.*s", STR_ARG(g->name), STR_ARG(part_name(g, s)));
    }
    abort();
}

struct str
member_decl(struct gen *g, const struct shape *type)
{
    switch (type->kind) {
    case API_BOOL:
        return S("struct opt_bool ");
    case API_INT:
    case API_LONG:
    case API_TIME:
        return S("struct opt_i64 ");
    case API_FLOAT:
    case API_DOUBLE:
        return S("struct opt_f64 ");
    case API_STRUCT:
        return str_cat(&g->arena, type->c_name, S(" *"));
    default:
        return str_cat(&g->arena, type->c_name, S(" "));
    }
}

void
name_all(struct gen *g)
{
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];

        s->c_name = c_name(g, s);
        for (size_t j = 0; j < s->members.n; j++) {
            struct member *m = &s->members.v[j];

            m->c_name = snake(&g->arena, m->name);
            for (size_t k = 0; k < j; k++)
                if (str_eq(s->members.v[k].c_name, m->c_name))
                    die_at(g->file, m->line, "two members of '%.*s' are '%.*s' in C",
                           STR_ARG(s->name), STR_ARG(m->c_name));
        }
    }
}
