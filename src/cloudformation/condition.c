/*
 * The condition keys of CloudFormation that a request carries.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
 */
#include "cloudformation/stack.h"

#include "api/authorize.h"

static const struct {
    const char *member, *key;
} keys[] = {
    {"ChangeSetName", "cloudformation:ChangeSetName"},
    {"TemplateURL", "cloudformation:TemplateUrl"},
    {"StackPolicyURL", "cloudformation:StackPolicyUrl"},
    {"RoleARN", "cloudformation:RoleArn"},
};

static const void *
member(struct api_call *call, const void *req, const char *name, enum api_kind kind)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    const struct api_member *m = api_member_find(call->service, input, str_from(name));

    if (!m)
        return NULL;
    assert(api_shape(call->service, m->shape)->kind == kind);
    return (const char *)req + m->offset;
}

static void
add_list(struct api_call *call, struct policy_context *context, struct str name,
         const struct str_list *values)
{
    if (values && values->n)
        *LIST_PUSH(call->arena, context) =
            (struct policy_key){.name = name, .values = values->v, .n = values->n, .multi = true};
}

void
cfn_context(struct api_call *call, const void *req, struct policy_context *context)
{
    struct str_list imports = {0};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct str *value = member(call, req, keys[i].member, API_STRING);

        if (value && value->n)
            api_context_add(call, context, str_from(keys[i].key), *value);
    }
    if (str_is(api_op_name(call->service, call->op), "CreateChangeSet")) {
        const struct cloudformation_CreateChangeSetInput *in = req;

        LIST_EACH(&in->resources_to_import, resource)
            *LIST_PUSH(call->arena, &imports) = resource->resource_type;
    }
    add_list(call, context, S("cloudformation:ImportResourceTypes"), &imports);
    add_list(call, context, S("cloudformation:ResourceTypes"),
             member(call, req, "ResourceTypes", API_LIST));
}
