/*
 * Launch configurations: what a group's instances are launched with.  One never changes; a group
 * gets another one instead.
 */
#include "autoscaling/autoscaling.h"

#include "gen/store/iam_rows.h"

enum { DEVICES_MAX = 100 };

/* The texts of a device in the row, in this order; an absent one is empty. */
enum { DEVICE, VIRTUAL, NO_DEVICE, SNAPSHOT, SIZE, TYPE, DELETE, IOPS, ENCRYPTED, THROUGHPUT, N };

const struct asg_launch_config_row *
asg_launch_config_look(struct api_call *call, struct str name)
{
    const struct asg_launch_config_row *row =
        asg_launch_config_by_name_get(call->txn, call->account, call->region, name);

    if (!row && str_starts(name, S("arn:"))) {
        row = asg_launch_config_get(call->txn, name);
        if (row && (!str_eq(row->account, call->account) || !str_eq(row->region, call->region)))
            row = NULL;
    }
    assert(!row || row->devices.n % N == 0);
    return row;
}

/* ---- CreateLaunchConfiguration ---- */

static int
members_check(struct api_call *call, const struct autoscaling_CreateLaunchConfigurationType *req)
{
    const struct asg_refusal refusals[] = {
        {req->instance_id.p, "InstanceId"},
        {req->classic_link_vpc_id.n, "ClassicLinkVPCId"},
        {req->classic_link_vpc_security_groups.n, "ClassicLinkVPCSecurityGroups"},
        {req->kernel_id.n, "KernelId"},
        {req->ramdisk_id.n, "RamdiskId"},
        {req->spot_price.n, "SpotPrice"},
    };
    struct str bytes;
    int r = asg_refuse_first(call, refusals, ARRAY_LEN(refusals));

    if (r)
        return r;
    if (!req->image_id.n || !req->instance_type.n)
        return ASG_INVALID(call, "Valid requests must contain either the InstanceID parameter or "
                                 "both the ImageId and InstanceType parameters.");
    if (req->user_data.n && !str_unbase64(call->arena, req->user_data, &bytes))
        return ASG_INVALID(call, "User data must be base64 encoded.");
    if (req->placement_tenancy.n && !str_is(req->placement_tenancy, "default") &&
        !str_is(req->placement_tenancy, "dedicated"))
        return ASG_INVALID(call, "Invalid placement tenancy: %.*s",
                           STR_ARG(req->placement_tenancy));
    if (req->block_device_mappings.n > DEVICES_MAX)
        return ASG_INVALID(call, "A launch configuration has at most %d block device mappings",
                           DEVICES_MAX);
    return 0;
}

/* Who names a profile passes its role to EC2. */
static int
profile_check(struct api_call *call, struct str profile)
{
    struct str name = profile;
    struct str prefix =
        str_fmt(call->arena, "arn:aws:iam::%.*s:instance-profile/", STR_ARG(call->account));

    if (!profile.n)
        return 0;
    if (str_starts(profile, prefix)) {
        struct str rest = str_cut(profile, prefix.n, profile.n);

        while (rest.p)
            name = str_split(&rest, '/');
    }
    const struct iam_profile_row *row =
        iam_profile_by_name_get(call->txn, call->account, str_lower(call->arena, name));

    if (!row)
        return ASG_INVALID(call, "Invalid IamInstanceProfile: %.*s", STR_ARG(profile));
    const struct iam_role_row *role = row->role_id.n ? iam_role_get(call->txn, row->role_id) : NULL;

    if (!role)
        return 0;
    struct str arn = str_fmt(call->arena, "arn:aws:iam::%.*s:role%.*s%.*s", STR_ARG(role->account),
                             STR_ARG(role->path), STR_ARG(role->name));

    return api_authorize_pass_role(call, arn, "ec2.amazonaws.com");
}

static struct str
number_text(struct arena *a, struct opt_i64 n)
{
    return n.set ? str_fmt(a, "%lld", (long long)n.v) : S("");
}

static struct str
bool_text(struct opt_bool b)
{
    return !b.set ? S("") : b.v ? S("true") : S("false");
}

