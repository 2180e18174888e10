/*
 * The client of the benchmarks: it must cost less than what it measures, so it is not a script.
 *
 *   bench-client load [-c CONNECTIONS] [-s SECONDS] [-p PID] [-a CPU] HOST:PORT CORPUS
 *   bench-client launch HOST:PORT CORPUS MARKER
 *   bench-client metadata PID COUNT
 *   bench-client log PORT FILE COMMIT_BYTES
 *
 * A corpus is complete requests, each after its length as 4 bytes, little-endian.
 *
 * load      plays the corpus round and round, one request in flight on each connection; prints
 *           rate, CPU µs of process PID a request, p50 and p99 µs, its own share of a CPU, and how
 *           many answers were not 200.
 * launch    plays each request, a RunInstances of one, and follows the console of what it
 *           started until MARKER is seen; prints ms to the answer, ms to the marker, and the id.
 * metadata  from the network of process PID: µs (p50) of a token and of an item with it.
 * log       a server, the floor of durable writes: for each request it puts so many bytes into a
 *           file of zeroes, syncs once a turn of its loop, and then answers 200.  It looks at
 *           nothing of a request but where it ends.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, HEAD_MAX = 4096, SAMPLES_MAX = 1 << 22 };

struct request {
    const char *p;
    uint32_t n;
};

struct conn {
    int fd;
    uint64_t began_ns;
    size_t n;    /* bytes of the head so far */
    size_t left; /* bytes of the body to come; SIZE_MAX: the head is not complete */
    bool good, closes;
    char head[HEAD_MAX];
};

static struct request *corpus;
static size_t n_corpus, next_request;
static struct sockaddr_in server;
static uint32_t *samples; /* ns, saturating */
static size_t n_samples, n_bad;
static char *big;
static const size_t big_bytes = 1 << 20;

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "bench-client: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
read_corpus(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
        die(path);
    const char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        die(path);
    for (size_t at = 0; at + 4 <= (size_t)st.st_size;) {
        uint32_t n;

        memcpy(&n, p + at, 4);
        if (n > (size_t)st.st_size - at - 4)
            break;
        corpus = realloc(corpus, (n_corpus + 1) * sizeof(*corpus));
        if (!corpus)
            die("memory");
        corpus[n_corpus++] = (struct request){p + at + 4, n};
        at += 4 + n;
    }
    close(fd);
    if (!n_corpus)
        die("the corpus is empty");
}

static void
set_server(const char *text)
{
    const char *colon = strchr(text, ':');
    char host[64] = "";

    if (!colon || (size_t)(colon - text) >= sizeof(host))
        die("HOST:PORT");
    memcpy(host, text, (size_t)(colon - text));
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &server.sin_addr) != 1)
        die(host);
}

static int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0)
        die("connect");
    return fd;
}

static void
send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            die("send");
        p += r;
        n -= (size_t)r;
    }
}

static void
begin(struct conn *c)
{
    const struct request *r = &corpus[next_request];

    next_request = (next_request + 1) % n_corpus;
    c->n = 0;
    c->left = SIZE_MAX;
    c->began_ns = now_ns();
    send_all(c->fd, r->p, r->n);
}

/* Looks for the end of the head in what came; the length of the head, or 0. */
static size_t
head_end(struct conn *c)
{
    char *end, *length;

    c->head[c->n] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return 0;
    *end = '\0';
    length = strcasestr(c->head, "\r\ncontent-length:");
    c->left = length ? strtoul(length + 17, NULL, 10) : 0;
    c->good = strncmp(c->head + 8, " 200", 4) == 0;
    c->closes = strcasestr(c->head, "\r\nconnection: close") != NULL;
    return (size_t)(end - c->head) + 4;
}

/* True when the answer is complete.  Its first HEAD_MAX - 1 bytes are in c->head. */
static bool
take(struct conn *c, const char *p, size_t n)
{
    if (c->left == SIZE_MAX) {
        size_t room = HEAD_MAX - 1 - c->n, piece = n < room ? n : room, before = c->n;

        memcpy(c->head + before, p, piece);
        c->n += piece;
        size_t end = head_end(c);
        if (!end) {
            if (c->n == HEAD_MAX - 1)
                die("an answer's head is too large");
            return false;
        }
        n -= end - before;
    }
    if (n > c->left)
        die("more bytes than were announced");
    c->left -= n;
    return c->left == 0;
}

