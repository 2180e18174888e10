/*
 * `welkin trust`: the authority that signs the cloud's certificates, to look at or to be trusted
 * by this machine.
 *
 * What is installed is read from DATA, never asked of whoever listens on a port, and only what is
 * constrained to AWS's names and this machine's is: the file belongs to the daemon's user.
 */
#include "daemon/cli.h"

#include "base/arena.h"
#include "codec/authority.h"
#include "daemon/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Trust stores: where they look for more authorities, and what makes them look. */
static const struct {
    const char *dir, *file, *program;
} stores[] = {
    {"/usr/local/share/ca-certificates", "welkin.crt",
     "update-ca-certificates"},                                            /* Debian, Alpine */
    {"/etc/pki/ca-trust/source/anchors", "welkin.pem", "update-ca-trust"}, /* Fedora */
    {"/etc/pki/trust/anchors", "welkin.pem", "update-ca-certificates"},    /* openSUSE */
};

static int
read_pem(struct cli *cli, struct str *ret)
{
    const char *path = str_cstr(cli->arena, str_fmt(cli->arena, "%s/ca.pem", cli->data_dir));
    char *text = arena_alloc(cli->arena, AUTHORITY_PEM_MAX + 1);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, AUTHORITY_PEM_MAX + 1);

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return -errno;
    *ret = str_of(text, (size_t)n);
    return authority_is_constrained(*ret) ? 0 : -EBADMSG;
}

static int
install_in(struct cli *cli, size_t i, struct str pem)
{
    const char *path =
        str_cstr(cli->arena, str_fmt(cli->arena, "%s/%s", stores[i].dir, stores[i].file));
    char *const argv[] = {(char *)(uintptr_t)stores[i].program, NULL};

    assert(i < ARRAY_LEN(stores) && pem.n > 0);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool good = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n;
    int err = errno;
    if (fd >= 0)
        close(fd);
    if (!good)
        return cli_fail("%s cannot be written: %s.", path, strerror(err));
    int status = image_run(true, argv);
    if (status != 0)
        return cli_fail("%s was written, but %s failed (%d).", path, stores[i].program, status);
    printf("Wrote %s and ran %s: programs that use this machine's trust store now trust\n"
           "the cloud's certificates, for AWS's names and this machine's only.  To take it back,\n"
           "delete that file and run %s again.\n"
           "Programs with a store of their own (the AWS CLI of PyPI, Java, browsers) do not look\n"
           "there: set AWS_CA_BUNDLE=%s/ca.pem for the AWS CLI and SDKs.\n",
           path, stores[i].program, stores[i].program, cli->data_dir);
    return 0;
}

static int
install(struct cli *cli, struct str pem)
{
    struct stat st;

    if (geteuid() != 0)
        return cli_fail("This machine's trust store is root's: run `sudo welkin trust --install`.");
    for (size_t i = 0; i < ARRAY_LEN(stores); i++)
        if (stat(stores[i].dir, &st) == 0 && S_ISDIR(st.st_mode))
            return install_in(cli, i, pem);
    return cli_fail(
        "This machine has no trust store of a known kind (Debian's, Alpine's, Fedora's, "
        "openSUSE's): `welkin trust` prints the certificate.");
}

int
cmd_trust(struct cli *cli)
{
    bool to_install = cli_flag(cli, "--install"), print = cli_flag(cli, "--print");
    struct str pem;

    if (cli->argc || (to_install && print))
        return cli_usage("trust");
    int r = read_pem(cli, &pem);
    if (r == -EBADMSG)
        return cli_fail("%s/ca.pem is not the certificate of a Welkin's authority.", cli->data_dir);
    if (r == -ENOENT && !to_install) {
        /* Of a daemon with another folder. */
        int status = cli_call(cli, "GET", "/_welkin/ca.pem", &pem);

        if (status)
            return status;
    } else if (r < 0) {
        return cli_fail("%s/ca.pem cannot be read (%s): `welkin up` makes it; name its folder "
                        "with --data.",
                        cli->data_dir, strerror(-r));
    }
    if (to_install)
        return install(cli, pem);
    fwrite(pem.p, 1, pem.n, stdout);
    return 0;
}
