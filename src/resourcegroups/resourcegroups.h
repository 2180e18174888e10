/*
 * Resource Groups: groups of things that a query finds, by their tags or by the stack that made
 * them.  Handlers are declared by the generated header; here is what the service's files share.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "gen/api/resourcegroups.h"
#include "gen/store/resourcegroups_rows.h"

extern const struct api_service_hooks resourcegroups_hooks;

enum {
    RG_GROUPS_MAX = 100, /* of an account in a Region */
    RG_TAGS_MAX = 50,
    RG_CRITICALITY_MAX = 10,
    RG_TYPES_MAX = 100, /* of a query */
    RG_FILTERS_MAX = 50,
    RG_VALUES_MAX = 20,
};

extern const struct api_error rg_bad_request, rg_not_found;

/* ---- group.c ---- */

/* A group by its name or ARN, of which the request has one.  BadRequest-, NotFoundException. */
int rg_group_find(struct api_call *call, struct str group, struct str name,
                  const struct rg_group_row **ret);
int rg_page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret);
struct str rg_page_next(struct api_call *call, const struct api_page *page);

/* ---- type.c: types of things ---- */

struct rg_type {
    const char *name;    /* "AWS::EC2::Instance" */
    const char *service; /* of its ARN */
    const char *prefix;  /* of the ARN's last part: "instance/" */
    bool whole;          /* CloudFormation's physical id is the ARN */
};
const struct rg_type *rg_type_named(struct str name);
/* The type of a thing by its ARN; NULL: one that groups do not have. */
const struct rg_type *rg_type_of(struct str arn);
/* The ARN of a thing of the caller's account by its physical id. */
struct str rg_type_arn(struct api_call *call, const struct rg_type *type, struct str id);

/* ---- query.c ---- */

struct rg_tag_filter {
    struct str key;
    struct str_list values;
};
struct rg_query {
    bool all; /* AWS::AllSupported */
    struct str_list types;
    struct {
        struct rg_tag_filter *v;
        size_t n;
    } filters;
    struct str stack; /* of CLOUDFORMATION_STACK_1_0, else p NULL */
};
/* Reads a query of a type; false: *ret_why is a sentence about what is wrong.  Pure. */
bool rg_query_parse(struct arena *arena, struct str type, struct str text, struct rg_query *ret,
                    struct str *ret_why);
/* The same, refused with BadRequestException. */
int rg_query_read(struct api_call *call, const struct resourcegroups_ResourceQuery *query,
                  struct rg_query *ret);
