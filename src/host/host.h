/*
 * Machines: what an instance runs in.
 *
 * Services write what shall be (ec2_instance rows); this folder brings the host in line with it
 * and writes what is (host_machine rows).  The reconciler is level-triggered: it looks at the
 * rows of one instance and at what it knows of its machine, and does the next thing.  After a
 * crash of the daemon the same pass finishes what was begun, because the driver says at the
 * start which machines still run.
 *
 *      ec2_instance (state, generations)  ──watch──▶  reconciler ──▶ driver ──▶ sandbox
 *      host_machine (phase, exit kind)    ◀──write──  reconciler ◀── events ◀──┘
 */
#pragma once

#include "api/api.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/host_rows.h"
#include "loop/loop.h"
#include "store/states.h"
#include "store/store.h"

/* How to boot a machine.  Slices live as long as the call. */
struct host_boot {
    struct txn *txn; /* to read more rows in; the caller's */
    const struct ec2_instance_row *instance;
    const struct ec2_interface_row *interface;
    const struct ec2_subnet_row *subnet;
    const struct ec2_vpc_row *vpc;
    unsigned cpu_milli;     /* thousandths of a core */
    uint64_t memory_bytes;
};

/* A volume that is to be a device of a guest that runs. */
struct host_volume {
    struct str id, instance_id, device; /* "/dev/sdf" */
    struct str from; /* the snapshot whose bytes it begins with; empty: it is empty */
    uint64_t bytes;
    bool nvme; /* its guest is on Nitro */
    struct str key; /* empty: it is not encrypted */
    int64_t iops, mibps; /* in each direction; 0: no limit */
};

/* What is to be kept of a volume. */
struct host_snapshot {
    struct str id, volume_id;
    struct str instance_id; /* whose root it is, or whose guest may have it; empty: nobody's */
    bool is_root;           /* files above an image; else bytes */
    struct str from; /* as above: a volume that was in no guest yet has no bytes of its own */
    uint64_t bytes;
};

enum host_content { HOST_CONTENT_VOLUME, HOST_CONTENT_SNAPSHOT };

/* What a driver tells.  Called from the loop, never from inside a driver's own function. */
struct host_events {
    void *ctx;
    void (*booted)(void *ctx, struct str id);
    void (*failed)(void *ctx, struct str id, struct str reason); /* a sentence for StateReason */
    void (*exited)(void *ctx, struct str id, enum host_exit kind);
    void (*removed)(void *ctx, struct str id);
    void (*frozen)(void *ctx, struct str id);
    void (*not_frozen)(void *ctx, struct str id, struct str reason); /* it runs on */
    void (*inspected)(void *ctx, struct str id, bool wiped);
    /* status 0, or -errno with a sentence. */
    void (*volume_moved)(void *ctx, struct str id, int status, struct str reason);
    void (*snapshotted)(void *ctx, struct str id, int status, struct str reason);
};

/*
 * What a running machine has used since it booted; the directions are the guest's.  A list of
 * names, so that meters are declared, read and written alike: X(member).
 */
#define HOST_USES(X)                                                                               \
    X(cpu_ns)                                                                                      \
    X(bytes_in) X(bytes_out) X(packets_in) X(packets_out)                                          \
    X(reads) X(writes) X(bytes_read) X(bytes_written)
struct host_use {
    struct str id;
#define HOST_USE_MEMBER(name) uint64_t name;
    HOST_USES(HOST_USE_MEMBER)
#undef HOST_USE_MEMBER
    bool has_disk; /* the host counts what machines read and write */
};
typedef void host_use_fn(void *ctx, const struct host_use *uses, size_t n);

enum host_power { HOST_POWER_BUTTON, HOST_POWER_REBOOT, HOST_POWER_KILL };

/*
 * A driver: sandbox (real), sim (nothing runs).  Functions answer 0 when the request is on its
 * way (an event follows) or -errno.
 */
