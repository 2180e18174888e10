/*
 * What a user wants to have in every cloud that starts: the scripts DATA/init/ready.d/NAME.sh,
 * run one after the other in the order of their names once the daemon is ready, as the daemon's
 * user.  They find the cloud through AWS_ENDPOINT_URL and keys in the environment, and what they
 * print goes to the log.
 *
 * The loop goes on meanwhile (the scripts talk to it): it watches the running script's pidfd and
 * the one pipe that all of them write to.
 */
#include "daemon/hooks.h"

#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPTS_MAX 256
#define ENV_MAX 1024
#define LINE_MAX_BYTES 800 /* a longer line of output is several in the log */

extern char **environ;

struct hooks {
    struct loop *loop;
    struct arena arena;
    const char *dir;
    struct str_list names;
    size_t next;      /* the script after the one that runs */
    char **envp;
    pid_t pid;        /* of the one that runs; 0: none */
    struct loop_fd process, output;
    int write_end;    /* what scripts write to; -1 once the last has ended */
    size_t line_n;
    char line[LINE_MAX_BYTES];
};

/* ---- what they print ---- */

static const char *
running_name(const struct hooks *h)
{
    assert(h->next <= h->names.n);
    assert(h->next > 0);
    return h->names.v[h->next - 1].p;
}

static void
print_line(struct hooks *h)
{
    assert(h->line_n <= sizeof(h->line));
    if (h->line_n)
        log_info("%s: %.*s", running_name(h), (int)h->line_n, h->line);
    h->line_n = 0;
}

static void
stop_reading(struct hooks *h)
{
    if (h->output.fd < 0)
        return;
    print_line(h);
    loop_fd_remove(h->loop, &h->output);
    close(h->output.fd);
    h->output.fd = -1;
}

/* All that is there now, but not for ever: a script may print faster than a log can take. */
static void
read_output(struct hooks *h)
{
    char bytes[4096];

    for (int i = 0; i < 16 && h->output.fd >= 0; i++) {
        ssize_t n = read(h->output.fd, bytes, sizeof(bytes));

        if (n < 0)
            return;
        if (n == 0)
            stop_reading(h); /* nobody can write any more */
        for (ssize_t k = 0; k < n; k++) {
            if (bytes[k] != '\n')
                h->line[h->line_n++] = bytes[k];
            assert(h->line_n <= sizeof(h->line));
            if (bytes[k] == '\n' || h->line_n == sizeof(h->line))
                print_line(h);
        }
    }
}

static void
on_output(struct loop_fd *source, uint32_t events UNUSED)
{
    read_output(CONTAINER_OF(source, struct hooks, output));
}

/* ---- running ---- */

static int
spawn(struct hooks *h, const char *path, pid_t *ret_pid)
{
    assert(h->write_end >= 0 && h->envp && h->pid == 0 && h->process.fd < 0);
    /* Who marked it executable chose its interpreter. */
    char *const direct[] = {(char *)path, NULL};
    char *const shell[] = {(char *)"/bin/sh", (char *)path, NULL};
    char *const *argv = access(path, X_OK) == 0 ? direct : shell;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, pipe;

    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, h->write_end, 1);
    posix_spawn_file_actions_adddup2(&files, h->write_end, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &pipe);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    int r = posix_spawn(ret_pid, argv[0], &files, &attr, argv, h->envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -r;
}

static void run_next(struct hooks *h);

static void
on_process(struct loop_fd *source, uint32_t events UNUSED)
{
    struct hooks *h = CONTAINER_OF(source, struct hooks, process);
    int status;

    assert(h->pid > 0);
    if (waitpid(h->pid, &status, WNOHANG) != h->pid)
        return;
    h->pid = 0;
    loop_fd_remove(h->loop, &h->process);
    close(h->process.fd);
    h->process.fd = -1;
    read_output(h);
    print_line(h);
    if (WIFSIGNALED(status))
        log_warn("%s was ended by signal %d", running_name(h), WTERMSIG(status));
    else if (WEXITSTATUS(status))
        log_warn("%s ended with status %d", running_name(h), WEXITSTATUS(status));
    run_next(h);
}

