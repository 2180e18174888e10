/*
 * The rule of a composite alarm: ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA('c')), TRUE, FALSE.
 * Pure.
 *
 * AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
 */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "cloudwatch/judge.h"

enum { CLOUDWATCH_FORMULA_ALARMS_MAX = 100, CLOUDWATCH_FORMULA_NODES_MAX = 500 };

enum cloudwatch_formula_kind {
    CLOUDWATCH_FORMULA_CONSTANT,
    CLOUDWATCH_FORMULA_STATE, /* the alarm is in that state */
    CLOUDWATCH_FORMULA_NOT,
    CLOUDWATCH_FORMULA_AND,
    CLOUDWATCH_FORMULA_OR,
};

struct cloudwatch_formula {
    enum cloudwatch_formula_kind kind;
    bool truth;
    enum cloudwatch_state state;
    struct str alarm; /* a name or an ARN */
    const struct cloudwatch_formula *a, *b;
};

/* NULL: *ret_at is where it went wrong.  `ret_names` gets the alarms, in order. */
const struct cloudwatch_formula *
cloudwatch_formula_parse(struct arena *arena, struct str text, struct str_list *ret_names,
                         size_t *ret_at);
/* `is` tells whether an alarm is in a state. */
bool cloudwatch_formula_holds(const struct cloudwatch_formula *formula,
                              bool (*is)(void *ctx, struct str alarm, enum cloudwatch_state state),
                              void *ctx);
/* Whether the rule names the alarm of that name and ARN. */
bool
cloudwatch_formula_names(struct arena *arena, struct str text, struct str name, struct str arn);
