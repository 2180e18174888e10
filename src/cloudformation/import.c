/*
 * An import reads each resource as the stack's caller, and writes rows; nothing is made, and but
 * for the stack's tags nothing is changed.  So an import by itself is one transaction: all of them
 * become the stack's, or none.
 */
#include "cloudformation/import.h"

#define PROPS_MAX ((size_t)1 << 20)
#define STARTED S("Resource import started.")
#define IMPORTED S("Resource import completed.")
#define TAGGING S("Apply stack-level tags to imported resource if applicable.")
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

struct str
cfn_import_id(struct arena *a, const struct json *identifiers)
{
    struct str_list values = {0};

    for (size_t i = 0; identifiers && i < identifiers->n; i++)
        *LIST_PUSH(a, &values) = cfn_scalar(&identifiers->v[i]);
    return values.n ? str_join(a, &values, S("|")) : STR_NONE;
}

static bool
is_ref(const struct json *in, struct str name)
{
    return in && in->kind == JSON_OBJECT && in->n == 1 && str_eq(json_text(in, "Ref"), name);
}

struct str_list
cfn_import_names(struct arena *a, const struct json *type)
{
    const struct json *said = json_get(type, "Identifier"), *id = json_get(type, "Id");
    const struct json *props = json_get(type, "Properties"), *known = json_get(type, "Attributes");
    struct str property = id && id->kind == JSON_OBJECT ? json_text(id, "Ref") : STR_NONE;
    struct str_list ret = {0};

    assert(!type || (type->kind == JSON_OBJECT && props));
    if (json_get(type, "Internal") || json_get(type, "Open"))
        return ret;
    for (size_t i = 0; said && i < said->n; i++)
        *LIST_PUSH(a, &ret) = cfn_scalar(&said->v[i]);
    if (!said && property.p && json_get_str(props, property))
        *LIST_PUSH(a, &ret) = property;
    for (size_t i = 0; known && i < known->n && !said && !ret.n; i++)
        if (is_ref(&known->v[i], S("Id")))
            *LIST_PUSH(a, &ret) = known->names[i];
    return ret;
}

/* ---- what is asked for ---- */

static int
check_one(struct cfn_look *look, const struct cloudformation_ResourceToImport *in)
{
    struct api_call *call = look->call;
    const struct json *resource =
        json_get_str(json_get(&look->root, "Resources"), in->logical_resource_id);

    if (!resource)
        return INVALID("Resources [%.*s] to import are not in the template",
                       STR_ARG(in->logical_resource_id));
    if (!str_eq(json_text(resource, "Type"), in->resource_type))
        return INVALID("Resource [%.*s] is of type %.*s in the template, not %.*s",
                       STR_ARG(in->logical_resource_id), STR_ARG(json_text(resource, "Type")),
                       STR_ARG(in->resource_type));
    if (json_get(cfn_type(in->resource_type), "Internal"))
        return INVALID("ResourceTypes [%.*s] are not supported for Import",
                       STR_ARG(in->resource_type));
    if (!json_get(resource, "DeletionPolicy"))
        return INVALID("The following resources to import [%.*s] must have DeletionPolicy "
                       "attribute specified in the template.",
                       STR_ARG(in->logical_resource_id));
    if (!in->resource_identifier.n)
        return INVALID("ResourceIdentifier of [%.*s] must not be empty",
                       STR_ARG(in->logical_resource_id));
    const struct cfn_resource_row *row = cfn_resource_get(
        call->txn, cfn_resource_key(call->arena, look->stack.id, in->logical_resource_id));

    return row && row->physical.n ? INVALID("Resource [%.*s] is part of the stack already",
                                            STR_ARG(in->logical_resource_id))
                                  : 0;
}

int
cfn_import_take(struct cfn_look *look, const struct cloudformation_CreateChangeSetInput *req,
                struct json *ret)
{
    struct api_call *call = look->call;

    *ret = cfn_object();
    if (!req->resources_to_import.n)
        return INVALID("ResourcesToImport must be specified for a change set of type IMPORT");
    LIST_EACH(&req->resources_to_import, in) {
        struct str_list names = cfn_import_names(call->arena, cfn_type(in->resource_type));
        struct json identifiers = cfn_object();
        int r = check_one(look, in);

        if (r)
            return r;
        /* a map tells no order, and the physical id has one */
        LIST_EACH(&names, name)
            LIST_EACH(&in->resource_identifier, pair)
                if (str_eq(pair->key, *name))
                    cfn_put(call->arena, &identifiers, pair->key, cfn_text(pair->value));
        LIST_EACH(&in->resource_identifier, pair)
            if (!json_get_str(&identifiers, pair->key))
                cfn_put(call->arena, &identifiers, pair->key, cfn_text(pair->value));
        cfn_put(call->arena, ret, in->logical_resource_id, identifiers);
    }
    return 0;
}

