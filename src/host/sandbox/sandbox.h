/*
 * What the files of the privileged process share.  Outside this folder only priv.c includes it.
 *
 * One thread, one epoll, no locks.  A struct machine exists from LAUNCH until its exit was
 * acknowledged; everything that must survive a kill -9 of this process lies in its `saved` part,
 * which is a record in DATA/run/machines written before the machine's first instruction.
 *
 * Functions answer 0 or -errno.  Those that take a struct why also leave a sentence there, which
 * is what the asker sees.
 */
#pragma once

#include "host/priv.h"
#include "host/sandbox/nft.h"
#include "host/sandbox/nl.h"

#include <linux/filter.h>
#include <sys/types.h>

struct host;

/* ---- small things (util.c) ---- */

struct why {
    char text[400];
};
/* Writes the sentence; answers -err. */
int why_set(struct why *why, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

void fd_close(int *fd);
#define FD_CLEANUP CLEANUP(fd_close)
int fd_steal(int *fd);

/* Text of at most n - 1 bytes; what does not fit is cut (names of ours always fit). */
void text_set(char *to, size_t n, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* "10.0.0.1" in one of four static buffers: for sentences. */
const char *ip_text(uint32_t ip);
int64_t mono_ns(void);
/* Every signal has its default and none is blocked: what a guest's process begins with. */
void signals_reset(void);
/*
 * What ps shows of this process: its name, and as arguments, which are overwritten, the name and
 * DATA.  data_dir NULL: whose parent has done so; the name is as long as the parent's.
 */
void process_title(const char *title, const char *data_dir);
/* Writes a short file (proc, sys, cgroup) relative to dir. */
int file_put(int dir, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Reads a short file as text; the number of bytes or -errno. */
ssize_t file_get(int dir, const char *path, char *to, size_t n);
/* One message with descriptors over a unix socket. */
int fds_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds, int flags);
/* Bytes received, or -errno; *n_fds is the room in fds and becomes how many came (CLOEXEC). */
ssize_t fds_recv(int sock, void *p, size_t n, int *fds, size_t *n_fds, int flags);

/* ---- the reactor (reactor.c) ---- */

struct source {
    int fd;
    void (*fn)(struct host *h, struct source *s, uint32_t events);
};
int source_add(struct host *h, struct source *s, uint32_t events);
int source_change(struct host *h, struct source *s, uint32_t events);
/* Stops watching and closes the descriptor; events fetched for it already are dropped. */
void source_close(struct host *h, struct source *s);
/* Waits once and handles what came. */
int reactor_turn(struct host *h, int timeout_ms);

/* ---- cgroups (cgroup.c) ---- */

#define CG_V1 5
#define CG_IO CG_V1 /* of version 2 alone */
struct cgroups {
    int version;     /* which one holds the limits: 1, 2, or 0 */
    int v1[CG_V1];   /* our directory in cpu, cpuacct, memory, freezer, pids; or -1 */
    int v2;          /* our directory in the cgroup2 hierarchy, or -1 */
    unsigned v2_has; /* bit n: the controller n of v1[], or CG_IO, is in version 2 */
};
/* Descriptors through which a new process joins: made for one launch. */
struct cg_join {
    int v1[CG_V1];
    int v2;
};
void cg_open(struct cgroups *cg, const char *tag);
void cg_close(struct cgroups *cg);
/* Removes our directories with all beneath them. */
void cg_remove_all(struct cgroups *cg, const char *tag);
int cg_make(struct cgroups *cg, const char *id, uint32_t uid, const struct priv_limits *limits,
            struct cg_join *ret, struct why *why);
/* For one more process in a machine's groups; in version 2 beside process pid, if that is not 0. */
int cg_join_open(struct cgroups *cg, const char *id, uint32_t pid, struct cg_join *ret);
void cg_join_close(struct cg_join *join);
/* In the child, while it has one thread (moving another process costs 7-16 ms, this 0.07). */
int cg_join_enter(const struct cg_join *join);
int cg_limits(struct cgroups *cg, const char *id, const struct priv_limits *limits);
/* Returns when all of it stands still, or goes on. */
int cg_freeze(struct cgroups *cg, const char *id, bool frozen);
/* Pushes out of memory what can be; takes its time. */
void cg_reclaim(struct cgroups *cg, const char *id);
void cg_stats(struct cgroups *cg, const char *id, struct priv_stats_reply *ret);
/* Processor and disk. */
void cg_meter(struct cgroups *cg, const char *id, struct priv_meter *ret);
/* The text of an io.stat.  Disks that lie on each other count the same bytes: the busiest tells. */
void cg_io_parse(const char *text, struct priv_meter *ret);
/* -EBUSY: try again later. */
int cg_remove(struct cgroups *cg, const char *id);

/* ---- machines (machine.c, launch.c, child.c, jail.c) ---- */

#define SAVED_MAGIC 0x57454c4b4d310003ull

/* The state of a machine on disk.  Written once, and again when its class changes. */
struct machine_saved {
    uint64_t magic;
    char id[PRIV_ID_MAX];
    char boot_id[40];
    uint32_t pid, vpc, slot, private_ip, class, subnet, cluster, mbit, ifindex;
    uint64_t start_ticks; /* /proc/PID/stat: that the pid is still the same process */
    uint64_t started_ms;
    uint8_t mac[6];
    uint8_t init;
    bool frozen;
    uint32_t more_ifindexes[PRIV_NICS_MAX - 1]; /* of further interfaces, in no order; 0: none */
};

/* An interface of a machine, as the firewall knows it. */
struct nic {
    uint32_t ifindex;
    struct priv_nic is;
};

/* Whom to answer later. */
struct ticket {
    uint32_t conn;
    uint32_t seq;
    uint16_t op;
};

struct machine {
    struct machine *next; /* of the same hash */
    struct machine_saved saved;
    enum priv_state state;
    enum priv_exit exit;
    int32_t status;
    bool adopted, killed;
    bool filtered;                  /* its elements are in the firewall */
    bool recorded;                  /* its state is on disk */
    uint8_t followers;              /* bit n: connection slot n follows the console */
    struct source process;          /* pidfd */
    struct source console;          /* pty master */
    struct source starting;         /* our end of the launch socket until init is exec'd */
    int slave;                      /* keeps the master from hanging up when the guest closes */
    uint64_t console_end;
    int64_t began_ns;
    struct ticket ticket;
    char *failure;                  /* the sentence, while a failed launch's child still ends */
    struct nic *nics;               /* the first is eth0; further ones are known once told of */
    uint32_t n_nics;
};

/* All the child needs; it is a copy of the parent, so pointers hold. */
struct child_plan {
    const struct priv_launch *req;
    char *const *argv; /* PRIV_INIT_COMMAND */
    struct cg_join join;
    int sock;          /* words from and to the parent */
    int console;       /* detached mount of the pty's slave */
    int init_fd;
    bool cgroup2;
    const struct sock_fprog *filter;
    struct str trust;   /* the authority's certificate; empty: none */
    uint32_t trust_hash;
    uint32_t cpus;      /* processors that it gets; 0: all of the host's */
    struct str cpuinfo; /* what it sees of them */
    unsigned n_layers;  /* of the image */
    const struct volume *volumes; /* of all machines */
    bool guest_mounts;
};
NORETURN void child_main(const struct child_plan *plan);

/*
 * How many processors a machine of that limit gets, 0: all of the host's; and that many of the
 * descriptions in a /proc/cpuinfo.
 */
uint32_t cpus_of(uint32_t cpu_milli, uint32_t n_host);
struct str cpuinfo_cut(struct str cpuinfo, uint32_t n);

/* Drops what no guest may hold and loads the filter; the last thing before exec.  NULL or what
 * failed.  *ret_listener: tells of calls of mount(2), or -1; not asked for, they fail. */
const char *jail_enter(const struct sock_fprog *filter, int *ret_listener);
/* Compiles the filter, once. */
int jail_compile(struct sock_fprog *ret, bool guest_mounts);

struct machine *machine_find(struct host *h, const char *id);
struct machine *machine_new(struct host *h, const char *id);
/* Closes all, forgets it, deletes its state file. */
void machine_free(struct host *h, struct machine *m);
bool machine_id_ok(const char *id);
/* What holds of a machine between two events; answers true. */
bool machine_ok(const struct host *h, const struct machine *m);
static inline bool
machine_alive(const struct machine *m)
{
    return m->state == PRIV_STARTING || m->state == PRIV_RUNNING;
}
uint64_t process_start_ticks(uint32_t pid);
int machine_save(struct host *h, struct machine *m);
/* Opens the file of states. */
int states_open(struct host *h);
/* Watches pidfd and console of a machine whose fds are set. */
int machine_watch(struct host *h, struct machine *m);
/* Signals its init.  how: enum priv_how. */
int machine_signal(struct host *h, struct machine *m, uint32_t how, struct why *why);
/* See PRIV_INSPECT. */
bool machine_wiped(const struct machine *m);
/* hibernate.c: see PRIV_HIBERNATE. */
int machine_hibernate(struct host *h, struct machine *m, struct why *why);
int machine_wake(struct host *h, struct machine *m, struct why *why);
/* 0: the ticket is answered when init was exec'd, or when a failed child has ended. */
int machine_launch(struct host *h, const struct priv_launch *req, char *const *argv,
                   const struct ticket *ticket, struct why *why);
/* The one interface that a machine begins with, by what is saved of it; 0 or -ENOMEM. */
int machine_first_nic(struct machine *m);
/* nic.c: see PRIV_NICS. */
int machine_nics(struct host *h, struct machine *m, const struct priv_nics *q,
                 const struct priv_nic *nics, struct why *why);
int machine_set_class(struct host *h, struct machine *m, uint32_t class, struct why *why);
int machine_stats(struct host *h, struct machine *m, struct priv_stats_reply *ret);
/* See PRIV_METERS; what cannot be read is 0. */
void machine_meter(struct host *h, const struct machine *m, struct priv_meter *ret);

/* ---- work in children (job.c) ---- */

struct job_plan {
    int (*fn)(const void *arg); /* in the child, which has a copy of arg: 0 or -errno */
    const void *arg;
    int keep[12]; /* the descriptors that it needs; none named: it has all */
    size_t n_keep;
    bool is_long;  /* it gives way to others */
    bool outlives; /* it must come to its end though we do not */
};
typedef void job_done_fn(struct host *h, void *ctx, int status); /* 0 or -errno */
/* 0: done will be called.  -EAGAIN: too many. */
int job_start(struct host *h, const struct job_plan *plan, job_done_fn *done, void *ctx);

/* ---- loop devices (loop.c) ---- */

#define LOOP_PATH_MAX 32
struct loop_info64;
/* The name of the device on the host. */
void loop_path(char to[LOOP_PATH_MAX], int number);
/* A descriptor, or -errno: of the device; of a free one, which has the file from now on. */
int loop_open(int number, int flags);
int loop_attach(int file, const struct loop_info64 *info, int *ret_number);
/* 0 or -errno; -ENXIO: it has no file. */
int loop_status(int fd, struct loop_info64 *ret);
int loop_change(int fd, uint64_t offset, uint64_t bytes, const char *name);
int loop_clear(int fd);

/* ---- volumes (volume.c), their devices (volume_node.c) and bytes (volume_copy.c) ---- */

enum volume_doing {
    VOLUME_STILL,
    VOLUME_COPYING,  /* its first bytes, of a snapshot */
    VOLUME_ENTERING, /* a guest that runs */
    VOLUME_LEAVING,
};

/* One that is attached to a machine, whether that runs or not; its loop device remembers it. */
struct volume {
    struct volume *next;
    struct priv_volume is; /* without the key; bytes: its size now */
    int loop;              /* the device's number; -1: none yet */
    uint32_t nvme;         /* the number in its name in the guest; 0: it is named xvdf */
    enum volume_doing doing;
    bool entered; /* the guest that runs has its node */
    bool revoked; /* its node opens no more: it is on its way out */
    struct ticket ticket; /* while it does something */
};

bool volume_ok(const struct host *h, const struct volume *v);
/* Whether a guest of the machine is to have its device. */
bool volume_is_of(const struct volume *v, const char *machine);
/* Sends the nodes of a machine's volumes to the child of its launch, one after the other. */
int volumes_send(struct host *h, const char *machine, uint32_t slot, int sock);
struct volume *volume_find(struct host *h, const char *id);
int volume_in(struct host *h, const struct priv_volume *q, const struct ticket *ticket,
              bool *ret_later, struct why *why);
int volume_out(struct host *h, const struct priv_volume_out *q, const struct ticket *ticket,
               bool *ret_later, struct why *why);
int volume_drop(struct host *h, const struct priv_volume_drop *q, struct why *why);
int volume_copy(struct host *h, const struct priv_volume_copy *q, const struct ticket *ticket,
                bool *ret_later, struct why *why);
/* Why this host has none, tried; or NULL. */
const char *volumes_missing(struct host *h);
/* Knows again what an earlier process attached. */
void volumes_adopt(struct host *h);
/* All devices go. */
void volumes_close(struct host *h);
/* A machine has ended: its guest has no nodes any more. */
void volumes_left(struct host *h, const char *machine);
/* The device's node as a detached mount, for the guest of that slot; or -errno. */
int node_tree(struct host *h, const struct volume *v, uint32_t slot);
/* Nobody opens the device by a node that was given out before. */
void node_revoke(struct host *h, const char *volume);
/* "xvdf", "nvme1n1": what the guest calls it. */
#define NODE_NAME_MAX 16
void node_name(const struct volume *v, char to[NODE_NAME_MAX]);
/* In the guest's mounts, with its root as working directory: mounts and links it in dev. */
int node_place(int tree, const struct volume *v);
/* The reverse. */
int node_remove(const struct volume *v);

/* In a child: see PRIV_VOLUME_COPY.  source: a file, or -1 for no bytes; to: a folder. */
struct bytes_copy {
    int source, to, loop;
    bool mounted; /* loop is the device of a file system that is in use */
    uint64_t bytes;
    const char *name;
};
int bytes_copy(const struct bytes_copy *c);

/* ---- mount(2) of volumes, for guests (mounts.c) ---- */

/* The file system of a block device of ours as a detached mount, safe to be given to a guest but
 * for its owners; or -errno.  options are cut in place. */
int guest_fs_open(const char *type, const char *source, unsigned long mount_flags, char *options);
/* From now on calls of a machine's processes are told by that descriptor, which is its own from
 * now on.  keep: so that a later process can go on. */
int mounts_watch(struct host *h, const char *machine, int fd, bool keep);
/* The same, of a machine that an earlier process watched. */
void mounts_adopt(struct host *h, const char *machine);
void mounts_close(struct host *h, const char *machine);

/* ---- encrypted disks (disk.c) ---- */

int disk_open(struct host *h, const struct priv_disk *q, struct why *why);
/* The folder of a disk that was opened, O_PATH; or -1. */
int disk_take(struct host *h, const char *id);
/* Leaves it to the machine that was launched on it, or to nobody. */
void disk_close(struct host *h, const char *id);
bool disk_is_encrypted(struct host *h, const char *id);

/* ---- snapshots of roots (snapshot.c) ---- */

/* See PRIV_SNAPSHOT.  *ret_later: the ticket is answered when the copy is whole or has failed. */
int snapshot_make(struct host *h, const struct priv_snapshot *q, const struct ticket *ticket,
                  bool *ret_later, struct why *why);
/* The same name may be used again at once. */
int snapshot_drop(struct host *h, const char *name, struct why *why);

/* ---- the trust store (trust.c) ---- */

#define TRUST_PATH_MAX 96

/*
 * Puts an authority's certificate into the trust store of a guest whose root and disk (the folder
 * of upper/) are open; does nothing when that was done at an earlier launch.  false: the image has
 * no trust store.  Else ret is the path of a file of all authorities, as the guest sees it.
 */
bool trust_place(int root, int disk, struct str pem, uint32_t hash, char ret[TRUST_PATH_MAX]);
/* A folder of the guest, whose links lead to nothing outside of its root; or -1. */
int trust_open_dir(int root, const char *path);

/* Of a plain file of the guest: whether it holds a text; text put before what it holds. */
bool trust_file_holds(int dir, const char *name, struct str text);
bool trust_prepend(int dir, const char *name, struct str text);

/* ---- AWS's helpers (helpers.c) ---- */

/*
 * Sees to it that the guest has /opt/aws/bin/cfn-* and eic_run_authorized_keys, names of the init,
 * and that its sshd knows the latter; false: it has not.
 */
bool helpers_place(int root, int init_fd);

/* ---- the console (console.c) ---- */

/* master and slave of a new pty, the slave owned by uid. */
int console_new(uint32_t uid, int *ret_master, int *ret_slave);
/* Where the kept output ends, from the file; 0 for a new one. */
uint64_t console_recover(struct host *h, const char *id);
/* Reads what the guest wrote, keeps it, tells followers.  false at the end. */
bool console_drain(struct host *h, struct machine *m);
ssize_t console_read(struct host *h, const char *id, uint64_t from, struct priv_console_reply *ret,
                     char *to, size_t room);

/* ---- VPCs (vpc.c) and their firewall (fw.c), the host's firewall (fw_host.c) ---- */

#define VPC_MAGIC 0x57454c4b56310003ull
#define VPC_LO 1           /* ifindex */
#define VPC_UP 2
/* The router's ends of all veths: each is alone with its guest, so one address will do. */
#define VPC_ROUTER_MAC {0x0a, 0xff, 0xff, 0x00, 0x00, 0x01}
#define VPC_ENTRIES_MAX 65536 /* classes, and public addresses, of one VPC */
#define VPC_FIRST_IF 1000  /* machines' interfaces have indexes from here on, never reused */

struct fw_class {
    uint32_t class;
    uint32_t n_groups;
    uint32_t groups[PRIV_CLASS_GROUPS_MAX];
};

struct vpc_public {
    uint32_t public_ip, private_ip;
};

/* The state file of a VPC: this head, then the classes, then the public addresses. */
struct vpc_saved {
    uint64_t magic;
    char boot_id[40];
    struct priv_vpc_open open;
    uint32_t host_routed, n_classes, n_publics;
    bool limits; /* its firewall has them */
};

/* A link to another VPC. */
struct vpc_peer {
    uint32_t number, other, ifindex;
};

struct vpc {
    struct vpc_saved saved;
    int netns;       /* also bound to DATA/run/netns/NUMBER */
    struct nl route; /* sockets inside it */
    struct nl nft;
    uint32_t next_ifindex;
    uint32_t n_machines;
    struct fw_class *classes;
    struct vpc_public *publics;
    struct vpc_peer *peers; /* known once told of */
    uint32_t n_peers;
    int listeners[PRIV_LISTEN_EXTRA + 4];
    uint32_t n_listeners;
};

struct vpc *vpc_get(struct host *h, uint32_t number);
/* What holds of an open VPC between two requests; answers true. */
bool vpc_ok(const struct host *h, const struct vpc *v);
int vpc_open(struct host *h, const struct priv_vpc_open *req, struct vpc **ret, struct why *why);
int vpc_close(struct host *h, struct vpc *v, struct why *why);
/* Takes over the namespace of a dead privileged process, or removes what is left of it. */
int vpc_adopt(struct host *h, uint32_t number);
int vpc_save(struct host *h, const struct vpc *v);
void vpc_free(struct host *h, struct vpc *v);
uint32_t vpc_host_ip(const struct host *h, uint32_t number);
uint32_t vpc_router_ip(const struct host *h, uint32_t number);
int vpc_public_ip(struct host *h, struct vpc *v, const struct priv_public_ip *req, struct why *why);
/* nic.c: nothing is led to the machine's interfaces any more but what is for them. */
void machine_vias_drop(struct vpc *v, const struct machine *m);
/* peer.c: see PRIV_PEER. */
int peer_set(struct host *h, const struct priv_link *q, struct why *why);
/* The links of a VPC that is about to go. */
void peers_forget(struct host *h, struct vpc *v);
/* Runs fn inside a network namespace. */
int netns_inside(struct host *h, int netns, int (*fn)(void *arg), void *arg);

#define FW_TABLE "welkin"
#define FW_NAME_MAX 24
int fw_open(struct vpc *v);
/* Matches of a protocol (-1: all) with its ports, or ICMP type and code; -1 is any. */
void fw_match_service(struct nftnl_rule *r, int protocol, int32_t from, int32_t to);
/* Interfaces of one list go, those of the other come, at once. */
int fw_nics(struct vpc *v, const struct machine *m, const struct nic *before, uint32_t n_before,
            const struct nic *after, uint32_t n_after);
int fw_machine_add(struct vpc *v, struct machine *m);
int fw_machine_remove(struct vpc *v, struct machine *m);
int fw_group(struct vpc *v, uint32_t group, const struct priv_rule *rules, uint32_t n,
             struct why *why);
int fw_group_drop(struct host *h, struct vpc *v, uint32_t group, struct why *why);
int fw_class(struct host *h, struct vpc *v, const struct priv_class *req, struct why *why);
int fw_public_ip(struct vpc *v, const struct vpc_public *add, const struct vpc_public *remove,
                 size_t n_remove);
/* After adoption: empties the sets of machines, to be filled anew. */
int fw_reset_members(struct vpc *v);

/* The VPC has got further CIDRs. */
int fw_cidrs(struct vpc *v);
/* A link to another VPC comes or goes: what it brings is from outside. */
int fw_peer(struct vpc *v, uint32_t ifindex, bool add);
/* The mark of what leaves by a link, and the table that it is routed by. */
#define PEER_TABLE(number) (0x40000000u | (number))
#define VIA_TABLE(ifindex) (0x20000000u | (ifindex))

/* ---- limits of flows (fw_flow.c) ---- */

/* What the table has from its beginning; limits: whether the kernel has them. */
void fw_flows_open(struct nft_tx *tx, bool limits);
/* The machine's own limits, around those of its interfaces. */
void fw_flows_machine(struct nft_tx *tx, const struct vpc *v, const struct machine *m, bool add);
/* The interface's part in its machine's limits, and in its cluster if it is in one. */
void fw_flows_nic(struct nft_tx *tx, const struct vpc *v, const struct machine *m,
                  const struct nic *nic, bool add);
/* No interface has a part in any. */
void fw_flows_reset(struct nft_tx *tx, const struct vpc *v);

/* ---- edges of subnets (fw_subnet.c) ---- */

/* Sets and chains that every VPC has, in the transaction that makes its table. */
void fw_subnets_open(struct nft_tx *tx, const struct vpc *v);
/* The extra listeners from the first-th on are services: guests need a route to them. */
int fw_services(struct vpc *v, uint32_t first);
/* tail: the routes, then the entries. */
int fw_subnet(struct vpc *v, const struct priv_subnet *req, const void *tail, struct why *why);
int fw_subnet_drop(struct host *h, struct vpc *v, uint32_t subnet, struct why *why);

int fw_host_open(struct host *h);
void fw_host_close(struct host *h);
/* Whether a firewall of somebody else's drops what the host forwards: "TABLE CHAIN". */
struct fw_dropping {
    char name[96];
};
bool fw_host_dropping(struct host *h, struct fw_dropping *ret);

/* ---- exec (exec.c), removal (remove.c), the keeper (keeper.c), the probe (probe.c) ---- */

int exec_start(struct host *h, struct machine *m, const struct priv_exec *req, char *const *argv,
               char *const *envp, const char *cwd, const int *fds, size_t n_fds,
               uint32_t conn, uint32_t *ret, struct why *why);
int exec_kill(struct host *h, uint32_t number, uint32_t conn);

/* Moves the machine's folder away and deletes it in a child of low priority. */
int remove_machine(struct host *h, const char *id, struct why *why);
/* The same for a folder of ours in `from`, whose name does not begin with a dot. */
int remove_folder(struct host *h, int from, const char *name, struct why *why);
void remove_rest(struct host *h); /* goes on with what an earlier process left */

/* A process that does nothing but hold descriptors (consoles, listeners) under names. */
int keeper_open(struct host *h);
void keeper_put(struct host *h, const char *name, int fd);
void keeper_drop(struct host *h, const char *name);
void keeper_quit(struct host *h);
/* Takes a descriptor that an earlier process left, or -1. */
int keeper_take(struct host *h, const char *name);

void probe_run(struct host *h);

/* ---- the host ---- */

struct probe {
    bool can_launch;
    size_t n;
    char text[4096];
};
struct kept {
    char name[PRIV_ID_MAX + 8];
    int fd;
};
struct exec;
struct snapshot;

#define HASH_MACHINES 4096
#define CONNS 8
struct conn;

struct host {
    const struct priv_config *config;
    char tag[8];
    char boot_id[40];
    int64_t started_ns;
    int epoll, stopping, kill_all;
    struct epoll_event *fetched; /* of this turn */
    int n_fetched;
    int data, images, machines, volume_files, nodes, run, lock, states;
    int init_fd;
    int netns;
    struct priv_cidr links, pool;
    struct cgroups cg;
    struct nl route, nft; /* in the host's namespace */
    struct sock_fprog filter;
    char trust[PRIV_TRUST_MAX]; /* what guests shall trust */
    uint32_t trust_n, trust_hash;
    struct probe probe;
    uint32_t n_cpus;
    struct str cpuinfo; /* the host's /proc/cpuinfo */
    struct source listener, signals, remover;
    struct machine *by_id[HASH_MACHINES];
    uint32_t n_machines;
    uint8_t *slots; /* a bit each */
    struct vpc *vpcs[PRIV_VPCS];
    struct listener *listeners; /* to calls of mount(2) */
    uint32_t next_listener;
    struct volume *volumes;
    const char *no_volumes; /* why there are none */
    uint32_t n_jobs;
    struct snapshot *snapshots; /* that are being made */
    uint32_t n_snapshots;
    struct exec *execs;
    uint32_t n_execs, next_exec, next_trash;
    struct conn *conns[CONNS];
    uint32_t next_conn;
    bool guest_mounts; /* guests may mount file systems of volumes */
    bool host_ready; /* forwarding and the host's firewall are set up */
    int keeper;
    struct kept *kept; /* what the keeper had when we came */
    size_t n_kept;
    char (*busy)[PRIV_ID_MAX]; /* machines whose cgroups could not be removed yet */
    size_t n_busy;
};

bool slot_used(const struct host *h, uint32_t slot);
void slot_set(struct host *h, uint32_t slot, bool used);
/* Called when the machine's process has ended. */
void machine_ended(struct host *h, struct machine *m);
void adopt_all(struct host *h);
/* Removes everything on the host that bears our tag. */
void host_clean(struct host *h);
void busy_retry(struct host *h);

/* What priv.c gives: answers and events. */
void answer(struct host *h, const struct ticket *t, int status, const void *p, size_t n);
void event(struct host *h, uint16_t op, const void *p, size_t n, const void *tail, size_t tail_n,
           uint8_t conns); /* conns: bit n, connection slot n; 0: whoever wants events */
void event_to(struct host *h, uint32_t conn, uint16_t op, const void *p, size_t n);
