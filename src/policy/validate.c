/*
 * The grammar of documents, in AWS's words and in the order in which IAM finds fault: syntax,
 * version, what its older parser refuses, Sids, actions, resources.  What is allowed here is what
 * IAM is known to accept, even where it makes little sense ("iam: a b" is an action, and an
 * operator that nobody knows is well as long as it is empty).
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
#include "policy/internal.h"

static const struct str syntax = S_INIT("Syntax errors in policy."),
                        legacy = S_INIT("The policy failed legacy parsing");

struct check {
    struct arena *arena;
    enum policy_kind kind;
    const struct json *doc;
    const struct json *statements;
    size_t n;
    struct str resource_fault; /* the first; told after those of Sids and actions */
};

static bool
names_principals(enum policy_kind kind)
{
    return kind == POLICY_RESOURCE || kind == POLICY_TRUST;
}

/* ---- syntax ---- */

/* Whether all names are known and none comes twice. */
static bool
has_only(const struct json *j, const char *const *known)
{
    assert(j->kind == JSON_OBJECT);
    for (size_t i = 0; i < j->n; i++) {
        const char *const *k = known;

        while (*k && !str_is(j->names[i], *k))
            k++;
        if (!*k || json_get_str(j, j->names[i]) != &j->v[i])
            return false;
    }
    return true;
}

static bool
is_text_or_absent(const struct json *j)
{
    return !j || j->kind == JSON_STRING;
}

static bool
is_texts_or_absent(const struct json *j)
{
    size_t n;

    if (!j)
        return true;
    const struct json *v = json_values(j, &n);

    for (size_t i = 0; i < n; i++)
        if (v[i].kind != JSON_STRING)
            return false;
    return true;
}

static bool
is_principal(const struct json *j)
{
    static const char *const types[] = {"AWS", "Service", "Federated", "CanonicalUser", NULL};

    if (!j || (j->kind == JSON_STRING && str_is(j->text, "*")))
        return true;
    if (j->kind != JSON_OBJECT || !has_only(j, types))
        return false;
    for (size_t i = 0; i < j->n; i++)
        if (!is_texts_or_absent(&j->v[i]))
            return false;
    return true;
}

static bool
is_condition_map(struct str op, const struct json *keys)
{
    enum set set;
    bool if_exists;

    if (keys->kind != JSON_OBJECT || (keys->n && !operator_find(op, &set, &if_exists)))
        return false;
    for (size_t i = 0; i < keys->n; i++) {
        size_t n;
        const struct json *v = json_values(&keys->v[i], &n);

        if (json_get_str(keys, keys->names[i]) != &keys->v[i])
            return false;
        for (size_t k = 0; k < n; k++)
            if (v[k].kind != JSON_STRING && v[k].kind != JSON_NUMBER && v[k].kind != JSON_BOOL)
                return false;
    }
    return true;
}

static bool
is_condition(const struct json *j)
{
    if (!j)
        return true;
    if (j->kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < j->n; i++)
        if (json_get_str(j, j->names[i]) != &j->v[i] || !is_condition_map(j->names[i], &j->v[i]))
            return false;
    return true;
}

static bool
is_statement(const struct json *s)
{
    static const char *const elements[] = {"Sid",       "Effect",      "Action",    "NotAction",
                                           "Resource",  "NotResource", "Principal", "NotPrincipal",
                                           "Condition", NULL};
    static const char *const pairs[][2] = {
        {"Action", "NotAction"}, {"Resource", "NotResource"}, {"Principal", "NotPrincipal"}};

    if (s->kind != JSON_OBJECT || !has_only(s, elements))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct json *x = json_get(s, pairs[i][0]), *y = json_get(s, pairs[i][1]);

        if (x && y)
            return false;
        if (i == 2 ? !is_principal(x) || !is_principal(y)
                   : !is_texts_or_absent(x) || !is_texts_or_absent(y))
            return false;
    }
    struct str effect = json_text(s, "Effect");

    return (str_eq_nocase(effect, S("Allow")) || str_eq_nocase(effect, S("Deny"))) &&
           is_text_or_absent(json_get(s, "Sid")) && is_condition(json_get(s, "Condition"));
}

