/*
 * Every operation of the privileged process with every field out of its range: what is refused
 * before anything is done.
 */
#include "harness/harness.h"
#include "host/sandbox/server.h"

#include <stddef.h>

static union {
    struct priv_hello hello;
    struct priv_list list;
    struct priv_machine machine;
    struct priv_vpc_open vpc_open;
    struct priv_vpc vpc;
    struct priv_group group;
    struct priv_group_drop group_drop;
    struct priv_class class;
    struct priv_machine_class machine_class;
    struct priv_public_ip public_ip;
    struct priv_launch launch;
    struct priv_signal signal;
    struct priv_console_read console_read;
    struct priv_console_write console_write;
    struct priv_console_follow console_follow;
    struct priv_exec exec;
    struct priv_exec_kill exec_kill;
    struct priv_limits_set limits;
    struct priv_freeze freeze;
    struct priv_shutdown shutdown;
    struct priv_trust trust;
    struct priv_subnet subnet;
    struct priv_subnet_drop subnet_drop;
    struct priv_disk disk;
    struct priv_snapshot snapshot;
    struct priv_snapshot_drop snapshot_drop;
    struct priv_nics nics;
    struct priv_link link;
    struct priv_meters meters;
    struct priv_volume volume;
    struct priv_volume_out volume_out;
    struct priv_volume_drop volume_drop;
    struct priv_volume_copy volume_copy;
    char bytes[PRIV_MESSAGE_MAX];
} q;
static size_t struct_n, request_n;

static void
append(const void *p, size_t n)
{
    memcpy(q.bytes + request_n, p, n);
    request_n += n;
}

#define PEM "-----BEGIN CERTIFICATE-----\nAa0+/==\n-----END CERTIFICATE-----\n"

static const size_t sizes[PRIV_OPS] = {
    [PRIV_HELLO] = sizeof(q.hello), [PRIV_LIST] = sizeof(q.list),
    [PRIV_ACK] = sizeof(q.machine), [PRIV_VPC_OPEN] = sizeof(q.vpc_open),
    [PRIV_VPC_CLOSE] = sizeof(q.vpc), [PRIV_GROUP] = sizeof(q.group),
    [PRIV_GROUP_DROP] = sizeof(q.group_drop), [PRIV_CLASS] = sizeof(q.class),
    [PRIV_MACHINE_CLASS] = sizeof(q.machine_class), [PRIV_PUBLIC_IP] = sizeof(q.public_ip),
    [PRIV_LAUNCH] = sizeof(q.launch), [PRIV_SIGNAL] = sizeof(q.signal),
    [PRIV_REMOVE] = sizeof(q.machine), [PRIV_CONSOLE_READ] = sizeof(q.console_read),
    [PRIV_CONSOLE_WRITE] = sizeof(q.console_write),
    [PRIV_CONSOLE_FOLLOW] = sizeof(q.console_follow), [PRIV_EXEC] = sizeof(q.exec),
    [PRIV_EXEC_KILL] = sizeof(q.exec_kill), [PRIV_STATS] = sizeof(q.machine),
    [PRIV_LIMITS] = sizeof(q.limits), [PRIV_FREEZE] = sizeof(q.freeze),
    [PRIV_SHUTDOWN] = sizeof(q.shutdown), [PRIV_TRUST] = sizeof(q.trust),
    [PRIV_SUBNET] = sizeof(q.subnet), [PRIV_SUBNET_DROP] = sizeof(q.subnet_drop),
    [PRIV_HIBERNATE] = sizeof(q.machine), [PRIV_WAKE] = sizeof(q.machine),
    [PRIV_DISK] = sizeof(q.disk), [PRIV_INSPECT] = sizeof(q.machine),
    [PRIV_NICS] = sizeof(q.nics), [PRIV_PEER] = sizeof(q.link),
    [PRIV_METERS] = sizeof(q.meters),
    [PRIV_SNAPSHOT] = sizeof(q.snapshot), [PRIV_SNAPSHOT_DROP] = sizeof(q.snapshot_drop),
    [PRIV_VOLUME_IN] = sizeof(q.volume), [PRIV_VOLUME_OUT] = sizeof(q.volume_out),
    [PRIV_VOLUME_DROP] = sizeof(q.volume_drop), [PRIV_VOLUME_COPY] = sizeof(q.volume_copy),
};

