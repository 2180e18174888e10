/*
 * The state is a record a host of those zones in which something was ever asked for, counts a
 * rack, and for each group a count a rack.  A search walks the racks of one zone, the emptiest
 * first, and the hosts of those that have as much left: some thousand small records in the worst
 * case, a few dozen in the usual one.
 */
#include "placement/placement.h"

#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOBODY = 0, SEVERAL = UINT32_MAX };

struct host {
    uint32_t vcpus, memory_mib; /* used */
    uint32_t n, n_dedicated;
    uint32_t account; /* number of the account, NOBODY or, until it is empty, SEVERAL */
    uint32_t family;  /* number of the family; 0: empty */
    uint32_t n_faults;
    bool whole;
};

struct rack {
    uint32_t vcpus; /* used; of a Dedicated Host all */
    uint32_t n_faults;
};

struct zone {
    struct str name;
    const struct model_zone *model;
    const struct model_kind **kinds; /* of each host of a rack */
    uint32_t rack_vcpus;
    uint32_t n_faults;
    struct rack *racks;
    struct host *hosts; /* rack by rack */
};

/* What of a group runs in a zone. */
struct group {
    struct str key;     /* the placement group's id */
    struct group *next; /* of the same placement group, in another zone */
    const struct zone *zone;
    uint32_t total;
    uint32_t *racks;
};

struct name {
    struct str text;
    uint32_t number;
};

struct placement {
    const struct region_model *model;
    struct arena arena; /* zones and names, which stay */
    struct map zones, names, groups;
    uint32_t n_names;
};

struct placement *
placement_new(const struct region_model *model)
{
    struct placement *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->model = model;
    arena_init(&p->arena, (size_t)1 << 30);
    map_init(&p->zones, 1);
    map_init(&p->names, 2);
    map_init(&p->groups, 3);
    return p;
}

static void
group_free(struct group *g)
{
    free(g->racks);
    free((char *)g->key.p);
    free(g);
}

struct placement *
placement_free(struct placement *p)
{
    if (!p)
        return NULL;
    MAP_EACH(&p->groups, entry) {
        struct group *next;

        for (struct group *g = entry->value; g; g = next) {
            next = g->next;
            group_free(g);
        }
    }
    map_done(&p->groups);
    map_done(&p->names);
    map_done(&p->zones);
    arena_done(&p->arena);
    free(p);
    return NULL;
}

/* ---- names, zones, paths ---- */

/* The same number for the same text, from 1. */
static uint32_t
number_of(struct placement *p, struct str text)
{
    struct name *name = map_get(&p->names, text);

    assert(str_ok(text));
    if (!name) {
        name = ARENA_NEW(&p->arena, struct name);
        name->text = str_dup(&p->arena, text);
        name->number = ++p->n_names;
        map_put(&p->names, name->text, name);
    }
    return name->number;
}

static struct zone *
zone_get(struct placement *p, struct str name)
{
    struct zone *zone = map_get(&p->zones, name);
    const struct model_zone *model = zone ? NULL : region_model_zone(p->model, name);

    assert(str_ok(name));
    if (zone || !model)
        return zone;
    zone = ARENA_NEW(&p->arena, struct zone);
    zone->name = str_dup(&p->arena, name);
    zone->model = model;
    zone->racks = ARENA_ARRAY(&p->arena, struct rack, model->racks);
    zone->hosts = ARENA_ARRAY(&p->arena, struct host, (size_t)model->racks * model->rack_hosts);
    zone->kinds = ARENA_ARRAY(&p->arena, const struct model_kind *, model->rack_hosts);
    for (unsigned i = 0; i < model->rack_hosts; i++) {
        zone->kinds[i] = model_host_kind(model, i);
        zone->rack_vcpus += zone->kinds[i]->vcpus;
    }
    map_put(&p->zones, zone->name, zone);
    return zone;
}

/* A place of a zone that the model has; indexes from 0, -1: the path ends before. */
struct place {
    struct zone *zone;
    int64_t rack, host;
};

