/* Attributes of an instance, and options of its metadata service. */
#include "harness/world.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1&InstanceType=t3."     \
    "micro"

static const char *
launch(struct world *w, const char *more)
{
    struct str run = world_okf(w, RUN "%s", more);
    const char *id = xml_cstr(run, "instanceId");

    world_advance(w, 1000);
    return id;
}

static void
stop(struct world *w, const char *id)
{
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
}

static struct str
attribute(struct world *w, const char *id, const char *name)
{
    return world_okf(w, "Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=%s", id, name);
}

static struct str
modify(struct world *w, const char *id, const char *query)
{
    return world_callf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&%s", id, query);
}

/* The <value> of the attribute's element; absent when it has none. */
static struct str
value(struct world *w, const char *id, const char *name)
{
    return xml_text(xml_element(attribute(w, id, name), name), "value");
}

TEST(every_attribute_is_described)
{
    static const struct {
        const char *name, *value; /* NULL: the element is there without a value */
    } rows[] = {
        {"instanceType", "t3.micro"},
        {"kernel", NULL},
        {"ramdisk", NULL},
        {"userData", "aGVsbG8="},
        {"disableApiTermination", "false"},
        {"disableApiStop", "false"},
        {"instanceInitiatedShutdownBehavior", "stop"},
        {"rootDeviceName", "/dev/xvda"},
        {"sourceDestCheck", "true"},
        {"ebsOptimized", "false"},
        {"sriovNetSupport", "simple"},
        {"blockDeviceMapping", NULL},
        {"productCodes", NULL},
        {"groupSet", NULL},
        {"enclaveOptions", NULL},
    };
    struct world *w = world_new();
    const char *id = launch(w, "&UserData=aGVsbG8=");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str reply = attribute(w, id, rows[i].name);

        CHECK_STR(xml_text(reply, "instanceId"), id);
        if (!xml_element(reply, rows[i].name).p)
            FAIL("%s is not there: %.*s", rows[i].name, STR_ARG(reply));
        if (rows[i].value)
            CHECK_STR(value(w, id, rows[i].name), rows[i].value);
    }
    CHECK(!value(w, id, "kernel").p);
    CHECK_STR(xml_text(attribute(w, id, "groupSet"), "groupName"), "default");
    CHECK_STR(xml_text(attribute(w, id, "blockDeviceMapping"), "deleteOnTermination"), "true");
    CHECK_STR(xml_text(attribute(w, id, "enclaveOptions"), "enabled"), "false");
    CHECK(!value(w, launch(w, ""), "userData").p);
    /* AWS's own documentation: ModifyInstanceAttribute alone knows enaSupport. */
    world_refusedf(w, "InvalidParameterValue",
                   "Value (enaSupport) for parameter attribute is invalid. Unknown attribute.",
                   "Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=enaSupport", id);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=colour", id);
    world_free(w);
}

TEST(both_forms_of_a_change_do_the_same)
{
    static const struct {
        const char *query, *name, *value;
        bool stopped;
    } rows[] = {
        {"DisableApiTermination.Value=true", "disableApiTermination", "true", false},
        {"Attribute=disableApiTermination&Value=false", "disableApiTermination", "false", false},
        {"DisableApiStop.Value=true", "disableApiStop", "true", false},
        {"Attribute=disableApiStop&Value=False", "disableApiStop", "false", false},
        {"InstanceInitiatedShutdownBehavior.Value=terminate", "instanceInitiatedShutdownBehavior",
         "terminate", false},
        {"Attribute=instanceInitiatedShutdownBehavior&Value=stop",
         "instanceInitiatedShutdownBehavior", "stop", false},
        {"SourceDestCheck.Value=false", "sourceDestCheck", "false", false},
        {"Attribute=sourceDestCheck&Value=true", "sourceDestCheck", "true", false},
        {"InstanceType.Value=t3.small", "instanceType", "t3.small", true},
        {"Attribute=instanceType&Value=t3.nano", "instanceType", "t3.nano", true},
        {"UserData.Value=YmI=", "userData", "YmI=", true},
        {"Attribute=userData&Value=Y2M=", "userData", "Y2M=", true},
        {"EbsOptimized.Value=true", "ebsOptimized", "true", true},
        {"Attribute=ebsOptimized&Value=false", "ebsOptimized", "false", true},
        {"SriovNetSupport.Value=simple", "sriovNetSupport", "simple", true},
        {"Attribute=sriovNetSupport&Value=simple", "sriovNetSupport", "simple", true},
    };
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].stopped)
            continue;
        struct str reply = modify(w, id, rows[i].query);
        CHECK_FAULT(w, reply, "IncorrectInstanceState");
        CHECK_STR(xml_text(reply, "Message"),
                  test_fmt("The instance '%s' is not in the 'stopped' state.", id));
    }
    for (int stopped = 0; stopped < 2; stopped++) {
        if (stopped)
            stop(w, id);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            if (rows[i].stopped && !stopped)
                continue;
            struct str reply = modify(w, id, rows[i].query);
            CHECK_OK(w, reply);
            CHECK_STR(xml_text(reply, "return"), "true");
            CHECK_STR(value(w, id, rows[i].name), rows[i].value);
        }
    }
    world_crash(w);
    CHECK_STR(value(w, id, "instanceType"), "t3.nano");
    CHECK_STR(value(w, id, "userData"), "Y2M=");
    world_free(w);
}

