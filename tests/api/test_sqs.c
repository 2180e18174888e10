/* SQS by both of its protocols. */
#include "gen/store/sqs_rows.h"
#include "sns_help.h"

#define U "'QueueUrl': '" SQS_URL "q'"

static struct world *
with_queue(const char *attributes)
{
    struct world *w = world_new();

    SQF(w, "CreateQueue", "{'QueueName': 'q', 'Attributes': {%s}}", attributes);
    return w;
}

static const char *
attribute(struct world *w, const char *name)
{
    return test_cstr(
        json_path(SQF(w, "GetQueueAttributes", "{" U ", 'AttributeNames': ['%s']}", name),
                  test_cstr(str_fmt(&w->arena, "Attributes.%s", name))));
}

static const char *
handle_of(struct world *w)
{
    return test_cstr(json_path(sqs_take(w, "q"), "Messages.0.ReceiptHandle"));
}

TEST(a_message_is_sent_received_and_deleted, "SQS-01")
{
    struct world *w = with_queue("");
    struct str sent = SQ(w, "SendMessage",
                         "{" U ", 'MessageBody': 'hello', 'MessageAttributes': {'a': {'DataType': "
                         "'String', 'StringValue': 'b'}}}");

    CHECK_STR(json_path(sent, "MD5OfMessageBody"), "5d41402abc4b2a76b9719d911017c592");
    /* of the lengths and bytes of a and String, of 1, and of b */
    CHECK_STR(json_path(sent, "MD5OfMessageAttributes"), "bef8bf215374a0a228d67533b1a488be");
    CHECK_STR(str_from(attribute(w, "ApproximateNumberOfMessages")), "1");
    struct str got = sqs_take(w, "q");

    CHECK_STR(json_path(got, "Messages.0.Body"), "hello");
    CHECK(str_eq(json_path(got, "Messages.0.MessageId"), json_path(sent, "MessageId")));
    CHECK_STR(json_path(got, "Messages.0.MessageAttributes.a.StringValue"), "b");
    CHECK_STR(json_path(got, "Messages.0.Attributes.ApproximateReceiveCount"), "1");
    CHECK_STR(json_path(got, "Messages.0.Attributes.SenderId"), "000000000000");
    CHECK_STR(str_from(attribute(w, "ApproximateNumberOfMessages")), "0");
    CHECK_STR(str_from(attribute(w, "ApproximateNumberOfMessagesNotVisible")), "1");
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    SQF(w, "DeleteMessage", "{" U ", 'ReceiptHandle': '%s'}",
        test_cstr(json_path(got, "Messages.0.ReceiptHandle")));
    world_advance(w, 31000);
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    world_free(w);
}

TEST(the_query_protocol_says_the_same, "SQS-01")
{
    struct world *w = world_new();
#define V "&Version=2012-11-05"
#define Q V "&QueueUrl=" SQS_URL "q"
    CHECK_STR(
        xml_text(world_ok(w, "Action=CreateQueue" V "&QueueName=q&Attribute.1.Name="
                             "VisibilityTimeout&Attribute.1.Value=7&Tag.1.Key=k&Tag.1.Value=v"),
                 "QueueUrl"),
        SQS_URL "q");
    struct str sent = world_ok(w, "Action=SendMessage" Q "&MessageBody=hello&MessageAttribute.1."
                                  "Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute"
                                  ".1.Value.StringValue=b");

    CHECK_STR(xml_text(sent, "MD5OfMessageBody"), "5d41402abc4b2a76b9719d911017c592");
    struct str got = world_ok(w, "Action=ReceiveMessage" Q "&AttributeName.1=All&"
                                 "MessageAttributeName.1=a&MaxNumberOfMessages=2");

    CHECK_INT(xml_count(got, "Message"), 1);
    CHECK_STR(xml_text(got, "Body"), "hello");
    CHECK_STR(xml_text(xml_where(got, "Attribute", "Name", "ApproximateReceiveCount"), "Value"),
              "1");
    CHECK_STR(xml_text(xml_element(got, "MessageAttribute"), "StringValue"), "b");
    struct str all = world_ok(w, "Action=GetQueueAttributes" Q "&AttributeName.1=All");

    CHECK_STR(xml_text(xml_where(all, "Attribute", "Name", "VisibilityTimeout"), "Value"), "7");
    CHECK_STR(xml_text(world_ok(w, "Action=ListQueueTags" Q), "Key"), "k");
    got = world_ok(w, "Action=SendMessageBatch" Q "&SendMessageBatchRequestEntry.1.Id=x&"
                      "SendMessageBatchRequestEntry.1.MessageBody=one");
    CHECK_STR(xml_text(xml_element(got, "SendMessageBatchResultEntry"), "Id"), "x");
    CHECK_STR(xml_text(world_ok(w, "Action=ListQueues" V), "QueueUrl"), SQS_URL "q");
    world_refused(w, "AWS.SimpleQueueService.NonExistentQueue",
                  "The specified queue does not exist.", "Action=GetQueueUrl" V "&QueueName=none");
    world_refused(w, "AWS.SimpleQueueService.EmptyBatchRequest", NULL,
                  "Action=DeleteMessageBatch" Q "&DeleteMessageBatchRequestEntry=");
    world_free(w);
}

