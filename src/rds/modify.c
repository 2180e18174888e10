/*
 * ModifyDBInstance.  What the engine does not notice is done at once; a password, as soon as the
 * engine can take it; class and storage wait for the maintenance window unless ApplyImmediately.
 */
#include "rds/rds.h"

static int
refuse(struct api_call *call, const struct rds_ModifyDBInstanceMessage *r,
       const struct rds_instance_row *row)
{
    const struct rds_offer *offer = rds_offer_find(row->engine);
    const struct rds_refusal list[] = {
        {rds_differs(r->db_subnet_group_name, row->subnet_group), "DBSubnetGroupName"},
        {r->db_security_groups.n > 0, "DBSecurityGroups"},
        {opt_bool_or(r->multi_az, false), "MultiAZ"},
        {rds_differs(r->engine_version, row->engine_version) &&
             !str_is(r->engine_version, offer->major),
         "EngineVersion"},
        {rds_differs(r->license_model, str_from(offer->licence)), "LicenseModel"},
        {rds_differs(r->option_group_name, str_from(offer->option_group)), "OptionGroupName"},
        {r->new_db_instance_identifier.n > 0, "NewDBInstanceIdentifier"},
        {r->tde_credential_arn.n > 0, "TdeCredentialArn"},
        {r->tde_credential_password.n > 0, "TdeCredentialPassword"},
        {rds_differs(r->ca_certificate_identifier, S("rds-ca-rsa2048-g1")),
         "CACertificateIdentifier"},
        {r->domain.n > 0, "Domain"},
        {r->domain_fqdn.n > 0, "DomainFqdn"},
        {r->domain_ou.n > 0, "DomainOu"},
        {r->domain_auth_secret_arn.n > 0, "DomainAuthSecretArn"},
        {r->domain_dns_ips.n > 0, "DomainDnsIps"},
        {r->domain_iam_role_name.n > 0, "DomainIAMRoleName"},
        {opt_i64_or(r->monitoring_interval, 0) != 0, "MonitoringInterval"},
        {r->monitoring_role_arn.n > 0, "MonitoringRoleArn"},
        {r->publicly_accessible.set && r->publicly_accessible.v != row->public,
         "PubliclyAccessible"},
        {r->promotion_tier.set, "PromotionTier"},
        {opt_bool_or(r->enable_iam_database_authentication, false),
         "EnableIAMDatabaseAuthentication"},
        {rds_differs(r->database_insights_mode, S("standard")), "DatabaseInsightsMode"},
        {opt_bool_or(r->enable_performance_insights, false), "EnablePerformanceInsights"},
        {r->performance_insights_kms_key_id.n > 0, "PerformanceInsightsKMSKeyId"},
        {r->performance_insights_retention_period.set, "PerformanceInsightsRetentionPeriod"},
        {r->cloudwatch_logs_export_configuration != NULL, "CloudwatchLogsExportConfiguration"},
        {r->processor_features.n > 0, "ProcessorFeatures"},
        {opt_i64_or(r->max_allocated_storage, 0) != 0, "MaxAllocatedStorage"},
        {r->replica_mode.n > 0, "ReplicaMode"},
        {rds_differs(r->automation_mode, S("full")), "AutomationMode"},
        {r->resume_full_automation_mode_minutes.set, "ResumeFullAutomationModeMinutes"},
        {opt_bool_or(r->enable_customer_owned_ip, false), "EnableCustomerOwnedIp"},
        {rds_differs(r->network_type, S("IPV4")), "NetworkType"},
        {r->aws_backup_recovery_point_arn.n > 0, "AwsBackupRecoveryPointArn"},
        {opt_bool_or(r->manage_master_user_password, false), "ManageMasterUserPassword"},
        {opt_bool_or(r->rotate_master_user_password, false), "RotateMasterUserPassword"},
        {r->master_user_secret_kms_key_id.n > 0, "MasterUserSecretKmsKeyId"},
        {opt_bool_or(r->multi_tenant, false), "MultiTenant"},
        {opt_bool_or(r->dedicated_log_volume, false), "DedicatedLogVolume"},
        {rds_differs(r->engine, row->engine), "Engine"},
        {r->additional_storage_volumes.n > 0, "AdditionalStorageVolumes"},
        {r->tag_specifications.n > 0, "TagSpecifications"},
        {rds_differs(r->master_user_authentication_type, S("password")),
         "MasterUserAuthenticationType"},
        /* these change how others are carried out, and none of those is */
        {opt_bool_or(r->allow_major_version_upgrade, false) && r->engine_version.n,
         "AllowMajorVersionUpgrade"},
        {r->certificate_rotation_restart.set, "CertificateRotationRestart"},
        {opt_bool_or(r->use_default_processor_features, false), "UseDefaultProcessorFeatures"},
        {opt_bool_or(r->disable_domain, false), "DisableDomain"},
    };

    assert(offer);
    return rds_refuse_first(call, list, ARRAY_LEN(list));
}

