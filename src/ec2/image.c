/*
 * Images: what RunInstances boots from.
 *
 * An image names a root file system: a folder of the daemon's (image_seed.c), and above it the
 * layers of snapshots that were made of instances (image_make.c).  Images that users register take
 * those of a snapshot that they can see.
 */
#include "base/timefmt.h"
#include "codec/aws_names.h"
#include "ec2/volume.h"
#include "ec2/row_ok.h"

enum {
    IMAGE_NAME_MIN = 3,
    IMAGE_NAME_MAX = 128,
    IMAGE_DESCRIPTION_MAX = 255,
    IMAGE_PAGE_MAX = 1000,
};

/* ---- who sees and who owns ---- */

bool
ec2_image_visible(const struct api_call *call, const struct ec2_image_row *row)
{
    bool here = row->region.n == 0 || str_eq(row->region, call->region);

    return here && (str_eq(row->account, call->account) || row->is_public ||
                    str_in(&row->launch_accounts, call->account));
}

static int
not_found(struct api_call *call, const struct str_list *ids)
{
    struct str all = str_join(call->arena, ids, S(", "));

    return api_fault(call, &EC2_ERR(InvalidAMIID_NotFound),
                     ids->n > 1 ? "The image ids '[%.*s]' do not exist"
                                : "The image id '[%.*s]' does not exist",
                     STR_ARG(all));
}

int
ec2_image_see(struct api_call *call, struct str id, const struct ec2_image_row **ret)
{
    int r = ec2_id_check(call, id, "ami", &EC2_ERR(InvalidAMIID_Malformed));

    if (r)
        return r;
    const struct ec2_image_row *row = ec2_image_get(call->txn, id);

    if (!row || !ec2_image_visible(call, row))
        return not_found(call, &(struct str_list){&id, 1});
    assert(ec2_image_ok(row));
    *ret = row;
    return 0;
}

int
ec2_image_find(struct api_call *call, struct str id, const struct ec2_image_row **ret)
{
    const struct ec2_image_row *row;
    int r = ec2_image_see(call, id, &row);

    if (r)
        return r;
    if (!str_is(row->state, "available") || row->rootfs.n == 0)
        return api_fault(call, &EC2_ERR(InvalidAMIID_Unavailable),
                         "The image id '[%.*s]' is not available: "
                         "no root file system is installed for it",
                         STR_ARG(id));
    *ret = row;
    return 0;
}

int
ec2_image_own(struct api_call *call, struct str id, const struct ec2_image_row **ret)
{
    int r = ec2_image_see(call, id, ret);

    if (r == 0 && !str_eq((*ret)->account, call->account))
        return api_fault(call, &EC2_ERR(AuthFailure), "Not authorized for image:%.*s", STR_ARG(id));
    return r;
}

/* ---- showing ---- */

struct ec2_EbsBlockDevice
ec2_image_root(struct arena *arena, const struct ec2_image_row *row)
{
    struct ec2_EbsBlockDevice ebs = ec2_device_of(arena, row->block_devices).ebs;

    ebs.snapshot_id = row->snapshot_id;
    ebs.volume_size = opt_i64(row->volume_size_gib);
    ebs.encrypted = opt_bool(row->encrypted);
    return ebs;
}

/* What the root's own columns say is not said again. */
static struct str
root_json(struct arena *arena, const struct ec2_EbsBlockDevice *ebs)
{
    const struct ec2_device device = {.ebs = {.delete_on_termination = ebs->delete_on_termination,
                                              .volume_type = ebs->volume_type,
                                              .iops = ebs->iops,
                                              .throughput = ebs->throughput}};

    return ec2_device_json(arena, &device);
}

static void
show_device(struct api_call *call, struct ec2_Image *image, struct str name,
            struct ec2_EbsBlockDevice ebs)
{
    struct ec2_EbsBlockDevice *shown = ARENA_NEW(call->arena, struct ec2_EbsBlockDevice);

    assert(name.n > 0 && ebs.volume_size.set);
    *shown = ebs;
    *LIST_PUSH(call->arena, &image->block_device_mappings) =
        (struct ec2_BlockDeviceMapping){.device_name = name, .ebs = shown};
}

