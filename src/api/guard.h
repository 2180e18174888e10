/*
 * What the files of authentication and authorization share; nobody else includes it.
 *
 *   auth.c               whose key signed: the principal of a call
 *   caller.c             the principal's policies, from IAM's rows
 *   authorize_context.c  the condition keys of a request
 *   authorize.c          the decisions of an operation
 *   instance_auth.c      instances that prove themselves by their identity document
 *   refusal.c            what a refused caller is told
 *   explain.c            a decision told to the operator
 */
#pragma once

#include "api/authorize.h"
#include "api/policy_cache.h"

struct api_guard {
    const struct api_service_hooks *const *services;
    uint8_t session_key[SESSION_KEY_BYTES];
    uint8_t message_key[SESSION_KEY_BYTES]; /* of encoded authorization messages */
    struct policy_cache policies;
    struct identity *identity; /* verifies documents of instances; NULL until one calls */
};

struct api_guard *api_guard_new(const struct api_config *config);
struct api_guard *api_guard_free(struct api_guard *guard);
/* Those of the call's service; NULL when the guard does not know it. */
const struct api_service_hooks *api_guard_hooks(const struct api_call *call);

/* ---- caller.c ---- */

struct api_caller {
    struct policy_set set;  /* without a resource's policy */
    struct str_list names;  /* of set.identity's policies, for explanations */
    struct str_list tags;   /* aws:PrincipalTag: k, v, k, v … */
    struct policy_context keys; /* of the principal and the request, the same for all decisions */
};
/* Fills in call->caller; needs call->txn.  0 or negative. */
int api_caller_load(struct api_call *call);

/* ---- authorize_context.c ---- */

/* The keys of principal and request into `context`, and those of one decision. */
void api_context_caller(struct api_call *call, const struct str_list *tags,
                        struct policy_context *context);
void api_context_request(struct api_call *call, const void *req, struct policy_context *context);
void api_context_resource(struct api_call *call, const struct api_resource *resource,
                          struct policy_context *context);
void api_context_tags(struct api_call *call, const char *prefix, const struct str_list *tags,
                      struct policy_context *context);

/* ---- refusal.c ---- */

/* Sets the fault that tells of a decision; answers 1. */
int api_refusal(struct api_call *call, const struct policy_request *asked,
                const struct policy_decision *decision, bool resource_is_trust);
/* "no identity-based policy", "statement 2 (AllowAll) of an identity-based policy" …: for logs. */
struct str api_decided_by(struct arena *a, const struct policy_decision *decision);
/* The name of one of the caller's identity policies; empty: it is none of them. */
struct str api_policy_name(const struct api_caller *caller, const struct policy *policy);

/* ---- instance_auth.c ---- */

/* Whether the Authorization header is an instance's proof, and the service takes such. */
bool api_is_of_instance(const struct api_call *call, struct str authorization);
int api_authenticate_instance(struct api_call *call, struct str authorization);
int api_authorize_instance(struct api_call *call, const void *req);

/* ---- dispatch.c ---- */

/* A call that no request made, without a principal and a transaction. */
struct api_call api_call_of_operator(struct api *api, struct arena *arena);
