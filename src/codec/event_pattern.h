/*
 * Event patterns: the language of EventBridge's rules, and of SNS's filter policies.  Pure.
 *
 *   {"source": ["aws.ec2"], "detail": {"state": ["stopped", {"prefix": "term"}]}}
 *
 * All members must fit, any value of a list is enough, and an event's list fits when one of its
 * elements does.  Known: exact values, prefix, suffix, equals-ignore-case (alone, and in prefix and
 * suffix), wildcard, anything-but (of all of these), numeric, cidr, exists, $or.  Members of
 * objects in a list must fit in one and the same object.  Case is that of ASCII.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
#pragma once

#include "codec/json.h"

enum { EVENT_PATTERN_FIELDS_MAX = 1024 };

struct event_pattern;

/*
 * Reads a pattern; texts may be slices of `text`.  False: *ret_why says what is wrong and where, in
 * the words of AWS ("Empty arrays are not allowed\n at [Source: …; line: 1, column: 12]").
 */
bool event_pattern_parse(struct arena *a, struct str text, const struct event_pattern **ret,
                         struct str *ret_why);

bool event_pattern_match(const struct event_pattern *pattern, const struct json *event);
/*
 * When an event must have one of certain texts as its member `name` to fit: those, into *ret.
 * False: the pattern does not say so.
 */
bool event_pattern_texts(const struct event_pattern *pattern, struct str name, struct arena *a,
                         struct str_list *ret);

/* For limits. */
struct event_pattern_size {
    unsigned fields;       /* that have a list of values */
    unsigned depth;        /* of the most nested one, from 1 */
    uint64_t combinations; /* the product of the numbers of their values, as far as it goes */
};
struct event_pattern_size event_pattern_size(const struct event_pattern *pattern);
