/*
 * What a node of a load balancer is to do, read from the line of JSON that the daemon tells it
 * (src/elbv2/config.h).  Pure.
 *
 * A configuration is counted: requests hold the one that they began with.  What is known of a
 * target over time (health, requests) is apart from it, in struct bal_state, for it goes on when
 * the configuration changes.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct bal_state;

struct bal_target {
    struct str id;
    uint32_t ip;
    uint16_t port;
    int64_t since; /* when it was registered: another time is another target */
    bool draining;
    struct bal_state *state; /* node.c's */
};

enum bal_sticky { BAL_NOT_STICKY, BAL_STICKY_OWN, BAL_STICKY_APP };

struct bal_group {
    struct str id;
    struct str path, matcher;
    uint16_t check_port; /* 0: the target's */
    int interval_s, timeout_s;
    unsigned healthy, unhealthy; /* thresholds */
    bool least;                  /* outstanding requests; else in turn */
    int slow_s;
    enum bal_sticky sticky;
    struct str cookie; /* of the application */
    int sticky_s;
    struct {
        struct bal_target *v;
        size_t n;
    } targets;
    size_t turn;
};

enum bal_field {
    BAL_PATH,
    BAL_HOST,
    BAL_HEADER,
    BAL_METHOD,
    BAL_QUERY,
    BAL_SOURCE,
};
struct bal_condition {
    enum bal_field field;
    struct str header;
    struct str_list values; /* of BAL_QUERY: key, value, key, value …; a key may be absent */
};

enum bal_does { BAL_FORWARD, BAL_REDIRECT, BAL_RESPOND };
struct bal_action {
    enum bal_does does;
    /* BAL_FORWARD */
    struct {
        struct bal_way {
            struct bal_group *group;
            unsigned weight;
        } * v;
        size_t n;
    } ways;
    int sticky_s; /* of the choice among groups; 0: it is not */
    /* BAL_REDIRECT, BAL_RESPOND */
    unsigned status;
    struct str protocol, port, host, path, query;
    struct str type, body;
};

struct bal_rule {
    struct {
        struct bal_condition *v;
        size_t n;
    } conditions;
    struct bal_action action;
};

struct bal_listener {
    uint16_t port;
    bool server; /* answers may have the header Server */
    struct {
        struct bal_rule *v;
        size_t n;
    } rules;
};

enum bal_forwarded { BAL_APPEND, BAL_PRESERVE, BAL_REMOVE };

struct bal_config {
    unsigned refs;
    struct arena arena;
    int idle_s, keep_s;
    enum bal_forwarded forwarded; /* X-Forwarded-For */
    bool forwarded_port, preserve_host, drop_invalid;
    struct {
        struct bal_listener *v;
        size_t n;
    } listeners;
    struct {
        struct bal_group *v;
        size_t n;
    } groups;
};

enum {
    BAL_LINE_MAX = 4 << 20,
    BAL_NODES_MAX = 200000, /* values of JSON */
};

/* NULL when the line is no configuration. */
struct bal_config *bal_config_read(struct str line);
struct bal_config *bal_config_ref(struct bal_config *c);
struct bal_config *bal_config_unref(struct bal_config *c);

/* Whether a status is one of a matcher: "200", "200,202", "200-299". */
bool bal_matches(struct str matcher, unsigned status);
