/*
 * What the API asks of IAM beside its operations: what authorization has to know of a user, group,
 * role … that a request names.
 */
#include "api/authorize.h"
#include "iam/common.h"

/*
 * iam:PermissionsBoundary of a change of what a user or role may: the boundary that it has.  Where
 * a boundary is given it is the new one, from the request.
 */
static void
add_boundary(struct api_call *call, struct str boundary, struct api_resource *ret)
{
    static const char *const operations[] = {
        "AttachRolePolicy",
        "AttachUserPolicy",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DeleteUserPermissionsBoundary",
        "DeleteUserPolicy",
        "DetachRolePolicy",
        "DetachUserPolicy",
        "PutRolePolicy",
        "PutUserPolicy",
    };

    assert(boundary.n == 0 || str_starts(boundary, S("arn:")));
    for (size_t i = 0; boundary.n && i < ARRAY_LEN(operations); i++)
        if (str_is(api_op_name(call->service, call->op), operations[i]))
            api_context_add(call, &ret->keys, S("iam:PermissionsBoundary"), boundary);
}

static int
user_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_user_row *row =
        id.n ? iam_user_by_name_get(call->txn, call->account, str_lower(call->arena, id))
             : iam_user_get(call->txn, call->principal.unique_id); /* the caller's own */

    if (row) {
        ret->arn = iam_arn(call, "user", row->path, row->name);
        ret->tags = &row->tags;
        add_boundary(call, row->boundary, ret);
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

static int
role_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_role_row *row =
        iam_role_by_name_get(call->txn, call->account, str_lower(call->arena, id));

    if (row) {
        ret->arn = iam_arn(call, "role", row->path, row->name);
        ret->tags = &row->tags;
        add_boundary(call, row->boundary, ret);
    }
    return 0;
}

static int
profile_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_profile_row *row =
        iam_profile_by_name_get(call->txn, call->account, str_lower(call->arena, id));

    if (row) {
        ret->arn = iam_arn(call, "instance-profile", row->path, row->name);
        ret->tags = &row->tags;
    }
    return 0;
}

/*
 * Policies, devices and providers are named by their ARNs (a device's is its serial number), except
 * where they are made.  tags: of the row, when there is one.
 */
static void
named_by_arn(const struct api_call *call, struct str id, struct str owner,
             const struct str_list *tags, struct api_resource *ret)
{
    assert(!tags || owner.n > 0);
    if (str_starts(id, S("arn:")))
        ret->arn = id;
    if (tags && str_eq(owner, call->account))
        ret->tags = tags;
}

#define NAMED_BY_ARN(call, id, row, ret)                                                           \
    named_by_arn(call, id, (row) ? (row)->account : S(""), (row) ? &(row)->tags : NULL, ret)

static int
policy_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_policy_row *row = iam_policy_by_arn_get(call->txn, id);

    NAMED_BY_ARN(call, id, row, ret);
    return 0;
}

static int
mfa_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_mfa_device_row *row = iam_mfa_device_get(call->txn, id);

    NAMED_BY_ARN(call, id, row, ret);
    return 0;
}

static int
provider_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_provider_row *row = iam_provider_get(call->txn, id);

    NAMED_BY_ARN(call, id, row, ret);
    if (str_starts(id, S("https://")))
        ret->arn = iam_arn(call, "oidc-provider", S("/"), str_cut(id, 8, id.n));
    return 0;
}

static int
server_certificate_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_server_certificate_row *row =
        iam_server_certificate_by_name_get(call->txn, call->account, str_lower(call->arena, id));

    if (row) {
        ret->arn = iam_arn(call, "server-certificate", row->path, row->name);
        ret->tags = &row->tags;
    }
    return 0;
}

/* "arn:aws:iam::123456789012:user/" and the prefix that the list asks for. */
static int
list_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    assert(str_ends(ret->arn, S("/")));
    struct str prefix = str_starts(id, S("/")) ? str_cut(id, 1, id.n) : id;

    assert(prefix.n == 0 || prefix.p[0] != '/' || str_starts(id, S("//")));
    ret->arn = str_cat(call->arena, ret->arn, prefix);
    return 0;
}

static int
policy_list_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    ret->arn = str_cat(call->arena, S("policy path "), id.n ? id : S("/"));
    return 0;
}

/* A line a type of iam.ops whose rows know more than the ARN's template. */
static const struct {
    const char *type;
    int (*look)(struct api_call *call, struct str id, struct api_resource *ret);
} types[] = {
    {"group", group_resource},
    {"groups", list_resource},
    {"instance-profile", profile_resource},
    {"instance-profiles", list_resource},
    {"mfa", mfa_resource},
    {"oidc-provider", provider_resource},
    {"policies", policy_list_resource},
    {"policy", policy_resource},
    {"principal", policy_resource},
    {"role", role_resource},
    {"roles", list_resource},
    {"saml-provider", provider_resource},
    {"server-certificate", server_certificate_resource},
    {"server-certificates", list_resource},
    {"service-linked-role", iam_service_role_resource},
    {"user", user_resource},
    {"users", list_resource},
};

static int
resource(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(type, types[i].type))
            return types[i].look(call, id, ret);
    return 0;
}

/* Condition keys that are members of the request, by the operations that have them. */
static const struct {
    const char *key, *member;
    const char *operations; /* how their names begin */
} keys[] = {
    {"iam:AWSServiceName", "AWSServiceName", "CreateServiceLinkedRole"},
    {"iam:PermissionsBoundary", "PermissionsBoundary", "CreateRole"},
    {"iam:PermissionsBoundary", "PermissionsBoundary", "CreateUser"},
    {"iam:PermissionsBoundary", "PermissionsBoundary", "PutRolePermissionsBoundary"},
    {"iam:PermissionsBoundary", "PermissionsBoundary", "PutUserPermissionsBoundary"},
    {"iam:PolicyARN", "PolicyArn", "Attach"},
    {"iam:PolicyARN", "PolicyArn", "Detach"},
};

static void
context(struct api_call *call, const void *req, struct policy_context *to)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    struct str operation = api_op_name(call->service, call->op);

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!str_starts(operation, str_from(keys[i].operations)))
            continue;
        const struct api_member *m =
            api_member_find(call->service, input, str_from(keys[i].member));

        assert(m && api_shape(call->service, m->shape)->kind == API_STRING);
        const struct str *value = (const void *)((const char *)req + m->offset);

        if (value->n)
            api_context_add(call, to, str_from(keys[i].key), *value);
    }
}

const struct api_service_hooks iam_hooks = {.service = &iam_service,
                                            .resource = resource,
                                            .context = context};
