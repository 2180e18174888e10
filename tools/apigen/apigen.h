/*
 * apigen SERVICE.api SERVICE.ops OUTDIR: turns the description of a service into C.
 *
 *   parse.c   the .api file: lines into shapes, members, operations; types resolved last
 *   ops.c     the .ops file: which operations have a handler
 *   keep.c    which shapes those need
 *   names.c   C names of shapes and members
 *   routes.c  the URIs of REST operations, in the order in which they are tried
 *   emit.c    OUTDIR/NAME.h and OUTDIR/NAME.c
 *
 * Everything lives in one arena until the process ends.  A mistake in an input ends it with
 * "file:line: what" and status 1; nothing is written then.
 */
#pragma once

#include "api/model.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"

/* Text to a number; the keys live as long as the map. */
struct map {
    struct str *keys;
    uint32_t *values;
    size_t n, cap;
};
uint32_t *map_find(const struct map *m, struct str key);
void map_put(struct arena *a, struct map *m, struct str key, uint32_t value);

struct shape;
struct op;

struct member {
    struct str name, type_text;
    struct str query, xml, wire; /* names on the wire; resolved */
    struct str c_name;
    struct shape *type;
    bool required;
    unsigned flags;     /* enum api_member_flag, but for API_REQUIRED */
    enum api_place place;
    unsigned line;
};
struct member_list {
    struct member *v;
    size_t n;
};

struct shape {
    struct str name;    /* in the description; "" when anonymous */
    struct str key;     /* what makes it the same shape: its name or the text of its type */
    enum api_kind kind;
    unsigned flags;     /* enum api_shape_flag */
    enum api_time time;
    struct member_list members; /* list: the element; map: key, value */
    struct str_list values;     /* of an enum */
    int64_t min, max;
    struct str pattern;
    struct str c_name;  /* "struct ec2_Tag", "struct str_list": how a value is declared */
    bool is_error, fault;
    struct str code;    /* of an error */
    struct str payload; /* the member that is the whole body */
    int http;
    unsigned line;
    uint32_t index;     /* in the tables */
    uint32_t limit, first;
    const struct op *seen; /* which was looked through last for secrets */
    bool kept;             /* see keep.c */
};
struct shape_list {
    struct shape **v;
    size_t n;
};

struct resource {
    struct str name, arn;
};
struct resource_list {
    struct resource *v;
    size_t n;
};

/* model.h's api_on */
struct on {
    struct str action;
    size_t resource; /* SIZE_MAX: none */
    uint16_t path[API_ON_DEPTH];
    unsigned flags;
};
struct on_list {
    struct on *v;
    size_t n;
};

/* A path of a REST operation, cut up. */
struct route {
    struct str path;         /* without the query */
    struct str_list segments;
    struct condition_list {
        struct condition {
            struct str name, value;
            bool header;
        } *v;
        size_t n;
    } conditions;
    size_t op;               /* number, once operations are sorted */
};

struct op {
    struct str name, input_name, output_name, wrap, handler;
    struct str method, uri; /* p NULL: not REST */
    int http;
    struct route route;
    struct str page_out, page_in, page_limit;
    struct str_list errors;
    struct on_list ons;
    struct shape *input, *output;
    unsigned flags;     /* enum api_op_flag */
    unsigned line;
};
struct op_list {
    struct op *v;
    size_t n;
};

struct gen {
    struct arena arena;
    const char *file;   /* that is being read, for messages */
    struct str name, version, endpoint, signing, xmlns, target, json, global;
    enum api_protocol protocol; /* the first */
    unsigned protocols;         /* 1 << enum api_protocol, of all */
    bool query_compatible, bare_errors, milliseconds;
    struct shape_list shapes; /* in the order of the tables */
    struct map by_key;        /* shape.key → position in shapes */
    struct op_list ops;
    struct resource_list resources;
};

NORETURN void die_at(const char *file, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Cuts a line into words at blanks that are not within brackets or quotes. */
struct str_list line_words(struct gen *g, unsigned line, struct str text);

void parse_api(struct gen *g, const char *path, struct str text);
void parse_ops(struct gen *g, const char *path, struct str text);

/* Adds a named shape; dies when the name is taken. */
struct shape *shape_add(struct gen *g, struct str name, enum api_kind kind, unsigned line);
struct shape *shape_find(struct gen *g, struct str name);
struct op *op_find(struct gen *g, struct str name);

/* Leaves the shapes of operations that nobody implements out of the tables. */
void keep_used(struct gen *g);

/* Gives every shape and member its C name; dies when two members of a struct get the same. */
void name_all(struct gen *g);
/* NetworkInterfaces → network_interfaces; a C keyword or macro gets a trailing underscore. */
struct str snake(struct arena *a, struct str name);
/* An enum value as the tail of a C macro: "shutting-down" → SHUTTING_DOWN. */
struct str macro(struct arena *a, struct str text);

/* Cuts the URI of an operation up; its labels must be members of the input. */
void route_parse(struct gen *g, struct op *op);
/* The operations that have one, most specific first. */
struct op **routes_sorted(struct gen *g, size_t *ret_n);
/* The number of the input's member that a label names; dies when there is none. */
unsigned route_label(struct gen *g, const struct op *op, struct str label);

/* How a member of a struct is declared: "struct opt_i64 ". */
struct str member_decl(struct gen *g, const struct shape *type);
void emit_header(struct gen *g, struct buf *out);
void emit_tables(struct gen *g, struct buf *out);
