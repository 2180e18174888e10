/*
 * Health checks: a GET to each target each interval, and what its answers make of it.
 *
 * The first good answer makes a new target healthy; later it takes as many in a row as the group's
 * thresholds say, either way.  What changes is said to the daemon.
 */
#include "balancer/balancer.h"

#include "codec/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 16 << 10 };

/* ---- what is said ---- */

static void
say(struct bal_state *s)
{
    bool healthy = s->health == BAL_HEALTHY;
    char text[64] = "Health checks failed";
    struct buf b;
    struct json_out o = {&b, false};

    assert(s->health != BAL_INITIAL && s->group && s->target);
    if (s->timed_out)
        snprintf(text, sizeof(text), "Request timed out");
    else if (s->last_status)
        snprintf(text, sizeof(text), "Health checks failed with these codes: [%u]", s->last_status);
    buf_init(&b, 4096);
    json_open(&o, '{');
    json_key_str(&o, "group", s->group->id);
    json_key_str(&o, "target", s->target->id);
    json_key_int(&o, "port", s->target->port);
    json_key_int(&o, "since", s->target->since);
    json_key_str(&o, "state", healthy ? S("healthy") : S("unhealthy"));
    json_key_str(&o, "reason",
                 healthy          ? S("")
                 : s->timed_out   ? S("Target.Timeout")
                 : s->last_status ? S("Target.ResponseCodeMismatch")
                                  : S("Target.FailedHealthChecks"));
    json_key_str(&o, "description", healthy ? S("") : str_from(text));
    json_close(&o, '}');
    bal_say(s->bal, buf_str(&b));
    buf_done(&b);
}

/* ---- results ---- */

static void
schedule(struct bal_state *s)
{
    loop_timer_set(s->bal->loop, &s->timer, LOOP_MONO,
                   bal_now_ms(s->bal) + s->group->interval_s * 1000);
}

static void
end(struct bal_state *s)
{
    if (s->check.fd >= 0) {
        loop_fd_remove(s->bal->loop, &s->check);
        close(s->check.fd);
    }
    s->check.fd = -1;
    fifo_done(&s->in);
}

/* status 0: no answer, or none that is understood. */
static void
result(struct bal_state *s, unsigned status, bool timed_out)
{
    bool good = status && bal_matches(s->group->matcher, status);
    bool against = s->health == BAL_HEALTHY ? !good : good;
    unsigned needed = s->health == BAL_INITIAL     ? (good ? 1 : s->group->unhealthy)
                      : s->health == BAL_UNHEALTHY ? s->group->healthy
                                                   : s->group->unhealthy;
    bool same = s->last_status == status && s->timed_out == timed_out;

    assert(s->wanted && needed > 0 && !(status && timed_out));
    end(s);
    schedule(s);
    if (s->health == BAL_INITIAL)
        against = true; /* either way ends it */
    s->streak = against ? s->streak + 1 : 0;
    if (s->health == BAL_INITIAL && good)
        s->streak = needed;
    if (!good) {
        s->last_status = status;
        s->timed_out = timed_out;
    }
    if (s->streak >= needed) {
        s->streak = 0;
        s->health = good ? BAL_HEALTHY : BAL_UNHEALTHY;
        if (good) {
            s->healthy_ms = bal_now_ms(s->bal);
            s->last_status = 0;
            s->timed_out = false;
        }
        say(s);
    } else if (s->health == BAL_UNHEALTHY && !good && !same) {
        say(s); /* for another reason now */
    }
}

/* ---- a check ---- */

static void
ask(struct bal_state *s)
{
    uint32_t ip = s->target->ip;
    char head[2048];
    int n = snprintf(head, sizeof(head),
                     "GET %.*s HTTP/1.1\r\nHost: %u.%u.%u.%u:%u\r\nConnection: close\r\n"
                     "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n"
                     "\r\n",
                     STR_ARG(s->group->path), ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
                     s->group->check_port ? s->group->check_port : s->target->port);

    assert(n > 0 && (size_t)n < sizeof(head)); /* a path has 1,024 bytes at most */
    s->connected = true;
    if (send(s->check.fd, head, (size_t)n, MSG_NOSIGNAL) != n)
        result(s, 0, false);
    else
        loop_fd_change(s->bal->loop, &s->check, EPOLLIN);
}

static void
on_check(struct loop_fd *source, uint32_t events)
{
    static struct http_head head;
    struct bal_state *s = CONTAINER_OF(source, struct bal_state, check);
    unsigned status = 0;
    size_t used;

    assert(s->wanted && s->in.n < ANSWER_MAX);
    if (!s->connected) {
        int error = 0;
        socklen_t len = sizeof(error);

        if (getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
            result(s, 0, false);
        else if (events & EPOLLOUT)
            ask(s);
        return;
    }
    ssize_t n = fifo_recv(&s->in, source->fd, ANSWER_MAX);

    if (n == -EAGAIN)
        return;
    int r = s->in.n ? http_parse_answer(fifo_str(&s->in), &head, &status, &used) : HTTP_MORE;

    if (r == HTTP_COMPLETE)
        result(s, status, false);
    else if (r > 0 || n <= 0 || s->in.n == ANSWER_MAX)
        result(s, 0, false);
}

static void
begin(struct bal_state *s)
{
    uint16_t port = s->group->check_port ? s->group->check_port : s->target->port;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(s->target->ip)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert(s->check.fd < 0);
    s->check.fd = fd;
    s->connected = false;
    if (fd < 0 || loop_fd_add(s->bal->loop, &s->check, EPOLLOUT) < 0) {
        if (fd >= 0)
            close(fd);
        s->check.fd = -1;
        schedule(s); /* that is ours, and says nothing of the target */
        return;
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
        result(s, 0, false);
        return;
    }
    loop_timer_set(s->bal->loop, &s->timer, LOOP_MONO,
                   bal_now_ms(s->bal) + s->group->timeout_s * 1000);
}

/* It is due, or the one under way took too long. */
static void
on_timer(struct loop_timer *timer)
{
    struct bal_state *s = CONTAINER_OF(timer, struct bal_state, timer);

    assert(s->wanted && s->group && s->target);
    if (s->check.fd >= 0)
        result(s, 0, true);
    else
        begin(s);
}

void
bal_check_init(struct bal_state *s)
{
    s->timer.fn = on_timer;
    s->check = (struct loop_fd){.fd = -1, .fn = on_check};
}

void
bal_check_start(struct bal_state *s)
{
    assert(s->wanted && s->check.fd < 0);
    loop_timer_set(s->bal->loop, &s->timer, LOOP_MONO, bal_now_ms(s->bal));
}

void
bal_check_stop(struct bal_state *s)
{
    loop_timer_stop(s->bal->loop, &s->timer);
    end(s);
}
