/*
 * Running a program inside a machine: for session managers, `welkin exec` and health checks.
 *
 * A helper joins the machine's control groups and all its namespaces through its pidfd, then
 * forks: only a child is in the pid namespace.  The helper waits and ends as the child did.  It
 * is not dumpable and is outside the guest's pid namespace; the child is inside, but not
 * dumpable either until exec, so that the guest cannot reach through it to this program.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXECS_MAX 1000 /* each is two processes on the host */

struct exec {
    struct exec *next;
    uint32_t number, conn;
    struct source process;
    struct source telling; /* until its program runs */
    char machine[PRIV_ID_MAX];
};

struct exec_plan {
    const struct priv_exec *req;
    char *const *argv, *const *env;
    const char *cwd;
    int fds[3];
    bool tty;
    int tell;        /* the socket for the listener to mount(2), or -1 */
    pid_t process_1; /* of the machine, on the host */
    const struct sock_fprog *filter;
};

static NORETURN void PRINTF_LIKE(1, 2)
complain(const char *fmt, ...)
{
    int err = errno;
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    dprintf(2, "welkin: %s: %s\n", text, strerror(err));
    _exit(127);
}

static NORETURN void
run(const struct exec_plan *p)
{
    const struct priv_exec *q = p->req;

    assert(q->uid <= 65535 && q->gid <= 65535 && p->argv[0]);
    if (p->tty && (setsid() < 0 || ioctl(0, TIOCSCTTY, 0) < 0))
        complain("the terminal could not be taken");
    if (setgroups(0, NULL) < 0 || setresgid(q->gid, q->gid, q->gid) < 0 || setresuid(0, 0, 0) < 0)
        complain("the group %u could not be taken", q->gid);
    int listener = -1;
    const char *failed = jail_enter(p->filter, p->tell >= 0 ? &listener : NULL);
    if (failed)
        complain("%s", failed);
    if (listener >= 0 && fds_send(p->tell, "N", 1, &listener, 1, 0) < 0)
        complain("the listener");
    fd_close(&listener);
    if (setresuid(q->uid, q->uid, q->uid) < 0)
        complain("the user %u could not be taken", q->uid);
    /* After the ids: changing them clears it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(p->cwd ? p->cwd : "/") < 0)
        complain("%s", p->cwd ? p->cwd : "/");
    execvpe(p->argv[0], p->argv, p->env);
    complain("%s", p->argv[0]);
}

/* As many as the machine's own programs see; none of them if process 1 is just gone. */
static void
take_processors(pid_t process_1)
{
    cpu_set_t set;

    if (sched_getaffinity(process_1, sizeof(set), &set) == 0)
        sched_setaffinity(0, sizeof(set), &set);
}

static NORETURN void
helper(struct exec_plan *p, int machine, const struct cg_join *join)
{
    const int all = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
                    CLONE_NEWNET | CLONE_NEWCGROUP;
    int status;

    assert(machine >= 0);
    prctl(PR_SET_NAME, "welkin-exec");
    setpriority(PRIO_PROCESS, 0, 0); /* ours is higher, and our session's */
    setsid();
    for (int i = 0; i < 3; i++)
        if (dup2(p->fds[i], i) < 0)
            _exit(127);
    take_processors(p->process_1);
    if (cg_join_enter(join) < 0)
        complain("control groups");
    if (setns(machine, all) < 0)
        complain("the machine's namespaces");
    /* It lives as long as the program: it must not hold other machines' descriptors. */
    if (p->tell >= 0 && dup3(p->tell, 3, O_CLOEXEC) == 3)
        p->tell = 3;
    close_range(p->tell == 3 ? 4 : 3, ~0u, 0);
    signals_reset();
    pid_t pid = fork();
    if (pid < 0)
        complain("fork");
    if (pid == 0)
        run(p);
    fd_close(&p->tell);
    for (int i = 0; i < 3; i++)
        close(i);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            _exit(127);
    if (WIFSIGNALED(status)) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 127);
}

static void
exec_remove(struct host *h, struct exec *e)
{
    struct exec **at = &h->execs;

    assert(h->n_execs > 0);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    h->n_execs--;
    source_close(h, &e->process);
    source_close(h, &e->telling);
    free(e);
}

