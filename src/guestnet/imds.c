/*
 * The metadata tree is made anew for each request as a flat, sorted list of paths and values
 * (some seventy; ten microseconds): a directory is whatever is a prefix of a path, so that a
 * listing can never disagree with what can be fetched, and an absent fact is an absent path.
 * What costs more than writing it down (signatures, credentials) is a leaf that says how it is
 * made, and is made when it is fetched.
 *
 * A token is nothing but its own expiry and a seal over it and the instance id under the
 * cloud's key.  So tokens survive a restart of the daemon, need no memory, and one instance's
 * token is worth nothing to another.
 */
#include "guestnet/imds.h"

#include "codec/aws_names.h"
#include "codec/crypto.h"
#include "codec/ip.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "gen/store/autoscaling_rows.h"
#include "gen/store/ec2instanceconnect_rows.h"
#include "base/list.h"
#include "base/timefmt.h"
#include "store/states.h"

#include <stdlib.h>

#define TTL_MAX_S 21600
#define EVENTS_BYTES_MAX (64 << 10)
#define EVENT_BYTES_MAX 512 /* of one, without its description */
#define TOKEN_RAW_BYTES 41  /* expiry, nonce and 25 bytes of seal: 56 characters, as on AWS */
#define SEAL_BYTES (TOKEN_RAW_BYTES - 16)

/* What a leaf's value is. */
enum leaf_kind {
    LEAF_TEXT, /* value */
    LEAF_SIGNATURE,
    LEAF_PKCS7,
    LEAF_RSA2048, /* of value, the document */
    LEAF_ROLE_INFO,
    LEAF_CREDENTIALS,
};

struct leaf {
    struct str path, value;
    struct str shown; /* in a listing instead of its first path element; p NULL: as it is */
    enum leaf_kind kind;
};

struct tree {
    struct arena *arena;
    const struct imds_keys *keys;
    int64_t now_ms;
    struct role_view role;
    struct {
        struct leaf *v;
        size_t n;
    } leaves;
};

/* ---- tokens ---- */

static void
seal(const uint8_t key[IMDS_KEY_BYTES], const uint8_t head[16], struct str id,
     uint8_t ret[SHA256_LEN])
{
    uint8_t text[16 + 64];
    size_t n = MIN(id.n, sizeof(text) - 16);

    assert(id.n > 0);
    memcpy(text, head, 16);
    memcpy(text + 16, id.p, n);
    crypto_hmac_sha256(key, IMDS_KEY_BYTES, text, 16 + n, ret);
}

static struct str
token_make(struct arena *arena, const uint8_t key[IMDS_KEY_BYTES], struct str id,
           int64_t expires_ms, const uint8_t nonce[8])
{
    uint8_t raw[16 + SHA256_LEN];

    assert(id.n > 0 && expires_ms > 0);
    for (int i = 0; i < 8; i++)
        raw[i] = (uint8_t)((uint64_t)expires_ms >> (56 - 8 * i));
    memcpy(raw + 8, nonce, 8);
    seal(key, raw, id, raw + 16);
    return str_base64(arena, str_of(raw, TOKEN_RAW_BYTES));
}

/* Whether the token is of this instance and not expired; *ret_left_s is what is left of it. */
static bool
token_good(struct arena *arena, const uint8_t key[IMDS_KEY_BYTES], struct str id, int64_t now_ms,
           struct str token, int64_t *ret_left_s)
{
    uint8_t want[SHA256_LEN];
    uint64_t expires_ms = 0;
    struct str raw;

    assert(id.n > 0 && str_ok(token));
    /* Base64 has several texts for the same bytes; a token is one text. */
    if (token.n > 128 || !str_unbase64(arena, token, &raw) || raw.n != TOKEN_RAW_BYTES ||
        !str_eq(str_base64(arena, raw), token))
        return false;
    const uint8_t *p = (const uint8_t *)raw.p;
    seal(key, p, id, want);
    if (!str_eq_consttime(str_of(p + 16, SEAL_BYTES), str_of(want, SEAL_BYTES)))
        return false;
    for (int i = 0; i < 8; i++)
        expires_ms = expires_ms << 8 | p[i];
    if ((int64_t)expires_ms <= now_ms)
        return false;
    *ret_left_s = ((int64_t)expires_ms - now_ms + 999) / 1000;
    return true;
}

