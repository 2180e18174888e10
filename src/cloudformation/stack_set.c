/*
 * The sets themselves.  A set holds what its stacks are made of; nothing is made of it before
 * there is an instance, so a template is checked here for what can be told without an account.
 */
#include "cloudformation/stack_set.h"
#include "cloudformation/holds.h"

#include "cloudformation/parameter.h"
#include "cloudformation/stack.h"
#include "cloudformation/template.h"

#define NAME_MAX_CHARACTERS 128
#define PRINT_MAX ((size_t)2 << 20)
#define VIA "cloudformation.amazonaws.com"
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

/* ---- finding ---- */

const struct cfn_stack_set_row *
cfn_set_find(struct api_call *call, struct str name)
{
    struct str rest = name, bare = str_split(&rest, ':');
    const struct cfn_stack_set_row *row =
        bare.n ? cfn_stack_set_by_name_get(call->txn, call->account, call->region, bare) : NULL;

    if (!rest.p)
        return row;
    row = NULL;
    STORE_EACH(call->txn, cfn_stack_set_by_owner, each, call->account, call->region)
        if (str_eq(each->id, name))
            row = each;
    assert(!row || str_eq(row->account, call->account));
    return row;
}

int
cfn_set_unreached(struct api_call *call, const char *name)
{
    return api_fault(call, &CFN_ERR(UnsupportedOperation),
                     "Welkin does not implement the parameter %s yet: nothing was done.", name);
}

static int
check_call_as(struct api_call *call, struct str call_as)
{
    return call_as.p && !str_is(call_as, "SELF")
               ? cfn_set_unreached(call, "CallAs DELEGATED_ADMIN (it needs Organizations)")
               : 0;
}

int
cfn_set_need(struct api_call *call, struct str name, struct str call_as,
             const struct cfn_stack_set_row **ret)
{
    int r = check_call_as(call, call_as);

    *ret = cfn_set_find(call, name);
    if (r)
        return r;
    return *ret ? 0
                : api_fault(call, &CFN_ERR(StackSetNotFoundException), "StackSet %.*s not found",
                            STR_ARG(name));
}

int
cfn_set_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct cfn_stack_set_row *row = cfn_set_find(call, id);

    if (row) {
        ret->arn = row->arn;
        ret->tags = &row->tags;
    }
    return 0;
}

/* ---- pages ---- */

int
cfn_set_page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_open(call->arena, &scope, &rule, token, max, false, ret, &call->fault);
}

struct str
cfn_set_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* ---- parameters ---- */

static int
unknown_params(struct api_call *call, const struct json *root, const struct json *params)
{
    struct str_list unknown = {0};

    assert(params->kind == JSON_OBJECT);
    for (size_t i = 0; i < params->n; i++)
        if (!json_get_str(json_get(root, "Parameters"), params->names[i]))
            *LIST_PUSH(call->arena, &unknown) = params->names[i];
    if (!unknown.n)
        return 0;
    struct str all = str_join(call->arena, &unknown, S(", "));

    return INVALID("Parameters: [%.*s] do not exist in the template", STR_ARG(all));
}

static int
missing_params(struct api_call *call, const struct json *root, const struct json *params)
{
    const struct json *section = json_get(root, "Parameters");
    struct str_list missing = {0};

    assert(params->kind == JSON_OBJECT);
    for (size_t i = 0; section && i < section->n; i++)
        if (!json_get(&section->v[i], "Default") && !json_get_str(params, section->names[i]))
            *LIST_PUSH(call->arena, &missing) = section->names[i];
    if (!missing.n)
        return 0;
    struct str all = str_join(call->arena, &missing, S(", "));

    return INVALID("Parameters: [%.*s] must have values", STR_ARG(all));
}

