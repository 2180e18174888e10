/*
 * What the policy engine cannot know of a document: how long it may be, and whether the users and
 * roles that a trust policy names exist.  Replacing a principal works on the bytes between the
 * quotes, so that the rest of the document stays as it was written.
 */
#include "iam/document.h"

#include "codec/aws_names.h"
#include "codec/json.h"
#include "codec/uri.h"

#include <stdlib.h>

/* A document has at most 131,072 characters, and a value takes two at least. */
enum { DOCUMENT_NODES_MAX = 65536, SCRATCH_BYTES_MAX = 32 << 20 };
/* White space does not count for a quota, but it must be kept somewhere. */
enum { TRUST_BYTES_MAX = 8192 };

int
iam_document_check(struct api_call *call, struct str json, enum policy_kind kind)
{
    struct policy *policy;
    struct str why;
    int r = policy_parse(&policy, json, kind, call->arena, &why);

    if (r > 0)
        return api_fault(call, &IAM_ERR(MalformedPolicyDocument), "%.*s", STR_ARG(why));
    if (r < 0)
        return error_origin(-r, "a policy document cannot be compiled");
    policy_free(policy);
    return 0;
}

struct str
iam_document_show(struct api_call *call, struct str json)
{
    return uri_encode(call->arena, json, 0);
}

int64_t
iam_document_size(struct str json)
{
    int64_t size = 0;

    for (size_t i = 0; i < json.n; i++) {
        unsigned char c = (unsigned char)json.p[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';

        /* UTF-8: the bytes behind the first of a character do not count. */
        size += !blank && (c & 0xc0) != 0x80;
    }
    assert(size >= 0 && size <= (int64_t)json.n);
    return size;
}

/* ---- principals ---- */

/* A run of the document's bytes and what stands there instead. */
struct splice {
    struct str old, new;
};
struct splice_list {
    struct splice *v;
    size_t n;
};

static int
splice_order(const void *a, const void *b)
{
    const struct splice *x = a, *y = b;

    return (x->old.p > y->old.p) - (x->old.p < y->old.p);
}

/* A text that had escapes is no slice of the document: no ARN or id needs one, so it stays. */
static struct str
splice(struct arena *a, struct str text, struct splice_list *list)
{
    struct str out = S("");
    size_t from = 0;

    if (list->n > 1)
        qsort(list->v, list->n, sizeof(*list->v), splice_order);
    LIST_EACH(list, s) {
        if (s->old.p < text.p + from || s->old.p + s->old.n > text.p + text.n)
            continue;
        size_t at = (size_t)(s->old.p - text.p);
        assert(at >= from);

        out = str_cat(a, str_cat(a, out, str_cut(text, from, at)), s->new);
        from = at + s->old.n;
        assert(from <= text.n);
    }
    return str_cat(a, out, str_cut(text, from, text.n));
}

/* Calls fn for each text of a Principal or NotPrincipal element, in the document's order. */
typedef int each_principal(struct api_call *call, struct str type, struct str value, void *ctx);

static int
walk_values(struct api_call *call, struct str type, const struct json *j, each_principal *fn,
            void *ctx)
{
    int r = 0;

    if (j->kind == JSON_STRING)
        return fn(call, type, j->text, ctx);
    for (size_t i = 0; r == 0 && j->kind == JSON_ARRAY && i < j->n; i++)
        if (j->v[i].kind == JSON_STRING)
            r = fn(call, type, j->v[i].text, ctx);
    return r;
}

static int
walk_statement(struct api_call *call, const struct json *statement, each_principal *fn, void *ctx)
{
    int r = 0;

    for (size_t i = 0; r == 0 && statement->kind == JSON_OBJECT && i < statement->n; i++) {
        const struct json *who = &statement->v[i];
        struct str name = statement->names[i];

        if (!str_is(name, "Principal") && !str_is(name, "NotPrincipal"))
            continue;
        for (size_t k = 0; r == 0 && who->kind == JSON_OBJECT && k < who->n; k++)
            r = walk_values(call, who->names[k], &who->v[k], fn, ctx);
    }
    return r;
}

/* The document was parsed by the engine before: what is no JSON here is our bug. */
static int
walk_principals(struct api_call *call, struct str json, each_principal *fn, void *ctx)
{
    struct arena scratch CLEANUP(arena_done);
    struct json tree;
    size_t at;
    int r = 0;

    /* A tree is many times as long as its text, and a list shows a thousand documents. */
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    if (!json_parse(&scratch, json, DOCUMENT_NODES_MAX, &tree, &at))
        return error_origin(EINVAL, "a policy document is no JSON at %zu", at);
    const struct json *statement = json_get(&tree, "Statement");

    if (!statement)
        return 0;
    if (statement->kind == JSON_OBJECT)
        return walk_statement(call, statement, fn, ctx);
    for (size_t i = 0; r == 0 && i < statement->n; i++)
        r = walk_statement(call, &statement->v[i], fn, ctx);
    return r;
}

static int
invalid_principal(struct api_call *call, struct str type, struct str value)
{
    assert(type.n > 0);
    return api_fault(call, &IAM_ERR(MalformedPolicyDocument),
                     "Invalid principal in policy: \"%.*s\":\"%.*s\"", STR_ARG(type),
                     STR_ARG(value));
}

/* Whether Welkin has anything of an account: of others it cannot say who exists. */
static bool
account_known(struct api_call *call, struct str account)
{
    if (str_eq(account, call->account))
        return true;
    STORE_EACH(call->txn, iam_user_by_name, row, account)
        return row != NULL;
    STORE_EACH(call->txn, iam_role_by_name, row, account)
        return row != NULL;
    return false;
}

/* The name behind the last slash, and the path before it: "user/a/b/NAME" has "/a/b/". */
static bool
split_entity(struct str entity, const char *type, struct str *ret_path, struct str *ret_name)
{
    size_t head = strlen(type), slash = entity.n;

    if (!str_starts(entity, str_from(type)) || entity.n <= head || entity.p[head] != '/')
        return false;
    while (entity.p[slash - 1] != '/')
        slash--;
    *ret_path = str_cut(entity, head, slash);
    *ret_name = str_cut(entity, slash, entity.n);
    assert(ret_path->n > 0 && ret_path->p[0] == '/' && ret_path->p[ret_path->n - 1] == '/');
    return true;
}

/* The unique id of the user or role "user/PATH/NAME"; absent when there is none. */
static struct str
entity_id(struct api_call *call, struct str account, struct str entity)
{
    struct str path, name;

    assert(aws_is_account(account));
    if (split_entity(entity, "user", &path, &name)) {
        const struct iam_user_row *row =
            iam_user_by_name_get(call->txn, account, str_lower(call->arena, name));

        return row && str_eq(row->path, path) ? row->id : STR_NONE;
    }
    if (split_entity(entity, "role", &path, &name)) {
        const struct iam_role_row *row =
            iam_role_by_name_get(call->txn, account, str_lower(call->arena, name));

        return row && str_eq(row->path, path) ? row->id : STR_NONE;
    }
    return STR_NONE;
}

static bool
is_unique_id(struct str s)
{
    return s.n == 21 && (str_starts(s, S("AIDA")) || str_starts(s, S("AROA")));
}

static int
aws_principal(struct api_call *call, struct str value, struct splice_list *changes)
{
    struct str rest = value, part[6];

    if (str_is(value, "*") || aws_is_account(value))
        return 0;
    if (is_unique_id(value))
        return iam_user_get(call->txn, value) || iam_role_get(call->txn, value)
                   ? 0
                   : invalid_principal(call, S("AWS"), value);
    for (size_t i = 0; i < 5; i++)
        part[i] = str_split(&rest, ':');
    part[5] = rest;
    if (!str_is(part[0], "arn") || !str_is(part[1], "aws") || part[3].n || !aws_is_account(part[4]))
        return invalid_principal(call, S("AWS"), value);
    if (str_is(part[2], "sts") &&
        (str_starts(part[5], S("assumed-role/")) || str_starts(part[5], S("federated-user/"))))
        return 0;
    if (!str_is(part[2], "iam"))
        return invalid_principal(call, S("AWS"), value);
    if (str_is(part[5], "root"))
        return 0;
    assert(str_is(part[2], "iam") && !part[3].n);
    struct str id = entity_id(call, part[4], part[5]);
    struct str path, name;

    if (id.p) {
        *LIST_PUSH(call->arena, changes) = (struct splice){value, id};
        return 0;
    }
    if (!account_known(call, part[4]) && (split_entity(part[5], "user", &path, &name) ||
                                          split_entity(part[5], "role", &path, &name)))
        return 0;
    return invalid_principal(call, S("AWS"), value);
}

static int
check_principal(struct api_call *call, struct str type, struct str value, void *ctx)
{
    if (str_is(type, "AWS"))
        return aws_principal(call, value, ctx);
    if (str_is(type, "Service") && !str_ends(value, S(".amazonaws.com")) &&
        !str_ends(value, S(".amazonaws.com.cn")) && !str_ends(value, S(".amazon.com")))
        return invalid_principal(call, S("SERVICE"), value);
    return 0;
}

int
iam_trust_check(struct api_call *call, struct str json, struct str *ret)
{
    struct splice_list changes = {0};
    int r = iam_document_check(call, json, POLICY_TRUST);

    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_TRUST_POLICY_SIZE,
                            json.n > TRUST_BYTES_MAX ? INT64_MAX : iam_document_size(json));
    if (r == 0)
        r = walk_principals(call, json, check_principal, &changes);
    if (r == 0)
        *ret = splice(call->arena, json, &changes);
    assert(r != 0 || ret->n > 0);
    return r;
}

