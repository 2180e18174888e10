/*
 * A sandbox of a function, from start() to stop():
 *
 *   LAUNCH   process 1 is a shell that sleeps, and reaps what is left to it
 *   EXEC     as root: the code is unpacked, /tmp is made, the rest becomes read-only
 *   EXEC     as Lambda's user: the runtime, until it ends or is killed
 *   KILL, REMOVE
 *
 * The network is made before the first one: a VPC of a number that no row has.
 */
#include "host/functions_internal.h"

#include "base/error.h"
#include "base/log.h"
#include "codec/zip.h"
#include "gen/data/lambda.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAR_BYTES_MAX ((size_t)320 << 20)
#define ANSWER_LIMIT_MS 5000
#define NAT_IP (FUNCTIONS_NETWORK + 3)
#define PUBLIC_IP 0xc613fffeu /* 198.19.255.254, which EC2 gives to nobody */

enum {
    VPC_NUMBER = 0, /* those of rows are from 1 */
    GROUP = 1,
    CLASS = 1,
    SUBNET = 1,
    FIRST_SLOT = PRIV_SLOTS - HOST_FUNCTIONS_MAX,
    TRIES_MAX = 100,
    LAMBDA_UID = 993, /* sbx_user1051 */
    LAMBDA_GID = 990,
    PIDS_MAX = 1024,
    CPU_FULL_MIB = 1769, /* of memory come with one processor */
    PIPE_READS = 16,
    ENV_BYTES_MAX = 32 << 10,
    MISSING_MS = 60000,
};

static const char process_1[] = "while :; do sleep 1000000; done";
static const char prepare[] =
    "set -e; umask 022; mkdir -p /var/task /var/runtime /tmp /opt; chmod 1777 /tmp; "
    "tar -x -f - -C /; mount -o bind /tmp /tmp; mount -o remount,bind,ro /";

/* ---- the connection ---- */

static void
process(struct host_functions *f)
{
    int r = priv_process(f->conn);

    if (r < 0) {
        error_origin(-r, "functions have lost the privileged process");
        loop_fd_remove(f->config.loop, &f->source);
        f->source.fd = -1;
        return;
    }
    loop_fd_change(f->config.loop, &f->source,
                   EPOLLIN | (priv_wants_write(f->conn) ? (uint32_t)EPOLLOUT : 0));
}

static void
readable(struct loop_fd *source, uint32_t events UNUSED)
{
    process(CONTAINER_OF(source, struct host_functions, source));
}

static void
flush(struct loop_task *task)
{
    struct host_functions *f = CONTAINER_OF(task, struct host_functions, flush);

    if (f->source.fd >= 0)
        process(f);
}

static int
ask(struct host_functions *f, enum priv_op op, const void *req, size_t n, struct str tail,
    const int *fds, size_t n_fds, priv_reply_fn *fn, const void *arg)
{
    int r = priv_send(f->conn, op, req, n, tail.p, tail.n, fds, n_fds, fn, (void *)(uintptr_t)arg);

    assert(op > 0 && op < PRIV_OPS && fn);
    loop_defer(f->config.loop, &f->flush);
    return r;
}

static void
logged(void *arg, struct priv_message *m)
{
    if (m->status < 0)
        log_warn("the privileged process refused %s: %.*s", (const char *)arg, STR_ARG(m->body));
}

/* A box may be gone when its answer comes: answers are found by their box's name. */
struct asked {
    struct host_functions *f;
    size_t id_n;
    char id[API_FUNCTION_ID_MAX];
};

static struct asked *
asked_new(const struct box *box)
{
    struct asked *asked = calloc(1, sizeof(*asked));

    if (!asked)
        abort();
    assert(box->id_n > 0 && box->id_n <= sizeof(asked->id));
    asked->f = box->f;
    asked->id_n = box->id_n;
    memcpy(asked->id, box->id, box->id_n);
    return asked;
}

static struct box *
asked_end(struct asked *asked)
{
    struct box *box = map_get(&asked->f->by_id, str_of(asked->id, asked->id_n));

    assert(!box || (box->f == asked->f && box->f->boxes[box->slot] == box));

    free(asked);
    return box;
}

