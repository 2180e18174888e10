/*
 * SimulateCustomPolicy, SimulatePrincipalPolicy and GetContextKeysFor…Policy: what the policy
 * engine would decide, and why.  Nothing is decided here: every answer is policy_decide()'s or
 * policy_eval()'s of the documents.
 */
#include "base/map.h"
#include "iam/managed.h"
#include "iam/simulate.h"

/* Combinations of actions and resources in a call. */
enum { COMBINATIONS_MAX = 10000, CONTEXT_MAX = 256 };
/* Statements that are asked and shown for a page: one that is much work ends before MaxItems. */
enum { WORK_MAX = 1 << 20, SHOWN_MAX = 20000 };

#define ALLOWED S("allowed")
#define EXPLICIT_DENY S("explicitDeny")
#define IMPLICIT_DENY S("implicitDeny")

/* The two requests have the same members but one. */
struct question {
    const struct str_list *actions, *resources;
    const struct iam_ContextEntryList *entries;
    struct str resource_policy, resource_owner, caller, handling;
    struct str marker;
    struct opt_i64 max_items;
};

#define QUESTION_OF(req)                                                                           \
    {                                                                                              \
        &(req)->action_names, &(req)->resource_arns, &(req)->context_entries,                      \
            (req)->resource_policy, (req)->resource_owner, (req)->caller_arn,                      \
            (req)->resource_handling_option, (req)->marker, (req)->max_items                       \
    }

struct simulation {
    struct api_call *call;
    struct question q;
    struct sim_documents identity, boundary, resource;
    struct policy_principal principal;
    struct policy_context context;
    struct policy_set set;
    struct str_list resources; /* "*" when none were given */
    size_t work, shown;        /* statements, so far */
    uint64_t seed;             /* keys are the caller's to choose, their places are not */
};

/* ---- preparing ---- */

/* Values that the engine can read as their type; lists are multivalued keys. */
static int
context_of(struct api_call *call, const struct iam_ContextEntryList *entries,
           struct policy_context *ret)
{
    if (entries->n > CONTEXT_MAX)
        return api_fault(call, &IAM_ERR(InvalidInput), "At most %d context entries can be given.",
                         CONTEXT_MAX);
    LIST_EACH(entries, e) {
        if (!e->context_key_name.p || !e->context_key_type.p)
            return api_fault(call, &IAM_ERR(InvalidInput),
                             "ContextKeyName and ContextKeyType are required for each context "
                             "entry.");
        bool multi = str_ends(e->context_key_type, S("List"));
        assert(ret->n < CONTEXT_MAX);

        if (!multi && e->context_key_values.n != 1)
            return api_fault(call, &IAM_ERR(InvalidInput),
                             "Context key %.*s of type %.*s must have one value.",
                             STR_ARG(e->context_key_name), STR_ARG(e->context_key_type));
        *LIST_PUSH(call->arena, ret) = (struct policy_key){
            .name = e->context_key_name,
            .values = e->context_key_values.v,
            .n = e->context_key_values.n,
            .multi = multi,
        };
    }
    return 0;
}

/* The account in "arn:aws:iam::ACCOUNT:…", or the text itself when it is one. */
static struct str
account_of(struct str s)
{
    if (!str_starts(s, S("arn:")))
        return s;
    for (int i = 0; i < 4; i++)
        str_split(&s, ':');
    return str_split(&s, ':');
}

static int
caller_of(struct api_call *call, struct str arn, struct policy_principal *ret)
{
    struct str account = account_of(arn);

    if (!arn.p) {
        *ret = (struct policy_principal){.kind = POLICY_USER, .account = call->account};
        return 0;
    }
    if (!str_starts(arn, S("arn:aws:")) || account.n != 12)
        return api_fault(call, &IAM_ERR(InvalidInput), "Invalid Caller Arn: %.*s", STR_ARG(arn));
    *ret = (struct policy_principal){.kind = POLICY_USER, .account = account, .arn = arn};
    assert(ret->account.n == 12);
    if (str_find(arn, S(":assumed-role/")) != SIZE_MAX)
        ret->kind = POLICY_SESSION;
    else if (str_find(arn, S(":federated-user/")) != SIZE_MAX)
        ret->kind = POLICY_FEDERATED_USER;
    else if (str_ends(arn, S(":root")))
        ret->kind = POLICY_ROOT;
    return 0;
}

