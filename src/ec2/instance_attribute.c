/*
 * Attributes of an instance, one at a time.
 *
 * A request names the attribute in one of two ways: Attribute and Value as text, or a member of
 * its own ("DisableApiTermination.Value=true").  Both become the same `struct want`, which a
 * table of attributes carries out.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"

/* What shall be set.  Of the members the attribute's own one is used. */
struct want {
    struct str text;
    struct opt_bool flag;
    struct str bytes; /* decoded */
    const struct ec2_InstanceBlockDeviceMappingSpecificationList *devices;
    const struct str_list *groups;
};

/* Typedefs of functions, not of structs: the table below needs them. */
typedef int set_fn(struct api_call *call, struct ec2_instance_row *row, const struct want *want);
typedef void show_fn(struct api_call *call, const struct ec2_instance_row *row,
                     struct ec2_InstanceAttribute *res);

/* ---- showing ---- */

#define SHOW(attribute, expression)                                                                \
    static void show_##attribute(struct api_call *call, const struct ec2_instance_row *row UNUSED, \
                                 struct ec2_InstanceAttribute *res)                                \
    {                                                                                              \
        res->attribute = expression;                                                               \
    }
SHOW(instance_type, ec2_value_show(call->arena, row->type))
SHOW(kernel_id, ec2_value_show(call->arena, STR_NONE))
SHOW(ramdisk_id, ec2_value_show(call->arena, STR_NONE))
SHOW(sriov_net_support, ec2_value_show(call->arena, row->sriov_net_support))
SHOW(user_data, ec2_value_show(call->arena, str_base64(call->arena, row->user_data)))
SHOW(disable_api_termination, ec2_flag_show(call->arena, row->disable_api_termination))
SHOW(disable_api_stop, ec2_flag_show(call->arena, row->disable_api_stop))
SHOW(instance_initiated_shutdown_behavior, ec2_value_show(call->arena, row->shutdown_behavior))
SHOW(root_device_name, ec2_value_show(call->arena, row->root_device_name))
SHOW(block_device_mappings, ec2_block_devices_show(call, row))
SHOW(source_dest_check, ec2_flag_show(call->arena, row->source_dest_check))
SHOW(ebs_optimized, ec2_flag_show(call->arena, row->ebs_optimized))

static void
show_product_codes(struct api_call *call UNUSED, const struct ec2_instance_row *row UNUSED,
                   struct ec2_InstanceAttribute *res)
{
    API_PRESENT(&res->product_codes);
}

static void
show_groups(struct api_call *call, const struct ec2_instance_row *row,
            struct ec2_InstanceAttribute *res)
{
    const struct ec2_interface_row *interface = ec2_interface_get(call->txn, row->interface_id);

    assert(!interface || interface->group_ids.n > 0);
    if (interface)
        res->groups = ec2_groups_show(call, &interface->group_ids);
    API_PRESENT(&res->groups);
}

static void
show_enclave_options(struct api_call *call, const struct ec2_instance_row *row UNUSED,
                     struct ec2_InstanceAttribute *res)
{
    res->enclave_options = ARENA_NEW(call->arena, struct ec2_EnclaveOptions);
    res->enclave_options->enabled = opt_bool(false);
}

/* ---- setting ---- */

static int
bad_value(struct api_call *call, const char *attribute, struct str value)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue), "Invalid value '%.*s' for %s.",
                     STR_ARG(value), attribute);
}

/* The flag, or a text that is one. */
static int
flag_of(struct api_call *call, const struct want *want, const char *attribute, bool *ret)
{
    if (want->flag.set)
        *ret = want->flag.v;
    else if (str_eq_nocase(want->text, S("true")))
        *ret = true;
    else if (str_eq_nocase(want->text, S("false")))
        *ret = false;
    else
        return bad_value(call, attribute, want->text);
    return 0;
}

#define SET_FLAG(attribute, member, name)                                                          \
    static int attribute(struct api_call *call, struct ec2_instance_row *row,                      \
                         const struct want *want)                                                  \
    {                                                                                              \
        return flag_of(call, want, name, &row->member);                                            \
    }
