/*
 * optparse in C: the reading is pure, only the last two functions talk and exit.
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 78, HELP_COLUMN = 24 };

struct reader {
    struct arena *a;
    struct command_line *line;
    char **argv;
    int argc, at;
    struct str why;
};

static bool
wrong(struct reader *r, struct str why)
{
    r->why = why;
    return false;
}

/* What Python's %r makes of a string without control characters. */
static struct str
quoted(struct arena *a, struct str s)
{
    const char *q =
        str_find(s, S("'"), 0) != SIZE_MAX && str_find(s, S("\""), 0) == SIZE_MAX ? "\"" : "'";
    return arena_fmt(a, "%s%.*s%s", q, STR_ARG(s), q);
}

static bool
set_value(struct reader *r, size_t i, struct str name, struct str text)
{
    struct option_value *v = &r->line->values[i];
    char *end, *c = arena_cstr(r->a, str_trim(text));

    assert(i < r->line->n_defs);
    v->given = true;
    v->text = text;
    if (r->line->defs[i].kind == OPTION_BOOL && !str_eq(text, S("true")) &&
        !str_eq(text, S("false"))) {
        struct str q = quoted(r->a, text);

        return wrong(r, arena_fmt(r->a,
                                  "option %.*s: invalid choice: %.*s (choose from 'true', "
                                  "'false')",
                                  STR_ARG(name), STR_ARG(q)));
    }
    if (r->line->defs[i].kind != OPTION_INT)
        return true;
    errno = 0;
    v->number = strtol(c, &end, 0);
    if (!*c || *end || errno) {
        struct str q = quoted(r->a, text);

        return wrong(r, arena_fmt(r->a, "option %.*s: invalid integer value: %.*s", STR_ARG(name),
                                  STR_ARG(q)));
    }
    return true;
}

static bool
next_word(struct reader *r, struct str name, struct str *ret)
{
    assert(r->at < r->argc);
    if (r->at + 1 >= r->argc)
        return wrong(r, arena_fmt(r->a, "%.*s option requires 1 argument", STR_ARG(name)));
    *ret = str_c(r->argv[++r->at]);
    return true;
}

/* The option of that name or, alone, of that beginning; n_defs is --help. */
static bool
find_long(struct reader *r, struct str word, size_t *ret)
{
    const struct command_line *l = r->line;
    struct buf all = buf_new(r->a, 4096);
    size_t hits = 0;

    for (size_t i = 0; i <= l->n_defs; i++) {
        struct str name = str_c(i < l->n_defs ? l->defs[i].name : "help");

        if (!str_starts(name, word))
            continue;
        if (name.n == word.n) {
            *ret = i;
            return true;
        }
        buf_fmt(&all, "%s--%.*s", hits++ ? ", " : "", STR_ARG(name));
        *ret = i;
    }
    if (hits == 1)
        return true;
    struct str list = buf_str(&all);
    return wrong(
        r, hits ? arena_fmt(r->a, "ambiguous option: --%.*s (%.*s?)", STR_ARG(word), STR_ARG(list))
                : arena_fmt(r->a, "no such option: --%.*s", STR_ARG(word)));
}

static bool
read_long(struct reader *r, struct str word, bool *ret_help)
{
    size_t eq = str_find(word, S("="), 0), i;
    struct str value = eq == SIZE_MAX ? S("") : str_cut(word, eq + 1, word.n);

    if (!find_long(r, str_cut(word, 0, eq), &i))
        return false;
    assert(i <= r->line->n_defs);
    bool flag = i == r->line->n_defs || r->line->defs[i].kind == OPTION_FLAG;
    struct str name =
        arena_fmt(r->a, "--%s", i == r->line->n_defs ? "help" : r->line->defs[i].name);
    if (flag && eq != SIZE_MAX)
        return wrong(r, arena_fmt(r->a, "%.*s option does not take a value", STR_ARG(name)));
    if (i == r->line->n_defs)
        *ret_help = true;
    else if (flag)
        r->line->values[i].given = true;
    else if (eq == SIZE_MAX && !next_word(r, name, &value))
        return false;
    else
        return set_value(r, i, name, value);
    return true;
}

static bool
read_short(struct reader *r, struct str letters, bool *ret_help)
{
    for (size_t k = 0; k < letters.n && !*ret_help; k++) {
        const struct command_line *l = r->line;
        struct str name = arena_fmt(r->a, "-%c", letters.p[k]), value;
        size_t i = 0;

        while (i < l->n_defs && l->defs[i].letter != letters.p[k])
            i++;
        if (i == l->n_defs && letters.p[k] != 'h')
            return wrong(r, arena_fmt(r->a, "no such option: %.*s", STR_ARG(name)));
        if (i == l->n_defs) {
            *ret_help = true;
        } else if (l->defs[i].kind == OPTION_FLAG) {
            l->values[i].given = true;
        } else {
            value = str_cut(letters, k + 1, letters.n);
            if (value.n == 0 && !next_word(r, name, &value))
                return false;
            return set_value(r, i, name, value);
        }
    }
    return true;
}