static void
exec_event(struct host *h, struct source *s, uint32_t events)
{
    struct exec *e = CONTAINER_OF(s, struct exec, process);
    struct priv_ev_exec_exited ev = {.exec = e->number};
    siginfo_t si = {0};

    assert(e->number != 0 && s->fd >= 0);
    (void)events;
    if (waitid(P_PIDFD, (id_t)s->fd, &si, WEXITED | WNOHANG) == 0 && si.si_pid)
        ev.status = si.si_code == CLD_EXITED ? si.si_status << 8 : si.si_status;
    event_to(h, e->conn, PRIV_EV_EXEC_EXITED, &ev, sizeof(ev));
    exec_remove(h, e);
}

/* The listener to its calls of mount(2), or the end of the program that had none. */
static void
telling_event(struct host *h, struct source *s, uint32_t events UNUSED)
{
    struct exec *e = CONTAINER_OF(s, struct exec, telling);
    int listener = -1;
    size_t n = 1;
    char c;

    fds_recv(s->fd, &c, 1, &listener, &n, MSG_DONTWAIT);
    source_close(h, s);
    if (n == 1)
        mounts_watch(h, e->machine, listener, false);
}

static int
telling_open(struct host *h, struct exec *e, int *ret_far)
{
    int pair[2];

    if (!h->guest_mounts)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    e->telling.fd = pair[0];
    *ret_far = pair[1];
    return source_add(h, &e->telling, EPOLLIN);
}

int
exec_start(struct host *h, struct machine *m, const struct priv_exec *req, char *const *argv,
           char *const *envp, const char *cwd, const int *fds, size_t n_fds, uint32_t conn,
           uint32_t *ret, struct why *why)
{
    struct exec_plan plan = {.req = req, .argv = argv, .env = envp, .cwd = cwd,
                             .tty = n_fds == 1, .filter = &h->filter,
                             .tell = -1, .process_1 = (pid_t)m->saved.pid};
    struct cg_join join;

    assert(m->state == PRIV_RUNNING && argv[0] && req->uid <= 65535 && req->gid <= 65535);
    if (n_fds != 1 && n_fds != 3)
        return why_set(why, EINVAL, "exec needs three descriptors or a terminal");
    for (int i = 0; i < 3; i++)
        plan.fds[i] = fds[n_fds == 1 ? 0 : i];
    assert(plan.fds[0] >= 0 && plan.fds[1] >= 0 && plan.fds[2] >= 0);
    if (h->n_execs >= EXECS_MAX)
        return why_set(why, EAGAIN, "%d commands run already", EXECS_MAX);
    struct exec *e = calloc(1, sizeof(*e));
    if (!e)
        return why_set(why, ENOMEM, "out of memory");
    int r = cg_join_open(&h->cg, m->saved.id, m->saved.pid, &join);
    if (r < 0) {
        free(e);
        return why_set(why, -r, "the machine's control groups could not be opened");
    }
    e->process = (struct source){.fd = -1, .fn = exec_event};
    e->telling = (struct source){.fd = -1, .fn = telling_event};
    memcpy(e->machine, m->saved.id, sizeof(e->machine));
    r = telling_open(h, e, &plan.tell);
    struct clone_args args = {.flags = CLONE_PIDFD | (join.v2 >= 0 ? CLONE_INTO_CGROUP : 0),
                              .pidfd = (uint64_t)(uintptr_t)&e->process.fd,
                              .exit_signal = SIGCHLD,
                              .cgroup = (uint64_t)(join.v2 >= 0 ? join.v2 : 0)};
    pid_t pid = r < 0 ? -1 : (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        helper(&plan, m->process.fd, &join);
    if (r == 0)
        r = pid < 0 ? -errno : source_add(h, &e->process, EPOLLIN);
    cg_join_close(&join);
    fd_close(&plan.tell);
    if (r < 0) {
        if (pid > 0) /* nobody would know of its end */
            syscall(SYS_pidfd_send_signal, e->process.fd, SIGKILL, NULL, 0);
        source_close(h, &e->telling);
        fd_close(&e->process.fd);
        free(e);
        return why_set(why, -r, "a process could not be made: %s", strerror(-r));
    }
    e->number = ++h->next_exec;
    e->conn = conn;
    e->next = h->execs;
    h->execs = e;
    h->n_execs++;
    *ret = e->number;
    assert(h->n_execs <= EXECS_MAX);
    return 0;
}

int
exec_kill(struct host *h, uint32_t number, uint32_t conn)
{
    int r = -ENOENT;

    for (struct exec *e = h->execs; e; e = e->next)
        if (e->conn == conn && (number == 0 || e->number == number))
            r = syscall(SYS_pidfd_send_signal, e->process.fd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
    return r;
}
