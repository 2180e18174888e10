/* RDS: DB instances and what goes with them, in the simulated world. */
#include "gen/store/ec2_rows.h"
#include "gen/store/rds_rows.h"
#include "harness/world.h"

#define V "&Version=2014-10-31"
#define DB                                                                                         \
    "Action=CreateDBInstance&DBInstanceIdentifier=MyDB&Engine=mysql&DBInstanceClass=db.t3.micro"   \
    "&AllocatedStorage=20&MasterUsername=master&MasterUserPassword=correct-horse"

static struct str
rds(struct world *w, const char *form)
{
    return world_okf(w, "%s" V, form);
}

static struct str
describe(struct world *w, const char *name)
{
    return world_okf(w, "Action=DescribeDBInstances&DBInstanceIdentifier=%s", name);
}

static void
status_is(struct world *w, const char *name, const char *status)
{
    CHECK_STR(xml_text(describe(w, name), "DBInstanceStatus"), status);
}

/* Until it is available. */
static void
wait_available(struct world *w, const char *name)
{
    for (int i = 0; i < 100; i++) {
        if (str_is(xml_text(describe(w, name), "DBInstanceStatus"), "available"))
            return;
        world_advance(w, 1000);
    }
    status_is(w, name, "available");
}

static void
create(struct world *w)
{
    rds(w, DB);
    wait_available(w, "mydb");
}

static const struct rds_instance_row *
row_of(struct txn *txn)
{
    STORE_EACH(txn, rds_instance_by_key, row)
        return row;
    return NULL;
}

TEST(a_db_instance_is_created_backed_up_and_available, "RDS-01")
{
    struct world *w = world_new();
    struct str x = rds(w, DB "&Tags.Tag.1.Key=a&Tags.Tag.1.Value=b&DBName=shop");

    CHECK_STR(xml_text(x, "DBInstanceStatus"), "creating");
    CHECK_STR(xml_text(x, "DBInstanceIdentifier"), "mydb");
    CHECK_STR(xml_text(x, "DBName"), "shop");
    CHECK(!xml_text(x, "Address").p);
    CHECK(str_find(x, S("correct-horse")) == SIZE_MAX);
    for (int i = 0; i < 100 && !str_is(xml_text(x, "DBInstanceStatus"), "backing-up"); i++) {
        world_advance(w, 20);
        x = describe(w, "mydb");
    }
    CHECK_STR(xml_text(x, "DBInstanceStatus"), "backing-up");
    wait_available(w, "mydb");
    x = describe(w, "MYDB");
    CHECK(str_starts(xml_text(x, "Address"), S("mydb.")));
    CHECK(str_ends(xml_text(x, "Address"), S(".us-east-1.rds.amazonaws.com")));
    CHECK_STR(xml_text(x, "Port"), "3306");
    CHECK_STR(xml_text(x, "DBSubnetGroupName"), "default");
    CHECK_STR(xml_text(x, "DBParameterGroupName"), "default.mysql8.0");
    CHECK_STR(xml_text(x, "StorageType"), "gp2");
    CHECK(xml_text(x, "InstanceCreateTime").p);
    CHECK_STR(xml_text(xml_element(x, "TagList"), "Value"), "b");
    x = rds(w, "Action=DescribeDBSnapshots&DBInstanceIdentifier=mydb");
    CHECK_INT(xml_count(x, "DBSnapshot"), 1);
    CHECK_STR(xml_text(x, "SnapshotType"), "automated");
    CHECK_STR(xml_text(x, "Status"), "available");
    x = rds(w, "Action=DescribeEvents&SourceType=db-instance&SourceIdentifier=mydb");
    CHECK(str_find(x, S("DB instance created")) != SIZE_MAX);
    CHECK(str_find(x, S("Finished DB Instance backup")) != SIZE_MAX);
    world_free(w);
}

