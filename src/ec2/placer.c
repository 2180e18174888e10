/*
 * The placer keeps the placement module in step with the rows.
 *
 * A claim is what a row says of a host: who, how much, which group.  Watches add and remove claims
 * as commits change rows.  A transaction that places an instance adds the claim at once, so that
 * its next instance sees it, and notes it in the journal.  The commit's watch finds it there; what
 * is still there when the next search begins, and is no row by then, was rolled back.
 */
#include "ec2/placer.h"

#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "gen/data/region_model.h"

#include <stdio.h>
#include <stdlib.h>

struct entry {
    struct str id; /* of the instance or Dedicated Host; its texts live in the journal's arena */
    struct str path;
    struct placement_want want;
    bool done; /* committed */
};

struct ec2_placer {
    struct store *store;
    struct arena arena; /* the model */
    struct region_model model;
    struct placement *placement;
    struct arena journal_arena; /* reset when the journal is empty */
    struct {
        struct entry *v;
        size_t n;
    } journal;
    size_t first; /* of the journal that is not done */
};

/* ---- claims ---- */

static bool
occupies(const struct ec2_instance_row *row)
{
    return row && row->host.n && row->state != EC2_STOPPED && row->state != EC2_TERMINATED;
}

static enum placement_tenancy
tenancy_of(const struct ec2_instance_row *row)
{
    if (str_is(row->tenancy, "dedicated"))
        return PLACEMENT_DEDICATED;
    return str_is(row->tenancy, "host") ? PLACEMENT_ON_HOST : PLACEMENT_SHARED;
}

/* All but what groups and hosts add, which is not needed to count. */
static struct placement_want
claim_of(const struct ec2_instance_row *row)
{
    const struct ec2_type *type = ec2_type_find(row->type);

    return (struct placement_want){
        .zone = row->zone,
        .account = row->account,
        .family = str_cut(row->type, 0, str_find_char(row->type, '.')),
        /* a type that a newer catalogue has lost still weighs what the row says */
        .vcpus = type ? type->vcpus : (unsigned)row->vcpus,
        .memory_mib = type ? type->memory_mib : (unsigned)row->memory_mib,
        .tenancy = tenancy_of(row),
        .group = row->group_id,
    };
}

static bool
same_claim(const struct ec2_instance_row *a, const struct ec2_instance_row *b)
{
    return str_eq(a->host, b->host) && str_eq(a->type, b->type) &&
           str_eq(a->group_id, b->group_id) && str_eq(a->tenancy, b->tenancy);
}

/* ---- the journal ---- */

static void
journal_tidy(struct ec2_placer *p)
{
    assert(p->first <= p->journal.n);
    while (p->first < p->journal.n && p->journal.v[p->first].done)
        p->first++;
    if (p->first < p->journal.n)
        return;
    p->first = p->journal.n = 0;
    p->journal.v = NULL;
    arena_reset(&p->journal_arena);
}

static struct str
journal_add(struct ec2_placer *p, struct str id, struct str path, const struct placement_want *want)
{
    struct arena *a = &p->journal_arena;
    struct entry *e = LIST_PUSH(a, &p->journal);

    assert(id.n > 0 && path.n > 0);
    *e = (struct entry){.id = str_dup(a, id), .path = str_dup(a, path), .want = *want};
    e->want.zone = str_dup(a, want->zone);
    e->want.account = str_dup(a, want->account);
    e->want.family = str_dup(a, want->family);
    e->want.group = str_dup(a, want->group);
    return e->path;
}

/* A commit brings rows in the order of the journal: the first entry is nearly always the one. */
static bool
journal_take(struct ec2_placer *p, struct str id, struct str path)
{
    for (size_t i = p->first; i < p->journal.n; i++) {
        struct entry *e = &p->journal.v[i];

        if (!e->done && str_eq(e->id, id) && str_eq(e->path, path)) {
            e->done = true;
            journal_tidy(p);
            return true;
        }
    }
    return false;
}

