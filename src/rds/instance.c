/* DB instances: their states, and what is asked of one that is there. */
#include "rds/rds.h"

static const struct sm_state states[] = {
    [RDS_CREATING] = {"creating", 0,
                      SM_TO(RDS_BACKING_UP) | SM_TO(RDS_AVAILABLE) | SM_TO(RDS_FAILED) |
                          SM_TO(RDS_DELETING)},
    [RDS_BACKING_UP] = {"backing-up", 0, SM_TO(RDS_AVAILABLE) | SM_TO(RDS_DELETING)},
    [RDS_AVAILABLE] = {"available", 0,
                       SM_TO(RDS_BACKING_UP) | SM_TO(RDS_MODIFYING) | SM_TO(RDS_RESETTING) |
                           SM_TO(RDS_REBOOTING) | SM_TO(RDS_STOPPING) | SM_TO(RDS_STARTING) |
                           SM_TO(RDS_DELETING) | SM_TO(RDS_FAILED)},
    [RDS_MODIFYING] = {"modifying", 0,
                       SM_TO(RDS_AVAILABLE) | SM_TO(RDS_DELETING) | SM_TO(RDS_FAILED)},
    [RDS_RESETTING] = {"resetting-master-credentials", 0,
                       SM_TO(RDS_AVAILABLE) | SM_TO(RDS_DELETING) | SM_TO(RDS_FAILED)},
    [RDS_REBOOTING] = {"rebooting", 0,
                       SM_TO(RDS_AVAILABLE) | SM_TO(RDS_DELETING) | SM_TO(RDS_FAILED)},
    [RDS_STOPPING] = {"stopping", 0, SM_TO(RDS_STOPPED) | SM_TO(RDS_DELETING)},
    [RDS_STOPPED] = {"stopped", 0, SM_TO(RDS_STARTING) | SM_TO(RDS_DELETING)},
    [RDS_STARTING] = {"starting", 0,
                      SM_TO(RDS_AVAILABLE) | SM_TO(RDS_FAILED) | SM_TO(RDS_DELETING)},
    [RDS_DELETING] = {"deleting", 0, SM_FINAL},
    [RDS_FAILED] = {"failed", 0, SM_TO(RDS_DELETING)},
};
const struct sm rds_sm = {"DB instance", states, ARRAY_LEN(states)};

const struct rds_instance_row *
rds_instance_look(struct api_call *call, struct str name)
{
    /* operations take an ARN as well */
    struct str prefix = rds_arn(call, "db", S("")), lower = str_lower(call->arena, name);
    const struct rds_instance_row *row;

    if (str_starts(lower, prefix))
        lower = str_cut(lower, prefix.n, lower.n);
    row = rds_instance_by_name_get(call->txn, call->account, call->region, lower);
    assert(!row || rds_instance_ok(row));
    return row;
}

int
rds_instance_find(struct api_call *call, struct str name, struct rds_instance_row *ret)
{
    const struct rds_instance_row *row = rds_instance_look(call, name);

    if (!row)
        return api_fault(call, &RDS_ERR(DBInstanceNotFound), "DBInstance %.*s not found.",
                         STR_ARG(name));
    *ret = *row;
    return 0;
}

int
rds_instance_save(struct api_call *call, const struct rds_instance_row *row)
{
    assert(rds_instance_ok(row));
    return rds_written(rds_instance_update(call->txn, row), "DB instance", row->name);
}

int
rds_instance_move(struct api_call *call, struct rds_instance_row *row, enum rds_status to,
                  enum rds_step step)
{
    if ((int64_t)to != row->status && !sm_allows(&rds_sm, (unsigned)row->status, to))
        return error_origin(EPROTO, "DB instance %.*s cannot go from %s to %s", STR_ARG(row->name),
                            states[row->status].name, states[to].name);
    assert(to != RDS_AVAILABLE || step == RDS_STEP_NONE);
    assert(to != RDS_FAILED || step == RDS_STEP_NONE);
    row->status = to;
    row->step = step;
    row->since_ms = call->now_ms;
    return rds_instance_save(call, row);
}

/* ---- reboot, stop, start ---- */

int
rds_reboot_db_instance(struct api_call *call, const struct rds_RebootDBInstanceMessage *req,
                       struct rds_RebootDBInstanceResult *res)
{
    struct rds_instance_row row;
    int r = rds_instance_find(call, req->db_instance_identifier, &row);

    if (r == 0 && row.status != RDS_AVAILABLE)
        r = api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                      "Database instance is not in available state.");
    if (r == 0 && opt_bool_or(req->force_failover, false))
        r = RDS_COMBINATION(call,
                            "ForceFailover can only be specified for a Multi-AZ DB instance.");
    if (r)
        return r;
    assert(row.instance_id.n > 0);
    row.restarts++;
    row.parameters = rds_parameters_of(call, &row);
    row.parameters_wait = false;
    r = rds_machine_tell(call, &row);
    if (r == 0)
        r = rds_instance_move(call, &row, RDS_REBOOTING, RDS_STEP_ENGINE);
    if (r == 0)
        r = rds_event_put(call, RDS_EVENT_SHUT_DOWN, row.name);
    res->db_instance = r ? NULL : rds_instance_show(call, &row);
    return r;
}

