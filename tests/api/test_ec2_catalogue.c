/* Regions, zones, instance types, what an account may do. */
#include "harness/world.h"

/* A call with one filter; answers how many elements `tag` it shows. */
static size_t
filtered(struct world *w, const char *action, const char *filter, const char *value,
         const char *tag)
{
    struct str v = world_code(w, str_from(value));
    struct str xml = world_callf(w, "Action=%s&Filter.1.Name=%s&Filter.1.Value.1=%.*s", action,
                                 filter, STR_ARG(v));

    if (w->http != 200)
        FAIL("%s=%s: HTTP %d: %.*s", filter, value, w->http, STR_ARG(xml));
    return xml_count(xml, tag);
}

TEST(every_region_is_shown, "REG-01")
{
    struct world *w = world_new();
    struct str all = world_ok(w, "Action=DescribeRegions");
    struct str one =
        world_ok(w, "Action=DescribeRegions&RegionName.1=us-east-1&RegionName.2=eu-west-1");

    CHECK_INT(xml_count(all, "regionName"), 34);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeRegions&AllRegions=true"), "regionName"), 34);
    CHECK_INT(xml_count(one, "item"), 2);
    CHECK_STR(xml_text(xml_where(one, "item", "regionName", "us-east-1"), "regionEndpoint"),
              "ec2.us-east-1.amazonaws.com");
    CHECK_STR(xml_text(xml_where(one, "item", "regionName", "us-east-1"), "optInStatus"),
              "opt-in-not-required");
    CHECK_INT(filtered(w, "DescribeRegions", "region-name", "eu-*", "regionName"), 8);
    CHECK_INT(
        filtered(w, "DescribeRegions", "endpoint", "ec2.us-east-1.amazonaws.com", "regionName"), 1);
    CHECK_INT(filtered(w, "DescribeRegions", "opt-in-status", "opt-in-not-required", "regionName"),
              17);
    CHECK_FAULT(w, world_call(w, "Action=DescribeRegions&RegionName.1=moon-1"),
                "InvalidParameterValue");
    CHECK_FAULT(w, world_call(w, "Action=DescribeRegions&Filter.1.Name=x&Filter.1.Value.1=y"),
                "InvalidParameterValue");
    world_free(w);
}

TEST(the_zones_of_a_region_are_shown, "REG-01")
{
    static const struct {
        const char *filter, *value;
        size_t n;
    } filters[] = {
        {"zone-name", "us-east-1a", 1},
        {"zone-id", "use1-az2", 1},
        {"zone-type", "availability-zone", 6},
        {"zone-type", "local-zone", 0},
        {"state", "available", 6},
        {"region-name", "us-east-1", 6},
        {"opt-in-status", "opt-in-not-required", 6},
        {"group-name", "us-east-1-zg-1", 6},
        {"group-long-name", "US East (N. Virginia) 1", 6},
        {"message", "*", 0},
        {"parent-zone-id", "*", 0},
        {"parent-zone-name", "*", 0},
    };
    struct world *w = world_new();
    struct str all = world_ok(w, "Action=DescribeAvailabilityZones&AllAvailabilityZones=true");
    struct str a = xml_where(all, "item", "zoneName", "us-east-1a");

    CHECK_INT(xml_count(all, "zoneName"), 6);
    CHECK_STR(xml_text(a, "zoneId"), "use1-az1");
    CHECK_STR(xml_text(a, "zoneState"), "available");
    CHECK_STR(xml_text(a, "zoneType"), "availability-zone");
    CHECK_STR(xml_text(a, "networkBorderGroup"), "us-east-1");
    CHECK_STR(xml_text(a, "regionName"), "us-east-1");
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        CHECK_INT(filtered(w, "DescribeAvailabilityZones", filters[i].filter, filters[i].value,
                           "zoneName"),
                  filters[i].n);
    CHECK_INT(
        xml_count(world_ok(w, "Action=DescribeAvailabilityZones&ZoneName.1=us-east-1b"), "zoneId"),
        1);
    CHECK_STR(
        xml_text(world_ok(w, "Action=DescribeAvailabilityZones&ZoneId.1=use1-az3"), "zoneName"),
        "us-east-1c");
    CHECK_FAULT(w, world_call(w, "Action=DescribeAvailabilityZones&ZoneName.1=eu-west-1a"),
                "InvalidParameterValue");
    CHECK_FAULT(w, world_call(w, "Action=DescribeAvailabilityZones&ZoneId.1=use1-az9"),
                "InvalidParameterValue");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAvailabilityZones"), "zoneName"), 3);
    world_free(w);
}

