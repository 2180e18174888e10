/*
 * The daemon without sockets.  What differs from the real one is only what struct env and the
 * host driver hide: the clock moves when told, the disk forgets what was not synced.
 */
#include "harness/world.h"

#include "api/later.h"
#include "api/stream.h"
#include "codec/uri.h"
#include "harness/functions.h"
#include "harness/posts.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLY_MAX_BYTES ((size_t)64 << 20)
#define WORLD_SEED 1
#define BOOT_MS 50
#define STOP_MS 20
#define LATER_MS (1000 * 1000)
#define LATER_STEP_MS 10

static const uint8_t root_key[STORE_ROOT_KEY_BYTES] = "a root key that only tests have";

static void
attach_sim(void *ctx, const struct host_events *events)
{
    host_sim_attach(ctx, events);
}

/* Starts the daemon's part on the disk as it is. */
static void
start(struct world *w)
{
    char why[STORE_WHY_BYTES] = "";
    struct cloud_config config = {
        .env = &w->env.env,
        .loop = w->loop,
        .dir = "/world",
        .root_key = root_key,
        .root_keys = true,
        .vcpu_limit = w->vcpu_limit,
        .storage_limit = w->storage_limit,
        .region_model = w->region_model,
    };

    if (cloud_open(&w->cloud, &config, why) < 0)
        FAIL("the cloud cannot be opened: %s", why);
    CHECK(cloud_start(w->cloud, host_sim_driver(w->sim), attach_sim, w->sim) == 0);
    function_model_attach(w);
    post_model_attach(w);
    world_settle(w);
}

/* What a world's first start leaves on its disk: making it is half of the cost of most tests. */
static struct {
    struct disk_fake disk;
    struct env_fake env;
    bool made;
} first_start;

static struct world *
make_unstarted(uint64_t seed, const char *model)
{
    struct world *w = calloc(1, sizeof(*w));
    struct host_sim_config sim = {.boot_ms = BOOT_MS, .stop_ms = STOP_MS};

    CHECK(w != NULL);
    env_fake_init(&w->env, seed);
    disk_fake_init(&w->disk, seed, 512);
    if (first_start.made && seed == WORLD_SEED && !model) {
        w->env = first_start.env;
        disk_fake_copy(&w->disk, &first_start.disk);
    }
    w->env.env.vfs = w->disk.name;
    w->env.env.blobs = blobs_fake_new();
    arena_init(&w->arena, (size_t)256 << 20);
    arena_init(&w->call_arena, (size_t)64 << 20);
    CHECK(loop_new(&w->loop, &w->env.env, false) == 0);
    sim.loop = w->loop;
    w->sim = host_sim_new(&sim);
    w->region_model = str_from(model);
    world_account(w, "000000000000", "us-east-1");
    return w;
}

static struct world *
make(uint64_t seed, const char *model)
{
    struct world *w = make_unstarted(seed, model);

    start(w);
    return w;
}

static void
release(struct world *w)
{
    function_model_free(w->functions);
    post_model_free(w->posts);
    host_sim_free(w->sim);
    loop_free(w->loop);
    disk_fake_done(&w->disk);
    blobs_free(w->env.env.blobs);
    arena_done(&w->arena);
    arena_done(&w->call_arena);
    free(w);
}

static void
make_first_start(void)
{
    struct world *w = make(WORLD_SEED, NULL);

    cloud_close(w->cloud);
    disk_fake_init(&first_start.disk, WORLD_SEED, 512);
    disk_fake_copy(&first_start.disk, &w->disk);
    first_start.env = w->env;
    first_start.made = true;
    release(w);
}
TEST_PREPARE(make_first_start)

struct world *
world_new_seed(uint64_t seed)
{
    return make(seed, NULL);
}

struct world *
world_new_region(const char *model)
{
    return make(WORLD_SEED, model);
}

struct world *
world_new(void)
{
    return world_new_seed(WORLD_SEED);
}

struct world *
world_free(struct world *w)
{
    char why[STORE_WHY_BYTES] = "";

    if (store_integrity_check(cloud_store(w->cloud), why) < 0)
        FAIL("the store is not whole: %s", why);
    cloud_close(w->cloud);
    release(w);
    return NULL;
}

