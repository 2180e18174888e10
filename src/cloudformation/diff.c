/*
 * A property's change is static when its new value can be told now, and dynamic when it comes from
 * a resource that is to be made or replaced.  What is replaced changes what refers to it, so the
 * resources are gone over until no further one is found to be replaced.
 */
#include "cloudformation/diff.h"

#include "cloudformation/import.h"
#include "cloudformation/load.h"
#include "cloudformation/own.h"
#include "cloudformation/parameter.h"

struct diff {
    struct cfn_look *look;
    struct cfn_scope scope;
    const struct cfn_stack_row *before;
    struct json old_root;
    struct cfn_look old;      /* the stack as it is, when it has a template */
    struct str_list replaced; /* logical ids of what is or may be replaced, or is new */
    struct str met;           /* one of them that was referred to in the value being resolved */
};

/* ---- values ---- */

static const struct cfn_resource_row *
live(struct diff *d, struct str logical)
{
    struct str key = cfn_resource_key(d->scope.arena, d->look->stack.id, logical);
    const struct cfn_resource_row *row = cfn_resource_get(d->look->call->txn, key);

    assert(d->look && logical.n > 0);
    return row && row->physical.n && row->phase != CFN_GONE ? row : NULL;
}

static bool
later(struct diff *d, struct str name, struct json *ret)
{
    assert(name.n > 0);
    d->met = name;
    *ret = cfn_text(S(CFN_KNOWN_LATER));
    return true;
}

static bool
diff_ref(struct cfn_scope *scope, struct str name, struct json *ret)
{
    struct diff *d = CONTAINER_OF(scope, struct diff, scope);

    if (str_in(&d->replaced, name) || !live(d, name))
        return later(d, name, ret);
    *ret = cfn_text(live(d, name)->physical);
    return true;
}

static bool
diff_attribute(struct cfn_scope *scope, struct str name, struct str attribute, struct json *ret)
{
    struct diff *d = CONTAINER_OF(scope, struct diff, scope);

    if (str_in(&d->replaced, name) || !live(d, name))
        return later(d, name, ret);
    return d->look->scope.attribute(scope, name, attribute, ret);
}

/* ---- what is shown of values ---- */

/* Properties of a resource as they will be or as they are, with stars for what is secret. */
static struct json
shown_properties(struct diff *d, const struct json *root, struct str logical, bool after)
{
    const struct json *resource = json_get_str(json_get(root, "Resources"), logical);
    const struct json *properties = json_get(resource, "Properties");
    struct cfn_scope *scope = after ? &d->scope : &d->old.shown;
    struct json values = scope->values, ret = cfn_object();

    if (!properties)
        return ret;
    scope->values = after ? d->look->shown.values : values;
    if (!cfn_resolve(scope, properties, &ret)) {
        scope->wrong = STR_NONE; /* the walk over all of them says so */
        ret = cfn_object();
    }
    scope->values = values;
    return ret;
}

#define CONTEXT_MAX ((size_t)1 << 20)

/* {"Properties": {…}} as a text: IncludePropertyValues. */
static void
put_context(struct diff *d, struct json *change, struct str logical, bool after)
{
    const struct json *root = after ? &d->look->root : &d->old_root;
    struct arena *a = d->scope.arena;
    struct json context = cfn_object();

    cfn_put(a, &context, S("Properties"), shown_properties(d, root, logical, after));
    cfn_put(a, change, after ? S("AfterContext") : S("BeforeContext"),
            cfn_text(cfn_print(a, &context, CONTEXT_MAX)));
}

static void
put_value(struct diff *d, struct json *target, const char *name, const struct json *value)
{
    struct arena *a = d->scope.arena;

    if (value)
        cfn_put(
            a, target, str_from(name),
            cfn_text(cfn_scalar(value).p ? cfn_scalar(value) : cfn_print(a, value, CONTEXT_MAX)));
}

