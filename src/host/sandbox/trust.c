/*
 * The authority that a guest trusts: its certificate in the trust store that the image has.
 *
 * It is done by the child of a launch, which is root of the guest's user namespace only, before
 * anything of the guest runs and before /proc and /dev are there; every path is resolved inside
 * the guest's root (openat2, RESOLVE_IN_ROOT, no magic links), files are never opened through a
 * link, and what is changed is written anew beside the old file and renamed: overlayfs syncs a file
 * that it copies up, and that would cost more than the rest of the launch.
 *
 * Nothing here fails a launch: a guest without the certificate is a guest that says so when it
 * meets it.  What was done is noted outside the guest's root, beside its disk, so that it is done
 * once: a guest that removes the certificate stays without it.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)8 << 20) /* of a file that is changed; bundles have 0.3 MiB */
#define FRESH ".welkin-new"
#define NOTE "trust" /* beside upper/ */

/* Files of all authorities, in the order of preference for AWS_CA_BUNDLE.  Those that are links to
 * another of them are left alone. */
static const struct {
    const char *dir, *name;
} bundles[] = {
    {"etc/ssl/certs", "ca-certificates.crt"},                /* Debian, Alpine */
    {"etc/pki/ca-trust/extracted/pem", "tls-ca-bundle.pem"}, /* Amazon Linux, Fedora */
    {"etc/pki/tls/certs", "ca-bundle.crt"},
    {"etc/pki/tls", "cert.pem"},
    {"var/lib/ca-certificates", "ca-bundle.pem"}, /* openSUSE */
    {"etc/ssl", "ca-bundle.pem"},
    {"etc/ssl", "cert.pem"},
};

/* Where the tools that make those files anew look for more. */
static const struct {
    const char *parent, *dir, *name;
} anchors[] = {
    {"usr/local/share", "ca-certificates", "welkin.crt"},
    {"etc/pki/ca-trust/source", "anchors", "welkin.pem"},
    {"etc/pki/trust", "anchors", "welkin.pem"},
};

/* Folders in which OpenSSL finds a certificate by its subject. */
static const char *const hashed[] = {"etc/ssl/certs",
                                     "etc/pki/ca-trust/extracted/pem/directory-hash"};

int
trust_open_dir(int root, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* A plain file's bytes, malloc'ed; p NULL when there is none that may be changed. */
static struct str
read_file(int dir, const char *name, struct stat *ret_st)
{
    FD_CLEANUP int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t n = 0;

    if (fd < 0 || fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode) ||
        (size_t)ret_st->st_size > FILE_MAX_BYTES)
        return STR_NONE;
    char *p = malloc((size_t)ret_st->st_size + 1);
    while (p && n < (size_t)ret_st->st_size) {
        ssize_t r = read(fd, p + n, (size_t)ret_st->st_size - n);

        if (r <= 0) {
            free(p);
            return STR_NONE;
        }
        n += (size_t)r;
    }
    return str_of(p, n);
}

