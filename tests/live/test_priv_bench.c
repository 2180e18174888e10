/*
 * What launches and rules cost, printed.  Only far misses fail, because other work may share the
 * machine; WELKIN_BENCH=n sets how many machines (default 60; 1000 for the figures of the manual).
 */
#include "live/priv_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
print(const char *what, int64_t *ns, size_t n)
{
    qsort(ns, n, sizeof(*ns), compare);
    printf("  %-44s median %6.2f ms  p95 %6.2f  min %6.2f  (%zu)\n", what,
           (double)ns[n / 2] / 1e6, (double)ns[n * 95 / 100] / 1e6, (double)ns[0] / 1e6, n);
    fflush(stdout);
}

static void
already(void *arg, struct priv_message *m)
{
    struct lab *l = arg;

    if (m->status == 0)
        l->console = str_cat(l->arena, l->console, m->body);
}

static void
launched(void *arg UNUSED, struct priv_message *m)
{
    if (m->status < 0)
        FAIL("LAUNCH answers %d: %.*s", m->status, STR_ARG(m->body));
}

/* From LAUNCH sent to the first line on the console. */
static int64_t
first_line(struct lab *l, uint32_t n)
{
    struct priv_launch p = lab_plan(n);
    struct str argv = str_fmt(l->arena, "/bin/sh%c-c%cecho ready; exec sleep 10000%c", 0, 0, 0);
    struct priv_console_follow f = {.on = 1};
    int64_t began = now_ns();

    memcpy(f.id, p.id, sizeof(f.id));
    l->console = S("");
    CHECK_INT(priv_send(l->conn, PRIV_LAUNCH, &p, sizeof(p), argv.p, argv.n, NULL, 0, launched,
                        NULL), 0);
    CHECK_INT(priv_send(l->conn, PRIV_CONSOLE_FOLLOW, &f, sizeof(f), NULL, 0, NULL, 0, NULL, NULL),
              0);
    /* What it printed before it was followed. */
    struct priv_console_read from_0 = {.from = 0};
    memcpy(from_0.id, p.id, sizeof(from_0.id));
    CHECK_INT(priv_send(l->conn, PRIV_CONSOLE_READ, &from_0, sizeof(from_0), NULL, 0, NULL, 0,
                        already, l), 0);
    while (str_find(l->console, S("ready")) == SIZE_MAX)
        if (priv_wait(l->conn, 10000) == -ETIMEDOUT)
            FAIL("machine %u prints nothing", n);
    return now_ns() - began;
}

#define TIMES 40

/* New machines, one at a time, beside those that run: what RunInstances sees. */
static void
one_more(struct lab *l, uint32_t n, int64_t *ns, const char *what)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        ns[i] = first_line(l, n + i);
        l->n_exited = 0;
        lab_kill(l, n + i);
        usleep(30000); /* else the kernel's cleaning of the last one is measured too */
    }
    print(what, ns, TIMES);
}

static void
time_rules(struct lab *l, const char *what)
{
    struct priv_rule rules[10];
    int64_t group[50], class[50];
    char text[60];

    for (uint32_t i = 0; i < 10; i++)
        rules[i] = (struct priv_rule){.protocol = 6, .from = (int32_t)i + 1, .to = 9000};
    for (int i = 0; i < 50; i++) {
        struct priv_machine_class m = {.class = (uint32_t)(i & 1) + 1};
        int64_t began = now_ns();

        lab_group(l, 0, 2, rules, 10);
        group[i] = now_ns() - began;
        memcpy(m.id, "i-00000001", 11);
        began = now_ns();
        lab_call(l, PRIV_MACHINE_CLASS, &m, sizeof(m), NULL, 0);
        class[i] = now_ns() - began;
    }
    snprintf(text, sizeof(text), "a group of 10 rules, %s", what);
    print(text, group, 50);
    snprintf(text, sizeof(text), "a machine to another class, %s", what);
    print(text, class, 50);
}

TEST(what_launches_and_rules_cost)
{
    struct lab *l = lab_new();
    uint32_t wanted = getenv("WELKIN_BENCH") ? (uint32_t)strtoul(getenv("WELKIN_BENCH"), NULL, 10)
                                             : 60;
    int64_t *ns = ARENA_ARRAY(l->arena, int64_t, wanted + 60);
    char text[60];
    int status;

    lab_vpc(l, 0, LAB_CIDR);
    lab_open_class(l, 0);
    lab_group(l, 0, 2, NULL, 0);
    lab_class(l, 0, 2, 2);
    printf("\n");
    one_more(l, 2001, ns, "LAUNCH to the first line, alone");
    int64_t began = now_ns();
    struct str free_before = lab_run(l, "awk '/MemAvailable/ {print $2}' /proc/meminfo", &status);
    for (uint32_t i = 0; i < wanted; i++)
        ns[i] = first_line(l, i + 1);
    printf("  %u machines one after another: %.2f s\n", wanted, (double)(now_ns() - began) / 1e9);
    snprintf(text, sizeof(text), "LAUNCH to the first line, 0 to %u running", wanted);
    int64_t *last = ns + (wanted > 50 ? wanted - 50 : 0);
    print("LAUNCH to the first line, the last 50", last, MIN(wanted, 50u));
    snprintf(text, sizeof(text), "LAUNCH to the first line, one more than %u", wanted);
    one_more(l, wanted + 1, ns, text);
    struct str free_after = lab_run(l, "awk '/MemAvailable/ {print $2}' /proc/meminfo", &status);
    int64_t a = 0, b = 0;
    str_to_i64(free_before, &a);
    str_to_i64(free_after, &b);
    printf("  memory: %.0f KiB a machine\n", (double)(a - b) / wanted);
    snprintf(text, sizeof(text), "%u machines", wanted);
    time_rules(l, text);
    printf("  the privileged process: %s\n",
           str_cstr(l->arena, lab_run(l, str_fmt(l->arena, "grep VmRSS /proc/%u/status; ls /proc/%u"
                                                 "/fd | wc -l", l->hello.pid, l->hello.pid).p,
                                      &status)));
    began = now_ns();
    lab_free(l);
    printf("  all killed and everything removed: %.2f s\n", (double)(now_ns() - began) / 1e9);
    fflush(stdout);
}
