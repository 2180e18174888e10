/*
 * What CreateStack, UpdateStack, CreateChangeSet and nested stacks are handed in, checked as a
 * whole: the template before what it is given, names before values, what it makes before who may
 * make it.
 */
#include "cloudformation/stack.h"

#include "api/actor.h"
#include "cloudformation/diff.h"
#include "cloudformation/expand.h"
#include "cloudformation/fetch.h"
#include "cloudformation/load.h"
#include "cloudformation/parameter.h"
#include "cloudformation/trigger.h"
#include "cloudformation/policy.h"
#include "cloudformation/rule.h"
#include "cloudformation/template.h"

#define VIA "cloudformation.amazonaws.com"
#define PROCESSED_MAX ((size_t)2 << 20)
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

static int
template_of(struct api_call *call, const struct cfn_submission *in,
            const struct cfn_stack_row *before, struct str *ret)
{
    if (in->previous_template && (in->body.p || in->url.p))
        return INVALID("Specify either a template or UsePreviousTemplate, but not both");
    if (in->text.p)
        return *ret = in->text, 0;
    if (in->body.p && in->url.p)
        return INVALID("Specify only one of TemplateBody and TemplateURL.");
    if (in->url.p)
        return cfn_fetch(call, in->url, "TemplateURL", CFN_URL_BYTES_MAX, ret);
    *ret = in->previous_template && before ? before->template : in->body;
    if (!ret->p)
        return INVALID("Either Template URL or Template Body must be specified.");
    if (ret->n > CFN_BODY_BYTES_MAX && !in->previous_template)
        return INVALID("1 validation error detected: Value at 'templateBody' failed to satisfy "
                       "constraint: Member must have length less than or equal to %d",
                       CFN_BODY_BYTES_MAX);
    assert(ret->p);
    return 0;
}

/* ---- transforms and rules ---- */

static bool
include(struct cfn_expand *x, struct str location, struct json *ret)
{
    struct cfn_look *look = x->scope->ctx;
    struct api_call *call = look->call;
    struct str text, wrong;
    int r = cfn_fetch(call, location, "Location", CFN_URL_BYTES_MAX, &text);

    if (r != 0)
        return cfn_wrong(x->scope, "Transform AWS::Include failed with: %.*s",
                         r > 0 ? (int)call->fault.message.n : 17,
                         r > 0 ? call->fault.message.p : "S3 cannot be read");
    wrong = cfn_load(call->arena, text, ret);
    return !wrong.p || cfn_wrong(x->scope, "Transform AWS::Include failed with: The specified S3 "
                                           "object's content should be valid Yaml/JSON");
}

int
cfn_process(struct api_call *call, const struct cfn_stack_row *row, const struct json *params,
            struct json *root, struct str *ret_text)
{
    struct cfn_look look = {.call = call, .stack = *row, .root = *root, .params = *params};
    struct cfn_scope scope;
    struct cfn_expand x = {.scope = &scope, .include = include};
    struct json made;

    assert(root->kind == JSON_OBJECT && params->kind == JSON_OBJECT);
    *ret_text = S("");
    cfn_look_scope(&look, &scope, false);
    scope.resource = NULL;
    scope.attribute = NULL;
    if (cfn_is_transformed(root)) {
        x.extended = cfn_extended(root);
        if (!cfn_expand(&x, root, &made))
            return INVALID("%.*s", STR_ARG(scope.wrong));
        struct str wrong = cfn_template_parts(call->arena, &made);

        if (wrong.p)
            return INVALID("%.*s", STR_ARG(wrong));
        *root = made;
        *ret_text = cfn_print(call->arena, root, PROCESSED_MAX);
        if (!ret_text->p)
            return INVALID("Template may not exceed %zu bytes in size.", PROCESSED_MAX);
    }
    cfn_look_scope(&look, &scope, false);
    scope.resource = NULL;
    scope.attribute = NULL;
    return cfn_rules(&scope) ? 0 : INVALID("%.*s", STR_ARG(scope.wrong));
}

/* ---- ResourceTypes ---- */

