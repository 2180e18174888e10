/*
 * Filters of Describe operations, over the structs of the reply.
 *
 *   static const struct api_filter instance_filters[] = {
 *       {"instance-state-name", "State.Name"},
 *       {"block-device-mapping.volume-id", "BlockDeviceMappings.Ebs.VolumeId"},
 *       {"tag", API_FILTER_TAGS},
 *   };
 *   static const struct api_filter_table instance_table =
 *       API_FILTER_TABLE(ec2_service, EC2_SHAPE_Instance, instance_filters);
 *
 *   r = api_filter_compile(call->arena, &instance_table, API_FILTER_PAIRS(&req->filters), &set,
 *                          &call->fault);
 *   …
 *   if (!api_filter_match(&set, &instance)) continue;
 *
 * The filters of a call must all hold, of each filter any value.  Values know `*` and `?`, and
 * a backslash before them; case counts.  Booleans are true and false, times their ISO text.  A
 * path that goes through lists holds if any element does; an absent member matches nothing.
 *
 * Limits, as EC2 has them: 200 values in a call, 255 characters in a value.
 */
#pragma once

#include "api/model.h"

/* Three filters at once: tag:KEY, tag-key and tag-value, over the member Tags (or TagSet). */
#define API_FILTER_TAGS "#tags"
/* The handler decides: api_filter_allows(). */
#define API_FILTER_OWN "#own"

struct api_filter {
    const char *name;
    const char *path; /* members by the names of the description, from the reply's struct */
};

/*
 * Where a row of the store has what a filter asks, so that no reply need be built to find out.  An
 * empty text is absent from the reply and passes nothing.
 */
struct api_filter_column {
    const char *name; /* "tag" for the three of API_FILTER_TAGS */
    size_t offset;    /* of a struct str, or for "tag" of a str_list of keys and values in turn */
    struct str (*text)(const void *row); /* or this tells it */
};

struct api_filter_table {
    const struct api_service *service;
    uint16_t shape; /* of the struct that is matched: EC2_SHAPE_Instance */
    const struct api_filter *v;
    size_t n;
    const struct api_filter_column *columns; /* may be none */
    size_t n_columns;
};
#define API_FILTER_TABLE(svc, shape_number, array)                                                 \
    {                                                                                              \
        &(svc), (shape_number), (array), ARRAY_LEN(array)                                          \
    }

#define API_FILTER_TABLE_OF_ROWS(svc, shape_number, array, columns)                                \
    {                                                                                              \
        &(svc), (shape_number), (array), ARRAY_LEN(array), (columns), ARRAY_LEN(columns)           \
    }

/* A filter as the caller sent it. */
struct api_filter_pair {
    struct str name;
    struct str_list values;
};
struct api_filter_pairs {
    const struct api_filter_pair *v;
    size_t n;
};
/* A generated list of {name, values}: struct ec2_FilterList. */
#define API_FILTER_PAIRS(list)                                                                     \
    ((struct api_filter_pairs){                                                                    \
        (const void *)(list)->v,                                                                   \
        sizeof(char[sizeof(*(list)->v) == sizeof(struct api_filter_pair) ? 1 : -1]) * (list)->n})

struct api_filter_compiled;

struct api_filter_set {
    const struct api_filter_table *table;
    struct api_filter_compiled *v;
    size_t n;
};

/*
 * Prepares the filters of a call; the set lives in the arena.  Answers 0, or positive with the
 * fault: InvalidParameterValue for an unknown filter, FilterLimitExceeded.
 */
int api_filter_compile(struct arena *arena, const struct api_filter_table *table,
                       struct api_filter_pairs pairs, struct api_filter_set *ret,
                       struct api_fault *fault);

/* Whether a struct of the table's shape passes.  True when there are no filters. */
bool api_filter_match(const struct api_filter_set *set, const void *value);

/*
 * Whether a row passes those filters that have a column; and whether there are others, for which
 * api_filter_match() must be asked as well.
 */
bool api_filter_row_passes(const struct api_filter_set *set, const void *row);
bool api_filter_has_others(const struct api_filter_set *set);

/* Whether the filter of that name, if it was given, lets this text pass: for API_FILTER_OWN and
 * for rows that are looked at before a reply is built. */
bool api_filter_allows(const struct api_filter_set *set, const char *name, struct str text);

/* What of a table does not resolve, or NULL: tests run this over every table. */
const char *api_filter_table_error(const struct api_filter_table *table);
