/*
 * The life of the daemon.
 *
 * It starts as root only to have the privileged process (host/priv.h) started and to make its
 * folders; it opens the database and parses its first byte from a network as an ordinary user.
 * The privileged process goes on when the daemon ends, and so do the instances; the next
 * `welkin up` takes them over.
 */
#include "daemon/daemon.h"

#include "base/log.h"
#include "daemon/hooks.h"
#include "gen/store/daemon_rows.h"
#include "guestnet/guestnet.h"
#include "loop/net.h"
#include "sys/blobs.h"
#include "sys/datadir.h"
#include "sys/rsa_pool.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

/* A sentence for the person at the terminal; answers the exit status. */
static int give_up(const char *fmt, ...) PRINTF_LIKE(1, 2);
static int
give_up(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("welkin: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return 1;
}

/* ---- the clock ---- */

int
daemon_clock_load(struct daemon *d)
{
    struct txn *txn = store_begin(cloud_store(d->cloud));
    const struct daemon_clock_row *row = daemon_clock_get(txn, S("clock"));

    if (row) {
        struct env_clock clock = {.stopped = row->stopped,
                                  .stopped_at_ms = row->stopped_at_ms,
                                  .offset_ms = row->offset_ms};

        env_real_set_clock(&clock);
        if (clock.stopped || clock.offset_ms)
            log_info("the cloud's clock is %s",
                     clock.stopped ? "stopped" : "ahead of the system's");
    }
    store_rollback(txn);
    return 0;
}

int
daemon_clock_set(struct daemon *d, const struct env_clock *clock)
{
    struct daemon_clock_row row = {.id = S("clock"),
                                   .stopped = clock->stopped,
                                   .stopped_at_ms = clock->stopped_at_ms,
                                   .offset_ms = clock->offset_ms};
    struct txn *txn = store_begin(cloud_store(d->cloud));
    int r = daemon_clock_get(txn, row.id) ? daemon_clock_update(txn, &row)
                                          : daemon_clock_insert(txn, &row);

    assert(!clock->stopped || clock->stopped_at_ms > 0);
    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    store_commit(txn);
    env_real_set_clock(clock);
    loop_clock_changed(d->loop);
    log_info("the cloud's clock was set");
    return 0;
}

/* ---- stopping ---- */

/*
 * Takes no more calls, answers those that wait for the disk, and ends the loop.  (The second
 * ctrl-C of an impatient user is the system's: SIGINT is not blocked any more.)
 */
static void
on_signal(struct loop_fd *source, uint32_t events UNUSED)
{
    struct daemon *d = CONTAINER_OF(source, struct daemon, signals);
    struct signalfd_siginfo info;
    sigset_t set;

    assert(d->front && d->cloud);
    if (read(source->fd, &info, sizeof(info)) != sizeof(info))
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    log_info("stopping");
    if (d->sandbox)
        log_info("instances run on: `welkin up` takes them over, `welkin down` ends them");
    front_stop(d->front);
    store_flush(cloud_store(d->cloud));
    loop_stop(d->loop);
}

static int
watch_signals(struct daemon *d)
{
    assert(d->loop && d->signals.fd < 0);
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    d->signals.fn = on_signal;
    d->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (d->signals.fd < 0)
        return -errno;
    return loop_fd_add(d->loop, &d->signals, EPOLLIN);
}

/* ---- privilege ---- */

static void
ids_of_daemon(uid_t *ret_uid, gid_t *ret_gid)
{
    const struct passwd *pw = getpwnam("welkin");

    *ret_uid = pw ? pw->pw_uid : NOBODY;
    *ret_gid = pw ? pw->pw_gid : NOBODY;
}

/*
 * Gives a file of the data folder to the daemon.  By descriptor, and only a plain file with one
 * name: a link there may lead to anything that is root's.
 */
static int
give_file(const char *path, uid_t uid, gid_t gid)
{
    struct stat st;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), r = 0;

    assert(path[0]);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(fd, &st) < 0)
        r = -errno;
    else if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        r = -EPERM;
    else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
        r = -errno;
    close(fd);
    return r;
}

