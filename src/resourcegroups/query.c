/*
 * The reader of queries:
 *
 *   TAG_FILTERS_1_0           {"ResourceTypeFilters": ["AWS::EC2::Instance"],
 *                              "TagFilters": [{"Key": "stage", "Values": ["test"]}]}
 *   CLOUDFORMATION_STACK_1_0  {"ResourceTypeFilters": ["AWS::AllSupported"],
 *                              "StackIdentifier": "arn:aws:cloudformation:…"}
 *
 * A query is read when it is given, and refused as a whole.
 */
#include "resourcegroups/resourcegroups.h"

#include "codec/json.h"

enum { NODES_MAX = 4096 };

static int
bad(struct api_call *call, const char *why)
{
    return api_fault(call, &rg_bad_request, "Query not valid: %s", why);
}

/* A list of texts. */
static int
texts_of(struct api_call *call, const struct json *list, size_t max, const char *why,
         struct str_list *ret)
{
    *ret = (struct str_list){0};
    if (!list || list->kind != JSON_ARRAY || list->n > max)
        return bad(call, why);
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].kind != JSON_STRING)
            return bad(call, why);
        *LIST_PUSH(call->arena, ret) = list->v[i].text;
    }
    return 0;
}

static int
types_of(struct api_call *call, const struct json *query, struct rg_query *ret)
{
    int r = texts_of(call, json_get(query, "ResourceTypeFilters"), RG_TYPES_MAX,
                     "ResourceTypeFilters must be a list of resource types", &ret->types);

    if (r == 0 && ret->types.n == 0)
        r = bad(call, "ResourceTypeFilters must not be empty");
    LIST_EACH(&ret->types, type) {
        if (str_is(*type, "AWS::AllSupported"))
            ret->all = true;
        else if (r == 0 && !rg_type_named(*type))
            r = api_fault(call, &rg_bad_request,
                          "Query not valid: The resource type %.*s is not supported",
                          STR_ARG(*type));
    }
    return r;
}

static int
filters_of(struct api_call *call, const struct json *query, struct rg_query *ret)
{
    const struct json *list = json_get(query, "TagFilters");

    if (!list || list->kind != JSON_ARRAY || list->n > RG_FILTERS_MAX)
        return bad(call, "TagFilters must be a list of up to 50 filters");
    for (size_t i = 0; i < list->n; i++) {
        const struct json *values = json_get(&list->v[i], "Values");
        struct rg_tag_filter *filter = LIST_PUSH(call->arena, &ret->filters);
        int r = 0;

        filter->key = json_text(&list->v[i], "Key");
        if (!filter->key.n)
            return bad(call, "a tag filter needs a Key");
        if (values)
            r = texts_of(call, values, RG_VALUES_MAX, "Values must be a list of up to 20 texts",
                         &filter->values);
        if (r)
            return r;
    }
    return 0;
}

/* Members that the type of query does not have. */
static int
members_check(struct api_call *call, const struct json *query, const char *own)
{
    for (size_t i = 0; i < query->n; i++)
        if (!str_is(query->names[i], "ResourceTypeFilters") && !str_is(query->names[i], own))
            return api_fault(call, &rg_bad_request, "Query not valid: Unrecognized field \"%.*s\"",
                             STR_ARG(query->names[i]));
    return 0;
}

int
rg_query_read(struct api_call *call, const struct resourcegroups_ResourceQuery *query,
              struct rg_query *ret)
{
    bool stack = str_is(query->type, "CLOUDFORMATION_STACK_1_0");
    const char *own = stack ? "StackIdentifier" : "TagFilters";
    struct json json;
    size_t at;
    int r;

    *ret = (struct rg_query){0};
    if (!json_parse(call->arena, query->query, NODES_MAX, &json, &at) || json.kind != JSON_OBJECT)
        return bad(call, "Query is not a JSON object");
    r = members_check(call, &json, own);
    if (r == 0)
        r = types_of(call, &json, ret);
    if (r || !stack)
        return r ? r : filters_of(call, &json, ret);
    ret->stack = json_text(&json, "StackIdentifier");
    if (!str_starts(ret->stack, S("arn:aws:cloudformation:")))
        return bad(call, "StackIdentifier must be the ARN of a stack");
    return 0;
}
