/*
 * Whether a request makes sense by itself: everything that can be said without looking at the
 * host.  Pure, so that it is tested field by field and fuzzed; handlers rely on it and check
 * only what depends on what is there.
 */
#include "host/sandbox/server.h"

#include <netinet/in.h>

#define CPU_MILLI_MAX 1024000u
#define PIDS_MAX 4194304u /* the kernel's */
#define MEMORY_MAX (1ull << 50)
#define EXEC_STRINGS 4096
#define CONSOLE_WRITE_MAX 4096

static bool
ends(const char *text, size_t n)
{
    return memchr(text, 0, n) != NULL;
}

/* Whether a tail is just that many NUL-terminated strings. */
static bool
strings_fill(struct str tail, size_t n)
{
    assert(str_ok(tail));
    for (; n; n--) {
        size_t end = str_find_char(tail, '\0');

        if (end >= tail.n)
            return false;
        tail = str_cut(tail, end + 1, tail.n);
    }
    return tail.n == 0;
}

static bool
limits_ok(const struct priv_limits *l)
{
    return l->cpu_milli <= CPU_MILLI_MAX && l->pids <= PIDS_MAX && l->memory_bytes <= MEMORY_MAX;
}

static bool
host_name_ok(const char *name)
{
    size_t n = strnlen(name, sizeof(((struct priv_launch *)0)->hostname));

    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", name[i]))
            return false;
    return n > 0 && n < sizeof(((struct priv_launch *)0)->hostname) && name[0] != '-' &&
           name[0] != '.';
}

/*
 * Ranges that are never a guest's: this network, loopback, link-local, multicast and beyond.
 * A VPC has 16 to 28 bits, as on AWS: a wider one would draw more of the host's traffic.
 */
static bool
vpc_cidr_ok(const struct priv_cidr *c)
{
    return c->prefix >= 16 && c->prefix <= 28 && !(c->ip & (0xffffffffu >> c->prefix)) &&
           c->ip >> 24 != 0 && c->ip >> 24 != 127 && c->ip >> 16 != 0xa9fe && c->ip >> 28 < 14;
}

int
check_vpc_open(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_vpc_open *o = req;

    if (o->number >= PRIV_VPCS || !ends(o->id, sizeof(o->id)) || !machine_id_ok(o->id) ||
        o->n_cidrs < 1 || o->n_cidrs > PRIV_CIDRS_MAX || o->n_extra > ARRAY_LEN(o->extra))
        return why_set(why, EINVAL, "the VPC's description is not valid");
    for (uint32_t i = 0; i < o->n_cidrs; i++)
        if (!vpc_cidr_ok(&o->cidrs[i]))
            return why_set(why, EINVAL, "%s/%u is no network of a VPC", ip_text(o->cidrs[i].ip),
                           o->cidrs[i].prefix);
    for (uint32_t i = 0; i < o->n_extra; i++)
        if (o->extra[i].ip >> 16 != 0xa9fe || !o->extra[i].port || o->extra[i].port > 65535)
            return why_set(why, EINVAL, "extra listeners must have link-local addresses");
    return 0;
}

static bool
rule_ok(const struct priv_rule *q)
{
    bool ports = q->protocol == IPPROTO_TCP || q->protocol == IPPROTO_UDP;

    if (q->egress > 1 || q->peer > PRIV_PEER_GROUP || q->protocol < -1 || q->protocol > 255)
        return false;
    if (q->peer == PRIV_PEER_CIDR ? q->prefix > 32 : q->group == 0)
        return false;
    if (ports)
        return q->from == -1 || (q->from >= 0 && q->to >= q->from && q->to <= 65535);
    if (q->protocol == IPPROTO_ICMP)
        return q->from >= -1 && q->from <= 255 && q->to >= -1 && q->to <= 255;
    return true;
}

int
check_group(const void *req, struct str tail, struct why *why)
{
    const struct priv_group *q = req;
    struct priv_rule rule;

    if (!q->group || q->n_rules > PRIV_RULES_MAX || tail.n != q->n_rules * sizeof(rule))
        return why_set(why, EINVAL, "the group's rules are not well formed");
    for (uint32_t i = 0; i < q->n_rules; i++) {
        memcpy(&rule, tail.p + i * sizeof(rule), sizeof(rule));
        if (!rule_ok(&rule))
            return why_set(why, EINVAL, "rule %u of group %u is not valid", i, q->group);
    }
    return 0;
}