/* Nobody can be told from within a call of the driver: the function's time ends it. */
static void
overloaded(struct asked *asked)
{
    struct box *box = asked_end(asked);

    log_error("the privileged process is overloaded: a function's sandbox cannot go on");
    if (box && !box->launched)
        box->failed = true;
}

/* ---- the network ---- */

static void
network_answered(void *arg, struct priv_message *m)
{
    struct host_functions *f = arg;
    struct http_listener *listener;
    int fds[PRIV_LISTEN_ALL];

    assert(f->network_asked && f->server);
    if (m->status < 0 || m->n_fds <= PRIV_LISTEN_ALL) {
        log_error("the network of functions cannot be made: %.*s", STR_ARG(m->body));
        f->network_asked = false;
        return;
    }
    for (size_t i = 0; i < PRIV_LISTEN_ALL; i++) {
        fds[i] = m->fds[i];
        m->fds[i] = -1;
    }
    if (http_server_listen(f->server, m->fds[PRIV_LISTEN_ALL], NULL, &listener) >= 0)
        m->fds[PRIV_LISTEN_ALL] = -1;
    f->config.vpc_opened(f->config.ctx, S(HOST_FUNCTIONS_VPC), fds);
}

/*
 * Everybody may send, to the listeners and out by one public address; nobody receives what he did
 * not ask for.
 */
static void
open_network(struct host_functions *f)
{
    struct priv_vpc_open vpc = {
        .number = VPC_NUMBER,
        .id = HOST_FUNCTIONS_VPC,
        .n_cidrs = 1,
        .cidrs = {{FUNCTIONS_NETWORK, FUNCTIONS_PREFIX}},
        .n_extra = PRIV_LISTEN_ALL - PRIV_LISTEN_EXTRA + 1,
        .extra = {{PRIV_API_IP, 443}, {PRIV_API_IP, 80}, {RUNTIME_API_IP, RUNTIME_API_PORT}},
    };
    const struct priv_group group = {.vpc = VPC_NUMBER, .group = GROUP, .n_rules = 1};
    const struct priv_rule all = {
        .egress = 1, .peer = PRIV_PEER_CIDR, .protocol = PRIV_PROTO_ALL, .from = -1, .to = -1};
    struct priv_class class = {.vpc = VPC_NUMBER, .class = CLASS, .n_groups = 1, .groups = {GROUP}};
    const struct priv_subnet subnet = {
        .vpc = VPC_NUMBER, .subnet = SUBNET, .n_routes = 1, .n_entries = 2};
    const struct {
        struct priv_route route;
        struct priv_acl_entry entries[2];
    } edge = {{.to = PRIV_ROUTE_NAT, .via = NAT_IP},
              {{.egress = 0, .allow = 1, .protocol = PRIV_PROTO_ALL, .from = -1, .to = -1},
               {.egress = 1, .allow = 1, .protocol = PRIV_PROTO_ALL, .from = -1, .to = -1}}};
    const struct priv_public_ip nat = {
        .vpc = VPC_NUMBER, .public_ip = PUBLIC_IP, .private_ip = NAT_IP};

    assert(!f->network_asked && f->source.fd >= 0);
    f->network_asked = true;
    ask(f, PRIV_VPC_OPEN, &vpc, sizeof(vpc), STR_NONE, NULL, 0, network_answered, f);
    ask(f, PRIV_GROUP, &group, sizeof(group), str_of(&all, sizeof(all)), NULL, 0, logged,
        "the rules of functions");
    ask(f, PRIV_CLASS, &class, sizeof(class), STR_NONE, NULL, 0, logged, "the class of functions");
    ask(f, PRIV_SUBNET, &subnet, sizeof(subnet), str_of(&edge, sizeof(edge)), NULL, 0, logged,
        "the subnet of functions");
    ask(f, PRIV_PUBLIC_IP, &nat, sizeof(nat), STR_NONE, NULL, 0, logged,
        "the public address of functions");
}

/* ---- the end of a box ---- */

static void
box_free(struct box *box)
{
    struct host_functions *f = box->f;

    assert(f->boxes[box->slot] == box && !box->held);
    f->boxes[box->slot] = NULL;
    map_remove(&f->by_id, box_id(box));
    if (box->log.fd >= 0) {
        loop_fd_remove(f->config.loop, &box->log);
        close(box->log.fd);
    }
    if (box->log_end >= 0)
        close(box->log_end);
    if (box->code_fd >= 0)
        close(box->code_fd);
    buf_wipe(&box->env);
    buf_done(&box->env);
    free(box);
}

