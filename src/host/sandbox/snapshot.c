/*
 * Snapshots of instances' roots: what a guest changed becomes a layer of images, a folder of
 * DATA/images.
 *
 * A child of low priority copies it under another name, and gives it its own when it is whole.  So
 * what is there is whole, whoever was killed meanwhile; what is not is begun anew when the daemon
 * asks again.
 */
#include "host/sandbox/copy_tree.h"

#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SNAPSHOTS_MAX 16 /* at once */

struct snapshot {
    struct snapshot *next;
    struct source process;
    struct ticket ticket;
    char name[PRIV_ID_MAX];
};

static void
name_new(char *to, size_t n, const char *name)
{
    text_set(to, n, "new.%s", name);
}

/* ---- the child ---- */

static int
copy(int images, int upper, const char *name)
{
    char new[PRIV_ID_MAX + 8];

    name_new(new, sizeof(new), name);
    if (mkdirat(images, new, 0700) < 0)
        return -errno;
    FD_CLEANUP int to = openat(images, new, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = to < 0 ? -errno : copy_tree(upper, to);

    if (r == 0 && (syncfs(to) < 0 || renameat(images, new, images, name) < 0))
        r = -errno;
    return r;
}

/* Its end tells how it went: 0, or an error's number.  It holds nothing of ours but two folders. */
static NORETURN void
copier_main(int images, int upper, const char *name)
{
    int far[2] = {fcntl(images, F_DUPFD, 5), fcntl(upper, F_DUPFD, 5)};

    if (far[0] < 0 || far[1] < 0 || dup2(far[0], 3) < 0 || dup2(far[1], 4) < 0 ||
        close_range(5, ~0u, 0) < 0)
        _exit(EMFILE);
    signals_reset();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpriority(PRIO_PROCESS, 0, 10);
    int r = copy(3, 4, name);

    _exit(MIN(-r, 255));
}

/* ---- the parent ---- */

static void
copied(struct host *h, struct source *s, uint32_t events UNUSED)
{
    struct snapshot *it = CONTAINER_OF(s, struct snapshot, process), **at = &h->snapshots;
    siginfo_t si = {0};
    struct why why, ignored;

    if (waitid(P_PIDFD, (id_t)s->fd, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
        return;
    int err = si.si_code == CLD_EXITED ? si.si_status : EIO;

    assert(h->n_snapshots > 0 && it->ticket.seq != 0);
    source_close(h, s);
    if (err) {
        why_set(&why, err, "the disk could not be copied: %s", strerror(err));
        answer(h, &it->ticket, -err, why.text, strlen(why.text));
        snapshot_drop(h, it->name, &ignored);
    } else {
        answer(h, &it->ticket, 0, NULL, 0);
    }
    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    h->n_snapshots--;
    free(it);
}

static struct snapshot *
find(struct host *h, const char *name)
{
    for (struct snapshot *it = h->snapshots; it; it = it->next)
        if (strcmp(it->name, name) == 0)
            return it;
    return NULL;
}

static int
start(struct host *h, const char *name, int upper, const struct ticket *ticket, struct why *why)
{
    assert(upper >= 0 && !find(h, name) && h->n_snapshots < SNAPSHOTS_MAX);
    struct snapshot *it = calloc(1, sizeof(*it));
    pid_t pid = it ? fork() : -1;

    if (pid == 0)
        copier_main(h->images, upper, name);
    if (pid < 0) {
        free(it);
        return why_set(why, ENOMEM, "no process could be made to copy the disk");
    }
    text_set(it->name, sizeof(it->name), "%s", name);
    it->ticket = *ticket;
    it->process.fn = copied;
    it->process.fd = (int)syscall(SYS_pidfd_open, pid, 0);
    int r = it->process.fd < 0 ? -errno : source_add(h, &it->process, EPOLLIN);

    if (r < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fd_close(&it->process.fd);
        free(it);
        return why_set(why, -r, "the copying of the disk could not be watched");
    }
    it->next = h->snapshots;
    h->snapshots = it;
    h->n_snapshots++;
    return 0;
}

int
snapshot_make(struct host *h, const struct priv_snapshot *q, const struct ticket *ticket,
              bool *ret_later, struct why *why)
{
    char path[PRIV_ID_MAX + 8];
    struct snapshot *it = find(h, q->name);

    assert(machine_id_ok(q->id) && ticket->seq != 0);
    *ret_later = it != NULL;
    if (it) { /* the daemon that asked first is gone */
        it->ticket = *ticket;
        return 0;
    }
    if (faccessat(h->images, q->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (h->n_snapshots == SNAPSHOTS_MAX)
        return why_set(why, EAGAIN, "%d snapshots are being made already", SNAPSHOTS_MAX);
    if (disk_is_encrypted(h, q->id))
        return why_set(why, EOPNOTSUPP, "the disk of %s is encrypted", q->id);
    int r = snapshot_drop(h, q->name, why); /* what a copier that was killed left */
    if (r < 0)
        return r;
    text_set(path, sizeof(path), "%s/upper", q->id);
    FD_CLEANUP int upper =
        openat(h->machines, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return why_set(why, errno, "the disk of %s could not be opened: %s", q->id,
                       strerror(errno));
    r = start(h, q->name, upper, ticket, why);
    *ret_later = r == 0;
    return r;
}

int
snapshot_drop(struct host *h, const char *name, struct why *why)
{
    char new[PRIV_ID_MAX + 8];

    name_new(new, sizeof(new), name);
    int r = remove_folder(h, h->images, new, why);

    return r < 0 ? r : remove_folder(h, h->images, name, why);
}
