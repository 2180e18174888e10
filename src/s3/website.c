/*
 * Buckets that are websites: their configuration.  In the bucket's row it is a list: four texts of
 * the whole, then seven of each rule; each begins with '=' when it was given, for what is empty is
 * not what is absent.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
 */
#include "s3/s3.h"

enum { OWN_FIELDS = 4, RULE_FIELDS = 7 };

static int
check_protocol(struct api_call *call, struct str protocol)
{
    return !protocol.p || str_is(protocol, "http") || str_is(protocol, "https")
               ? 0
               : api_fault(call, &S3_ERR(InvalidRequest),
                           "Invalid protocol, protocol can be http or https. If not defined the "
                           "protocol will be selected automatically.");
}

static int
check_code(struct api_call *call, struct str code)
{
    int64_t n;

    return !code.p || (str_to_i64(code, &n) && n > 300 && n < 400)
               ? 0
               : api_fault(call, &S3_ERR(InvalidRequest),
                           "The provided HTTP redirect code (%.*s) is not valid. Valid codes are "
                           "3XX except 300.",
                           STR_ARG(code));
}

static int
check_rule(struct api_call *call, const struct s3_RoutingRule *rule)
{
    const struct s3_Redirect *to = rule->redirect;
    const struct s3_Condition *when = rule->condition;
    int r;

    if (!to ||
        (!to->host_name.p && !to->protocol.p && !to->http_redirect_code.p &&
         !to->replace_key_prefix_with.p && !to->replace_key_with.p) ||
        (when && !when->key_prefix_equals.p && !when->http_error_code_returned_equals.p))
        return s3_malformed(call);
    if (to->replace_key_prefix_with.p && to->replace_key_with.p)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    r = check_protocol(call, to->protocol);
    return r ? r : check_code(call, to->http_redirect_code);
}

static int
check(struct api_call *call, const struct s3_WebsiteConfiguration *c)
{
    struct str suffix = c->index_document ? c->index_document->suffix : STR_NONE;
    int r = 0;

    if (c->redirect_all_requests_to) {
        if (c->index_document || c->error_document || c->routing_rules.n)
            return s3_wrong_argument(call, "RedirectAllRequestsTo", S("not null"),
                                  "RedirectAllRequestsTo cannot be provided in conjunction with "
                                  "other Routing Rules.");
        if (!c->redirect_all_requests_to->host_name.n)
            return s3_malformed(call);
        return check_protocol(call, c->redirect_all_requests_to->protocol);
    }
    if (!c->index_document)
        return s3_wrong_argument(call, "IndexDocument", S("null"),
                              "A value for IndexDocument Suffix must be provided if "
                              "RedirectAllRequestsTo is empty");
    if (!suffix.n || str_find_char(suffix, '/') != SIZE_MAX)
        return s3_wrong_argument(call, "IndexDocument", suffix.p ? suffix : S(""),
                              "The IndexDocument Suffix is not well formed");
    if (c->error_document && !c->error_document->key.n)
        return s3_malformed(call);
    if (c->routing_rules.v && !c->routing_rules.n)
        return s3_malformed(call);
    if (c->routing_rules.n > ARRAY_LEN(((struct s3_site *)NULL)->rules))
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "%zu routing rules provided, the number of routing rules in a website "
                         "configuration is limited to 50.",
                         c->routing_rules.n);
    LIST_EACH(&c->routing_rules, rule) {
        if (r == 0)
            r = check_rule(call, rule);
    }
    return r;
}

/* ---- the row ---- */

static void
push(struct api_call *call, struct str_list *list, struct str value)
{
    *LIST_PUSH(call->arena, list) = value.p ? str_cat(call->arena, S("="), value) : S("");
}

static struct str
pull(const struct str_list *list, size_t i)
{
    struct str s = list->v[i];

    assert(i < list->n && (!s.n || s.p[0] == '='));
    return s.n ? str_cut(s, 1, s.n) : STR_NONE;
}

