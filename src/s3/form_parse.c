/*
 * Forms with files (RFC 7578) and the policies that say what a form may be:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
#include "s3/s3.h"

#include "base/timefmt.h"
#include "codec/json.h"

enum {
    BOUNDARY_MAX = 70,
    FIELDS_MAX = 100,
    BEFORE_FILE_MAX = 20 << 10,
    HEADERS_MAX = 10,
    POLICY_NODES_MAX = 2000,
};

/* ---- the form ---- */

/* A parameter of a header: name="value" or name=value. */
static struct str
parameter(struct str header, const char *name)
{
    str_split(&header, ';');
    while (header.p) {
        struct str value = str_trim(str_split(&header, ';')), own = str_split(&value, '=');

        if (!str_eq_nocase(str_trim(own), str_from(name)) || !value.p)
            continue;
        value = str_trim(value);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_cut(value, 1, value.n - 1);
        return value;
    }
    return STR_NONE;
}

/* Cuts a line off, which ends with CRLF. */
static bool
line(struct str *rest, struct str *ret)
{
    size_t at = str_find(*rest, S("\r\n"));

    assert(str_ok(*rest));
    if (at == SIZE_MAX)
        return false;
    *ret = str_cut(*rest, 0, at);
    *rest = str_cut(*rest, at + 2, rest->n);
    return true;
}

/* The headers of a part: only what it is called matters. */
static bool
part_head(struct str *rest, struct str *ret_disposition)
{
    struct str one;

    *ret_disposition = STR_NONE;
    for (int i = 0; i <= HEADERS_MAX; i++) {
        if (!line(rest, &one))
            return false;
        if (!one.n)
            return ret_disposition->p != NULL;
        struct str name = str_split(&one, ':');

        if (str_eq_nocase(name, S("Content-Disposition")) && one.p)
            *ret_disposition = str_trim(one);
    }
    return false;
}

static int
take_part(struct arena *a, struct str disposition, struct str value, size_t *before,
          struct s3_form *ret)
{
    struct str name = parameter(disposition, "name");

    assert(value.p && !ret->file.p && ret->fields.n <= FIELDS_MAX);
    if (!name.p || !str_starts(disposition, S("form-data")))
        return S3_FORM_MALFORMED;
    if (str_eq_nocase(name, S("file"))) {
        struct str path = parameter(disposition, "filename");

        ret->file = str_of(value.p, value.n);
        /* some browsers send the whole path */
        for (size_t i = 0; i < path.n; i++)
            if (path.p[i] == '/' || path.p[i] == '\\')
                ret->file_name = str_cut(path, i + 1, path.n);
        if (!ret->file_name.p)
            ret->file_name = path;
        return S3_FORM_GOOD;
    }
    *before += name.n + value.n;
    if (*before > BEFORE_FILE_MAX || ret->fields.n == FIELDS_MAX)
        return S3_FORM_TOO_LONG;
    if (!str_is_utf8(name) || !str_is_utf8(value))
        return S3_FORM_MALFORMED;
    *LIST_PUSH(a, &ret->fields) = (struct s3_form_field){name, value};
    assert(*before <= BEFORE_FILE_MAX);
    return S3_FORM_GOOD;
}

int
s3_form_parse(struct arena *a, struct str content_type, struct str body, struct s3_form *ret)
{
    struct str boundary = parameter(content_type, "boundary"), mark, disposition;
    size_t before = 0;
    int r = S3_FORM_GOOD;

    *ret = (struct s3_form){0};
    if (!boundary.n || boundary.n > BOUNDARY_MAX)
        return S3_FORM_MALFORMED;
    mark = str_cat(a, S("\r\n--"), boundary);
    assert(mark.n > 4 && mark.n <= BOUNDARY_MAX + 4);
    if (!str_starts(body, str_cut(mark, 2, mark.n)))
        return S3_FORM_MALFORMED;
    body = str_cut(body, mark.n - 2, body.n);
    while (r == S3_FORM_GOOD && str_starts(body, S("\r\n"))) {
        body = str_cut(body, 2, body.n);
        if (!part_head(&body, &disposition))
            return S3_FORM_MALFORMED;
        size_t end = str_find(body, mark);

        if (end == SIZE_MAX)
            return S3_FORM_MALFORMED;
        r = take_part(a, disposition, str_cut(body, 0, end), &before, ret);
        if (ret->file.p)
            return r; /* what follows the file is not looked at */
        body = str_cut(body, end + mark.n, body.n);
    }
    return r ? r : str_starts(body, S("--")) ? S3_FORM_GOOD : S3_FORM_MALFORMED;
}

