/*
 * Virtual private gateways: there are none, since nothing outside is there for one to lead to, and
 * CreateVpnGateway is refused by its name.  Tools ask for those of a VPC all the same (the CDK for
 * each VPC that it looks up), and are told so.
 */
#include "ec2/ec2.h"

static const struct api_filter gateway_filters[] = {
    {"amazon-side-asn", "AmazonSideAsn"},
    {"attachment.state", "VpcAttachments.State"},
    {"attachment.vpc-id", "VpcAttachments.VpcId"},
    {"availability-zone", "AvailabilityZone"},
    {"state", "State"},
    {"tag", API_FILTER_TAGS},
    {"type", "Type"},
    {"vpn-gateway-id", "VpnGatewayId"},
};
const struct api_filter_table ec2_vpn_gateway_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_VpnGateway, gateway_filters);

int
ec2_describe_vpn_gateways(struct api_call *call, const struct ec2_DescribeVpnGatewaysRequest *req,
                          struct ec2_DescribeVpnGatewaysResult *res)
{
    struct api_filter_set filters;
    int r = ec2_filters(call, &ec2_vpn_gateway_filter_table, &req->filters, &filters);

    if (r)
        return r;
    if (req->vpn_gateway_ids.n)
        return api_fault(call, &EC2_ERR(InvalidVpnGatewayID_NotFound),
                         "The vpnGateway ID '%.*s' does not exist",
                         STR_ARG(req->vpn_gateway_ids.v[0]));
    API_PRESENT(&res->vpn_gateways);
    return 0;
}
