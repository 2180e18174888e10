/*
 * What the steps of a resource type see: names, and functions of their own.  A name is looked for
 * among the step's (Id, It, Reply …), then the properties, then the definitions of the type; what
 * is not there is absent, and what is absent is left out of requests.
 */
#include "cloudformation/type_scope.h"

#include "codec/uri.h"
#include "codec/zip.h"
#include "gen/data/lambda.h"

#define PRINT_MAX ((size_t)1 << 20)
#define INLINE_BYTES_MAX (4 << 20)

/* ---- names that are made ---- */

/* STACK-LOGICAL-12 characters, the first two cut where it would be too long. */
static struct str
made_name(struct cfn_run *run, const struct json *naming)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct arena *a = run->call->arena;
    struct str prefix = json_text(naming, "Prefix");
    int64_t max = 255;
    uint8_t random[12];
    char tail[12];

    if (json_get(naming, "Max"))
        json_i64(json_get(naming, "Max"), &max);
    run->call->env->random(run->call->env, random, sizeof(random));
    for (size_t i = 0; i < sizeof(tail); i++)
        tail[i] = letters[random[i] % (sizeof(letters) - 1)];
    assert(max > (int64_t)sizeof(tail) + 1);
    struct str head =
        str_fmt(a, "%.*s-%.*s", STR_ARG(prefix.p ? prefix : run->stack), STR_ARG(run->logical));

    head = str_cut(head, 0, (size_t)max - sizeof(tail) - 1);
    head = str_fmt(a, "%.*s-%.12s", STR_ARG(head), tail);
    assert(head.n <= (size_t)max);
    return json_get(naming, "Lower") ? str_lower(a, head) : head;
}

/* ---- names ---- */

static bool
absent(struct json *ret)
{
    *ret = (struct json){.kind = JSON_NULL};
    return true;
}

static bool
type_ref(struct cfn_scope *scope, struct str name, struct json *ret)
{
    struct step_scope *s = scope->ctx;
    const struct json *value = json_get_str(&s->names, name);
    const struct json *define = json_get_str(s->define, name);

    assert(s->run && name.p);
    if (!value)
        value = json_get_str(&s->run->props, name);
    if (!value && define)
        return cfn_resolve(scope, define, ret);
    if (!value && str_is(name, "Token")) {
        *ret = cfn_text(api_uuid(s->run->call->env, scope->arena));
        return true;
    }
    if (!value && str_is(name, "MadeName")) {
        *ret = cfn_text(made_name(s->run, json_get(s->run->type, "Naming")));
        return true;
    }
    if (!value)
        return absent(ret);
    *ret = *value;
    return true;
}

static bool
type_attribute(struct cfn_scope *scope, struct str name, struct str attribute, struct json *ret)
{
    struct step_scope *s = scope->ctx;
    const struct json *value = json_get_str(&s->names, name);
    struct json made;

    assert(s->run && name.p);
    if (!value)
        value = json_get_str(&s->run->props, name);
    if (!value && json_get_str(s->define, name)) {
        if (!type_ref(scope, name, &made))
            return false;
        value = &made;
    }
    /* an attribute's name may have a point itself */
    const struct json *direct = json_get_str(value, attribute);

    value = direct ? direct : cfn_path(value, attribute);
    if (!value)
        return absent(ret);
    *ret = *value;
    return true;
}

static bool
filter_like(struct cfn_scope *scope, const struct json *arg, bool want, struct json *ret)
{
    struct json list;

    assert(arg->kind == JSON_ARRAY && arg->n == 2);
    if (!type_ref(scope, cfn_scalar(&arg->v[0]), &list))
        return false;
    if (list.kind != JSON_ARRAY)
        return absent(ret);
    *ret = cfn_array();
    for (size_t i = 0; i < list.n; i++)
        if (str_glob(cfn_scalar(&arg->v[1]), cfn_scalar(&list.v[i])) == want)
            cfn_push(scope->arena, ret, list.v[i]);
    return ret->n ? true : absent(ret);
}

