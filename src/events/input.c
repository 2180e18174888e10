/*
 * What a target gets: the event, a text, a part of the event, or a template that is filled in.
 *
 * A template is JSON with <names> in it.  Inside of quotes a name becomes the text of its value,
 * elsewhere its JSON; of what the event does not have, nothing.
 */
#include "events/events.h"

#include "base/timefmt.h"
#include "codec/doc.h"
#include "codec/json.h"

enum { PATHS_MAX = 100, MADE_BYTES_MAX = EVENTS_BYTES_MAX };

/* ---- paths: $.detail.items[0]['a.b'] ---- */

struct step {
    struct str name; /* p NULL: an element */
    int64_t index;
};

/* Takes the next step off a path, of which `$` was taken. */
static bool
step_take(struct str *path, struct step *ret)
{
    size_t end;

    *ret = (struct step){.name = STR_NONE};
    assert(path->n > 0);
    if (path->p[0] == '.') {
        for (end = 1; end < path->n && path->p[end] != '.' && path->p[end] != '[';)
            end++;
        ret->name = str_cut(*path, 1, end);
        *path = str_cut(*path, end, path->n);
        return ret->name.n > 0;
    }
    end = str_find_char(*path, ']');
    if (path->p[0] != '[' || end == SIZE_MAX)
        return false;
    struct str inner = str_cut(*path, 1, end);

    *path = str_cut(*path, end + 1, path->n);
    if (inner.n > 2 && (inner.p[0] == '\'' || inner.p[0] == '"') &&
        inner.p[inner.n - 1] == inner.p[0]) {
        ret->name = str_cut(inner, 1, inner.n - 1);
        return true;
    }
    return str_to_i64(inner, &ret->index) && ret->index >= 0;
}

static bool
path_ok(struct str path)
{
    struct step step;

    if (!str_starts(path, S("$")))
        return false;
    for (path = str_cut(path, 1, path.n); path.n;)
        if (!step_take(&path, &step))
            return false;
    return true;
}

/* NULL: the event does not have it. */
static const struct json *
path_find(const struct json *event, struct str path)
{
    struct step step;

    assert(path_ok(path)); /* when it was put */
    for (path = str_cut(path, 1, path.n); path.n && event;) {
        if (!step_take(&path, &step))
            return NULL;
        if (step.name.p)
            event = json_get_str(event, step.name);
        else
            event = event->kind == JSON_ARRAY && (size_t)step.index < event->n
                        ? &event->v[step.index]
                        : NULL;
    }
    return event;
}

/* ---- templates ---- */

static const char *const own_names[] = {"aws.events.rule-arn", "aws.events.rule-name",
                                        "aws.events.event.ingestion-time", "aws.events.event",
                                        "aws.events.event.json"};

struct template
{
    struct str text;
    size_t at;
    bool in_quotes;
};

/* The next literal piece and, when *ret_name is present, the name behind it. */
static struct str
piece_take(struct template *t, struct str *ret_name)
{
    size_t from = t->at;

    assert(from < t->text.n);
    *ret_name = STR_NONE;
    for (; t->at < t->text.n; t->at++) {
        char c = t->text.p[t->at];

        if (c == '\\' && t->in_quotes && t->at + 1 < t->text.n) {
            t->at++;
            continue;
        }
        if (c == '"')
            t->in_quotes = !t->in_quotes;
        struct str rest = str_cut(t->text, t->at + 1, t->text.n);
        size_t end = c == '<' ? str_find_char(rest, '>') : SIZE_MAX;

        if (end == SIZE_MAX || end == 0)
            continue;
        struct str piece = str_cut(t->text, from, t->at);

        *ret_name = str_cut(rest, 0, end);
        t->at += end + 2;
        return piece;
    }
    return str_cut(t->text, from, t->at);
}

/* The text of a value inside of quotes: as JSON writes it, without quotes of its own. */
static void
put_quoted(struct json_out *o, struct arena *a, const struct json *v)
{
    struct buf text;
    struct json_out inner = {.buf = &text};

    buf_init(&text, 4 * MADE_BYTES_MAX);
    if (v->kind == JSON_STRING) {
        json_str(&inner, v->text);
    } else {
        json_value(&inner, v);
        struct str json = str_dup(a, buf_str(&text));

        buf_reset(&text);
        inner.comma = false;
        json_str(&inner, json);
    }
    struct str s = buf_str(&text);

    assert(buf_failed(&text) || s.n >= 2);
    buf_add_str(o->buf, str_cut(s, 1, s.n ? s.n - 1 : 0));
    buf_done(&text);
}

struct source {
    struct arena *arena;
    const struct events_target_row *target;
    const struct json *event;
    int64_t sent_ms;
};

/* The value of one of AWS's own names. */
static bool
own_value(const struct source *from, struct str name, struct json *ret)
{
    struct str rule = from->target->rule;
    size_t i = 0, n = 0;

    while (i < ARRAY_LEN(own_names) && !str_is(name, own_names[i]))
        i++;
    *ret = (struct json){.kind = JSON_STRING, .text = rule};
    if (i == 1)
        while (str_find_char(ret->text, '/') != SIZE_MAX)
            str_split(&ret->text, '/');
    else if (i == 2)
        ret->text = time_iso(from->arena, from->sent_ms);
    else if (i == 4)
        *ret = *from->event;
    if (i != 3)
        return i < ARRAY_LEN(own_names);
    /* the event without its detail */
    *ret = (struct json){.kind = JSON_OBJECT};
    ret->v = ARENA_ARRAY(from->arena, struct json, from->event->n);
    ret->names = ARENA_ARRAY(from->arena, struct str, from->event->n);
    for (size_t k = 0; k < from->event->n; k++) {
        if (str_is(from->event->names[k], "detail"))
            continue;
        ret->names[n] = from->event->names[k];
        ret->v[n++] = from->event->v[k];
    }
    ret->n = n;
    return true;
}

