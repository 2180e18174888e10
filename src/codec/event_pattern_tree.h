/* A pattern as it is walked; event_pattern.c reads it, event_pattern_match.c walks it. */
#pragma once

#include "codec/event_pattern.h"
#include "codec/ip.h"

enum event_test_kind {
    EVENT_TEST_TEXT,
    EVENT_TEST_NUMBER, /* the same number, however it is written */
    EVENT_TEST_WORD,   /* true, false, null */
    EVENT_TEST_PREFIX,
    EVENT_TEST_SUFFIX,
    EVENT_TEST_WILDCARD,
    EVENT_TEST_RANGE,
    EVENT_TEST_BLOCK, /* of addresses */
    EVENT_TEST_EXISTS,
    EVENT_TEST_ABSENT,
};

struct event_value {
    struct str text;
    double low, high;
    bool open_low, open_high; /* the bound itself does not fit */
    struct ip6_block block;   /* IPv4: ::ffff:0:0/96 */
};

/* Fits when any value does; with `but` when none does. */
struct event_test {
    enum event_test_kind kind;
    bool but, any_case;
    struct event_values {
        struct event_value *v;
        size_t n;
    } values;
};

struct event_node;

struct event_field {
    struct str name;
    const struct event_field *parent; /* NULL: at the top */
    unsigned number;                  /* of those with tests, from 0 */
    struct event_node *node;          /* members of an object, or NULL */
    struct event_tests {
        struct event_test *v;
        size_t n;
    } tests;
};

struct event_nodes {
    struct event_node **v;
    size_t n;
};

struct event_node {
    struct event_fields {
        struct event_field **v;
        size_t n;
    } fields;
    struct event_ors {
        struct event_nodes *v;
        size_t n;
    } ors; /* of each, one must fit */
};

struct event_pattern {
    struct event_node root;
    struct event_pattern_size size;
};

/* The address as a block of one, IPv4 as ::ffff:a.b.c.d; false: it is none. */
bool event_address(struct str text, struct ip6_block *ret);

#define EVENT_NUMBER_LIMIT 5e9
