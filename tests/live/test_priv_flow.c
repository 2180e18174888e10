/*
 * How fast one flow is: outside of a cluster and within.  The test's own processes send, in the
 * machines' namespaces: what an image has for that copies too slowly to meet a limit.
 */
#include "live/priv_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3
#define GBIT 125000000ull
#define PORT 5001

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
enter(uint32_t pid)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
        _exit(2);
    close(fd);
}

/* Sends zeroes until the time is over. */
static void
sender(uint32_t pid, uint32_t to)
{
    static char zeroes[1 << 20];
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(to)};

    enter(pid);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        _exit(3);
    for (double end = now() + SECONDS; now() < end;)
        if (send(fd, zeroes, sizeof(zeroes), 0) < 0)
            _exit(4);
    _exit(0);
}

/* A socket that listens in the machine. */
static int
listener(uint32_t pid)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int mine = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), on = 1;

    enter(pid);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0);
    CHECK(setns(mine, CLONE_NEWNET) == 0);
    close(mine);
    return fd;
}

/* Bytes that one flow brings within SECONDS. */
static uint64_t
flow(struct priv_launch_reply from, struct priv_launch_reply to, uint32_t to_ip)
{
    static char buf[1 << 20];
    int fd = listener(to.pid), status;
    uint64_t all = 0;
    pid_t child = fork();
    ssize_t n;

    if (child == 0)
        sender(from.pid, to_ip);
    int got = accept(fd, NULL, NULL);

    CHECK(got >= 0);
    while ((n = recv(got, buf, sizeof(buf), 0)) > 0)
        all += (uint64_t)n;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(got);
    close(fd);
    return all;
}

TEST(a_flow_has_5_gbit_and_10_within_a_cluster, "PG-06")
{
    /* The bucket of a limit is a second's worth. */
    const uint64_t far_max = 5 * GBIT * (SECONDS + 1), near_max = 10 * GBIT * (SECONDS + 1);
    struct lab *l = lab_new();
    struct priv_launch_reply m[3];

    lab_vpc(l, 0, LAB_CIDR);
    lab_open_class(l, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct priv_launch p = lab_plan(i + 1);

        p.cluster = i < 2 ? 77 : 0;
        m[i] = lab_launch(l, &p, "exec sleep 1000");
    }
    uint64_t near = flow(m[0], m[1], LAB_IP(2));
    uint64_t far = flow(m[0], m[2], LAB_IP(3));
    uint64_t back = flow(m[2], m[0], LAB_IP(1));

    printf("within %.1f Gbit/s, out %.1f, in %.1f\n", (double)near / GBIT / SECONDS,
           (double)far / GBIT / SECONDS, (double)back / GBIT / SECONDS);
    CHECK(far > GBIT && back > GBIT && near > GBIT); /* it settles, and does not break down */
    CHECK(far < far_max + far_max / 20);
    CHECK(back < far_max + far_max / 20);
    CHECK(near < near_max + near_max / 20);
    lab_free(l);
    if (near < far_max)
        SKIP("this machine is too slow: a flow within the cluster had no more than 5 Gbit/s");
}
