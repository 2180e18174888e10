/*
 * See engine.h.  A round looks at each balancer and each group; what it knows of nodes that run is
 * in memory, and a daemon that comes back has them run anew.
 */
#include "elbv2/engine.h"

#include "api/looks.h"
#include "base/log.h"
#include "base/map.h"
#include "codec/json.h"
#include "elbv2/config.h"
#include "gen/store/ec2_rows.h"
#include "store/states.h"

#include <stdlib.h>

enum {
    MODEL_CHECK_MS = 1000, /* the first check of the model */
    RETRY_MS = 5000,       /* until a node that ended is started again */
    SAID_NODES_MAX = 64,
};

/* A node that runs or is to. */
struct node {
    struct elb_engine *e;
    size_t id_n;
    char id[32];
    bool up, asked;
    int64_t retry_ms; /* by the cloud's clock */
    uint64_t told;    /* hash of what it was told last */
};

struct elb_engine {
    struct api_looks looks;
    const struct api_balancers *driver; /* NULL: the model */
    struct map nodes;
};

static int64_t
now_ms(const struct api_looks *looks)
{
    return loop_now_ms(looks->loop, LOOP_CLOUD);
}

static struct elb_engine *
engine_of(struct api_looks *looks)
{
    return CONTAINER_OF(looks, struct elb_engine, looks);
}

/* ---- targets ---- */

static int
health_put(struct txn *txn, const struct elb_target_row *row, struct str health, struct str reason,
           struct str description)
{
    struct elb_target_row new = *row;

    new.health = health;
    new.reason = reason;
    new.description = description;
    assert(elb_target_ok(&new));
    return elb_written(elb_target_update(txn, &new), "target", row->id);
}

static bool
is_active(struct txn *txn, struct str group_id)
{
    STORE_EACH(txn, elb_use_by_group, use, group_id) {
        const struct elb_balancer_row *balancer = elb_balancer_get(txn, use->balancer_id);

        assert(balancer);
        if (balancer->active)
            return true;
    }
    return false;
}

static void
look_again(int64_t *next_ms, int64_t at_ms)
{
    if (!*next_ms || at_ms < *next_ms)
        *next_ms = at_ms;
}

/* What becomes of the health of one that is used: initial until the first check. */
static int
look_health(struct elb_engine *e, struct txn *txn, const struct elb_target_row *row,
            int64_t *next_ms)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->target_id);
    struct elb_health shown = elb_target_health(txn, row);
    int64_t now = now_ms(&e->looks),
            from = MAX(row->registered_ms, instance ? instance->launched_ms : 0);

    if (str_is(shown.state, "draining"))
        return 0;
    if (str_is(shown.state, "unused") || !is_active(txn, row->group_id))
        return str_is(row->reason, "Elb.RegistrationInProgress")
                   ? 0
                   : health_put(txn, row, S("initial"), S("Elb.RegistrationInProgress"),
                                S("Target registration is in progress"));
    if (str_is(row->reason, "Elb.RegistrationInProgress"))
        return health_put(txn, row, S("initial"), S("Elb.InitialHealthChecking"),
                          S("Initial health checks in progress"));
    if (e->driver || !str_is(row->health, "initial"))
        return 0;
    if (now >= from + MODEL_CHECK_MS)
        return health_put(txn, row, S("healthy"), S(""), S(""));
    look_again(next_ms, from + MODEL_CHECK_MS);
    return 0;
}

/* Instances that were terminated leave by themselves. */
static int
look_target(struct elb_engine *e, struct txn *txn, const struct elb_target_row *row,
            int64_t *next_ms)
{
    bool by_instance = str_starts(row->target_id, S("i-"));
    const struct ec2_instance_row *instance =
        by_instance ? ec2_instance_get(txn, row->target_id) : NULL;
    bool gone = by_instance && (!instance || instance->state == EC2_TERMINATED);

    assert(elb_target_ok(row));
    if (gone || (row->draining_until_ms && now_ms(&e->looks) >= row->draining_until_ms))
        return elb_written(elb_target_delete(txn, row->id), "target", row->id);
    if (row->draining_until_ms)
        look_again(next_ms, row->draining_until_ms);
    return look_health(e, txn, row, next_ms);
}

