/*
 * Real sandboxes through the privileged process: boot, console, ends, exec, confinement, and the
 * death of the privileged process itself.
 */
#include "live/priv_lab.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
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
boot(struct lab *l, uint32_t n, const char *script)
{
    struct priv_launch p = lab_plan(n);

    lab_launch(l, &p, script);
}

/* The output of a command in machine 1. */
static struct str
in(struct lab *l, const char *command)
{
    int status;

    return lab_exec(l, 1, command, &status);
}

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What machine 1 has used of processors. */
static uint64_t
cpu_ns(struct lab *l)
{
    struct priv_machine m = {.id = "i-00000001"};
    struct str body = lab_call(l, PRIV_STATS, &m, sizeof(m), NULL, 0);

    return PRIV_BODY(struct priv_stats_reply, body)->cpu_ns;
}

TEST(a_machine_boots_and_its_console_is_kept, "LIFE-01")
{
    struct lab *l = lab_ready();

    boot(l, 1, "echo first line; stty -a 2>/dev/null | grep -q -e '-echo ' && echo quiet;"
               " exec sleep 1000");
    CHECK_STR(lab_console(l, 1, "quiet"), "first line\r\nquiet\r\n");
    lab_kill(l, 1);
    CHECK_INT(l->exited.exit, PRIV_EXIT_KILLED);
    boot(l, 1, "echo second boot; exec sleep 1000");
    struct str text = lab_console(l, 1, "second boot");
    CHECK(str_starts(text, S("first line\r\n")));
    lab_free(l);
}

TEST(the_console_keeps_its_last_64_kib_and_can_be_followed_and_written)
{
    struct lab *l = lab_ready();
    struct priv_console_follow f = {.id = "i-00000001", .on = 1};
    struct priv_console_write w = {.id = "i-00000001", .n = 3};
    struct priv_console_read q = {.id = "i-00000001", .from = UINT64_MAX};

    boot(l, 1, "read x; seq 1 20000; echo got $x; read y; echo then $y; exec sleep 1000");
    lab_call(l, PRIV_CONSOLE_FOLLOW, &f, sizeof(f), NULL, 0);
    lab_call(l, PRIV_CONSOLE_WRITE, &w, sizeof(w), "hi\n", 3);
    /* A fast reader gets an event a line. */
    for (int i = 0; i < 25000 && str_find(l->console, S("got hi\r\n")) == SIZE_MAX; i++) {
        priv_wait(l->conn, 20);
        l->console = str_cut(l->console, l->console.n - MIN(l->console.n, (size_t)100),
                             l->console.n);
    }
    /* A reader that is slow may miss a part of the burst (priv.h), but never its end. */
    CHECK(str_find(l->console, S("got hi\r\n")) != SIZE_MAX);
    struct str body = lab_call(l, PRIV_CONSOLE_READ, &q, sizeof(q), NULL, 0);
    const struct priv_console_reply *r = PRIV_BODY(struct priv_console_reply, body);
    CHECK_INT(r->end - r->begin, PRIV_CONSOLE_MAX);
    CHECK_INT(r->n, PRIV_CONSOLE_PIECE);
    CHECK_INT(r->at + r->n, r->end);
    CHECK(str_ends(str_cut(body, sizeof(*r), body.n), S("19999\r\n20000\r\ngot hi\r\n")));
    q.from = 5; /* lost already: what is left begins later */
    body = lab_call(l, PRIV_CONSOLE_READ, &q, sizeof(q), NULL, 0);
    r = PRIV_BODY(struct priv_console_reply, body);
    CHECK_INT(r->at, r->begin);
    lab_free(l);
}

TEST(every_end_of_a_machine_is_told_apart)
{
    static const struct {
        const char *script;
        enum priv_exit kind;
        int status;
    } ends[] = {
        {"poweroff -f", PRIV_EXIT_POWEROFF, SIGINT},
        {"reboot -f", PRIV_EXIT_REBOOT, SIGHUP},
        {"exit 7", PRIV_EXIT_CRASHED, 7 << 8},
        {"exit 0", PRIV_EXIT_CRASHED, 0},
    };
    struct lab *l = lab_ready();

    for (uint32_t i = 0; i < 4; i++) {
        l->n_exited = 0;
        boot(l, i + 1, ends[i].script);
        lab_wait_exit(l, i + 1);
        CHECK_INT(l->exited.exit, ends[i].kind);
        CHECK_INT(l->exited.status, ends[i].status);
    }
    /* Until acknowledged it is listed with its end. */
    struct priv_list q = {0};
    struct priv_machine m = {.id = "i-00000001"};
    struct str body = lab_call(l, PRIV_LIST, &q, sizeof(q), NULL, 0);
    CHECK_INT(PRIV_BODY(struct priv_list_reply, body)->n, 4);
    lab_call(l, PRIV_ACK, &m, sizeof(m), NULL, 0);
    body = lab_call(l, PRIV_LIST, &q, sizeof(q), NULL, 0);
    CHECK_INT(PRIV_BODY(struct priv_list_reply, body)->n, 3);
    lab_free(l);
}

