/*
 * Volumes: what EBS has, the one function that makes a row of one, and how they are shown.
 *
 * What is in a volume lies with the host: that of a root below its instance, that of all others in
 * a file of its own (host/storage.c).  The row says that there is one, how large it is and what
 * becomes of it when the instance ends.
 */
#include "ec2/volume.h"

#include "ec2/instance.h"
#include "ec2/row_ok.h"

enum {
    VOLUME_PAGE_MIN = 5,
    VOLUME_PAGE_MAX = 1000,
    GP2_IOPS_MIN = 100,
    GP2_IOPS_PER_GIB = 3,
    GP2_IOPS_MAX = 16000,
    GP3_MIBPS = 125,
};

/* ---- what EBS has ---- */

/* Bounds of the types; most_iops 0: the type does not take IOPS. */
static const struct volume_type {
    const char *name;
    int64_t least_gib, most_gib;
    int64_t least_iops, most_iops, iops_per_gib;
    int64_t least_mibps, most_mibps;
} volume_types[] = {
    {"gp2", 1, 16384, 0, 0, 0, 0, 0},        {"gp3", 1, 65536, 3000, 80000, 500, GP3_MIBPS, 2000},
    {"io1", 4, 16384, 100, 64000, 50, 0, 0}, {"io2", 4, 65536, 100, 256000, 1000, 0, 0},
    {"sc1", 125, 16384, 0, 0, 0, 0, 0},      {"st1", 125, 16384, 0, 0, 0, 0, 0},
    {"standard", 1, 1024, 0, 0, 0, 0, 0},
};

static const struct volume_type *
volume_type_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(volume_types); i++)
        if (str_is(name, volume_types[i].name))
            return &volume_types[i];
    return NULL;
}

static bool
needs_iops(const struct volume_type *t)
{
    return t->most_iops && !t->most_mibps;
}

/* IOPS and MiB/s: both are bounded in the same words. */
static int
rate_check(struct api_call *call, const struct volume_type *t, const char *what, struct opt_i64 v,
           int64_t least, int64_t most)
{
    assert(least <= most);
    if (!v.set)
        return 0;
    if (!most)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter %s is not supported for %s volumes.", what, t->name);
    if (v.v > most)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Volume %s of %lld is too high; maximum is %lld.", what, (long long)v.v,
                         (long long)most);
    if (v.v < least)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Volume %s of %lld is too low; minimum is %lld.", what, (long long)v.v,
                         (long long)least);
    return 0;
}

int
ec2_volume_check(struct api_call *call, struct str type, int64_t gib, struct opt_i64 iops,
                 struct opt_i64 throughput)
{
    const struct volume_type *t = volume_type_find(type);

    if (!t)
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "Unknown volume type '%.*s'",
                         STR_ARG(type));
    if (gib > t->most_gib)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Volume of %lldGiB is too large for volume type %s (Maximum is %lldGiB)",
                         (long long)gib, t->name, (long long)t->most_gib);
    if (gib < t->least_gib)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Volume of %lldGiB is too small for volume type %s (Minimum is %lldGiB)",
                         (long long)gib, t->name, (long long)t->least_gib);
    if (needs_iops(t) && !iops.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The parameter iops must be specified for %s volumes.", t->name);
    int r = rate_check(call, t, "iops", iops, t->least_iops, t->most_iops);

    if (r == 0)
        r = rate_check(call, t, "throughput", throughput, t->least_mibps, t->most_mibps);
    if (r)
        return r;
    /* What gp3 has for nothing is not measured against its size. */
    if (iops.set && iops.v > t->least_iops && iops.v > gib * t->iops_per_gib)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Iops to volume size ratio of %lld:%lld is too high; maximum is %lld IOPS "
                         "per GiB",
                         (long long)iops.v, (long long)gib, (long long)t->iops_per_gib);
    return 0;
}

void
ec2_volume_rates(struct ec2_volume_row *row)
{
    if (str_is(row->type, "gp2")) {
        int64_t iops = MAX(row->size_gib * GP2_IOPS_PER_GIB, (int64_t)GP2_IOPS_MIN);

        row->iops = MIN(iops, (int64_t)GP2_IOPS_MAX);
    }
    if (str_is(row->type, "gp3")) {
        row->iops = row->iops ? row->iops : volume_type_find(row->type)->least_iops;
        row->throughput = row->throughput ? row->throughput : GP3_MIBPS;
    }
}

/* ---- making ---- */

