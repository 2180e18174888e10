/* Listeners: a port of a balancer, and through its default rule what is done there. */
#include "elbv2/elbv2.h"

static int
show(struct api_call *call, const struct elb_listener_row *row, struct elbv2_ListenerList *list)
{
    struct elbv2_Rule rule;
    int r = elb_rule_show(call, elb_rule_default(call->txn, row->id), &rule);

    assert(elb_listener_ok(row));
    if (!r)
        *LIST_PUSH(call->arena, list) = (struct elbv2_Listener){
            .listener_arn = row->id,
            .load_balancer_arn = row->balancer_id,
            .port = opt_i64(row->port),
            .protocol = row->protocol,
            .default_actions = rule.actions,
        };
    return r;
}

/* ---- checks ---- */

/* What only listeners with TLS have. */
#define TLS_MEMBER(req)                                                                            \
    ((req)->ssl_policy.p            ? "SslPolicy"                                                  \
     : (req)->certificates.n        ? "Certificates"                                               \
     : (req)->alpn_policy.n         ? "AlpnPolicy"                                                 \
     : (req)->mutual_authentication ? "MutualAuthentication"                                       \
                                    : NULL)

static int
protocol_check(struct api_call *call, struct str protocol, const char *tls_member)
{
    if (str_is(protocol, "HTTPS"))
        return elb_unsupported(call, "The listener protocol 'HTTPS'");
    if (protocol.p && !str_is(protocol, "HTTP"))
        return ELB_INVALID(call, "Listener protocol '%.*s' must be one of 'HTTP, HTTPS'",
                           STR_ARG(protocol));
    if (tls_member)
        return ELB_INVALID(call, "'%s' cannot be specified for a listener of protocol 'HTTP'",
                           tls_member);
    return 0;
}

static int
port_check(struct api_call *call, struct str balancer_id, int64_t port, struct str own)
{
    const struct elb_listener_row *row = elb_listener_by_port_get(call->txn, balancer_id, port);

    if (!row || str_eq(row->id, own))
        return 0;
    return api_fault(call, &ELB_ERR(DuplicateListener),
                     "A listener already exists on this port for this load balancer '%.*s'",
                     STR_ARG(balancer_id));
}

static int
limit_check(struct api_call *call, struct str balancer_id)
{
    size_t n = 0;

    STORE_EACH(call->txn, elb_listener_by_balancer, row, balancer_id) {
        assert(elb_listener_ok(row));
        n++;
    }
    return n < ELB_LISTENERS_MAX
               ? 0
               : api_fault(call, &ELB_ERR(TooManyListeners),
                           "The maximum number of listeners per load balancer has been reached");
}

/* ---- CreateListener ---- */

static int
make(struct api_call *call, const struct elb_balancer_row *balancer, struct elb_listener_row *row,
     const struct elbv2_Rule *rule)
{
    struct str rest =
        str_fmt(call->arena, "%.*s/%.*s", STR_ARG(elb_arn_rest(balancer->id, "loadbalancer")),
                STR_ARG(elb_hex(call)));
    const struct elb_rule_row usual = {
        .id = str_fmt(call->arena, "arn:aws:elasticloadbalancing:%.*s:%.*s:listener-rule/%.*s/%.*s",
                      STR_ARG(call->region), STR_ARG(call->account), STR_ARG(rest),
                      STR_ARG(elb_hex(call))),
        .listener_id = str_fmt(call->arena, "arn:aws:elasticloadbalancing:%.*s:%.*s:listener/%.*s",
                               STR_ARG(call->region), STR_ARG(call->account), STR_ARG(rest)),
        .priority = ELB_PRIORITY_DEFAULT,
    };

    row->id = usual.listener_id;
    assert(elb_listener_ok(row));
    int r = elb_written(elb_listener_insert(call->txn, row), "listener", row->id);

    return r ? r : elb_rule_put(call, row, &usual, rule, true);
}

int
elb_create_listener(struct api_call *call, const struct elbv2_CreateListenerInput *req,
                    struct elbv2_CreateListenerOutput *res)
{
    const struct elb_balancer_row *balancer;
    struct elbv2_Rule rule = {0};
    struct elb_listener_row row = {
        .account = call->account,
        .region = call->region,
        .protocol = S("HTTP"),
        .port = opt_i64_or(req->port, 0),
        .created_ms = call->now_ms,
    };
    int r = elb_balancer_find(call, req->load_balancer_arn, &balancer);

