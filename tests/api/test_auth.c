/*
 * Signatures from end to end: requests that the signer of codec/sigv4.h made go through
 * api_handle(), as they are, late, early, changed anywhere, or by somebody unknown.
 */
#include "codec/uri.h"
#include "harness/world.h"

#define HEADERS_MAX 16

struct request {
    struct sigv4_request req;
    struct http_header headers[HEADERS_MAX];
};

static struct sigv4_signer
signer_of(struct world *w)
{
    return (struct sigv4_signer){.access_key = S("test"),
                                 .secret = S("test"),
                                 .region = S("us-east-1"),
                                 .service = S("ec2"),
                                 .now_ms = w->env.now_ms,
                                 .expires_s = 60};
}

static void
add_header(struct request *r, struct str name, struct str value)
{
    CHECK(r->req.n_headers < HEADERS_MAX);
    r->headers[r->req.n_headers++] = (struct http_header){name, value};
}

/* Not signed yet. */
static struct request *
post(const char *form)
{
    struct request *r = ARENA_NEW(test_arena(), struct request);

    r->req = (struct sigv4_request){.method = S("POST"),
                                    .path = S("/"),
                                    .query = S(""),
                                    .headers = r->headers,
                                    .body = str_dup(test_arena(), str_from(form))};
    add_header(r, S("Host"), S("ec2.us-east-1.amazonaws.com"));
    add_header(r, S("Content-Type"), S("application/x-www-form-urlencoded"));
    return r;
}

static struct request *
post_to(const char *host, const char *form)
{
    struct request *r = post(form);

    r->headers[0].value = str_from(host);
    return r;
}

#define FORM "Action=DescribeRegions&Version=2016-11-15&RegionName.1=eu-west-1"

static struct request *
sign(const struct sigv4_signer *signer, struct request *r)
{
    struct http_header added[SIGV4_ADDED_MAX];
    size_t n = sigv4_sign(test_arena(), signer, &r->req, added);

    for (size_t i = 0; i < n; i++)
        add_header(r, added[i].name, added[i].value);
    return r;
}

static struct request *
presign(const struct sigv4_signer *signer, const char *query)
{
    struct request *r = ARENA_NEW(test_arena(), struct request);

    r->req = (struct sigv4_request){
        .method = S("GET"), .path = S("/"), .query = str_from(query), .headers = r->headers};
    add_header(r, S("Host"), S("localhost:4566"));
    r->req.query = sigv4_presign(test_arena(), signer, &r->req);
    return r;
}

static struct str
send(struct world *w, const struct request *r)
{
    return world_request(w, &r->req);
}

#define CHECK_CODE(w, r, want_http, want_code)                                                     \
    do {                                                                                           \
        CHECK_FAULT(w, send(w, r), want_code);                                                     \
        CHECK_INT((w)->http, want_http);                                                           \
    } while (0)

TEST(a_signed_request_is_carried_out_in_both_forms)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);
    struct str xml = send(w, sign(&s, post(FORM)));

    CHECK_OK(w, xml);
    CHECK_STR(xml_text(xml, "regionName"), "eu-west-1");
    xml = send(w, presign(&s, FORM));
    CHECK_OK(w, xml);
    CHECK_STR(xml_text(xml, "regionName"), "eu-west-1");
    world_free(w);
}

TEST(the_key_says_the_account_and_the_scope_says_the_region)
{
    static const struct {
        const char *key, *account;
    } rows[] = {{"test", "000000000000"}, {"123456789012", "123456789012"}};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sigv4_signer s = signer_of(w);

        s.access_key = str_from(rows[i].key);
        s.service = S("sts");
        struct str xml = send(w, sign(&s, post("Action=GetCallerIdentity&Version=2011-06-15")));
        CHECK_OK(w, xml);
        CHECK_STR(xml_text(xml, "Account"), rows[i].account);
        s.service = S("ec2");
        s.region = S("eu-west-1");
        xml = send(w, sign(&s, post("Action=DescribeAvailabilityZones&Version=2016-11-15")));
        CHECK_OK(w, xml);
        CHECK_STR(xml_text(xml, "regionName"), "eu-west-1");
    }
    world_free(w);
}

