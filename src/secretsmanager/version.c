/*
 * Versions of a secret and their staging labels.  A label is on one version at a time; AWSPREVIOUS
 * follows AWSCURRENT by itself.  A version without labels is deprecated: it is shown to who asks
 * for such, and goes when there are too many.
 */
#include "secretsmanager/secretsmanager.h"

#define CURRENT S("AWSCURRENT")
#define PENDING S("AWSPENDING")

enum { VERSIONS_MAX = 100, STAGES_MAX = 20, IDS_PAGE = 100 };

struct str
secret_version_key(struct arena *a, struct str arn, struct str version_id)
{
    assert(arn.n > 0 && version_id.n > 0);
    return str_fmt(a, "%.*s/%.*s", STR_ARG(arn), STR_ARG(version_id));
}

const struct secret_version_row *
secret_staged(struct txn *txn, struct str arn, struct str stage)
{
    assert(stage.n > 0);
    STORE_EACH(txn, secret_version_of_secret, version, arn) {
        if (str_in(&version->stages, stage))
            return version;
    }
    return NULL;
}

struct str_list
secret_list_without(struct arena *a, const struct str_list *list, struct str s)
{
    struct str_list left = {NULL, 0};

    for (size_t i = 0; i < list->n; i++)
        if (!str_eq(list->v[i], s))
            *LIST_PUSH(a, &left) = list->v[i];
    assert(left.n <= list->n);
    return left;
}

struct str_list
secret_list_with(struct arena *a, const struct str_list *list, struct str s)
{
    struct str_list all = {NULL, 0};
    bool placed = false;

    for (size_t i = 0; i < list->n; i++) {
        int order = str_cmp(list->v[i], s);

        if (order >= 0 && !placed) {
            *LIST_PUSH(a, &all) = s;
            placed = true;
        }
        if (order != 0)
            *LIST_PUSH(a, &all) = list->v[i];
    }
    if (!placed)
        *LIST_PUSH(a, &all) = s;
    assert(all.n == list->n || all.n == list->n + 1);
    return all;
}

/* ---- labels ---- */

static int
stages_write(struct api_call *call, const struct secret_version_row *version,
             const struct str_list *stages)
{
    struct secret_version_row new = *version;

    if (stages->n > STAGES_MAX)
        return api_fault(call, &SECRET_ERR(LimitExceededException),
                         "You can't attach more than %d staging labels to a version of a secret.",
                         STAGES_MAX);
    new.stages = *stages;
    secret_version_assert(&new);
    int r = secret_version_update(call->txn, &new);

    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(version->id)) : 0;
}

/* Puts a label on a version and takes it off the one that had it; version_id absent: nowhere. */
static int
stage_move(struct api_call *call, struct str arn, struct str stage, struct str version_id)
{
    int r = 0;

    STORE_EACH(call->txn, secret_version_of_secret, version, arn) {
        bool has = str_in(&version->stages, stage);
        bool shall = version_id.p && str_eq(version->version_id, version_id);
        struct str_list stages = shall ? secret_list_with(call->arena, &version->stages, stage)
                                       : secret_list_without(call->arena, &version->stages, stage);

        if (has != shall)
            r = stages_write(call, version, &stages);
        if (r)
            break;
    }
    return r;
}

/* The version that was AWSCURRENT becomes AWSPREVIOUS. */
static int
current_move(struct api_call *call, struct str arn, struct str version_id)
{
    const struct secret_version_row *old = secret_staged(call->txn, arn, CURRENT);
    int r = 0;

    assert(version_id.n > 0); /* the label is never just taken away */
    if (old && str_eq(old->version_id, version_id))
        return 0;
    if (old)
        r = stage_move(call, arn, S("AWSPREVIOUS"), old->version_id);
    return r ? r : stage_move(call, arn, CURRENT, version_id);
}

static int
stage_give(struct api_call *call, struct str arn, struct str stage, struct str version_id)
{
    return str_is(stage, "AWSCURRENT") ? current_move(call, arn, version_id)
                                       : stage_move(call, arn, stage, version_id);
}

/* ---- a new version ---- */

