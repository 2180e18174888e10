/*
 * A pattern becomes a program for Pike's machine: all states that the text so far can lead to
 * are stepped together.  Counted repetitions are written out by reading the atom again, which
 * spares a syntax tree; PROGRAM_MAX bounds what that can grow to.
 */
#include "api/pattern.h"

#include "base/list.h"

#define PROGRAM_MAX 4096
#define WORK_MAX 65536 /* instructions and ranges written, those thrown away too */
#define DEPTH_MAX 16
#define REPEAT_MAX 1000

enum opcode { OP_SET, OP_SPLIT, OP_JUMP, OP_MATCH };

struct inst {
    enum opcode op;
    uint32_t x, y; /* SET: ranges [x, y); SPLIT, JUMP: targets */
    bool negated;
};

struct range {
    uint32_t lo, hi;
};

struct program {
    struct inst *v;
    size_t n;
};

struct ranges {
    struct range *v;
    size_t n;
};

struct compiler {
    struct arena *arena;
    const char *p; /* what is left of the pattern */
    struct program program;
    struct ranges ranges;
    unsigned depth, work;
    bool failed;
};

static void alternatives(struct compiler *c);

static uint32_t
emit(struct compiler *c, enum opcode op, uint32_t x, uint32_t y)
{
    assert(c->program.n <= PROGRAM_MAX);
    if (c->program.n == PROGRAM_MAX || ++c->work > WORK_MAX) {
        c->failed = true;
        return 0;
    }
    *LIST_PUSH(c->arena, &c->program) = (struct inst){.op = op, .x = x, .y = y};
    return (uint32_t)c->program.n - 1;
}

static void
add_range(struct compiler *c, uint32_t lo, uint32_t hi)
{
    assert(lo <= hi);
    if (++c->work > WORK_MAX)
        c->failed = true;
    else
        *LIST_PUSH(c->arena, &c->ranges) = (struct range){lo, hi};
}

/* ---- sets ---- */

static void
add_word(struct compiler *c)
{
    add_range(c, '0', '9');
    add_range(c, 'A', 'Z');
    add_range(c, 'a', 'z');
    add_range(c, '_', '_');
}

static void
add_space(struct compiler *c)
{
    add_range(c, '\t', '\r');
    add_range(c, ' ', ' ');
}

/* \p{X} */
static void
add_property(struct compiler *c)
{
    if (c->p[0] != '{' || !c->p[1] || c->p[2] != '}') {
        c->failed = true;
        return;
    }
    switch (c->p[1]) {
    case 'L':
        add_range(c, 'A', 'Z');
        add_range(c, 'a', 'z');
        add_range(c, 0x80, 0x10ffff);
        break;
    case 'N':
        add_range(c, '0', '9');
        break;
    case 'Z':
        add_range(c, ' ', ' ');
        add_range(c, 0xa0, 0xa0);
        add_range(c, 0x2000, 0x200a);
        add_range(c, 0x2028, 0x202f);
        add_range(c, 0x3000, 0x3000);
        break;
    default:
        c->failed = true;
        return;
    }
    c->p += 3;
}

static bool
hex4(const char *p, uint32_t *ret)
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        char h = p[i];

        if (h >= '0' && h <= '9')
            v = v << 4 | (uint32_t)(h - '0');
        else if (h >= 'A' && h <= 'F')
            v = v << 4 | (uint32_t)(h - 'A' + 10);
        else if (h >= 'a' && h <= 'f')
            v = v << 4 | (uint32_t)(h - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return true;
}

