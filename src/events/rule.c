/* Rules: what they look for, and when they are due. */
#include "events/events.h"

#include "codec/aws_schedule.h"
#include "codec/event_pattern.h"

/* ---- finding ---- */

static struct str
arn_of(struct api_call *call, const struct events_bus_row *bus, struct str name)
{
    bool plain = str_is(bus->name, EVENTS_DEFAULT);

    assert(name.n > 0);
    return str_fmt(call->arena, "arn:aws:events:%.*s:%.*s:rule/%.*s%s%.*s", STR_ARG(bus->region),
                   STR_ARG(bus->account), plain ? 0 : (int)bus->name.n, bus->name.p,
                   plain ? "" : "/", STR_ARG(name));
}

int
events_rule_find(struct api_call *call, struct str name, struct str bus_name, bool must,
                 const struct events_rule_row **ret)
{
    const struct events_bus_row *bus;
    int r = events_bus_find(call, bus_name, &bus);

    if (r)
        return r;
    struct str arn = arn_of(call, bus, name);
    const struct events_rule_row *row = events_rule_get(call->txn, arn);

    r = events_may(call, arn, row ? &row->tags : NULL);
    if (r)
        return r;
    if (!row && must)
        return api_fault(call, &EVENTS_ERR(ResourceNotFoundException),
                         "Rule %.*s does not exist on EventBus %.*s.", STR_ARG(name),
                         STR_ARG(bus->name));
    if (row)
        events_rule_assert(row);
    *ret = row;
    return 0;
}

bool
events_rule_enabled(const struct events_rule_row *row)
{
    assert(row->state.n > 0);
    return !str_is(row->state, "DISABLED");
}

int64_t
events_rule_next(const struct events_rule_row *row, int64_t ms)
{
    struct aws_schedule schedule;

    if (!row->schedule.n || !events_rule_enabled(row) ||
        !aws_schedule_parse(row->schedule, &schedule))
        return 0;
    if (!schedule.every_ms)
        return aws_schedule_next(&schedule, ms);
    if (!row->next_ms)
        return ms + schedule.every_ms;
    assert(row->next_ms <= ms); /* what was missed is not made up for */
    return row->next_ms + ((ms - row->next_ms) / schedule.every_ms + 1) * schedule.every_ms;
}

/* ---- PutRule ---- */

static int
pattern_fault(struct api_call *call, struct str why)
{
    return api_fault(call, &EVENTS_ERR(InvalidEventPatternException),
                     "Event pattern is not valid. Reason: %.*s", STR_ARG(why));
}

/* The pattern, and which sources it is about. */
static int
take_pattern(struct api_call *call, struct str text, struct events_rule_row *row)
{
    const struct event_pattern *pattern;
    struct str why;

    if (!event_pattern_parse(call->arena, text, &pattern, &why))
        return pattern_fault(call, why);
    row->pattern = text;
    row->sources = (struct str_list){0};
    row->any_source = !event_pattern_texts(pattern, S("source"), call->arena, &row->sources);
    return 0;
}

static int
take_schedule(struct api_call *call, struct str text, struct events_rule_row *row)
{
    struct aws_schedule schedule;

    if (!str_is(row->bus, EVENTS_DEFAULT))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "ScheduleExpression is supported only on the default event bus.");
    if (!aws_schedule_parse(text, &schedule))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Parameter ScheduleExpression is not valid.");
    row->schedule = text;
    return 0;
}

static int
room_check(struct api_call *call, const struct events_bus_row *bus)
{
    size_t n = 0;

    STORE_EACH(call->txn, events_rule_by_bus, rule, bus->account, bus->region, bus->name) {
        n += rule->name.n > 0;
    }
    if (n >= EVENTS_RULES_MAX)
        return api_fault(call, &EVENTS_ERR(LimitExceededException),
                         "The requested resource exceeds the maximum number allowed.");
    return 0;
}

/* What the request says of it; all else is as for a new rule, its tags excepted. */
static int
rule_make(struct api_call *call, const struct events_PutRuleRequest *req,
          const struct events_bus_row *bus, const struct events_rule_row *old,
          struct events_rule_row *row)
{
    int r = 0;

    assert(!old || str_eq(old->bus, bus->name));
    *row = (struct events_rule_row){
        .id = arn_of(call, bus, req->name),
        .account = bus->account,
        .region = bus->region,
        .bus = bus->name,
        .name = req->name,
        .state = req->state.p ? req->state : S("ENABLED"),
        .description = req->description.p ? req->description : S(""),
        .role = req->role_arn.p ? req->role_arn : S(""),
    };
    if (!req->event_pattern.n && !req->schedule_expression.n)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Parameter(s) EventPattern or ScheduleExpression must be specified.");
    if (req->schedule_expression.n)
        r = take_schedule(call, req->schedule_expression, row);
    if (r == 0 && req->event_pattern.n)
        r = take_pattern(call, req->event_pattern, row);
    if (r)
        return r;
    if (old)
        row->tags = old->tags;
    if (old && old->next_ms && str_eq(old->schedule, row->schedule) && events_rule_enabled(row))
        row->next_ms = old->next_ms;
    else
        row->next_ms = events_rule_next(row, call->now_ms);
    /* tags of a rule that is there already are left as they are */
    return old ? 0 : events_tags_put(call, &req->tags, &row->tags);
}

