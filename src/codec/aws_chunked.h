/*
 * aws-chunked: a body in chunks, of which each may be signed, with trailers.  Pure and incremental.
 *
 *   SIZE[;chunk-signature=HEX]\r\n DATA \r\n … 0[;chunk-signature=HEX]\r\n
 *   [NAME:VALUE\r\n … [x-amz-trailer-signature:HEX\r\n]] \r\n
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 *
 * A signed chunk's bytes come out before its signature could be checked: whoever takes them must
 * not let them be seen before the end was good.
 */
#pragma once

#include "codec/crypto.h"
#include "codec/sigv4.h"

#define AWS_CHUNKED_LINE_MAX_BYTES 512
#define AWS_CHUNKED_TRAILERS_MAX 8

enum aws_chunked_error {
    AWS_CHUNKED_OK,
    AWS_CHUNKED_MALFORMED,
    AWS_CHUNKED_WRONG_SIGNATURE,
    AWS_CHUNKED_CUT_SHORT, /* the input ended before the last chunk */
};

struct aws_chunked {
    /* Of signed chunks; key NULL: they are not signed. */
    const struct sigv4_key *key;
    struct str stamp, scope;        /* the caller's memory */
    char signature[2 * SHA256_LEN]; /* the newest good one; the seed at first */

    int state;
    uint64_t left, total;
    char line[AWS_CHUNKED_LINE_MAX_BYTES];
    size_t line_n;
    bool done, has_claimed;
    char claimed[2 * SHA256_LEN]; /* of the chunk that is on its way */
    struct crypto_hash *hash;     /* of its bytes */
    struct {
        char text[AWS_CHUNKED_LINE_MAX_BYTES];
        size_t name_n, value_n;
    } trailers[AWS_CHUNKED_TRAILERS_MAX];
    size_t n_trailers;
};

/* `key` NULL: chunks carry no signatures.  `seed` is that of the request's headers. */
void aws_chunked_begin(struct aws_chunked *c, const struct sigv4_key *key, struct str stamp,
                       struct str scope, struct str seed);
/*
 * Takes the next bytes.  Data among them is told to `out`, piece by piece; it may answer a negative
 * number, which is answered on.  0, or an enum aws_chunked_error.
 */
int aws_chunked_add(struct aws_chunked *c, struct str in, int (*out)(void *ctx, struct str data),
                    void *ctx);
/* Nothing more comes.  0 or an enum aws_chunked_error. */
int aws_chunked_end(struct aws_chunked *c);
/* The value of a trailer by its name in lower case; p NULL when there is none. */
struct str aws_chunked_trailer(const struct aws_chunked *c, struct str name);
void aws_chunked_done(struct aws_chunked *c);