static void
kill_machine(struct box *box)
{
    struct priv_signal req = {.how = PRIV_KILL};

    assert(box->id_n > 0 && box->id_n < sizeof(req.id));
    assert(box->stopping && box->launched);
    memcpy(req.id, box->id, box->id_n);
    ask(box->f, PRIV_SIGNAL, &req, sizeof(req), STR_NONE, NULL, 0, logged,
        "to kill a function's sandbox");
}

static void
remove_machine(struct box *box)
{
    struct priv_machine req = {0};

    assert(box->id_n > 0 && box->id_n < sizeof(req.id));
    assert(box->stopping && !box->launched);
    memcpy(req.id, box->id, box->id_n);
    ask(box->f, PRIV_REMOVE, &req, sizeof(req), STR_NONE, NULL, 0, logged,
        "to remove a function's sandbox");
    box_free(box);
}

/* The runner will stop it. */
static void
ended(struct box *box, struct str why, struct str sentence)
{
    struct host_functions *f = box->f;

    assert(box->id_n > 0 && f->events.ended);
    if (box->stopping)
        return;
    box_drain(box);
    f->events.ended(f->events.ctx, box_id(box), why, sentence);
}

/* ---- what it prints ---- */

void
box_drain(struct box *box)
{
    struct host_functions *f = box->f;
    char bytes[4096];
    ssize_t n;

    assert(box->id_n > 0 && f->events.printed);
    for (int i = 0; i < PIPE_READS && box->log.fd >= 0; i++) {
        n = read(box->log.fd, bytes, sizeof(bytes));
        if (n <= 0) {
            if (n == 0) {
                loop_fd_remove(f->config.loop, &box->log);
                close(box->log.fd);
                box->log.fd = -1;
            }
            return;
        }
        if (!box->stopping)
            f->events.printed(f->events.ctx, box_id(box), str_of(bytes, (size_t)n));
    }
}

static void
printed(struct loop_fd *source, uint32_t events UNUSED)
{
    box_drain(CONTAINER_OF(source, struct box, log));
}

static int
open_log(struct box *box)
{
    int fds[2];

    assert(box->log.fd < 0 && box->log_end < 0);
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    /* the guest's end blocks, as its programs expect */
    fcntl(fds[1], F_SETFL, O_WRONLY);
    box->log = (struct loop_fd){.fd = fds[0], .fn = printed};
    box->log_end = fds[1];
    return loop_fd_add(box->f->config.loop, &box->log, EPOLLIN);
}

/* ---- programs in it ---- */

static void
exec_answered(void *arg, struct priv_message *m)
{
    struct box *box = asked_end(arg);
    const struct priv_exec_reply *reply =
        m->status < 0 ? NULL : PRIV_BODY(struct priv_exec_reply, m->body);

    if (!box)
        return;
    assert(!reply || reply->exec != 0);
    if (reply)
        box->exec = reply->exec;
    else
        ended(box, STR_NONE, m->body);
}

static void
run(struct box *box, const char *const *argv, bool root, struct str env, uint16_t n_env, int in)
{
    struct priv_exec req = {.envc = n_env, .cwd = 1};
    int fds[3] = {in, box->log_end, box->log_end};
    struct buf tail;

    assert(argv[0] && box->id_n < sizeof(req.id));
    memcpy(req.id, box->id, box->id_n);
    req.uid = root ? 0 : LAMBDA_UID;
    req.gid = root ? 0 : LAMBDA_GID;
    buf_init(&tail, PRIV_MESSAGE_MAX - sizeof(struct priv_header) - sizeof(req));
    for (; argv[req.argc]; req.argc++)
        buf_add(&tail, argv[req.argc], strlen(argv[req.argc]) + 1);
    buf_add_str(&tail, env);
    buf_add_str(&tail, root ? str_of("/", 2) : str_of("/var/task", 10));
    assert(!buf_failed(&tail) && in >= 0 && box->log_end >= 0);
    struct asked *asked = asked_new(box);

    if (ask(box->f, PRIV_EXEC, &req, sizeof(req), buf_str(&tail), fds, 3, exec_answered, asked) < 0)
        overloaded(asked);
    buf_wipe(&tail);
    buf_done(&tail);
}

