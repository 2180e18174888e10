/*
 * Resources that are there already become a stack's.  Which is kept as JSON: {LOGICAL ID: {NAME:
 * VALUE}}, the identifiers that the caller gave.
 */
#pragma once

#include "cloudformation/engine.h"

/* Checks ResourcesToImport against the template of `look`.  0, or positive with a fault. */
int cfn_import_take(struct cfn_look *look, const struct cloudformation_CreateChangeSetInput *req,
                    struct json *ret);
/* An import changes nothing else: the list of changes of a change set.  0, or a fault. */
int cfn_import_alone(struct api_call *call, const struct json *changes);
/* The physical id that identifiers are; absent: there are none. */
struct str cfn_import_id(struct arena *a, const struct json *identifiers);
/* The stage. */
int cfn_import(struct cfn_look *look);
