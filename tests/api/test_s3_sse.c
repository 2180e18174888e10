/* Encryption at rest: what is on the disk, who reads it, and what copies and parts make of it. */
#include "api/kms_help.h"
#include "api/s3_help.h"

#include "gen/store/s3_rows.h"
#include "sys/blobs.h"

#define SECRET "the quick brown fox jumps over the lazy dog and is found by grep"

/* Text of n bytes that says the secret again and again. */
static struct str
secret(struct world *w, size_t n)
{
    char *p = arena_alloc_raw(&w->arena, n);

    for (size_t i = 0; i < n; i++)
        p[i] = SECRET[i % (sizeof(SECRET) - 1)];
    return str_of(p, n);
}

static void
put(struct world *w, const char *target, struct str body, const char *const *headers)
{
    struct str reply = s3_send(w, "PUT", target, body, headers);

    CHECK_OK(w, reply);
}

/* Neither in the database nor in a file, durable or not. */
static void
is_nowhere(struct world *w)
{
    struct str some = S("brown fox jumps over");

    CHECK(!disk_fake_holds(&w->disk, some.p, some.n));
    CHECK(!blobs_fake_holds(w->env.env.blobs, some));
}

static void
reads(struct world *w, const char *target, struct str want, const char *const *headers)
{
    struct str got = s3_send(w, "GET", target, S(""), headers);

    if (w->http != 200 || !str_eq(got, want))
        FAIL("%s: HTTP %d, %zu bytes: %.100s", target, w->http, got.n, got.p);
}

static const size_t sizes[] = {1, 64, 16384, 16385, 100000};
#define KMS_SSE "x-amz-server-side-encryption: aws:kms"
#define KMS_KEY "x-amz-server-side-encryption-aws-kms-key-id: "
#define SSE_C "x-amz-server-side-encryption-customer-"
#define SSE_C_ALGORITHM SSE_C "algorithm: AES256"
#define SSE_C_KEY SSE_C "key: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#define SSE_C_OTHER SSE_C "key: MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

static void
walk(struct world *w, const char *const *make, const char *const *read)
{
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *target = test_fmt("/box/%zu", sizes[i]);
        struct str body = secret(w, sizes[i]), more = secret(w, sizes[i] / 2);
        const char *with[6] = {"Range: bytes=1-9"};

        put(w, target, more, make);
        put(w, target, body, make); /* in its place */
        is_nowhere(w);
        reads(w, target, body, read);
        for (size_t k = 0; read && read[k]; k++)
            with[k + 1] = read[k];
        if (sizes[i] > 9)
            CHECK(str_eq(s3_send(w, "GET", target, S(""), with), str_cut(body, 1, 10)));
        world_crash(w);
        is_nowhere(w);
        reads(w, target, body, read);
    }
}

TEST(the_bytes_of_an_object_are_nowhere_in_plain, "DP-07 DP-11")
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    walk(w, NULL, NULL);
    S3_OK(w, 200, "HEAD", "/box/64", "");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "AES256");
    put(w, "/box/said", secret(w, 50000), S3_HEADERS("x-amz-server-side-encryption: AES256"));
    is_nowhere(w);
    reads(w, "/box/said", secret(w, 50000), NULL);
    /* a copy moves no byte, but its key is wrapped for another bucket */
    size_t n = blobs_fake_count(w->env.env.blobs);
    S3_OK(w, 200, "PUT", "/another", "");
    S3_OK(w, 200, "PUT", "/another/k", "", "x-amz-copy-source: box/100000");
    S3_OK(w, 200, "PUT", "/another/small", "", "x-amz-copy-source: box/64");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), n);
    S3_OK(w, 204, "DELETE", "/box/100000", "");
    reads(w, "/another/k", secret(w, 100000), NULL);
    reads(w, "/another/small", secret(w, 64), NULL);
    is_nowhere(w);
    world_free(w);
}

TEST(a_named_key_of_kms_encrypts_and_decides, "DP-08")
{
    struct world *w = world_new();
    const char *key = kms_new_key(w, ""), *made = test_fmt(KMS_KEY "%s", key);

    S3_OK(w, 200, "PUT", "/box", "");
    walk(w, S3_HEADERS(KMS_SSE, made), NULL);
    S3_OK(w, 200, "HEAD", "/box/64", "");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "aws:kms");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption-aws-kms-key-id"), kms_arn(w, key));
    S3_OK(w, 200, "PUT", "/box/copy", "", "x-amz-copy-source: box/100000"); /* SSE-S3 again */
    KMS(w, "DisableKey", "{'KeyId': '%s'}", key);
    S3_REFUSED(w, 400, "KMS.DisabledException", NULL, "GET", "/box/64", "");
    S3_REFUSED(w, 400, "KMS.DisabledException", NULL, "GET", "/box/100000", "");
    S3_REFUSED(w, 400, "KMS.DisabledException", NULL, "PUT", "/box/copy", "",
               "x-amz-copy-source: box/100000");
    reads(w, "/box/copy", secret(w, 100000), NULL); /* which needs it no more */
    KMS(w, "EnableKey", "{'KeyId': '%s'}", key);
    reads(w, "/box/64", secret(w, 64), NULL);
    world_free(w);
}

