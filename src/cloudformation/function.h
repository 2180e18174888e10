/*
 * Intrinsic functions and conditions.  Pure: what a template cannot know (resources, exports,
 * zones, secrets) is asked of the scope's callbacks.
 *
 * A value that AWS::NoValue made is JSON_NULL: templates have no null of their own.
 */
#pragma once

#include "codec/json.h"

struct cfn_scope {
    struct arena *arena;
    const struct json *root; /* the template; NULL: names are the callbacks' own (type.h) */
    struct json values;      /* parameters and pseudo parameters, by name */
    struct str wrong;        /* what is wrong, AWS's sentence; absent: nothing */
    size_t bytes_left;       /* of text that functions may make */
    unsigned depth;
    uint8_t *conditions; /* enum of function.c, one each of the section; made when needed */
    bool extended;       /* Transform: AWS::LanguageExtensions */
    void *ctx;
    /* Each answers false with `wrong` set.  NULL: nothing of the kind is allowed here. */
    bool (*resource)(struct cfn_scope *scope, struct str name, struct json *ret);
    bool (*attribute)(struct cfn_scope *scope, struct str name, struct str attribute,
                      struct json *ret);
    bool (*import)(struct cfn_scope *scope, struct str name, struct json *ret);
    bool (*zones)(struct cfn_scope *scope, struct str region, struct json *ret);
    /* functions that are not CloudFormation's: those of resource types */
    bool (*more)(struct cfn_scope *scope, struct str name, const struct json *arg,
                 struct json *ret);
    /* {{resolve:SERVICE:REST}} */
    bool (*dynamic)(struct cfn_scope *scope, struct str service, struct str rest, struct json *ret);
};

void cfn_scope_init(struct cfn_scope *scope, struct arena *a, const struct json *root);

/* All functions in `in` carried out.  False: scope->wrong says why. */
bool cfn_resolve(struct cfn_scope *scope, const struct json *in, struct json *ret);
/* A condition of the template by its name. */
bool cfn_condition(struct cfn_scope *scope, struct str name, bool *ret);
/* A condition's expression. */
bool cfn_truth(struct cfn_scope *scope, const struct json *in, bool *ret);

/* Sets `wrong` unless something was wrong already; answers false. */
bool cfn_wrong(struct cfn_scope *scope, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * The function that an object is: its one member, when that is Ref, Condition or begins with Fn::.
 * NULL: it is a plain object.
 */
const struct json *cfn_function(const struct json *j, struct str *ret_name);

/* ${NAME} of a text for Fn::Sub: calls fn with literal and variable, one of which is absent. */
bool cfn_sub_each(struct cfn_scope *scope, struct str text,
                  bool (*fn)(void *ctx, struct str literal, struct str variable), void *ctx);
