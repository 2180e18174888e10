/*
 * What targets of a load balancer answer, and what its nodes are told.  An answer that is accepted
 * is accepted again from its own bytes, asks for more at every shorter length, and keeps all slices
 * inside the input; a line is a configuration or not, and a request finds a rule of it.
 */
#include "balancer/config.h"
#include "balancer/route.h"
#include "base/list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
check_answer(struct str in)
{
    static struct http_head head, again;
    unsigned status;
    size_t used, n;
    int r = http_parse_answer(in, &head, &status, &used);

    must(r == HTTP_MORE || r == HTTP_COMPLETE || (r >= 400 && r < 600));
    for (size_t i = 0; i < head.n_headers; i++) {
        struct str v = head.headers[i].value;

        must(v.p >= in.p && v.p + v.n <= in.p + in.n);
        must(!memchr(v.p, '\r', v.n) && !memchr(v.p, '\n', v.n));
    }
    if (r != HTTP_COMPLETE)
        return;
    must(used <= in.n && status >= 100 && status <= 599);
    must(!(head.chunked && head.content_length >= 0));
    must(http_parse_answer(str_cut(in, 0, used), &again, &status, &n) == HTTP_COMPLETE);
    must(http_parse_answer(str_cut(in, 0, used - 1), &again, &status, &n) == HTTP_MORE);
}

static void
check_config(struct str in)
{
    static struct http_head head;
    struct bal_view view = {.head = &head, .client = 0x0a000001};
    struct bal_config *c = bal_config_read(in);
    struct arena a;
    size_t used;

    if (!c)
        return;
    arena_init(&a, (size_t)16 << 20);
    must(http_parse_head(S("GET /a?b=c HTTP/1.1\r\nHost: h\r\nCookie: a=b; c=d\r\n\r\n"), &head,
                         &used) == HTTP_COMPLETE);
    LIST_EACH(&c->listeners, l) {
        const struct bal_rule *rule = bal_route(l, &view);

        must(rule >= l->rules.v && rule < l->rules.v + l->rules.n);
        if (rule->action.does == BAL_REDIRECT)
            must(bal_redirect(&a, &rule->action, &view, l->port).n > 0);
    }
    arena_done(&a);
    must(!bal_config_unref(c));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str in = str_of(data, n);

    check_answer(in);
    check_config(in);
    return 0;
}
