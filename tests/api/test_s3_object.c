/* Objects: bytes, versions, conditions, ranges, copies, parts, lists. */
#include "api/s3_help.h"

#include "codec/crypto.h"
#include "sys/blobs.h"

/* Bytes that are all different somewhere. */
static struct str
bytes_of(struct world *w, size_t n, unsigned seed)
{
    char *p = arena_alloc_raw(&w->arena, n);

    for (size_t i = 0; i < n; i++)
        p[i] = (char)((i * 7 + i / 251 + seed) & 0xff);
    return str_of(p, n);
}

static struct str
put(struct world *w, const char *target, struct str body)
{
    struct str reply = s3_send(w, "PUT", target, body, NULL);

    CHECK_OK(w, reply);
    return world_header(w, "ETag");
}

static void
holds(struct world *w, const char *target, struct str want)
{
    struct str got = S3_OK(w, 200, "GET", target, "");

    if (!str_eq(got, want))
        FAIL("%s: %zu bytes, not those %zu", target, got.n, want.n);
}

TEST(what_was_put_is_there_after_a_crash_small_or_large, "S3-09 S3-10")
{
    static const size_t sizes[] = {0, 1, 16384, 16385, 300000};
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *target = str_fmt(&w->arena, "/box/dir/%zu", sizes[i]).p;
        struct str body = bytes_of(w, sizes[i], (unsigned)i), etag = put(w, target, body);
        uint8_t md5[MD5_LEN];

        crypto_digest(CRYPTO_MD5, body.p, body.n, md5);
        CHECK_STR(etag,
                  str_fmt(&w->arena, "\"%.*s\"", STR_ARG(str_hex(&w->arena, md5, MD5_LEN))).p);
        holds(w, target, body);
        world_crash(w);
        holds(w, target, body);
        S3_OK(w, 200, "HEAD", target, "");
        CHECK_INT(w->length.v, sizes[i]);
    }
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 2);
    S3_OK(w, 204, "DELETE", "/box/dir/300000", "");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 1);
    put(w, "/box/dir/16385", S("small now"));
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 0);
    world_free(w);
}

TEST(a_file_whose_row_was_lost_is_swept_at_the_start)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    world_hold_disk(w, true);
    s3_send(w, "PUT", "/box/big", bytes_of(w, 100000, 1), NULL);
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 1);
    world_crash(w); /* the row was not durable */
    world_hold_disk(w, false);
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 0);
    S3_REFUSED(w, 404, "NoSuchKey", "The specified key does not exist.", "GET", "/box/big", "");
    world_free(w);
}

TEST(a_file_is_there_while_its_end_is_not_durable)
{
    struct world *w = world_new();
    struct str body = bytes_of(w, 100000, 1);

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/big", body);
    world_hold_disk(w, true);
    S3(w, "DELETE", "/box/big", "");
    world_crash(w);
    world_hold_disk(w, false);
    holds(w, "/box/big", body);
    world_free(w);
}

TEST(headers_come_back)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_OK(w, 200, "PUT", "/box/k", "x", "Content-Type: text/plain", "Cache-Control: max-age=1",
          "x-amz-meta-Color: blue", "Content-Encoding: aws-chunked,gzip",
          "x-amz-storage-class: STANDARD_IA", "x-amz-tagging: a=1&b=2%203");
    S3_OK(w, 200, "GET", "/box/k", "");
    CHECK_STR(w->content_type, "text/plain");
    CHECK_STR(world_header(w, "Cache-Control"), "max-age=1");
    CHECK_STR(world_header(w, "x-amz-meta-color"), "blue");
    CHECK_STR(world_header(w, "Content-Encoding"), "gzip");
    CHECK_STR(world_header(w, "x-amz-storage-class"), "STANDARD_IA");
    CHECK_STR(world_header(w, "x-amz-tagging-count"), "2");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "AES256");
    S3_OK(w, 200, "GET", "/box/k?response-content-type=a/b", "");
    CHECK_STR(w->content_type, "a/b");
    CHECK_STR(xml_text_at(S3_OK(w, 200, "GET", "/box/k?tagging", ""), "Value", 1), "2 3");
    S3_OK(w, 204, "DELETE", "/box/k?tagging", "");
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/box/k?tagging", ""), "Tag"), 0);
    S3_REFUSED(w, 400, "InvalidStorageClass", NULL, "PUT", "/box/k", "x",
               "x-amz-storage-class: TAPE");
    S3_REFUSED(w, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs", "PUT",
               "/box/k", "x", "x-amz-acl: public-read");
    S3_REFUSED(w, 501, "NotImplemented", NULL, "PUT", "/box/k", "x",
               "x-amz-object-lock-mode: GOVERNANCE");
    char key[1100];
    memset(key, 'k', sizeof(key));
    memcpy(key, "/box/", 5);
    key[5 + 1025] = '\0';
    S3_REFUSED(w, 400, "KeyTooLongError", "Your key is too long", "PUT", key, "x");
    world_free(w);
}