/* The keys of a volume that is about to be written; *ret_may: whether KMS gives them. */
static int
encrypt(struct api_call *call, const struct ec2_volume_want *want, struct ec2_volume_row *row,
        bool *ret_may)
{
    const struct ec2_snapshot_row *from = ec2_snapshot_get(call->txn, row->snapshot_id);
    int r = 0;

    *ret_may = true;
    if (from && from->encrypted)
        r = ec2_snapshot_unseal(call, from, ret_may);
    if (r == 0 && *ret_may)
        r = ec2_volume_seal(call, want->ebs->kms_key_id, row, ret_may);
    if (r == 0 && *ret_may && row->instance_id.n)
        r = ec2_volume_unseal(call, row->instance_id, row, ret_may);
    return r;
}

static struct ec2_volume_row
row_of(struct api_call *call, const struct ec2_volume_want *want)
{
    const struct ec2_EbsBlockDevice *ebs = want->ebs;
    bool attached = want->instance_id.n > 0;
    const struct ec2_snapshot_row *from =
        want->is_data ? ec2_snapshot_get(call->txn, ebs->snapshot_id) : NULL;

    return (struct ec2_volume_row){
        .id = api_id(call, "vol"),
        .account = call->account,
        .region = call->region,
        .zone = want->zone,
        .size_gib = ebs->volume_size.v,
        .type = ebs->volume_type,
        .iops = opt_i64_or(ebs->iops, 0),
        .throughput = opt_i64_or(ebs->throughput, 0),
        .encrypted = opt_bool_or(ebs->encrypted, false),
        .snapshot_id = ebs->snapshot_id,
        .state = attached ? S("in-use") : S("creating"),
        .instance_id = want->instance_id,
        .device = want->device,
        .delete_on_termination = attached && opt_bool_or(ebs->delete_on_termination, true),
        .attached_ms = attached ? call->now_ms : 0,
        .attach_state = attached && want->is_data ? S("attaching") : S(""),
        .attach_generation = attached,
        .is_data = want->is_data,
        .content = from ? from->content : S(""),
        .client_token = want->client_token,
        .request_hash = want->request_hash,
        .created_ms = call->now_ms,
        .tags = *want->tags,
    };
}

int
ec2_volume_make(struct api_call *call, const struct ec2_volume_want *want,
                struct ec2_volume_row *ret, struct str *ret_error)
{
    struct ec2_volume_row row = row_of(call, want);

    assert(want->zone.n > 0 && want->ebs->volume_size.set);
    assert((want->instance_id.n > 0) == (want->device.n > 0));
    bool may;
    int r = ec2_storage_take(call->txn, &row, &may);

    *ret_error = may ? S("") : S(INSTANCE_NO_STORAGE);
    if (r || !may)
        return r;
    ec2_volume_rates(&row);
    if (row.encrypted)
        r = encrypt(call, want, &row, &may);
    if (r)
        return r;
    if (!may)
        *ret_error = S(INSTANCE_NO_KEY);
    else if (ec2_snapshot_is_damaged(call->txn, row.snapshot_id))
        *ret_error = S(INSTANCE_BAD_SNAPSHOT);
    /* One that could not be made shows it, as long as nobody deletes it. */
    if (ret_error->n && !row.instance_id.n)
        row.state = S("error");
    assert(ec2_volume_ok(&row));
    *ret = row;
    return ec2_unwritten(ec2_volume_insert(call->txn, &row), row.id);
}

void
ec2_volume_leave(struct ec2_volume_row *row)
{
    assert(row->instance_id.n > 0);
    row->instance_id = row->device = row->attach_state = S("");
    row->attached_ms = 0;
    row->detach_force = false;
    row->state = S("available");
    row->delete_on_termination = false;
}

int
ec2_volumes_release(struct txn *txn, struct str instance_id)
{
    int r = ec2_volumes_forget_keys(txn, instance_id);

    assert(instance_id.n > 0);
    if (r)
        return r;
    STORE_EACH(txn, ec2_volume_by_instance, row, instance_id) {
        struct ec2_volume_row left = *row;

        ec2_volume_leave(&left);
        if (row->delete_on_termination)
            r = ec2_storage_give_back(txn, row);
        assert(r < 0 || ec2_volume_ok(&left));
        if (r >= 0)
            r = row->delete_on_termination ? ec2_volume_delete(txn, row->id)
                                           : ec2_volume_update(txn, &left);
        if (r < 0)
            return error_origin(-r, "volume %.*s cannot be released", STR_ARG(row->id));
    }
    return 0;
}

/* ---- showing ---- */

static int
id_check(struct api_call *call, struct str id)
{
    int r = ec2_id_check(call, id, "vol", &EC2_ERR(InvalidParameterValue));

    if (r)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter volumes is invalid. Expected: 'vol-...'.",
                         STR_ARG(id));
    return 0;
}