/*
 * The folder is root's, and the daemon's group may add files to it, but neither rename nor delete
 * what is root's in it (the sticky bit): images, machines and run, which the privileged process
 * trusts.
 */
static int
make_folders(const char *data_dir, uid_t uid, gid_t gid)
{
    static const char *const ours[] = {"welkin.db",     "journal.0",   "journal.1", "welkin.db-wal",
                                       "welkin.db-shm", "welkin.lock", "root.key",  "ca.pem"};
    char path[PATH_MAX];

    assert(data_dir[0]);
    if (mkdir(data_dir, 0755) < 0 && errno != EEXIST)
        return -errno;
    /* It and the files may have been an ordinary user's before. */
    if (chown(data_dir, 0, gid) < 0 || chmod(data_dir, 01775) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        snprintf(path, sizeof(path), "%s/%s", data_dir, ours[i]);
        int r = give_file(path, uid, gid);

        if (r < 0)
            return r;
    }
    /* Closed: a setuid program of an image is root's on the host too. */
    snprintf(path, sizeof(path), "%s/images", data_dir);
    if ((mkdir(path, 0700) < 0 && errno != EEXIST) || chmod(path, 0700) < 0)
        return -errno;
    return 0;
}

static int
drop_privilege(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    if (setuid(0) == 0)
        return -ENOTRECOVERABLE; /* given up, and yet to be had */
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* ---- the hosts ---- */

static void
sandbox_lost(void *ctx)
{
    struct daemon *d = ctx;

    assert(d->loop);
    log_error("the privileged process ended: `welkin up` starts it anew and takes the instances "
              "over");
    d->exit_status = 1;
    loop_stop(d->loop);
}

static void
vpc_opened(void *ctx, struct str vpc_id, const int fds[PRIV_LISTEN_ALL])
{
    struct daemon *d = ctx;

    assert(d->front && d->guestnet && vpc_id.n > 0);
    if (fds[PRIV_LISTEN_API_TLS] >= 0 && fds[PRIV_LISTEN_API_HTTP] >= 0)
        front_add_vpc(d->front, vpc_id, fds[PRIV_LISTEN_API_TLS], fds[PRIV_LISTEN_API_HTTP]);
    guestnet_add_vpc(d->guestnet, vpc_id, fds);
}

static void
vpc_closed(void *ctx, struct str vpc_id)
{
    struct daemon *d = ctx;

    assert(d->front && d->guestnet && vpc_id.n > 0);
    front_remove_vpc(d->front, vpc_id);
    guestnet_remove_vpc(d->guestnet, vpc_id);
}

static void
heard(void *ctx, struct str instance_id)
{
    struct daemon *d = ctx;

    assert(instance_id.n > 0);
    host_heard(cloud_host(d->cloud), instance_id);
}

static void
asked(void *ctx, struct str instance_id, bool answered)
{
    struct daemon *d = ctx;

    assert(instance_id.n > 0);
    host_asked(cloud_host(d->cloud), instance_id, answered);
}

static void
no_token(void *ctx, struct str instance_id, bool refused)
{
    struct daemon *d = ctx;

    assert(instance_id.n > 0);
    host_usage_no_token(cloud_usage(d->cloud), instance_id, refused);
}

static void
attach_sandbox(void *ctx, const struct host_events *events)
{
    host_sandbox_attach(ctx, events);
}

static void
attach_sim(void *ctx, const struct host_events *events)
{
    host_sim_attach(ctx, events);
}

static uint32_t
read_nameserver(void)
{
    char text[4096];
    int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));

    if (fd >= 0)
        close(fd);
    return n > 0 ? guestnet_nameserver(str_of(text, (size_t)n)) : 0;
}

