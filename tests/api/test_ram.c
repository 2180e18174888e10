/* Resource Access Manager, and the Dedicated Hosts that accounts share. */
#include "ec2/ec2.h"
#include "ec2/placer.h"
#include "harness/world.h"
#include "placement_help.h"

#define OWNER "000000000000"
#define GUEST "111122223333"
#define OTHER "444455556666"
#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1&"
#define SMALL                                                                                      \
    "kind k vcpus=8 memory=65536 sockets=2 cores=4 families=*\n"                                   \
    "zone us-east-1a racks=3 hosts=1*k\n"                                                          \
    "zone * racks=1 hosts=3*k\n"
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void
as(struct world *w, const char *account)
{
    world_account(w, account, "us-east-1");
}

static struct str
post(struct world *w, const char *path, const char *json)
{
    return world_rest_ok(w, "ram", "POST", path, json);
}

static void
refused(struct world *w, const char *code, const char *path, const char *json)
{
    world_rest_refused(w, code, NULL, "ram", "POST", path, json);
}

static const char *
allocate(struct world *w, const char *rest)
{
    struct str xml = world_okf(w,
                               "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=1&"
                               "InstanceType=m5.large%s",
                               rest);

    return test_cstr(xml_text(xml_element(xml, "hostIdSet"), "item"));
}

static const char *
arn_of(const char *host)
{
    return test_fmt("arn:aws:ec2:us-east-1:" OWNER ":dedicated-host/%s", host);
}

static const char *
share(struct world *w, const char *host, const char *account)
{
    struct str reply = world_rest_okf(w, "ram", "POST", "/createresourceshare",
                                      "{'name': 's', 'resourceArns': ['%s'], 'principals': ['%s']}",
                                      arn_of(host), account);

    return json_cstr(reply, "resourceShare.resourceShareArn");
}

/* The account's only invitation that waits. */
static const char *
invitation(struct world *w)
{
    struct str reply = post(w, "/getresourceshareinvitations", "{}");
    size_t n = json_count(reply, "resourceShareInvitations");

    for (size_t i = 0; i < n; i++)
        if (str_is(json_path(reply, test_fmt("resourceShareInvitations.%zu.status", i)), "PENDING"))
            return json_cstr(
                reply, test_fmt("resourceShareInvitations.%zu.resourceShareInvitationArn", i));
    FAIL("no invitation waits: %.*s", STR_ARG(reply));
}

static void
accept(struct world *w)
{
    struct str reply =
        world_rest_okf(w, "ram", "POST", "/acceptresourceshareinvitation",
                       "{'resourceShareInvitationArn': '%s', 'clientToken': 't'}", invitation(w));

    CHECK_STR(json_path(reply, "resourceShareInvitation.status"), "ACCEPTED");
    CHECK_STR(json_path(reply, "clientToken"), "t");
}

static const char *
run_on(struct world *w, const char *host)
{
    struct str xml =
        world_okf(w, RUN "InstanceType=m5.large&Placement.Tenancy=host&Placement.HostId=%s", host);

    return test_cstr(xml_text(xml, "instanceId"));
}

static struct str
describe(struct world *w, const char *host)
{
    return world_okf(w, "Action=DescribeHosts&HostId.1=%s", host);
}

static struct str
event_of(struct world *w, const char *id)
{
    struct str xml = world_okf(w, "Action=DescribeInstanceStatus&InstanceId.1=%s", id);

    return xml_text(xml_element(xml, "eventsSet"), "description");
}

