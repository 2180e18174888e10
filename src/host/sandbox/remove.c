/*
 * Deleting machines' folders.  A disk may hold a million files, so the folder is renamed away at
 * once and deleted by a child of lowest priority.  The guest made the tree: it may be deeper than
 * any recursion, so the child never descends; it moves each inner directory up beside the others.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRASH "trash" /* in DATA/run */
#define IOPRIO_IDLE (3 << 13)

static void
empty_one(int trash, const char *name, unsigned *counter)
{
    char up[24];
    int fd = openat(trash, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    assert(trash >= 0 && name[0] != '.');
    while (d && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) == 0 ||
            unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) == 0)
            continue;
        do {
            text_set(up, sizeof(up), "d%u", (*counter)++);
        } while (faccessat(trash, up, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        renameat(dirfd(d), e->d_name, trash, up);
    }
    if (d)
        closedir(d);
    unlinkat(trash, name, AT_REMOVEDIR);
}

/* Whether anything was there. */
static bool
empty_all(int trash, unsigned *counter)
{
    int fd = openat(trash, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    bool found = false;

    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.') {
            found = true;
            empty_one(trash, e->d_name, counter);
        }
    if (d)
        closedir(d);
    return found;
}

static NORETURN void
remover_main(int trash)
{
    unsigned counter = 0;

    assert(trash >= 0);
    if (dup2(trash, 3) < 0 || close_range(4, ~0u, 0) < 0)
        _exit(1);
    setpriority(PRIO_PROCESS, 0, 19);
    syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
    /* What cannot be deleted is left after so many rounds; the next start tries again. */
    for (int round = 0; round < 100000 && empty_all(3, &counter); round++)
        ;
    _exit(0);
}

static void
remover_event(struct host *h, struct source *s, uint32_t events)
{
    siginfo_t si = {0};

    (void)events;
    waitid(P_PIDFD, (id_t)s->fd, &si, WEXITED | WNOHANG);
    source_close(h, s);
    if (si.si_code == CLD_EXITED && si.si_status == 0)
        remove_rest(h); /* what came in the meantime */
}

static bool
anything_in(int trash)
{
    int fd = openat(trash, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    bool found = false;

    while (d && !found && (e = readdir(d)))
        found = e->d_name[0] != '.';
    if (d)
        closedir(d);
    return found;
}

void
remove_rest(struct host *h)
{
    FD_CLEANUP int trash = openat(h->run, TRASH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (trash < 0 || h->remover.fd >= 0 || !anything_in(trash))
        return;
    pid_t pid = fork();
    if (pid == 0)
        remover_main(trash);
    h->remover.fn = remover_event;
    h->remover.fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (h->remover.fd < 0 || source_add(h, &h->remover, EPOLLIN) < 0)
        log_warn("deleted machines' folders stay in run/" TRASH " for now");
}

int
remove_folder(struct host *h, int from, const char *name, struct why *why)
{
    char to[80];

    if (mkdirat(h->run, TRASH, 0700) < 0 && errno != EEXIST)
        return why_set(why, errno, "run/" TRASH " could not be made: %s", strerror(errno));
    text_set(to, sizeof(to), TRASH "/%s.%d.%u", name, getpid(), h->next_trash++);
    if (renameat(from, name, h->run, to) < 0 && errno != ENOENT)
        return why_set(why, errno, "the folder of %s could not be moved away: %s", name,
                       strerror(errno));
    remove_rest(h);
    return 0;
}

int
remove_machine(struct host *h, const char *id, struct why *why)
{
    assert(machine_id_ok(id));
    return remove_folder(h, h->machines, id, why);
}