/* ---- load ---- */

static size_t
read_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, room - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* In ticks, and so coarse; but with the threads that have ended. */
static uint64_t
cpu_of_process_ns(const char *pid)
{
    char path[320], text[1024], *p;
    unsigned long user = 0, sys = 0;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    read_text(path, text, sizeof(text));
    p = strrchr(text, ')');
    if (!p || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) < 2)
        return 0;
    return (uint64_t)(user + sys) * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The CPU time of all threads of a process. */
static uint64_t
cpu_ns(const char *pid)
{
    char path[320], text[64];
    uint64_t sum = 0, coarse = cpu_of_process_ns(pid);

    snprintf(path, sizeof(path), "/proc/%s/task", pid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, e->d_name);
        if (e->d_name[0] != '.' && read_text(path, text, sizeof(text)))
            sum += strtoull(text, NULL, 10);
    }
    if (d)
        closedir(d);
    return sum > coarse ? sum : coarse;
}

/* For servers that end the connection after each answer. */
static void
dial_again(int ep, struct conn *c)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

    close(c->fd);
    c->fd = dial();
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void
receive(int ep, struct conn *c, uint64_t end_ns, size_t *active)
{
    ssize_t n = recv(c->fd, big, big_bytes, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        die("the server closed a connection");
    if (!take(c, big, (size_t)n))
        return;
    uint64_t now = now_ns(), took = now - c->began_ns;
    if (n_samples < SAMPLES_MAX)
        samples[n_samples] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    n_samples++;
    n_bad += !c->good;
    if (!c->good && n_bad == 1)
        fprintf(stderr, "bench-client: %.300s\n%.300s\n", c->head, c->head + strlen(c->head) + 4);
    if (now >= end_ns) {
        close(c->fd);
        --*active;
        return;
    }
    if (c->closes)
        dial_again(ep, c);
    begin(c);
}

static int
by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double
own_cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
report(const char *pid, uint64_t began_ns, uint64_t cpu_before, double own_before)
{
    double took_s = (double)(now_ns() - began_ns) / 1e9, n = (double)n_samples;
    double cpu_us = pid ? (double)(cpu_ns(pid) - cpu_before) / 1e3 / n : 0;
    size_t kept = n_samples < SAMPLES_MAX ? n_samples : SAMPLES_MAX;

    qsort(samples, kept, sizeof(*samples), by_value);
    printf("%.1f %.3f %.1f %.1f %.2f %zu\n", n / took_s, cpu_us, samples[kept / 2] / 1e3,
           samples[kept * 99 / 100] / 1e3, (own_cpu_s() - own_before) / took_s, n_bad);
}

static int
load(int argc, char **argv)
{
    static struct conn *conns;
    size_t n = 16, active;
    double seconds = 1;
    const char *pid = NULL;
    cpu_set_t cpu;

    for (int c; (c = getopt(argc, argv, "c:s:p:a:")) >= 0;) {
        if (c == 'c')
            n = strtoul(optarg, NULL, 10);
        else if (c == 's')
            seconds = strtod(optarg, NULL);
        else if (c == 'p')
            pid = optarg;
        else if (c == 'a') {
            CPU_ZERO(&cpu);
            CPU_SET(strtoul(optarg, NULL, 10), &cpu);
            sched_setaffinity(0, sizeof(cpu), &cpu);
        }
    }
    if (argc - optind != 2 || n < 1 || n > CONNECTIONS_MAX)
        return 2;
    set_server(argv[optind]);
    read_corpus(argv[optind + 1]);
    samples = malloc(SAMPLES_MAX * sizeof(*samples));
    conns = calloc(n, sizeof(*conns));
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (!samples || !conns || ep < 0)
        die("memory");
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};

        conns[i].fd = dial();
        epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e);
    }
    uint64_t cpu_before = pid ? cpu_ns(pid) : 0, began = now_ns();
    uint64_t end = began + (uint64_t)(seconds * 1e9);
    double own_before = own_cpu_s();
    for (size_t i = 0; i < n; i++)
        begin(&conns[i]);
    for (active = n; active;) {
        struct epoll_event events[256];
        int ready = epoll_wait(ep, events, 256, 30000);

        if (ready == 0) {
            errno = ETIMEDOUT;
            die("no answer for 30 s");
        }
        for (int i = 0; i < ready; i++)
            receive(ep, events[i].data.ptr, end, &active);
    }
    report(pid, began, cpu_before, own_before);
    return 0;
}

