/*
 * Instance types as DescribeInstanceTypes and DescribeInstanceTypeOfferings show them.
 *
 * The catalogue holds a type in some 80 bytes and texts like "0.75/10/8"; here these become the
 * sixty fields of the answer.  A type is shown in full before filters look at it, in a scratch
 * arena, so that a call that wants one of 1,255 types costs the memory of one.
 */
#include "ec2/catalogue.h"
#include "ec2/ec2.h"

enum {
    TYPE_PAGE_MAX = 100,
    OFFERING_PAGE_MAX = 1000,
    SCRATCH_BYTES_MAX = 256 << 10,
};

/* ---- the texts of the table ---- */

static int64_t
number(struct str s)
{
    int64_t n;

    if (!str_to_i64(s, &n))
        assert(!"a number in data/instance_types.txt");
    return n;
}

static bool
absent(struct str s)
{
    return s.n == 0 || str_is(s, "-");
}

static struct opt_i64
opt_number(struct str s)
{
    return absent(s) ? (struct opt_i64){0} : opt_i64(number(s));
}

/* "0.0625", "4.9": no exponent, no sign. */
static double
decimal(struct str s)
{
    struct str whole = str_split(&s, '.');
    double v = (double)number(whole), unit = 1;

    for (size_t i = 0; i < s.n; i++) {
        unit /= 10;
        v += (s.p[i] - '0') * unit;
    }
    return v;
}

/* The next field of "1/2/3"; absent after the last. */
static struct str
field(struct str *rest)
{
    return rest->p ? str_split(rest, '/') : STR_NONE;
}

static struct str_list
words(struct arena *a, struct str s, char separator)
{
    struct str_list list = {0};

    if (s.n == 0)
        return list;
    while (s.p)
        *LIST_PUSH(a, &list) = str_split(&s, separator);
    return list;
}

/* "1-4", "2-8/2", "2,3,8". */
static struct i64_list
numbers(struct arena *a, struct str s)
{
    struct i64_list list = {0};
    struct str last = s, first = str_split(&last, '-');

    if (s.n == 0)
        return list;
    if (last.p) {
        struct str to = field(&last);
        int64_t step = last.p ? number(last) : 1;

        assert(step > 0);
        for (int64_t n = number(first); n <= number(to); n += step)
            *LIST_PUSH(a, &list) = n;
        return list;
    }
    while (s.p)
        *LIST_PUSH(a, &list) = number(str_split(&s, ','));
    return list;
}

static struct str
supported(const struct catalogue_type *row, enum catalogue_flag flag)
{
    return row->flags & flag ? S("supported") : S("unsupported");
}

static struct opt_bool
has(const struct catalogue_type *row, enum catalogue_flag flag)
{
    return opt_bool((row->flags & flag) != 0);
}

/* ---- parts of the answer ---- */

static struct ec2_ProcessorInfo *
show_processor(struct arena *a, const struct catalogue_type *row)
{
    struct ec2_ProcessorInfo *info = ARENA_NEW(a, struct ec2_ProcessorInfo);

    info->manufacturer = catalogue_text(row->cpu);
    info->supported_architectures = words(a, catalogue_text(row->arch), ',');
    info->supported_features = words(a, catalogue_text(row->features), ',');
    if (row->clock)
        info->sustained_clock_speed_in_ghz = opt_f64(decimal(catalogue_text(row->clock)));
    return info;
}

static struct ec2_VCpuInfo *
show_vcpus(struct arena *a, const struct catalogue_type *row)
{
    struct ec2_VCpuInfo *info = ARENA_NEW(a, struct ec2_VCpuInfo);

    assert(row->cores > 0 && row->threads > 0);
    info->default_vcpus = opt_i64((int64_t)row->cores * row->threads);
    info->default_cores = opt_i64(row->cores);
    info->default_threads_per_core = opt_i64(row->threads);
    info->valid_cores = numbers(a, catalogue_text(row->valid_cores));
    info->valid_threads_per_core = numbers(a, catalogue_text(row->valid_threads));
    return info;
}

/* MB/s: an eighth of the Mbit/s, unless the table says otherwise ("39:4.9"). */
static void
bandwidth(struct str s, struct opt_i64 *ret_mbps, struct opt_f64 *ret_throughput)
{
    struct str mbps = str_split(&s, ':');

    *ret_mbps = opt_i64(number(mbps));
    *ret_throughput = opt_f64(s.p ? decimal(s) : (double)number(mbps) / 8);
}

