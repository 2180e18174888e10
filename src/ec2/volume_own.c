/*
 * Volumes that are made by themselves: CreateVolume, DeleteVolume, and the switches of a volume.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "ec2/volume.h"

static int
refuse(struct api_call *call, const struct ec2_CreateVolumeRequest *req)
{
    const char *what = req->outpost_arn.p                    ? "OutpostArn"
                       : req->volume_initialization_rate.set ? "VolumeInitializationRate"
                       : req->operator                       ? "Operator"
                                                             : NULL;

    if (what)
        return ec2_unsupported_parameter(call, what);
    if (!opt_bool_or(req->multi_attach_enabled, false))
        return 0;
    if (!str_is(req->volume_type, "io1") && !str_is(req->volume_type, "io2"))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter multiAttachEnabled is not supported for %.*s volumes.",
                         STR_ARG(req->volume_type.n ? req->volume_type : S("gp2")));
    return ec2_unsupported_parameter(call, "MultiAttachEnabled");
}

static int
zone_of(struct api_call *call, const struct ec2_CreateVolumeRequest *req, struct str *ret)
{
    const struct ec2_Placement place = {.availability_zone = req->availability_zone,
                                        .availability_zone_id = req->availability_zone_id};
    int r = ec2_zone_check(call, &place, ret);

    if (r == 0 && !ret->n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter availabilityZone");
    return r;
}

/* Text that is given is never empty: an empty snapshot id of older clients is none. */
static struct ec2_EbsBlockDevice
wanted(const struct ec2_CreateVolumeRequest *req)
{
    return (struct ec2_EbsBlockDevice){
        .encrypted = req->encrypted,
        .kms_key_id = req->kms_key_id,
        .snapshot_id = req->snapshot_id.n ? req->snapshot_id : S(""),
        .volume_size = req->size,
        .volume_type = req->volume_type,
        .iops = req->iops,
        .throughput = req->throughput,
    };
}

static int
create(struct api_call *call, const struct ec2_CreateVolumeRequest *req, struct str hash,
       struct ec2_volume_row *ret)
{
    struct ec2_EbsBlockDevice ebs = wanted(req);
    struct str_list tags = {0};
    struct str zone, error = S("");
    int r = refuse(call, req);

    if (r == 0)
        r = zone_of(call, req, &zone);
    if (r == 0)
        r = ec2_tags_made(call, &req->tag_specifications, "volume", &tags);
    if (r == 0)
        r = ec2_data_wanted(call, &EC2_ERR(InvalidParameterValue), &ebs);
    if (r)
        return r;
    const struct ec2_volume_want want = {.ebs = &ebs,
                                         .zone = zone,
                                         .instance_id = S(""),
                                         .device = S(""),
                                         .is_data = true,
                                         .client_token = req->client_token,
                                         .request_hash = hash,
                                         .tags = &tags};

    r = ec2_volume_make(call, &want, ret, &error);
    if (r == 0 && str_is(error, INSTANCE_NO_STORAGE))
        return api_fault(call, &EC2_ERR(VolumeLimitExceeded),
                         "You have exceeded your maximum %.*s storage limit in this region.",
                         STR_ARG(ebs.volume_type));
    assert(r || ec2_volume_ok(ret));
    return r;
}

int
ec2_create_volume(struct api_call *call, const struct ec2_CreateVolumeRequest *req,
                  struct ec2_Volume *res)
{
    const struct ec2_volume_row *before = NULL;
    struct str hash = ec2_request_hash(call, req);
    struct ec2_volume_row row;

    if (req->client_token.n)
        before = ec2_volume_by_token_get(call->txn, call->account, call->region, req->client_token);
    int r =
        before ? ec2_token_check(call, before->request_hash, hash) : create(call, req, hash, &row);
    if (r)
        return r;
    *res = ec2_volume_show(call, before ? before : &row);
    if (!before)
        res->state = S("creating");
    return 0;
}

int
ec2_delete_volume(struct api_call *call, const struct ec2_DeleteVolumeRequest *req,
                  struct ec2_DeleteVolumeResult *res UNUSED)
{
    const struct ec2_volume_row *row;
    int r = ec2_volume_find(call, req->volume_id, &row);

    if (r)
        return r;
    if (row->instance_id.n)
        return api_fault(call, &EC2_ERR(VolumeInUse), "Volume %.*s is currently attached to %.*s",
                         STR_ARG(row->id), STR_ARG(row->instance_id));
    STORE_EACH(call->txn, ec2_snapshot_by_volume, snapshot, row->id)
        if (str_is(snapshot->state, "pending"))
            return api_fault(call, &EC2_ERR(IncorrectState),
                             "The snapshot '%.*s' is being made of the volume '%.*s'.",
                             STR_ARG(snapshot->id), STR_ARG(row->id));
    assert(!row->plain_key.n && !row->grant_id.n);
    r = ec2_notify_volume(call->txn, row, "deleteVolume", call->now_ms);
    if (r == 0)
        r = ec2_storage_give_back(call->txn, row);
    if (r == 0 && ec2_volume_modification_get(call->txn, row->id))
        r = ec2_volume_modification_delete(call->txn, row->id);
    if (r == 0)
        r = ec2_volume_delete(call->txn, row->id);
    return ec2_unwritten(r, req->volume_id);
}

int
ec2_modify_volume_attribute(struct api_call *call,
                            const struct ec2_ModifyVolumeAttributeRequest *req,
                            struct ec2_ModifyVolumeAttributeResult *res UNUSED)
{
    const struct ec2_volume_row *row;
    int r = ec2_volume_find(call, req->volume_id, &row);

    if (r)
        return r;
    if (!req->auto_enable_io || !req->auto_enable_io->value.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter AutoEnableIO");
    struct ec2_volume_row new = *row;

    new.auto_enable_io = req->auto_enable_io->value.v;
    assert(ec2_volume_ok(&new));
    return ec2_unwritten(ec2_volume_update(call->txn, &new), row->id);
}

/* No volume is ever suspected of inconsistent data here, so I/O of every one is enabled. */
int
ec2_enable_volume_io(struct api_call *call, const struct ec2_EnableVolumeIORequest *req,
                     struct ec2_EnableVolumeIOResult *res UNUSED)
{
    const struct ec2_volume_row *row;

    return ec2_volume_find(call, req->volume_id, &row);
}
