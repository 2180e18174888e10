/*
 * What `welkin region` shows is put together from the rows (which instance is where) and the
 * placement module (how much of a host that takes), so that the two can be compared.
 */
#include "daemon/region.h"

#include "codec/json.h"
#include "ec2/placer.h"

enum { SHOWN_HOSTS_MAX = 2000 };

static void
put_faults(struct json_out *o, struct txn *txn)
{
    json_key(o, S("faults"));
    json_open(o, '[');
    STORE_EACH(txn, ec2_fault_by_key, row) {
        json_open(o, '{');
        json_key_str(o, "kind", row->kind);
        json_key_str(o, "target", row->target);
        json_key_int(o, "since_ms", row->since_ms);
        json_close(o, '}');
    }
    json_close(o, ']');
}

/* Instances in the order of their hosts, from those below a path on. */
static struct store_cursor
walk_from(struct txn *txn, struct str path)
{
    struct store_cursor c = store_seek(txn, &ec2_instance_by_host, NULL, 0);

    store_from(&c, STORE_KEYS(path));
    return c;
}

static bool
below(struct str host, struct str path)
{
    return str_starts(host, path) && (host.n == path.n || host.p[path.n] == '/');
}

static void
put_zones(struct json_out *o, struct txn *txn, struct placement *p)
{
    struct store_cursor c = walk_from(txn, S("!")); /* behind those that are nowhere */
    const struct ec2_instance_row *row = ec2_instance_by_host_next(&c);

    json_key(o, S("zones"));
    json_open(o, '[');
    while (row) {
        struct str zone = placement_zone_of(row->host), last = STR_NONE;
        const struct model_zone *model = placement_zone(p, zone);
        assert(below(row->host, zone) && zone.n > 0);
        int64_t instances = 0, hosts = 0;

        for (; row && below(row->host, zone); row = ec2_instance_by_host_next(&c)) {
            instances++;
            hosts += !str_eq(row->host, last);
            last = row->host;
        }
        json_open(o, '{');
        json_key_str(o, "zone", zone);
        json_key_int(o, "instances", instances);
        json_key_int(o, "hosts_used", hosts);
        if (model) {
            json_key_int(o, "racks", model->racks);
            json_key_int(o, "hosts", (int64_t)model->racks * model->rack_hosts);
        }
        json_close(o, '}');
    }
    json_close(o, ']');
}

static void
put_host(struct json_out *o, struct placement *p, struct str path)
{
    struct placement_host host;

    assert(path.n > 0);
    json_key_str(o, "host", path);
    if (!placement_host(p, path, &host))
        return;
    json_key_str(o, "kind", host.kind->name);
    assert(host.kind->name.n > 0 && host.kind->vcpus > 0);
    json_key_str(o, "family", host.family);
    json_key_int(o, "vcpus", host.kind->vcpus);
    json_key_int(o, "vcpus_used", host.vcpus_used);
    json_key_int(o, "memory_mib", host.kind->memory_mib);
    json_key_int(o, "memory_used_mib", host.memory_used_mib);
    json_key_int(o, "sockets", host.kind->sockets);
    json_key_int(o, "cores", host.kind->cores);
    json_key(o, S("fault"));
    json_bool(o, host.fault);
}

static void
put_hosts(struct json_out *o, struct txn *txn, struct placement *p, struct str id)
{
    struct store_cursor c = walk_from(txn, id);
    const struct ec2_instance_row *row = ec2_instance_by_host_next(&c);

    assert(id.n > 0);
    json_key(o, S("hosts"));
    json_open(o, '[');
    for (unsigned n = 0; row && str_starts(row->host, id) && n < SHOWN_HOSTS_MAX; n++) {
        struct str host = row->host;

        /* "us-east-1a/r1" is also how "us-east-1a/r10" begins */
        if (!below(host, id)) {
            row = ec2_instance_by_host_next(&c);
            continue;
        }
        json_open(o, '{');
        put_host(o, p, host);
        json_key(o, S("instances"));
        json_open(o, '[');
        for (; row && str_eq(row->host, host); row = ec2_instance_by_host_next(&c))
            json_str(o, row->id);
        json_close(o, ']');
        json_close(o, '}');
    }
    json_close(o, ']');
}

bool
region_show(struct cloud *cloud, struct str id, struct buf *out)
{
    struct txn *txn = store_begin(cloud_store(cloud));
    struct placement *p = ec2_placer_placement(cloud_placer(cloud), txn);
    struct json_out o = {.buf = out};
    bool known = !id.n || placement_known(p, id);

    if (known) {
        json_open(&o, '{');
        if (id.n)
            put_hosts(&o, txn, p, id);
        else
            put_zones(&o, txn, p);
        put_faults(&o, txn);
        json_close(&o, '}');
        buf_add_char(out, '\n');
    }
    store_rollback(txn);
    return known;
}

int
region_fault(struct cloud *cloud, struct str kind, struct str target, bool on, int64_t now_ms)
{
    struct txn *txn = store_begin(cloud_store(cloud));
    int r = ec2_fault_known(cloud_placer(cloud), txn, kind, target)
                ? ec2_fault_set(txn, kind, target, on, now_ms)
                : -EINVAL;

    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    return r;
}
