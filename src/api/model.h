/*
 * The description of an API as constant tables, and the C form of its values.
 *
 * tools/apigen turns api/NAME.api into one `struct api_service`: operations, shapes, members,
 * limits and one pool of text.  The tables hold indexes and offsets only, so they need no
 * relocation and are shared between processes.  One routine a wire format interprets them (wire.h
 * lists them); so do the validator, filters and the check of replies.
 *
 * A value in C, by its kind:
 *
 *   kind in the description       member of a struct          element of a list
 *   string, enum, blob, decimal   struct str, absent: p NULL  struct str
 *   json (a document)             struct str of JSON text     struct str
 *   int, long                     struct opt_i64              int64_t    (struct i64_list)
 *   time                          struct opt_i64, ms          int64_t, ms
 *   float, double                 struct opt_f64              double     (struct f64_list)
 *   bool                          struct opt_bool             bool       (struct bool_list)
 *   struct                        pointer, absent: NULL       the struct itself
 *   list                          {v, n}, absent: v NULL      {v, n}
 *   map                           list of {key, value}        list of {key, value}
 *
 * Blobs are the decoded bytes.  A list that is present but empty has n == 0 and v != NULL
 * (API_EMPTY); a reply prints it as an empty element, an absent one not at all.  Key and value
 * of a map's entry have the form of a struct's members.  JSON may have null in a list of text,
 * lists or maps: an absent element (p or v NULL).
 */
#pragma once

#include "base/list.h"
#include "base/str.h"

struct api_call;

struct opt_i64 {
    int64_t v;
    bool set;
};
struct opt_f64 {
    double v;
    bool set;
};
struct opt_bool {
    bool v, set;
};
struct i64_list {
    int64_t *v;
    size_t n;
};
struct f64_list {
    double *v;
    size_t n;
};
struct bool_list {
    bool *v;
    size_t n;
};

static inline struct opt_i64
opt_i64(int64_t v)
{
    return (struct opt_i64){v, true};
}

static inline struct opt_f64
opt_f64(double v)
{
    return (struct opt_f64){v, true};
}

static inline struct opt_bool
opt_bool(bool v)
{
    return (struct opt_bool){v, true};
}

/* What an optional value is when it was not given. */
static inline int64_t
opt_i64_or(struct opt_i64 o, int64_t otherwise)
{
    return o.set ? o.v : otherwise;
}

static inline bool
opt_bool_or(struct opt_bool o, bool otherwise)
{
    return o.set ? o.v : otherwise;
}

/*
 * The address that makes a list present though it has no element: res->tags.v = API_EMPTY.
 * Never read; LIST_PUSH starts afresh from it.
 */
extern char api_empty_[16];
#define API_EMPTY ((void *)api_empty_)
/* Makes a list present, whether or not something was pushed to it. */
#define API_PRESENT(list) ((void)((list)->v || ((list)->v = API_EMPTY)))

/*
 * A list of structures that are made while the reply is written: its n is API_MADE and its v points
 * to one of these.  Each element is written before the next is made, so what it points to may lie
 * in `scratch`, which is reset between them: a list of a thousand needs the memory of one, and that
 * stays in the cache.  Structures and lists elsewhere must not change before the reply is written,
 * and those that several elements point to are written faster.  Only for a caller who writes XML at
 * once (struct api_call, `streams`).
 */
struct api_maker {
    size_t n;
    /* `element` is raw memory: all of it must be set. */
    void (*make)(struct api_maker *maker, size_t i, struct arena *scratch, void *element);
};
#define API_MADE SIZE_MAX
#define API_MAKER_SCRATCH_BYTES ((size_t)1 << 20)

/* A refusal: what the caller did wrong, as it goes on the wire. */
struct api_fault {
    struct str code;    /* "InvalidParameterValue" */
    int http;           /* 400 */
    struct str message; /* a sentence; UTF-8 */
    bool sender;        /* the query protocol's Type: Sender, else Receiver */
    const void *detail; /* NULL, or the C struct of the error's shape: what it says beside the
                         * message */
};