/* "r12" → 11 */
static bool
index_of(struct str part, char letter, unsigned n, int64_t *ret)
{
    int64_t v;

    if (part.n < 2 || part.p[0] != letter || part.p[1] == '0' || part.p[1] == '-' ||
        !str_to_i64(str_cut(part, 1, part.n), &v) || v < 1 || v > n)
        return false;
    *ret = v - 1;
    return true;
}

static bool
place_of(struct placement *p, struct str path, struct place *ret)
{
    struct str zone = str_split(&path, '/');

    *ret = (struct place){zone_get(p, zone), -1, -1};
    if (!ret->zone)
        return false;
    if (path.p && !index_of(str_split(&path, '/'), 'r', ret->zone->model->racks, &ret->rack))
        return false;
    if (path.p && !index_of(str_split(&path, '/'), 'h', ret->zone->model->rack_hosts, &ret->host))
        return false;
    return !path.p;
}

static bool
host_of(struct placement *p, struct str path, struct place *ret)
{
    return place_of(p, path, ret) && ret->host >= 0;
}

static struct host *
host_at(const struct zone *zone, int64_t rack, int64_t host)
{
    assert(rack >= 0 && rack < zone->model->racks && host >= 0 && host < zone->model->rack_hosts);
    return &zone->hosts[rack * zone->model->rack_hosts + host];
}

static void
spot_set(struct placement_spot *spot, const struct zone *zone, unsigned rack, unsigned host)
{
    int n = snprintf(spot->path, sizeof(spot->path), "%.*s/r%u/h%u", STR_ARG(zone->name), rack + 1,
                     host + 1);

    assert(n > 0 && (size_t)n < sizeof(spot->path));
}

struct str
placement_zone_of(struct str path)
{
    return str_split(&path, '/');
}

struct str
placement_rack_of(struct str path)
{
    struct str rest = path, zone = str_split(&rest, '/'), rack = str_split(&rest, '/');

    return str_cut(path, 0, zone.n + 1 + rack.n);
}

/* ---- groups ---- */

static struct group *
group_get(struct placement *p, struct str id, const struct zone *zone)
{
    struct group *g = id.n ? map_get(&p->groups, id) : NULL;

    assert(str_ok(id));
    while (g && g->zone != zone)
        g = g->next;
    return g;
}

static struct group *
group_make(struct placement *p, struct str id, const struct zone *zone)
{
    struct group *g = group_get(p, id, zone), *first;

    assert(str_ok(id));
    if (g)
        return g;
    g = calloc(1, sizeof(*g));
    char *key = malloc(id.n);
    uint32_t *racks = calloc(zone->model->racks, sizeof(*racks));

    if (!g || !key || !racks)
        abort(); /* as an arena does: there is nothing to answer with */
    memcpy(key, id.p, id.n);
    first = map_get(&p->groups, id);
    *g = (struct group){.key = str_of(key, id.n), .zone = zone, .racks = racks};
    if (first) {
        g->next = first->next;
        first->next = g;
    } else {
        map_put(&p->groups, g->key, g);
    }
    return g;
}

/* An empty one goes.  The first of a chain lends the map its key: another takes its place. */
static void
group_drop(struct placement *p, struct group *g)
{
    struct group *first = map_get(&p->groups, g->key);

    assert(first && g->total == 0);
    if (first == g) {
        map_remove(&p->groups, g->key);
        if (g->next)
            map_put(&p->groups, g->next->key, g->next);
    } else {
        while (first->next != g)
            first = first->next;
        first->next = g->next;
    }
    group_free(g);
}

/* ---- taking and giving back ---- */

static void
count_group(struct placement *p, const struct place *at, struct str id, int by)
{
    if (!id.n)
        return;
    struct group *g = by > 0 ? group_make(p, id, at->zone) : group_get(p, id, at->zone);

    assert(g && (by > 0 || g->racks[at->rack] > 0));
    g->racks[at->rack] += (uint32_t)by;
    g->total += (uint32_t)by;
    if (!g->total)
        group_drop(p, g);
}

