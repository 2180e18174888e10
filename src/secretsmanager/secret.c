/* Secrets themselves: made, described, changed, deleted and brought back. */
#include "secretsmanager/secretsmanager.h"

enum { SUFFIX_CHARS = 6, WINDOW_MIN = 7, WINDOW_MAX = 30 };

/* ---- CreateSecret ---- */

static int
name_check(struct api_call *call, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && (!c || !strchr("-/_+=.@!", c)))
            return api_fault(call, &SECRET_ERR(ValidationException),
                             "Invalid name. Must be a valid name containing alphanumeric "
                             "characters, or any of the following: -/_+=.@!");
    }
    return 0;
}

static int
type_check(struct api_call *call, struct str type)
{
    if (!type.n)
        return 0;
    return api_fault(call, &SECRET_ERR(InvalidParameterException),
                     "Welkin has no managed external secrets: Type is not supported.");
}

static struct str
new_arn(struct api_call *call, struct str name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { FAIR = 256 - 256 % (sizeof(letters) - 1) };
    char suffix[SUFFIX_CHARS];

    assert(name.n > 0);
    for (size_t i = 0; i < sizeof(suffix);) {
        uint8_t byte;

        call->env->random(call->env, &byte, 1);
        if (byte < FAIR)
            suffix[i++] = letters[byte % (sizeof(letters) - 1)];
    }
    return str_fmt(call->arena, "arn:aws:secretsmanager:%.*s:%.*s:secret:%.*s-%.*s",
                   STR_ARG(call->region), STR_ARG(call->account), STR_ARG(name), SUFFIX_CHARS,
                   suffix);
}

/* The name is taken: the same call again is answered as the first one was. */
static int
created_before(struct api_call *call, const struct secretsmanager_CreateSecretRequest *req,
               const struct secret_row *old, const struct secret_value *value,
               struct secretsmanager_CreateSecretResponse *res)
{
    struct str id = secret_version_key(call->arena, old->arn, req->client_request_token);
    const struct secret_version_row *version = secret_version_get(call->txn, id);

    assert(str_eq(old->name, req->name));
    if (old->deletion_ms)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You can't create this secret because a secret with this name is already "
                         "scheduled for deletion.");
    if (!version || !value->bytes.p)
        return api_fault(call, &SECRET_ERR(ResourceExistsException),
                         "The operation failed because the secret %.*s already exists.",
                         STR_ARG(old->name));
    res->arn = old->arn;
    res->name = old->name;
    res->version_id = version->version_id;
    res->replication_status = secret_replicas_show(call, old);
    return secret_version_add(call, old, req->client_request_token, value, &version->stages,
                              &version);
}

/* A secret whose time has come while its name is wanted, inside another call. */
static int
overdue_remove(struct api_call *call, struct str name)
{
    const struct secret_row *row = secret_by_name_get(call->txn, call->account, call->region, name);

    assert(name.n > 0);
    return row && !secret_named(call, name) ? secret_remove(call->txn, row) : 0;
}

static int
make(struct api_call *call, const struct secretsmanager_CreateSecretRequest *req,
     const struct secret_value *value, struct secretsmanager_CreateSecretResponse *res)
{
    const struct str_list none = {NULL, 0};
    const struct secret_version_row *version = NULL;
    struct secret_row row = {
        .arn = new_arn(call, req->name),
        .account = call->account,
        .region = call->region,
        .name = req->name,
        .created_ms = call->now_ms,
        .changed_ms = call->now_ms,
        .description = req->description,
        .kms_key_id =
            str_is(req->kms_key_id, "alias/aws/secretsmanager") ? STR_NONE : req->kms_key_id,
    };
    int r = secret_tags_of(call, &req->tags, &row.tags);

    if (r == 0)
        r = overdue_remove(call, req->name);
    if (r)
        return r;
    secret_assert(&row);
    r = secret_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "%.*s cannot be written", STR_ARG(row.arn));
    if (value->bytes.p)
        r = secret_version_add(call, &row, req->client_request_token, value, &none, &version);
    if (r == 0)
        r = secret_replicate(call, &row, &req->add_replica_regions,
                             opt_bool_or(req->force_overwrite_replica_secret, false));
    res->arn = row.arn;
    res->name = row.name;
    if (version)
        res->version_id = version->version_id;
    res->replication_status = secret_replicas_show(call, &row);
    assert(!version || str_eq(version->arn, row.arn));
    return r;
}

