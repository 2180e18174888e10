/*
 * MIME messages, flattened: the leaves of a multipart tree, transfer encoding undone.
 */
#ifndef GUEST_MIME_H
#define GUEST_MIME_H

#include "text.h"

struct mime_part {
    struct str content_type; /* lower-case, without parameters; text/plain when absent */
    struct str filename, merge_type, payload;
    struct mime_part *next;
};

/* Never fails: what is malformed is one text/plain part, as Python's parser does it. */
struct mime_part *mime_parse(struct arena *a, struct str message);

#endif
