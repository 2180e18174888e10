/*
 * The fast simulation of placement: the module alone, without a cloud around it, so that ten
 * thousand seeds take a minute.  Random launches, stops, starts, ends, Dedicated Hosts, faults and
 * recoveries; before each decision an oracle that keeps no counts looks at all that lives and says
 * which hosts may be answered.  What is answered must be one of them, and "no" is only answered
 * when there is none, for the right reason.
 */
#include "harness/harness.h"
#include "placement/placement.h"

#include <stdio.h>
#include <stdlib.h>

#define MODEL                                                                                      \
    "kind k vcpus=8 memory=8192 sockets=1 cores=4 families=t3,m*\n"                                \
    "zone * racks=9 hosts=2*k\n"

enum { STEPS = 600, LIVE_MAX = 512, ZONES = 3, RACKS = 9, HOSTS = 2, VCPUS = 8, MEMORY = 8192 };
enum { GROUPS = 9 };

/* An instance, which may be stopped, or a Dedicated Host. */
struct live {
    struct placement_want want;
    struct placement_spot spot;
    bool runs;
};

/* What the oracle sees of a host. */
struct seen {
    unsigned vcpus, memory, n;
    struct str family, account;
    bool several; /* since it was empty last: more than one account */
    bool dedicated, whole;
};

struct storm {
    struct arena arena;
    struct region_model model;
    struct placement *p;
    struct live *live;
    unsigned n_live;
    uint64_t seed, first_seed;
    unsigned zone_faults[ZONES], rack_faults[ZONES][RACKS], host_faults[ZONES][RACKS][HOSTS];
    struct seen seen[ZONES][RACKS][HOSTS];
    unsigned found, refused, recovered;
};

struct at {
    unsigned zone, rack, host;
};

#define RULE(s, cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            FAIL("seed %llu: %s", (unsigned long long)(s)->first_seed, #cond);                     \
    } while (0)

static unsigned
dice(struct storm *s, unsigned n)
{
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(s->seed >> 33) % n;
}

static const struct str zone_names[ZONES] = {S_INIT("z1"), S_INIT("z2"), S_INIT("z3")};
static const struct str group_names[GROUPS] = {S_INIT("c1"), S_INIT("c2"), S_INIT("c3"),
                                               S_INIT("s1"), S_INIT("s2"), S_INIT("s3"),
                                               S_INIT("p1"), S_INIT("p2"), S_INIT("p3")};

/* "z2/r3/h1" */
static struct at
at_of(const char *path)
{
    CHECK_INT(strlen(path), 8);
    return (struct at){(unsigned)(path[1] - '1'), (unsigned)(path[4] - '1'),
                       (unsigned)(path[7] - '1')};
}

static struct str
path_of(struct storm *s, struct at at)
{
    return str_fmt(&s->arena, "z%u/r%u/h%u", at.zone + 1, at.rack + 1, at.host + 1);
}

static bool
is_faulty(const struct storm *s, struct at at)
{
    return s->zone_faults[at.zone] || s->rack_faults[at.zone][at.rack] ||
           s->host_faults[at.zone][at.rack][at.host];
}

static bool
is_host(const struct live *l)
{
    return l->want.tenancy == PLACEMENT_WHOLE;
}

/* ---- the oracle ---- */

static void
see_one(struct storm *s, const struct live *l)
{
    struct at at = at_of(l->spot.path);
    struct seen *h = &s->seen[at.zone][at.rack][at.host];

    if (is_host(l)) {
        RULE(s, !h->whole);
        h->whole = true;
        return;
    }
    RULE(s, !h->n || str_eq(h->family, l->want.family));
    if (h->n && !str_eq(h->account, l->want.account))
        h->several = true;
    h->vcpus += l->want.vcpus;
    h->memory += l->want.memory_mib;
    h->n++;
    h->family = l->want.family;
    h->account = l->want.account;
    h->dedicated = h->dedicated || l->want.tenancy == PLACEMENT_DEDICATED;
    RULE(s, h->vcpus <= VCPUS && h->memory <= MEMORY);
}