/* ---- at once ---- */

static int
settings_change(struct api_call *call, const struct rds_ModifyDBInstanceMessage *req,
                struct rds_instance_row *row)
{
    const struct rds_offer *offer = rds_offer_find(row->engine);
    int r = 0;

    assert(offer && rds_instance_ok(row));
    row->protected = opt_bool_or(req->deletion_protection, row->protected);
    row->auto_minor = opt_bool_or(req->auto_minor_version_upgrade, row->auto_minor);
    row->copy_tags = opt_bool_or(req->copy_tags_to_snapshot, row->copy_tags);
    row->retention_days = opt_i64_or(req->backup_retention_period, row->retention_days);
    if (row->retention_days < 0 || row->retention_days > RDS_RETENTION_DAYS_MAX)
        return RDS_INVALID(call, "Invalid backup retention period: %lld. Must be between 0 and %d",
                           (long long)row->retention_days, RDS_RETENTION_DAYS_MAX);
    r = rds_windows_set(call, req->preferred_backup_window, req->preferred_maintenance_window, row);
    if (r == 0 && rds_differs(req->db_parameter_group_name, row->parameter_group)) {
        r = rds_parameter_group_set(call, offer, req->db_parameter_group_name, row);
        row->parameters_wait = true;
    }
    if (r == 0 && req->vpc_security_group_ids.n) {
        r = rds_groups_set(call, &req->vpc_security_group_ids, row);
        if (r == 0)
            r = rds_machine_groups(call, row);
    }
    if (r == 0 && row->retention_days == 0)
        r = rds_snapshots_expire(call, row, true);
    return r;
}

/* ---- what waits ---- */

static void
number_pend(struct api_call *call, struct rds_instance_row *row, const char *name,
            struct opt_i64 value, int64_t is)
{
    char room[STR_I64_MAX];

    assert(name[0] && is >= 0);
    if (value.set && value.v != is)
        rds_pair_set(call, &row->pending, str_from(name),
                     str_dup(call->arena, str_i64(value.v, room)));
}

/* Storage grows, by a tenth at least. */
static int
storage_pend(struct api_call *call, const struct rds_ModifyDBInstanceMessage *req,
             struct rds_instance_row *row)
{
    struct rds_instance_row then = *row;

    then.storage_gib = opt_i64_or(req->allocated_storage, row->storage_gib);
    then.iops = opt_i64_or(req->iops, row->iops);
    then.throughput = opt_i64_or(req->storage_throughput, row->throughput);
    if (req->storage_type.n)
        then.storage_type = req->storage_type;
    if (then.storage_gib < row->storage_gib)
        return RDS_COMBINATION(call,
                               "Invalid storage size for engine name %.*s and storage type %.*s: "
                               "%lld. Requested storage cannot be less than the current storage.",
                               STR_ARG(row->engine), STR_ARG(then.storage_type),
                               (long long)then.storage_gib);
    if (then.storage_gib > row->storage_gib && then.storage_gib * 10 < row->storage_gib * 11)
        return RDS_COMBINATION(call, "Storage must be increased by at least 10%%.");
    int r = rds_storage_check(call, &then);

    if (r)
        return r;
    number_pend(call, row, "AllocatedStorage", req->allocated_storage, row->storage_gib);
    number_pend(call, row, "Iops", req->iops, row->iops);
    number_pend(call, row, "StorageThroughput", req->storage_throughput, row->throughput);
    if (rds_differs(req->storage_type, row->storage_type))
        rds_pair_set(call, &row->pending, S("StorageType"), req->storage_type);
    return 0;
}

static int
pend(struct api_call *call, const struct rds_ModifyDBInstanceMessage *req,
     struct rds_instance_row *row)
{
    const struct rds_offer *offer = rds_offer_find(row->engine);
    struct str type;
    int r = 0;