static struct str_list
devices_keep(struct arena *a, const struct autoscaling_BlockDeviceMappingList *list)
{
    struct str_list kept = {0};

    LIST_EACH(list, d) {
        const struct autoscaling_Ebs none = {0}, *ebs = d->ebs ? d->ebs : &none;
        const struct str texts[N] = {
            [DEVICE] = d->device_name,
            [VIRTUAL] = d->virtual_name,
            [NO_DEVICE] = bool_text(d->no_device),
            [SNAPSHOT] = ebs->snapshot_id,
            [SIZE] = number_text(a, ebs->volume_size),
            [TYPE] = ebs->volume_type,
            [DELETE] = bool_text(ebs->delete_on_termination),
            [IOPS] = number_text(a, ebs->iops),
            [ENCRYPTED] = bool_text(ebs->encrypted),
            [THROUGHPUT] = number_text(a, ebs->throughput),
        };

        for (size_t i = 0; i < N; i++)
            *LIST_PUSH(a, &kept) = texts[i].p ? texts[i] : S("");
    }
    assert(kept.n == list->n * N);
    return kept;
}

static struct asg_launch_config_row
row_of(struct api_call *call, const struct autoscaling_CreateLaunchConfigurationType *req)
{
    const struct autoscaling_InstanceMetadataOptions none = {0}, *imds = req->metadata_options;
    struct asg_launch_config_row row = {
        .account = call->account,
        .region = call->region,
        .name = req->launch_configuration_name,
        .created_ms = call->now_ms,
        .image_id = req->image_id,
        .type = req->instance_type,
        .key_name = req->key_name,
        .groups = req->security_groups,
        .user_data = req->user_data,
        .profile = req->iam_instance_profile,
        .monitoring =
            !req->instance_monitoring || opt_bool_or(req->instance_monitoring->enabled, true),
        .ebs_optimized = opt_bool_or(req->ebs_optimized, false),
        .public_ip = bool_text(req->associate_public_ip_address),
        .tenancy = req->placement_tenancy,
        .metadata = imds != NULL,
        .devices = devices_keep(call->arena, &req->block_device_mappings),
    };

    if (!imds)
        imds = &none;
    row.imds_tokens = imds->http_tokens;
    row.imds_endpoint = imds->http_endpoint;
    row.imds_hop_limit = opt_i64_or(imds->http_put_response_hop_limit, 0);
    row.id = str_fmt(call->arena,
                     "arn:aws:autoscaling:%.*s:%.*s:launchConfiguration:%.*s:"
                     "launchConfigurationName/%.*s",
                     STR_ARG(call->region), STR_ARG(call->account),
                     STR_ARG(api_uuid(call->env, call->arena)), STR_ARG(row.name));
    assert(row.image_id.n > 0 && row.type.n > 0);
    return row;
}

static size_t
count(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, asg_launch_config_by_name, row, call->account, call->region)
        n += row->name.n > 0;
    return n;
}

int
asg_create_launch_configuration(struct api_call *call,
                                const struct autoscaling_CreateLaunchConfigurationType *req,
                                struct autoscaling_CreateLaunchConfigurationResult *res UNUSED)
{
    int r = members_check(call, req);

    if (r)
        return r;
    if (asg_launch_config_look(call, req->launch_configuration_name))
        return api_fault(call, &ASG_ERR(AlreadyExists),
                         "Launch Configuration by this name already exists - A launch "
                         "configuration already exists with the name %.*s",
                         STR_ARG(req->launch_configuration_name));
    if (count(call) >= ASG_CONFIGS_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d launch configurations are allowed for this account.",
                         ASG_CONFIGS_MAX);
    r = profile_check(call, req->iam_instance_profile);
    if (r)
        return r;
    const struct asg_launch_config_row row = row_of(call, req);

    return asg_written(asg_launch_config_insert(call->txn, &row), "configuration", row.name);
}

/* ---- DeleteLaunchConfiguration ---- */

int
asg_delete_launch_configuration(struct api_call *call,
                                const struct autoscaling_LaunchConfigurationNameType *req,
                                struct autoscaling_DeleteLaunchConfigurationResult *res UNUSED)
{
    const struct asg_launch_config_row *row =
        asg_launch_config_look(call, req->launch_configuration_name);

