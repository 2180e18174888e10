/* What tests of SNS and SQS have in common. */
#pragma once

#include "harness/posts.h"

#define SNS_ARN "arn:aws:sns:us-east-1:000000000000:"
#define SQS_ARN "arn:aws:sqs:us-east-1:000000000000:"
#define SQS_URL "https://sqs.us-east-1.amazonaws.com/000000000000/"
#define SQ(w, op, json) world_json_ok(w, "sqs", op, json)
#define SQF(w, op, ...) world_json_okf(w, "sqs", op, __VA_ARGS__)

static inline void UNUSED
sns_topic(struct world *w, const char *name)
{
    world_okf(w, "Action=CreateTopic&Version=2010-03-31&Name=%s", name);
}

/* A queue that takes what SNS sends. */
static inline void UNUSED
sqs_open_queue(struct world *w, const char *name, const char *more)
{
    SQF(w, "CreateQueue",
        "{\"QueueName\": \"%s\", \"Attributes\": {%s\"Policy\": "
        "\"{\\\"Version\\\":\\\"2012-10-17\\\","
        "\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"Service\\\":["
        "\\\"sns.amazonaws.com\\\",\\\"s3.amazonaws.com\\\",\\\"events.amazonaws.com\\\"]},"
        "\\\"Action\\\":\\\"sqs:SendMessage\\\",\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{"
        "\\\"ArnLike\\\":{\\\"aws:SourceArn\\\":[\\\"arn:aws:*:*:*:*\\\"]}}}]}\"}}",
        name, more);
}

static inline struct str UNUSED
sqs_take(struct world *w, const char *name)
{
    return SQF(w, "ReceiveMessage",
               "{'QueueUrl': '" SQS_URL
               "%s', 'MaxNumberOfMessages': 10, 'AttributeNames': ['All'], "
               "'MessageAttributeNames': ['All']}",
               name);
}

static inline struct str UNUSED
sns_subscribe(struct world *w, const char *topic, const char *protocol, const char *endpoint,
              const char *more)
{
    return xml_text(world_okf(w,
                              "Action=Subscribe&Version=2010-03-31&TopicArn=" SNS_ARN
                              "%s&Protocol=%s&Endpoint=%s&ReturnSubscriptionArn=true%s",
                              topic, protocol, endpoint, more),
                    "SubscriptionArn");
}

static inline struct str UNUSED
sns_publish_to(struct world *w, const char *topic, const char *more)
{
    return world_okf(w, "Action=Publish&Version=2010-03-31&TopicArn=" SNS_ARN "%s&%s", topic, more);
}
