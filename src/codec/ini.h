/*
 * Files in the manner of ~/.aws/config: sections of `key = value`, read and edited as text, so that
 * comments, order, unknown lines and line ends of everything that is not asked to change stay as
 * they are.
 *
 * Read as Python's configparser does, which the AWS CLI uses: keys in any case, with '=' or ':';
 * a line that begins with a blank goes on with the value before it; '#' and ';' begin a comment at
 * the start of a line only.  `[profile "x"]` and `[profile x]` are the same section.
 */
#pragma once

#include "base/str.h"

struct ini_pair {
    struct str key;
    struct str value; /* p NULL: the key shall not be there */
};

bool ini_has_section(struct str text, struct str section);
/* The value on the key's own line; p NULL when there is none. */
struct str ini_get(struct str text, struct str section, struct str key);

/*
 * The text with these keys set in the section, which is added at the end when it is not there.
 * clear: other keys of the section go.  Neither section, keys nor values may hold a line end.
 */
struct str ini_set(struct arena *a, struct str text, struct str section,
                   const struct ini_pair *pairs, size_t n, bool clear);
