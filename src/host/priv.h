/*
 * The privileged process: what it does for the daemon, and how to ask.
 *
 * `welkin` parses bytes from networks and guests and is not root.  A second, small process of
 * the same binary ("welkin-host") is root, holds the sandboxes and does nothing but the typed
 * operations below.  It outlives the daemon: a daemon that comes back connects, asks PRIV_LIST
 * and adopts.  A privileged process that comes back after a kill -9 adopts the sandboxes too.
 *
 * They talk over DATA/host.sock, a SOCK_SEQPACKET socket; only root and the daemon's user may
 * connect.  A message is a struct priv_header, the struct of its operation, and for some
 * operations a tail of bytes; at most PRIV_MESSAGE_MAX in all.  Both ends are the same build on
 * the same machine, so structs travel as they are; PRIV_VERSION changes with any of them.
 *
 * Each request is answered once, by its sequence number, in any order.  status 0 is success and
 * the reply's struct follows; else status is -errno and the body is a sentence (without a full
 * stop) that says what failed: for a launch it is what EC2 shows as StateReason.
 * Events have sequence number 0 and go to every connection that asked for them in its HELLO.
 *
 * IPv4 addresses are uint32_t in host byte order (10.0.0.1 is 0x0a000001).  Text members are
 * NUL-terminated.  Unused bytes must be zero.
 *
 * Links with: libmnl, libnftnl, libseccomp.
 */
#pragma once

#include "base/str.h"

#define PRIV_VERSION 5
#define PRIV_MESSAGE_MAX 65536
#define PRIV_FDS_MAX 16
#define PRIV_CONSOLE_MAX 65536     /* bytes of console output kept for each machine */
#define PRIV_CONSOLE_PIECE 32768   /* at most so many in one answer */
#define PRIV_SLOTS 65000           /* user namespaces: uids 65536 * (slot + 1) onwards */
#define PRIV_VPCS 2048             /* numbers of VPCs: 0 … PRIV_VPCS - 1 */
#define PRIV_RULES_MAX 1000        /* rules of one group */
#define PRIV_CLASS_GROUPS_MAX 16   /* groups of one class */
#define PRIV_CIDRS_MAX 8
#define PRIV_ROUTES_MAX 64         /* routes of one subnet */
#define PRIV_ENTRIES_MAX 64        /* entries of its network ACL, both directions */
#define PRIV_MBIT_MAX 100000      /* a limit of a machine's network */
#define PRIV_LAYERS_MAX 12        /* of an image */
#define PRIV_NICS_MAX 16          /* interfaces of a machine */
#define PRIV_NIC_IPS_MAX 50       /* addresses of one */
#define PRIV_PEERS 65536          /* numbers of connections between VPCs: 1 … */
#define PRIV_ID_MAX 32             /* "i-0123456789abcdef0" and its NUL */

enum priv_op {
    PRIV_HELLO = 1,
    PRIV_LIST,
    PRIV_ACK,
    PRIV_VPC_OPEN,
    PRIV_VPC_CLOSE,
    PRIV_GROUP,
    PRIV_GROUP_DROP,
    PRIV_CLASS,
    PRIV_MACHINE_CLASS,
    PRIV_PUBLIC_IP,
    PRIV_LAUNCH,
    PRIV_SIGNAL,
    PRIV_REMOVE,
    PRIV_CONSOLE_READ,
    PRIV_CONSOLE_WRITE,
    PRIV_CONSOLE_FOLLOW,
    PRIV_EXEC,
    PRIV_EXEC_KILL,
    PRIV_STATS,
    PRIV_LIMITS,
    PRIV_FREEZE,
    PRIV_SHUTDOWN,
    PRIV_TRUST,
    PRIV_SUBNET,
    PRIV_SUBNET_DROP,
    PRIV_HIBERNATE,
    PRIV_WAKE,
    PRIV_DISK,
    PRIV_INSPECT,
    PRIV_NICS,
    PRIV_PEER,
    PRIV_METERS,
    PRIV_SNAPSHOT,
    PRIV_SNAPSHOT_DROP,
    PRIV_VOLUME_IN,
    PRIV_VOLUME_OUT,
    PRIV_VOLUME_DROP,
    PRIV_VOLUME_COPY,
    PRIV_OPS,