int
check_group_drop(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_group_drop *q = req;

    return q->group ? 0 : why_set(why, EINVAL, "there is no group 0");
}

int
check_class(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_class *q = req;

    if (!q->class || q->n_groups > PRIV_CLASS_GROUPS_MAX)
        return why_set(why, EINVAL, "the class is not well formed");
    for (uint32_t i = 0; i < q->n_groups; i++)
        if (!q->groups[i])
            return why_set(why, EINVAL, "there is no group 0");
    return 0;
}

static bool
entry_ok(const struct priv_acl_entry *e)
{
    const struct priv_rule rule = {.egress = e->egress, .protocol = e->protocol, .from = e->from,
                                   .to = e->to, .ip = e->ip, .prefix = e->prefix};

    return e->allow <= 1 && rule_ok(&rule);
}

static bool
route_ok(const struct priv_route *r)
{
    switch ((enum priv_route_to)r->to) {
    case PRIV_ROUTE_NOWHERE:
    case PRIV_ROUTE_GATEWAY:
        return r->via == 0;
    case PRIV_ROUTE_NAT:
        return r->via != 0;
    case PRIV_ROUTE_PEER:
        return r->via > 0 && r->via < PRIV_PEERS;
    case PRIV_ROUTE_VIA:
        return r->via >= PRIV_PEERS; /* marks of both kinds are told apart */
    }
    return false;
}

int
check_subnet(const void *req, struct str tail, struct why *why)
{
    const struct priv_subnet *q = req;
    uint32_t prefix = 32;

    if (!q->subnet || q->n_routes > PRIV_ROUTES_MAX || q->n_entries > PRIV_ENTRIES_MAX ||
        tail.n != q->n_routes * sizeof(struct priv_route) +
                      q->n_entries * sizeof(struct priv_acl_entry))
        return why_set(why, EINVAL, "the subnet's routes and rules are not well formed");
    for (uint32_t i = 0; i < q->n_routes; i++) {
        struct priv_route route;

        memcpy(&route, tail.p + i * sizeof(route), sizeof(route));
        if (route.prefix > prefix || !route_ok(&route))
            return why_set(why, EINVAL, "route %u of subnet %u is not valid", i, q->subnet);
        prefix = route.prefix; /* the most specific come first */
    }
    tail = str_cut(tail, q->n_routes * sizeof(struct priv_route), tail.n);
    for (uint32_t i = 0; i < q->n_entries; i++) {
        struct priv_acl_entry entry;

        memcpy(&entry, tail.p + i * sizeof(entry), sizeof(entry));
        if (!entry_ok(&entry))
            return why_set(why, EINVAL, "entry %u of subnet %u is not valid", i, q->subnet);
    }
    return 0;
}

int
check_subnet_drop(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_subnet_drop *q = req;

    return q->subnet ? 0 : why_set(why, EINVAL, "there is no subnet 0");
}

int
check_public_ip(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_public_ip *q = req;

    if (q->remove > 1 || !q->public_ip || (!q->remove && !q->private_ip))
        return why_set(why, EINVAL, "the public address is not well formed");
    return 0;
}

static bool
nic_ok(const struct priv_nic *nic, bool first)
{
    if (nic->index >= PRIV_NICS_MAX || (nic->index == 0) != first || nic->open > 1 ||
        nic->mac[0] & 1 || nic->n_ips < 1 || nic->n_ips > PRIV_NIC_IPS_MAX || !nic->subnet ||
        nic->prefix < 8 || nic->prefix > 30 || !nic->gateway)
        return false;
    for (uint32_t i = 0; i < nic->n_ips; i++)
        if (!nic->ips[i] || (nic->ips[i] ^ nic->gateway) >> (32 - nic->prefix))
            return false;
    return true;
}

