/* Event windows, and the events that keep to them. */
#include "ec2/event_window.h"
#include "base/timefmt.h"
#include "harness/world.h"

#define AMI "ami-009d6802948d06e52"
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define CRON "CronExpression=*%200-4,20-23%20*%20*%201,5"
#define MISSING "iew-0123456789abcdef0"

static const char *
run(struct world *w, const char *more)
{
    struct str xml = world_okf(
        w, "Action=RunInstances&ImageId=" AMI "&InstanceType=t3.micro&MinCount=1&MaxCount=1%s",
        more);

    world_advance(w, 61000);
    return xml_cstr(xml, "instanceId");
}

static const char *
make(struct world *w, const char *form)
{
    return xml_cstr(world_okf(w, "Action=CreateInstanceEventWindow&%s", form),
                    "instanceEventWindowId");
}

static const char *
of_cron(struct world *w, const char *hours, const char *days)
{
    return make(w, str_fmt(test_arena(), "CronExpression=*%%20%s%%20*%%20*%%20%s", hours, days).p);
}

static struct str
show(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstanceEventWindows&InstanceEventWindowId.1=%s", id);
}

static int64_t
now_ms(struct world *w)
{
    return w->env.env.now_ms(&w->env.env);
}

/* The start of an event that is made now for a moment `at_ms`. */
static int64_t
starts(struct world *w, const char *id, const char *code, int64_t at_ms, struct str *ret_end)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    const struct ec2_event_want want = {.instance_id = str_from(id),
                                        .code = str_from(code),
                                        .not_before_ms = at_ms,
                                        .not_after_ms = at_ms + 2 * HOUR_MS,
                                        .deadline_ms = at_ms + DAY_MS};
    struct str event;
    int64_t start_ms = 0;

    CHECK_INT(ec2_event_make(txn, &w->env.env, test_arena(), &want, &event), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_settle(w);
    struct str xml = world_okf(w,
                               "Action=DescribeInstanceStatus&Filter.1.Name=event.instance-event-id"
                               "&Filter.1.Value.1=%.*s",
                               STR_ARG(event));
    struct str item = str_cut(xml, str_find(xml, event), xml.n);

    CHECK(time_parse_iso(xml_text(item, "notBefore"), &start_ms));
    if (ret_end)
        *ret_end = xml_text(item, "notAfter");
    return start_ms;
}

/* Midnight before the next day of that number, Sunday is 0, that begins in more than a day. */
static int64_t
next_day(struct world *w, int weekday)
{
    int64_t ms = (now_ms(w) / DAY_MS + 2) * DAY_MS;

    while (time_civil(ms).weekday != weekday)
        ms += DAY_MS;
    return ms;
}

TEST(the_filters_of_event_windows_resolve)
{
    CHECK(!api_filter_table_error(&ec2_event_window_filter_table));
}

