/* Scripts that run when the cloud is ready. */
#include "daemon/hooks.h"

#include "base/log.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
at(const char *name)
{
    return str_cstr(test_arena(), str_fmt(test_arena(), "%s/%s", test_dir(), name));
}

static void
script(const char *name, unsigned mode, const char *text)
{
    const char *path;

    mkdir(at("init"), 0700);
    mkdir(at("init/ready.d"), 0700);
    path = at(str_cstr(test_arena(), str_fmt(test_arena(), "init/ready.d/%s", name)));
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static struct loop *
loop_with_log(int *ret_log)
{
    struct loop *loop;

    *ret_log = open(at("log"), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    CHECK(*ret_log >= 0 && loop_new(&loop, env_real(), true) == 0);
    log_init(*ret_log, LOG_INFO, NULL);
    return loop;
}

/* Runs the scripts of the test's folder; answers the log. */
static struct str
run_all(void)
{
    struct hooks *hooks;
    int log;
    struct loop *loop = loop_with_log(&log);

    CHECK(hooks_start(&hooks, loop, test_dir(), "http://127.0.0.1:4999") == 0);
    while (!hooks_done(hooks))
        CHECK(loop_turn(loop, 1000) == 0);
    hooks_free(hooks);
    loop_free(loop);
    log_init(-1, LOG_ERROR, NULL);
    close(log);
    return test_read_file(at("log"));
}

TEST(no_folder_is_no_failure)
{
    CHECK_INT(run_all().n, 0);
}

TEST(scripts_run_in_order_one_after_the_other)
{
    const char *out = at("out");

    setenv("OUT", out, 1);
    script("20-second.sh", 0600, "echo second >>$OUT\n");
    script("10-first.sh", 0600, "sleep 0.2; echo first >>$OUT\n");
    script("30-third.sh", 0700, "#!/usr/bin/env -S sh -e\necho third $0 >>$OUT\n");
    script("40-no-script.txt", 0700, "echo no >>$OUT\n");
    script(".hidden.sh", 0700, "echo no >>$OUT\n");
    run_all();
    struct str got = test_read_file(out);
    CHECK(str_starts(got, S("first\nsecond\nthird /")));
    CHECK(str_find(got, S("no\n")) == SIZE_MAX);
}

TEST(scripts_find_the_cloud_in_their_environment)
{
    setenv("AWS_PROFILE", "production", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIAREAL", 1);
    setenv("MINE", "kept", 1);
    script("env.sh", 0600, "env | grep -E '^(AWS|MINE)' | sort | tr '\\n' ' '; ls /proc/self/fd "
                           "| wc -l\n");
    struct str log = run_all();
    CHECK(str_find(log, S("env.sh: AWS_ACCESS_KEY_ID=test AWS_DEFAULT_REGION=us-east-1 "
                          "AWS_ENDPOINT_URL=http://127.0.0.1:4999 AWS_REGION=us-east-1 "
                          "AWS_SECRET_ACCESS_KEY=test MINE=kept ")) != SIZE_MAX);
    CHECK(str_find(log, S("production")) == SIZE_MAX);
}

TEST(scripts_inherit_no_descriptors)
{
    /* What the tests themselves were started with is not meant. */
    CHECK(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0);
    script("fds.sh", 0600,
           "for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo leak $n; done\n"
           "read x || echo end of input\n");
    struct str log = run_all();
    if (str_find(log, S("leak")) != SIZE_MAX)
        FAIL("%.*s", STR_ARG(log));
    CHECK(str_find(log, S("end of input")) != SIZE_MAX);
}

TEST(what_scripts_print_and_how_they_fail_is_logged)
{
    script("1.sh", 0600, "echo out; echo err >&2; printf 'no newline'; exit 3\n");
    script("2.sh", 0600, "kill -9 $$\n");
    script("3.sh", 0700, "#!/no/such/interpreter\n");
    script("4.sh", 0600, "head -c 2000 /dev/zero | tr '\\0' x; printf '\\033[31m'\n");
    script("5.sh", 0600, "echo last\n");
    struct str log = run_all();
    static const char *const lines[] = {
        "1.sh: out\n",          "1.sh: err\n", "1.sh: no newline\n", "1.sh ended with status 3\n",
        "2.sh was ended by signal 9\n", "3.sh cannot be run: No such file", "4.sh: xxxx",
        "\\x1b[31m",            "5.sh: last\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (str_find(log, str_from(lines[i])) == SIZE_MAX)
            FAIL("%s is not in: %.*s", lines[i], STR_ARG(log));
}

TEST(what_goes_on_in_the_background_does_not_hold_up_the_next)
{
    const char *out = at("pid");

    setenv("OUT", out, 1);
    script("1.sh", 0600, "sleep 50 & echo $! >$OUT\n");
    script("2.sh", 0600, "echo next\n");
    struct str log = run_all();
    CHECK(str_find(log, S("2.sh: next\n")) != SIZE_MAX);
    uint64_t pid;
    CHECK(str_to_u64(str_trim(test_read_file(out)), &pid));
    CHECK(kill((pid_t)pid, SIGKILL) == 0);
}

TEST(a_daemon_that_stops_ends_the_script_that_runs)
{
    struct hooks *hooks;
    int log, status;
    struct loop *loop = loop_with_log(&log);

    script("1.sh", 0600, "sleep 50\n");
    script("2.sh", 0600, "echo never\n");
    CHECK(hooks_start(&hooks, loop, test_dir(), "http://127.0.0.1:4999") == 0);
    CHECK(loop_turn(loop, 0) == 0);
    CHECK(!hooks_done(hooks));
    hooks_free(hooks);
    CHECK(wait(&status) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(str_find(test_read_file(at("log")), S("1.sh still runs")) != SIZE_MAX);
    log_init(-1, LOG_ERROR, NULL);
    loop_free(loop);
    close(log);
}