/* The oldest deprecated versions go; those of the last day stay, as in AWS. */
static int
make_room(struct api_call *call, struct str arn, int64_t *ret_number)
{
    size_t n = 0;
    int r = 0;

    *ret_number = 1;
    STORE_EACH(call->txn, secret_version_of_secret, version, arn) {
        n++;
        *ret_number = version->number + 1;
    }
    STORE_EACH(call->txn, secret_version_of_secret, version, arn) {
        if (n < VERSIONS_MAX || r)
            break;
        if (version->stages.n || version->created_ms > call->now_ms - SECRET_DAY_MS)
            continue;
        r = secret_version_delete(call->txn, version->id);
        n--;
    }
    if (r < 0)
        return error_origin(-r, "versions of %.*s cannot be deleted", STR_ARG(arn));
    if (n < VERSIONS_MAX)
        return 0;
    assert(n == VERSIONS_MAX);
    return api_fault(call, &SECRET_ERR(LimitExceededException),
                     "You've exceeded the quota of %d versions of a secret.", VERSIONS_MAX);
}

/* The token was used before: nothing is done, provided that the value is the same. */
static int
used_before(struct api_call *call, const struct secret_row *secret,
            const struct secret_version_row *version, const struct secret_value *value)
{
    struct secret_value old;
    int r = secret_open(call, secret, version, &old);

    assert(str_eq(version->arn, secret->arn) && value->bytes.p);
    if (r)
        return r;
    if (old.binary == value->binary && str_eq_consttime(old.bytes, value->bytes))
        return 0;
    return api_fault(call, &SECRET_ERR(ResourceExistsException),
                     "You can't use ClientRequestToken %.*s because that value is already in use "
                     "for a version of secret %.*s.",
                     STR_ARG(version->version_id), STR_ARG(secret->arn));
}

static int
stages_give(struct api_call *call, struct str arn, struct str version_id,
            const struct str_list *stages)
{
    bool first = !secret_staged(call->txn, arn, CURRENT);
    int r = 0;

    for (size_t i = 0; i < stages->n && r == 0; i++)
        r = stage_give(call, arn, stages->v[i], version_id);
    /* a secret's first version is the current one, whatever its labels */
    if (r == 0 && (stages->n == 0 || first))
        r = stage_give(call, arn, CURRENT, version_id);
    return r;
}

int
secret_version_add(struct api_call *call, const struct secret_row *secret, struct str token,
                   const struct secret_value *value, const struct str_list *stages,
                   const struct secret_version_row **ret)
{
    struct secret_version_row row = {
        .id = secret_version_key(call->arena, secret->arn, token),
        .arn = secret->arn,
        .version_id = token,
        .created_ms = call->now_ms,
    };
    int r;

    assert(value->bytes.p && token.p);
    *ret = secret_version_get(call->txn, row.id);
    if (*ret && (*ret)->sealed.n)
        return used_before(call, secret, *ret, value);
    r = *ret ? 0 : make_room(call, secret->arn, &row.number);
    if (*ret)
        row = **ret; /* a rotation's, which waits for its value */
    if (r == 0)
        r = secret_seal(call, secret, value, &row);
    if (r)
        return r;
    r = *ret ? secret_version_update(call->txn, &row) : secret_version_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "%.*s cannot be written", STR_ARG(row.id));
    r = stages_give(call, secret->arn, token, stages);
    *ret = secret_version_get(call->txn, row.id);
    if (r == 0)
        secret_stages_assert(call->txn, secret->arn);
    return r;
}

int
secret_version_begin(struct api_call *call, const struct secret_row *secret, struct str token,
                     bool copy)
{
    const struct secret_version_row *current = secret_staged(call->txn, secret->arn, CURRENT);
    struct secret_version_row row = {
        .id = secret_version_key(call->arena, secret->arn, token),
        .arn = secret->arn,
        .version_id = token,
        .created_ms = call->now_ms,
    };
    struct secret_value value;
    int r = make_room(call, secret->arn, &row.number);

    assert(token.n > 0 && !secret_version_get(call->txn, row.id));
    if (r == 0 && copy && current) {
        r = secret_open(call, secret, current, &value);
        if (r == 0)
            r = secret_seal(call, secret, &value, &row);
    }
    if (r)
        return r;
    r = secret_version_insert(call->txn, &row);
    if (r == 0)
        r = stage_move(call, secret->arn, PENDING, token);
    if (r == 0)
        secret_stages_assert(call->txn, secret->arn);
    return r;
}