TEST(an_event_window_is_made_changed_shown_and_deleted)
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=CreateInstanceEventWindow&Name=nights"
                                 "&TimeRange.1.StartWeekDay=monday&TimeRange.1.StartHour=2"
                                 "&TimeRange.1.EndWeekDay=wednesday&TimeRange.1.EndHour=8"
                                 "&TagSpecification.1.ResourceType=instance-event-window"
                                 "&TagSpecification.1.Tag.1.Key=Team"
                                 "&TagSpecification.1.Tag.1.Value=ops");
    const char *id = xml_cstr(xml, "instanceEventWindowId");

    CHECK(str_starts(str_from(id), S("iew-")));
    CHECK_STR(xml_text(xml, "state"), "creating");
    xml = show(w, id);
    CHECK_STR(xml_text(xml, "name"), "nights");
    CHECK_STR(xml_text(xml, "state"), "active");
    CHECK_STR(xml_text(xml, "startWeekDay"), "monday");
    CHECK_STR(xml_text(xml, "startHour"), "2");
    CHECK_STR(xml_text(xml, "endWeekDay"), "wednesday");
    CHECK_STR(xml_text(xml, "endHour"), "8");
    CHECK_STR(xml_text(xml, "key"), "Team");
    CHECK(!xml_count(xml, "cronExpression"));
    CHECK(!xml_count(xml, "associationTarget"));
    xml = world_okf(w, "Action=ModifyInstanceEventWindow&InstanceEventWindowId=%s&%s", id, CRON);
    CHECK_STR(xml_text(xml, "cronExpression"), "* 0-4,20-23 * * 1,5");
    CHECK_INT(xml_count(xml, "startHour"), 0);
    world_okf(w, "Action=ModifyInstanceEventWindow&InstanceEventWindowId=%s&Name=days", id);
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=a&Tag.1.Value=b", id);
    world_crash(w);
    xml = show(w, id);
    CHECK_STR(xml_text(xml, "name"), "days");
    CHECK_STR(xml_text(xml, "cronExpression"), "* 0-4,20-23 * * 1,5");
    CHECK_INT(xml_count(xml, "key"), 2);
    xml = world_okf(w, "Action=DeleteInstanceEventWindow&InstanceEventWindowId=%s", id);
    CHECK_STR(xml_text(xml, "state"), "deleting");
    CHECK_STR(xml_text(xml, "instanceEventWindowId"), id);
    world_refusedf(w, "InvalidInstanceEventWindowID.NotFound", NULL,
                   "Action=DescribeInstanceEventWindows&InstanceEventWindowId.1=%s", id);
    world_free(w);
}

TEST(the_times_of_an_event_window_have_rules)
{
    static const struct {
        const char *code, *form;
    } bad[] = {
        {"MissingParameter", "Name=x"},
        {"InvalidParameterCombination",
         CRON "&TimeRange.1.StartWeekDay=monday&TimeRange.1.StartHour=2"
              "&TimeRange.1.EndWeekDay=monday&TimeRange.1.EndHour=8"},
        /* three hours in all; one hour of a range; no end */
        {"InvalidParameterValue", "TimeRange.1.StartWeekDay=monday&TimeRange.1.StartHour=2"
                                  "&TimeRange.1.EndWeekDay=monday&TimeRange.1.EndHour=5"},
        {"InvalidParameterValue", "TimeRange.1.StartWeekDay=monday&TimeRange.1.StartHour=2"
                                  "&TimeRange.1.EndWeekDay=monday&TimeRange.1.EndHour=3"},
        {"InvalidParameterValue", "TimeRange.1.StartWeekDay=monday&TimeRange.1.StartHour=2"},
        {"InvalidParameterValue", "CronExpression=*%200-1%20*%20*%20*"},
        {"InvalidParameterValue", "CronExpression=*%200-3%20*%20*%201"},
        {"InvalidParameterValue", "CronExpression=5%200-4%20*%20*%201"},
        {"InvalidParameterValue", "CronExpression=*%200-4%20*%20*"},
        {"InvalidParameterValue", CRON "&TagSpecification.1.ResourceType=instance"
                                       "&TagSpecification.1.Tag.1.Key=a"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, NULL, "Action=CreateInstanceEventWindow&%s", bad[i].form);
    world_refused(w, "InvalidInstanceEventWindowID.NotFound", NULL,
                  "Action=ModifyInstanceEventWindow&Name=a&InstanceEventWindowId=" MISSING);
    world_refused(w, "InvalidInstanceEventWindowID.Malformed", NULL,
                  "Action=DeleteInstanceEventWindow&InstanceEventWindowId=iew-x");
    world_free(w);
}

TEST(a_target_is_in_one_event_window_and_a_window_has_one_kind_of_them)
{
    struct world *w = world_new();
    const char *one = make(w, CRON), *two = make(w, CRON), *id = run(w, "");
    struct str xml = world_okf(w,
                               "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                               "&AssociationTarget.InstanceId.1=%s",
                               one, id);

    CHECK_STR(xml_text(xml_element(xml, "associationTarget"), "item"), id);
    world_refusedf(w, "Resource.AlreadyAssociated", NULL,
                   "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "&AssociationTarget.InstanceId.1=%s",
                   two, id);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "&AssociationTarget.InstanceTag.1.Key=a",
                   one);
    world_refusedf(w, "InvalidInstanceID.NotFound", NULL,
                   "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "&AssociationTarget.InstanceId.1=i-0123456789abcdef0",
                   one);
    world_refusedf(w, "InvalidHostID.NotFound", NULL,
                   "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "&AssociationTarget.DedicatedHostId.1=h-0123456789abcdef0",
                   two);
    world_refusedf(w, "MissingParameter", NULL,
                   "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "",
                   two);
    world_refusedf(w, "DependencyViolation", NULL,
                   "Action=DeleteInstanceEventWindow&InstanceEventWindowId=%s", one);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DisassociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "&AssociationTarget.InstanceId.1=%s",
                   two, id);
    CHECK_INT(xml_count(world_okf(w,
                                  "Action=DisassociateInstanceEventWindow&InstanceEventWindowId=%s"
                                  "&AssociationTarget.InstanceId.1=%s",
                                  one, id),
                        "associationTarget"),
              0);
    /* what is terminated leaves its window */
    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceId.1=%s",
              two, id);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_INT(xml_count(show(w, two), "associationTarget"), 0);
    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceTag.1.Key=Env&AssociationTarget.InstanceTag.1.Value=prod",
              two);
    world_okf(w, "Action=DeleteInstanceEventWindow&InstanceEventWindowId=%s&ForceDelete=true", two);
    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceTag.1.Key=Env&AssociationTarget.InstanceTag.1.Value=prod",
              one); /* the tag was set free */
    world_free(w);
}