/* ---- the tree ---- */

static struct leaf *add(struct tree *t, struct str value, const char *fmt, ...) PRINTF_LIKE(3, 4);
static struct leaf *
add(struct tree *t, struct str value, const char *fmt, ...)
{
    va_list ap;
    struct leaf *leaf = LIST_PUSH(t->arena, &t->leaves);

    va_start(ap, fmt);
    leaf->path = str_vfmt(t->arena, fmt, ap);
    va_end(ap);
    assert(leaf->path.n > 0);
    leaf->value = value;
    return leaf;
}

static struct str
group_names(struct tree *t, struct txn *txn, const struct str_list *ids)
{
    struct str_list names = {0};

    LIST_EACH(ids, id) {
        const struct ec2_security_group_row *group = ec2_security_group_get(txn, *id);

        if (group)
            *LIST_PUSH(t->arena, &names) = group->name;
    }
    return str_join(t->arena, &names, S("\n"));
}

static struct str
private_name(struct tree *t, const struct ec2_instance_row *instance, struct str ip_text)
{
    uint32_t ip;

    return ip4_parse(ip_text, &ip) ? aws_private_name(t->arena, instance->region, ip) : S("");
}

static struct str
public_name(struct tree *t, const struct ec2_instance_row *instance, struct str ip_text)
{
    uint32_t ip;

    return ip4_parse(ip_text, &ip) ? aws_public_name(t->arena, instance->region, ip) : S("");
}

/* A line each, the interface's own first. */
static struct str
all_addresses(struct tree *t, struct txn *txn, const struct ec2_interface_row *nic)
{
    struct str all = nic->private_ip;

    if (nic->more_addresses)
        STORE_EACH(txn, ec2_secondary_address_by_interface, more, nic->id)
            all = str_fmt(t->arena, "%.*s\n%.*s", STR_ARG(all), STR_ARG(more->private_ip));
    return all;
}

static struct str
all_blocks(struct tree *t, struct txn *txn, const struct ec2_vpc_row *vpc)
{
    struct str all = vpc->cidr;

    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, vpc->id)
        all = str_fmt(t->arena, "%.*s\n%.*s", STR_ARG(all), STR_ARG(row->cidr));
    return all;
}

/* Elastic IPs of secondary addresses, and all public ones together. */
static void
add_more_associations(struct tree *t, struct txn *txn, const struct ec2_interface_row *nic,
                      const char *at)
{
    struct str all = nic->public_ip;

    if (nic->more_addresses)
        STORE_EACH(txn, ec2_secondary_address_by_interface, more, nic->id) {
            if (!more->public_ip.n)
                continue;
            add(t, more->private_ip, "%s/ipv4-associations/%.*s", at, STR_ARG(more->public_ip));
            all = all.n ? str_fmt(t->arena, "%.*s\n%.*s", STR_ARG(all), STR_ARG(more->public_ip))
                        : more->public_ip;
        }
    if (all.n)
        add(t, all, "%s/public-ipv4s", at);
}

