/*
 * Resources that are made of rows of CloudFormation itself ("Internal" of data/resource_types), and
 * the choice between them and those that are made by calls of services.
 */
#pragma once

#include "cloudformation/engine.h"

/* What an internal type does.  Outcomes are those of type.h. */
struct cfn_own {
    const char *name;
    int (*create)(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run);
    int (*update)(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run);
    /* NULL: update() with the old properties. Else begins to go back, and is asked again. */
    int (*back)(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run,
                enum cfn_seen *ret);
    int (*delete_)(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run);
    int (*look)(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run, bool gone,
                enum cfn_seen *ret);
};

extern const struct cfn_own cfn_own_stack, cfn_own_wait, cfn_own_handle, cfn_own_custom,
    cfn_own_group;

/* NULL: made by calls of a service. */
const struct cfn_own *cfn_own(const struct json *type);

/* Each answers enum cfn_outcome with run->why, or negative. */
int cfn_make(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run);
int cfn_change(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run);
int cfn_unmake(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run);
/* what: "Ready", "Updated" or "Gone". */
int cfn_see(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run,
            const char *what, enum cfn_seen *ret);

/* ---- nested.c ---- */

/* Whether a type is that of nested stacks. */
bool cfn_is_nested(struct str type);
/* Whether a template has any: only they can tell whether an update changes something. */
bool cfn_has_nested(const struct json *root);
/* A nested stack that could not be brought back tries again. */
int cfn_nested_again(struct cfn_look *look, const struct cfn_resource_row *row);
/* What was under way in a nested stack need not go on. */
int cfn_nested_cancel(struct cfn_look *look, const struct cfn_resource_row *row);
/* Nested stacks clean up when their parent does; *ret_busy: one of them still does. */
int cfn_nested_clean(struct cfn_look *look, bool *ret_busy);

/* ---- handle.c ---- */

/* Writes the events of signals that came; how many were good and bad ones there are. */
int cfn_signals_tell(struct cfn_look *look, struct cfn_resource_row *row, int64_t *ret_good,
                     int64_t *ret_bad);
int cfn_signals_drop(struct cfn_look *look, struct str resource);
/* Requests to a wait condition's handle: owns and answer of struct api_service_hooks. */
bool cfn_handle_owns(const struct api_request *req);
void
cfn_handle_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply);
