/* RunInstances: what it takes, what it refuses, what it makes. */
#include "harness/world.h"

#include "ec2/ec2.h"

#define AMI "ami-009d6802948d06e52"
#define BASE "Action=RunInstances&ImageId=" AMI
#define RUN BASE "&MinCount=1&MaxCount=1"
#define T3 "&InstanceType=t3.micro"

static struct str
describe(struct world *w, struct str id)
{
    struct str xml = world_callf(w, "Action=DescribeInstances&InstanceId.1=%.*s", STR_ARG(id));

    CHECK_OK(w, xml);
    return xml;
}

TEST(an_instance_is_pending_and_then_running)
{
    struct world *w = world_new();
    struct str run = world_ok(w, RUN T3);
    struct str id = xml_text(run, "instanceId");

    CHECK(str_starts(xml_text(run, "reservationId"), S("r-")));
    CHECK_STR(xml_text(xml_element(run, "instanceState"), "code"), "0");
    CHECK_STR(xml_text(xml_element(run, "instanceState"), "name"), "pending");
    CHECK_STR(xml_text(xml_element(run, "stateReason"), "code"), "pending");
    CHECK_STR(xml_text(run, "instanceType"), "t3.micro");
    CHECK_STR(xml_text(run, "architecture"), "x86_64");
    CHECK_STR(xml_text(run, "ownerId"), "000000000000");

    world_advance(w, 1000);
    struct str seen = describe(w, id);
    CHECK_STR(xml_text(xml_element(seen, "instanceState"), "name"), "running");
    CHECK_STR(xml_text(xml_element(seen, "instanceState"), "code"), "16");
    CHECK(!xml_element(seen, "stateReason").p);
    CHECK(host_sim_runs(w->sim, id));
    world_free(w);
}

TEST(an_instance_that_was_answered_survives_a_crash)
{
    struct world *w = world_new();
    struct str id = xml_text(world_ok(w, RUN T3), "instanceId");

    world_crash(w);
    world_advance(w, 1000);
    CHECK_STR(xml_text(xml_element(describe(w, id), "instanceState"), "name"), "running");
    world_crash(w);
    CHECK_STR(xml_text(xml_element(describe(w, id), "instanceState"), "name"), "running");
    CHECK_INT(host_sim_running(w->sim), 1);
    world_free(w);
}

TEST(an_instance_has_the_whole_structure_of_ec2)
{
    static const struct {
        const char *element, *text;
    } has[] = {
        {"imageId", AMI},
        {"amiLaunchIndex", "0"},
        {"hypervisor", "xen"},
        {"virtualizationType", "hvm"},
        {"rootDeviceType", "ebs"},
        {"rootDeviceName", "/dev/xvda"},
        {"tenancy", "default"},
        {"availabilityZone", "us-east-1a"},
        {"availabilityZoneId", NULL},
        {"coreCount", "1"},
        {"threadsPerCore", "2"},
        {"httpTokens", "optional"},
        {"httpEndpoint", "enabled"},
        {"httpPutResponseHopLimit", "1"},
        {"httpProtocolIpv6", "disabled"},
        {"instanceMetadataTags", "disabled"},
        {"hostnameType", "ip-name"},
        {"autoRecovery", "default"},
        {"capacityReservationPreference", "open"},
        {"platformDetails", "Linux/UNIX"},
        {"usageOperation", "RunInstances"},
        {"sourceDestCheck", "true"},
        {"ebsOptimized", "false"},
        {"interfaceType", "interface"},
        {"macAddress", NULL},
        {"attachmentId", NULL},
        {"groupName", "default"},
        {"volumeId", NULL},
        {"privateDnsName", NULL},
        {"dnsName", NULL},
        {"ipAddress", NULL},
        {"launchTime", NULL},
        {"subnetId", NULL},
        {"vpcId", NULL},
        {"bandwidthWeighting", "default"},
    };
    struct world *w = world_new();
    struct str id = xml_text(world_ok(w, RUN T3), "instanceId");

    world_advance(w, 1000);
    struct str seen = describe(w, id);
    for (size_t i = 0; i < ARRAY_LEN(has); i++) {
        struct str text = xml_text(seen, has[i].element);

        if (!text.n)
            FAIL("%s is missing: %.*s", has[i].element, STR_ARG(seen));
        if (has[i].text && !str_is(text, has[i].text))
            FAIL("%s is \"%.*s\", not \"%s\"", has[i].element, STR_ARG(text), has[i].text);
    }
    struct str ip = xml_text(seen, "privateIpAddress"), name = xml_text(seen, "privateDnsName");
    CHECK(str_starts(ip, S("172.31.")));
    CHECK(str_starts(name, S("ip-172-31-")) && str_ends(name, S(".ec2.internal")));
    CHECK(str_starts(xml_text(seen, "dnsName"), S("ec2-")));
    CHECK(str_ends(xml_text(seen, "dnsName"), S(".compute-1.amazonaws.com")));
    CHECK_STR(xml_text(xml_element(seen, "monitoring"), "state"), "disabled");
    world_free(w);
}

