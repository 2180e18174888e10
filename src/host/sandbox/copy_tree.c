/*
 * Copies what a guest changed on its root (the upper folder of an overlay) to a folder of ours.
 *
 * The guest may run meanwhile and is not trusted: nothing is opened by a path of its, no link is
 * followed, and what a name was when it was listed is not believed when it is opened.  In the copy
 * nobody else is.
 *
 * Kept: owners, modes, times, hard links, holes, extended attributes, and how the overlay says that
 * a name of the image is gone (a device 0:0) or that a folder hides the image's (an attribute).
 */
#include "host/sandbox/copy_tree.h"

#include "base/map.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 256,    /* each is two descriptors */
    LINKS_MAX = 100000, /* names of files that have several */
    PIECE = 1 << 20,
    NAMES_BYTES = 65536,
};

/* Where a file that has several names was put first. */
struct seen {
    uint64_t inode;
    char path[];
};

struct copying {
    struct map links; /* by inode */
    size_t n_links;
    int to; /* the root of the copy */
    char path[PATH_MAX];
    size_t path_n;
};

static int copy_dir(struct copying *c, int from, int to, unsigned depth);

/* ---- what files carry ---- */

/* The overlay's own attributes are about the folder that they are in, but for that one. */
static bool
attribute_kept(const char *name)
{
    return strncmp(name, "user.overlay.", 13) != 0 || strcmp(name, "user.overlay.opaque") == 0;
}

static int
copy_attributes(int from, int to)
{
    static char names[NAMES_BYTES], value[NAMES_BYTES];
    ssize_t n = flistxattr(from, names, sizeof(names));

    if (n < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (char *name = names; name < names + n; name += strlen(name) + 1) {
        ssize_t size = attribute_kept(name) ? fgetxattr(from, name, value, sizeof(value)) : -1;

        if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) < 0)
            return -errno;
    }
    return 0;
}

/* The owner first: changing it takes setuid bits and capabilities away. */
static int
copy_facts(int from, int to, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};

    if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
        return -errno;
    int r = copy_attributes(from, to);

    return r < 0 || futimens(to, times) == 0 ? r : -errno;
}

/* ---- files ---- */

static int
copy_range(int from, int to, off_t at, off_t end)
{
    static char piece[PIECE];

    assert(from >= 0 && to >= 0 && at >= 0);
    while (at < end) {
        ssize_t n = pread(from, piece, (size_t)MIN(end - at, (off_t)PIECE), at);

        if (n < 0)
            return -errno;
        if (n == 0)
            break; /* it became shorter meanwhile */
        for (ssize_t done = 0; done < n;) {
            ssize_t w = pwrite(to, piece + done, (size_t)(n - done), at + done);

            if (w < 0)
                return -errno;
            done += w;
        }
        at += n;
    }
    return 0;
}

int
copy_bytes(int from, int to, off_t size)
{
    int r = ftruncate(to, size) < 0 ? -errno : 0;

    assert(size >= 0);
    if (r < 0 || size == 0 || ioctl(to, FICLONE, from) == 0)
        return r;
    for (off_t at = 0; at < size && r == 0;) {
        off_t data = lseek(from, at, SEEK_DATA);
        off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);

        if (data < 0)
            return errno == ENXIO ? 0 : -errno; /* a hole to the end */
        if (hole < 0)
            return -errno;
        r = copy_range(from, to, data, MIN(hole, size));
        at = hole;
    }
    return r;
}

