/* Wait conditions whose signals come to a handle's URL. */
#include "api/cfn_help.h"

static const char waits[] =
    "Resources:\n"
    "  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
    "  Wait:\n"
    "    Type: AWS::CloudFormation::WaitCondition\n"
    "    Properties: {Handle: !Ref Handle, Timeout: '120', Count: 2}\n"
    "Outputs: {Data: {Value: !GetAtt Wait.Data}, Url: {Value: !Ref Handle}}\n";

static struct str
url_of(struct world *w, const char *name)
{
    return xml_text(
        world_okf(w, "Action=DescribeStackResource" V "&StackName=%s&LogicalResourceId=Handle",
                  name),
        "PhysicalResourceId");
}

/* As curl sends it. */
static struct str
send(struct world *w, const char *method, struct str url, const char *body)
{
    struct str rest = str_cut(url, 8, url.n), host = str_split(&rest, '/');
    struct str path = str_fmt(test_arena(), "/%.*s", STR_ARG(rest)), query = path;
    const struct http_header headers[] = {
        {S("Host"), host}, {S("Content-Type"), S("application/x-www-form-urlencoded")}};

    path = str_split(&query, '?');
    const struct sigv4_request req = {.method = str_from(method),
                                      .path = path,
                                      .query = query,
                                      .headers = headers,
                                      .n_headers = ARRAY_LEN(headers),
                                      .body = str_from(body)};

    return world_request(w, &req);
}

static void
put(struct world *w, struct str url, const char *body)
{
    struct str reply = send(w, "PUT", url, body);

    CHECK_OK(w, reply);
    CHECK_INT(reply.n, 0);
    world_settle(w);
}

TEST(a_handle_is_told_by_whoever_has_its_url, "CSIG-07")
{
    struct world *w = world_new();
    struct str url;

    CHECK_OK(w, create(w, "good", "", waits));
    world_settle(w);
    check_status(w, "good", "CREATE_IN_PROGRESS");
    url = url_of(w, "good");
    CHECK(
        str_starts(url, S("https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/"
                          "arn%3Aaws%3Acloudformation%3Aus-east-1%3A000000000000%3Astack/good/")));
    put(w, url, "{\"Status\":\"SUCCESS\",\"UniqueId\":\"a\",\"Data\":\"first\",\"Reason\":\"r\"}");
    /* the same one again counts once */
    put(w, url, "{\"Status\":\"SUCCESS\",\"UniqueId\":\"a\",\"Data\":\"again\"}");
    check_status(w, "good", "CREATE_IN_PROGRESS");
    world_crash(w);
    put(w, url, "{\"Status\":\"SUCCESS\",\"UniqueId\":\"b\",\"Data\":\"second\"}");
    check_status(w, "good", "CREATE_COMPLETE");
    CHECK_STR(xml_text(stack(w, "good"), "OutputValue"), "{\"a\":\"first\",\"b\":\"second\"}");
    CHECK(strstr(events(w, "good"), "Wait CREATE_IN_PROGRESS Resource creation Initiated\n"
                                    "Wait CREATE_COMPLETE\n"
                                    "good CREATE_COMPLETE\n"));
    world_ok(w, "Action=DeleteStack" V "&StackName=good");
    world_settle(w);
    CHECK_FAULT(w, send(w, "PUT", url, "{}"), "AccessDenied");
    CHECK_INT(w->http, 403);
    world_free(w);
}

TEST(a_wait_condition_fails_by_its_handle_s_signal_or_by_none, "CSIG-07")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "fails", "", waits));
    CHECK_OK(w, create(w, "late", "", waits));
    CHECK_OK(w, create(w, "garbled", "", waits));
    world_settle(w);
    put(w, url_of(w, "fails"),
        "{\"Status\":\"FAILURE\",\"UniqueId\":\"i-1\",\"Reason\":\"no disk\"}");
    put(w, url_of(w, "late"), "{\"Status\":\"SUCCESS\",\"UniqueId\":\"a\"}");
    put(w, url_of(w, "garbled"), "done");
    check_status(w, "fails", "ROLLBACK_COMPLETE");
    check_status(w, "garbled", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "fails"), "Wait CREATE_FAILED WaitCondition received failed message: "
                                     "'no disk' for uniqueId: i-1\n"
                                     "fails ROLLBACK_IN_PROGRESS The following resource(s) failed "
                                     "to create: [Wait]. Rollback requested by user.\n"));
    CHECK(strstr(events(w, "garbled"), "Wait CREATE_FAILED Unparsable WaitCondition data\n"));
    world_advance(w, 119000);
    check_status(w, "late", "CREATE_IN_PROGRESS");
    world_advance(w, 2000);
    check_status(w, "late", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "late"),
                 "Wait CREATE_FAILED WaitCondition timed out. Received 1 conditions when expecting "
                 "2\n"));
    world_free(w);
}

TEST(a_handle_believes_its_own_signature_only)
{
    struct world *w = world_new();
    struct str url, other, cut;

    CHECK_OK(w, create(w, "one", "", waits));
    CHECK_OK(w, create(w, "two", "", waits));
    world_settle(w);
    url = url_of(w, "one");
    other = url_of(w, "two");
    CHECK_FAULT(w, send(w, "GET", url, ""), "MethodNotAllowed");
    /* another handle's path with this one's signature */
    size_t q = str_find_char(url, '?'), p = str_find_char(other, '?');
    cut = str_fmt(test_arena(), "%.*s%.*s", (int)p, other.p, (int)(url.n - q), url.p + q);
    CHECK_FAULT(w, send(w, "PUT", cut, "{}"), "SignatureDoesNotMatch");
    CHECK_INT(w->http, 403);
    cut = str_fmt(test_arena(), "%.*s", (int)q, url.p);
    CHECK_FAULT(w, send(w, "PUT", cut, "{}"), "AccessDenied");
    CHECK_FAULT(w,
                send(w, "PUT",
                     S("https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/x"), "{}"),
                "AccessDenied");
    world_advance(w, (int64_t)8 * 86400 * 1000);
    CHECK_FAULT(w, send(w, "PUT", url, "{}"), "AccessDenied");
    world_free(w);
}

TEST(a_wait_condition_is_refused_where_it_could_not_wait)
{
    static const struct {
        const char *properties, *why;
    } rows[] = {
        {"{}", "Property Handle cannot be empty."},
        {"{Handle: !Ref Handle}", "Property Timeout cannot be empty."},
        {"{Handle: 'https://example.com/', Timeout: 5}",
         "Invalid wait condition handle: https://example.com/"},
        {"{Handle: !Ref Handle, Timeout: 43201}", "Value of property Count and Timeout"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = test_fmt("w%zu", i);

        CHECK_OK(w, create(w, name, "",
                           test_fmt("Resources:\n"
                                    "  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
                                    "  Wait: {Type: AWS::CloudFormation::WaitCondition, "
                                    "Properties: %s}\n",
                                    rows[i].properties)));
        world_settle(w);
        check_status(w, name, "ROLLBACK_COMPLETE");
        if (!strstr(events(w, name), test_fmt("Wait CREATE_FAILED %s", rows[i].why)))
            FAIL("%s", events(w, name));
    }
    world_free(w);
}
