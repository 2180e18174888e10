/*
 * JSON (RFC 8259), strictly: a reader into a tree in an arena, and a writer.
 *
 * Numbers keep their text, so that none loses a digit before someone says what it is.  Text must
 * be UTF-8; \u escapes must form whole characters.  When a name occurs twice in an object the
 * last one counts.  Names and texts without escapes are slices of the input.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool truth;          /* of a JSON_BOOL */
    struct str text;     /* of a JSON_NUMBER or JSON_STRING; p is not NULL */
    struct json *v;      /* elements, or values of an object */
    struct str *names;   /* of an object's values */
    size_t n;
};

#define JSON_DEPTH_MAX 64 /* DOC_DEPTH_MAX of codec/doc.h, the reader beneath */

/*
 * Reads one value that fills the whole text but for blanks.  nodes_max bounds the number of
 * values, and so the memory: some 150 bytes each.  False: *ret_at is where it went wrong.
 */
bool json_parse(struct arena *a, struct str text, size_t nodes_max, struct json *ret,
                size_t *ret_at);

/* A member of an object, NULL when there is none or j is NULL or no object. */
const struct json *json_get(const struct json *j, const char *name);
const struct json *json_get_str(const struct json *j, struct str name);
/* Its text when it is a string, else absent. */
struct str json_text(const struct json *j, const char *name);
bool json_i64(const struct json *j, int64_t *ret);
bool json_f64(const struct json *j, double *ret);

/*
 * The writer puts commas where they belong; the caller sees to brackets:
 *
 *   struct json_out o = {&buf};
 *   json_open(&o, '{');
 *   json_key(&o, S("Code"));
 *   json_str(&o, code);
 *   json_close(&o, '}');
 */
struct json_out {
    struct buf *buf;
    bool comma;
};
void json_open(struct json_out *o, char bracket);
void json_close(struct json_out *o, char bracket);
void json_key(struct json_out *o, struct str name);
void json_str(struct json_out *o, struct str s);
void json_int(struct json_out *o, int64_t v);
/* A member of an object: its name and its value. */
void json_key_str(struct json_out *o, const char *name, struct str s);
void json_key_int(struct json_out *o, const char *name, int64_t v);
/* Not finite: written as a string, as AWS does. */
void json_float(struct json_out *o, double v);
void json_bool(struct json_out *o, bool v);
void json_null(struct json_out *o);
/* A value that is JSON already. */
void json_raw(struct json_out *o, struct str json);
/* A tree as it was read. */
void json_value(struct json_out *o, const struct json *j);
