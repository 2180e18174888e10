/*
 * Images made of what is there: CreateImage of an instance, CopyImage of another image.
 *
 * Either makes snapshots, and an image that is `pending` until they are whole
 * (storage_reconcile.c).  Unless the caller says NoReboot, an instance that runs is rebooted, and
 * the host takes what its disks hold between its end and its start.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "ec2/volume.h"

static int
token_seen(struct api_call *call, struct str token, struct str hash,
           const struct ec2_image_row **ret)
{
    *ret = token.n ? ec2_image_by_token_get(call->txn, call->account, call->region, token) : NULL;
    return *ret ? ec2_token_check(call, (*ret)->request_hash, hash) : 0;
}

static int
put(struct api_call *call, const struct ec2_image_row *row)
{
    assert(ec2_image_ok(row) && row->snapshot_id.n > 0);
    return ec2_unwritten(ec2_image_insert(call->txn, row), row->id);
}

/* Tags for the image, and those for its snapshots. */
static int
tags_of(struct api_call *call, const struct ec2_TagSpecificationList *specs, struct str_list *image,
        struct str_list *snapshot)
{
    static const char *const types[] = {"image", "snapshot"};
    int r = ec2_tags_only(call, specs, types, ARRAY_LEN(types));

    if (r == 0)
        r = ec2_tags_of(call, specs, types[0], image);
    return r ? r : ec2_tags_of(call, specs, types[1], snapshot);
}

/* ---- CreateImage ---- */

/* What is in the making. */
struct making {
    struct api_call *call;
    const struct ec2_CreateImageRequest *req;
    const struct ec2_instance_row *instance;
    struct str description; /* of its snapshots */
    int64_t reboot_generation;
    struct str_list tags; /* likewise */
    struct ec2_image_row row;
    struct str_list seen; /* devices of the request that the instance has */
};

static const struct ec2_BlockDeviceMapping *
mapping_of(struct making *m, struct str device)
{
    LIST_EACH(&m->req->block_device_mappings, mapping)
        if (str_eq(mapping->device_name, device)) {
            *LIST_PUSH(m->call->arena, &m->seen) = device;
            return mapping;
        }
    return NULL;
}

static struct ec2_device
device_of(const struct ec2_volume_row *volume)
{
    bool rated = !str_is(volume->type, "gp2");

    return (struct ec2_device){
        .name = volume->device,
        .ebs = {.delete_on_termination = opt_bool(volume->delete_on_termination),
                .volume_type = volume->type,
                .volume_size = opt_i64(volume->size_gib),
                .iops = rated ? ec2_rate_show(volume->iops) : (struct opt_i64){0},
                .throughput = rated ? ec2_rate_show(volume->throughput) : (struct opt_i64){0},
                .encrypted = opt_bool(volume->encrypted)},
    };
}

/* The image's device of a volume of the instance, and its snapshot. */
static int
volume_take(struct making *m, const struct ec2_volume_row *volume)
{
    const struct ec2_BlockDeviceMapping *mapping = mapping_of(m, volume->device);
    const struct ec2_snapshot_want want = {.volume = volume,
                                           .description = m->description,
                                           .reboot_generation = m->reboot_generation,
                                           .tags = &m->tags};
    struct ec2_device device = device_of(volume);
    struct ec2_snapshot_row snapshot;

    if (mapping && mapping->no_device.p && volume->is_data)
        return 0;
    int r = mapping ? ec2_device_override(m->call, mapping, volume->size_gib, &device.ebs) : 0;

    if (r == 0)
        r = ec2_snapshot_make(m->call, &want, &snapshot);
    if (r)
        return r;
    device.ebs.snapshot_id = snapshot.id;
    if (volume->is_data) {
        *LIST_PUSH(m->call->arena, &m->row.more_devices) = ec2_device_json(m->call->arena, &device);
        return 0;
    }
    assert(!m->row.snapshot_id.n && snapshot.rootfs.n > 0);
    m->row.snapshot_id = snapshot.id;
    m->row.rootfs = snapshot.rootfs;
    m->row.encrypted = snapshot.encrypted;
    m->row.kms_key_id = snapshot.kms_key_id;
    m->row.volume_size_gib = device.ebs.volume_size.v;
    device.name = device.ebs.snapshot_id = S("");
    device.ebs.volume_size = (struct opt_i64){0};
    device.ebs.encrypted = opt_bool(false); /* the image's own columns say it */
    m->row.block_devices = ec2_device_json(m->call->arena, &device);
    return 0;
}

