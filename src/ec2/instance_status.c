/*
 * How instances fare: DescribeInstanceStatus, ReportInstanceStatus, GetConsoleOutput and
 * DescribeInstanceCreditSpecifications.
 *
 * The system check asks whether the instance's hardware works: it fails while a fault covers the
 * place where the instance runs.  The instance check asks whether the guest answers on the
 * network.  A guest is heard as soon as it asks for an address, a name or its metadata; one that
 * never does (it may need none) passes after a minute; after that the host asks each minute, and
 * one that does not answer, or whose process 1 crashed, fails.
 */
#include "ec2/instance.h"

/* Texts and structures that never differ. */
#define SUMMARY(summary, summary_status, check_status)                                             \
    static struct ec2_InstanceStatusDetails summary##_details = {                                  \
        .name = S_INIT("reachability"), .status = S_INIT(check_status)};                           \
    static struct ec2_InstanceStatusSummary summary = {                                            \
        .details = {.v = &summary##_details, .n = 1}, .status = S_INIT(summary_status)}
SUMMARY(summary_ok, "ok", "passed");
SUMMARY(summary_initializing, "initializing", "initializing");
static struct ec2_InstanceStatusSummary summary_none = {.status = S_INIT("not-applicable")};
static struct ec2_EbsStatusDetails ebs_details = {.name = S_INIT("reachability"),
                                                  .status = S_INIT("passed")};
static struct ec2_EbsStatusSummary ebs_ok = {.status = S_INIT("ok"),
                                             .details = {.v = &ebs_details, .n = 1}};
static struct ec2_EbsStatusSummary ebs_none = {.status = S_INIT("not-applicable")};
static struct ec2_OperatorResponse not_managed = {.managed = {false, true}};

static struct ec2_InstanceStatusSummary *
impaired_since(struct api_call *call, int64_t since_ms)
{
    struct ec2_InstanceStatusSummary *out =
        ARENA_NEW(call->arena, struct ec2_InstanceStatusSummary);

    assert(since_ms > 0);
    *LIST_PUSH(call->arena, &out->details) = (struct ec2_InstanceStatusDetails){
        .impaired_since = opt_i64(since_ms), .name = S("reachability"), .status = S("failed")};
    out->status = S("impaired");
    return out;
}

static struct ec2_InstanceStatusSummary *
system_summary(struct api_call *call, const struct ec2_instance_row *row,
               const struct ec2_fault_row *fault)
{
    if (row->state != EC2_RUNNING)
        return &summary_none;
    return fault ? impaired_since(call, fault->since_ms) : &summary_ok;
}

/* Nothing answers from hardware that fails. */
static struct ec2_InstanceStatusSummary *
guest_summary(struct api_call *call, const struct ec2_instance_row *row,
              const struct ec2_fault_row *fault)
{
    const struct host_machine_row *machine = host_machine_get(call->txn, row->id);

    if (row->state != EC2_RUNNING)
        return &summary_none;
    if (fault)
        return impaired_since(call, fault->since_ms);
    if (!machine || machine->start_generation != row->start_generation)
        return &summary_initializing;
    if (machine->phase == HOST_DOWN && machine->exit_kind == HOST_EXIT_CRASHED)
        return impaired_since(call, row->state_since_ms);
    if (machine->unreached_ms)
        return impaired_since(call, machine->unreached_ms);
    if (machine->phase != HOST_UP && machine->phase != HOST_STOPPING)
        return &summary_initializing;
    if (!machine->reached_ms && call->now_ms < machine->booted_ms + INSTANCE_INITIALIZING_MS)
        return &summary_initializing;
    return &summary_ok;
}

static void
status_show(struct ec2_instance_shower *s, const struct ec2_instance_row *row,
            struct ec2_InstanceStatus *out)
{
    struct api_call *call = s->call;
    bool runs = row->state == EC2_RUNNING;
    const struct ec2_fault_row *fault = ec2_fault_of(call->txn, row);
    struct ec2_InstanceState *state = ARENA_NEW(call->arena, struct ec2_InstanceState);

    *state = ec2_instance_state_show(row->state);
    *out = (struct ec2_InstanceStatus){
        .availability_zone = row->zone,
        .availability_zone_id = ec2_instance_zone_id(s, row->zone),
        .operator = &not_managed,
        .instance_id = row->id,
        .instance_state = state,
        .events = ec2_events_show(call, row->id),
        .instance_status = guest_summary(call, row, fault),
        .system_status = system_summary(call, row, fault),
        .attached_ebs_status = runs ? &ebs_ok : &ebs_none,
    };
}

/* ---- DescribeInstanceStatus ---- */

static const struct api_filter status_filters[] = {
    {"attached-ebs-status.status", "AttachedEbsStatus.Status"},
    {"availability-zone", "AvailabilityZone"},
    {"availability-zone-id", "AvailabilityZoneId"},
    {"event.code", "Events.Code"},
    {"event.description", "Events.Description"},
    {"event.instance-event-id", "Events.InstanceEventId"},
    {"event.not-after", "Events.NotAfter"},
    {"event.not-before", "Events.NotBefore"},
    {"event.not-before-deadline", "Events.NotBeforeDeadline"},
    {"instance-state-code", "InstanceState.Code"},
    {"instance-state-name", "InstanceState.Name"},
    {"instance-status.reachability", "InstanceStatus.Details.Status"},
    {"instance-status.status", "InstanceStatus.Status"},
    {"operator.managed", "Operator.Managed"},
    {"operator.principal", "Operator.Principal"},
    {"system-status.reachability", "SystemStatus.Details.Status"},
    {"system-status.status", "SystemStatus.Status"},
};

const struct api_filter_table ec2_instance_status_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InstanceStatus, status_filters);

int
ec2_describe_instance_status(struct api_call *call,
                             const struct ec2_DescribeInstanceStatusRequest *req,
                             struct ec2_DescribeInstanceStatusResult *res)
{
    const struct ec2_instance_walk_want want = {.table = &ec2_instance_status_filter_table,
                                                .filters = &req->filters,
                                                .ids = &req->instance_ids,
                                                .token = req->next_token,
                                                .max_results = req->max_results};
    bool all = opt_bool_or(req->include_all_instances, false);
    const struct ec2_instance_row *row;
    struct ec2_instance_shower shower;
    struct ec2_instance_walk walk;
    struct ec2_InstanceStatus one;
    int r = ec2_instance_walk(call, &want, &walk);

    if (r)
        return r;
    ec2_instance_shower_init(&shower, call);
    API_PRESENT(&res->instance_statuses);
    while ((row = ec2_instance_walk_next(&walk))) {
        if (!all && row->state != EC2_RUNNING)
            continue;
        status_show(&shower, row, &one);
        if (api_filter_match(&walk.listing.filters, &one) && ec2_instance_walk_take(&walk, row))
            *LIST_PUSH(call->arena, &res->instance_statuses) = one;
    }
    res->next_token = ec2_listing_next(call, &walk.listing);
    return 0;
}

/* ---- ReportInstanceStatus ---- */

/* Kept for the operator: on AWS too it changes nothing that a customer sees. */
static int
report_put(struct api_call *call, const struct ec2_ReportInstanceStatusRequest *req, struct str id)
{
    const struct ec2_status_report_row row = {
        .id = id,
        .status = req->status,
        .reason_codes = req->reason_codes,
        .description = req->description,
        .started_ms = opt_i64_or(req->start_time, 0),
        .ended_ms = opt_i64_or(req->end_time, 0),
        .reported_ms = call->now_ms,
    };
    int r = ec2_status_report_get(call->txn, id) ? ec2_status_report_update(call->txn, &row)
                                                 : ec2_status_report_insert(call->txn, &row);

    assert(id.n > 0);
    return r < 0 ? error_origin(-r, "the report of %.*s cannot be written", STR_ARG(id)) : 0;
}

int
ec2_report_instance_status(struct api_call *call,
                           const struct ec2_ReportInstanceStatusRequest *req,
                           struct ec2_ReportInstanceStatusResult *res UNUSED)
{
    struct ec2_instance_rows rows;
    int r = ec2_instances_find(call, &req->instances, &rows);

    if (r)
        return r;
    LIST_EACH(&rows, row)
        if ((*row)->state != EC2_RUNNING)
            return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                             "The instance '%.*s' is not in the 'running' state.",
                             STR_ARG((*row)->id));
    LIST_EACH(&rows, row) {
        r = report_put(call, req, (*row)->id);
        if (r)
            return r;
    }
    return 0;
}

