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

/* Where a reader notes what is wrong. */
struct reader {
    struct arena *arena;
    struct rg_query *query;
    struct str why;
};

static bool
bad(struct reader *r, const char *why)
{
    assert(!r->why.p);
    r->why = str_from(why);
    return false;
}

/* A list of texts. */
static bool
texts_of(struct reader *r, const struct json *list, size_t max, const char *why,
         struct str_list *ret)
{
    *ret = (struct str_list){0};
    if (!list || list->kind != JSON_ARRAY || list->n > max)
        return bad(r, why);
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].kind != JSON_STRING)
            return bad(r, why);
        *LIST_PUSH(r->arena, ret) = list->v[i].text;
    }
    assert(ret->n == list->n);
    return true;
}

static bool
types_of(struct reader *r, const struct json *query)
{
    struct str_list *types = &r->query->types;

    if (!texts_of(r, json_get(query, "ResourceTypeFilters"), RG_TYPES_MAX,
                  "ResourceTypeFilters must be a list of resource types", types))
        return false;
    if (!types->n)
        return bad(r, "ResourceTypeFilters must not be empty");
    LIST_EACH(types, type) {
        if (str_is(*type, "AWS::AllSupported")) {
            r->query->all = true;
        } else if (!rg_type_named(*type)) {
            r->why = str_fmt(r->arena, "The resource type %.*s is not supported", STR_ARG(*type));
            return false;
        }
    }
    return true;
}

/* No member but these two: one that is misspelt would ask for something else. */
static bool
members_check(struct reader *r, const struct json *object, const char *a, const char *b)
{
    assert(object->kind == JSON_OBJECT);
    for (size_t i = 0; i < object->n; i++) {
        if (str_is(object->names[i], a) || str_is(object->names[i], b))
            continue;
        r->why = str_fmt(r->arena, "Unrecognized field \"%.*s\"", STR_ARG(object->names[i]));
        return false;
    }
    return true;
}

static bool
filter_of(struct reader *r, const struct json *object, struct rg_tag_filter *ret)
{
    const struct json *values = json_get(object, "Values");

    ret->key = json_text(object, "Key");
    if (!ret->key.n)
        return bad(r, "a tag filter needs a Key");
    if (!members_check(r, object, "Key", "Values"))
        return false;
    return !values || texts_of(r, values, RG_VALUES_MAX, "Values must be a list of up to 20 texts",
                               &ret->values);
}

static bool
filters_of(struct reader *r, const struct json *query)
{
    const struct json *list = json_get(query, "TagFilters");

    if (!list || list->kind != JSON_ARRAY || list->n > RG_FILTERS_MAX)
        return bad(r, "TagFilters must be a list of up to 50 filters");
    for (size_t i = 0; i < list->n; i++)
        if (!filter_of(r, &list->v[i], LIST_PUSH(r->arena, &r->query->filters)))
            return false;
    return true;
}

static bool
stack_of(struct reader *r, const struct json *query)
{
    r->query->stack = json_text(query, "StackIdentifier");
    if (!str_starts(r->query->stack, S("arn:aws:cloudformation:")))
        return bad(r, "StackIdentifier must be the ARN of a stack");
    return true;
}

bool
rg_query_parse(struct arena *arena, struct str type, struct str text, struct rg_query *ret,
               struct str *ret_why)
{
    bool stack = str_is(type, "CLOUDFORMATION_STACK_1_0");
    struct reader r = {.arena = arena, .query = ret};
    struct json json;
    size_t at;

    *ret = (struct rg_query){0};
    bool ok = json_parse(arena, text, NODES_MAX, &json, &at) && json.kind == JSON_OBJECT
                  ? members_check(&r, &json, "ResourceTypeFilters",
                                  stack ? "StackIdentifier" : "TagFilters") &&
                        types_of(&r, &json) && (stack ? stack_of : filters_of)(&r, &json)
                  : bad(&r, "Query is not a JSON object");

    assert(ok == !r.why.p);
    *ret_why = r.why;
    return ok;
}

int
rg_query_read(struct api_call *call, const struct resourcegroups_ResourceQuery *query,
              struct rg_query *ret)
{
    struct str why;

    if (rg_query_parse(call->arena, query->type, query->query, ret, &why))
        return 0;
    return api_fault(call, &rg_bad_request, "Query not valid: %.*s", STR_ARG(why));
}