static bool
tags_as(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json list;

    assert(arg->kind == JSON_ARRAY && arg->n == 3);
    if (!type_ref(scope, cfn_scalar(&arg->v[0]), &list) || list.kind != JSON_ARRAY)
        return absent(ret);
    *ret = cfn_array();
    for (size_t i = 0; i < list.n; i++) {
        struct json tag = cfn_object();

        cfn_put(scope->arena, &tag, cfn_scalar(&arg->v[1]), *json_get(&list.v[i], "Key"));
        cfn_put(scope->arena, &tag, cfn_scalar(&arg->v[2]), *json_get(&list.v[i], "Value"));
        cfn_push(scope->arena, ret, tag);
    }
    return true;
}

/* A JSON text with one more member; absent when there is no such text or no name. */
static bool
json_with(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json part[3], object;

    assert(arg->kind == JSON_ARRAY && arg->n == 3);
    for (size_t i = 0; i < ARRAY_LEN(part); i++)
        if (!cfn_resolve(scope, &arg->v[i], &part[i]))
            return false;
    if (!cfn_scalar(&part[0]).p || !cfn_scalar(&part[1]).p ||
        !cfn_read(scope->arena, cfn_scalar(&part[0]), &object) || object.kind != JSON_OBJECT)
        return absent(ret);
    cfn_put(scope->arena, &object, cfn_scalar(&part[1]), part[2]);
    *ret = cfn_text(cfn_print(scope->arena, &object, PRINT_MAX));
    return true;
}

/* ---- functions over lists: [LIST, …] ---- */

/* The template once for each element, which is It. */
static bool
fn_map(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct step_scope *s = scope->ctx;
    const struct json *outer = json_get(&s->names, "It");
    struct json list, value, was = outer ? *outer : (struct json){.kind = JSON_NULL};

    assert(arg->n == 2);
    if (!cfn_resolve(scope, &arg->v[0], &list))
        return false;
    if (list.kind != JSON_ARRAY)
        return absent(ret);
    *ret = cfn_array();
    for (size_t i = 0; i < list.n; i++) {
        cfn_put(scope->arena, &s->names, S("It"), list.v[i]);
        if (!cfn_resolve(scope, &arg->v[1], &value))
            return false;
        cfn_push(scope->arena, ret, value);
    }
    cfn_put(scope->arena, &s->names, S("It"), was);
    assert(ret->n == list.n);
    return true;
}

/* Elements whose member at a path is (not) a value. */
static bool
where(struct cfn_scope *scope, const struct json *arg, bool want, struct json *ret)
{
    struct json list, value;

    assert(arg->n == 3);
    if (!cfn_resolve(scope, &arg->v[0], &list) || !cfn_resolve(scope, &arg->v[2], &value))
        return false;
    if (list.kind != JSON_ARRAY)
        return absent(ret);
    *ret = cfn_array();
    for (size_t i = 0; i < list.n; i++) {
        const struct json *member = cfn_path(&list.v[i], cfn_scalar(&arg->v[1]));

        if (cfn_equal(member, value.kind == JSON_NULL ? NULL : &value) == want)
            cfn_push(scope->arena, ret, list.v[i]);
    }
    assert(ret->n <= list.n);
    return true;
}

static bool
fn_where(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    return where(scope, arg, true, ret);
}

static bool
fn_where_not(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    return where(scope, arg, false, ret);
}

/* A reply's tags as a template has them, without AWS's own. */
static bool
fn_tags_of(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json list;

    assert(arg->n == 3);
    if (!cfn_resolve(scope, &arg->v[0], &list))
        return false;
    *ret = cfn_array();
    bool map = list.kind == JSON_OBJECT;

    for (size_t i = 0; (map || list.kind == JSON_ARRAY) && i < list.n; i++) {
        struct str key =
            map ? list.names[i] : cfn_scalar(json_get_str(&list.v[i], cfn_scalar(&arg->v[1])));
        const struct json *value =
            map ? &list.v[i] : json_get_str(&list.v[i], cfn_scalar(&arg->v[2]));
        struct json tag = cfn_object();

        if (!key.p || str_starts(key, S("aws:")))
            continue;
        cfn_put(scope->arena, &tag, S("Key"), cfn_text(key));
        cfn_put(scope->arena, &tag, S("Value"), value ? *value : cfn_text(S("")));
        cfn_push(scope->arena, ret, tag);
    }
    assert(ret->n <= list.n);
    return true;
}

