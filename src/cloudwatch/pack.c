/* Points as bytes, and how points become one: pure, so that a fuzzer can prove it. */
#include "cloudwatch/pack.h"

#include <math.h>

enum { SAME = 1, SINGLE = 2, VALUES = 4 };
enum { POINT_BYTES_MAX = 5 + 1 + 32 + 5 + CLOUDWATCH_POINT_VALUES_MAX * 16 };

struct reader {
    const uint8_t *p, *end;
    bool failed;
};

static uint64_t
read_varint(struct reader *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (in->p >= in->end)
            break;
        uint8_t byte = *in->p++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    in->failed = true;
    return 0;
}

static double
read_f64(struct reader *in)
{
    double v = 0;

    if (in->end - in->p < 8) {
        in->failed = true;
        return 0;
    }
    memcpy(&v, in->p, 8);
    in->p += 8;
    return v;
}

static void
read_values(struct arena *arena, struct reader *in, struct cloudwatch_point *point)
{
    size_t n = read_varint(in);

    if (in->failed || n == 0 || n > CLOUDWATCH_POINT_VALUES_MAX ||
        (size_t)(in->end - in->p) < n * 16) {
        in->failed = true;
        return;
    }
    struct cloudwatch_value *v = arena_alloc_raw(arena, n * sizeof(*v));

    for (size_t i = 0; i < n; i++) {
        v[i].value = read_f64(in);
        v[i].count = read_f64(in);
        if (!(v[i].count > 0 && isfinite(v[i].value) && isfinite(v[i].count)) ||
            (i && v[i - 1].value >= v[i].value))
            in->failed = true;
    }
    point->values = v;
    point->n_values = n;
}

static void
read_body(struct arena *arena, struct reader *in, uint8_t flags, struct cloudwatch_point *point)
{
    if (flags == SINGLE) {
        double value = read_f64(in);
        struct cloudwatch_value *v = arena_alloc_raw(arena, sizeof(*v));

        in->failed |= !isfinite(value);
        *v = (struct cloudwatch_value){value, 1};
        point->set = (struct cloudwatch_set){1, value, value, value};
        point->values = v;
        point->n_values = 1;
        return;
    }
    point->set.count = read_f64(in);
    point->set.sum = read_f64(in);
    point->set.min = read_f64(in);
    point->set.max = read_f64(in);
    in->failed |= !(point->set.count > 0 && isfinite(point->set.count) &&
                    isfinite(point->set.sum) && point->set.min <= point->set.max);
    if (flags & VALUES)
        read_values(arena, in, point);
}

bool
cloudwatch_unpack(struct arena *arena, struct str blob, struct cloudwatch_points *ret)
{
    struct reader in = {(const uint8_t *)blob.p, (const uint8_t *)blob.p + blob.n, false};
    struct cloudwatch_points points = {0};

    assert(str_ok(blob));
    while (in.p < in.end && !in.failed) {
        const struct cloudwatch_point *last = points.n ? &points.v[points.n - 1] : NULL;
        struct cloudwatch_point point = {0};
        uint64_t place = read_varint(&in) + (last ? (uint64_t)last->place + 1 : 0);
        uint8_t flags = in.p < in.end ? *in.p++ : 0xff;

        if (place > UINT32_MAX / 2 || (flags & ~(SAME | SINGLE | VALUES)) ||
            (flags & SAME && (flags != SAME || !last)) || (flags & SINGLE && flags != SINGLE))
            return false;
        if (flags == SAME)
            point = *last;
        else
            read_body(arena, &in, flags, &point);
        point.place = (uint32_t)place;
        *LIST_PUSH(arena, &points) = point;
    }
    if (in.failed)
        return false;
    *ret = points;
    return true;
}

static uint8_t *
put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *
put_f64(uint8_t *p, double v)
{
    memcpy(p, &v, 8);
    return p + 8;
}

static bool
values_eq(const struct cloudwatch_point *a, const struct cloudwatch_point *b)
{
    return a->n_values == b->n_values &&
           (a->n_values == 0 ||
            memcmp(a->values, b->values, a->n_values * sizeof(*a->values)) == 0);
}