static void
make_subnet(void)
{
    q.subnet = (struct priv_subnet){.subnet = 1, .n_routes = 2, .n_entries = 1};
    append(&(struct priv_route){.prefix = 8, .to = PRIV_ROUTE_GATEWAY}, sizeof(struct priv_route));
    append(&(struct priv_route){.to = PRIV_ROUTE_NOWHERE}, sizeof(struct priv_route));
    append(&(struct priv_acl_entry){.allow = 1, .protocol = 6, .from = 1, .to = 2},
           sizeof(struct priv_acl_entry));
}

static const struct priv_nic first_nic = {.subnet = 1, .prefix = 24, .gateway = 0x0a000001,
                                          .n_ips = 2, .ips = {0x0a000005, 0x0a000006}},
                             further_nic = {.index = 1, .subnet = 1, .prefix = 24, .n_ips = 1,
                                            .gateway = 0x0a000001, .ips = {0x0a000007}};

static void
make_nics(const struct priv_nic *first, const struct priv_nic *further)
{
    q.nics.n = 2;
    append(first, sizeof(*first));
    append(further, sizeof(*further));
}

static void
make_snapshot(uint16_t op)
{
    char *name = op == PRIV_SNAPSHOT ? q.snapshot.name : q.snapshot_drop.name;

    memcpy(name, "snap-0123456789abcdef0", 23);
}

#define VOLUME "vol-0123456789abcdef0"
#define SNAPSHOT "snap-0123456789abcdef0"

static void
make_volume(uint16_t op)
{
    if (op == PRIV_VOLUME_IN)
        q.volume = (struct priv_volume){
            .id = VOLUME, .machine = "i-1", .device = "sdf", .from = SNAPSHOT, .bytes = 1 << 30};
    if (op == PRIV_VOLUME_COPY)
        q.volume_copy = (struct priv_volume_copy){.id = VOLUME, .name = SNAPSHOT, .bytes = 1 << 30};
    if (op == PRIV_VOLUME_OUT || op == PRIV_VOLUME_DROP)
        memcpy(q.volume_out.id, VOLUME, sizeof(VOLUME));
}

static void
make_trust(void)
{
    memset(&q, 0, sizeof(q.trust)); /* no id */
    append(PEM, sizeof(PEM) - 1);
    q.trust.n = sizeof(PEM) - 1;
}

/* A request of that kind that is in order. */
static void
make(uint16_t op)
{
    const struct priv_rule rule = {.protocol = 6, .from = 1, .to = 2};

    memset(&q, 0, sizeof(q));
    struct_n = request_n = sizes[op];
    memcpy(q.machine.id, "i-1", 4); /* where most structs begin; the others are set below */
    make_volume(op);
    switch (op) {
    case PRIV_VPC_OPEN:
        q.vpc_open = (struct priv_vpc_open){.id = "vpc-1", .n_cidrs = 1, .n_extra = 1};
        q.vpc_open.cidrs[0] = (struct priv_cidr){0xac1f0000, 16};
        q.vpc_open.extra[0].ip = 0xa9fe0101, q.vpc_open.extra[0].port = 443;
        break;
    case PRIV_GROUP:
        q.group = (struct priv_group){.group = 1, .n_rules = 1};
        append(&rule, sizeof(rule));
        break;
    case PRIV_GROUP_DROP:
        q.group_drop.group = 1;
        break;
    case PRIV_CLASS:
        q.class = (struct priv_class){.class = 1, .n_groups = 1, .groups = {1}};
        break;
    case PRIV_PUBLIC_IP:
        q.public_ip = (struct priv_public_ip){.public_ip = 1, .private_ip = 1};
        break;
    case PRIV_LAUNCH:
        memcpy(q.launch.image, "tiny", 5);
        memcpy(q.launch.hostname, "a", 2);
        q.launch.private_ip = 0x0a000005;
        q.launch.gateway = 0x0a000001;
        q.launch.prefix = 24;
        q.launch.init = PRIV_INIT_COMMAND;
        q.launch.argc = 2;
        append("/a\0b", 5);
        break;
    case PRIV_SIGNAL:
        q.signal.how = PRIV_KILL;
        break;
    case PRIV_CONSOLE_WRITE:
        q.console_write.n = 3;
        append("abc", 3);
        break;
    case PRIV_EXEC:
        q.exec.argc = q.exec.envc = q.exec.cwd = 1;
        append("a\0b=c\0/", 8);
        break;
    case PRIV_SUBNET:
        make_subnet();
        break;
    case PRIV_SUBNET_DROP:
        q.subnet_drop.subnet = 1;
        break;
    case PRIV_NICS:
        make_nics(&first_nic, &further_nic);
        break;
    case PRIV_PEER:
        q.link = (struct priv_link){.number = 1, .vpcs = {1, 2}};
        break;
    case PRIV_DISK:
        q.disk.bytes = PRIV_DISK_MIN;
        break;
    case PRIV_SNAPSHOT:
    case PRIV_SNAPSHOT_DROP:
        make_snapshot(op);
        break;
    case PRIV_TRUST:
        make_trust();
        break;
    }
}

