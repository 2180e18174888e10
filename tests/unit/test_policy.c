/*
 * The policy engine against policy_cases.txt, one row after the other.  The head of that file says
 * how rows are written.  Each test below runs the rows of one kind, and fails when there are none.
 */
#include "base/buf.h"
#include "base/list.h"
#include "harness/harness.h"
#include "policy/policy.h"

static const char *const cases_path = "tests/unit/policy_cases.txt";
enum { FIELDS_MAX = 12, CASES_MIN = 400 };

struct row {
    int line;
    struct str field[FIELDS_MAX];
    size_t n;
};

struct named_policy {
    struct str name;
    struct policy *policy;
};

struct named_who {
    struct str name;
    struct policy_principal who;
};

struct world {
    struct {
        struct row *v;
        size_t n;
    } rows;
    struct {
        struct named_policy *v;
        size_t n;
    } policies;
    struct {
        struct named_who *v;
        size_t n;
    } who;
};

#define ROW_FAIL(row, ...)                                                                         \
    FAIL("%s:%d: %s", cases_path, (row)->line, test_fmt(__VA_ARGS__))

static const struct {
    const char *name;
    enum policy_kind kind;
} kinds[] = {
    {"identity", POLICY_IDENTITY}, {"resource", POLICY_RESOURCE}, {"trust", POLICY_TRUST},
    {"scp", POLICY_SCP},           {"managed", POLICY_MANAGED},
};

static enum policy_kind
kind_of(const struct row *r, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(name, kinds[i].name))
            return kinds[i].kind;
    ROW_FAIL(r, "no kind %.*s", STR_ARG(name));
}

static struct policy *
parse(const struct row *r, struct str json, enum policy_kind kind)
{
    struct policy *p;
    struct str why;

    if (policy_parse(&p, json, kind, test_arena(), &why) != 0)
        ROW_FAIL(r, "%.*s: %.*s", STR_ARG(json), STR_ARG(why));
    return p;
}

/* ---- reading the file ---- */

static void
add_who(struct world *w, const struct row *r)
{
    static const struct {
        const char *name;
        enum policy_principal_kind kind;
    } known[] = {
        {"anonymous", POLICY_ANONYMOUS}, {"root", POLICY_ROOT},
        {"user", POLICY_USER},           {"session", POLICY_SESSION},
        {"service", POLICY_SERVICE},     {"web", POLICY_WEB_IDENTITY},
        {"federated", POLICY_FEDERATED_USER},
    };
    struct named_who *n = LIST_PUSH(test_arena(), &w->who);
    size_t i = 0;

    n->name = r->field[1];
    while (i < ARRAY_LEN(known) && !str_is(r->field[2], known[i].name))
        i++;
    if (i == ARRAY_LEN(known))
        ROW_FAIL(r, "no such kind of principal");
    n->who.kind = known[i].kind;
    for (size_t k = 3; k < r->n; k++) {
        struct str value = r->field[k], name = str_trim(str_split(&value, '='));

        value = str_trim(value);
        if (str_is(name, "account"))
            n->who.account = value;
        else if (str_is(name, "arn"))
            n->who.arn = value;
        else if (str_is(name, "role"))
            n->who.role_arn = value;
        else if (str_is(name, "id"))
            n->who.unique_id = n->who.id = value;
        else if (str_is(name, "service"))
            n->who.service = value;
        else if (str_is(name, "provider"))
            n->who.provider = value;
        else if (str_is(name, "canonical"))
            n->who.canonical_id = value;
        else
            ROW_FAIL(r, "no such name of a principal");
    }
}

static void
add_row(struct world *w, struct str line, int number)
{
    struct row r = {.line = number};

    while (line.p) {
        if (r.n == FIELDS_MAX)
            ROW_FAIL(&r, "too many fields");
        r.field[r.n++] = str_trim(str_split(&line, '|'));
    }
    if (str_is(r.field[0], "who")) {
        add_who(w, &r);
    } else if (str_is(r.field[0], "policy")) {
        struct named_policy *n = LIST_PUSH(test_arena(), &w->policies);

        n->name = r.field[1];
        n->policy = parse(&r, r.field[3], kind_of(&r, r.field[2]));
    } else {
        *LIST_PUSH(test_arena(), &w->rows) = r;
    }
}

