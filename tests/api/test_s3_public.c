/* What everybody may: public buckets, access control lists, other origins, websites, forms. */
#include "api/s3_help.h"

#include "base/timefmt.h"
#include "codec/uri.h"

#define HOST "localhost:4566"

/* A request without a signature; headers as "Name: value". */
static struct str
nobody(struct world *w, const char *method, const char *host, const char *target, struct str body,
       const char *const *more)
{
    struct http_header headers[8] = {{S("Host"), str_from(host)}};
    struct str query = str_from(target), path = str_split(&query, '?');
    struct sigv4_request req = {.method = str_from(method),
                                .path = path,
                                .query = query,
                                .headers = headers,
                                .n_headers = 1,
                                .body = body};

    for (size_t i = 0; more && more[i]; i++) {
        struct str value = str_from(more[i]), name = str_split(&value, ':');

        headers[req.n_headers++] = (struct http_header){name, str_trim(value)};
    }
    return world_request(w, &req);
}

#define NOBODY(w, status, method, host, target, body, ...)                                         \
    ({                                                                                             \
        struct str sent_ =                                                                         \
            nobody((w), (method), (host), (target), str_from(body), S3_HEADERS(__VA_ARGS__));      \
        if ((w)->http != (status))                                                                 \
            FAIL("%s %s: HTTP %d, not %d: %.*s", (method), (target), (w)->http, (status),          \
                 STR_ARG(sent_));                                                                  \
        sent_;                                                                                     \
    })

static void
refuses(struct world *w, int status, const char *code, const char *method, const char *target)
{
    struct str got = NOBODY(w, status, method, HOST, target, "");

    if (!str_is(xml_text(got, "Code"), code))
        FAIL("%s %s: not %s: %.*s", method, target, code, STR_ARG(got));
}

static void
make_public(struct world *w, const char *bucket, const char *action, const char *resource)
{
    S3_OK(w, 204, "DELETE", test_fmt("/%s?publicAccessBlock", bucket), "");
    S3_OK(w, 204, "PUT", test_fmt("/%s?policy", bucket),
          test_fmt("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
                   "\"*\",\"Action\":\"%s\",\"Resource\":\"arn:aws:s3:::%s%s\"}]}",
                   action, bucket, resource));
}

/* ---- nobody ---- */

TEST(nobody_reads_what_a_public_policy_lets_him)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_OK(w, 200, "PUT", "/box/pub/k", "for all");
    S3_OK(w, 200, "PUT", "/box/own", "for one");
    refuses(w, 403, "AccessDenied", "GET", "/box/pub/k");
    CHECK_STR(xml_text(NOBODY(w, 403, "GET", HOST, "/box/own", ""), "Message"), "Access Denied");
    make_public(w, "box", "s3:GetObject", "/pub/*");
    CHECK_STR(NOBODY(w, 200, "GET", HOST, "/box/pub/k", ""), "for all");
    CHECK_STR(NOBODY(w, 200, "GET", "box.s3.amazonaws.com", "/pub/k", ""), "for all");
    CHECK_STR(NOBODY(w, 200, "GET", "s3.amazonaws.com", "/box/pub/k", ""), "for all");
    NOBODY(w, 200, "HEAD", HOST, "/box/pub/k", "");
    refuses(w, 403, "AccessDenied", "GET", "/box/own");
    refuses(w, 403, "AccessDenied", "GET", "/box/pub/none"); /* he may not list */
    refuses(w, 403, "AccessDenied", "GET", "/box");
    refuses(w, 403, "AccessDenied", "PUT", "/box/pub/k");
    refuses(w, 403, "AccessDenied", "DELETE", "/box");
    refuses(w, 403, "AccessDenied", "GET", "/box?policy");
    NOBODY(w, 403, "GET", "s3.amazonaws.com", "/", "");
    NOBODY(w, 403, "PUT", "new.s3.amazonaws.com", "/", "");
    S3_OK(w, 200, "PUT", "/box/pub/kms", "x", "x-amz-server-side-encryption: aws:kms");
    CHECK_STR(xml_text(NOBODY(w, 400, "GET", HOST, "/box/pub/kms", ""), "Message"),
              "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS "
              "Signature Version 4.");
    /* in another region nobody has to know it */
    world_account(w, "000000000000", "eu-west-1");
    S3_OK(w, 200, "PUT", "/west", "<C><LocationConstraint>eu-west-1</LocationConstraint></C>");
    make_public(w, "west", "s3:*", "/*");
    NOBODY(w, 200, "PUT", HOST, "/west/by-nobody", "hello");
    CHECK_STR(NOBODY(w, 200, "GET", HOST, "/west/by-nobody", ""), "hello");
    /* the block makes a public policy count for nobody */
    S3_OK(w, 200, "PUT", "/west?publicAccessBlock",
          "<P><RestrictPublicBuckets>true</RestrictPublicBuckets></P>");
    refuses(w, 403, "AccessDenied", "GET", "/west/by-nobody");
    world_free(w);
}

