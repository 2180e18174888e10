/*
 * Requests to the metadata service, from inside an instance: path, method, token and TTL are the
 * guest's.  A token that was not given out must never be taken, and what a listing names can be
 * fetched.
 *
 * Input: a byte of flags, then path, token and ttl, with a newline between.
 */
#include <stdlib.h>

#include "gen/store/tables.h"
#include "guestnet/imds.h"
#include "sys/disk_fake.h"

#define ID "i-0123456789abcdef0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct {
    struct env_fake env;
    struct disk_fake disk;
    struct store *store;
    struct identity *identity;
} world;

static struct imds_keys keys = {.token = "thirty-two bytes of fuzzing key"};
static const uint8_t nonce[8];
static struct str tags[] = {S_INIT("Name"), S_INIT("fuzz"), S_INIT("a/b"), S_INIT("")};

static void
must(bool ok)
{
    if (!ok)
        abort();
}

/* The instance has a role, which trusts EC2. */
static void
make_role(void)
{
    const struct iam_role_row role = {
        .id = S("AROAFUZZ"),
        .account = S("000000000000"),
        .path = S("/"),
        .name = S("fuzz"),
        .trust_policy = S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                          "\"Principal\":{\"Service\":\"ec2.amazonaws.com\"},"
                          "\"Action\":\"sts:AssumeRole\"}]}"),
    };
    const struct iam_profile_row profile = {
        .id = S("AIPAFUZZ"), .account = role.account, .path = S("/"), .role_id = role.id};
    const struct ec2_profile_association_row association = {
        .id = S("iip-assoc-0"), .instance_id = S(ID), .profile_id = profile.id};
    struct txn *txn = store_begin(world.store);

    must(iam_role_insert(txn, &role) == 0 && iam_profile_insert(txn, &profile) == 0);
    must(ec2_profile_association_insert(txn, &association) == 0);
    store_commit(txn);
}

static void
open_world(void)
{
    static const uint8_t root[STORE_ROOT_KEY_BYTES] = "root";
    char why[STORE_WHY_BYTES];
    struct store_config config = {.env = &world.env.env,
                                  .dir = "fuzz",
                                  .tables = all_tables,
                                  .n_tables = n_all_tables,
                                  .root_key = root};

    struct str private_keys, certificates;
    struct arena a;

    env_fake_init(&world.env, 1);
    disk_fake_init(&world.disk, 1, 512);
    world.env.env.vfs = world.disk.name;
    must(store_open(&world.store, &config, why) == 0);
    arena_init(&a, 64 << 10);
    must(identity_make(&a, 0, &private_keys, &certificates) == 0);
    must(identity_open(&world.identity, private_keys, certificates) == 0);
    keys.identity = world.identity;
    make_role();
    arena_done(&a);
}

static struct imds_request
request_of(const uint8_t *data, size_t n)
{
    static const enum http_method methods[] = {HTTP_GET, HTTP_PUT, HTTP_POST, HTTP_HEAD};
    struct str rest = str_of(data + 1, n - 1);
    struct imds_request req = {
        .method = methods[data[0] & 3],
        .forwarded = data[0] & 4,
        .path = str_split(&rest, '\n'),
    };
    req.token = str_split(&rest, '\n');
    if (data[0] & 8)
        req.token.p = NULL, req.token.n = 0;
    req.ttl = data[0] & 16 ? rest : STR_NONE;
    return req;
}

static void
check(struct txn *txn, struct arena *a, const struct ec2_instance_row *row,
      const struct imds_request *req)
{
    struct imds_reply reply = imds_answer(txn, a, row, &keys, 1000, nonce, req);
    bool required = str_is(row->imds_tokens, "required");

    must(reply.status == 200 || (reply.status >= 400 && reply.status < 500));
    must(reply.status != 200 || !req->forwarded || req->method != HTTP_PUT);
    /* nobody guesses a token: with one, or with required ones, nothing but a PUT goes well */
    must(reply.status != 200 || req->method == HTTP_PUT || (!req->token.p && !required));
    must(!reply.secret || reply.status == 200);
    must(reply.secret == (str_find(reply.body, S("SecretAccessKey")) != SIZE_MAX));
    must(!reply.is_token || (reply.ttl_s >= 1 && reply.ttl_s <= 21600 && reply.body.n == 56));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ec2_instance_row row = {.id = S(ID),
                                   .account = S("000000000000"),
                                   .private_ip = S("10.0.0.5"),
                                   .region = S("us-east-1"),
                                   .imds_endpoint = S("enabled"),
                                   .imds_tags = S("enabled"),
                                   .tags = {tags, ARRAY_LEN(tags)}};
    struct arena a;

    if (n == 0)
        return 0;
    if (!world.store)
        open_world();
    row.imds_tokens = data[0] & 32 ? S("required") : S("optional");
    uint8_t *exact = malloc(n);
    must(exact != NULL);
    memcpy(exact, data, n);
    struct imds_request req = request_of(exact, n);
    arena_init(&a, (size_t)256 << 10);
    struct txn *txn = store_begin(world.store);
    check(txn, &a, &row, &req);
    must(!arena_spent(&a));
    store_rollback(txn);
    arena_done(&a);
    free(exact);
    return 0;
}