TEST(its_machine_is_the_services_and_its_interface_the_tenants, "RDS-02 DH-09")
{
    struct world *w = world_new();
    struct str x, host;

    host = xml_text(world_ok(w, "Action=AllocateHosts&AutoPlacement=on&InstanceType=m5.large"
                                "&Quantity=1&AvailabilityZone=us-east-1a"),
                    "item");
    rds(w, "Action=CreateDBInstance&DBInstanceIdentifier=mydb&Engine=postgres&DBInstanceClass="
           "db.m5.large&AllocatedStorage=20&MasterUsername=master&MasterUserPassword=correct-horse"
           "&AvailabilityZone=us-east-1a");
    wait_available(w, "mydb");
    CHECK_STR(xml_text(describe(w, "mydb"), "AvailabilityZone"), "us-east-1a");
    x = world_okf(w, "Action=DescribeHosts&HostId.1=%.*s", STR_ARG(host));
    CHECK_INT(xml_count(x, "instanceId"), 0); /* no DB instance is on a Dedicated Host */
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 0);
    x = world_ok(w, "Action=DescribeNetworkInterfaces");
    CHECK_STR(xml_text(x, "requesterId"), "amazon-rds");
    CHECK_STR(xml_text(x, "requesterManaged"), "true");
    CHECK_STR(xml_text(x, "instanceOwnerId"), "amazon-rds");
    CHECK_STR(xml_text(x, "description"), "RDSNetworkInterface");
    CHECK_STR(xml_text(x, "status"), "attached");
    CHECK(!xml_text(x, "instanceId").p);
    world_refusedf(w, "OperationNotPermitted", NULL,
                   "Action=DetachNetworkInterface&AttachmentId=%.*s&Force=true",
                   STR_ARG(xml_text(x, "attachmentId")));
    world_refusedf(w, "AuthFailure", "You do not have permission to access the specified resource.",
                   "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=%.*s"
                   "&Description.Value=mine",
                   STR_ARG(xml_text(x, "networkInterfaceId")));
    world_refused(w, "UnsupportedOperation", NULL,
                  "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1"
                  "&Operator.Principal=rds.amazonaws.com");
    world_free(w);
}

