/*
 * A chunk is sealed when it is known that more follows it, so that the last one can say that it is.
 */
#include "api/sealed_blob.h"

#include "base/error.h"
#include "codec/crypto.h"

#include <stdlib.h>

int
api_sealed_blob_new(struct env *env, struct api_sealed_blob **ret)
{
    uint8_t random[BLOB_NAME_BYTES / 2];
    struct api_sealed_blob *x;

    if (!env->blobs)
        return error_origin(ENOSYS, "there is no place for large bodies");
    x = calloc(1, sizeof(*x));
    if (!x)
        abort();
    x->blobs = env->blobs;
    env->random(env, random, sizeof(random));
    crypto_hex(x->name, random, sizeof(random));
    env->random(env, x->key, sizeof(x->key));
    int r = x->blobs->driver->create(x->blobs, str_of(x->name, sizeof(x->name)), &x->blob);

    if (r < 0) {
        x->blob = NULL;
        api_sealed_blob_free(x);
        return error_origin(-r, "a blob cannot be made: %s", strerror(-r));
    }
    *ret = x;
    return 0;
}

static int
write_chunk(struct api_sealed_blob *x, bool last, struct str plain)
{
    sealed_put(x->key, x->number++, last, plain, x->stored);
    int r = x->blobs->driver->add(x->blob, x->stored, plain.n + AEAD_TAG_BYTES);

    return r < 0 ? error_origin(-r, "a blob cannot be written: %s", strerror(-r)) : 0;
}

static int
flush(struct api_sealed_blob *x)
{
    int r = write_chunk(x, false, str_of(x->plain, x->n));

    assert(x->n == sizeof(x->plain));
    x->n = 0;
    return r;
}

int
api_sealed_blob_add(struct api_sealed_blob *x, struct str data)
{
    int r = 0;

    assert(x->blob);
    x->bytes += data.n;
    while (r == 0 && data.n) {
        if (x->n == sizeof(x->plain))
            r = flush(x);
        if (r)
            return r;
        if (x->n == 0 && data.n > sizeof(x->plain)) { /* need not be copied */
            r = write_chunk(x, false, str_cut(data, 0, sizeof(x->plain)));
            data = str_cut(data, sizeof(x->plain), data.n);
            continue;
        }
        size_t take = MIN(data.n, sizeof(x->plain) - x->n);

        memcpy(x->plain + x->n, data.p, take);
        x->n += take;
        data = str_cut(data, take, data.n);
    }
    return r;
}

int
api_sealed_blob_end(struct api_sealed_blob *x, struct blobs_finish *done)
{
    int r = x->n ? write_chunk(x, true, str_of(x->plain, x->n)) : 0;

    assert(x->blob && (x->n || x->bytes == 0));
    if (r < 0) {
        x->blobs->driver->discard(x->blob);
        x->blob = NULL;
        return r;
    }
    r = done ? x->blobs->driver->finish_later(x->blob, done) : x->blobs->driver->finish(x->blob);
    x->blob = NULL;
    return r < 0 && r != -EINPROGRESS
               ? error_origin(-r, "a blob cannot be made durable: %s", strerror(-r))
               : r;
}

struct api_sealed_blob *
api_sealed_blob_free(struct api_sealed_blob *x)
{
    if (!x)
        return NULL;
    if (x->blob)
        x->blobs->driver->discard(x->blob);
    explicit_bzero(x, sizeof(*x));
    free(x);
    return NULL;
}
