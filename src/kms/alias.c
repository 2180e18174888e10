/* Aliases: names of keys in an account and region.  alias/aws/ is the cloud's own. */
#include "kms/access.h"

enum { ALIASES_PAGE = 50, ALIASES_PAGE_MAX = 100, ALIASES_OF_KEY_MAX = 50 };

static int
name_check(struct api_call *call, struct str name)
{
    if (!str_starts(name, S("alias/")))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Alias must start with the prefix \"alias/\". Please see "
                         "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
    if (str_starts(name, S("alias/aws/")))
        return api_fault(call, &KMS_ERR(NotAuthorizedException), "%s", "");
    if (str_find_char(name, ':') != SIZE_MAX)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "%.*s contains invalid characters for an alias", STR_ARG(name));
    if (str_is(name, "alias/"))
        return api_fault(call, &KMS_ERR(InvalidAliasNameException), "Invalid alias name '%.*s'",
                         STR_ARG(name));
    return 0;
}

/* An alias is a thing of its own, without a policy; its key is asked about besides. */
static int
alias_access(struct api_call *call, struct str arn)
{
    const struct api_resource resource = {
        .arn = arn, .account = call->account, .policy_kind = POLICY_RESOURCE};

    assert(str_find(arn, S(":alias/")) != SIZE_MAX);
    return api_authorize_on(call, api_action(call), &resource, NULL);
}

/* The key that an alias is to stand for: by id or ARN, of this account. */
static int
target_find(struct api_call *call, struct str id, const struct kms_key_row **ret)
{
    struct kms_want want = {.id = id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};

    if (str_starts(id, S("alias/")) || str_find(id, S(":alias/")) != SIZE_MAX)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Aliases must refer to keys. Not aliases");
    return kms_key_find(call, &want, ret);
}

static int
room_check(struct api_call *call, const struct kms_key_row *key)
{
    size_t n = 0;

    STORE_EACH(call->txn, kms_alias_of_key, alias, key->arn) {
        assert(str_eq(alias->account, key->account));
        n++;
    }
    if (n < ALIASES_OF_KEY_MAX)
        return 0;
    return api_fault(call, &KMS_ERR(LimitExceededException),
                     "The number of aliases for key %.*s has reached its limit of %d",
                     STR_ARG(key->arn), ALIASES_OF_KEY_MAX);
}

int
kms_create_alias(struct api_call *call, const struct kms_CreateAliasRequest *req,
                 struct kms_CreateAliasResult *res UNUSED)
{
    struct str arn = kms_alias_arn(call->arena, call->region, call->account, req->alias_name);
    const struct kms_key_row *key;
    int r = name_check(call, req->alias_name);

    if (r == 0)
        r = alias_access(call, arn);
    if (r == 0)
        r = target_find(call, req->target_key_id, &key);
    if (r == 0 && kms_alias_get(call->txn, arn))
        r = api_fault(call, &KMS_ERR(AlreadyExistsException),
                      "An alias with the name %.*s already exists", STR_ARG(arn));
    if (r == 0)
        r = room_check(call, key);
    if (r)
        return r;
    r = kms_alias_insert(call->txn, &(struct kms_alias_row){.arn = arn,
                                                            .account = call->account,
                                                            .region = call->region,
                                                            .name = req->alias_name,
                                                            .key_arn = key->arn,
                                                            .created_ms = call->now_ms,
                                                            .updated_ms = call->now_ms});
    return r < 0 ? error_origin(-r, "alias %.*s cannot be written", STR_ARG(arn)) : 0;
}

static int
alias_find(struct api_call *call, struct str name, const struct kms_alias_row **ret)
{
    struct str arn = kms_alias_arn(call->arena, call->region, call->account, name);
    int r = name_check(call, name);

    if (r == 0)
        r = alias_access(call, arn);
    if (r)
        return r;
    *ret = kms_alias_get(call->txn, arn);
    assert(!*ret || str_eq((*ret)->account, call->account));
    if (*ret)
        return 0;
    return api_fault(call, &KMS_ERR(NotFoundException), "Alias %.*s is not found.", STR_ARG(arn));
}

