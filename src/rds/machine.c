/*
 * The machine of a DB instance: an EC2 instance that the service runs in the tenant's subnet.
 *
 * What the agent in it shall do is its user data, which it reads again and again: lines NAME=VALUE,
 * among them a serial number.  When it has done that it says so on the console:
 * "welkin-database SERIAL ready", or "… failed: WHY".  A simulated host's guests run nothing; there
 * the engine is there when the machine runs.
 */
#include "rds/rds.h"

#include "api/actor.h"

#define SAID "welkin-database "

int
rds_ec2(struct api_call *call, struct str account, const char *operation, const void *req,
        void *res)
{
    struct str_list actor = api_actor_account(call->arena, account);
    struct api_call inner;

    if (!api_actor_call(call->api, call->arena, &actor, call->region, &inner))
        return error_origin(EINVAL, "account %.*s cannot call", STR_ARG(account));
    inner.txn = call->txn;
    inner.op = call->op; /* one that only reads must not prepare anything */
    int r = api_call_internal(&inner, "ec2", operation, req, res, RDS_VIA);

    call->fault = inner.fault;
    return r;
}

const struct ec2_instance_row *
rds_machine(struct api_call *call, const struct rds_instance_row *row)
{
    return row->instance_id.n ? ec2_instance_get(call->txn, row->instance_id) : NULL;
}

/* ---- what the agent is told ---- */

static struct str
told(struct api_call *call, const struct rds_instance_row *row)
{
    struct arena *a = call->arena;
    struct str text =
        str_fmt(a,
                "#welkin-database\nSERIAL=%lld\nENGINE=%.*s\nVERSION=%.*s\nPORT=%lld\n"
                "MASTER=%.*s\nVERIFIER=%.*s\nDATABASE=%.*s\nRESTARTS=%lld\n",
                (long long)row->serial, STR_ARG(row->engine), STR_ARG(row->engine_version),
                (long long)row->port, STR_ARG(row->master), STR_ARG(row->verifier),
                STR_ARG(row->database), (long long)row->restarts);

    assert(str_find_char(row->master, '\n') == SIZE_MAX);
    for (size_t i = 0; i < row->parameters.n; i += 2)
        text = str_fmt(a, "%.*sPARAMETER=%.*s=%.*s\n", STR_ARG(text), STR_ARG(row->parameters.v[i]),
                       STR_ARG(row->parameters.v[i + 1]));
    return text;
}

int
rds_machine_tell(struct api_call *call, struct rds_instance_row *row)
{
    const struct ec2_instance_row *machine = rds_machine(call, row);
    struct ec2_BlobAttributeValue data;
    const struct ec2_ModifyInstanceAttributeRequest ask = {.instance_id = row->instance_id,
                                                           .user_data = &data};
    struct ec2_ModifyInstanceAttributeResult res = {0};

    if (!machine)
        return error_origin(ENOENT, "DB instance %.*s has no machine", STR_ARG(row->name));
    assert(str_is(machine->account, RDS_MACHINES));
    row->serial++;
    data.value = told(call, row);
    return rds_ec2(call, machine->account, "ModifyInstanceAttribute", &ask, &res);
}

enum rds_said
rds_machine_said(struct api_call *call, const struct rds_instance_row *row, struct str *ret_why)
{
    const struct ec2_instance_row *machine = rds_machine(call, row);
    const struct api_machines *machines = api_machines(call);
    struct str text, prefix = str_fmt(call->arena, SAID "%lld ", (long long)row->serial);
    int64_t at_ms;

    assert(row->serial > 0);
    *ret_why = STR_NONE;
    if (!machine || machine->state != EC2_RUNNING)
        return RDS_SAID_NOTHING;
    if (!machines->runs_guests)
        return RDS_SAID_READY;
    if (machines->console(machines->ctx, call->arena, row->instance_id, &text, &at_ms) < 0)
        return RDS_SAID_NOTHING;
    while (text.p) {
        struct str line = str_trim(str_split(&text, '\n'));

        if (!str_starts(line, prefix))
            continue;
        *ret_why = str_cut(line, prefix.n, line.n);
        if (str_is(*ret_why, "ready"))
            return RDS_SAID_READY;
        if (str_starts(*ret_why, S("failed")))
            return RDS_SAID_FAILED;
    }
    return RDS_SAID_NOTHING;
}

