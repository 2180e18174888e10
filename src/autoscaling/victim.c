/*
 * Whom a scale-in ends.  First the zone: one that the group has left, else the one with the most
 * instances, if any there is not protected.  Then each of the group's policies narrows who is left,
 * until one is; after the last one it is chance.
 */
#include "autoscaling/engine.h"

#define HOUR_MS (INT64_C(3600) * 1000)

struct candidates {
    const struct asg_look *look;
    struct asg_instance_row **v;
    size_t n;
};

static bool
may_end(const struct asg_instance_row *row)
{
    return row->state == ASG_IN_SERVICE && !row->protected;
}

/* How much a zone wants to lose one: more than any that is the group's when it is not. */
static int64_t
weight(const struct asg_look *look, struct str zone)
{
    return str_in(&look->group.zones, zone) ? asg_live(look, zone) : INT64_MAX;
}

static void
in_heaviest_zone(struct candidates *c)
{
    const struct asg_look *look = c->look;
    struct str zone = STR_NONE;
    int64_t most = 0;

    LIST_EACH(&look->instances, row) {
        if (may_end(row) && weight(look, row->zone) > most) {
            most = weight(look, row->zone);
            zone = row->zone;
        }
    }
    LIST_EACH(&look->instances, row)
        if (zone.p && may_end(row) && str_eq(row->zone, zone))
            c->v[c->n++] = row;
}

/* ---- policies: the less, the sooner it ends ---- */

static int64_t
by_age(const struct asg_look *look UNUSED, const struct asg_instance_row *row)
{
    return row->joined_ms;
}

static int64_t
by_youth(const struct asg_look *look UNUSED, const struct asg_instance_row *row)
{
    return -row->joined_ms;
}

/* A configuration that is deleted is older than any that is there; of a template: never. */
static int64_t
by_config(const struct asg_look *look, const struct asg_instance_row *row)
{
    const struct asg_launch_config_row *config =
        row->launch_config.n ? asg_launch_config_look(look->call, row->launch_config) : NULL;

    return config ? config->created_ms : row->launch_config.n ? 0 : INT64_MAX;
}

/* Another template than the group's before older versions of it; of a configuration: never. */
static int64_t
by_template(const struct asg_look *look, const struct asg_instance_row *row)
{
    int64_t version;

    if (!row->template_id.n)
        return INT64_MAX;
    if (!str_eq(row->template_id, look->group.template_id))
        return 0;
    return str_to_i64(row->template_version, &version) ? version : 0;
}

/* Those of configurations go before those of templates. */
static int64_t
by_config_or_template(const struct asg_look *look, const struct asg_instance_row *row)
{
    return row->launch_config.n ? by_config(look, row) - INT64_MAX : by_template(look, row);
}

static int64_t
by_hour(const struct asg_look *look, const struct asg_instance_row *row)
{
    int64_t age_ms = look->call->now_ms - row->joined_ms;

    assert(age_ms >= 0);
    return (HOUR_MS - age_ms % HOUR_MS) % HOUR_MS;
}

typedef int64_t measure(const struct asg_look *look, const struct asg_instance_row *row);

static void
narrow(struct candidates *c, measure *of)
{
    int64_t least = INT64_MAX;
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        least = MIN(least, of(c->look, c->v[i]));
    for (size_t i = 0; i < c->n; i++)
        if (of(c->look, c->v[i]) == least)
            c->v[n++] = c->v[i];
    assert(n > 0 || c->n == 0);
    c->n = n;
}

/* The later its type comes in the mixed instances policy, the sooner; those that left it first. */
static int64_t
by_strategy(const struct asg_look *look, const struct asg_instance_row *row)
{
    struct asg_kind_list kinds;
    int r = asg_kinds(look->call, &look->group, &kinds);

    for (size_t i = 0; r == 0 && i < kinds.n; i++)
        if (!kinds.v[i].type.n || str_eq(kinds.v[i].type, row->type))
            return -(int64_t)i;
    return INT64_MIN;
}

static const struct {
    const char *name;
    measure *of[3];
} policies[] = {
    {"Default", {by_strategy, by_config_or_template, by_hour}},
    {"AllocationStrategy", {by_strategy}},
    {"OldestInstance", {by_age}},
    {"NewestInstance", {by_youth}},
    {"OldestLaunchConfiguration", {by_config}},
    {"OldestLaunchTemplate", {by_template}},
    {"ClosestToNextInstanceHour", {by_hour}},
};

struct asg_instance_row *
asg_victim(struct asg_look *look)
{
    struct candidates c = {.look = look};
    uint64_t chance;

    c.v = ARENA_ARRAY(look->call->arena, struct asg_instance_row *, look->instances.n);
    in_heaviest_zone(&c);
    LIST_EACH(&look->group.termination, name)
        for (size_t i = 0; i < ARRAY_LEN(policies); i++)
            for (size_t k = 0; k < ARRAY_LEN(policies[i].of) && str_is(*name, policies[i].name);
                 k++)
                if (policies[i].of[k])
                    narrow(&c, policies[i].of[k]);
    if (!c.n)
        return NULL;
    look->call->env->random(look->call->env, &chance, sizeof(chance));
    assert(may_end(c.v[chance % c.n]));
    return c.v[chance % c.n];
}
