/*
 * What RunInstances is asked for.
 *
 * Each member of the request ends in one of three ways: it is carried out, it says no more than
 * the default, or the call is refused with the member's name.  ec2_launch_refuse() is the list of
 * the last kind, so that a member which is not mentioned in this file is a bug.
 */
#include "api/authorize.h"
#include "ec2/capacity.h"
#include "gen/api/ssm.h"

/* ---- what is not implemented ---- */

static bool
given(struct str text)
{
    return text.n > 0;
}

/* Given and other than what an instance has anyway. */
static bool
differs(struct str text, const char *usual)
{
    return text.n > 0 && !str_is(text, usual);
}

static bool
is_true(struct opt_bool b)
{
    return b.set && b.v;
}

static bool
positive(struct opt_i64 n)
{
    return n.set && n.v != 0;
}

/* The first whose condition holds, or NULL. */
struct refusal {
    bool wanted;
    const char *member;
};

static int
refuse_first(struct api_call *call, const struct refusal *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].wanted)
            return ec2_unsupported_parameter(call, list[i].member);
    return 0;
}

static int
refuse_placement(struct api_call *call, const struct ec2_Placement *p)
{
    if (!p)
        return 0;
    const struct refusal list[] = {
        {given(p->spread_domain), "Placement.SpreadDomain"},
        {given(p->host_resource_group_arn), "Placement.HostResourceGroupArn"},
    };

    return refuse_first(call, list, ARRAY_LEN(list));
}

static int
refuse_options(struct api_call *call, const struct ec2_RunInstancesRequest *r)
{
    const struct ec2_CpuOptionsRequest *cpu = r->cpu_options;
    const struct ec2_PrivateDnsNameOptionsRequest *dns = r->private_dns_name_options;
    const struct refusal list[] = {
        {r->enclave_options && is_true(r->enclave_options->enabled), "EnclaveOptions.Enabled"},
        {r->network_performance_options &&
             differs(r->network_performance_options->bandwidth_weighting, "default"),
         "NetworkPerformanceOptions.BandwidthWeighting"},
        {cpu && differs(cpu->amd_sev_snp, "disabled"), "CpuOptions.AmdSevSnp"},
        {cpu && differs(cpu->nested_virtualization, "disabled"), "CpuOptions.NestedVirtualization"},
        {dns && is_true(dns->enable_resource_name_dns_aaaa_record),
         "PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord"},
    };

    return refuse_first(call, list, ARRAY_LEN(list));
}

int
ec2_launch_refuse(struct api_call *call, const struct ec2_RunInstancesRequest *r)
{
    const struct refusal list[] = {
        {positive(r->ipv6_address_count), "Ipv6AddressCount"},
        {r->ipv6_addresses.n > 0, "Ipv6Addresses"},
        {is_true(r->enable_primary_ipv6), "EnablePrimaryIpv6"},
        {given(r->kernel_id), "KernelId"},
        {given(r->ramdisk_id), "RamdiskId"},
        {r->elastic_gpu_specification.n > 0, "ElasticGpuSpecification"},
        {r->elastic_inference_accelerators.n > 0, "ElasticInferenceAccelerators"},
        {r->instance_market_options != NULL, "InstanceMarketOptions"},
        {r->license_specifications.n > 0, "LicenseSpecifications"},
        {r->operator && !ec2_operator_calls(call, r->operator->principal), "Operator"},
        {r->secondary_interfaces.n > 0, "SecondaryInterfaces"},
        {given(r->additional_info), "AdditionalInfo"},
    };
    int res = refuse_first(call, list, ARRAY_LEN(list));

    if (!res)
        res = refuse_placement(call, r->placement);
    if (!res)
        res = refuse_options(call, r);
    if (!res)
        res = ec2_nics_refuse(call, r);
    return res;
}

/* ---- one thing each ---- */

static int
invalid(struct api_call *call, const char *sentence)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue), "%s", sentence);
}

