/*
 * StartInstances, StopInstances, RebootInstances, TerminateInstances.
 *
 * They write what shall be; the host, which watches the rows, does it, and the reconciler moves
 * the instance on when it is done.  A call is all or nothing: every id is looked at before the
 * first row changes.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "ec2/volume.h"

static int
wrong_state(struct api_call *call, const struct ec2_instance_row *row, const char *what)
{
    return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                     "The instance '%.*s' is not in a state from which it can be %s.",
                     STR_ARG(row->id), what);
}

static int
not_permitted(struct api_call *call, const struct ec2_instance_row *row, const char *what,
              const char *attribute)
{
    return api_fault(call, &EC2_ERR(OperationNotPermitted),
                     "The instance '%.*s' may not be %s. Modify its '%s' instance attribute and "
                     "try again.",
                     STR_ARG(row->id), what, attribute);
}

/* {id, what it is now, what it was} */
static void
show_change(struct api_call *call, struct ec2_InstanceStateChangeList *list, struct str id,
            int64_t before, int64_t after)
{
    struct ec2_InstanceStateChange *change = LIST_PUSH(call->arena, list);
    struct ec2_InstanceState *states = ARENA_ARRAY(call->arena, struct ec2_InstanceState, 2);

    states[0] = ec2_instance_state_show(after);
    states[1] = ec2_instance_state_show(before);
    *change = (struct ec2_InstanceStateChange){
        .instance_id = id, .current_state = &states[0], .previous_state = &states[1]};
}

/* ---- start ---- */

static int
start_public_address(struct api_call *call, struct ec2_instance_row *row)
{
    const struct ec2_interface_row *interface = ec2_interface_get(call->txn, row->interface_id);

    /* AWS gives none to an instance with several interfaces. */
    if (!interface || !interface->auto_public || row->more_interfaces)
        return 0;
    return ec2_interface_set_public(call, interface, true, &row->public_ip);
}

static int
start(struct api_call *call, const struct ec2_instance_row *row)
{
    struct ec2_instance_row new = *row;
    bool may = true;

    assert(row->state == EC2_STOPPED);
    int r = ec2_instance_fits(call, row);

    if (r == 0)
        r = start_public_address(call, &new);
    if (r == 0)
        r = ec2_vcpus_take(call, &new);
    if (r == 0)
        r = ec2_instance_place(call, &new);
    if (r == 0)
        r = ec2_volumes_unseal(call, new.id, &may);
    if (r)
        return r;
    assert(new.host.n > 0);
    new.launch_error = may ? S("") : S(INSTANCE_NO_KEY);
    /* AWS promises nothing for longer; the host lets go of the memory and boots. */
    if (call->now_ms > new.hibernated_ms + INSTANCE_HIBERNATED_MS_MAX)
        new.hibernated = false;
    new.launched_ms = call->now_ms;
    new.start_generation++;
    return ec2_instance_move(call->txn, &new, EC2_PENDING, call->now_ms, INSTANCE_WHY_PENDING);
}

int
ec2_start_instances(struct api_call *call, const struct ec2_StartInstancesRequest *req,
                    struct ec2_StartInstancesResult *res)
{
    struct ec2_instance_rows rows;
    int r = req->additional_info.n ? ec2_unsupported_parameter(call, "AdditionalInfo")
                                   : ec2_instances_find(call, &req->instance_ids, &rows);

    if (r)
        return r;
    LIST_EACH(&rows, row)
        if ((*row)->state != EC2_STOPPED && (*row)->state != EC2_RUNNING &&
            (*row)->state != EC2_PENDING)
            return wrong_state(call, *row, "started");
    LIST_EACH(&rows, row) {
        bool stopped = (*row)->state == EC2_STOPPED;

        r = stopped ? start(call, *row) : 0;
        if (r)
            return r;
        show_change(call, &res->starting_instances, (*row)->id, (*row)->state,
                    stopped ? EC2_PENDING : (*row)->state);
    }
    return 0;
}

/* ---- stop ---- */

static int
check_stop(struct api_call *call, const struct ec2_instance_row *row, bool hibernate)
{
    if (row->state == EC2_PENDING && row->start_generation == 1)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "Instance '%.*s' cannot be stopped as it has never reached the 'running' "
                         "state.",
                         STR_ARG(row->id));
    if (row->state == EC2_SHUTTING_DOWN || row->state == EC2_TERMINATED)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "This instance '%.*s' is not in a state from which it can be stopped.",
                         STR_ARG(row->id));
    if (row->disable_api_stop && row->state != EC2_STOPPED && row->state != EC2_STOPPING)
        return not_permitted(call, row, "stopped", "disableApiStop");
    return hibernate ? ec2_hibernate_check(call, row) : 0;
}

