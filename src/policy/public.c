/*
 * Whether a resource's policy is public, by the rule of S3's Block Public Access, which Secrets
 * Manager's check follows too: each Allow must name whom it is for, or be bound by a condition to
 * fixed values of a key that tells who or where somebody is.  A value is fixed when it has neither
 * a wildcard nor a variable; a network when it is no wider than /8, or /32 of IPv6.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 *
 * What such a statement gives may be taken back: it is not public when a Deny of the document meets
 * somebody of whom nothing is known, for each of its actions and resources.
 */
#include "policy/internal.h"

enum { IP4_BITS_MIN = 8, IP6_BITS_MIN = 32 };

static const char *const binding_keys[] = {
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:userid",
    "kms:CallerAccount",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
};

static bool
is_binding(struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(binding_keys); i++)
        if (str_eq_nocase(key, str_from(binding_keys[i])))
            return true;
    return false;
}

static bool
is_private(struct ip4_block block)
{
    static const struct ip4_block private[] = {{.ip = 0x0a000000, .bits = 8},
                                               {.ip = 0xac100000, .bits = 12},
                                               {.ip = 0xc0a80000, .bits = 16}};

    for (size_t i = 0; i < ARRAY_LEN(private); i++)
        if (block.bits >= private[i].bits && ip4_block_covers(private[i], block))
            return true;
    return false;
}

static bool
is_fixed_pattern(const struct pattern *p)
{
    assert(p->kind == PATTERN_PIECES || p->n == 0);
    return p->kind == PATTERN_EXACT && p->text.n > 0;
}

static bool
is_fixed(const struct condition *c, const struct value *v)
{
    switch (c->op->type) {
    case OPERATOR_TEXT:
        return is_fixed_pattern(&v->pattern);
    case OPERATOR_ARN:
        for (int i = 0; v->parts && i < ARN_PARTS; i++)
            if (v->parts[i].kind != PATTERN_EXACT)
                return false;
        return v->parts || is_fixed_pattern(&v->pattern);
    case OPERATOR_IP:
        if (v->scalar.kind == SCALAR_IP4)
            return v->scalar.ip4.bits >= IP4_BITS_MIN || is_private(v->scalar.ip4);
        return v->scalar.kind == SCALAR_IP6 && v->scalar.ip6.bits >= IP6_BITS_MIN;
    case OPERATOR_NUMBER:
    case OPERATOR_DATE:
    case OPERATOR_BOOL:
    case OPERATOR_BINARY:
    case OPERATOR_NULL:
        break;
    }
    return false;
}

/* Whether a condition holds only for those whom its values name. */
static bool
binds(const struct condition *c)
{
    assert(c->op && (c->v || c->n == 0));
    if (!is_binding(c->key) || c->op->negated || c->if_exists || c->set == SET_ALL || c->n == 0)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (!is_fixed(c, &c->v[i]))
            return false;
    return true;
}

/* Whether an Allow is for anybody. */
static bool
is_open(const struct statement *s)
{
    bool anyone = !s->has_principal || s->not_principal;

    assert(!s->deny);
    for (size_t i = 0; i < s->n_principals; i++)
        anyone = anyone || s->principals[i].kind == NAMED_ANYONE;
    for (size_t i = 0; i < s->n_conditions && anyone; i++)
        anyone = !binds(&s->conditions[i]);
    return anyone;
}

/* Something that a pattern stands for: its wildcards are letters. */
static struct str
example_of(struct arena *a, struct str pattern)
{
    char *p = arena_dup(a, pattern.p, pattern.n);

    for (size_t i = 0; i < pattern.n; i++)
        if (p[i] == '*' || p[i] == '?')
            p[i] = 'x';
    return str_of(p, pattern.n);
}

/*
 * Somebody whom no policy can mean by what it says of accounts, networks or organizations: what
 * denies such a one denies everybody who is not named.
 */
static bool
is_denied(const struct policy *policy, struct str action, struct str resource)
{
    static const struct policy_principal stranger = {
        .kind = POLICY_USER,
        .account = S_INIT("000000000001"),
        .arn = S_INIT("arn:aws:iam::000000000001:user/!stranger!"),
        .id = S_INIT("AIDA!STRANGER!"),
        .unique_id = S_INIT("AIDA!STRANGER!"),
    };
    static const struct {
        struct str name, value;
    } known[] = {
        {S_INIT("aws:PrincipalAccount"), S_INIT("000000000001")},
        {S_INIT("aws:PrincipalArn"), S_INIT("arn:aws:iam::000000000001:user/!stranger!")},
        {S_INIT("aws:PrincipalOrgID"), S_INIT("o-!stranger!")},
        {S_INIT("aws:PrincipalType"), S_INIT("User")},
        {S_INIT("aws:SecureTransport"), S_INIT("true")},
        {S_INIT("aws:SourceAccount"), S_INIT("000000000001")},
        {S_INIT("aws:SourceArn"), S_INIT("arn:aws:sns:us-east-1:000000000001:!stranger!")},
        {S_INIT("aws:SourceIp"), S_INIT("192.0.2.1")}, /* documentation's: nobody has it */
        {S_INIT("aws:SourceVpc"), S_INIT("vpc-!stranger!")},
        {S_INIT("aws:SourceVpce"), S_INIT("vpce-!stranger!")},
        {S_INIT("aws:userid"), S_INIT("AIDA!STRANGER!")},
        {S_INIT("aws:username"), S_INIT("!stranger!")},
    };
    struct policy_key keys[ARRAY_LEN(known)];

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        keys[i] = (struct policy_key){.name = known[i].name, .values = &known[i].value, .n = 1};
    const struct policy_context context = {keys, ARRAY_LEN(keys)};
    const struct policy_request req = {
        .action = action, .resource = resource, .principal = &stranger, .context = &context};

    return policy_eval(policy, &req).effect == POLICY_DENY;
}

/* Whether something that the statement gives is not taken back. */
static bool
stays(const struct policy *policy, const struct statement *s, struct arena *a)
{
    static const struct str any_action = S_INIT("any:Any"), any_thing = S_INIT("arn:aws:any:::any");
    size_t n_actions = s->not_action ? 1 : s->n_actions;
    size_t n_resources = s->not_resource || !s->has_resource ? 1 : s->n_resources;

    assert(n_actions > 0 && n_resources > 0);
    for (size_t i = 0; i < n_actions; i++) {
        struct str action = s->not_action ? any_action : example_of(a, s->actions[i].written);

        for (size_t k = 0; k < n_resources; k++)
            if (!is_denied(policy, action,
                           s->not_resource || !s->has_resource
                               ? any_thing
                               : example_of(a, s->resources_written[k])))
                return true;
    }
    return false;
}

bool
policy_is_public(const struct policy *policy, struct arena *a)
{
    assert(policy && policy->n > 0);
    for (size_t i = 0; i < policy->n; i++) {
        const struct statement *s = &policy->statements[i];

        if (!s->deny && is_open(s) && stays(policy, s, a))
            return true;
    }
    return false;
}
