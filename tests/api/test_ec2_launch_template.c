/* Launch templates, their versions, and instances from them. */
#include "ec2/launch_template.h"
#include "harness/world.h"

#define AMI "ami-009d6802948d06e52"
#define ONE "&MinCount=1&MaxCount=1"
#define MISSING "lt-0123456789abcdef0"
#define DATA "&LaunchTemplateData.%s"

/* A template "name"; its id. */
static const char *
make(struct world *w, const char *name, const char *data)
{
    return xml_cstr(
        world_okf(w, "Action=CreateLaunchTemplate&LaunchTemplateName=%s" DATA, name, data),
        "launchTemplateId");
}

static struct str
version(struct world *w, const char *id, const char *data)
{
    return world_okf(w, "Action=CreateLaunchTemplateVersion&LaunchTemplateId=%s" DATA, id, data);
}

static struct str
versions(struct world *w, const char *id, const char *more)
{
    return world_okf(w, "Action=DescribeLaunchTemplateVersions&LaunchTemplateId=%s%s", id, more);
}

static struct str
run(struct world *w, const char *id, const char *more)
{
    return world_okf(w, "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s%s", id,
                     more);
}

/* The numbers of the versions shown, "3 1". */
static const char *
numbers(struct str xml)
{
    struct str out = S("");

    for (size_t i = 0; i < xml_count(xml, "versionNumber"); i++)
        out = str_fmt(test_arena(), "%.*s%s%.*s", STR_ARG(out), i ? " " : "",
                      STR_ARG(xml_text_at(xml, "versionNumber", i)));
    return str_cstr(test_arena(), out);
}

static struct str
tag_of(struct str xml, const char *key)
{
    return xml_text(xml_where(xml, "item", "key", key), "value");
}

TEST(every_filter_of_launch_templates_leads_to_a_member)
{
    const char *a = api_filter_table_error(&ec2_launch_template_filter_table);
    const char *b = api_filter_table_error(&ec2_launch_template_version_filter_table);

    if (a || b)
        FAIL("%s", a ? a : b);
}

TEST(a_launch_template_is_made_shown_and_deleted, "LT-01 REG-01 REG-03")
{
    struct world *w = world_new();
    struct str made = world_ok(
        w, "Action=CreateLaunchTemplate&LaunchTemplateName=web&VersionDescription=first"
           "&LaunchTemplateData.ImageId=" AMI "&TagSpecification.1.ResourceType=launch-template"
           "&TagSpecification.1.Tag.1.Key=team&TagSpecification.1.Tag.1.Value=red");
    const char *id = xml_cstr(made, "launchTemplateId");

    CHECK(str_starts(str_from(id), S("lt-0")) && strlen(id) == 20);
    CHECK_STR(xml_text(made, "launchTemplateName"), "web");
    CHECK_STR(xml_text(made, "createdBy"), "arn:aws:iam::000000000000:root");
    CHECK_STR(xml_text(made, "defaultVersionNumber"), "1");
    CHECK_STR(xml_text(made, "latestVersionNumber"), "1");
    CHECK_STR(tag_of(made, "team"), "red");
    world_crash(w);
    struct str shown = world_ok(w, "Action=DescribeLaunchTemplates&LaunchTemplateName.1=web");
    CHECK_STR(xml_text(shown, "launchTemplateId"), id);
    CHECK_STR(xml_text(shown, "createTime"), xml_cstr(made, "createTime"));
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=a&Tag.1.Value=b", id);
    CHECK_STR(tag_of(world_ok(w, "Action=DescribeLaunchTemplates"), "a"), "b");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=a"),
                       "resourceType"),
              "launch-template");
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "InvalidLaunchTemplateId.NotFound", NULL,
                   "Action=DeleteLaunchTemplate&LaunchTemplateId=%s", id);
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchTemplates"), "launchTemplateId"), 0);
    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(xml_text(world_ok(w, "Action=DeleteLaunchTemplate&LaunchTemplateName=web"),
                       "launchTemplateId"),
              id);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchTemplates"), "launchTemplateId"), 0);
    /* the name is free again, and the old versions are gone */
    const char *again = make(w, "web", "InstanceType=t3.micro");
    CHECK_STR(str_from(numbers(versions(w, again, ""))), "1");
    world_free(w);
}