TEST(the_power_button_reaches_the_init)
{
    struct lab *l = lab_ready();

    boot(l, 1, "trap 'echo going; poweroff -f' PWR; trap 'reboot -f' INT; echo up;"
               " while :; do sleep 0.05; done");
    lab_console(l, 1, "up");
    lab_signal(l, 1, PRIV_POWER_BUTTON);
    lab_wait_exit(l, 1);
    CHECK_INT(l->exited.exit, PRIV_EXIT_POWEROFF);
    lab_console(l, 1, "going");
    boot(l, 1, "trap 'reboot -f' INT; echo again; while :; do sleep 0.05; done");
    lab_console(l, 1, "again");
    l->n_exited = 0;
    lab_signal(l, 1, PRIV_REBOOT);
    lab_wait_exit(l, 1);
    CHECK_INT(l->exited.exit, PRIV_EXIT_REBOOT);
    lab_free(l);
}

TEST(what_started_us_with_signals_ignored_does_not_take_them_from_guests)
{
    signal(SIGINT, SIG_IGN); /* as a shell's `welkin up &` does */
    signal(SIGUSR1, SIG_IGN);
    struct lab *l = lab_ready();

    boot(l, 1, "trap 'reboot -f' INT; echo up; while :; do sleep 0.05; done");
    lab_console(l, 1, "up");
    CHECK_STR(in(l, "kill -USR1 $$; echo it lives"), "");
    lab_signal(l, 1, PRIV_REBOOT);
    lab_wait_exit(l, 1);
    CHECK_INT(l->exited.exit, PRIV_EXIT_REBOOT);
    lab_free(l);
}

TEST(a_launch_that_fails_says_why_in_a_sentence)
{
    static const struct {
        const char *image, *command, *says;
    } bad[] = {
        {"no-such-image", "/bin/sh", "the image no-such-image could not be opened: No such file"},
        {"../run", "/bin/sh", "the image ../run could not be opened: Invalid cross-device link"},
        {"busybox", "/bin/nothing", "the image's /bin/nothing could not be run: No such file"},
        {"busybox", "sh", "the command to run must be a path that begins with /"},
    };
    struct lab *l = lab_ready();
    struct str says;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct priv_launch p = lab_plan(1);

        snprintf(p.image, sizeof(p.image), "%s", bad[i].image);
        p.argc = 1;
        int r = lab_try(l, PRIV_LAUNCH, &p, sizeof(p), bad[i].command, strlen(bad[i].command) + 1,
                        &says);
        CHECK(r < 0);
        if (!str_starts(says, str_from(bad[i].says)))
            FAIL("%.*s", STR_ARG(says));
    }
    /* Nothing of it is left: the same name and slot start now. */
    boot(l, 1, "echo here; exec sleep 1000");
    lab_console(l, 1, "here");
    struct priv_launch p = lab_plan(1);
    CHECK_INT(lab_launch_try(l, &p, "true", &says), -EEXIST);
    p = lab_plan(2);
    p.slot = 1;
    CHECK_INT(lab_launch_try(l, &p, "true", &says), -EBUSY);
    lab_free(l);
}

TEST(malformed_requests_are_refused)
{
    struct lab *l = lab_ready();
    struct priv_machine bad = {.id = "../../etc"};
    struct priv_group g = {.vpc = 0, .group = 5, .n_rules = 3};
    struct priv_vpc v = {.number = 999999};
    struct str says;

    CHECK_INT(lab_try(l, PRIV_REMOVE, &bad, sizeof(bad), NULL, 0, &says), -EINVAL);
    memset(bad.id, 'a', sizeof(bad.id));
    CHECK_INT(lab_try(l, PRIV_REMOVE, &bad, sizeof(bad), NULL, 0, &says), -EINVAL);
    CHECK_INT(lab_try(l, PRIV_STATS, &bad, 3, NULL, 0, &says), -EINVAL);
    CHECK_INT(lab_try(l, PRIV_GROUP, &g, sizeof(g), "abc", 3, &says), -EINVAL);
    CHECK_INT(lab_try(l, PRIV_VPC_CLOSE, &v, sizeof(v), NULL, 0, &says), 0);
    g.vpc = 999999;
    g.n_rules = 0;
    CHECK_INT(lab_try(l, PRIV_GROUP, &g, sizeof(g), NULL, 0, &says), -ENOENT);
    CHECK_INT(lab_try(l, (enum priv_op)77, NULL, 0, NULL, 0, &says), -ENOSYS);
    CHECK_STR(says, "there is no operation 77");
    lab_free(l);
}

