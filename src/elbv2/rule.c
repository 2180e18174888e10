/*
 * Rules of listeners.  The default one is a row like the others, behind all of them, and goes with
 * its listener.  What a rule forwards to is also in rows of its own (elb_use), to be found from the
 * group's side.
 */
#include "elbv2/elbv2.h"

#include "api/decode_doc.h"
#include "api/encode_doc.h"
#include "codec/json.h"

enum { BODY_MAX = 64 << 10 };

/* ---- rows ---- */

static int
body_of(struct api_call *call, const struct elbv2_Rule *rule, struct str *ret)
{
    struct buf b;

    buf_init(&b, BODY_MAX);
    api_encode_doc(&elbv2_service, api_shape(&elbv2_service, ELBV2_SHAPE_Rule), API_DOC_JSON, rule,
                   &b);
    bool failed = buf_failed(&b);

    if (!failed)
        *ret = str_dup(call->arena, buf_str(&b));
    buf_done(&b);
    return failed ? error_origin(E2BIG, "a rule does not fit its row") : 0;
}

static int
uses_drop(struct api_call *call, struct str rule_id)
{
    int r = 0;

    STORE_EACH(call->txn, elb_use_by_rule, use, rule_id)
        if (!r)
            r = elb_written(elb_use_delete(call->txn, use->id), "the use of", use->group_id);
    return r;
}

static int
uses_put(struct api_call *call, const struct elb_listener_row *listener, struct str rule_id,
         const struct elbv2_Rule *rule)
{
    LIST_EACH(&rule->actions, action) {
        if (!action->forward_config)
            continue;
        LIST_EACH(&action->forward_config->target_groups, tuple) {
            const struct elb_use_row row = {
                .id = str_fmt(call->arena, "%.*s %.*s", STR_ARG(rule_id),
                              STR_ARG(tuple->target_group_arn)),
                .rule_id = rule_id,
                .listener_id = listener->id,
                .balancer_id = listener->balancer_id,
                .group_id = tuple->target_group_arn,
            };
            int r = elb_use_insert(call->txn, &row);

            if (r < 0)
                return elb_written(r, "the use of", row.group_id);
        }
    }
    return 0;
}

int
elb_rule_put(struct api_call *call, const struct elb_listener_row *listener,
             const struct elb_rule_row *row, const struct elbv2_Rule *rule, bool is_new)
{
    const struct elbv2_Rule kept = {.conditions = rule->conditions, .actions = rule->actions};
    struct elb_rule_row new = *row;
    int r = body_of(call, &kept, &new.body);

    if (!r)
        r = uses_drop(call, row->id);
    if (!r)
        r = uses_put(call, listener, row->id, rule);
    if (r)
        return r;
    assert(elb_rule_ok(&new) && rule->actions.n == 1);
    r = is_new ? elb_rule_insert(call->txn, &new) : elb_rule_update(call->txn, &new);
    return elb_written(r, "rule", row->id);
}

int
elb_rule_drop(struct api_call *call, const struct elb_rule_row *row)
{
    int r = uses_drop(call, row->id);

    return r ? r : elb_written(elb_rule_delete(call->txn, row->id), "rule", row->id);
}

const struct elb_rule_row *
elb_rule_default(struct txn *txn, struct str listener_id)
{
    const struct elb_rule_row *row =
        elb_rule_by_listener_get(txn, listener_id, ELB_PRIORITY_DEFAULT);

    assert(row && elb_rule_ok(row));
    return row;
}

int
elb_rule_show(struct api_call *call, const struct elb_rule_row *row, struct elbv2_Rule *ret)
{
    struct api_fault fault;

    *ret = (struct elbv2_Rule){0};
    if (api_decode_doc(&elbv2_service, api_shape(&elbv2_service, ELBV2_SHAPE_Rule), &doc_json,
                       call->arena, row->body, ret, &fault))
        return error_origin(EUCLEAN, "rule %.*s cannot be read", STR_ARG(row->id));
    bool is_default = row->priority == ELB_PRIORITY_DEFAULT;

    ret->rule_arn = row->id;
    ret->priority = is_default ? S("default") : str_fmt(call->arena, "%d", (int)row->priority);
    ret->is_default = opt_bool(is_default);
    API_PRESENT(&ret->conditions);
    API_PRESENT(&ret->transforms);
    return 0;
}

