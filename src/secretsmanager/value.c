/* Values: putting, getting, and getting many at once. */
#include "secretsmanager/secretsmanager.h"

enum { VALUE_BYTES_MAX = 65536, BATCH_MAX = 20 };

int
secret_token_check(struct api_call *call, struct str token)
{
    if (token.p)
        return 0;
    return api_fault(call, &SECRET_ERR(InvalidRequestException),
                     "You must provide a ClientRequestToken value. We recommend a UUID-type "
                     "value.");
}

int
secret_value_of(struct api_call *call, struct str text, struct str binary, struct secret_value *ret)
{
    *ret = (struct secret_value){.bytes = text.p ? text : binary, .binary = !text.p};
    if (text.p && binary.p)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "You can't specify both a binary secret value and a string secret value "
                         "in the same secret.");
    /* the description counts characters */
    if (ret->bytes.n > VALUE_BYTES_MAX)
        return api_fault(call, &SECRET_ERR(ValidationException),
                         "1 validation error detected: Value at 'secretString' failed to satisfy "
                         "constraint: Member must have length less than or equal to %d",
                         VALUE_BYTES_MAX);
    return 0;
}

/* ---- PutSecretValue ---- */

static int
put_check(struct api_call *call, const struct secretsmanager_PutSecretValueRequest *req,
          struct secret_value *ret)
{
    int r = secret_token_check(call, req->client_request_token);

    if (r == 0)
        r = secret_value_of(call, req->secret_string, req->secret_binary, ret);
    if (r)
        return r;
    if (!ret->bytes.p)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You must provide either SecretString or SecretBinary.");
    /* such tokens are given to functions that rotate secrets of another account's services */
    if (req->rotation_token.p)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "The RotationToken is not that of a rotation of this secret.");
    return 0;
}

int
secretsmanager_put_secret_value(struct api_call *call,
                                const struct secretsmanager_PutSecretValueRequest *req,
                                struct secretsmanager_PutSecretValueResponse *res)
{
    const struct secret_version_row *version;
    const struct secret_row *secret;
    struct secret_value value;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r == 0)
        r = put_check(call, req, &value);
    if (r)
        return r;
    bool known = secret_version_get(
        call->txn, secret_version_key(call->arena, secret->arn, req->client_request_token));

    r = secret_version_add(call, secret, req->client_request_token, &value, &req->version_stages,
                           &version);
    if (r)
        return r;
    *res = (struct secretsmanager_PutSecretValueResponse){
        .arn = secret->arn,
        .name = secret->name,
        .version_id = version->version_id,
        .version_stages = version->stages,
    };
    return known ? 0 : secret_changed(call, secret);
}

/* ---- reading ---- */

static int
version_missing(struct api_call *call, const char *what, struct str value)
{
    assert(what && value.p);
    return api_fault(call, &SECRET_ERR(ResourceNotFoundException),
                     "Secrets Manager can't find the specified secret value for %s: %.*s", what,
                     STR_ARG(value));
}

static int
version_find(struct api_call *call, const struct secret_row *secret, struct str version_id,
             struct str stage, const struct secret_version_row **ret)
{
    assert(str_eq(secret->region, call->region));
    if (!version_id.p) {
        if (!stage.p)
            stage = S("AWSCURRENT");
        *ret = secret_staged(call->txn, secret->arn, stage);
        return *ret ? 0 : version_missing(call, "staging label", stage);
    }
    *ret = secret_version_get(call->txn, secret_version_key(call->arena, secret->arn, version_id));
    if (!*ret)
        return version_missing(call, "VersionId", version_id);
    if (stage.p && !str_in(&(*ret)->stages, stage))
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You provided a VersionStage that is not associated to the provided "
                         "VersionId.");
    return 0;
}

/*
 * LastAccessedDate is a day, so that at most one reading a day writes.  A reading by another
 * service may be inside a call that must not write; it leaves the date alone.
 */
static int
note_access(struct api_call *call, const struct secret_row *secret,
            const struct secret_version_row *version)
{
    int64_t day = call->now_ms - call->now_ms % SECRET_DAY_MS;
    struct secret_row new_secret = *secret;
    struct secret_version_row new_version = *version;
    int r = 0;

    assert(str_eq(version->arn, secret->arn) && day % SECRET_DAY_MS == 0);
    if (call->via.n)
        return 0;
    new_secret.accessed_ms = new_version.accessed_ms = day;
    if (secret->accessed_ms != day)
        r = secret_update(call->txn, &new_secret);
    if (r == 0 && version->accessed_ms != day)
        r = secret_version_update(call->txn, &new_version);
    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(version->id)) : 0;
}

/* GetSecretValueResponse has the same members, in another struct. */
static int
read_value(struct api_call *call, const struct secret_row *secret, struct str version_id,
           struct str stage, struct secretsmanager_SecretValueEntry *ret)
{
    const struct secret_version_row *version;
    struct secret_value value;
    int r = version_find(call, secret, version_id, stage, &version);

