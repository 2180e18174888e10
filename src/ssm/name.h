/*
 * How callers name parameters: "/a/b", "b", "/a/b:3", "/a/b:label", or an ARN with or without a
 * selector.  Pure.
 *
 * A name of one level is the same with and without a slash in front, because both have the same
 * ARN; so a parameter is known by its path, which always begins with a slash.
 */
#pragma once

#include "base/str.h"

enum {
    SSM_LEVELS_MAX = 15,
    SSM_NAME_ARN_MAX = 1011, /* bytes of the ARN, which is what AWS counts */
};

struct ssm_name {
    struct str account, region;
    struct str name;     /* as it was given, without blanks around it, ARN and selector */
    struct str path;     /* with a slash in front */
    struct str selector; /* a version or a label; absent: none */
    bool is_arn;
};

/*
 * Takes apart what a caller wrote; account and region are those of the caller, unless an ARN says
 * otherwise.  False: more than one selector, another kind of ARN, or no name at all.
 */
bool ssm_name_parse(struct arena *a, struct str text, struct str account, struct str region,
                    struct ssm_name *ret);

/* The row's key: ACCOUNT/REGION and the path. */
struct str ssm_name_key(struct arena *a, const struct ssm_name *name);
struct str ssm_name_arn(struct arena *a, struct str region, struct str account, struct str path);

/* What is above the last part of a row's key. */
struct str ssm_key_parent(struct str key);

/* Only letters, digits, and _ . - / ; no part is empty. */
bool ssm_path_is_good(struct str path);
unsigned ssm_path_levels(struct str path);

/* Whether a name's first part begins with "aws" or "ssm", in whatever case. */
bool ssm_path_is_reserved(struct str path);

/* A version number; false for a label. */
bool ssm_selector_version(struct str selector, int64_t *ret);
/* Whether a text may be a label. */
bool ssm_label_is_good(struct str label);
