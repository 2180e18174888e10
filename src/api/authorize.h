/*
 * Whether a call may be done: the caller's policies, the resource's, and what the request says of
 * itself, put before the policy engine.
 *
 * What an operation acts on is told in its line of SERVICE.ops:
 *
 *   resource instance arn:aws:ec2:{region}:{account}:instance/{id}
 *   TerminateInstances  ec2_terminate_instances  write  on instance(InstanceIds)
 *   PutRolePolicy       iam_put_role_policy      write  on role(RoleName)
 *   RunInstances        ec2_run_instances        write  on handler
 *   DescribeInstances   ec2_describe_instances   read
 *   ListObjectsV2       s3_list_objects_v2       read   as s3:ListBucket on bucket(Bucket)
 *
 *   on TYPE(MEMBER)     one decision for each value of the input's member; an absent one is "*"
 *   on TYPE(A|B)        the same things may stand in several members; "*" when all are absent
 *   on TYPE(MEMBER?)    an absent one is not asked about
 *   on TYPE(A.B)        a member of a member; lists on the way are walked
 *   on TYPE(*)          something that is to be made: the id is "*"
 *   tagging TYPE(…)     as `on`, when the request has tags: ec2:CreateTags of what is made
 *   on handler          the handler itself calls api_authorize_on() for each thing it touches
 *   (nothing)           "*": the operation is not about a resource
 *   as SERVICE:ACTION   the action's name where it is not SERVICE:OPERATION, for the `on` behind it
 *   anyone              no policy is asked: GetCallerIdentity
 *
 * A template is an ARN, or "*": of an action with another name that is not about a resource.
 * In a template {path} is the request's Path, "/" when it has none: of what is to be made.
 * Several `on` are several decisions; all must allow.  dispatch does it after validation and before
 * the handler; a root key in its own account is asked nothing but organizations' policies.
 * AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
 *
 * A refusal is worded as the service words it: UnauthorizedOperation with an encoded message (ec2),
 * AccessDenied (query, rest-xml), AccessDeniedException (json, rest-json):
 *   User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based
 *   policy allows the ACTION action
 */
#pragma once

#include "api/api.h"

/*
 * What a service knows of a thing that an operation is about.  Filled in by the service's
 * `resource` hook; the defaults stand when the thing does not exist (the handler will say so).
 */
struct api_resource {
    struct str arn;               /* default: the template of its type */
    struct str account;           /* the owner; default: the caller's */
    const struct str_list *tags;  /* k, v, k, v …: aws:ResourceTag/K and SERVICE:ResourceTag/K */
    struct str policy;            /* its resource policy, JSON; empty: none */
    enum policy_kind policy_kind; /* POLICY_RESOURCE or POLICY_TRUST */
    bool policy_rules;            /* policy_set.resource_rules */
    const struct str_list *new_tags; /* k, v …: those of the request's tags that it would get;
                                      * NULL: all of them */
    struct policy_context keys;   /* more keys of it: ec2:InstanceType, kms:KeySpec … */
};

/* Adds a key to a context in the call's arena. */
void api_context_add(struct api_call *call, struct policy_context *context, struct str name,
                     struct str value);

/* What is known of a thing of a type of the call's service: its template, then its hook. */
int api_resource_find(struct api_call *call, struct str type, struct str id,
                      struct api_resource *ret);
/* "ec2:RunInstances" of this call. */
struct str api_action(struct api_call *call);

/* The decisions of the operation's line.  0, positive (refused), negative. */
int api_authorize(struct api_call *call, const void *req);

/*
 * One more decision, for handlers: `action` as "iam:PassRole"; the resource's arn must be set.
 * `extra` (may be NULL) are keys of this decision alone, such as iam:PassedToService.
 */
int api_authorize_on(struct api_call *call, struct str action, const struct api_resource *resource,
                     const struct policy_context *extra);

/* iam:PassRole of a role to a service ("ec2.amazonaws.com"); the refusal is that of this call. */
int api_authorize_pass_role(struct api_call *call, struct str role_arn, const char *service);
/* The same for one thing of that service: iam:AssociatedResourceArn. */
int api_authorize_pass_role_to(struct api_call *call, struct str role_arn, const char *service,
                               struct str thing_arn);

/* The same question without a refusal: for what is left out of an answer, not refused. */
bool api_may(struct api_call *call, struct str action, const struct api_resource *resource,
             const struct policy_context *extra);

/*
 * Runs an operation of another service as this call's principal, inside this call's transaction.
 * Decoding apart, all that a user's call meets applies (validation, policy, quotas), and
 * aws:CalledVia and kms:ViaService are set to `via` ("ssm.amazonaws.com").  req and res are the
 * operation's typed structs (gen/api/SERVICE.h), made by the caller and living in call->arena.  A
 * refusal is in call->fault, and what it changed is taken back; the caller forwards or rewords it.
 */
int api_call_internal(struct api_call *call, const char *service, const char *operation,
                      const void *req, void *res, const char *via);

/* ---- for STS and IAM ---- */

/* The cloud's key of session tokens: SESSION_KEY_BYTES. */
const uint8_t *api_session_key(const struct api_call *call);
/* What an encoded authorization message of this account says, as JSON; false: it is none. */
bool api_authorization_message(struct api_call *call, struct str text, struct str *ret);
/* The document of a managed policy's default version, the account's or AWS's own; else absent. */
struct str api_managed_document(struct api_call *call, struct str arn);