TEST(versions_are_numbered_made_the_default_and_deleted, "LT-01")
{
    struct world *w = world_new();
    const char *id = make(w, "web", "InstanceType=t3.micro");

    for (int i = 2; i <= 4; i++) {
        struct str xml =
            version(w, id, test_fmt("InstanceType=t3.small&VersionDescription=v%d", i));

        CHECK_STR(xml_text(xml, "versionNumber"), test_fmt("%d", i));
        CHECK_STR(xml_text(xml, "versionDescription"), test_fmt("v%d", i));
        CHECK_STR(xml_text(xml, "defaultVersion"), "false");
    }
    CHECK_STR(str_from(numbers(versions(w, id, ""))), "4 3 2 1");
    CHECK_STR(xml_text(versions(w, id, "&LaunchTemplateVersion.1=$Default"), "instanceType"),
              "t3.micro");
    struct str xml =
        world_okf(w, "Action=ModifyLaunchTemplate&LaunchTemplateId=%s&SetDefaultVersion=3", id);
    CHECK_STR(xml_text(xml, "defaultVersionNumber"), "3");
    CHECK_STR(xml_text(xml, "latestVersionNumber"), "4");

    xml = world_okf(w,
                    "Action=DeleteLaunchTemplateVersions&LaunchTemplateId=%s"
                    "&LaunchTemplateVersion.1=4&LaunchTemplateVersion.2=3"
                    "&LaunchTemplateVersion.3=9&LaunchTemplateVersion.4=1",
                    id);
    struct str gone = xml_element(xml, "successfullyDeletedLaunchTemplateVersionSet");
    struct str kept = xml_element(xml, "unsuccessfullyDeletedLaunchTemplateVersionSet");
    CHECK_STR(str_from(numbers(gone)), "4 1");
    CHECK_STR(str_from(numbers(kept)), "3 9");
    CHECK_STR(xml_text_at(kept, "code", 0), "unexpectedError");
    CHECK_STR(xml_text_at(kept, "code", 1), "launchTemplateVersionDoesNotExist");
    CHECK_STR(xml_text(gone, "launchTemplateName"), "web");
    world_crash(w);
    xml = world_ok(w, "Action=DescribeLaunchTemplates");
    CHECK_STR(xml_text(xml, "latestVersionNumber"), "3");
    /* a number is given once */
    CHECK_STR(xml_text(version(w, id, "InstanceType=t3.large"), "versionNumber"), "5");
    CHECK_STR(str_from(numbers(versions(w, id, ""))), "5 3 2");
    world_free(w);
}

TEST(a_version_on_another_inherits_what_it_does_not_say, "LT-01")
{
    struct world *w = world_new();
    const char *id = make(w, "web",
                          "ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro"
                          "&LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/xvda"
                          "&LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=9"
                          "&LaunchTemplateData.BlockDeviceMapping.1.Ebs.SnapshotId=snap-1");
    struct str xml = version(w, id, "InstanceType=t3.small&SourceVersion=1");

    CHECK_STR(xml_text(xml, "imageId"), AMI);
    CHECK_STR(xml_text(xml, "instanceType"), "t3.small");
    CHECK_STR(xml_text(xml, "volumeSize"), "9");
    CHECK(!xml_text(xml, "snapshotId").p);
    CHECK_STR(xml_text(versions(w, id, "&LaunchTemplateVersion.1=1"), "snapshotId"), "snap-1");
    xml = version(w, id, "InstanceType=t3.small");
    CHECK(!xml_text(xml, "imageId").p);
    xml = version(w, id, "KeyName=k&SourceVersion=$Latest");
    CHECK_STR(xml_text(xml, "instanceType"), "t3.small");
    CHECK(!xml_text(xml, "imageId").p);
    world_free(w);
}

