/*
 * Encrypted root volumes: what KMS must allow, who is told when it does not, and how long EC2 holds
 * a key.
 */
#include "ec2/ec2.h"
#include "gen/store/kms_rows.h"
#include "kms_help.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&MaxCount=" \
    "1"
#define ROOT "&BlockDeviceMapping.1.DeviceName=/dev/xvda"
#define ENCRYPTED ROOT "&BlockDeviceMapping.1.Ebs.Encrypted=true"
#define KEY_BYTES 64

static const char *
launch(struct world *w, const char *more)
{
    return xml_cstr(world_okf(w, RUN "%s", more), "instanceId");
}

static struct str
describe(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

static void
check_state(struct world *w, const char *id, const char *want)
{
    CHECK_STR(xml_text(xml_element(describe(w, id), "instanceState"), "name"), want);
}

static struct str
volume(struct world *w, const char *id)
{
    return xml_element(
        world_okf(w,
                  "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=%s",
                  id),
        "volumeSet");
}

/* The instance did not start, in AWS's words. */
static void
check_no_key(struct world *w, const char *id, const char *state)
{
    struct str xml = describe(w, id);

    CHECK_STR(xml_text(xml_element(xml, "instanceState"), "name"), state);
    CHECK_STR(xml_text(xml_element(xml, "stateReason"), "code"), "Client.InternalError");
    CHECK_STR(xml_text(xml_element(xml, "stateReason"), "message"),
              "Client.InternalError: Client error on launch");
    CHECK_STR(xml_text(xml, "reason"), "Client.InternalError");
}

/* What the rows hold of an instance's root volume. */
struct held {
    size_t plain, sealed;
    bool granted;
};

static struct held
held(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    struct held h = {0};

    STORE_EACH(txn, ec2_volume_by_instance, row, str_from(id)) {
        h.plain = row->plain_key.n;
        h.sealed = row->data_key.n;
        h.granted = row->grant_id.n && kms_grant_get(txn, row->grant_id);
    }
    store_rollback(txn);
    return h;
}

static void
as_user(struct world *w, const char *statements)
{
    static unsigned n;
    const char *name = test_fmt("u%u", ++n);

    world_as_root(w);
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=p&PolicyDocument=%.*s", name,
              STR_ARG(world_code(w, str_from(test_fmt("{\"Version\":\"2012-10-17\",\"Statement\":["
                                                      "{\"Effect\":\"Allow\",\"Action\":\"ec2:*\","
                                                      "\"Resource\":\"*\"}%s]}",
                                                      statements)))));
    world_as_reply(w, world_okf(w, "Action=CreateAccessKey&UserName=%s", name));
}

TEST(a_root_volume_is_encrypted_under_the_account_s_key)
{
    struct world *w = world_new();
    const char *id = launch(w, ENCRYPTED);

    world_advance(w, 1000);
    check_state(w, id, "running");
    CHECK_STR(xml_text(volume(w, id), "encrypted"), "true");
    struct str arn =
        json_path(KMS(w, "DescribeKey", "{'KeyId':'alias/aws/ebs'}"), "KeyMetadata.Arn");
    CHECK(str_eq(xml_text(volume(w, id), "kmsKeyId"), arn));
    struct held h = held(w, id);
    CHECK(h.plain == KEY_BYTES && h.sealed > KEY_BYTES && h.granted);

    /* EC2 holds the plaintext and its grant as long as the instance is started */
    world_crash(w);
    CHECK(held(w, id).plain == KEY_BYTES);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    h = held(w, id);
    CHECK(h.plain == 0 && h.sealed > KEY_BYTES && !h.granted);
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%.*s'}", STR_ARG(arn)), "Grants"), 0);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    check_state(w, id, "running");
    h = held(w, id);
    CHECK(h.plain == KEY_BYTES && h.granted);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%.*s'}", STR_ARG(arn)), "Grants"), 0);
    world_free(w);
}

