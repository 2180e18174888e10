/*
 * The admin API: what `welkin status`, `clock`, `console`, `image` and `reset` ask of a running
 * daemon, and what scripts that wait for other emulators look at.
 *
 * It is for the machine's own users: answered to loopback only, never to a browser (a request
 * with an Origin is refused, so that a web page cannot reset a cloud), and only by the names of
 * this machine (so that a name that a stranger rebinds to 127.0.0.1 is of no use).
 */
#include "daemon/daemon.h"

#include "api/event.h"
#include "api/explain.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "codec/ip.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "daemon/region.h"
#include "ec2/instance.h"
#include "iam/iam.h"
#include "store/keys.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define EVENT_IN_MAX_MS (INT64_C(366) * 86400000)
#define EVENT_LASTS_MS (2 * 3600000)
#define REPLY_MAX_BYTES ((size_t)4 << 20)

struct follower {
    struct admin *admin;
    struct follower *next;
    struct http_request *req;
    uint64_t at; /* the offset of the next byte to send */
    size_t id_n;
    char id[PRIV_ID_MAX];
};

struct admin {
    struct daemon *d;
    struct arena arena; /* of one request */
    struct buf body;
    struct follower *followers;
};

struct route {
    enum http_method method;
    const char *path;
    void (*fn)(struct admin *admin, struct http_request *req);
};

/* ---- replies ---- */

static void
reply(struct http_request *req, unsigned status, struct str body)
{
    const struct http_header headers[] = {{S("Content-Type"), S("application/json")}};

    assert(status >= 200 && status <= 599 && str_ok(body));
    http_respond(req, status, headers, 1, body);
}

static void
refuse(struct admin *admin, struct http_request *req, unsigned status, const char *sentence)
{
    struct json_out o = {.buf = &admin->body};

    assert(status >= 400 && sentence[0] != '\0');
    buf_reset(&admin->body);
    json_open(&o, '{');
    json_key(&o, S("error"));
    json_str(&o, str_from(sentence));
    json_close(&o, '}');
    buf_add_char(&admin->body, '\n');
    reply(req, status, buf_str(&admin->body));
}

static struct str
param(struct admin *admin, struct http_request *req, const char *name)
{
    assert(name[0] != '\0');
    return uri_query_get(&admin->arena, req->head.query, str_from(name));
}

/* Begins an object in the admin's buffer; finish() ends and sends it. */
static struct json_out
begin(struct admin *admin)
{
    struct json_out o = {.buf = &admin->body};

    buf_reset(&admin->body);
    json_open(&o, '{');
    return o;
}

static void
finish(struct admin *admin, struct json_out *o, struct http_request *req)
{
    assert(o->buf == &admin->body);
    json_close(o, '}');
    buf_add_char(&admin->body, '\n');
    reply(req, 200, buf_str(&admin->body));
}

/* ---- health and status ---- */

static void
put_services(struct json_out *o)
{
    json_key(o, S("services"));
    json_open(o, '{');
    for (size_t i = 0; cloud_services()[i]; i++) {
        const struct api_service *service = cloud_services()[i]->service;
        bool any = false;

        for (unsigned k = 0; k < service->n_ops; k++)
            any = any || api_op_handler(service, &service->ops[k]);
        json_key_str(o, service->name, any ? S("running") : S("disabled"));
    }
    json_close(o, '}');
}

static void
localstack_health(struct admin *admin, struct http_request *req)
{
    struct json_out o = begin(admin);

    put_services(&o);
    json_key_str(&o, "edition", S("welkin"));
    json_key_str(&o, "version", S(WELKIN_VERSION));
    finish(admin, &o, req);
}

static struct str
host_name(const struct daemon *d)
{
    return d->sandbox ? S("sandbox") : S("sim");
}

static void
health(struct admin *admin, struct http_request *req)
{
    struct json_out o = begin(admin);

    json_key_str(&o, "status", S("ready"));
    json_key_str(&o, "version", S(WELKIN_VERSION));
    json_key_str(&o, "host", host_name(admin->d));
    put_services(&o);
    finish(admin, &o, req);
}

