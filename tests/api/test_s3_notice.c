/* Event notifications of buckets. */
#include "lambda_help.h"
#include "s3_help.h"
#include "sns_help.h"

#define CONFIGURATION(inner)                                                                       \
    "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inner          \
    "</NotificationConfiguration>"
#define QUEUE(id, event, filter)                                                                   \
    "<QueueConfiguration><Id>" id "</Id><Queue>" SQS_ARN "q</Queue><Event>" event                  \
    "</Event>" filter "</QueueConfiguration>"
#define RULE(name, value) "<FilterRule><Name>" name "</Name><Value>" value "</Value></FilterRule>"
#define FILTER(rules) "<Filter><S3Key>" rules "</S3Key></Filter>"

static struct str heard;

static void
hear(struct world *w, const struct function_asked *asked, struct function_says *says UNUSED)
{
    heard = str_dup(&w->arena, asked->work.payload);
}

static struct world *
with_bucket(function_fn *fn)
{
    struct world *w = lambda_world(fn);

    S3_OK(w, 200, "PUT", "/bkt", "");
    sqs_open_queue(w, "q", "");
    return w;
}

/* The record of the message that the queue has, after which it is empty. */
static struct str
next(struct world *w)
{
    struct str got = sqs_take(w, "q"), body = json_path(got, "Messages.0.Body");

    CHECK_INT(json_count(got, "Messages"), 1);
    SQF(w, "DeleteMessage", "{'QueueUrl': '" SQS_URL "q', 'ReceiptHandle': '%s'}",
        test_cstr(json_path(got, "Messages.0.ReceiptHandle")));
    return body;
}

TEST(a_queue_is_told_of_objects_that_its_filter_names, "S3EV-01 S3EV-03")
{
    struct world *w = with_bucket(NULL);

    S3_OK(w, 200, "PUT", "/bkt?notification",
          CONFIGURATION(QUEUE("one", "s3:ObjectCreated:*",
                              FILTER(RULE("prefix", "in/") RULE("suffix", ".txt")))
                            QUEUE("two", "s3:ObjectRemoved:*", "")));
    struct str test = json_path(sqs_take(w, "q"), "Messages.0.Body"), record;

    CHECK_STR(json_path(test, "Event"), "s3:TestEvent");
    CHECK_STR(json_path(test, "Bucket"), "bkt");
    SQ(w, "PurgeQueue", "{'QueueUrl': '" SQS_URL "q'}");
    S3_OK(w, 200, "PUT", "/bkt/out/a.txt", "x");
    S3_OK(w, 200, "PUT", "/bkt/in/a.bin", "x");
    S3_OK(w, 200, "PUT", "/other", ""); /* of another bucket nobody hears */
    CHECK_INT(json_count(sqs_take(w, "q"), "Messages"), 0);
    S3_OK(w, 200, "PUT", "/bkt/in/a%20b.txt", "hello");
    record = json_path(next(w), "Records.0");
    CHECK_STR(json_path(record, "eventName"), "ObjectCreated:Put");
    CHECK_STR(json_path(record, "eventSource"), "aws:s3");
    CHECK_STR(json_path(record, "s3.configurationId"), "one");
    CHECK_STR(json_path(record, "s3.bucket.name"), "bkt");
    CHECK_STR(json_path(record, "s3.object.key"), "in/a+b.txt");
    CHECK_STR(json_path(record, "s3.object.size"), "5");
    CHECK_STR(json_path(record, "s3.object.eTag"), "5d41402abc4b2a76b9719d911017c592");
    S3_OK(w, 200, "PUT", "/bkt/in/copy.txt", "", "x-amz-copy-source: /bkt/in/a%20b.txt");
    CHECK_STR(json_path(next(w), "Records.0.eventName"), "ObjectCreated:Copy");
    world_crash(w);
    S3_OK(w, 204, "DELETE", "/bkt/in/copy.txt", "");
    CHECK_STR(json_path(next(w), "Records.0.eventName"), "ObjectRemoved:Delete");
    S3_OK(w, 200, "PUT", "/bkt?versioning",
          "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    S3_OK(w, 204, "DELETE", "/bkt/in/a%20b.txt", "");
    CHECK_STR(json_path(next(w), "Records.0.eventName"), "ObjectRemoved:DeleteMarkerCreated");
    struct str all = S3_OK(w, 200, "GET", "/bkt?notification", "");

    CHECK_INT(xml_count(all, "QueueConfiguration"), 2);
    CHECK_STR(xml_text(xml_where(all, "FilterRule", "Name", "Suffix"), "Value"), ".txt");
    S3_OK(w, 200, "PUT", "/bkt?notification", CONFIGURATION(""));
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/bkt?notification", ""), "QueueConfiguration"), 0);
    world_free(w);
}

TEST(a_function_and_a_topic_are_told_of_objects, "S3EV-02")
{
    struct world *w = with_bucket(hear);

    lambda_create(w, "f");
    sns_topic(w, "t");
    sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");
    static const char *const both = CONFIGURATION(
        "<TopicConfiguration><Topic>" SNS_ARN "t</Topic><Event>s3:ObjectCreated:*</Event>" FILTER(
            RULE("prefix",
                 "t")) "</TopicConfiguration><CloudFunctionConfiguration><CloudFunction>" LAMBDA_ARN
                       "f</CloudFunction><Event>s3:ObjectCreated:Put</Event>" FILTER(
                           RULE("prefix", "f")) "</CloudFunctionConfiguration>");

    S3_REFUSED(w, 400, "InvalidArgument",
               "Unable to validate the following destination configurations", "PUT",
               "/bkt?notification", both);
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/policy",
                  "{'StatementId': 's', 'Action': 'lambda:InvokeFunction', 'Principal': "
                  "'s3.amazonaws.com', 'SourceArn': 'arn:aws:s3:::bkt'}");
    S3_OK(w, 200, "PUT", "/bkt?notification", both);
    CHECK_STR(json_path(json_path(next(w), "Message"), "Event"), "s3:TestEvent");
    S3_OK(w, 200, "PUT", "/bkt/t1", "x");
    struct str message = next(w);

    CHECK_STR(json_path(message, "Subject"), "Amazon S3 Notification");
    CHECK_STR(json_path(json_path(message, "Message"), "Records.0.s3.object.key"), "t1");
    S3_OK(w, 200, "PUT", "/bkt/f1", "x");
    world_advance(w, 1000);
    CHECK_STR(json_path(heard, "Records.0.s3.object.key"), "f1");
    world_free(w);
}

TEST(configurations_that_cannot_be_are_refused)
{
    static const char *const rows[] = {
        CONFIGURATION(QUEUE("a", "s3:ObjectCreated:*", "") QUEUE("b", "s3:ObjectCreated:Put", "")),
        CONFIGURATION(QUEUE("a", "s3:ObjectCreated:Put", "")
                          QUEUE("a", "s3:ObjectRemoved:Delete", "")),
        CONFIGURATION(QUEUE("a", "s3:ObjectCreated:Put",
                            FILTER(RULE("prefix", "x") RULE("prefix", "y")))),
        CONFIGURATION("<QueueConfiguration><Queue>arn:aws:sqs:us-east-1:000000000000:none</Queue>"
                      "<Event>s3:ObjectCreated:*</Event></QueueConfiguration>"),
        CONFIGURATION("<QueueConfiguration><Queue>x</Queue><Event>s3:ObjectCreated:*</Event>"
                      "</QueueConfiguration>"),
    };
    struct world *w = with_bucket(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        S3_REFUSED(w, 400, "InvalidArgument", NULL, "PUT", "/bkt?notification", rows[i]);
    world_free(w);
}
