/*
 * The interpreter of resource types.  A step's request is a tree with functions; what comes of it
 * is put into the operation's typed struct by the model's tables, the operation is called as the
 * stack's caller in the same transaction in which the engine writes what it did, and the reply is
 * made a tree again.  So there is no moment at which a thing exists that the stack does not
 * know of.
 */
#include "cloudformation/type.h"

#include "api/authorize.h"
#include "api/guard.h"
#include "cloudformation/convert.h"
#include "cloudformation/function.h"
#include "cloudformation/load.h"
#include "gen/data/resource_types.h"

#include <stdlib.h>

#define TYPES_BYTES_MAX ((size_t)16 << 20)
#define VIA "cloudformation.amazonaws.com"

/* ---- the definitions ---- */

const struct json *
cfn_types(void)
{
    /* constant data that is parsed once, when the first stack asks */
    static struct arena arena;
    static struct json types;

    if (!arena.max_bytes) {
        arena_init(&arena, TYPES_BYTES_MAX);
        struct str wrong =
            cfn_load(&arena, str_of(resource_types_text, resource_types_bytes), &types);
        if (wrong.p)
            abort(); /* a defect of the build: tests load it */
    }
    return &types;
}

const struct json *
cfn_type(struct str name)
{
    return json_get_str(cfn_types(), name);
}

bool
cfn_type_has_attribute(const struct json *type, struct str attribute)
{
    struct str prefix = json_text(type, "AttributePrefix");

    return json_get_str(json_get(type, "Attributes"), attribute) != NULL ||
           (prefix.p && str_starts(attribute, prefix));
}

bool
cfn_type_replaces(const struct json *type, struct str property)
{
    struct str letters = cfn_scalar(json_get_str(json_get(type, "Properties"), property));

    return letters.p && str_find_char(letters, 'C') != SIZE_MAX;
}

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
    struct str head =
        str_fmt(a, "%.*s-%.*s", STR_ARG(prefix.p ? prefix : run->stack), STR_ARG(run->logical));

    head = str_cut(head, 0, (size_t)max - sizeof(tail) - 1);
    return str_fmt(a, "%.*s-%.12s", STR_ARG(head), tail);
}

/* ---- the scope of a step ---- */

struct step_scope {
    struct cfn_scope scope;
    struct cfn_run *run;
    const struct json *define;
    struct json names; /* Id, It, AllTags, Reply, First, Saved, Self */
};

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

    if (!value)
        value = json_get_str(&s->run->props, name);
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

    for (size_t i = 0; i < ARRAY_LEN(part); i++)
        if (!cfn_resolve(scope, &arg->v[i], &part[i]))
            return false;
    if (!cfn_scalar(&part[0]).p || !cfn_scalar(&part[1]).p ||
        !cfn_read(scope->arena, cfn_scalar(&part[0]), &object) || object.kind != JSON_OBJECT)
        return absent(ret);
    cfn_put(scope->arena, &object, cfn_scalar(&part[1]), part[2]);
    *ret = cfn_text(cfn_print(scope->arena, &object, (size_t)1 << 20));
    return true;
}

static bool
type_function(struct cfn_scope *scope, struct str name, const struct json *arg, struct json *ret)
{
    struct json value;

    if (str_is(name, "Fn::First")) {
        absent(ret);
        for (size_t i = 0; i < arg->n && ret->kind == JSON_NULL; i++)
            if (!cfn_resolve(scope, &arg->v[i], ret))
                return false;
        return true;
    }
    if (str_is(name, "Fn::Given")) {
        struct str path = cfn_scalar(&arg->v[0]), first = str_split(&path, '.');
        bool ok =
            path.p ? type_attribute(scope, first, path, &value) : type_ref(scope, first, &value);

        return ok && (value.kind == JSON_NULL ? absent(ret) : cfn_resolve(scope, &arg->v[1], ret));
    }
    if (str_is(name, "Fn::Like") || str_is(name, "Fn::Unlike"))
        return filter_like(scope, arg, str_is(name, "Fn::Like"), ret);
    if (str_is(name, "Fn::TagsAs"))
        return tags_as(scope, arg, ret);
    if (str_is(name, "Fn::JsonWith"))
        return json_with(scope, arg, ret);
    return cfn_wrong(scope, "a resource type uses the unknown function %.*s", STR_ARG(name));
}

/* ---- tags and names ---- */

/* Tags of a resource are a list, of SSM's an object. */
static void
own_tags(struct arena *a, const struct json *tags, struct json *ret)
{
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
    return ret;
}

static void
give_name(struct cfn_run *run)
{
    const struct json *naming = json_get(run->type, "Naming");
    struct str property = json_text(naming, "Property");

    if (property.p && !json_get(naming, "Never") && !json_get_str(&run->props, property))
        cfn_put(run->call->arena, &run->props, property, cfn_text(made_name(run, naming)));
}

