/*
 * Scalars as text, and how they lie in C: shared by the form decoder, the XML writer, filters and
 * the checks.
 */
#pragma once

#include "api/model.h"
#include "base/buf.h"

/*
 * Parses text as the shape's kind into a member's slot (or, with `element`, a list element's).
 * Answers NULL, or what was expected: "an integer".  Blobs are base64 and decoded into the
 * arena; integers of kind API_INT keep to 32 bits; booleans are true, false, 1 and 0; times are
 * taken in every form that AWS has.
 */
const char *api_scalar_parse(struct arena *arena, const struct api_shape *shape, struct str text,
                             void *slot, bool element);

/* Whether a member's slot holds a value.  Any kind. */
static inline bool
api_is_set(enum api_kind kind, const void *slot)
{
    if (kind < API_BOOL || kind >= API_STRUCT)
        return *(const void *const *)slot != NULL; /* text, containers and pointers begin so */
    if (kind == API_BOOL)
        return ((const struct opt_bool *)slot)->set;
    if (kind == API_FLOAT || kind == API_DOUBLE)
        return ((const struct opt_f64 *)slot)->set;
    return ((const struct opt_i64 *)slot)->set;
}

static inline int64_t
api_slot_i64(const void *slot, bool element)
{
    return element ? *(const int64_t *)slot : ((const struct opt_i64 *)slot)->v;
}

static inline double
api_slot_f64(const void *slot, bool element)
{
    return element ? *(const double *)slot : ((const struct opt_f64 *)slot)->v;
}

static inline bool
api_slot_bool(const void *slot, bool element)
{
    return element ? *(const bool *)slot : ((const struct opt_bool *)slot)->v;
}

static inline const struct str *
api_slot_str(const void *slot)
{
    return slot;
}

/* The struct that a slot of kind API_STRUCT holds, NULL when absent. */
static inline const void *
api_slot_struct(const void *slot, bool element)
{
    return element ? slot : *(const void *const *)slot;
}

/* The first max bytes at most, without cutting a character: what a message shows of a value. */
struct str api_excerpt(struct str s, size_t max);

/* "MaxResults" → "maxResults": how EC2's messages name a parameter. */
struct str api_camel(struct arena *arena, struct str name);