TEST(versions_are_kept_hidden_and_shown_again, "S3-08")
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/k", S("before"));
    S3_OK(w, 200, "PUT", "/box?versioning", "<V><Status>Enabled</Status></V>");
    put(w, "/box/k", S("one"));
    const char *one = str_cstr(&w->arena, world_header(w, "x-amz-version-id"));
    put(w, "/box/k", S("two"));
    CHECK_STR(S3_OK(w, 200, "GET", str_fmt(&w->arena, "/box/k?versionId=%s", one).p, ""), "one");
    CHECK_STR(S3_OK(w, 200, "GET", "/box/k?versionId=null", ""), "before");
    S3_OK(w, 204, "DELETE", "/box/k", "");
    const char *marker = str_cstr(&w->arena, world_header(w, "x-amz-version-id"));
    CHECK_STR(world_header(w, "x-amz-delete-marker"), "true");
    S3_REFUSED(w, 404, "NoSuchKey", NULL, "GET", "/box/k", "");
    CHECK_STR(world_header(w, "x-amz-delete-marker"), "true");
    S3_REFUSED(w, 405, "MethodNotAllowed", NULL, "GET",
               str_fmt(&w->arena, "/box/k?versionId=%s", marker).p, "");
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/box", ""), "Contents"), 0);
    struct str all = S3_OK(w, 200, "GET", "/box?versions", "");
    CHECK_INT(xml_count(all, "Version"), 3);
    CHECK_INT(xml_count(all, "DeleteMarker"), 1);
    world_crash(w);
    S3_OK(w, 204, "DELETE", str_fmt(&w->arena, "/box/k?versionId=%s", marker).p, "");
    CHECK_STR(S3_OK(w, 200, "GET", "/box/k", ""), "two");
    S3_REFUSED(w, 404, "NoSuchVersion", NULL, "GET",
               "/box/k?versionId=abcdefghijklmnopqrstuvwxyz123456", "");
    S3_REFUSED(w, 400, "InvalidArgument", "Invalid version id specified", "GET",
               "/box/k?versionId=x", "");
    S3_OK(w, 200, "PUT", "/box?versioning", "<V><Status>Suspended</Status></V>");
    put(w, "/box/k", S("null again"));
    CHECK_STR(world_header(w, "x-amz-version-id"), "null");
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/box?versions", ""), "Version"), 3);
    struct str page = S3_OK(w, 200, "GET", "/box?versions&max-keys=2", "");
    CHECK_STR(xml_text(page, "IsTruncated"), "true");
    page = S3_OK(w, 200, "GET",
                 str_fmt(&w->arena, "/box?versions&key-marker=k&version-id-marker=%s",
                         xml_cstr(page, "NextVersionIdMarker"))
                     .p,
                 "");
    CHECK_INT(xml_count(page, "Version"), 1);
    CHECK_STR(xml_text(page, "VersionId"), one);
    S3_REFUSED(w, 409, "BucketNotEmpty", NULL, "DELETE", "/box", "");
    world_free(w);
}

