/* Targets of rules. */
#include "events/events.h"

#include "api/authorize.h"

static struct str
key_of(struct api_call *call, const struct events_rule_row *rule, struct str id)
{
    assert(id.n > 0 && rule->id.n > 0);
    return str_fmt(call->arena, "%.*s %.*s", STR_ARG(rule->id), STR_ARG(id));
}

int
events_pass_role(struct api_call *call, struct str role)
{
    if (!str_starts(role, S("arn:aws:iam::")))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Parameter %.*s is not valid. Reason: Provided Arn is not in correct "
                         "format.",
                         STR_ARG(role));
    return api_authorize_pass_role(call, role, EVENTS_SERVICE);
}

/* ---- PutTargets ---- */

/* What this cloud's targets have no use for. */
static int
parts_check(struct api_call *call, const struct events_Target *t)
{
    const struct {
        const char *name;
        bool given;
    } parts[] = {
        {"KinesisParameters", t->kinesis_parameters},
        {"RunCommandParameters", t->run_command_parameters},
        {"EcsParameters", t->ecs_parameters},
        {"BatchParameters", t->batch_parameters},
        {"HttpParameters", t->http_parameters},
        {"RedshiftDataParameters", t->redshift_data_parameters},
        {"SageMakerPipelineParameters", t->sage_maker_pipeline_parameters},
        {"AppSyncParameters", t->app_sync_parameters},
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].given)
            return events_unsupported(call, parts[i].name);
    return 0;
}

static int
target_check(struct api_call *call, const struct events_Target *t)
{
    int r = parts_check(call, t);

    if (r == 0)
        r = events_target_check(call, t);
    if (r == 0)
        r = events_input_check(call, t);
    if (r == 0 && t->role_arn.n)
        r = events_pass_role(call, t->role_arn);
    if (r == 0 && t->dead_letter_config &&
        !str_starts(t->dead_letter_config->arn, S("arn:aws:sqs:")))
        r = api_fault(call, &EVENTS_ERR(ValidationException),
                      "Parameter DeadLetterConfig.Arn is not valid. Reason: Provided Arn is not "
                      "that of an SQS queue.");
    return r;
}

static void
take_input(struct api_call *call, const struct events_Target *t, struct events_target_row *row)
{
    if (t->input.p) {
        row->input_kind = S("Input");
        row->input = t->input;
    } else if (t->input_path.p) {
        row->input_kind = S("InputPath");
        row->input = t->input_path;
    } else if (t->input_transformer) {
        row->input_kind = S("InputTransformer");
        row->input = t->input_transformer->input_template;
        LIST_EACH(&t->input_transformer->input_paths_map, path) {
            *LIST_PUSH(call->arena, &row->paths) = path->key;
            *LIST_PUSH(call->arena, &row->paths) = path->value;
        }
    }
}

static int
target_put(struct api_call *call, const struct events_rule_row *rule, const struct events_Target *t)
{
    const struct events_RetryPolicy *retry = t->retry_policy;
    struct events_target_row row = {
        .id = key_of(call, rule, t->id),
        .rule = rule->id,
        .target = t->id,
        .account = rule->account,
        .region = rule->region,
        .bus = rule->bus,
        .arn = t->arn,
        .role = t->role_arn.p ? t->role_arn : S(""),
        .input_kind = S(""),
        .input = S(""),
        .dead_letter = t->dead_letter_config && t->dead_letter_config->arn.p
                           ? t->dead_letter_config->arn
                           : S(""),
        .group_id = t->sqs_parameters && t->sqs_parameters->message_group_id.p
                        ? t->sqs_parameters->message_group_id
                        : S(""),
    };

    if (retry && retry->maximum_retry_attempts.set)
        row.retries = retry->maximum_retry_attempts.v + 1;
    if (retry && retry->maximum_event_age_in_seconds.set)
        row.age_s = retry->maximum_event_age_in_seconds.v;
    take_input(call, t, &row);
    events_target_assert(&row);
    return events_target_get(call->txn, row.id) ? events_target_update(call->txn, &row)
                                                : events_target_insert(call->txn, &row);
}

int
events_put_targets(struct api_call *call, const struct events_PutTargetsRequest *req,
                   struct events_PutTargetsResponse *res)
{
    const struct events_rule_row *rule;
    size_t n = 0;
    int r = events_rule_find(call, req->rule, req->event_bus_name, true, &rule);

    LIST_EACH(&req->targets, target) {
        if (r == 0)
            r = target_check(call, target);
        if (r == 0)
            r = target_put(call, rule, target);
    }
    if (r)
        return r;
    STORE_EACH(call->txn, events_target_by_rule, row, rule->id) {
        n += row->target.n > 0;
    }
    if (n > EVENTS_TARGETS_MAX)
        return api_fault(call, &EVENTS_ERR(LimitExceededException),
                         "The requested resource exceeds the maximum number allowed.");
    res->failed_entry_count = opt_i64(0);
    API_PRESENT(&res->failed_entries);
    return 0;
}

