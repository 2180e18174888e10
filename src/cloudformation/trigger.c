/*
 * Rollback triggers.  An alarm is asked for whenever the stack is looked at, by CloudWatch's own
 * operation and as the stack's caller: one that is on, or that is not there, ends the operation.
 */
#include "cloudformation/trigger.h"

#include "cloudformation/stack.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

/* The types, and what DescribeAlarms calls them and lists them under. */
static const struct {
    const char *type, *kind, *path;
} kinds[] = {
    {"AWS::CloudWatch::Alarm", "MetricAlarm", "MetricAlarms.0.StateValue"},
    {"AWS::CloudWatch::CompositeAlarm", "CompositeAlarm", "CompositeAlarms.0.StateValue"},
};

static size_t
kind_of(struct str type)
{
    size_t i = 0;

    while (i < ARRAY_LEN(kinds) && !str_is(type, kinds[i].type))
        i++;
    return i;
}

/* The name of an alarm of this account and region; absent: it is none. */
static struct str
alarm_name(struct api_call *call, struct str arn)
{
    struct str prefix =
        str_fmt(call->arena, "arn:aws:cloudwatch:%.*s:%.*s:alarm:", STR_ARG(call->region),
                STR_ARG(call->account));

    assert(call->account.n == 12 && call->region.n > 0);
    return str_starts(arn, prefix) && arn.n > prefix.n ? str_cut(arn, prefix.n, arn.n) : STR_NONE;
}

int
cfn_triggers_take(struct api_call *call, const struct cloudformation_RollbackConfiguration *given,
                  const struct cfn_stack_row *before, struct cfn_stack_row *row)
{
    row->monitor_min = given    ? opt_i64_or(given->monitoring_time_in_minutes, 0)
                       : before ? before->monitor_min
                                : 0;
    row->triggers = before ? before->triggers : (struct str_list){0};
    if (!given || !given->rollback_triggers.v)
        return 0;
    row->triggers = (struct str_list){0};
    LIST_EACH(&given->rollback_triggers, t) {
        if (kind_of(t->type) == ARRAY_LEN(kinds))
            return INVALID("Rollback trigger type %.*s is not supported: it must be "
                           "AWS::CloudWatch::Alarm or AWS::CloudWatch::CompositeAlarm",
                           STR_ARG(t->type));
        if (!str_starts(t->arn, S("arn:")))
            return INVALID("%.*s is not a valid ARN of a rollback trigger", STR_ARG(t->arn));
        *LIST_PUSH(call->arena, &row->triggers) = t->arn;
        *LIST_PUSH(call->arena, &row->triggers) = t->type;
    }
    assert(row->triggers.n % 2 == 0 && row->triggers.n <= 10);
    return 0;
}

struct cloudformation_RollbackConfiguration *
cfn_triggers_show(struct arena *a, const struct str_list *triggers, int64_t minutes)
{
    struct cloudformation_RollbackConfiguration *ret =
        ARENA_NEW(a, struct cloudformation_RollbackConfiguration);

    assert(triggers->n % 2 == 0);
    if (minutes)
        ret->monitoring_time_in_minutes = opt_i64(minutes);
    for (size_t i = 0; i < triggers->n; i += 2)
        *LIST_PUSH(a, &ret->rollback_triggers) = (struct cloudformation_RollbackTrigger){
            .arn = triggers->v[i], .type = triggers->v[i + 1]};
    return ret;
}

/* Why one takes the operation back; absent: it does not. */
static int
look_at(struct cfn_look *look, struct str arn, struct str type, struct str *ret_why)
{
    struct api_call *call = look->call;
    struct str name = alarm_name(call, arn), wrong = STR_NONE;
    size_t kind = kind_of(type);
    struct json names = cfn_array(), types = cfn_array(), in, reply;

    assert(kind < ARRAY_LEN(kinds));
    *ret_why = str_fmt(call->arena, "Rollback trigger [%.*s] does not exist.", STR_ARG(arn));
    if (!name.p)
        return 0;
    cfn_push(call->arena, &names, cfn_text(name));
    cfn_push(call->arena, &types, cfn_text(str_from(kinds[kind].kind)));
    in = cfn_single(call->arena, "AlarmNames", names);
    cfn_put(call->arena, &in, S("AlarmTypes"), types);
    int r = cfn_ask(call, "cloudwatch", "DescribeAlarms", &in, &reply, &wrong);

    if (r > 0)
        *ret_why = wrong.p ? wrong : call->fault.message;
    if (r != 0)
        return MIN(r, 0);
    struct str state = cfn_scalar(cfn_path(&reply, str_from(kinds[kind].path)));

    if (state.p)
        *ret_why =
            str_is(state, "ALARM")
                ? str_fmt(call->arena, "Rollback trigger [%.*s] is in ALARM state.", STR_ARG(arn))
                : STR_NONE;
    return 0;
}

int
cfn_triggers_look(struct cfn_look *look, struct str *ret_why)
{
    const struct str_list *triggers = &look->stack.triggers;
    int r = 0;

    assert(triggers->n % 2 == 0);
    *ret_why = STR_NONE;
    for (size_t i = 0; i < triggers->n && r == 0 && !ret_why->p; i += 2)
        r = look_at(look, triggers->v[i], triggers->v[i + 1], ret_why);
    return r;
}