TEST(what_is_not_deleted_comes_back)
{
    struct world *w = with_queue("'VisibilityTimeout': '5'");

    SQ(w, "SendMessage", "{" U ", 'MessageBody': 'x'}");
    const char *handle = handle_of(w);

    world_advance(w, 4000);
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    SQF(w, "ChangeMessageVisibility", "{" U ", 'ReceiptHandle': '%s', 'VisibilityTimeout': 10}",
        handle);
    world_advance(w, 9000);
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    world_crash(w);
    world_advance(w, 1000);
    struct str got = sqs_take(w, "q");

    CHECK_STR(json_path(got, "Messages.0.Attributes.ApproximateReceiveCount"), "2");
    /* the old handle is of no use any more */
    SQF(w, "DeleteMessage", "{" U ", 'ReceiptHandle': '%s'}", handle);
    handle = test_cstr(json_path(got, "Messages.0.ReceiptHandle"));
    SQF(w, "ChangeMessageVisibility", "{" U ", 'ReceiptHandle': '%s', 'VisibilityTimeout': 0}",
        handle);
    world_json_refusedf(w, "MessageNotInflight", NULL, "sqs", "ChangeMessageVisibility",
                        "{" U ", 'ReceiptHandle': '%s', 'VisibilityTimeout': 0}", handle);
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 1);
    world_free(w);
}

TEST(a_message_that_is_received_too_often_goes_to_the_dead_letter_queue, "SQS-03")
{
    struct world *w = with_queue("'VisibilityTimeout': '1'");

    SQ(w, "CreateQueue", "{'QueueName': 'dead'}");
    SQ(w, "SetQueueAttributes",
       "{\"QueueUrl\": \"" SQS_URL "q\", \"Attributes\": {\"RedrivePolicy\": "
       "\"{\\\"deadLetterTargetArn\\\":\\\"" SQS_ARN "dead\\\",\\\"maxReceiveCount\\\":2}\"}}");
    SQ(w, "SendMessage", "{" U ", 'MessageBody': 'x'}");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 1);
        world_advance(w, 1000);
    }
    CHECK_INT(json_count(sqs_take(w, "dead"), "Messages"), 0);
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    struct str got = sqs_take(w, "dead");

    CHECK_STR(json_path(got, "Messages.0.Body"), "x");
    CHECK_STR(json_path(got, "Messages.0.Attributes.DeadLetterQueueSourceArn"), SQS_ARN "q");
    CHECK_STR(json_path(SQ(w, "ListDeadLetterSourceQueues", "{'QueueUrl': '" SQS_URL "dead'}"),
                        "queueUrls.0"),
              SQS_URL "q");
    world_json_refused(w, "InvalidParameterValue", NULL, "sqs", "SetQueueAttributes",
                       "{\"QueueUrl\": \"" SQS_URL "q\", \"Attributes\": {\"RedrivePolicy\": "
                       "\"{\\\"deadLetterTargetArn\\\":\\\"" SQS_ARN
                       "none\\\",\\\"maxReceiveCount\\\":2}\"}}");
    world_free(w);
}

TEST(a_long_poll_ends_when_a_message_is_there, "SQS-05")
{
    struct world *w = with_queue("");
    int64_t began = w->env.env.now_ms(&w->env.env);

    SQ(w, "SendMessage", "{" U ", 'MessageBody': 'x', 'DelaySeconds': 3}");
    CHECK_STR(str_from(attribute(w, "ApproximateNumberOfMessagesDelayed")), "1");
    CHECK_INT(json_count(SQ(w, "ReceiveMessage", "{" U "}"), "Messages"), 0);
    CHECK_INT(json_count(SQ(w, "ReceiveMessage", "{" U ", 'WaitTimeSeconds': 20}"), "Messages"), 1);
    int64_t took = w->env.env.now_ms(&w->env.env) - began;

    CHECK(took >= 3000 && took < 4000);
    CHECK_INT(json_count(SQ(w, "ReceiveMessage", "{" U ", 'WaitTimeSeconds': 2}"), "Messages"), 0);
    took = w->env.env.now_ms(&w->env.env) - began;
    CHECK(took >= 5000 && took < 7000);
    world_free(w);
}

