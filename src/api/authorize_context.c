/*
 * The condition keys that a request has: of the principal and its credentials, of the way the
 * request came, of its tags, of the thing it is about.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
#include "api/guard.h"

#include "api/wire.h"
#include "base/timefmt.h"

/* ---- building ---- */

static void
add(struct api_call *call, struct policy_context *context, const char *name, struct str value)
{
    assert(name[0] != '\0');
    api_context_add(call, context, str_from(name), value);
}

static void
add_if(struct api_call *call, struct policy_context *context, const char *name, struct str value)
{
    if (value.n)
        add(call, context, name, value);
}

static void
add_bool(struct api_call *call, struct policy_context *context, const char *name, bool on)
{
    add(call, context, name, on ? S("true") : S("false"));
}

static struct str
decimal(struct api_call *call, int64_t v)
{
    char room[STR_I64_MAX];

    return str_dup(call->arena, str_i64(v, room));
}

static void
add_list(struct api_call *call, struct policy_context *context, const char *name,
         const struct str_list *values)
{
    assert(values->v || values->n == 0);
    if (values->n)
        *LIST_PUSH(call->arena, context) = (struct policy_key){
            .name = str_from(name), .values = values->v, .n = values->n, .multi = true};
}

void
api_context_add(struct api_call *call, struct policy_context *context, struct str name,
                struct str value)
{
    struct str *kept = arena_dup(call->arena, &value, sizeof(value));

    assert(str_ok(name));
    *LIST_PUSH(call->arena, context) = (struct policy_key){.name = name, .values = kept, .n = 1};
}

void
api_context_tags(struct api_call *call, const char *prefix, const struct str_list *tags,
                 struct policy_context *context)
{
    for (size_t i = 0; i + 1 < tags->n; i += 2)
        api_context_add(call, context, str_fmt(call->arena, "%s/%.*s", prefix, STR_ARG(tags->v[i])),
                        tags->v[i + 1]);
}

/* ---- the principal and its credentials ---- */

static const char *const principal_types[] = {
    [POLICY_ANONYMOUS] = "Anonymous",
    [POLICY_ROOT] = "Account",
    [POLICY_USER] = "User",
    [POLICY_SESSION] = "AssumedRole",
    [POLICY_WEB_IDENTITY] = "Anonymous",
    [POLICY_FEDERATED_USER] = "FederatedUser",
    [POLICY_SERVICE] = "Service",
};

static struct str
last_part(struct str arn)
{
    struct str name = arn;

    assert(str_ok(arn));
    for (size_t i = arn.n; i > 0; i--)
        if (arn.p[i - 1] == '/')
            return str_cut(arn, i, arn.n);
    return name;
}

static void
principal_keys(struct api_call *call, const struct str_list *tags, struct policy_context *context)
{
    const struct policy_principal *p = &call->principal;

    assert(tags->n % 2 == 0);
    /* of a session it is the role's */
    add_if(call, context, "aws:PrincipalArn", p->kind == POLICY_SESSION ? p->role_arn : p->arn);
    add_if(call, context, "aws:PrincipalAccount", p->account);
    add(call, context, "aws:PrincipalType", str_from(principal_types[p->kind]));
    add_bool(call, context, "aws:PrincipalIsAWSService", p->kind == POLICY_SERVICE);
    add_if(call, context, "aws:userid", p->id);
    if (p->kind == POLICY_SERVICE) {
        add(call, context, "aws:PrincipalServiceName", p->service);
        add(call, context, "aws:SourceAccount", call->account);
        add_if(call, context, "aws:SourceArn", call->source_arn);
    }
    if (p->kind == POLICY_USER)
        add(call, context, "aws:username", last_part(p->arn));
    api_context_tags(call, "aws:PrincipalTag", tags, context);
}

