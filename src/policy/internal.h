/*
 * What the files of the policy engine share: the compiled form of a document.  Everything lies in
 * the one block of its policy, is written while parsing and never after.
 */
#pragma once

#include "base/list.h"
#include "codec/ip.h"
#include "codec/json.h"
#include "policy/policy.h"

/* Unresolved: a variable of the pattern has no value in this request. */
enum match { MATCH_NO, MATCH_YES, MATCH_UNRESOLVED };

/* ---- memory: block.c ---- */

/*
 * A document is compiled twice: the first pass draws from a scratch arena and so measures, the
 * second fills one block of exactly that size.
 */
struct block {
    struct arena *scratch; /* NULL: the second pass */
    char *p;
    size_t used, size;
};

void *block_alloc(struct block *b, size_t n, size_t align);
struct str block_text(struct block *b, struct str s);
struct str block_lower(struct block *b, struct str s);
#define BLOCK_ARRAY(b, type, n) ((type *)block_alloc((b), sizeof(type) * (n), _Alignof(type)))

/* ---- patterns: match.c ---- */

enum piece_kind {
    PIECE_GLOB,     /* `*` and `?` mean something */
    PIECE_TEXT,     /* they do not */
    PIECE_VARIABLE, /* text is the name of a key */
};

struct piece {
    enum piece_kind kind;
    bool has_fallback;
    struct str text, fallback;
};

enum pattern_kind { PATTERN_ANY, PATTERN_EXACT, PATTERN_PREFIX, PATTERN_PIECES };

struct pattern {
    enum pattern_kind kind;
    struct str text;            /* of EXACT and PREFIX */
    const struct piece *pieces; /* of PIECES; a VARIABLE may stand between others */
    size_t n;
};

enum {
    PATTERN_GLOB = 1 << 0,      /* wildcards are wildcards */
    PATTERN_VARIABLES = 1 << 1, /* ${…} is a variable */
};

void pattern_compile(struct block *b, struct str text, unsigned flags, struct pattern *ret);
/* fold: ASCII case does not count. */
enum match pattern_match(const struct pattern *p, struct str s,
                         const struct policy_context *context, bool fold);
bool pattern_resolves(const struct pattern *p, const struct policy_context *context);

/* ---- variables.c ---- */

/* The variable at the head of s, which begins with "${": its length, or 0 when it is none. */
size_t variable_parse(struct str s, struct piece *ret);
const struct policy_key *context_find(const struct policy_context *context, struct str name);
/* False: it has no value. */
bool variable_value(const struct piece *p, const struct policy_context *context, struct str *ret);

/* ---- conditions: condition.c, value.c ---- */

enum scalar_kind {
    SCALAR_NONE, /* malformed: equals nothing */
    SCALAR_INT,
    SCALAR_FLOAT,
    SCALAR_DATE,
    SCALAR_BOOL,
    SCALAR_IP4,
    SCALAR_IP6,
    SCALAR_BYTES, /* base64 that could be read; the bytes are the value's pattern */
};

struct scalar {
    enum scalar_kind kind;
    union {
        int64_t i; /* also of a date, in ms */
        double d;
        bool truth;
        struct ip4_block ip4;
        struct ip6_block ip6;
    };
};

struct scalar scalar_number(struct str s);
struct scalar scalar_date(struct str s);
struct scalar scalar_bool(struct str s);
/* An address without a prefix length is a block of one. */
struct scalar scalar_ip(struct str s);
bool date_parse(struct str s, int64_t *ret_ms);

enum operator_type {
    OPERATOR_TEXT,
    OPERATOR_ARN,
    OPERATOR_NUMBER,
    OPERATOR_DATE,
    OPERATOR_BOOL,
    OPERATOR_BINARY,
    OPERATOR_IP,
    OPERATOR_NULL,
};

enum relation { RELATION_EQ, RELATION_LT, RELATION_LE, RELATION_GT, RELATION_GE };

struct operator_ {
    struct str name;
    enum operator_type type;
    enum relation relation;
    bool negated; /* true when the relation holds with none of the values */
    bool glob, fold, variables;
};

enum set { SET_NONE, SET_ALL, SET_ANY };

/* Takes "ForAnyValue:StringLikeIfExists" apart; NULL when there is no such operator. */
const struct operator_ *operator_find(struct str text, enum set *ret_set, bool *ret_if_exists);

enum { ARN_PARTS = 6 };

struct value {
    struct pattern pattern;       /* of TEXT; of an ARN that has not six parts; BINARY: bytes */
    const struct pattern *parts;  /* of an ARN: ARN_PARTS, or NULL */
    struct scalar scalar;
};

struct condition {
    const struct operator_ *op;
    enum set set;
    bool if_exists;
    struct str key; /* as written */
    const struct value *v;
    size_t n;
};

void condition_compile(struct block *b, struct str op, struct str key, const struct json *values,
                       bool variables, struct condition *ret);
bool condition_holds(const struct condition *c, const struct policy_context *context);

/* ---- principals: principal.c ---- */

enum named_kind {
    NAMED_ANYONE,
    NAMED_ACCOUNT,
    NAMED_ARN, /* of a user, a session, a federated user, or a role */
    NAMED_ID,
    NAMED_SERVICE,
    NAMED_PROVIDER,
    NAMED_CANONICAL,
};

struct named {
    enum named_kind kind;
    struct str text; /* of an account its number */
    struct str type, written;
};

/* How far an Allow of a resource policy reaches: see the head of decide.c. */
enum reach { REACH_NONE, REACH_ACCOUNT, REACH_ROLE, REACH_DIRECT };

/* One entry of a Principal element; false: it cannot name a principal. */
bool named_parse(struct str type, struct str text, struct named *ret);
enum reach principal_reach(const struct named *v, size_t n, const struct policy_principal *who);
/* Whether NotPrincipal spares `who` from a Deny: each form under which it is judged is named. */
bool principal_is_spared(const struct named *v, size_t n, const struct policy_principal *who);

/* ---- documents ---- */

struct action {
    struct str service; /* lower-case; empty: any */
    struct pattern name;
    struct str written;
};

struct statement {
    bool deny, not_action, not_resource, not_principal;
    bool has_principal, has_resource;
    struct str sid;
    const uint32_t *services; /* fingerprints of the actions' services, 0 of any: scanned first */
    const struct action *actions;
    size_t n_actions;
    const struct pattern *resources;
    const struct str *resources_written;
    size_t n_resources;
    const struct named *principals;
    size_t n_principals;
    const struct condition *conditions;
    size_t n_conditions;
};

struct policy {
    size_t bytes;
    struct statement *statements;
    size_t n;
};

uint32_t service_fingerprint(struct str service);

/* Checks a document that is JSON as AWS does, in its order; absent: it is well-formed. */
struct str policy_validate(const struct json *doc, enum policy_kind kind, struct arena *a);

/* A value that may stand alone or in a list; the elements, and how many. */
static inline const struct json *
json_values(const struct json *j, size_t *ret_n)
{
    *ret_n = j->kind == JSON_ARRAY ? j->n : 1;
    return j->kind == JSON_ARRAY ? j->v : j;
}

static inline char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}
