/*
 * The metadata service against instances that the API made: every value is compared with what
 * the API says of the same instance.
 */
#include "harness/iam_rows.h"
#include "harness/identity_keys.h"
#include "imds_ask.h"

/* ---- values ---- */

TEST(what_an_instance_reads_of_itself_is_what_the_api_shows,
     "IMDS-01 IMDS-02 IMDS-03 IMDS-04 IMDS-11 IMDS-12")
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str xml = describe(w, id);
    struct str nic = xml_element(xml, "networkInterfaceSet");
    static const struct {
        const char *path, *element;
    } rows[] = {
        {MD "ami-id", "imageId"},
        {MD "ami-launch-index", "amiLaunchIndex"},
        {MD "instance-id", "instanceId"},
        {MD "instance-type", "instanceType"},
        {MD "hostname", "privateDnsName"},
        {MD "local-hostname", "privateDnsName"},
        {MD "local-ipv4", "privateIpAddress"},
        {MD "public-ipv4", "ipAddress"},
        {MD "public-hostname", "dnsName"},
        {MD "reservation-id", "reservationId"},
        {MD "mac", "macAddress"},
        {MD "placement/availability-zone", "availabilityZone"},
        {MD "block-device-mapping/root", "rootDeviceName"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str want = xml_text(xml, rows[i].element), got = get(w, id, rows[i].path);

        if (!want.n || !str_eq(want, got))
            FAIL("%s is \"%.*s\", the API says \"%.*s\"", rows[i].path, STR_ARG(got),
                 STR_ARG(want));
    }
    CHECK_STR(get(w, id, MD "security-groups"), "default");
    CHECK_STR(get(w, id, MD "placement/region"), "us-east-1");
    CHECK(str_starts(get(w, id, MD "placement/availability-zone-id"), S("use1-az")));
    const char *mac = str_cstr(test_arena(), xml_text(nic, "macAddress"));
    struct str at = str_fmt(test_arena(), MD "network/interfaces/macs/%s/", mac);
    static const struct {
        const char *leaf, *element;
    } of_nic[] = {{"interface-id", "networkInterfaceId"},
                  {"subnet-id", "subnetId"},
                  {"vpc-id", "vpcId"},
                  {"owner-id", "ownerId"},
                  {"local-ipv4s", "privateIpAddress"},
                  {"public-ipv4s", "publicIp"},
                  {"local-hostname", "privateDnsName"},
                  {"public-hostname", "publicDnsName"},
                  {"device-number", "deviceIndex"},
                  {"security-group-ids", "groupId"}};
    for (size_t i = 0; i < ARRAY_LEN(of_nic); i++) {
        struct str got = get(w, id, str_fmt(test_arena(), "%.*s%s", STR_ARG(at), of_nic[i].leaf).p);

        if (!str_eq(got, xml_text(nic, of_nic[i].element)))
            FAIL("%s is \"%.*s\"", of_nic[i].leaf, STR_ARG(got));
    }
    world_free(w);
}

TEST(an_instance_reads_its_placement_group_its_partition_and_its_host, "PG-34 IMDS-13")
{
    struct world *w = world_new();
    const char *alone = launch(w, ""), *id;
    struct str xml;

    CHECK(get_with(w, alone, MD "placement/group-name", STR_NONE).status == 404);
    CHECK(get_with(w, alone, MD "placement/partition-number", STR_NONE).status == 404);
    CHECK(get_with(w, alone, MD "placement/host-id", STR_NONE).status == 404);
    ok(w, world_call(w, "Action=CreatePlacementGroup&GroupName=parts&Strategy=partition"));
    id = launch(w, "&Placement.GroupName=parts&Placement.PartitionNumber=2");
    CHECK_STR(get(w, id, MD "placement/group-name"), "parts");
    CHECK_STR(get(w, id, MD "placement/partition-number"), "2");
    xml = ok(w, world_call(w, "Action=AllocateHosts&InstanceFamily=t3&Quantity=1&AutoPlacement=on&"
                              "AvailabilityZone=us-east-1a"));
    id = launch(w, "&Placement.Tenancy=host");
    CHECK(str_eq(get(w, id, MD "placement/host-id"),
                 xml_text(xml_element(xml, "hostIdSet"), "item")));
    world_free(w);
}

