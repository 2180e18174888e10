/*
 * An instance's row as the API shows it.
 *
 * Describing ten thousand instances must cost about as much as printing them.  So one piece of
 * memory holds all that an instance's answer points to, texts that never differ are shared, and
 * what neighbours usually have in common (groups, reservation, VPC, zone) is kept from the last.
 */
#include "ec2/instance.h"

#define SHARED(type, name, ...) static struct type name = {__VA_ARGS__}

SHARED(ec2_EnclaveOptions, no_enclave, .enabled = {false, true});
SHARED(ec2_HibernationOptions, no_hibernation, .configured = {false, true});
SHARED(ec2_HibernationOptions, hibernation, .configured = {true, true});
SHARED(ec2_OperatorResponse, not_managed, .managed = {false, true});
SHARED(ec2_Monitoring, monitoring_off, .state = S_INIT("disabled"));
SHARED(ec2_Monitoring, monitoring_on, .state = S_INIT("enabled"));
SHARED(ec2_CapacityReservationSpecificationResponse, capacity_open,
       .capacity_reservation_preference = S_INIT("open"));
SHARED(ec2_InstanceNetworkPerformanceOptions, bandwidth_default,
       .bandwidth_weighting = S_INIT("default"));

/* What neighbours usually have in common: then they point to the same. */
struct ec2_instance_options {
    struct ec2_InstanceState state;
    struct ec2_Placement placement;
    struct ec2_CpuOptions cpu;
    struct ec2_InstanceMetadataOptionsResponse metadata;
    struct ec2_PrivateDnsNameOptionsResponse dns;
    struct ec2_InstanceMaintenanceOptions maintenance;
};

enum { OPTIONS_MAX = 64 }; /* of one call that are kept */

/* All that one answer points to; what it does not point to is raw. */
struct shown {
    struct ec2_StateReason reason;
    struct ec2_InstanceBlockDeviceMapping device;
    struct ec2_EbsInstanceBlockDevice ebs;
    struct ec2_InstanceNetworkInterface interface;
    struct ec2_InstanceNetworkInterfaceAttachment attachment;
    struct ec2_InstanceNetworkInterfaceAssociation association;
    struct ec2_InstancePrivateIpAddress address;
    struct ec2_IamInstanceProfile profile;
    struct ec2_CapacityReservationSpecificationResponse capacity;
    struct ec2_CapacityReservationTargetResponse target;
};

void
ec2_instance_shower_init(struct ec2_instance_shower *s, struct api_call *call)
{
    bool first = str_is(call->region, "us-east-1");

    *s = (struct ec2_instance_shower){
        .call = call, .arena = call->arena, .region = ec2_region_find(call->region)};
    s->has_profiles = store_count(call->txn, &ec2_profile_association_table) > 0;
    STORE_EACH(call->txn, ec2_volume_by_data, volume, true) {
        s->has_data_volumes = true;
        break;
    }
    s->dns_private =
        first ? S("ec2.internal") : str_cat(call->arena, call->region, S(".compute.internal"));
    s->dns_public = first ? S("compute-1.amazonaws.com")
                          : str_cat(call->arena, call->region, S(".compute.amazonaws.com"));
}

struct ec2_InstanceState
ec2_instance_state_show(int64_t state)
{
    assert(state >= 0 && state < ec2_instance_sm.n_states);
    const struct sm_state *s = &ec2_instance_sm.states[state];

    return (struct ec2_InstanceState){.code = opt_i64(s->code), .name = str_from(s->name)};
}

struct ec2_InstanceMetadataOptionsResponse
ec2_metadata_show(const struct ec2_instance_row *row, const char *state)
{
    return (struct ec2_InstanceMetadataOptionsResponse){
        .state = str_from(state),
        .http_tokens = row->imds_tokens,
        .http_put_response_hop_limit = opt_i64(row->imds_hop_limit),
        .http_endpoint = row->imds_endpoint,
        .http_protocol_ipv6 = row->imds_ipv6,
        .instance_metadata_tags = row->imds_tags,
    };
}

