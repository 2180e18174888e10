/* Error codes of CloudFormation: a row each. */
#pragma once

#include "api/api.h"

#define CFN_ERRORS(X)                                                                              \
    X(ValidationError)                                                                             \
    X(AlreadyExistsException)                                                                      \
    X(InsufficientCapabilitiesException)                                                           \
    X(ChangeSetNotFound)                                                                           \
    X(InvalidChangeSetStatus)                                                                      \
    X(TypeNotFoundException)                                                                       \
    X(LimitExceededException)                                                                      \
    X(UnsupportedOperation)                                                                        \
    X(NameAlreadyExistsException)                                                                  \
    X(StackSetNotFoundException)                                                                   \
    X(StackSetNotEmptyException)                                                                   \
    X(StackInstanceNotFoundException)                                                              \
    X(OperationNotFoundException)                                                                  \
    X(OperationInProgressException)                                                                \
    X(OperationIdAlreadyExistsException)                                                           \
    X(InvalidOperationException)

enum cfn_error {
#define X(name) CFN_ERROR_##name,
    CFN_ERRORS(X)
#undef X
        CFN_N_ERRORS,
};
extern const struct api_error cfn_errors[CFN_N_ERRORS];
#define CFN_ERR(name) cfn_errors[CFN_ERROR_##name]
