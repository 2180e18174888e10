/*
 * Every statement that is found in a JSON text is an object of that text, in its order, and as many
 * are found as the document has.
 */
#include <stdlib.h>

#include "codec/json.h"
#include "iam/simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NODES_MAX 5000

static void
must(bool ok)
{
    if (!ok)
        abort();
}

/* Objects that are the value of a Statement member or elements of it; a name may come twice. */
static size_t
expected(const struct json *doc)
{
    size_t n = 0;

    for (size_t i = 0; doc->kind == JSON_OBJECT && i < doc->n; i++) {
        const struct json *v = &doc->v[i];

        if (!str_is(doc->names[i], "Statement"))
            continue;
        n += v->kind == JSON_OBJECT;
        for (size_t k = 0; v->kind == JSON_ARRAY && k < v->n; k++)
            n += v->v[k].kind == JSON_OBJECT;
    }
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct json doc, statement;
    size_t at = 0;
    char *exact = malloc(n ? n : 1); /* so that reading one byte too far is seen */
    struct str text = str_of(exact, n);

    must(exact);
    memcpy(exact, data, n);
    arena_init(&a, (size_t)16 << 20);
    if (json_parse(&a, text, NODES_MAX, &doc, &at) && doc.kind == JSON_OBJECT) {
        const struct sim_span_list spans = sim_spans(&a, text);
        const char *from = text.p;

        for (size_t i = 0; i < spans.n; i++) {
            must(spans.v[i].text.p >= from);
            from = spans.v[i].text.p + spans.v[i].text.n;
            must(from <= text.p + text.n);
            must(json_parse(&a, spans.v[i].text, NODES_MAX, &statement, &at));
            must(statement.kind == JSON_OBJECT);
            must(spans.v[i].end.line >= spans.v[i].start.line);
        }
        must(spans.n >= expected(&doc));
    }
    arena_done(&a);
    free(exact);
    return 0;
}