    PRIV_EV_EXITED = 100,
    PRIV_EV_CONSOLE,
    PRIV_EV_EXEC_EXITED,
};

struct priv_header {
    uint16_t version; /* PRIV_VERSION */
    uint16_t op;      /* enum priv_op; a reply repeats its request's */
    uint32_t seq;     /* chosen by the client, not 0; 0 in events */
    int32_t status;   /* replies: 0 or -errno; requests: 0 */
    uint32_t n;       /* bytes that follow */
};

/* ---- HELLO: must come first on a connection; answered by text after the struct ---- */

struct priv_hello {
    uint32_t want_events;
};
/*
 * Followed by text_n bytes of text, a sentence a line: "missing: …" is a thing without which no
 * sandbox starts, and what to do about it; "note: …" is a limitation.  can_launch is whether
 * there is no "missing:" line.
 */
struct priv_hello_reply {
    uint32_t pid;
    uint32_t can_launch;
    uint32_t cgroup_version; /* 1, 2, or 0: no limits can be set */
    uint32_t n_machines;
    uint32_t can_volumes;    /* else a line that begins "no volumes: " says why */
    uint32_t pad;
    uint64_t started_ns;     /* monotonic; differs from the last time: rules must be sent again */
    char boot_id[40];
    char tag[8];             /* in the names of all that it makes on the host */
    uint32_t text_n;
};

/* ---- LIST: no struct; answered by priv_list_reply and n × priv_list_entry ---- */

enum priv_state { PRIV_STARTING = 1, PRIV_RUNNING, PRIV_EXITED, PRIV_HIBERNATED };

enum priv_exit {
    PRIV_EXIT_NONE,
    PRIV_EXIT_POWEROFF, /* the guest powered off or halted */
    PRIV_EXIT_REBOOT,   /* the guest asked for a reboot: LAUNCH again with the same folder */
    PRIV_EXIT_KILLED,   /* by PRIV_SIGNAL */
    PRIV_EXIT_CRASHED,  /* its init ended; status is a wait status */
    PRIV_EXIT_UNKNOWN,  /* it ended while no privileged process was there to see how */
};

/* Asks for entries from the start-th (in no particular order, stable while nothing changes). */
struct priv_list {
    uint32_t start;
};
struct priv_list_reply {
    uint32_t n;
    uint32_t more; /* ask again with start + n */
};
struct priv_list_entry {
    char id[PRIV_ID_MAX];
    uint32_t state; /* enum priv_state */
    uint32_t pid;
    uint32_t exit;  /* enum priv_exit, when exited */
    int32_t status; /* wait status when crashed */
    uint32_t vpc, slot, private_ip, class;
    uint32_t adopted; /* taken over from a privileged process that died */
    uint64_t started_ms; /* monotonic clock when its LAUNCH was taken on */
};

/* ---- ACK, and every operation that needs a machine's name only ---- */

/* ACK forgets a machine that exited: it is no longer listed.  LAUNCH of the same id does too. */
struct priv_machine {
    char id[PRIV_ID_MAX];
};

/* ---- VPCs ---- */

struct priv_cidr {
    uint32_t ip;
    uint32_t prefix;
};

/*
 * Makes the network namespace of a VPC, its router, its way out and its listeners; or, when it
 * is there already, adds CIDRs and extra listeners and answers the same listeners.  number is the
 * caller's name for it (0 … PRIV_VPCS - 1): a VPC of another id that has it and in which no machine
 * runs is closed.  The resolver listens on the first CIDR's base + 2 as
 * well.
 *
 * Extra TCP listeners (for AWS service names inside instances) lie on link-local addresses, which
 * the router gets: 169.254.x.y only.  Those of an open VPC cannot change, only more can follow.
 */
