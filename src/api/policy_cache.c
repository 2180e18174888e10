/*
 * A map and a list in order of use.  Entries are not freed while a call may hold them: one whose
 * text changed goes to the stale list until the next call begins.
 */
#include "api/policy_cache.h"

#include "base/error.h"

#include <stdlib.h>

struct policy_entry {
    struct policy_entry *older, *newer;
    struct policy *policy;
    enum policy_kind kind;
    size_t bytes;
    struct str name, json; /* both in room[] */
    char room[];
};

void
policy_cache_init(struct policy_cache *cache, uint64_t seed)
{
    *cache = (struct policy_cache){0};
    map_init(&cache->map, seed);
}

static void
unlink_entry(struct policy_cache *cache, struct policy_entry *e)
{
    assert(cache->newest && cache->oldest);
    if (e->newer)
        e->newer->older = e->older;
    else
        cache->newest = e->older;
    if (e->older)
        e->older->newer = e->newer;
    else
        cache->oldest = e->newer;
    e->newer = e->older = NULL;
}

static void
link_newest(struct policy_cache *cache, struct policy_entry *e)
{
    assert(!cache->newest == !cache->oldest);
    e->older = cache->newest;
    e->newer = NULL;
    if (e->older)
        e->older->newer = e;
    else
        cache->oldest = e;
    cache->newest = e;
}

static void
entry_free(struct policy_entry *e)
{
    policy_free(e->policy);
    free(e);
}

/* Takes an entry out of the map and the list. */
static void
take_out(struct policy_cache *cache, struct policy_entry *e)
{
    void *was = map_remove(&cache->map, e->name);

    assert(was == e && cache->bytes >= e->bytes);
    unlink_entry(cache, e);
    cache->bytes -= e->bytes;
}

void
policy_cache_trim(struct policy_cache *cache, size_t max_bytes)
{
    while (cache->stale) {
        struct policy_entry *e = cache->stale;

        cache->stale = e->older;
        entry_free(e);
    }
    while (cache->bytes > max_bytes) {
        struct policy_entry *e = cache->oldest;

        take_out(cache, e);
        entry_free(e);
    }
}

void
policy_cache_done(struct policy_cache *cache)
{
    policy_cache_trim(cache, 0);
    assert(cache->bytes == 0 && !cache->newest);
    map_done(&cache->map);
}

static int
entry_new(struct policy_cache *cache, struct arena *a, struct str name, enum policy_kind kind,
          struct str json, struct policy_entry **ret)
{
    struct policy_entry *e = malloc(sizeof(*e) + name.n + json.n);
    struct str why;

    assert(str_ok(name) && str_ok(json));
    if (!e)
        return error_origin(ENOMEM, "a policy cannot be kept");
    *e = (struct policy_entry){.kind = kind};
    int r = policy_parse(&e->policy, json, kind, a, &why);

    if (r != 0) {
        free(e);
        return r < 0 ? r
                     : error_origin(EINVAL, "the policy %.*s cannot be read: %.*s", STR_ARG(name),
                                    STR_ARG(why));
    }
    memcpy(e->room, name.p, name.n);
    memcpy(e->room + name.n, json.p, json.n);
    e->name = str_of(e->room, name.n);
    e->json = str_of(e->room + name.n, json.n);
    e->bytes = sizeof(*e) + name.n + json.n + policy_bytes(e->policy);
    map_put(&cache->map, e->name, e);
    link_newest(cache, e);
    cache->bytes += e->bytes;
    *ret = e;
    return 0;
}

int
policy_cache_get(struct policy_cache *cache, struct arena *a, struct str name,
                 enum policy_kind kind, struct str json, const struct policy **ret)
{
    struct policy_entry *e = map_get(&cache->map, name);

    assert(name.n > 0);
    if (e && (e->kind != kind || !str_eq(e->json, json))) {
        take_out(cache, e);
        e->older = cache->stale;
        cache->stale = e;
        e = NULL;
    }
    if (e && e != cache->newest) {
        unlink_entry(cache, e);
        link_newest(cache, e);
    }
    int r = e ? 0 : entry_new(cache, a, name, kind, json, &e);

    if (r == 0)
        *ret = e->policy;
    return r;
}
