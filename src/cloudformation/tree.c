/*
 * Trees are codec/json.h's.  They are built bottom up and never changed once somebody reads them.
 */
#include "cloudformation/tree.h"

#include "base/list.h"

#define NODES_MAX 200000

struct json
cfn_text(struct str s)
{
    return (struct json){.kind = JSON_STRING, .text = s.p ? s : S("")};
}

struct json
cfn_bool(bool truth)
{
    return (struct json){.kind = JSON_BOOL, .truth = truth};
}

struct str
cfn_scalar(const struct json *j)
{
    if (!j)
        return STR_NONE;
    switch (j->kind) {
    case JSON_STRING:
    case JSON_NUMBER:
        return j->text;
    case JSON_BOOL:
        return j->truth ? S("true") : S("false");
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return STR_NONE;
}

struct json
cfn_object(void)
{
    return (struct json){.kind = JSON_OBJECT};
}

struct json
cfn_array(void)
{
    return (struct json){.kind = JSON_ARRAY};
}

struct json *
cfn_put(struct arena *a, struct json *object, struct str name, struct json value)
{
    struct str_list names = {object->names, object->n};

    assert(value.kind <= JSON_OBJECT);
    assert(object->kind == JSON_OBJECT);
    for (size_t i = 0; i < object->n; i++) {
        if (str_eq(object->names[i], name)) {
            object->v[i] = value;
            return &object->v[i];
        }
    }
    *LIST_PUSH(a, &names) = name;
    object->names = names.v;
    *LIST_PUSH(a, object) = value;
    assert(object->n > 0 && object->names && object->v);
    return &object->v[object->n - 1];
}

struct json *
cfn_push(struct arena *a, struct json *array, struct json value)
{
    assert(array->kind == JSON_ARRAY);
    *LIST_PUSH(a, array) = value;
    assert(array->n > 0);
    return &array->v[array->n - 1];
}

struct json
cfn_single(struct arena *a, const char *name, struct json value)
{
    struct json object = cfn_object();

    assert(name[0]);
    cfn_put(a, &object, str_from(name), value);
    assert(object.n == 1);
    return object;
}

bool
cfn_equal(const struct json *x, const struct json *y)
{
    struct str s = cfn_scalar(x), t = cfn_scalar(y);

    if (s.p || t.p)
        return s.p && t.p && str_eq(s, t);
    if (!x || !y || x->kind != y->kind || x->n != y->n)
        return x == y;
    assert(x->kind == y->kind && x->n == y->n);
    for (size_t i = 0; i < x->n; i++) {
        const struct json *other = x->kind == JSON_OBJECT ? json_get_str(y, x->names[i]) : &y->v[i];

        if (!cfn_equal(&x->v[i], other))
            return false;
    }
    return true;
}

struct str
cfn_print(struct arena *a, const struct json *j, size_t max_bytes)
{
    struct buf b;
    struct json_out out = {.buf = &b};
    struct str ret = STR_NONE;

    assert(j);
    buf_init(&b, max_bytes);
    json_value(&out, j);
    if (!buf_failed(&b))
        ret = str_dup(a, buf_str(&b));
    buf_wipe(&b);
    buf_done(&b);
    assert(ret.n <= max_bytes);
    return ret;
}

bool
cfn_read(struct arena *a, struct str text, struct json *ret)
{
    size_t at;

    return json_parse(a, text, NODES_MAX, ret, &at);
}

const struct json *
cfn_path(const struct json *j, struct str path)
{
    while (path.p && j) {
        struct str name = str_split(&path, '.');
        uint64_t i;

        if (j->kind == JSON_ARRAY)
            j = str_to_u64(name, &i) && i < j->n ? &j->v[i] : NULL;
        else
            j = json_get_str(j, name);
    }
    return j;
}
