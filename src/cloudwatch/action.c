/*
 * The actions of alarms.  A system that is not there has a row too: alarms may name it, as their
 * templates do, and when the action falls due it fails with a sentence in the alarm's history.
 */
#include "cloudwatch/action.h"

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
};

const struct cloudwatch_action *
cloudwatch_action_find(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_glob(str_from(actions[i].pattern), arn))
            return &actions[i];
    return NULL;
}
