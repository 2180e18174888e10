/* Templates, without making anything of them: GetTemplate, ValidateTemplate, GetTemplateSummary. */
#include "cloudformation/stack.h"

#include "cloudformation/expand.h"
#include "cloudformation/fetch.h"
#include "cloudformation/import.h"
#include "cloudformation/parameter.h"
#include "cloudformation/template.h"
#include "cloudformation/type.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

/* ---- GetTemplate ---- */

/* Without what the engine must know of it: the transforms ran. */
static struct str
processed(struct api_call *call, struct str template, struct str text)
{
    struct json root, ret = cfn_object();

    if (!text.n || !cfn_read(call->arena, text, &root))
        return template;
    for (size_t i = 0; i < root.n; i++)
        if (!str_is(root.names[i], "Transform"))
            cfn_put(call->arena, &ret, root.names[i], root.v[i]);
    return cfn_print(call->arena, &ret, (size_t)4 << 20);
}

int
cfn_get_template(struct api_call *call, const struct cloudformation_GetTemplateInput *req,
                 struct cloudformation_GetTemplateOutput *res)
{
    bool asked = str_is(req->template_stage, "Processed");
    const struct cfn_change_set_row *set = NULL;
    const struct cfn_stack_row *row;
    int r;

    if (req->change_set_name.p)
        r = cfn_change_set_need(call, req->change_set_name, req->stack_name, &set);
    else if (!req->stack_name.p)
        r = INVALID("StackName is required if ChangeSetName is not specified.");
    else
        r = cfn_need(call, req->stack_name, &row);
    if (r)
        return r;
    struct str text = set ? set->template : row->template;

    res->template_body =
        asked ? processed(call, text, set ? set->processed : row->processed) : text;
    res->stages_available.v = API_EMPTY;
    *LIST_PUSH(call->arena, &res->stages_available) = S("Original");
    *LIST_PUSH(call->arena, &res->stages_available) = S("Processed");
    return 0;
}

/* ---- ValidateTemplate, GetTemplateSummary ---- */

/* What transforms make of it with the defaults of its parameters, where that can be told. */
static int
expand(struct api_call *call, struct str text, struct json *root)
{
    const struct cfn_stack_row row = {
        .account = call->account, .region = call->region, .template = text};
    const struct json *section = json_get(root, "Parameters");
    struct json params = cfn_object();
    struct str made;

    if (!cfn_is_transformed(root))
        return 0;
    for (size_t i = 0; section && i < section->n; i++) {
        struct str value = cfn_scalar(json_get(&section->v[i], "Default"));

        if (value.p)
            cfn_put(call->arena, &params, section->names[i],
                    cfn_single(call->arena, "Given", cfn_text(value)));
        else
            return 0;
    }
    return cfn_process(call, &row, &params, root, &made);
}

static int
load(struct api_call *call, struct str body, struct str url, bool kept, struct json *ret)
{
    if (body.p && url.p)
        return INVALID("Specify only one of TemplateBody and TemplateURL.");
    int r = url.p ? cfn_fetch(call, url, "TemplateURL", CFN_URL_BYTES_MAX, &body) : 0;

    if (r)
        return r;
    if (!body.p)
        return INVALID("Either Template URL or Template Body must be specified.");
    if (!url.p && !kept && body.n > CFN_BODY_BYTES_MAX)
        return INVALID("1 validation error detected: Value at 'templateBody' failed to satisfy "
                       "constraint: Member must have length less than or equal to %d",
                       CFN_BODY_BYTES_MAX);
    struct str wrong = cfn_template(call->arena, body, ret);

    return wrong.p ? INVALID("%.*s", STR_ARG(wrong)) : expand(call, body, ret);
}

static struct str
reason(struct api_call *call, const struct str_list *types)
{
    struct str all = str_join(call->arena, types, S(", "));

    return str_fmt(call->arena, "The following resource(s) require capabilities: [%.*s]",
                   STR_ARG(all));
}

int
cfn_validate_template(struct api_call *call, const struct cloudformation_ValidateTemplateInput *req,
                      struct cloudformation_ValidateTemplateOutput *res)
{
    struct str_list types = {0};
    struct json root;
    int r = load(call, req->template_body, req->template_url, false, &root);

    if (r)
        return r;
    const struct json *section = json_get(&root, "Parameters");
    struct str capability = cfn_capability(&root, call->arena, &types);

    res->description = json_text(&root, "Description");
    API_PRESENT(&res->parameters);
    for (size_t i = 0; section && i < section->n; i++)
        *LIST_PUSH(call->arena, &res->parameters) = (struct cloudformation_TemplateParameter){
            .parameter_key = section->names[i],
            .default_value = cfn_scalar(json_get(&section->v[i], "Default")),
            .no_echo = opt_bool(cfn_parameter_is_secret(&root, section->names[i])),
            .description = json_text(&section->v[i], "Description"),
        };
    if (capability.p) {
        *LIST_PUSH(call->arena, &res->capabilities) = capability;
        res->capabilities_reason = reason(call, &types);
    }
    res->declared_transforms = cfn_transforms(call->arena, &root);
    return 0;
}

