/*
 * Policies.  The first byte chooses between three inputs:
 *
 *   '{'    the whole is a document: as it stands, and written anew with its statements reversed
 *   'p'    a pattern and a text behind it, cut at a line's end: compared with a simpler matcher
 *   else   bytes choose the parts of a document that is well-formed, and of a request
 *
 * What must hold: whatever is accepted is accepted with its statements in any order, and says the
 * same of a request and of the public; a document twice in a set decides as once; an Allow is never
 * decided against a Deny of any document of the set.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "policy/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static const struct str actions[] = {
    S_INIT("*"),     S_INIT("s3:*"),       S_INIT("s3:Get*"),  S_INIT("s3:GetObject"),
    S_INIT("ec2:*"), S_INIT("s3:?etObjec*"), S_INIT("*:*Object"), S_INIT("S3:GETOBJECT"),
};
static const struct str resources[] = {
    S_INIT("*"),
    S_INIT("arn:aws:s3:::b/*"),
    S_INIT("arn:aws:s3:::b/${aws:username}"),
    S_INIT("arn:aws:s3:::b/${aws:PrincipalTag/t, 'joe'}*"),
    S_INIT("arn:aws:s3:::?/*o?"),
    S_INIT("arn:*:s3:::b/joe"),
};
static const struct str principals[] = {
    S_INIT("\"*\""),
    S_INIT("{\"AWS\":\"111122223333\"}"),
    S_INIT("{\"AWS\":\"arn:aws:iam::111122223333:user/joe\"}"),
    S_INIT("{\"AWS\":[\"arn:aws:iam::111122223333:role/r\",\"444455556666\"]}"),
    S_INIT("{\"AWS\":\"arn:aws:sts::111122223333:assumed-role/r/s\"}"),
    S_INIT("{\"Service\":\"ec2.amazonaws.com\"}"),
    S_INIT("{\"AWS\":[\"arn:aws:iam::111122223333:user/joe\",\"111122223333\"]}"),
};
static const struct str operators[] = {
    S_INIT("StringEquals"),           S_INIT("StringNotLike"),
    S_INIT("StringLikeIfExists"),     S_INIT("ForAllValues:StringEquals"),
    S_INIT("ForAnyValue:StringLike"), S_INIT("ForAnyValue:StringNotEquals"),
    S_INIT("NumericLessThanEquals"),  S_INIT("DateGreaterThan"),
    S_INIT("IpAddress"),              S_INIT("NotIpAddress"),
    S_INIT("ArnLike"),                S_INIT("ArnNotEqualsIfExists"),
    S_INIT("Null"),                   S_INIT("BoolIfExists"),
    S_INIT("BinaryEquals"),           S_INIT("StringNotEqualsIgnoreCase"),
};
static const struct str keys[] = {S_INIT("aws:username"), S_INIT("aws:TagKeys"),
                                  S_INIT("aws:SourceIp"), S_INIT("a:n")};
static const struct str values[] = {
    S_INIT("joe"),        S_INIT("${aws:username}"), S_INIT("10.0.0.0/8"), S_INIT("true"),
    S_INIT("7"),          S_INIT("2020-01-01"),      S_INIT("j*"),         S_INIT(""),
    S_INIT("arn:aws:s3:::${aws:username}"), S_INIT("am9l"),
};

/* ---- requests ---- */

struct source {
    const uint8_t *p;
    size_t n;
};

static unsigned
pick(struct source *s, unsigned of)
{
    if (s->n == 0)
        return 0;
    s->n--;
    return *s->p++ % of;
}

#define PICK(s, table) table[pick((s), ARRAY_LEN(table))]

