/*
 * Who may do what with a key.  The key's policy decides; it lets IAM policies speak where it allows
 * the account; a grant allows its grantee what neither mentions.  An explicit deny beats all.
 *
 * Here is what the policy engine is told of a key and of a request: the condition keys kms:*.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
#include "kms/access.h"

static void
add(struct api_call *call, struct policy_context *context, const char *name, struct str value)
{
    if (value.n)
        api_context_add(call, context, str_from(name), value);
}

static void
add_bool(struct api_call *call, struct policy_context *context, const char *name, bool on)
{
    add(call, context, name, on ? S("true") : S("false"));
}

static void
add_list(struct api_call *call, struct policy_context *context, const char *name,
         const struct str_list *values)
{
    if (values->n)
        *LIST_PUSH(call->arena, context) = (struct policy_key){
            .name = str_from(name), .values = values->v, .n = values->n, .multi = true};
}

/* ---- of the key ---- */

static void
key_keys(struct api_call *call, const struct kms_key_row *row, struct policy_context *keys)
{
    struct str_list aliases = {NULL, 0};

    add(call, keys, "kms:KeySpec", row->spec);
    add(call, keys, "kms:CustomerMasterKeySpec", row->spec);
    add(call, keys, "kms:KeyUsage", row->usage);
    add(call, keys, "kms:CustomerMasterKeyUsage", row->usage);
    add(call, keys, "kms:KeyOrigin", row->origin);
    add_bool(call, keys, "kms:MultiRegion", row->multi_region);
    if (row->multi_region)
        add(call, keys, "kms:MultiRegionKeyType",
            kms_is_replica(row) ? S("REPLICA") : S("PRIMARY"));
    STORE_EACH(call->txn, kms_alias_of_key, alias, row->arn) {
        *LIST_PUSH(call->arena, &aliases) = alias->name;
    }
    add_list(call, keys, "kms:ResourceAliases", &aliases);
}

struct api_resource
kms_resource_of(struct api_call *call, const struct kms_key_row *row)
{
    struct api_resource resource = {
        .arn = row->arn,
        .account = row->account,
        .tags = &row->tags,
        .policy = row->policy,
        .policy_kind = POLICY_RESOURCE,
        .policy_rules = true,
    };

    key_keys(call, row, &resource.keys);
    return resource;
}

/* ---- of the request ---- */

/* Members whose value is a condition key; `name` where it is not the member's own. */
static const struct {
    const char *member, *name;
} request_members[] = {
    {"EncryptionAlgorithm", NULL},
    {"SigningAlgorithm", NULL},
    {"MacAlgorithm", NULL},
    {"MessageType", NULL},
    {"KeyAgreementAlgorithm", NULL},
    {"KeyPairSpec", "DataKeyPairSpec"},
    {"GranteePrincipal", NULL},
    {"RetiringPrincipal", NULL},
    {"ExpirationModel", NULL},
    {"WrappingAlgorithm", NULL},
    {"WrappingKeySpec", NULL},
    {"PrimaryRegion", NULL},
    {"ReplicaRegion", NULL},
    {"PendingWindowInDays", "ScheduleKeyDeletionPendingWindowInDays"},
    {"RotationPeriodInDays", NULL},
    {"BypassPolicyLockoutSafetyCheck", NULL},
};

/* Of CreateKey, where the request is what the key will be. */
static const struct {
    const char *member, *name;
} created_members[] = {
    {"KeySpec", "KeySpec"},
    {"KeyUsage", "KeyUsage"},
    {"Origin", "KeyOrigin"},
    {"MultiRegion", "MultiRegion"},
};

static void
add_member(struct api_call *call, const void *req, const char *member, const char *name,
           struct policy_context *context)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    const struct api_member *m = api_member_find(call->service, input, str_from(member));

    if (!m)
        return;
    const void *at = (const char *)req + m->offset;
    const char *key = str_cstr(call->arena, str_fmt(call->arena, "kms:%s", name));

    switch (api_shape(call->service, m->shape)->kind) {
    case API_STRING:
    case API_ENUM:
        add(call, context, key, *(const struct str *)at);
        break;
    case API_BOOL:
        add_bool(call, context, key, opt_bool_or(*(const struct opt_bool *)at, false));
        break;
    case API_INT:
        if (((const struct opt_i64 *)at)->set)
            add(call, context, key,
                str_fmt(call->arena, "%lld", (long long)((const struct opt_i64 *)at)->v));
        break;
    default:
        assert(!"a member of another kind is no condition key");
    }
}

/* The name by which the caller called the key. */
static void
add_alias(struct api_call *call, const void *req, struct policy_context *context)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    const struct api_member *m = api_member_find(call->service, input, S("KeyId"));

    if (!m)
        return;
    struct str id = *(const struct str *)((const char *)req + m->offset);
    size_t alias = str_find(id, S("alias/"));

    if (alias == 0 || (alias != SIZE_MAX && id.p[alias - 1] == ':'))
        add(call, context, "kms:RequestAlias", str_cut(id, alias, id.n));
}

void
kms_request_context(struct api_call *call, const void *req, struct policy_context *context)
{
    add(call, context, "kms:CallerAccount", call->account);
    if (call->via.n) {
        struct str rest = call->via, service = str_split(&rest, '.');

        /* ssm.amazonaws.com calls as ssm.us-east-1.amazonaws.com */
        add(call, context, "kms:ViaService",
            str_fmt(call->arena, "%.*s.%.*s.%.*s", STR_ARG(service), STR_ARG(call->region),
                    STR_ARG(rest)));
    }
    for (size_t i = 0; i < ARRAY_LEN(request_members); i++)
        add_member(call, req, request_members[i].member,
                   request_members[i].name ? request_members[i].name : request_members[i].member,
                   context);
    if (str_is(api_op_name(call->service, call->op), "CreateKey"))
        for (size_t i = 0; i < ARRAY_LEN(created_members); i++)
            add_member(call, req, created_members[i].member, created_members[i].name, context);
    add_alias(call, req, context);
}