static struct str_list
list_of(struct api_call *call, const struct s3_WebsiteConfiguration *c)
{
    static const struct s3_Condition always = {0};
    struct str_list list = {0};

    push(call, &list, c->index_document ? c->index_document->suffix : STR_NONE);
    push(call, &list, c->error_document ? c->error_document->key : STR_NONE);
    push(call, &list,
         c->redirect_all_requests_to ? c->redirect_all_requests_to->host_name : STR_NONE);
    push(call, &list,
         c->redirect_all_requests_to ? c->redirect_all_requests_to->protocol : STR_NONE);
    LIST_EACH(&c->routing_rules, rule) {
        const struct s3_Condition *when = rule->condition ? rule->condition : &always;
        const struct str fields[RULE_FIELDS] = {when->key_prefix_equals,
                                                when->http_error_code_returned_equals,
                                                rule->redirect->protocol,
                                                rule->redirect->host_name,
                                                rule->redirect->replace_key_prefix_with,
                                                rule->redirect->replace_key_with,
                                                rule->redirect->http_redirect_code};

        for (size_t i = 0; i < RULE_FIELDS; i++)
            push(call, &list, fields[i]);
    }
    assert((list.n - OWN_FIELDS) % RULE_FIELDS == 0);
    return list;
}

void
s3_site_read(const struct s3_bucket_row *bucket, struct s3_site *ret)
{
    const struct str_list *list = &bucket->website;

    assert(list->n >= OWN_FIELDS && (list->n - OWN_FIELDS) % RULE_FIELDS == 0);
    *ret = (struct s3_site){.index = pull(list, 0),
                            .error = pull(list, 1),
                            .all_host = pull(list, 2),
                            .all_protocol = pull(list, 3)};
    for (size_t i = OWN_FIELDS; i < list->n && ret->n_rules < ARRAY_LEN(ret->rules);
         i += RULE_FIELDS)
        ret->rules[ret->n_rules++] = (struct s3_routing_rule){
            pull(list, i),     pull(list, i + 1), pull(list, i + 2), pull(list, i + 3),
            pull(list, i + 4), pull(list, i + 5), pull(list, i + 6)};
}

/* ---- operations ---- */

int
s3_put_bucket_website(struct api_call *call, const struct s3_PutBucketWebsiteRequest *req,
                      struct s3_PutBucketWebsiteResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open_to_set(call, req->bucket, "s3:PutBucketWebsite", &bucket);

    (void)res;
    if (r == 0)
        r = check(call, req->website_configuration);
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.website = list_of(call, req->website_configuration);
    return s3_bucket_update(call->txn, &row);
}

static void
tell_rule(struct api_call *call, const struct s3_routing_rule *rule, struct s3_RoutingRule *ret)
{
    ret->redirect = ARENA_NEW(call->arena, struct s3_Redirect);
    *ret->redirect = (struct s3_Redirect){.host_name = rule->host,
                                          .http_redirect_code = rule->code,
                                          .protocol = rule->protocol,
                                          .replace_key_prefix_with = rule->new_prefix,
                                          .replace_key_with = rule->new_key};
    if (!rule->prefix.p && !rule->status.p)
        return;
    ret->condition = ARENA_NEW(call->arena, struct s3_Condition);
    ret->condition->key_prefix_equals = rule->prefix;
    ret->condition->http_error_code_returned_equals = rule->status;
}

int
s3_get_bucket_website(struct api_call *call, const struct s3_GetBucketWebsiteRequest *req,
                      struct s3_GetBucketWebsiteOutput *res)
{
    struct s3_site *site = ARENA_NEW(call->arena, struct s3_site);
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketWebsite", &bucket);

    if (r)
        return r;
    if (!bucket->website.n) {
        struct s3_NoSuchWebsiteConfiguration *detail =
            ARENA_NEW(call->arena, struct s3_NoSuchWebsiteConfiguration);

        detail->bucket_name = bucket->name;
        return api_fault_detail(call, &S3_ERR(NoSuchWebsiteConfiguration), detail,
                                "The specified bucket does not have a website configuration");
    }
    s3_site_read(bucket, site);
    if (site->index.p) {
        res->index_document = ARENA_NEW(call->arena, struct s3_IndexDocument);
        res->index_document->suffix = site->index;
    }
    if (site->error.p) {
        res->error_document = ARENA_NEW(call->arena, struct s3_ErrorDocument);
        res->error_document->key = site->error;
    }
    if (site->all_host.p) {
        res->redirect_all_requests_to = ARENA_NEW(call->arena, struct s3_RedirectAllRequestsTo);
        res->redirect_all_requests_to->host_name = site->all_host;
        res->redirect_all_requests_to->protocol = site->all_protocol;
    }
    for (size_t i = 0; i < site->n_rules; i++)
        tell_rule(call, &site->rules[i], LIST_PUSH(call->arena, &res->routing_rules));
    return 0;
}

int
s3_delete_bucket_website(struct api_call *call, const struct s3_DeleteBucketWebsiteRequest *req,
                         struct s3_DeleteBucketWebsiteResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:DeleteBucketWebsite", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.website = (struct str_list){0};
    return s3_bucket_update(call->txn, &row);
}
