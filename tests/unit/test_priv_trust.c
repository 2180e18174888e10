/* What trust_place() does to file systems of each kind, made out of a few files. */
#include "host/sandbox/sandbox.h"

#include "harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define OLD "# others\n-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"

static const char *top;
static int root, disk;

static const char *
at(const char *path)
{
    return test_fmt("%s/root/%s", top, path);
}

static void
put(const char *path, const char *text)
{
    char *p = (char *)(uintptr_t)at(path);

    for (char *s = strchr(p + strlen(top) + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        mkdir(p, 0755);
        *s = '/';
    }
    if (!text)
        return;
    FILE *f = fopen(p, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
begin(void)
{
    top = test_dir();
    CHECK(mkdir(test_fmt("%s/root", top), 0755) == 0 && mkdir(test_fmt("%s/disk", top), 0755) == 0);
    root = open(test_fmt("%s/root", top), O_PATH | O_DIRECTORY);
    disk = open(test_fmt("%s/disk", top), O_PATH | O_DIRECTORY);
    CHECK(root >= 0 && disk >= 0);
}

static void
end(void)
{
    close(root);
    close(disk);
}

static bool
exists(const char *path)
{
    struct stat st;

    return lstat(at(path), &st) == 0;
}

static struct str
place(void)
{
    static char path[TRUST_PATH_MAX];

    return trust_place(root, disk, S(PEM), 0x1234abcd, path) ? str_from(path) : STR_NONE;
}

TEST(a_debian_trusts_the_authority)
{
    begin();
    put("etc/ssl/certs/ca-certificates.crt", OLD);
    put("etc/environment", "LANG=C");
    put("etc/profile.d/", NULL);
    put("etc/systemd/", NULL);
    put("usr/local/share/", NULL);
    CHECK(chmod(at("etc/ssl/certs/ca-certificates.crt"), 0640) == 0);
    CHECK_STR(place(), "/etc/ssl/certs/ca-certificates.crt");
    CHECK_STR(test_read_file(at("etc/ssl/certs/ca-certificates.crt")), OLD PEM);
    CHECK_STR(test_read_file(at("etc/ssl/certs/1234abcd.0")), PEM);
    CHECK_STR(test_read_file(at("usr/local/share/ca-certificates/welkin.crt")), PEM);
    CHECK_STR(test_read_file(at("etc/environment")),
              "LANG=C\nAWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt\n");
    CHECK(str_find(test_read_file(at("etc/profile.d/welkin.sh")), S("export AWS_CA_BUNDLE=")) == 0);
    CHECK_STR(test_read_file(at("etc/systemd/system.conf.d/10-welkin.conf")),
              "[Manager]\nDefaultEnvironment=AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt\n");
    struct stat st;
    CHECK(stat(at("etc/ssl/certs/ca-certificates.crt"), &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0640);

    /* Once: what the guest does with it later stays. */
    put("etc/ssl/certs/ca-certificates.crt", OLD);
    CHECK(unlink(at("etc/ssl/certs/1234abcd.0")) == 0);
    CHECK_STR(place(), "/etc/ssl/certs/ca-certificates.crt");
    CHECK_STR(test_read_file(at("etc/ssl/certs/ca-certificates.crt")), OLD);
    CHECK(!exists("etc/ssl/certs/1234abcd.0"));

    /* An image made of it does not get it twice. */
    put("etc/ssl/certs/ca-certificates.crt", OLD PEM);
    CHECK(unlink(test_fmt("%s/disk/trust", top)) == 0);
    CHECK_STR(place(), "/etc/ssl/certs/ca-certificates.crt");
    CHECK_STR(test_read_file(at("etc/ssl/certs/ca-certificates.crt")), OLD PEM);
    CHECK_STR(test_read_file(at("etc/environment")),
              "LANG=C\nAWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt\n");
    end();
}

TEST(an_alpine_trusts_the_authority)
{
    begin();
    put("etc/ssl/certs/ca-certificates.crt", "no newline");
    CHECK(symlink("certs/ca-certificates.crt", at("etc/ssl/cert.pem")) == 0);
    CHECK_STR(place(), "/etc/ssl/certs/ca-certificates.crt");
    CHECK_STR(test_read_file(at("etc/ssl/cert.pem")), "no newline\n" PEM);
    struct stat st;
    CHECK(lstat(at("etc/ssl/cert.pem"), &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(!exists("usr") && exists("etc/environment") && !exists("etc/systemd"));
    end();
}

TEST(an_amazon_linux_trusts_the_authority)
{
    begin();
    put("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", OLD);
    put("etc/pki/ca-trust/extracted/pem/directory-hash/", NULL);
    put("etc/pki/ca-trust/source/anchors/", NULL);
    put("etc/pki/tls/certs/", NULL);
    put("etc/ssl/", NULL);
    CHECK(symlink("/etc/pki/tls/certs", at("etc/ssl/certs")) == 0);
    CHECK(symlink("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                  at("etc/pki/tls/certs/ca-bundle.crt")) == 0);
    CHECK_STR(place(), "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
    CHECK_STR(test_read_file(at("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")), OLD PEM);
    CHECK_STR(test_read_file(at("etc/pki/ca-trust/source/anchors/welkin.pem")), PEM);
    CHECK_STR(test_read_file(at("etc/pki/ca-trust/extracted/pem/directory-hash/1234abcd.0")), PEM);
    CHECK_STR(test_read_file(at("etc/pki/tls/certs/1234abcd.0")), PEM); /* by the link */
    end();
}

TEST(an_image_without_a_trust_store_is_left_alone)
{
    begin();
    put("etc/passwd", "root:x:0:0::/:/bin/sh\n");
    CHECK(!place().p);
    CHECK(!exists("etc/environment") && !exists("usr"));
    end();
}

/* Links that lead out of the root, and files that are none, in every place that is written to. */
TEST(nothing_outside_the_root_is_touched)
{
    const char *outside;

    begin();
    outside = test_fmt("%s/outside", top);
    CHECK(mkdir(outside, 0755) == 0);
    FILE *f = fopen(test_fmt("%s/file", outside), "w");
    CHECK(f && fputs("outside\n", f) >= 0 && fclose(f) == 0);
    put("etc/ssl/certs/ca-certificates.crt", OLD);
    /* Links as bundle, environment and for the new file; directories that lead out. */
    CHECK(symlink(test_fmt("%s/file", outside), at("etc/ssl/cert.pem")) == 0);
    CHECK(symlink(test_fmt("%s/file", outside), at("etc/environment")) == 0);
    CHECK(symlink(test_fmt("%s/file", outside), at("etc/ssl/certs/.welkin-new")) == 0);
    CHECK(symlink(test_fmt("%s/file", outside), at("etc/ssl/certs/welkin.pem")) == 0);
    CHECK(symlink(outside, at("etc/profile.d")) == 0);
    CHECK(symlink("../../outside", at("etc/systemd")) == 0);
    CHECK(symlink("/proc/self/cwd", at("etc/pki")) == 0);
    put("usr/local/", NULL);
    CHECK(symlink(outside, at("usr/local/share")) == 0);
    put("var/lib/ca-certificates/", NULL);
    CHECK(mkfifo(at("var/lib/ca-certificates/ca-bundle.pem"), 0644) == 0); /* would block */
    CHECK_STR(place(), "/etc/ssl/certs/ca-certificates.crt");
    CHECK_STR(test_read_file(at("etc/ssl/certs/ca-certificates.crt")), OLD PEM);
    CHECK_STR(test_read_file(at("etc/ssl/certs/1234abcd.0")), PEM);
    CHECK_STR(test_read_file(test_fmt("%s/file", outside)), "outside\n");
    CHECK(unlink(test_fmt("%s/file", outside)) == 0);
    CHECK(rmdir(outside) == 0); /* nothing else came into it */
    end();
}