static int
push_shown(struct api_call *call, const struct elb_rule_row *row, struct elbv2_RuleList *list)
{
    struct elbv2_Rule shown;
    int r = elb_rule_show(call, row, &shown);

    if (!r)
        *LIST_PUSH(call->arena, list) = shown;
    return r;
}

/* ---- CreateRule ---- */

static int
limit_check(struct api_call *call, const struct elb_balancer_row *balancer)
{
    size_t n = 0;

    STORE_EACH(call->txn, elb_listener_by_balancer, listener, balancer->id)
        STORE_EACH(call->txn, elb_rule_by_listener, row, listener->id)
            n += row->priority != ELB_PRIORITY_DEFAULT;
    return n < ELB_RULES_MAX ? 0
                             : api_fault(call, &ELB_ERR(TooManyRules),
                                         "The maximum number of rules per load balancer has been "
                                         "reached");
}

int
elb_create_rule(struct api_call *call, const struct elbv2_CreateRuleInput *req,
                struct elbv2_CreateRuleOutput *res)
{
    const struct elb_listener_row *listener;
    struct elbv2_Rule rule = {0};
    struct elb_rule_row row = {.priority = opt_i64_or(req->priority, 0)};
    int r = elb_listener_find(call, req->listener_arn, &listener);

    if (r)
        return r;
    const struct elb_balancer_row *balancer = elb_balancer_get(call->txn, listener->balancer_id);

    assert(balancer);
    if (req->transforms.n)
        return elb_unsupported(call, "Transforms");
    r = elb_conditions_check(call, &req->conditions, &rule.conditions);
    if (!r)
        r = elb_actions_check(call, balancer, &req->actions, &rule.actions);
    if (!r)
        r = elb_tags_of(call, &req->tags, &row.tags);
    if (!r)
        r = limit_check(call, balancer);
    if (!r && elb_rule_by_listener_get(call->txn, listener->id, row.priority))
        r = api_fault(call, &ELB_ERR(PriorityInUse), "Priority '%d' is currently in use",
                      (int)row.priority);
    if (r)
        return r;
    row.listener_id = listener->id;
    row.id = str_fmt(call->arena, "arn:aws:elasticloadbalancing:%.*s:%.*s:listener-rule/%.*s/%.*s",
                     STR_ARG(call->region), STR_ARG(call->account),
                     STR_ARG(elb_arn_rest(listener->id, "listener")), STR_ARG(elb_hex(call)));
    r = elb_rule_put(call, listener, &row, &rule, true);
    return r ? r : push_shown(call, elb_rule_get(call->txn, row.id), &res->rules);
}

/* ---- DeleteRule, ModifyRule ---- */

int
elb_delete_rule(struct api_call *call, const struct elbv2_DeleteRuleInput *req,
                struct elbv2_DeleteRuleOutput *res UNUSED)
{
    const struct elb_rule_row *row;
    int r = elb_rule_find(call, req->rule_arn, &row);

    if (r)
        return r;
    if (row->priority == ELB_PRIORITY_DEFAULT)
        return api_fault(call, &ELB_ERR(OperationNotPermitted),
                         "Default rule '%.*s' cannot be deleted", STR_ARG(row->id));
    return elb_rule_drop(call, row);
}

int
elb_modify_rule(struct api_call *call, const struct elbv2_ModifyRuleInput *req,
                struct elbv2_ModifyRuleOutput *res)
{
    const struct elb_rule_row *row;
    struct elbv2_Rule rule;
    int r = elb_rule_find(call, req->rule_arn, &row);

    if (r)
        return r;
    if (row->priority == ELB_PRIORITY_DEFAULT)
        return api_fault(call, &ELB_ERR(OperationNotPermitted),
                         "Default rule '%.*s' cannot be modified", STR_ARG(row->id));
    if (req->transforms.n || opt_bool_or(req->reset_transforms, false))
        return elb_unsupported(call, "Transforms");
    if (!req->conditions.n && !req->actions.n)
        return ELB_INVALID(call, "Either conditions or actions must be specified");
    const struct elb_listener_row *listener = elb_listener_of(call->txn, row);
    const struct elb_balancer_row *balancer = elb_balancer_get(call->txn, listener->balancer_id);