static void
put_values(struct diff *d, struct json *target, struct str logical, struct str property)
{
    struct json before = shown_properties(d, &d->old_root, logical, false);
    struct json after = shown_properties(d, &d->look->root, logical, true);
    const struct json *was = json_get_str(&before, property), *is = json_get_str(&after, property);
    struct arena *a = d->scope.arena;

    cfn_put(a, target, S("Path"), cfn_text(str_cat(a, S("/Properties/"), property)));
    put_value(d, target, "BeforeValue", was);
    put_value(d, target, "AfterValue", is);
    cfn_put(a, target, S("AttributeChangeType"),
            cfn_text(!was  ? S("Add")
                     : !is ? S("Remove")
                           : S("Modify")));
}

/* ---- one resource ---- */

static struct json
detail(struct diff *d, const struct json *type, struct str logical, struct str property,
       bool direct)
{
    struct arena *a = d->scope.arena;
    bool tags = str_is(property, "Tags"), replaces = cfn_type_replaces(type, property);
    struct json target = cfn_object(), ret = cfn_object();
    struct str met = d->met;

    assert(type && property.n > 0);
    cfn_put(a, &target, S("Attribute"), cfn_text(tags ? S("Tags") : S("Properties")));
    if (!tags)
        cfn_put(a, &target, S("Name"), cfn_text(property));
    cfn_put(a, &target, S("RequiresRecreation"),
            cfn_text(replaces                              ? S("Always")
                     : cfn_type_interrupts(type, property) ? S("Conditionally")
                                                           : S("Never")));
    put_values(d, &target, logical, property);
    d->met = met; /* looking at all properties meets others */
    cfn_put(a, &ret, S("Target"), target);
    cfn_put(a, &ret, S("Evaluation"), cfn_text(d->met.p ? S("Dynamic") : S("Static")));
    cfn_put(a, &ret, S("ChangeSource"),
            cfn_text(d->met.p ? S("ResourceReference")
                     : direct ? S("DirectModification")
                              : S("ParameterReference")));
    if (d->met.p)
        cfn_put(a, &ret, S("CausingEntity"), cfn_text(d->met));
    return ret;
}

struct modification {
    struct json details, scopes;
    bool replaces, may_replace;
};

static void
add_scope(struct diff *d, struct modification *m, const char *name)
{
    for (size_t i = 0; i < m->scopes.n; i++)
        if (str_is(m->scopes.v[i].text, name))
            return;
    cfn_push(d->scope.arena, &m->scopes, cfn_text(str_from(name)));
}

/* The definition of a property in a template. */
static const struct json *
defined(const struct json *root, struct str logical, struct str property)
{
    const struct json *resource = json_get_str(json_get(root, "Resources"), logical);

    return json_get_str(json_get(resource, "Properties"), property);
}

static int
compare(struct diff *d, const struct cfn_resource_row *row, struct str property,
        struct modification *m)
{
    const struct json *type = cfn_type(row->type);
    const struct json *now = defined(&d->look->root, row->logical, property);
    const struct json *old = defined(&d->old_root, row->logical, property);
    struct json before = cfn_object(), after = {.kind = JSON_NULL};
    bool tags = str_is(property, "Tags"), direct = !cfn_equal(now, old);
    bool retagged = tags && (d->look->stack.tags.n != d->before->tags.n);

    assert(type && str_eq(row->stack, d->look->stack.id));
    for (size_t i = 0; tags && !retagged && i < d->before->tags.n; i++)
        retagged = !str_eq(d->look->stack.tags.v[i], d->before->tags.v[i]);
    cfn_read(d->scope.arena, row->props, &before);
    d->met = STR_NONE;
    if (now && !cfn_resolve(&d->scope, now, &after))
        return 1;
    const struct json *was = json_get_str(&before, property);

    /* a name that was made is nobody's wish */
    if (!now && !old && !retagged)
        return 0;
    if (cfn_equal(after.kind == JSON_NULL ? NULL : &after, was) && !retagged)
        return 0;
    bool replaces = cfn_type_replaces(type, property);

