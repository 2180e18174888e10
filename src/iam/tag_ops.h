/*
 * The three operations on tags that each kind of thing has.  A kind differs in how it is found, in
 * how it is written, and in whether its keys are one whatever their case.
 *
 *   IAM_TAG_OPS(user, User, iam_user_row, user_name, iam_user_find, update, IAM_KEYS_FOLDED)
 *   IAM_TAG_LIST_OP(user, User, iam_user_row, user_name, iam_user_find)
 *
 * make iam_tag_user(), iam_untag_user() and iam_list_user_tags().
 */
#pragma once

#include "iam/common.h"

/* Of users and roles: a key is one whatever its case, and Untag takes an empty list. */
enum iam_keys { IAM_KEYS_FOLDED, IAM_KEYS_CASED };

/* The tags of a row as they shall be. */
int iam_tags_tag(struct api_call *call, enum iam_keys keys, const struct iam_TagList *tags,
                 const struct str_list *old, struct str_list *ret);
int iam_tags_untag(struct api_call *call, enum iam_keys keys, const struct str_list *names,
                   const struct str_list *old, struct str_list *ret);

#define IAM_TAG_CHANGE_(op, Op, change, name, Name, row_type, member, list, find, write, keys)     \
    int iam_##op##_##name(struct api_call *call, const struct iam_##Op##Name##Request *req,        \
                          struct iam_##Op##Name##Result *res UNUSED)                               \
    {                                                                                              \
        const struct row_type *row;                                                                \
        struct row_type new;                                                                       \
        int r = find(call, req->member, &row);                                                     \
                                                                                                   \
        if (r)                                                                                     \
            return r;                                                                              \
        new = *row;                                                                                \
        r = change(call, keys, &req->list, &row->tags, &new.tags);                                 \
        return r ? r : write(call, &new);                                                          \
    }

#define IAM_TAG_OPS(name, Name, row_type, member, find, write, keys)                               \
    IAM_TAG_CHANGE_(tag, Tag, iam_tags_tag, name, Name, row_type, member, tags, find, write, keys) \
    IAM_TAG_CHANGE_(untag, Untag, iam_tags_untag, name, Name, row_type, member, tag_keys, find,    \
                    write, keys)

#define IAM_TAG_LIST_OP(name, Name, row_type, member, find)                                        \
    int iam_list_##name##_tags(struct api_call *call,                                              \
                               const struct iam_List##Name##TagsRequest *req,                      \
                               struct iam_List##Name##TagsResponse *res)                           \
    {                                                                                              \
        const struct row_type *row;                                                                \
        struct api_page page;                                                                      \
        int r = find(call, req->member, &row);                                                     \
                                                                                                   \
        if (r == 0)                                                                                \
            r = IAM_TAGS_LIST(call, &row->tags, req, res, &page);                                  \
        if (r == 0)                                                                                \
            IAM_PAGE_CLOSE(call, &page, res);                                                      \
        return r;                                                                                  \
    }
