/*
 * A small launcher for testing welkin-init alone: namespaces, overlay root, pty console,
 * and a metadata service, without the daemon.
 *
 *   sandbox -r ROOTDIR -i INITBIN [-d METADATA_DIR] [-w WORKDIR] [-m MARKER] [-s SIGNAL]
 *           [-n RUNS] [-t SECONDS] [-q] [-u]
 *
 * METADATA_DIR/user-data, /meta-data/instance-id ... are what the service answers; a file
 * that is not there is a 404.  When MARKER is seen on the console, the time since the
 * exec is taken and SIGNAL is sent to init.  WORKDIR keeps the overlay's upper layer, so
 * that a second call is a reboot.  -u boots in a user namespace (ids unchanged), where init
 * has no power over the host.  The last line says how init ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *root, *init, *metadata, *work, *marker;
    int signal, runs, timeout_s;
    bool quiet, userns;
} opt = {.marker = "USER-DATA", .runs = 1, .timeout_s = 20};

static double *exec_ms; /* shared with the child that execs */

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "sandbox: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double
clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
add_address(const char *label, const char *ip)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = {0};
    struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;

    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", label);
    a->sin_family = AF_INET;
    inet_pton(AF_INET, ip, &a->sin_addr);
    if (ip[0] && ioctl(fd, SIOCSIFADDR, &r) < 0)
        die(ip);
    r.ifr_flags = IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
        die("link up");
    close(fd);
}

