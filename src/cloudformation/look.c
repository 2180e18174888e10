/*
 * A stack as the engine sees it during one transaction: its row, its template, the scope in which
 * its functions are carried out, and the events that tell of it.
 */
#include "cloudformation/holds.h"

#include "api/event.h"
#include "base/timefmt.h"
#include "cloudformation/load.h"
#include "cloudformation/parameter.h"
#include "cloudformation/template.h"
#include "cloudformation/type.h"

struct str
cfn_resource_key(struct arena *a, struct str stack, struct str logical)
{
    assert(stack.n > 0 && logical.p);
    return str_fmt(a, "%.*s/%.*s", STR_ARG(stack), STR_ARG(logical));
}

struct str
cfn_export_key(struct arena *a, struct str account, struct str region, struct str name)
{
    assert(account.n == 12 && region.n > 0);
    return str_fmt(a, "%.*s/%.*s/%.*s", STR_ARG(account), STR_ARG(region), STR_ARG(name));
}

/* ---- what functions ask ---- */

static bool
ref_resource(struct cfn_scope *scope, struct str name, struct json *ret)
{
    struct cfn_look *look = scope->ctx;
    const struct cfn_resource_row *row =
        cfn_resource_get(look->call->txn, cfn_resource_key(scope->arena, look->stack.id, name));

    if (!row || !row->physical.n)
        return cfn_wrong(scope,
                         "Template format error: Unresolved resource dependencies [%.*s] in the "
                         "Resources block of the template",
                         STR_ARG(name));
    assert(str_eq(row->stack, look->stack.id));
    *ret = cfn_text(row->physical);
    return true;
}

static bool
ref_attribute(struct cfn_scope *scope, struct str name, struct str attribute, struct json *ret)
{
    struct cfn_look *look = scope->ctx;
    const struct cfn_resource_row *row =
        cfn_resource_get(look->call->txn, cfn_resource_key(scope->arena, look->stack.id, name));
    struct json attributes;

    if (!row || !row->physical.n)
        return cfn_wrong(
            scope, "Template error: instance of Fn::GetAtt references undefined resource %.*s",
            STR_ARG(name));
    bool known = cfn_read(scope->arena, row->attributes, &attributes) &&
                 json_get_str(&attributes, attribute);

    if (!known && str_starts(attribute, S("Outputs.")))
        return cfn_wrong(scope, "Output '%.*s' not found in stack '%.*s'",
                         STR_ARG(str_cut(attribute, 8, attribute.n)), STR_ARG(row->physical));
    if (!known)
        return cfn_wrong(scope, "Attribute '%.*s' does not exist", STR_ARG(attribute));
    assert(json_get_str(&attributes, attribute));
    *ret = *json_get_str(&attributes, attribute);
    return true;
}

static bool
import(struct cfn_scope *scope, struct str name, struct json *ret)
{
    struct cfn_look *look = scope->ctx;
    struct api_call *call = look->call;
    struct str key = cfn_export_key(scope->arena, call->account, call->region, name);
    const struct cfn_export_row *row = cfn_export_get(call->txn, key);

    if (!row)
        return cfn_wrong(scope, "No export named %.*s found.", STR_ARG(name));
    assert(str_eq(row->account, call->account) && str_eq(row->region, call->region));
    *ret = cfn_text(row->value);
    return true;
}

static bool
zones(struct cfn_scope *scope, struct str region, struct json *ret)
{
    struct cfn_look *look = scope->ctx;
    struct api_call call = *look->call;
    struct json in = cfn_object(), out;
    struct str wrong;

    assert(scope->arena == call.arena && region.p);
    call.region = region;
    *ret = cfn_array();
    if (cfn_ask(&call, "ec2", "DescribeAvailabilityZones", &in, &out, &wrong) != 0)
        return cfn_wrong(scope, "Template validation error: Invalid region: %.*s", STR_ARG(region));
    const struct json *list = json_get(&out, "AvailabilityZones");

    for (size_t i = 0; list && i < list->n; i++)
        cfn_push(scope->arena, ret, *json_get(&list->v[i], "ZoneName"));
    return true;
}

