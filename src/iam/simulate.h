/*
 * The documents of a simulation: where each is from, compiled as a whole for the decision and
 * statement by statement for the explanation.
 */
#pragma once

#include "iam/common.h"

/* Lines count from 1, columns from 0; the end is behind the closing brace. */
struct sim_position {
    int64_t line, column;
};

struct sim_span {
    struct str text;
    struct sim_position start, end;
};

struct sim_span_list {
    struct sim_span *v;
    size_t n;
};

/* Each object of a document that is the value of Statement, or an element of its array.  The text
 * must be JSON. */
struct sim_span_list sim_spans(struct arena *a, struct str text);

struct sim_statement {
    struct policy *whole, *bare; /* a document of this statement alone; bare: without conditions */
    struct str_list keys, folded; /* context keys that it names, and in lower case */
    struct sim_position start, end;
};

struct sim_document {
    struct str id;    /* "PolicyInputList.1", "user_ann_NAME", the name of a managed policy */
    const char *type; /* "IAM Policy", "Resource Policy" */
    struct policy *policy;
    struct sim_statement *v;
    size_t n;
};

struct sim_documents {
    struct sim_document *v;
    size_t n;
    size_t bytes, statements; /* in all of them */
};

/* Of all documents of a list together. */
enum { SIM_BYTES_MAX = 2 << 20 };

/* Adds a document; InvalidInput when it is malformed.  What was added is freed by sim_free(). */
int sim_add(struct api_call *call, struct sim_documents *list, struct str id, enum policy_kind kind,
            struct str json);
/* PolicyInputList and its like; `name` is that of the list. */
int sim_add_list(struct api_call *call, struct sim_documents *list, const char *name,
                 const struct str_list *documents);
void sim_free(struct sim_documents *list);

/* A user, group or role whose policies are looked at. */
struct sim_source {
    const char *kind; /* "user" */
    struct str id, name, arn;
    struct str boundary; /* ARN, or empty */
};
/* What PolicySourceArn names: InvalidInput, NoSuchEntity. */
int sim_source_find(struct api_call *call, struct str arn, struct sim_source *ret);
/* All its policies, those of a user's groups included. */
int sim_add_source(struct api_call *call, struct sim_documents *list,
                   const struct sim_source *source);