/* Whether the template says so; what may come of it by itself is not looked at by an import. */
static bool
is_said(const struct json *change)
{
    const struct json *details = json_get(change, "Details");

    assert(change && json_text(change, "Action").p);
    for (size_t i = 0; details && i < details->n; i++)
        if (!str_is(json_text(&details->v[i], "Evaluation"), "Dynamic"))
            return true;
    return !details || !details->n;
}

int
cfn_import_alone(struct api_call *call, struct json *changes)
{
    struct str_list others = {0};
    struct json imports = cfn_array();

    assert(changes->kind == JSON_ARRAY);
    for (size_t i = 0; i < changes->n; i++) {
        const struct json *change = json_get(&changes->v[i], "ResourceChange");

        if (str_is(json_text(change, "Action"), "Import"))
            cfn_push(call->arena, &imports, changes->v[i]);
        else if (is_said(change))
            *LIST_PUSH(call->arena, &others) = json_text(change, "LogicalResourceId");
    }
    struct str all = str_join(call->arena, &others, S(", "));

    *changes = imports;
    return others.n ? INVALID("You have modified resources [%.*s] in your template that are not "
                              "being imported. Update, create or delete operations cannot be "
                              "executed during import operations.",
                              STR_ARG(all))
                    : 0;
}

/* ---- one resource ---- */

/* The stack that has it already, perhaps this one by another name; absent: none. */
static struct str
owner_of(struct cfn_look *look, const struct cfn_resource_row *wanted)
{
    struct str ret = STR_NONE;

    STORE_EACH(look->call->txn, cfn_stack_by_owner, stack, look->stack.account, look->stack.region)
        STORE_EACH(look->call->txn, cfn_resource_by_stack, row, stack->id)
            if (!ret.p && row->phase != CFN_GONE && str_eq(row->physical, wanted->physical) &&
                str_eq(row->type, wanted->type) && !str_eq(row->key, wanted->key))
                ret = stack->name;
    return ret;
}

/* An identifier may also be an attribute by which the definition reads it. */
static struct json
attributes_of(struct cfn_look *look, const struct json *type, const struct json *identifiers)
{
    struct arena *a = look->call->arena;
    const struct json *known = json_get(type, "Attributes"), *id = json_get(identifiers, "Id");
    struct json ret = cfn_object();

    assert(identifiers->kind == JSON_OBJECT);
    for (size_t i = 0; id && known && i < known->n; i++)
        if (str_ends(known->names[i], S("Id")))
            cfn_put(a, &ret, known->names[i], *id);
    for (size_t i = 0; i < identifiers->n; i++)
        cfn_put(a, &ret, identifiers->names[i], identifiers->v[i]);
    return ret;
}

static bool
tells(const struct json *values, struct str text)
{
    for (size_t i = 0; i < values->n; i++)
        if (str_eq(cfn_scalar(&values->v[i]), text))
            return true;
    return false;
}

/* Reads it.  0 with *ret_why absent when it is there. */
static int
find(struct cfn_look *look, struct cfn_resource_row *row, const struct json *identifiers,
     struct str *ret_why)
{
    struct arena *a = look->call->arena;
    struct cfn_run run = cfn_run_of(look, row);
    struct str owner = owner_of(look, row);
    struct json live;
    bool there;

    *ret_why = STR_NONE;
    if (!cfn_properties(look, row, &run.props)) {
        *ret_why = look->scope.wrong;
        look->scope.wrong = STR_NONE;
        return 0;
    }
    run.old = run.props;
    run.attributes = attributes_of(look, run.type, identifiers);
    int r = cfn_run_validate(&run);

    if (r == CFN_DONE)
        r = cfn_run_live(&run, &live, &there);
    if (r < 0)
        return r;
    if (r != CFN_DONE)
        *ret_why = run.why;
    else if (!there || (json_get(identifiers, "Id") && !tells(&run.attributes, row->physical) &&
                        !tells(&live, row->physical)))
        *ret_why = str_fmt(a, "Resource of type '%.*s' with identifier '%.*s' was not found.",
                           STR_ARG(row->type), STR_ARG(row->physical));
    else if (owner.p)
        *ret_why =
            str_fmt(a, "%.*s already exists in stack %.*s", STR_ARG(row->physical), STR_ARG(owner));
    row->props = cfn_print(a, &run.props, PROPS_MAX);
    row->attributes = cfn_print(a, &run.attributes, PROPS_MAX);
    return 0;
}