bool
placement_add(struct placement *p, struct str path, const struct placement_want *want)
{
    struct place at;

    assert(str_ok(path));
    if (!host_of(p, path, &at))
        return false;
    struct host *h = host_at(at.zone, at.rack, at.host);
    struct rack *rack = &at.zone->racks[at.rack];
    uint32_t account = number_of(p, want->account);

    count_group(p, &at, want->group, 1);
    if (want->tenancy == PLACEMENT_WHOLE) {
        h->whole = true;
        h->account = account;
        rack->vcpus += at.zone->kinds[at.host]->vcpus - h->vcpus;
        return true;
    }
    if (!h->whole) {
        h->account = h->account == NOBODY || h->account == account ? account : SEVERAL;
        rack->vcpus += want->vcpus;
    }
    h->family = number_of(p, want->family);
    h->vcpus += want->vcpus;
    h->memory_mib += want->memory_mib;
    h->n_dedicated += want->tenancy == PLACEMENT_DEDICATED;
    h->n++;
    return true;
}

bool
placement_remove(struct placement *p, struct str path, const struct placement_want *want)
{
    struct place at;

    assert(str_ok(path));
    if (!host_of(p, path, &at))
        return false;
    struct host *h = host_at(at.zone, at.rack, at.host);
    struct rack *rack = &at.zone->racks[at.rack];

    count_group(p, &at, want->group, -1);
    if (want->tenancy == PLACEMENT_WHOLE) {
        assert(h->whole);
        h->whole = false;
        rack->vcpus -= at.zone->kinds[at.host]->vcpus - h->vcpus;
        if (!h->n)
            h->account = NOBODY;
        return true;
    }
    assert(h->n > 0 && h->vcpus >= want->vcpus && h->memory_mib >= want->memory_mib);
    h->vcpus -= want->vcpus;
    h->memory_mib -= want->memory_mib;
    h->n_dedicated -= want->tenancy == PLACEMENT_DEDICATED;
    if (!h->whole)
        rack->vcpus -= want->vcpus;
    if (--h->n == 0) {
        h->family = 0;
        if (!h->whole)
            h->account = NOBODY;
    }
    return true;
}

bool
placement_fault(struct placement *p, struct str path, bool on)
{
    struct place at;

    if (!place_of(p, path, &at))
        return false;
    uint32_t *n = at.host >= 0   ? &host_at(at.zone, at.rack, at.host)->n_faults
                  : at.rack >= 0 ? &at.zone->racks[at.rack].n_faults
                                 : &at.zone->n_faults;

    assert(on || *n > 0);
    *n += on ? 1 : UINT32_MAX;
    return true;
}

/* ---- searching ---- */

struct search {
    struct placement *p;
    struct zone *zone;
    const struct placement_want *want;
    uint32_t account, family;
};

/* How many times the want fits into what a host has left. */
static unsigned
fits(const struct search *s, const struct host *h, const struct model_kind *kind)
{
    const struct placement_want *w = s->want;

    if (h->n_faults || h->vcpus + w->vcpus > kind->vcpus ||
        h->memory_mib + w->memory_mib > kind->memory_mib)
        return 0;
    if (h->n ? h->family != s->family : !model_kind_takes(kind, w->family))
        return 0;
    if (w->tenancy == PLACEMENT_WHOLE)
        return !h->whole && h->n == 0;
    if (w->tenancy != PLACEMENT_ON_HOST) {
        bool alone = h->account == NOBODY || h->account == s->account;

        if (h->whole || ((w->tenancy == PLACEMENT_DEDICATED || h->n_dedicated) && !alone))
            return 0;
    }
    return MIN((kind->vcpus - h->vcpus) / w->vcpus,
               (kind->memory_mib - h->memory_mib) / w->memory_mib);
}