static int
check_counts(struct api_call *call, const struct ec2_RunInstancesRequest *req, struct ec2_launch *l)
{
    int64_t min = req->min_count.v, max = req->max_count.v;

    if (max < 1)
        return invalid(call, "Maximum instance count must be greater than zero");
    if (min < 1)
        return invalid(call, "Minimum instance count must be greater than zero");
    if (min > max)
        return invalid(call, "Minimum instance count must not be greater than maximum "
                             "instance count");
    if (min > INSTANCE_RUN_MAX)
        return api_fault(call, &EC2_ERR(InstanceLimitExceeded),
                         "You have requested more instances (%lld) than your current instance "
                         "limit of %d allows for the specified instance type. Please visit "
                         "http://aws.amazon.com/contact-us/ec2-request to request an adjustment "
                         "to this limit.",
                         (long long)min, INSTANCE_RUN_MAX);
    l->min = (unsigned)min;
    l->max = (unsigned)MIN(max, INSTANCE_RUN_MAX);
    assert(l->min >= 1 && l->min <= l->max);
    return 0;
}

int
ec2_user_data_check(struct api_call *call, struct str bytes)
{
    if (bytes.n > INSTANCE_USER_DATA_BYTES_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "User data is limited to %d bytes",
                         INSTANCE_USER_DATA_BYTES_MAX);
    return 0;
}

int
ec2_user_data_decode(struct api_call *call, struct str base64, struct str *ret)
{
    struct str bytes;

    if (!str_unbase64(call->arena, base64, &bytes))
        return api_fault(call, &EC2_ERR(InvalidUserData_Malformed),
                         "Invalid BASE64 encoding of user data.");
    int r = ec2_user_data_check(call, bytes);
    if (r == 0)
        *ret = bytes;
    return r;
}

int
ec2_type_check(struct api_call *call, struct str name, struct str architecture,
               const struct ec2_type **ret)
{
    const struct ec2_type *type = ec2_type_find(name);

    if (!type)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for InstanceType.", STR_ARG(name));
    if (!str_eq(type->architecture, architecture))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The architecture '%.*s' of the specified instance type does not match "
                         "the architecture '%.*s' of the specified AMI. Specify an instance type "
                         "and an AMI that have matching architectures, and try again. You can use "
                         "'describe-instance-types' or 'describe-images' to discover the "
                         "architecture of the instance type or AMI.",
                         STR_ARG(type->architecture), STR_ARG(architecture));
    assert(type->cores > 0 && type->threads_per_core > 0 && type->memory_mib > 0);
    *ret = type;
    return 0;
}

/*
 * "resolve:ssm:NAME[:VERSION or LABEL]": the id that a parameter holds.  The caller needs
 * ssm:GetParameters.
 */
