/* What does not depend on the format. */
#include "codec/doc.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 400

bool
doc_skip(struct doc_in *in)
{
    struct doc_value v;
    struct str name;

    assert(in->depth <= DOC_DEPTH_MAX);
    if (!doc_next(in, &v))
        return false;
    if (v.kind == DOC_LIST || v.kind == DOC_MAP)
        while (doc_more(in, &v, &name))
            doc_skip(in);
    return !in->failed;
}

bool
doc_end(struct doc_in *in)
{
    assert(in->failed || in->depth == 0);
    if (in->format == &doc_json)
        while (in->at < in->text.n && memchr(" \t\r\n", in->text.p[in->at], 4))
            in->at++;
    return !in->failed && in->at == in->text.n;
}

bool
doc_f64(const struct doc_value *v, double *ret)
{
    char text[NUMBER_TEXT_MAX + 1];

    assert(v->kind <= DOC_MAP);
    if (v->kind == DOC_INT) {
        *ret = (double)v->i;
        return true;
    }
    if (v->kind == DOC_FLOAT) {
        *ret = v->f;
        return true;
    }
    if (v->kind != DOC_NUMBER || v->text.n > NUMBER_TEXT_MAX)
        return false;
    memcpy(text, v->text.p, v->text.n);
    text[v->text.n] = 0;
    double f = strtod(text, NULL);

    if (!isfinite(f))
        return false;
    *ret = f;
    return true;
}

bool
doc_i64(const struct doc_value *v, int64_t *ret)
{
    double f;

    assert(v->kind <= DOC_MAP);
    if (v->kind == DOC_INT) {
        *ret = v->i;
        return true;
    }
    if (v->kind == DOC_NUMBER && str_to_i64(v->text, ret))
        return true;
    if (!doc_f64(v, &f) || !(f > -9.2e18 && f < 9.2e18))
        return false;
    *ret = (int64_t)f;
    return true;
}
