/* Tags of keys: at most 50, part of the key's row, sorted by key. */
#include "kms/kms.h"

#include <stdlib.h>

enum { TAGS_MAX = 50, TAGS_PAGE = 50 };

struct kms_TagList
kms_tags_show(struct arena *a, const struct str_list *tags)
{
    struct kms_TagList list = {API_EMPTY, 0};

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        *LIST_PUSH(a, &list) = (struct kms_Tag){.tag_key = tags->v[i], .tag_value = tags->v[i + 1]};
    return list;
}

static int
reserved_check(struct api_call *call, struct str key)
{
    /* CloudFormation's own are of the system */
    if (!str_eq_nocase(str_cut(key, 0, 4), S("aws:")) ||
        str_is(call->via, "cloudformation.amazonaws.com"))
        return 0;
    return api_fault(call, &KMS_ERR(TagException), "Tags beginning with aws: are reserved");
}

static int
by_key(const void *a, const void *b)
{
    return str_cmp(((const struct kms_Tag *)a)->tag_key, ((const struct kms_Tag *)b)->tag_key);
}

int
kms_tags_of(struct api_call *call, const struct kms_TagList *tags, struct str_list *ret)
{
    struct kms_Tag *sorted = arena_dup(call->arena, tags->v, tags->n * sizeof(*tags->v));
    struct str_list list = {NULL, 0};
    int r = 0;

    if (tags->n > TAGS_MAX)
        return api_fault(call, &KMS_ERR(TagException), "Too many tags");
    if (tags->n)
        qsort(sorted, tags->n, sizeof(*sorted), by_key);
    for (size_t i = 0; i < tags->n && r == 0; i++) {
        r = reserved_check(call, sorted[i].tag_key);
        if (r == 0 && i && str_eq(sorted[i].tag_key, sorted[i - 1].tag_key))
            r = api_fault(call, &KMS_ERR(TagException), "Duplicate tag keys");
        *LIST_PUSH(call->arena, &list) = sorted[i].tag_key;
        *LIST_PUSH(call->arena, &list) = sorted[i].tag_value;
    }
    *ret = list;
    return r;
}

/* The row's tags without those keys. */
static struct str_list
without(struct arena *a, const struct str_list *tags, const struct str_list *keys)
{
    struct str_list left = {NULL, 0};

    for (size_t i = 0; i < tags->n; i += 2)
        if (!str_in(keys, tags->v[i])) {
            *LIST_PUSH(a, &left) = tags->v[i];
            *LIST_PUSH(a, &left) = tags->v[i + 1];
        }
    return left;
}

static int
tags_write(struct api_call *call, const struct kms_key_row *row, const struct str_list *tags)
{
    struct kms_key_row new = *row;

    new.tags = *tags;
    return kms_key_save(call->txn, &new);
}

int
kms_tag_resource(struct api_call *call, const struct kms_TagResourceRequest *req,
                 struct kms_TagResourceResult *res UNUSED)
{
    const struct kms_key_row *row;
    struct str_list fresh, keys = {NULL, 0};
    struct kms_want want = {.id = req->key_id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        r = kms_tags_of(call, &req->tags, &fresh);
    if (r)
        return r;
    LIST_EACH(&req->tags, tag) {
        *LIST_PUSH(call->arena, &keys) = tag->tag_key;
    }
    struct str_list old = without(call->arena, &row->tags, &keys);
    struct kms_TagList all = kms_tags_show(call->arena, &old);

    LIST_EACH(&req->tags, tag) {
        *LIST_PUSH(call->arena, &all) = *tag;
    }
    r = kms_tags_of(call, &all, &fresh);
    return r ? r : tags_write(call, row, &fresh);
}

int
kms_untag_resource(struct api_call *call, const struct kms_UntagResourceRequest *req,
                   struct kms_UntagResourceResult *res UNUSED)
{
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, &row);

    for (size_t i = 0; i < req->tag_keys.n && r == 0; i++)
        r = reserved_check(call, req->tag_keys.v[i]);
    if (r)
        return r;
    struct str_list left = without(call->arena, &row->tags, &req->tag_keys);

    return tags_write(call, row, &left);
}

int
kms_list_resource_tags(struct api_call *call, const struct kms_ListResourceTagsRequest *req,
                       struct kms_ListResourceTagsResponse *res)
{
    const struct kms_key_row *row;
    struct kms_listing listing;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id, .allow = KMS_LOOKING}, &row);

    if (r == 0)
        r = kms_listing_open(call, req->limit, TAGS_PAGE, TAGS_PAGE, req->marker, &listing);
    if (r)
        return r;
    struct kms_TagList all = kms_tags_show(call->arena, &row->tags);

    LIST_EACH(&all, tag) {
        if (kms_listing_takes(&listing, tag->tag_key))
            *LIST_PUSH(call->arena, &res->tags) = *tag;
    }
    API_PRESENT(&res->tags);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}
