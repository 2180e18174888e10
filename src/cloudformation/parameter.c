/*
 * The order is AWS's: names that the template does not know, values that are missing, then each
 * value's constraints in the order of the template, then what must exist.
 */
#include "cloudformation/parameter.h"

#include "api/pattern.h"
#include "base/list.h"
#include "cloudformation/type.h"

#define VALUE_BYTES_MAX 4096
#define SSM_VALUE S("AWS::SSM::Parameter::Value<")

struct parameters {
    struct api_call *call;
    struct arena *arena;
    const struct json *section;
    struct str wrong;
};

static int
refuse(struct parameters *p, struct str wrong)
{
    assert(wrong.p);
    p->wrong = wrong;
    return 1;
}

/* ---- types ---- */

static bool
is_ssm(struct str type)
{
    return str_starts(type, SSM_VALUE);
}

static struct str
inner_type(struct str type)
{
    return is_ssm(type) ? str_cut(type, SSM_VALUE.n, type.n - 1) : type;
}

static bool
is_list(struct str type)
{
    type = inner_type(type);
    return str_is(type, "CommaDelimitedList") || str_starts(type, S("List<"));
}

/* What a value of a type must be the name of. */
static const struct {
    const char *type, *operation, *member;
} existing[] = {
    {"AWS::EC2::KeyPair::KeyName", "DescribeKeyPairs", "KeyNames"},
    {"AWS::EC2::Image::Id", "DescribeImages", "ImageIds"},
    {"AWS::EC2::Instance::Id", "DescribeInstances", "InstanceIds"},
    {"AWS::EC2::SecurityGroup::Id", "DescribeSecurityGroups", "GroupIds"},
    {"AWS::EC2::SecurityGroup::GroupName", "DescribeSecurityGroups", "GroupNames"},
    {"AWS::EC2::Subnet::Id", "DescribeSubnets", "SubnetIds"},
    {"AWS::EC2::VPC::Id", "DescribeVpcs", "VpcIds"},
    {"AWS::EC2::Volume::Id", "DescribeVolumes", "VolumeIds"},
    {"AWS::EC2::AvailabilityZone::Name", "DescribeAvailabilityZones", "ZoneNames"},
};

static struct str
element_type(struct str type)
{
    type = inner_type(type);
    return str_starts(type, S("List<")) ? str_cut(type, 5, type.n - 1) : type;
}