TEST(a_dedicated_host_is_shared_and_the_consumer_launches_on_it, "DH-11")
{
    struct world *w = world_new_region(SMALL);
    const char *host =
        allocate(w, "&TagSpecification.1.ResourceType=dedicated-host&"
                    "TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b");
    const char *mine = run_on(w, host);
    const char *arn = share(w, host, GUEST);

    as(w, GUEST);
    /* Invited is not yet there. */
    world_refusedf(w, "InvalidHostID.NotFound", NULL,
                   RUN "InstanceType=m5.large&Placement.HostId=%s", host);
    struct str reply = world_rest_okf(w, "ram", "POST", "/listpendinginvitationresources",
                                      "{'resourceShareInvitationArn': '%s'}", invitation(w));
    CHECK_STR(json_path(reply, "resources.0.arn"), arn_of(host));
    CHECK_STR(json_path(reply, "resources.0.type"), "ec2:DedicatedHost");
    accept(w);
    world_crash(w);
    const char *id = run_on(w, host);
    struct str xml = describe(w, host);

    /* of its instance, then its own */
    CHECK_STR(xml_text_at(xml, "ownerId", 0), GUEST);
    CHECK_STR(xml_text_at(xml, "ownerId", 1), OWNER);
    CHECK_STR(xml_text(xml, "state"), "available");
    CHECK_INT(xml_count(xml, "key"), 0);
    CHECK_INT(xml_count(xml, "instanceId"), 1);
    CHECK_STR(xml_text(xml, "instanceId"), id);
    CHECK_STR(xml_text(xml_element(xml, "availableInstanceCapacity"), "availableCapacity"), "2");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId"), 1);
    /* The owner sees both, and they are on one host. */
    as(w, OWNER);
    CHECK_INT(xml_count(describe(w, host), "instanceId"), 2);
    CHECK(str_eq(host_of(w, str_from(mine)), host_of(w, str_from(id))));
    world_refusedf(w, "InvalidInstanceID.NotFound", NULL, "Action=StopInstances&InstanceId.1=%s",
                   id);
    /* A consumer changes and releases nothing, and shares nothing on. */
    as(w, GUEST);
    xml = world_okf(w, "Action=ReleaseHosts&HostId.1=%s", host);
    CHECK_STR(xml_text(xml_element(xml, "unsuccessful"), "code"), "Client.InvalidHostID.NotFound");
    xml = world_okf(w, "Action=ModifyHosts&HostId.1=%s&AutoPlacement=on", host);
    CHECK_STR(xml_text(xml_element(xml, "unsuccessful"), "code"), "Client.InvalidHostID.NotFound");
    refused(w, "UnknownResourceException", "/createresourceshare",
            test_fmt("{'name': 'x', 'resourceArns': ['%s']}", arn_of(host)));
    reply = post(w, "/listresources", "{'resourceOwner': 'OTHER-ACCOUNTS'}");
    CHECK_INT(json_count(reply, "resources"), 1);
    CHECK_STR(json_path(reply, "resources.0.resourceShareArn"), arn);
    /* Somebody else has nothing of it. */
    as(w, OTHER);
    world_refusedf(w, "InvalidHostID.NotFound", NULL, "Action=DescribeHosts&HostId.1=%s", host);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId"), 0);
    world_free(w);
}

TEST(what_is_not_shared_any_more_is_retired_unless_it_is_shared_again, "DH-11")
{
    struct world *w = world_new_region(SMALL);
    const char *host = allocate(w, ""), *arn = share(w, host, GUEST);

    as(w, GUEST);
    accept(w);
    const char *id = run_on(w, host);

    world_advance(w, 60000);
    CHECK_STR(event_of(w, id), "");
    as(w, OWNER);
    struct str reply =
        world_rest_okf(w, "ram", "POST", "/disassociateresourceshare",
                       "{'resourceShareArn': '%s', 'principals': ['" GUEST "']}", arn);

    CHECK_STR(json_path(reply, "resourceShareAssociations.0.status"), "DISASSOCIATED");
    world_advance(w, 1000);
    as(w, GUEST);
    CHECK_STR(event_of(w, id),
              "The Dedicated Host is no longer shared with the account of the instance");
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id), "name"),
              "running");
    world_refusedf(w, "InvalidHostID.NotFound", NULL,
                   RUN "InstanceType=m5.large&Placement.HostId=%s", host);
    as(w, OWNER);
    world_rest_okf(w, "ram", "POST", "/associateresourceshare",
                   "{'resourceShareArn': '%s', 'principals': ['" GUEST "']}", arn);
    as(w, GUEST);
    accept(w);
    world_advance(w, 1000);
    CHECK(str_starts(event_of(w, id), S("[Completed] ")));
    world_jump(w, 15 * DAY_MS);
    world_advance(w, 1000);
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id), "name"),
              "running");
    /* And when it ends for good. */
    as(w, OWNER);
    reply = world_rest_ok(w, "ram", "DELETE",
                          test_fmt("/deleteresourceshare?resourceShareArn=%.*s",
                                   STR_ARG(world_code(w, str_from(arn)))),
                          "");
    CHECK_STR(json_path(reply, "returnValue"), "true");
    world_jump(w, 14 * DAY_MS + 60000);
    world_advance(w, 1000);
    as(w, GUEST);
    CHECK_STR(xml_text(xml_element(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id),
                                   "instanceState"),
                       "name"),
              "stopped");
    world_free(w);
}

