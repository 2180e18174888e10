/*
 * Where datapoints are and how they move.
 *
 * A row a datapoint would be 14 million rows a day for a thousand instances; a row a metric would
 * be rewritten whole each minute.  So datapoints lie packed (pack.h) in rows of a metric, a unit
 * and a span of time.  New ones go into spans of a minute (of seconds) or an hour (of minutes):
 * some hundred bytes in a commit.  Once an hour the upkeep looks at every metric and moves what is
 * old enough: the hours of a day into one row, those of 15 days ago into datapoints of five
 * minutes, those of 63 days ago into datapoints of an hour, and what is older than 455 days away.
 * Late datapoints come into the first tiers too and are moved by the next look: a metric's data of
 * a time may lie in two tiers for a while, and reading adds up what it finds.
 *
 * It is level-triggered: what is moved is told by the rows and the clock alone.
 */
#include "cloudwatch/tier.h"

#include "base/error.h"
#include "base/log.h"
#include "cloudwatch/alarm.h"

#include <stdio.h>
#include <stdlib.h>

enum { METRICS_A_LOOK = 1000, ARENA_BYTES_MAX = 48 << 20 };

const struct cloudwatch_tier cloudwatch_tiers[CLOUDWATCH_N_TIERS] = {
    [CLOUDWATCH_TIER_SECONDS] = {1000, CLOUDWATCH_MINUTE_MS, CLOUDWATCH_MINUTE_MS,
                                 3 * CLOUDWATCH_HOUR_MS},
    [CLOUDWATCH_TIER_MINUTES] = {CLOUDWATCH_MINUTE_MS, CLOUDWATCH_HOUR_MS, CLOUDWATCH_DAY_MS,
                                 2 * CLOUDWATCH_HOUR_MS},
    [CLOUDWATCH_TIER_DAYS] = {CLOUDWATCH_MINUTE_MS, CLOUDWATCH_DAY_MS, CLOUDWATCH_DAY_MS,
                              15 * CLOUDWATCH_DAY_MS},
    [CLOUDWATCH_TIER_FIVE] = {5 * CLOUDWATCH_MINUTE_MS, 10 * CLOUDWATCH_DAY_MS,
                              10 * CLOUDWATCH_DAY_MS, 63 * CLOUDWATCH_DAY_MS},
    [CLOUDWATCH_TIER_HOURS] = {CLOUDWATCH_HOUR_MS, 100 * CLOUDWATCH_DAY_MS, 100 * CLOUDWATCH_DAY_MS,
                               CLOUDWATCH_KEEP_MS},
};

struct cloudwatch_upkeep {
    struct loop *loop;
    struct store *store;
    struct loop_timer timer;
    char after[CLOUDWATCH_METRIC_ID_BYTES]; /* the metric that was looked at last; "": from first */
};

static int64_t
floor_to(int64_t ms, int64_t step)
{
    int64_t rest = ms % step;

    assert(step > 0);
    return ms - (rest < 0 ? rest + step : rest);
}

unsigned
cloudwatch_tier_of_age(int64_t age_ms)
{
    unsigned tier = CLOUDWATCH_TIER_SECONDS;

    while (tier + 1 < CLOUDWATCH_N_TIERS &&
           (tier == CLOUDWATCH_TIER_MINUTES || age_ms > cloudwatch_tiers[tier].keep_ms))
        tier++;
    return tier;
}

int64_t
cloudwatch_span_start(unsigned tier, int64_t time_ms)
{
    assert(tier < CLOUDWATCH_N_TIERS);
    return floor_to(time_ms, cloudwatch_tiers[tier].span_ms);
}

uint32_t
cloudwatch_span_place(unsigned tier, int64_t time_ms)
{
    int64_t in_span = time_ms - cloudwatch_span_start(tier, time_ms);

    assert(in_span >= 0 && in_span < cloudwatch_tiers[tier].span_ms);
    return (uint32_t)(in_span / cloudwatch_tiers[tier].point_ms);
}