int
ec2_image_resolve(struct api_call *call, struct str *id)
{
    static const struct api_error denied = {"UnauthorizedOperation", 403};
    struct str name = str_cut(*id, strlen("resolve:ssm:"), id->n);
    struct ssm_GetParametersRequest req = {.names = {&name, 1}};
    struct ssm_GetParametersResult res = {0};

    if (!str_starts(*id, S("resolve:ssm:")))
        return 0;
    int r = api_call_internal(call, "ssm", "GetParameters", &req, &res, "ec2.amazonaws.com");

    if (r < 0)
        return r;
    if (r > 0)
        return api_fault(call,
                         str_is(call->fault.code, "AccessDeniedException")
                             ? &denied
                             : &EC2_ERR(InvalidParameterValue),
                         "%.*s", STR_ARG(call->fault.message));
    if (res.parameters.n != 1 || !str_is(res.parameters.v[0].type, "String"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The parameter %.*s of the image id '%.*s' was not found, or is not of "
                         "type String.",
                         STR_ARG(name), STR_ARG(*id));
    *id = res.parameters.v[0].value;
    return 0;
}

static int
check_image(struct api_call *call, const struct ec2_RunInstancesRequest *req, struct ec2_launch *l)
{
    struct str type = req->instance_type.n ? req->instance_type : S("m1.small");

    if (!req->image_id.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter ImageId");
    struct str id = req->image_id;
    int r = ec2_image_resolve(call, &id);
    if (r == 0)
        r = ec2_image_find(call, id, &l->image);
    if (r == 0)
        r = ec2_type_check(call, type, l->image->architecture, &l->type);
    if (r)
        return r;
    l->model.image_id = l->image->id;
    l->model.rootfs = l->image->rootfs;
    l->model.init = l->image->init;
    l->model.architecture = l->image->architecture;
    l->model.root_device_name = l->image->root_device_name;
    l->model.boot_mode = l->image->boot_mode;
    l->model.ena_support = l->image->ena_support;
    l->model.sriov_net_support = l->image->sriov_net_support;
    l->model.type = l->type->name;
    l->model.memory_mib = l->type->memory_mib;
    l->model.nitro = str_is(l->type->hypervisor, "nitro");
    l->model.network_mbit = ec2_type_mbit(l->type);
    return 0;
}

int
ec2_zone_check(struct api_call *call, const struct ec2_Placement *p, struct str *ret)
{
    const struct ec2_region *region = ec2_region_find(call->region);

    *ret = STR_NONE;
    if (!p || (!p->availability_zone.n && !p->availability_zone_id.n))
        return 0;
    if (p->availability_zone.n && p->availability_zone_id.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameters AvailabilityZone and AvailabilityZoneId cannot be used "
                         "together");
    for (unsigned i = 0; region && i < region->n_zones; i++) {
        struct ec2_zone zone = ec2_region_zone(call->arena, region, i);

        if (str_eq(zone.name, p->availability_zone) || str_eq(zone.id, p->availability_zone_id)) {
            *ret = zone.name;
            return 0;
        }
    }
    struct str bad = p->availability_zone.n ? p->availability_zone : p->availability_zone_id;
    return api_fault(call, &EC2_ERR(InvalidParameterValue), "Invalid availability zone: [%.*s]",
                     STR_ARG(bad));
}

static int
check_placement(struct api_call *call, const struct ec2_Placement *p, struct ec2_launch *l)
{
    struct ec2_placement_wish wish = {0};

    if (p)
        wish = (struct ec2_placement_wish){.group_name = p->group_name,
                                           .group_id = p->group_id,
                                           .tenancy = p->tenancy,
                                           .host_id = p->host_id,
                                           .affinity = p->affinity,
                                           .partition = p->partition_number};
    return ec2_placement_check(call, &wish, &l->model);
}

/* ---- options ---- */

static int
check_credits(struct api_call *call, const struct ec2_CreditSpecificationRequest *want,
              struct ec2_launch *l)
{
    assert(l->type);
    if (!want) {
        l->model.cpu_credits = ec2_type_credits(call, l->type);
        return 0;
    }
    if (!str_is(want->cpu_credits, "standard") && !str_is(want->cpu_credits, "unlimited"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for CpuCredits. Valid values are: standard, "
                         "unlimited",
                         STR_ARG(want->cpu_credits));
    if (!l->type->burstable)
        return api_fault(call, &EC2_ERR(InstanceCreditSpecification_NotSupported),
                         "The %.*s instance type does not support T2 Unlimited.",
                         STR_ARG(l->type->name));
    assert(l->type->burstable);
    l->model.cpu_credits = want->cpu_credits;
    return 0;
}

static int
check_cpu(struct api_call *call, const struct ec2_CpuOptionsRequest *want, struct ec2_launch *l)
{
    int64_t cores = l->type->cores, threads = l->type->threads_per_core;

    if (want && want->core_count.set != want->threads_per_core.set)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "CoreCount and ThreadsPerCore must both be specified");
    if (want && want->core_count.set) {
        if (want->core_count.v < 1 || want->core_count.v > cores)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "The specified core count %lld is not valid for instance type %.*s",
                             (long long)want->core_count.v, STR_ARG(l->type->name));
        if (want->threads_per_core.v < 1 || want->threads_per_core.v > threads)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "The specified threads per core %lld is not valid for instance type "
                             "%.*s",
                             (long long)want->threads_per_core.v, STR_ARG(l->type->name));
        cores = want->core_count.v;
        threads = want->threads_per_core.v;
    }
    assert(cores > 0 && threads > 0);
    l->model.core_count = cores;
    l->model.threads_per_core = threads;
    l->model.vcpus = cores * threads;
    return 0;
}

static int
check_metadata(struct api_call *call, const struct ec2_InstanceMetadataOptionsRequest *want,
               struct ec2_launch *l)
{
    bool v2 = str_is(l->image->imds_support, "v2.0");
    struct ec2_metadata_want w = {0};

    assert(l->image);
    l->model.imds_tokens = v2 ? S("required") : S("optional");
    l->model.imds_hop_limit = v2 ? 2 : 1;
    l->model.imds_endpoint = S("enabled");
    l->model.imds_ipv6 = S("disabled");
    l->model.imds_tags = S("disabled");
    if (!want)
        return 0;
    w.tokens = want->http_tokens;
    w.endpoint = want->http_endpoint;
    w.ipv6 = want->http_protocol_ipv6;
    w.tags = want->instance_metadata_tags;
    w.hop_limit = want->http_put_response_hop_limit;
    return ec2_metadata_set(call, &w, &l->model);
}

