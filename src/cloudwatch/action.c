/*
 * The actions of alarms.  A system that is not there has a row too: alarms may name it, as their
 * templates do, and when the action falls due it fails with a sentence in the alarm's history.
 */
#include "cloudwatch/action.h"
#include "cloudwatch/ec2.h"

static const struct api_error not_there = {"UnsupportedOperation", 501};

static int
no_system(struct api_call *call, const struct cloudwatch_alarm_row *alarm UNUSED, struct str arn)
{
    str_split(&arn, ':');
    str_split(&arn, ':');
    struct str service = str_split(&arn, ':');

    return api_fault(call, &not_there, "Welkin does not have the service %.*s", STR_ARG(service));
}

static const struct cloudwatch_action actions[] = {
    {"arn:aws:sns:*:*:*", NULL, no_system},
    {"arn:aws:autoscaling:*:*:scalingPolicy:*", NULL, no_system},
    {"arn:aws:automate:*:ec2:stop", cloudwatch_ec2_check, cloudwatch_ec2_run},
    {"arn:aws:automate:*:ec2:terminate", cloudwatch_ec2_check, cloudwatch_ec2_run},
    {"arn:aws:automate:*:ec2:reboot", cloudwatch_ec2_check, cloudwatch_ec2_run},
    {"arn:aws:automate:*:ec2:recover", cloudwatch_ec2_check, cloudwatch_ec2_run},
    {"arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Stop/1.0", cloudwatch_ec2_check,
     cloudwatch_ec2_run},
    {"arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Terminate/1.0", cloudwatch_ec2_check,
     cloudwatch_ec2_run},
    {"arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Reboot/1.0", cloudwatch_ec2_check,
     cloudwatch_ec2_run},
    {"arn:aws:swf:*:*:action/actions/AWS_EC2.InstanceId.Recover/1.0", cloudwatch_ec2_check,
     cloudwatch_ec2_run},
};

const struct cloudwatch_action *
cloudwatch_action_find(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_glob(str_from(actions[i].pattern), arn))
            return &actions[i];
    return NULL;
}
