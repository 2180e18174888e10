/*
 * The thread sleeps but for the making of a key, and holds the lock for no longer than a copy
 * takes, so that its low priority never makes the loop wait.
 */
#include "sys/rsa_pool.h"

#include "base/error.h"
#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define STACK_BYTES ((size_t)256 << 10)
#define NICE 19

struct slot {
    size_t n; /* 0: empty */
    uint8_t der[PAGE_BYTES / RSA_POOL_KEYS - sizeof(size_t)];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct slot *slots; /* NULL: not started */
    atomic_bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static_assert(sizeof(struct slot) * RSA_POOL_KEYS <= PAGE_BYTES, "the keys have one page");

/* Called now and then while primes are looked for; 0 gives up. */
static int
go_on(EVP_PKEY_CTX *ctx UNUSED)
{
    return !atomic_load(&pool.stopping);
}

static EVP_PKEY *
make(bool may_stop)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;

    if (ctx && EVP_PKEY_keygen_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, RSA_POOL_BITS) > 0) {
        if (may_stop)
            EVP_PKEY_CTX_set_cb(ctx, go_on);
        if (EVP_PKEY_generate(ctx, &key) <= 0)
            key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static struct slot *
empty_slot(void)
{
    assert(pool.slots);
    for (int i = 0; i < RSA_POOL_KEYS; i++)
        if (!pool.slots[i].n)
            return &pool.slots[i];
    return NULL;
}

/* False when no more keys can be made. */
static bool
fill(struct slot *slot)
{
    uint8_t der[sizeof(slot->der)], *p = der;
    EVP_PKEY *key = make(true);
    int n = key ? i2d_PrivateKey(key, NULL) : -1;
    bool good = n > 0 && (size_t)n <= sizeof(der);

    assert(slot->n == 0);
    if (good)
        good = i2d_PrivateKey(key, &p) == n;
    EVP_PKEY_free(key);
    pthread_mutex_lock(&pool.lock);
    if (good) {
        memcpy(slot->der, der, (size_t)n);
        slot->n = (size_t)n;
    }
    pthread_mutex_unlock(&pool.lock);
    OPENSSL_cleanse(der, sizeof(der));
    return good;
}

static void *
run(void *arg UNUSED)
{
    struct slot *slot;
    bool good = true;

    /* In Linux this is of the thread alone. */
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    while (good && !atomic_load(&pool.stopping)) {
        pthread_mutex_lock(&pool.lock);
        while (!(slot = empty_slot()) && !atomic_load(&pool.stopping))
            pthread_cond_wait(&pool.changed, &pool.lock);
        pthread_mutex_unlock(&pool.lock);
        assert(slot || atomic_load(&pool.stopping));
        if (slot)
            good = fill(slot);
    }
    /* Not good is also who was told to stop in the middle. */
    if (!good && !atomic_load(&pool.stopping))
        log_error("libcrypto makes no more RSA keys in advance");
    return NULL;
}

static int
start_thread(void)
{
    pthread_attr_t attr;
    sigset_t all, before;

    assert(pool.slots && !atomic_load(&pool.stopping));
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int r = pthread_create(&pool.thread, &attr, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return -r;
}

int
rsa_pool_start(void)
{
    assert(!pool.slots);
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return error_origin(errno, "there is no page for keys");
    if (mlock(page, PAGE_BYTES) < 0 || madvise(page, PAGE_BYTES, MADV_DONTDUMP) < 0)
        log_debug("keys made in advance may be swapped: %s", strerror(errno));
    atomic_store(&pool.stopping, false);
    pool.slots = page;
    int r = start_thread();
    if (r < 0) {
        pool.slots = NULL;
        munmap(page, PAGE_BYTES);
        return error_origin(-r, "the thread that makes keys cannot be started");
    }
    return 0;
}

void
rsa_pool_stop(void)
{
    if (!pool.slots)
        return;
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.stopping, true);
    pthread_cond_signal(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
    pthread_join(pool.thread, NULL);
    OPENSSL_cleanse(pool.slots, PAGE_BYTES);
    munmap(pool.slots, PAGE_BYTES);
    pool.slots = NULL;
}

unsigned
rsa_pool_ready(void)
{
    unsigned n = 0;

    if (!pool.slots)
        return 0;
    pthread_mutex_lock(&pool.lock);
    for (int i = 0; i < RSA_POOL_KEYS; i++)
        n += pool.slots[i].n > 0;
    pthread_mutex_unlock(&pool.lock);
    return n;
}

EVP_PKEY *
rsa_pool_take(void)
{
    EVP_PKEY *key = NULL;

    if (pool.slots) {
        pthread_mutex_lock(&pool.lock);
        for (int i = 0; i < RSA_POOL_KEYS && !key; i++) {
            struct slot *slot = &pool.slots[i];
            const uint8_t *p = slot->der;

            if (!slot->n)
                continue;
            assert(slot->n <= sizeof(slot->der));
            key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, (long)slot->n);
            OPENSSL_cleanse(slot, sizeof(*slot));
        }
        pthread_cond_signal(&pool.changed);
        pthread_mutex_unlock(&pool.lock);
    }
    return key ? key : make(false);
}
