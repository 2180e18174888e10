/*
 * libyaml's events, not its documents: an event is looked at before anything is made of it, so that
 * depth and number of nodes are bounded first.  Aliases are refused, as AWS does: a few lines of
 * them are a gigabyte.
 *
 * Plain scalars are what YAML 1.1 says of true, false, yes, no, null and decimal numbers; all else
 * is text, so that dates and versions (2010-09-09) stay what was written.
 */
#include "cloudformation/load.h"

#include "cloudformation/tree.h"

#include <stdlib.h>
#include <yaml.h>

#define TOO_MUCH "Template format error: Template is nested or divided too deeply."

struct loader {
    yaml_parser_t parser;
    struct arena *arena;
    struct str wrong;
    size_t nodes;
    unsigned depth;
};

static bool
fail(struct loader *l, struct str wrong)
{
    assert(wrong.p);
    if (!l->wrong.p)
        l->wrong = wrong;
    assert(l->wrong.p);
    return false;
}

static bool
not_well_formed(struct loader *l)
{
    /* libyaml counts from 0 */
    return fail(l, str_fmt(l->arena,
                           "Template format error: YAML not well-formed. (line %zu, column %zu)",
                           l->parser.problem_mark.line + 1, l->parser.problem_mark.column + 1));
}

static bool
next(struct loader *l, yaml_event_t *ret)
{
    assert(l->nodes <= CFN_NODES_MAX);
    if (!yaml_parser_parse(&l->parser, ret))
        return not_well_formed(l);
    if (++l->nodes > CFN_NODES_MAX || l->depth > CFN_DEPTH_MAX) {
        yaml_event_delete(ret);
        return fail(l, S(TOO_MUCH));
    }
    assert(l->depth <= CFN_DEPTH_MAX);
    return true;
}

/* ---- scalars ---- */

static bool
one_of(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_is(s, *words))
            return true;
    return false;
}

/* What JSON takes for a number too, without a zero in front: 012 may be an account. */
static bool
is_number(struct str s)
{
    size_t i = s.n && s.p[0] == '-', from = i;
    bool dot = false;

    assert(s.p);
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !dot && i > from && i + 1 < s.n)
            dot = true;
        else if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return i > from && (s.p[from] != '0' || i == from + 1 || s.p[from + 1] == '.');
}

static struct json
plain(struct str s)
{
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
                                      "YES",  "on",   "On",   "ON",  NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no",  "No",
                                     "NO",    "off",   "Off",   "OFF", NULL};
    static const char *const null[] = {"", "~", "null", "Null", "NULL", NULL};

    if (one_of(s, yes) || one_of(s, no))
        return cfn_bool(one_of(s, yes));
    if (one_of(s, null))
        return (struct json){.kind = JSON_NULL};
    if (is_number(s))
        return (struct json){.kind = JSON_NUMBER, .text = s};
    return cfn_text(s);
}

/* ---- tags ---- */

/* A.B.C is resource A and attribute B.C. */
static struct json
get_att(struct arena *a, struct str s)
{
    struct json pair = cfn_array();

    cfn_push(a, &pair, cfn_text(str_split(&s, '.')));
    if (s.p)
        cfn_push(a, &pair, cfn_text(s));
    assert(pair.n == 1 || pair.n == 2);
    return pair;
}

static struct json
tagged(struct loader *l, struct str tag, struct json value)
{
    struct arena *a = l->arena;
    struct str name = str_cut(tag, 1, tag.n);

    assert(value.kind <= JSON_OBJECT);
    if (!tag.n || str_is(tag, "!") || str_starts(tag, S("tag:yaml.org,2002:")))
        return value;
    if (str_is(name, "Ref") || str_is(name, "Condition"))
        return cfn_single(a, str_cstr(a, name), value);
    if (str_is(name, "GetAtt") && value.kind == JSON_STRING)
        value = get_att(a, value.text);
    return cfn_single(a, str_cstr(a, str_cat(a, S("Fn::"), name)), value);
}

static struct str
tag_of(struct loader *l, const yaml_char_t *tag)
{
    return tag ? str_dup(l->arena, str_from((const char *)tag)) : STR_NONE;
}

/* ---- nodes ---- */

static bool node(struct loader *l, yaml_event_t *event, struct json *ret);