TEST(a_list_lets_in_whom_it_names_where_there_are_lists)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_REFUSED(w, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs", "PUT",
               "/box?acl", "", "x-amz-acl: public-read");
    S3_REFUSED(w, 400, "InvalidBucketAclWithBlockPublicAccessError", NULL, "PUT", "/other", "",
               "x-amz-acl: public-read", "x-amz-object-ownership: ObjectWriter");
    S3_OK(w, 200, "PUT", "/box?ownershipControls",
          "<O><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></O>");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/box/k", "x", "x-amz-acl: public-read");
    S3_OK(w, 204, "DELETE", "/box?publicAccessBlock", "");
    S3_OK(w, 200, "PUT", "/box/k", "read me", "x-amz-acl: public-read");
    S3_OK(w, 200, "PUT", "/box/own", "mine");
    CHECK_STR(NOBODY(w, 200, "GET", HOST, "/box/k", ""), "read me");
    refuses(w, 403, "AccessDenied", "GET", "/box/own");
    refuses(w, 403, "AccessDenied", "GET", "/box");
    struct str acl = S3_OK(w, 200, "GET", "/box/k?acl", "");
    CHECK_INT(xml_count(acl, "Grant"), 2);
    CHECK_STR(xml_text(acl, "URI"), "http://acs.amazonaws.com/groups/global/AllUsers");
    S3_OK(w, 200, "PUT", "/box?acl", "", "x-amz-acl: public-read");
    CHECK_INT(xml_count(NOBODY(w, 200, "GET", HOST, "/box", ""), "Contents"), 2);
    S3_OK(w, 200, "PUT", "/box/own?acl", "", "x-amz-acl: public-read");
    CHECK_STR(NOBODY(w, 200, "GET", HOST, "/box/own", ""), "mine");
    /* a denial is final */
    S3_OK(w, 204, "PUT", "/box?policy",
          "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\","
          "\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::box/own\"}]}");
    refuses(w, 403, "AccessDenied", "GET", "/box/own");
    CHECK_STR(NOBODY(w, 200, "GET", HOST, "/box/k", ""), "read me");
    world_crash(w);
    CHECK_STR(NOBODY(w, 200, "GET", HOST, "/box/k", ""), "read me");
    S3_OK(w, 200, "PUT", "/box?publicAccessBlock",
          "<P><IgnorePublicAcls>true</IgnorePublicAcls></P>");
    refuses(w, 403, "AccessDenied", "GET", "/box/k");
    S3_REFUSED(w, 400, "MissingSecurityHeader", NULL, "PUT", "/box?acl", "");
    S3_REFUSED(w, 501, "NotImplemented", NULL, "PUT", "/box/k", "x", "x-amz-grant-read: id=x");
    world_free(w);
}

/* ---- other origins ---- */