static void
fill(const struct source *from, struct json_out *o)
{
    const struct events_target_row *target = from->target;
    struct template t = {.text = target->input};

    assert(target->paths.n % 2 == 0);
    while (t.at < t.text.n) {
        struct str name, piece = piece_take(&t, &name);
        const struct json *v = NULL;
        struct json own;
        bool known = false;

        buf_add_str(o->buf, piece);
        if (!name.p)
            continue;
        for (size_t i = 0; i + 1 < target->paths.n && !known; i += 2) {
            known = str_eq(target->paths.v[i], name);
            if (known)
                v = path_find(from->event, target->paths.v[i + 1]);
        }
        if (!known && own_value(from, name, &own)) {
            known = true;
            v = &own;
        }
        if (!known)
            buf_add_fmt(o->buf, "<%.*s>", STR_ARG(name));
        else if (v && t.in_quotes)
            put_quoted(o, from->arena, v);
        else if (v) {
            o->comma = false;
            json_value(o, v);
        }
    }
}

bool
events_input_make(struct arena *a, const struct events_target_row *target, struct str event,
                  int64_t sent_ms, struct str *ret)
{
    struct json root;
    struct buf buf;
    struct json_out o = {.buf = &buf};
    size_t at;

    *ret = str_is(target->input_kind, "Input") ? target->input : event;
    if (!target->input_kind.n || str_is(target->input_kind, "Input"))
        return true;
    if (!json_parse(a, event, EVENTS_NODES_MAX, &root, &at))
        return false;
    buf_init(&buf, MADE_BYTES_MAX);
    if (str_is(target->input_kind, "InputTransformer")) {
        fill(&(struct source){a, target, &root, sent_ms}, &o);
    } else {
        const struct json *part = path_find(&root, target->input);

        if (part)
            json_value(&o, part);
        else
            json_null(&o);
    }
    bool ok = !buf_failed(&buf);

    if (ok)
        *ret = str_dup(a, buf_str(&buf));
    buf_done(&buf);
    return ok;
}

/* ---- what targets may have ---- */

/* Values of JSON, one behind the other; *ret_at: where they are none. */
static bool
is_json(struct arena *a, struct str text, size_t *ret_at)
{
    struct doc_in in = {
        .format = &doc_json, .arena = a, .text = text, .values_left = EVENTS_NODES_MAX};

    if (!str_is_utf8(text))
        return false;
    while (!in.failed && !doc_end(&in))
        doc_skip(&in);
    *ret_at = in.at;
    return !in.failed;
}

/* The template with something in the place of its names. */
static int
template_check(struct api_call *call, const struct events_Target *target)
{
    const struct events_InputTransformer *t = target->input_transformer;
    struct template walk = {.text = t->input_template};
    struct str made = S("");
    size_t at = 0;

    if (t->input_paths_map.n > PATHS_MAX)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Too many entries in InputPathsMap for target %.*s.", STR_ARG(target->id));
    LIST_EACH(&t->input_paths_map, path) {
        if (str_starts(path->key, S("AWS")))
            return api_fault(call, &EVENTS_ERR(ValidationException),
                             "Parameter InputPathsMap is not valid. Reason: Key %.*s is reserved.",
                             STR_ARG(path->key));
        if (!path_ok(path->value))
            return api_fault(call, &EVENTS_ERR(ValidationException),
                             "Invalid JSONPath %.*s for target %.*s.", STR_ARG(path->value),
                             STR_ARG(target->id));
    }
    while (walk.at < walk.text.n) {
        struct str name;

        made = str_cat(call->arena, made, piece_take(&walk, &name));
        made = str_cat(call->arena, made, name.p ? S("0") : S(""));
    }
    if (is_json(call->arena, made, &at))
        return 0;
    return api_fault(call, &EVENTS_ERR(ValidationException),
                     "Invalid InputTemplate for target %.*s : [Source: (String)\"%.*s\"; line: 1, "
                     "column: %zu].",
                     STR_ARG(target->id), STR_ARG(t->input_template), at + 1);
}

int
events_input_check(struct api_call *call, const struct events_Target *target)
{
    int given = !!target->input.p + !!target->input_path.p + !!target->input_transformer;
    size_t at;

    if (given > 1)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Only one of Input, InputPath, or InputTransformer must be provided for "
                         "target %.*s.",
                         STR_ARG(target->id));
    if (target->input.p && !is_json(call->arena, target->input, &at))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "JSON syntax error in input for target %.*s.", STR_ARG(target->id));
    if (target->input_path.p && !path_ok(target->input_path))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Invalid JSONPath %.*s for target %.*s.", STR_ARG(target->input_path),
                         STR_ARG(target->id));
    return target->input_transformer ? template_check(call, target) : 0;
}