/* Whether the file's first name is in the copy already, and now this one too; else it is noted. */
static bool
linked(struct copying *c, const struct stat *st, int to, const char *name)
{
    uint64_t inode = st->st_ino;
    const struct seen *seen =
        st->st_nlink > 1 ? map_get(&c->links, str_of((char *)&inode, sizeof(inode))) : NULL;

    if (seen)
        return linkat(c->to, seen->path, to, name, 0) == 0;
    if (st->st_nlink < 2 || c->n_links == LINKS_MAX)
        return false;
    size_t n = strlen(name);
    assert(c->path_n < sizeof(c->path) && n > 0);
    struct seen *new = malloc(sizeof(*new) + c->path_n + n + 1);

    if (!new)
        return false;
    new->inode = inode;
    memcpy(new->path, c->path, c->path_n);
    memcpy(new->path + c->path_n, name, n + 1);
    map_put(&c->links, str_of((char *)&new->inode, sizeof(new->inode)), new);
    c->n_links++;
    return false;
}

static int
copy_file(struct copying *c, int from, int to, const char *name)
{
    FD_CLEANUP int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (in < 0 || fstat(in, &st) < 0)
        return errno == ENOENT || errno == ELOOP ? 0 : -errno; /* it has gone since */
    if (!S_ISREG(st.st_mode) || linked(c, &st, to, name))
        return 0;
    FD_CLEANUP int out = openat(to, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (out < 0)
        return -errno;
    int r = copy_bytes(in, out, st.st_size);

    return r < 0 ? r : copy_facts(in, out, &st);
}

static int
copy_link(int from, int to, const char *name, const struct stat *st)
{
    char target[PATH_MAX];
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

    if (n < 0)
        return errno == ENOENT || errno == EINVAL ? 0 : -errno;
    target[n] = '\0';
    if (symlinkat(target, to, name) < 0 ||
        fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

/* What is gone of the image, and pipes; a guest has no other devices, and sockets are remade. */
static int
copy_node(int to, const char *name, const struct stat *st)
{
    bool gone = S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);

    if (!gone && !S_ISFIFO(st->st_mode))
        return 0;
    if (mknodat(to, name, gone ? S_IFCHR : (st->st_mode & 07777) | S_IFIFO, makedev(0, 0)) < 0 ||
        fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

/* ---- folders ---- */

static int
enter(struct copying *c, int from, int to, const char *name, unsigned depth)
{
    FD_CLEANUP int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t n = strlen(name), before = c->path_n;

    if (in < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
    assert(before < sizeof(c->path) && n > 0);
    if (depth == DEPTH_MAX || before + n + 2 + NAME_MAX > sizeof(c->path))
        return -ENAMETOOLONG;
    if (mkdirat(to, name, 0700) < 0)
        return -errno;
    FD_CLEANUP int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (out < 0)
        return -errno;
    memcpy(c->path + before, name, n);
    c->path[before + n] = '/';
    c->path_n = before + n + 1;
    int r = copy_dir(c, in, out, depth + 1);

    c->path_n = before;
    return r;
}

static int
copy_one(struct copying *c, int from, int to, const char *name, unsigned depth)
{
    struct stat st;

    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
        return enter(c, from, to, name, depth);
    case S_IFREG:
        return copy_file(c, from, to, name);
    case S_IFLNK:
        return copy_link(from, to, name, &st);
    default:
        return copy_node(to, name, &st);
    }
}

/* The facts of a folder last: its times change while it is filled. */
static int
copy_dir(struct copying *c, int from, int to, unsigned depth)
{
    int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    struct stat st;
    int r = d ? 0 : -errno;

    assert(depth <= DEPTH_MAX);
    while (r == 0 && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            r = copy_one(c, from, to, e->d_name, depth);
    if (d)
        closedir(d);
    if (r == 0 && fstat(from, &st) < 0)
        r = -errno;
    return r < 0 ? r : copy_facts(from, to, &st);
}

int
copy_tree(int from, int to)
{
    struct copying *c = calloc(1, sizeof(*c));

    assert(from >= 0 && to >= 0);
    if (!c)
        return -ENOMEM;
    c->to = to;
    map_init(&c->links, 0);
    int r = copy_dir(c, from, to, 0);

    MAP_EACH(&c->links, entry)
        free(entry->value);
    map_done(&c->links);
    free(c);
    return r;
}
