/*
 * PutParameter: a new parameter, or a new version of one.
 *
 * What a request leaves out of a description, pattern, key or policy stays as it was.  A version
 * that is not the newest any more moves to a row of its own; the hundredth drops the oldest.
 */
#include "api/pattern.h"
#include "gen/api/ec2.h"
#include "ssm/ssm.h"

enum { STANDARD_MAX = 10000, ADVANCED_MAX = 100000 };

struct put {
    const struct ssm_PutParameterRequest *req;
    const struct ssm_parameter_row *old; /* NULL: it is new */
    struct ssm_parameter_row row;        /* as it will be; the value in plain until it is sealed */
    struct ssm_policies policies;
    struct str arn;
};

/* ---- the name ---- */

static int
reserved(struct api_call *call, struct str path)
{
    if (ssm_path_levels(path) < 2)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
                         "(case-insensitive).");
    if (str_eq_nocase(str_cut(path, 1, 4), S("aws")))
        return api_fault(call, &SSM_ERR(AccessDeniedException),
                         "No access to reserved parameter name: %.*s.", STR_ARG(path));
    return api_fault(
        call, &SSM_ERR(ValidationException),
        "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as "
        "a path, it can consist of sub-paths divided by slash symbol; each sub-path can "
        "be formed as a mix of letters, numbers and the following 3 symbols .-_");
}

static int
name_check(struct api_call *call, const struct put *put, const struct ssm_name *name)
{
    if (name->is_arn || name->selector.p)
        return api_fault(
            call, &SSM_ERR(ValidationException),
            "Parameter name: an ARN, a version or a label can't be part of the name of "
            "a parameter that is created or updated.");
    if (ssm_path_is_reserved(name->path))
        return reserved(call, name->path);
    if (name->name.p[0] != '/' && str_find_char(name->name, '/') != SIZE_MAX)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Parameter name must be a fully qualified name.");
    if (ssm_path_levels(name->path) > SSM_LEVELS_MAX)
        return api_fault(call, &SSM_ERR(HierarchyLevelLimitExceededException),
                         "A hierarchy can have a maximum of 15 levels.");
    if (put->arn.n > SSM_NAME_ARN_MAX)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Parameter name: with the ARN in front of it it can have a maximum of %d "
                         "characters.",
                         SSM_NAME_ARN_MAX);
    return 0;
}

/* ---- the value ---- */

static int
value_check(struct api_call *call, const struct put *put)
{
    struct str value = put->row.value;

    if (!value.n)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "1 validation error detected: Value at 'value' failed to satisfy "
                         "constraint: Member must have length greater than or equal to 1");
    size_t open = str_find(value, S("{{"));

    if (open != SIZE_MAX && str_find(str_cut(value, open, value.n), S("}}")) != SIZE_MAX)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Parameter value can't nest another parameter. Do not use \"{{}}\" in the "
                         "value.");
    return 0;
}

static int
pattern_check(struct api_call *call, const struct put *put)
{
    struct str pattern = put->row.pattern;

    if (!pattern.n)
        return 0;
    switch (api_pattern_match(str_cstr(call->arena, pattern), put->row.value)) {
    case API_MATCH_YES:
        return 0;
    case API_MATCH_NO:
        return api_fault(call, &SSM_ERR(ParameterPatternMismatchException),
                         "Parameter value, cannot be validated against allowedPattern: %.*s",
                         STR_ARG(pattern));
    case API_MATCH_UNKNOWN:
        break;
    }
    return api_fault(call, &SSM_ERR(InvalidAllowedPatternException),
                     "The pattern %.*s is no regular expression that Welkin knows.",
                     STR_ARG(pattern));
}

/* ---- type, data type, key ---- */

static int
type_check(struct api_call *call, struct put *put)
{
    const struct ssm_parameter_row *old = put->old;
    struct str type = put->req->type.n ? put->req->type : old ? old->type : STR_NONE;

    if (!type.n)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "A parameter type is required when you create a parameter.");
    if (old && !str_eq(old->type, type) && ssm_path_levels(old->parent) > 1)
        return api_fault(call, &SSM_ERR(HierarchyTypeMismatchException),
                         "Parameter Store doesn't support changing a parameter type in a "
                         "hierarchy. You must create a new, unique parameter.");
    bool secure = str_is(type, "SecureString");

    if (put->req->key_id.n && !secure)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "KeyId can be specified only for parameters of type SecureString.");
    put->row.type = type;
    if (secure)
        put->row.key_id = put->req->key_id.n     ? put->req->key_id
                          : old && old->key_id.n ? old->key_id
                                                 : S("alias/aws/ssm");
    return 0;
}