    assert(balancer);
    r = elb_rule_show(call, row, &rule);
    if (!r && req->conditions.n)
        r = elb_conditions_check(call, &req->conditions, &rule.conditions);
    if (!r && req->actions.n)
        r = elb_actions_check(call, balancer, &req->actions, &rule.actions);
    if (!r)
        r = elb_rule_put(call, listener, row, &rule, false);
    return r ? r : push_shown(call, elb_rule_get(call->txn, row->id), &res->rules);
}

/* ---- SetRulePriorities ---- */

/* They may change places: all leave before any comes. */
static int
leave(struct api_call *call, const struct elbv2_RulePriorityPairList *pairs,
      struct elb_rule_row *rows)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const struct elb_rule_row *row;
        int r = elb_rule_find(call, pairs->v[i].rule_arn, &row);

        if (r)
            return r;
        if (row->priority == ELB_PRIORITY_DEFAULT)
            return api_fault(call, &ELB_ERR(OperationNotPermitted),
                             "Default rule '%.*s' priority cannot be modified", STR_ARG(row->id));
        rows[i] = *row;
        r = elb_rule_delete(call->txn, row->id);
        if (r < 0)
            return elb_written(r, "rule", row->id);
    }
    return 0;
}

int
elb_set_rule_priorities(struct api_call *call, const struct elbv2_SetRulePrioritiesInput *req,
                        struct elbv2_SetRulePrioritiesOutput *res)
{
    const struct elbv2_RulePriorityPairList *pairs = &req->rule_priorities;

    for (size_t i = 0; i < pairs->n; i++) {
        if (!pairs->v[i].rule_arn.p || !pairs->v[i].priority.set)
            return ELB_INVALID(call, "A rule ARN and a priority must be specified");
        for (size_t k = 0; k < i; k++) {
            if (pairs->v[k].priority.v == pairs->v[i].priority.v)
                return ELB_INVALID(call, "Priority '%d' was provided multiple times",
                                   (int)pairs->v[i].priority.v);
            if (str_eq(pairs->v[k].rule_arn, pairs->v[i].rule_arn))
                return ELB_INVALID(call, "Rule '%.*s' was provided multiple times",
                                   STR_ARG(pairs->v[i].rule_arn));
        }
    }
    struct elb_rule_row *rows = ARENA_ARRAY(call->arena, struct elb_rule_row, pairs->n);
    int r = leave(call, pairs, rows);

    for (size_t i = 0; i < pairs->n && !r; i++) {
        rows[i].priority = pairs->v[i].priority.v;
        assert(elb_rule_ok(&rows[i]));
        if (elb_rule_by_listener_get(call->txn, rows[i].listener_id, rows[i].priority))
            r = api_fault(call, &ELB_ERR(PriorityInUse), "Priority '%d' is currently in use",
                          (int)rows[i].priority);
        else
            r = elb_written(elb_rule_insert(call->txn, &rows[i]), "rule", rows[i].id);
        if (!r)
            r = push_shown(call, &rows[i], &res->rules);
    }
    return r;
}

/* ---- DescribeRules ---- */

int
elb_describe_rules(struct api_call *call, const struct elbv2_DescribeRulesInput *req,
                   struct elbv2_DescribeRulesOutput *res)
{
    const struct elb_listener_row *listener;
    const struct elb_rule_row *rule;
    struct api_page page;
    int r = elb_page_open(call, req->marker, req->page_size, &page);

    if (!r && req->listener_arn.p && req->rule_arns.n)
        r = ELB_INVALID(call, "A listener ARN and rule ARNs cannot be specified at the same time");
    if (!r && !req->listener_arn.p && !req->rule_arns.n)
        r = ELB_INVALID(call, "You must specify either listener rule ARNs or a listener ARN");
    LIST_EACH(&req->rule_arns, arn) {
        if (!r)
            r = elb_rule_find(call, *arn, &rule);
        if (!r)
            r = push_shown(call, rule, &res->rules);
    }
    if (!r && req->listener_arn.p)
        r = elb_listener_find(call, req->listener_arn, &listener);
    if (r || !req->listener_arn.p)
        return r;
    STORE_EACH(call->txn, elb_rule_by_listener, row, listener->id)
        if (!r && !page.more &&
            api_page_take(&page, str_fmt(call->arena, "%08d", (int)row->priority)))
            r = push_shown(call, row, &res->rules);
    res->next_marker = elb_page_next(call, &page);
    return r;
}
