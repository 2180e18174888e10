/* The hash map against a plain array that does the same slowly. */
#include "base/map.h"

#include "harness/harness.h"

#define KEYS 600

struct item {
    struct str key;
    bool in;
    int value[2]; /* two addresses, so that a replacement is seen */
    unsigned which;
};

struct pair {
    struct map map;
    struct item items[KEYS];
    size_t n;
    uint64_t rng;
};

static unsigned
draw(struct pair *p, unsigned n)
{
    p->rng = p->rng * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(p->rng >> 33) % n;
}

static struct pair *
pair_new(uint64_t seed)
{
    struct pair *p = ARENA_NEW(test_arena(), struct pair);

    map_init(&p->map, seed);
    p->rng = seed;
    for (size_t i = 0; i < KEYS; i++)
        p->items[i].key = i ? str_fmt(test_arena(), "k%zu", i) : S("");
    return p;
}

static void *
value_of(struct item *it)
{
    return it->in ? &it->value[it->which] : NULL;
}

static void
check_all(struct pair *p)
{
    size_t walked = 0;

    CHECK_INT(p->map.n, p->n);
    for (size_t i = 0; i < KEYS; i++)
        if (map_get(&p->map, p->items[i].key) != value_of(&p->items[i]))
            FAIL("key %zu is wrong", i);
    MAP_EACH(&p->map, entry)
        walked++;
    CHECK_INT(walked, p->n);
}

static void
put(struct pair *p, struct item *it)
{
    void *old = value_of(it);

    it->which = draw(p, 2);
    p->n += !it->in;
    it->in = true;
    CHECK(map_put(&p->map, it->key, value_of(it)) == old);
}

static void
take_out(struct pair *p, struct item *it)
{
    void *old = value_of(it);

    p->n -= it->in;
    it->in = false;
    CHECK(map_remove(&p->map, it->key) == old);
}

TEST(a_map_has_what_was_put_in_and_not_taken_out)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pair *p = pair_new(seed);

        /* Grows to different sizes: deletions near the end of the table wrap around. */
        unsigned span = 4 + (unsigned)seed * 31;
        for (unsigned i = 0; i < 4000; i++) {
            struct item *it = &p->items[draw(p, MIN(span, KEYS))];

            if (draw(p, 5) < 3)
                put(p, it);
            else
                take_out(p, it);
            if (i % 37 == 0)
                check_all(p);
        }
        check_all(p);
        for (size_t i = 0; i < KEYS; i++)
            take_out(p, &p->items[i]);
        check_all(p);
        CHECK(p->map.n == 0);
        map_done(&p->map);
    }
}

TEST(a_map_stays_at_most_three_quarters_full)
{
    struct pair *p = pair_new(1);

    for (size_t i = 0; i < KEYS; i++) {
        put(p, &p->items[i]);
        CHECK(p->map.n * 4 <= p->map.cap * 3);
        CHECK((p->map.cap & (p->map.cap - 1)) == 0);
    }
    map_done(&p->map);
}

TEST(an_empty_map_answers_nothing)
{
    struct map m;

    map_init(&m, 7);
    CHECK(!map_get(&m, S("a")) && !map_remove(&m, S("a")) && !map_get(&m, STR_NONE));
    MAP_EACH(&m, entry)
        FAIL("an empty map has an entry");
    map_done(&m);
    CHECK(!map_get(&m, S("a")));
}

TEST(keys_are_compared_whole_and_may_have_any_bytes)
{
    struct map m;
    int a, b, c;

    map_init(&m, 7);
    map_put(&m, S("x\0y"), &a);
    map_put(&m, S("x\0z"), &b);
    map_put(&m, S("x"), &c);
    CHECK(map_get(&m, S("x\0y")) == &a && map_get(&m, S("x\0z")) == &b);
    CHECK(map_get(&m, S("x")) == &c && !map_get(&m, S("X")));
    /* absent is as good as empty, as everywhere */
    map_put(&m, STR_NONE, &a);
    CHECK(map_get(&m, S("")) == &a);
    map_done(&m);
}

TEST(a_map_that_was_done_can_be_used_again)
{
    struct map m;
    int a;

    map_init(&m, 7);
    map_put(&m, S("a"), &a);
    map_done(&m);
    CHECK(!map_get(&m, S("a")));
    CHECK(!map_put(&m, S("a"), &a));
    CHECK(map_get(&m, S("a")) == &a);
    map_done(&m);
}