TEST(the_grant_names_the_instance_s_host_and_the_volume)
{
    struct world *w = world_new();
    const char *key = kms_new_key(w, "");
    const char *id = launch(w, test_fmt(ENCRYPTED "&BlockDeviceMapping.1.Ebs.KmsKeyId=%s", key));
    struct str grants = KMS(w, "ListGrants", "{'KeyId':'%s'}", key);

    CHECK_INT(json_count(grants, "Grants"), 1);
    CHECK_STR(json_path(grants, "Grants.0.GranteePrincipal"),
              test_fmt("arn:aws:sts::000000000000:assumed-role/aws:ec2-infrastructure/%s", id));
    CHECK(str_eq(json_path(grants, "Grants.0.Constraints.EncryptionContextSubset.aws:ebs:id"),
                 xml_text(volume(w, id), "volumeId")));
    CHECK_STR(json_path(grants, "Grants.0.Operations.0"), "Decrypt");
    CHECK_STR(xml_text(volume(w, id), "kmsKeyId"), kms_arn(w, key));
    world_free(w);
}

/* The same key, and one permission fewer each time. */
TEST(a_launch_without_permission_on_the_key_ends_terminated, "LAUNCH-08 LAUNCH-11 LAUNCH-13")
{
    static const struct {
        const char *actions;
        bool launches;
    } rows[] = {
        {"\"kms:GenerateDataKeyWithoutPlaintext\",\"kms:CreateGrant\"", true},
        {"\"kms:GenerateDataKeyWithoutPlaintext\"", false},
        {"\"kms:CreateGrant\",\"kms:Decrypt\"", false},
        {"\"kms:DescribeKey\"", false},
    };
    struct world *w = world_new();
    const char *key = kms_new_key(w, "");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        as_user(w, test_fmt(",{\"Effect\":\"Allow\",\"Action\":[%s],\"Resource\":\"*\"}",
                            rows[i].actions));
        const char *id =
            launch(w, test_fmt(ENCRYPTED "&BlockDeviceMapping.1.Ebs.KmsKeyId=%s", key));
        world_as_root(w);
        check_state(w, id, rows[i].launches ? "pending" : "terminated");
        world_advance(w, 1000);
        if (rows[i].launches) {
            check_state(w, id, "running");
            continue;
        }
        check_no_key(w, id, "terminated");
        CHECK(!host_sim_runs(w->sim, str_from(id)));
        CHECK_INT(xml_count(volume(w, id), "volumeId"), 0);
    }
    /* what the launch of a terminated one took is given back: nothing is left of it in an hour */
    world_advance(w, 2 * 3600 * 1000);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId"), 1);
    world_free(w);
}

TEST(a_grant_only_for_aws_resources_suffices)
{
    struct world *w = world_new();
    const char *key = kms_new_key(w, "");

    as_user(w, ",{\"Effect\":\"Allow\",\"Action\":\"kms:GenerateDataKeyWithoutPlaintext\","
               "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:ViaService\":"
               "\"ec2.us-east-1.amazonaws.com\"}}},"
               "{\"Effect\":\"Allow\",\"Action\":\"kms:CreateGrant\",\"Resource\":\"*\","
               "\"Condition\":{\"Bool\":{\"kms:GrantIsForAWSResource\":\"true\"}}}");
    const char *id = launch(w, test_fmt(ENCRYPTED "&BlockDeviceMapping.1.Ebs.KmsKeyId=%s", key));

    world_advance(w, 1000);
    check_state(w, id, "running");
    world_free(w);
}

