/* Templates, without making anything of them: GetTemplate, ValidateTemplate, GetTemplateSummary. */
#include "cloudformation/stack.h"

#include "cloudformation/parameter.h"
#include "cloudformation/template.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

int
cfn_get_template(struct api_call *call, const struct cloudformation_GetTemplateInput *req,
                 struct cloudformation_GetTemplateOutput *res)
{
    const struct cfn_stack_row *row;
    int r = 0;

    if (req->change_set_name.p)
        return api_fault(call, &CFN_ERR(UnsupportedOperation),
                         "Welkin does not implement the parameter ChangeSetName of GetTemplate "
                         "yet: nothing was done.");
    if (!req->stack_name.p)
        return INVALID("StackName is required if ChangeSetName is not specified.");
    r = cfn_need(call, req->stack_name, &row);
    if (r)
        return r;
    if (str_is(req->template_stage, "Processed") &&
        str_find(row->template, S("AWS::LanguageExtensions")) != SIZE_MAX)
        return api_fault(call, &CFN_ERR(UnsupportedOperation),
                         "Welkin does not show processed templates with transforms yet: nothing "
                         "was done.");
    res->template_body = row->template;
    res->stages_available.v = API_EMPTY;
    *LIST_PUSH(call->arena, &res->stages_available) = S("Original");
    *LIST_PUSH(call->arena, &res->stages_available) = S("Processed");
    return 0;
}

static int
read_tree(struct api_call *call, struct str text, struct json *ret)
{
    struct str wrong = cfn_template(call->arena, text, ret);

    return wrong.p ? INVALID("%.*s", STR_ARG(wrong)) : 0;
}

static int
load(struct api_call *call, struct str body, struct str url, struct json *ret)
{
    int r = cfn_template_text(call, &body, url);

    return r ? r : read_tree(call, body, ret);
}

static struct str
reason(struct api_call *call, const struct str_list *types)
{
    struct str all = str_join(call->arena, types, S(", "));

    return str_fmt(call->arena, "The following resource(s) require capabilities: [%.*s]",
                   STR_ARG(all));
}

static void
put_transforms(struct api_call *call, const struct json *root, struct str_list *ret)
{
    if (json_get(root, "Transform"))
        *LIST_PUSH(call->arena, ret) = S("AWS::LanguageExtensions");
}

int
cfn_validate_template(struct api_call *call, const struct cloudformation_ValidateTemplateInput *req,
                      struct cloudformation_ValidateTemplateOutput *res)
{
    struct str_list types = {0};
    struct json root;
    int r = load(call, req->template_body, req->template_url, &root);

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
    put_transforms(call, &root, &res->declared_transforms);
    return 0;
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

int
cfn_get_template_summary(struct api_call *call,
                         const struct cloudformation_GetTemplateSummaryInput *req,
                         struct cloudformation_GetTemplateSummaryOutput *res)
{
    const struct cfn_stack_row *row = NULL;
    struct str_list types = {0};
    struct json root;
    int r = 0;

    if (req->stack_set_name.p || req->template_summary_config)
        r = api_fault(call, &CFN_ERR(UnsupportedOperation),
                      "Welkin does not implement the parameters StackSetName and "
                      "TemplateSummaryConfig yet: nothing was done.");
    if (r == 0 && req->stack_name.p)
        r = cfn_need(call, req->stack_name, &row);
    if (r == 0)
        r = row ? read_tree(call, row->template, &root)
                : load(call, req->template_body, req->template_url, &root);
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
    for (size_t i = 0; i < resources->n; i++)
        if (!str_in(&res->resource_types, json_text(&resources->v[i], "Type")))
            *LIST_PUSH(call->arena, &res->resource_types) = json_text(&resources->v[i], "Type");
    res->description = json_text(&root, "Description");
    res->version = json_text(&root, "AWSTemplateFormatVersion");
    if (json_get(&root, "Metadata"))
        res->metadata = cfn_print(call->arena, json_get(&root, "Metadata"), (size_t)1 << 20);
    if (capability.p) {
        *LIST_PUSH(call->arena, &res->capabilities) = capability;
        res->capabilities_reason = reason(call, &types);
    }
    put_transforms(call, &root, &res->declared_transforms);
    return 0;
}