static int
look_group(struct elb_engine *e, struct txn *txn, struct str id, int64_t *next_ms)
{
    int r = 0;

    STORE_EACH(txn, elb_target_by_group, row, id)
        if (!r)
            r = look_target(e, txn, row, next_ms);
    return r;
}

/* ---- nodes ---- */

static struct node *
node_of(struct elb_engine *e, struct str id)
{
    struct node *node = map_get(&e->nodes, id);

    if (node)
        return node;
    node = calloc(1, sizeof(*node));
    if (!node || id.n > sizeof(node->id))
        abort();
    node->e = e;
    node->id_n = id.n;
    memcpy(node->id, id.p, id.n);
    map_put(&e->nodes, str_of(node->id, node->id_n), node);
    return node;
}

static void
node_free(struct node *node)
{
    map_remove(&node->e->nodes, str_of(node->id, node->id_n));
    free(node);
}

/* It runs, and knows what there is to know. */
static int
look_node(struct elb_engine *e, struct txn *txn, const struct elb_node_row *row, int64_t *next_ms)
{
    struct node *node = node_of(e, row->id);
    struct str line;

    assert(elb_node_ok(row) && e->driver);
    if (!node->asked) {
        if (now_ms(&e->looks) < node->retry_ms) {
            look_again(next_ms, node->retry_ms);
            return 0;
        }
        node->asked = e->driver->start(e->driver->ctx, row->id, (unsigned)row->slot) == 0;
        node->retry_ms = now_ms(&e->looks) + RETRY_MS;
        if (!node->asked)
            look_again(next_ms, node->retry_ms);
        return 0;
    }
    if (!node->up)
        return 0;
    int r = elb_config(txn, &e->looks.arena, row, &line);

    if (r)
        return r;
    uint64_t hash = str_hash(line, 1);

    if (node->told != hash && e->driver->tell(e->driver->ctx, row->id, line) == 0)
        node->told = hash;
    return 0;
}

static int
look_balancer(struct elb_engine *e, struct txn *txn, const struct elb_balancer_row *row,
              int64_t *next_ms)
{
    struct elb_balancer_row new = *row;
    bool all_up = true;
    int r = 0;

    if (e->driver)
        STORE_EACH(txn, elb_node_by_balancer, node, row->id) {
            if (!r)
                r = look_node(e, txn, node, next_ms);
            all_up = all_up && node_of(e, node->id)->up;
        }
    if (r || row->active || !all_up)
        return r;
    new.active = true;
    new.failure = S("");
    return elb_written(elb_balancer_update(txn, &new), "load balancer", row->id);
}

/* ---- rounds ---- */

static void
list(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    STORE_EACH(txn, elb_balancer_by_key, row)
        *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
    STORE_EACH(txn, elb_target_group_by_key, row)
        *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
}

static bool
look(struct api_looks *looks, struct str id)
{
    struct elb_engine *e = engine_of(looks);
    struct txn *txn = store_begin(looks->store);
    const struct elb_balancer_row *balancer = elb_balancer_get(txn, id);
    int64_t next_ms = 0;
    int r = balancer ? look_balancer(e, txn, balancer, &next_ms) : look_group(e, txn, id, &next_ms);

    if (r < 0) {
        store_rollback(txn);
        return false;
    }
    assert(!arena_spent(&looks->arena));
    return api_looks_commit(looks, txn, next_ms);
}

/* Nodes that have no row any more are stopped. */
static bool
sweep(struct api_looks *looks)
{
    struct elb_engine *e = engine_of(looks);
    struct txn *txn = store_begin(looks->store);
    struct node *gone;

    do {
        gone = NULL;
        MAP_EACH(&e->nodes, entry)
            if (!elb_node_get(txn, entry->key))
                gone = entry->value;
        if (gone && gone->asked)
            e->driver->stop(e->driver->ctx, str_of(gone->id, gone->id_n));
        if (gone)
            node_free(gone);
    } while (gone);
    store_rollback(txn);
    return false;
}

/* ---- what nodes say ---- */

static void
on_up(void *ctx, struct str id)
{
    struct elb_engine *e = ctx;
    struct node *node = map_get(&e->nodes, id);

    if (node) {
        node->up = true;
        node->told = 0;
        loop_defer(e->looks.loop, &e->looks.task);
    }
}

