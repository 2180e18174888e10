/*
 * Names and paths are resolved once a call, so that matching a row only follows offsets.
 */
#include "api/filter.h"

#include "api/scalar.h"
#include "base/timefmt.h"

#define STEPS_MAX 8
#define VALUES_MAX 200
#define VALUE_CHARS_MAX 255

/* Tag:KEY compares Value where Key is KEY. */
enum filter_kind { KIND_PATH, KIND_TAG, KIND_OWN };

struct pattern {
    struct str text; /* without its backslashes when it is no glob */
    bool glob;
};

struct api_filter_compiled {
    enum filter_kind kind;
    struct str name;
    const struct api_member *steps[STEPS_MAX];
    size_t n_steps;
    struct str tag_key;                     /* of KIND_TAG; else absent */
    const struct api_member *key, *val;     /* of a tag */
    const struct api_filter_column *column; /* or NULL */
    struct pattern *patterns;
    size_t n_patterns;
};

/* ---- compiling ---- */

static struct pattern
pattern_of(struct arena *arena, struct str s)
{
    char *plain = arena_alloc(arena, s.n + 1);
    size_t n = 0;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' || s.p[i] == '?')
            return (struct pattern){s, true};
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        plain[n++] = s.p[i];
    }
    return (struct pattern){str_of(plain, n), false};
}

/* The struct that a member leads to, through pointers and lists; NULL for a scalar. */
static const struct api_shape *
inner_struct(const struct api_service *s, const struct api_member *m)
{
    const struct api_shape *shape = &s->shapes[m->shape];

    while (shape->kind == API_LIST)
        shape = &s->shapes[s->members[shape->first].shape];
    return shape->kind == API_STRUCT ? shape : NULL;
}

/* Follows "A.B.C" from a shape; false when a part does not exist or the end is no scalar. */
static bool
resolve(const struct api_service *s, const struct api_shape *shape, struct str path,
        struct api_filter_compiled *ret)
{
    assert(shape->kind == API_STRUCT);
    ret->n_steps = 0;
    while (path.p) {
        struct str name = str_split(&path, '.');

        if (!shape || ret->n_steps == STEPS_MAX)
            return false;
        const struct api_member *m = api_member_find(s, shape, name);

        if (!m || s->shapes[m->shape].kind == API_MAP)
            return false;
        ret->steps[ret->n_steps++] = m;
        shape = inner_struct(s, m);
    }
    return shape == NULL && ret->n_steps > 0;
}

static bool
resolve_tags(const struct api_filter_table *t, struct api_filter_compiled *ret)
{
    const struct api_service *s = t->service;
    const struct api_shape *shape = &s->shapes[t->shape], *tag;
    const struct api_member *m = api_member_find(s, shape, S("Tags"));

    if (!m)
        m = api_member_find(s, shape, S("TagSet"));
    tag = m && s->shapes[m->shape].kind == API_LIST ? inner_struct(s, m) : NULL;
    if (!tag)
        return false;
    ret->steps[0] = m;
    ret->n_steps = 1;
    ret->key = api_member_find(s, tag, S("Key"));
    ret->val = api_member_find(s, tag, S("Value"));
    return ret->key && ret->val;
}

static bool
resolve_row(const struct api_filter_table *t, const struct api_filter *row, struct str name,
            struct api_filter_compiled *ret)
{
    ret->name = name;
    if (strcmp(row->path, API_FILTER_OWN) == 0) {
        ret->kind = KIND_OWN;
        return true;
    }
    if (strcmp(row->path, API_FILTER_TAGS) != 0) {
        ret->kind = KIND_PATH;
        return resolve(t->service, &t->service->shapes[t->shape], str_from(row->path), ret);
    }
    ret->kind = KIND_TAG;
    if (str_starts(name, S("tag:")))
        ret->tag_key = str_cut(name, 4, name.n);
    return resolve_tags(t, ret);
}

static bool
is_tag_filter(struct str name)
{
    assert(str_ok(name));
    return str_starts(name, S("tag:")) || str_is(name, "tag-key") || str_is(name, "tag-value");
}

static const struct api_filter *
find_row(const struct api_filter_table *t, struct str name)
{
    assert(name.n > 0 || str_ok(name));
    for (size_t i = 0; i < t->n; i++) {
        bool tags = strcmp(t->v[i].path, API_FILTER_TAGS) == 0;

        if (tags ? is_tag_filter(name) : str_is(name, t->v[i].name))
            return &t->v[i];
    }
    return NULL;
}

