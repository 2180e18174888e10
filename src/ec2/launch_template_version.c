/*
 * Versions of launch templates.  They are numbered as they are made, a number is given once, and a
 * version never changes: what it says is kept as it came (launch_template_data.c).
 */
#include "ec2/launch_template.h"

#include "ec2/row_ok.h"

enum { VERSIONS_MAX = 10000, DELETE_MAX = 200 };

static struct str
version_key(struct arena *arena, struct str template_id, int64_t number)
{
    assert(template_id.n > 0 && number > 0);
    return str_fmt(arena, "%.*s/%lld", STR_ARG(template_id), (long long)number);
}

static const struct ec2_launch_template_version_row *
version_get(struct api_call *call, struct str template_id, int64_t number)
{
    struct str key = version_key(call->arena, template_id, number);
    const struct ec2_launch_template_version_row *row =
        ec2_launch_template_version_get(call->txn, key);

    assert(!row || ec2_launch_template_version_ok(row));
    return row;
}

/* ---- which version a text names ---- */

static bool
is_latest(struct str text)
{
    return str_is(text, "$Latest");
}

static bool
is_default(struct str text)
{
    return str_is(text, "$Default");
}

static int
number_of(struct api_call *call, const struct ec2_launch_template_row *row, struct str text,
          int64_t *ret)
{
    if (is_latest(text) || is_default(text)) {
        *ret = is_latest(text) ? row->latest_version : row->default_version;
        return 0;
    }
    if (str_to_i64(text, ret) && *ret > 0)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter version is invalid. Specify a version number, "
                     "$Latest or $Default.",
                     STR_ARG(text));
}

static int
not_found(struct api_call *call, struct str template_id, struct str version)
{
    return api_fault(call, &EC2_ERR(InvalidLaunchTemplateId_VersionNotFound),
                     "Could not find the specified version %.*s for the launch template with ID "
                     "%.*s.",
                     STR_ARG(version), STR_ARG(template_id));
}

int
ec2_launch_template_version_find(struct api_call *call, const struct ec2_launch_template_row *row,
                                 struct str version,
                                 const struct ec2_launch_template_version_row **ret)
{
    int64_t number = row->default_version;
    int r = version.p ? number_of(call, row, version, &number) : 0;

    if (r)
        return r;
    *ret = version_get(call, row->id, number);
    return *ret ? 0 : not_found(call, row->id, version);
}

/* ---- making ---- */

int
ec2_launch_template_version_make(struct api_call *call, struct ec2_launch_template_row *row,
                                 const struct ec2_launch_template_version_want *want,
                                 struct ec2_launch_template_version_row *ret)
{
    struct str data;
    int r = ec2_launch_template_data_pack(call, want->data, &data);

    if (r)
        return r;
    if (row->versions >= VERSIONS_MAX)
        return api_fault(call, &EC2_ERR(LaunchTemplateVersionLimitExceeded),
                         "You have reached the limit of %d versions of a launch template",
                         VERSIONS_MAX);
    row->latest_version = ++row->last_version;
    row->versions++;
    assert(row->versions <= row->last_version);
    *ret = (struct ec2_launch_template_version_row){
        .id = version_key(call->arena, row->id, row->latest_version),
        .template_id = row->id,
        .number = row->latest_version,
        .description = want->description,
        .created_by = call->principal_arn,
        .created_ms = call->now_ms,
        .data = data,
        .client_token = want->client_token,
        .request_hash = want->request_hash,
    };
    assert(ec2_launch_template_version_ok(ret));
    return ec2_unwritten(ec2_launch_template_version_insert(call->txn, ret), ret->id);
}

static int
version_show(struct api_call *call, const struct ec2_launch_template_row *of,
             const struct ec2_launch_template_version_row *row, struct opt_bool resolve,
             struct ec2_LaunchTemplateVersion *ret)
{
    struct ec2_ResponseLaunchTemplateData *data;
    int r = ec2_launch_template_data_show(call, row, &data);

