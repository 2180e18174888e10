/*
 * Starting the privileged process, and making sure that one answers.
 *
 * It is forked, not exec'd: the same binary, from a daemon that is still small and has opened
 * nothing yet.  The fork is doubled, so that it is nobody's child and outlives everyone.
 */
#include "host/priv.h"
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 20000

/* 0 when one of our version answers; -EPROTO; else nobody does. */
static int
answers(const char *data_dir)
{
    struct priv_conn *c = NULL;
    struct priv_hello q = {0};
    struct arena arena;
    int r = priv_connect(&c, data_dir);

    if (r < 0)
        return r;
    assert(c);
    arena_init(&arena, PRIV_MESSAGE_MAX);
    r = priv_call_wait(c, &arena, PRIV_HELLO, &q, sizeof(q), NULL, 0, NULL, 0, START_MS, NULL);
    arena_done(&arena);
    priv_conn_free(c);
    return r;
}

static NORETURN void
become(const struct priv_config *config)
{
    struct priv_config c = *config;
    int null = open("/dev/null", O_RDWR);

    if (setsid() < 0 || null < 0)
        _exit(1);
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    /* What the caller gave may lie in the arguments that the title overwrites. */
    c.data_dir = strdup(c.data_dir);
    c.guest_init = c.guest_init ? strdup(c.guest_init) : NULL;
    if (!c.data_dir)
        _exit(1);
    process_title("welkin-host", c.data_dir);
    if (c.log_fd < 0 || (c.log_fd = fcntl(c.log_fd, F_DUPFD, 3)) < 0)
        c.log_fd = fcntl(null, F_DUPFD, 3);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(c.log_fd, 2) < 0 ||
        close_range(3, ~0u, 0) < 0)
        _exit(1);
    c.log_fd = 2;
    _exit(priv_main(&c));
}

int
priv_spawn(const struct priv_config *config)
{
    int r = answers(config->data_dir);
    int status = 0;

    assert(config->data_dir && config->data_dir[0]);
    if (r == 0 || r == -EPROTO)
        return r;
    pid_t pid = fork();
    if (pid < 0)
        return error_origin(errno, "privileged process");
    if (pid == 0)
        become(config);
    assert(pid > 0);
    if (waitpid(pid, &status, 0) < 0 || status != 0)
        return error_origin(EIO, "the privileged process could not be started");
    for (int64_t until = mono_ns() + (int64_t)START_MS * 1000000; mono_ns() < until;) {
        r = answers(config->data_dir);
        if (r == 0 || r == -EPROTO)
            return r;
        poll(NULL, 0, 1);
    }
    return error_origin(-r, "the privileged process does not answer; see the log for why");
}

int
priv_clean(const struct priv_config *config)
{
    struct priv_shutdown q = {.kill_all = 1};
    struct priv_hello hello = {0};
    struct priv_conn *c = NULL;
    struct arena arena;
    int r = priv_spawn(config);

    if (r == 0)
        r = priv_connect(&c, config->data_dir);
    if (r < 0)
        return r;
    assert(c);
    arena_init(&arena, PRIV_MESSAGE_MAX);
    r = priv_call_wait(c, &arena, PRIV_HELLO, &hello, sizeof(hello), NULL, 0, NULL, 0, START_MS,
                       NULL);
    if (r == 0)
        r = priv_call_wait(c, &arena, PRIV_SHUTDOWN, &q, sizeof(q), NULL, 0, NULL, 0, START_MS,
                           NULL);
    while (r == 0) /* it closes the connection when all is gone */
        r = priv_wait(c, START_MS);
    arena_done(&arena);
    priv_conn_free(c);
    return r == -ECONNRESET ? 0 : r;
}
