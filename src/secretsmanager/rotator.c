/*
 * Runs rotations: the four steps of a secret's function, one after the other, each when the one
 * before succeeded.  A look at a secret is one transaction; the outcome of a step is a row of
 * Lambda's, which outlives the daemon, so that no step is forgotten and none is taken for done.
 *
 *   due ──▶ createSecret ──▶ setSecret ──▶ testSecret ──▶ finishSecret ──▶ done
 *            └───────────────┴─────────────┴──────────────┴──▶ failed: all again, later
 *
 * One that failed leaves its version AWSPENDING, and is tried again after 1, 2, 4 … 1024 minutes.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
#include "secretsmanager/secretsmanager.h"

#include "api/actor.h"
#include "api/event.h"
#include "api/looks.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "gen/api/lambda.h"
#include "gen/store/lambda_rows.h"

#include <stdlib.h>

#define LOOK_BYTES_MAX ((size_t)8 << 20)
#define RETRY_MS 60000

enum { ATTEMPTS_DOUBLED = 10 };

struct secret_rotator {
    struct api_looks looks;
};

struct look {
    struct api_call call; /* as the service, for the secret */
    struct secret_rotation_row row;
    const struct secret_row *secret;
    int64_t next_ms;
};

static const char *const steps[SECRET_STEPS] = {"createSecret", "setSecret", "testSecret",
                                                "finishSecret"};

/* ---- what is told of it ---- */

/* As AWS has it: an event of the service that comes through CloudTrail. */
static int
tell(struct look *l, const char *name)
{
    struct api_call *call = &l->call;
    struct buf buf;
    struct json_out o = {&buf};
    static const struct {
        const char *key;
        struct str value;
    } fixed[] = {
        {"eventVersion", S_INIT("1.08")},
        {"eventSource", S_INIT(SECRET_SERVICE)},
        {"sourceIPAddress", S_INIT(SECRET_SERVICE)},
        {"userAgent", S_INIT(SECRET_SERVICE)},
        {"eventType", S_INIT("AwsServiceEvent")},
    };

    buf_init(&buf, (size_t)16 << 10);
    json_open(&o, '{');
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        json_key_str(&o, fixed[i].key, fixed[i].value);
    json_key_str(&o, "eventName", str_from(name));
    json_key_str(&o, "eventTime", time_iso_s(call->arena, call->now_ms));
    json_key_str(&o, "awsRegion", l->row.region);
    json_key_str(&o, "eventID", api_uuid(call->env, call->arena));
    json_key_str(&o, "recipientAccountId", l->row.account);
    json_key(&o, S("additionalEventData"));
    json_open(&o, '{');
    json_key_str(&o, "SecretId", l->row.arn);
    json_close(&o, '}');
    json_close(&o, '}');
    assert(!buf_failed(&buf));
    int r = api_event_put(call, "aws.secretsmanager", "AWS Service Event via CloudTrail",
                          (struct str_list){0}, str_dup(call->arena, buf_str(&buf)));

    buf_done(&buf);
    return r;
}

/* ---- a step ---- */