TEST(launch_indexes_count_up_within_one_launch, "IMDS-02 IMDS-04")
{
    struct world *w = world_new();
    struct str xml = ok(w, world_call(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&"
                                         "InstanceType=t3.micro&MinCount=3&MaxCount=3"));

    for (size_t i = 0; i < 3; i++) {
        const char *id = str_cstr(test_arena(), xml_text_at(xml, "instanceId", i));

        CHECK_STR(get(w, id, MD "ami-launch-index"), str_fmt(test_arena(), "%zu", i).p);
    }
    world_free(w);
}

TEST(values_that_are_the_same_for_every_instance, "IMDS-05 IMDS-07")
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    CHECK_STR(get(w, id, MD "ami-manifest-path"), "(unknown)");
    CHECK_STR(get(w, id, MD "instance-action"), "none");
    CHECK_STR(get(w, id, MD "instance-life-cycle"), "on-demand");
    CHECK_STR(get(w, id, MD "profile"), "default-hvm");
    CHECK_STR(get(w, id, MD "services/domain"), "amazonaws.com");
    CHECK_STR(get(w, id, MD "services/partition"), "aws");
    CHECK_STR(get(w, id, MD "block-device-mapping/"), "ami\nroot");
    CHECK_STR(get(w, id, MD "block-device-mapping/root"), "/dev/xvda");
    CHECK_STR(get(w, id, MD "block-device-mapping/ami"), "xvda");
    world_free(w);
}

TEST(each_further_volume_has_a_number_and_its_device, "IMDS-07")
{
    struct world *w = world_new();
    const char *id = launch(w, "&BlockDeviceMapping.1.DeviceName=/dev/sdg"
                               "&BlockDeviceMapping.1.Ebs.VolumeSize=1"
                               "&BlockDeviceMapping.2.DeviceName=/dev/sdf"
                               "&BlockDeviceMapping.2.Ebs.VolumeSize=1");

    CHECK_STR(get(w, id, MD "block-device-mapping/"), "ami\nebs1\nebs2\nroot");
    CHECK_STR(get(w, id, MD "block-device-mapping/ebs1"), "sdf");
    CHECK_STR(get(w, id, MD "block-device-mapping/ebs2"), "sdg");
    world_free(w);
}

TEST(what_an_instance_has_not_is_not_found, "IMDS-06 IMDS-08 IMDS-09")
{
    static const char *const absent[] = {
        MD "ancestor-ami-ids",
        MD "elastic-gpus/associations/",
        MD "elastic-inference/associations/",
        MD "iam/",
        MD "iam/info",
        MD "iam/security-credentials/",
        MD "spot/instance-action",
        MD "public-keys/",
        MD "tags/",
        MD "tags/instance/Name",
        MD "kernel-id",
        MD "nonsense",
        MD "instance-id/more",
        MD "instance-idx",
        MD "instance-i",
        "/latest/user-data",
        "/latest/nonsense",
        "/1999-01-01/meta-data/",
        "/latest2/meta-data/",
        "/meta-data/",
        "/latest/api/token",
    };
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (size_t i = 0; i + 1 < ARRAY_LEN(absent); i++)
        if (status(w, id, absent[i]) != 404)
            FAIL("%s: HTTP %u", absent[i], status(w, id, absent[i]));
    struct imds_reply reply = get_with(w, id, MD "nonsense", STR_NONE);
    CHECK_STR(reply.content_type, "text/html");
    CHECK(str_find(reply.body, S("<h1>404 - Not Found</h1>")) != SIZE_MAX);
    CHECK_INT(status(w, id, absent[ARRAY_LEN(absent) - 1]), 405);
    world_free(w);
}