/* Which resources a scenario of RunInstances needs. */
static const struct {
    const char *option;
    const char *needs[7];
} scenarios[] = {
    {"EC2-Classic-InstanceStore", {"instance", "image", "security-group"}},
    {"EC2-Classic-EBS", {"instance", "image", "security-group", "volume"}},
    {"EC2-VPC-InstanceStore", {"instance", "image", "security-group", "network-interface"}},
    {"EC2-VPC-InstanceStore-Subnet",
     {"instance", "image", "security-group", "network-interface", "subnet"}},
    {"EC2-VPC-EBS", {"instance", "image", "security-group", "network-interface", "volume"}},
    {"EC2-VPC-EBS-Subnet",
     {"instance", "image", "security-group", "network-interface", "subnet", "volume"}},
};

static bool
has_resource(const struct str_list *arns, const char *type)
{
    assert(type);
    LIST_EACH(arns, arn) {
        struct str rest = *arn;

        for (int i = 0; i < 5; i++)
            str_split(&rest, ':');
        if (str_is(str_split(&rest, '/'), type))
            return true;
    }
    return false;
}

static int
scenario_check(struct api_call *call, struct str option, const struct str_list *arns)
{
    if (!option.p)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        if (!str_is(option, scenarios[i].option))
            continue;
        for (const char *const *need = scenarios[i].needs; *need; need++)
            if (!has_resource(arns, *need))
                return api_fault(call, &IAM_ERR(InvalidInput),
                                 "ResourceHandlingOption %.*s requires a resource of type %s.",
                                 STR_ARG(option), *need);
        return 0;
    }
    return api_fault(call, &IAM_ERR(InvalidInput), "Invalid ResourceHandlingOption: %.*s",
                     STR_ARG(option));
}

static int
question_check(struct simulation *s)
{
    struct api_call *call = s->call;
    const struct question *q = &s->q;
    int r = 0;

    LIST_EACH(q->actions, action)
        if (r == 0 &&
            (str_find_char(*action, ':') == SIZE_MAX || str_find_char(*action, '*') != SIZE_MAX))
            r = api_fault(call, &IAM_ERR(InvalidInput), "Invalid Action Name: %.*s",
                          STR_ARG(*action));
    if (r == 0 && q->actions->n * MAX(q->resources->n, 1) > COMBINATIONS_MAX)
        r = api_fault(call, &IAM_ERR(InvalidInput),
                      "At most %d combinations of actions and resources can be simulated.",
                      COMBINATIONS_MAX);
    if (r == 0 && q->resource_policy.p && !q->caller.p)
        r = api_fault(call, &IAM_ERR(InvalidInput),
                      "CallerArn must be provided when a resource policy is provided.");
    if (r == 0)
        r = scenario_check(call, q->handling, q->resources);
    if (r == 0)
        r = context_of(call, q->entries, &s->context);
    return r ? r : caller_of(call, q->caller, &s->principal);
}

static const struct policy *const *
compiled(struct arena *a, const struct sim_documents *list)
{
    const struct policy **v = ARENA_ARRAY(a, const struct policy *, MAX(list->n, 1));

    assert(list->n == 0 || list->v);
    for (size_t i = 0; i < list->n; i++)
        v[i] = list->v[i].policy;
    return v;
}

static int
prepare(struct simulation *s)
{
    struct api_call *call = s->call;
    int r = question_check(s);

    call->env->random(call->env, &s->seed, sizeof(s->seed));
    if (r == 0 && s->q.resource_policy.p)
        r = sim_add(call, &s->resource, S("ResourcePolicy"), POLICY_RESOURCE, s->q.resource_policy);
    if (r == 0 && s->boundary.n > 1)
        r = api_fault(call, &IAM_ERR(InvalidInput),
                      "Only one permissions boundary can be simulated.");
    if (r)
        return r;
    s->set = (struct policy_set){
        .identity = {compiled(call->arena, &s->identity), s->identity.n},
        .boundary = s->boundary.n ? s->boundary.v[0].policy : NULL,
        .resource = s->resource.n ? s->resource.v[0].policy : NULL,
        .resource_account = account_of(s->q.resource_owner),
    };
    s->resources = *s->q.resources;
    if (s->resources.n == 0)
        *LIST_PUSH(call->arena, &s->resources) = S("*");
    assert(s->resources.n > 0 && s->boundary.n <= 1 && s->resource.n <= 1);
    return 0;
}

/* ---- one combination ---- */

struct outcome {
    struct str decision;
    struct iam_StatementList matched;
    struct str_list missing;
};