static void
run_prepare(struct box *box)
{
    static const char *const argv[] = {"/bin/sh", "-c", prepare, NULL};
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    assert(box->launched && !box->runs && box->code_fd >= 0);
    run(box, argv, true, str_of(path, sizeof(path)), 1, box->code_fd);
    close(box->code_fd);
    box->code_fd = -1;
}

static void
run_runtime(struct box *box)
{
    static const char *const python[] = {"/usr/bin/python3", "/var/runtime/bootstrap.py", NULL};
    static const char *const provided[] = {"/var/task/bootstrap", NULL};
    bool is_python = str_starts(str_from(box->runtime), S("python"));
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert(!box->runs && box->code_fd < 0 && box->n_env > 0);
    box->runs = true;
    if (nothing < 0) {
        ended(box, STR_NONE, S("/dev/null cannot be opened"));
        return;
    }
    run(box, is_python ? python : provided, false, buf_str(&box->env), box->n_env, nothing);
    close(nothing);
    close(box->log_end);
    box->log_end = -1;
    buf_wipe(&box->env);
}

/* "exit status 1", "signal: killed" */
static struct str
status_text(int32_t status, char room[64])
{
    int n = WIFSIGNALED(status)
                ? snprintf(room, 64, "signal: %s",
                           WTERMSIG(status) == SIGKILL ? "killed" : strsignal(WTERMSIG(status)))
                : snprintf(room, 64, "exit status %d", WEXITSTATUS(status));

    assert(n > 0);
    return str_of(room, MIN((size_t)n, (size_t)63));
}

static void
exec_ended(struct host_functions *f, const struct priv_ev_exec_exited *ev)
{
    struct box *box = NULL;
    char room[64];

    for (size_t i = 0; i < HOST_FUNCTIONS_MAX && !box; i++)
        if (f->boxes[i] && f->boxes[i]->exec == ev->exec)
            box = f->boxes[i];
    if (!box)
        return;
    assert(ev->exec != 0 && box->launched);
    box->exec = 0;
    if (box->stopping)
        return;
    if (box->runs)
        ended(box, status_text(ev->status, room), STR_NONE);
    else if (ev->status == 0)
        run_runtime(box);
    else
        ended(box, STR_NONE,
              S("The sandbox of a function could not be prepared: its image must have sh, tar and "
                "mount. `welkin up --verbose` shows what they said."));
}

/* ---- a launch ---- */

/* Which images may be the runtime's, the best first. */
static bool
image_name(const struct box *box, unsigned i, char out[64])
{
    bool provided = str_starts(str_from(box->runtime), S("provided"));

    if (i == 0)
        snprintf(out, 64, "lambda-%s", box->runtime);
    else if (i == 1)
        snprintf(out, 64, "debian");
    else if (i == 2 && provided)
        snprintf(out, 64, "tiny");
    else
        return false;
    return true;
}

/* Each launch by a name that is not there is a line of the log: it is tried again after a while. */
static void
note_missing(struct host_functions *f, const char *name)
{
    struct missing *at = &f->missing[f->next_missing++ % ARRAY_LEN(f->missing)];

    assert(name[0] != '\0' && strlen(name) < sizeof(at->name));
    snprintf(at->name, sizeof(at->name), "%s", name);
    at->until_ms = loop_now_ms(f->config.loop, LOOP_MONO) + MISSING_MS;
}

static bool
is_missing(const struct host_functions *f, const char *name)
{
    int64_t now_ms = loop_now_ms(f->config.loop, LOOP_MONO);

    for (size_t i = 0; i < ARRAY_LEN(f->missing); i++)
        if (f->missing[i].until_ms > now_ms && strcmp(f->missing[i].name, name) == 0)
            return true;
    return false;
}

static void launch(struct box *box);

