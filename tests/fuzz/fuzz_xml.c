/*
 * Any bytes as XML, read in the ways that a decoder may: an element's text, its children, or over
 * it, as the input's own bytes pick.  Depth comes back to nothing, texts are in bounds and UTF-8.
 */
#include <stdlib.h>

#include "codec/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
walk(struct xml_in *in, struct xml_tag *tag)
{
    struct xml_tag child;
    struct str text;

    must(tag->name.n > 0 && in->depth <= XML_DEPTH_MAX);
    if (xml_attr(in, tag, S("xsi:type"), &text))
        must(str_is_utf8(text));
    switch (tag->name.p[0] % 3) {
    case 0:
        if (xml_content(in, tag, &text))
            must(text.p && str_is_utf8(text));
        return;
    case 1:
        xml_skip(in, tag);
        return;
    default:
        while (xml_child(in, tag, &child))
            walk(in, &child);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *exact = malloc(n + 1); /* so that reading one byte too far is seen */
    struct xml_tag root;
    struct arena a;

    must(exact != NULL);
    memcpy(exact, data, n);
    exact = realloc(exact, n ? n : 1);
    must(exact != NULL);
    arena_init(&a, (size_t)64 << 20);
    struct xml_in in = {.arena = &a, .text = str_of(exact, n), .tags_left = 10000};

    if (n < 1 << 16 && str_is_utf8(in.text) && xml_root(&in, &root)) {
        walk(&in, &root);
        must(in.failed || in.depth == 0);
        xml_end(&in);
    }
    must(!arena_spent(&a));
    arena_done(&a);
    free(exact);
    return 0;
}