static struct ec2_EbsOptimizedInfo *
show_ebs_optimized(struct arena *a, struct str s)
{
    struct ec2_EbsOptimizedInfo *info = ARENA_NEW(a, struct ec2_EbsOptimizedInfo);

    bandwidth(field(&s), &info->baseline_bandwidth_in_mbps, &info->baseline_throughput_in_mbps);
    info->baseline_iops = opt_i64(number(field(&s)));
    bandwidth(field(&s), &info->maximum_bandwidth_in_mbps, &info->maximum_throughput_in_mbps);
    info->maximum_iops = opt_i64(number(field(&s)));
    assert(!s.p); /* there is no further field */
    return info;
}

/* "2/60000/240000": so many cards, each with this. */
static void
show_ebs_cards(struct arena *a, struct str s, struct ec2_EbsInfo *info)
{
    int64_t n = number(field(&s)), mbps = number(field(&s)), iops = number(field(&s));

    assert(!s.p);
    assert(n > 0);
    info->maximum_ebs_cards = opt_i64(n);
    for (int64_t i = 0; i < n; i++)
        *LIST_PUSH(a, &info->ebs_cards) = (struct ec2_EbsCardInfo){
            .ebs_card_index = opt_i64(i),
            .baseline_bandwidth_in_mbps = opt_i64(mbps),
            .baseline_throughput_in_mbps = opt_f64((double)mbps / 8),
            .baseline_iops = opt_i64(iops),
            .maximum_bandwidth_in_mbps = opt_i64(mbps),
            .maximum_throughput_in_mbps = opt_f64((double)mbps / 8),
            .maximum_iops = opt_i64(iops),
        };
}

static struct ec2_EbsInfo *
show_ebs(struct arena *a, const struct catalogue_type *row)
{
    struct ec2_EbsInfo *info = ARENA_NEW(a, struct ec2_EbsInfo);

    info->ebs_optimized_support = catalogue_text(row->ebs_optimized);
    info->encryption_support = S("supported");
    info->nvme_support = catalogue_text(row->ebs_nvme);
    info->maximum_ebs_attachments = opt_i64(row->volumes);
    info->attachment_limit_type = catalogue_text(row->attach_limit);
    if (row->ebs)
        info->ebs_optimized_info = show_ebs_optimized(a, catalogue_text(row->ebs));
    if (row->ebs_cards)
        show_ebs_cards(a, catalogue_text(row->ebs_cards), info);
    return info;
}

/* A card, or a run of equal ones: "32*100/100/32/-/-/-/2/100 Gigabit". */
static void
show_cards(struct arena *a, const struct catalogue_type *row, struct str s,
           struct ec2_NetworkInfo *info)
{
    struct str run = s, count = str_split(&run, '*');
    int64_t n = run.p ? number(count) : 1;

    if (!run.p)
        run = s;
    struct ec2_NetworkCardInfo card = {0};

    /* Statements, not initialisers: those may be evaluated in any order. */
    card.baseline_bandwidth_in_gbps = opt_f64(decimal(field(&run)));
    card.peak_bandwidth_in_gbps = opt_f64(decimal(field(&run)));
    card.default_ena_queue_count_per_interface = opt_number(field(&run));
    card.maximum_ena_queue_count = opt_number(field(&run));
    card.maximum_ena_queue_count_per_interface = opt_number(field(&run));
    card.additional_flexible_network_interfaces = opt_number(field(&run));
    card.maximum_network_interfaces = opt_number(field(&run));
    card.network_performance = field(&run);
    if (!card.maximum_network_interfaces.set)
        card.maximum_network_interfaces = opt_i64(row->interfaces);
    if (absent(card.network_performance))
        card.network_performance = catalogue_text(row->network);
    assert(n > 0 && !run.p);
    for (int64_t i = 0; i < n; i++) {
        card.network_card_index = opt_i64((int64_t)info->network_cards.n);
        *LIST_PUSH(a, &info->network_cards) = card;
    }
}

