/* Target groups: what requests are forwarded to, and how it is checked whether it can take them. */
#include "elbv2/elbv2.h"

#include "gen/store/ec2_rows.h"

/* ---- showing ---- */

static struct elbv2_TargetGroup
show(struct api_call *call, const struct elb_target_group_row *row)
{
    struct elbv2_TargetGroup out = {
        .target_group_arn = row->id,
        .target_group_name = row->name,
        .protocol = row->protocol,
        .port = opt_i64(row->port),
        .vpc_id = row->vpc_id,
        .health_check_protocol = S("HTTP"),
        .health_check_port = row->check_port,
        .health_check_enabled = opt_bool(true),
        .health_check_interval_seconds = opt_i64(row->interval_s),
        .health_check_timeout_seconds = opt_i64(row->timeout_s),
        .healthy_threshold_count = opt_i64(row->healthy_threshold),
        .unhealthy_threshold_count = opt_i64(row->unhealthy_threshold),
        .health_check_path = row->check_path,
        .matcher = ARENA_NEW(call->arena, struct elbv2_Matcher),
        .target_type = row->target_type,
        .protocol_version = S("HTTP1"),
        .ip_address_type = S("ipv4"),
    };

    assert(elb_group_ok(row));
    out.matcher->http_code = row->matcher;
    API_PRESENT(&out.load_balancer_arns);
    STORE_EACH(call->txn, elb_use_by_group, use, row->id)
        if (!str_in(&out.load_balancer_arns, use->balancer_id)) {
            if (!out.load_balancer_arns.n)
                out.load_balancer_arns.v = NULL;
            *LIST_PUSH(call->arena, &out.load_balancer_arns) = use->balancer_id;
        }
    return out;
}

/* ---- checks ---- */

/* "200,202", "200-299"; codes from 200 to 499. */
static int
matcher_check(struct api_call *call, struct str matcher)
{
    struct str rest = matcher;

    while (rest.p) {
        struct str to = str_split(&rest, ','), from = str_split(&to, '-');
        int64_t a, b = 0;

        if (!str_to_i64(from, &a) || (to.p && !str_to_i64(to, &b)) || a < 200 || a > 499 ||
            (to.p && (b < a || b > 499)))
            return ELB_INVALID(call,
                               "Health check matcher HTTP code '%.*s' must be within '200-499' "
                               "inclusive",
                               STR_ARG(matcher));
    }
    return 0;
}

static int
port_check(struct api_call *call, struct str port)
{
    int64_t n;

    if (str_is(port, "traffic-port") || (str_to_i64(port, &n) && n >= 1 && n <= 65535))
        return 0;
    return ELB_INVALID(call,
                       "Health check port '%.*s' must be 'traffic-port' or in the range "
                       "1-65535",
                       STR_ARG(port));
}

static int
path_check(struct api_call *call, struct str path)
{
    if (!path.n || path.p[0] != '/')
        return ELB_INVALID(call, "Health check path '%.*s' must begin with a '/' character",
                           STR_ARG(path));
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= ' ' || path.p[i] >= 0x7f)
            return ELB_INVALID(call, "Health check path '%.*s' has invalid characters",
                               STR_ARG(path));
    return 0;
}

static int
checks_check(struct api_call *call, const struct elb_target_group_row *row)
{
    int r = port_check(call, row->check_port);

    if (!r)
        r = path_check(call, row->check_path);
    if (!r)
        r = matcher_check(call, row->matcher);
    if (!r && row->timeout_s >= row->interval_s)
        r = ELB_INVALID(call, "Health check interval must be greater than the timeout.");
    return r;
}

/* HTTPS to targets needs certificates that nobody verifies; it waits for HTTPS listeners. */
static int
protocol_check(struct api_call *call, struct str protocol, const char *what)
{
    if (!protocol.p || str_is(protocol, "HTTP"))
        return 0;
    return elb_unsupported(call, what);
}

static int
create_refuse(struct api_call *call, const struct elbv2_CreateTargetGroupInput *req)
{
    if (req->target_type.p && !str_is(req->target_type, "instance") &&
        !str_is(req->target_type, "ip"))
        return elb_unsupported(call, "A target type other than 'instance' and 'ip'");
    if (req->protocol_version.p && !str_is(req->protocol_version, "HTTP1"))
        return elb_unsupported(call, "A protocol version other than 'HTTP1'");
    if (req->ip_address_type.p && !str_is(req->ip_address_type, "ipv4"))
        return elb_unsupported(call, "An IP address type other than 'ipv4'");
    if (req->target_control_port.set)
        return elb_unsupported(call, "TargetControlPort");
    if (req->matcher && req->matcher->grpc_code.p)
        return api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                         "A GRPC code cannot be specified for the protocol version 'HTTP1'");
    if (!opt_bool_or(req->health_check_enabled, true))
        return ELB_INVALID(call,
                           "Health check enabled must be true for target groups with target "
                           "type '%.*s'",
                           STR_ARG(req->target_type.p ? req->target_type : S("instance")));
    if (!req->protocol.p)
        return ELB_INVALID(call, "A protocol must be specified");
    if (!req->port.set)
        return ELB_INVALID(call, "A port must be specified");
    if (!req->vpc_id.n)
        return ELB_INVALID(call, "A VPC ID must be specified");
    int r = protocol_check(call, req->protocol, "A protocol other than 'HTTP'");

    return r ? r
             : protocol_check(call, req->health_check_protocol,
                              "A health check protocol other than 'HTTP'");
}

