/* The room grows by doubling, so that a small body costs little and a bomb meets its limit. */
#include "codec/gzip.h"

#include <limits.h>
#include <zlib.h>

enum { FIRST_ROOM = 16 << 10, GZIP_ALONE = 16 + MAX_WBITS };

bool
gzip_inflate(struct arena *arena, struct str bytes, size_t max, struct str *ret)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes.p, .avail_in = (uInt)bytes.n};
    size_t room = MIN(max, (size_t)FIRST_ROOM), n = 0;
    char *out;
    int r = Z_OK;

    assert(max > 0 && str_ok(bytes));
    if (bytes.n > INT_MAX || inflateInit2(&z, GZIP_ALONE) != Z_OK)
        return false;
    out = arena_alloc_raw(arena, room);
    while (r == Z_OK) {
        if (n == room) {
            if (room == max)
                break;
            out = arena_grow(arena, out, room, MIN(2 * room, max));
            room = MIN(2 * room, max);
        }
        z.next_out = (Bytef *)out + n;
        z.avail_out = (uInt)(room - n);
        r = inflate(&z, Z_NO_FLUSH);
        assert(z.avail_out <= room - n);
        n = room - z.avail_out;
    }
    bool whole = r == Z_STREAM_END && z.avail_in == 0;

    inflateEnd(&z);
    if (whole)
        *ret = str_of(out, n);
    return whole;
}
