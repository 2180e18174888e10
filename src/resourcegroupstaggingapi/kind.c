/*
 * What can be tagged, in one table: which rows there are, and what their ARNs are.
 *
 * Tags are read where they are, in the rows of the services; a copy would be one to keep true.
 * They are changed by the services' own operations, so that their policies and limits hold.
 */
#include "resourcegroupstaggingapi/resourcegroupstaggingapi.h"

#include "api/authorize.h"
#include "gen/api/cloudwatch.h"
#include "gen/api/ec2.h"
#include "gen/api/ecr.h"
#include "gen/api/kms.h"
#include "gen/api/lambda.h"
#include "gen/api/resourcegroups.h"
#include "gen/api/s3.h"
#include "gen/api/secretsmanager.h"
#include "gen/api/ssm.h"
#include "gen/store/cloudformation_rows.h"
#include "gen/store/cloudwatch_rows.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/ecr_rows.h"
#include "gen/store/kms_rows.h"
#include "gen/store/lambda_rows.h"
#include "gen/store/resourcegroups_rows.h"
#include "gen/store/s3_rows.h"
#include "gen/store/secretsmanager_rows.h"
#include "gen/store/ssm_rows.h"

#include <stdlib.h>

const struct api_error tagging_invalid = {"InvalidParameterException", 400};

#define VIA "tagging.amazonaws.com"

/* ---- changes ---- */

static int
ec2_change(struct api_call *call, struct str arn UNUSED, struct str id,
           const struct tagging_change *change)
{
    struct str_list ids = {&id, 1};

    if (change->put) {
        struct ec2_CreateTagsRequest req = {.resources = ids};
        struct ec2_CreateTagsResult res = {0};

        LIST_EACH(change->put, tag)
            *LIST_PUSH(call->arena, &req.tags) =
                (struct ec2_Tag){.key = tag->key, .value = tag->value};
        return api_call_internal(call, "ec2", "CreateTags", &req, &res, VIA);
    }
    struct ec2_DeleteTagsRequest req = {.resources = ids};
    struct ec2_DeleteTagsResult res = {0};

    LIST_EACH(change->drop, key)
        *LIST_PUSH(call->arena, &req.tags) = (struct ec2_Tag){.key = *key};
    return api_call_internal(call, "ec2", "DeleteTags", &req, &res, VIA);
}

static int
kms_change(struct api_call *call, struct str arn, struct str id UNUSED,
           const struct tagging_change *change)
{
    if (change->put) {
        struct kms_TagResourceRequest req = {.key_id = arn};
        struct kms_TagResourceResult res = {0};

        LIST_EACH(change->put, tag)
            *LIST_PUSH(call->arena, &req.tags) =
                (struct kms_Tag){.tag_key = tag->key, .tag_value = tag->value};
        return api_call_internal(call, "kms", "TagResource", &req, &res, VIA);
    }
    struct kms_UntagResourceRequest req = {.key_id = arn, .tag_keys = *change->drop};
    struct kms_UntagResourceResult res = {0};

    return api_call_internal(call, "kms", "UntagResource", &req, &res, VIA);
}