static bool
is_version(const struct json *j)
{
    return !j || (j->kind == JSON_STRING &&
                  (str_is(j->text, "2012-10-17") || str_is(j->text, "2008-10-17")));
}

static bool
check_syntax(struct check *c)
{
    static const char *const elements[] = {"Version", "Id", "Statement", NULL};
    const struct json *statements = json_get(c->doc, "Statement");

    if (c->doc->kind != JSON_OBJECT || !has_only(c->doc, elements) ||
        !is_version(json_get(c->doc, "Version")) || !is_text_or_absent(json_get(c->doc, "Id")) ||
        !statements)
        return false;
    c->statements = json_values(statements, &c->n);
    if (c->n == 0 || c->n > POLICY_STATEMENTS_MAX)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (!is_statement(&c->statements[i]))
            return false;
    return true;
}

/* ---- what the older parser refuses ---- */

static bool
is_date_operator(struct str op)
{
    enum set set;
    bool if_exists;
    const struct operator_ *found = operator_find(op, &set, &if_exists);

    assert(str_ok(op));
    return found && found->type == OPERATOR_DATE;
}

static bool
legacy_accepts(const struct json *statement)
{
    struct str effect = json_text(statement, "Effect");
    const struct json *condition = json_get(statement, "Condition");

    if (!str_is(effect, "Allow") && !str_is(effect, "Deny"))
        return false;
    for (size_t i = 0; condition && i < condition->n; i++) {
        const struct json *keys = &condition->v[i];

        if (!is_date_operator(condition->names[i]))
            continue;
        for (size_t k = 0; k < keys->n; k++) {
            size_t n;
            const struct json *v = json_values(&keys->v[k], &n);
            int64_t ms;

            for (size_t x = 0; x < n; x++)
                if (v[x].kind == JSON_BOOL || !date_parse(v[x].text, &ms))
                    return false;
        }
    }
    return true;
}

/* ---- resources ---- */

static bool
is_partition(struct str s)
{
    static const char *const known[] = {"*",          "aws",       "aws-cn",
                                        "aws-us-gov", "aws-iso",   "aws-iso-b",
                                        "aws-iso-e",  "aws-iso-f", "aws-eusc"};

    assert(str_ok(s));
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(s, known[i]))
            return true;
    return false;
}

static const char *const iam_paths[] = {
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
    NULL,
};
static const char *const s3_regional[] = {
    "accesspoint/", "access-grants/", "async-request/",
    "job/",         "storage-lens/",  "storage-lens-group/",
    NULL,
};

static bool
starts_with_one(struct str s, const char *const *prefixes)
{
    assert(prefixes[0]);
    for (; *prefixes; prefixes++)
        if (str_starts(s, str_from(*prefixes)))
            return true;
    return false;
}

static struct str
partition_fault(struct check *c, struct str partition, struct str rest)
{
    struct str part[4];

    assert(!is_partition(partition));
    for (int i = 0; i < 4; i++) {
        part[i] = !rest.p ? S("*") : i < 3 ? str_split(&rest, ':') : rest;
        if (i == 0 && part[i].n == 0 && !rest.p)
            part[i] = S("*");
    }
    return str_fmt(c->arena,
                   "Partition \"%.*s\" is not valid for resource "
                   "\"arn:%.*s:%.*s:%.*s:%.*s:%.*s\".",
                   STR_ARG(partition), STR_ARG(partition), STR_ARG(part[0]), STR_ARG(part[1]),
                   STR_ARG(part[2]), STR_ARG(part[3]));
}

/* IAM's and S3's ARNs have no region, and IAM's have known paths. */
static struct str
service_fault(struct check *c, struct str resource, struct str service, struct str region,
              struct str path)
{
    bool iam = str_is(service, "iam");

    if (iam && region.n)
        return str_fmt(c->arena, "IAM resource %.*s cannot contain region information.",
                       STR_ARG(resource));
    if (str_is(service, "s3") && region.n && !starts_with_one(path, s3_regional))
        return str_fmt(c->arena, "Resource %.*s can not contain region information.",
                       STR_ARG(resource));
    /* AWS's own policies about sts:AssumeRoot name the root, though the text does not list it. */
    if (!iam || str_is(path, "*") || str_is(path, "root") || starts_with_one(path, iam_paths))
        return STR_NONE;
    struct str text = S("IAM resource path must either be \"*\" or start with ");