/* False when the script does not run: the next one may. */
static bool
run_one(struct hooks *h)
{
    const char *name = running_name(h);
    const char *path = str_cstr(&h->arena, str_fmt(&h->arena, "%s/%s", h->dir, name));
    int r = spawn(h, path, &h->pid);

    if (r < 0) {
        log_warn("%s cannot be run: %s", path, strerror(-r));
        h->pid = 0;
        return false;
    }
    h->process.fd = (int)syscall(SYS_pidfd_open, h->pid, 0);
    if (h->process.fd >= 0 && loop_fd_add(h->loop, &h->process, EPOLLIN) == 0) {
        log_info("running %s", path);
        return true;
    }
    log_warn("%s cannot be watched: %s", path, strerror(errno));
    kill(-h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    h->pid = 0;
    if (h->process.fd >= 0)
        close(h->process.fd);
    h->process.fd = -1;
    return false;
}

static void
run_next(struct hooks *h)
{
    assert(h->pid == 0 && h->write_end >= 0);
    while (h->next < h->names.n) {
        h->next++;
        if (run_one(h))
            return;
    }
    /* What they left in the background may still print. */
    close(h->write_end);
    h->write_end = -1;
}

/* ---- what there is to run, and with what ---- */

static int
by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
find_scripts(struct hooks *h)
{
    DIR *dir = opendir(h->dir);
    struct dirent *entry;

    if (!dir) {
        if (errno != ENOENT)
            log_warn("%s cannot be read: %s", h->dir, strerror(errno));
        return;
    }
    while (h->names.n < SCRIPTS_MAX && (entry = readdir(dir))) {
        struct str name = str_from(entry->d_name);

        if (entry->d_name[0] != '.' && str_ends(name, S(".sh")))
            *LIST_PUSH(&h->arena, &h->names) = str_from(str_cstr(&h->arena, name));
    }
    assert(h->names.n <= SCRIPTS_MAX);
    closedir(dir);
    if (h->names.n)
        qsort(h->names.v, h->names.n, sizeof(*h->names.v), by_name);
}

/* The daemon's environment, without what would lead a client to another cloud. */
static void
make_environment(struct hooks *h, const char *endpoint)
{
    static const char *const ours[] = {"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
                                       "AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1"};
    size_t n = 0;

    h->envp = arena_alloc(&h->arena, (ENV_MAX + ARRAY_LEN(ours) + 2) * sizeof(*h->envp));
    for (char **e = environ; *e && n < ENV_MAX; e++)
        if (strncmp(*e, "AWS_", 4) != 0)
            h->envp[n++] = *e;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        h->envp[n++] = (char *)ours[i];
    h->envp[n++] =
        str_cstr(&h->arena, str_fmt(&h->arena, "AWS_ENDPOINT_URL=%s", endpoint));
    h->envp[n] = NULL;
    assert(n <= ENV_MAX + ARRAY_LEN(ours) + 1);
}

/* ---- life ---- */

static int
open_output(struct hooks *h)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_origin(errno, "the scripts of init/ready.d have nowhere to print to");
    /* Only our end: scripts shall wait for us. */
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    h->output.fd = fds[0];
    h->write_end = fds[1];
    return loop_fd_add(h->loop, &h->output, EPOLLIN);
}

int
hooks_start(struct hooks **ret, struct loop *loop, const char *data_dir, const char *endpoint)
{
    struct hooks *h = calloc(1, sizeof(*h));

    if (!h)
        return error_origin(ENOMEM, "the scripts of init/ready.d cannot be run");
    h->loop = loop;
    arena_init(&h->arena, (size_t)1 << 20);
    h->process = (struct loop_fd){.fd = -1, .fn = on_process};
    h->output = (struct loop_fd){.fd = -1, .fn = on_output};
    h->write_end = -1;
    h->dir = str_cstr(&h->arena, str_fmt(&h->arena, "%s/init/ready.d", data_dir));
    find_scripts(h);
    if (h->names.n) {
        int r = open_output(h);

        if (r < 0) {
            hooks_free(h);
            return r;
        }
        make_environment(h, endpoint);
        run_next(h);
    }
    *ret = h;
    return 0;
}

bool
hooks_done(const struct hooks *h)
{
    return !h->pid && h->next == h->names.n;
}

struct hooks *
hooks_free(struct hooks *h)
{
    assert(!h->pid || h->process.fd >= 0);
    if (!h)
        return NULL;
    if (h->pid) {
        log_warn("%s still runs: it is ended", running_name(h));
        kill(-h->pid, SIGTERM);
        loop_fd_remove(h->loop, &h->process);
        close(h->process.fd);
    }
    stop_reading(h);
    if (h->write_end >= 0)
        close(h->write_end);
    arena_done(&h->arena);
    free(h);
    return NULL;
}