int
events_put_rule(struct api_call *call, const struct events_PutRuleRequest *req,
                struct events_PutRuleResponse *res)
{
    const struct events_rule_row *old;
    const struct events_bus_row *bus;
    struct events_rule_row row;
    int r = events_rule_find(call, req->name, req->event_bus_name, false, &old);

    if (r == 0)
        r = events_bus_find(call, req->event_bus_name, &bus);
    if (r == 0)
        r = rule_make(call, req, bus, old, &row);
    if (r == 0 && req->role_arn.n)
        r = events_pass_role(call, req->role_arn);
    if (r == 0 && !old)
        r = room_check(call, bus);
    if (r)
        return r;
    events_rule_assert(&row);
    res->rule_arn = row.id;
    return old ? events_rule_update(call->txn, &row) : events_rule_insert(call->txn, &row);
}

/* ---- EnableRule, DisableRule, DeleteRule ---- */

static int
set_state(struct api_call *call, struct str name, struct str bus, const char *state)
{
    const struct events_rule_row *old;
    int r = events_rule_find(call, name, bus, true, &old);

    if (r)
        return r;
    struct events_rule_row row = *old;

    assert(state[0] != '\0');
    row.state = str_from(state);
    if (events_rule_enabled(old) != events_rule_enabled(&row)) {
        row.next_ms = 0;
        row.next_ms = events_rule_next(&row, call->now_ms);
    }
    events_rule_assert(&row);
    return events_rule_update(call->txn, &row);
}

int
events_enable_rule(struct api_call *call, const struct events_EnableRuleRequest *req,
                   struct events_EnableRuleResult *res UNUSED)
{
    return set_state(call, req->name, req->event_bus_name, "ENABLED");
}

int
events_disable_rule(struct api_call *call, const struct events_DisableRuleRequest *req,
                    struct events_DisableRuleResult *res UNUSED)
{
    return set_state(call, req->name, req->event_bus_name, "DISABLED");
}

/* `Force` is for rules that AWS manages, of which there are none. */
int
events_delete_rule(struct api_call *call, const struct events_DeleteRuleRequest *req,
                   struct events_DeleteRuleResult *res UNUSED)
{
    const struct events_rule_row *row;
    int r = events_rule_find(call, req->name, req->event_bus_name, false, &row);

    if (r || !row)
        return r;
    STORE_EACH(call->txn, events_target_by_rule, target, row->id) {
        assert(str_eq(target->rule, row->id));
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Rule can't be deleted since it has targets.");
    }
    return events_rule_delete(call->txn, row->id);
}

/* ---- DescribeRule, ListRules ---- */

int
events_describe_rule(struct api_call *call, const struct events_DescribeRuleRequest *req,
                     struct events_DescribeRuleResponse *res)
{
    const struct events_rule_row *row;
    int r = events_rule_find(call, req->name, req->event_bus_name, true, &row);

    if (r)
        return r;
    *res = (struct events_DescribeRuleResponse){
        .name = row->name,
        .arn = row->id,
        .event_pattern = events_shown(row->pattern),
        .schedule_expression = events_shown(row->schedule),
        .state = row->state,
        .description = events_shown(row->description),
        .role_arn = events_shown(row->role),
        .event_bus_name = row->bus,
        .created_by = row->account,
    };
    return 0;
}

int
events_list_rules(struct api_call *call, const struct events_ListRulesRequest *req,
                  struct events_ListRulesResponse *res)
{
    const struct events_bus_row *bus;
    struct api_page page;
    int r = events_page_open(call, req->next_token, req->limit, &page);

    if (r == 0)
        r = events_bus_find(call, req->event_bus_name, &bus);
    if (r)
        return r;
    API_PRESENT(&res->rules);
    STORE_EACH(call->txn, events_rule_by_bus, row, bus->account, bus->region, bus->name) {
        if (!str_starts(row->name, req->name_prefix) || !api_page_take(&page, row->name))
            continue;
        *LIST_PUSH(call->arena, &res->rules) = (struct events_Rule){
            .name = row->name,
            .arn = row->id,
            .event_pattern = events_shown(row->pattern),
            .schedule_expression = events_shown(row->schedule),
            .state = row->state,
            .description = events_shown(row->description),
            .role_arn = events_shown(row->role),
            .event_bus_name = row->bus,
        };
    }
    res->next_token = events_page_next(call, &page);
    return 0;
}

/* ---- TestEventPattern ---- */

int
events_test_event_pattern(struct api_call *call, const struct events_TestEventPatternRequest *req,
                          struct events_TestEventPatternResponse *res)
{
    static const char *const needed[] = {"id",     "account",   "source",     "time",
                                         "region", "resources", "detail-type"};
    const struct event_pattern *pattern;
    struct json event;
    struct str why;
    size_t at;

    if (!event_pattern_parse(call->arena, req->event_pattern, &pattern, &why))
        return pattern_fault(call, why);
    if (!json_parse(call->arena, req->event, EVENTS_NODES_MAX, &event, &at))
        return api_fault(call, &EVENTS_ERR(ValidationException), "Parameter Event is not valid.");
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!json_get(&event, needed[i]))
            return api_fault(call, &EVENTS_ERR(ValidationException),
                             "Parameter Event is not valid.");
    res->result = opt_bool(event_pattern_match(pattern, &event));
    return 0;
}
