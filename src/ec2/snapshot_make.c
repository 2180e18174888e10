/*
 * Snapshots as they are made: of a volume, of all volumes of an instance, of another snapshot.
 *
 * The row is written `pending`; the host takes what the volume holds at that moment, and
 * storage_reconcile.c says when it is whole.  A copy is whole at once: it shares what it is of.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "ec2/volume.h"

enum { DESCRIPTION_MAX = 255, LAYERS_BYTES_MAX = 240 };

static int
description_check(struct api_call *call, struct str text)
{
    if (text.n <= DESCRIPTION_MAX)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Snapshot description exceeds maximum length of %d characters",
                     DESCRIPTION_MAX);
}

static int
location_check(struct api_call *call, struct str outpost_arn, struct str location)
{
    if (outpost_arn.p)
        return ec2_unsupported_parameter(call, "OutpostArn");
    return str_is(location, "local") ? ec2_unsupported(call, "A Location other than regional") : 0;
}

/* ---- of a volume ---- */

/* Of a root: the image that its files stand on, with the snapshot's own as the topmost layer. */
static int
root_of(struct api_call *call, const struct ec2_volume_row *volume, struct ec2_snapshot_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(call->txn, volume->instance_id);

    if (!instance)
        return api_fault(
            call, &EC2_ERR(Unsupported),
            "The volume '%.*s' was the root of an instance that is terminated; what it "
            "held is not kept by Welkin",
            STR_ARG(volume->id));
    row->rootfs =
        str_fmt(call->arena, "%.*s:%.*s", STR_ARG(row->content), STR_ARG(instance->rootfs));
    row->init = instance->init;
    row->architecture = instance->architecture;
    assert(instance->rootfs.n > 0 && row->content.n > 0);
    if (row->rootfs.n > LAYERS_BYTES_MAX)
        return api_fault(call, &EC2_ERR(Unsupported),
                         "The root of '%.*s' is an image of an image too many times over",
                         STR_ARG(instance->id));
    return 0;
}

static int
volume_check(struct api_call *call, const struct ec2_volume_row *volume)
{
    const struct api_machines *machines = api_machines(call);
    const char *why = machines->no_snapshots;

    if (str_is(volume->state, "creating") || str_is(volume->state, "error"))
        return api_fault(call, &EC2_ERR(IncorrectState), "Volume '%.*s' is in the '%.*s' state.",
                         STR_ARG(volume->id), STR_ARG(volume->state));
    if (!why && volume->encrypted)
        why = machines->no_encrypted_snapshots;
    return why ? api_fault(call, &EC2_ERR(Unsupported), "%s", why) : 0;
}

int
ec2_snapshot_make(struct api_call *call, const struct ec2_snapshot_want *want,
                  struct ec2_snapshot_row *ret)
{
    const struct ec2_volume_row *volume = want->volume;

    assert(!want->reboot_generation || volume->instance_id.n > 0);
    int r = volume_check(call, volume);

    if (r)
        return r;
    *ret = (struct ec2_snapshot_row){
        .id = api_id(call, "snap"),
        .account = call->account,
        .region = call->region,
        .volume_id = volume->id,
        .size_gib = volume->size_gib,
        .state = S("pending"),
        .description = want->description,
        .started_ms = call->now_ms,
        .encrypted = volume->encrypted,
        .kms_key_id = volume->kms_key_id,
        .data_key = volume->data_key,
        .data_key_of = volume->encrypted ? volume->id : S(""),
        .instance_id = want->reboot_generation ? volume->instance_id : S(""),
        .reboot_generation = want->reboot_generation,
        .tags = *want->tags,
    };
    ret->content = ret->id;
    if (!volume->is_data)
        r = root_of(call, volume, ret);
    if (r)
        return r;
    assert(ec2_snapshot_ok(ret));
    return ec2_unwritten(ec2_snapshot_insert(call->txn, ret), ret->id);
}

