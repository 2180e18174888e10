/*
 * What clients that nobody adapted ask of the metadata service, request by request as they send
 * it: cloud-init, botocore, ec2-metadata of amazon-ec2-utils, and scripts.
 */
#include "guestnet/imds.h"

#include "harness/identity_keys.h"
#include "harness/world.h"

static struct imds_keys keys = {.token = "a key"};
static const uint8_t nonce[8] = "nonce";

struct guest {
    struct world *w;
    struct str id;
    struct str token; /* sent with each request */
};

static struct guest
boot(void)
{
    struct guest g = {.w = world_new()};
    struct str xml;

    world_call(g.w, "Action=CreateKeyPair&KeyName=k&KeyType=ed25519");
    xml = world_call(g.w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&"
                          "MinCount=1&MaxCount=1&KeyName=k&UserData=IyEvYmluL3No");
    if (g.w->http != 200)
        FAIL("HTTP %d: %.*s", g.w->http, STR_ARG(xml));
    g.id = str_dup(test_arena(), xml_text(xml, "instanceId"));
    world_advance(g.w, 1000);
    return g;
}

static struct imds_reply
ask(struct guest *g, enum http_method method, const char *path, const char *ttl)
{
    struct imds_request req = {.method = method,
                               .path = str_from(path),
                               .token = g->token,
                               .ttl = str_from(ttl)};
    struct txn *txn = world_begin(g->w);
    const struct ec2_instance_row *row = ec2_instance_get(txn, g->id);

    CHECK(row);
    struct imds_reply reply =
        imds_answer(txn, test_arena(), row, &keys, g->w->env.now_ms, nonce, &req);
    reply.body = str_dup(test_arena(), reply.body);
    store_rollback(txn);
    return reply;
}

static struct str
get(struct guest *g, const char *path)
{
    struct imds_reply reply = ask(g, HTTP_GET, path, NULL);

    if (reply.status != 200)
        FAIL("%s: HTTP %u", path, reply.status);
    return reply.body;
}

static void
take_token(struct guest *g, const char *path, const char *ttl)
{
    struct imds_reply reply = ask(g, HTTP_PUT, path, ttl);

    CHECK_INT(reply.status, 200);
    g->token = reply.body;
}

TEST(slashes_do_not_count, "IMDS-01")
{
    static const char *const same[][2] = {
        {"/latest/meta-data", "/latest/meta-data/"},
        {"/latest/meta-data", "//latest//meta-data//"},
        {"/latest", "/latest/"},
        {"/", "//"},
        {"/latest/meta-data/instance-id", "/latest/meta-data//instance-id"},
        {"/latest/meta-data/instance-id", "/latest/meta-data/instance-id/"},
        {"/latest/meta-data/instance-id", "/latest/meta-data/instance-id//"},
        {"/latest/user-data", "/latest/user-data/"},
        {"/latest/meta-data/placement/availability-zone",
         "/latest/meta-data/placement/availability-zone/"},
        {"/latest/meta-data/public-keys/0/openssh-key",
         "/latest/meta-data/public-keys/0/openssh-key/"},
        {"/latest/meta-data/public-keys", "/latest/meta-data/public-keys/"},
        {"/latest/dynamic/instance-identity/document",
         "/latest/dynamic/instance-identity//document/"},
        {"/latest/meta-data/placement/region", "/latest/meta-data/./x/../placement/region"},
    };
    struct guest g = boot();

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct imds_reply a = ask(&g, HTTP_GET, same[i][0], NULL);
        struct imds_reply b = ask(&g, HTTP_GET, same[i][1], NULL);

        if (a.status != 200 || b.status != 200 || !a.body.n || !str_eq(a.body, b.body) ||
            !str_eq(a.content_type, b.content_type))
            FAIL("%s: HTTP %u, %u", same[i][1], a.status, b.status);
    }
    world_free(g.w);
}

TEST(a_slash_does_not_make_a_path_out_of_none)
{
    static const char *const none[] = {
        "/latest/meta-data/instance-id/x", "/latest/meta-data/nothing/", "/latest/meta-dat/",
        "/latest/x",  "/lates/meta-data/",  "/2000-01-01/meta-data/", "/latest/meta-data/inst",
        "/latest/meta-data/spot/instance-action", "/latest/meta-data/iam/security-credentials/",
        "/latest/meta-data/instance-id%00",
    };
    struct guest g = boot();

    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (ask(&g, HTTP_GET, none[i], NULL).status != 404)
            FAIL("%s is there", none[i]);
    world_free(g.w);
}

