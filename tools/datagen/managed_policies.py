#!/usr/bin/env python3
"""
Writes data/managed_policies/*.json, one file an AWS managed policy, from packages that are
installed at development time; a build needs neither them nor Python.

    managed_policies.py [OLD]

Documents, paths, versions and dates are those of moto's copy (moto/iam/aws_managed_policies.py).
Its policy ids were dropped in 2019: OLD is the same file of moto 1.3.7, which has those of that
time.  Younger policies get an id that is made of their name; docs/iam.md says so.
"""
import base64
import hashlib
import json
import os
import re
import sys

from moto.iam.aws_managed_policies import aws_managed_policies_data

OUT = os.path.join(os.path.dirname(__file__), "../../data/managed_policies")
WANTED = """
AdministratorAccess PowerUserAccess ReadOnlyAccess ViewOnlyAccess SecurityAudit SystemAdministrator
AWSDenyAll IAMFullAccess IAMReadOnlyAccess IAMUserChangePassword IAMUserSSHKeys
AmazonSSMManagedInstanceCore AmazonSSMFullAccess AmazonSSMReadOnlyAccess AmazonEC2RoleforSSM
AmazonSSMAutomationRole AmazonSSMMaintenanceWindowRole AmazonSSMPatchAssociation
AmazonSSMManagedEC2InstanceDefaultPolicy
CloudWatchAgentServerPolicy CloudWatchAgentAdminPolicy CloudWatchFullAccess
CloudWatchFullAccessV2 CloudWatchReadOnlyAccess CloudWatchLogsFullAccess
CloudWatchLogsReadOnlyAccess CloudWatchEventsFullAccess CloudWatchActionsEC2Access AmazonEventBridgeFullAccess
AmazonEC2FullAccess AmazonEC2ReadOnlyAccess EC2InstanceConnect AmazonVPCFullAccess
AmazonVPCReadOnlyAccess ElasticLoadBalancingFullAccess ElasticLoadBalancingReadOnly
AutoScalingFullAccess AutoScalingReadOnlyAccess AutoScalingNotificationAccessRole
AmazonEC2SpotFleetTaggingRole AmazonEC2SpotFleetAutoscaleRole
AmazonS3FullAccess AmazonS3ReadOnlyAccess AWSLambdaBasicExecutionRole
AWSLambdaVPCAccessExecutionRole AWSLambdaExecute AWSLambda_FullAccess AWSLambda_ReadOnlyAccess
AWSKeyManagementServicePowerUser SecretsManagerReadWrite
AWSCloudFormationFullAccess AWSCloudFormationReadOnlyAccess
AWSCodeDeployRole AWSCodeDeployFullAccess AWSCodeCommitFullAccess AWSCodeCommitPowerUser
AWSCodeCommitReadOnly AWSCodeBuildAdminAccess AmazonEC2RoleforAWSCodeDeploy
AmazonEC2ContainerServiceforEC2Role AmazonECSTaskExecutionRolePolicy AmazonECS_FullAccess
AmazonEC2ContainerRegistryReadOnly AmazonEC2ContainerRegistryPowerUser
AWSElasticBeanstalkWebTier AWSElasticBeanstalkWorkerTier AWSElasticBeanstalkEnhancedHealth
AmazonSQSFullAccess AmazonSNSFullAccess AmazonDynamoDBFullAccess AmazonDynamoDBReadOnlyAccess
AWSCloudTrail_FullAccess AWS_ConfigRole AWSOrganizationsFullAccess AWSOrganizationsReadOnlyAccess
ResourceGroupsandTagEditorFullAccess

AutoScalingServiceRolePolicy AWSEC2SpotServiceRolePolicy AWSEC2SpotFleetServiceRolePolicy
AWSEC2FleetServiceRolePolicy AWSElasticLoadBalancingServiceRolePolicy AmazonSSMServiceRolePolicy
AmazonECSServiceRolePolicy AmazonRDSServiceRolePolicy AWSOrganizationsServiceTrustPolicy
CloudWatchEventsServiceRolePolicy AmazonElasticFileSystemServiceRolePolicy
CloudTrailServiceRolePolicy AWSElasticBeanstalkServiceRolePolicy
AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy AWSVPCTransitGatewayServiceRolePolicy
DynamoDBReplicationServiceRolePolicy ElastiCacheServiceRolePolicy
AmazonElasticsearchServiceRolePolicy AmazonOpenSearchServiceRolePolicy BatchServiceRolePolicy
""".split()
ORDER = ["Version", "Id", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
         "Resource", "NotResource", "Condition", "Statement"]


def ordered(v):
    """Elements in the order in which AWS writes them, not in that of the alphabet."""
    if isinstance(v, list):
        return [ordered(x) for x in v]
    if isinstance(v, dict):
        known = [k for k in ORDER if k in v]
        return {k: ordered(v[k]) for k in known + [k for k in v if k not in ORDER]}
    return v


def made_id(name):
    digest = hashlib.sha256(b"managed policy " + name.encode()).digest()
    return "ANPA" + base64.b32encode(digest)[:17].decode()


def date(s):
    assert s.endswith("+00:00"), s
    return s[:-6] + "Z"


def main():
    policies = json.loads(aws_managed_policies_data)
    old = {}
    if len(sys.argv) > 1:
        with open(sys.argv[1]) as f:
            old = json.loads(re.search(r'"""(.*)"""', f.read(), re.S).group(1))
    os.makedirs(OUT, exist_ok=True)
    for name in WANTED:
        p = policies[name]
        out = {
            "PolicyName": name,
            "Path": p["Path"],
            "PolicyId": old[name]["PolicyId"] if name in old else made_id(name),
            "DefaultVersionId": p["DefaultVersionId"],
            "CreateDate": date(p["CreateDate"]),
            "UpdateDate": date(p["UpdateDate"]),
            "Document": ordered(p["Document"]),
        }
        with open(os.path.join(OUT, name + ".json"), "w") as f:
            f.write(json.dumps(out, indent=4) + "\n")


main()