static const struct policy_principal callers[] = {
    {.kind = POLICY_USER,
     .account = S_INIT("111122223333"),
     .arn = S_INIT("arn:aws:iam::111122223333:user/joe")},
    {.kind = POLICY_SESSION,
     .account = S_INIT("111122223333"),
     .arn = S_INIT("arn:aws:sts::111122223333:assumed-role/r/s"),
     .role_arn = S_INIT("arn:aws:iam::111122223333:role/r")},
    {.kind = POLICY_ROOT,
     .account = S_INIT("444455556666"),
     .arn = S_INIT("arn:aws:iam::444455556666:root")},
    {.kind = POLICY_SERVICE, .service = S_INIT("ec2.amazonaws.com")},
    {.kind = POLICY_ANONYMOUS},
};

struct request {
    struct policy_request req;
    struct policy_context context;
    struct policy_key keys[3];
    struct str values[6];
};

static void
make_request(struct source *s, struct request *r)
{
    static const struct str asked[] = {S_INIT("s3:GetObject"), S_INIT("ec2:RunInstances"),
                                       S_INIT("s3:putobject"), S_INIT("nonsense")};
    static const struct str of[] = {S_INIT("arn:aws:s3:::b/joe"), S_INIT("*"),
                                    S_INIT("arn:aws:s3:::b/foo"), S_INIT("")};
    size_t used = 0;

    for (size_t i = 0; i < ARRAY_LEN(r->keys); i++) {
        struct policy_key *k = &r->keys[i];

        *k = (struct policy_key){.name = PICK(s, keys), .values = &r->values[used]};
        k->n = pick(s, 3);
        k->multi = k->n != 1;
        for (size_t x = 0; x < k->n; x++)
            r->values[used++] = PICK(s, values);
    }
    r->context = (struct policy_context){r->keys, pick(s, ARRAY_LEN(r->keys) + 1)};
    r->req = (struct policy_request){.action = PICK(s, asked),
                                     .resource = PICK(s, of),
                                     .principal = &PICK(s, callers),
                                     .context = &r->context};
}

/* ---- properties ---- */

static struct policy *
parse(struct str text, enum policy_kind kind, struct arena *a)
{
    struct policy *p = NULL;
    struct str why = STR_NONE;
    int r = policy_parse(&p, text, kind, a, &why);

    must(r == 0 || (r == 1 && why.n > 0 && !p));
    return p;
}

/* The document with its statements in reverse order. */
static struct str
reversed(struct str text, struct buf *b, struct arena *a)
{
    struct json doc;
    size_t at;
    struct json_out o = {b, false};

    must(json_parse(a, text, 100000, &doc, &at));
    for (size_t i = 0; i < doc.n; i++) {
        struct json *s = &doc.v[i];

        for (size_t k = 0; str_is(doc.names[i], "Statement") && s->kind == JSON_ARRAY &&
                           k < s->n / 2; k++) {
            struct json x = s->v[k];

            s->v[k] = s->v[s->n - 1 - k];
            s->v[s->n - 1 - k] = x;
        }
    }
    json_value(&o, &doc);
    return buf_str(b);
}

static void
compare(const struct policy *p, const struct policy *q, struct source *s, bool resource)
{
    const struct policy *twice[] = {p, q, p};

    for (int i = 0; i < 8; i++) {
        struct request r;

        make_request(s, &r);
        enum policy_effect effect = policy_eval(p, &r.req).effect;

        must(effect == policy_eval(q, &r.req).effect);
        struct policy_set one = {.identity = {twice, 1}}, many = {.identity = {twice, 3}};

        if (resource) {
            one.resource = p;
            many.resource = q;
        }
        one.resource_rules = many.resource_rules = pick(s, 2);
        one.boundary = many.boundary = pick(s, 3) ? NULL : p;
        struct policy_decision d = policy_decide(&one, &r.req), e = policy_decide(&many, &r.req);

        must(d.allowed == e.allowed && d.by == e.by && d.explicit_deny == e.explicit_deny);
        must(!d.allowed || effect != POLICY_DENY);
        must(effect != POLICY_DENY || d.explicit_deny);
    }
}

