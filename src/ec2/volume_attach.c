/*
 * AttachVolume and DetachVolume.
 *
 * Both are answered with what is wanted: `attaching`, `detaching`.  The host makes the device in
 * the guest, or takes it away, and storage_reconcile.c says so then.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "ec2/volume.h"

/* What AWS says of Nitro's bus, which interfaces are on too, and of Xen's. */
enum { NITRO_ATTACHMENTS_MAX = 28, XEN_ATTACHMENTS_MAX = 40 };

static int
unhosted(struct api_call *call, const char *why)
{
    return why ? api_fault(call, &EC2_ERR(Unsupported), "%s", why) : 0;
}

int
ec2_volumes_hosted(struct api_call *call, const struct ec2_devices *devices)
{
    const struct api_machines *machines = api_machines(call);
    int r = unhosted(call, machines->no_volumes);

    LIST_EACH(devices, d)
        if (r == 0 && opt_bool_or(d->ebs.encrypted, false))
            r = unhosted(call, machines->no_encrypted_volumes);
    return r;
}

/* ---- AttachVolume ---- */

static int
volume_check(struct api_call *call, const struct ec2_volume_row *volume)
{
    const struct api_machines *machines = api_machines(call);

    if (volume->instance_id.n)
        return api_fault(call, &EC2_ERR(VolumeInUse), "%.*s is already attached to an instance",
                         STR_ARG(volume->id));
    if (!str_is(volume->state, "available"))
        return api_fault(call, &EC2_ERR(IncorrectState), "Volume '%.*s' is in the '%.*s' state.",
                         STR_ARG(volume->id), STR_ARG(volume->state));
    if (!volume->is_data)
        return api_fault(call, &EC2_ERR(Unsupported),
                         "Attaching what was the root of an instance ('%.*s') is not implemented "
                         "by Welkin: it holds files and no blocks",
                         STR_ARG(volume->id));
    int r = unhosted(call, machines->no_volumes);

    return r || !volume->encrypted ? r : unhosted(call, machines->no_encrypted_volumes);
}

static int
room_check(struct api_call *call, const struct ec2_instance_row *instance, struct str device)
{
    const struct ec2_type *type = ec2_type_find(instance->type);
    bool nitro = type && str_is(type->hypervisor, "nitro");
    int64_t n = nitro ? 1 + instance->more_interfaces : 0;
    assert(instance->more_interfaces >= 0 && device.n > 0);
    int64_t most = nitro ? NITRO_ATTACHMENTS_MAX : XEN_ATTACHMENTS_MAX;

    STORE_EACH(call->txn, ec2_volume_by_instance, it, instance->id) {
        if (str_eq(it->device, device))
            return api_fault(
                call, &EC2_ERR(InvalidParameterValue),
                "Invalid value '%.*s' for unixDevice. Attachment point %.*s is already "
                "in use",
                STR_ARG(device), STR_ARG(device));
        n++;
    }
    if (n >= most)
        return api_fault(call, &EC2_ERR(AttachmentLimitExceeded),
                         "The instance '%.*s' of type %.*s takes at most %lld attachments",
                         STR_ARG(instance->id), STR_ARG(instance->type), (long long)most);
    return 0;
}

static int
attach_check(struct api_call *call, const struct ec2_AttachVolumeRequest *req,
             const struct ec2_instance_row *instance, const struct ec2_volume_row *volume)
{
    if (!ec2_device_name_ok(req->device))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter device is invalid. %.*s is not a valid EBS "
                         "device name.",
                         STR_ARG(req->device), STR_ARG(req->device));
    if (opt_i64_or(req->ebs_card_index, 0) != 0)
        return ec2_unsupported_parameter(call, "EbsCardIndex");
    if (instance->state != EC2_RUNNING && instance->state != EC2_STOPPED)
        return api_fault(call, &EC2_ERR(IncorrectState), "Instance '%.*s' is not 'running'.",
                         STR_ARG(instance->id));
    int r = volume_check(call, volume);

    if (r)
        return r;
    if (!str_eq(volume->zone, instance->zone))
        return api_fault(call, &EC2_ERR(InvalidVolume_ZoneMismatch),
                         "The volume '%.*s' is not in the same availability zone as instance "
                         "'%.*s'",
                         STR_ARG(volume->id), STR_ARG(instance->id));
    return room_check(call, instance, req->device);
}

