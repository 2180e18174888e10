/*
 * Percent coding, query strings, paths.  What was coded decodes to itself; a normalised path is
 * its own normal form and has no empty, "." or ".." segment.
 */
#include "codec/uri.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
check_path(struct arena *a, struct str in)
{
    struct str path = uri_normalize(a, in), rest = str_cut(path, 1, path.n);

    must(path.n && path.p[0] == '/' && path.n <= in.n + 1);
    must(str_eq(uri_normalize(a, path), path));
    while (rest.p) {
        struct str segment = str_split(&rest, '/');
        must(!str_is(segment, ".") && !str_is(segment, "..") && (segment.n || !rest.p));
    }
    if (in.n && in.p[0] == '/') {
        char *same = arena_dup(a, in.p, in.n);
        must(uri_normalize_to(same, str_of(same, in.n)) == path.n);
        must(memcmp(same, path.p, path.n) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct str in = str_of(data, n), s, name, value, rest = in;

    arena_init(&a, n * 64 + 65536);
    must(uri_decode(&a, uri_encode(&a, in, 0), 0, &s) && str_eq(s, in));
    must(uri_decode(&a, uri_encode(&a, in, URI_KEEP_SLASH), URI_PLUS_BLANK, &s) && str_eq(s, in));
    must(uri_decode(&a, in, URI_LENIENT, &s) && s.n <= in.n);
    if (uri_decode(&a, in, 0, &s))
        must(s.n <= in.n);
    check_path(&a, in);
    size_t total = 0;
    while (uri_query_next(&rest, &name, &value)) {
        total += name.n + value.n;
        must(name.n + value.n > 0 || value.p);
    }
    must(total <= n);
    uri_query_get(&a, in, str_cut(in, 0, 3));
    arena_done(&a);
    return 0;
}