static const struct ec2_volume_row *
volume_mine(struct api_call *call, struct str id)
{
    const struct ec2_volume_row *row = ec2_volume_get(call->txn, id);

    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

/* All ids are looked at before one of them is a fault, which names all that are missing. */
static int
ids_check(struct api_call *call, const struct str_list *ids)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id) {
        int r = id_check(call, *id);

        if (r)
            return r;
        if (!volume_mine(call, *id))
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    if (missing.n == 0)
        return 0;
    struct str all = str_join(call->arena, &missing, S(", "));

    return api_fault(call, &EC2_ERR(InvalidVolume_NotFound),
                     missing.n > 1 ? "The volumes '%.*s' do not exist."
                                   : "The volume '%.*s' does not exist.",
                     STR_ARG(all));
}

struct opt_i64
ec2_rate_show(int64_t v)
{
    return v ? opt_i64(v) : (struct opt_i64){0};
}

int
ec2_volume_find(struct api_call *call, struct str id, const struct ec2_volume_row **ret)
{
    int r = ids_check(call, &(struct str_list){&id, 1});

    *ret = r ? NULL : volume_mine(call, id);
    assert(r || *ret);
    return r;
}

struct ec2_OperatorResponse *
ec2_operator_show(struct arena *arena)
{
    struct ec2_OperatorResponse *operator= ARENA_NEW(arena, struct ec2_OperatorResponse);

    operator->managed = opt_bool(false);
    return operator;
}

struct ec2_VolumeAttachment
ec2_attachment_show(struct txn *txn, const struct ec2_volume_row *row)
{
    const struct host_volume_row *seen =
        row->attach_state.n ? host_volume_get(txn, row->id) : NULL;
    bool busy = str_is(row->attach_state, "detaching") && seen &&
                seen->generation == row->attach_generation &&
                str_is(seen->reason, HOST_VOLUME_BUSY);

    assert(row->instance_id.n > 0 && row->attached_ms > 0);
    return (struct ec2_VolumeAttachment){
        .attach_time = opt_i64(row->attached_ms),
        .delete_on_termination = opt_bool(row->delete_on_termination),
        .device = row->device,
        .instance_id = row->instance_id,
        .state = busy                  ? S("busy")
                 : row->attach_state.n ? row->attach_state
                                       : S("attached"),
        .volume_id = row->id,
    };
}

struct ec2_Volume
ec2_volume_show(struct api_call *call, const struct ec2_volume_row *row)
{
    struct ec2_Volume v = {
        .volume_id = row->id,
        .availability_zone = row->zone,
        .availability_zone_id = ec2_zone_id(call->arena, row->zone),
        .create_time = opt_i64(row->created_ms),
        .encrypted = opt_bool(row->encrypted),
        .kms_key_id = ec2_text_show(row->kms_key_id),
        .iops = ec2_rate_show(row->iops),
        .throughput = ec2_rate_show(row->throughput),
        .multi_attach_enabled = opt_bool(false),
        .operator= ec2_operator_show(call->arena),
        .size = opt_i64(row->size_gib),
        .snapshot_id = row->snapshot_id,
        .state = row->state,
        .volume_type = row->type,
        .tags = ec2_tags_show(call->arena, &row->tags),
    };

    assert((row->instance_id.n > 0) == (row->attached_ms > 0));
    API_PRESENT(&v.attachments);
    if (row->instance_id.n)
        *LIST_PUSH(call->arena, &v.attachments) = ec2_attachment_show(call->txn, row);
    return v;
}

static struct ec2_VolumeStatusItem
status_show(struct api_call *call, const struct ec2_volume_row *row)
{
    struct ec2_VolumeStatusInfo *info = ARENA_NEW(call->arena, struct ec2_VolumeStatusInfo);
    struct ec2_VolumeStatusItem item = {
        .volume_id = row->id,
        .availability_zone = row->zone,
        .availability_zone_id = ec2_zone_id(call->arena, row->zone),
        .operator= ec2_operator_show(call->arena),
        .volume_status = info,
    };

    assert((row->instance_id.n > 0) == str_is(row->state, "in-use"));
    info->status = S("ok");
    *LIST_PUSH(call->arena, &info->details) =
        (struct ec2_VolumeStatusDetails){.name = S("io-enabled"), .status = S("passed")};
    *LIST_PUSH(call->arena, &info->details) = (struct ec2_VolumeStatusDetails){
        .name = S("io-performance"), .status = S("not-applicable")};
    API_PRESENT(&item.actions);
    API_PRESENT(&item.events);
    if (row->instance_id.n)
        *LIST_PUSH(call->arena, &item.attachment_statuses) =
            (struct ec2_VolumeStatusAttachmentStatus){.instance_id = row->instance_id,
                                                      .io_performance = S("not-applicable")};
    return item;
}