static int
data_type_check(struct api_call *call, struct put *put)
{
    struct str type = put->req->data_type.n ? put->req->data_type
                      : put->old            ? put->old->data_type
                                            : S("text");

    if (!str_is(type, "text") && !str_is(type, "aws:ec2:image") &&
        !str_is(type, "aws:ssm:integration"))
        return api_fault(call, &SSM_ERR(ValidationException),
                         "The following data type is not supported: %.*s (Data type names are all "
                         "lowercase.)",
                         STR_ARG(type));
    if (str_is(type, "aws:ec2:image") && !str_is(put->row.type, "String"))
        return api_fault(call, &SSM_ERR(ValidationException),
                         "The data type aws:ec2:image is only supported for parameters of type "
                         "String.");
    put->row.data_type = type;
    return 0;
}

/*
 * Whether the image is one that the caller sees.  AWS looks later than it answers: a parameter
 * whose image is not there is never made, though PutParameter went well; an event tells.
 */
static int
image_check(struct api_call *call, const struct put *put, bool *ret)
{
    struct ec2_DescribeImagesRequest req = {0};
    struct ec2_DescribeImagesResult res = {0};

    *ret = true;
    if (!str_is(put->row.data_type, "aws:ec2:image"))
        return 0;
    *LIST_PUSH(call->arena, &req.image_ids) = put->row.value;
    int r = api_call_internal(call, "ec2", "DescribeImages", &req, &res, "ssm.amazonaws.com");

    if (r < 0)
        return r;
    *ret = r == 0 && res.images.n == 1 && str_is(res.images.v[0].state, "available");
    return 0;
}

/* ---- policies and tier ---- */

static int
policies_check(struct api_call *call, struct put *put)
{
    static const enum ssm_error errors[] = {
        [SSM_POLICY_MALFORMED] = SSM_ERROR_ValidationException,
        [SSM_POLICY_TOO_MANY] = SSM_ERROR_PoliciesLimitExceededException,
        [SSM_POLICY_TYPE] = SSM_ERROR_InvalidPolicyTypeException,
        [SSM_POLICY_ATTRIBUTE] = SSM_ERROR_InvalidPolicyAttributeException,
        [SSM_POLICY_INCOMPATIBLE] = SSM_ERROR_IncompatiblePolicyException,
    };
    struct str text = put->req->policies.n ? put->req->policies : put->row.policies, why;

    if (!text.n)
        return 0;
    enum ssm_policy_error e = ssm_policies_parse(call->arena, text, &put->policies, &why);

    if (e)
        return api_fault(call, &ssm_errors[errors[e]], "%.*s", STR_ARG(why));
    for (size_t i = 0; put->req->policies.n && i < put->policies.n; i++)
        if (put->policies.v[i].kind == SSM_EXPIRATION && put->policies.v[i].at_ms <= call->now_ms)
            return api_fault(call, &SSM_ERR(InvalidPolicyAttributeException),
                             "The Timestamp of an Expiration policy must be in the future: %.*s",
                             STR_ARG(put->policies.v[i].text));
    if (put->req->policies.n)
        put->row.policies_done = 0;
    put->row.policies = put->policies.n ? text : S("");
    /* what was told of no change is told again of the next */
    for (size_t i = 0; i < put->policies.n; i++)
        if (put->policies.v[i].kind == SSM_NO_CHANGE_NOTIFICATION)
            put->row.policies_done &= ~(INT64_C(1) << i);
    put->row.due_ms = ssm_policies_due_ms(&put->policies, put->row.policies_done, call->now_ms);
    return 0;
}

static struct ssm_account_row
account_row(struct api_call *call)
{
    struct str id =
        str_fmt(call->arena, "%.*s/%.*s", STR_ARG(call->account), STR_ARG(call->region));
    const struct ssm_account_row *row = ssm_account_get(call->txn, id);

    return row ? *row : (struct ssm_account_row){.id = id};
}

