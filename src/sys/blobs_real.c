/*
 * Blobs as files: DATA/objects/ab/ab….  256 folders, made when they are first needed, so that none
 * has too many.  The kernel begins to write a file while it is still being filled: then the sync at
 * its end has little left to wait for.  That wait is a thread's, of which it is all the work: one
 * file is synced after the other, so that a large one does not keep the loop.
 */
#include "sys/blobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_BEHIND_BYTES ((uint64_t)4 << 20)

struct job {
    struct job *next;
    struct blob *blob;
    struct blobs_finish *finish; /* the loop's; NULL: nobody waits any more */
    int result;
};

struct real {
    struct blobs blobs;
    int dir;
    /* The thread that waits for the disk; what is below the lock is shared with it. */
    bool started;
    int wake; /* eventfd: jobs are done */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *queue, **queue_end, *done; /* done: the newest first */
    bool stop;
};

struct blob {
    struct real *real;
    int fd;
    uint64_t bytes, begun; /* written; and handed to the disk */
    char path[BLOB_NAME_BYTES + 4];
};

static void
path_of(char path[BLOB_NAME_BYTES + 4], struct str name)
{
    assert(name.n == BLOB_NAME_BYTES);
    snprintf(path, BLOB_NAME_BYTES + 4, "%.2s/%.32s", name.p, name.p);
    assert(strlen(path) == BLOB_NAME_BYTES + 3);
}

static struct real *
real_of(struct blobs *blobs)
{
    return CONTAINER_OF(blobs, struct real, blobs);
}

