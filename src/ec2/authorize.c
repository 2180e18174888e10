/*
 * What policies may ask of EC2's things: whose they are, their tags, their condition keys; and the
 * decisions of RunInstances, which uses and makes many things at once.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
#include "api/authorize.h"
#include "ec2/instance.h"
#include "ec2/network.h"

static void
key(struct api_call *call, struct api_resource *r, const char *name, struct str value)
{
    assert(strncmp(name, "ec2:", 4) == 0);
    if (value.n)
        api_context_add(call, &r->keys, str_from(name), value);
}

static void
key_flag(struct api_call *call, struct api_resource *r, const char *name, bool on)
{
    key(call, r, name, on ? S("true") : S("false"));
}

static void
key_number(struct api_call *call, struct api_resource *r, const char *name, int64_t v)
{
    key(call, r, name, str_fmt(call->arena, "%lld", (long long)v));
}

static struct str
arn(struct api_call *call, const char *type, struct str id)
{
    assert(id.n > 0);
    return str_fmt(call->arena, "arn:aws:ec2:%.*s:%.*s:%s/%.*s", STR_ARG(call->region),
                   STR_ARG(call->account), type, STR_ARG(id));
}

/* Things of another account or region do not exist, and nothing is known of them. */
#define MINE(call, row) ((row) && ec2_mine((call), (row)->account, (row)->region))

/* ---- a thing of each type ---- */

/* Keys of an instance that is there and of one that a launch would make. */
static void
instance_keys(struct api_call *call, const struct ec2_instance_row *row, struct api_resource *r)
{
    key(call, r, "ec2:AvailabilityZone", row->zone);
    key_flag(call, r, "ec2:EbsOptimized", row->ebs_optimized);
    key(call, r, "ec2:InstanceType", row->type);
    key(call, r, "ec2:RootDeviceType", S("ebs"));
    key(call, r, "ec2:Tenancy", row->tenancy);
    key(call, r, "ec2:MetadataHttpTokens", row->imds_tokens);
    key(call, r, "ec2:MetadataHttpEndpoint", row->imds_endpoint);
    key_number(call, r, "ec2:MetadataHttpPutResponseHopLimit", row->imds_hop_limit);
}

static void
find_instance(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_instance_row *row = ec2_instance_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:InstanceID", row->id);
    instance_keys(call, row, r);
    const struct ec2_profile_association_row *association =
        ec2_profile_association_by_instance_get(call->txn, row->id);
    if (association)
        key(call, r, "ec2:InstanceProfile", association->profile_arn);
}

