/* What S3 says at the edges of what it can hold. */
#include "api/s3_help.h"

TEST(a_part_without_bytes_is_told_without_a_range)
{
    struct world *w = world_new();
    size_t n = (size_t)5 << 20;
    struct str one = str_of(arena_alloc(&w->arena, n), n);

    S3_OK(w, 200, "PUT", "/edge", "");
    const char *id = xml_cstr(S3_OK(w, 200, "POST", "/edge/big?uploads", ""), "UploadId");
    const char *etags[2];
    for (int i = 0; i < 2; i++) {
        const char *at = str_fmt(&w->arena, "/edge/big?partNumber=%d&uploadId=%s", i + 1, id).p;
        CHECK_OK(w, s3_send(w, "PUT", at, i == 0 ? one : S(""), NULL));
        etags[i] = str_cstr(&w->arena, world_header(w, "ETag"));
    }
    struct str list = str_fmt(&w->arena,
                              "<C><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part><Part>"
                              "<PartNumber>2</PartNumber><ETag>%s</ETag></Part></C>",
                              etags[0], etags[1]);
    S3_OK(w, 200, "POST", str_fmt(&w->arena, "/edge/big?uploadId=%s", id).p, list.p);
    CHECK(str_eq(S3_OK(w, 206, "GET", "/edge/big?partNumber=1", ""), one));
    CHECK_STR(world_header(w, "Content-Range"), "bytes 0-5242879/5242880");
    CHECK_STR(S3_OK(w, 200, "GET", "/edge/big?partNumber=2", ""), "");
    CHECK(!world_header(w, "Content-Range").n);
    CHECK_STR(world_header(w, "x-amz-mp-parts-count"), "2");
    world_free(w);
}

TEST(a_key_that_is_too_long_is_not_hidden_either)
{
    struct world *w = world_new();
    char key[1026] = {0};

    memset(key, 'k', sizeof(key) - 1);
    S3_OK(w, 200, "PUT", "/edge", "");
    S3_OK(w, 200, "PUT", "/edge?versioning", "<V><Status>Enabled</Status></V>");
    struct str reply = S3_OK(w, 200, "POST", "/edge?delete",
                             str_fmt(&w->arena,
                                     "<Delete><Object><Key>%s</Key></Object>"
                                     "<Object><Key>%s</Key></Object></Delete>",
                                     key, key + 1)
                                 .p);
    CHECK_STR(xml_text(reply, "Code"), "KeyTooLongError");
    CHECK_INT(xml_count(reply, "Deleted"), 1);
    CHECK_INT(xml_count(S3_OK(w, 200, "GET", "/edge?versions", ""), "DeleteMarker"), 1);
    world_free(w);
}

TEST(a_lifecycle_has_no_size_below_nothing)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/edge", "");
    S3_REFUSED(
        w, 400, "MalformedXML", NULL, "PUT", "/edge?lifecycle",
        "<L><Rule><Status>Enabled</Status><Filter><ObjectSizeGreaterThan>-2"
        "</ObjectSizeGreaterThan></Filter><Expiration><Days>1</Days></Expiration></Rule></L>");
    S3_REFUSED(w, 400, "MalformedXML", NULL, "PUT", "/edge?lifecycle",
               "<L><Rule><Status>Enabled</Status><Filter><And><ObjectSizeLessThan>-1"
               "</ObjectSizeLessThan></And></Filter><Expiration><Days>1</Days></Expiration>"
               "</Rule></L>");
    S3_OK(w, 200, "PUT", "/edge?lifecycle",
          "<L><Rule><Status>Enabled</Status><Filter><ObjectSizeGreaterThan>0"
          "</ObjectSizeGreaterThan></Filter><Expiration><Days>1</Days></Expiration></Rule></L>");
    world_free(w);
}

/* A page that begins behind what has the prefix, where a delimiter stands in the marker. */
TEST(a_marker_may_be_beside_the_prefix)
{
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/edge", "");
    S3_OK(w, 200, "PUT", "/edge/a/1", "x");
    S3_OK(w, 200, "PUT", "/edge/b/1", "x");
    struct str reply = S3_OK(w, 200, "GET", "/edge?prefix=a/&delimiter=/&marker=bcd/", "");
    CHECK_INT(xml_count(reply, "Contents"), 0);
    reply = S3_OK(w, 200, "GET", "/edge?versions&prefix=a/&delimiter=/&key-marker=bcd/", "");
    CHECK_INT(xml_count(reply, "Version"), 0);
    reply = S3_OK(w, 200, "GET", "/edge?prefix=a/&delimiter=/&marker=A", "");
    CHECK_INT(xml_count(reply, "Contents"), 1);
    world_free(w);
}