SET_FLAG(set_disable_api_termination, disable_api_termination, "disableApiTermination")
SET_FLAG(set_disable_api_stop, disable_api_stop, "disableApiStop")
SET_FLAG(set_ebs_optimized, ebs_optimized, "ebsOptimized")
SET_FLAG(set_ena_support, ena_support, "enaSupport")

static int
set_source_dest_check(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    bool on = false;
    int r = flag_of(call, want, "sourceDestCheck", &on);

    if (r == 0)
        r = ec2_interface_set_source_dest_check(call, row, on);
    if (r == 0)
        row->source_dest_check = on;
    return r;
}

static int
set_shutdown_behavior(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    if (!str_is(want->text, "stop") && !str_is(want->text, "terminate"))
        return bad_value(call, "instanceInitiatedShutdownBehavior", want->text);
    row->shutdown_behavior = want->text;
    return 0;
}

static int
set_type(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    const struct ec2_type *type;
    int r = ec2_type_check(call, want->text, row->architecture, &type);

    if (r)
        return r;
    if (row->hibernated)
        return api_fault(call, &EC2_ERR(UnsupportedOperation),
                         "The instance type of the hibernated instance '%.*s' cannot be changed.",
                         STR_ARG(row->id));
    if (!ec2_type_offered(type, row->zone))
        return api_fault(call, &EC2_ERR(Unsupported),
                         "The requested instance type (%.*s) is not supported in the "
                         "Availability Zone of the instance (%.*s).",
                         STR_ARG(type->name), STR_ARG(row->zone));
    assert(row->state == EC2_STOPPED && type->cores && type->threads_per_core);
    row->type = type->name;
    row->core_count = type->cores;
    row->threads_per_core = type->threads_per_core;
    row->vcpus = row->core_count * row->threads_per_core;
    row->memory_mib = type->memory_mib;
    row->nitro = str_is(type->hypervisor, "nitro");
    row->network_mbit = ec2_type_mbit(type);
    if (!type->burstable)
        row->cpu_credits = S("");
    else if (!row->cpu_credits.n)
        row->cpu_credits = ec2_type_credits(call, type);
    return 0;
}

/* Once it is on there is no way back. */
static int
set_sriov(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    if (!str_is(want->text, "simple"))
        return bad_value(call, "sriovNetSupport", want->text);
    row->sriov_net_support = want->text;
    return 0;
}

static int
set_user_data(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    if (want->bytes.p) {
        row->user_data = want->bytes;
        return ec2_user_data_check(call, want->bytes);
    }
    return ec2_user_data_decode(call, want->text, &row->user_data);
}