static void
add_interface(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance,
              const struct ec2_interface_row *nic)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, nic->subnet_id);
    const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, nic->vpc_id);
    const char *at = str_cstr(
        t->arena, str_fmt(t->arena, "meta-data/network/interfaces/macs/%.*s", STR_ARG(nic->mac)));

    assert(!subnet || str_eq(subnet->vpc_id, nic->vpc_id));
    assert(str_eq(nic->instance_id, instance->id));
    add(t, str_fmt(t->arena, "%d", (int)nic->device_index), "%s/device-number", at);
    add(t, nic->id, "%s/interface-id", at);
    add(t, private_name(t, instance, nic->private_ip), "%s/local-hostname", at);
    add(t, all_addresses(t, txn, nic), "%s/local-ipv4s", at);
    add(t, nic->mac, "%s/mac", at);
    add(t, nic->account, "%s/owner-id", at);
    add(t, group_names(t, txn, &nic->group_ids), "%s/security-groups", at);
    add(t, str_join(t->arena, &nic->group_ids, S("\n")), "%s/security-group-ids", at);
    add(t, nic->subnet_id, "%s/subnet-id", at);
    add(t, nic->vpc_id, "%s/vpc-id", at);
    if (subnet)
        add(t, subnet->cidr, "%s/subnet-ipv4-cidr-block", at);
    if (vpc) {
        add(t, vpc->cidr, "%s/vpc-ipv4-cidr-block", at);
        add(t, all_blocks(t, txn, vpc), "%s/vpc-ipv4-cidr-blocks", at);
    }
    if (nic->public_ip.n) {
        add(t, nic->private_ip, "%s/ipv4-associations/%.*s", at, STR_ARG(nic->public_ip));
        if (vpc && vpc->dns_hostnames)
            add(t, public_name(t, instance, nic->public_ip), "%s/public-hostname", at);
    }
    add_more_associations(t, txn, nic, at);
}

static void
add_network(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    const struct ec2_interface_row *primary = ec2_interface_get(txn, instance->interface_id);

    assert(!primary || str_eq(primary->instance_id, instance->id));
    STORE_EACH(txn, ec2_interface_by_instance, nic, instance->id)
        add_interface(t, txn, instance, nic);
    add(t, private_name(t, instance, instance->private_ip), "meta-data/hostname");
    add(t, private_name(t, instance, instance->private_ip), "meta-data/local-hostname");
    add(t, instance->private_ip, "meta-data/local-ipv4");
    if (!primary)
        return;
    add(t, primary->mac, "meta-data/mac");
    add(t, group_names(t, txn, &primary->group_ids), "meta-data/security-groups");
    if (primary->public_ip.n) {
        const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, primary->vpc_id);

        if (vpc && vpc->dns_hostnames)
            add(t, public_name(t, instance, primary->public_ip), "meta-data/public-hostname");
        add(t, primary->public_ip, "meta-data/public-ipv4");
    }
}

static void
add_placement(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, instance->subnet_id);

    assert(!subnet || str_eq(subnet->zone, instance->zone));
    add(t, instance->zone, "meta-data/placement/availability-zone");
    if (subnet)
        add(t, subnet->zone_id, "meta-data/placement/availability-zone-id");
    add(t, instance->region, "meta-data/placement/region");
    const struct ec2_placement_group_row *group =
        instance->group_id.n ? ec2_placement_group_get(txn, instance->group_id) : NULL;
    if (group)
        add(t, group->name, "meta-data/placement/group-name");
    if (instance->host_id.n)
        add(t, instance->host_id, "meta-data/placement/host-id");
    if (instance->partition_number)
        add(t, str_fmt(t->arena, "%lld", (long long)instance->partition_number),
            "meta-data/placement/partition-number");
}

static void
add_key(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    const struct ec2_key_pair_row *key =
        instance->key_name.n
            ? ec2_key_pair_by_name_get(txn, instance->account, instance->region, instance->key_name)
            : NULL;

    if (!key)
        return;
    add(t, str_cat(t->arena, key->public_key, S("\n")), "meta-data/public-keys/0/openssh-key")
        ->shown = str_fmt(t->arena, "0=%.*s", STR_ARG(key->name));
}

/*
 * Keys that EC2 Instance Connect pushed, for a minute: what sshd's AuthorizedKeysCommand reads.
 * AWS puts a signature behind each, which says nothing here that the source does not.
 */
static void
add_pushed_keys(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    struct str user = STR_NONE;

    STORE_EACH(txn, connect_key_by_instance, row, instance->id) {
        if (row->expires_ms <= t->now_ms)
            continue;
        struct str text = str_fmt(
            t->arena, "#Timestamp=%lld\n#Instance=%.*s\n#Caller=%.*s\n#Request=%.*s\n%.*s\n",
            (long long)(row->expires_ms / 1000), STR_ARG(row->instance_id),
            STR_ARG(row->caller_arn), STR_ARG(row->id), STR_ARG(row->public_key));

        if (user.p && str_eq(user, row->user)) {
            struct leaf *last = &t->leaves.v[t->leaves.n - 1];
            assert(t->leaves.n > 0);

            last->value = str_cat(t->arena, last->value, text);
        } else {
            add(t, text, "meta-data/managed-ssh-keys/active-keys/%.*s", STR_ARG(row->user));
        }
        user = row->user;
    }
}

