/*
 * Delivery policies: how often, and after which waits, a POST is tried again.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
 *
 *   numNoDelayRetries at once, numMinDelayRetries each after minDelayTarget, then the back-off from
 *   minDelayTarget to maxDelayTarget, at last numMaxDelayRetries each after maxDelayTarget
 *
 * A topic's policy has its members under http, a subscription's has them alone; the latter counts
 * unless the topic forbids it.
 */
#include "sns/sns.h"

#include <math.h>

enum { DELAY_MAX_S = 3600, RETRIES_MAX = 100 };
#define CONTENT_TYPE "text/plain; charset=UTF-8"

struct retry {
    int64_t min_s, max_s, n, n_max, n_none, n_min;
    struct str function, content_type;
};

static const struct number {
    const char *name;
    size_t offset;
    int64_t min, max;
} numbers[] = {
    {"minDelayTarget", offsetof(struct retry, min_s), 1, DELAY_MAX_S},
    {"maxDelayTarget", offsetof(struct retry, max_s), 1, DELAY_MAX_S},
    {"numRetries", offsetof(struct retry, n), 0, RETRIES_MAX},
    {"numMaxDelayRetries", offsetof(struct retry, n_max), 0, RETRIES_MAX},
    {"numNoDelayRetries", offsetof(struct retry, n_none), 0, RETRIES_MAX},
    {"numMinDelayRetries", offsetof(struct retry, n_min), 0, RETRIES_MAX},
};

static const char *const functions[] = {"linear", "arithmetic", "geometric", "exponential"};

static int64_t *
number_in(struct retry *retry, const struct number *n)
{
    return (int64_t *)((char *)retry + n->offset);
}

static struct retry
usual(void)
{
    return (struct retry){
        .min_s = 20, .max_s = 20, .n = 3, .function = S("linear"), .content_type = S(CONTENT_TYPE)};
}

/* ---- reading ---- */

/* Takes what is said over what is; the name of what is wrong, or NULL. */
static const char *
read_retry(const struct json *j, struct retry *retry)
{
    for (size_t i = 0; j && i < ARRAY_LEN(numbers); i++) {
        const struct json *v = json_get(j, numbers[i].name);
        int64_t *to = number_in(retry, &numbers[i]);

        if (v && v->kind != JSON_NULL &&
            (!json_i64(v, to) || *to < numbers[i].min || *to > numbers[i].max))
            return numbers[i].name;
    }
    struct str function = json_text(j, "backoffFunction");
    size_t i = 0;

    while (i < ARRAY_LEN(functions) && function.p && !str_is(function, functions[i]))
        i++;
    if (i == ARRAY_LEN(functions))
        return "backoffFunction";
    if (function.p)
        retry->function = function;
    if (retry->max_s < retry->min_s)
        return "maxDelayTarget must be greater than or equal to minDelayTarget";
    if (retry->n < retry->n_none + retry->n_min + retry->n_max)
        return "numRetries must be greater than or equal to the sum of numMinDelayRetries, "
               "numNoDelayRetries and numMaxDelayRetries";
    return NULL;
}

static void
read_request(const struct json *j, struct retry *retry)
{
    struct str type = json_text(j, "headerContentType");

    if (type.n)
        retry->content_type = type;
}

int
sns_retry_check(struct api_call *call, struct str text, bool of_topic)
{
    static const char *const known[2][5] = {
        {"healthyRetryPolicy", "requestPolicy", "sicklyRetryPolicy", "guaranteed", NULL},
        {"defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultRequestPolicy",
         "defaultSicklyRetryPolicy", NULL}};
    struct retry retry = usual();
    struct json policy;

    if (!sns_json(call->arena, text, &policy))
        return SNS_INVALID(call, "DeliveryPolicy: failed to parse JSON");
    const struct json *j = of_topic ? json_get(&policy, "http") : &policy;

    if (!j || j->kind != JSON_OBJECT)
        return SNS_INVALID(call, "DeliveryPolicy: http must be an object");
    for (size_t i = 0; i < j->n; i++) {
        size_t k = 0;

        while (known[of_topic][k] && !str_is(j->names[i], known[of_topic][k]))
            k++;
        /* `guaranteed: false` and an absent sickly policy are what AWS shows */
        if (j->v[i].kind != JSON_NULL && (!known[of_topic][k] || k >= 3 || (!of_topic && k == 2)) &&
            !(j->v[i].kind == JSON_BOOL && !j->v[i].truth))
            return sns_unsupported(call, "member of DeliveryPolicy", j->names[i]);
    }
    const char *wrong = read_retry(
        json_get(j, of_topic ? "defaultHealthyRetryPolicy" : "healthyRetryPolicy"), &retry);

    return wrong ? SNS_INVALID(call, "DeliveryPolicy: %s", wrong) : 0;
}

