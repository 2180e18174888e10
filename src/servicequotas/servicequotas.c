/*
 * Service Quotas.
 *
 * The quotas are those that Welkin holds: the vCPUs of EC2 and the storage of EBS.  A request for
 * more is granted at once, up to QUOTA_VALUE_MAX; there is nobody to think about it.
 */
#include "servicequotas/servicequotas.h"

#include "api/tags.h"
#include "gen/store/servicequotas_rows.h"
#include "placement/quota.h"

const struct api_service_hooks servicequotas_hooks = {.service = &servicequotas_service};

/* Sorted by code. */
static const struct {
    const char *code, *name;
} services[] = {
    {"ebs", "Amazon Elastic Block Store (Amazon EBS)"},
    {"ec2", "Amazon Elastic Compute Cloud (Amazon EC2)"},
};

static_assert(ARRAY_LEN(services) == 2, "ebs and ec2, which quotas name");
enum { REQUESTS_MAX = 1000, TAGS_MAX = 50 };

static const struct api_error too_many = {"QuotaExceededException", 400};
static const struct api_error no_such_resource = {"NoSuchResourceException", 400};
static const struct api_error illegal_argument = {"IllegalArgumentException", 400};
static const struct api_error too_many_tags = {"TooManyTagsException", 400};
static const struct api_error bad_token = {"InvalidPaginationTokenException", 400};

/* ---- values ---- */

static int64_t
default_of(struct api_call *call, const struct quota *q)
{
    const struct servicequotas_value_row *row =
        servicequotas_value_get(call->txn, str_from(q->code));

    assert(!row || row->value > 0);
    return row ? row->value : q->otherwise;
}

static struct str
key_of(struct api_call *call, const struct quota *q)
{
    assert(call->account.n > 0 && call->region.n > 0);
    return str_fmt(call->arena, "%.*s/%.*s/%s", STR_ARG(call->account), STR_ARG(call->region),
                   q->code);
}

static int64_t
value_of(struct api_call *call, const struct quota *q)
{
    const struct servicequotas_value_row *row = servicequotas_value_get(call->txn, key_of(call, q));

    assert(!row || row->value > 0);
    return row ? row->value : default_of(call, q);
}

static struct str
arn_of(struct api_call *call, const struct quota *q, bool own)
{
    return str_fmt(call->arena, "arn:aws:servicequotas:%.*s:%.*s:%s/%s", STR_ARG(call->region),
                   STR_ARG(own ? call->account : S("")), q->service, q->code);
}

static struct str
service_name(struct str code)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (str_is(code, services[i].code))
            return str_from(services[i].name);
    return STR_NONE;
}

static struct opt_f64
number(int64_t v)
{
    assert(v > 0);
    return (struct opt_f64){(double)v, true};
}

static struct servicequotas_ServiceQuota
quota_show(struct api_call *call, const struct quota *q, bool own)
{
    assert(service_name(str_from(q->service)).n > 0);
    return (struct servicequotas_ServiceQuota){
        .service_code = str_from(q->service),
        .service_name = service_name(str_from(q->service)),
        .quota_arn = arn_of(call, q, own),
        .quota_code = str_from(q->code),
        .quota_name = str_from(q->name),
        .value = number(own ? value_of(call, q) : default_of(call, q)),
        .unit = S("None"),
        .adjustable = opt_bool(true),
        .global_quota = opt_bool(false),
        .quota_applied_at_level = own ? S("ACCOUNT") : STR_NONE,
    };
}

/* ---- finding ---- */

static int
service_check(struct api_call *call, struct str service)
{
    if (service_name(service).p)
        return 0;
    return api_fault(call, &no_such_resource,
                     "The request failed because the specified service does not exist.");
}

static int
find(struct api_call *call, struct str service, struct str code, const struct quota **ret)
{
    int r = service_check(call, service);

    *ret = r ? NULL : quota_find(code);
    if (*ret && !str_is(service, (*ret)->service))
        *ret = NULL;
    if (r == 0 && !*ret)
        r = api_fault(call, &no_such_resource,
                      "The request failed because the specified service quota does not exist.");
    assert(r || str_is(code, (*ret)->code));
    return r;
}

static int
unsupported(struct api_call *call, const char *member)
{
    return api_fault(call, &illegal_argument, "The parameter %s is not implemented by Welkin",
                     member);
}

/* Quotas of single resources (RESOURCE) are none here. */
static bool
of_accounts(struct str level)
{
    return !str_is(level, "RESOURCE");
}