/* Fills in a sender's fault with status 400; answers 1, the positive number of a refusal. */
int api_refuse(struct api_fault *fault, struct arena *arena, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

enum api_kind {
    API_STRING, /* also decimal */
    API_ENUM,
    API_BLOB,
    API_DOCUMENT, /* any JSON, as text */
    API_BOOL,
    API_INT,    /* 32 bits */
    API_LONG,   /* 64 bits */
    API_FLOAT,
    API_DOUBLE,
    API_TIME,
    API_STRUCT,
    API_LIST,
    API_MAP,
};

enum api_time { API_TIME_DEFAULT, API_TIME_ISO, API_TIME_HTTP, API_TIME_UNIX };

enum api_shape_flag {
    API_SECRET = 1 << 0, /* never logged */
    API_FLAT = 1 << 1,   /* list or map without an element around it */
    API_OPEN = 1 << 2,   /* enum whose unknown values the handler refuses, not the validator */
    API_UNION = 1 << 3,  /* struct of which just one member is set */
    /* 1 << 4 and 1 << 5: enum api_time of API_TIME */
    API_ATTRS = 1 << 6,  /* struct that has XML attributes */
};
#define API_TIME_OF(shape) ((enum api_time)((shape)->flags >> 4 & 3))

struct api_shape {
    uint32_t name;     /* pool; "" of an anonymous list, map or base type */
    uint32_t first;    /* struct: members from here; list: its element; map: key, then value;
                        * enum: values from here */
    uint16_t n;        /* how many from `first` */
    uint16_t size;     /* in C: of the struct, of a list's element, of a map's entry */
    uint16_t limit;    /* 0: none, else index into limits */
    uint8_t kind;      /* enum api_kind */
    uint8_t flags;     /* enum api_shape_flag */
};

enum api_member_flag {
    API_REQUIRED = 1 << 0,
    API_TOKEN = 1 << 1, /* idempotency token */
    API_DEPRECATED = 1 << 2,
    API_ATTR = 1 << 3,      /* an attribute of the XML element around it */
    API_JSON_TEXT = 1 << 4, /* text that is JSON: base64 in a header */
};

/* Where a member of an input or output is; all but the first are of REST protocols. */
enum api_place {
    API_IN_BODY,
    API_IN_PATH,    /* a label of the URI */
    API_IN_QUERY,   /* of that name; a map: all parameters */
    API_IN_HEADER,
    API_IN_HEADERS, /* a map: all headers with this prefix */
    API_IN_STATUS,  /* the reply's HTTP status */
    API_IN_PAYLOAD, /* it is the whole body */
};
/* Labels and parameters mean nothing in a reply: such members are in its body. */
#define API_IN_REPLY_BODY(m) ((m)->place <= API_IN_QUERY)

/*
 * `tag` is the pool's "</imageId>" for the XML name "imageId": the end tag is it whole, the start
 * tag a '<' and its tail, so that a writer only copies.
 */
struct api_member {
    uint32_t name;     /* pool; as in the description: "ImageId" */
    uint32_t query;    /* pool; as in a query request */
    uint32_t tag;      /* pool */
    uint32_t wire;     /* pool; in JSON and CBOR, or of the label, parameter or header */
    uint16_t shape;
    uint16_t offset;   /* in the C struct */
    uint8_t name_n, query_n, wire_n;
    uint8_t tag_n;     /* of the XML name alone: the end tag has tag_n + 3 bytes */
    uint8_t flags;     /* enum api_member_flag */
    uint8_t place;     /* enum api_place */
    uint8_t kind;      /* of its shape: most members are absent, and that shows without the shape */
};

#define API_NO_MIN INT64_MIN
#define API_NO_MAX INT64_MAX

struct api_limit {
    int64_t min, max;  /* characters of text, bytes of a blob, elements of a list or map; a
                        * number's value, that of a float or double in millionths */
    uint32_t pattern;  /* pool; "" is none */
};

enum api_op_flag {
    API_WRITE = 1 << 0,       /* gets a writing transaction */
    API_DRY_RUN = 1 << 1,     /* the input has DryRun, with which a good call is refused */
    API_NO_AUTH = 1 << 2,     /* not signed: AssumeRoleWithWebIdentity */
    API_OP_DEPRECATED = 1 << 3,
    API_NO_OUTPUT = 1 << 4,   /* a reply has no body, where the protocol knows such */
    API_ON_HANDLER = 1 << 5,  /* the handler asks for what it touches: api_authorize_on() */
    API_ANYONE = 1 << 6,      /* signed, but no policy is asked: GetCallerIdentity */
    API_OP_SECRET = 1 << 7,   /* somewhere in the input or output is a secret */
};

#define API_NONE UINT16_MAX

/* A type of thing that operations are about (authorize.h). */
struct api_resource_type {
    uint32_t name; /* pool; "instance" */
    uint32_t arn;  /* pool; "arn:aws:ec2:{region}:{account}:instance/{id}" */
};

enum api_on_flag {
    API_ON_OR = 1 << 0,       /* the next entry is another place where the same things are named */
    API_ON_IF_GIVEN = 1 << 1, /* no decision when the member is absent, instead of one on "*" */
    API_ON_IF_TAGS = 1 << 2,  /* no decision when the request has no tags */
};

#define API_ON_DEPTH 3

/* One `on` of an operation. */
struct api_on {
    uint32_t action;   /* pool; "s3:ListBucket"; "": SERVICE:OPERATION */
    uint16_t resource; /* index into resources; API_NONE: the operation is not about a thing */
    /* Numbers of members within their structs, from the input down; lists on the way are walked.
     * API_NONE ends it; at once: the thing is to be made, its id is "*". */
    uint16_t path[API_ON_DEPTH];
    uint8_t flags;     /* enum api_on_flag */
};

struct api_op {
    uint32_t name;         /* pool */
    uint32_t wrap;         /* pool; result element of the query protocol, root of rest-xml */
    uint32_t first_error;  /* index into errors: shapes of the errors it may answer */
    uint16_t n_errors;
    /* Shapes, always structs, maybe without members; API_NONE: not implemented, and not known. */
    uint16_t input, output;
    uint16_t handler;      /* index into handlers, or API_NONE: not implemented */
    uint16_t flags;        /* enum api_op_flag */
    uint16_t http;         /* status of a good reply; 0 is 200 */
    /* Members of paging, numbered within their struct, or API_NONE. */
    uint16_t dry_run, page_in, page_limit; /* of the input */
    uint16_t page_out;                     /* of the output */
    uint16_t first_on, n_on;               /* index into ons; 0: one decision on "*" */
};

/* An error that the description declares; its shape has the members beside the message. */
struct api_error_shape {
    uint32_t code;   /* pool; as on the wire: "NoSuchEntity" */
    uint16_t shape;
    uint16_t http;
    bool fault;      /* ours: Type Receiver */
};

/*
 * The routes of REST services, most specific first: the first that fits is the operation.  A
 * condition is a parameter of the query string or a header that must be there.
 */
enum api_segment_kind { API_LITERAL, API_LABEL, API_GREEDY /* the rest of the path */ };

struct api_segment {
    uint32_t text;   /* pool; of a literal */
    uint16_t member; /* number in the input; of a label */
    uint16_t kind;   /* enum api_segment_kind */
};

struct api_condition {
    uint32_t name;  /* pool */
    uint32_t value; /* pool; "" is any */
    bool header;
};

struct api_route {
    uint32_t method; /* pool */
    uint32_t first_segment, first_condition;
    uint16_t op;
    uint8_t n_segments, n_conditions;
};

enum api_protocol {
    API_EC2,
    API_QUERY,
    API_JSON,
    API_REST_JSON,
    API_REST_XML,
    API_CBOR,
    API_N_PROTOCOLS,
};

/* Answers 0, positive with the call's fault set, or negative. */
typedef int api_handler(struct api_call *call, const void *req, void *res);

/* The pool ends in that many bytes that belong to no text. */
#define API_POOL_SLACK 32

struct api_service {
    const char *name;     /* "ec2": prefix of C names */
    const char *version;  /* "2016-11-15" */
    const char *endpoint; /* first label of the host name */
    const char *signing;  /* name in the credential scope */
    const char *xmlns;
    const char *target;   /* prefix of X-Amz-Target, or NULL */
    const char *json;     /* "1.0" or "1.1", or NULL */
    const char *global;   /* host name of a service without regions: it is in us-east-1; or NULL */
    enum api_protocol protocol; /* the first of those that it speaks */
    uint8_t protocols;    /* 1 << enum api_protocol, of all */
    bool bare_errors;      /* REST XML faults have no <ErrorResponse> around them: S3 */
    bool query_compatible; /* JSON and CBOR faults repeat the code of the query protocol */
    bool milliseconds;     /* times of the query protocol have them: CloudFormation */

    const char *pool;
    const struct api_shape *shapes;
    const struct api_member *members;
    const struct api_limit *limits;
    const uint32_t *enums;           /* pool */
    const struct api_error_shape *errors;
    const uint16_t *op_errors;
    const struct api_resource_type *resources;
    const struct api_on *ons;
    const struct api_op *ops;        /* sorted by name */
    api_handler *const *handlers;
    const struct api_route *routes;
    const struct api_segment *segments;
    const struct api_condition *conditions;
    uint16_t n_shapes, n_ops, n_errors, n_handlers, n_routes, n_resources, n_ons;
    uint32_t n_members, pool_bytes;
};

/* The operation of that name, implemented or not, or NULL. */
const struct api_op *api_op_find(const struct api_service *service, struct str name);

static inline const char *
api_text(const struct api_service *service, uint32_t offset)
{
    return service->pool + offset;
}

static inline struct str
api_op_name(const struct api_service *service, const struct api_op *op)
{
    return str_from(api_text(service, op->name));
}

/* NULL when the operation is not implemented. */
static inline api_handler *
api_op_handler(const struct api_service *service, const struct api_op *op)
{
    assert(op->handler == API_NONE || op->handler < service->n_handlers);
    return op->handler == API_NONE ? NULL : service->handlers[op->handler];
}

static inline const struct api_shape *
api_shape(const struct api_service *service, uint16_t index)
{
    return &service->shapes[index];
}

static inline struct str
api_member_name(const struct api_service *service, const struct api_member *m)
{
    return str_of(service->pool + m->name, m->name_n);
}

static inline bool
api_speaks(const struct api_service *service, enum api_protocol protocol)
{
    return service->protocols >> protocol & 1;
}

static inline struct str
api_member_wire(const struct api_service *service, const struct api_member *m)
{
    return str_of(service->pool + m->wire, m->wire_n);
}

/* The name in XML: the tag without its brackets. */
static inline struct str
api_member_xml(const struct api_service *service, const struct api_member *m)
{
    return str_of(service->pool + m->tag + 2, m->tag_n);
}

/* The error of that name or code, or NULL. */
const struct api_error_shape *api_error_find(const struct api_service *service, struct str code);

/* The member of a struct shape by its name in the description, or NULL. */
const struct api_member *api_member_find(const struct api_service *service,
                                         const struct api_shape *shape, struct str name);

/* Whether text is one of the enum's values. */
bool api_enum_has(const struct api_service *service, const struct api_shape *shape, struct str s);

/*
 * A zeroed input or output struct of the operation.  Sizes come from the tables, so this serves
 * dispatch without knowing the types.
 */
void *api_new_input(const struct api_service *service, const struct api_op *op, struct arena *a);
void *api_new_output(const struct api_service *service, const struct api_op *op, struct arena *a);

/* DryRun=true was given; req is the decoded input. */
bool api_is_dry_run(const struct api_service *service, const struct api_op *op, const void *req);
