/* Elastic IPs: kept, moved, and given back. */
#include "ec2/ec2.h"
#include "harness/world.h"

#define AMI "ami-009d6802948d06e52"

static const char *
run(struct world *w)
{
    struct str xml = world_ok(w, "Action=RunInstances&ImageId=" AMI "&InstanceType=t3.micro"
                                 "&MinCount=1&MaxCount=1");

    return xml_cstr(xml, "instanceId");
}

static const char *
run_and_wait(struct world *w)
{
    const char *id = run(w);

    world_advance(w, 1000);
    return id;
}

static const char *
public_of(struct world *w, const char *id)
{
    return xml_cstr(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id), "ipAddress");
}

static struct str
address(struct world *w, const char *allocation)
{
    return world_okf(w, "Action=DescribeAddresses&AllocationId.1=%s", allocation);
}

static const char *
allocate(struct world *w, const char **ret_ip)
{
    struct str xml = world_ok(w, "Action=AllocateAddress&Domain=vpc");

    if (ret_ip)
        *ret_ip = xml_cstr(xml, "publicIp");
    return xml_cstr(xml, "allocationId");
}

static const char *
associate(struct world *w, const char *allocation, const char *instance)
{
    return xml_cstr(
        world_okf(w, "Action=AssociateAddress&AllocationId=%s&InstanceId=%s", allocation, instance),
        "associationId");
}

TEST(an_address_is_kept_until_it_is_released, "EIP-02 EIP-06")
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=AllocateAddress");
    const char *id = xml_cstr(xml, "allocationId"), *ip = xml_cstr(xml, "publicIp");

    CHECK(str_starts(str_from(id), S("eipalloc-")));
    CHECK(str_starts(str_from(ip), S("198.1")));
    CHECK_STR(xml_text(xml, "domain"), "vpc");
    CHECK_STR(xml_text(xml, "publicIpv4Pool"), "amazon");
    CHECK_STR(xml_text(xml, "networkBorderGroup"), "us-east-1");
    for (int i = 1; i < 5; i++)
        allocate(w, NULL);
    world_refused(w, "AddressLimitExceeded", "The maximum number of addresses has been reached.",
                  "Action=AllocateAddress&Domain=vpc");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAddresses"), "allocationId"), 5);

    /* The limit is the region's and the account's; nobody else sees it. */
    world_account(w, "000000000000", "eu-west-1");
    allocate(w, NULL);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAddresses"), "allocationId"), 1);
    world_refusedf(w, "InvalidAllocationID.NotFound", NULL, "Action=ReleaseAddress&AllocationId=%s",
                   id);
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "InvalidAddress.NotFound", NULL, "Action=DescribeAddresses&PublicIp.1=%s",
                   ip);
    world_account(w, "000000000000", "us-east-1");

    world_crash(w);
    CHECK_STR(xml_text(address(w, id), "publicIp"), ip);
    world_okf(w, "Action=ReleaseAddress&AllocationId=%s", id);
    world_refusedf(w, "InvalidAllocationID.NotFound",
                   test_fmt("The allocation ID '%s' does not exist", id),
                   "Action=ReleaseAddress&AllocationId=%s", id);
    allocate(w, NULL);
    world_free(w);
}

