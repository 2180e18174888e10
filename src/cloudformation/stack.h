/* What the handlers share: finding stacks, and what a caller hands in for one. */
#pragma once

#include "cloudformation/engine.h"

/* By name (that of a deleted one is free) or id.  NULL: there is none in this account and
 * region. */
const struct cfn_stack_row *cfn_find(struct api_call *call, struct str name);
/* The same, and "Stack with id … does not exist". */
int cfn_need(struct api_call *call, struct str name, const struct cfn_stack_row **ret);

/* The condition keys of a request: context of struct api_service_hooks. */
void cfn_context(struct api_call *call, const void *req, struct policy_context *context);

/* A change set by its id, or by its name and its stack's.  0, or positive with the fault. */
int cfn_change_set_need(struct api_call *call, struct str name, struct str stack_name,
                        const struct cfn_change_set_row **ret);

/* What CreateStack, UpdateStack and CreateChangeSet have in common. */
struct cfn_submission {
    struct str body, url;
    struct str text; /* a template that was fetched before, instead of body and url */
    bool previous_template;
    bool later; /* see parameter.h */
    const struct cloudformation_ParameterList *parameters;
    const struct str_list *capabilities, *notify, *resource_types;
    const struct cloudformation_TagList *tags;
    const struct cloudformation_RollbackConfiguration *rollback;
    struct str role, policy_body, policy_once, policy_url, policy_once_url, token;
};
/* Its members that the requests of all three have. */
#define CFN_SUBMISSION(req)                                                                        \
    .body = (req)->template_body, .url = (req)->template_url, .parameters = &(req)->parameters,    \
    .capabilities = &(req)->capabilities, .notify = &(req)->notification_arns,                     \
    .resource_types = &(req)->resource_types, .tags = &(req)->tags,                                \
    .rollback = (req)->rollback_configuration, .role = (req)->role_arn

/* The text of a template that is given as a body or by a URL: *body, checked for its size. */
int cfn_template_text(struct api_call *call, struct str *body, struct str url);
/*
 * Checks it and fills in template (sent and processed), parameters, tags, capabilities, notify,
 * role, actor and description of a row.  `before`: the stack as it is, of which what was not said
 * is kept; or NULL.
 */
int cfn_submit(struct api_call *call, const struct cfn_submission *in,
               const struct cfn_stack_row *before, struct cfn_stack_row *row);
/* What an update of `old` to `row` goes back to when it fails. */
void cfn_keep_before(struct cfn_stack_row *row, const struct cfn_stack_row *old);
/* Begins what a row is made for: its resources are planned, its event is written. */
int cfn_begin(struct api_call *call, struct cfn_stack_row *row, enum cfn_stage stage);
/* Whether an update would change nothing at all; with nested stacks only they can tell. */
int cfn_is_same(struct api_call *call, const struct cfn_stack_row *before,
                const struct cfn_stack_row *row, bool *ret);
/* The same, but for what becomes of nested stacks. */
int cfn_is_same_alone(struct api_call *call, const struct cfn_stack_row *before,
                      const struct cfn_stack_row *row, bool *ret);
/* The row of a stack that is new; its id is made. */
int cfn_new_stack(struct api_call *call, struct str name, struct cfn_stack_row *row);
/* All functions carried out, as far as that can be told before anything is made. */
bool cfn_try(struct cfn_look *look);
/* "InsufficientCapabilitiesException" unless they suffice. */
int cfn_capable(struct api_call *call, const struct json *root, const struct str_list *given);
/* Parts of cfn_submit() for operations that have no more: role and actor, stack policies. */
int cfn_submit_actor(struct api_call *call, const struct cfn_submission *in,
                     const struct cfn_stack_row *before, struct cfn_stack_row *row);
int cfn_submit_policies(struct api_call *call, const struct cfn_submission *in,
                        struct cfn_stack_row *row);
/*
 * Transforms and rules of a loaded template with these parameters: root becomes what transforms
 * made of it and *ret_text its text, empty when there are none.  0, positive with a fault.
 */
int cfn_process(struct api_call *call, const struct cfn_stack_row *row, const struct json *params,
                struct json *root, struct str *ret_text);