int
secretsmanager_create_secret(struct api_call *call,
                             const struct secretsmanager_CreateSecretRequest *req,
                             struct secretsmanager_CreateSecretResponse *res)
{
    struct secret_value value;
    int r = secret_token_check(call, req->client_request_token);

    if (r == 0)
        r = name_check(call, req->name);
    if (r == 0)
        r = type_check(call, req->type);
    if (r == 0)
        r = secret_value_of(call, req->secret_string, req->secret_binary, &value);
    if (r)
        return r;
    const struct secret_row *old = secret_named(call, req->name);

    return old ? created_before(call, req, old, &value, res) : make(call, req, &value, res);
}

/* ---- UpdateSecret ---- */

/* What has one of the three labels of rotation moves to the secret's new key. */
static int
seal_anew(struct api_call *call, const struct secret_row *secret)
{
    static const char *const stages[] = {"AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(stages) && r == 0; i++) {
        const struct secret_version_row *version =
            secret_staged(call->txn, secret->arn, str_from(stages[i]));
        assert(!version || str_eq(version->arn, secret->arn));
        struct secret_value value;

        if (!version || !version->sealed.n || str_eq(version->kms_key_id, secret->kms_key_id))
            continue;
        struct secret_version_row new = *version;

        r = secret_open(call, secret, version, &value);
        if (r == 0)
            r = secret_seal(call, secret, &value, &new);
        if (r == 0)
            r = secret_version_update(call->txn, &new);
    }
    return r < 0 ? error_origin(-r, "%.*s cannot be sealed anew", STR_ARG(secret->arn)) : r;
}

int
secretsmanager_update_secret(struct api_call *call,
                             const struct secretsmanager_UpdateSecretRequest *req,
                             struct secretsmanager_UpdateSecretResponse *res)
{
    const struct str_list none = {NULL, 0};
    const struct secret_version_row *version;
    const struct secret_row *secret;
    struct secret_value value;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r == 0)
        r = secret_token_check(call, req->client_request_token);
    if (r == 0)
        r = type_check(call, req->type);
    if (r == 0)
        r = secret_value_of(call, req->secret_string, req->secret_binary, &value);
    if (r)
        return r;
    struct secret_row new = *secret;

    if (req->description.p)
        new.description = req->description;
    if (req->kms_key_id.p)
        new.kms_key_id =
            str_is(req->kms_key_id, "alias/aws/secretsmanager") ? STR_NONE : req->kms_key_id;
    if (value.bytes.p)
        r = secret_version_add(call, &new, req->client_request_token, &value, &none, &version);
    if (r == 0 && value.bytes.p)
        res->version_id = version->version_id;
    if (r == 0 && req->kms_key_id.p)
        r = seal_anew(call, &new);
    if (r)
        return r;
    res->arn = secret->arn;
    res->name = secret->name;
    return secret_changed(call, &new);
}

/* ---- DescribeSecret ---- */

int
secretsmanager_describe_secret(struct api_call *call,
                               const struct secretsmanager_DescribeSecretRequest *req,
                               struct secretsmanager_DescribeSecretResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, SECRET_LOOKING, &secret);

    if (r)
        return r;
    struct secretsmanager_SecretListEntry shown = secret_show(call, secret);

    *res = (struct secretsmanager_DescribeSecretResponse){
        .arn = shown.arn,
        .name = shown.name,
        .description = shown.description,
        .kms_key_id = shown.kms_key_id,
        .last_changed_date = shown.last_changed_date,
        .last_accessed_date = shown.last_accessed_date,
        .deleted_date = shown.deleted_date,
        .tags = shown.tags,
        .version_ids_to_stages = shown.secret_versions_to_stages,
        .created_date = shown.created_date,
        .primary_region = shown.primary_region,
        .rotation_enabled = shown.rotation_enabled,
        .rotation_lambda_arn = shown.rotation_lambda_arn,
        .rotation_rules = shown.rotation_rules,
        .last_rotated_date = shown.last_rotated_date,
        .next_rotation_date = shown.next_rotation_date,
        .replication_status = secret_replicas_show(call, secret),
    };
    return 0;
}

