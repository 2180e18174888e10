/*
 * Outputs, and what stacks know of each other: exports have one owner in an account and region, and
 * one that is used neither changes nor goes.
 */
#include "cloudformation/engine.h"

#define OUTPUTS_MAX ((size_t)2 << 20)

static int
wrong(struct cfn_look *look, struct str why)
{
    assert(why.p);
    if (!look->scope.wrong.p)
        look->scope.wrong = why;
    assert(look->scope.wrong.p);
    return 1;
}

/* ---- evaluation ---- */

static bool
text_of(struct cfn_look *look, struct str name, const struct json *in, struct str *ret)
{
    struct json value;

    if (!cfn_resolve(&look->scope, in, &value))
        return false;
    *ret = cfn_scalar(&value);
    return ret->p || cfn_wrong(&look->scope,
                               "Template format error: Output %.*s is malformed. The Value field "
                               "of every Outputs member must evaluate to a String.",
                               STR_ARG(name));
}

static bool
one_output(struct cfn_look *look, struct str name, const struct json *output, struct json *ret)
{
    struct arena *a = look->call->arena;
    const struct json *export = json_get(json_get(output, "Export"), "Name");
    struct str value, exported;

    assert(name.n > 0 && output);
    if (!text_of(look, name, json_get(output, "Value"), &value))
        return false;
    *ret = cfn_object();
    cfn_put(a, ret, S("Key"), cfn_text(name));
    cfn_put(a, ret, S("Value"), cfn_text(value));
    if (json_text(output, "Description").p)
        cfn_put(a, ret, S("Description"), *json_get(output, "Description"));
    if (export) {
        if (!text_of(look, name, export, &exported))
            return false;
        cfn_put(a, ret, S("Export"), cfn_text(exported));
    }
    assert(json_get(ret, "Key") && json_get(ret, "Value"));
    return true;
}

static bool
evaluate(struct cfn_look *look, struct json *ret)
{
    const struct json *section = json_get(&look->root, "Outputs");
    struct json one;
    bool wanted;

    *ret = cfn_array();
    assert(look->root.kind == JSON_OBJECT);
    for (size_t i = 0; section && i < section->n; i++) {
        if (!cfn_wanted(&look->scope, &section->v[i], &wanted))
            return false;
        if (!wanted)
            continue;
        if (!one_output(look, section->names[i], &section->v[i], &one))
            return false;
        cfn_push(look->call->arena, ret, one);
    }
    return true;
}

/* ---- exports ---- */

static struct str
users_of(struct cfn_look *look, const struct cfn_export_row *row)
{
    struct str_list users = {0};

    STORE_EACH(look->call->txn, cfn_import_by_export, import, row->key) {
        const struct cfn_stack_row *stack = cfn_stack_get(look->call->txn, import->stack);

        if (stack)
            *LIST_PUSH(look->call->arena, &users) = stack->name;
    }
    return users.n ? str_join(look->call->arena, &users, S(", ")) : STR_NONE;
}

static const struct json *
kept_export(const struct json *kept, struct str name)
{
    assert(name.p);
    for (size_t i = 0; kept && i < kept->n; i++)
        if (str_eq(cfn_scalar(json_get(&kept->v[i], "Export")), name))
            return &kept->v[i];
    return NULL;
}

struct str
cfn_exports_in_use(struct cfn_look *look, const struct json *kept)
{
    struct str why = STR_NONE;

    STORE_EACH(look->call->txn, cfn_export_by_stack, row, look->stack.id) {
        const struct json *output = kept_export(kept, row->name);
        struct str users = users_of(look, row);

        if (why.p || !users.p ||
            (output && str_eq(cfn_scalar(json_get(output, "Value")), row->value)))
            continue;
        why = str_fmt(look->call->arena, "Export %.*s cannot be %s as it is in use by %.*s",
                      STR_ARG(row->name), output ? "updated" : "deleted", STR_ARG(users));
    }
    return why;
}

