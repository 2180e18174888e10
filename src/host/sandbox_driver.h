/*
 * The sandbox driver: instances as real Linux sandboxes, made by the privileged process
 * (priv.h).  This side runs in the unprivileged daemon: it turns rows into typed operations and
 * events into calls of struct host_events.
 */
#pragma once

#include "host/host.h"
#include "host/priv.h"

struct host_sandbox;

struct host_sandbox_config {
    struct loop *loop;
    struct store *store;
    const char *data_dir;
    struct str trust;    /* PEM of the authority that guests shall trust; empty: none */
    uint32_t trust_hash; /* see struct priv_trust */
    void *ctx;
    /*
     * A VPC's namespace is there: fds are its listeners (enum priv_listener), now the callee's;
     * the two of the API are -1 when the privileged process is too old to add them to a VPC that
     * was open before.  Called from the loop.
     */
    void (*vpc_opened)(void *ctx, struct str vpc_id, const int fds[PRIV_LISTEN_ALL]);
    /* A VPC that was opened is gone: its listeners are to be closed.  Called from the loop. */
    void (*vpc_closed)(void *ctx, struct str vpc_id);
    /* The privileged process is gone: nothing can be launched any more. */
    void (*lost)(void *ctx);
};

/*
 * Connects to the privileged process (priv_spawn() came before).  0 or -errno; when sandboxes
 * cannot run here `why` holds the sentences that say what is missing, a line each.
 */
int host_sandbox_new(struct host_sandbox **ret, const struct host_sandbox_config *config,
                     struct arena *arena, struct str *why);
struct host_sandbox *host_sandbox_free(struct host_sandbox *s);

const struct host_driver *host_sandbox_driver(struct host_sandbox *s);
void host_sandbox_attach(struct host_sandbox *s, const struct host_events *events);

/*
 * What is kept of a console, and the offset at which it ends: bytes of later events begin there.
 * 0 or -errno.
 */
int host_sandbox_console(struct host_sandbox *s, struct arena *arena, struct str id,
                         struct str *ret_text, uint64_t *ret_end);

/* Console bytes as they come, for `welkin console`: fn gets events of every followed machine. */
void host_sandbox_on_console(struct host_sandbox *s,
                             void (*fn)(void *ctx, const struct priv_ev_console *ev,
                                        struct str bytes),
                             void *ctx);
int host_sandbox_follow(struct host_sandbox *s, struct str id, bool on);
