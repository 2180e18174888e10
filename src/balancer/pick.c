/* Which target gets a request: where a cookie says, else in turn or where least is outstanding. */
#include "balancer/balancer.h"

#include "balancer/route.h"
#include "base/timefmt.h"

#define TG_COOKIE "AWSALBTG"
#define LB_COOKIE "AWSALB"
#define APP_COOKIE "AWSALBAPP-0"

static uint32_t
draw(struct bal *bal, uint32_t below)
{
    uint32_t r;

    assert(below > 0);
    bal->env->random(bal->env, &r, sizeof(r));
    return r % below;
}

/* ---- groups ---- */

static struct bal_group *
by_weight(struct bal *bal, const struct bal_action *action)
{
    uint32_t all = 0;

    LIST_EACH(&action->ways, way)
        all += way->weight;
    if (!all)
        return NULL;
    uint32_t at = draw(bal, all);

    LIST_EACH(&action->ways, way) {
        if (at < way->weight)
            return way->group;
        at -= way->weight;
    }
    assert(!"weights do not add up");
    return NULL;
}

static struct bal_group *
group_of(struct bal *bal, const struct bal_action *action, const struct http_head *head)
{
    struct str value = action->sticky_s ? bal_cookie(head, S(TG_COOKIE)) : STR_NONE;

    assert(action->does == BAL_FORWARD && action->ways.n > 0);
    if (value.p)
        LIST_EACH(&action->ways, way)
            if (way->weight && bal_cookie_is(value, way->group->id, bal_wall_s(bal)))
                return way->group;
    return action->ways.n == 1 && action->ways.v[0].weight ? action->ways.v[0].group
                                                           : by_weight(bal, action);
}

/* ---- targets ---- */

static bool
is_able(const struct bal_target *t, bool open)
{
    return !t->draining && (open || t->state->health == BAL_HEALTHY);
}

/* With no healthy target all of them are tried: the checks may be what is wrong. */
static bool
fails_open(const struct bal_group *g)
{
    LIST_EACH(&g->targets, t)
        if (is_able(t, false))
            return false;
    return true;
}

/* One that became healthy lately gets its share little by little. */
static bool
is_slow(struct bal *bal, const struct bal_group *g, const struct bal_target *t)
{
    int64_t age_ms = bal_now_ms(bal) - t->state->healthy_ms;

    return g->slow_s && age_ms < g->slow_s * 1000 &&
           (int64_t)draw(bal, (uint32_t)g->slow_s * 1000) > age_ms;
}

static struct bal_target *
in_turn(struct bal *bal, struct bal_group *g, bool open)
{
    struct bal_target *slow = NULL;

    for (size_t i = 0; i < g->targets.n; i++) {
        struct bal_target *t = &g->targets.v[g->turn++ % g->targets.n];

        if (!is_able(t, open))
            continue;
        if (!is_slow(bal, g, t))
            return t;
        slow = t;
    }
    return slow;
}

static struct bal_target *
least(struct bal_group *g, bool open)
{
    struct bal_target *best = NULL;
    size_t from = g->turn++;

    for (size_t i = 0; i < g->targets.n; i++) {
        struct bal_target *t = &g->targets.v[(from + i) % g->targets.n];

        if (is_able(t, open) && (!best || t->state->outstanding < best->state->outstanding))
            best = t;
    }
    return best;
}

static struct bal_target *
by_cookie(struct bal *bal, struct bal_group *g, const struct http_head *head, bool open)
{
    struct str value = g->sticky == BAL_STICKY_OWN   ? bal_cookie(head, S(LB_COOKIE))
                       : g->sticky == BAL_STICKY_APP ? bal_cookie(head, S(APP_COOKIE))
                                                     : STR_NONE;

    if (value.p)
        LIST_EACH(&g->targets, t)
            if (is_able(t, open) && bal_cookie_is(value, t->state->key, bal_wall_s(bal)))
                return t;
    return NULL;
}

struct bal_pick
bal_pick(struct bal *bal, const struct bal_action *action, const struct http_head *head)
{
    struct bal_pick pick = {.group = group_of(bal, action, head)};

    if (!pick.group || !pick.group->targets.n)
        return pick;
    bool open = fails_open(pick.group);

    pick.target = by_cookie(bal, pick.group, head, open);
    if (!pick.target)
        pick.target = pick.group->least ? least(pick.group, open) : in_turn(bal, pick.group, open);
    return pick;
}

/* ---- cookies ---- */

/* CORS: the same again for requests from other sites, which browsers want to be told apart. */
static void
put_cookie(struct bal *bal, const char *name, bool cors, struct str thing, int seconds,
           struct buf *out)
{
    char value[BAL_COOKIE_BYTES + 1];
    int64_t until_s = bal_wall_s(bal) + seconds;
    struct arena a;

    arena_init(&a, 1024);
    bal_cookie_make(thing, until_s, value);
    struct str expires = time_http(&a, until_s * 1000);

    buf_add_fmt(out, "Set-Cookie: %s=%s; Expires=%.*s; Path=/\r\n", name, value, STR_ARG(expires));
    if (cors)
        buf_add_fmt(out, "Set-Cookie: %sCORS=%s; Expires=%.*s; Path=/; SameSite=None\r\n", name,
                    value, STR_ARG(expires));
    arena_done(&a);
}

/* Whether the answer sets the application's cookie. */
static bool
sets(const struct http_head *answer, struct str name)
{
    size_t place = 0;

    for (struct str v; (v = http_header_next(answer, S("set-cookie"), &place)).p;)
        if (str_starts(v, name) && v.n > name.n && v.p[name.n] == '=')
            return true;
    return false;
}

void
bal_pick_cookies(struct bal *bal, const struct bal_action *action, const struct bal_pick *pick,
                 const struct http_head *answer, struct buf *out)
{
    const struct bal_group *g = pick->group;

    assert(g && pick->target);
    if (action->sticky_s)
        put_cookie(bal, TG_COOKIE, true, g->id, action->sticky_s, out);
    if (g->sticky == BAL_STICKY_OWN)
        put_cookie(bal, LB_COOKIE, true, pick->target->state->key, g->sticky_s, out);
    if (g->sticky == BAL_STICKY_APP && sets(answer, g->cookie))
        put_cookie(bal, APP_COOKIE, false, pick->target->state->key, g->sticky_s, out);
}
