/* Small things that are done with trees of JSON: templates, properties, attributes.  Pure. */
#pragma once

#include "codec/json.h"

struct json cfn_text(struct str s);
struct json cfn_bool(bool truth);
/* The text of a string, number or boolean as it stands in a template; absent: it is none. */
struct str cfn_scalar(const struct json *j);
/* Adds a member or an element; answers its place. */
struct json *cfn_put(struct arena *a, struct json *object, struct str name, struct json value);
struct json *cfn_push(struct arena *a, struct json *array, struct json value);
struct json cfn_object(void);
struct json cfn_array(void);
/* An object of one member. */
struct json cfn_single(struct arena *a, const char *name, struct json value);
/* Scalars are compared as text, objects without regard to order. */
bool cfn_equal(const struct json *x, const struct json *y);
/* As JSON; absent when it is longer than max_bytes. */
struct str cfn_print(struct arena *a, const struct json *j, size_t max_bytes);
/* What cfn_print() wrote. */
bool cfn_read(struct arena *a, struct str text, struct json *ret);
/* A member by a path of names and numbers: "Placement.Tenancy", "Tags.0.Key"; NULL: there is
 * none. */
const struct json *cfn_path(const struct json *j, struct str path);
