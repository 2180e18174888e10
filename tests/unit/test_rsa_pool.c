/* RSA keys made in advance. */
#include "sys/rsa_pool.h"

#include "harness/harness.h"

#include "sys/env.h"

#include <poll.h>

static int64_t
now_ms(void)
{
    struct env *env = env_real();

    return env->mono_ns(env) / 1000000;
}

static void
wait_ready(unsigned n)
{
    for (int64_t end_ms = now_ms() + 50000; rsa_pool_ready() < n;) {
        CHECK(now_ms() < end_ms);
        poll(NULL, 0, 5);
    }
}

static void
check_key(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    CHECK(key && ctx);
    CHECK_INT(EVP_PKEY_get_bits(key), RSA_POOL_BITS);
    CHECK(EVP_PKEY_is_a(key, "RSA"));
    CHECK(EVP_PKEY_pairwise_check(ctx) == 1);
    EVP_PKEY_CTX_free(ctx);
}

TEST(without_a_pool_a_key_is_made_when_it_is_asked_for)
{
    EVP_PKEY *key = rsa_pool_take();

    check_key(key);
    CHECK_INT(rsa_pool_ready(), 0);
    rsa_pool_stop();
    EVP_PKEY_free(key);
}

TEST(keys_are_ready_differ_and_are_made_again)
{
    EVP_PKEY *keys[RSA_POOL_KEYS + 2];

    CHECK(rsa_pool_start() == 0);
    wait_ready(RSA_POOL_KEYS);
    /* More than there are: the last ones are made in place. */
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        keys[i] = rsa_pool_take();
        check_key(keys[i]);
        for (size_t k = 0; k < i; k++)
            CHECK(EVP_PKEY_eq(keys[i], keys[k]) == 0);
    }
    wait_ready(RSA_POOL_KEYS);
    EVP_PKEY *later = rsa_pool_take();
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        CHECK(EVP_PKEY_eq(later, keys[i]) == 0);
        EVP_PKEY_free(keys[i]);
    }
    EVP_PKEY_free(later);
    rsa_pool_stop();
    CHECK_INT(rsa_pool_ready(), 0);
}

TEST(a_key_that_is_ready_is_the_one_that_is_taken)
{
    CHECK(rsa_pool_start() == 0);
    wait_ready(RSA_POOL_KEYS);
    EVP_PKEY *key = rsa_pool_take();
    CHECK(rsa_pool_ready() < RSA_POOL_KEYS); /* to make another takes tens of milliseconds */
    EVP_PKEY_free(key);
    rsa_pool_stop();
}

TEST(the_pool_starts_and_stops_at_any_time)
{
    for (int ms = 0; ms < 60; ms += 3) {
        CHECK(rsa_pool_start() == 0);
        poll(NULL, 0, ms);
        rsa_pool_stop();
        CHECK_INT(rsa_pool_ready(), 0);
    }
}
