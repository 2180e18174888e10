/*
 * Drift: what services tell of a stack's resources against what the stack made of them.  A
 * detection reads all of them in the call that asks for it, as its caller; a type whose definition
 * has no "Live" is not checked.
 */
#include "cloudformation/stack.h"

#include "api/event.h"
#include "cloudformation/convert.h"
#include "cloudformation/difference.h"
#include "cloudformation/parameter.h"

#define PROPS_MAX ((size_t)1 << 20)
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

/* ---- one resource ---- */

/* Properties as they were given, and as they may be shown: a secret is stars. */
static void
expectation(struct cfn_look *look, const struct cfn_resource_row *row, const struct json *known,
            struct json *ret, struct json *ret_shown)
{
    struct arena *a = look->call->arena;
    const struct json *definition =
        json_get(json_get_str(json_get(&look->root, "Resources"), row->logical), "Properties");
    struct json props, shown = cfn_object();

    assert(str_eq(row->stack, look->stack.id));
    *ret = *ret_shown = cfn_object();
    if (!row->props.n || !cfn_read(a, row->props, &props))
        return;
    if (look->secrets && definition && !cfn_resolve(&look->shown, definition, &shown))
        shown = cfn_object();
    look->shown.wrong = STR_NONE;
    for (size_t i = 0; i < props.n; i++) {
        const struct json *other = json_get_str(&shown, props.names[i]);
        bool hidden = look->secrets && !(other && cfn_equal(other, &props.v[i]));

        if (!json_get_str(known, props.names[i]))
            continue;
        cfn_put(a, ret, props.names[i], props.v[i]);
        cfn_put(a, ret_shown, props.names[i], hidden ? cfn_text(S("****")) : props.v[i]);
    }
}

static void
hide(struct arena *a, const struct json *shown, struct json *props, struct json *differences)
{
    assert(shown->kind == JSON_OBJECT && differences->kind == JSON_ARRAY);
    for (size_t i = 0; i < props->n; i++)
        if (str_is(cfn_scalar(json_get_str(shown, props->names[i])), "****"))
            props->v[i] = cfn_text(S("****"));
    for (size_t i = 0; i < differences->n; i++) {
        struct str path = json_text(&differences->v[i], "PropertyPath");

        path = str_cut(path, 1, path.n);
        if (!str_is(cfn_scalar(json_get_str(shown, str_split(&path, '/'))), "****"))
            continue;
        cfn_put(a, &differences->v[i], S("ExpectedValue"), cfn_text(S("****")));
        cfn_put(a, &differences->v[i], S("ActualValue"), cfn_text(S("****")));
    }
}

/* Tags that a resource has because its stack has them are no drift of its own. */
static struct json
without_tags_of_stack(struct cfn_look *look, const struct json *expected, const struct json *actual)
{
    struct arena *a = look->call->arena;
    struct json ret = cfn_array();

    assert(look->stack.tags.n % 2 == 0);
    if (actual->kind != JSON_ARRAY)
        return *actual;
    for (size_t i = 0; i < actual->n; i++) {
        struct str key = json_text(&actual->v[i], "Key");
        bool of_stack = false;

        for (size_t k = 0; k + 1 < look->stack.tags.n; k += 2)
            of_stack = of_stack || str_eq(look->stack.tags.v[k], key);
        for (size_t k = 0; k < expected->n; k++)
            of_stack = of_stack && !str_eq(json_text(&expected->v[k], "Key"), key);
        if (!of_stack)
            cfn_push(a, &ret, actual->v[i]);
    }
    assert(ret.n <= actual->n);
    return ret;
}

/* ---- what other resources of the stack add to one ---- */

static bool
names(const struct json *by, struct str id)
{
    bool found = by && str_eq(cfn_scalar(by), id);

    for (size_t i = 0; by && by->kind == JSON_ARRAY && i < by->n; i++)
        found = found || str_eq(cfn_scalar(&by->v[i]), id);
    return found && id.n;
}