int
check_nics(const void *req, struct str tail, struct why *why)
{
    const struct priv_nics *q = req;
    struct priv_nic nic;
    uint32_t seen = 0;

    if (q->n < 1 || q->n > PRIV_NICS_MAX || tail.n != q->n * sizeof(nic))
        return why_set(why, EINVAL, "the interfaces are not well formed");
    for (uint32_t i = 0; i < q->n; i++) {
        memcpy(&nic, tail.p + i * sizeof(nic), sizeof(nic));
        if (!nic_ok(&nic, i == 0) || seen >> nic.index & 1)
            return why_set(why, EINVAL, "interface %u of %s is not valid", i, q->id);
        seen |= 1u << nic.index;
    }
    return 0;
}

int
check_peer(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_link *q = req;

    if (!q->number || q->number >= PRIV_PEERS || q->vpcs[0] >= PRIV_VPCS ||
        q->vpcs[1] >= PRIV_VPCS || q->vpcs[0] == q->vpcs[1] || q->remove > 1 ||
        (q->mtu && (q->mtu < 576 || q->mtu > 9001)))
        return why_set(why, EINVAL, "the connection of two VPCs is not well formed");
    return 0;
}

int
check_launch(const void *req, struct str tail, struct why *why)
{
    const struct priv_launch *q = req;

    if (!ends(q->image, sizeof(q->image)) || !q->image[0] || q->image[0] == '/' ||
        !host_name_ok(q->hostname) || !strings_fill(tail, q->argc))
        return why_set(why, EINVAL, "the launch is not well formed");
    if (q->slot >= PRIV_SLOTS || q->vpc >= PRIV_VPCS)
        return why_set(why, EINVAL, "the user slot or the VPC is out of range");
    if (q->prefix < 8 || q->prefix > 30 || !q->private_ip || !q->gateway ||
        (q->private_ip ^ q->gateway) >> (32 - q->prefix))
        return why_set(why, EINVAL, "%s/%u and gateway %s are no addresses of one subnet",
                       ip_text(q->private_ip), q->prefix, ip_text(q->gateway));
    if (q->mac[0] & 1 || (q->mtu && (q->mtu < 576 || q->mtu > 65535)))
        return why_set(why, EINVAL, "the MAC address or the MTU is not valid");
    if (q->init < PRIV_INIT_WELKIN || q->init > PRIV_INIT_COMMAND)
        return why_set(why, EINVAL, "there is no init kind %u", q->init);
    if ((q->init == PRIV_INIT_COMMAND) != (q->argc > 0) || (q->argc && tail.p[0] != '/'))
        return why_set(why, EINVAL, "the command to run must be a path that begins with /");
    if (q->mbit > PRIV_MBIT_MAX)
        return why_set(why, EINVAL, "%u Mbit/s are out of range", q->mbit);
    if (!limits_ok(&q->limits))
        return why_set(why, EINVAL, "the limits are out of range");
    return 0;
}

int
check_signal(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_signal *q = req;

    if (q->how < PRIV_POWER_BUTTON || q->how > PRIV_KILL)
        return why_set(why, EINVAL, "there is no signal %u", q->how);
    return 0;
}

int
check_console_write(const void *req, struct str tail, struct why *why)
{
    const struct priv_console_write *q = req;

    if (q->n != tail.n || q->n < 1 || q->n > CONSOLE_WRITE_MAX)
        return why_set(why, EINVAL, "a console takes 1 to %d bytes at once", CONSOLE_WRITE_MAX);
    return 0;
}

int
check_exec(const void *req, struct str tail, struct why *why)
{
    const struct priv_exec *q = req;

    if (q->argc < 1 || q->argc > EXEC_STRINGS || q->envc > EXEC_STRINGS || q->cwd > 1 ||
        !strings_fill(tail, (size_t)q->argc + q->envc + q->cwd) || !tail.p[0])
        return why_set(why, EINVAL, "the command is not well formed");
    if (q->uid > 65535 || q->gid > 65535)
        return why_set(why, EINVAL, "there is no user %u or group %u in a machine", q->uid, q->gid);
    return 0;
}

int
check_limits(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_limits_set *q = req;

    return limits_ok(&q->limits) ? 0 : why_set(why, EINVAL, "the limits are out of range");
}

