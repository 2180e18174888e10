/*
 * The registry of types: those that stacks can have, and what their definitions say as the JSON
 * schema that tools read.  There are no types of third parties, and none of the account's own.
 */
#include "cloudformation/stack.h"

#include "cloudformation/import.h"
#include "cloudformation/type.h"

#define SCHEMA_MAX ((size_t)1 << 20)
#define DOCS "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-"

/* arn:aws:cloudformation:REGION::type/resource/AWS-EC2-Instance */
static struct str
arn_of(struct api_call *call, struct str name)
{
    struct str text = S(""), rest = name;

    while (rest.p) {
        struct str part = str_split(&rest, ':');

        if (part.n)
            text =
                str_fmt(call->arena, "%.*s%s%.*s", STR_ARG(text), text.n ? "-" : "", STR_ARG(part));
    }
    return str_fmt(call->arena, "arn:aws:cloudformation:%.*s::type/resource/%.*s",
                   STR_ARG(call->region), STR_ARG(text));
}

/* Whether what Update and Create say lets it be changed at all. */
static struct str
provisioning(const struct json *type)
{
    if (json_get(type, "Refused"))
        return S("NON_PROVISIONABLE");
    return json_get(type, "Update") || json_get(type, "Internal") ? S("FULLY_MUTABLE")
                                                                  : S("IMMUTABLE");
}

/* ---- the schema ---- */

static void
push_path(struct arena *a, struct json *list, struct str name)
{
    cfn_push(a, list, cfn_text(str_fmt(a, "/properties/%.*s", STR_ARG(name))));
}

static struct str
schema_of(struct api_call *call, struct str name, const struct json *type)
{
    struct arena *a = call->arena;
    const struct json *known = json_get(type, "Properties");
    const struct json *attributes = json_get(type, "Attributes");
    struct json properties = cfn_object(), required = cfn_array(), create_only = cfn_array();
    struct str_list identifiers = cfn_import_names(a, type);
    struct json read_only = cfn_array(), primary = cfn_array(), schema = cfn_object();

    for (size_t i = 0; known && i < known->n; i++) {
        struct str letters = cfn_scalar(&known->v[i]);

        if (str_find_char(letters, 'N') != SIZE_MAX)
            continue; /* AWS has it, stacks here do not */
        cfn_put(a, &properties, known->names[i],
                str_find_char(letters, 'L') == SIZE_MAX
                    ? cfn_object()
                    : cfn_single(a, "type", cfn_text(S("array"))));
        if (str_find_char(letters, 'R') != SIZE_MAX)
            cfn_push(a, &required, cfn_text(known->names[i]));
        if (str_find_char(letters, 'C') != SIZE_MAX)
            push_path(a, &create_only, known->names[i]);
    }
    for (size_t i = 0; attributes && i < attributes->n; i++) {
        if (json_get_str(&properties, attributes->names[i]))
            continue;
        cfn_put(a, &properties, attributes->names[i], cfn_object());
        push_path(a, &read_only, attributes->names[i]);
    }
    LIST_EACH(&identifiers, identifier)
        push_path(a, &primary, *identifier);
    cfn_put(a, &schema, S("typeName"), cfn_text(name));
    cfn_put(a, &schema, S("properties"), properties);
    cfn_put(a, &schema, S("required"), required);
    cfn_put(a, &schema, S("createOnlyProperties"), create_only);
    cfn_put(a, &schema, S("readOnlyProperties"), read_only);
    if (primary.n)
        cfn_put(a, &schema, S("primaryIdentifier"), primary);
    cfn_put(a, &schema, S("additionalProperties"), cfn_bool(json_get(type, "Open") != NULL));
    return cfn_print(a, &schema, SCHEMA_MAX);
}

/* ---- operations ---- */

static bool
is_listed(const struct cloudformation_ListTypesInput *req, struct str name, const struct json *type)
{
    const struct cloudformation_TypeFilters *filters = req->filters;

    if (!str_is(req->visibility, "PUBLIC") || (req->type.p && !str_is(req->type, "RESOURCE")) ||
        str_is(req->deprecated_status, "DEPRECATED"))
        return false;
    if (req->provisioning_type.p && !str_eq(req->provisioning_type, provisioning(type)))
        return false;
    if (filters && filters->category.p && !str_is(filters->category, "AWS_TYPES"))
        return false;
    return !filters || (!filters->publisher_id.p && str_starts(name, filters->type_name_prefix));
}

int
cfn_list_types(struct api_call *call, const struct cloudformation_ListTypesInput *req,
               struct cloudformation_ListTypesOutput *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct api_page_scope scope = api_page_scope(call);
    const struct json *types = cfn_types();
    struct api_page page;
    int r = api_page_open(call->arena, &scope, &rule, req->next_token, req->max_results, false,
                          &page, &call->fault);

    API_PRESENT(&res->type_summaries);
    for (size_t i = 0; r == 0 && i < types->n; i++) {
        struct str key = str_fmt(call->arena, "%08zu", i);

        if (is_listed(req, types->names[i], &types->v[i]) && api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->type_summaries) = (struct cloudformation_TypeSummary){
                .type = S("RESOURCE"),
                .type_name = types->names[i],
                .type_arn = arn_of(call, types->names[i]),
                .is_activated = opt_bool(true),
            };
    }
    if (r == 0)
        res->next_token = api_page_next(call->arena, &scope, &page);
    return r;
}

static struct str
name_of(struct api_call *call, const struct cloudformation_DescribeTypeInput *req)
{
    const struct json *types = cfn_types();

    for (size_t i = 0; req->arn.p && i < types->n; i++)
        if (str_eq(arn_of(call, types->names[i]), req->arn))
            return types->names[i];
    return req->arn.p ? req->arn : req->type_name;
}

int
cfn_describe_type(struct api_call *call, const struct cloudformation_DescribeTypeInput *req,
                  struct cloudformation_DescribeTypeOutput *res)
{
    struct str name = name_of(call, req), rest = name, service, kind;
    const struct json *type = cfn_type(name);

    if (!req->arn.p && (!req->type.p || !req->type_name.p))
        return api_fault(call, &CFN_ERR(ValidationError),
                         "Either ARN or both Type and TypeName must be specified");
    if (!type || (req->type.p && !str_is(req->type, "RESOURCE")) || req->version_id.p ||
        req->publisher_id.p || req->public_version_number.p)
        return api_fault(call, &CFN_ERR(TypeNotFoundException), "The type '%.*s' cannot be found.",
                         STR_ARG(name));
    str_split(&rest, ':');
    str_split(&rest, ':');
    service = str_lower(call->arena, str_split(&rest, ':'));
    str_split(&rest, ':');
    kind = str_lower(call->arena, rest);
    *res = (struct cloudformation_DescribeTypeOutput){
        .arn = arn_of(call, name),
        .type = S("RESOURCE"),
        .type_name = name,
        .schema = schema_of(call, name, type),
        .provisioning_type = provisioning(type),
        .deprecated_status = S("LIVE"),
        .visibility = S("PUBLIC"),
        .is_activated = opt_bool(true),
        .documentation_url =
            str_fmt(call->arena, DOCS "%.*s-%.*s.html", STR_ARG(service), STR_ARG(kind)),
    };
    return 0;
}