/* ---- launching ---- */

/* A simulated guest runs nothing, so that any image will do. */
static const struct ec2_image_row *
own_image(struct api_call *call)
{
    const char *name = api_machines(call)->runs_guests ? RDS_IMAGE : "welkin-tiny";

    STORE_EACH(call->txn, ec2_image_by_state, row, S("available"))
        if (str_is(row->name, name) && str_is(row->owner_alias, "welkin") && row->rootfs.n)
            return row;
    return NULL;
}

int
rds_machine_check(struct api_call *call)
{
    if (own_image(call))
        return 0;
    return api_fault(call, &RDS_ERR(InsufficientDBInstanceCapacity),
                     "This cloud has no image of the database engines. Make it on its host with "
                     "`welkin image build database` (Debian packages are fetched), then try "
                     "again.");
}

/* The subnets of the group's in the zone, or all: in what order they are tried differs. */
static struct str_list
subnets_of(struct api_call *call, const struct rds_instance_row *row)
{
    const struct rds_subnet_group_row *group =
        rds_subnet_group_by_name_get(call->txn, call->account, call->region, row->subnet_group);
    struct str_list ids = {0};

    assert(group && group->subnets.n > 0);
    uint64_t first = str_hash(row->id, 2) % group->subnets.n;

    for (size_t i = 0; i < group->subnets.n; i++) {
        struct str id = group->subnets.v[(first + i) % group->subnets.n];
        const struct ec2_subnet_row *subnet = ec2_subnet_get(call->txn, id);

        if (subnet && (!row->zone.n || str_eq(subnet->zone, row->zone)))
            *LIST_PUSH(call->arena, &ids) = id;
    }
    return ids;
}

/* EC2's refusals in the words of RDS. */
static int
reworded(struct api_call *call, const struct rds_instance_row *row)
{
    struct str code = call->fault.code, message = str_dup(call->arena, call->fault.message);

    if (str_is(code, "InsufficientFreeAddressesInSubnet"))
        return api_fault(call, &RDS_ERR(InvalidSubnet),
                         "The DB subnet group %.*s has no free IP address.",
                         STR_ARG(row->subnet_group));
    if (str_starts(code, S("Insufficient")))
        return api_fault(call, &RDS_ERR(InsufficientDBInstanceCapacity),
                         "Cannot create a database instance because no Availability Zone has "
                         "enough capacity for class %.*s.",
                         STR_ARG(row->class));
    if (str_is(code, "Unsupported"))
        return api_fault(call, &RDS_ERR(InvalidVPCNetworkStateFault),
                         "Cannot create a %.*s database instance in the DB subnet group %.*s: "
                         "%.*s",
                         STR_ARG(row->class), STR_ARG(row->subnet_group), STR_ARG(message));
    return RDS_INVALID(call, "%.*s", STR_ARG(message));
}

static struct ec2_EbsBlockDevice *
storage_of(struct api_call *call, const struct rds_instance_row *row)
{
    struct ec2_EbsBlockDevice *ebs = ARENA_NEW(call->arena, struct ec2_EbsBlockDevice);

    assert(row->storage_gib > 0 && row->storage_type.n > 0);
    *ebs = (struct ec2_EbsBlockDevice){.volume_size = opt_i64(row->storage_gib),
                                       .volume_type = row->storage_type,
                                       .delete_on_termination = opt_bool(true)};
    if (row->iops)
        ebs->iops = opt_i64(row->iops);
    if (row->throughput)
        ebs->throughput = opt_i64(row->throughput);
    return ebs;
}

