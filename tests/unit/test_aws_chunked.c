/* Chunked payloads and the sums of S3, against AWS's own examples. */
#include "codec/aws_chunked.h"
#include "codec/checksum.h"
#include "harness/harness.h"

static int
keep(void *ctx, struct str data)
{
    struct str *all = ctx;

    *all = str_cat(test_arena(), *all, data);
    return 0;
}

static const struct sigv4_claim claim = {.access_key = S_INIT("AKIAIOSFODNN7EXAMPLE"),
                                         .scope = S_INIT("20130524/us-east-1/s3/aws4_request"),
                                         .date = S_INIT("20130524"),
                                         .region = S_INIT("us-east-1"),
                                         .service = S_INIT("s3"),
                                         .terminator = S_INIT("aws4_request")};

static struct str
letters(size_t n)
{
    char *p = arena_alloc(test_arena(), n);

    memset(p, 'a', n);
    return str_of(p, n);
}

/* Decodes in pieces of `step` bytes. */
static int
decode(const char *seed, struct str body, size_t step, struct str *ret, struct str *ret_trailer)
{
    struct sigv4_key *key =
        seed ? sigv4_key_new(&claim, S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")) : NULL;
    struct aws_chunked c;
    int r = 0;

    *ret = S("");
    aws_chunked_begin(&c, key, S("20130524T000000Z"), claim.scope, str_from(seed));
    while (body.n && r == 0) {
        r = aws_chunked_add(&c, str_cut(body, 0, step), keep, ret);
        body = str_cut(body, step, body.n);
    }
    if (r == 0)
        r = aws_chunked_end(&c);
    *ret_trailer = str_dup(test_arena(), aws_chunked_trailer(&c, S("x-amz-checksum-crc32c")));
    aws_chunked_done(&c);
    sigv4_key_free(key);
    return r;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
TEST(the_chunks_of_aws_s_example_are_good)
{
    const char *seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    struct str body = str_fmt(
        test_arena(),
        "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
        "%.*s\r\n"
        "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
        "%.*s\r\n"
        "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n"
        "\r\n",
        STR_ARG(letters(65536)), STR_ARG(letters(1024)));
    struct str got, trailer;

    CHECK_INT(decode(seed, body, 1000, &got, &trailer), AWS_CHUNKED_OK);
    CHECK_INT(got.n, 66560);
    CHECK_INT(decode(seed, body, body.n, &got, &trailer), AWS_CHUNKED_OK);
    CHECK_INT(decode(seed, str_cut(body, 0, 65536), 4096, &got, &trailer), AWS_CHUNKED_CUT_SHORT);
    ((char *)body.p)[500] = 'b';
    CHECK_INT(decode(seed, body, 1000, &got, &trailer), AWS_CHUNKED_WRONG_SIGNATURE);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
TEST(the_signed_trailer_of_aws_s_example_is_good)
{
    const char *seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    struct str body = str_fmt(
        test_arena(),
        "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
        "%.*s\r\n"
        "400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
        "%.*s\r\n"
        "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
        "x-amz-checksum-crc32c:sOO8/Q==\r\n"
        "x-amz-trailer-signature:"
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
        STR_ARG(letters(65536)), STR_ARG(letters(1024)));
    struct str got, trailer;

    CHECK_INT(decode(seed, body, 77, &got, &trailer), AWS_CHUNKED_OK);
    CHECK_STR(trailer, "sOO8/Q==");
    struct checksum sum;
    uint8_t crc[4];
    checksum_begin(&sum, CHECKSUM_CRC32C);
    checksum_add(&sum, got.p, got.n);
    checksum_end(&sum, crc);
    CHECK_STR(str_base64(test_arena(), str_of(crc, 4)), "sOO8/Q==");
    ((char *)body.p)[str_find(body, S("sOO8"))] = 't';
    CHECK_INT(decode(seed, body, 77, &got, &trailer), AWS_CHUNKED_WRONG_SIGNATURE);
}

TEST(malformed_chunks_are_refused)
{
    static const char *const bad[] = {"x\r\n",
                                      "3\r\nabcd\r\n",
                                      "\r\n",
                                      "-1\r\n",
                                      "3\r\nabc\n\n",
                                      "10000000000000000\r\n",
                                      "0\r\nnocolon\r\n",
                                      "0\r\n\r\nmore"};
    struct str got, trailer;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_INT(decode(NULL, str_from(bad[i]), 2, &got, &trailer), AWS_CHUNKED_MALFORMED);
    CHECK_INT(decode(NULL, S("3\r\nabc\r\n0\r\n"), 1, &got, &trailer), AWS_CHUNKED_OK);
    CHECK_STR(got, "abc");
    CHECK_INT(decode(NULL, S("3\r\nabc\r\n"), 1, &got, &trailer), AWS_CHUNKED_CUT_SHORT);
}

/* ---- sums ---- */

static struct str
sum_of(enum checksum_kind kind, struct str s)
{
    struct checksum c;
    uint8_t *sum = arena_alloc(test_arena(), CHECKSUM_MAX_BYTES);

    checksum_begin(&c, kind);
    checksum_add(&c, s.p, s.n / 2);
    checksum_add(&c, s.p + s.n / 2, s.n - s.n / 2);
    checksum_end(&c, sum);
    return str_of(sum, checksum_bytes(kind));
}

TEST(sums_are_those_of_their_check_values)
{
    static const struct {
        enum checksum_kind kind;
        const char *hex;
    } rows[] = {
        {CHECKSUM_CRC32, "cbf43926"}, /* of "123456789", from the catalogue of CRCs */
        {CHECKSUM_CRC32C, "e3069283"},
        {CHECKSUM_CRC64NVME, "ae8b14860a799888"},
        {CHECKSUM_SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
        {CHECKSUM_SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str sum = sum_of(rows[i].kind, S("123456789"));

        CHECK_STR(str_hex(test_arena(), sum.p, sum.n), rows[i].hex);
        CHECK_INT(checksum_find(str_from(checksum_name(rows[i].kind))), rows[i].kind);
    }
    CHECK_INT(checksum_find(S("crc64nvme")), CHECKSUM_CRC64NVME);
    CHECK_INT(checksum_find(S("")), CHECKSUM_NONE);
}

TEST(the_sum_of_two_is_joined_from_theirs)
{
    struct str all = letters(100000), a, b;
    uint8_t joined[8];

    for (int kind = CHECKSUM_CRC32; kind <= CHECKSUM_CRC64NVME; kind++)
        for (size_t at = 0; at <= all.n; at += 9999) {
            a = sum_of((enum checksum_kind)kind, str_cut(all, 0, at));
            b = sum_of((enum checksum_kind)kind, str_cut(all, at, all.n));
            checksum_join((enum checksum_kind)kind, (const uint8_t *)a.p, (const uint8_t *)b.p,
                          all.n - at, joined);
            CHECK(str_eq(str_of(joined, a.n), sum_of((enum checksum_kind)kind, all)));
        }
}
