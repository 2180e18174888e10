/*
 * Targets: registered, deregistered, and what is known of their health.
 *
 * A row has what the nodes found last.  The rest of a target's state is told by other rows when it
 * is asked for: whether anybody uses its group, whether its instance runs, whether it drains.
 */
#include "elbv2/elbv2.h"

#include "codec/ip.h"
#include "gen/store/ec2_rows.h"
#include "store/states.h"

/* ---- what is known of one ---- */

bool
elb_group_in_use(struct txn *txn, struct str group_id)
{
    STORE_EACH(txn, elb_use_by_group, use, group_id) {
        (void)use;
        return true;
    }
    return false;
}

/* Whether a balancer that uses the group has a node in the target's zone; an address has none. */
static bool
zone_enabled(struct txn *txn, const struct elb_target_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->target_id);

    if (!instance)
        return true;
    STORE_EACH(txn, elb_use_by_group, use, row->group_id)
        STORE_EACH(txn, elb_node_by_balancer, node, use->balancer_id, instance->zone) {
            assert(elb_node_ok(node));
            return true;
        }
    return false;
}

bool
elb_target_address(struct txn *txn, const struct elb_target_row *row, struct str *ret)
{
    const struct ec2_instance_row *instance;

    assert(elb_target_ok(row));
    *ret = row->target_id;
    if (!str_starts(row->target_id, S("i-")))
        return true;
    instance = ec2_instance_get(txn, row->target_id);
    if (!instance || instance->state != EC2_RUNNING)
        return false;
    *ret = instance->private_ip;
    return true;
}

static bool
is_of(struct txn *txn, const struct elb_target_group_row *group, const struct elb_target_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->target_id);

    return !instance || str_eq(instance->vpc_id, group->vpc_id);
}

struct elb_health
elb_target_health(struct txn *txn, const struct elb_target_row *row)
{
    const struct elb_target_group_row *group = elb_target_group_get(txn, row->group_id);
    struct str address;

    assert(group && elb_target_ok(row) && is_of(txn, group, row));
    if (row->draining_until_ms)
        return (struct elb_health){S("draining"), S("Target.DeregistrationInProgress"),
                                   S("Target deregistration is in progress")};
    if (!elb_target_address(txn, row, &address))
        return (struct elb_health){S("unused"), S("Target.InvalidState"),
                                   S("Target is in the stopped state")};
    if (!elb_group_in_use(txn, group->id))
        return (struct elb_health){
            S("unused"), S("Target.NotInUse"),
            S("Target group is not configured to receive traffic from the load balancer")};
    if (!zone_enabled(txn, row))
        return (struct elb_health){
            S("unused"), S("Target.NotInUse"),
            S("Target is in an Availability Zone that is not enabled for the load balancer")};
    return (struct elb_health){row->health, row->reason, row->description};
}

/* ---- which ones a request means ---- */

static struct str
id_of(struct api_call *call, const struct elb_target_group_row *group, struct str target,
      int64_t port)
{
    return str_fmt(call->arena, "%.*s %.*s %d", STR_ARG(group->id), STR_ARG(target), (int)port);
}

static int
instance_check(struct api_call *call, const struct elb_target_group_row *group, struct str id)
{
    const struct ec2_instance_row *row = ec2_instance_get(call->txn, id);

    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region) ||
        row->state == EC2_TERMINATED || row->state == EC2_SHUTTING_DOWN)
        return api_fault(call, &ELB_ERR(InvalidTarget),
                         "The following targets are not in a running state and cannot be "
                         "registered: '%.*s'",
                         STR_ARG(id));
    if (!str_eq(row->vpc_id, group->vpc_id))
        return api_fault(call, &ELB_ERR(InvalidTarget),
                         "The following targets are not in the target group VPC '%.*s': '%.*s'",
                         STR_ARG(group->vpc_id), STR_ARG(id));
    if (row->state != EC2_RUNNING)
        return api_fault(call, &ELB_ERR(InvalidTarget),
                         "The following targets are not in a running state and cannot be "
                         "registered: '%.*s'",
                         STR_ARG(id));
    return 0;
}

static bool
vpc_has(struct txn *txn, struct str vpc_id, uint32_t ip)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, vpc_id);
    struct ip4_block block;

    if (vpc && ip4_block_parse(vpc->cidr, &block) && ip4_block_has(block, ip))
        return true;
    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, vpc_id)
        if (ip4_block_parse(row->cidr, &block) && ip4_block_has(block, ip))
            return true;
    return false;
}

