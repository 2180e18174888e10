/*
 * The protocol vectors of ../shared/vectors/protocols carry a small service description each.
 * These turn one into the tables that apigen would have made, with a layout of our own (16 bytes
 * a member), fill C values from JSON, and write C values and XML in a form that can be compared.
 */
#pragma once

#include "api/model.h"
#include "codec/json.h"

struct vector_model {
    struct api_service service;
    struct api_op op;
    struct api_error_shape error; /* when service.n_errors is 1 */
};

/* Tables of the suite's shapes for one operation ("given" of a case). */
struct vector_model *
vector_model(struct arena *a, const struct json *suite, const struct json *given);

/* A zeroed struct of that shape filled from JSON. */
void *vector_fill(struct arena *a, const struct api_service *s, const struct api_shape *shape,
                  const struct json *j);

/* A struct as text: members that are set, by name, in the order of the tables.  Absent and
 * empty lists and maps look the same; a map's entries are sorted. */
struct str vector_show(struct arena *a, const struct api_service *s, const struct api_shape *shape,
                       const void *value);

/*
 * XML as text that does not depend on blanks, attributes, the order of differently named
 * siblings, `<a/>` or `<a></a>`, how a time or a number is spelled.  The envelope's request id is
 * left out.
 */
struct str vector_xml(struct arena *a, struct str xml);

/* JSON and CBOR as text that does not depend on blanks, the order of names, how a number or time
 * is spelled; names whose value is null are left out. */
struct str vector_json(struct arena *a, struct str json);
struct str vector_cbor(struct arena *a, struct str cbor);
/* A number or time in one spelling; other text as it is. */
struct str vector_plain(struct arena *a, struct str s);

/* Reads a suite file; calls fn with each case. */
void vector_each(const char *file,
                 void (*fn)(struct arena *a, const struct json *suite, const struct json *one));
