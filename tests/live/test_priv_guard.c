/*
 * The privileged process with Welkin's own init and image, with askers it must refuse, and with
 * what a machine sees of the host's processors.
 */
#include "live/priv_lab.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct lab *
lab_ready(void)
{
    struct lab *l = lab_new();

    lab_vpc(l, 0, LAB_CIDR);
    lab_open_class(l, 0);
    return l;
}

static void
run_ok(struct lab *l, const char *command)
{
    int status;
    struct str said = lab_run(l, command, &status);

    if (status != 0)
        FAIL("%s: %.*s", command, STR_ARG(said));
}

/* Waits until a command in the machine succeeds. */
static void
wait_for(struct lab *l, uint32_t n, const char *command)
{
    int status = 1;

    for (int i = 0; i < 500 && status != 0; i++) {
        lab_exec(l, n, command, &status);
        usleep(10000);
    }
    if (status != 0)
        FAIL("\"%s\" does not succeed in machine %u", command, n);
}

TEST(welkin_init_boots_and_ends_in_every_way)
{
    static const struct {
        const char *command; /* in the guest; or, NULL, */
        enum priv_how how;   /* from outside */
        enum priv_exit kind;
    } ends[] = {
        {"/sbin/poweroff", 0, PRIV_EXIT_POWEROFF},
        {"/sbin/reboot", 0, PRIV_EXIT_REBOOT},
        {"/sbin/shutdown -h now", 0, PRIV_EXIT_POWEROFF},
        {NULL, PRIV_POWER_BUTTON, PRIV_EXIT_POWEROFF},
        {NULL, PRIV_REBOOT, PRIV_EXIT_REBOOT},
    };
    struct lab *l = lab_ready();
    int status;

    if (!l->config.guest_init) {
        lab_free(l);
        SKIP("build/welkin-init is not built");
    }
    run_ok(l, str_fmt(l->arena, "sh images/tiny.sh %s/images/tiny build/welkin-init "
                      "/usr/bin/busybox", l->config.data_dir).p);
    for (uint32_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct priv_launch p = lab_plan(1);

        snprintf(p.image, sizeof(p.image), "tiny");
        p.init = PRIV_INIT_WELKIN;
        p.argc = 0;
        lab_launch(l, &p, "");
        wait_for(l, 1, "test -d /run/. && hostname | grep -q ip-172");
        CHECK(str_starts(lab_exec(l, 1, "cat /proc/1/cmdline", &status), S("init")));
        l->n_exited = 0;
        if (ends[i].command)
            lab_exec(l, 1, ends[i].command, &status);
        else
            lab_signal(l, 1, ends[i].how);
        lab_wait_exit(l, 1);
        if (l->exited.exit != ends[i].kind)
            FAIL("after %s it is %u, not %u", ends[i].command ? ends[i].command : "a signal",
                 l->exited.exit, ends[i].kind);
    }
    lab_free(l);
}

TEST(another_user_is_not_answered)
{
    struct lab *l = lab_ready();
    struct priv_hello q = {0};
    struct priv_conn *c = NULL;
    int status;

    run_ok(l, str_fmt(l->arena, "chmod 711 %s; chmod 666 %s/host.sock", l->config.data_dir,
                      l->config.data_dir).p);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (setresuid(1234, 1234, 1234) < 0 || priv_connect(&c, l->config.data_dir) < 0)
            _exit(2);
        int r = priv_call_wait(c, l->arena, PRIV_HELLO, &q, sizeof(q), NULL, 0, NULL, 0, 5000,
                               NULL);
        _exit(r == -ECONNRESET || r == -EPIPE ? 0 : 1);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    lab_connect(l); /* root is */
    lab_free(l);
}