/* prefix + address with '-' for '.' + '.' + domain: printf would be a third of the whole cost. */
static struct str
dns_name(struct arena *a, struct str prefix, struct str ip, struct str domain)
{
    assert(ip.n > 0 && domain.n > 0);
    size_t n = prefix.n + ip.n + 1 + domain.n;
    char *out = arena_alloc_raw(a, n), *p = out;

    memcpy(p, prefix.p, prefix.n);
    p += prefix.n;
    for (size_t i = 0; i < ip.n; i++)
        *p++ = ip.p[i] == '.' ? '-' : ip.p[i];
    *p++ = '.';
    memcpy(p, domain.p, domain.n);
    return str_of(out, n);
}

static struct str
private_name(struct ec2_instance_shower *s, const struct ec2_instance_row *row)
{
    if (!row->private_ip.n)
        return S("");
    if (str_is(row->hostname_type, "resource-name"))
        return dns_name(s->arena, S(""), row->id, s->dns_private);
    return dns_name(s->arena, S("ip-"), row->private_ip, s->dns_private);
}

static struct str
public_name(struct ec2_instance_shower *s, const struct ec2_instance_row *row)
{
    if (!row->public_ip.n)
        return S("");
    if (!str_eq(s->vpc_id, row->vpc_id)) {
        const struct ec2_vpc_row *vpc = ec2_vpc_get(s->call->txn, row->vpc_id);

        s->vpc_id = row->vpc_id;
        s->vpc_hostnames = vpc && vpc->dns_hostnames;
    }
    return s->vpc_hostnames ? dns_name(s->arena, S("ec2-"), row->public_ip, s->dns_public) : S("");
}

static struct ec2_GroupIdentifierList
groups(struct ec2_instance_shower *s, const struct str_list *ids)
{
    if (!s->groups.v || !str_list_eq(&s->group_ids, ids)) {
        s->group_ids = *ids;
        s->groups = ec2_groups_show(s->call, ids);
    }
    return s->groups;
}

static struct str
client_token(struct ec2_instance_shower *s, const struct ec2_instance_row *row)
{
    if (!str_eq(s->reservation_id, row->reservation_id)) {
        const struct ec2_reservation_row *r =
            ec2_reservation_get(s->call->txn, row->reservation_id);

        s->reservation_id = row->reservation_id;
        s->client_token = r ? r->client_token : S("");
    }
    return s->client_token;
}

struct str
ec2_instance_zone_id(struct ec2_instance_shower *s, struct str zone)
{
    if (s->zone_id.p && str_eq(s->zone, zone))
        return s->zone_id;
    for (unsigned i = 0; s->region && i < s->region->n_zones; i++) {
        struct ec2_zone z = ec2_region_zone(s->call->arena, s->region, i);

        if (str_eq(z.name, zone)) {
            s->zone = zone;
            return s->zone_id = z.id;
        }
    }
    return STR_NONE;
}

static struct str
placement_group(struct ec2_instance_shower *s, struct str id)
{
    if (!str_eq(s->placement_group_id, id)) {
        const struct ec2_placement_group_row *group = ec2_placement_group_get(s->call->txn, id);

        s->placement_group_id = id;
        /* of a terminated instance it may be gone */
        s->placement_group = group ? group->name : S("");
    }
    return s->placement_group;
}

static void
show_device(const struct ec2_volume_row *volume, struct ec2_InstanceBlockDeviceMapping *device,
            struct ec2_EbsInstanceBlockDevice *ebs)
{
    assert(volume->attached_ms > 0 && volume->device.n > 0);
    *ebs = (struct ec2_EbsInstanceBlockDevice){
        .attach_time = opt_i64(volume->attached_ms),
        .delete_on_termination = opt_bool(volume->delete_on_termination),
        .status = volume->attach_state.n ? volume->attach_state : S("attached"),
        .volume_id = volume->id,
        .ebs_card_index = opt_i64(0),
    };
    *device = (struct ec2_InstanceBlockDeviceMapping){.device_name = volume->device, .ebs = ebs};
}

