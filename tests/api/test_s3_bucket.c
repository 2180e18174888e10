/* Buckets: names, owners, regions, settings. */
#include "api/s3_help.h"

TEST(a_bucket_is_made_found_and_ended, "S3-04 S3-11")
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/first", "");
    CHECK_STR(world_header(w, "Location"), "/first");
    S3_OK(w, 200, "HEAD", "/first", "");
    CHECK_STR(world_header(w, "x-amz-bucket-region"), "us-east-1");
    struct str list = S3_OK(w, 200, "GET", "/", "");
    CHECK_STR(xml_text(list, "Name"), "first");
    CHECK_INT(xml_text(list, "ID").n, 64);
    world_crash(w);
    S3_OK(w, 200, "PUT", "/first/key", "bytes");
    struct str no =
        S3_REFUSED(w, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty",
                   "DELETE", "/first", "");
    CHECK_STR(xml_text(no, "BucketName"), "first");
    S3_OK(w, 204, "DELETE", "/first/key", "");
    S3_OK(w, 204, "DELETE", "/first", "");
    no = S3_REFUSED(w, 404, "NoSuchBucket", "The specified bucket does not exist", "DELETE",
                    "/first", "");
    CHECK_STR(xml_text(no, "BucketName"), "first");
    CHECK_STR(xml_text(no, "RequestId"), w->request_id.p ? str_cstr(&w->arena, w->request_id) : "");
    CHECK_INT(xml_count(no, "HostId"), 1);
    world_free(w);
}

TEST(names_of_buckets_have_rules)
{
    static const char *const bad[] = {
        "ab",          "Upper",
        "a..b",        "-ab",
        "ab-",         "10.0.0.1",
        "xn--bucket",  "b-s3alias",
        "under_score", "sixty-four-letters-are-one-too-many-for-the-name-of-a-bucket-now"};
    static const char *const good[] = {"abc", "1st.bucket", "a-b.c-d", "10.0.0.1.x"};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        S3_REFUSED(w, 400, "InvalidBucketName", "The specified bucket is not valid.", "PUT",
                   str_fmt(&w->arena, "/%s", bad[i]).p, "");
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        S3_OK(w, 200, "PUT", str_fmt(&w->arena, "/%s", good[i]).p, "");
    world_free(w);
}

TEST(a_name_is_of_the_whole_world)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/mine", "");
    S3_OK(w, 200, "PUT", "/mine", ""); /* us-east-1 says nothing */
    world_account(w, "111111111111", "us-east-1");
    S3_REFUSED(w, 409, "BucketAlreadyExists", NULL, "PUT", "/mine", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/mine", "");
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/", ""), "Name"), 0);
    world_account(w, "000000000000", "eu-west-1");
    const char *place = "<CreateBucketConfiguration><LocationConstraint>eu-west-1"
                        "</LocationConstraint></CreateBucketConfiguration>";
    S3_REFUSED(w, 409, "BucketAlreadyOwnedByYou", NULL, "PUT", "/mine", place);
    world_free(w);
}

TEST(a_bucket_is_where_it_was_made)
{
    const char *place = "<CreateBucketConfiguration "
                        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                        "<LocationConstraint>eu-west-1</LocationConstraint>"
                        "</CreateBucketConfiguration>";
    struct world *w = world_new();

    world_account(w, "000000000000", "eu-west-1");
    S3_REFUSED(w, 400, "IllegalLocationConstraintException",
               "The unspecified location constraint is incompatible for the region specific "
               "endpoint this request was sent to.",
               "PUT", "/europe", "");
    S3_OK(w, 200, "PUT", "/europe", place);
    world_account(w, "000000000000", "eu-central-1");
    S3_REFUSED(w, 400, "IllegalLocationConstraintException",
               "The eu-west-1 location constraint is incompatible for the region specific "
               "endpoint this request was sent to.",
               "PUT", "/other", place);
    struct str no = S3_REFUSED(w, 301, "PermanentRedirect", NULL, "GET", "/europe", "");
    CHECK_STR(xml_text(no, "Endpoint"), "europe.s3.eu-west-1.amazonaws.com");
    CHECK_STR(world_header(w, "x-amz-bucket-region"), "eu-west-1");
    struct str where = S3_OK(w, 200, "GET", "/europe?location", "");
    CHECK_STR(xml_text(where, "LocationConstraint"), "eu-west-1");
    world_account(w, "000000000000", "us-east-1");
    S3_REFUSED(w, 400, "InvalidLocationConstraint", NULL, "PUT", "/x1x",
               "<C><LocationConstraint>us-east-1</LocationConstraint></C>");
    world_free(w);
}

