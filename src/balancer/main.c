/*
 * welkin-balancer: a node of a load balancer, in a sandbox of its own (host/balancers.c).
 *
 *   welkin-balancer idle    process 1 of the sandbox: waits, and reaps
 *   welkin-balancer         the node: told by its standard input, which is a socket
 *
 * The node gives up all rights but to listen on low ports before it reads a byte.
 */
#include "balancer/balancer.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, FILES_MAX = 3 * BAL_CONNS_MAX };

static NORETURN void
idle(void)
{
    for (;;)
        if (waitpid(-1, NULL, 0) < 0)
            pause();
}

/* Root of the sandbox is needed for ports below 1024, and nothing else of it. */
static int
drop_rights(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const uint32_t bind = 1u << CAP_NET_BIND_SERVICE;
    const struct __user_cap_data_struct caps[2] = {{.effective = bind, .permitted = bind}};

    if (geteuid() != 0)
        return 0; /* of a test */
    if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
        syscall(SYS_capset, &head, caps) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

static void
raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = MIN(files.rlim_max, (rlim_t)FILES_MAX);
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int
main(int argc, char **argv)
{
    static struct bal bal;
    struct env *env = env_real();
    struct loop *loop;

    if (argc > 1 && strcmp(argv[1], "idle") == 0)
        idle();
    signal(SIGPIPE, SIG_IGN);
    raise_files();
    int r = drop_rights();

    if (r >= 0)
        r = loop_new(&loop, env, true);
    if (r >= 0)
        r = bal_init(&bal, loop, env, STDIN_FILENO);
    if (r < 0) {
        fprintf(stderr, "welkin-balancer: %s\n", strerror(-r));
        return 1;
    }
    loop_run(loop);
    bal_done(&bal);
    loop_free(loop);
    return 0;
}
