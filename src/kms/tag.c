/* Tags of keys: at most 50, part of the key's row, sorted by key. */
#include "kms/kms.h"

#include "api/tags.h"

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
    if (!api_tag_reserved(call, key))
        return 0;
    return api_fault(call, &KMS_ERR(TagException), "Tags beginning with aws: are reserved");
}

/* Those of a request into a row's: the system's own, of stacks, may be among the latter. */
static int
tags_put(struct api_call *call, const struct kms_TagList *tags, struct str_list *all)
{
    size_t before = all->n;

    LIST_EACH(tags, tag) {
        int r = reserved_check(call, tag->tag_key);

        if (r)
            return r;
        *all = api_tags_put(call->arena, all, tag->tag_key, tag->tag_value);
        if (api_tags_own(all) > TAGS_MAX)
            return api_fault(call, &KMS_ERR(TagException), "Too many tags");
    }
    assert(all->n >= before && all->n <= before + 2 * tags->n);
    return 0;
}

/* A list that names a key twice is refused. */
int
kms_tags_of(struct api_call *call, const struct kms_TagList *tags, struct str_list *ret)
{
    struct str_list list = {NULL, 0};
    int r = tags_put(call, tags, &list);

    if (r == 0 && list.n != 2 * tags->n)
        r = api_fault(call, &KMS_ERR(TagException), "Duplicate tag keys");
    *ret = list;
    return r;
}

static int
tags_write(struct api_call *call, const struct kms_key_row *row, const struct str_list *tags)
{
    struct kms_key_row new = *row;

    assert(tags->n % 2 == 0 && api_tags_own(tags) <= TAGS_MAX);
    new.tags = *tags;
    return kms_key_save(call->txn, &new);
}

int
kms_tag_resource(struct api_call *call, const struct kms_TagResourceRequest *req,
                 struct kms_TagResourceResult *res UNUSED)
{
    const struct kms_key_row *row;
    struct str_list checked;
    struct kms_want want = {.id = req->key_id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        r = kms_tags_of(call, &req->tags, &checked);
    if (r)
        return r;
    struct str_list all = row->tags;

    r = tags_put(call, &req->tags, &all);
    return r ? r : tags_write(call, row, &all);
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
    struct str_list left = api_tags_without(call->arena, &row->tags, &req->tag_keys);

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