TEST(what_a_request_lacks_or_says_wrongly_is_refused_in_awss_words, "")
{
    struct world *w = world_new();
#define BASE "Action=CreateDBInstance&DBInstanceIdentifier=mydb&DBInstanceClass=db.t3.micro"
    world_refused(w, "InvalidParameterValue", "Invalid DB engine", BASE "&Engine=sybase");
    world_refused(w, "InvalidParameterCombination", "Cannot find version 5.1 for mysql",
                  BASE "&Engine=mysql&EngineVersion=5.1");
    world_refused(w, "InvalidParameterCombination",
                  "Invalid storage size for engine name mysql and storage type gp2: 5",
                  BASE "&Engine=mysql&AllocatedStorage=5");
    world_refused(w, "InvalidParameterValue",
                  "The parameter AllocatedStorage must be provided and must not be blank.",
                  BASE "&Engine=mysql");
    world_refused(w, "InvalidParameterCombination",
                  "The storage type io1 requires iops to be specified.",
                  BASE "&Engine=mysql&AllocatedStorage=100&StorageType=io1");
    world_refused(
        w, "InvalidParameterCombination",
        "You can't specify IOPS or storage throughput for engine mysql and a storage size "
        "less than 400.",
        BASE "&Engine=mysql&AllocatedStorage=20&StorageType=gp3&Iops=12000");
    world_refused(w, "InvalidParameterCombination",
                  "RDS does not support creating a DB instance with the following combination: "
                  "DBInstanceClass=db.t2.micro, Engine=mysql, EngineVersion=8.0.42, "
                  "LicenseModel=general-public-license. For supported combinations of instance "
                  "class and database engine version, see the documentation.",
                  "Action=CreateDBInstance&DBInstanceIdentifier=mydb&DBInstanceClass=db.t2.micro"
                  "&Engine=mysql&AllocatedStorage=20");
#undef BASE
#define BASE                                                                                       \
    "Action=CreateDBInstance&DBInstanceIdentifier=mydb&DBInstanceClass=db.t3.micro&Engine="        \
    "postgres&AllocatedStorage=20"
    world_refused(w, "InvalidParameterValue",
                  "The parameter MasterUsername must be provided and must not be blank.", BASE);
    world_refused(w, "InvalidParameterValue",
                  "MasterUsername admin cannot be used as it is a reserved word used by the engine",
                  BASE "&MasterUsername=admin");
    world_refused(w, "InvalidParameterValue", "Invalid master password", BASE "&MasterUsername=me");
    world_refused(w, "InvalidParameterValue",
                  "The parameter MasterUserPassword is not a valid password because it is shorter "
                  "than 8 characters.",
                  BASE "&MasterUsername=me&MasterUserPassword=short");
    world_refused(w, "InvalidParameterValue",
                  "The parameter MasterUserPassword is not a valid password. Only printable ASCII "
                  "characters besides '/', '@', '\"', ' ' may be used.",
                  BASE "&MasterUsername=me&MasterUserPassword=p%40ssw0rd");
#undef BASE
    world_refused(w, "InvalidParameterValue", NULL, DB "&PreferredBackupWindow=noon");
    world_refused(w, "InvalidParameterCombination",
                  "The backup window and maintenance window must not overlap.",
                  DB "&PreferredBackupWindow=03:00-04:00"
                     "&PreferredMaintenanceWindow=sun:03:30-sun:04:30");
    world_refused(w, "InvalidParameterValue",
                  "The parameter StorageEncrypted is not implemented by Welkin",
                  DB "&StorageEncrypted=true");
    world_refused(w, "DBSubnetGroupNotFoundFault", NULL, DB "&DBSubnetGroupName=none");
    world_refused(w, "DBParameterGroupNotFound", NULL, DB "&DBParameterGroupName=none");
    world_refused(w, "InvalidParameterCombination", NULL,
                  DB "&DBParameterGroupName=default.postgres15");
    world_refused(w, "InvalidParameterValue",
                  "Invalid security group , groupId= sg-00000000000000000, groupName=.",
                  DB "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-00000000000000000");
    world_refused(w, "InvalidVPCNetworkStateFault", NULL, DB "&AvailabilityZone=eu-west-1a");
    create(w);
    world_refused(w, "DBInstanceAlreadyExists", "DB instance already exists", DB);
    world_refused(w, "DBInstanceNotFound", "DBInstance other not found.",
                  "Action=DescribeDBInstances&DBInstanceIdentifier=other");
    world_free(w);
}

TEST(a_db_instance_is_rebooted_stopped_and_started, "")
{
    struct world *w = world_new();

    create(w);
    struct str x = rds(w, "Action=RebootDBInstance&DBInstanceIdentifier=mydb");

    CHECK_STR(xml_text(x, "DBInstanceStatus"), "rebooting");
    wait_available(w, "mydb");
    world_refused(w, "InvalidParameterCombination", NULL,
                  "Action=RebootDBInstance&DBInstanceIdentifier=mydb&ForceFailover=true");
    x = rds(w, "Action=StopDBInstance&DBInstanceIdentifier=mydb");
    CHECK_STR(xml_text(x, "DBInstanceStatus"), "stopping");
    world_advance(w, 2000);
    status_is(w, "mydb", "stopped");
    world_refused(w, "InvalidDBInstanceState", "Database instance is not in available state.",
                  "Action=RebootDBInstance&DBInstanceIdentifier=mydb");
    world_refused(w, "InvalidDBInstanceState", "Database instance is not in available state.",
                  "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&DBInstanceClass=db.t3.large");
    world_refused(w, "InvalidDBInstanceState", "Instance mydb is not in available state.",
                  "Action=StopDBInstance&DBInstanceIdentifier=mydb");
    struct str address = xml_text(describe(w, "mydb"), "Address");

    x = rds(w, "Action=StartDBInstance&DBInstanceIdentifier=mydb");
    CHECK_STR(xml_text(x, "DBInstanceStatus"), "starting");
    wait_available(w, "mydb");
    CHECK(str_eq(xml_text(describe(w, "mydb"), "Address"), address));
    world_refused(w, "InvalidDBInstanceState",
                  "Instance mydb is not stopped, it cannot be started.",
                  "Action=StartDBInstance&DBInstanceIdentifier=mydb");
    x = rds(w, "Action=DescribeEvents&SourceType=db-instance&EventCategories.EventCategory.1="
               "notification");
    CHECK_INT(xml_count(x, "Event"), 2);
    world_free(w);
}