static struct world *
load(void)
{
    struct world *w = ARENA_NEW(test_arena(), struct world);
    struct str text = test_read_file(cases_path);
    int number = 0;

    while (text.p) {
        struct str line = str_trim(str_split(&text, '\n'));

        number++;
        if (line.n && line.p[0] != '#')
            add_row(w, line, number);
    }
    return w;
}

static void
unload(struct world *w)
{
    LIST_EACH (&w->policies, p)
        policy_free(p->policy);
}

static const struct policy *
find_policy(const struct world *w, const struct row *r, struct str name)
{
    LIST_EACH (&w->policies, p)
        if (str_eq(p->name, name))
            return p->policy;
    ROW_FAIL(r, "no policy %.*s", STR_ARG(name));
}

static const struct policy_principal *
find_who(const struct world *w, const struct row *r, struct str name)
{
    LIST_EACH (&w->who, n)
        if (str_eq(n->name, name))
            return &n->who;
    ROW_FAIL(r, "nobody is %.*s", STR_ARG(name));
}

/* "aws:username=joe; aws:TagKeys=[a,b]; aws:PrincipalArn=" */
static struct policy_context
context_of(struct str text)
{
    struct policy_context c = {0};

    while (text.p && text.n) {
        struct str value = str_split(&text, ';'), name = str_trim(str_split(&value, '='));
        struct policy_key *k = LIST_PUSH(test_arena(), &c);
        struct str_list list = {0};

        k->name = name;
        value = str_trim(value);
        if (value.n >= 2 && value.p[0] == '[') {
            k->multi = true;
            value = str_cut(value, 1, value.n - 1);
            while (value.p && value.n)
                *LIST_PUSH(test_arena(), &list) = str_trim(str_split(&value, ','));
        } else {
            *LIST_PUSH(test_arena(), &list) = value;
        }
        k->values = list.v;
        k->n = list.n;
    }
    return c;
}

static bool
is_yes(const struct row *r, struct str s)
{
    if (!str_is(s, "yes") && !str_is(s, "no"))
        ROW_FAIL(r, "expects yes or no, not %.*s", STR_ARG(s));
    return str_is(s, "yes");
}

/* Runs fn over the rows of one of two names; answers how many there were. */
static size_t
each_row(const char *name, const char *other, void (*fn)(struct world *, const struct row *))
{
    struct world *w = load();
    size_t n = 0;

    LIST_EACH (&w->rows, r)
        if (str_is(r->field[0], name) || str_is(r->field[0], other)) {
            fn(w, r);
            n++;
        }
    unload(w);
    CHECK(n > 0);
    return n;
}

/* ---- what one document says ---- */

static struct policy_match
eval(const struct row *r, struct str json, enum policy_kind kind, struct str action,
     struct str resource, const struct policy_principal *who, struct str context_text)
{
    static const struct policy_principal nobody = {.kind = POLICY_ANONYMOUS};
    struct policy_context context = context_of(context_text);
    struct policy_request req = {.action = action,
                                 .resource = resource,
                                 .principal = who ? who : &nobody,
                                 .context = &context};
    struct policy *p = parse(r, json, kind);
    struct policy_match m = policy_eval(p, &req);

    policy_free(p);
    return m;
}

static void
expect(const struct row *r, struct policy_match m, enum policy_effect effect, struct str answer)
{
    if (m.effect != (is_yes(r, answer) ? effect : POLICY_SILENT))
        ROW_FAIL(r, "the statement %s", m.effect == POLICY_SILENT ? "does not match" : "matches");
}

/* A pattern or a list of them. */
static struct str
as_json(struct str s)
{
    if (s.n && s.p[0] == '[')
        return s;
    return str_fmt(test_arena(), "\"%.*s\"", STR_ARG(s));
}

/* action | PATTERN | ACTION | yes */
static void
run_action(struct world *w, const struct row *r)
{
    bool negated = str_is(r->field[0], "not-action");
    struct str json = str_fmt(test_arena(),
                              "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                              "\"%s\":%.*s,\"Resource\":\"*\"}}",
                              negated ? "NotAction" : "Action", STR_ARG(as_json(r->field[1])));

    (void)w;
    expect(r, eval(r, json, POLICY_IDENTITY, r->field[2], S("*"), NULL, STR_NONE), POLICY_ALLOW,
           r->field[3]);
}

