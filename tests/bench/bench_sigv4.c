/*
 * A whole verification of a signature, beside its floor: the two digests and the HMAC that no
 * verification can do without, over as many bytes.
 *
 *   bench_sigv4       prints "name value unit" lines, the least of the rounds, and their ratio
 */
#include "codec/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 61, TIMES = 4000, HEADERS = 5, NOW_S = 1795230000 };

static struct arena arena;
static struct http_header headers[HEADERS + SIGV4_ADDED_MAX];
static struct sigv4_request request;
static struct sigv4_keys *keys;
static char body[300];

static double
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* As an SDK sends it: 300 bytes of form, seven headers. */
static void
make_request(void)
{
    const struct sigv4_signer signer = {.access_key = S("test"), .secret = S("test"),
                                        .region = S("us-east-1"), .service = S("ec2"),
                                        .now_ms = NOW_S * 1000ll};

    memset(body, 'a', sizeof(body));
    headers[0] = (struct http_header){S("Host"), S("127.0.0.1:4566")};
    headers[1] = (struct http_header){S("Content-Type"),
                                      S("application/x-www-form-urlencoded; charset=utf-8")};
    headers[2] = (struct http_header){S("User-Agent"), S("Boto3/1.34.46 md/Botocore#1.34.46")};
    headers[3] = (struct http_header){S("Accept-Encoding"), S("identity")};
    headers[4] = (struct http_header){S("Content-Length"), S("300")};
    request = (struct sigv4_request){.method = S("POST"), .path = S("/"), .headers = headers,
                                     .n_headers = HEADERS, .body = str_of(body, sizeof(body))};
    request.n_headers += sigv4_sign(&arena, &signer, &request, headers + HEADERS);
}

static void
verify(struct arena *scratch)
{
    const struct sigv4_expect expect = {.region = S("us-east-1"), .service = S("ec2")};
    struct sigv4_claim claim;
    int r = sigv4_parse(scratch, &request, &claim);

    if (r == SIGV4_OK)
        r = sigv4_admit(&request, &claim, &expect, NOW_S * 1000ll);
    if (r == SIGV4_OK)
        r = sigv4_verify(&request, &claim, 0, sigv4_keys_get(keys, &claim, S("test")));
    if (r != SIGV4_OK) {
        fprintf(stderr, "bench_sigv4: the signature was refused: %d\n", r);
        exit(2);
    }
    arena_reset(scratch);
}

static void
hash(const struct crypto_hmac *key, size_t canonical_n, size_t text_n)
{
    uint8_t digest[SHA256_LEN];
    static char text[4096];

    crypto_sha256(body, sizeof(body), digest);
    crypto_sha256(text, canonical_n, digest);
    crypto_hmac(key, text, text_n, digest);
    __asm__ volatile("" : : "r"(digest) : "memory");
}

int
main(void)
{
    struct arena scratch;
    struct crypto_hmac key = {0};
    struct sigv4_claim claim;
    double verify_us = 1e9, hash_us = 1e9;

    arena_init(&arena, 1 << 20);
    arena_init(&scratch, 1 << 20);
    keys = sigv4_keys_new(16);
    make_request();
    crypto_hmac_key(&key, "key", 3);
    if (sigv4_parse(&arena, &request, &claim) != SIGV4_OK)
        return 2;
    size_t canonical_n = sigv4_canonical_request(&arena, &request, &claim, 0).n;
    size_t text_n = sigv4_string_to_sign(&arena, &request, &claim, 0).n;
    for (int i = 0; i < ROUNDS; i++) {
        double began = now_us();

        for (int j = 0; j < TIMES; j++)
            verify(&scratch);
        verify_us = MIN(verify_us, (now_us() - began) / TIMES);
        began = now_us();
        for (int j = 0; j < TIMES; j++)
            hash(&key, canonical_n, text_n);
        hash_us = MIN(hash_us, (now_us() - began) / TIMES);
    }
    printf("sigv4-verify %.3f us\nsigv4-floor %.3f us\nsigv4-ratio %.2f\n", verify_us, hash_us,
           verify_us / hash_us);
    sigv4_keys_free(keys);
    crypto_hmac_done(&key);
    arena_done(&scratch);
    arena_done(&arena);
    return 0;
}