static int
sync_folder(const struct real *real, const char *path)
{
    char folder[3] = {path[0], path[1], '\0'};
    int fd = openat(real->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    assert(path[2] == '/');
    if (fd >= 0)
        close(fd);
    return r;
}

static int
open_new(struct real *real, const char *path)
{
    char folder[3] = {path[0], path[1], '\0'};
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(real->dir, path, flags, 0600);

    assert(real->dir >= 0 && path[2] == '/');
    if (fd >= 0 || errno != ENOENT)
        return fd < 0 ? -errno : fd;
    if ((mkdirat(real->dir, folder, 0700) < 0 && errno != EEXIST) || fsync(real->dir) < 0)
        return -errno;
    fd = openat(real->dir, path, flags, 0600);
    return fd < 0 ? -errno : fd;
}

static int
real_create(struct blobs *blobs, struct str name, struct blob **ret)
{
    struct blob *blob = calloc(1, sizeof(*blob));

    if (!blob)
        return -ENOMEM;
    blob->real = real_of(blobs);
    path_of(blob->path, name);
    blob->fd = open_new(blob->real, blob->path);
    if (blob->fd < 0) {
        int r = blob->fd;

        free(blob);
        return r;
    }
    *ret = blob;
    return 0;
}

static int
real_add(struct blob *blob, const void *p, size_t n)
{
    const char *at = p;

    assert(blob->fd >= 0 && blob->begun <= blob->bytes);
    while (n) {
        ssize_t w = write(blob->fd, at, n);
        assert(blob->bytes <= INT64_MAX - n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        at += w;
        n -= (size_t)w;
        blob->bytes += (size_t)w;
    }
    if (blob->bytes - blob->begun >= WRITE_BEHIND_BYTES) {
        sync_file_range(blob->fd, (off64_t)blob->begun, (off64_t)(blob->bytes - blob->begun),
                        SYNC_FILE_RANGE_WRITE);
        blob->begun = blob->bytes;
    }
    return 0;
}

static int
real_finish(struct blob *blob)
{
    int r = fsync(blob->fd) < 0 ? -errno : 0;

    assert(blob->fd >= 0 && blob->begun <= blob->bytes);
    if (close(blob->fd) < 0 && r == 0)
        r = -errno;
    if (r == 0)
        r = sync_folder(blob->real, blob->path);
    if (r < 0)
        unlinkat(blob->real->dir, blob->path, 0);
    free(blob);
    return r;
}

/* ---- the thread ---- */

static void *
run(void *arg)
{
    struct real *real = arg;

    pthread_mutex_lock(&real->lock);
    for (;;) {
        while (!real->queue && !real->stop)
            pthread_cond_wait(&real->changed, &real->lock);
        struct job *job = real->queue;

        if (!job)
            break; /* all that was given is done */
        real->queue = job->next;
        if (!real->queue)
            real->queue_end = &real->queue;
        pthread_mutex_unlock(&real->lock);
        job->result = real_finish(job->blob);
        pthread_mutex_lock(&real->lock);
        job->next = real->done;
        real->done = job;
        eventfd_write(real->wake, 1);
    }
    pthread_mutex_unlock(&real->lock);
    return NULL;
}

static int
real_finish_later(struct blob *blob, struct blobs_finish *finish)
{
    struct real *real = blob->real;
    struct job *job = real->started ? calloc(1, sizeof(*job)) : NULL;

    assert(finish->fn && !finish->job);
    if (!job)
        return real_finish(blob);
    job->blob = blob;
    job->finish = finish;
    finish->job = job;
    pthread_mutex_lock(&real->lock);
    *real->queue_end = job;
    real->queue_end = &job->next;
    pthread_cond_signal(&real->changed);
    pthread_mutex_unlock(&real->lock);
    return -EINPROGRESS;
}

static void
real_forget(struct blobs *blobs, struct blobs_finish *finish)
{
    struct job *job = finish->job;

    assert(blobs && job && job->finish == finish);
    job->finish = NULL; /* which the thread does not look at */
    finish->job = NULL;
}

void
blobs_real_poll(struct blobs *blobs)
{
    struct real *real = real_of(blobs);
    struct job *all = NULL, *job;
    eventfd_t n;

    assert(real->started);
    eventfd_read(real->wake, &n);
    pthread_mutex_lock(&real->lock);
    while ((job = real->done)) {
        real->done = job->next;
        job->next = all;
        all = job;
    }
    pthread_mutex_unlock(&real->lock);
    while ((job = all)) {
        struct blobs_finish *finish = job->finish;
        int result = job->result;

        all = job->next;
        free(job);
        if (!finish)
            continue;
        finish->job = NULL;
        finish->fn(finish, result);
    }
}

int
blobs_real_start(struct blobs *blobs, int *ret_fd)
{
    struct real *real = real_of(blobs);
    sigset_t all, before;

    assert(!real->started);
    real->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (real->wake < 0)
        return -errno;
    real->queue_end = &real->queue;
    pthread_mutex_init(&real->lock, NULL);
    pthread_cond_init(&real->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int r = pthread_create(&real->thread, NULL, run, real);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r) {
        close(real->wake);
        return -r;
    }
    real->started = true;
    *ret_fd = real->wake;
    return 0;
}

static void
stop_thread(struct real *real)
{
    struct job *job;

    pthread_mutex_lock(&real->lock);
    real->stop = true;
    pthread_cond_signal(&real->changed);
    pthread_mutex_unlock(&real->lock);
    pthread_join(real->thread, NULL);
    while ((job = real->done)) {
        real->done = job->next;
        free(job);
    }
    close(real->wake);
    pthread_cond_destroy(&real->changed);
    pthread_mutex_destroy(&real->lock);
}

static void
real_discard(struct blob *blob)
{
    close(blob->fd);
    unlinkat(blob->real->dir, blob->path, 0);
    free(blob);
}

static int
real_read(struct blobs *blobs, struct str name, uint64_t offset, void *p, size_t n)
{
    char path[BLOB_NAME_BYTES + 4], *at = p;
    int r = 0;

    path_of(path, name);
    int fd = openat(real_of(blobs)->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    while (n && r == 0) {
        ssize_t got = pread(fd, at, n, (off_t)offset);
        assert(offset <= INT64_MAX - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            r = got < 0 ? -errno : -EIO;
            break;
        }
        at += got;
        assert((size_t)got <= n);
        n -= (size_t)got;
        offset += (size_t)got;
    }
    close(fd);
    return r;
}

static int
real_remove(struct blobs *blobs, struct str name)
{
    char path[BLOB_NAME_BYTES + 4];

    path_of(path, name);
    return unlinkat(real_of(blobs)->dir, path, 0) < 0 ? -errno : 0;
}

static int
sweep_folder(struct real *real, const char *folder, bool (*used)(void *ctx, struct str name),
             void *ctx)
{
    int fd = openat(real->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        int r = -errno;

        if (fd >= 0)
            close(fd);
        return r;
    }
    while ((entry = readdir(dir))) {
        struct str name = str_from(entry->d_name);

        if (name.n == BLOB_NAME_BYTES && !used(ctx, name))
            unlinkat(fd, entry->d_name, 0);
    }
    closedir(dir);
    return 0;
}

static int
real_sweep(struct blobs *blobs, bool (*used)(void *ctx, struct str name), void *ctx)
{
    char folder[3];
    int r = 0;

    for (int i = 0; i < 256 && r >= 0; i++) {
        snprintf(folder, sizeof(folder), "%02x", (unsigned)i);
        r = sweep_folder(real_of(blobs), folder, used, ctx);
        if (r == -ENOENT)
            r = 0;
    }
    return r;
}

static void
real_done(struct blobs *blobs)
{
    if (real_of(blobs)->started)
        stop_thread(real_of(blobs));
    close(real_of(blobs)->dir);
    free(real_of(blobs));
}

int
blobs_real_open(struct blobs **ret, const char *dir)
{
    static const struct blobs_driver driver = {
        real_create,  real_add,  real_finish, real_finish_later, real_forget,
        real_discard, real_read, real_remove, real_sweep,        real_done};
    struct real *real = calloc(1, sizeof(*real));
    int parent = real ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, r = 0;

    if (!real)
        return -ENOMEM;
    real->blobs.driver = &driver;
    real->dir = -1;
    if (parent < 0 || (mkdirat(parent, "objects", 0700) < 0 && errno != EEXIST) ||
        fsync(parent) < 0)
        r = -errno;
    if (r == 0) {
        real->dir = openat(parent, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = real->dir < 0 ? -errno : 0;
    }
    if (parent >= 0)
        close(parent);
    if (r < 0) {
        assert(real->dir < 0);
        free(real);
        return r;
    }
    *ret = &real->blobs;
    return 0;
}