TEST(a_bigger_class_and_more_storage_are_applied_at_once_or_in_the_window, "SCAL-03")
{
    struct world *w = world_new();

    create(w);
    struct str x = rds(w, "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&DBInstanceClass="
                          "db.t3.large&AllocatedStorage=40&ApplyImmediately=true");

    CHECK_STR(xml_text(xml_element(x, "PendingModifiedValues"), "DBInstanceClass"), "db.t3.large");
    CHECK_STR(xml_text(xml_element(x, "PendingModifiedValues"), "AllocatedStorage"), "40");
    status_is(w, "mydb", "modifying");
    wait_available(w, "mydb");
    x = describe(w, "mydb");
    CHECK_STR(xml_text(x, "DBInstanceClass"), "db.t3.large");
    CHECK_STR(xml_text(x, "AllocatedStorage"), "40");
    CHECK(!xml_text(xml_element(x, "PendingModifiedValues"), "DBInstanceClass").p);
    struct txn *txn = world_begin(w);
    const struct ec2_instance_row *machine = ec2_instance_get(txn, row_of(txn)->instance_id);

    CHECK_STR(machine->type, "t3.large");
    CHECK_INT(ec2_volume_get(txn, machine->root_volume_id)->size_gib, 40);
    store_rollback(txn);
    /* the world begins on a Thursday at midnight */
    rds(w, "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&DBInstanceClass=db.t3.medium"
           "&PreferredMaintenanceWindow=Thu:00:30-Thu:01:00");
    world_advance(w, 20 * 60 * 1000);
    x = describe(w, "mydb");
    CHECK_STR(xml_text(x, "DBInstanceStatus"), "available");
    CHECK_STR(xml_text(x, "DBInstanceClass"), "db.t3.large");
    world_advance(w, 11 * 60 * 1000);
    wait_available(w, "mydb");
    CHECK_STR(xml_text(describe(w, "mydb"), "DBInstanceClass"), "db.t3.medium");
    world_refused(w, "InvalidParameterCombination", NULL,
                  "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&AllocatedStorage=20");
    world_free(w);
}

TEST(a_password_is_reset_and_no_row_has_it, "")
{
    struct world *w = world_new();

    create(w);
    struct txn *txn = world_begin(w);
    struct str first = str_dup(&w->arena, row_of(txn)->verifier);
    const struct ec2_instance_row *machine = ec2_instance_get(txn, row_of(txn)->instance_id);

    /* mysql> SELECT PASSWORD('correct-horse') */
    CHECK_INT(first.n, 41);
    CHECK(str_find(machine->user_data, first) != SIZE_MAX);
    CHECK(str_find(machine->user_data, S("correct-horse")) == SIZE_MAX);
    store_rollback(txn);
    struct str x = rds(w, "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&MasterUserPassword="
                          "another-horse");

    CHECK_STR(xml_text(x, "MasterUserPassword"), "****");
    wait_available(w, "mydb");
    txn = world_begin(w);
    CHECK(!str_eq(row_of(txn)->verifier, first));
    store_rollback(txn);
    world_free(w);
}

