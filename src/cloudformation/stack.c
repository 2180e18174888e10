/*
 * CreateStack, UpdateStack, DeleteStack: what is handed in is checked as a whole, then a row
 * says what the stack shall become, and the engine takes it from there.
 */
#include "cloudformation/stack.h"
#include "cloudformation/group.h"

#include "cloudformation/fetch.h"
#include "cloudformation/rule.h"

#include "api/actor.h"
#include "cloudformation/own.h"
#include "cloudformation/parameter.h"
#include "cloudformation/stack_set.h"
#include "cloudformation/template.h"
#include "gen/store/autoscaling_rows.h"

#define NAME_MAX_CHARACTERS 128

const struct api_error cfn_errors[CFN_N_ERRORS] = {
#define X(name) [CFN_ERROR_##name] = {#name, 0},
    CFN_ERRORS(X)
#undef X
};

/* A stack is known to policies by its id, whichever way the caller names it. */
static int
resource(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    if (str_is(type, "stackset"))
        return cfn_set_resource(call, id, ret);
    const struct cfn_stack_row *row = cfn_find(call, id);

    if (row) {
        ret->arn = row->id;
        ret->tags = &row->tags;
    } else if (str_starts(id, S("arn:"))) {
        ret->arn = id;
    }
    return 0;
}

static bool
is_group(const struct cfn_resource_row *row, const struct asg_group_row *group)
{
    return str_is(row->type, "AWS::AutoScaling::AutoScalingGroup") &&
           str_eq(row->physical, group->name);
}

/* The helper scripts on an instance may ask about the stack that made it, and signal to it. */
static bool
of_instance(struct api_call *call, const void *req)
{
    struct str op = api_op_name(call->service, call->op), name = STR_NONE;
    const struct cfn_stack_row *stack;
    bool own = false;

    if (str_is(op, "DescribeStackResource"))
        name = ((const struct cloudformation_DescribeStackResourceInput *)req)->stack_name;
    else if (str_is(op, "SignalResource"))
        name = ((const struct cloudformation_SignalResourceInput *)req)->stack_name;
    stack = name.p ? cfn_find(call, name) : NULL;
    if (!stack)
        return false;
    /* the instances of a group are as much the stack's as one of its own */
    const struct asg_instance_row *member = asg_instance_get(call->txn, call->instance);
    const struct asg_group_row *group = member ? asg_group_get(call->txn, member->group_id) : NULL;

    STORE_EACH(call->txn, cfn_resource_by_stack, row, stack->id)
        own = own || (row->phase != CFN_GONE &&
                      (str_eq(row->physical, call->instance) || (group && is_group(row, group))));
    return own;
}

const struct api_service_hooks cloudformation_hooks = {
    .service = &cloudformation_service,
    .of_instance = of_instance,
    .resource = resource,
    .context = cfn_context,
    .owns = cfn_handle_owns,
    .answer = cfn_handle_answer,
};

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

/* ---- finding ---- */

const struct cfn_stack_row *
cfn_find(struct api_call *call, struct str name)
{
    const struct cfn_stack_row *row;

    assert(call->account.n && call->region.n);
    if (!str_starts(name, S("arn:")))
        return cfn_stack_by_name_get(call->txn, call->account, call->region, name);
    row = cfn_stack_get(call->txn, name);
    return row && str_eq(row->account, call->account) && str_eq(row->region, call->region) ? row
                                                                                           : NULL;
}

int
cfn_need(struct api_call *call, struct str name, const struct cfn_stack_row **ret)
{
    *ret = cfn_find(call, name);
    return *ret ? 0 : INVALID("Stack with id %.*s does not exist", STR_ARG(name));
}

/* ---- a trial ---- */

static bool
trial(struct cfn_scope *scope, struct str name, struct json *ret)
{
    const struct json *resource = json_get_str(json_get(scope->root, "Resources"), name);
    bool wanted = true;

    if (resource && !cfn_wanted(scope, resource, &wanted))
        return false;
    if (!wanted)
        return cfn_wrong(scope,
                         "Template format error: Unresolved resource dependencies [%.*s] in the "
                         "Resources block of the template",
                         STR_ARG(name));
    *ret = cfn_text(S(CFN_KNOWN_LATER));
    return true;
}