static void
add_tags(struct tree *t, const struct ec2_instance_row *instance)
{
    assert(instance->tags.n % 2 == 0);
    if (!str_is(instance->imds_tags, "enabled"))
        return;
    for (size_t i = 0; i + 1 < instance->tags.n; i += 2)
        add(t, instance->tags.v[i + 1], "meta-data/tags/instance/%.*s",
            STR_ARG(instance->tags.v[i]));
}

/* Where its Auto Scaling group takes it: what a program waits for that completes a hook. */
static void
add_group(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    const struct asg_instance_row *row = asg_instance_get(txn, instance->id);
    const struct asg_group_row *group = row ? asg_group_get(txn, row->group_id) : NULL;
    const char *to = "InService";

    if (!group)
        return;
    assert(row->state >= ASG_PENDING && row->state < ASG_N_STATES);
    if (row->state == ASG_DETACHING)
        to = "Detached";
    else if (row->state == ASG_ENTERING_STANDBY || row->state == ASG_STANDBY)
        to = "Standby";
    else if (row->state >= ASG_TERMINATING && row->state < ASG_DETACHING && !row->returning)
        to = row->warm ? "Warmed:Terminated" : "Terminated";
    else if (row->warm || row->returning)
        to = str_cstr(t->arena,
                      str_cat(t->arena, S("Warmed:"), row->rest.n ? row->rest : group->pool_state));
    add(t, str_from(to), "meta-data/autoscaling/target-lifecycle-state");
}

static void
add_identity(struct tree *t, const struct ec2_instance_row *instance)
{
    struct str document = str_fmt(
        t->arena,
        "{\n  \"accountId\" : \"%.*s\",\n  \"architecture\" : \"%.*s\",\n"
        "  \"availabilityZone\" : \"%.*s\",\n  \"billingProducts\" : null,\n"
        "  \"devpayProductCodes\" : null,\n  \"marketplaceProductCodes\" : null,\n"
        "  \"imageId\" : \"%.*s\",\n  \"instanceId\" : \"%.*s\",\n  \"instanceType\" : \"%.*s\",\n"
        "  \"kernelId\" : null,\n  \"pendingTime\" : \"%.*s\",\n  \"privateIp\" : \"%.*s\",\n"
        "  \"ramdiskId\" : null,\n  \"region\" : \"%.*s\",\n  \"version\" : \"2017-09-30\"\n}",
        STR_ARG(instance->account), STR_ARG(instance->architecture), STR_ARG(instance->zone),
        STR_ARG(instance->image_id), STR_ARG(instance->id), STR_ARG(instance->type),
        STR_ARG(time_iso_s(t->arena, instance->launched_ms)), STR_ARG(instance->private_ip),
        STR_ARG(instance->region));

    assert(instance->account.n == 12);
    add(t, document, "dynamic/instance-identity/document");
    add(t, document, "dynamic/instance-identity/pkcs7")->kind = LEAF_PKCS7;
    add(t, document, "dynamic/instance-identity/rsa2048")->kind = LEAF_RSA2048;
    add(t, document, "dynamic/instance-identity/signature")->kind = LEAF_SIGNATURE;
    add(t, instance->monitoring ? S("enabled") : S("disabled"), "dynamic/fws/instance-monitoring");
}

static void
add_role(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    t->role = role_look(txn, instance);
    if (!t->role.association)
        return;
    add(t, STR_NONE, "meta-data/iam/info")->kind = LEAF_ROLE_INFO;
    if (t->role.role)
        add(t, STR_NONE, "meta-data/iam/security-credentials/%.*s", STR_ARG(t->role.role->name))
            ->kind = LEAF_CREDENTIALS;
}

