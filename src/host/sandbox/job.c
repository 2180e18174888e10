/*
 * Work that would keep everybody waiting, or that has to be done in a guest's namespaces: a child
 * does it, which has only the descriptors that it needs, and its end tells how it went.
 *
 * A guest can make such a child wait for ever (a file system of its own under a path), so there is
 * a limit to how many there are, and they end with us: whoever asks again begins anew.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 256
#define KEEP_MAX 12
#define NICE_LONG 10

struct job {
    struct source process;
    job_done_fn *done;
    void *ctx;
};

static int
by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* It may live long: it must not hold other machines' descriptors. */
static void
close_others(const int *keep, size_t n)
{
    int fds[KEEP_MAX];
    unsigned from = 3;

    assert(n <= KEEP_MAX);
    memcpy(fds, keep, n * sizeof(*keep));
    qsort(fds, n, sizeof(*fds), by_number);
    for (size_t i = 0; i < n; i++) {
        assert(fds[i] >= 0);
        if ((unsigned)fds[i] > from)
            close_range(from, (unsigned)fds[i] - 1, 0);
        from = MAX(from, (unsigned)fds[i] + 1);
    }
    close_range(from, ~0u, 0);
}

static NORETURN void
child_of_job(const struct job_plan *plan)
{
    if (plan->n_keep)
        close_others(plan->keep, plan->n_keep);
    signals_reset();
    if (!plan->outlives)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (plan->is_long)
        setpriority(PRIO_PROCESS, 0, NICE_LONG);
    int r = plan->fn(plan->arg);

    assert(r <= 0);
    _exit(MIN(-r, 255));
}

static void
job_event(struct host *h, struct source *s, uint32_t events UNUSED)
{
    struct job *job = CONTAINER_OF(s, struct job, process);
    siginfo_t si = {0};

    if (waitid(P_PIDFD, (id_t)s->fd, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
        return;
    int err = si.si_code == CLD_EXITED ? si.si_status : EIO;

    assert(h->n_jobs > 0 && err >= 0);
    source_close(h, s);
    h->n_jobs--;
    job->done(h, job->ctx, -err);
    free(job);
}

int
job_start(struct host *h, const struct job_plan *plan, job_done_fn *done, void *ctx)
{
    struct job *job = h->n_jobs < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

    assert(plan->fn && plan->n_keep <= KEEP_MAX && done);
    if (!job)
        return -EAGAIN;
    pid_t pid = fork();
    if (pid == 0)
        child_of_job(plan);
    job->process.fn = job_event;
    job->process.fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    job->done = done;
    job->ctx = ctx;
    int r = job->process.fd < 0 ? -errno : source_add(h, &job->process, EPOLLIN);

    if (r < 0) {
        if (pid > 0) { /* nobody would know of its end */
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        fd_close(&job->process.fd);
        free(job);
        return r;
    }
    h->n_jobs++;
    return 0;
}
