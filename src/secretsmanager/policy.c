/* Resource policies: what one may be, and whom it lets in. */
#include "secretsmanager/secretsmanager.h"

static const char *const public_text =
    "You can not attach a resource policy that grants Public access to your secret.";
static const char *const lockout_text =
    "This resource policy will not allow you to manage this secret in the future.";

/* ---- what it may be ---- */

/* The caller must be able to put another one. */
static bool
locks_out(struct api_call *call, const struct secret_row *secret, struct str policy)
{
    struct secret_row future = *secret;

    secret_assert(secret);
    future.policy = policy;
    const struct api_resource resource = secret_resource(call, &future);

    return !api_may(call, S("secretsmanager:PutResourcePolicy"), &resource, NULL);
}

/* Syntax, and whether it is public; MalformedPolicyDocumentException. */
static int
policy_read(struct api_call *call, struct str text, bool *ret_public)
{
    struct policy *policy = NULL;
    struct str why;
    int r = policy_parse(&policy, text, POLICY_RESOURCE, call->arena, &why);

    if (r > 0)
        return api_fault(call, &SECRET_ERR(MalformedPolicyDocumentException),
                         "This resource policy contains a syntax error.");
    if (r < 0)
        return error_origin(-r, "a policy cannot be read");
    *ret_public = policy_is_public(policy, call->arena);
    policy_free(policy);
    return 0;
}

int
secretsmanager_put_resource_policy(struct api_call *call,
                                   const struct secretsmanager_PutResourcePolicyRequest *req,
                                   struct secretsmanager_PutResourcePolicyResponse *res)
{
    const struct secret_row *secret;
    bool public = false;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r == 0)
        r = policy_read(call, req->resource_policy, &public);
    if (r)
        return r;
    if (public && opt_bool_or(req->block_public_policy, false))
        return api_fault(call, &SECRET_ERR(PublicPolicyException), "%s", public_text);
    if (locks_out(call, secret, req->resource_policy))
        return api_fault(call, &SECRET_ERR(MalformedPolicyDocumentException), "%s", lockout_text);
    struct secret_row new = *secret;

    new.policy = req->resource_policy;
    res->arn = secret->arn;
    res->name = secret->name;
    return secret_changed(call, &new);
}

int
secretsmanager_get_resource_policy(struct api_call *call,
                                   const struct secretsmanager_GetResourcePolicyRequest *req,
                                   struct secretsmanager_GetResourcePolicyResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, SECRET_LOOKING, &secret);

    if (r)
        return r;
    res->arn = secret->arn;
    res->name = secret->name;
    if (secret->policy.n)
        res->resource_policy = secret->policy;
    return 0;
}

int
secretsmanager_delete_resource_policy(struct api_call *call,
                                      const struct secretsmanager_DeleteResourcePolicyRequest *req,
                                      struct secretsmanager_DeleteResourcePolicyResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    struct secret_row new = *secret;

    new.policy = STR_NONE;
    res->arn = secret->arn;
    res->name = secret->name;
    return secret_changed(call, &new);
}

static void
finding(struct api_call *call, struct secretsmanager_ValidateResourcePolicyResponse *res,
        const char *check, const char *message)
{
    assert(check && message);
    *LIST_PUSH(call->arena, &res->validation_errors) =
        (struct secretsmanager_ValidationErrorsEntry){.check_name = str_from(check),
                                                      .error_message = str_from(message)};
}

int
secretsmanager_validate_resource_policy(
    struct api_call *call, const struct secretsmanager_ValidateResourcePolicyRequest *req,
    struct secretsmanager_ValidateResourcePolicyResponse *res)
{
    const struct secret_row *secret = NULL;
    bool public = false;
    int r = req->secret_id.p ? secret_find(call, req->secret_id, SECRET_READING, &secret) : 0;

    if (r == 0)
        r = policy_read(call, req->resource_policy, &public);
    if (r)
        return r;
    if (public)
        finding(call, res, "BlockPublicPolicyCheck", public_text);
    if (secret && locks_out(call, secret, req->resource_policy))
        finding(call, res, "LockOutCheck", lockout_text);
    res->policy_validation_passed = opt_bool(!res->validation_errors.n);
    API_PRESENT(&res->validation_errors);
    return 0;
}
