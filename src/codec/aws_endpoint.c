/* Read from the right: the domain, the region, the service; what is left is the prefix. */
#include "codec/aws_endpoint.h"

/* Services with a name without a region, all of us-east-1. */
static const struct {
    struct str service;
    bool prefixes; /* names below it are its own */
} global[] = {
    {S_INIT("iam"), false},
    {S_INIT("sts"), false},
    {S_INIT("s3"), true}, /* buckets */
    {S_INIT("route53"), false},
    {S_INIT("cloudfront"), false},
    {S_INIT("organizations"), false},
    {S_INIT("health"), true}, /* global.health */
    {S_INIT("support"), false},
    {S_INIT("budgets"), false},
    {S_INIT("ce"), false},
    {S_INIT("savingsplans"), false},
    {S_INIT("waf"), false},
    {S_INIT("shield"), false},
    {S_INIT("importexport"), false},
    {S_INIT("sdb"), false},
    {S_INIT("queue"), true}, /* REGION.queue: of sqs */
    /* From the time when there was one region. */
    {S_INIT("ec2"), false},
    {S_INIT("autoscaling"), false},
    {S_INIT("cloudformation"), false},
    {S_INIT("elasticloadbalancing"), false},
    {S_INIT("elasticbeanstalk"), false},
    {S_INIT("elasticmapreduce"), false},
    {S_INIT("monitoring"), false},
    {S_INIT("rds"), false},
};

#define FIRST_REGION S("us-east-1")

bool
aws_region_like(struct str s)
{
    static const char areas[] = "af ap ca eu il me mx sa us";
    static const char *const places[] = {"north",     "south",     "east",
                                         "west",      "central",   "northeast",
                                         "northwest", "southeast", "southwest"};
    struct str rest = s, area = str_split(&rest, '-'), place = str_split(&rest, '-');
    uint64_t number;
    bool known = false;

    if (area.n != 2 || !rest.p || rest.n > 2 || !str_to_u64(rest, &number))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        known = known || str_is(place, places[i]);
    size_t at = str_find(str_from(areas), area);
    return known && at != SIZE_MAX && at % 3 == 0;
}

/* Takes the last label off; the whole when there is but one. */
static struct str
pop(struct str *name)
{
    size_t at = name->n;

    assert(str_ok(*name));
    while (at > 0 && name->p[at - 1] != '.')
        at--;
    struct str label = str_cut(*name, at, name->n);
    *name = str_cut(*name, 0, at ? at - 1 : 0);
    return label;
}

static bool
cut_suffix(struct str *s, struct str suffix)
{
    assert(suffix.n > 0);
    if (s->n <= suffix.n || !str_ends(*s, suffix))
        return false;
    *s = str_cut(*s, 0, s->n - suffix.n);
    return true;
}

/* Letters, digits and hyphens, not at its ends; buckets may have underscores too. */
static bool
labels_good(struct str name)
{
    assert(str_ok(name));
    while (name.p) {
        struct str label = str_split(&name, '.');

        if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i];

            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
                return false;
        }
    }
    return true;
}

/* "s3-eu-west-1", "s3-website-eu-west-1", "s3-external-1": how s3 joined region and service. */
static bool
old_s3(struct str label, struct aws_endpoint *ret)
{
    static const struct str forms[] = {S_INIT("s3-website"), S_INIT("s3-fips"), S_INIT("s3")};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct str region = str_cut(label, forms[i].n + 1, label.n);

        if (!str_starts(label, forms[i]) || label.n <= forms[i].n || label.p[forms[i].n] != '-')
            continue;
        if (!aws_region_like(region) && !str_is(region, "external-1"))
            continue;
        ret->service = i == 1 ? S("s3") : forms[i];
        ret->fips = i == 1;
        ret->region = str_is(region, "external-1") ? FIRST_REGION : region;
        return true;
    }
    return false;
}

static bool
parse_global(struct str label, struct str rest, struct aws_endpoint *ret)
{
    assert(str_ok(label) && str_ok(rest));
    ret->prefix = rest;
    if (old_s3(label, ret))
        return true;
    ret->fips = cut_suffix(&label, S("-fips"));
    ret->region = FIRST_REGION;
    for (size_t i = 0; i < ARRAY_LEN(global); i++)
        if (str_eq(label, global[i].service) && (global[i].prefixes || !rest.n)) {
            ret->service = label;
            if (!str_is(label, "queue"))
                return true;
            ret->service = S("sqs");
            ret->prefix = S("");
            if (rest.n)
                ret->region = rest;
            return !rest.n || aws_region_like(rest);
        }
    return false;
}

bool
aws_endpoint_parse(struct str name, struct aws_endpoint *ret)
{
    struct aws_endpoint e = {.prefix = S("")};
    struct str rest = name;
    bool com = cut_suffix(&rest, S(".amazonaws.com"));

    assert(str_ok(name));
    if (name.n > 253 ||
        (!com && !cut_suffix(&rest, S(".api.aws")) && !cut_suffix(&rest, S(".on.aws"))) ||
        !labels_good(rest))
        return false;
    struct str label = pop(&rest);
    if (aws_region_like(label)) {
        e.region = label;
        e.service = pop(&rest);
        if (str_is(e.service, "dualstack")) {
            e.dualstack = true;
            e.service = pop(&rest);
        }
        e.fips = cut_suffix(&e.service, S("-fips"));
        e.prefix = rest;
    } else if (!com && str_is(label, "global")) {
        e.region = FIRST_REGION;
        e.service = pop(&rest);
        e.prefix = rest;
    } else if (!com || !parse_global(label, rest, &e)) {
        return false;
    }
    e.dualstack |= !com;
    if (str_is(e.prefix, "fips")) {
        e.fips = true;
        e.prefix = S("");
    }
    if (!e.service.n)
        return false;
    *ret = e;
    return true;
}