static int
tier_choose(struct api_call *call, struct put *put)
{
    struct str wish = put->req->tier.n ? put->req->tier : ssm_default_tier(call);
    bool was = put->old && str_is(put->old->tier, "Advanced");
    bool needs = put->row.value.n > SSM_STANDARD_BYTES || put->policies.n ||
                 (!put->old && account_row(call).n_standard >= STANDARD_MAX);

    if (was && put->req->tier.n && str_is(wish, "Standard"))
        return api_fault(
            call, &SSM_ERR(ValidationException),
            "This parameter uses the advanced-parameter tier. You can't downgrade a "
            "parameter from the advanced-parameter tier to the standard-parameter "
            "tier. If necessary, you can delete the advanced parameter and recreate it "
            "as a standard parameter.");
    bool advanced =
        was || str_is(wish, "Advanced") || (str_is(wish, "Intelligent-Tiering") && needs);

    if (!advanced && put->policies.n)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Parameter policies are only supported by the advanced-parameter tier.");
    if (!advanced && put->row.value.n > SSM_STANDARD_BYTES)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Standard tier parameters support a maximum parameter value of 4096 "
                         "characters. To create a larger parameter value, upgrade the parameter to "
                         "use the advanced-parameter tier. For more information, see "
                         "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                         "parameter-store-advanced-parameters.html");
    if (put->row.value.n > SSM_ADVANCED_BYTES)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Advanced tier parameters support a maximum parameter value of 8192 "
                         "characters.");
    put->row.tier = advanced ? S("Advanced") : S("Standard");
    return 0;
}

int
ssm_account_count(struct txn *txn, struct str account, struct str region, int64_t standard,
                  int64_t advanced)
{
    CLEANUP(arena_done) struct arena arena;

    arena_init(&arena, 1 << 10);
    struct str id = str_fmt(&arena, "%.*s/%.*s", STR_ARG(account), STR_ARG(region));
    const struct ssm_account_row *old = ssm_account_get(txn, id);
    struct ssm_account_row row = old ? *old : (struct ssm_account_row){.id = id};

    row.n_standard += standard;
    row.n_advanced += advanced;
    assert(row.n_standard >= 0 && row.n_advanced >= 0);
    return old ? ssm_account_update(txn, &row) : ssm_account_insert(txn, &row);
}

/* Room for one more of its tier. */
static int
count(struct api_call *call, const struct put *put)
{
    bool advanced = str_is(put->row.tier, "Advanced");
    struct ssm_account_row has = account_row(call);

    if (put->old && str_eq(put->old->tier, put->row.tier))
        return 0;
    if (!advanced && has.n_standard >= STANDARD_MAX)
        return api_fault(call, &SSM_ERR(ParameterLimitExceeded),
                         "You have reached the maximum number of standard parameters for this AWS "
                         "account and Region (%d). To add more parameters, either delete existing "
                         "parameters or upgrade to the advanced-parameter tier (charges apply).",
                         STANDARD_MAX);
    if (advanced && has.n_advanced >= ADVANCED_MAX)
        return api_fault(call, &SSM_ERR(ParameterLimitExceeded),
                         "You have reached the maximum number of advanced parameters for this AWS "
                         "account and Region (%d). To add more parameters, delete existing "
                         "parameters.",
                         ADVANCED_MAX);
    /* only a standard one that becomes advanced was counted before */
    return ssm_account_count(call->txn, call->account, call->region, put->old ? -1 : !advanced,
                             advanced);
}

/* ---- writing ---- */

/* The newest version becomes an older one; the oldest goes when there are too many. */
static int
version_keep(struct api_call *call, struct put *put)
{
    const struct ssm_parameter_row *old = put->old;
    struct ssm_version_row row = ssm_version_newest(old);

    assert(old->oldest >= 1 && old->oldest <= old->version);
    row.id = ssm_version_key(call->arena, old, old->version);
    int r = ssm_version_insert(call->txn, &row);

    if (r || old->version - old->oldest + 1 < SSM_VERSIONS_MAX)
        return r;
    struct str key = ssm_version_key(call->arena, old, old->oldest);
    const struct ssm_version_row *oldest = ssm_version_get(call->txn, key);

    assert(oldest);
    if (oldest->labels.n)
        return api_fault(
            call, &SSM_ERR(ParameterMaxVersionLimitExceeded),
            "You attempted to create a new version of %.*s by calling the PutParameter "
            "API with the overwrite flag. Version %lld, the oldest version, can't be "
            "deleted because it has a label associated with it. Move the label to "
            "another version of the parameter, and try again.",
            STR_ARG(old->name), (long long)old->oldest);
    put->row.oldest = old->oldest + 1;
    return ssm_version_delete(call->txn, key);
}

