/*
 * A table of functions; each gets its argument as it stands in the template and resolves what it
 * wants of it, because Fn::If must not look at the branch that is not taken.
 *
 * Functions nest, and nesting doubles text: `bytes_left` bounds what a template can make.
 */
#include "cloudformation/function.h"

#include "base/list.h"
#include "cloudformation/tree.h"
#include "codec/ip.h"

#define BYTES_MAX ((size_t)4 << 20)
#define DEPTH_MAX 200

enum condition { UNKNOWN, LOOKING, NO, YES };

void
cfn_scope_init(struct cfn_scope *scope, struct arena *a, const struct json *root)
{
    assert(a && (!root || root->kind == JSON_OBJECT));
    *scope = (struct cfn_scope){
        .arena = a, .root = root, .values = cfn_object(), .bytes_left = BYTES_MAX};
}

bool
cfn_wrong(struct cfn_scope *scope, const char *fmt, ...)
{
    va_list ap;

    assert(fmt[0]);
    va_start(ap, fmt);
    if (!scope->wrong.p)
        scope->wrong = str_vfmt(scope->arena, fmt, ap);
    va_end(ap);
    assert(scope->wrong.p);
    return false;
}

const struct json *
cfn_function(const struct json *j, struct str *ret_name)
{
    if (!j || j->kind != JSON_OBJECT || j->n != 1)
        return NULL;
    *ret_name = j->names[0];
    assert(j->names && j->v);
    return str_is(j->names[0], "Ref") || str_is(j->names[0], "Condition") ||
                   str_starts(j->names[0], S("Fn::"))
               ? &j->v[0]
               : NULL;
}

static bool
spend(struct cfn_scope *scope, size_t n)
{
    assert(scope->bytes_left <= BYTES_MAX);
    if (n > scope->bytes_left)
        return cfn_wrong(scope, "Template error: the values of the template are too long");
    scope->bytes_left -= n;
    return true;
}

static bool
resolve_scalar(struct cfn_scope *scope, const struct json *in, struct str *ret)
{
    struct json value;

    if (!cfn_resolve(scope, in, &value))
        return false;
    *ret = cfn_scalar(&value);
    return ret->p != NULL;
}

/* ---- Ref, Fn::GetAtt ---- */

static bool
known(const struct cfn_scope *scope, struct str name)
{
    assert(name.p);
    return !scope->root || json_get_str(json_get(scope->root, "Resources"), name);
}

static bool
ref(struct cfn_scope *scope, struct str name, struct json *ret)
{
    const struct json *value = json_get_str(&scope->values, name);

    assert(name.p);
    if (str_is(name, "AWS::NoValue")) {
        *ret = (struct json){.kind = JSON_NULL};
        return true;
    }
    if (value) {
        *ret = *value;
        return true;
    }
    if (scope->resource && known(scope, name))
        return scope->resource(scope, name, ret);
    return cfn_wrong(scope,
                     "Template format error: Unresolved resource dependencies [%.*s] in the "
                     "Resources block of the template",
                     STR_ARG(name));
}

static bool
fn_ref(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str name = arg->kind == JSON_STRING ? arg->text : STR_NONE;

    if (!name.p && (!scope->extended || !resolve_scalar(scope, arg, &name)))
        return cfn_wrong(scope, "Template format error: Every Ref must be a string");
    return ref(scope, name, ret);
}

static bool
get_att(struct cfn_scope *scope, struct str name, struct str attribute, struct json *ret)
{
    assert(name.p && attribute.p);
    if (!scope->attribute || !known(scope, name))
        return cfn_wrong(
            scope, "Template error: instance of Fn::GetAtt references undefined resource %.*s",
            STR_ARG(name));
    return scope->attribute(scope, name, attribute, ret);
}

static bool
fn_get_att(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str name = STR_NONE, attribute = STR_NONE;

    if (arg->kind == JSON_STRING) {
        attribute = arg->text;
        name = str_split(&attribute, '.');
    } else if (arg->kind == JSON_ARRAY && arg->n == 2) {
        name = cfn_scalar(&arg->v[0]);
        if (!resolve_scalar(scope, &arg->v[1], &attribute) && scope->wrong.p)
            return false;
    }
    if (!name.p || !attribute.p)
        return cfn_wrong(scope, "Template error: every Fn::GetAtt object requires two non-empty "
                                "parameters, the resource name and the resource attribute");
    return get_att(scope, name, attribute, ret);
}

