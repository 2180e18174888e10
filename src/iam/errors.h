/*
 * IAM's error codes: a row each, with the HTTP status that AWS sends.
 *
 * In C: api_fault(call, &IAM_ERR(NoSuchEntity), "The user with name %.*s cannot be found.", …)
 */
#pragma once

#include "api/api.h"

/* C name, code, status.  In alphabetical order. */
#define IAM_ERRORS(X)                                                                              \
    X(AccessDenied, "AccessDenied", 403)                                                           \
    X(DeleteConflict, "DeleteConflict", 409)                                                       \
    X(DuplicateCertificate, "DuplicateCertificate", 409)                                           \
    X(DuplicateSSHPublicKey, "DuplicateSSHPublicKey", 400)                                         \
    X(EntityAlreadyExists, "EntityAlreadyExists", 409)                                             \
    X(EntityTemporarilyUnmodifiable, "EntityTemporarilyUnmodifiable", 409)                         \
    X(InvalidAuthenticationCode, "InvalidAuthenticationCode", 403)                                 \
    X(InvalidCertificate, "InvalidCertificate", 400)                                               \
    X(InvalidInput, "InvalidInput", 400)                                                           \
    X(InvalidPublicKey, "InvalidPublicKey", 400)                                                   \
    X(KeyPairMismatch, "KeyPairMismatch", 400)                                                     \
    X(LimitExceeded, "LimitExceeded", 409)                                                         \
    X(MalformedCertificate, "MalformedCertificate", 400)                                           \
    X(MalformedPolicyDocument, "MalformedPolicyDocument", 400)                                     \
    X(NoSuchEntity, "NoSuchEntity", 404)                                                           \
    X(NotSupportedService, "NotSupportedService", 404)                                             \
    X(PasswordPolicyViolation, "PasswordPolicyViolation", 400)                                     \
    X(PolicyEvaluation, "PolicyEvaluation", 500)                                                   \
    X(PolicyNotAttachable, "PolicyNotAttachable", 400)                                             \
    X(ReportExpired, "ReportExpired", 410)                                                         \
    X(ReportInProgress, "ReportInProgress", 404)                                                   \
    X(ReportNotPresent, "ReportNotPresent", 410)                                                   \
    X(UnmodifiableEntity, "UnmodifiableEntity", 400)                                               \
    X(UnrecognizedPublicKeyEncoding, "UnrecognizedPublicKeyEncoding", 400)                         \
    X(ValidationError, "ValidationError", 400)

enum iam_error {
#define X(name, code, http) IAM_ERROR_##name,
    IAM_ERRORS(X)
#undef X
        IAM_N_ERRORS,
};

extern const struct api_error iam_errors[IAM_N_ERRORS];

#define IAM_ERR(name) iam_errors[IAM_ERROR_##name]