#define CORS                                                                                       \
    "<C><CORSRule><ID>one</ID><AllowedOrigin>https://*.example.com</AllowedOrigin>"                \
    "<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>"                         \
    "<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"                      \
    "<ExposeHeader>x-amz-request-id</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds></CORSRule>"   \
    "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule></C>"

TEST(rules_for_other_origins_are_kept)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_REFUSED(w, 404, "NoSuchCORSConfiguration", "The CORS configuration does not exist", "GET",
               "/box?cors", "");
    S3_OK(w, 200, "PUT", "/box?cors", CORS);
    world_crash(w);
    struct str got = S3_OK(w, 200, "GET", "/box?cors", "");
    CHECK_INT(xml_count(got, "CORSRule"), 2);
    CHECK_STR(xml_text(got, "ID"), "one");
    CHECK_STR(xml_text_at(got, "AllowedMethod", 1), "PUT");
    CHECK_STR(xml_text_at(got, "ExposeHeader", 1), "x-amz-request-id");
    CHECK_STR(xml_text(got, "MaxAgeSeconds"), "600");
    S3_REFUSED(w, 400, "InvalidRequest",
               "Found unsupported HTTP method in CORS config. Unsupported method is PATCH", "PUT",
               "/box?cors",
               "<C><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>"
               "</CORSRule></C>");
    S3_REFUSED(w, 400, "InvalidRequest",
               "AllowedOrigin \"*.a.*\" can not have more than one wildcard.", "PUT", "/box?cors",
               "<C><CORSRule><AllowedOrigin>*.a.*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
               "</CORSRule></C>");
    S3_REFUSED(w, 400, "InvalidRequest",
               "ExposeHeader \"x-*\" contains wildcard. We currently do not support wildcard for "
               "ExposeHeader.",
               "PUT", "/box?cors",
               "<C><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
               "<ExposeHeader>x-*</ExposeHeader></CORSRule></C>");
    S3_REFUSED(w, 400, "MalformedXML", NULL, "PUT", "/box?cors", "<C></C>");
    S3_OK(w, 204, "DELETE", "/box?cors", "");
    S3_OK(w, 404, "GET", "/box?cors", "");
    world_free(w);
}

TEST(a_browser_is_told_before_it_sends_and_after)
{
    struct world *w = world_new();
    const char *origin = "Origin: https://app.example.com";
    const char *put = "Access-Control-Request-Method: PUT";

    S3_OK(w, 200, "PUT", "/box", "");
    CHECK_STR(xml_text(NOBODY(w, 400, "OPTIONS", HOST, "/box/k", ""), "Message"),
              "Insufficient information. Origin request header needed.");
    CHECK_STR(xml_text(NOBODY(w, 400, "OPTIONS", HOST, "/box/k", "", origin), "Message"),
              "Invalid Access-Control-Request-Method: null");
    struct str no = NOBODY(w, 403, "OPTIONS", HOST, "/box/k", "", origin, put);
    CHECK_STR(xml_text(no, "Code"), "AccessForbidden");
    CHECK_STR(xml_text(no, "Message"), "CORSResponse: CORS is not enabled for this bucket.");
    CHECK_STR(xml_text(no, "Method"), "PUT");
    CHECK_STR(xml_text(no, "ResourceType"), "OBJECT");
    CHECK_STR(xml_text(NOBODY(w, 403, "OPTIONS", "none.s3.amazonaws.com", "/k", "", origin, put),
                       "Message"),
              "CORSResponse: Bucket not found");
    S3_OK(w, 200, "PUT", "/box?cors", CORS);
    NOBODY(w, 200, "OPTIONS", HOST, "/box/k", "", origin, put,
           "Access-Control-Request-Headers: X-Amz-Date, x-amz-acl");
    CHECK_STR(world_header(w, "Access-Control-Allow-Origin"), "https://app.example.com");
    CHECK_STR(world_header(w, "Access-Control-Allow-Methods"), "GET, PUT");
    CHECK_STR(world_header(w, "Access-Control-Allow-Headers"), "x-amz-date, x-amz-acl");
    CHECK_STR(world_header(w, "Access-Control-Max-Age"), "600");
    CHECK_STR(world_header(w, "Access-Control-Allow-Credentials"), "true");
    CHECK_STR(world_header(w, "Access-Control-Expose-Headers"), "ETag, x-amz-request-id");
    NOBODY(w, 200, "OPTIONS", HOST, "/box", "", "Origin: http://any",
           "Access-Control-Request-Method: HEAD");
    CHECK_STR(world_header(w, "Access-Control-Allow-Origin"), "*");
    CHECK(!world_header(w, "Access-Control-Allow-Credentials").p);
    NOBODY(w, 403, "OPTIONS", HOST, "/box/k", "", origin, put,
           "Access-Control-Request-Headers: Content-Type");
    NOBODY(w, 403, "OPTIONS", HOST, "/box/k", "", "Origin: https://example.org", put);
    NOBODY(w, 403, "OPTIONS", HOST, "/box/k", "", origin, "Access-Control-Request-Method: DELETE");
    /* and the request itself, refused or not */
    S3_OK(w, 200, "PUT", "/box/k", "x", origin);
    CHECK_STR(world_header(w, "Access-Control-Allow-Origin"), "https://app.example.com");
    NOBODY(w, 403, "GET", HOST, "/box/k", "", origin);
    CHECK_STR(world_header(w, "Access-Control-Allow-Origin"), "https://app.example.com");
    S3_OK(w, 200, "GET", "/box/k", "", "Origin: https://example.org");
    CHECK(!world_header(w, "Access-Control-Allow-Origin").p);
    world_free(w);
}

