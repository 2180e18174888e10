/*
 * RunInstances: rows in the state pending.  The host, which watches them, boots the machines.
 *
 * A thousand instances in one call must cost a thousand times one row and no more: what all
 * share is checked once, and nothing in the loop walks over what exists already.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"

enum { CLIENT_TOKEN_BYTES_MAX = 64 };

/* ---- client tokens ---- */

static int
check_token(struct api_call *call, struct str token, struct str hash,
            const struct ec2_reservation_row **ret)
{
    *ret = NULL;
    if (!token.n)
        return 0;
    if (token.n > CLIENT_TOKEN_BYTES_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter clientToken is invalid. A token has at most "
                         "%d characters.",
                         STR_ARG(token), CLIENT_TOKEN_BYTES_MAX);
    const struct ec2_reservation_row *row =
        ec2_reservation_by_token_get(call->txn, call->account, call->region, token);
    if (row && !str_eq(row->request_hash, hash))
        return api_fault(call, &EC2_ERR(Idempotent_ParameterMismatch),
                         "Arguments on this idempotent request are inconsistent with arguments "
                         "used in previous request(s).");
    *ret = row;
    return 0;
}

static void
show_reservation(struct api_call *call, struct str id, struct ec2_Reservation *res)
{
    struct ec2_instance_shower shower;

    assert(id.n > 0);
    ec2_instance_shower_init(&shower, call);
    res->reservation_id = id;
    res->owner_id = call->account;
    API_PRESENT(&res->groups);
    API_PRESENT(&res->instances);
    STORE_EACH(call->txn, ec2_instance_by_reservation, row, id)
        ec2_instance_show(&shower, row, LIST_PUSH(call->arena, &res->instances));
}

/* ---- making ---- */

static int
make_interface(struct api_call *call, const struct ec2_launch *l, const struct ec2_launch_nic *nic,
               struct str instance_id, struct ec2_interface_row *ret)
{
    const struct ec2_interface_want want = {
        .subnet = nic->subnet,
        .instance_id = instance_id,
        .device_index = nic->device_index,
        .interface_type = nic->type,
        .private_ip = nic->private_ip,
        .more_ips = nic->more_ips,
        .more_count = nic->more_count,
        .public_ip = nic->public_ip,
        .description = nic->description,
        .group_ids = nic->group_ids,
        .tags = l->interface_tags,
        .delete_on_termination = nic->delete_on_termination,
        .requester = l->operator.n ? ec2_requester(call) : S(""),
    };

