/*
 * The test harness.  A test is a function named by a sentence; it runs in a process of its own
 * with a time limit; the number of open descriptors must be the same after it as before.
 *
 *   TEST(an_address_survives_a_crash, "EIP-03")
 *   {
 *       CHECK(1 + 1 == 2);
 *       CHECK_STR(str_from("a"), "a");
 *   }
 *
 * A test that cannot run here calls SKIP("why").  A test binary takes names (globs) of tests to
 * run; -l lists them with their files and the spec rows that they prove, -f runs them without
 * forking (for a debugger), -j N that many at a time.  The last line is `N passed, N failed, N
 * skipped`.
 */
#pragma once

#include "base/str.h"

struct test {
    struct test *next;
    const char *name;
    const char *file;
    const char *proves;
    unsigned limit_s;
    void (*fn)(void);
};

void test_register(struct test *t);
void test_prepare(void (*fn)(void));
NORETURN void test_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
NORETURN void test_skip(const char *why, ...) PRINTF_LIKE(1, 2);

/* An arena that lives as long as the test. */
struct arena *test_arena(void);
/* Text that lives as long as the test, NUL-terminated: for printing into requests. */
const char *test_cstr(struct str s);
const char *test_fmt(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The whole file, or a failed test. */
struct str test_read_file(const char *path);
/* A fresh directory for this test, removed after it. */
const char *test_dir(void);
/* The path of `shared/` beside the project, or a skipped test when it is absent. */
const char *test_shared(void);

/* A test that hangs must end; the sanitizers make each four times as slow. */
#ifdef WELKIN_DEBUG
#define TEST_LIMIT_S 240
#else
#define TEST_LIMIT_S 60
#endif

/* TEST(name) or TEST(name, "UD-12 UD-13"): the spec rows that the test proves. */
#define TEST(test_name, ...)                                                                       \
    static void test_fn_##test_name(void);                                                         \
    static struct test test_##test_name = {.name = #test_name,                                     \
                                           .file = __FILE__,                                       \
                                           .proves = "" __VA_ARGS__,                               \
                                           .limit_s = TEST_LIMIT_S,                                \
                                           .fn = test_fn_##test_name};                             \
    __attribute__((constructor)) static void test_reg_##test_name(void)                            \
    {                                                                                              \
        test_register(&test_##test_name);                                                          \
    }                                                                                              \
    static void test_fn_##test_name(void)

/* fn runs once, before the first test, in the process that all are forked from. */
#define TEST_PREPARE(fn)                                                                           \
    __attribute__((constructor)) static void test_prepare_##fn(void)                               \
    {                                                                                              \
        test_prepare(fn);                                                                          \
    }

#define SKIP(...) test_skip(__VA_ARGS__)
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            FAIL("%s", #cond);                                                                     \
    } while (0)
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            FAIL("%s is %lld, not %lld", #got, got_, want_);                                       \
    } while (0)
#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        struct str got_ = (got), want_ = str_from(want);                                           \
        if (!str_eq(got_, want_))                                                                  \
            FAIL("%s is \"%.*s\", not \"%.*s\"", #got, STR_ARG(got_), STR_ARG(want_));             \
    } while (0)