TEST(conditions_decide_whether_it_is_read_or_written)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    const char *etag = str_cstr(&w->arena, put(w, "/box/k", S("x")));
    const char *match = str_fmt(&w->arena, "If-Match: %s", etag).p;
    const char *none = str_fmt(&w->arena, "If-None-Match: %s", etag).p;

    S3_OK(w, 200, "GET", "/box/k", "", match);
    S3_OK(w, 304, "GET", "/box/k", "", none);
    CHECK_STR(world_header(w, "ETag"), etag);
    struct str no = S3_REFUSED(w, 412, "PreconditionFailed",
                               "At least one of the pre-conditions you specified did not hold",
                               "GET", "/box/k", "", "If-Match: \"x\"");
    CHECK_STR(xml_text(no, "Condition"), "If-Match");
    S3_OK(w, 304, "GET", "/box/k", "", "If-Modified-Since: Fri, 02 Jan 2026 00:00:00 GMT");
    S3_REFUSED(w, 412, "PreconditionFailed", NULL, "GET", "/box/k", "",
               "If-Unmodified-Since: Wed, 31 Dec 2025 00:00:00 GMT");
    S3_REFUSED(w, 412, "PreconditionFailed", NULL, "PUT", "/box/k", "y", "If-None-Match: *");
    S3_OK(w, 200, "PUT", "/box/new", "y", "If-None-Match: *");
    S3_REFUSED(w, 412, "PreconditionFailed", NULL, "PUT", "/box/k", "y", "If-Match: \"x\"");
    S3_OK(w, 200, "PUT", "/box/k", "y", match);
    S3_REFUSED(w, 404, "NoSuchKey", NULL, "PUT", "/box/gone", "y", match);
    world_free(w);
}

TEST(ranges_are_parts_of_the_bytes)
{
    static const struct {
        const char *range, *says;
        size_t from, n;
    } rows[] = {
        {"Range: bytes=0-9", "bytes 0-9/100000", 0, 10},
        {"Range: bytes=99990-", "bytes 99990-99999/100000", 99990, 10},
        {"Range: bytes=-5", "bytes 99995-99999/100000", 99995, 5},
        {"Range: bytes=50000-999999", "bytes 50000-99999/100000", 50000, 50000},
    };
    struct world *w = world_new();
    struct str body = bytes_of(w, 100000, 3);

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/k", body);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got = S3_OK(w, 206, "GET", "/box/k", "", rows[i].range);

        CHECK(str_eq(got, str_cut(body, rows[i].from, rows[i].from + rows[i].n)));
        CHECK_STR(world_header(w, "Content-Range"), rows[i].says);
    }
    struct str no = S3_REFUSED(w, 416, "InvalidRange", "The requested range is not satisfiable",
                               "GET", "/box/k", "", "Range: bytes=100000-");
    CHECK_STR(xml_text(no, "ActualObjectSize"), "100000");
    CHECK_INT(S3_OK(w, 200, "GET", "/box/k", "", "Range: lines=1-2").n, 100000);
    CHECK_INT(S3_OK(w, 200, "GET", "/box/k", "", "Range: bytes=0-1,5-6").n, 100000);
    world_free(w);
}

TEST(sums_are_checked_and_told)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_OK(w, 200, "PUT", "/box/k", "hello", "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==");
    CHECK_STR(world_header(w, "x-amz-checksum-crc64nvme"), "M3eFcAZSQlc=");
    S3_REFUSED(w, 400, "BadDigest", "The Content-MD5 you specified did not match what we received.",
               "PUT", "/box/k", "hellO", "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==");
    S3_REFUSED(w, 400, "InvalidDigest", NULL, "PUT", "/box/k", "hello", "Content-MD5: x");
    S3_OK(w, 200, "PUT", "/box/k", "hello", "x-amz-checksum-crc32: NhCmhg==");
    S3_OK(w, 200, "GET", "/box/k", "", "x-amz-checksum-mode: ENABLED");
    CHECK_STR(world_header(w, "x-amz-checksum-crc32"), "NhCmhg==");
    CHECK_STR(world_header(w, "x-amz-checksum-type"), "FULL_OBJECT");
    S3_REFUSED(w, 400, "BadDigest",
               "The CRC32 you specified did not match the calculated checksum.", "PUT", "/box/k",
               "hellO", "x-amz-checksum-crc32: NhCmhg==");
    S3_REFUSED(w, 400, "InvalidRequest", NULL, "PUT", "/box/k", "hello", "x-amz-checksum-crc32: x");
    S3_REFUSED(w, 400, "InvalidRequest", NULL, "PUT", "/box/k", "hello",
               "x-amz-sdk-checksum-algorithm: SHA1");
    world_free(w);
}

