/*
 * The types of things that can be in a group, in one table: what CloudFormation calls them and what
 * their ARNs look like.
 */
#include "resourcegroups/resourcegroups.h"

#include "gen/store/ec2_rows.h"

static const struct rg_type types[] = {
    {"AWS::CloudFormation::Stack", "cloudformation", "stack/", true},
    {"AWS::CloudWatch::Alarm", "cloudwatch", "alarm:", false},
    {"AWS::EC2::CapacityReservation", "ec2", "capacity-reservation/", false},
    {"AWS::EC2::DHCPOptions", "ec2", "dhcp-options/", false},
    {"AWS::EC2::EIP", "ec2", "elastic-ip/", false},
    {"AWS::EC2::Host", "ec2", "dedicated-host/", false},
    {"AWS::EC2::Image", "ec2", "image/", false},
    {"AWS::EC2::Instance", "ec2", "instance/", false},
    {"AWS::EC2::InternetGateway", "ec2", "internet-gateway/", false},
    {"AWS::EC2::LaunchTemplate", "ec2", "launch-template/", false},
    {"AWS::EC2::NatGateway", "ec2", "natgateway/", false},
    {"AWS::EC2::NetworkAcl", "ec2", "network-acl/", false},
    {"AWS::EC2::NetworkInterface", "ec2", "network-interface/", false},
    {"AWS::EC2::PlacementGroup", "ec2", "placement-group/", false},
    {"AWS::EC2::RouteTable", "ec2", "route-table/", false},
    {"AWS::EC2::SecurityGroup", "ec2", "security-group/", false},
    {"AWS::EC2::Snapshot", "ec2", "snapshot/", false},
    {"AWS::EC2::Subnet", "ec2", "subnet/", false},
    {"AWS::EC2::VPC", "ec2", "vpc/", false},
    {"AWS::EC2::VPCPeeringConnection", "ec2", "vpc-peering-connection/", false},
    {"AWS::EC2::Volume", "ec2", "volume/", false},
    {"AWS::ECR::Repository", "ecr", "repository/", false},
    {"AWS::KMS::Key", "kms", "key/", false},
    {"AWS::Lambda::Function", "lambda", "function:", false},
    {"AWS::ResourceGroups::Group", "resource-groups", "group/", false},
    {"AWS::S3::Bucket", "s3", "", false},
    {"AWS::SSM::Parameter", "ssm", "parameter/", false},
    {"AWS::SecretsManager::Secret", "secretsmanager", "secret:", true},
};

const struct rg_type *
rg_type_named(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(name, types[i].name))
            return &types[i];
    return NULL;
}

/* "arn:aws:SERVICE:REGION:ACCOUNT:REST" */
const struct rg_type *
rg_type_of(struct str arn)
{
    struct str rest = arn, service = STR_NONE;

    assert(str_ok(arn));
    for (unsigned i = 0; i < 5; i++) {
        struct str part = str_split(&rest, ':');

        if (i == 2)
            service = part;
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(service, types[i].service) && str_starts(rest, str_from(types[i].prefix)))
            return &types[i];
    return NULL;
}

/* A security group of the default VPC is known to its stack by its name. */
static struct str
security_group_id(struct api_call *call, struct str name)
{
    struct str lower = str_lower(call->arena, name);

    assert(name.n > 0);
    STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region) {
        const struct ec2_security_group_row *row =
            ec2_security_group_by_name_get(call->txn, call->account, call->region, vpc->id, lower);

        if (row && vpc->is_default)
            return row->id;
    }
    return name;
}

struct str
rg_type_arn(struct api_call *call, const struct rg_type *type, struct str id)
{
    if (type->whole)
        return id;
    /* a parameter's name may begin with the slash that its ARN has anyway */
    if (str_is(S("ssm"), type->service) && str_starts(id, S("/")))
        id = str_cut(id, 1, id.n);
    if (str_is(S("AWS::EC2::SecurityGroup"), type->name) && !str_starts(id, S("sg-")))
        id = security_group_id(call, id);
    assert(id.n > 0);
    if (!type->prefix[0]) /* a bucket's name says where it is */
        return str_fmt(call->arena, "arn:aws:%s:::%.*s", type->service, STR_ARG(id));
    return str_fmt(call->arena, "arn:aws:%s:%.*s:%.*s:%s%.*s", type->service, STR_ARG(call->region),
                   STR_ARG(call->account), type->prefix, STR_ARG(id));
}
