/*
 * Lifecycle rules: what expires by itself, at the first midnight (UTC) after its days have passed.
 *
 * A look takes what is due and begins anew at the next midnight; what is due at once is too much
 * for one transaction goes on in the next second.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
#include "s3/holds.h"

#include "base/error.h"
#include "base/log.h"
#include "loop/loop.h"

#include <stdlib.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum { RULES_MAX = 1000, STEPS_MAX = 1000, ARENA_BYTES_MAX = 8 << 20 };

/* ---- the rules of a request ---- */

static int
malformed(struct api_call *call)
{
    return api_fault(call, &S3_ERR(MalformedXML),
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema");
}

static void
put_tags(struct api_call *call, const struct s3_Tag *v, size_t n, struct s3_rule_row *row)
{
    assert(row->tags.n == 0);
    for (size_t i = 0; i < n; i++) {
        *LIST_PUSH(call->arena, &row->tags) = v[i].key;
        *LIST_PUSH(call->arena, &row->tags) = v[i].value;
    }
}

static int
read_filter(struct api_call *call, const struct s3_LifecycleRule *rule, struct s3_rule_row *row)
{
    const struct s3_LifecycleRuleFilter *f = rule->filter;

    assert(!row->tags.n && !row->prefix.p);
    if (!f == !rule->prefix.p)
        return malformed(call);
    row->larger = row->smaller = -1;
    if (!f) {
        row->form = S("rule");
        row->prefix = rule->prefix;
        return 0;
    }
    const struct s3_LifecycleRuleAndOperator *and = f->and;

    row->form = and? S("and") : f->tag ? S("tag") : f->prefix.p ? S("prefix") : S("");
    row->prefix = and? and->prefix : f->prefix;
    struct opt_i64 larger = and? and->object_size_greater_than : f->object_size_greater_than;
    struct opt_i64 smaller = and? and->object_size_less_than : f->object_size_less_than;

    if ((larger.set && larger.v < 0) || (smaller.set && smaller.v < 0))
        return malformed(call);
    row->larger = opt_i64_or(larger, -1);
    row->smaller = opt_i64_or(smaller, -1);
    if (and)
        put_tags(call, and->tags.v, and->tags.n, row);
    else if (f->tag)
        put_tags(call, f->tag, 1, row);
    assert(row->larger >= -1 && row->smaller >= -1);
    return 0;
}

static int
wrong_days(struct api_call *call, const char *action)
{
    return api_fault(call, &S3_ERR(InvalidArgument),
                     "'Days' for %s action must be a positive integer", action);
}

static int
read_actions(struct api_call *call, const struct s3_LifecycleRule *rule, struct s3_rule_row *row)
{
    const struct s3_LifecycleExpiration *e = rule->expiration;
    const struct s3_NoncurrentVersionExpiration *n = rule->noncurrent_version_expiration;
    const struct s3_AbortIncompleteMultipartUpload *a = rule->abort_incomplete_multipart_upload;

    if (rule->transitions.n || rule->noncurrent_version_transitions.n)
        return S3_NOT_YET(call, "transitions of a lifecycle");
    if (!e && !n && !a)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "At least one action needs to be specified in a rule.");
    if (e && (e->days.set + e->date.set + e->expired_object_delete_marker.set) != 1)
        return malformed(call);
    if (e && e->days.set && e->days.v < 1)
        return wrong_days(call, "Expiration");
    if (e && e->date.set && e->date.v % DAY_MS)
        return api_fault(call, &S3_ERR(InvalidArgument), "'Date' must be at midnight GMT");
    if (n && opt_i64_or(n->noncurrent_days, 0) < 1)
        return wrong_days(call, "NoncurrentVersionExpiration");
    if (a && opt_i64_or(a->days_after_initiation, 0) < 1)
        return wrong_days(call, "AbortIncompleteMultipartUpload");
    if (a && (row->tags.n || row->larger >= 0 || row->smaller >= 0))
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "AbortIncompleteMultipartUpload cannot be specified with Tags.");
    row->days = e ? opt_i64_or(e->days, 0) : 0;
    row->date_ms = e ? opt_i64_or(e->date, 0) : 0;
    row->markers = e && opt_bool_or(e->expired_object_delete_marker, false);
    row->old_days = n ? n->noncurrent_days.v : 0;
    row->old_kept = n ? opt_i64_or(n->newer_noncurrent_versions, 0) : 0;
    row->abort_days = a ? a->days_after_initiation.v : 0;
    assert(row->days || row->date_ms || row->old_days || row->abort_days || e);
    return 0;
}

