#include "api/filter.h"
#include "gen/api/ec2.h"
#include "harness/harness.h"

static const struct api_filter instance_filters[] = {
    {"instance-id", "InstanceId"},
    {"instance-state-name", "State.Name"},
    {"instance-state-code", "State.Code"},
    {"block-device-mapping.volume-id", "BlockDeviceMappings.Ebs.VolumeId"},
    {"instance.group-id", "SecurityGroups.GroupId"},
    {"launch-time", "LaunchTime"},
    {"source-dest-check", "SourceDestCheck"},
    {"network-interface.addresses.private-ip-address",
     "NetworkInterfaces.PrivateIpAddresses.PrivateIpAddress"},
    {"reservation-id", API_FILTER_OWN},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Instance, instance_filters);

static struct ec2_Instance
sample(void)
{
    static struct ec2_InstanceState state = {.name = S_INIT("running"), .code = {16, true}};
    static struct ec2_EbsInstanceBlockDevice ebs = {.volume_id = S_INIT("vol-1")};
    static struct ec2_InstanceBlockDeviceMapping disks[] = {{.ebs = NULL}, {.ebs = &ebs}};
    static struct ec2_GroupIdentifier groups[] = {{.group_id = S_INIT("sg-1")},
                                                  {.group_id = S_INIT("sg-2")}};
    static struct ec2_Tag tags[] = {{S_INIT("Name"), S_INIT("web*1")},
                                    {S_INIT("env"), S_INIT("prod")}};

    return (struct ec2_Instance){
        .instance_id = S("i-1"),
        .state = &state,
        .block_device_mappings = {disks, 2},
        .security_groups = {groups, 2},
        .launch_time = opt_i64(1764000000500),
        .source_dest_check = opt_bool(true),
        .tags = {tags, 2},
    };
}

static struct ec2_FilterList
one_filter(const char *name, const char *values)
{
    struct ec2_FilterList list = {0};
    struct ec2_Filter *f = LIST_PUSH(test_arena(), &list);
    struct str rest = str_from(values);

    f->name = str_from(name);
    while (rest.p)
        *LIST_PUSH(test_arena(), &f->values) = str_split(&rest, ',');
    return list;
}

static bool
passes(const char *name, const char *values)
{
    struct ec2_FilterList list = one_filter(name, values);
    struct ec2_Instance instance = sample();
    struct api_filter_set set;
    struct api_fault fault;

    CHECK_INT(api_filter_compile(test_arena(), &table, API_FILTER_PAIRS(&list), &set, &fault), 0);
    return api_filter_match(&set, &instance);
}

TEST(every_path_of_the_table_exists)
{
    static const struct api_filter wrong[] = {{"a", "State.Name"}, {"b", "State.Colour"}};
    static const struct api_filter_table bad =
        API_FILTER_TABLE(ec2_service, EC2_SHAPE_Instance, wrong);
    static const struct api_filter not_scalar[] = {{"c", "State"}};
    static const struct api_filter_table bad2 =
        API_FILTER_TABLE(ec2_service, EC2_SHAPE_Instance, not_scalar);

    CHECK(api_filter_table_error(&table) == NULL);
    CHECK_STR(str_from(api_filter_table_error(&bad)), "b");
    CHECK_STR(str_from(api_filter_table_error(&bad2)), "c");
}

TEST(filters_match_as_on_ec2)
{
    static const struct {
        const char *name, *values;
        bool want;
    } rows[] = {
        {"instance-id", "i-1", true},
        {"instance-id", "i-2,i-1", true},
        {"instance-id", "i-2", false},
        {"instance-id", "I-1", false},
        {"instance-id", "i-?", true},
        {"instance-state-name", "run*", true},
        {"instance-state-name", "*ing", true},
        {"instance-state-name", "stop*", false},
        {"instance-state-code", "16", true},
        {"instance-state-code", "1?", true},
        {"instance-state-code", "160", false},
        {"block-device-mapping.volume-id", "vol-1", true},
        {"instance.group-id", "sg-2", true},
        {"instance.group-id", "sg-3", false},
        {"launch-time", "2025-11-24T16:00:00.000Z", true},
        {"launch-time", "2025-11-24*", true},
        {"launch-time", "2025-11-25*", false},
        {"source-dest-check", "true", true},
        {"source-dest-check", "false", false},
        {"network-interface.addresses.private-ip-address", "*", false},
        {"tag:Name", "web\\*1", true},
        {"tag:Name", "web*", true},
        {"tag:name", "web*", false},
        {"tag:Name", "prod", false},
        {"tag-key", "env", true},
        {"tag-key", "prod", false},
        {"tag-value", "prod", true},
        {"reservation-id", "anything", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (passes(rows[i].name, rows[i].values) != rows[i].want)
            FAIL("%s=%s", rows[i].name, rows[i].values);
}

TEST(all_filters_of_a_call_must_hold)
{
    struct ec2_FilterList list = one_filter("instance-id", "i-1"),
                          other = one_filter("instance-state-name", "stopped");
    struct ec2_Instance instance = sample();
    struct api_filter_set set;
    struct api_fault fault;

    *LIST_PUSH(test_arena(), &list) = other.v[0];
    CHECK_INT(api_filter_compile(test_arena(), &table, API_FILTER_PAIRS(&list), &set, &fault), 0);
    CHECK(!api_filter_match(&set, &instance));
    set.n = 1;
    CHECK(api_filter_match(&set, &instance));
    CHECK(api_filter_allows(&set, "instance-id", S("i-1")));
    CHECK(!api_filter_allows(&set, "instance-id", S("i-2")));
    CHECK(api_filter_allows(&set, "reservation-id", S("r-1")));
}

TEST(wrong_filters_are_refused)
{
    struct api_filter_set set;
    struct api_fault fault;
    struct ec2_FilterList list = one_filter("colour", "red");

    CHECK_INT(api_filter_compile(test_arena(), &table, API_FILTER_PAIRS(&list), &set, &fault), 1);
    CHECK_STR(fault.code, "InvalidParameterValue");
    CHECK_STR(fault.message, "The filter 'colour' is invalid");

    list = one_filter("tag", "red");
    CHECK_INT(api_filter_compile(test_arena(), &table, API_FILTER_PAIRS(&list), &set, &fault), 1);

    list = one_filter("instance-id", "i-0");
    for (int i = 0; i < 200; i++)
        *LIST_PUSH(test_arena(), &list.v[0].values) = S("i-1");
    CHECK_INT(api_filter_compile(test_arena(), &table, API_FILTER_PAIRS(&list), &set, &fault), 1);
    CHECK_STR(fault.code, "FilterLimitExceeded");
    CHECK_STR(fault.message,
              "The maximum number of filter values specified on a single call is 200");

    char text[257];

    memset(text, 'x', 256);
    text[256] = 0;
    list = one_filter("instance-id", text);
    CHECK_INT(api_filter_compile(test_arena(), &table, API_FILTER_PAIRS(&list), &set, &fault), 1);
    CHECK_STR(fault.message, "The maximum length for a filter value is 255 characters");
}