TEST(a_change_names_one_attribute)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {"", "InvalidParameterCombination", "No attributes specified."},
        {"DisableApiStop.Value=true&DisableApiTermination.Value=true",
         "InvalidParameterCombination", "Fields for multiple attribute types specified"},
        {"Attribute=disableApiStop&Value=true&DisableApiTermination.Value=true",
         "InvalidParameterCombination", "Fields for multiple attribute types specified"},
        {"Attribute=disableApiStop&Value=maybe", "InvalidParameterValue", NULL},
        {"Attribute=disableApiStop", "InvalidParameterValue", NULL},
        {"InstanceInitiatedShutdownBehavior.Value=explode", "InvalidParameterValue", NULL},
        {"Attribute=productCodes&Value=x", "InvalidParameterValue", NULL},
        {"Attribute=rootDeviceName&Value=x", "InvalidParameterValue", NULL},
        {"Attribute=groupSet&Value=x", "MissingParameter", NULL},
        {"GroupId.1=sg-00000000000000000", "InvalidGroup.NotFound", NULL},
        {"BlockDeviceMapping.1.DeviceName=/dev/sdz&BlockDeviceMapping.1.Ebs.DeleteOnTermination="
         "true",
         "InvalidInstanceAttributeValue", "No device is currently mapped at /dev/sdz"},
        {"BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.NoDevice=",
         "UnsupportedOperation", NULL},
    };
    struct world *w = world_new();
    const char *id = launch(w, "");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str reply = modify(w, id, bad[i].query);

        if (!str_is(xml_text(reply, "Code"), bad[i].code))
            FAIL("%s: not %s: %.*s", bad[i].query, bad[i].code, STR_ARG(reply));
        if (bad[i].message)
            CHECK_STR(xml_text(reply, "Message"), bad[i].message);
    }
    world_free(w);
}

TEST(a_stopped_instance_refuses_what_it_cannot_be)
{
    static const struct {
        const char *query, *code;
    } bad[] = {
        {"InstanceType.Value=t9.huge", "InvalidParameterValue"},
        {"InstanceType.Value=t4g.micro", "InvalidParameterValue"},
        {"Attribute=userData&Value=***", "InvalidUserData.Malformed"},
        {"Kernel.Value=aki-1", "UnsupportedOperation"},
        {"Ramdisk.Value=ari-1", "UnsupportedOperation"},
        {"SriovNetSupport.Value=none", "InvalidParameterValue"},
    };
    struct world *w = world_new();
    const char *id = launch(w, "");

    stop(w, id);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAULT(w, modify(w, id, bad[i].query), bad[i].code);
    world_free(w);
}

TEST(another_type_has_other_cpus_and_credits)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    CHECK_FAULT(w, modify(w, id, "InstanceType.Value=m5.xlarge"), "IncorrectInstanceState");
    stop(w, id);
    CHECK_OK(w, modify(w, id, "InstanceType.Value=m5.xlarge"));
    struct str seen = world_ok(w, "Action=DescribeInstances");
    CHECK_STR(xml_text(seen, "instanceType"), "m5.xlarge");
    CHECK_STR(xml_text(seen, "coreCount"), "2");
    struct txn *txn = world_begin(w);
    const struct ec2_instance_row *row = ec2_instance_get(txn, str_from(id));
    CHECK_INT(row->vcpus, 4);
    CHECK_INT(row->memory_mib, 16384);
    CHECK_STR(row->cpu_credits, "");
    store_rollback(txn);
    CHECK_OK(w, modify(w, id, "InstanceType.Value=t2.micro"));
    struct str credits =
        world_okf(w, "Action=DescribeInstanceCreditSpecifications&InstanceId.1=%s", id);
    CHECK_STR(xml_text(credits, "cpuCredits"), "standard");
    world_free(w);
}

TEST(user_data_changes_only_while_stopped_and_within_the_limit, "UD-13")
{
    struct world *w = world_new();
    const char *id = launch(w, "&UserData=YQ==");
    char *bytes = arena_alloc(test_arena(), 16385);

    CHECK_FAULT(w, modify(w, id, "UserData.Value=Yg=="), "IncorrectInstanceState");
    CHECK_STR(value(w, id, "userData"), "YQ==");
    stop(w, id);
    CHECK_OK(w, modify(w, id, "UserData.Value=Yg=="));
    CHECK_STR(value(w, id, "userData"), "Yg==");
    for (size_t n = 16384; n <= 16385; n++) {
        struct str data = world_code(w, str_base64(test_arena(), str_of(bytes, n)));
        struct str reply =
            world_callf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&UserData.Value=%.*s", id,
                        STR_ARG(data));

        CHECK_INT(w->http, n == 16384 ? 200 : 400);
        if (n > 16384)
            CHECK_STR(xml_text(reply, "Message"), "User data is limited to 16384 bytes");
    }
    CHECK_OK(w, modify(w, id, "UserData.Value="));
    CHECK(!value(w, id, "userData").n);
    world_free(w);
}

