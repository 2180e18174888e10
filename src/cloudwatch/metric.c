/* Metrics: one datapoint in, periods out.  Where they lie is told by tier.c. */
#include "cloudwatch/metric.h"

#include "base/error.h"
#include "cloudwatch/tier.h"
#include "codec/crypto.h"

#include <math.h>
#include <stdlib.h>

enum { PUT_BYTES_MAX = 1 << 20, LAST_SLACK_MS = 5 * 60000 };

/* Rows hold their numbers: new ones come last. */
const char *const cloudwatch_units[] = {
    "None",
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
};
const unsigned cloudwatch_n_units = ARRAY_LEN(cloudwatch_units);

unsigned
cloudwatch_unit(struct str unit)
{
    unsigned i = 0;

    while (unit.n && i < cloudwatch_n_units && !str_is(unit, cloudwatch_units[i]))
        i++;
    return i;
}

/* ---- what a metric is called ---- */

static int
by_name(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return str_cmp(x[0], y[0]);
}

/* Its dimensions by their names. */
static struct str_list
sorted(const struct str_list *dimensions, struct str v[2 * CLOUDWATCH_DIMENSIONS_MAX])
{
    assert(dimensions->n % 2 == 0 && dimensions->n <= 2 * CLOUDWATCH_DIMENSIONS_MAX);
    if (dimensions->n)
        memcpy(v, dimensions->v, dimensions->n * sizeof(*v));
    qsort(v, dimensions->n / 2, 2 * sizeof(*v), by_name);
    return (struct str_list){dimensions->n ? v : NULL, dimensions->n};
}

static void
digest_text(struct crypto_hash *hash, struct str text)
{
    uint32_t n = (uint32_t)text.n;

    crypto_hash_add(hash, &n, sizeof(n));
    crypto_hash_add(hash, text.p, text.n);
}

