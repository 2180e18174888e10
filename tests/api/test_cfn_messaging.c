/* Stacks with topics and queues, and stacks that tell topics. */
#include "cfn_help.h"
#undef V
#include "sns_help.h"

#define V "&Version=2010-05-15"

static const char *const template =
    "Resources:\n"
    "  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}\n"
    "  Queue:\n"
    "    Type: AWS::SQS::Queue\n"
    "    Properties:\n"
    "      QueueName: q\n"
    "      VisibilityTimeout: %d\n"
    "      Tags: [{Key: a, Value: b}]\n"
    "      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}\n"
    "  Topic: {Type: 'AWS::SNS::Topic', Properties: {TopicName: t, DisplayName: '%s'}}\n"
    "  Policy:\n"
    "    Type: AWS::SQS::QueuePolicy\n"
    "    Properties:\n"
    "      Queues: [!Ref Queue]\n"
    "      PolicyDocument:\n"
    "        Version: '2012-10-17'\n"
    "        Statement:\n"
    "          - {Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: "
    "'sqs:SendMessage', Resource: !GetAtt Queue.Arn, Condition: {ArnEquals: {'aws:SourceArn': "
    "!Ref Topic}}}\n"
    "  Open:\n"
    "    Type: AWS::SNS::TopicPolicy\n"
    "    Properties:\n"
    "      Topics: [!Ref Topic]\n"
    "      PolicyDocument:\n"
    "        Version: '2012-10-17'\n"
    "        Statement:\n"
    "          - {Effect: Allow, Principal: {AWS: '*'}, Action: 'sns:Publish', Resource: !Ref "
    "Topic}\n"
    "  Subscription:\n"
    "    Type: AWS::SNS::Subscription\n"
    "    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn, "
    "RawMessageDelivery: true, FilterPolicy: {kind: [x]}, FilterPolicyScope: MessageBody}\n"
    "Outputs:\n"
    "  Url: {Value: !Ref Queue}\n"
    "  Name: {Value: !GetAtt Topic.TopicName}\n";

static struct str
told(struct world *w)
{
    return world_ok(w, "Action=DescribeStacks" V "&StackName=s");
}

TEST(a_stack_has_topics_and_queues, "SNS-04")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", "", test_fmt(template, 40, "one")));
    world_settle(w);
    struct str got = told(w);

    if (!str_is(xml_text(got, "StackStatus"), "CREATE_COMPLETE"))
        FAIL("%.*s", STR_ARG(world_ok(w, "Action=DescribeStackEvents" V "&StackName=s")));
    CHECK_STR(xml_text(xml_where(got, "member", "OutputKey", "Url"), "OutputValue"), SQS_URL "q");
    CHECK_STR(xml_text(xml_where(got, "member", "OutputKey", "Name"), "OutputValue"), "t");
    sns_publish_to(w, "t", "Message=%7B%22kind%22:%22x%22%7D");
    sns_publish_to(w, "t", "Message=%7B%22kind%22:%22y%22%7D");
    got = sqs_take(w, "q");
    CHECK_INT(json_count(got, "Messages"), 1);
    CHECK_STR(json_path(got, "Messages.0.Body"), "{\"kind\":\"x\"}");
    CHECK_OK(w, update(w, "s", "", test_fmt(template, 50, "two")));
    world_settle(w);
    CHECK_STR(xml_text(told(w), "StackStatus"), "UPDATE_COMPLETE");
    got = SQ(w, "GetQueueAttributes", "{'QueueUrl': '" SQS_URL "q', 'AttributeNames': ['All']}");
    CHECK_STR(json_path(got, "Attributes.VisibilityTimeout"), "50");
    got = world_ok(w, "Action=GetTopicAttributes&Version=2010-03-31&TopicArn=" SNS_ARN "t");
    CHECK_STR(xml_text(xml_where(got, "entry", "key", "DisplayName"), "value"), "two");
    world_ok(w, "Action=DeleteStack" V "&StackName=s");
    world_settle(w);
    CHECK_INT(json_count(SQ(w, "ListQueues", "{}"), "QueueUrls"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=ListTopics&Version=2010-03-31"), "TopicArn"), 0);
    world_free(w);
}

TEST(a_stack_tells_its_topics)
{
    struct world *w = world_new();

    sns_topic(w, "t");
    sqs_open_queue(w, "q", "");
    sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");
    CHECK_OK(w, create(w, "s", "&NotificationARNs.member.1=" SNS_ARN "t",
                       "Resources: {It: {Type: 'AWS::SQS::Queue', Properties: {QueueName: it}}}"));
    world_settle(w);
    struct str got = sqs_take(w, "q"), body = json_path(got, "Messages.0.Body");
    struct str text = json_path(body, "Message");

    CHECK_STR(json_path(body, "Subject"), "AWS CloudFormation Notification");
    CHECK(str_starts(text, S("StackId='arn:aws:cloudformation:us-east-1:000000000000:stack/s/")));
    CHECK(str_find(text, S("\nResourceStatus='CREATE_IN_PROGRESS'\n")) != SIZE_MAX);
    CHECK(json_count(got, "Messages") >= 4);
    world_free(w);
}

TEST(a_custom_resource_is_asked_for_by_a_topic, "CFNX-01")
{
    struct world *w = world_new();

    sns_topic(w, "t");
    sqs_open_queue(w, "q", "");
    sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");
    CHECK_OK(w,
             create(w, "s", "",
                    "Resources: {It: {Type: 'Custom::Thing', Properties: {ServiceToken: '" SNS_ARN
                    "t', Colour: red}}}"));
    world_settle(w);
    struct str body = json_path(sqs_take(w, "q"), "Messages.0.Body");
    struct str message = json_path(body, "Message");

    CHECK_STR(json_path(body, "Subject"), "AWS CloudFormation custom resource request");
    CHECK_STR(json_path(message, "RequestType"), "Create");
    CHECK_STR(json_path(message, "ResourceType"), "Custom::Thing");
    CHECK_STR(json_path(message, "LogicalResourceId"), "It");
    CHECK_STR(json_path(message, "ResourceProperties.Colour"), "red");
    CHECK(str_starts(json_path(message, "ResponseURL"), S("https://cloudformation-custom-resource-"
                                                          "response-useast1.s3.amazonaws.com/")));
    world_free(w);
}
