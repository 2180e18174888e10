/*
 * The key pair, and an ssh server if the image has one.
 *
 * Host keys and the server are made by a child of the boot worker, beside user data:
 * ssh-keygen takes longer than everything else here together.  The child stays as
 * the server's supervisor and starts it again if it dies, with growing pauses.
 */
#include "users.h"

#include "file.h"
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST_KEY_DIR "/etc/ssh"

static struct str
key_list(struct guest *g, const struct node *list)
{
    struct buf b = buf_new(g->a, 1 << 20);

    buf_fmt(&b, "%.*s\n", STR_ARG(g->public_key));
    if (list && list->kind == NODE_SCALAR)
        buf_add(&b, list->text);
    for (const struct node *n = list && list->kind == NODE_LIST ? list->first : NULL; n;
         n = n->next)
        buf_fmt(&b, "%.*s\n", STR_ARG(node_scalar(n)));
    return buf_str(&b);
}

void
ssh_install_keys(struct guest *g)
{
    struct str keys = key_list(g, node_get(g->config, "ssh_authorized_keys"));
    struct account user, root;
    struct str options = S("");

    if (str_trim(keys).n == 0)
        return;
    if (account_default(g, &user)) {
        account_authorize(g, &user, keys, S(""));
        if (node_bool(node_get(g->config, "disable_root"), true))
            options = arena_fmt(g->a,
                                "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
                                "command=\"echo 'Please login as the user \\\"%.*s\\\" rather than "
                                "the user \\\"root\\\".';echo;sleep 10;exit 142\"",
                                STR_ARG(user.name));
    }
    if (account_find(g, S("root"), &root))
        account_authorize(g, &root, keys, options);
    log_info("Installed the public keys for %.*s and root",
             STR_ARG(options.n ? user.name : S("no default user")));
}

static bool
is_host_key(const char *name)
{
    return strncmp(name, "ssh_host_", 9) == 0 && strstr(name, "_key");
}

/* Counts host keys, or removes them: they came with the image, so others have them too. */
static size_t
host_keys(struct guest *g, bool remove)
{
    DIR *d = opendir(HOST_KEY_DIR);
    struct dirent *e;
    size_t n = 0;

    if (!d)
        return 0;
    while ((e = readdir(d))) {
        if (!is_host_key(e->d_name))
            continue;
        n++;
        if (remove)
            unlink(arena_fmt(g->a, HOST_KEY_DIR "/%s", e->d_name).p);
    }
    closedir(d);
    return n;
}

static void
print_fingerprints(struct guest *g)
{
    char sh[] = "/bin/sh", flag[] = "-c";
    char script[] = "echo '-----BEGIN SSH HOST KEY FINGERPRINTS-----'\n"
                    "for k in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -l -f \"$k\"; done\n"
                    "echo '-----END SSH HOST KEY FINGERPRINTS-----'\n"
                    "echo '-----BEGIN SSH HOST KEY KEYS-----'\n"
                    "cat /etc/ssh/ssh_host_*_key.pub\n"
                    "echo '-----END SSH HOST KEY KEYS-----'\n";
    char *argv[] = {sh, flag, script, NULL};
    int status;

    if (host_keys(g, false))
        run_wait(g->a, argv, NULL, &status);
}

static void
make_host_key(struct guest *g, const char *kind)
{
    struct str path = arena_fmt(g->a, HOST_KEY_DIR "/ssh_host_%s_key", kind);
    char *argv[] = {"ssh-keygen", "-q", "-t", arena_cstr(g->a, str_c(kind)), "-N", "", "-C",
                    "root@localhost", "-f", arena_cstr(g->a, path), NULL};
    int status = 0;

    assert(kind[0] != '\0');
    if (file_exists(path.p))
        return;
    int r = run_wait(g->a, argv, NULL, &status);
    if (r < 0 || status != 0)
        log_warn("Failed generating key type %s to file %s", kind, path.p);
}

/*
 * RSA takes seconds and hardly a client needs it, so the server does not wait for it:
 * it reads its keys again when this one is there.
 */
static void
make_slow_key(struct guest *g)
{
    struct timespec step = {.tv_nsec = 50000000};
    struct str text = S("");
    uint64_t pid = 0;

    if (fork() != 0)
        return;
    if (run_init() < 0)
        _exit(1);
    bool had = file_exists(HOST_KEY_DIR "/ssh_host_rsa_key");
    make_host_key(g, "rsa");
    print_fingerprints(g);
    for (int i = 0; i < 100 && !had && !pid; i++) {
        if (!file_read(g->a, "/run/sshd.pid", 64, &text) || !str_u64(str_trim(text), 10, &pid))
            nanosleep(&step, NULL);
    }
    if (pid > 1)
        kill((pid_t)pid, SIGHUP);
    _exit(0);
}

static void
supervise(struct guest *g, char *const argv[])
{
    unsigned pause_s = 1;

    assert(argv[0] && argv[0][0] == '/');
    for (;;) {
        int64_t began_ms = now_ms();
        int status = 0;
        int r = run_wait(g->a, argv, NULL, &status);
        assert(pause_s >= 1 && pause_s <= 64);

        if (r < 0) {
            log_warn("%s could not be started: %s", argv[0], strerror(-r));
            return;
        }
        if (now_ms() - began_ms > 60000)
            pause_s = 1;
        log_warn("%s ended with %d, it is started again in %u s", argv[0], status, pause_s);
        sleep(pause_s);
        pause_s = pause_s < 60 ? pause_s * 2 : 60;
    }
}

static _Noreturn void
ssh_child(struct guest *g, bool dropbear)
{
    char *sshd[] = {"/usr/sbin/sshd", "-D", NULL};
    char *bear[] = {arena_cstr(g->a, run_find(g->a, "dropbear")), "-F", "-R", NULL};

    if (run_init() < 0)
        _exit(1);
    if (dropbear) {
        make_dirs("/etc/dropbear", 0700);
        if (g->new_instance)
            for (const char *const *k = (const char *const[]){"rsa", "ecdsa", "ed25519", NULL}; *k;
                 k++)
                unlink(arena_fmt(g->a, "/etc/dropbear/dropbear_%s_host_key", *k).p);
        supervise(g, bear);
    } else {
        if (g->new_instance && node_bool(node_get(g->config, "ssh_deletekeys"), true))
            host_keys(g, true);
        make_host_key(g, "ed25519");
        make_host_key(g, "ecdsa");
        make_dirs("/run/sshd", 0755);
        make_slow_key(g);
        supervise(g, sshd);
    }
    _exit(0);
}

void
ssh_start(struct guest *g)
{
    bool openssh = file_is_executable("/usr/sbin/sshd");

    if (!openssh && !run_find(g->a, "dropbear").n)
        return;
    pid_t pid = fork();
    if (pid < 0)
        log_warn("Cannot start the ssh supervisor: %s", strerror(errno));
    if (pid == 0)
        ssh_child(g, !openssh);
}