/* ---- refusals ---- */

/* HandlerErrorCode, by words in the code. */
static const char *
handler_code(struct str code, int http)
{
    static const struct {
        const char *word, *is;
    } rows[] = {
        {"AlreadyExist", "AlreadyExists"},
        {"Duplicate", "AlreadyExists"},
        {"NotFound", "NotFound"},
        {"NoSuch", "NotFound"},
        {"AccessDenied", "AccessDenied"},
        {"Unauthorized", "AccessDenied"},
        {"LimitExceeded", "ServiceLimitExceeded"},
        {"Throttl", "Throttling"},
        {"Conflict", "ResourceConflict"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_find(code, str_from(rows[i].word)) != SIZE_MAX)
            return rows[i].is;
    return http >= 500 ? "ServiceInternalError" : "InvalidRequest";
}

static int
refused(struct cfn_run *run, struct str message, struct str code, int http)
{
    struct api_call *call = run->call;
    struct str token = api_uuid(call->env, call->arena);

    run->why = str_fmt(call->arena,
                       "Resource handler returned message: \"%.*s (Service: %.*s, Status Code: %d, "
                       "Request ID: %.*s)\" (RequestToken: %.*s, HandlerErrorCode: %s)",
                       STR_ARG(message), STR_ARG(json_text(run->type, "Shown")), http,
                       STR_ARG(call->request_id), STR_ARG(token), handler_code(code, http));
    return CFN_REFUSED;
}

static bool
in_list(const struct json *list, struct str code)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (str_eq(cfn_scalar(&list->v[i]), code))
            return true;
    return false;
}

/* ---- steps ---- */

static const struct api_service *
service_of(struct api_call *call, struct str name)
{
    for (size_t i = 0; call->guard->services[i]; i++)
        if (str_is(name, call->guard->services[i]->service->name))
            return call->guard->services[i]->service;
    return NULL;
}

int
cfn_ask(struct api_call *call, const char *service_name, const char *operation,
        const struct json *in, struct json *ret, struct str *ret_wrong)
{
    const struct api_service *service = service_of(call, str_from(service_name));
    const struct api_op *op = service ? api_op_find(service, str_from(operation)) : NULL;

    *ret_wrong = STR_NONE;
    if (!op)
        return error_origin(ENOSYS, "there is no operation %s:%s", service_name, operation);
    if (!api_op_handler(service, op)) {
        *ret_wrong =
            str_fmt(call->arena, "Welkin does not implement %s:%s yet", service_name, operation);
        return 1;
    }
    void *req = api_new_input(service, op, call->arena);
    void *res = api_new_output(service, op, call->arena);

    *ret_wrong = cfn_to_struct(service, api_shape(service, op->input), call->arena, in, req);
    if (ret_wrong->p)
        return 1;
    int r = api_call_internal(call, service->name, api_text(service, op->name), req, res, VIA);

    if (r == 0 && !cfn_from_struct(service, api_shape(service, op->output), call->arena, res, ret))
        return error_origin(EMSGSIZE, "the reply of %s is too long", operation);
    return r;
}

static int
call_step(struct step_scope *s, const struct json *step)
{
    struct cfn_run *run = s->run;
    struct api_call *call = run->call;
    struct str service = json_text(step, "Service"), wrong;
    struct json in, reply;

    if (!service.p)
        service = json_text(run->type, "Service");
    if (!cfn_resolve(&s->scope, json_get(step, "In"), &in))
        return error_origin(EINVAL, "a resource type is wrong: %.*s", STR_ARG(s->scope.wrong));
    int r = cfn_ask(call, str_cstr(call->arena, service),
                    str_cstr(call->arena, json_text(step, "Call")), &in, &reply, &wrong);

    if (wrong.p) {
        run->why = str_fmt(call->arena,
                           "Properties validation failed for resource %.*s with message:\n#/%.*s",
                           STR_ARG(run->logical), STR_ARG(wrong));
        return CFN_REFUSED;
    }
    if (r < 0)
        return r;
    if (r > 0 && in_list(json_get(step, "Missing"), call->fault.code))
        return CFN_DONE;
    if (r > 0)
        return refused(run, call->fault.message, call->fault.code, call->fault.http);
    cfn_put(call->arena, &s->names, S("Reply"), reply);
    if (!json_get(&s->names, "First"))
        cfn_put(call->arena, &s->names, S("First"), reply);
    return CFN_DONE;
}

