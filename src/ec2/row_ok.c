/*
 * See row_ok.h.  What is about one row only: that rows fit each other is for those who join them.
 * Members that are absent before a row is written and empty afterwards are taken alike.
 */
#include "ec2/row_ok.h"

#include "base/base.h"
#include "codec/aws_names.h"
#include "ec2/capacity.h"
#include "ec2/ec2.h"
#include "ec2/instance.h"

enum {
    ACL_NUMBER_MAX = 32767,
    MAC_CHARS = 17,
    PARTITIONS_MAX = 7,
};

static bool
is_one_of(struct str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(s, names[i]))
            return true;
    return false;
}

#define ONE_OF(s, ...)                                                                             \
    is_one_of((s), (const char *const[]){__VA_ARGS__},                                             \
              ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

/* Keys and values in turn; keys in order, so that none is there twice. */
static bool
tags_ok(const struct str_list *tags)
{
    assert(tags->n % 2 == 0);
    for (size_t i = 2; i < tags->n; i += 2)
        assert(str_cmp(tags->v[i - 2], tags->v[i]) < 0);
    return true;
}

static bool
owner_ok(struct str id, const char *prefix, struct str account, struct str region)
{
    assert(str_starts(id, str_from(prefix)) && id.n > strlen(prefix));
    assert(aws_is_account(account));
    assert(region.n > 0);
    return true;
}

/* A place in a state: where it runs, what it holds. */
static bool
instance_state_ok(const struct ec2_instance_row *row)
{
    switch ((enum ec2_instance_state)row->state) {
    case EC2_PENDING:
    case EC2_RUNNING: /* without a host when the row is older than placement and there is no room */
    case EC2_STOPPING:
    case EC2_SHUTTING_DOWN:
        break;
    case EC2_STOPPED:
        assert(row->host.n == 0 && row->capacity_reservation_id.n == 0);
        break;
    case EC2_TERMINATED:
        assert(row->host.n == 0 && row->terminated_ms > 0);
        assert(row->interface_id.n == 0 && row->root_volume_id.n == 0);
        assert(row->private_ip.n == 0 && row->public_ip.n == 0);
        assert(row->vpc_id.n == 0 && row->subnet_id.n == 0);
        assert(row->capacity_reservation_id.n == 0);
        return true;
    }
    assert(row->terminated_ms == 0 && row->uid_slot > 0);
    assert(row->vpc_id.n > 0 && row->subnet_id.n > 0);
    assert(row->interface_id.n > 0 && row->private_ip.n > 0);
    return true;
}

bool
ec2_instance_ok(const struct ec2_instance_row *row)
{
    assert(owner_ok(row->id, "i-", row->account, row->region));
    assert(row->state >= 0 && row->state < ec2_instance_sm.n_states);
    assert(row->reservation_id.n > 0 && row->launch_index >= 0);
    assert(row->launch_index < INSTANCE_RUN_MAX);
    assert(row->start_generation >= 1 && row->reboot_generation >= 0);
    assert(row->type.n > 0 && row->vcpus > 0 && row->memory_mib > 0);
    assert(row->core_count > 0 && row->threads_per_core > 0);
    assert(row->zone.n > row->region.n && str_starts(row->zone, row->region));
    assert(!row->host.n || str_starts(row->host, row->zone));
    assert(ONE_OF(row->tenancy, "default", "dedicated", "host"));
    assert(!row->host_id.n || str_is(row->tenancy, "host"));
    assert(row->partition_number >= 0 && (!row->partition_number || row->group_id.n));
    assert(ONE_OF(row->shutdown_behavior, "stop", "terminate"));
    assert(ONE_OF(row->imds_tokens, "optional", "required"));
    assert(ONE_OF(row->imds_endpoint, "enabled", "disabled"));
    assert(row->imds_hop_limit >= 1 && row->imds_hop_limit <= INSTANCE_HOP_LIMIT_MAX);
    assert(!row->cpu_credits.n || ONE_OF(row->cpu_credits, "standard", "unlimited"));
    assert(row->user_data.n <= INSTANCE_USER_DATA_BYTES_MAX);
    assert(!row->hibernated || row->hibernation);
    assert(tags_ok(&row->tags));
    return instance_state_ok(row);
}

bool
ec2_interface_ok(const struct ec2_interface_row *row)
{
    assert(owner_ok(row->id, "eni-", row->account, row->region));
    assert(row->vpc_id.n > 0 && row->subnet_id.n > 0);
    assert(str_starts(row->zone, row->region));
    assert(row->mac.n == MAC_CHARS && row->private_ip.n > 0);
    assert(ONE_OF(row->status, "available", "in-use", "attaching", "detaching"));
    assert(!row->instance_id.n || (row->attachment_id.n && !str_is(row->status, "available")));
    assert(!row->attachment_id.n || row->attached_ms > 0);
    assert(row->device_index >= 0);
    assert(!row->address_id.n || row->public_ip.n);
    assert(row->group_ids.n <= EC2_GROUPS_PER_INTERFACE_MAX);
    return tags_ok(&row->tags);
}

bool
ec2_volume_ok(const struct ec2_volume_row *row)
{
    bool attached = row->instance_id.n > 0;

    assert(owner_ok(row->id, "vol-", row->account, row->region));
    assert(str_starts(row->zone, row->region));
    assert(row->size_gib > 0 && row->iops >= 0 && row->throughput >= 0 && row->type.n > 0);
    assert(ONE_OF(row->state, "creating", "available", "in-use", "error"));
    assert(ONE_OF(row->attach_state, "", "attaching", "detaching"));
    assert(attached || !row->attach_state.n);
    assert(!attached || row->is_data || !row->attach_state.n);
    assert(attached == str_is(row->state, "in-use"));
    assert(attached == (row->device.n > 0) && attached == (row->attached_ms > 0));
    assert(row->encrypted || !row->kms_key_id.n);
    assert(row->encrypted || (!row->data_key.n && !row->plain_key.n && !row->grant_id.n));
    assert(!row->plain_key.n || (attached && row->data_key.n));
    return tags_ok(&row->tags);
}

bool
ec2_snapshot_ok(const struct ec2_snapshot_row *row)
{
    assert(owner_ok(row->id, "snap-", row->account, row->region));
    assert(row->size_gib > 0 && row->volume_id.n > 0 && row->content.n > 0);
    assert(ONE_OF(row->state, "pending", "completed", "error"));
    assert(str_is(row->state, "completed") == (row->completed_ms > 0));
    assert(row->encrypted == (row->data_key.n > 0) && row->encrypted == (row->kms_key_id.n > 0));
    assert(!row->encrypted || !row->is_public);
    assert((row->rootfs.n > 0) == (row->architecture.n > 0));
    assert(!row->reboot_generation || row->instance_id.n);
    return tags_ok(&row->tags);
}

bool
ec2_modification_ok(const struct ec2_volume_modification_row *row)
{
    assert(owner_ok(row->id, "vol-", row->account, row->region));
    assert(ONE_OF(row->state, "modifying", "optimizing", "completed"));
    assert(row->from_size_gib > 0 && row->size_gib >= row->from_size_gib);
    assert(row->type.n > 0 && row->from_type.n > 0);
    assert(str_is(row->state, "completed") == (row->ended_ms > 0));
    return true;
}

bool
ec2_address_ok(const struct ec2_address_row *row)
{
    assert(owner_ok(row->id, "eipalloc-", row->account, row->region));
    assert(row->public_ip.n > 0);
    assert((row->association_id.n > 0) == (row->interface_id.n > 0));
    assert((row->association_id.n > 0) == (row->private_ip.n > 0));
    assert(!row->ptr_record.n || str_ends(row->ptr_record, S(".")));
    return tags_ok(&row->tags);
}

bool
ec2_vpc_ok(const struct ec2_vpc_row *row)
{
    assert(owner_ok(row->id, "vpc-", row->account, row->region));
    assert(row->number > 0 && row->cidr.n > 0);
    assert(ONE_OF(row->tenancy, "default", "dedicated"));
    assert((row->main_route_table_id.n > 0) == (row->main_association_id.n > 0));
    return tags_ok(&row->tags);
}

bool
ec2_subnet_ok(const struct ec2_subnet_row *row)
{
    assert(owner_ok(row->id, "subnet-", row->account, row->region));
    assert(row->vpc_id.n > 0 && row->cidr.n > 0);
    assert(str_starts(row->zone, row->region) && row->zone_id.n > 0);
    assert((row->route_table_id.n > 0) == (row->route_association_id.n > 0));
    assert((row->network_acl_id.n > 0) == (row->acl_association_id.n > 0));
    return tags_ok(&row->tags);
}

bool
ec2_route_table_ok(const struct ec2_route_table_row *row)
{
    assert(owner_ok(row->id, "rtb-", row->account, row->region));
    assert(row->vpc_id.n > 0);
    assert((row->client_token.n > 0) <= (row->request_hash.n > 0));
    return tags_ok(&row->tags);
}

bool
ec2_route_ok(const struct ec2_route_row *row)
{
    assert(str_starts(row->id, row->route_table_id));
    assert(str_ends(row->id, row->cidr) && row->cidr.n > 0);
    assert(row->id.n == row->route_table_id.n + 1 + row->cidr.n);
    assert(row->serial > 0);
    return true;
}

bool
ec2_internet_gateway_ok(const struct ec2_internet_gateway_row *row)
{
    assert(owner_ok(row->id, "igw-", row->account, row->region));
    return tags_ok(&row->tags);
}

bool
ec2_network_acl_ok(const struct ec2_network_acl_row *row)
{
    assert(owner_ok(row->id, "acl-", row->account, row->region));
    assert(row->vpc_id.n > 0);
    return tags_ok(&row->tags);
}

bool
ec2_acl_entry_ok(const struct ec2_acl_entry_row *row)
{
    assert(str_starts(row->id, row->acl_id) && row->acl_id.n > 0);
    assert(row->number >= 1 && row->number <= ACL_NUMBER_MAX);
    assert(row->protocol >= -1 && row->protocol <= 255);
    assert((row->cidr4.n > 0) != (row->cidr6.n > 0));
    assert(row->from_port >= -1 && row->to_port >= -1);
    return true;
}

bool
ec2_dhcp_options_ok(const struct ec2_dhcp_options_row *row)
{
    assert(owner_ok(row->id, "dopt-", row->account, row->region));
    assert(row->netbios_type >= 0 && row->netbios_type <= 8);
    return tags_ok(&row->tags);
}

bool
ec2_security_group_ok(const struct ec2_security_group_row *row)
{
    assert(owner_ok(row->id, "sg-", row->account, row->region));
    assert(row->vpc_id.n > 0 && row->number > 0);
    assert(row->name.n > 0 && row->name.n == row->name_lower.n);
    assert(row->description.n > 0);
    return tags_ok(&row->tags);
}

bool
ec2_sg_rule_ok(const struct ec2_sg_rule_row *row)
{
    int peers = (row->cidr4.n > 0) + (row->cidr6.n > 0) + (row->prefix_list_id.n > 0) +
                (row->peer_group_id.n > 0);

    assert(owner_ok(row->id, "sgr-", row->account, row->region));
    assert(row->group_id.n > 0 && row->serial >= 1);
    assert(peers == 1);
    assert(row->protocol.n > 0);
    assert(row->from_port >= -1 && row->to_port >= -1);
    assert(row->from_port <= 65535 && row->to_port <= 65535);
    return tags_ok(&row->tags);
}

bool
ec2_key_pair_ok(const struct ec2_key_pair_row *row)
{
    assert(owner_ok(row->id, "key-", row->account, row->region));
    assert(row->name.n > 0 && row->fingerprint.n > 0 && row->public_key.n > 0);
    assert(ONE_OF(row->type, "rsa", "ed25519"));
    return tags_ok(&row->tags);
}

bool
ec2_image_ok(const struct ec2_image_row *row)
{
    assert(str_starts(row->id, S("ami-")) && aws_is_account(row->account));
    assert(row->name.n > 0 && row->state.n > 0);
    assert(row->volume_size_gib >= 0);
    assert(!row->init.n || ONE_OF(row->init, "welkin", "systemd", "none"));
    return tags_ok(&row->tags);
}

bool
ec2_launch_template_ok(const struct ec2_launch_template_row *row)
{
    assert(owner_ok(row->id, "lt-", row->account, row->region));
    assert(row->name.n > 0 && row->created_ms > 0);
    assert(row->default_version > 0 && row->default_version <= row->latest_version);
    assert(row->latest_version <= row->last_version);
    assert(row->versions > 0 && row->versions <= row->latest_version);
    return tags_ok(&row->tags);
}

bool
ec2_launch_template_version_ok(const struct ec2_launch_template_version_row *row)
{
    assert(str_starts(row->id, row->template_id) && row->id.n > row->template_id.n + 1);
    assert(str_starts(row->template_id, S("lt-")));
    assert(row->number > 0 && row->created_ms > 0);
    assert(row->data.n >= 2 && row->data.p[0] == '{');
    return true;
}

bool
ec2_placement_group_ok(const struct ec2_placement_group_row *row)
{
    bool parts = str_is(row->strategy, "partition"), spreads = str_is(row->strategy, "spread");

    assert(owner_ok(row->id, "pg-", row->account, row->region));
    assert(row->name.n > 0 && ONE_OF(row->strategy, "cluster", "spread", "partition"));
    assert(parts == (row->partition_count > 0) && row->partition_count <= PARTITIONS_MAX);
    assert(spreads || !row->spread_level.n);
    return tags_ok(&row->tags);
}

bool
ec2_dedicated_host_ok(const struct ec2_dedicated_host_row *row)
{
    assert(owner_ok(row->id, "h-", row->account, row->region));
    assert(str_starts(row->zone, row->region));
    assert(!row->host.n || str_starts(row->host, row->zone));
    assert(!row->released_ms || !row->host.n);
    assert(row->instance_type.n || row->instance_family.n);
    assert(ONE_OF(row->auto_placement, "on", "off"));
    assert(!row->host_recovery.n || ONE_OF(row->host_recovery, "on", "off"));
    return tags_ok(&row->tags);
}

bool
ec2_host_reservation_ok(const struct ec2_host_reservation_row *row)
{
    assert(owner_ok(row->id, "hr-", row->account, row->region));
    assert(row->offering_id.n > 0 && row->family.n > 0);
    assert(ONE_OF(row->payment, "NoUpfront", "PartialUpfront", "AllUpfront"));
    assert(row->duration_s > 0 && row->hourly_mills >= 0 && row->upfront_mills >= 0);
    return tags_ok(&row->tags);
}

bool
ec2_capacity_reservation_ok(const struct ec2_capacity_reservation_row *row)
{
    assert(owner_ok(row->id, "cr-", row->account, row->region));
    assert(str_starts(row->zone, row->region) && row->type.n > 0);
    assert(row->total > 0 && row->hosts.n <= (size_t)row->total);
    assert(ONE_OF(row->tenancy, "default", "dedicated"));
    assert(ONE_OF(row->match, "open", "targeted"));
    assert(row->end_ms >= 0 && row->ended_ms >= 0);
    return tags_ok(&row->tags);
}

bool
ec2_profile_association_ok(const struct ec2_profile_association_row *row)
{
    assert(owner_ok(row->id, "iip-assoc-", row->account, row->region));
    assert(row->instance_id.n > 0 && row->profile_id.n > 0 && row->profile_arn.n > 0);
    return true;
}

bool
ec2_event_ok(const struct ec2_event_row *row)
{
    assert(owner_ok(row->id, "instance-event-", row->account, row->region));
    assert(row->instance_id.n > 0 && ec2_event_code_ok(row->code));
    assert(row->not_before_ms <= row->not_after_ms);
    assert(!row->deadline_ms || row->deadline_ms >= row->not_before_ms);
    assert(row->active == (row->ended_ms == 0));
    return true;
}
