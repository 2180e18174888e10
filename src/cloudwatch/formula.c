/* A parser by descent; its depth is bounded by the nodes, of which every bracket makes one. */
#include "cloudwatch/formula.h"

enum { DEPTH_MAX = 64 };

struct parser {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth, nodes;
    struct str_list *names;
    bool failed;
};

static const struct cloudwatch_formula *parse_or(struct parser *p);

static void
skip_blanks(struct parser *p)
{
    while (p->at < p->text.n && (p->text.p[p->at] == ' ' || p->text.p[p->at] == '\t' ||
                                 p->text.p[p->at] == '\n' || p->text.p[p->at] == '\r'))
        p->at++;
}

static bool
take(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->at >= p->text.n || p->text.p[p->at] != c)
        return false;
    p->at++;
    return true;
}

static bool
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

/* The word of capitals that is next, without taking it. */
static struct str
peek_word(struct parser *p)
{
    size_t end;

    assert(p->at <= p->text.n);
    skip_blanks(p);
    for (end = p->at; end < p->text.n && is_letter(p->text.p[end]);)
        end++;
    return str_cut(p->text, p->at, end);
}

static bool
take_word(struct parser *p, const char *word)
{
    struct str next = peek_word(p);

    if (!str_is(next, word))
        return false;
    p->at += next.n;
    return true;
}

static const struct cloudwatch_formula *
node(struct parser *p, struct cloudwatch_formula value)
{
    struct cloudwatch_formula *new = ARENA_NEW(p->arena, struct cloudwatch_formula);

    if (++p->nodes > CLOUDWATCH_FORMULA_NODES_MAX)
        p->failed = true;
    assert(value.kind < CLOUDWATCH_FORMULA_NOT || value.a);
    *new = value;
    return new;
}

/* ("name"), ('name') or (name). */
static struct str
parse_name(struct parser *p)
{
    if (!take(p, '('))
        return STR_NONE;
    skip_blanks(p);
    char quote = p->at < p->text.n ? p->text.p[p->at] : '\0';
    struct str name;

    if (quote == '"' || quote == '\'') {
        struct str rest = str_cut(p->text, p->at + 1, p->text.n);
        size_t end = str_find_char(rest, quote);

        name = str_cut(rest, 0, end);
        p->at += 1 + (end == SIZE_MAX ? rest.n : end + 1);
        if (end == SIZE_MAX)
            return STR_NONE;
    } else {
        struct str rest = str_cut(p->text, p->at, p->text.n);
        size_t end = str_find_char(rest, ')');

        name = str_trim(str_cut(rest, 0, end));
        p->at += MIN(end, rest.n);
    }
    return name.n && take(p, ')') ? name : STR_NONE;
}

static const struct cloudwatch_formula *
parse_state(struct parser *p)
{
    for (unsigned i = CLOUDWATCH_OK; i < CLOUDWATCH_RETAIN; i++) {
        if (!take_word(p, cloudwatch_states[i]))
            continue;
        struct str name = parse_name(p);

        if (!name.p || p->names->n == CLOUDWATCH_FORMULA_ALARMS_MAX)
            break;
        *LIST_PUSH(p->arena, p->names) = name;
        return node(p, (struct cloudwatch_formula){.kind = CLOUDWATCH_FORMULA_STATE,
                                                   .state = (enum cloudwatch_state)i,
                                                   .alarm = name});
    }
    p->failed = true;
    return NULL;
}

static const struct cloudwatch_formula *
parse_atom(struct parser *p)
{
    const struct cloudwatch_formula *inner = NULL;

    if (++p->depth > DEPTH_MAX)
        p->failed = true;
    if (p->failed)
        return NULL;
    if (take_word(p, "NOT")) {
        inner = parse_atom(p);
        inner =
            p->failed
                ? NULL
                : node(p, (struct cloudwatch_formula){.kind = CLOUDWATCH_FORMULA_NOT, .a = inner});
    } else if (take(p, '(')) {
        inner = parse_or(p);
        p->failed = p->failed || !take(p, ')');
    } else if (take_word(p, "TRUE")) {
        inner = node(p, (struct cloudwatch_formula){.truth = true});
    } else if (take_word(p, "FALSE")) {
        inner = node(p, (struct cloudwatch_formula){.truth = false});
    } else {
        inner = parse_state(p);
    }
    p->depth--;
    return inner;
}

static const struct cloudwatch_formula *
parse_chain(struct parser *p, const char *word, enum cloudwatch_formula_kind kind,
            const struct cloudwatch_formula *(*operand)(struct parser *p))
{
    const struct cloudwatch_formula *left = operand(p);

    while (!p->failed && take_word(p, word)) {
        const struct cloudwatch_formula *right = operand(p);

        if (!p->failed)
            left = node(p, (struct cloudwatch_formula){.kind = kind, .a = left, .b = right});
    }
    return p->failed ? NULL : left;
}

static const struct cloudwatch_formula *
parse_and(struct parser *p)
{
    return parse_chain(p, "AND", CLOUDWATCH_FORMULA_AND, parse_atom);
}

static const struct cloudwatch_formula *
parse_or(struct parser *p)
{
    return parse_chain(p, "OR", CLOUDWATCH_FORMULA_OR, parse_and);
}

const struct cloudwatch_formula *
cloudwatch_formula_parse(struct arena *arena, struct str text, struct str_list *ret_names,
                         size_t *ret_at)
{
    struct parser p = {.arena = arena, .text = text, .names = ret_names};

    assert(ret_names->n == 0);
    const struct cloudwatch_formula *formula = parse_or(&p);

    skip_blanks(&p);
    *ret_at = p.at;
    assert(p.failed || formula);
    return p.failed || p.at < text.n ? NULL : formula;
}

bool
cloudwatch_formula_holds(const struct cloudwatch_formula *f,
                         bool (*is)(void *ctx, struct str alarm, enum cloudwatch_state state),
                         void *ctx)
{
    switch (f->kind) {
    case CLOUDWATCH_FORMULA_CONSTANT:
        return f->truth;
    case CLOUDWATCH_FORMULA_STATE:
        return is(ctx, f->alarm, f->state);
    case CLOUDWATCH_FORMULA_NOT:
        return !cloudwatch_formula_holds(f->a, is, ctx);
    case CLOUDWATCH_FORMULA_AND:
        return cloudwatch_formula_holds(f->a, is, ctx) && cloudwatch_formula_holds(f->b, is, ctx);
    case CLOUDWATCH_FORMULA_OR:
        return cloudwatch_formula_holds(f->a, is, ctx) || cloudwatch_formula_holds(f->b, is, ctx);
    }
    return false;
}

bool
cloudwatch_formula_names(struct arena *arena, struct str text, struct str name, struct str arn)
{
    struct str_list names = {0};
    size_t at;

    return cloudwatch_formula_parse(arena, text, &names, &at) &&
           (str_in(&names, name) || str_in(&names, arn));
}
