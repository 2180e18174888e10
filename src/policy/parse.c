/*
 * From a checked document to its compiled form, and what others may ask of that form.
 */
#include "policy/internal.h"

#include <stdlib.h>

/* Members of objects and lists beyond the values that POLICY_VALUES_MAX counts: containers. */
enum { NODES_MAX = 2 * POLICY_VALUES_MAX };
static const size_t scratch_max_bytes = (size_t)256 << 20;

uint32_t
service_fingerprint(struct str service)
{
    uint32_t h = 2166136261u;

    assert(str_ok(service));
    for (size_t i = 0; i < service.n; i++)
        h = (h ^ (uint8_t)lower(service.p[i])) * 16777619u;
    return h | 1; /* 0 is any service */
}

/* ---- compiling ---- */

static void
compile_actions(struct block *b, const struct json *j, struct statement *s)
{
    size_t n;
    const struct json *v = json_values(j, &n);
    uint32_t *services = BLOCK_ARRAY(b, uint32_t, n);
    struct action *actions = BLOCK_ARRAY(b, struct action, n);

    for (size_t i = 0; i < n; i++) {
        struct str written = block_text(b, v[i].text), name = written;
        struct str service = str_split(&name, ':');

        actions[i].written = written;
        if (!name.p) { /* "*" alone */
            name = service;
            service = S("*");
        }
        if (!str_is(service, "*")) {
            actions[i].service = block_lower(b, service);
            services[i] = service_fingerprint(service);
        }
        assert((services[i] == 0) == (actions[i].service.n == 0));
        pattern_compile(b, name, PATTERN_GLOB, &actions[i].name);
    }
    assert(n > 0);
    s->services = services;
    s->actions = actions;
    s->n_actions = n;
}

static void
compile_resources(struct block *b, const struct json *j, bool variables, struct statement *s)
{
    size_t n;
    const struct json *v = json_values(j, &n);
    struct pattern *patterns = BLOCK_ARRAY(b, struct pattern, n);
    struct str *written = BLOCK_ARRAY(b, struct str, n);

    for (size_t i = 0; i < n; i++) {
        written[i] = block_text(b, v[i].text);
        pattern_compile(b, v[i].text, PATTERN_GLOB | (variables ? PATTERN_VARIABLES : 0u),
                        &patterns[i]);
    }
    s->resources = patterns;
    s->resources_written = written;
    s->n_resources = n;
    assert(n > 0);
    s->has_resource = true;
}

static void
compile_principals(struct block *b, const struct json *j, struct statement *s)
{
    size_t n = 0, at = 0;

    s->has_principal = true;
    if (j->kind == JSON_STRING) {
        struct named *p = BLOCK_ARRAY(b, struct named, 1);

        *p = (struct named){.kind = NAMED_ANYONE, .type = S("AWS"), .written = S("*")};
        s->principals = p;
        s->n_principals = 1;
        return;
    }
    for (size_t i = 0; i < j->n; i++) {
        size_t more;

        json_values(&j->v[i], &more);
        n += more;
    }
    struct named *p = BLOCK_ARRAY(b, struct named, n);

    for (size_t i = 0; i < j->n; i++) {
        size_t more;
        const struct json *v = json_values(&j->v[i], &more);
        struct str type = block_text(b, j->names[i]);

        for (size_t k = 0; k < more; k++) {
            bool ok = named_parse(type, block_text(b, v[k].text), &p[at++]);

            assert(ok);
            (void)ok;
        }
    }
    assert(at == n && n > 0);
    s->principals = p;
    s->n_principals = n;
}

static void
compile_conditions(struct block *b, const struct json *j, bool variables, struct statement *s)
{
    size_t n = 0, at = 0;

    for (size_t i = 0; i < j->n; i++)
        n += j->v[i].n;
    struct condition *c = BLOCK_ARRAY(b, struct condition, n);

    for (size_t i = 0; i < j->n; i++)
        for (size_t k = 0; k < j->v[i].n; k++)
            condition_compile(b, j->names[i], j->v[i].names[k], &j->v[i].v[k], variables, &c[at++]);
    assert(at == n);
    s->conditions = c;
    s->n_conditions = n;
}

static void
compile_statement(struct block *b, const struct json *j, bool variables, struct statement *s)
{
    const struct json *m;

    s->deny = str_is(json_text(j, "Effect"), "Deny");
    s->sid = block_text(b, json_text(j, "Sid"));
    s->not_action = json_get(j, "NotAction") != NULL;
    compile_actions(b, json_get(j, s->not_action ? "NotAction" : "Action"), s);
    assert(s->n_actions > 0);
    s->not_resource = json_get(j, "NotResource") != NULL;
    m = json_get(j, s->not_resource ? "NotResource" : "Resource");
    if (m)
        compile_resources(b, m, variables, s);
    s->not_principal = json_get(j, "NotPrincipal") != NULL;
    m = json_get(j, s->not_principal ? "NotPrincipal" : "Principal");
    if (m)
        compile_principals(b, m, s);
    m = json_get(j, "Condition");
    if (m)
        compile_conditions(b, m, variables, s);
}