TEST(metadata_follows_a_change_of_type, "IMDS-11")
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    ok(w, world_callf(w, "Action=StopInstances&InstanceId.1=%s", id));
    world_advance(w, 1000);
    ok(w, world_callf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&InstanceType.Value=t3.small",
                      id));
    ok(w, world_callf(w, "Action=StartInstances&InstanceId.1=%s", id));
    world_advance(w, 1000);
    CHECK_STR(get(w, id, MD "instance-type"), "t3.small");
    world_free(w);
}

TEST(user_data_is_given_as_it_was_sent, "IMDS-17")
{
    struct world *w = world_new();
    /* "#!/bin/sh\n\0\xff" in base64 */
    const char *id = launch(w, "&UserData=IyEvYmluL3NoCgD%2F");
    struct imds_reply reply = get_with(w, id, "/latest/user-data", STR_NONE);

    CHECK_INT(reply.status, 200);
    CHECK(str_eq(reply.body, S("#!/bin/sh\n\0\xff")));
    CHECK_STR(reply.content_type, "application/octet-stream");
    CHECK(has_line(get(w, id, "/latest/"), "user-data"));
    world_free(w);
}

TEST(the_public_key_is_where_cloud_init_looks_for_it)
{
    struct world *w = world_new();

    ok(w, world_call(w, "Action=CreateKeyPair&KeyName=my-key&KeyType=ed25519"));
    const char *id = launch(w, "&KeyName=my-key");
    CHECK(has_line(get(w, id, MD), "public-keys/"));
    CHECK_STR(get(w, id, MD "public-keys/"), "0=my-key");
    CHECK_STR(get(w, id, MD "public-keys"), "0=my-key");
    CHECK_STR(get(w, id, MD "public-keys/0/"), "openssh-key");
    struct str line = get(w, id, MD "public-keys/0/openssh-key");
    CHECK(str_starts(line, S("ssh-ed25519 ")) && str_ends(line, S(" my-key\n")));
    world_free(w);
}

TEST(the_identity_document_describes_the_instance, "IMDS-17")
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str xml = describe(w, id);
    struct str doc = get(w, id, "/latest/dynamic/instance-identity/document");
    static const struct {
        const char *name, *element;
    } rows[] = {{"imageId", "imageId"},
                {"instanceId", "instanceId"},
                {"instanceType", "instanceType"},
                {"privateIp", "privateIpAddress"},
                {"availabilityZone", "availabilityZone"},
                {"accountId", "ownerId"},
                {"architecture", "architecture"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str want = str_fmt(test_arena(), "\"%s\" : \"%.*s\"", rows[i].name,
                                  STR_ARG(xml_text(xml, rows[i].element)));

        if (str_find(doc, want) == SIZE_MAX)
            FAIL("no %.*s in %.*s", STR_ARG(want), STR_ARG(doc));
    }
    CHECK_STR(get(w, id, "/latest/dynamic/fws/instance-monitoring"), "disabled");
    world_free(w);
}

/* ---- listings ---- */

/* Fetches everything below a directory; answers how many leaves there are. */
static unsigned
walk(struct world *w, const char *id, struct str dir)
{
    struct str lines = get(w, id, str_cstr(test_arena(), dir));
    unsigned n = 0;

    CHECK(lines.n > 0 && lines.p[lines.n - 1] != '\n');
    while (lines.p) {
        struct str line = str_split(&lines, '\n');
        bool key_line = str_ends(dir, S("public-keys/"));

        CHECK(line.n > 0);
        if (key_line)
            line = str_cat(test_arena(), str_split(&line, '='), S("/"));
        struct str path = str_cat(test_arena(), dir, line);
        if (line.p[line.n - 1] == '/') {
            n += walk(w, id, path);
        } else {
            CHECK_INT(status(w, id, str_cstr(test_arena(), path)), 200);
            n++;
        }
    }
    return n;
}