static struct ec2_InstanceBlockDeviceMappingList
block_devices(struct txn *txn, struct arena *arena, const struct ec2_instance_row *row)
{
    struct ec2_InstanceBlockDeviceMappingList list = {0};
    const struct ec2_volume_row *root =
        row->root_volume_id.n ? ec2_volume_get(txn, row->root_volume_id) : NULL;

    if (root)
        show_device(root, LIST_PUSH(arena, &list),
                    ARENA_NEW(arena, struct ec2_EbsInstanceBlockDevice));
    STORE_EACH(txn, ec2_volume_by_instance, volume, row->id)
        if (volume->is_data)
            show_device(volume, LIST_PUSH(arena, &list),
                        ARENA_NEW(arena, struct ec2_EbsInstanceBlockDevice));
    API_PRESENT(&list);
    return list;
}

struct ec2_InstanceBlockDeviceMappingList
ec2_block_devices_show(struct api_call *call, const struct ec2_instance_row *row)
{
    return block_devices(call->txn, call->arena, row);
}

/* Most clouds have roots alone, for which there is room beside an instance. */
static void
show_volumes(struct ec2_instance_shower *s, const struct ec2_instance_row *row, struct shown *to,
             struct ec2_Instance *out)
{
    const struct ec2_volume_row *root;

    if (s->has_data_volumes) {
        out->block_device_mappings = block_devices(s->call->txn, s->arena, row);
        return;
    }
    root = row->root_volume_id.n ? ec2_volume_get(s->call->txn, row->root_volume_id) : NULL;
    if (root) {
        show_device(root, &to->device, &to->ebs);
        out->block_device_mappings.v = &to->device;
        out->block_device_mappings.n = 1;
    }
    API_PRESENT(&out->block_device_mappings);
}

static void
show_profile(struct ec2_instance_shower *s, const struct ec2_instance_row *row, struct shown *to,
             struct ec2_Instance *out)
{
    const struct ec2_profile_association_row *association =
        s->has_profiles ? ec2_profile_association_by_instance_get(s->call->txn, row->id) : NULL;

    if (!association)
        return;
    to->profile = (struct ec2_IamInstanceProfile){.arn = association->profile_arn,
                                                  .id = association->profile_id};
    out->iam_instance_profile = &to->profile;
}

static void
show_association(const struct ec2_instance_row *row, const struct ec2_interface_row *interface,
                 struct ec2_Instance *out, struct shown *to)
{
    assert(str_eq(interface->public_ip, row->public_ip));
    if (!interface->public_ip.n)
        return;
    to->association = (struct ec2_InstanceNetworkInterfaceAssociation){
        .ip_owner_id = interface->address_id.n ? interface->account : S("amazon"),
        .public_dns_name = out->public_dns_name,
        .public_ip = row->public_ip,
    };
    to->interface.association = &to->association;
    to->address.association = &to->association;
}

/* Nearly all say nothing, and share an answer. */
static void
show_capacity(const struct ec2_instance_row *row, struct shown *to, struct ec2_Instance *out)
{
    out->capacity_reservation_specification = &capacity_open;
    out->capacity_reservation_id = ec2_text_show(row->capacity_reservation_id);
    if (!row->capacity_target.n && !row->capacity_preference.n)
        return;
    to->capacity = (struct ec2_CapacityReservationSpecificationResponse){0};
    if (row->capacity_target.n) {
        to->target = (struct ec2_CapacityReservationTargetResponse){
            .capacity_reservation_id = row->capacity_target};
        to->capacity.capacity_reservation_target = &to->target;
    } else {
        to->capacity.capacity_reservation_preference = row->capacity_preference;
    }
    out->capacity_reservation_specification = &to->capacity;
}

/* An instance's association and addresses say less than an interface's. */
static struct ec2_InstanceNetworkInterfaceAssociation *
association_of(struct arena *arena, const struct ec2_NetworkInterfaceAssociation *a)
{
    struct ec2_InstanceNetworkInterfaceAssociation *out =
        a ? ARENA_NEW(arena, struct ec2_InstanceNetworkInterfaceAssociation) : NULL;

    if (a)
        *out = (struct ec2_InstanceNetworkInterfaceAssociation){
            .ip_owner_id = a->ip_owner_id,
            .public_dns_name = a->public_dns_name,
            .public_ip = a->public_ip,
        };
    return out;
}

