/*
 * Large byte strings beside the database: written once under a new name, read, removed.
 *
 * Durability is the order of things: a blob is finished (durable) before the row that names it
 * commits, and removed after the row is durably gone.  What a crash leaves between is swept at the
 * next start.  A blob that is being read is not removed under the reader: blobs_hold().
 *
 * Real: files below DATA/objects.  Fake: memory, of which a crash keeps what was finished and an
 * arbitrary part of the rest.
 */
#pragma once

#include "base/str.h"

#define BLOB_NAME_BYTES 32 /* hexadecimal digits, lower case */

struct blobs;
struct blob; /* one that is being written */

/* One who waits until a blob is durable.  Zero it, set fn; it stays until it is called or taken
 * back. */
struct blobs_finish {
    void (*fn)(struct blobs_finish *finish, int result); /* 0 or -errno */
    void *job;                                           /* NULL: it does not wait */
};

/* Answers are 0 or -errno. */
struct blobs_driver {
    int (*create)(struct blobs *blobs, struct str name, struct blob **ret);
    int (*add)(struct blob *blob, const void *p, size_t n);
    /* Durable when this returns 0.  Frees the blob in any case; on failure it is gone. */
    int (*finish)(struct blob *blob);
    /* The same without waiting: 0 or -errno as above, or -EINPROGRESS: finish->fn is called from
     * blobs_poll(). */
    int (*finish_later)(struct blob *blob, struct blobs_finish *finish);
    /* Takes one back that waits; the blob is finished nevertheless. */
    void (*forget)(struct blobs *blobs, struct blobs_finish *finish);
    void (*discard)(struct blob *blob);
    /* Bytes from an offset: exactly n, or -errno. */
    int (*read)(struct blobs *blobs, struct str name, uint64_t offset, void *p, size_t n);
    int (*remove)(struct blobs *blobs, struct str name);
    /* Removes all that `used` does not know. */
    int (*sweep)(struct blobs *blobs, bool (*used)(void *ctx, struct str name), void *ctx);
    void (*done)(struct blobs *blobs);
};

struct blobs {
    const struct blobs_driver *driver;
    unsigned readers;
    struct blobs_waiting *waiting; /* to be removed when nobody reads any more */
};

/* Makes DIR/objects when it is absent. */
int blobs_real_open(struct blobs **ret, const char *dir);
/*
 * From now on a thread waits for the disk instead of who finishes a blob later.  *ret_fd is
 * readable when blobs_real_poll() has something to do.  0 or -errno.
 */
int blobs_real_start(struct blobs *blobs, int *ret_fd);
void blobs_real_poll(struct blobs *blobs);
struct blobs *blobs_fake_new(void);
/* What a crash does to the fake one. */
void blobs_fake_crash(struct blobs *blobs);
/* How many there are, finished or not: for tests. */
size_t blobs_fake_count(const struct blobs *blobs);
/* Whether one of them has these bytes somewhere: plain text must not. */
bool blobs_fake_holds(const struct blobs *blobs, struct str bytes);
struct blobs *blobs_free(struct blobs *blobs);

/* Nothing is removed between these. */
void blobs_hold(struct blobs *blobs);
void blobs_release(struct blobs *blobs);
/* Now, or when the last reader has gone.  Failures are logged: the next start's sweep does it. */
void blobs_remove(struct blobs *blobs, struct str name);
