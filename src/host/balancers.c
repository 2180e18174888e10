/*
 * A node from start() to stop():
 *
 *   LAUNCH   by the sandbox host's connection, behind what it tells of the network; process 1
 *            waits and reaps
 *   EXEC     the node, with one end of a pair of sockets: it is up
 *   KILL, REMOVE
 *
 * What ends by itself is told, removed, and started again by who wants it.
 */
#include "host/balancers.h"
#include "host/functions.h"
#include "host/sandbox_internal.h"
#include "host/sandbox_rows.h"

#include "base/log.h"
#include "codec/ip.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_SLOT = PRIV_SLOTS - HOST_FUNCTIONS_MAX, /* and downwards */
    MEMORY_BYTES = 256 << 20,
    PIDS_MAX = 16,
    ANSWER_LIMIT_MS = 5000,
    SAID_MAX = 64 << 10, /* of lines that were not taken yet */
    READS_MAX = 16,
};

struct node {
    struct host_balancers *b;
    char id[PRIV_ID_MAX];      /* of its interface */
    char machine[PRIV_ID_MAX]; /* another one each time */
    bool launched, stopping;
    struct loop_fd control; /* fd -1: none yet */
    bool wants_write;
    struct buf in, out;
    size_t sent; /* of `out` */
};

struct host_balancers {
    struct host_sandbox *s;
    struct api_balancers driver;
    struct api_balancer_events events;
    struct priv_conn *conn;
    struct loop_fd source;
    struct loop_task flush;
    struct map by_id, by_machine;
};

static struct str
text(const char id[PRIV_ID_MAX])
{
    return str_of(id, strnlen(id, PRIV_ID_MAX));
}

static struct loop *
loop_of(const struct host_balancers *b)
{
    return b->s->config.loop;
}

/* ---- the connection ---- */

static void
process(struct host_balancers *b)
{
    int r = priv_process(b->conn);

    if (r < 0) {
        error_origin(-r, "nodes of load balancers have lost the privileged process");
        loop_fd_remove(loop_of(b), &b->source);
        b->source.fd = -1;
        return;
    }
    loop_fd_change(loop_of(b), &b->source,
                   EPOLLIN | (priv_wants_write(b->conn) ? (uint32_t)EPOLLOUT : 0));
}

static void
readable(struct loop_fd *source, uint32_t events UNUSED)
{
    process(CONTAINER_OF(source, struct host_balancers, source));
}

static void
flush(struct loop_task *task)
{
    struct host_balancers *b = CONTAINER_OF(task, struct host_balancers, flush);

    if (b->source.fd >= 0)
        process(b);
}

static int
ask(struct host_balancers *b, enum priv_op op, const void *req, size_t n, struct str tail,
    const int *fds, size_t n_fds, priv_reply_fn *fn, const void *arg)
{
    int r = priv_send(b->conn, op, req, n, tail.p, tail.n, fds, n_fds, fn, (void *)(uintptr_t)arg);

    assert(op > 0 && op < PRIV_OPS);
    loop_defer(loop_of(b), &b->flush);
    return r;
}

/* A node may be gone when its answer comes: it is found by its machine's name. */
struct asked {
    struct host_balancers *b;
    char machine[PRIV_ID_MAX];
};

static struct asked *
asked_new(const struct node *node)
{
    struct asked *asked = calloc(1, sizeof(*asked));

    if (!asked)
        abort();
    asked->b = node->b;
    memcpy(asked->machine, node->machine, sizeof(asked->machine));
    return asked;
}

static struct node *
asked_end(struct asked *asked)
{
    struct node *node = map_get(&asked->b->by_machine, text(asked->machine));

    free(asked);
    return node;
}

/* ---- the end of a node ---- */

static void
node_free(struct node *node)
{
    struct host_balancers *b = node->b;

    if (map_get(&b->by_id, text(node->id)) == node)
        map_remove(&b->by_id, text(node->id));
    map_remove(&b->by_machine, text(node->machine));
    if (node->control.fd >= 0) {
        loop_fd_remove(loop_of(b), &node->control);
        close(node->control.fd);
    }
    buf_done(&node->in);
    buf_done(&node->out);
    free(node);
}

