/*
 * fork, a pipe, and an end that a daemon left behind cannot delay.
 */
#include "proc.h"

#include "../file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20, WORDS_MAX = 4096 };

extern char **environ;

static char **
words_of(struct arena *a, const struct proc *p)
{
    size_t n = 0;
    char **argv = arena_alloc(a, (WORDS_MAX + 1) * sizeof(*argv));

    if (p->argv)
        for (; p->argv[n] && n < WORDS_MAX; n++)
            argv[n] = p->argv[n];
    else if (p->command->kind == NODE_LIST)
        for (const struct node *w = p->command->first; w && n < WORDS_MAX; w = w->next)
            argv[n++] = arena_cstr(a, node_scalar(w));
    if (p->argv || p->command->kind == NODE_LIST)
        return argv;
    argv[0] = arena_cstr(a, S("/bin/sh"));
    argv[1] = arena_cstr(a, S("-c"));
    argv[2] = arena_cstr(a, node_scalar(p->command));
    return argv;
}

/*
 * A shell without HOME: bash, which is sh on Amazon Linux, asks the account what ~ is, and AWS's
 * examples lean on that; busybox's does not.
 */
static bool
lacks_home(const struct proc *p)
{
    char to[64] = "";

    return p->env && !node_get(p->env, "HOME") && readlink("/bin/sh", to, sizeof(to) - 1) > 0 &&
           strstr(to, "busybox");
}

static char **
environment_of(struct arena *a, const struct proc *p)
{
    size_t n = 0, max = 2 + node_count(p->env);

    if (!p->env)
        while (environ[n])
            n++;
    max += n;
    char **env = arena_alloc(a, (max + 1) * sizeof(*env));
    if (!p->env)
        memcpy(env, environ, n * sizeof(*env));
    for (const struct node *e = p->env ? p->env->first : NULL; e; e = e->next) {
        struct str value = node_scalar(e);

        env[n++] = arena_cstr(a, arena_fmt(a, "%.*s=%.*s", STR_ARG(e->key), STR_ARG(value)));
    }
    if (lacks_home(p)) {
        const char *home = getenv("HOME");

        env[n++] = arena_cstr(a, arena_fmt(a, "HOME=%s", home ? home : "/root"));
    }
    if (p->extra_env)
        env[n++] = arena_cstr(a, str_c(p->extra_env));
    assert(n <= max);
    return env;
}

static NORETURN void
child(const struct proc *p, char **argv, char **env, const char *cwd, int out, int report)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct {
        int error, where;
    } word = {0};

    assert(argv[0] && argv[0][0]);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0)
        dup2(null, 0);
    dup2(out, 1);
    dup2(p->apart && null >= 0 ? null : out, 2);
    if (cwd && chdir(cwd) < 0) {
        word.error = errno;
        word.where = 1;
    } else {
        execvpe(argv[0], argv, env);
        word.error = errno;
    }
    (void)!write(report, &word, sizeof(word));
    _exit(127);
}

static int
collect(struct buf *b, int fd, pid_t pid)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    char chunk[16384];
    int status = 0;
    bool ended = false;

    assert(fd >= 0 && pid > 0);
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n > 0) {
            buf_add(b, (struct str){chunk, (size_t)n < b->max_bytes - b->n ? (size_t)n
                                                                           : b->max_bytes - b->n});
            continue;
        }
        if (ended)
            break;
        if (n == 0) { /* nobody has the pipe any more */
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
            break;
        }
        ended = waitpid(pid, &status, WNOHANG) == pid;
        if (!ended)
            poll(&pfd, 1, 20);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool
proc_run(struct arena *a, const struct proc *p, struct str *ret_output, int *ret_status,
         struct str *ret_why)
{
    char **argv = words_of(a, p), **env = environment_of(a, p);
    const char *cwd = p->cwd.n ? arena_cstr(a, p->cwd) : NULL;
    struct buf b = buf_new(a, OUTPUT_MAX);
    struct {
        int error, where;
    } word;
    int out[2], report[2];

    *ret_output = S("");
    *ret_status = 127;
    *ret_why = S("[Errno 2] No such file or directory: ''");
    if (!argv[0] || !argv[0][0])
        return false;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0) {
        *ret_why = str_c(strerror(errno));
        return false;
    }
    pid_t pid = fork();
    if (pid == 0)
        child(p, argv, env, cwd, out[1], report[1]);
    close(out[1]);
    close(report[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    bool failed = pid < 0 || read(report[0], &word, sizeof(word)) == sizeof(word);
    if (pid > 0)
        *ret_status = collect(&b, out[0], pid);
    close(out[0]);
    close(report[0]);
    *ret_output = buf_str(&b);
    if (failed)
        *ret_why = pid < 0 ? S("fork failed")
                           : arena_fmt(a, "[Errno %d] %s: '%s'", word.error, strerror(word.error),
                                       word.where ? cwd : argv[0]);
    return !failed;
}

int
proc_tool(struct arena *a, struct str *ret_output, const char *first, ...)
{
    char *argv[16] = {(char *)(uintptr_t)first};
    struct proc p = {.argv = argv};
    struct str why, output;
    size_t n = 1;
    va_list ap;
    int status;

    va_start(ap, first);
    while (n < COUNT_OF(argv) - 1 && (argv[n] = va_arg(ap, char *)))
        n++;
    va_end(ap);
    assert(n < COUNT_OF(argv) - 1); /* the list has ended */
    bool started = proc_run(a, &p, &output, &status, &why);
    if (ret_output)
        *ret_output = started ? output : why;
    return started ? status : 127;
}