static int
save(struct step_scope *s, const struct json *step)
{
    const struct json *saves = json_get(step, "Save");
    const struct json *before = json_get(&s->names, "Saved");
    struct json saved = before ? *before : cfn_object(), value;

    for (size_t i = 0; saves && i < saves->n; i++) {
        if (!cfn_resolve(&s->scope, &saves->v[i], &value))
            return error_origin(EINVAL, "a resource type is wrong: %.*s", STR_ARG(s->scope.wrong));
        cfn_put(s->scope.arena, &saved, saves->names[i], value);
    }
    cfn_put(s->scope.arena, &s->names, S("Saved"), saved);
    return CFN_DONE;
}

static const struct json *
property(struct step_scope *s, const struct json *props, struct str name, struct json *room)
{
    if (!str_is(name, "AllTags"))
        return json_get_str(props, name);
    *room = all_tags(s->run, props, props == &s->run->old ? &s->run->old_tags : &s->run->tags);
    return room;
}

static bool
contains(const struct json *list, const struct json *value)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (cfn_equal(&list->v[i], value))
            return true;
    return false;
}

/* Once for each element of a property that is not in `but`. */
static int
each(struct step_scope *s, const struct json *step, const struct json *list, const struct json *but)
{
    int r = CFN_DONE;

    for (size_t i = 0; r == CFN_DONE && list && list->kind == JSON_ARRAY && i < list->n; i++) {
        if (contains(but, &list->v[i]))
            continue;
        cfn_put(s->scope.arena, &s->names, S("It"), list->v[i]);
        r = call_step(s, step);
    }
    return r;
}

static bool
changed(struct step_scope *s, const struct json *names)
{
    for (size_t i = 0; i < names->n; i++) {
        struct str name = cfn_scalar(&names->v[i]);

        if (!cfn_equal(json_get_str(&s->run->props, name), json_get_str(&s->run->old, name)))
            return true;
    }
    return false;
}

static bool
applies(struct step_scope *s, const struct json *step)
{
    const struct json *props = &s->run->props, *only = json_get(step, "OnlyIf");
    struct str when = json_text(step, "When"), unless = json_text(step, "Unless");

    if ((when.p && !json_get_str(props, when)) || (unless.p && json_get_str(props, unless)))
        return false;
    if (json_get(step, "Changed") && !changed(s, json_get(step, "Changed")))
        return false;
    if (only) {
        struct str value = cfn_scalar(json_get_str(props, json_text(only, "Ref")));
        struct str is = cfn_scalar(json_get(only, "Is"));

        return is.p ? str_eq(value, is) : !str_eq(value, cfn_scalar(json_get(only, "IsNot")));
    }
    return true;
}

static int
one_step(struct step_scope *s, const struct json *step)
{
    struct cfn_run *run = s->run;
    struct str list = json_text(step, "Each"), added = json_text(step, "Added");
    struct str removed = json_text(step, "Removed");
    struct json now, before;
    int r;

    if (!applies(s, step))
        return CFN_DONE;
    if (list.p)
        r = each(s, step, property(s, &run->props, list, &now), NULL);
    else if (added.p)
        r = each(s, step, property(s, &run->props, added, &now),
                 property(s, &run->old, added, &before));
    else if (removed.p)
        r = each(s, step, property(s, &run->old, removed, &before),
                 property(s, &run->props, removed, &now));
    else
        r = call_step(s, step);
    return r == CFN_DONE ? save(s, step) : r;
}

static void
scope_of(struct step_scope *s, struct cfn_run *run)
{
    struct arena *a = run->call->arena;

    *s = (struct step_scope){
        .run = run, .define = json_get(run->type, "Define"), .names = cfn_object()};
    cfn_scope_init(&s->scope, a, NULL);
    s->scope.ctx = s;
    s->scope.resource = type_ref;
    s->scope.attribute = type_attribute;
    s->scope.more = type_function;
    cfn_put(a, &s->names, S("AllTags"), all_tags(run, &run->props, &run->tags));
    if (run->id.n)
        cfn_put(a, &s->names, S("Id"), cfn_text(run->id));
    cfn_put(a, &s->names, S("Self"), run->attributes);
}

/* Values of properties may hold anything: they are not looked into for functions again. */
static int
steps(struct step_scope *s, const char *what)
{
    struct api_call *call = s->run->call;
    const struct json *list = json_get(s->run->type, what);
    size_t mark = store_savepoint(call->txn);
    int r = CFN_DONE;

    for (size_t i = 0; r == CFN_DONE && list && i < list->n; i++)
        r = one_step(s, &list->v[i]);
    if (r != CFN_DONE)
        store_rollback_to(call->txn, mark);
    return r;
}

/* ---- validation of properties ---- */

static int
bad_key(struct cfn_run *run, const char *how, struct str key, const char *what)
{
    run->why = str_fmt(run->call->arena,
                       "Properties validation failed for resource %.*s with message:\n#: %s key "
                       "[%.*s] %s",
                       STR_ARG(run->logical), how, STR_ARG(key), what);
    return CFN_REFUSED;
}