/* ---- text ---- */

static bool
append(struct cfn_scope *scope, struct str *text, struct str more)
{
    assert(text->p);
    if (!spend(scope, text->n + more.n))
        return false;
    *text = str_cat(scope->arena, *text, more);
    return true;
}

static bool
fn_join(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    static const char *const usage =
        "Template error: every Fn::Join object requires two parameters, (1) a string delimiter "
        "and (2) a list of strings to be joined or a function that returns a list of strings "
        "(such as Fn::GetAZs) to be joined.";
    struct str text = S(""), part;
    struct json list;

    if (arg->kind != JSON_ARRAY || arg->n != 2 || arg->v[0].kind != JSON_STRING)
        return cfn_wrong(scope, "%s", usage);
    if (!cfn_resolve(scope, &arg->v[1], &list))
        return false;
    if (list.kind != JSON_ARRAY)
        return cfn_wrong(scope, "%s", usage);
    for (size_t i = 0; i < list.n; i++) {
        part = cfn_scalar(&list.v[i]);
        if (!part.p)
            return cfn_wrong(scope, "%s", usage);
        if ((i && !append(scope, &text, arg->v[0].text)) || !append(scope, &text, part))
            return false;
    }
    *ret = cfn_text(text);
    assert(text.p);
    return true;
}

static bool
fn_split(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    static const char *const usage =
        "Template error: every Fn::Split object requires two parameters, (1) a string delimiter "
        "and (2) a string to be split or a function that returns a string to be split.";
    struct str text;

    if (arg->kind != JSON_ARRAY || arg->n != 2 || arg->v[0].kind != JSON_STRING ||
        arg->v[0].text.n == 0)
        return cfn_wrong(scope, "%s", usage);
    if (!resolve_scalar(scope, &arg->v[1], &text))
        return cfn_wrong(scope, "%s", usage);
    struct str by = arg->v[0].text;

    assert(by.n > 0 && text.p);
    *ret = cfn_array();
    for (;;) {
        size_t at = str_find(text, by);

        if (!spend(scope, sizeof(struct json)))
            return false;
        cfn_push(scope->arena, ret, cfn_text(str_cut(text, 0, at)));
        if (at == SIZE_MAX)
            return true;
        text = str_cut(text, at + by.n, text.n);
    }
}

static bool
fn_select(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    static const char *const usage =
        "Template error: Fn::Select requires a list argument with two elements: an integer index "
        "and a list";
    struct str text;
    struct json list;
    int64_t i;

    if (arg->kind != JSON_ARRAY || arg->n != 2)
        return cfn_wrong(scope, "%s", usage);
    if (!resolve_scalar(scope, &arg->v[0], &text) || !str_to_i64(text, &i))
        return cfn_wrong(scope, "%s", usage);
    if (!cfn_resolve(scope, &arg->v[1], &list))
        return false;
    if (list.kind != JSON_ARRAY)
        return cfn_wrong(scope, "%s", usage);
    if (i < 0 || (uint64_t)i >= list.n)
        return cfn_wrong(
            scope, "Template error: Fn::Select  cannot select nonexistent value at index %lld",
            (long long)i);
    assert(i >= 0 && (size_t)i < list.n);
    *ret = list.v[i];
    return true;
}

static bool
fn_base64(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str text;

    if (!resolve_scalar(scope, arg, &text))
        return cfn_wrong(scope, "Template error: every Fn::Base64 object must have a String-typed "
                                "value.");
    if (!spend(scope, text.n * 2))
        return false;
    *ret = cfn_text(str_base64(scope->arena, text));
    return true;
}

/* ---- Fn::Sub ---- */

static bool
good_variable(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == ':'))
            return false;
    }
    return name.n > 0;
}