TEST(all_that_is_listed_can_be_fetched, "IMDS-01")
{
    struct world *w = world_new();

    ok(w, world_call(w, "Action=CreateKeyPair&KeyName=k&KeyType=ed25519"));
    iam_rows_profile(w, "/", "web", iam_rows_role(w, "web-role", TRUST_EC2));
    struct identity *identity = identity_for_test();
    keys.identity = identity;
    const char *id =
        launch(w, "&KeyName=k&MetadataOptions.InstanceMetadataTags=enabled&"
                  "IamInstanceProfile.Name=web&TagSpecification.1.ResourceType=instance&"
                  "TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=x");
    CHECK(walk(w, id, S(MD)) > 40);
    CHECK_INT(walk(w, id, S("/latest/dynamic/")), 5);
    identity_free(identity);
    CHECK(has_line(get(w, id, MD), "instance-id") && has_line(get(w, id, MD), "placement/"));
    CHECK(!has_line(get(w, id, MD), "placement"));
    /* without the last slash it is the same listing */
    CHECK(str_eq(get(w, id, MD "placement"), get(w, id, MD "placement/")));
    world_free(w);
}

TEST(the_top_lists_versions_and_each_version_the_same_folders)
{
    struct world *w = world_new();
    const char *id = launch(w, "&UserData=eA%3D%3D");
    struct str versions = get(w, id, "/");
    unsigned n = 0;

    CHECK(has_line(versions, "1.0") && has_line(versions, "2009-04-04"));
    CHECK(str_ends(versions, S("\nlatest")));
    CHECK(str_eq(versions, get(w, id, "")));
    while (versions.p) {
        struct str v = str_split(&versions, '\n');
        const char *path = str_cstr(test_arena(), str_fmt(test_arena(), "/%.*s/", STR_ARG(v)));

        CHECK_STR(get(w, id, path), "dynamic\nmeta-data\nuser-data");
        path = str_cstr(test_arena(), str_fmt(test_arena(), "/%.*s", STR_ARG(v)));
        CHECK_STR(get(w, id, path), "dynamic\nmeta-data\nuser-data");
        path = str_cstr(test_arena(),
                        str_fmt(test_arena(), "/%.*s/meta-data/instance-id", STR_ARG(v)));
        CHECK_STR(get(w, id, path), id);
        n++;
    }
    CHECK(n > 20);
    world_free(w);
}

