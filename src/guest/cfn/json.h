/*
 * JSON as CloudFormation gives it, into the guest's tree of nodes, and back as Python writes it.
 *
 * YAML's parser does not do: it refuses surrogate pairs and tabs, and takes what is no JSON.
 */
#ifndef CFN_JSON_H
#define CFN_JSON_H

#include "../node.h"
#include "sign.h"

/*
 * NULL with *ret_why in words when the text is not one JSON value.  Strings are scalars with
 * `quoted` set; of equal keys the last counts.  Limits: 64 deep, 20,000 values.
 */
struct node *json_parse(struct arena *a, struct str text, struct str *ret_why);

/*
 * As json.dumps: indent < 0 is one line with ", " and ": " between; else each value is on a line
 * of its own.  Whatever is not ASCII is escaped.
 */
void json_dump(struct buf *b, const struct node *n, int indent);

/* An object of strings, on one line. */
struct str json_strings(struct arena *a, const struct header *fields, size_t n, size_t max_bytes);

#endif
