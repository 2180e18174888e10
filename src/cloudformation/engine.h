/*
 * The engine: brings stacks to what their rows say they shall become.  Level-triggered: a look at
 * a stack takes every step that is due, in one transaction with what the services' operations
 * change, so that a crash between two steps loses nothing and repeats nothing.
 */
#pragma once

#include "cloudformation/cloudformation.h"
#include "cloudformation/function.h"
#include "cloudformation/tree.h"
#include "cloudformation/type.h"
#include "loop/loop.h"

/* What is done with a stack. */
enum cfn_stage {
    CFN_REST,
    CFN_CREATE,
    CFN_UPDATE,
    CFN_CLEANUP, /* an update went well: what it left over goes */
    CFN_REVERT,  /* an update failed */
    CFN_REVERT_CLEANUP,
    CFN_ROLLBACK, /* a creation failed */
    CFN_DELETE,
    CFN_HELD,      /* a nested stack was updated: it cleans up when its parent does */
    CFN_HELD_BACK, /* the same after it went back */
    CFN_IMPORT,    /* resources that are there already become the stack's */
};

/* Where a resource is on its way. */
enum cfn_phase {
    CFN_SETTLED,
    CFN_PENDING, /* waits for what it depends on */
    CFN_BEGUN,   /* its event was written, its call was not made */
    CFN_STARTED, /* is not ready yet, or signals are awaited */
    CFN_FAILED,
    CFN_REMOVED, /* not in the template any more: goes when the update went well */
    CFN_OLD,     /* what a replacement left */
    CFN_TO_DELETE,
    CFN_DELETING,
    CFN_GOING, /* is not gone yet */
    CFN_GONE,
    CFN_BACK,        /* it goes back, and is not there yet */
    CFN_BACK_FAILED, /* it could not be brought back */
};

/* What the operation that runs did to a resource. */
enum cfn_touched {
    CFN_UNTOUCHED,
    CFN_MADE,
    CFN_CHANGED,
    CFN_REPLACED,
    CFN_TAKEN, /* was there already: ImportExistingResources */
};

/* A stack with what its template says, as long as a transaction. */
struct cfn_look {
    struct api_call *call; /* as the stack's caller */
    struct cfn_stack_row stack;
    struct json root, params;
    struct cfn_scope scope, shown; /* shown: values of NoEcho parameters are stars */
    bool secrets;                  /* the two differ */
    int64_t next_ms;               /* when to look again; 0: when something happens */
    int left;                      /* calls that this look may still make */
    struct json imports;           /* what becomes the stack's: import.h */
};

/* ---- look.c ---- */

/* Loads the stack's template and parameters.  0 or negative. */
int cfn_look_init(struct cfn_look *look, struct api_call *call, const struct cfn_stack_row *row);
/* The same of what the stack was before its update. */
int cfn_look_before(const struct cfn_look *look, struct cfn_look *ret);
void cfn_look_scope(struct cfn_look *look, struct cfn_scope *scope, bool shown);
struct str cfn_resource_key(struct arena *a, struct str stack, struct str logical);
/* An event; the resource NULL: of the stack itself. */
int cfn_event(struct cfn_look *look, const struct cfn_resource_row *resource, const char *status,
              struct str reason);
/* tell.c: an event to the stack's topics.  0 or negative. */
int cfn_tell(struct cfn_look *look, const struct cfn_event_row *row);
/* The stack's status with its event, and the row written. */
int cfn_status(struct cfn_look *look, const char *status, struct str reason);
int cfn_save(struct cfn_look *look);
/* Status and reason of a resource with its event, and the row written. */
int cfn_resource_status(struct cfn_look *look, struct cfn_resource_row *row, const char *status,
                        struct str reason);
/* It is made and configured, and what its service does to it goes on (DetailedStatus). */
int cfn_configured(struct cfn_look *look, struct cfn_resource_row *row);
/* The same of a stack that is made: all of its resources are. */
int cfn_stack_configured(struct cfn_look *look);
struct str cfn_export_key(struct arena *a, struct str account, struct str region, struct str name);
/* Whether a resource of the template is to be made.  False with scope->wrong. */
bool cfn_wanted(struct cfn_scope *scope, const struct json *resource, bool *ret);

/* ---- apply.c ---- */

/* A resource for its type's calls, its properties as they are. */
struct cfn_run cfn_run_of(struct cfn_look *look, const struct cfn_resource_row *row);
/* What its properties are to be.  False: scope.wrong. */
bool cfn_properties(struct cfn_look *look, const struct cfn_resource_row *row, struct json *ret);
/* Rows of resources for what the template wants; the stage begins.  0 or negative. */
int cfn_plan(struct cfn_look *look);
/* An update that is taken back: what is not of it is again as the template before says. */
int cfn_plan_back(struct cfn_look *look);
int cfn_apply(struct cfn_look *look);
/* Tags of a stack with those that name it, a list of {Key, Value}. */
struct json cfn_stack_tags(struct cfn_look *look, const struct str_list *tags);
/* A row for what is replaced, to be deleted or to go back to. */
int cfn_keep_old(struct cfn_look *look, const struct cfn_resource_row *row);

/* ---- revert.c ---- */

/* A run that gives a resource the properties it had before; false: they were not changed. */
bool cfn_run_back(struct cfn_look *look, const struct cfn_resource_row *row, struct cfn_run *run);
/* An update that failed goes back. */
int cfn_revert(struct cfn_look *look);

/* ---- remove.c ---- */

/* Marks what shall go in this stage, and takes the steps that are due. */
int cfn_remove_begin(struct cfn_look *look);
int cfn_remove(struct cfn_look *look);

/* ---- output.c ---- */

/* Outputs, exports and imports of a stack that was made.  0, 1 with scope.wrong, negative. */
int cfn_outputs(struct cfn_look *look);
/* Why its exports cannot go; absent: they can. */
struct str cfn_exports_in_use(struct cfn_look *look, const struct json *kept);
int cfn_exports_drop(struct cfn_look *look);

/* ---- engine.c ---- */

struct cfn_engine;

/*
 * A failure point for tests: the engine stops after so many looks, as if the daemon died there, and
 * makes so many calls in each.  0 looks left: it does nothing; negative: it goes on.
 */
extern struct cfn_engine_fault {
    int looks;
    int calls; /* 0: as many as usual */
} cfn_engine_fault;

int
cfn_engine_new(struct cfn_engine **ret, struct loop *loop, struct store *store, struct api *api);
struct cfn_engine *cfn_engine_free(struct cfn_engine *engine);
