/*
 * Resources that are there already become a stack's: by an import, which does nothing else, or in
 * the course of a creation or an update (ImportExistingResources).  Which is kept as JSON: {LOGICAL
 * ID: {NAME: VALUE}}, the identifiers that the caller gave or that the template names.
 */
#pragma once

#include "cloudformation/engine.h"

/* Checks ResourcesToImport against the template of `look`.  0, or positive with a fault. */
int cfn_import_take(struct cfn_look *look, const struct cloudformation_CreateChangeSetInput *req,
                    struct json *ret);
/* An import changes nothing else: leaves the imports in the list of changes.  0, or a fault. */
int cfn_import_alone(struct api_call *call, struct json *changes);
/* By what a type's resources are imported: AWS's primary identifier.  None: they cannot be. */
struct str_list cfn_import_names(struct arena *a, const struct json *type);
/* The physical id that identifiers are; absent: there are none. */
struct str cfn_import_id(struct arena *a, const struct json *identifiers);
/* The stage. */
int cfn_import(struct cfn_look *look);

/*
 * What a change set with ImportExistingResources would import: the new resources of the template
 * that are there by their custom names, and no stack's.  *ret_wrong: why the set fails.
 */
int cfn_import_existing(struct cfn_look *look, struct json *ret, struct str *ret_wrong);
/* Reads one, whose row has its physical id; events and the row written.  0 or negative. */
int cfn_import_one(struct cfn_look *look, struct cfn_resource_row *row,
                   const struct json *identifiers, bool *ret_there);
/* The stack's tags are all that is given to it. */
int cfn_import_tag(struct cfn_look *look, struct cfn_resource_row *row);
/* The rollback of one that is to be left as it was. */
int cfn_import_undo(struct cfn_look *look, struct cfn_resource_row *row);
