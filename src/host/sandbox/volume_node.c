/*
 * The device of a volume inside a guest.
 *
 * A node that was made in a user namespace opens nothing, so a node of the host's, which belongs to
 * the guest's root, is mounted into the guest's /dev.  The guest may bind it elsewhere, and such a
 * mount outlives the one in /dev: when the volume goes, the node itself loses its owner and its
 * mode, so that whatever shows it opens nothing, also when the device's number is another volume's
 * one day.
 *
 *   Xen     /dev/xvdf -> block/7:2     and the link sdf
 *   Nitro   /dev/nvme1n1 -> block/7:2  and the links sdf, xvdf, disk/by-id/nvme-Amazon_Elastic_…
 *
 * The name in /dev is a link too, because a mount point is what programs take for a file system
 * that is mounted (busybox's mke2fs does not format such a device).
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LOOP_MAJOR 7
#define DISK_GID 6 /* the group disk of Debian and of Red Hat */
#define BY_ID "dev/disk/by-id"

int
node_tree(struct host *h, const struct volume *v, uint32_t slot)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                           .attr_clr = MOUNT_ATTR_NODEV};
    uint32_t uid = 65536u * (slot + 1);
    const char *name = v->is.id;

    assert(v->loop >= 0 && slot < PRIV_SLOTS);
    node_revoke(h, name);
    if (mknodat(h->nodes, name, S_IFBLK | 0600, makedev(LOOP_MAJOR, (unsigned)v->loop)) < 0 ||
        fchownat(h->nodes, name, uid, uid + DISK_GID, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(h->nodes, name, 0660, 0) < 0)
        return -errno;
    FD_CLEANUP int tree = (int)syscall(SYS_open_tree, h->nodes, name,
                                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
        return -errno;
    return fd_steal(&tree);
}

void
node_revoke(struct host *h, const char *volume)
{
    assert(machine_id_ok(volume) && h->nodes >= 0);
    if (fchmodat(h->nodes, volume, 0, 0) < 0)
        return; /* there is none */
    fchownat(h->nodes, volume, 0, 0, AT_SYMLINK_NOFOLLOW);
    unlinkat(h->nodes, volume, 0);
}

/* "sdf" of sdf and xvdf; "xvdba" has no other name. */
static const char *
drive(const char *device)
{
    assert(device[0] != '\0');
    return device + (device[0] == 'x' ? 3 : 2);
}

void
node_name(const struct volume *v, char to[NODE_NAME_MAX])
{
    if (v->nvme)
        text_set(to, NODE_NAME_MAX, "nvme%un1", v->nvme);
    else
        text_set(to, NODE_NAME_MAX, "xvd%s", drive(v->is.device));
}

static void
mount_point(const struct volume *v, char to[32])
{
    text_set(to, 32, "dev/block/%d:%d", LOOP_MAJOR, v->loop);
}

/* The n-th link: where it is and what it says; false: there are no more. */
static bool
link_of(const struct volume *v, unsigned n, char at[96], char to[32])
{
    const char *letter = drive(v->is.device);
    char node[NODE_NAME_MAX];

    assert(letter[0] >= 'a' && letter[0] <= 'z');
    node_name(v, node);
    text_set(to, 32, "%s%s", n == 3 ? "../../" : "", node);
    switch (n) {
    case 0:
        text_set(at, 96, "dev/%s", node);
        text_set(to, 32, "block/%d:%d", LOOP_MAJOR, v->loop);
        return true;
    case 1:
        text_set(at, 96, "dev/%s%s", letter[1] >= 'a' ? "xvd" : "sd", letter);
        return v->nvme || letter[1] < 'a';
    case 2:
        text_set(at, 96, "dev/xvd%s", letter);
        return v->nvme;
    case 3: /* "vol0123…" without the hyphen: a serial number has twenty characters */
        text_set(at, 96, BY_ID "/nvme-Amazon_Elastic_Block_Store_vol%s", v->is.id + 4);
        return v->nvme;
    default:
        return false;
    }
}

int
node_place(int tree, const struct volume *v)
{
    char node[32], at[96], to[32];

    assert(tree >= 0 && v->is.device[0] != '\0');
    mkdir("dev/block", 0755);
    node_remove(v); /* what a child that died left */
    mount_point(v, node);
    FD_CLEANUP int file = open(node, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
    if (file < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, node, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    if (v->nvme) {
        mkdir("dev/disk", 0755);
        mkdir(BY_ID, 0755);
    }
    for (unsigned i = 0; link_of(v, i, at, to); i++)
        if (symlink(to, at) < 0 && errno != EEXIST)
            return -errno;
    return 0;
}

int
node_remove(const struct volume *v)
{
    char node[32], at[96], to[32], is[32];

    assert(v->loop >= 0);
    for (unsigned i = 0; link_of(v, i, at, to); i++) {
        ssize_t n = readlink(at, is, sizeof(is) - 1);

        is[MAX(n, 0)] = '\0';
        if (strcmp(is, to) == 0)
            unlink(at);
    }
    mount_point(v, node);
    while (umount2(node, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    unlink(node);
    return 0;
}