/* ---- of one use of a key ---- */

static const char *const context_prefix = "kms:EncryptionContext:";

/* The encryption context, and what a grant is to allow. */
static struct policy_context
use_keys(struct api_call *call, const struct kms_want *want)
{
    struct str_list pairs = kms_pairs(call->arena, want->context), names = {NULL, 0};
    struct policy_context keys = {NULL, 0};

    assert(!want->operations || str_is(api_op_name(call->service, call->op), "CreateGrant"));
    for (size_t i = 0; i < pairs.n; i += 2) {
        struct str name = str_fmt(call->arena, "%s%.*s", context_prefix, STR_ARG(pairs.v[i]));

        api_context_add(call, &keys, name, pairs.v[i + 1]);
        *LIST_PUSH(call->arena, &names) = pairs.v[i];
        assert(names.n <= pairs.n / 2);
    }
    add_list(call, &keys, "kms:EncryptionContextKeys", &names);
    if (want->operations) {
        add_list(call, &keys, "kms:GrantOperations", want->operations);
        add_bool(call, &keys, "kms:GrantIsForAWSResource", call->via.n > 0);
    }
    return keys;
}

/* Operations for which AWS managed keys are not there: only the cloud does those. */
static int
refuse(struct api_call *call, struct str action, struct str arn)
{
    return api_fault(call, &KMS_ERR(AccessDeniedException),
                     "User: %.*s is not authorized to perform: %.*s on resource: %.*s because no "
                     "resource-based policy allows the %.*s action",
                     STR_ARG(call->principal_arn), STR_ARG(action), STR_ARG(arn), STR_ARG(action));
}

static int
tokens_check(struct api_call *call, const struct str_list *tokens)
{
    for (size_t i = 0; tokens && i < tokens->n; i++)
        if (!kms_token_grant(call, tokens->v[i]))
            return api_fault(call, &KMS_ERR(InvalidGrantTokenException), "Invalid grant token");
    return 0;
}

int
kms_access(struct api_call *call, const struct kms_want *want, const struct kms_key_row *row)
{
    struct str name = want->action ? str_from(want->action) : api_op_name(call->service, call->op);
    struct str action = str_fmt(call->arena, "kms:%.*s", STR_ARG(name));
    bool foreign = !str_eq(row->account, call->account);

    assert(str_ends(row->arn, row->id) && row->policy.n > 0);
    if ((row->aws_service.n && !(want->allow & KMS_MANAGED_TOO)) ||
        (foreign && !(want->allow & KMS_OF_OTHERS)))
        return refuse(call, action, row->arn);
    int r = tokens_check(call, want->tokens);

    if (r)
        return r;
    struct api_resource resource = kms_resource_of(call, row);
    struct policy_context keys = use_keys(call, want);

    return api_authorize_on(call, action, &resource, &keys);
}

/* ---- grants ---- */

static const struct policy_key *
key_named(const struct policy_context *context, const char *name)
{
    for (size_t i = 0; context && i < context->n; i++)
        if (str_is(context->v[i].name, name))
            return &context->v[i];
    return NULL;
}

/* The encryption context that use_keys() wrote down, sorted as it was. */
static struct str_list
context_pairs(struct arena *a, const struct policy_context *context)
{
    struct str prefix = str_from(context_prefix);
    struct str_list pairs = {NULL, 0};

    for (size_t i = 0; context && i < context->n; i++) {
        const struct policy_key *key = &context->v[i];

        if (!str_starts(key->name, prefix))
            continue;
        assert(key->n == 1);
        *LIST_PUSH(a, &pairs) = str_cut(key->name, prefix.n, key->name.n);
        *LIST_PUSH(a, &pairs) = key->values[0];
    }
    return pairs;
}

/* A holder of CreateGrant passes on no more than it holds. */
static bool
passes_on(const struct kms_grant_row *grant, const struct policy_context *context)
{
    const struct policy_key *operations = key_named(context, "kms:GrantOperations");

    for (size_t i = 0; operations && i < operations->n; i++)
        if (!str_in(&grant->operations, operations->values[i]))
            return false;
    return true;
}

bool
kms_granted(struct api_call *call, struct str action, const struct api_resource *resource,
            const struct policy_context *extra)
{
    struct str operation = str_cut(action, strlen("kms:"), action.n);
    struct str_list context = context_pairs(call->arena, extra);
    bool with_context = key_named(extra, "kms:EncryptionContextKeys") != NULL ||
                        str_starts(operation, S("ReEncrypt")) ||
                        str_starts(operation, S("GenerateDataKey")) ||
                        str_is(operation, "Encrypt") || str_is(operation, "Decrypt");

    assert(str_starts(action, S("kms:")));
    STORE_EACH(call->txn, kms_grant_of_key, grant, resource->arn) {
        kms_grant_assert(grant);
        if (kms_principal_is(grant->grantee, &call->principal) &&
            str_in(&grant->operations, operation) && passes_on(grant, extra) &&
            (!with_context || kms_constraints_met(grant, &context)))
            return true;
    }
    return false;
}