static struct iam_Position *
position(struct arena *a, struct sim_position p)
{
    struct iam_Position *shown = ARENA_NEW(a, struct iam_Position);

    *shown = (struct iam_Position){opt_i64(p.line), opt_i64(p.column)};
    return shown;
}

/* The statements that say `effect` of the request. */
static void
match(struct simulation *s, const struct sim_documents *list, const struct policy_request *req,
      enum policy_effect effect, struct iam_StatementList *ret)
{
    struct arena *a = s->call->arena;

    assert(effect != POLICY_SILENT);
    LIST_EACH(list, doc) {
        for (size_t i = 0; i < doc->n; i++) {
            if (policy_eval(doc->v[i].whole, req).effect != effect)
                continue;
            s->shown++;
            *LIST_PUSH(a, ret) = (struct iam_Statement){
                .source_policy_id = doc->id,
                .source_policy_type = str_from(doc->type),
                .start_position = position(a, doc->v[i].start),
                .end_position = position(a, doc->v[i].end),
            };
        }
    }
}

/* The keys that the call gives, in lower case. */
static void
given_keys(struct simulation *s, struct map *seen)
{
    LIST_EACH(&s->context, key)
        map_put(seen, str_lower(s->call->arena, key->name), s);
}

/* Keys that statements about the request name and that were not seen yet. */
static void
missing(struct simulation *s, const struct sim_documents *list, const struct policy_request *req,
        struct map *seen, struct str_list *ret)
{
    LIST_EACH(list, doc) {
        for (const struct sim_statement *t = doc->v; t < doc->v + doc->n; t++) {
            assert(t->keys.n == t->folded.n);
            if (policy_eval(t->bare, req).effect == POLICY_SILENT)
                continue;
            for (size_t i = 0; i < t->keys.n; i++)
                if (!map_get(seen, t->folded.v[i])) {
                    map_put(seen, t->folded.v[i], s);
                    *LIST_PUSH(s->call->arena, ret) = t->keys.v[i];
                }
        }
    }
}

static struct str_list
all_missing(struct simulation *s, const struct policy_request *req)
{
    struct str_list keys = {.v = API_EMPTY};
    struct map seen;

    map_init(&seen, s->seed);
    given_keys(s, &seen);
    missing(s, &s->identity, req, &seen, &keys);
    missing(s, &s->resource, req, &seen, &keys);
    missing(s, &s->boundary, req, &seen, &keys);
    map_done(&seen);
    s->shown += keys.n;
    return keys;
}

static struct policy_request
request_of(const struct simulation *s, struct str action, struct str resource)
{
    return (struct policy_request){
        .action = action,
        .resource = resource,
        .principal = &s->principal,
        .context = &s->context,
    };
}

static struct outcome
simulate(struct simulation *s, struct str action, struct str resource)
{
    const struct policy_request req = request_of(s, action, resource);
    const struct policy_decision d = policy_decide(&s->set, &req);
    struct outcome out = {.decision = d.allowed         ? ALLOWED
                                      : d.explicit_deny ? EXPLICIT_DENY
                                                        : IMPLICIT_DENY};

    s->work += 1 + s->identity.statements + s->resource.statements + s->boundary.statements;
    API_PRESENT(&out.matched);
    if (d.allowed || d.explicit_deny) {
        enum policy_effect effect = d.allowed ? POLICY_ALLOW : POLICY_DENY;

        match(s, &s->identity, &req, effect, &out.matched);
        match(s, &s->resource, &req, effect, &out.matched);
        /* A boundary gives nothing, but its Deny counts. */
        if (d.explicit_deny)
            match(s, &s->boundary, &req, effect, &out.matched);
    }
    out.missing = all_missing(s, &req);
    assert(out.matched.n == 0 || !str_eq(out.decision, IMPLICIT_DENY));
    return out;
}

/* ---- showing ---- */

static struct iam_PermissionsBoundaryDecisionDetail *
boundary_detail(struct simulation *s, struct str action, struct str resource)
{
    const struct policy_request req = request_of(s, action, resource);

    if (!s->set.boundary)
        return NULL;
    struct iam_PermissionsBoundaryDecisionDetail *detail =
        ARENA_NEW(s->call->arena, struct iam_PermissionsBoundaryDecisionDetail);

    detail->allowed_by_permissions_boundary =
        opt_bool(policy_eval(s->set.boundary, &req).effect == POLICY_ALLOW);
    return detail;
}