static bool
type_known(struct str type)
{
    static const char *const plain[] = {"String", "Number", "CommaDelimitedList",
                                        "AWS::SSM::Parameter::Name"};
    struct str element = element_type(type);

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (str_is(element, plain[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(existing); i++)
        if (str_is(element, existing[i].type))
            return true;
    return false;
}

/* ---- constraints ---- */

static int
unsatisfied(struct parameters *p, struct str name, const struct json *def, struct str otherwise)
{
    struct str said = json_text(def, "ConstraintDescription");

    if (said.p)
        return refuse(p, str_fmt(p->arena, "Parameter '%.*s' failed to satisfy constraint: %.*s",
                                 STR_ARG(name), STR_ARG(said)));
    return refuse(p, otherwise);
}

static bool
limit(const struct json *def, const char *name, double *ret)
{
    struct str text = cfn_scalar(json_get(def, name));
    const struct json number = {.kind = JSON_NUMBER, .text = text};

    return text.p && json_f64(&number, ret);
}

static int
check_number(struct parameters *p, struct str name, const struct json *def, struct str value)
{
    struct arena *a = p->arena;
    struct json number;
    double v, bound;
    size_t at;

    assert(value.p);
    if (!json_parse(a, value, 1, &number, &at) || number.kind != JSON_NUMBER ||
        !json_f64(&number, &v))
        return refuse(p, str_fmt(a, "Parameter '%.*s' must be a number", STR_ARG(name)));
    if (limit(def, "MinValue", &bound) && v < bound)
        return unsatisfied(p, name, def,
                           str_fmt(a, "Parameter '%.*s' must be a number not less than %.*s",
                                   STR_ARG(name), STR_ARG(cfn_scalar(json_get(def, "MinValue")))));
    if (limit(def, "MaxValue", &bound) && v > bound)
        return unsatisfied(p, name, def,
                           str_fmt(a, "Parameter '%.*s' must be a number not greater than %.*s",
                                   STR_ARG(name), STR_ARG(cfn_scalar(json_get(def, "MaxValue")))));
    return 0;
}

static int
check_text(struct parameters *p, struct str name, const struct json *def, struct str value)
{
    struct arena *a = p->arena;
    struct str pattern = cfn_scalar(json_get(def, "AllowedPattern"));
    double bound;

    assert(value.p);
    if (limit(def, "MinLength", &bound) && (double)str_chars(value) < bound)
        return unsatisfied(p, name, def,
                           str_fmt(a, "Parameter '%.*s' must contain at least %.*s characters",
                                   STR_ARG(name), STR_ARG(cfn_scalar(json_get(def, "MinLength")))));
    if (limit(def, "MaxLength", &bound) && (double)str_chars(value) > bound)
        return unsatisfied(p, name, def,
                           str_fmt(a, "Parameter '%.*s' must contain at most %.*s characters",
                                   STR_ARG(name), STR_ARG(cfn_scalar(json_get(def, "MaxLength")))));
    enum api_match match =
        pattern.p ? api_pattern_match(str_cstr(a, pattern), value) : API_MATCH_YES;

    if (match == API_MATCH_UNKNOWN)
        return refuse(p,
                      str_fmt(a, "Welkin does not know all of the pattern %.*s", STR_ARG(pattern)));
    if (match == API_MATCH_NO)
        return unsatisfied(p, name, def,
                           str_fmt(a, "Parameter '%.*s' must match pattern %.*s", STR_ARG(name),
                                   STR_ARG(pattern)));
    return 0;
}

static int
check_element(struct parameters *p, struct str name, const struct json *def, struct str type,
              struct str value)
{
    const struct json *allowed = json_get(def, "AllowedValues");
    bool ok = !allowed;

    for (size_t i = 0; allowed && i < allowed->n && !ok; i++)
        ok = str_eq(cfn_scalar(&allowed->v[i]), value);
    if (!ok)
        return unsatisfied(
            p, name, def,
            str_fmt(p->arena, "Parameter '%.*s' must be one of AllowedValues", STR_ARG(name)));
    if (str_is(type, "Number"))
        return check_number(p, name, def, value);
    return check_text(p, name, def, value);
}

static struct json
split(struct arena *a, struct str text)
{
    struct json list = cfn_array();

    while (text.n)
        cfn_push(a, &list, cfn_text(str_trim(str_split(&text, ','))));
    return list;
}

/* ---- what must exist ---- */

static int
check_exists(struct parameters *p, struct str name, struct str type, struct str value)
{
    struct json in, list = cfn_array(), out;
    struct str wrong;
    size_t i = 0;

    while (i < ARRAY_LEN(existing) && !str_is(type, existing[i].type))
        i++;
    if (i == ARRAY_LEN(existing))
        return 0;
    assert(str_is(type, existing[i].type));
    cfn_push(p->arena, &list, cfn_text(value));
    in = cfn_single(p->arena, existing[i].member, list);
    int r = cfn_ask(p->call, "ec2", existing[i].operation, &in, &out, &wrong);

    if (r > 0)
        return refuse(p, wrong.p ? wrong
                                 : str_fmt(p->arena,
                                           "Parameter validation failed: parameter value %.*s for "
                                           "parameter name %.*s does not exist",
                                           STR_ARG(value), STR_ARG(name)));
    return r;
}

static int
fetch(struct parameters *p, struct str key, struct str *ret)
{
    struct json in, list = cfn_array(), out;
    struct str wrong;

    cfn_push(p->arena, &list, cfn_text(key));
    in = cfn_single(p->arena, "Names", list);
    int r = cfn_ask(p->call, "ssm", "GetParameters", &in, &out, &wrong);

    if (r < 0)
        return r;
    if (wrong.p)
        return refuse(p, wrong);
    if (r && str_is(p->call->fault.code, "AccessDeniedException"))
        return refuse(p, S("AccessDenied. User doesn't have permission to call "
                           "ssm:GetParameters"));
    struct str value = r ? STR_NONE : cfn_scalar(cfn_path(&out, S("Parameters.0.Value")));

    if (str_is(cfn_scalar(cfn_path(&out, S("Parameters.0.Type"))), "SecureString"))
        return refuse(p, str_fmt(p->arena,
                                 "Parameters [%.*s] referenced by template have types not "
                                 "supported by CloudFormation.",
                                 STR_ARG(key)));
    if (!value.p)
        return refuse(p, str_fmt(p->arena,
                                 "Unable to fetch parameters [%.*s] from parameter store for this "
                                 "account.",
                                 STR_ARG(key)));
    *ret = value;
    return 0;
}

/* ---- one parameter ---- */

static int
resolve_one(struct parameters *p, struct str name, const struct json *def, struct str given,
            struct json *ret)
{
    struct str type = json_text(def, "Type"), resolved = STR_NONE, element = element_type(type);
    int r = 0;

    assert(type.p && given.p);
    if (given.n > VALUE_BYTES_MAX)
        return refuse(p, str_fmt(p->arena, "Parameter '%.*s' must contain at most %d characters",
                                 STR_ARG(name), VALUE_BYTES_MAX));
    if (is_ssm(type)) {
        r = check_element(p, name, def, S("String"), given);
        if (r == 0)
            r = fetch(p, given, &resolved);
    } else if (is_list(type)) {
        struct json list = split(p->arena, given);

        for (size_t i = 0; i < list.n && r == 0; i++)
            r = check_element(p, name, def, element, list.v[i].text);
    } else {
        r = check_element(p, name, def, element, given);
    }
    struct str value = resolved.p ? resolved : given;
    struct json list = is_list(type) ? split(p->arena, value) : cfn_array();

    if (!is_list(type))
        cfn_push(p->arena, &list, cfn_text(value));
    for (size_t i = 0; i < list.n && r == 0; i++)
        r = check_exists(p, name, element, list.v[i].text);
    *ret = cfn_single(p->arena, "Given", cfn_text(given));
    if (resolved.p)
        cfn_put(p->arena, ret, S("Resolved"), cfn_text(resolved));
    return r;
}

static int
check_names(struct parameters *p, const struct cfn_givens *given)
{
    struct str_list unknown = {0};

    LIST_EACH(given, g) {
        if (!json_get_str(p->section, g->key) && !str_in(&unknown, g->key))
            *LIST_PUSH(p->arena, &unknown) = g->key;
    }
    if (!unknown.n)
        return 0;
    struct str all = str_join(p->arena, &unknown, S(", "));

    return refuse(
        p, str_fmt(p->arena, "Parameters: [%.*s] do not exist in the template", STR_ARG(all)));
}

/* What the caller said of a parameter, else what stands in the template; absent: nothing. */
static struct str
value_of(const struct cfn_givens *given, const struct json *before, struct str name,
         const struct json *def)
{
    LIST_EACH(given, g) {
        if (!str_eq(g->key, name))
            continue;
        if (!g->previous)
            return g->value;
        return cfn_scalar(json_get(json_get_str(before, name), "Given"));
    }
    return cfn_scalar(json_get(def, "Default"));
}

static int
check_definitions(struct parameters *p)
{
    for (size_t i = 0; p->section && i < p->section->n; i++) {
        struct str type = json_text(&p->section->v[i], "Type");

        if (!type.p)
            return refuse(p, str_fmt(p->arena,
                                     "Template format error: Every Parameters object must contain "
                                     "a Type member."));
        if (!type_known(type))
            return refuse(p, str_fmt(p->arena,
                                     "Template format error: Unrecognized parameter type: %.*s",
                                     STR_ARG(type)));
    }
    return 0;
}

static int
resolve_all(struct parameters *p, const struct cfn_givens *given, const struct json *before,
            struct json *ret)
{
    struct str_list missing = {0};
    struct json one;
    int r = 0;

    *ret = cfn_object();
    assert(!p->section || p->section->kind == JSON_OBJECT);
    for (size_t i = 0; p->section && i < p->section->n; i++)
        if (!value_of(given, before, p->section->names[i], &p->section->v[i]).p)
            *LIST_PUSH(p->arena, &missing) = p->section->names[i];
    if (missing.n) {
        struct str all = str_join(p->arena, &missing, S(", "));

        return refuse(p, str_fmt(p->arena, "Parameters: [%.*s] must have values", STR_ARG(all)));
    }
    for (size_t i = 0; r == 0 && p->section && i < p->section->n; i++) {
        struct str name = p->section->names[i];

        struct str value = value_of(given, before, name, &p->section->v[i]);

        if (given->later && str_find(value, S(CFN_KNOWN_LATER)) != SIZE_MAX)
            one = cfn_single(p->arena, "Given", cfn_text(value));
        else
            r = resolve_one(p, name, &p->section->v[i], value, &one);
        cfn_put(p->arena, ret, name, one);
    }
    return r;
}

int
cfn_parameters(struct api_call *call, const struct json *root, const struct cfn_givens *given,
               const struct json *before, struct json *ret, struct str *ret_wrong)
{
    struct parameters p = {
        .call = call, .arena = call->arena, .section = json_get(root, "Parameters")};
    int r = check_definitions(&p);

    if (r == 0)
        r = check_names(&p, given);
    if (r == 0)
        r = resolve_all(&p, given, before, ret);
    *ret_wrong = p.wrong;
    assert((r > 0) == (p.wrong.p != NULL));
    return r;
}

void
cfn_parameters_put(struct cfn_scope *scope, const struct json *params)
{
    const struct json *section = json_get(scope->root, "Parameters");

    for (size_t i = 0; section && i < section->n; i++) {
        struct str name = section->names[i];
        const struct json *kept = json_get_str(params, name);
        struct str value = cfn_scalar(json_get(kept, "Resolved"));

        if (!value.p)
            value = cfn_scalar(json_get(kept, "Given"));
        if (!value.p)
            continue;
        cfn_put(scope->arena, &scope->values, name,
                is_list(json_text(&section->v[i], "Type")) ? split(scope->arena, value)
                                                           : cfn_text(value));
    }
}

bool
cfn_parameter_is_secret(const struct json *root, struct str name)
{
    return str_is(cfn_scalar(json_get(json_get_str(json_get(root, "Parameters"), name), "NoEcho")),
                  "true");
}
