/*
 * Principal elements.  A caller is known under several names: a user under its ARN, its unique id
 * and its account; a session under its own ARN, its role's and its account.  Which of them a
 * policy uses decides how far an Allow reaches (decide.c), so the widest is reported.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
#include "policy/internal.h"

#include "codec/aws_names.h"

/* AIDA…, AROA…: what IAM makes of the ARN of a user or role when it is saved. */
static bool
is_unique_id(struct str s)
{
    assert(str_ok(s));
    if (s.n < 16 || s.n > 128 || s.p[0] != 'A')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9')))
            return false;
    return true;
}

/* An ARN that can name a principal: no wildcard in any part. */
static bool
parse_arn(struct str s, struct named *ret)
{
    static const struct {
        struct str service, prefix;
    } known[] = {
        {S_INIT("iam"), S_INIT("user/")},         {S_INIT("iam"), S_INIT("role/")},
        {S_INIT("sts"), S_INIT("assumed-role/")}, {S_INIT("sts"), S_INIT("federated-user/")},
        {S_INIT("cloudfront"), S_INIT("user/")},
    };
    struct str rest = s, arn = str_split(&rest, ':'), partition = str_split(&rest, ':');
    struct str service = str_split(&rest, ':'), region = str_split(&rest, ':');
    struct str account = str_split(&rest, ':');

    if (!str_is(arn, "arn") || partition.n == 0 || region.n || str_find_char(s, '*') != SIZE_MAX ||
        str_find_char(s, '?') != SIZE_MAX)
        return false;
    if (str_is(service, "iam") && str_is(rest, "root") && aws_is_account(account)) {
        ret->kind = NAMED_ACCOUNT;
        ret->text = account;
        return true;
    }
    ret->kind = NAMED_ARN;
    ret->text = s;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(service, known[i].service) && str_starts(rest, known[i].prefix) &&
            rest.n > known[i].prefix.n && (i == 4 || aws_is_account(account)))
            return true;
    return false;
}

bool
named_parse(struct str type, struct str text, struct named *ret)
{
    assert(str_ok(text));
    *ret = (struct named){.text = text, .type = type, .written = text};
    if (str_is(type, "AWS")) {
        ret->kind = str_is(text, "*")      ? NAMED_ANYONE
                    : aws_is_account(text) ? NAMED_ACCOUNT
                                           : NAMED_ID;
        return ret->kind != NAMED_ID || is_unique_id(text) || parse_arn(text, ret);
    }
    if (str_is(type, "Service"))
        ret->kind = NAMED_SERVICE;
    else if (str_is(type, "Federated"))
        ret->kind = NAMED_PROVIDER;
    else if (str_is(type, "CanonicalUser"))
        ret->kind = NAMED_CANONICAL;
    else
        return false;
    return text.n > 0 && !str_is(text, "*");
}

static bool
has_account(const struct policy_principal *who)
{
    return who->account.n > 0 && who->kind != POLICY_SERVICE && who->kind != POLICY_ANONYMOUS;
}

static bool
is_same(struct str a, struct str b)
{
    return a.n > 0 && str_eq(a, b);
}

static enum reach
reach_of(const struct named *p, const struct policy_principal *who)
{
    assert(p->kind == NAMED_ANYONE || p->text.n > 0);
    switch (p->kind) {
    case NAMED_ANYONE:
        return REACH_DIRECT;
    case NAMED_ACCOUNT:
        if (!has_account(who) || !str_eq(p->text, who->account))
            return REACH_NONE;
        return who->kind == POLICY_ROOT ? REACH_DIRECT : REACH_ACCOUNT;
    case NAMED_ARN:
        if (has_account(who) && is_same(p->text, who->arn))
            return REACH_DIRECT;
        return has_account(who) && is_same(p->text, who->role_arn) ? REACH_ROLE : REACH_NONE;
    case NAMED_ID:
        if (is_same(p->text, who->unique_id))
            return who->kind == POLICY_USER ? REACH_DIRECT : REACH_ROLE;
        return REACH_NONE;
    case NAMED_SERVICE:
        if (who->kind != POLICY_SERVICE || !is_same(p->text, who->service))
            return REACH_NONE;
        return REACH_DIRECT;
    case NAMED_PROVIDER:
        if (who->kind != POLICY_WEB_IDENTITY || !is_same(p->text, who->provider))
            return REACH_NONE;
        return REACH_DIRECT;
    case NAMED_CANONICAL:
        return has_account(who) && is_same(p->text, who->canonical_id) ? REACH_ACCOUNT : REACH_NONE;
    }
    return REACH_NONE;
}

enum reach
principal_reach(const struct named *v, size_t n, const struct policy_principal *who)
{
    enum reach best = REACH_NONE;

    assert(v && n > 0);
    for (size_t i = 0; i < n && best != REACH_DIRECT; i++)
        best = MAX(best, reach_of(&v[i], who));
    return best;
}

/*
 * A Deny with NotPrincipal judges the account first, then the role, then the session: who is to
 * be spared must be named at each level.
 */
bool
principal_is_spared(const struct named *v, size_t n, const struct policy_principal *who)
{
    bool account = !has_account(who), middle = who->kind != POLICY_SESSION, self = false;

    assert(v || n == 0);
    for (size_t i = 0; i < n; i++) {
        enum reach reach = reach_of(&v[i], who);

        if (v[i].kind == NAMED_ANYONE)
            return true;
        account |= v[i].kind == NAMED_ACCOUNT && reach != REACH_NONE;
        middle |= reach == REACH_ROLE;
        self |= reach == REACH_DIRECT;
    }
    return account && middle && self;
}