bool
cfn_sub_each(struct cfn_scope *scope, struct str text,
             bool (*fn)(void *ctx, struct str literal, struct str variable), void *ctx)
{
    assert(fn);
    for (;;) {
        size_t at = str_find(text, S("${"));
        struct str rest = str_cut(text, at == SIZE_MAX ? text.n : at + 2, text.n);
        size_t end = str_find_char(rest, '}');

        if (at == SIZE_MAX || end == SIZE_MAX)
            return fn(ctx, text, STR_NONE);
        struct str name = str_trim(str_cut(rest, 0, end));

        if (!fn(ctx, str_cut(text, 0, at), STR_NONE))
            return false;
        if (name.n && name.p[0] == '!') {
            /* ${!Literal} is ${Literal} */
            if (!fn(ctx, S("${"), STR_NONE) || !fn(ctx, str_cut(name, 1, name.n), STR_NONE) ||
                !fn(ctx, S("}"), STR_NONE))
                return false;
        } else if (!good_variable(name)) {
            return cfn_wrong(scope, "Template error: variable names in Fn::Sub syntax must contain "
                                    "only alphanumeric characters, underscores, periods, and "
                                    "colons");
        } else if (!fn(ctx, STR_NONE, name)) {
            return false;
        }
        text = str_cut(rest, end + 1, rest.n);
    }
}

struct sub {
    struct cfn_scope *scope;
    const struct json *map;
    struct str text;
};

static bool
sub_part(void *ctx, struct str literal, struct str variable)
{
    struct sub *sub = ctx;
    struct cfn_scope *scope = sub->scope;
    struct json value;
    struct str text = literal;

    if (variable.p) {
        const struct json *own = json_get_str(sub->map, variable);
        struct str attribute = variable, name = str_split(&attribute, '.');
        bool ok = own           ? cfn_resolve(scope, own, &value)
                  : attribute.p ? get_att(scope, name, attribute, &value)
                                : ref(scope, variable, &value);
        if (!ok)
            return false;
        text = cfn_scalar(&value);
        if (!text.p)
            return cfn_wrong(scope,
                             "Template error: variable %.*s in Fn::Sub expression does not "
                             "resolve to a string",
                             STR_ARG(variable));
    }
    return append(scope, &sub->text, text);
}

static bool
fn_sub(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct sub sub = {.scope = scope, .text = S("")};
    const struct json *text = arg;

    if (arg->kind == JSON_ARRAY && arg->n == 2 && arg->v[1].kind == JSON_OBJECT) {
        text = &arg->v[0];
        sub.map = &arg->v[1];
    }
    if (text->kind != JSON_STRING)
        return cfn_wrong(scope,
                         "Template error: One or more Fn::Sub intrinsic functions don't specify "
                         "expected arguments. Specify a string as first argument, and an optional "
                         "second argument to specify a mapping of values to replace in the string");
    if (!cfn_sub_each(scope, text->text, sub_part, &sub))
        return false;
    *ret = cfn_text(sub.text);
    assert(sub.text.p);
    return true;
}

/* ---- mappings, imports, zones ---- */

static bool
fn_find_in_map(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str keys[3];
    const struct json *otherwise = NULL;

    if (arg->kind == JSON_ARRAY && arg->n == 4 && scope->extended)
        otherwise = json_get(&arg->v[3], "DefaultValue");
    if (arg->kind != JSON_ARRAY || arg->n != (otherwise ? 4 : 3))
        return cfn_wrong(scope, "Template error: every Fn::FindInMap object requires three "
                                "parameters, the map name, map key and the attribute for return "
                                "value");
    for (size_t i = 0; i < 3; i++)
        if (!resolve_scalar(scope, &arg->v[i], &keys[i]))
            return cfn_wrong(scope, "Template error: every Fn::FindInMap object requires three "
                                    "parameters, the map name, map key and the attribute for "
                                    "return value");
    const struct json *map = json_get_str(json_get(scope->root, "Mappings"), keys[0]);
    const struct json *value = json_get_str(json_get_str(map, keys[1]), keys[2]);

    if (!value && otherwise)
        return cfn_resolve(scope, otherwise, ret);
    if (!map)
        return cfn_wrong(scope,
                         "Template error: Mapping named '%.*s' is not present in the 'Mappings' "
                         "section of template.",
                         STR_ARG(keys[0]));
    if (!value)
        return cfn_wrong(scope, "Template error: Unable to get mapping for %.*s::%.*s::%.*s",
                         STR_ARG(keys[0]), STR_ARG(keys[1]), STR_ARG(keys[2]));
    if (scope->extended)
        return cfn_resolve(scope, value, ret);
    assert(map && value && !scope->extended);
    *ret = *value;
    return true;
}

