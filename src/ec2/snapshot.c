/*
 * Snapshots: who sees them, how they are shown, and their end.
 *
 * What a snapshot holds is with the host under the name in `content`; copies share it, for it never
 * changes.  The host forgets it when no row names it any more (host/storage.c).
 */
#include "ec2/row_ok.h"
#include "codec/aws_names.h"
#include "ec2/volume.h"

enum { PAGE_MIN = 5, PAGE_MAX = 1000 };

/* ---- finding ---- */

static bool
permits(const struct ec2_snapshot_row *row, struct str account)
{
    return str_eq(row->account, account) || row->is_public || str_in(&row->accounts, account);
}

bool
ec2_snapshot_visible(const struct api_call *call, const struct ec2_snapshot_row *row)
{
    return str_eq(row->region, call->region) && permits(row, call->account);
}

int
ec2_snapshot_find(struct api_call *call, struct str id, const struct ec2_snapshot_row **ret)
{
    int r = ec2_id_check(call, id, "snap", &EC2_ERR(InvalidSnapshotID_Malformed));

    if (r)
        return r;
    const struct ec2_snapshot_row *row = ec2_snapshot_get(call->txn, id);

    if (!row || !ec2_snapshot_visible(call, row))
        return api_fault(call, &EC2_ERR(InvalidSnapshot_NotFound),
                         "The snapshot '%.*s' does not exist.", STR_ARG(id));
    assert(ec2_snapshot_ok(row));
    *ret = row;
    return 0;
}

int
ec2_snapshot_usable(struct api_call *call, struct str id, const struct ec2_snapshot_row **ret)
{
    int r = ec2_snapshot_find(call, id, ret);

    if (r == 0 && !str_is((*ret)->state, "completed"))
        return api_fault(call, &EC2_ERR(IncorrectState),
                         "Snapshot '%.*s' is in the '%.*s' state and not 'completed'.", STR_ARG(id),
                         STR_ARG((*ret)->state));
    return r;
}

int
ec2_snapshot_own(struct api_call *call, struct str id, const struct ec2_snapshot_row **ret)
{
    int r = ec2_snapshot_find(call, id, ret);

    if (r == 0 && !str_eq((*ret)->account, call->account))
        return api_fault(call, &EC2_ERR(AuthFailure), "Not authorized for snapshot:%.*s",
                         STR_ARG(id));
    return r;
}

bool
ec2_snapshots_pending(struct txn *txn, struct str instance_id)
{
    STORE_EACH(txn, ec2_volume_by_instance, volume, instance_id)
        STORE_EACH(txn, ec2_snapshot_by_volume, row, volume->id)
            if (str_is(row->state, "pending"))
                return true;
    return false;
}

/* ---- showing ---- */

struct ec2_Snapshot
ec2_snapshot_show(struct api_call *call, const struct ec2_snapshot_row *row)
{
    bool whole = str_is(row->state, "completed");

    assert(row->content.n > 0);
    return (struct ec2_Snapshot){
        .snapshot_id = row->id,
        .volume_id = row->volume_id,
        .state = row->state,
        .state_message = ec2_text_show(row->message),
        .start_time = opt_i64(row->started_ms),
        .completion_time = whole ? opt_i64(row->completed_ms) : (struct opt_i64){0},
        .progress = whole ? S("100%") : S("0%"),
        .owner_id = row->account,
        .description = row->description,
        .volume_size = opt_i64(row->size_gib),
        .encrypted = opt_bool(row->encrypted),
        .kms_key_id = ec2_text_show(row->kms_key_id),
        .storage_tier = S("standard"),
        .tags = ec2_tags_show(call->arena, &row->tags),
    };
}

/* ---- DescribeSnapshots ---- */

static const struct api_filter filters[] = {
    {"description", "Description"},    {"encrypted", "Encrypted"},
    {"owner-alias", "OwnerAlias"},     {"owner-id", "OwnerId"},
    {"progress", "Progress"},          {"snapshot-id", "SnapshotId"},
    {"start-time", "StartTime"},       {"status", "State"},
    {"storage-tier", "StorageTier"},   {"tag", API_FILTER_TAGS},
    {"transfer-type", "TransferType"}, {"volume-id", "VolumeId"},
    {"volume-size", "VolumeSize"},
};
const struct api_filter_table ec2_snapshot_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Snapshot, filters);

