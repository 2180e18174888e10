/*
 * What the API asks of this service beside its operations: which parameter an operation is about,
 * and the condition keys ssm:*.
 */
#include "ssm/ssm.h"

const struct api_error ssm_errors[SSM_N_ERRORS] = {
#define X(name) [SSM_ERROR_##name] = {#name, 400},
    SSM_ERRORS(X)
#undef X
};

static int
setting_of(struct api_call *call, struct str id, struct api_resource *ret)
{
    assert(str_ok(id));
    if (!str_starts(id, S("arn:")))
        ret->arn =
            str_fmt(call->arena, "arn:aws:ssm:%.*s:%.*s:servicesetting/%.*s", STR_ARG(call->region),
                    STR_ARG(call->account), STR_ARG(str_cut(id, id.p[0] == '/', id.n)));
    return 0;
}

/*
 * The resource of a path is that path: who may GetParametersByPath of it sees all below.  Public
 * parameters belong to no account.
 */
static int
resource(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    struct ssm_name name;

    if (str_is(type, "servicesetting"))
        return setting_of(call, id, ret);
    if (!ssm_name_parse(call->arena, id, call->account, call->region, &name))
        return 0; /* the handler will refuse it */
    if (ssm_public_is(name.path)) {
        ret->arn = ssm_name_arn(call->arena, call->region, S(""), name.path);
        return 0;
    }
    ret->arn = ssm_name_arn(call->arena, name.region, name.account, name.path);
    ret->account = name.account;
    const struct ssm_parameter_row *row =
        ssm_parameter_get(call->txn, ssm_name_key(call->arena, &name));

    if (!row)
        return 0;
    ssm_parameter_assert(row);
    ret->tags = &row->tags;
    /* it is there for other accounts: what the own one may is IAM's to say */
    if (!str_eq(row->account, call->account))
        ret->policy = row->share_policy;
    return 0;
}

static void
context(struct api_call *call, const void *req, struct policy_context *context)
{
    struct str op = api_op_name(call->service, call->op);

    if (str_is(op, "PutParameter")) {
        const struct ssm_PutParameterRequest *put = req;

        api_context_add(call, context, S("ssm:Overwrite"),
                        opt_bool_or(put->overwrite, false) ? S("true") : S("false"));
        api_context_add(call, context, S("ssm:Policies"), put->policies.n ? S("true") : S("false"));
    } else if (str_is(op, "GetParametersByPath")) {
        const struct ssm_GetParametersByPathRequest *get = req;

        api_context_add(call, context, S("ssm:Recursive"),
                        opt_bool_or(get->recursive, false) ? S("true") : S("false"));
    }
}

const struct api_service_hooks ssm_hooks = {
    .service = &ssm_service,
    .resource = resource,
    .context = context,
    .resource_policies = true, /* a root may name what is another account's */
};