    for (size_t i = 0; iam_paths[i]; i++)
        text = str_fmt(c->arena, "%.*s%s%s", STR_ARG(text), i ? ", " : "", iam_paths[i]);
    return str_cat(c->arena, text, S("."));
}

static struct str
resource_fault(struct check *c, struct str resource)
{
    struct str rest = resource;

    str_split(&rest, ':'); /* IAM does not look whether it is "arn" */
    if (!rest.p)
        return str_fmt(c->arena, "Resource %.*s must be in ARN format or \"*\".",
                       STR_ARG(resource));
    struct str partition = str_split(&rest, ':');

    if (!is_partition(partition))
        return partition_fault(c, partition, rest.p ? rest : S(""));
    if (!rest.p)
        return S("Resource vendor must be fully qualified and cannot contain regexes.");
    struct str service = str_split(&rest, ':'), region = str_split(&rest, ':');

    str_split(&rest, ':');
    return service_fault(c, resource, service, region, rest);
}

/* The older parser wants six parts of ARNs with an empty part, and a service. */
static bool
legacy_accepts_resource(struct str s)
{
    struct str rest = s;
    size_t colons = 0;

    for (size_t i = 0; i < s.n; i++)
        colons += s.p[i] == ':';
    str_split(&rest, ':');
    str_split(&rest, ':');
    return (colons >= 5 || str_find(s, S("::")) == SIZE_MAX) && str_split(&rest, ':').n > 0;
}

/* False: the older parser refuses it.  Other faults are kept for later. */
static bool
check_resources(struct check *c, const struct json *j)
{
    size_t n;

    if (!j)
        return true;
    const struct json *v = json_values(j, &n);

    for (size_t i = 0; i < n && !c->resource_fault.p; i++) {
        if (str_is(v[i].text, "*"))
            continue;
        c->resource_fault = resource_fault(c, v[i].text);
        if (!c->resource_fault.p && !legacy_accepts_resource(v[i].text))
            return false;
    }
    return true;
}

/* ---- Sids, actions, principals ---- */

static struct str
check_sids(struct check *c)
{
    assert(c->n > 0 && c->statements);
    for (size_t i = 0; i < c->n; i++) {
        struct str sid = json_text(&c->statements[i], "Sid");

        for (size_t k = 0; k < sid.n && c->kind != POLICY_RESOURCE; k++)
            if (!((lower(sid.p[k]) >= 'a' && lower(sid.p[k]) <= 'z') ||
                  (sid.p[k] >= '0' && sid.p[k] <= '9')))
                return S("Statement IDs (SID) must be alpha-numeric. Check that your input "
                         "satisfies the regular expression [0-9A-Za-z]*");
        for (size_t k = 0; k < i && sid.n; k++)
            if (str_eq(sid, json_text(&c->statements[k], "Sid")))
                return S("Statement IDs (SID) in a single policy must be unique.");
    }
    return STR_NONE;
}

/* One of two elements, which exclude each other. */
static const struct json *
either(const struct json *statement, const char *element, const char *negated)
{
    const struct json *j = json_get(statement, element);

    return j ? j : json_get(statement, negated);
}

static bool
is_empty(const struct json *j)
{
    return !j || (j->kind == JSON_ARRAY && j->n == 0);
}

static struct str
action_fault(struct check *c, struct str action)
{
    struct str name = action, vendor = str_split(&name, ':');

    if (str_is(action, "*"))
        return STR_NONE;
    if (!name.p)
        return S("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    if (str_find_char(name, ':') != SIZE_MAX)
        return S("Actions/Condition can contain only one colon.");
    for (size_t i = 0; i < vendor.n && !str_is(vendor, "*"); i++) {
        char ch = lower(vendor.p[i]);

        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '.'))
            return str_fmt(c->arena, "Vendor %.*s is not valid", STR_ARG(vendor));
    }
    return STR_NONE;
}

/* A trust policy is about assuming the role, and what goes with it. */
static bool
is_trust_action(struct str action)
{
    static const char *const known[] = {
        "sts:AssumeRole",        "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity",
        "sts:SetSourceIdentity", "sts:TagSession",         "sts:SetContext",
    };
    struct pattern pattern = {.kind = PATTERN_PIECES};
    struct piece piece = {.kind = PIECE_GLOB, .text = action};

    assert(str_ok(action));
    if (!str_starts(action, S("sts:")))
        return false;
    pattern.pieces = &piece;
    pattern.n = 1;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (pattern_match(&pattern, str_from(known[i]), NULL, true) == MATCH_YES)
            return true;
    return false;
}

