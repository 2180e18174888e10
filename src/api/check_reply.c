/*
 * The first finding ends the walk: a test shows one sentence, and that is the bug to look at.
 */
#include "api/check_reply.h"

#include "api/scalar.h"

#include <math.h>

struct step {
    const struct step *up;
    const struct api_member *member;
    size_t index; /* from 1; 0 is a member */
};

struct checker {
    const struct api_service *service;
    struct arena *arena;
    struct str finding;
};

/* Members of EC2 that hold ids; where another kind of id may stand the member is left out. */
static const struct {
    const char *member, *prefix;
} ids[] = {
    {"AllocationId", "eipalloc-"},
    {"DhcpOptionsId", "dopt-"},
    {"ImageId", "ami-"},
    {"InstanceId", "i-"},
    {"InternetGatewayId", "igw-"},
    {"KeyPairId", "key-"},
    {"NatGatewayId", "nat-"},
    {"NetworkAclId", "acl-"},
    {"NetworkInterfaceId", "eni-"},
    {"ReservationId", "r-"},
    {"RouteTableId", "rtb-"},
    {"SecurityGroupRuleId", "sgr-"},
    {"SnapshotId", "snap-"},
    {"SubnetId", "subnet-"},
    {"VolumeId", "vol-"},
    {"VpcId", "vpc-"},
};

static struct str
path(const struct checker *c, const struct step *at)
{
    struct str head = at->up ? path(c, at->up) : S("");
    struct str tail =
        at->index ? str_fmt(c->arena, "%zu", at->index) : api_member_name(c->service, at->member);

    return head.n ? str_fmt(c->arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(tail)) : tail;
}

static void
find(struct checker *c, const struct step *at, const char *what, struct str value)
{
    if (!c->finding.p)
        c->finding = str_fmt(c->arena, "%.*s %s: '%.*s'", STR_ARG(path(c, at)), what,
                             STR_ARG(api_excerpt(value, 200)));
}

static bool
has_id_form(struct str s, struct str prefix)
{
    struct str digits = str_cut(s, prefix.n, s.n);

    assert(prefix.n > 0);
    if (!str_starts(s, prefix) || (digits.n != 8 && digits.n != 17))
        return false;
    for (size_t i = 0; i < digits.n; i++)
        if (!memchr("0123456789abcdef", digits.p[i], 16))
            return false;
    return true;
}

/* Where a member holds what the caller sent, or a word in an id's place. */
static bool
may_be_no_id(const struct checker *c, const struct step *at, struct str name, struct str s)
{
    struct str where = path(c, at);

    return (str_is(name, "DhcpOptionsId") && str_is(s, "default")) || /* a VPC without a set */
           (str_is(name, "SnapshotId") && s.n == 0) ||                /* a volume of none */
           str_starts(where, S("Unsuccessful")) ||
           str_find(where, S("LaunchTemplateData")) != SIZE_MAX;
}

static void
check_id(struct checker *c, const struct step *at, struct str s)
{
    struct str name = api_member_name(c->service, at->member);

    assert(str_ok(s));
    if (c->service->protocol != API_EC2 || at->index)
        return;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (str_is(name, ids[i].member) && !has_id_form(s, str_from(ids[i].prefix)) &&
            !may_be_no_id(c, at, name, s))
            find(c, at, "is no id of its kind", s);
}

static void check_value(struct checker *c, const struct step *at, const struct api_shape *shape,
                        const void *slot);

static void
check_members(struct checker *c, const struct step *up, uint32_t first, size_t n, const void *base)
{
    assert(base || n == 0);
    for (size_t i = 0; i < n && !c->finding.p; i++) {
        const struct api_member *m = &c->service->members[first + i];
        const struct api_shape *shape = &c->service->shapes[m->shape];
        const void *slot = (const char *)base + m->offset;
        const struct step step = {.up = up, .member = m};

        if (api_is_set(shape->kind, slot))
            check_value(c, &step, shape, slot);
        else if (m->flags & API_REQUIRED)
            find(c, &step, "is required and absent", STR_NONE);
        else if (shape->kind == API_LIST && ((const struct str_list *)slot)->n)
            find(c, &step, "has a length and no elements", STR_NONE);
    }
}

static void
check_made(struct checker *c, const struct step *at, const struct api_shape *shape,
           struct api_maker *maker)
{
    const struct api_member *element = &c->service->members[shape->first];

    for (size_t i = 0; i < maker->n && !c->finding.p; i++) {
        const struct step step = {.up = at, .member = element, .index = i + 1};
        void *item = arena_alloc(c->arena, shape->size);

        maker->make(maker, i, c->arena, item);
        check_value(c, &step, &c->service->shapes[element->shape], item);
    }
}

static void
check_list(struct checker *c, const struct step *at, const struct api_shape *shape,
           const void *slot)
{
    const struct str_list *list = slot; /* any list has this layout */
    const struct api_member *element = &c->service->members[shape->first];

    assert(shape->size > 0);
    if (list->n == API_MADE) {
        check_made(c, at, shape, (struct api_maker *)list->v);
        return;
    }
    for (size_t i = 0; i < list->n && !c->finding.p; i++) {
        const struct step step = {.up = at, .member = element, .index = i + 1};
        const void *item = (const char *)list->v + i * shape->size;

        if (shape->kind == API_MAP)
            check_members(c, &step, shape->first, 2, item);
        else
            check_value(c, &step, &c->service->shapes[element->shape], item);
    }
}

static void
check_text(struct checker *c, const struct step *at, const struct api_shape *shape, struct str s)
{
    assert(str_ok(s));
    if (s.n && !s.p)
        find(c, at, "has a length and no text", STR_NONE);
    else if (!str_is_utf8(s))
        find(c, at, "is not UTF-8", S(""));
    else if (shape->kind == API_ENUM && !(shape->flags & API_OPEN) &&
             !api_enum_has(c->service, shape, s))
        find(c, at, "is not a value of its enum", s);
    else
        check_id(c, at, s);
}

static void
check_value(struct checker *c, const struct step *at, const struct api_shape *shape,
            const void *slot)
{
    bool element = at->index != 0;

    assert(slot && shape->kind <= API_MAP);
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
        check_text(c, at, shape, *api_slot_str(slot));
        return;
    case API_INT:
        if (api_slot_i64(slot, element) != (int32_t)api_slot_i64(slot, element))
            find(c, at, "does not fit into 32 bits", STR_NONE);
        return;
    case API_FLOAT:
    case API_DOUBLE:
        if (!isfinite(api_slot_f64(slot, element)))
            find(c, at, "is not a number", STR_NONE);
        return;
    case API_STRUCT:
        check_members(c, at, shape->first, shape->n, api_slot_struct(slot, element));
        return;
    case API_LIST:
    case API_MAP:
        check_list(c, at, shape, slot);
        return;
    case API_BLOB:
    case API_DOCUMENT:
    case API_BOOL:
    case API_LONG:
    case API_TIME:
        return;
    }
}

struct str
api_check_reply(const struct api_service *service, const struct api_op *op, const void *res,
                struct arena *arena)
{
    struct checker c = {.service = service, .arena = arena};
    const struct api_shape *output = &service->shapes[op->output];

    assert(output->kind == API_STRUCT);
    check_members(&c, NULL, output->first, output->n, res);
    return c.finding;
}
