/* Who may do what: roles, missing keys, signed requests and chunks, addresses of buckets. */
#include "api/s3_help.h"

#include "codec/uri.h"

static void
become_role(struct world *w, const char *policy)
{
    struct str trust = world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
                                       "\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":"
                                       "\"sts:AssumeRole\"}]}"));

    world_okf(w, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%.*s", STR_ARG(trust));
    world_okf(w, "Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, str_from(policy))));
    /* a root cannot assume roles */
    world_ok(w, "Action=CreateUser&UserName=u");
    world_okf(w, "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
                                      "\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"*\"}"
                                      "]}"))));
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=u"));
    world_as_reply(w, world_ok(w, "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r"
                                  "&RoleSessionName=sess"));
}

TEST(a_role_may_read_one_bucket_and_not_another, "ROLE-04")
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/open", "");
    S3_OK(w, 200, "PUT", "/shut", "");
    S3_OK(w, 200, "PUT", "/open/k", "in");
    S3_OK(w, 200, "PUT", "/shut/k", "out");
    become_role(w, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                   "\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::open/*\"}]}");
    CHECK_STR(S3_OK(w, 200, "GET", "/open/k", ""), "in");
    S3_REFUSED(w, 403, "AccessDenied",
               "User: arn:aws:sts::000000000000:assumed-role/r/sess is not authorized to perform: "
               "s3:GetObject on resource: \"arn:aws:s3:::shut/k\" because no identity-based policy "
               "allows the s3:GetObject action",
               "GET", "/shut/k", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/open/k", "x");
    /* who may not list is not told that a key is not there */
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/open/none", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/", "");
    world_free(w);
}

TEST(conditions_see_prefix_and_headers)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    become_role(w, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                   "\"s3:ListBucket\",\"Resource\":\"arn:aws:s3:::box\",\"Condition\":"
                   "{\"StringLike\":{\"s3:prefix\":\"home/*\"}}},{\"Effect\":\"Allow\",\"Action\":"
                   "[\"s3:PutObject\",\"s3:PutObjectTagging\"],\"Resource\":\"*\",\"Condition\":"
                   "{\"StringEquals\":{\"s3:x-amz-storage-class\":\"STANDARD_IA\","
                   "\"s3:RequestObjectTag/team\":\"a\"}}}]}");
    S3_OK(w, 200, "GET", "/box?prefix=home/x", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box", "");
    S3_OK(w, 200, "PUT", "/box/k", "x", "x-amz-storage-class: STANDARD_IA",
          "x-amz-tagging: team=a");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/box/k", "x");
    world_free(w);
}

/* ---- signatures ---- */

static const struct sigv4_signer signer = {.access_key = S_INIT("test"),
                                           .secret = S_INIT("test"),
                                           .region = S_INIT("us-east-1"),
                                           .service = S_INIT("s3"),
                                           .flags = SIGV4_S3};

TEST(a_bucket_may_be_in_the_hosts_name)
{
    static const char *const hosts[] = {"box.s3.amazonaws.com", "box.s3.us-east-1.amazonaws.com",
                                        "box.localhost:4566", "box.s3.localhost"};
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_OK(w, 200, "PUT", "/box/dir/k", "x");
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct http_header headers[1 + SIGV4_ADDED_MAX] = {{S("Host"), str_from(hosts[i])}};
        struct sigv4_request req = {
            .method = S("GET"), .path = S("/dir/k"), .headers = headers, .n_headers = 1};
        struct sigv4_signer s = signer;

        s.now_ms = w->env.now_ms;
        req.n_headers += sigv4_sign(&w->arena, &s, &req, headers + 1);
        CHECK_STR(world_request(w, &req), "x");
    }
    world_free(w);
}

TEST(a_presigned_url_reads_and_writes_until_it_expires)
{
    struct world *w = world_new();
    struct http_header host = {S("Host"), S("localhost")};
    struct sigv4_request get = {
        .method = S("GET"), .path = S("/box/k"), .headers = &host, .n_headers = 1};
    struct sigv4_request put = get;
    struct sigv4_signer s = signer;

    S3_OK(w, 200, "PUT", "/box", "");
    s.now_ms = w->env.now_ms;
    s.expires_s = 60;
    put.method = S("PUT");
    put.query = sigv4_presign(&w->arena, &s, &put);
    put.body = S("by link");
    world_request(w, &put);
    CHECK_INT(w->http, 200);
    get.query = sigv4_presign(&w->arena, &s, &get);
    CHECK_STR(world_request(w, &get), "by link");
    world_advance(w, 61 * 1000);
    CHECK_STR(xml_text(world_request(w, &get), "Code"), "AccessDenied");
    CHECK_INT(w->http, 403);
    world_free(w);
}