/* ---- launch ---- */

/* Waits for the whole answer, of which the head and a part of the body are kept. */
static void
answer(struct conn *c, char *kept, size_t room)
{
    size_t n_kept = 0;

    for (bool done = false; !done;) {
        ssize_t n = recv(c->fd, big, big_bytes, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            die("no answer");
        size_t piece = (size_t)n < room - 1 - n_kept ? (size_t)n : room - 1 - n_kept;
        memcpy(kept + n_kept, big, piece);
        n_kept += piece;
        done = take(c, big, (size_t)n);
    }
    kept[n_kept] = '\0';
}

static uint64_t
follow(int fd, const char *id, const char *marker)
{
    char request[256];
    size_t n = 0;
    int len = snprintf(request, sizeof(request),
                       "GET /_welkin/console?instance=%s&follow=1 HTTP/1.1\r\n"
                       "Host: 127.0.0.1\r\n\r\n", id);

    send_all(fd, request, (size_t)len);
    for (;;) {
        ssize_t got = recv(fd, big + n, big_bytes - 1 - n, 0);

        if (got <= 0)
            die("the console ended");
        n += (size_t)got;
        big[n] = '\0';
        if (strstr(big, marker))
            return now_ns();
    }
}

static int
launch(int argc, char **argv)
{
    static char text[16384];
    struct conn c = {0};

    if (argc != 4)
        return 2;
    set_server(argv[1]);
    read_corpus(argv[2]);
    c.fd = dial();
    for (size_t i = 0; i < n_corpus; i++) {
        int console = dial();
        char id[32] = "";

        begin(&c);
        answer(&c, text, sizeof(text));
        uint64_t answered = now_ns();
        char *at = strstr(text, "<instanceId>");
        if (!c.good || !at)
            die(text);
        snprintf(id, sizeof(id), "%.*s", (int)strcspn(at + 12, "<"), at + 12);
        uint64_t seen = follow(console, id, argv[3]);
        printf("%.3f %.3f %s\n", (double)(answered - c.began_ns) / 1e6,
               (double)(seen - c.began_ns) / 1e6, id);
        fflush(stdout);
        close(console);
        nanosleep(&(struct timespec){0, 50000000}, NULL); /* what it left to do is not the next's */
    }
    return 0;
}

/* ---- metadata ---- */

static double
ask(struct conn *c, const char *request, char *text, size_t room)
{
    uint64_t began = now_ns();

    c->n = 0;
    c->left = SIZE_MAX;
    send_all(c->fd, request, strlen(request));
    answer(c, text, room);
    if (!c->good)
        die(c->head);
    return (double)(now_ns() - began);
}

static void
print_p50(size_t n)
{
    qsort(samples, n, sizeof(*samples), by_value);
    printf("%.1f ", samples[n / 2] / 1e3);
}

static int
metadata(int argc, char **argv)
{
    static char text[8192], request[4096];
    char path[64];
    struct conn c = {0};

    if (argc != 3)
        return 2;
    size_t count = strtoul(argv[2], NULL, 10);
    snprintf(path, sizeof(path), "/proc/%s/ns/net", argv[1]);
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0 || count < 1)
        die(path);
    set_server("169.254.169.254:80");
    samples = calloc(count, sizeof(*samples));
    if (!samples)
        die("memory");
    c.fd = dial();
    for (size_t i = 0; i < count; i++)
        samples[i] = (uint32_t)ask(&c, "PUT /latest/api/token HTTP/1.1\r\nHost: m\r\n"
                                       "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"
                                       "Content-Length: 0\r\n\r\n", text, sizeof(text));
    print_p50(count);
    const char *token = strstr(text, "\r\n\r\n") + 4;
    snprintf(request, sizeof(request), "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: m\r\n"
                                       "X-aws-ec2-metadata-token: %.2000s\r\n\r\n", token);
    for (size_t i = 0; i < count; i++)
        samples[i] = (uint32_t)ask(&c, request, text, sizeof(text));
    print_p50(count);
    puts("");
    return 0;
}