int
rds_machine_launch(struct api_call *call, struct rds_instance_row *row, struct str image_id)
{
    const struct ec2_image_row *image = own_image(call);
    struct ec2_InstanceNetworkInterfaceSpecification nic = {
        .device_index = opt_i64(0),
        .groups = row->groups,
        .associate_public_ip_address = opt_bool(row->public),
        .delete_on_termination = opt_bool(true),
        .description = S("RDSNetworkInterface"),
    };
    struct ec2_BlockDeviceMapping device = {.ebs = storage_of(call, row)};
    struct ec2_OperatorRequest operator= {.principal = S(RDS_VIA)};
    struct ec2_RunInstancesRequest ask = {.image_id = image_id.n ? image_id : image->id,
                                          .instance_type = str_cut(row->class, 3, row->class.n),
                                          .min_count = opt_i64(1),
                                          .max_count = opt_i64(1),
                                          .network_interfaces = {&nic, 1},
                                          .block_device_mappings = {&device, 1},
                                          .operator= & operator, };
    struct ec2_Reservation made = {0};

    struct str_list subnets = subnets_of(call, row);
    int r = 1;

    assert(image && str_starts(row->class, S("db.")) && subnets.n > 0);
    device.device_name = image->root_device_name;
    row->serial = 1;
    ask.user_data = str_base64(call->arena, told(call, row));
    for (size_t i = 0; i < subnets.n && r > 0; i++) { /* not every zone has every type */
        nic.subnet_id = subnets.v[i];
        r = rds_ec2(call, call->account, "RunInstances", &ask, &made);
    }
    if (r)
        return r > 0 ? reworded(call, row) : r;
    assert(made.instances.n == 1);
    assert(made.instances.v[0].placement && row->serial == 1);
    row->instance_id = made.instances.v[0].instance_id;
    row->zone = made.instances.v[0].placement->availability_zone;
    return 0;
}

/* ---- changing ---- */

int
rds_machine_power(struct api_call *call, const struct rds_instance_row *row, const char *operation)
{
    const struct ec2_instance_row *machine = rds_machine(call, row);
    /* the three inputs begin alike: ids of instances */
    struct ec2_StartInstancesRequest start = {0};
    struct ec2_StartInstancesResult started = {0};
    struct ec2_StopInstancesRequest stop = {0};
    struct ec2_StopInstancesResult stopped = {0};
    struct ec2_TerminateInstancesRequest end = {0};
    struct ec2_TerminateInstancesResult ended = {0};

    if (!machine || machine->state == EC2_TERMINATED)
        return 0;
    assert(machine->account.n == 12);
    *LIST_PUSH(call->arena, &start.instance_ids) = machine->id;
    stop.instance_ids = end.instance_ids = start.instance_ids;
    if (strcmp(operation, "StartInstances") == 0)
        return rds_ec2(call, machine->account, operation, &start, &started);
    if (strcmp(operation, "StopInstances") == 0)
        return rds_ec2(call, machine->account, operation, &stop, &stopped);
    assert(strcmp(operation, "TerminateInstances") == 0);
    return rds_ec2(call, machine->account, operation, &end, &ended);
}

int
rds_machine_class(struct api_call *call, const struct rds_instance_row *row, struct str type)
{
    const struct ec2_instance_row *machine = rds_machine(call, row);
    struct ec2_AttributeValue value = {.value = type};
    const struct ec2_ModifyInstanceAttributeRequest ask = {.instance_id = row->instance_id,
                                                           .instance_type = &value};
    struct ec2_ModifyInstanceAttributeResult res = {0};

    assert(machine && machine->state == EC2_STOPPED);
    return rds_ec2(call, machine->account, "ModifyInstanceAttribute", &ask, &res);
}

int
rds_machine_storage(struct api_call *call, const struct rds_instance_row *row)
{
    const struct ec2_instance_row *machine = rds_machine(call, row);
    struct ec2_ModifyVolumeRequest ask = {.size = opt_i64(row->storage_gib),
                                          .volume_type = row->storage_type};
    struct ec2_ModifyVolumeResult res = {0};

    assert(machine && machine->root_volume_id.n > 0);
    ask.volume_id = machine->root_volume_id;
    if (row->iops)
        ask.iops = opt_i64(row->iops);
    if (row->throughput)
        ask.throughput = opt_i64(row->throughput);
    return rds_ec2(call, machine->account, "ModifyVolume", &ask, &res);
}

int
rds_machine_groups(struct api_call *call, const struct rds_instance_row *row)
{
    const struct ec2_instance_row *machine = rds_machine(call, row);
    struct ec2_ModifyNetworkInterfaceAttributeRequest ask = {.groups = row->groups};
    struct ec2_ModifyNetworkInterfaceAttributeResult res = {0};

    assert(machine && row->groups.n > 0);
    ask.network_interface_id = machine->interface_id;
    return rds_ec2(call, call->account, "ModifyNetworkInterfaceAttribute", &ask, &res);
}