TEST(keys_that_are_not_known_are_refused)
{
    static const char *const keys[] = {"Test",
                                       "tes",
                                       "testt",
                                       "12345678901",
                                       "1234567890123",
                                       "12345678901a",
                                       "AKIDEXAMPLE",
                                       "000000000000 ",
                                       "00000000000\xd9"};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct sigv4_signer s = signer_of(w);

        s.access_key = str_from(keys[i]);
        CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
        CHECK_CODE(w, presign(&s, FORM), 401, "AuthFailure");
    }
    struct sigv4_signer s = signer_of(w);
    s.access_key = S("AKIDEXAMPLE");
    s.service = S("sts");
    CHECK_CODE(w, sign(&s, post("Action=GetCallerIdentity&Version=2011-06-15")), 403,
               "InvalidClientTokenId");
    world_free(w);
}

TEST(a_wrong_secret_is_refused)
{
    static const char *const secrets[] = {"Test", "tes", "test ", "", "testtest"};
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);

    /* the right one first, so that its key lies in the cache */
    CHECK_OK(w, send(w, sign(&s, post(FORM))));
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        s.secret = str_from(secrets[i]);
        CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
        CHECK_CODE(w, presign(&s, FORM), 401, "AuthFailure");
    }
    s.secret = S("test");
    CHECK_OK(w, send(w, sign(&s, post(FORM))));
    world_free(w);
}

/* Signs now and sends ms later. */
static int
http_after(int64_t ms)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);
    struct request *r;

    s.now_ms -= ms;
    r = sign(&s, post(FORM));
    struct str xml = send(w, r);
    if (w->http != 200)
        CHECK_STR(xml_text(xml, "Code"), "RequestExpired");
    int http = w->http;
    world_free(w);
    return http;
}

TEST(a_clock_may_be_a_quarter_of_an_hour_wrong)
{
    CHECK_INT(http_after(0), 200);
    CHECK_INT(http_after(SIGV4_SKEW_MS - 1000), 200);
    CHECK_INT(http_after(-SIGV4_SKEW_MS + 1000), 200);
    CHECK_INT(http_after(SIGV4_SKEW_MS + 1000), 400);
    CHECK_INT(http_after(-SIGV4_SKEW_MS - 1000), 400);
    CHECK_INT(http_after(86400000), 400);
}

TEST(a_presigned_request_lives_as_long_as_it_says)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);
    struct request *r = presign(&s, FORM);

    CHECK_OK(w, send(w, r));
    world_advance(w, 59 * 1000);
    CHECK_OK(w, send(w, r));
    world_advance(w, 2 * 1000);
    CHECK_CODE(w, r, 400, "RequestExpired");
    s = signer_of(w);
    s.expires_s = SIGV4_EXPIRES_MAX_S + 1;
    CHECK_CODE(w, presign(&s, FORM), 401, "AuthFailure");
    world_free(w);
}

TEST(scopes_of_others_are_refused)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);

    s.service = S("glacier");
    CHECK_CODE(w, sign(&s, post(FORM)), 501, "UnknownService");
    static const char *const regions[] = {"",          "us", "US-EAST-1", "us-east-x",
                                          "us east 1", "-",  "../1"};
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        s = signer_of(w);
        s.region = str_from(regions[i]);
        CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
    }
    /* a request for another service than it was signed for cannot be told from a wrong action */
    s = signer_of(w);
    s.service = S("sts");
    CHECK_CODE(w, sign(&s, post(FORM)), 400, "InvalidAction");
    world_free(w);
}

TEST(a_request_that_is_not_signed_is_refused)
{
    struct world *w = world_new();

    send(w, post(FORM));
    CHECK(w->http >= 400 && w->http < 500);
    CHECK_CODE(w, post_to("localhost:4566", "Action=GetCallerIdentity&Version=2011-06-15"), 403,
               "MissingAuthenticationToken");
    world_free(w);
}