int
cfn_set_params(struct api_call *call, const struct cloudformation_ParameterList *given,
               const struct json *before, const struct json *root, struct json *ret)
{
    assert(before->kind == JSON_OBJECT && root->kind == JSON_OBJECT);
    *ret = cfn_object();
    LIST_EACH(given, p) {
        bool previous = opt_bool_or(p->use_previous_value, false);
        const struct json *old = json_get_str(before, p->parameter_key);

        if (!p->parameter_key.p || (!p->parameter_value.p && !previous) ||
            (p->parameter_value.p && previous))
            return INVALID("Every parameter must have a ParameterKey and either a ParameterValue "
                           "or UsePreviousValue");
        if (previous && !old)
            continue; /* what the template or the set says */
        cfn_put(call->arena, ret, p->parameter_key, previous ? *old : cfn_text(p->parameter_value));
    }
    return unknown_params(call, root, ret);
}

void
cfn_set_show_params(struct api_call *call, struct str template, struct str params,
                    struct cloudformation_ParameterList *ret)
{
    struct json all, root;

    API_PRESENT(ret);
    if (!params.n || !cfn_read(call->arena, params, &all) ||
        cfn_template(call->arena, template, &root).p)
        return;
    for (size_t i = 0; i < all.n; i++)
        *LIST_PUSH(call->arena, ret) = (struct cloudformation_Parameter){
            .parameter_key = all.names[i],
            .parameter_value =
                cfn_parameter_is_secret(&root, all.names[i]) ? S("****") : cfn_scalar(&all.v[i]),
        };
}

/* ---- what is handed in ---- */

/* What CreateStackSet and UpdateStackSet have in common. */
struct submission {
    struct str body, url, description, admin_role, exec_role, model, call_as;
    bool previous_template;
    const struct cloudformation_ParameterList *params;
    const struct cloudformation_TagList *tags;
    const struct str_list *capabilities;
    const struct cloudformation_AutoDeployment *deployment;
    const struct cloudformation_ManagedExecution *managed;
};
#define SUBMISSION(req)                                                                            \
    .body = (req)->template_body, .url = (req)->template_url, .description = (req)->description,   \
    .admin_role = (req)->administration_role_arn, .exec_role = (req)->execution_role_name,         \
    .model = (req)->permission_model, .call_as = (req)->call_as, .params = &(req)->parameters,     \
    .tags = &(req)->tags, .capabilities = &(req)->capabilities,                                    \
    .deployment = (req)->auto_deployment, .managed = (req)->managed_execution

static int
refuse_unreached(struct api_call *call, const struct submission *in)
{
    if (in->url.p)
        return cfn_set_unreached(call, "TemplateURL");
    if (in->model.p && !str_is(in->model, "SELF_MANAGED"))
        return cfn_set_unreached(call, "PermissionModel SERVICE_MANAGED (it needs Organizations)");
    if (in->deployment)
        return cfn_set_unreached(call, "AutoDeployment (it needs Organizations)");
    if (in->managed && opt_bool_or(in->managed->active, false))
        return cfn_set_unreached(call, "ManagedExecution.Active");
    return check_call_as(call, in->call_as);
}

static int
take_template(struct api_call *call, const struct submission *in, struct cfn_stack_set_row *row,
              struct json *ret_root)
{
    static const struct str_list nothing = {0};

    if (in->previous_template && in->body.p)
        return INVALID("Specify either TemplateBody or UsePreviousTemplate, but not both");
    if (!in->previous_template)
        row->template = in->body;
    if (!row->template.n)
        return INVALID("Either Template URL or Template Body must be specified.");
    if (row->template.n > CFN_BODY_BYTES_MAX)
        return INVALID("1 validation error detected: Value at 'templateBody' failed to satisfy "
                       "constraint: Member must have length less than or equal to %d",
                       CFN_BODY_BYTES_MAX);
    struct str wrong = cfn_template(call->arena, row->template, ret_root);

    if (wrong.p)
        return INVALID("%.*s", STR_ARG(wrong));
    assert(row->template.n <= CFN_BODY_BYTES_MAX);
    return cfn_capable(call, ret_root, in->capabilities ? in->capabilities : &nothing);
}