    assert(offer && row->pending.n % 2 == 0);
    if (rds_differs(req->db_instance_class, row->class)) {
        r = rds_class_check(call, offer, req->db_instance_class, &type);
        rds_pair_set(call, &row->pending, S("DBInstanceClass"), req->db_instance_class);
    }
    if (r == 0 && (req->allocated_storage.set || req->iops.set || req->storage_throughput.set ||
                   req->storage_type.n))
        r = storage_pend(call, req, row);
    if (r == 0 && req->db_port_number.set &&
        (req->db_port_number.v < 1150 || req->db_port_number.v > 65535))
        r = RDS_INVALID(call, "Invalid port: %lld. Valid values: 1150-65535",
                        (long long)req->db_port_number.v);
    number_pend(call, row, "Port", req->db_port_number, row->port);
    if (r == 0 && req->master_user_password.p)
        r = rds_password_set(call, offer, req->master_user_password, &row->pending_verifier);
    row->now = row->now || opt_bool_or(req->apply_immediately, false) || req->db_port_number.set;
    return r;
}

/* ---- beginning with it ---- */

static void
take_number(const struct rds_instance_row *row, const char *name, int64_t *to)
{
    struct str v = rds_pair(&row->pending, name);

    if (v.p)
        str_to_i64(v, to);
}

static int
storage_begin(struct api_call *call, struct rds_instance_row *row)
{
    const struct rds_instance_row was = *row;
    struct str type = rds_pair(&row->pending, "StorageType");

    take_number(row, "AllocatedStorage", &row->storage_gib);
    take_number(row, "Iops", &row->iops);
    take_number(row, "StorageThroughput", &row->throughput);
    if (type.p)
        row->storage_type = type;
    assert(row->storage_gib >= was.storage_gib); /* storage grows only */
    if (!type.p && was.storage_gib == row->storage_gib && was.iops == row->iops &&
        was.throughput == row->throughput)
        return 0;
    int r = rds_machine_storage(call, row);

    return r || was.storage_gib == row->storage_gib
               ? r
               : rds_event_put(call, RDS_EVENT_STORAGE_BEGIN, row->name);
}

int
rds_modify_begin(struct api_call *call, struct rds_instance_row *row)
{
    bool class = row->now && rds_pair(&row->pending, "DBInstanceClass").p;
    int r = 0;

    assert(row->status == RDS_AVAILABLE);
    if (row->pending_verifier.n) {
        row->verifier = row->pending_verifier;
        row->pending_verifier = S("");
        r = rds_event_put(call, RDS_EVENT_PASSWORD, row->name);
    }
    if (r == 0 && row->now) {
        take_number(row, "Port", &row->port);
        r = storage_begin(call, row);
    }
    if (r == 0 && class)
        r = rds_event_put(call, RDS_EVENT_CLASS_BEGIN, row->name);
    if (r == 0)
        r = class ? rds_machine_power(call, row, "StopInstances") : rds_machine_tell(call, row);
    if (r > 0)
        return RDS_COMBINATION(call, "The modification cannot be carried out: %.*s",
                               STR_ARG(str_dup(call->arena, call->fault.message)));
    assert(row->verifier.n > 0 && !row->pending_verifier.n);
    return r ? r
             : rds_instance_move(call, row, row->now ? RDS_MODIFYING : RDS_RESETTING,
                                 class ? RDS_STEP_HALT : RDS_STEP_ENGINE);
}

int
rds_modify_db_instance(struct api_call *call, const struct rds_ModifyDBInstanceMessage *req,
                       struct rds_ModifyDBInstanceResult *res)
{
    struct rds_instance_row row;
    int r = rds_instance_find(call, req->db_instance_identifier, &row);

    /* a stopped one may lose its protection */
    if (r == 0 && row.status != RDS_AVAILABLE && row.status != RDS_BACKING_UP &&
        row.status != RDS_STOPPED)
        r = api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                      "Database instance is not in available state.");
    if (r == 0)
        r = refuse(call, req, &row);
    if (r == 0)
        r = settings_change(call, req, &row);
    if (r == 0)
        r = pend(call, req, &row);
    if (r == 0 && row.status == RDS_STOPPED && (row.pending.n || row.pending_verifier.n))
        r = api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                      "Database instance is not in available state.");
    row.now = row.now && row.pending.n > 0;
    if (r == 0)
        r = rds_instance_save(call, &row);
    res->db_instance = r ? NULL : rds_instance_show(call, &row); /* as it was before */
    if (r == 0 && row.status == RDS_AVAILABLE && (row.now || row.pending_verifier.n))
        r = rds_modify_begin(call, &row);
    return r;
}
