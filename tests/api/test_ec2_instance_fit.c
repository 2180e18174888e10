/* What an instance asks of its type: adapters, dedicated throughput, fabric; and monitoring. */
#include "harness/world.h"

#define RUN "Action=RunInstances&ImageId=%s&MinCount=1&MaxCount=1&InstanceType=%s"
#define AMI "ami-009d6802948d06e52"
#define NO_EBS                                                                                     \
    "The requested configuration is currently not supported. Please check the documentation for "  \
    "supported configurations."

static const char *
launch(struct world *w, const char *image, const char *type, const char *more)
{
    const char *id = xml_cstr(world_okf(w, RUN "%s", image, type, more), "instanceId");

    world_advance(w, 1000);
    return id;
}

static void
power(struct world *w, const char *action, const char *id)
{
    world_okf(w, "Action=%sInstances&InstanceId.1=%s", action, id);
    world_advance(w, 1000);
}

static void
modify(struct world *w, const char *id, const char *query)
{
    world_okf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&%s", id, query);
}

/* An image of Amazon Linux's snapshot with these facts. */
static const char *
image(struct world *w, const char *name, const char *facts)
{
    struct str snapshot =
        xml_text(world_ok(w, "Action=DescribeImages&ImageId.1=" AMI), "snapshotId");

    return xml_cstr(world_okf(w,
                              "Action=RegisterImage&Name=%s&RootDeviceName=/dev/xvda&"
                              "BlockDeviceMapping.1.DeviceName=/dev/xvda&"
                              "BlockDeviceMapping.1.Ebs.SnapshotId=%.*s%s",
                              name, STR_ARG(snapshot), facts),
                    "imageId");
}

static struct str
shown(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

TEST(enhanced_networking_is_a_fact_of_the_image_and_its_instances)
{
    struct world *w = world_new();
    const char *plain = image(w, "plain", "");
    const char *simple = image(w, "simple", "&SriovNetSupport=simple&EnaSupport=true");
    struct str of_image = world_okf(w, "Action=DescribeImages&ImageId.1=%s", plain);

    CHECK(!xml_text(of_image, "enaSupport").p && !xml_text(of_image, "sriovNetSupport").p);
    of_image = world_okf(w, "Action=DescribeImages&ImageId.1=%s", simple);
    CHECK_STR(xml_text(of_image, "enaSupport"), "true");
    CHECK_STR(xml_text(of_image, "sriovNetSupport"), "simple");
    of_image =
        world_okf(w, "Action=DescribeImageAttribute&ImageId=%s&Attribute=sriovNetSupport", simple);
    CHECK_STR(xml_text(of_image, "value"), "simple");
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=RegisterImage&Name=xxx&RootDeviceName=/dev/xvda&SriovNetSupport=none&"
                   "BlockDeviceMapping.1.DeviceName=/dev/xvda&"
                   "BlockDeviceMapping.1.Ebs.SnapshotId=snap-1");

    const char *id = launch(w, simple, "t2.micro", "");
    CHECK_STR(xml_text(shown(w, id), "enaSupport"), "true");
    CHECK_STR(xml_text(shown(w, id), "sriovNetSupport"), "simple");
    id = launch(w, plain, "t2.micro", "");
    CHECK(!xml_text(shown(w, id), "enaSupport").p && !xml_text(shown(w, id), "sriovNetSupport").p);
    power(w, "Stop", id);
    modify(w, id, "SriovNetSupport.Value=simple");
    world_crash(w);
    CHECK_STR(xml_text(shown(w, id), "sriovNetSupport"), "simple");
    world_free(w);
}

TEST(a_type_with_ena_alone_wants_an_image_for_it)
{
    struct world *w = world_new();
    const char *plain = image(w, "plain", "");

    world_refusedf(w, "InvalidParameterCombination",
                   "Enhanced networking with the Elastic Network Adapter (ENA) is required for the "
                   "'t3.micro' instance type. Ensure that you are using an AMI that is enabled for "
                   "ENA.",
                   RUN, plain, "t3.micro");
    const char *id = launch(w, plain, "t2.micro", "");
    power(w, "Stop", id);
    modify(w, id, "InstanceType.Value=t3.micro");
    world_refusedf(w, "InvalidParameterCombination",
                   test_fmt("Enhanced networking with the Elastic Network Adapter (ENA) is "
                            "required for the 't3.micro' instance type. Ensure that your instance "
                            "'%s' is enabled for ENA.",
                            id),
                   "Action=StartInstances&InstanceId.1=%s", id);
    modify(w, id, "EnaSupport.Value=true");
    power(w, "Start", id);
    CHECK_STR(xml_text(xml_element(shown(w, id), "instanceState"), "name"), "running");
    world_free(w);
}