TEST(a_consumer_without_room_of_its_own_is_placed_on_a_shared_host, "DH-11")
{
    struct world *w = world_new_region(SMALL);
    const char *host = allocate(w, "&AutoPlacement=on");
    struct str xml;

    share(w, host, GUEST);
    as(w, GUEST);
    world_refused(w, "InsufficientHostCapacity", NULL,
                  RUN "InstanceType=m5.large&Placement.Tenancy=host");
    accept(w);
    xml = world_ok(w, RUN "InstanceType=m5.large&Placement.Tenancy=host");
    CHECK_STR(xml_text(xml, "hostId"), host);
    const char *own = allocate(w, "&AutoPlacement=on");

    xml = world_ok(w, RUN "InstanceType=m5.large&Placement.Tenancy=host");
    CHECK_STR(xml_text(xml, "hostId"), own);
    world_free(w);
}

/* What the owner and an account that accepts are told of each other. */
static void
check_lists(struct world *w, const char *arn, const char *host)
{
    struct str reply;

    as(w, GUEST);
    CHECK_INT(json_count(post(w, "/getresourceshares", "{'resourceOwner': 'OTHER-ACCOUNTS'}"),
                         "resourceShares"),
              0);
    accept(w);
    reply = post(w, "/getresourceshares", "{'resourceOwner': 'OTHER-ACCOUNTS'}");
    CHECK_STR(json_path(reply, "resourceShares.0.owningAccountId"), OWNER);
    CHECK_INT(json_count(reply, "resourceShares.0.tags"), 0);
    reply = post(w, "/listprincipals", "{'resourceOwner': 'OTHER-ACCOUNTS'}");
    CHECK_STR(json_path(reply, "principals.0.id"), OWNER);
    as(w, OWNER);
    reply = world_rest_okf(w, "ram", "POST", "/listprincipals",
                           "{'resourceOwner': 'SELF', 'resourceArn': '%s'}", arn_of(host));
    CHECK_STR(json_path(reply, "principals.0.id"), GUEST);
    reply = world_rest_okf(w, "ram", "POST", "/listresourcesharepermissions",
                           "{'resourceShareArn': '%s'}", arn);
    CHECK_STR(json_path(reply, "permissions.0.name"), "AWSRAMDefaultPermissionDedicatedHost");
    CHECK_STR(json_path(post(w, "/listresourcetypes", "{}"), "resourceTypes.0.resourceType"),
              "ec2:DedicatedHost");
    CHECK_INT(json_count(post(w, "/listpermissions", "{'permissionType': 'CUSTOMER_MANAGED'}"),
                         "permissions"),
              0);
    world_account(w, OWNER, "eu-west-1");
    CHECK_INT(
        json_count(post(w, "/getresourceshares", "{'resourceOwner': 'SELF'}"), "resourceShares"),
        0);
}

/* A share with two invited accounts. */
static const char *
make_once(struct world *w)
{
    struct str made = post(w, "/createresourceshare",
                           "{'name': 'one', 'clientToken': 'tok', 'tags': [{'key': 'team', "
                           "'value': 'red'}], 'principals': ['" GUEST "', '" OTHER "']}");
    const char *arn = json_cstr(made, "resourceShare.resourceShareArn");
    struct str again = post(w, "/createresourceshare",
                            "{'name': 'one', 'clientToken': 'tok', 'tags': [{'key': 'team', "
                            "'value': 'red'}], 'principals': ['" GUEST "', '" OTHER "']}");

    CHECK(str_starts(str_from(arn), S("arn:aws:ram:us-east-1:" OWNER ":resource-share/")));
    CHECK_STR(json_path(made, "resourceShare.status"), "ACTIVE");
    CHECK_STR(json_path(made, "resourceShare.allowExternalPrincipals"), "true");
    CHECK_STR(json_path(made, "clientToken"), "tok");
    CHECK_STR(json_path(again, "resourceShare.resourceShareArn"), arn);
    refused(w, "IdempotentParameterMismatchException", "/createresourceshare",
            "{'name': 'two', 'clientToken': 'tok'}");
    return arn;
}