int
cfn_import_tag(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    int r = cfn_resource_status(look, row, "UPDATE_IN_PROGRESS", TAGGING);

    run.old_tags = cfn_array();
    if (r == 0)
        r = cfn_run_update(&run);
    if (r < 0)
        return r;
    return r == CFN_DONE ? cfn_resource_status(look, row, "UPDATE_COMPLETE", STR_NONE)
                         : cfn_resource_status(look, row, "UPDATE_FAILED", run.why);
}

int
cfn_import_undo(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    int r = cfn_resource_status(look, row, "IMPORT_ROLLBACK_IN_PROGRESS", STR_NONE);

    run.old_tags = run.tags;
    run.tags = cfn_array();
    if (r == 0)
        r = cfn_run_update(&run);
    /* tags that cannot be taken off do not keep the stack from letting go of it */
    return r < 0 ? r : 0;
}

int
cfn_import_one(struct cfn_look *look, struct cfn_resource_row *row, const struct json *identifiers,
               bool *ret_there)
{
    struct str why = STR_NONE;
    int r = cfn_resource_status(look, row, "IMPORT_IN_PROGRESS", STARTED);

    if (r == 0)
        r = find(look, row, identifiers, &why);
    *ret_there = !why.p;
    return r ? r
             : cfn_resource_status(look, row, why.p ? "IMPORT_FAILED" : "IMPORT_COMPLETE",
                                   why.p ? why : IMPORTED);
}

/* ---- the stage ---- */

static int
import_one(struct cfn_look *look, struct str logical, const struct json *identifiers,
           struct str_list *ret_failed)
{
    struct arena *a = look->call->arena;
    const struct json *resource = json_get_str(json_get(&look->root, "Resources"), logical);
    struct cfn_resource_row row = {
        .key = cfn_resource_key(a, look->stack.id, logical),
        .stack = look->stack.id,
        .logical = logical,
        .type = json_text(resource, "Type"),
        .physical = cfn_import_id(a, identifiers),
        .phase = CFN_SETTLED,
    };
    bool there;
    int r = cfn_resource_get(look->call->txn, row.key) ? cfn_resource_update(look->call->txn, &row)
                                                       : cfn_resource_insert(look->call->txn, &row);

    if (r < 0)
        return error_origin(-r, "resource %.*s cannot be written", STR_ARG(row.key));
    r = cfn_import_one(look, &row, identifiers, &there);
    if (r == 0 && !there)
        *LIST_PUSH(a, ret_failed) = logical;
    return r;
}

/* None of them becomes the stack's. */
static int
give_up(struct cfn_look *look, const struct json *imports, struct str reason)
{
    struct cfn_stack_row *stack = &look->stack;
    int r = cfn_status(look, "IMPORT_ROLLBACK_IN_PROGRESS", reason);

    for (size_t i = 0; i < imports->n && r == 0; i++) {
        struct str key = cfn_resource_key(look->call->arena, stack->id, imports->names[i]);
        struct cfn_resource_row row = *cfn_resource_get(look->call->txn, key);

        r = cfn_resource_status(look, &row, "IMPORT_ROLLBACK_IN_PROGRESS", STR_NONE);
        if (r == 0)
            r = cfn_resource_status(look, &row, "IMPORT_ROLLBACK_COMPLETE", STR_NONE);
        if (r == 0)
            r = cfn_resource_delete(look->call->txn, key);
    }
    if (stack->before_template.n) {
        stack->template = stack->before_template;
        stack->processed = stack->before_processed;
        stack->params = stack->before_params;
        stack->tags = stack->before_tags;
    }
    stack->stage = CFN_REST;
    stack->imports = S("");
    return r < 0 ? r : cfn_status(look, "IMPORT_ROLLBACK_COMPLETE", STR_NONE);
}

/* Order, dependencies and policies of all resources are those of the new template. */
static int
settle(struct cfn_look *look, const struct json *imports)
{
    int r = cfn_plan(look);

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;

        if (r != 0)
            break;
        row.phase = CFN_SETTLED;
        r = cfn_resource_update(look->call->txn, &row);
        if (r == 0 && json_get_str(imports, row.logical))
            r = cfn_import_tag(look, &row);
    }
    return r;
}

int
cfn_import(struct cfn_look *look)
{
    struct arena *a = look->call->arena;
    struct str_list failed = {0};
    struct json imports;
    int r = 0;

    assert(look->stack.stage == CFN_IMPORT);
    if (!cfn_read(a, look->stack.imports, &imports))
        return error_origin(EUCLEAN, "stack %.*s imports nothing", STR_ARG(look->stack.id));
    for (size_t i = 0; i < imports.n && r == 0; i++)
        r = import_one(look, imports.names[i], &imports.v[i], &failed);
    if (r < 0)
        return r;
    struct str all = str_join(a, &failed, S(", "));

    if (failed.n)
        return give_up(
            look, &imports,
            str_fmt(a, "The following resource(s) failed to import: [%.*s]. ", STR_ARG(all)));
    r = settle(look, &imports);
    if (r == 0)
        r = cfn_outputs(look);
    if (r > 0)
        return give_up(look, &imports, look->scope.wrong);
    if (r < 0)
        return r;
    look->stack.stage = CFN_REST;
    look->stack.imports = S("");
    return cfn_status(look, "IMPORT_COMPLETE", STR_NONE);
}