static struct ec2_Image
image_show(struct api_call *call, const struct ec2_image_row *row)
{
    struct str owner = row->owner_alias.n ? row->owner_alias : row->account;
    struct ec2_Image image = {
        .image_id = row->id,
        .image_location = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(owner), STR_ARG(row->name)),
        .image_owner_alias = ec2_text_show(row->owner_alias),
        .owner_id = row->account,
        .name = row->name,
        .description = ec2_text_show(row->description),
        .creation_date = time_iso(call->arena, row->created_ms),
        .state = row->state,
        .public = opt_bool(row->is_public),
        .architecture = row->architecture,
        .image_type = S("machine"),
        .hypervisor = S("xen"),
        .virtualization_type = S("hvm"),
        .platform = ec2_text_show(row->platform),
        .platform_details = row->platform.n ? S("Windows") : S("Linux/UNIX"),
        .usage_operation = row->platform.n ? S("RunInstances:0002") : S("RunInstances"),
        .root_device_type = S("ebs"),
        .root_device_name = row->root_device_name,
        .boot_mode = ec2_text_show(row->boot_mode),
        .imds_support = ec2_text_show(row->imds_support),
        .ena_support = ec2_set_show(row->ena_support),
        .sriov_net_support = ec2_text_show(row->sriov_net_support),
        .source_instance_id = ec2_text_show(row->source_instance_id),
        .source_image_id = ec2_text_show(row->source_image_id),
        .source_image_region = ec2_text_show(row->source_region),
        .deregistration_protection = S("disabled"),
        .tags = ec2_tags_show(call->arena, &row->tags),
    };

    assert(row->block_devices.n > 0);
    show_device(call, &image, row->root_device_name, ec2_image_root(call->arena, row));
    LIST_EACH(&row->more_devices, text) {
        struct ec2_device device = ec2_device_of(call->arena, *text);

        show_device(call, &image, device.name, device.ebs);
    }
    if (row->deprecation_ms)
        image.deprecation_time = time_iso(call->arena, row->deprecation_ms);
    if (row->last_launched_ms && str_eq(row->account, call->account))
        image.last_launched_time = time_iso_s(call->arena, row->last_launched_ms);
    return image;
}

/* ---- RegisterImage ---- */

int
ec2_image_name_check(struct api_call *call, struct str name, struct str description)
{
    bool ok = name.n >= IMAGE_NAME_MIN && name.n <= IMAGE_NAME_MAX;

    for (size_t i = 0; i < name.n; i++)
        ok = ok &&
             ((name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'z') ||
              (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
              (name.p[i] && strchr("()[] ./-'@_", name.p[i])));
    if (!ok)
        return api_fault(call, &EC2_ERR(InvalidAMIName_Malformed),
                         "AMI names must be between 3 and 128 characters long, and may contain "
                         "letters, numbers, '(', ')', '.', '-', '/' and '_'");
    if (description.n > IMAGE_DESCRIPTION_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Image description exceeds maximum length of %d characters",
                         IMAGE_DESCRIPTION_MAX);
    const struct ec2_image_row *row =
        ec2_image_by_name_get(call->txn, call->account, call->region, name);

    if (row)
        return api_fault(call, &EC2_ERR(InvalidAMIName_Duplicate),
                         "AMI name %.*s is already in use by AMI %.*s", STR_ARG(name),
                         STR_ARG(row->id));
    return 0;
}

/* Every parameter that would change what is booted, and that we cannot carry out. */
static int
register_refuse(struct api_call *call, const struct ec2_RegisterImageRequest *req)
{
    if (req->image_location.p)
        return ec2_unsupported(call, "ImageLocation (an instance store-backed AMI)");
    if (req->billing_products.n)
        return ec2_unsupported(call, "BillingProduct");
    if (req->tpm_support.p)
        return ec2_unsupported(call, "TpmSupport");
    if (req->uefi_data.p)
        return ec2_unsupported(call, "UefiData");
    if (req->kernel_id.p)
        return ec2_unsupported(call, "KernelId");
    if (req->ramdisk_id.p)
        return ec2_unsupported(call, "RamdiskId");
    if (req->virtualization_type.p && !str_is(req->virtualization_type, "hvm"))
        return ec2_unsupported(call, "A VirtualizationType other than hvm");
    return 0;
}

static int
value_check(struct api_call *call, struct str value, const char *name, const char *allowed)
{
    struct str rest = str_from(allowed);

    if (!value.p)
        return 0;
    while (rest.p)
        if (str_eq(str_split(&rest, ','), value))
            return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter %s is invalid. Valid values: %s", STR_ARG(value),
                     name, allowed);
}

/*
 * What the snapshot is the root of, as an image would say it: a snapshot of a root, or that of an
 * image which came with the cloud.
 */
