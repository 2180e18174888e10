/* See route.h. */
#include "balancer/route.h"

#include "base/buf.h"
#include "base/list.h"
#include "codec/ip.h"

#include <stdio.h>

/* ---- conditions ---- */

static bool
glob_nocase(struct arena *a, struct str pattern, struct str s)
{
    return str_glob(str_lower(a, pattern), str_lower(a, s));
}

/* "example.com:8080" without its port. */
static struct str
host_name(struct str host)
{
    size_t at = str_find_char(host, ':');

    if (host.n && host.p[0] == '[')
        at = str_find_char(host, ']') == SIZE_MAX ? SIZE_MAX : str_find_char(host, ']') + 1;
    return str_cut(host, 0, at);
}

static bool
header_is(struct arena *a, const struct bal_condition *c, const struct http_head *head)
{
    size_t place = 0;

    for (struct str v; (v = http_header_next(head, c->header, &place)).p;)
        LIST_EACH(&c->values, pattern)
            if (glob_nocase(a, *pattern, v))
                return true;
    return false;
}

static bool
pair_is(struct arena *a, struct str query, struct str key, struct str value)
{
    while (query.p) {
        struct str v = str_split(&query, '&'), k = str_split(&v, '=');

        if ((!key.n || glob_nocase(a, key, k)) && glob_nocase(a, value, v))
            return true;
    }
    return false;
}

static bool
source_is(struct str block, uint32_t client)
{
    struct ip4_block b;

    return ip4_block_parse(block, &b) && ip4_block_has(b, client);
}

static bool
holds(struct arena *a, const struct bal_condition *c, const struct bal_view *view)
{
    const struct http_head *head = view->head;

    if (c->field == BAL_HEADER)
        return header_is(a, c, head);
    for (size_t i = 0; i < c->values.n; i++) {
        struct str v = c->values.v[i];
        bool is = false;

        switch (c->field) {
        case BAL_PATH:
            is = str_glob(v, head->path);
            break;
        case BAL_HOST:
            is = glob_nocase(a, v, host_name(head->host));
            break;
        case BAL_METHOD:
            is = str_eq(v, head->method_name);
            break;
        case BAL_SOURCE:
            is = source_is(v, view->client);
            break;
        default: /* a key and its value */
            assert(c->field == BAL_QUERY && i + 1 < c->values.n);
            is = pair_is(a, head->query, v, c->values.v[++i]);
        }
        if (is)
            return true;
    }
    return false;
}

const struct bal_rule *
bal_route(const struct bal_listener *listener, const struct bal_view *view)
{
    const struct bal_rule *found = NULL;
    struct arena a; /* for one condition: a client's headers are long, and rules are many */

    assert(listener->rules.n > 0 && view->head->path.n > 0);
    arena_init(&a, (size_t)4 << 20);
    LIST_EACH(&listener->rules, rule) {
        bool all = !found;

        for (size_t i = 0; i < rule->conditions.n && all; i++) {
            all = holds(&a, &rule->conditions.v[i], view);
            arena_reset(&a);
        }
        if (all)
            found = rule;
    }
    arena_done(&a);
    return found ? found : &listener->rules.v[listener->rules.n - 1];
}

/* ---- redirects ---- */

static void
put_filled(struct buf *out, struct str text, const struct str parts[5])
{
    static const char *const names[5] = {"#{protocol}", "#{host}", "#{port}", "#{path}",
                                         "#{query}"};

    while (text.n) {
        size_t k = 0;

        while (k < ARRAY_LEN(names) && !str_starts(text, str_from(names[k])))
            k++;
        if (k < ARRAY_LEN(names))
            buf_add_str(out, parts[k]);
        else
            buf_add_char(out, text.p[0]);
        text = str_cut(text, k < ARRAY_LEN(names) ? strlen(names[k]) : 1, text.n);
    }
}

struct str
bal_redirect(struct arena *a, const struct bal_action *action, const struct bal_view *view,
             uint16_t port)
{
    enum { LOCATION_MAX = 32 << 10 };
    const struct http_head *head = view->head;
    char own_port[8];
    int n = snprintf(own_port, sizeof(own_port), "%u", port);
    const struct str parts[5] = {S("http"), host_name(head->host), str_of(own_port, (size_t)n),
                                 str_cut(head->path, 1, head->path.n), head->query};
    bool https = str_eq_nocase(action->protocol, S("HTTPS"));
    struct buf b;

    assert(action->does == BAL_REDIRECT && n > 0);
    buf_init(&b, LOCATION_MAX);
    buf_add_str(&b, https ? S("https://") : S("http://"));
    put_filled(&b, action->host, parts);
    buf_add_char(&b, ':');
    put_filled(&b, action->port, parts);
    put_filled(&b, action->path, parts);
    size_t without = b.n;

    buf_add_char(&b, '?');
    put_filled(&b, action->query, parts);
    if (b.n == without + 1 && !buf_failed(&b))
        b.n = without; /* no query, no mark */
    struct str location = buf_failed(&b) ? S("/") : str_dup(a, buf_str(&b));

    buf_done(&b);
    return location;
}

/* ---- cookies ---- */

struct str
bal_cookie(const struct http_head *head, struct str name)
{
    size_t place = 0;

    assert(name.n > 0);
    for (struct str all; (all = http_header_next(head, S("cookie"), &place)).p;)
        while (all.p) {
            struct str value = str_trim(str_split(&all, ';')), key = str_split(&value, '=');

            if (str_eq(key, name) && value.p)
                return value;
        }
    return STR_NONE;
}

/* Not secret: whoever forges one chooses among targets that any client may be sent to. */
#define COOKIE_SEED 0x57656c6b696e4c42

void
bal_cookie_make(struct str thing, int64_t until_s, char out[BAL_COOKIE_BYTES + 1])
{
    int n = snprintf(out, BAL_COOKIE_BYTES + 1, "%016llx%016llx",
                     (unsigned long long)str_hash(thing, COOKIE_SEED), (unsigned long long)until_s);

    assert(n == BAL_COOKIE_BYTES);
    (void)n;
}

bool
bal_cookie_is(struct str value, struct str thing, int64_t now_s)
{
    char want[BAL_COOKIE_BYTES + 1];
    int64_t until_s = 0;

    if (value.n != BAL_COOKIE_BYTES)
        return false;
    for (size_t i = BAL_COOKIE_BYTES / 2; i < BAL_COOKIE_BYTES; i++) {
        char c = value.p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0 || until_s >> 58)
            return false;
        until_s = until_s << 4 | digit;
    }
    bal_cookie_make(thing, until_s, want);
    return until_s > now_s && str_eq(value, str_of(want, BAL_COOKIE_BYTES));
}