TEST(actions_match_as_documented)
{
    each_row("action", "not-action", run_action);
}

/* resource | PATTERN | RESOURCE | CONTEXT | yes */
static void
run_resource(struct world *w, const struct row *r)
{
    bool negated = str_is(r->field[0], "not-resource");
    struct str json = str_fmt(test_arena(),
                              "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\","
                              "\"Action\":\"*\",\"%s\":%.*s}}",
                              negated ? "NotResource" : "Resource", STR_ARG(as_json(r->field[1])));

    (void)w;
    expect(r, eval(r, json, POLICY_IDENTITY, S("s3:GetObject"), r->field[2], NULL, r->field[3]),
           POLICY_DENY, r->field[4]);
}

TEST(resources_and_variables_match_as_documented)
{
    each_row("resource", "not-resource", run_resource);
}

/* when | OPERATOR | KEY | JSON VALUES | CONTEXT | yes;  when-2008: in the older version */
static void
run_when(struct world *w, const struct row *r)
{
    const char *version = str_is(r->field[0], "when-2008") ? "2008-10-17" : "2012-10-17";
    struct str json =
        str_fmt(test_arena(),
                "{\"Version\":\"%s\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
                "\"Resource\":\"*\",\"Condition\":{\"%.*s\":{\"%.*s\":%.*s}}}}",
                version, STR_ARG(r->field[1]), STR_ARG(r->field[2]), STR_ARG(r->field[3]));

    (void)w;
    expect(r, eval(r, json, POLICY_IDENTITY, S("a:B"), S("*"), NULL, r->field[4]), POLICY_ALLOW,
           r->field[5]);
}

TEST(conditions_hold_as_documented)
{
    each_row("when", "when-2008", run_when);
}

/* conditions | JSON | CONTEXT | yes */
static void
run_conditions(struct world *w, const struct row *r)
{
    struct str json =
        str_fmt(test_arena(),
                "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\","
                "\"Resource\":\"*\",\"Condition\":%.*s}}",
                STR_ARG(r->field[1]));

    (void)w;
    expect(r, eval(r, json, POLICY_IDENTITY, S("a:B"), S("*"), NULL, r->field[2]), POLICY_DENY,
           r->field[3]);
}

TEST(all_conditions_of_a_statement_must_hold)
{
    each_row("conditions", "conditions", run_conditions);
}

/* principal | allow | ELEMENT | WHO | yes */
static void
run_principal(struct world *w, const struct row *r)
{
    bool negated = str_is(r->field[0], "not-principal"), deny = str_is(r->field[1], "deny");
    struct str json = str_fmt(
        test_arena(),
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"%s\",\"%s\":%.*s,"
        "\"Action\":\"*\",\"Resource\":\"*\"}}",
        deny ? "Deny" : "Allow", negated ? "NotPrincipal" : "Principal", STR_ARG(r->field[2]));

    if (!deny && !str_is(r->field[1], "allow"))
        ROW_FAIL(r, "neither allow nor deny");
    expect(r,
           eval(r, json, POLICY_RESOURCE, S("a:B"), S("arn:aws:a:::x"),
                find_who(w, r, r->field[3]), STR_NONE),
           deny ? POLICY_DENY : POLICY_ALLOW, r->field[4]);
}

TEST(principals_are_recognised_as_documented)
{
    each_row("principal", "not-principal", run_principal);
}

/* eval | POLICY | ACTION | RESOURCE | CONTEXT | WHO | allow, deny or silent | STATEMENT */
static void
run_eval(struct world *w, const struct row *r)
{
    static const char *const effects[] = {"silent", "allow", "deny"};
    struct policy_context context = context_of(r->field[4]);
    struct policy_request req = {.action = r->field[2],
                                 .resource = r->field[3],
                                 .principal = find_who(w, r, r->field[5]),
                                 .context = &context};
    struct policy_match m = policy_eval(find_policy(w, r, r->field[1]), &req);

    if (!str_is(r->field[6], effects[m.effect]))
        ROW_FAIL(r, "the document says %s", effects[m.effect]);
    if (m.effect != POLICY_SILENT && !str_is(r->field[7], test_fmt("%u", m.statement)) &&
        !str_eq(r->field[7], m.sid))
        ROW_FAIL(r, "statement %u \"%.*s\" spoke", m.statement, STR_ARG(m.sid));
}

