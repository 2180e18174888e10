/*
 * What the API asks of this service beside its operations: what policies may ask of a secret and of
 * a request.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 */
#include "secretsmanager/secretsmanager.h"

#include "gen/store/kms_rows.h"

const struct api_error secret_errors[SECRET_N_ERRORS] = {
#define X(name) [SECRET_ERROR_##name] = {#name, 400},
    SECRET_ERRORS(X)
#undef X
};

/* ---- of the secret ---- */

struct api_resource
secret_resource(struct api_call *call, const struct secret_row *row)
{
    struct api_resource resource = {
        .arn = row->arn,
        .account = row->account,
        .tags = &row->tags,
        .policy = row->policy,
        .policy_kind = POLICY_RESOURCE,
    };

    secret_assert(row);
    api_context_add(call, &resource.keys, S("secretsmanager:SecretPrimaryRegion"),
                    row->primary_region.n ? row->primary_region : row->region);
    return resource;
}

static int
resource_find(struct api_call *call, struct str type, struct str id, struct api_resource *resource)
{
    const struct secret_row *row = secret_named(call, id);

    assert(str_is(type, "secret"));
    if (row)
        *resource = secret_resource(call, row);
    return 0;
}

/* ---- of the request ---- */

/* Members of requests whose value is the condition key of the same name. */
static const char *const request_members[] = {
    "Name",
    "Description",
    "KmsKeyId",
    "SecretId",
    "VersionId",
    "VersionStage",
    "RecoveryWindowInDays",
    "ForceDeleteWithoutRecovery",
    "ForceOverwriteReplicaSecret",
    "RotationLambdaARN",
    "RotateImmediately",
    "BlockPublicPolicy",
    "Type",
};

static void
add_member(struct api_call *call, const void *req, const char *name, struct policy_context *context)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    const struct api_member *m = api_member_find(call->service, input, str_from(name));
    struct str value = STR_NONE;

    if (!m)
        return;
    const void *at = (const char *)req + m->offset;
    enum api_kind kind = api_shape(call->service, m->shape)->kind;

    assert(kind == API_STRING || kind == API_BOOL || kind == API_LONG);
    if (kind == API_STRING)
        value = *(const struct str *)at;
    else if (kind == API_BOOL && ((const struct opt_bool *)at)->set)
        value = ((const struct opt_bool *)at)->v ? S("true") : S("false");
    else if (kind == API_LONG && ((const struct opt_i64 *)at)->set)
        value = str_fmt(call->arena, "%lld", (long long)((const struct opt_i64 *)at)->v);
    if (value.n)
        api_context_add(call, context, str_fmt(call->arena, "secretsmanager:%s", name), value);
}

/* The ARN of a key that the request names, through its alias if need be. */
static struct str
key_arn(struct api_call *call, struct str id)
{
    struct str arn = id;

    if (!str_starts(id, S("arn:")))
        arn =
            str_fmt(call->arena, "arn:aws:kms:%.*s:%.*s:%s%.*s", STR_ARG(call->region),
                    STR_ARG(call->account), str_starts(id, S("alias/")) ? "" : "key/", STR_ARG(id));
    const struct kms_alias_row *alias = kms_alias_get(call->txn, arn);

    assert(!alias || str_starts(alias->key_arn, S("arn:aws:kms:")));
    return alias ? alias->key_arn : arn;
}

/* A list of structs of which one member is a condition key with many values. */
static void
add_regions(struct api_call *call, const struct secretsmanager_ReplicaRegionTypeList *regions,
            struct policy_context *context)
{
    struct str_list names = {NULL, 0};

    LIST_EACH(regions, region) {
        if (region->region.n)
            *LIST_PUSH(call->arena, &names) = region->region;
    }
    if (names.n)
        *LIST_PUSH(call->arena, context) =
            (struct policy_key){.name = S("secretsmanager:AddReplicaRegions"),
                                .values = names.v,
                                .n = names.n,
                                .multi = true};
}

static void
request_context(struct api_call *call, const void *req, struct policy_context *context)
{
    struct str op = api_op_name(call->service, call->op), key = STR_NONE;

    for (size_t i = 0; i < ARRAY_LEN(request_members); i++)
        add_member(call, req, request_members[i], context);
    if (str_is(op, "CreateSecret")) {
        const struct secretsmanager_CreateSecretRequest *create = req;

        key = create->kms_key_id;
        add_regions(call, &create->add_replica_regions, context);
    } else if (str_is(op, "UpdateSecret")) {
        key = ((const struct secretsmanager_UpdateSecretRequest *)req)->kms_key_id;
    } else if (str_is(op, "ReplicateSecretToRegions")) {
        const struct secretsmanager_ReplicateSecretToRegionsRequest *replicate = req;

        add_regions(call, &replicate->add_replica_regions, context);
    } else if (str_is(op, "RotateSecret")) {
        const struct secretsmanager_RotateSecretRequest *rotate = req;

        api_context_add(call, context, S("secretsmanager:ModifyRotationRules"),
                        rotate->rotation_rules ? S("true") : S("false"));
    }
    if (key.n)
        api_context_add(call, context, S("secretsmanager:KmsKeyArn"), key_arn(call, key));
}

const struct api_service_hooks secretsmanager_hooks = {
    .service = &secretsmanager_service,
    .prepare_needed = secret_due_needed,
    .prepare = secret_due,
    .resource = resource_find,
    .context = request_context,
    .resource_policies = true,
};
