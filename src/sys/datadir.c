/*
 * See datadir.h.  A key file is written beside its place and linked there, so that a crash leaves
 * a whole one or none.
 */
#include "sys/datadir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int
join(char path[PATH_BYTES], const char *dir, const char *name, const char *suffix)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s%s", dir, name, suffix);

    assert(dir && name && suffix);
    return n < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

int
datadir_make(const char *dir)
{
    return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int
datadir_lock(const char *dir, const char *name, int *ret_fd, int *ret_pid)
{
    assert(ret_fd && ret_pid);
    CLEANUP(close_fd) int fd = -1;
    char path[PATH_BYTES], text[32];
    ssize_t n;
    int r = join(path, dir, name, "");

    if (r < 0)
        return r;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return -errno;
        n = pread(fd, text, sizeof(text) - 1, 0);
        text[MAX(n, 0)] = '\0';
        *ret_pid = (int)strtol(text, NULL, 10);
        return -EBUSY;
    }
    n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    assert(n > 0 && (size_t)n < sizeof(text));
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return errno ? -errno : -EIO;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int
datadir_private_file(const char *path)
{
    CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || fchmod(fd, 0600) < 0)
        return -errno;
    return 0;
}

int
datadir_read_key(const char *dir, const char *name, void *p, size_t n)
{
    assert(p && n <= PATH_BYTES);
    assert(n > 0);
    CLEANUP(close_fd) int fd = -1;
    char path[PATH_BYTES];
    struct stat st;
    int r = join(path, dir, name, "");

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_mode & 077)
        return -EPERM;
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)n)
        return -EUCLEAN;
    return read(fd, p, n) == (ssize_t)n ? 0 : -EIO;
}

static int
write_synced(const char *path, const void *p, size_t n)
{
    assert(p);
    assert(n > 0);
    CLEANUP(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                                    0600);

    if (fd < 0)
        return -errno;
    errno = EIO; /* for a short write */
    if (write(fd, p, n) != (ssize_t)n || fsync(fd) < 0)
        return -errno;
    return 0;
}

int
datadir_write_key(const char *dir, const char *name, const void *p, size_t n)
{
    assert(p && n <= PATH_BYTES);
    assert(n > 0);
    CLEANUP(close_fd) int dir_fd = -1;
    char path[PATH_BYTES], beside[PATH_BYTES];
    int r = join(path, dir, name, "");

    if (r == 0)
        r = join(beside, dir, name, ".new");
    if (r == 0)
        r = write_synced(beside, p, n);
    if (r < 0)
        return r;
    if (link(beside, path) < 0)
        r = -errno;
    unlink(beside);
    if (r < 0)
        return r;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || fsync(dir_fd) < 0)
        return -errno;
    return 0;
}