static struct ec2_InstanceNetworkInterfaceAttachment *
attachment_of(struct arena *arena, const struct ec2_NetworkInterfaceAttachment *a)
{
    struct ec2_InstanceNetworkInterfaceAttachment *out =
        ARENA_NEW(arena, struct ec2_InstanceNetworkInterfaceAttachment);

    assert(a);
    *out = (struct ec2_InstanceNetworkInterfaceAttachment){
        .attach_time = a->attach_time,
        .attachment_id = a->attachment_id,
        .delete_on_termination = a->delete_on_termination,
        .device_index = a->device_index,
        .status = a->status,
        .network_card_index = a->network_card_index,
    };
    return out;
}

static void
show_one(struct ec2_instance_shower *s, const struct ec2_interface_row *row,
         struct ec2_InstanceNetworkInterface *out)
{
    const struct ec2_NetworkInterface nic = ec2_interface_show(s->call, row);

    *out = (struct ec2_InstanceNetworkInterface){
        .association = association_of(s->arena, nic.association),
        .attachment = attachment_of(s->arena, nic.attachment),
        .description = nic.description,
        .groups = nic.groups,
        .mac_address = nic.mac_address,
        .network_interface_id = nic.network_interface_id,
        .owner_id = nic.owner_id,
        .private_dns_name = nic.private_dns_name,
        .private_ip_address = nic.private_ip_address,
        .source_dest_check = nic.source_dest_check,
        .status = nic.status,
        .subnet_id = nic.subnet_id,
        .vpc_id = nic.vpc_id,
        .interface_type = nic.interface_type,
        .operator= & not_managed,
    };
    API_PRESENT(&out->ipv6_addresses);
    LIST_EACH(&nic.private_ip_addresses, a)
        *LIST_PUSH(s->arena, &out->private_ip_addresses) = (struct ec2_InstancePrivateIpAddress){
            .association = association_of(s->arena, a->association),
            .primary = a->primary,
            .private_dns_name = a->private_dns_name,
            .private_ip_address = a->private_ip_address,
        };
}

/* The few instances that have several interfaces, or several addresses on one. */
static void
show_interfaces(struct ec2_instance_shower *s, const struct ec2_instance_row *row,
                struct ec2_Instance *out)
{
    out->network_interfaces.v = NULL;
    out->network_interfaces.n = 0;
    STORE_EACH(s->call->txn, ec2_interface_by_instance, interface, row->id)
        show_one(s, interface, LIST_PUSH(s->arena, &out->network_interfaces));
}

static void
show_interface(struct ec2_instance_shower *s, const struct ec2_instance_row *row, struct shown *to,
               struct ec2_Instance *out)
{
    const struct ec2_interface_row *interface =
        row->interface_id.n ? ec2_interface_get(s->call->txn, row->interface_id) : NULL;

    API_PRESENT(&out->network_interfaces);
    API_PRESENT(&out->security_groups);
    if (!interface)
        return;
    assert(str_eq(interface->instance_id, row->id) && interface->group_ids.n > 0);
    out->security_groups = groups(s, &interface->group_ids);
    if (row->more_interfaces || interface->more_addresses) {
        show_interfaces(s, row, out);
        return;
    }
    to->attachment = (struct ec2_InstanceNetworkInterfaceAttachment){
        .attach_time = opt_i64(interface->attached_ms),
        .attachment_id = interface->attachment_id,
        .delete_on_termination = opt_bool(interface->delete_on_termination),
        .device_index = opt_i64(interface->device_index),
        .status = S("attached"),
        .network_card_index = opt_i64(0),
    };
    to->address = (struct ec2_InstancePrivateIpAddress){
        .primary = opt_bool(true),
        .private_dns_name = out->private_dns_name,
        .private_ip_address = interface->private_ip,
    };
    to->interface = (struct ec2_InstanceNetworkInterface){
        .attachment = &to->attachment,
        .description = interface->description,
        .groups = out->security_groups,
        .mac_address = interface->mac,
        .network_interface_id = interface->id,
        .owner_id = interface->account,
        .private_dns_name = out->private_dns_name,
        .private_ip_address = interface->private_ip,
        .private_ip_addresses = {.v = &to->address, .n = 1},
        .source_dest_check = opt_bool(interface->source_dest_check),
        .status = interface->status,
        .subnet_id = interface->subnet_id,
        .vpc_id = interface->vpc_id,
        .interface_type = ec2_interface_type_show(interface),
        .operator= & not_managed,
    };
    API_PRESENT(&to->interface.ipv6_addresses);
    show_association(row, interface, out, to);
    out->network_interfaces.v = &to->interface;
    out->network_interfaces.n = 1;
}

