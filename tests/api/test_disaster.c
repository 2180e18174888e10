/*
 * Disasters: zones and regions whose hardware fails, and what is left and comes back.  Times are
 * those of the cloud's clock, from the fault until the capacity is there again.
 */
#include "api/cfn_help.h"
#include "api/recovery_help.h"

#define AUTOSCALING "&Version=2011-01-01"
#define AWAY "eu-west-1"

/* A service: as many machines as it is told, over two zones. */
static const char service[] =
    "Parameters:\n"
    "  Size: {Type: Number}\n"
    "  Image: {Type: String, Default: ami-009d6802948d06e52}\n"
    "Resources:\n"
    "  Config: {Type: AWS::AutoScaling::LaunchConfiguration, Properties: {ImageId: !Ref Image, "
    "InstanceType: t3.micro}}\n"
    "  Group: {Type: AWS::AutoScaling::AutoScalingGroup, Properties: {LaunchConfigurationName: "
    "!Ref Config, MinSize: '0', MaxSize: '6', DesiredCapacity: !Ref Size, AvailabilityZones: "
    "[!Sub '${AWS::Region}a', !Sub '${AWS::Region}b']}}\n"
    "Outputs: {Group: {Value: !Ref Group}}\n";

#define SIZE(n) "&Parameters.member.1.ParameterKey=Size&Parameters.member.1.ParameterValue=" n
#define IMAGE "&Parameters.member.2.ParameterKey=Image&Parameters.member.2.ParameterValue=%s"

static size_t
with_status(struct world *w, const char *filter)
{
    return xml_count(world_okf(w,
                               "Action=DescribeInstanceStatus&Filter.1.Name=instance-state-name"
                               "&Filter.1.Value.1=running%s",
                               filter),
                     "instanceId");
}

/* Machines of a region that run, on hardware that is well. */
static size_t
serving(struct world *w, const char *region)
{
    struct str was = w->region;

    w->region = str_from(region);
    size_t n = with_status(w, ""), lost = with_status(w, "&Filter.2.Name=system-status.status"
                                                         "&Filter.2.Value.1=impaired");
    w->region = was;
    CHECK(n >= lost);
    return n - lost;
}

TEST(a_group_outlives_the_loss_of_a_zone, "SCAL-04 SCAL-07")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "service", SIZE("4"), service));
    world_advance(w, 2 * MINUTE_MS);
    check_status(w, "service", "CREATE_COMPLETE");
    CHECK_INT(serving(w, "us-east-1"), 4);
    fault(w, "zone", S("us-east-1a"), true);
    CHECK_INT(serving(w, "us-east-1"), 2); /* one half is there all the time */
    for (int i = 0; i < 20 && serving(w, "us-east-1") < 4; i++)
        world_advance(w, MINUTE_MS);
    CHECK_INT(serving(w, "us-east-1"), 4);
    world_free(w);
}

/* ---- game days ---- */

enum { CAPACITY = 4 };

enum strategy { BACKUP, PILOT_LIGHT, WARM_STANDBY, HOT_SITE, STRATEGIES };

static const char *
newest_image(struct world *w)
{
    struct str seen = world_ok(w, "Action=DescribeImages&Owner.1=self");

    return xml_cstr(xml_where(seen, "item", "imageState", "available"), "imageId");
}

/* What is kept in the other region on quiet days. */
static void
prepare(struct world *w, enum strategy strategy)
{
    static const char *const kept[] = {[PILOT_LIGHT] = "0", [WARM_STANDBY] = "1", [HOT_SITE] = "4"};
    static const char core[] = "Resources: {Core: {Type: AWS::EC2::Instance, Properties: {ImageId: "
                               "%s, InstanceType: t3.micro}}}";
    const char *instance = xml_cstr(world_ok(w, "Action=DescribeInstances"), "instanceId"), *image,
               *copy;

    world_okf(w, "Action=CreateImage&InstanceId=%s&Name=nightly&NoReboot=true", instance);
    world_advance(w, MINUTE_MS);
    image = newest_image(w);
    world_account(w, "000000000000", AWAY);
    copy = xml_cstr(
        world_okf(w, "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=nightly",
                  image),
        "imageId");
    if (strategy == PILOT_LIGHT)
        CHECK_OK(w, create(w, "core", "", test_fmt(core, copy)));
    if (strategy != BACKUP)
        CHECK_OK(w,
                 create(w, "standby", test_fmt(SIZE("%s") IMAGE, kept[strategy], copy), service));
    world_advance(w, 3 * MINUTE_MS);
}