/* ---- websites ---- */

TEST(the_configuration_of_a_website_is_kept)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/site", "");
    struct str no = S3_REFUSED(w, 404, "NoSuchWebsiteConfiguration",
                               "The specified bucket does not have a website configuration", "GET",
                               "/site?website", "");
    CHECK_STR(xml_text(no, "BucketName"), "site");
    S3_OK(
        w, 200, "PUT", "/site?website",
        "<W><IndexDocument><Suffix>i.html</Suffix></IndexDocument><ErrorDocument><Key>e.html</Key>"
        "</ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>old/"
        "</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith></ReplaceKeyPrefixWith>"
        "<HttpRedirectCode>302</HttpRedirectCode></Redirect></RoutingRule></RoutingRules></W>");
    world_crash(w);
    struct str got = S3_OK(w, 200, "GET", "/site?website", "");
    CHECK_STR(xml_text(got, "Suffix"), "i.html");
    CHECK_STR(xml_text(got, "Key"), "e.html");
    CHECK_STR(xml_text(got, "KeyPrefixEquals"), "old/");
    CHECK_STR(xml_text(got, "ReplaceKeyPrefixWith"), "");
    CHECK_INT(xml_count(got, "ReplaceKeyWith"), 0);
    S3_REFUSED(w, 400, "InvalidArgument", "The IndexDocument Suffix is not well formed", "PUT",
               "/site?website", "<W><IndexDocument><Suffix>a/b</Suffix></IndexDocument></W>");
    S3_REFUSED(
        w, 400, "InvalidArgument",
        "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        "PUT", "/site?website", "<W><ErrorDocument><Key>e</Key></ErrorDocument></W>");
    S3_REFUSED(w, 400, "InvalidArgument",
               "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
               "PUT", "/site?website",
               "<W><RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>"
               "<IndexDocument><Suffix>a</Suffix></IndexDocument></W>");
    S3_OK(w, 204, "DELETE", "/site?website", "");
    S3_OK(w, 404, "GET", "/site?website", "");
    world_free(w);
}

#define SITE "site.s3-website-us-east-1.amazonaws.com"