TEST(event_windows_are_limited_listed_by_pages_and_found_by_filters)
{
    struct world *w = world_new();
    const char *id = make(w, CRON "&Name=wanted&TagSpecification.1.Tag.1.Key=Team"
                                  "&TagSpecification.1.Tag.1.Value=ops"
                                  "&TagSpecification.1.ResourceType=instance-event-window");
    static const char *const found[] = {"event-window-name&Filter.1.Value.1=want*",
                                        "instance-tag&Filter.1.Value.1=Env=prod",
                                        "instance-tag-key&Filter.1.Value.1=Env",
                                        "instance-tag-value&Filter.1.Value.1=prod",
                                        "tag:Team&Filter.1.Value.1=ops",
                                        "tag-key&Filter.1.Value.1=Team",
                                        "tag-value&Filter.1.Value.1=ops"};
    struct str xml, token;

    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceTag.1.Key=Env&AssociationTarget.InstanceTag.1.Value=prod",
              id);
    for (unsigned i = 1; i < 200; i++)
        make(w, CRON);
    world_refused(w, "InstanceEventWindowLimitExceeded", NULL,
                  "Action=CreateInstanceEventWindow&" CRON);
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        xml = world_okf(w, "Action=DescribeInstanceEventWindows&Filter.1.Name=%s", found[i]);
        CHECK_INT(xml_count(xml, "instanceEventWindowId"), 1);
        CHECK_STR(xml_text(xml, "instanceEventWindowId"), id);
    }
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstanceEventWindows"
                                    "&Filter.1.Name=instance-id&Filter.1.Value.1=i-*"),
                        "instanceEventWindowId"),
              0);
    xml = world_ok(w, "Action=DescribeInstanceEventWindows&MaxResults=150");
    CHECK_INT(xml_count(xml, "instanceEventWindowId"), 150);
    token = xml_text(xml, "nextToken");
    xml = world_okf(w, "Action=DescribeInstanceEventWindows&MaxResults=150&NextToken=%.*s",
                    STR_ARG(token));
    CHECK_INT(xml_count(xml, "instanceEventWindowId"), 50);
    CHECK(!xml_count(xml, "nextToken"));
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=DescribeInstanceEventWindows&MaxResults=19");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=DescribeInstanceEventWindows&MaxResults=20&InstanceEventWindowId.1=%s",
                   id);
    /* another Region and another account see none of them */
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstanceEventWindows"), "state"), 0);
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "InvalidInstanceEventWindowID.NotFound", NULL,
                   "Action=DeleteInstanceEventWindow&InstanceEventWindowId=%s", id);
    world_free(w);
}