static struct ec2_NetworkInfo *
show_network(struct arena *a, const struct catalogue_type *row)
{
    struct ec2_NetworkInfo *info = ARENA_NEW(a, struct ec2_NetworkInfo);
    struct str cards = catalogue_text(row->cards);

    while (cards.p)
        show_cards(a, row, str_split(&cards, ';'), info);
    assert(info->network_cards.n > 0);
    info->network_performance = catalogue_text(row->network);
    info->maximum_network_interfaces = opt_i64(row->interfaces);
    info->maximum_network_cards = opt_i64((int64_t)info->network_cards.n);
    info->default_network_card_index = opt_i64(0);
    info->ipv4_addresses_per_interface = opt_i64(row->addresses);
    info->ipv6_addresses_per_interface = opt_i64(row->addresses6);
    info->ipv6_supported = has(row, CATALOGUE_IPV6);
    info->ena_support = catalogue_text(row->ena);
    info->efa_supported = opt_bool(row->efa > 0);
    if (row->efa) {
        info->efa_info = ARENA_NEW(a, struct ec2_EfaInfo);
        info->efa_info->maximum_efa_interfaces = opt_i64(row->efa);
    }
    info->encryption_in_transit_supported = has(row, CATALOGUE_TRANSIT);
    info->ena_srd_supported = has(row, CATALOGUE_SRD);
    if (row->flags & CATALOGUE_WEIGHTS)
        info->bandwidth_weightings = words(a, S("default,ebs-1,vpc-1"), ',');
    info->flexible_ena_queues_support = supported(row, CATALOGUE_QUEUES);
    info->connection_tracking_configuration =
        ARENA_NEW(a, struct ec2_DefaultConnectionTrackingConfiguration);
    *info->connection_tracking_configuration = (struct ec2_DefaultConnectionTrackingConfiguration){
        .default_tcp_established_timeout = opt_i64(row->flags & CATALOGUE_TCP350 ? 350 : 432000),
        .default_udp_timeout = opt_i64(30),
        .default_udp_stream_timeout = opt_i64(180),
    };
    info->secondary_network_supported = opt_bool(false);
    if (row->flags & CATALOGUE_SECONDARY0)
        info->ipv4_addresses_per_secondary_interface = opt_i64(0);
    return info;
}

static struct ec2_InstanceStorageInfo *
show_disks(struct arena *a, struct str s)
{
    struct ec2_InstanceStorageInfo *info = ARENA_NEW(a, struct ec2_InstanceStorageInfo);

    struct ec2_DiskInfo *disk = LIST_PUSH(a, &info->disks);

    disk->count = opt_number(field(&s));
    disk->size_in_gb = opt_number(field(&s));
    disk->type = field(&s);
    info->nvme_support = field(&s);
    info->encryption_support = field(&s);
    info->total_size_in_gb = opt_number(field(&s));
    assert(!s.p);
    return info;
}

static struct ec2_GpuInfo *
show_gpus(struct arena *a, struct str s)
{
    struct ec2_GpuInfo *info = ARENA_NEW(a, struct ec2_GpuInfo);
    struct ec2_GpuDeviceInfo *gpu = LIST_PUSH(a, &info->gpus);

    gpu->count = opt_number(field(&s));
    gpu->manufacturer = field(&s);
    gpu->name = field(&s);
    gpu->memory_info = ARENA_NEW(a, struct ec2_GpuDeviceMemoryInfo);
    gpu->memory_info->size_in_mib = opt_number(field(&s));
    gpu->logical_gpu_count = opt_number(field(&s));
    gpu->gpu_partition_size = opt_f64(decimal(field(&s)));
    gpu->workloads = words(a, field(&s), '+');
    info->total_gpu_memory_in_mib = opt_number(field(&s));
    assert(!s.p);
    return info;
}