/* ---- operations ---- */

static const struct api_filter volume_filters[] = {
    {"attachment.attach-time", "Attachments.AttachTime"},
    {"attachment.delete-on-termination", "Attachments.DeleteOnTermination"},
    {"attachment.device", "Attachments.Device"},
    {"attachment.instance-id", "Attachments.InstanceId"},
    {"attachment.status", "Attachments.State"},
    {"availability-zone", "AvailabilityZone"},
    {"availability-zone-id", "AvailabilityZoneId"},
    {"create-time", "CreateTime"},
    {"encrypted", "Encrypted"},
    {"fast-restored", "FastRestored"},
    {"multi-attach-enabled", "MultiAttachEnabled"},
    {"operator.managed", "Operator.Managed"},
    {"operator.principal", "Operator.Principal"},
    {"size", "Size"},
    {"snapshot-id", "SnapshotId"},
    {"status", "State"},
    {"tag", API_FILTER_TAGS},
    {"volume-id", "VolumeId"},
    {"volume-type", "VolumeType"},
};
static const struct api_filter_table volume_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Volume, volume_filters);

static const struct api_filter status_filters[] = {
    {"action.code", "Actions.Code"},
    {"action.description", "Actions.Description"},
    {"action.event-id", "Actions.EventId"},
    {"availability-zone", "AvailabilityZone"},
    {"event.description", "Events.Description"},
    {"event.event-id", "Events.EventId"},
    {"event.event-type", "Events.EventType"},
    {"event.not-after", "Events.NotAfter"},
    {"event.not-before", "Events.NotBefore"},
    {"volume-status.details-name", "VolumeStatus.Details.Name"},
    {"volume-status.details-status", "VolumeStatus.Details.Status"},
    {"volume-status.status", "VolumeStatus.Status"},
};
static const struct api_filter_table status_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_VolumeStatusItem, status_filters);

static const struct api_page_rule volume_page = {.min = VOLUME_PAGE_MIN,
                                                 .max = VOLUME_PAGE_MAX,
                                                 .clamp = true,
                                                 .ids = "volumeSet"};

/* No volume is managed by a service, so IncludeManagedResources shows nothing more. */
int
ec2_describe_volumes(struct api_call *call, const struct ec2_DescribeVolumesRequest *req,
                     struct ec2_DescribeVolumesResult *res)
{
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &volume_filter_table, &req->filters, &volume_page,
                             req->next_token, req->max_results, req->volume_ids.n > 0, &listing);

    if (r == 0)
        r = ids_check(call, &req->volume_ids);
    if (r)
        return r;
    API_PRESENT(&res->volumes);
    STORE_EACH(call->txn, ec2_volume_by_owner, row, call->account, call->region) {
        if (req->volume_ids.n && !str_in(&req->volume_ids, row->id))
            continue;
        struct ec2_Volume volume = ec2_volume_show(call, row);

        if (ec2_listing_has(call, &listing, &volume, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->volumes) = volume;
        else if (listing.page.more)
            break;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

int
ec2_describe_volume_status(struct api_call *call, const struct ec2_DescribeVolumeStatusRequest *req,
                           struct ec2_DescribeVolumeStatusResult *res)
{
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &status_filter_table, &req->filters, &volume_page,
                             req->next_token, req->max_results, req->volume_ids.n > 0, &listing);

    if (r == 0)
        r = ids_check(call, &req->volume_ids);
    if (r)
        return r;
    API_PRESENT(&res->volume_statuses);
    STORE_EACH(call->txn, ec2_volume_by_owner, row, call->account, call->region) {
        if (req->volume_ids.n && !str_in(&req->volume_ids, row->id))
            continue;
        struct ec2_VolumeStatusItem item = status_show(call, row);

        if (ec2_listing_has(call, &listing, &item, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->volume_statuses) = item;
        else if (listing.page.more)
            break;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

int
ec2_describe_volume_attribute(struct api_call *call,
                              const struct ec2_DescribeVolumeAttributeRequest *req,
                              struct ec2_DescribeVolumeAttributeResult *res)
{
    const struct ec2_volume_row *row;
    int r = ec2_volume_find(call, req->volume_id, &row);

    if (r)
        return r;
    res->volume_id = req->volume_id;
    if (str_is(req->attribute, "autoEnableIO")) {
        res->auto_enable_io = ec2_flag_show(call->arena, row->auto_enable_io);
    } else if (str_is(req->attribute, "productCodes")) {
        API_PRESENT(&res->product_codes);
    } else {
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                         STR_ARG(req->attribute));
    }
    return 0;
}
