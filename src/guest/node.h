/*
 * A cloud-config document as a tree.
 *
 * YAML 1.1 as cloud-init's safe loader sees it: anchors, aliases, `<<`, !!binary, later
 * keys replace earlier ones.  Limits: 64 deep, 20,000 nodes.
 */
#ifndef GUEST_NODE_H
#define GUEST_NODE_H

#include "text.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool quoted;     /* a scalar that can only be a string */
    bool open;       /* still being read: an alias to it would be a cycle */
    struct str text; /* scalar */
    struct str key;  /* in a map */
    struct node *first, *next;
};

/* NULL with *ret_why in words when the text is not one YAML document. */
struct node *node_parse(struct arena *a, struct str text, struct str *ret_why);

/* All of these take NULL for "absent". */
const struct node *node_get(const struct node *map, const char *key);
struct str node_text(const struct node *map, const char *key);
struct str node_scalar(const struct node *n);
bool node_bool(const struct node *n, bool otherwise);
/* A list's or a map's length, 1 for a scalar, 0 for null. */
size_t node_count(const struct node *n);

/* Puts every key of `over` into `base`, replacing what was there. */
void node_merge(struct arena *a, struct node *base, const struct node *over);

/* JSON, which is YAML too. */
void node_json(struct buf *b, const struct node *n);

#endif