/* "8/Xilinx/U30/24576/196608": the same for FPGAs, media and inference devices. */
#define SHOW_DEVICES(fn, outer, devices_, device, memory, total_)                                  \
    static struct ec2_##outer *fn(struct arena *a, struct str s)                                   \
    {                                                                                              \
        struct ec2_##outer *info = ARENA_NEW(a, struct ec2_##outer);                               \
        struct ec2_##device *d = LIST_PUSH(a, &info->devices_);                                    \
                                                                                                   \
        d->count = opt_number(field(&s));                                                          \
        d->manufacturer = field(&s);                                                               \
        d->name = field(&s);                                                                       \
        d->memory_info = ARENA_NEW(a, struct ec2_##memory);                                        \
        d->memory_info->size_in_mib = opt_number(field(&s));                                       \
        info->total_ = opt_number(field(&s));                                                      \
        return info;                                                                               \
    }

SHOW_DEVICES(show_fpgas, FpgaInfo, fpgas, FpgaDeviceInfo, FpgaDeviceMemoryInfo,
             total_fpga_memory_in_mib)
SHOW_DEVICES(show_media, MediaAcceleratorInfo, accelerators, MediaDeviceInfo, MediaDeviceMemoryInfo,
             total_media_memory_in_mib)
SHOW_DEVICES(show_inference, InferenceAcceleratorInfo, accelerators, InferenceDeviceInfo,
             InferenceDeviceMemoryInfo, total_inference_memory_in_mib)

static struct ec2_NeuronInfo *
show_neurons(struct arena *a, struct str s)
{
    struct ec2_NeuronInfo *info = ARENA_NEW(a, struct ec2_NeuronInfo);
    struct ec2_NeuronDeviceInfo *d = LIST_PUSH(a, &info->neuron_devices);

    d->count = opt_number(field(&s));
    d->name = field(&s);
    d->core_info = ARENA_NEW(a, struct ec2_NeuronDeviceCoreInfo);
    d->core_info->count = opt_number(field(&s));
    d->core_info->version = opt_number(field(&s));
    d->memory_info = ARENA_NEW(a, struct ec2_NeuronDeviceMemoryInfo);
    d->memory_info->size_in_mib = opt_number(field(&s));
    info->total_neuron_device_memory_in_mib = opt_number(field(&s));
    assert(!s.p);
    return info;
}

static void
show_accelerators(struct arena *a, const struct catalogue_type *row,
                  struct ec2_InstanceTypeInfo *info)
{
    if (row->gpu)
        info->gpu_info = show_gpus(a, catalogue_text(row->gpu));
    if (row->fpga)
        info->fpga_info = show_fpgas(a, catalogue_text(row->fpga));
    if (row->media)
        info->media_accelerator_info = show_media(a, catalogue_text(row->media));
    if (row->inference)
        info->inference_accelerator_info = show_inference(a, catalogue_text(row->inference));
    if (row->neuron)
        info->neuron_info = show_neurons(a, catalogue_text(row->neuron));
}

static void
show_type(struct arena *a, const struct catalogue_type *row, struct ec2_InstanceTypeInfo *info)
{
    assert(row->name && row->memory_mib > 0);
    *info = (struct ec2_InstanceTypeInfo){
        .instance_type = catalogue_text(row->name),
        .current_generation = opt_bool(!(row->flags & CATALOGUE_PREVIOUS)),
        .free_tier_eligible = has(row, CATALOGUE_FREE),
        .supported_usage_classes = words(a, catalogue_text(row->usage), ','),
        .supported_root_device_types = words(a, catalogue_text(row->root), ','),
        .supported_virtualization_types = words(a, catalogue_text(row->virt), ','),
        .bare_metal = has(row, CATALOGUE_METAL),
        .processor_info = show_processor(a, row),
        .vcpu_info = show_vcpus(a, row),
        .memory_info = ARENA_NEW(a, struct ec2_MemoryInfo),
        .instance_storage_supported = opt_bool(row->disks != 0),
        .ebs_info = show_ebs(a, row),
        .network_info = show_network(a, row),
        .placement_group_info = ARENA_NEW(a, struct ec2_PlacementGroupInfo),
        .hibernation_supported = has(row, CATALOGUE_HIBERNATION),
        .burstable_performance_supported = has(row, CATALOGUE_BURSTABLE),
        .dedicated_hosts_supported = has(row, CATALOGUE_HOSTS),
        .auto_recovery_supported = has(row, CATALOGUE_RECOVERY),
        .supported_boot_modes = words(a, catalogue_text(row->boot), ','),
        .nitro_enclaves_support = supported(row, CATALOGUE_ENCLAVES),
        .nitro_tpm_support = supported(row, CATALOGUE_TPM),
        .phc_support = supported(row, CATALOGUE_PHC),
        .reboot_migration_support = supported(row, CATALOGUE_MIGRATION),
    };
    info->memory_info->size_in_mib = opt_i64(row->memory_mib);
    info->placement_group_info->supported_strategies = words(
        a, row->flags & CATALOGUE_CLUSTER ? S("cluster,partition,spread") : S("partition,spread"),
        ',');
    if (row->hypervisor)
        info->hypervisor = catalogue_text(row->hypervisor);
    if (row->disks)
        info->instance_storage_info = show_disks(a, catalogue_text(row->disks));
    if (row->flags & CATALOGUE_TPM) {
        info->nitro_tpm_info = ARENA_NEW(a, struct ec2_NitroTpmInfo);
        info->nitro_tpm_info->supported_versions = words(a, S("2.0"), ',');
    }
    show_accelerators(a, row, info);
}

/* ---- DescribeInstanceTypes ---- */

static const struct api_filter type_filters[] = {
    {"auto-recovery-supported", "AutoRecoverySupported"},
    {"bare-metal", "BareMetal"},
    {"burstable-performance-supported", "BurstablePerformanceSupported"},
    {"current-generation", "CurrentGeneration"},
    {"dedicated-hosts-supported", "DedicatedHostsSupported"},
    {"ebs-info.attachment-limit-type", "EbsInfo.AttachmentLimitType"},
    {"ebs-info.maximum-ebs-attachments", "EbsInfo.MaximumEbsAttachments"},
    {"ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps",
     "EbsInfo.EbsOptimizedInfo.BaselineBandwidthInMbps"},
    {"ebs-info.ebs-optimized-info.baseline-iops", "EbsInfo.EbsOptimizedInfo.BaselineIops"},
    {"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
     "EbsInfo.EbsOptimizedInfo.BaselineThroughputInMBps"},
    {"ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
     "EbsInfo.EbsOptimizedInfo.MaximumBandwidthInMbps"},
    {"ebs-info.ebs-optimized-info.maximum-iops", "EbsInfo.EbsOptimizedInfo.MaximumIops"},
    {"ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
     "EbsInfo.EbsOptimizedInfo.MaximumThroughputInMBps"},
    {"ebs-info.ebs-optimized-support", "EbsInfo.EbsOptimizedSupport"},
    {"ebs-info.encryption-support", "EbsInfo.EncryptionSupport"},
    {"ebs-info.nvme-support", "EbsInfo.NvmeSupport"},
    {"free-tier-eligible", "FreeTierEligible"},
    {"hibernation-supported", "HibernationSupported"},
    {"hypervisor", "Hypervisor"},
    {"instance-storage-info.disk.count", "InstanceStorageInfo.Disks.Count"},
    {"instance-storage-info.disk.size-in-gb", "InstanceStorageInfo.Disks.SizeInGB"},
    {"instance-storage-info.disk.type", "InstanceStorageInfo.Disks.Type"},
    {"instance-storage-info.encryption-support", "InstanceStorageInfo.EncryptionSupport"},
    {"instance-storage-info.nvme-support", "InstanceStorageInfo.NvmeSupport"},
    {"instance-storage-info.total-size-in-gb", "InstanceStorageInfo.TotalSizeInGB"},
    {"instance-storage-supported", "InstanceStorageSupported"},
    {"instance-type", "InstanceType"},
    {"memory-info.size-in-mib", "MemoryInfo.SizeInMiB"},
    {"network-info.bandwidth-weightings", "NetworkInfo.BandwidthWeightings"},
    {"network-info.efa-info.maximum-efa-interfaces", "NetworkInfo.EfaInfo.MaximumEfaInterfaces"},
    {"network-info.efa-supported", "NetworkInfo.EfaSupported"},
    {"network-info.ena-support", "NetworkInfo.EnaSupport"},
    {"network-info.encryption-in-transit-supported", "NetworkInfo.EncryptionInTransitSupported"},
    {"network-info.flexible-ena-queues-support", "NetworkInfo.FlexibleEnaQueuesSupport"},
    {"network-info.ipv4-addresses-per-interface", "NetworkInfo.Ipv4AddressesPerInterface"},
    {"network-info.ipv6-addresses-per-interface", "NetworkInfo.Ipv6AddressesPerInterface"},
    {"network-info.ipv6-supported", "NetworkInfo.Ipv6Supported"},
    {"network-info.maximum-network-cards", "NetworkInfo.MaximumNetworkCards"},
    {"network-info.maximum-network-interfaces", "NetworkInfo.MaximumNetworkInterfaces"},
    {"network-info.network-performance", "NetworkInfo.NetworkPerformance"},
    {"nitro-enclaves-support", "NitroEnclavesSupport"},
    {"nitro-tpm-info.supported-versions", "NitroTpmInfo.SupportedVersions"},
    {"nitro-tpm-support", "NitroTpmSupport"},
    {"processor-info.supported-architecture", "ProcessorInfo.SupportedArchitectures"},
    {"processor-info.supported-features", "ProcessorInfo.SupportedFeatures"},
    {"processor-info.sustained-clock-speed-in-ghz", "ProcessorInfo.SustainedClockSpeedInGhz"},
    {"reboot-migration-support", "RebootMigrationSupport"},
    {"supported-boot-mode", "SupportedBootModes"},
    {"supported-root-device-type", "SupportedRootDeviceTypes"},
    {"supported-usage-class", "SupportedUsageClasses"},
    {"supported-virtualization-type", "SupportedVirtualizationTypes"},
    {"vcpu-info.default-cores", "VCpuInfo.DefaultCores"},
    {"vcpu-info.default-threads-per-core", "VCpuInfo.DefaultThreadsPerCore"},
    {"vcpu-info.default-vcpus", "VCpuInfo.DefaultVCpus"},
    {"vcpu-info.valid-cores", "VCpuInfo.ValidCores"},
    {"vcpu-info.valid-threads-per-core", "VCpuInfo.ValidThreadsPerCore"},
};
static const struct api_filter_table type_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InstanceTypeInfo, type_filters);