static const struct api_filter_column *
find_column(const struct api_filter_table *t, struct str name)
{
    if (is_tag_filter(name))
        name = S("tag");
    for (size_t i = 0; i < t->n_columns; i++)
        if (str_is(name, t->columns[i].name))
            return &t->columns[i];
    return NULL;
}

static int
check_values(struct arena *arena, struct api_filter_pairs pairs, struct api_fault *fault)
{
    size_t n = 0;

    assert(pairs.n == 0 || pairs.v);
    for (size_t i = 0; i < pairs.n; i++) {
        n += pairs.v[i].values.n;
        if (n > VALUES_MAX)
            return api_refuse(fault, arena, "FilterLimitExceeded",
                              "The maximum number of filter values specified on a single call is "
                              "%d",
                              VALUES_MAX);
        LIST_EACH(&pairs.v[i].values, value) {
            if (str_chars(*value) > VALUE_CHARS_MAX)
                return api_refuse(fault, arena, "FilterLimitExceeded",
                                  "The maximum length for a filter value is %d characters",
                                  VALUE_CHARS_MAX);
        }
        if (pairs.v[i].name.p && pairs.v[i].values.n == 0)
            return api_refuse(fault, arena, "MissingParameter",
                              "The request must contain the parameter Filter.%zu.Value", i + 1);
    }
    return 0;
}

int
api_filter_compile(struct arena *arena, const struct api_filter_table *table,
                   struct api_filter_pairs pairs, struct api_filter_set *ret,
                   struct api_fault *fault)
{
    struct api_filter_set set = {.table = table, .n = pairs.n};
    int r = check_values(arena, pairs, fault);

    if (r)
        return r;
    set.v = ARENA_ARRAY(arena, struct api_filter_compiled, pairs.n);
    for (size_t i = 0; i < pairs.n; i++) {
        const struct api_filter_pair *pair = &pairs.v[i];
        const struct api_filter *row = find_row(table, pair->name);
        struct api_filter_compiled *one = &set.v[i];
        struct str shown = pair->name.p ? pair->name : S("null");

        if (!row)
            return api_refuse(fault, arena, "InvalidParameterValue", "The filter '%.*s' is invalid",
                              STR_ARG(shown));
        bool known = resolve_row(table, row, pair->name, one);

        assert(known); /* api_filter_table_error() is run over every table by the tests */
        if (!known)
            return -EINVAL;
        one->column = find_column(table, pair->name);
        one->n_patterns = pair->values.n;
        one->patterns = ARENA_ARRAY(arena, struct pattern, pair->values.n);
        for (size_t j = 0; j < pair->values.n; j++)
            one->patterns[j] = pattern_of(arena, pair->values.v[j]);
    }
    *ret = set;
    return 0;
}

const char *
api_filter_table_error(const struct api_filter_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        struct api_filter_compiled one = {0};
        bool tags = strcmp(table->v[i].path, API_FILTER_TAGS) == 0;

        if (!resolve_row(table, &table->v[i], tags ? S("tag:x") : str_from(table->v[i].name), &one))
            return table->v[i].name;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        bool tags = strcmp(table->columns[i].name, "tag") == 0;

        if (!find_row(table, tags ? S("tag-key") : str_from(table->columns[i].name)))
            return table->columns[i].name;
    }
    return NULL;
}

/* ---- matching ---- */

static bool
text_passes(const struct api_filter_compiled *f, struct str s)
{
    assert(str_ok(s));
    for (size_t i = 0; i < f->n_patterns; i++) {
        const struct pattern *p = &f->patterns[i];

        if (p->glob ? str_glob(p->text, s) : str_eq(p->text, s))
            return true;
    }
    return false;
}

static bool
number_passes(const struct api_filter_compiled *f, int64_t v)
{
    char room[STR_I64_MAX];

    return text_passes(f, str_i64(v, room));
}

static bool
time_passes(const struct api_filter_compiled *f, int64_t ms)
{
    char text[TIME_ISO_LEN];

    time_iso_buf(ms - ((ms % 1000) + 1000) % 1000, text);
    return text_passes(f, str_of(text, sizeof(text)));
}

static bool
float_passes(const struct api_filter_compiled *f, double v)
{
    struct buf b;

    buf_init(&b, 64);
    buf_add_f64(&b, v);
    bool passes = text_passes(f, buf_str(&b));

    buf_done(&b);
    return passes;
}

