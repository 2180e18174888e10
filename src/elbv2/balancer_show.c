/* Load balancers as they are shown, and what is said of an account's limits. */
#include "elbv2/elbv2.h"

#include "gen/store/ec2_rows.h"

/* The hosted zones that AWS has names of Application Load Balancers in; others are not known. */
static struct str
hosted_zone(struct str region)
{
    static const struct {
        struct str region, zone;
    } zones[] = {
        {S_INIT("ap-northeast-1"), S_INIT("Z14GRHDCWA56QT")},
        {S_INIT("ap-northeast-2"), S_INIT("ZWKZPGTI48KDX")},
        {S_INIT("ap-south-1"), S_INIT("ZP97RAFLXTNZK")},
        {S_INIT("ap-southeast-1"), S_INIT("Z1LMS91P8CMLE5")},
        {S_INIT("ap-southeast-2"), S_INIT("Z1GM3OXH4ZPM65")},
        {S_INIT("ca-central-1"), S_INIT("ZQSVJUPU6J1EY")},
        {S_INIT("eu-central-1"), S_INIT("Z215JYRZR1TBD5")},
        {S_INIT("eu-north-1"), S_INIT("Z23TAZ6LKFMNIO")},
        {S_INIT("eu-west-1"), S_INIT("Z32O12XQLNTSW2")},
        {S_INIT("eu-west-2"), S_INIT("ZHURV8PSTC4K8")},
        {S_INIT("eu-west-3"), S_INIT("Z3Q77PNBQS71R4")},
        {S_INIT("sa-east-1"), S_INIT("Z2P70J7HTTTPLU")},
        {S_INIT("us-east-1"), S_INIT("Z35SXDOTRQ7X7K")},
        {S_INIT("us-east-2"), S_INIT("Z3AADJGX6KTTL2")},
        {S_INIT("us-west-1"), S_INIT("Z368ELLRRE2KJ0")},
        {S_INIT("us-west-2"), S_INIT("Z1H1FL5HABSF5")},
    };

    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (str_eq(zones[i].region, region))
            return zones[i].zone;
    return STR_NONE;
}

struct elbv2_AvailabilityZoneList
elb_zones_show(struct api_call *call, const struct elb_balancer_row *row)
{
    struct elbv2_AvailabilityZoneList list = {0};

    STORE_EACH(call->txn, elb_node_by_balancer, node, row->id) {
        struct elbv2_AvailabilityZone zone = {.zone_name = node->zone,
                                              .subnet_id = node->subnet_id};

        assert(elb_node_ok(node));
        API_PRESENT(&zone.load_balancer_addresses);
        *LIST_PUSH(call->arena, &list) = zone;
    }
    return list;
}

struct elbv2_LoadBalancer
elb_balancer_show(struct api_call *call, const struct elb_balancer_row *row)
{
    struct elbv2_LoadBalancer out = {
        .load_balancer_arn = row->id,
        .dns_name = row->dns_name,
        .canonical_hosted_zone_id = hosted_zone(row->region),
        .created_time = opt_i64(row->created_ms),
        .load_balancer_name = row->name,
        .scheme = row->internal ? S("internal") : S("internet-facing"),
        .vpc_id = row->vpc_id,
        .state = ARENA_NEW(call->arena, struct elbv2_LoadBalancerState),
        .type = S("application"),
        .availability_zones = elb_zones_show(call, row),
        .security_groups = row->security_group_ids,
        .ip_address_type = S("ipv4"),
    };

    assert(elb_balancer_ok(row));
    out.state->code = row->active ? S("active") : row->failure.n ? S("failed") : S("provisioning");
    if (row->failure.n)
        out.state->reason = row->failure;
    return out;
}

/* ---- DescribeLoadBalancers ---- */

static int
add_named(struct api_call *call, const struct elbv2_DescribeLoadBalancersInput *req,
          struct elbv2_DescribeLoadBalancersOutput *res)
{
    const struct elb_balancer_row *row;

    LIST_EACH(&req->load_balancer_arns, arn) {
        int r = elb_balancer_find(call, *arn, &row);

        if (r)
            return r;
        *LIST_PUSH(call->arena, &res->load_balancers) = elb_balancer_show(call, row);
    }
    LIST_EACH(&req->names, name) {
        row = elb_balancer_by_name_get(call->txn, call->account, call->region, *name);
        if (!row)
            return api_fault(call, &ELB_ERR(LoadBalancerNotFound),
                             "Load balancers '[%.*s]' not found", STR_ARG(*name));
        *LIST_PUSH(call->arena, &res->load_balancers) = elb_balancer_show(call, row);
    }
    return 0;
}

int
elb_describe_load_balancers(struct api_call *call,
                            const struct elbv2_DescribeLoadBalancersInput *req,
                            struct elbv2_DescribeLoadBalancersOutput *res)
{
    struct api_page page;
    int r = elb_page_open(call, req->marker, req->page_size, &page);

    if (r)
        return r;
    if (req->load_balancer_arns.n && req->names.n)
        return ELB_INVALID(call, "Load balancer names and load balancer ARNs cannot be specified "
                                 "at the same time");
    API_PRESENT(&res->load_balancers);
    if (req->load_balancer_arns.n || req->names.n)
        return add_named(call, req, res);
    STORE_EACH(call->txn, elb_balancer_by_owner, row, call->account, call->region)
        if (!page.more && api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->load_balancers) = elb_balancer_show(call, row);
    res->next_marker = elb_page_next(call, &page);
    return 0;
}

/* ---- others ---- */

/* Nobody reserves capacity here: a balancer takes what the host has. */
int
elb_describe_capacity_reservation(struct api_call *call,
                                  const struct elbv2_DescribeCapacityReservationInput *req,
                                  struct elbv2_DescribeCapacityReservationOutput *res)
{
    const struct elb_balancer_row *row;
    int r = elb_balancer_find(call, req->load_balancer_arn, &row);

    if (r)
        return r;
    res->decrease_requests_remaining = opt_i64(2);
    API_PRESENT(&res->capacity_reservation_state);
    return 0;
}

int
elb_describe_account_limits(struct api_call *call,
                            const struct elbv2_DescribeAccountLimitsInput *req,
                            struct elbv2_DescribeAccountLimitsOutput *res)
{
    static const struct {
        const char *name;
        int max;
    } limits[] = {
        {"application-load-balancers", ELB_BALANCERS_MAX},
        {"condition-values-per-alb-rule", ELB_CONDITIONS_MAX},
        {"condition-wildcards-per-alb-rule", ELB_CONDITIONS_MAX},
        {"listeners-per-application-load-balancer", ELB_LISTENERS_MAX},
        {"rules-per-application-load-balancer", ELB_RULES_MAX},
        {"target-groups", ELB_GROUPS_MAX},
        {"target-groups-per-action-on-application-load-balancer", ELB_FORWARD_MAX},
        {"targets-per-application-load-balancer", ELB_TARGETS_MAX},
    };
    struct api_page page;
    int r = elb_page_open(call, req->marker, req->page_size, &page);

    if (r)
        return r;
    API_PRESENT(&res->limits);
    for (size_t i = 0; i < ARRAY_LEN(limits) && !page.more; i++)
        if (api_page_take(&page, str_from(limits[i].name)))
            *LIST_PUSH(call->arena, &res->limits) = (struct elbv2_Limit){
                .name = str_from(limits[i].name), .max = str_fmt(call->arena, "%d", limits[i].max)};
    res->next_marker = elb_page_next(call, &page);
    return 0;
}