TEST(shares_are_made_changed_tagged_listed_and_deleted)
{
    struct world *w = world_new_region(SMALL);
    const char *arn = make_once(w);
    const char *host = allocate(w, "");

    world_rest_okf(w, "ram", "POST", "/associateresourceshare",
                   "{'resourceShareArn': '%s', 'resourceArns': ['%s']}", arn, arn_of(host));
    struct str reply = world_rest_okf(w, "ram", "POST", "/updateresourceshare",
                                      "{'resourceShareArn': '%s', 'name': 'renamed'}", arn);

    CHECK_STR(json_path(reply, "resourceShare.name"), "renamed");
    world_rest_okf(w, "ram", "POST", "/tagresource",
                   "{'resourceShareArn': '%s', 'tags': [{'key': 'env', 'value': 'x'}]}", arn);
    world_rest_okf(w, "ram", "POST", "/untagresource",
                   "{'resourceShareArn': '%s', 'tagKeys': ['team']}", arn);
    world_crash(w);
    reply = post(w, "/getresourceshares",
                 "{'resourceOwner': 'SELF', 'tagFilters': [{'tagKey': 'env'}]}");
    CHECK_INT(json_count(reply, "resourceShares"), 1);
    CHECK_STR(json_path(reply, "resourceShares.0.name"), "renamed");
    CHECK_INT(json_count(reply, "resourceShares.0.tags"), 1);
    CHECK_INT(json_count(post(w, "/getresourceshares",
                              "{'resourceOwner': 'SELF', 'tagFilters': [{'tagKey': 'team'}]}"),
                         "resourceShares"),
              0);
    reply = post(w, "/getresourceshareassociations",
                 "{'associationType': 'PRINCIPAL', 'maxResults': 1}");
    CHECK_INT(json_count(reply, "resourceShareAssociations"), 1);
    CHECK_STR(json_path(reply, "resourceShareAssociations.0.status"), "ASSOCIATING");
    CHECK_STR(json_path(reply, "resourceShareAssociations.0.external"), "true");
    const char *first = json_cstr(reply, "resourceShareAssociations.0.associatedEntity");

    reply = world_rest_okf(w, "ram", "POST", "/getresourceshareassociations",
                           "{'associationType': 'PRINCIPAL', 'maxResults': 1, 'nextToken': '%s'}",
                           json_cstr(reply, "nextToken"));
    CHECK(!str_is(json_path(reply, "resourceShareAssociations.0.associatedEntity"), first));
    CHECK(!json_path(reply, "nextToken").p);
    reply =
        post(w, "/listresources", "{'resourceOwner': 'SELF', 'resourceType': 'EC2:dedicatedHOST'}");
    CHECK_STR(json_path(reply, "resources.0.arn"), arn_of(host));
    CHECK_STR(json_path(reply, "resources.0.status"), "AVAILABLE");
    CHECK_INT(json_count(post(w, "/listprincipals", "{'resourceOwner': 'SELF'}"), "principals"), 0);
    check_lists(w, arn, host);
    as(w, OWNER);
    world_rest_ok(w, "ram", "DELETE",
                  test_fmt("/deleteresourceshare?resourceShareArn=%.*s",
                           STR_ARG(world_code(w, str_from(arn)))),
                  "");
    reply = post(w, "/getresourceshares", "{'resourceOwner': 'SELF'}");
    CHECK_STR(json_path(reply, "resourceShares.0.status"), "DELETED");
    CHECK_INT(json_count(post(w, "/listresources", "{'resourceOwner': 'SELF'}"), "resources"), 0);
    as(w, OTHER);
    CHECK_INT(json_count(post(w, "/getresourceshareinvitations", "{}"), "resourceShareInvitations"),
              0);
    as(w, OWNER);
    world_advance(w, 3601 * 1000);
    post(w, "/createresourceshare", "{'name': 'next'}");
    CHECK_INT(
        json_count(post(w, "/getresourceshares", "{'resourceOwner': 'SELF'}"), "resourceShares"),
        1);
    world_free(w);
}