TEST(a_window_takes_a_hundred_instances_or_fifty_tags)
{
    struct world *w = world_new();
    const char *id = make(w, CRON);

    for (unsigned i = 0; i < 50; i++)
        world_okf(w,
                  "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                  "&AssociationTarget.InstanceTag.1.Key=k%u",
                  id, i);
    world_refusedf(w, "InstanceEventWindowAssociationLimitExceeded", NULL,
                   "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
                   "&AssociationTarget.InstanceTag.1.Key=k50",
                   id);
    CHECK_INT(xml_count(xml_element(show(w, id), "associationTarget"), "key"), 50);
    world_free(w);
}

TEST(an_event_happens_within_the_window_of_its_instance)
{
    struct world *w = world_new();
    const char *id = run(w, ""), *other = run(w, "");
    /* Tuesdays and Wednesdays from 21:00 to 23:00 */
    const char *window = of_cron(w, "21-23", "TUE,3");
    int64_t tuesday = next_day(w, 2), at_ms;
    struct str end;

    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceId.1=%s",
              window, id);
    at_ms = starts(w, id, "instance-reboot", tuesday + 5 * HOUR_MS, &end);
    CHECK_INT(at_ms, tuesday + 21 * HOUR_MS);
    CHECK(str_eq(end, time_iso(test_arena(), tuesday + 23 * HOUR_MS)));
    /* within it an event keeps its time, and ends with the window */
    at_ms = starts(w, id, "instance-stop", tuesday + 22 * HOUR_MS + 60000, &end);
    CHECK_INT(at_ms, tuesday + 22 * HOUR_MS + 60000);
    CHECK(str_eq(end, time_iso(test_arena(), tuesday + 23 * HOUR_MS)));
    /* behind its end: the next day, or the next week */
    CHECK_INT(starts(w, id, "system-reboot", tuesday + 23 * HOUR_MS, NULL),
              tuesday + DAY_MS + 21 * HOUR_MS);
    CHECK_INT(starts(w, id, "instance-retirement", tuesday + 2 * DAY_MS, NULL),
              tuesday + 7 * DAY_MS + 21 * HOUR_MS);
    /* maintenance of the network does not wait; an instance without a window has no hours */
    CHECK_INT(starts(w, id, "system-maintenance", tuesday + HOUR_MS, NULL), tuesday + HOUR_MS);
    CHECK_INT(starts(w, other, "instance-reboot", tuesday + HOUR_MS, NULL), tuesday + HOUR_MS);
    /* another window changes nothing that is scheduled */
    world_okf(w,
              "Action=ModifyInstanceEventWindow&InstanceEventWindowId=%s"
              "&CronExpression=*%%201-5%%20*%%20*%%200",
              window);
    CHECK_INT(
        xml_count(world_okf(w,
                            "Action=DescribeInstanceStatus&Filter.1.Name=event.not-before"
                            "&Filter.1.Value.1=%.*s",
                            STR_ARG(world_code(w, time_iso(test_arena(), tuesday + 21 * HOUR_MS)))),
                  "instanceStatus"),
        1);
    world_jump(w, tuesday + 22 * HOUR_MS + 120000 - now_ms(w));
    world_advance(w, 1000);
    CHECK_STR(xml_text(xml_element(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id),
                                   "instanceState"),
                       "name"),
              "stopped");
    world_free(w);
}

