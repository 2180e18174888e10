/*
 * Documents of JSON or CBOR, a value at a time: what a decoder needs that knows from tables what
 * should come, so that no tree is built.
 *
 *   struct doc_in in = {.format = &doc_json, .arena = a, .text = body, .values_left = 100000};
 *   struct doc_value v;
 *   struct str name;
 *
 *   if (doc_next(&in, &v) && v.kind == DOC_MAP)
 *       while (doc_more(&in, &v, &name))
 *           doc_skip(&in);          // or doc_next() and look at it
 *   ok = doc_end(&in);
 *
 * Every value that doc_more() announces must be read or skipped.  The first mistake turns
 * in->failed on; from then on everything answers false.  Texts are slices of the input where it has
 * them in one piece.
 */
#pragma once

#include "base/str.h"

#define DOC_DEPTH_MAX 64

enum doc_kind {
    DOC_NULL,
    DOC_BOOL,
    DOC_INT,    /* CBOR's */
    DOC_FLOAT,  /* CBOR's */
    DOC_NUMBER, /* JSON's: text, so that none loses a digit before someone says what it is */
    DOC_TEXT,
    DOC_BYTES, /* CBOR's */
    DOC_LIST,
    DOC_MAP,
};

struct doc_value {
    enum doc_kind kind;
    bool truth;
    bool is_time; /* CBOR's tag 1: seconds since 1970 */
    bool begun;   /* of a container: its first element was announced */
    bool counted; /* of CBOR: `left` says how many elements follow */
    uint64_t left;
    int64_t i;
    double f;
    struct str text; /* of a number, text or bytes */
};

struct doc_in;
struct doc_format {
    bool (*next)(struct doc_in *in, struct doc_value *ret);
    bool (*more)(struct doc_in *in, struct doc_value *container, struct str *ret_name);
};

struct doc_in {
    const struct doc_format *format;
    struct arena *arena;
    struct str text;
    size_t values_left; /* bounds the work and the memory */
    size_t at;
    unsigned depth;
    bool failed;
};

/* Its text must be UTF-8; whoever opens it checks that once, as a whole. */
extern const struct doc_format doc_json;
/* RFC 8949, of one item; texts are checked here. */
extern const struct doc_format doc_cbor;

static inline bool
doc_next(struct doc_in *in, struct doc_value *ret)
{
    return in->format->next(in, ret);
}

/* Whether the container has another element; of a map, its name. */
static inline bool
doc_more(struct doc_in *in, struct doc_value *container, struct str *ret_name)
{
    return in->format->more(in, container, ret_name);
}

/* Answers false and remembers it. */
static inline bool
doc_fail(struct doc_in *in)
{
    in->failed = true;
    return false;
}

/* Reads over one value. */
bool doc_skip(struct doc_in *in);
/* Whether all went well and nothing follows. */
bool doc_end(struct doc_in *in);

/* A number as an integer, its fraction cut off; false when it is none or too large. */
bool doc_i64(const struct doc_value *v, int64_t *ret);
/* False when it is no number, or too large for one. */
bool doc_f64(const struct doc_value *v, double *ret);
