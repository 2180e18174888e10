/* SNS: topics, subscriptions, and what becomes of a message. */
#include "lambda_help.h"
#include "sns_help.h"

#include <stdlib.h>

#define V "&Version=2010-03-31"
#define T "&TopicArn=" SNS_ARN "t"

static struct world *
with_topic(void)
{
    struct world *w = world_new();

    sns_topic(w, "t");
    return w;
}

static struct str
attribute(struct str reply, const char *name)
{
    return xml_text(xml_where(reply, "entry", "key", name), "value");
}

TEST(a_topic_has_attributes_tags_and_a_policy)
{
    struct world *w = with_topic();
    struct str got = world_ok(w, "Action=GetTopicAttributes" V T);

    CHECK_STR(attribute(got, "Owner"), "000000000000");
    CHECK_STR(attribute(got, "TopicArn"), SNS_ARN "t");
    CHECK_STR(attribute(got, "SubscriptionsConfirmed"), "0");
    CHECK_STR(attribute(got, "DisplayName"), "");
    CHECK(str_find(attribute(got, "Policy"), S("__default_statement_ID")) != SIZE_MAX);
    world_ok(w, "Action=SetTopicAttributes" V T "&AttributeName=DisplayName&AttributeValue=Bell");
    CHECK_STR(attribute(world_ok(w, "Action=GetTopicAttributes" V T), "DisplayName"), "Bell");
    world_refused(w, "InvalidParameter",
                  "Invalid parameter: Attributes Reason: Topic already exists with different "
                  "attributes",
                  "Action=CreateTopic" V "&Name=t&Attributes.entry.1.key=DisplayName&"
                  "Attributes.entry.1.value=Other");
    world_refused(w, "InvalidParameter",
                  "Invalid parameter: Tags Reason: Topic already exists with different tags",
                  "Action=CreateTopic" V "&Name=t&Tags.member.1.Key=a&Tags.member.1.Value=b");
    world_ok(w, "Action=TagResource" V "&ResourceArn=" SNS_ARN
                "t&Tags.member.1.Key=a&Tags.member.1.Value=b");
    CHECK_STR(
        xml_text(world_ok(w, "Action=ListTagsForResource" V "&ResourceArn=" SNS_ARN "t"), "Value"),
        "b");
    world_ok(w, "Action=UntagResource" V "&ResourceArn=" SNS_ARN "t&TagKeys.member.1=a");
    CHECK_INT(
        xml_count(world_ok(w, "Action=ListTagsForResource" V "&ResourceArn=" SNS_ARN "t"), "Key"),
        0);
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=ListTopics" V), "TopicArn"), SNS_ARN "t");
    world_ok(w, "Action=DeleteTopic" V T);
    world_ok(w, "Action=DeleteTopic" V T);
    world_refused(w, "NotFound", "Topic does not exist", "Action=GetTopicAttributes" V T);
    world_refused(w, "InvalidParameter",
                  "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
                  "Action=GetTopicAttributes" V "&TopicArn=x");
    world_refused(w, "InvalidParameter", NULL, "Action=CreateTopic" V "&Name=a.b");
    world_free(w);
}

TEST(topics_come_by_pages)
{
    struct world *w = world_new();

    for (int i = 0; i < 101; i++)
        sns_topic(w, test_cstr(str_fmt(&w->arena, "t%03d", i)));
    struct str page = world_ok(w, "Action=ListTopics" V);

    CHECK_INT(xml_count(page, "TopicArn"), 100);
    page = world_okf(w, "Action=ListTopics" V "&NextToken=%s", xml_cstr(page, "NextToken"));
    CHECK_STR(xml_text(page, "TopicArn"), SNS_ARN "t100");
    world_refused(w, "InvalidParameter", NULL, "Action=ListTopics" V "&NextToken=x");
    world_free(w);
}

