/*
 * Running programs of the image.
 *
 * posix_spawn, because in musl it is a vfork: 0.1 ms less than fork before the first
 * line of user data, and it answers the errno of a failed exec.
 */
#include "run.h"

#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define CA_BUNDLE "AWS_CA_BUNDLE="

/* The last but one is the file of trusted authorities that the launcher tells of, if it does. */
char *run_environment[] = {
    "PATH=" SEARCH_PATH, "HOME=/root", "LANG=C.UTF-8", "container=welkin", NULL, NULL,
};

static void
inherit_ca_bundle(void)
{
    for (char **e = environ; *e; e++)
        if (strncmp(*e, CA_BUNDLE, sizeof(CA_BUNDLE) - 1) == 0)
            run_environment[COUNT_OF(run_environment) - 2] = *e;
}

static int out_read = -1, out_write = -1, null_fd = -1, child_fd = -1;

int
run_init(void)
{
    sigset_t chld;
    int p[2];

    inherit_ca_bundle();
    /* A child that runs things of its own must not hold its parent's pipe open. */
    if (out_write >= 0)
        close(out_write);
    if (out_read >= 0)
        close(out_read);
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    child_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (child_fd < 0 || pipe2(p, O_CLOEXEC) < 0)
        return -errno;
    out_read = p[0];
    out_write = p[1];
    fcntl(out_read, F_SETFL, O_NONBLOCK);
    return 0;
}

static void (*later_work)(void *);
static void *later_ctx;

void
run_later(void (*work)(void *ctx), void *ctx)
{
    assert(work && !later_work);
    later_work = work;
    later_ctx = ctx;
}

void
run_later_now(void)
{
    void (*work)(void *) = later_work;

    later_work = NULL;
    if (work)
        work(later_ctx);
}

struct str
run_find(struct arena *a, const char *program)
{
    struct str rest = S(SEARCH_PATH), dir;

    assert(program[0] != '\0' && !strchr(program, '/'));
    while (str_field(&rest, ':', &dir)) {
        struct str path = arena_fmt(a, "%.*s/%s", STR_ARG(dir), program);

        if (file_is_executable(path.p))
            return path;
    }
    return S("");
}

/* Copies what the pipe holds now; false when nobody can write to it any more. */
static bool
copy_output(void)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(out_read, chunk, sizeof(chunk))) > 0)
        log_output((struct str){chunk, (size_t)n});
    return n != 0;
}

static int
exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The worker has other children too (the ssh supervisor): only `pid` is waited for. */
static int
wait_copying(pid_t pid)
{
    struct pollfd fds[] = {{.fd = out_read, .events = POLLIN}, {.fd = child_fd, .events = POLLIN}};
    struct signalfd_siginfo si;
    int status = 0;

    assert(pid > 0);
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid || (got < 0 && errno != EINTR))
            break;
        /* First what the program says, or 20 ms of silence; then the paperwork. */
        poll(fds, COUNT_OF(fds), later_work ? 20 : -1);
        while (read(child_fd, &si, sizeof(si)) > 0)
            ;
        copy_output();
        run_later_now();
    }
    copy_output();
    run_later_now();
    return exit_code(status);
}

static int
spawn(char *const argv[], char *const envp[], int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t none, all;

    assert(argv[0]);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, in, 0);
    posix_spawn_file_actions_adddup2(&fa, out, 1);
    posix_spawn_file_actions_adddup2(&fa, out, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawn(ret_pid, argv[0], &fa, &attr, argv, envp);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&fa);
    return -r;
}

/* argv with its program looked up on the PATH; NULL when it is nowhere. */
static char **
with_path(struct arena *a, char *const argv[])
{
    size_t n = 0;

    while (argv[n])
        n++;
    char **out = arena_alloc(a, (n + 1) * sizeof(*out));
    memcpy(out, argv, n * sizeof(*out));
    if (!strchr(argv[0], '/'))
        out[0] = arena_cstr(a, run_find(a, argv[0]));
    return out[0][0] ? out : NULL;
}