/* AWS::EC2::Instance, AWS::EC2::*, AWS::*, Custom::*. */
static bool
is_permitted(const struct str_list *types, struct str type)
{
    LIST_EACH(types, one) {
        bool all = str_ends(*one, S("::*"));

        if (all ? str_starts(type, str_cut(*one, 0, one->n - 1)) : str_eq(type, *one))
            return true;
    }
    return false;
}

/* Only resources of these types may be made, changed or deleted. */
static int
check_types(struct api_call *call, const struct cfn_submission *in,
            const struct cfn_stack_row *before, const struct cfn_stack_row *row)
{
    static const struct cfn_stack_row nothing = {0};
    struct str_list bad = {0};
    struct cfn_look look;
    struct json changes;

    if (!in->resource_types || !in->resource_types->n)
        return 0;
    int r = cfn_look_init(&look, call, row);

    if (r == 0)
        r = cfn_diff(&look, before ? before : &nothing, NULL, &changes);
    if (r)
        return r > 0 ? INVALID("%.*s", STR_ARG(look.scope.wrong)) : r;
    for (size_t i = 0; i < changes.n; i++) {
        struct str type = json_text(json_get(&changes.v[i], "ResourceChange"), "ResourceType");

        if (!is_permitted(in->resource_types, type) && !str_in(&bad, type))
            *LIST_PUSH(call->arena, &bad) = type;
    }
    struct str all = str_join(call->arena, &bad, S(", "));

    return bad.n ? INVALID("Resource types [%.*s] are not among the ResourceTypes of the request",
                           STR_ARG(all))
                 : 0;
}

/* ---- the rest ---- */

static int
tags_of(struct api_call *call, const struct cloudformation_TagList *tags, struct str_list *ret)
{
    *ret = (struct str_list){0};
    LIST_EACH(tags, tag) {
        if (str_starts(tag->key, S("aws:")))
            return INVALID("aws: prefixed tag key names are not allowed for external use.");
        for (size_t i = 0; i < ret->n; i += 2)
            if (str_eq(ret->v[i], tag->key))
                return INVALID("Duplicate tag keys found: %.*s", STR_ARG(tag->key));
        *LIST_PUSH(call->arena, ret) = tag->key;
        *LIST_PUSH(call->arena, ret) = tag->value.p ? tag->value : S("");
    }
    assert(ret->n % 2 == 0);
    return 0;
}

static int
capable(struct api_call *call, const struct json *root, bool expands, const struct str_list *given)
{
    struct str needs = cfn_capability(root, call->arena, NULL);

    if (expands && !str_in(given, S("CAPABILITY_AUTO_EXPAND")))
        return api_fault(call, &CFN_ERR(InsufficientCapabilitiesException),
                         "Requires capabilities : [CAPABILITY_AUTO_EXPAND]");
    if (!needs.p || str_in(given, S("CAPABILITY_NAMED_IAM")) || str_in(given, needs))
        return 0;
    return api_fault(call, &CFN_ERR(InsufficientCapabilitiesException),
                     "Requires capabilities : [%.*s]", STR_ARG(needs));
}

int
cfn_capable(struct api_call *call, const struct json *root, const struct str_list *given)
{
    return capable(call, root, cfn_needs_expansion(root), given);
}

/* What parameters name is looked up as the stack's role, where it has one. */
static int
parameters_of(struct api_call *call, const struct cfn_submission *in, const struct json *root,
              const struct cfn_stack_row *before, const struct cfn_stack_row *row, struct json *ret)
{
    struct cfn_givens given = {0};
    struct api_call as = *call;
    struct json old = cfn_object();
    struct str wrong;

    given.later = in->later;
    LIST_EACH(in->parameters, p) {
        bool previous = opt_bool_or(p->use_previous_value, false);

        if (!p->parameter_key.p || (!p->parameter_value.p && !previous))
            return INVALID("Every parameter must have a ParameterKey and a ParameterValue");
        if (previous && (!before || p->parameter_value.p))
            return INVALID("Invalid input for parameter key %.*s. Cannot specify usePreviousValue "
                           "as true for a parameter key not in the previous template",
                           STR_ARG(p->parameter_key));
        *LIST_PUSH(call->arena, &given) =
            (struct cfn_given){p->parameter_key, p->parameter_value, previous};
    }
    if (before && before->params.n)
        cfn_read(call->arena, before->params, &old);
    if (row->role.n && !api_actor_call(call->api, call->arena, &row->actor, call->region, &as))
        return error_origin(EINVAL, "the actor of a stack cannot be read");
    as.txn = call->txn;
    int r = cfn_parameters(&as, root, &given, &old, ret, &wrong);

    return r > 0 ? INVALID("%.*s", STR_ARG(wrong)) : r;
}

