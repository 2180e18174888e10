/*
 * `welkin profile`: a profile of the AWS CLI and SDKs that leads to this cloud.
 *
 * The files are the user's.  They are edited as text (codec/ini.h), replaced by a rename, and a
 * profile that is there already and is not of a Welkin is left alone.
 */
#include "daemon/cli.h"

#include "base/arena.h"
#include "codec/ini.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define NAME_MAX_BYTES 64

struct file {
    const char *path;
    struct str section, text;
};

/* ---- files ---- */

/* 0, also when there is none, or -errno. */
static int
load(struct arena *a, struct file *f)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), r = 0;

    assert(f->path[0] && !f->text.n);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(fd, &st) < 0) {
        r = -errno;
    } else if (!S_ISREG(st.st_mode) || (size_t)st.st_size > FILE_MAX_BYTES) {
        r = -EFBIG;
    } else {
        char *p = arena_alloc(a, (size_t)st.st_size + 1);
        ssize_t n = read(fd, p, (size_t)st.st_size);

        r = n == st.st_size ? 0 : -EIO;
        f->text = str_of(p, (size_t)MAX(n, 0));
    }
    close(fd);
    return r;
}

/* Makes the folders above a file, for the user only. */
static void
make_parents(struct arena *a, const char *path)
{
    char *p = str_cstr(a, str_from(path));

    assert(path[0] != '\0');
    for (char *s = strchr(p + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        mkdir(p, 0700);
        *s = '/';
    }
}

/* In place of the old one at once, with mode 0600; a link (to a folder of dot files) stays one. */
static int
save(struct arena *a, const struct file *f)
{
    char real[PATH_MAX];
    const char *path = realpath(f->path, real) ? real : f->path;
    const char *fresh = str_cstr(a, str_fmt(a, "%s.welkin-%d", path, (int)getpid()));

    assert(str_ok(f->text));
    make_parents(a, path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;
    if (fd < 0)
        return -errno;
    if (write(fd, f->text.p, f->text.n) != (ssize_t)f->text.n || fsync(fd) < 0 ||
        rename(fresh, path) < 0) {
        r = errno ? -errno : -EIO;
        unlink(fresh);
    }
    close(fd);
    return r;
}

/* ---- the profile ---- */

static bool
all_of(struct str s, const char *chars)
{
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(chars, s.p[i]))
            return false;
    return s.n > 0 && s.n <= NAME_MAX_BYTES;
}

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *
file_path(struct cli *cli, const char *variable, const char *name)
{
    const char *path = getenv(variable), *home = getenv("HOME");

    assert(name[0]);
    if (path && path[0])
        return path;
    return str_cstr(cli->arena, str_fmt(cli->arena, "%s/.aws/%s", home ? home : "", name));
}

/* Whether the profile may be written: it is new, or was written by us for some address. */
static bool
is_ours(const struct file *config, const struct file *credentials)
{
    if (!ini_has_section(config->text, config->section))
        return !ini_has_section(credentials->text, credentials->section);
    struct str url = ini_get(config->text, config->section, S("endpoint_url"));
    return str_starts(url, S("http://127.")) || str_starts(url, S("http://localhost:"));
}

static void
edit(struct cli *cli, struct file *config, struct file *credentials, struct str account,
     struct str region, bool replace)
{
    const struct ini_pair where[] = {
        {S("region"), region},
        {S("endpoint_url"), str_fmt(cli->arena, "http://%s", cli->endpoint)},
        /* In the other file; here they would be older ones. */
        {S("aws_access_key_id"), STR_NONE},
        {S("aws_secret_access_key"), STR_NONE},
        {S("aws_session_token"), STR_NONE},
    };
    const struct ini_pair who[] = {
        {S("aws_access_key_id"), account.n ? account : S("test")},
        {S("aws_secret_access_key"), S("test")},
        {S("aws_session_token"), STR_NONE},
    };

    assert(config->section.n > 0 && credentials->section.n > 0);
    config->text =
        ini_set(cli->arena, config->text, config->section, where, ARRAY_LEN(where), replace);
    credentials->text =
        ini_set(cli->arena, credentials->text, credentials->section, who, ARRAY_LEN(who), replace);
}

static int
write_profile(struct cli *cli, struct str name, struct str account, struct str region, bool replace)
{
    struct file files[] = {
        {.path = file_path(cli, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), .section = name},
        {.path = file_path(cli, "AWS_CONFIG_FILE", "config"),
         .section = str_is(name, "default") ? name : str_cat(cli->arena, S("profile "), name)},
    };

    assert(name.n > 0 && region.n > 0);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        int r = load(cli->arena, &files[i]);

        if (r < 0)
            return cli_fail("%s cannot be read: %s.", files[i].path, strerror(-r));
    }
    if (!replace && !is_ours(&files[1], &files[0]))
        return cli_fail("There is a profile %.*s already that does not lead to a Welkin: choose "
                        "another name, or say --replace.",
                        STR_ARG(name));
    edit(cli, &files[1], &files[0], account, region, replace);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        int r = save(cli->arena, &files[i]);

        if (r < 0)
            return cli_fail("%s cannot be written: %s.", files[i].path, strerror(-r));
    }
    printf("Profile %.*s: account %.*s, region %.*s, http://%s (in %s and %s).\n"
           "  aws --profile %.*s sts get-caller-identity\n",
           STR_ARG(name), STR_ARG(account.n ? account : S("000000000000")), STR_ARG(region),
           cli->endpoint, files[1].path, files[0].path, STR_ARG(name));
    return 0;
}

int
cmd_profile(struct cli *cli)
{
    struct str account = str_from(cli_option(cli, "--account"));
    struct str region = str_from(cli_option(cli, "--region"));
    bool replace = cli_flag(cli, "--replace");

    if (cli->argc != 1)
        return cli_usage("profile");
    struct str name = str_from(cli->argv[0]);
    if (!all_of(name, LOWER UPPER DIGITS "-_."))
        return cli_fail("A profile's name has letters, digits, '-', '_' and '.', %d at most.",
                        NAME_MAX_BYTES);
    if (account.p && (account.n != 12 || !all_of(account, DIGITS)))
        return cli_fail("An account is 12 digits.");
    if (region.p && !all_of(region, LOWER DIGITS "-"))
        return cli_fail("A region is like us-east-1.");
    return write_profile(cli, name, account, region.p ? region : S("us-east-1"), replace);
}