    m->replaces = m->replaces || (replaces && !d->met.p);
    m->may_replace = m->may_replace || replaces;
    add_scope(d, m, tags ? "Tags" : "Properties");
    cfn_push(d->scope.arena, &m->details, detail(d, type, row->logical, property, direct));
    return 0;
}

/* A nested stack may change by itself: its template is not looked at. */
static struct json
automatic(struct diff *d)
{
    struct arena *a = d->scope.arena;
    struct json target = cfn_object(), ret = cfn_object();

    cfn_put(a, &target, S("Attribute"), cfn_text(S("Properties")));
    cfn_put(a, &target, S("RequiresRecreation"), cfn_text(S("Never")));
    cfn_put(a, &ret, S("Target"), target);
    cfn_put(a, &ret, S("Evaluation"), cfn_text(S("Dynamic")));
    cfn_put(a, &ret, S("ChangeSource"), cfn_text(S("Automatic")));
    return ret;
}

static int
modify(struct diff *d, const struct cfn_resource_row *row, struct modification *m)
{
    const struct json *known = json_get(cfn_type(row->type), "Properties");
    int r = 0;

    *m = (struct modification){.details = cfn_array(), .scopes = cfn_array()};
    for (size_t i = 0; known && i < known->n && r == 0; i++)
        r = compare(d, row, known->names[i], m);
    if (r == 0 && cfn_is_nested(row->type)) {
        add_scope(d, m, "Properties");
        cfn_push(d->scope.arena, &m->details, automatic(d));
    }
    return r;
}

/* ---- all of them ---- */

static struct json
change(struct diff *d, const char *action, struct str logical, struct str physical, struct str type)
{
    struct arena *a = d->scope.arena;
    struct json ret = cfn_object();

    assert(action[0] && logical.n > 0);
    cfn_put(a, &ret, S("Action"), cfn_text(str_from(action)));
    cfn_put(a, &ret, S("LogicalResourceId"), cfn_text(logical));
    if (physical.n)
        cfn_put(a, &ret, S("PhysicalResourceId"), cfn_text(physical));
    cfn_put(a, &ret, S("ResourceType"), cfn_text(type));
    cfn_put(a, &ret, S("Scope"), cfn_array());
    cfn_put(a, &ret, S("Details"), cfn_array());
    return ret;
}

static void
push(struct diff *d, struct json *list, struct json one)
{
    struct json outer = cfn_object();

    assert(list->kind == JSON_ARRAY && one.kind == JSON_OBJECT);
    cfn_put(d->scope.arena, &outer, S("Type"), cfn_text(S("Resource")));
    cfn_put(d->scope.arena, &outer, S("ResourceChange"), one);
    cfn_push(d->scope.arena, list, outer);
}

static int
one(struct diff *d, struct str logical, const struct json *resource, struct json *list)
{
    struct arena *a = d->scope.arena;
    const struct cfn_resource_row *row = live(d, logical);
    struct modification m;

    if (!row) {
        const struct json *import = json_get_str(&d->look->imports, logical);
        struct json added = change(d, import ? "Import" : "Add", logical, cfn_import_id(a, import),
                                   json_text(resource, "Type"));

        put_context(d, &added, logical, true);
        push(d, list, added);
        return 0;
    }
    int r = modify(d, row, &m);

    if (r || !m.details.n)
        return r;
    if ((m.replaces || m.may_replace) && !str_in(&d->replaced, logical))
        *LIST_PUSH(a, &d->replaced) = logical;
    assert(m.details.n > 0 && row->physical.n > 0);
    struct json c = change(d, "Modify", logical, row->physical, row->type);

    if (m.replaces)
        cfn_put(a, &c, S("PolicyAction"),
                cfn_text(str_is(row->on_replace, "Retain") ? S("ReplaceAndRetain")
                                                           : S("ReplaceAndDelete")));
    cfn_put(a, &c, S("Replacement"),
            cfn_text(m.replaces      ? S("True")
                     : m.may_replace ? S("Conditional")
                                     : S("False")));
    cfn_put(a, &c, S("Scope"), m.scopes);
    cfn_put(a, &c, S("Details"), m.details);
    put_context(d, &c, logical, false);
    put_context(d, &c, logical, true);
    push(d, list, c);
    return 0;
}