int
cfn_submit_actor(struct api_call *call, const struct cfn_submission *in,
                 const struct cfn_stack_row *before, struct cfn_stack_row *row)
{
    int r;

    row->role = in->role.p ? in->role : before ? before->role : S("");
    row->actor = api_actor_keep(call);
    if (!row->role.n)
        return 0;
    r = in->role.p ? api_authorize_pass_role(call, in->role, VIA) : 0;
    if (r)
        return r;
    row->actor = api_actor_role(call, row->role, S("AWSCloudFormation"));
    return row->actor.n ? 0
                        : INVALID("Role %.*s is invalid or cannot be assumed", STR_ARG(row->role));
}

static void
keep_or_take(const struct str_list *given, const struct str_list *before, struct str_list *ret)
{
    if (given && given->v)
        *ret = (struct str_list){given->n ? given->v : NULL, given->n};
    else if (before)
        *ret = *before;
}

static int
policy_of(struct api_call *call, struct str body, struct str url, struct str *ret)
{
    struct str text = body, wrong;
    int r = url.p ? cfn_fetch(call, url, "StackPolicyURL", CFN_POLICY_BYTES_MAX, &text) : 0;

    if (r || !text.p)
        return r;
    wrong = cfn_policy_check(call->arena, text);
    *ret = text;
    return wrong.p ? INVALID("%.*s", STR_ARG(wrong)) : 0;
}

int
cfn_submit_policies(struct api_call *call, const struct cfn_submission *in,
                    struct cfn_stack_row *row)
{
    if ((in->policy_body.p && in->policy_url.p) || (in->policy_once.p && in->policy_once_url.p))
        return INVALID("You cannot specify both StackPolicyURL and StackPolicyBody");
    row->policy_once = S("");
    int r = policy_of(call, in->policy_body, in->policy_url, &row->policy);

    return r ? r : policy_of(call, in->policy_once, in->policy_once_url, &row->policy_once);
}

int
cfn_submit(struct api_call *call, const struct cfn_submission *in,
           const struct cfn_stack_row *before, struct cfn_stack_row *row)
{
    static const struct str_list nothing = {0};
    struct json root, params;
    struct str text;
    int r = template_of(call, in, before, &text);

    if (r)
        return r;
    struct str wrong = cfn_template(call->arena, text, &root);
    bool expands = !wrong.p && cfn_needs_expansion(&root);

    if (wrong.p)
        return INVALID("%.*s", STR_ARG(wrong));
    row->template = text;
    row->description = cfn_scalar(json_get(&root, "Description"));
    r = tags_of(call, in->tags, &row->tags);
    if (r == 0 && before && !in->tags->v)
        row->tags = before->tags;
    if (r == 0)
        r = cfn_submit_actor(call, in, before, row);
    if (r == 0)
        r = parameters_of(call, in, &root, before, row, &params);
    if (r == 0)
        r = cfn_process(call, row, &params, &root, &row->processed);
    if (r == 0)
        r = capable(call, &root, expands, in->capabilities ? in->capabilities : &nothing);
    if (r)
        return r;
    row->params = cfn_print(call->arena, &params, (size_t)2 << 20);
    assert(row->template.n > 0 && row->tags.n % 2 == 0);
    keep_or_take(in->notify, before ? &before->notify : NULL, &row->notify);
    keep_or_take(in->capabilities, NULL, &row->capabilities);
    row->token = in->token.p ? in->token : S("");
    r = cfn_triggers_take(call, in->rollback, before, row);
    if (r == 0)
        r = check_types(call, in, before, row);
    return r ? r : cfn_submit_policies(call, in, row);
}
