/*
 * The checks are in AWS's order of what a user sees first: form, sections, resources, references,
 * circles.  References are found by one walk, which needs to know no function but Ref,
 * Fn::GetAtt and the text of Fn::Sub.
 */
#include "cloudformation/template.h"

#include "base/list.h"
#include "cloudformation/expand.h"
#include "cloudformation/function.h"
#include "cloudformation/load.h"
#include "cloudformation/rule.h"
#include "cloudformation/type.h"

#include <stdlib.h>

bool
cfn_extended(const struct json *root)
{
    const struct json *transform = json_get(root, "Transform");

    for (size_t i = 0; transform && transform->kind == JSON_ARRAY && i < transform->n; i++)
        if (str_is(cfn_scalar(&transform->v[i]), "AWS::LanguageExtensions"))
            return true;
    return str_is(cfn_scalar(transform), "AWS::LanguageExtensions");
}

/* ---- references ---- */

struct walk {
    struct cfn_scope scope; /* for Fn::Sub's faults */
    void *ctx;
    bool (*fn)(struct walk *w, struct str name, struct str attribute, bool is_attribute);
    const struct json *own; /* variables of the Fn::Sub that is walked */
};

static bool walk_refs(struct walk *w, const struct json *j);

static bool
sub_variable(void *ctx, struct str literal UNUSED, struct str variable)
{
    struct walk *w = ctx;
    struct str attribute = variable, name = str_split(&attribute, '.');

    assert(w->fn);
    if (!variable.p || json_get_str(w->own, variable))
        return true;
    return w->fn(w, name, attribute, attribute.p != NULL);
}

static bool
walk_sub(struct walk *w, const struct json *arg)
{
    const struct json *text = arg, *own = NULL;

    if (arg->kind == JSON_ARRAY && arg->n == 2) {
        text = &arg->v[0];
        own = &arg->v[1];
    }
    if (own && !walk_refs(w, own))
        return false;
    w->own = own;
    return text->kind != JSON_STRING || cfn_sub_each(&w->scope, text->text, sub_variable, w);
}

static bool
walk_refs(struct walk *w, const struct json *j)
{
    struct str name;
    const struct json *arg = cfn_function(j, &name);

    assert(j && w->fn);
    if (arg && str_is(name, "Ref") && arg->kind == JSON_STRING)
        return w->fn(w, arg->text, STR_NONE, false);
    if (arg && str_is(name, "Fn::Sub"))
        return walk_sub(w, arg);
    if (arg && str_is(name, "Fn::GetAtt")) {
        struct str attribute = cfn_scalar(arg), resource;

        if (arg->kind == JSON_ARRAY && arg->n == 2) {
            resource = cfn_scalar(&arg->v[0]);
            attribute = cfn_scalar(&arg->v[1]);
        } else {
            resource = str_split(&attribute, '.');
        }
        return w->fn(w, resource, attribute, true);
    }
    for (size_t i = 0; i < j->n; i++)
        if (!walk_refs(w, &j->v[i]))
            return false;
    return true;
}

static bool
is_pseudo(struct str name)
{
    return str_starts(name, S("AWS::"));
}

struct check {
    const struct json *root;
    const char *block;
    struct str_list missing;
};

static bool
check_ref(struct walk *w, struct str name, struct str attribute, bool is_attribute)
{
    struct check *c = w->ctx;
    const struct json *resource = json_get_str(json_get(c->root, "Resources"), name);

    assert(c->root && c->block);
    if (is_attribute && !resource)
        return cfn_wrong(&w->scope,
                         "Template error: instance of Fn::GetAtt references undefined resource "
                         "%.*s",
                         STR_ARG(name));
    if (is_attribute && attribute.p) {
        const struct json *type = cfn_type(json_text(resource, "Type"));

        return !type || cfn_type_has_attribute(type, attribute) ||
               cfn_wrong(&w->scope,
                         "Template error: resource %.*s does not support attribute type %.*s in "
                         "Fn::GetAtt",
                         STR_ARG(name), STR_ARG(attribute));
    }
    if (!resource && !is_pseudo(name) && !json_get_str(json_get(c->root, "Parameters"), name) &&
        !str_in(&c->missing, name))
        *LIST_PUSH(w->scope.arena, &c->missing) = name;
    return true;
}