static int
removals(struct diff *d, const struct str_list *wanted, struct json *list)
{
    STORE_EACH(d->look->call->txn, cfn_resource_by_stack, row, d->look->stack.id) {
        if (!row->physical.n || row->phase == CFN_GONE || str_in(wanted, row->logical))
            continue;
        struct json c = change(d, "Remove", row->logical, row->physical, row->type);

        cfn_put(d->scope.arena, &c, S("PolicyAction"),
                cfn_text(str_is(row->on_delete, "Retain") ? S("Retain") : S("Delete")));
        put_context(d, &c, row->logical, false);
        push(d, list, c);
    }
    return 0;
}

static int
walk(struct diff *d, struct json *ret)
{
    const struct json *resources = json_get(&d->look->root, "Resources");
    struct str_list wanted = {0};
    bool want;
    assert(resources && resources->kind == JSON_OBJECT);
    int r = 0;

    *ret = cfn_array();
    for (size_t i = 0; i < resources->n && r == 0; i++) {
        if (!cfn_wanted(&d->scope, &resources->v[i], &want))
            return 1;
        if (!want)
            continue;
        *LIST_PUSH(d->scope.arena, &wanted) = resources->names[i];
        r = one(d, resources->names[i], &resources->v[i], ret);
    }
    return r ? r : removals(d, &wanted, ret);
}

/* What the nested stacks' own change sets say.  One that changes nothing is no change. */
static int
nested(struct diff *d, const struct cfn_diff_nested *hook, struct json *list)
{
    const struct json *resources = json_get(&d->look->root, "Resources");
    struct json kept = cfn_array(), props;
    int r = 0;

    for (size_t i = 0; i < list->n && r == 0; i++) {
        struct json *one = &list->v[i].v[1];
        struct str logical = json_text(one, "LogicalResourceId");
        const struct json *in = json_get(json_get_str(resources, logical), "Properties");
        bool changes = true;

        assert(str_is(list->v[i].names[1], "ResourceChange"));
        if (in && cfn_is_nested(json_text(one, "ResourceType"))) {
            if (!cfn_resolve(&d->scope, in, &props))
                return 1;
            r = hook->fn(hook->ctx, logical, &props, one, &changes);
        }
        /* its own details are more than the one that says it might */
        if (changes || json_get(one, "Details")->n > 1)
            cfn_push(d->scope.arena, &kept, list->v[i]);
    }
    *list = kept;
    return r;
}

int
cfn_diff(struct cfn_look *look, const struct cfn_stack_row *before,
         const struct cfn_diff_nested *hook, struct json *ret)
{
    struct diff d = {.look = look, .before = before, .old_root = cfn_object()};
    size_t n;
    int r = 0;

    assert(look->root.kind == JSON_OBJECT);
    if (before->template.n) {
        cfn_load(look->call->arena, before->processed.n ? before->processed : before->template,
                 &d.old_root);
        r = cfn_look_init(&d.old, look->call, before);
    }
    if (r < 0)
        return r;
    cfn_look_scope(look, &d.scope, false);
    d.scope.resource = diff_ref;
    d.scope.attribute = diff_attribute;
    do {
        n = d.replaced.n;
        r = walk(&d, ret);
    } while (r == 0 && d.replaced.n > n);
    if (r == 0 && hook)
        r = nested(&d, hook, ret);
    look->scope.wrong = d.scope.wrong;
    return r;
}