/* As root: the default image, and the privileged process. */
static int
prepare_sandbox(struct daemon *d, struct arena *arena, uid_t uid)
{
    struct priv_config priv = {.data_dir = d->config.data_dir, .daemon_uid = uid, .log_fd = 2};

    assert(d->config.host == DAEMON_HOST_SANDBOX && geteuid() == 0);
    if (!image_find_file(arena, "welkin-init", &priv.guest_init))
        return give_up("welkin-init is not beside this program: build it with `make`.");
    if (!image_exists(d->config.data_dir, S("tiny"))) {
        log_info("making the image tiny, the default of the first run");
        int r = image_build(arena, d->config.data_dir, "tiny");
        if (r < 0)
            return give_up("The image tiny could not be made (%s). Is busybox-static installed?",
                           strerror(-r));
    }
    int r = priv_spawn(&priv);
    if (r < 0)
        return give_up("The privileged process cannot be started: %s.", strerror(-r));
    return 0;
}

static int
start_functions(struct daemon *d)
{
    const struct host_functions_config config = {
        .loop = d->loop, .data_dir = d->config.data_dir, .ctx = d, .vpc_opened = vpc_opened};
    struct api_function_events events;
    int r = host_functions_new(&d->functions, &config);

    if (r < 0)
        return r;
    cloud_run_functions(d->cloud, host_functions_driver(d->functions), &events);
    host_functions_attach(d->functions, &events);
    return 0;
}

static int
start_sandbox(struct daemon *d, struct arena *arena)
{
    struct guestnet_config net = {
        .loop = d->loop,
        .store = cloud_store(d->cloud),
        .heard = heard,
        .asked = asked,
        .no_token = no_token,
        .ctx = d,
        .upstream_dns = read_nameserver(),
    };
    struct host_sandbox_config config = {
        .loop = d->loop,
        .store = cloud_store(d->cloud),
        .data_dir = d->config.data_dir,
        .trust = trust_pem(d->trust),
        .trust_hash = trust_hash(d->trust),
        .ctx = d,
        .vpc_opened = vpc_opened,
        .vpc_closed = vpc_closed,
        .lost = sandbox_lost,
    };
    struct str why;
    int r = guestnet_new(&d->guestnet, &net);

    assert(d->cloud && d->trust && d->admin && !d->sim);
    if (r >= 0)
        r = host_sandbox_new(&d->sandbox, &config, arena, &why);
    if (r == -EPERM)
        return give_up("Sandboxes cannot run here:\n%.*sWith `--host sim` everything but the "
                       "instances themselves works.",
                       STR_ARG(why));
    if (r < 0)
        return give_up("The sandbox host cannot be used: %s.", strerror(-r));
    host_sandbox_on_console(d->sandbox, admin_console, d->admin);
    r = cloud_start(d->cloud, host_sandbox_driver(d->sandbox), attach_sandbox, d->sandbox);
    if (r >= 0)
        r = start_functions(d);
    return r < 0 ? give_up("The host cannot be started: %s.", strerror(-r)) : 0;
}

static int
start_sim(struct daemon *d)
{
    struct host_sim_config config = {
        .loop = d->loop, .boot_ms = d->config.sim_boot_ms, .stop_ms = d->config.sim_stop_ms};

    assert(d->cloud && !d->sandbox);
    d->sim = host_sim_new(&config);
    int r = d->sim ? cloud_start(d->cloud, host_sim_driver(d->sim), attach_sim, d->sim) : -ENOMEM;
    return r < 0 ? give_up("The host cannot be started: %s.", strerror(-r)) : 0;
}

/* ---- life ---- */

/* Everything that root is needed for; afterwards the process is the daemon's user. */
static int
start_as_root(struct daemon *d, struct arena *arena)
{
    uid_t uid;
    gid_t gid;

    assert(geteuid() == 0);
    ids_of_daemon(&uid, &gid);
    int r = make_folders(d->config.data_dir, uid, gid);
    if (r < 0)
        return give_up("%s cannot be made: %s.", d->config.data_dir, strerror(-r));
    if (d->config.host == DAEMON_HOST_SANDBOX && prepare_sandbox(d, arena, uid) != 0)
        return 1;
    r = drop_privilege(uid, gid);
    if (r < 0)
        return give_up("The privileges of root cannot be given up: %s.", strerror(-r));
    if (access(d->config.data_dir, W_OK | X_OK) < 0)
        return give_up("%s cannot be reached by user %d, which the daemon runs as: choose a "
                       "folder whose parents are open to it.",
                       d->config.data_dir, (int)uid);
    return 0;
}