/* The first host of a rack that something of the family runs on already, else an empty one. */
static bool
search_rack(const struct search *s, unsigned rack, struct placement_spot *ret)
{
    const struct model_zone *model = s->zone->model;
    unsigned empty = UINT_MAX;

    for (unsigned i = 0; i < model->rack_hosts; i++) {
        const struct host *h = host_at(s->zone, rack, i);

        if (!fits(s, h, s->zone->kinds[i]))
            continue;
        if (h->n) {
            spot_set(ret, s->zone, rack, i);
            return true;
        }
        empty = MIN(empty, i);
    }
    if (empty != UINT_MAX)
        spot_set(ret, s->zone, rack, empty);
    return empty != UINT_MAX;
}

static bool
rack_has_room(const struct search *s, unsigned rack)
{
    const struct rack *r = &s->zone->racks[rack];

    return !r->n_faults && r->vcpus + s->want->vcpus <= s->zone->rack_vcpus;
}

/*
 * The racks of rest, rest + step, …, without those that members of the group are in when it
 * spreads: the emptiest that has a host.  Racks that are equally empty are tried in their order.
 */
static bool
search_racks(const struct search *s, unsigned rest, unsigned step, const struct group *spread,
             struct placement_spot *ret)
{
    unsigned n = s->zone->model->racks;
    uint64_t last = 0; /* (used, rack) of the last one that was tried, 1 more */

    for (;;) {
        uint64_t best = UINT64_MAX;

        for (unsigned i = rest; i < n; i += step) {
            uint64_t rank = ((uint64_t)s->zone->racks[i].vcpus << 32 | i) + 1;

            if (rank > last && rank < best && rack_has_room(s, i) && !(spread && spread->racks[i]))
                best = rank;
        }
        if (best == UINT64_MAX)
            return false;
        if (search_rack(s, (unsigned)((best - 1) & UINT32_MAX), ret))
            return true;
        last = best;
    }
}

static enum placement_answer
search_cluster(const struct search *s, struct placement_spot *ret)
{
    const struct group *g = map_get(&s->p->groups, s->want->group);

    if (!g)
        return search_racks(s, 0, 1, NULL, ret) ? PLACEMENT_FOUND : PLACEMENT_NO_ROOM;
    if (g->zone != s->zone)
        return PLACEMENT_OTHER_ZONE;
    for (unsigned i = 0; i < s->zone->model->racks; i++)
        if (g->racks[i])
            return rack_has_room(s, i) && search_rack(s, i, ret) ? PLACEMENT_FOUND
                                                                 : PLACEMENT_NO_ROOM;
    assert(!"a group in a zone has members there");
    return PLACEMENT_NO_ROOM;
}

static enum placement_answer
search_spread(const struct search *s, struct placement_spot *ret)
{
    const struct group *g = group_get(s->p, s->want->group, s->zone);

    if (g && g->total >= PLACEMENT_SPREAD_MAX)
        return PLACEMENT_SPREAD_FULL;
    if (search_racks(s, 0, 1, g, ret))
        return PLACEMENT_FOUND;
    return g && search_racks(s, 0, 1, NULL, ret) ? PLACEMENT_SPREAD_FULL : PLACEMENT_NO_ROOM;
}

static bool
search_partition(const struct search *s, unsigned number, struct placement_spot *ret)
{
    if (!search_racks(s, number - 1, s->want->n_partitions, NULL, ret))
        return false;
    ret->partition = number;
    return true;
}

/* The wanted one, or the one with the fewest members that has room. */
static enum placement_answer
search_partitions(const struct search *s, struct placement_spot *ret)
{
    const struct group *g = group_get(s->p, s->want->group, s->zone);
    unsigned n = s->want->n_partitions;
    uint64_t count[PLACEMENT_PARTITIONS_MAX] = {0};

    assert(n >= 1 && n <= PLACEMENT_PARTITIONS_MAX && s->want->partition <= n);
    if (s->want->partition)
        return search_partition(s, s->want->partition, ret) ? PLACEMENT_FOUND : PLACEMENT_NO_ROOM;
    for (unsigned i = 0; g && i < s->zone->model->racks; i++)
        count[i % n] += g->racks[i];
    for (unsigned tried = 0; tried < n; tried++) {
        unsigned best = 0;

        for (unsigned i = 1; i < n; i++)
            if (count[i] < count[best])
                best = i;
        if (search_partition(s, best + 1, ret))
            return PLACEMENT_FOUND;
        count[best] = UINT64_MAX;
    }
    return PLACEMENT_NO_ROOM;
}