static void
become_user(struct world *w, const char *policy)
{
    world_ok(w, "Action=CreateUser&UserName=u");
    world_okf(w, "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, str_from(policy))));
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=u"));
}

#define ALLOW(actions, more)                                                                       \
    "{\"Effect\":\"Allow\",\"Action\":" actions ",\"Resource\":\"*\"" more "}"

TEST(who_may_not_use_the_key_may_not_read, "DP-08")
{
    struct world *w = world_new();
    const char *key = kms_new_key(w, ""), *made = test_fmt(KMS_KEY "%s", key);

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/a", secret(w, 50000), S3_HEADERS(KMS_SSE, made));
    put(w, "/box/b", secret(w, 100), S3_HEADERS(KMS_SSE, made));
    put(w, "/box/open", secret(w, 100), NULL);
    /* the context of the key is the object's ARN, and a condition sees it */
    become_user(w, "{\"Version\":\"2012-10-17\",\"Statement\":[" ALLOW("\"s3:*\"", "") "," ALLOW(
                       "[\"kms:Decrypt\",\"kms:GenerateDataKey\"]",
                       ",\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:aws:s3:arn\":"
                       "\"arn:aws:s3:::box/a\",\"kms:ViaService\":\"s3.us-east-1.amazonaws.com\"}"
                       "}") "]}");
    reads(w, "/box/a", secret(w, 50000), NULL);
    reads(w, "/box/open", secret(w, 100), NULL);
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box/b", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/box/b", "x", KMS_SSE, made);
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", "/box/c", "", "x-amz-copy-source: box/b");
    put(w, "/box/a", secret(w, 10), S3_HEADERS(KMS_SSE, made));
    world_free(w);
}

TEST(a_bucket_key_has_the_bucket_as_its_context, "DP-08")
{
    struct world *w = world_new();
    const char *made = test_fmt(KMS_KEY "%s", kms_new_key(w, ""));

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/a", secret(w, 100),
        S3_HEADERS(KMS_SSE, made, "x-amz-server-side-encryption-bucket-key-enabled: true"));
    CHECK_STR(world_header(w, "x-amz-server-side-encryption-bucket-key-enabled"), "true");
    put(w, "/box/b", secret(w, 100), S3_HEADERS(KMS_SSE, made));
    CHECK(!world_header(w, "x-amz-server-side-encryption-bucket-key-enabled").p);
    is_nowhere(w);
    become_user(w, "{\"Version\":\"2012-10-17\",\"Statement\":[" ALLOW("\"s3:*\"", "") "," ALLOW(
                       "\"kms:Decrypt\"",
                       ",\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:aws:s3:arn\":"
                       "\"arn:aws:s3:::box\"}}") "]}");
    reads(w, "/box/a", secret(w, 100), NULL);
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box/b", "");
    world_free(w);
}

TEST(without_the_customers_key_nobody_reads, "DP-09")
{
    struct world *w = world_new();
    const char *const *with = S3_HEADERS(SSE_C_ALGORITHM, SSE_C_KEY);

    S3_OK(w, 200, "PUT", "/box", "");
    w->secure = true;
    walk(w, with, with);
    CHECK(!disk_fake_holds(&w->disk, "01234567890123456789012345678901", 32));
    S3_REFUSED(w, 400, "InvalidRequest",
               "The object was stored using a form of Server Side Encryption. The correct "
               "parameters must be provided to retrieve the object.",
               "GET", "/box/64", "");
    S3_OK(w, 400, "HEAD", "/box/64", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box/64", "", SSE_C_ALGORITHM, SSE_C_OTHER);
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box/100000", "", SSE_C_ALGORITHM,
               SSE_C_OTHER);
    S3_REFUSED(w, 400, "InvalidArgument",
               "The calculated MD5 hash of the key did not match the hash that was provided.",
               "GET", "/box/64", "", SSE_C_ALGORITHM, SSE_C_KEY,
               SSE_C "key-MD5: AAAAAAAAAAAAAAAAAAAAAA==");
    /* a copy needs the source's key, and may have another */
    S3_REFUSED(w, 400, "InvalidRequest", NULL, "PUT", "/box/copy", "",
               "x-amz-copy-source: box/100000");
    S3_OK(w, 200, "PUT", "/box/copy", "", "x-amz-copy-source: box/100000",
          "x-amz-copy-source-server-side-encryption-customer-algorithm: AES256",
          "x-amz-copy-source-server-side-encryption-customer-"
          "key: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
          SSE_C_ALGORITHM, SSE_C_OTHER);
    reads(w, "/box/copy", secret(w, 100000), S3_HEADERS(SSE_C_ALGORITHM, SSE_C_OTHER));
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box/copy", "", SSE_C_ALGORITHM, SSE_C_KEY);
    is_nowhere(w);
    world_free(w);
}

