/*
 * Documents of a simulation.  The engine says which statement decided, AWS shows all that spoke and
 * where they stand.  So each statement is found in the text and compiled as a document of its own,
 * once as it is and once without its conditions: the second tells which context keys would have
 * mattered.
 */
#include "iam/managed.h"
#include "iam/simulate.h"

#include "codec/json.h"

enum { NODES_MAX = 65536, SCRATCH_BYTES_MAX = 32 << 20 };

/* ---- where statements stand ---- */

struct scan {
    struct str s;
    size_t i;
    struct sim_position at;
};

/* The text is JSON already, so the scanner only has to know texts from brackets. */
static void
step(struct scan *c)
{
    assert(c->i < c->s.n);
    unsigned char byte = (unsigned char)c->s.p[c->i++];

    if (byte == '\n')
        c->at = (struct sim_position){c->at.line + 1, 0};
    else if ((byte & 0xc0) != 0x80)
        c->at.column++;
}

static struct str
scan_text(struct scan *c)
{
    size_t from = c->i;

    assert(c->s.p[c->i] == '"');
    step(c);
    while (c->i < c->s.n && c->s.p[c->i] != '"') {
        if (c->s.p[c->i] == '\\')
            step(c);
        step(c);
    }
    step(c);
    assert(c->i > from + 1);
    return str_cut(c->s, from, c->i);
}

static bool
is_statement_key(struct arena *a, struct str quoted)
{
    struct json j;
    size_t at;

    return json_parse(a, quoted, 1, &j, &at) && str_is(j.text, "Statement");
}

struct sim_span_list
sim_spans(struct arena *a, struct str text)
{
    struct scan c = {.s = text, .at = {1, 0}};
    struct sim_span_list list = {0};
    unsigned depth = 0, base = 0; /* base: the depth at which statements begin; 0: not in them */
    struct sim_span *open = NULL;
    bool key = false;

    while (c.i < text.n) {
        char byte = text.p[c.i];

        if (byte == '"') {
            struct str quoted = scan_text(&c);

            if (depth == 1)
                key = is_statement_key(a, quoted);
            continue;
        }
        if (byte == '{' || byte == '[') {
            if (depth == 1 && key)
                base = byte == '[' ? 2 : 1;
            if (byte == '{' && base && depth == base) {
                open = LIST_PUSH(a, &list);
                open->text = str_cut(text, c.i, text.n);
                open->start = c.at;
            }
            depth++;
        }
        step(&c);
        if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
            if (open && byte == '}' && depth == base) {
                open->text.n = (size_t)(text.p + c.i - open->text.p);
                assert(open->text.n > 0 && open->text.p[0] == '{');
                open->end = c.at;
                open = NULL;
            }
            if (depth == 1)
                base = 0;
        }
    }
    return list;
}

/* ---- a document ---- */

static int
compile(struct api_call *call, struct str json, enum policy_kind kind, struct policy **ret)
{
    struct str why;
    int r = policy_parse(ret, json, kind, call->arena, &why);

    if (r > 0)
        return api_fault(call, &IAM_ERR(InvalidInput), "%.*s", STR_ARG(why));
    return r < 0 ? error_origin(-r, "a policy document cannot be compiled") : 0;
}

/* {"Version": …, "Statement": the statement, with or without its conditions}. */
static int
compile_statement(struct api_call *call, const struct json *version, const struct json *statement,
                  enum policy_kind kind, bool conditions, struct policy **ret)
{
    struct buf b;
    int r;

    assert(statement->kind == JSON_OBJECT);
    buf_init(&b, POLICY_TEXT_MAX);
    struct json_out o = {&b};

    json_open(&o, '{');
    if (version) {
        json_key(&o, S("Version"));
        json_value(&o, version);
    }
    json_key(&o, S("Statement"));
    json_open(&o, '{');
    for (size_t i = 0; i < statement->n; i++) {
        if (!conditions && str_is(statement->names[i], "Condition"))
            continue;
        json_key(&o, statement->names[i]);
        json_value(&o, &statement->v[i]);
    }
    json_close(&o, '}');
    json_close(&o, '}');
    r = buf_failed(&b) ? error_origin(E2BIG, "a statement is too long")
                       : compile(call, buf_str(&b), kind, ret);
    buf_done(&b);
    return r;
}

static int
add_statement(struct api_call *call, struct sim_document *doc, const struct json *version,
              const struct sim_span *span, enum policy_kind kind)
{
    struct arena scratch CLEANUP(arena_done);
    struct sim_statement *s = LIST_PUSH(call->arena, doc);
    struct json statement;
    size_t at;

    assert(span->text.n > 0);
    arena_init(&scratch, SCRATCH_BYTES_MAX);

    s->start = span->start;
    s->end = span->end;
    if (!json_parse(&scratch, span->text, NODES_MAX, &statement, &at))
        return error_origin(EINVAL, "a statement is no JSON at %zu", at);
    int r = compile_statement(call, version, &statement, kind, true, &s->whole);

    if (r)
        return r;
    policy_context_keys(s->whole, call->arena, &s->keys);
    assert(!s->folded.n);
    /* They are shown when the policy is gone. */
    LIST_EACH(&s->keys, key) {
        *key = str_dup(call->arena, *key);
        *LIST_PUSH(call->arena, &s->folded) = str_lower(call->arena, *key);
    }
    return compile_statement(call, version, &statement, kind, false, &s->bare);
}

int
sim_add(struct api_call *call, struct sim_documents *list, struct str id, enum policy_kind kind,
        struct str json)
{
    struct arena scratch CLEANUP(arena_done);
    struct policy *policy;
    struct json tree;
    size_t at;
    int r;

