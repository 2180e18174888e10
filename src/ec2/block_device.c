/*
 * Block devices of images and launches: what an image maps, what the caller of RunInstances says
 * instead, and what volumes come of both.
 *
 * An image keeps each of its devices beside the root as a line of JSON: nothing is asked of them
 * but together.
 */
#include "codec/json.h"
#include "ec2/volume.h"

enum { DEVICE_JSON_MAX = 1024, DEVICES_MAX = 40, GIB_OF_NOBODY = 0 };

/* ---- as an image keeps them ---- */

static void
put_number(struct json_out *o, const char *key, struct opt_i64 v)
{
    if (!v.set)
        return;
    json_key(o, str_from(key));
    json_int(o, v.v);
}

static void
put_text(struct json_out *o, const char *key, struct str v)
{
    if (!v.n)
        return;
    json_key(o, str_from(key));
    json_str(o, v);
}

struct str
ec2_device_json(struct arena *arena, const struct ec2_device *device)
{
    const struct ec2_EbsBlockDevice *ebs = &device->ebs;
    struct buf b;
    struct json_out o = {.buf = &b};

    buf_init(&b, DEVICE_JSON_MAX);
    json_open(&o, '{');
    json_key(&o, S("DeleteOnTermination"));
    json_bool(&o, opt_bool_or(ebs->delete_on_termination, true));
    put_text(&o, "DeviceName", device->name);
    put_text(&o, "SnapshotId", ebs->snapshot_id);
    put_text(&o, "VolumeType", ebs->volume_type);
    put_number(&o, "VolumeSize", ebs->volume_size);
    put_number(&o, "Iops", ebs->iops);
    put_number(&o, "Throughput", ebs->throughput);
    if (opt_bool_or(ebs->encrypted, false)) {
        json_key(&o, S("Encrypted"));
        json_bool(&o, true);
    }
    json_close(&o, '}');
    assert(!buf_failed(&b));
    struct str text = str_dup(arena, buf_str(&b));

    buf_done(&b);
    return text;
}

static struct opt_i64
number(const struct json *j, const char *name)
{
    int64_t v;

    return json_i64(json_get(j, name), &v) ? opt_i64(v) : (struct opt_i64){0};
}

struct ec2_device
ec2_device_of(struct arena *arena, struct str text)
{
    struct json j = {.kind = JSON_NULL};
    size_t at;

    if (!json_parse(arena, text, 16, &j, &at))
        assert(!"an image's devices are our own JSON");
    const struct json *deleted = json_get(&j, "DeleteOnTermination");

    return (struct ec2_device){
        .name = json_text(&j, "DeviceName"),
        .ebs = {.delete_on_termination = opt_bool(!deleted || deleted->truth),
                .snapshot_id = json_text(&j, "SnapshotId"),
                .volume_type = json_text(&j, "VolumeType"),
                .volume_size = number(&j, "VolumeSize"),
                .iops = number(&j, "Iops"),
                .throughput = number(&j, "Throughput"),
                .encrypted = opt_bool(json_get(&j, "Encrypted") != NULL)},
    };
}

/* ---- what a caller may say ---- */

bool
ec2_device_name_ok(struct str name)
{
    struct str s = str_starts(name, S("/dev/")) ? str_cut(name, 5, name.n) : name;

    if (str_is(s, "sda1"))
        return true;
    struct str drive = str_starts(s, S("sd"))    ? str_cut(s, 2, s.n)
                       : str_starts(s, S("xvd")) ? str_cut(s, 3, s.n)
                                                 : S("");
    bool two = str_starts(s, S("xvd")) && drive.n == 2 && drive.p[0] >= 'a' && drive.p[0] <= 'd';

    for (size_t i = 0; i < drive.n; i++)
        if (drive.p[i] < 'a' || drive.p[i] > 'z')
            return false;
    return drive.n == 1 || two;
}

static int
name_check(struct api_call *call, struct str name)
{
    if (ec2_device_name_ok(name))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping), "Invalid device name %.*s",
                     STR_ARG(name));
}

static int
ebs_refuse(struct api_call *call, const struct ec2_EbsBlockDevice *want)
{
    const char *what = want->outpost_arn.p ? "OutpostArn"
                       : want->availability_zone.p || want->availability_zone_id.p
                           ? "AvailabilityZone or AvailabilityZoneId"
                       : want->volume_initialization_rate.set     ? "VolumeInitializationRate"
                       : opt_i64_or(want->ebs_card_index, 0) != 0 ? "EbsCardIndex"
                                                                  : NULL;

    if (what)
        return api_fault(call, &EC2_ERR(Unsupported),
                         "%s of a block device is not implemented by Welkin", what);
    if (want->kms_key_id.n && !opt_bool_or(want->encrypted, false))
        return api_fault(call, &EC2_ERR(InvalidParameterDependency),
                         "The parameter KmsKeyId requires the parameter Encrypted to be set.");
    return 0;
}