/* The key that an alias stands for, whatever its state. */
static int
key_of(struct api_call *call, const struct kms_alias_row *alias, const struct kms_key_row **ret)
{
    struct kms_want want = {.id = alias->key_arn, .allow = KMS_ANY_STATE};

    return kms_key_find(call, &want, ret);
}

int
kms_update_alias(struct api_call *call, const struct kms_UpdateAliasRequest *req,
                 struct kms_UpdateAliasResult *res UNUSED)
{
    const struct kms_alias_row *alias;
    const struct kms_key_row *key, *old;
    int r = alias_find(call, req->alias_name, &alias);

    if (r == 0)
        r = target_find(call, req->target_key_id, &key);
    if (r == 0)
        r = key_of(call, alias, &old);
    if (r)
        return r;
    if (!str_eq(key->usage, old->usage) ||
        str_is(key->spec, "SYMMETRIC_DEFAULT") != str_is(old->spec, "SYMMETRIC_DEFAULT"))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "The current and new KMS keys of an alias must be of the same type and "
                         "have the same key usage");
    if (!str_eq(key->arn, old->arn))
        r = room_check(call, key);
    if (r)
        return r;
    struct kms_alias_row new = *alias;

    new.key_arn = key->arn;
    new.updated_ms = call->now_ms;
    r = kms_alias_update(call->txn, &new);
    return r < 0 ? error_origin(-r, "alias %.*s cannot be written", STR_ARG(alias->arn)) : 0;
}

int
kms_delete_alias(struct api_call *call, const struct kms_DeleteAliasRequest *req,
                 struct kms_DeleteAliasResult *res UNUSED)
{
    const struct kms_alias_row *alias;
    const struct kms_key_row *key;
    int r = alias_find(call, req->alias_name, &alias);

    if (r == 0)
        r = key_of(call, alias, &key);
    if (r)
        return r;
    r = kms_alias_delete(call->txn, alias->arn);
    return r < 0 ? error_origin(-r, "alias %.*s cannot be deleted", STR_ARG(alias->arn)) : 0;
}

static struct kms_AliasListEntry
show(const struct kms_alias_row *alias)
{
    size_t id = str_find(alias->key_arn, S(":key/"));

    assert(id != SIZE_MAX);
    assert(str_starts(alias->name, S("alias/")));
    return (struct kms_AliasListEntry){
        .alias_name = alias->name,
        .alias_arn = alias->arn,
        .target_key_id = str_cut(alias->key_arn, id + 5, alias->key_arn.n),
        .creation_date = opt_i64(alias->created_ms),
        .last_updated_date = opt_i64(alias->updated_ms),
    };
}

int
kms_list_aliases(struct api_call *call, const struct kms_ListAliasesRequest *req,
                 struct kms_ListAliasesResponse *res)
{
    struct str key_arn = STR_NONE;
    struct kms_listing listing;
    int r = req->key_id.p ? kms_key_resolve(call, req->key_id, 0, &key_arn) : 0;

    /* kms:ListAliases is about no key */
    if (r == 0 && key_arn.p && !kms_key_get(call->txn, key_arn))
        r = kms_key_missing(call, key_arn);

    if (r == 0)
        r = kms_listing_open(call, req->limit, ALIASES_PAGE_MAX, ALIASES_PAGE, req->marker,
                             &listing);
    if (r)
        return r;
    STORE_EACH(call->txn, kms_alias_by_owner, alias, call->account, call->region) {
        if (key_arn.p && !str_eq(alias->key_arn, key_arn))
            continue;
        if (kms_listing_takes(&listing, alias->name))
            *LIST_PUSH(call->arena, &res->aliases) = show(alias);
        if (listing.page.more)
            break;
    }
    API_PRESENT(&res->aliases);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}
