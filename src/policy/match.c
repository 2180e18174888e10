/*
 * Patterns of actions, resources and values.
 *
 * `*` is any run of characters, over colons and slashes too, and `?` any one.  There is no escape:
 * ${*} is a literal star.  What a variable stands for is text, so that a tag's value cannot widen
 * a pattern.  Nothing is allocated while matching: a pattern is walked piece by piece, and only
 * the last star is ever returned to, so the time is at most the product of both lengths.
 */
#include "policy/internal.h"

/* ---- compiling ---- */

static bool
has_wildcard(struct str s)
{
    assert(str_ok(s));
    return str_find_char(s, '*') != SIZE_MAX || str_find_char(s, '?') != SIZE_MAX;
}

/* Counts the pieces when `out` is NULL. */
static size_t
cut_pieces(struct block *b, struct str text, unsigned flags, struct piece *out)
{
    enum piece_kind kind = flags & PATTERN_GLOB ? PIECE_GLOB : PIECE_TEXT;
    size_t n = 0, from = 0;

    assert(str_ok(text));
    for (size_t i = 0; i <= text.n; i++) {
        struct piece p;
        size_t skip = 0;

        if (i < text.n) {
            if (!(flags & PATTERN_VARIABLES) || text.p[i] != '$' || i + 1 == text.n ||
                text.p[i + 1] != '{')
                continue;
            skip = variable_parse(str_cut(text, i, text.n), &p);
            if (!skip)
                continue;
        }
        if (i > from) {
            if (out)
                out[n] = (struct piece){kind, .text = block_text(b, str_cut(text, from, i))};
            n++;
        }
        if (!skip)
            break;
        if (out) {
            p.text = block_text(b, p.text);
            p.fallback = block_text(b, p.fallback);
            out[n] = p;
        }
        n++;
        from = i + skip;
        i = from - 1;
    }
    return n;
}

void
pattern_compile(struct block *b, struct str text, unsigned flags, struct pattern *ret)
{
    bool variables = (flags & PATTERN_VARIABLES) && str_find(text, S("${")) != SIZE_MAX;

    if (!variables && (flags & PATTERN_GLOB) && str_is(text, "*")) {
        *ret = (struct pattern){.kind = PATTERN_ANY};
        return;
    }
    if (!variables && (!(flags & PATTERN_GLOB) || !has_wildcard(text))) {
        *ret = (struct pattern){.kind = PATTERN_EXACT, .text = block_text(b, text)};
        return;
    }
    if (!variables && !has_wildcard(str_cut(text, 0, text.n - 1)) && text.p[text.n - 1] == '*') {
        text.n--;
        *ret = (struct pattern){.kind = PATTERN_PREFIX, .text = block_text(b, text)};
        return;
    }
    size_t n = cut_pieces(b, text, flags, NULL);
    struct piece *pieces = BLOCK_ARRAY(b, struct piece, n);

    size_t cut = cut_pieces(b, text, flags, pieces);

    assert(cut == n && n > 0);
    (void)cut;
    *ret = (struct pattern){.kind = PATTERN_PIECES, .pieces = pieces, .n = n};
}

/* ---- matching ---- */

/* A place in a pattern; text is that of the piece, resolved. */
struct place {
    size_t piece, at;
    struct str text;
};

static void
enter(const struct pattern *p, struct place *place, const struct policy_context *context)
{
    assert(p->kind == PATTERN_PIECES && place->piece <= p->n);
    while (place->piece < p->n) {
        const struct piece *piece = &p->pieces[place->piece];

        place->text = piece->text;
        if (piece->kind == PIECE_VARIABLE)
            (void)variable_value(piece, context, &place->text); /* pattern_resolves() has asked */
        if (place->at < place->text.n)
            return;
        place->piece++;
        place->at = 0;
    }
}

static void
step(const struct pattern *p, struct place *place, const struct policy_context *context)
{
    assert(place->piece < p->n && place->at < place->text.n);
    if (++place->at == place->text.n) {
        place->piece++;
        place->at = 0;
        enter(p, place, context);
    }
}

/* The wildcard at the place, or 0. */
static char
wildcard_at(const struct pattern *p, const struct place *place)
{
    if (place->piece == p->n || p->pieces[place->piece].kind != PIECE_GLOB)
        return 0;
    char c = place->text.p[place->at];

    return c == '*' || c == '?' ? c : 0;
}

/* Behind the character of UTF-8 at i. */
static size_t
behind_char(struct str s, size_t i)
{
    assert(i < s.n);
    for (i++; i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80;)
        i++;
    return i;
}

static bool
same(char a, char b, bool fold)
{
    return fold ? lower(a) == lower(b) : a == b;
}

static bool
match_pieces(const struct pattern *p, struct str s, const struct policy_context *context, bool fold)
{
    struct place at = {0}, star = {0};
    size_t i = 0, star_i = 0;
    bool has_star = false;

    assert(p->kind == PATTERN_PIECES && p->n > 0);
    enter(p, &at, context);
    while (i < s.n) {
        char wildcard = wildcard_at(p, &at);

        if (wildcard == '*') {
            step(p, &at, context);
            star = at;
            star_i = i;
            has_star = true;
        } else if (wildcard == '?') {
            step(p, &at, context);
            i = behind_char(s, i);
        } else if (at.piece < p->n && same(at.text.p[at.at], s.p[i], fold)) {
            step(p, &at, context);
            i++;
        } else if (has_star) {
            at = star;
            i = ++star_i;
        } else {
            return false;
        }
    }
    while (wildcard_at(p, &at) == '*')
        step(p, &at, context);
    return at.piece == p->n;
}

bool
pattern_resolves(const struct pattern *p, const struct policy_context *context)
{
    struct str value;

    if (p->kind != PATTERN_PIECES)
        return true;
    assert(p->pieces && p->n > 0);
    for (size_t i = 0; i < p->n; i++)
        if (p->pieces[i].kind == PIECE_VARIABLE && !variable_value(&p->pieces[i], context, &value))
            return false;
    return true;
}

enum match
pattern_match(const struct pattern *p, struct str s, const struct policy_context *context,
              bool fold)
{
    switch (p->kind) {
    case PATTERN_ANY:
        return MATCH_YES;
    case PATTERN_EXACT:
        if (p->text.n != s.n)
            return MATCH_NO;
        break;
    case PATTERN_PREFIX:
        if (p->text.n > s.n)
            return MATCH_NO;
        s.n = p->text.n;
        break;
    case PATTERN_PIECES:
        if (!pattern_resolves(p, context))
            return MATCH_UNRESOLVED;
        return match_pieces(p, s, context, fold) ? MATCH_YES : MATCH_NO;
    }
    if (s.n && !same(p->text.p[0], s.p[0], fold)) /* most differ here */
        return MATCH_NO;
    return (fold ? str_eq_nocase(p->text, s) : str_eq(p->text, s)) ? MATCH_YES : MATCH_NO;
}