TEST(tags_are_shown_only_when_that_is_enabled)
{
    struct world *w = world_new();
    const char *id =
        launch(w, "&TagSpecification.1.ResourceType=instance&"
                  "TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web"
                  "&TagSpecification.1.Tag.2.Key=a:b&TagSpecification.1.Tag.2.Value=");

    CHECK_INT(status(w, id, MD "tags/instance/Name"), 404);
    CHECK(!has_line(get(w, id, MD), "tags/"));
    ok(w, world_callf(w,
                      "Action=ModifyInstanceMetadataOptions&InstanceId=%s&"
                      "InstanceMetadataTags=enabled",
                      id));
    CHECK_STR(get(w, id, MD "tags/instance/"), "Name\na:b");
    CHECK_STR(get(w, id, MD "tags/instance/Name"), "web");
    CHECK_STR(get(w, id, MD "tags/instance/a:b"), "");
    ok(w, world_callf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=Name&Tag.1.Value=db", id));
    CHECK_STR(get(w, id, MD "tags/instance/Name"), "db");
    world_free(w);
}

TEST(the_largest_tags_fit_in_a_reply)
{
    struct world *w = world_new();
    const char *id = launch(w, "&MetadataOptions.InstanceMetadataTags=enabled");
    struct buf form;

    buf_init(&form, 1 << 20);
    buf_add_fmt(&form, "Action=CreateTags&ResourceId.1=%s", id);
    for (int i = 1; i <= 50; i++)
        buf_add_fmt(&form, "&Tag.%d.Key=%0128d&Tag.%d.Value=%0256d", i, i, i, i);
    ok(w, world_call_str(w, buf_str(&form)));
    buf_done(&form);

    struct txn *txn = world_begin(w);
    struct arena small;
    /* what guestnet.c gives a reply */
    arena_init(&small, (size_t)256 << 10);
    struct imds_request req = {.method = HTTP_GET, .path = S(MD "tags/instance/")};
    struct imds_reply reply = imds_answer(txn, &small, ec2_instance_get(txn, str_from(id)), &keys,
                                          w->env.now_ms, nonce, &req);
    CHECK_INT(reply.status, 200);
    CHECK_INT(reply.body.n, 50 * 129 - 1);
    CHECK(small.total_bytes < (size_t)64 << 10);
    store_rollback(txn);
    arena_done(&small);
    world_free(w);
}

/* ---- tokens ---- */

TEST(a_token_opens_the_metadata_until_it_expires)
{
    struct world *w = world_new();
    const char *id = launch(w, "&MetadataOptions.HttpTokens=required");
    struct imds_reply token = put_token(w, id, "3600", false);

    CHECK_INT(token.status, 200);
    CHECK(token.is_token && token.body.n == 56);
    CHECK_INT(token.ttl_s, HOUR_S);
    struct imds_reply reply = get_with(w, id, MD "instance-id", token.body);
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.body, id);
    CHECK_INT(reply.ttl_s, HOUR_S);
    CHECK(!reply.is_token);
    world_advance(w, HOUR_S * 1000 - 1);
    reply = get_with(w, id, MD "instance-id", token.body);
    CHECK_INT(reply.status, 200);
    CHECK_INT(reply.ttl_s, 1);
    world_advance(w, 1);
    CHECK_INT(get_with(w, id, MD "instance-id", token.body).status, 401);
    world_free(w);
}

TEST(where_tokens_are_required_nothing_is_told_without_one)
{
    static const char *const paths[] = {"/",
                                        "/latest/",
                                        MD,
                                        MD "instance-id",
                                        "/latest/user-data",
                                        "/latest/dynamic/instance-identity/document",
                                        MD "nonsense"};
    struct world *w = world_new();
    const char *id = launch(w, "&MetadataOptions.HttpTokens=required&UserData=eA%3D%3D");

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct imds_reply reply = get_with(w, id, paths[i], STR_NONE);

        CHECK_INT(reply.status, 401);
        CHECK(str_find(reply.body, S("401 - Unauthorized")) != SIZE_MAX);
        CHECK_INT(get_with(w, id, paths[i], S("")).status, 401);
    }
    world_free(w);
}

TEST(a_bad_token_is_refused_even_where_none_is_needed)
{
    struct world *w = world_new();
    const char *id = launch(w, "&MetadataOptions.HttpTokens=optional"), *other = launch(w, "");
    struct str good = put_token(w, id, "60", false).body;
    char *bad = str_cstr(test_arena(), good);

    CHECK_INT(status(w, id, MD "instance-id"), 200);
    CHECK_INT(get_with(w, id, MD "instance-id", good).status, 200);
    for (size_t i = 0; i < good.n; i++) {
        for (int c = 32; c < 127; c++) {
            bad[i] = (char)c;
            if (c != good.p[i] &&
                get_with(w, id, MD "instance-id", str_of(bad, good.n)).status != 401)
                FAIL("byte %zu as '%c' is accepted", i, c);
        }
        bad[i] = good.p[i];
    }
    for (size_t n = 0; n < good.n; n++)
        CHECK_INT(get_with(w, id, MD "instance-id", str_cut(good, 0, n)).status, 401);
    CHECK_INT(get_with(w, id, MD "instance-id", str_cat(test_arena(), good, S("A"))).status, 401);
    CHECK_INT(get_with(w, id, MD "instance-id", str_cat(test_arena(), good, S(" "))).status, 401);
    CHECK_INT(get_with(w, id, MD "instance-id", str_cat(test_arena(), S("\n"), good)).status, 401);
    /* one instance's token is worth nothing to another */
    CHECK_INT(get_with(w, other, MD "instance-id", good).status, 401);
    world_free(w);
}