static bool
sequence(struct loader *l, struct json *ret)
{
    assert(l->depth > 0);
    yaml_event_t event;
    struct json value;

    *ret = cfn_array();
    for (;;) {
        if (!next(l, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        if (!node(l, &event, &value))
            return false;
        cfn_push(l->arena, ret, value);
    }
}

static bool
mapping(struct loader *l, struct json *ret)
{
    assert(l->depth > 0);
    yaml_event_t event;
    struct json value;

    *ret = cfn_object();
    for (;;) {
        if (!next(l, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        if (event.type != YAML_SCALAR_EVENT) {
            yaml_event_delete(&event);
            return fail(l, S("Template format error: unsupported structure."));
        }
        struct str name =
            str_dup(l->arena, str_of(event.data.scalar.value, event.data.scalar.length));
        yaml_event_delete(&event);
        if (!next(l, &event) || !node(l, &event, &value))
            return false;
        if (ret->n == CFN_MEMBERS_MAX)
            return fail(l, S(TOO_MUCH));
        assert(ret->n < CFN_MEMBERS_MAX);
        cfn_put(l->arena, ret, name, value);
    }
}

/* Takes the event. */
static bool
node(struct loader *l, yaml_event_t *event, struct json *ret)
{
    struct str tag = STR_NONE, text;
    bool quoted, ok = true;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        tag = tag_of(l, event->data.scalar.tag);
        text = str_dup(l->arena, str_of(event->data.scalar.value, event->data.scalar.length));
        quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || tag.n;
        *ret = quoted ? cfn_text(text) : plain(text);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        l->depth++;
        if (event->type == YAML_SEQUENCE_START_EVENT) {
            tag = tag_of(l, event->data.sequence_start.tag);
            ok = sequence(l, ret);
        } else {
            tag = tag_of(l, event->data.mapping_start.tag);
            ok = mapping(l, ret);
        }
        l->depth--;
        break;
    case YAML_ALIAS_EVENT:
        ok = fail(l, S("Template error: YAML aliases are not allowed in CloudFormation templates"));
        break;
    default:
        ok = fail(l, S("Template format error: unsupported structure."));
    }
    yaml_event_delete(event);
    if (ok)
        *ret = tagged(l, tag, *ret);
    return ok;
}

static bool
document(struct loader *l, struct json *ret)
{
    yaml_event_t event;
    bool started = false;

    for (;;) {
        if (!next(l, &event))
            return false;
        yaml_event_type_t type = event.type;

        if (type == YAML_STREAM_START_EVENT || (type == YAML_DOCUMENT_START_EVENT && !started) ||
            type == YAML_DOCUMENT_END_EVENT) {
            started = started || type == YAML_DOCUMENT_START_EVENT;
            yaml_event_delete(&event);
        } else if (type == YAML_STREAM_END_EVENT || type == YAML_DOCUMENT_START_EVENT) {
            yaml_event_delete(&event);
            return type == YAML_STREAM_END_EVENT ||
                   fail(l, S("Template format error: unsupported structure."));
        } else if (!node(l, &event, ret)) {
            return false;
        }
    }
}

static struct str
load_yaml(struct arena *a, struct str text, struct json *ret)
{
    struct loader l = {.arena = a};

    if (!yaml_parser_initialize(&l.parser))
        abort();
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)text.p, text.n);
    document(&l, ret);
    yaml_parser_delete(&l.parser);
    assert(l.wrong.p || l.depth == 0);
    return l.wrong;
}

static struct str
json_wrong(struct arena *a, struct str text, size_t at)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < MIN(at, text.n); i++) {
        column = text.p[i] == '\n' ? 1 : column + 1;
        line += text.p[i] == '\n';
    }
    assert(line >= 1 && column >= 1);
    return str_fmt(a, "Template format error: JSON not well-formed. (line %zu, column %zu)", line,
                   column);
}

/* A name that comes twice is the last one of them; trees have each once.  False: too many. */
static bool
dedupe(struct json *j)
{
    size_t n = 0;

    if (j->kind == JSON_OBJECT && j->n > CFN_MEMBERS_MAX)
        return false;
    for (size_t i = 0; i < j->n; i++) {
        size_t at = 0;

        if (!dedupe(&j->v[i]))
            return false;
        if (j->kind != JSON_OBJECT)
            continue;
        while (at < n && !str_eq(j->names[at], j->names[i]))
            at++;
        j->names[at] = j->names[i];
        j->v[at] = j->v[i];
        n = MAX(n, at + 1);
    }
    if (j->kind == JSON_OBJECT)
        j->n = n;
    assert(j->kind != JSON_OBJECT || n <= CFN_MEMBERS_MAX);
    return true;
}

struct str
cfn_load(struct arena *a, struct str text, struct json *ret)
{
    struct str trimmed = str_trim(text), wrong = STR_NONE;
    size_t at = 0;

    *ret = (struct json){.kind = JSON_NULL};
    if (!str_is_utf8(text))
        return S("Template format error: YAML not well-formed. (line 1, column 1)");
    if (trimmed.n && trimmed.p[0] == '{') {
        if (!json_parse(a, text, CFN_NODES_MAX, ret, &at))
            return json_wrong(a, text, at);
        if (!dedupe(ret))
            return S(TOO_MUCH);
    } else {
        wrong = load_yaml(a, text, ret);
    }
    if (!wrong.p && ret->kind != JSON_OBJECT)
        wrong = S("Template format error: unsupported structure.");
    assert(wrong.p || ret->kind == JSON_OBJECT);
    return wrong;
}