TEST(a_message_reaches_each_queue_once)
{
    struct world *w = with_topic();

    sqs_open_queue(w, "q", "");
    sqs_open_queue(w, "raw", "");
    SQ(w, "CreateQueue", "{'QueueName': 'closed'}");
    struct str arn = sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");

    CHECK(str_starts(arn, S(SNS_ARN "t:")));
    CHECK(str_eq(sns_subscribe(w, "t", "sqs", SQS_ARN "q", ""), arn));
    sns_subscribe(w, "t", "sqs", SQS_ARN "raw",
                  "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true");
    sns_subscribe(w, "t", "sqs", SQS_ARN "closed", "");
    struct str id =
        xml_text(sns_publish_to(w, "t",
                                "Message=hello&Subject=Hi&MessageAttributes.entry.1.Name=a&"
                                "MessageAttributes.entry.1.Value.DataType=String&"
                                "MessageAttributes.entry.1.Value.StringValue=b"),
                 "MessageId");

    world_crash(w);
    struct str got = sqs_take(w, "q"), body = json_path(got, "Messages.0.Body");

    CHECK_INT(json_count(got, "Messages"), 1);
    CHECK_STR(json_path(body, "Type"), "Notification");
    CHECK(str_eq(json_path(body, "MessageId"), id));
    CHECK_STR(json_path(body, "Message"), "hello");
    CHECK_STR(json_path(body, "Subject"), "Hi");
    CHECK_STR(json_path(body, "MessageAttributes.a.Value"), "b");
    CHECK_STR(json_path(body, "SignatureVersion"), "1");
    CHECK(json_path(body, "Signature").n > 300);
    CHECK(str_starts(json_path(body, "SigningCertURL"),
                     S("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-")));
    got = sqs_take(w, "raw");
    CHECK_STR(json_path(got, "Messages.0.Body"), "hello");
    CHECK_STR(json_path(got, "Messages.0.MessageAttributes.a.StringValue"), "b");
    CHECK_STR(json_path(got, "Messages.0.Attributes.SenderId"), "sns.amazonaws.com");
    CHECK_INT(json_count(sqs_take(w, "closed"), "Messages"), 0);
    CHECK_STR(attribute(world_ok(w, "Action=GetTopicAttributes" V T), "SubscriptionsConfirmed"),
              "3");
    world_okf(w, "Action=Unsubscribe" V "&SubscriptionArn=%.*s", STR_ARG(arn));
    sns_publish_to(w, "t", "Message=again");
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    CHECK_INT(json_count(sqs_take(w, "raw"), "Messages"), 1);
    world_free(w);
}

TEST(filters_choose_messages)
{
    static const struct {
        const char *scope, *filter, *publish;
        bool passes;
    } rows[] = {
        {"MessageAttributes", "{\"a\":[\"b\"]}", "Message=x", false},
        {"MessageAttributes", "{\"a\":[\"b\"]}",
         "Message=x&"
         "a:String:b",
         true},
        {"MessageAttributes", "{\"a\":[{\"numeric\":[\">\",5]}]}", "a:Number:6", true},
        {"MessageAttributes", "{\"a\":[{\"numeric\":[\">\",5]}]}", "a:Number:4", false},
        {"MessageAttributes", "{\"a\":[{\"prefix\":\"x\"}]}", "a:String.Array:[\"y\",\"xz\"]",
         true},
        {"MessageAttributes", "{\"a\":[{\"exists\":false}]}", "Message=x", true},
        {"MessageBody", "{\"o\":{\"k\":[1]}}", "Message={\"o\":{\"k\":1}}", true},
        {"MessageBody", "{\"o\":{\"k\":[1]}}", "Message={\"o\":{\"k\":2}}", false},
        {"MessageBody", "{\"o\":{\"k\":[1]}}", "Message=text", false},
    };
    struct world *w = with_topic();

    sqs_open_queue(w, "q", "");
    const char *arn = test_cstr(sns_subscribe(w, "t", "sqs", SQS_ARN "q", ""));

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str said = str_from(rows[i].publish), form;
        size_t at = str_find(said, S("a:"));

        world_okf(w,
                  "Action=SetSubscriptionAttributes" V "&SubscriptionArn=%s&AttributeName="
                  "FilterPolicy&AttributeValue=",
                  arn);
        world_okf(w,
                  "Action=SetSubscriptionAttributes" V "&SubscriptionArn=%s&AttributeName="
                  "FilterPolicyScope&AttributeValue=%s",
                  arn, rows[i].scope);
        world_okf(w,
                  "Action=SetSubscriptionAttributes" V "&SubscriptionArn=%s&AttributeName="
                  "FilterPolicy&AttributeValue=%.*s",
                  arn, STR_ARG(world_code(w, str_from(rows[i].filter))));
        if (at != SIZE_MAX) {
            struct str rest = str_cut(said, at + 2, said.n), type = str_split(&rest, ':');

            form = str_fmt(&w->arena,
                           "Message=x&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1."
                           "Value.DataType=%.*s&MessageAttributes.entry.1.Value.StringValue=%.*s",
                           STR_ARG(type), STR_ARG(world_code(w, rest)));
        } else {
            form = str_fmt(&w->arena, "Message=%.*s",
                           STR_ARG(world_code(w, str_cut(said, 8, said.n))));
        }
        sns_publish_to(w, "t", test_cstr(form));
        if ((json_count(sqs_take(w, "q"), "Messages") == 1) != rows[i].passes)
            FAIL("row %zu", i);
    }
    static const char *const bad[] = {
        "{",
        "[]",
        "{\"a\":\"b\"}",
        "{\"a\":[]}",
        "{\"a\":[{\"like\":\"x\"}]}",
        "{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1]}"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, "InvalidParameter", NULL,
                       "Action=SetSubscriptionAttributes" V "&SubscriptionArn=%s&AttributeName="
                       "FilterPolicy&AttributeValue=%.*s",
                       arn, STR_ARG(world_code(w, str_from(bad[i]))));
    world_free(w);
}

