/* The XML writer and the check of replies. */
#include "api/check_reply.h"
#include "api/encode_xml.h"
#include "gen/api/ec2.h"
#include "gen/api/iam.h"
#include "gen/api/sts.h"
#include "harness/harness.h"

static struct str
encode(const struct api_service *s, const char *op, const void *res)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    api_encode_xml(s, api_op_find(s, str_from(op)), res, S("id"), &out);
    CHECK(!buf_failed(&out));
    struct str text = str_dup(test_arena(), buf_str(&out));

    buf_done(&out);
    return text;
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

TEST(an_ec2_reply_has_its_members_straight_in_the_response)
{
    struct ec2_Tag tags[] = {{.key = S("Name"), .value = S("a<b>&\"c\"")}};
    struct ec2_Volume volumes[] = {{
        .volume_id = S("vol-0123456789abcdef0"),
        .size = opt_i64(8),
        .encrypted = opt_bool(false),
        .create_time = opt_i64(1764000000123),
        .tags = {tags, 1},
        .attachments = {API_EMPTY, 0},
    }};
    struct ec2_DescribeVolumesResult res = {.volumes = {volumes, 1}};

    CHECK_STR(encode(&ec2_service, "DescribeVolumes", &res),
              XML "<DescribeVolumesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                  "<requestId>id</requestId><volumeSet><item>"
                  "<tagSet><item><key>Name</key><value>a&lt;b&gt;&amp;\"c\"</value></item></tagSet>"
                  "<volumeId>vol-0123456789abcdef0</volumeId><size>8</size>"
                  "<createTime>2025-11-24T16:00:00.000Z</createTime><attachmentSet/>"
                  "<encrypted>false</encrypted></item></volumeSet></DescribeVolumesResponse>");
}

TEST(an_ec2_operation_without_output_returns_true)
{
    struct ec2_DeleteVolumeResult res = {0};

    CHECK_STR(encode(&ec2_service, "DeleteVolume", &res),
              XML "<DeleteVolumeResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                  "<requestId>id</requestId><return>true</return></DeleteVolumeResponse>");
}

TEST(a_query_reply_is_wrapped)
{
    struct sts_GetCallerIdentityResponse res = {.account = S("000000000000")};

    CHECK_STR(encode(&sts_service, "GetCallerIdentity", &res),
              XML "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                  "<GetCallerIdentityResult><Account>000000000000</Account>"
                  "</GetCallerIdentityResult><ResponseMetadata><RequestId>id</RequestId>"
                  "</ResponseMetadata></GetCallerIdentityResponse>");
}

TEST(a_map_is_printed_as_entries)
{
    struct iam_NumberMapEntry entries[] = {{.key = S("Users"), .value = opt_i64(3)}};
    struct iam_GetAccountSummaryResponse res = {.summary_map = {entries, 1}};

    CHECK(str_find(encode(&iam_service, "GetAccountSummary", &res),
                   S("<SummaryMap><entry><key>Users</key><value>3</value></entry></SummaryMap>")) !=
          SIZE_MAX);
}

TEST(text_is_escaped_wherever_the_special_byte_stands)
{
    for (size_t n = 1; n < 70; n++)
        for (size_t at = 0; at < n; at++) {
            char text[80];
            struct buf out;

            memset(text, 'x', n);
            text[at] = at % 3 == 0 ? '<' : at % 3 == 1 ? '\r' : '\x01';
            buf_init(&out, 4096);
            api_xml_text(&out, str_of(text, n));
            const char *want = at % 3 == 0 ? "&lt;" : at % 3 == 1 ? "&#xD;" : "\xef\xbf\xbd";

            CHECK_INT(out.n, n - 1 + strlen(want));
            CHECK(memcmp(out.p + at, want, strlen(want)) == 0);
            buf_done(&out);
        }
}

TEST(tabs_newlines_and_utf8_stay_as_they_are)
{
    struct buf out;

    buf_init(&out, 4096);
    api_xml_text(&out, S("a\tb\nc \xc3\xa4\xe2\x82\xac d"));
    CHECK_STR(buf_str(&out), "a\tb\nc \xc3\xa4\xe2\x82\xac d");
    buf_done(&out);
}

TEST(a_refusal_has_the_form_of_its_protocol)
{
    const struct api_fault fault = {S("InvalidVolume.NotFound"), 400, S("no <such> volume"), true};
    struct buf out;

    buf_init(&out, 4096);
    api_encode_fault(&ec2_service, &fault, S("id"), &out);
    CHECK_STR(buf_str(&out), XML "<Response><Errors><Error><Code>InvalidVolume.NotFound</Code>"
                                 "<Message>no &lt;such&gt; volume</Message></Error></Errors>"
                                 "<RequestID>id</RequestID></Response>");
    buf_reset(&out);
    api_encode_fault(&sts_service, &fault, S("id"), &out);
    CHECK_STR(buf_str(&out),
              XML "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                  "<Type>Sender</Type><Code>InvalidVolume.NotFound</Code>"
                  "<Message>no &lt;such&gt; volume</Message></Error><RequestId>id</RequestId>"
                  "</ErrorResponse>");
    buf_done(&out);
}

TEST(a_reply_larger_than_its_buffer_fails_whole)
{
    static struct ec2_Volume volumes[50];
    struct ec2_DescribeVolumesResult res = {.volumes = {volumes, 50}};

    for (size_t i = 0; i < 50; i++)
        volumes[i].volume_id = S("vol-0123456789abcdef0");
    for (size_t max = 1; max < 2500; max += 13) {
        struct buf out;

        buf_init(&out, max);
        api_encode_xml(&ec2_service, api_op_find(&ec2_service, S("DescribeVolumes")), &res,
                       S("id"), &out);
        CHECK(buf_failed(&out));
        buf_done(&out);
    }
}

TEST(a_wrong_reply_is_found_out)
{
    struct arena *a = test_arena();
    const struct api_op *op = api_op_find(&ec2_service, S("DescribeVolumes"));
    struct ec2_Volume volume = {.volume_id = S("vol-0123456789abcdef0"), .state = S("in-use")};
    struct ec2_DescribeVolumesResult res = {.volumes = {&volume, 1}};

    CHECK(api_check_reply(&ec2_service, op, &res, a).p == NULL);
    volume.state = S("used");
    CHECK_STR(api_check_reply(&ec2_service, op, &res, a),
              "Volumes.1.State is not a value of its enum: 'used'");
    volume.state = S("in-use");
    volume.volume_id = S("vol-1");
    CHECK_STR(api_check_reply(&ec2_service, op, &res, a),
              "Volumes.1.VolumeId is no id of its kind: 'vol-1'");
    volume.volume_id = S("vol-0123456789abcdef0");
    volume.kms_key_id = S("\xff");
    CHECK_STR(api_check_reply(&ec2_service, op, &res, a), "Volumes.1.KmsKeyId is not UTF-8: ''");

    struct iam_CreateUserResponse made = {0};
    struct iam_User user = {.user_name = S("bob")};

    made.user = &user;
    CHECK_STR(api_check_reply(&iam_service, api_op_find(&iam_service, S("CreateUser")), &made, a),
              "User.Path is required and absent: ''");
}