struct priv_vpc_open {
    uint32_t number;
    char id[PRIV_ID_MAX];
    uint32_t n_cidrs;
    struct priv_cidr cidrs[PRIV_CIDRS_MAX];
    uint32_t n_extra;
    struct {
        uint32_t ip;
        uint32_t port;
    } extra[4];
};
/* The descriptors that come with the reply, in this order, all non-blocking. */
enum priv_listener {
    PRIV_LISTEN_IMDS,      /* TCP 169.254.169.254:80 */
    PRIV_LISTEN_DHCP,      /* UDP 0.0.0.0:67, IP_PKTINFO, SO_BROADCAST */
    PRIV_LISTEN_DNS_UDP,   /* UDP 169.254.169.253:53, IP_PKTINFO */
    PRIV_LISTEN_DNS_TCP,
    PRIV_LISTEN_DNS2_UDP,  /* UDP base+2:53, IP_PKTINFO */
    PRIV_LISTEN_DNS2_TCP,
    PRIV_LISTEN_EXTRA,     /* n_extra of them */
};
/*
 * The extra ones that the daemon asks for: the API inside VPCs.  AWS uses 169.254.169.x (metadata,
 * names, time, licences) and 169.254.170.2 and .23 (credentials of ECS and EKS); this one stands
 * beside those, so that what lets instances reach them (routes, NO_PROXY) lets them reach it too.
 */
#define PRIV_API_IP 0xa9feaac8u /* 169.254.170.200 */
#define PRIV_LISTEN_API_TLS PRIV_LISTEN_EXTRA       /* port 443 */
#define PRIV_LISTEN_API_HTTP (PRIV_LISTEN_EXTRA + 1) /* port 80 */
#define PRIV_LISTEN_ALL (PRIV_LISTEN_EXTRA + 2)
struct priv_vpc_reply {
    uint32_t host_ip;     /* the host's address on the link, seen by guests as the source */
    uint32_t router_ip;   /* the VPC's address on the link */
    uint32_t host_routed; /* bit n: the host routes CIDR n into this VPC (the first to claim it) */
    uint32_t n_fds;
};
/* VPC_CLOSE: refused while a machine in it runs. */
struct priv_vpc {
    uint32_t number;
};

/* 1:1 NAT of a public address.  Adding replaces; removing what is not there is no error. */
struct priv_public_ip {
    uint32_t vpc;
    uint32_t remove; /* 0 add, 1 remove */
    uint32_t public_ip;
    uint32_t private_ip;
};

/* ---- security groups ---- */

/*
 * A group is a numbered list of rules; a class is a numbered set of groups; a machine is in one
 * class.  Numbers are the caller's, from 1.  Machines of class 0 or of one not defined may neither
 * send nor receive (the metadata, DHCP and DNS listeners of the VPC always can be reached).
 *
 * GROUP replaces the rules of one group (an edit of one rule is this call), at a cost that does
 * not grow with machines or other groups.  Flows that are established go on when their rule is
 * revoked, as tracked connections do on AWS.
 */
enum priv_peer { PRIV_PEER_CIDR, PRIV_PEER_GROUP };
#define PRIV_PROTO_ALL (-1)
struct priv_rule {
    uint8_t egress;      /* 0 ingress, 1 egress */
    uint8_t peer;        /* enum priv_peer */
    int16_t protocol;    /* IP protocol number or PRIV_PROTO_ALL */
    int32_t from, to;    /* TCP, UDP: ports, -1 -1 any; ICMP: type and code, -1 any */
    uint32_t ip, prefix; /* peer: a CIDR, */
    uint32_t group;      /* or the private addresses of the machines in this group */
};
/* Followed by n_rules × priv_rule. */
struct priv_group {
    uint32_t vpc;
    uint32_t group;
    uint32_t n_rules;
};
/* Classes that no machine is in go with it; one in use keeps it. */
struct priv_group_drop {
    uint32_t vpc;
    uint32_t group;
};
/* A class in use cannot be given other groups: use another number and PRIV_MACHINE_CLASS. */
struct priv_class {
    uint32_t vpc;
    uint32_t class;
    uint32_t n_groups;
    uint32_t groups[PRIV_CLASS_GROUPS_MAX];
};
struct priv_machine_class {
    char id[PRIV_ID_MAX];
    uint32_t class;
};

/* ---- subnets ---- */

/*
 * What stands at the edge of a subnet: its routes and its network ACL.  A machine is in one
 * subnet; of one that was not told it can neither send nor receive beyond it, but for metadata,
 * DHCP and names.  Numbers are the caller's, from 1, within a VPC.
 *
 * SUBNET replaces all of it.  Routes come with the most specific first; what none of them has is
 * dropped.  Those about addresses inside of the VPC's CIDRs lead to interfaces (VIA): others of
 * them have no meaning.  The gateway takes packets of
 * machines that have a public address, and drops those of others.  By a NAT gateway packets leave
 * with the public address that PUBLIC_IP gave to the gateway's private one; what nobody asked for
 * does not come back that way.  Entries come in the order in
 * which they are tried; they are asked for each packet that enters or leaves the subnet, replies
 * too.  The VPC's extra listeners are outside, like the Internet.
 */