static bool
fn_import_value(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str name;

    if (!resolve_scalar(scope, arg, &name) || !scope->import)
        return cfn_wrong(scope, "Template error: the attribute in Fn::ImportValue must be a "
                                "string or a function that returns a string");
    return scope->import(scope, name, ret);
}

static bool
fn_get_azs(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str region;

    if (!resolve_scalar(scope, arg, &region) || !scope->zones)
        return cfn_wrong(scope, "Template error: every Fn::GetAZs object must have a String "
                                "parameter.");
    if (!region.n)
        region = json_text(&scope->values, "AWS::Region");
    return scope->zones(scope, region, ret);
}

static bool
fn_cidr(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct str text[3] = {STR_NONE, STR_NONE, S("8")};
    struct ip4_block net;
    int64_t count, bits;

    if (arg->kind == JSON_ARRAY && arg->n >= 2 && arg->n <= 3)
        for (size_t i = 0; i < arg->n; i++)
            if (!resolve_scalar(scope, &arg->v[i], &text[i]))
                return cfn_wrong(scope, "Template error: Fn::Cidr: the arguments must be text");
    if (!text[0].p || !str_to_i64(text[1], &count) || !str_to_i64(text[2], &bits) || count < 1 ||
        count > 256 || bits < 1 || bits > 31 || !ip4_block_parse(text[0], &net) ||
        ((uint64_t)count << bits) > (1ull << (32 - net.bits)))
        return cfn_wrong(scope, "Template error: every Fn::Cidr object requires an ipBlock, a "
                                "count from 1 to 256 and cidrBits that fit into the block");
    *ret = cfn_array();
    for (int64_t i = 0; i < count; i++) {
        uint32_t at = net.ip + (uint32_t)((uint64_t)i << bits);

        cfn_push(scope->arena, ret,
                 cfn_text(str_fmt(scope->arena, "%u.%u.%u.%u/%d", at >> 24, at >> 16 & 255,
                                  at >> 8 & 255, at & 255, (int)(32 - bits))));
    }
    assert(ret->n == (size_t)count);
    return true;
}

/* ---- language extensions ---- */

static bool
fn_length(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json list;

    if (!cfn_resolve(scope, arg, &list))
        return false;
    if (list.kind != JSON_ARRAY)
        return cfn_wrong(scope, "Template error: Fn::Length expects a list");
    *ret = (struct json){.kind = JSON_NUMBER, .text = str_fmt(scope->arena, "%zu", list.n)};
    assert(ret->text.n > 0);
    return true;
}

static bool
fn_to_json_string(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    struct json value;

    if (!cfn_resolve(scope, arg, &value))
        return false;
    struct str text = cfn_print(scope->arena, &value, scope->bytes_left);

    if (!text.p || !spend(scope, text.n))
        return cfn_wrong(scope, "Template error: Fn::ToJsonString: the value is too long");
    *ret = cfn_text(text);
    return true;
}

/* ---- conditions ---- */

static bool
fn_if(struct cfn_scope *scope, const struct json *arg, struct json *ret)
{
    bool truth;

    if (arg->kind != JSON_ARRAY || arg->n != 3 || arg->v[0].kind != JSON_STRING)
        return cfn_wrong(scope, "Template error: Fn::If requires a list argument with three "
                                "elements, the first of which is the name of a condition");
    return cfn_condition(scope, arg->v[0].text, &truth) &&
           cfn_resolve(scope, &arg->v[truth ? 1 : 2], ret);
}

static bool
all_or_any(struct cfn_scope *scope, const struct json *arg, struct str name, bool *ret)
{
    bool is_and = str_is(name, "Fn::And"), one;

    assert(str_is(name, "Fn::And") || str_is(name, "Fn::Or"));
    if (arg->kind != JSON_ARRAY || arg->n < 2 || arg->n > 10)
        return cfn_wrong(scope,
                         "Template error: every %.*s object requires a list of at least 2 and at "
                         "most 10 boolean parameters.",
                         STR_ARG(name));
    *ret = is_and;
    for (size_t i = 0; i < arg->n; i++) {
        if (!cfn_truth(scope, &arg->v[i], &one))
            return false;
        *ret = is_and ? *ret && one : *ret || one;
    }
    return true;
}