TEST(a_program_runs_inside_a_machine)
{
    struct lab *l = lab_ready();
    int status;

    boot(l, 1, "exec sleep 1000");
    CHECK_STR(lab_exec(l, 1, "hostname; id -u; exit 3", &status), "ip-172-31-0-1\n0");
    CHECK_INT(status, 3 << 8);
    lab_exec(l, 1, "kill -TERM $$", &status);
    CHECK_INT(status, SIGTERM);
    /* It shares the machine's processes and is bound by the same filter. */
    CHECK_STR(in(l, "cat /proc/1/comm"), "sleep");
    CHECK_STR(in(l, "grep Seccomp: /proc/self/status"), "Seccomp:\t2");
    CHECK_STR(in(l, "sort /proc/self/cgroup"),
              str_cstr(l->arena, in(l, "sort /proc/1/cgroup")));
    lab_free(l);
}

TEST(no_host_path_and_no_host_power_is_visible)
{
    struct lab *l = lab_ready();

    boot(l, 1, "exec sleep 1000");
    struct str mounts = in(l, "cat /proc/self/mountinfo /proc/1/maps /proc/1/environ;"
                              " readlink /proc/1/exe /proc/1/cwd /proc/1/root; true");
    CHECK(str_find(mounts, S("overlay")) != SIZE_MAX);
    CHECK(str_find(mounts, str_from(l->config.data_dir)) == SIZE_MAX);
    CHECK(str_find(mounts, S("/tmp/")) == SIZE_MAX);
    CHECK(str_find(mounts, S("images")) == SIZE_MAX);
    CHECK_STR(in(l, "echo /*"), "/bin /dev /etc /opt /proc /root /sys /tmp"); /* opt: helpers */
    CHECK_STR(in(l, "cut -c1-3 /sys/hypervisor/uuid"), "ec2");
    static const char *const refused[] = {
        "dmesg", "echo b >/proc/sysrq-trigger", "head -c 1 /proc/kcore", "head -c 1 /proc/kmsg",
        "echo 1 >/proc/sys/kernel/panic", "echo 0 >/proc/sys/vm/overcommit_memory",
        "echo x >/sys/kernel/uevent_helper", "echo 1 >/proc/sys/net/core/somaxconn2",
        "mount -t sysfs s /mnt/none", "ls /sys/firmware/efi",
        "echo 1 >/sys/module/overlay/parameters/metacopy", "ls /sys/kernel/debug/sched",
        "echo +pids >/sys/fs/cgroup/../cgroup.subtree_control",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct str said = in(l, str_fmt(l->arena, "{ %s; } >/tmp/o 2>/dev/null && [ -s /tmp/o ]"
                                        " && echo OPEN; true", refused[i]).p);
        if (said.n)
            FAIL("%s: %.*s", refused[i], STR_ARG(said));
    }
    /* Capabilities: bounded (CapBnd without module, rawio, time, syslog, bpf …). */
    struct str bnd = in(l, "grep CapBnd /proc/self/status");
    uint64_t caps = strtoull(str_cstr(l->arena, str_cut(bnd, 8, bnd.n)), NULL, 16);
    CHECK(!(caps & (1ull << 16 | 1ull << 17 | 1ull << 25 | 1ull << 34 | 1ull << 39)));
    CHECK(caps & 1ull << 21 && caps & 1ull << 22); /* sys_admin, sys_boot: over its own */
    lab_free(l);
}

