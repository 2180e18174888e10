#include "codec/crypto.h"
#include "harness/harness.h"

#include <pthread.h>

static struct str
digest(enum crypto_digest kind, struct str s)
{
    uint8_t d[CRYPTO_DIGEST_MAX];

    crypto_digest(kind, s.p, s.n, d);
    return str_hex(test_arena(), d, crypto_digest_len(kind));
}

TEST(digests_are_those_of_the_standards)
{
    CHECK_STR(digest(CRYPTO_SHA256, S("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(digest(CRYPTO_SHA1, S("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK_STR(digest(CRYPTO_MD5, S("abc")), "900150983cd24fb0d6963f7d28e17f72");
    CHECK_STR(digest(CRYPTO_SHA256, STR_NONE),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(a_digest_in_pieces_is_the_digest_of_the_whole)
{
    struct crypto_hash *h = crypto_hash_new(CRYPTO_SHA256);
    uint8_t d[SHA256_LEN], whole[SHA256_LEN];

    crypto_sha256("abc", 3, whole);
    for (int round = 0; round < 3; round++) {
        crypto_hash_add(h, "a", 1);
        crypto_hash_add(h, "bc", 2);
        crypto_hash_end(h, d);
        CHECK(memcmp(d, whole, sizeof(d)) == 0);
    }
    crypto_hash_free(h);
}

/* RFC 4231, cases 1, 2, 6. */
TEST(hmac_is_that_of_the_rfc)
{
    char key[131];
    uint8_t mac[SHA256_LEN];
    struct crypto_hmac h = {0};

    memset(key, 0x0b, 20);
    crypto_hmac_key(&h, key, 20);
    for (int round = 0; round < 2; round++) {
        crypto_hmac(&h, "Hi There", 8, mac);
        CHECK_STR(str_hex(test_arena(), mac, sizeof(mac)),
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
    crypto_hmac_key(&h, "Jefe", 4);
    crypto_hmac(&h, "what do ya want for nothing?", 28, mac);
    CHECK_STR(str_hex(test_arena(), mac, sizeof(mac)),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    crypto_hmac_done(&h);
    memset(key, 0xaa, sizeof(key));
    crypto_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First",
                       54, mac);
    CHECK_STR(str_hex(test_arena(), mac, sizeof(mac)),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void *
hash_much(void *unused)
{
    uint8_t d[SHA256_LEN], mac[SHA256_LEN];

    for (int i = 0; i < 1000; i++) {
        crypto_sha256("abc", 3, d);
        crypto_hmac_sha256("k", 1, d, sizeof(d), mac);
    }
    return d[0] == 0xba ? unused : NULL;
}

TEST(threads_hash_side_by_side)
{
    pthread_t threads[4];
    void *ok;

    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, hash_much, &threads) == 0);
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], &ok) == 0);
        CHECK(ok == &threads);
    }
}
