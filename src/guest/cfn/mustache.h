/*
 * Mustache templates, for the `context` of a file.
 */
#ifndef CFN_MUSTACHE_H
#define CFN_MUSTACHE_H

#include "../node.h"

/*
 * Variables (escaped as pystache does: & < > " '), {{{raw}}} and {{&raw}}, sections, inverted
 * sections, comments, dotted names, {{.}}, and changed delimiters.  False with *ret_why when the
 * template is broken, names a partial (a file has none), or the result exceeds max_bytes.
 */
bool mustache_render(struct arena *a, struct str template, const struct node *context,
                     size_t max_bytes, struct str *ret, struct str *ret_why);

#endif
