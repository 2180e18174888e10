/*
 * Templates of CloudFormation: text into a tree, all checks, and every function of what passes.
 * What must hold: what was read can be written as JSON and read again as the same.
 */
#include <stdlib.h>

#include "cloudformation/difference.h"
#include "cloudformation/expand.h"
#include "cloudformation/function.h"
#include "cloudformation/load.h"
#include "cloudformation/roll.h"
#include "cloudformation/rule.h"
#include "cloudformation/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
anything(struct cfn_scope *scope UNUSED, struct str name, struct json *ret)
{
    *ret = cfn_text(name);
    return true;
}

static bool
attribute(struct cfn_scope *scope UNUSED, struct str name UNUSED, struct str attr, struct json *ret)
{
    *ret = cfn_text(attr);
    return true;
}

static void
functions(struct arena *a, const struct json *root)
{
    struct cfn_scope scope;
    struct json value;

    cfn_scope_init(&scope, a, root);
    scope.resource = anything;
    scope.attribute = attribute;
    scope.import = anything;
    scope.zones = anything;
    if (!cfn_resolve(&scope, root, &value) && !scope.wrong.p)
        abort();
}

/* What is expanded is a template again, and rules that are well-formed are true or false. */
static void
transforms(struct arena *a, const struct json *root)
{
    struct cfn_scope scope;
    struct cfn_expand x = {.scope = &scope, .extended = true};
    struct json made;

    cfn_scope_init(&scope, a, root);
    scope.extended = true;
    if (!cfn_expand(&x, root, &made) && !scope.wrong.p)
        abort();
    cfn_scope_init(&scope, a, root);
    if (!cfn_rules_check(a, root).p && !cfn_rules(&scope) && !scope.wrong.p)
        abort();
}

/* A policy of rolling updates that is taken is the same after it was kept. */
static void
rolling(struct arena *a, const struct json *root)
{
    struct cfn_roll roll, again;

    if (cfn_roll_policy(a, root, &roll).p)
        return;
    struct str text = cfn_roll_print(a, &roll);

    if (!cfn_roll_read(a, text, &again) || !str_eq(cfn_roll_print(a, &again), text))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = str_of(data, n);
    struct arena a;
    struct json root, again;

    if (n > CFN_BODY_BYTES_MAX)
        return 0;
    arena_init(&a, (size_t)256 << 20);
    if (!cfn_load(&a, text, &root).p) {
        struct str json = cfn_print(&a, &root, (size_t)16 << 20);

        if (!json.p || !cfn_read(&a, json, &again) || !cfn_equal(&root, &again))
            abort();
        functions(&a, &root);
        transforms(&a, &root);
        rolling(&a, &root);
        cfn_template(&a, text, &root);
        if (cfn_differences(&a, &root, &again).n)
            abort();
    }
    arena_done(&a);
    return 0;
}
