/*
 * Finding instances and describing them.
 */
#include "ec2/instance.h"

#include "base/map.h"
#include "ec2/row_ok.h"

#include <stdlib.h>

/* ---- finding ---- */

static bool
is_shown(const struct api_call *call, const struct ec2_instance_row *row)
{
    return row->state != EC2_TERMINATED ||
           call->now_ms < row->terminated_ms + INSTANCE_TERMINATED_SHOWN_MS;
}

bool
ec2_instance_visible(const struct api_call *call, const struct ec2_instance_row *row)
{
    return ec2_mine(call, row->account, row->region) && is_shown(call, row);
}

static const struct ec2_instance_row *
instance_mine(struct api_call *call, struct str id)
{
    const struct ec2_instance_row *row = ec2_instance_get(call->txn, id);

    return row && ec2_instance_visible(call, row) ? row : NULL;
}

int
ec2_instance_find(struct api_call *call, struct str id, const struct ec2_instance_row **ret)
{
    int r = ec2_id_check(call, id, "i", &EC2_ERR(InvalidInstanceID_Malformed));

    if (r)
        return r;
    const struct ec2_instance_row *row = instance_mine(call, id);
    if (!row)
        return ec2_missing(call, &EC2_ERR(InvalidInstanceID_NotFound), "instance",
                           &(struct str_list){&id, 1});
    assert(ec2_instance_ok(row));
    *ret = row;
    return 0;
}

static int
collect(struct api_call *call, const struct str_list *ids, struct map *known,
        struct ec2_instance_rows *ret)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id) {
        int r = ec2_id_check(call, *id, "i", &EC2_ERR(InvalidInstanceID_Malformed));

        if (r)
            return r;
        if (map_put(known, *id, known))
            continue; /* named twice */
        const struct ec2_instance_row *row = instance_mine(call, *id);
        if (row)
            *LIST_PUSH(call->arena, ret) = row;
        else
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    if (missing.n)
        return ec2_missing(call, &EC2_ERR(InvalidInstanceID_NotFound), "instance", &missing);
    return 0;
}