TEST(most_types_have_enhanced_networking_and_newer_ones_need_it, "ENET-02 ENET-07")
{
    struct world *w = world_new();
    static const char *const filters[] = {"network-info.ena-support", "current-generation"};
    size_t n[2][2] = {{0}}; /* [has ENA][is of the current generation] */

    for (int ena = 0; ena < 2; ena++)
        for (int now = 0; now < 2; now++) {
            struct str token = S("");

            do {
                struct str page =
                    world_okf(w,
                              "Action=DescribeInstanceTypes&Filter.1.Name=%s&Filter.1.Value.1=%s%s&"
                              "Filter.2.Name=%s&Filter.2.Value.1=%s%s%.*s",
                              filters[0], ena ? "required" : "unsupported",
                              ena ? "&Filter.1.Value.2=supported" : "", filters[1],
                              now ? "true" : "false", token.n ? "&NextToken=" : "", STR_ARG(token));

                n[ena][now] += xml_count(page, "instanceType");
                token = xml_text(page, "nextToken");
                token = token.n ? world_code(w, token) : token;
            } while (token.n);
        }
    CHECK(n[1][1] > 500 && n[1][1] + n[1][0] > 20 * (n[0][0] + n[0][1]));
    CHECK(n[0][1] < 10 && n[1][1] > 50 * n[0][1]); /* t2 is still current */
    struct str newest = world_ok(w, "Action=DescribeInstanceTypes&InstanceType.1=m7i.large");
    CHECK_STR(xml_text(newest, "enaSupport"), "required");
    CHECK_STR(xml_text(newest, "encryptionInTransitSupported"), "true");
    world_free(w);
}

TEST(ebs_optimisation_is_refused_where_the_type_has_none, "EBSO-02")
{
    struct world *w = world_new();
    struct str types = world_ok(w, "Action=DescribeInstanceTypes&InstanceType.1=m3.xlarge");

    CHECK_STR(xml_text(types, "ebsOptimizedSupport"), "supported");
    world_refusedf(w, "Unsupported", NO_EBS, RUN "&EbsOptimized=true", AMI, "t2.micro");
    /* only when it is switched on, and only while the instance is stopped */
    const char *id = launch(w, AMI, "m3.xlarge", "");
    CHECK_STR(xml_text(shown(w, id), "ebsOptimized"), "false");
    world_refusedf(w, "IncorrectInstanceState",
                   test_fmt("The instance '%s' is not in the 'stopped' state.", id),
                   "Action=ModifyInstanceAttribute&InstanceId=%s&EbsOptimized.Value=true", id);
    power(w, "Stop", id);
    modify(w, id, "EbsOptimized.Value=true");
    power(w, "Start", id);
    CHECK_STR(xml_text(shown(w, id), "ebsOptimized"), "true");
    power(w, "Stop", id);
    modify(w, id, "InstanceType.Value=t2.micro");
    world_refusedf(w, "Unsupported", NO_EBS, "Action=StartInstances&InstanceId.1=%s", id);
    modify(w, id, "EbsOptimized.Value=false");
    power(w, "Start", id);
    /* a type that is always optimised takes either */
    id = launch(w, AMI, "t3.micro", "&EbsOptimized=true");
    CHECK_STR(xml_text(shown(w, id), "ebsOptimized"), "true");
    CHECK_STR(xml_text(shown(w, launch(w, AMI, "t3.micro", "")), "ebsOptimized"), "false");
    world_free(w);
}