static int
set_groups(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    if (!want->groups || !want->groups->n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter GroupId");
    return ec2_interface_set_groups(call, row, want->groups);
}

static int
set_device(struct api_call *call, const struct ec2_instance_row *row,
           const struct ec2_InstanceBlockDeviceMappingSpecification *want)
{
    const struct ec2_volume_row *volume = NULL;

    STORE_EACH(call->txn, ec2_volume_by_instance, it, row->id, want->device_name)
        volume = it;
    if (want->no_device.p || want->virtual_name.n)
        return ec2_unsupported_parameter(call, want->no_device.p
                                                   ? "BlockDeviceMapping.NoDevice"
                                                   : "BlockDeviceMapping.VirtualName");
    if (!volume)
        return api_fault(call, &EC2_ERR(InvalidInstanceAttributeValue),
                         "No device is currently mapped at %.*s", STR_ARG(want->device_name));
    if (want->ebs && want->ebs->volume_id.n && !str_eq(want->ebs->volume_id, volume->id))
        return api_fault(call, &EC2_ERR(InvalidInstanceAttributeValue),
                         "The volume %.*s is not mapped at %.*s", STR_ARG(want->ebs->volume_id),
                         STR_ARG(want->device_name));
    if (!want->ebs || !want->ebs->delete_on_termination.set)
        return 0;
    struct ec2_volume_row new = *volume;
    new.delete_on_termination = want->ebs->delete_on_termination.v;
    assert(ec2_volume_ok(&new));
    return ec2_volume_update(call->txn, &new);
}

static int
set_devices(struct api_call *call, struct ec2_instance_row *row, const struct want *want)
{
    if (!want->devices || !want->devices->n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter BlockDeviceMapping");
    LIST_EACH(want->devices, device) {
        int r = set_device(call, row, device);

        if (r)
            return r;
    }
    return 0;
}

static int
set_nothing(struct api_call *call, struct ec2_instance_row *row, const struct want *want UNUSED)
{
    return api_fault(call, &EC2_ERR(UnsupportedOperation),
                     "Welkin does not implement modifying this attribute of the instance '%.*s'",
                     STR_ARG(row->id));
}

static int
reset_source_dest_check(struct api_call *call, struct ec2_instance_row *row,
                        const struct want *want UNUSED)
{
    const struct want on = {.flag = opt_bool(true)};

    return set_source_dest_check(call, row, &on);
}

/* ---- the table ---- */

static const struct attribute {
    const char *name;
    show_fn *show; /* NULL: DescribeInstanceAttribute does not know it */
    set_fn *set;   /* NULL: read only */
    set_fn *reset; /* NULL: has no default to go back to */
    bool stopped;  /* may only be changed while the instance is stopped */
} attributes[] = {
    {"blockDeviceMapping", show_block_device_mappings, set_devices, NULL, false},
    {"disableApiStop", show_disable_api_stop, set_disable_api_stop, NULL, false},
    {"disableApiTermination", show_disable_api_termination, set_disable_api_termination, NULL,
     false},
    {"ebsOptimized", show_ebs_optimized, set_ebs_optimized, NULL, true},
    {"enaSupport", NULL, set_ena_support, NULL, true},
    {"enclaveOptions", show_enclave_options, NULL, NULL, false},
    {"groupSet", show_groups, set_groups, NULL, false},
    {"instanceInitiatedShutdownBehavior", show_instance_initiated_shutdown_behavior,
     set_shutdown_behavior, NULL, false},
    {"instanceType", show_instance_type, set_type, NULL, true},
    {"kernel", show_kernel_id, set_nothing, set_nothing, true},
    {"productCodes", show_product_codes, NULL, NULL, false},
    {"ramdisk", show_ramdisk_id, set_nothing, set_nothing, true},
    {"rootDeviceName", show_root_device_name, NULL, NULL, false},
    {"sourceDestCheck", show_source_dest_check, set_source_dest_check, reset_source_dest_check,
     false},
    {"sriovNetSupport", show_sriov_net_support, set_sriov, NULL, true},
    {"userData", show_user_data, set_user_data, NULL, true},
};

static int
unknown_attribute(struct api_call *call, struct str name)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                     STR_ARG(name));
}

static int
attribute_find(struct api_call *call, struct str name, const struct attribute **ret)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (str_is(name, attributes[i].name)) {
            *ret = &attributes[i];
            return 0;
        }
    return unknown_attribute(call, name);
}

/* ---- which one a request names ---- */

struct naming {
    const char *name;
    struct want want;
    unsigned n;
};

static void
name_one(struct naming *to, const char *attribute, struct want want)
{
    assert(attribute);
    to->n++;
    to->name = attribute;
    to->want = want;
}

static void
name_text(struct naming *to, const char *attribute, const struct ec2_AttributeValue *value)
{
    if (value)
        name_one(to, attribute, (struct want){.text = value->value});
}

static void
name_flag(struct naming *to, const char *attribute, const struct ec2_AttributeBooleanValue *value)
{
    if (value)
        name_one(to, attribute, (struct want){.flag = value->value});
}

/* The members of their own. */
static struct naming
named_by_member(const struct ec2_ModifyInstanceAttributeRequest *req)
{
    struct naming to = {0};

    name_flag(&to, "sourceDestCheck", req->source_dest_check);
    name_flag(&to, "disableApiStop", req->disable_api_stop);
    name_flag(&to, "disableApiTermination", req->disable_api_termination);
    name_flag(&to, "ebsOptimized", req->ebs_optimized);
    name_flag(&to, "enaSupport", req->ena_support);
    name_text(&to, "instanceType", req->instance_type);
    name_text(&to, "kernel", req->kernel);
    name_text(&to, "ramdisk", req->ramdisk);
    name_text(&to, "sriovNetSupport", req->sriov_net_support);
    name_text(&to, "instanceInitiatedShutdownBehavior", req->instance_initiated_shutdown_behavior);
    if (req->user_data)
        name_one(&to, "userData",
                 (struct want){.bytes = req->user_data->value.p ? req->user_data->value : S("")});
    if (req->groups.n)
        name_one(&to, "groupSet", (struct want){.groups = &req->groups});
    if (req->block_device_mappings.n)
        name_one(&to, "blockDeviceMapping", (struct want){.devices = &req->block_device_mappings});
    return to;
}