TEST(a_window_of_tags_or_of_a_dedicated_host_is_for_its_instances)
{
    struct world *w = world_new();
    const char *host =
        xml_cstr(xml_element(world_ok(w, "Action=AllocateHosts&InstanceType=m5.large&Quantity=1"
                                         "&AvailabilityZone=us-east-1a&AutoPlacement=on"),
                             "hostIdSet"),
                 "item");
    const char *tagged = run(w, "&TagSpecification.1.ResourceType=instance"
                                "&TagSpecification.1.Tag.1.Key=Env"
                                "&TagSpecification.1.Tag.1.Value=prod");
    const char *on_host = xml_cstr(world_ok(w, "Action=RunInstances&ImageId=" AMI
                                               "&InstanceType=m5.large&Placement.Tenancy=host"
                                               "&MinCount=1&MaxCount=1"),
                                   "instanceId");
    const char *of_tag = of_cron(w, "8-12", "MON"), *of_host = of_cron(w, "8-12", "FRI");
    int64_t sunday = next_day(w, 0);

    world_advance(w, 61000);
    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceTag.1.Key=Env&AssociationTarget.InstanceTag.1.Value=prod",
              of_tag);
    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.DedicatedHostId.1=%s",
              of_host, host);
    CHECK_INT(starts(w, tagged, "instance-reboot", sunday, NULL), sunday + DAY_MS + 8 * HOUR_MS);
    CHECK_INT(starts(w, on_host, "instance-reboot", sunday, NULL),
              sunday + 5 * DAY_MS + 8 * HOUR_MS);
    /* the instance's own window goes before that of its host */
    const char *own = of_cron(w, "8-12", "WED");

    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceId.1=%s",
              own, on_host);
    CHECK_INT(starts(w, on_host, "instance-reboot", sunday, NULL),
              sunday + 3 * DAY_MS + 8 * HOUR_MS);
    world_okf(w, "Action=DeleteTags&ResourceId.1=%s&Tag.1.Key=Env", tagged);
    CHECK_INT(starts(w, tagged, "instance-reboot", sunday + HOUR_MS, NULL), sunday + HOUR_MS);
    world_free(w);
}

TEST(a_retirement_for_failed_hardware_waits_for_the_event_window)
{
    struct world *w = world_new();
    const char *id = run(w, "&Placement.AvailabilityZone=us-east-1a"), *window;
    struct txn *txn;
    int64_t now, start_ms = 0;
    char day[2] = {0};

    /* a window on the day before the one that is two weeks from now: nearly a week later */
    now = now_ms(w);
    day[0] = (char)('0' + (time_civil(now).weekday + 6) % 7);
    window = of_cron(w, "0-4", day);
    world_okf(w,
              "Action=AssociateInstanceEventWindow&InstanceEventWindowId=%s"
              "&AssociationTarget.InstanceId.1=%s",
              window, id);
    world_okf(w, "Action=ModifyInstanceMaintenanceOptions&InstanceId=%s&AutoRecovery=disabled", id);
    txn = store_begin(cloud_store(w->cloud));
    struct str host = str_dup(test_arena(), ec2_instance_get(txn, str_from(id))->host);
    const struct ec2_fault_row row = {.id = str_cat(test_arena(), S("host:"), host),
                                      .kind = S("host"),
                                      .target = host,
                                      .since_ms = now};

    CHECK_INT(ec2_fault_insert(txn, &row), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_advance(w, 121000);
    struct str xml =
        xml_element(world_okf(w, "Action=DescribeInstanceStatus&InstanceId.1=%s", id), "eventsSet");

    CHECK_STR(xml_text(xml, "code"), "instance-retirement");
    CHECK(time_parse_iso(xml_text(xml, "notBefore"), &start_ms));
    CHECK(start_ms >= now + 14 * DAY_MS && start_ms < now + 21 * DAY_MS);
    CHECK_INT(time_civil(start_ms).weekday, day[0] - '0');
    CHECK_INT(time_civil(start_ms).hour, 0);
    world_free(w);
}
