#include "base/list.h"

#include "harness/harness.h"

struct odd {
    char bytes[7]; /* no power of two */
};

struct odd_list {
    struct odd *v;
    size_t n;
};

TEST(a_list_keeps_what_was_pushed_in_order)
{
    struct arena a;
    struct odd_list list = {0};

    arena_init(&a, 1 << 20);
    for (unsigned i = 0; i < 1000; i++) {
        struct odd *o = LIST_PUSH(&a, &list);

        for (size_t k = 0; k < sizeof(o->bytes); k++)
            CHECK(o->bytes[k] == 0); /* new elements are zeroed */
        memset(o, (int)(i % 251), sizeof(*o));
        CHECK_INT(list.n, i + 1);
        /* something else in between, so that the list cannot grow in place */
        if (i % 3 == 0)
            memset(arena_alloc_raw(&a, 5), 0xff, 5);
        if (i % 97 == 0 || i == 999)
            for (unsigned k = 0; k <= i; k++)
                CHECK(list.v[k].bytes[0] == (char)(k % 251) &&
                      list.v[k].bytes[6] == (char)(k % 251));
    }
    arena_done(&a);
}

TEST(a_list_of_n_needs_no_more_than_a_few_times_n)
{
    struct arena a;
    struct str_list list = {0};

    arena_init(&a, 1 << 20);
    for (unsigned i = 0; i < 4096; i++) {
        arena_alloc_raw(&a, 1);
        *LIST_PUSH(&a, &list) = S("x");
    }
    CHECK(a.total_bytes < 4 * 4096 * sizeof(struct str));
    arena_done(&a);
}

TEST(a_walk_over_an_absent_or_empty_list_does_nothing)
{
    struct str_list absent = {0}, empty = {.v = (struct str[1]){{0}}, .n = 0};

    LIST_EACH(&absent, s)
        FAIL("%p", (void *)s);
    LIST_EACH(&empty, s)
        FAIL("%p", (void *)s);
}

TEST(a_walk_sees_each_element_once_and_can_be_left)
{
    struct str v[] = {S("a"), S("b"), S("c")};
    struct str_list list = {v, 3};
    unsigned n = 0;

    LIST_EACH(&list, s)
        CHECK(s == &v[n++]);
    CHECK_INT(n, 3);
    LIST_EACH(&list, s) {
        if (str_is(*s, "b"))
            break;
        n++;
    }
    CHECK_INT(n, 4);
}
