/*
 * No libc number parser sees a client's text before its alphabet was checked: strtod() would
 * take "0x1p3", "nan(1)" and what the locale likes.
 */
#include "api/scalar.h"

#include "base/timefmt.h"

#include <math.h>
#include <stdlib.h>

#define FLOAT_TEXT_MAX 64

static bool
parse_float(struct str s, double *ret)
{
    char text[FLOAT_TEXT_MAX + 1], *end;

    assert(str_ok(s));
    if (str_is(s, "NaN")) {
        *ret = (double)NAN;
        return true;
    }
    if (str_is(s, "Infinity") || str_is(s, "-Infinity")) {
        *ret = s.p[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (s.n == 0 || s.n > FLOAT_TEXT_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!memchr("0123456789+-.eE", s.p[i], 15))
            return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    *ret = strtod(text, &end);
    return end == text + s.n && isfinite(*ret);
}

/* Seconds since 1970 with an optional fraction; years 1 to 9999. */
static bool
parse_unix(struct str s, int64_t *ret_ms)
{
    double v;

    assert(str_ok(s));
    if (!parse_float(s, &v) || !(v > -62135596800.0 && v < 253402300800.0))
        return false;
    *ret_ms = (int64_t)floor(v * 1000 + 0.5);
    return true;
}

static bool
parse_bool(struct str s, bool *ret)
{
    assert(str_ok(s));
    *ret = str_is(s, "true") || str_is(s, "1");
    return *ret || str_is(s, "false") || str_is(s, "0");
}

static void
put_i64(void *slot, bool element, int64_t v)
{
    assert(slot);
    if (element)
        *(int64_t *)slot = v;
    else
        *(struct opt_i64 *)slot = opt_i64(v);
}

static const char *
parse_number(const struct api_shape *shape, struct str text, void *slot, bool element)
{
    int64_t v;

    assert(shape->kind == API_INT || shape->kind == API_LONG);
    if (!str_to_i64(text, &v))
        return "an integer";
    if (shape->kind == API_INT && (v < INT32_MIN || v > INT32_MAX))
        return "an integer of 32 bits";
    put_i64(slot, element, v);
    return NULL;
}

static const char *
parse_flag(struct str text, void *slot, bool element)
{
    bool v;

    assert(slot);
    if (!parse_bool(text, &v))
        return "true or false";
    if (element)
        *(bool *)slot = v;
    else
        *(struct opt_bool *)slot = opt_bool(v);
    return NULL;
}

const char *
api_scalar_parse(struct arena *arena, const struct api_shape *shape, struct str text, void *slot,
                 bool element)
{
    int64_t ms;
    double f;

    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_DOCUMENT:
        *(struct str *)slot = text;
        return NULL;
    case API_BLOB:
        return str_unbase64(arena, text, slot) ? NULL : "base64 text";
    case API_BOOL:
        return parse_flag(text, slot, element);
    case API_INT:
    case API_LONG:
        return parse_number(shape, text, slot, element);
    case API_FLOAT:
    case API_DOUBLE:
        if (!parse_float(text, &f))
            return "a number";
        if (element)
            *(double *)slot = f;
        else
            *(struct opt_f64 *)slot = opt_f64(f);
        return NULL;
    case API_TIME:
        if (!time_parse_iso(text, &ms) && !parse_unix(text, &ms) && !time_parse_http(text, &ms))
            return "a time";
        put_i64(slot, element, ms);
        return NULL;
    case API_STRUCT:
    case API_LIST:
    case API_MAP:
        break;
    }
    assert(!"a scalar's shape");
    return "a scalar";
}

struct str
api_excerpt(struct str s, size_t max)
{
    size_t n = max;

    assert(str_ok(s) && max > 0);
    if (s.n <= max)
        return s;
    while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return str_cut(s, 0, n);
}

struct str
api_camel(struct arena *arena, struct str name)
{
    struct str copy = str_dup(arena, name);

    assert(str_ok(name));
    if (copy.n && copy.p[0] >= 'A' && copy.p[0] <= 'Z')
        ((char *)copy.p)[0] = (char)(copy.p[0] + 32);
    return copy;
}