TEST(a_chunked_body_with_a_trailer_is_what_it_holds)
{
    const char *body = "3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    const char *wrong = "3\r\nhel\r\n2\r\nlO\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
#define CHUNKED                                                                                    \
    "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",                                    \
        "x-amz-trailer: x-amz-checksum-crc32", "Content-Encoding: aws-chunked"
    S3_OK(w, 200, "PUT", "/box/k", body, CHUNKED, "x-amz-decoded-content-length: 5");
    CHECK_STR(S3_OK(w, 200, "GET", "/box/k", ""), "hello");
    CHECK(!world_header(w, "Content-Encoding").p);
    S3_REFUSED(w, 400, "BadDigest", NULL, "PUT", "/box/k", wrong, CHUNKED,
               "x-amz-decoded-content-length: 5");
    S3_REFUSED(w, 400, "IncompleteBody", NULL, "PUT", "/box/k", body, CHUNKED,
               "x-amz-decoded-content-length: 6");
    S3_REFUSED(w, 400, "IncompleteBody", NULL, "PUT", "/box/k", "3\r\nhe", CHUNKED,
               "x-amz-decoded-content-length: 5");
    S3_REFUSED(w, 411, "MissingContentLength", NULL, "PUT", "/box/k", body, CHUNKED);
    world_free(w);
}

TEST(a_copy_is_one_of_its_own, "S3-02")
{
    struct world *w = world_new();
    struct str body = bytes_of(w, 50000, 5);

    S3_OK(w, 200, "PUT", "/box", "");
    S3_OK(w, 200, "PUT", "/other", "");
    s3_send(w, "PUT", "/box/a b", body, S3_HEADERS("x-amz-meta-m: 1", "Content-Type: t/x"));
    CHECK_INT(w->http, 200);
    struct str reply = S3_OK(w, 200, "PUT", "/other/c", "", "x-amz-copy-source: /box/a%20b");
    CHECK_INT(xml_count(reply, "ETag"), 1);
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 1); /* no byte was copied */
    S3_OK(w, 204, "DELETE", "/box/a%20b", "");
    holds(w, "/other/c", body);
    CHECK_STR(world_header(w, "x-amz-meta-m"), "1");
    S3_REFUSED(w, 400, "InvalidRequest", NULL, "PUT", "/other/c", "", "x-amz-copy-source: other/c");
    S3_OK(w, 200, "PUT", "/other/c", "", "x-amz-copy-source: other/c",
          "x-amz-metadata-directive: REPLACE", "x-amz-meta-n: 2");
    holds(w, "/other/c", body);
    CHECK(!world_header(w, "x-amz-meta-m").p);
    S3_REFUSED(w, 404, "NoSuchKey", NULL, "PUT", "/other/d", "", "x-amz-copy-source: box/gone");
    S3_REFUSED(w, 412, "PreconditionFailed", NULL, "PUT", "/other/d", "",
               "x-amz-copy-source: other/c", "x-amz-copy-source-if-match: x");
    S3_OK(w, 204, "DELETE", "/other/c", "");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 0);
    /* the last two names of a body go in one call */
    s3_send(w, "PUT", "/other/e", body, NULL);
    S3_OK(w, 200, "PUT", "/other/f", "", "x-amz-copy-source: other/e");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 1);
    S3_OK(w, 200, "POST", "/other?delete",
          "<Delete><Object><Key>e</Key></Object><Object><Key>f</Key></Object></Delete>");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 0);
    world_free(w);
}

#define PART ((size_t)5 << 20)