    assert(str_eq(of->id, row->template_id));
    /* "resolve:ssm:…" becomes the id that stands there now */
    if (r == 0 && opt_bool_or(resolve, false) && data->image_id.n)
        r = ec2_image_resolve(call, &data->image_id);
    if (r)
        return r;
    *ret = (struct ec2_LaunchTemplateVersion){
        .launch_template_id = of->id,
        .launch_template_name = of->name,
        .version_number = opt_i64(row->number),
        .version_description = ec2_text_show(row->description),
        .create_time = opt_i64(row->created_ms),
        .created_by = row->created_by,
        .default_version = opt_bool(row->number == of->default_version),
        .launch_template_data = data,
    };
    return 0;
}

static int
create(struct api_call *call, const struct ec2_CreateLaunchTemplateVersionRequest *req,
       const struct ec2_launch_template_row *of, struct str hash,
       struct ec2_launch_template_version_row *ret)
{
    struct ec2_launch_template_row new = *of;
    const struct ec2_launch_template_version_row *source;
    struct ec2_RequestLaunchTemplateData whole = *req->launch_template_data;
    const struct ec2_launch_template_version_want want = {.data = &whole,
                                                          .description = req->version_description,
                                                          .client_token = req->client_token,
                                                          .request_hash = hash};
    int r = 0;

    if (req->source_version.p)
        r = ec2_launch_template_version_find(call, of, req->source_version, &source);
    if (r == 0 && req->source_version.p)
        r = ec2_launch_template_data_inherit(call, source, req->launch_template_data, &whole);
    if (r == 0)
        r = ec2_launch_template_version_make(call, &new, &want, ret);
    return r ? r : ec2_launch_template_put(call->txn, &new);
}

int
ec2_create_launch_template_version(struct api_call *call,
                                   const struct ec2_CreateLaunchTemplateVersionRequest *req,
                                   struct ec2_CreateLaunchTemplateVersionResult *res)
{
    const struct ec2_launch_template_row *of;
    const struct ec2_launch_template_version_row *before = NULL;
    struct ec2_launch_template_version_row row;
    struct str hash = ec2_request_hash(call, req);
    int r = ec2_launch_template_find(call, req->launch_template_id, req->launch_template_name, &of);

    if (r)
        return r;
    if (req->client_token.n)
        before = ec2_launch_template_version_by_token_get(call->txn, of->id, req->client_token);
    r = before ? ec2_token_check(call, before->request_hash, hash)
               : create(call, req, of, hash, &row);
    if (r)
        return r;
    res->launch_template_version = ARENA_NEW(call->arena, struct ec2_LaunchTemplateVersion);
    return version_show(call, of, before ? before : &row, req->resolve_alias,
                        res->launch_template_version);
}

/* ---- deleting ---- */

int
ec2_launch_template_versions_drop(struct txn *txn, struct str template_id)
{
    int r = 0;

    assert(template_id.n > 0);
    STORE_EACH(txn, ec2_launch_template_version_by_number, row, template_id)
        if (r == 0)
            r = ec2_launch_template_version_delete(txn, row->id);
    return r < 0 ? error_origin(-r, "versions of %.*s cannot be deleted", STR_ARG(template_id)) : 0;
}

/* The highest number that is left: of a version that is never deleted there is one. */
static int64_t
latest_of(struct txn *txn, struct str template_id)
{
    int64_t latest = 0;

    STORE_EACH(txn, ec2_launch_template_version_by_number, row, template_id)
        latest = row->number;
    assert(latest > 0);
    return latest;
}

/* One of the versions: gone, or why not. */
static int
delete_one(struct api_call *call, struct ec2_launch_template_row *of, int64_t number,
           struct ec2_DeleteLaunchTemplateVersionsResult *res)
{
    bool kept = number == of->default_version;
    const struct ec2_launch_template_version_row *row = version_get(call, of->id, number);

    assert(number > 0 && of->versions > 0);
    if (row && !kept) {
        *LIST_PUSH(call->arena, &res->successfully_deleted_launch_template_versions) =
            (struct ec2_DeleteLaunchTemplateVersionsResponseSuccessItem){of->id, of->name,
                                                                         opt_i64(number)};
        of->versions--;
        return ec2_unwritten(ec2_launch_template_version_delete(call->txn, row->id), of->id);
    }
    struct ec2_ResponseError *why = ARENA_NEW(call->arena, struct ec2_ResponseError);

