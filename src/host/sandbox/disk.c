/*
 * Encrypted disks.
 *
 * An ordinary disk is a folder of DATA.  An encrypted one is an ext4 file system in the file
 * DATA/machines/ID/volume, as large as the volume, and the folder in it is under an encryption
 * policy of the kernel (fscrypt: AES-256-XTS for what is in files, AES-256-CTS for their names)
 * whose master key is the volume's data key.  The key comes with each start, is in the kernel as
 * long as the file system is mounted, and is nowhere on the host's disk.
 *
 *   DISK     attaches the file to a loop device, mounts it on DATA/run/disks/ID, adds the key
 *   LAUNCH   gives the machine its folder and takes the mount away again: then the machine's mount
 *            namespace alone holds it, and with its last process go mount, key and device
 *
 * So nothing has to be cleaned up, or known again after a kill -9.  Two mounts of one file would
 * ruin it: the file is locked, and the loop device holds the description that has the lock.
 */
#include "host/sandbox/sandbox.h"

#include "base/log.h"

#include <fcntl.h>
#include <linux/fscrypt.h>
#include <linux/loop.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define VOLUME "volume"
#define VOLUME_NEW "volume.new" /* not formatted yet */
#define FOLDER "disk"           /* in the file system: what is encrypted */
#define LOCK_TRIES 200
#define LOCK_PAUSE_MS 10

/* What is open while a disk is opened. */
struct opening {
    struct host *h;
    const struct priv_disk *q;
    struct why *why;
    int dir;  /* DATA/machines/ID */
    int file; /* of the volume */
    int loop;
    int mount;
    char device[LOOP_PATH_MAX];
    char at[PRIV_ID_MAX + 16]; /* "disks/ID", in DATA/run */
};

static int
failed(struct opening *o, const char *what)
{
    int err = errno;

    assert(err > 0);
    return why_set(o->why, err, "the encrypted disk of %s cannot be opened: %s: %s", o->q->id, what,
                   strerror(err));
}

/* ---- the file ---- */

static int
run_mkfs(int fd)
{
    static const char *const paths[] = {"/sbin/mkfs.ext4", "/usr/sbin/mkfs.ext4"};
    static const char *const argv[] = {"mkfs.ext4",
                                       "-q",
                                       "-F",
                                       "-O",
                                       "encrypt",
                                       "-m",
                                       "0",
                                       "-E",
                                       "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
                                       "/proc/self/fd/3",
                                       NULL};
    static const char *const env[] = {"PATH=/usr/sbin:/sbin", NULL};
    int status = -1;
    pid_t pid = fork();

    assert(fd >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        if (fd == 3 ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, 3) < 0)
            _exit(126);
        for (int i = 0; i < 3; i++)
            dup2(null, i);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
            execve(paths[i], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0     ? 0
           : WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT
                                                             : -EIO;
}

/* A volume that was never started has no file.  A half made one is made anew. */
static int
make_file(struct opening *o)
{
    assert(o->q->bytes >= PRIV_DISK_MIN && o->q->bytes <= PRIV_DISK_MAX);
    FD_CLEANUP int fd =
        openat(o->dir, VOLUME_NEW, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)o->q->bytes) < 0)
        return failed(o, "its file could not be made");
    int r = run_mkfs(fd);
    if (r < 0) {
        errno = -r;
        return failed(o, r == -ENOENT ? "mkfs.ext4 (package e2fsprogs) is not installed"
                                      : "mkfs.ext4 failed");
    }
    if (renameat(o->dir, VOLUME_NEW, o->dir, VOLUME) < 0)
        return failed(o, "its file could not be named");
    return 0;
}

