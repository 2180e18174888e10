/*
 * Policy variables: ${aws:username}, ${aws:PrincipalTag/team, 'none'}, and ${*}, ${?}, ${$}, which
 * are those characters without their meaning.
 *
 * Only keys with a single value can be variables.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
#include "policy/internal.h"

/* Reads ", 'text'}" from i, where the comma is; the length up to and with the brace, or 0. */
static size_t
fallback_parse(struct str s, size_t i, struct str *ret)
{
    struct str rest = str_cut(s, i + 1, s.n);
    size_t open = str_find_char(rest, '\'');

    assert(i < s.n && s.p[i] == ',');
    if (open == SIZE_MAX || str_trim(str_cut(rest, 0, open)).n)
        return 0;
    struct str text = str_cut(rest, open + 1, rest.n);
    size_t close = str_find_char(text, '\'');

    if (close == SIZE_MAX)
        return 0;
    struct str tail = str_cut(text, close + 1, text.n);
    size_t brace = str_find_char(tail, '}');

    if (brace == SIZE_MAX || str_trim(str_cut(tail, 0, brace)).n)
        return 0;
    *ret = str_cut(text, 0, close);
    assert(tail.p + brace < s.p + s.n);
    return (size_t)(tail.p - s.p) + brace + 1;
}

size_t
variable_parse(struct str s, struct piece *ret)
{
    size_t end = str_find_char(s, '}');

    assert(s.n >= 2 && s.p[0] == '$' && s.p[1] == '{');
    if (end == SIZE_MAX)
        return 0;
    struct str inside = str_cut(s, 2, end);
    size_t comma = str_find_char(inside, ',');
    struct str name = str_trim(str_cut(inside, 0, comma));

    if (comma == SIZE_MAX && name.n == 1 && strchr("*?$", name.p[0])) {
        *ret = (struct piece){.kind = PIECE_TEXT, .text = name};
        return end + 1;
    }
    *ret = (struct piece){.kind = PIECE_VARIABLE, .text = name, .has_fallback = comma != SIZE_MAX};
    /* The fallback is quoted, and may have a brace in it. */
    return comma == SIZE_MAX ? end + 1 : fallback_parse(s, 2 + comma, &ret->fallback);
}

const struct policy_key *
context_find(const struct policy_context *context, struct str name)
{
    assert(!context || context->v || context->n == 0);
    if (!context)
        return NULL;
    LIST_EACH(context, k)
        if (k->name.n == name.n && str_eq_nocase(k->name, name))
            return k;
    return NULL;
}

bool
variable_value(const struct piece *p, const struct policy_context *context, struct str *ret)
{
    assert(p->kind == PIECE_VARIABLE);
    const struct policy_key *k = context_find(context, p->text);

    if (k && !k->multi && k->n == 1) {
        *ret = k->values[0];
        return true;
    }
    *ret = p->fallback;
    return p->has_fallback;
}
