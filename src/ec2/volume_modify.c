/*
 * ModifyVolume: a volume grows, changes its type, its IOPS or its throughput, while it is used.
 *
 * The volume's row changes at once; the modification is completed when a guest that has the volume
 * sees its new size (storage_reconcile.c).
 */
#include "ec2/row_ok.h"
#include "ec2/volume.h"

enum { BETWEEN_MS = 6 * 3600 * 1000, PAGE_MAX = 500 };

static struct ec2_VolumeModification
show(struct api_call *call, const struct ec2_volume_modification_row *row)
{
    bool done = str_is(row->state, "completed");

    return (struct ec2_VolumeModification){
        .volume_id = row->id,
        .modification_state = row->state,
        .target_size = opt_i64(row->size_gib),
        .target_iops = ec2_rate_show(row->iops),
        .target_volume_type = row->type,
        .target_throughput = ec2_rate_show(row->throughput),
        .target_multi_attach_enabled = opt_bool(false),
        .original_size = opt_i64(row->from_size_gib),
        .original_iops = ec2_rate_show(row->from_iops),
        .original_volume_type = row->from_type,
        .original_throughput = ec2_rate_show(row->from_throughput),
        .original_multi_attach_enabled = opt_bool(false),
        .progress = opt_i64(done ? 100 : 0),
        .start_time = opt_i64(row->started_ms),
        .end_time = done ? opt_i64(row->ended_ms) : (struct opt_i64){0},
        .operator= ec2_operator_show(call->arena),
    };
}

/* ---- ModifyVolume ---- */

static int
may_change(struct api_call *call, const struct ec2_ModifyVolumeRequest *req,
           const struct ec2_volume_row *row)
{
    const struct ec2_volume_modification_row *last =
        ec2_volume_modification_get(call->txn, row->id);

    if (!str_is(row->state, "available") && !str_is(row->state, "in-use"))
        return api_fault(call, &EC2_ERR(IncorrectState), "Volume '%.*s' is in the '%.*s' state.",
                         STR_ARG(row->id), STR_ARG(row->state));
    if (opt_bool_or(req->multi_attach_enabled, false))
        return ec2_unsupported_parameter(call, "MultiAttachEnabled");
    if (!req->size.set && !req->volume_type.p && !req->iops.set && !req->throughput.set &&
        !req->multi_attach_enabled.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter size, volumeType, iops, "
                         "throughput or multiAttachEnabled");
    if (req->size.set && req->size.v < row->size_gib)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "New size cannot be smaller than existing size");
    if (last && str_is(last->state, "modifying"))
        return api_fault(call, &EC2_ERR(IncorrectModificationState),
                         "The volume '%.*s' is being modified.", STR_ARG(row->id));
    if (last && call->now_ms < last->started_ms + BETWEEN_MS)
        return api_fault(call, &EC2_ERR(VolumeModificationRateExceeded),
                         "You've reached the maximum modification rate per volume limit. Wait at "
                         "least 6 hours between modifications per EBS volume.");
    return 0;
}

/* What nobody names stays, unless another type does not take it or has its own default. */
static int
change(struct api_call *call, const struct ec2_ModifyVolumeRequest *req, struct ec2_volume_row *row)
{
    bool other = req->volume_type.p && !str_eq(req->volume_type, row->type);
    bool fixed = str_is(other ? req->volume_type : row->type, "gp2");
    struct opt_i64 iops = req->iops, throughput = req->throughput;

    if (!iops.set && !other && !fixed)
        iops = ec2_rate_show(row->iops);
    if (!throughput.set && !other)
        throughput = ec2_rate_show(row->throughput);
    assert(row->size_gib > 0 && row->type.n > 0);
    row->size_gib = opt_i64_or(req->size, row->size_gib);
    if (other)
        row->type = req->volume_type;
    row->iops = opt_i64_or(iops, 0);
    row->throughput = opt_i64_or(throughput, 0);
    int r = ec2_volume_check(call, row->type, row->size_gib, iops, throughput);

    if (r == 0)
        ec2_volume_rates(row);
    return r;
}