/* All anew, but for who was on a host since it was empty. */
static void
see(struct storm *s)
{
    for (unsigned z = 0; z < ZONES; z++)
        for (unsigned r = 0; r < RACKS; r++)
            for (unsigned i = 0; i < HOSTS; i++)
                s->seen[z][r][i] = (struct seen){.several = s->seen[z][r][i].several};
    for (unsigned i = 0; i < s->n_live; i++)
        if (s->live[i].runs)
            see_one(s, &s->live[i]);
    for (unsigned z = 0; z < ZONES; z++)
        for (unsigned r = 0; r < RACKS; r++)
            for (unsigned i = 0; i < HOSTS; i++) {
                struct seen *h = &s->seen[z][r][i];

                h->several = h->several && h->n;
                RULE(s, !h->dedicated || !h->several);
            }
}

static bool
host_admits(const struct storm *s, struct at at, const struct placement_want *w)
{
    const struct seen *h = &s->seen[at.zone][at.rack][at.host];

    if (is_faulty(s, at) || h->vcpus + w->vcpus > VCPUS || h->memory + w->memory_mib > MEMORY ||
        (h->n && !str_eq(h->family, w->family)))
        return false;
    if (w->tenancy == PLACEMENT_WHOLE)
        return !h->whole && !h->n;
    if (w->tenancy == PLACEMENT_ON_HOST) {
        struct at want = at_of(w->host.p);

        return h->whole && want.zone == at.zone && want.rack == at.rack && want.host == at.host;
    }
    bool alone = !h->n || (!h->several && str_eq(h->account, w->account));

    return !h->whole && (alone || (w->tenancy != PLACEMENT_DEDICATED && !h->dedicated));
}

/* What runs of the want's group, besides one that moves. */
struct members {
    unsigned n, here; /* here: in the want's zone */
    unsigned per_rack[ZONES][RACKS];
    struct at one;
};

static struct members
members_of(const struct storm *s, const struct placement_want *w, const struct live *besides)
{
    struct members m = {0};

    for (unsigned i = 0; w->group.n && i < s->n_live; i++) {
        const struct live *l = &s->live[i];

        if (!l->runs || l == besides || !str_eq(l->want.group, w->group))
            continue;
        m.one = at_of(l->spot.path);
        m.per_rack[m.one.zone][m.one.rack]++;
        m.n++;
        m.here += str_eq(l->want.zone, w->zone);
    }
    return m;
}

static bool
group_admits(const struct members *m, struct at at, const struct placement_want *w)
{
    switch (w->strategy) {
    case PLACEMENT_CLUSTER:
        return !m->n || (m->one.zone == at.zone && m->one.rack == at.rack);
    case PLACEMENT_SPREAD:
        return m->here < PLACEMENT_SPREAD_MAX && !m->per_rack[at.zone][at.rack];
    case PLACEMENT_PARTITION:
        return !w->partition || at.rack % w->n_partitions == w->partition - 1;
    case PLACEMENT_NO_GROUP:
        break;
    }
    return true;
}

struct verdict {
    unsigned n, n_without_group; /* hosts of the zone that may be answered */
    bool partitions[PLACEMENT_PARTITIONS_MAX];
};

static struct verdict
judge(const struct storm *s, const struct placement_want *w, const struct members *m)
{
    struct at at = {.zone = (unsigned)(w->zone.p[1] - '1')};
    struct verdict v = {0};

    for (at.rack = 0; at.rack < RACKS; at.rack++)
        for (at.host = 0; at.host < HOSTS; at.host++) {
            if (!host_admits(s, at, w))
                continue;
            v.n_without_group++;
            if (!group_admits(m, at, w))
                continue;
            v.n++;
            if (w->strategy == PLACEMENT_PARTITION)
                v.partitions[at.rack % w->n_partitions] = true;
        }
    return v;
}

