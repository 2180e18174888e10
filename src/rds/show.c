/* DB instances as the API shows them. */
#include "rds/rds.h"

static struct rds_PendingModifiedValues *
pending_show(struct api_call *call, const struct rds_instance_row *row)
{
    struct rds_PendingModifiedValues *out =
        ARENA_NEW(call->arena, struct rds_PendingModifiedValues);
    const struct {
        const char *name;
        struct opt_i64 *to;
    } numbers[] = {
        {"AllocatedStorage", &out->allocated_storage},
        {"Iops", &out->iops},
        {"Port", &out->port},
        {"StorageThroughput", &out->storage_throughput},
    };

    out->db_instance_class = rds_pair(&row->pending, "DBInstanceClass");
    out->storage_type = rds_pair(&row->pending, "StorageType");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct str v = rds_pair(&row->pending, numbers[i].name);

        numbers[i].to->set = v.p && str_to_i64(v, &numbers[i].to->v);
    }
    if (row->pending_verifier.n)
        out->master_user_password = S("****");
    return out;
}

static void
network_show(struct api_call *call, const struct rds_instance_row *row, struct rds_DBInstance *out)
{
    const struct rds_subnet_group_row *group =
        rds_subnet_group_by_name_get(call->txn, row->account, row->region, row->subnet_group);

    if (group) {
        out->db_subnet_group = ARENA_NEW(call->arena, struct rds_DBSubnetGroup);
        *out->db_subnet_group = rds_subnet_group_show(call, group);
    }
    LIST_EACH(&row->groups, id)
        *LIST_PUSH(call->arena, &out->vpc_security_groups) =
            (struct rds_VpcSecurityGroupMembership){.vpc_security_group_id = *id,
                                                    .status = S("active")};
    API_PRESENT(&out->db_security_groups);
    /* it is known when the engine is there */
    if (row->created_ms) {
        out->endpoint = ARENA_NEW(call->arena, struct rds_Endpoint);
        *out->endpoint = (struct rds_Endpoint){.address = row->address, .port = opt_i64(row->port)};
        out->instance_create_time = opt_i64(row->created_ms);
    }
}

struct rds_DBInstance *
rds_instance_show(struct api_call *call, const struct rds_instance_row *row)
{
    const struct rds_offer *offer = rds_offer_find(row->engine);
    struct rds_DBInstance *out = ARENA_NEW(call->arena, struct rds_DBInstance);

    assert(offer && rds_instance_ok(row));
    *out = (struct rds_DBInstance){
        .db_instance_identifier = row->name,
        .db_instance_class = row->class,
        .engine = row->engine,
        .db_instance_status = str_from(rds_sm.states[row->status].name),
        .master_username = row->master,
        .db_name = row->database.n ? row->database : STR_NONE,
        .allocated_storage = opt_i64(row->storage_gib),
        .preferred_backup_window = row->backup_window,
        .backup_retention_period = opt_i64(row->retention_days),
        .availability_zone = row->status == RDS_CREATING && !row->created_ms ? STR_NONE : row->zone,
        .preferred_maintenance_window = row->maintenance_window,
        .pending_modified_values = pending_show(call, row),
        .multi_az = opt_bool(false),
        .engine_version = row->engine_version,
        .auto_minor_version_upgrade = opt_bool(row->auto_minor),
        .license_model = str_from(offer->licence),
        .publicly_accessible = opt_bool(row->public),
        .storage_type = row->storage_type,
        .db_instance_port = opt_i64(0),
        .storage_encrypted = opt_bool(false),
        .dbi_resource_id = row->id,
        .ca_certificate_identifier = S("rds-ca-rsa2048-g1"),
        .copy_tags_to_snapshot = opt_bool(row->copy_tags),
        .monitoring_interval = opt_i64(0),
        .db_instance_arn = rds_arn(call, "db", row->name),
        .iam_database_authentication_enabled = opt_bool(false),
        .database_insights_mode = S("standard"),
        .performance_insights_enabled = opt_bool(false),
        .deletion_protection = opt_bool(row->protected),
        .tag_list = rds_tags_show(call->arena, &row->tags),
        .customer_owned_ip_enabled = opt_bool(false),
        .network_type = S("IPV4"),
        .backup_target = S("region"),
        .dedicated_log_volume = opt_bool(false),
        .is_storage_config_upgrade_available = opt_bool(false),
        .engine_lifecycle_support = S("open-source-rds-extended-support"),
    };
    if (row->iops)
        out->iops = opt_i64(row->iops);
    if (row->throughput)
        out->storage_throughput = opt_i64(row->throughput);
    assert(out->db_instance_status.n > 0 && row->parameter_group.n > 0);
    *LIST_PUSH(call->arena, &out->db_parameter_groups) = (struct rds_DBParameterGroupStatus){
        .db_parameter_group_name = row->parameter_group,
        .parameter_apply_status = row->parameters_wait ? S("pending-reboot") : S("in-sync"),
    };
    *LIST_PUSH(call->arena, &out->option_group_memberships) = (struct rds_OptionGroupMembership){
        .option_group_name = str_from(offer->option_group), .status = S("in-sync")};
    network_show(call, row, out);
    API_PRESENT(&out->read_replica_db_instance_identifiers);
    API_PRESENT(&out->domain_memberships);
    API_PRESENT(&out->associated_roles);
    return out;
}

/* ---- DescribeDBInstances ---- */

static bool
value_matches(const struct rds_instance_row *row, struct str arn, struct str name, struct str value)
{
    if (str_is(name, "db-instance-id"))
        return str_eq_nocase(value, row->name) || str_eq(value, arn);
    if (str_is(name, "dbi-resource-id"))
        return str_eq(value, row->id);
    return str_is(name, "engine") && str_eq(value, row->engine);
}

static bool
filters_match(struct api_call *call, const struct rds_FilterList *filters,
              const struct rds_instance_row *row)
{
    struct str arn = rds_arn(call, "db", row->name);

    LIST_EACH(filters, f) {
        bool any = false;

        LIST_EACH(&f->values, v)
            any = any || value_matches(row, arn, f->name, *v);
        if (!any)
            return false;
    }
    return true;
}

static int
filters_check(struct api_call *call, const struct rds_FilterList *filters)
{
    static const char *const names[] = {"db-cluster-id", "db-instance-id", "dbi-resource-id",
                                        "domain", "engine"};

    LIST_EACH(filters, f) {
        size_t i = 0;

        while (i < ARRAY_LEN(names) && !str_is(f->name, names[i]))
            i++;
        if (i == ARRAY_LEN(names))
            return RDS_INVALID(call, "Unrecognized filter name: %.*s", STR_ARG(f->name));
    }
    return 0;
}

int
rds_describe_db_instances(struct api_call *call, const struct rds_DescribeDBInstancesMessage *req,
                          struct rds_DBInstanceMessage *res)
{
    const struct rds_instance_row *wanted = NULL;
    struct api_page page;
    int r = filters_check(call, &req->filters);

    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r)
        return r;
    if (req->db_instance_identifier.n) {
        wanted = rds_instance_look(call, req->db_instance_identifier);
        if (!wanted)
            return api_fault(call, &RDS_ERR(DBInstanceNotFound), "DBInstance %.*s not found.",
                             STR_ARG(req->db_instance_identifier));
    }
    API_PRESENT(&res->db_instances);
    STORE_EACH(call->txn, rds_instance_by_owner, row, call->account, call->region) {
        if ((wanted && wanted != row) || !filters_match(call, &req->filters, row))
            continue;
        if (api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->db_instances) = *rds_instance_show(call, row);
        if (page.more)
            break;
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}
