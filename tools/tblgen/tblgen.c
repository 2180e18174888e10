/*
 * tblgen: rows of the store as C, from .tbl files (grammar: docs/tables.md).
 *
 *   tblgen FILE.tbl… DIR      writes DIR/FILE_rows.h and .c for each file
 *
 * Mistakes are named as FILE:LINE: sentence, and nothing is written then.
 *
 * All SQL that names a table or a column is written here, as constants: names match
 * [a-z][a-z0-9_]* and values are always bound, so there is nothing to inject into.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tblgen.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { FILE_BYTES_MAX = 1 << 20 };

static const char *const type_names[N_TYPES] = {"str", "int", "bool", "strs", "blob", "secret"};

static const char *const c_words[] = {
    "auto",   "bool",     "break",  "case",     "char",   "const",    "continue", "default",
    "do",     "double",   "else",   "enum",     "extern", "float",    "for",      "goto",
    "if",     "inline",   "int",    "long",     "register", "restrict", "return", "short",
    "signed", "sizeof",   "static", "struct",   "switch", "typedef",  "union",    "unsigned",
    "void",   "volatile", "while",  "index",    "unique", "table",    "asm",      "true",
    "false",
};

__attribute__((noreturn, format(printf, 2, 3))) static void
fail(const struct tbl_file *file, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%u: ", file->path, file->line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static bool
same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Cuts the next word off *line; empty at the end. */
static char *
word(char **line)
{
    char *from = *line + strspn(*line, " \t"), *to = from + strcspn(from, " \t");

    *line = *to ? to + 1 : to;
    *to = '\0';
    return from;
}

/* Without blanks at both ends. */
static char *
trim(char *s)
{
    size_t n;

    s += strspn(s, " \t\r");
    for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
        s[n - 1] = '\0';
    return s;
}

static void
check_name(const struct tbl_file *file, const char *name, const char *what)
{
    if (!name[0])
        fail(file, "the %s has no name", what);
    if (strlen(name) > NAME_BYTES_MAX)
        fail(file, "the name %s is longer than %d", name, NAME_BYTES_MAX);
    for (size_t i = 0; name[i]; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')))
            fail(file, "%s is no name: small letters, digits and _ only", name);
    }
    for (size_t i = 0; i < ARRAY_LEN(c_words); i++)
        if (same(name, c_words[i]))
            fail(file, "%s is a word of C or of this grammar", name);
}

static void
check_end(const struct tbl_file *file, char *line)
{
    char *rest = word(&line);

    if (rest[0])
        fail(file, "unexpected %s", rest);
}

static int
find_column(const struct tbl_table *t, const char *name)
{
    for (unsigned i = 0; i < t->n_columns; i++)
        if (same(t->columns[i].name, name))
            return (int)i;
    return -1;
}

static void
parse_table(struct tbl_file *file, char *line, const char *comment)
{
    struct tbl_table *t;
    char *name = word(&line);

    check_name(file, name, "table");
    for (unsigned i = 0; i < file->n_tables; i++)
        if (same(file->tables[i].name, name))
            fail(file, "table %s is there twice", name);
    if (strncmp(name, "sqlite_", 7) == 0 || strncmp(name, "welkin_", 7) == 0)
        fail(file, "names that begin with sqlite_ or welkin_ are taken");
    check_end(file, line);
    if (file->n_tables == TABLES_MAX)
        fail(file, "more than %d tables in a file", TABLES_MAX);
    t = &file->tables[file->n_tables++];
    t->name = name;
    t->line = file->line;
    t->version = 1;
    t->key = -1;
    t->comment = comment;
}

static void
parse_index(struct tbl_file *file, struct tbl_table *t, char *line, bool unique)
{
    struct tbl_index *x;
    char *w = word(&line);

    check_name(file, w, "index");
    if (same(w, "by_key"))
        fail(file, "by_key is there by itself");
    for (unsigned i = 0; i < t->n_indexes; i++)
        if (same(t->indexes[i].name, w))
            fail(file, "index %s is there twice", w);
    if (t->n_indexes == INDEXES_MAX)
        fail(file, "more than %d indexes", INDEXES_MAX);
    x = &t->indexes[t->n_indexes++];
    *x = (struct tbl_index){.name = w, .unique = unique};
    while ((w = word(&line))[0]) {
        int i = find_column(t, w);

        if (i < 0)
            fail(file, "no column %s above this line", w);
        if (t->columns[i].type > TYPE_BOOL)
            fail(file, "%s is %s: only str, int and bool have an order", w,
                 type_names[t->columns[i].type]);
        for (unsigned j = 0; j < x->n_columns; j++)
            if (x->columns[j] == i)
                fail(file, "column %s is in the index twice", w);
        if (x->n_columns == INDEX_COLUMNS_MAX)
            fail(file, "more than %d columns in an index", INDEX_COLUMNS_MAX);
        x->columns[x->n_columns++] = i;
    }
    if (x->n_columns == 0)
        fail(file, "index %s has no columns", x->name);
}