static struct str
reboot_migration(const struct ec2_instance_row *row)
{
    return row->reboot_migration.n ? row->reboot_migration : S("default");
}

static bool
same_options(const struct ec2_instance_row *a, const struct ec2_instance_row *b)
{
    return a->state == b->state && a->imds_hop_limit == b->imds_hop_limit &&
           a->core_count == b->core_count && a->threads_per_core == b->threads_per_core &&
           a->dns_a_record == b->dns_a_record && a->partition_number == b->partition_number &&
           str_eq(a->zone, b->zone) && str_eq(a->tenancy, b->tenancy) &&
           str_eq(a->group_id, b->group_id) && str_eq(a->host_id, b->host_id) &&
           str_eq(a->affinity, b->affinity) && str_eq(a->imds_tokens, b->imds_tokens) &&
           str_eq(a->imds_endpoint, b->imds_endpoint) && str_eq(a->imds_ipv6, b->imds_ipv6) &&
           str_eq(a->imds_tags, b->imds_tags) && str_eq(a->hostname_type, b->hostname_type) &&
           str_eq(a->auto_recovery, b->auto_recovery) &&
           str_eq(a->reboot_migration, b->reboot_migration);
}

static void
make_options(struct ec2_instance_shower *s, const struct ec2_instance_row *row,
             struct ec2_instance_options *to)
{
    to->state = ec2_instance_state_show(row->state);
    to->placement = (struct ec2_Placement){
        .availability_zone_id = ec2_instance_zone_id(s, row->zone),
        .group_name = S(""),
        .group_id = ec2_text_show(row->group_id),
        .tenancy = row->tenancy,
        .host_id = ec2_text_show(row->host_id),
        .affinity = ec2_text_show(row->affinity),
        .availability_zone = row->zone,
    };
    if (row->group_id.n)
        to->placement.group_name = placement_group(s, row->group_id);
    if (row->partition_number)
        to->placement.partition_number = opt_i64(row->partition_number);
    to->cpu = (struct ec2_CpuOptions){.core_count = opt_i64(row->core_count),
                                      .threads_per_core = opt_i64(row->threads_per_core)};
    to->metadata = ec2_metadata_show(row, "applied");
    to->dns = (struct ec2_PrivateDnsNameOptionsResponse){
        .hostname_type = row->hostname_type,
        .enable_resource_name_dns_a_record = opt_bool(row->dns_a_record),
        .enable_resource_name_dns_aaaa_record = opt_bool(false),
    };
    to->maintenance = (struct ec2_InstanceMaintenanceOptions){
        .auto_recovery = row->auto_recovery, .reboot_migration = reboot_migration(row)};
}

/* Those of the row before, when they are the same, else new ones. */
static struct ec2_instance_options *
options(struct ec2_instance_shower *s, const struct ec2_instance_row *row)
{
    struct ec2_instance_options *o;

    if (s->options_of && same_options(s->options_of, row)) {
        if (!s->options && s->n_options++ < OPTIONS_MAX) {
            s->options = ARENA_NEW(s->call->arena, struct ec2_instance_options);
            make_options(s, row, s->options);
        }
        if (s->options)
            return s->options;
    } else {
        s->options = NULL;
    }
    s->options_of = row;
    o = ARENA_NEW(s->arena, struct ec2_instance_options);
    make_options(s, row, o);
    return o;
}

