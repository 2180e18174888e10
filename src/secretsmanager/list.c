/* Lists of secrets: what one looks like, filters, order and pages. */
#include "secretsmanager/secretsmanager.h"

#include <stdlib.h>

enum { PAGE_MAX = 100 };

/* ---- showing ---- */

struct secretsmanager_SecretListEntry
secret_show(struct api_call *call, const struct secret_row *secret)
{
    struct secretsmanager_SecretListEntry shown = {
        .arn = secret->arn,
        .name = secret->name,
        .created_date = opt_i64(secret->created_ms),
        .last_changed_date = opt_i64(secret->changed_ms),
        .primary_region = secret_primary_region(call->txn, secret),
    };

    secret_assert(secret);
    if (secret->description.n)
        shown.description = secret->description;
    if (secret->kms_key_id.n)
        shown.kms_key_id = secret->kms_key_id;
    if (secret->accessed_ms)
        shown.last_accessed_date = opt_i64(secret->accessed_ms);
    if (secret->deletion_ms)
        shown.deleted_date = opt_i64(secret->deletion_ms);
    secret_rotation_show(call, secret->arn, &shown);
    if (secret->tags.n)
        shown.tags = secret_tags_show(call->arena, &secret->tags);
    STORE_EACH(call->txn, secret_version_of_secret, version, secret->arn) {
        secret_version_assert(version);
        if (!version->stages.n)
            continue;
        __typeof__(shown.secret_versions_to_stages.v) entry =
            LIST_PUSH(call->arena, &shown.secret_versions_to_stages);
        entry->key = version->version_id;
        entry->value = version->stages;
    }
    return shown;
}

/* ---- filters ---- */

/* The next word of a text: a run without separators, cut where capitals begin. */
static struct str
next_word(struct str *text)
{
    static const char separators[] = " /-_+=.@";
    size_t i = 0, start;

    while (i < text->n && strchr(separators, text->p[i]))
        i++;
    start = i;
    while (i < text->n && !strchr(separators, text->p[i])) {
        bool capital = text->p[i] >= 'A' && text->p[i] <= 'Z';

        if (i > start && capital && text->p[i - 1] >= 'a' && text->p[i - 1] <= 'z')
            break;
        i++;
    }
    struct str word = str_cut(*text, start, i);

    *text = str_cut(*text, i, text->n);
    assert(word.n == i - start && i >= start);
    return word;
}

static bool
has_word(struct str text, struct str wanted)
{
    struct str word;

    assert(wanted.n > 0);
    while ((word = next_word(&text)).n)
        if (str_eq_nocase(str_cut(word, 0, wanted.n), wanted))
            return true;
    return false;
}

/* Each word of the filter begins a word of the text. */
static bool
has_words(struct str text, struct str wanted)
{
    struct str word;
    bool any = false;

    while ((word = next_word(&wanted)).n) {
        if (!has_word(text, word))
            return false;
        any = true;
    }
    return any;
}

enum filter_kind { BY_PREFIX, BY_WORDS };

/* What of a secret a filter is about. */
static struct str_list
attributes(struct api_call *call, const struct secret_row *row, struct str key)
{
    bool all = str_is(key, "all");
    struct str_list texts = {NULL, 0};

    assert(row->tags.n % 2 == 0);
    if (all || str_is(key, "name"))
        *LIST_PUSH(call->arena, &texts) = row->name;
    if (row->description.n && (all || str_is(key, "description")))
        *LIST_PUSH(call->arena, &texts) = row->description;
    for (size_t i = 0; i < row->tags.n; i++)
        if (all || str_is(key, i % 2 ? "tag-value" : "tag-key"))
            *LIST_PUSH(call->arena, &texts) = row->tags.v[i];
    if (str_is(key, "primary-region")) {
        struct str region = secret_primary_region(call->txn, row);

        if (region.n)
            *LIST_PUSH(call->arena, &texts) = region;
    }
    /* no other service owns a secret: owning-service has nothing to look at */
    return texts;
}

static bool
any_matches(const struct str_list *texts, struct str wanted, enum filter_kind kind)
{
    for (size_t i = 0; i < texts->n; i++)
        if (kind == BY_WORDS ? has_words(texts->v[i], wanted) : str_starts(texts->v[i], wanted))
            return true;
    return false;
}