int
ec2_create_snapshot(struct api_call *call, const struct ec2_CreateSnapshotRequest *req,
                    struct ec2_Snapshot *res)
{
    struct str_list tags = {0};
    struct ec2_snapshot_want want = {.description = req->description, .tags = &tags};
    struct ec2_snapshot_row row;
    int r = ec2_volume_find(call, req->volume_id, &want.volume);

    if (r == 0)
        r = location_check(call, req->outpost_arn, req->location);
    if (r == 0)
        r = description_check(call, req->description);
    if (r == 0)
        r = ec2_tags_made(call, &req->tag_specifications, "snapshot", &tags);
    if (r == 0)
        r = ec2_snapshot_make(call, &want, &row);
    if (r)
        return r;
    *res = ec2_snapshot_show(call, &row);
    res->progress = S("");
    return 0;
}

/* ---- of an instance ---- */

static struct ec2_SnapshotInfo
info_show(struct api_call *call, const struct ec2_snapshot_row *row)
{
    return (struct ec2_SnapshotInfo){
        .description = row->description,
        .tags = ec2_tags_show(call->arena, &row->tags),
        .encrypted = opt_bool(row->encrypted),
        .volume_id = row->volume_id,
        .state = row->state,
        .volume_size = opt_i64(row->size_gib),
        .start_time = opt_i64(row->started_ms),
        .progress = S(""),
        .owner_id = row->account,
        .snapshot_id = row->id,
    };
}

static int
excluded_check(struct api_call *call, const struct ec2_InstanceSpecification *spec)
{
    LIST_EACH(&spec->exclude_data_volume_ids, id) {
        const struct ec2_volume_row *volume;
        int r = ec2_volume_find(call, *id, &volume);

        if (r)
            return r;
        if (!volume->is_data || !str_eq(volume->instance_id, spec->instance_id))
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "The volume '%.*s' is no data volume of the instance '%.*s'",
                             STR_ARG(*id), STR_ARG(spec->instance_id));
    }
    return 0;
}

int
ec2_create_snapshots(struct api_call *call, const struct ec2_CreateSnapshotsRequest *req,
                     struct ec2_CreateSnapshotsResult *res)
{
    const struct ec2_InstanceSpecification *spec = req->instance_specification;
    const struct ec2_instance_row *instance;
    struct str_list given = {0};
    int r = ec2_instance_find(call, spec->instance_id, &instance);

    if (r == 0)
        r = location_check(call, req->outpost_arn, req->location);
    if (r == 0)
        r = description_check(call, req->description);
    if (r == 0)
        r = ec2_tags_made(call, &req->tag_specifications, "snapshot", &given);
    if (r == 0)
        r = excluded_check(call, spec);
    if (r)
        return r;
    API_PRESENT(&res->snapshots);
    STORE_EACH(call->txn, ec2_volume_by_instance, volume, instance->id) {
        struct str_list tags = given;
        const struct ec2_snapshot_want want = {
            .volume = volume, .description = req->description, .tags = &tags};
        struct ec2_snapshot_row row;

        if (volume->is_data ? str_in(&spec->exclude_data_volume_ids, volume->id)
                            : opt_bool_or(spec->exclude_boot_volume, false))
            continue;
        if (str_is(req->copy_tags_from_source, "volume"))
            r = ec2_tags_inherit(call, &volume->tags, &given, &tags);
        if (r == 0)
            r = ec2_snapshot_make(call, &want, &row);
        if (r)
            return r;
        *LIST_PUSH(call->arena, &res->snapshots) = info_show(call, &row);
    }
    return 0;
}

/* ---- of a snapshot ---- */

int
ec2_copy_key(struct api_call *call, bool is_encrypted, struct opt_bool encrypted, struct str key,
             struct str *ret)
{
    const char *why = api_machines(call)->no_encrypted_snapshots;

    if (key.n && !is_encrypted && !opt_bool_or(encrypted, false))
        return api_fault(call, &EC2_ERR(InvalidParameterDependency),
                         "The parameter KmsKeyId requires the parameter Encrypted to be set.");
    *ret = S("");
    if (!is_encrypted && !opt_bool_or(encrypted, false) && !ec2_ebs_encrypts(call))
        return 0;
    *ret = key.n ? key : ec2_ebs_key(call);
    return why ? api_fault(call, &EC2_ERR(Unsupported), "%s", why) : 0;
}

