/* Bodies that come compressed. */
#include "codec/gzip.h"
#include "harness/harness.h"

#include <zlib.h>

static struct str
compressed(struct str text)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text.p, .avail_in = (uInt)text.n};
    size_t room = text.n + 1000;
    char *out = arena_alloc(test_arena(), room);

    CHECK(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return str_of(out, room - z.avail_out);
}

TEST(a_gzip_body_is_inflated_whole_or_not_at_all)
{
    struct arena *a = test_arena();
    char *large = arena_alloc(a, 100000);
    struct str zeroes = str_of(large, 100000), packed = compressed(zeroes), got;

    CHECK(gzip_inflate(a, compressed(S("hello")), 5, &got) && str_is(got, "hello"));
    CHECK(gzip_inflate(a, compressed(S("")), 5, &got) && got.n == 0);
    CHECK(gzip_inflate(a, packed, 100000, &got) && str_eq(got, zeroes));
    /* one byte too large, cut off, followed by more, no gzip */
    CHECK(!gzip_inflate(a, packed, 99999, &got));
    CHECK(!gzip_inflate(a, str_cut(packed, 0, packed.n - 1), 100000, &got));
    CHECK(!gzip_inflate(a, str_cat(a, packed, S("x")), 100000, &got));
    CHECK(!gzip_inflate(a, S("hello"), 5, &got));
    CHECK(!gzip_inflate(a, S(""), 5, &got));
}