void
world_account(struct world *w, const char *account, const char *region)
{
    w->account = str_from(account);
    w->region = str_from(region);
}

/* ---- time ---- */

void
world_settle(struct world *w)
{
    world_advance(w, 0);
}

void
world_advance(struct world *w, int64_t ms)
{
    int64_t until_ms = w->env.now_ms + ms, due_ms;

    while (loop_run_timers(w->loop, until_ms, &due_ms)) {
        int64_t step_ms = MAX(due_ms - w->env.now_ms, 0);

        w->env.now_ms += step_ms;
        w->env.mono_ns += step_ms * 1000000;
        loop_clock_changed(w->loop);
    }
    w->env.mono_ns += (until_ms - w->env.now_ms) * 1000000;
    w->env.now_ms = until_ms;
    if (!w->hold_disk)
        world_flush(w);
}

void
world_jump(struct world *w, int64_t ms)
{
    assert(ms > 0);
    w->env.now_ms += ms;
    w->env.mono_ns += ms * 1000000;
    loop_clock_changed(w->loop);
    world_settle(w);
}

/* ---- calls ---- */

/* What the front sends piece by piece. */
static struct str
read_stream(struct world *w, struct api_stream *stream)
{
    char *p = arena_alloc_raw(&w->arena, (size_t)stream->bytes);
    size_t n = 0;
    ssize_t got;

    while ((got = api_stream_read(stream, p + n, 100000)) > 0)
        n += (size_t)got;
    CHECK(got == 0 && n == stream->bytes);
    api_stream_wipe(stream);
    blobs_release(stream->blobs);
    return str_of(p, n);
}

static void
is_there(void *ctx)
{
    *(bool *)ctx = true;
}

/* The clock goes on until a reply that comes later is there. */
static void
wait_for(struct world *w, struct api_reply *reply)
{
    struct api_later *later = reply->later;
    bool there = false;

    api_later_wait(later, is_there, &there);
    for (int64_t ms = 0; !there && ms < LATER_MS; ms += LATER_STEP_MS)
        world_advance(w, LATER_STEP_MS);
    if (!there)
        FAIL("a reply that was to come later did not come");
    api_later_reply(later, reply);
}

struct str
world_answer(struct world *w, const struct api_request *req)
{
    struct api_reply reply = {0};

    arena_reset(&w->call_arena);
    buf_init(&reply.body, REPLY_MAX_BYTES);
    api_handle(cloud_api(w->cloud), &w->call_arena, req, &reply);
    if (reply.later)
        wait_for(w, &reply);
    w->http = reply.status;
    w->content_type = str_dup(&w->arena, reply.content_type);
    w->request_id = str_dup(&w->arena, reply.request_id);
    w->n_headers = reply.headers.n;
    w->headers = ARENA_ARRAY(&w->arena, struct http_header, reply.headers.n);
    for (size_t i = 0; i < reply.headers.n; i++)
        w->headers[i] = (struct http_header){str_dup(&w->arena, reply.headers.v[i].name),
                                             str_dup(&w->arena, reply.headers.v[i].value)};
    w->length = reply.length;
    struct str body = reply.stream ? read_stream(w, reply.stream)
                                   : str_dup(&w->arena, buf_str(&reply.body));
    buf_done(&reply.body);
    world_settle(w);
    return body;
}

void
world_as(struct world *w, struct str access_key, struct str secret, struct str token)
{
    w->access_key = str_dup(&w->arena, access_key);
    w->secret = str_dup(&w->arena, secret);
    w->token = token.n ? str_dup(&w->arena, token) : STR_NONE;
    if (!access_key.n)
        w->access_key = STR_NONE;
}

void
world_as_reply(struct world *w, struct str reply)
{
    CHECK(xml_text(reply, "AccessKeyId").n);
    world_as(w, xml_text(reply, "AccessKeyId"), xml_text(reply, "SecretAccessKey"),
             xml_text(reply, "SessionToken"));
}

void
world_as_root(struct world *w)
{
    world_as(w, STR_NONE, STR_NONE, STR_NONE);
}