TEST(a_deletion_needs_a_final_snapshot_unless_it_is_skipped, "RDS-09")
{
    struct world *w = world_new();

    create(w);
    world_refused(w, "InvalidParameterCombination",
                  "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
                  "Action=DeleteDBInstance&DBInstanceIdentifier=mydb");
    rds(w, "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&DeletionProtection=true");
    world_refused(w, "InvalidParameterCombination",
                  "Cannot delete protected DB Instance, please disable deletion protection and try "
                  "again.",
                  "Action=DeleteDBInstance&DBInstanceIdentifier=mydb&SkipFinalSnapshot=true");
    rds(w, "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&DeletionProtection=false");
    struct str x = rds(w, "Action=DeleteDBInstance&DBInstanceIdentifier=mydb"
                          "&FinalDBSnapshotIdentifier=last");

    CHECK_STR(xml_text(x, "DBInstanceStatus"), "deleting");
    world_refused(w, "InvalidDBInstanceState", "Instance mydb is already being deleted.",
                  "Action=DeleteDBInstance&DBInstanceIdentifier=mydb&SkipFinalSnapshot=true");
    world_advance(w, 5000);
    CHECK_INT(xml_count(rds(w, "Action=DescribeDBInstances"), "DBInstance"), 0);
    x = rds(w, "Action=DescribeDBSnapshots");
    CHECK_INT(xml_count(x, "DBSnapshot"), 1); /* the automated one went with it */
    CHECK_STR(xml_text(x, "DBSnapshotIdentifier"), "last");
    CHECK_STR(xml_text(x, "Status"), "available");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId"), 0);
    rds(w, "Action=DeleteDBSnapshot&DBSnapshotIdentifier=last");
    CHECK_INT(xml_count(rds(w, "Action=DescribeDBSnapshots"), "DBSnapshot"), 0);
    world_refused(w, "DBSnapshotNotFound", NULL,
                  "Action=DescribeDBSnapshots&DBSnapshotIdentifier=last");
    world_free(w);
}

TEST(a_subnet_group_covers_two_zones_of_one_vpc, "")
{
    struct world *w = world_new();
    struct str subnets = world_ok(w, "Action=DescribeSubnets");
    struct str a = xml_text_at(subnets, "subnetId", 0), b = xml_text_at(subnets, "subnetId", 1);

    world_refusedf(w, "DBSubnetGroupDoesNotCoverEnoughAZs", NULL,
                   "Action=CreateDBSubnetGroup&DBSubnetGroupName=g&DBSubnetGroupDescription=d"
                   "&SubnetIds.SubnetIdentifier.1=%.*s",
                   STR_ARG(a));
    world_refused(w, "InvalidSubnet",
                  "The requested subnet subnet-00000000000000000 is invalid, or multiple subnets "
                  "were requested that are not all in a common VPC.",
                  "Action=CreateDBSubnetGroup&DBSubnetGroupName=g&DBSubnetGroupDescription=d"
                  "&SubnetIds.SubnetIdentifier.1=subnet-00000000000000000");
    struct str form = str_fmt(&w->arena,
                              "Action=CreateDBSubnetGroup&DBSubnetGroupName=Mine"
                              "&DBSubnetGroupDescription=d&SubnetIds.SubnetIdentifier.1=%.*s"
                              "&SubnetIds.SubnetIdentifier.2=%.*s",
                              STR_ARG(a), STR_ARG(b));
    struct str x = world_ok(w, form.p);

    CHECK_STR(xml_text(x, "DBSubnetGroupName"), "mine");
    CHECK_STR(xml_text(x, "SubnetGroupStatus"), "Complete");
    CHECK_INT(xml_count(x, "SubnetIdentifier"), 2);
    world_refused(w, "DBSubnetGroupAlreadyExists", NULL, form.p);
    rds(w, DB "&DBSubnetGroupName=mine");
    wait_available(w, "mydb");
    world_refused(w, "InvalidDBSubnetGroupStateFault",
                  "Cannot delete the subnet group 'mine' because at least one database instance: "
                  "mydb is still using it.",
                  "Action=DeleteDBSubnetGroup&DBSubnetGroupName=mine");
    rds(w, "Action=DeleteDBInstance&DBInstanceIdentifier=mydb&SkipFinalSnapshot=true");
    world_advance(w, 5000);
    rds(w, "Action=DeleteDBSubnetGroup&DBSubnetGroupName=mine");
    world_refused(w, "DBSubnetGroupNotFoundFault", NULL,
                  "Action=DescribeDBSubnetGroups&DBSubnetGroupName=mine");
    world_free(w);
}