TEST(percent_codes_are_read_and_bad_ones_refused)
{
    struct guest g = boot();

    CHECK(str_eq(get(&g, "/latest/meta%2ddata/instance-id"), g.id));
    CHECK(str_eq(get(&g, "/latest%2Fmeta-data%2F%2Finstance%2Did"), g.id));
    CHECK_INT(ask(&g, HTTP_GET, "/latest/meta-data/%zz", NULL).status, 400);
    CHECK_INT(ask(&g, HTTP_GET, "/latest/meta-data/%", NULL).status, 400);
    world_free(g.w);
}

TEST(a_head_has_what_a_get_has)
{
    struct guest g = boot();
    struct imds_reply head = ask(&g, HTTP_HEAD, "/latest/meta-data/instance-id", NULL);

    /* The server leaves the body out and its length in. */
    CHECK_INT(head.status, 200);
    CHECK(str_eq(head.body, g.id));
    CHECK_INT(ask(&g, HTTP_HEAD, "/latest/meta-data/no", NULL).status, 404);
    world_free(g.w);
}

TEST(botocore_finds_the_region)
{
    struct guest g = boot();

    take_token(&g, "/latest/api/token", "21600");
    struct str zone = get(&g, "/latest/meta-data/placement/availability-zone/");
    CHECK_STR(str_cut(zone, 0, zone.n - 1), "us-east-1");
    /* No role: botocore goes on to the next place when this is no 200. */
    CHECK_INT(ask(&g, HTTP_GET, "/latest/meta-data/iam/security-credentials/", NULL).status, 404);
    world_free(g.w);
}

/* cloud-init's crawl: a name that ends in '/' is a folder, "0=name" is a key's number. */
static unsigned
crawl(struct guest *g, struct str dir)
{
    struct str text = get(g, str_cstr(test_arena(), dir));
    unsigned n = 0;

    while (text.p) {
        struct str line = str_split(&text, '\n'), name = str_split(&line, '=');
        struct str path = str_cat(test_arena(), dir, name);

        CHECK(name.n);
        if (line.p) {
            path = str_cat(test_arena(), path, S("/openssh-key"));
            CHECK(str_starts(get(g, str_cstr(test_arena(), path)), S("ssh-ed25519 ")));
            n++;
        } else if (str_ends(name, S("/"))) {
            n += crawl(g, path);
        } else {
            get(g, str_cstr(test_arena(), path));
            n++;
        }
    }
    return n;
}

TEST(cloud_init_crawls_the_version_it_knows)
{
    static const char *const known[] = {"2021-03-23", "2018-09-24", "2016-09-02", "2009-04-04"};
    struct guest g = boot();
    struct identity *identity = identity_for_test();

    keys.identity = identity;
    take_token(&g, "/latest/api/token", "21600");
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct str base = str_fmt(test_arena(), "/%s/", known[i]);

        CHECK(str_eq(get(&g, str_cstr(test_arena(),
                                      str_cat(test_arena(), base, S("meta-data/instance-id")))),
                     g.id));
        CHECK(crawl(&g, str_cat(test_arena(), base, S("meta-data/"))) > 30);
        CHECK_STR(get(&g, str_cstr(test_arena(), str_cat(test_arena(), base, S("user-data")))),
                  "#!/bin/sh");
        /* Of dynamic it reads the document, and takes each of its members for a word. */
        crawl(&g, str_cat(test_arena(), base, S("dynamic/instance-identity/")));
    }
    identity_free(identity);
    world_free(g.w);
}

TEST(ec2_metadata_prints_every_line)
{
    static const char *const paths[] = {
        "ami-id", "ami-launch-index", "ami-manifest-path", "block-device-mapping/", "instance-id",
        "instance-type", "local-hostname", "local-ipv4", "placement/availability-zone",
        "placement/region", "public-keys/", "reservation-id", "security-groups", "mac",
    };
    struct guest g = boot();

    take_token(&g, "/latest/api/token", "60");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        CHECK(get(&g, str_cstr(test_arena(), str_fmt(test_arena(), "/latest/meta-data//%s",
                                                     paths[i]))).n);
    CHECK(get(&g, "/latest//meta-data/reservation-id").n); /* its own double slash */
    CHECK_STR(get(&g, "/latest/meta-data/public-keys/"), "0=k");
    CHECK_STR(get(&g, "/latest/meta-data/public-keys/0/"), "openssh-key");
    world_free(g.w);
}
