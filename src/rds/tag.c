/* Tags of everything that has an ARN here. */
#include "rds/rds.h"

enum { KEY_MAX = 128, VALUE_MAX = 256 };

int
rds_tags_put(struct api_call *call, const struct rds_TagList *tags, struct str_list *to)
{
    LIST_EACH(tags, tag) {
        struct str value = tag->value.p ? tag->value : S("");

        if (!tag->key.n || str_chars(tag->key) > KEY_MAX || str_chars(value) > VALUE_MAX)
            return RDS_INVALID(call, "Tag keys have 1 to %d characters, values at most %d.",
                               KEY_MAX, VALUE_MAX);
        if (api_tag_reserved(call, tag->key))
            return RDS_INVALID(call,
                               "Tag keys that begin with aws: are reserved for internal use.");
        rds_pair_set(call, to, tag->key, value);
    }
    if (api_tags_own(to) > RDS_TAGS_MAX)
        return RDS_INVALID(call, "A resource has at most %d tags.", RDS_TAGS_MAX);
    return 0;
}

struct rds_TagList
rds_tags_show(struct arena *arena, const struct str_list *tags)
{
    struct rds_TagList list = {0};

    API_PRESENT(&list);
    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        *LIST_PUSH(arena, &list) = (struct rds_Tag){.key = tags->v[i], .value = tags->v[i + 1]};
    return list;
}

/* ---- which thing an ARN names ---- */

/* A row of any of the tables that have tags; one of them is set. */
struct tagged {
    const struct rds_instance_row *db;
    const struct rds_subnet_group_row *subgrp;
    const struct rds_parameter_group_row *pg;
    const struct rds_snapshot_row *snapshot;
    const struct str_list *tags;
};

static int
not_found(struct api_call *call, struct str type, struct str name)
{
    if (str_is(type, "db"))
        return api_fault(call, &RDS_ERR(DBInstanceNotFound), "DBInstance %.*s not found.",
                         STR_ARG(name));
    if (str_is(type, "subgrp"))
        return api_fault(call, &RDS_ERR(DBSubnetGroupNotFoundFault),
                         "DB subnet group '%.*s' does not exist.", STR_ARG(name));
    if (str_is(type, "pg"))
        return api_fault(call, &RDS_ERR(DBParameterGroupNotFound),
                         "DBParameterGroup not found: %.*s", STR_ARG(name));
    return api_fault(call, &RDS_ERR(DBSnapshotNotFound), "DBSnapshot %.*s not found.",
                     STR_ARG(name));
}

static int
tagged_find(struct api_call *call, struct str arn, struct tagged *ret)
{
    struct str prefix = rds_arn(call, "x", S("")), rest = arn, type;

    prefix = str_cut(prefix, 0, prefix.n - 2);
    assert(prefix.n > 0 && prefix.p[prefix.n - 1] == ':');
    *ret = (struct tagged){0};
    if (!str_starts(arn, prefix))
        return RDS_INVALID(call, "Invalid resource name: %.*s", STR_ARG(arn));
    rest = str_cut(arn, prefix.n, arn.n);
    type = str_split(&rest, ':');
    if (!rest.n)
        return RDS_INVALID(call, "Invalid resource name: %.*s", STR_ARG(arn));
    if (str_is(type, "db")) {
        ret->db = rds_instance_by_name_get(call->txn, call->account, call->region, rest);
        ret->tags = ret->db ? &ret->db->tags : NULL;
    } else if (str_is(type, "subgrp")) {
        ret->subgrp = rds_subnet_group_get(call->txn, arn);
        ret->tags = ret->subgrp ? &ret->subgrp->tags : NULL;
    } else if (str_is(type, "pg")) {
        ret->pg = rds_parameter_group_get(call->txn, arn);
        ret->tags = ret->pg ? &ret->pg->tags : NULL;
    } else if (str_is(type, "snapshot")) {
        ret->snapshot = rds_snapshot_get(call->txn, arn);
        ret->tags = ret->snapshot ? &ret->snapshot->tags : NULL;
    } else {
        return RDS_INVALID(call, "Invalid resource name: %.*s", STR_ARG(arn));
    }
    return ret->tags ? 0 : not_found(call, type, rest);
}

/* The row with other tags. */
static int
tagged_save(struct api_call *call, const struct tagged *thing, const struct str_list *tags)
{
    int r;

    assert(tags->n % 2 == 0);
    if (thing->db) {
        struct rds_instance_row row = *thing->db;

        row.tags = *tags;
        r = rds_instance_update(call->txn, &row);
    } else if (thing->subgrp) {
        struct rds_subnet_group_row row = *thing->subgrp;

        row.tags = *tags;
        r = rds_subnet_group_update(call->txn, &row);
    } else if (thing->pg) {
        struct rds_parameter_group_row row = *thing->pg;

        row.tags = *tags;
        r = rds_parameter_group_update(call->txn, &row);
    } else {
        struct rds_snapshot_row row = *thing->snapshot;

        row.tags = *tags;
        r = rds_snapshot_update(call->txn, &row);
    }
    return rds_written(r, "tags", S(""));
}

/* ---- operations ---- */

int
rds_add_tags_to_resource(struct api_call *call, const struct rds_AddTagsToResourceMessage *req,
                         struct rds_AddTagsToResourceResult *res UNUSED)
{
    struct tagged thing;
    int r = tagged_find(call, req->resource_name, &thing);

    if (r)
        return r;
    struct str_list tags = *thing.tags;

    r = rds_tags_put(call, &req->tags, &tags);
    return r ? r : tagged_save(call, &thing, &tags);
}

int
rds_remove_tags_from_resource(struct api_call *call,
                              const struct rds_RemoveTagsFromResourceMessage *req,
                              struct rds_RemoveTagsFromResourceResult *res UNUSED)
{
    struct tagged thing;
    int r = tagged_find(call, req->resource_name, &thing);

    if (r)
        return r;
    LIST_EACH(&req->tag_keys, key)
        if (api_tag_reserved(call, *key))
            return RDS_INVALID(call,
                               "Tag keys that begin with aws: are reserved for internal use.");
    struct str_list tags = api_tags_without(call->arena, thing.tags, &req->tag_keys);

    return tagged_save(call, &thing, &tags);
}

int
rds_list_tags_for_resource(struct api_call *call, const struct rds_ListTagsForResourceMessage *req,
                           struct rds_TagListMessage *res)
{
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    struct tagged thing;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = tagged_find(call, req->resource_name, &thing);
    if (r == 0)
        res->tag_list = rds_tags_show(call->arena, thing.tags);
    return r;
}
