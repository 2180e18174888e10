/*
 * The .ops file: what people say about an operation.
 *
 *   # operation        handler                flags
 *   AllocateAddress    ec2_allocate_address   write
 *   DescribeAddresses  ec2_describe_addresses read
 *   open VolumeType                            # the handlers refuse unknown values themselves
 *   milliseconds                               # times in XML have them
 *   resource elastic-ip arn:aws:ec2:{region}:{account}:elastic-ip/{id}
 *   ReleaseAddress     ec2_release_address    write  on elastic-ip(AllocationId)
 *
 * Just one of read and write; noauth where no signature is asked for, anyone where no policy is.
 * What `on` and `as` say is told in src/api/authorize.h.
 */
#include "apigen.h"

struct op *
op_find(struct gen *g, struct str name)
{
    LIST_EACH(&g->ops, op)
        if (str_eq(op->name, name))
            return op;
    return NULL;
}

static void
open_line(struct gen *g, unsigned line, const struct str_list *w)
{
    for (size_t i = 1; i < w->n; i++) {
        struct shape *s = shape_find(g, w->v[i]);

        if (!s || s->kind != API_ENUM)
            die_at(g->file, line, "'%.*s' is not an enum", STR_ARG(w->v[i]));
        s->flags |= API_OPEN;
    }
}

static bool
is_c_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] == '_' || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
              (i > 0 && s.p[i] >= '0' && s.p[i] <= '9')))
            return false;
    return s.n > 0;
}

/* ---- what operations are about ---- */

static void
resource_line(struct gen *g, unsigned line, const struct str_list *w)
{
    if (w->n != 3 || !(str_starts(w->v[2], S("arn:")) || str_is(w->v[2], "*")))
        die_at(g->file, line, "a line is: resource TYPE ARN");
    LIST_EACH(&g->resources, known)
        if (str_eq(known->name, w->v[1]))
            die_at(g->file, line, "there is a resource '%.*s' already", STR_ARG(w->v[1]));
    *LIST_PUSH(&g->arena, &g->resources) = (struct resource){w->v[1], w->v[2]};
}

static size_t
resource_number(struct gen *g, unsigned line, struct str name)
{
    for (size_t i = 0; i < g->resources.n; i++)
        if (str_eq(g->resources.v[i].name, name))
            return i;
    die_at(g->file, line, "no resource '%.*s' is declared above", STR_ARG(name));
}

/* What is in the lists around a value. */
static const struct shape *
unlisted(const struct shape *s)
{
    while (s->kind == API_LIST)
        s = s->members.v[0].type;
    return s;
}

/* "InstanceIds", "Entries.Id": numbers of members; the last one is text. */
static void
on_path(struct gen *g, unsigned line, const struct op *op, struct str path,
        uint16_t ret[API_ON_DEPTH])
{
    const struct shape *s = op->input;
    struct str rest = path;
    size_t depth = 0;

    for (size_t i = 0; i < API_ON_DEPTH; i++)
        ret[i] = API_NONE;
    while (rest.p) {
        struct str name = str_split(&rest, '.');
        size_t i = 0;

        while (s->kind == API_STRUCT && i < s->members.n && !str_eq(s->members.v[i].name, name))
            i++;
        if (s->kind != API_STRUCT || i == s->members.n || depth == API_ON_DEPTH)
            die_at(g->file, line, "'%.*s' has no member '%.*s'", STR_ARG(op->name), STR_ARG(path));
        ret[depth++] = (uint16_t)i;
        s = unlisted(s->members.v[i].type);
    }
    if (s->kind != API_STRING && s->kind != API_ENUM)
        die_at(g->file, line, "'%.*s' of '%.*s' is not text", STR_ARG(path), STR_ARG(op->name));
}

