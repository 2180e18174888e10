/*
 * Attributes of balancers, groups and listeners: a row each, with its default and what it may be.
 * Rows of the store have those that were set.  An attribute that only its default is implemented
 * of is shown, and refused when it shall be another.
 */
#include "elbv2/elbv2.h"

enum kind { BOOL, NUMBER, WORD, TEXT, FIXED };

struct attribute {
    enum elb_attribute_of of;
    const char *key, *usual;
    enum kind kind;
    int64_t min, max;     /* NUMBER; TEXT: max bytes */
    bool or_zero;         /* a NUMBER may also be 0 */
    const char *words[4]; /* WORD */
};

static const struct attribute attributes[] = {
    {ELB_OF_BALANCER, "access_logs.s3.bucket", "", FIXED},
    {ELB_OF_BALANCER, "access_logs.s3.enabled", "false", FIXED},
    {ELB_OF_BALANCER, "access_logs.s3.prefix", "", FIXED},
    {ELB_OF_BALANCER, "client_keep_alive.seconds", "3600", NUMBER, 60, 604800},
    {ELB_OF_BALANCER, "connection_logs.s3.bucket", "", FIXED},
    {ELB_OF_BALANCER, "connection_logs.s3.enabled", "false", FIXED},
    {ELB_OF_BALANCER, "connection_logs.s3.prefix", "", FIXED},
    {ELB_OF_BALANCER, "deletion_protection.enabled", "false", BOOL},
    {ELB_OF_BALANCER, "health_check_logs.s3.bucket", "", FIXED},
    {ELB_OF_BALANCER, "health_check_logs.s3.enabled", "false", FIXED},
    {ELB_OF_BALANCER, "health_check_logs.s3.prefix", "", FIXED},
    {ELB_OF_BALANCER, "idle_timeout.timeout_seconds", "60", NUMBER, 1, 4000},
    {ELB_OF_BALANCER, "ipv6.deny_all_igw_traffic", "false", FIXED},
    {ELB_OF_BALANCER, "load_balancing.cross_zone.enabled", "true", FIXED},
    {ELB_OF_BALANCER, "routing.http.desync_mitigation_mode", "defensive", FIXED},
    {ELB_OF_BALANCER, "routing.http.drop_invalid_header_fields.enabled", "false", BOOL},
    {ELB_OF_BALANCER, "routing.http.preserve_host_header.enabled", "false", BOOL},
    {ELB_OF_BALANCER, "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", FIXED},
    {ELB_OF_BALANCER, "routing.http.xff_client_port.enabled", "false", BOOL},
    {ELB_OF_BALANCER, "routing.http.xff_header_processing.mode", "append", WORD,
     .words = {"append", "preserve", "remove"}},
    /* HTTP/2 is for listeners of HTTPS */
    {ELB_OF_BALANCER, "routing.http2.enabled", "true", BOOL},
    {ELB_OF_BALANCER, "waf.fail_open.enabled", "false", FIXED},
    {ELB_OF_BALANCER, "zonal_shift.config.enabled", "false", FIXED},
    {ELB_OF_GROUP, "deregistration_delay.timeout_seconds", "300", NUMBER, 0, 3600},
    {ELB_OF_GROUP, "load_balancing.algorithm.anomaly_mitigation", "off", FIXED},
    {ELB_OF_GROUP, "load_balancing.algorithm.type", "round_robin", WORD,
     .words = {"round_robin", "least_outstanding_requests"}},
    {ELB_OF_GROUP, "load_balancing.cross_zone.enabled", "use_load_balancer_configuration", WORD,
     .words = {"true", "false", "use_load_balancer_configuration"}},
    {ELB_OF_GROUP, "slow_start.duration_seconds", "0", NUMBER, 30, 900, .or_zero = true},
    {ELB_OF_GROUP, "stickiness.app_cookie.cookie_name", "", TEXT, 0, 128},
    {ELB_OF_GROUP, "stickiness.app_cookie.duration_seconds", "86400", NUMBER, 1, 604800},
    {ELB_OF_GROUP, "stickiness.enabled", "false", BOOL},
    {ELB_OF_GROUP, "stickiness.lb_cookie.duration_seconds", "86400", NUMBER, 1, 604800},
    {ELB_OF_GROUP, "stickiness.type", "lb_cookie", WORD, .words = {"lb_cookie", "app_cookie"}},
    {ELB_OF_GROUP, "target_group_health.dns_failover.minimum_healthy_targets.count", "1", FIXED},
    {ELB_OF_GROUP, "target_group_health.dns_failover.minimum_healthy_targets.percentage", "off",
     FIXED},
    {ELB_OF_GROUP, "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1",
     FIXED},
    {ELB_OF_GROUP, "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
     "off", FIXED},
    {ELB_OF_LISTENER, "routing.http.response.server.enabled", "true", BOOL},
};