int
ec2_instances_find(struct api_call *call, const struct str_list *ids, struct ec2_instance_rows *ret)
{
    struct map known;
    uint64_t seed; /* callers choose the keys */

    *ret = (struct ec2_instance_rows){0};
    if (!ids->n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter InstanceId");
    call->env->random(call->env, &seed, sizeof(seed));
    map_init(&known, seed);
    int r = collect(call, ids, &known, ret);
    map_done(&known);
    assert(r || (ret->n > 0 && ret->n <= ids->n));
    return r;
}

/* ---- walking ---- */

/* The last row of a page: what the index sorts by, as text that sorts the same. */
static struct str
page_key(struct api_call *call, const struct ec2_instance_row *row)
{
    return str_fmt(call->arena, "%016llx %.*s %08llx %.*s",
                   (unsigned long long)row->first_launched_ms, STR_ARG(row->reservation_id),
                   (unsigned long long)row->launch_index, STR_ARG(row->id));
}

static int64_t
page_number(struct str hex)
{
    uint64_t n = 0;

    assert(hex.n > 0 && hex.n <= 16); /* the token's MAC was right: we wrote it */
    for (size_t i = 0; i < hex.n; i++)
        n = n << 4 | (uint64_t)(hex.p[i] <= '9' ? hex.p[i] - '0' : hex.p[i] - 'a' + 10);
    return (int64_t)n;
}

/* Begins behind the row of the token, without a look at those before. */
static void
resume(struct ec2_instance_walk *w)
{
    struct str key = w->listing.page.after;
    struct str launched = str_split(&key, ' '), reservation = str_split(&key, ' ');
    struct str index = str_split(&key, ' ');

    assert(!w->by_id && w->next == 0);
    assert(key.n > 0);
    store_after(&w->cursor,
                STORE_KEYS(page_number(launched), reservation, page_number(index), key));
}

static int
by_launch(const void *a, const void *b)
{
    const struct ec2_instance_row *x = *(const struct ec2_instance_row *const *)a;
    const struct ec2_instance_row *y = *(const struct ec2_instance_row *const *)b;
    int r;

    if (x->first_launched_ms != y->first_launched_ms)
        return x->first_launched_ms < y->first_launched_ms ? -1 : 1;
    if ((r = str_cmp(x->reservation_id, y->reservation_id)))
        return r;
    return x->launch_index < y->launch_index ? -1 : x->launch_index > y->launch_index;
}

/* The values of the filter instance-id when none is a pattern: then nothing else can pass. */
static const struct str_list *
ids_of_filter(const struct ec2_FilterList *filters)
{
    LIST_EACH(filters, f) {
        bool exact = str_is(f->name, "instance-id");

        LIST_EACH(&f->values, value)
            exact = exact && str_find_char(*value, '*') >= value->n &&
                    str_find_char(*value, '?') >= value->n &&
                    str_find_char(*value, '\\') >= value->n;
        if (exact)
            return &f->values;
    }
    return NULL;
}

static void
list_of_filter(struct ec2_instance_walk *w, const struct str_list *ids)
{
    w->listed = true;
    for (size_t i = 0; i < ids->n; i++) {
        const struct ec2_instance_row *row = instance_mine(w->call, ids->v[i]);
        bool again = false;

        for (size_t k = 0; k < w->rows.n; k++)
            again = again || w->rows.v[k] == row;
        if (row && !again)
            *LIST_PUSH(w->call->arena, &w->rows) = row;
    }
}

int
ec2_instance_walk(struct api_call *call, const struct ec2_instance_walk_want *want,
                  struct ec2_instance_walk *ret)
{
    static const struct api_page_rule rule = API_PAGE_EC2("instancesSet");
    struct ec2_instance_walk w = {.call = call,
                                  .by_id = want->ids->n > 0,
                                  .listed = want->ids->n > 0,
                                  .paged = want->max_results.set};
    const struct str_list *named = ids_of_filter(want->filters);
    int r = ec2_listing_open(call, want->table, want->filters, &rule, want->token,
                             want->max_results, w.by_id, &w.listing);

    if (r == 0 && w.by_id)
        r = ec2_instances_find(call, want->ids, &w.rows);
    if (r)
        return r;
    if (!w.by_id && named)
        list_of_filter(&w, named);
    if (w.rows.n)
        qsort(w.rows.v, w.rows.n, sizeof(*w.rows.v), by_launch);
    assert(!(w.by_id && (w.paged || w.listing.page.after.n)));
    *ret = w;
    ret->cursor =
        store_seek(call->txn, &ec2_instance_by_owner, STORE_KEYS(call->account, call->region));
    if (w.listing.page.after.n && !w.listed)
        resume(ret);
    return 0;
}

const struct ec2_instance_row *
ec2_instance_walk_next(struct ec2_instance_walk *w)
{
    const struct ec2_instance_row *row;

    assert(w->next <= w->rows.n);
    if (w->listed)
        return w->next < w->rows.n ? w->rows.v[w->next++] : NULL;
    if (w->listing.page.more)
        return NULL;
    while ((row = ec2_instance_by_owner_next(&w->cursor))) {
        if (w->paged && w->work++ >= INSTANCE_WALK_WORK_MAX && w->seen) {
            api_page_stop(&w->listing.page, page_key(w->call, w->seen));
            return NULL;
        }
        w->seen = row;
        if (is_shown(w->call, row))
            return row;
    }
    return NULL;
}

bool
ec2_instance_walk_take(struct ec2_instance_walk *w, const struct ec2_instance_row *row)
{
    return !w->paged || api_page_take(&w->listing.page, page_key(w->call, row));
}

/* ---- filters ---- */

/* A member that no instance here has: the filter is known and lets nothing pass. */
#define NEVER "CapacityBlockId"
/* A member that is false for all. */
#define ALWAYS_FALSE "Operator.Managed"
#define CAPACITY "CapacityReservationSpecification."
#define ENI "NetworkInterfaces."

static const struct api_filter instance_filters[] = {
    {"affinity", "Placement.Affinity"},
    {"architecture", "Architecture"},
    {"availability-zone", "Placement.AvailabilityZone"},
    {"availability-zone-id", "Placement.AvailabilityZoneId"},
    {"block-device-mapping.attach-time", "BlockDeviceMappings.Ebs.AttachTime"},
    {"block-device-mapping.delete-on-termination", "BlockDeviceMappings.Ebs.DeleteOnTermination"},
    {"block-device-mapping.device-name", "BlockDeviceMappings.DeviceName"},
    {"block-device-mapping.status", "BlockDeviceMappings.Ebs.Status"},
    {"block-device-mapping.volume-id", "BlockDeviceMappings.Ebs.VolumeId"},
    {"boot-mode", "BootMode"},
    {"capacity-reservation-id", "CapacityReservationId"},
    {"capacity-reservation-specification.capacity-reservation-preference",
     CAPACITY "CapacityReservationPreference"},
    {"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id",
     CAPACITY "CapacityReservationTarget.CapacityReservationId"},
    {"capacity-reservation-specification.capacity-reservation-target."
     "capacity-reservation-resource-group-arn",
     CAPACITY "CapacityReservationTarget.CapacityReservationResourceGroupArn"},
    {"client-token", "ClientToken"},
    {"current-instance-boot-mode", "CurrentInstanceBootMode"},
    {"dns-name", "PublicDnsName"},
    {"ebs-optimized", "EbsOptimized"},
    {"ena-support", "EnaSupport"},
    {"enclave-options.enabled", "EnclaveOptions.Enabled"},
    {"hibernation-options.configured", "HibernationOptions.Configured"},
    {"host-id", "Placement.HostId"},
    {"hypervisor", "Hypervisor"},
    {"iam-instance-profile.arn", "IamInstanceProfile.Arn"},
    {"iam-instance-profile.id", "IamInstanceProfile.Id"},
    {"iam-instance-profile.name", API_FILTER_OWN},
    {"image-id", "ImageId"},
    {"instance-id", "InstanceId"},
    {"instance-lifecycle", "InstanceLifecycle"},
    {"instance-state-code", "State.Code"},
    {"instance-state-name", "State.Name"},
    {"instance-type", "InstanceType"},
    {"instance.group-id", "SecurityGroups.GroupId"},
    {"instance.group-name", "SecurityGroups.GroupName"},
    {"ip-address", "PublicIpAddress"},
    {"ipv6-address", "Ipv6Address"},
    {"kernel-id", "KernelId"},
    {"key-name", "KeyName"},
    {"launch-index", "AmiLaunchIndex"},
    {"launch-time", "LaunchTime"},
    {"maintenance-options.auto-recovery", "MaintenanceOptions.AutoRecovery"},
    {"metadata-options.http-endpoint", "MetadataOptions.HttpEndpoint"},
    {"metadata-options.http-protocol-ipv4", "MetadataOptions.HttpEndpoint"},
    {"metadata-options.http-protocol-ipv6", "MetadataOptions.HttpProtocolIpv6"},
    {"metadata-options.http-put-response-hop-limit", "MetadataOptions.HttpPutResponseHopLimit"},
    {"metadata-options.http-tokens", "MetadataOptions.HttpTokens"},
    {"metadata-options.instance-metadata-tags", "MetadataOptions.InstanceMetadataTags"},
    {"metadata-options.state", "MetadataOptions.State"},
    {"monitoring-state", "Monitoring.State"},
    {"network-interface.addresses.association.allocation-id", NEVER},
    {"network-interface.addresses.association.association-id", NEVER},
    {"network-interface.addresses.association.carrier-ip",
     ENI "PrivateIpAddresses.Association.CarrierIp"},
    {"network-interface.addresses.association.customer-owned-ip",
     ENI "PrivateIpAddresses.Association.CustomerOwnedIp"},
    {"network-interface.addresses.association.ip-owner-id",
     ENI "PrivateIpAddresses.Association.IpOwnerId"},
    {"network-interface.addresses.association.public-dns-name",
     ENI "PrivateIpAddresses.Association.PublicDnsName"},
    {"network-interface.addresses.association.public-ip",
     ENI "PrivateIpAddresses.Association.PublicIp"},
    {"network-interface.addresses.primary", ENI "PrivateIpAddresses.Primary"},
    {"network-interface.addresses.private-dns-name", ENI "PrivateIpAddresses.PrivateDnsName"},
    {"network-interface.addresses.private-ip-address", ENI "PrivateIpAddresses.PrivateIpAddress"},
    {"network-interface.association.allocation-id", NEVER},
    {"network-interface.association.association-id", NEVER},
    {"network-interface.association.carrier-ip", ENI "Association.CarrierIp"},
    {"network-interface.association.customer-owned-ip", ENI "Association.CustomerOwnedIp"},
    {"network-interface.association.ip-owner-id", ENI "Association.IpOwnerId"},
    {"network-interface.association.public-dns-name", ENI "Association.PublicDnsName"},
    {"network-interface.association.public-ip", ENI "Association.PublicIp"},
    {"network-interface.attachment.attach-time", ENI "Attachment.AttachTime"},
    {"network-interface.attachment.attachment-id", ENI "Attachment.AttachmentId"},
    {"network-interface.attachment.delete-on-termination", ENI "Attachment.DeleteOnTermination"},
    {"network-interface.attachment.device-index", ENI "Attachment.DeviceIndex"},
    {"network-interface.attachment.instance-id", "InstanceId"},
    {"network-interface.attachment.instance-owner-id", ENI "OwnerId"},
    {"network-interface.attachment.network-card-index", ENI "Attachment.NetworkCardIndex"},
    {"network-interface.attachment.status", ENI "Attachment.Status"},
    {"network-interface.availability-zone", "Placement.AvailabilityZone"},
    {"network-interface.deny-all-igw-traffic", ALWAYS_FALSE},
    {"network-interface.description", ENI "Description"},
    {"network-interface.group-id", ENI "Groups.GroupId"},
    {"network-interface.group-name", ENI "Groups.GroupName"},
    {"network-interface.ipv4-prefixes.ipv4-prefix", ENI "Ipv4Prefixes.Ipv4Prefix"},
    {"network-interface.ipv6-address", ENI "Ipv6Addresses.Ipv6Address"},
    {"network-interface.ipv6-addresses.ipv6-address", ENI "Ipv6Addresses.Ipv6Address"},
    {"network-interface.ipv6-addresses.is-primary-ipv6", ENI "Ipv6Addresses.IsPrimaryIpv6"},
    {"network-interface.ipv6-native", ALWAYS_FALSE},
    {"network-interface.ipv6-prefixes.ipv6-prefix", ENI "Ipv6Prefixes.Ipv6Prefix"},
    {"network-interface.mac-address", ENI "MacAddress"},
    {"network-interface.network-interface-id", ENI "NetworkInterfaceId"},
    {"network-interface.operator.managed", ENI "Operator.Managed"},
    {"network-interface.operator.principal", ENI "Operator.Principal"},
    {"network-interface.outpost-arn", NEVER},
    {"network-interface.owner-id", ENI "OwnerId"},
    {"network-interface.private-dns-name", ENI "PrivateDnsName"},
    {"network-interface.private-ip-address", ENI "PrivateIpAddress"},
    {"network-interface.public-dns-name", ENI "Association.PublicDnsName"},
    {"network-interface.requester-id", NEVER},
    {"network-interface.requester-managed", ALWAYS_FALSE},
    {"network-interface.source-dest-check", ENI "SourceDestCheck"},
    {"network-interface.status", ENI "Status"},
    {"network-interface.subnet-id", ENI "SubnetId"},
    {"network-interface.tag-key", API_FILTER_OWN},
    {"network-interface.tag-value", API_FILTER_OWN},
    {"network-interface.vpc-id", ENI "VpcId"},
    {"network-performance-options.bandwidth-weighting",
     "NetworkPerformanceOptions.BandwidthWeighting"},
    {"operator.managed", "Operator.Managed"},
    {"operator.principal", "Operator.Principal"},
    {"outpost-arn", "OutpostArn"},
    {"owner-id", API_FILTER_OWN},
    {"placement-group-name", "Placement.GroupName"},
    {"placement-partition-number", "Placement.PartitionNumber"},
    {"platform", "Platform"},
    {"platform-details", "PlatformDetails"},
    {"private-dns-name", "PrivateDnsName"},
    {"private-dns-name-options.enable-resource-name-dns-a-record",
     "PrivateDnsNameOptions.EnableResourceNameDnsARecord"},
    {"private-dns-name-options.enable-resource-name-dns-aaaa-record",
     "PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord"},
    {"private-dns-name-options.hostname-type", "PrivateDnsNameOptions.HostnameType"},
    {"private-ip-address", "PrivateIpAddress"},
    {"product-code", "ProductCodes.ProductCodeId"},
    {"product-code.type", "ProductCodes.ProductCodeType"},
    {"ramdisk-id", "RamdiskId"},
    {"reason", "StateTransitionReason"},
    {"requester-id", NEVER},
    {"reservation-id", API_FILTER_OWN},
    {"root-device-name", "RootDeviceName"},
    {"root-device-type", "RootDeviceType"},
    {"source-dest-check", "SourceDestCheck"},
    {"spot-instance-request-id", "SpotInstanceRequestId"},
    {"state-reason-code", "StateReason.Code"},
    {"state-reason-message", "StateReason.Message"},
    {"subnet-id", "SubnetId"},
    {"tenancy", "Placement.Tenancy"},
    {"tpm-support", "TpmSupport"},
    {"usage-operation", "UsageOperation"},
    {"usage-operation-update-time", "UsageOperationUpdateTime"},
    {"virtualization-type", "VirtualizationType"},
    {"vpc-id", "VpcId"},
    {"tag", API_FILTER_TAGS},
};

static struct str
state_name(const void *row)
{
    int64_t state = ((const struct ec2_instance_row *)row)->state;

    assert(state >= 0 && state < ec2_instance_sm.n_states);
    return str_from(ec2_instance_sm.states[state].name);
}

#define COLUMN(filter, member)                                                                     \
    {                                                                                              \
        .name = filter, .offset = offsetof(struct ec2_instance_row, member)                        \
    }
static const struct api_filter_column instance_columns[] = {
    {.name = "instance-state-name", .text = state_name},
    COLUMN("architecture", architecture),
    COLUMN("availability-zone", zone),
    COLUMN("host-id", host_id),
    COLUMN("image-id", image_id),
    COLUMN("instance-id", id),
    COLUMN("instance-type", type),
    COLUMN("ip-address", public_ip),
    COLUMN("key-name", key_name),
    COLUMN("owner-id", account),
    COLUMN("private-ip-address", private_ip),
    COLUMN("reservation-id", reservation_id),
    COLUMN("subnet-id", subnet_id),
    COLUMN("tag", tags),
    COLUMN("vpc-id", vpc_id),
};

const struct api_filter_table ec2_instance_filter_table =
    API_FILTER_TABLE_OF_ROWS(ec2_service, EC2_SHAPE_Instance, instance_filters, instance_columns);

/* Whether a key (first is 0) or a value (1) of the interface's tags passes. */
static bool
interface_tags_pass(struct api_call *call, const struct api_filter_set *set, const char *name,
                    const struct ec2_instance_row *row, size_t first)
{
    const struct ec2_interface_row *interface = ec2_interface_get(call->txn, row->interface_id);

    for (size_t i = first; interface && i < interface->tags.n; i += 2)
        if (api_filter_allows(set, name, interface->tags.v[i]))
            return true;
    return false;
}

static bool
profile_name_passes(struct api_call *call, const struct api_filter_set *set,
                    const struct ec2_instance_row *row)
{
    const struct ec2_profile_association_row *association =
        ec2_profile_association_by_instance_get(call->txn, row->id);

    return association &&
           api_filter_allows(set, "iam-instance-profile.name", ec2_profile_name(association));
}

/* Filters whose fact is not in the reply, and those that a row tells by itself. */
static bool
row_passes(struct api_call *call, const struct ec2_FilterList *filters,
           const struct api_filter_set *set, const struct ec2_instance_row *row)
{
    if (!api_filter_row_passes(set, row))
        return false;
    if (!api_filter_has_others(set))
        return true;
    if (ec2_filter_given(filters, "iam-instance-profile.name") &&
        !profile_name_passes(call, set, row))
        return false;
    if (ec2_filter_given(filters, "network-interface.tag-key") &&
        !interface_tags_pass(call, set, "network-interface.tag-key", row, 0))
        return false;
    return !ec2_filter_given(filters, "network-interface.tag-value") ||
           interface_tags_pass(call, set, "network-interface.tag-value", row, 1);
}

/* ---- DescribeInstances ---- */

enum { SCRATCH_BYTES_MAX = 1 << 20 };

/* Whether the instance passes; its reply is built where it is forgotten again. */
static bool
passes(struct api_call *call, const struct ec2_FilterList *filters, struct ec2_instance_walk *walk,
       struct arena *scratch, const struct ec2_instance_row *row)
{
    struct api_call aside = *call;
    struct ec2_instance_shower shower;
    struct ec2_Instance instance;
    const struct api_filter_set *set = &walk->listing.filters;

    if (!filters->n)
        return true;
    if (!row_passes(call, filters, set, row))
        return false;
    if (!api_filter_has_others(set))
        return true;
    walk->work += INSTANCE_WALK_REPLY_WORK;
    arena_reset(scratch);
    aside.arena = scratch;
    ec2_instance_shower_init(&shower, &aside);
    ec2_instance_show(&shower, row, &instance);
    return api_filter_match(set, &instance);
}

/* The instances of a reservation, shown while the reply is written. */
struct shown_instances {
    struct api_maker maker;
    struct ec2_instance_shower *shower;
    const struct ec2_instance_row *const *rows, *const *end; /* end: of all reservations */
};

static void
make_instance(struct api_maker *maker, size_t i, struct arena *scratch, void *element)
{
    struct shown_instances *shown = CONTAINER_OF(maker, struct shown_instances, maker);
    const struct ec2_instance_row *const *row = shown->rows + i;

    assert(i < maker->n && row < shown->end);
    ec2_instance_show_hint(shown->shower->call->txn, row, (size_t)(shown->end - row));
    shown->shower->arena = scratch;
    ec2_instance_show(shown->shower, *row, element);
}

/* Those at the front of the rows that belong to one reservation. */
static void
show_reservation(struct api_call *call, struct ec2_instance_shower *shower,
                 const struct ec2_instance_row *const *rows,
                 const struct ec2_instance_row *const *end, struct ec2_Reservation *to)
{
    struct shown_instances *shown = ARENA_NEW(call->arena, struct shown_instances);

    *shown = (struct shown_instances){
        .maker.make = make_instance, .shower = shower, .rows = rows, .end = end};
    to->reservation_id = rows[0]->reservation_id;
    to->owner_id = rows[0]->account;
    API_PRESENT(&to->groups);
    while (rows + shown->maker.n < end &&
           str_eq(rows[shown->maker.n]->reservation_id, to->reservation_id))
        shown->maker.n++;
    to->instances.v = (void *)&shown->maker;
    to->instances.n = API_MADE;
}

/* For a caller who reads the reply instead of writing it. */
static void
make_all(struct api_call *call, struct ec2_InstanceList *list)
{
    struct api_maker *maker = (void *)list->v;

    list->n = maker->n;
    list->v = ARENA_ARRAY(call->arena, struct ec2_Instance, maker->n);
    for (size_t i = 0; i < list->n; i++)
        maker->make(maker, i, call->arena, &list->v[i]);
}

static void
collect_rows(struct api_call *call, const struct ec2_FilterList *filters,
             struct ec2_instance_walk *walk, struct ec2_instance_rows *ret)
{
    const struct ec2_instance_row *row;
    struct arena scratch;

    arena_init(&scratch, SCRATCH_BYTES_MAX);
    while ((row = ec2_instance_walk_next(walk)))
        if (passes(call, filters, walk, &scratch, row) && ec2_instance_walk_take(walk, row))
            *LIST_PUSH(call->arena, ret) = row;
    arena_done(&scratch);
}

static void
list_instances(struct api_call *call, const struct ec2_FilterList *filters,
               struct ec2_instance_walk *walk, struct ec2_ReservationList *list)
{
    struct ec2_instance_shower *shower = ARENA_NEW(call->arena, struct ec2_instance_shower);
    struct ec2_instance_rows rows = {0};

    ec2_instance_shower_init(shower, call);
    collect_rows(call, filters, walk, &rows);
    for (size_t i = 0; i < rows.n;) {
        struct ec2_Reservation *to = LIST_PUSH(call->arena, list);

        show_reservation(call, shower, rows.v + i, rows.v + rows.n, to);
        i += ((struct api_maker *)to->instances.v)->n;
        if (!call->streams)
            make_all(call, &to->instances);
    }
}

int
ec2_describe_instances(struct api_call *call, const struct ec2_DescribeInstancesRequest *req,
                       struct ec2_DescribeInstancesResult *res)
{
    const struct ec2_instance_walk_want want = {.table = &ec2_instance_filter_table,
                                                .filters = &req->filters,
                                                .ids = &req->instance_ids,
                                                .token = req->next_token,
                                                .max_results = req->max_results};
    struct ec2_instance_walk walk;
    int r = ec2_instance_walk(call, &want, &walk);

    /* IncludeManagedResources asks for more than what is: nothing here is managed by a service. */
    if (r)
        return r;
    API_PRESENT(&res->reservations);
    list_instances(call, &req->filters, &walk, &res->reservations);
    res->next_token = ec2_listing_next(call, &walk.listing);
    return 0;
}