TEST(an_invitation_is_answered_once_and_in_time)
{
    struct world *w = world_new_region(SMALL);
    const char *host = allocate(w, ""), *arn = share(w, host, GUEST);

    as(w, GUEST);
    const char *one = invitation(w);

    as(w, OTHER);
    refused(w, "ResourceShareInvitationArnNotFoundException", "/acceptresourceshareinvitation",
            test_fmt("{'resourceShareInvitationArn': '%s'}", one));
    refused(w, "MalformedArnException", "/acceptresourceshareinvitation",
            "{'resourceShareInvitationArn': 'x'}");
    as(w, GUEST);
    struct str reply = world_rest_okf(w, "ram", "POST", "/rejectresourceshareinvitation",
                                      "{'resourceShareInvitationArn': '%s'}", one);

    CHECK_STR(json_path(reply, "resourceShareInvitation.status"), "REJECTED");
    refused(w, "ResourceShareInvitationAlreadyRejectedException", "/acceptresourceshareinvitation",
            test_fmt("{'resourceShareInvitationArn': '%s'}", one));
    as(w, OWNER);
    reply = post(w, "/getresourceshareassociations", "{'associationType': 'PRINCIPAL'}");
    CHECK_STR(json_path(reply, "resourceShareAssociations.0.status"), "FAILED");
    world_rest_okf(w, "ram", "POST", "/associateresourceshare",
                   "{'resourceShareArn': '%s', 'principals': ['" GUEST "']}", arn);
    as(w, GUEST);
    one = invitation(w);
    world_advance(w, 7 * DAY_MS);
    refused(w, "ResourceShareInvitationExpiredException", "/acceptresourceshareinvitation",
            test_fmt("{'resourceShareInvitationArn': '%s'}", one));
    as(w, OWNER);
    world_rest_okf(w, "ram", "POST", "/disassociateresourceshare",
                   "{'resourceShareArn': '%s', 'principals': ['" GUEST "']}", arn);
    world_rest_okf(w, "ram", "POST", "/associateresourceshare",
                   "{'resourceShareArn': '%s', 'principals': ['" GUEST "']}", arn);
    as(w, GUEST);
    one = invitation(w);
    accept(w);
    refused(w, "ResourceShareInvitationAlreadyAcceptedException", "/rejectresourceshareinvitation",
            test_fmt("{'resourceShareInvitationArn': '%s'}", one));
    /* It may leave, and remove nobody else. */
    refused(w, "OperationNotPermittedException", "/disassociateresourceshare",
            test_fmt("{'resourceShareArn': '%s', 'resourceArns': ['%s']}", arn, arn_of(host)));
    world_rest_okf(w, "ram", "POST", "/disassociateresourceshare",
                   "{'resourceShareArn': '%s', 'principals': ['" GUEST "']}", arn);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId"), 0);
    world_free(w);
}