TEST(groups_and_the_root_volume_can_be_changed)
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str made = world_ok(w, "Action=CreateSecurityGroup&GroupName=web"
                                  "&GroupDescription=web");
    const char *group = xml_cstr(made, "groupId");

    CHECK_OK(w, modify(w, id, test_fmt("GroupId.1=%s", group)));
    CHECK_STR(xml_text(attribute(w, id, "groupSet"), "groupId"), group);
    CHECK_OK(w, modify(w, id, test_fmt("Attribute=groupSet&GroupId.1=%s", group)));
    struct str seen = world_ok(w, "Action=DescribeInstances");
    CHECK_STR(xml_text(seen, "groupName"), "web");

    CHECK_OK(w, modify(w, id,
                       "BlockDeviceMapping.1.DeviceName=/dev/xvda"
                       "&BlockDeviceMapping.1.Ebs.DeleteOnTermination=false"));
    CHECK_STR(xml_text(attribute(w, id, "blockDeviceMapping"), "deleteOnTermination"), "false");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    struct str volumes = world_ok(w, "Action=DescribeVolumes");
    CHECK_INT(xml_count(volumes, "volumeId"), 1);
    CHECK_STR(xml_text(volumes, "status"), "available");
    CHECK_FAULT(w, modify(w, id, "DisableApiStop.Value=true"), "IncorrectInstanceState");
    world_free(w);
}

TEST(only_some_attributes_can_be_reset)
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    CHECK_OK(w, modify(w, id, "SourceDestCheck.Value=false"));
    world_okf(w, "Action=ResetInstanceAttribute&Attribute=sourceDestCheck&InstanceId=%s", id);
    CHECK_STR(value(w, id, "sourceDestCheck"), "true");
    CHECK_FAULT(
        w, world_callf(w, "Action=ResetInstanceAttribute&Attribute=userData&InstanceId=%s", id),
        "InvalidParameterValue");
    stop(w, id);
    CHECK_FAULT(w,
                world_callf(w, "Action=ResetInstanceAttribute&Attribute=kernel&InstanceId=%s", id),
                "UnsupportedOperation");
    world_free(w);
}

TEST(metadata_options_are_pending_and_then_applied)
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct str reply = world_okf(w,
                                 "Action=ModifyInstanceMetadataOptions&InstanceId=%s"
                                 "&HttpTokens=required&HttpPutResponseHopLimit=3"
                                 "&InstanceMetadataTags=enabled",
                                 id);

    CHECK_STR(xml_text(reply, "instanceId"), id);
    CHECK_STR(xml_text(xml_element(reply, "instanceMetadataOptions"), "state"), "pending");
    CHECK_STR(xml_text(reply, "httpTokens"), "required");
    world_crash(w);
    struct str seen = world_ok(w, "Action=DescribeInstances");
    struct str options = xml_element(seen, "metadataOptions");
    CHECK_STR(xml_text(options, "state"), "applied");
    CHECK_STR(xml_text(options, "httpTokens"), "required");
    CHECK_STR(xml_text(options, "httpPutResponseHopLimit"), "3");
    CHECK_STR(xml_text(options, "httpEndpoint"), "enabled");
    CHECK_STR(xml_text(options, "instanceMetadataTags"), "enabled");
    world_free(w);
}

TEST(bad_metadata_options_name_their_fault)
{
    static const struct {
        const char *query, *code;
    } bad[] = {
        {"&HttpPutResponseHopLimit=0", "InvalidParameterValue"},
        {"&HttpPutResponseHopLimit=65", "InvalidParameterValue"},
        {"&HttpTokens=never", "InvalidParameterValue"},
        {"&HttpEndpoint=off", "InvalidParameterValue"},
        {"&HttpProtocolIpv6=enabled", "UnsupportedOperation"},
        {"&InstanceMetadataTags=enabled", "InvalidParameterValue"},
    };
    struct world *w = world_new();
    const char *id = launch(w, "&TagSpecification.1.ResourceType=instance"
                               "&TagSpecification.1.Tag.1.Key=two%20words"
                               "&TagSpecification.1.Tag.1.Value=x");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAULT(w,
                    world_callf(w, "Action=ModifyInstanceMetadataOptions&InstanceId=%s%s", id,
                                bad[i].query),
                    bad[i].code);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_FAULT(w,
                world_callf(w,
                            "Action=ModifyInstanceMetadataOptions&InstanceId=%s"
                            "&HttpTokens=required",
                            id),
                "IncorrectInstanceState");
    world_free(w);
}
