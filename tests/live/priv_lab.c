/*
 * See priv_lab.h.  The lab's host is a network namespace with one interface to an outside
 * namespace, where 203.0.113.1 stands for the world.
 */
#include "live/priv_lab.h"

#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000

static void
on_event(void *arg, struct priv_message *m)
{
    struct lab *l = arg;

    if (m->op == PRIV_EV_EXITED) {
        memcpy(&l->exited, m->body.p, sizeof(l->exited));
        l->n_exited++;
    } else if (m->op == PRIV_EV_EXEC_EXITED) {
        memcpy(&l->exec_exited, m->body.p, sizeof(l->exec_exited));
        l->n_exec_exited++;
    } else if (m->op == PRIV_EV_CONSOLE) {
        const struct priv_ev_console *e = PRIV_BODY(struct priv_ev_console, m->body);

        l->console = str_cat(l->arena, l->console, str_of(e + 1, e->n));
    }
}

int
lab_try(struct lab *l, enum priv_op op, const void *req, size_t n, const void *tail, size_t tail_n,
        struct str *ret_text)
{
    struct priv_answer a = {0};
    int r = priv_call_wait(l->conn, l->arena, op, req, n, tail, tail_n, NULL, 0, WAIT_MS, &a);

    *ret_text = a.body;
    if (op == PRIV_VPC_OPEN) {
        for (size_t i = 0; i < l->n_vpc_fds; i++)
            close(l->vpc_fds[i]);
        memcpy(l->vpc_fds, a.fds, sizeof(a.fds));
        l->n_vpc_fds = a.n_fds;
    }
    return r;
}

struct str
lab_call(struct lab *l, enum priv_op op, const void *req, size_t n, const void *tail, size_t tail_n)
{
    struct str body;
    int r = lab_try(l, op, req, n, tail, tail_n, &body);

    if (r < 0)
        FAIL("operation %d: %s: %.*s", op, strerror(-r), STR_ARG(body));
    return body;
}

/*
 * A failed test must leave nothing behind: this process holds a connection of its own and, when
 * the test is gone, has the privileged process kill and remove everything.
 */
static void
watch_over(struct lab *l)
{
    struct priv_shutdown q = {.kill_all = 1};
    struct priv_hello hello = {0};
    struct priv_conn *c = NULL;
    int life[2];
    char byte;

    if (l->watchdog > 0) {
        kill(l->watchdog, SIGKILL);
        waitpid(l->watchdog, NULL, 0);
        close(l->life);
    }
    CHECK_INT(pipe2(life, O_CLOEXEC), 0);
    l->watchdog = fork();
    CHECK(l->watchdog >= 0);
    l->life = life[1];
    if (l->watchdog > 0) {
        close(life[0]);
        return;
    }
    setsid();
    close_range(3, (unsigned)life[0] - 1, 0);
    close_range((unsigned)life[0] + 1, ~0u, 0);
    if (priv_connect(&c, l->config.data_dir) < 0 ||
        priv_call_wait(c, l->arena, PRIV_HELLO, &hello, sizeof(hello), NULL, 0, NULL, 0, WAIT_MS,
                       NULL) < 0)
        _exit(1);
    (void)!read(life[0], &byte, 1);
    priv_call_wait(c, l->arena, PRIV_SHUTDOWN, &q, sizeof(q), NULL, 0, NULL, 0, WAIT_MS, NULL);
    _exit(0);
}

void
lab_connect(struct lab *l)
{
    struct priv_hello q = {.want_events = 1};

    priv_conn_free(l->conn);
    CHECK_INT(priv_connect(&l->conn, l->config.data_dir), 0);
    priv_on_event(l->conn, on_event, l);
    struct str body = lab_call(l, PRIV_HELLO, &q, sizeof(q), NULL, 0);
    CHECK(body.n >= sizeof(l->hello));
    memcpy(&l->hello, body.p, sizeof(l->hello));
    l->hello_text = str_cut(body, sizeof(l->hello), body.n);
    watch_over(l);
}