static struct str
event_of(struct look *l)
{
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, (size_t)16 << 10);
    json_open(&o, '{');
    json_key_str(&o, "Step", str_from(steps[l->row.step]));
    json_key_str(&o, "SecretId", l->row.arn);
    json_key_str(&o, "ClientRequestToken", l->row.token);
    json_close(&o, '}');
    assert(!buf_failed(&buf));
    struct str text = str_dup(l->call.arena, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* All begins anew, later; its version waits. */
static int
failed(struct look *l, struct str why)
{
    struct secret_rotation_row *row = &l->row;

    log_warn("the rotation of %.*s failed at %s: %.*s", STR_ARG(row->arn), steps[row->step],
             STR_ARG(str_cut(why, 0, 500)));
    row->request = S("");
    int r = tell(l, row->test ? "TestRotationFailed" : "RotationFailed");

    if (r >= 0 && row->test)
        return secret_rotation_end(&l->call, row, true);
    row->step = 0;
    row->due_ms = l->call.now_ms + (RETRY_MS << MIN(row->attempts, ATTEMPTS_DOUBLED));
    row->attempts++;
    assert(row->token.n > 0);
    return r;
}

static int
invoke(struct look *l)
{
    const struct lambda_InvocationRequest req = {.function_name = l->row.function,
                                                 .invocation_type = S("RequestResponse"),
                                                 .payload = event_of(l)};
    struct lambda_InvocationResponse res = {0};
    int r = 0;

    assert(!l->row.request.n && l->row.step < SECRET_STEPS);
    l->call.request_id = api_uuid(l->call.env, l->call.arena);
    if (l->row.step == 0 && !l->row.test)
        r = tell(l, "RotationStarted");
    if (r >= 0)
        r = api_call_internal(&l->call, "lambda", "Invoke", &req, &res, SECRET_SERVICE);
    if (r > 0)
        return failed(l, l->call.fault.message);
    l->row.request = l->call.request_id;
    return r;
}

static int
succeeded(struct look *l)
{
    struct secret_rotation_row *row = &l->row;
    bool test = row->test;
    int64_t was_ms = row->next_ms;
    const struct secret_version_row *current =
        secret_staged(l->call.txn, row->arn, S("AWSCURRENT"));

    if (!test && !(current && str_eq(current->version_id, row->token)))
        return failed(l, S("the function did not make the new version AWSCURRENT"));
    int r = secret_rotation_end(&l->call, row, test);

    if (!test) {
        row->last_ms = l->call.now_ms;
        row->next_ms = secret_rotation_next(row, l->call.now_ms);
        if (row->schedule.n && row->next_ms)
            row->days = MAX((row->next_ms - row->last_ms + SECRET_DAY_MS - 1) / SECRET_DAY_MS, 1);
    }
    assert(test ? row->next_ms == was_ms : row->last_ms > 0);
    if (r >= 0)
        r = tell(l, test ? "TestRotationSucceeded" : "RotationSucceeded");
    return r;
}

/* The outcome of the step that ran, when it is there. */
static int
go_on(struct look *l)
{
    const struct lambda_event_row *event = lambda_event_get(l->call.txn, l->row.request);

    assert(l->row.token.n > 0 && l->row.request.n > 0);
    if (event && !event->done)
        return 0;
    bool well = event && !event->failed;
    assert(l->row.step >= 0 && l->row.step < SECRET_STEPS);
    struct str why = event ? event->payload : S("its function is gone");
    int r = event ? lambda_event_delete(l->call.txn, event->id) : 0;

    l->row.request = S("");
    if (r < 0)
        return r;
    if (!well)
        return failed(l, why);
    if (l->row.test || l->row.step == SECRET_STEPS - 1)
        return succeeded(l);
    l->row.step++;
    return invoke(l);
}

/* ---- a look ---- */

static int
advance(struct look *l)
{
    struct secret_rotation_row *row = &l->row;
    int64_t now_ms = l->call.now_ms;

    assert(row->step >= 0 && row->step < SECRET_STEPS);
    if (l->secret->deletion_ms || !row->enabled)
        return 0;
    if (row->request.n)
        return go_on(l);
    if (row->token.n && row->due_ms && row->due_ms <= now_ms) {
        row->due_ms = 0;
        if (row->next_ms <= now_ms)
            row->next_ms = secret_rotation_next(row, now_ms);
        return invoke(l);
    }
    if (row->token.n) {
        l->next_ms = row->due_ms;
        return 0;
    }
    l->next_ms = row->next_ms;
    if (!row->next_ms || row->next_ms > now_ms)
        return 0;
    row->next_ms = secret_rotation_next(row, now_ms);
    int r = secret_rotation_begin(&l->call, l->secret, api_uuid(l->call.env, l->call.arena), false,
                                  row);

    return r ? r : invoke(l);
}

static bool
look_at(struct api_looks *looks, struct str id)
{
    struct txn *txn = store_begin(looks->store);
    const struct secret_rotation_row *row = secret_rotation_get(txn, id);
    const struct secret_row *secret = secret_get(txn, id);

    if (!row || !secret) {
        store_rollback(txn);
        return false;
    }
    struct look l = {.row = *row,
                     .secret = secret,
                     .call = api_service_call(looks->api, &looks->arena, SECRET_SERVICE,
                                              row->account, row->region, row->arn)};

    l.call.txn = txn;
    l.call.service = &secretsmanager_service;
    int r = advance(&l);

    if (r >= 0)
        r = secret_rotation_update(txn, &l.row);
    if (r != 0) {
        log_error("the rotation of %.*s cannot go on: %s", STR_ARG(id), strerror(abs(r)));
        store_rollback(txn);
        return false;
    }
    return api_looks_commit(looks, txn, l.next_ms);
}

static void
list(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    STORE_EACH(txn, secret_rotation_by_key, row)
        *LIST_PUSH(arena, ids) = str_dup(arena, row->arn);
}

/* The outcome of a step; other invocations are most of all. */
static void
on_event(void *ctx, const void *old_row, const void *new_row)
{
    const struct lambda_event_row *row = new_row ? new_row : old_row;

    if (str_is(row->asker, SECRET_SERVICE))
        api_looks_on_change(ctx, old_row, new_row);
}

int
secret_rotator_new(struct secret_rotator **ret, struct loop *loop, struct store *store,
                   struct api *api)
{
    static const struct api_looks_kind kind = {
        .bytes_max = LOOK_BYTES_MAX, .list = list, .look = look_at};
    struct secret_rotator *rotator = calloc(1, sizeof(*rotator));

    if (!rotator)
        return error_origin(ENOMEM, "the rotation of secrets cannot be made");
    api_looks_init(&rotator->looks, &kind, loop, store, api);
    store_watch(store, &secret_rotation_table, api_looks_on_change, &rotator->looks);
    store_watch(store, &lambda_event_table, on_event, &rotator->looks);
    *ret = rotator;
    return 0;
}

struct secret_rotator *
secret_rotator_free(struct secret_rotator *rotator)
{
    if (rotator)
        api_looks_done(&rotator->looks);
    free(rotator);
    return NULL;
}
