/*
 * EC2's error codes: a row each, with the HTTP status that AWS sends.  Client errors are 400.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 *
 * In C: api_fault(call, &EC2_ERR(InvalidInstanceID_NotFound), "The instance ID '%.*s' …", …)
 */
#pragma once

#include "api/api.h"

/* C name with '_' for '.', code, status.  Append in alphabetical order. */
#define EC2_ERRORS(X)                                                                              \
    X(ActiveVpcPeeringConnectionPerVpcLimitExceeded,                                               \
      "ActiveVpcPeeringConnectionPerVpcLimitExceeded", 400)                                        \
    X(AddressLimitExceeded, "AddressLimitExceeded", 400)                                           \
    X(AttachmentLimitExceeded, "AttachmentLimitExceeded", 400)                                     \
    X(AuthFailure, "AuthFailure", 401)                                                             \
    X(CannotDelete, "CannotDelete", 400)                                                           \
    X(CidrLimitExceeded, "CidrLimitExceeded", 400)                                                 \
    X(DefaultSubnetAlreadyExistsInAvailabilityZone,                                                \
      "DefaultSubnetAlreadyExistsInAvailabilityZone", 400)                                         \
    X(DefaultVpcAlreadyExists, "DefaultVpcAlreadyExists", 400)                                     \
    X(DefaultVpcDoesNotExist, "DefaultVpcDoesNotExist", 400)                                       \
    X(DependencyViolation, "DependencyViolation", 400)                                             \
    X(Gateway_NotAttached, "Gateway.NotAttached", 400)                                             \
    X(HostLimitExceeded, "HostLimitExceeded", 400)                                                 \
    X(Idempotent_ParameterMismatch, "IdempotentParameterMismatch", 400)                            \
    X(IncorrectInstanceState, "IncorrectInstanceState", 400)                                       \
    X(IncorrectModificationState, "IncorrectModificationState", 400)                               \
    X(IncorrectState, "IncorrectState", 400)                                                       \
    X(InstanceCreditSpecification_NotSupported, "InstanceCreditSpecification.NotSupported", 400)   \
    X(InstanceEventWindowAssociationLimitExceeded, "InstanceEventWindowAssociationLimitExceeded",  \
      400)                                                                                         \
    X(InstanceEventWindowLimitExceeded, "InstanceEventWindowLimitExceeded", 400)                   \
    X(InstanceLimitExceeded, "InstanceLimitExceeded", 400)                                         \
    X(InsufficientAddressCapacity, "InsufficientAddressCapacity", 400)                             \
    X(InsufficientCidrBlocks, "InsufficientCidrBlocks", 400)                                       \
    X(InsufficientFreeAddressesInSubnet, "InsufficientFreeAddressesInSubnet", 400)                 \
    X(InsufficientHostCapacity, "InsufficientHostCapacity", 500)                                   \
    X(InsufficientInstanceCapacity, "InsufficientInstanceCapacity", 500)                           \
    X(InternetGatewayLimitExceeded, "InternetGatewayLimitExceeded", 400)                           \
    X(InvalidAMIAttributeItemValue, "InvalidAMIAttributeItemValue", 400)                           \
    X(InvalidAMIID_Malformed, "InvalidAMIID.Malformed", 400)                                       \
    X(InvalidAMIID_NotFound, "InvalidAMIID.NotFound", 400)                                         \
    X(InvalidAMIID_Unavailable, "InvalidAMIID.Unavailable", 400)                                   \
    X(InvalidAMIName_Duplicate, "InvalidAMIName.Duplicate", 400)                                   \
    X(InvalidAMIName_Malformed, "InvalidAMIName.Malformed", 400)                                   \
    X(InvalidAddress_NotFound, "InvalidAddress.NotFound", 400)                                     \
    X(InvalidAllocationID_NotFound, "InvalidAllocationID.NotFound", 400)                           \
    X(InvalidAssociationID_NotFound, "InvalidAssociationID.NotFound", 400)                         \
    X(InvalidAttachmentID_NotFound, "InvalidAttachmentID.NotFound", 400)                           \
    X(InvalidAttachment_NotFound, "InvalidAttachment.NotFound", 400)                               \
    X(InvalidBlockDeviceMapping, "InvalidBlockDeviceMapping", 400)                                 \
    X(InvalidCapacityReservationId_Malformed, "InvalidCapacityReservationId.Malformed", 400)       \
    X(InvalidCapacityReservationId_NotFound, "InvalidCapacityReservationId.NotFound", 400)         \
    X(InvalidCidrBlock_InUse, "InvalidCidrBlock.InUse", 400)                                       \
    X(InvalidDhcpOptionID_NotFound, "InvalidDhcpOptionID.NotFound", 400)                           \
    X(InvalidGatewayID_NotFound, "InvalidGatewayID.NotFound", 400)                                 \
    X(InvalidGroupId_Malformed, "InvalidGroupId.Malformed", 400)                                   \
    X(InvalidGroup_Duplicate, "InvalidGroup.Duplicate", 400)                                       \
    X(InvalidGroup_NotFound, "InvalidGroup.NotFound", 400)                                         \
    X(InvalidHostConfiguration, "InvalidHostConfiguration", 400)                                   \
    X(InvalidHostID_Malformed, "InvalidHostID.Malformed", 400)                                     \
    X(InvalidHostID_NotFound, "InvalidHostID.NotFound", 400)                                       \
    X(InvalidHostReservationId_Malformed, "InvalidHostReservationId.Malformed", 400)               \
    X(InvalidHostReservationId_NotFound, "InvalidHostReservationId.NotFound", 400)                 \
    X(InvalidHostReservationOfferingId_Malformed, "InvalidHostReservationOfferingId.Malformed",    \
      400)                                                                                         \
    X(InvalidHostReservationOfferingId_NotFound, "InvalidHostReservationOfferingId.NotFound", 400) \
    X(InvalidHostState, "InvalidHostState", 400)                                                   \
    X(InvalidID, "InvalidID", 400)                                                                 \
    X(InvalidIPAddress_InUse, "InvalidIPAddress.InUse", 400)                                       \
    X(InvalidInstanceAttributeValue, "InvalidInstanceAttributeValue", 400)                         \
    X(InvalidInstanceEventIDNotFound, "InvalidInstanceEventIDNotFound", 400)                       \
    X(InvalidInstanceEventStartTime, "InvalidInstanceEventStartTime", 400)                         \
    X(InvalidInstanceEventWindowID_Malformed, "InvalidInstanceEventWindowID.Malformed", 400)       \
    X(InvalidInstanceEventWindowID_NotFound, "InvalidInstanceEventWindowID.NotFound", 400)         \
    X(InvalidInstanceID, "InvalidInstanceID", 400)                                                 \
    X(InvalidInstanceID_Malformed, "InvalidInstanceID.Malformed", 400)                             \
    X(InvalidInstanceID_NotFound, "InvalidInstanceID.NotFound", 400)                               \
    X(InvalidInstanceType, "InvalidInstanceType", 400)                                             \
    X(InvalidInternetGatewayID_NotFound, "InvalidInternetGatewayID.NotFound", 400)                 \
    X(InvalidKeyPair_Duplicate, "InvalidKeyPair.Duplicate", 400)                                   \
    X(InvalidKeyPair_NotFound, "InvalidKeyPair.NotFound", 400)                                     \
    X(InvalidKey_Format, "InvalidKey.Format", 400)                                                 \
    X(InvalidLaunchTemplateId_Malformed, "InvalidLaunchTemplateId.Malformed", 400)                 \
    X(InvalidLaunchTemplateId_NotFound, "InvalidLaunchTemplateId.NotFound", 400)                   \
    X(InvalidLaunchTemplateId_VersionNotFound, "InvalidLaunchTemplateId.VersionNotFound", 400)     \
    X(InvalidLaunchTemplateName_AlreadyExists, "InvalidLaunchTemplateName.AlreadyExistsException", \
      400)                                                                                         \
    X(InvalidLaunchTemplateName_Malformed, "InvalidLaunchTemplateName.MalformedException", 400)    \
    X(InvalidLaunchTemplateName_NotFound, "InvalidLaunchTemplateName.NotFoundException", 400)      \
    X(InvalidNatGatewayID_NotFound, "InvalidNatGatewayID.NotFound", 400)                           \
    X(InvalidNetworkAclEntry_NotFound, "InvalidNetworkAclEntry.NotFound", 400)                     \
    X(InvalidNetworkAclID_NotFound, "InvalidNetworkAclID.NotFound", 400)                           \
    X(InvalidNetworkInterfaceID_NotFound, "InvalidNetworkInterfaceID.NotFound", 400)               \
    X(InvalidNetworkInterfaceId_Malformed, "InvalidNetworkInterfaceId.Malformed", 400)             \
    X(InvalidNetworkInterface_InUse, "InvalidNetworkInterface.InUse", 400)                         \
    X(InvalidParameter, "InvalidParameter", 400)                                                   \
    X(InvalidParameterCombination, "InvalidParameterCombination", 400)                             \
    X(InvalidParameterDependency, "InvalidParameterDependency", 400)                               \
    X(InvalidParameterValue, "InvalidParameterValue", 400)                                         \
    X(InvalidPermission_Duplicate, "InvalidPermission.Duplicate", 400)                             \
    X(InvalidPermission_NotFound, "InvalidPermission.NotFound", 400)                               \
    X(InvalidPlacementGroup_Duplicate, "InvalidPlacementGroup.Duplicate", 400)                     \
    X(InvalidPlacementGroup_InUse, "InvalidPlacementGroup.InUse", 400)                             \
    X(InvalidPlacementGroup_Unknown, "InvalidPlacementGroup.Unknown", 400)                         \
    X(InvalidPrefixListID_NotFound, "InvalidPrefixListID.NotFound", 400)                           \
    X(InvalidRouteTableID_NotFound, "InvalidRouteTableID.NotFound", 400)                           \
    X(InvalidRequest, "InvalidRequest", 400)                                                       \
    X(InvalidRoute_NotFound, "InvalidRoute.NotFound", 400)                                         \
    X(InvalidSecurityGroupRuleId_Malformed, "InvalidSecurityGroupRuleId.Malformed", 400)           \
    X(InvalidSecurityGroupRuleId_NotFound, "InvalidSecurityGroupRuleId.NotFound", 400)             \
    X(InvalidSnapshotID_Malformed, "InvalidSnapshotID.Malformed", 400)                             \
    X(InvalidSnapshot_InUse, "InvalidSnapshot.InUse", 400)                                         \
    X(InvalidSnapshot_NotFound, "InvalidSnapshot.NotFound", 400)                                   \
    X(InvalidStateTransition, "InvalidStateTransition", 400)                                       \
    X(InvalidSubnetID_NotFound, "InvalidSubnetID.NotFound", 400)                                   \
    X(InvalidSubnet_Conflict, "InvalidSubnet.Conflict", 400)                                       \
    X(InvalidSubnet_Range, "InvalidSubnet.Range", 400)                                             \
    X(InvalidUserData_Malformed, "InvalidUserData.Malformed", 400)                                 \
    X(InvalidUserID_Malformed, "InvalidUserID.Malformed", 400)                                     \
    X(InvalidVolume_NotFound, "InvalidVolume.NotFound", 400)                                       \
    X(InvalidVolume_ZoneMismatch, "InvalidVolume.ZoneMismatch", 400)                               \
    X(InvalidVpcID_NotFound, "InvalidVpcID.NotFound", 400)                                         \
    X(InvalidVpcCidrBlockAssociationID_NotFound, "InvalidVpcCidrBlockAssociationID.NotFound", 400) \
    X(InvalidVpcPeeringConnectionID_NotFound, "InvalidVpcPeeringConnectionID.NotFound", 400)       \
    X(InvalidVpc_Range, "InvalidVpc.Range", 400)                                                   \
    X(InvalidVpnGatewayID_NotFound, "InvalidVpnGatewayID.NotFound", 400)                           \
    X(LaunchTemplateLimitExceeded, "LaunchTemplateLimitExceeded", 400)                             \
    X(LaunchTemplateVersionLimitExceeded, "LaunchTemplateVersionLimitExceeded", 400)               \
    X(LimitPriceExceeded, "LimitPriceExceeded", 400)                                               \
    X(MissingInput, "MissingInput", 400)                                                           \
    X(MissingParameter, "MissingParameter", 400)                                                   \
    X(NatGatewayLimitExceeded, "NatGatewayLimitExceeded", 400)                                     \
    X(NatGatewayNotFound, "NatGatewayNotFound", 400)                                               \
    X(NetworkAclEntryAlreadyExists, "NetworkAclEntryAlreadyExists", 400)                           \
    X(NetworkAclEntryLimitExceeded, "NetworkAclEntryLimitExceeded", 400)                           \
    X(NetworkAclLimitExceeded, "NetworkAclLimitExceeded", 400)                                     \
    X(OperationNotPermitted, "OperationNotPermitted", 400)                                         \
    X(Resource_AlreadyAssociated, "Resource.AlreadyAssociated", 400)                               \
    X(OutstandingVpcPeeringConnectionLimitExceeded,                                                \
      "OutstandingVpcPeeringConnectionLimitExceeded", 400)                                         \
    X(PlacementGroupLimitExceeded, "PlacementGroupLimitExceeded", 400)                             \
    X(PrivateIpAddressLimitExceeded, "PrivateIpAddressLimitExceeded", 400)                         \
    X(ReservationCapacityExceeded, "ReservationCapacityExceeded", 400)                             \
    X(RouteAlreadyExists, "RouteAlreadyExists", 400)                                               \
    X(RouteLimitExceeded, "RouteLimitExceeded", 400)                                               \
    X(RouteTableLimitExceeded, "RouteTableLimitExceeded", 400)                                     \
    X(RulesPerSecurityGroupLimitExceeded, "RulesPerSecurityGroupLimitExceeded", 400)               \
    X(SecurityGroupLimitExceeded, "SecurityGroupLimitExceeded", 400)                               \
    X(SecurityGroupsPerInterfaceLimitExceeded, "SecurityGroupsPerInterfaceLimitExceeded", 400)     \
    X(SubnetLimitExceeded, "SubnetLimitExceeded", 400)                                             \
    X(TagLimitExceeded, "TagLimitExceeded", 400)                                                   \
    X(UnknownParameter, "UnknownParameter", 400)                                                   \
    X(Unsupported, "Unsupported", 400)                                                             \
    X(UnsupportedHibernationConfiguration, "UnsupportedHibernationConfiguration", 400)             \
    X(UnsupportedHostConfiguration, "UnsupportedHostConfiguration", 400)                           \
    X(UnsupportedOperation, "UnsupportedOperation", 400)                                           \
    X(VcpuLimitExceeded, "VcpuLimitExceeded", 400)                                                 \
    X(VolumeInUse, "VolumeInUse", 400)                                                             \
    X(VolumeLimitExceeded, "VolumeLimitExceeded", 400)                                             \
    X(VolumeModificationRateExceeded, "VolumeModificationRateExceeded", 400)                       \
    X(VpcPeeringConnectionAlreadyExists, "VpcPeeringConnectionAlreadyExists", 400)                 \
    X(VpcLimitExceeded, "VpcLimitExceeded", 400)                                                   \
    X(VPCIdNotSpecified, "VPCIdNotSpecified", 400)

enum ec2_error {
#define X(name, code, http) EC2_ERROR_##name,
    EC2_ERRORS(X)
#undef X
        EC2_N_ERRORS,
};

extern const struct api_error ec2_errors[EC2_N_ERRORS];

#define EC2_ERR(name) ec2_errors[EC2_ERROR_##name]