/* Why a balancer that was never active cannot be is shown with it. */
static void
failure_put(struct elb_engine *e, struct str id, struct str why)
{
    struct txn *txn = store_begin(e->looks.store);
    const struct elb_node_row *node = elb_node_get(txn, id);
    const struct elb_balancer_row *row = node ? elb_balancer_get(txn, node->balancer_id) : NULL;
    struct elb_balancer_row new;

    if (row && !row->active && why.n) {
        new = *row;
        new.failure = why;
        elb_written(elb_balancer_update(txn, &new), "load balancer", row->id);
    }
    store_commit(txn);
}

static void
on_ended(void *ctx, struct str id, struct str why)
{
    struct elb_engine *e = ctx;
    struct node *node = map_get(&e->nodes, id);

    if (!node)
        return;
    log_warn("node %.*s of a load balancer has ended: %.*s", STR_ARG(id), STR_ARG(why));
    node->up = node->asked = false;
    node->retry_ms = now_ms(&e->looks) + RETRY_MS;
    failure_put(e, id, why);
    loop_defer(e->looks.loop, &e->looks.task);
}

static bool
is_health(struct str state)
{
    return str_is(state, "healthy") || str_is(state, "unhealthy");
}

/* {"group", "target", "port", "since", "state", "reason", "description"} */
static void
on_said(void *ctx, struct str id, struct str line)
{
    struct elb_engine *e = ctx;
    struct arena arena;
    struct json said;
    size_t at;
    int64_t port, since;

    arena_init(&arena, 64 << 10);
    if (map_get(&e->nodes, id) && json_parse(&arena, line, SAID_NODES_MAX, &said, &at) &&
        is_health(json_text(&said, "state")) && json_i64(json_get(&said, "port"), &port) &&
        json_i64(json_get(&said, "since"), &since)) {
        struct txn *txn = store_begin(e->looks.store);
        struct str group = json_text(&said, "group"), target = json_text(&said, "target");
        const struct elb_target_row *row = elb_target_get(
            txn, str_fmt(&arena, "%.*s %.*s %d", STR_ARG(group), STR_ARG(target), (int)port));
        bool healthy = str_is(json_text(&said, "state"), "healthy");
        struct str reason = json_text(&said, "reason");

        if (row && row->registered_ms == since && healthy == !reason.n)
            health_put(txn, row, json_text(&said, "state"), reason.n ? reason : S(""),
                       json_text(&said, "description").n ? json_text(&said, "description") : S(""));
        store_commit(txn);
    } else {
        log_warn("node %.*s of a load balancer said what is not understood", STR_ARG(id));
    }
    arena_done(&arena);
}

/* ---- what wakes it ---- */

/* Instances change often, and few of them are targets: only of those that begin or end to run. */
static void
on_instance(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *old = old_row, *new = new_row;

    if (!old || !new || old->state != new->state)
        api_looks_on_change(ctx, old_row, new_row);
}

int
elb_engine_new(struct elb_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    static const struct api_looks_kind kind = {
        .bytes_max = (size_t)16 << 20, .list = list, .look = look, .after = sweep};
    static const struct store_table *const watched[] = {
        &elb_balancer_table, &elb_node_table, &elb_target_group_table, &elb_target_table,
        &elb_listener_table, &elb_rule_table, &elb_use_table};
    struct elb_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return error_origin(ENOMEM, "the engine of load balancers cannot be made");
    map_init(&e->nodes, 1);
    api_looks_init(&e->looks, &kind, loop, store, api);
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        store_watch(store, watched[i], api_looks_on_change, &e->looks);
    store_watch(store, &ec2_instance_table, on_instance, &e->looks);
    *ret = e;
    return 0;
}

void
elb_engine_run(struct elb_engine *e, const struct api_balancers *driver,
               struct api_balancer_events *ret)
{
    assert(!e->driver && driver->start && driver->stop && driver->tell);
    e->driver = driver;
    *ret = (struct api_balancer_events){.ctx = e, .up = on_up, .ended = on_ended, .said = on_said};
    loop_defer(e->looks.loop, &e->looks.task);
}

struct elb_engine *
elb_engine_free(struct elb_engine *e)
{
    if (!e)
        return NULL;
    MAP_EACH(&e->nodes, entry)
        free(entry->value);
    map_done(&e->nodes);
    api_looks_done(&e->looks);
    free(e);
    return NULL;
}