/* What is done then; and how long until all is there, in the cloud's time. */
static int64_t
recover(struct world *w, enum strategy strategy)
{
    int64_t began = w->env.now_ms;

    if (strategy == BACKUP)
        CHECK_OK(w, create(w, "standby", test_fmt(SIZE("4") IMAGE, newest_image(w)), service));
    else if (strategy != HOT_SITE)
        CHECK_OK(w, update(w, "standby", test_fmt(SIZE("4") IMAGE, newest_image(w)), service));
    for (int i = 0; i < 600 && serving(w, AWAY) < CAPACITY; i++)
        world_advance(w, 1000);
    if (serving(w, AWAY) < CAPACITY)
        FAIL("strategy %d: %zu serve\n%s", strategy, serving(w, AWAY), events(w, "standby"));
    return w->env.now_ms - began;
}

/* The dearer a strategy, the more there is at once and the sooner all. */
TEST(each_strategy_brings_a_lost_region_s_service_back, "DR-03 DR-05 DR-06 DR-07")
{
    size_t at_once[STRATEGIES];
    int64_t took[STRATEGIES];

    for (int strategy = BACKUP; strategy < STRATEGIES; strategy++) {
        struct world *w = world_new();

        CHECK_OK(w, create(w, "service", SIZE("4"), service));
        world_advance(w, 2 * MINUTE_MS);
        CHECK_INT(serving(w, "us-east-1"), CAPACITY);
        prepare(w, (enum strategy)strategy);
        fault(w, "zone", S("us-east-1a"), true);
        fault(w, "zone", S("us-east-1b"), true);
        CHECK_INT(serving(w, "us-east-1"), 0);
        at_once[strategy] = serving(w, AWAY);
        took[strategy] = recover(w, (enum strategy)strategy);
        world_free(w);
    }
    CHECK_INT(at_once[BACKUP], 0);
    CHECK_INT(at_once[PILOT_LIGHT], 1); /* its core, which serves nobody */
    CHECK_INT(at_once[WARM_STANDBY], 1);
    CHECK_INT(at_once[HOT_SITE], CAPACITY);
    CHECK_INT(took[HOT_SITE], 0);
    CHECK(took[WARM_STANDBY] > 0 && took[WARM_STANDBY] <= took[PILOT_LIGHT]);
    CHECK(took[PILOT_LIGHT] <= took[BACKUP]);
}

/* Of a list of things to be ready for: an image there, and where its name stands. */
TEST(a_copied_image_is_found_in_parameter_store_of_the_other_region, "DR-20 DR-16")
{
    static const char by_parameter[] =
        "Parameters:\n"
        "  Image: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /golden}\n"
        "Resources:\n"
        "  M: {Type: AWS::EC2::Instance, Properties: {ImageId: !Ref Image, InstanceType: "
        "t3.micro}}\n";
    struct world *w = world_new();
    const char *here = run(w, "t3.micro"), *image, *copy;

    world_okf(w, "Action=CreateImage&InstanceId=%s&Name=golden&NoReboot=true", here);
    world_advance(w, MINUTE_MS);
    image = newest_image(w);
    world_account(w, "000000000000", AWAY);
    copy = xml_cstr(world_okf(w,
                              "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name="
                              "golden",
                              image),
                    "imageId");
    world_advance(w, MINUTE_MS);
    world_json_okf(w, "ssm", "PutParameter",
                   "{'Name': '/golden', 'Type': 'String', 'DataType': 'aws:ec2:image', 'Value': "
                   "'%s'}",
                   copy);
    world_advance(w, MINUTE_MS);
    struct str seen = world_ok(w, "Action=RunInstances&ImageId=resolve:ssm:/golden&MinCount=1"
                                  "&MaxCount=1&InstanceType=t3.micro");
    CHECK_STR(xml_text(seen, "imageId"), copy);
    /* and by it a template makes there what there was here */
    CHECK_OK(w, create(w, "again", "", by_parameter));
    world_advance(w, 2 * MINUTE_MS);
    check_status(w, "again", "CREATE_COMPLETE");
    seen =
        world_okf(w, "Action=DescribeInstances&Filter.1.Name=image-id&Filter.1.Value.1=%s", copy);
    CHECK_INT(xml_count(seen, "instanceId"), 2);
    world_free(w);
}