TEST(an_http_endpoint_confirms_and_is_retried)
{
    struct world *w = with_topic();
    size_t n;

    world_posts(w, 200);
    CHECK_STR(
        xml_text(world_ok(w, "Action=Subscribe" V T "&Protocol=http&Endpoint=http://a.test/x"),
                 "SubscriptionArn"),
        "pending confirmation");
    world_advance(w, 100);
    const struct posted *p = world_posted(w, &n);

    CHECK_INT(n, 1);
    CHECK_STR(p->url, "http://a.test/x");
    CHECK_STR(posted_header(p, "x-amz-sns-message-type"), "SubscriptionConfirmation");
    CHECK_STR(json_path(p->body, "Type"), "SubscriptionConfirmation");
    struct str token = json_path(p->body, "Token");

    sns_publish_to(w, "t", "Message=early");
    world_refused(w, "InvalidParameter", "Invalid parameter: Token",
                  "Action=ConfirmSubscription" V T "&Token=abc");
    struct str arn =
        xml_text(world_okf(w, "Action=ConfirmSubscription" V T "&Token=%.*s", STR_ARG(token)),
                 "SubscriptionArn");

    sns_publish_to(w, "t", "Message=first");
    world_advance(w, 100);
    p = world_posted(w, &n);
    CHECK_INT(n, 1);
    CHECK_STR(json_path(p->body, "Message"), "first");
    CHECK(str_eq(posted_header(p, "x-amz-sns-subscription-arn"), arn));
    CHECK_STR(posted_header(p, "Content-Type"), "text/plain; charset=UTF-8");
    /* three retries, each after 20 seconds; a crash between them changes nothing */
    world_posts(w, 500);
    sns_publish_to(w, "t", "Message=second");
    for (int i = 0; i < 3; i++) {
        world_advance(w, 19000);
        if (i == 1)
            world_crash(w);
        world_advance(w, 2000);
    }
    world_posted(w, &n);
    CHECK_INT(n, 4);
    world_advance(w, 3600000);
    world_posted(w, &n);
    CHECK_INT(n, 0);
    /* what the endpoint will never take is not sent again */
    world_posts(w, 403);
    sns_publish_to(w, "t", "Message=third");
    world_advance(w, 100000);
    world_posted(w, &n);
    CHECK_INT(n, 1);
    world_posts(w, 200);
    world_okf(w, "Action=Unsubscribe" V "&SubscriptionArn=%.*s", STR_ARG(arn));
    world_advance(w, 100);
    p = world_posted(w, &n);
    CHECK_INT(n, 1);
    CHECK_STR(json_path(p->body, "Type"), "UnsubscribeConfirmation");
    world_free(w);
}

