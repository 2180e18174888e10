/*
 * What an instance asks of its type: an adapter that its image can drive, dedicated throughput to
 * EBS, interfaces with their addresses, fabric adapters.
 *
 * A launch is refused, and so is a start: attributes and type of a stopped instance are changed one
 * call at a time, so only a start can say that they do not go together.
 */
#include "ec2/instance.h"

/* `of` ends the sentence: what has to be changed. */
static int
fits_adapter(struct api_call *call, const struct ec2_type *type, bool ena, struct str of)
{
    assert(of.n > 0);
    if (ena || !ec2_type_needs_ena(type))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                     "Enhanced networking with the Elastic Network Adapter (ENA) is required for "
                     "the '%.*s' instance type. Ensure that %.*s enabled for ENA.",
                     STR_ARG(type->name), STR_ARG(of));
}

/* A type that is always optimised may be asked for it, and not to be: neither changes anything. */
static int
fits_storage(struct api_call *call, const struct ec2_type *type, bool optimized)
{
    if (!optimized || !str_is(type->ebs_optimized, "unsupported"))
        return 0;
    return api_fault(call, &EC2_ERR(Unsupported),
                     "The requested configuration is currently not supported. Please check the "
                     "documentation for supported configurations.");
}

static int
fits_fabric(struct api_call *call, const struct ec2_type *type, unsigned n)
{
    if (n <= ec2_type_efas(type))
        return 0;
    return api_fault(call, &EC2_ERR(AttachmentLimitExceeded),
                     "EFA interfaces count %u exceeds allowed limit for %.*s.", n,
                     STR_ARG(type->name));
}

int
ec2_launch_fits(struct api_call *call, const struct ec2_launch *launch)
{
    const struct ec2_instance_row *model = &launch->model;
    unsigned fabrics = 0;
    int r = fits_adapter(call, launch->type, model->ena_support, S("you are using an AMI that is"));

    assert(str_eq(model->type, launch->type->name));
    if (r == 0)
        r = fits_storage(call, launch->type, model->ebs_optimized);
    LIST_EACH(&launch->nics, nic)
        fabrics += str_is(nic->type, "efa");
    return r ? r : fits_fabric(call, launch->type, fabrics);
}

/* Its type may be a smaller one than that which they were attached to. */
static int
fits_interfaces(struct api_call *call, const struct ec2_type *type,
                const struct ec2_instance_row *row, unsigned *ret_fabrics)
{
    int64_t n = row->more_interfaces + 1;
    int r = 0;

    STORE_EACH(call->txn, ec2_interface_by_instance, interface, row->id) {
        if (r == 0 && row->more_interfaces)
            r = ec2_interface_slot_check(call, type, n, interface->device_index);
        if (r == 0)
            r = ec2_address_count_check(call, type->name, 1 + interface->more_addresses);
        *ret_fabrics += str_is(interface->interface_type, "efa");
    }
    return r;
}

int
ec2_instance_fits(struct api_call *call, const struct ec2_instance_row *row)
{
    const struct ec2_type *type = ec2_type_find(row->type);
    unsigned fabrics = 0;

    assert(type && row->state == EC2_STOPPED);
    int r = fits_adapter(call, type, row->ena_support,
                         str_fmt(call->arena, "your instance '%.*s' is", STR_ARG(row->id)));
    if (r == 0)
        r = fits_storage(call, type, row->ebs_optimized);
    if (r == 0)
        r = fits_interfaces(call, type, row, &fabrics);
    return r ? r : fits_fabric(call, type, fabrics);
}