int
run_wait(struct arena *a, char *const argv[], const char *env_extra, int *ret_status)
{
    char *env[COUNT_OF(run_environment) + 1] = {0};
    size_t n = 0;
    char **found = with_path(a, argv);
    pid_t pid;

    if (!found)
        return -ENOENT;
    for (; run_environment[n]; n++)
        env[n] = run_environment[n];
    env[n] = (char *)(uintptr_t)env_extra;
    assert(n + 1 < COUNT_OF(env));
    int r = spawn(found, env, null_fd, out_write, &pid);
    if (r < 0)
        return r;
    *ret_status = wait_copying(pid);
    return 0;
}

int
run_quietly(struct arena *a, char *const argv[], struct str input, int *ret_status)
{
    char **found = with_path(a, argv);
    pid_t pid;
    int p[2];

    if (!found)
        return -ENOENT;
    if (input.n > 4096) /* what a pipe holds for certain: no reader is needed */
        return -EFBIG;
    if (pipe2(p, O_CLOEXEC) < 0)
        return -errno;
    assert(input.n <= 4096);
    write_all(p[1], input);
    close(p[1]);
    int r = spawn(found, run_environment, p[0], null_fd, &pid);
    close(p[0]);
    if (r < 0)
        return r;
    *ret_status = wait_copying(pid);
    return 0;
}

/* cloud-init's words for a program that did not end well. */
static void
log_failure(const char *path, int r, int status)
{
    if (r == -ENOEXEC)
        log_warn("Unexpected error while running command. Command: ['%s'] Exit code: - Reason: "
                 "[Errno 8] Exec format error. Missing #! in script?", path);
    else if (r < 0)
        log_warn("Unexpected error while running command. Command: ['%s'] Exit code: - Reason: "
                 "[Errno %d] %s: b'%s'", path, -r, strerror(-r), path);
    else
        log_warn("Unexpected error while running command. Command: ['%s'] Exit code: %d", path,
                 status > 128 ? 128 - status : status);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t
list_names(struct arena *a, const char *dir, char **names, size_t max)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;

    if (!d)
        return 0;
    while ((e = readdir(d)) && n < max)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            names[n++] = arena_cstr(a, str_c(e->d_name));
    closedir(d);
    assert(n <= max);
    qsort(names, n, sizeof(*names), by_name);
    return n;
}

size_t
run_parts(struct arena *a, const char *dir, struct str *ret_why)
{
    enum { NAMES_MAX = 2000 };
    char **names = arena_alloc(a, NAMES_MAX * sizeof(*names));
    size_t n = list_names(a, dir, names, NAMES_MAX), failed = 0, attempted = 0;
    struct buf failures = buf_new(a, 4096);

    for (size_t i = 0; i < n; i++) {
        char *path = arena_cstr(a, arena_fmt(a, "%s/%s", dir, names[i]));
        char *argv[] = {path, NULL};
        int status = 0;

        if (!file_is_executable(path))
            continue;
        attempted++;
        log_info("Running command ['%s']", path);
        int r = run_wait(a, argv, NULL, &status);
        if (r == 0 && status == 0)
            continue;
        log_failure(path, r, status);
        if (failed++)
            buf_byte(&failures, ',');
        buf_add(&failures, str_c(names[i]));
    }
    if (failed)
        *ret_why = arena_fmt(a, "Runparts: %zu failures (%.*s) in %zu attempted commands", failed,
                             STR_ARG(buf_str(&failures)), attempted);
    assert(failed <= attempted && attempted <= n);
    return failed;
}

void
run_drain(void)
{
    struct pollfd fd = {.fd = out_read, .events = POLLIN};

    if (out_read < 0)
        return; /* there never was a pipe */
    close(out_write);
    out_write = -1;
    while (copy_output())
        poll(&fd, 1, -1);
}