TEST(an_elastic_ip_stays_over_a_stop_and_the_clouds_own_does_not, "EIP-01")
{
    struct world *w = world_new();
    const char *kept = run_and_wait(w), *other = run_and_wait(w), *ip;
    const char *id = allocate(w, &ip);
    const char *before = public_of(w, other);

    associate(w, id, kept);
    CHECK_STR(str_from(public_of(w, kept)), ip);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s&InstanceId.2=%s", kept, other);
    world_advance(w, 1000);
    CHECK_STR(str_from(public_of(w, kept)), ip);
    CHECK(
        !xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", other), "ipAddress").n);
    world_crash(w);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s&InstanceId.2=%s", kept, other);
    world_advance(w, 1000);
    CHECK_STR(str_from(public_of(w, kept)), ip);
    CHECK(!str_is(str_from(public_of(w, other)), before));
    world_free(w);
}

TEST(an_address_shows_whom_it_is_with)
{
    struct world *w = world_new();
    const char *instance = run_and_wait(w), *ip;
    const char *id = allocate(w, &ip), *association = associate(w, id, instance);
    struct str xml = address(w, id), nic;

    CHECK(str_starts(str_from(association), S("eipassoc-")));
    CHECK_STR(xml_text(xml, "associationId"), association);
    CHECK_STR(xml_text(xml, "instanceId"), instance);
    CHECK_STR(xml_text(xml, "networkInterfaceOwnerId"), "000000000000");
    CHECK(str_starts(xml_text(xml, "networkInterfaceId"), S("eni-")));
    CHECK(str_starts(xml_text(xml, "subnetId"), S("subnet-")));
    nic = world_okf(w,
                    "Action=DescribeNetworkInterfaces&Filter.1.Name=association.allocation-id"
                    "&Filter.1.Value.1=%s",
                    id);
    CHECK(str_eq(xml_text(nic, "privateIpAddress"), xml_text(xml, "privateIpAddress")));
    CHECK_STR(xml_text(nic, "associationId"), association);
    CHECK_STR(xml_text(nic, "ipOwnerId"), "000000000000");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    CHECK_STR(xml_text(xml, "ipOwnerId"), "000000000000");
    CHECK_STR(xml_text(xml, "publicIp"), ip);
    /* Asked again it is the same association. */
    CHECK_STR(str_from(associate(w, id, instance)), association);
    world_refusedf(w, "InvalidIPAddress.InUse", test_fmt("Address %s is in use.", ip),
                   "Action=ReleaseAddress&AllocationId=%s", id);
    world_free(w);
}

TEST(an_address_moves_to_another_instance_unless_that_is_not_allowed, "EIP-03")
{
    struct world *w = world_new();
    const char *a = run_and_wait(w), *b = run_and_wait(w), *ip;
    const char *own = public_of(w, a), *id = allocate(w, &ip), *second = allocate(w, NULL);
    const char *first = associate(w, id, a);

    world_refusedf(w, "Resource.AlreadyAssociated",
                   test_fmt("resource %s is already associated with associate-id %s", id, first),
                   "Action=AssociateAddress&AllowReassociation=false&AllocationId=%s"
                   "&InstanceId=%s",
                   id, b);
    world_refusedf(w, "Resource.AlreadyAssociated", NULL,
                   "Action=AssociateAddress&AllowReassociation=false&AllocationId=%s"
                   "&InstanceId=%s",
                   second, a);
    CHECK(!str_is(str_from(associate(w, id, b)), first));
    CHECK_STR(str_from(public_of(w, b)), ip);
    CHECK_STR(xml_text(address(w, id), "instanceId"), b);
    /* The first has an address of the cloud's own again, and another one than before. */
    CHECK(str_starts(str_from(public_of(w, a)), S("198.18.")));
    CHECK(!str_is(str_from(public_of(w, a)), ip) && !str_is(str_from(public_of(w, a)), own));
    /* An instance has one: the other takes its place and the first stays allocated. */
    associate(w, second, b);
    CHECK(!xml_text(address(w, id), "associationId").n);
    CHECK(!str_is(str_from(public_of(w, b)), ip));
    world_refusedf(w, "InvalidAssociationID.NotFound",
                   test_fmt("The association ID '%s' does not exist", first),
                   "Action=DisassociateAddress&AssociationId=%s", first);
    world_okf(w, "Action=ReleaseAddress&AllocationId=%s", id);
    world_free(w);
}

TEST(an_address_that_leaves_a_stopped_instance_leaves_it_without)
{
    struct world *w = world_new();
    const char *instance = run_and_wait(w), *id = allocate(w, NULL), *ip;
    const char *association = associate(w, id, instance);
    struct str xml;

    world_okf(w, "Action=StopInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    world_okf(w, "Action=DisassociateAddress&AssociationId=%s", association);
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    CHECK(!xml_text(xml, "ipAddress").n && !xml_text(xml, "association").n);
    /* One that is stopped can have one too. */
    associate(w, id, instance);
    ip = public_of(w, instance);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_STR(str_from(public_of(w, instance)), ip);
    /* A terminated one gives it back to the account. */
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    xml = address(w, id);
    CHECK_STR(xml_text(xml, "publicIp"), ip);
    CHECK(!xml_text(xml, "associationId").n && !xml_text(xml, "instanceId").n);
    world_refusedf(w, "InvalidInstanceID",
                   test_fmt("The terminated instance '%s' is not in a valid state for this "
                            "operation.",
                            instance),
                   "Action=AssociateAddress&AllocationId=%s&InstanceId=%s", id, instance);
    world_okf(w, "Action=ReleaseAddress&AllocationId=%s", id);
    world_free(w);
}

TEST(an_address_goes_to_an_interface_by_its_id_and_private_address)
{
    struct world *w = world_new();
    const char *instance = run(w), *id = allocate(w, NULL);
    struct str nics = world_ok(w, "Action=DescribeNetworkInterfaces");
    const char *nic = xml_cstr(nics, "networkInterfaceId");
    const char *private = xml_cstr(nics, "privateIpAddress");

    world_refusedf(w, "InvalidInstanceID",
                   test_fmt("The pending instance '%s' is not in a valid state for this "
                            "operation.",
                            instance),
                   "Action=AssociateAddress&AllocationId=%s&InstanceId=%s", id, instance);
    world_refusedf(w, "IncorrectInstanceState",
                   test_fmt("The pending instance to which '%s' is attached is not in a valid "
                            "state for this operation",
                            nic),
                   "Action=AssociateAddress&AllocationId=%s&NetworkInterfaceId=%s", id, nic);
    world_advance(w, 1000);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=AssociateAddress&AllocationId=%s&NetworkInterfaceId=%s"
                   "&PrivateIpAddress=172.31.9.9",
                   id, nic);
    world_okf(w,
              "Action=AssociateAddress&AllocationId=%s&NetworkInterfaceId=%s&PrivateIpAddress=%s",
              id, nic, private);
    CHECK_STR(xml_text(address(w, id), "instanceId"), instance);
    world_free(w);
}

TEST(bad_calls_of_addresses_name_their_fault)
{
    static const struct {
        const char *form, *code, *message;
    } bad[] = {
        {"Action=AllocateAddress&Domain=standard", "UnsupportedOperation", NULL},
        {"Action=AllocateAddress&Address=198.18.0.9", "UnsupportedOperation",
         "The parameter Address is not implemented by Welkin"},
        {"Action=AllocateAddress&PublicIpv4Pool=ipv4pool-ec2-1", "UnsupportedOperation", NULL},
        {"Action=AllocateAddress&NetworkBorderGroup=us-west-2-lax-1", "InvalidParameterValue",
         NULL},
        {"Action=AllocateAddress&TagSpecification.1.ResourceType=instance"
         "&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v",
         "InvalidParameterValue",
         "'instance' is not a valid taggable resource type for this operation."},
        {"Action=AllocateAddress&DryRun=true", "DryRunOperation", NULL},
        {"Action=ReleaseAddress", "MissingParameter", NULL},
        {"Action=ReleaseAddress&AllocationId=eipalloc-0123456789abcdef0",
         "InvalidAllocationID.NotFound",
         "The allocation ID 'eipalloc-0123456789abcdef0' does not exist"},
        {"Action=ReleaseAddress&PublicIp=198.18.0.200", "InvalidAddress.NotFound",
         "Address '198.18.0.200' not found."},
        {"Action=ReleaseAddress&PublicIp=198.18.0.4", "InvalidParameterValue",
         "You must specify an allocation id when releasing a VPC elastic IP address"},
        {"Action=AssociateAddress&AllocationId=eipalloc-0123456789abcdef0&InstanceId=i-0",
         "InvalidAllocationID.NotFound", NULL},
        {"Action=AssociateAddress&InstanceId=i-0123456789abcdef0", "MissingParameter", NULL},
        {"Action=DisassociateAddress", "MissingParameter", NULL},
        {"Action=DisassociateAddress&PublicIp=198.18.0.4", "InvalidParameterValue",
         "You must specify an association id when unmapping an address from a VPC instance"},
        {"Action=DisassociateAddress&AssociationId=eipassoc-0123456789abcdef0",
         "InvalidAssociationID.NotFound",
         "The association ID 'eipassoc-0123456789abcdef0' does not exist"},
        {"Action=DescribeAddresses&PublicIp.1=hello", "InvalidParameterValue", NULL},
        {"Action=DescribeAddresses&AllocationId.1=eipalloc-1&AllocationId.2=eipalloc-2",
         "InvalidAllocationID.NotFound",
         "The allocation IDs 'eipalloc-1, eipalloc-2' do not exist"},
        {"Action=MoveAddressToVpc&PublicIp=198.18.0.4", "UnsupportedOperation", NULL},
    };
    struct world *w = world_new();
    const char *ip;
    const char *id = allocate(w, &ip);

    CHECK_STR(str_from(ip), "198.18.0.4");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refused(w, bad[i].code, bad[i].message, bad[i].form);
    world_refusedf(w, "MissingParameter", NULL, "Action=AssociateAddress&AllocationId=%s", id);
    world_refusedf(w, "InvalidInstanceID.NotFound", NULL,
                   "Action=AssociateAddress&AllocationId=%s&InstanceId=i-0123456789abcdef0", id);
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL,
                   "Action=AssociateAddress&AllocationId=%s"
                   "&NetworkInterfaceId=eni-0123456789abcdef0",
                   id);
    world_free(w);
}