/* Behind \u: four digits, or two such pairs of which Java makes one character. */
static bool
code_point(struct compiler *c, uint32_t *ret)
{
    uint32_t low;

    if (!hex4(c->p, ret))
        return false;
    c->p += 4;
    if (*ret < 0xd800 || *ret > 0xdbff)
        return true;
    if (c->p[0] != '\\' || c->p[1] != 'u' || !hex4(c->p + 2, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    c->p += 6;
    *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
    assert(*ret <= 0x10ffff);
    return true;
}

/*
 * Behind a backslash.  True: it was one character, in *ret; false: ranges were added (or it
 * failed); *ret_negated for \W and its like, which stand outside of brackets only.
 */
static bool
escaped(struct compiler *c, uint32_t *ret, bool *ret_negated)
{
    char e = *c->p;

    if (!e) {
        c->failed = true;
        return false;
    }
    c->p++;
    *ret_negated = e == 'D' || e == 'W' || e == 'S';
    switch (e) {
    case 'd':
    case 'D':
        add_range(c, '0', '9');
        return false;
    case 'w':
    case 'W':
        add_word(c);
        return false;
    case 's':
    case 'S':
        add_space(c);
        return false;
    case 'p':
        add_property(c);
        return false;
    case 'u':
        c->failed |= !code_point(c, ret);
        return true;
    case 'n':
        *ret = '\n';
        return true;
    case 'r':
        *ret = '\r';
        return true;
    case 't':
        *ret = '\t';
        return true;
    default:
        /* Other letters and digits would be back-references, boundaries and the like. */
        c->failed |= (e >= 'a' && e <= 'z') || (e >= 'A' && e <= 'Z') || (e >= '0' && e <= '9');
        *ret = (unsigned char)e;
        return true;
    }
}

/* One character of a class, or false when it was an escape for several. */
static bool
class_char(struct compiler *c, uint32_t *ret)
{
    bool negated = false;

    if (*c->p != '\\') {
        *ret = (unsigned char)*c->p;
        c->failed |= *ret >= 0x80 || *ret == 0;
        c->p += !c->failed;
        return true;
    }
    c->p++;
    if (escaped(c, ret, &negated))
        return true;
    c->failed |= negated;
    return false;
}

static void
set(struct compiler *c)
{
    uint32_t at = emit(c, OP_SET, (uint32_t)c->ranges.n, 0), lo, hi;
    bool negated = *c->p == '^';

    c->p += negated;
    while (!c->failed && *c->p != ']') {
        if (!class_char(c, &lo))
            continue;
        hi = lo;
        if (c->p[0] == '-' && c->p[1] != ']' && c->p[1]) {
            c->p++;
            if (!class_char(c, &hi)) {
                add_range(c, '-', '-'); /* "[a-\d]": the hyphen is itself */
                hi = lo;
            }
        }
        add_range(c, lo, hi);
    }
    if (c->failed)
        return;
    c->p++;
    c->program.v[at].y = (uint32_t)c->ranges.n;
    assert(c->program.v[at].op == OP_SET && c->program.v[at].x <= c->program.v[at].y);
    c->program.v[at].negated = negated;
}

/* ---- the program ---- */

static void
group(struct compiler *c)
{
    if (c->p[0] == '?') {
        c->failed |= c->p[1] != ':';
        c->p += 2;
    }
    if (c->failed || ++c->depth > DEPTH_MAX) {
        c->failed = true;
        return;
    }
    alternatives(c);
    c->depth--;
    c->failed |= *c->p != ')';
    c->p += !c->failed;
}

static void
one_of(struct compiler *c, uint32_t lo, uint32_t hi, bool negated)
{
    uint32_t first = (uint32_t)c->ranges.n;

    assert(lo <= hi);
    add_range(c, lo, hi);
    uint32_t at = emit(c, OP_SET, first, first + 1);
    if (!c->failed)
        c->program.v[at].negated = negated;
}

static void
atom(struct compiler *c)
{
    char ch = *c->p++;
    uint32_t value = 0, first = (uint32_t)c->ranges.n;
    bool negated = false;

    if (ch == '(') {
        group(c);
    } else if (ch == '[') {
        set(c);
    } else if (ch == '.') {
        one_of(c, '\n', '\n', true);
    } else if (ch == '\\') {
        if (escaped(c, &value, &negated)) {
            one_of(c, value, value, false);
        } else {
            uint32_t at = emit(c, OP_SET, first, (uint32_t)c->ranges.n);

            if (!c->failed)
                c->program.v[at].negated = negated;
        }
    } else {
        c->failed |= (unsigned char)ch >= 0x80 || (ch && strchr("*+?{", ch));
        one_of(c, (unsigned char)ch, (unsigned char)ch, false);
    }
}

static bool
bound(struct compiler *c, uint32_t *ret)
{
    const char *from = c->p;

    *ret = 0;
    while (*c->p >= '0' && *c->p <= '9' && *ret <= REPEAT_MAX)
        *ret = *ret * 10 + (uint32_t)(*c->p++ - '0');
    return c->p > from && *ret <= REPEAT_MAX;
}

/* How often the atom before may stand; false when no quantifier follows. */
static bool
quantifier(struct compiler *c, uint32_t *ret_min, uint32_t *ret_max)
{
    char q = *c->p;

    *ret_min = q == '+';
    *ret_max = q == '?' ? 1 : UINT32_MAX;
    if (q == '*' || q == '+' || q == '?') {
        c->p++;
        return true;
    }
    if (q != '{')
        return false;
    c->p++;
    c->failed |= !bound(c, ret_min);
    *ret_max = *ret_min;
    if (*c->p == ',') {
        c->p++;
        if (*c->p == '}')
            *ret_max = UINT32_MAX;
        else
            c->failed |= !bound(c, ret_max) || *ret_max < *ret_min;
    }
    c->failed |= *c->p != '}';
    c->p += !c->failed;
    return true;
}

static void
again(struct compiler *c, const char *atom_at)
{
    const char *after = c->p;

    c->p = atom_at;
    assert(atom_at < after);
    atom(c);
    c->p = after;
}

static void
repeated(struct compiler *c)
{
    const char *from = c->p;
    size_t start = c->program.n;
    uint32_t min, max;

    atom(c);
    if (c->failed || !quantifier(c, &min, &max) || c->failed)
        return;
    c->program.n = start; /* written anew, as often as it takes */
    assert(min <= max && min <= REPEAT_MAX);
    for (uint32_t i = 0; i < min && !c->failed; i++)
        again(c, from);
    if (max == UINT32_MAX) {
        uint32_t split = emit(c, OP_SPLIT, 0, 0);

        again(c, from);
        emit(c, OP_JUMP, split, 0);
        if (!c->failed) {
            c->program.v[split].x = split + 1;
            c->program.v[split].y = (uint32_t)c->program.n;
        }
        return;
    }
    for (uint32_t i = min; i < max && !c->failed; i++) {
        uint32_t split = emit(c, OP_SPLIT, 0, UINT32_MAX); /* to the end; filled in below */

        again(c, from);
        if (!c->failed)
            c->program.v[split].x = split + 1;
    }
    for (size_t i = start; i < c->program.n; i++)
        if (c->program.v[i].op == OP_SPLIT && c->program.v[i].y == UINT32_MAX)
            c->program.v[i].y = (uint32_t)c->program.n;
}

static void
sequence(struct compiler *c)
{
    while (!c->failed && *c->p && *c->p != '|' && *c->p != ')') {
        if (*c->p == '^' || *c->p == '$')
            c->p++; /* the whole text must match anyway */
        else
            repeated(c);
    }
}

/* Whether a `|` follows on this level. */
static bool
has_alternative(const char *p)
{
    unsigned depth = 0;
    bool in_set = false;

    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (in_set)
            in_set = *p != ']';
        else if (*p == '[')
            in_set = true;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && depth-- == 0)
            return false;
        else if (*p == '|' && depth == 0)
            return true;
    }
    return false;
}