    why->code = kept ? S("unexpectedError") : S("launchTemplateVersionDoesNotExist");
    why->message =
        kept ? str_fmt(call->arena,
                       "The default version of a launch template, %lld, cannot be deleted.",
                       (long long)number)
             : str_fmt(call->arena,
                       "Could not find the specified version %lld for the launch template with ID "
                       "%.*s.",
                       (long long)number, STR_ARG(of->id));
    *LIST_PUSH(call->arena, &res->unsuccessfully_deleted_launch_template_versions) =
        (struct ec2_DeleteLaunchTemplateVersionsResponseErrorItem){of->id, of->name,
                                                                   opt_i64(number), why};
    return 0;
}

int
ec2_delete_launch_template_versions(struct api_call *call,
                                    const struct ec2_DeleteLaunchTemplateVersionsRequest *req,
                                    struct ec2_DeleteLaunchTemplateVersionsResult *res)
{
    const struct ec2_launch_template_row *of;
    int r = ec2_launch_template_find(call, req->launch_template_id, req->launch_template_name, &of);

    if (r)
        return r;
    if (req->versions.n > DELETE_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "You can delete up to %d launch template versions in a single request.",
                         DELETE_MAX);
    struct ec2_launch_template_row new = *of;

    API_PRESENT(&res->successfully_deleted_launch_template_versions);
    API_PRESENT(&res->unsuccessfully_deleted_launch_template_versions);
    LIST_EACH(&req->versions, text) {
        int64_t number;

        r = number_of(call, of, *text, &number);
        if (r == 0)
            r = delete_one(call, &new, number, res);
        if (r)
            return r;
    }
    new.latest_version = latest_of(call->txn, new.id);
    return ec2_launch_template_put(call->txn, &new);
}

/* ---- DescribeLaunchTemplateVersions ---- */

static const struct api_filter version_filters[] = {
    {"create-time", "CreateTime"},
    {"ebs-optimized", "LaunchTemplateData.EbsOptimized"},
    {"host-resource-group-arn", "LaunchTemplateData.Placement.HostResourceGroupArn"},
    {"http-endpoint", "LaunchTemplateData.MetadataOptions.HttpEndpoint"},
    {"http-protocol-ipv4", "LaunchTemplateData.MetadataOptions.HttpEndpoint"},
    {"http-tokens", "LaunchTemplateData.MetadataOptions.HttpTokens"},
    {"iam-instance-profile", "LaunchTemplateData.IamInstanceProfile.Arn"},
    {"image-id", "LaunchTemplateData.ImageId"},
    {"instance-type", "LaunchTemplateData.InstanceType"},
    {"is-default-version", "DefaultVersion"},
    {"kernel-id", "LaunchTemplateData.KernelId"},
    {"license-configuration-arn",
     "LaunchTemplateData.LicenseSpecifications.LicenseConfigurationArn"},
    {"network-card-index", "LaunchTemplateData.NetworkInterfaces.NetworkCardIndex"},
    {"ram-disk-id", "LaunchTemplateData.RamDiskId"},
};
const struct api_filter_table ec2_launch_template_version_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_LaunchTemplateVersion, version_filters);

struct listing {
    struct api_call *call;
    const struct ec2_DescribeLaunchTemplateVersionsRequest *req;
    struct ec2_DescribeLaunchTemplateVersionsResult *res;
    struct ec2_listing page;
};

/* Newest first: the key of a page falls as the number rises. */
static int
list_version(struct listing *l, const struct ec2_launch_template_row *of,
             const struct ec2_launch_template_version_row *row)
{
    struct ec2_LaunchTemplateVersion shown;
    struct str key = str_fmt(l->call->arena, "%.*s/%016llx", STR_ARG(of->id),
                             (unsigned long long)(INT64_MAX - row->number));
    int r = version_show(l->call, of, row, l->req->resolve_alias, &shown);

    assert(row->number > 0 && row->number <= of->last_version);
    if (r == 0 && ec2_listing_has(l->call, &l->page, &shown, of->created_ms, key))
        *LIST_PUSH(l->call->arena, &l->res->launch_template_versions) = shown;
    return r;
}