/* SECRET[:SecretString[:KEY[:STAGE[:VERSION]]]], where SECRET may be an ARN with its six colons. */
static bool
dynamic_secret(struct cfn_scope *scope, struct str rest, struct json *ret)
{
    struct cfn_look *look = scope->ctx;
    struct str id = str_split(&rest, ':'), part[4] = {0}, wrong;
    struct json in, out, tree;

    assert(scope->arena == look->call->arena);
    for (size_t i = 0; i < 6 && str_starts(id, S("arn")) && rest.p; i++) {
        struct str more = str_split(&rest, ':');

        id = str_fmt(scope->arena, "%.*s:%.*s", STR_ARG(id), STR_ARG(more));
    }
    for (size_t i = 0; i < ARRAY_LEN(part) && rest.p; i++)
        part[i] = str_split(&rest, ':');
    if (rest.p || (part[0].n && !str_is(part[0], "SecretString")))
        return cfn_wrong(scope, "Incorrect format is used in the following dynamic reference: "
                                "[secretsmanager]");
    in = cfn_single(scope->arena, "SecretId", cfn_text(id));
    if (part[2].n)
        cfn_put(scope->arena, &in, S("VersionStage"), cfn_text(part[2]));
    if (part[3].n)
        cfn_put(scope->arena, &in, S("VersionId"), cfn_text(part[3]));
    int r = cfn_ask(look->call, "secretsmanager", "GetSecretValue", &in, &out, &wrong);

    if (r != 0)
        return cfn_wrong(scope, "%.*s", STR_ARG(wrong.p ? wrong : look->call->fault.message));
    const struct json *value = json_get(&out, "SecretString");

    if (value && part[1].n)
        value =
            cfn_read(scope->arena, cfn_scalar(value), &tree) ? json_get_str(&tree, part[1]) : NULL;
    if (!value || !cfn_scalar(value).p)
        return cfn_wrong(scope, "Could not find a value associated with JSONKey in SecretString");
    *ret = cfn_text(cfn_scalar(value));
    return true;
}

/* NAME[:VERSION] of Parameter Store. */
static bool
dynamic(struct cfn_scope *scope, struct str service, struct str rest, struct json *ret)
{
    struct cfn_look *look = scope->ctx;
    struct json in, names = cfn_array(), out;
    bool secure = str_is(service, "ssm-secure");
    struct str wrong;
    assert(scope->arena == look->call->arena);

    if (str_is(service, "secretsmanager"))
        return dynamic_secret(scope, rest, ret);
    if (!secure && !str_is(service, "ssm"))
        return cfn_wrong(scope,
                         "Incorrect format is used in the following dynamic reference: "
                         "[%.*s]",
                         STR_ARG(service));
    cfn_push(scope->arena, &names, cfn_text(rest));
    in = cfn_single(scope->arena, "Names", names);
    if (secure)
        cfn_put(scope->arena, &in, S("WithDecryption"), cfn_bool(true));
    int r = cfn_ask(look->call, "ssm", "GetParameters", &in, &out, &wrong);
    const struct json *value = r == 0 ? cfn_path(&out, S("Parameters.0.Value")) : NULL;

    if (!value)
        return cfn_wrong(scope,
                         "Unable to fetch parameters [%.*s] from parameter store for this account.",
                         STR_ARG(rest));
    *ret = *value;
    return true;
}

/* Where properties are shown, what is secret stays a reference. */
static bool
dynamic_shown(struct cfn_scope *scope, struct str service, struct str rest, struct json *ret)
{
    if (str_is(service, "ssm"))
        return dynamic(scope, service, rest, ret);
    *ret =
        cfn_text(str_fmt(scope->arena, "{{resolve:%.*s:%.*s}}", STR_ARG(service), STR_ARG(rest)));
    return true;
}

static void
put_text(struct cfn_scope *scope, const char *name, struct str text)
{
    cfn_put(scope->arena, &scope->values, str_from(name), cfn_text(text));
}

void
cfn_look_scope(struct cfn_look *look, struct cfn_scope *scope, bool shown)
{
    struct arena *a = look->call->arena;
    const struct json *section = json_get(&look->root, "Parameters");
    struct json notify = cfn_array();

    assert(look->root.kind == JSON_OBJECT && look->call);
    cfn_scope_init(scope, a, &look->root);
    scope->ctx = look;
    scope->extended = cfn_extended(&look->root);
    scope->resource = ref_resource;
    scope->attribute = ref_attribute;
    scope->import = import;
    scope->zones = zones;
    scope->dynamic = shown ? dynamic_shown : dynamic;
    cfn_parameters_put(scope, &look->params);
    for (size_t i = 0; shown && section && i < section->n; i++)
        if (cfn_parameter_is_secret(&look->root, section->names[i]))
            cfn_put(a, &scope->values, section->names[i], cfn_text(S("****")));
    LIST_EACH(&look->stack.notify, arn)
        cfn_push(a, &notify, cfn_text(*arn));
    put_text(scope, "AWS::AccountId", look->stack.account);
    put_text(scope, "AWS::Region", look->stack.region);
    put_text(scope, "AWS::StackId", look->stack.id);
    put_text(scope, "AWS::StackName", look->stack.name);
    put_text(scope, "AWS::Partition", S("aws"));
    put_text(scope, "AWS::URLSuffix", S("amazonaws.com"));
    cfn_put(a, &scope->values, S("AWS::NotificationARNs"), notify);
}