TEST(a_fifo_queue_keeps_the_order_of_each_group_and_drops_repetitions)
{
    struct world *w = world_new();
#define F "'QueueUrl': '" SQS_URL "f.fifo'"
    world_json_refused(w, "InvalidParameterValue", NULL, "sqs", "CreateQueue",
                       "{'QueueName': 'f', 'Attributes': {'FifoQueue': 'true'}}");
    SQ(w, "CreateQueue",
       "{'QueueName': 'f.fifo', 'Attributes': {'FifoQueue': 'true', 'ContentBasedDeduplication': "
       "'true'}}");
    world_json_refused(w, "MissingParameter",
                       "The request must contain the parameter MessageGroupId.", "sqs",
                       "SendMessage", "{" F ", 'MessageBody': '1'}");
    struct str first = SQ(w, "SendMessage", "{" F ", 'MessageBody': '1', 'MessageGroupId': 'a'}");
    struct str again = SQ(w, "SendMessage", "{" F ", 'MessageBody': '1', 'MessageGroupId': 'a'}");

    CHECK(str_eq(json_path(first, "MessageId"), json_path(again, "MessageId")));
    CHECK(str_eq(json_path(first, "SequenceNumber"), json_path(again, "SequenceNumber")));
    SQ(w, "SendMessage", "{" F ", 'MessageBody': '2', 'MessageGroupId': 'a'}");
    SQ(w, "SendMessage", "{" F ", 'MessageBody': '3', 'MessageGroupId': 'b'}");
    struct str got = SQ(w, "ReceiveMessage", "{" F "}");

    CHECK_STR(json_path(got, "Messages.0.Body"), "1");
    /* group a is blocked */
    struct str other = sqs_take(w, "f.fifo");

    CHECK_INT(json_count(other, "Messages"), 1);
    CHECK_STR(json_path(other, "Messages.0.Body"), "3");
    SQF(w, "DeleteMessage", "{" F ", 'ReceiptHandle': '%s'}",
        test_cstr(json_path(got, "Messages.0.ReceiptHandle")));
    CHECK_STR(json_path(sqs_take(w, "f.fifo"), "Messages.0.Body"), "2");
    world_advance(w, 301000);
    again = SQ(w, "SendMessage", "{" F ", 'MessageBody': '1', 'MessageGroupId': 'a'}");
    CHECK(!str_eq(json_path(first, "MessageId"), json_path(again, "MessageId")));
    world_free(w);
}