static bool
equals(struct cfn_scope *scope, const struct json *arg, bool *ret)
{
    struct json x, y;

    if (arg->kind != JSON_ARRAY || arg->n != 2)
        return cfn_wrong(scope,
                         "Template error: every Fn::Equals object requires a list of 2 string "
                         "parameters.");
    if (!cfn_resolve(scope, &arg->v[0], &x) || !cfn_resolve(scope, &arg->v[1], &y))
        return false;
    *ret = cfn_equal(&x, &y);
    return true;
}

static bool
truth_of(struct cfn_scope *scope, const struct json *in, bool *ret)
{
    struct str name;
    const struct json *arg = cfn_function(in, &name);

    if (arg && str_is(name, "Condition") && arg->kind == JSON_STRING)
        return cfn_condition(scope, arg->text, ret);
    if (arg && str_is(name, "Fn::Equals"))
        return equals(scope, arg, ret);
    if (arg && (str_is(name, "Fn::And") || str_is(name, "Fn::Or")))
        return all_or_any(scope, arg, name, ret);
    if (arg && str_is(name, "Fn::Not")) {
        if (arg->kind != JSON_ARRAY || arg->n != 1)
            return cfn_wrong(scope, "Template error: every Fn::Not object requires one boolean "
                                    "parameter.");
        if (!cfn_truth(scope, &arg->v[0], ret))
            return false;
        *ret = !*ret;
        return true;
    }
    if (arg && scope->more) {
        struct json value;

        if (!scope->more(scope, name, arg, &value))
            return false;
        *ret = value.kind == JSON_BOOL && value.truth;
        return value.kind == JSON_BOOL ||
               cfn_wrong(scope, "Template error: %.*s is neither true nor false", STR_ARG(name));
    }
    return cfn_wrong(scope, "Template format error: Every Condition member must be a condition "
                            "function");
}

bool
cfn_truth(struct cfn_scope *scope, const struct json *in, bool *ret)
{
    if (scope->depth >= DEPTH_MAX)
        return cfn_wrong(scope, "Template error: functions are nested too deeply");
    scope->depth++;
    assert(scope->depth <= DEPTH_MAX);
    bool ok = truth_of(scope, in, ret);
    scope->depth--;
    assert(ok || scope->wrong.p);
    return ok;
}

bool
cfn_condition(struct cfn_scope *scope, struct str name, bool *ret)
{
    const struct json *section = json_get(scope->root, "Conditions");
    size_t i = 0;

    while (section && section->kind == JSON_OBJECT && i < section->n &&
           !str_eq(section->names[i], name))
        i++;
    if (!section || section->kind != JSON_OBJECT || i == section->n)
        return cfn_wrong(scope,
                         "Template error: unresolved condition dependency %.*s in the template",
                         STR_ARG(name));
    if (!scope->conditions)
        scope->conditions = arena_alloc(scope->arena, section->n);
    if (scope->conditions[i] == LOOKING)
        return cfn_wrong(scope,
                         "Template error: Found circular condition dependency with "
                         "condition %.*s",
                         STR_ARG(name));
    if (scope->conditions[i] == UNKNOWN) {
        scope->conditions[i] = LOOKING;
        assert(i < section->n);
        if (!cfn_truth(scope, &section->v[i], ret))
            return false;
        scope->conditions[i] = *ret ? YES : NO;
    }
    *ret = scope->conditions[i] == YES;
    assert(scope->conditions[i] == YES || scope->conditions[i] == NO);
    return true;
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    bool (*fn)(struct cfn_scope *scope, const struct json *arg, struct json *ret);
    bool extension;
} functions[] = {
    {"Ref", fn_ref, false},
    {"Fn::GetAtt", fn_get_att, false},
    {"Fn::Sub", fn_sub, false},
    {"Fn::Join", fn_join, false},
    {"Fn::Split", fn_split, false},
    {"Fn::Select", fn_select, false},
    {"Fn::Base64", fn_base64, false},
    {"Fn::FindInMap", fn_find_in_map, false},
    {"Fn::ImportValue", fn_import_value, false},
    {"Fn::GetAZs", fn_get_azs, false},
    {"Fn::Cidr", fn_cidr, false},
    {"Fn::If", fn_if, false},
    {"Fn::Length", fn_length, true},
    {"Fn::ToJsonString", fn_to_json_string, true},
};