static void
choose_host(struct daemon *d)
{
    if (d->config.host != DAEMON_HOST_AUTO)
        return;
    d->config.host = geteuid() == 0 ? DAEMON_HOST_SANDBOX : DAEMON_HOST_SIM;
    if (d->config.host == DAEMON_HOST_SIM)
        log_warn("not root, so instances are simulated (--host sim); sandboxes need root");
}

static bool
is_loopback(struct str address)
{
    return str_starts(address, S("127.")) || str_is(address, "::1");
}

static void
on_blobs(struct loop_fd *source, uint32_t events)
{
    (void)events;
    blobs_real_poll(CONTAINER_OF(source, struct daemon, blobs)->env->blobs);
}

static int
open_blobs(struct daemon *d)
{
    int r = blobs_real_open(&d->env->blobs, d->config.data_dir);

    if (r == 0)
        r = blobs_real_start(d->env->blobs, &d->blobs.fd);
    assert(r < 0 || d->blobs.fd >= 0);
    d->blobs.fn = on_blobs;
    return r < 0 ? r : loop_fd_add(d->loop, &d->blobs, EPOLLIN);
}

static int
open_cloud(struct daemon *d, int listen_fd)
{
    char why[STORE_WHY_BYTES];
    struct cloud_config config = {
        .env = d->env,
        .loop = d->loop,
        .dir = d->config.data_dir,
        .threads = true,
        .vcpu_limit = d->config.vcpu_limit,
        .storage_limit = d->config.storage_limit,
        .region_model = d->config.region_model,
        .root_keys = is_loopback(d->config.address) || d->config.allow_test_keys,
    };

    assert(listen_fd >= 0 && d->loop);
    int r = datadir_make(d->config.data_dir);

    if (r == 0)
        r = open_blobs(d);
    if (r < 0)
        return give_up("The folder of objects in %s cannot be used: %s.", d->config.data_dir,
                       strerror(-r));
    if (cloud_open(&d->cloud, &config, why) < 0)
        return give_up("%s", why);
    if (store_attach(cloud_store(d->cloud), d->loop) < 0 || daemon_clock_load(d) < 0 ||
        trust_open(&d->trust, cloud_store(d->cloud), d->config.data_dir) < 0 ||
        admin_new(&d->admin, d) < 0 || front_new(&d->front, d, listen_fd) < 0)
        return give_up("The daemon cannot be set up; the line above says why.");
    return 0;
}

/* Ends when the store has failed: what is answered from then on could be lost. */
static void
watch_store(struct loop_timer *timer)
{
    struct daemon *d = CONTAINER_OF(timer, struct daemon, watchdog);
    const char *why = store_failed(cloud_store(d->cloud));

    assert(timer->fn == watch_store);
    if (why) {
        log_error("%s", why);
        d->exit_status = 1;
        loop_stop(d->loop);
        return;
    }
    memory_tidy();
    loop_timer_set(d->loop, timer, LOOP_MONO, loop_now_ms(d->loop, LOOP_MONO) + 1000);
}

/* Without them the cloud runs as well; why is logged. */
static void
start_hooks(struct daemon *d, struct hooks **ret)
{
    struct str address = d->config.address;
    bool v6 = str_find_char(address, ':') != SIZE_MAX;
    char endpoint[128];

    assert(d->config.port > 0 && address.n > 0);
    if (str_is(address, "0.0.0.0") || str_is(address, "::"))
        address = v6 ? S("::1") : S("127.0.0.1");
    snprintf(endpoint, sizeof(endpoint), v6 ? "http://[%.*s]:%u" : "http://%.*s:%u",
             STR_ARG(address), d->config.port);
    hooks_start(ret, d->loop, d->config.data_dir, endpoint);
}