/* Addresses of the VPC, or private ones that it has routes to. */
static int
address_check(struct api_call *call, const struct elb_target_group_row *group,
              const struct elbv2_TargetDescription *t)
{
    static const struct ip4_block private[] = {
        {0x0a000000, 8}, {0x64400000, 10}, {0xac100000, 12}, {0xc0a80000, 16}};
    uint32_t ip;
    bool ok = false;

    if (!ip4_parse(t->id, &ip))
        return ELB_INVALID(call, "The IP address '%.*s' is not a valid IPv4 address",
                           STR_ARG(t->id));
    if (vpc_has(call->txn, group->vpc_id, ip))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(private); i++)
        ok = ok || ip4_block_has(private[i], ip);
    if (!ok)
        return ELB_INVALID(call,
                           "The IP address '%.*s' must be in the address range of the VPC '%.*s' "
                           "or in a private range",
                           STR_ARG(t->id), STR_ARG(group->vpc_id));
    if (!str_is(t->availability_zone, "all"))
        return ELB_INVALID(call,
                           "You must specify 'all' as the Availability Zone of the IP address "
                           "'%.*s', which is outside of the VPC '%.*s'",
                           STR_ARG(t->id), STR_ARG(group->vpc_id));
    return 0;
}

static int
target_check(struct api_call *call, const struct elb_target_group_row *group,
             const struct elbv2_TargetDescription *t)
{
    bool by_instance = str_is(group->target_type, "instance");

    if (t->quic_server_id.p)
        return elb_unsupported(call, "QuicServerId");
    if (by_instance && !str_starts(t->id, S("i-")))
        return ELB_INVALID(call, "Instance ID '%.*s' is not valid", STR_ARG(t->id));
    if (by_instance && t->availability_zone.p)
        return ELB_INVALID(call, "You cannot specify an Availability Zone for targets of type "
                                 "'instance'");
    return by_instance ? instance_check(call, group, t->id) : address_check(call, group, t);
}

/* ---- RegisterTargets ---- */

static int
target_put(struct api_call *call, const struct elb_target_group_row *group,
           const struct elbv2_TargetDescription *t)
{
    int64_t port = opt_i64_or(t->port, group->port);
    const struct elb_target_row *before =
        elb_target_get(call->txn, id_of(call, group, t->id, port));
    const struct elb_target_row row = {
        .id = id_of(call, group, t->id, port),
        .group_id = group->id,
        .target_id = t->id,
        .port = port,
        .zone = t->availability_zone,
        .health = S("initial"),
        .reason = S("Elb.RegistrationInProgress"),
        .description = S("Target registration is in progress"),
        .registered_ms = call->now_ms,
    };

    assert(elb_target_ok(&row));
    /* One that drains is registered anew. */
    if (before && !before->draining_until_ms)
        return 0;
    return elb_written(before ? elb_target_update(call->txn, &row)
                              : elb_target_insert(call->txn, &row),
                       "target", row.id);
}

int
elb_register_targets(struct api_call *call, const struct elbv2_RegisterTargetsInput *req,
                     struct elbv2_RegisterTargetsOutput *res UNUSED)
{
    const struct elb_target_group_row *group;
    size_t n = 0;
    int r = elb_group_find(call, req->target_group_arn, &group);

    LIST_EACH(&req->targets, t)
        if (!r)
            r = target_check(call, group, t);
    LIST_EACH(&req->targets, t)
        if (!r)
            r = target_put(call, group, t);
    if (r)
        return r;
    STORE_EACH(call->txn, elb_target_by_group, row, group->id) {
        assert(elb_target_ok(row));
        n++;
    }
    return n <= ELB_TARGETS_MAX ? 0
                                : api_fault(call, &ELB_ERR(TooManyTargets),
                                            "The maximum number of targets per target group is "
                                            "'%d'",
                                            ELB_TARGETS_MAX);
}

/* ---- DeregisterTargets ---- */