static void
alternatives(struct compiler *c)
{
    uint32_t jumps[DEPTH_MAX];
    size_t n = 0;

    while (!c->failed && has_alternative(c->p)) {
        uint32_t split = emit(c, OP_SPLIT, 0, 0);

        sequence(c);
        uint32_t jump = emit(c, OP_JUMP, 0, 0);

        c->failed |= n == DEPTH_MAX || *c->p != '|';
        if (c->failed)
            return;
        c->p++;
        c->program.v[split].x = split + 1;
        c->program.v[split].y = (uint32_t)c->program.n;
        jumps[n++] = jump;
    }
    sequence(c);
    for (size_t i = 0; i < n && !c->failed; i++)
        c->program.v[jumps[i]].x = (uint32_t)c->program.n;
}

/* ---- the machine ---- */

struct states {
    uint32_t *dense, *sparse;
    size_t n;
};

static struct states
states_new(struct arena *a, size_t max)
{
    return (struct states){ARENA_ARRAY(a, uint32_t, max), ARENA_ARRAY(a, uint32_t, max), 0};
}

static bool
states_have(const struct states *s, uint32_t pc)
{
    return s->sparse[pc] < s->n && s->dense[s->sparse[pc]] == pc;
}

/* Adds pc and all that it leads to without reading.  `todo` is scratch of 2 × program. */
static void
states_add(struct states *s, const struct program *prog, uint32_t pc, uint32_t *todo)
{
    size_t n = 0;

    todo[n++] = pc;
    while (n) {
        pc = todo[--n];
        assert(pc < prog->n);
        if (states_have(s, pc))
            continue;
        s->sparse[pc] = (uint32_t)s->n;
        s->dense[s->n++] = pc;
        if (prog->v[pc].op == OP_SPLIT)
            todo[n++] = prog->v[pc].y;
        if (prog->v[pc].op == OP_SPLIT || prog->v[pc].op == OP_JUMP)
            todo[n++] = prog->v[pc].x;
        assert(n <= 2 * prog->n);
    }
}

