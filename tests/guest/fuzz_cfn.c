/*
 * Metadata as a stack may hold it: JSON to a plan and to Mustache, and command lines' files.
 *
 * Input: JSON, and after a line of "---" a template (and a configuration file) for it.
 */
#include "cfn/ini.h"
#include "cfn/json.h"
#include "cfn/mustache.h"
#include "cfn/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {.max_bytes = 256 << 20};
    struct str in = {(const char *)data, n}, why, out, sets[] = {S("default"), S("a")};
    size_t cut = str_find(in, S("\n---\n"), 0), n_steps;
    struct str template = cut == SIZE_MAX ? in : str_cut(in, cut + 5, in.n);
    struct node *root = json_parse(&a, str_cut(in, 0, cut), &why), ini = {.kind = NODE_MAP};
    struct plan_step *steps;

    if (!root && !why.n)
        abort(); /* refused without a reason */
    if (root) {
        struct buf one = buf_new(&a, 4 << 20), two = buf_new(&a, 4 << 20);

        json_dump(&one, root, -1);
        struct node *again = one.over ? NULL : json_parse(&a, buf_str(&one), &why);
        if (!again && !one.over)
            abort(); /* what is written can be read */
        if (again)
            json_dump(&two, again, -1);
        if (again && !str_eq(buf_str(&one), buf_str(&two)))
            abort();
        plan_make(&a, root, sets, COUNT_OF(sets), &steps, &n_steps, &why);
        plan_managers(&a, root);
        plan_value(&a, root, template);
    }
    if (mustache_render(&a, template, root, 1 << 16, &out, &why) && out.n > 1 << 16)
        abort();
    ini_read(&a, template, &ini, &why);
    plan_compare_versions(in, template);
    arena_done(&a);
    return 0;
}