/* The row as it will be, before anything is checked. */
static void
merge(struct api_call *call, struct put *put, const struct ssm_name *name)
{
    const struct ssm_PutParameterRequest *req = put->req;
    struct str key = ssm_name_key(call->arena, name);

    if (put->old)
        put->row = *put->old;
    else
        put->row = (struct ssm_parameter_row){
            .id = key,
            .parent = ssm_key_parent(key),
            .account = call->account,
            .region = call->region,
            .name = name->name,
            .oldest = 1,
        };
    put->row.value = req->value;
    if (req->description.p)
        put->row.description = req->description;
    if (req->allowed_pattern.p)
        put->row.pattern = req->allowed_pattern;
    put->row.key_id = STR_NONE;
    put->row.labels = (struct str_list){NULL, 0};
    put->row.version = put->old ? put->old->version + 1 : 1;
    put->row.modified_ms = call->now_ms;
    put->row.modified_by = call->principal_arn;
}

static int
write_row(struct api_call *call, struct put *put)
{
    struct ssm_parameter_row *row = &put->row;
    int r = count(call, put);

    if (r == 0 && str_is(row->type, "SecureString"))
        r = ssm_seal(call, put->arn, row->key_id, str_is(row->tier, "Advanced"), put->req->value,
                     &row->value);
    if (r == 0 && put->old)
        r = version_keep(call, put);
    if (r == 0)
        r = put->old ? ssm_parameter_update(call->txn, row) : ssm_parameter_insert(call->txn, row);
    if (r < 0)
        return error_origin(-r, "parameter %.*s cannot be written", STR_ARG(row->id));
    return r ? r : ssm_change_tell(call, row, put->old ? "Update" : "Create", NULL, NULL);
}

/* What of the request can be judged without other rows. */
static int
request_check(struct api_call *call, struct put *put, struct ssm_name *ret)
{
    const struct ssm_PutParameterRequest *req = put->req;

    if (req->tags.n && opt_bool_or(req->overwrite, false))
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Invalid request: tags and overwrite can't be used together. To create a "
                         "parameter with tags, please remove overwrite flag. To update tags for an "
                         "existing parameter, please use AddTagsToResource or "
                         "RemoveTagsFromResource.");
    int r = ssm_name_read(call, req->name, ret);

    if (r)
        return r;
    put->arn = ssm_name_arn(call->arena, call->region, call->account, ret->path);
    return name_check(call, put, ret);
}

int
ssm_put_parameter(struct api_call *call, const struct ssm_PutParameterRequest *req,
                  struct ssm_PutParameterResult *res)
{
    struct put put = {.req = req};
    struct ssm_name name;
    bool there;
    int r = request_check(call, &put, &name);

    if (r)
        return r;
    put.old = ssm_parameter_get(call->txn, ssm_name_key(call->arena, &name));
    if (put.old && !opt_bool_or(req->overwrite, false))
        return api_fault(call, &SSM_ERR(ParameterAlreadyExists),
                         "The parameter already exists. To overwrite this value, set the overwrite "
                         "option in the request to true.");
    merge(call, &put, &name);
    r = value_check(call, &put);
    if (r == 0)
        r = type_check(call, &put);
    if (r == 0)
        r = data_type_check(call, &put);
    if (r == 0)
        r = policies_check(call, &put);
    if (r == 0)
        r = tier_choose(call, &put);
    if (r == 0)
        r = pattern_check(call, &put);
    if (r == 0 && !put.old)
        r = ssm_tags_of(call, &req->tags, &put.row.tags);
    if (r == 0)
        r = image_check(call, &put, &there);
    if (r)
        return r;
    r = there ? write_row(call, &put)
              : ssm_change_tell(call, &put.row, put.old ? "Update" : "Create", NULL,
                                "Unable to Describe Resource");
    res->version = opt_i64(put.row.version);
    res->tier = put.row.tier;
    return r;
}

struct ssm_ParameterInlinePolicyList
ssm_policies_show(struct arena *a, struct str policies, int64_t done)
{
    struct ssm_ParameterInlinePolicyList list = {API_EMPTY, 0};
    struct ssm_policies parsed;
    struct str why;

    if (!policies.n || ssm_policies_parse(a, policies, &parsed, &why))
        return list;
    for (size_t i = 0; i < parsed.n; i++)
        *LIST_PUSH(a, &list) = (struct ssm_ParameterInlinePolicy){
            .policy_text = parsed.v[i].text,
            .policy_type = parsed.v[i].type,
            .policy_status = done >> i & 1 ? S("Finished") : S("Pending"),
        };
    return list;
}
