/* Internal types by their names. */
#include "cloudformation/own.h"

const struct cfn_own *
cfn_own(const struct json *type)
{
    static const struct cfn_own *const all[] = {&cfn_own_stack, &cfn_own_wait, &cfn_own_handle,
                                                &cfn_own_custom, &cfn_own_group};
    struct str name = json_text(type, "Internal");

    for (size_t i = 0; name.p && i < ARRAY_LEN(all); i++)
        if (str_is(name, all[i]->name))
            return all[i];
    assert(!name.p);
    return NULL;
}

int
cfn_make(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    const struct cfn_own *own = cfn_own(run->type);
    int r = own ? cfn_run_validate(run) : CFN_DONE;

    assert(run->type && str_eq(row->stack, look->stack.id));
    if (!own)
        return cfn_run_create(run);
    return r == CFN_DONE ? own->create(look, row, run) : r;
}

int
cfn_change(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    const struct cfn_own *own = cfn_own(run->type);
    int r = own ? cfn_run_validate(run) : CFN_DONE;

    assert(run->type && str_eq(row->stack, look->stack.id));
    if (!own)
        return cfn_run_update(run);
    return r == CFN_DONE ? own->update(look, row, run) : r;
}

int
cfn_unmake(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    const struct cfn_own *own = cfn_own(run->type);

    assert(run->type && str_eq(row->stack, look->stack.id));
    return own ? own->delete_(look, row, run) : cfn_run_delete(run);
}

int
cfn_see(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run, const char *what,
        enum cfn_seen *ret)
{
    const struct cfn_own *own = cfn_own(run->type);

    assert(run->type && what[0]);
    *ret = CFN_YES;
    if (!own)
        return cfn_run_look(run, what, ret);
    return own->look ? own->look(look, row, run, strcmp(what, "Gone") == 0, ret) : CFN_DONE;
}
