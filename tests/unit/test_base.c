#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sm.h"
#include "base/timefmt.h"
#include "harness/harness.h"
#include "sys/env.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

TEST(an_arena_gives_aligned_zeroed_memory_and_forgets_it)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 3000; n += 7) {
            char *p = arena_alloc(&a, n);
            CHECK((uintptr_t)p % _Alignof(max_align_t) == 0);
            for (size_t i = 0; i < n; i++)
                CHECK(p[i] == 0);
            memset(p, 0xff, n);
        }
        CHECK(!arena_spent(&a));
        arena_reset(&a);
    }
    arena_alloc(&a, (1 << 20) + 1);
    CHECK(arena_spent(&a));
    arena_done(&a);
}

TEST(a_piece_that_grows_keeps_its_bytes)
{
    struct arena *a = test_arena();
    char *p = arena_dup(a, "abc", 3);

    for (size_t n = 3; n < 100000; n *= 2) {
        arena_alloc(a, n % 5);
        p = arena_grow(a, p, n, n * 2);
        CHECK(memcmp(p, "abc", 3) == 0);
    }
}

TEST(lists_grow_by_doubling_and_keep_what_they_have)
{
    struct {
        unsigned *v;
        size_t n;
    } list = {0};
    unsigned want = 0;

    for (unsigned i = 0; i < 1000; i++) {
        unsigned *last = LIST_PUSH(test_arena(), &list);
        CHECK(*last == 0);
        *last = i;
    }
    LIST_EACH(&list, it)
        CHECK_INT(*it, want++);
    CHECK_INT(want, 1000);
}

TEST(a_buffer_stops_at_its_maximum_and_says_so)
{
    struct buf b;

    buf_init(&b, 300);
    buf_add_lit(&b, "x=");
    buf_add_i64(&b, INT64_MIN);
    buf_add_fmt(&b, " %s", "y");
    CHECK_STR(buf_str(&b), "x=-9223372036854775808 y");
    while (!buf_failed(&b))
        buf_add_lit(&b, "0123456789");
    CHECK(b.n <= 300 && b.cap <= 300);
    buf_reset(&b);
    CHECK(!buf_failed(&b) && b.n == 0);
    buf_done(&b);
}

TEST(text_is_split_trimmed_and_matched)
{
    struct str s = S("a,,b"), part;

    part = str_split(&s, ',');
    CHECK_STR(part, "a");
    part = str_split(&s, ',');
    CHECK_STR(part, "");
    CHECK(s.p);
    part = str_split(&s, ',');
    CHECK_STR(part, "b");
    CHECK(!s.p);
    CHECK_STR(str_trim(S(" \t\r\n x y \n")), "x y");
    CHECK_STR(str_trim(S(" \t")), "");
    CHECK(str_cmp(S("a"), S("ab")) < 0 && str_cmp(S("b"), S("ab")) > 0 &&
          str_cmp(STR_NONE, S("")) == 0);
    CHECK(str_eq_nocase(S("aBc-1"), S("AbC-1")) && !str_eq_nocase(S("a@"), S("a`")));
    CHECK_INT(str_find(S("abcabd"), S("abd")), 3);
    CHECK(str_find(S("abc"), S("abcd")) == SIZE_MAX);
    CHECK_STR(str_cut(S("hello"), 3, 99), "lo");
    CHECK_STR(str_cut(S("hello"), 4, 2), "");
}

TEST(case_does_not_count_for_letters_only)
{
    char a[24], b[24];

    memset(a, 'x', sizeof(a));
    for (size_t n = 1; n < sizeof(a); n++) {
        for (size_t at = 0; at < n; at++) {
            for (int c = 0; c < 256; c++) {
                memcpy(b, a, sizeof(a));
                for (int d = 0; d < 256; d++) {
                    int lc = c >= 'A' && c <= 'Z' ? c + 32 : c;
                    int ld = d >= 'A' && d <= 'Z' ? d + 32 : d;
                    a[at] = (char)c;
                    b[at] = (char)d;
                    CHECK(str_eq_nocase(str_of(a, n), str_of(b, n)) == (lc == ld));
                }
                a[at] = 'x';
            }
        }
    }
}