TEST(an_instance_type_is_shown_in_full, "ITYPE-02 ITYPE-06 EBSO-01")
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=DescribeInstanceTypes&InstanceType.1=g4dn.xlarge&"
                                 "InstanceType.2=r5.large&InstanceType.3=t3.micro");
    struct str g = xml_where(xml, "item", "instanceType", "g4dn.xlarge");
    struct str r = xml_where(xml, "item", "instanceType", "r5.large");
    struct str t = xml_where(xml, "item", "instanceType", "t3.micro");

    CHECK_INT(xml_count(xml, "instanceType"), 3);
    CHECK_STR(xml_text(xml_element(g, "gpuInfo"), "totalGpuMemoryInMiB"), "16384");
    CHECK_STR(xml_text(xml_element(g, "gpuInfo"), "name"), "T4");
    CHECK_STR(xml_text(xml_element(g, "instanceStorageInfo"), "totalSizeInGB"), "125");
    CHECK_STR(xml_text(xml_element(r, "memoryInfo"), "sizeInMiB"), "16384");
    CHECK_STR(xml_text(xml_element(r, "ebsInfo"), "ebsOptimizedSupport"), "default");
    CHECK_STR(xml_text(xml_element(r, "ebsInfo"), "baselineThroughputInMBps"), "81.25");
    CHECK_STR(xml_text(xml_element(r, "vCpuInfo"), "defaultVCpus"), "2");
    CHECK_STR(xml_text(xml_element(r, "networkInfo"), "networkPerformance"), "Up to 10 Gigabit");
    CHECK(!xml_element(r, "gpuInfo").p && !xml_element(r, "instanceStorageInfo").p);
    CHECK_STR(xml_text(t, "burstablePerformanceSupported"), "true");
    CHECK_STR(xml_text(t, "freeTierEligible"), "true");
    CHECK_STR(xml_text(t, "hypervisor"), "nitro");
    world_free(w);
}