TEST(a_policy_takes_part_in_decisions, "S3-01")
{
    const char *policy =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
        "\"111111111111\"},\"Action\":[\"s3:GetObject\",\"s3:ListBucket\"],\"Resource\":["
        "\"arn:aws:s3:::shared\",\"arn:aws:s3:::shared/pub/*\"]},{\"Effect\":\"Deny\","
        "\"Principal\":\"*\",\"Action\":\"s3:DeleteObject\",\"Resource\":"
        "\"arn:aws:s3:::shared/kept\"}]}";
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/shared", "");
    S3_OK(w, 200, "PUT", "/shared/pub/a", "a");
    S3_OK(w, 200, "PUT", "/shared/kept", "k");
    S3_REFUSED(w, 404, "NoSuchBucketPolicy", "The bucket policy does not exist", "GET",
               "/shared?policy", "");
    S3_REFUSED(w, 400, "MalformedPolicy",
               "Policies must be valid JSON and the first byte must be '{'", "PUT",
               "/shared?policy", "x");
    S3_REFUSED(w, 400, "MalformedPolicy", "Policy has invalid resource", "PUT", "/shared?policy",
               "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
               "{\"AWS\":\"111111111111\"},\"Action\":\"s3:*\",\"Resource\":"
               "\"arn:aws:s3:::sharedx\"}]}");
    S3_OK(w, 204, "PUT", "/shared?policy", policy);
    CHECK_STR(S3_OK(w, 200, "GET", "/shared?policy", ""), policy);
    S3_REFUSED(w, 403, "AccessDenied", NULL, "DELETE", "/shared/kept", "");
    world_account(w, "111111111111", "us-east-1");
    CHECK_STR(S3_OK(w, 200, "GET", "/shared/pub/a", ""), "a");
    S3_OK(w, 200, "GET", "/shared", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/shared/kept", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/shared/pub/b", "b");
    world_account(w, "000000000000", "us-east-1");
    S3_OK(w, 204, "DELETE", "/shared?policy", "");
    S3_OK(w, 204, "DELETE", "/shared/kept", "");
    world_free(w);
}

TEST(public_policies_are_blocked_until_that_is_taken_away)
{
    const char *policy =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","
        "\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::web1/*\"}]}";
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/web1", "");
    S3_OK(w, 200, "PUT", "/web1/a", "a");
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", "/web1?publicAccessBlock", ""), "BlockPublicPolicy"),
              "true");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/web1?policy", policy);
    S3_OK(w, 204, "DELETE", "/web1?publicAccessBlock", "");
    S3_REFUSED(w, 404, "NoSuchPublicAccessBlockConfiguration", NULL, "GET",
               "/web1?publicAccessBlock", "");
    S3_OK(w, 204, "PUT", "/web1?policy", policy);
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", "/web1?policyStatus", ""), "IsPublic"), "true");
    world_account(w, "111111111111", "us-east-1");
    S3_OK(w, 200, "GET", "/web1/a", "");
    world_account(w, "000000000000", "us-east-1");
    S3_OK(w, 200, "PUT", "/web1?publicAccessBlock",
          "<P><RestrictPublicBuckets>true</RestrictPublicBuckets></P>");
    world_account(w, "111111111111", "us-east-1");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/web1/a", "");
    world_free(w);
}