static int
check(uint16_t op)
{
    struct why why = {""};
    int r = priv_check(op, &q, request_n, 0, &why);

    CHECK(r == 0 || why.text[0]);
    return r;
}

TEST(a_request_of_each_kind_is_accepted_and_one_of_another_size_is_not)
{
    struct why why;

    for (uint16_t op = 1; op < PRIV_OPS; op++) {
        make(op);
        if (check(op) != 0)
            FAIL("operation %u is refused", op);
        size_t n = request_n;
        request_n = struct_n - 1;
        CHECK_INT(check(op), -EINVAL);
        request_n = 0;
        CHECK_INT(check(op), -EINVAL);
        request_n = n + 1;
        CHECK_INT(check(op), -EINVAL);
        if (op != PRIV_EXEC)
            CHECK_INT(priv_check(op, &q, n, 1, &why), -EINVAL);
    }
    CHECK_INT(priv_check(0, &q, 0, 0, &why), -ENOSYS);
    CHECK_INT(priv_check(PRIV_OPS, &q, 0, 0, &why), -ENOSYS);
    CHECK_INT(priv_check(PRIV_EV_EXITED, &q, 0, 0, &why), -ENOSYS);
}

TEST(a_request_must_name_a_machine)
{
    static const uint16_t named[] = {PRIV_ACK,          PRIV_MACHINE_CLASS, PRIV_LAUNCH,
                                     PRIV_SIGNAL,       PRIV_REMOVE,        PRIV_CONSOLE_READ,
                                     PRIV_CONSOLE_WRITE, PRIV_CONSOLE_FOLLOW, PRIV_EXEC,
                                     PRIV_STATS,        PRIV_LIMITS,        PRIV_FREEZE};
    static const char *const bad[] = {"", "..", "a/b", "../x", "A", "i-1 ", "i-1\n", "-x", "1-i"};

    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
            make(named[i]);
            memset(q.machine.id, 0, sizeof(q.machine.id));
            memcpy(q.machine.id, bad[k], strlen(bad[k]));
            if (check(named[i]) != -EINVAL)
                FAIL("operation %u takes \"%s\"", named[i], bad[k]);
        }
        make(named[i]);
        memset(q.machine.id, 'a', sizeof(q.machine.id)); /* without its NUL */
        CHECK_INT(check(named[i]), -EINVAL);
    }
}