static int
open_file(struct opening *o)
{
    const char *id = o->q->id;
    int r = 0;

    assert(o->dir < 0 && o->file < 0 && machine_id_ok(id));
    if (mkdirat(o->h->machines, id, 0700) < 0 && errno != EEXIST)
        return failed(o, "the machine's folder could not be made");
    o->dir = openat(o->h->machines, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (o->dir < 0)
        return failed(o, "the machine's folder could not be opened");
    if (faccessat(o->dir, VOLUME, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        r = make_file(o);
    if (r < 0)
        return r;
    o->file = openat(o->dir, VOLUME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (o->file < 0)
        return failed(o, "its file could not be opened");
    /* A machine that has just ended may still be on its way out. */
    for (int i = 0; flock(o->file, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES)
            return failed(o, "it is in use");
        poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return 0;
}

/* ---- the loop device ---- */

static int
attach(struct opening *o)
{
    const struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};
    int number;

    assert(o->file >= 0 && o->loop < 0);
    o->loop = loop_attach(o->file, &info, &number);
    if (o->loop < 0) {
        errno = -o->loop;
        return failed(o, errno == ENODEV ? "this host has no loop devices"
                                         : "no loop device takes it");
    }
    loop_path(o->device, number);
    return 0;
}

static int
mount_device(struct opening *o)
{
    assert(o->loop >= 0 && o->mount < 0 && o->device[0] == '/');
    FD_CLEANUP int fs = (int)syscall(SYS_fsopen, "ext4", FSOPEN_CLOEXEC);

    if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", o->device, 0) < 0 ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return failed(o, "it could not be read");
    FD_CLEANUP int tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    if (tree < 0 || (mkdirat(o->h->run, o->at, 0700) < 0 && errno != EEXIST) ||
        syscall(SYS_move_mount, tree, "", o->h->run, o->at, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return failed(o, "it could not be mounted");
    o->mount = openat(o->h->run, o->at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return o->mount < 0 ? failed(o, "it could not be entered") : 0;
}

/* ---- the key ---- */

static int
add_key(struct opening *o, uint8_t ret_id[FSCRYPT_KEY_IDENTIFIER_SIZE])
{
    assert(o->mount >= 0);
    /* the key follows the head */
    union {
        struct fscrypt_add_key_arg arg;
        uint8_t bytes[sizeof(struct fscrypt_add_key_arg) + PRIV_DISK_KEY];
    } key = {
        .arg = {.key_spec = {.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER}, .raw_size = PRIV_DISK_KEY}};

    memcpy(key.bytes + sizeof(key.arg), o->q->key, PRIV_DISK_KEY);
    int r = ioctl(o->mount, FS_IOC_ADD_ENCRYPTION_KEY, &key);
    int err = errno;

    memcpy(ret_id, key.arg.key_spec.u.identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
    explicit_bzero(&key, sizeof(key));
    errno = err;
    return r < 0 ? failed(o, err == EOPNOTSUPP || err == ENOTTY
                                 ? "the kernel has no fscrypt (CONFIG_FS_ENCRYPTION)"
                                 : "the kernel does not take its key")
                 : 0;
}

static int
protect(struct opening *o)
{
    struct fscrypt_policy_v2 policy = {
        .version = FSCRYPT_POLICY_V2,
        .contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
        .filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
        .flags = FSCRYPT_POLICY_FLAGS_PAD_32,
    };
    int r = add_key(o, policy.master_key_identifier);

    assert(o->mount >= 0);
    if (r < 0)
        return r;
    if (mkdirat(o->mount, FOLDER, 0755) < 0 && errno != EEXIST)
        return failed(o, "its folder could not be made");
    FD_CLEANUP int folder =
        openat(o->mount, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Setting the same policy again is no error; another key's is. */
    if (folder < 0 || ioctl(folder, FS_IOC_SET_ENCRYPTION_POLICY, &policy) < 0)
        return failed(o, "the key is not this disk's");
    return 0;
}

/* ---- in order ---- */

/* The working directory is DATA/run/stage. */
static void
unmount(const char *at)
{
    char path[PRIV_ID_MAX + 24];

    assert(strncmp(at, "disks/", 6) == 0);
    text_set(path, sizeof(path), "../%s", at);
    while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    rmdir(path);
}

void
disk_close(struct host *h, const char *id)
{
    char at[PRIV_ID_MAX + 16];

    assert(machine_id_ok(id));
    text_set(at, sizeof(at), "disks/%s", id);
    if (faccessat(h->run, at, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        unmount(at);
}

int
disk_open(struct host *h, const struct priv_disk *q, struct why *why)
{
    struct opening o = {.h = h, .q = q, .why = why, .dir = -1, .file = -1, .loop = -1, .mount = -1};

    assert(machine_id_ok(q->id) && h->run >= 0);
    if (mkdirat(h->run, "disks", 0700) < 0 && errno != EEXIST)
        return why_set(why, errno, "run/disks could not be made: %s", strerror(errno));
    text_set(o.at, sizeof(o.at), "disks/%s", q->id);
    disk_close(h, q->id); /* what a launch that never came left */
    int r = open_file(&o);
    if (r == 0)
        r = attach(&o);
    if (r == 0)
        r = mount_device(&o);
    if (r == 0)
        r = protect(&o);
    fd_close(&o.mount);
    fd_close(&o.loop); /* it clears itself when it is mounted no more */
    fd_close(&o.file);
    fd_close(&o.dir);
    if (r < 0)
        disk_close(h, q->id);
    return r;
}

int
disk_take(struct host *h, const char *id)
{
    char path[PRIV_ID_MAX + 32];

    assert(machine_id_ok(id));
    text_set(path, sizeof(path), "disks/%s/" FOLDER, id);
    return openat(h->run, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool
disk_is_encrypted(struct host *h, const char *id)
{
    char path[PRIV_ID_MAX + 16];

    text_set(path, sizeof(path), "%s/" VOLUME, id);
    return faccessat(h->machines, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
