/*
 * Launch templates: a name for a row of versions.  What a version says is in its own row; here is
 * which one $Default and $Latest are.
 */
#include "ec2/launch_template.h"

#include "ec2/row_ok.h"

enum { NAME_CHARS_MIN = 3, NAME_CHARS_MAX = 128, TEMPLATES_MAX = 5000 };

static struct ec2_LaunchTemplate *
template_show(struct api_call *call, const struct ec2_launch_template_row *row)
{
    struct ec2_LaunchTemplate *out = ARENA_NEW(call->arena, struct ec2_LaunchTemplate);

    assert(ec2_launch_template_ok(row));
    *out = (struct ec2_LaunchTemplate){
        .launch_template_id = row->id,
        .launch_template_name = row->name,
        .create_time = opt_i64(row->created_ms),
        .created_by = row->created_by,
        .default_version_number = opt_i64(row->default_version),
        .latest_version_number = opt_i64(row->latest_version),
        .tags = ec2_tags_show(call->arena, &row->tags),
    };
    return out;
}

int
ec2_launch_template_put(struct txn *txn, const struct ec2_launch_template_row *row)
{
    assert(ec2_launch_template_ok(row));
    return ec2_unwritten(ec2_launch_template_update(txn, row), row->id);
}

/* ---- finding ---- */

static int
id_unknown(struct api_call *call, struct str id)
{
    return api_fault(call, &EC2_ERR(InvalidLaunchTemplateId_NotFound),
                     "The specified launch template, with template ID %.*s, does not exist.",
                     STR_ARG(id));
}

static int
find_by_id(struct api_call *call, struct str id, const struct ec2_launch_template_row **ret)
{
    int r = ec2_id_check(call, id, "lt", &EC2_ERR(InvalidLaunchTemplateId_Malformed));

    if (r)
        return r;
    *ret = ec2_launch_template_get(call->txn, id);
    if (!*ret || !ec2_mine(call, (*ret)->account, (*ret)->region))
        return id_unknown(call, id);
    assert(ec2_launch_template_ok(*ret));
    return 0;
}

static const struct ec2_launch_template_row *
named(struct api_call *call, struct str name)
{
    return ec2_launch_template_by_name_get(call->txn, call->account, call->region, name);
}

int
ec2_launch_template_find(struct api_call *call, struct str id, struct str name,
                         const struct ec2_launch_template_row **ret)
{
    if (id.n && name.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Either a launch template ID or a launch template name may be specified "
                         "in the request, but not both.");
    if (!id.n && !name.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Either a launch template ID or a launch template name must be specified "
                         "in the request.");
    if (id.n)
        return find_by_id(call, id, ret);
    *ret = named(call, name);
    if (!*ret)
        return api_fault(call, &EC2_ERR(InvalidLaunchTemplateName_NotFound),
                         "The specified launch template, with template name %.*s, does not exist.",
                         STR_ARG(name));
    assert(ec2_launch_template_ok(*ret));
    return 0;
}

/* ---- CreateLaunchTemplate ---- */

static bool
name_char_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("().-/_", c));
}

static int
name_check(struct api_call *call, struct str name)
{
    bool ok = name.n >= NAME_CHARS_MIN && name.n <= NAME_CHARS_MAX;

    for (size_t i = 0; i < name.n; i++)
        ok = ok && name_char_ok(name.p[i]);
    if (!ok)
        return api_fault(call, &EC2_ERR(InvalidLaunchTemplateName_Malformed),
                         "A launch template name must be between %d and %d characters, and may "
                         "contain letters, numbers, and the following characters: - ( ) . / _.",
                         NAME_CHARS_MIN, NAME_CHARS_MAX);
    if (named(call, name))
        return api_fault(call, &EC2_ERR(InvalidLaunchTemplateName_AlreadyExists),
                         "Launch template name already in use.");
    return 0;
}

static int
create(struct api_call *call, const struct ec2_CreateLaunchTemplateRequest *req, struct str hash,
       struct ec2_launch_template_row *row)
{
    const struct ec2_launch_template_version_want want = {.data = req->launch_template_data,
                                                          .description = req->version_description};
    struct ec2_launch_template_version_row version;
    int r = req->operator? ec2_unsupported_parameter(call, "Operator")
                         : name_check(call, req->launch_template_name);