static void
session_keys(struct api_call *call, struct policy_context *context)
{
    const struct session *s = call->session;

    if (!s)
        return;
    add(call, context, "aws:TokenIssueTime", time_iso_s(call->arena, s->issued_ms));
    /* only temporary credentials say whether a device was asked for */
    add_bool(call, context, "aws:MultiFactorAuthPresent", s->mfa);
    if (s->mfa)
        add(call, context, "aws:MultiFactorAuthAge",
            decimal(call, (call->now_ms - s->mfa_ms) / 1000));
    add_if(call, context, "aws:SourceIdentity", s->source_identity);
    add_if(call, context, "aws:FederatedProvider", s->provider);
    add_if(call, context, "ec2:SourceInstanceARN", s->instance_arn);
    if (s->kind == SESSION_ROLE)
        add(call, context, "sts:RoleSessionName", s->name);
}

/* ---- how it came ---- */

static void
way_keys(struct api_call *call, struct policy_context *context)
{
    const struct api_request *req = call->request;

    add(call, context, "aws:CurrentTime", time_iso_s(call->arena, call->now_ms));
    add(call, context, "aws:EpochTime", decimal(call, call->now_ms / 1000));
    add_bool(call, context, "aws:ViaAWSService", call->via.p != NULL);
    if (call->via_all && call->via_all->n) {
        add_list(call, context, "aws:CalledVia", call->via_all);
        add(call, context, "aws:CalledViaFirst", call->via_all->v[0]);
        add(call, context, "aws:CalledViaLast", call->via_all->v[call->via_all->n - 1]);
    }
    if (!req)
        return;
    /* between services nothing goes in the clear */
    add_bool(call, context, "aws:SecureTransport", req->secure || call->via.p);
    /* the client's address is not told to a service that is called for it */
    if (!call->via.p) {
        add_if(call, context, "aws:SourceIp", req->peer);
        add_if(call, context, "aws:SourceVpc", req->source_vpc);
    }
    add_if(call, context, "aws:UserAgent", api_header(req, S("User-Agent")));
    add_if(call, context, "aws:Referer", api_header(req, S("Referer")));
}

void
api_context_caller(struct api_call *call, const struct str_list *tags,
                   struct policy_context *context)
{
    assert(tags->n % 2 == 0);
    principal_keys(call, tags, context);
    session_keys(call, context);
    way_keys(call, context);
}

/* ---- the request ---- */

/* What a member holds, in whatever form tags are written; found by names alone. */
struct tag_walk {
    struct api_call *call;
    const struct api_service *service;
    struct str_list tags; /* k, v, k, v … */
    struct str_list keys;
};

static const void *
at(const void *value, const struct api_member *m)
{
    return (const char *)value + m->offset;
}

static const struct api_member *
first_member(const struct api_service *service, const struct api_shape *shape,
             const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct api_member *m = api_member_find(service, shape, str_from(names[i]));

        if (m && (api_shape(service, m->shape)->kind == API_STRING))
            return m;
    }
    return NULL;
}

/* A list of {Key, Value} or of {TagKey, TagValue}. */
static void
walk_pairs(struct tag_walk *w, const struct api_shape *element, const struct str_list *list)
{
    static const char *const keys[] = {"Key", "TagKey", "key"};
    static const char *const values[] = {"Value", "TagValue", "value"};
    const struct api_member *k = first_member(w->service, element, keys, ARRAY_LEN(keys));
    const struct api_member *v = first_member(w->service, element, values, ARRAY_LEN(values));
    size_t size = element->size;

    assert(list->v || list->n == 0);
    for (size_t i = 0; k && i < list->n; i++) {
        const void *entry = (const char *)list->v + i * size;
        const struct str *key = at(entry, k);

        if (!key->p)
            continue;
        *LIST_PUSH(w->call->arena, &w->keys) = *key;
        *LIST_PUSH(w->call->arena, &w->tags) = *key;
        *LIST_PUSH(w->call->arena, &w->tags) =
            v && ((const struct str *)at(entry, v))->p ? *(const struct str *)at(entry, v) : S("");
    }
}

