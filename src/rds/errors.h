/* Error codes of RDS: a row each; X(name in C, code on the wire). */
#pragma once

#include "api/api.h"

#define RDS_ERRORS(X)                                                                              \
    X(DBInstanceAlreadyExists, 400)                                                                \
    X(DBInstanceNotFound, 404)                                                                     \
    X(DBParameterGroupAlreadyExists, 400)                                                          \
    X(DBParameterGroupNotFound, 404)                                                               \
    X(DBParameterGroupQuotaExceeded, 400)                                                          \
    X(DBSecurityGroupNotSupported, 400)                                                            \
    X(DBSnapshotAlreadyExists, 400)                                                                \
    X(DBSnapshotNotFound, 404)                                                                     \
    X(DBSubnetGroupAlreadyExists, 400)                                                             \
    X(DBSubnetGroupDoesNotCoverEnoughAZs, 400)                                                     \
    X(DBSubnetGroupNotFoundFault, 404)                                                             \
    X(DBSubnetGroupQuotaExceeded, 400)                                                             \
    X(DBSubnetQuotaExceededFault, 400)                                                             \
    X(InstanceQuotaExceeded, 400)                                                                  \
    X(InsufficientDBInstanceCapacity, 400)                                                         \
    X(InvalidDBInstanceState, 400)                                                                 \
    X(InvalidDBParameterGroupState, 400)                                                           \
    X(InvalidDBSnapshotState, 400)                                                                 \
    X(InvalidDBSubnetGroupStateFault, 400)                                                         \
    X(InvalidParameterCombination, 400)                                                            \
    X(InvalidParameterValue, 400)                                                                  \
    X(InvalidSubnet, 400)                                                                          \
    X(InvalidVPCNetworkStateFault, 400)                                                            \
    X(KMSKeyNotAccessibleFault, 400)                                                               \
    X(SnapshotQuotaExceeded, 400)                                                                  \
    X(StorageQuotaExceeded, 400)

enum rds_error {
#define X(name, http) RDS_ERROR_##name,
    RDS_ERRORS(X)
#undef X
        RDS_N_ERRORS,
};
extern const struct api_error rds_errors[RDS_N_ERRORS];
#define RDS_ERR(name) rds_errors[RDS_ERROR_##name]
