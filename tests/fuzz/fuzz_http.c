/*
 * Heads and chunked bodies.  A head that is accepted is accepted again from its own slices, asks
 * for more at every shorter length, and keeps all slices inside the input; chunks decode to the
 * same bytes however they are cut.
 */
#include "codec/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
inside(struct str in, struct str s)
{
    must(!s.p || s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n) || str_is(s, "/"));
}

static void
check_head(struct str in)
{
    static struct http_head head, again;
    size_t used, n;
    int r = http_parse_head(in, &head, &used);

    must(r == HTTP_MORE || r == HTTP_COMPLETE || (r >= 400 && r < 600));
    inside(in, head.method_name);
    inside(in, head.path);
    inside(in, head.query);
    inside(in, head.host);
    for (size_t i = 0; i < head.n_headers; i++) {
        inside(in, head.headers[i].name);
        inside(in, head.headers[i].value);
        must(!memchr(head.headers[i].value.p, '\r', head.headers[i].value.n));
        must(!memchr(head.headers[i].value.p, '\n', head.headers[i].value.n));
    }
    if (r != HTTP_COMPLETE)
        return;
    must(used <= in.n && !(head.chunked && head.content_length >= 0));
    must(head.path.n > 0 && (head.path.p[0] == '/' || str_is(head.path, "*")));
    must(http_head_may_end(str_cut(in, 0, used), used - 1));
    must(http_parse_head(str_cut(in, 0, used), &again, &n) == HTTP_COMPLETE && n == used);
    must(http_parse_head(str_cut(in, 0, used - 1), &again, &n) == HTTP_MORE);
    must(http_parse_head(str_cut(in, 0, used / 2), &again, &n) == HTTP_MORE);
}

static size_t
decode(struct str in, size_t piece, char *out, int *ret)
{
    struct http_chunked c = {0};
    size_t at = 0, made = 0;

    *ret = HTTP_MORE;
    while (at < in.n && *ret == HTTP_MORE) {
        size_t used = 0, n = 0;
        *ret = http_chunked_decode(&c, in.p + at, MIN(piece, in.n - at), out + made, &used, &n);
        at += used;
        made += n;
    }
    return made;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1), *whole = malloc(n + 1), *pieces = malloc(n + 1);
    int r1, r2;

    memcpy(text, data, n);
    struct str in = str_of(text, n);
    check_head(in);
    size_t made = decode(in, n ? n : 1, whole, &r1);
    size_t made2 = decode(in, n ? 1 + data[0] % 7 : 1, pieces, &r2);
    must(r1 == r2);
    if (r1 <= 0)
        must(made == made2 && memcmp(whole, pieces, made) == 0);
    free(text);
    free(whole);
    free(pieces);
    return 0;
}