static bool
trial_attribute(struct cfn_scope *scope, struct str name, struct str attribute UNUSED,
                struct json *ret)
{
    return trial(scope, name, ret);
}

static bool
trial_import(struct cfn_scope *scope UNUSED, struct str name UNUSED, struct json *ret)
{
    *ret = cfn_text(S(CFN_KNOWN_LATER));
    return true;
}

/* What only running it can tell is a wrong list for a function that wants one: no fault of it. */
static bool
try_one(struct cfn_scope *scope, const struct json *j)
{
    struct json value;

    return !j || cfn_resolve(scope, j, &value);
}

/* Policies on deletion, as functions make them. */
static bool
try_policies(struct cfn_scope *scope, struct str name, const struct json *resource)
{
    static const char *const policies[] = {"DeletionPolicy", "UpdateReplacePolicy"};
    struct json made = cfn_object(), value;

    assert(json_get(resource, "Type"));
    cfn_put(scope->arena, &made, S("Type"), *json_get(resource, "Type"));
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        const struct json *given = json_get(resource, policies[i]);

        if (given && !cfn_resolve(scope, given, &value))
            return false;
        if (given && value.kind != JSON_NULL)
            cfn_put(scope->arena, &made, str_from(policies[i]), value);
    }
    struct str wrong = cfn_template_policies(scope->arena, name, &made);

    return !wrong.p || cfn_wrong(scope, "%.*s", STR_ARG(wrong));
}

bool
cfn_try(struct cfn_look *look)
{
    const char *const blocks[] = {"Resources", "Outputs"};
    struct cfn_scope scope;
    bool wanted;

    cfn_look_scope(look, &scope, false);
    scope.resource = trial;
    scope.attribute = trial_attribute;
    scope.import = trial_import;
    for (size_t b = 0; b < ARRAY_LEN(blocks); b++) {
        const struct json *section = json_get(&look->root, blocks[b]);

        for (size_t i = 0; section && i < section->n; i++) {
            const struct json *one = &section->v[i];

            if (!cfn_wanted(&scope, one, &wanted) ||
                (wanted && ((b == 0 && (!try_policies(&scope, section->names[i], one) ||
                                        !cfn_group_policies(&scope, section->names[i], one))) ||
                            !try_one(&scope, json_get(one, "Properties")) ||
                            !try_one(&scope, json_get(one, "Value"))))) {
                look->scope.wrong = scope.wrong;
                return false;
            }
        }
    }
    return true;
}

/* ---- beginning ---- */

int
cfn_new_stack(struct api_call *call, struct str name, struct cfn_stack_row *row)
{
    bool ok = name.n > 0 && name.n <= NAME_MAX_CHARACTERS;

    for (size_t i = 0; i < name.n && ok; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        ok = letter || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    }
    if (!ok)
        return INVALID("1 validation error detected: Value '%.*s' at 'stackName' failed to "
                       "satisfy constraint: Member must satisfy regular expression pattern: "
                       "[a-zA-Z][-a-zA-Z0-9]*",
                       STR_ARG(name));
    if (cfn_find(call, name))
        return api_fault(call, &CFN_ERR(AlreadyExistsException), "Stack [%.*s] already exists",
                         STR_ARG(name));
    *row = (struct cfn_stack_row){
        .id = str_fmt(call->arena, "arn:aws:cloudformation:%.*s:%.*s:stack/%.*s/%.*s",
                      STR_ARG(call->region), STR_ARG(call->account), STR_ARG(name),
                      STR_ARG(api_uuid(call->env, call->arena))),
        .account = call->account,
        .region = call->region,
        .name = name,
        .live_name = name,
        .created_ms = call->now_ms,
    };
    assert(row->id.n > name.n && row->stage == CFN_REST);
    return 0;
}

void
cfn_keep_before(struct cfn_stack_row *row, const struct cfn_stack_row *old)
{
    /* what failed and was left is no state to go back to */
    if (str_ends(old->status, S("_FAILED")))
        return;
    row->before_template = old->template;
    row->before_processed = old->processed;
    row->before_params = old->params;
    row->before_tags = old->tags;
}