TEST(a_key_that_cannot_be_used_keeps_instances_from_starting, "LAUNCH-11")
{
    static const char *const ways[][2] = {
        {"DisableKey", "{'KeyId':'%s'}"},
        {"ScheduleKeyDeletion", "{'KeyId':'%s','PendingWindowInDays':7}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct world *w = world_new();
        const char *key = kms_new_key(w, "");
        const char *more = test_fmt(ENCRYPTED "&BlockDeviceMapping.1.Ebs.KmsKeyId=%s", key);
        const char *id = launch(w, more);

        world_advance(w, 1000);
        if (i == 0)
            KMS(w, "DisableKey", "{'KeyId':'%s'}", key);
        else
            KMS(w, "ScheduleKeyDeletion", "{'KeyId':'%s','PendingWindowInDays':7}", key);
        /* who runs has its key, also over a reboot */
        world_okf(w, "Action=RebootInstances&InstanceId.1=%s", id);
        world_advance(w, 1000);
        check_state(w, id, "running");
        /* who stops does not start, */
        world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
        world_advance(w, 1000);
        world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
        world_advance(w, 1000);
        check_no_key(w, id, "stopped");
        CHECK(!host_sim_runs(w->sim, str_from(id)));
        /* and a new one ends */
        const char *other = launch(w, more);
        world_advance(w, 1000);
        check_no_key(w, other, "terminated");
        if (i == 0)
            KMS(w, "EnableKey", "{'KeyId':'%s'}", key);
        else {
            KMS(w, "CancelKeyDeletion", "{'KeyId':'%s'}", key);
            KMS(w, "EnableKey", "{'KeyId':'%s'}", key);
        }
        world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
        world_advance(w, 1000);
        check_state(w, id, "running");
        CHECK(ways[i][0] && held(w, id).plain == KEY_BYTES);
        world_free(w);
    }
}

TEST(a_key_without_encryption_and_a_key_that_does_not_exist)
{
    struct world *w = world_new();

    CHECK_FAULT(w, world_call(w, RUN ROOT "&BlockDeviceMapping.1.Ebs.KmsKeyId=alias/x"),
                "InvalidParameterDependency");
    const char *id = launch(w, ENCRYPTED "&BlockDeviceMapping.1.Ebs.KmsKeyId=alias/nothing");
    world_advance(w, 1000);
    check_no_key(w, id, "terminated");
    world_free(w);
}

TEST(encryption_by_default_is_of_an_account_and_region)
{
    struct world *w = world_new();

    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsEncryptionByDefault"), "ebsEncryptionByDefault"),
              "false");
    CHECK_STR(
        xml_text(world_ok(w, "Action=EnableEbsEncryptionByDefault"), "ebsEncryptionByDefault"),
        "true");
    const char *id = launch(w, "");
    CHECK_STR(xml_text(volume(w, id), "encrypted"), "true");
    id = launch(w, ROOT "&BlockDeviceMapping.1.Ebs.Encrypted=false");
    CHECK_STR(xml_text(volume(w, id), "encrypted"), "true");
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsEncryptionByDefault"), "ebsEncryptionByDefault"),
              "true");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsEncryptionByDefault"), "ebsEncryptionByDefault"),
              "false");
    world_account(w, "111111111111", "us-east-1");
    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsEncryptionByDefault"), "ebsEncryptionByDefault"),
              "false");
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=DisableEbsEncryptionByDefault");
    id = launch(w, "");
    CHECK_STR(xml_text(volume(w, id), "encrypted"), "false");
    CHECK_FAULT(w, world_call(w, "Action=EnableEbsEncryptionByDefault&DryRun=true"),
                "DryRunOperation");
    world_free(w);
}

TEST(the_default_key_of_ebs_can_be_another)
{
    struct world *w = world_new();
    const char *key = kms_new_key(w, "");

    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsDefaultKmsKeyId"), "kmsKeyId"), "alias/aws/ebs");
    CHECK_STR(
        xml_text(world_okf(w, "Action=ModifyEbsDefaultKmsKeyId&KmsKeyId=%s", key), "kmsKeyId"),
        kms_arn(w, key));
    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsDefaultKmsKeyId"), "kmsKeyId"), kms_arn(w, key));
    CHECK_STR(xml_text(volume(w, launch(w, ENCRYPTED)), "kmsKeyId"), kms_arn(w, key));
    /* a key that is not there is taken, and shows at a launch */
    world_ok(w, "Action=ModifyEbsDefaultKmsKeyId&KmsKeyId=alias/gone");
    const char *id = launch(w, ENCRYPTED);
    world_advance(w, 1000);
    check_no_key(w, id, "terminated");
    struct str arn = json_path(KMS(w, "ListAliases", "{}"), "Aliases.0.AliasName");
    (void)arn;
    CHECK(str_starts(xml_text(world_ok(w, "Action=ResetEbsDefaultKmsKeyId"), "kmsKeyId"),
                     S("arn:aws:kms:us-east-1:000000000000:key/")));
    CHECK_STR(xml_text(world_ok(w, "Action=GetEbsDefaultKmsKeyId"), "kmsKeyId"), "alias/aws/ebs");
    id = launch(w, ENCRYPTED);
    world_advance(w, 1000);
    check_state(w, id, "running");
    world_free(w);
}

TEST(policies_may_ask_for_encryption)
{
    struct world *w = world_new();

    as_user(w,
            ",{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"},"
            "{\"Effect\":\"Deny\",\"Action\":\"ec2:RunInstances\",\"Resource\":"
            "\"arn:aws:ec2:*:*:volume/*\",\"Condition\":{\"Bool\":{\"ec2:Encrypted\":\"false\"}}}");
    CHECK_FAULT(w, world_call(w, RUN), "UnauthorizedOperation");
    launch(w, ENCRYPTED);
    world_free(w);
}