static int
snapshot_find(struct api_call *call, struct str id, struct ec2_image_row *ret)
{
    const struct ec2_snapshot_row *snapshot;

    STORE_EACH(call->txn, ec2_image_by_key, row) {
        if (str_eq(row->snapshot_id, id) && ec2_image_visible(call, row) &&
            !ec2_snapshot_get(call->txn, id)) {
            assert(ec2_image_ok(row));
            *ret = *row;
            return 0;
        }
    }
    int r = ec2_snapshot_usable(call, id, &snapshot);

    if (r)
        return r;
    if (!snapshot->rootfs.n)
        return ec2_unsupported(call, "An image whose root is a snapshot of a data volume");
    *ret = (struct ec2_image_row){.snapshot_id = snapshot->id,
                                  .volume_size_gib = snapshot->size_gib,
                                  .rootfs = snapshot->rootfs,
                                  .init = snapshot->init,
                                  .architecture = snapshot->architecture,
                                  .encrypted = snapshot->encrypted,
                                  .kms_key_id = snapshot->kms_key_id};
    return 0;
}

/* The mapping of the root; one of another device is refused. */
static int
register_root(struct api_call *call, const struct ec2_RegisterImageRequest *req,
              const struct ec2_EbsBlockDevice **ret)
{
    const struct ec2_EbsBlockDevice *root = NULL;

    LIST_EACH(&req->block_device_mappings, m) {
        if (!str_eq(m->device_name, req->root_device_name))
            return ec2_unsupported(call, "A block device other than the root");
        if (m->virtual_name.p || m->no_device.p)
            return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                             "The root device must be an EBS volume");
        root = m->ebs;
    }
    if (!req->root_device_name.p || !root || !root->snapshot_id.p)
        return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                         "No root snapshot specified in device mapping.");
    if (root->kms_key_id.p || root->outpost_arn.p || root->availability_zone.p ||
        root->availability_zone_id.p || root->volume_initialization_rate.set ||
        root->ebs_card_index.set)
        return ec2_unsupported(call, "KmsKeyId, OutpostArn, AvailabilityZone, AvailabilityZoneId, "
                                     "VolumeInitializationRate or EbsCardIndex of a block device");
    if (root->encrypted.set)
        return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                         "The parameter encrypted cannot be specified with a snapshot id");
    *ret = root;
    return 0;
}

/* Takes over what the mapping says and fills in what it leaves out. */
static int
register_volume(struct api_call *call, const struct ec2_EbsBlockDevice *want,
                const struct ec2_image_row *source, struct ec2_image_row *row)
{
    struct ec2_EbsBlockDevice ebs = *want;
    int64_t gib = opt_i64_or(want->volume_size, source->volume_size_gib);

    assert(source->snapshot_id.n > 0);
    if (gib < source->volume_size_gib)
        return api_fault(call, &EC2_ERR(InvalidBlockDeviceMapping),
                         "Volume of size %lldGB is smaller than snapshot '%.*s', expect size >= "
                         "%lldGB",
                         (long long)gib, STR_ARG(source->snapshot_id),
                         (long long)source->volume_size_gib);
    if (!ebs.volume_type.p)
        ebs.volume_type = S("gp2");
    int r = ec2_volume_check(call, ebs.volume_type, gib, ebs.iops, ebs.throughput);

    if (r)
        return r;
    row->volume_size_gib = gib;
    row->block_devices = root_json(call->arena, &ebs);
    return 0;
}

int
ec2_register_image(struct api_call *call, const struct ec2_RegisterImageRequest *req,
                   struct ec2_RegisterImageResult *res)
{
    static const char *const types[] = {"image"};
    const struct ec2_EbsBlockDevice *root = NULL;
    struct ec2_image_row row = {0}, source = {0};
    int r = ec2_image_name_check(call, req->name, req->description);