TEST(guest_ids_are_nobodys_on_the_host_and_plain_on_disk)
{
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);
    int status;

    p.slot = 41;
    uint32_t pid = lab_launch(l, &p, "exec sleep 1000").pid;
    CHECK_STR(in(l, "cat /proc/self/uid_map | tr -s ' '"),
              str_fmt(l->arena, "%d %u 65536", 0, 65536 * 42).p);
    CHECK_STR(lab_run(l, str_fmt(l->arena, "stat -c %%u /proc/%u", pid).p, &status),
              str_fmt(l->arena, "%u", 65536 * 42).p);
    in(l, "echo x >/root/file; chown 1000:1000 /root/file; chmod 4755 /root/file; rm /bin/nc");
    CHECK_STR(lab_run(l, str_fmt(l->arena, "stat -c '%%u %%g %%a' %s/machines/i-00000001/upper/"
                                 "root/file", l->config.data_dir).p, &status), "1000 1000 4755");
    CHECK_STR(lab_run(l, str_fmt(l->arena, "stat -c %%a %s/machines", l->config.data_dir).p,
                      &status), "700");
    /* The disk is there again, in another slot. */
    lab_kill(l, 1);
    p.slot = 7;
    lab_launch(l, &p, "exec sleep 1000");
    CHECK_STR(in(l, "stat -c '%u %g %a' /root/file; ls /bin/nc 2>/dev/null; true"),
              "1000 1000 4755");
    lab_free(l);
}

TEST(limits_hold)
{
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);
    struct priv_machine m = {.id = "i-00000001"};

    if (l->hello.cgroup_version == 0) {
        lab_free(l);
        SKIP("no control groups with limits here");
    }
    p.limits = (struct priv_limits){.cpu_milli = 200, .pids = 20, .memory_bytes = 32 << 20};
    lab_launch(l, &p, "exec sleep 1000");
    in(l, "i=0; while [ $i -lt 60 ]; do sleep 100 >/dev/null 2>&1 & i=$((i+1)); done"
          " 2>/dev/null; true");
    struct str body = lab_call(l, PRIV_STATS, &m, sizeof(m), NULL, 0);
    const struct priv_stats_reply *s = PRIV_BODY(struct priv_stats_reply, body);
    CHECK(s->pids >= 10 && s->pids <= 20);
    lab_kill(l, 1);
    p.limits.pids = 0;
    lab_launch(l, &p, "exec sleep 1000");
    struct str big = in(l, "x=$(head -c 50000000 /dev/zero | tr '\\0' a); echo ${#x}");
    CHECK(!str_is(big, "50000000")); /* killed for want of memory */
    /* A fifth of a core, of however long it took. */
    uint64_t before = cpu_ns(l), began = now_ns();
    in(l, "( while :; do :; done ) & p=$!; sleep 1; kill $p");
    uint64_t used = cpu_ns(l) - before, took = now_ns() - began;
    if (used == 0 || used > took * 2 / 5)
        FAIL("it used %" PRIu64 " ns of %" PRIu64, used, took);
    body = lab_call(l, PRIV_STATS, &m, sizeof(m), NULL, 0);
    CHECK(PRIV_BODY(struct priv_stats_reply, body)->memory_bytes < 33 << 20);
    lab_free(l);
}

TEST(a_frozen_machine_stands_still)
{
    struct lab *l = lab_ready();
    struct priv_freeze f = {.id = "i-00000001", .frozen = 1};
    uint64_t before, now;

    boot(l, 1, "echo up; while :; do :; done");
    lab_console(l, 1, "up");
    lab_call(l, PRIV_FREEZE, &f, sizeof(f), NULL, 0);
    /* It takes effect when the kernel looks at the task. */
    now = cpu_ns(l);
    for (int i = 0; i < 100; i++) {
        before = now;
        usleep(100000);
        now = cpu_ns(l);
        if (now == before)
            break;
    }
    CHECK_INT(now - before, 0);
    usleep(200000);
    CHECK_INT(cpu_ns(l) - now, 0);
    f.frozen = 0;
    lab_call(l, PRIV_FREEZE, &f, sizeof(f), NULL, 0);
    for (int i = 0; i < 1000 && cpu_ns(l) == now; i++)
        usleep(20000);
    CHECK(cpu_ns(l) > now);
    lab_free(l);
}

TEST(a_removed_machine_leaves_nothing)
{
    struct lab *l = lab_ready();
    struct priv_machine m = {.id = "i-00000001"};
    struct str says;
    int status;

    boot(l, 1, "exec sleep 1000");
    in(l, "cd /root; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; echo $i >f; i=$((i+1)); done");
    CHECK_INT(lab_try(l, PRIV_REMOVE, &m, sizeof(m), NULL, 0, &says), -EBUSY);
    lab_kill(l, 1);
    lab_call(l, PRIV_REMOVE, &m, sizeof(m), NULL, 0);
    for (int i = 0; i < 200; i++) {
        if (!lab_run(l, str_fmt(l->arena, "find %s/run/trash %s/machines -mindepth 1; "
                                "tr -d '\\0' <%s/run/machines", l->config.data_dir,
                                l->config.data_dir, l->config.data_dir).p, &status).n)
            break;
        CHECK(i < 199);
        usleep(20000);
    }
    CHECK(!lab_run(l, str_fmt(l->arena, "ls -d /sys/fs/cgroup/*/welkin-%s/i-00000001 2>/dev/null",
                              l->hello.tag).p, &status).n);
    lab_free(l);
}