TEST(parameters_reach_the_engine_at_once_or_with_a_reboot, "")
{
    struct world *w = world_new();

    rds(w, "Action=CreateDBParameterGroup&DBParameterGroupName=pg1&DBParameterGroupFamily=mysql8.0"
           "&Description=d");
    world_refused(w, "DBParameterGroupAlreadyExists", NULL,
                  "Action=CreateDBParameterGroup&DBParameterGroupName=pg1"
                  "&DBParameterGroupFamily=mysql8.0&Description=d");
    rds(w, DB "&DBParameterGroupName=pg1");
    wait_available(w, "mydb");
#define SET                                                                                        \
    "Action=ModifyDBParameterGroup&DBParameterGroupName=pg1&Parameters.Parameter.1.ParameterName="
    world_refused(w, "InvalidParameterCombination",
                  "cannot use immediate apply method for static parameter",
                  SET "thread_stack&Parameters.Parameter.1.ParameterValue=262144"
                      "&Parameters.Parameter.1.ApplyMethod=immediate");
    world_refused(w, "InvalidParameterValue", "Could not find parameter with name: nonesuch",
                  SET "nonesuch&Parameters.Parameter.1.ParameterValue=1"
                      "&Parameters.Parameter.1.ApplyMethod=immediate");
    world_refused(w, "InvalidParameterValue", NULL,
                  SET "max_connections&Parameters.Parameter.1.ParameterValue=many"
                      "&Parameters.Parameter.1.ApplyMethod=immediate");
    rds(w, SET "max_connections&Parameters.Parameter.1.ParameterValue=77"
               "&Parameters.Parameter.1.ApplyMethod=immediate");
    struct txn *txn = world_begin(w);
    const struct ec2_instance_row *machine = ec2_instance_get(txn, row_of(txn)->instance_id);

    CHECK(str_find(machine->user_data, S("PARAMETER=max_connections=77\n")) != SIZE_MAX);
    store_rollback(txn);
    CHECK_STR(xml_text(describe(w, "mydb"), "ParameterApplyStatus"), "in-sync");
    rds(w, SET "thread_stack&Parameters.Parameter.1.ParameterValue=262144"
               "&Parameters.Parameter.1.ApplyMethod=pending-reboot");
    CHECK_STR(xml_text(describe(w, "mydb"), "ParameterApplyStatus"), "pending-reboot");
    rds(w, "Action=RebootDBInstance&DBInstanceIdentifier=mydb");
    wait_available(w, "mydb");
    CHECK_STR(xml_text(describe(w, "mydb"), "ParameterApplyStatus"), "in-sync");
    struct str x = rds(w, "Action=DescribeDBParameters&DBParameterGroupName=pg1&Source=user");

    CHECK_INT(xml_count(x, "ParameterName"), 2);
    world_refused(w, "InvalidDBParameterGroupState", NULL,
                  "Action=DeleteDBParameterGroup&DBParameterGroupName=pg1");
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=DeleteDBParameterGroup&DBParameterGroupName=default.mysql8.0");
    rds(w, "Action=ResetDBParameterGroup&DBParameterGroupName=pg1&ResetAllParameters=true");
    x = rds(w, "Action=DescribeDBParameters&DBParameterGroupName=pg1&Source=user");
    CHECK_INT(xml_count(x, "ParameterName"), 0);
    x = rds(w, "Action=DescribeDBParameterGroups");
    CHECK_INT(xml_count(x, "DBParameterGroupName"), 4);
    CHECK_STR(xml_text_at(x, "DBParameterGroupName", 0), "default.mariadb10.11");
    world_free(w);
}

TEST(what_is_on_offer_is_told, "")
{
    struct world *w = world_new();
    struct str x = rds(w, "Action=DescribeDBEngineVersions&Engine=postgres");

    CHECK_INT(xml_count(x, "DBEngineVersion"), 1);
    CHECK_STR(xml_text(x, "DBParameterGroupFamily"), "postgres15");
    x = rds(w, "Action=DescribeOrderableDBInstanceOptions&Engine=mysql&DBInstanceClass="
               "db.t3.micro");
    CHECK_INT(xml_count(x, "OrderableDBInstanceOption"), 5); /* types of storage */
    x = rds(w, "Action=DescribeOrderableDBInstanceOptions&Engine=mysql&MaxRecords=20");
    CHECK_INT(xml_count(x, "OrderableDBInstanceOption"), 20);
    CHECK(xml_text(x, "Marker").n > 0);
    world_refused(w, "InvalidParameterValue", "Invalid DB engine",
                  "Action=DescribeOrderableDBInstanceOptions&Engine=sybase");
    world_free(w);
}