/* What has a structure of its own. */
static void
show_options(struct ec2_instance_shower *s, const struct ec2_instance_row *row, struct shown *to,
             struct ec2_Instance *out)
{
    struct ec2_instance_options *o = options(s, row);

    out->state = &o->state;
    out->placement = &o->placement;
    out->cpu_options = &o->cpu;
    out->metadata_options = &o->metadata;
    out->private_dns_name_options = &o->dns;
    out->maintenance_options = &o->maintenance;
    if (row->reason_code.n) {
        to->reason = (struct ec2_StateReason){row->reason_code, row->reason_message};
        out->state_reason = &to->reason;
    }
}

static struct str
boot_mode_now(const struct ec2_instance_row *row)
{
    bool uefi = str_is(row->architecture, "arm64") || str_starts(row->boot_mode, S("uefi"));

    return uefi ? S("uefi") : S("legacy-bios");
}

/*
 * A walk through rows waits for memory more than it works.  Which rows an answer needs is known
 * some answers earlier: each step asks for what the next one finds.
 */
void
ec2_instance_show_hint(struct txn *txn, const struct ec2_instance_row *const *rows, size_t n)
{
    if (n > 3)
        store_hint(&ec2_instance_table, rows[3]);
    if (n > 1) {
        store_hint_key(txn, &ec2_interface_table, rows[1]->interface_id);
        store_hint_key(txn, &ec2_volume_table, rows[1]->root_volume_id);
    }
}

void
ec2_instance_show(struct ec2_instance_shower *s, const struct ec2_instance_row *row,
                  struct ec2_Instance *out)
{
    struct shown *to = arena_alloc_raw(s->arena, sizeof(*to));

    *out = (struct ec2_Instance){
        .architecture = row->architecture,
        .client_token = client_token(s, row),
        .ebs_optimized = opt_bool(row->ebs_optimized),
        .ena_support = ec2_set_show(row->ena_support),
        .sriov_net_support = ec2_text_show(row->sriov_net_support),
        .hypervisor = S("xen"), /* the API's word for Nitro as well */
        .root_device_name = row->root_device_name,
        .root_device_type = S("ebs"),
        .virtualization_type = S("hvm"),
        .hibernation_options = row->hibernation ? &hibernation : &no_hibernation,
        .enclave_options = &no_enclave,
        .boot_mode = ec2_text_show(row->boot_mode),
        .platform_details = S("Linux/UNIX"),
        .usage_operation = S("RunInstances"),
        .usage_operation_update_time = opt_i64(row->first_launched_ms),
        .current_instance_boot_mode = boot_mode_now(row),
        .network_performance_options = &bandwidth_default,
        .operator= & not_managed,
        .instance_id = row->id,
        .image_id = row->image_id,
        .private_dns_name = private_name(s, row),
        .public_dns_name = public_name(s, row),
        .state_transition_reason = row->transition_reason,
        .key_name = ec2_text_show(row->key_name),
        .ami_launch_index = opt_i64(row->launch_index),
        .instance_type = row->type,
        .launch_time = opt_i64(row->launched_ms),
        .monitoring = row->monitoring ? &monitoring_on : &monitoring_off,
        .subnet_id = ec2_text_show(row->subnet_id),
        .vpc_id = ec2_text_show(row->vpc_id),
        .private_ip_address = ec2_text_show(row->private_ip),
        .public_ip_address = ec2_text_show(row->public_ip),
    };
    assert(row->state != EC2_TERMINATED || (!row->interface_id.n && !row->private_ip.n));
    if (row->state != EC2_TERMINATED)
        out->source_dest_check = opt_bool(row->source_dest_check);
    if (row->tags.n)
        out->tags = ec2_tags_show(s->arena, &row->tags);
    API_PRESENT(&out->product_codes);
    show_options(s, row, to, out);
    show_capacity(row, to, out);
    show_profile(s, row, to, out);
    show_volumes(s, row, to, out);
    show_interface(s, row, to, out);
}
