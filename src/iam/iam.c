/*
 * What the API asks of IAM beside its operations: what authorization has to know of a user, group,
 * role … that a request names.
 */
#include "api/authorize.h"
#include "iam/common.h"

static int
user_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_user_row *row =
        iam_user_by_name_get(call->txn, call->account, str_lower(call->arena, id));

    if (row) {
        ret->arn = iam_arn(call, "user", row->path, row->name);
        ret->tags = &row->tags;
    }
    return 0;
}

static int
group_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_group_row *row =
        iam_group_by_name_get(call->txn, call->account, str_lower(call->arena, id));

    if (row)
        ret->arn = iam_arn(call, "group", row->path, row->name);
    return 0;
}

/* A line a type of iam.ops whose rows know more than the ARN's template. */
static const struct {
    const char *type;
    int (*look)(struct api_call *call, struct str id, struct api_resource *ret);
} types[] = {
    {"group", group_resource},
    {"user", user_resource},
};

static int
resource(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(type, types[i].type))
            return types[i].look(call, id, ret);
    return 0;
}

const struct api_service_hooks iam_hooks = {.service = &iam_service, .resource = resource};