/* ---- CreateTargetGroup ---- */

static bool
same(const struct elb_target_group_row *a, const struct elb_target_group_row *b)
{
    return a->port == b->port && str_eq(a->vpc_id, b->vpc_id) &&
           str_eq(a->target_type, b->target_type) && str_eq(a->check_port, b->check_port) &&
           str_eq(a->check_path, b->check_path) && str_eq(a->matcher, b->matcher) &&
           a->interval_s == b->interval_s && a->timeout_s == b->timeout_s &&
           a->healthy_threshold == b->healthy_threshold &&
           a->unhealthy_threshold == b->unhealthy_threshold;
}

static int
limit_check(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, elb_target_group_by_owner, row, call->account, call->region) {
        (void)row;
        n++;
    }
    return n < ELB_GROUPS_MAX ? 0
                              : api_fault(call, &ELB_ERR(TooManyTargetGroups),
                                          "The maximum number of target groups has been reached");
}

static int
make(struct api_call *call, struct elb_target_group_row *row)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, row->vpc_id);
    int r = limit_check(call);

    if (r)
        return r;
    if (!vpc || !str_eq(vpc->account, call->account) || !str_eq(vpc->region, call->region))
        return ELB_INVALID(call, "The VPC ID '%.*s' is not found", STR_ARG(row->vpc_id));
    row->id = str_fmt(call->arena, "arn:aws:elasticloadbalancing:%.*s:%.*s:targetgroup/%.*s/%.*s",
                      STR_ARG(call->region), STR_ARG(call->account), STR_ARG(row->name),
                      STR_ARG(elb_hex(call)));
    assert(elb_group_ok(row));
    return elb_written(elb_target_group_insert(call->txn, row), "target group", row->id);
}

int
elb_create_target_group(struct api_call *call, const struct elbv2_CreateTargetGroupInput *req,
                        struct elbv2_CreateTargetGroupOutput *res)
{
    struct elb_target_group_row row = {
        .account = call->account,
        .region = call->region,
        .name = req->name,
        .protocol = S("HTTP"),
        .port = opt_i64_or(req->port, 0),
        .vpc_id = req->vpc_id,
        .target_type = req->target_type.p ? req->target_type : S("instance"),
        .check_port = req->health_check_port.p ? req->health_check_port : S("traffic-port"),
        .check_path = req->health_check_path.p ? req->health_check_path : S("/"),
        .interval_s = opt_i64_or(req->health_check_interval_seconds, 30),
        .timeout_s = opt_i64_or(req->health_check_timeout_seconds, 5),
        .healthy_threshold = opt_i64_or(req->healthy_threshold_count, 5),
        .unhealthy_threshold = opt_i64_or(req->unhealthy_threshold_count, 2),
        .matcher = req->matcher && req->matcher->http_code.p ? req->matcher->http_code : S("200"),
        .created_ms = call->now_ms,
    };
    int r = elb_name_check(call, "Target group", req->name);

    if (!r)
        r = create_refuse(call, req);
    if (!r)
        r = checks_check(call, &row);
    if (!r)
        r = elb_tags_of(call, &req->tags, &row.tags);
    if (r)
        return r;
    const struct elb_target_group_row *before =
        elb_target_group_by_name_get(call->txn, call->account, call->region, req->name);

    if (before && !same(before, &row))
        return api_fault(call, &ELB_ERR(DuplicateTargetGroupName),
                         "A target group with the same name '%.*s' exists, but with different "
                         "settings",
                         STR_ARG(req->name));
    if (!before && (r = make(call, &row)))
        return r;
    *LIST_PUSH(call->arena, &res->target_groups) = show(call, before ? before : &row);
    return 0;
}

/* ---- ModifyTargetGroup ---- */

int
elb_modify_target_group(struct api_call *call, const struct elbv2_ModifyTargetGroupInput *req,
                        struct elbv2_ModifyTargetGroupOutput *res)
{
    const struct elb_target_group_row *row;
    int r = elb_group_find(call, req->target_group_arn, &row);