static int
put_rule(struct api_call *call, const struct s3_bucket_row *bucket, size_t number,
         const struct s3_LifecycleRule *rule)
{
    struct s3_rule_row row = {
        .id = str_fmt(call->arena, "%.*s/%04zu", STR_ARG(bucket->name), number),
        .bucket = bucket->name,
        .number = (int64_t)number,
        .rule = rule->id.n ? rule->id : s3_random(call, 48),
        .enabled = str_is(rule->status, "Enabled"),
    };
    int r = read_filter(call, rule, &row);

    assert(number < RULES_MAX);
    if (r == 0)
        r = read_actions(call, rule, &row);
    STORE_EACH(call->txn, s3_rule_of_bucket, other, bucket->name) {
        if (r == 0 && str_eq(other->rule, row.rule))
            r = api_fault(call, &S3_ERR(InvalidArgument),
                          "RuleId must be unique. Found same ID "
                          "for more than one rule.");
    }
    if (r == 0)
        s3_rule_assert(&row);
    return r ? r : s3_rule_insert(call->txn, &row);
}

int
s3_rules_drop(struct txn *txn, struct str bucket)
{
    int r = 0;

    STORE_EACH(txn, s3_rule_of_bucket, row, bucket) {
        if (r >= 0)
            r = s3_rule_delete(txn, row->id);
    }
    return r;
}

int
s3_put_bucket_lifecycle_configuration(struct api_call *call,
                                      const struct s3_PutBucketLifecycleConfigurationRequest *req,
                                      struct s3_PutBucketLifecycleConfigurationOutput *res)
{
    const struct s3_BucketLifecycleConfiguration *c = req->lifecycle_configuration;
    const struct s3_bucket_row *bucket;
    size_t number = 0;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutLifecycleConfiguration", &bucket);

    if (r == 0)
        r = s3_check_document(call);
    if (r)
        return r;
    if (!c || !c->rules.n || c->rules.n > RULES_MAX)
        return malformed(call);
    /* it speaks of transitions alone, of which there are none */
    if (req->transition_default_minimum_object_size.n)
        res->transition_default_minimum_object_size = req->transition_default_minimum_object_size;
    r = s3_rules_drop(call->txn, bucket->name);
    LIST_EACH(&c->rules, rule) {
        if (r == 0)
            r = put_rule(call, bucket, number++, rule);
    }
    return r;
}

static void
tell_filter(struct api_call *call, const struct s3_rule_row *row, struct s3_LifecycleRule *ret)
{
    struct s3_LifecycleRuleFilter *f = ARENA_NEW(call->arena, struct s3_LifecycleRuleFilter);
    struct opt_i64 larger = {row->larger, row->larger >= 0};
    struct opt_i64 smaller = {row->smaller, row->smaller >= 0};

    s3_rule_assert(row);
    if (str_is(row->form, "rule")) {
        ret->prefix = row->prefix;
        return;
    }
    ret->filter = f;
    if (!str_is(row->form, "and")) {
        f->prefix = str_is(row->form, "prefix") ? row->prefix : STR_NONE;
        f->object_size_greater_than = larger;
        f->object_size_less_than = smaller;
        if (row->tags.n) {
            assert(row->tags.n == 2);
            f->tag = ARENA_NEW(call->arena, struct s3_Tag);
            *f->tag = (struct s3_Tag){row->tags.v[0], row->tags.v[1]};
        }
        return;
    }
    f->and = ARENA_NEW(call->arena, struct s3_LifecycleRuleAndOperator);
    f->and->prefix = row->prefix;
    f->and->object_size_greater_than = larger;
    f->and->object_size_less_than = smaller;
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &f->and->tags) =
            (struct s3_Tag){row->tags.v[i], row->tags.v[i + 1]};
}