static struct str
check_refs(struct arena *a, const struct json *root, const char *block)
{
    struct check c = {.root = root, .block = block};
    struct walk w = {.ctx = &c, .fn = check_ref};
    const struct json *section = json_get(root, block);

    assert(root->kind == JSON_OBJECT && block[0]);
    cfn_scope_init(&w.scope, a, root);
    for (size_t i = 0; section && i < section->n; i++) {
        const struct json *depends = json_get(&section->v[i], "DependsOn");
        const struct json one = {.kind = JSON_ARRAY, .v = (struct json *)depends, .n = 1};

        if (!walk_refs(&w, &section->v[i]))
            return w.scope.wrong;
        if (depends && depends->kind != JSON_ARRAY)
            depends = &one;
        for (size_t k = 0; depends && k < depends->n; k++) {
            struct str name = cfn_scalar(&depends->v[k]);

            if (!json_get_str(json_get(root, "Resources"), name) && !str_in(&c.missing, name))
                *LIST_PUSH(a, &c.missing) = name;
        }
    }
    if (!c.missing.n)
        return STR_NONE;
    struct str all = str_join(a, &c.missing, S(", "));

    return str_fmt(a,
                   "Template format error: Unresolved resource dependencies [%.*s] in the %s block "
                   "of the template",
                   STR_ARG(all), block);
}

/* ---- dependencies ---- */

static bool
collect(struct walk *w, struct str name, struct str attribute UNUSED, bool is_attribute UNUSED)
{
    struct str_list *list = w->ctx;

    if (json_get_str(json_get(w->scope.root, "Resources"), name) && !str_in(list, name))
        *LIST_PUSH(w->scope.arena, list) = name;
    return true;
}

struct str_list
cfn_depends(struct arena *a, const struct json *root, const struct json *resource)
{
    struct str_list list = {0};
    struct walk w = {.ctx = &list, .fn = collect};
    const struct json *depends = json_get(resource, "DependsOn");

    assert(root && resource);
    cfn_scope_init(&w.scope, a, root);
    for (size_t i = 0; i < resource->n; i++)
        walk_refs(&w, &resource->v[i]);
    if (depends && depends->kind == JSON_STRING)
        collect(&w, depends->text, STR_NONE, false);
    for (size_t i = 0; depends && depends->kind == JSON_ARRAY && i < depends->n; i++)
        collect(&w, cfn_scalar(&depends->v[i]), STR_NONE, false);
    assert(list.n <= CFN_RESOURCES_MAX);
    return list;
}

/* Takes away, again and again, what waits for nothing that is left: what stays is a circle. */
static struct str
check_circles(struct arena *a, const struct json *resources, const struct json *root)
{
    struct str_list *depends = ARENA_ARRAY(a, struct str_list, resources->n);
    struct str_list left = {0}, next;

    assert(resources->n > 0);
    for (size_t i = 0; i < resources->n; i++) {
        depends[i] = cfn_depends(a, root, &resources->v[i]);
        *LIST_PUSH(a, &left) = resources->names[i];
    }
    for (;;) {
        next = (struct str_list){0};
        for (size_t i = 0; i < resources->n; i++) {
            bool waits = false;

            for (size_t k = 0; k < depends[i].n && !waits; k++)
                waits = str_in(&left, depends[i].v[k]);
            if (waits && str_in(&left, resources->names[i]))
                *LIST_PUSH(a, &next) = resources->names[i];
        }
        if (next.n == 0)
            return STR_NONE;
        if (next.n == left.n)
            break;
        assert(next.n < left.n);
        left = next;
    }
    struct str all = str_join(a, &left, S(", "));

    return str_fmt(a, "Circular dependency between resources: [%.*s]", STR_ARG(all));
}

/* ---- sections ---- */

static bool
is_one_of(struct str s, const char *const *words)
{
    assert(words[0]);
    for (; *words; words++)
        if (str_is(s, *words))
            return true;
    return false;
}

static bool
is_alphanumeric(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
              (s.p[i] >= '0' && s.p[i] <= '9')))
            return false;
    return s.n > 0;
}

