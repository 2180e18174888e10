/* Repositories. */
#include "ecr/ecr.h"

#include "api/page.h"
#include "base/error.h"

int
ecr_refuse(struct api_call *call, const char *code, const char *fmt, ...)
{
    const struct api_error error = {code, 400};
    va_list ap;

    assert(code[0] && fmt[0]);
    va_start(ap, fmt);
    struct str message = str_vfmt(call->arena, fmt, ap);

    va_end(ap);
    return api_fault(call, &error, "%.*s", STR_ARG(message));
}

/* ---- finding ---- */

static int
not_found(struct api_call *call, struct str name, struct str registry)
{
    return ecr_refuse(call, "RepositoryNotFoundException",
                      "The repository with name '%.*s' does not exist in the registry with id "
                      "'%.*s'",
                      STR_ARG(name), STR_ARG(registry));
}

int
ecr_find(struct api_call *call, struct str registry, struct str name,
         const struct ecr_repository_row **ret)
{
    struct str account = registry.n ? registry : call->account;

    assert(account.n > 0);
    *ret = ecr_repository_by_name_get(call->txn, account, call->region, name);
    /* registries of other accounts are reached by their policies, which images need */
    if (*ret && !str_eq(account, call->account))
        *ret = NULL;
    return *ret ? 0 : not_found(call, name, account);
}

int
ecr_find_arn(struct api_call *call, struct str arn, const struct ecr_repository_row **ret)
{
    *ret = ecr_repository_get(call->txn, arn);
    if (*ret && (!str_eq((*ret)->account, call->account) || !str_eq((*ret)->region, call->region)))
        *ret = NULL;
    if (*ret)
        return 0;
    struct str name = arn;

    for (int part = 0; part < 5; part++)
        str_split(&name, ':');
    str_split(&name, '/');
    return not_found(call, name, call->account);
}

void
ecr_repository_assert(const struct ecr_repository_row *row)
{
    assert(str_starts(row->arn, S("arn:aws:ecr:")) && str_ends(row->arn, row->name));
    assert(row->account.n > 0 && row->region.n > 0);
    assert(str_is(row->mutability, "MUTABLE") || str_is(row->mutability, "IMMUTABLE"));
    assert(str_is(row->encryption, "AES256") || str_is(row->encryption, "KMS"));
    assert(row->tags.n % 2 == 0);
    /* what policies are asked is what was put, made whole */
    assert((row->policy.n > 0) == (row->policy_whole.n > 0));
}

int
ecr_save(struct api_call *call, const struct ecr_repository_row *row)
{
    ecr_repository_assert(row);
    int r = ecr_repository_update(call->txn, row);

    return r < 0 ? error_origin(-r, "repository %.*s cannot be written", STR_ARG(row->arn)) : 0;
}

static struct str
arn_of(struct api_call *call, struct str name)
{
    return str_fmt(call->arena, "arn:aws:ecr:%.*s:%.*s:repository/%.*s", STR_ARG(call->region),
                   STR_ARG(call->account), STR_ARG(name));
}

static int
resource(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    const struct ecr_repository_row *row = str_starts(id, S("arn:"))
                                               ? ecr_repository_get(call->txn, id)
                                               : ecr_repository_get(call->txn, arn_of(call, id));

    (void)type;
    if (!row)
        return 0;
    assert(row->account.n > 0);
    ret->tags = &row->tags;
    ret->policy = row->policy_whole;
    return 0;
}

const struct api_service_hooks ecr_hooks = {.service = &ecr_service, .resource = resource};

/* ---- showing ---- */