/* Another place, when the host still has somebody in this one. */
static bool
take_place(struct box *box)
{
    struct host_functions *f = box->f;

    for (unsigned i = 0; i < HOST_FUNCTIONS_MAX; i++) {
        unsigned slot = f->next_slot++ % HOST_FUNCTIONS_MAX;

        if (f->boxes[slot])
            continue;
        if (f->boxes[box->slot] == box)
            f->boxes[box->slot] = NULL;
        f->boxes[slot] = box;
        box->slot = slot;
        assert(f->boxes[slot] == box);
        return true;
    }
    return false;
}

static void
no_image(struct box *box)
{
    char text[300];
    int n = snprintf(text, sizeof(text),
                     "There is no image for the runtime %s: make one with `welkin image build "
                     "debian`, or import one as lambda-%s.",
                     box->runtime, box->runtime);

    assert(n > 0 && (size_t)n < sizeof(text));
    ended(box, STR_NONE, str_of(text, (size_t)n));
}

static void
launched(void *arg, struct priv_message *m)
{
    struct box *box = asked_end(arg);
    char name[64];

    assert(box); /* it stays until the launch was answered */
    if (m->status >= 0) {
        box->launched = true;
        if (box->stopping)
            kill_machine(box);
        else
            run_prepare(box);
        return;
    }
    if (box->stopping) {
        remove_machine(box);
        return;
    }
    if (m->status == -ENOENT && image_name(box, box->image, name))
        note_missing(box->f, name);
    if (m->status == -ENOENT && image_name(box, box->image + 1, name)) {
        box->image++;
        launch(box);
    } else if (m->status == -EBUSY && box->tries++ < TRIES_MAX && take_place(box)) {
        launch(box);
    } else {
        box->failed = true;
        if (m->status == -ENOENT)
            no_image(box);
        else
            ended(box, STR_NONE, m->body);
    }
}

static void
launch(struct box *box)
{
    static const char tail[] = "/bin/sh\0-c\0";
    struct priv_launch req = {.vpc = VPC_NUMBER,
                              .slot = FIRST_SLOT + box->slot,
                              .private_ip = FUNCTIONS_FIRST_IP + box->slot,
                              .prefix = FUNCTIONS_PREFIX,
                              .gateway = FUNCTIONS_NETWORK + 1,
                              .class = CLASS,
                              .subnet = SUBNET,
                              .mac = {2, 0, 0x6c, 0, (uint8_t)(box->slot >> 8), (uint8_t)box->slot},
                              .init = PRIV_INIT_COMMAND,
                              .argc = 3,
                              .limits = {.pids = PIDS_MAX}};
    char image[64], argv[sizeof(tail) - 1 + sizeof(process_1)];

    image_name(box, box->image, image);
    while (is_missing(box->f, image) && image_name(box, box->image + 1, image))
        box->image++;
    image_name(box, box->image, image);
    assert(!box->launched && !box->stopping && box->slot < HOST_FUNCTIONS_MAX);
    memcpy(req.id, box->id, box->id_n);
    memcpy(req.image, image, strlen(image));
    snprintf(req.hostname, sizeof(req.hostname), "%s", box->id);
    req.limits.memory_bytes = (uint64_t)box->memory_mib << 20;
    req.limits.cpu_milli = (uint32_t)MAX(box->memory_mib * 1000 / CPU_FULL_MIB, 100);
    memcpy(argv, tail, sizeof(tail) - 1);
    memcpy(argv + sizeof(tail) - 1, process_1, sizeof(process_1));
    struct asked *asked = asked_new(box);

    if (ask(box->f, PRIV_LAUNCH, &req, sizeof(req), str_of(argv, sizeof(argv)), NULL, 0, launched,
            asked) < 0)
        overloaded(asked);
}

/* ---- the driver ---- */

/* The code, the runtime and the resolver's address, as a file that only we have. */
static int
pack(struct box *box, struct str code)
{
    struct buf tar;
    struct zip zip;
    struct arena a;
    int fd = memfd_create("code", MFD_CLOEXEC);
    bool ok;

    arena_init(&a, (size_t)16 << 20);
    buf_init(&tar, TAR_BYTES_MAX);
    ok = fd >= 0 && zip_open(&a, code, &zip) && zip_to_tar(&zip, "var/task", &tar);
    tar_add(&tar, "var/runtime/bootstrap.py", str_from(lambda_bootstrap));
    tar_add(&tar, "etc/resolv.conf", S("nameserver 169.254.169.253\n"));
    tar_end(&tar);
    for (size_t at = 0; ok && at < tar.n;) {
        ssize_t n = write(fd, tar.p + at, tar.n - at);

        ok = n > 0;
        at += ok ? (size_t)n : 0;
    }
    ok = ok && !buf_failed(&tar) && lseek(fd, 0, SEEK_SET) == 0;
    buf_done(&tar);
    arena_done(&a);
    box->code_fd = fd;
    return ok ? 0 : error_origin(EIO, "the code of a function cannot be unpacked");
}