    if (r == 0)
        r = register_refuse(call, req);
    if (r == 0)
        r = value_check(call, req->boot_mode, "bootMode", "legacy-bios,uefi,uefi-preferred");
    if (r == 0)
        r = value_check(call, req->imds_support, "imdsSupport", "v2.0");
    if (r == 0)
        r = value_check(call, req->sriov_net_support, "sriovNetSupport", "simple");
    if (r == 0)
        r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));
    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &row.tags);
    if (r == 0)
        r = register_root(call, req, &root);
    if (r == 0)
        r = snapshot_find(call, root->snapshot_id, &source);
    if (r == 0)
        r = register_volume(call, root, &source, &row);
    if (r)
        return r;
    if (req->architecture.p && !str_eq(req->architecture, source.architecture))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The snapshot '%.*s' is of the architecture %.*s",
                         STR_ARG(source.snapshot_id), STR_ARG(source.architecture));

    row.id = api_id(call, "ami");
    row.account = call->account;
    row.region = call->region;
    row.name = req->name;
    row.description = req->description;
    row.rootfs = source.rootfs;
    row.init = source.init;
    row.architecture = source.architecture;
    row.root_device_name = req->root_device_name;
    row.state = S("available");
    row.created_ms = call->now_ms;
    row.imds_support = req->imds_support;
    row.boot_mode = req->boot_mode;
    row.ena_support = opt_bool_or(req->ena_support, false);
    row.sriov_net_support = req->sriov_net_support;
    row.snapshot_id = source.snapshot_id;
    row.encrypted = source.encrypted;
    row.kms_key_id = source.kms_key_id;
    assert(ec2_image_ok(&row));
    r = ec2_image_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "image %.*s cannot be written", STR_ARG(row.id));
    res->image_id = row.id;
    return 0;
}

/* The snapshots of an image that is gone; those of other images, and another's, stay. */
static int
snapshots_drop(struct api_call *call, const struct str_list *ids,
               struct ec2_DeleteSnapshotReturnCodeList *ret)
{
    LIST_EACH(ids, id) {
        struct ec2_DeleteSnapshotReturnCode *code = LIST_PUSH(call->arena, ret);
        const struct ec2_snapshot_row *row;
        int r = ec2_snapshot_own(call, *id, &row);

        *code =
            (struct ec2_DeleteSnapshotReturnCode){*id, r ? S("missing-permissions") : S("success")};
        if (r == 0) {
            r = ec2_snapshot_drop(call, row);
            code->return_code = r > 0 ? S("skipped") : code->return_code;
        }
        if (r < 0)
            return r;
        call->fault = (struct api_fault){0};
    }
    return 0;
}

int
ec2_deregister_image(struct api_call *call, const struct ec2_DeregisterImageRequest *req,
                     struct ec2_DeregisterImageResult *res)
{
    const struct ec2_image_row *row;
    struct str_list ids = {0};
    int r = ec2_image_own(call, req->image_id, &row);

    if (r)
        return r;
    *LIST_PUSH(call->arena, &ids) = row->snapshot_id;
    LIST_EACH(&row->more_devices, text)
        *LIST_PUSH(call->arena, &ids) = ec2_device_of(call->arena, *text).ebs.snapshot_id;
    r = ec2_unwritten(ec2_image_delete(call->txn, row->id), req->image_id);
    if (r == 0 && opt_bool_or(req->delete_associated_snapshots, false))
        r = snapshots_drop(call, &ids, &res->delete_snapshot_results);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    return 0;
}

/* ---- DescribeImages ---- */

static const struct api_filter image_filters[] = {
    {"architecture", "Architecture"},
    {"block-device-mapping.delete-on-termination", "BlockDeviceMappings.Ebs.DeleteOnTermination"},
    {"block-device-mapping.device-name", "BlockDeviceMappings.DeviceName"},
    {"block-device-mapping.encrypted", "BlockDeviceMappings.Ebs.Encrypted"},
    {"block-device-mapping.snapshot-id", "BlockDeviceMappings.Ebs.SnapshotId"},
    {"block-device-mapping.volume-size", "BlockDeviceMappings.Ebs.VolumeSize"},
    {"block-device-mapping.volume-type", "BlockDeviceMappings.Ebs.VolumeType"},
    {"creation-date", "CreationDate"},
    {"description", "Description"},
    {"ena-support", "EnaSupport"},
    {"free-tier-eligible", "FreeTierEligible"},
    {"hypervisor", "Hypervisor"},
    {"image-allowed", "ImageAllowed"},
    {"image-id", "ImageId"},
    {"image-type", "ImageType"},
    {"is-public", "Public"},
    {"kernel-id", "KernelId"},
    {"manifest-location", "ImageLocation"},
    {"name", "Name"},
    {"owner-alias", "ImageOwnerAlias"},
    {"owner-id", "OwnerId"},
    {"platform", "Platform"},
    {"product-code", "ProductCodes.ProductCodeId"},
    {"product-code.type", "ProductCodes.ProductCodeType"},
    {"ramdisk-id", "RamdiskId"},
    {"root-device-name", "RootDeviceName"},
    {"root-device-type", "RootDeviceType"},
    {"source-image-id", "SourceImageId"},
    {"source-image-region", "SourceImageRegion"},
    {"source-instance-id", "SourceInstanceId"},
    {"sriov-net-support", "SriovNetSupport"},
    {"state", "State"},
    {"state-reason-code", "StateReason.Code"},
    {"state-reason-message", "StateReason.Message"},
    {"tag", API_FILTER_TAGS},
    {"virtualization-type", "VirtualizationType"},
};
static const struct api_filter_table image_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Image, image_filters);

