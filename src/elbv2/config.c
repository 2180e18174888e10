/* See config.h. */
#include "elbv2/config.h"

#include "codec/json.h"
#include "gen/store/ec2_rows.h"

static void
attribute_str(struct json_out *o, const char *name, enum elb_attribute_of of,
              const struct str_list *set, const char *key)
{
    json_key_str(o, name, elb_attribute(of, set, key));
}

static void
attribute_int(struct json_out *o, const char *name, enum elb_attribute_of of,
              const struct str_list *set, const char *key)
{
    json_key_int(o, name, elb_attribute_i64(of, set, key));
}

static void
put_balancer(struct json_out *o, const struct elb_balancer_row *row)
{
    const struct str_list *set = &row->attributes;

    assert(elb_balancer_ok(row));
    attribute_int(o, "idle_s", ELB_OF_BALANCER, set, "idle_timeout.timeout_seconds");
    attribute_int(o, "keep_s", ELB_OF_BALANCER, set, "client_keep_alive.seconds");
    attribute_str(o, "xff", ELB_OF_BALANCER, set, "routing.http.xff_header_processing.mode");
    attribute_str(o, "xff_port", ELB_OF_BALANCER, set, "routing.http.xff_client_port.enabled");
    attribute_str(o, "preserve_host", ELB_OF_BALANCER, set,
                  "routing.http.preserve_host_header.enabled");
    attribute_str(o, "drop_invalid", ELB_OF_BALANCER, set,
                  "routing.http.drop_invalid_header_fields.enabled");
}

static void
put_listeners(struct json_out *o, struct txn *txn, struct str balancer_id)
{
    json_key(o, S("listeners"));
    json_open(o, '[');
    STORE_EACH(txn, elb_listener_by_balancer, row, balancer_id) {
        assert(elb_listener_ok(row));
        json_open(o, '{');
        json_key_int(o, "port", row->port);
        attribute_str(o, "server", ELB_OF_LISTENER, &row->attributes,
                      "routing.http.response.server.enabled");
        json_key(o, S("rules"));
        json_open(o, '[');
        STORE_EACH(txn, elb_rule_by_listener, rule, row->id)
            json_raw(o, rule->body);
        json_close(o, ']');
        json_close(o, '}');
    }
    json_close(o, ']');
}

/* The zone of a target: of an instance its own, of an address as it was said; empty: any. */
static struct str
zone_of(struct txn *txn, const struct elb_target_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->target_id);

    return instance ? instance->zone : str_is(row->zone, "all") ? S("") : row->zone;
}

static void
put_targets(struct json_out *o, struct txn *txn, const struct elb_node_row *node,
            const struct elb_target_group_row *group)
{
    bool local =
        str_is(elb_attribute(ELB_OF_GROUP, &group->attributes, "load_balancing.cross_zone.enabled"),
               "false");
    struct str ip;

    json_key(o, S("targets"));
    json_open(o, '[');
    STORE_EACH(txn, elb_target_by_group, row, group->id) {
        struct elb_health health = elb_target_health(txn, row);
        struct str zone = zone_of(txn, row);

        if (str_is(health.state, "unused") || !elb_target_address(txn, row, &ip) ||
            (local && zone.n && !str_eq(zone, node->zone)))
            continue;
        json_open(o, '{');
        json_key_str(o, "id", row->target_id);
        json_key_str(o, "ip", ip);
        json_key_int(o, "port", row->port);
        json_key_int(o, "since", row->registered_ms);
        json_key(o, S("draining"));
        json_bool(o, row->draining_until_ms > 0);
        json_close(o, '}');
    }
    json_close(o, ']');
}

static void
put_group(struct json_out *o, struct txn *txn, const struct elb_node_row *node,
          const struct elb_target_group_row *row)
{
    const struct str_list *set = &row->attributes;
    bool app = str_is(elb_attribute(ELB_OF_GROUP, set, "stickiness.type"), "app_cookie");
    bool sticky = str_is(elb_attribute(ELB_OF_GROUP, set, "stickiness.enabled"), "true");

    assert(elb_group_ok(row));
    json_open(o, '{');
    json_key_str(o, "id", row->id);
    json_key_int(o, "interval_s", row->interval_s);
    json_key_int(o, "timeout_s", row->timeout_s);
    json_key_int(o, "healthy", row->healthy_threshold);
    json_key_int(o, "unhealthy", row->unhealthy_threshold);
    json_key_str(o, "path", row->check_path);
    json_key_str(o, "matcher", row->matcher);
    json_key_str(o, "check_port", row->check_port);
    attribute_str(o, "algorithm", ELB_OF_GROUP, set, "load_balancing.algorithm.type");
    attribute_int(o, "slow_s", ELB_OF_GROUP, set, "slow_start.duration_seconds");
    json_key_str(o, "sticky", !sticky ? S("") : app ? S("app") : S("lb"));
    attribute_str(o, "sticky_cookie", ELB_OF_GROUP, set, "stickiness.app_cookie.cookie_name");
    attribute_int(o, "sticky_s", ELB_OF_GROUP, set,
                  app ? "stickiness.app_cookie.duration_seconds"
                      : "stickiness.lb_cookie.duration_seconds");
    put_targets(o, txn, node, row);
    json_close(o, '}');
}

int
elb_config(struct txn *txn, struct arena *arena, const struct elb_node_row *node, struct str *ret)
{
    const struct elb_balancer_row *balancer = elb_balancer_get(txn, node->balancer_id);
    struct str last = STR_NONE;
    struct buf b;
    struct json_out o = {&b, false};

    assert(balancer && elb_node_ok(node));
    buf_init(&b, API_BALANCER_LINE_MAX);
    json_open(&o, '{');
    put_balancer(&o, balancer);
    put_listeners(&o, txn, balancer->id);
    json_key(&o, S("groups"));
    json_open(&o, '[');
    STORE_EACH(txn, elb_use_by_balancer, use, balancer->id) {
        if (str_eq(use->group_id, last)) /* several rules lead to it */
            continue;
        last = use->group_id;
        put_group(&o, txn, node, elb_target_group_get(txn, last));
    }
    json_close(&o, ']');
    json_close(&o, '}');
    bool failed = buf_failed(&b);

    if (!failed)
        *ret = str_dup(arena, buf_str(&b));
    buf_done(&b);
    return failed ? error_origin(E2BIG, "load balancer %.*s has more than a node can be told",
                                 STR_ARG(balancer->id))
                  : 0;
}