TEST(parts_become_an_object)
{
    struct world *w = world_new();
    struct str one = bytes_of(w, PART, 1), two = bytes_of(w, 1000, 2);

    S3_OK(w, 200, "PUT", "/box", "");
    struct str begun = S3_OK(w, 200, "POST", "/box/big?uploads", "", "x-amz-meta-m: 1");
    const char *id = xml_cstr(begun, "UploadId");
#define PART_OF(n) str_fmt(&w->arena, "/box/big?partNumber=%d&uploadId=%s", n, id).p
    const char *e2 = str_cstr(&w->arena, put(w, PART_OF(2), two));
    const char *e1 = str_cstr(&w->arena, put(w, PART_OF(1), one));
    put(w, PART_OF(3), S("left out"));
    S3_REFUSED(w, 400, "InvalidArgument", NULL, "PUT", PART_OF(10001), "x");
    struct str parts =
        S3_OK(w, 200, "GET", str_fmt(&w->arena, "/box/big?uploadId=%s&max-parts=2", id).p, "");
    CHECK_INT(xml_count(parts, "Part"), 2);
    CHECK_STR(xml_text(parts, "IsTruncated"), "true");
    world_crash(w);
    const char *end = str_fmt(&w->arena, "/box/big?uploadId=%s", id).p;
#define LIST(a, b)                                                                                 \
    str_fmt(&w->arena,                                                                             \
            "<C><Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part><Part><PartNumber>%d"       \
            "</PartNumber><ETag>%s</ETag></Part></C>",                                             \
            a, (a) == 1 ? e1 : e2, b, (b) == 1 ? e1 : e2)                                          \
        .p
    S3_REFUSED(w, 400, "InvalidPartOrder", NULL, "POST", end, LIST(2, 1));
    S3_REFUSED(w, 400, "EntityTooSmall", NULL, "POST", end, LIST(2, 3));
    S3_REFUSED(w, 400, "InvalidPart", NULL, "POST", end, LIST(1, 4));
    S3_REFUSED(w, 400, "MalformedXML", NULL, "POST", end, "<C/>");
    struct str done = S3_OK(w, 200, "POST", end, LIST(1, 2));
    CHECK(str_ends(xml_text(done, "ETag"), S("-2\"")));
    S3_REFUSED(w, 404, "NoSuchUpload", NULL, "POST", end, LIST(1, 2));
    holds(w, "/box/big", str_cat(&w->arena, one, two));
    CHECK_STR(world_header(w, "x-amz-meta-m"), "1");
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 2);
    struct str range = S3_OK(w, 206, "GET", "/box/big", "", "Range: bytes=5242878-5242881");
    CHECK(str_eq(range, str_cat(&w->arena, str_cut(one, PART - 2, PART), str_cut(two, 0, 2))));
    CHECK(str_eq(S3_OK(w, 206, "GET", "/box/big?partNumber=2", ""), two));
    CHECK_STR(world_header(w, "x-amz-mp-parts-count"), "2");
    /* the sum of all is that of the bytes, though they were never read together */
    struct str whole = str_cat(&w->arena, one, two);
    put(w, "/box/whole", whole);
    struct str sum = world_header(w, "x-amz-checksum-crc64nvme");
    CHECK_STR(xml_text(done, "ChecksumCRC64NVME"), str_cstr(&w->arena, sum));
    world_free(w);
}

TEST(an_upload_is_given_up_and_parts_are_copied)
{
    struct world *w = world_new();
    struct str body = bytes_of(w, 60000, 9);

    S3_OK(w, 200, "PUT", "/box", "");
    put(w, "/box/src", body);
    const char *id = xml_cstr(S3_OK(w, 200, "POST", "/box/up?uploads", ""), "UploadId");
    struct str copied =
        S3_OK(w, 200, "PUT", str_fmt(&w->arena, "/box/up?partNumber=1&uploadId=%s", id).p, "",
              "x-amz-copy-source: box/src", "x-amz-copy-source-range: bytes=100-199");
    S3_REFUSED(w, 400, "InvalidArgument", NULL, "PUT",
               str_fmt(&w->arena, "/box/up?partNumber=2&uploadId=%s", id).p, "",
               "x-amz-copy-source: box/src", "x-amz-copy-source-range: bytes=0-60000");
    S3_OK(w, 200, "POST", str_fmt(&w->arena, "/box/up?uploadId=%s", id).p,
          str_fmt(&w->arena, "<C><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></C>",
                  xml_cstr(copied, "ETag"))
              .p);
    holds(w, "/box/up", str_cut(body, 100, 200));
    id = xml_cstr(S3_OK(w, 200, "POST", "/box/up?uploads", ""), "UploadId");
    put(w, str_fmt(&w->arena, "/box/up?partNumber=1&uploadId=%s", id).p, S("x"));
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/box?uploads", ""), "Upload"), 1);
    S3_OK(w, 204, "DELETE", str_fmt(&w->arena, "/box/up?uploadId=%s", id).p, "");
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/box?uploads", ""), "Upload"), 0);
    CHECK_INT(blobs_fake_count(w->env.env.blobs), 1);
    world_free(w);
}

