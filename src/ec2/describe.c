/*
 * What all Describe operations begin and end with: filters and pages of this call; and the small
 * forms in which many of them show a fact.
 */
#include "ec2/ec2.h"

int
ec2_filters(struct api_call *call, const struct api_filter_table *table,
            const struct ec2_FilterList *filters, struct api_filter_set *ret)
{
    return api_filter_compile(call->arena, table, API_FILTER_PAIRS(filters), ret, &call->fault);
}

bool
ec2_filter_given(const struct ec2_FilterList *filters, const char *name)
{
    assert(name[0]);
    LIST_EACH(filters, f)
        if (str_is(f->name, name))
            return true;
    return false;
}

int
ec2_page_open(struct api_call *call, const struct api_page_rule *rule, struct str token,
              struct opt_i64 max_results, bool has_ids, struct api_page *ret)
{
    struct api_page_scope scope = api_page_scope(call);

    assert(rule->min <= rule->max);
    return api_page_open(call->arena, &scope, rule, token, max_results, has_ids, ret, &call->fault);
}

struct str
ec2_page_next(struct api_call *call, const struct api_page *page)
{
    struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* ---- filters and pages in one ---- */

int
ec2_listing_open(struct api_call *call, const struct api_filter_table *table,
                 const struct ec2_FilterList *filters, const struct api_page_rule *rule,
                 struct str token, struct opt_i64 max_results, bool has_ids,
                 struct ec2_listing *ret)
{
    int r = ec2_filters(call, table, filters, &ret->filters);

    return r ? r : ec2_page_open(call, rule, token, max_results, has_ids, &ret->page);
}

bool
ec2_listing_has(struct api_call *call, struct ec2_listing *listing, const void *shown,
                int64_t created_ms, struct str id)
{
    assert(created_ms >= 0 && id.n > 0);
    if (!api_filter_match(&listing->filters, shown))
        return false;
    /* Sixteen digits: as text in the same order as the number. */
    return api_page_take(&listing->page, str_fmt(call->arena, "%016llx/%.*s",
                                                 (unsigned long long)created_ms, STR_ARG(id)));
}

struct str
ec2_listing_next(struct api_call *call, const struct ec2_listing *listing)
{
    return ec2_page_next(call, &listing->page);
}

/* ---- showing ---- */

struct str
ec2_text_show(struct str text)
{
    return text.n ? text : STR_NONE;
}

struct opt_bool
ec2_set_show(bool on)
{
    return on ? opt_bool(true) : (struct opt_bool){0};
}

struct ec2_AttributeValue *
ec2_value_show(struct arena *arena, struct str text)
{
    struct ec2_AttributeValue *v = ARENA_NEW(arena, struct ec2_AttributeValue);

    v->value = ec2_text_show(text);
    return v;
}

struct ec2_AttributeBooleanValue *
ec2_flag_show(struct arena *arena, bool on)
{
    struct ec2_AttributeBooleanValue *v = ARENA_NEW(arena, struct ec2_AttributeBooleanValue);

    v->value = opt_bool(on);
    return v;
}