int
cfn_look_init(struct cfn_look *look, struct api_call *call, const struct cfn_stack_row *row)
{
    const struct json *section;

    *look = (struct cfn_look){.call = call, .stack = *row, .left = 64};
    struct str text = row->processed.n  ? row->processed
                      : row->template.n ? row->template
                                        : S("{\"Resources\":{}}"); /* only reviewed so far */
    struct str wrong = cfn_load(call->arena, text, &look->root);

    if (wrong.p || !cfn_read(call->arena, row->params.n ? row->params : S("{}"), &look->params))
        return error_origin(EUCLEAN, "stack %.*s has no template: %.*s", STR_ARG(row->id),
                            STR_ARG(wrong));
    if (row->imports.n && !cfn_read(call->arena, row->imports, &look->imports))
        return error_origin(EUCLEAN, "imports of stack %.*s cannot be read", STR_ARG(row->id));
    section = json_get(&look->root, "Parameters");
    look->secrets = str_find(text, S("{{resolve:secretsmanager:")) != SIZE_MAX ||
                    str_find(text, S("{{resolve:ssm-secure:")) != SIZE_MAX;
    for (size_t i = 0; section && i < section->n; i++)
        look->secrets = look->secrets || cfn_parameter_is_secret(&look->root, section->names[i]);
    cfn_look_scope(look, &look->scope, false);
    cfn_look_scope(look, &look->shown, true);
    assert(look->scope.ctx == look && look->shown.ctx == look);
    return 0;
}

int
cfn_look_before(const struct cfn_look *look, struct cfn_look *ret)
{
    struct cfn_stack_row stack = look->stack;

    assert(stack.before_template.n > 0);
    stack.template = stack.before_template;
    stack.processed = stack.before_processed;
    stack.params = stack.before_params;
    return cfn_look_init(ret, look->call, &stack);
}

bool
cfn_wanted(struct cfn_scope *scope, const struct json *resource, bool *ret)
{
    struct str condition = json_text(resource, "Condition");

    assert(scope->root && resource);
    *ret = true;
    return !condition.p || cfn_condition(scope, condition, ret);
}

/* ---- events ---- */

/* What DescribeStackEvents shows of properties: without secrets. */
static struct str
shown_properties(struct cfn_look *look, const struct cfn_resource_row *row)
{
    const struct json *resource = json_get_str(json_get(&look->root, "Resources"), row->logical);
    const struct json *properties = json_get(resource, "Properties");
    struct json value;

    assert(str_eq(row->stack, look->stack.id));
    if (!look->secrets || !properties)
        return row->props;
    if (!cfn_resolve(&look->shown, properties, &value)) {
        look->shown.wrong = STR_NONE;
        return STR_NONE;
    }
    return cfn_print(look->call->arena, &value, (size_t)1 << 20);
}

/* Of a resource it ends in the time, which no two of its events have in common. */
static struct str
event_id(struct cfn_look *look, const struct cfn_resource_row *resource, const char *status)
{
    struct arena *a = look->call->arena;
    struct str time;

    assert(status[0]);
    if (!resource)
        return api_uuid(look->call->env, a);
    time = time_iso(a, resource->changed_ms);
    return str_fmt(a, "%.*s-%s-%.*s", STR_ARG(resource->logical), status, STR_ARG(time));
}