static struct ecr_Repository
show(struct api_call *call, const struct ecr_repository_row *row)
{
    struct ecr_Repository r = {
        .repository_arn = row->arn,
        .registry_id = row->account,
        .repository_name = row->name,
        .repository_uri = str_fmt(call->arena, "%.*s.dkr.ecr.%.*s.amazonaws.com/%.*s",
                                  STR_ARG(row->account), STR_ARG(row->region), STR_ARG(row->name)),
        .created_at = opt_i64(row->created_ms),
        .image_tag_mutability = row->mutability,
        .image_scanning_configuration =
            ARENA_NEW(call->arena, struct ecr_ImageScanningConfiguration),
        .encryption_configuration = ARENA_NEW(call->arena, struct ecr_EncryptionConfiguration),
    };

    ecr_repository_assert(row);
    r.image_scanning_configuration->scan_on_push = opt_bool(row->scan);
    r.encryption_configuration->encryption_type = row->encryption;
    if (row->kms_key.n)
        r.encryption_configuration->kms_key = row->kms_key;
    return r;
}

static struct ecr_Repository *
shown(struct api_call *call, const struct ecr_repository_row *row)
{
    struct ecr_Repository *r = ARENA_NEW(call->arena, struct ecr_Repository);

    *r = show(call, row);
    return r;
}

/* ---- making and ending ---- */

static int
no_exclusions(struct api_call *call,
              const struct ecr_ImageTagMutabilityExclusionFilterList *filters,
              struct str mutability)
{
    if (!filters->n && !str_ends(mutability, S("_WITH_EXCLUSION")))
        return 0;
    return ecr_refuse(call, "UnsupportedOperation",
                      "Welkin does not implement imageTagMutabilityExclusionFilters yet: nothing "
                      "was done.");
}

int
ecr_create_repository(struct api_call *call, const struct ecr_CreateRepositoryRequest *req,
                      struct ecr_CreateRepositoryResponse *res)
{
    const struct ecr_EncryptionConfiguration *e = req->encryption_configuration;
    struct ecr_repository_row row = {
        .arn = arn_of(call, req->repository_name),
        .account = call->account,
        .region = call->region,
        .name = req->repository_name,
        .created_ms = call->now_ms,
        .mutability = req->image_tag_mutability.n ? req->image_tag_mutability : S("MUTABLE"),
        .scan = req->image_scanning_configuration &&
                opt_bool_or(req->image_scanning_configuration->scan_on_push, false),
        .encryption = e ? e->encryption_type : S("AES256"),
        .kms_key = e && e->kms_key.n ? e->kms_key : S(""),
    };
    int r = no_exclusions(call, &req->image_tag_mutability_exclusion_filters, row.mutability);

    if (r == 0 && req->registry_id.n && !str_eq(req->registry_id, call->account))
        r = ecr_refuse(call, "InvalidParameterException",
                       "Invalid parameter at 'registryId' failed to satisfy constraint: 'must be "
                       "the caller's account'");
    if (r == 0 && !str_is(row.encryption, "AES256") && !str_is(row.encryption, "KMS"))
        r = ecr_refuse(call, "UnsupportedOperation",
                       "Welkin does not implement the encryption %.*s yet: nothing was done.",
                       STR_ARG(row.encryption));
    if (r == 0)
        r = ecr_tags_add(call, &req->tags, &row.tags);
    if (r)
        return r;
    r = ecr_repository_insert(call->txn, &row);
    if (r == -EEXIST)
        return ecr_refuse(call, "RepositoryAlreadyExistsException",
                          "The repository with name '%.*s' already exists in the registry with id "
                          "'%.*s'",
                          STR_ARG(row.name), STR_ARG(row.account));
    if (r < 0)
        return error_origin(-r, "repository %.*s cannot be written", STR_ARG(row.arn));
    ecr_repository_assert(&row);
    res->repository = shown(call, &row);
    return 0;
}

int
ecr_delete_repository(struct api_call *call, const struct ecr_DeleteRepositoryRequest *req,
                      struct ecr_DeleteRepositoryResponse *res)
{
    const struct ecr_repository_row *row;
    int r = ecr_find(call, req->registry_id, req->repository_name, &row);

    if (r)
        return r;
    res->repository = shown(call, row); /* `force` is for those with images */
    r = ecr_repository_delete(call->txn, row->arn);
    return r < 0 ? error_origin(-r, "repository %.*s cannot be deleted", STR_ARG(row->arn)) : 0;
}