enum priv_route_to {
    PRIV_ROUTE_NOWHERE,
    PRIV_ROUTE_GATEWAY,
    PRIV_ROUTE_NAT,  /* via: the gateway's private address */
    PRIV_ROUTE_PEER, /* via: the number of a PEER */
    PRIV_ROUTE_VIA,  /* via: own address of an interface that takes what is not for it (open) */
};
struct priv_route {
    uint32_t ip, prefix;
    uint32_t to; /* enum priv_route_to */
    uint32_t via;
};
struct priv_acl_entry {
    uint8_t egress; /* 0 ingress, 1 egress */
    uint8_t allow;
    int16_t protocol; /* as in struct priv_rule */
    int32_t from, to;
    uint32_t ip, prefix; /* of the other side */
};
/* Followed by n_routes × priv_route and n_entries × priv_acl_entry. */
struct priv_subnet {
    uint32_t vpc;
    uint32_t subnet;
    uint32_t n_routes, n_entries;
};
/* Refused while a machine in it runs. */
struct priv_subnet_drop {
    uint32_t vpc;
    uint32_t subnet;
};

/* ---- connections between VPCs ---- */

/*
 * PEER: a link between the routers of two open VPCs, which subnets of both have routes by; or, with
 * remove, none any more.  It ends with either VPC.  No error when it is so already.
 */
struct priv_link {
    uint32_t number; /* 1 … PRIV_PEERS - 1, the caller's */
    uint32_t vpcs[2];
    uint32_t mtu; /* 0: 9001; of a link that is there it stays */
    uint32_t remove;
};

/* ---- machines ---- */

enum priv_init {
    PRIV_INIT_WELKIN = 1, /* the static welkin-init, from outside the image */
    PRIV_INIT_SYSTEMD,    /* the image's /sbin/init; eth0 is left to its DHCP client */
    PRIV_INIT_COMMAND,    /* a program of the image: argv in the tail, each NUL-terminated */
};

struct priv_limits {
    uint32_t cpu_milli;    /* 1/1000 of a core; 0: no limit */
    uint32_t pids;         /* 0: no limit */
    uint64_t memory_bytes; /* 0: no limit */
};

/*
 * Boots a machine.  The reply comes when its init was exec'd, or says in a sentence why not.
 * The machine's disk is DATA/machines/ID/upper over the image; both are there again at the next
 * LAUNCH of the same id.  On disk file owners are 0 … 65535: an upper can become an image.
 */
struct priv_launch {
    char id[PRIV_ID_MAX];
    /* A directory beneath DATA/images, relative to it; or several, a colon between, the topmost
     * first. */
    char image[256];
    char hostname[64];
    uint32_t vpc;
    uint32_t slot;   /* 0 … PRIV_SLOTS - 1, of no other running machine */
    uint32_t private_ip, prefix, gateway;
    uint32_t class;
    uint32_t subnet;
    uint32_t cluster;   /* members of one, in one VPC, have 10 Gbit/s a flow; 0: 5, as all else */
    uint32_t public_ip; /* 0: none */
    uint32_t mbit;   /* a second, of all its interfaces, in and out each; 0: no limit */
    uint32_t mtu;    /* 0: 9001 */
    uint8_t mac[6];
    uint8_t init;    /* enum priv_init */
    uint8_t argc;    /* of the tail, PRIV_INIT_COMMAND only */
    struct priv_limits limits;
};
struct priv_launch_reply {
    uint32_t pid;
    uint32_t ifindex; /* of its interface in the VPC's namespace */
    uint64_t ns;      /* from LAUNCH taken on to exec of init */
};

/*
 * NICS: what the interfaces of a machine shall be.  The first is eth0, whose own address and MAC
 * are those of its launch.  Further ones are made as eth<index> in the running guest, with their
 * addresses, and with a route of their own for what leaves from them; those that are not in the
 * list are taken away.  Each stands in a subnet of the machine's VPC that was told of.  Followed by
 * n × priv_nic.
 */