/* Rows: a value written over a field. */
#define ROW(op, type, field, value)                                                                \
    {op, #field, offsetof(struct type, field), sizeof(((struct type *)0)->field), value}

static const struct {
    uint16_t op;
    const char *field;
    size_t at, n;
    uint64_t value;
} fields[] = {
    ROW(PRIV_VPC_OPEN, priv_vpc_open, number, PRIV_VPCS),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, number, UINT32_MAX),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, id[0], '/'),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, n_cidrs, 0),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, n_cidrs, PRIV_CIDRS_MAX + 1),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, n_cidrs, UINT32_MAX),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].prefix, 15),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].prefix, 29),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].prefix, 4096),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].ip, 0xac1f0001),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].ip, 0x7f000000),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].ip, 0),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].ip, 0xa9fe0000),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, cidrs[0].ip, 0xe0000000),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, n_extra, 5),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, extra[0].ip, 0x0a000001),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, extra[0].port, 0),
    ROW(PRIV_VPC_OPEN, priv_vpc_open, extra[0].port, 65536),
    ROW(PRIV_GROUP, priv_group, group, 0),
    ROW(PRIV_GROUP, priv_group, n_rules, 0),
    ROW(PRIV_GROUP, priv_group, n_rules, 2),
    ROW(PRIV_GROUP, priv_group, n_rules, 0x80000001), /* times 28 is 28 in 32 bits */
    ROW(PRIV_GROUP_DROP, priv_group_drop, group, 0),
    ROW(PRIV_CLASS, priv_class, class, 0),
    ROW(PRIV_CLASS, priv_class, n_groups, PRIV_CLASS_GROUPS_MAX + 1),
    ROW(PRIV_CLASS, priv_class, groups[0], 0),
    ROW(PRIV_SUBNET, priv_subnet, subnet, 0),
    ROW(PRIV_SUBNET, priv_subnet, n_routes, 3),
    ROW(PRIV_SUBNET, priv_subnet, n_routes, 0),
    ROW(PRIV_SUBNET, priv_subnet, n_entries, 2),
    ROW(PRIV_SUBNET, priv_subnet, n_entries, UINT32_MAX),
    ROW(PRIV_SUBNET_DROP, priv_subnet_drop, subnet, 0),
    ROW(PRIV_PUBLIC_IP, priv_public_ip, remove, 2),
    ROW(PRIV_PUBLIC_IP, priv_public_ip, public_ip, 0),
    ROW(PRIV_PUBLIC_IP, priv_public_ip, private_ip, 0),
    ROW(PRIV_LAUNCH, priv_launch, image[0], 0),
    ROW(PRIV_LAUNCH, priv_launch, image[0], '/'),
    ROW(PRIV_LAUNCH, priv_launch, hostname[0], 0),
    ROW(PRIV_LAUNCH, priv_launch, hostname[0], '\n'),
    ROW(PRIV_LAUNCH, priv_launch, hostname[0], '-'),
    ROW(PRIV_LAUNCH, priv_launch, vpc, PRIV_VPCS),
    ROW(PRIV_LAUNCH, priv_launch, slot, PRIV_SLOTS),
    ROW(PRIV_LAUNCH, priv_launch, slot, UINT32_MAX),
    ROW(PRIV_LAUNCH, priv_launch, private_ip, 0),
    ROW(PRIV_LAUNCH, priv_launch, gateway, 0),
    ROW(PRIV_LAUNCH, priv_launch, gateway, 0x0a000101),
    ROW(PRIV_LAUNCH, priv_launch, prefix, 0),
    ROW(PRIV_LAUNCH, priv_launch, prefix, 31),
    ROW(PRIV_LAUNCH, priv_launch, prefix, 64),
    ROW(PRIV_LAUNCH, priv_launch, mbit, PRIV_MBIT_MAX + 1),
    ROW(PRIV_LAUNCH, priv_launch, mtu, 575),
    ROW(PRIV_LAUNCH, priv_launch, mtu, 65536),
    ROW(PRIV_LAUNCH, priv_launch, mac[0], 1),
    ROW(PRIV_LAUNCH, priv_launch, init, 0),
    ROW(PRIV_LAUNCH, priv_launch, init, 4),
    ROW(PRIV_LAUNCH, priv_launch, init, PRIV_INIT_WELKIN), /* takes no command */
    ROW(PRIV_LAUNCH, priv_launch, argc, 0),
    ROW(PRIV_LAUNCH, priv_launch, argc, 1),
    ROW(PRIV_LAUNCH, priv_launch, argc, 3),
    ROW(PRIV_LAUNCH, priv_launch, argc, 255),
    ROW(PRIV_LAUNCH, priv_launch, limits.cpu_milli, UINT32_MAX),
    ROW(PRIV_LAUNCH, priv_launch, limits.pids, UINT32_MAX),
    ROW(PRIV_LAUNCH, priv_launch, limits.memory_bytes, UINT64_MAX),
    ROW(PRIV_SIGNAL, priv_signal, how, 0),
    ROW(PRIV_SIGNAL, priv_signal, how, 4),
    ROW(PRIV_CONSOLE_WRITE, priv_console_write, n, 0),
    ROW(PRIV_CONSOLE_WRITE, priv_console_write, n, 2),
    ROW(PRIV_CONSOLE_WRITE, priv_console_write, n, UINT32_MAX),
    ROW(PRIV_EXEC, priv_exec, argc, 0),
    ROW(PRIV_EXEC, priv_exec, argc, UINT16_MAX),
    ROW(PRIV_EXEC, priv_exec, envc, 2),
    ROW(PRIV_EXEC, priv_exec, envc, UINT16_MAX),
    ROW(PRIV_EXEC, priv_exec, cwd, 2),
    ROW(PRIV_EXEC, priv_exec, uid, 65536),
    ROW(PRIV_EXEC, priv_exec, gid, UINT32_MAX),
    ROW(PRIV_LIMITS, priv_limits_set, limits.cpu_milli, UINT32_MAX),
    ROW(PRIV_LIMITS, priv_limits_set, limits.pids, UINT32_MAX),
    ROW(PRIV_LIMITS, priv_limits_set, limits.memory_bytes, UINT64_MAX),
    ROW(PRIV_FREEZE, priv_freeze, frozen, 2),
    ROW(PRIV_DISK, priv_disk, bytes, 0),
    ROW(PRIV_DISK, priv_disk, bytes, PRIV_DISK_MIN - 1),
    ROW(PRIV_DISK, priv_disk, bytes, PRIV_DISK_MAX + 1),
    ROW(PRIV_DISK, priv_disk, bytes, UINT64_MAX),
};