enum options_read
options_parse(struct arena *a, struct command_line *line, int argc, char **argv,
              struct str *ret_why)
{
    struct reader r = {.a = a, .line = line, .argv = argv, .argc = argc};
    bool help = false, good = true, only_args = false;

    line->values = arena_alloc(a, (line->n_defs + 1) * sizeof(*line->values));
    line->args = arena_alloc(a, ((size_t)argc + 1) * sizeof(*line->args));
    line->n_args = 0;
    for (size_t i = 0; i <= line->n_defs; i++)
        line->values[i].text = S("");
    for (r.at = 1; r.at < argc && good && !help; r.at++) {
        struct str word = str_c(argv[r.at]);

        if (only_args || word.n < 2 || word.p[0] != '-')
            line->args[line->n_args++] = argv[r.at];
        else if (str_eq(word, S("--")))
            only_args = true;
        else if (word.p[1] == '-')
            good = read_long(&r, str_cut(word, 2, word.n), &help);
        else
            good = read_short(&r, str_cut(word, 1, word.n), &help);
    }
    assert(line->n_args <= (size_t)argc && (good || r.why.n > 0));
    *ret_why = r.why;
    return !good ? OPTIONS_WRONG : help ? OPTIONS_HELP : OPTIONS_READ;
}

/* Words in lines from HELP_COLUMN on; the first line begins where `column` is. */
static void
add_wrapped(struct buf *b, struct str text, size_t column)
{
    struct str word;
    size_t at = HELP_COLUMN;

    if (column + 2 > HELP_COLUMN) {
        buf_byte(b, '\n');
        column = 0;
    }
    buf_fmt(b, "%*s", (int)(HELP_COLUMN - column), "");
    while (str_field(&text, ' ', &word)) {
        if (at > HELP_COLUMN && at + 1 + word.n > WIDTH) {
            buf_fmt(b, "\n%*s", HELP_COLUMN, "");
            at = HELP_COLUMN;
        }
        buf_fmt(b, "%s%.*s", at > HELP_COLUMN ? " " : "", STR_ARG(word));
        at += word.n + (at > HELP_COLUMN);
    }
    buf_byte(b, '\n');
}

static void
add_option(struct arena *a, struct buf *b, const struct option_def *d)
{
    char *meta = arena_cstr(a, str_c(d->name));
    int indent = d->group ? 4 : 2;
    struct str head;

    for (char *c = meta; *c; c++)
        *c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    if (d->kind == OPTION_FLAG)
        head = d->letter ? arena_fmt(a, "%*s-%c, --%s", indent, "", d->letter, d->name)
                         : arena_fmt(a, "%*s--%s", indent, "", d->name);
    else if (d->letter)
        head = arena_fmt(a, "%*s-%c %s, --%s=%s", indent, "", d->letter, meta, d->name, meta);
    else
        head = arena_fmt(a, "%*s--%s=%s", indent, "", d->name, meta);
    buf_add(b, head);
    add_wrapped(b, str_c(d->help), head.n);
}

struct str
options_help(struct arena *a, const struct command_line *line)
{
    struct buf b = buf_new(a, 65536);
    const char *group = NULL;

    assert(line->program && line->usage);
    buf_fmt(&b, "Usage: %s %s\n\nOptions:\n", line->program, line->usage);
    buf_add(&b, S("  -h, --help            show this help message and exit\n"));
    for (size_t i = 0; i < line->n_defs; i++) {
        const struct option_def *d = &line->defs[i];

        if (d->group && d->group != group)
            buf_fmt(&b, "\n  %s:\n", d->group);
        group = d->group;
        add_option(a, &b, d);
    }
    return buf_str(&b);
}

void
options_or_exit(struct arena *a, struct command_line *line, int argc, char **argv)
{
    struct str why;
    enum options_read r = options_parse(a, line, argc, argv, &why);

    if (r == OPTIONS_READ)
        return;
    if (r == OPTIONS_HELP) {
        printf("%.*s", STR_ARG(options_help(a, line)));
        exit(0);
    }
    fprintf(stderr, "Usage: %s %s\n\n%s: error: %.*s\n", line->program, line->usage, line->program,
            STR_ARG(why));
    exit(2);
}

void
options_refuse(struct arena *a, const struct command_line *line, const char *fmt, ...)
{
    va_list ap;

    fputs("Error: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n%.*s", STR_ARG(options_help(a, line)));
    exit(1);
}