static void
walk_tags(struct tag_walk *w, const struct api_shape *shape, const void *value)
{
    /* all lists begin alike: {v, n} */
    const struct str_list *list = value;

    if (shape->kind == API_LIST) {
        const struct api_shape *element =
            api_shape(w->service, w->service->members[shape->first].shape);

        if (element->kind == API_STRUCT)
            walk_pairs(w, element, list);
        else if (element->kind == API_STRING)
            for (size_t i = 0; i < list->n; i++)
                *LIST_PUSH(w->call->arena, &w->keys) = list->v[i];
    } else if (shape->kind == API_MAP) {
        const struct api_member *k = &w->service->members[shape->first], *v = k + 1;

        for (size_t i = 0; i < list->n; i++) {
            const void *entry = (const char *)list->v + i * shape->size;

            *LIST_PUSH(w->call->arena, &w->keys) = *(const struct str *)at(entry, k);
            *LIST_PUSH(w->call->arena, &w->tags) = *(const struct str *)at(entry, k);
            *LIST_PUSH(w->call->arena, &w->tags) = *(const struct str *)at(entry, v);
        }
    }
}

/* TagSpecifications[].Tags */
static void
walk_specifications(struct tag_walk *w, const struct api_shape *shape, const void *value)
{
    const struct str_list *list = value;
    const struct api_shape *element;

    if (shape->kind != API_LIST)
        return;
    element = api_shape(w->service, w->service->members[shape->first].shape);
    const struct api_member *tags =
        element->kind == API_STRUCT ? api_member_find(w->service, element, S("Tags")) : NULL;

    for (size_t i = 0; tags && i < list->n; i++)
        walk_tags(w, api_shape(w->service, tags->shape),
                  at((const char *)list->v + i * element->size, tags));
}

/* Keys are once in aws:TagKeys, however often they stand in the request. */
static struct str_list
distinct(struct arena *a, const struct str_list *keys)
{
    struct str_list ret = {0};

    for (size_t i = 0; i < keys->n; i++)
        if (!str_in(&ret, keys->v[i]))
            *LIST_PUSH(a, &ret) = keys->v[i];
    return ret;
}

void
api_context_request(struct api_call *call, const void *req, struct policy_context *context)
{
    static const char *const names[] = {"Tags", "Tag", "TagKeys", "tags", "tagKeys"};
    struct tag_walk w = {.call = call, .service = call->service};
    const struct api_shape *input = api_shape(call->service, call->op->input);

    assert(call->op && req);
    add(call, context, "aws:RequestedRegion", call->region);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct api_member *m = api_member_find(call->service, input, str_from(names[i]));

        if (m)
            walk_tags(&w, api_shape(call->service, m->shape), at(req, m));
    }
    const struct api_member *m = api_member_find(call->service, input, S("TagSpecifications"));

    if (m)
        walk_specifications(&w, api_shape(call->service, m->shape), at(req, m));
    struct str_list *keys = ARENA_NEW(call->arena, struct str_list);

    *keys = distinct(call->arena, &w.keys);
    api_context_tags(call, "aws:RequestTag", &w.tags, context);
    add_list(call, context, "aws:TagKeys", keys);
}

/* ---- the thing ---- */

void
api_context_resource(struct api_call *call, const struct api_resource *resource,
                     struct policy_context *context)
{
    add_if(call, context, "aws:ResourceAccount",
           resource->account.n ? resource->account : call->account);
    if (resource->tags && resource->tags->n) {
        const char *own = call->service->signing;

        api_context_tags(call, "aws:ResourceTag", resource->tags, context);
        api_context_tags(call, str_fmt(call->arena, "%s:ResourceTag", own).p, resource->tags,
                         context);
    }
    for (size_t i = 0; i < resource->keys.n; i++)
        *LIST_PUSH(call->arena, context) = resource->keys.v[i];
}