/* What EventBridge is told, when a rule may look for it. */
static int
tell(struct api_call *call, const struct cfn_event_row *row, bool of_resource)
{
    struct str_list resources = {0};
    struct buf buf;
    struct json_out o = {.buf = &buf};

    if (!api_event_wanted(call->txn, call->account, call->region, S("aws.cloudformation")))
        return 0;
    buf_init(&buf, 64 << 10);
    json_open(&o, '{');
    json_key_str(&o, "stack-id", row->stack);
    if (of_resource) {
        json_key_str(&o, "logical-resource-id", row->logical);
        json_key_str(&o, "physical-resource-id", row->physical);
    }
    json_key(&o, S("status-details"));
    json_open(&o, '{');
    json_key_str(&o, "status", row->status);
    json_key_str(&o, "status-reason", row->reason);
    json_close(&o, '}');
    if (of_resource)
        json_key_str(&o, "resource-type", row->type);
    json_key_str(&o, "client-request-token", row->token);
    json_close(&o, '}');
    *LIST_PUSH(call->arena, &resources) = row->stack;
    assert(!buf_failed(&buf));
    int r = api_event_put(call, "aws.cloudformation",
                          of_resource ? "CloudFormation Resource Status Change"
                                      : "CloudFormation Stack Status Change",
                          resources, buf_str(&buf));

    buf_done(&buf);
    return r;
}

static int
event(struct cfn_look *look, const struct cfn_resource_row *resource, const char *status,
      const char *detailed, struct str reason)
{
    struct cfn_stack_row *stack = &look->stack;
    struct arena *a = look->call->arena;
    struct cfn_event_row row = {
        .key = str_fmt(a, "%.*s/%08lld", STR_ARG(stack->id), (long long)stack->n_events),
        .stack = stack->id,
        .number = stack->n_events,
        .id = event_id(look, resource, status),
        .logical = stack->name,
        .physical = stack->id,
        .type = S("AWS::CloudFormation::Stack"),
        .status = str_from(status),
        .detailed = str_from(detailed),
        .reason = reason,
        .token = stack->token,
        .at_ms = resource ? resource->changed_ms : look->call->now_ms,
    };

    assert(!resource || str_eq(resource->stack, stack->id));
    assert(status[0] && look->stack.n_events >= 0);
    if (resource) {
        row.logical = resource->logical;
        row.physical = resource->physical;
        row.type = resource->type;
        row.props = shown_properties(look, resource);
    }
    stack->n_events++;
    int r = cfn_event_insert(look->call->txn, &row);

    if (r >= 0)
        r = tell(look->call, &row, resource != NULL);
    if (r >= 0)
        r = cfn_tell(look, &row);
    return r < 0 ? error_origin(-r, "an event of %.*s cannot be written", STR_ARG(stack->id)) : 0;
}

int
cfn_event(struct cfn_look *look, const struct cfn_resource_row *resource, const char *status,
          struct str reason)
{
    return event(look, resource, status, "", reason);
}

int
cfn_save(struct cfn_look *look)
{
    cfn_stack_assert(&look->stack);
    int r = cfn_stack_update(look->call->txn, &look->stack);

    return r < 0 ? error_origin(-r, "stack %.*s cannot be written", STR_ARG(look->stack.id)) : 0;
}

int
cfn_status(struct cfn_look *look, const char *status, struct str reason)
{
    look->stack.status = str_from(status);
    look->stack.reason = reason.p ? reason : S("");
    look->stack.detailed = S("");
    cfn_stack_assert(&look->stack);
    int r = cfn_event(look, NULL, status, reason);

    return r ? r : cfn_save(look);
}

int
cfn_resource_status(struct cfn_look *look, struct cfn_resource_row *row, const char *status,
                    struct str reason)
{
    cfn_resource_assert(row);
    row->status = str_from(status);
    row->reason = reason.p ? reason : S("");
    row->changed_ms = MAX(look->call->now_ms, row->changed_ms + 1);
    int r = cfn_event(look, row, status, reason);

    if (r == 0)
        r = cfn_resource_update(look->call->txn, row);
    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

#define CONFIGURED "CONFIGURATION_COMPLETE"
#define CONSISTENCY S("Eventual consistency check initiated")

int
cfn_configured(struct cfn_look *look, struct cfn_resource_row *row)
{
    const char *status = row->touched == CFN_MADE ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS";

    assert(row->phase == CFN_STARTED && !row->configured);
    row->configured = true;
    row->reason = CONSISTENCY;
    row->changed_ms = MAX(look->call->now_ms, row->changed_ms + 1);
    int r = event(look, row, status, CONFIGURED, row->reason);

    if (r == 0)
        r = cfn_resource_update(look->call->txn, row);
    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

int
cfn_stack_configured(struct cfn_look *look)
{
    assert(look->stack.stage == CFN_CREATE && !look->stack.detailed.n);
    look->stack.detailed = S(CONFIGURED);
    look->stack.reason = CONSISTENCY;
    int r = event(look, NULL, "CREATE_IN_PROGRESS", CONFIGURED, CONSISTENCY);

    return r ? r : cfn_save(look);
}