static void
tell_rule(struct api_call *call, const struct s3_rule_row *row, struct s3_LifecycleRule *ret)
{
    struct arena *a = call->arena;

    ret->id = row->rule;
    ret->status = row->enabled ? S("Enabled") : S("Disabled");
    tell_filter(call, row, ret);
    assert(!!ret->filter == !str_is(row->form, "rule"));
    if (row->days || row->date_ms || row->markers) {
        ret->expiration = ARENA_NEW(a, struct s3_LifecycleExpiration);
        ret->expiration->days = (struct opt_i64){row->days, row->days > 0};
        ret->expiration->date = (struct opt_i64){row->date_ms, row->date_ms > 0};
        ret->expiration->expired_object_delete_marker = (struct opt_bool){true, row->markers};
    }
    if (row->old_days) {
        ret->noncurrent_version_expiration = ARENA_NEW(a, struct s3_NoncurrentVersionExpiration);
        ret->noncurrent_version_expiration->noncurrent_days = opt_i64(row->old_days);
        ret->noncurrent_version_expiration->newer_noncurrent_versions =
            (struct opt_i64){row->old_kept, row->old_kept > 0};
    }
    if (row->abort_days) {
        ret->abort_incomplete_multipart_upload =
            ARENA_NEW(a, struct s3_AbortIncompleteMultipartUpload);
        ret->abort_incomplete_multipart_upload->days_after_initiation = opt_i64(row->abort_days);
    }
}

int
s3_get_bucket_lifecycle_configuration(struct api_call *call,
                                      const struct s3_GetBucketLifecycleConfigurationRequest *req,
                                      struct s3_GetBucketLifecycleConfigurationOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetLifecycleConfiguration", &bucket);

    if (r)
        return r;
    STORE_EACH(call->txn, s3_rule_of_bucket, row, bucket->name)
        tell_rule(call, row, LIST_PUSH(call->arena, &res->rules));
    if (!res->rules.n)
        return api_fault(call, &S3_ERR(NoSuchLifecycleConfiguration),
                         "The lifecycle configuration does not exist");
    res->transition_default_minimum_object_size = S("all_storage_classes_128K");
    return 0;
}

int
s3_delete_bucket_lifecycle(struct api_call *call, const struct s3_DeleteBucketLifecycleRequest *req,
                           struct s3_DeleteBucketLifecycleResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutLifecycleConfiguration", &bucket);

    (void)res;
    return r ? r : s3_rules_drop(call->txn, bucket->name);
}

/* ---- carrying them out ---- */

struct s3_lifecycle {
    struct loop *loop;
    struct store *store;
    struct loop_timer timer;
};

struct look {
    struct api_call call; /* nobody's: what the rules do */
    unsigned steps;       /* that were taken */
};

/* The midnight at or behind `days` after a time. */
static bool
is_due(const struct look *look, int64_t since_ms, int64_t days)
{
    int64_t at_ms = since_ms + days * DAY_MS;

    assert(since_ms >= 0 && days >= 0);
    return days > 0 && (at_ms + DAY_MS - 1) / DAY_MS * DAY_MS <= look->call.now_ms;
}

static bool
fits(const struct s3_rule_row *rule, const struct s3_object_row *row)
{
    assert(str_eq(rule->bucket, row->bucket) && rule->enabled);
    if (!str_starts(row->object_key, rule->prefix))
        return false;
    if (row->marker)
        return !rule->tags.n && rule->larger < 0 && rule->smaller < 0;
    if ((rule->larger >= 0 && row->size <= rule->larger) ||
        (rule->smaller >= 0 && row->size >= rule->smaller))
        return false;
    for (size_t i = 0; i + 1 < rule->tags.n; i += 2) {
        struct str value = s3_pair(&row->tags, rule->tags.v[i]);

        if (!value.p || !str_eq(value, rule->tags.v[i + 1]))
            return false;
    }
    return true;
}

static bool
is_alone(struct txn *txn, const struct s3_object_row *row)
{
    size_t n = 0;

    STORE_EACH(txn, s3_object_versions, version, row->bucket, row->object_key) {
        if (++n > 1)
            return false;
    }
    assert(n == 1);
    return true;
}

static int
expire_latest(struct look *look, const struct s3_bucket_row *bucket, const struct s3_rule_row *rule,
              const struct s3_object_row *row)
{
    struct s3_object_row marker = {.object_key = row->object_key, .marker = true};
    bool due = is_due(look, row->modified_ms, rule->days) ||
               (rule->date_ms && rule->date_ms <= look->call.now_ms);

    assert(row->latest && str_eq(bucket->name, row->bucket));
    if (row->marker) {
        if (!is_alone(look->call.txn, row) || !(rule->markers || due))
            return 0;
    } else if (!due) {
        return 0;
    }
    look->steps++;
    if (!row->marker && s3_is_versioned(bucket))
        return s3_version_add(&look->call, bucket, &marker);
    return s3_version_remove(look->call.txn, row);
}

