/*
 * The errors of S3 that handlers answer.  Codes and statuses:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
#pragma once

#include "api/api.h"

#define S3_ERRORS(X)                                                                               \
    X(AccessControlListNotSupported, 400)                                                          \
    X(AccessDenied, 403)                                                                           \
    X(AccessForbidden, 403)                                                                        \
    X(BadDigest, 400)                                                                              \
    X(BadRequest, 400)                                                                             \
    X(BucketAlreadyExists, 409)                                                                    \
    X(BucketAlreadyOwnedByYou, 409)                                                                \
    X(BucketNotEmpty, 409)                                                                         \
    X(EntityTooLarge, 400)                                                                         \
    X(EntityTooSmall, 400)                                                                         \
    X(IllegalLocationConstraintException, 400)                                                     \
    X(InvalidArgument, 400)                                                                        \
    X(IllegalVersioningConfigurationException, 400)                                                \
    X(InvalidBucketAclWithBlockPublicAccessError, 400)                                             \
    X(InvalidBucketAclWithObjectOwnership, 400)                                                    \
    X(InvalidBucketName, 400)                                                                      \
    X(InvalidBucketState, 409)                                                                     \
    X(InvalidDigest, 400)                                                                          \
    X(InvalidEncryptionAlgorithmError, 400)                                                        \
    X(InvalidLocationConstraint, 400)                                                              \
    X(InvalidObjectState, 403)                                                                     \
    X(InternalError, 500)                                                                          \
    X(InvalidPolicyDocument, 400)                                                                  \
    X(MalformedPOSTRequest, 400)                                                                   \
    X(MaxPostPreDataLengthExceededError, 400)                                                      \
    X(InvalidPart, 400)                                                                            \
    X(InvalidPartNumber, 416)                                                                      \
    X(InvalidPartOrder, 400)                                                                       \
    X(InvalidRange, 416)                                                                           \
    X(InvalidRequest, 400)                                                                         \
    X(InvalidStorageClass, 400)                                                                    \
    X(InvalidTag, 400)                                                                             \
    X(KeyTooLongError, 400)                                                                        \
    X(MalformedPolicy, 400)                                                                        \
    X(MalformedXML, 400)                                                                           \
    X(MetadataTooLarge, 400)                                                                       \
    X(MissingSecurityHeader, 400)                                                                  \
    X(MethodNotAllowed, 405)                                                                       \
    X(NoSuchBucket, 404)                                                                           \
    X(NoSuchBucketPolicy, 404)                                                                     \
    X(NoSuchCORSConfiguration, 404)                                                                \
    X(NoSuchKey, 404)                                                                              \
    X(NoSuchLifecycleConfiguration, 404)                                                           \
    X(NoSuchPublicAccessBlockConfiguration, 404)                                                   \
    X(NoSuchTagSet, 404)                                                                           \
    X(NoSuchUpload, 404)                                                                           \
    X(NoSuchVersion, 404)                                                                          \
    X(NoSuchWebsiteConfiguration, 404)                                                             \
    X(NotImplemented, 501)                                                                         \
    X(NotModified, 304)                                                                            \
    X(ObjectLockConfigurationNotFoundError, 404)                                                   \
    X(OperationAborted, 409)                                                                       \
    X(OwnershipControlsNotFoundError, 404)                                                         \
    X(PermanentRedirect, 301)                                                                      \
    X(PreconditionFailed, 412)                                                                     \
    X(ReplicationConfigurationNotFoundError, 404)                                                  \
    X(TooManyBuckets, 400)

enum s3_error {
#define X(name, http) S3_ERROR_##name,
    S3_ERRORS(X)
#undef X
        S3_N_ERRORS
};

extern const struct api_error s3_errors[S3_N_ERRORS];
#define S3_ERR(name) s3_errors[S3_ERROR_##name]
/* What of a request is not done yet is refused by its name. */
#define S3_NOT_YET(call, what)                                                                     \
    api_fault((call), &S3_ERR(NotImplemented),                                                     \
              "Welkin does not implement %s yet: nothing was done.", (what))
