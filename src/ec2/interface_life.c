/*
 * Network interfaces that live without an instance: made and deleted.  They are given to a launch
 * (instance_check.c), or attached to an instance that is there (interface_attach.c).
 */
#include "ec2/instance.h"
#include "ec2/network.h"

/* ---- CreateNetworkInterface ---- */

static int
create_refuse(struct api_call *call, const struct ec2_CreateNetworkInterfaceRequest *req)
{
    const char *name =
        req->ipv4_prefixes.n || opt_i64_or(req->ipv4_prefix_count, 0) > 0   ? "Ipv4Prefix"
        : req->ipv6_prefixes.n || opt_i64_or(req->ipv6_prefix_count, 0) > 0 ? "Ipv6Prefix"
        : req->interface_type.p && !str_is(req->interface_type, "efa")      ? "InterfaceType"
        : opt_bool_or(req->enable_primary_ipv6, false)                      ? "EnablePrimaryIpv6"
        : req->connection_tracking_specification ? "ConnectionTrackingSpecification"
        : req->operator                          ? "Operator"
        : req->ipv6_addresses.n || opt_i64_or(req->ipv6_address_count, 0) > 0 ? "Ipv6Addresses"
                                                                              : NULL;

    return name ? ec2_unsupported_parameter(call, name) : 0;
}

static int
create(struct api_call *call, const struct ec2_CreateNetworkInterfaceRequest *req, struct str hash,
       struct ec2_interface_row *ret)
{
    struct ec2_interface_want want = {
        .description = req->description.p ? req->description : S(""),
        .interface_type = req->interface_type,
        .requester = ec2_requester(call),
        .device_index = ec2_requester(call).n ? 1 : 0,
        .more_count = opt_i64_or(req->secondary_private_ip_address_count, 0),
        .client_token = req->client_token,
        .request_hash = hash,
    };
    int r = create_refuse(call, req);

    assert(hash.n > 0);
    if (!r)
        r = ec2_subnet_find(call, req->subnet_id, &want.subnet);
    if (!r)
        r = ec2_addresses_of(call, req->private_ip_address, &req->private_ip_addresses,
                             req->secondary_private_ip_address_count, &want.private_ip,
                             &want.more_ips);
    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "network-interface", &want.tags);
    if (!r)
        r = ec2_groups_resolve(call, want.subnet->vpc_id, &req->groups, &(struct str_list){0},
                               &want.group_ids);
    return r ? r : ec2_interface_make(call, &want, ret);
}

int
ec2_create_network_interface(struct api_call *call,
                             const struct ec2_CreateNetworkInterfaceRequest *req,
                             struct ec2_CreateNetworkInterfaceResult *res)
{
    const struct ec2_interface_row *before = NULL;
    struct str hash = ec2_request_hash(call, req);
    struct ec2_interface_row row;

    if (req->client_token.n)
        before =
            ec2_interface_by_token_get(call->txn, call->account, call->region, req->client_token);
    int r =
        before ? ec2_token_check(call, before->request_hash, hash) : create(call, req, hash, &row);
    if (r)
        return r;
    res->network_interface = ARENA_NEW(call->arena, struct ec2_NetworkInterface);
    *res->network_interface = ec2_interface_show(call, before ? before : &row);
    if (!before)
        res->network_interface->status = S("pending");
    res->client_token = ec2_text_show(req->client_token);
    return 0;
}

/* ---- DeleteNetworkInterface ---- */

int
ec2_delete_network_interface(struct api_call *call,
                             const struct ec2_DeleteNetworkInterfaceRequest *req,
                             struct ec2_DeleteNetworkInterfaceResult *res UNUSED)
{
    const struct ec2_interface_row *row;
    int r = ec2_interface_find(call, req->network_interface_id, &row);

    if (r)
        return r;
    if (row->attachment_id.n && !(row->requester.n && str_eq(row->requester, ec2_requester(call))))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Network interface '%.*s' is currently in use.", STR_ARG(row->id));
    assert(row->requester.n || (!row->attachment_id.n && !str_is(row->status, "in-use")));
    return ec2_interface_drop(call->txn, row);
}
