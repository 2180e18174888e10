/*
 * What pages of other origins may do with a bucket: rules, the answer to a browser that asks
 * before it sends, and the headers without which it does not show a page what came.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
 */
#include "s3/s3.h"

#include "api/wire.h"

enum { RULES_MAX = 100, RULE_FIELDS = 6 };
enum { ID, METHODS, ORIGINS, HEADERS, EXPOSED, MAX_AGE }; /* fields of a rule in the row */

#define NOT_ALLOWED                                                                                \
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "    \
    "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers "    \
    "are not whitelisted by the resource's CORS spec."

/* ---- setting ---- */

static size_t
stars(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '*';
    return n;
}

static int
check_stars(struct api_call *call, const char *what, const struct str_list *list)
{
    LIST_EACH(list, one) {
        if (stars(*one) > 1)
            return api_fault(call, &S3_ERR(InvalidRequest),
                             "%s \"%.*s\" can not have more than one wildcard.", what,
                             STR_ARG(*one));
    }
    return 0;
}

static int
check_rule(struct api_call *call, const struct s3_CORSRule *rule)
{
    static const char *const methods[] = {"GET", "PUT", "HEAD", "POST", "DELETE"};
    int r;

    if (!rule->allowed_methods.n || !rule->allowed_origins.n)
        return s3_malformed(call);
    LIST_EACH(&rule->allowed_methods, method) {
        size_t i = 0;

        while (i < ARRAY_LEN(methods) && !str_is(*method, methods[i]))
            i++;
        if (i == ARRAY_LEN(methods))
            return api_fault(call, &S3_ERR(InvalidRequest),
                             "Found unsupported HTTP method in CORS config. Unsupported method is "
                             "%.*s",
                             STR_ARG(*method));
    }
    r = check_stars(call, "AllowedOrigin", &rule->allowed_origins);
    if (r == 0)
        r = check_stars(call, "AllowedHeader", &rule->allowed_headers);
    LIST_EACH(&rule->expose_headers, one) {
        if (r == 0 && stars(*one))
            r = api_fault(call, &S3_ERR(InvalidRequest),
                          "ExposeHeader \"%.*s\" contains wildcard. We currently do not support "
                          "wildcard for ExposeHeader.",
                          STR_ARG(*one));
    }
    return r;
}

/* Lists lie in the row as lines; a line break in one is none of a name or an origin. */
static int
keep(struct api_call *call, const struct str_list *list, struct str_list *ret)
{
    LIST_EACH(list, one) {
        for (size_t i = 0; i < one->n; i++)
            if ((unsigned char)one->p[i] < 0x20)
                return s3_malformed(call);
    }
    *LIST_PUSH(call->arena, ret) = str_join(call->arena, list, S("\n"));
    return 0;
}

static int
keep_rule(struct api_call *call, const struct s3_CORSRule *rule, struct str_list *ret)
{
    int r = check_rule(call, rule);

    assert(ret->n % RULE_FIELDS == 0);
    *LIST_PUSH(call->arena, ret) = rule->id.p ? rule->id : S("");
    if (r == 0)
        r = keep(call, &rule->allowed_methods, ret);
    if (r == 0)
        r = keep(call, &rule->allowed_origins, ret);
    if (r == 0)
        r = keep(call, &rule->allowed_headers, ret);
    if (r == 0)
        r = keep(call, &rule->expose_headers, ret);
    *LIST_PUSH(call->arena, ret) =
        rule->max_age_seconds.set ? str_fmt(call->arena, "%lld", (long long)rule->max_age_seconds.v)
                                  : S("");
    return r;
}

int
s3_put_bucket_cors(struct api_call *call, const struct s3_PutBucketCorsRequest *req,
                   struct s3_PutBucketCorsResult *res)
{
    const struct s3_bucket_row *bucket;
    struct str_list rules = {0};
    int r = s3_open_to_set(call, req->bucket, "s3:PutBucketCORS", &bucket);