int
rds_stop_db_instance(struct api_call *call, const struct rds_StopDBInstanceMessage *req,
                     struct rds_StopDBInstanceResult *res)
{
    struct rds_instance_row row;
    struct rds_snapshot_row snapshot;
    struct str name = STR_NONE;
    int r = rds_instance_find(call, req->db_instance_identifier, &row);

    if (r == 0 && row.status != RDS_AVAILABLE)
        r = api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                      "Instance %.*s is not in available state.", STR_ARG(row.name));
    if (r == 0 && req->db_snapshot_identifier.p)
        r = rds_snapshot_name_free(call, "DBSnapshotIdentifier", req->db_snapshot_identifier,
                                   &name);
    if (r == 0 && name.p)
        r = rds_snapshot_begin(call, &row, name, "manual", NULL, &snapshot);
    if (r == 0 && !name.p)
        r = rds_machine_power(call, &row, "StopInstances");
    if (r == 0)
        r = rds_instance_move(call, &row, RDS_STOPPING, name.p ? RDS_STEP_SNAPSHOT : RDS_STEP_HALT);
    res->db_instance = r ? NULL : rds_instance_show(call, &row);
    return r;
}

int
rds_start_db_instance(struct api_call *call, const struct rds_StartDBInstanceMessage *req,
                      struct rds_StartDBInstanceResult *res)
{
    struct rds_instance_row row;
    int r = rds_instance_find(call, req->db_instance_identifier, &row);

    if (r == 0 && row.status != RDS_STOPPED)
        r = api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                      "Instance %.*s is not stopped, it cannot be started.", STR_ARG(row.name));
    if (r)
        return r;
    row.parameters = rds_parameters_of(call, &row);
    row.parameters_wait = false;
    r = rds_machine_tell(call, &row);
    if (r == 0)
        r = rds_machine_power(call, &row, "StartInstances");
    if (r > 0)
        r = api_fault(call, &RDS_ERR(InsufficientDBInstanceCapacity), "%.*s",
                      STR_ARG(str_dup(call->arena, call->fault.message)));
    if (r == 0)
        r = rds_instance_move(call, &row, RDS_STARTING, RDS_STEP_ENGINE);
    res->db_instance = r ? NULL : rds_instance_show(call, &row);
    return r;
}

/* ---- delete ---- */

static int
delete_check(struct api_call *call, const struct rds_DeleteDBInstanceMessage *req,
             const struct rds_instance_row *row, struct str *ret_final)
{
    bool skip = opt_bool_or(req->skip_final_snapshot, false);

    assert(rds_instance_ok(row));
    *ret_final = STR_NONE;
    if (row->status == RDS_DELETING)
        return api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                         "Instance %.*s is already being deleted.", STR_ARG(row->name));
    if (row->protected)
        return RDS_COMBINATION(call, "Cannot delete protected DB Instance, please disable deletion "
                                     "protection and try again.");
    if (skip && req->final_db_snapshot_identifier.p)
        return RDS_COMBINATION(call, "FinalDBSnapshotIdentifier can not be specified when "
                                     "SkipFinalSnapshot is true");
    if (skip)
        return 0;
    if (!req->final_db_snapshot_identifier.p)
        return RDS_COMBINATION(call, "FinalDBSnapshotIdentifier is required unless "
                                     "SkipFinalSnapshot is specified.");
    if (row->status != RDS_AVAILABLE && row->status != RDS_STOPPED)
        return api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                         "Cannot create a snapshot because the database instance %.*s is not "
                         "currently in the available state.",
                         STR_ARG(row->name));
    return rds_snapshot_name_free(call, "FinalDBSnapshotIdentifier",
                                  req->final_db_snapshot_identifier, ret_final);
}

int
rds_delete_db_instance(struct api_call *call, const struct rds_DeleteDBInstanceMessage *req,
                       struct rds_DeleteDBInstanceResult *res)
{
    struct rds_instance_row row;
    struct rds_snapshot_row snapshot;
    struct str final = STR_NONE;
    int r = rds_instance_find(call, req->db_instance_identifier, &row);
    const struct rds_refusal refused[] = {
        {!opt_bool_or(req->delete_automated_backups, true), "DeleteAutomatedBackups"},
    };

    if (r == 0)
        r = rds_refuse_first(call, refused, ARRAY_LEN(refused));
    if (r == 0)
        r = delete_check(call, req, &row, &final);
    if (r == 0 && final.p)
        r = rds_snapshot_begin(call, &row, final, "manual", NULL, &snapshot);
    if (r == 0 && !final.p)
        r = rds_machine_power(call, &row, "TerminateInstances");
    if (r == 0)
        r = rds_instance_move(call, &row, RDS_DELETING, final.p ? RDS_STEP_SNAPSHOT : RDS_STEP_END);
    res->db_instance = r ? NULL : rds_instance_show(call, &row);
    return r;
}