    arena_init(&scratch, SCRATCH_BYTES_MAX);
    list->bytes += json.n;
    if (list->bytes > SIM_BYTES_MAX)
        return api_fault(call, &IAM_ERR(InvalidInput),
                         "The policies of a simulation have at most %d bytes together.",
                         SIM_BYTES_MAX);
    r = compile(call, json, kind, &policy);
    if (r)
        return r;
    struct sim_document *doc = LIST_PUSH(call->arena, list);

    assert(policy);
    *doc = (struct sim_document){
        .id = id,
        .type = kind == POLICY_RESOURCE ? "Resource Policy" : "IAM Policy",
        .policy = policy,
    };
    if (!json_parse(&scratch, json, NODES_MAX, &tree, &at))
        return error_origin(EINVAL, "a policy document is no JSON at %zu", at);
    const struct sim_span_list spans = sim_spans(&scratch, json);

    list->statements += spans.n;
    for (size_t i = 0; r == 0 && i < spans.n; i++)
        r = add_statement(call, doc, json_get(&tree, "Version"), &spans.v[i], kind);
    return r;
}

int
sim_add_list(struct api_call *call, struct sim_documents *list, const char *name,
             const struct str_list *documents)
{
    int r = 0;

    assert(name);
    for (size_t i = 0; r == 0 && i < documents->n; i++)
        r = sim_add(call, list, str_fmt(call->arena, "%s.%zu", name, i + 1), POLICY_IDENTITY,
                    documents->v[i]);
    return r;
}

void
sim_free(struct sim_documents *list)
{
    LIST_EACH(list, doc) {
        policy_free(doc->policy);
        LIST_EACH(doc, s) {
            policy_free(s->whole);
            policy_free(s->bare);
        }
    }
    *list = (struct sim_documents){0};
}

/* ---- the policies of a user, group or role ---- */

static int
source_user(struct api_call *call, struct str name, struct sim_source *ret)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, name, &row);

    if (r == 0)
        *ret = (struct sim_source){"user", row->id, row->name,
                                   iam_arn(call, "user", row->path, row->name), row->boundary};
    return r;
}

static int
source_group(struct api_call *call, struct str name, struct sim_source *ret)
{
    const struct iam_group_row *row;
    int r = iam_group_find(call, name, &row);

    if (r == 0)
        *ret = (struct sim_source){"group", row->id, row->name,
                                   iam_arn(call, "group", row->path, row->name), S("")};
    return r;
}

static int
source_role(struct api_call *call, struct str name, struct sim_source *ret)
{
    const struct iam_role_row *row;
    int r = iam_role_find(call, name, &row);

    if (r == 0)
        *ret = (struct sim_source){"role", row->id, row->name,
                                   iam_arn(call, "role", row->path, row->name), row->boundary};
    return r;
}

int
sim_source_find(struct api_call *call, struct str arn, struct sim_source *ret)
{
    static const struct {
        const char *kind;
        int (*find)(struct api_call *call, struct str name, struct sim_source *ret);
    } kinds[] = {{"user", source_user}, {"group", source_group}, {"role", source_role}};
    struct str head = str_fmt(call->arena, "arn:aws:iam::%.*s:", STR_ARG(call->account));
    struct str entity = str_cut(arn, head.n, arn.n);
    size_t slash = entity.n;

    while (slash > 0 && entity.p[slash - 1] != '/')
        slash--;
    struct str name = str_cut(entity, slash, entity.n);
    struct str kind = str_starts(arn, head) && name.n ? str_split(&entity, '/') : STR_NONE;

    for (size_t i = 0; i < ARRAY_LEN(kinds) && slash > 0; i++) {
        if (!str_is(kind, kinds[i].kind))
            continue;
        assert(name.n > 0);
        int r = kinds[i].find(call, name, ret);

        if (r == 0 && !str_eq(ret->arn, arn))
            r = api_fault(call, &IAM_ERR(NoSuchEntity), "The %s with name %.*s cannot be found.",
                          kinds[i].kind, STR_ARG(name));
        return r;
    }
    return api_fault(call, &IAM_ERR(InvalidInput),
                     "Invalid Entity Arn: %.*s does not clearly define entity type and name.",
                     STR_ARG(arn));
}

static int
add_owner(struct api_call *call, struct sim_documents *list, const char *kind, struct str id,
          struct str name)
{
    int r = 0;

    STORE_EACH(call->txn, iam_inline_by_owner, row, id)
        if (r == 0)
            r = sim_add(
                call, list,
                str_fmt(call->arena, "%s_%.*s_%.*s", kind, STR_ARG(name), STR_ARG(row->name)),
                POLICY_IDENTITY, row->document);
    STORE_EACH(call->txn, iam_attachment_by_owner, row, id) {
        struct iam_managed policy;

        if (r == 0 && iam_managed_get(call, row->policy_arn, &policy))
            r = sim_add(call, list, policy.name, POLICY_IDENTITY, policy.document);
    }
    return r;
}

int
sim_add_source(struct api_call *call, struct sim_documents *list, const struct sim_source *source)
{
    int r = add_owner(call, list, source->kind, source->id, source->name);

    STORE_EACH(call->txn, iam_member_by_user, member, source->id) {
        const struct iam_group_row *group = iam_group_get(call->txn, member->group_id);

        assert(group);
        if (r == 0 && group)
            r = add_owner(call, list, "group", group->id, group->name);
    }
    return r;
}