static void
put_env(struct box *box, struct str one)
{
    assert(one.n > 0);
    buf_add_str(&box->env, one);
    buf_add_char(&box->env, '\0');
    box->n_env++;
}

static int
start(void *ctx, const struct api_function_start *start, struct str *ret_why)
{
    struct host_functions *f = ctx;
    struct box *box = calloc(1, sizeof(*box));

    if (!box)
        abort();
    assert(start->id.n < sizeof(box->id) && start->runtime.n < sizeof(box->runtime));
    assert(!map_get(&f->by_id, start->id) && start->memory_mib > 0);
    if (!f->network_asked)
        open_network(f);
    box->f = f;
    box->id_n = start->id.n;
    memcpy(box->id, start->id.p, start->id.n);
    memcpy(box->runtime, start->runtime.p, start->runtime.n);
    box->memory_mib = start->memory_mib;
    box->code_fd = box->log.fd = box->log_end = -1;
    buf_init(&box->env, ENV_BYTES_MAX);
    LIST_EACH(&start->env, one)
        put_env(box, *one);
    put_env(box, S("AWS_LAMBDA_RUNTIME_API=169.254.100.1:9001"));
    put_env(box, S("AWS_ENDPOINT_URL=http://169.254.170.200"));
    if (buf_failed(&box->env) || !take_place(box)) {
        buf_done(&box->env);
        free(box);
        *ret_why = S("There is no room for another sandbox of a function.");
        return -ENOSPC;
    }
    map_put(&f->by_id, box_id(box), box);
    int r = pack(box, start->code);

    if (r >= 0)
        r = open_log(box);
    if (r < 0) {
        box->stopping = true; /* stop() finds nothing any more */
        box_free(box);
        return r;
    }
    launch(box);
    return 0;
}

static void
give(void *ctx, struct str id, const struct api_function_work *work)
{
    struct host_functions *f = ctx;
    struct box *box = map_get(&f->by_id, id);

    if (box && !box->stopping)
        functions_api_give(box, work);
}

static void
stop(void *ctx, struct str id)
{
    struct host_functions *f = ctx;
    struct box *box = map_get(&f->by_id, id);

    if (!box || box->stopping)
        return;
    box->stopping = true;
    functions_api_end(box);
    if (box->launched)
        kill_machine(box); /* its end is told of */
    else if (box->failed)
        remove_machine(box);
}

static void
freeze(void *ctx, struct str id, bool frozen)
{
    struct host_functions *f = ctx;
    struct box *box = map_get(&f->by_id, id);
    struct priv_freeze req = {.frozen = frozen};

    if (!box || box->stopping || box->frozen == frozen)
        return;
    assert(box->launched || box->failed);
    box->frozen = frozen;
    memcpy(req.id, box->id, box->id_n);
    ask(f, PRIV_FREEZE, &req, sizeof(req), STR_NONE, NULL, 0, logged,
        "to freeze a function's sandbox");
}

static int64_t
memory(void *ctx, struct str id)
{
    struct host_functions *f = ctx;
    struct box *box = map_get(&f->by_id, id);
    struct priv_machine req = {0};
    struct priv_answer answer;
    struct arena a;

    if (!box || box->stopping || !box->launched)
        return 0;
    memcpy(req.id, box->id, box->id_n);
    arena_init(&a, 64 << 10);
    int r = priv_call_wait(f->asks, &a, PRIV_STATS, &req, sizeof(req), NULL, 0, NULL, 0,
                           ANSWER_LIMIT_MS, &answer);
    const struct priv_stats_reply *reply =
        r < 0 ? NULL : PRIV_BODY(struct priv_stats_reply, answer.body);

    if (reply)
        box->used_mib = MAX(box->used_mib, (int64_t)(reply->memory_bytes >> 20) + 1);
    arena_done(&a);
    return MIN(box->used_mib, box->memory_mib);
}