    if (nic->existing && l->interface_tags.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Tags for a network interface may not be specified with its ID");
    return nic->existing
               ? ec2_interface_attach(call, nic->existing, instance_id, nic->device_index, ret)
               : ec2_interface_make(call, &want, ret);
}

static int
make_interfaces(struct api_call *call, const struct ec2_launch *l, struct ec2_instance_row *row)
{
    struct ec2_interface_row primary, further;
    int r = make_interface(call, l, &l->nics.v[0], row->id, &primary);

    assert(l->nics.n > 0 && l->nics.v[0].device_index == 0);
    for (size_t i = 1; i < l->nics.n && !r; i++)
        r = make_interface(call, l, &l->nics.v[i], row->id, &further);
    if (r)
        return r;
    row->interface_id = primary.id;
    row->private_ip = primary.private_ip;
    row->public_ip = primary.public_ip;
    row->source_dest_check = primary.source_dest_check;
    row->more_interfaces = (int64_t)l->nics.n - 1;
    return 0;
}

static int
make_volume(struct api_call *call, const struct ec2_launch *l, struct str device, bool is_data,
            const struct ec2_EbsBlockDevice *ebs, struct ec2_instance_row *row)
{
    const struct ec2_volume_want want = {.ebs = ebs,
                                         .instance_id = row->id,
                                         .device = device,
                                         .zone = row->zone,
                                         .is_data = is_data,
                                         .tags = &l->volume_tags};
    struct ec2_volume_row made = {0};
    struct str error;
    struct api_call owner = *call; /* of the instance: an operator's is not the caller's */

    owner.account = row->account;
    int r = ec2_volume_make(&owner, &want, &made, &error);

    call->fault = owner.fault;

    assert(row->zone.n > 0);
    if (!is_data)
        row->root_volume_id = made.id;
    if (r == 0 && error.n)
        row->launch_error = error;
    return r;
}

/* One that the instance cannot start with does not refuse the call: the launch fails later. */
static int
make_volumes(struct api_call *call, const struct ec2_launch *l, struct ec2_instance_row *row)
{
    int r = make_volume(call, l, l->image->root_device_name, false, &l->root, row);

    for (size_t i = 0; i < l->devices.n && r == 0 && !row->launch_error.n; i++)
        r = make_volume(call, l, l->devices.v[i].name, true, &l->devices.v[i].ebs, row);
    return r;
}

static int
take_slot(struct api_call *call, const struct ec2_launch *l, struct ec2_instance_row *row)
{
    int r = ec2_slot_take(call->txn, row->id, api_machines(call)->max, &row->uid_slot);

    if (r != -ENOSPC)
        return r;
    return api_fault(call, &EC2_ERR(InsufficientInstanceCapacity),
                     "We currently do not have sufficient %.*s capacity in the Availability Zone "
                     "you requested (%.*s).",
                     STR_ARG(l->type->name), STR_ARG(row->zone));
}

static int
make_instance(struct api_call *call, const struct ec2_launch *l, unsigned index)
{
    struct ec2_instance_row row = l->model;
    const struct ec2_instance_why why = INSTANCE_WHY_PENDING;
    struct ec2_profile_association_row association;

    assert(l->image && l->type && l->subnet && index < INSTANCE_RUN_MAX);
    row.id = api_id(call, "i");
    row.launch_index = index;
    row.state = EC2_PENDING;
    row.reason_code = why.code;
    row.reason_message = why.message;
    row.transition_reason = why.transition;
    row.state_since_ms = row.launched_ms = row.first_launched_ms = call->now_ms;
    row.start_generation = 1;
    int r = make_interfaces(call, l, &row);
    if (r == 0)
        r = make_volumes(call, l, &row);
    if (r == 0)
        r = ec2_vcpus_take(call, &row);
    if (r == 0)
        r = ec2_instance_place(call, &row);
    if (r == 0)
        r = take_slot(call, l, &row);
    if (r == 0 && l->profile)
        r = ec2_profile_associate(call, row.id, l->profile, &association);
    assert(r || ec2_instance_ok(&row));
    if (r == 0)
        r = ec2_instance_insert(call->txn, &row);
    if (r == 0)
        r = ec2_notify_instance(call->txn, &row, call->now_ms);
    return r;
}

static bool
lacks_room(const struct api_call *call)
{
    return str_is(call->fault.code, "InsufficientFreeAddressesInSubnet") ||
           str_is(call->fault.code, "InsufficientAddressCapacity") ||
           str_is(call->fault.code, "InsufficientInstanceCapacity");
}

/* As many as there is room for, but not fewer than min. */
static int
make_instances(struct api_call *call, const struct ec2_launch *l)
{
    assert(l->min >= 1 && l->min <= l->max && l->max <= INSTANCE_RUN_MAX);
    for (unsigned i = 0; i < l->max; i++) {
        size_t mark = store_savepoint(call->txn);
        int r = make_instance(call, l, i);

        if (r > 0 && i >= l->min && lacks_room(call)) {
            store_rollback_to(call->txn, mark);
            call->fault = (struct api_fault){0};
            return 0;
        }
        if (r)
            return r;
    }
    return 0;
}

/* LastLaunchedTime, which only the image's owner sees. */
static int
mark_launched(struct api_call *call, const struct ec2_image_row *image)
{
    struct ec2_image_row new = *image;

    if (!str_eq(image->account, call->account))
        return 0;
    new.last_launched_ms = call->now_ms;
    assert(ec2_image_ok(&new));
    return ec2_image_update(call->txn, &new);
}

int
ec2_run_instances(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                  struct ec2_Reservation *res)
{
    struct ec2_reservation_row reservation = {
        .account = call->account,
        .region = call->region,
        .client_token = req->client_token,
        .created_ms = call->now_ms,
    };
    const struct ec2_reservation_row *before;
    struct ec2_launch launch = {0};

    if (req->client_token.n)
        reservation.request_hash = ec2_request_hash(call, req);
    int r = check_token(call, req->client_token, reservation.request_hash, &before);
    if (r)
        return r;
    if (before) {
        r = ec2_relaunch_authorize(call);
        if (r == 0)
            show_reservation(call, before->id, res);
        return r;
    }
    r = ec2_launch_template_apply(call, &launch, &req);
    if (r == 0)
        r = ec2_launch_check(call, req, &launch);
    if (r == 0)
        r = ec2_launch_authorize(call, req, &launch);
    if (r)
        return r;
    assert(launch.min >= 1 && launch.image && launch.type && launch.subnet && launch.vpc);
    assert(str_eq(launch.subnet->vpc_id, launch.vpc->id));
    reservation.id = api_id(call, "r");
    if (req->operator)
        launch.operator = req->operator->principal;
    launch.model.account = launch.operator.n ? S(EC2_OPERATOR_ACCOUNT) : call->account;
    launch.model.region = call->region;
    launch.model.reservation_id = reservation.id;
    launch.model.requester_arn = call->principal_arn;
    r = ec2_reservation_insert(call->txn, &reservation);
    if (r == 0)
        r = make_instances(call, &launch);
    if (r == 0)
        r = mark_launched(call, launch.image);
    if (r == 0)
        show_reservation(call, reservation.id, res);
    return r;
}