TEST(documents_of_the_manual_say_what_it_says)
{
    each_row("eval", "eval", run_eval);
}

/* ---- what many say together ---- */

static struct policy_list
list_of(const struct world *w, const struct row *r, struct str names)
{
    struct {
        const struct policy **v;
        size_t n;
    } list = {0};

    while (names.p && names.n)
        *LIST_PUSH(test_arena(), &list) = find_policy(w, r, str_split(&names, ','));
    return (struct policy_list){list.v, list.n};
}

struct set_text {
    struct policy_set set;
    struct {
        struct policy_list *v;
        size_t n;
    } scps;
};

static void
set_part(struct world *w, const struct row *r, struct str part, struct set_text *s)
{
    struct str value = part, name = str_split(&value, '=');

    if (str_is(name, "identity"))
        s->set.identity = list_of(w, r, value);
    else if (str_is(name, "boundary"))
        s->set.boundary = find_policy(w, r, value);
    else if (str_is(name, "session")) {
        s->set.session = list_of(w, r, value);
        s->set.has_session = true;
    } else if (str_is(name, "resource"))
        s->set.resource = find_policy(w, r, value);
    else if (str_is(name, "scp"))
        *LIST_PUSH(test_arena(), &s->scps) = list_of(w, r, value);
    else if (str_is(name, "owner"))
        s->set.resource_account = value;
    else if (str_is(name, "rules"))
        s->set.resource_rules = true;
    else
        ROW_FAIL(r, "no part %.*s of a set", STR_ARG(name));
}

/* decide | WHO | PARTS | allow or deny | BY | POLICY that decided */
static void
run_decide(struct world *w, const struct row *r)
{
    static const char *const by[] = {"nobody", "root", "identity", "resource",
                                     "boundary", "session", "scp"};
    struct policy_context context = {0};
    struct policy_request req = {.action = S("s3:GetObject"),
                                 .resource = S("arn:aws:s3:::bucket/key"),
                                 .principal = find_who(w, r, r->field[1]),
                                 .context = &context};
    struct set_text s = {0};
    struct str parts = r->field[2];

    while (parts.p && parts.n) {
        struct str part = str_split(&parts, ' ');

        if (part.n)
            set_part(w, r, part, &s);
    }
    s.set.scps = s.scps.v;
    s.set.n_scps = s.scps.n;
    struct policy_decision d = policy_decide(&s.set, &req);

    if (d.allowed != str_is(r->field[3], "allow"))
        ROW_FAIL(r, "%s by %s", d.allowed ? "allowed" : "denied", by[d.by]);
    if (!str_is(r->field[4], by[d.by]))
        ROW_FAIL(r, "decided by %s", by[d.by]);
    const struct policy *want = r->field[5].n ? find_policy(w, r, r->field[5]) : NULL;

    if (d.policy != want)
        ROW_FAIL(r, "another document decided");
    if (d.explicit_deny != (!d.allowed && want != NULL))
        ROW_FAIL(r, "explicit: %d", d.explicit_deny);
    if (d.match.effect != (!want ? POLICY_SILENT : d.allowed ? POLICY_ALLOW : POLICY_DENY))
        ROW_FAIL(r, "the match is not that of the decision");
}

TEST(decisions_follow_the_order_of_evaluation)
{
    each_row("decide", "decide", run_decide);
}

/* ---- grammar ---- */

/* accept | KIND | JSON;  refuse | KIND | JSON | SENTENCE */
static void
run_grammar(struct world *w, const struct row *r)
{
    bool refused = str_is(r->field[0], "refuse");
    struct str why = STR_NONE;
    struct policy *p = NULL;
    int ret = policy_parse(&p, r->field[2], kind_of(r, r->field[1]), test_arena(), &why);

    (void)w;
    if (ret != refused || (p != NULL) == refused)
        ROW_FAIL(r, "answered %d: %.*s", ret, STR_ARG(why));
    if (refused && !str_eq(why, r->field[3]))
        ROW_FAIL(r, "refused with \"%.*s\"", STR_ARG(why));
    policy_free(p);
}