static void
remove_machine(struct node *node)
{
    struct priv_machine req = {0};

    assert(!node->launched);
    memcpy(req.id, node->machine, sizeof(req.id));
    ask(node->b, PRIV_REMOVE, &req, sizeof(req), STR_NONE, NULL, 0, sandbox_logged,
        "to remove a node of a load balancer");
    node_free(node);
}

/* Nobody wants it any more; its end is told of. */
static void
kill_node(struct node *node)
{
    struct priv_signal req = {.how = PRIV_KILL};
    struct host_balancers *b = node->b;

    node->stopping = true;
    if (map_get(&b->by_id, text(node->id)) == node)
        map_remove(&b->by_id, text(node->id));
    if (!node->launched)
        return; /* when the launch was answered */
    memcpy(req.id, node->machine, sizeof(req.id));
    ask(b, PRIV_SIGNAL, &req, sizeof(req), STR_NONE, NULL, 0, sandbox_logged,
        "to kill a node of a load balancer");
}

/* It ends by itself or cannot go on. */
static void
ended(struct node *node, struct str why)
{
    struct host_balancers *b = node->b;
    char id[PRIV_ID_MAX];

    if (node->stopping)
        return;
    memcpy(id, node->id, sizeof(id));
    kill_node(node);
    b->events.ended(b->events.ctx, text(id), why);
}

/* ---- its line ---- */

static void
watch(struct node *node)
{
    bool wants = node->sent < node->out.n;

    if (wants != node->wants_write) {
        node->wants_write = wants;
        loop_fd_change(loop_of(node->b), &node->control,
                       EPOLLIN | (wants ? (uint32_t)EPOLLOUT : 0));
    }
}

static void
send_told(struct node *node)
{
    while (node->sent < node->out.n) {
        ssize_t n = send(node->control.fd, node->out.p + node->sent, node->out.n - node->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n <= 0)
            break; /* its end is told of */
        node->sent += (size_t)n;
    }
    if (node->sent == node->out.n) {
        buf_reset(&node->out);
        node->sent = 0;
    }
    watch(node);
}

/* False: it says what no node says. */
static bool
take_said(struct node *node)
{
    struct host_balancers *b = node->b;
    struct str said = buf_str(&node->in);
    size_t used = 0, end;

    while ((end = str_find_char(said, '\n')) != SIZE_MAX) {
        b->events.said(b->events.ctx, text(node->id), str_cut(said, 0, end));
        said = str_cut(said, end + 1, said.n);
        used += end + 1;
    }
    memmove(node->in.p, node->in.p + used, node->in.n - used);
    node->in.n -= used;
    return node->in.n < SAID_MAX / 2;
}

static void
on_control(struct loop_fd *source, uint32_t events UNUSED)
{
    struct node *node = CONTAINER_OF(source, struct node, control);
    char bytes[4096];

    for (int i = 0; i < READS_MAX && !node->stopping; i++) {
        ssize_t n = recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
            break;
        buf_add(&node->in, bytes, n > 0 ? (size_t)n : 0);
        if (n <= 0 || buf_failed(&node->in) || !take_said(node)) {
            loop_fd_remove(loop_of(node->b), source);
            close(source->fd);
            source->fd = -1;
            ended(node, S("The node of the load balancer has ended"));
            return;
        }
    }
    send_told(node);
}

/* ---- start ---- */

static void
exec_answered(void *arg, struct priv_message *m)
{
    struct node *node = asked_end(arg);

    if (!node || node->stopping)
        return;
    if (m->status < 0)
        ended(node, m->body);
    else
        node->b->events.up(node->b->events.ctx, text(node->id));
}