struct priv_nic {
    uint32_t index; /* 0: the first; each another */
    uint32_t class, subnet, cluster;
    uint32_t prefix, gateway;
    uint32_t open; /* 1: it may send with addresses that are not its own, and be routed by */
    uint32_t n_ips;
    uint32_t ips[PRIV_NIC_IPS_MAX]; /* its own, then secondary ones */
    uint8_t mac[6];
    uint8_t pad[2];
};
struct priv_nics {
    char id[PRIV_ID_MAX];
    uint32_t n; /* 1 … PRIV_NICS_MAX */
};

enum priv_how {
    PRIV_POWER_BUTTON = 1, /* asks the init to shut down; whoever asks decides when to kill */
    PRIV_REBOOT,           /* asks the init to reboot: ends as PRIV_EXIT_REBOOT */
    PRIV_KILL,
};
struct priv_signal {
    char id[PRIV_ID_MAX];
    uint32_t how;
};

/*
 * SNAPSHOT: what the machine changed on its root becomes a layer of images, DATA/images/NAME
 * ("snap-…").  Answered when it is whole; a machine that runs goes on meanwhile.  Asked again for
 * one that there is, it is no error.  Refused for encrypted disks.  SNAPSHOT_DROP deletes one, in
 * the background; no error when there is none.  No image that is launched may stand on it.
 */
struct priv_snapshot {
    char id[PRIV_ID_MAX];
    char name[PRIV_ID_MAX];
};
struct priv_snapshot_drop {
    char name[PRIV_ID_MAX];
};

/* priv_machine: REMOVE (deletes the machine's folder in the background; refused while it runs). */

/*
 * HIBERNATE and WAKE ask with priv_machine.  A hibernated machine stands still in memory, has no
 * network and takes no EXEC; a WAKE gives it the network of its class, and it goes on.  Each is no
 * error when it is so already.
 */

/*
 * INSPECT: asks with priv_machine.  wiped: nothing is left of what every Linux has at its root but
 * what is mounted there, so it runs on out of memory and never boots again.
 */
struct priv_inspect_reply {
    uint32_t wiped;
};

/*
 * DISK: the machine's disk is an encrypted one, of so many bytes and with this key; it is made when
 * there is none.  It comes before each LAUNCH of such a machine, which is refused without it.
 */
#define PRIV_DISK_KEY 64
#define PRIV_DISK_MIN (1ull << 30)
#define PRIV_DISK_MAX (1ull << 44) /* of the host's file systems: 16 TiB */
struct priv_disk {
    char id[PRIV_ID_MAX];
    uint64_t bytes;
    uint8_t key[PRIV_DISK_KEY];
};

/* ---- volumes ---- */

/*
 * A volume is a file of its size in DATA/volumes.  VOLUME_IN attaches it to a machine as a block
 * device: a guest that runs has it when the answer comes, each later one from its first
 * instruction on, until VOLUME_OUT.  One that has no bytes yet gets those of the snapshot `from`.
 * Asked again with more bytes, the device grows.
 *
 * VOLUME_OUT is refused, -EBUSY, while a file system of it is mounted, or, when the node is gone
 * from the guest already, while something has it open; ask again.  With force the device is dead
 * at once for whatever has it.  No error when it is not attached.
 *
 * VOLUME_COPY makes a snapshot: the bytes as they are at one moment, if the volume is attached what
 * would be on its disk had the power failed then, or better.  Answered when it is whole.
 * VOLUME_DROP deletes the bytes of a volume or a snapshot.
 */
#define PRIV_VOLUME_MAX (1ull << 46) /* 64 TiB, AWS's largest */
struct priv_volume {
    char id[PRIV_ID_MAX];      /* "vol-…" */
    char machine[PRIV_ID_MAX];
    char device[12];           /* "sdf" */
    uint32_t nvme;             /* 1: the guest sees an NVMe device, and sdf is a link to it */
    char from[PRIV_ID_MAX];    /* "snap-…" or empty */
    uint64_t bytes;
};
struct priv_volume_out {
    char id[PRIV_ID_MAX];
    uint32_t force;
};
struct priv_volume_drop {
    char id[PRIV_ID_MAX]; /* of a volume or a snapshot */
};
struct priv_volume_copy {
    char id[PRIV_ID_MAX];
    char name[PRIV_ID_MAX]; /* "snap-…" */
    char from[PRIV_ID_MAX]; /* what the volume begins with if it has no bytes yet */
    uint64_t bytes;
};