TEST(a_field_out_of_its_range_is_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        make(fields[i].op);
        memcpy(q.bytes + fields[i].at, &fields[i].value, fields[i].n); /* little-endian */
        if (check(fields[i].op) != -EINVAL)
            FAIL("operation %u takes %s = %llu", fields[i].op, fields[i].field,
                 (unsigned long long)fields[i].value);
    }
}

TEST(a_snapshot_s_name_is_one_and_no_path)
{
    static const char *const bad[] = {"",          "snap-",        "snap-x",   "tiny", "snap-0/..",
                                      "../snap-0", "snap-0:snap-1", "new.snap-0", "Snap-0"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(PRIV_SNAPSHOT);
        memset(q.snapshot.name, 0, sizeof(q.snapshot.name));
        memcpy(q.snapshot.name, bad[i], strlen(bad[i]));
        if (check(PRIV_SNAPSHOT) != -EINVAL)
            FAIL("%s is taken", bad[i]);
        make(PRIV_SNAPSHOT_DROP);
        memset(&q.snapshot_drop, 0, sizeof(q.snapshot_drop));
        memcpy(q.snapshot_drop.name, bad[i], strlen(bad[i]));
        if (check(PRIV_SNAPSHOT_DROP) != -EINVAL)
            FAIL("%s is taken to be deleted", bad[i]);
    }
    make(PRIV_SNAPSHOT);
    memset(q.snapshot.name, 'a', sizeof(q.snapshot.name)); /* no NUL */
    memcpy(q.snapshot.name, "snap-", 5);
    CHECK_INT(check(PRIV_SNAPSHOT), -EINVAL);
}