static int
take_tags(struct api_call *call, const struct submission *in, struct cfn_stack_set_row *row)
{
    if (!in->tags->v)
        return 0;
    row->tags = (struct str_list){0};
    LIST_EACH(in->tags, tag) {
        if (str_starts(tag->key, S("aws:")))
            return INVALID("aws: prefixed tag key names are not allowed for external use.");
        *LIST_PUSH(call->arena, &row->tags) = tag->key;
        *LIST_PUSH(call->arena, &row->tags) = tag->value.p ? tag->value : S("");
    }
    return 0;
}

static int
take_roles(struct api_call *call, const struct submission *in, struct cfn_stack_set_row *row)
{
    if (in->exec_role.p)
        row->exec_role = in->exec_role;
    if (!row->exec_role.n)
        row->exec_role = S(CFN_SET_EXEC_ROLE);
    if (in->admin_role.p) {
        row->admin_role = in->admin_role;
        return api_authorize_pass_role(call, in->admin_role, VIA);
    }
    if (!row->admin_role.n)
        row->admin_role = str_fmt(call->arena, "arn:aws:iam::%.*s:role/" CFN_SET_ADMIN_ROLE,
                                  STR_ARG(call->account));
    assert(row->admin_role.n > 0 && row->exec_role.n > 0);
    return 0;
}

static int
submit(struct api_call *call, const struct submission *in, struct cfn_stack_set_row *row)
{
    struct json root, before = cfn_object(), params;
    int r = refuse_unreached(call, in);

    if (r == 0)
        r = take_template(call, in, row, &root);
    if (r)
        return r;
    if (row->params.n)
        cfn_read(call->arena, row->params, &before);
    r = cfn_set_params(call, in->params, &before, &root, &params);
    if (r == 0)
        r = missing_params(call, &root, &params);
    if (r == 0)
        r = take_tags(call, in, row);
    if (r == 0)
        r = take_roles(call, in, row);
    if (r)
        return r;
    row->params = cfn_print(call->arena, &params, PRINT_MAX);
    if (in->description.p)
        row->description = in->description;
    row->capabilities = (struct str_list){0};
    if (in->capabilities && in->capabilities->n)
        row->capabilities = *in->capabilities;
    assert(row->params.n > 0 && row->template.n > 0);
    return 0;
}

static int
check_name(struct api_call *call, struct str name)
{
    bool ok = name.n > 0 && name.n <= NAME_MAX_CHARACTERS;

    for (size_t i = 0; i < name.n && ok; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        ok = letter || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    }
    return ok ? 0
              : INVALID("1 validation error detected: Value '%.*s' at 'stackSetName' failed to "
                        "satisfy constraint: Member must satisfy regular expression pattern: "
                        "[a-zA-Z][-a-zA-Z0-9]*",
                        STR_ARG(name));
}

/* ---- CreateStackSet, UpdateStackSet, DeleteStackSet ---- */

int
cfn_create_stack_set(struct api_call *call, const struct cloudformation_CreateStackSetInput *req,
                     struct cloudformation_CreateStackSetOutput *res)
{
    const struct submission in = {SUBMISSION(req)};
    const struct cfn_stack_set_row *same = cfn_set_find(call, req->stack_set_name);
    int r = check_name(call, req->stack_set_name);

    if (r)
        return r;
    if (req->stack_id.p)
        return cfn_set_unreached(call, "StackId");
    if (same && req->client_request_token.n && str_eq(same->token, req->client_request_token)) {
        res->stack_set_id = same->id;
        return 0;
    }
    if (same)
        return api_fault(call, &CFN_ERR(NameAlreadyExistsException), "StackSet %.*s already exists",
                         STR_ARG(req->stack_set_name));
    struct str id = str_fmt(call->arena, "%.*s:%.*s", STR_ARG(req->stack_set_name),
                            STR_ARG(api_uuid(call->env, call->arena)));
    struct cfn_stack_set_row row = {
        .arn = str_fmt(call->arena, "arn:aws:cloudformation:%.*s:%.*s:stackset/%.*s",
                       STR_ARG(call->region), STR_ARG(call->account), STR_ARG(id)),
        .account = call->account,
        .region = call->region,
        .name = req->stack_set_name,
        .live_name = req->stack_set_name,
        .id = id,
        .created_ms = call->now_ms,
        .token = req->client_request_token.p ? req->client_request_token : S(""),
    };