/* ---- RemoveTargets ---- */

int
events_remove_targets(struct api_call *call, const struct events_RemoveTargetsRequest *req,
                      struct events_RemoveTargetsResponse *res)
{
    const struct events_rule_row *rule;
    int r = events_rule_find(call, req->rule, req->event_bus_name, true, &rule);

    LIST_EACH(&req->ids, id) {
        struct str key = r == 0 ? key_of(call, rule, *id) : STR_NONE;

        if (r == 0 && events_target_get(call->txn, key))
            r = events_target_delete(call->txn, key);
    }
    res->failed_entry_count = opt_i64(0);
    API_PRESENT(&res->failed_entries);
    return r;
}

/* ---- ListTargetsByRule ---- */

static void
show_input(struct api_call *call, const struct events_target_row *row, struct events_Target *to)
{
    struct events_InputTransformer *transformer;

    if (str_is(row->input_kind, "Input"))
        to->input = row->input;
    if (str_is(row->input_kind, "InputPath"))
        to->input_path = row->input;
    if (!str_is(row->input_kind, "InputTransformer"))
        return;
    transformer = ARENA_NEW(call->arena, struct events_InputTransformer);
    transformer->input_template = row->input;
    for (size_t i = 0; i + 1 < row->paths.n; i += 2) {
        __typeof__(transformer->input_paths_map.v) path =
            LIST_PUSH(call->arena, &transformer->input_paths_map);

        path->key = row->paths.v[i];
        path->value = row->paths.v[i + 1];
    }
    to->input_transformer = transformer;
}

static struct events_Target
target_show(struct api_call *call, const struct events_target_row *row)
{
    struct events_Target to = {.id = row->target, .arn = row->arn};

    events_target_assert(row);
    if (row->role.n)
        to.role_arn = row->role;
    if (row->dead_letter.n) {
        to.dead_letter_config = ARENA_NEW(call->arena, struct events_DeadLetterConfig);
        to.dead_letter_config->arn = row->dead_letter;
    }
    if (row->group_id.n) {
        to.sqs_parameters = ARENA_NEW(call->arena, struct events_SqsParameters);
        to.sqs_parameters->message_group_id = row->group_id;
    }
    if (row->retries || row->age_s) {
        to.retry_policy = ARENA_NEW(call->arena, struct events_RetryPolicy);
        if (row->retries)
            to.retry_policy->maximum_retry_attempts = opt_i64(row->retries - 1);
        if (row->age_s)
            to.retry_policy->maximum_event_age_in_seconds = opt_i64(row->age_s);
    }
    show_input(call, row, &to);
    return to;
}

int
events_list_targets_by_rule(struct api_call *call,
                            const struct events_ListTargetsByRuleRequest *req,
                            struct events_ListTargetsByRuleResponse *res)
{
    const struct events_rule_row *rule;
    struct api_page page;
    int r = events_rule_find(call, req->rule, req->event_bus_name, true, &rule);

    if (r == 0)
        r = events_page_open(call, req->next_token, req->limit, &page);
    if (r)
        return r;
    API_PRESENT(&res->targets);
    STORE_EACH(call->txn, events_target_by_rule, row, rule->id) {
        if (api_page_take(&page, row->target))
            *LIST_PUSH(call->arena, &res->targets) = target_show(call, row);
    }
    res->next_token = events_page_next(call, &page);
    return 0;
}

/* ---- ListRuleNamesByTarget ---- */

int
events_list_rule_names_by_target(struct api_call *call,
                                 const struct events_ListRuleNamesByTargetRequest *req,
                                 struct events_ListRuleNamesByTargetResponse *res)
{
    const struct events_bus_row *bus;
    struct api_page page;
    struct str newest = STR_NONE;
    int r = events_page_open(call, req->next_token, req->limit, &page);

    if (r == 0)
        r = events_bus_find(call, req->event_bus_name, &bus);
    if (r)
        return r;
    API_PRESENT(&res->rule_names);
    STORE_EACH(call->txn, events_target_by_arn, row, bus->account, bus->region, req->target_arn) {
        const struct events_rule_row *rule = events_rule_get(call->txn, row->rule);

        assert(rule);
        if (!str_eq(row->bus, bus->name) || str_eq(rule->name, newest))
            continue; /* a rule may have it twice */
        newest = rule->name;
        if (api_page_take(&page, rule->name))
            *LIST_PUSH(call->arena, &res->rule_names) = rule->name;
    }
    res->next_token = events_page_next(call, &page);
    return 0;
}