/* "21 Jan 2019 09:00:43 GMT" */
static struct str
event_time(struct tree *t, int64_t ms)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil c = time_civil(ms);

    assert(c.month >= 1 && c.month <= 12);
    return str_fmt(t->arena, "%02d %s %04d %02d:%02d:%02d GMT", c.day, months[c.month - 1], c.year,
                   c.hour, c.minute, c.second);
}

/* Scheduled events that are to come, or those that are over, as JSON. */
static struct str
events(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance, bool active)
{
    struct str description;
    struct buf out;
    struct json_out o = {.buf = &out};

    buf_init(&out, EVENTS_BYTES_MAX);
    json_open(&o, '[');
    STORE_EACH(txn, ec2_event_by_instance, row, instance->id) {
        if (row->active != active)
            continue;
        description =
            active ? row->description : str_cat(t->arena, S("[Completed] "), row->description);
        if (out.n + EVENT_BYTES_MAX + 6 * description.n > EVENTS_BYTES_MAX)
            break; /* years of history: what is shown is whole */
        json_open(&o, '{');
        json_key_str(&o, "NotBefore", event_time(t, row->not_before_ms));
        json_key_str(&o, "Code", row->code);
        json_key_str(&o, "Description", description);
        json_key_str(&o, "EventId", row->id);
        json_key_str(&o, "NotAfter", event_time(t, row->not_after_ms));
        json_key_str(&o, "State", active ? S("active") : S("completed"));
        json_close(&o, '}');
    }
    json_close(&o, ']');
    struct str text = str_dup(t->arena, buf_str(&out));

    assert(!buf_failed(&out));
    buf_done(&out);
    return text;
}

static struct str
without_dev(struct str device)
{
    return str_starts(device, S("/dev/")) ? str_cut(device, 5, device.n) : device;
}

/* ami and root, and a number for each further volume, in the order of their devices. */
static void
add_devices(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    unsigned n = 0;

    add(t, without_dev(instance->root_device_name), "meta-data/block-device-mapping/ami");
    add(t, instance->root_device_name, "meta-data/block-device-mapping/root");
    STORE_EACH(txn, ec2_volume_by_instance, row, instance->id)
        if (row->is_data)
            add(t, without_dev(row->device), "meta-data/block-device-mapping/ebs%u", ++n);
}

static int
by_path(const void *a, const void *b)
{
    return str_cmp(((const struct leaf *)a)->path, ((const struct leaf *)b)->path);
}

static void
build(struct tree *t, struct txn *txn, const struct ec2_instance_row *instance)
{
    add(t, instance->image_id, "meta-data/ami-id");
    add(t, str_fmt(t->arena, "%d", (int)instance->launch_index), "meta-data/ami-launch-index");
    add(t, S("(unknown)"), "meta-data/ami-manifest-path");
    add_devices(t, txn, instance);
    add_group(t, txn, instance);
    add(t, events(t, txn, instance, false), "meta-data/events/maintenance/history");
    add(t, events(t, txn, instance, true), "meta-data/events/maintenance/scheduled");
    add(t, instance->hibernation ? S("true") : S("false"), "meta-data/hibernation/configured");
    add(t, S("none"), "meta-data/instance-action");
    add(t, instance->id, "meta-data/instance-id");
    add(t, S("on-demand"), "meta-data/instance-life-cycle");
    add(t, instance->type, "meta-data/instance-type");
    add(t, S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "meta-data/metrics/vhostmd");
    add(t, S("default-hvm"), "meta-data/profile");
    add(t, instance->reservation_id, "meta-data/reservation-id");
    add(t, S("amazonaws.com"), "meta-data/services/domain");
    add(t, S("aws"), "meta-data/services/partition");
    add(t, S("nitro"), "meta-data/system");
    add_network(t, txn, instance);
    add_placement(t, txn, instance);
    add_key(t, txn, instance);
    add_pushed_keys(t, txn, instance);
    add_tags(t, instance);
    add_identity(t, instance);
    add_role(t, txn, instance);
    if (instance->user_data.n)
        add(t, instance->user_data, "user-data");
    qsort(t->leaves.v, t->leaves.n, sizeof(*t->leaves.v), by_path);
    assert(t->leaves.n > 0 && t->leaves.v);
}