int
cfn_run_validate(struct cfn_run *run)
{
    const struct json *known = json_get(run->type, "Properties");

    for (size_t i = 0; i < run->props.n; i++)
        if (!json_get_str(known, run->props.names[i]))
            return bad_key(run, "extraneous", run->props.names[i], "is not permitted");
    for (size_t i = 0; i < known->n; i++)
        if (str_find_char(cfn_scalar(&known->v[i]), 'R') != SIZE_MAX &&
            !json_get_str(&run->props, known->names[i]))
            return bad_key(run, "required", known->names[i], "not found");
    return CFN_DONE;
}

/* ---- what the engine asks ---- */

static int
read_attributes(struct step_scope *s)
{
    struct cfn_run *run = s->run;
    const struct json *defined = json_get(run->type, "Attributes");
    struct json value, attributes = cfn_object();
    int r = steps(s, "Read");

    if (r != CFN_DONE)
        return r;
    for (size_t i = 0; defined && i < defined->n; i++) {
        if (!cfn_resolve(&s->scope, &defined->v[i], &value))
            return error_origin(EINVAL, "a resource type is wrong: %.*s", STR_ARG(s->scope.wrong));
        if (value.kind == JSON_NULL && json_get_str(&run->attributes, defined->names[i]))
            value = *json_get_str(&run->attributes, defined->names[i]);
        if (value.kind != JSON_NULL)
            cfn_put(s->scope.arena, &attributes, defined->names[i], value);
    }
    run->attributes = attributes;
    return CFN_DONE;
}

static int
create(struct cfn_run *run, struct step_scope *s)
{
    struct json id;
    int r = steps(s, "Create");

    if (r != CFN_DONE)
        return r;
    if (!cfn_resolve(&s->scope, json_get(run->type, "Id"), &id) || !cfn_scalar(&id).p)
        return error_origin(EINVAL, "a resource type tells no id: %.*s", STR_ARG(s->scope.wrong));
    run->id = cfn_scalar(&id);
    cfn_put(s->scope.arena, &s->names, S("Id"), id);
    return read_attributes(s);
}

int
cfn_run_create(struct cfn_run *run)
{
    struct step_scope s;
    size_t mark = store_savepoint(run->call->txn);
    int r = cfn_run_validate(run);

    if (r != CFN_DONE)
        return r;
    give_name(run);
    scope_of(&s, run);
    r = create(run, &s);
    if (r != CFN_DONE)
        store_rollback_to(run->call->txn, mark);
    return r;
}

int
cfn_run_update(struct cfn_run *run)
{
    struct step_scope s;
    const struct json *unreached = json_get(run->type, "Unreached");
    size_t mark = store_savepoint(run->call->txn);
    int r = cfn_run_validate(run);

    if (r != CFN_DONE)
        return r;
    scope_of(&s, run);
    if (unreached && changed(&s, unreached)) {
        run->why = S("Welkin does not implement this change of properties yet");
        return CFN_REFUSED;
    }
    r = steps(&s, "Update");
    if (r == CFN_DONE)
        r = read_attributes(&s);
    if (r != CFN_DONE)
        store_rollback_to(run->call->txn, mark);
    return r;
}

int
cfn_run_delete(struct cfn_run *run)
{
    struct step_scope s;

    scope_of(&s, run);
    int r = steps(&s, "Delete");

    if (r != CFN_REFUSED)
        return r;
    if (in_list(json_get(run->type, "Missing"), run->call->fault.code))
        return CFN_DONE;
    return in_list(json_get(run->type, "Retry"), run->call->fault.code) ? CFN_RETRY : r;
}

int
cfn_run_look(struct cfn_run *run, const char *what, enum cfn_seen *ret)
{
    const struct json *wanted = json_get(run->type, what);
    struct step_scope s;

    *ret = CFN_YES;
    if (!wanted)
        return CFN_DONE;
    scope_of(&s, run);
    int r = read_attributes(&s);

    if (r == CFN_REFUSED && in_list(json_get(run->type, "Missing"), run->call->fault.code)) {
        *ret = strcmp(what, "Gone") == 0 ? CFN_YES : CFN_NEVER;
        return CFN_DONE;
    }
    if (r != CFN_DONE)
        return r;
    struct str value = cfn_scalar(cfn_path(json_get(&s.names, "Reply"), json_text(wanted, "Path")));

    *ret = in_list(json_get(wanted, "Values"), value)   ? CFN_YES
           : in_list(json_get(wanted, "Failed"), value) ? CFN_NEVER
                                                        : CFN_NOT_YET;
    if (*ret == CFN_NEVER)
        run->why =
            str_fmt(run->call->arena, "Resource did not stabilize: it is %.*s", STR_ARG(value));
    return CFN_DONE;
}