TEST(versions_are_described_by_number_range_filter_and_page)
{
    static const struct {
        const char *more, *want;
    } rows[] = {
        {"&LaunchTemplateVersion.1=2&LaunchTemplateVersion.2=$Latest&LaunchTemplateVersion.3=2",
         "4 2"},
        {"&MinVersion=2", "4 3 2"},
        {"&MinVersion=2&MaxVersion=3", "3 2"},
        {"&MaxVersion=$Default", "1"},
        {"&Filter.1.Name=instance-type&Filter.1.Value.1=t3.s*", "3 2"},
        {"&Filter.1.Name=is-default-version&Filter.1.Value.1=true", "1"},
        {"&Filter.1.Name=http-tokens&Filter.1.Value.1=required", "4"},
        {"&Filter.1.Name=ram-disk-id&Filter.1.Value.1=*", ""},
    };
    struct world *w = world_new();
    const char *id = make(w, "web", "InstanceType=t3.micro");

    version(w, id, "InstanceType=t3.small");
    version(w, id, "InstanceType=t3.small");
    version(w, id, "MetadataOptions.HttpTokens=required");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(str_from(numbers(versions(w, id, rows[i].more))), rows[i].want);

    struct str page = versions(w, id, "&MaxResults=3");
    CHECK_STR(str_from(numbers(page)), "4 3 2");
    page = versions(w, id, test_fmt("&MaxResults=3&NextToken=%s", xml_cstr(page, "nextToken")));
    CHECK_STR(str_from(numbers(page)), "1");
    CHECK(!xml_text(page, "nextToken").p);

    /* of all templates */
    make(w, "other", "InstanceType=t3.large");
    page = world_ok(w, "Action=DescribeLaunchTemplateVersions&LaunchTemplateVersion.1=$Latest"
                       "&LaunchTemplateVersion.2=$Default&MaxResults=2");
    CHECK_STR(str_from(numbers(page)), "4 1");
    page = world_okf(w,
                     "Action=DescribeLaunchTemplateVersions&LaunchTemplateVersion.1=$Latest"
                     "&LaunchTemplateVersion.2=$Default&MaxResults=2&NextToken=%s",
                     xml_cstr(page, "nextToken"));
    CHECK_STR(xml_text(page, "launchTemplateName"), "other");
    CHECK_INT(xml_count(page, "versionNumber"), 1);

    page = world_ok(w, "Action=DescribeLaunchTemplates&MaxResults=1");
    CHECK_INT(xml_count(page, "launchTemplateId"), 1);
    page = world_okf(w, "Action=DescribeLaunchTemplates&MaxResults=1&NextToken=%s",
                     xml_cstr(page, "nextToken"));
    CHECK_STR(xml_text(page, "launchTemplateName"), "other");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchTemplates"
                                    "&Filter.1.Name=launch-template-name&Filter.1.Value.1=w*"),
                        "launchTemplateId"),
              1);
    world_free(w);
}

TEST(the_same_client_token_makes_one_template_and_one_version)
{
    struct world *w = world_new();
    const char *form = "Action=CreateLaunchTemplate&LaunchTemplateName=web&ClientToken=t"
                       "&LaunchTemplateData.InstanceType=t3.micro";
    const char *id = xml_cstr(world_ok(w, form), "launchTemplateId");

    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, form), "launchTemplateId"), id);
    world_refused(w, "IdempotentParameterMismatch", NULL,
                  "Action=CreateLaunchTemplate&LaunchTemplateName=web&ClientToken=t"
                  "&LaunchTemplateData.InstanceType=t3.small");
    for (int i = 0; i < 2; i++)
        CHECK_STR(xml_text(version(w, id, "InstanceType=t3.small&ClientToken=v"), "versionNumber"),
                  "2");
    world_refusedf(w, "IdempotentParameterMismatch", NULL,
                   "Action=CreateLaunchTemplateVersion&LaunchTemplateId=%s&ClientToken=v"
                   "&LaunchTemplateData.InstanceType=t3.large",
                   id);
    CHECK_STR(str_from(numbers(versions(w, id, ""))), "2 1");
    world_free(w);
}

