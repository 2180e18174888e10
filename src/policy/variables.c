/*
 * Policy variables: ${aws:username}, ${aws:PrincipalTag/team, 'none'}, and ${*}, ${?}, ${$}, which
 * are those characters without their meaning.
 *
 * Only keys with a single value can be variables.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
#include "policy/internal.h"

size_t
variable_parse(struct str s, struct piece *ret)
{
    size_t end = str_find_char(s, '}');

    assert(s.n >= 2 && s.p[0] == '$' && s.p[1] == '{');
    if (end == SIZE_MAX)
        return 0;
    struct str inside = str_trim(str_cut(s, 2, end));

    if (inside.n == 1 && strchr("*?$", inside.p[0])) {
        *ret = (struct piece){.kind = PIECE_TEXT, .text = inside};
        return end + 1;
    }
    size_t comma = str_find_char(inside, ',');

    *ret = (struct piece){.kind = PIECE_VARIABLE, .text = str_trim(str_cut(inside, 0, comma))};
    if (comma == SIZE_MAX)
        return end + 1;
    /* The fallback is quoted, and may have a brace in it. */
    size_t open = str_find_char(s, '\'');
    size_t close = open == SIZE_MAX ? SIZE_MAX : str_find_char(str_cut(s, open + 1, s.n), '\'');

    if (close == SIZE_MAX || str_trim(str_cut(s, 2 + comma, open)).n > s.n)
        return 0;
    close += open + 1;
    size_t after = str_find_char(str_cut(s, close, s.n), '}');

    if (after == SIZE_MAX || str_trim(str_cut(s, close + 1, close + after)).n)
        return 0;
    ret->has_fallback = true;
    ret->fallback = str_cut(s, open + 1, close);
    return close + after + 1;
}

const struct policy_key *
context_find(const struct policy_context *context, struct str name)
{
    if (!context)
        return NULL;
    LIST_EACH (context, k)
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
