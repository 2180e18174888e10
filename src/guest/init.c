/*
 * welkin-init: PID 1 of images that bring no systemd and cloud-init of their own.
 *
 * PID 1 itself mounts what is missing, starts the boot worker, and then only reaps
 * children and waits to be told to end.  All parsing and all of the user's work is in the
 * worker, so no user data can kill PID 1, which would kill the instance.
 *
 * The same file answers to the names of the commands that talk to it.
 */
#include "cfn/cfn.h"
#include "connect.h"
#include "file.h"
#include "guest.h"
#include "power.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
is_mount(const char *path)
{
    struct stat here, root;

    return stat(path, &here) == 0 && stat("/", &root) == 0 && here.st_dev != root.st_dev;
}

static void
mount_missing(void)
{
    static const struct {
        const char *path, *type, *options;
        unsigned long flags;
    } mounts[] = {
        {"/proc", "proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
        {"/run", "tmpfs", "mode=0755,size=20%", MS_NOSUID | MS_NODEV},
        {"/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
        {"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
         MS_NOSUID | MS_NOEXEC},
    };

    for (size_t i = 0; i < COUNT_OF(mounts); i++) {
        if (is_mount(mounts[i].path))
            continue;
        /* In /dev a folder of its own is enough: /dev is a tmpfs already. */
        if (strncmp(mounts[i].path, "/dev/", 5) == 0 && file_exists(mounts[i].path) &&
            is_mount("/dev"))
            continue;
        make_dirs(mounts[i].path, 0755);
        if (mount(mounts[i].type, mounts[i].path, mounts[i].type, mounts[i].flags,
                  mounts[i].options) < 0)
            console_only("welkin-init: cannot mount %s: %s", mounts[i].path, strerror(errno));
    }
}

static void
reap_all(pid_t worker)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == worker && (WIFSIGNALED(status) || WEXITSTATUS(status) != 0))
            console_only("welkin-init: the boot worker ended early (status %x); "
                         "this boot is incomplete", (unsigned)status);
}

static _Noreturn void
serve(int signals, pid_t worker)
{
    struct pollfd fds[2] = {{.fd = signals, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    struct signalfd_siginfo si;
    char request[384];

    if (mkfifo("/run/initctl", 0600) == 0 || errno == EEXIST)
        fds[1].fd = open("/run/initctl", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    for (;;) {
        enum power how = POWER_NONE;

        if (poll(fds, COUNT_OF(fds), -1) < 0 && errno != EINTR)
            pause();
        while (how == POWER_NONE && read(signals, &si, sizeof(si)) == sizeof(si))
            how = power_of_signal((int)si.ssi_signo);
        if (fds[1].revents & POLLIN) {
            ssize_t n = read(fds[1].fd, request, sizeof(request));

            if (n > 0 && how == POWER_NONE)
                how = power_of_initctl(request, (size_t)n);
        }
        if (how != POWER_NONE)
            power_down(how);
        reap_all(worker);
    }
}

static _Noreturn void
init_main(void)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, NULL);
    umask(022);
    /* Whatever the launcher left open besides the console. */
    syscall(SYS_close_range, 3U, ~0U, 0U);
    if (chdir("/") < 0)
        console_only("welkin-init: no root: %s", strerror(errno));
    mount_missing();
    pid_t worker = fork();
    if (worker == 0) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        boot_worker();
    }
    if (worker < 0)
        console_only("welkin-init: cannot start the boot: %s", strerror(errno));
    int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    serve(signals, worker);
}

static int
hand_over(const char *path, const char *name, char **argv)
{
    assert(path[0] == '/' && name[0]);
    argv[0] = (char *)(uintptr_t)name;
    execv(path, argv);
    console_only("welkin-init: %s: %s", path, strerror(errno));
    return 127;
}

int
main(int argc, char **argv)
{
    static const char *const power_names[] = {"shutdown", "poweroff", "halt", "reboot"};
    const char *name = argc > 0 ? argv[0] : "init";
    const char *slash = strrchr(name, '/');

    name = slash ? slash + 1 : name;
    for (size_t i = 0; i < COUNT_OF(power_names); i++)
        if (strcmp(name, power_names[i]) == 0)
            return power_command(name, argv);
    if (strcmp(name, "cloud-init") == 0)
        return cloud_init_command(argv);
    if (strcmp(name, "bash") == 0) /* in an image that has only busybox's shell */
        return hand_over("/bin/busybox", "sh", argv);
    if (strcmp(name, "eic_run_authorized_keys") == 0)
        return connect_command(argv);
    int helper = cfn_command(name, argc, argv);
    if (helper >= 0)
        return helper;
    if (getpid() == 1)
        init_main();
    if (argc > 1 && strcmp(argv[1], "0") == 0) /* telinit 0, telinit 6 */
        return power_command("poweroff", argv + argc - 1);
    if (argc > 1 && strcmp(argv[1], "6") == 0)
        return power_command("reboot", argv + argc - 1);
    console_only("welkin-init %s: the init of an instance. It runs as PID 1, or under the names "
                 "shutdown, poweroff, halt, reboot, cloud-init, bash and cfn-*.",
                 WELKIN_INIT_VERSION);
    return 1;
}
