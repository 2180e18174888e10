/*
 * The reader of region models.  A model is written by an operator, so each mistake is answered
 * with the line and the reason, and nothing is taken from a file that has one.
 */
#include "placement/model.h"

#include <stdio.h>

struct reader {
    struct arena *arena;
    struct region_model *model;
    unsigned line;
    char *why;
};

static bool bad(struct reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool
bad(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(r->why, MODEL_WHY_BYTES, "line %u: ", r->line);

    va_start(ap, fmt);
    vsnprintf(r->why + n, MODEL_WHY_BYTES - (size_t)n, fmt, ap);
    va_end(ap);
    return false;
}

/* A positive number up to max. */
static bool
number(struct reader *r, struct str name, struct str text, unsigned max, unsigned *ret)
{
    uint64_t v;

    assert(max > 0 && ret);
    if (!str_to_u64(text, &v) || v < 1 || v > max)
        return bad(r, "%.*s must be a number from 1 to %u", STR_ARG(name), max);
    *ret = (unsigned)v;
    return true;
}

static struct str
word(struct str *rest)
{
    assert(str_ok(*rest));
    *rest = str_trim(*rest);
    struct str w = str_split(rest, ' ');

    return str_trim(w);
}

static bool
kind_word(struct reader *r, struct model_kind *kind, struct str key, struct str value)
{
    if (str_is(key, "vcpus"))
        return number(r, key, value, 65536, &kind->vcpus);
    if (str_is(key, "memory"))
        return number(r, key, value, 1u << 30, &kind->memory_mib);
    if (str_is(key, "sockets"))
        return number(r, key, value, 1024, &kind->sockets);
    if (str_is(key, "cores"))
        return number(r, key, value, 65536, &kind->cores);
    if (!str_is(key, "families"))
        return bad(r, "a kind has no '%.*s'", STR_ARG(key));
    while (value.p) {
        struct str pattern = str_split(&value, ',');

        if (!pattern.n)
            return bad(r, "a family is empty");
        *LIST_PUSH(r->arena, &kind->families) = pattern;
    }
    return true;
}

static bool
kind_line(struct reader *r, struct str rest)
{
    struct region_model *m = r->model;
    struct model_kind kind = {.name = word(&rest)};

    if (!kind.name.n)
        return bad(r, "a kind needs a name");
    for (unsigned i = 0; i < m->n_kinds; i++)
        if (str_eq(m->kinds[i].name, kind.name))
            return bad(r, "there is a kind '%.*s' already", STR_ARG(kind.name));
    while (rest.p && str_trim(rest).n) {
        struct str value = word(&rest), key = str_split(&value, '=');

        if (!kind_word(r, &kind, key, value))
            return false;
    }
    if (!kind.vcpus || !kind.memory_mib || !kind.sockets || !kind.cores || !kind.families.n)
        return bad(r, "a kind needs vcpus, memory, sockets, cores and families");
    if (m->n_kinds == MODEL_KINDS_MAX)
        return bad(r, "there are at most %d kinds", MODEL_KINDS_MAX);
    m->kinds[m->n_kinds++] = kind;
    return true;
}

/* "24*general": so many hosts of a kind. */
static bool
shelf(struct reader *r, struct model_zone *zone, struct str text)
{
    struct str kind = text, count = str_split(&kind, '*');
    struct model_shelf *s = &zone->shelves[zone->n_shelves];

    if (!kind.p || !kind.n)
        return bad(r, "hosts are N*KIND,…, not '%.*s'", STR_ARG(text));
    if (zone->n_shelves == MODEL_SHELVES_MAX)
        return bad(r, "a rack has at most %d groups of hosts", MODEL_SHELVES_MAX);
    if (!number(r, S("hosts"), count, MODEL_RACK_HOSTS_MAX, &s->n))
        return false;
    for (unsigned i = 0; i < r->model->n_kinds; i++)
        if (str_eq(r->model->kinds[i].name, kind))
            s->kind = &r->model->kinds[i];
    if (!s->kind)
        return bad(r, "there is no kind '%.*s' above", STR_ARG(kind));
    zone->n_shelves++;
    zone->rack_hosts += s->n;
    return true;
}

static bool
zone_line(struct reader *r, struct str rest)
{
    struct model_zone zone = {.pattern = word(&rest)};

    if (!zone.pattern.n)
        return bad(r, "a zone needs a pattern");
    while (rest.p && str_trim(rest).n) {
        struct str value = word(&rest), key = str_split(&value, '=');

        if (str_is(key, "racks")) {
            if (!number(r, key, value, MODEL_RACKS_MAX, &zone.racks))
                return false;
        } else if (str_is(key, "hosts")) {
            while (value.p)
                if (!shelf(r, &zone, str_split(&value, ',')))
                    return false;
        } else {
            return bad(r, "a zone has no '%.*s'", STR_ARG(key));
        }
    }
    if (!zone.racks || !zone.n_shelves)
        return bad(r, "a zone needs racks and hosts");
    if (zone.rack_hosts > MODEL_RACK_HOSTS_MAX ||
        zone.racks * zone.rack_hosts > MODEL_ZONE_HOSTS_MAX)
        return bad(r, "a rack has at most %d hosts, a zone %d", MODEL_RACK_HOSTS_MAX,
                   MODEL_ZONE_HOSTS_MAX);
    struct {
        struct model_zone *v;
        size_t n;
    } list = {r->model->zones, r->model->n_zones};
    if (list.n == MODEL_RULES_MAX)
        return bad(r, "there are at most %d lines of zones", MODEL_RULES_MAX);
    *LIST_PUSH(r->arena, &list) = zone;
    r->model->zones = list.v;
    r->model->n_zones = list.n;
    return true;
}

bool
region_model_read(struct arena *arena, struct str text, struct region_model *ret,
                  char why[MODEL_WHY_BYTES])
{
    struct reader r = {.arena = arena, .model = ret, .why = why};

    assert(str_ok(text));
    *ret = (struct region_model){0};
    if (text.n > MODEL_TEXT_BYTES_MAX)
        return bad(&r, "a region model has at most %d bytes", MODEL_TEXT_BYTES_MAX);
    while (text.p) {
        struct str line = str_split(&text, '\n');
        struct str rest = str_trim(str_split(&line, '#'));
        struct str first = word(&rest);

        r.line++;
        if (!first.n)
            continue;
        if (str_is(first, "kind")) {
            if (!kind_line(&r, rest))
                return false;
        } else if (str_is(first, "zone")) {
            if (!zone_line(&r, rest))
                return false;
        } else {
            return bad(&r, "'%.*s' is neither kind nor zone", STR_ARG(first));
        }
    }
    if (!ret->n_zones)
        return bad(&r, "no zone has any hardware");
    return true;
}

const struct model_zone *
region_model_zone(const struct region_model *model, struct str zone)
{
    assert(zone.n > 0 || str_ok(zone));
    for (size_t i = 0; i < model->n_zones; i++)
        if (str_glob(model->zones[i].pattern, zone))
            return &model->zones[i];
    return NULL;
}

const struct model_kind *
model_host_kind(const struct model_zone *zone, unsigned i)
{
    const struct model_shelf *s = zone->shelves;

    assert(i < zone->rack_hosts);
    for (; i >= s->n; s++)
        i -= s->n;
    assert(s < zone->shelves + zone->n_shelves);
    return s->kind;
}

bool
model_kind_takes(const struct model_kind *kind, struct str family)
{
    assert(str_ok(family));
    LIST_EACH(&kind->families, pattern)
        if (str_glob(*pattern, family))
            return true;
    return false;
}