TEST(what_cannot_be_shared_is_refused)
{
    static const struct {
        const char *path, *json, *code;
    } bad[] = {
        {"/createresourceshare", "{'name': ''}", "InvalidParameterException"},
        {"/createresourceshare", "{'name': 'a', 'sources': ['1']}", "InvalidParameterException"},
        {"/createresourceshare", "{'name': 'a', 'principals': ['12']}",
         "InvalidParameterException"},
        {"/createresourceshare", "{'name': 'a', 'principals': ['" OWNER "']}",
         "InvalidParameterException"},
        {"/createresourceshare", "{'name': 'a', 'principals': ['arn:aws:iam::" GUEST ":role/x']}",
         "InvalidParameterException"},
        {"/createresourceshare",
         "{'name': 'a', 'allowExternalPrincipals': false, 'principals': ['" GUEST "']}",
         "OperationNotPermittedException"},
        {"/createresourceshare", "{'name': 'a', 'resourceArns': ['h-1']}", "MalformedArnException"},
        {"/createresourceshare",
         "{'name': 'a', 'resourceArns': ['arn:aws:ec2:us-east-1:" OWNER ":subnet/subnet-1']}",
         "MalformedArnException"},
        {"/createresourceshare",
         "{'name': 'a', 'resourceArns': ['arn:aws:ec2:us-east-1:" OWNER ":dedicated-host/h-1']}",
         "UnknownResourceException"},
        {"/createresourceshare",
         "{'name': 'a', 'permissionArns': ['arn:aws:ram::aws:permission/x']}",
         "UnknownResourceException"},
        {"/createresourceshare", "{'name': 'a', 'tags': [{'key': 'aws:x', 'value': ''}]}",
         "InvalidParameterException"},
        {"/associateresourceshare", "{'resourceShareArn': 'x', 'principals': ['" GUEST "']}",
         "MalformedArnException"},
        {"/associateresourceshare",
         "{'resourceShareArn': 'arn:aws:ram:us-east-1:" OWNER ":resource-share/x'}",
         "UnknownResourceException"},
        {"/getresourceshareassociations", "{'associationType': 'SOURCE'}",
         "InvalidParameterException"},
        {"/getresourceshareassociations", "{'associationType': 'PRINCIPAL', 'resourceArn': 'x'}",
         "InvalidParameterException"},
        {"/getresourceshareassociations", "{'associationType': 'RESOURCE', 'principal': 'x'}",
         "InvalidParameterException"},
        {"/getresourceshares", "{'resourceOwner': 'SELF', 'nextToken': 'x'}",
         "InvalidNextTokenException"},
        {"/listresources", "{'resourceOwner': 'SELF', 'resourceType': 'ec2:Subnet'}",
         "InvalidResourceTypeException"},
        {"/listprincipals", "{'resourceOwner': 'SELF', 'resourceType': 'ec2:Subnet'}",
         "InvalidParameterException"},
        {"/listresources",
         "{'resourceOwner': 'SELF', 'resourceShareArns': ['arn:aws:ram:us-east-1:x']}",
         "UnknownResourceException"},
        {"/tagresource", "{'tags': [{'key': 'a', 'value': 'b'}]}", "InvalidParameterException"},
    };
    struct world *w = world_new_region(SMALL);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(w, bad[i].code, bad[i].path, bad[i].json);
    CHECK_INT(
        json_count(post(w, "/getresourceshares", "{'resourceOwner': 'SELF'}"), "resourceShares"),
        0);
    /* An operation that is not there says so. */
    world_rest(w, "ram", "POST", "/getresourcepolicies", "{'resourceArns': ['x']}");
    CHECK_INT(w->http, 501);
    /* A share with accounts cannot be closed to them. */
    const char *host = allocate(w, ""), *arn = share(w, host, GUEST);

    refused(w, "OperationNotPermittedException", "/updateresourceshare",
            test_fmt("{'resourceShareArn': '%s', 'allowExternalPrincipals': false}", arn));
    world_free(w);
}

/* ---- host recovery ---- */

static void
fault_at(struct world *w, const char *place, bool on)
{
    struct txn *txn = world_begin(w);

    CHECK(ec2_fault_set(txn, S("host"), str_from(place), on, w->env.now_ms) == 0);
    store_commit(txn);
    world_settle(w);
}

static const char *
place_of(struct world *w, const char *host)
{
    struct txn *txn = world_begin(w);
    const char *place = test_cstr(ec2_dedicated_host_get(txn, str_from(host))->host);

    store_rollback(txn);
    return place;
}