static void
one_document(struct str text, enum policy_kind kind, struct source *s)
{
    struct arena a;
    struct buf b;
    struct policy *p;
    struct str_list list;
    struct policy_named_list named;

    arena_init(&a, 64 << 20);
    buf_init(&b, 8 << 20);
    p = parse(text, kind, &a);
    if (p) {
        struct policy *q = parse(reversed(text, &b, &a), kind, &a);

        must(q != NULL);
        policy_context_keys(p, &a, &list);
        policy_actions(p, &a, &list);
        must(list.n > 0);
        policy_resources(p, &a, &list);
        policy_principals(p, &a, &named);
        if (kind == POLICY_RESOURCE)
            must(policy_is_public(p, &a) == policy_is_public(q, &a));
        compare(p, q, s, kind == POLICY_RESOURCE || kind == POLICY_TRUST);
        policy_free(q);
    }
    policy_free(p);
    buf_done(&b);
    arena_done(&a);
}

static void
add_statement(struct buf *b, struct source *s, bool resource)
{
    buf_add_fmt(b, "{\"Effect\":\"%s\",\"%s\":[\"%s\",\"%s\"],\"%s\":[\"%s\",\"%s\"]",
                pick(s, 3) ? "Allow" : "Deny", pick(s, 4) ? "Action" : "NotAction",
                PICK(s, actions).p, PICK(s, actions).p, pick(s, 4) ? "Resource" : "NotResource",
                PICK(s, resources).p, PICK(s, resources).p);
    if (resource)
        buf_add_fmt(b, ",\"%s\":%s", pick(s, 3) ? "Principal" : "NotPrincipal",
                    PICK(s, principals).p);
    if (pick(s, 2))
        buf_add_fmt(b, ",\"Condition\":{\"%s\":{\"%s\":[\"%s\",\"%s\"]}}", PICK(s, operators).p,
                    PICK(s, keys).p, PICK(s, values).p, PICK(s, values).p);
    buf_add_lit(b, "}");
}

static void
made_document(struct source *s)
{
    struct buf b;
    bool resource = pick(s, 2);
    unsigned n = 1 + pick(s, 6);

    buf_init(&b, 1 << 16);
    buf_add_fmt(&b, "{\"Version\":\"%s\",\"Statement\":[",
                pick(s, 4) ? "2012-10-17" : "2008-10-17");
    for (unsigned i = 0; i < n; i++) {
        if (i)
            buf_add_lit(&b, ",");
        add_statement(&b, s, resource);
    }
    buf_add_lit(&b, "]}");
    one_document(buf_str(&b), resource ? POLICY_RESOURCE : POLICY_IDENTITY, s);
    buf_done(&b);
}

/* Without escapes and with bytes for characters str_glob() must agree. */
static void
one_pattern(struct str pattern, struct str text)
{
    struct arena a;
    struct pattern p;

    for (size_t i = 0; i < pattern.n; i++)
        if (pattern.p[i] == '\\')
            return;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return;
    if (pattern.n > 200 || text.n > 200)
        return;
    arena_init(&a, 1 << 20);
    struct block b = {.scratch = &a};

    pattern_compile(&b, pattern, PATTERN_GLOB, &p);
    must((pattern_match(&p, text, NULL, false) == MATCH_YES) == str_glob(pattern, text));
    arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    char *exact = malloc(n); /* so that reading one byte too far is seen */

    must(exact);
    memcpy(exact, data, n);
    struct source s = {(const uint8_t *)exact, n};
    struct str text = str_of(exact, n);

    if (data[0] == 'p') {
        struct str pattern = str_cut(text, 1, n), of = pattern;

        pattern = str_split(&of, '\n');
        one_pattern(pattern, of);
    } else if (data[0] == '{') {
        for (int kind = POLICY_IDENTITY; kind <= POLICY_MANAGED; kind++)
            one_document(text, (enum policy_kind)kind, &(struct source){s.p, s.n});
    } else {
        made_document(&s);
    }
    free(exact);
    return 0;
}