TEST(what_cannot_be_delivered_goes_to_the_dead_letter_queue)
{
    struct world *w = with_topic();
    struct str policy = world_code(w, S("{\"deadLetterTargetArn\":\"" SQS_ARN "dead\"}"));

    sqs_open_queue(w, "dead", "");
    SQ(w, "CreateQueue", "{'QueueName': 'closed'}");
    sns_subscribe(w, "t", "sqs", SQS_ARN "closed",
                  test_cstr(str_fmt(&w->arena,
                                    "&Attributes.entry.1.key=RedrivePolicy&"
                                    "Attributes.entry.1.value=%.*s",
                                    STR_ARG(policy))));
    sns_publish_to(w, "t", "Message=lost");
    struct str got = sqs_take(w, "dead");

    CHECK_STR(json_path(json_path(got, "Messages.0.Body"), "Message"), "lost");
    CHECK_STR(json_path(got, "Messages.0.MessageAttributes.ErrorCode.StringValue"), "400");
    world_free(w);
}

TEST(messages_that_cannot_be_are_refused_by_name)
{
    struct world *w = with_topic();
    static const struct {
        const char *message, *form;
    } rows[] = {
        {"Invalid parameter: Empty message", "Message="},
        {"Invalid parameter: Subject", "Message=x&Subject="},
        {"Invalid parameter: Subject", "Message=x&Subject=a%0Ab"},
        {"Invalid parameter: MessageStructure", "Message=x&MessageStructure=xml"},
        {"Invalid parameter: Message Structure - JSON message body failed to parse",
         "Message=x&MessageStructure=json"},
        {"Invalid parameter: Message Structure - No default entry in JSON message body",
         "Message=%7B%22sqs%22:%22x%22%7D&MessageStructure=json"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, "InvalidParameter", rows[i].message, "Action=Publish" V T "&%s",
                       rows[i].form);
    char *large = malloc(262146);

    memset(large, 'x', 262145);
    large[262145] = '\0';
    world_refusedf(w, "InvalidParameter", "Invalid parameter: Message too long",
                   "Action=Publish" V T "&Message=%s", large);
    free(large);
    world_refused(w, "InvalidParameter", NULL,
                  "Action=Publish" V "&PhoneNumber=%2B15555550100&Message=x");
    world_refused(w, "ParameterValueInvalid", NULL,
                  "Action=Publish" V T "&Message=x&MessageAttributes.entry.1.Name=a&"
                  "MessageAttributes.entry.1.Value.DataType=Float&"
                  "MessageAttributes.entry.1.Value.StringValue=1");
    static const struct {
        const char *code, *form;
    } subscriptions[] = {
        {"InvalidParameter", "Protocol=pigeon&Endpoint=x"},
        {"InvalidParameter", "Protocol=http&Endpoint=https://x"},
        {"InvalidParameter", "Protocol=sqs&Endpoint=x"},
        {"InvalidParameter", "Protocol=sms&Endpoint=%2B15555550100"},
        {"InvalidParameter", "Protocol=sqs&Endpoint=" SQS_ARN "x.fifo"},
        {"InvalidParameter", "Protocol=email&Endpoint=nobody"},
        {"InvalidParameter", "Protocol=lambda&Endpoint=x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(subscriptions); i++)
        world_refusedf(w, subscriptions[i].code, NULL, "Action=Subscribe" V T "&%s",
                       subscriptions[i].form);
    world_free(w);
}

TEST(a_batch_fails_message_by_message)
{
    struct world *w = with_topic();
#define E(n) "PublishBatchRequestEntries.member." n
    sqs_open_queue(w, "q", "");
    sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");
    struct str got = world_ok(w, "Action=PublishBatch" V T "&" E("1.Id") "=a&" E(
                                     "1.Message") "=one&" E("2.Id") "=b&" E("2.Message") "=");

    CHECK_STR(xml_text(xml_element(got, "Successful"), "Id"), "a");
    CHECK_STR(xml_text(xml_element(got, "Failed"), "Id"), "b");
    CHECK_STR(xml_text(xml_element(got, "Failed"), "Code"), "InvalidParameter");
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 1);
    world_refused(w, "BatchEntryIdsNotDistinct", NULL,
                  "Action=PublishBatch" V T
                  "&" E("1.Id") "=a&" E("1.Message") "=one&" E("2.Id") "=a&" E("2.Message") "=two");
    world_refused(w, "InvalidBatchEntryId", NULL,
                  "Action=PublishBatch" V T "&" E("1.Id") "=a.b&" E("1.Message") "=one");
    world_free(w);
}

TEST(a_fifo_topic_keeps_order_and_drops_repetitions)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateTopic" V "&Name=f.fifo&Attributes.entry.1.key=FifoTopic&"
                "Attributes.entry.1.value=true");
    sqs_open_queue(w, "f.fifo", "\"FifoQueue\": \"true\", ");
    sns_subscribe(w, "f.fifo", "sqs", SQS_ARN "f.fifo",
                  "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true");
    world_refused(w, "InvalidParameter",
                  "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
                  "Action=Publish" V "&TopicArn=" SNS_ARN "f.fifo&Message=1");
    struct str first =
        sns_publish_to(w, "f.fifo", "Message=1&MessageGroupId=g&MessageDeduplicationId=x");
    struct str again =
        sns_publish_to(w, "f.fifo", "Message=1&MessageGroupId=g&MessageDeduplicationId=x");

    CHECK(str_eq(xml_text(first, "SequenceNumber"), xml_text(again, "SequenceNumber")));
    sns_publish_to(w, "f.fifo", "Message=2&MessageGroupId=g&MessageDeduplicationId=y");
    struct str got = sqs_take(w, "f.fifo");

    CHECK_INT(json_count(got, "Messages"), 2);
    CHECK_STR(json_path(got, "Messages.0.Body"), "1");
    CHECK_STR(json_path(got, "Messages.1.Attributes.MessageGroupId"), "g");
    world_free(w);
}