/* A list of tags, or one tag, as an object: what services take that keep tags as a map. */
static bool
fn_tag_map(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json list;

    assert(arg->n == 1);
    if (!cfn_resolve(scope, &arg->v[0], &list))
        return false;
    const struct json one = {.kind = JSON_ARRAY, .v = &list, .n = 1};
    const struct json *tags = list.kind == JSON_ARRAY ? &list : &one;

    *ret = cfn_object();
    for (size_t i = 0; i < tags->n; i++)
        if (json_get(&tags->v[i], "Key") && json_get(&tags->v[i], "Value"))
            cfn_put(scope->arena, ret, cfn_scalar(json_get(&tags->v[i], "Key")),
                    *json_get(&tags->v[i], "Value"));
    return true;
}

/* ---- other functions ---- */

static bool
fn_first(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    assert(arg->n > 0);
    absent(ret);
    for (size_t i = 0; i < arg->n && ret->kind == JSON_NULL; i++)
        if (!cfn_resolve(scope, &arg->v[i], ret))
            return false;
    return true;
}

static bool
by_path(struct cfn_scope *scope, const struct json *path_text, struct json *ret)
{
    struct str path = cfn_scalar(path_text), first = str_split(&path, '.');

    return path.p ? type_attribute(scope, first, path, ret) : type_ref(scope, first, ret);
}

static bool
fn_given(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json value;

    assert(arg->n == 2);
    if (!by_path(scope, &arg->v[0], &value))
        return false;
    return value.kind == JSON_NULL ? absent(ret) : cfn_resolve(scope, &arg->v[1], ret);
}

/* [X, value, then] */
static bool
fn_if_is(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json value;

    assert(arg->n == 3);
    if (!by_path(scope, &arg->v[0], &value))
        return false;
    return cfn_equal(&value, &arg->v[1]) ? cfn_resolve(scope, &arg->v[2], ret) : absent(ret);
}

/* A property, when the update changes it. */
static bool
fn_if_changed(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct step_scope *s = scope->ctx;
    struct str name = cfn_scalar(&arg->v[0]);
    const struct json *now = json_get_str(&s->run->props, name);

    assert(arg->n == 1 && name.p);
    if (!now || cfn_equal(now, json_get_str(&s->run->old, name)))
        return absent(ret);
    *ret = *now;
    return true;
}

static bool
fn_like(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    return filter_like(scope, arg, true, ret);
}

static bool
fn_unlike(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    return filter_like(scope, arg, false, ret);
}

/* A policy as a reply shows it, percent-coded or not, as the template's tree. */
static bool
fn_document(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json value;
    struct str text;

    assert(arg->n == 1);
    if (!cfn_resolve(scope, &arg->v[0], &value))
        return false;
    text = cfn_scalar(&value);
    if (str_starts(text, S("%")) && !uri_decode(scope->arena, text, 0, &text))
        return absent(ret);
    return text.p && cfn_read(scope->arena, text, ret) ? true : absent(ret);
}

/* Code that stands in a template, as the archive that it becomes on AWS. */
static bool
fn_inline_zip(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json value;

    assert(arg->n == 1);
    if (!cfn_resolve(scope, &arg->v[0], &value))
        return false;
    const struct zip_file files[] = {{S("index.py"), cfn_scalar(&value)},
                                     {S("cfnresponse.py"), str_from(lambda_cfnresponse)}};

    if (!files[0].bytes.p)
        return absent(ret);
    if (files[0].bytes.n > INLINE_BYTES_MAX)
        return cfn_wrong(scope, "Code.ZipFile is longer than %d bytes", INLINE_BYTES_MAX);
    *ret = cfn_text(str_base64(scope->arena, zip_make(scope->arena, files, ARRAY_LEN(files))));
    return true;
}

static bool
type_function(struct cfn_scope *scope, struct str name, const struct json *arg, struct json *ret)
{
    static const struct {
        const char *name;
        bool (*fn)(struct cfn_scope *scope, const struct json *arg, struct json *ret);
        size_t n; /* arguments; 0: as they come */
    } rows[] = {
        {"First", fn_first, 0},
        {"Given", fn_given, 2},
        {"IfIs", fn_if_is, 3},
        {"Like", fn_like, 2},
        {"Unlike", fn_unlike, 2},
        {"TagsAs", tags_as, 3},
        {"JsonWith", json_with, 3},
        {"Map", fn_map, 2},
        {"MapOf", fn_map, 2},
        {"Where", fn_where, 3},
        {"WhereNot", fn_where_not, 3},
        {"TagsOf", fn_tags_of, 3},
        {"Document", fn_document, 1},
        {"TagMap", fn_tag_map, 1},
        {"InlineZip", fn_inline_zip, 1},
        {"IfChanged", fn_if_changed, 1},
    };

    assert(str_starts(name, S("Fn::")));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(str_cut(name, sizeof("Fn::") - 1, name.n), rows[i].name) &&
            (!rows[i].n || (arg->kind == JSON_ARRAY && arg->n == rows[i].n)))
            return rows[i].fn(scope, arg, ret);
    return cfn_wrong(scope, "a resource type uses the unknown function %.*s", STR_ARG(name));
}