static void
put_instances(struct json_out *o, struct txn *txn)
{
    const struct sm *sm = &ec2_instance_sm;
    int64_t n[SM_STATES_MAX] = {0};

    assert(sm->n_states <= SM_STATES_MAX);
    STORE_EACH(txn, ec2_instance_by_key, row) {
        assert(row->state >= 0 && row->state < sm->n_states);
        n[row->state]++;
    }
    json_key(o, S("instances"));
    json_open(o, '{');
    for (unsigned i = 0; i < sm->n_states; i++)
        json_key_int(o, sm->states[i].name, n[i]);
    json_close(o, '}');
}

static void
status(struct admin *admin, struct http_request *req)
{
    struct daemon *d = admin->d;
    struct store_stats stats = store_stats(cloud_store(d->cloud));
    struct json_out o = begin(admin);
    struct txn *txn = store_begin(cloud_store(d->cloud));

    json_key_str(&o, "version", S(WELKIN_VERSION));
    json_key_str(&o, "host", host_name(d));
    json_key_str(&o, "data", str_from(d->config.data_dir));
    json_key_int(&o, "uptime_s", (d->env->mono_ns(d->env) - d->started_ns) / 1000000000);
    put_services(&o);
    put_instances(&o, txn);
    json_key_int(&o, "rows", (int64_t)stats.rows);
    json_key_int(&o, "row_bytes", (int64_t)stats.row_bytes);
    json_key_int(&o, "commits", (int64_t)stats.commits);
    json_key_int(&o, "syncs", (int64_t)stats.groups);
    store_rollback(txn);
    finish(admin, &o, req);
}

/* ---- the clock ---- */

static void
show_clock(struct admin *admin, struct http_request *req)
{
    struct env_clock clock = env_real_clock();
    struct json_out o = begin(admin);
    int64_t now_ms = admin->d->env->now_ms(admin->d->env);

    json_key_str(&o, "now", time_iso(&admin->arena, now_ms));
    json_key(&o, S("stopped"));
    json_bool(&o, clock.stopped);
    json_key_int(&o, "ahead_ms", now_ms - env_real_wall_ms());
    finish(admin, &o, req);
}

/* 9000-01-01: four digits of year, which every date of AWS has, are enough for all that expires. */
#define CLOCK_END_MS INT64_C(221845392000000)

static void
set_clock(struct admin *admin, struct http_request *req)
{
    struct env_clock clock = env_real_clock();
    struct str action = param(admin, req, "action");
    int64_t now_ms = admin->d->env->now_ms(admin->d->env), by_ms = 0;

    if (str_is(action, "stop") && !clock.stopped) {
        clock.stopped = true;
        clock.stopped_at_ms = now_ms;
    } else if (str_is(action, "resume") && clock.stopped) {
        clock.stopped = false;
        clock.offset_ms = clock.stopped_at_ms - env_real_wall_ms();
    } else if (str_is(action, "advance")) {
        if (!str_to_i64(param(admin, req, "ms"), &by_ms) || by_ms < 0 ||
            by_ms > INT64_C(100) * 366 * 86400000) {
            refuse(admin, req, 400, "Give ms=N, from 0 to a hundred years: time only goes on.");
            return;
        }
        if (by_ms > CLOCK_END_MS - now_ms) {
            refuse(admin, req, 400, "The clock goes no further than the year 9000.");
            return;
        }
        clock.stopped_at_ms += by_ms;
        clock.offset_ms += by_ms;
        assert(by_ms >= 0 && now_ms + by_ms <= CLOCK_END_MS);
    } else if (!str_is(action, "stop") && !str_is(action, "resume")) {
        refuse(admin, req, 400, "The clock's actions are stop, resume and advance.");
        return;
    }
    if (daemon_clock_set(admin->d, &clock) < 0 || store_flush(cloud_store(admin->d->cloud)) < 0)
        refuse(admin, req, 500, "The clock could not be stored.");
    else
        show_clock(admin, req);
}

/* ---- reset ---- */

static void
reset(struct admin *admin, struct http_request *req)
{
    uint64_t seq;

    if (cloud_reset(admin->d->cloud, &seq) < 0) {
        refuse(admin, req, 500, "The cloud could not be reset; nothing was changed.");
        return;
    }
    log_info("the cloud was reset");
    if (store_flush(cloud_store(admin->d->cloud)) < 0)
        refuse(admin, req, 500, "The reset could not be stored.");
    else
        reply(req, 200, S("{\"reset\":true}\n"));
}