static size_t
answer(const char *request, char *out, size_t cap)
{
    char path[4096], file[8192];
    size_t n = 0;

    if (strncmp(request, "PUT /latest/api/token", 21) == 0)
        return (size_t)snprintf(out, cap, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nTOKENTOK");
    if (sscanf(request, "GET /latest/%4000[^ ] ", path) != 1 || strstr(path, ".."))
        return (size_t)snprintf(out, cap, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
    if (!strstr(request, "X-aws-ec2-metadata-token: TOKENTOK"))
        return (size_t)snprintf(out, cap, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    snprintf(file, sizeof(file), "%s/%s", opt.metadata, path);
    FILE *f = fopen(file, "r");
    if (!f)
        return (size_t)snprintf(out, cap, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    static char body[1 << 20];
    n = fread(body, 1, sizeof(body), f);
    fclose(f);
    size_t head = (size_t)snprintf(out, cap, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    memcpy(out + head, body, n);
    return head + n;
}

static _Noreturn void
metadata_service(int listener)
{
    static char out[(1 << 20) + 4096];
    char in[8192];

    for (;;) {
        int c = accept(listener, NULL, NULL), one = 1;
        ssize_t n;

        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

        while ((n = recv(c, in, sizeof(in) - 1, 0)) > 0) {
            in[n] = '\0';
            for (const char *at = in, *end; (end = strstr(at, "\r\n\r\n")); at = end + 4) {
                size_t len = answer(at, out, sizeof(out));

                if (write(c, out, len) != (ssize_t)len)
                    break;
            }
        }
        close(c);
    }
}

static pid_t
start_metadata(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, "169.254.169.254", &a.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 64) < 0)
        die("metadata service");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        metadata_service(fd);
    }
    close(fd);
    return pid;
}

/* A user namespace may not make device nodes, so they are the host's, bound. */
static void
device(const char *name)
{
    char from[64], to[64];

    snprintf(from, sizeof(from), "/dev/%s", name);
    snprintf(to, sizeof(to), "dev/%s", name);
    close(open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    if (mount(from, to, NULL, MS_BIND, NULL) < 0)
        die(from);
}

static void
enter_root(const char *upper, const char *work, const char *merged, const char *tty)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    char options[12288];

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        die("private");
    snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s%s", opt.root, upper,
             work, opt.userns ? ",userxattr" : "");
    if (mount("overlay", merged, "overlay", 0, options) < 0 || chdir(merged) < 0)
        die("overlay");
    /* sysfs needs a network namespace of its own user namespace, which this does not have. */
    if (mount("proc", "proc", "proc", 0, NULL) < 0 ||
        (!opt.userns && mount("sys", "sys", "sysfs", 0, NULL) < 0) ||
        mount("dev", "dev", "tmpfs", 0, "mode=0755") < 0)
        die("mounts");
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        device(devices[i]);
    mkdir("dev/pts", 0755);
    mkdir("dev/shm", 01777);
    mount("pts", "dev/pts", "devpts", 0, "newinstance,ptmxmode=0666");
    if (symlink("pts/ptmx", "dev/ptmx") < 0)
        die("ptmx");
    close(open("dev/console", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    mount(tty, "dev/console", NULL, MS_BIND, NULL);
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        die("pivot_root");
}

/* The child waits at `gate` until the parent has written its id maps. */
static void
write_maps(pid_t pid, int gate)
{
    static const char *const files[] = {"setgroups", "uid_map", "gid_map"};
    static const char *const texts[] = {"allow", "0 0 65536", "0 0 65536"};
    char path[64];

    for (size_t i = 0; opt.userns && i < 3; i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (write(fd, texts[i], strlen(texts[i])) < 0)
            die(path);
        close(fd);
    }
    close(gate);
}

static _Noreturn void
child(int slave, const char *tty, int init_fd, int run)
{
    char upper[4096], work[4096], merged[4096];
    char *argv[] = {"init", NULL}, *envp[] = {"container=welkin", NULL};

    snprintf(upper, sizeof(upper), "%s/%d-upper", opt.work, run);
    snprintf(work, sizeof(work), "%s/%d-work", opt.work, run);
    snprintf(merged, sizeof(merged), "%s/%d-merged", opt.work, run);
    mkdir(upper, 0755);
    mkdir(work, 0755);
    mkdir(merged, 0755);
    chmod(upper, 0755);
    setsid();
    enter_root(upper, work, merged, tty);
    for (int fd = 0; fd < 3; fd++)
        dup2(slave, fd);
    *exec_ms = clock_ms();
    syscall(SYS_execveat, init_fd, "", argv, envp, AT_EMPTY_PATH);
    die("execveat");
}

/* Copies the console until init has ended; the time of the marker, or -1. */
static double
watch(int master, pid_t pid, int pidfd)
{
    static char seen[1 << 20];
    double hit_ms = -1, end_ms = clock_ms() + opt.timeout_s * 1e3;
    struct pollfd fds[] = {{.fd = master, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    size_t n_seen = 0;

    while (clock_ms() < end_ms) {
        poll(fds, 2, 100);
        if (fds[0].revents & POLLIN) {
            ssize_t n = read(master, seen + n_seen, sizeof(seen) - 1 - n_seen);
            double now = clock_ms();

            if (n > 0 && !opt.quiet)
                fwrite(seen + n_seen, 1, (size_t)n, stdout);
            n_seen += n > 0 ? (size_t)n : 0;
            seen[n_seen] = '\0';
            if (hit_ms < 0 && strstr(seen, opt.marker)) {
                hit_ms = now - *exec_ms;
                if (opt.signal)
                    kill(pid, opt.signal);
            }
            if (n_seen > sizeof(seen) / 2)
                n_seen = 0;
            continue;
        }
        if (fds[1].revents)
            return hit_ms;
    }
    printf("sandbox: time is up, init is killed\n");
    kill(pid, SIGKILL);
    return hit_ms;
}

static double
one_run(int init_fd, int run)
{
    int master, slave, status, gate[2];
    char tty[64], go;

    if (openpty(&master, &slave, tty, NULL, NULL) < 0)
        die("openpty");
    if (pipe2(gate, O_CLOEXEC) < 0)
        die("pipe");
    fcntl(master, F_SETFD, FD_CLOEXEC);
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } args = {0};
    int pidfd = -1;
    args.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_PIDFD;
    if (opt.userns)
        args.flags |= CLONE_NEWUSER;
    args.pidfd = (uint64_t)(uintptr_t)&pidfd;
    args.exit_signal = SIGCHLD;
    fflush(stdout);
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0)
        die("clone3");
    if (pid == 0) {
        close(gate[1]);
        if (read(gate[0], &go, 1) < 0 || setgid(0) < 0 || setuid(0) < 0)
            die("gate");
        child(slave, tty, init_fd, run);
    }
    close(gate[0]);
    write_maps(pid, gate[1]);
    close(slave);
    double ms = watch(master, pid, pidfd);
    waitpid(pid, &status, 0);
    close(master);
    close(pidfd);
    if (!opt.quiet)
        printf("\nsandbox: marker %s after %.3f ms, init ended %s %d\n", opt.marker, ms,
               WIFSIGNALED(status) ? "by signal" : "with status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return ms;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    char scratch[] = "/tmp/welkin-sandbox-XXXXXX";
    int c;

    while ((c = getopt(argc, argv, "r:i:d:w:m:s:n:t:qu")) >= 0) {
        switch (c) {
        case 'r': opt.root = optarg; break;
        case 'i': opt.init = optarg; break;
        case 'd': opt.metadata = optarg; break;
        case 'w': opt.work = optarg; break;
        case 'm': opt.marker = optarg; break;
        case 's': opt.signal = (int)strtol(optarg, NULL, 10); break;
        case 'n': opt.runs = (int)strtol(optarg, NULL, 10); break;
        case 't': opt.timeout_s = (int)strtol(optarg, NULL, 10); break;
        case 'q': opt.quiet = true; break;
        case 'u': opt.userns = true; break;
        default: return 2;
        }
    }
    int init_fd = opt.init ? open(opt.init, O_RDONLY | O_CLOEXEC) : -1;
    if (!opt.root || init_fd < 0)
        die("-r ROOTDIR and -i INITBIN are needed");
    if (!opt.work)
        opt.work = mkdtemp(scratch);
    exec_ms = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (unshare(CLONE_NEWNET) < 0)
        die("unshare");
    add_address("lo", "127.0.0.1");
    add_address("lo:1", "169.254.169.254");
    add_address("lo:2", "169.254.169.253");
    pid_t service = opt.metadata ? start_metadata() : 0;
    double *times = calloc((size_t)opt.runs, sizeof(*times));
    for (int i = 0; i < opt.runs; i++)
        times[i] = one_run(init_fd, i);
    qsort(times, (size_t)opt.runs, sizeof(*times), by_value);
    if (opt.runs > 1)
        printf("exec to marker, ms: min %.3f median %.3f p95 %.3f of %d\n", times[0],
               times[opt.runs / 2], times[opt.runs * 95 / 100], opt.runs);
    free(times);
    if (service > 0)
        kill(service, SIGKILL);
    return 0;
}
