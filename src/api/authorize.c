/*
 * The decisions of an operation.  What an operation is about comes from its line in the .ops file,
 * what a thing is from its service's hook, what the principal may from caller.c.
 */
#include "api/guard.h"

#include "api/validate.h"
#include "api/wire.h"
#include "base/error.h"
#include "base/log.h"

const struct api_service_hooks *
api_guard_hooks(const struct api_call *call)
{
    assert(call->guard && call->service);
    for (size_t i = 0; call->guard->services[i]; i++)
        if (call->guard->services[i]->service == call->service)
            return call->guard->services[i];
    return NULL;
}

/* The root of an account needs no policy for what is its own. */
static bool
is_free_root(const struct api_call *call, const struct api_resource *resource)
{
    return call->principal.kind == POLICY_ROOT && !resource->policy.n &&
           (!resource->account.n || str_eq(resource->account, call->account));
}

/* ---- one decision ---- */

static int
resource_policy(struct api_call *call, const struct api_resource *resource, struct policy_set *set)
{
    int r = 0;

    assert(call->service);
    if (resource->policy.n) {
        struct str name = str_fmt(call->arena, "of %.*s", STR_ARG(resource->arn));

        r = policy_cache_get(&call->guard->policies, call->arena, name, resource->policy_kind,
                             resource->policy, &set->resource);
    }
    set->resource_account = resource->account.n ? resource->account : call->account;
    set->resource_rules = resource->policy_rules;
    return r;
}

static void
append(struct api_call *call, struct policy_context *to, const struct policy_context *more)
{
    assert(to->v || to->n == 0);
    for (size_t i = 0; more && i < more->n; i++)
        *LIST_PUSH(call->arena, to) = more->v[i];
}

/* The request's keys; of its tags only those that are for this thing. */
static void
append_request(struct api_call *call, const struct api_resource *resource,
               struct policy_context *to)
{
    const struct str_list *tags = resource->new_tags;
    struct str_list keys = {0};

    for (size_t i = 0; call->request_keys && i < call->request_keys->n; i++) {
        const struct policy_key *k = &call->request_keys->v[i];

        if (!tags || !(str_is(k->name, "aws:TagKeys") || str_starts(k->name, S("aws:RequestTag/"))))
            *LIST_PUSH(call->arena, to) = *k;
    }
    if (!tags || !tags->n)
        return;
    api_context_tags(call, "aws:RequestTag", tags, to);
    for (size_t i = 0; i + 1 < tags->n; i += 2)
        *LIST_PUSH(call->arena, &keys) = tags->v[i];
    *LIST_PUSH(call->arena, to) =
        (struct policy_key){.name = S("aws:TagKeys"), .values = keys.v, .n = keys.n, .multi = true};
}

static void
tell(struct api_call *call, const struct policy_request *asked,
     const struct policy_decision *decision)
{
    enum log_level level = decision->allowed ? LOG_DEBUG : LOG_INFO;
    struct str by, name;

    assert(asked && decision);
    if (!log_shows(level))
        return;
    by = api_decided_by(call->arena, decision);
    name = api_policy_name(call->caller, decision->policy);
    log_line(level, "%.*s %s %.*s on %.*s: %.*s%s%.*s", STR_ARG(call->principal.arn),
             decision->allowed ? "may" : "may not", STR_ARG(asked->action),
             STR_ARG(asked->resource), STR_ARG(by), name.n ? " " : "", STR_ARG(name));
}