TEST(a_website_shows_pages_errors_and_ways)
{
    struct world *w = world_new();

    CHECK(str_find(NOBODY(w, 404, "GET", SITE, "/", ""), S("<li>Code: NoSuchBucket</li>")) !=
          SIZE_MAX);
    S3_OK(w, 200, "PUT", "/site", "");
    CHECK(str_find(NOBODY(w, 404, "GET", SITE, "/", ""), S("NoSuchWebsiteConfiguration")) !=
          SIZE_MAX);
    S3_OK(w, 200, "PUT", "/site/index.html", "<p>home", "Content-Type: text/html");
    S3_OK(w, 200, "PUT", "/site/dir/index.html", "<p>dir", "Content-Type: text/html");
    S3_OK(w, 200, "PUT", "/site/moved", "", "x-amz-website-redirect-location: /dir/");
    struct str large = str_of(arena_alloc(&w->arena, 100000), 100000);
    CHECK_OK(w, s3_send(w, "PUT", "/site/large.bin", large, NULL));
    S3_OK(w, 200, "PUT", "/site?website",
          "<W><IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules>"
          "<RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect>"
          "<ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith></Redirect></RoutingRule>"
          "<RoutingRule><Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>"
          "<KeyPrefixEquals>lost/</KeyPrefixEquals></Condition><Redirect><HostName>example.com"
          "</HostName><Protocol>https</Protocol><HttpRedirectCode>307</HttpRedirectCode></Redirect>"
          "</RoutingRule></RoutingRules></W>");
    CHECK(str_find(NOBODY(w, 403, "GET", SITE, "/", ""), S("<li>Code: AccessDenied</li>")) !=
          SIZE_MAX);
    make_public(w, "site", "s3:*", "/*");
    S3_OK(w, 204, "PUT", "/site?policy",
          "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","
          "\"Action\":[\"s3:GetObject\",\"s3:ListBucket\"],\"Resource\":[\"arn:aws:s3:::site\","
          "\"arn:aws:s3:::site/*\"]}]}");
    CHECK_STR(NOBODY(w, 200, "GET", SITE, "/", ""), "<p>home");
    CHECK_STR(w->content_type, "text/html");
    CHECK_STR(NOBODY(w, 200, "GET", "site.s3-website.us-east-1.amazonaws.com", "/dir/", ""),
              "<p>dir");
    CHECK_STR(NOBODY(w, 200, "GET", "site.s3-website.localhost:4566", "/index.html", ""),
              "<p>home");
    CHECK(str_eq(NOBODY(w, 200, "GET", SITE, "/large.bin", ""), large));
    NOBODY(w, 200, "HEAD", SITE, "/large.bin", "");
    CHECK_INT(w->length.v, 100000);
    NOBODY(w, 302, "GET", SITE, "/dir", "");
    CHECK_STR(world_header(w, "Location"), "/dir/");
    NOBODY(w, 301, "GET", SITE, "/moved", "");
    CHECK_STR(world_header(w, "Location"), "/dir/");
    NOBODY(w, 301, "GET", SITE, "/old/page", "");
    CHECK_STR(world_header(w, "Location"), "http://" SITE "/new/page");
    NOBODY(w, 307, "GET", SITE, "/lost/page", "");
    CHECK_STR(world_header(w, "Location"), "https://example.com/lost/page");
    struct str no = NOBODY(w, 404, "GET", SITE, "/%3Cscript%3E", "");
    CHECK(str_find(no, S("<h1>404 Not Found</h1>")) != SIZE_MAX);
    CHECK(str_find(no, S("<script>")) == SIZE_MAX);
    CHECK_STR(world_header(w, "x-amz-error-code"), "NoSuchKey");
    NOBODY(w, 405, "PUT", SITE, "/x", "y");
    S3_OK(w, 200, "PUT", "/site?website",
          "<W><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>oops"
          "</Key></ErrorDocument></W>");
    CHECK(str_find(NOBODY(w, 404, "GET", SITE, "/none", ""), S("Custom Error Document")) !=
          SIZE_MAX);
    S3_OK(w, 200, "PUT", "/site/oops", "<p>oops", "Content-Type: text/html");
    CHECK_STR(NOBODY(w, 404, "GET", SITE, "/none", ""), "<p>oops");
    S3_OK(w, 200, "PUT", "/site?website",
          "<W><RedirectAllRequestsTo><HostName>www.example.com</HostName><Protocol>https</Protocol>"
          "</RedirectAllRequestsTo></W>");
    NOBODY(w, 301, "GET", SITE, "/a%20b", "");
    CHECK_STR(world_header(w, "Location"), "https://www.example.com/a%20b");
    world_free(w);
}