static void
make_image(struct lab *l)
{
    const char *d = l->config.data_dir;
    int status;

    lab_run(l, str_cstr(l->arena, str_fmt(l->arena,
            "set -e; mkdir -p %s/images/busybox; cd %s/images/busybox; mkdir bin etc root tmp proc"
            " sys dev; cp /usr/bin/busybox bin/; for a in sh sleep echo cat nc wget ip ping id ls"
            " kill reboot poweroff hostname grep mount touch stat chown chmod od dd head tr seq"
            " ifconfig udhcpc readlink find true uname stty tty umask wc sort sed test dmesg"
            " unshare cut mkdir rm env nslookup tail; do ln -s busybox bin/$a; done;"
            " echo root:x:0:0:root:/root:/bin/sh >etc/passwd; chmod 1777 tmp", d, d)), &status);
    CHECK_INT(status, 0);
}

/* A process whose network namespace is the world; it ends with the test. */
static void
make_outside(struct lab *l)
{
    int status, ready[2];
    char c;

    CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
    l->outside = fork();
    CHECK(l->outside >= 0);
    if (l->outside == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    CHECK_INT(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    lab_run(l, str_fmt(l->arena,
                       "ip link set lo up; ip link add out0 type veth peer name w0; "
                       "ip addr add 203.0.113.2/24 dev out0; ip link set out0 up; p=%d; "
                       "ip link set w0 netns $p; nsenter -t $p -n ip link set lo up; "
                       "nsenter -t $p -n ip addr add 203.0.113.1/24 dev w0; "
                       "nsenter -t $p -n ip link set w0 up", l->outside).p, &status);
    CHECK_INT(status, 0);
}

struct lab *
lab_new(void)
{
    struct arena *a = test_arena();
    struct lab *l = ARENA_NEW(a, struct lab);

    if (geteuid() != 0)
        SKIP("sandboxes need root");
    if (access("/usr/bin/busybox", X_OK) < 0)
        SKIP("the test image needs the package busybox-static");
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
        SKIP("no network namespace can be made here: %s", strerror(errno));
    CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    l->arena = a;
    char *data = realpath(test_dir(), NULL);
    l->config = (struct priv_config){.data_dir = str_cstr(a, str_from(data)), .log_fd = -1};
    free(data);
    int log = open(str_cstr(a, str_fmt(a, "%s/log", l->config.data_dir)),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    l->config.log_fd = getenv("LAB_LOG") ? 2 : log;
    l->config.guest_init = realpath("build/welkin-init", NULL); /* or NULL */
    make_outside(l);
    CHECK_INT(priv_spawn(&l->config), 0);
    l->log = log;
    lab_connect(l);
    if (!l->hello.can_launch) {
        struct str why = str_cut(l->hello_text, 0, str_find_char(l->hello_text, '\n'));

        priv_clean(&l->config);
        SKIP("%.*s", STR_ARG(why));
    }
    make_image(l);
    return l;
}

void
lab_free(struct lab *l)
{
    l->conn = priv_conn_free(l->conn);
    for (size_t i = 0; i < l->n_vpc_fds; i++)
        close(l->vpc_fds[i]);
    kill(l->watchdog, SIGKILL);
    waitpid(l->watchdog, NULL, 0);
    close(l->life);
    CHECK_INT(priv_clean(&l->config), 0);
    close(l->log);
    kill(l->outside, SIGKILL);
    waitpid(l->outside, NULL, 0);
}

void
lab_vpc(struct lab *l, uint32_t number, uint32_t cidr)
{
    struct priv_vpc_open q = {.number = number, .n_cidrs = 1, .cidrs = {{cidr, 16}}};

    snprintf(q.id, sizeof(q.id), "vpc-%u", number);
    lab_call(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0);
    lab_subnet_open(l, number, 1);
}

void
lab_subnet(struct lab *l, const struct priv_subnet *q, const struct priv_route *routes,
           const struct priv_acl_entry *entries)
{
    size_t n_routes = q->n_routes * sizeof(*routes), n_entries = q->n_entries * sizeof(*entries);
    char *tail = arena_alloc(l->arena, n_routes + n_entries + 1);

    if (n_routes)
        memcpy(tail, routes, n_routes);
    if (n_entries)
        memcpy(tail + n_routes, entries, n_entries);
    lab_call(l, PRIV_SUBNET, q, sizeof(*q), tail, n_routes + n_entries);
}

void
lab_subnet_open(struct lab *l, uint32_t vpc, uint32_t subnet)
{
    static const struct priv_route out = {.to = PRIV_ROUTE_GATEWAY};
    static const struct priv_acl_entry all[] = {
        {.allow = 1, .protocol = PRIV_PROTO_ALL},
        {.egress = 1, .allow = 1, .protocol = PRIV_PROTO_ALL}};
    const struct priv_subnet q = {.vpc = vpc, .subnet = subnet, .n_routes = 1, .n_entries = 2};

    lab_subnet(l, &q, &out, all);
}

void
lab_group(struct lab *l, uint32_t vpc, uint32_t group, const struct priv_rule *rules, uint32_t n)
{
    struct priv_group q = {.vpc = vpc, .group = group, .n_rules = n};

    lab_call(l, PRIV_GROUP, &q, sizeof(q), rules, n * sizeof(*rules));
}

void
lab_class(struct lab *l, uint32_t vpc, uint32_t class, uint32_t group)
{
    struct priv_class q = {.vpc = vpc, .class = class, .n_groups = 1, .groups = {group}};

    lab_call(l, PRIV_CLASS, &q, sizeof(q), NULL, 0);
}

void
lab_open_class(struct lab *l, uint32_t vpc)
{
    static const struct priv_rule all[] = {{.protocol = PRIV_PROTO_ALL},
                                           {.egress = 1, .protocol = PRIV_PROTO_ALL}};

    lab_group(l, vpc, 1, all, 2);
    lab_class(l, vpc, 1, 1);
}

const char *
lab_id(uint32_t n)
{
    return str_fmt(test_arena(), "i-%08x", n).p;
}

struct priv_launch
lab_plan(uint32_t n)
{
    struct priv_launch p = {.image = "busybox", .vpc = 0, .slot = n, .private_ip = LAB_IP(n),
                            .prefix = 20, .gateway = LAB_CIDR + 1, .class = 1, .subnet = 1,
                            .init = PRIV_INIT_COMMAND, .argc = 3};

    snprintf(p.id, sizeof(p.id), "i-%08x", n);
    snprintf(p.hostname, sizeof(p.hostname), "ip-172-31-0-%u", n & 255);
    p.mac[0] = 0x02;
    memcpy(p.mac + 2, &(uint32_t){__builtin_bswap32(p.private_ip)}, 4);
    return p;
}

int
lab_launch_try(struct lab *l, const struct priv_launch *p, const char *script,
               struct str *ret_text)
{
    struct str argv = str_fmt(l->arena, "/bin/sh%c-c%c%s%c", 0, 0, script, 0);

    return lab_try(l, PRIV_LAUNCH, p, sizeof(*p), argv.p, p->argc ? argv.n : 0, ret_text);
}

struct priv_launch_reply
lab_launch(struct lab *l, const struct priv_launch *p, const char *script)
{
    struct str body;
    int r = lab_launch_try(l, p, script, &body);

    if (r < 0)
        FAIL("launch of %s: %s: %.*s", p->id, strerror(-r), STR_ARG(body));
    CHECK(body.n == sizeof(struct priv_launch_reply));
    return *PRIV_BODY(struct priv_launch_reply, body);
}

void
lab_signal(struct lab *l, uint32_t n, uint32_t how)
{
    struct priv_signal q = {.how = how};

    snprintf(q.id, sizeof(q.id), "%s", lab_id(n));
    lab_call(l, PRIV_SIGNAL, &q, sizeof(q), NULL, 0);
}

/* What a machine that was to end is doing instead. */
static struct str
doing(struct lab *l, uint32_t n)
{
    struct priv_list q = {0};
    struct str body = lab_call(l, PRIV_LIST, &q, sizeof(q), NULL, 0);
    struct str text = S("it is not known");
    const struct priv_list_entry *e = (const void *)(body.p + sizeof(struct priv_list_reply));
    int status;

    for (uint32_t i = 0; i < PRIV_BODY(struct priv_list_reply, body)->n; i++)
        if (strcmp(e[i].id, lab_id(n)) == 0)
            text = lab_run(l, str_fmt(l->arena,
                           "echo state %u; for c in %u $(cat /proc/%u/task/*/children); do "
                           "tr '\\0' ' ' </proc/$c/cmdline; cat /proc/$c/wchan; echo; "
                           "grep -E 'State|Sig|ShdPnd' /proc/$c/status; done", e[i].state,
                           e[i].pid, e[i].pid).p, &status);
    return str_cat(l->arena, text, str_cat(l->arena, S("\n"), lab_console(l, n, "")));
}

void
lab_wait_exit(struct lab *l, uint32_t n)
{
    int r = 0;

    for (int i = 0; i < 2000 && r != -ECONNRESET; i++) {
        if (l->n_exited && strcmp(l->exited.id, lab_id(n)) == 0)
            return;
        r = priv_wait(l->conn, 10);
    }
    FAIL("machine %u does not end (%s): %.*s", n, strerror(-r), STR_ARG(doing(l, n)));
}

void
lab_kill(struct lab *l, uint32_t n)
{
    lab_signal(l, n, PRIV_KILL);
    lab_wait_exit(l, n);
}

struct str
lab_console(struct lab *l, uint32_t n, const char *until)
{
    struct priv_console_read q = {.from = 0};

    snprintf(q.id, sizeof(q.id), "%s", lab_id(n));
    for (int i = 0; i < 1500; i++) {
        struct str body = lab_call(l, PRIV_CONSOLE_READ, &q, sizeof(q), NULL, 0);
        struct str text = str_cut(body, sizeof(struct priv_console_reply), body.n);

        if (str_find(text, str_from(until)) != SIZE_MAX)
            return text;
        priv_wait(l->conn, 10);
    }
    FAIL("\"%s\" does not appear on the console of %u", until, n);
}

/* Until the other end is closed, or (pid > 0) that process has ended. */
static struct str
read_all(struct lab *l, int fd, pid_t pid, int *ret_status)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct str text = S("");
    char piece[4096];
    bool ended = false;

    for (;;) {
        if (pid > 0 && !ended)
            ended = waitpid(pid, ret_status, WNOHANG) == pid;
        int ready = poll(&p, 1, ended ? 0 : 20);
        ssize_t n = ready > 0 ? read(fd, piece, sizeof(piece)) : -1;

        if (n > 0)
            text = str_cat(l->arena, text, str_of(piece, (size_t)n));
        else if (n == 0 || ended)
            break;
    }
    close(fd);
    if (pid > 0 && !ended)
        waitpid(pid, ret_status, 0);
    return str_trim(text);
}

struct str
lab_exec(struct lab *l, uint32_t n, const char *command, int *ret_status)
{
    struct priv_exec q = {.argc = 3, .envc = 1};
    struct str tail = str_fmt(l->arena, "/bin/sh%c-c%c%s%cPATH=/bin%c", 0, 0, command, 0, 0);
    int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
    unsigned before = l->n_exec_exited;

    snprintf(q.id, sizeof(q.id), "%s", lab_id(n));
    CHECK_INT(pipe2(out, O_CLOEXEC), 0);
    int r = priv_call_wait(l->conn, l->arena, PRIV_EXEC, &q, sizeof(q), tail.p, tail.n,
                           (int[]){null, out[1], out[1]}, 3, WAIT_MS, NULL);
    close(null);
    close(out[1]);
    CHECK_INT(r, 0);
    struct str text = read_all(l, out[0], 0, NULL);
    for (int i = 0; l->n_exec_exited == before && i < 1000; i++)
        priv_wait(l->conn, 20);
    CHECK(l->n_exec_exited > before);
    *ret_status = l->exec_exited.status;
    return text;
}

struct str
lab_run(struct lab *l, const char *command, int *ret_status)
{
    int out[2];

    CHECK_INT(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(out[1], 1);
        if (!getenv("LAB_LOG"))
            dup2(out[1], 2);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    /* Something in the background may hold the other end. */
    return read_all(l, out[0], pid, ret_status);
}