    if (!row)
        return ASG_INVALID(call,
                           "Launch configuration name not found - Launch configuration %.*s not "
                           "found",
                           STR_ARG(req->launch_configuration_name));
    STORE_EACH(call->txn, asg_group_by_name, group, call->account, call->region)
        if (str_eq(group->launch_config, row->name))
            return api_fault(call, &ASG_ERR(ResourceInUse),
                             "Cannot delete launch configuration %.*s because it is attached to "
                             "AutoScalingGroup %.*s",
                             STR_ARG(row->name), STR_ARG(group->name));
    return asg_written(asg_launch_config_delete(call->txn, row->id), "configuration", row->name);
}

/* ---- DescribeLaunchConfigurations ---- */

static struct opt_i64
number_of(struct str text)
{
    struct opt_i64 n = {0};

    n.set = text.n && str_to_i64(text, &n.v);
    assert(n.set == (text.n > 0));
    return n;
}

static struct opt_bool
bool_of(struct str text)
{
    return (struct opt_bool){str_is(text, "true"), text.n > 0};
}

static struct str
if_any(struct str s)
{
    return s.n ? s : STR_NONE;
}

/* Whether the device has a volume. */
static bool
has_ebs(const struct str *d)
{
    for (size_t i = SNAPSHOT; i < N; i++)
        if (d[i].n)
            return true;
    return false;
}

static struct autoscaling_BlockDeviceMapping
device_show(struct api_call *call, const struct str *d)
{
    struct autoscaling_BlockDeviceMapping out = {
        .device_name = d[DEVICE],
        .virtual_name = if_any(d[VIRTUAL]),
        .no_device = bool_of(d[NO_DEVICE]),
    };

    if (!has_ebs(d))
        return out;
    out.ebs = ARENA_NEW(call->arena, struct autoscaling_Ebs);
    *out.ebs = (struct autoscaling_Ebs){
        .snapshot_id = if_any(d[SNAPSHOT]),
        .volume_size = number_of(d[SIZE]),
        .volume_type = if_any(d[TYPE]),
        .delete_on_termination = bool_of(d[DELETE]),
        .iops = number_of(d[IOPS]),
        .encrypted = bool_of(d[ENCRYPTED]),
        .throughput = number_of(d[THROUGHPUT]),
    };
    return out;
}

/* Members that have no value are empty elements on AWS, not absent ones. */
static struct autoscaling_LaunchConfiguration
show(struct api_call *call, const struct asg_launch_config_row *row)
{
    struct autoscaling_LaunchConfiguration out = {
        .launch_configuration_name = row->name,
        .launch_configuration_arn = row->id,
        .image_id = row->image_id,
        .key_name = row->key_name.n ? row->key_name : S(""),
        .security_groups = row->groups,
        .user_data = row->user_data.n ? row->user_data : S(""),
        .instance_type = row->type,
        .kernel_id = S(""),
        .ramdisk_id = S(""),
        .iam_instance_profile = if_any(row->profile),
        .created_time = opt_i64(row->created_ms),
        .ebs_optimized = opt_bool(row->ebs_optimized),
        .associate_public_ip_address = bool_of(row->public_ip),
        .placement_tenancy = if_any(row->tenancy),
        .instance_monitoring = ARENA_NEW(call->arena, struct autoscaling_InstanceMonitoring),
    };

    out.instance_monitoring->enabled = opt_bool(row->monitoring);
    API_PRESENT(&out.security_groups);
    API_PRESENT(&out.classic_link_vpc_security_groups);
    API_PRESENT(&out.block_device_mappings);
    for (size_t i = 0; i < row->devices.n; i += N)
        *LIST_PUSH(call->arena, &out.block_device_mappings) = device_show(call, row->devices.v + i);
    if (row->metadata) {
        out.metadata_options = ARENA_NEW(call->arena, struct autoscaling_InstanceMetadataOptions);
        *out.metadata_options = (struct autoscaling_InstanceMetadataOptions){
            .http_tokens = if_any(row->imds_tokens),
            .http_endpoint = if_any(row->imds_endpoint),
            .http_put_response_hop_limit = {row->imds_hop_limit, row->imds_hop_limit != 0},
        };
    }
    return out;
}