struct host_driver {
    const char *name;
    int64_t machines_max; /* that may have a disk at once */
    bool runs_guests; /* what their images hold */
    void *ctx;
    int (*boot)(void *ctx, const struct host_boot *boot);
    int (*power)(void *ctx, struct str id, enum host_power how);
    /* Stops its processes where they are and cuts its network off: `frozen` or `not_frozen`. */
    int (*freeze)(void *ctx, struct str id);
    /* Lets a frozen machine go on, with the addresses of the rows: `booted`, `failed`. */
    int (*thaw)(void *ctx, const struct host_boot *boot);
    /* Deletes the disk of a machine that does not run. */
    int (*remove)(void *ctx, struct str id);
    /* What a running machine has used since it booted; -ENOENT when it does not run. */
    int (*cpu)(void *ctx, struct str id, uint64_t *ret_ns);
    /* Reads the meters of all that run: fn gets them, some at a time, in this turn or later. */
    int (*measure)(void *ctx, host_use_fn *fn, void *fn_ctx);
    /* Holds it to so many thousandths of a processor from now on; its memory stays as it is. */
    int (*limit)(void *ctx, struct str id, unsigned cpu_milli, uint64_t memory_bytes);
    /* Looks whether a running machine's disk was wiped: `inspected`.  NULL: it has none. */
    int (*inspect)(void *ctx, struct str id);
    /* Why guests get no volumes, none that are encrypted, and why no snapshots are made: sentences
     * without a full stop, for the API.  NULL: they do. */
    const char *no_volumes, *no_encrypted_volumes, *no_snapshots, *no_encrypted_snapshots;
    /* Makes it a device of the guest, from its next boot on if it does not run, or gives the one
     * that it is its new size: `volume_moved`. */
    int (*volume_in)(void *ctx, const struct host_volume *volume);
    /* Takes it away: `volume_moved`; -EBUSY while the guest holds it, unless by force.  No error
     * when it is not there. */
    int (*volume_out)(void *ctx, struct str id, struct str instance_id, bool force);
    /* `snapshotted` when it is whole. */
    int (*snapshot)(void *ctx, const struct host_snapshot *want);
    /* Its bytes are wanted no more.  Once it was answered 0, nobody asks again. */
    int (*forget)(void *ctx, enum host_content content, struct str id);
    /* Calls fn for each machine that runs or is frozen now: adoption after a restart. */
    int (*list)(void *ctx, void (*fn)(void *fn_ctx, struct str id, bool frozen), void *fn_ctx);
    /* Names the time since the host was started: another one means that it restarted. */
    struct str (*boot_id)(void *ctx);
    /* See struct api_machines. */
    int (*console)(void *ctx, struct arena *arena, struct str id, struct str *ret_text,
                   int64_t *ret_ms);
};

struct host;

/* Makes the reconciler.  The driver must outlive it.  0 or -errno. */
int host_new(struct host **ret, struct loop *loop, struct store *store,
             const struct host_driver *driver);
/* The first pass over all rows, once the driver knows where its events go. */
int host_start(struct host *host);
struct host *host_free(struct host *host);
/* Where the driver sends its events. */
struct host_events host_events(struct host *host);

/* The guest was heard on its network: a DHCP, DNS or metadata request came from it. */
void host_heard(struct host *host, struct str id);

/* Whether the guest answered when it was asked; written when it differs from the last time. */
void host_asked(struct host *host, struct str id, bool answered);

/* ---- meter.c: CPU credits ---- */

/* Follows burstable instances in rows host_credit.  The driver must outlive it. */
struct host_meter;
int host_meter_new(struct host_meter **ret, struct loop *loop, struct store *store,
                   const struct host_driver *driver);
struct host_meter *host_meter_free(struct host_meter *meter);
/* The meter of one was read at that time: its credits are brought up to date. */
void host_meter_read(struct host_meter *meter, struct txn *txn,
                     const struct ec2_instance_row *instance, int64_t now_ms, int64_t cpu_ns);

/* ---- usage.c: what machines use ---- */

/* Measures all running machines each minute, into rows host_usage. */
struct host_usage;
int host_usage_new(struct host_usage **ret, struct loop *loop, struct store *store,
                   const struct host_driver *driver, struct host_meter *meter);
struct host_usage *host_usage_free(struct host_usage *usage);
/* A guest fetched metadata without a token, or was refused because it had none. */
void host_usage_no_token(struct host_usage *usage, struct str id, bool refused);

/* ---- sim: nothing runs ---- */

/*
 * A machine that boots after boot_ms of the cloud's time and obeys the power button after
 * stop_ms.  For API tests, the simulation and an ordinary user without privileges.
 */
struct host_sim;
struct host_sim_config {
    struct loop *loop;
    int64_t boot_ms, stop_ms;
};
struct host_sim *host_sim_new(const struct host_sim_config *config);
struct host_sim *host_sim_free(struct host_sim *sim);
const struct host_driver *host_sim_driver(struct host_sim *sim);
void host_sim_attach(struct host_sim *sim, const struct host_events *events);
/* What guests do by themselves, and faults, for tests. */
void host_sim_exit(struct host_sim *sim, struct str id, enum host_exit kind);
/* From now on the guest would use so many thousandths of a processor, if it was let. */
void host_sim_use(struct host_sim *sim, struct str id, unsigned cpu_milli);
/* From now on it uses so much of the others a second. */
void host_sim_load(struct host_sim *sim, struct str id, const struct host_use *a_second);
void host_sim_fail_next_boot(struct host_sim *sim, const char *reason);
size_t host_sim_running(const struct host_sim *sim);
bool host_sim_runs(const struct host_sim *sim, struct str id);
bool host_sim_frozen(const struct host_sim *sim, struct str id);
void host_sim_fail_next_freeze(struct host_sim *sim, const char *reason);
/* The next volume that is to be attached, or snapshot that is to be made, is not. */
void host_sim_fail_next_storage(struct host_sim *sim, const char *reason);
/* Guests have mounted what they have, and do not let it go but by force. */
void host_sim_hold_volumes(struct host_sim *sim, bool on);
/* It is not even begun. */
void host_sim_refuse_next_storage(struct host_sim *sim);
/* A machine ends and nobody is told: it died while the daemon was away. */
void host_sim_lose(struct host_sim *sim, struct str id);
/* The host itself restarts: nothing runs any more and nobody is told. */
void host_sim_power_loss(struct host_sim *sim);