static enum placement_answer
right_no(const struct storm *s, const struct placement_want *w, const struct members *m,
         const struct verdict *v)
{
    unsigned zone = (unsigned)(w->zone.p[1] - '1');

    if (s->zone_faults[zone])
        return PLACEMENT_NO_ROOM;
    if (w->tenancy == PLACEMENT_ON_HOST)
        return is_faulty(s, at_of(w->host.p)) || at_of(w->host.p).zone != zone
                   ? PLACEMENT_NO_ROOM
                   : PLACEMENT_HOST_FULL;
    if (w->strategy == PLACEMENT_CLUSTER && m->n && m->one.zone != zone)
        return PLACEMENT_OTHER_ZONE;
    if (w->strategy == PLACEMENT_SPREAD &&
        (m->here >= PLACEMENT_SPREAD_MAX || (m->here && v->n_without_group)))
        return PLACEMENT_SPREAD_FULL;
    return PLACEMENT_NO_ROOM;
}

/* The partition is the wanted one, or has the fewest members of those with room. */
static void
check_partition(const struct storm *s, const struct placement_want *w, const struct members *m,
                const struct verdict *v, struct at at, unsigned partition)
{
    unsigned count[PLACEMENT_PARTITIONS_MAX] = {0}, zone = (unsigned)(w->zone.p[1] - '1');

    RULE(s, partition >= 1 && at.rack % w->n_partitions == partition - 1);
    for (unsigned rack = 0; rack < RACKS; rack++)
        count[rack % w->n_partitions] += m->per_rack[zone][rack];
    for (unsigned i = 0; i < w->n_partitions && !w->partition; i++)
        RULE(s, !v->partitions[i] || count[partition - 1] <= count[i]);
}

/* Asks, and compares the answer with what the oracle allows. */
static bool
decide(struct storm *s, const struct placement_want *w, const struct live *besides,
       struct placement_spot *spot)
{
    struct members m = members_of(s, w, besides);
    struct verdict v = judge(s, w, &m);
    enum placement_answer answer = placement_find(s->p, w, spot);

    if (answer != PLACEMENT_FOUND) {
        if (v.n || answer != right_no(s, w, &m, &v))
            FAIL("seed %llu: answer %d instead of %d: %u hosts of %.*s are right",
                 (unsigned long long)s->first_seed, (int)answer,
                 v.n ? PLACEMENT_FOUND : (int)right_no(s, w, &m, &v), v.n, STR_ARG(w->zone));
        s->refused++;
        return false;
    }
    struct at at = at_of(spot->path);

    if (!host_admits(s, at, w) || !group_admits(&m, at, w) || spot->path[1] != w->zone.p[1])
        FAIL("seed %llu: %s is answered, and must not be", (unsigned long long)s->first_seed,
             spot->path);
    if (w->strategy == PLACEMENT_PARTITION)
        check_partition(s, w, &m, &v, at, spot->partition);
    s->found++;
    return true;
}

/* ---- what happens ---- */

static struct placement_want
random_want(struct storm *s)
{
    static const struct str accounts[] = {S_INIT("111122223333"), S_INIT("444455556666")};
    static const struct str families[] = {S_INIT("t3"), S_INIT("m5"), S_INIT("m6i")};
    struct placement_want want = {
        .zone = zone_names[dice(s, ZONES)],
        .account = accounts[dice(s, 2)],
        .family = families[dice(s, 3)],
        .vcpus = 1 + dice(s, dice(s, 8) ? 2 : VCPUS),
        .memory_mib = 512 * (1 + dice(s, dice(s, 8) ? 2 : 16)),
    };

    if (dice(s, 2) == 0) {
        /* the second spread group is the one that fills up */
        unsigned g = dice(s, 4) ? dice(s, GROUPS) : 4;

        want.group = group_names[g];
        want.strategy = PLACEMENT_CLUSTER + g / 3;
        want.n_partitions = g / 3 == 2 ? 2 + g % 3 : 0;
        want.partition = g / 3 == 2 ? dice(s, want.n_partitions + 1) : 0;
    } else if (dice(s, 3) == 0) {
        want.tenancy = dice(s, 3) ? PLACEMENT_DEDICATED : PLACEMENT_WHOLE;
    }
    return want;
}