struct str
s3_form_get(const struct s3_form *form, const char *name)
{
    for (size_t i = 0; i < form->fields.n; i++)
        if (str_eq_nocase(form->fields.v[i].name, str_from(name)))
            return form->fields.v[i].value;
    return STR_NONE;
}

/* ---- the policy ---- */

struct check {
    struct arena *a;
    const struct s3_form *form;
    struct str bucket, key;
    bool covered[FIELDS_MAX]; /* fields that a condition speaks of */
    struct str *ret;
    int64_t *ret_limit;
};

static struct str
text_of(struct check *x, const struct json *j)
{
    struct buf out;
    struct json_out o = {.buf = &out};

    buf_init(&out, BEFORE_FILE_MAX);
    json_value(&o, j);
    struct str text = str_dup(x->a, buf_failed(&out) ? S("") : buf_str(&out));

    buf_done(&out);
    return text;
}

static enum s3_form_verdict
failed(struct check *x, struct str condition)
{
    *x->ret = condition;
    return S3_POLICY_FAILED;
}

/* The value of a field; the bucket is in the address, the key has its file's name in it. */
static struct str
value_of(struct check *x, struct str name)
{
    struct str value = STR_NONE;

    for (size_t i = 0; i < x->form->fields.n; i++)
        if (str_eq_nocase(x->form->fields.v[i].name, name)) {
            x->covered[i] = true;
            value = x->form->fields.v[i].value;
        }
    if (str_eq_nocase(name, S("bucket")))
        return x->bucket;
    return str_eq_nocase(name, S("key")) ? x->key : value;
}

static bool
starts(struct str name, struct str value, struct str prefix)
{
    /* a list of types: each of them */
    if (!str_eq_nocase(name, S("Content-Type")))
        return str_starts(value, prefix);
    do {
        if (!str_starts(str_trim(str_split(&value, ',')), prefix))
            return false;
    } while (value.p);
    return true;
}

static enum s3_form_verdict
check_length(struct check *x, const struct json *c)
{
    int64_t min, max, n = (int64_t)x->form->file.n;

    assert(c->kind == JSON_ARRAY && c->n == 3 && n >= 0);
    if (!json_i64(&c->v[1], &min) || !json_i64(&c->v[2], &max))
        return failed(x, text_of(x, c));
    *x->ret_limit = n > max ? max : min;
    return n > max ? S3_POLICY_TOO_LARGE : n < min ? S3_POLICY_TOO_SMALL : S3_POLICY_GOOD;
}

static enum s3_form_verdict
check_pair(struct check *x, struct str op, struct str name, struct str wanted, struct str condition)
{
    struct str value = value_of(x, name);
    bool good = str_eq_nocase(op, S("eq"))            ? value.p && str_eq(value, wanted)
                : str_eq_nocase(op, S("starts-with")) ? value.p && starts(name, value, wanted)
                                                      : false;

    return good ? S3_POLICY_GOOD : failed(x, condition);
}