int
cfn_begin(struct api_call *call, struct cfn_stack_row *row, enum cfn_stage stage)
{
    bool is_new = !cfn_stack_get(call->txn, row->id);
    struct cfn_look look;
    int r;

    assert(stage == CFN_CREATE || stage == CFN_UPDATE);
    row->stage = stage;
    row->cancel = false;
    row->monitor_ms = 0;
    row->failure = S("");
    r = is_new ? cfn_stack_insert(call->txn, row) : 0;
    if (r < 0)
        return error_origin(-r, "stack %.*s cannot be written", STR_ARG(row->id));
    r = cfn_look_init(&look, call, row);
    if (r == 0 && !cfn_try(&look))
        return INVALID("%.*s", STR_ARG(look.scope.wrong));
    if (r == 0)
        r = cfn_plan(&look);
    if (r > 0)
        return INVALID("%.*s", STR_ARG(look.scope.wrong));
    if (r == 0)
        r = cfn_status(&look, stage == CFN_CREATE ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
                       S("User Initiated"));
    *row = look.stack;
    return r;
}

/* ---- CreateStack ---- */

int
cfn_create_stack(struct api_call *call, const struct cloudformation_CreateStackInput *req,
                 struct cloudformation_CreateStackOutput *res)
{
    const struct cfn_submission in = {
        CFN_SUBMISSION(req),
        .policy_body = req->stack_policy_body,
        .policy_url = req->stack_policy_url,
        .token = req->client_request_token,
    };
    const struct cfn_stack_row *same = cfn_find(call, req->stack_name);
    struct cfn_stack_row row;
    int r;

    /* the same call again */
    if (same && req->client_request_token.n && str_eq(same->token, req->client_request_token) &&
        (req->template_url.p || str_eq(same->template, req->template_body))) {
        res->stack_id = same->id;
        return 0;
    }
    r = cfn_new_stack(call, req->stack_name, &row);
    if (r == 0 && req->disable_rollback.set && req->on_failure.p)
        r = INVALID("You cannot specify both DisableRollback and OnFailure");
    if (r == 0)
        r = cfn_submit(call, &in, NULL, &row);
    if (r)
        return r;
    assert(row.id.n > 0 && row.template.n > 0);
    row.on_failure = req->on_failure.p ? req->on_failure : S("ROLLBACK");
    row.hold = row.disable_rollback = opt_bool_or(req->disable_rollback, false);
    row.retain_new = opt_bool_or(req->retain_except_on_create, false);
    row.timeout_min = opt_i64_or(req->timeout_in_minutes, 0);
    row.deadline_ms = row.timeout_min ? call->now_ms + row.timeout_min * 60000 : 0;
    row.protected = opt_bool_or(req->enable_termination_protection, false);
    r = cfn_begin(call, &row, CFN_CREATE);
    res->stack_id = row.id;
    return r;
}

/* ---- UpdateStack ---- */

/* The parts of a template that make a difference. */
static bool
same_parts(const struct json *x, const struct json *y)
{
    static const char *const parts[] = {"Resources", "Outputs", "Conditions", "Mappings",
                                        "Transform"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!cfn_equal(json_get(x, parts[i]), json_get(y, parts[i])))
            return false;
    return true;
}

static bool
same_list(const struct str_list *x, const struct str_list *y)
{
    bool same = x->n == y->n;

    for (size_t i = 0; i < x->n && same; i++)
        same = str_eq(x->v[i], y->v[i]);
    return same;
}

int
cfn_is_same(struct api_call *call, const struct cfn_stack_row *before,
            const struct cfn_stack_row *row, bool *ret)
{
    struct cfn_look look;
    int r = cfn_look_init(&look, call, row);

    *ret = false;
    return r || cfn_has_nested(&look.root) ? r : cfn_is_same_alone(call, before, row, ret);
}

int
cfn_is_same_alone(struct api_call *call, const struct cfn_stack_row *before,
                  const struct cfn_stack_row *row, bool *ret)
{
    struct cfn_look old, new;
    int r = cfn_look_init(&old, call, before);

    if (r == 0)
        r = cfn_look_init(&new, call, row);
    *ret = r == 0 && same_parts(&old.root, &new.root) &&
           cfn_equal(&old.scope.values, &new.scope.values) &&
           same_list(&before->tags, &row->tags) && same_list(&before->notify, &row->notify) &&
           str_eq(before->role, row->role);
    return r;
}