    if (r == 0 && !version->sealed.n)
        return version_id.p ? version_missing(call, "VersionId", version_id)
                            : version_missing(call, "staging label", stage);
    if (r == 0)
        r = secret_open(call, secret, version, &value);
    if (r == 0)
        r = note_access(call, secret, version);
    if (r)
        return r;
    *ret = (struct secretsmanager_SecretValueEntry){
        .arn = secret->arn,
        .name = secret->name,
        .version_id = version->version_id,
        .secret_binary = value.binary ? value.bytes : STR_NONE,
        .secret_string = value.binary ? STR_NONE : value.bytes,
        .version_stages = version->stages,
        .created_date = opt_i64(version->created_ms),
    };
    assert(ret->secret_binary.p || ret->secret_string.p);
    return 0;
}

int
secretsmanager_get_secret_value(struct api_call *call,
                                const struct secretsmanager_GetSecretValueRequest *req,
                                struct secretsmanager_GetSecretValueResponse *res)
{
    struct secretsmanager_SecretValueEntry entry;
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, SECRET_READING, &secret);

    if (r == 0)
        r = read_value(call, secret, req->version_id, req->version_stage, &entry);
    if (r)
        return r;
    *res = (struct secretsmanager_GetSecretValueResponse){
        .arn = entry.arn,
        .name = entry.name,
        .version_id = entry.version_id,
        .secret_binary = entry.secret_binary,
        .secret_string = entry.secret_string,
        .version_stages = entry.version_stages,
        .created_date = entry.created_date,
    };
    return 0;
}

/* ---- BatchGetSecretValue ---- */

static int
batch_check(struct api_call *call, const struct secretsmanager_BatchGetSecretValueRequest *req)
{
    if (req->secret_id_list.n && req->filters.n)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "Either 'SecretIdList' or 'Filters' must be provided, but not both.");
    if (!req->secret_id_list.n && !req->filters.n)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "Either 'SecretIdList' or 'Filters' must be provided.");
    if (!req->filters.n && (req->max_results.set || req->next_token.n))
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "'Filters' not specified. 'Filters' must also be specified when "
                         "'%s' is provided.",
                         req->max_results.set ? "MaxResults" : "NextToken");
    return secret_filters_check(call, &req->filters);
}

/* A secret's value, or what kept the caller from it, into the reply; negative only. */
static int
batch_one(struct api_call *call, struct str id, const struct secret_row *secret,
          struct secretsmanager_BatchGetSecretValueResponse *res)
{
    struct secretsmanager_SecretValueEntry entry;
    struct api_resource resource;
    int r = api_resource_find(call, S("secret"), id, &resource);

    assert(!secret || str_eq(secret->arn, id));
    if (r == 0)
        r = api_authorize_on(call, S("secretsmanager:GetSecretValue"), &resource, NULL);
    if (r == 0 && !secret)
        r = secret_find(call, id, SECRET_READING, &secret);
    if (r == 0)
        r = read_value(call, secret, STR_NONE, STR_NONE, &entry);
    if (r < 0)
        return r;
    if (r == 0)
        *LIST_PUSH(call->arena, &res->secret_values) = entry;
    else
        *LIST_PUSH(call->arena, &res->errors) = (struct secretsmanager_APIErrorType){
            .secret_id = id, .error_code = call->fault.code, .message = call->fault.message};
    return 0;
}

static int
batch_filtered(struct api_call *call, const struct secretsmanager_BatchGetSecretValueRequest *req,
               struct secretsmanager_BatchGetSecretValueResponse *res)
{
    const struct api_resource everything = {.arn = S("*")};
    struct api_page page;
    int r = api_authorize_on(call, S("secretsmanager:ListSecrets"), &everything, NULL);

    if (r == 0)
        r = secret_page_open(call, req->max_results, BATCH_MAX, req->next_token, &page);
    if (r)
        return r;
    STORE_EACH(call->txn, secret_by_name, secret, call->account, call->region) {
        if (secret->deletion_ms || !secret_passes(call, secret, &req->filters))
            continue;
        if (api_page_take(&page, secret->name))
            r = batch_one(call, secret->arn, secret, res);
        if (r || page.more)
            break;
    }
    res->next_token = secret_page_next(call, &page);
    return r;
}

int
secretsmanager_batch_get_secret_value(struct api_call *call,
                                      const struct secretsmanager_BatchGetSecretValueRequest *req,
                                      struct secretsmanager_BatchGetSecretValueResponse *res)
{
    int r = batch_check(call, req);

    if (r == 0 && req->filters.n)
        r = batch_filtered(call, req, res);
    for (size_t i = 0; i < req->secret_id_list.n && r == 0; i++)
        r = batch_one(call, req->secret_id_list.v[i], NULL, res);
    API_PRESENT(&res->secret_values);
    API_PRESENT(&res->errors);
    return r;
}