/* How many old versions of the key are newer than this one. */
static int64_t
newer_old(struct txn *txn, const struct s3_object_row *row)
{
    int64_t n = 0;

    assert(!row->latest);
    STORE_EACH(txn, s3_object_versions, version, row->bucket, row->object_key) {
        if (version->rank >= row->rank)
            break;
        n += !version->latest;
    }
    assert(n >= 0);
    return n;
}

static int
expire_old(struct look *look, const struct s3_rule_row *rule, const struct s3_object_row *row)
{
    assert(!row->latest && str_eq(rule->bucket, row->bucket));
    if (!is_due(look, row->stale_ms, rule->old_days) ||
        (rule->old_kept && newer_old(look->call.txn, row) < rule->old_kept))
        return 0;
    look->steps++;
    return s3_version_remove(look->call.txn, row);
}

static int
abort_uploads(struct look *look, const struct s3_rule_row *rule)
{
    int r = 0;

    assert(rule->abort_days > 0);
    STORE_EACH(look->call.txn, s3_upload_of_bucket, upload, rule->bucket) {
        if (r < 0 || !str_starts(upload->object_key, rule->prefix) ||
            !is_due(look, upload->created_ms, rule->abort_days))
            continue;
        look->steps++;
        r = s3_upload_drop(look->call.txn, upload);
    }
    return r;
}

static int
carry_out(struct look *look, const struct s3_rule_row *rule)
{
    const struct s3_bucket_row *bucket = s3_bucket_get(look->call.txn, rule->bucket);
    int r = 0;

    s3_rule_assert(rule);
    assert(bucket); /* rules go with it */
    STORE_EACH(look->call.txn, s3_object_versions, row, rule->bucket) {
        if (r < 0 || look->steps >= STEPS_MAX)
            break;
        if (fits(rule, row))
            r = row->latest ? expire_latest(look, bucket, rule, row) : expire_old(look, rule, row);
    }
    return r < 0 || !rule->abort_days ? r : abort_uploads(look, rule);
}

static void
take_look(struct loop_timer *timer)
{
    struct s3_lifecycle *l = CONTAINER_OF(timer, struct s3_lifecycle, timer);
    int64_t now_ms = loop_now_ms(l->loop, LOOP_CLOUD), next_ms = now_ms / DAY_MS * DAY_MS + DAY_MS;
    struct arena arena;
    int r = 0;

    assert(next_ms > now_ms);
    arena_init(&arena, ARENA_BYTES_MAX);
    struct look look = {.call = {.env = loop_env(l->loop),
                                 .arena = &arena,
                                 .store = l->store,
                                 .txn = store_begin(l->store),
                                 .now_ms = now_ms}};

    STORE_EACH(look.call.txn, s3_rule_by_key, rule) {
        if (r >= 0 && rule->enabled && look.steps < STEPS_MAX)
            r = carry_out(&look, rule);
    }
    if (r < 0) {
        store_rollback(look.call.txn);
        log_error("lifecycle rules of buckets stay undone");
    } else {
        store_commit(look.call.txn);
        if (look.steps)
            log_info("lifecycle rules of buckets removed or hid %u objects", look.steps);
        if (look.steps >= STEPS_MAX)
            next_ms = now_ms + 1000;
    }
    arena_done(&arena);
    assert(next_ms > now_ms && next_ms <= now_ms + DAY_MS);
    loop_timer_set(l->loop, timer, LOOP_CLOUD, next_ms);
}

int
s3_lifecycle_new(struct s3_lifecycle **ret, struct loop *loop, struct store *store)
{
    struct s3_lifecycle *l = calloc(1, sizeof(*l));

    assert(loop && store);
    if (!l)
        return error_origin(ENOMEM, "the clock of lifecycles cannot be made");
    l->loop = loop;
    l->store = store;
    l->timer.fn = take_look;
    loop_timer_set(loop, &l->timer, LOOP_CLOUD, loop_now_ms(loop, LOOP_CLOUD));
    *ret = l;
    return 0;
}

struct s3_lifecycle *
s3_lifecycle_free(struct s3_lifecycle *l)
{
    if (!l)
        return NULL;
    loop_timer_stop(l->loop, &l->timer);
    free(l);
    return NULL;
}