static bool
scalar_passes(const struct api_filter_compiled *f, const struct api_shape *shape, const void *slot,
              bool element)
{
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        return text_passes(f, *api_slot_str(slot));
    case API_BOOL:
        return text_passes(f, api_slot_bool(slot, element) ? S("true") : S("false"));
    case API_INT:
    case API_LONG:
        return number_passes(f, api_slot_i64(slot, element));
    case API_TIME:
        return time_passes(f, api_slot_i64(slot, element));
    case API_FLOAT:
    case API_DOUBLE:
        return float_passes(f, api_slot_f64(slot, element));
    case API_STRUCT:
    case API_LIST:
    case API_MAP:
        break;
    }
    return false;
}

static bool step_passes(const struct api_service *s, const struct api_filter_compiled *f,
                        size_t step, const void *base);

static bool
slot_passes(const struct api_service *s, const struct api_filter_compiled *f, size_t step,
            const struct api_shape *shape, const void *slot, bool element)
{
    const struct str_list *list = slot; /* any list has this layout */

    assert(slot);
    if (shape->kind == API_STRUCT)
        return step_passes(s, f, step + 1, api_slot_struct(slot, element));
    if (shape->kind != API_LIST)
        return scalar_passes(f, shape, slot, element);
    for (size_t i = 0; i < list->n; i++) {
        const char *item = (const char *)list->v + i * shape->size;

        if (slot_passes(s, f, step, &s->shapes[s->members[shape->first].shape], item, true))
            return true;
    }
    return false;
}

static bool
step_passes(const struct api_service *s, const struct api_filter_compiled *f, size_t step,
            const void *base)
{
    const struct api_member *m = f->steps[step];
    const struct api_shape *shape = &s->shapes[m->shape];
    const void *slot = (const char *)base + m->offset;

    assert(step < f->n_steps);
    return api_is_set(shape->kind, slot) && slot_passes(s, f, step, shape, slot, false);
}

static bool
tags_pass(const struct api_service *s, const struct api_filter_compiled *f, const void *value)
{
    const struct api_member *m = f->steps[0];
    const struct api_shape *shape = &s->shapes[m->shape];
    const struct str_list *list = (const void *)((const char *)value + m->offset);

    assert(value);
    for (size_t i = 0; i < list->n; i++) {
        const char *tag = (const char *)list->v + i * shape->size;
        const struct str *key = (const void *)(tag + f->key->offset);
        const struct str *val = (const void *)(tag + f->val->offset);

        if (f->tag_key.p && !str_eq(*key, f->tag_key))
            continue;
        if (text_passes(f, str_is(f->name, "tag-key") ? *key : *val))
            return true;
    }
    return false;
}

bool
api_filter_match(const struct api_filter_set *set, const void *value)
{
    assert(value);
    for (size_t i = 0; i < set->n; i++) {
        const struct api_filter_compiled *f = &set->v[i];
        bool passes = true;

        if (f->kind == KIND_TAG)
            passes = tags_pass(set->table->service, f, value);
        else if (f->kind == KIND_PATH)
            passes = step_passes(set->table->service, f, 0, value);
        if (!passes)
            return false;
    }
    return true;
}

static bool
row_tags_pass(const struct api_filter_compiled *f, const struct str_list *tags)
{
    for (size_t i = 0; i + 1 < tags->n; i += 2) {
        if (f->tag_key.p && !str_eq(tags->v[i], f->tag_key))
            continue;
        if (text_passes(f, tags->v[i + !str_is(f->name, "tag-key")]))
            return true;
    }
    return false;
}

static bool
column_passes(const struct api_filter_compiled *f, const void *row)
{
    const void *slot = (const char *)row + f->column->offset;

    if (f->kind == KIND_TAG)
        return row_tags_pass(f, slot);
    struct str s = f->column->text ? f->column->text(row) : *(const struct str *)slot;

    return s.n && text_passes(f, s);
}

bool
api_filter_row_passes(const struct api_filter_set *set, const void *row)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->v[i].column && !column_passes(&set->v[i], row))
            return false;
    return true;
}

bool
api_filter_has_others(const struct api_filter_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (!set->v[i].column)
            return true;
    return false;
}

bool
api_filter_allows(const struct api_filter_set *set, const char *name, struct str text)
{
    assert(name[0] != '\0' && str_ok(text));
    for (size_t i = 0; i < set->n; i++)
        if (str_is(set->v[i].name, name) && !text_passes(&set->v[i], text))
            return false;
    return true;
}