int
ec2_attach_volume(struct api_call *call, const struct ec2_AttachVolumeRequest *req,
                  struct ec2_VolumeAttachment *res)
{
    const struct ec2_instance_row *instance = NULL;
    const struct ec2_volume_row *volume = NULL;
    bool may = true;
    int r = ec2_volume_find(call, req->volume_id, &volume);

    if (r == 0)
        r = ec2_instance_find(call, req->instance_id, &instance);
    if (r == 0)
        r = attach_check(call, req, instance, volume);
    if (r)
        return r;
    struct ec2_volume_row row = *volume;

    assert(row.is_data && !row.instance_id.n && !row.plain_key.n);
    row.state = S("in-use");
    row.instance_id = instance->id;
    row.device = req->device;
    row.attached_ms = call->now_ms;
    row.attach_state = S("attaching");
    row.attach_generation++;
    row.delete_on_termination = false;
    /* that of a stopped instance is unsealed when it starts */
    if (row.encrypted && instance->state == EC2_RUNNING)
        r = ec2_volume_unseal(call, instance->id, &row, &may);
    if (r == 0 && !may)
        return api_fault(call, &EC2_ERR(IncorrectState),
                         "The key that the volume '%.*s' is encrypted under cannot be used.",
                         STR_ARG(row.id));
    assert(r || ec2_volume_ok(&row));
    if (r == 0)
        r = ec2_unwritten(ec2_volume_update(call->txn, &row), row.id);
    if (r == 0)
        *res = ec2_attachment_show(call->txn, &row);
    return r;
}

/* ---- DetachVolume ---- */

static int
detach_check(struct api_call *call, const struct ec2_DetachVolumeRequest *req,
             const struct ec2_volume_row *volume)
{
    bool other = (req->instance_id.n && !str_eq(req->instance_id, volume->instance_id)) ||
                 (req->device.n && !str_eq(req->device, volume->device));

    if (!volume->instance_id.n)
        return api_fault(call, &EC2_ERR(IncorrectState), "Volume '%.*s' is in the '%.*s' state.",
                         STR_ARG(volume->id), STR_ARG(volume->state));
    if (other)
        return api_fault(call, &EC2_ERR(InvalidAttachment_NotFound),
                         "The volume %.*s is not attached to instance %.*s as device %.*s",
                         STR_ARG(volume->id),
                         STR_ARG(req->instance_id.n ? req->instance_id : volume->instance_id),
                         STR_ARG(req->device.n ? req->device : volume->device));
    if (!volume->is_data)
        return api_fault(call, &EC2_ERR(OperationNotPermitted),
                         "Unable to detach root volume '%.*s' from instance '%.*s'",
                         STR_ARG(volume->id), STR_ARG(volume->instance_id));
    return 0;
}

/*
 * The device goes when no file system of it is mounted, and the volume is available when nothing in
 * the guest holds it any more: two holders of one file would ruin it.  With Force whatever holds it
 * has a dead device.
 */
int
ec2_detach_volume(struct api_call *call, const struct ec2_DetachVolumeRequest *req,
                  struct ec2_VolumeAttachment *res)
{
    const struct ec2_instance_row *instance;
    const struct ec2_volume_row *volume = NULL;
    int r = ec2_volume_find(call, req->volume_id, &volume);

    if (r == 0 && req->instance_id.n)
        r = ec2_instance_find(call, req->instance_id, &instance);
    if (r == 0)
        r = detach_check(call, req, volume);
    if (r)
        return r;
    struct ec2_volume_row row = *volume;

    row.attach_state = S("detaching");
    row.detach_force = opt_bool_or(req->force, false);
    assert(ec2_volume_ok(&row) && row.attached_ms > 0);
    r = ec2_unwritten(ec2_volume_update(call->txn, &row), row.id);
    if (r == 0)
        *res = ec2_attachment_show(call->txn, &row);
    return r;
}
