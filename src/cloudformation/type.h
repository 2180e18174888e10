/*
 * Resource types, which are data: data/resource_types/ *.yaml says in a template's own language of
 * which calls of which service a resource is made.
 *
 *   Service, Shown    the service, and its name in failures ("Iam")
 *   Properties        {NAME: letters}: R required, C a change replaces the resource, L a list,
 *                     N AWS has it and we do not: refused by name, * anything else
 *   Parts             {PROPERTY: {NAME: letters}}: what stands in a property or its elements
 *   Values            {PROPERTY: [VALUE]}: the only ones that it may have
 *   Open              any property and any attribute; Refused: why it cannot be made at all
 *   Naming            {Property, Max, Prefix}: a name is made when none is given (STACK-LOGICAL-…);
 *                     Lower: in lower case
 *   DeletionPolicy    the one of resources whose template says none
 *   Create, Update, Delete, Snapshot, Read   lists of steps, done in one transaction:
 *     Call, In        the operation and its request; Service, Region, when it is another's
 *     When, Unless P  only when property P is (not) given; Had, HadNot P: (not) given before
 *     OnlyIf          {Ref or Value, Is | IsNot}: with neither, when it is there at all
 *     Each P          once for each element of P, which is It; of what a function makes, too
 *     Added, Removed P  once for each element that is new, or that is no more (Update)
 *     Changed [P …]   only when one of them changed (Update)
 *     Save {N: V}     values for later steps: Saved.N; also without a call
 *     Collect N       the replies of all times, a list: Saved.N
 *     Missing [CODE]  refusals that are as good as done
 *     Refuse TEXT     instead of Call: AWS's sentence; As CODE: its HandlerErrorCode
 *     Taken TEXT      instead of Call, or when Call says that it exists: AWS's sentence, alone
 *     Fault           {Code, Message} when a good reply tells a failure
 *   Id                what Ref is; the physical id
 *   Identifier [NAME …]  by what it is imported, where that is neither the property that Id is nor
 *                     the attribute that is Id; empty: it cannot be
 *   Attributes        what Fn::GetAtt is, over Read's Reply
 *   Ready, Updated, Gone  {Path, Values, Failed} of Read's Reply: what is waited for
 *   Signals           CreationPolicy may wait for signals
 *   Rolling [P …]     a group of instances, which have an UpdatePolicy: properties that they are
 *                     made of; Policy is the update's
 *   Consistency       AWS tells that it is configured (CONFIGURATION_COMPLETE), and later complete
 *   Interrupt         what must be still while one of Changed is changed: Path of Read's Reply;
 *                     Moving (then Stop's steps), Between, Still; Start's bring it back
 *   Retry [CODE]      refusals of Delete after which it is tried again
 *   Missing [CODE]    what says that the thing is not there any more
 *   Unreached [P …]   properties whose change is refused: not implemented
 *   Internal          made of CloudFormation's own rows: own.h
 *   AttributePrefix   any attribute that begins so is one
 *   Fixed [P …]       properties whose change AWS refuses
 *   Live              {PROPERTY: value}: the properties as they are, over Read's replies and those
 *                     of LiveRead's steps; what is not here cannot drift
 *   Attaches          [{To, By, Is, As, Element}]: what it adds to property As of what its property
 *                     By names, of type To, by id or by attribute Is; no drift of that
 *
 * In it, Ref is a property, Id, It, AllTags (the stack's tags and the resource's) or a value of
 * Define; GetAtt is X.PATH of a property, It, Reply (the last), First (the first), Saved, Self
 * (attributes), Old (properties before).  What is absent is left out.  Given [X, V] is V when X is
 * there, IfIs [X, VALUE, V] when it is that; First [A, B] the first that is; MadeName a name of its
 * own, Token a new UUID; JsonWith [TEXT, NAME, VALUE] adds to a JSON text; Document [TEXT] reads a
 * policy; IfChanged [PROPERTY] it, when an update changes it.  Over lists: Like and Unlike [LIST,
 * PATTERN], Where and WhereNot [LIST, PATH, VALUE], Map (or MapOf) [LIST, V] with It in V, TagsAs
 * [LIST, KEY, VALUE] and TagsOf [LIST, KEY, VALUE], its reverse without AWS's own tags (of a map,
 * too), TagMap [LIST] a map of tags.  InlineZip [TEXT] is the archive of a function's inline code.
 */
#pragma once

#include "api/api.h"
#include "cloudformation/tree.h"

/* The definition, or NULL. */
const struct json *cfn_type(struct str name);
/* Every type there is, in the order of the files: an object of definitions. */
const struct json *cfn_types(void);
/* Whether a type has an attribute. */
bool cfn_type_has_attribute(const struct json *type, struct str attribute);
/* Whether a change of the property replaces the resource. */
bool cfn_type_replaces(const struct json *type, struct str property);
/* Whether the resource must be still while it is changed. */
bool cfn_type_interrupts(const struct json *type, struct str property);

struct cfn_run {
    struct api_call *call;     /* as whom */
    struct str stack, logical; /* names */
    struct json tags;          /* of the stack, a list of {Key, Value} */
    struct json old_tags;      /* what they were before an update */
    const struct json *type;
    struct json props, old; /* resolved properties; what they were before an update */
    struct str id;          /* in and out: the physical id */
    struct json attributes; /* in and out */
    struct json policy;     /* UpdatePolicy of a group */
    struct str why;         /* of a failure: the event's reason */
};

enum cfn_outcome { CFN_DONE = 0, CFN_REFUSED = 1, CFN_RETRY = 2 };

/* Whether the type has all properties that are given, and those that are needed are there. */
int cfn_run_validate(struct cfn_run *run);
/* Each answers enum cfn_outcome with `why`, or negative.  What was refused left nothing behind. */
int cfn_run_create(struct cfn_run *run);
/* CFN_RETRY: it must become still first; what was done for that stays. */
int cfn_run_update(struct cfn_run *run);
/* Of an update that ended before its time: brings back what was made still. */
int cfn_run_resume(struct cfn_run *run);
int cfn_run_delete(struct cfn_run *run);
/* Takes what DeletionPolicy Snapshot leaves behind. */
int cfn_run_snapshot(struct cfn_run *run);

enum cfn_seen { CFN_NOT_YET, CFN_YES, CFN_NEVER };
/* Looks whether it is "Ready" or "Gone", and brings its attributes up to date. */
int cfn_run_look(struct cfn_run *run, const char *what, enum cfn_seen *ret);
/* Its properties as they are now, those that "Live" tells; ret_there: false when it is gone. */
int cfn_run_live(struct cfn_run *run, struct json *ret, bool *ret_there);

/* One call of the type's service by trees: CFN_DONE, CFN_REFUSED with run->why, negative. */
int cfn_run_ask(struct cfn_run *run, const char *operation, const struct json *in,
                struct json *ret);
/* What something of the definition is for the resource. */
int cfn_run_value(struct cfn_run *run, const struct json *in, struct json *ret);

/*
 * One call of an operation by trees.  0, positive with call->fault, negative; *ret_wrong: the
 * request does not fit (then 1 is answered without a fault).
 */
int cfn_ask(struct api_call *call, const char *service, const char *operation,
            const struct json *in, struct json *ret, struct str *ret_wrong);
