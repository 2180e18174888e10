/* What both kinds of blobs share: removal waits for readers.  And the kind in memory. */
#include "sys/blobs.h"

#include "base/log.h"

#include <stdlib.h>

struct blobs_waiting {
    struct blobs_waiting *next;
    char name[BLOB_NAME_BYTES];
};

static void
remove_now(struct blobs *blobs, struct str name)
{
    int r = blobs->driver->remove(blobs, name);

    assert(blobs->driver && name.n == BLOB_NAME_BYTES);
    if (r < 0 && r != -ENOENT)
        log_warn("the object file %.*s cannot be removed: %s", STR_ARG(name), strerror(-r));
}

void
blobs_hold(struct blobs *blobs)
{
    assert(blobs->readers < UINT_MAX);
    blobs->readers++;
}

void
blobs_release(struct blobs *blobs)
{
    assert(blobs->readers > 0);
    if (--blobs->readers)
        return;
    while (blobs->waiting) {
        assert(blobs->readers == 0);
        struct blobs_waiting *w = blobs->waiting;

        blobs->waiting = w->next;
        remove_now(blobs, str_of(w->name, sizeof(w->name)));
        free(w);
    }
}

void
blobs_remove(struct blobs *blobs, struct str name)
{
    struct blobs_waiting *w;

    assert(name.n == BLOB_NAME_BYTES);
    if (!blobs->readers) {
        remove_now(blobs, name);
        return;
    }
    w = calloc(1, sizeof(*w));
    assert(blobs->readers > 0);
    if (!w)
        return; /* swept later */
    memcpy(w->name, name.p, sizeof(w->name));
    w->next = blobs->waiting;
    blobs->waiting = w;
}

struct blobs *
blobs_free(struct blobs *blobs)
{
    if (!blobs)
        return NULL;
    while (blobs->waiting) {
        struct blobs_waiting *w = blobs->waiting;

        blobs->waiting = w->next;
        free(w);
    }
    blobs->driver->done(blobs);
    return NULL;
}

/* ---- in memory ---- */

struct blob {
    struct blob *next;
    struct fake *fake;
    char name[BLOB_NAME_BYTES];
    char *p;
    size_t n, cap;
    bool finished;
};

struct fake {
    struct blobs blobs;
    struct blob *all;
};

static struct fake *
fake_of(struct blobs *blobs)
{
    return CONTAINER_OF(blobs, struct fake, blobs);
}

static struct blob **
find(struct fake *fake, struct str name)
{
    struct blob **link = &fake->all;

    assert(name.n == BLOB_NAME_BYTES);
    while (*link && !str_eq(str_of((*link)->name, BLOB_NAME_BYTES), name))
        link = &(*link)->next;
    assert(!*link || (*link)->fake == fake);
    return link;
}

static void
drop(struct blob **link)
{
    struct blob *blob = *link;

    assert(blob && blob->n <= blob->cap);
    *link = blob->next;
    free(blob->p);
    free(blob);
}

static int
fake_create(struct blobs *blobs, struct str name, struct blob **ret)
{
    struct fake *fake = fake_of(blobs);
    struct blob *blob;

    assert(name.n == BLOB_NAME_BYTES);
    if (*find(fake, name))
        return -EEXIST;
    blob = calloc(1, sizeof(*blob));
    if (!blob)
        return -ENOMEM;
    memcpy(blob->name, name.p, BLOB_NAME_BYTES);
    blob->fake = fake;
    blob->next = fake->all;
    fake->all = blob;
    *ret = blob;
    return 0;
}

static int
fake_add(struct blob *blob, const void *p, size_t n)
{
    assert(blob->n <= blob->cap && !blob->finished);
    if (blob->n + n > blob->cap) {
        size_t cap = MAX(blob->cap * 2, blob->n + n);
        char *grown = realloc(blob->p, cap);

        if (!grown)
            return -ENOMEM;
        blob->p = grown;
        blob->cap = cap;
    }
    if (n)
        memcpy(blob->p + blob->n, p, n);
    blob->n += n;
    assert(blob->n <= blob->cap);
    return 0;
}

static int
fake_finish(struct blob *blob)
{
    assert(!blob->finished);
    blob->finished = true;
    return 0;
}

static int
fake_finish_later(struct blob *blob, struct blobs_finish *finish)
{
    assert(finish->fn && !finish->job);
    return fake_finish(blob);
}

static void
fake_forget(struct blobs *blobs, struct blobs_finish *finish)
{
    (void)blobs;
    assert(!finish->job); /* nobody waits here */
}

static void
fake_discard(struct blob *blob)
{
    assert(!blob->finished);
    drop(find(blob->fake, str_of(blob->name, BLOB_NAME_BYTES)));
}

static int
fake_read(struct blobs *blobs, struct str name, uint64_t offset, void *p, size_t n)
{
    const struct blob *blob = *find(fake_of(blobs), name);

    if (!blob || !blob->finished)
        return -ENOENT;
    if (offset > blob->n || n > blob->n - offset)
        return -EIO;
    if (n)
        memcpy(p, blob->p + offset, n);
    return 0;
}

static int
fake_remove(struct blobs *blobs, struct str name)
{
    struct blob **link = find(fake_of(blobs), name);

    if (!*link)
        return -ENOENT;
    drop(link);
    return 0;
}

static int
fake_sweep(struct blobs *blobs, bool (*used)(void *ctx, struct str name), void *ctx)
{
    struct blob **link = &fake_of(blobs)->all;

    while (*link) {
        if (used(ctx, str_of((*link)->name, BLOB_NAME_BYTES)))
            link = &(*link)->next;
        else
            drop(link);
    }
    return 0;
}

static void
fake_done(struct blobs *blobs)
{
    struct fake *fake = fake_of(blobs);

    while (fake->all)
        drop(&fake->all);
    free(fake);
}

void
blobs_fake_crash(struct blobs *blobs)
{
    for (struct blob *b = fake_of(blobs)->all; b; b = b->next)
        if (!b->finished) {
            b->n /= 2;
            b->finished = true; /* a file like any other now */
        }
    blobs->readers = 0;
}

size_t
blobs_fake_count(const struct blobs *blobs)
{
    size_t n = 0;

    for (const struct blob *b = fake_of((struct blobs *)blobs)->all; b; b = b->next)
        n++;
    return n;
}

bool
blobs_fake_holds(const struct blobs *blobs, struct str bytes)
{
    for (const struct blob *b = fake_of((struct blobs *)blobs)->all; b; b = b->next)
        if (str_find(str_of(b->p, b->n), bytes) != SIZE_MAX)
            return true;
    return false;
}

struct blobs *
blobs_fake_new(void)
{
    static const struct blobs_driver driver = {
        fake_create,  fake_add,  fake_finish, fake_finish_later, fake_forget,
        fake_discard, fake_read, fake_remove, fake_sweep,        fake_done};
    struct fake *fake = calloc(1, sizeof(*fake));

    if (!fake)
        abort();
    fake->blobs.driver = &driver;
    return &fake->blobs;
}
