/*
 * The JSON protocols from end to end: what dispatch makes of headers and bodies.  What
 * nobody implements answers with a refusal that names it, after decoding and validation.
 */
#include "harness/world.h"

#define KEY_ID "1234abcd-12ab-34cd-56ef-1234567890ab"

static const char unimplemented[] =
    "Welkin does not implement kms:DescribeCustomKeyStores yet: nothing was done.";

TEST(a_json_operation_is_found_by_its_target)
{
    struct world *w = world_new();
    struct str body = world_json(w, "kms", "DescribeCustomKeyStores", "{}");

    CHECK_INT(w->http, 501);
    CHECK_STR(json_path(body, "__type"), "UnsupportedOperation");
    CHECK_STR(json_path(body, "message"), unimplemented);
    CHECK_STR(w->content_type, "application/x-amz-json-1.1");
    CHECK_STR(world_header(w, "x-amzn-errortype"), "UnsupportedOperation");
    world_free(w);
}

TEST(a_target_that_is_unknown_is_told_so)
{
    struct world *w = world_new();
    struct str body = world_json(w, "kms", "Nonsense", "{}");

    CHECK_INT(w->http, 400);
    CHECK_STR(body, "{\"__type\":\"UnknownOperationException\"}");
    world_free(w);
}

TEST(json_of_the_wrong_type_is_refused_in_awss_words)
{
    static const struct {
        const char *json, *message;
    } rows[] = {
        {"{'KeyId':1}", "NUMBER_VALUE can not be converted to a String"},
        {"{'KeyId':1.5}", "NUMBER_VALUE can not be converted to a String"},
        {"{'KeyId':true}", "TRUE_VALUE can not be converted to a String"},
        {"{'KeyId':false}", "FALSE_VALUE can not be converted to a String"},
        {"{'KeyId':['x']}", "Start of list found where not expected"},
        {"{'KeyId':{'a':1}}", "Start of structure or map found where not expected."},
        {"{'Limit':'1'}", "STRING_VALUE can not be converted to an Integer"},
        {"{'Limit':true}", "TRUE_VALUE can not be converted to an Integer"},
        {"{'Limit':[1]}", "Start of list found where not expected"},
        {"{'Limit':{}}", "Start of structure or map found where not expected."},
        {"[]", "Start of list found where not expected"},
    };
    static const char *const silent[] = {"{",
                                         "null",
                                         "'x'",
                                         "1",
                                         "true",
                                         "{'KeyId':'x',}",
                                         "{} {}",
                                         "{'Limit':1e99}",
                                         "{'Limit':4294967296}",
                                         "{'KeyId':'\\ud800'}",
                                         "{'a':[1,]}",
                                         "\xff"};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_json_refused(w, "SerializationException", rows[i].message, "kms", "ListResourceTags",
                           rows[i].json);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        world_json_refused(w, "SerializationException", NULL, "kms", "ListResourceTags", silent[i]);
        CHECK_INT(w->http, 400);
    }
    world_json_refused(w, "SerializationException", "Expected list or null", "kms", "TagResource",
                       "{'KeyId':'x','Tags':'x'}");
    world_json_refused(w, "SerializationException",
                       "Start of structure or map found where not expected.", "kms", "TagResource",
                       "{'KeyId':'x','Tags':{}}");
    world_json_refused(w, "SerializationException", "Expected null", "kms", "TagResource",
                       "{'KeyId':'x','Tags':['x']}");
    world_json_refused(w, "SerializationException", "Start of list found where not expected", "kms",
                       "Encrypt", "{'EncryptionContext':[]}");
    world_free(w);
}