static struct policy *
compile(struct block *b, const struct json *doc)
{
    struct policy *p = BLOCK_ARRAY(b, struct policy, 1);
    bool variables = str_is(json_text(doc, "Version"), "2012-10-17");
    const struct json *v = json_values(json_get(doc, "Statement"), &p->n);

    assert(p->n > 0 && p->n <= POLICY_STATEMENTS_MAX); /* policy_validate() */
    p->statements = BLOCK_ARRAY(b, struct statement, p->n);
    for (size_t i = 0; i < p->n; i++)
        compile_statement(b, &v[i], variables, &p->statements[i]);
    return p;
}

int
policy_parse(struct policy **ret, struct str json, enum policy_kind kind, struct arena *a,
             struct str *ret_why)
{
    struct arena scratch CLEANUP(arena_done);
    struct json doc;
    size_t at;

    arena_init(&scratch, scratch_max_bytes);
    if (json.n > POLICY_TEXT_MAX || !json_parse(&scratch, json, NODES_MAX, &doc, &at)) {
        *ret_why = S("Syntax errors in policy.");
        return 1;
    }
    struct str why = policy_validate(&doc, kind, a);

    if (why.p) {
        *ret_why = why;
        return 1;
    }
    struct block measure = {.scratch = &scratch};

    compile(&measure, &doc);
    struct block b = {.p = malloc(measure.used), .size = measure.used};

    if (!b.p)
        return -ENOMEM;
    struct policy *p = compile(&b, &doc);

    assert(b.used == b.size && (char *)p == b.p);
    p->bytes = b.size;
    *ret = p;
    return 0;
}

struct policy *
policy_free(struct policy *policy)
{
    free(policy);
    return NULL;
}

size_t
policy_bytes(const struct policy *policy)
{
    assert(policy->bytes > sizeof(*policy));
    return policy->bytes;
}

/* ---- what a document names ---- */

static void
add(struct arena *a, struct str_list *list, struct str s, bool fold)
{
    assert(str_ok(s));
    LIST_EACH(list, x)
        if (fold ? str_eq_nocase(*x, s) : str_eq(*x, s))
            return;
    *LIST_PUSH(a, list) = s;
}

static void
add_variables(struct arena *a, struct str_list *list, const struct pattern *p)
{
    for (size_t i = 0; p->kind == PATTERN_PIECES && i < p->n; i++)
        if (p->pieces[i].kind == PIECE_VARIABLE)
            add(a, list, p->pieces[i].text, true);
}

void
policy_context_keys(const struct policy *policy, struct arena *a, struct str_list *ret)
{
    assert(policy && ret);
    *ret = (struct str_list){0};
    for (size_t i = 0; i < policy->n; i++) {
        const struct statement *s = &policy->statements[i];

        for (size_t k = 0; k < s->n_resources; k++)
            add_variables(a, ret, &s->resources[k]);
        for (size_t k = 0; k < s->n_conditions; k++) {
            const struct condition *c = &s->conditions[k];

            add(a, ret, c->key, true);
            for (size_t x = 0; x < c->n; x++) {
                add_variables(a, ret, &c->v[x].pattern);
                for (int y = 0; c->v[x].parts && y < ARN_PARTS; y++)
                    add_variables(a, ret, &c->v[x].parts[y]);
            }
        }
    }
}

void
policy_actions(const struct policy *policy, struct arena *a, struct str_list *ret)
{
    assert(policy && ret);
    *ret = (struct str_list){0};
    for (size_t i = 0; i < policy->n; i++)
        for (size_t k = 0; k < policy->statements[i].n_actions; k++)
            add(a, ret, policy->statements[i].actions[k].written, false);
}

void
policy_resources(const struct policy *policy, struct arena *a, struct str_list *ret)
{
    assert(policy && ret);
    *ret = (struct str_list){0};
    for (size_t i = 0; i < policy->n; i++)
        for (size_t k = 0; k < policy->statements[i].n_resources; k++)
            add(a, ret, policy->statements[i].resources_written[k], false);
}

void
policy_principals(const struct policy *policy, struct arena *a, struct policy_named_list *ret)
{
    assert(policy && ret);
    *ret = (struct policy_named_list){0};
    for (size_t i = 0; i < policy->n; i++)
        for (size_t k = 0; k < policy->statements[i].n_principals; k++) {
            const struct named *p = &policy->statements[i].principals[k];
            bool known = false;

            LIST_EACH(ret, x)
                known |= str_eq(x->type, p->type) && str_eq(x->text, p->written);
            if (!known)
                *LIST_PUSH(a, ret) = (struct policy_named){p->type, p->written};
        }
}