static int
page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct api_page_scope scope = api_page_scope(call);

    token = api_page_from_plain(call->arena, token);
    if (api_page_open(call->arena, &scope, &rule, token, max, false, ret, &call->fault))
        return api_fault(call, &bad_token, "The pagination token is invalid");
    return 0;
}

static struct str
page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_to_plain(call->arena, api_page_next(call->arena, &scope, page));
}

/* ---- services and quotas ---- */

int
servicequotas_list_services(struct api_call *call,
                            const struct servicequotas_ListServicesRequest *req,
                            struct servicequotas_ListServicesResponse *res)
{
    struct api_page page;
    int r = page_open(call, req->next_token, req->max_results, &page);

    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        struct str code = str_from(services[i].code);

        if (api_page_take(&page, code))
            *LIST_PUSH(call->arena, &res->services) = (struct servicequotas_ServiceInfo){
                .service_code = code, .service_name = service_name(code)};
    }
    API_PRESENT(&res->services);
    res->next_token = page_next(call, &page);
    return 0;
}

int
servicequotas_list_service_quotas(struct api_call *call,
                                  const struct servicequotas_ListServiceQuotasRequest *req,
                                  struct servicequotas_ListServiceQuotasResponse *res)
{
    struct api_page page;
    int r = service_check(call, req->service_code);

    if (r == 0)
        r = page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    API_PRESENT(&res->quotas);
    for (unsigned i = 0; i < n_quotas && of_accounts(req->quota_applied_at_level); i++) {
        struct str code = str_from(quotas[i].code);

        if (str_is(req->service_code, quotas[i].service) &&
            (!req->quota_code.n || str_eq(req->quota_code, code)) && api_page_take(&page, code))
            *LIST_PUSH(call->arena, &res->quotas) = quota_show(call, &quotas[i], true);
    }
    res->next_token = page_next(call, &page);
    return 0;
}

int
servicequotas_list_aws_default_service_quotas(
    struct api_call *call, const struct servicequotas_ListAWSDefaultServiceQuotasRequest *req,
    struct servicequotas_ListAWSDefaultServiceQuotasResponse *res)
{
    struct api_page page;
    int r = service_check(call, req->service_code);

    if (r == 0)
        r = page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    API_PRESENT(&res->quotas);
    for (unsigned i = 0; i < n_quotas; i++)
        if (str_is(req->service_code, quotas[i].service) &&
            api_page_take(&page, str_from(quotas[i].code)))
            *LIST_PUSH(call->arena, &res->quotas) = quota_show(call, &quotas[i], false);
    res->next_token = page_next(call, &page);
    return 0;
}

int
servicequotas_get_service_quota(struct api_call *call,
                                const struct servicequotas_GetServiceQuotaRequest *req,
                                struct servicequotas_GetServiceQuotaResponse *res)
{
    const struct quota *q;
    int r = req->context_id.n ? unsupported(call, "ContextId")
                              : find(call, req->service_code, req->quota_code, &q);

    if (r)
        return r;
    res->quota = ARENA_NEW(call->arena, struct servicequotas_ServiceQuota);
    *res->quota = quota_show(call, q, true);
    return 0;
}

int
servicequotas_get_aws_default_service_quota(
    struct api_call *call, const struct servicequotas_GetAWSDefaultServiceQuotaRequest *req,
    struct servicequotas_GetAWSDefaultServiceQuotaResponse *res)
{
    const struct quota *q;
    int r = find(call, req->service_code, req->quota_code, &q);

    if (r)
        return r;
    res->quota = ARENA_NEW(call->arena, struct servicequotas_ServiceQuota);
    *res->quota = quota_show(call, q, false);
    return 0;
}

/* ---- requests ---- */

/* Of a quota that is no more: all that there ever were are of EC2. */
static struct str
service_of(const struct servicequotas_request_row *row)
{
    const struct quota *q = quota_find(row->code);

    return q ? str_from(q->service) : S("ec2");
}

static struct servicequotas_RequestedServiceQuotaChange
request_show(struct api_call *call, const struct servicequotas_request_row *row)
{
    const struct quota *q = quota_find(row->code);
    struct str service = service_of(row);

    assert(row->desired > 0 && row->id.n > 0);
    return (struct servicequotas_RequestedServiceQuotaChange){
        .id = row->id,
        .service_code = service,
        .service_name = service_name(service),
        .quota_code = row->code,
        .quota_name = q ? str_from(q->name) : row->code,
        .desired_value = number(row->desired),
        .status = row->status,
        .created = opt_i64(row->created_ms),
        .last_updated = opt_i64(row->created_ms),
        .requester = str_fmt(call->arena, "{\"accountId\":\"%.*s\",\"callerArn\":\"%.*s\"}",
                             STR_ARG(row->account), STR_ARG(row->requester_arn)),
        .quota_arn = q ? arn_of(call, q, true) : STR_NONE,
        .global_quota = opt_bool(false),
        .unit = S("None"),
        .quota_requested_at_level = S("ACCOUNT"),
    };
}

