/*
 * Which rule a request is for, and cookies that keep a client where it was.  Pure.
 */
#pragma once

#include "balancer/config.h"
#include "codec/http.h"

/* What a request looks like to rules. */
struct bal_view {
    const struct http_head *head;
    uint32_t client; /* its address */
};

/* The first rule all of whose conditions hold: the last one has none. */
const struct bal_rule *bal_route(const struct bal_listener *listener, const struct bal_view *view);

/*
 * Where a redirect leads: the parts of the request that its configuration names are put in.
 * `port` is the listener's.
 */
struct str bal_redirect(struct arena *a, const struct bal_action *action,
                        const struct bal_view *view, uint16_t port);

/* The value of a cookie of the request; p NULL when it has none. */
struct str bal_cookie(const struct http_head *head, struct str name);

/*
 * Cookies say which thing (a target, a group) without naming it, and until when.  Every node of a
 * balancer makes and reads the same.
 */
enum { BAL_COOKIE_BYTES = 32 };
void bal_cookie_make(struct str thing, int64_t until_s, char out[BAL_COOKIE_BYTES + 1]);
bool bal_cookie_is(struct str value, struct str thing, int64_t now_s);