/* ---- events of the privileged process ---- */

static void
on_event(void *arg, struct priv_message *m)
{
    struct host_functions *f = arg;

    if (m->op == PRIV_EV_EXEC_EXITED) {
        const struct priv_ev_exec_exited *ev = PRIV_BODY(struct priv_ev_exec_exited, m->body);

        if (ev)
            exec_ended(f, ev);
    } else if (m->op == PRIV_EV_EXITED) {
        const struct priv_ev_exited *ev = PRIV_BODY(struct priv_ev_exited, m->body);
        struct box *box =
            ev ? map_get(&f->by_id, str_of(ev->id, strnlen(ev->id, sizeof(ev->id)))) : NULL;

        if (!box || !box->launched)
            return;
        assert(!box->failed && f->boxes[box->slot] == box);
        box->launched = false;
        box->failed = true;
        if (box->stopping)
            remove_machine(box);
        else
            ended(box, S("signal: killed"), STR_NONE);
    }
}

static int
hello(struct priv_conn *conn, bool events)
{
    const struct priv_hello req = {.want_events = events};
    struct priv_answer answer;
    struct arena a;

    arena_init(&a, 64 << 10);
    int r = priv_call_wait(conn, &a, PRIV_HELLO, &req, sizeof(req), NULL, 0, NULL, 0,
                           ANSWER_LIMIT_MS, &answer);

    arena_done(&a);
    return r;
}

int
host_functions_new(struct host_functions **ret, const struct host_functions_config *config)
{
    struct host_functions *f = calloc(1, sizeof(*f));

    assert(config->loop && config->data_dir && config->vpc_opened);
    if (!f)
        return error_origin(ENOMEM, "functions have no host");
    f->config = *config;
    f->flush.fn = flush;
    f->source = (struct loop_fd){.fd = -1, .fn = readable};
    f->driver = (struct api_functions){.ctx = f,
                                       .max = HOST_FUNCTIONS_MAX - 1,
                                       .start = start,
                                       .give = give,
                                       .stop = stop,
                                       .freeze = freeze,
                                       .memory = memory};
    int r = priv_connect(&f->conn, config->data_dir);

    if (r >= 0)
        r = priv_connect(&f->asks, config->data_dir);
    if (r >= 0)
        r = hello(f->conn, true);
    if (r >= 0)
        r = hello(f->asks, false);
    if (r >= 0)
        r = functions_api_new(f);
    if (r >= 0) {
        f->source.fd = priv_fd(f->conn);
        r = loop_fd_add(config->loop, &f->source, EPOLLIN);
    }
    if (r < 0) {
        f->source.fd = -1;
        host_functions_free(f);
        return error_origin(-r, "functions cannot reach the privileged process");
    }
    *ret = f;
    return 0;
}

struct host_functions *
host_functions_free(struct host_functions *f)
{
    if (!f)
        return NULL;
    if (f->source.fd >= 0)
        loop_fd_remove(f->config.loop, &f->source);
    f->source.fd = -1;
    loop_task_cancel(f->config.loop, &f->flush);
    for (size_t i = 0; i < HOST_FUNCTIONS_MAX; i++)
        if (f->boxes[i])
            f->boxes[i]->stopping = true;
    if (f->conn)
        priv_conn_free(f->conn); /* requests on their way end here */
    if (f->asks)
        priv_conn_free(f->asks);
    for (size_t i = 0; i < HOST_FUNCTIONS_MAX; i++)
        if (f->boxes[i]) {
            if (f->boxes[i]->held)
                f->boxes[i]->held->on_gone = NULL;
            f->boxes[i]->held = NULL;
            box_free(f->boxes[i]);
        }
    http_server_free(f->server);
    map_done(&f->by_id);
    free(f);
    return NULL;
}

const struct api_functions *
host_functions_driver(struct host_functions *f)
{
    return &f->driver;
}

void
host_functions_attach(struct host_functions *f, const struct api_function_events *events)
{
    assert(events->next && events->answered && events->ended);
    assert(!f->events.next && events->init_error && events->printed);
    f->events = *events;
    priv_on_event(f->conn, on_event, f);
}