static struct str
check_sections(struct arena *a, const struct json *root)
{
    static const char *const known[] = {"AWSTemplateFormatVersion",
                                        "Description",
                                        "Metadata",
                                        "Parameters",
                                        "Rules",
                                        "Mappings",
                                        "Conditions",
                                        "Transform",
                                        "Resources",
                                        "Outputs",
                                        "Hooks",
                                        NULL};
    static const struct {
        const char *name;
        size_t max;
    } objects[] = {{"Parameters", CFN_PARAMETERS_MAX},
                   {"Mappings", 200},
                   {"Rules", 200},
                   {"Conditions", 1000},
                   {"Outputs", CFN_OUTPUTS_MAX},
                   {"Resources", CFN_RESOURCES_MAX}};
    struct str_list bad = {0};

    assert(root->kind == JSON_OBJECT);
    for (size_t i = 0; i < root->n; i++)
        if (!is_one_of(root->names[i], known))
            *LIST_PUSH(a, &bad) = root->names[i];
    if (bad.n) {
        struct str all = str_join(a, &bad, S(", "));

        return str_fmt(a, "Invalid template property or properties [%.*s]", STR_ARG(all));
    }
    struct str version = cfn_scalar(json_get(root, "AWSTemplateFormatVersion"));

    if (version.p && !str_is(version, "2010-09-09"))
        return str_fmt(a, "Template format error: unsupported value for AWSTemplateFormatVersion.");
    const struct json *description = json_get(root, "Description");

    if (description && (description->kind != JSON_STRING || description->text.n > 1024))
        return S("Template format error: Description length is longer than 1024 bytes or it is no "
                 "string.");
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        const struct json *section = json_get(root, objects[i].name);

        if (section && section->kind != JSON_OBJECT)
            return str_fmt(a, "Template format error: %s must be an object", objects[i].name);
        if (section && section->n > objects[i].max)
            return str_fmt(a,
                           "Template format error: Number of %s, %zu, is greater than maximum "
                           "allowed, %zu",
                           objects[i].name, section->n, objects[i].max);
        for (size_t k = 0; section && k < section->n; k++)
            if (i != 1 && !is_alphanumeric(section->names[k]) &&
                !(cfn_is_transformed(root) && str_starts(section->names[k], S("Fn::"))))
                return str_fmt(a, "Template format error: %s name %.*s is non alphanumeric.",
                               objects[i].name, STR_ARG(section->names[k]));
    }
    return STR_NONE;
}

static struct str
check_transform(struct arena *a, const struct json *root)
{
    struct str_list names = cfn_transforms(a, root);

    if (json_get(root, "Hooks"))
        return S("Welkin does not implement Hooks in templates yet");
    LIST_EACH(&names, name) {
        if (str_is(*name, "AWS::LanguageExtensions") || str_is(*name, "AWS::Include"))
            continue;
        if (str_starts(*name, S("AWS::")))
            return str_fmt(a, "Welkin does not implement the transform %.*s yet", STR_ARG(*name));
        return str_fmt(a, "No transform named %.*s found.", STR_ARG(*name));
    }
    return STR_NONE;
}

/* A map of maps of texts and lists; functions only with language extensions. */
static struct str
check_mappings(struct arena *a, const struct json *root)
{
    const struct json *maps = json_get(root, "Mappings");

    for (size_t i = 0; maps && i < maps->n; i++) {
        const struct json *map = &maps->v[i];

        for (size_t k = 0; k < map->n; k++) {
            if (map->kind != JSON_OBJECT || map->v[k].kind != JSON_OBJECT)
                return str_fmt(a, "Template format error: Every Mappings member %.*s must be a map",
                               STR_ARG(maps->names[i]));
            for (size_t v = 0; v < map->v[k].n && !cfn_extended(root); v++)
                if (map->v[k].v[v].kind == JSON_OBJECT || map->v[k].v[v].kind == JSON_NULL)
                    return S("Template format error: Every Mappings attribute must be a String or "
                             "a List.");
        }
    }
    return STR_NONE;
}

static bool
has_null(const struct json *j)
{
    if (j->kind == JSON_NULL)
        return true;
    for (size_t i = 0; i < j->n; i++)
        if (has_null(&j->v[i]))
            return true;
    return false;
}

struct str
cfn_template_policies(struct arena *a, struct str name, const struct json *resource)
{
    static const char *const values[] = {"Delete", "Retain", "Snapshot", "RetainExceptOnCreate",
                                         NULL};
    static const char *const attributes[] = {"DeletionPolicy", "UpdateReplacePolicy", NULL};
    const struct json *type = cfn_type(json_text(resource, "Type"));

    assert(resource->kind == JSON_OBJECT && name.p);
    for (size_t i = 0; attributes[i]; i++) {
        const struct json *policy = json_get(resource, attributes[i]);

        bool is_text = policy && policy->kind == JSON_STRING;

        if (is_text && (!is_one_of(policy->text, values) ||
                        (i == 1 && str_is(policy->text, "RetainExceptOnCreate"))))
            return str_fmt(a, "Template error: Unrecognized %s %.*s for resource %.*s",
                           attributes[i], STR_ARG(policy->text), STR_ARG(name));
        if (is_text && str_is(policy->text, "Snapshot") && !json_get(type, "Snapshot"))
            return str_fmt(a,
                           "Template error: resource type %.*s does not support deletion "
                           "policy Snapshot",
                           STR_ARG(json_text(resource, "Type")));
    }
    return STR_NONE;
}