int
cfn_exports_drop(struct cfn_look *look)
{
    struct txn *txn = look->call->txn;
    int r = 0;

    STORE_EACH(txn, cfn_export_by_stack, row, look->stack.id) {
        if (r == 0)
            r = cfn_export_delete(txn, row->key);
    }
    STORE_EACH(txn, cfn_import_by_stack, row, look->stack.id) {
        if (r == 0)
            r = cfn_import_delete(txn, row->key);
    }
    return r;
}

static int
put_export(struct cfn_look *look, struct str name, struct str value)
{
    struct api_call *call = look->call;
    struct cfn_export_row row = {
        .key = cfn_export_key(call->arena, call->account, call->region, name),
        .account = call->account,
        .region = call->region,
        .name = name,
        .value = value,
        .stack = look->stack.id,
    };
    const struct cfn_export_row *other = cfn_export_get(call->txn, row.key);

    assert(value.p);
    if (other) {
        const struct cfn_stack_row *owner = cfn_stack_get(call->txn, other->stack);

        return wrong(look, str_fmt(call->arena,
                                   "Export with name %.*s is already exported by "
                                   "stack %.*s.",
                                   STR_ARG(name), STR_ARG(owner ? owner->name : other->stack)));
    }
    return cfn_export_insert(call->txn, &row);
}

/* ---- imports ---- */

static int
put_imports(struct cfn_look *look, const struct json *j)
{
    struct api_call *call = look->call;
    struct str name;
    const struct json *arg = cfn_function(j, &name);
    struct json value;

    assert(j);
    if (arg && str_is(name, "Fn::ImportValue") && cfn_resolve(&look->scope, arg, &value)) {
        struct cfn_import_row row = {.stack = look->stack.id};

        row.export = cfn_export_key(call->arena, call->account, call->region, cfn_scalar(&value));
        row.key = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(row.export), STR_ARG(row.stack));
        if (cfn_export_get(call->txn, row.export) && !cfn_import_get(call->txn, row.key))
            return cfn_import_insert(call->txn, &row);
    }
    look->scope.wrong = STR_NONE;
    for (size_t i = 0; i < j->n; i++) {
        int r = put_imports(look, &j->v[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

static int
imports(struct cfn_look *look)
{
    const struct json *resources = json_get(&look->root, "Resources");
    const struct json *outputs = json_get(&look->root, "Outputs");
    bool wanted;
    int r = 0;

    assert(resources);
    for (size_t i = 0; i < resources->n && r == 0; i++)
        if (cfn_wanted(&look->scope, &resources->v[i], &wanted) && wanted)
            r = put_imports(look, &resources->v[i]);
    if (r == 0 && outputs)
        r = put_imports(look, outputs);
    return r;
}

int
cfn_outputs(struct cfn_look *look)
{
    struct json list;
    size_t mark = store_savepoint(look->call->txn);
    int r;

    if (!evaluate(look, &list))
        return 1;
    struct str why = cfn_exports_in_use(look, &list);

    if (why.p)
        return wrong(look, str_fmt(look->call->arena, "%.*s.", STR_ARG(why)));
    r = cfn_exports_drop(look);
    for (size_t i = 0; i < list.n && r == 0; i++) {
        struct str name = cfn_scalar(json_get(&list.v[i], "Export"));

        if (name.p)
            r = put_export(look, name, cfn_scalar(json_get(&list.v[i], "Value")));
    }
    if (r == 0)
        r = imports(look);
    if (r != 0) {
        store_rollback_to(look->call->txn, mark);
        return r < 0
                   ? error_origin(-r, "outputs of %.*s cannot be written", STR_ARG(look->stack.id))
                   : r;
    }
    look->stack.outputs = cfn_print(look->call->arena, &list, OUTPUTS_MAX);
    assert(!look->scope.wrong.p);
    return 0;
}
