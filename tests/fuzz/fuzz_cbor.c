/*
 * Any bytes as CBOR, by the reader of documents.  What it takes is written by our writer and must
 * be read to the same.
 */
#include <stdlib.h>

#include "codec/cbor.h"
#include "codec/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
copy(struct doc_in *in, struct buf *out)
{
    struct doc_value v;
    struct str name;

    must(in->depth <= DOC_DEPTH_MAX);
    if (!doc_next(in, &v))
        return;
    if (v.is_time)
        cbor_tag(out, 1);
    switch (v.kind) {
    case DOC_NULL:
        cbor_null(out);
        return;
    case DOC_BOOL:
        cbor_bool(out, v.truth);
        return;
    case DOC_INT:
        cbor_int(out, v.i);
        return;
    case DOC_FLOAT:
        cbor_float(out, v.f);
        return;
    case DOC_NUMBER:
        abort();
    case DOC_TEXT:
        must(v.text.p && str_is_utf8(v.text));
        cbor_text(out, v.text);
        return;
    case DOC_BYTES:
        cbor_bytes(out, v.text);
        return;
    case DOC_LIST:
        cbor_open_list(out);
        while (doc_more(in, &v, &name))
            copy(in, out);
        cbor_close(out);
        return;
    case DOC_MAP:
        cbor_open_map(out);
        while (doc_more(in, &v, &name)) {
            cbor_text(out, name);
            copy(in, out);
        }
        cbor_close(out);
        return;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *exact = malloc(n ? n : 1); /* so that reading one byte too far is seen */
    struct buf first, second;
    struct arena a;

    must(exact != NULL);
    memcpy(exact, data, n);
    arena_init(&a, (size_t)64 << 20);
    buf_init(&first, (size_t)8 << 20);
    buf_init(&second, (size_t)8 << 20);
    struct doc_in in = {
        .format = &doc_cbor, .arena = &a, .text = str_of(exact, n), .values_left = 10000};

    if (n < 1 << 16)
        copy(&in, &first);
    if (n < 1 << 16 && doc_end(&in)) {
        struct doc_in again = {
            .format = &doc_cbor, .arena = &a, .text = buf_str(&first), .values_left = 10000};

        copy(&again, &second);
        must(doc_end(&again) && str_eq(buf_str(&first), buf_str(&second)));
    }
    must(!arena_spent(&a));
    buf_done(&first);
    buf_done(&second);
    arena_done(&a);
    free(exact);
    return 0;
}