/* A socket at host.sock that is not root's, as a daemon that was taken over might put there. */
TEST(root_does_not_talk_to_a_socket_of_another_user)
{
    struct lab *l = lab_ready();
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct priv_conn *c = NULL;
    const char *dir = test_fmt("%s/fake", l->config.data_dir);
    int ready[2], status;
    char byte;

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/host.sock", dir);
    CHECK_INT(mkdir(dir, 0777), 0);
    run_ok(l, test_fmt("chmod 777 %s; chmod 711 %s", dir, l->config.data_dir));
    CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

        if (setresuid(1234, 1234, 1234) < 0 || bind(fd, (void *)&a, sizeof(a)) < 0 ||
            listen(fd, 4) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    CHECK_INT(read(ready[0], &byte, 1), 1);
    CHECK_INT(priv_connect(&c, dir), -EPERM);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(ready[0]);
    close(ready[1]);
    lab_free(l);
}

TEST(another_version_is_refused_with_a_sentence)
{
    struct lab *l = lab_ready();
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct {
        struct priv_header head;
        struct priv_hello hello;
    } q = {.head = {.version = PRIV_VERSION + 1, .op = PRIV_HELLO, .seq = 7,
                    .n = sizeof(struct priv_hello)}};
    char reply[500] = "";
    struct priv_header head;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/host.sock", l->config.data_dir);
    CHECK_INT(connect(fd, (void *)&a, sizeof(a)), 0);
    CHECK_INT(send(fd, &q, sizeof(q), 0), sizeof(q));
    ssize_t n = recv(fd, reply, sizeof(reply), 0);
    CHECK(n > (ssize_t)sizeof(head));
    memcpy(&head, reply, sizeof(head));
    CHECK_INT(head.status, -EPROTO);
    CHECK_INT(head.seq, 7);
    CHECK_STR(str_of(reply + sizeof(head), head.n),
              test_fmt("the privileged process speaks version %d, not %d", PRIV_VERSION,
                       PRIV_VERSION + 1));
    close(fd);
    lab_free(l);
}

TEST(the_listeners_of_an_open_vpc_cannot_change_but_become_more)
{
    struct lab *l = lab_ready();
    struct priv_vpc_open q = {.number = 0, .id = "vpc-0", .n_cidrs = 1,
                              .cidrs = {{LAB_CIDR, 16}}};
    struct str says;

    CHECK_INT(lab_try(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0, &says), 0);
    q.n_extra = 1;
    q.extra[0].ip = 0xa9fe0505;
    q.extra[0].port = 80;
    CHECK_INT(lab_try(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0, &says), 0);
    q.n_extra = 3; /* one more at the same address, and one at another */
    q.extra[1].ip = 0xa9fe0505;
    q.extra[1].port = 443;
    q.extra[2].ip = 0xa9fe0506;
    q.extra[2].port = 443;
    CHECK_INT(lab_try(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0, &says), 0);
    /* Who knows of fewer gets all, and disturbs none. */
    q.n_extra = 0;
    CHECK_INT(lab_try(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0, &says), 0);
    q.n_extra = 1;
    q.extra[0].port = 81;
    CHECK_INT(lab_try(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0, &says), -EINVAL);
    CHECK_STR(says, "the listeners of an open VPC cannot change: close it first");
    lab_free(l);
}

TEST(a_machine_has_as_many_processors_as_its_limit)
{
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);
    cpu_set_t set;
    int status;

    CHECK_INT(sched_getaffinity(0, sizeof(set), &set), 0);
    if (CPU_COUNT(&set) < 2) {
        lab_free(l);
        SKIP("one processor only");
    }
    p.limits.cpu_milli = 700;
    lab_launch(l, &p, "exec sleep 1000");
    CHECK_STR(lab_exec(l, 1, "grep -c ^processor /proc/cpuinfo; grep -c , /proc/cpuinfo >/dev/null;"
                       " cat /proc/1/status | grep Cpus_allowed_list | grep -c '[-,]'; true",
                       &status), "1\n0");
    CHECK_STR(lab_exec(l, 1, "grep Cpus_allowed_list /proc/self/status | grep -c '[-,]'; true",
                       &status), "0"); /* what is run inside has no more */
    lab_exec(l, 1, "echo x >/proc/cpuinfo", &status);
    CHECK(status != 0);
    lab_free(l);
}

/*
 * How a process ended is told to its parent; an adopted machine's is the host's process 1.  Linux
 * 6.15 tells others a part of it, when process 1 has reaped: how depends on the host.
 */
TEST(an_adopted_machine_that_ends_is_never_taken_for_one_that_crashed)
{
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);

    lab_launch(l, &p, "read x; poweroff -f -n"); /* process 1 itself, or its child, powers off */
    p = lab_plan(2);
    lab_launch(l, &p, "read x; poweroff -f -n; exec sleep 1000");
    p = lab_plan(3);
    lab_launch(l, &p, "exec sleep 1000");
    kill((pid_t)l->hello.pid, SIGKILL);
    while (kill((pid_t)l->hello.pid, 0) == 0)
        usleep(1000);
    CHECK_INT(priv_spawn(&l->config), 0);
    lab_connect(l);
    for (uint32_t i = 1; i <= 2; i++) {
        struct priv_console_write w = {.n = 1};

        snprintf(w.id, sizeof(w.id), "%s", lab_id(i));
        l->n_exited = 0;
        lab_call(l, PRIV_CONSOLE_WRITE, &w, sizeof(w), "\n", 1);
        lab_wait_exit(l, i);
        CHECK_INT(l->exited.exit, PRIV_EXIT_UNKNOWN);
    }
    l->n_exited = 0;
    lab_kill(l, 3);
    CHECK(l->exited.exit == PRIV_EXIT_KILLED || l->exited.exit == PRIV_EXIT_UNKNOWN);
    lab_free(l);
}

TEST(forwarding_is_put_back_and_a_firewall_that_drops_is_named)
{
    struct lab *l = lab_new(); /* in a network namespace of its own */
    int status;

    lab_run(l, "echo 0 >/proc/sys/net/ipv4/ip_forward", &status);
    CHECK_INT(status, 0);
    CHECK(str_find(l->hello_text, S("drops what is forwarded")) == SIZE_MAX);
    lab_vpc(l, 0, LAB_CIDR);
    CHECK_STR(lab_run(l, "cat /proc/sys/net/ipv4/ip_forward", &status), "1");
    lab_run(l, "nft add table ip wall && nft 'add chain ip wall shut { type filter hook forward "
            "priority 0; policy drop; }'", &status);
    CHECK_INT(status, 0);
    kill((pid_t)l->hello.pid, SIGKILL);
    while (kill((pid_t)l->hello.pid, 0) == 0)
        usleep(1000);
    CHECK_INT(priv_spawn(&l->config), 0);
    lab_connect(l);
    CHECK(str_find(l->hello_text, S("note: a firewall of this host (nft wall shut) drops")) !=
          SIZE_MAX);
    lab_free(l);
    CHECK_STR(lab_run(l, "cat /proc/sys/net/ipv4/ip_forward", &status), "0");
}
