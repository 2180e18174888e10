/*
 * AWS's helpers in every guest: /opt/aws/bin/cfn-init and its siblings are names of welkin-init,
 * which the privileged process holds open for execveat anyway; so is eic_run_authorized_keys, which
 * sshd is told to ask for the keys of EC2 Instance Connect.
 *
 * An image made for Welkin has the names already, and this costs three look-ups.  Others get a
 * copy, at their first launch and whenever it is missing; and a unit of systemd, as the package
 * aws-cfn-bootstrap has one.  An image that shall have none says so by a file (`welkin image import
 * --no-helpers` writes it), and who wants them installs them.  As with trust.c, paths are resolved
 * inside the guest's root, nothing is opened through a link, and nothing here fails a launch.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST "cfn-init"
#define NONE "welkin-no-helpers" /* below etc: see daemon/import.c */
#define UNIT_DIR "usr/lib/systemd/system"
#define UNIT "cfn-hup.service"

/* Links to FIRST. */
static const char *const others[] = {
    "cfn-signal",           "cfn-get-metadata",    "cfn-hup",
    "cfn-elect-cmd-leader", "cfn-send-cmd-result", "eic_run_authorized_keys"};

static const char unit_text[] = "[Unit]\n"
                                "Description=CloudFormation's watcher of metadata\n"
                                "After=network-online.target\n"
                                "[Service]\n"
                                "Type=simple\n"
                                "ExecStart=/opt/aws/bin/cfn-hup --foreground\n"
                                "Restart=on-failure\n"
                                "[Install]\n"
                                "WantedBy=multi-user.target\n";

#define SSH_DIR "etc/ssh"
#define SSH_CONFIG "sshd_config"
#define SSH_PARTS "etc/ssh/sshd_config.d" /* OpenSSH of 2020 and later */
#define SSH_PART "60-ec2-instance-connect.conf"

static const char ssh_text[] = "# Keys that EC2 Instance Connect pushed, for a minute each.\n"
                               "AuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f\n"
                               "AuthorizedKeysCommandUser nobody\n";

static bool
is_there(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A folder and those above it, each made inside what was resolved before. */
static int
make_folder(int root)
{
    static const char *const steps[][3] = {
        {".", "opt", "opt"}, {"opt", "aws", "opt/aws"}, {"opt/aws", "bin", "opt/aws/bin"}};
    int dir = -1;

    assert(root >= 0);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        FD_CLEANUP int parent = trust_open_dir(root, steps[i][0]);

        if (dir >= 0)
            close(dir);
        if (parent < 0)
            return -1;
        mkdirat(parent, steps[i][1], 0755);
        dir = trust_open_dir(root, steps[i][2]);
        if (dir < 0)
            return -1;
    }
    return dir;
}

static bool
copy_binary(int dir, int from)
{
    struct stat st;
    FD_CLEANUP int fd =
        openat(dir, FIRST, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
    bool good = fd >= 0 && fchmod(fd, 0755) == 0 && fstat(from, &st) == 0;

    assert(dir >= 0 && from >= 0);
    for (off_t at = 0; good && at < st.st_size;)
        good = sendfile(fd, from, &at, (size_t)(st.st_size - at)) > 0;
    if (fd >= 0 && !good)
        unlinkat(dir, FIRST, 0);
    return good;
}

/* A file of the image's that has the name stays; false: there is no such folder. */
static bool
add_file(int root, const char *folder, const char *name, struct str text)
{
    assert(root >= 0 && text.n > 0);
    FD_CLEANUP int dir = trust_open_dir(root, folder);

    if (dir < 0)
        return false;
    FD_CLEANUP int fd =
        openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd >= 0 && write(fd, text.p, text.n) != (ssize_t)text.n)
        unlinkat(dir, name, 0);
    return true;
}

/*
 * As AWS's package: a server that asks another command already is left alone.  Where there is no
 * folder of parts the lines go to the front, before any Match.
 */
static void
add_ssh(int root)
{
    const struct str text = str_of(ssh_text, sizeof(ssh_text) - 1);
    FD_CLEANUP int dir = trust_open_dir(root, SSH_DIR);

    if (dir < 0 || trust_file_holds(dir, SSH_CONFIG, S("\nAuthorizedKeysCommand ")) ||
        add_file(root, SSH_PARTS, SSH_PART, text))
        return;
    trust_prepend(dir, SSH_CONFIG, text);
}

bool
helpers_place(int root, int init_fd)
{
    assert(root >= 0 && init_fd >= 0);
    FD_CLEANUP int have = trust_open_dir(root, "opt/aws/bin");

    if (have >= 0 && is_there(have, FIRST))
        return true;
    FD_CLEANUP int etc = trust_open_dir(root, "etc");
    if (etc >= 0 && is_there(etc, NONE))
        return false;
    FD_CLEANUP int dir = have >= 0 ? dup(have) : make_folder(root);
    if (dir < 0 || !copy_binary(dir, init_fd))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        (void)!symlinkat(FIRST, dir, others[i]); /* of that name already: the image's own */
    add_file(root, UNIT_DIR, UNIT, str_of(unit_text, sizeof(unit_text) - 1));
    add_ssh(root);
    return true;
}