struct str
cloudwatch_span_id(struct str metric, unsigned tier, unsigned unit, int64_t start_ms,
                   char room[CLOUDWATCH_SPAN_ID_BYTES])
{
    int n = snprintf(room, CLOUDWATCH_SPAN_ID_BYTES, "%.*s/%u/%u/%lld", STR_ARG(metric), tier, unit,
                     (long long)start_ms);

    assert(n > 0 && n < CLOUDWATCH_SPAN_ID_BYTES);
    return str_of(room, (size_t)n);
}

int
cloudwatch_span_add(struct txn *txn, struct arena *arena, struct str metric, unsigned tier,
                    unsigned unit, int64_t start_ms, const struct cloudwatch_points *points)
{
    char room[CLOUDWATCH_SPAN_ID_BYTES];
    struct cloudwatch_span_row row = {
        .id = cloudwatch_span_id(metric, tier, unit, start_ms, room),
        .metric = metric,
        .tier = tier,
        .unit = unit,
        .start_ms = start_ms,
    };
    const struct cloudwatch_span_row *old = cloudwatch_span_get(txn, row.id);
    struct cloudwatch_points all = {0};

    assert(unit < cloudwatch_n_units && cloudwatch_span_start(tier, start_ms) == start_ms);
    if (old && !cloudwatch_unpack(arena, old->points, &all)) {
        log_error("datapoints of %.*s cannot be read", STR_ARG(row.id));
        return -EUCLEAN;
    }
    LIST_EACH(points, point)
        cloudwatch_points_add(arena, &all, point);
    row.points = cloudwatch_pack(arena, &all);
    cloudwatch_span_assert(&row);
    return old ? cloudwatch_span_update(txn, &row) : cloudwatch_span_insert(txn, &row);
}

/* ---- moving ---- */

/* What goes into one row of the next tier. */
struct target {
    unsigned unit;
    int64_t start_ms;
    struct cloudwatch_points points;
};
struct targets {
    struct target *v;
    size_t n;
};

static struct target *
target_of(struct arena *arena, struct targets *targets, unsigned unit, int64_t start_ms)
{
    /* Spans come in order of time: those of a start stand together. */
    for (size_t i = targets->n; i-- > 0 && targets->v[i].start_ms == start_ms;)
        if (targets->v[i].unit == unit)
            return &targets->v[i];
    struct target *new = LIST_PUSH(arena, targets);

    assert(unit < cloudwatch_n_units);

    *new = (struct target){.unit = unit, .start_ms = start_ms};
    return new;
}

static int
move_span(struct arena *arena, struct targets *targets, const struct cloudwatch_span_row *row)
{
    unsigned tier = (unsigned)row->tier, next = tier + 1;
    struct cloudwatch_points points;

    assert(next < CLOUDWATCH_N_TIERS);
    if (!cloudwatch_unpack(arena, row->points, &points)) {
        log_error("datapoints of %.*s cannot be read: they are dropped", STR_ARG(row->id));
        return 0;
    }
    LIST_EACH(&points, point) {
        int64_t ms = row->start_ms + point->place * cloudwatch_tiers[tier].point_ms;
        struct target *target =
            target_of(arena, targets, (unsigned)row->unit, cloudwatch_span_start(next, ms));

        point->place = cloudwatch_span_place(next, ms);
        cloudwatch_points_add(arena, &target->points, point);
    }
    return 0;
}

static bool
is_due(const struct cloudwatch_span_row *row, int64_t now_ms)
{
    const struct cloudwatch_tier *tier = &cloudwatch_tiers[row->tier];

    cloudwatch_span_assert(row);

    return floor_to(row->start_ms, tier->move_ms) + tier->move_ms + tier->keep_ms <= now_ms;
}

