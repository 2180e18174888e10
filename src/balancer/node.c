/* The node: what the daemon tells it, its listeners, and what is known of targets. */
#include "balancer/balancer.h"

#include "base/error.h"
#include "base/log.h"
#include "loop/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_MAX = 32, SAYS_MAX = 256 << 10, TOLD_MAX = 128 << 10 };

int64_t
bal_now_ms(const struct bal *bal)
{
    return loop_now_ms(bal->loop, LOOP_MONO);
}

int64_t
bal_wall_s(const struct bal *bal)
{
    return bal->env->now_ms(bal->env) / 1000;
}

/* ---- targets ---- */

static void
idle_close(struct bal_state *s, struct idle *idle)
{
    loop_fd_remove(s->bal->loop, &idle->source);
    close(idle->source.fd);
    idle->source.fd = -1;
    s->n_idle--;
}

static void
state_free(struct bal_state *s)
{
    assert(!s->wanted && !s->outstanding);
    bal_check_stop(s);
    for (size_t i = 0; i < BAL_IDLE_MAX; i++)
        if (s->idle[i].source.fd >= 0)
            idle_close(s, &s->idle[i]);
    map_remove(&s->bal->states, s->key);
    free(s);
}

void
bal_state_hold(struct bal_state *s)
{
    s->outstanding++;
}

void
bal_state_release(struct bal_state *s)
{
    assert(s->outstanding > 0);
    if (!--s->outstanding && !s->wanted)
        state_free(s);
}

static struct bal_state *
state_of(struct bal *bal, const struct bal_group *g, const struct bal_target *t)
{
    struct arena a;

    arena_init(&a, 4096);
    struct str key = str_fmt(&a, "%.*s %.*s %u %lld", STR_ARG(g->id), STR_ARG(t->id), t->port,
                             (long long)t->since);
    struct bal_state *s = map_get(&bal->states, key);

    if (!s) {
        s = calloc(1, sizeof(*s) + key.n);
        if (!s)
            abort();
        s->bal = bal;
        s->key = str_of(memcpy(s + 1, key.p, key.n), key.n);
        for (size_t i = 0; i < BAL_IDLE_MAX; i++)
            s->idle[i].source.fd = -1;
        bal_check_init(s);
        map_put(&bal->states, s->key, s);
    }
    arena_done(&a);
    return s;
}

/* Those that the configuration has not are forgotten; new ones are checked at once. */
static void
apply_targets(struct bal *bal, struct bal_config *config)
{
    struct bal_state *gone;

    MAP_EACH(&bal->states, entry)
        ((struct bal_state *)entry->value)->group = NULL;
    LIST_EACH(&config->groups, g)
        LIST_EACH(&g->targets, t) {
            struct bal_state *s = state_of(bal, g, t);
            bool was = s->wanted;

            t->state = s;
            s->group = g;
            s->target = t;
            s->wanted = true;
            if (!was)
                bal_check_start(s);
        }
    do {
        gone = NULL;
        MAP_EACH(&bal->states, entry) {
            struct bal_state *s = entry->value;

            if (s->group)
                continue;
            if (s->wanted)
                bal_check_stop(s);
            s->wanted = false;
            s->target = NULL;
            if (!s->outstanding)
                gone = s;
        }
        if (gone)
            state_free(gone);
    } while (gone);
}

/* ---- listeners ---- */

static void
on_accept(struct loop_fd *source, uint32_t events UNUSED)
{
    struct bal_port *port = CONTAINER_OF(source, struct bal_port, source);
    const int one = 1;

    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        int fd = accept4(source->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (port->bal->n_conns >= BAL_CONNS_MAX)
            close(fd);
        else
            bal_conn_open(port->bal, fd, ntohl(from.sin_addr.s_addr), ntohs(from.sin_port),
                          port->port);
    }
}

static void
port_open(struct bal *bal, uint16_t number)
{
    struct bal_port *port = calloc(1, sizeof(*port));
    int fd;

    if (!port)
        abort();
    int r = net_listen_tcp(S("0.0.0.0"), number, &fd);

    if (r >= 0) {
        port->source = (struct loop_fd){.fd = fd, .fn = on_accept};
        r = loop_fd_add(bal->loop, &port->source, EPOLLIN);
    }
    if (r < 0) {
        error_origin(-r, "port %u cannot be listened on", number);
        free(port);
        return;
    }
    port->bal = bal;
    port->port = number;
    port->wanted = true;
    port->next = bal->ports;
    bal->ports = port;
}