/* Decides and, when *ret is false, leaves the refusal in call->fault unless it is only asked. */
static int
decide(struct api_call *call, struct str action, const struct api_resource *resource,
       const struct policy_context *extra, bool refuse, bool *ret)
{
    struct policy_context context = {0};
    int r = api_caller_load(call);

    assert(action.n > 0);
    assert(call->account.n == 12 || call->principal.kind == POLICY_ANONYMOUS);
    if (r < 0)
        return r;
    struct policy_set set = call->caller->set;

    r = resource_policy(call, resource, &set);
    if (r < 0)
        return r;
    /* the first of a name counts: what is known of this decision before what is known of all */
    append(call, &context, extra);
    api_context_resource(call, resource, &context);
    append_request(call, resource, &context);
    append(call, &context, &call->caller->keys);
    const struct policy_request asked = {.action = action,
                                         .resource = resource->arn,
                                         .principal = &call->principal,
                                         .context = &context};
    struct policy_decision decision = policy_decide(&set, &asked);

    const struct api_service_hooks *hooks = api_guard_hooks(call);

    if (!decision.allowed && !decision.explicit_deny && hooks->granted &&
        hooks->granted(call, action, resource, extra))
        decision.allowed = true;
    *ret = decision.allowed;
    tell(call, &asked, &decision);
    if (!decision.allowed && refuse)
        return api_refusal(call, &asked, &decision, resource->policy_kind == POLICY_TRUST);
    return 0;
}

int
api_authorize_on(struct api_call *call, struct str action, const struct api_resource *resource,
                 const struct policy_context *extra)
{
    bool may;

    assert(resource->arn.n > 0 && str_find_char(action, ':') != SIZE_MAX);
    return is_free_root(call, resource) ? 0 : decide(call, action, resource, extra, true, &may);
}

bool
api_may(struct api_call *call, struct str action, const struct api_resource *resource,
        const struct policy_context *extra)
{
    bool may = false;

    assert(resource->arn.n > 0 && str_find_char(action, ':') != SIZE_MAX);
    if (is_free_root(call, resource))
        return true;
    return decide(call, action, resource, extra, false, &may) == 0 && may;
}

int
api_authorize_pass_role(struct api_call *call, struct str role_arn, const char *service)
{
    assert(str_ok(role_arn));
    return api_authorize_pass_role_to(call, role_arn, service, STR_NONE);
}

int
api_authorize_pass_role_to(struct api_call *call, struct str role_arn, const char *service,
                           struct str thing_arn)
{
    struct policy_context extra = {0};
    const struct api_resource role = {.arn = role_arn};

    assert(service[0] != '\0');
    assert(str_starts(role_arn, S("arn:aws:iam::")));
    api_context_add(call, &extra, S("iam:PassedToService"), str_from(service));
    if (thing_arn.n)
        api_context_add(call, &extra, S("iam:AssociatedResourceArn"), thing_arn);
    return api_authorize_on(call, S("iam:PassRole"), &role, &extra);
}

/* ---- what an operation is about ---- */

/* The path that the request gives what it makes: "/team/", else "/". */
static struct str
path_of(const struct api_call *call)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    const struct api_member *m = api_member_find(call->service, input, S("Path"));
    const struct str *path = m ? (const void *)((const char *)call->input + m->offset) : NULL;

    assert(!m || api_shape(call->service, m->shape)->kind == API_STRING);
    return path && path->n ? *path : S("/");
}

/* Puts region, account and id into "arn:aws:ec2:{region}:{account}:instance/{id}". */
static struct str
arn_of(struct api_call *call, struct str template, struct str id)
{
    const struct {
        struct str name, value;
    } holes[] = {{S("region"), call->region},
                 {S("account"), call->account},
                 {S("path"), path_of(call)},
                 {S("id"), id}};
    struct str out = S("");

    assert(template.n > 0);
    while (template.p) {
        out = str_cat(call->arena, out, str_split(&template, '{'));
        if (!template.p)
            break;
        struct str name = str_split(&template, '}');
        size_t i = 0;

        while (i < ARRAY_LEN(holes) && !str_eq(holes[i].name, name))
            i++;
        assert(i < ARRAY_LEN(holes));
        out = str_cat(call->arena, out, holes[i].value);
    }
    return out;
}