static struct str
signing_of(struct str form)
{
    struct arena arena;
    struct str signing = S("ec2");

    arena_init(&arena, (size_t)1 << 20);
    struct str version = uri_query_get(&arena, form, S("Version"));
    for (size_t i = 0; cloud_services()[i]; i++)
        if (str_is(version, cloud_services()[i]->service->version))
            signing = str_from(cloud_services()[i]->service->signing);
    arena_done(&arena);
    return signing;
}

struct str
world_send(struct world *w, const struct api_request *trusted, struct str signing)
{
    struct http_header headers[8 + SIGV4_ADDED_MAX];
    struct api_request req = *trusted;
    const struct sigv4_signer signer = {.access_key = w->access_key,
                                        .secret = w->secret,
                                        .token = w->token,
                                        .region = w->region,
                                        .service = signing,
                                        .now_ms = w->env.now_ms,
                                        .flags = sigv4_flags(signing)};

    if (!w->access_key.p)
        return world_answer(w, trusted);
    CHECK(req.http.n_headers + 2 <= 8);
    for (size_t i = 0; i < req.http.n_headers; i++)
        headers[i] = req.http.headers[i];
    headers[req.http.n_headers++] = (struct http_header){S("Host"), S("localhost")};
    if (w->user_agent.p)
        headers[req.http.n_headers++] = (struct http_header){S("User-Agent"), w->user_agent};
    req.http.headers = headers;
    req.trusted = false;
    req.account = req.region = STR_NONE;
    req.peer = w->peer;
    req.source_vpc = w->source_vpc;
    req.secure = w->secure;
    req.http.n_headers += sigv4_sign(&w->arena, &signer, &req.http, headers + req.http.n_headers);
    return world_answer(w, &req);
}

static const char *
version_of(struct str form)
{
    struct arena arena;
    const char *version = "2016-11-15";

    arena_init(&arena, (size_t)1 << 20);
    struct str action = uri_query_get(&arena, form, S("Action"));
    for (size_t i = 0; cloud_services()[i]; i++) {
        const struct api_service *service = cloud_services()[i]->service;

        if (api_op_find(service, action)) {
            version = service->version;
            break;
        }
    }
    arena_done(&arena);
    return version;
}

struct str
world_call_str(struct world *w, struct str form)
{
    struct http_header type = {S("Content-Type"), S("application/x-www-form-urlencoded")};
    struct api_request req = {
        .http = {.method = S("POST"), .path = S("/"), .headers = &type, .n_headers = 1},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };

    bool has_version = str_starts(form, S("Version=")) || str_find(form, S("&Version=")) < form.n;

    req.http.body = has_version ? form
                                : str_fmt(&w->arena, "%.*s&Version=%s", STR_ARG(form),
                                          version_of(form));
    return world_send(w, &req, signing_of(req.http.body));
}

struct str
world_call(struct world *w, const char *form)
{
    return world_call_str(w, str_from(form));
}

struct str
world_callf(struct world *w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str form = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    return world_call_str(w, form);
}

struct str
world_ok(struct world *w, const char *form)
{
    struct str reply = world_call(w, form);

    if (w->http != 200)
        FAIL("%s: HTTP %d: %.*s", form, w->http, STR_ARG(reply));
    return reply;
}

struct str
world_okf(struct world *w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str form = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    return world_ok(w, form.p);
}

void
world_refused(struct world *w, const char *code, const char *message, const char *form)
{
    struct str reply = world_call(w, form);

    if (!str_is(xml_text(reply, "Code"), code) || w->http < 400)
        FAIL("%s: HTTP %d, not %s: %.*s", form, w->http, code, STR_ARG(reply));
    if (message && !str_is(xml_text(reply, "Message"), message))
        FAIL("%s: not \"%s\": %.*s", form, message, STR_ARG(reply));
}

void
world_refusedf(struct world *w, const char *code, const char *message, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str form = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    world_refused(w, code, message, form.p);
}

struct str
world_request(struct world *w, const struct sigv4_request *http)
{
    struct api_request req = {.http = *http};

    return world_answer(w, &req);
}

struct str
world_code(struct world *w, struct str value)
{
    return uri_encode(&w->arena, value, 0);
}

/* ---- faults ---- */

void
world_crash(struct world *w)
{
    struct host_events nobody = {0};

    disk_fake_crash(&w->disk);
    blobs_fake_crash(w->env.env.blobs);
    w->cloud = cloud_crash(w->cloud);
    host_sim_attach(w->sim, &nobody);
    start(w);
}