static bool
filter_passes(struct api_call *call, const struct secret_row *row,
              const struct secretsmanager_Filter *filter)
{
    struct str_list texts = attributes(call, row, filter->key);
    enum filter_kind kind =
        str_is(filter->key, "all") || str_is(filter->key, "description") ? BY_WORDS : BY_PREFIX;

    assert(filter->key.n > 0 && filter->values.n > 0); /* secret_filters_check() */
    for (size_t i = 0; i < filter->values.n; i++) {
        struct str value = filter->values.v[i];
        bool negated = str_starts(value, S("!"));

        if (any_matches(&texts, negated ? str_cut(value, 1, value.n) : value, kind) != negated)
            return true;
    }
    return false;
}

int
secret_filters_check(struct api_call *call, const struct secretsmanager_FilterList *filters)
{
    LIST_EACH(filters, filter) {
        if (!filter->key.p)
            return api_fault(call, &SECRET_ERR(InvalidParameterException), "Invalid filter key");
        if (!filter->values.n)
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "Invalid filter values for key: %.*s", STR_ARG(filter->key));
    }
    return 0;
}

bool
secret_passes(struct api_call *call, const struct secret_row *row,
              const struct secretsmanager_FilterList *filters)
{
    LIST_EACH(filters, filter) {
        if (!filter_passes(call, row, filter))
            return false;
    }
    return true;
}

/* ---- pages ---- */

int
secret_page_open(struct api_call *call, struct opt_i64 limit, int64_t max, struct str token,
                 struct api_page *ret)
{
    const struct api_page_scope scope = api_page_scope(call);
    const struct api_page_rule rule = {.min = 1, .max = max, .otherwise = max};

    assert(!limit.set || (limit.v >= 1 && limit.v <= max));
    /* the description bounds the limit; what is left to refuse is the token */
    if (api_page_open(call->arena, &scope, &rule, token, limit, false, ret, &call->fault))
        return api_fault(call, &SECRET_ERR(InvalidNextTokenException),
                         "The NextToken value is not valid.");
    return 0;
}

struct str
secret_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* ---- order ---- */

struct ranked {
    struct str key; /* in the order of its bytes; the name, which is unique, comes last */
    const struct secret_row *row;
};

struct ranked_list {
    struct ranked *v;
    size_t n;
};

static int
by_key(const void *a, const void *b)
{
    return str_cmp(((const struct ranked *)a)->key, ((const struct ranked *)b)->key);
}

/* Bytes turned over, and an end that is behind all others, turn the order round. */
static struct str
turned(struct arena *a, struct str key)
{
    char *p = arena_alloc_raw(a, key.n + 1);

    assert(key.n > 0);
    for (size_t i = 0; i < key.n; i++)
        p[i] = (char)~key.p[i];
    p[key.n] = (char)0xff;
    return str_of(p, key.n + 1);
}

static struct str
rank(struct api_call *call, const struct secretsmanager_ListSecretsRequest *req,
     const struct secret_row *row)
{
    int64_t when = row->created_ms;
    struct str key;

    assert(row->accessed_ms >= 0 && row->created_ms >= 0 && row->changed_ms >= 0);
    if (str_is(req->sort_by, "last-accessed-date"))
        when = row->accessed_ms;
    else if (str_is(req->sort_by, "last-changed-date"))
        when = row->changed_ms;
    if (str_is(req->sort_by, "name"))
        key = row->name;
    else
        key = str_fmt(call->arena, "%019lld/%.*s", (long long)when, STR_ARG(row->name));
    return str_is(req->sort_order, "desc") ? turned(call->arena, key) : key;
}

int
secretsmanager_list_secrets(struct api_call *call,
                            const struct secretsmanager_ListSecretsRequest *req,
                            struct secretsmanager_ListSecretsResponse *res)
{
    bool deleted_too = opt_bool_or(req->include_planned_deletion, false);
    struct ranked_list found = {NULL, 0};
    struct api_page page;
    int r = secret_filters_check(call, &req->filters);

    if (r == 0)
        r = secret_page_open(call, req->max_results, PAGE_MAX, req->next_token, &page);
    if (r)
        return r;
    STORE_EACH(call->txn, secret_by_name, row, call->account, call->region) {
        if ((deleted_too || !row->deletion_ms) && secret_passes(call, row, &req->filters))
            *LIST_PUSH(call->arena, &found) = (struct ranked){rank(call, req, row), row};
    }
    if (found.n)
        qsort(found.v, found.n, sizeof(*found.v), by_key);
    LIST_EACH(&found, ranked) {
        if (api_page_take(&page, ranked->key))
            *LIST_PUSH(call->arena, &res->secret_list) = secret_show(call, ranked->row);
    }
    API_PRESENT(&res->secret_list);
    res->next_token = secret_page_next(call, &page);
    return 0;
}