/* One certificate in PEM and nothing else: it goes into files that guests' root trusts. */
int
check_trust(const void *req, struct str tail, struct why *why)
{
    const struct priv_trust *q = req;
    const struct str begin = S("-----BEGIN CERTIFICATE-----\n"),
                     end = S("\n-----END CERTIFICATE-----\n");

    if (q->n != tail.n || tail.n > PRIV_TRUST_MAX || tail.n <= begin.n + end.n ||
        !str_starts(tail, begin) || !str_ends(tail, end))
        return why_set(why, EINVAL, "the authority's certificate is not well formed");
    for (size_t i = begin.n; i < tail.n - end.n; i++)
        if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n",
                    tail.p[i], 66))
            return why_set(why, EINVAL, "the authority's certificate is not well formed");
    return 0;
}

int
check_freeze(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_freeze *q = req;

    return q->frozen <= 1 ? 0 : why_set(why, EINVAL, "a machine is frozen, 1, or not, 0");
}

int
check_disk(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_disk *q = req;

    return q->bytes >= PRIV_DISK_MIN && q->bytes <= PRIV_DISK_MAX
               ? 0
               : why_set(why, EINVAL, "an encrypted disk has 1 GiB to 16 TiB");
}

/* "snap-" and hexadecimal digits, or "vol-": no other folder or file of DATA can be meant. */
static bool
id_ok(const char id[PRIV_ID_MAX], const char *prefix)
{
    size_t n = strnlen(id, PRIV_ID_MAX), p = strlen(prefix);

    return n < PRIV_ID_MAX && n > p && strncmp(id, prefix, p) == 0 &&
           strspn(id + p, "0123456789abcdef") == n - p;
}

static bool
snapshot_name_ok(const char name[PRIV_ID_MAX])
{
    return id_ok(name, "snap-");
}

int
check_snapshot(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_snapshot *q = req;

    return snapshot_name_ok(q->name) ? 0 : why_set(why, EINVAL, "the name is no snapshot's");
}

int
check_snapshot_drop(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_snapshot_drop *q = req;

    return snapshot_name_ok(q->name) ? 0 : why_set(why, EINVAL, "the name is no snapshot's");
}

/* "sda1", "sdf", "xvdf", "xvdba": what AWS lets a device be called, without "/dev/" */
static bool
device_ok(const char device[12])
{
    size_t n = strnlen(device, 12), p = strncmp(device, "xvd", 3) == 0  ? 3
                                        : strncmp(device, "sd", 2) == 0 ? 2
                                                                        : 0;
    size_t letters = n < 12 ? strspn(device + p, "abcdefghijklmnopqrstuvwxyz") : 0;

    return p > 0 && letters >= 1 && letters <= (p == 3 ? 2 : 1) &&
           (p + letters == n || strcmp(device, "sda1") == 0);
}

static bool
source_ok(const char from[PRIV_ID_MAX], uint64_t bytes)
{
    return (!from[0] || snapshot_name_ok(from)) && bytes >= 4096 && bytes <= PRIV_VOLUME_MAX &&
           bytes % 4096 == 0;
}

int
check_volume(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_volume *q = req;

    if (!id_ok(q->id, "vol-") || !ends(q->machine, sizeof(q->machine)) ||
        !machine_id_ok(q->machine) || strlen(q->machine) > 20 || strlen(q->id) > 22 ||
        !device_ok(q->device) || q->nvme > 1 || !source_ok(q->from, q->bytes))
        return why_set(why, EINVAL, "the volume is not well formed");
    return 0;
}

int
check_volume_out(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_volume_out *q = req;

    return id_ok(q->id, "vol-") && q->force <= 1
               ? 0
               : why_set(why, EINVAL, "the volume is not well formed");
}

int
check_volume_drop(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_volume_drop *q = req;

    return id_ok(q->id, "vol-") || snapshot_name_ok(q->id)
               ? 0
               : why_set(why, EINVAL, "the name is no volume's and no snapshot's");
}

int
check_volume_copy(const void *req, struct str tail UNUSED, struct why *why)
{
    const struct priv_volume_copy *q = req;

    return id_ok(q->id, "vol-") && snapshot_name_ok(q->name) && source_ok(q->from, q->bytes)
               ? 0
               : why_set(why, EINVAL, "the volume's snapshot is not well formed");
}