    r = submit(call, &in, &row);
    if (r == 0)
        r = cfn_stack_set_insert(call->txn, &row);
    res->stack_set_id = id;
    if (r == 0)
        cfn_stack_set_assert(&row);
    return r;
}

/* One of the instances that the update is for. */
static int
aim_at(struct api_call *call, const struct cfn_set_operation_row *op, size_t region, size_t account,
       bool needed)
{
    struct str a = op->accounts.v[account], r = op->regions.v[region];
    const struct cfn_stack_instance_row *old =
        cfn_stack_instance_get(call->txn, cfn_set_key(call->arena, op->set, a, r));

    assert(region < op->regions.n && account < op->accounts.n);
    if (!old)
        return needed ? cfn_set_no_instance(call, a, r) : 0;
    struct cfn_stack_instance_row row = *old;

    row.detailed = S("PENDING");
    row.operation = op->id;
    cfn_stack_instance_assert(&row);
    int w = cfn_stack_instance_update(call->txn, &row);

    return w < 0 ? w : cfn_set_operation_add(call, op, region, account);
}

/* All instances are behind from now on, also those that it is not for. */
static int
aim_update(struct api_call *call, const struct cfn_set_operation_row *op, bool some)
{
    int r = 0;

    for (size_t i = 0; i < op->regions.n; i++)
        for (size_t k = 0; k < op->accounts.n && r == 0; k++)
            r = aim_at(call, op, i, k, some);
    STORE_EACH(call->txn, cfn_stack_instance_by_set, old, op->set) {
        struct cfn_stack_instance_row row = *old;

        if (r)
            break;
        row.status = S("OUTDATED");
        r = cfn_stack_instance_update(call->txn, &row);
    }
    return r;
}

int
cfn_update_stack_set(struct api_call *call, const struct cloudformation_UpdateStackSetInput *req,
                     struct cloudformation_UpdateStackSetOutput *res)
{
    struct submission in = {SUBMISSION(req)};
    struct cfn_set_targets targets = {&req->accounts, &req->regions, req->deployment_targets};
    struct str_list accounts = {0}, regions = {0};
    bool some = req->accounts.n || req->regions.n || req->deployment_targets;
    const struct cfn_stack_set_row *old;
    struct cfn_set_operation_row op;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &old);

    if (r)
        return r;
    struct cfn_stack_set_row row = *old;

    in.previous_template = opt_bool_or(req->use_previous_template, false);
    r = submit(call, &in, &row);
    if (r)
        return r;
    if (!some) {
        STORE_EACH(call->txn, cfn_stack_instance_by_set, instance, row.arn) {
            if (!str_in(&accounts, instance->account))
                *LIST_PUSH(call->arena, &accounts) = instance->account;
            if (!str_in(&regions, instance->region))
                *LIST_PUSH(call->arena, &regions) = instance->region;
        }
        targets = (struct cfn_set_targets){&accounts, &regions, NULL};
    }
    r = cfn_set_operation_new(call,
                              &(struct cfn_set_request){.set = &row,
                                                        .action = "UPDATE",
                                                        .id = req->operation_id,
                                                        .prefs = req->operation_preferences},
                              &op);
    if (r == 0 && (some || accounts.n))
        r = cfn_set_operation_aim(call, &op, req->operation_preferences, &targets);
    if (r == 0)
        r = cfn_stack_set_update(call->txn, &row);
    if (r == 0)
        r = aim_update(call, &op, some);
    if (r == 0)
        r = cfn_set_operation_begin(call, &op);
    res->operation_id = op.id;
    return r;
}

