/*
 * CloudWatch: metrics and alarms.  Handlers are declared by the generated header; here is what the
 * service's files share.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "cloudwatch/metric.h"
#include "gen/api/cloudwatch.h"
#include "gen/store/cloudwatch_rows.h"

extern const struct api_service_hooks cloudwatch_hooks;

enum {
    CLOUDWATCH_METRICS_A_PUT = 1000,
    CLOUDWATCH_PUT_BYTES_MAX = 1 << 20,
    CLOUDWATCH_POINTS_MAX = 1440, /* of GetMetricStatistics */
    CLOUDWATCH_QUERIES_MAX = 500,
    CLOUDWATCH_DATA_POINTS_MAX = 100800, /* of GetMetricData */
    CLOUDWATCH_ALARMS_MAX = 5000,        /* of an account in a Region */
    CLOUDWATCH_TAGS_MAX = 50,
};
/* 2^360: what a value may be at most, with either sign. */
#define CLOUDWATCH_VALUE_MAX 0x1p360

#define CLOUDWATCH_ERRORS(X)                                                                       \
    X(InvalidFormat)                                                                               \
    X(InvalidNextToken)                                                                            \
    X(InvalidParameterCombination)                                                                 \
    X(InvalidParameterValue)                                                                       \
    X(LimitExceeded)                                                                               \
    X(MissingParameter)                                                                            \
    X(ResourceNotFound)                                                                            \
    X(ResourceNotFoundException)                                                                   \
    X(ValidationError)

enum cloudwatch_error {
#define X(name) CLOUDWATCH_ERROR_##name,
    CLOUDWATCH_ERRORS(X)
#undef X
        CLOUDWATCH_N_ERRORS
};
extern const struct api_error cloudwatch_errors[CLOUDWATCH_N_ERRORS];
#define CLOUDWATCH_ERR(name) (cloudwatch_errors[CLOUDWATCH_ERROR_##name])

/* "The parameter NAME is not implemented by Welkin." */
int cloudwatch_unsupported(struct api_call *call, const char *member);

/* name, value, name, value …, as given. */
struct str_list
cloudwatch_dimensions(struct arena *arena, const struct cloudwatch_DimensionList *list);
/* The same for a reply. */
struct cloudwatch_DimensionList
cloudwatch_dimensions_show(struct arena *arena, const struct str_list *texts);
/* A dimension's name that the list has twice; p NULL: none. */
struct str cloudwatch_dimension_twice(const struct str_list *texts);

/* Whether a period is one that data can be asked by: 1, 5, 10, 20, 30 or a multiple of 60. */
bool cloudwatch_period_ok(int64_t seconds);
/*
 * The range of a request: its start brought down to what a time of that age is kept by, and to
 * what is kept at all.  False: at that age there is no data by that period.
 */
bool cloudwatch_range_of(const struct api_call *call, int64_t start_ms, int64_t end_ms,
                         int64_t period_s, struct cloudwatch_range *ret);
/* StartTime and EndTime of a request. */
int cloudwatch_times_check(struct api_call *call, int64_t start_ms, int64_t end_ms,
                           enum cloudwatch_error code);