/* Devices that the instance has not, and that each launch of the image shall have. */
static int
devices_add(struct making *m)
{
    LIST_EACH(&m->req->block_device_mappings, mapping) {
        if (str_in(&m->seen, mapping->device_name) || mapping->no_device.p)
            continue;
        if (!mapping->ebs || !ec2_device_name_ok(mapping->device_name))
            return api_fault(m->call, &EC2_ERR(InvalidBlockDeviceMapping),
                             "The mapping of '%.*s' must be an EBS volume under a device name",
                             STR_ARG(mapping->device_name));
        struct ec2_device device = {.name = mapping->device_name, .ebs = *mapping->ebs};

        if (device.ebs.encrypted.set)
            return api_fault(m->call, &EC2_ERR(InvalidBlockDeviceMapping),
                             "The parameter encrypted cannot be specified in CreateImage");
        int r = ec2_data_wanted(m->call, &EC2_ERR(InvalidBlockDeviceMapping), &device.ebs);

        if (r)
            return r;
        device.ebs.encrypted = (struct opt_bool){0}; /* a launch decides */
        *LIST_PUSH(m->call->arena, &m->row.more_devices) = ec2_device_json(m->call->arena, &device);
    }
    return 0;
}

/* The next reboot of an instance that runs; 0: it is taken as it is. */
static int
reboot(struct making *m)
{
    struct ec2_instance_row new = *m->instance;

    if (new.state != EC2_RUNNING || opt_bool_or(m->req->no_reboot, false))
        return 0;
    m->reboot_generation = ++new.reboot_generation;
    assert(m->reboot_generation > 0);
    assert(ec2_instance_ok(&new));
    return ec2_unwritten(ec2_instance_update(m->call->txn, &new), new.id);
}

static void
image_of(struct making *m)
{
    const struct ec2_image_row *from = ec2_image_get(m->call->txn, m->instance->image_id);
    const struct ec2_instance_row *instance = m->instance;

    assert(instance->rootfs.n > 0 && instance->root_device_name.n > 0);
    m->row = (struct ec2_image_row){
        .id = api_id(m->call, "ami"),
        .account = m->call->account,
        .region = m->call->region,
        .name = m->req->name,
        .description = m->req->description,
        .init = instance->init,
        .architecture = instance->architecture,
        .root_device_name = instance->root_device_name,
        .state = S("pending"),
        .created_ms = m->call->now_ms,
        .imds_support = from ? from->imds_support : S(""),
        .boot_mode = instance->boot_mode,
        .ena_support = instance->ena_support,
        .sriov_net_support = instance->sriov_net_support,
        .source_instance_id = instance->id,
        .source_image_id = instance->image_id,
        .source_region = instance->region,
    };
    m->description = str_fmt(m->call->arena, "Created by CreateImage(%.*s) for %.*s",
                             STR_ARG(instance->id), STR_ARG(m->row.id));
}

static int
create_check(struct making *m)
{
    struct api_call *call = m->call;
    int r = ec2_image_name_check(call, m->req->name, m->req->description);

    if (r == 0)
        r = ec2_instance_find(call, m->req->instance_id, &m->instance);
    if (r)
        return r;
    if (m->instance->state != EC2_RUNNING && m->instance->state != EC2_STOPPED)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is not in the 'running' or 'stopped' state.",
                         STR_ARG(m->instance->id));
    if (m->instance->hibernated)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is hibernated.", STR_ARG(m->instance->id));
    return str_is(m->req->snapshot_location, "local")
               ? ec2_unsupported(call, "A SnapshotLocation other than regional")
               : 0;
}

int
ec2_create_image(struct api_call *call, const struct ec2_CreateImageRequest *req,
                 struct ec2_CreateImageResult *res)
{
    struct making m = {.call = call, .req = req};
    int r = create_check(&m);

    if (r)
        return r;
    image_of(&m);
    r = tags_of(call, &req->tag_specifications, &m.row.tags, &m.tags);
    if (r == 0)
        r = reboot(&m);
    STORE_EACH(call->txn, ec2_volume_by_instance, volume, m.instance->id)
        r = r ? r : volume_take(&m, volume);
    if (r == 0)
        r = devices_add(&m);
    if (r == 0)
        r = put(call, &m.row);
    res->image_id = m.row.id;
    return r;
}

/* ---- CopyImage ---- */

static int
copy_refuse(struct api_call *call, const struct ec2_CopyImageRequest *req)
{
    const char *what =
        req->destination_outpost_arn.p ? "DestinationOutpostArn"
        : req->snapshot_copy_completion_duration_minutes.set
            ? "SnapshotCopyCompletionDurationMinutes"
        : req->destination_availability_zone.p || req->destination_availability_zone_id.p
            ? "DestinationAvailabilityZone"
            : NULL;

    if (what)
        return ec2_unsupported_parameter(call, what);
    int r = ec2_source_region_check(call, req->source_region);

    return r ? r : ec2_image_name_check(call, req->name, req->description);
}

