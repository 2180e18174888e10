/*
 * Detailed monitoring, switched on and off.
 *
 * The state is what it is: DescribeInstances and the instance's own metadata tell it.  The metrics
 * that it makes finer are CloudWatch's.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"

static int
monitor_check(struct api_call *call, const struct ec2_instance_row *row)
{
    if (row->state != EC2_SHUTTING_DOWN && row->state != EC2_TERMINATED)
        return 0;
    return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                     "The instance '%.*s' is not in a state from which its monitoring can be "
                     "changed.",
                     STR_ARG(row->id));
}

/* All of them or none.  A change is answered as on its way: `pending`, `disabling`. */
static int
monitor(struct api_call *call, const struct str_list *ids, bool on,
        struct ec2_InstanceMonitoringList *ret)
{
    struct ec2_instance_rows rows;
    int r = ec2_instances_find(call, ids, &rows);

    if (r)
        return r;
    API_PRESENT(ret);
    LIST_EACH(&rows, row) {
        struct ec2_instance_row new = **row;
        bool changes = new.monitoring != on;
        struct ec2_Monitoring *shown = ARENA_NEW(call->arena, struct ec2_Monitoring);

        r = monitor_check(call, *row);
        new.monitoring = on;
        assert(r || ec2_instance_ok(&new));
        if (r == 0 && changes)
            r = ec2_instance_update(call->txn, &new);
        if (r)
            return r;
        shown->state = on ? (changes ? S("pending") : S("enabled"))
                          : (changes ? S("disabling") : S("disabled"));
        *LIST_PUSH(call->arena, ret) =
            (struct ec2_InstanceMonitoring){.instance_id = new.id, .monitoring = shown};
    }
    return 0;
}

int
ec2_monitor_instances(struct api_call *call, const struct ec2_MonitorInstancesRequest *req,
                      struct ec2_MonitorInstancesResult *res)
{
    return monitor(call, &req->instance_ids, true, &res->instance_monitorings);
}

int
ec2_unmonitor_instances(struct api_call *call, const struct ec2_UnmonitorInstancesRequest *req,
                        struct ec2_UnmonitorInstancesResult *res)
{
    return monitor(call, &req->instance_ids, false, &res->instance_monitorings);
}
