/* The names and functions of a resource type's steps, for type.c. */
#pragma once

#include "cloudformation/function.h"
#include "cloudformation/type.h"

struct step_scope {
    struct cfn_scope scope;
    struct cfn_run *run;
    const struct json *define;
    struct json names; /* Id, It, AllTags, Reply, First, Saved, Self, Old */
};

void step_scope_init(struct step_scope *s, struct cfn_run *run);
/* A property by its name, AllTags among them; `room` is for what is made.  NULL: not given. */
const struct json *
step_property(struct step_scope *s, const struct json *props, struct str name, struct json *room);
/* Gives the resource the name that nobody gave it. */
void step_give_name(struct cfn_run *run);