static int
stop(struct api_call *call, struct ec2_instance_row *row, bool hibernate)
{
    if (row->state != EC2_RUNNING && row->state != EC2_PENDING)
        return 0;
    assert(!hibernate || row->state == EC2_RUNNING);
    row->hibernated = hibernate;
    row->hibernated_ms = hibernate ? call->now_ms : 0;
    return ec2_instance_move(call->txn, row, EC2_STOPPING, call->now_ms,
                             hibernate ? ec2_instance_why_hibernate(call->arena, call->now_ms)
                                       : ec2_instance_why_user(call->arena, call->now_ms));
}

int
ec2_stop_instances(struct api_call *call, const struct ec2_StopInstancesRequest *req,
                   struct ec2_StopInstancesResult *res)
{
    struct ec2_instance_rows rows;
    bool hibernate = opt_bool_or(req->hibernate, false);
    int r = ec2_instances_find(call, &req->instance_ids, &rows);

    /* Force asks for what happens anyway: a guest that does not shut down in time is killed. */
    if (r == 0 && opt_bool_or(req->skip_os_shutdown, false))
        r = ec2_unsupported_parameter(call, "SkipOsShutdown");
    if (r)
        return r;
    LIST_EACH(&rows, row) {
        r = check_stop(call, *row, hibernate);
        if (r)
            return r;
    }
    LIST_EACH(&rows, row) {
        struct ec2_instance_row new = **row;

        r = stop(call, &new, hibernate);
        if (r)
            return r;
        show_change(call, &res->stopping_instances, new.id, (*row)->state, new.state);
    }
    return 0;
}

/* ---- reboot ---- */

int
ec2_reboot_instances(struct api_call *call, const struct ec2_RebootInstancesRequest *req,
                     struct ec2_RebootInstancesResult *res UNUSED)
{
    struct ec2_instance_rows rows;
    int r = ec2_instances_find(call, &req->instance_ids, &rows);

    if (r)
        return r;
    LIST_EACH(&rows, row)
        if ((*row)->state != EC2_RUNNING)
            return wrong_state(call, *row, "rebooted");
    LIST_EACH(&rows, row) {
        struct ec2_instance_row new = **row;

        new.reboot_generation++;
        /* Reboot migration: it comes up on other hardware, so the reason of the event is gone. */
        if (!str_is(new.reboot_migration, "disabled")) {
            r = ec2_events_end(call->txn, new.id, "system-reboot", call->now_ms);
            if (r)
                return r;
        }
        assert(ec2_instance_ok(&new));
        r = ec2_instance_update(call->txn, &new);
        if (r)
            return r;
    }
    return 0;
}

/* ---- terminate ---- */

/* A stopped instance has no machine to wait for: EC2 answers `terminated` at once. */
static enum ec2_instance_state
terminate_next(const struct ec2_instance_row *row)
{
    assert(sm_allows(&ec2_instance_sm, (unsigned)row->state, EC2_SHUTTING_DOWN) ||
           row->state == EC2_STOPPED);
    return row->state == EC2_STOPPED ? EC2_TERMINATED : EC2_SHUTTING_DOWN;
}

int
ec2_terminate_instances(struct api_call *call, const struct ec2_TerminateInstancesRequest *req,
                        struct ec2_TerminateInstancesResult *res)
{
    struct ec2_instance_rows rows;
    int r = ec2_instances_find(call, &req->instance_ids, &rows);

    /* SkipOsShutdown and Force ask for what happens anyway: the machine is killed. */
    if (r)
        return r;
    LIST_EACH(&rows, row)
        if ((*row)->disable_api_termination && (*row)->state != EC2_TERMINATED)
            return not_permitted(call, *row, "terminated", "disableApiTermination");
    LIST_EACH(&rows, row) {
        struct ec2_instance_row new = **row;

        if (new.state != EC2_SHUTTING_DOWN &&new.state != EC2_TERMINATED) {
            r = ec2_instance_move(call->txn, &new, terminate_next(*row), call->now_ms,
                                  ec2_instance_why_user(call->arena, call->now_ms));
            if (r)
                return r;
        }
        show_change(call, &res->terminating_instances, new.id, (*row)->state, new.state);
    }
    return 0;
}