static struct str
check_actions(struct check *c)
{
    assert(c->n > 0 && c->statements);
    for (size_t i = 0; i < c->n; i++) {
        size_t n;
        const struct json *v = json_values(either(&c->statements[i], "Action", "NotAction"), &n);

        for (size_t k = 0; k < n; k++) {
            struct str fault = action_fault(c, v[k].text);

            if (fault.p)
                return fault;
        }
        for (size_t k = 0; k < n && c->kind == POLICY_TRUST; k++)
            if (!is_trust_action(v[k].text))
                return S("AssumeRole policy may only specify STS AssumeRole actions.");
    }
    return STR_NONE;
}

static struct str
principal_fault(struct check *c, const struct json *j)
{
    size_t named = 0;

    if (!j)
        return S("Missing required field Principal");
    if (j->kind == JSON_STRING && c->kind == POLICY_TRUST) /* it must be {"AWS": "*"} */
        return S("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".");
    if (j->kind == JSON_STRING)
        return STR_NONE;
    for (size_t i = 0; i < j->n; i++) {
        size_t n;
        const struct json *v = json_values(&j->v[i], &n);
        struct named parsed;

        named += n;
        for (size_t k = 0; k < n; k++) {
            struct str type = j->names[i];

            if (named_parse(type, v[k].text, &parsed))
                continue;
            return str_fmt(c->arena, "Invalid principal in policy: \"%s\":\"%.*s\"",
                           str_is(type, "Service")     ? "SERVICE"
                           : str_is(type, "Federated") ? "FEDERATED"
                           : str_is(type, "AWS")       ? "AWS"
                                                       : "CANONICAL_USER",
                           STR_ARG(v[k].text));
        }
    }
    if (named == 0)
        return S("Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: "
                 "The passed in policy has a statement with no principals!");
    return STR_NONE;
}

static struct str
check_principals(struct check *c)
{
    assert(c->n > 0 && c->statements);
    for (size_t i = 0; i < c->n; i++) {
        const struct json *j = either(&c->statements[i], "Principal", "NotPrincipal");

        if (!names_principals(c->kind)) {
            if (j)
                return S("Policy document should not specify a principal.");
            continue;
        }
        struct str fault = principal_fault(c, j);

        if (fault.p)
            return fault;
    }
    return STR_NONE;
}

static struct str
check_presence(struct check *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct json *j = either(&c->statements[i], "Resource", "NotResource");

        if (c->kind == POLICY_TRUST && j)
            return S("Has prohibited field Resource");
        if (c->kind != POLICY_TRUST && is_empty(j))
            return S("Policy statement must contain resources.");
    }
    return STR_NONE;
}

/* ---- all in order ---- */

static struct str
check_statements(struct check *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!legacy_accepts(&c->statements[i]))
            return legacy;
    for (size_t i = 0; i < c->n; i++)
        if (!check_resources(c, either(&c->statements[i], "Resource", "NotResource")))
            return legacy;
    struct str fault = check_sids(c);

    if (fault.p)
        return fault;
    for (size_t i = 0; i < c->n; i++)
        if (is_empty(either(&c->statements[i], "Action", "NotAction")))
            return S("Policy statement must contain actions.");
    if (c->resource_fault.p)
        return c->resource_fault;
    return check_actions(c);
}

struct str
policy_validate(const struct json *doc, enum policy_kind kind, struct arena *a)
{
    struct check c = {.arena = a, .kind = kind, .doc = doc};

    if (!check_syntax(&c))
        return syntax;
    if (kind == POLICY_MANAGED && !str_is(json_text(doc, "Version"), "2012-10-17"))
        return S("Policy document must be version 2012-10-17 or greater.");
    struct str fault = check_statements(&c);

    if (!fault.p)
        fault = check_principals(&c);
    assert(c.n > 0 && c.n <= POLICY_STATEMENTS_MAX);
    return fault.p ? fault : check_presence(&c);
}