TEST(tags_go_to_all_that_has_an_arn, "")
{
    struct world *w = world_new();

    create(w);
    struct str arn = xml_text(describe(w, "mydb"), "DBInstanceArn");

    world_okf(w,
              "Action=AddTagsToResource" V "&ResourceName=%.*s&Tags.Tag.1.Key=k&Tags.Tag.1.Value=v",
              STR_ARG(arn));
    struct str x = world_okf(w, "Action=ListTagsForResource" V "&ResourceName=%.*s", STR_ARG(arn));

    CHECK_STR(xml_text(x, "Value"), "v");
    world_okf(w, "Action=RemoveTagsFromResource" V "&ResourceName=%.*s&TagKeys.member.1=k",
              STR_ARG(arn));
    x = world_okf(w, "Action=ListTagsForResource" V "&ResourceName=%.*s", STR_ARG(arn));
    CHECK_INT(xml_count(x, "Key"), 0);
    world_refusedf(w, "DBInstanceNotFound", NULL,
                   "Action=ListTagsForResource" V "&ResourceName=%.*sx", STR_ARG(arn));
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=ListTagsForResource" V "&ResourceName=nothing");
    world_free(w);
}

TEST(a_crash_or_a_power_loss_leaves_a_db_instance_that_comes_back, "")
{
    struct world *w = world_new();

    rds(w, DB);
    world_crash(w);
    wait_available(w, "mydb");
    world_power_loss(w);
    world_advance(w, 5000);
    wait_available(w, "mydb");
    rds(w, "Action=DeleteDBInstance&DBInstanceIdentifier=mydb&SkipFinalSnapshot=true");
    world_crash(w);
    world_advance(w, 5000);
    CHECK_INT(xml_count(rds(w, "Action=DescribeDBInstances"), "DBInstance"), 0);
    world_free(w);
}

TEST(another_account_and_region_see_nothing, "")
{
    struct world *w = world_new();

    create(w);
    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(xml_count(rds(w, "Action=DescribeDBInstances"), "DBInstance"), 0);
    world_refused(w, "DBInstanceNotFound", NULL,
                  "Action=DeleteDBInstance&DBInstanceIdentifier=mydb&SkipFinalSnapshot=true");
    rds(w, DB); /* names are the account's own */
    wait_available(w, "mydb");
    world_free(w);
}

TEST(backups_are_made_each_day_and_kept_as_long_as_was_said, "")
{
    struct world *w = world_new();

    rds(w, DB "&BackupRetentionPeriod=2&PreferredBackupWindow=03:00-04:00");
    wait_available(w, "mydb");
    for (int hour = 0; hour < 24 * 6; hour++)
        world_jump(w, 3600 * 1000);
    world_advance(w, 5000);
    size_t n = xml_count(rds(w, "Action=DescribeDBSnapshots&SnapshotType=automated"), "DBSnapshot");

    CHECK(n == 2 || n == 3);
    rds(w, "Action=ModifyDBInstance&DBInstanceIdentifier=mydb&BackupRetentionPeriod=0");
    CHECK_INT(xml_count(rds(w, "Action=DescribeDBSnapshots"), "DBSnapshot"), 0);
    world_free(w);
}

TEST(a_maintenance_window_that_nobody_chose_leaves_the_backups_alone)
{
    struct world *w = world_new();

    /* many names, because the name decides what is tried first */
    for (int i = 0; i < 24; i++) {
        world_callf(w,
                    "Action=CreateDBInstance&DBInstanceIdentifier=db-%d&Engine=mysql&"
                    "DBInstanceClass=db.t3.micro&AllocatedStorage=20&MasterUsername=master&"
                    "MasterUserPassword=correct-horse&PreferredBackupWindow=%s" V,
                    i, i % 2 ? "03:00-04:00" : "23:00-10:00");
        CHECK_INT(w->http, 200);
    }
    world_free(w);
}