TEST(lists_group_by_prefix_and_go_on_by_pages)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    for (int i = 0; i < 12; i++)
        put(w, str_fmt(&w->arena, "/box/d%02d/x%%20y", i).p, S(""));
    put(w, "/box/a+b", S(""));
    put(w, "/box/z", S(""));
    struct str page = S3_OK(w, 200, "GET", "/box?list-type=2&delimiter=/&max-keys=5", "");
    CHECK_INT(xml_count(page, "CommonPrefixes"), 4);
    CHECK_INT(xml_count(page, "Contents"), 1);
    CHECK_STR(xml_text(page, "KeyCount"), "5");
    size_t n = 5;
    while (str_is(xml_text(page, "IsTruncated"), "true")) {
        const char *token =
            str_cstr(&w->arena, world_code(w, xml_text(page, "NextContinuationToken")));

        page = S3_OK(w, 200, "GET",
                     str_fmt(&w->arena,
                             "/box?list-type=2&delimiter=/&max-keys=5&continuation-token=%s", token)
                         .p,
                     "");
        n += xml_count(page, "CommonPrefixes") + xml_count(page, "Contents");
    }
    CHECK_INT(n, 14);
    page = S3_OK(w, 200, "GET", "/box?prefix=d0&encoding-type=url&max-keys=3", "");
    CHECK_STR(xml_text(page, "Key"), "d00/x%20y");
    CHECK_INT(xml_count(page, "Contents"), 3);
    page = S3_OK(w, 200, "GET", "/box?marker=d02/x%20y&prefix=d", "");
    CHECK_STR(xml_text(page, "Key"), "d03/x y");
    page = S3_OK(w, 200, "GET", "/box?list-type=2&start-after=d11/x%20y", "");
    CHECK_STR(xml_text(page, "Key"), "z");
    S3_REFUSED(w, 400, "InvalidArgument", NULL, "GET", "/box?encoding-type=x", "");
    S3_REFUSED(w, 404, "NoSuchBucket", NULL, "GET", "/nobox?list-type=2", "");
    struct str gone = S3_OK(w, 200, "POST", "/box?delete",
                            "<Delete><Object><Key>z</Key></Object><Object><Key>none</Key></Object>"
                            "</Delete>");
    CHECK_INT(xml_count(gone, "Deleted"), 2);
    S3_REFUSED(w, 404, "NoSuchKey", NULL, "GET", "/box/z", "");
    world_free(w);
}

TEST(a_customers_key_must_come_again)
{
    const char *key = "x-amz-server-side-encryption-customer-key: "
                      "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const char *other = "x-amz-server-side-encryption-customer-key: "
                        "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const char *algorithm = "x-amz-server-side-encryption-customer-algorithm: AES256";
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_REFUSED(w, 400, "InvalidRequest",
               "Requests specifying Server Side Encryption with Customer provided keys must be "
               "made over a secure connection.",
               "PUT", "/box/k", "secret", key, algorithm);
    w->secure = true;
    S3_OK(w, 200, "PUT", "/box/k", "secret", key, algorithm);
    CHECK_STR(S3_OK(w, 200, "GET", "/box/k", "", key, algorithm), "secret");
    S3_REFUSED(w, 400, "InvalidRequest",
               "The object was stored using a form of Server Side Encryption. The correct "
               "parameters must be provided to retrieve the object.",
               "GET", "/box/k", "");
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", "/box/k", "", other, algorithm);
    S3_REFUSED(w, 400, "InvalidArgument", NULL, "GET", "/box/k", "", key);
    CHECK(!disk_fake_holds(&w->disk, "01234567890123456789012345678901", 32));
    S3_OK(w, 200, "PUT", "/box/plain", "x");
    S3_REFUSED(w, 400, "InvalidRequest", NULL, "GET", "/box/plain", "", key, algorithm);
    world_free(w);
}

TEST(the_encryption_of_an_object_is_told)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/box", "");
    S3_OK(w, 200, "PUT", "/box/a", "x");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "AES256");
    S3_OK(w, 200, "PUT", "/box/b", "x", "x-amz-server-side-encryption: aws:kms");
    S3_OK(w, 200, "HEAD", "/box/b", "");
    CHECK_STR(world_header(w, "x-amz-server-side-encryption"), "aws:kms");
    CHECK(str_starts(world_header(w, "x-amz-server-side-encryption-aws-kms-key-id"),
                     S("arn:aws:kms:us-east-1:000000000000:key/")));
    CHECK_STR(S3_OK(w, 200, "GET", "/box/b", ""), "x");
    S3_REFUSED(w, 400, "KMS.NotFoundException", NULL, "PUT", "/box/c", "x",
               "x-amz-server-side-encryption: aws:kms",
               "x-amz-server-side-encryption-aws-kms-key-id: alias/none");
    S3_REFUSED(w, 400, "InvalidArgument", NULL, "PUT", "/box/c", "x",
               "x-amz-server-side-encryption: rot13");
    world_free(w);
}
