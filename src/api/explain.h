/*
 * A decision told to the operator: what a principal's policies say of an action on a thing, and
 * which statement says it.  Asked by `welkin iam explain`; nothing is carried out.
 */
#pragma once

#include "api/api.h"

struct api_question {
    struct str principal;       /* ARN of a user, a role, an assumed role or a root */
    struct str action;          /* "ec2:RunInstances" */
    struct str resource;        /* an ARN, or "*" */
    struct str region;          /* absent: the default one */
    struct str_list context;    /* k, v, k, v …: keys of the request; several of a key are a list */
};

struct api_answer {
    bool allowed;
    struct str decided_by;      /* "statement 2 (NoKeys) of an identity-based policy" */
    struct str policy;          /* name of the identity policy that decided, or empty */
    struct str_list policies;   /* names of all identity policies of the principal */
};

/* 0; positive: *ret_why tells what is wrong with the question; negative. */
int api_explain(struct api *api, struct arena *arena, const struct api_question *question,
                struct api_answer *ret, struct str *ret_why);