TEST(bad_calls_of_launch_templates_name_their_fault, "LT-01")
{
    static const struct {
        const char *form, *code, *message;
    } bad[] = {
        {"CreateLaunchTemplate&LaunchTemplateName=web&LaunchTemplateData.ImageId=x",
         "InvalidLaunchTemplateName.AlreadyExistsException",
         "Launch template name already in use."},
        {"CreateLaunchTemplate&LaunchTemplateName=ab&LaunchTemplateData.ImageId=x",
         "InvalidLaunchTemplateName.MalformedException",
         "A launch template name must be between 3 and 128 characters, and may contain letters, "
         "numbers, and the following characters: - ( ) . / _."},
        {"CreateLaunchTemplate&LaunchTemplateName=a%20b&LaunchTemplateData.ImageId=x",
         "InvalidLaunchTemplateName.MalformedException", NULL},
        {"CreateLaunchTemplate&LaunchTemplateName=abc", "MissingParameter",
         "The request must contain the parameter LaunchTemplateData"},
        {"CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData.UserData=%25",
         "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."},
        {"CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData.ImageId=x"
         "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k"
         "&TagSpecification.1.Tag.1.Value=v",
         "InvalidParameterValue",
         "'instance' is not a valid taggable resource type for this operation."},
        {"CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData.ImageId=x&DryRun=true",
         "DryRunOperation", NULL},
        {"DescribeLaunchTemplates&LaunchTemplateId.1=" MISSING, "InvalidLaunchTemplateId.NotFound",
         "The specified launch template, with template ID " MISSING ", does not exist."},
        {"DescribeLaunchTemplates&LaunchTemplateName.1=nope",
         "InvalidLaunchTemplateName.NotFoundException",
         "At least one of the launch templates specified in the request does not exist."},
        {"DescribeLaunchTemplates&LaunchTemplateId.1=x", "InvalidLaunchTemplateId.Malformed", NULL},
        {"DescribeLaunchTemplates&MaxResults=201", "InvalidParameterValue", NULL},
        {"DescribeLaunchTemplateVersions", "MissingParameter", NULL},
        {"DescribeLaunchTemplateVersions&LaunchTemplateVersion.1=1", "InvalidParameterValue", NULL},
        {"DescribeLaunchTemplateVersions&LaunchTemplateName=web&LaunchTemplateVersion.1=x",
         "InvalidParameterValue", NULL},
        {"DescribeLaunchTemplateVersions&LaunchTemplateName=web&MaxResults=0",
         "InvalidParameterValue", NULL},
        {"DeleteLaunchTemplate", "MissingParameter",
         "Either a launch template ID or a launch template name must be specified in the request."},
        {"DeleteLaunchTemplate&LaunchTemplateName=web&LaunchTemplateId=" MISSING,
         "InvalidParameterCombination", NULL},
        {"DeleteLaunchTemplate&LaunchTemplateName=nope",
         "InvalidLaunchTemplateName.NotFoundException",
         "The specified launch template, with template name nope, does not exist."},
        {"ModifyLaunchTemplate&LaunchTemplateName=web", "MissingParameter", NULL},
        {"ModifyLaunchTemplate&LaunchTemplateName=web&SetDefaultVersion=2",
         "InvalidLaunchTemplateId.VersionNotFound", NULL},
        {"CreateLaunchTemplateVersion&LaunchTemplateName=web&SourceVersion=7"
         "&LaunchTemplateData.ImageId=x",
         "InvalidLaunchTemplateId.VersionNotFound", NULL},
        {"RunInstances" ONE "&LaunchTemplate.Version=1", "MissingParameter", NULL},
        {"RunInstances" ONE "&LaunchTemplate.LaunchTemplateName=web&LaunchTemplate.Version=2",
         "InvalidLaunchTemplateId.VersionNotFound", NULL},
        {"GetLaunchTemplateData&InstanceId=i-0123456789abcdef0", "InvalidInstanceID.NotFound",
         NULL},
    };
    struct world *w = world_new();
    const char *id = make(w, "web", "InstanceType=t3.micro");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, bad[i].message, "Action=%s", bad[i].form);
    struct str many = S("");
    for (int i = 1; i <= 201; i++)
        many = str_fmt(test_arena(), "%.*s&LaunchTemplateVersion.%d=%d", STR_ARG(many), i, i + 1);
    world_refusedf(w, "InvalidParameterValue",
                   "You can delete up to 200 launch template versions in a single request.",
                   "Action=DeleteLaunchTemplateVersions&LaunchTemplateId=%s%.*s", id,
                   STR_ARG(many));
    world_refusedf(w, "InvalidLaunchTemplateId.VersionNotFound",
                   test_fmt("Could not find the specified version 2 for the launch template with "
                            "ID %s.",
                            id),
                   "Action=DescribeLaunchTemplateVersions&LaunchTemplateId=%s"
                   "&LaunchTemplateVersion.1=2",
                   id);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchTemplates"), "launchTemplateId"), 1);
    world_free(w);
}