/* ---- looking up ---- */

/*
 * The next path elements below a directory ("" or "meta-data/placement/"), a line each;
 * false when there is no such directory.
 */
static bool
list(const struct tree *t, struct str dir, struct str *ret)
{
    struct str_list lines = {0};

    assert(dir.n == 0 || str_ends(dir, S("/")));
    for (size_t i = 0; i < t->leaves.n; i++) {
        const struct leaf *leaf = &t->leaves.v[i];

        if (!str_starts(leaf->path, dir))
            continue;
        struct str rest = str_cut(leaf->path, dir.n, leaf->path.n);
        size_t slash = str_find_char(rest, '/');
        struct str line = slash == SIZE_MAX ? rest : str_cut(rest, 0, slash + 1);
        assert(slash == SIZE_MAX || slash < rest.n);

        if (leaf->shown.p && str_is(dir, "meta-data/public-keys/"))
            line = leaf->shown;
        /* At the top the directories are shown without their slash. */
        if (dir.n == 0 && slash != SIZE_MAX)
            line.n--;
        if (!lines.n || !str_eq(lines.v[lines.n - 1], line))
            *LIST_PUSH(t->arena, &lines) = line;
    }
    *ret = str_join(t->arena, &lines, S("\n"));
    return lines.n > 0;
}

static struct str
sign(const struct tree *t, enum identity_kind kind, struct str document)
{
    return identity_sign(t->keys->identity, t->arena, kind, document, t->now_ms);
}

/* The value of a leaf; absent when it could not be made. */
static struct str
value_of(const struct tree *t, const struct leaf *leaf, bool *ret_secret)
{
    switch (leaf->kind) {
    case LEAF_TEXT:
        return leaf->value.p ? leaf->value : S(""); /* absent would be a failure */
    case LEAF_SIGNATURE:
        return sign(t, IDENTITY_SIGNATURE, leaf->value);
    case LEAF_PKCS7:
        return sign(t, IDENTITY_PKCS7, leaf->value);
    case LEAF_RSA2048:
        return sign(t, IDENTITY_RSA2048, leaf->value);
    case LEAF_ROLE_INFO:
        return role_info(t->arena, &t->role, t->now_ms);
    case LEAF_CREDENTIALS:
        return role_credentials(t->arena, &t->role, t->keys->session, t->keys->role, t->now_ms,
                                ret_secret);
    }
    assert(false);
    return STR_NONE;
}

/* A path without a slash at its end: a value, or what lies below it.  The reply's status. */
static unsigned
fetch(const struct tree *t, struct str path, struct imds_reply *reply)
{
    assert(str_ok(path) && !str_starts(path, S("/")));
    for (size_t i = 0; i < t->leaves.n; i++)
        if (str_eq(t->leaves.v[i].path, path)) {
            reply->body = value_of(t, &t->leaves.v[i], &reply->secret);
            return reply->body.p ? 200 : 500;
        }
    return list(t, path.n ? str_cat(t->arena, path, S("/")) : path, &reply->body) ? 200 : 404;
}

static const char *const versions[] = {
    "1.0",        "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15",
    "2008-02-01", "2008-09-01", "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12",
    "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19", "2016-06-30", "2016-09-02",
    "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03",
    "2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", "latest",
};

static struct str
list_versions(struct arena *arena)
{
    struct str_list lines = {0};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        *LIST_PUSH(arena, &lines) = str_from(versions[i]);
    return str_join(arena, &lines, S("\n"));
}

static bool
is_version(struct str s)
{
    assert(str_ok(s));
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (str_is(s, versions[i]))
            return true;
    return false;
}

/* ---- replies ---- */

static struct imds_reply
refuse(struct arena *arena, unsigned status)
{
    struct str reason = http_reason(status);

    assert(status >= 400);
    return (struct imds_reply){
        .status = status,
        .content_type = S("text/html"),
        .body = str_fmt(arena,
                        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n"
                        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n"
                        "\t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
                        "<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" "
                        "lang=\"en\">\n"
                        " <head>\n  <title>%u - %.*s</title>\n </head>\n"
                        " <body>\n  <h1>%u - %.*s</h1>\n </body>\n</html>\n",
                        status, STR_ARG(reason), status, STR_ARG(reason)),
    };
}

