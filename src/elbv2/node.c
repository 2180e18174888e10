/*
 * Nodes of balancers: a network interface in each subnet, which EC2 makes for the service and
 * nobody else may change, and the row that says whose it is.  The process behind it follows rows
 * (engine.c).
 */
#include "elbv2/elbv2.h"

/* The lowest number that no node has. */
static int64_t
slot_free(struct txn *txn)
{
    int64_t slot = 1;

    STORE_EACH(txn, elb_node_by_slot, row) {
        if (row->slot != slot)
            break;
        slot++;
    }
    return slot;
}

static int
public_take(struct api_call *call, struct str nic)
{
    const struct ec2_ModifyNetworkInterfaceAttributeRequest ask = {
        .network_interface_id = nic, .associate_public_ip_address = opt_bool(true)};
    struct ec2_ModifyNetworkInterfaceAttributeResult done = {0};

    return api_call_internal(call, "ec2", "ModifyNetworkInterfaceAttribute", &ask, &done, ELB_VIA);
}

static int
node_make(struct api_call *call, struct api_call *as, const struct elb_balancer_row *balancer,
          const struct ec2_Subnet *subnet)
{
    const struct ec2_CreateNetworkInterfaceRequest ask = {
        .subnet_id = subnet->subnet_id,
        .description =
            str_fmt(call->arena, "ELB %.*s", STR_ARG(elb_arn_rest(balancer->id, "loadbalancer"))),
        .groups = balancer->security_group_ids,
    };
    struct ec2_CreateNetworkInterfaceResult made = {0};
    int r = api_call_internal(as, "ec2", "CreateNetworkInterface", &ask, &made, ELB_VIA);

    if (r == 0 && !balancer->internal)
        r = public_take(as, made.network_interface->network_interface_id);
    if (r)
        return r;
    struct elb_node_row row = {
        .id = made.network_interface->network_interface_id,
        .balancer_id = balancer->id,
        .subnet_id = subnet->subnet_id,
        .zone = subnet->availability_zone,
        .slot = slot_free(call->txn),
    };

    if (row.slot > ELB_NODES_MAX)
        return api_fault(call, &ELB_ERR(TooManyLoadBalancers),
                         "Welkin has room for %d nodes of load balancers", ELB_NODES_MAX);
    assert(elb_node_ok(&row));
    return elb_written(elb_node_insert(call->txn, &row), "the node", row.id);
}

static int
node_drop(struct api_call *call, struct api_call *as, const struct elb_node_row *row)
{
    const struct ec2_DeleteNetworkInterfaceRequest ask = {.network_interface_id = row->id};
    struct ec2_DeleteNetworkInterfaceResult done = {0};
    int r = api_call_internal(as, "ec2", "DeleteNetworkInterface", &ask, &done, ELB_VIA);

    return r ? r : elb_written(elb_node_delete(call->txn, row->id), "the node", row->id);
}

static int
nodes_make(struct api_call *call, struct api_call *as, const struct elb_balancer_row *balancer,
           const struct str_list *subnet_ids)
{
    const struct ec2_DescribeSubnetsRequest ask = {.subnet_ids = *subnet_ids};
    struct ec2_DescribeSubnetsResult found = {0};
    int r =
        subnet_ids->n ? api_call_internal(as, "ec2", "DescribeSubnets", &ask, &found, ELB_VIA) : 0;

    for (size_t i = 0; r == 0 && i < found.subnets.n; i++)
        r = node_make(call, as, balancer, &found.subnets.v[i]);
    return r;
}

/* The role's refusals are told in the caller's call. */
static int
told(struct api_call *call, const struct api_call *as, int r)
{
    if (r > 0 && as->fault.code.n && !call->fault.code.n)
        call->fault = as->fault;
    return r;
}

int
elb_nodes_set(struct api_call *call, const struct elb_balancer_row *balancer,
              const struct str_list *subnet_ids)
{
    struct str_list wanted = {0}, kept = {0};
    struct api_call as;
    int r = elb_as_service(call, &as);

    assert(subnet_ids->n <= ELB_SUBNETS_MAX);
    STORE_EACH(call->txn, elb_node_by_balancer, row, balancer->id) {
        if (r == 0 && str_in(subnet_ids, row->subnet_id))
            *LIST_PUSH(call->arena, &kept) = row->subnet_id;
        else if (r == 0)
            r = told(call, &as, node_drop(call, &as, row));
    }
    LIST_EACH(subnet_ids, id)
        if (!str_in(&kept, *id))
            *LIST_PUSH(call->arena, &wanted) = *id;
    return r ? r : told(call, &as, nodes_make(call, &as, balancer, &wanted));
}

int
elb_nodes_regroup(struct api_call *call, const struct elb_balancer_row *balancer)
{
    struct api_call as;
    int r = elb_as_service(call, &as);

    assert(balancer->security_group_ids.n > 0);
    STORE_EACH(call->txn, elb_node_by_balancer, row, balancer->id) {
        const struct ec2_ModifyNetworkInterfaceAttributeRequest ask = {
            .network_interface_id = row->id, .groups = balancer->security_group_ids};
        struct ec2_ModifyNetworkInterfaceAttributeResult done = {0};

        if (r == 0)
            r = told(call, &as,
                     api_call_internal(&as, "ec2", "ModifyNetworkInterfaceAttribute", &ask, &done,
                                       ELB_VIA));
    }
    return r;
}