/* ---- DescribeInstanceCreditSpecifications ---- */

static const struct api_filter credit_filters[] = {
    {"instance-id", "InstanceId"},
};

const struct api_filter_table ec2_credit_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InstanceCreditSpecification, credit_filters);

/* Without ids only the unlimited ones are listed; with ids each is, "standard" if it is no T. */
int
ec2_describe_instance_credit_specifications(
    struct api_call *call, const struct ec2_DescribeInstanceCreditSpecificationsRequest *req,
    struct ec2_DescribeInstanceCreditSpecificationsResult *res)
{
    const struct ec2_instance_walk_want want = {.table = &ec2_credit_filter_table,
                                                .filters = &req->filters,
                                                .ids = &req->instance_ids,
                                                .token = req->next_token,
                                                .max_results = req->max_results};
    const struct ec2_instance_row *row;
    struct ec2_instance_walk walk;
    int r = ec2_instance_walk(call, &want, &walk);

    if (r)
        return r;
    API_PRESENT(&res->instance_credit_specifications);
    while ((row = ec2_instance_walk_next(&walk))) {
        const struct ec2_InstanceCreditSpecification one = {
            .instance_id = row->id,
            .cpu_credits = row->cpu_credits.n ? row->cpu_credits : S("standard"),
        };

        if (row->state == EC2_TERMINATED ||
            (!walk.by_id && !str_is(row->cpu_credits, "unlimited")))
            continue;
        if (api_filter_match(&walk.listing.filters, &one) && ec2_instance_walk_take(&walk, row))
            *LIST_PUSH(call->arena, &res->instance_credit_specifications) = one;
    }
    res->next_token = ec2_listing_next(call, &walk.listing);
    return 0;
}

/* ---- GetConsoleOutput ---- */

int
ec2_get_console_output(struct api_call *call, const struct ec2_GetConsoleOutputRequest *req,
                       struct ec2_GetConsoleOutputResult *res)
{
    const struct api_machines *machines = api_machines(call);
    const struct ec2_instance_row *row;
    struct str text = S("");
    int64_t printed_ms = 0;
    int r = ec2_instance_find(call, req->instance_id, &row);

    /* Latest asks for what is answered anyway: the console as it is now. */
    if (r == 0 && machines)
        r = machines->console(machines->ctx, call->arena, row->id, &text, &printed_ms);
    if (r)
        return r;
    res->instance_id = row->id;
    res->timestamp = opt_i64(text.n ? printed_ms : call->now_ms);
    if (text.n)
        res->output = str_base64(call->arena, text);
    return 0;
}
