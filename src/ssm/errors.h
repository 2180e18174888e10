/*
 * Parameter Store's error codes: a row each, all 400.
 *
 * In C: api_fault(call, &SSM_ERR(ValidationException), "Parameter name …")
 */
#pragma once

#include "api/api.h"

#define SSM_ERRORS(X)                                                                              \
    X(AccessDeniedException)                                                                       \
    X(HierarchyLevelLimitExceededException)                                                        \
    X(HierarchyTypeMismatchException)                                                              \
    X(IncompatiblePolicyException)                                                                 \
    X(InvalidAllowedPatternException)                                                              \
    X(InvalidFilterKey)                                                                            \
    X(InvalidFilterOption)                                                                         \
    X(InvalidFilterValue)                                                                          \
    X(InvalidKeyId)                                                                                \
    X(InvalidNextToken)                                                                            \
    X(InvalidPolicyAttributeException)                                                             \
    X(InvalidPolicyTypeException)                                                                  \
    X(InvalidResourceId)                                                                           \
    X(InvalidResourceType)                                                                         \
    X(MalformedResourcePolicyDocumentException)                                                    \
    X(ParameterAlreadyExists)                                                                      \
    X(ParameterLimitExceeded)                                                                      \
    X(ParameterMaxVersionLimitExceeded)                                                            \
    X(ParameterNotFound)                                                                           \
    X(ParameterPatternMismatchException)                                                           \
    X(ParameterVersionLabelLimitExceeded)                                                          \
    X(ParameterVersionNotFound)                                                                    \
    X(PoliciesLimitExceededException)                                                              \
    X(ResourceNotFoundException)                                                                   \
    X(ResourcePolicyConflictException)                                                             \
    X(ResourcePolicyInvalidParameterException)                                                     \
    X(ResourcePolicyLimitExceededException)                                                        \
    X(ResourcePolicyNotFoundException)                                                             \
    X(ServiceSettingNotFound)                                                                      \
    X(TooManyTagsError)                                                                            \
    X(ValidationException)

enum ssm_error {
#define X(name) SSM_ERROR_##name,
    SSM_ERRORS(X)
#undef X
        SSM_N_ERRORS,
};

extern const struct api_error ssm_errors[SSM_N_ERRORS];

#define SSM_ERR(name) ssm_errors[SSM_ERROR_##name]