/* Whether the entry is a row of this transaction. */
static bool
is_row(struct txn *txn, const struct entry *e)
{
    const struct ec2_dedicated_host_row *host = ec2_dedicated_host_get(txn, e->id);
    const struct ec2_instance_row *row = ec2_instance_get(txn, e->id);

    return host ? str_eq(host->host, e->path) : occupies(row) && str_eq(row->host, e->path);
}

/*
 * Claims of a transaction, or of its newest part, that was rolled back: the newest entries, up to
 * the first one that is a row.
 */
static void
journal_settle(struct ec2_placer *p, struct txn *txn)
{
    for (; p->journal.n > p->first; p->journal.n--) {
        const struct entry *e = &p->journal.v[p->journal.n - 1];

        if (!e->done && is_row(txn, e))
            return;
        if (!e->done)
            placement_remove(p->placement, e->path, &e->want);
    }
    journal_tidy(p);
}

/* ---- following the rows ---- */

static void
instance_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *old = old_row, *new = new_row;
    struct ec2_placer *p = ctx;

    if (occupies(old) && occupies(new) && same_claim(old, new))
        return;
    if (occupies(old)) {
        const struct placement_want want = claim_of(old);

        placement_remove(p->placement, old->host, &want);
    }
    if (occupies(new) && !journal_take(p, new->id, new->host)) {
        const struct placement_want want = claim_of(new);

        placement_add(p->placement, new->host, &want);
    }
}

static struct placement_want
whole_of(const struct ec2_dedicated_host_row *row, const struct ec2_type *type)
{
    return (struct placement_want){
        .zone = row->zone,
        .account = row->account,
        .family = row->instance_family,
        .vcpus = type ? type->vcpus : 1,
        .memory_mib = type ? type->memory_mib : 1,
        .tenancy = PLACEMENT_WHOLE,
    };
}

static void
host_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_dedicated_host_row *old = old_row, *new = new_row;
    struct ec2_placer *p = ctx;

    if (old && new &&str_eq(old->host, new->host))
        return;
    if (old && old->host.n) {
        const struct placement_want want = whole_of(old, NULL);

        placement_remove(p->placement, old->host, &want);
    }
    if (new &&new->host.n && !journal_take(p, new->id, new->host)) {
        const struct placement_want want = whole_of(new, NULL);

        placement_add(p->placement, new->host, &want);
    }
}

/* Slots that no instance uses. */
static void
count_slots(struct ec2_placer *p, const struct ec2_capacity_reservation_row *row,
            bool (*count)(struct placement *, struct str, const struct placement_want *))
{
    const struct ec2_instance_row like = {
        .account = row->account, .zone = row->zone, .type = row->type, .tenancy = row->tenancy};
    const struct placement_want want = claim_of(&like);

    LIST_EACH(&row->hosts, host)
        count(p->placement, *host, &want);
}

static void
reservation_changed(void *ctx, const void *old_row, const void *new_row)
{
    if (old_row)
        count_slots(ctx, old_row, placement_remove);
    if (new_row)
        count_slots(ctx, new_row, placement_add);
}

/* A place without network is no place to put something either. */
static void
fault_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_fault_row *old = old_row, *new = new_row;
    struct ec2_placer *p = ctx;

    if (!old && new)
        placement_fault(p->placement, new->target, true);
    if (old && !new)
        placement_fault(p->placement, old->target, false);
}

/* ---- life ---- */

/* Instances of a database that is older than placement get a host now. */
static int
place_homeless(struct ec2_placer *p, struct txn *txn)
{
    static const enum ec2_instance_state states[] = {EC2_PENDING, EC2_RUNNING, EC2_STOPPING,
                                                     EC2_SHUTTING_DOWN};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        STORE_EACH(txn, ec2_instance_by_state, row, states[i]) {
            struct ec2_instance_row new = *row;

            if (r || row->host.n || ec2_placer_place(p, txn, &new) != PLACEMENT_FOUND)
                continue;
            assert(new.host.n > 0 && ec2_instance_ok(&new));
            r = ec2_instance_update(txn, &new);
        }
    return r;
}