/* Of services whose two operations differ in nothing but names. */
#define CHANGE_OF(name, service, prefix, target, Put, Put_result, Drop, Drop_result)               \
    static int name(struct api_call *call, struct str arn, struct str id UNUSED,                   \
                    const struct tagging_change *change)                                           \
    {                                                                                              \
        if (change->put) {                                                                         \
            struct prefix##_##Put req = {.target = arn};                                           \
            struct prefix##_##Put_result res = {0};                                                \
                                                                                                   \
            LIST_EACH(change->put, tag)                                                            \
                *LIST_PUSH(call->arena, &req.tags) =                                               \
                    (struct prefix##_Tag){.key = tag->key, .value = tag->value};                   \
            return api_call_internal(call, service, "TagResource", &req, &res, VIA);               \
        }                                                                                          \
        struct prefix##_##Drop req = {.target = arn, .tag_keys = *change->drop};                   \
        struct prefix##_##Drop_result res = {0};                                                   \
                                                                                                   \
        return api_call_internal(call, service, "UntagResource", &req, &res, VIA);                 \
    }

CHANGE_OF(secret_change, "secretsmanager", secretsmanager, secret_id, TagResourceRequest,
          TagResourceResult, UntagResourceRequest, UntagResourceResult)
CHANGE_OF(repository_change, "ecr", ecr, resource_arn, TagResourceRequest, TagResourceResponse,
          UntagResourceRequest, UntagResourceResponse)
CHANGE_OF(alarm_change, "cloudwatch", cloudwatch, resource_arn, TagResourceInput, TagResourceOutput,
          UntagResourceInput, UntagResourceOutput)

static int
function_change(struct api_call *call, struct str arn, struct str id UNUSED,
                const struct tagging_change *change)
{
    if (change->put) {
        struct lambda_TagResourceRequest req = {.resource = arn};
        struct lambda_TagResourceResult res = {0};

        LIST_EACH(change->put, tag)
            *LIST_PUSH(call->arena, &req.tags) =
                (struct lambda_TextMapEntry){.key = tag->key, .value = tag->value};
        return api_call_internal(call, "lambda", "TagResource", &req, &res, VIA);
    }
    struct lambda_UntagResourceRequest req = {.resource = arn, .tag_keys = *change->drop};
    struct lambda_UntagResourceResult res = {0};

    return api_call_internal(call, "lambda", "UntagResource", &req, &res, VIA);
}

/* Whether a tag of that key stays as it is. */
static bool
stays(const struct tagging_change *change, struct str key)
{
    assert(key.n > 0 && (change->put || change->drop));
    if (!change->put)
        return !str_in(change->drop, key);
    LIST_EACH(change->put, tag)
        if (str_eq(tag->key, key))
            return false;
    return true;
}

/* A bucket's tags are one set: it is read and put back. */
static int
bucket_change(struct api_call *call, struct str arn UNUSED, struct str id,
              const struct tagging_change *change)
{
    struct s3_GetBucketTaggingRequest ask = {.bucket = id};
    struct s3_GetBucketTaggingOutput now = {0};
    struct s3_Tagging set = {0};
    int r = api_call_internal(call, "s3", "GetBucketTagging", &ask, &now, VIA);

    if (r < 0 || (r > 0 && !str_is(call->fault.code, "NoSuchTagSet")))
        return r;
    call->fault = (struct api_fault){0};
    LIST_EACH(&now.tag_set, tag)
        if (stays(change, tag->key))
            *LIST_PUSH(call->arena, &set.tag_set) = *tag;
    for (size_t i = 0; change->put && i < change->put->n; i++)
        *LIST_PUSH(call->arena, &set.tag_set) =
            (struct s3_Tag){.key = change->put->v[i].key, .value = change->put->v[i].value};
    assert(change->drop || set.tag_set.n > 0);
    if (!set.tag_set.n) {
        struct s3_DeleteBucketTaggingRequest req = {.bucket = id};
        struct s3_DeleteBucketTaggingResult res = {0};

        return api_call_internal(call, "s3", "DeleteBucketTagging", &req, &res, VIA);
    }
    struct s3_PutBucketTaggingRequest req = {.bucket = id, .tagging = &set};
    struct s3_PutBucketTaggingResult res = {0};

    return api_call_internal(call, "s3", "PutBucketTagging", &req, &res, VIA);
}

static int
group_change(struct api_call *call, struct str arn, struct str id UNUSED,
             const struct tagging_change *change)
{
    if (change->put) {
        struct resourcegroups_TagInput req = {.arn = arn};
        struct resourcegroups_TagOutput res = {0};

        LIST_EACH(change->put, tag)
            *LIST_PUSH(call->arena, &req.tags) =
                (struct resourcegroups_TextMapEntry){.key = tag->key, .value = tag->value};
        return api_call_internal(call, "resourcegroups", "Tag", &req, &res, VIA);
    }
    struct resourcegroups_UntagInput req = {.arn = arn, .keys = *change->drop};
    struct resourcegroups_UntagOutput res = {0};

    return api_call_internal(call, "resourcegroups", "Untag", &req, &res, VIA);
}

/* ARNs leave out the slash that a path begins with. */
static struct str
parameter_name(struct api_call *call, struct str id)
{
    assert(id.n > 0);
    return str_find_char(id, '/') == SIZE_MAX ? id : str_cat(call->arena, S("/"), id);
}

static int
parameter_change(struct api_call *call, struct str arn UNUSED, struct str id,
                 const struct tagging_change *change)
{
    struct str name = parameter_name(call, id);

    if (change->put) {
        struct ssm_AddTagsToResourceRequest req = {.resource_type = S("Parameter"),
                                                   .resource_id = name};
        struct ssm_AddTagsToResourceResult res = {0};

        LIST_EACH(change->put, tag)
            *LIST_PUSH(call->arena, &req.tags) =
                (struct ssm_Tag){.key = tag->key, .value = tag->value};
        return api_call_internal(call, "ssm", "AddTagsToResource", &req, &res, VIA);
    }
    struct ssm_RemoveTagsFromResourceRequest req = {
        .resource_type = S("Parameter"), .resource_id = name, .tag_keys = *change->drop};
    struct ssm_RemoveTagsFromResourceResult res = {0};

    return api_call_internal(call, "ssm", "RemoveTagsFromResource", &req, &res, VIA);
}

/* ---- the table ---- */

#define EC2(type_, name, ...)                                                                      \
    {                                                                                              \
        .service = "ec2", .type = (type_), .separator = '/', .walk = &ec2_##name##_by_owner,       \
        .id = offsetof(struct ec2_##name##_row, id),                                               \
        .tags = offsetof(struct ec2_##name##_row, tags), .change = ec2_change, __VA_ARGS__         \
    }

static const struct tagging_kind kinds[] = {
    EC2("capacity-reservation", capacity_reservation),
    EC2("dedicated-host", dedicated_host),
    EC2("dhcp-options", dhcp_options),
    EC2("elastic-ip", address),
    EC2("host-reservation", host_reservation),
    EC2("image", image, .ownerless = true),
    EC2("instance", instance),
    EC2("instance-event-window", event_window),
    EC2("internet-gateway", internet_gateway),
    EC2("key-pair", key_pair),
    EC2("launch-template", launch_template),
    EC2("natgateway", nat_gateway),
    EC2("network-acl", network_acl),
    EC2("network-interface", interface),
    EC2("placement-group", placement_group),
    EC2("route-table", route_table),
    EC2("security-group", security_group),
    EC2("security-group-rule", sg_rule),
    EC2("snapshot", snapshot, .ownerless = true),
    EC2("subnet", subnet),
    EC2("volume", volume),
    EC2("vpc", vpc),
    EC2("vpc-peering-connection", vpc_peering),
    {
        .service = "cloudformation",
        .type = "stack",
        .separator = '/',
        .whole = true,
        .walk = &cfn_stack_by_owner,
        .id = offsetof(struct cfn_stack_row, id),
        .tags = offsetof(struct cfn_stack_row, tags),
        .alive = offsetof(struct cfn_stack_row, live_name),
    },
    {
        .service = "cloudwatch",
        .type = "alarm",
        .separator = ':',
        .whole = true,
        .walk = &cloudwatch_alarm_by_owner,
        .id = offsetof(struct cloudwatch_alarm_row, id),
        .tags = offsetof(struct cloudwatch_alarm_row, tags),
        .change = alarm_change,
    },
    {
        .service = "ecr",
        .type = "repository",
        .separator = '/',
        .whole = true,
        .walk = &ecr_repository_by_name,
        .id = offsetof(struct ecr_repository_row, arn),
        .tags = offsetof(struct ecr_repository_row, tags),
        .change = repository_change,
    },
    {
        .service = "kms",
        .type = "key",
        .separator = '/',
        .whole = true,
        .walk = &kms_key_by_owner,
        .id = offsetof(struct kms_key_row, arn),
        .tags = offsetof(struct kms_key_row, tags),
        .change = kms_change,
    },
    {
        .service = "lambda", /* of the rows of a function $LATEST has its tags */
        .type = "function",
        .separator = ':',
        .walk = &lambda_function_by_name,
        .id = offsetof(struct lambda_function_row, name),
        .tags = offsetof(struct lambda_function_row, tags),
        .change = function_change,
    },
    {
        .service = "resource-groups",
        .type = "group",
        .separator = '/',
        .whole = true,
        .walk = &rg_group_by_owner,
        .id = offsetof(struct rg_group_row, arn),
        .tags = offsetof(struct rg_group_row, tags),
        .change = group_change,
    },
    {
        .service = "s3",
        .type = "",
        .region = offsetof(struct s3_bucket_row, region),
        .walk = &s3_bucket_by_account,
        .id = offsetof(struct s3_bucket_row, name),
        .tags = offsetof(struct s3_bucket_row, tags),
        .change = bucket_change,
    },
    {
        .service = "secretsmanager",
        .type = "secret",
        .separator = ':',
        .whole = true,
        .walk = &secret_by_name,
        .id = offsetof(struct secret_row, arn),
        .tags = offsetof(struct secret_row, tags),
        .change = secret_change,
    },
    {
        .service = "ssm",
        .type = "parameter",
        .separator = '/',
        .by_path = true,
        .walk = &ssm_parameter_by_key,
        .id = offsetof(struct ssm_parameter_row, id),
        .tags = offsetof(struct ssm_parameter_row, tags),
        .change = parameter_change,
    },
};

/* ---- all things ---- */

static struct str
row_str(const void *row, size_t offset)
{
    return *(const struct str *)((const char *)row + offset);
}

static void
take(struct api_call *call, const struct tagging_kind *kind, const void *row, struct str id,
     struct tagging_things *list)
{
    const struct str_list *tags = (const struct str_list *)((const char *)row + kind->tags);

    if (tags->n == 0 || (kind->alive && row_str(row, kind->alive).n == 0))
        return;
    assert(tags->n % 2 == 0);
    if (kind->region)
        id = str_fmt(call->arena, "arn:aws:%s:::%.*s", kind->service, STR_ARG(id));
    else if (!kind->whole)
        id = str_fmt(call->arena, "arn:aws:%s:%.*s:%.*s:%s%c%.*s", kind->service,
                     STR_ARG(call->region), STR_ARG(kind->ownerless ? S("") : call->account),
                     kind->type, kind->separator, STR_ARG(id));
    assert(str_starts(id, S("arn:aws:")));
    *LIST_PUSH(call->arena, list) = (struct tagging_thing){.arn = id, .kind = kind, .tags = tags};
}

static void
take_path(struct api_call *call, const struct tagging_kind *kind, struct tagging_things *list)
{
    struct store_cursor cursor = store_seek(call->txn, kind->walk, NULL, 0);
    struct str start =
        str_fmt(call->arena, "%.*s/%.*s/", STR_ARG(call->account), STR_ARG(call->region));
    const void *row;

    assert(kind->by_path && start.n > 2);
    store_from(&cursor, STORE_KEYS(start));
    while ((row = store_next(&cursor)) && str_starts(row_str(row, kind->id), start))
        take(call, kind, row, str_cut(row_str(row, kind->id), start.n, SIZE_MAX), list);
}

static void
take_owned(struct api_call *call, const struct tagging_kind *kind, struct tagging_things *list)
{
    const struct store_key owner[] = {STORE_KEY(call->account), STORE_KEY(call->region)};
    struct store_cursor cursor =
        store_seek(call->txn, kind->walk, owner, kind->region ? 1 : ARRAY_LEN(owner));
    const void *row;

    assert(!kind->by_path);
    while ((row = store_next(&cursor)))
        if (!kind->region || str_eq(row_str(row, kind->region), call->region))
            take(call, kind, row, row_str(row, kind->id), list);
}

static int
by_arn(const void *a, const void *b)
{
    return str_cmp(((const struct tagging_thing *)a)->arn, ((const struct tagging_thing *)b)->arn);
}

struct tagging_things
tagging_things(struct api_call *call)
{
    struct tagging_things list = {0};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        (kinds[i].by_path ? take_path : take_owned)(call, &kinds[i], &list);
    if (list.n)
        qsort(list.v, list.n, sizeof(list.v[0]), by_arn);
    return list;
}

/* ---- ARNs ---- */

/* "instance/i-1": the place of the id; 0: it is not of that kind. */
static size_t
id_at(const struct tagging_kind *kind, struct str rest)
{
    size_t n = strlen(kind->type);

    assert(!kind->separator == (kind->region != 0)); /* what has no region in its ARN has no type */
    if (!kind->separator)
        return 0;
    return str_is(str_cut(rest, 0, n), kind->type) && rest.n > n + 1 && rest.p[n] == kind->separator
               ? n + 1
               : 0;
}

bool
tagging_arn_parse(struct str text, struct tagging_arn *ret)
{
    struct str rest = text, head = str_split(&rest, ':'), partition = str_split(&rest, ':');

    *ret = (struct tagging_arn){.service = str_split(&rest, ':')};
    ret->region = str_split(&rest, ':');
    ret->account = str_split(&rest, ':');
    ret->id = rest;
    if (!str_is(head, "arn") || !str_is(partition, "aws") || !ret->service.n || !rest.n)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        bool plain = kinds[i].region != 0;
        size_t at = plain ? 0 : id_at(&kinds[i], rest);

        if (!str_is(ret->service, kinds[i].service) || (at == 0 && !plain))
            continue;
        assert(rest.n > at && !ret->kind); /* no two kinds look the same */
        ret->kind = &kinds[i];
        ret->id = str_cut(rest, at, rest.n);
        if (plain) /* buckets have names that are one in all regions and accounts */
            return !ret->region.n && !ret->account.n && str_find_char(rest, '/') == SIZE_MAX;
    }
    return ret->region.n && (ret->account.n > 0 || (ret->kind && ret->kind->ownerless));
}

int
tagging_arns_check(struct api_call *call, const struct str_list *arns)
{
    struct tagging_arn arn;

    LIST_EACH(arns, text) {
        if (!tagging_arn_parse(*text, &arn))
            return api_fault(call, &tagging_invalid, "%.*s is not a valid AmazonResourceName (ARN)",
                             STR_ARG(*text));
    }
    return 0;
}