static void
parse_column(struct tbl_file *file, struct tbl_table *t, const char *name, char *line,
             const char *comment)
{
    char *type = word(&line), *w;
    struct tbl_column *c;

    check_name(file, name, "column");
    if (find_column(t, name) >= 0)
        fail(file, "column %s is there twice", name);
    if (t->n_columns == COLUMNS_MAX)
        fail(file, "more than %d columns", COLUMNS_MAX);
    c = &t->columns[t->n_columns];
    *c = (struct tbl_column){.name = name, .type = N_TYPES};
    for (unsigned i = 0; i < N_TYPES; i++)
        if (same(type, type_names[i]))
            c->type = i;
    if (c->type == N_TYPES)
        fail(file, "%s is no type: str int bool strs blob secret", type);
    w = word(&line);
    if (same(w, "key")) {
        if (t->key >= 0)
            fail(file, "a second key");
        if (c->type != TYPE_STR)
            fail(file, "a key must be str");
        t->key = (int)t->n_columns;
        check_end(file, line);
    } else if (w[0]) {
        fail(file, "unexpected %s", w);
    }
    t->n_columns++;
    c->comment = comment;
}

static void
end_table(struct tbl_file *file)
{
    if (file->n_tables == 0)
        return;
    struct tbl_table *t = &file->tables[file->n_tables - 1];
    unsigned line = file->line;

    file->line = t->line;
    if (t->key < 0)
        fail(file, "table %s has no key", t->name);
    for (unsigned i = 0; i < t->n_indexes; i++) {
        struct tbl_index *x = &t->indexes[i];
        bool has_key = false;

        for (unsigned j = 0; j < x->n_columns; j++)
            has_key |= x->columns[j] == t->key;
        if (x->unique && has_key)
            fail(file, "unique %s holds the key, which is unique alone", x->name);
    }
    file->line = line;
}

static void
parse_line(struct tbl_file *file, char *line)
{
    struct tbl_table *t = file->n_tables ? &file->tables[file->n_tables - 1] : NULL;
    char *mark = strchr(line, '#'), *w, *end;
    const char *comment;
    long version;

    if (mark)
        *mark++ = '\0';
    comment = mark ? trim(mark) : "";
    line = trim(line);
    w = word(&line);
    if (!w[0])
        return;
    if (same(w, "table")) {
        end_table(file);
        parse_table(file, line, comment);
        return;
    }
    if (!t)
        fail(file, "the first word must be table");
    if (same(w, "index") || same(w, "unique")) {
        parse_index(file, t, line, same(w, "unique"));
    } else if (same(w, "version") && isdigit((unsigned char)line[strspn(line, " \t")])) {
        w = word(&line);
        version = strtol(w, &end, 10);
        if (!w[0] || *end || version < 1 || version > 1000000)
            fail(file, "a version is a number from 1 on");
        t->version = (int)version;
        check_end(file, line);
    } else {
        parse_column(file, t, w, line, comment);
    }
}

/* The text of a file, never freed: names point into it. */
static char *
read_text(const struct tbl_file *file)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    FILE *f = fopen(file->path, "r");
    size_t n;

    if (!f || !text)
        fail(file, "cannot be read");
    n = fread(text, 1, FILE_BYTES_MAX + 1, f);
    if (ferror(f) || n > FILE_BYTES_MAX)
        fail(file, "cannot be read, or is larger than %d bytes", FILE_BYTES_MAX);
    if (memchr(text, '\0', n))
        fail(file, "is not text");
    text[n] = '\0';
    fclose(f);
    return text;
}

static void
read_file(struct tbl_file *file)
{
    const char *slash = strrchr(file->path, '/');
    char *name = strdup(slash ? slash + 1 : file->path), *dot, *text = read_text(file), *line;

    dot = name ? strrchr(name, '.') : NULL;
    if (!dot || !same(dot, ".tbl"))
        fail(file, "the name must end in .tbl");
    *dot = '\0';
    check_name(file, name, "file");
    file->name = name;
    file->tables = calloc(TABLES_MAX, sizeof(*file->tables));
    if (!file->tables)
        fail(file, "out of memory");
    while ((line = strsep(&text, "\n"))) {
        file->line++;
        parse_line(file, line);
    }
    end_table(file);
}

static FILE *
create(const char *dir, const char *name, const char *suffix)
{
    char path[4096];
    FILE *f = NULL;

    if (snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) < (int)sizeof(path))
        f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

static void
finish(FILE *f)
{
    if (ferror(f) || fclose(f)) {
        perror("tblgen");
        exit(1);
    }
}

static void
check_twice(const struct tbl_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            for (unsigned k = 0; k < files[i].n_tables; k++)
                for (unsigned l = 0; l < files[j].n_tables; l++)
                    if (same(files[i].tables[k].name, files[j].tables[l].name))
                        fail(&files[i], "table %s is also in %s",
                             files[i].tables[k].name, files[j].path);
}

static int
usage(void)
{
    fprintf(stderr, "usage: tblgen FILE.tbl... DIR\n");
    return 2;
}

static void
write_rows(const char *dir, const struct tbl_file *file)
{
    FILE *f = create(dir, file->name, "_rows.h");

    emit_header(f, file);
    finish(f);
    f = create(dir, file->name, "_rows.c");
    emit_source(f, file);
    finish(f);
}

int
main(int argc, char **argv)
{
    struct tbl_file *files;
    size_t n;

    if (argc < 3 || argv[1][0] == '-')
        return usage();
    n = (size_t)argc - 2;
    files = calloc(n, sizeof(*files));
    if (!files)
        return 1;
    for (size_t i = 0; i < n; i++) {
        files[i].path = argv[1 + i];
        read_file(&files[i]);
    }
    check_twice(files, n);
    for (size_t i = 0; i < n; i++)
        write_rows(argv[argc - 1], &files[i]);
    return 0;
}