static const struct attribute *
find(enum elb_attribute_of of, struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (attributes[i].of == of && str_is(key, attributes[i].key))
            return &attributes[i];
    return NULL;
}

struct str
elb_attribute(enum elb_attribute_of of, const struct str_list *set, const char *key)
{
    const struct attribute *a = find(of, str_from(key));
    struct str value = api_tags_get(set, str_from(key));

    assert(a && set->n % 2 == 0);
    return value.p ? value : str_from(a->usual);
}

int64_t
elb_attribute_i64(enum elb_attribute_of of, const struct str_list *set, const char *key)
{
    int64_t n = 0;
    bool ok = str_to_i64(elb_attribute(of, set, key), &n);

    assert(ok);
    (void)ok;
    return n;
}

/* ---- what one may be ---- */

static bool
number_ok(const struct attribute *a, struct str value)
{
    int64_t n;

    assert(a->kind == NUMBER && a->min <= a->max);
    return str_to_i64(value, &n) && ((n >= a->min && n <= a->max) || (a->or_zero && n == 0));
}

static bool
word_ok(const struct attribute *a, struct str value)
{
    assert(a->kind == WORD && a->words[0]);
    for (size_t i = 0; i < ARRAY_LEN(a->words) && a->words[i]; i++)
        if (str_is(value, a->words[i]))
            return true;
    return false;
}

static struct str
words_all(struct api_call *call, const struct attribute *a)
{
    struct str_list all = {0};

    for (size_t i = 0; i < ARRAY_LEN(a->words) && a->words[i]; i++)
        *LIST_PUSH(call->arena, &all) = str_from(a->words[i]);
    return str_join(call->arena, &all, S(", "));
}

static int
value_check(struct api_call *call, const struct attribute *a, struct str value)
{
    switch (a->kind) {
    case BOOL:
        if (!str_is(value, "true") && !str_is(value, "false"))
            return ELB_INVALID(call, "'%s' value '%.*s' must be one of [true, false]", a->key,
                               STR_ARG(value));
        return 0;
    case NUMBER:
        if (!number_ok(a, value))
            return ELB_INVALID(call, "'%s' value '%.*s' must be between '%d-%d' inclusive", a->key,
                               STR_ARG(value), (int)a->min, (int)a->max);
        return 0;
    case WORD:
        if (!word_ok(a, value))
            return ELB_INVALID(call, "'%s' value '%.*s' must be one of [%.*s]", a->key,
                               STR_ARG(value), STR_ARG(words_all(call, a)));
        return 0;
    case TEXT:
        if ((int64_t)value.n > a->max)
            return ELB_INVALID(call, "'%s' value '%.*s' must be no longer than '%d'", a->key,
                               STR_ARG(value), (int)a->max);
        return 0;
    default:
        if (!str_is(value, a->usual))
            return elb_unsupported(call, str_cstr(call->arena, str_fmt(call->arena,
                                                                       "A value of '%s' other than "
                                                                       "'%s'",
                                                                       a->key, a->usual)));
        return 0;
    }
}

static int
put(struct api_call *call, enum elb_attribute_of of, struct str key, struct str value,
    struct str_list *set)
{
    static const char *const whose[] = {"Load balancer", "Target group", "Listener"};
    const struct attribute *a = find(of, key);

    assert(of < ARRAY_LEN(whose));
    if (!a)
        return ELB_INVALID(call, "%s attribute key '%.*s' is not recognized", whose[of],
                           STR_ARG(key));
    value = value.p ? value : S("");
    int r = value_check(call, a, value);

    if (!r && a->kind != FIXED)
        *set = api_tags_put(call->arena, set, key, value);
    return r;
}

/* ---- the operations: three structs of one form ---- */

#define SHOW(call, whose, set, list)                                                               \
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)                                             \
        if (attributes[i].of == (whose)) {                                                         \
            __typeof__((list)->v) out_ = LIST_PUSH((call)->arena, (list));                         \
            out_->key = str_from(attributes[i].key);                                               \
            out_->value = elb_attribute((whose), (set), attributes[i].key);                        \
        }

int
elb_describe_load_balancer_attributes(struct api_call *call,
                                      const struct elbv2_DescribeLoadBalancerAttributesInput *req,
                                      struct elbv2_DescribeLoadBalancerAttributesOutput *res)
{
    const struct elb_balancer_row *row;
    int r = elb_balancer_find(call, req->load_balancer_arn, &row);