static int
show_principal(struct api_call *call, struct str type, struct str value, void *ctx)
{
    struct splice_list *changes = ctx;

    if (!str_is(type, "AWS") || !is_unique_id(value))
        return 0;
    const struct iam_user_row *user = iam_user_get(call->txn, value);
    const struct iam_role_row *role = iam_role_get(call->txn, value);

    assert(!(user && role)); /* AIDA or AROA */
    if (user)
        *LIST_PUSH(call->arena, changes) = (struct splice){
            value, str_fmt(call->arena, "arn:aws:iam::%.*s:user%.*s%.*s", STR_ARG(user->account),
                           STR_ARG(user->path), STR_ARG(user->name))};
    if (role)
        *LIST_PUSH(call->arena, changes) = (struct splice){
            value, str_fmt(call->arena, "arn:aws:iam::%.*s:role%.*s%.*s", STR_ARG(role->account),
                           STR_ARG(role->path), STR_ARG(role->name))};
    return 0;
}

struct str
iam_trust_show(struct api_call *call, struct str kept)
{
    struct splice_list changes = {0};

    /* Most have none: no parsing then. */
    if (str_find(kept, S("AIDA")) != SIZE_MAX || str_find(kept, S("AROA")) != SIZE_MAX)
        if (walk_principals(call, kept, show_principal, &changes) == 0)
            kept = splice(call->arena, kept, &changes);
    return iam_document_show(call, kept);
}