TEST(addresses_are_tagged_and_filtered)
{
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {
        {"Filter.1.Name=domain&Filter.1.Value.1=vpc", 2},
        {"Filter.1.Name=public-ip&Filter.1.Value.1=198.18.0.4", 1},
        {"Filter.1.Name=tag%3Ateam&Filter.1.Value.1=red", 1},
        {"Filter.1.Name=tag-key&Filter.1.Value.1=team", 1},
        {"Filter.1.Name=instance-id&Filter.1.Value.1=*", 0},
        {"Filter.1.Name=network-border-group&Filter.1.Value.1=us-east-1", 2},
        {"PublicIp.1=198.18.0.4", 1},
    };
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=AllocateAddress&TagSpecification.1.ResourceType=elastic-ip"
                                 "&TagSpecification.1.Tag.1.Key=team"
                                 "&TagSpecification.1.Tag.1.Value=red");
    const char *other = allocate(w, NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got = world_callf(w, "Action=DescribeAddresses&%s", rows[i].filter);

        if (w->http != 200 || xml_count(got, "publicIp") != rows[i].n)
            FAIL("%s: %.*s", rows[i].filter, STR_ARG(got));
    }
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=a&Tag.1.Value=b", other);
    CHECK_STR(xml_text(address(w, other), "key"), "a");
    xml =
        world_ok(w, "Action=DescribeTags&Filter.1.Name=resource-type&Filter.1.Value.1=elastic-ip");
    CHECK_INT(xml_count(xml, "resourceId"), 2);
    world_free(w);
}

