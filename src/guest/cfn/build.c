/*
 * The order, and the bookkeeping that the sections share.
 */
#include "build.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

bool
build_fail(struct build *b, const char *fmt, ...)
{
    char text[4096];
    va_list ap;

    assert(fmt[0]);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    b->error = arena_dup(b->a, str_c(text));
    return false;
}

void
build_changed(struct build *b, struct changes *c, struct str name)
{
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 16;
        struct str *names = arena_alloc(b->a, room * sizeof(*names));

        if (c->n)
            memcpy(names, c->names, c->n * sizeof(*names));
        c->names = names;
        c->room = room;
    }
    assert(c->n < c->room);
    c->names[c->n++] = name;
}

struct str
build_list(struct build *b, const struct changes *c)
{
    struct buf text = buf_new(b->a, 65536);

    buf_byte(&text, '[');
    for (size_t i = 0; i < c->n; i++)
        buf_fmt(&text, "%s'%.*s'", i ? ", " : "", STR_ARG(c->names[i]));
    buf_byte(&text, ']');
    return buf_str(&text);
}

bool
build_config(struct build *b, const struct node *config)
{
    static const struct {
        const char *name;
        bool (*run)(struct build *b, const struct node *section);
    } sections[] = {
        {"packages", build_packages}, {"groups", build_groups}, {"users", build_users},
        {"sources", build_sources},   {"files", build_files},   {"commands", build_commands},
        {"services", build_services},
    };

    for (const struct node *n = config && config->kind == NODE_MAP ? config->first : NULL; n;
         n = n->next) {
        bool known = false;

        for (size_t i = 0; i < COUNT_OF(sections); i++)
            known |= str_eq(n->key, str_c(sections[i].name));
        if (!known)
            cfn_log(CFN_WARNING, "There is no section '%.*s': it has no effect", STR_ARG(n->key));
    }
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        const struct node *section = node_get(config, sections[i].name);

        if (!section || !section->first) {
            cfn_log(CFN_DEBUG, "No %s specified", sections[i].name);
            continue;
        }
        if (section->kind != NODE_MAP)
            return build_fail(b, "%s should be a mapping", sections[i].name);
        if (!sections[i].run(b, section))
            return false;
    }
    return true;
}