/* One that runs or does not; NULL: there is none. */
static struct live *
pick(struct storm *s, bool runs, bool hosts)
{
    struct live *l = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < s->n_live; i++)
        if (s->live[i].runs == runs && is_host(&s->live[i]) == hosts && dice(s, ++n) == 0)
            l = &s->live[i];
    return l;
}

static void
start(struct storm *s, struct live *l)
{
    struct placement_spot spot;

    l->runs = decide(s, &l->want, l, &spot);
    if (!l->runs)
        return;
    l->spot = spot;
    RULE(s, placement_add(s->p, str_from(spot.path), &l->want));
}

static void
launch(struct storm *s)
{
    struct live *l = &s->live[s->n_live];
    const struct live *host = dice(s, 4) == 0 ? pick(s, true, true) : NULL;

    if (s->n_live == LIVE_MAX)
        return;
    *l = (struct live){.want = random_want(s)};
    if (host && !l->want.group.n && l->want.tenancy != PLACEMENT_WHOLE) {
        l->want.tenancy = PLACEMENT_ON_HOST;
        l->want.host = path_of(s, at_of(host->spot.path));
        l->want.zone = dice(s, 8) ? host->want.zone : l->want.zone;
    }
    start(s, l);
    s->n_live += l->runs;
}

static bool
occupied(const struct storm *s, const struct live *host)
{
    struct at at = at_of(host->spot.path);

    return s->seen[at.zone][at.rack][at.host].n > 0;
}

static void
end(struct storm *s, struct live *l)
{
    if (!l || (is_host(l) && occupied(s, l)))
        return;
    if (l->runs)
        RULE(s, placement_remove(s->p, str_from(l->spot.path), &l->want));
    *l = s->live[--s->n_live];
}

static void
stop(struct storm *s, struct live *l)
{
    if (!l)
        return;
    RULE(s, placement_remove(s->p, str_from(l->spot.path), &l->want));
    l->runs = false;
}

/* A start of one whose Dedicated Host was released fails: the place is nobody's any more. */
static void
restart(struct storm *s, struct live *l)
{
    if (l)
        start(s, l);
}

/* The failed host's instances go to another whole host, and the failed one is given back. */
static void
recover_host(struct storm *s, struct live *host)
{
    struct placement_spot spot;
    struct str old = path_of(s, at_of(host->spot.path));

    if (!decide(s, &host->want, host, &spot))
        return;
    struct str new = path_of(s, at_of(spot.path));

    RULE(s, placement_add(s->p, new, &host->want));
    for (unsigned i = 0; i < s->n_live; i++) {
        struct live *l = &s->live[i];

        if (l->want.tenancy != PLACEMENT_ON_HOST || !str_eq(l->want.host, old))
            continue;
        l->want.host = new;
        if (!l->runs)
            continue;
        RULE(s, placement_remove(s->p, old, &l->want) && placement_add(s->p, new, &l->want));
        l->spot = spot;
    }
    RULE(s, placement_remove(s->p, old, &host->want));
    host->spot = spot;
    s->recovered++;
}

/* Something that a fault has hit goes elsewhere, as placer.c moves it. */
static void
recover(struct storm *s)
{
    struct placement_spot spot;
    struct live *l = pick(s, true, dice(s, 4) == 0);

    if (!l || !is_faulty(s, at_of(l->spot.path)) || l->want.tenancy == PLACEMENT_ON_HOST)
        return;
    if (is_host(l)) {
        recover_host(s, l);
        return;
    }
    RULE(s, placement_remove(s->p, str_from(l->spot.path), &l->want));
    l->runs = false;
    see(s);
    bool found = decide(s, &l->want, l, &spot);

    if (found)
        l->spot = spot;
    s->recovered += found;
    l->runs = true;
    RULE(s, placement_add(s->p, str_from(l->spot.path), &l->want));
}