/* ---- UpdateSecretVersionStage ---- */

static int
version_check(struct api_call *call, const struct secret_row *secret, struct str version_id)
{
    if (!version_id.p ||
        secret_version_get(call->txn, secret_version_key(call->arena, secret->arn, version_id)))
        return 0;
    return api_fault(call, &SECRET_ERR(ResourceNotFoundException),
                     "Secrets Manager can't find the specified secret value for VersionId: %.*s",
                     STR_ARG(version_id));
}

/* RemoveFromVersionId must tell where the label is. */
static int
holder_check(struct api_call *call, const struct secret_row *secret,
             const struct secretsmanager_UpdateSecretVersionStageRequest *req)
{
    struct str stage = req->version_stage, from = req->remove_from_version_id;
    const struct secret_version_row *holder = secret_staged(call->txn, secret->arn, stage);
    struct str at = holder ? holder->version_id : STR_NONE;

    if (holder && req->move_to_version_id.p && str_eq(at, req->move_to_version_id) && !from.p)
        return 0;
    if (holder && !from.p)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "The parameter RemoveFromVersionId can't be empty. Staging label %.*s is "
                         "currently attached to version %.*s, so you must explicitly reference "
                         "that version in RemoveFromVersionId.",
                         STR_ARG(stage), STR_ARG(at));
    if (from.p && !(holder && str_eq(at, from)))
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "When you move staging label %.*s, if you specify RemoveFromVersionId, it "
                         "must be set to the version that currently has the staging label %.*s.",
                         STR_ARG(stage), STR_ARG(stage));
    if (!req->move_to_version_id.p && str_is(stage, "AWSCURRENT"))
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "You can only move staging label AWSCURRENT to a different secret "
                         "version. It can\u2019t be completely removed.");
    return 0;
}

int
secretsmanager_update_secret_version_stage(
    struct api_call *call, const struct secretsmanager_UpdateSecretVersionStageRequest *req,
    struct secretsmanager_UpdateSecretVersionStageResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r == 0)
        r = version_check(call, secret, req->move_to_version_id);
    if (r == 0)
        r = version_check(call, secret, req->remove_from_version_id);
    if (r == 0)
        r = holder_check(call, secret, req);
    if (r)
        return r;
    res->arn = secret->arn;
    res->name = secret->name;
    r = stage_give(call, secret->arn, req->version_stage, req->move_to_version_id);
    if (r == 0)
        secret_stages_assert(call->txn, secret->arn);
    return r ? r : secret_changed(call, secret);
}

/* ---- ListSecretVersionIds ---- */

static struct secretsmanager_SecretVersionsListEntry
version_show(struct arena *a, const struct secret_version_row *version)
{
    struct secretsmanager_SecretVersionsListEntry entry = {
        .version_id = version->version_id,
        .version_stages = version->stages,
        .created_date = opt_i64(version->created_ms),
    };

    if (version->accessed_ms)
        entry.last_accessed_date = opt_i64(version->accessed_ms);
    *LIST_PUSH(a, &entry.kms_key_ids) =
        version->kms_key_id.n ? version->kms_key_id : S("DefaultEncryptionKey");
    return entry;
}

int
secretsmanager_list_secret_version_ids(struct api_call *call,
                                       const struct secretsmanager_ListSecretVersionIdsRequest *req,
                                       struct secretsmanager_ListSecretVersionIdsResponse *res)
{
    const struct secret_row *secret;
    struct api_page page;
    int r = secret_find(call, req->secret_id, SECRET_LOOKING, &secret);

    if (r == 0)
        r = secret_page_open(call, req->max_results, IDS_PAGE, req->next_token, &page);
    if (r)
        return r;
    res->arn = secret->arn;
    res->name = secret->name;
    STORE_EACH(call->txn, secret_version_of_secret, version, secret->arn) {
        if (!version->stages.n && !opt_bool_or(req->include_deprecated, false))
            continue;
        if (api_page_take(&page, str_fmt(call->arena, "%019lld", (long long)version->number)))
            *LIST_PUSH(call->arena, &res->versions) = version_show(call->arena, version);
    }
    API_PRESENT(&res->versions);
    res->next_token = secret_page_next(call, &page);
    return 0;
}