static int
load(struct ec2_placer *p)
{
    struct txn *txn = store_begin(p->store);

    STORE_EACH(txn, ec2_fault_by_key, row)
        fault_changed(p, NULL, row);
    STORE_EACH(txn, ec2_dedicated_host_by_key, row)
        host_changed(p, NULL, row);
    STORE_EACH(txn, ec2_instance_by_key, row)
        instance_changed(p, NULL, row);
    STORE_EACH(txn, ec2_capacity_reservation_by_key, row)
        reservation_changed(p, NULL, row);
    int r = place_homeless(p, txn);

    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    return r;
}

int
ec2_placer_new(struct ec2_placer **ret, struct store *store, struct str model,
               char why[STORE_WHY_BYTES])
{
    struct ec2_placer *p = calloc(1, sizeof(*p));
    char sentence[MODEL_WHY_BYTES];

    if (!p)
        return -ENOMEM;
    p->store = store;
    arena_init(&p->arena, (size_t)16 << 20);
    arena_init(&p->journal_arena, (size_t)16 << 20);
    if (!region_model_read(&p->arena, model.p ? model : str_from(region_model_default), &p->model,
                           sentence)) {
        snprintf(why, STORE_WHY_BYTES, "The region model is wrong: %s.", sentence);
        ec2_placer_free(p);
        return -EINVAL;
    }
    p->placement = placement_new(&p->model);
    if (!p->placement) {
        ec2_placer_free(p);
        return -ENOMEM;
    }
    store_watch(store, &ec2_fault_table, fault_changed, p);
    store_watch(store, &ec2_dedicated_host_table, host_changed, p);
    store_watch(store, &ec2_capacity_reservation_table, reservation_changed, p);
    store_watch(store, &ec2_instance_table, instance_changed, p);
    int r = load(p);
    if (r < 0) {
        snprintf(why, STORE_WHY_BYTES, "Instances cannot be placed: %s.", strerror(-r));
        ec2_placer_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

struct ec2_placer *
ec2_placer_free(struct ec2_placer *p)
{
    if (!p)
        return NULL;
    placement_free(p->placement);
    arena_done(&p->journal_arena);
    arena_done(&p->arena);
    free(p);
    return NULL;
}

struct placement *
ec2_placer_placement(struct ec2_placer *p, struct txn *txn)
{
    journal_settle(p, txn);
    return p->placement;
}

/* ---- placing ---- */

static enum placement_strategy
strategy_of(struct str name)
{
    if (str_is(name, "cluster"))
        return PLACEMENT_CLUSTER;
    return str_is(name, "spread") ? PLACEMENT_SPREAD : PLACEMENT_PARTITION;
}

static struct placement_want
want_of(struct txn *txn, const struct ec2_instance_row *row)
{
    struct placement_want want = claim_of(row);
    const struct ec2_dedicated_host_row *host =
        row->host_id.n ? ec2_dedicated_host_get(txn, row->host_id) : NULL;
    const struct ec2_placement_group_row *group =
        row->group_id.n ? ec2_placement_group_get(txn, row->group_id) : NULL;

    if (host)
        want.host = host->host;
    if (group) {
        assert(row->partition_number >= 0 && str_eq(group->account, row->account));
        want.strategy = strategy_of(group->strategy);
        want.n_partitions = (unsigned)group->partition_count;
        want.partition = (unsigned)row->partition_number;
    }
    return want;
}

static bool
cluster_elsewhere(struct txn *txn, const struct ec2_instance_row *row,
                  const struct placement_want *want)
{
    if (want->strategy != PLACEMENT_CLUSTER)
        return false;
    struct str zone = ec2_cluster_zone(txn, row->group_id, row->id);

    return zone.n && !str_eq(zone, row->zone);
}

/* Another host than the one it left, if there is one: while this looks, that one is broken. */
static enum placement_answer
find_elsewhere(struct ec2_placer *p, const struct placement_want *want, struct str left,
               struct placement_spot *ret)
{
    bool avoids = left.n && want->tenancy != PLACEMENT_ON_HOST;
    enum placement_answer answer = PLACEMENT_NO_ROOM;

    if (avoids && placement_fault(p->placement, left, true)) {
        answer = placement_find(p->placement, want, ret);
        placement_fault(p->placement, left, false);
    }
    return answer == PLACEMENT_FOUND ? answer : placement_find(p->placement, want, ret);
}

enum placement_answer
ec2_placer_place(struct ec2_placer *p, struct txn *txn, struct ec2_instance_row *row)
{
    struct placement_want want = want_of(txn, row);
    struct placement_spot spot;
    bool moves = occupies(row);

    journal_settle(p, txn);
    if (cluster_elsewhere(txn, row, &want))
        return PLACEMENT_OTHER_ZONE;
    /* one that moves is not in its own way */
    if (moves)
        moves = placement_remove(p->placement, row->host, &want);
    enum placement_answer answer = find_elsewhere(p, &want, row->left_host, &spot);
    if (moves)
        placement_add(p->placement, row->host, &want);
    if (answer != PLACEMENT_FOUND)
        return answer;
    /* The row's memory is the caller's until it is written: the journal's copy lasts as long. */
    row->host = str_from(spot.path);
    placement_add(p->placement, row->host, &want);
    row->host = journal_add(p, row->id, row->host, &want);
    assert(str_starts(row->host, row->zone));
    if (spot.partition)
        row->partition_number = spot.partition;
    return PLACEMENT_FOUND;
}

enum placement_answer
ec2_placer_allocate(struct ec2_placer *p, struct txn *txn, struct ec2_dedicated_host_row *row,
                    const struct ec2_type *type)
{
    struct placement_want want = whole_of(row, type);
    struct placement_spot spot;

    assert(row->id.n > 0 && row->zone.n > 0);
    journal_settle(p, txn);
    enum placement_answer answer = placement_find(p->placement, &want, &spot);
    if (answer != PLACEMENT_FOUND)
        return answer;
    placement_add(p->placement, str_from(spot.path), &want);
    row->host = journal_add(p, row->id, str_from(spot.path), &want);
    return PLACEMENT_FOUND;
}

bool
ec2_placer_reserve(struct ec2_placer *p, struct txn *txn, struct arena *arena,
                   const struct ec2_instance_row *like, unsigned n, struct str_list *hosts)
{
    const struct placement_want want = want_of(txn, like);
    struct placement_spot spot;
    size_t before = hosts->n;
    bool found = true;

    journal_settle(p, txn);
    for (unsigned i = 0; i < n && found; i++) {
        found = placement_find(p->placement, &want, &spot) == PLACEMENT_FOUND;
        if (found) {
            *LIST_PUSH(arena, hosts) = str_dup(arena, str_from(spot.path));
            placement_add(p->placement, str_from(spot.path), &want);
        }
    }
    for (size_t i = before; i < hosts->n; i++)
        placement_remove(p->placement, hosts->v[i], &want);
    assert(hosts->n - before <= n && found == (hosts->n - before == n));
    return found;
}

enum placement_answer
ec2_placer_try(struct ec2_placer *p, struct txn *txn, const struct ec2_instance_row *row,
               unsigned n)
{
    struct placement_want want = want_of(txn, row);
    struct placement_spot spot;

    assert(n >= 1);
    journal_settle(p, txn);
    if (cluster_elsewhere(txn, row, &want))
        return PLACEMENT_OTHER_ZONE;
    if (want.group.n || want.tenancy == PLACEMENT_ON_HOST)
        return placement_find(p->placement, &want, &spot);
    return placement_room(p->placement, &want, n) == n ? PLACEMENT_FOUND : PLACEMENT_NO_ROOM;
}

const struct ec2_instance_row *
ec2_group_member(struct txn *txn, struct str group_id, struct str besides)
{
    static const enum ec2_instance_state states[] = {EC2_PENDING, EC2_RUNNING, EC2_SHUTTING_DOWN,
                                                     EC2_STOPPING, EC2_STOPPED};

    assert(group_id.n > 0);
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        STORE_EACH(txn, ec2_instance_by_group, row, group_id, states[i])
            if (!str_eq(row->id, besides))
                return row;
    return NULL;
}

struct str
ec2_cluster_zone(struct txn *txn, struct str group_id, struct str besides)
{
    const struct ec2_instance_row *member = ec2_group_member(txn, group_id, besides);

    return member ? member->zone : STR_NONE;
}