TEST(globs_match_as_iam_has_them)
{
    static const struct {
        const char *pattern, *s;
        bool match;
    } rows[] = {
        {"*", "", true},          {"", "", true},         {"", "a", false},
        {"a*c", "abbc", true},    {"a*c", "abcd", false}, {"a?c", "abc", true},
        {"a?c", "ac", false},     {"**a**", "bab", true}, {"\\*", "*", true},
        {"\\*", "x", false},      {"a*b*c", "aXbYbZc", true}, {"*a", "aaab", false},
        {"ec2:Describe*", "ec2:DescribeInstances", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_glob(str_from(rows[i].pattern), str_from(rows[i].s)) != rows[i].match)
            FAIL("%s on %s", rows[i].pattern, rows[i].s);
    /* A pattern made to backtrack: linear in pattern times text, not exponential. */
    CHECK(!str_glob(S("*a*a*a*a*a*a*a*a*a*a*a*a*b"),
                    S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

TEST(numbers_are_whole_and_in_range)
{
    int64_t i;
    uint64_t u;
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1a", "0x1", "9223372036854775808",
                                      "-9223372036854775809", "--1"};

    CHECK(str_to_i64(S("-9223372036854775808"), &i) && i == INT64_MIN);
    CHECK(str_to_i64(S("9223372036854775807"), &i) && i == INT64_MAX);
    CHECK(str_to_u64(S("18446744073709551615"), &u) && u == UINT64_MAX);
    CHECK(!str_to_u64(S("18446744073709551616"), &u) && !str_to_u64(S("-1"), &u));
    for (size_t k = 0; k < ARRAY_LEN(bad); k++)
        CHECK(!str_to_i64(str_from(bad[k]), &i));
}

TEST(base64_and_hex_go_there_and_back_and_refuse_the_rest)
{
    static const char *const vectors[][2] = {{"", ""},         {"f", "Zg=="},     {"fo", "Zm8="},
                                             {"foo", "Zm9v"},  {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {"Z", "Zg=", "Zg===", "Z===", "====", "Zg==Zg==", "Zm9v!",
                                      "Z=g=", "Zm_v", "Zm-v"};
    struct arena *a = test_arena();
    struct str s;

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        CHECK_STR(str_base64(a, str_from(vectors[i][0])), vectors[i][1]);
        CHECK(str_unbase64(a, str_from(vectors[i][1]), &s));
        CHECK_STR(s, vectors[i][0]);
    }
    CHECK(str_unbase64(a, S("Zm9v\r\nYm Fy"), &s));
    CHECK_STR(s, "foobar");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (str_unbase64(a, str_from(bad[i]), &s))
            FAIL("%s is accepted", bad[i]);
    CHECK_STR(str_hex(a, "\x00\xfe\x1f", 3), "00fe1f");
    CHECK(str_unhex(a, S("00Fe1f"), &s) && s.n == 3 && memcmp(s.p, "\x00\xfe\x1f", 3) == 0);
    CHECK(!str_unhex(a, S("0"), &s) && !str_unhex(a, S("0g"), &s));
}

TEST(utf8_is_well_formed_or_it_is_not)
{
    CHECK(str_is_utf8(S("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")));
    CHECK(!str_is_utf8(S("\xc0\x80")) && !str_is_utf8(S("\xed\xa0\x80")) &&
          !str_is_utf8(S("\xf4\x90\x80\x80")) && !str_is_utf8(S("\xe2\x82")) &&
          !str_is_utf8(S("\x80")) && !str_is_utf8(S("\xff")));
}

TEST(times_are_the_same_in_all_their_spellings)
{
    struct arena *a = test_arena();
    static const int64_t times[] = {0, 951782400123, 1440938160000, 4102444799999, 1709164800000};
    int64_t ms;

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        CHECK(time_parse_iso(time_iso(a, times[i]), &ms) && ms == times[i]);
        CHECK(time_parse_compact(time_compact(a, times[i]), &ms) && ms == times[i] / 1000 * 1000);
        CHECK(time_parse_http(time_http(a, times[i]), &ms) && ms == times[i] / 1000 * 1000);
    }
    CHECK_STR(time_http(a, 1440938160000), "Sun, 30 Aug 2015 12:36:00 GMT");
    CHECK_STR(time_iso(a, 951782400123), "2000-02-29T00:00:00.123Z");
    CHECK(time_parse_iso(S("2015-08-30T14:36:00+02:00"), &ms) && ms == 1440938160000);
    static const char *const bad[] = {"2015-02-29T00:00:00Z", "2015-13-01", "2015-08-30T25:00:00Z",
                                      "", "2015", "2015-08-30T12:36:00Zx"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (time_parse_iso(str_from(bad[i]), &ms))
            FAIL("%s is accepted", bad[i]);
}

TEST(a_heap_gives_times_in_order_and_equal_ones_as_they_came)
{
    struct heap h = {0};
    struct heap_node nodes[500], *last = NULL, *n;
    struct env_fake fake;
    uint16_t r;
    unsigned left = 0;

    memset(nodes, 0, sizeof(nodes));
    env_fake_init(&fake, 7);
    for (unsigned i = 0; i < 3 * ARRAY_LEN(nodes); i++) {
        fake.env.random(&fake.env, &r, sizeof(r));
        heap_put(&h, &nodes[i % ARRAY_LEN(nodes)], r % 50);
    }
    for (unsigned i = 0; i < ARRAY_LEN(nodes); i += 3)
        heap_remove(&h, &nodes[i]);
    heap_remove(&h, &nodes[0]);
    while ((n = heap_first(&h))) {
        CHECK(!last || last->due < n->due || (last->due == n->due && last->order < n->order));
        last = n;
        heap_remove(&h, n);
        left++;
    }
    CHECK_INT(left, ARRAY_LEN(nodes) - (ARRAY_LEN(nodes) + 2) / 3);
    heap_done(&h);
}

static int64_t
log_now(void)
{
    return 1440938160000;
}

TEST(a_log_line_cannot_be_forged)
{
    char path[300], line[200];

    CHECK(snprintf(path, sizeof(path), "%s/log", test_dir()) > 0);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    log_init(fd, LOG_INFO, log_now);
    log_debug("not shown");
    log_info("user %s", "x\n2015 error forged\x1b");
    CHECK_INT(error_origin(ENOENT, "no file"), -ENOENT);
    log_init(-1, LOG_INFO, log_now);
    log_error("nowhere");
    ssize_t n = pread(fd, line, sizeof(line), 0);
    close(fd);
    CHECK(n > 0);
    struct str text = str_of(line, (size_t)n), first = str_split(&text, '\n');
    CHECK(str_starts(first, S("2015-08-30T12:36:00.000Z info")));
    CHECK(str_find(first, S("\\x0a2015 error forged\\x1b")) != SIZE_MAX);
    CHECK(str_find(text, S("no file")) != SIZE_MAX);
}

TEST(a_state_machine_allows_what_its_table_says)
{
    enum { OFF, ON, DEAD };
    static const struct sm_state states[] = {
        [OFF] = {"off", 0, SM_TO(ON)},
        [ON] = {"on", 1, SM_TO(OFF) | SM_TO(DEAD)},
        [DEAD] = {"dead", 2, SM_FINAL},
    };
    static const struct sm sm = {"lamp", states, ARRAY_LEN(states)};

    CHECK(sm_allows(&sm, OFF, ON) && !sm_allows(&sm, OFF, DEAD) && !sm_allows(&sm, DEAD, ON));
}

TEST(texts_are_joined_counted_and_made_of_numbers)
{
    struct str v[] = {S("a"), S(""), STR_NONE, S("\xc3\xa9t\xc3\xa9")};
    struct str_list list = {v, 0};
    char room[STR_I64_MAX];

    CHECK_STR(str_join(test_arena(), &list, S(", ")), "");
    CHECK(str_join(test_arena(), &list, S(", ")).p);
    list.n = 1;
    CHECK_STR(str_join(test_arena(), &list, S(", ")), "a");
    list.n = ARRAY_LEN(v);
    CHECK_STR(str_join(test_arena(), &list, S(", ")), "a, , , \xc3\xa9t\xc3\xa9");
    CHECK_INT(str_chars(v[3]), 3);
    CHECK_INT(str_chars(STR_NONE), 0);
    CHECK_STR(str_i64(INT64_MIN, room), "-9223372036854775808");
    CHECK_STR(str_i64(INT64_MAX, room), "9223372036854775807");
    CHECK_STR(str_i64(0, room), "0");
}

TEST(a_hash_is_what_an_older_journal_was_checked_with)
{
    static const struct {
        const char *text;
        uint64_t seed, hash;
    } cases[] = {
        {"", 0, 0},
        {"abc", 1, 0x6642e7ac670a1b9e},
        {"12345678", 2, 0x386feefb1ed4014a},
        {"i-0123456789abcdef0", 3, 0x928f6448f12112b5},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_INT((int64_t)str_hash(str_from(cases[i].text), cases[i].seed),
                  (int64_t)cases[i].hash);
}