static int
check_options(struct api_call *call, const struct ec2_RunInstancesRequest *req,
              struct ec2_launch *l)
{
    const struct ec2_PrivateDnsNameOptionsRequest *dns = req->private_dns_name_options;
    const struct ec2_InstanceMaintenanceOptionsRequest *care = req->maintenance_options;
    struct str shutdown = req->instance_initiated_shutdown_behavior;
    int r = check_credits(call, req->credit_specification, l);

    if (r == 0)
        r = check_cpu(call, req->cpu_options, l);
    if (r == 0)
        r = check_metadata(call, req->metadata_options, l);
    if (r == 0 && req->user_data.n)
        r = ec2_user_data_decode(call, req->user_data, &l->model.user_data);
    if (r)
        return r;
    l->model.shutdown_behavior = shutdown.n ? shutdown : S("stop");
    l->model.disable_api_termination = is_true(req->disable_api_termination);
    l->model.disable_api_stop = is_true(req->disable_api_stop);
    l->model.ebs_optimized = is_true(req->ebs_optimized);
    l->model.monitoring = req->monitoring && is_true(req->monitoring->enabled);
    l->model.source_dest_check = true;
    l->model.hostname_type = dns && dns->hostname_type.n ? dns->hostname_type : S("ip-name");
    l->model.dns_a_record = dns && is_true(dns->enable_resource_name_dns_a_record);
    l->model.auto_recovery = care && care->auto_recovery.n ? care->auto_recovery : S("default");
    return 0;
}

static int
check_tags(struct api_call *call, const struct ec2_RunInstancesRequest *req, struct ec2_launch *l)
{
    static const char *const made[] = {"instance", "network-interface", "volume"};
    const struct ec2_TagSpecificationList *specs = &req->tag_specifications;
    int r = ec2_tags_only(call, specs, made, ARRAY_LEN(made));

    if (r == 0)
        r = ec2_tags_of(call, specs, "instance", &l->model.tags);
    if (r == 0)
        r = ec2_tags_of(call, specs, "network-interface", &l->interface_tags);
    if (r == 0)
        r = ec2_tags_of(call, specs, "volume", &l->volume_tags);
    if (r || !l->template)
        return r;
    ec2_tags_add(call->arena, &l->model.tags, S("aws:ec2launchtemplate:id"), l->template->id);
    ec2_tags_add(call->arena, &l->model.tags, S("aws:ec2launchtemplate:version"),
                 str_fmt(call->arena, "%lld", (long long)l->template_version));
    return 0;
}

int
ec2_launch_check(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                 struct ec2_launch *ret)
{
    const struct ec2_key_pair_row *key;
    int r = check_counts(call, req, ret);

    if (r == 0)
        r = ec2_launch_refuse(call, req);
    if (r == 0)
        r = check_image(call, req, ret);
    if (r == 0 && req->key_name.p)
        r = ec2_key_pair_find(call, req->key_name, &key);
    if (r == 0)
        r = check_placement(call, req->placement, ret);
    if (r == 0)
        r = ec2_capacity_check(call, req->capacity_reservation_specification, &ret->model);
    if (r == 0)
        r = ec2_launch_network(call, req, ret);
    if (r == 0)
        r = check_tags(call, req, ret);
    if (r == 0)
        r = check_options(call, req, ret);
    if (r == 0)
        r = ec2_devices_wanted(call, ret->image, &req->block_device_mappings, &ret->root,
                               &ret->devices);
    ret->model.hibernation =
        req->hibernation_options && is_true(req->hibernation_options->configured);
    if (r == 0 && ret->model.hibernation)
        r = ec2_hibernation_check(call, ret);
    if (r == 0 && req->iam_instance_profile)
        r = ec2_profile_find(call, req->iam_instance_profile, S("*"), &ret->profile);
    if (r == 0)
        r = ec2_launch_fits(call, ret);
    assert(r || (ret->nics.n > 0 && ret->subnet && ret->vpc && ret->type));
    ret->model.key_name = req->key_name;
    return r;
}