/* A file of two pieces in place of whatever has that name. */
static bool
write_file(int dir, const char *name, mode_t mode, struct str a, struct str b)
{
    assert(dir >= 0 && (mode & ~0777u) == 0);
    unlinkat(dir, FRESH, 0);
    FD_CLEANUP int fd =
        openat(dir, FRESH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    bool good = fd >= 0 && fchmod(fd, mode) == 0 && (!a.n || write(fd, a.p, a.n) == (ssize_t)a.n) &&
                (!b.n || write(fd, b.p, b.n) == (ssize_t)b.n) &&
                renameat(dir, FRESH, dir, name) == 0;

    if (fd >= 0 && !good)
        unlinkat(dir, FRESH, 0);
    return good;
}

bool
trust_file_holds(int dir, const char *name, struct str text)
{
    struct stat st;
    struct str have = read_file(dir, name, &st);
    bool holds = have.p && str_find(have, text) != SIZE_MAX;

    free((void *)(uintptr_t)have.p);
    return holds;
}

bool
trust_prepend(int dir, const char *name, struct str text)
{
    struct stat st;
    struct str old = read_file(dir, name, &st);
    bool good = old.p && write_file(dir, name, st.st_mode & 0777, text, old);

    free((void *)(uintptr_t)old.p);
    return good;
}

/* Adds text to the end of a file that does not hold `mark` yet. */
static bool
append(int dir, const char *name, struct str mark, struct str text)
{
    struct stat st;
    struct str old = read_file(dir, name, &st);
    bool good = old.p != NULL;

    assert(mark.n > 0 && text.n > 0);
    if (good && str_find(old, mark) == SIZE_MAX) {
        /* One byte of the old text's own memory was asked for besides. */
        if (old.n && old.p[old.n - 1] != '\n')
            ((char *)(uintptr_t)old.p)[old.n++] = '\n';
        good = write_file(dir, name, st.st_mode & 0777, old, text);
    }
    free((void *)(uintptr_t)old.p);
    return good;
}

static void
add_anchors(int root, struct str pem)
{
    for (size_t i = 0; i < ARRAY_LEN(anchors); i++) {
        FD_CLEANUP int parent = trust_open_dir(root, anchors[i].parent);
        char path[64];

        if (parent < 0)
            continue;
        mkdirat(parent, anchors[i].dir, 0755);
        text_set(path, sizeof(path), "%s/%s", anchors[i].parent, anchors[i].dir);
        FD_CLEANUP int dir = trust_open_dir(root, path);
        if (dir >= 0)
            write_file(dir, anchors[i].name, 0644, pem, STR_NONE);
    }
}

static void
add_hashed(int root, struct str pem, uint32_t hash)
{
    char link[16];

    text_set(link, sizeof(link), "%08x.0", hash);
    for (size_t i = 0; i < ARRAY_LEN(hashed); i++) {
        FD_CLEANUP int dir = trust_open_dir(root, hashed[i]);

        /* An existing link of that name is another authority's. */
        if (dir >= 0 && write_file(dir, "welkin.pem", 0644, pem, STR_NONE))
            (void)!symlinkat("welkin.pem", dir, link);
    }
}

/* Programs that bring a bundle of their own (the AWS CLI, SDKs) look at this variable. */
static void
add_variable(int root, const char *bundle)
{
    char text[200];
    FD_CLEANUP int etc = trust_open_dir(root, "etc");
    FD_CLEANUP int profile = trust_open_dir(root, "etc/profile.d");
    FD_CLEANUP int systemd = trust_open_dir(root, "etc/systemd");
    struct stat st;

    text_set(text, sizeof(text), "AWS_CA_BUNDLE=%s\n", bundle);
    if (etc >= 0 && fstatat(etc, "environment", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        write_file(etc, "environment", 0644, str_from(text), STR_NONE);
    else if (etc >= 0)
        append(etc, "environment", S("AWS_CA_BUNDLE="), str_from(text));
    text_set(text, sizeof(text), "export AWS_CA_BUNDLE=\"${AWS_CA_BUNDLE:-%s}\"\n", bundle);
    if (profile >= 0)
        write_file(profile, "welkin.sh", 0644, str_from(text), STR_NONE);
    if (systemd < 0)
        return;
    mkdirat(systemd, "system.conf.d", 0755);
    FD_CLEANUP int conf = trust_open_dir(root, "etc/systemd/system.conf.d");
    text_set(text, sizeof(text), "[Manager]\nDefaultEnvironment=AWS_CA_BUNDLE=%s\n", bundle);
    if (conf >= 0)
        write_file(conf, "10-welkin.conf", 0644, str_from(text), STR_NONE);
}

/* Adds it to every bundle; answers whether there is one, and the first in ret. */
static bool
add_to_bundles(int root, struct str pem, char ret[TRUST_PATH_MAX])
{
    assert(pem.n > 0);
    ret[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(bundles); i++) {
        FD_CLEANUP int dir = trust_open_dir(root, bundles[i].dir);

        if (dir >= 0 && append(dir, bundles[i].name, pem, pem) && !ret[0])
            text_set(ret, TRUST_PATH_MAX, "/%s/%s", bundles[i].dir, bundles[i].name);
    }
    return ret[0] != '\0';
}

bool
trust_place(int root, int disk, struct str pem, uint32_t hash, char ret[TRUST_PATH_MAX])
{
    char note[TRUST_PATH_MAX + 16], head[16];
    struct stat st;

    assert(root >= 0 && disk >= 0);
    assert(pem.n > 0 && pem.n <= PRIV_TRUST_MAX);
    text_set(head, sizeof(head), "%08x ", hash);
    struct str old = read_file(disk, NOTE, &st);
    if (str_starts(old, str_from(head))) {
        text_set(ret, TRUST_PATH_MAX, "%.*s", STR_ARG(str_cut(old, strlen(head), old.n)));
        free((void *)(uintptr_t)old.p);
        return true;
    }
    free((void *)(uintptr_t)old.p);
    if (!add_to_bundles(root, pem, ret))
        return false;
    add_anchors(root, pem);
    add_hashed(root, pem, hash);
    add_variable(root, ret);
    text_set(note, sizeof(note), "%s%s", head, ret);
    write_file(disk, NOTE, 0644, str_from(note), STR_NONE);
    return true;
}
