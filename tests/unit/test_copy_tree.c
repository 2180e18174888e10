/* Copies of folders that a guest has written. */
#include "host/sandbox/copy_tree.h"

#include "harness/harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct two {
    int from, to;
};

static void
begin(struct two *t)
{
    int top = open(test_dir(), O_RDONLY | O_DIRECTORY);

    CHECK(mkdirat(top, "from", 0755) == 0 && mkdirat(top, "to", 0700) == 0);
    t->from = openat(top, "from", O_RDONLY | O_DIRECTORY);
    t->to = openat(top, "to", O_RDONLY | O_DIRECTORY);
    CHECK(t->from >= 0 && t->to >= 0);
    close(top);
}

static void
end(struct two *t)
{
    close(t->from);
    close(t->to);
}

static void
put(int dir, const char *name, const char *text, mode_t mode)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(fchmod(fd, mode) == 0);
    close(fd);
}

static void
check_file(int dir, const char *name, const char *text)
{
    char have[64] = "";
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW);

    CHECK(fd >= 0 && read(fd, have, sizeof(have) - 1) >= 0);
    CHECK_STR(str_from(have), text);
    close(fd);
}

TEST(a_copied_tree_has_all_that_the_first_has)
{
    struct two t;
    struct stat a, b;

    begin(&t);
    put(t.from, "plain", "text", 0640);
    CHECK(mkdirat(t.from, "d", 0711) == 0 && mkdirat(t.from, "d/e", 0700) == 0);
    put(t.from, "d/e/deep", "deep", 0600);
    CHECK(linkat(t.from, "d/e/deep", t.from, "hard", 0) == 0);
    CHECK(symlinkat("/etc/shadow", t.from, "soft") == 0);
    CHECK(mkfifoat(t.from, "pipe", 0600) == 0);
    int holes = openat(t.from, "holes", O_RDWR | O_CREAT, 0600);
    CHECK(ftruncate(holes, 10 << 20) == 0 && pwrite(holes, "x", 1, 5 << 20) == 1);
    CHECK(copy_tree(t.from, t.to) == 0);
    check_file(t.to, "plain", "text");
    check_file(t.to, "d/e/deep", "deep");
    CHECK(fstatat(t.to, "plain", &a, 0) == 0 && (a.st_mode & 07777) == 0640);
    CHECK(fstatat(t.to, "d", &a, 0) == 0 && (a.st_mode & 07777) == 0711);
    CHECK(fstatat(t.to, "hard", &a, 0) == 0 && fstatat(t.to, "d/e/deep", &b, 0) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_nlink == 2);
    CHECK(fstatat(t.to, "soft", &a, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(a.st_mode));
    CHECK(fstatat(t.to, "pipe", &a, AT_SYMLINK_NOFOLLOW) == 0 && S_ISFIFO(a.st_mode));
    CHECK(fstatat(t.to, "holes", &a, 0) == 0 && a.st_size == 10 << 20);
    CHECK(a.st_blocks * 512 < 1 << 20);
    CHECK(fstatat(t.from, "d", &a, 0) == 0 && fstatat(t.to, "d", &b, 0) == 0);
    CHECK_INT(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
    CHECK_INT(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
    close(holes);
    end(&t);
}

TEST(what_a_layer_hides_stays_hidden)
{
    struct two t;
    struct stat st;
    char value[8];

    if (geteuid() != 0)
        SKIP("not root: devices and owners need it");
    begin(&t);
    CHECK(mknodat(t.from, "gone", S_IFCHR, makedev(0, 0)) == 0);
    CHECK(mknodat(t.from, "disk", S_IFBLK | 0600, makedev(7, 0)) == 0);
    CHECK(mkdirat(t.from, "d", 0755) == 0);
    int d = openat(t.from, "d", O_RDONLY);
    CHECK(fsetxattr(d, "user.overlay.opaque", "y", 1, 0) == 0);
    CHECK(fsetxattr(d, "user.overlay.origin", "z", 1, 0) == 0);
    CHECK(fsetxattr(d, "user.own", "w", 1, 0) == 0);
    close(d);
    put(t.from, "setuid", "x", 0600);
    CHECK(fchownat(t.from, "setuid", 12, 34, 0) == 0 && fchmodat(t.from, "setuid", 04755, 0) == 0);
    CHECK(copy_tree(t.from, t.to) == 0);
    CHECK(fstatat(t.to, "gone", &st, 0) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0);
    CHECK(fstatat(t.to, "disk", &st, 0) < 0); /* no guest has one */
    d = openat(t.to, "d", O_RDONLY);
    CHECK(fgetxattr(d, "user.overlay.opaque", value, sizeof(value)) == 1);
    CHECK(fgetxattr(d, "user.own", value, sizeof(value)) == 1);
    CHECK(fgetxattr(d, "user.overlay.origin", value, sizeof(value)) < 0);
    close(d);
    CHECK(fstatat(t.to, "setuid", &st, 0) == 0 && (st.st_mode & 07777) == 04755);
    CHECK(st.st_uid == 12 && st.st_gid == 34);
    end(&t);
}

TEST(a_tree_that_is_too_deep_is_refused)
{
    struct two t;
    int at;

    begin(&t);
    at = dup(t.from);
    for (unsigned i = 0; i < 300; i++) {
        CHECK(mkdirat(at, "d", 0755) == 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
    }
    close(at);
    CHECK_INT(copy_tree(t.from, t.to), -ENAMETOOLONG);
    end(&t);
}