static bool
may_update(const struct cfn_stack_row *row, bool retries)
{
    static const char *const good[] = {"CREATE_COMPLETE", "UPDATE_COMPLETE",
                                       "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
                                       "IMPORT_ROLLBACK_COMPLETE"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (str_is(row->status, good[i]))
            return true;
    return retries &&
           (str_is(row->status, "CREATE_FAILED") || str_is(row->status, "UPDATE_FAILED"));
}

/* A resource stays of its type. */
static int
types_check(struct api_call *call, const struct cfn_stack_row *row)
{
    struct str_list bad = {0};
    struct cfn_look look;
    int r = cfn_look_init(&look, call, row);

    assert(row->template.n > 0);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_resource_by_stack, resource, row->id) {
        struct str type =
            json_text(json_get_str(json_get(&look.root, "Resources"), resource->logical), "Type");

        if (type.p && resource->physical.n && !str_eq(type, resource->type))
            *LIST_PUSH(call->arena, &bad) = resource->logical;
    }
    struct str all = str_join(call->arena, &bad, S(", "));

    return bad.n ? INVALID("Update of resource type is not permitted. The new template modifies "
                           "resource type of the following resources: [%.*s]",
                           STR_ARG(all))
                 : 0;
}

int
cfn_update_stack(struct api_call *call, const struct cloudformation_UpdateStackInput *req,
                 struct cloudformation_UpdateStackOutput *res)
{
    const struct cfn_submission in = {
        CFN_SUBMISSION(req),
        .previous_template = opt_bool_or(req->use_previous_template, false),
        .policy_body = req->stack_policy_body,
        .policy_once = req->stack_policy_during_update_body,
        .policy_url = req->stack_policy_url,
        .policy_once_url = req->stack_policy_during_update_url,
        .token = req->client_request_token,
    };
    const struct cfn_stack_row *old = cfn_find(call, req->stack_name);
    bool same;
    int r;

    if (!old || old->deleted_ms)
        return INVALID("Stack [%.*s] does not exist", STR_ARG(req->stack_name));
    res->stack_id = old->id;
    if (req->client_request_token.n && str_eq(old->token, req->client_request_token))
        return 0;
    if (!may_update(old, opt_bool_or(req->disable_rollback, false)))
        return INVALID("Stack:%.*s is in %.*s state and can not be updated.", STR_ARG(old->id),
                       STR_ARG(old->status));
    struct cfn_stack_row row = *old;

    r = cfn_submit(call, &in, old, &row);
    if (r == 0)
        r = types_check(call, &row);
    if (r == 0)
        r = cfn_is_same(call, old, &row, &same);
    if (r == 0 && same && may_update(old, false))
        return INVALID("No updates are to be performed.");
    if (r)
        return r;
    assert(str_eq(row.id, old->id) && row.template.n > 0);
    cfn_keep_before(&row, old);
    row.hold = opt_bool_or(req->disable_rollback, false);
    row.with_parent = false;
    row.retain_new = opt_bool_or(req->retain_except_on_create, false);
    row.updated_ms = call->now_ms;
    row.deadline_ms = 0;
    row.imports = row.sets = S(""); /* those are a change set's */
    return cfn_begin(call, &row, CFN_UPDATE);
}

int
cfn_cancel_update_stack(struct api_call *call,
                        const struct cloudformation_CancelUpdateStackInput *req,
                        struct cloudformation_CancelUpdateStackResult *res UNUSED)
{
    const struct cfn_stack_row *old;
    int r = cfn_need(call, req->stack_name, &old);

    if (r)
        return r;
    if (old->stage != CFN_UPDATE)
        return INVALID("CancelUpdateStack cannot be called from current stack status");
    struct cfn_stack_row row = *old;

    row.cancel = true;
    if (req->client_request_token.p)
        row.token = req->client_request_token;
    r = cfn_stack_update(call->txn, &row);
    return r < 0 ? error_origin(-r, "stack %.*s cannot be written", STR_ARG(row.id)) : 0;
}