struct numbers {
    int64_t *v;
    size_t n;
};

static bool
among(const struct numbers *numbers, int64_t number)
{
    for (size_t i = 0; i < numbers->n; i++)
        if (numbers->v[i] == number)
            return true;
    return false;
}

/* The numbers that the request lists; each must be there. */
static int
numbers_asked(struct listing *l, const struct ec2_launch_template_row *of, struct numbers *ret)
{
    LIST_EACH(&l->req->versions, text) {
        const struct ec2_launch_template_version_row *row;
        int r = ec2_launch_template_version_find(l->call, of, *text, &row);

        if (r)
            return r;
        if (!among(ret, row->number))
            *LIST_PUSH(l->call->arena, ret) = row->number;
    }
    return 0;
}

static int
list_template(struct listing *l, const struct ec2_launch_template_row *of)
{
    struct {
        const struct ec2_launch_template_version_row **v;
        size_t n;
    } rows = {0};
    struct numbers asked = {0};
    int64_t min = 1, max = INT64_MAX;
    int r = numbers_asked(l, of, &asked);

    if (r == 0 && l->req->min_version.n)
        r = number_of(l->call, of, l->req->min_version, &min);
    if (r == 0 && l->req->max_version.n)
        r = number_of(l->call, of, l->req->max_version, &max);
    if (r)
        return r;
    STORE_EACH(l->call->txn, ec2_launch_template_version_by_number, row, of->id)
        if (row->number >= min && row->number <= max && (!asked.n || among(&asked, row->number)))
            *LIST_PUSH(l->call->arena, &rows) = row;
    while (rows.n > 0 && r == 0)
        r = list_version(l, of, rows.v[--rows.n]);
    return r;
}

/* Of every template its latest version, its default one, or both. */
static int
list_all(struct listing *l)
{
    static const char how[] =
        "To describe the launch template data for all your launch templates, for '--versions' "
        "specify '$Latest', '$Default', or both, and omit '--launch-template-id', "
        "'--launch-template-name', and version numbers. To describe the launch template data for "
        "a specific launch template, specify '--launch-template-id' or '--launch-template-name', "
        "and for '--versions' specify one or more of the following values: '$Latest', '$Default', "
        "or one or more version numbers.";
    int r = 0;

    if (!l->req->versions.n)
        return api_fault(l->call, &EC2_ERR(MissingParameter), "%s", how);
    LIST_EACH(&l->req->versions, text)
        if (!is_latest(*text) && !is_default(*text))
            return api_fault(l->call, &EC2_ERR(InvalidParameterValue), "%s", how);
    STORE_EACH(l->call->txn, ec2_launch_template_by_owner, of, l->call->account, l->call->region) {
        if (r == 0)
            r = list_template(l, of);
    }
    return r;
}

int
ec2_describe_launch_template_versions(struct api_call *call,
                                      const struct ec2_DescribeLaunchTemplateVersionsRequest *req,
                                      struct ec2_DescribeLaunchTemplateVersionsResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = LAUNCH_TEMPLATE_PAGE_MAX};
    bool one = req->launch_template_id.n || req->launch_template_name.n;
    const struct ec2_launch_template_row *of;
    struct listing l = {.call = call, .req = req, .res = res};
    int r = ec2_listing_open(call, &ec2_launch_template_version_filter_table, &req->filters, &rule,
                             req->next_token, req->max_results, false, &l.page);

    if (r)
        return r;
    API_PRESENT(&res->launch_template_versions);
    if (one)
        r = ec2_launch_template_find(call, req->launch_template_id, req->launch_template_name, &of);
    if (r == 0)
        r = one ? list_template(&l, of) : list_all(&l);
    if (r)
        return r;
    res->next_token = ec2_listing_next(call, &l.page);
    return 0;
}
