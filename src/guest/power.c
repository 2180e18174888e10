/*
 * Shutting down.
 *
 * In a pid namespace reboot(2) does not touch the machine: the kernel kills the
 * namespace's init with SIGHUP for a restart and SIGINT for power off, and that signal
 * is what the launcher reads.  So halt has to be a power off, too.
 */
#include "power.h"

#include "file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What systemd's tools and glibc call SIGRTMIN, and so what reaches us: musl's SIGRTMIN is
 * one higher, and would turn a power off into a halt.
 */
enum { RT_BASE = 34 };

enum { TERM_WAIT_MS = 2000, STEP_MS = 5 };

static const char pending_file[] = "/run/welkin-shutdown.pid";

enum power
power_of_signal(int sig)
{
    if (sig == SIGPWR || sig == SIGUSR1 || sig == SIGUSR2 || sig == RT_BASE + 3 ||
        sig == RT_BASE + 4)
        return POWER_OFF;
    if (sig == SIGTERM || sig == SIGINT || sig == RT_BASE + 5)
        return POWER_REBOOT;
    return POWER_NONE;
}

enum power
power_of_initctl(const void *bytes, size_t n)
{
    struct {
        int magic, command, runlevel;
    } request;

    if (n < sizeof(request))
        return POWER_NONE;
    memcpy(&request, bytes, sizeof(request));
    if (request.magic != 0x03091969 || request.command != 1)
        return POWER_NONE;
    return request.runlevel == '0' ? POWER_OFF : request.runlevel == '6' ? POWER_REBOOT
                                                                         : POWER_NONE;
}

/* True when no child is left. */
static bool
reap(void)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ;
    return pid < 0 && errno == ECHILD;
}

_Noreturn void
power_down(enum power how)
{
    struct timespec step = {.tv_nsec = STEP_MS * 1000000};

    assert(how != POWER_NONE);
    console_only("The system is going down for %s NOW!",
                 how == POWER_REBOOT ? "reboot" : "power-off");
    kill(-1, SIGTERM);
    kill(-1, SIGCONT);
    for (int ms = 0; ms < TERM_WAIT_MS && !reap(); ms += STEP_MS)
        nanosleep(&step, NULL);
    kill(-1, SIGKILL);
    while (!reap())
        nanosleep(&step, NULL);
    sync();
    console_only(how == POWER_REBOOT ? "reboot: Restarting system" : "reboot: Power down");
    reboot(how == POWER_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
    console_only("welkin-init: reboot(2) is refused (%s): init ends instead", strerror(errno));
    _exit(how == POWER_REBOOT ? 129 : 130);
}

static int
cancel(void)
{
    struct arena a = {.max_bytes = 65536};
    struct str text = S("");
    uint64_t pid = 0;

    if (file_read(&a, pending_file, 64, &text) && str_u64(str_trim(text), 10, &pid) && pid > 1 &&
        kill((pid_t)pid, SIGKILL) == 0)
        console_only("The shutdown is cancelled.");
    else
        fprintf(stderr, "shutdown: there is none to cancel\n");
    unlink(pending_file);
    arena_done(&a);
    return pid ? 0 : 1;
}

static int
request(enum power how, bool force)
{
    assert(how != POWER_NONE);
    if (!force) {
        if (kill(1, how == POWER_REBOOT ? SIGINT : SIGUSR2) == 0)
            return 0;
        fprintf(stderr, "cannot ask init: %s\n", strerror(errno));
        return 1;
    }
    sync();
    reboot(how == POWER_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
    fprintf(stderr, "reboot(2): %s\n", strerror(errno));
    return 1;
}

static int
later(enum power how, unsigned minutes)
{
    struct arena a = {.max_bytes = 65536};

    assert(minutes > 0);
    fprintf(stderr, "Shutdown scheduled in %u minutes, use 'shutdown -c' to cancel.\n", minutes);
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0) {
        setsid();
        sleep(minutes * 60);
        unlink(pending_file);
        _exit(request(how, false));
    }
    int r = file_write(pending_file, arena_fmt(&a, "%d\n", (int)pid), 0644);
    if (r < 0)
        fprintf(stderr, "shutdown: it cannot be cancelled: %s\n", strerror(-r));
    arena_done(&a);
    return 0;
}

/* "now", "+m", "m"; anything else, clock times too, is refused. */
static bool
parse_when(const char *text, unsigned *ret_minutes)
{
    struct str s = str_c(text);
    uint64_t v = 0;

    if (str_eq(s, S("now")))
        s = S("0");
    if (str_starts(s, S("+")))
        s = str_cut(s, 1, s.n);
    if (!str_u64(s, 10, &v) || v > 60 * 24 * 365)
        return false;
    *ret_minutes = (unsigned)v;
    return true;
}

int
power_command(const char *name, char **argv)
{
    bool is_shutdown = strcmp(name, "shutdown") == 0, force = false, have_when = false;
    enum power how = strcmp(name, "reboot") == 0 ? POWER_REBOOT : POWER_OFF;
    unsigned minutes = is_shutdown ? 1 : 0;

    for (argv++; *argv; argv++) {
        const char *a = *argv;

        if (a[0] == '-' && a[1] != '-') {
            for (const char *c = a + 1; *c; c++) {
                if (*c == 'c' && is_shutdown)
                    return cancel();
                if (*c == 'r')
                    how = POWER_REBOOT;
                else if (strchr("hPHp", *c) && (is_shutdown || *c == 'p'))
                    how = POWER_OFF;
                else if (*c == 'f')
                    force = !is_shutdown;
                else if (!strchr("kntdw", *c))
                    return fprintf(stderr, "%s: -%c is not known\n", name, *c), 1;
            }
        } else if (is_shutdown && !have_when) {
            have_when = true;
            if (!parse_when(a, &minutes))
                return fprintf(stderr, "shutdown: the time is 'now' or '+m' minutes\n"), 1;
        } else if (is_shutdown) {
            console_only("%s", a); /* the wall message */
        }
    }
    return minutes ? later(how, minutes) : request(how, force);
}
