/*
 * Which shapes the tables need: what the operations with a handler take and answer, and errors.
 * An API is described whole, but most of EC2's shapes would only lie in the program.
 */
#include "apigen.h"

static void
keep(struct shape *s)
{
    if (s->kept)
        return;
    s->kept = true;
    LIST_EACH(&s->members, m)
        keep(m->type);
}

void
keep_used(struct gen *g)
{
    struct shape_list all = g->shapes;
    bool any = false;

    LIST_EACH(&g->ops, op) {
        if (!op->handler.p)
            continue;
        any = true;
        keep(op->input);
        keep(op->output);
    }
    g->shapes = (struct shape_list){0};
    g->by_key = (struct map){0};
    for (size_t i = 0; i < all.n; i++)
        if (!any || all.v[i]->is_error) /* tests describe what nobody implements */
            keep(all.v[i]);
    for (size_t i = 0; i < all.n; i++) {
        if (!all.v[i]->kept)
            continue;
        map_put(&g->arena, &g->by_key, all.v[i]->key, (uint32_t)g->shapes.n);
        *LIST_PUSH(&g->arena, &g->shapes) = all.v[i];
    }
    assert(g->shapes.n > 0 && g->shapes.n <= all.n);
}
