/*
 * How fast one flow is, outside of a cluster and within; how fast a machine is with two interfaces.
 * The test's own processes send, in the machines' namespaces: what an image has for that copies too
 * slowly to meet a limit.
 */
#include "live/priv_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3
#define GBIT 125000000ull
#define PORT 5001
#define FLOWS_MAX 2

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
sender(uint32_t pid, uint32_t from, uint32_t to)
{
    static char zeroes[1 << 20];
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(to)};
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};

    enter(pid);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
        connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
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
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, FLOWS_MAX) == 0);
    CHECK(setns(mine, CLONE_NEWNET) == 0);
    close(mine);
    return fd;
}

struct count {
    uint64_t all, least;
};

/* Reads what comes by n flows until all have ended. */
static struct count
drain(const int *fds, uint32_t n)
{
    static char buf[1 << 20];
    struct pollfd polls[FLOWS_MAX];
    uint64_t got[FLOWS_MAX] = {0};
    struct count c = {.least = UINT64_MAX};

    for (uint32_t i = 0; i < n; i++)
        polls[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    for (uint32_t open = n; open > 0;) {
        CHECK(poll(polls, n, 20000) > 0);
        for (uint32_t i = 0; i < n; i++) {
            ssize_t r = polls[i].revents ? recv(polls[i].fd, buf, sizeof(buf), 0) : 1;

            if (polls[i].revents && r > 0)
                got[i] += (uint64_t)r;
            if (r <= 0) {
                polls[i].fd = -1;
                open--;
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        c.all += got[i];
        c.least = MIN(c.least, got[i]);
    }
    return c;
}

/* Bytes that flows from these addresses of a machine bring within SECONDS. */
static struct count
flows(struct priv_launch_reply from, const uint32_t *sources, uint32_t n,
      struct priv_launch_reply to, uint32_t to_ip)
{
    int fd = listener(to.pid), got[FLOWS_MAX], status;
    pid_t children[FLOWS_MAX];

    CHECK(n <= FLOWS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        children[i] = fork();
        if (children[i] == 0)
            sender(from.pid, sources[i], to_ip);
    }
    for (uint32_t i = 0; i < n; i++)
        CHECK((got[i] = accept(fd, NULL, NULL)) >= 0);
    struct count c = drain(got, n);

    for (uint32_t i = 0; i < n; i++) {
        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
        close(got[i]);
    }
    close(fd);
    return c;
}

/* Machines 1 … n; the first two are in a cluster, the first has a limit. */
static struct lab *
machines(struct priv_launch_reply *m, uint32_t n, uint32_t cluster, uint32_t mbit)
{
    struct lab *l = lab_new();

    lab_vpc(l, 0, LAB_CIDR);
    lab_open_class(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        struct priv_launch p = lab_plan(i + 1);

        p.cluster = i < 2 ? cluster : 0;
        p.mbit = i == 0 ? mbit : 0;
        m[i] = lab_launch(l, &p, "exec sleep 1000");
    }
    return l;
}

TEST(a_flow_has_5_gbit_and_10_within_a_cluster, "PG-06")
{
    /* The bucket of a limit is a second's worth. */
    const uint64_t far_max = 5 * GBIT * (SECONDS + 1), near_max = 10 * GBIT * (SECONDS + 1);
    const uint32_t one = LAB_IP(1), three = LAB_IP(3);
    struct priv_launch_reply m[3];
    struct lab *l = machines(m, 3, 77, 0);
    uint64_t near = flows(m[0], &one, 1, m[1], LAB_IP(2)).all;
    uint64_t far = flows(m[0], &one, 1, m[2], three).all;
    uint64_t back = flows(m[2], &three, 1, m[0], one).all;

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

TEST(a_second_interface_makes_a_machine_no_faster, "ENI-20")
{
    const uint64_t max = GBIT * (SECONDS + 1) + GBIT * (SECONDS + 1) / 20;
    const uint32_t by_eth0[] = {LAB_IP(1), LAB_IP(1)}, by_both[] = {LAB_IP(1), LAB_IP(9)},
                   two = LAB_IP(2);
    struct priv_launch_reply m[3];
    struct lab *l = machines(m, 3, 0, 1000);
    struct priv_launch p = lab_plan(1);
    struct priv_nics q = {.n = 2};
    struct priv_nic nics[2] = {{.class = 1, .subnet = 1, .n_ips = 1, .ips = {LAB_IP(1)}}};
    struct count c;

    memcpy(q.id, p.id, sizeof(q.id));
    memcpy(nics[0].mac, p.mac, sizeof(p.mac));
    nics[0].prefix = p.prefix;
    nics[0].gateway = p.gateway;
    nics[1] = nics[0];
    nics[1].index = 1;
    nics[1].ips[0] = LAB_IP(9);
    nics[1].mac[5] ^= 0x80;
    lab_call(l, PRIV_NICS, &q, sizeof(q), nics, sizeof(nics));
    c = flows(m[0], by_eth0, 2, m[1], two);
    CHECK(c.all > GBIT / 2 && c.all < max);
    c = flows(m[0], by_both, 2, m[1], two);
    CHECK(c.least > 0 && c.all > GBIT / 2 && c.all < max);
    c = flows(m[1], &two, 1, m[0], LAB_IP(9)); /* what comes in has its own */
    CHECK(c.all > GBIT / 2 && c.all < max);
    CHECK(flows(m[1], &two, 1, m[2], LAB_IP(3)).all > max); /* and one without a limit has none */
    lab_free(l);
}