static struct str
instance(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

TEST(a_host_that_fails_is_replaced_with_its_instances_and_its_shares, "DH-11 DH-14")
{
    struct world *w = world_new_region(SMALL);
    const char *host = allocate(w, "&HostRecovery=on&AutoPlacement=on");
    const char *mine = run_on(w, host);
    struct str xml = world_okf(w,
                               RUN "InstanceType=m5.large&Placement.HostId=%s&"
                                   "Placement.Affinity=host",
                               host);
    const char *asleep = test_cstr(xml_text(xml, "instanceId"));

    CHECK_STR(xml_text(describe(w, host), "hostRecovery"), "on");
    share(w, host, GUEST);
    as(w, GUEST);
    accept(w);
    const char *guest = run_on(w, host);

    as(w, OWNER);
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", asleep);
    world_advance(w, 60000);
    const char *address = test_cstr(xml_text(instance(w, mine), "privateIpAddress"));

    fault_at(w, place_of(w, host), true);
    CHECK_STR(xml_text(describe(w, host), "state"), "under-assessment");
    world_advance(w, 121000);
    world_crash(w);
    world_settle(w);
    CHECK_STR(xml_text(describe(w, host), "state"), "released-permanent-failure");
    xml = instance(w, mine);
    const char *next = test_cstr(xml_text(xml, "hostId"));

    CHECK(strcmp(next, host) != 0);
    CHECK_STR(xml_text(xml, "name"), "running");
    CHECK_STR(xml_text(xml, "privateIpAddress"), address);
    CHECK_STR(xml_text(instance(w, asleep), "hostId"), next);
    xml = describe(w, next);
    CHECK_STR(xml_text(xml, "state"), "available");
    CHECK_STR(xml_text(xml, "hostRecovery"), "on");
    CHECK_STR(xml_text(xml, "autoPlacement"), "on");
    CHECK_INT(xml_count(xml, "instanceId"), 2);
    CHECK(strcmp(place_of(w, next), test_cstr(host_of(w, str_from(mine)))) == 0);
    CHECK(str_eq(host_of(w, str_from(mine)), host_of(w, str_from(guest))));
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", asleep);
    /* The consumer's share goes on with the new host. */
    as(w, GUEST);
    CHECK_STR(xml_text(instance(w, guest), "hostId"), next);
    run_on(w, next);
    world_refusedf(w, "InvalidHostID.NotFound", NULL, "Action=DescribeHosts&HostId.1=%s", host);
    world_free(w);
}

TEST(without_host_recovery_instances_are_to_be_retired)
{
    struct world *w = world_new_region(SMALL);
    const char *host = allocate(w, ""), *id = run_on(w, host);

    world_refusedf(w, "UnsupportedOperation",
                   "The parameter HostMaintenance (on) is not implemented by Welkin",
                   "Action=ModifyHosts&HostId.1=%s&HostMaintenance=on", host);
    world_advance(w, 60000);
    fault_at(w, place_of(w, host), true);
    world_advance(w, 121000);
    CHECK_STR(xml_text(describe(w, host), "state"), "under-assessment");
    CHECK_STR(event_of(w, id), "The instance is running on degraded hardware");
    CHECK_STR(xml_text(instance(w, id), "hostId"), host);
    fault_at(w, place_of(w, host), false);
    CHECK_STR(xml_text(describe(w, host), "state"), "available");
    world_free(w);
}

TEST(a_host_recovers_when_there_is_room_and_goes_when_its_last_instance_has_gone)
{
    struct world *w = world_new_region(SMALL);
    /* its disks are in the hardware */
    struct str xml = world_ok(w, "Action=AllocateHosts&AvailabilityZone=us-east-1a&Quantity=1&"
                                 "InstanceType=m5d.large");
    const char *host = test_cstr(xml_text(xml_element(xml, "hostIdSet"), "item"));
    const char *id = test_cstr(xml_text(
        world_okf(w, RUN "InstanceType=m5d.large&Placement.HostId=%s", host), "instanceId"));

    world_okf(w, "Action=ModifyHosts&HostId.1=%s&HostRecovery=on", host);
    /* No other host is free. */
    const char *others[] = {allocate(w, ""), allocate(w, "")};

    world_advance(w, 60000);
    fault_at(w, place_of(w, host), true);
    world_advance(w, 121000);
    CHECK_STR(xml_text(describe(w, host), "state"), "under-assessment");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId"), 3);
    world_okf(w, "Action=ReleaseHosts&HostId.1=%s", others[0]);
    world_advance(w, 121000);
    CHECK_STR(xml_text(describe(w, host), "state"), "permanent-failure");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeHosts"), "hostId"), 4);
    CHECK_STR(event_of(w, id), "The instance is running on degraded hardware");
    world_refusedf(w, "InvalidHostState", NULL, RUN "InstanceType=m5d.large&Placement.HostId=%s",
                   host);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 60000);
    CHECK_STR(xml_text(describe(w, host), "state"), "released-permanent-failure");
    world_free(w);
}