static int
named(struct api_call *call, const struct ec2_ModifyInstanceAttributeRequest *req,
      const struct attribute **ret, struct want *ret_want)
{
    struct naming by_member = named_by_member(req);
    struct str name = by_member.n ? str_from(by_member.name) : req->attribute;

    if (by_member.n == 0 && !req->attribute.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination), "No attributes specified.");
    /* Attribute=groupSet beside GroupId.1 says the same thing twice, and is well. */
    if (by_member.n > 1 ||
        (by_member.n && ((req->attribute.n && !str_eq(req->attribute, name)) || req->value.p)))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Fields for multiple attribute types specified");
    *ret_want = by_member.n ? by_member.want : (struct want){.text = req->value};
    return attribute_find(call, name, ret);
}

/* ---- operations ---- */

int
ec2_describe_instance_attribute(struct api_call *call,
                                const struct ec2_DescribeInstanceAttributeRequest *req,
                                struct ec2_InstanceAttribute *res)
{
    const struct ec2_instance_row *row;
    const struct attribute *attribute;
    int r = ec2_instance_find(call, req->instance_id, &row);

    if (r == 0)
        r = attribute_find(call, req->attribute, &attribute);
    if (r)
        return r;
    if (!attribute->show)
        return unknown_attribute(call, req->attribute);
    res->instance_id = row->id;
    attribute->show(call, row, res);
    return 0;
}

static int
check_state(struct api_call *call, const struct ec2_instance_row *row,
            const struct attribute *attribute)
{
    /* an operator tells what runs in its instances by their user data */
    bool told = attribute->set == set_user_data && str_is(row->account, EC2_OPERATOR_ACCOUNT);

    if (attribute->stopped && row->state != EC2_STOPPED && !told)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is not in the 'stopped' state.", STR_ARG(row->id));
    if (row->state == EC2_SHUTTING_DOWN || row->state == EC2_TERMINATED)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is not in a state from which its attributes can be "
                         "modified.",
                         STR_ARG(row->id));
    return 0;
}

static int
change(struct api_call *call, struct str instance_id, const struct attribute *attribute,
       set_fn *set, const struct want *want)
{
    const struct ec2_instance_row *row;
    int r = ec2_instance_find(call, instance_id, &row);

    if (r)
        return r;
    if (!set)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%s) for parameter attribute is invalid. The attribute cannot be "
                         "changed.",
                         attribute->name);
    r = check_state(call, row, attribute);
    if (r)
        return r;
    struct ec2_instance_row new = *row;
    assert(row->state != EC2_TERMINATED && row->interface_id.n > 0);
    r = set(call, &new, want);
    assert(r || ec2_instance_ok(&new));
    return r ? r : ec2_instance_update(call->txn, &new);
}

int
ec2_modify_instance_attribute(struct api_call *call,
                              const struct ec2_ModifyInstanceAttributeRequest *req,
                              struct ec2_ModifyInstanceAttributeResult *res UNUSED)
{
    const struct attribute *attribute;
    struct want want;
    int r = named(call, req, &attribute, &want);

    return r ? r : change(call, req->instance_id, attribute, attribute->set, &want);
}

int
ec2_reset_instance_attribute(struct api_call *call,
                             const struct ec2_ResetInstanceAttributeRequest *req,
                             struct ec2_ResetInstanceAttributeResult *res UNUSED)
{
    const struct attribute *attribute;
    const struct want nothing = {0};
    int r = attribute_find(call, req->attribute, &attribute);

    return r ? r : change(call, req->instance_id, attribute, attribute->reset, &nothing);
}