static int
target_drain(struct api_call *call, const struct elb_target_group_row *group,
             const struct elb_target_row *row)
{
    int64_t delay_s =
        elb_attribute_i64(ELB_OF_GROUP, &group->attributes, "deregistration_delay.timeout_seconds");
    struct elb_target_row new = *row;

    if (row->draining_until_ms)
        return 0;
    new.draining_until_ms = call->now_ms + delay_s * 1000;
    /* Nobody drains what nobody uses. */
    if (!delay_s || !elb_group_in_use(call->txn, group->id))
        return elb_written(elb_target_delete(call->txn, row->id), "target", row->id);
    return elb_written(elb_target_update(call->txn, &new), "target", row->id);
}

/* Of an instance that is registered with several ports all are meant when no port is said. */
int
elb_deregister_targets(struct api_call *call, const struct elbv2_DeregisterTargetsInput *req,
                       struct elbv2_DeregisterTargetsOutput *res UNUSED)
{
    const struct elb_target_group_row *group;
    int r = elb_group_find(call, req->target_group_arn, &group);

    if (r)
        return r;
    LIST_EACH(&req->targets, t)
        STORE_EACH(call->txn, elb_target_by_group, row, group->id, t->id)
            if (!r && (!t->port.set || t->port.v == row->port))
                r = target_drain(call, group, row);
    return r;
}

/* ---- DescribeTargetHealth ---- */

static struct elbv2_TargetHealthDescription
show(struct api_call *call, const struct elb_target_group_row *group,
     const struct elb_target_row *row, const struct elb_health *health)
{
    struct elbv2_TargetHealthDescription out = {
        .target = ARENA_NEW(call->arena, struct elbv2_TargetDescription),
        .health_check_port = str_is(group->check_port, "traffic-port")
                                 ? str_fmt(call->arena, "%d", (int)row->port)
                                 : group->check_port,
        .target_health = ARENA_NEW(call->arena, struct elbv2_TargetHealth),
    };

    *out.target =
        (struct elbv2_TargetDescription){.id = row->target_id, .port = opt_i64(row->port)};
    if (row->zone.n)
        out.target->availability_zone = row->zone;
    out.target_health->state = health->state;
    if (health->reason.n) {
        out.target_health->reason = health->reason;
        out.target_health->description = health->description;
    }
    assert(str_is(health->state, "healthy") == !health->reason.n);
    return out;
}

static bool
is_wanted(const struct elbv2_TargetDescriptionList *wanted, const struct elb_target_row *row)
{
    LIST_EACH(wanted, t)
        if (str_eq(t->id, row->target_id) && (!t->port.set || t->port.v == row->port))
            return true;
    return !wanted->n;
}

/* Targets that were asked about and are none. */
static int
show_others(struct api_call *call, const struct elb_target_group_row *group,
            const struct elbv2_TargetDescriptionList *wanted,
            struct elbv2_DescribeTargetHealthOutput *res)
{
    static const struct elb_health not_registered = {
        S_INIT("unused"), S_INIT("Target.NotRegistered"),
        S_INIT("Target is not registered to the target group")};

    LIST_EACH(wanted, t) {
        bool found = false;

        STORE_EACH(call->txn, elb_target_by_group, row, group->id, t->id)
            found = found || !t->port.set || t->port.v == row->port;
        const struct elb_target_row none = {.target_id = t->id,
                                            .port = opt_i64_or(t->port, group->port)};

        if (!found && str_is(group->target_type, "instance") && !ec2_instance_get(call->txn, t->id))
            return api_fault(call, &ELB_ERR(InvalidTarget),
                             "The following targets are not valid: '%.*s'", STR_ARG(t->id));
        if (!found)
            *LIST_PUSH(call->arena, &res->target_health_descriptions) =
                show(call, group, &none, &not_registered);
    }
    return 0;
}

int
elb_describe_target_health(struct api_call *call, const struct elbv2_DescribeTargetHealthInput *req,
                           struct elbv2_DescribeTargetHealthOutput *res)
{
    const struct elb_target_group_row *group;
    int r = elb_group_find(call, req->target_group_arn, &group);

    if (!r && req->include.n)
        r = elb_unsupported(call, "Include");
    if (r)
        return r;
    STORE_EACH(call->txn, elb_target_by_group, row, group->id) {
        struct elb_health health = elb_target_health(call->txn, row);

        if (is_wanted(&req->targets, row))
            *LIST_PUSH(call->arena, &res->target_health_descriptions) =
                show(call, group, row, &health);
    }
    r = show_others(call, group, &req->targets, res);
    API_PRESENT(&res->target_health_descriptions);
    return r;
}