    if (!r)
        r = protocol_check(call, req->health_check_protocol,
                           "A health check protocol other than 'HTTP'");
    if (!r && !opt_bool_or(req->health_check_enabled, true))
        r = ELB_INVALID(call,
                        "Health check enabled must be true for target groups with target "
                        "type '%.*s'",
                        STR_ARG(row->target_type));
    if (!r && req->matcher && req->matcher->grpc_code.p)
        r = api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                      "A GRPC code cannot be specified for the protocol version 'HTTP1'");
    if (r)
        return r;
    struct elb_target_group_row new = *row;

    if (req->health_check_port.p)
        new.check_port = req->health_check_port;
    if (req->health_check_path.p)
        new.check_path = req->health_check_path;
    if (req->matcher && req->matcher->http_code.p)
        new.matcher = req->matcher->http_code;
    new.interval_s = opt_i64_or(req->health_check_interval_seconds, row->interval_s);
    new.timeout_s = opt_i64_or(req->health_check_timeout_seconds, row->timeout_s);
    new.healthy_threshold = opt_i64_or(req->healthy_threshold_count, row->healthy_threshold);
    new.unhealthy_threshold = opt_i64_or(req->unhealthy_threshold_count, row->unhealthy_threshold);
    r = checks_check(call, &new);
    if (r)
        return r;
    assert(elb_group_ok(&new));
    r = elb_written(elb_target_group_update(call->txn, &new), "target group", new.id);
    if (!r)
        *LIST_PUSH(call->arena, &res->target_groups) = show(call, &new);
    return r;
}

/* ---- DeleteTargetGroup ---- */

int
elb_delete_target_group(struct api_call *call, const struct elbv2_DeleteTargetGroupInput *req,
                        struct elbv2_DeleteTargetGroupOutput *res UNUSED)
{
    const struct elb_target_group_row *row;
    int r = elb_group_find(call, req->target_group_arn, &row);

    /* What is not there is deleted already, as on AWS. */
    if (r)
        return r > 0 && str_is(call->fault.code, "TargetGroupNotFound") ? 0 : r;
    STORE_EACH(call->txn, elb_use_by_group, use, row->id) {
        (void)use;
        return api_fault(call, &ELB_ERR(ResourceInUse),
                         "Target group '%.*s' is currently in use by a listener or a rule",
                         STR_ARG(row->id));
    }
    STORE_EACH(call->txn, elb_target_by_group, target, row->id)
        if (!r)
            r = elb_written(elb_target_delete(call->txn, target->id), "target", target->id);
    return r ? r
             : elb_written(elb_target_group_delete(call->txn, row->id), "target group", row->id);
}

/* ---- DescribeTargetGroups ---- */

static int
add_named(struct api_call *call, const struct elbv2_DescribeTargetGroupsInput *req,
          struct elbv2_DescribeTargetGroupsOutput *res)
{
    const struct elb_target_group_row *row;

    LIST_EACH(&req->target_group_arns, arn) {
        int r = elb_group_find(call, *arn, &row);

        if (r > 0 && str_is(call->fault.code, "TargetGroupNotFound"))
            return api_fault(call, &ELB_ERR(TargetGroupNotFound),
                             "One or more target groups not found");
        if (r)
            return r;
        *LIST_PUSH(call->arena, &res->target_groups) = show(call, row);
    }
    LIST_EACH(&req->names, name) {
        row = elb_target_group_by_name_get(call->txn, call->account, call->region, *name);
        if (!row)
            return api_fault(call, &ELB_ERR(TargetGroupNotFound),
                             "One or more target groups not found");
        *LIST_PUSH(call->arena, &res->target_groups) = show(call, row);
    }
    return 0;
}

int
elb_describe_target_groups(struct api_call *call, const struct elbv2_DescribeTargetGroupsInput *req,
                           struct elbv2_DescribeTargetGroupsOutput *res)
{
    const struct elb_balancer_row *balancer = NULL;
    struct api_page page;
    int r = elb_page_open(call, req->marker, req->page_size, &page);

    if (!r && !!req->load_balancer_arn.p + !!req->target_group_arns.n + !!req->names.n > 1)
        r = ELB_INVALID(call, "Only one of load balancer ARN, target group ARNs and target group "
                              "names can be specified");
    if (!r && req->load_balancer_arn.p)
        r = elb_balancer_find(call, req->load_balancer_arn, &balancer);
    if (r)
        return r;
    API_PRESENT(&res->target_groups);
    if (req->target_group_arns.n || req->names.n)
        return add_named(call, req, res);
    STORE_EACH(call->txn, elb_target_group_by_owner, row, call->account, call->region) {
        struct elbv2_TargetGroup out = show(call, row);

        if (balancer && !str_in(&out.load_balancer_arns, balancer->id))
            continue;
        if (!page.more && api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->target_groups) = out;
    }
    res->next_marker = elb_page_next(call, &page);
    return 0;
}