static int
limit_check(struct api_call *call)
{
    unsigned n = 0;

    STORE_EACH(call->txn, servicequotas_request_by_owner, row, call->account, call->region) {
        assert(row->code.n);
        n++;
    }
    if (n < REQUESTS_MAX)
        return 0;
    return api_fault(call, &too_many, "An account has at most %d requests in a Region.",
                     REQUESTS_MAX);
}

static int
grant(struct api_call *call, const struct quota *q, int64_t value)
{
    const struct servicequotas_value_row row = {.id = key_of(call, q), .value = value};

    assert(value > 0 && value <= QUOTA_VALUE_MAX);
    return servicequotas_value_get(call->txn, row.id) ? servicequotas_value_update(call->txn, &row)
                                                      : servicequotas_value_insert(call->txn, &row);
}

int
servicequotas_request_service_quota_increase(
    struct api_call *call, const struct servicequotas_RequestServiceQuotaIncreaseRequest *req,
    struct servicequotas_RequestServiceQuotaIncreaseResponse *res)
{
    const struct quota *q;
    struct servicequotas_request_row row = {
        .account = call->account,
        .region = call->region,
        .code = req->quota_code,
        .status = S("APPROVED"),
        .requester_arn = call->principal_arn,
        .created_ms = call->now_ms,
    };
    uint8_t id[16];
    /* SupportCaseAllowed says what may happen to a request that is not granted at once */
    int r = req->context_id.n ? unsupported(call, "ContextId")
                              : find(call, req->service_code, req->quota_code, &q);

    if (r)
        return r;
    if (!(req->desired_value.v > (double)value_of(call, q)))
        return api_fault(call, &illegal_argument,
                         "You must provide a quota value greater than the current quota value.");
    if (req->desired_value.v > QUOTA_VALUE_MAX)
        return api_fault(call, &illegal_argument, "Quotas of Welkin go up to %d.", QUOTA_VALUE_MAX);
    r = limit_check(call);
    if (r)
        return r;
    row.desired = (int64_t)req->desired_value.v;
    call->env->random(call->env, id, sizeof(id));
    row.id = str_hex(call->arena, id, sizeof(id));
    r = servicequotas_request_insert(call->txn, &row);
    if (r == 0)
        r = grant(call, q, row.desired);
    if (r < 0)
        return error_origin(-r, "a request for %s cannot be written", q->code);
    res->requested_quota = ARENA_NEW(call->arena, struct servicequotas_RequestedServiceQuotaChange);
    *res->requested_quota = request_show(call, &row);
    return 0;
}

int
servicequotas_get_requested_service_quota_change(
    struct api_call *call, const struct servicequotas_GetRequestedServiceQuotaChangeRequest *req,
    struct servicequotas_GetRequestedServiceQuotaChangeResponse *res)
{
    const struct servicequotas_request_row *row =
        servicequotas_request_get(call->txn, req->request_id);

    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
        return api_fault(call, &no_such_resource,
                         "The request failed because the specified quota increase request does "
                         "not exist.");
    res->requested_quota = ARENA_NEW(call->arena, struct servicequotas_RequestedServiceQuotaChange);
    *res->requested_quota = request_show(call, row);
    return 0;
}

/* Which requests are asked for; an empty text: all. */
struct wanted {
    struct str service, code, status;
};

static bool
is_wanted(const struct wanted *want, const struct servicequotas_request_row *row)
{
    return (!want->service.n || str_eq(service_of(row), want->service)) &&
           (!want->code.n || str_eq(row->code, want->code)) &&
           (!want->status.n || str_eq(row->status, want->status));
}

/* The newest of the pages' keys is the last: rows come in order of their time. */
static int
history(struct api_call *call, const struct wanted *want, bool any, struct str token,
        struct opt_i64 max, struct servicequotas_RequestedServiceQuotaChangeList *list,
        struct str *next)
{
    struct api_page page;
    int r = page_open(call, token, max, &page);