/* ---- the one that counts ---- */

static struct retry
effective(struct arena *a, const struct sns_topic_row *topic,
          const struct sns_subscription_row *subscription, bool *ret_fixed)
{
    struct retry retry = usual();
    const struct json *http = NULL;
    struct json policy;

    if (topic->delivery_policy.n && sns_json(a, topic->delivery_policy, &policy))
        http = json_get(&policy, "http");
    const struct json *fixed = json_get(http, "disableSubscriptionOverrides");

    *ret_fixed = fixed && fixed->kind == JSON_BOOL && fixed->truth;
    read_retry(json_get(http, "defaultHealthyRetryPolicy"), &retry);
    read_request(json_get(http, "defaultRequestPolicy"), &retry);
    if (subscription && subscription->delivery_policy.n && !*ret_fixed &&
        sns_json(a, subscription->delivery_policy, &policy)) {
        read_retry(json_get(&policy, "healthyRetryPolicy"), &retry);
        read_request(json_get(&policy, "requestPolicy"), &retry);
    }
    return retry;
}

static void
put_retry(struct json_out *o, const char *name, struct retry *retry)
{
    json_key(o, str_from(name));
    json_open(o, '{');
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_key_int(o, numbers[i].name, *number_in(retry, &numbers[i]));
    json_key_str(o, "backoffFunction", retry->function);
    json_close(o, '}');
}

struct str
sns_retry_effective(struct arena *a, const struct sns_topic_row *topic,
                    const struct sns_subscription_row *subscription)
{
    bool fixed;
    struct retry retry = effective(a, topic, subscription, &fixed);
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, 4096);
    json_open(&o, '{');
    if (!subscription) {
        json_key(&o, S("http"));
        json_open(&o, '{');
    }
    put_retry(&o, subscription ? "healthyRetryPolicy" : "defaultHealthyRetryPolicy", &retry);
    if (subscription) {
        json_key(&o, S("sicklyRetryPolicy"));
        json_null(&o);
        json_key(&o, S("throttlePolicy"));
        json_null(&o);
    } else {
        json_key(&o, S("disableSubscriptionOverrides"));
        json_bool(&o, fixed);
    }
    json_key(&o, str_from(subscription ? "requestPolicy" : "defaultRequestPolicy"));
    json_open(&o, '{');
    json_key_str(&o, "headerContentType", retry.content_type);
    json_close(&o, '}');
    if (subscription) {
        json_key(&o, S("guaranteed"));
        json_bool(&o, false);
    } else {
        json_close(&o, '}');
    }
    json_close(&o, '}');
    assert(!buf_failed(&buf));
    struct str text = str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* What sns_retry_effective() wrote of a subscription. */
static struct retry
read_effective(struct arena *a, struct str text)
{
    struct retry retry = usual();
    struct json policy;

    if (text.n && sns_json(a, text, &policy)) {
        read_retry(json_get(&policy, "healthyRetryPolicy"), &retry);
        read_request(json_get(&policy, "requestPolicy"), &retry);
    }
    return retry;
}

struct str
sns_retry_content_type(struct arena *a, struct str text)
{
    return read_effective(a, text).content_type;
}

/* Where step i of n lies between 0 and 1. */
static double
share(struct str function, double i, double n, double ratio)
{
    double at = n > 1 ? i / (n - 1) : 1;

    assert(at >= 0 && at <= 1 && ratio >= 1);
    if (str_is(function, "arithmetic"))
        return at * (1 + at) / 2;
    if (str_is(function, "geometric"))
        return at * at;
    if (str_is(function, "exponential") && ratio > 1)
        return (pow(ratio, at) - 1) / (ratio - 1);
    return at;
}

int64_t
sns_retry_delay(struct arena *a, struct str text, int64_t attempts)
{
    struct retry r = read_effective(a, text);
    int64_t i = attempts - 1, steps = r.n - r.n_none - r.n_min - r.n_max;

    assert(attempts > 0);
    if (i >= r.n)
        return -1;
    if (i < r.n_none)
        return 0;
    i -= r.n_none;
    if (i < r.n_min)
        return r.min_s * 1000;
    i -= r.n_min;
    if (i >= steps)
        return r.max_s * 1000;
    double part = share(r.function, (double)i, (double)steps, (double)r.max_s / (double)r.min_s);

    return (int64_t)((double)r.min_s * 1000 + part * (double)(r.max_s - r.min_s) * 1000);
}
