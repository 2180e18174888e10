/* What holds of every row, whoever wrote it: a line that fails says what is wrong. */
#include "elbv2/elbv2.h"

bool
elb_balancer_ok(const struct elb_balancer_row *row)
{
    assert(str_starts(row->id, S("arn:")) && row->account.n == 12 && row->region.n > 0);
    assert(row->name.n > 0 && row->name.n <= 32);
    assert(row->vpc_id.n > 0 && row->created_ms > 0);
    assert(row->dns_name.n > 0 && row->dns_name.n <= 253);
    assert(row->security_group_ids.n > 0 && row->security_group_ids.n <= ELB_SECURITY_GROUPS_MAX);
    assert(row->attributes.n % 2 == 0 && row->tags.n % 2 == 0);
    assert(!row->active || !row->failure.n);
    return true;
}

bool
elb_group_ok(const struct elb_target_group_row *row)
{
    assert(str_starts(row->id, S("arn:")) && row->account.n == 12 && row->region.n > 0);
    assert(row->name.n > 0 && row->name.n <= 32);
    assert(row->port >= 1 && row->port <= 65535 && row->vpc_id.n > 0);
    assert(str_is(row->target_type, "instance") || str_is(row->target_type, "ip"));
    assert(row->timeout_s >= 2 && row->timeout_s < row->interval_s && row->interval_s <= 300);
    assert(row->healthy_threshold >= 2 && row->healthy_threshold <= 10);
    assert(row->unhealthy_threshold >= 2 && row->unhealthy_threshold <= 10);
    assert(row->check_path.n > 0 && row->check_path.p[0] == '/' && row->matcher.n > 0);
    assert(row->attributes.n % 2 == 0 && row->tags.n % 2 == 0);
    return true;
}

bool
elb_target_ok(const struct elb_target_row *row)
{
    assert(row->group_id.n > 0 && row->target_id.n > 0);
    assert(row->port >= 1 && row->port <= 65535);
    assert(str_is(row->health, "initial") || str_is(row->health, "healthy") ||
           str_is(row->health, "unhealthy"));
    assert(str_is(row->health, "healthy") == !row->reason.n);
    assert(row->draining_until_ms >= 0 && row->registered_ms > 0);
    return true;
}

bool
elb_listener_ok(const struct elb_listener_row *row)
{
    assert(str_starts(row->id, S("arn:")) && row->account.n == 12 && row->region.n > 0);
    assert(row->balancer_id.n > 0 && row->created_ms > 0);
    assert(row->port >= 1 && row->port <= 65535);
    assert(str_is(row->protocol, "HTTP"));
    assert(row->attributes.n % 2 == 0 && row->tags.n % 2 == 0);
    return true;
}

bool
elb_rule_ok(const struct elb_rule_row *row)
{
    assert(str_starts(row->id, S("arn:")) && str_starts(row->listener_id, S("arn:")));
    assert(row->priority >= 1);
    assert(row->priority <= ELB_PRIORITY_MAX || row->priority == ELB_PRIORITY_DEFAULT);
    assert(row->body.n > 0 && row->body.p[0] == '{' && row->tags.n % 2 == 0);
    return true;
}

bool
elb_node_ok(const struct elb_node_row *row)
{
    assert(str_starts(row->id, S("eni-")) && row->balancer_id.n > 0);
    assert(row->subnet_id.n > 0 && row->zone.n > 0);
    assert(row->slot >= 1 && row->slot <= ELB_NODES_MAX);
    return true;
}