static int
users_check(struct api_call *call, const struct str_list *users, const char *word)
{
    LIST_EACH(users, user)
        if (!aws_is_account(*user) && !str_is(*user, "self") && !str_is(*user, word))
            return api_fault(call, &EC2_ERR(InvalidUserID_Malformed), "Invalid user id: \"%.*s\"",
                             STR_ARG(*user));
    return 0;
}

static bool
owner_asked(struct api_call *call, const struct str_list *owners,
            const struct ec2_snapshot_row *row)
{
    assert(row->account.n > 0);
    LIST_EACH(owners, owner)
        if (str_eq(str_is(*owner, "self") ? call->account : *owner, row->account))
            return true;
    return owners->n == 0;
}

static bool
restorable_asked(struct api_call *call, const struct str_list *users,
                 const struct ec2_snapshot_row *row)
{
    LIST_EACH(users, user)
        if (str_is(*user, "all") ? row->is_public
                                 : permits(row, str_is(*user, "self") ? call->account : *user))
            return true;
    return users->n == 0;
}

int
ec2_describe_snapshots(struct api_call *call, const struct ec2_DescribeSnapshotsRequest *req,
                       struct ec2_DescribeSnapshotsResult *res)
{
    static const struct api_page_rule rule = {
        .min = PAGE_MIN, .max = PAGE_MAX, .clamp = true, .ids = "snapshotSet"};
    const struct ec2_snapshot_row *found;
    struct api_filter_set set;
    struct api_page page;
    int r = ec2_filters(call, &ec2_snapshot_filter_table, &req->filters, &set);

    if (r == 0)
        r = users_check(call, &req->owner_ids, "amazon");
    if (r == 0)
        r = users_check(call, &req->restorable_by_user_ids, "all");
    LIST_EACH(&req->snapshot_ids, id)
        r = r ? r : ec2_snapshot_find(call, *id, &found);
    if (r == 0)
        r = ec2_page_open(call, &rule, req->next_token, req->max_results, req->snapshot_ids.n > 0,
                          &page);
    if (r)
        return r;
    API_PRESENT(&res->snapshots);
    STORE_EACH(call->txn, ec2_snapshot_by_key, row) {
        if (!ec2_snapshot_visible(call, row) || !owner_asked(call, &req->owner_ids, row) ||
            !restorable_asked(call, &req->restorable_by_user_ids, row) ||
            (req->snapshot_ids.n && !str_in(&req->snapshot_ids, row->id)))
            continue;
        struct ec2_Snapshot shown = ec2_snapshot_show(call, row);

        if (!api_filter_match(&set, &shown))
            continue;
        if (api_page_take(&page, row->id))
            *LIST_PUSH(call->arena, &res->snapshots) = shown;
        else if (page.more)
            break;
    }
    res->next_token = ec2_page_next(call, &page);
    return 0;
}

/* ---- DeleteSnapshot ---- */

static bool
uses(struct arena *arena, const struct ec2_image_row *image, struct str id)
{
    if (str_eq(image->snapshot_id, id))
        return true;
    LIST_EACH(&image->more_devices, text)
        if (str_eq(ec2_device_of(arena, *text).ebs.snapshot_id, id))
            return true;
    return false;
}

int
ec2_snapshot_drop(struct api_call *call, const struct ec2_snapshot_row *row)
{
    struct str id = row->id;

    assert(str_eq(row->account, call->account));
    STORE_EACH(call->txn, ec2_image_by_key, image)
        if (uses(call->arena, image, id))
            return api_fault(call, &EC2_ERR(InvalidSnapshot_InUse),
                             "The snapshot %.*s is currently in use by %.*s", STR_ARG(id),
                             STR_ARG(image->id));
    return ec2_unwritten(ec2_snapshot_delete(call->txn, id), id);
}

int
ec2_delete_snapshot(struct api_call *call, const struct ec2_DeleteSnapshotRequest *req,
                    struct ec2_DeleteSnapshotResult *res UNUSED)
{
    const struct ec2_snapshot_row *row;
    int r = ec2_snapshot_own(call, req->snapshot_id, &row);

    return r ? r : ec2_snapshot_drop(call, row);
}