    if (r)
        return r;
    SHOW(call, ELB_OF_BALANCER, &row->attributes, &res->attributes);
    return 0;
}

int
elb_modify_load_balancer_attributes(struct api_call *call,
                                    const struct elbv2_ModifyLoadBalancerAttributesInput *req,
                                    struct elbv2_ModifyLoadBalancerAttributesOutput *res)
{
    const struct elb_balancer_row *row;
    int r = elb_balancer_find(call, req->load_balancer_arn, &row);

    if (r)
        return r;
    struct elb_balancer_row new = *row;

    LIST_EACH(&req->attributes, a)
        if (!r)
            r = put(call, ELB_OF_BALANCER, a->key, a->value, &new.attributes);
    if (!r)
        r = elb_written(elb_balancer_update(call->txn, &new), "load balancer", new.id);
    if (r)
        return r;
    SHOW(call, ELB_OF_BALANCER, &new.attributes, &res->attributes);
    return 0;
}

int
elb_describe_target_group_attributes(struct api_call *call,
                                     const struct elbv2_DescribeTargetGroupAttributesInput *req,
                                     struct elbv2_DescribeTargetGroupAttributesOutput *res)
{
    const struct elb_target_group_row *row;
    int r = elb_group_find(call, req->target_group_arn, &row);

    if (r)
        return r;
    SHOW(call, ELB_OF_GROUP, &row->attributes, &res->attributes);
    return 0;
}

/* A cookie of the application's must be named, and not by a name of the balancer's own. */
static int
cookie_check(struct api_call *call, const struct str_list *set)
{
    struct str name = elb_attribute(ELB_OF_GROUP, set, "stickiness.app_cookie.cookie_name");
    bool own = str_is(elb_attribute(ELB_OF_GROUP, set, "stickiness.type"), "app_cookie");

    if (own && !name.n)
        return ELB_INVALID(call, "You must specify an application cookie name to enable stickiness "
                                 "of type 'app_cookie'");
    if (str_is(name, "AWSALB") || str_is(name, "AWSALBAPP") || str_is(name, "AWSALBTG"))
        return ELB_INVALID(call, "The cookie name '%.*s' is reserved", STR_ARG(name));
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || name.p[i] == ';' || name.p[i] == '=' ||
            name.p[i] == ',' || name.p[i] == '"' || name.p[i] == 0x7f)
            return ELB_INVALID(call, "The cookie name '%.*s' has invalid characters",
                               STR_ARG(name));
    return 0;
}

int
elb_modify_target_group_attributes(struct api_call *call,
                                   const struct elbv2_ModifyTargetGroupAttributesInput *req,
                                   struct elbv2_ModifyTargetGroupAttributesOutput *res)
{
    const struct elb_target_group_row *row;
    int r = elb_group_find(call, req->target_group_arn, &row);

    if (r)
        return r;
    struct elb_target_group_row new = *row;

    LIST_EACH(&req->attributes, a)
        if (!r)
            r = put(call, ELB_OF_GROUP, a->key, a->value, &new.attributes);
    if (!r)
        r = cookie_check(call, &new.attributes);
    if (!r)
        r = elb_written(elb_target_group_update(call->txn, &new), "target group", new.id);
    if (r)
        return r;
    SHOW(call, ELB_OF_GROUP, &new.attributes, &res->attributes);
    return 0;
}

int
elb_describe_listener_attributes(struct api_call *call,
                                 const struct elbv2_DescribeListenerAttributesInput *req,
                                 struct elbv2_DescribeListenerAttributesOutput *res)
{
    const struct elb_listener_row *row;
    int r = elb_listener_find(call, req->listener_arn, &row);

    if (r)
        return r;
    SHOW(call, ELB_OF_LISTENER, &row->attributes, &res->attributes);
    return 0;
}

int
elb_modify_listener_attributes(struct api_call *call,
                               const struct elbv2_ModifyListenerAttributesInput *req,
                               struct elbv2_ModifyListenerAttributesOutput *res)
{
    const struct elb_listener_row *row;
    int r = elb_listener_find(call, req->listener_arn, &row);

    if (r)
        return r;
    struct elb_listener_row new = *row;

    LIST_EACH(&req->attributes, a)
        if (!r)
            r = put(call, ELB_OF_LISTENER, a->key, a->value, &new.attributes);
    if (!r)
        r = elb_written(elb_listener_update(call->txn, &new), "listener", new.id);
    if (r)
        return r;
    SHOW(call, ELB_OF_LISTENER, &new.attributes, &res->attributes);
    return 0;
}