TEST(the_root_volume_is_made_and_attached, "UD-07")
{
    struct world *w = world_new();
    struct str seen = world_ok(w, RUN T3 "&BlockDeviceMapping.1.DeviceName=/dev/xvda"
                                         "&BlockDeviceMapping.1.Ebs.VolumeSize=20");
    struct str id = xml_text(seen, "instanceId");

    world_advance(w, 1000);
    seen = describe(w, id);
    struct str volume = xml_text(seen, "volumeId");
    struct str volumes = world_callf(w, "Action=DescribeVolumes&VolumeId.1=%.*s", STR_ARG(volume));
    CHECK_OK(w, volumes);
    CHECK(str_eq(xml_text(volumes, "instanceId"), id));
    CHECK_STR(xml_text(volumes, "size"), "20");
    CHECK_STR(xml_text(volumes, "device"), "/dev/xvda");
    CHECK_STR(xml_text(xml_element(volumes, "attachmentSet"), "deleteOnTermination"), "true");
    CHECK_STR(xml_text(xml_element(volumes, "attachmentSet"), "status"), "attached");
    CHECK(xml_text(volumes, "snapshotId").n > 0);
    world_free(w);
}

TEST(each_of_four_has_its_own_launch_index)
{
    struct world *w = world_new();
    struct str run = world_ok(w, BASE T3 "&MinCount=4&MaxCount=4&UserData=cmVwbGljYXRl");

    CHECK_INT(xml_count(run, "instanceId"), 4);
    CHECK_INT(xml_count(run, "reservationId"), 1);
    for (unsigned i = 0; i < 4; i++) {
        struct str index = xml_text_at(run, "amiLaunchIndex", i);

        CHECK(index.n == 1 && index.p[0] == '0' + (char)i);
        CHECK(str_eq(xml_text_at(run, "launchTime", i), xml_text(run, "launchTime")));
        struct str id = xml_text_at(run, "instanceId", i);
        struct str data = world_callf(
            w, "Action=DescribeInstanceAttribute&Attribute=userData&InstanceId=%.*s", STR_ARG(id));
        CHECK_STR(xml_text(xml_element(data, "userData"), "value"), "cmVwbGljYXRl");
    }
    world_free(w);
}

TEST(user_data_is_any_bytes_up_to_the_limit, "UD-12")
{
    struct world *w = world_new();
    char *bytes = arena_alloc(test_arena(), 16385);

    for (size_t i = 0; i < 16385; i++)
        bytes[i] = (char)(i * 7);
    struct str fits = world_code(w, str_base64(test_arena(), str_of(bytes, 16384)));
    struct str over = world_code(w, str_base64(test_arena(), str_of(bytes, 16385)));

    struct str run = world_callf(w, RUN T3 "&UserData=%.*s", STR_ARG(fits));
    CHECK_OK(w, run);
    struct str id = xml_text(run, "instanceId");
    struct str data = world_callf(
        w, "Action=DescribeInstanceAttribute&Attribute=userData&InstanceId=%.*s", STR_ARG(id));
    struct str back;
    CHECK(str_unbase64(test_arena(), xml_text(xml_element(data, "userData"), "value"), &back));
    CHECK(str_eq(back, str_of(bytes, 16384)));
    world_advance(w, 1000);
    CHECK_STR(xml_text(xml_element(describe(w, id), "instanceState"), "name"), "running");

    struct str refused = world_callf(w, RUN T3 "&UserData=%.*s", STR_ARG(over));
    CHECK_FAULT(w, refused, "InvalidParameterValue");
    CHECK_STR(xml_text(refused, "Message"), "User data is limited to 16384 bytes");
    world_free(w);
}

