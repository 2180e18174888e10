/*
 * Loops are unrolled from outside in: an iteration is a copy of the loop's body in which its
 * identifier was replaced, and loops in that copy come after.  What they make is bounded by nodes
 * and by the scope's bytes, because loops in loops multiply.
 */
#include "cloudformation/expand.h"

#include "base/list.h"
#include "cloudformation/tree.h"

#define LOOP S("Fn::ForEach::")
#define NODES_MAX 60000
#define DEPTH_MAX 60

/* ---- which transforms ---- */

static struct str
name_of(const struct json *transform)
{
    struct str name = cfn_scalar(transform);

    return name.p ? name : json_text(transform, "Name");
}

struct str_list
cfn_transforms(struct arena *a, const struct json *root)
{
    const struct json *transform = json_get(root, "Transform");
    struct str_list list = {0};

    if (transform && transform->kind == JSON_ARRAY)
        for (size_t i = 0; i < transform->n; i++)
            *LIST_PUSH(a, &list) = name_of(&transform->v[i]);
    else if (transform)
        *LIST_PUSH(a, &list) = name_of(transform);
    assert(!transform || list.n > 0 || transform->kind == JSON_ARRAY);
    return list;
}

static bool
has_snippet(const struct json *j)
{
    if (json_get(j, "Fn::Transform"))
        return true;
    for (size_t i = 0; i < j->n; i++)
        if (has_snippet(&j->v[i]))
            return true;
    return false;
}

bool
cfn_is_transformed(const struct json *root)
{
    return json_get(root, "Transform") || has_snippet(root);
}

bool
cfn_needs_expansion(const struct json *root)
{
    const struct json *transform = json_get(root, "Transform");
    bool list = transform && transform->kind == JSON_ARRAY, other = false;

    for (size_t i = 0; list && i < transform->n; i++)
        other = other || !str_is(name_of(&transform->v[i]), "AWS::LanguageExtensions");
    if (transform && !list)
        other = !str_is(name_of(transform), "AWS::LanguageExtensions");
    return other || has_snippet(root);
}

/* ---- replacing ---- */

static bool
wrong(struct cfn_expand *x, const char *what)
{
    return cfn_wrong(x->scope, "Transform AWS::LanguageExtensions failed with: %s", what);
}

struct binding {
    struct str name, value;
};

static struct str
letters_of(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
            (s.p[i] >= '0' && s.p[i] <= '9'))
            out[n++] = s.p[i];
    assert(n <= s.n);
    return str_of(out, n);
}

/* ${NAME} is the value, &{NAME} its letters and digits. */
static bool
replace(struct cfn_expand *x, const struct binding *b, struct str in, struct str *ret)
{
    struct arena *a = x->scope->arena;
    struct str mark = str_fmt(a, "{%.*s}", STR_ARG(b->name)), out = S("");
    size_t at;

    assert(b->value.p);
    while ((at = str_find(in, mark)) != SIZE_MAX) {
        char sign = at ? in.p[at - 1] : ' ';
        bool mine = sign == '$' || sign == '&';
        struct str value = sign == '&' ? letters_of(a, b->value) : b->value;

        out = str_cat(a, out, str_cut(in, 0, mine ? at - 1 : at + mark.n));
        if (mine)
            out = str_cat(a, out, value);
        in = str_cut(in, at + mark.n, in.n);
        if (out.n > x->scope->bytes_left)
            return wrong(x, "the template is too large");
    }
    *ret = out.n ? str_cat(a, out, in) : in;
    if (ret->n > x->scope->bytes_left)
        return wrong(x, "the template is too large");
    x->scope->bytes_left -= out.n ? ret->n : 0;
    return true;
}

static bool
copy(struct cfn_expand *x, const struct binding *b, const struct json *in, struct json *ret)
{
    struct arena *a = x->scope->arena;
    struct str text;
    struct json value;

    assert(x->nodes_left <= NODES_MAX);
    if (x->nodes_left-- == 0)
        return wrong(x, "the template is too large");
    *ret = *in;
    if (in->kind == JSON_STRING) {
        if (!replace(x, b, in->text, &text))
            return false;
        *ret = cfn_text(text);
        return true;
    }
    if (in->kind != JSON_OBJECT && in->kind != JSON_ARRAY)
        return true;
    if (in->n == 1 && in->kind == JSON_OBJECT && str_is(in->names[0], "Ref") &&
        str_eq(cfn_scalar(&in->v[0]), b->name)) {
        *ret = cfn_text(b->value);
        return true;
    }
    *ret = in->kind == JSON_ARRAY ? cfn_array() : cfn_object();
    for (size_t i = 0; i < in->n; i++) {
        if (!copy(x, b, &in->v[i], &value))
            return false;
        if (in->kind == JSON_ARRAY) {
            cfn_push(a, ret, value);
            continue;
        }
        if (!replace(x, b, in->names[i], &text))
            return false;
        cfn_put(a, ret, text, value);
    }
    return true;
}

/* ---- loops ---- */

static bool expand(struct cfn_expand *x, const struct json *in, struct json *ret);

static bool
merge(struct cfn_expand *x, const struct json *from, struct json *to)
{
    assert(to->kind == JSON_OBJECT);
    for (size_t i = 0; i < from->n; i++) {
        if (json_get_str(to, from->names[i]))
            return cfn_wrong(x->scope,
                             "Transform AWS::LanguageExtensions failed with: the key %.*s comes "
                             "twice",
                             STR_ARG(from->names[i]));
        cfn_put(x->scope->arena, to, from->names[i], from->v[i]);
    }
    return true;
}