/* ---- tags and names ---- */

/* Tags of a resource are a list, of SSM's an object. */
static void
own_tags(struct arena *a, const struct json *tags, struct json *ret)
{
    assert(ret->kind == JSON_ARRAY);
    for (size_t i = 0; tags && i < tags->n; i++) {
        struct json tag = tags->v[i];

        if (tags->kind == JSON_OBJECT) {
            tag = cfn_object();
            cfn_put(a, &tag, S("Key"), cfn_text(tags->names[i]));
            cfn_put(a, &tag, S("Value"), tags->v[i]);
        }
        if (json_get(&tag, "Key") && json_get(&tag, "Value"))
            cfn_push(a, ret, tag);
    }
}

/* The resource's word counts before the stack's. */
static struct json
all_tags(struct cfn_run *run, const struct json *props, const struct json *of_stack)
{
    struct arena *a = run->call->arena;
    bool system = !str_is(cfn_scalar(json_get(run->type, "Service")), "iam");
    struct json ret = cfn_array();

    own_tags(a, json_get(props, "Tags"), &ret);
    size_t n_own = ret.n;

    for (size_t i = 0; i < of_stack->n; i++) {
        struct str key = json_text(&of_stack->v[i], "Key");
        bool has = !system && str_starts(key, S("aws:"));

        for (size_t k = 0; k < n_own && !has; k++)
            has = str_eq(cfn_scalar(json_get(&ret.v[k], "Key")), key);
        if (!has)
            cfn_push(a, &ret, of_stack->v[i]);
    }
    if (system) {
        struct json tag = cfn_object();

        cfn_put(a, &tag, S("Key"), cfn_text(S("aws:cloudformation:logical-id")));
        cfn_put(a, &tag, S("Value"), cfn_text(run->logical));
        cfn_push(a, &ret, tag);
    }
    assert(ret.n >= n_own);
    return ret;
}

void
step_give_name(struct cfn_run *run)
{
    const struct json *naming = json_get(run->type, "Naming");
    struct str property = json_text(naming, "Property");

    assert(run->props.kind == JSON_OBJECT);
    if (property.p && !json_get(naming, "Never") && !json_get_str(&run->props, property))
        cfn_put(run->call->arena, &run->props, property, cfn_text(made_name(run, naming)));
}

const struct json *
step_property(struct step_scope *s, const struct json *props, struct str name, struct json *room)
{
    assert(props == &s->run->old || props == &s->run->props);
    if (!str_is(name, "AllTags"))
        return json_get_str(props, name);
    *room = all_tags(s->run, props, props == &s->run->old ? &s->run->old_tags : &s->run->tags);
    return room;
}

void
step_scope_init(struct step_scope *s, struct cfn_run *run)
{
    struct arena *a = run->call->arena;

    assert(run->type && run->attributes.kind == JSON_OBJECT);
    *s = (struct step_scope){
        .run = run, .define = json_get(run->type, "Define"), .names = cfn_object()};
    cfn_scope_init(&s->scope, a, NULL);
    s->scope.ctx = s;
    s->scope.resource = type_ref;
    s->scope.attribute = type_attribute;
    s->scope.more = type_function;
    cfn_put(a, &s->scope.values, S("AWS::Region"), cfn_text(run->call->region));
    cfn_put(a, &s->scope.values, S("AWS::AccountId"), cfn_text(run->call->account));
    cfn_put(a, &s->names, S("AllTags"), all_tags(run, &run->props, &run->tags));
    if (run->id.n)
        cfn_put(a, &s->names, S("Id"), cfn_text(run->id));
    cfn_put(a, &s->names, S("Self"), run->attributes);
    cfn_put(a, &s->names, S("Old"), run->old);
    if (run->policy.n)
        cfn_put(a, &s->names, S("Policy"), run->policy);
}