TEST(a_bucket_encrypts_by_default_as_it_was_told, "DP-11")
{
    struct world *w = world_new();
    const char *key = kms_new_key(w, "");

    S3_OK(w, 200, "PUT", "/box", "");
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", "/box?encryption", ""), "SSEAlgorithm"), "AES256");
    put(w, "/box/before", secret(w, 20000), NULL);
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "AES256");
    S3_OK(w, 200, "PUT", "/box?encryption",
          test_fmt("<S><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms"
                   "</SSEAlgorithm><KMSMasterKeyID>%s</KMSMasterKeyID>"
                   "</ApplyServerSideEncryptionByDefault></Rule></S>",
                   kms_arn(w, key)));
    put(w, "/box/after", secret(w, 20000), NULL);
    CHECK_STR(world_header(w, "x-amz-server-side-encryption-aws-kms-key-id"), kms_arn(w, key));
    S3_OK(w, 204, "DELETE", "/box?encryption", "");
    put(w, "/box/again", secret(w, 20000), NULL);
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "AES256");
    is_nowhere(w);
    KMS(w, "DisableKey", "{'KeyId': '%s'}", key);
    reads(w, "/box/before", secret(w, 20000), NULL);
    reads(w, "/box/again", secret(w, 20000), NULL);
    S3_REFUSED(w, 400, "KMS.DisabledException", NULL, "GET", "/box/after", "");
    world_free(w);
}

/* ---- parts ---- */

static void
in_parts(struct world *w, const char *target, const char *const *make, const char *const *part,
         const char *const *copy)
{
    enum { PART = 5 << 20 };
    struct str one = secret(w, PART), two = secret(w, 100), etags[3];
    const char *id =
        xml_cstr(s3_send(w, "POST", test_fmt("%s?uploads", target), S(""), make), "UploadId");

    put(w, test_fmt("%s?partNumber=1&uploadId=%s", target, id), one, part);
    etags[0] = world_header(w, "ETag");
    put(w, test_fmt("%s?partNumber=2&uploadId=%s", target, id), one, copy);
    etags[1] = xml_text(
        s3_send(w, "PUT", test_fmt("%s?partNumber=2&uploadId=%s", target, id), S(""), copy),
        "ETag");
    put(w, test_fmt("%s?partNumber=3&uploadId=%s", target, id), two, part);
    etags[2] = world_header(w, "ETag");
    is_nowhere(w);
    world_crash(w);
    struct str list = S("");

    for (int i = 0; i < 3; i++)
        list = str_fmt(&w->arena, "%.*s<Part><PartNumber>%d</PartNumber><ETag>%.*s</ETag></Part>",
                       STR_ARG(list), i + 1, STR_ARG(etags[i]));
    S3_OK(w, 200, "POST", test_fmt("%s?uploadId=%s", target, id),
          test_fmt("<C>%.*s</C>", STR_ARG(list)));
    reads(w, target, str_cat(&w->arena, str_cat(&w->arena, one, secret(w, PART)), two), make);
    is_nowhere(w);
}