TEST(an_address_has_a_name_in_reverse)
{
    struct world *w = world_new();
    const char *ip, *id = allocate(w, &ip);
    struct str xml;

    world_advance(w, 1000);
    allocate(w, NULL);
    xml = world_okf(w, "Action=DescribeAddressesAttribute&AllocationId.1=%s&Attribute=domain-name",
                    id);
    CHECK_INT(xml_count(xml, "publicIp"), 1);
    CHECK(!xml_text(xml, "ptrRecord").n);
    xml = world_okf(w, "Action=ModifyAddressAttribute&AllocationId=%s&DomainName=mail.example.com",
                    id);
    CHECK_STR(xml_text(xml, "ptrRecord"), "mail.example.com.");
    CHECK_STR(xml_text(xml, "publicIp"), ip);
    world_crash(w);
    xml = world_ok(w, "Action=DescribeAddressesAttribute&Attribute=domain-name&MaxResults=1");
    CHECK_STR(xml_text(xml, "ptrRecord"), "mail.example.com.");
    CHECK_INT(xml_count(xml, "allocationId"), 1);
    xml = world_okf(w, "Action=DescribeAddressesAttribute&Attribute=domain-name&NextToken=%.*s",
                    STR_ARG(world_code(w, xml_text(xml, "nextToken"))));
    CHECK_INT(xml_count(xml, "allocationId"), 1);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=ModifyAddressAttribute&AllocationId=%s&DomainName=-a.b", id);
    world_refusedf(w, "MissingParameter", NULL, "Action=ModifyAddressAttribute&AllocationId=%s",
                   id);
    xml = world_okf(w, "Action=ResetAddressAttribute&AllocationId=%s&Attribute=domain-name", id);
    CHECK(!xml_text(xml, "ptrRecord").n);
    world_free(w);
}
