/*
 * Elastic Load Balancing v2: Application Load Balancers.
 *
 * A call checks and writes rows.  The engine (engine.h) looks at balancers and groups, level
 * triggered: it has the nodes of balancers run, tells them what to do (config.c), and writes down
 * what they say of targets.  What balances is src/balancer, a process in each of a balancer's
 * subnets.
 *
 * Functions that answer an int answer 0, positive with the call's fault set, or negative.
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "api/balancers.h"
#include "api/tags.h"
#include "gen/api/ec2.h"
#include "gen/api/elbv2.h"
#include "gen/store/elbv2_rows.h"

extern const struct api_service_hooks elbv2_hooks;

enum {
    ELB_BALANCERS_MAX = 50, /* of an account in a Region: AWS's default quotas */
    ELB_GROUPS_MAX = 3000,
    ELB_TARGETS_MAX = 1000, /* of a group */
    ELB_LISTENERS_MAX = 50, /* of a balancer; likewise below */
    ELB_RULES_MAX = 100,    /* default ones aside */
    ELB_CONDITIONS_MAX = 5, /* values and wildcards of a rule */
    ELB_FORWARD_MAX = 5,    /* groups of an action */
    ELB_SUBNETS_MAX = 16,
    ELB_SECURITY_GROUPS_MAX = 5,
    ELB_TAGS_MAX = 50,
    ELB_NODES_MAX = 256, /* of all accounts: each is a process */
    ELB_PRIORITY_MAX = 50000,
    ELB_PRIORITY_DEFAULT = 1 << 20, /* of a listener's default rule */
};

#define ELB_VIA "elasticloadbalancing.amazonaws.com"

#define ELB_ERRORS(X)                                                                              \
    X(DuplicateListener)                                                                           \
    X(DuplicateLoadBalancerName)                                                                   \
    X(DuplicateTagKeys)                                                                            \
    X(DuplicateTargetGroupName)                                                                    \
    X(IncompatibleProtocols)                                                                       \
    X(InvalidConfigurationRequest)                                                                 \
    X(InvalidLoadBalancerAction)                                                                   \
    X(InvalidSecurityGroup)                                                                        \
    X(InvalidSubnet)                                                                               \
    X(InvalidTarget)                                                                               \
    X(ListenerNotFound)                                                                            \
    X(LoadBalancerNotFound)                                                                        \
    X(OperationNotPermitted)                                                                       \
    X(PriorityInUse)                                                                               \
    X(ResourceInUse)                                                                               \
    X(RuleNotFound)                                                                                \
    X(SubnetNotFound)                                                                              \
    X(TargetGroupNotFound)                                                                         \
    X(TooManyActions)                                                                              \
    X(TooManyListeners)                                                                            \
    X(TooManyLoadBalancers)                                                                        \
    X(TooManyRules)                                                                                \
    X(TooManyTags)                                                                                 \
    X(TooManyTargetGroups)                                                                         \
    X(TooManyTargets)                                                                              \
    X(UnsupportedProtocol)                                                                         \
    X(ValidationError)

enum elb_error {
#define X(name) ELB_ERROR_##name,
    ELB_ERRORS(X)
#undef X
        ELB_N_ERRORS,
};
extern const struct api_error elb_errors[ELB_N_ERRORS];
#define ELB_ERR(name) elb_errors[ELB_ERROR_##name]

/* ---- elbv2.c ---- */

/* "ValidationError" of the call; the message as printf. */
#define ELB_INVALID(call, ...) api_fault((call), &ELB_ERR(ValidationError), __VA_ARGS__)
/* A member of a request, or a value of one, that is recognised and not carried out. */
int elb_unsupported(struct api_call *call, const char *what);
int elb_written(int r, const char *what, struct str id);

/* The caller's own; or the fault that says that there is none. */
int elb_balancer_find(struct api_call *call, struct str arn, const struct elb_balancer_row **ret);
int elb_group_find(struct api_call *call, struct str arn, const struct elb_target_group_row **ret);
int elb_listener_find(struct api_call *call, struct str arn, const struct elb_listener_row **ret);
int elb_rule_find(struct api_call *call, struct str arn, const struct elb_rule_row **ret);
/* A rule's listener, which is always there. */
const struct elb_listener_row *elb_listener_of(struct txn *txn, const struct elb_rule_row *rule);