/* ---- log ---- */

enum { LOG_BYTES = 32 << 20, LOG_CONNECTIONS_MAX = 64, LOG_REQUEST_MAX = 16384 };

struct logged {
    int fd;
    bool asked; /* a request waits for the sync */
    size_t n;
    char in[LOG_REQUEST_MAX];
};

static int
open_log(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        die(path);
    if (st.st_size < LOG_BYTES) { /* real zeroes, so that no size changes */
        for (off_t i = 0; i < LOG_BYTES; i += (off_t)big_bytes)
            if (pwrite(fd, big, big_bytes, i) < 0)
                die(path);
        fsync(fd);
    }
    return fd;
}

/* Whether the request is complete; a client of the benchmarks sends one at a time. */
static bool
take_request(struct logged *c)
{
    ssize_t n = read(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n);
    const char *end, *length;

    if (n <= 0) {
        close(c->fd);
        c->fd = -1;
        return false;
    }
    c->n += (size_t)n;
    c->in[c->n] = '\0';
    end = strstr(c->in, "\r\n\r\n");
    length = strcasestr(c->in, "\r\ncontent-length:");
    if (!end || !length || c->n < (size_t)(end + 4 - c->in) + strtoul(length + 17, NULL, 10))
        return false;
    c->n = 0;
    return true;
}

static void
answer_all(struct logged *all)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n"
                                "content-length: 200\r\n\r\n%200s";
    char text[512];
    int n = snprintf(text, sizeof(text), reply, "");

    for (size_t i = 0; i < LOG_CONNECTIONS_MAX; i++) {
        if (all[i].asked && write(all[i].fd, text, (size_t)n) != n)
            die("a reply");
        all[i].asked = false;
    }
}

static struct logged *
take_connection(struct logged *all, int listener, int epoll)
{
    size_t i = 0;

    while (i < LOG_CONNECTIONS_MAX && all[i].fd >= 0)
        i++;
    if (i == LOG_CONNECTIONS_MAX)
        die("too many connections");
    all[i] = (struct logged){.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (all[i].fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) < 0)
        die("a connection");
    setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return &all[i];
}

static int
listen_on(const char *port)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 64) < 0)
        die(port);
    return fd;
}

static int
log_server(int argc, char **argv)
{
    static struct logged all[LOG_CONNECTIONS_MAX];
    struct epoll_event events[LOG_CONNECTIONS_MAX], event = {.events = EPOLLIN};
    off_t at = 0;

    if (argc != 4)
        return 2;
    int listener = listen_on(argv[1]), log = open_log(argv[2]), epoll = epoll_create1(0);
    size_t bytes = strtoul(argv[3], NULL, 10);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll");
    for (size_t i = 0; i < LOG_CONNECTIONS_MAX; i++)
        all[i].fd = -1;
    for (uint64_t turn = 0;; turn++) {
        int n = epoll_wait(epoll, events, LOG_CONNECTIONS_MAX, -1);
        size_t n_asked = 0;

        for (int i = 0; i < n; i++) {
            struct logged *c = events[i].data.ptr;

            if (!c)
                take_connection(all, listener, epoll);
            else if (take_request(c))
                n_asked += c->asked = true;
        }
        if (!n_asked)
            continue;
        memset(big, (int)(turn & 255), n_asked * bytes);
        if (at + (off_t)(n_asked * bytes) > LOG_BYTES)
            at = 0;
        if (pwrite(log, big, n_asked * bytes, at) < 0 || fdatasync(log) < 0)
            die(argv[2]);
        at += (off_t)(n_asked * bytes);
        answer_all(all);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } modes[] = {{"load", load}, {"launch", launch}, {"metadata", metadata}, {"log", log_server}};
    int r = 2;

    big = calloc(1, big_bytes);
    if (!big)
        die("memory");
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            r = modes[i].run(argc - 1, argv + 1);
    if (r == 2)
        fputs("usage: bench-client load|launch|metadata|log …; its file says how\n", stderr);
    return r;
}