/* ---- forms ---- */

#define BOUNDARY "----WebKitFormBoundary7MA4YWxkTrZu0gW"
#define FORM_TYPE "Content-Type: multipart/form-data; boundary=" BOUNDARY

static struct str
field(struct world *w, const char *name, struct str value)
{
    return str_fmt(&w->arena,
                   "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%.*s\r\n",
                   name, STR_ARG(value));
}

static struct str
file(struct world *w, const char *name, struct str bytes)
{
    return str_fmt(&w->arena,
                   "--" BOUNDARY
                   "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\""
                   "\r\nContent-Type: text/plain\r\n\r\n%.*s\r\n--" BOUNDARY "--\r\n",
                   name, STR_ARG(bytes));
}

/* The fields of a policy that the root signs. */
static struct str
signed_fields(struct world *w, const char *conditions, const char *secret)
{
    const char *credential = "test/20260101/us-east-1/s3/aws4_request";
    struct str stamp = time_compact(&w->arena, w->env.now_ms);
    struct str policy = str_fmt(
        &w->arena,
        "{\"expiration\":\"%.*s\",\"conditions\":[{\"bucket\":\"box\"},{\"x-amz-algorithm\":"
        "\"AWS4-HMAC-SHA256\"},{\"x-amz-credential\":\"%s\"},{\"x-amz-date\":\"%.*s\"}%s]}",
        STR_ARG(time_iso(&w->arena, w->env.now_ms + 3600000)), credential, STR_ARG(stamp),
        conditions);
    struct str coded = str_base64(&w->arena, policy);
    struct sigv4_claim claim = {.access_key = S("test"),
                                .scope = S("20260101/us-east-1/s3/aws4_request"),
                                .date = S("20260101"),
                                .region = S("us-east-1"),
                                .service = S("s3"),
                                .terminator = S("aws4_request")};
    struct sigv4_keys *keys = sigv4_keys_new(1);
    char mac[2 * SHA256_LEN];

    CHECK(str_starts(stamp, S("20260101")));
    sigv4_mac(sigv4_keys_get(keys, &claim, str_from(secret)), coded, mac);
    sigv4_keys_free(keys);
    return str_fmt(&w->arena, "%.*s%.*s%.*s%.*s%.*s",
                   STR_ARG(field(w, "x-amz-algorithm", S("AWS4-HMAC-SHA256"))),
                   STR_ARG(field(w, "x-amz-credential", str_from(credential))),
                   STR_ARG(field(w, "X-Amz-Date", stamp)), STR_ARG(field(w, "Policy", coded)),
                   STR_ARG(field(w, "X-Amz-Signature", str_of(mac, sizeof(mac)))));
}

static struct str
submit(struct world *w, int status, struct str form)
{
    struct str got = nobody(w, "POST", HOST, "/box", form, S3_HEADERS(FORM_TYPE));

    if (w->http != status)
        FAIL("HTTP %d, not %d: %.*s", w->http, status, STR_ARG(got));
    return got;
}

#define CAT(...) cat(w, (const struct str[]){__VA_ARGS__, STR_NONE})
static struct str
cat(struct world *w, const struct str *pieces)
{
    struct str all = S("");

    for (; pieces->p; pieces++)
        all = str_cat(&w->arena, all, *pieces);
    return all;
}

static struct str
letters(struct world *w, size_t n)
{
    return str_of(memset(arena_alloc(&w->arena, n), 'x', n), n);
}