    (void)res;
    if (r == 0 && (!req->cors_configuration->cors_rules.n ||
                   req->cors_configuration->cors_rules.n > RULES_MAX))
        r = s3_malformed(call);
    if (r)
        return r;
    LIST_EACH(&req->cors_configuration->cors_rules, rule) {
        if (r == 0)
            r = keep_rule(call, rule, &rules);
    }
    struct s3_bucket_row row = *bucket;

    row.cors = rules;
    assert(r || (rules.n && rules.n % RULE_FIELDS == 0 && rules.n <= RULES_MAX * RULE_FIELDS));
    return r ? r : s3_bucket_update(call->txn, &row);
}

static struct str_list
lines(struct arena *a, struct str text)
{
    struct str_list list = {0};

    while (text.n)
        *LIST_PUSH(a, &list) = str_split(&text, '\n');
    return list;
}

int
s3_get_bucket_cors(struct api_call *call, const struct s3_GetBucketCorsRequest *req,
                   struct s3_GetBucketCorsOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketCORS", &bucket);

    if (r == 0 && !bucket->cors.n)
        r = api_fault(call, &S3_ERR(NoSuchCORSConfiguration),
                      "The CORS configuration does not exist");
    for (size_t i = 0; r == 0 && i < bucket->cors.n; i += RULE_FIELDS) {
        const struct str *field = bucket->cors.v + i;
        struct s3_CORSRule *rule = LIST_PUSH(call->arena, &res->cors_rules);
        int64_t age;

        if (field[ID].n)
            rule->id = field[ID];
        rule->allowed_methods = lines(call->arena, field[METHODS]);
        rule->allowed_origins = lines(call->arena, field[ORIGINS]);
        rule->allowed_headers = lines(call->arena, field[HEADERS]);
        rule->expose_headers = lines(call->arena, field[EXPOSED]);
        if (str_to_i64(field[MAX_AGE], &age))
            rule->max_age_seconds = opt_i64(age);
    }
    return r;
}

int
s3_delete_bucket_cors(struct api_call *call, const struct s3_DeleteBucketCorsRequest *req,
                      struct s3_DeleteBucketCorsResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutBucketCORS", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.cors = (struct str_list){0};
    return s3_bucket_update(call->txn, &row);
}

/* ---- looking for a rule ---- */

/* A pattern with one star at most. */
static bool
fits(struct str pattern, struct str text, bool nocase)
{
    size_t star = str_find_char(pattern, '*');
    struct str head = str_cut(pattern, 0, star), tail;

    if (star == SIZE_MAX)
        return nocase ? str_eq_nocase(pattern, text) : str_eq(pattern, text);
    tail = str_cut(pattern, star + 1, pattern.n);
    if (text.n < head.n + tail.n)
        return false;
    assert(stars(pattern) == 1);
    struct str a = str_cut(text, 0, head.n), b = str_cut(text, text.n - tail.n, text.n);

    return nocase ? str_eq_nocase(a, head) && str_eq_nocase(b, tail)
                  : str_eq(a, head) && str_eq(b, tail);
}

static bool
one_fits(struct str patterns, struct str text, bool nocase)
{
    while (patterns.n)
        if (fits(str_split(&patterns, '\n'), text, nocase))
            return true;
    return false;
}

/* The fields of the first rule for that, or NULL. */
static const struct str *
find(const struct s3_bucket_row *bucket, struct str origin, struct str method, struct str asked)
{
    assert(bucket->cors.n % RULE_FIELDS == 0 && str_ok(origin));
    for (size_t i = 0; i + RULE_FIELDS <= bucket->cors.n; i += RULE_FIELDS) {
        const struct str *rule = bucket->cors.v + i;
        struct str rest = asked;
        bool all = one_fits(rule[ORIGINS], origin, false) && one_fits(rule[METHODS], method, false);

        while (all && rest.n) {
            struct str name = str_trim(str_split(&rest, ','));

            all = !name.n || one_fits(rule[HEADERS], name, true);
        }
        if (all)
            return rule;
    }
    return NULL;
}