/* Owners and ExecutableUsers: account ids and the words that are given. */
static int
users_check(struct api_call *call, const struct str_list *users, const char *const *allowed)
{
    LIST_EACH(users, user) {
        bool ok = aws_is_account(*user);

        for (size_t i = 0; allowed[i]; i++)
            ok = ok || str_is(*user, allowed[i]);
        if (!ok)
            return api_fault(call, &EC2_ERR(InvalidUserID_Malformed), "Invalid user id: \"%.*s\"",
                             STR_ARG(*user));
    }
    return 0;
}

static bool
owner_asked(struct api_call *call, const struct str_list *owners, const struct ec2_image_row *row)
{
    LIST_EACH(owners, owner) {
        struct str want = str_is(*owner, "self") ? call->account : *owner;

        if (str_eq(want, row->account) || (row->owner_alias.n && str_eq(want, row->owner_alias)))
            return true;
    }
    return owners->n == 0;
}

/* Launch permissions that were given by name: the owner's own right is none. */
static bool
executable_asked(struct api_call *call, const struct str_list *users,
                 const struct ec2_image_row *row)
{
    LIST_EACH(users, user) {
        struct str want = str_is(*user, "self") ? call->account : *user;

        if (str_is(*user, "all") ? row->is_public : str_in(&row->launch_accounts, want))
            return true;
    }
    return users->n == 0;
}

static int
ids_check(struct api_call *call, const struct str_list *ids)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id) {
        int r = ec2_id_check(call, *id, "ami", &EC2_ERR(InvalidAMIID_Malformed));

        if (r)
            return r;
        const struct ec2_image_row *row = ec2_image_get(call->txn, *id);

        if (!row || !ec2_image_visible(call, row))
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    return missing.n ? not_found(call, &missing) : 0;
}

static bool
image_asked(struct api_call *call, const struct ec2_DescribeImagesRequest *req,
            const struct ec2_image_row *row)
{
    bool deprecated = row->deprecation_ms && row->deprecation_ms <= call->now_ms;

    if (!ec2_image_visible(call, row))
        return false;
    if (req->image_ids.n && !str_in(&req->image_ids, row->id))
        return false;
    if (deprecated && !req->image_ids.n && !str_eq(row->account, call->account) &&
        !opt_bool_or(req->include_deprecated, false))
        return false;
    return owner_asked(call, &req->owners, row) &&
           executable_asked(call, &req->executable_users, row);
}

/* IncludeDisabled shows nothing more: no image can be disabled. */
int
ec2_describe_images(struct api_call *call, const struct ec2_DescribeImagesRequest *req,
                    struct ec2_DescribeImagesResult *res)
{
    static const char *const owners[] = {"self",   "amazon", "aws-marketplace", "aws-backup-vault",
                                         "welkin", NULL};
    static const char *const executables[] = {"self", "all", NULL};
    static const struct api_page_rule rule = {.min = 1, .max = IMAGE_PAGE_MAX, .clamp = true};
    struct api_filter_set set;
    struct api_page page;
    int r = ec2_filters(call, &image_filter_table, &req->filters, &set);

    if (r == 0)
        r = users_check(call, &req->owners, owners);
    if (r == 0)
        r = users_check(call, &req->executable_users, executables);
    if (r == 0)
        r = ids_check(call, &req->image_ids);
    if (r == 0)
        r = ec2_page_open(call, &rule, req->next_token, req->max_results, false, &page);
    if (r)
        return r;
    API_PRESENT(&res->images);
    STORE_EACH(call->txn, ec2_image_by_key, row) {
        if (!image_asked(call, req, row))
            continue;
        struct ec2_Image image = image_show(call, row);

        if (!api_filter_match(&set, &image))
            continue;
        if (api_page_take(&page, row->id))
            *LIST_PUSH(call->arena, &res->images) = image;
        else if (page.more)
            break;
    }
    res->next_token = ec2_page_next(call, &page);
    return 0;
}