TEST(a_volume_s_names_are_ids_and_a_device_s_and_no_paths)
{
    static const struct {
        const char *id, *machine, *device, *from;
        bool ok;
    } rows[] = {
        {VOLUME, "i-1", "sdf", "", true},         {VOLUME, "i-1", "xvdba", SNAPSHOT, true},
        {VOLUME, "i-1", "sda1", "", true},        {VOLUME, "i-1", "xvdf", "", true},
        {"vol-", "i-1", "sdf", "", false},        {"vol-0/../a", "i-1", "sdf", "", false},
        {SNAPSHOT, "i-1", "sdf", "", false},      {VOLUME, "../i", "sdf", "", false},
        {VOLUME, "", "sdf", "", false},           {VOLUME, "i-1", "sdf1", "", false},
        {VOLUME, "i-1", "", "", false},           {VOLUME, "i-1", "sdaa", "", false},
        {VOLUME, "i-1", "xvdaaa", "", false},     {VOLUME, "i-1", "sd/", "", false},
        {VOLUME, "i-1", "null", "", false},       {VOLUME, "i-1", "sdf", VOLUME, false},
        {VOLUME, "i-0123456789abcdef01", "sdf", "", true},
        {VOLUME, "i-0123456789abcdef012", "sdf", "", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make(PRIV_VOLUME_IN);
        q.volume = (struct priv_volume){.bytes = 4096};
        memcpy(q.volume.id, rows[i].id, strlen(rows[i].id));
        memcpy(q.volume.machine, rows[i].machine, strlen(rows[i].machine));
        memcpy(q.volume.device, rows[i].device, strlen(rows[i].device));
        memcpy(q.volume.from, rows[i].from, strlen(rows[i].from));
        if ((check(PRIV_VOLUME_IN) == 0) != rows[i].ok)
            FAIL("row %zu is%s taken", i, rows[i].ok ? " not" : "");
    }
    make(PRIV_VOLUME_IN);
    memset(q.volume.device, 'd', sizeof(q.volume.device)); /* no NUL */
    CHECK_INT(check(PRIV_VOLUME_IN), -EINVAL);
    make(PRIV_VOLUME_COPY);
    q.volume_copy.bytes = PRIV_VOLUME_MAX + 4096;
    CHECK_INT(check(PRIV_VOLUME_COPY), -EINVAL);
    make(PRIV_VOLUME_DROP);
    memcpy(q.volume_drop.id, SNAPSHOT, sizeof(SNAPSHOT));
    CHECK_INT(check(PRIV_VOLUME_DROP), 0);
    make(PRIV_VOLUME_OUT);
    q.volume_out.force = 2;
    CHECK_INT(check(PRIV_VOLUME_OUT), -EINVAL);
}

TEST(a_rule_out_of_range_is_refused)
{
    static const struct priv_rule bad[] = {
        {.egress = 2, .protocol = -1},
        {.peer = 2, .protocol = -1},
        {.protocol = -2},
        {.protocol = 256},
        {.protocol = -1, .prefix = 33},
        {.protocol = -1, .peer = PRIV_PEER_GROUP, .group = 0},
        {.protocol = 6, .from = -2, .to = 1},
        {.protocol = 6, .from = 5, .to = 4},
        {.protocol = 17, .from = 0, .to = 65536},
        {.protocol = 1, .from = 256, .to = -1},
        {.protocol = 1, .from = 3, .to = -2},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(PRIV_GROUP);
        request_n = struct_n;
        append(&bad[i], sizeof(bad[i]));
        if (check(PRIV_GROUP) != -EINVAL)
            FAIL("rule %zu is taken", i);
    }
}

TEST(an_edge_of_a_subnet_out_of_range_is_refused)
{
    static const struct priv_route routes[][2] = {
        {{.prefix = 33}, {.prefix = 0}},
        {{.prefix = 8, .to = PRIV_ROUTE_PEER + 1}, {.prefix = 0}},
        {{.prefix = 8, .to = PRIV_ROUTE_GATEWAY, .via = 1}, {.prefix = 0}},
        {{.prefix = 8, .to = PRIV_ROUTE_NAT}, {.prefix = 0}},
        {{.prefix = 8, .to = PRIV_ROUTE_PEER, .via = PRIV_PEERS}, {.prefix = 0}},
        {{.prefix = 8}, {.prefix = 9}}, /* not the most specific first */
    };
    static const struct priv_acl_entry entries[] = {
        {.egress = 2, .protocol = -1},         {.allow = 2, .protocol = -1},
        {.protocol = -2},                      {.protocol = -1, .prefix = 33},
        {.protocol = 6, .from = 5, .to = 4},   {.protocol = 17, .from = 0, .to = 65536},
        {.protocol = 1, .from = 256, .to = -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        make(PRIV_SUBNET);
        memcpy(q.bytes + struct_n, routes[i], sizeof(routes[i]));
        if (check(PRIV_SUBNET) != -EINVAL)
            FAIL("routes %zu are taken", i);
    }
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        make(PRIV_SUBNET);
        request_n -= sizeof(entries[i]);
        append(&entries[i], sizeof(entries[i]));
        if (check(PRIV_SUBNET) != -EINVAL)
            FAIL("entry %zu is taken", i);
    }
}

TEST(interfaces_of_a_machine_out_of_range_are_refused)
{
    static const struct priv_nic bad[] = {
        {.index = 0, .subnet = 1, .prefix = 24, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000007}}, /* a second eth0 */
        {.index = PRIV_NICS_MAX, .subnet = 1, .prefix = 24, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000007}},
        {.index = 1, .subnet = 0, .prefix = 24, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000007}},
        {.index = 1, .subnet = 1, .prefix = 31, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000001}},
        {.index = 1, .subnet = 1, .prefix = 24, .gateway = 0, .n_ips = 1, .ips = {0x0a000007}},
        {.index = 1, .subnet = 1, .prefix = 24, .gateway = 0x0a000001, .n_ips = 0},
        {.index = 1, .subnet = 1, .prefix = 24, .gateway = 0x0a000001,
         .n_ips = PRIV_NIC_IPS_MAX + 1, .ips = {0x0a000007}},
        {.index = 1, .subnet = 1, .prefix = 24, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000107}}, /* of another network */
        {.index = 1, .subnet = 1, .prefix = 24, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000007}, .open = 2},
        {.index = 1, .subnet = 1, .prefix = 24, .gateway = 0x0a000001, .n_ips = 1,
         .ips = {0x0a000007}, .mac = {1}},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(PRIV_NICS);
        request_n = struct_n;
        make_nics(&first_nic, &bad[i]);
        if (check(PRIV_NICS) != -EINVAL)
            FAIL("interface %zu is taken", i);
    }
    make(PRIV_NICS);
    request_n = struct_n;
    make_nics(&further_nic, &first_nic); /* eth0 comes first */
    CHECK_INT(check(PRIV_NICS), -EINVAL);
    make(PRIV_NICS);
    q.nics.n = PRIV_NICS_MAX + 1;
    CHECK_INT(check(PRIV_NICS), -EINVAL);
}

