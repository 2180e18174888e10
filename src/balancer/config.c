/* See config.h.  What is missing or out of range makes the whole line be refused. */
#include "balancer/config.h"

#include "base/list.h"
#include "codec/ip.h"
#include "codec/json.h"

#include <stdlib.h>

/* The line, and structs of some 200 bytes for each of its rules and targets. */
#define CONFIG_BYTES_MAX ((size_t)64 << 20)

struct reader {
    struct bal_config *c;
    struct arena *a;
    bool bad;
};

/* ---- members ---- */

static int64_t
number(struct reader *r, const struct json *j, const char *name, int64_t min, int64_t max)
{
    int64_t n = min;

    assert(min <= max);
    if (!json_i64(json_get(j, name), &n) || n < min || n > max) {
        r->bad = true;
        n = min;
    }
    return n;
}

static bool
truth(const struct json *j, const char *name)
{
    const struct json *v = json_get(j, name);

    return v && ((v->kind == JSON_BOOL && v->truth) ||
                 (v->kind == JSON_STRING && str_is(v->text, "true")));
}

/* Elements of an array; none when it is none. */
static const struct json *
array(const struct json *j, const char *name)
{
    static const struct json none;
    const struct json *v = json_get(j, name);

    return v && v->kind == JSON_ARRAY ? v : &none;
}

/* ---- groups ---- */

static void
read_target(struct reader *r, const struct json *j, struct bal_target *t)
{
    t->id = json_text(j, "id");
    t->port = (uint16_t)number(r, j, "port", 1, 65535);
    t->since = number(r, j, "since", 0, INT64_MAX);
    t->draining = truth(j, "draining");
    if (!t->id.n || !ip4_parse(json_text(j, "ip"), &t->ip))
        r->bad = true;
}

static void
read_group(struct reader *r, const struct json *j, struct bal_group *g)
{
    struct str sticky = json_text(j, "sticky"), port = json_text(j, "check_port");
    int64_t check_port = 0;

    g->id = json_text(j, "id");
    g->path = json_text(j, "path");
    g->matcher = json_text(j, "matcher");
    g->cookie = json_text(j, "sticky_cookie");
    if (!str_is(port, "traffic-port") &&
        (!str_to_i64(port, &check_port) || check_port < 1 || check_port > 65535))
        r->bad = true;
    g->check_port = (uint16_t)check_port;
    g->interval_s = (int)number(r, j, "interval_s", 5, 300);
    g->timeout_s = (int)number(r, j, "timeout_s", 2, 299);
    g->healthy = (unsigned)number(r, j, "healthy", 2, 10);
    g->unhealthy = (unsigned)number(r, j, "unhealthy", 2, 10);
    g->slow_s = (int)number(r, j, "slow_s", 0, 900);
    g->sticky_s = (int)number(r, j, "sticky_s", 1, 604800);
    g->least = str_is(json_text(j, "algorithm"), "least_outstanding_requests");
    g->sticky = str_is(sticky, "lb")    ? BAL_STICKY_OWN
                : str_is(sticky, "app") ? BAL_STICKY_APP
                                        : BAL_NOT_STICKY;
    if (!g->id.n || !str_starts(g->path, S("/")) || !g->matcher.n ||
        (g->sticky == BAL_STICKY_APP && !g->cookie.n))
        r->bad = true;
    LIST_EACH(array(j, "targets"), t)
        read_target(r, t, LIST_PUSH(r->a, &g->targets));
}

static struct bal_group *
group_of(struct reader *r, struct str id)
{
    LIST_EACH(&r->c->groups, g)
        if (str_eq(g->id, id))
            return g;
    r->bad = true;
    return NULL;
}

/* ---- rules ---- */

static void
read_texts(struct reader *r, const struct json *j, const char *config, struct str_list *ret)
{
    LIST_EACH(array(json_get(j, config), "Values"), v) {
        if (v->kind != JSON_STRING)
            r->bad = true;
        else
            *LIST_PUSH(r->a, ret) = v->text;
    }
    if (!ret->n)
        r->bad = true;
}

static void
read_pairs(struct reader *r, const struct json *j, struct str_list *ret)
{
    LIST_EACH(array(json_get(j, "QueryStringConfig"), "Values"), v) {
        *LIST_PUSH(r->a, ret) = json_text(v, "Key");
        *LIST_PUSH(r->a, ret) = json_text(v, "Value");
    }
    if (!ret->n)
        r->bad = true;
}

static void
read_condition(struct reader *r, const struct json *j, struct bal_condition *c)
{
    static const struct {
        const char *field, *config;
    } fields[] = {
        [BAL_PATH] = {"path-pattern", "PathPatternConfig"},
        [BAL_HOST] = {"host-header", "HostHeaderConfig"},
        [BAL_HEADER] = {"http-header", "HttpHeaderConfig"},
        [BAL_METHOD] = {"http-request-method", "HttpRequestMethodConfig"},
        [BAL_QUERY] = {"query-string", "QueryStringConfig"},
        [BAL_SOURCE] = {"source-ip", "SourceIpConfig"},
    };
    struct str field = json_text(j, "Field");
    size_t i = 0;

    while (i < ARRAY_LEN(fields) && !str_is(field, fields[i].field))
        i++;
    if (i == ARRAY_LEN(fields)) {
        r->bad = true;
        return;
    }
    c->field = (enum bal_field)i;
    if (c->field == BAL_QUERY)
        read_pairs(r, j, &c->values);
    else
        read_texts(r, j, fields[i].config, &c->values);
    if (c->field == BAL_HEADER)
        c->header = json_text(json_get(j, "HttpHeaderConfig"), "HttpHeaderName");
}