static int
move_tier(struct txn *txn, struct arena *arena, struct str metric, unsigned tier, int64_t now_ms)
{
    struct targets targets = {0};
    int r = 0;

    STORE_EACH(txn, cloudwatch_span_by_metric, row, metric, (int64_t)tier) {
        if (r < 0 || !is_due(row, now_ms))
            break;
        if (tier + 1 < CLOUDWATCH_N_TIERS)
            r = move_span(arena, &targets, row);
        if (r >= 0)
            r = cloudwatch_span_delete(txn, row->id);
    }
    LIST_EACH(&targets, t) {
        if (r >= 0)
            r = cloudwatch_span_add(txn, arena, metric, tier + 1, t->unit, t->start_ms, &t->points);
    }
    return r;
}

/* One transaction for one metric. */
static void
look_at(struct cloudwatch_upkeep *u, struct str id, int64_t now_ms)
{
    struct txn *txn = store_begin(u->store);
    struct arena arena;
    bool empty = true;
    int r = 0;

    arena_init(&arena, ARENA_BYTES_MAX);
    for (unsigned tier = 0; tier < CLOUDWATCH_N_TIERS && r >= 0; tier++)
        r = move_tier(txn, &arena, id, tier, now_ms);
    STORE_EACH(txn, cloudwatch_span_by_metric, row, id) {
        assert(row->tier >= 0 && row->tier < CLOUDWATCH_N_TIERS);
        empty = false;
        break;
    }
    if (r >= 0 && empty)
        r = cloudwatch_metric_delete(txn, id);
    if (r < 0) {
        log_error("old datapoints of metric %.*s stay: %s", STR_ARG(id), strerror(-r));
        store_rollback(txn);
    } else {
        store_commit(txn);
    }
    arena_done(&arena);
}

static void
trim_history(struct cloudwatch_upkeep *u, int64_t now_ms)
{
    struct txn *txn = store_begin(u->store);

    if (cloudwatch_history_trim(txn, now_ms) < 0)
        store_rollback(txn);
    else
        store_commit(txn);
}

static void
take_look(struct loop_timer *timer)
{
    struct cloudwatch_upkeep *u = CONTAINER_OF(timer, struct cloudwatch_upkeep, timer);
    int64_t now_ms = loop_now_ms(u->loop, LOOP_CLOUD);
    struct str_list ids = {0};
    struct arena arena;

    arena_init(&arena, (size_t)1 << 20);
    struct txn *txn = store_begin(u->store);
    struct store_cursor c = store_seek(txn, &cloudwatch_metric_by_key, NULL, 0);

    store_after(&c, STORE_KEYS(str_from(u->after)));
    for (const struct cloudwatch_metric_row *row;
         ids.n < METRICS_A_LOOK && (row = cloudwatch_metric_by_key_next(&c));)
        *LIST_PUSH(&arena, &ids) = str_dup(&arena, row->id);
    store_rollback(txn);
    LIST_EACH(&ids, id)
        look_at(u, *id, now_ms);
    trim_history(u, now_ms);

    bool more = ids.n == METRICS_A_LOOK;
    struct str last = more ? ids.v[ids.n - 1] : S("");

    assert(last.n < sizeof(u->after));
    memcpy(u->after, last.p, last.n);
    u->after[last.n] = '\0';
    arena_done(&arena);
    loop_timer_set(u->loop, timer, LOOP_CLOUD,
                   more ? now_ms + 100 : floor_to(now_ms, CLOUDWATCH_HOUR_MS) + CLOUDWATCH_HOUR_MS);
}

int
cloudwatch_upkeep_new(struct cloudwatch_upkeep **ret, struct loop *loop, struct store *store)
{
    struct cloudwatch_upkeep *u = calloc(1, sizeof(*u));

    assert(loop && store);
    if (!u)
        return error_origin(ENOMEM, "the upkeep of metrics cannot be made");
    *u = (struct cloudwatch_upkeep){.loop = loop, .store = store, .timer = {.fn = take_look}};
    loop_timer_set(loop, &u->timer, LOOP_CLOUD, loop_now_ms(loop, LOOP_CLOUD));
    *ret = u;
    return 0;
}

struct cloudwatch_upkeep *
cloudwatch_upkeep_free(struct cloudwatch_upkeep *u)
{
    if (!u)
        return NULL;
    loop_timer_stop(u->loop, &u->timer);
    free(u);
    return NULL;
}
