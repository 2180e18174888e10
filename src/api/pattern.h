/*
 * The regular expressions of API descriptions (Java's dialect, the part that they use), matched
 * in time O(text × pattern): an NFA is walked, nothing is ever tried twice, so no input makes it
 * slow.  The whole text must match.
 *
 * Known: literals, `.`, classes, \d \w \s and their opposites, \uXXXX, \p{L} \p{N} \p{Z}, groups,
 * `|`, `* + ?`, {m} {m,} {m,n}, `^` and `$`.  \p{L} takes every character beyond ASCII: the
 * tables of Unicode are not worth their size here.  Not known: look-around and back-references.
 */
#pragma once

#include "base/str.h"

enum api_match { API_MATCH_NO, API_MATCH_YES, API_MATCH_UNKNOWN };

/* API_MATCH_UNKNOWN: the pattern has something that is not known, or is too large. */
enum api_match api_pattern_match(const char *pattern, struct str text);
