/* What the API asks of SNS beside its operations, and what its files share. */
#include "sns/sns.h"

#include "api/authorize.h"
const struct api_error sns_errors[SNS_N_ERRORS] = {
#define X(name, http) [SNS_ERROR_##name] = {#name, http},
    SNS_ERRORS(X)
#undef X
};

enum { JSON_NODES_MAX = 10000, ARN_PARTS = 6 };

/* ---- small things ---- */

int
sns_unsupported(struct api_call *call, const char *what, struct str name)
{
    assert(what[0] != '\0');
    return SNS_INVALID(call, "Welkin does not implement the %s %.*s", what, STR_ARG(name));
}

bool
sns_bool(struct str text, bool *ret)
{
    *ret = str_eq_nocase(text, S("true"));
    return *ret || str_eq_nocase(text, S("false"));
}

struct str
sns_bool_text(bool v)
{
    return v ? S("true") : S("false");
}

void
sns_put_attribute(struct api_call *call, struct sns_TextMap *map, const char *name,
                  struct str value)
{
    assert(value.p && name[0] != '\0');
    *LIST_PUSH(call->arena, map) = (struct sns_TextMapEntry){.key = str_from(name), .value = value};
}

struct str
sns_arn_part(struct str arn, unsigned n)
{
    assert(n < ARN_PARTS);
    for (unsigned i = 0; i < n && arn.p; i++)
        str_split(&arn, ':');
    if (n + 1 == ARN_PARTS)
        return arn.p ? arn : S("");
    return arn.p ? str_split(&arn, ':') : S("");
}

bool
sns_json(struct arena *a, struct str text, struct json *ret)
{
    size_t at;

    return json_parse(a, text, JSON_NODES_MAX, ret, &at) && ret->kind == JSON_OBJECT;
}

/* ---- rows ---- */

void
sns_topic_assert(const struct sns_topic_row *row)
{
    assert(str_starts(row->id, S("arn:aws:sns:")) && row->account.n == 12 && row->region.n);
    assert(row->name.n && row->name.n <= SNS_NAME_MAX && row->policy.n && row->tags.n % 2 == 0);
    assert(row->fifo == str_ends(row->name, S(".fifo")) && row->sequence >= 0);
}

void
sns_subscription_assert(const struct sns_subscription_row *row)
{
    assert(str_starts(row->id, row->topic) && row->id.n > row->topic.n);
    assert(row->account.n == 12 && row->protocol.n && row->endpoint.n);
    assert(!row->pending || row->token.n);
    assert(row->filter_scope.n);
}

int
sns_topic_find(struct api_call *call, struct str arn, const struct sns_topic_row **ret)
{
    struct str rest = arn;
    unsigned n = 0;

    while (rest.p && ++n)
        str_split(&rest, ':');
    if (n < ARN_PARTS)
        return SNS_INVALID(call, "TopicArn Reason: An ARN must have at least 6 elements, not %u",
                           n);
    if (!str_starts(arn, S("arn:aws:sns:")))
        return SNS_INVALID(call, "TopicArn");
    *ret = sns_topic_get(call->txn, arn);
    if (!*ret || !str_eq((*ret)->region, call->region))
        return api_fault(call, &SNS_ERR(NotFound), "Topic does not exist");
    sns_topic_assert(*ret);
    return 0;
}

/* ---- pages ---- */

int
sns_page_open(struct api_call *call, struct str token, struct api_page *ret)
{
    const struct api_page_rule rule = {.min = 1, .max = SNS_PAGE, .otherwise = SNS_PAGE};
    const struct api_page_scope scope = api_page_scope(call);
    const struct opt_i64 none = {0};

    if (api_page_open(call->arena, &scope, &rule, token.n ? token : STR_NONE, none, false, ret,
                      &call->fault))
        return SNS_INVALID(call, "NextToken");
    return 0;
}

struct str
sns_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* ---- authorization ---- */

/* A thing of type topic, named by its ARN or (what is to be made) its name. */
static int
resource_find(struct api_call *call, struct str type UNUSED, struct str id,
              struct api_resource *resource)
{
    const struct sns_topic_row *row = sns_topic_get(call->txn, resource->arn);

    assert(resource->arn.n && str_ok(id));
    if (!row)
        return 0;
    sns_topic_assert(row);
    resource->account = row->account;
    resource->tags = &row->tags;
    resource->policy = row->policy;
    resource->policy_kind = POLICY_RESOURCE;
    return 0;
}

/* The default policy of a topic lets in whoever is of this account. */
static void
context(struct api_call *call, const void *req UNUSED, struct policy_context *to)
{
    assert(to->v || to->n == 0);
    if (call->account.n)
        api_context_add(call, to, S("aws:SourceOwner"), call->account);
}

const struct api_service_hooks sns_hooks = {
    .service = &sns_service,
    .resource = resource_find,
    .context = context,
    .resource_policies = true,
    .owns = sns_signer_owns,
    .answer = sns_signer_answer,
};
