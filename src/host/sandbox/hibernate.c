/*
 * Hibernation: a machine's processes stand still, nothing reaches them, and they take no processor.
 *
 * They stay in memory.  Writing them to disk and back (CRIU) was tried and does not work on kernels
 * of today with the namespaces, mounts and filters that a machine has; so what can be reclaimed is
 * pushed out (file pages, and with swap all else), and the rest waits where it is.  A restart of
 * this process keeps it, a restart of the host does not.
 *
 * A frozen guest's kernel side would still answer pings and acknowledge segments: its elements are
 * taken out of the firewall, which drops what has none, until it is woken.
 */
#include "host/sandbox/sandbox.h"

#include "base/log.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child's child, of which nobody has to wait for the end: a large machine takes seconds. */
static void
push_out(struct host *h, const char *id)
{
    pid_t pid = fork();

    assert(machine_id_ok(id));
    if (pid == 0) {
        if (fork() == 0) {
            setpriority(PRIO_PROCESS, 0, 19);
            cg_reclaim(&h->cg, id);
        }
        _exit(0);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

int
machine_hibernate(struct host *h, struct machine *m, struct why *why)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);

    assert(machine_ok(h, m));
    assert(v && m->state == PRIV_RUNNING);
    if (m->saved.frozen)
        return 0;
    int r = cg_freeze(&h->cg, m->saved.id, true);
    if (r < 0)
        return why_set(why, -r, "machine %s could not be frozen: %s", m->saved.id, strerror(-r));
    m->saved.frozen = true;
    r = machine_save(h, m);
    if (r == 0 && m->filtered)
        r = fw_machine_remove(v, m);
    if (r < 0) {
        struct why ignored;

        machine_wake(h, m, &ignored);
        return why_set(why, -r, "machine %s could not be cut off: %s", m->saved.id, strerror(-r));
    }
    push_out(h, m->saved.id);
    log_info("machine %s is frozen", m->saved.id);
    assert(m->saved.frozen && !m->filtered);
    return 0;
}

int
machine_wake(struct host *h, struct machine *m, struct why *why)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);
    int r = 0;

    assert(machine_ok(h, m));
    assert(v && m->state == PRIV_RUNNING);
    if (!m->saved.frozen)
        return 0;
    if (!m->filtered)
        r = fw_machine_add(v, m);
    if (r < 0)
        return why_set(why, -r, "machine %s could not be connected: %s", m->saved.id, strerror(-r));
    r = cg_freeze(&h->cg, m->saved.id, false);
    if (r < 0)
        return why_set(why, -r, "machine %s could not be thawed: %s", m->saved.id, strerror(-r));
    m->saved.frozen = false;
    log_info("machine %s goes on", m->saved.id);
    assert(m->filtered && !m->saved.frozen);
    return machine_save(h, m);
}