TEST(permissions_let_other_accounts_publish)
{
    struct world *w = with_topic();

    world_account(w, "111111111111", "us-east-1");
    world_refused(w, "AuthorizationError", NULL, "Action=Publish" V T "&Message=x");
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=AddPermission" V T "&Label=l&AWSAccountId.member.1=111111111111&"
                "ActionName.member.1=Publish");
    world_refused(w, "InvalidParameter", "Invalid parameter: Statement already exists",
                  "Action=AddPermission" V T "&Label=l&AWSAccountId.member.1=111111111111&"
                  "ActionName.member.1=Publish");
    world_refused(w, "InvalidParameter",
                  "Invalid parameter: Policy statement action out of service scope!",
                  "Action=AddPermission" V T "&Label=m&AWSAccountId.member.1=111111111111&"
                  "ActionName.member.1=Fly");
    world_account(w, "111111111111", "us-east-1");
    world_ok(w, "Action=Publish" V T "&Message=x");
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=RemovePermission" V T "&Label=l");
    world_account(w, "111111111111", "us-east-1");
    world_refused(w, "AuthorizationError", NULL, "Action=Publish" V T "&Message=x");
    world_free(w);
}

TEST(a_subscription_of_an_address_waits_and_ends)
{
    struct world *w = with_topic();

    world_ok(w, "Action=Subscribe" V T "&Protocol=email&Endpoint=a@example.com");
    struct str got = world_ok(w, "Action=ListSubscriptionsByTopic" V T);

    CHECK_STR(xml_text(got, "SubscriptionArn"), "PendingConfirmation");
    CHECK_STR(attribute(world_ok(w, "Action=GetTopicAttributes" V T), "SubscriptionsPending"), "1");
    world_jump(w, 2 * 86400000LL + 1000);
    CHECK_INT(xml_count(world_ok(w, "Action=ListSubscriptions" V), "SubscriptionArn"), 0);
    world_free(w);
}