/* The character at *at of well-formed UTF-8, past which *at is moved. */
static uint32_t
next_char(struct str s, size_t *at)
{
    unsigned char b = (unsigned char)s.p[(*at)++];
    unsigned more = b < 0xc0 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    uint32_t c = more ? b & (0x3fu >> more) : b;

    while (more-- && *at < s.n)
        c = c << 6 | ((unsigned char)s.p[(*at)++] & 63);
    return c;
}

static bool
set_has(const struct compiler *c, const struct inst *inst, uint32_t ch)
{
    assert(inst->op == OP_SET && inst->x <= inst->y && inst->y <= c->ranges.n);
    for (uint32_t i = inst->x; i < inst->y; i++)
        if (ch >= c->ranges.v[i].lo && ch <= c->ranges.v[i].hi)
            return !inst->negated;
    return inst->negated;
}

static bool
run(struct arena *arena, const struct compiler *c, struct str text)
{
    const struct program *prog = &c->program;
    struct states now = states_new(arena, prog->n), next = states_new(arena, prog->n);
    uint32_t *todo = ARENA_ARRAY(arena, uint32_t, 2 * prog->n + 1);

    assert(str_ok(text));
    states_add(&now, prog, 0, todo);
    for (size_t at = 0; at < text.n && now.n;) {
        uint32_t ch = next_char(text, &at);

        next.n = 0;
        for (size_t i = 0; i < now.n; i++) {
            const struct inst *inst = &prog->v[now.dense[i]];

            if (inst->op == OP_SET && set_has(c, inst, ch))
                states_add(&next, prog, now.dense[i] + 1, todo);
        }
        struct states swap = now;

        now = next;
        next = swap;
    }
    return states_have(&now, (uint32_t)prog->n - 1);
}

enum api_match
api_pattern_match(const char *pattern, struct str text)
{
    struct arena scratch;
    struct compiler c = {.arena = &scratch, .p = pattern};
    enum api_match result = API_MATCH_UNKNOWN;

    arena_init(&scratch, (size_t)16 << 20);
    alternatives(&c);
    c.failed |= *c.p != 0;
    emit(&c, OP_MATCH, 0, 0);
    assert(c.failed || (c.depth == 0 && c.program.v[c.program.n - 1].op == OP_MATCH));
    if (!c.failed)
        result = run(&scratch, &c, text) ? API_MATCH_YES : API_MATCH_NO;
    arena_done(&scratch);
    return result;
}
