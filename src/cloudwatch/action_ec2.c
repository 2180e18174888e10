/*
 * What alarms do to instances: stop, terminate, reboot, recover.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/UsingAlarmActions.html
 *
 * The first three are EC2's calls, made as whoever put the alarm: who may not stop instances may
 * have such an alarm, and its action fails, as on AWS.  A recovery is no call and needs no
 * permission: it is asked for by a row, and EC2's upkeep carries it out.
 */
#include "cloudwatch/ec2.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "gen/store/ec2_rows.h"
#include "store/states.h"

static const struct api_error validation = {"ValidationError", 400};
static const struct api_error wrong_state = {"IncorrectInstanceState", 400};

enum what { STOP, TERMINATE, REBOOT, RECOVER };

/* The name of an action in an ARN of either form is its last word. */
static const struct {
    const char *automate, *swf, *shown;
} names[] = {
    [STOP] = {":ec2:stop", "InstanceId.Stop/1.0", "Stop"},
    [TERMINATE] = {":ec2:terminate", "InstanceId.Terminate/1.0", "Terminate"},
    [REBOOT] = {":ec2:reboot", "InstanceId.Reboot/1.0", "Reboot"},
    [RECOVER] = {":ec2:recover", "InstanceId.Recover/1.0", "Recover"},
};

static enum what
what_of(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_ends(arn, str_from(names[i].automate)) || str_ends(arn, str_from(names[i].swf)))
            return (enum what)i;
    assert(!"an ARN of the table of actions");
    return STOP;
}

/* The instance that the alarm's metric is of; empty: it is of none. */
static struct str
instance_of(const struct cloudwatch_alarm_row *alarm)
{
    assert(alarm->dimensions.n % 2 == 0);
    for (size_t i = 0; i + 1 < alarm->dimensions.n; i += 2)
        if (str_is(alarm->dimensions.v[i], "InstanceId"))
            return alarm->dimensions.v[i + 1];
    return S("");
}

int
cloudwatch_ec2_type(struct api_call *call, struct str name, const struct ec2_InstanceTypeInfo **ret)
{
    struct ec2_DescribeInstanceTypesRequest *req =
        ARENA_NEW(call->arena, struct ec2_DescribeInstanceTypesRequest);
    struct ec2_DescribeInstanceTypesResult *res =
        ARENA_NEW(call->arena, struct ec2_DescribeInstanceTypesResult);

    *LIST_PUSH(call->arena, &req->instance_types) = name;
    int r = api_call_internal(call, "ec2", "DescribeInstanceTypes", req, res, CLOUDWATCH_VIA);

    if (r)
        return r;
    assert(res->instance_types.n == 1);
    *ret = &res->instance_types.v[0];
    return 0;
}

/* ---- whether an alarm may have it ---- */

/* "arn:aws:automate:REGION:ec2:stop" */
static struct str
field(struct str arn, unsigned n)
{
    struct str part = str_split(&arn, ':');

    while (n--)
        part = str_split(&arn, ':');
    return part;
}

static int
check_recover(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
              const struct ec2_instance_row *row)
{
    struct str_list actor = api_actor_account(call->arena, call->account);
    const struct ec2_InstanceTypeInfo *info;
    struct api_call own;

    if (str_is(alarm->metric_name, "StatusCheckFailed_Instance"))
        return api_fault(call, &validation,
                         "Invalid use of EC2 'Recover' action. It can not be used with the metric "
                         "StatusCheckFailed_Instance.");
    /* Not as the caller: who makes an alarm need not be allowed to look at types. */
    if (!api_actor_call(call->api, call->arena, &actor, call->region, &own))
        return error_origin(EINVAL, "account %.*s cannot act", STR_ARG(call->account));
    own.txn = call->txn;
    int r = cloudwatch_ec2_type(&own, row->type, &info);

    if (r)
        return MIN(r, -EIO);
    if (!opt_bool_or(info->auto_recovery_supported, false) || str_is(row->tenancy, "host"))
        return api_fault(call, &validation,
                         "Invalid use of EC2 'Recover' action. %.*s does not support recovery.",
                         STR_ARG(row->id));
    return 0;
}

int
cloudwatch_ec2_check(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                     struct str arn)
{
    struct str region = field(arn, 3), id = instance_of(alarm);
    const struct ec2_instance_row *row = id.n ? ec2_instance_get(call->txn, id) : NULL;
    enum what what = what_of(arn);

    if (!str_eq(region, call->region))
        return api_fault(call, &validation,
                         "Invalid region %.*s specified. Only %.*s is supported.", STR_ARG(region),
                         STR_ARG(call->region));
    if (!id.n)
        return api_fault(
            call, &validation,
            "Invalid use of EC2 action. An EC2 action can only be used if the alarm is "
            "monitoring an EC2 instance.");
    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region) ||
        row->state == EC2_TERMINATED)
        return api_fault(call, &validation,
                         "Invalid use of EC2 '%s' action. %.*s is not a valid EC2 instance.",
                         names[what].shown, STR_ARG(id));
    return what == RECOVER ? check_recover(call, alarm, row) : 0;
}

/* ---- doing it ---- */

static int
recover(struct api_call *call, struct str id)
{
    const struct ec2_instance_row *instance = ec2_instance_get(call->txn, id);
    const struct ec2_recovery_row *old = ec2_recovery_get(call->txn, id);
    struct ec2_recovery_row row = old ? *old : (struct ec2_recovery_row){.id = id};

    assert(!old || old->attempts >= 0);
    if (!instance || instance->state != EC2_RUNNING)
        return api_fault(call, &wrong_state, "The instance '%.*s' is not in the 'running' state.",
                         STR_ARG(id));
    row.asked_ms = call->now_ms;
    return old ? ec2_recovery_update(call->txn, &row) : ec2_recovery_insert(call->txn, &row);
}

int
cloudwatch_ec2_run(struct api_call *call, const struct cloudwatch_alarm_row *alarm, struct str arn)
{
    struct str id = instance_of(alarm);
    struct str_list ids = {&id, 1};

    assert(id.n > 0 && call->txn);
    switch (what_of(arn)) {
    case STOP: {
        struct ec2_StopInstancesRequest req = {.instance_ids = ids};
        struct ec2_StopInstancesResult res = {0};

        return api_call_internal(call, "ec2", "StopInstances", &req, &res, CLOUDWATCH_VIA);
    }
    case TERMINATE: {
        struct ec2_TerminateInstancesRequest req = {.instance_ids = ids};
        struct ec2_TerminateInstancesResult res = {0};

        return api_call_internal(call, "ec2", "TerminateInstances", &req, &res, CLOUDWATCH_VIA);
    }
    case REBOOT: {
        struct ec2_RebootInstancesRequest req = {.instance_ids = ids};
        struct ec2_RebootInstancesResult res = {0};

        return api_call_internal(call, "ec2", "RebootInstances", &req, &res, CLOUDWATCH_VIA);
    }
    case RECOVER:
        return recover(call, id);
    }
    return error_origin(EINVAL, "no action %.*s", STR_ARG(arn));
}