static struct str
with_commas(struct arena *a, struct str text)
{
    struct str_list list = lines(a, text);

    return str_join(a, &list, S(", "));
}

static void
tell_rule(struct api_call *call, const struct str *rule, struct str origin, struct api_reply *reply)
{
    bool any = one_fits(rule[ORIGINS], S("*"), false);
    struct arena *a = call->arena;

    assert(rule[ORIGINS].n && rule[METHODS].n && origin.n);
    api_reply_header(a, reply, S("Access-Control-Allow-Origin"), any ? S("*") : origin);
    api_reply_header(a, reply, S("Access-Control-Allow-Methods"), with_commas(a, rule[METHODS]));
    if (rule[EXPOSED].n)
        api_reply_header(a, reply, S("Access-Control-Expose-Headers"),
                         with_commas(a, rule[EXPOSED]));
    if (rule[MAX_AGE].n)
        api_reply_header(a, reply, S("Access-Control-Max-Age"), rule[MAX_AGE]);
    if (!any)
        api_reply_header(a, reply, S("Access-Control-Allow-Credentials"), S("true"));
    api_reply_header(a, reply, S("Vary"),
                     S("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}

struct str
s3_bucket_in_path(const struct api_request *req, struct str *ret_key)
{
    struct str rest = req->route.p ? req->route : req->http.path, name;

    rest = str_cut(rest, 1, rest.n);
    name = str_split(&rest, '/');
    *ret_key = rest;
    return name.n ? name : STR_NONE;
}

/* ---- answers ---- */

static int
forbidden(struct api_call *call, struct str method, bool object, const char *text)
{
    struct s3_AccessForbidden *detail = ARENA_NEW(call->arena, struct s3_AccessForbidden);

    assert(method.n && text);
    detail->method = method;
    detail->resource_type = object ? S("OBJECT") : S("BUCKET");
    return api_fault_detail(call, &S3_ERR(AccessForbidden), detail, "%s", text);
}

int
s3_preflight(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct str origin = api_header(req, S("Origin")), key;
    struct str method = api_header(req, S("Access-Control-Request-Method"));
    struct str asked = api_header(req, S("Access-Control-Request-Headers"));
    struct str name = s3_bucket_in_path(req, &key);
    const struct s3_bucket_row *bucket = s3_bucket_get(call->txn, name);
    const struct str *rule;

    if (!origin.n)
        return api_fault(call, &S3_ERR(BadRequest),
                         "Insufficient information. Origin request header needed.");
    if (!method.n)
        return api_fault(call, &S3_ERR(BadRequest), "Invalid Access-Control-Request-Method: null");
    if (!bucket)
        return forbidden(call, method, key.n, "CORSResponse: Bucket not found");
    if (!bucket->cors.n)
        return forbidden(call, method, key.n, "CORSResponse: CORS is not enabled for this bucket.");
    rule = find(bucket, origin, method, asked);
    if (!rule)
        return forbidden(call, method, key.n, NOT_ALLOWED);
    /* the rest is as of any reply: s3_dress() */
    if (asked.n)
        api_reply_header(call->arena, reply, S("Access-Control-Allow-Headers"),
                         str_lower(call->arena, asked));
    return 0;
}

void
s3_dress(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct str origin = api_header(req, S("Origin")), method = req->http.method, key;
    const struct s3_bucket_row *bucket;
    const struct str *rule;
    struct txn *txn;

    if (!origin.n)
        return;
    if (str_is(method, "OPTIONS")) {
        if (reply->code.n)
            return;
        method = api_header(req, S("Access-Control-Request-Method"));
    }
    txn = store_begin(call->store);
    bucket = s3_bucket_get(txn, s3_bucket_in_path(req, &key));
    rule = bucket ? find(bucket, origin, method,
                         str_is(req->http.method, "OPTIONS")
                             ? api_header(req, S("Access-Control-Request-Headers"))
                             : STR_NONE)
                  : NULL;
    if (rule)
        tell_rule(call, rule, origin, reply);
    store_rollback(txn);
}