    if (!r && !req->port.set)
        r = ELB_INVALID(call, "A listener port must be specified");
    if (!r && !req->protocol.p)
        r = ELB_INVALID(call, "A listener protocol must be specified");
    if (!r)
        r = protocol_check(call, req->protocol, TLS_MEMBER(req));
    if (!r)
        r = elb_tags_of(call, &req->tags, &row.tags);
    if (!r)
        r = port_check(call, balancer->id, row.port, STR_NONE);
    if (!r)
        r = limit_check(call, balancer->id);
    if (!r)
        r = elb_actions_check(call, balancer, &req->default_actions, &rule.actions);
    if (r)
        return r;
    row.balancer_id = balancer->id;
    r = make(call, balancer, &row, &rule);
    return r ? r : show(call, &row, &res->listeners);
}

/* ---- DeleteListener, ModifyListener ---- */

int
elb_listener_drop(struct api_call *call, const struct elb_listener_row *row)
{
    int r = 0;

    STORE_EACH(call->txn, elb_rule_by_listener, rule, row->id)
        if (!r)
            r = elb_rule_drop(call, rule);
    return r ? r : elb_written(elb_listener_delete(call->txn, row->id), "listener", row->id);
}

int
elb_delete_listener(struct api_call *call, const struct elbv2_DeleteListenerInput *req,
                    struct elbv2_DeleteListenerOutput *res UNUSED)
{
    const struct elb_listener_row *row;
    int r = elb_listener_find(call, req->listener_arn, &row);

    return r ? r : elb_listener_drop(call, row);
}

int
elb_modify_listener(struct api_call *call, const struct elbv2_ModifyListenerInput *req,
                    struct elbv2_ModifyListenerOutput *res)
{
    const struct elb_listener_row *row;
    struct elbv2_Rule rule = {0};
    int r = elb_listener_find(call, req->listener_arn, &row);

    if (!r)
        r = protocol_check(call, req->protocol, TLS_MEMBER(req));
    if (r)
        return r;
    const struct elb_balancer_row *balancer = elb_balancer_get(call->txn, row->balancer_id);
    struct elb_listener_row new = *row;

    assert(balancer);
    new.port = opt_i64_or(req->port, row->port);
    r = port_check(call, row->balancer_id, new.port, row->id);
    if (!r && req->default_actions.n)
        r = elb_actions_check(call, balancer, &req->default_actions, &rule.actions);
    if (!r)
        r = elb_written(elb_listener_update(call->txn, &new), "listener", new.id);
    if (!r && rule.actions.n)
        r = elb_rule_put(call, &new, elb_rule_default(call->txn, new.id), &rule, false);
    return r ? r : show(call, &new, &res->listeners);
}

/* ---- DescribeListeners ---- */

int
elb_describe_listeners(struct api_call *call, const struct elbv2_DescribeListenersInput *req,
                       struct elbv2_DescribeListenersOutput *res)
{
    const struct elb_balancer_row *balancer;
    const struct elb_listener_row *listener;
    struct api_page page;
    int r = elb_page_open(call, req->marker, req->page_size, &page);

    if (!r && req->load_balancer_arn.p && req->listener_arns.n)
        r = ELB_INVALID(call, "A load balancer ARN and listener ARNs cannot be specified at the "
                              "same time");
    if (!r && !req->load_balancer_arn.p && !req->listener_arns.n)
        r = ELB_INVALID(call, "You must specify either listener ARNs or a load balancer ARN");
    LIST_EACH(&req->listener_arns, arn) {
        if (!r)
            r = elb_listener_find(call, *arn, &listener);
        if (!r)
            r = show(call, listener, &res->listeners);
    }
    if (!r && req->load_balancer_arn.p)
        r = elb_balancer_find(call, req->load_balancer_arn, &balancer);
    if (r || !req->load_balancer_arn.p)
        return r;
    API_PRESENT(&res->listeners);
    STORE_EACH(call->txn, elb_listener_by_balancer, row, balancer->id)
        if (!r && !page.more && api_page_take(&page, row->id))
            r = show(call, row, &res->listeners);
    res->next_marker = elb_page_next(call, &page);
    return r;
}