static bool
call(struct cfn_scope *scope, struct str name, const struct json *arg, struct json *ret)
{
    bool truth;

    assert(name.n > 0 && arg);
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_is(name, functions[i].name) && (scope->extended || !functions[i].extension))
            return functions[i].fn(scope, arg, ret);
    if (str_is(name, "Fn::Equals") || str_is(name, "Fn::And") || str_is(name, "Fn::Or") ||
        str_is(name, "Fn::Not")) {
        struct json self = cfn_single(scope->arena, str_cstr(scope->arena, name), *arg);

        if (!cfn_truth(scope, &self, &truth))
            return false;
        *ret = cfn_bool(truth);
        return true;
    }
    if (scope->more)
        return scope->more(scope, name, arg, ret);
    return cfn_wrong(scope, "Template error: %.*s is not supported here", STR_ARG(name));
}

/* {{resolve:SERVICE:REST}}, any number of them in a text. */
static bool
dynamic(struct cfn_scope *scope, struct str in, struct json *ret)
{
    struct str text = S("");
    struct json value;

    for (;;) {
        size_t at = str_find(in, S("{{resolve:"));
        struct str rest = str_cut(in, at == SIZE_MAX ? in.n : at + 10, in.n);
        size_t end = str_find(rest, S("}}"));

        if (at == SIZE_MAX || end == SIZE_MAX) {
            if (!append(scope, &text, in))
                return false;
            *ret = cfn_text(text);
            return true;
        }
        struct str what = str_cut(rest, 0, end), service = str_split(&what, ':');
        assert(end <= rest.n);

        if (!scope->dynamic)
            return cfn_wrong(scope, "Template error: dynamic references are not allowed here");
        if (!append(scope, &text, str_cut(in, 0, at)) ||
            !scope->dynamic(scope, service, what, &value) ||
            !append(scope, &text, cfn_scalar(&value)))
            return false;
        in = str_cut(rest, end + 2, rest.n);
    }
}

static bool
resolve_container(struct cfn_scope *scope, const struct json *in, struct json *ret)
{
    struct json value;

    assert(in->kind == JSON_ARRAY || in->kind == JSON_OBJECT);
    *ret = in->kind == JSON_ARRAY ? cfn_array() : cfn_object();
    if (!spend(scope, (in->n + 1) * sizeof(value)))
        return false;
    for (size_t i = 0; i < in->n; i++) {
        if (!cfn_resolve(scope, &in->v[i], &value))
            return false;
        if (value.kind == JSON_NULL)
            continue; /* AWS::NoValue: it is as if it were not there */
        if (in->kind == JSON_ARRAY)
            cfn_push(scope->arena, ret, value);
        else
            cfn_put(scope->arena, ret, in->names[i], value);
    }
    assert(ret->n <= in->n && ret->kind == in->kind);
    return true;
}

static bool
resolve(struct cfn_scope *scope, const struct json *in, struct json *ret)
{
    struct str name;
    const struct json *arg = cfn_function(in, &name);

    /* "Condition": "X" alone is also how a policy's statement may end: no function of values */
    if (arg && !str_is(name, "Condition"))
        return call(scope, name, arg, ret);
    if (in->kind == JSON_ARRAY || in->kind == JSON_OBJECT)
        return resolve_container(scope, in, ret);
    if (in->kind == JSON_STRING && str_find(in->text, S("{{resolve:")) != SIZE_MAX)
        return dynamic(scope, in->text, ret);
    *ret = *in;
    return true;
}

bool
cfn_resolve(struct cfn_scope *scope, const struct json *in, struct json *ret)
{
    assert(in && ret && in != ret);
    if (scope->depth >= DEPTH_MAX)
        return cfn_wrong(scope, "Template error: functions are nested too deeply");
    scope->depth++;
    assert(scope->depth <= DEPTH_MAX);
    bool ok = resolve(scope, in, ret);
    scope->depth--;
    assert(ok == !scope->wrong.p || !ok);
    return ok;
}
