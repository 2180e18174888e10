/* What helpers_place() does to the file systems of guests. */
#include "host/sandbox/sandbox.h"

#include "harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *top;
static int root, init_fd;

static const char *
at(const char *path)
{
    return test_fmt("%s/root/%s", top, path);
}

static void
begin(void)
{
    top = test_dir();
    CHECK(mkdir(test_fmt("%s/root", top), 0755) == 0);
    root = open(test_fmt("%s/root", top), O_PATH | O_DIRECTORY);
    FILE *f = fopen(test_fmt("%s/init", top), "w");
    CHECK(f && fputs("the init", f) >= 0 && fclose(f) == 0);
    init_fd = open(test_fmt("%s/init", top), O_RDONLY);
    CHECK(root >= 0 && init_fd >= 0);
}

static void
end(void)
{
    close(root);
    close(init_fd);
}

static const char *
text_of(const char *path)
{
    static char text[64];
    FILE *f = fopen(path, "r");

    text[0] = '\0';
    if (f) {
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        fclose(f);
    }
    return text;
}

TEST(an_image_without_the_helpers_gets_them)
{
    struct stat st;
    char to[32] = "";

    begin();
    CHECK(helpers_place(root, init_fd));
    CHECK_STR(str_from(text_of(at("opt/aws/bin/cfn-init"))), "the init");
    CHECK(stat(at("opt/aws/bin/cfn-init"), &st) == 0 && (st.st_mode & 07777) == 0755);
    CHECK(readlink(at("opt/aws/bin/cfn-signal"), to, sizeof(to) - 1) == 8);
    CHECK_STR(str_from(to), "cfn-init");
    CHECK(access(at("usr"), F_OK) != 0);
    end();
}

TEST(an_image_that_has_the_helpers_keeps_its_own)
{
    begin();
    CHECK(mkdir(at("opt"), 0755) == 0 && mkdir(at("opt/aws"), 0755) == 0 &&
          mkdir(at("opt/aws/bin"), 0755) == 0);
    CHECK(symlink("/sbin/init", at("opt/aws/bin/cfn-init")) == 0);
    CHECK(helpers_place(root, init_fd));
    CHECK(access(at("opt/aws/bin/cfn-hup"), F_OK) != 0);
    end();
}

TEST(an_image_with_systemd_gets_a_unit_for_cfn_hup)
{
    begin();
    CHECK(mkdir(at("usr"), 0755) == 0 && mkdir(at("usr/lib"), 0755) == 0 &&
          mkdir(at("usr/lib/systemd"), 0755) == 0 &&
          mkdir(at("usr/lib/systemd/system"), 0755) == 0);
    CHECK(helpers_place(root, init_fd));
    CHECK(access(at("usr/lib/systemd/system/cfn-hup.service"), F_OK) == 0);
    end();
}

TEST(links_of_an_image_lead_the_helpers_nowhere_outside)
{
    begin();
    CHECK(symlink(test_fmt("%s", top), at("opt")) == 0);
    helpers_place(root, init_fd);
    CHECK(access(test_fmt("%s/aws", top), F_OK) != 0);
    CHECK(unlink(at("opt")) == 0 && mkdir(at("opt"), 0755) == 0 &&
          mkdir(at("opt/aws"), 0755) == 0 && mkdir(at("opt/aws/bin"), 0755) == 0);
    CHECK(symlink(test_fmt("%s/init", top), at("opt/aws/bin/cfn-init")) == 0);
    CHECK(helpers_place(root, init_fd));
    CHECK_STR(str_from(text_of(test_fmt("%s/init", top))), "the init");
    end();
}

/* etc/ssh with a configuration, and with or without a folder of parts. */
static void
make_sshd(const char *config, bool parts)
{
    CHECK(mkdir(at("etc"), 0755) == 0 && mkdir(at("etc/ssh"), 0755) == 0);
    CHECK(!parts || mkdir(at("etc/ssh/sshd_config.d"), 0755) == 0);
    FILE *f = fopen(at("etc/ssh/sshd_config"), "w");
    CHECK(f && fputs(config, f) >= 0 && fclose(f) == 0);
}

#define PART "etc/ssh/sshd_config.d/60-ec2-instance-connect.conf"

TEST(a_server_of_ssh_is_told_to_ask_for_pushed_keys)
{
    static const char config[] = "#AuthorizedKeysCommand none\nMatch User a\n";
    struct str said;

    begin();
    make_sshd(config, true);
    CHECK(helpers_place(root, init_fd));
    said = str_from(text_of(at(PART)));
    CHECK(str_find(said, S("# Keys that EC2 Instance Connect pushed")) == 0);
    CHECK_STR(str_from(text_of(at("etc/ssh/sshd_config"))), config);
    CHECK(access(at("opt/aws/bin/eic_run_authorized_keys"), X_OK) == 0);
    end();
}

/* Before what is there, so that it is in no Match. */
TEST(an_old_server_of_ssh_is_told_in_its_one_file)
{
    struct str said;

    begin();
    make_sshd("Match User a\n", false);
    CHECK(helpers_place(root, init_fd));
    said = str_from(text_of(at("etc/ssh/sshd_config")));
    CHECK(str_find(said, S("# Keys that EC2 Instance Connect pushed")) == 0);
    end();
}

TEST(a_server_of_ssh_that_asks_another_command_is_left_alone)
{
    static const char config[] = "Port 22\nAuthorizedKeysCommand /bin/x\n";

    begin();
    make_sshd(config, true);
    CHECK(helpers_place(root, init_fd));
    CHECK(access(at(PART), F_OK) != 0);
    CHECK_STR(str_from(text_of(at("etc/ssh/sshd_config"))), config);
    end();
}