static bool
loop(struct cfn_expand *x, const struct json *arg, struct json *to)
{
    struct json list, body, made;

    assert(to->kind == JSON_OBJECT);
    if (arg->kind != JSON_ARRAY || arg->n != 3 || arg->v[0].kind != JSON_STRING ||
        arg->v[2].kind != JSON_OBJECT)
        return wrong(x, "Fn::ForEach layout is incorrect");
    if (!cfn_resolve(x->scope, &arg->v[1], &list))
        return false;
    if (list.kind != JSON_ARRAY)
        return wrong(x, "Fn::ForEach layout is incorrect");
    for (size_t i = 0; i < list.n; i++) {
        const struct binding b = {arg->v[0].text, cfn_scalar(&list.v[i])};

        if (!b.value.p)
            return wrong(x, "Fn::ForEach layout is incorrect");
        if (!copy(x, &b, &arg->v[2], &body) || !expand(x, &body, &made) || !merge(x, &made, to))
            return false;
    }
    return true;
}

static bool
snippet(struct cfn_expand *x, const struct json *transform, struct json *to)
{
    struct str location = json_text(json_get(transform, "Parameters"), "Location");
    struct json tree;

    if (!str_is(json_text(transform, "Name"), "AWS::Include"))
        return cfn_wrong(x->scope, "No transform named %.*s found.",
                         STR_ARG(json_text(transform, "Name")));
    if (!location.p || !x->include)
        return cfn_wrong(x->scope, "Transform AWS::Include failed with: The location parameter is "
                                   "not specified or not a string");
    if (!x->include(x, location, &tree))
        return false;
    if (tree.kind != JSON_OBJECT)
        return cfn_wrong(x->scope, "Transform AWS::Include failed with: The specified S3 object's "
                                   "content should be valid Yaml/JSON");
    return merge(x, &tree, to);
}

/* Fn::Sub of a text without variables is that text: names that loops made can be followed. */
static bool
is_plain_sub(const struct json *j)
{
    return j->kind == JSON_OBJECT && j->n == 1 && str_is(j->names[0], "Fn::Sub") &&
           j->v[0].kind == JSON_STRING && str_find(j->v[0].text, S("${")) == SIZE_MAX;
}

static bool
member(struct cfn_expand *x, struct str name, const struct json *in, struct json *to)
{
    struct json value;

    assert(to->kind == JSON_OBJECT && name.p);
    if (x->extended && str_starts(name, LOOP))
        return loop(x, in, to);
    if (str_is(name, "Fn::Transform"))
        return snippet(x, in, to);
    if (!expand(x, in, &value))
        return false;
    cfn_put(x->scope->arena, to, name, value);
    return true;
}

static bool
expand_inside(struct cfn_expand *x, const struct json *in, struct json *ret)
{
    struct json value;

    *ret = *in;
    if (x->nodes_left-- == 0)
        return wrong(x, "the template is too large");
    if (x->extended && is_plain_sub(in)) {
        *ret = in->v[0];
        return true;
    }
    if (in->kind == JSON_ARRAY) {
        *ret = cfn_array();
        for (size_t i = 0; i < in->n; i++) {
            if (!expand(x, &in->v[i], &value))
                return false;
            cfn_push(x->scope->arena, ret, value);
        }
    } else if (in->kind == JSON_OBJECT) {
        *ret = cfn_object();
        for (size_t i = 0; i < in->n; i++)
            if (!member(x, in->names[i], &in->v[i], ret))
                return false;
    }
    return true;
}

static bool
expand(struct cfn_expand *x, const struct json *in, struct json *ret)
{
    if (x->depth >= DEPTH_MAX)
        return wrong(x, "the template is nested too deeply");
    x->depth++;
    assert(x->depth <= DEPTH_MAX);
    bool ok = expand_inside(x, in, ret);
    x->depth--;
    assert(ok || x->scope->wrong.p);
    return ok;
}

/* ---- all of it ---- */

/* AWS::Include at the top: its members are those of the template. */
static bool
top_snippets(struct cfn_expand *x, const struct json *transform, struct json *to)
{
    if (transform->kind == JSON_ARRAY) {
        for (size_t i = 0; i < transform->n; i++)
            if (!top_snippets(x, &transform->v[i], to))
                return false;
        return true;
    }
    return transform->kind != JSON_OBJECT || snippet(x, transform, to);
}

bool
cfn_expand(struct cfn_expand *x, const struct json *root, struct json *ret)
{
    static const char *const parts[] = {"Conditions", "Resources",  "Outputs", "Mappings",
                                        "Metadata",   "Parameters", "Rules"};
    const struct json *transform = json_get(root, "Transform");
    struct json top = cfn_object(), value;

    assert(root->kind == JSON_OBJECT && x->depth == 0);
    x->nodes_left = NODES_MAX;
    for (size_t i = 0; i < root->n; i++)
        if (!str_is(root->names[i], "Transform"))
            cfn_put(x->scope->arena, &top, root->names[i], root->v[i]);
    if (transform && !top_snippets(x, transform, &top))
        return false;
    *ret = cfn_object();
    if (x->extended)
        cfn_put(x->scope->arena, ret, S("Transform"), cfn_text(S("AWS::LanguageExtensions")));
    for (size_t i = 0; i < top.n; i++) {
        bool known = false;

        value = top.v[i];
        for (size_t p = 0; p < ARRAY_LEN(parts); p++)
            known = known || str_is(top.names[i], parts[p]);
        if (known && !expand(x, &top.v[i], &value))
            return false;
        cfn_put(x->scope->arena, ret, top.names[i], value);
    }
    assert(ret->kind == JSON_OBJECT && x->depth == 0);
    return true;
}