TEST(bad_launches_name_their_fault)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {BASE T3 "&MinCount=0&MaxCount=0", "InvalidParameterValue",
         "Maximum instance count must be greater than zero"},
        {BASE T3 "&MinCount=0&MaxCount=1", "InvalidParameterValue", NULL},
        {BASE T3 "&MinCount=3&MaxCount=2", "InvalidParameterValue", NULL},
        {BASE T3 "&MinCount=2000&MaxCount=2000", "InstanceLimitExceeded", NULL},
        {BASE T3 "&MaxCount=1", "MissingParameter", NULL},
        {"Action=RunInstances&MinCount=1&MaxCount=1" T3, "MissingParameter",
         "The request must contain the parameter ImageId"},
        {RUN "&InstanceType=t9.huge", "InvalidParameterValue",
         "Invalid value 't9.huge' for InstanceType."},
        {RUN "&InstanceType=t4g.micro", "InvalidParameterValue", NULL},
        {"Action=RunInstances&MinCount=1&MaxCount=1&ImageId=ami-1" T3, "InvalidAMIID.Malformed",
         NULL},
        {"Action=RunInstances&MinCount=1&MaxCount=1&ImageId=ami-00000000000000000" T3,
         "InvalidAMIID.NotFound", NULL},
        {RUN T3 "&UserData=***", "InvalidUserData.Malformed",
         "Invalid BASE64 encoding of user data."},
        {RUN T3 "&KeyName=nobodys", "InvalidKeyPair.NotFound", NULL},
        {RUN T3 "&SubnetId=subnet-00000000000000000", "InvalidSubnetID.NotFound", NULL},
        {RUN T3 "&SecurityGroupId.1=sg-00000000000000000", "InvalidGroup.NotFound", NULL},
        {RUN T3 "&SecurityGroup.1=nobodys", "InvalidGroup.NotFound", NULL},
        {RUN T3 "&Placement.AvailabilityZone=us-east-1z", "InvalidParameterValue", NULL},
        {RUN T3 "&PrivateIpAddress=10.9.9.9", "InvalidParameterValue", NULL},
        {BASE T3 "&MinCount=2&MaxCount=2&PrivateIpAddress=172.31.0.77",
         "InvalidParameterCombination", NULL},
        {RUN T3 "&MetadataOptions.HttpPutResponseHopLimit=65", "InvalidParameterValue", NULL},
        {RUN T3 "&MetadataOptions.HttpPutResponseHopLimit=0", "InvalidParameterValue", NULL},
        {RUN T3 "&MetadataOptions.HttpTokens=maybe", "InvalidParameterValue", NULL},
        {RUN T3 "&CpuOptions.CoreCount=1", "InvalidParameterCombination", NULL},
        {RUN T3 "&CpuOptions.CoreCount=9&CpuOptions.ThreadsPerCore=1", "InvalidParameterValue",
         NULL},
        {RUN T3 "&CreditSpecification.CpuCredits=much", "InvalidParameterValue", NULL},
        {RUN "&InstanceType=m5.large&CreditSpecification.CpuCredits=unlimited",
         "InstanceCreditSpecification.NotSupported",
         "The m5.large instance type does not support T2 Unlimited."},
        {RUN T3 "&SubnetId=x&NetworkInterface.1.DeviceIndex=0", "InvalidParameterCombination",
         "Network interfaces and an instance-level subnet ID may not be specified on the same "
         "request"},
        {RUN T3 "&SecurityGroupId.1=sg-1&NetworkInterface.1.DeviceIndex=0",
         "InvalidParameterCombination", NULL},
        {RUN T3 "&NetworkInterface.1.DeviceIndex=1", "InvalidParameterValue", NULL},
        {RUN T3 "&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=a",
         "InvalidParameterValue", NULL},
        {RUN T3 "&DryRun=true", "DryRunOperation", NULL},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refused(w, bad[i].code, bad[i].message, bad[i].query);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 0);
    CHECK_INT(host_sim_running(w->sim), 0);
    world_free(w);
}