int
api_resource_find(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    const struct api_service *service = call->service;
    const struct api_service_hooks *hooks = api_guard_hooks(call);
    size_t i = 0;

    while (i < service->n_resources && !str_is(type, api_text(service, service->resources[i].name)))
        i++;
    assert(i < service->n_resources);
    *ret = (struct api_resource){.policy_kind = POLICY_RESOURCE};
    if (str_starts(id, S("arn:"))) {
        struct str rest = id;

        /* arn:aws:SERVICE:REGION:ACCOUNT:… */
        for (int part = 0; part < 4; part++)
            str_split(&rest, ':');
        ret->arn = id;
        ret->account = str_split(&rest, ':');
        if (ret->account.n != 12) /* "aws", or nobody's: S3's buckets, images */
            ret->account = STR_NONE;
    } else {
        ret->arn = arn_of(call, str_from(api_text(service, service->resources[i].arn)),
                          id.n ? id : S("*"));
    }
    if (hooks->resource && !str_is(id, "*"))
        return hooks->resource(call, type, id, ret);
    return 0;
}

/* All text at a path below `value`, into a list. */
static void
collect(struct api_call *call, const struct api_shape *shape, const void *value,
        const uint16_t *path, struct str_list *ret)
{
    const struct api_service *service = call->service;

    if (shape->kind == API_LIST) {
        const struct str_list *list = value;
        const struct api_shape *element = api_shape(service, service->members[shape->first].shape);
        static const size_t text_bytes = sizeof(struct str);
        size_t size = shape->size ? shape->size : text_bytes;

        for (size_t i = 0; i < list->n; i++)
            collect(call, element, (const char *)list->v + i * size, path, ret);
    } else if (shape->kind == API_STRUCT) {
        assert(*path < shape->n);
        const struct api_member *m = &service->members[shape->first + *path];
        const struct api_shape *below = api_shape(service, m->shape);
        const void *at = (const char *)value + m->offset;

        /* a struct in a struct is a pointer */
        if (below->kind == API_STRUCT)
            at = *(const void *const *)at;
        if (at)
            collect(call, below, at, path + 1, ret);
    } else {
        const struct str *text = value;

        assert(shape->kind == API_STRING || shape->kind == API_ENUM);
        if (text->n)
            *LIST_PUSH(call->arena, ret) = *text;
    }
}

static struct str
action_of(struct api_call *call, const struct api_on *on)
{
    struct str action = str_from(api_text(call->service, on->action));

    assert(on->action < call->service->pool_bytes);
    return action.n ? action : api_action(call);
}

struct str
api_action(struct api_call *call)
{
    return str_fmt(call->arena, "%s:%.*s", call->service->signing,
                   STR_ARG(api_op_name(call->service, call->op)));
}

static bool
has_tags(const struct api_call *call)
{
    for (size_t i = 0; i < call->request_keys->n; i++)
        if (str_is(call->request_keys->v[i].name, "aws:TagKeys"))
            return true;
    return false;
}

/* The decisions of one `on`, whose places are the n entries from `on`. */
static int
authorize_on(struct api_call *call, const void *req, const struct api_on *on, size_t n)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    struct str action = action_of(call, on);
    struct api_resource resource = {.arn = S("*")};
    struct str_list ids = {0};
    int r = 0;

    assert(n > 0);
    if ((on->flags & API_ON_IF_TAGS) && !has_tags(call))
        return 0;
    if (on->resource == API_NONE)
        return api_authorize_on(call, action, &resource, NULL);
    for (size_t i = 0; i < n; i++)
        if (on[i].path[0] != API_NONE)
            collect(call, input, req, on[i].path, &ids);
    if (!ids.n && (on->flags & API_ON_IF_GIVEN))
        return 0;
    if (!ids.n)
        *LIST_PUSH(call->arena, &ids) = on->path[0] == API_NONE ? S("*") : S("");
    struct str type =
        str_from(api_text(call->service, call->service->resources[on->resource].name));

    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = api_resource_find(call, type, ids.v[i], &resource);
        if (r == 0)
            r = api_authorize_on(call, action, &resource, NULL);
    }
    return r;
}