static void
find_image(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_image_row *row = ec2_image_get(call->txn, id);

    if (!row || !ec2_image_visible(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:ImageID", row->id);
    key(call, r, "ec2:ImageType", S("machine"));
    key(call, r, "ec2:Owner", row->owner_alias.n ? row->owner_alias : row->account);
    key_flag(call, r, "ec2:Public", row->is_public);
    key(call, r, "ec2:RootDeviceType", S("ebs"));
}

static void
find_volume(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_volume_row *row = ec2_volume_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:VolumeID", row->id);
    key(call, r, "ec2:AvailabilityZone", row->zone);
    key_flag(call, r, "ec2:Encrypted", row->encrypted);
    key_number(call, r, "ec2:VolumeIops", row->iops);
    key_number(call, r, "ec2:VolumeSize", row->size_gib);
    key(call, r, "ec2:VolumeType", row->type);
    key_number(call, r, "ec2:VolumeThroughput", row->throughput);
}

static void
find_snapshot(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_snapshot_row *row = ec2_snapshot_get(call->txn, id);

    if (!row || !ec2_snapshot_visible(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:SnapshotID", row->id);
    key(call, r, "ec2:Owner", row->account);
    key(call, r, "ec2:ParentVolume", arn(call, "volume", row->volume_id));
    key_flag(call, r, "ec2:Encrypted", row->encrypted);
    key_number(call, r, "ec2:VolumeSize", row->size_gib);
}

/* Policies name a key pair by its name, calls also by its id. */
static void
find_key_pair(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_key_pair_row *row =
        ec2_key_pair_by_name_get(call->txn, call->account, call->region, id);

    if (!row)
        row = ec2_key_pair_get(call->txn, id);
    if (!MINE(call, row))
        return;
    r->arn = arn(call, "key-pair", row->name);
    r->tags = &row->tags;
    key(call, r, "ec2:KeyPairName", row->name);
    key(call, r, "ec2:KeyPairType", row->type);
}

/* By id or by name. */
static void
find_launch_template(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_launch_template_row *row = ec2_launch_template_get(call->txn, id);

    if (!row)
        row = ec2_launch_template_by_name_get(call->txn, call->account, call->region, id);
    if (!MINE(call, row))
        return;
    r->arn = arn(call, "launch-template", row->id);
    r->tags = &row->tags;
}

static void
find_vpc(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_vpc_row *row = ec2_vpc_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:VpcID", row->id);
    key(call, r, "ec2:Tenancy", row->tenancy);
}

static void
find_subnet(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_subnet_row *row = ec2_subnet_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:SubnetID", row->id);
    key(call, r, "ec2:AvailabilityZone", row->zone);
    key(call, r, "ec2:Vpc", arn(call, "vpc", row->vpc_id));
}

/* By the id of the table or of an association with it. */
static void
find_route_table(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_of_route(call, id);
    const struct ec2_vpc_row *vpc = ec2_vpc_of_main_association(call, id);
    struct str table = subnet ? subnet->route_table_id : vpc ? vpc->main_route_table_id : id;
    const struct ec2_route_table_row *row = ec2_route_table_get(call->txn, table);

    if (!MINE(call, row))
        return;
    r->arn = arn(call, "route-table", row->id);
    r->tags = &row->tags;
    key(call, r, "ec2:RouteTableID", row->id);
    key(call, r, "ec2:Vpc", arn(call, "vpc", row->vpc_id));
}

static void
find_internet_gateway(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_internet_gateway_row *row = ec2_internet_gateway_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:InternetGatewayID", row->id);
}

static void
find_network_acl(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_network_acl_row *row = ec2_network_acl_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:NetworkAclID", row->id);
    key(call, r, "ec2:Vpc", arn(call, "vpc", row->vpc_id));
}

static void
find_dhcp_options(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_dhcp_options_row *row = ec2_dhcp_options_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:DhcpOptionsID", row->id);
}

/* By id or, in the default VPC, by name. */
static void
find_security_group(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_security_group_row *row = ec2_security_group_get(call->txn, id);
    const struct ec2_account_row *home =
        ec2_account_get(call->txn, str_fmt(call->arena, "%.*s/%.*s", STR_ARG(call->account),
                                           STR_ARG(call->region)));

    if (!row && home)
        row = ec2_security_group_by_name_get(call->txn, call->account, call->region,
                                             home->default_vpc_id, str_lower(call->arena, id));
    if (!MINE(call, row))
        return;
    r->arn = arn(call, "security-group", row->id);
    r->tags = &row->tags;
    key(call, r, "ec2:SecurityGroupID", row->id);
    key(call, r, "ec2:Vpc", arn(call, "vpc", row->vpc_id));
}

static void
find_rule(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_sg_rule_row *row = ec2_sg_rule_get(call->txn, id);

    if (MINE(call, row))
        r->tags = &row->tags;
}

/* By its own id, or that of its attachment. */
static void
find_interface(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_interface_row *row = str_starts(id, S("eni-attach-"))
                                              ? ec2_interface_by_attachment_get(call->txn, id)
                                              : ec2_interface_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->arn = arn(call, "network-interface", row->id);
    r->tags = &row->tags;
    key(call, r, "ec2:NetworkInterfaceID", row->id);
    key(call, r, "ec2:AvailabilityZone", row->zone);
    key(call, r, "ec2:Subnet", arn(call, "subnet", row->subnet_id));
    key(call, r, "ec2:Vpc", arn(call, "vpc", row->vpc_id));
}

/* By the id of the address or of its association. */
static void
find_address(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_address_row *row = ec2_address_get(call->txn, id);

    if (!row && str_starts(id, S("eipassoc-")))
        row = ec2_address_by_association_get(call->txn, id);
    if (!MINE(call, row))
        return;
    r->arn = arn(call, "elastic-ip", row->id);
    r->tags = &row->tags;
    key(call, r, "ec2:AllocationId", row->id);
    key(call, r, "ec2:PublicIpAddress", row->public_ip);
}

static void
find_capacity_reservation(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_capacity_reservation_row *row = ec2_capacity_reservation_get(call->txn, id);

    if (MINE(call, row))
        r->tags = &row->tags;
}

static void
find_dedicated_host(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_dedicated_host_row *row = ec2_dedicated_host_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:AvailabilityZone", row->zone);
    key(call, r, "ec2:AutoPlacement", row->auto_placement);
    key(call, r, "ec2:InstanceType", row->instance_type);
}

static void
find_host_reservation(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_host_reservation_row *row = ec2_host_reservation_get(call->txn, id);

    if (MINE(call, row))
        r->tags = &row->tags;
}

static void
find_event_window(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_event_window_row *row = ec2_event_window_get(call->txn, id);

    if (MINE(call, row))
        r->tags = &row->tags;
}

/* Policies name a placement group by its name, calls also by its id. */
static void
find_placement_group(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_placement_group_row *row =
        ec2_placement_group_by_name_get(call->txn, call->account, call->region, id);

    if (!row)
        row = ec2_placement_group_get(call->txn, id);
    if (!MINE(call, row))
        return;
    r->arn = arn(call, "placement-group", row->name);
    r->tags = &row->tags;
    key(call, r, "ec2:PlacementGroupName", row->name);
    key(call, r, "ec2:PlacementGroupStrategy", row->strategy);
}

static void
find_nat_gateway(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_nat_gateway_row *row = ec2_nat_gateway_get(call->txn, id);

    if (!MINE(call, row))
        return;
    r->tags = &row->tags;
    key(call, r, "ec2:Vpc", arn(call, "vpc", row->vpc_id));
    key(call, r, "ec2:Subnet", arn(call, "subnet", row->subnet_id));
}

/* Whoever has a side of it. */
static void
find_peering(struct api_call *call, struct str id, struct api_resource *r)
{
    const struct ec2_vpc_peering_row *row;
    const struct ec2_vpc_peering_row *known = ec2_vpc_peering_get(call->txn, id);

    if (!known || ec2_vpc_peering_find(call, id, &row))
        return;
    if (ec2_mine(call, row->account, row->region))
        r->tags = &row->tags;
    key(call, r, "ec2:VpcPeeringConnectionID", row->id);
    key(call, r, "ec2:RequesterVpc",
        str_fmt(call->arena, "arn:aws:ec2:%.*s:%.*s:vpc/%.*s", STR_ARG(row->region),
                STR_ARG(row->account), STR_ARG(row->vpc_id)));
    key(call, r, "ec2:AccepterVpc",
        str_fmt(call->arena, "arn:aws:ec2:%.*s:%.*s:vpc/%.*s",
                STR_ARG(row->peer_region.n ? row->peer_region : row->region),
                STR_ARG(row->peer_account), STR_ARG(row->peer_vpc_id)));
}

static const struct type {
    const char *name, *prefix; /* of ids; "" of none */
    void (*find)(struct api_call *call, struct str id, struct api_resource *r);
} types[] = {
    {"instance", "i-", find_instance},
    {"image", "ami-", find_image},
    {"volume", "vol-", find_volume},
    {"snapshot", "snap-", find_snapshot},
    {"key-pair", "key-", find_key_pair},
    {"launch-template", "lt-", find_launch_template},
    {"vpc", "vpc-", find_vpc},
    {"subnet", "subnet-", find_subnet},
    {"route-table", "rtb-", find_route_table},
    {"internet-gateway", "igw-", find_internet_gateway},
    {"natgateway", "nat-", find_nat_gateway},
    {"vpc-peering-connection", "pcx-", find_peering},
    {"network-acl", "acl-", find_network_acl},
    {"dhcp-options", "dopt-", find_dhcp_options},
    {"security-group", "sg-", find_security_group},
    {"security-group-rule", "sgr-", find_rule},
    {"network-interface", "eni-", find_interface},
    {"elastic-ip", "eipalloc-", find_address},
    {"capacity-reservation", "cr-", find_capacity_reservation},
    {"dedicated-host", "h-", find_dedicated_host},
    {"host-reservation", "hr-", find_host_reservation},
    {"instance-event-window", "iew-", find_event_window},
    {"placement-group", "pg-", find_placement_group},
};

int
ec2_resource(struct api_call *call, struct str type, struct str id, struct api_resource *r)
{
    bool any = str_is(type, "any"); /* CreateTags: the id says what it is */

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (any && str_starts(id, str_from(types[i].prefix)))
            return api_resource_find(call, str_from(types[i].name), id, r);
        if (str_is(type, types[i].name)) {
            types[i].find(call, id, r);
            return 0;
        }
    }
    return 0;
}

void
ec2_context(struct api_call *call, const void *req UNUSED, struct policy_context *context)
{
    api_context_add(call, context, S("ec2:Region"), call->region);
    /* of ec2:CreateTags for what an operation makes: which operation */
    if (!str_is(api_op_name(call->service, call->op), "CreateTags"))
        api_context_add(call, context, S("ec2:CreateAction"), api_op_name(call->service, call->op));
}

/* ---- RunInstances ---- */

#define RUN S("ec2:RunInstances")

/* Tags of a launch that are for things of a type. */
static const struct str_list *
tags_for(struct api_call *call, const struct ec2_RunInstancesRequest *req, const char *type)
{
    struct str_list *tags = ARENA_NEW(call->arena, struct str_list);

    assert(type[0]);
    LIST_EACH(&req->tag_specifications, spec)
        if (str_is(spec->resource_type, type))
            LIST_EACH(&spec->tags, tag) {
                *LIST_PUSH(call->arena, tags) = tag->key;
                *LIST_PUSH(call->arena, tags) = tag->value.p ? tag->value : S("");
            }
    return tags;
}

/* Whether the caller names things of the type itself, beside or over a launch template. */
static bool
names_itself(const struct ec2_RunInstancesRequest *own, const char *type)
{
    const struct {
        const char *type;
        bool named;
    } list[] = {
        {"image", own->image_id.n},
        {"key-pair", own->key_name.n},
        {"subnet", own->subnet_id.n || own->network_interfaces.n},
        {"security-group", own->security_group_ids.n || own->security_groups.n ||
                               own->network_interfaces.n},
        {"network-interface", own->network_interfaces.n},
        {"snapshot", own->block_device_mappings.n},
        {"volume", own->block_device_mappings.n},
        {"snapshot", own->block_device_mappings.n},
        {"capacity-reservation", own->capacity_reservation_specification},
        {"dedicated-host", own->placement && own->placement->host_id.n},
        {"placement-group",
         own->placement && (own->placement->group_name.n || own->placement->group_id.n)},
    };

    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (strcmp(list[i].type, type) == 0)
            return list[i].named;
    return false;
}

/* One decision about a thing of the type. */
static int
decide(struct api_call *call, const struct ec2_launch *l, const char *type, struct api_resource *r)
{
    assert(l->own);
    if (l->template) {
        key(call, r, "ec2:LaunchTemplate", arn(call, "launch-template", l->template->id));
        key_flag(call, r, "ec2:IsLaunchTemplateResource", !names_itself(l->own, type));
    }
    return api_authorize_on(call, RUN, r, NULL);
}

/* Something that is there: no tag of the request is for it. */
static int
uses(struct api_call *call, const struct ec2_launch *l, const char *type, struct str id)
{
    static const struct str_list none;
    struct api_resource r;
    int result = api_resource_find(call, str_from(type), id, &r);

    assert(id.n > 0);
    r.new_tags = &none;
    return result ? result : decide(call, l, type, &r);
}

static int
uses_networks(struct api_call *call, const struct ec2_launch *l)
{
    int r = 0;

    LIST_EACH(&l->nics, nic) {
        if (r == 0)
            r = uses(call, l, "subnet", nic->subnet->id);
        for (size_t i = 0; i < nic->group_ids.n && r == 0; i++)
            r = uses(call, l, "security-group", nic->group_ids.v[i]);
    }
    return r;
}

static int
uses_all(struct api_call *call, const struct ec2_RunInstancesRequest *req,
         const struct ec2_launch *l)
{
    int r = uses(call, l, "image", l->image->id);

    if (r == 0 && l->template)
        r = uses(call, l, "launch-template", l->template->id);
    if (r == 0)
        r = uses_networks(call, l);
    if (r == 0 && req->key_name.n)
        r = uses(call, l, "key-pair", req->key_name);
    if (r == 0 && l->model.capacity_target.n)
        r = uses(call, l, "capacity-reservation", l->model.capacity_target);
    if (r == 0 && l->model.host_id.n)
        r = uses(call, l, "dedicated-host", l->model.host_id);
    if (r == 0 && l->model.group_id.n)
        r = uses(call, l, "placement-group", l->model.group_id);
    return r;
}

static int
makes_instance(struct api_call *call, const struct ec2_RunInstancesRequest *req,
               const struct ec2_launch *l)
{
    struct api_resource r = {.arn = arn(call, "instance", S("*")),
                             .new_tags = tags_for(call, req, "instance")};

    assert(l->subnet && l->image);
    instance_keys(call, &l->model, &r);
    key(call, &r, "ec2:ImageID", l->image->id);
    if (l->profile)
        key(call, &r, "ec2:InstanceProfile", ec2_profile_arn(call, l->profile));
    return decide(call, l, "instance", &r);
}

static int
makes_volume(struct api_call *call, const struct ec2_RunInstancesRequest *req,
             const struct ec2_launch *l, const struct ec2_EbsBlockDevice *ebs)
{
    struct api_resource r = {.arn = arn(call, "volume", S("*")),
                             .new_tags = tags_for(call, req, "volume")};

    assert(ebs->encrypted.set && ebs->volume_type.n > 0);
    key(call, &r, "ec2:AvailabilityZone", l->subnet->zone);
    key_flag(call, &r, "ec2:Encrypted", ebs->encrypted.v);
    if (ebs->kms_key_id.n)
        key(call, &r, "ec2:KmsKeyId", ebs->kms_key_id);
    key(call, &r, "ec2:VolumeType", ebs->volume_type);
    key_number(call, &r, "ec2:VolumeSize", opt_i64_or(ebs->volume_size, 0));
    if (ebs->iops.set)
        key_number(call, &r, "ec2:VolumeIops", ebs->iops.v);
    return decide(call, l, "volume", &r);
}

static int
makes_interface(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                const struct ec2_launch *l, const struct ec2_launch_nic *nic)
{
    struct api_resource r = {.arn = arn(call, "network-interface", S("*")),
                             .new_tags = tags_for(call, req, "network-interface")};

    assert(nic->subnet && !nic->existing);
    key(call, &r, "ec2:AvailabilityZone", l->subnet->zone);
    key_flag(call, &r, "ec2:AssociatePublicIpAddress", nic->public_ip);
    key(call, &r, "ec2:Subnet", arn(call, "subnet", nic->subnet->id));
    key(call, &r, "ec2:Vpc", arn(call, "vpc", l->vpc->id));
    return decide(call, l, "network-interface", &r);
}

/* ec2:CreateTags of what gets tags as it is made. */
static int
tags_all(struct api_call *call, const struct ec2_RunInstancesRequest *req)
{
    int r = 0;

    LIST_EACH(&req->tag_specifications, spec) {
        const char *type = str_cstr(call->arena, spec->resource_type);
        const struct api_resource made = {.arn = arn(call, type, S("*")),
                                          .new_tags = tags_for(call, req, type)};

        if (r == 0 && spec->tags.n)
            r = api_authorize_on(call, S("ec2:CreateTags"), &made, NULL);
    }
    return r;
}

int
ec2_launch_authorize(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                     const struct ec2_launch *l)
{
    /* the hot path: a root is asked nothing */
    if (call->principal.kind == POLICY_ROOT)
        return 0;
    int r = makes_instance(call, req, l);

    if (r == 0)
        r = uses_all(call, req, l);
    if (r == 0)
        r = makes_volume(call, req, l, &l->root);
    LIST_EACH(&l->devices, d)
        r = r ? r : makes_volume(call, req, l, &d->ebs);
    LIST_EACH(&l->devices, d)
        if (r == 0 && d->ebs.snapshot_id.n)
            r = uses(call, l, "snapshot", d->ebs.snapshot_id);
    LIST_EACH(&l->nics, nic)
        if (r == 0)
            r = nic->existing ? uses(call, l, "network-interface", nic->existing->id)
                              : makes_interface(call, req, l, nic);
    return r == 0 ? tags_all(call, req) : r;
}

int
ec2_relaunch_authorize(struct api_call *call)
{
    const struct api_resource r = {.arn = arn(call, "instance", S("*"))};

    return api_authorize_on(call, RUN, &r, NULL);
}
