/*
 * aws-chunked: however it is cut, the same comes out; no more than went in.
 */
#include "codec/aws_chunked.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
count(void *ctx, struct str data)
{
    *(size_t *)ctx += data.n;
    return data.n && data.p[0] == '!' ? -EIO : 0;
}

static int
decode(struct str body, size_t step, bool is_signed, size_t *ret)
{
    static const struct sigv4_claim claim = {
        .date = S_INIT("20130524"), .region = S_INIT("us-east-1"), .service = S_INIT("s3")};
    struct sigv4_key *key = is_signed ? sigv4_key_new(&claim, S("secret")) : NULL;
    struct aws_chunked c;
    int r = 0;

    *ret = 0;
    aws_chunked_begin(&c, key, S("20130524T000000Z"), S("20130524/us-east-1/s3/aws4_request"),
                      S("seed"));
    while (body.n && r == 0) {
        r = aws_chunked_add(&c, str_cut(body, 0, step), count, ret);
        body = str_cut(body, step, body.n);
    }
    if (r == 0)
        r = aws_chunked_end(&c);
    aws_chunked_trailer(&c, S("x-amz-checksum-crc32"));
    aws_chunked_done(&c);
    sigv4_key_free(key);
    return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t whole, cut;

    if (n < 1 || n > 1 << 16)
        return 0;
    struct str body = str_of(data + 1, n - 1);
    int r = decode(body, n, data[0] & 1, &whole);

    if (whole > n)
        abort();
    /* pieces of data end elsewhere, so only what is good must be the same */
    if (r == 0 && (decode(body, 1 + data[0] % 7u, data[0] & 1, &cut) > 0 || cut > whole))
        abort();
    return 0;
}