/* Types that the region lacks do not exist there. */
static int
types_check(struct api_call *call, const struct str_list *names, bool any_region)
{
    const struct ec2_region *region = ec2_region_find(call->region);
    struct str_list missing = {0};

    LIST_EACH(names, name) {
        const struct ec2_type *type = ec2_type_find(*name);

        if (!type || (!any_region && !ec2_type_in_region(type, region)))
            *LIST_PUSH(call->arena, &missing) = *name;
    }
    if (!missing.n)
        return 0;
    struct str all = str_join(call->arena, &missing, S(", "));

    return api_fault(call, &EC2_ERR(InvalidInstanceType),
                     "The following supplied instance types do not exist: [%.*s]", STR_ARG(all));
}

int
ec2_describe_instance_types(struct api_call *call,
                            const struct ec2_DescribeInstanceTypesRequest *req,
                            struct ec2_DescribeInstanceTypesResult *res)
{
    static const struct api_page_rule rule = {
        .min = 5, .max = TYPE_PAGE_MAX, .otherwise = TYPE_PAGE_MAX, .ids = "instanceTypes"};
    const struct ec2_region *region = ec2_region_find(call->region);
    bool any_region = opt_bool_or(req->include_unsupported_in_region, false);
    CLEANUP(arena_done) struct arena scratch;
    struct api_filter_set set;
    struct api_page page;
    int r = ec2_filters(call, &type_filter_table, &req->filters, &set);