static int
put(struct api_call *call, const struct ec2_volume_row *from, const struct ec2_volume_row *to,
    struct ec2_volume_modification_row *row)
{
    assert(str_eq(from->id, to->id) && to->size_gib >= from->size_gib);
    *row = (struct ec2_volume_modification_row){
        .id = to->id,
        .account = to->account,
        .region = to->region,
        .state = S("modifying"),
        .from_size_gib = from->size_gib,
        .from_type = from->type,
        .from_iops = from->iops,
        .from_throughput = from->throughput,
        .size_gib = to->size_gib,
        .type = to->type,
        .iops = to->iops,
        .throughput = to->throughput,
        .started_ms = call->now_ms,
    };
    assert(ec2_modification_ok(row));
    return ec2_unwritten(ec2_volume_modification_get(call->txn, row->id)
                             ? ec2_volume_modification_update(call->txn, row)
                             : ec2_volume_modification_insert(call->txn, row),
                         row->id);
}

int
ec2_modify_volume(struct api_call *call, const struct ec2_ModifyVolumeRequest *req,
                  struct ec2_ModifyVolumeResult *res)
{
    const struct ec2_volume_row *row;
    struct ec2_volume_modification_row modification;
    bool may = true;
    int r = ec2_volume_find(call, req->volume_id, &row);

    if (r == 0)
        r = may_change(call, req, row);
    if (r)
        return r;
    struct ec2_volume_row new = *row;

    r = change(call, req, &new);
    if (r == 0 && !str_eq(new.type, row->type))
        r = ec2_storage_give_back(call->txn, row);
    if (r == 0)
        r = ec2_storage_take(call->txn, &new, &may);
    if (r == 0 && !may)
        return api_fault(call, &EC2_ERR(VolumeLimitExceeded),
                         "You have exceeded your maximum %.*s storage limit in this region.",
                         STR_ARG(new.type));
    assert(r || ec2_volume_ok(&new));
    if (r == 0)
        r = put(call, row, &new, &modification);
    if (r == 0)
        r = ec2_unwritten(ec2_volume_update(call->txn, &new), new.id);
    if (r)
        return r;
    res->volume_modification = ARENA_NEW(call->arena, struct ec2_VolumeModification);
    *res->volume_modification = show(call, &modification);
    return 0;
}

/* ---- DescribeVolumesModifications ---- */

static const struct api_filter filters[] = {
    {"modification-state", "ModificationState"},
    {"original-iops", "OriginalIops"},
    {"original-size", "OriginalSize"},
    {"original-volume-type", "OriginalVolumeType"},
    {"originalMultiAttachEnabled", "OriginalMultiAttachEnabled"},
    {"start-time", "StartTime"},
    {"target-iops", "TargetIops"},
    {"target-size", "TargetSize"},
    {"target-volume-type", "TargetVolumeType"},
    {"targetMultiAttachEnabled", "TargetMultiAttachEnabled"},
    {"volume-id", "VolumeId"},
};
const struct api_filter_table ec2_volume_modification_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_VolumeModification, filters);

int
ec2_describe_volumes_modifications(struct api_call *call,
                                   const struct ec2_DescribeVolumesModificationsRequest *req,
                                   struct ec2_DescribeVolumesModificationsResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = PAGE_MAX, .clamp = true};
    struct ec2_listing listing;
    const struct ec2_volume_row *volume;
    int r = ec2_listing_open(call, &ec2_volume_modification_filter_table, &req->filters, &rule,
                             req->next_token, req->max_results, false, &listing);

    LIST_EACH(&req->volume_ids, id)
        r = r ? r : ec2_volume_find(call, *id, &volume);
    if (r)
        return r;
    API_PRESENT(&res->volumes_modifications);
    STORE_EACH(call->txn, ec2_volume_modification_by_owner, row, call->account, call->region) {
        struct ec2_VolumeModification shown = show(call, row);

        if (req->volume_ids.n && !str_in(&req->volume_ids, row->id))
            continue;
        if (ec2_listing_has(call, &listing, &shown, row->started_ms, row->id))
            *LIST_PUSH(call->arena, &res->volumes_modifications) = shown;
        else if (listing.page.more)
            break;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