/* "instance(InstanceIds)", "key-pair(KeyName|KeyPairId)", "subnet(SubnetId?)", "volume(*)" */
static void
on_word(struct gen *g, unsigned line, struct op *op, struct str action, struct str word,
        unsigned flags)
{
    size_t open = str_find_char(word, '(');

    if (open == SIZE_MAX || !str_ends(word, S(")")))
        die_at(g->file, line, "'%.*s' is not TYPE(MEMBER)", STR_ARG(word));
    size_t resource = resource_number(g, line, str_cut(word, 0, open));
    struct str places = str_cut(word, open + 1, word.n - 1);

    if (str_ends(places, S("?"))) {
        flags |= API_ON_IF_GIVEN;
        places = str_cut(places, 0, places.n - 1);
    }
    while (places.p) {
        struct str place = str_split(&places, '|');
        struct on *on = LIST_PUSH(&g->arena, &op->ons);

        *on = (struct on){.action = action, .resource = resource, .flags = flags};
        if (places.p)
            on->flags |= API_ON_OR;
        if (str_is(place, "*"))
            memset(on->path, 0xff, sizeof(on->path));
        else
            on_path(g, line, op, place, on->path);
    }
}

/* An action without a thing: one decision on "*". */
static void
on_nothing(struct gen *g, struct op *op, struct str action)
{
    struct on *on = LIST_PUSH(&g->arena, &op->ons);

    *on = (struct on){.action = action, .resource = SIZE_MAX};
    memset(on->path, 0xff, sizeof(on->path));
}

/* `as`, `on` and `tagging` with the word behind each; answers how many it took, 0: others */
static size_t
decision_words(struct gen *g, unsigned line, struct op *op, const struct str_list *w, size_t i,
               struct str *action, bool *action_open)
{
    bool as = str_is(w->v[i], "as"), tagging = str_is(w->v[i], "tagging");

    if (!as && !tagging && !str_is(w->v[i], "on"))
        return 0;
    if (i + 1 == w->n)
        die_at(g->file, line, "'%.*s' is followed by a word", STR_ARG(w->v[i]));
    if (as) {
        if (*action_open)
            on_nothing(g, op, *action);
        *action = w->v[i + 1];
        *action_open = true;
        if (str_find_char(*action, ':') == SIZE_MAX)
            die_at(g->file, line, "'%.*s' is not SERVICE:ACTION", STR_ARG(*action));
    } else if (str_is(w->v[i + 1], "handler")) {
        op->flags |= API_ON_HANDLER;
    } else {
        on_word(g, line, op, *action, w->v[i + 1], tagging ? (unsigned)API_ON_IF_TAGS : 0);
        *action_open = false;
    }
    return 2;
}

static const struct {
    const char *word;
    unsigned flag;
} flag_words[] = {
    {"read", 0},
    {"write", API_WRITE},
    {"noauth", API_NO_AUTH},
    {"anyone", API_ANYONE},
};

static void
op_words(struct gen *g, unsigned line, const struct str_list *w)
{
    struct op *op = op_find(g, w->v[0]);
    struct str action = S("");
    bool action_open = false;
    unsigned n_modes = 0;

    if (!op)
        die_at(g->file, line, "%.*s has no operation '%.*s'", STR_ARG(g->name), STR_ARG(w->v[0]));
    if (op->handler.p)
        die_at(g->file, line, "'%.*s' already has a handler", STR_ARG(op->name));
    if (w->n < 3 || !is_c_name(w->v[1]))
        die_at(g->file, line, "a line is: OPERATION handler read|write");
    op->handler = w->v[1];
    for (size_t i = 2; i < w->n;) {
        size_t taken = decision_words(g, line, op, w, i, &action, &action_open);
        size_t f = 0;

        i += taken;
        if (taken)
            continue;
        while (f < ARRAY_LEN(flag_words) && !str_is(w->v[i], flag_words[f].word))
            f++;
        if (f == ARRAY_LEN(flag_words))
            die_at(g->file, line, "'%.*s' is not a flag", STR_ARG(w->v[i]));
        op->flags |= flag_words[f].flag;
        n_modes += f < 2;
        i++;
    }
    if (action_open)
        on_nothing(g, op, action);
    if (n_modes != 1)
        die_at(g->file, line, "'%.*s' is either read or write", STR_ARG(op->name));
}

void
parse_ops(struct gen *g, const char *path, struct str text)
{
    unsigned line = 0;

    g->file = path;
    while (text.p) {
        struct str_list w = line_words(g, ++line, str_split(&text, '\n'));

        if (w.n && str_is(w.v[0], "open"))
            open_line(g, line, &w);
        else if (w.n && str_is(w.v[0], "resource"))
            resource_line(g, line, &w);
        else if (w.n == 1 && str_is(w.v[0], "milliseconds"))
            g->milliseconds = true;
        else if (w.n)
            op_words(g, line, &w);
    }
}
