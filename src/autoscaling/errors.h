/* Error codes of EC2 Auto Scaling: a row each. */
#pragma once

#include "api/api.h"

#define ASG_ERRORS(X)                                                                              \
    X(ActiveInstanceRefreshNotFound)                                                               \
    X(AlreadyExists)                                                                               \
    X(InstanceRefreshInProgress)                                                                   \
    X(InvalidNextToken)                                                                            \
    X(IrreversibleInstanceRefresh)                                                                 \
    X(LimitExceeded)                                                                               \
    X(ResourceInUse)                                                                               \
    X(ScalingActivityInProgress)                                                                   \
    X(ValidationError)

enum asg_error {
#define X(name) ASG_ERROR_##name,
    ASG_ERRORS(X)
#undef X
        ASG_N_ERRORS,
};
extern const struct api_error asg_errors[ASG_N_ERRORS];
#define ASG_ERR(name) asg_errors[ASG_ERROR_##name]