/* Every filter of the documentation, with a value that some types have and one that none has. */
static const struct {
    const char *filter, *value;
} type_filters[] = {
    {"auto-recovery-supported", "true"},
    {"bare-metal", "true"},
    {"burstable-performance-supported", "true"},
    {"current-generation", "false"},
    {"dedicated-hosts-supported", "true"},
    {"ebs-info.attachment-limit-type", "dedicated"},
    {"ebs-info.maximum-ebs-attachments", "27"},
    {"ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps", "650"},
    {"ebs-info.ebs-optimized-info.baseline-iops", "3600"},
    {"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps", "81.25"},
    {"ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps", "4750"},
    {"ebs-info.ebs-optimized-info.maximum-iops", "18750"},
    {"ebs-info.ebs-optimized-info.maximum-throughput-in-mbps", "593.75"},
    {"ebs-info.ebs-optimized-support", "supported"},
    {"ebs-info.encryption-support", "supported"},
    {"ebs-info.nvme-support", "required"},
    {"free-tier-eligible", "true"},
    {"hibernation-supported", "true"},
    {"hypervisor", "xen"},
    {"instance-storage-info.disk.count", "2"},
    {"instance-storage-info.disk.size-in-gb", "900"},
    {"instance-storage-info.disk.type", "hdd"},
    {"instance-storage-info.encryption-support", "required"},
    {"instance-storage-info.nvme-support", "required"},
    {"instance-storage-info.total-size-in-gb", "1900"},
    {"instance-storage-supported", "true"},
    {"instance-type", "c5.*"},
    {"memory-info.size-in-mib", "1024"},
    {"network-info.bandwidth-weightings", "vpc-1"},
    {"network-info.efa-info.maximum-efa-interfaces", "1"},
    {"network-info.efa-supported", "true"},
    {"network-info.ena-support", "required"},
    {"network-info.encryption-in-transit-supported", "true"},
    {"network-info.flexible-ena-queues-support", "supported"},
    {"network-info.ipv4-addresses-per-interface", "10"},
    {"network-info.ipv6-addresses-per-interface", "10"},
    {"network-info.ipv6-supported", "false"},
    {"network-info.maximum-network-cards", "2"},
    {"network-info.maximum-network-interfaces", "3"},
    {"network-info.network-performance", "25 Gigabit"},
    {"nitro-enclaves-support", "supported"},
    {"nitro-tpm-info.supported-versions", "2.0"},
    {"nitro-tpm-support", "supported"},
    {"processor-info.supported-architecture", "arm64"},
    {"processor-info.supported-features", "amd-sev-snp"},
    {"processor-info.sustained-clock-speed-in-ghz", "2.5"},
    {"reboot-migration-support", "supported"},
    {"supported-boot-mode", "uefi"},
    {"supported-root-device-type", "instance-store"},
    {"supported-usage-class", "spot"},
    {"supported-virtualization-type", "paravirtual"},
    {"vcpu-info.default-cores", "1"},
    {"vcpu-info.default-threads-per-core", "1"},
    {"vcpu-info.default-vcpus", "96"},
    {"vcpu-info.valid-cores", "3"},
    {"vcpu-info.valid-threads-per-core", "2"},
};

TEST(types_are_filtered_by_every_fact)
{
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(type_filters); i++) {
        if (!filtered(w, "DescribeInstanceTypes", type_filters[i].filter, type_filters[i].value,
                      "instanceType"))
            FAIL("%s=%s shows nothing", type_filters[i].filter, type_filters[i].value);
        if (filtered(w, "DescribeInstanceTypes", type_filters[i].filter, "no such value",
                     "instanceType"))
            FAIL("%s lets anything pass", type_filters[i].filter);
    }
    CHECK_INT(filtered(w, "DescribeInstanceTypes", "instance-type", "t3.*", "instanceType"), 7);
    CHECK_FAULT(w,
                world_call(w, "Action=DescribeInstanceTypes&Filter.1.Name=colour&"
                              "Filter.1.Value.1=red"),
                "InvalidParameterValue");
    world_free(w);
}

TEST(types_come_in_pages)
{
    struct world *w = world_new();
    struct str token = STR_NONE, last = S("");
    size_t n = 0, pages = 0;

    do {
        struct str xml =
            token.p ? world_callf(w, "Action=DescribeInstanceTypes&MaxResults=100&NextToken=%.*s",
                                  STR_ARG(token))
                    : world_ok(w, "Action=DescribeInstanceTypes");

        CHECK_INT(w->http, 200);
        for (size_t i = 0; i < xml_count(xml, "instanceType"); i++) {
            struct str name = xml_text_at(xml, "instanceType", i);

            CHECK(str_cmp(last, name) < 0);
            last = name;
            n++;
        }
        token = xml_text(xml, "nextToken");
        pages++;
    } while (token.n);
    CHECK(n > 900 && pages == (n + 99) / 100);
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstanceTypes&MaxResults=101"),
                "InvalidParameterValue");
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstanceTypes&MaxResults=4"),
                "InvalidParameterValue");
    CHECK_FAULT(w,
                world_call(w, "Action=DescribeInstanceTypes&MaxResults=10&"
                              "InstanceType.1=t3.nano"),
                "InvalidParameterCombination");
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstanceTypes&NextToken=abc"),
                "InvalidParameterValue");
    world_free(w);
}