TEST(settings_are_kept_and_those_that_are_not_there_are_told_so)
{
    static const struct {
        int http;
        const char *query, *code;
    } unset[] = {
        {404, "cors", "NoSuchCORSConfiguration"},
        {404, "website", "NoSuchWebsiteConfiguration"},
        {404, "replication", "ReplicationConfigurationNotFoundError"},
        {404, "object-lock", "ObjectLockConfigurationNotFoundError"},
        {404, "lifecycle", "NoSuchLifecycleConfiguration"},
        {404, "tagging", "NoSuchTagSet"},
        {200, "logging", NULL},
        {200, "accelerate", NULL},
        {200, "notification", NULL},
        {200, "requestPayment", NULL},
        {200, "versioning", NULL},
        {200, "acl", NULL},
    };
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/set", "");
    for (size_t i = 0; i < ARRAY_LEN(unset); i++) {
        struct str reply =
            S3_OK(w, unset[i].http, "GET", str_fmt(&w->arena, "/set?%s", unset[i].query).p, "");
        if (unset[i].code)
            CHECK_STR(xml_text(reply, "Code"), unset[i].code);
    }
    S3_OK(w, 200, "PUT", "/set?tagging",
          "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>");
    S3_REFUSED(w, 400, "InvalidTag", NULL, "PUT", "/set?tagging",
               "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>k</Key>"
               "<Value>v</Value></Tag></TagSet></Tagging>");
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", "/set?encryption", ""), "SSEAlgorithm"), "AES256");
    S3_OK(w, 200, "PUT", "/set?encryption",
          "<S><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"
          "</ApplyServerSideEncryptionByDefault></Rule></S>");
    S3_OK(w, 200, "PUT", "/set/sealed", "x");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "aws:kms");
    world_crash(w);
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", "/set?tagging", ""), "Value"), "v");
    S3_OK(w, 204, "DELETE", "/set?encryption", "");
    S3_OK(w, 204, "DELETE", "/set?tagging", "");
    S3_REFUSED(w, 501, "UnsupportedOperation", NULL, "PUT", "/set?accelerate",
               "<A><Status>Enabled</Status></A>");
    world_free(w);
}

TEST(lifecycle_rules_are_carried_out_at_midnight)
{
    const char *rules =
        "<L><Rule><ID>old</ID><Status>Enabled</Status><Filter><Prefix>v/</Prefix></Filter>"
        "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays>"
        "</NoncurrentVersionExpiration></Rule><Rule><ID>tmp</ID><Status>Enabled</Status>"
        "<Filter><Prefix>tmp/</Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule>"
        "<Rule><ID>abort</ID><Status>Enabled</Status><Filter><Prefix/></Filter>"
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
        "</AbortIncompleteMultipartUpload></Rule></L>";
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/cycle", "");
    S3_OK(w, 200, "PUT", "/cycle?versioning", "<V><Status>Enabled</Status></V>");
    S3_OK(w, 200, "PUT", "/cycle?lifecycle", rules);
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/cycle?lifecycle", ""), "Rule"), 3);
    S3_REFUSED(w, 501, "NotImplemented", NULL, "PUT", "/cycle?lifecycle",
               "<L><Rule><Status>Enabled</Status><Filter/><Transition><Days>1</Days>"
               "<StorageClass>GLACIER</StorageClass></Transition></Rule></L>");
    world_advance(w, 3600 * 1000); /* the world begins at midnight */
    S3_OK(w, 200, "PUT", "/cycle/v/a", "1");
    S3_OK(w, 200, "PUT", "/cycle/v/a", "2");
    S3_OK(w, 200, "PUT", "/cycle/tmp/x", "x");
    S3_OK(w, 200, "POST", "/cycle/up?uploads", "");
    world_advance(w, (int64_t)25 * 3600 * 1000);
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/cycle?uploads", ""), "Upload"), 1);
    world_advance(w, (int64_t)24 * 3600 * 1000);
    S3_REFUSED(w, 404, "NoSuchKey", NULL, "GET", "/cycle/tmp/x", "");
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/cycle?uploads", ""), "Upload"), 0);
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/cycle?versions&prefix=v/", ""), "Version"), 2);
    world_advance(w, (int64_t)24 * 3600 * 1000);
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/cycle?versions&prefix=v/", ""), "Version"), 1);
    CHECK_STR(S3_OK(w, 200, "GET", "/cycle/v/a", ""), "2");
    world_free(w);
}