int
cfn_delete_stack_set(struct api_call *call, const struct cloudformation_DeleteStackSetInput *req,
                     struct cloudformation_DeleteStackSetOutput *res UNUSED)
{
    const struct cfn_stack_set_row *old = cfn_set_find(call, req->stack_set_name);
    int r = check_call_as(call, req->call_as);

    /* what is not there is deleted already */
    if (r || !old || !old->live_name.n)
        return r;
    r = cfn_set_idle(call, old);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_stack_instance_by_set, instance, old->arn)
        if (r == 0 && str_eq(instance->set, old->arn))
            r = api_fault(call, &CFN_ERR(StackSetNotEmptyException), "StackSet is not empty");
    if (r)
        return r;
    struct cfn_stack_set_row row = *old;

    row.live_name = S("");
    return cfn_stack_set_update(call->txn, &row);
}

/* ---- what they look like ---- */

static struct str
status_of(const struct cfn_stack_set_row *row)
{
    cfn_stack_set_assert(row);
    return row->live_name.n ? S("ACTIVE") : S("DELETED");
}

static struct cloudformation_ManagedExecution *
managed(struct api_call *call)
{
    struct cloudformation_ManagedExecution *m =
        ARENA_NEW(call->arena, struct cloudformation_ManagedExecution);

    m->active = opt_bool(false);
    return m;
}

int
cfn_describe_stack_set(struct api_call *call,
                       const struct cloudformation_DescribeStackSetInput *req,
                       struct cloudformation_DescribeStackSetOutput *res)
{
    const struct cfn_stack_set_row *row;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &row);

    if (r)
        return r;
    struct cloudformation_StackSet *s = ARENA_NEW(call->arena, struct cloudformation_StackSet);

    *s = (struct cloudformation_StackSet){
        .stack_set_name = row->name,
        .stack_set_id = row->id,
        .description = row->description.n ? row->description : STR_NONE,
        .status = status_of(row),
        .template_body = row->template,
        .capabilities = row->capabilities,
        .stack_set_arn = row->arn,
        .administration_role_arn = row->admin_role,
        .execution_role_name = row->exec_role,
        .permission_model = S("SELF_MANAGED"),
        .managed_execution = managed(call),
    };
    API_PRESENT(&s->capabilities);
    API_PRESENT(&s->tags);
    API_PRESENT(&s->organizational_unit_ids);
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &s->tags) =
            (struct cloudformation_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    cfn_set_show_params(call, row->template, row->params, &s->parameters);
    STORE_EACH(call->txn, cfn_stack_instance_by_set, instance, row->arn)
        if (!str_in(&s->regions, instance->region))
            *LIST_PUSH(call->arena, &s->regions) = instance->region;
    API_PRESENT(&s->regions);
    res->stack_set = s;
    return 0;
}

int
cfn_list_stack_sets(struct api_call *call, const struct cloudformation_ListStackSetsInput *req,
                    struct cloudformation_ListStackSetsOutput *res)
{
    struct api_page page;
    int r = check_call_as(call, req->call_as);

    if (r == 0)
        r = cfn_set_page_open(call, req->next_token, req->max_results, &page);
    API_PRESENT(&res->summaries);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_stack_set_by_owner, row, call->account, call->region) {
        struct str key =
            str_fmt(call->arena, "%015lld%.*s", (long long)row->created_ms, STR_ARG(row->arn));

        if ((req->status.p && !str_eq(req->status, status_of(row))) || !api_page_take(&page, key))
            continue;
        *LIST_PUSH(call->arena, &res->summaries) = (struct cloudformation_StackSetSummary){
            .stack_set_name = row->name,
            .stack_set_id = row->id,
            .description = row->description.n ? row->description : STR_NONE,
            .status = status_of(row),
            .permission_model = S("SELF_MANAGED"),
            .drift_status = S("NOT_CHECKED"),
            .managed_execution = managed(call),
        };
    }
    res->next_token = cfn_set_page_next(call, &page);
    return 0;
}
