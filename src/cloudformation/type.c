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
#include "cloudformation/load.h"
#include "cloudformation/type_scope.h"
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
    assert(types.kind == JSON_OBJECT && types.n > 0);
    return &types;
}

const struct json *
cfn_type(struct str name)
{
    if (str_starts(name, S("Custom::")))
        name = S("AWS::CloudFormation::CustomResource");
    return json_get_str(cfn_types(), name);
}

bool
cfn_type_has_attribute(const struct json *type, struct str attribute)
{
    struct str prefix = json_text(type, "AttributePrefix");

    /* what an open type has is told by what makes it */
    return json_get(type, "Open") || json_get_str(json_get(type, "Attributes"), attribute) ||
           (prefix.p && str_starts(attribute, prefix));
}

static bool
has_letter(const struct json *letters, char letter)
{
    return str_find_char(cfn_scalar(letters), letter) != SIZE_MAX;
}

bool
cfn_type_replaces(const struct json *type, struct str property)
{
    assert(property.p);
    return has_letter(json_get_str(json_get(type, "Properties"), property), 'C');
}

bool
cfn_type_interrupts(const struct json *type, struct str property)
{
    const struct json *list = json_get(json_get(type, "Interrupt"), "Changed");

    for (size_t i = 0; list && i < list->n; i++)
        if (str_eq(cfn_scalar(&list->v[i]), property))
            return true;
    return false;
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
        {"AlreadyOwned", "AlreadyExists"},
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

    run->why = str_fmt(
        call->arena,
        "Resource handler returned message: \"%.*s (Service: %.*s, Status Code: %d, "
        "Request ID: %.*s) (SDK Attempt Count: 1)\" (RequestToken: %.*s, HandlerErrorCode: %s)",
        STR_ARG(message), STR_ARG(json_text(run->type, "Shown")), http, STR_ARG(call->request_id),
        STR_ARG(token), handler_code(code, http));
    assert(run->why.n > 0);
    return CFN_REFUSED;
}

