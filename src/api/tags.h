/*
 * A row's tags: k, v, k, v …, sorted by key, each key once.  What services have in common; limits
 * and the wording of refusals are theirs.
 */
#pragma once

#include "api/api.h"

/* The tags with this one in its place, instead of one with the same key. */
struct str_list
api_tags_put(struct arena *arena, const struct str_list *tags, struct str key, struct str value);
/* The tags without those keys. */
struct str_list
api_tags_without(struct arena *arena, const struct str_list *tags, const struct str_list *keys);
/* The value, p NULL when there is no such key. */
struct str api_tags_get(const struct str_list *tags, struct str key);
/* How many there are without the system's own ("aws:…"), which count against no limit. */
size_t api_tags_own(const struct str_list *tags);
/* Whether only the system may use the key: "aws:…", but in calls of CloudFormation and of Auto
 * Scaling, whose tags those are. */
bool api_tag_reserved(const struct api_call *call, struct str key);