TEST(a_fabric_adapter_wants_a_type_that_has_one, "ENET-09")
{
    static const char efa[] = "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.InterfaceType=";
    struct world *w = world_new();
    struct str types = world_ok(w, "Action=DescribeInstanceTypes&InstanceType.1=c5n.18xlarge"
                                   "&InstanceType.2=t3.micro");

    CHECK_STR(xml_text_at(types, "efaSupported", 0), "true");
    CHECK_STR(xml_text(types, "maximumEfaInterfaces"), "1");
    CHECK_STR(xml_text_at(types, "efaSupported", 1), "false");
    const char *id = launch(w, AMI, "c5n.18xlarge", test_fmt("%sefa", efa));
    CHECK_STR(xml_text(shown(w, id), "interfaceType"), "efa");
    world_crash(w);
    struct str seen = world_ok(w, "Action=DescribeNetworkInterfaces&Filter.1.Name=interface-type&"
                                  "Filter.1.Value.1=efa");
    CHECK_STR(xml_text(seen, "instanceId"), id);
    CHECK_STR(xml_text(seen, "interfaceType"), "efa");
    world_refusedf(w, "AttachmentLimitExceeded",
                   "EFA interfaces count 1 exceeds allowed limit for t3.micro.", RUN "%sefa", AMI,
                   "t3.micro", efa);
    world_refusedf(w, "InvalidParameterValue", NULL, RUN "%strunk", AMI, "c5n.18xlarge", efa);
    world_refusedf(w, "UnsupportedOperation", NULL, RUN "%sefa-only", AMI, "c5n.18xlarge", efa);
    power(w, "Stop", id);
    modify(w, id, "InstanceType.Value=c5n.large");
    world_refusedf(w, "AttachmentLimitExceeded",
                   "EFA interfaces count 1 exceeds allowed limit for c5n.large.",
                   "Action=StartInstances&InstanceId.1=%s", id);
    id = launch(w, AMI, "c5n.large", test_fmt("%sinterface", efa));
    CHECK_STR(xml_text(shown(w, id), "interfaceType"), "interface");
    world_free(w);
}

TEST(burstable_types_say_so, "ITYPE-07")
{
    static const char *const types[] = {"t2.micro", "t3.micro", "t3a.micro", "t4g.micro"};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstanceTypes&InstanceType.1=%s", types[i]),
                           "burstablePerformanceSupported"),
                  "true");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeInstanceTypes&InstanceType.1=m5.large"),
                       "burstablePerformanceSupported"),
              "false");
    /* and only they have credits to burst with */
    struct str credits = world_okf(w, "Action=DescribeInstanceCreditSpecifications&InstanceId.1=%s",
                                   launch(w, AMI, "t2.micro", ""));
    CHECK_STR(xml_text(credits, "cpuCredits"), "standard");
    world_refusedf(w, "InstanceCreditSpecification.NotSupported", NULL,
                   RUN "&CreditSpecification.CpuCredits=standard", AMI, "m5.large");
    world_free(w);
}

TEST(monitoring_is_switched_on_and_off)
{
    struct world *w = world_new();
    const char *a = launch(w, AMI, "t3.micro", "");
    const char *b = launch(w, AMI, "t3.micro", "&Monitoring.Enabled=true");
    struct str on = world_okf(w, "Action=MonitorInstances&InstanceId.1=%s&InstanceId.2=%s", a, b);

    CHECK_STR(xml_text_at(on, "instanceId", 0), a);
    CHECK_STR(xml_text_at(on, "state", 0), "pending");
    CHECK_STR(xml_text_at(on, "state", 1), "enabled");
    world_crash(w);
    CHECK_STR(xml_text(xml_element(shown(w, a), "monitoring"), "state"), "enabled");
    struct str off = world_okf(w, "Action=UnmonitorInstances&InstanceId.1=%s", a);
    CHECK_STR(xml_text(off, "state"), "disabling");
    CHECK_STR(xml_text(xml_element(shown(w, a), "monitoring"), "state"), "disabled");
    off = world_okf(w, "Action=UnmonitorInstances&InstanceId.1=%s", a);
    CHECK_STR(xml_text(off, "state"), "disabled");
    /* all or nothing */
    world_refusedf(w, "InvalidInstanceID.NotFound",
                   "The instance ID 'i-00000000000000000' does not exist",
                   "Action=MonitorInstances&InstanceId.1=%s&InstanceId.2=i-00000000000000000", a);
    world_refused(w, "MissingParameter", NULL, "Action=MonitorInstances");
    world_refusedf(w, "DryRunOperation", NULL,
                   "Action=MonitorInstances&DryRun=true&InstanceId.1=%s", a);
    CHECK_STR(xml_text(xml_element(shown(w, a), "monitoring"), "state"), "disabled");
    power(w, "Terminate", b);
    world_refusedf(w, "IncorrectInstanceState", NULL, "Action=UnmonitorInstances&InstanceId.1=%s",
                   b);
    world_account(w, "111111111111", "us-east-1");
    world_refusedf(w, "InvalidInstanceID.NotFound", NULL, "Action=MonitorInstances&InstanceId.1=%s",
                   a);
    world_free(w);
}