TEST(the_host_names_the_service_of_a_request_that_is_not_signed)
{
    struct world *w = world_new();

    CHECK_CODE(w, post_to("STS.us-east-1.amazonaws.com:443", "Action=GetCallerIdentity"), 403,
               "MissingAuthenticationToken");
    CHECK_CODE(w, post_to("sts.amazonaws.com", "Action=GetCallerIdentity"), 403,
               "MissingAuthenticationToken");
    CHECK_CODE(w, post_to("sts.us-east-1.api.aws", "Action=GetCallerIdentity"), 403,
               "MissingAuthenticationToken");
    CHECK_CODE(w, post_to("localhost", "Action=GetCallerIdentity"), 501, "UnknownService");
    CHECK_CODE(w, post_to("glacier.us-east-1.amazonaws.com", ""), 501, "UnknownService");
    CHECK_CODE(w, post_to("sts.example.com", "Action=GetCallerIdentity"), 501, "UnknownService");
    world_free(w);
}

TEST(keys_that_everybody_knows_are_refused_where_they_shall_not_be)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);
    struct request *r = sign(&s, post(FORM));

    CHECK_OK(w, send(w, r));
    for (int inside = 0; inside < 2; inside++) {
        struct api_request req = {.http = r->req,
                                  .peer = S("172.31.0.5"),
                                  .source_vpc = S("vpc-1"),
                                  .no_root_keys = inside};
        struct api_reply reply = {0};

        arena_reset(&w->call_arena);
        buf_init(&reply.body, 1 << 20);
        api_handle(cloud_api(w->cloud), &w->call_arena, &req, &reply);
        CHECK_INT(reply.status, inside ? 401 : 200);
        if (inside)
            CHECK_STR(reply.code, "AuthFailure");
        buf_done(&reply.body);
    }
    world_free(w);
}

TEST(a_session_token_of_nobody_is_refused)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);

    s.token = S("FwoGZXIvYXdzE");
    CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
    CHECK_CODE(w, presign(&s, FORM), 401, "AuthFailure");
    world_free(w);
}

TEST(headers_that_are_added_or_taken_away_are_noticed)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);
    struct request *whole = sign(&s, post(FORM));

    CHECK_OK(w, send(w, whole));
    for (size_t gone = 0; gone < whole->req.n_headers; gone++) {
        struct request r = *whole;

        r.req.headers = r.headers;
        r.req.n_headers--;
        memmove(r.headers + gone, r.headers + gone + 1,
                sizeof(r.headers[0]) * (r.req.n_headers - gone));
        send(w, &r);
        if (w->http == 200)
            FAIL("nobody misses %.*s", STR_ARG(whole->headers[gone].name));
    }
    /* one that is not signed: x-amz-… must be, others may be added by proxies */
    struct request r = *whole;
    r.req.headers = r.headers;
    add_header(&r, S("X-Amz-Target"), S("A.B"));
    send(w, &r);
    CHECK(w->http != 200);
    r.headers[r.req.n_headers - 1] = (struct http_header){S("Via"), S("1.1 proxy")};
    CHECK_OK(w, send(w, &r));
    /* a second one of a signed name */
    r.headers[r.req.n_headers - 1] = (struct http_header){S("Host"), S("evil.example.com")};
    send(w, &r);
    CHECK(w->http != 200);
    world_free(w);
}

/* "%2f" is "%2F". */
static bool
same_coded(struct str a, struct str b)
{
    struct str x, y;

    return uri_decode(test_arena(), a, 0, &x) && uri_decode(test_arena(), b, 0, &y) &&
           str_eq(x, y);
}

/* Every byte of *s with one bit turned; only what means the same may pass. */
static void
tamper(struct world *w, struct request *r, struct str *s, const char *what)
{
    struct str before = *s;
    char *copy = arena_dup(test_arena(), before.p, before.n);

    *s = str_of(copy, before.n);
    for (size_t i = 0; i < before.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (char)(before.p[i] ^ (1 << bit));
            send(w, r);
            /* "Content-Type" and "content-type" are one name */
            bool same = str_eq_nocase(*s, before) && strcmp(what, "name") == 0;
            /* and "." is "/" once it is normalised; over HTTP a path begins with '/' */
            same = same || (str_is(*s, ".") && strcmp(what, "path") == 0);
            same = same || (strcmp(what, "query") == 0 && same_coded(*s, before));
            if (w->http == 200 && !same)
                FAIL("%s: \"%.*s\" is accepted for \"%.*s\"", what, STR_ARG(*s), STR_ARG(before));
            if (w->http >= 500 && w->http != 501)
                FAIL("%s: \"%.*s\" answers HTTP %d", what, STR_ARG(*s), w->http);
            copy[i] = before.p[i];
            if (w->arena.total_bytes > (size_t)100 << 20)
                arena_reset(&w->arena);
        }
    *s = before;
}