    assert(hash.n > 0);
    if (r == 0)
        r = ec2_tags_made(call, &req->tag_specifications, "launch-template", &row->tags);
    if (r == 0)
        r = ec2_limit_check(call, &ec2_launch_template_by_owner, TEMPLATES_MAX,
                            &EC2_ERR(LaunchTemplateLimitExceeded), "launch templates");
    if (r)
        return r;
    row->id = api_id(call, "lt");
    row->name = req->launch_template_name;
    row->created_by = call->principal_arn;
    row->created_ms = call->now_ms;
    row->client_token = req->client_token;
    row->request_hash = hash;
    r = ec2_launch_template_version_make(call, row, &want, &version);
    if (r)
        return r;
    row->default_version = version.number;
    assert(ec2_launch_template_ok(row));
    return ec2_unwritten(ec2_launch_template_insert(call->txn, row), row->id);
}

int
ec2_create_launch_template(struct api_call *call, const struct ec2_CreateLaunchTemplateRequest *req,
                           struct ec2_CreateLaunchTemplateResult *res)
{
    const struct ec2_launch_template_row *before = NULL;
    struct ec2_launch_template_row row = {.account = call->account, .region = call->region};
    struct str hash = ec2_request_hash(call, req);

    if (req->client_token.n)
        before = ec2_launch_template_by_token_get(call->txn, call->account, call->region,
                                                  req->client_token);
    int r =
        before ? ec2_token_check(call, before->request_hash, hash) : create(call, req, hash, &row);
    if (r == 0)
        res->launch_template = template_show(call, before ? before : &row);
    return r;
}

/* ---- ModifyLaunchTemplate, DeleteLaunchTemplate ---- */

/* Without a look at ClientToken: what is made the default twice is the default. */

int
ec2_modify_launch_template(struct api_call *call, const struct ec2_ModifyLaunchTemplateRequest *req,
                           struct ec2_ModifyLaunchTemplateResult *res)
{
    const struct ec2_launch_template_version_row *version;
    const struct ec2_launch_template_row *row;
    int r =
        ec2_launch_template_find(call, req->launch_template_id, req->launch_template_name, &row);

    if (r)
        return r;
    if (!req->default_version.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter SetDefaultVersion");
    r = ec2_launch_template_version_find(call, row, req->default_version, &version);
    if (r)
        return r;
    struct ec2_launch_template_row new = *row;

    new.default_version = version->number;
    r = ec2_launch_template_put(call->txn, &new);
    if (r == 0)
        res->launch_template = template_show(call, &new);
    return r;
}

int
ec2_delete_launch_template(struct api_call *call, const struct ec2_DeleteLaunchTemplateRequest *req,
                           struct ec2_DeleteLaunchTemplateResult *res)
{
    const struct ec2_launch_template_row *row;
    int r =
        ec2_launch_template_find(call, req->launch_template_id, req->launch_template_name, &row);

    if (r)
        return r;
    res->launch_template = template_show(call, row);
    r = ec2_launch_template_versions_drop(call->txn, row->id);
    return r ? r : ec2_unwritten(ec2_launch_template_delete(call->txn, row->id), row->id);
}

/* ---- DescribeLaunchTemplates ---- */

static const struct api_filter template_filters[] = {
    {"create-time", "CreateTime"},
    {"launch-template-name", "LaunchTemplateName"},
    {"tag", API_FILTER_TAGS},
};
const struct api_filter_table ec2_launch_template_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_LaunchTemplate, template_filters);

static int
asked_check(struct api_call *call, const struct ec2_DescribeLaunchTemplatesRequest *req)
{
    LIST_EACH(&req->launch_template_ids, id) {
        const struct ec2_launch_template_row *row;
        int r = find_by_id(call, *id, &row);

        if (r)
            return r;
    }
    LIST_EACH(&req->launch_template_names, name)
        if (!named(call, *name))
            return api_fault(call, &EC2_ERR(InvalidLaunchTemplateName_NotFound),
                             "At least one of the launch templates specified in the request does "
                             "not exist.");
    return 0;
}

/* No template is managed by a service, so IncludeManagedResources shows nothing more. */
int
ec2_describe_launch_templates(struct api_call *call,
                              const struct ec2_DescribeLaunchTemplatesRequest *req,
                              struct ec2_DescribeLaunchTemplatesResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = LAUNCH_TEMPLATE_PAGE_MAX};
    bool asked = req->launch_template_ids.n || req->launch_template_names.n;
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &ec2_launch_template_filter_table, &req->filters, &rule,
                             req->next_token, req->max_results, false, &listing);

    if (r == 0)
        r = asked_check(call, req);
    if (r)
        return r;
    API_PRESENT(&res->launch_templates);
    STORE_EACH(call->txn, ec2_launch_template_by_owner, row, call->account, call->region) {
        if (asked && !str_in(&req->launch_template_ids, row->id) &&
            !str_in(&req->launch_template_names, row->name))
            continue;
        const struct ec2_LaunchTemplate *shown = template_show(call, row);

        if (ec2_listing_has(call, &listing, shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->launch_templates) = *shown;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