static enum placement_answer
search_host(const struct search *s, struct placement_spot *ret)
{
    struct place at;

    if (!host_of(s->p, s->want->host, &at) || at.zone != s->zone)
        return PLACEMENT_NO_ROOM;
    const struct host *h = host_at(at.zone, at.rack, at.host);

    if (at.zone->racks[at.rack].n_faults || h->n_faults)
        return PLACEMENT_NO_ROOM;
    if (!h->whole || !fits(s, h, at.zone->kinds[at.host]))
        return PLACEMENT_HOST_FULL;
    spot_set(ret, at.zone, (unsigned)at.rack, (unsigned)at.host);
    return PLACEMENT_FOUND;
}

static bool
search_begin(struct placement *p, const struct placement_want *want, struct search *s)
{
    assert(want->vcpus > 0 && want->memory_mib > 0 && want->family.n && want->account.n);
    *s = (struct search){.p = p, .zone = zone_get(p, want->zone), .want = want};
    if (!s->zone || s->zone->n_faults)
        return false;
    s->account = number_of(p, want->account);
    s->family = number_of(p, want->family);
    return true;
}

enum placement_answer
placement_find(struct placement *p, const struct placement_want *want, struct placement_spot *ret)
{
    struct search s;

    *ret = (struct placement_spot){0};
    if (!search_begin(p, want, &s))
        return PLACEMENT_NO_ROOM;
    if (want->tenancy == PLACEMENT_ON_HOST)
        return search_host(&s, ret);
    switch (want->group.n ? want->strategy : PLACEMENT_NO_GROUP) {
    case PLACEMENT_CLUSTER:
        return search_cluster(&s, ret);
    case PLACEMENT_SPREAD:
        return search_spread(&s, ret);
    case PLACEMENT_PARTITION:
        return search_partitions(&s, ret);
    case PLACEMENT_NO_GROUP:
        break;
    }
    return search_racks(&s, 0, 1, NULL, ret) ? PLACEMENT_FOUND : PLACEMENT_NO_ROOM;
}

unsigned
placement_room(struct placement *p, const struct placement_want *want, unsigned max)
{
    struct search s;
    unsigned room = 0;

    assert(!want->group.n && want->tenancy != PLACEMENT_ON_HOST);
    if (!search_begin(p, want, &s))
        return 0;
    for (unsigned rack = 0; rack < s.zone->model->racks; rack++)
        for (unsigned i = 0; i < s.zone->model->rack_hosts && !s.zone->racks[rack].n_faults; i++) {
            room += fits(&s, host_at(s.zone, rack, i), s.zone->kinds[i]);
            if (room >= max)
                return max;
        }
    return room;
}

/* ---- showing ---- */

bool
placement_known(struct placement *p, struct str path)
{
    struct place at;

    return place_of(p, path, &at);
}

const struct model_zone *
placement_zone(struct placement *p, struct str zone)
{
    struct zone *z = zone_get(p, zone);

    return z ? z->model : NULL;
}

bool
placement_host(struct placement *p, struct str path, struct placement_host *ret)
{
    struct place at;

    if (!host_of(p, path, &at))
        return false;
    const struct host *h = host_at(at.zone, at.rack, at.host);

    *ret = (struct placement_host){
        .kind = at.zone->kinds[at.host],
        .vcpus_used = h->vcpus,
        .memory_used_mib = h->memory_mib,
        .n = h->n,
        .whole = h->whole,
        .fault = h->n_faults || at.zone->racks[at.rack].n_faults || at.zone->n_faults,
    };
    MAP_EACH(&p->names, entry) {
        const struct name *name = entry->value;

        if (h->n && name->number == h->family)
            ret->family = name->text;
    }
    return true;
}