/* AWS's example of chunks: the seed and the signatures of its three chunks are in its guide. */
static struct str
chunk(struct world *w, struct sigv4_keys *keys, const struct sigv4_claim *claim, struct str *seed,
      struct str data)
{
    char mac[2 * SHA256_LEN];
    uint8_t digest[SHA256_LEN];

    crypto_sha256(data.p, data.n, digest);
    struct str text =
        str_fmt(&w->arena,
                "AWS4-HMAC-SHA256-PAYLOAD\n%.16s\n%.*s\n%.*s\n"
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n%.*s",
                claim->stamp, STR_ARG(claim->scope), STR_ARG(*seed),
                STR_ARG(str_hex(&w->arena, digest, sizeof(digest))));

    sigv4_mac(sigv4_keys_get(keys, claim, S("test")), text, mac);
    *seed = str_dup(&w->arena, str_of(mac, sizeof(mac)));
    return str_fmt(&w->arena, "%zx;chunk-signature=%.*s\r\n%.*s\r\n", data.n, STR_ARG(*seed),
                   STR_ARG(data));
}

TEST(signed_chunks_are_checked_one_by_one)
{
    struct world *w = world_new();
    struct sigv4_keys *keys = sigv4_keys_new(1);
    struct http_header headers[4 + SIGV4_ADDED_MAX] = {
        {S("Host"), S("localhost")},
        {S("x-amz-content-sha256"), S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")},
        {S("x-amz-decoded-content-length"), S("10")}};
    struct sigv4_request req = {
        .method = S("PUT"), .path = S("/box/k"), .headers = headers, .n_headers = 3};
    struct sigv4_signer s = signer;
    struct sigv4_claim claim;

    S3_OK(w, 200, "PUT", "/box", "");
    s.now_ms = w->env.now_ms;
    req.n_headers += sigv4_sign(&w->arena, &s, &req, headers + 3);
    CHECK_INT(sigv4_parse(&w->arena, &req, &claim), SIGV4_OK);
    struct str seed = claim.signature;
    struct str a = chunk(w, keys, &claim, &seed, S("hello"));
    struct str b = chunk(w, keys, &claim, &seed, S("world"));
    struct str end = chunk(w, keys, &claim, &seed, S(""));

    req.body = str_cat(&w->arena, str_cat(&w->arena, a, b), end);
    struct str reply = world_request(w, &req);
    CHECK_OK(w, reply);
    CHECK_STR(S3_OK(w, 200, "GET", "/box/k", ""), "helloworld");
    req.body = str_cat(&w->arena, str_cat(&w->arena, b, a), end); /* in another order */
    CHECK_STR(xml_text(world_request(w, &req), "Code"), "SignatureDoesNotMatch");
    char *p = arena_dup(&w->arena, req.body.p, req.body.n);
    req.body = str_cat(&w->arena, str_cat(&w->arena, a, b), end);
    p = arena_dup(&w->arena, req.body.p, req.body.n);
    p[str_find(req.body, S("world"))] = 'W';
    req.body.p = p;
    CHECK_STR(xml_text(world_request(w, &req), "Code"), "SignatureDoesNotMatch");
    CHECK_STR(S3_OK(w, 200, "GET", "/box/k", ""), "helloworld");
    sigv4_keys_free(keys);
    world_free(w);
}

TEST(a_body_that_is_not_what_was_signed_is_refused)
{
    struct world *w = world_new();
    struct http_header headers[2 + SIGV4_ADDED_MAX] = {{S("Host"), S("localhost")}};
    struct sigv4_request req = {.method = S("PUT"),
                                .path = S("/box/k"),
                                .headers = headers,
                                .n_headers = 1,
                                .body = S("signed")};
    struct sigv4_signer s = signer;

    S3_OK(w, 200, "PUT", "/box", "");
    s.now_ms = w->env.now_ms;
    req.n_headers += sigv4_sign(&w->arena, &s, &req, headers + 1);
    req.body = S("other");
    CHECK_STR(xml_text(world_request(w, &req), "Code"), "XAmzContentSHA256Mismatch");
    CHECK_INT(w->http, 400);
    world_free(w);
}