/* 16 hexadecimal digits that nobody else has. */
struct str elb_hex(struct api_call *call);
/* What follows the first "KIND/" of an ARN: "app/NAME/HEX" of a balancer's. */
struct str elb_arn_rest(struct str arn, const char *kind);
/* A name of a balancer or group ("load balancer", "Target group"): characters and length. */
int elb_name_check(struct api_call *call, const char *what, struct str name);

int
elb_page_open(struct api_call *call, struct str marker, struct opt_i64 size, struct api_page *ret);
struct str elb_page_next(struct api_call *call, const struct api_page *page);

/* Tags of a call that makes something. */
int elb_tags_of(struct api_call *call, const struct elbv2_TagList *tags, struct str_list *ret);

/* A call as the account's service-linked role, in the same transaction; negative: there is none. */
int elb_as_service(struct api_call *call, struct api_call *ret);

/* ---- attribute.c ---- */

enum elb_attribute_of { ELB_OF_BALANCER, ELB_OF_GROUP, ELB_OF_LISTENER };
/* The value of an attribute, as it was set or by default. */
struct str elb_attribute(enum elb_attribute_of of, const struct str_list *set, const char *key);
int64_t elb_attribute_i64(enum elb_attribute_of of, const struct str_list *set, const char *key);

/* ---- node.c: interfaces of balancers ---- */

/* Makes the balancer's interfaces be those of these subnets, whose rows are the caller's own. */
int elb_nodes_set(struct api_call *call, const struct elb_balancer_row *balancer,
                  const struct str_list *subnet_ids);
/* Its security groups changed. */
int elb_nodes_regroup(struct api_call *call, const struct elb_balancer_row *balancer);

/* ---- balancer_show.c ---- */

struct elbv2_LoadBalancer
elb_balancer_show(struct api_call *call, const struct elb_balancer_row *row);
struct elbv2_AvailabilityZoneList
elb_zones_show(struct api_call *call, const struct elb_balancer_row *row);

/* ---- action.c ---- */

/*
 * Checks a rule's actions and completes them as AWS shows them: the groups exist, are of the
 * balancer's VPC and take its protocol.
 */
int elb_actions_check(struct api_call *call, const struct elb_balancer_row *balancer,
                      const struct elbv2_ActionList *actions, struct elbv2_ActionList *ret);

/* ---- condition.c ---- */

int elb_conditions_check(struct api_call *call, const struct elbv2_RuleConditionList *conditions,
                         struct elbv2_RuleConditionList *ret);

/* ---- rule.c ---- */

/* Writes a rule with what its actions lead to; the body is that of `rule`. */
int elb_rule_put(struct api_call *call, const struct elb_listener_row *listener,
                 const struct elb_rule_row *row, const struct elbv2_Rule *rule, bool is_new);
int elb_rule_drop(struct api_call *call, const struct elb_rule_row *row);
/* As the API shows it. */
int elb_rule_show(struct api_call *call, const struct elb_rule_row *row, struct elbv2_Rule *ret);
/* The default rule of a listener, which it always has. */
const struct elb_rule_row *elb_rule_default(struct txn *txn, struct str listener_id);

/* ---- listener.c ---- */

int elb_listener_drop(struct api_call *call, const struct elb_listener_row *row);

/* ---- target.c ---- */

/* What DescribeTargetHealth says of a target; texts that live as long as the program or the row. */
struct elb_health {
    struct str state, reason, description;
};
struct elb_health elb_target_health(struct txn *txn, const struct elb_target_row *row);
/* The address that a target is reached by; false: it has none (now). */
bool elb_target_address(struct txn *txn, const struct elb_target_row *row, struct str *ret);
/* Whether a listener of an active balancer leads to the group. */
bool elb_group_in_use(struct txn *txn, struct str group_id);

/* ---- holds.c ---- */

/* What holds of a row, whatever was called. */
bool elb_balancer_ok(const struct elb_balancer_row *row);
bool elb_group_ok(const struct elb_target_group_row *row);
bool elb_target_ok(const struct elb_target_row *row);
bool elb_listener_ok(const struct elb_listener_row *row);
bool elb_rule_ok(const struct elb_rule_row *row);
bool elb_node_ok(const struct elb_node_row *row);
