/*
 * A page of ten of GetParametersByPath in an account with 100,000 parameters, whole calls without a
 * socket: recursive from the root, one level of a folder with 50,000, the last page of that; and
 * PutParameter into the same account, without the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/api.h"
#include "codec/json.h"
#include "daemon/cloud.h"
#include "gen/store/ssm_rows.h"
#include "sys/disk_fake.h"

enum { PARAMETERS = 100000, A_TXN = 1000, TIMES = 300 };

static double
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench-ssm: %s\n", what);
    exit(2);
}

/* Half of them side by side in one folder, half in folders of ten. */
static void
fill(struct store *store)
{
    struct txn *txn = NULL;
    char id[96], parent[80];

    for (int i = 0; i < PARAMETERS; i++) {
        if (i % A_TXN == 0)
            txn = store_begin(store);
        if (i % 2)
            snprintf(parent, sizeof(parent), "000000000000/us-east-1/flat");
        else
            snprintf(parent, sizeof(parent), "000000000000/us-east-1/deep/%d", i / 20);
        snprintf(id, sizeof(id), "%s/n%06d", parent, i);
        must(ssm_parameter_insert(txn, &(struct ssm_parameter_row){.id = str_from(id),
                                                                   .parent = str_from(parent),
                                                                   .account = S("000000000000"),
                                                                   .region = S("us-east-1"),
                                                                   .name = str_from(id + 22),
                                                                   .type = S("String"),
                                                                   .value = S("some value"),
                                                                   .data_type = S("text"),
                                                                   .tier = S("Advanced"),
                                                                   .version = 1,
                                                                   .oldest = 1}) == 0,
             "a row cannot be written");
        if (i % A_TXN == A_TXN - 1)
            store_commit(txn);
    }
    must(store_flush(store) == 0, "the rows cannot be stored");
}

struct bench {
    struct api *api;
    struct arena arena;
    struct api_reply reply;
};

static struct str
call(struct bench *b, struct str operation, struct str body)
{
    struct http_header headers[] = {
        {S("X-Amz-Target"), str_cat(&b->arena, S("AmazonSSM."), operation)},
        {S("Content-Type"), S("application/x-amz-json-1.1")},
    };
    const struct api_request req = {
        .http =
            {.method = S("POST"), .path = S("/"), .headers = headers, .n_headers = 2, .body = body},
        .trusted = true,
        .account = S("000000000000"),
        .region = S("us-east-1"),
    };

    buf_reset(&b->reply.body);
    api_handle(b->api, &b->arena, &req, &b->reply);
    must(b->reply.status == 200, "a call was refused");
    return buf_str(&b->reply.body);
}

static double
page_us(struct bench *b, const char *body)
{
    double best = 1e9;

    for (int i = 0; i < TIMES; i++) {
        double began = now_us();
        struct str reply = call(b, S("GetParametersByPath"), str_from(body));

        best = MIN(best, now_us() - began);
        must(str_find(reply, S("\"Parameters\":[{")) != SIZE_MAX, "a page is empty");
        arena_reset(&b->arena);
    }
    return best;
}

/* The body that asks for a page far behind: a token in it that an earlier page gave. */
static char *
far_page(struct bench *b)
{
    struct str body = S("{\"Path\":\"/flat\"}");
    char *text = NULL;

    for (int i = 0; i < 200; i++) {
        struct json reply;
        size_t at;

        must(json_parse(&b->arena, call(b, S("GetParametersByPath"), body), 1000, &reply, &at),
             "a page is no JSON");
        struct str token = json_text(&reply, "NextToken");

        free(text);
        text = malloc(token.n + 64);
        must(text && token.n, "a page has no successor");
        snprintf(text, token.n + 64, "{\"Path\":\"/flat\",\"NextToken\":\"%.*s\"}", STR_ARG(token));
        body = str_from(text);
        arena_reset(&b->arena);
    }
    return text;
}

static double
put_us(struct bench *b)
{
    char body[128];
    double began = now_us();

    for (int i = 0; i < TIMES * 10; i++) {
        snprintf(body, sizeof(body),
                 "{\"Name\":\"/put/n%d\",\"Value\":\"some value\",\"Type\":\"String\"}", i);
        call(b, S("PutParameter"), str_from(body));
        arena_reset(&b->arena);
    }
    return (now_us() - began) / (TIMES * 10);
}

int
main(void)
{
    static const uint8_t root_key[STORE_ROOT_KEY_BYTES] = "a root key of a benchmark";
    struct env_fake env;
    struct disk_fake disk;
    struct loop *loop;
    struct cloud *cloud;
    char why[STORE_WHY_BYTES];

    env_fake_init(&env, 1);
    disk_fake_init(&disk, 1, 512);
    env.env.vfs = disk.name;
    must(loop_new(&loop, &env.env, false) == 0, "there is no loop");
    const struct cloud_config config = {
        .env = &env.env, .loop = loop, .dir = "/bench", .root_key = root_key, .root_keys = true};
    must(cloud_open(&cloud, &config, why) == 0, "the cloud cannot be opened");
    fill(cloud_store(cloud));
    struct bench b = {.api = cloud_api(cloud)};

    arena_init(&b.arena, 16 << 20);
    buf_init(&b.reply.body, 16 << 20);
    double root = page_us(&b, "{\"Path\":\"/\",\"Recursive\":true}");
    double level = page_us(&b, "{\"Path\":\"/flat\"}");
    char *body = far_page(&b);
    double far = page_us(&b, body);

    free(body);
    printf("ssm-page %.3f ms\nssm-page-root %.3f ms\nssm-page-far %.3f ms\nssm-put %.1f us\n",
           MAX(level, MAX(root, far)) / 1e3, root / 1e3, far / 1e3, put_us(&b));
    buf_done(&b.reply.body);
    arena_done(&b.arena);
    cloud_crash(cloud);
    loop_free(loop);
    disk_fake_done(&disk);
    return root > 1e3 || level > 1e3 || far > 1e3;
}