/* What could not be brought back is tried again, or left as it is. */
static int
back_again(struct cfn_look *look, const struct str_list *skip)
{
    struct api_call *call = look->call;
    struct str_list left = {0};
    int r = 0;

    LIST_EACH(skip, name)
        *LIST_PUSH(call->arena, &left) = *name;
    STORE_EACH(call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;
        bool skipped = str_in(skip, row.logical);

        if (r != 0 || row.phase != CFN_BACK_FAILED)
            continue;
        for (size_t i = 0; i < left.n; i++)
            if (str_eq(left.v[i], row.logical))
                left.v[i] = left.v[--left.n];
        row.phase = skipped ? CFN_SETTLED : CFN_FAILED;
        row.touched = skipped ? CFN_UNTOUCHED : row.touched;
        r = skipped ? cfn_resource_status(look, &row, "UPDATE_COMPLETE", STR_NONE)
                    : cfn_resource_update(call->txn, &row);
        if (r == 0 && !skipped)
            r = cfn_nested_again(look, &row);
    }
    assert(left.n <= skip->n);
    struct str all = str_join(call->arena, &left, S(", "));

    if (r == 0 && left.n)
        return INVALID("ResourcesToSkip: [%.*s] are not in the UPDATE_FAILED state", STR_ARG(all));
    return r < 0 ? error_origin(-r, "stack %.*s cannot be written", STR_ARG(look->stack.id)) : r;
}

int
cfn_continue_update_rollback(struct api_call *call,
                             const struct cloudformation_ContinueUpdateRollbackInput *req,
                             struct cloudformation_ContinueUpdateRollbackOutput *res UNUSED)
{
    const struct cfn_submission role = {.role = req->role_arn};
    const struct cfn_stack_row *old;
    struct cfn_look look;
    int r = cfn_need(call, req->stack_name, &old);

    if (r)
        return r;
    if (!str_is(old->status, "UPDATE_ROLLBACK_FAILED"))
        return INVALID("Stack:%.*s is in %.*s state and can not continue to roll back.",
                       STR_ARG(old->id), STR_ARG(old->status));
    r = cfn_look_init(&look, call, old);
    if (r)
        return r;
    r = back_again(&look, &req->resources_to_skip);
    if (r == 0)
        r = cfn_submit_actor(call, &role, old, &look.stack);
    if (r)
        return r;
    look.stack.stage = CFN_REVERT;
    look.stack.with_parent = false;
    look.stack.token = req->client_request_token.p ? req->client_request_token : S("");
    return cfn_status(&look, "UPDATE_ROLLBACK_IN_PROGRESS", S("User Initiated"));
}

/* What DisableRollback left as it was. */
int
cfn_rollback_stack(struct api_call *call, const struct cloudformation_RollbackStackInput *req,
                   struct cloudformation_RollbackStackOutput *res)
{
    const struct cfn_submission role = {.role = req->role_arn};
    const struct cfn_stack_row *old;
    struct cfn_look look;
    int r = cfn_need(call, req->stack_name, &old);

    if (r)
        return r;
    bool creates = str_is(old->status, "CREATE_FAILED") || !old->before_template.n;

    if (!str_is(old->status, "CREATE_FAILED") && !str_is(old->status, "UPDATE_FAILED"))
        return INVALID("Stack:%.*s is in %.*s state and can not be rolled back.", STR_ARG(old->id),
                       STR_ARG(old->status));
    r = cfn_look_init(&look, call, old);
    if (r == 0)
        r = cfn_submit_actor(call, &role, old, &look.stack);
    if (r)
        return r;
    assert(creates || look.stack.before_template.n > 0);
    look.stack.stage = creates ? CFN_ROLLBACK : CFN_REVERT;
    look.stack.with_parent = false;
    look.stack.retain_new = opt_bool_or(req->retain_except_on_create, false);
    look.stack.token = req->client_request_token.p ? req->client_request_token : S("");
    res->stack_id = old->id;
    if (creates)
        r = cfn_remove_begin(&look);
    return r ? r
             : cfn_status(&look, creates ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS",
                          S("User Initiated"));
}

/* ---- DeleteStack ---- */

static bool
is_forced(const struct cloudformation_DeleteStackInput *req)
{
    return str_is(req->deletion_mode, "FORCE_DELETE_STACK");
}