/* A snapshot of the image, copied under the key that the caller wants. */
static int
snapshot_copy(struct api_call *call, const struct ec2_CopyImageRequest *req,
              const struct ec2_snapshot_row *from, const struct str_list *tags, struct str image_id,
              struct ec2_snapshot_row *ret)
{
    struct str key;
    struct str description =
        str_fmt(call->arena, "Copied for DestinationAmi %.*s from SourceAmi %.*s",
                STR_ARG(image_id), STR_ARG(req->source_image_id));
    int r = ec2_copy_key(call, from->encrypted, req->encrypted, req->kms_key_id, &key);

    return r ? r : ec2_snapshot_copy(call, from, key, description, tags, ret);
}

/* An image may be launched by whom its snapshots are not shared with; not copied. */
static int
snapshot_see(struct api_call *there, struct api_call *call, struct str id,
             const struct ec2_image_row *image, struct ec2_snapshot_row *ret)
{
    const struct ec2_snapshot_row *row = ec2_snapshot_get(call->txn, id);

    if (row && !ec2_snapshot_visible(there, row))
        return api_fault(call, &EC2_ERR(InvalidRequest),
                         "You do not have permission to access the storage of this ami");
    *ret = row ? *row
               : (struct ec2_snapshot_row){.id = id,
                                           .size_gib = image->volume_size_gib,
                                           .rootfs = image->rootfs,
                                           .init = image->init,
                                           .architecture = image->architecture};
    return 0;
}

static int
devices_copy(struct api_call *there, struct api_call *call, const struct ec2_CopyImageRequest *req,
             const struct str_list *tags, const struct ec2_image_row *from,
             struct ec2_image_row *row)
{
    assert(row->more_devices.n == from->more_devices.n && row->id.n > 0);
    row->more_devices = (struct str_list){0};
    LIST_EACH(&from->more_devices, text) {
        struct ec2_device device = ec2_device_of(call->arena, *text);
        struct ec2_snapshot_row source, copy;
        int r = 0;

        if (device.ebs.snapshot_id.n) {
            r = snapshot_see(there, call, device.ebs.snapshot_id, from, &source);
            if (r == 0)
                r = snapshot_copy(call, req, &source, tags, row->id, &copy);
            if (r)
                return r;
            device.ebs.snapshot_id = copy.id;
            device.ebs.encrypted = opt_bool(copy.encrypted);
        }
        *LIST_PUSH(call->arena, &row->more_devices) = ec2_device_json(call->arena, &device);
    }
    return 0;
}

static int
copy(struct api_call *there, struct api_call *call, const struct ec2_CopyImageRequest *req,
     const struct ec2_image_row *from, struct ec2_image_row *row)
{
    struct ec2_snapshot_row source, root;
    struct str_list tags = {0}, given = {0};
    int r = tags_of(call, &req->tag_specifications, &given, &tags);

    row->tags = given;
    if (r == 0 && opt_bool_or(req->copy_image_tags, false) && str_eq(from->account, call->account))
        r = ec2_tags_inherit(call, &from->tags, &given, &row->tags);
    if (r == 0)
        r = snapshot_see(there, call, from->snapshot_id, from, &source);
    if (r == 0)
        r = snapshot_copy(call, req, &source, &tags, row->id, &root);
    if (r == 0)
        r = devices_copy(there, call, req, &tags, from, row);
    if (r)
        return r;
    assert(root.rootfs.n > 0 && str_eq(root.account, call->account));
    row->snapshot_id = root.id;
    row->encrypted = root.encrypted;
    row->kms_key_id = root.kms_key_id;
    return put(call, row);
}

int
ec2_copy_image(struct api_call *call, const struct ec2_CopyImageRequest *req,
               struct ec2_CopyImageResult *res)
{
    const struct ec2_image_row *from = NULL, *before = NULL;
    struct api_call there = *call;
    struct str hash = ec2_request_hash(call, req);
    int r = token_seen(call, req->client_token, hash, &before);

    there.region = req->source_region;
    if (before && r == 0)
        res->image_id = before->id;
    if (before || r)
        return r;
    r = copy_refuse(call, req);
    if (r)
        return r;
    r = ec2_image_find(&there, req->source_image_id, &from);
    if (r > 0)
        call->fault = there.fault;
    if (r)
        return r;
    struct ec2_image_row row = *from;

    row.id = api_id(call, "ami");
    row.account = call->account;
    row.region = call->region;
    row.owner_alias = S("");
    row.name = req->name;
    row.description = req->description.p ? req->description : from->description;
    row.is_public = false;
    row.launch_accounts = (struct str_list){0};
    row.state = S("pending");
    row.created_ms = call->now_ms;
    row.last_launched_ms = row.deprecation_ms = 0;
    row.source_image_id = from->id;
    row.source_region = req->source_region;
    row.client_token = req->client_token;
    row.request_hash = hash;
    res->image_id = row.id;
    return copy(&there, call, req, from, &row);
}