    if (r)
        return r;
    API_PRESENT(list);
    STORE_EACH(call->txn, servicequotas_request_by_owner, row, call->account, call->region) {
        struct str key = str_fmt(call->arena, "%016llx/%.*s", (unsigned long long)row->created_ms,
                                 STR_ARG(row->id));

        if (any && is_wanted(want, row) && api_page_take(&page, key))
            *LIST_PUSH(call->arena, list) = request_show(call, row);
    }
    *next = page_next(call, &page);
    return 0;
}

int
servicequotas_list_requested_service_quota_change_history(
    struct api_call *call,
    const struct servicequotas_ListRequestedServiceQuotaChangeHistoryRequest *req,
    struct servicequotas_ListRequestedServiceQuotaChangeHistoryResponse *res)
{
    const struct wanted want = {.service = req->service_code, .status = req->status};
    int r = req->service_code.n ? service_check(call, req->service_code) : 0;

    return r ? r
             : history(call, &want, of_accounts(req->quota_requested_at_level), req->next_token,
                       req->max_results, &res->requested_quotas, &res->next_token);
}

int
servicequotas_list_requested_service_quota_change_history_by_quota(
    struct api_call *call,
    const struct servicequotas_ListRequestedServiceQuotaChangeHistoryByQuotaRequest *req,
    struct servicequotas_ListRequestedServiceQuotaChangeHistoryByQuotaResponse *res)
{
    const struct wanted want = {.code = req->quota_code, .status = req->status};
    const struct quota *q;
    int r = find(call, req->service_code, req->quota_code, &q);

    return r ? r
             : history(call, &want, of_accounts(req->quota_requested_at_level), req->next_token,
                       req->max_results, &res->requested_quotas, &res->next_token);
}

/* ---- tags ---- */

/* The tags of a quota of the caller's by its ARN; empty when it has none. */
static int
tags_of(struct api_call *call, struct str arn, struct str_list *ret)
{
    bool is = false;

    for (unsigned i = 0; i < n_quotas; i++)
        is = is || str_eq(arn, arn_of(call, &quotas[i], true));
    if (!is)
        return api_fault(call, &no_such_resource,
                         "The request failed because the specified resource does not exist.");
    const struct servicequotas_tags_row *row = servicequotas_tags_get(call->txn, arn);

    *ret = row ? row->tags : (struct str_list){0};
    assert(ret->n % 2 == 0);
    return 0;
}

static int
tags_save(struct api_call *call, struct str arn, const struct str_list *tags)
{
    const struct servicequotas_tags_row row = {.id = arn, .tags = *tags};
    bool is = servicequotas_tags_get(call->txn, arn) != NULL;
    int r = is ? servicequotas_tags_update(call->txn, &row)
               : servicequotas_tags_insert(call->txn, &row);

    assert(tags->n % 2 == 0);
    return r < 0 ? error_origin(-r, "the tags of %.*s cannot be written", STR_ARG(arn)) : 0;
}

int
servicequotas_tag_resource(struct api_call *call,
                           const struct servicequotas_TagResourceRequest *req,
                           struct servicequotas_TagResourceResponse *res UNUSED)
{
    struct str_list tags;
    int r = tags_of(call, req->resource_arn, &tags);

    if (r)
        return r;
    LIST_EACH(&req->tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &illegal_argument,
                             "Tag keys that begin with aws: are reserved for AWS use.");
        tags = api_tags_put(call->arena, &tags, tag->key, tag->value);
    }
    if (api_tags_own(&tags) > TAGS_MAX)
        return api_fault(call, &too_many_tags, "A quota can have no more than %d tags.", TAGS_MAX);
    return tags_save(call, req->resource_arn, &tags);
}

int
servicequotas_untag_resource(struct api_call *call,
                             const struct servicequotas_UntagResourceRequest *req,
                             struct servicequotas_UntagResourceResponse *res UNUSED)
{
    struct str_list tags;
    int r = tags_of(call, req->resource_arn, &tags);

    if (r)
        return r;
    tags = api_tags_without(call->arena, &tags, &req->tag_keys);
    return tags_save(call, req->resource_arn, &tags);
}

int
servicequotas_list_tags_for_resource(struct api_call *call,
                                     const struct servicequotas_ListTagsForResourceRequest *req,
                                     struct servicequotas_ListTagsForResourceResponse *res)
{
    struct str_list tags;
    int r = tags_of(call, req->resource_arn, &tags);

    if (r)
        return r;
    API_PRESENT(&res->tags);
    for (size_t i = 0; i < tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct servicequotas_Tag){.key = tags.v[i], .value = tags.v[i + 1]};
    return 0;
}