static void
fault(struct storm *s)
{
    struct at at = {dice(s, ZONES), dice(s, RACKS), dice(s, HOSTS)};
    struct str path = path_of(s, at);
    unsigned depth = dice(s, 8), *n = &s->host_faults[at.zone][at.rack][at.host];

    if (depth == 0) {
        path = placement_zone_of(path);
        n = &s->zone_faults[at.zone];
    } else if (depth < 4) {
        path = placement_rack_of(path);
        n = &s->rack_faults[at.zone][at.rack];
    }
    /* two kinds of fault may be at one place; they are mended sooner than they come */
    bool on = *n < 2 && dice(s, *n ? 4 : 2) == 0;

    if (!on && !*n)
        return;
    RULE(s, placement_fault(s->p, path, on));
    *n += on ? 1 : UINT_MAX;
}

static void
storm_step(struct storm *s)
{
    unsigned what = dice(s, 100);

    if (what < 45)
        launch(s);
    else if (what < 58)
        end(s, pick(s, dice(s, 3) > 0, dice(s, 5) == 0));
    else if (what < 68)
        stop(s, pick(s, true, false));
    else if (what < 80)
        restart(s, pick(s, false, false));
    else if (what < 90)
        recover(s);
    else
        fault(s);
    see(s);
}

/* What the module counts of each host is what lives there. */
static void
check_counts(struct storm *s)
{
    for (unsigned z = 0; z < ZONES; z++)
        for (unsigned r = 0; r < RACKS; r++)
            for (unsigned i = 0; i < HOSTS; i++) {
                const struct seen *h = &s->seen[z][r][i];
                struct placement_host host;

                RULE(s, placement_host(s->p, path_of(s, (struct at){z, r, i}), &host));
                RULE(s, host.vcpus_used == h->vcpus && host.memory_used_mib == h->memory);
                RULE(s, host.n == h->n && host.whole == h->whole);
                RULE(s, host.fault == is_faulty(s, (struct at){z, r, i}));
            }
}

/* When all has gone the hardware is as it was, but for what is broken. */
static void
end_all(struct storm *s)
{
    for (unsigned i = 0; i < s->n_live; i++)
        if (s->live[i].runs && !is_host(&s->live[i]))
            stop(s, &s->live[i]);
    for (unsigned i = 0; i < s->n_live; i++)
        if (s->live[i].runs)
            stop(s, &s->live[i]);
    for (unsigned z = 0; z < ZONES; z++) {
        struct placement_want want = {zone_names[z], S("111122223333"), S("t3"), 1, 512};
        unsigned healthy = 0;

        for (unsigned r = 0; r < RACKS; r++)
            for (unsigned i = 0; i < HOSTS; i++)
                healthy += !is_faulty(s, (struct at){z, r, i});
        RULE(s, placement_room(s->p, &want, 1000) == healthy * VCPUS);
    }
}

TEST(whatever_is_launched_stopped_broken_and_recovered_every_rule_of_placement_holds,
     "PG-03 PG-18 PG-27 PG-31 PG-32 PG-38 DI-01 DI-02")
{
    const char *runs = getenv("SIM_RUNS"), *first = getenv("SIM_SEED");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    uint64_t n = runs ? strtoull(runs, NULL, 10) : 100;
    unsigned found = 0, refused = 0, recovered = 0;

    for (uint64_t i = 0; i < n; i++) {
        struct storm s = {.seed = seed + i, .first_seed = seed + i};
        char why[MODEL_WHY_BYTES];

        arena_init(&s.arena, (size_t)16 << 20);
        CHECK(region_model_read(&s.arena, S(MODEL), &s.model, why));
        s.p = placement_new(&s.model);
        s.live = ARENA_ARRAY(&s.arena, struct live, LIVE_MAX + 1);
        for (unsigned step = 0; step < STEPS; step++) {
            storm_step(&s);
            if (step % 50 == 0)
                check_counts(&s);
        }
        check_counts(&s);
        end_all(&s);
        found += s.found;
        refused += s.refused;
        recovered += s.recovered;
        placement_free(s.p);
        arena_done(&s.arena);
    }
    printf("%llu seeds: %u places found, %u refused, %u recoveries\n", (unsigned long long)n, found,
           refused, recovered);
    CHECK(found > n * 50 && refused > n * 5 && recovered > 0);
}
