/*
 * Copies of volumes' bytes: snapshots, and volumes of snapshots.
 *
 * A copy appears under its name when it is whole (O_TMPFILE and linkat), so what there is is whole
 * whoever was killed meanwhile.  Blocks are shared where the file system can (FICLONE).  Of a
 * volume whose file system is mounted in a guest that file system stands still meanwhile: all that
 * was written is on the volume, and nothing half; whoever writes to it waits.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int
copy_range(int from, int to, off_t at, off_t end)
{
    assert(at < end);
    while (at < end) {
        off_t out = at;
        ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);

        if (n <= 0)
            return n < 0 ? -errno : -EIO;
    }
    return 0;
}

/* Holes stay holes. */
static int
copy_data(int from, int to, off_t bytes)
{
    int r = 0;

    for (off_t at = 0; r == 0 && at < bytes;) {
        off_t begin = lseek(from, at, SEEK_DATA);

        if (begin < 0)
            return errno == ENXIO ? 0 : -errno;
        off_t end = lseek(from, begin, SEEK_HOLE);

        end = MIN(end < 0 ? bytes : end, bytes);
        if (begin < end)
            r = copy_range(from, to, begin, end);
        at = MAX(end, begin + 1);
    }
    return r;
}

/*
 * The file system that a guest has mounted of the device, through a mount of our own that is
 * nowhere: asking for one that there is already gives that very one.
 */
static int
file_system(int loop)
{
    static const char *const types[] = {"ext4", "xfs", "vfat"};
    char path[LOOP_PATH_MAX];
    int fd = -1;

    loop_path(path, loop);
    for (size_t i = 0; fd < 0 && i < ARRAY_LEN(types); i++)
        fd = guest_fs_open(types[i], path, 0, (char[1]){""});
    return fd; /* one that is read-only changes no more */
}

static int
fill(const struct bytes_copy *c, int to)
{
    if (ftruncate(to, (off_t)c->bytes) < 0)
        return -errno;
    if (c->source < 0)
        return 0;
    if (ioctl(to, FICLONE, c->source) == 0)
        return ftruncate(to, (off_t)c->bytes) < 0 ? -errno : 0;
    assert(c->source >= 0 && to >= 0);
    off_t have = lseek(c->source, 0, SEEK_END);

    return have < 0 ? -errno : copy_data(c->source, to, MIN(have, (off_t)c->bytes));
}

static int
fill_still(const struct bytes_copy *c, int to)
{
    FD_CLEANUP int fs = c->mounted ? file_system(c->loop) : -1;
    FD_CLEANUP int root = fs < 0 ? -1 : openat(fs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool frozen = root >= 0 && ioctl(root, FIFREEZE, 0) == 0;

    if (!frozen && c->loop >= 0) { /* nothing is mounted: what was written through the device */
        FD_CLEANUP int device = loop_open(c->loop, O_RDONLY);

        if (device >= 0)
            fsync(device);
    }
    int r = fill(c, to);

    if (frozen)
        ioctl(root, FITHAW, 0);
    return r;
}

int
bytes_copy(const struct bytes_copy *c)
{
    char self[32];
    FD_CLEANUP int to = openat(c->to, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    assert(c->bytes > 0 && machine_id_ok(c->name));
    if (to < 0)
        return -errno;
    int r = fill_still(c, to);

    if (r == 0 && fsync(to) < 0)
        r = -errno;
    text_set(self, sizeof(self), "/proc/self/fd/%d", to);
    if (r == 0 && linkat(AT_FDCWD, self, c->to, c->name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
        r = -errno;
    if (r == 0 && fsync(c->to) < 0)
        r = -errno;
    return r;
}
