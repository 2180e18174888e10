/*
 * User data of any bytes: inflated, taken apart, sniffed, its cloud-config read and
 * written again.  An include answers with bytes of the input, so that it can recurse.
 */
#include "node.h"
#include "userdata.h"

#include <setjmp.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static jmp_buf full;

static NORETURN void
on_full(void)
{
    longjmp(full, 1);
}

static void
on_note(void *ctx, bool warn, struct str text)
{
    (void)ctx;
    (void)warn;
    if (text.n > 1024)
        abort();
}

static bool
on_fetch(void *ctx, struct str url, bool once, struct str *ret)
{
    const struct str *whole = ctx;

    (void)once;
    *ret = str_cut(*whole, url.n % 7, whole->n);
    return url.n % 3 != 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {.max_bytes = 128 << 20};
    struct str in = {(const char *)data, n};
    struct userdata u;

    arena_full = on_full;
    if (setjmp(full) == 0) {
        userdata_init(&u, &a);
        u.note = on_note;
        u.fetch = on_fetch;
        u.ctx = &in;
        userdata_parse(&u, in);
        for (const struct part *p = u.first; p; p = p->next) {
            struct str why;
            struct buf b = buf_new(&a, 65536);
            const struct node *c = node_parse(&a, p->payload, &why);

            if (c)
                node_json(&b, c);
            if (clean_filename(&a, p->filename).n == 0 || p->content_type.n == 0)
                abort();
            part_excerpt(&a, p->payload);
            dos2unix(&a, p->payload);
        }
    }
    arena_done(&a);
    return 0;
}