static int
delete_check(struct api_call *call, const struct cfn_stack_row *row,
             const struct cloudformation_DeleteStackInput *req, struct cfn_look *look)
{
    const struct cfn_stack_row *root = row->root.n ? cfn_stack_get(call->txn, row->root) : row;

    if (row->protected || (root && root->protected))
        return INVALID("Stack [%.*s] cannot be deleted while TerminationProtection is enabled",
                       STR_ARG(row->name));
    if (row->stage != CFN_REST && row->stage != CFN_CREATE)
        return INVALID("Stack [%.*s] cannot be deleted while in status %.*s", STR_ARG(row->id),
                       STR_ARG(row->status));
    if (req->retain_resources.n && !str_is(row->status, "DELETE_FAILED"))
        return INVALID("Invalid operation on stack [%.*s]. RetainResources can only be specified "
                       "for stacks in the DELETE_FAILED state",
                       STR_ARG(row->id));
    if (is_forced(req) && !str_is(row->status, "DELETE_FAILED"))
        return INVALID("Invalid operation on stack [%.*s]. FORCE_DELETE_STACK can only be "
                       "specified for stacks in the DELETE_FAILED state",
                       STR_ARG(row->id));
    struct str why = cfn_exports_in_use(look, NULL);

    return why.p ? INVALID("%.*s", STR_ARG(why)) : 0;
}

int
cfn_delete_stack(struct api_call *call, const struct cloudformation_DeleteStackInput *req,
                 struct cloudformation_DeleteStackResult *res UNUSED)
{
    const struct cfn_stack_row *row = cfn_find(call, req->stack_name);
    const struct cfn_submission role = {.role = req->role_arn};
    struct cfn_look look;
    int r;

    /* what is not there is deleted already */
    if (!row || row->deleted_ms || row->stage == CFN_DELETE)
        return 0;
    r = cfn_look_init(&look, call, row);
    if (r == 0)
        r = delete_check(call, row, req, &look);
    if (r == 0)
        r = cfn_submit_actor(call, &role, row, &look.stack);
    if (r)
        return r;
    assert(look.stack.live_name.n > 0);
    look.stack.stage = CFN_DELETE;
    look.stack.force = is_forced(req);
    look.stack.retain = req->retain_resources;
    if (!look.stack.retain.n)
        look.stack.retain.v = NULL;
    look.stack.token = req->client_request_token.p ? req->client_request_token : S("");
    r = cfn_remove_begin(&look);
    return r ? r : cfn_status(&look, "DELETE_IN_PROGRESS", S("User Initiated"));
}

int
cfn_update_termination_protection(struct api_call *call,
                                  const struct cloudformation_UpdateTerminationProtectionInput *req,
                                  struct cloudformation_UpdateTerminationProtectionOutput *res)
{
    const struct cfn_stack_row *old;
    int r = cfn_need(call, req->stack_name, &old);

    if (r)
        return r;
    if (old->root.n)
        return INVALID("Termination protection cannot be changed on nested stack [%.*s]. Change it "
                       "on its root stack.",
                       STR_ARG(old->name));
    struct cfn_stack_row row = *old;

    row.protected = opt_bool_or(req->enable_termination_protection, false);
    res->stack_id = row.id;
    r = cfn_stack_update(call->txn, &row);
    return r < 0 ? error_origin(-r, "stack %.*s cannot be written", STR_ARG(row.id)) : 0;
}

/* ---- stack policies ---- */

int
cfn_set_stack_policy(struct api_call *call, const struct cloudformation_SetStackPolicyInput *req,
                     struct cloudformation_SetStackPolicyResult *res UNUSED)
{
    const struct cfn_submission in = {.policy_body = req->stack_policy_body,
                                      .policy_url = req->stack_policy_url};
    const struct cfn_stack_row *old;
    int r = cfn_need(call, req->stack_name, &old);

    if (r == 0 && !in.policy_body.p && !in.policy_url.p)
        r = INVALID("You must specify StackPolicyBody or StackPolicyURL");
    if (r)
        return r;
    struct cfn_stack_row row = *old;

    r = cfn_submit_policies(call, &in, &row);
    if (r == 0)
        r = cfn_stack_update(call->txn, &row);
    return r < 0 ? error_origin(-r, "stack %.*s cannot be written", STR_ARG(row.id)) : r;
}

int
cfn_get_stack_policy(struct api_call *call, const struct cloudformation_GetStackPolicyInput *req,
                     struct cloudformation_GetStackPolicyOutput *res)
{
    const struct cfn_stack_row *row;
    int r = cfn_need(call, req->stack_name, &row);

    if (r == 0 && row->policy.n)
        res->stack_policy_body = row->policy;
    return r;
}