struct priv_limits_set {
    char id[PRIV_ID_MAX];
    struct priv_limits limits;
};
struct priv_freeze {
    char id[PRIV_ID_MAX];
    uint32_t frozen; /* 1 freeze, 0 thaw */
};
/* STATS: asks with priv_machine. */
struct priv_stats_reply {
    uint64_t cpu_ns;
    uint64_t memory_bytes;
    uint64_t pids;
    uint64_t rx_bytes, tx_bytes; /* as the guest counts them */
    uint64_t rx_packets, tx_packets;
};

/*
 * METERS: what running machines have used since they booted; hibernated ones are left out.  A place
 * is one of the table of machines and not a count, so machines that come and go between two
 * requests make no other one come twice or not at all.
 */
struct priv_meters {
    uint32_t place; /* 0 at first */
};
/* Followed by n × priv_meter. */
struct priv_meters_reply {
    uint32_t n;
    uint32_t next; /* the place to ask from again; 0: these were the last */
};
struct priv_meter {
    char id[PRIV_ID_MAX];
    uint64_t cpu_ns;
    uint64_t rx_bytes, tx_bytes; /* of all interfaces, as the guest counts them */
    uint64_t rx_packets, tx_packets;
    uint64_t read_bytes, written_bytes; /* what reached the host's disks */
    uint64_t reads, writes;
    uint32_t has_disk; /* the host counts that: the io controller of version 2 */
    uint32_t pad;
};

/* ---- the console ---- */

/* Offsets count all bytes since the machine's folder was made. */
struct priv_console_read {
    char id[PRIV_ID_MAX];
    uint64_t from; /* UINT64_MAX: the last PRIV_CONSOLE_PIECE bytes */
};
/* Followed by n bytes, which begin at offset `at` >= from. */
struct priv_console_reply {
    uint64_t begin, end; /* what is kept */
    uint64_t at;
    uint32_t n;
    uint32_t pad;
};
/* CONSOLE_WRITE: followed by n bytes; what the guest does not read (4 KiB) is refused, -EAGAIN. */
struct priv_console_write {
    char id[PRIV_ID_MAX];
    uint32_t n;
};
struct priv_console_follow {
    char id[PRIV_ID_MAX];
    uint32_t on;
};
/* Event; followed by n bytes.  A slow reader misses some: at says which, READ has the rest. */
struct priv_ev_console {
    char id[PRIV_ID_MAX];
    uint64_t at;
    uint32_t n;
    uint32_t pad;
};

struct priv_ev_exited {
    char id[PRIV_ID_MAX];
    uint32_t exit;  /* enum priv_exit */
    int32_t status; /* wait status */
};

/* ---- exec ---- */

/*
 * Runs a program inside a running machine.  Comes with 3 descriptors (stdin, stdout, stderr), or
 * with 1: the slave of a pty, which becomes its controlling terminal.  The tail holds argc argument
 * strings, then envc "NAME=value" strings, then the working directory if cwd is 1; each NUL-ended.
 * The reply comes at once; EV_EXEC_EXITED with the reply's number comes when it ended, to the
 * connection that asked.  A program that cannot be run: exit status 127 and a line on stderr.
 */
struct priv_exec {
    char id[PRIV_ID_MAX];
    uint16_t argc, envc;
    uint32_t cwd;
    uint32_t uid, gid;
};
struct priv_exec_reply {
    uint32_t exec;
};
struct priv_exec_kill {
    uint32_t exec;
};
struct priv_ev_exec_exited {
    uint32_t exec;
    int32_t status; /* wait status */
};

/* ---- TRUST ---- */

/*
 * Followed by n bytes: the certificate, in PEM, of the authority that machines shall trust from
 * their next launch on.  It is put into the trust store of images that have one, once for each
 * machine: what the guest does with it afterwards is the guest's affair.
 */
struct priv_trust {
    uint32_t n;    /* 1 … PRIV_TRUST_MAX */
    uint32_t hash; /* OpenSSL's of its subject: the name of its link among hashed certificates */
};
#define PRIV_TRUST_MAX 4096

/* ---- SHUTDOWN ---- */