static struct str
effect_text(enum policy_effect effect)
{
    return effect == POLICY_ALLOW ? ALLOWED : effect == POLICY_DENY ? EXPLICIT_DENY : IMPLICIT_DENY;
}

/* What either side says when the resource is another account's. */
static struct iam_TextMap
cross_account(struct simulation *s, struct str action, struct str resource)
{
    const struct policy_request req = request_of(s, action, resource);
    struct iam_TextMap map = {0};
    bool allow = false, deny = false;

    if (!s->set.resource || s->set.resource_account.n == 0 ||
        str_eq(s->set.resource_account, s->principal.account))
        return map;
    for (size_t i = 0; i < s->set.identity.n; i++) {
        enum policy_effect effect = policy_eval(s->set.identity.v[i], &req).effect;

        allow |= effect == POLICY_ALLOW;
        deny |= effect == POLICY_DENY;
    }
    *LIST_PUSH(s->call->arena, &map) =
        (struct iam_TextMapEntry){S("IAM Policy"), effect_text(deny    ? POLICY_DENY
                                                               : allow ? POLICY_ALLOW
                                                                       : POLICY_SILENT)};
    *LIST_PUSH(s->call->arena, &map) = (struct iam_TextMapEntry){
        S("Resource Policy"), effect_text(policy_eval(s->set.resource, &req).effect)};
    return map;
}

static void
show_specific(struct simulation *s, struct str action, struct str resource,
              const struct outcome *out, struct iam_EvaluationResult *result)
{
    *LIST_PUSH(s->call->arena, &result->resource_specific_results) =
        (struct iam_ResourceSpecificResult){
            .eval_resource_name = resource,
            .eval_resource_decision = out->decision,
            .matched_statements = out->matched,
            .missing_context_values = out->missing,
            .eval_decision_details = cross_account(s, action, resource),
            .permissions_boundary_decision_detail = boundary_detail(s, action, resource),
        };
}

static struct iam_EvaluationResult
show(struct simulation *s, struct str action, struct str resource)
{
    const struct outcome out = simulate(s, action, resource);
    struct iam_EvaluationResult result = {
        .eval_action_name = action,
        .eval_resource_name = resource,
        .eval_decision = out.decision,
        .matched_statements = out.matched,
        .missing_context_values = out.missing,
        .permissions_boundary_decision_detail = boundary_detail(s, action, resource),
        .eval_decision_details = cross_account(s, action, resource),
    };

    if (s->q.resources->n) {
        /* Of resources that are named the missing values stand with them. */
        result.missing_context_values = (struct str_list){.v = API_EMPTY};
        show_specific(s, action, resource, &out, &result);
    }
    return result;
}

/* A scenario: all resources together, allowed only when each is. */
static struct iam_EvaluationResult
show_scenario(struct simulation *s, struct str action)
{
    struct iam_EvaluationResult result = {
        .eval_action_name = action,
        .eval_resource_name = S("*"),
        .eval_decision = ALLOWED,
        .missing_context_values = {.v = API_EMPTY},
        .matched_statements = {.v = API_EMPTY},
    };
    bool allowed = true;

    assert(s->q.handling.p);
    LIST_EACH(&s->resources, resource) {
        const struct outcome out = simulate(s, action, *resource);

        show_specific(s, action, *resource, &out, &result);
        if (allowed && str_eq(out.decision, IMPLICIT_DENY))
            result.eval_decision = IMPLICIT_DENY;
        allowed &= str_eq(out.decision, ALLOWED);
    }
    LIST_EACH(&result.resource_specific_results, specific)
        if (str_eq(specific->eval_resource_decision, EXPLICIT_DENY))
            result.eval_decision = EXPLICIT_DENY;
    return result;
}

