/*
 * The .ops file: what people say about an operation.
 *
 *   # operation        handler                flags
 *   AllocateAddress    ec2_allocate_address   write
 *   DescribeAddresses  ec2_describe_addresses read
 *   open VolumeType                            # the handlers refuse unknown values themselves
 *
 * Just one of read and write; noauth where no signature is asked for.
 */
#include "apigen.h"

struct op *
op_find(struct gen *g, struct str name)
{
    LIST_EACH(&g->ops, op)
        if (str_eq(op->name, name))
            return op;
    return NULL;
}

static void
open_line(struct gen *g, unsigned line, const struct str_list *w)
{
    for (size_t i = 1; i < w->n; i++) {
        struct shape *s = shape_find(g, w->v[i]);

        if (!s || s->kind != API_ENUM)
            die_at(g->file, line, "'%.*s' is not an enum", STR_ARG(w->v[i]));
        s->flags |= API_OPEN;
    }
}

static bool
is_c_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] == '_' || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
              (i > 0 && s.p[i] >= '0' && s.p[i] <= '9')))
            return false;
    return s.n > 0;
}

static void
op_words(struct gen *g, unsigned line, const struct str_list *w)
{
    struct op *op = op_find(g, w->v[0]);
    unsigned n_modes = 0;

    if (!op)
        die_at(g->file, line, "%.*s has no operation '%.*s'", STR_ARG(g->name), STR_ARG(w->v[0]));
    if (op->handler.p)
        die_at(g->file, line, "'%.*s' already has a handler", STR_ARG(op->name));
    if (w->n < 3 || !is_c_name(w->v[1]))
        die_at(g->file, line, "a line is: OPERATION handler read|write");
    op->handler = w->v[1];
    for (size_t i = 2; i < w->n; i++) {
        if (str_is(w->v[i], "write")) {
            op->flags |= API_WRITE;
            n_modes++;
        } else if (str_is(w->v[i], "read")) {
            n_modes++;
        } else if (str_is(w->v[i], "noauth")) {
            op->flags |= API_NO_AUTH;
        } else {
            die_at(g->file, line, "'%.*s' is not a flag", STR_ARG(w->v[i]));
        }
    }
    if (n_modes != 1)
        die_at(g->file, line, "'%.*s' is either read or write", STR_ARG(op->name));
}

void
parse_ops(struct gen *g, const char *path, struct str text)
{
    unsigned line = 0;

    g->file = path;
    while (text.p) {
        struct str_list w = line_words(g, ++line, str_split(&text, '\n'));

        if (w.n && str_is(w.v[0], "open"))
            open_line(g, line, &w);
        else if (w.n)
            op_words(g, line, &w);
    }
}