TEST(templates_and_versions_are_limited)
{
    struct world *w = world_new();
    const char *id = make(w, "web", "InstanceType=t3.micro");
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct ec2_launch_template_row row = *ec2_launch_template_get(txn, str_from(id)), more = row;

    /* all but one of what there may be */
    row.versions = row.latest_version = row.last_version = 9999;
    CHECK_INT(ec2_launch_template_update(txn, &row), 0);
    more.client_token = S("");
    for (int i = 1; i < 4999; i++) {
        more.id = str_fmt(test_arena(), "lt-%017d", i);
        more.name = str_fmt(test_arena(), "t%d", i);
        CHECK_INT(ec2_launch_template_insert(txn, &more), 0);
    }
    (void)store_commit(txn);
    CHECK_STR(xml_text(version(w, id, "InstanceType=t3.micro"), "versionNumber"), "10000");
    world_refusedf(w, "LaunchTemplateVersionLimitExceeded", NULL,
                   "Action=CreateLaunchTemplateVersion&LaunchTemplateId=%s"
                   "&LaunchTemplateData.ImageId=x",
                   id);
    make(w, "last", "InstanceType=t3.micro");
    world_refused(w, "LaunchTemplateLimitExceeded",
                  "You have reached the limit of 5000 launch templates in this Region",
                  "Action=CreateLaunchTemplate&LaunchTemplateName=more"
                  "&LaunchTemplateData.ImageId=x");
    world_free(w);
}

TEST(a_template_refuses_by_name_what_a_launch_refuses)
{
    static const char *const members[] = {
        "KernelId=aki-1",
        "RamDiskId=ari-1",
        "InstanceMarketOptions.MarketType=spot",
        "EnclaveOptions.Enabled=true",
        "LicenseSpecification.1.LicenseConfigurationArn=x",
        "ElasticGpuSpecification.1.Type=x",
        "ElasticInferenceAccelerator.1.Type=x",
        "InstanceRequirements.VCpuCount.Min=1&LaunchTemplateData.InstanceRequirements.MemoryMiB."
        "Min=1",
        "NetworkPerformanceOptions.BandwidthWeighting=vpc-1",
        "Placement.HostResourceGroupArn=x",
        "Operator.Principal=x",
        "CpuOptions.AmdSevSnp=enabled",
        "NetworkInterface.1.Ipv4PrefixCount=1",
        "NetworkInterface.1.Ipv6Addresses.1.Ipv6Address=::1",
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str reply =
            world_callf(w, "Action=CreateLaunchTemplate&LaunchTemplateName=web" DATA, members[i]);

        if (!str_is(xml_text(reply, "Code"), "UnsupportedOperation") ||
            str_find(reply, S("not implemented by Welkin")) == SIZE_MAX)
            FAIL("%s: %.*s", members[i], STR_ARG(reply));
    }
    struct str large = str_fmt(test_arena(), "%070000d", 1);
    world_refusedf(w, "InvalidParameterValue", "Launch template data is limited to 65536 bytes",
                   "Action=CreateLaunchTemplate&LaunchTemplateName=web"
                   "&LaunchTemplateData.ImageId=%.*s",
                   STR_ARG(large));
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchTemplates"), "launchTemplateId"), 0);
    world_free(w);
}