TEST(json_that_aws_takes_is_taken)
{
    static const char *const good[] = {
        "{'KeyId':'" KEY_ID "','Limit':1.5}",  /* cut off */
        "{'KeyId':'" KEY_ID "','Limit':null}", /* absent */
        "{'KeyId':'" KEY_ID "','Unknown':[{'a':{}}]}",
        " {'KeyId' : 'other', 'KeyId':'" KEY_ID "'} ", /* the last one counts */
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        world_json_refused(w, "NotFoundException",
                           "Key 'arn:aws:kms:us-east-1:000000000000:key/" KEY_ID
                           "' does not exist",
                           "kms", "ListResourceTags", good[i]);
    world_json_ok(w, "kms", "ListKeys", "");
    world_free(w);
}

TEST(json_that_breaks_a_constraint_is_a_validation_exception)
{
    struct world *w = world_new();

    world_json_refused(w, "ValidationException",
                       "1 validation error detected: Value null at 'keyId' failed to satisfy "
                       "constraint: Member must not be null",
                       "kms", "ListResourceTags", "{'KeyId':null}");
    world_json_refused(w, "ValidationException",
                       "2 validation errors detected: Value '' at 'keyId' failed to satisfy "
                       "constraint: Member must have length greater than or equal to 1; "
                       "Value '1001' at 'limit' failed to satisfy constraint: Member must have "
                       "value less than or equal to 1000",
                       "kms", "ListResourceTags", "{'KeyId':'','Limit':1001}");
    CHECK_INT(w->http, 400);
    world_free(w);
}

TEST(mistakes_within_a_list_are_one_mistake_of_it)
{
    struct world *w = world_new();

    world_json_refused(w, "ValidationException",
                       "1 validation error detected: Value '[a, , b, ]' at 'grantTokens' failed to "
                       "satisfy constraint: Member must satisfy constraint: [Member must have "
                       "length less than or equal to 8192, Member must have length greater than or "
                       "equal to 1]",
                       "kms", "DescribeKey", "{'KeyId':'x','GrantTokens':['a','','b','']}");
    world_json_refused(w, "ValidationException",
                       "1 validation error detected: Value '[RED]' at 'operations' failed to "
                       "satisfy constraint: Member must satisfy constraint: [Member must satisfy "
                       "enum value set: [Decrypt, Encrypt, GenerateDataKey, "
                       "GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, Sign, Verify, "
                       "GetPublicKey, CreateGrant, RetireGrant, DescribeKey, GenerateDataKeyPair, "
                       "GenerateDataKeyPairWithoutPlaintext, GenerateMac, VerifyMac, "
                       "DeriveSharedSecret]]",
                       "kms", "CreateGrant",
                       "{'KeyId':'x','GranteePrincipal':'p','Operations':['RED']}");
    world_free(w);
}

TEST(limits_of_json_are_those_of_depth_and_size)
{
    struct world *w = world_new();
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add_lit(&b, "{'KeyId':'x','Unknown':");
    for (int i = 0; i < 100; i++)
        buf_add_char(&b, '[');
    for (int i = 0; i < 100; i++)
        buf_add_char(&b, ']');
    buf_add_lit(&b, "}");
    world_json_refused(w, "SerializationException", NULL, "kms", "ListResourceTags",
                       test_cstr(buf_str(&b)));
    buf_reset(&b);
    buf_add_lit(&b, "{'KeyId':'x','Tags':[");
    for (int i = 0; i < 200000; i++)
        buf_add_lit(&b, "{},");
    buf_add_lit(&b, "{}]}");
    world_json_refused(w, "SerializationException", NULL, "kms", "TagResource",
                       test_cstr(buf_str(&b)));
    buf_done(&b);
    world_free(w);
}

TEST(a_json_request_is_authenticated)
{
    struct world *w = world_new();
    struct http_header headers[8] = {
        {S("Host"), S("kms.us-east-1.amazonaws.com")},
        {S("Content-Type"), S("application/x-amz-json-1.1")},
        {S("X-Amz-Target"), S("TrentService.ListKeys")},
    };
    struct sigv4_request req = {S("POST"), S("/"), S(""), headers, 3, S("{}")};
    struct sigv4_signer signer = {.access_key = S("test"),
                                  .secret = S("wrong"),
                                  .region = S("us-east-1"),
                                  .service = S("kms"),
                                  .now_ms = w->env.now_ms};

    struct str body = world_request(w, &req);
    CHECK_STR(json_path(body, "__type"), "MissingAuthenticationTokenException");
    CHECK_INT(w->http, 400);

    req.n_headers += sigv4_sign(test_arena(), &signer, &req, &headers[3]);
    body = world_request(w, &req);
    CHECK_STR(json_path(body, "__type"), "InvalidSignatureException");

    req.n_headers = 3;
    signer.secret = S("test");
    req.n_headers += sigv4_sign(test_arena(), &signer, &req, &headers[3]);
    body = world_request(w, &req);
    CHECK_INT(w->http, 200);
    CHECK_STR(json_path(body, "Keys"), "[]");
    world_free(w);
}

TEST(what_stands_at_a_path_of_json)
{
    struct str json =
        S("{\"a\":[{\"b\":\"x\"},{\"b\":null,\"c\":1.50}],\"d\":true,\"e\":{\"f\":[]}}");

    CHECK_STR(json_path(json, "a.0.b"), "x");
    CHECK(!json_path(json, "a.1.b").p && !json_path(json, "a.2").p && !json_path(json, "z.y").p);
    CHECK_STR(json_path(json, "a.1.c"), "1.50");
    CHECK_STR(json_path(json, "d"), "true");
    CHECK_STR(json_path(json, "e"), "{\"f\":[]}");
    CHECK_INT(json_count(json, "a"), 2);
    CHECK_INT(json_count(json, "e.f"), 0);
}