/*
 * Where AWS's calculator would show what it costs: the template must be one that can be created
 * with these parameters.
 */
int
cfn_estimate_template_cost(struct api_call *call,
                           const struct cloudformation_EstimateTemplateCostInput *req,
                           struct cloudformation_EstimateTemplateCostOutput *res)
{
    struct str acknowledged[] = {S("CAPABILITY_NAMED_IAM"), S("CAPABILITY_AUTO_EXPAND")};
    const struct str_list everything = {acknowledged, ARRAY_LEN(acknowledged)};
    static const struct cloudformation_TagList no_tags;
    const struct cfn_submission in = {.body = req->template_body,
                                      .url = req->template_url,
                                      .parameters = &req->parameters,
                                      .capabilities = &everything,
                                      .tags = &no_tags};
    struct cfn_stack_row row = {.account = call->account, .region = call->region};
    int r = cfn_submit(call, &in, NULL, &row);

    res->url = str_fmt(call->arena,
                       "http://calculator.s3.amazonaws.com/calc5.html?key=cloudformation/%.*s",
                       STR_ARG(api_uuid(call->env, call->arena)));
    return r;
}

static void
declare(struct api_call *call, const struct json *root, struct str name, const struct json *def,
        struct cloudformation_ParameterDeclaration *ret)
{
    const struct json *allowed = json_get(def, "AllowedValues");

    *ret = (struct cloudformation_ParameterDeclaration){
        .parameter_key = name,
        .default_value = cfn_scalar(json_get(def, "Default")),
        .parameter_type = json_text(def, "Type"),
        .no_echo = opt_bool(cfn_parameter_is_secret(root, name)),
        .description = json_text(def, "Description"),
        .parameter_constraints = ARENA_NEW(call->arena, struct cloudformation_ParameterConstraints),
    };
    for (size_t i = 0; allowed && i < allowed->n; i++)
        *LIST_PUSH(call->arena, &ret->parameter_constraints->allowed_values) =
            cfn_scalar(&allowed->v[i]);
}

/* By what resources of a type could be imported, and which of the template are of it. */
static void
summarize(struct api_call *call, const struct json *resources, struct str type,
          struct cloudformation_ResourceIdentifierSummaryList *ret)
{
    struct str_list names = cfn_import_names(call->arena, cfn_type(type));

    assert(type.n && resources);
    if (!names.n)
        return;
    struct cloudformation_ResourceIdentifierSummary *one = LIST_PUSH(call->arena, ret);

    *one = (struct cloudformation_ResourceIdentifierSummary){.resource_type = type};
    *LIST_PUSH(call->arena, &one->resource_identifiers) = str_join(call->arena, &names, S(","));
    for (size_t i = 0; i < resources->n; i++)
        if (str_eq(json_text(&resources->v[i], "Type"), type))
            *LIST_PUSH(call->arena, &one->logical_resource_ids) = resources->names[i];
    assert(one->logical_resource_ids.n);
}

int
cfn_get_template_summary(struct api_call *call,
                         const struct cloudformation_GetTemplateSummaryInput *req,
                         struct cloudformation_GetTemplateSummaryOutput *res)
{
    const struct cfn_stack_row *row = NULL;
    struct str_list types = {0};
    struct json root;
    int r = 0;

    if ((req->stack_set_name.p || req->template_summary_config))
        r = api_fault(call, &CFN_ERR(UnsupportedOperation),
                      "Welkin does not implement the parameters StackSetName and "
                      "TemplateSummaryConfig yet: nothing was done.");
    if (r == 0 && req->stack_name.p)
        r = cfn_need(call, req->stack_name, &row);
    if (r == 0)
        r = load(call, row ? row->template : req->template_body, row ? STR_NONE : req->template_url,
                 row != NULL, &root);
    if (r)
        return r;
    const struct json *section = json_get(&root, "Parameters");
    const struct json *resources = json_get(&root, "Resources");
    struct str capability = cfn_capability(&root, call->arena, &types);

    API_PRESENT(&res->parameters);
    API_PRESENT(&res->resource_types);
    for (size_t i = 0; section && i < section->n; i++)
        declare(call, &root, section->names[i], &section->v[i],
                LIST_PUSH(call->arena, &res->parameters));
    for (size_t i = 0; resources && i < resources->n; i++)
        if (!str_in(&res->resource_types, json_text(&resources->v[i], "Type")))
            *LIST_PUSH(call->arena, &res->resource_types) = json_text(&resources->v[i], "Type");
    API_PRESENT(&res->resource_identifier_summaries);
    LIST_EACH(&res->resource_types, type)
        summarize(call, resources, *type, &res->resource_identifier_summaries);
    res->description = json_text(&root, "Description");
    res->version = json_text(&root, "AWSTemplateFormatVersion");
    if (json_get(&root, "Metadata"))
        res->metadata = cfn_print(call->arena, json_get(&root, "Metadata"), (size_t)1 << 20);
    if (capability.p) {
        *LIST_PUSH(call->arena, &res->capabilities) = capability;
        res->capabilities_reason = reason(call, &types);
    }
    res->declared_transforms = cfn_transforms(call->arena, &root);
    return 0;
}