/* The combinations of a page. */
static int
answer(struct simulation *s, struct iam_SimulatePolicyResponse *res)
{
    struct api_call *call = s->call;
    bool scenario = s->q.handling.p != NULL;
    size_t per_action = scenario ? 1 : s->resources.n, all = s->q.actions->n * per_action;
    struct api_page page;
    int r = iam_page_open(call, s->q.marker, s->q.max_items, &page);

    if (r)
        return r;
    assert(all <= COMBINATIONS_MAX);
    API_PRESENT(&res->evaluation_results);
    for (size_t i = 0; i < all && !page.more; i++) {
        struct str action = s->q.actions->v[i / per_action];

        if (!api_page_take(&page, str_fmt(call->arena, "%05zu", i)))
            continue;
        *LIST_PUSH(call->arena, &res->evaluation_results) =
            scenario ? show_scenario(s, action) : show(s, action, s->resources.v[i % per_action]);
        if (s->work > WORK_MAX || s->shown > SHOWN_MAX)
            page.left = 0;
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

static void
finish(struct simulation *s)
{
    sim_free(&s->identity);
    sim_free(&s->boundary);
    sim_free(&s->resource);
}

/* ---- SimulateCustomPolicy, SimulatePrincipalPolicy ---- */

int
iam_simulate_custom_policy(struct api_call *call, const struct iam_SimulateCustomPolicyRequest *req,
                           struct iam_SimulatePolicyResponse *res)
{
    struct simulation s = {
        .call = call,
        .q = QUESTION_OF(req),
    };
    int r = sim_add_list(call, &s.identity, "PolicyInputList", &req->policy_input_list);

    if (r == 0)
        r = sim_add_list(call, &s.boundary, "PermissionsBoundaryPolicyInputList",
                         &req->permissions_boundary_policy_input_list);
    if (r == 0)
        r = prepare(&s);
    if (r == 0)
        r = answer(&s, res);
    finish(&s);
    return r;
}

/* The boundary of the request, else that of the user or role. */
static int
add_boundary(struct simulation *s, const struct str_list *given, const struct sim_source *source)
{
    struct iam_managed policy;

    if (given->n)
        return sim_add_list(s->call, &s->boundary, "PermissionsBoundaryPolicyInputList", given);
    if (source->boundary.n && iam_managed_get(s->call, source->boundary, &policy))
        return sim_add(s->call, &s->boundary, policy.name, POLICY_IDENTITY, policy.document);
    return 0;
}

int
iam_simulate_principal_policy(struct api_call *call,
                              const struct iam_SimulatePrincipalPolicyRequest *req,
                              struct iam_SimulatePolicyResponse *res)
{
    struct simulation s = {
        .call = call,
        .q = QUESTION_OF(req),
    };
    struct sim_source source;
    int r = sim_source_find(call, req->policy_source_arn, &source);

    if (r == 0)
        r = sim_add_source(call, &s.identity, &source);
    if (r == 0)
        r = sim_add_list(call, &s.identity, "PolicyInputList", &req->policy_input_list);
    if (r == 0)
        r = add_boundary(&s, &req->permissions_boundary_policy_input_list, &source);
    /* A user is the caller unless another is named. */
    if (r == 0 && !s.q.caller.p && str_is(str_from(source.kind), "user"))
        s.q.caller = source.arn;
    if (r == 0)
        r = prepare(&s);
    if (r == 0)
        r = answer(&s, res);
    finish(&s);
    return r;
}

/* ---- GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy ---- */

static void
keys_of(struct api_call *call, const struct sim_documents *list,
        struct iam_GetContextKeysForPolicyResponse *res)
{
    struct map seen;
    uint64_t seed;

    call->env->random(call->env, &seed, sizeof(seed));
    map_init(&seen, seed);
    API_PRESENT(&res->context_key_names);
    LIST_EACH(list, doc) {
        assert(doc->policy);
        struct str_list keys = {0};

        policy_context_keys(doc->policy, call->arena, &keys);
        LIST_EACH(&keys, key)
            if (!map_put(&seen, str_lower(call->arena, *key), call))
                *LIST_PUSH(call->arena, &res->context_key_names) = str_dup(call->arena, *key);
    }
    map_done(&seen);
}

int
iam_get_context_keys_for_custom_policy(struct api_call *call,
                                       const struct iam_GetContextKeysForCustomPolicyRequest *req,
                                       struct iam_GetContextKeysForPolicyResponse *res)
{
    struct sim_documents list = {0};
    int r = sim_add_list(call, &list, "PolicyInputList", &req->policy_input_list);

    if (r == 0)
        keys_of(call, &list, res);
    sim_free(&list);
    return r;
}

int
iam_get_context_keys_for_principal_policy(
    struct api_call *call, const struct iam_GetContextKeysForPrincipalPolicyRequest *req,
    struct iam_GetContextKeysForPolicyResponse *res)
{
    struct sim_documents list = {0};
    struct sim_source source;
    int r = sim_source_find(call, req->policy_source_arn, &source);

    if (r == 0)
        r = sim_add_source(call, &list, &source);
    if (r == 0)
        r = sim_add_list(call, &list, "PolicyInputList", &req->policy_input_list);
    if (r == 0)
        keys_of(call, &list, res);
    sim_free(&list);
    return r;
}
