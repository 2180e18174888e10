/*
 * Interfaces that come to an instance which is there already, and leave it again: hot, while it
 * runs, or warm, while it is stopped.  The host follows the rows.
 *
 * An instance's row counts its interfaces besides the primary one, so that those who show instances
 * look for more only where there are more.
 */
#include "ec2/instance.h"

int
ec2_interface_slot_check(struct api_call *call, const struct ec2_type *type, int64_t n,
                         int64_t device_index)
{
    if (n > (int64_t)type->max_interfaces)
        return api_fault(call, &EC2_ERR(AttachmentLimitExceeded),
                         "Interface count %lld exceeds the limit for %.*s", (long long)n,
                         STR_ARG(type->name));
    if (device_index < 0 || device_index >= (int64_t)type->max_interfaces)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%lld) for parameter deviceIndex is invalid. The instance type "
                         "%.*s has the device indexes 0 to %u.",
                         (long long)device_index, STR_ARG(type->name), type->max_interfaces - 1);
    return 0;
}

static int
state_check(struct api_call *call, const struct ec2_instance_row *instance)
{
    if (instance->state == EC2_RUNNING || instance->state == EC2_STOPPED)
        return 0;
    return api_fault(call, &EC2_ERR(IncorrectState),
                     "The instance '%.*s' is not in a valid state for this operation: it is %.*s.",
                     STR_ARG(instance->id), STR_ARG(ec2_instance_state_show(instance->state).name));
}

/* ---- AttachNetworkInterface ---- */

static const char *
unsupported(const struct ec2_AttachNetworkInterfaceRequest *req)
{
    return opt_i64_or(req->network_card_index, 0) ? "NetworkCardIndex"
           : req->ena_srd_specification           ? "EnaSrdSpecification"
           : req->ena_queue_count.set             ? "EnaQueueCount"
                                                  : NULL;
}

static int
pair_check(struct api_call *call, const struct ec2_interface_row *row,
           const struct ec2_instance_row *instance, int64_t device_index)
{
    if (row->attachment_id.n)
        return api_fault(call, &EC2_ERR(InvalidNetworkInterface_InUse), "Interface: [%.*s] in use.",
                         STR_ARG(row->id));
    if (!str_eq(row->zone, instance->zone))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "You may not attach a network interface to an instance if they are not in "
                         "the same availability zone");
    if (!str_eq(row->vpc_id, instance->vpc_id))
        return ec2_unsupported(call, "An interface of another VPC than the instance's");
    STORE_EACH(call->txn, ec2_interface_by_instance, other, instance->id)
        if (other->device_index == device_index)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Instance '%.*s' already has an interface attached at device index "
                             "'%lld'.",
                             STR_ARG(instance->id), (long long)device_index);
    return 0;
}

static int
attach_check(struct api_call *call, const struct ec2_interface_row *row,
             const struct ec2_instance_row *instance, int64_t device_index)
{
    const struct ec2_type *type = ec2_type_find(instance->type);
    int r = state_check(call, instance);

    assert(type);
    if (!r)
        r = pair_check(call, row, instance, device_index);
    if (!r)
        r = ec2_interface_slot_check(call, type, instance->more_interfaces + 2, device_index);
    if (!r)
        r = ec2_address_count_check(call, type->name, 1 + row->more_addresses);
    if (!r && str_is(row->interface_type, "efa") && instance->state != EC2_STOPPED)
        r = api_fault(call, &EC2_ERR(IncorrectState),
                      "The instance '%.*s' must be stopped to attach an Elastic Fabric Adapter.",
                      STR_ARG(instance->id));
    return r;
}

static int
count_put(struct txn *txn, const struct ec2_instance_row *instance, int change)
{
    struct ec2_instance_row new = *instance;

    new.more_interfaces += change;
    assert(new.more_interfaces >= 0);
    int r = ec2_instance_update(txn, &new);

    return r < 0 ? error_origin(-r, "instance %.*s cannot be written", STR_ARG(new.id)) : 0;
}

int
ec2_attach_network_interface(struct api_call *call,
                             const struct ec2_AttachNetworkInterfaceRequest *req,
                             struct ec2_AttachNetworkInterfaceResult *res)
{
    const char *refused = unsupported(req);
    const struct ec2_instance_row *instance;
    const struct ec2_interface_row *row;
    struct ec2_interface_row made;
    int r = refused ? ec2_unsupported_parameter(call, refused)
                    : ec2_interface_manage(call, req->network_interface_id, &row);

    if (!r)
        r = ec2_instance_find(call, req->instance_id, &instance);
    if (!r)
        r = attach_check(call, row, instance, req->device_index.v);
    if (!r)
        r = ec2_interface_attach(call, row, instance->id, req->device_index.v, &made);
    if (!r)
        r = count_put(call->txn, instance, 1);
    if (r)
        return r;
    res->attachment_id = made.attachment_id;
    res->network_card_index = opt_i64(0);
    return 0;
}

/* ---- DetachNetworkInterface ---- */

static int
attachment_find(struct api_call *call, struct str id, const struct ec2_interface_row **ret)
{
    const struct ec2_interface_row *row = ec2_interface_by_attachment_get(call->txn, id);

    if (!row || !ec2_mine(call, row->account, row->region))
        return api_fault(call, &EC2_ERR(InvalidAttachmentID_NotFound),
                         "The network interface attachment ID '%.*s' does not exist", STR_ARG(id));
    if (row->nat_gateway_id.n || row->requester.n)
        return api_fault(call, &EC2_ERR(OperationNotPermitted),
                         "You are not allowed to manage 'ela-attach' attachments.");
    *ret = row;
    return 0;
}

/* Force changes nothing: an interface leaves at once, whatever the guest does. */
int
ec2_detach_network_interface(struct api_call *call,
                             const struct ec2_DetachNetworkInterfaceRequest *req,
                             struct ec2_DetachNetworkInterfaceResult *res UNUSED)
{
    const struct ec2_interface_row *row = NULL;
    int r = attachment_find(call, req->attachment_id, &row);

    if (r)
        return r;
    const struct ec2_instance_row *instance = ec2_instance_get(call->txn, row->instance_id);

    assert(instance);
    if (row->device_index == 0)
        return api_fault(
            call, &EC2_ERR(OperationNotPermitted),
            "The network interface at device index 0 and networkCard index 0 cannot be "
            "detached.");
    r = state_check(call, instance);
    if (!r)
        r = ec2_interface_detach(call->txn, row);
    return r ? r : count_put(call->txn, instance, -1);
}