int
ec2_snapshot_copy(struct api_call *call, const struct ec2_snapshot_row *from, struct str key,
                  struct str description, const struct str_list *tags, struct ec2_snapshot_row *ret)
{
    bool may = true;
    int r = 0;

    assert(from->size_gib > 0 && (!from->content.n || str_is(from->state, "completed")));
    *ret = *from;
    ret->id = api_id(call, "snap");
    ret->account = call->account;
    ret->region = call->region;
    ret->volume_id = S(EC2_VOLUME_OF_COPIES);
    ret->description = description;
    ret->state = S("pending");
    ret->started_ms = call->now_ms;
    ret->completed_ms = ret->reboot_generation = 0;
    ret->message = ret->instance_id = ret->kms_key_id = ret->data_key = ret->data_key_of = S("");
    ret->is_public = false;
    ret->accounts = (struct str_list){0};
    ret->tags = *tags;
    if (!ret->content.n)
        ret->content = ret->id; /* of an image that came with the cloud */
    ret->encrypted = key.n > 0;
    if (from->encrypted)
        r = ec2_snapshot_unseal(call, from, &may);
    if (r == 0 && may && ret->encrypted)
        r = ec2_snapshot_seal(call, key, ret, &may);
    if (r)
        return r;
    /* KMS refuses after the call was answered, as on AWS. */
    if (!may) {
        ret->state = S("error");
        ret->message = S("Given key ID is not accessible");
        ret->kms_key_id = ret->data_key = ret->data_key_of = S("");
        ret->encrypted = false;
    }
    assert(ec2_snapshot_ok(ret));
    return ec2_unwritten(ec2_snapshot_insert(call->txn, ret), ret->id);
}

static int
copy_refuse(struct api_call *call, const struct ec2_CopySnapshotRequest *req)
{
    const char *what = req->destination_outpost_arn.p         ? "DestinationOutpostArn"
                       : req->completion_duration_minutes.set ? "CompletionDurationMinutes"
                       : req->destination_availability_zone.p ? "DestinationAvailabilityZone"
                                                              : NULL;

    if (what)
        return ec2_unsupported_parameter(call, what);
    if (req->destination_region.n && !str_eq(req->destination_region, call->region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter destinationRegion is invalid. The call was "
                         "made in %.*s.",
                         STR_ARG(req->destination_region), STR_ARG(call->region));
    return ec2_source_region_check(call, req->source_region);
}

int
ec2_source_region_check(struct api_call *call, struct str region)
{
    if (ec2_region_find(region))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter sourceRegion is invalid.", STR_ARG(region));
}

/*
 * PresignedUrl is how the other region learns on AWS who asks for an encrypted snapshot; here it is
 * the same cloud that asks, as the caller, and the URL says nothing that is not in the call.
 */
int
ec2_copy_snapshot(struct api_call *call, const struct ec2_CopySnapshotRequest *req,
                  struct ec2_CopySnapshotResult *res)
{
    const struct ec2_snapshot_row *from = NULL;
    struct api_call there = *call;
    struct ec2_snapshot_row row;
    struct str_list tags = {0};
    struct str key = S("");
    int r = copy_refuse(call, req);

    there.region = req->source_region;
    if (r == 0)
        r = ec2_snapshot_usable(&there, req->source_snapshot_id, &from);
    if (r > 0 && !call->fault.code.n)
        call->fault = there.fault;
    if (r == 0)
        r = description_check(call, req->description);
    if (r == 0)
        r = ec2_tags_made(call, &req->tag_specifications, "snapshot", &tags);
    if (r == 0)
        r = ec2_copy_key(call, from->encrypted, req->encrypted, req->kms_key_id, &key);
    if (r == 0)
        r = ec2_snapshot_copy(call, from, key, req->description, &tags, &row);
    if (r)
        return r;
    res->snapshot_id = row.id;
    res->tags = ec2_tags_show(call->arena, &tags);
    return 0;
}
