/*
 * EC2's side of CloudWatch: its metrics, collected each minute, and the actions that alarms have on
 * instances.  Services share rows alone: what is measured is in host_usage and host_credit, how
 * instances fare is asked of DescribeInstanceStatus, and what is done to them is done by EC2's own
 * calls.
 */
#pragma once

#include "cloudwatch/action.h"
#include "gen/api/ec2.h"
#include "loop/loop.h"

#define CLOUDWATCH_VIA "monitoring.amazonaws.com"

/* Begins to collect.  0 or -errno. */
struct cloudwatch_ec2;
int cloudwatch_ec2_new(struct cloudwatch_ec2 **ret, struct loop *loop, struct store *store,
                       struct api *api);
struct cloudwatch_ec2 *cloudwatch_ec2_free(struct cloudwatch_ec2 *collector);

/* What DescribeInstanceTypes says of a type.  0, positive or negative as a call. */
int cloudwatch_ec2_type(struct api_call *call, struct str name,
                        const struct ec2_InstanceTypeInfo **ret);

/* Of a row of the table of actions, for ARNs of EC2's: see struct cloudwatch_action. */
int cloudwatch_ec2_check(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                         struct str arn);
int
cloudwatch_ec2_run(struct api_call *call, const struct cloudwatch_alarm_row *alarm, struct str arn);
