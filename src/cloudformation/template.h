/* What a template must be before anything is made of it, and what refers to what in it.  Pure. */
#pragma once

#include "cloudformation/tree.h"

#define CFN_BODY_BYTES_MAX 51200
#define CFN_RESOURCES_MAX 500
#define CFN_PARAMETERS_MAX 200
#define CFN_OUTPUTS_MAX 200

/*
 * Text into a tree, and all checks.  Absent, or AWS's sentence of what is wrong.  Resources and
 * outputs of a template with transforms are not looked at before those ran: cfn_template_parts().
 */
struct str cfn_template(struct arena *a, struct str text, struct json *ret);
struct str cfn_template_parts(struct arena *a, const struct json *root);

/* What is wrong with a resource's policies on deletion; functions in them are not looked at. */
struct str
cfn_template_policies(struct arena *a, struct str name, const struct json *resource);

/* The names of resources that a resource waits for: its references and DependsOn. */
struct str_list cfn_depends(struct arena *a, const struct json *root, const struct json *resource);

/* Whether language extensions are among the transforms. */
bool cfn_extended(const struct json *root);

/* CAPABILITY_IAM or CAPABILITY_NAMED_IAM when the template asks for it, and the types that do. */
struct str cfn_capability(const struct json *root, struct arena *a, struct str_list *ret_types);