TEST(an_instance_comes_from_a_template, "LT-04 UD-14")
{
    struct world *w = world_new();
    const char *id = make(w, "web",
                          "ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro"
                          "&LaunchTemplateData.UserData=b25l&LaunchTemplateData.EbsOptimized=true"
                          "&LaunchTemplateData.MetadataOptions.HttpTokens=required"
                          "&LaunchTemplateData.TagSpecification.1.ResourceType=instance"
                          "&LaunchTemplateData.TagSpecification.1.Tag.1.Key=a"
                          "&LaunchTemplateData.TagSpecification.1.Tag.1.Value=below"
                          "&LaunchTemplateData.TagSpecification.1.Tag.2.Key=b"
                          "&LaunchTemplateData.TagSpecification.1.Tag.2.Value=below"
                          "&LaunchTemplateData.TagSpecification.2.ResourceType=volume"
                          "&LaunchTemplateData.TagSpecification.2.Tag.1.Key=v"
                          "&LaunchTemplateData.TagSpecification.2.Tag.1.Value=w");
    struct str xml = run(w, id, "");
    const char *instance = xml_cstr(xml, "instanceId");

    CHECK_STR(xml_text(xml, "instanceType"), "t3.micro");
    CHECK_STR(xml_text(xml, "httpTokens"), "required");
    CHECK_STR(tag_of(xml, "aws:ec2launchtemplate:id"), id);
    CHECK_STR(tag_of(xml, "aws:ec2launchtemplate:version"), "1");
    CHECK_STR(tag_of(xml, "b"), "below");
    CHECK_STR(tag_of(world_ok(w, "Action=DescribeVolumes"), "v"), "w");

    /* what the request says goes before, member by member and tag by tag */
    xml = world_ok(w, "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateName=web"
                      "&InstanceType=t3.small&MetadataOptions.HttpPutResponseHopLimit=5"
                      "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a"
                      "&TagSpecification.1.Tag.1.Value=above&TagSpecification.1.Tag.2.Key=c"
                      "&TagSpecification.1.Tag.2.Value=above");
    CHECK_STR(xml_text(xml, "instanceType"), "t3.small");
    CHECK_STR(xml_text(xml, "httpTokens"), "required");
    CHECK_STR(xml_text(xml, "httpPutResponseHopLimit"), "5");
    CHECK_STR(tag_of(xml, "a"), "above");
    CHECK_STR(tag_of(xml, "b"), "below");
    CHECK_STR(tag_of(xml, "c"), "above");

    /* user data is that of the version that is named, $Default when none is */
    version(w, id, "UserData=dHdv&SourceVersion=1");
    static const struct {
        const char *version, *user_data;
    } rows[] = {{"", "b25l"},
                {"&LaunchTemplate.Version=2", "dHdv"},
                {"&LaunchTemplate.Version=$Latest", "dHdv"},
                {"&LaunchTemplate.Version=$Default", "b25l"},
                {"&LaunchTemplate.Version=$Latest&UserData=b3du", "b3du"},
                {"&UserData=&ImageId=", "b25l"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        xml = run(w, id, rows[i].version);
        xml = world_okf(w, "Action=DescribeInstanceAttribute&Attribute=userData&InstanceId=%s",
                        xml_cstr(xml, "instanceId"));
        CHECK_STR(xml_text(xml_element(xml, "userData"), "value"), rows[i].user_data);
    }
    /* templates come and go; instances stay */
    world_okf(w, "Action=DeleteLaunchTemplate&LaunchTemplateId=%s", id);
    world_crash(w);
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    CHECK_STR(tag_of(xml, "aws:ec2launchtemplate:id"), id);
    world_refusedf(w, "InvalidLaunchTemplateId.NotFound", NULL,
                   "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s", id);

    /* what neither says is missing */
    id = make(w, "typed", "InstanceType=t3.micro");
    world_refusedf(w, "MissingParameter", "The request must contain the parameter ImageId",
                   "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s", id);
    id = make(w, "imaged", "ImageId=" AMI);
    world_refusedf(w, "MissingParameter", "The request must contain the parameter InstanceType",
                   "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s", id);
    run(w, id, "&InstanceType=t3.micro");
    world_free(w);
}

TEST(interfaces_and_devices_of_a_template_and_a_launch_are_merged_by_name)
{
    struct world *w = world_new();
    struct str subnets = world_ok(w, "Action=DescribeSubnets");
    const char *first = xml_cstr(subnets, "subnetId");
    const char *id =
        make(w, "net",
             test_fmt("ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro"
                      "&LaunchTemplateData.NetworkInterface.1.DeviceIndex=0"
                      "&LaunchTemplateData.NetworkInterface.1.SubnetId=%s"
                      "&LaunchTemplateData.NetworkInterface.1.Description=below"
                      "&LaunchTemplateData.NetworkInterface.1.AssociatePublicIpAddress=false"
                      "&LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/xvda"
                      "&LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=11"
                      "&LaunchTemplateData.BlockDeviceMapping.1.Ebs.DeleteOnTermination=false",
                      first));
    struct str xml = run(w, id, "");

    CHECK_STR(xml_text(xml, "subnetId"), first);
    CHECK(!xml_text(xml, "ipAddress").p);
    xml = run(w, id,
              "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.Description=above"
              "&NetworkInterface.2.DeviceIndex=1&NetworkInterface.2.Description=more"
              "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=12");
    struct str nics = xml_element(xml, "networkInterfaceSet");
    CHECK_INT(xml_count(nics, "networkInterfaceId"), 2);
    CHECK_STR(xml_text(xml_where(nics, "item", "description", "above"), "subnetId"), first);
    CHECK(xml_where(nics, "item", "description", "more").p);
    xml = world_okf(w,
                    "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id"
                    "&Filter.1.Value.1=%s",
                    xml_cstr(xml, "instanceId"));
    CHECK_STR(xml_text(xml, "size"), "12");
    CHECK_STR(xml_text(xml, "deleteOnTermination"), "false");
    world_refusedf(w, "InvalidParameterCombination",
                   "Network interfaces and an instance-level subnet ID may not be specified on "
                   "the same request",
                   "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s&SubnetId=%s", id,
                   first);
    world_free(w);
}

TEST(a_launch_with_a_token_is_one_whatever_becomes_of_its_template)
{
    struct world *w = world_new();
    const char *id = make(w, "web", "ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro");
    struct str one = run(w, id, "&ClientToken=t");

    version(w, id, "InstanceType=t3.small&SourceVersion=1");
    world_okf(w, "Action=DeleteLaunchTemplate&LaunchTemplateId=%s", id);
    CHECK_STR(xml_text(run(w, id, "&ClientToken=t"), "instanceId"), xml_cstr(one, "instanceId"));
    world_free(w);
}

TEST(an_image_of_a_template_may_be_a_parameter)
{
    struct world *w = world_new();
    const char *id = make(w, "web",
                          "ImageId=resolve:ssm:/web/image"
                          "&LaunchTemplateData.InstanceType=t3.micro");

    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DescribeLaunchTemplateVersions&LaunchTemplateId=%s&ResolveAlias=true",
                   id);
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name':'/web/image','Type':'String','Value':'" AMI "'}");
    CHECK_STR(xml_text(versions(w, id, ""), "imageId"), "resolve:ssm:/web/image");
    CHECK_STR(xml_text(versions(w, id, "&ResolveAlias=true"), "imageId"), AMI);
    CHECK_STR(xml_text(version(w, id, "KeyName=k&SourceVersion=1&ResolveAlias=true"), "imageId"),
              AMI);
    CHECK_STR(xml_text(run(w, id, ""), "imageId"), AMI);
    world_free(w);
}