/* In the words of the type, not of its service. */
static int
handler_refuses(struct cfn_run *run, struct str message, struct str code)
{
    struct api_call *call = run->call;

    assert(message.n > 0);
    if (!code.p)
        code = S("InvalidRequest");
    run->why = str_fmt(call->arena,
                       "Resource handler returned message: \"%.*s\" (RequestToken: %.*s, "
                       "HandlerErrorCode: %.*s)",
                       STR_ARG(message), STR_ARG(api_uuid(call->env, call->arena)), STR_ARG(code));
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
    assert(call->guard && name.p);
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

    assert(in->kind == JSON_OBJECT);
    assert(call->txn && service_name[0] && operation[0]);
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

int
cfn_run_ask(struct cfn_run *run, const char *operation, const struct json *in, struct json *ret)
{
    struct api_call *call = run->call;
    struct str wrong;
    int r = cfn_ask(call, str_cstr(call->arena, json_text(run->type, "Service")), operation, in,
                    ret, &wrong);

    assert(r <= 0 || wrong.p || call->fault.code.n);
    if (r <= 0)
        return r;
    if (wrong.p)
        return run->why = wrong, CFN_REFUSED;
    return refused(run, call->fault.message, call->fault.code, call->fault.http);
}

static int
evaluate(struct step_scope *s, const struct json *in, struct json *ret)
{
    return cfn_resolve(&s->scope, in, ret)
               ? 0
               : error_origin(EINVAL, "a resource type is wrong: %.*s", STR_ARG(s->scope.wrong));
}

/* Operations on many things tell in a good reply what failed of them. */
static int
replied_fault(struct step_scope *s, const struct json *defined)
{
    struct json fault;

    if (evaluate(s, defined, &fault) < 0)
        return -EINVAL;
    struct str code = json_text(&fault, "Code");

    return code.p ? refused(s->run, json_text(&fault, "Message"), code, 400) : CFN_DONE;
}

/* One more reply of a step that is done for each of many things. */
static void
collect(struct step_scope *s, struct str name, struct json reply)
{
    const struct json *before = json_get(&s->names, "Saved");
    const struct json *list = json_get_str(before, name);
    struct json saved = before ? *before : cfn_object(), all = list ? *list : cfn_array();

    assert(name.n > 0);
    cfn_push(s->scope.arena, &all, reply);
    cfn_put(s->scope.arena, &saved, name, all);
    cfn_put(s->scope.arena, &s->names, S("Saved"), saved);
}

/* What a step says instead of its call, or of a thing that is there already. */
static int
says(struct step_scope *s, const struct json *step)
{
    const struct json *taken = json_get(step, "Taken");
    struct json text;

    assert(taken || json_get(step, "Refuse"));
    if (evaluate(s, taken ? taken : json_get(step, "Refuse"), &text) < 0)
        return -EINVAL;
    if (!taken)
        return handler_refuses(s->run, cfn_scalar(&text), json_text(step, "As"));
    s->run->why = cfn_scalar(&text);
    return CFN_REFUSED;
}

static int
call_step(struct step_scope *s, const struct json *step)
{
    struct cfn_run *run = s->run;
    struct api_call *call = run->call;
    struct str service = json_text(step, "Service"), here = call->region, wrong;
    struct json in, reply, region = {.kind = JSON_NULL};

    if (!json_get(step, "Call"))
        return says(s, step);
    if (!service.p)
        service = json_text(run->type, "Service");
    if (json_get(step, "Region") && evaluate(s, json_get(step, "Region"), &region) < 0)
        return -EINVAL;
    if (evaluate(s, json_get(step, "In"), &in) < 0)
        return -EINVAL;
    if (cfn_scalar(&region).p)
        call->region = cfn_scalar(&region);
    int r = cfn_ask(call, str_cstr(call->arena, service),
                    str_cstr(call->arena, json_text(step, "Call")), &in, &reply, &wrong);

    call->region = here;
    assert(r <= 0 || wrong.p || call->fault.code.n);
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
    if (r > 0 && json_get(step, "Taken") &&
        str_is(S("AlreadyExists"), handler_code(call->fault.code, call->fault.http)))
        return says(s, step);
    if (r > 0)
        return refused(run, call->fault.message, call->fault.code, call->fault.http);
    cfn_put(call->arena, &s->names, S("Reply"), reply);
    if (!json_get(&s->names, "First"))
        cfn_put(call->arena, &s->names, S("First"), reply);
    if (json_get(step, "Collect"))
        collect(s, json_text(step, "Collect"), reply);
    return json_get(step, "Fault") ? replied_fault(s, json_get(step, "Fault")) : CFN_DONE;
}

static int
save(struct step_scope *s, const struct json *step)
{
    const struct json *saves = json_get(step, "Save");
    const struct json *before = json_get(&s->names, "Saved");
    struct json saved = before ? *before : cfn_object(), value;

    for (size_t i = 0; saves && i < saves->n; i++) {
        if (evaluate(s, &saves->v[i], &value) < 0)
            return -EINVAL;
        cfn_put(s->scope.arena, &saved, saves->names[i], value);
    }
    cfn_put(s->scope.arena, &s->names, S("Saved"), saved);
    return CFN_DONE;
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

    assert(step);
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

/* {Ref or Value, Is | IsNot}: with neither, whether there is such a value. */
static int
only_if(struct step_scope *s, const struct json *only, bool *ret)
{
    const struct json *is = json_get(only, "Is"), *not = json_get(only, "IsNot");
    struct json value = {.kind = JSON_NULL}, other;
    const struct json *given = json_get_str(&s->run->props, json_text(only, "Ref"));

    assert(only->kind == JSON_OBJECT);
    if (given)
        value = *given;
    if (json_get(only, "Value") && evaluate(s, json_get(only, "Value"), &value) < 0)
        return -EINVAL;
    *ret = value.kind != JSON_NULL;
    if (!is && !not )
        return 0;
    if (evaluate(s, is ? is : not, &other) < 0)
        return -EINVAL;
    *ret = str_eq(cfn_scalar(&value), cfn_scalar(&other)) == (is != NULL);
    return 0;
}

static int
applies(struct step_scope *s, const struct json *step, bool *ret)
{
    const struct {
        const char *word;
        const struct json *props;
        bool want;
    } rows[] = {
        {"When", &s->run->props, true},
        {"Unless", &s->run->props, false},
        {"Had", &s->run->old, true},
        {"HadNot", &s->run->old, false},
    };

    *ret = !json_get(step, "Changed") || changed(s, json_get(step, "Changed"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str name = json_text(step, rows[i].word);

        if (name.p && (json_get_str(rows[i].props, name) != NULL) != rows[i].want)
            *ret = false;
    }
    return *ret && json_get(step, "OnlyIf") ? only_if(s, json_get(step, "OnlyIf"), ret) : 0;
}

static int
one_step(struct step_scope *s, const struct json *step)
{
    struct cfn_run *run = s->run;
    struct str list = json_text(step, "Each"), added = json_text(step, "Added");
    struct str removed = json_text(step, "Removed");
    const struct json *made = json_get(step, "Each");
    struct json now, before;
    bool wanted;
    int r = applies(s, step, &wanted);

    assert(step->kind == JSON_OBJECT);
    if (r < 0 || !wanted)
        return r;
    if (made && !list.p)
        r = evaluate(s, made, &now) < 0 ? -EINVAL : each(s, step, &now, NULL);
    else if (list.p)
        r = each(s, step, step_property(s, &run->props, list, &now), NULL);
    else if (added.p)
        r = each(s, step, step_property(s, &run->props, added, &now),
                 step_property(s, &run->old, added, &before));
    else if (removed.p)
        r = each(s, step, step_property(s, &run->old, removed, &before),
                 step_property(s, &run->props, removed, &now));
    else if (json_get(step, "Call") || json_get(step, "Refuse") || json_get(step, "Taken"))
        r = call_step(s, step);
    return r == CFN_DONE ? save(s, step) : r;
}

/* Values of properties may hold anything: they are not looked into for functions again. */
static int
step_list(struct step_scope *s, const struct json *list)
{
    struct api_call *call = s->run->call;
    size_t mark = store_savepoint(call->txn);
    int r = CFN_DONE;

    assert(call->txn);
    for (size_t i = 0; r == CFN_DONE && list && i < list->n; i++)
        r = one_step(s, &list->v[i]);
    if (r != CFN_DONE)
        store_rollback_to(call->txn, mark);
    return r;
}

static int
steps(struct step_scope *s, const char *what)
{
    return step_list(s, json_get(s->run->type, what));
}

/* What stands at the path of a Ready, Gone or Interrupt in the last reply. */
static struct str
state_of(struct step_scope *s, const struct json *how)
{
    return cfn_scalar(cfn_path(json_get(&s->names, "Reply"), json_text(how, "Path")));
}

/* ---- validation of properties ---- */

static int
bad_value(struct cfn_run *run, struct str where, struct str what)
{
    assert(what.n > 0);
    run->why = str_fmt(run->call->arena,
                       "Properties validation failed for resource %.*s with message:\n#%.*s: %.*s",
                       STR_ARG(run->logical), STR_ARG(where), STR_ARG(what));
    assert(run->why.n > 0);
    return CFN_REFUSED;
}

static const char *
kind_name(const struct json *value)
{
    return value->kind == JSON_OBJECT  ? "JSONObject"
           : value->kind == JSON_ARRAY ? "JSONArray"
                                       : "String";
}

static int
bad_kind(struct cfn_run *run, struct str where, const char *expected, const struct json *found)
{
    return bad_value(
        run, where,
        str_fmt(run->call->arena, "expected type: %s, found: %s", expected, kind_name(found)));
}

static int
keys_fit(struct cfn_run *run, const struct json *known, const struct json *given, struct str where)
{
    struct arena *a = run->call->arena;

    assert(known && given->kind == JSON_OBJECT);
    for (size_t i = 0; i < given->n; i++)
        if (!json_get_str(known, given->names[i]))
            return bad_value(
                run, where,
                str_fmt(a, "extraneous key [%.*s] is not permitted", STR_ARG(given->names[i])));
    for (size_t i = 0; i < known->n; i++) {
        const struct json *value = json_get_str(given, known->names[i]);
        struct str name = known->names[i];

        if (has_letter(&known->v[i], 'R') && !value)
            return bad_value(run, where,
                             str_fmt(a, "required key [%.*s] not found", STR_ARG(name)));
        if (has_letter(&known->v[i], 'N') && value)
            return bad_value(
                run, where,
                str_fmt(a, "Welkin does not implement the property %.*s yet", STR_ARG(name)));
        if (has_letter(&known->v[i], 'L') && value && value->kind != JSON_ARRAY)
            return bad_kind(run, str_fmt(a, "%.*s/%.*s", STR_ARG(where), STR_ARG(name)),
                            "JSONArray", value);
    }
    return CFN_DONE;
}

/* What stands in a property: an object, or a list of them. */
static int
part_fits(struct cfn_run *run, struct str name, const struct json *known)
{
    struct arena *a = run->call->arena;
    const struct json *value = json_get_str(&run->props, name);
    struct str where = str_fmt(a, "/%.*s", STR_ARG(name));
    int r = CFN_DONE;

    if (!value)
        return CFN_DONE;
    if (value->kind == JSON_OBJECT)
        return keys_fit(run, known, value, where);
    if (value->kind != JSON_ARRAY)
        return bad_kind(run, where, "JSONObject", value);
    for (size_t i = 0; r == CFN_DONE && i < value->n; i++) {
        struct str element = str_fmt(a, "%.*s/%zu", STR_ARG(where), i);

        r = value->v[i].kind == JSON_OBJECT ? keys_fit(run, known, &value->v[i], element)
                                            : bad_kind(run, element, "JSONObject", &value->v[i]);
    }
    return r;
}

int
cfn_run_validate(struct cfn_run *run)
{
    const struct json *parts = json_get(run->type, "Parts");
    const struct json *values = json_get(run->type, "Values");
    struct str refusal = json_text(run->type, "Refused");
    int r = json_get(run->type, "Open")
                ? CFN_DONE
                : keys_fit(run, json_get(run->type, "Properties"), &run->props, S(""));

    assert(run->type && run->props.kind == JSON_OBJECT);
    for (size_t i = 0; r == CFN_DONE && values && i < values->n; i++) {
        const struct json *given = json_get_str(&run->props, values->names[i]);

        if (given && !in_list(&values->v[i], cfn_scalar(given)))
            r = bad_value(run, str_fmt(run->call->arena, "/%.*s", STR_ARG(values->names[i])),
                          str_fmt(run->call->arena, "%.*s is not a valid enum value",
                                  STR_ARG(cfn_scalar(given))));
    }
    for (size_t i = 0; r == CFN_DONE && parts && i < parts->n; i++)
        r = part_fits(run, parts->names[i], &parts->v[i]);
    if (r == CFN_DONE && refusal.p) {
        run->why = refusal;
        return CFN_REFUSED;
    }
    return r;
}

/* ---- what the engine asks ---- */

static int
read_attributes(struct step_scope *s)
{
    struct cfn_run *run = s->run;
    const struct json *defined = json_get(run->type, "Attributes");
    struct json value, attributes = cfn_object();
    int r = steps(s, "Read");

    assert(run->attributes.kind == JSON_OBJECT);
    if (r != CFN_DONE)
        return r;
    for (size_t i = 0; defined && i < defined->n; i++) {
        if (evaluate(s, &defined->v[i], &value) < 0)
            return -EINVAL;
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
    assert(run->id.p);
    cfn_put(s->scope.arena, &s->names, S("Id"), id);
    return read_attributes(s);
}

int
cfn_run_create(struct cfn_run *run)
{
    struct step_scope s;
    size_t mark = store_savepoint(run->call->txn);
    int r = cfn_run_validate(run);

    assert(run->type && run->call->txn);
    if (r != CFN_DONE)
        return r;
    step_give_name(run);
    step_scope_init(&s, run);
    r = create(run, &s);
    if (r != CFN_DONE)
        store_rollback_to(run->call->txn, mark);
    assert(r != CFN_REFUSED || run->why.p);
    return r;
}

/* What must be still while it is changed: CFN_RETRY until it is. */
static int
interrupt(struct step_scope *s, const struct json *how)
{
    int r = read_attributes(s);

    assert(how->kind == JSON_OBJECT);
    if (r != CFN_DONE)
        return r;
    struct str state = state_of(s, how);

    if (in_list(json_get(how, "Still"), state))
        return CFN_DONE;
    if (in_list(json_get(how, "Moving"), state)) {
        r = step_list(s, json_get(how, "Stop"));
        return r == CFN_DONE ? CFN_RETRY : r;
    }
    /* what is beyond that will be told by the calls of the update */
    return in_list(json_get(how, "Between"), state) ? CFN_RETRY : CFN_DONE;
}

static int
refuse_change(struct cfn_run *run, bool fixed, struct str property)
{
    struct arena *a = run->call->arena;

    if (fixed)
        return handler_refuses(run,
                               str_fmt(a, "The property %.*s cannot be changed", STR_ARG(property)),
                               S("NotUpdatable"));
    run->why =
        str_fmt(a, "Welkin does not implement changes of the property %.*s yet", STR_ARG(property));
    return CFN_REFUSED;
}

static int
check_change(struct step_scope *s)
{
    static const char *const lists[] = {"Unreached", "Fixed"};

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        const struct json *list = json_get(s->run->type, lists[k]);

        for (size_t i = 0; list && i < list->n; i++) {
            const struct json one = {.kind = JSON_ARRAY, .v = &list->v[i], .n = 1};

            if (changed(s, &one))
                return refuse_change(s->run, k == 1, cfn_scalar(&list->v[i]));
        }
    }
    return CFN_DONE;
}

int
cfn_run_update(struct cfn_run *run)
{
    struct step_scope s;
    const struct json *how = json_get(run->type, "Interrupt");
    size_t mark = store_savepoint(run->call->txn);
    int r = cfn_run_validate(run);

    assert(run->type && run->call->txn);
    if (r != CFN_DONE)
        return r;
    step_scope_init(&s, run);
    r = check_change(&s);
    if (r == CFN_DONE && how && changed(&s, json_get(how, "Changed")))
        r = interrupt(&s, how);
    if (r == CFN_RETRY)
        return r;
    if (r == CFN_DONE)
        r = steps(&s, "Update");
    if (r == CFN_DONE)
        r = read_attributes(&s);
    if (r != CFN_DONE)
        store_rollback_to(run->call->txn, mark);
    assert(r != CFN_REFUSED || run->why.p);
    return r;
}

int
cfn_run_resume(struct cfn_run *run)
{
    const struct json *how = json_get(run->type, "Interrupt");
    struct step_scope s;

    assert(run->type);
    if (!how)
        return CFN_DONE;
    step_scope_init(&s, run);
    int r = read_attributes(&s);

    if (r != CFN_DONE)
        return r;
    struct str state = state_of(&s, how);

    if (in_list(json_get(how, "Between"), state))
        return CFN_RETRY;
    return in_list(json_get(how, "Still"), state) ? step_list(&s, json_get(how, "Start"))
                                                  : CFN_DONE;
}

int
cfn_run_delete(struct cfn_run *run)
{
    struct step_scope s;

    assert(run->type && run->call->txn);
    step_scope_init(&s, run);
    int r = steps(&s, "Delete");

    if (r != CFN_REFUSED)
        return r;
    if (in_list(json_get(run->type, "Missing"), run->call->fault.code))
        return CFN_DONE;
    return in_list(json_get(run->type, "Retry"), run->call->fault.code) ? CFN_RETRY : r;
}

int
cfn_run_snapshot(struct cfn_run *run)
{
    struct step_scope s;

    assert(run->type && run->id.n && json_get(run->type, "Snapshot"));
    step_scope_init(&s, run);
    int r = steps(&s, "Snapshot");

    /* of what is gone there is none to take */
    return r == CFN_REFUSED && in_list(json_get(run->type, "Missing"), run->call->fault.code)
               ? CFN_DONE
               : r;
}

int
cfn_run_look(struct cfn_run *run, const char *what, enum cfn_seen *ret)
{
    const struct json *wanted = json_get(run->type, what);
    struct step_scope s;

    assert(run->type && what[0]);
    *ret = CFN_YES;
    if (!wanted)
        return CFN_DONE;
    step_scope_init(&s, run);
    int r = read_attributes(&s);

    if (r == CFN_REFUSED && in_list(json_get(run->type, "Missing"), run->call->fault.code)) {
        *ret = strcmp(what, "Gone") == 0 ? CFN_YES : CFN_NEVER;
        return CFN_DONE;
    }
    if (r != CFN_DONE)
        return r;
    struct str value = state_of(&s, wanted);

    *ret = in_list(json_get(wanted, "Values"), value)   ? CFN_YES
           : in_list(json_get(wanted, "Failed"), value) ? CFN_NEVER
                                                        : CFN_NOT_YET;
    if (*ret == CFN_NEVER)
        run->why =
            str_fmt(run->call->arena, "Resource did not stabilize: it is %.*s", STR_ARG(value));
    assert(*ret != CFN_NEVER || run->why.p);
    return CFN_DONE;
}

int
cfn_run_live(struct cfn_run *run, struct json *ret, bool *ret_there)
{
    const struct json *live = json_get(run->type, "Live"), *gone = json_get(run->type, "Gone");
    struct step_scope s;
    struct json value;

    assert(run->type);
    *ret = cfn_object();
    *ret_there = true;
    step_scope_init(&s, run);
    int r = read_attributes(&s);

    if (r == CFN_DONE && gone && in_list(json_get(gone, "Values"), state_of(&s, gone)))
        *ret_there = false;
    if (r == CFN_DONE && *ret_there)
        r = steps(&s, "LiveRead");
    if (r == CFN_REFUSED && in_list(json_get(run->type, "Missing"), run->call->fault.code)) {
        *ret_there = false;
        return CFN_DONE;
    }
    for (size_t i = 0; r == CFN_DONE && *ret_there && live && i < live->n; i++) {
        if (evaluate(&s, &live->v[i], &value) < 0)
            return -EINVAL;
        if (value.kind != JSON_NULL)
            cfn_put(s.scope.arena, ret, live->names[i], value);
    }
    return r;
}

int
cfn_run_value(struct cfn_run *run, const struct json *in, struct json *ret)
{
    struct step_scope s;

    step_scope_init(&s, run);
    return evaluate(&s, in, ret);
}