/* Takes the element out of a list, unless the template says itself that it is there. */
static void
drop(struct arena *a, const struct json *element, const struct json *expected, struct json *list)
{
    struct json rest = cfn_array();
    bool dropped = false;
    assert(list->kind == JSON_ARRAY && expected->kind == JSON_ARRAY);

    for (size_t i = 0; i < list->n; i++) {
        bool meant = !dropped && cfn_covers(element, &list->v[i]);

        for (size_t k = 0; meant && k < expected->n; k++)
            meant = !cfn_covers(&expected->v[k], &list->v[i]);
        if (!meant)
            cfn_push(a, &rest, list->v[i]);
        dropped = dropped || meant;
    }
    assert(rest.n + dropped == list->n);
    *list = rest;
}

/* What the other says that it attaches to this one, by `how` of its type. */
static int
drop_attached(struct cfn_run *run, struct cfn_run *other, const struct json *how,
              const struct json *expected, struct json *actual)
{
    struct str property = json_text(how, "As"), is = json_text(how, "Is");
    struct str id = is.p ? cfn_scalar(json_get_str(&run->attributes, is)) : run->id;
    const struct json *value = json_get_str(actual, property);
    const struct json *wanted = json_get_str(expected, property);
    assert(property.n > 0 && actual->kind == JSON_OBJECT);
    struct json element, list;

    if (!value || value->kind != JSON_ARRAY || !wanted || wanted->kind != JSON_ARRAY ||
        !names(json_get_str(&other->props, json_text(how, "By")), id))
        return 0;
    if (cfn_run_value(other, json_get(how, "Element"), &element) < 0)
        return -EINVAL;
    list = *value;
    drop(run->call->arena, &element, wanted, &list);
    cfn_put(run->call->arena, actual, property, list);
    return 0;
}

static int
without_attachments(struct cfn_look *look, const struct cfn_resource_row *row, struct cfn_run *run,
                    const struct json *expected, struct json *actual)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, other, look->stack.id) {
        const struct json *attaches = json_get(cfn_type(other->type), "Attaches");
        bool asked = attaches && other->physical.n && !str_eq(other->key, row->key);

        for (size_t i = 0; r == 0 && asked && i < attaches->n; i++) {
            if (!str_eq(json_text(&attaches->v[i], "To"), row->type))
                continue;
            struct cfn_run added = cfn_run_of(look, other);

            r = drop_attached(run, &added, &attaches->v[i], expected, actual);
        }
    }
    return r;
}

/* 0, 1 with *ret_why: it cannot be read; negative. */
static int
check(struct cfn_look *look, struct cfn_resource_row *row, struct str *ret_why)
{
    struct arena *a = look->call->arena;
    struct cfn_run run = cfn_run_of(look, row);
    struct json expected, shown, live, actual = cfn_object(), found = cfn_object(), differences;
    bool there;
    int r = cfn_run_live(&run, &live, &there);

    assert(row->physical.n > 0 && row->phase == CFN_SETTLED);
    *ret_why = run.why;
    if (r)
        return r;
    expectation(look, row, json_get(run.type, "Live"), &expected, &shown);
    for (size_t i = 0; i < expected.n; i++) {
        const struct json *value = json_get_str(&live, expected.names[i]);
        bool tags = str_is(expected.names[i], "Tags");

        if (value)
            cfn_put(a, &actual, expected.names[i],
                    tags ? without_tags_of_stack(look, &expected.v[i], value) : *value);
    }
    r = without_attachments(look, row, &run, &expected, &actual);
    if (r)
        return r;
    differences = there ? cfn_differences(a, &expected, &actual) : cfn_array();
    row->drift = !there ? S("DELETED") : differences.n ? S("MODIFIED") : S("IN_SYNC");
    row->drift_ms = look->call->now_ms;
    hide(a, &shown, &actual, &differences);
    cfn_put(a, &found, S("Expected"), shown);
    if (there)
        cfn_put(a, &found, S("Actual"), actual);
    cfn_put(a, &found, S("Differences"), differences);
    row->drift_found = cfn_print(a, &found, PROPS_MAX);
    r = cfn_resource_update(look->call->txn, row);
    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

static bool
is_checked(const struct cfn_resource_row *row)
{
    return row->physical.n && row->phase == CFN_SETTLED && json_get(cfn_type(row->type), "Live");
}

static struct cloudformation_StackResourceDrift
show(struct api_call *call, const struct cfn_resource_row *row)
{
    const struct api_shape *shape =
        api_shape(&cloudformation_service, CLOUDFORMATION_SHAPE_PropertyDifference);
    struct cloudformation_StackResourceDrift ret = {
        .stack_id = row->stack,
        .logical_resource_id = row->logical,
        .physical_resource_id = row->physical,
        .resource_type = row->type,
        .stack_resource_drift_status = row->drift,
        .timestamp = opt_i64(row->drift_ms),
    };
    struct json found;

    assert(row->drift.n > 0);
    if (!row->drift_found.n || !cfn_read(call->arena, row->drift_found, &found))
        return ret;
    const struct json *differences = json_get(&found, "Differences");

    ret.expected_properties = cfn_print(call->arena, json_get(&found, "Expected"), PROPS_MAX);
    if (json_get(&found, "Actual"))
        ret.actual_properties = cfn_print(call->arena, json_get(&found, "Actual"), PROPS_MAX);
    API_PRESENT(&ret.property_differences);
    for (size_t i = 0; i < differences->n; i++)
        cfn_to_struct(&cloudformation_service, shape, call->arena, &differences->v[i],
                      LIST_PUSH(call->arena, &ret.property_differences));
    return ret;
}

/* ---- detections ---- */

static int
may_detect(struct api_call *call, const struct cfn_stack_row *stack)
{
    static const char *const good[] = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE",
                                       "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (str_is(stack->status, good[i]))
            return 0;
    return INVALID("Drift detection cannot be performed on stack [%.*s] while in status %.*s",
                   STR_ARG(stack->id), STR_ARG(stack->status));
}

static int
check_all(struct cfn_look *look, const struct str_list *only, struct cfn_detection_row *row)
{
    struct str why;
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row resource = *old;

        if (r != 0 || !is_checked(old) || (only->n && !str_in(only, old->logical)))
            continue;
        r = check(look, &resource, &why);
        row->drifted += r == 0 && !str_is(resource.drift, "IN_SYNC");
        assert(row->drifted >= 0);
        if (r > 0)
            row->reason =
                str_fmt(look->call->arena, "Failed to detect drift on resource [%.*s]: %.*s",
                        STR_ARG(old->logical), STR_ARG(why));
    }
    return r < 0 ? r : 0;
}