void
world_power_loss(struct world *w)
{
    host_sim_power_loss(w->sim);
    world_crash(w);
}

void
world_hold_disk(struct world *w, bool hold)
{
    w->hold_disk = hold;
    if (!hold)
        world_flush(w);
}

void
world_flush(struct world *w)
{
    CHECK(store_flush(cloud_store(w->cloud)) == 0);
}

struct txn *
world_begin(struct world *w)
{
    return store_begin(cloud_store(w->cloud));
}

/* ---- XML ---- */

/* Where the n-th element of that name begins and its content; false when there is none. */
static bool
find_element(struct str xml, const char *name, size_t n, struct str *ret_all, struct str *ret_in)
{
    size_t len = strlen(name), depth = 0, begin = 0, content = 0;
    bool inside = false;

    for (size_t i = 0; i < xml.n; i++) {
        if (xml.p[i] != '<')
            continue;
        bool end = i + 1 < xml.n && xml.p[i + 1] == '/';
        size_t at = i + 1 + end, close = at;
        while (close < xml.n && xml.p[close] != '>')
            close++;
        size_t name_end = at;
        while (name_end < close && xml.p[name_end] != ' ' && xml.p[name_end] != '/')
            name_end++;
        if (name_end - at != len || memcmp(xml.p + at, name, len) != 0)
            continue;
        bool empty = xml.p[close - 1] == '/';
        if (!inside && !end && n-- == 0) {
            inside = true;
            begin = i;
            content = close + 1;
            if (empty) {
                *ret_all = str_cut(xml, begin, close + 1);
                *ret_in = S("");
                return true;
            }
        } else if (inside && !end && !empty) {
            depth++;
        } else if (inside && end && depth-- == 0) {
            *ret_all = str_cut(xml, begin, close + 1);
            *ret_in = str_cut(xml, content, i);
            return true;
        }
    }
    return false;
}

static struct str
unescape(struct str s)
{
    static const struct {
        struct str entity;
        char c;
    } rows[] = {{S_INIT("&lt;"), '<'},
                {S_INIT("&gt;"), '>'},
                {S_INIT("&amp;"), '&'},
                {S_INIT("&quot;"), '"'},
                {S_INIT("&#xD;"), '\r'}};
    char *out = arena_alloc_raw(test_arena(), s.n);
    size_t n = 0;

    if (str_find_char(s, '&') == SIZE_MAX)
        return s;
    for (size_t i = 0; i < s.n;) {
        size_t skip = 1;

        out[n] = s.p[i];
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            if (str_starts(str_cut(s, i, s.n), rows[k].entity)) {
                out[n] = rows[k].c;
                skip = rows[k].entity.n;
            }
        n++;
        i += skip;
    }
    return str_of(out, n);
}

struct str
xml_text_at(struct str xml, const char *name, size_t n)
{
    struct str all, in;

    return find_element(xml, name, n, &all, &in) ? unescape(in) : STR_NONE;
}

struct str
xml_text(struct str xml, const char *name)
{
    return xml_text_at(xml, name, 0);
}

const char *
xml_cstr(struct str xml, const char *name)
{
    return test_cstr(xml_text(xml, name));
}

size_t
xml_count(struct str xml, const char *name)
{
    char open[128];
    size_t len = (size_t)snprintf(open, sizeof(open), "<%s", name), count = 0;

    for (size_t i = 0; i + len < xml.n; i++)
        if (memcmp(xml.p + i, open, len) == 0 &&
            (xml.p[i + len] == '>' || xml.p[i + len] == '/' || xml.p[i + len] == ' '))
            count++;
    return count;
}

struct str
xml_element_at(struct str xml, const char *name, size_t n)
{
    struct str all, in;

    return find_element(xml, name, n, &all, &in) ? all : STR_NONE;
}

struct str
xml_element(struct str xml, const char *name)
{
    return xml_element_at(xml, name, 0);
}

struct str
xml_where(struct str xml, const char *name, const char *child, const char *text)
{
    struct str all;

    for (size_t i = 0; (all = xml_element_at(xml, name, i)).p; i++)
        if (str_is(xml_text(all, child), text))
            return all;
    return STR_NONE;
}