static uint8_t *
put_point(uint8_t *p, const struct cloudwatch_point *point, const struct cloudwatch_point *last)
{
    bool single = point->n_values == 1 && point->values[0].count == 1;

    assert(!last || last->place < point->place);
    assert(point->n_values <= CLOUDWATCH_POINT_VALUES_MAX);
    p = put_varint(p, last ? point->place - last->place - 1 : point->place);
    if (last && memcmp(&point->set, &last->set, sizeof(point->set)) == 0 &&
        values_eq(point, last)) {
        *p++ = SAME;
        return p;
    }
    if (single) {
        *p++ = SINGLE;
        return put_f64(p, point->values[0].value);
    }
    *p++ = point->n_values ? VALUES : 0;
    p = put_f64(p, point->set.count);
    p = put_f64(p, point->set.sum);
    p = put_f64(p, point->set.min);
    p = put_f64(p, point->set.max);
    if (point->n_values)
        p = put_varint(p, point->n_values);
    for (size_t i = 0; i < point->n_values; i++) {
        p = put_f64(p, point->values[i].value);
        p = put_f64(p, point->values[i].count);
    }
    return p;
}

struct str
cloudwatch_pack(struct arena *arena, const struct cloudwatch_points *points)
{
    uint8_t *start = arena_alloc_raw(arena, MAX(points->n, (size_t)1) * POINT_BYTES_MAX);
    uint8_t *p = start;

    for (size_t i = 0; i < points->n; i++)
        p = put_point(p, &points->v[i], i ? &points->v[i - 1] : NULL);
    assert((size_t)(p - start) <= points->n * POINT_BYTES_MAX);
    return str_of(start, (size_t)(p - start));
}

/* The two neighbours that lie closest, for their size, become their mean. */
static size_t
merge_closest(struct cloudwatch_value *v, size_t n)
{
    size_t best = 0;
    double least = INFINITY;

    assert(n >= 2);
    for (size_t i = 0; i + 1 < n; i++) {
        double size = fmax(fabs(v[i].value), fabs(v[i + 1].value));
        double gap = (v[i + 1].value - v[i].value) / size;

        if (gap < least) {
            least = gap;
            best = i;
        }
    }
    struct cloudwatch_value *a = &v[best], *b = &v[best + 1];
    double count = a->count + b->count;

    a->value = a->value * (a->count / count) + b->value * (b->count / count);
    a->count = count;
    memmove(b, b + 1, (n - best - 2) * sizeof(*v));
    return n - 1;
}

/* The values of both, sorted, each once, and few enough. */
static void
merge_values(struct arena *arena, struct cloudwatch_point *point,
             const struct cloudwatch_point *more)
{
    size_t n = 0, i = 0, j = 0;
    struct cloudwatch_value *v =
        arena_alloc_raw(arena, (point->n_values + more->n_values) * sizeof(*v));

    while (i < point->n_values || j < more->n_values) {
        bool first = j == more->n_values ||
                     (i < point->n_values && point->values[i].value <= more->values[j].value);
        const struct cloudwatch_value *next = first ? &point->values[i++] : &more->values[j++];

        if (n && v[n - 1].value == next->value)
            v[n - 1].count += next->count;
        else
            v[n++] = *next;
    }
    while (n > CLOUDWATCH_POINT_VALUES_MAX)
        n = merge_closest(v, n);
    assert(n > 0);
    point->values = v;
    point->n_values = n;
}

void
cloudwatch_point_add(struct arena *arena, struct cloudwatch_point *point,
                     const struct cloudwatch_point *more)
{
    assert(more->set.count > 0 && more->set.min <= more->set.max);
    if (point->set.count == 0) {
        uint32_t place = point->place;

        *point = *more;
        point->place = place;
        point->n_values = 0;
        if (more->n_values)
            merge_values(arena, point, more);
        return;
    }
    if (point->n_values && more->n_values)
        merge_values(arena, point, more);
    else
        point->n_values = 0;
    point->set.count += more->set.count;
    point->set.sum += more->set.sum;
    point->set.min = fmin(point->set.min, more->set.min);
    point->set.max = fmax(point->set.max, more->set.max);
}

void
cloudwatch_points_add(struct arena *arena, struct cloudwatch_points *points,
                      const struct cloudwatch_point *more)
{
    size_t at = points->n;

    /* Most come last. */
    while (at > 0 && points->v[at - 1].place > more->place)
        at--;
    if (at == 0 || points->v[at - 1].place != more->place) {
        (void)LIST_PUSH(arena, points);
        memmove(&points->v[at + 1], &points->v[at], (points->n - 1 - at) * sizeof(*points->v));
        points->v[at] = (struct cloudwatch_point){.place = more->place};
        at++;
    }
    cloudwatch_point_add(arena, &points->v[at - 1], more);
    assert(points->v[at - 1].place == more->place);
}