/* What EventBridge is told, when a rule may look for it. */
static int
tell(struct api_call *call, const struct cfn_detection_row *row)
{
    struct str_list resources = {0};
    struct buf buf;
    struct json_out o = {.buf = &buf};

    if (!api_event_wanted(call->txn, call->account, call->region, S("aws.cloudformation")))
        return 0;
    buf_init(&buf, 16 << 10);
    json_open(&o, '{');
    json_key_str(&o, "stack-id", row->stack);
    json_key_str(&o, "stack-drift-detection-id", row->id);
    json_key(&o, S("status-details"));
    json_open(&o, '{');
    json_key_str(&o, "stack-drift-status", row->drift);
    json_key_str(&o, "detection-status", row->status);
    json_close(&o, '}');
    json_key(&o, S("drift-detection-details"));
    json_open(&o, '{');
    json_key_int(&o, "drifted-stack-resource-count", row->drifted);
    json_close(&o, '}');
    json_close(&o, '}');
    *LIST_PUSH(call->arena, &resources) = row->stack;
    assert(!buf_failed(&buf));
    int r = api_event_put(call, "aws.cloudformation",
                          "CloudFormation Drift Detection Status Change", resources,
                          buf_str(&buf));

    buf_done(&buf);
    return r;
}

int
cfn_detect_stack_drift(struct api_call *call,
                       const struct cloudformation_DetectStackDriftInput *req,
                       struct cloudformation_DetectStackDriftOutput *res)
{
    struct cfn_detection_row row = {.id = api_uuid(call->env, call->arena),
                                    .account = call->account,
                                    .region = call->region,
                                    .at_ms = call->now_ms,
                                    .reason = S("")};
    const struct cfn_stack_row *stack;
    struct cfn_look look;
    int r = cfn_need(call, req->stack_name, &stack);