TEST(the_life_of_a_token_has_bounds)
{
    static const struct {
        const char *ttl;
        unsigned status;
    } rows[] = {
        {"1", 200},   {"21600", 200}, {" 60 ", 200}, {"0", 400},   {"21601", 400},
        {"-1", 400},  {"", 400},      {"abc", 400},  {"1.5", 400}, {"60s", 400},
        {"1 2", 400}, {"+5", 400},    {"0x10", 400}, {NULL, 400},  {"99999999999999999999", 400},
    };
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct imds_reply reply = put_token(w, id, rows[i].ttl, false);

        if (reply.status != rows[i].status || reply.is_token != (rows[i].status == 200))
            FAIL("a TTL of %s: HTTP %u", rows[i].ttl ? rows[i].ttl : "nothing", reply.status);
    }
    world_free(w);
}

TEST(a_request_that_was_forwarded_gets_no_token)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    CHECK_INT(put_token(w, id, "60", true).status, 403);
    CHECK_INT(put_token(w, id, "60", false).status, 200);
    world_free(w);
}

TEST(only_get_and_head_read_and_only_put_gives_tokens)
{
    static const enum http_method methods[] = {HTTP_OTHER,  HTTP_POST,  HTTP_PUT,
                                               HTTP_DELETE, HTTP_PATCH, HTTP_OPTIONS};
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct imds_request req = {.method = HTTP_HEAD, .path = S(MD "instance-id")};

    CHECK_INT(ask(w, id, &req).status, 200);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        req = (struct imds_request){.method = methods[i], .path = S(MD "instance-id")};
        CHECK_INT(ask(w, id, &req).status, 405);
        req = (struct imds_request){
            .method = methods[i], .path = S("/latest/api/token"), .ttl = S("60")};
        CHECK_INT(ask(w, id, &req).status, methods[i] == HTTP_PUT ? 200 : 405);
    }
    /* documented: tokens are given at `latest` only */
    req = (struct imds_request){
        .method = HTTP_PUT, .path = S("/2021-03-23/api/token"), .ttl = S("60")};
    CHECK_INT(ask(w, id, &req).status, 403);
    world_free(w);
}

TEST(a_disabled_endpoint_answers_nothing)
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str token = put_token(w, id, "60", false).body;

    ok(w, world_callf(w, "Action=ModifyInstanceMetadataOptions&InstanceId=%s&HttpEndpoint=disabled",
                      id));
    CHECK_INT(status(w, id, "/"), 403);
    CHECK_INT(status(w, id, MD "instance-id"), 403);
    CHECK_INT(get_with(w, id, MD "instance-id", token).status, 403);
    CHECK_INT(put_token(w, id, "60", false).status, 403);
    ok(w, world_callf(w, "Action=ModifyInstanceMetadataOptions&InstanceId=%s&HttpEndpoint=enabled",
                      id));
    CHECK_INT(get_with(w, id, MD "instance-id", token).status, 200);
    world_free(w);
}

TEST(metadata_survives_a_restart_of_the_daemon)
{
    struct world *w = world_new();
    const char *id = launch(w, "&MetadataOptions.HttpTokens=required");
    struct str token = put_token(w, id, "21600", false).body;
    struct str ip = get_with(w, id, MD "local-ipv4", token).body;

    world_crash(w);
    CHECK_STR(get_with(w, id, MD "instance-id", token).body, id);
    CHECK(str_eq(get_with(w, id, MD "local-ipv4", token).body, ip));
    world_free(w);
}