/* ---- ImportExistingResources ---- */

#define RETAINED_ONLY                                                                              \
    "CloudFormation is attempting to import some resources because they already exist in your "    \
    "account. The resources must have the DeletionPolicy attribute set to 'Retain' or "            \
    "'RetainExceptOnCreate' in the template for successful import. The affected resources are "    \
    "%.*s"

/* The property that names a type's resources; absent: something else is their physical id. */
static struct str
custom_name(const struct json *type)
{
    struct str property = json_text(json_get(type, "Naming"), "Property");

    return property.p && str_eq(json_text(json_get(type, "Id"), "Ref"), property) ? property
                                                                                  : STR_NONE;
}

/* Its properties as far as they can be told before anything is made. */
static struct json
known_properties(struct cfn_look *look, const struct json *in)
{
    struct json ret = cfn_object(), value;

    for (size_t i = 0; in && i < in->n; i++) {
        if (cfn_resolve(&look->scope, &in->v[i], &value))
            cfn_put(look->call->arena, &ret, in->names[i], value);
        look->scope.wrong = STR_NONE;
    }
    return ret;
}

/* Whether a resource is there by its custom name, and no stack's: then *ret is its identifier. */
static int
existing(struct cfn_look *look, struct str logical, const struct json *resource, struct json *ret)
{
    struct arena *a = look->call->arena;
    struct cfn_resource_row row = {
        .key = cfn_resource_key(a, look->stack.id, logical),
        .stack = look->stack.id,
        .logical = logical,
        .type = json_text(resource, "Type"),
    };
    const struct cfn_resource_row *old = cfn_resource_get(look->call->txn, row.key);
    struct str name = custom_name(cfn_type(row.type));
    struct json props, live;
    bool there = false;

    *ret = cfn_object();
    if (!name.p || (old && old->physical.n && old->phase != CFN_GONE))
        return 0;
    props = known_properties(look, json_get(resource, "Properties"));
    row.physical = cfn_scalar(json_get_str(&props, name));
    if (!row.physical.n)
        return 0;
    struct cfn_run run = cfn_run_of(look, &row);

    run.props = run.old = props;
    cfn_put(a, ret, name, cfn_text(row.physical));
    run.attributes = attributes_of(look, run.type, ret);
    int r = cfn_run_live(&run, &live, &there);

    /* what the caller may not read is as good as not there: making it will tell */
    if (r != CFN_DONE || !there || owner_of(look, &row).p)
        *ret = cfn_object();
    return r < 0 ? r : 0;
}

static bool
is_retained(struct cfn_look *look, const struct json *resource)
{
    struct json value;
    bool given = json_get(resource, "DeletionPolicy") &&
                 cfn_resolve(&look->scope, json_get(resource, "DeletionPolicy"), &value);

    return given && (str_is(cfn_scalar(&value), "Retain") ||
                     str_is(cfn_scalar(&value), "RetainExceptOnCreate"));
}

int
cfn_import_existing(struct cfn_look *look, struct json *ret, struct str *ret_wrong)
{
    const struct json *resources = json_get(&look->root, "Resources");
    struct arena *a = look->call->arena;
    struct str_list bad = {0};
    struct json found;
    bool wanted;
    int r = 0;

    *ret = cfn_object();
    *ret_wrong = STR_NONE;
    for (size_t i = 0; i < resources->n && r == 0; i++) {
        struct str logical = resources->names[i];

        if (!cfn_wanted(&look->scope, &resources->v[i], &wanted))
            return 1;
        if (wanted)
            r = existing(look, logical, &resources->v[i], &found);
        if (r < 0 || !wanted || !found.n)
            continue;
        cfn_put(a, ret, logical, found);
        if (!is_retained(look, &resources->v[i]))
            *LIST_PUSH(a, &bad) =
                str_fmt(a, "%.*s ({%.*s=%.*s})", STR_ARG(logical), STR_ARG(found.names[0]),
                        STR_ARG(cfn_scalar(&found.v[0])));
    }
    struct str all = str_join(a, &bad, S(", "));

    if (bad.n)
        *ret_wrong = str_fmt(a, RETAINED_ONLY, STR_ARG(all));
    return r;
}