    if (r == 0)
        r = may_detect(call, stack);
    LIST_EACH(&req->logical_resource_ids, id)
        if (r == 0 && !cfn_resource_get(call->txn, cfn_resource_key(call->arena, stack->id, *id)))
            r = INVALID("Resource %.*s does not exist for stack %.*s", STR_ARG(*id),
                        STR_ARG(stack->name));
    if (r == 0)
        r = cfn_look_init(&look, call, stack);
    if (r == 0)
        r = check_all(&look, &req->logical_resource_ids, &row);
    if (r)
        return r;
    row.stack = stack->id;
    row.status = row.reason.n ? S("DETECTION_FAILED") : S("DETECTION_COMPLETE");
    row.drift = row.drifted ? S("DRIFTED") : S("IN_SYNC");
    assert(row.stack.n > 0 && row.status.n > 0);
    look.stack.drift = row.drift;
    look.stack.drift_ms = call->now_ms;
    res->stack_drift_detection_id = row.id;
    r = cfn_detection_insert(call->txn, &row);
    if (r == 0)
        r = tell(call, &row);
    return r < 0 ? error_origin(-r, "a detection cannot be written") : cfn_save(&look);
}

int
cfn_detect_stack_resource_drift(struct api_call *call,
                                const struct cloudformation_DetectStackResourceDriftInput *req,
                                struct cloudformation_DetectStackResourceDriftOutput *res)
{
    const struct cfn_stack_row *stack;
    const struct cfn_resource_row *old;
    struct cfn_resource_row row;
    struct cfn_look look;
    struct str why;
    int r = cfn_need(call, req->stack_name, &stack);

    if (r == 0)
        r = may_detect(call, stack);
    if (r)
        return r;
    old = cfn_resource_get(call->txn,
                           cfn_resource_key(call->arena, stack->id, req->logical_resource_id));
    if (!old)
        return INVALID("Resource %.*s does not exist for stack %.*s",
                       STR_ARG(req->logical_resource_id), STR_ARG(stack->name));
    if (!is_checked(old))
        return INVALID("Drift detection is not supported for resource %.*s of type %.*s",
                       STR_ARG(old->logical), STR_ARG(old->type));
    r = cfn_look_init(&look, call, stack);
    row = *old;
    if (r == 0)
        r = check(&look, &row, &why);
    if (r > 0)
        return INVALID("Failed to detect drift on resource [%.*s]: %.*s", STR_ARG(row.logical),
                       STR_ARG(why));
    if (r == 0) {
        res->stack_resource_drift =
            ARENA_NEW(call->arena, struct cloudformation_StackResourceDrift);
        *res->stack_resource_drift = show(call, &row);
    }
    return r;
}

int
cfn_describe_stack_drift_detection_status(
    struct api_call *call, const struct cloudformation_DescribeStackDriftDetectionStatusInput *req,
    struct cloudformation_DescribeStackDriftDetectionStatusOutput *res)
{
    const struct cfn_detection_row *row =
        cfn_detection_get(call->txn, req->stack_drift_detection_id);

    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
        return INVALID("Drift detection with id [%.*s] does not exist",
                       STR_ARG(req->stack_drift_detection_id));
    *res = (struct cloudformation_DescribeStackDriftDetectionStatusOutput){
        .stack_id = row->stack,
        .stack_drift_detection_id = row->id,
        .stack_drift_status = row->drift,
        .detection_status = row->status,
        .detection_status_reason = row->reason.n ? row->reason : STR_NONE,
        .drifted_stack_resource_count = opt_i64(row->drifted),
        .timestamp = opt_i64(row->at_ms),
    };
    return 0;
}

int
cfn_describe_stack_resource_drifts(
    struct api_call *call, const struct cloudformation_DescribeStackResourceDriftsInput *req,
    struct cloudformation_DescribeStackResourceDriftsOutput *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct str_list *wanted = &req->stack_resource_drift_status_filters;
    const struct api_page_scope scope = api_page_scope(call);
    const struct cfn_stack_row *stack;
    struct api_page page;
    int r = cfn_need(call, req->stack_name, &stack);

    API_PRESENT(&res->stack_resource_drifts);
    if (r == 0)
        r = api_page_open(call->arena, &scope, &rule, req->next_token, req->max_results, false,
                          &page, &call->fault);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_resource_by_stack, row, stack->id) {
        struct str key =
            str_fmt(call->arena, "%08lld%.*s", (long long)row->number, STR_ARG(row->key));

        if (row->drift.n && (!wanted->n || str_in(wanted, row->drift)) && api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->stack_resource_drifts) = show(call, row);
    }
    res->next_token = api_page_next(call->arena, &scope, &page);
    return 0;
}
