/*
 * Which configurations a run of cfn-init is made of, and in what order its parts are done.
 */
#ifndef CFN_PLAN_H
#define CFN_PLAN_H

#include "../node.h"

#define INIT_KEY "AWS::CloudFormation::Init"

struct plan_step {
    struct str set;            /* of which config set, named on the command line */
    struct str name;           /* the configuration's */
    const struct node *config; /* NULL: there is none of that name, which does nothing */
};

/*
 * The steps of the sets named, in order; a set's references are unfolded.  False with aws-cfn-
 * bootstrap's sentence for unknown names, loops, and what is no list of configurations.  All sets
 * are checked, whether they are named or not.
 */
bool plan_make(struct arena *a, const struct node *init, const struct str *sets, size_t n_sets,
               struct plan_step **ret, size_t *ret_n, struct str *ret_why);

/* A map's members in the order of their keys; the array ends with NULL. */
const struct node **plan_sorted(struct arena *a, const struct node *map);
/* Package managers in their order: dpkg, rpm, apt, yum, then the others by name. */
const struct node **plan_managers(struct arena *a, const struct node *packages);

/* A value at a dotted path; "\." is a dot within a name.  NULL when absent. */
const struct node *plan_value(struct arena *a, const struct node *root, struct str path);

/* Whether two lists, or a list and a scalar, have a string in common. */
bool plan_touches(const struct node *wanted, const struct str *changed, size_t n_changed);

/* As rpm compares VERSION-RELEASE: below, at or above 0. */
int plan_compare_versions(struct str a, struct str b);

#endif