static void
run(struct node *node)
{
    static const char tail[] = "/" HOST_BALANCERS_PROGRAM;
    struct priv_exec req = {.argc = 1};
    int pair[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert(node->launched && node->control.fd < 0);
    if (null < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        if (null >= 0)
            close(null);
        ended(node, S("No socket can be made"));
        return;
    }
    memcpy(req.id, node->machine, sizeof(req.id));
    node->control = (struct loop_fd){.fd = pair[0], .fn = on_control};
    int r = loop_fd_add(loop_of(node->b), &node->control, EPOLLIN);
    struct asked *asked = asked_new(node);

    if (r >= 0)
        r = ask(node->b, PRIV_EXEC, &req, sizeof(req), str_of(tail, sizeof(tail)),
                (const int[]){pair[1], null, null}, 3, exec_answered, asked);
    close(pair[1]);
    close(null);
    if (r < 0) {
        free(asked);
        ended(node, S("The privileged process is overloaded"));
    }
}

static void
launched(void *arg, struct priv_message *m)
{
    struct node *node = asked_end(arg);

    if (!node)
        return;
    if (m->status >= 0) {
        node->launched = true;
        if (node->stopping)
            kill_node(node);
        else
            run(node);
        return;
    }
    ended(node, m->body);
    remove_machine(node);
}

static bool
parse_mac(struct str text_, uint8_t mac[6])
{
    unsigned b[6];
    char room[18] = "";

    if (text_.n != 17)
        return false;
    memcpy(room, text_.p, 17);
    if (sscanf(room, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
        return false;
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)b[i];
    return true;
}

/* What stands in the rows of its interface. */
static int
launch_of(struct host_balancers *b, struct txn *txn, struct str id, struct priv_launch *req)
{
    const struct ec2_interface_row *nic = ec2_interface_get(txn, id);
    const struct ec2_subnet_row *subnet = nic ? ec2_subnet_get(txn, nic->subnet_id) : NULL;
    const struct ec2_vpc_row *row = nic ? ec2_vpc_get(txn, nic->vpc_id) : NULL;
    struct sandbox_vpc *vpc = row && subnet ? sandbox_vpc_open(b->s, row) : NULL;
    struct ip4_block block;

    if (!vpc || !ip4_block_parse(subnet->cidr, &block) ||
        !ip4_parse(nic->private_ip, &req->private_ip) || !parse_mac(nic->mac, req->mac))
        return error_origin(ENOENT, "there is no interface %.*s", STR_ARG(id));
    req->vpc = (uint32_t)row->number;
    req->prefix = block.bits;
    req->gateway = ip4_block_nth(block, 1);
    req->subnet = (uint32_t)subnet->number;
    req->class = sandbox_network_ready(b->s, vpc, txn, nic);
    if (nic->public_ip.n)
        ip4_parse(nic->public_ip, &req->public_ip);
    return 0;
}

/* Within a look's transaction: it is the caller's to read in. */
static int
start(void *ctx, struct txn *txn, struct str id, unsigned slot)
{
    static const char tail[] = "/" HOST_BALANCERS_PROGRAM "\0idle";
    struct host_balancers *b = ctx;
    struct priv_launch req = {.slot = FIRST_SLOT - slot,
                              .init = PRIV_INIT_COMMAND,
                              .argc = 2,
                              .image = HOST_BALANCERS_IMAGE,
                              .hostname = "balancer",
                              .limits = {.pids = PIDS_MAX, .memory_bytes = MEMORY_BYTES}};
    struct env *env = loop_env(loop_of(b));
    uint64_t number;
    int r = launch_of(b, txn, id, &req);

    assert(slot > 0 && !map_get(&b->by_id, id));
    if (r < 0)
        return r;
    struct node *node = calloc(1, sizeof(*node));

    if (!node)
        abort();
    node->b = b;
    node->control.fd = -1;
    env->random(env, &number, sizeof(number));
    snprintf(node->machine, sizeof(node->machine), "lb-%016llx", (unsigned long long)number);
    sandbox_id(node->id, id);
    sandbox_id(req.id, text(node->machine));
    buf_init(&node->in, SAID_MAX);
    buf_init(&node->out, 2 * (size_t)API_BALANCER_LINE_MAX);
    map_put(&b->by_id, text(node->id), node);
    map_put(&b->by_machine, text(node->machine), node);
    struct asked *asked = asked_new(node);

    r = sandbox_ask(b->s, PRIV_LAUNCH, &req, sizeof(req), str_of(tail, sizeof(tail)), launched,
                    asked);
    if (r < 0) {
        free(asked);
        node_free(node);
    }
    return r;
}

static void
stop(void *ctx, struct str id)
{
    struct host_balancers *b = ctx;
    struct node *node = map_get(&b->by_id, id);

    if (node)
        kill_node(node);
}

static int
tell(void *ctx, struct str id, struct str line)
{
    struct host_balancers *b = ctx;
    struct node *node = map_get(&b->by_id, id);

    assert(line.n > 0 && str_find_char(line, '\n') == SIZE_MAX);
    if (!node || node->control.fd < 0)
        return -ENOENT;
    if (node->out.n + line.n + 1 > node->out.max)
        return -ENOBUFS;
    buf_add_str(&node->out, line);
    buf_add_char(&node->out, '\n');
    send_told(node);
    return 0;
}

/* ---- events of the privileged process ---- */

/* The node's own end is told by its socket. */
static void
on_event(void *arg, struct priv_message *m)
{
    struct host_balancers *b = arg;
    const struct priv_ev_exited *ev =
        m->op == PRIV_EV_EXITED ? PRIV_BODY(struct priv_ev_exited, m->body) : NULL;
    struct node *node = ev ? map_get(&b->by_machine, text(ev->id)) : NULL;

    if (!node)
        return;
    node->launched = false;
    ended(node, S("The sandbox of the load balancer has ended"));
    remove_machine(node);
}

int
host_balancers_new(struct host_balancers **ret, struct host_sandbox *sandbox)
{
    const struct priv_hello hello = {.want_events = 1};
    struct host_balancers *b = calloc(1, sizeof(*b));
    struct priv_answer answer;
    struct arena a;

    if (!b)
        return error_origin(ENOMEM, "load balancers have no host");
    b->s = sandbox;
    b->flush.fn = flush;
    b->source = (struct loop_fd){.fd = -1, .fn = readable};
    b->driver = (struct api_balancers){.ctx = b, .start = start, .stop = stop, .tell = tell};
    map_init(&b->by_id, 1);
    map_init(&b->by_machine, 1);
    arena_init(&a, 64 << 10);
    int r = priv_connect(&b->conn, sandbox->config.data_dir);

    if (r >= 0)
        r = priv_call_wait(b->conn, &a, PRIV_HELLO, &hello, sizeof(hello), NULL, 0, NULL, 0,
                           ANSWER_LIMIT_MS, &answer);
    arena_done(&a);
    if (r >= 0) {
        b->source.fd = priv_fd(b->conn);
        r = loop_fd_add(loop_of(b), &b->source, EPOLLIN);
    }
    if (r < 0) {
        b->source.fd = -1;
        host_balancers_free(b);
        return error_origin(-r, "load balancers cannot reach the privileged process");
    }
    *ret = b;
    return 0;
}

struct host_balancers *
host_balancers_free(struct host_balancers *b)
{
    struct node *node;

    if (!b)
        return NULL;
    if (b->source.fd >= 0)
        loop_fd_remove(loop_of(b), &b->source);
    b->source.fd = -1;
    loop_task_cancel(loop_of(b), &b->flush);
    MAP_EACH(&b->by_machine, entry)
        ((struct node *)entry->value)->stopping = true;
    if (b->conn)
        priv_conn_free(b->conn); /* requests on their way end here */
    do {
        node = NULL;
        MAP_EACH(&b->by_machine, entry)
            node = entry->value;
        if (node)
            node_free(node);
    } while (node);
    map_done(&b->by_id);
    map_done(&b->by_machine);
    free(b);
    return NULL;
}

const struct api_balancers *
host_balancers_driver(struct host_balancers *b)
{
    return &b->driver;
}

void
host_balancers_attach(struct host_balancers *b, const struct api_balancer_events *events)
{
    assert(events->up && events->ended && events->said);
    b->events = *events;
    priv_on_event(b->conn, on_event, b);
}