/* ["eq", "$key", "x"], ["content-length-range", 1, 2] or {"acl": "private", …}. */
static enum s3_form_verdict
check_condition(struct check *x, const struct json *c)
{
    enum s3_form_verdict r = S3_POLICY_GOOD;

    if (c->kind == JSON_OBJECT) {
        for (size_t i = 0; i < c->n && !r; i++) {
            struct json name = {.kind = JSON_STRING, .text = str_cat(x->a, S("$"), c->names[i])};
            struct str shown = str_fmt(x->a, "[\"eq\", %.*s, %.*s]", STR_ARG(text_of(x, &name)),
                                       STR_ARG(text_of(x, &c->v[i])));

            r = c->v[i].kind == JSON_STRING
                    ? check_pair(x, S("eq"), c->names[i], c->v[i].text, shown)
                    : failed(x, shown);
        }
        return r;
    }
    if (c->kind != JSON_ARRAY || c->n != 3 || c->v[0].kind != JSON_STRING)
        return failed(x, text_of(x, c));
    if (str_eq_nocase(c->v[0].text, S("content-length-range")))
        return check_length(x, c);
    struct str shown = str_fmt(x->a, "[%.*s, %.*s, %.*s]", STR_ARG(text_of(x, &c->v[0])),
                               STR_ARG(text_of(x, &c->v[1])), STR_ARG(text_of(x, &c->v[2])));

    if (c->v[1].kind != JSON_STRING || c->v[2].kind != JSON_STRING ||
        !str_starts(c->v[1].text, S("$")))
        return failed(x, shown);
    return check_pair(x, c->v[0].text, str_cut(c->v[1].text, 1, c->v[1].text.n), c->v[2].text,
                      shown);
}

/* A field of which no condition speaks; some need none. */
static enum s3_form_verdict
check_extra(struct check *x)
{
    static const char *const free_ones[] = {"policy", "x-amz-signature", "file"};

    assert(x->form->fields.n <= ARRAY_LEN(x->covered));
    for (size_t i = 0; i < x->form->fields.n; i++) {
        struct str name = x->form->fields.v[i].name;
        bool needs = !x->covered[i] && !str_eq_nocase(str_cut(name, 0, 9), S("x-ignore-"));

        for (size_t k = 0; k < ARRAY_LEN(free_ones); k++)
            needs = needs && !str_eq_nocase(name, str_from(free_ones[k]));
        if (needs) {
            *x->ret = name;
            return S3_POLICY_EXTRA;
        }
    }
    return S3_POLICY_GOOD;
}

static enum s3_form_verdict
malformed(struct str *ret, const char *why)
{
    *ret = str_from(why);
    return S3_POLICY_MALFORMED;
}

enum s3_form_verdict
s3_form_check(struct arena *a, struct str policy, const struct s3_form *form, struct str bucket,
              struct str key, int64_t now_ms, struct str *ret, int64_t *ret_limit)
{
    struct check x = {
        .a = a, .form = form, .bucket = bucket, .key = key, .ret = ret, .ret_limit = ret_limit};
    const struct json *conditions;
    enum s3_form_verdict r = S3_POLICY_GOOD;
    struct json j;
    size_t at;
    int64_t until;

    assert(form->fields.n <= FIELDS_MAX && ret && ret_limit);
    if (!json_parse(a, policy, POLICY_NODES_MAX, &j, &at) || j.kind != JSON_OBJECT)
        return malformed(ret, "Invalid Policy: Invalid JSON.");
    if (!json_text(&j, "expiration").p)
        return malformed(ret, "Invalid Policy: Policy missing expiration.");
    if (!time_parse_iso(json_text(&j, "expiration"), &until))
        return malformed(ret, "Invalid Policy: Invalid 'expiration' value.");
    conditions = json_get(&j, "conditions");
    if (!conditions || conditions->kind != JSON_ARRAY)
        return malformed(ret, "Invalid Policy: Policy missing conditions.");
    if (until <= now_ms)
        return S3_POLICY_EXPIRED;
    for (size_t i = 0; i < conditions->n && !r; i++)
        r = check_condition(&x, &conditions->v[i]);
    return r ? r : check_extra(&x);
}