TEST(a_form_makes_an_object_as_its_policy_allows)
{
    struct world *w = world_new();
    const char *conditions = ",[\"starts-with\",\"$key\",\"up/\"],[\"content-length-range\",2,99],"
                             "[\"starts-with\",\"$Content-Type\",\"text/\"],"
                             "{\"success_action_status\":\"201\"}";
    struct str good = signed_fields(w, conditions, "test");
    struct str status = field(w, "success_action_status", S("201"));
    struct str type = field(w, "Content-Type", S("text/html")), got;

    S3_OK(w, 200, "PUT", "/box", "");
    got = submit(w, 201,
                 CAT(field(w, "key", S("up/${filename}")), type, status, good,
                     file(w, "C:\\dir\\a b.txt", S("form data\r\n--and more"))));
    CHECK_STR(xml_text(got, "Key"), "up/a b.txt");
    CHECK_STR(xml_text(got, "Bucket"), "box");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "AES256");
    CHECK_STR(S3_OK(w, 200, "GET", "/box/up/a%20b.txt", ""), "form data\r\n--and more");
    CHECK_STR(w->content_type, "text/html");
    got = submit(w, 403,
                 CAT(field(w, "key", S("down/x")), type, status, good, file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "Message"), "Invalid according to Policy: Policy Condition failed: "
                                        "[\"starts-with\", \"$key\", \"up/\"]");
    got = submit(w, 403, CAT(field(w, "key", S("up/x")), type, good, file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "Message"), "Invalid according to Policy: Policy Condition failed: "
                                        "[\"eq\", \"$success_action_status\", \"201\"]");
    got = submit(w, 403,
                 CAT(field(w, "key", S("up/x")), type, status, good,
                     field(w, "x-amz-meta-a", S("1")), file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "Message"),
              "Invalid according to Policy: Extra input fields: x-amz-meta-a");
    got = submit(
        w, 400, CAT(field(w, "key", S("up/x")), type, status, good, file(w, "x", letters(w, 100))));
    CHECK_STR(xml_text(got, "Code"), "EntityTooLarge");
    CHECK_STR(xml_text(got, "MaxSizeAllowed"), "99");
    got = submit(w, 400, CAT(field(w, "key", S("up/x")), type, status, good, file(w, "x", S("a"))));
    CHECK_STR(xml_text(got, "Code"), "EntityTooSmall");
    got = submit(w, 403,
                 CAT(field(w, "key", S("up/x")), type, status,
                     signed_fields(w, conditions, "other"), file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "Code"), "SignatureDoesNotMatch");
    got = submit(w, 400, CAT(field(w, "key", S("up/x")), good));
    CHECK_STR(xml_text(got, "Code"), "MalformedPOSTRequest");
    got = submit(w, 400, CAT(good, file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "ArgumentName"), "key");
    /* nobody's form */
    got = submit(w, 403, CAT(field(w, "key", S("up/x")), file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "Code"), "AccessDenied");
    make_public(w, "box", "s3:PutObject", "/*");
    submit(w, 204, CAT(field(w, "key", S("up/nobody")), file(w, "x", S("abc"))));
    submit(w, 303,
           CAT(field(w, "key", S("up/nobody")),
               field(w, "success_action_redirect", S("https://example.com/done?x=1")),
               file(w, "x", letters(w, 50000))));
    CHECK(str_starts(world_header(w, "Location"),
                     S("https://example.com/done?x=1&bucket=box&key=up%2Fnobody&etag=%22")));
    CHECK_INT(S3_OK(w, 200, "GET", "/box/up/nobody", "").n, 50000);
    /* time goes */
    world_advance(w, 3601 * 1000);
    got =
        submit(w, 403, CAT(field(w, "key", S("up/x")), type, status, good, file(w, "x", S("abc"))));
    CHECK_STR(xml_text(got, "Message"), "Invalid according to Policy: Policy expired.");
    world_free(w);
}