TEST(the_architecture_must_be_the_images)
{
    struct world *w = world_new();
    struct str reply = world_call(w, RUN "&InstanceType=t4g.micro");

    CHECK_STR(xml_text(reply, "Message"),
              "The architecture 'arm64' of the specified instance type does not match the "
              "architecture 'x86_64' of the specified AMI. Specify an instance type and an AMI "
              "that have matching architectures, and try again. You can use "
              "'describe-instance-types' or 'describe-images' to discover the architecture of the "
              "instance type or AMI.");
    world_free(w);
}

TEST(what_is_not_implemented_is_refused_by_name)
{
    static const char *const members[] = {
        "KernelId=aki-1",
        "RamdiskId=ari-1",
        "AdditionalInfo=x",
        "Ipv6AddressCount=1",
        "Ipv6Address.1.Ipv6Address=::1",
        "EnablePrimaryIpv6=true",
        "InstanceMarketOptions.MarketType=spot",
        "EnclaveOptions.Enabled=true",
        "LicenseSpecification.1.LicenseConfigurationArn=x",
        "NetworkPerformanceOptions.BandwidthWeighting=vpc-1",
        "Placement.HostResourceGroupArn=x",
        "Operator.Principal=x",
        "CpuOptions.AmdSevSnp=enabled",
        "PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord=true",
        "MetadataOptions.HttpProtocolIpv6=enabled",
        "NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.Ipv4PrefixCount=1",
        "NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.InterfaceType=efa-only",
        "NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.NetworkCardIndex=1",
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str reply = world_callf(w, RUN T3 "&%s", members[i]);

        if (!str_is(xml_text(reply, "Code"), "UnsupportedOperation") ||
            str_find(reply, S("not implemented by Welkin")) == SIZE_MAX)
            FAIL("%s: %.*s", members[i], STR_ARG(reply));
    }
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId"), 0);
    world_free(w);
}

TEST(what_says_no_more_than_the_default_is_taken)
{
    struct world *w = world_new();

    world_ok(w, RUN T3 "&Placement.Tenancy=default&Placement.GroupName="
                       "&HibernationOptions.Configured=false&EnclaveOptions.Enabled=false"
                       "&CapacityReservationSpecification.CapacityReservationPreference=open"
                       "&NetworkPerformanceOptions.BandwidthWeighting=default&Ipv6AddressCount=0"
                       "&MaintenanceOptions.AutoRecovery=default&CpuOptions.AmdSevSnp=disabled"
                       "&PrivateDnsNameOptions.HostnameType=ip-name"
                       "&PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord=false"
                       "&MetadataOptions.HttpProtocolIpv6=disabled");
    world_free(w);
}