/* What a resource or an output of the block depends on; absent: that is well. */
static struct str
check_condition(struct arena *a, const struct json *root, const struct json *in, const char *block)
{
    const struct json *condition = json_get(in, "Condition");

    assert(root && in);
    if (!condition)
        return STR_NONE;
    if (condition->kind != JSON_STRING)
        return S("Template format error: Every Condition member must be a string.");
    if (json_get_str(json_get(root, "Conditions"), condition->text))
        return STR_NONE;
    return str_fmt(a,
                   "Template format error: Unresolved condition dependency %.*s in the %s block of "
                   "the template",
                   STR_ARG(condition->text), block);
}

static struct str
check_resource(struct arena *a, const struct json *root, struct str name,
               const struct json *resource)
{
    static const char *const known[] = {"Type",
                                        "Properties",
                                        "DependsOn",
                                        "Metadata",
                                        "Condition",
                                        "DeletionPolicy",
                                        "UpdateReplacePolicy",
                                        "CreationPolicy",
                                        "UpdatePolicy",
                                        "Description",
                                        NULL};

    if (resource->kind != JSON_OBJECT)
        return str_fmt(a, "Template format error: Resource definition %.*s is malformed",
                       STR_ARG(name));
    for (size_t i = 0; i < resource->n; i++)
        if (!is_one_of(resource->names[i], known))
            return str_fmt(a, "Invalid template resource property '%.*s'",
                           STR_ARG(resource->names[i]));
    if (!json_text(resource, "Type").p)
        return str_fmt(a,
                       "Template format error: [/Resources/%.*s] Every Resources object must "
                       "contain a Type member.",
                       STR_ARG(name));
    if (json_get(resource, "Properties") && json_get(resource, "Properties")->kind != JSON_OBJECT)
        return str_fmt(a,
                       "Template format error: [/Resources/%.*s/Properties] Properties must be "
                       "an object",
                       STR_ARG(name));
    if (has_null(resource))
        return str_fmt(a,
                       "Template format error: [/Resources/%.*s] 'null' values are not allowed "
                       "in templates",
                       STR_ARG(name));
    const struct json *policy = json_get(resource, "DeletionPolicy");
    struct str wrong = check_condition(a, root, resource, "Resources");

    if (wrong.p)
        return wrong;
    if (policy && policy->kind != JSON_STRING && !cfn_extended(root))
        return S("Template format error: Every DeletionPolicy member must be a string.");
    return cfn_template_policies(a, name, resource);
}

/*
 * Where a secure string of Parameter Store may stand.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
 * dynamic-references-ssm-secure-strings.html
 */
static bool
takes_secure(struct str path)
{
    static const char *const paths[] = {"AWS::DirectoryService::MicrosoftAD/Properties/Password",
                                        "AWS::DirectoryService::SimpleAD/Properties/Password",
                                        "AWS::ElastiCache::ReplicationGroup/Properties/AuthToken",
                                        "AWS::IAM::User/Properties/LoginProfile/Password",
                                        "AWS::RDS::DBCluster/Properties/MasterUserPassword",
                                        "AWS::RDS::DBInstance/Properties/MasterUserPassword",
                                        "AWS::Redshift::Cluster/Properties/MasterUserPassword",
                                        NULL};

    return is_one_of(path, paths);
}

static void
find_secure(struct arena *a, const struct json *j, struct str path, struct str_list *ret)
{
    if (j->kind == JSON_STRING && str_find(j->text, S("{{resolve:ssm-secure:")) != SIZE_MAX &&
        !takes_secure(path) && !str_in(ret, path))
        *LIST_PUSH(a, ret) = path;
    for (size_t i = 0; i < j->n; i++) {
        bool step = j->kind == JSON_OBJECT && !str_starts(j->names[i], S("Fn::"));

        find_secure(a, &j->v[i],
                    step ? str_fmt(a, "%.*s/%.*s", STR_ARG(path), STR_ARG(j->names[i])) : path,
                    ret);
    }
}