static int
too_small(struct api_call *call, int64_t gib, struct str snapshot_id, int64_t least_gib)
{
    return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                     "Volume of size %lldGB is smaller than snapshot '%.*s', expect size >= "
                     "%lldGB",
                     (long long)gib, STR_ARG(snapshot_id), (long long)least_gib);
}

/* What the caller says goes before what the image says. */
static void
override(const struct ec2_EbsBlockDevice *want, struct ec2_EbsBlockDevice *ebs)
{
    assert(ebs->volume_type.n > 0);
    if (want->delete_on_termination.set)
        ebs->delete_on_termination = want->delete_on_termination;
    if (opt_bool_or(want->encrypted, false)) {
        ebs->encrypted = want->encrypted;
        ebs->kms_key_id = want->kms_key_id;
    }
    if (want->volume_type.p && !str_eq(want->volume_type, ebs->volume_type)) {
        ebs->volume_type = want->volume_type;
        ebs->iops = ebs->throughput = (struct opt_i64){0};
    }
    if (want->iops.set)
        ebs->iops = want->iops;
    if (want->throughput.set)
        ebs->throughput = want->throughput;
    if (want->volume_size.set)
        ebs->volume_size = want->volume_size;
}

int
ec2_device_override(struct api_call *call, const struct ec2_BlockDeviceMapping *m,
                    int64_t least_gib, struct ec2_EbsBlockDevice *ebs)
{
    const struct ec2_EbsBlockDevice *want = m->ebs;

    if (!want || m->virtual_name.p || m->no_device.p)
        return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                         "The mapping of '%.*s' must be an EBS volume", STR_ARG(m->device_name));
    if (want->encrypted.set || want->kms_key_id.p || want->snapshot_id.p)
        return api_fault(
            call, &EC2_ERR(InvalidBlockDeviceMapping),
            "Encrypted, KmsKeyId and SnapshotId cannot be given for the volume that is "
            "mapped at '%.*s'",
            STR_ARG(m->device_name));
    int r = ebs_refuse(call, want);

    if (r)
        return r;
    if (want->volume_size.set && want->volume_size.v < least_gib)
        return too_small(call, want->volume_size.v, m->device_name, least_gib);
    override(want, ebs);
    return ec2_volume_check(call, ebs->volume_type, ebs->volume_size.v, ebs->iops, ebs->throughput);
}

static int
root_override(struct api_call *call, const struct ec2_BlockDeviceMapping *m,
              const struct ec2_image_row *image, struct ec2_EbsBlockDevice *ebs)
{
    const struct ec2_EbsBlockDevice *want = m->ebs;

    if (m->virtual_name.p || m->no_device.p)
        return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                         "The root device '%.*s' must be one EBS volume", STR_ARG(m->device_name));
    int r = want ? ebs_refuse(call, want) : 0;

    if (r || !want)
        return r;
    if (want->snapshot_id.p && !str_eq(want->snapshot_id, image->snapshot_id))
        return api_fault(call, &EC2_ERR(Unsupported),
                         "A root snapshot other than the image's is not implemented by Welkin");
    if (want->volume_size.set && want->volume_size.v < image->volume_size_gib)
        return too_small(call, want->volume_size.v, image->snapshot_id, image->volume_size_gib);
    override(want, ebs);
    return 0;
}

/* EncryptionByDefault holds against an Encrypted of false too. */
static void
encryption_decide(struct api_call *call, struct ec2_EbsBlockDevice *ebs)
{
    const struct ec2_snapshot_row *from = ec2_snapshot_get(call->txn, ebs->snapshot_id);

    ebs->encrypted = opt_bool(opt_bool_or(ebs->encrypted, false) || (from && from->encrypted) ||
                              ec2_ebs_encrypts(call));
    if (ebs->encrypted.v && !ebs->kms_key_id.n)
        ebs->kms_key_id = from && from->encrypted ? from->kms_key_id : ec2_ebs_key(call);
    assert(!ebs->kms_key_id.n || ebs->encrypted.v);
}

int
ec2_data_wanted(struct api_call *call, const struct api_error *too_few,
                struct ec2_EbsBlockDevice *ebs)
{
    const struct ec2_snapshot_row *from = NULL;
    int r = ebs_refuse(call, ebs);

