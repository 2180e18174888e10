/* Resource policies: what one may be, and whom it lets in. */
#include "secretsmanager/secretsmanager.h"

static const char *const public_text =
    "You can not attach a resource policy that grants Public access to your secret.";
static const char *const lockout_text =
    "This resource policy will not allow you to manage this secret in the future.";

/* ---- is it public? ---- */

/*
 * Somebody whom no policy can mean by what it says of accounts, networks or organizations: what
 * such a one may do, everybody may.
 */
static bool
stranger_may(const struct policy *policy, struct str action, struct str resource)
{
    static const struct policy_principal stranger = {
        .kind = POLICY_USER,
        .account = S_INIT("000000000001"),
        .arn = S_INIT("arn:aws:iam::000000000001:user/!stranger!"),
        .id = S_INIT("AIDA!STRANGER!"),
        .unique_id = S_INIT("AIDA!STRANGER!"),
    };
    static const struct {
        struct str name, value;
    } known[] = {
        {S_INIT("aws:PrincipalAccount"), S_INIT("000000000001")},
        {S_INIT("aws:PrincipalArn"), S_INIT("arn:aws:iam::000000000001:user/!stranger!")},
        {S_INIT("aws:PrincipalOrgID"), S_INIT("o-!stranger!")},
        {S_INIT("aws:PrincipalType"), S_INIT("User")},
        {S_INIT("aws:SourceAccount"), S_INIT("000000000001")},
        {S_INIT("aws:SourceArn"), S_INIT("arn:aws:sns:us-east-1:000000000001:!stranger!")},
        {S_INIT("aws:SourceIp"), S_INIT("192.0.2.1")}, /* documentation's: nobody has it */
        {S_INIT("aws:SourceVpc"), S_INIT("vpc-!stranger!")},
        {S_INIT("aws:SourceVpce"), S_INIT("vpce-!stranger!")},
        {S_INIT("aws:SecureTransport"), S_INIT("true")},
        {S_INIT("aws:userid"), S_INIT("AIDA!STRANGER!")},
        {S_INIT("aws:username"), S_INIT("!stranger!")},
    };
    struct policy_key keys[ARRAY_LEN(known)];

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        keys[i] = (struct policy_key){.name = known[i].name, .values = &known[i].value, .n = 1};
    const struct policy_context context = {keys, ARRAY_LEN(keys)};
    const struct policy_request req = {
        .action = action, .resource = resource, .principal = &stranger, .context = &context};

    return policy_eval(policy, &req).effect == POLICY_ALLOW;
}

static bool
is_public(struct api_call *call, const struct policy *policy, struct str arn)
{
    for (size_t i = 0; i < call->service->n_ops; i++) {
        struct str name = api_op_name(call->service, &call->service->ops[i]);

        if (stranger_may(policy, str_fmt(call->arena, "secretsmanager:%.*s", STR_ARG(name)), arn))
            return true;
    }
    return false;
}

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
policy_read(struct api_call *call, struct str text, struct str arn, bool *ret_public)
{
    struct policy *policy = NULL;
    struct str why;
    int r = policy_parse(&policy, text, POLICY_RESOURCE, call->arena, &why);

    if (r > 0)
        return api_fault(call, &SECRET_ERR(MalformedPolicyDocumentException),
                         "This resource policy contains a syntax error.");
    if (r < 0)
        return error_origin(-r, "a policy cannot be read");
    *ret_public = is_public(call, policy, arn);
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
        r = policy_read(call, req->resource_policy, secret->arn, &public);
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
    /* of a secret that is not named: any of this account and region */
    struct str arn =
        secret ? secret->arn
               : str_fmt(call->arena, "arn:aws:secretsmanager:%.*s:%.*s:secret:any-AAAAAA",
                         STR_ARG(call->region), STR_ARG(call->account));

    if (r == 0)
        r = policy_read(call, req->resource_policy, arn, &public);
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