static void
read_forward(struct reader *r, const struct json *j, struct bal_action *a)
{
    const struct json *config = json_get(j, "ForwardConfig");
    const struct json *sticky = json_get(config, "TargetGroupStickinessConfig");

    LIST_EACH(array(config, "TargetGroups"), tuple) {
        struct bal_way *way = LIST_PUSH(r->a, &a->ways);

        way->group = group_of(r, json_text(tuple, "TargetGroupArn"));
        way->weight = (unsigned)number(r, tuple, "Weight", 0, 999);
    }
    if (truth(sticky, "Enabled"))
        a->sticky_s = (int)number(r, sticky, "DurationSeconds", 1, 604800);
    if (!a->ways.n)
        r->bad = true;
}

static void
read_action(struct reader *r, const struct json *j, struct bal_action *a)
{
    const struct json *redirect = json_get(j, "RedirectConfig");
    const struct json *fixed = json_get(j, "FixedResponseConfig");
    struct str type = json_text(j, "Type");
    int64_t status = 0;

    if (str_is(type, "forward")) {
        a->does = BAL_FORWARD;
        read_forward(r, j, a);
    } else if (str_is(type, "redirect") && redirect) {
        a->does = BAL_REDIRECT;
        a->status = str_is(json_text(redirect, "StatusCode"), "HTTP_301") ? 301 : 302;
        a->protocol = json_text(redirect, "Protocol");
        a->port = json_text(redirect, "Port");
        a->host = json_text(redirect, "Host");
        a->path = json_text(redirect, "Path");
        a->query = json_text(redirect, "Query");
    } else if (str_is(type, "fixed-response") && fixed &&
               str_to_i64(json_text(fixed, "StatusCode"), &status) && status >= 200 &&
               status <= 599) {
        a->does = BAL_RESPOND;
        a->status = (unsigned)status;
        a->type = json_text(fixed, "ContentType");
        a->body = json_text(fixed, "MessageBody");
    } else {
        r->bad = true;
    }
}

static void
read_listener(struct reader *r, const struct json *j, struct bal_listener *l)
{
    l->port = (uint16_t)number(r, j, "port", 1, 65535);
    l->server = truth(j, "server");
    LIST_EACH(array(j, "rules"), in) {
        struct bal_rule *rule = LIST_PUSH(r->a, &l->rules);
        const struct json *actions = json_get(in, "Actions");

        LIST_EACH(array(in, "Conditions"), c)
            read_condition(r, c, LIST_PUSH(r->a, &rule->conditions));
        if (actions && actions->kind == JSON_ARRAY && actions->n == 1)
            read_action(r, &actions->v[0], &rule->action);
        else
            r->bad = true;
    }
    /* the last one is for all that no other is for */
    if (!l->rules.n || l->rules.v[l->rules.n - 1].conditions.n)
        r->bad = true;
}

/* ---- the whole ---- */

static void
read_all(struct reader *r, const struct json *j)
{
    struct bal_config *c = r->c;
    struct str xff = json_text(j, "xff");

    c->idle_s = (int)number(r, j, "idle_s", 1, 4000);
    c->keep_s = (int)number(r, j, "keep_s", 60, 604800);
    c->forwarded = str_is(xff, "preserve") ? BAL_PRESERVE
                   : str_is(xff, "remove") ? BAL_REMOVE
                                           : BAL_APPEND;
    c->forwarded_port = truth(j, "xff_port");
    c->preserve_host = truth(j, "preserve_host");
    c->drop_invalid = truth(j, "drop_invalid");
    LIST_EACH(array(j, "groups"), g)
        read_group(r, g, LIST_PUSH(r->a, &c->groups));
    LIST_EACH(array(j, "listeners"), l)
        read_listener(r, l, LIST_PUSH(r->a, &c->listeners));
}

struct bal_config *
bal_config_read(struct str line)
{
    struct bal_config *c = calloc(1, sizeof(*c));
    struct json j;
    size_t at;

    if (!c)
        abort();
    c->refs = 1;
    arena_init(&c->arena, CONFIG_BYTES_MAX);
    struct reader r = {.c = c, .a = &c->arena};
    struct str own = str_dup(&c->arena, line.n <= BAL_LINE_MAX ? line : S(""));

    if (json_parse(&c->arena, own, BAL_NODES_MAX, &j, &at))
        read_all(&r, &j);
    else
        r.bad = true;
    if (r.bad || arena_spent(&c->arena))
        return bal_config_unref(c);
    return c;
}

struct bal_config *
bal_config_ref(struct bal_config *c)
{
    assert(c->refs > 0);
    c->refs++;
    return c;
}

struct bal_config *
bal_config_unref(struct bal_config *c)
{
    if (!c)
        return NULL;
    assert(c->refs > 0);
    if (--c->refs)
        return NULL;
    arena_done(&c->arena);
    free(c);
    return NULL;
}

bool
bal_matches(struct str matcher, unsigned status)
{
    while (matcher.p) {
        struct str to = str_split(&matcher, ','), from = str_split(&to, '-');
        int64_t a, b;

        if (str_to_i64(from, &a) && (!to.p || str_to_i64(to, &b)) && status >= a &&
            status <= (to.p ? b : a))
            return true;
    }
    return false;
}