TEST(what_an_instance_is_can_become_a_template)
{
    struct world *w = world_new();
    const char *id = make(w, "web",
                          "ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro"
                          "&LaunchTemplateData.UserData=b25l&LaunchTemplateData.Monitoring."
                          "Enabled=true&LaunchTemplateData.CreditSpecification.CpuCredits=standard"
                          "&LaunchTemplateData.DisableApiTermination=true");
    struct str made = run(w, id, "");
    struct str xml =
        world_okf(w, "Action=GetLaunchTemplateData&InstanceId=%s", xml_cstr(made, "instanceId"));
    static const char *const same[] = {
        "imageId",    "instanceType",     "subnetId",     "privateIpAddress", "networkInterfaceId",
        "deviceName", "availabilityZone", "hostnameType", "httpTokens",       "coreCount"};

    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (!str_eq(xml_text(xml, same[i]), xml_text(made, same[i])))
            FAIL("%s: %.*s", same[i], STR_ARG(xml));
    CHECK_STR(xml_text(xml, "userData"), "b25l");
    CHECK_STR(xml_text(xml_element(xml, "monitoring"), "enabled"), "true");
    CHECK_STR(xml_text(xml, "cpuCredits"), "standard");
    CHECK_STR(xml_text(xml, "disableApiTermination"), "true");
    CHECK_STR(xml_text(xml, "groupId"), xml_cstr(made, "groupId"));
    CHECK_STR(tag_of(xml, "aws:ec2launchtemplate:id"), id);
    world_free(w);
}

static void
as_user(struct world *w, const char *name, struct str statements)
{
    struct str policy = str_fmt(test_arena(), "{\"Version\":\"2012-10-17\",\"Statement\":[%.*s]}",
                                STR_ARG(statements));

    world_as_root(w);
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=p&PolicyDocument=%.*s", name,
              STR_ARG(world_code(w, policy)));
    world_as_reply(w, world_okf(w, "Action=CreateAccessKey&UserName=%s", name));
}