struct str
cloudwatch_metric_id(const struct cloudwatch_metric_name *metric,
                     char room[CLOUDWATCH_METRIC_ID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    struct str v[2 * CLOUDWATCH_DIMENSIONS_MAX];
    struct str_list dimensions = sorted(&metric->dimensions, v);
    struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
    uint8_t digest[SHA256_LEN];

    assert(metric->namespace.n && metric->name.n);
    digest_text(hash, metric->account);
    digest_text(hash, metric->region);
    digest_text(hash, metric->namespace);
    digest_text(hash, metric->name);
    LIST_EACH(&dimensions, text)
        digest_text(hash, *text);
    crypto_hash_end(hash, digest);
    crypto_hash_free(hash);
    for (size_t i = 0; i < CLOUDWATCH_METRIC_ID_BYTES / 2; i++) {
        room[2 * i] = digits[digest[i] >> 4];
        room[2 * i + 1] = digits[digest[i] & 15];
    }
    room[CLOUDWATCH_METRIC_ID_BYTES - 1] = '\0';
    return str_of(room, CLOUDWATCH_METRIC_ID_BYTES - 1);
}

/* ---- writing ---- */

static int
touch_metric(struct txn *txn, struct str id, const struct cloudwatch_datum *datum, int64_t now_ms)
{
    const struct cloudwatch_metric_row *old = cloudwatch_metric_get(txn, id);
    struct str v[2 * CLOUDWATCH_DIMENSIONS_MAX];

    if (old) {
        struct cloudwatch_metric_row row = *old;

        /* Not each minute: ListMetrics wants to know it to the hour. */
        if (datum->time_ms < old->last_ms + LAST_SLACK_MS)
            return 0;
        row.last_ms = datum->time_ms;
        cloudwatch_metric_assert(&row);
        return cloudwatch_metric_update(txn, &row);
    }
    if (store_count(txn, &cloudwatch_metric_table) >= CLOUDWATCH_METRICS_MAX)
        return -ENOSPC;
    return cloudwatch_metric_insert(txn, &(struct cloudwatch_metric_row){
                                             .id = id,
                                             .account = datum->metric.account,
                                             .region = datum->metric.region,
                                             .namespace = datum->metric.namespace,
                                             .name = datum->metric.name,
                                             .dimensions = sorted(&datum->metric.dimensions, v),
                                             .first_ms = now_ms,
                                             .last_ms = datum->time_ms,
                                         });
}

static int
by_value(const void *a, const void *b)
{
    const struct cloudwatch_value *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* A point of the datum; its values may come in any order. */
static struct cloudwatch_point
point_of(const struct cloudwatch_datum *datum, struct cloudwatch_value v[CLOUDWATCH_VALUES_MAX])
{
    struct cloudwatch_point point = {.set = datum->set};

    assert(datum->n_values <= CLOUDWATCH_VALUES_MAX);
    if (!datum->n_values && datum->set.min == datum->set.max) {
        v[0] = (struct cloudwatch_value){datum->set.min, datum->set.count};
        point.n_values = 1;
    } else if (datum->n_values) {
        memcpy(v, datum->values, datum->n_values * sizeof(*v));
        qsort(v, datum->n_values, sizeof(*v), by_value);
        point.n_values = datum->n_values;
        point.set = (struct cloudwatch_set){0, 0, v[0].value, v[datum->n_values - 1].value};
        for (size_t i = 0; i < datum->n_values; i++) {
            point.set.count += v[i].count;
            point.set.sum += v[i].value * v[i].count;
        }
    }
    point.values = v;
    assert(point.set.count > 0 && point.set.min <= point.set.max && isfinite(point.set.sum));
    return point;
}

int
cloudwatch_metric_put(struct txn *txn, int64_t now_ms, const struct cloudwatch_datum *datum)
{
    char room[CLOUDWATCH_METRIC_ID_BYTES];
    struct str id = cloudwatch_metric_id(&datum->metric, room);
    struct cloudwatch_value values[CLOUDWATCH_VALUES_MAX];
    struct cloudwatch_point point = point_of(datum, values);
    bool seconds = datum->high_resolution &&
                   now_ms - datum->time_ms < cloudwatch_tiers[CLOUDWATCH_TIER_SECONDS].keep_ms;
    unsigned tier = seconds ? CLOUDWATCH_TIER_SECONDS : CLOUDWATCH_TIER_MINUTES;
    unsigned unit = cloudwatch_unit(datum->unit);
    struct arena arena;
    int r = touch_metric(txn, id, datum, now_ms);

    assert(unit < cloudwatch_n_units);
    assert(datum->time_ms <= now_ms + CLOUDWATCH_AHEAD_MS);
    assert(datum->time_ms >= 0);
    if (r < 0)
        return r;
    arena_init(&arena, PUT_BYTES_MAX);
    point.place = cloudwatch_span_place(tier, datum->time_ms);
    r = cloudwatch_span_add(txn, &arena, id, tier, unit,
                            cloudwatch_span_start(tier, datum->time_ms),
                            &(struct cloudwatch_points){&point, 1});
    arena_done(&arena);
    return r;
}

/* ---- reading ---- */

static int
by_start(const void *a, const void *b)
{
    const struct cloudwatch_bucket *x = a, *y = b;

    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

static void
add_to(struct arena *arena, struct cloudwatch_bucket *bucket, const struct cloudwatch_point *more)
{
    struct cloudwatch_point point = {
        .set = bucket->set, .values = bucket->values, .n_values = bucket->n_values};

    cloudwatch_point_add(arena, &point, more);
    bucket->set = point.set;
    bucket->values = point.values;
    bucket->n_values = point.n_values;
}

/* Spans of a tier in order: what belongs together mostly comes together. */
static int
read_span(struct arena *arena, const struct cloudwatch_span_row *row,
          const struct cloudwatch_range *range, struct cloudwatch_buckets *all)
{
    int64_t point_ms = cloudwatch_tiers[row->tier].point_ms;
    struct cloudwatch_points points;

    cloudwatch_span_assert(row);
    if (!cloudwatch_unpack(arena, row->points, &points))
        return error_origin(EUCLEAN, "datapoints of %.*s cannot be read", STR_ARG(row->id));
    LIST_EACH(&points, point) {
        int64_t ms = row->start_ms + point->place * point_ms;
        struct cloudwatch_bucket *last = all->n ? &all->v[all->n - 1] : NULL;

        if (ms < range->start_ms || ms >= range->end_ms)
            continue;
        assert(point->set.count > 0);
        ms -= (ms - range->start_ms) % range->period_ms;
        if (!last || last->start_ms != ms || last->unit != row->unit) {
            last = LIST_PUSH(arena, all);
            last->start_ms = ms;
            last->unit = (unsigned)row->unit;
        }
        add_to(arena, last, point);
    }
    return 0;
}

static void
join(struct arena *arena, struct cloudwatch_buckets *all)
{
    size_t n = 0;

    assert(all->v || all->n == 0);
    if (all->n)
        qsort(all->v, all->n, sizeof(*all->v), by_start);
    for (size_t i = 0; i < all->n; i++) {
        const struct cloudwatch_bucket *next = &all->v[i];

        if (n && by_start(&all->v[n - 1], next) == 0)
            add_to(arena, &all->v[n - 1],
                   &(struct cloudwatch_point){
                       .set = next->set, .values = next->values, .n_values = next->n_values});
        else
            all->v[n++] = *next;
    }
    all->n = n;
}

int
cloudwatch_metric_range(struct txn *txn, struct arena *arena,
                        const struct cloudwatch_metric_name *metric,
                        const struct cloudwatch_range *range, struct cloudwatch_buckets *ret)
{
    char room[CLOUDWATCH_METRIC_ID_BYTES];
    struct str id = cloudwatch_metric_id(metric, room);
    unsigned unit = range->unit.p ? cloudwatch_unit(range->unit) : cloudwatch_n_units;
    struct cloudwatch_buckets all = {0};

    assert(range->period_ms > 0);
    for (unsigned tier = 0; tier < CLOUDWATCH_N_TIERS; tier++) {
        struct store_cursor c =
            store_seek(txn, &cloudwatch_span_by_metric, STORE_KEYS(id, (int64_t)tier));

        store_from(&c, STORE_KEYS(cloudwatch_span_start(tier, range->start_ms)));
        for (const struct cloudwatch_span_row *row;
             (row = cloudwatch_span_by_metric_next(&c)) && row->start_ms < range->end_ms;) {
            int r = range->unit.p && row->unit != unit ? 0 : read_span(arena, row, range, &all);

            if (r < 0)
                return r;
        }
    }
    join(arena, &all);
    *ret = all;
    return 0;
}