static int
describe_named(struct api_call *call, const struct ecr_DescribeRepositoriesRequest *req,
               struct ecr_DescribeRepositoriesResponse *res)
{
    const struct ecr_repository_row *row;
    int r = 0;

    if (req->next_token.p || req->max_results.set)
        return ecr_refuse(call, "InvalidParameterException",
                          "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must "
                          "not be specified with repositoryNames'");
    LIST_EACH(&req->repository_names, name) {
        if (r == 0)
            r = ecr_find(call, req->registry_id, *name, &row);
        if (r == 0)
            *LIST_PUSH(call->arena, &res->repositories) = show(call, row);
    }
    return r;
}

/* Nothing here says that others may look into a whole registry. */
static int
foreign(struct api_call *call, struct str registry)
{
    return ecr_refuse(call, "AccessDeniedException",
                      "User: %.*s is not authorized to perform: ecr:DescribeRepositories on "
                      "resource: arn:aws:ecr:%.*s:%.*s:repository/* because no resource-based "
                      "policy allows the ecr:DescribeRepositories action",
                      STR_ARG(call->principal_arn), STR_ARG(call->region), STR_ARG(registry));
}

int
ecr_describe_repositories(struct api_call *call, const struct ecr_DescribeRepositoriesRequest *req,
                          struct ecr_DescribeRepositoriesResponse *res)
{
    struct store_cursor c =
        store_seek(call->txn, &ecr_repository_by_name, STORE_KEYS(call->account, call->region));
    int64_t max = opt_i64_or(req->max_results, ECR_PAGE);
    const struct ecr_repository_row *row;
    struct str after;

    assert(max >= 1 && max <= ECR_PAGE_MAX);
    API_PRESENT(&res->repositories);
    if (req->repository_names.n)
        return describe_named(call, req, res);
    if (req->registry_id.n && !str_eq(req->registry_id, call->account))
        return foreign(call, req->registry_id);
    if (req->next_token.p) {
        if (!str_unbase64(call->arena, req->next_token, &after) || !after.n)
            return ecr_refuse(call, "InvalidParameterException",
                              "Invalid parameter at 'nextToken' failed to satisfy constraint: "
                              "'must be a token that was returned'");
        store_after(&c, STORE_KEYS(after));
    }
    while ((row = ecr_repository_by_name_next(&c))) {
        if ((int64_t)res->repositories.n == max) {
            res->next_token = str_base64(
                call->arena, res->repositories.v[res->repositories.n - 1].repository_name);
            break;
        }
        *LIST_PUSH(call->arena, &res->repositories) = show(call, row);
    }
    return 0;
}

/* ---- settings ---- */

int
ecr_put_image_tag_mutability(struct api_call *call,
                             const struct ecr_PutImageTagMutabilityRequest *req,
                             struct ecr_PutImageTagMutabilityResponse *res)
{
    const struct ecr_repository_row *found;
    int r = ecr_find(call, req->registry_id, req->repository_name, &found);

    if (r == 0)
        r = no_exclusions(call, &req->image_tag_mutability_exclusion_filters,
                          req->image_tag_mutability);
    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.mutability = req->image_tag_mutability;
    res->registry_id = row.account;
    res->repository_name = row.name;
    res->image_tag_mutability = row.mutability;
    return ecr_save(call, &row);
}

int
ecr_put_image_scanning_configuration(struct api_call *call,
                                     const struct ecr_PutImageScanningConfigurationRequest *req,
                                     struct ecr_PutImageScanningConfigurationResponse *res)
{
    const struct ecr_repository_row *found;
    int r = ecr_find(call, req->registry_id, req->repository_name, &found);

    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.scan = opt_bool_or(req->image_scanning_configuration->scan_on_push, false);
    res->registry_id = row.account;
    res->repository_name = row.name;
    res->image_scanning_configuration = req->image_scanning_configuration;
    return ecr_save(call, &row);
}