TEST(policies_say_who_launches_from_which_template)
{
    struct world *w = world_new();
    const char *data = "ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro";
    const char *mine = make(w, "mine", data), *other = make(w, "other", data);

    as_user(w, "ann",
            str_fmt(test_arena(),
                    "{\"Effect\":\"Allow\",\"Action\":\"ec2:RunInstances\",\"Resource\":\"*\","
                    "\"Condition\":{\"ArnLike\":{\"ec2:LaunchTemplate\":"
                    "\"arn:aws:ec2:us-east-1:000000000000:launch-template/%s\"},"
                    "\"Bool\":{\"ec2:IsLaunchTemplateResource\":\"true\"}}}",
                    mine));
    run(w, mine, "");
    run(w, mine, "&InstanceType=t3.small"); /* a parameter, no resource */
    world_refusedf(w, "UnauthorizedOperation", NULL,
                   "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s", other);
    world_refusedf(w, "UnauthorizedOperation", NULL,
                   "Action=RunInstances" ONE "&LaunchTemplate.LaunchTemplateId=%s&ImageId=" AMI,
                   mine);
    world_refused(w, "UnauthorizedOperation", NULL,
                  "Action=RunInstances" ONE "&InstanceType=t3.micro&ImageId=" AMI);

    as_user(w, "bob",
            str_fmt(test_arena(),
                    "{\"Effect\":\"Allow\",\"Action\":[\"ec2:CreateLaunchTemplateVersion\","
                    "\"ec2:ModifyLaunchTemplate\",\"ec2:DeleteLaunchTemplateVersions\"],"
                    "\"Resource\":\"arn:aws:ec2:us-east-1:000000000000:launch-template/%s\"}",
                    mine));
    version(w, mine, data);
    world_ok(w, "Action=ModifyLaunchTemplate&LaunchTemplateName=mine&SetDefaultVersion=2");
    world_okf(w,
              "Action=DeleteLaunchTemplateVersions&LaunchTemplateId=%s"
              "&LaunchTemplateVersion.1=1",
              mine);
    world_refused(w, "UnauthorizedOperation", NULL,
                  "Action=ModifyLaunchTemplate&LaunchTemplateName=other&SetDefaultVersion=1");
    world_refusedf(w, "UnauthorizedOperation", NULL,
                   "Action=DeleteLaunchTemplate&LaunchTemplateId=%s", mine);
    world_refused(w, "UnauthorizedOperation", NULL,
                  "Action=CreateLaunchTemplate&LaunchTemplateName=third"
                  "&LaunchTemplateData.ImageId=x");
    world_refused(w, "UnauthorizedOperation", NULL, "Action=DescribeLaunchTemplates");
    world_free(w);
}

#define ASG "&Version=2011-01-01&AutoScalingGroupName=g"

TEST(a_group_launches_from_the_version_that_is_the_latest_then, "UD-14")
{
    struct world *w = world_new();
    const char *id = make(w, "web",
                          "ImageId=" AMI "&LaunchTemplateData.InstanceType=t3.micro"
                          "&LaunchTemplateData.UserData=b25l");
    static const char *const types[] = {"t3.micro", "t3.small"};
    static const char *const data[] = {"b25l", "dHdv"};

    world_okf(w,
              "Action=CreateAutoScalingGroup" ASG "&MinSize=1&MaxSize=2"
              "&AvailabilityZones.member.1=us-east-1a&LaunchTemplate.LaunchTemplateId=%s"
              "&LaunchTemplate.Version=$Latest",
              id);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        world_advance(w, 5000);
        struct str xml =
            world_okf(w,
                      "Action=DescribeInstances&Filter.1.Name=tag:aws:ec2launchtemplate:"
                      "version&Filter.1.Value.1=%zu",
                      i + 1);
        CHECK_STR(xml_text(xml, "instanceType"), types[i]);
        CHECK_STR(tag_of(xml, "aws:autoscaling:groupName"), "g");
        xml = world_okf(w, "Action=DescribeInstanceAttribute&Attribute=userData&InstanceId=%s",
                        xml_cstr(xml, "instanceId"));
        CHECK_STR(xml_text(xml_element(xml, "userData"), "value"), data[i]);
        version(w, id, "InstanceType=t3.small&LaunchTemplateData.UserData=dHdv&SourceVersion=1");
        world_ok(w, "Action=SetDesiredCapacity" ASG "&DesiredCapacity=2");
    }
    world_free(w);
}