TEST(parameters_reach_the_instance)
{
    static const struct {
        const char *query, *element, *text;
    } rows[] = {
        {T3 "&Monitoring.Enabled=true", "monitoring", "enabled"},
        {T3 "&EbsOptimized=true", "ebsOptimized", "true"},
        {T3 "&MetadataOptions.HttpTokens=required", "httpTokens", "required"},
        {T3 "&MetadataOptions.HttpPutResponseHopLimit=64", "httpPutResponseHopLimit", "64"},
        {T3 "&MetadataOptions.HttpEndpoint=disabled", "httpEndpoint", "disabled"},
        {T3 "&MetadataOptions.InstanceMetadataTags=enabled", "instanceMetadataTags", "enabled"},
        {T3 "&CpuOptions.CoreCount=1&CpuOptions.ThreadsPerCore=1", "threadsPerCore", "1"},
        {T3 "&MaintenanceOptions.AutoRecovery=disabled", "autoRecovery", "disabled"},
        {T3 "&PrivateDnsNameOptions.HostnameType=resource-name", "hostnameType", "resource-name"},
        {T3 "&Placement.AvailabilityZone=us-east-1b", "availabilityZone", "us-east-1b"},
        {T3 "&Placement.AvailabilityZoneId=use1-az4", "availabilityZoneId", "use1-az4"},
        {T3 "&PrivateIpAddress=172.31.0.77", "privateIpAddress", "172.31.0.77"},
        {T3 "&SecurityGroup.1=default", "groupName", "default"},
        {T3 "&ClientToken=abc", "clientToken", "abc"},
        {"", "instanceType", "m1.small"},
        {T3 "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name"
            "&TagSpecification.1.Tag.1.Value=web",
         "tagSet", "Nameweb"},
        {T3 "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.PrivateIpAddress=172.31.0.88"
            "&NetworkInterface.1.Description=mine",
         "description", "mine"},
        {T3 "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.DeleteOnTermination=false",
         "deleteOnTermination", "false"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str run = world_callf(w, RUN "%s", rows[i].query);

        CHECK_OK(w, run);
        world_advance(w, 100);
        struct str seen = describe(w, xml_text(run, "instanceId"));
        struct str element = xml_element(seen, "networkInterfaceSet");
        bool inner = str_is(str_from(rows[i].element), "deleteOnTermination") ||
                     str_is(str_from(rows[i].element), "description");
        struct str text = xml_text(inner ? element : seen, rows[i].element);
        if (str_is(str_from(rows[i].element), "monitoring"))
            text = xml_text(xml_element(seen, "monitoring"), "state");
        if (str_is(str_from(rows[i].element), "tagSet"))
            text = str_cat(test_arena(), xml_text(xml_element(seen, "tagSet"), "key"),
                           xml_text(xml_element(seen, "tagSet"), "value"));
        if (!str_is(text, rows[i].text))
            FAIL("%s: %s is \"%.*s\"", rows[i].query, rows[i].element, STR_ARG(text));
    }
    world_free(w);
}

TEST(a_public_address_is_given_when_asked_for)
{
    struct world *w = world_new();
    struct str with = world_ok(w, RUN T3 "&NetworkInterface.1.DeviceIndex=0"
                                         "&NetworkInterface.1.AssociatePublicIpAddress=true");
    struct str without = world_ok(w, RUN T3 "&NetworkInterface.1.DeviceIndex=0"
                                            "&NetworkInterface.1.AssociatePublicIpAddress=false");

    CHECK(xml_text(describe(w, xml_text(with, "instanceId")), "ipAddress").n > 0);
    CHECK(!xml_element(describe(w, xml_text(without, "instanceId")), "ipAddress").p);
    CHECK(!xml_element(describe(w, xml_text(without, "instanceId")), "association").p);
    world_free(w);
}

TEST(tags_go_to_the_instance_its_volume_and_its_interface)
{
    struct world *w = world_new();

    world_ok(w, RUN T3 "&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=v"
                       "&TagSpecification.1.Tag.1.Value=1"
                       "&TagSpecification.2.ResourceType=network-interface"
                       "&TagSpecification.2.Tag.1.Key=n&TagSpecification.2.Tag.1.Value=2");
    struct str volumes = world_ok(w, "Action=DescribeVolumes");
    struct str interfaces = world_ok(w, "Action=DescribeNetworkInterfaces");
    CHECK_STR(xml_text(xml_element(volumes, "tagSet"), "key"), "v");
    CHECK_STR(xml_text(xml_element(interfaces, "tagSet"), "key"), "n");
    CHECK(!xml_element(world_ok(w, "Action=DescribeInstances"), "tagSet").p);
    world_free(w);
}

#define TAGGED                                                                                     \
    "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=team"                  \
    "&TagSpecification.1.Tag.1.Value="

TEST(a_client_token_makes_one_reservation)
{
    struct world *w = world_new();
    struct str first = world_ok(w, RUN T3 "&ClientToken=t-1&UserData=YQ==");
    struct str again = world_ok(w, RUN T3 "&UserData=YQ==&ClientToken=t-1");

    CHECK(str_eq(xml_text(first, "reservationId"), xml_text(again, "reservationId")));
    CHECK(str_eq(xml_text(first, "instanceId"), xml_text(again, "instanceId")));
    CHECK_STR(xml_text(again, "clientToken"), "t-1");

    static const char *const others[] = {
        RUN T3 "&ClientToken=t-1&UserData=Yg==",
        RUN "&InstanceType=t3.small&ClientToken=t-1&UserData=YQ==",
        BASE T3 "&MinCount=1&MaxCount=2&ClientToken=t-1&UserData=YQ==",
        RUN T3 "&ClientToken=t-1",
        RUN T3 "&ClientToken=t-1&UserData=YQ==&SecurityGroup.1=default",
        RUN T3 "&ClientToken=t-1&UserData=YQ==&NetworkInterface.1.DeviceIndex=0",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct str reply = world_call(w, others[i]);
        CHECK_FAULT(w, reply, "IdempotentParameterMismatch");
        CHECK_STR(xml_text(reply, "Message"),
                  "Arguments on this idempotent request are inconsistent with arguments used in "
                  "previous request(s).");
    }
    /* what stands in lists counts as well, down to a tag's value */
    world_ok(w, RUN T3 TAGGED "red&ClientToken=t-2");
    world_ok(w, RUN T3 TAGGED "red&ClientToken=t-2");
    world_refused(w, "IdempotentParameterMismatch", NULL, RUN T3 TAGGED "blue&ClientToken=t-2");
    world_crash(w);
    again = world_ok(w, RUN T3 "&UserData=YQ==&ClientToken=t-1");
    CHECK(str_eq(xml_text(first, "instanceId"), xml_text(again, "instanceId")));

    /* Another account's or region's token is another token. */
    world_account(w, "000000000000", "eu-west-1");
    again = world_call(w, RUN T3 "&ClientToken=t-1&UserData=Yg==");
    CHECK(!str_is(xml_text(again, "Code"), "IdempotentParameterMismatch"));
    world_free(w);
}

TEST(as_many_as_there_is_room_for_but_not_fewer_than_the_minimum)
{
    struct world *w = world_new();
    struct str id = xml_text(world_ok(w, BASE T3 "&MinCount=1&MaxCount=1200"), "reservationId");
    struct str filter = world_callf(
        w, "Action=DescribeInstances&Filter.1.Name=reservation-id&Filter.1.Value.1=%.*s",
        STR_ARG(id));

    CHECK_INT(xml_count(filter, "amiLaunchIndex"), 1000);
    world_advance(w, 1000);
    CHECK_INT(host_sim_running(w->sim), 1000);
    /* The subnet has 4,091 addresses: three more calls of 1,000 fit, then 91 are left. */
    for (int i = 0; i < 3; i++)
        world_ok(w, BASE T3 "&MinCount=1000&MaxCount=1000");
    struct str none = world_call(w, BASE T3 "&MinCount=92&MaxCount=92");
    CHECK_FAULT(w, none, "InsufficientFreeAddressesInSubnet");
    struct str rest = world_ok(w, BASE T3 "&MinCount=10&MaxCount=200");
    CHECK_INT(xml_count(rest, "amiLaunchIndex"), 91);
    world_free(w);
}

TEST(a_dry_run_leaves_nothing_behind)
{
    struct world *w = world_new();
    struct str reply = world_call(w, RUN T3 "&ClientToken=dry&DryRun=true");

    CHECK_FAULT(w, reply, "DryRunOperation");
    CHECK_INT(w->http, 412);
    world_advance(w, 1000);
    CHECK_INT(host_sim_running(w->sim), 0);
    world_ok(w, RUN "&InstanceType=t3.small&ClientToken=dry");
    world_free(w);
}

TEST(a_launch_that_fails_shows_its_reason, "LAUNCH-08 LAUNCH-13")
{
    struct world *w = world_new();

    host_sim_fail_next_boot(w->sim, "The root file system cannot be mounted");
    struct str id = xml_text(world_ok(w, RUN T3), "instanceId");
    world_advance(w, 1000);
    struct str seen = describe(w, id);
    CHECK_STR(xml_text(xml_element(seen, "instanceState"), "name"), "terminated");
    CHECK_STR(xml_text(xml_element(seen, "stateReason"), "code"), "Server.InternalError");
    CHECK_STR(xml_text(xml_element(seen, "stateReason"), "message"),
              "Server.InternalError: The root file system cannot be mounted");
    CHECK_STR(xml_text(seen, "reason"), "Server.InternalError");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 0);
    world_free(w);
}