/* ---- DeleteSecret ---- */

static int
window_check(struct api_call *call, const struct secretsmanager_DeleteSecretRequest *req)
{
    int64_t days = opt_i64_or(req->recovery_window_in_days, WINDOW_MAX);

    if (days < WINDOW_MIN || days > WINDOW_MAX)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "The RecoveryWindowInDays value must be between %d and %d days "
                         "(inclusive).",
                         WINDOW_MIN, WINDOW_MAX);
    if (req->recovery_window_in_days.set && opt_bool_or(req->force_delete_without_recovery, false))
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "You can't use ForceDeleteWithoutRecovery in conjunction with "
                         "RecoveryWindowInDays.");
    return 0;
}

static int
replicas_check(struct api_call *call, const struct secret_row *secret)
{
    struct str_list regions = {NULL, 0};

    STORE_EACH(call->txn, secret_replica_of_secret, replica, secret->arn) {
        *LIST_PUSH(call->arena, &regions) = replica->region;
    }
    if (!regions.n)
        return 0;
    struct str all = str_join(call->arena, &regions, S(","));

    return api_fault(call, &SECRET_ERR(InvalidParameterException),
                     "You can't delete secret %.*s that still has replica regions [%.*s]",
                     STR_ARG(secret->name), STR_ARG(all));
}

static int
schedule_deletion(struct api_call *call, const struct secret_row *secret, int64_t deletion_ms)
{
    struct secret_row new = *secret;

    assert(deletion_ms > call->now_ms);
    if (secret->deletion_ms)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You can't perform this operation on the secret because it was already "
                         "scheduled for deletion.");
    new.deletion_ms = deletion_ms;
    return secret_changed(call, &new);
}

int
secretsmanager_delete_secret(struct api_call *call,
                             const struct secretsmanager_DeleteSecretRequest *req,
                             struct secretsmanager_DeleteSecretResponse *res)
{
    bool force = opt_bool_or(req->force_delete_without_recovery, false);
    int64_t days = opt_i64_or(req->recovery_window_in_days, WINDOW_MAX);
    int64_t when = call->now_ms + (force ? 0 : days * SECRET_DAY_MS);
    const struct secret_row *secret;
    int r = window_check(call, req);

    res->deletion_date = opt_i64(when);
    /* what is not there any more is as good as deleted, and AWS answers with some ARN */
    if (r == 0 && force && !secret_named(call, req->secret_id)) {
        bool named = !str_starts(req->secret_id, S("arn:"));

        res->arn = named ? new_arn(call, req->secret_id) : req->secret_id;
        res->name = req->secret_id;
        return 0;
    }
    if (r == 0)
        r = secret_find(call, req->secret_id, SECRET_WHILE_DELETED, &secret);
    if (r == 0)
        r = replicas_check(call, secret);
    if (r)
        return r;
    res->arn = secret->arn;
    res->name = secret->name;
    return force ? secret_remove(call->txn, secret) : schedule_deletion(call, secret, when);
}

int
secretsmanager_restore_secret(struct api_call *call,
                              const struct secretsmanager_RestoreSecretRequest *req,
                              struct secretsmanager_RestoreSecretResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, SECRET_WHILE_DELETED, &secret);

    if (r)
        return r;
    res->arn = secret->arn;
    res->name = secret->name;
    if (!secret->deletion_ms)
        return 0;
    struct secret_row new = *secret;

    new.deletion_ms = 0;
    assert(!new.primary_region.n);
    return secret_changed(call, &new);
}