    if (r == 0 && ebs->snapshot_id.n)
        r = ec2_snapshot_usable(call, ebs->snapshot_id, &from);
    if (r)
        return r;
    if (from && from->rootfs.n)
        return api_fault(
            call, &EC2_ERR(Unsupported),
            "A volume from a snapshot of an instance's root ('%.*s') is not implemented "
            "by Welkin: it holds files and no blocks",
            STR_ARG(from->id));
    int64_t gib = opt_i64_or(ebs->volume_size, from ? from->size_gib : GIB_OF_NOBODY);

    assert(!from || (from->size_gib > 0 && str_is(from->state, "completed")));
    if (!from && !ebs->volume_size.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter size/snapshot");
    if (from && gib < from->size_gib)
        return too_few == &EC2_ERR(InvalidBlockDeviceMapping)
                   ? too_small(call, gib, from->id, from->size_gib)
                   : api_fault(call, too_few,
                               "The size of a volume can not be smaller than that of its snapshot: "
                               "%lldGiB",
                               (long long)from->size_gib);
    ebs->volume_size = opt_i64(gib);
    if (!ebs->volume_type.p)
        ebs->volume_type = S("gp2");
    encryption_decide(call, ebs);
    return ec2_volume_check(call, ebs->volume_type, gib, ebs->iops, ebs->throughput);
}

/* ---- a launch ---- */

static struct ec2_device *
device_named(const struct ec2_devices *devices, struct str name)
{
    LIST_EACH(devices, d)
        if (str_eq(d->name, name))
            return d;
    return NULL;
}

static int
more_override(struct api_call *call, const struct ec2_BlockDeviceMapping *m,
              struct ec2_devices *devices)
{
    struct ec2_device *d = device_named(devices, m->device_name);
    int r = name_check(call, m->device_name);

    if (r)
        return r;
    if (m->virtual_name.p)
        return api_fault(call, &EC2_ERR(Unsupported),
                         "VirtualName of a block device (instance store) is not implemented by "
                         "Welkin");
    if (m->no_device.p) {
        if (d)
            d->dropped = true;
        return 0;
    }
    if (!m->ebs)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter ebs");
    if (!d) {
        d = LIST_PUSH(call->arena, devices);
        *d = (struct ec2_device){.name = m->device_name, .ebs = *m->ebs};
        return 0;
    }
    r = ebs_refuse(call, m->ebs);
    if (m->ebs->snapshot_id.p)
        d->ebs.snapshot_id = m->ebs->snapshot_id;
    override(m->ebs, &d->ebs);
    return r;
}

/* The volumes that are wanted beside the root; what was dropped goes. */
static int
more_check(struct api_call *call, struct ec2_devices *devices)
{
    size_t kept = 0;

    LIST_EACH(devices, d) {
        int r =
            d->dropped ? 0 : ec2_data_wanted(call, &EC2_ERR(InvalidBlockDeviceMapping), &d->ebs);

        if (r)
            return r;
        if (!d->dropped)
            devices->v[kept++] = *d;
    }
    assert(kept <= devices->n);
    devices->n = kept;
    if (kept > DEVICES_MAX)
        return api_fault(call, &EC2_ERR(AttachmentLimitExceeded),
                         "An instance takes at most %d volumes", DEVICES_MAX);
    return kept ? ec2_volumes_hosted(call, devices) : 0;
}

int
ec2_devices_wanted(struct api_call *call, const struct ec2_image_row *image,
                   const struct ec2_BlockDeviceMappingList *mappings,
                   struct ec2_EbsBlockDevice *ret_root, struct ec2_devices *ret_more)
{
    struct ec2_EbsBlockDevice root = ec2_image_root(call->arena, image);
    struct str_list seen = {0};

    LIST_EACH(&image->more_devices, text)
        *LIST_PUSH(call->arena, ret_more) = ec2_device_of(call->arena, *text);
    LIST_EACH(mappings, m) {
        if (str_in(&seen, m->device_name))
            return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                             "Duplicate device name '%.*s' in mapping", STR_ARG(m->device_name));
        *LIST_PUSH(call->arena, &seen) = m->device_name;
        int r = str_eq(m->device_name, image->root_device_name)
                    ? root_override(call, m, image, &root)
                    : more_override(call, m, ret_more);

        if (r)
            return r;
    }
    encryption_decide(call, &root);
    assert(root.encrypted.set && root.volume_size.set && root.volume_size.v > 0);
    *ret_root = root;
    int r =
        ec2_volume_check(call, root.volume_type, root.volume_size.v, root.iops, root.throughput);

    return r ? r : more_check(call, ret_more);
}