TEST(a_link_joins_two_vpcs_under_a_number)
{
    static const struct priv_link bad[] = {
        {.number = 0, .vpcs = {1, 2}},
        {.number = PRIV_PEERS, .vpcs = {1, 2}},
        {.number = 1, .vpcs = {2, 2}},
        {.number = 1, .vpcs = {1, PRIV_VPCS}},
        {.number = 1, .vpcs = {PRIV_VPCS, 1}},
        {.number = 1, .vpcs = {1, 2}, .remove = 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(PRIV_PEER);
        q.link = bad[i];
        if (check(PRIV_PEER) != -EINVAL)
            FAIL("link %zu is taken", i);
    }
}

TEST(an_authority_is_one_certificate_and_no_other_text)
{
    static const char *const bad[] = {
        "",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAa0\n-----END CERTIFICATE-----",
        " -----BEGIN CERTIFICATE-----\nAa0\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nA\"a\n-----END CERTIFICATE-----\n",
        PEM PEM,
        "-----BEGIN PRIVATE KEY-----\nAa0\n-----END CERTIFICATE-----\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(PRIV_TRUST);
        request_n = struct_n;
        append(bad[i], strlen(bad[i]));
        q.trust.n = (uint32_t)strlen(bad[i]);
        if (check(PRIV_TRUST) != -EINVAL)
            FAIL("\"%s\" is taken", bad[i]);
    }
    make(PRIV_TRUST);
    q.trust.n++;
    CHECK_INT(check(PRIV_TRUST), -EINVAL);
}

TEST(a_machine_sees_as_many_processors_as_its_type_has)
{
    CHECK_INT(cpus_of(0, 8), 0);
    CHECK_INT(cpus_of(100, 8), 1);
    CHECK_INT(cpus_of(1000, 8), 1);
    CHECK_INT(cpus_of(1001, 8), 2);
    CHECK_INT(cpus_of(8000, 8), 0); /* all: nothing to hide */
    CHECK_INT(cpus_of(UINT32_MAX, 8), 0);
    CHECK_STR(cpuinfo_cut(S("p: 0\n\np: 1\n\np: 2\n\n"), 2), "p: 0\n\np: 1\n\n");
    CHECK_STR(cpuinfo_cut(S("p: 0\n\n"), 2), "p: 0\n\n");
    CHECK_STR(cpuinfo_cut(S("odd"), 1), "odd");
}