static int
run(struct daemon *d)
{
    struct hooks *hooks = NULL;

    assert((d->sandbox != NULL) != (d->sim != NULL));
    d->watchdog.fn = watch_store;
    memory_keep();
    loop_timer_set(d->loop, &d->watchdog, LOOP_MONO, loop_now_ms(d->loop, LOOP_MONO) + 1000);
    log_info("listening on http://%.*s:%u, host %s, data in %s", STR_ARG(d->config.address),
             d->config.port, d->sandbox ? "sandbox" : "sim", d->config.data_dir);
    /* The very line that scripts wait for. */
    fputs("Ready.\n", stderr);
    /* Not before: nobody who starts a cloud waits for a key. */
    rsa_pool_start();
    start_hooks(d, &hooks);
    int r = loop_run(d->loop);
    hooks_free(hooks);
    rsa_pool_stop();
    loop_timer_stop(d->loop, &d->watchdog);
    return r < 0 ? 1 : d->exit_status;
}

static void
clean_up(struct daemon *d)
{
    assert(d->loop);
    front_free(d->front);
    trust_free(d->trust);
    guestnet_free(d->guestnet);
    cloud_close(d->cloud);
    d->env->blobs = blobs_free(d->env->blobs);
    admin_free(d->admin);
    host_functions_free(d->functions);
    host_sandbox_free(d->sandbox);
    host_sim_free(d->sim);
    if (d->signals.fd >= 0)
        close(d->signals.fd);
    loop_free(d->loop);
}

static int
start(struct daemon *d, struct arena *arena)
{
    int listen_fd, r;

    log_init(2, d->config.verbose ? LOG_DEBUG : LOG_INFO, env_real_wall_ms);
    choose_host(d);
    if (!is_loopback(d->config.address) && !d->config.allow_test_keys)
        return give_up("%.*s is not a loopback address: whoever reaches it could use the access "
                       "keys test/test. Say --allow-test-keys if that is meant.",
                       STR_ARG(d->config.address));
    if (d->config.host == DAEMON_HOST_SANDBOX && geteuid() != 0)
        return give_up("The sandbox host needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN and more): run "
                       "`sudo welkin up`, or `welkin up --host sim` to simulate instances.");
    r = net_listen_tcp(d->config.address, d->config.port, &listen_fd);
    if (r < 0)
        return give_up("%.*s:%u cannot be listened on: %s.", STR_ARG(d->config.address),
                       d->config.port, strerror(-r));
    d->config.port = net_port(listen_fd); /* 0 let the kernel choose */
    if (geteuid() == 0 && start_as_root(d, arena) != 0)
        return 1;
    if (geteuid() != 0 && mkdir(d->config.data_dir, 0700) < 0 && errno != EEXIST)
        return give_up("%s cannot be made: %s.", d->config.data_dir, strerror(errno));
    /* Memory holds keys in plain: no core file, and nobody but root may look into it. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    r = loop_new(&d->loop, d->env, true);
    if (r >= 0)
        r = watch_signals(d);
    if (r < 0)
        return give_up("The event loop cannot be made: %s.", strerror(-r));
    if (open_cloud(d, listen_fd) != 0)
        return 1;
    return d->config.host == DAEMON_HOST_SANDBOX ? start_sandbox(d, arena) : start_sim(d);
}

int
daemon_run(const struct daemon_config *config)
{
    struct daemon d = {.config = *config, .env = env_real(), .signals.fd = -1};
    struct arena arena;

    assert(config->data_dir);
    d.started_ns = d.env->mono_ns(d.env);
    arena_init(&arena, (size_t)1 << 20);
    int status = start(&d, &arena);
    if (status == 0)
        status = run(&d);
    if (d.loop)
        clean_up(&d);
    arena_done(&arena);
    return status;
}