TEST(a_type_that_a_region_lacks_does_not_exist_there)
{
    struct world *w = world_new();
    struct str xml = world_call(w, "Action=DescribeInstanceTypes&InstanceType.1=t9.nano&"
                                   "InstanceType.2=t3.nano&InstanceType.3=z9.big");

    CHECK_FAULT(w, xml, "InvalidInstanceType");
    CHECK_STR(xml_text(xml, "Message"),
              "The following supplied instance types do not exist: [t9.nano, z9.big]");
    world_account(w, "000000000000", "eu-west-3");
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstanceTypes&InstanceType.1=p5.48xlarge"),
                "InvalidInstanceType");
    xml = world_ok(w, "Action=DescribeInstanceTypes&InstanceType.1=p5.48xlarge&"
                      "IncludeUnsupportedInRegion=true");
    CHECK_STR(xml_text(xml, "supportedInRegion"), "false");
    world_free(w);
}

TEST(offerings_say_where_a_type_is)
{
    struct world *w = world_new();
    const char *t3 = "Action=DescribeInstanceTypeOfferings&Filter.1.Name=instance-type&"
                     "Filter.1.Value.1=t3.micro";
    struct str xml = world_ok(w, t3);

    CHECK_INT(xml_count(xml, "instanceType"), 1);
    CHECK_STR(xml_text(xml, "location"), "us-east-1");
    CHECK_STR(xml_text(xml, "locationType"), "region");
    xml = world_callf(w, "%s&LocationType=availability-zone", t3);
    CHECK_INT(xml_count(xml, "instanceType"), 5);
    CHECK(xml_where(xml, "item", "location", "us-east-1a").p != NULL);
    CHECK(xml_where(xml, "item", "location", "us-east-1c").p == NULL);
    xml = world_callf(w, "%s&LocationType=availability-zone-id", t3);
    CHECK(xml_where(xml, "item", "location", "use1-az6").p != NULL);
    xml = world_callf(w, "%s&LocationType=outpost", t3);
    CHECK_INT(w->http, 200);
    CHECK_INT(xml_count(xml, "instanceType"), 0);
    xml = world_callf(w,
                      "%s&LocationType=availability-zone&Filter.2.Name=location&"
                      "Filter.2.Value.1=us-east-1b",
                      t3);
    CHECK_INT(xml_count(xml, "instanceType"), 1);
    CHECK_FAULT(w, world_callf(w, "%s&LocationType=moon", t3), "InvalidParameterValue");
    xml = world_ok(
        w, "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone&MaxResults=5");
    CHECK_INT(xml_count(xml, "instanceType"), 5);
    struct str next = xml_text(xml, "nextToken");
    struct str more = world_callf(w,
                                  "Action=DescribeInstanceTypeOfferings&LocationType="
                                  "availability-zone&MaxResults=5&NextToken=%.*s",
                                  STR_ARG(next));

    CHECK_INT(xml_count(more, "instanceType"), 5);
    CHECK(!str_eq(xml_text(more, "location"), xml_text(xml, "location")) ||
          !str_eq(xml_text(more, "instanceType"), xml_text(xml, "instanceType")));
    world_free(w);
}

TEST(an_account_knows_its_limits)
{
    struct world *w = world_new();
    struct str all = world_ok(w, "Action=DescribeAccountAttributes");
    struct str vpc = xml_text(world_ok(w, "Action=DescribeVpcs"), "vpcId");

    CHECK_INT(xml_count(all, "attributeName"), 6);
    CHECK(str_eq(xml_text(xml_where(all, "item", "attributeName", "default-vpc"), "attributeValue"),
                 vpc));
    CHECK_STR(xml_text(xml_where(all, "item", "attributeName", "max-instances"), "attributeValue"),
              "20");
    all = world_ok(w, "Action=DescribeAccountAttributes&AttributeName.1=supported-platforms");
    CHECK_INT(xml_count(all, "attributeName"), 1);
    CHECK_STR(xml_text(all, "attributeValue"), "VPC");
    CHECK_FAULT(w, world_call(w, "Action=DescribeAccountAttributes&AttributeName.1=colour"),
                "InvalidParameterValue");
    world_free(w);
}