TEST(queues_are_made_once_and_their_names_rest_a_minute)
{
    struct world *w = with_queue("'DelaySeconds': '0'");

    SQ(w, "CreateQueue", "{'QueueName': 'q'}");
    SQ(w, "CreateQueue", "{'QueueName': 'q', 'Attributes': {'VisibilityTimeout': '30'}}");
    world_json_refused(w, "QueueNameExists",
                       "A queue already exists with the same name and a different value for "
                       "attribute VisibilityTimeout",
                       "sqs", "CreateQueue",
                       "{'QueueName': 'q', 'Attributes': {'VisibilityTimeout': '31'}}");
    static const struct {
        const char *code, *attributes;
    } bad[] = {
        {"InvalidAttributeName", "'Colour': 'red'"},
        {"InvalidAttributeName", "'ContentBasedDeduplication': 'true'"},
        {"InvalidAttributeValue", "'VisibilityTimeout': '43201'"},
        {"InvalidAttributeValue", "'DelaySeconds': 'x'"},
        {"InvalidAttributeValue", "'Policy': '{'"},
        {"InvalidAttributeValue", "'KmsMasterKeyId': 'alias/x'"},
        {"InvalidAttributeValue", "'MessageRetentionPeriod': '59'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_json_refusedf(w, bad[i].code, NULL, "sqs", "SetQueueAttributes",
                            "{" U ", 'Attributes': {%s}}", bad[i].attributes);
    SQ(w, "SendMessage", "{" U ", 'MessageBody': 'x'}");
    SQ(w, "PurgeQueue", "{" U "}");
    CHECK_STR(str_from(attribute(w, "ApproximateNumberOfMessages")), "0");
    world_json_refused(w, "PurgeQueueInProgress", NULL, "sqs", "PurgeQueue", "{" U "}");
    SQ(w, "DeleteQueue", "{" U "}");
    world_json_refused(w, "QueueDoesNotExist", NULL, "sqs", "DeleteQueue", "{" U "}");
    world_json_refused(w, "QueueDeletedRecently", NULL, "sqs", "CreateQueue", "{'QueueName': 'q'}");
    world_advance(w, 60000);
    SQ(w, "CreateQueue", "{'QueueName': 'q'}");
    CHECK_STR(json_path(SQ(w, "GetQueueUrl", "{'QueueName': 'q'}"), "QueueUrl"), SQS_URL "q");
    world_json_refused(w, "InvalidAddress", NULL, "sqs", "PurgeQueue", "{'QueueUrl': 'q'}");
    world_free(w);
}

TEST(messages_that_cannot_be_are_refused)
{
    struct world *w = with_queue("'MaximumMessageSize': '1024'");
    static const struct {
        const char *code, *operation, *json;
    } rows[] = {
        {"MissingParameter", "SendMessage", "{" U ", 'MessageBody': ''}"},
        {"InvalidMessageContents", "SendMessage", "{" U ", 'MessageBody': '\\u0001'}"},
        {"InvalidParameterValue", "SendMessage",
         "{" U ", 'MessageBody': 'x', 'DelaySeconds': 901}"},
        {"InvalidParameterValue", "SendMessage",
         "{" U ", 'MessageBody': 'x', 'MessageDeduplicationId': 'd'}"},
        {"InvalidParameterValue", "SendMessage",
         "{" U ", 'MessageBody': 'x', 'MessageAttributes': {'a': {'DataType': 'Float', "
         "'StringValue': 'x'}}}"},
        {"InvalidParameterValue", "ReceiveMessage", "{" U ", 'MaxNumberOfMessages': 11}"},
        {"InvalidParameterValue", "ReceiveMessage", "{" U ", 'WaitTimeSeconds': 21}"},
        {"ReceiptHandleIsInvalid", "DeleteMessage", "{" U ", 'ReceiptHandle': 'abc'}"},
        {"EmptyBatchRequest", "SendMessageBatch", "{" U ", 'Entries': []}"},
        {"BatchEntryIdsNotDistinct", "SendMessageBatch",
         "{" U ", 'Entries': [{'Id': 'a', 'MessageBody': 'x'}, {'Id': 'a', 'MessageBody': 'y'}]}"},
        {"InvalidBatchEntryId", "SendMessageBatch",
         "{" U ", 'Entries': [{'Id': 'a b', 'MessageBody': 'x'}]}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_json_refused(w, rows[i].code, NULL, "sqs", rows[i].operation, rows[i].json);
    char large[1026];

    memset(large, 'x', sizeof(large));
    large[1025] = '\0';
    world_json_refusedf(w, "InvalidParameterValue",
                        "One or more parameters are invalid. Reason: Message must be shorter than "
                        "1024 bytes.",
                        "sqs", "SendMessage", "{" U ", 'MessageBody': '%s'}", large);
    struct str got = SQF(w, "SendMessageBatch",
                         "{" U ", 'Entries': [{'Id': 'a', 'MessageBody': 'x'}, {'Id': 'b', "
                         "'MessageBody': '%s'}]}",
                         large);

    CHECK_STR(json_path(got, "Successful.0.Id"), "a");
    CHECK_STR(json_path(got, "Failed.0.Id"), "b");
    CHECK_STR(json_path(got, "Failed.0.Code"), "InvalidParameterValue");
    world_free(w);
}

TEST(messages_end_with_their_retention)
{
    struct world *w = with_queue("'MessageRetentionPeriod': '60'");

    SQ(w, "SendMessage", "{" U ", 'MessageBody': 'x'}");
    world_advance(w, 61000);
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    world_advance(w, 120000);
    struct txn *txn = world_begin(w);

    CHECK_INT(store_count(txn, &sqs_message_table), 0);
    store_rollback(txn);
    world_free(w);
}

TEST(another_account_may_do_what_the_queues_policy_says)
{
    struct world *w = with_queue("");

    world_account(w, "111111111111", "us-east-1");
    world_json_refused(w, "AccessDeniedException", NULL, "sqs", "SendMessage",
                       "{" U ", 'MessageBody': 'x'}");
    world_account(w, "000000000000", "us-east-1");
    SQ(w, "SetQueueAttributes",
       "{\"QueueUrl\": \"" SQS_URL "q\", \"Attributes\": {\"Policy\": \"{\\\"Version\\\":"
       "\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{"
       "\\\"AWS\\\":\\\"111111111111\\\"},\\\"Action\\\":\\\"sqs:SendMessage\\\",\\\"Resource\\\":"
       "\\\"*\\\"}]}\"}}");
    world_account(w, "111111111111", "us-east-1");
    SQ(w, "SendMessage", "{" U ", 'MessageBody': 'x'}");
    world_json_refused(w, "AccessDeniedException", NULL, "sqs", "ReceiveMessage", "{" U "}");
    world_account(w, "000000000000", "us-east-1");
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 1);
    world_free(w);
}