static struct str
check_secure(struct arena *a, const struct json *root)
{
    const struct json *resources = json_get(root, "Resources");
    struct str_list bad = {0};

    assert(resources && resources->n > 0);
    for (size_t i = 0; i < resources->n; i++)
        find_secure(a, &resources->v[i], json_text(&resources->v[i], "Type"), &bad);
    if (!bad.n)
        return STR_NONE;
    struct str all = str_join(a, &bad, S(", "));

    return str_fmt(a, "SSM Secure reference is not supported in: [%.*s]", STR_ARG(all));
}

static struct str
check_resources(struct arena *a, const struct json *root)
{
    const struct json *resources = json_get(root, "Resources");
    struct str_list unknown = {0};

    if (!resources || resources->n == 0)
        return S("Template format error: At least one Resources member must be defined.");
    for (size_t i = 0; i < resources->n; i++) {
        struct str wrong = check_resource(a, root, resources->names[i], &resources->v[i]);
        struct str type = json_text(&resources->v[i], "Type");

        if (wrong.p)
            return wrong;
        if (!cfn_type(type) && !str_in(&unknown, type))
            *LIST_PUSH(a, &unknown) = type;
    }
    if (unknown.n == 0)
        return STR_NONE;
    struct str all = str_join(a, &unknown, S(", "));

    assert(unknown.n <= resources->n);
    return str_fmt(a, "Template format error: Unrecognized resource types: [%.*s]", STR_ARG(all));
}

static struct str
check_outputs(struct arena *a, const struct json *root)
{
    const struct json *outputs = json_get(root, "Outputs");

    for (size_t i = 0; outputs && i < outputs->n; i++) {
        const struct json *output = &outputs->v[i];
        struct str wrong = check_condition(a, root, output, "Outputs");

        if (!json_get(output, "Value"))
            return str_fmt(a,
                           "Template format error: Output %.*s is malformed. The Value field of "
                           "every Outputs member must evaluate to a String.",
                           STR_ARG(outputs->names[i]));
        if (has_null(output))
            return str_fmt(a, "[/Outputs/%.*s] 'null' values are not allowed in templates",
                           STR_ARG(outputs->names[i]));
        if (wrong.p)
            return wrong;
    }
    return STR_NONE;
}

struct str
cfn_template_parts(struct arena *a, const struct json *root)
{
    struct str wrong = check_sections(a, root);

    assert(root->kind == JSON_OBJECT);
    if (!wrong.p)
        wrong = cfn_rules_check(a, root);
    if (!wrong.p)
        wrong = check_mappings(a, root);
    if (!wrong.p)
        wrong = check_resources(a, root);
    if (!wrong.p)
        wrong = check_secure(a, root);
    if (!wrong.p)
        wrong = check_refs(a, root, "Resources");
    if (!wrong.p)
        wrong = check_outputs(a, root);
    if (!wrong.p)
        wrong = check_refs(a, root, "Outputs");
    if (!wrong.p)
        wrong = check_circles(a, json_get(root, "Resources"), root);
    return wrong;
}

struct str
cfn_template(struct arena *a, struct str text, struct json *ret)
{
    struct str wrong = cfn_load(a, text, ret);

    if (!wrong.p)
        wrong = check_transform(a, ret);
    if (!wrong.p)
        wrong = cfn_rules_check(a, ret);
    if (wrong.p)
        return wrong;
    return cfn_is_transformed(ret) ? check_sections(a, ret) : cfn_template_parts(a, ret);
}

struct str
cfn_capability(const struct json *root, struct arena *a, struct str_list *ret_types)
{
    const struct json *resources = json_get(root, "Resources");
    bool iam = false, named = false;

    /* before its transforms ran a template may have none yet */
    for (size_t i = 0; resources && i < resources->n; i++) {
        struct str name = json_text(&resources->v[i], "Type");
        const struct json *type = cfn_type(name);

        if (!json_get(type, "Iam"))
            continue;
        iam = true;
        struct str naming = json_text(json_get(type, "Naming"), "Property");

        named =
            named || (naming.p && json_get_str(json_get(&resources->v[i], "Properties"), naming));
        if (ret_types && !str_in(ret_types, name))
            *LIST_PUSH(a, ret_types) = name;
    }
    assert(iam || !named);
    return named ? S("CAPABILITY_NAMED_IAM") : iam ? S("CAPABILITY_IAM") : STR_NONE;
}