int
asg_describe_launch_configurations(struct api_call *call,
                                   const struct autoscaling_LaunchConfigurationNamesType *req,
                                   struct autoscaling_LaunchConfigurationsType *res)
{
    struct api_page page;
    int r = asg_page_open(call, req->next_token, req->max_records, 50, &page);

    if (r)
        return r;
    API_PRESENT(&res->launch_configurations);
    STORE_EACH(call->txn, asg_launch_config_by_name, row, call->account, call->region) {
        if (req->launch_configuration_names.n &&
            !str_in(&req->launch_configuration_names, row->name))
            continue;
        if (api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->launch_configurations) = show(call, row);
        if (page.more)
            break;
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}

/* ---- launching ---- */

static void
device_request(struct api_call *call, const struct str *d, struct ec2_BlockDeviceMapping *out)
{
    *out = (struct ec2_BlockDeviceMapping){
        .device_name = d[DEVICE],
        .virtual_name = if_any(d[VIRTUAL]),
        .no_device = str_is(d[NO_DEVICE], "true") ? S("") : STR_NONE,
    };
    if (!has_ebs(d))
        return;
    out->ebs = ARENA_NEW(call->arena, struct ec2_EbsBlockDevice);
    *out->ebs = (struct ec2_EbsBlockDevice){
        .snapshot_id = if_any(d[SNAPSHOT]),
        .volume_size = number_of(d[SIZE]),
        .volume_type = if_any(d[TYPE]),
        .delete_on_termination = bool_of(d[DELETE]),
        .iops = number_of(d[IOPS]),
        .encrypted = bool_of(d[ENCRYPTED]),
        .throughput = number_of(d[THROUGHPUT]),
    };
}

void
asg_launch_config_request(struct api_call *call, const struct asg_launch_config_row *row,
                          struct ec2_RunInstancesRequest *req)
{
    struct arena *a = call->arena;

    assert(row->devices.n % N == 0);
    req->image_id = row->image_id;
    req->instance_type = row->type;
    req->key_name = if_any(row->key_name);
    req->user_data = if_any(row->user_data);
    req->ebs_optimized = (struct opt_bool){true, row->ebs_optimized};
    req->monitoring = ARENA_NEW(a, struct ec2_RunInstancesMonitoringEnabled);
    req->monitoring->enabled = opt_bool(row->monitoring);
    for (size_t i = 0; i < row->devices.n; i += N)
        device_request(call, row->devices.v + i, LIST_PUSH(a, &req->block_device_mappings));
    if (row->profile.n) {
        req->iam_instance_profile = ARENA_NEW(a, struct ec2_IamInstanceProfileSpecification);
        if (str_starts(row->profile, S("arn:")))
            req->iam_instance_profile->arn = row->profile;
        else
            req->iam_instance_profile->name = row->profile;
    }
    if (row->metadata) {
        req->metadata_options = ARENA_NEW(a, struct ec2_InstanceMetadataOptionsRequest);
        *req->metadata_options = (struct ec2_InstanceMetadataOptionsRequest){
            .http_tokens = if_any(row->imds_tokens),
            .http_endpoint = if_any(row->imds_endpoint),
            .http_put_response_hop_limit = {row->imds_hop_limit, row->imds_hop_limit != 0},
        };
    }
    if (row->public_ip.n) {
        struct ec2_InstanceNetworkInterfaceSpecification *nic =
            LIST_PUSH(a, &req->network_interfaces);

        nic->device_index = opt_i64(0);
        nic->groups = row->groups;
        nic->associate_public_ip_address = bool_of(row->public_ip);
        nic->delete_on_termination = opt_bool(true);
        return;
    }
    LIST_EACH(&row->groups, group)
        *LIST_PUSH(a, str_starts(*group, S("sg-")) ? &req->security_group_ids
                                                   : &req->security_groups) = *group;
}