static int
each_on(struct api_call *call, const void *req)
{
    const struct api_on *on = &call->service->ons[call->op->first_on];
    size_t left = call->op->n_on;
    int r = 0;

    while (left > 0 && r == 0) {
        size_t n = 1;

        while (on[n - 1].flags & API_ON_OR)
            n++;
        assert(n <= left);
        r = authorize_on(call, req, on, n);
        on += n;
        left -= n;
    }
    return r;
}

int
api_authorize(struct api_call *call, const void *req)
{
    const struct api_service_hooks *hooks = api_guard_hooks(call);
    const struct api_resource everything = {.arn = S("*")};
    struct policy_context *keys;

    assert(call->op && req);
    call->input = req;
    if (call->op->flags & (API_NO_AUTH | API_ANYONE))
        return 0;
    if (call->instance.p)
        return api_authorize_instance(call, req);
    if (call->principal.kind == POLICY_ROOT && !hooks->resource_policies)
        return 0;
    keys = ARENA_NEW(call->arena, struct policy_context);
    call->request_keys = keys;
    api_context_request(call, req, keys);
    if (hooks->context)
        hooks->context(call, req, keys);
    if (call->op->n_on)
        return each_on(call, req);
    if (call->op->flags & API_ON_HANDLER)
        return 0;
    return api_authorize_on(call, api_action(call), &everything, NULL);
}

/* ---- calls between services ---- */

static const struct api_service_hooks *
service_named(const struct api_guard *guard, const char *name)
{
    assert(name[0] != '\0');
    for (size_t i = 0; guard->services[i]; i++)
        if (strcmp(guard->services[i]->service->name, name) == 0)
            return guard->services[i];
    return NULL;
}

int
api_call_internal(struct api_call *call, const char *service, const char *operation,
                  const void *req, void *res, const char *via)
{
    const struct api_service_hooks *hooks = service_named(call->guard, service);
    struct api_call inner = *call;
    struct str_list via_all = {0};

    assert(req && res);
    assert(hooks && call->txn);
    inner.service = hooks->service;
    inner.op = api_op_find(hooks->service, str_from(operation));
    assert(inner.op);
    api_handler *handler = api_op_handler(inner.service, inner.op);

    if (!handler)
        return error_origin(ENOSYS, "%s:%s is not implemented, and %s wants it", service, operation,
                            via);
    for (size_t i = 0; call->via_all && i < call->via_all->n; i++)
        *LIST_PUSH(call->arena, &via_all) = call->via_all->v[i];
    *LIST_PUSH(call->arena, &via_all) = str_from(via);
    inner.via = str_from(via);
    inner.via_all = &via_all;
    inner.caller = NULL; /* its keys tell the way */
    inner.request_keys = NULL;
    inner.reply = NULL; /* the caller has the output alone */
    inner.upload = NULL;
    inner.streams = false;
    if (inner.service->global)
        inner.region = S("us-east-1");
    size_t mark = store_savepoint(call->txn);
    inner.wire = api_wire_of(inner.service->protocol);
    int r = api_validate(inner.service, inner.service->protocol,
                         api_shape(inner.service, inner.op->input), call->arena, req, &inner.fault);

    /* what dispatch does for calls from outside; a call that no request made may write */
    bool may_write = !call->op || (call->op->flags & API_WRITE);

    if (r == 0 && may_write && hooks->prepare_needed && hooks->prepare_needed(&inner))
        r = hooks->prepare(&inner);
    if (r == 0)
        r = api_authorize(&inner, req);
    if (r == 0)
        r = handler(&inner, req, res);
    if (r != 0) {
        store_rollback_to(call->txn, mark);
        call->fault = inner.fault;
    }
    return r;
}