static void
port_close(struct bal *bal, struct bal_port **at)
{
    struct bal_port *port = *at;

    assert(port->bal == bal && port->source.fd >= 0);
    *at = port->next;
    loop_fd_remove(bal->loop, &port->source);
    close(port->source.fd);
    free(port);
}

static void
apply_ports(struct bal *bal, const struct bal_config *config)
{
    for (struct bal_port *p = bal->ports; p; p = p->next)
        p->wanted = false;
    LIST_EACH(&config->listeners, l) {
        struct bal_port *p = bal->ports;

        while (p && p->port != l->port)
            p = p->next;
        if (p)
            p->wanted = true;
        else
            port_open(bal, l->port);
    }
    for (struct bal_port **at = &bal->ports; *at;) {
        if ((*at)->wanted)
            at = &(*at)->next;
        else
            port_close(bal, at);
    }
}

void
bal_apply(struct bal *bal, struct bal_config *config)
{
    assert(config->refs > 0 && config != bal->config);
    apply_targets(bal, config);
    bal_config_unref(bal->config);
    bal->config = config;
    apply_ports(bal, config);
}

/* ---- the line to the daemon ---- */

static void
flush(struct bal *bal)
{
    ssize_t left = fifo_send(&bal->says, bal->control.fd);

    if (left < 0) {
        loop_stop(bal->loop);
        return;
    }
    if (bal->control_writes != (left > 0)) {
        bal->control_writes = left > 0;
        loop_fd_change(bal->loop, &bal->control, EPOLLIN | (left > 0 ? (uint32_t)EPOLLOUT : 0));
    }
}

void
bal_say(struct bal *bal, struct str said)
{
    assert(said.n > 0 && str_find_char(said, '\n') == SIZE_MAX);
    if (bal->says.n + said.n + 1 > SAYS_MAX) {
        loop_stop(bal->loop); /* nobody listens */
        return;
    }
    fifo_put(&bal->says, said.p, said.n);
    fifo_put(&bal->says, "\n", 1);
    flush(bal);
}

/* Lines are long: what came of one is kept in a buffer of its own until its end does. */
static struct buf line;

static void
take_told(struct bal *bal)
{
    struct str told = fifo_str(&bal->told);

    while (told.n) {
        size_t end = str_find_char(told, '\n');

        buf_add_str(&line, str_cut(told, 0, end));
        if (end == SIZE_MAX)
            break;
        told = str_cut(told, end + 1, told.n);
        struct bal_config *config = buf_failed(&line) ? NULL : bal_config_read(buf_str(&line));

        if (config)
            bal_apply(bal, config);
        else
            log_error("a configuration is not understood");
        buf_reset(&line);
    }
    fifo_drop(&bal->told, bal->told.n);
}

static void
on_control(struct loop_fd *source, uint32_t events UNUSED)
{
    struct bal *bal = CONTAINER_OF(source, struct bal, control);
    ssize_t n;

    while ((n = fifo_recv(&bal->told, source->fd, TOLD_MAX)) > 0)
        take_told(bal);
    if (n != -EAGAIN) {
        loop_stop(bal->loop); /* the daemon is gone; another one makes another node */
        return;
    }
    flush(bal);
}

int
bal_init(struct bal *bal, struct loop *loop, struct env *env, int control)
{
    *bal = (struct bal){.loop = loop, .env = env, .control = {.fd = control, .fn = on_control}};
    map_init(&bal->states, 1);
    buf_init(&line, BAL_LINE_MAX);
    return control < 0 ? 0 : loop_fd_add(loop, &bal->control, EPOLLIN);
}

void
bal_done(struct bal *bal)
{
    bal_conns_free(bal);
    while (bal->ports)
        port_close(bal, &bal->ports);
    for (struct bal_state *s;; state_free(s)) {
        s = NULL;
        MAP_EACH(&bal->states, entry)
            s = entry->value;
        if (!s)
            break;
        s->wanted = false;
    }
    map_done(&bal->states);
    if (bal->control.fd >= 0)
        loop_fd_remove(bal->loop, &bal->control);
    bal_config_unref(bal->config);
    fifo_done(&bal->told);
    fifo_done(&bal->says);
    buf_done(&line);
}
