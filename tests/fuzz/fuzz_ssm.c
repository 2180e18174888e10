/*
 * Names and policies of parameters.  A first byte '[' makes the whole a text of policies; else it
 * is a name.
 *
 * What must hold: the policies that are accepted are accepted again one by one as they are shown,
 * with the same times; a name that was taken apart is the same when it is put together again.
 */
#include <stdlib.h>

#include "ssm/name.h"
#include "ssm/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
policies(struct arena *a, struct str text)
{
    struct ssm_policies all, one;
    struct str why = STR_NONE;
    enum ssm_policy_error e = ssm_policies_parse(a, text, &all, &why);

    must(e == SSM_POLICY_OK || why.n > 0);
    if (e)
        return;
    must(all.n <= SSM_POLICIES_MAX);
    int64_t first = ssm_policies_due_ms(&all, 0, 1000);

    must((first != 0) == (all.n != 0));
    must(ssm_policies_due_ms(&all, (1 << SSM_POLICIES_MAX) - 1, 1000) == 0);
    for (size_t i = 0; i < all.n; i++) {
        must(ssm_policy_due_ms(&all, i, 1000) >= first);
        e = ssm_policies_parse(a, str_fmt(a, "[%.*s]", STR_ARG(all.v[i].text)), &one, &why);
        if (all.v[i].kind == SSM_EXPIRATION_NOTIFICATION) {
            must(e == SSM_POLICY_INCOMPATIBLE);
            continue;
        }
        must(e == SSM_POLICY_OK && one.n == 1 && one.v[0].kind == all.v[i].kind);
        must(one.v[0].at_ms == all.v[i].at_ms && one.v[0].span_ms == all.v[i].span_ms);
    }
}

static void
name(struct arena *a, struct str text)
{
    struct ssm_name name, again;
    int64_t version;

    if (!ssm_name_parse(a, text, S("111122223333"), S("us-east-1"), &name))
        return;
    must(name.path.n >= 1 && name.path.p[0] == '/' && name.account.p && name.region.n);
    must(!name.selector.p || name.selector.n > 0);
    if (name.selector.p && ssm_selector_version(name.selector, &version))
        must(version >= 0 && !ssm_label_is_good(name.selector));
    struct str arn = ssm_name_arn(a, name.region, name.account, name.path);

    if (!ssm_path_is_good(name.path) || str_find_char(name.region, ':') != SIZE_MAX)
        return;
    must(ssm_name_parse(a, arn, S("1"), S("2"), &again) && again.is_arn && !again.selector.p);
    must(str_eq(again.path, name.path) && str_eq(again.account, name.account) &&
         str_eq(again.region, name.region));
    must(str_eq(ssm_name_key(a, &name), ssm_name_key(a, &again)));
    must(ssm_path_levels(name.path) >= 1);
    struct str key = ssm_name_key(a, &name), parent = ssm_key_parent(key);

    must(str_starts(key, parent) && key.p[parent.n] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena arena;

    if (n > 4096) /* the description says so */
        return 0;
    arena_init(&arena, 4 << 20);
    struct str text = str_of(arena_dup(&arena, data, n), n);

    if (str_is_utf8(text) && n && data[0] == '[')
        policies(&arena, text);
    else if (str_is_utf8(text))
        name(&arena, text);
    arena_done(&arena);
    return 0;
}