static struct imds_reply
give_token(struct arena *arena, const struct ec2_instance_row *instance,
           const struct imds_keys *keys, int64_t now_ms, const uint8_t nonce[8],
           const struct imds_request *req)
{
    uint64_t ttl_s;

    assert(now_ms > 0);
    if (req->forwarded)
        return refuse(arena, 403);
    if (!req->ttl.p || !str_to_u64(str_trim(req->ttl), &ttl_s) || ttl_s < 1 || ttl_s > TTL_MAX_S)
        return refuse(arena, 400);
    return (struct imds_reply){
        .status = 200,
        .content_type = S("text/plain"),
        .body = token_make(arena, keys->token, instance->id, now_ms + (int64_t)ttl_s * 1000, nonce),
        .ttl_s = (int64_t)ttl_s,
        .is_token = true,
    };
}

/* "2021-03-23/api/token": tokens are given at `latest` only, and AWS says 403 to those who ask for
 * one elsewhere. */
static bool
is_versions_token(struct str path)
{
    return is_version(str_split(&path, '/')) && str_is(path, "api/token");
}

static struct imds_reply
give(struct txn *txn, struct arena *arena, const struct ec2_instance_row *instance,
     const struct imds_keys *keys, int64_t now_ms, struct str path)
{
    struct tree t = {.arena = arena, .keys = keys, .now_ms = now_ms};
    struct imds_reply reply = {.status = 200, .content_type = S("text/plain")};
    struct str version = str_split(&path, '/');

    if (version.n == 0 && !path.p) {
        reply.body = list_versions(arena);
        return reply;
    }
    if (!is_version(version))
        return refuse(arena, 404);
    build(&t, txn, instance);
    reply.status = fetch(&t, path, &reply);
    assert(reply.status == 200 || !reply.secret);
    if (reply.status != 200)
        return refuse(arena, reply.status);
    if (str_is(path, "user-data"))
        reply.content_type = S("application/octet-stream");
    return reply;
}

/*
 * Clients are careless with slashes, and AWS (its newer machines; the older ones redirected)
 * answers all alike: "latest//meta-data", a value with a slash behind it and a folder without.
 * Answers a path without slashes at its ends; false when it is miscoded.
 */
static bool
clean_path(struct arena *arena, struct str path, struct str *ret)
{
    assert(str_ok(path));
    if (!uri_decode(arena, path, 0, &path))
        return false;
    path = uri_normalize(arena, path);
    assert(path.n > 0 && path.p[0] == '/');
    path = str_cut(path, 1, path.n);
    if (str_ends(path, S("/")))
        path.n--;
    *ret = path;
    return true;
}

struct imds_reply
imds_answer(struct txn *txn, struct arena *arena, const struct ec2_instance_row *instance,
            const struct imds_keys *keys, int64_t now_ms, const uint8_t nonce[8],
            const struct imds_request *req)
{
    struct str path;
    int64_t left_s = 0;

    assert(instance && txn);
    assert(instance->id.n > 0 && now_ms > 0);
    if (!str_is(instance->imds_endpoint, "enabled"))
        return refuse(arena, 403);
    if (!clean_path(arena, req->path, &path))
        return refuse(arena, 400);
    if (str_is(path, "latest/api/token"))
        return req->method == HTTP_PUT ? give_token(arena, instance, keys, now_ms, nonce, req)
                                       : refuse(arena, 405);
    if (req->method == HTTP_PUT && is_versions_token(path))
        return refuse(arena, 403);
    if (req->method != HTTP_GET && req->method != HTTP_HEAD)
        return refuse(arena, 405);
    if (req->token.p || str_is(instance->imds_tokens, "required")) {
        if (!req->token.p ||
            !token_good(arena, keys->token, instance->id, now_ms, req->token, &left_s))
            return refuse(arena, 401);
    }
    struct imds_reply reply = give(txn, arena, instance, keys, now_ms, path);
    reply.ttl_s = left_s;
    return reply;
}
