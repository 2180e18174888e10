/*
 * Between trees of JSON and the typed structs of any operation, by the tables of api/model.h.
 *
 * Into a request it is as lenient as CloudFormation: "5" is a number, "true" a boolean, 5 a text,
 * an object where text is asked for its JSON (policy documents).
 */
#pragma once

#include "api/model.h"
#include "codec/json.h"

/* Fills in a zeroed struct.  Absent, or what is wrong: "Foo: expected an integer". */
struct str cfn_to_struct(const struct api_service *service, const struct api_shape *shape,
                         struct arena *a, const struct json *in, void *base);
/* False: it is too long. */
bool cfn_from_struct(const struct api_service *service, const struct api_shape *shape,
                     struct arena *a, const void *base, struct json *ret);