TEST(a_signed_request_with_any_bit_turned_is_refused)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);
    struct request *r = sign(&s, post(FORM));

    w->region = S("us-east-1");
    CHECK_OK(w, send(w, r));
    tamper(w, r, &r->req.method, "method");
    tamper(w, r, &r->req.path, "path");
    tamper(w, r, &r->req.body, "body");
    for (size_t i = 0; i < r->req.n_headers; i++) {
        tamper(w, r, &r->headers[i].value, "value");
        tamper(w, r, &r->headers[i].name, "name");
    }
    CHECK_OK(w, send(w, r));
    world_free(w);
}

TEST(without_root_keys_nobody_comes_in)
{
    struct world *w = world_new();
    const struct sigv4_signer s = signer_of(w);
    struct api_config config = {.env = &w->env.env,
                                .store = cloud_store(w->cloud),
                                .services = cloud_services(),
                                .root_keys = false,
                                .default_region = "us-east-1"};
    struct api *api = api_new(&config);
    static const char *const keys[] = {"test", "123456789012"};

    CHECK(api);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct sigv4_signer one = s;
        struct api_reply reply = {0};

        one.access_key = str_from(keys[i]);
        struct api_request req = {.http = sign(&one, post(FORM))->req};
        buf_init(&reply.body, 1 << 20);
        api_handle(api, test_arena(), &req, &reply);
        CHECK_INT(reply.status, 401);
        CHECK_STR(reply.code, "AuthFailure");
        buf_done(&reply.body);
    }
    api_free(api);
    world_free(w);
}

TEST(a_fault_of_a_signature_does_not_tell_the_secret)
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of(w);

    s.secret = S("wrong-secret");
    s.service = S("sts");
    struct str xml = send(w, sign(&s, post("Action=GetCallerIdentity&Version=2011-06-15")));
    CHECK_FAULT(w, xml, "SignatureDoesNotMatch");
    CHECK_INT(w->http, 403);
    /* it may explain the canonical request, and must not show the signature that would be right */
    struct sigv4_signer right = signer_of(w);
    right.service = S("sts");
    struct request *r = sign(&right, post("Action=GetCallerIdentity&Version=2011-06-15"));
    for (size_t i = 0; i < r->req.n_headers; i++) {
        struct str v = r->headers[i].value;
        size_t at = str_find(v, S("Signature="));

        if (at != SIZE_MAX)
            CHECK(str_find(xml, str_cut(v, at + 10, v.n)) == SIZE_MAX);
    }
    world_free(w);
}

/* ---- keys of IAM and of sessions ---- */

TEST(a_key_works_while_it_is_active_and_its_user_lives, "IAM-01 IAM-08")
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=bob");
    struct str key = world_ok(w, "Action=CreateAccessKey&UserName=bob");
    struct str id = xml_text(key, "AccessKeyId");

    world_as_reply(w, key);
    CHECK_STR(xml_text(world_ok(w, "Action=GetCallerIdentity"), "Arn"),
              "arn:aws:iam::000000000000:user/bob");
    world_as_root(w);
    world_okf(w, "Action=UpdateAccessKey&UserName=bob&Status=Inactive&AccessKeyId=%.*s",
              STR_ARG(id));
    world_as_reply(w, key);
    world_refused(w, "InvalidClientTokenId", NULL, "Action=GetCallerIdentity");
    world_as_root(w);
    world_okf(w, "Action=UpdateAccessKey&UserName=bob&Status=Active&AccessKeyId=%.*s",
              STR_ARG(id));
    world_as_reply(w, key);
    struct str session = world_ok(w, "Action=GetSessionToken");

    world_as_reply(w, session);
    world_ok(w, "Action=GetCallerIdentity");
    world_as_root(w);
    world_okf(w, "Action=DeleteAccessKey&UserName=bob&AccessKeyId=%.*s", STR_ARG(id));
    world_as_reply(w, key);
    world_refused(w, "InvalidClientTokenId", NULL, "Action=GetCallerIdentity");
    /* the session lives on, until its user is gone */
    world_as_reply(w, session);
    world_ok(w, "Action=GetCallerIdentity");
    world_as_root(w);
    world_ok(w, "Action=DeleteUser&UserName=bob");
    world_as_reply(w, session);
    world_refused(w, "InvalidClientTokenId",
                  "The security token included in the request is invalid",
                  "Action=GetCallerIdentity");
    world_free(w);
}

