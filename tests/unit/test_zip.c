/* ZIP archives, and tar of them. */
#include "codec/zip.h"
#include "harness/harness.h"

static bool
gather(void *ctx, const void *p, size_t n)
{
    buf_add(ctx, p, n);
    return true;
}

static const struct zip_file two[] = {{S_INIT("index.py"), S_INIT("print(1)\n")},
                                      {S_INIT("lib/a.txt"), S_INIT("a")}};

TEST(an_archive_that_was_made_is_read)
{
    struct str archive = zip_make(test_arena(), two, 2);
    struct zip zip;
    struct buf b;

    CHECK(zip_open(test_arena(), archive, &zip));
    CHECK(zip.n == 2 && zip.bytes == 10 && zip.v[0].mode == 0644 && !zip.v[0].folder);
    buf_init(&b, 1000);
    CHECK(zip_read(&zip, &zip.v[0], gather, &b));
    CHECK_STR(buf_str(&b), "print(1)\n");
    buf_done(&b);
}

TEST(an_archive_with_any_byte_changed_is_read_as_it_is_or_refused)
{
    struct str archive = zip_make(test_arena(), two, 2);
    char *p = arena_dup(test_arena(), archive.p, archive.n);
    struct buf b;
    struct zip zip;

    buf_init(&b, (size_t)1 << 20);
    for (size_t i = 0; i < archive.n; i++) {
        p[i] ^= 0x55;
        buf_reset(&b);
        if (zip_open(test_arena(), str_of(p, archive.n), &zip) && zip.n == 2 &&
            zip_read(&zip, &zip.v[0], gather, &b))
            CHECK_STR(buf_str(&b), "print(1)\n");
        p[i] ^= 0x55;
    }
    for (size_t n = 0; n < archive.n; n++)
        CHECK(!zip_open(test_arena(), str_of(p, n), &zip));
    buf_done(&b);
}

TEST(names_that_lead_out_of_an_archive_are_refused)
{
    static const char *const names[] = {"../x.py", "a/../b",  "/abs.py",
                                        "a//b.py", "a\\b.py", "./a.py"};
    struct str archive = zip_make(test_arena(), two, 2);
    struct zip zip;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *p = arena_dup(test_arena(), archive.p, archive.n);
        size_t n = strlen(names[i]);

        for (size_t at = 0; at + 8 <= archive.n; at++)
            if (memcmp(p + at, "index.py", 8) == 0) {
                memcpy(p + at, names[i], n);
                memset(p + at + n, 'x', 8 - MIN(n, (size_t)8));
            }
        CHECK(!zip_open(test_arena(), str_of(p, archive.n), &zip));
    }
}

TEST(an_archive_becomes_a_tar_stream)
{
    struct str archive = zip_make(test_arena(), two, 2);
    struct zip zip;
    struct buf tar;

    CHECK(zip_open(test_arena(), archive, &zip));
    buf_init(&tar, 100000);
    CHECK(zip_to_tar(&zip, "var/task", &tar));
    tar_add(&tar, "etc/motd", S("hello\n"));
    tar_end(&tar);
    CHECK(tar.n % 512 == 0);
    struct str all = buf_str(&tar);

    CHECK(str_starts(all, S("var/task")) && all.p[156] == '5');
    CHECK(str_starts(str_cut(all, 512, all.n), S("var/task/index.py")));
    CHECK_STR(str_cut(all, 1024, 1033), "print(1)\n");
    CHECK(str_starts(str_cut(all, 2560, all.n), S("etc/motd")));
    buf_done(&tar);
    buf_init(&tar, 600);
    CHECK(!zip_to_tar(&zip, "var/task", &tar));
    buf_done(&tar);
}