/* ---- the region's hardware ---- */

static void
region(struct admin *admin, struct http_request *req)
{
    buf_reset(&admin->body);
    if (region_show(admin->d->cloud, param(admin, req, "id"), &admin->body))
        reply(req, 200, buf_str(&admin->body));
    else
        refuse(admin, req, 404, "The region model has no such zone, rack or host.");
}

static void
fault(struct admin *admin, struct http_request *req)
{
    struct str state = param(admin, req, "state");
    bool on = str_is(state, "on");
    int r = -EINVAL;

    if (on || str_is(state, "off"))
        r = region_fault(admin->d->cloud, param(admin, req, "kind"), param(admin, req, "id"), on,
                         admin->d->env->now_ms(admin->d->env));
    if (r == -EINVAL)
        refuse(admin, req, 400,
               "Give kind=zone, rack, host or network, id=ZONE[/rN[/hN]] of that kind, or "
               "kind=snapshot and the id of one, and state=on or off.");
    else if (r < 0 || store_flush(cloud_store(admin->d->cloud)) < 0)
        refuse(admin, req, 500, "The fault could not be stored.");
    else
        region(admin, req);
}

/* ---- certificates ---- */

/* PEM, in the order signature, pkcs7, rsa2048: for those who verify identity documents. */
static void
identity_certificates(struct admin *admin, struct http_request *req)
{
    const struct http_header headers[] = {{S("Content-Type"), S("application/x-pem-file")}};
    struct store *store = cloud_store(admin->d->cloud);
    struct identity *made = NULL;
    int r = store_identity_load(store, admin->d->env, &made);

    identity_free(made);
    if (r < 0 || store_flush(store) < 0) {
        refuse(admin, req, 500, "The certificates cannot be made.");
        return;
    }
    struct txn *txn = store_begin(store);
    http_respond(req, 200, headers, 1, store_identity_certificates(txn));
    store_rollback(txn);
}

/* ---- images ---- */