    arena_init(&scratch, SCRATCH_BYTES_MAX);
    if (r == 0)
        r = types_check(call, &req->instance_types, any_region);
    if (r == 0)
        r = ec2_page_open(call, &rule, req->next_token, req->max_results, req->instance_types.n > 0,
                          &page);
    if (r)
        return r;
    API_PRESENT(&res->instance_types);
    for (size_t i = 0; i < CATALOGUE_TYPES && !page.more; i++) {
        const struct ec2_type *type = catalogue_type_at(i);
        bool here = ec2_type_in_region(type, region);
        struct ec2_InstanceTypeInfo info;

        if ((req->instance_types.n && !str_in(&req->instance_types, type->name)) ||
            (!here && !any_region) || !api_filter_allows(&set, "instance-type", type->name))
            continue;
        arena_reset(&scratch);
        show_type(&scratch, catalogue_of(type), &info);
        if (!api_filter_match(&set, &info) || !api_page_take(&page, type->name))
            continue;
        struct ec2_InstanceTypeInfo *out = LIST_PUSH(call->arena, &res->instance_types);

        show_type(call->arena, catalogue_of(type), out);
        if (any_region)
            out->supported_in_region = opt_bool(here);
    }
    res->next_token = ec2_page_next(call, &page);
    return 0;
}

