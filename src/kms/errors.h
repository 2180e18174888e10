/*
 * KMS's error codes: a row each, with the HTTP status that AWS sends.
 *
 * In C: api_fault(call, &KMS_ERR(NotFoundException), "Key '%.*s' does not exist", …)
 */
#pragma once

#include "api/api.h"

#define KMS_ERRORS(X)                                                                              \
    X(AccessDeniedException)                                                                       \
    X(AlreadyExistsException)                                                                      \
    X(ConflictException)                                                                           \
    X(DisabledException)                                                                           \
    X(DryRunOperationException)                                                                    \
    X(ExpiredImportTokenException)                                                                 \
    X(IncorrectKeyException)                                                                       \
    X(IncorrectKeyMaterialException)                                                               \
    X(InvalidAliasNameException)                                                                   \
    X(InvalidArnException)                                                                         \
    X(InvalidCiphertextException)                                                                  \
    X(InvalidGrantIdException)                                                                     \
    X(InvalidGrantTokenException)                                                                  \
    X(InvalidImportTokenException)                                                                 \
    X(InvalidKeyUsageException)                                                                    \
    X(InvalidMarkerException)                                                                      \
    X(KMSInvalidMacException)                                                                      \
    X(KMSInvalidSignatureException)                                                                \
    X(KMSInvalidStateException)                                                                    \
    X(LimitExceededException)                                                                      \
    X(MalformedPolicyDocumentException)                                                            \
    X(NotAuthorizedException)                                                                      \
    X(NotFoundException)                                                                           \
    X(TagException)                                                                                \
    X(UnsupportedOperationException)                                                               \
    X(ValidationException)

enum kms_error {
#define X(name) KMS_ERROR_##name,
    KMS_ERRORS(X)
#undef X
        KMS_N_ERRORS,
};

/* All are the caller's: 400. */
extern const struct api_error kms_errors[KMS_N_ERRORS];

#define KMS_ERR(name) kms_errors[KMS_ERROR_##name]