TEST(machines_outlive_a_killed_privileged_process)
{
    struct lab *l = lab_ready();
    struct priv_list q = {0};

    boot(l, 1, "echo one; read x; echo got $x; exec sleep 1000");
    boot(l, 2, "echo two; exec sleep 1000");
    boot(l, 3, "sleep 1000");
    lab_console(l, 1, "one");
    struct str body = lab_call(l, PRIV_LIST, &q, sizeof(q), NULL, 0);
    uint32_t pids[4] = {0};
    const struct priv_list_entry *e = (const void *)(body.p + sizeof(struct priv_list_reply));
    for (int i = 0; i < 3; i++)
        pids[e[i].id[9] - '0'] = e[i].pid;
    kill((pid_t)l->hello.pid, SIGKILL);
    while (kill((pid_t)l->hello.pid, 0) == 0)
        usleep(1000);
    CHECK_INT(kill((pid_t)pids[1], 0), 0);
    kill((pid_t)pids[3], SIGKILL); /* while nobody watches */
    for (int i = 0; i < 10000 && kill((pid_t)pids[3], 0) == 0; i++)
        usleep(1000);
    bool reaped = kill((pid_t)pids[3], 0) < 0;
    uint64_t started = l->hello.started_ns;
    if (priv_spawn(&l->config) < 0)
        FAIL("%.*s", STR_ARG(test_read_file(str_fmt(l->arena, "%s/log", l->config.data_dir).p)));
    lab_connect(l);
    CHECK(l->hello.started_ns != started);
    CHECK_INT(l->hello.n_machines, 3);
    body = lab_call(l, PRIV_LIST, &q, sizeof(q), NULL, 0);
    e = (const void *)(body.p + sizeof(struct priv_list_reply));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(e[i].pid, pids[e[i].id[9] - '0']);
        CHECK_INT(e[i].adopted, 1);
        if (e[i].id[9] == '3' && !reaped)
            continue; /* process 1 of this host does not reap */
        CHECK_INT(e[i].state, e[i].id[9] == '3' ? PRIV_EXITED : PRIV_RUNNING);
        CHECK_INT(e[i].exit, e[i].id[9] == '3' ? PRIV_EXIT_UNKNOWN : PRIV_EXIT_NONE);
    }
    /* Console, exec, network and firewall go on. */
    struct priv_console_write w = {.id = "i-00000001", .n = 3};
    lab_call(l, PRIV_CONSOLE_WRITE, &w, sizeof(w), "hi\n", 3);
    CHECK_STR(lab_console(l, 1, "got hi"), "one\r\ngot hi\r\n");
    CHECK(str_find(in(l, "ping -c 1 -W 2 172.31.0.18"), S("1 packets received")) != SIZE_MAX);
    lab_vpc(l, 0, LAB_CIDR);
    CHECK_INT(l->n_vpc_fds, PRIV_LISTEN_EXTRA);
    lab_open_class(l, 0);
    boot(l, 4, "ping -c 1 -W 2 172.31.0.17; exec sleep 1000");
    lab_console(l, 4, "1 packets received");
    l->n_exited = 0;
    lab_kill(l, 2);
    lab_free(l);
}

TEST(a_daemon_that_comes_back_finds_its_machines)
{
    struct lab *l = lab_ready();
    struct priv_list q = {0};

    boot(l, 1, "echo up; exec sleep 1000");
    l->conn = priv_conn_free(l->conn); /* what a kill -9 does */
    CHECK_INT(priv_spawn(&l->config), 0);
    uint32_t pid = l->hello.pid;
    lab_connect(l);
    CHECK_INT(l->hello.pid, pid);
    struct str body = lab_call(l, PRIV_LIST, &q, sizeof(q), NULL, 0);
    const struct priv_list_entry *e = (const void *)(body.p + sizeof(struct priv_list_reply));
    CHECK_INT(PRIV_BODY(struct priv_list_reply, body)->n, 1);
    CHECK_INT(e->state, PRIV_RUNNING);
    CHECK_INT(e->adopted, 0);
    lab_free(l);
}