TEST(documents_are_checked_in_the_words_of_iam)
{
    each_row("accept", "refuse", run_grammar);
}

TEST(the_table_of_policy_cases_is_large_enough)
{
    struct world *w = load();
    static const char *const known[] = {
        "action", "not-action", "resource",  "not-resource",  "when",   "when-2008", "conditions",
        "eval",   "principal",  "not-principal", "decide", "accept", "refuse",
    };

    LIST_EACH (&w->rows, r) {
        size_t i = 0;

        while (i < ARRAY_LEN(known) && !str_is(r->field[0], known[i]))
            i++;
        if (i == ARRAY_LEN(known))
            ROW_FAIL(r, "%.*s is no kind of row", STR_ARG(r->field[0]));
    }
    CHECK(w->rows.n >= CASES_MIN);
    unload(w);
}

/* ---- what a document names ---- */

TEST(a_document_tells_what_it_names)
{
    static const char text[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
        "\"AWS\":[\"123456789012\",\"arn:aws:iam::123456789012:role/r\"],\"Service\":"
        "\"ec2.amazonaws.com\"},\"Action\":[\"S3:Get*\",\"s3:PutObject\"],\"Resource\":"
        "\"arn:aws:s3:::b/${aws:userName}/*\",\"Condition\":{\"StringLike\":{"
        "\"AWS:username\":\"a\",\"s3:prefix\":\"${aws:PrincipalTag/team, 'x'}\"},"
        "\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s3:::${aws:userid}\"}}},{\"Effect\":\"Deny\","
        "\"Principal\":\"*\",\"Action\":\"S3:Get*\",\"Resource\":\"*\"}]}";
    struct policy *p;
    struct str why;
    struct str_list list;
    struct policy_named_list named;

    CHECK_INT(policy_parse(&p, S(text), POLICY_RESOURCE, test_arena(), &why), 0);
    policy_context_keys(p, test_arena(), &list);
    CHECK_STR(str_join(test_arena(), &list, S(" ")),
              "aws:userName s3:prefix aws:PrincipalTag/team aws:SourceArn aws:userid");
    policy_actions(p, test_arena(), &list);
    CHECK_STR(str_join(test_arena(), &list, S(" ")), "S3:Get* s3:PutObject");
    policy_resources(p, test_arena(), &list);
    CHECK_STR(str_join(test_arena(), &list, S(" ")), "arn:aws:s3:::b/${aws:userName}/* *");
    policy_principals(p, test_arena(), &named);
    CHECK_INT(named.n, 4);
    CHECK_STR(named.v[1].type, "AWS");
    CHECK_STR(named.v[1].text, "arn:aws:iam::123456789012:role/r");
    CHECK_STR(named.v[2].type, "Service");
    CHECK_STR(named.v[3].text, "*");
    CHECK(policy_bytes(p) > sizeof(text));
    policy_free(p);
}

TEST(documents_are_bounded)
{
    struct buf b;
    struct policy *p;
    struct str why;

    buf_init(&b, 8 << 20);
    buf_add_lit(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[");
    for (int i = 0; i <= POLICY_STATEMENTS_MAX; i++)
        buf_add_fmt(&b, "%s{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}",
                    i ? "," : "");
    buf_add_lit(&b, "]}");
    CHECK_INT(policy_parse(&p, buf_str(&b), POLICY_MANAGED, test_arena(), &why), 1);
    CHECK_STR(why, "Syntax errors in policy.");
    buf_done(&b);

    buf_init(&b, 8 << 20);
    buf_add_lit(&b, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Resource\":"
                    "\"*\",\"Action\":[\"a:b\"");
    for (int i = 0; i < 2 * POLICY_VALUES_MAX; i++)
        buf_add_lit(&b, ",\"a:b\"");
    buf_add_lit(&b, "]}}");
    CHECK_INT(policy_parse(&p, buf_str(&b), POLICY_MANAGED, test_arena(), &why), 1);
    buf_done(&b);
}
