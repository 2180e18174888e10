/* What transforms make of a template: Fn::ForEach of AWS::LanguageExtensions, AWS::Include. */
#pragma once

#include "cloudformation/function.h"

struct cfn_expand {
    struct cfn_scope *scope; /* collections are resolved in it; its `wrong` tells what is wrong */
    void *ctx;
    /* The tree of a snippet (AWS::Include).  False with scope->wrong; NULL: there are none. */
    bool (*include)(struct cfn_expand *x, struct str location, struct json *ret);
    bool extended;
    size_t nodes_left;
    unsigned depth;
};

/* Names of all transforms that a template asks for, in their order. */
struct str_list cfn_transforms(struct arena *a, const struct json *root);
/* Whether a template is another one once its transforms ran. */
bool cfn_is_transformed(const struct json *root);
/* Whether CAPABILITY_AUTO_EXPAND is asked for: all transforms but language extensions. */
bool cfn_needs_expansion(const struct json *root);

/* False: x->scope->wrong. */
bool cfn_expand(struct cfn_expand *x, const struct json *root, struct json *ret);