TEST(parts_are_encrypted_as_their_upload_was_told, "DP-07 DP-08 DP-09")
{
    struct world *w = world_new();
    static const char *const copy[] = {"x-amz-copy-source: box/src",
                                       "x-amz-copy-source-range: bytes=0-5242879", NULL};
    static const char *const copy_c[] = {"x-amz-copy-source: box/src",
                                         "x-amz-copy-source-range: bytes=0-5242879",
                                         SSE_C_ALGORITHM, SSE_C_KEY, NULL};

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/src", secret(w, 6 << 20), NULL);
    in_parts(w, "/box/plain", NULL, NULL, copy);
    in_parts(w, "/box/kms", S3_HEADERS(KMS_SSE), NULL, copy);
    w->secure = true;
    in_parts(w, "/box/customer", S3_HEADERS(SSE_C_ALGORITHM, SSE_C_KEY),
             S3_HEADERS(SSE_C_ALGORITHM, SSE_C_KEY), copy_c);
    const char *id = xml_cstr(
        S3_OK(w, 200, "POST", "/box/c?uploads", "", SSE_C_ALGORITHM, SSE_C_KEY), "UploadId");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "PUT", test_fmt("/box/c?partNumber=1&uploadId=%s", id),
               "x", SSE_C_ALGORITHM, SSE_C_OTHER);
    S3_REFUSED(w, 400, "InvalidRequest", NULL, "PUT",
               test_fmt("/box/c?partNumber=1&uploadId=%s", id), "x");
    world_free(w);
}

/* ---- the disk is not trusted ---- */

static struct s3_object_row
row_of(struct world *w, struct txn *txn, const char *key)
{
    const struct s3_object_row *row = s3_object_latest_of_get(txn, S("box"), str_from(key), true);

    if (!row)
        FAIL("there is no %s", key);
    (void)w;
    return *row;
}

TEST(bytes_of_another_object_are_not_taken_for_its_own)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/a", S("of a"), NULL);
    put(w, "/box/b", S("of b"), NULL);
    put(w, "/box/c", secret(w, 40000), NULL);
    put(w, "/box/d", secret(w, 40000), NULL);
    struct txn *txn = world_begin(w);
    struct s3_object_row a = row_of(w, txn, "a"), b = row_of(w, txn, "b");
    struct s3_object_row c = row_of(w, txn, "c"), d = row_of(w, txn, "d");

    a.data = b.data;
    a.file_keys = b.file_keys;
    c.pieces = d.pieces;
    c.file_keys = d.file_keys;
    CHECK_INT(s3_object_update(txn, &a), 0);
    CHECK_INT(s3_object_update(txn, &c), 0);
    store_commit(txn);
    S3_REFUSED(w, 500, "InternalError", NULL, "GET", "/box/a", "");
    S3_REFUSED(w, 500, "InternalError", NULL, "GET", "/box/c", "");
    CHECK_STR(S3_OK(w, 200, "GET", "/box/b", ""), "of b");
    world_free(w);
}

TEST(what_an_older_version_wrote_is_read_and_encrypted_when_it_is_copied)
{
    struct world *w = world_new();
    struct str name = S("00112233445566778899aabbccddeeff"), large = secret(w, 70000);
    struct s3_blob_row blob_row = {.id = name, .refs = 1, .bytes = 70000};
    struct blobs *blobs = w->env.env.blobs;
    struct blob *blob;

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/small", S("x"), NULL);
    put(w, "/box/large", S("x"), NULL);
    CHECK_INT(blobs->driver->create(blobs, name, &blob), 0);
    CHECK_INT(blobs->driver->add(blob, large.p, large.n), 0);
    CHECK_INT(blobs->driver->finish(blob), 0);
    struct txn *txn = world_begin(w);
    struct s3_object_row small = row_of(w, txn, "small"), big = row_of(w, txn, "large");
    struct s3_bucket_row bucket = *s3_bucket_get(txn, S("box"));

    bucket.sse_secret = S("");
    small.file_keys = big.file_keys = (struct str_list){0};
    small.data = secret(w, 100);
    small.size = 100;
    big.data = S("");
    big.pieces = (struct str_list){(struct str[]){name, S("0"), S("70000")}, 3};
    big.size = 70000;
    CHECK_INT(s3_bucket_update(txn, &bucket), 0);
    CHECK_INT(s3_object_update(txn, &small), 0);
    CHECK_INT(s3_object_update(txn, &big), 0);
    CHECK_INT(s3_blob_insert(txn, &blob_row), 0);
    store_commit(txn);
    world_flush(w);
    world_crash(w);
    reads(w, "/box/small", secret(w, 100), NULL);
    reads(w, "/box/large", large, NULL);
    S3_OK(w, 200, "PUT", "/box/small", "", "x-amz-copy-source: box/small",
          "x-amz-metadata-directive: REPLACE");
    S3_OK(w, 200, "PUT", "/box/large", "", "x-amz-copy-source: box/large",
          "x-amz-metadata-directive: REPLACE");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 1);
    CHECK(!blobs_fake_holds(w->env.env.blobs, S("brown fox")));
    reads(w, "/box/small", secret(w, 100), NULL);
    reads(w, "/box/large", large, NULL);
    world_free(w);
}