static void
list_images(struct admin *admin, struct http_request *req)
{
    struct json_out o = begin(admin);
    struct txn *txn = store_begin(cloud_store(admin->d->cloud));

    json_key(&o, S("images"));
    json_open(&o, '[');
    STORE_EACH(txn, ec2_image_by_key, row) {
        json_open(&o, '{');
        json_key_str(&o, "ami", row->id);
        json_key_str(&o, "name", row->name);
        json_key_str(&o, "rootfs", row->rootfs);
        json_key_str(&o, "init", row->init);
        json_key_str(&o, "owner", row->account);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    store_rollback(txn);
    finish(admin, &o, req);
}

/* Maps an AMI id, or the one made from the name, to a root file system. */
static void
map_image(struct admin *admin, struct http_request *req)
{
    struct str name = param(admin, req, "name"), init = param(admin, req, "init");
    struct str ami = param(admin, req, "ami");

    if (!image_name_good(name) ||
        (!str_is(init, "welkin") && !str_is(init, "systemd") && !str_is(init, "none"))) {
        refuse(admin, req, 400,
               "Give name=NAME of a folder below images and init=welkin, systemd or none.");
        return;
    }
    if (!ami.n)
        ami = str_cat(&admin->arena, S("welkin-"), name);
    struct txn *txn = store_begin(cloud_store(admin->d->cloud));
    int r = ec2_image_seed(txn, admin->d->env, ami, name, init);
    if (r < 0) {
        store_rollback(txn);
        refuse(admin, req, 400, "The image could not be registered: is the AMI id well-formed?");
        return;
    }
    store_commit(txn);
    if (store_flush(cloud_store(admin->d->cloud)) < 0) {
        refuse(admin, req, 500, "The image could not be stored.");
        return;
    }
    list_images(admin, req);
}

/* ---- events ---- */

enum { EVENTS_SHOWN = 1000 };

/* The newest events, oldest first; of one account when it is named. */
static void
list_events(struct admin *admin, struct http_request *req)
{
    struct str account = param(admin, req, "account"), source = param(admin, req, "source");
    struct json_out o = begin(admin);
    struct txn *txn = store_begin(cloud_store(admin->d->cloud));
    size_t n = 0, skip = store_count(txn, &cloud_event_table);

    skip = skip > EVENTS_SHOWN ? skip - EVENTS_SHOWN : 0;
    json_key(&o, S("events"));
    json_open(&o, '[');
    STORE_EACH(txn, cloud_event_by_key, row) {
        if (n++ < skip || (account.n && !str_eq(account, row->account)) ||
            (source.n && !str_eq(source, row->source)))
            continue;
        struct buf one;

        buf_init(&one, REPLY_MAX_BYTES);
        api_event_show(&one, row);
        json_raw(&o, buf_str(&one));
        buf_done(&one);
    }
    json_close(&o, ']');
    store_rollback(txn);
    finish(admin, &o, req);
}

/* ---- consoles ---- */

static bool
followed(const struct admin *admin, struct str id)
{
    for (const struct follower *f = admin->followers; f; f = f->next)
        if (str_eq(str_of(f->id, f->id_n), id))
            return true;
    return false;
}

static void
unfollow(struct http_request *req)
{
    struct follower *f = req->user, **at = &f->admin->followers;
    struct admin *admin = f->admin;

    assert(f->req == req);
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    if (!followed(admin, str_of(f->id, f->id_n)) && admin->d->sandbox)
        host_sandbox_follow(admin->d->sandbox, str_of(f->id, f->id_n), false);
    http_stream_end(req);
    free(f);
}

void
admin_console(void *ctx, const struct priv_ev_console *ev, struct str bytes)
{
    struct admin *admin = ctx;

    assert(ev->id[0] != '\0' && str_ok(bytes));
    for (struct follower *f = admin->followers, *next; f; f = next) {
        next = f->next;
        if (!str_eq(str_of(f->id, f->id_n), str_from(ev->id)))
            continue;
        uint64_t skip = f->at > ev->at ? f->at - ev->at : 0;
        if (skip >= bytes.n)
            continue;
        f->at = ev->at + bytes.n;
        /* Who does not read what he follows misses it, as on a real serial line. */
        http_stream_write(f->req, str_cut(bytes, (size_t)skip, bytes.n));
    }
}

static void
follow(struct admin *admin, struct http_request *req, struct str id)
{
    const struct http_header headers[] = {{S("Content-Type"), S("application/octet-stream")}};
    struct follower *f = calloc(1, sizeof(*f));
    struct str text;

    assert(id.n < sizeof(f->id) && admin->d->sandbox);
    if (!f)
        abort();
    f->admin = admin;
    f->req = req;
    f->id_n = id.n;
    memcpy(f->id, id.p, id.n);
    host_sandbox_follow(admin->d->sandbox, id, true);
    if (host_sandbox_console(admin->d->sandbox, &admin->arena, id, &text, &f->at) < 0) {
        if (!followed(admin, id))
            host_sandbox_follow(admin->d->sandbox, id, false);
        free(f);
        refuse(admin, req, 500, "The console could not be read.");
        return;
    }
    f->next = admin->followers;
    admin->followers = f;
    req->user = f;
    req->on_gone = unfollow;
    http_stream_begin(req, 200, headers, 1);
    http_stream_write(req, text);
}

static void
console(struct admin *admin, struct http_request *req)
{
    struct str id = param(admin, req, "instance");
    struct txn *txn = store_begin(cloud_store(admin->d->cloud));
    bool known = id.n < PRIV_ID_MAX && ec2_instance_get(txn, id);
    const struct http_header headers[] = {{S("Content-Type"), S("application/octet-stream")}};
    const struct host_driver *driver =
        admin->d->sandbox ? host_sandbox_driver(admin->d->sandbox) : host_sim_driver(admin->d->sim);
    struct str text;
    int64_t when_ms;

    assert(driver->console);
    store_rollback(txn);
    if (!known)
        refuse(admin, req, 404, "There is no such instance. Give instance=i-….");
    else if (param(admin, req, "follow").n && admin->d->sandbox)
        follow(admin, req, id);
    else if (driver->console(driver->ctx, &admin->arena, id, &text, &when_ms) < 0)
        refuse(admin, req, 500, "The console could not be read.");
    else
        http_respond(req, 200, headers, 1, text);
}

/* ---- policies ---- */

static void
put_list(struct json_out *o, const char *name, const struct str_list *list)
{
    json_key(o, str_from(name));
    json_open(o, '[');
    for (size_t i = 0; i < list->n; i++)
        json_str(o, list->v[i]);
    json_close(o, ']');
}

/* Each `context=KEY=VALUE` of the query. */
static struct str_list
context_params(struct admin *admin, struct str query)
{
    struct str_list pairs = {0};
    struct str name, value;

    while (uri_query_next(&query, &name, &value)) {
        struct str text;

        if (!str_is(name, "context") || !uri_decode(&admin->arena, value, URI_PLUS_BLANK, &text))
            continue;
        *LIST_PUSH(&admin->arena, &pairs) = str_split(&text, '=');
        *LIST_PUSH(&admin->arena, &pairs) = text.p ? text : S("");
        assert(pairs.n % 2 == 0);
    }
    return pairs;
}

static void
explain(struct admin *admin, struct http_request *req)
{
    const struct api_question question = {
        .principal = param(admin, req, "principal"),
        .action = param(admin, req, "action"),
        .resource = param(admin, req, "resource"),
        .region = param(admin, req, "region"),
        .context = context_params(admin, req->head.query),
    };
    struct api_answer answer;
    struct str why = STR_NONE;
    int r = api_explain(cloud_api(admin->d->cloud), &admin->arena, &question, &answer, &why);

    if (r) {
        refuse(admin, req, r < 0 ? 500 : 400,
               r < 0 ? "The policies could not be read." : str_cstr(&admin->arena, why));
        return;
    }
    struct json_out o = begin(admin);

    json_key_str(&o, "decision", answer.allowed ? S("allowed") : S("denied"));
    json_key_str(&o, "by", answer.decided_by);
    json_key_str(&o, "policy", answer.policy);
    put_list(&o, "policies", &answer.policies);
    finish(admin, &o, req);
}

/* The body is a provider's JSON Web Key Set. */
static void
put_keys(struct admin *admin, struct http_request *req)
{
    struct store *store = cloud_store(admin->d->cloud);
    struct txn *txn = store_begin(store);
    const char *why = "The keys could not be stored.";
    size_t n = 0;
    int r = iam_jwks_put(txn, &admin->arena, param(admin, req, "provider"), req->body, &n, &why);

    if (r != 0) {
        store_rollback(txn);
        refuse(admin, req, r < 0 ? 500 : 400, why);
        return;
    }
    store_commit(txn);
    if (store_flush(store) < 0) {
        refuse(admin, req, 500, why);
        return;
    }
    struct json_out o = begin(admin);

    json_key_int(&o, "keys", (int64_t)n);
    finish(admin, &o, req);
}

/* ---- scheduled events ---- */

/* What the parameters ask for, or NULL and why not. */
static const char *
event_want(struct admin *admin, struct http_request *req, struct txn *txn,
           struct ec2_event_want *ret)
{
    int64_t now_ms = admin->d->env->now_ms(admin->d->env), in_ms = 0, put_off_ms = 0;
    const struct ec2_instance_row *instance;

    *ret = (struct ec2_event_want){
        .instance_id = param(admin, req, "instance"),
        .code = param(admin, req, "code"),
        .description = param(admin, req, "description"),
    };
    instance = ec2_instance_get(txn, ret->instance_id);
    if (!instance || instance->state == EC2_TERMINATED)
        return "There is no such instance.";
    if (!ec2_event_code_ok(ret->code))
        return "The codes are instance-reboot, system-reboot, system-maintenance, "
               "instance-retirement and instance-stop.";
    if (!str_to_i64(param(admin, req, "in_ms"), &in_ms) || in_ms < 0 || in_ms > EVENT_IN_MAX_MS)
        return "Give in_ms=N, from 0 to a year.";
    if (!str_to_i64(param(admin, req, "deadline_ms"), &put_off_ms) || put_off_ms < 0 ||
        put_off_ms > EVENT_IN_MAX_MS)
        return "Give deadline_ms=N, from 0 to a year.";
    ret->not_before_ms = now_ms + in_ms;
    ret->not_after_ms = ret->not_before_ms + EVENT_LASTS_MS;
    ret->deadline_ms = put_off_ms ? ret->not_before_ms + put_off_ms : 0;
    assert(ret->not_before_ms <= ret->not_after_ms);
    return NULL;
}

static void
make_event(struct admin *admin, struct http_request *req)
{
    struct store *store = cloud_store(admin->d->cloud);
    struct txn *txn = store_begin(store);
    struct ec2_event_want want;
    struct str id;
    const char *why = event_want(admin, req, txn, &want);
    int r = why ? 0 : ec2_event_make(txn, admin->d->env, &admin->arena, &want, &id);
    /* an event window may have moved it */
    int64_t at_ms = why || r < 0 ? 0 : ec2_event_get(txn, id)->not_before_ms;

    assert(why || r < 0 || id.n > 0);
    if (why || r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    if (why) {
        refuse(admin, req, 400, why);
        return;
    }
    if (r < 0 || store_flush(store) < 0) {
        refuse(admin, req, 500, "The event could not be stored.");
        return;
    }
    struct json_out o = begin(admin);

    json_key_str(&o, "event", id);
    json_key_str(&o, "not_before", time_iso(&admin->arena, at_ms));
    finish(admin, &o, req);
}

/* ---- routes ---- */

static const struct route routes[] = {
    {HTTP_GET, "/_localstack/health", localstack_health},
    {HTTP_GET, "/_welkin/health", health},
    {HTTP_GET, "/_welkin/status", status},
    {HTTP_GET, "/_welkin/clock", show_clock},
    {HTTP_POST, "/_welkin/clock", set_clock},
    {HTTP_POST, "/_welkin/reset", reset},
    {HTTP_GET, "/_welkin/identity-certificate", identity_certificates},
    {HTTP_GET, "/_welkin/images", list_images},
    {HTTP_POST, "/_welkin/images", map_image},
    {HTTP_GET, "/_welkin/events", list_events},
    {HTTP_GET, "/_welkin/console", console},
    {HTTP_GET, "/_welkin/iam/explain", explain},
    {HTTP_POST, "/_welkin/event", make_event},
    {HTTP_GET, "/_welkin/region", region},
    {HTTP_POST, "/_welkin/fault", fault},
    {HTTP_POST, "/_welkin/iam/jwks", put_keys},
};

bool
admin_owns(struct str path)
{
    return str_starts(path, S("/_welkin/")) || str_starts(path, S("/_localstack/"));
}

static bool
is_loopback(const union http_addr *peer)
{
    if (peer->any.sa_family == AF_INET)
        return ntohl(peer->v4.sin_addr.s_addr) >> 24 == 127;
    return peer->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&peer->v6.sin6_addr);
}

bool
daemon_own_name(struct str host)
{
    size_t colon = host.n && host.p[0] == '[' ? str_find_char(host, ']') : str_find_char(host, ':');
    struct str name = str_cut(host, 0, colon == SIZE_MAX ? host.n : colon);
    uint32_t ip;

    assert(str_ok(host));
    return str_eq_nocase(name, S("localhost")) || str_is(name, "[::1") ||
           (ip4_parse(name, &ip) && ip >> 24 == 127);
}

void
admin_request(struct admin *admin, struct http_request *req)
{
    bool known_path = false;

    assert(admin_owns(req->head.path));
    arena_reset(&admin->arena);
    if (!is_loopback(&req->peer) || !daemon_own_name(req->head.host) ||
        http_header_get(&req->head, S("Origin")).p) {
        refuse(admin, req, 403, "The admin API is answered to this machine's own programs only.");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!str_is(req->head.path, routes[i].path))
            continue;
        known_path = true;
        if (routes[i].method == req->head.method) {
            routes[i].fn(admin, req);
            return;
        }
    }
    if (known_path)
        refuse(admin, req, 405, "This path has no such method.");
    else
        refuse(admin, req, 404, "There is no such path.");
}

int
admin_new(struct admin **ret, struct daemon *d)
{
    struct admin *admin = calloc(1, sizeof(*admin));

    if (!admin)
        return error_origin(ENOMEM, "the admin API cannot be made");
    admin->d = d;
    arena_init(&admin->arena, REPLY_MAX_BYTES);
    buf_init(&admin->body, REPLY_MAX_BYTES);
    *ret = admin;
    return 0;
}

struct admin *
admin_free(struct admin *admin)
{
    if (!admin)
        return NULL;
    while (admin->followers) {
        struct follower *f = admin->followers;

        admin->followers = f->next;
        assert(f->admin == admin);
        free(f);
    }
    arena_done(&admin->arena);
    buf_done(&admin->body);
    free(admin);
    return NULL;
}
