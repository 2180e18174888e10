/*
 * passwd, shadow, group and gshadow as text: pure edits of lines of fields.
 */
#ifndef GUEST_ACCOUNTS_H
#define GUEST_ACCOUNTS_H

#include "text.h"

/* The line whose first field is `name`, without its end; empty when there is none. */
struct str account_line(struct str file, struct str name);
struct str account_field(struct str line, unsigned index);
/* The file with field `index` of that line replaced; unchanged when there is no line. */
struct str account_set(struct arena *a, struct str file, struct str name, unsigned index,
                       struct str value);
struct str account_append(struct arena *a, struct str file, struct str line);
/* Adds `user` to the comma list in field 3 of the line of `group`. */
struct str account_join(struct arena *a, struct str file, struct str group, struct str user);
/* The lowest id from `low` that no line has in field 2. */
unsigned account_free_id(struct str file, unsigned low);
/* A name that is safe in these files and in a path. */
bool account_name_ok(struct str name);

#endif