TEST(the_last_use_of_a_key_is_told_and_written_once_an_hour)
{
    struct world *w = world_new();
    struct str last;

    world_ok(w, "Action=CreateUser&UserName=bob");
    struct str key = world_ok(w, "Action=CreateAccessKey&UserName=bob");
    const char *ask = test_fmt("Action=GetAccessKeyLastUsed&AccessKeyId=%.*s",
                               STR_ARG(xml_text(key, "AccessKeyId")));

    world_as_reply(w, key);
    w->region = S("eu-west-1");
    world_ok(w, "Action=GetCallerIdentity");
    world_as_root(w);
    last = world_ok(w, ask);
    CHECK_STR(xml_text(last, "Region"), "eu-west-1");
    CHECK_STR(xml_text(last, "ServiceName"), "sts");
    for (int i = 0; i < 3; i++) {
        world_advance(w, 29 * 60 * 1000);
        struct str before = xml_text(last, "LastUsedDate");

        world_as_reply(w, key);
        world_ok(w, "Action=GetCallerIdentity");
        world_as_root(w);
        last = world_ok(w, ask);
        /* 29, 58, 87 minutes: only the third is more than an hour after what is written */
        CHECK(str_eq(before, xml_text(last, "LastUsedDate")) == (i < 2));
    }
    world_free(w);
}

/* IAM is in us-east-1, wherever the request was signed for. */
TEST(a_global_service_has_one_region)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=bob");
    struct str key = world_ok(w, "Action=CreateAccessKey&UserName=bob");
    struct str document = world_code(
        w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iam:*\","
             "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
             "{\"aws:RequestedRegion\":\"us-east-1\"}}}}"));

    world_okf(w, "Action=PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(document));
    world_as_reply(w, key);
    w->region = S("eu-west-1");
    world_ok(w, "Action=ListUsers");
    world_free(w);
}

static struct sigv4_signer
signer_of_reply(struct world *w, struct str reply)
{
    struct sigv4_signer s = signer_of(w);

    s.access_key = xml_text(reply, "AccessKeyId");
    s.secret = xml_text(reply, "SecretAccessKey");
    s.token = xml_text(reply, "SessionToken");
    return s;
}

TEST(a_session_s_request_with_any_bit_turned_is_refused, "IAM-08")
{
    struct world *w = world_new();
    struct sigv4_signer s = signer_of_reply(w, world_ok(w, "Action=GetSessionToken"));
    struct request *r = sign(&s, post(FORM));

    CHECK_OK(w, send(w, r));
    tamper(w, r, &r->req.body, "body");
    for (size_t i = 0; i < r->req.n_headers; i++)
        tamper(w, r, &r->headers[i].value, "value");
    CHECK_OK(w, send(w, r));
    /* sent again later it is too old, though the session lives */
    world_advance(w, SIGV4_SKEW_MS + 1000);
    CHECK_CODE(w, r, 400, "RequestExpired");
    s.now_ms = w->env.now_ms;
    CHECK_OK(w, send(w, sign(&s, post(FORM))));
    r = presign(&s, FORM);
    CHECK_OK(w, send(w, r));
    tamper(w, r, &r->req.query, "query");
    world_free(w);
}

TEST(a_token_of_another_key_or_account_is_refused)
{
    struct world *w = world_new();
    struct str one = world_ok(w, "Action=GetSessionToken");

    world_account(w, "111122223333", "us-east-1");
    struct str two = world_ok(w, "Action=GetSessionToken");
    struct sigv4_signer s = signer_of_reply(w, one);

    CHECK_OK(w, send(w, sign(&s, post(FORM))));
    s.token = xml_text(two, "SessionToken");
    CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
    s.token = STR_NONE;
    CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
    s = signer_of_reply(w, one);
    s.secret = xml_text(two, "SecretAccessKey");
    CHECK_CODE(w, sign(&s, post(FORM)), 401, "AuthFailure");
    world_free(w);
}