/* ---- DescribeInstanceTypeOfferings ---- */

static const struct api_filter offering_filters[] = {
    {"instance-type", "InstanceType"},
    {"location", "Location"},
};
static const struct api_filter_table offering_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InstanceTypeOffering, offering_filters);

struct offerings {
    struct api_call *call;
    struct api_filter_set set;
    struct api_page page;
    struct ec2_DescribeInstanceTypeOfferingsResult *res;
};

static void
offering_add(struct offerings *o, struct str type, const char *location_type, struct str location)
{
    struct ec2_InstanceTypeOffering offering = {
        .instance_type = type, .location_type = str_from(location_type), .location = location};

    assert(type.n > 0 && location.n > 0);
    if (o->page.more || !api_filter_match(&o->set, &offering))
        return;
    struct str key = str_fmt(o->call->arena, "%.*s %.*s", STR_ARG(type), STR_ARG(location));

    if (api_page_take(&o->page, key))
        *LIST_PUSH(o->call->arena, &o->res->instance_type_offerings) = offering;
}

int
ec2_describe_instance_type_offerings(struct api_call *call,
                                     const struct ec2_DescribeInstanceTypeOfferingsRequest *req,
                                     struct ec2_DescribeInstanceTypeOfferingsResult *res)
{
    static const struct api_page_rule rule = {
        .min = 5, .max = OFFERING_PAGE_MAX, .otherwise = OFFERING_PAGE_MAX};
    const struct ec2_region *region = ec2_region_find(call->region);
    struct offerings o = {.call = call, .res = res};
    struct str by = req->location_type.p ? req->location_type : S("region");
    struct ec2_zone zones[CATALOGUE_ZONES_MAX];
    int r = ec2_filters(call, &offering_filter_table, &req->filters, &o.set);

    if (r == 0)
        r = ec2_page_open(call, &rule, req->next_token, req->max_results, false, &o.page);
    if (r)
        return r;
    bool by_region = str_is(by, "region"), by_id = str_is(by, "availability-zone-id");

    /* There are no outposts, so nothing is offered in one. */
    if (!by_region && !by_id && !str_is(by, "availability-zone") && !str_is(by, "outpost"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter locationType is invalid.", STR_ARG(by));
    API_PRESENT(&res->instance_type_offerings);
    if (str_is(by, "outpost"))
        return 0;
    for (unsigned z = 0; z < region->n_zones; z++)
        zones[z] = ec2_region_zone(call->arena, region, z);
    for (size_t i = 0; i < CATALOGUE_TYPES && !o.page.more; i++) {
        const struct ec2_type *type = catalogue_type_at(i);

        if (!api_filter_allows(&o.set, "instance-type", type->name))
            continue;
        if (by_region && ec2_type_in_region(type, region))
            offering_add(&o, type->name, "region", region->name);
        for (unsigned z = 0; z < region->n_zones && !by_region; z++)
            if (ec2_type_offered(type, zones[z].name))
                offering_add(&o, type->name, by_id ? "availability-zone-id" : "availability-zone",
                             by_id ? zones[z].id : zones[z].name);
    }
    res->next_token = ec2_page_next(call, &o.page);
    return 0;
}

unsigned
ec2_type_efas(const struct ec2_type *type)
{
    return catalogue_of(type)->efa;
}

int64_t
ec2_type_mbit(const struct ec2_type *type)
{
    struct str all = catalogue_text(catalogue_of(type)->cards), card = str_split(&all, ';'),
               one = card;

    str_split(&one, '*');
    if (!one.p)
        one = card;
    (void)field(&one); /* the baseline */
    return one.p ? (int64_t)(decimal(field(&one)) * 1000) : 0;
}

bool
ec2_type_needs_ena(const struct ec2_type *type)
{
    return str_is(catalogue_text(catalogue_of(type)->ena), "required");
}

bool
ec2_type_clusters(const struct ec2_type *type)
{
    return catalogue_of(type)->flags & CATALOGUE_CLUSTER;
}

bool
ec2_type_on_hosts(const struct ec2_type *type)
{
    return catalogue_of(type)->flags & CATALOGUE_HOSTS;
}