/*
 * Ends the privileged process.  With kill_all it kills every machine and removes all that it made
 * on the host: cgroups, interfaces, firewall, namespaces (DATA/machines stays).  Without, machines
 * run on and wait for adoption.
 */
struct priv_shutdown {
    uint32_t kill_all;
};

/* ---- the process ---- */

struct priv_config {
    const char *data_dir;     /* absolute */
    const char *guest_init;   /* the static welkin-init; NULL or absent: PRIV_INIT_WELKIN fails */
    uint32_t daemon_uid;      /* may connect, besides root */
    struct priv_cidr links;   /* addresses of links to VPCs; zero: 4096 of 100.64.0.0/10 by tag */
    struct priv_cidr pool;    /* public addresses; zero: 198.18.0.0/15 */
    bool guests_reach_host;   /* whether guests may open connections to the host's own addresses */
    bool no_guest_mounts;     /* guests cannot mount what is on their volumes */
    int log_fd;
};

/* Runs the privileged process until SHUTDOWN or SIGTERM.  Answers its exit status. */
int priv_main(const struct priv_config *config);

/*
 * Makes sure that a privileged process of our version answers on DATA/host.sock: when none does,
 * starts one, detached.  To be called while still root.  0; -EPROTO when one of another version
 * answers (logged with what to do).
 */
int priv_spawn(const struct priv_config *config);

/*
 * Removes what a dead privileged process left on the host for this DATA, as SHUTDOWN with kill_all
 * does (it starts one and shuts it down).  For `welkin clean` and tests.
 */
int priv_clean(const struct priv_config *config);

/* ---- the client ---- */

struct priv_conn;

/* A reply or an event.  Valid in the callback only; fds that the callback keeps it sets to -1. */
struct priv_message {
    uint16_t op;
    uint32_t seq;
    int32_t status;
    struct str body;   /* the struct and its tail; or the sentence when status < 0 */
    int *fds;
    size_t n_fds;
};
typedef void priv_reply_fn(void *arg, struct priv_message *m);

/* Connects, without HELLO.  0 or -errno (-ENOENT, -ECONNREFUSED: none there). */
int priv_connect(struct priv_conn **ret, const char *data_dir);
/* Requests without an answer get one with status -ECONNRESET. */
struct priv_conn *priv_conn_free(struct priv_conn *conn);

/* For the loop: watch for EPOLLIN always, for EPOLLOUT while priv_wants_write(). */
int priv_fd(const struct priv_conn *conn);
bool priv_wants_write(const struct priv_conn *conn);
/* Reads and writes all that is possible without waiting, calling back.  <0: the connection is
 * lost; free it.  Callbacks must not free the connection. */
int priv_process(struct priv_conn *conn);

/*
 * Queues a request: struct and tail, at most PRIV_FDS_MAX descriptors (duplicated by the kernel:
 * the caller may close its own after the call).  fn may be NULL.  0 or -errno (-ENOBUFS: more
 * than 8 MiB wait).
 */
int priv_send(struct priv_conn *conn, enum priv_op op, const void *req, size_t n, const void *tail,
              size_t tail_n, const int *fds, size_t n_fds, priv_reply_fn *fn, void *arg);
/* Who gets events. */
void priv_on_event(struct priv_conn *conn, priv_reply_fn *fn, void *arg);

/*
 * For tests and commands: sends and waits for the answer, handling whatever else comes meanwhile.
 * The answer's body and descriptors are copied: into the arena, and into fds[PRIV_FDS_MAX].
 * The request's status, or -errno of the connection (-ETIMEDOUT).
 */
struct priv_answer {
    struct str body;
    int fds[PRIV_FDS_MAX];
    size_t n_fds;
};
int priv_call_wait(struct priv_conn *conn, struct arena *arena, enum priv_op op, const void *req,
                   size_t n, const void *tail, size_t tail_n, const int *fds, size_t n_fds,
                   int timeout_ms, struct priv_answer *ret);
/* Waits at most timeout_ms for something to read and handles it.  0, -ETIMEDOUT or -errno. */
int priv_wait(struct priv_conn *conn, int timeout_ms);

/* The struct at the start of a body, or NULL when the body is too short. */
#define PRIV_BODY(type, body) ((const type *)((body).n >= sizeof(type) ? (body).p : NULL))
