/*
 * CreateDBInstance.  Each member of the request is carried out, says no more than the default, or
 * is refused by its name.
 */
#include "rds/rds.h"

#include "api/actor.h"
#include "codec/crypto.h"
#include "gen/api/iam.h"
#include "gen/store/iam_rows.h"

/* ---- what is not implemented ---- */

static bool
engine_is_bad(const struct rds_CreateDBInstanceMessage *r, const struct rds_offer *offer)
{
    return rds_differs(r->license_model, str_from(offer->licence)) ||
           rds_differs(r->option_group_name, str_from(offer->option_group));
}

static int
refuse(struct api_call *call, const struct rds_CreateDBInstanceMessage *r,
       const struct rds_offer *offer)
{
    const struct rds_refusal list[] = {
        {opt_bool_or(r->multi_az, false), "MultiAZ"},
        {engine_is_bad(r, offer), "LicenseModel or OptionGroupName"},
        {r->character_set_name.n > 0, "CharacterSetName"},
        {r->nchar_character_set_name.n > 0, "NcharCharacterSetName"},
        {r->db_cluster_identifier.n > 0, "DBClusterIdentifier"},
        {r->tde_credential_arn.n > 0, "TdeCredentialArn"},
        {r->tde_credential_password.n > 0, "TdeCredentialPassword"},
        {opt_bool_or(r->storage_encrypted, false), "StorageEncrypted"},
        {r->kms_key_id.n > 0, "KmsKeyId"},
        {r->domain.n > 0, "Domain"},
        {r->domain_fqdn.n > 0, "DomainFqdn"},
        {r->domain_ou.n > 0, "DomainOu"},
        {r->domain_auth_secret_arn.n > 0, "DomainAuthSecretArn"},
        {r->domain_dns_ips.n > 0, "DomainDnsIps"},
        {r->domain_iam_role_name.n > 0, "DomainIAMRoleName"},
        {opt_i64_or(r->monitoring_interval, 0) != 0, "MonitoringInterval"},
        {r->monitoring_role_arn.n > 0, "MonitoringRoleArn"},
        {r->promotion_tier.set, "PromotionTier"},
        {r->timezone.n > 0, "Timezone"},
        {opt_bool_or(r->enable_iam_database_authentication, false),
         "EnableIAMDatabaseAuthentication"},
        {rds_differs(r->database_insights_mode, S("standard")), "DatabaseInsightsMode"},
        {opt_bool_or(r->enable_performance_insights, false), "EnablePerformanceInsights"},
        {r->performance_insights_kms_key_id.n > 0, "PerformanceInsightsKMSKeyId"},
        {r->performance_insights_retention_period.set, "PerformanceInsightsRetentionPeriod"},
        {r->enable_cloudwatch_logs_exports.n > 0, "EnableCloudwatchLogsExports"},
        {r->processor_features.n > 0, "ProcessorFeatures"},
        {opt_bool_or(r->enable_customer_owned_ip, false), "EnableCustomerOwnedIp"},
        {rds_differs(r->network_type, S("IPV4")), "NetworkType"},
        {rds_differs(r->backup_target, S("region")), "BackupTarget"},
        {r->custom_iam_instance_profile.n > 0, "CustomIamInstanceProfile"},
        {r->db_system_id.n > 0, "DBSystemId"},
        {rds_differs(r->ca_certificate_identifier, S("rds-ca-rsa2048-g1")),
         "CACertificateIdentifier"},
        {opt_bool_or(r->manage_master_user_password, false), "ManageMasterUserPassword"},
        {r->master_user_secret_kms_key_id.n > 0, "MasterUserSecretKmsKeyId"},
        {opt_bool_or(r->multi_tenant, false), "MultiTenant"},
        {opt_bool_or(r->dedicated_log_volume, false), "DedicatedLogVolume"},
        {rds_differs(r->engine_lifecycle_support, S("open-source-rds-extended-support")),
         "EngineLifecycleSupport"},
        {r->additional_storage_volumes.n > 0, "AdditionalStorageVolumes"},
        {rds_differs(r->master_user_authentication_type, S("password")),
         "MasterUserAuthenticationType"},
        {opt_i64_or(r->max_allocated_storage, 0) != 0, "MaxAllocatedStorage"},
    };

    return rds_refuse_first(call, list, ARRAY_LEN(list));
}

/* ---- master and database ---- */

static bool
is_plain_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '_')))
            return false;
    }
    return s.n > 0;
}

static int
master_set(struct api_call *call, const struct rds_offer *offer, struct str name,
           struct rds_instance_row *row)
{
    if (!name.n)
        return RDS_INVALID(call, "The parameter MasterUsername must be provided and must not be "
                                 "blank.");
    if (!is_plain_name(name) || name.n > offer->user_max)
        return RDS_INVALID(call, "Invalid master user name");
    if (str_find(str_from(offer->reserved),
                 str_fmt(call->arena, " %.*s ", STR_ARG(str_lower(call->arena, name)))) != SIZE_MAX)
        return RDS_INVALID(call,
                           "MasterUsername %.*s cannot be used as it is a reserved word used by "
                           "the engine",
                           STR_ARG(name));
    assert(str_find_char(name, '\'') == SIZE_MAX && str_find_char(name, '\n') == SIZE_MAX);
    row->master = name;
    return 0;
}

static int
database_set(struct api_call *call, const struct rds_offer *offer, struct str name,
             struct rds_instance_row *row)
{
    if (name.p && (!is_plain_name(name) || name.n > offer->database_max))
        return RDS_INVALID(call, "DBName must begin with a letter and contain only alphanumeric "
                                 "characters.");
    row->database = name.p ? name : S("");
    assert(row->database.n <= offer->database_max);
    return 0;
}

/* ---- the place ---- */

static int
default_group(struct api_call *call, struct rds_instance_row *row)
{
    STORE_EACH(call->txn, ec2_security_group_by_vpc, group, row->vpc_id)
        if (str_is(group->name, "default"))
            *LIST_PUSH(call->arena, &row->groups) = group->id;
    return row->groups.n == 1
               ? 0
               : error_origin(ENOENT, "VPC %.*s has no default group", STR_ARG(row->vpc_id));
}

int
rds_groups_set(struct api_call *call, const struct str_list *groups, struct rds_instance_row *row)
{
    row->groups = (struct str_list){0};
    LIST_EACH(groups, id) {
        const struct ec2_security_group_row *group = ec2_security_group_get(call->txn, *id);

        if (!group || !str_eq(group->account, call->account) ||
            !str_eq(group->region, call->region))
            return RDS_INVALID(call, "Invalid security group , groupId= %.*s, groupName=.",
                               STR_ARG(*id));
        if (!str_eq(group->vpc_id, row->vpc_id))
            return RDS_COMBINATION(call,
                                   "The DB instance and EC2 security group are in different VPCs. "
                                   "The DB instance is in %.*s and the EC2 security group is in "
                                   "%.*s",
                                   STR_ARG(row->vpc_id), STR_ARG(group->vpc_id));
        *LIST_PUSH(call->arena, &row->groups) = *id;
    }
    return row->groups.n ? 0 : default_group(call, row);
}

int
rds_place_set(struct api_call *call, const struct rds_place *place, struct rds_instance_row *row)
{
    struct rds_subnet_group_row group;
    bool covered = !place->zone.n;
    int r = rds_subnet_group_find(call, place->subnet_group, &group);

    if (r)
        return r;
    LIST_EACH(&group.subnets, id) {
        const struct ec2_subnet_row *subnet = ec2_subnet_get(call->txn, *id);

        covered = covered || (subnet && str_eq(subnet->zone, place->zone));
    }
    if (!covered)
        return api_fault(call, &RDS_ERR(InvalidVPCNetworkStateFault),
                         "Availability zone '[%.*s]' is unavailable in this region, please choose "
                         "another zone set.",
                         STR_ARG(place->zone));
    assert(group.subnets.n >= 2 && group.vpc_id.n > 0);
    row->subnet_group = group.name;
    row->vpc_id = group.vpc_id;
    row->zone = place->zone.p ? place->zone : S("");
    return rds_groups_set(call, &place->groups, row);
}

/* ---- making ---- */

/* "db-" and 26 letters and digits. */
static struct str
resource_id(struct api_call *call)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t random[26];
    char *out = arena_alloc_raw(call->arena, 3 + sizeof(random));

    call->env->random(call->env, random, sizeof(random));
    memcpy(out, "db-", 3);
    for (size_t i = 0; i < sizeof(random); i++)
        out[3 + i] = letters[random[i] % 32];
    return str_of(out, 3 + sizeof(random));
}

/* What stands between name and Region in all addresses of an account there. */
static struct str
address_of(struct api_call *call, struct str name)
{
    struct str seed =
        str_fmt(call->arena, "%.*s/%.*s", STR_ARG(call->account), STR_ARG(call->region));
    uint8_t hash[SHA256_LEN];
    char room[12];

    crypto_sha256(seed.p, seed.n, hash);
    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[hash[i] % (i ? 36 : 26)];
    return str_fmt(call->arena, "%.*s.%.*s.%.*s.rds.amazonaws.com", STR_ARG(name),
                   (int)sizeof(room), room, STR_ARG(call->region));
}

int
rds_name_free(struct api_call *call, struct str given, struct rds_instance_row *row)
{
    int64_t n = 0, gib = 0;
    int r = rds_identifier(call, "DBInstanceIdentifier", given, RDS_NAME_MAX, &row->name);

    if (r)
        return r;
    STORE_EACH(call->txn, rds_instance_by_owner, other, call->account, call->region) {
        if (str_eq(other->name, row->name))
            return api_fault(call, &RDS_ERR(DBInstanceAlreadyExists), "DB instance already exists");
        n++;
        gib += other->storage_gib;
    }
    if (n >= RDS_INSTANCES_MAX)
        return api_fault(call, &RDS_ERR(InstanceQuotaExceeded),
                         "The request would result in the user exceeding the allowed number of DB "
                         "instances.");
    if (gib + row->storage_gib > RDS_STORAGE_MAX_GIB)
        return api_fault(call, &RDS_ERR(StorageQuotaExceeded),
                         "The request would result in the user exceeding the allowed amount of "
                         "storage available across all DB instances.");
    return 0;
}

/* The account's service-linked role is made with its first DB instance. */
static int
role_ensure(struct api_call *call)
{
    const struct iam_CreateServiceLinkedRoleRequest ask = {.aws_service_name = S(RDS_VIA)};
    struct iam_CreateServiceLinkedRoleResponse made = {0};

    assert(call->op && (call->op->flags & API_WRITE));
    if (iam_role_by_name_get(call->txn, call->account, S("awsserviceroleforrds")))
        return 0;
    return api_call_internal(call, "iam", "CreateServiceLinkedRole", &ask, &made, RDS_VIA);
}

int
rds_instance_make(struct api_call *call, struct rds_instance_row *row, struct str image_id)
{
    int r = role_ensure(call);

    assert(row->id.n == 29 && row->name.n > 0 && row->groups.n > 0);
    row->account = call->account;
    row->region = call->region;
    row->address = address_of(call, row->name);
    row->status = RDS_CREATING;
    row->step = RDS_STEP_ENGINE;
    row->since_ms = call->now_ms;
    row->parameters = rds_parameters_of(call, row);
    if (r == 0)
        r = rds_machine_check(call);
    if (r == 0)
        r = rds_machine_launch(call, row, image_id);
    if (r)
        return r;
    assert(rds_instance_ok(row));
    return rds_written(rds_instance_insert(call->txn, row), "DB instance", row->name);
}

static int
retention_set(struct api_call *call, struct opt_i64 days, struct rds_instance_row *row)
{
    row->retention_days = opt_i64_or(days, 1);
    if (row->retention_days < 0 || row->retention_days > RDS_RETENTION_DAYS_MAX)
        return RDS_INVALID(call, "Invalid backup retention period: %lld. Must be between 0 and %d",
                           (long long)row->retention_days, RDS_RETENTION_DAYS_MAX);
    return 0;
}

static int
port_set(struct api_call *call, struct opt_i64 port, const struct rds_offer *offer,
         struct rds_instance_row *row)
{
    row->port = opt_i64_or(port, offer->port);
    if (row->port < 1150 || row->port > 65535)
        return RDS_INVALID(call, "Invalid port: %lld. Valid values: 1150-65535",
                           (long long)row->port);
    return 0;
}

static int
tags_set(struct api_call *call, const struct rds_CreateDBInstanceMessage *req,
         struct rds_instance_row *row)
{
    int r = rds_tags_put(call, &req->tags, &row->tags);

    LIST_EACH(&req->tag_specifications, spec) {
        if (r == 0 && !str_is(spec->resource_type, "db-instance"))
            r = RDS_INVALID(call, "Invalid resource type in TagSpecifications: %.*s",
                            STR_ARG(spec->resource_type));
        if (r == 0)
            r = rds_tags_put(call, &spec->tags, &row->tags);
    }
    return r;
}

static int
settings_set(struct api_call *call, const struct rds_CreateDBInstanceMessage *req,
             const struct rds_offer *offer, struct rds_instance_row *row)
{
    int r = retention_set(call, req->backup_retention_period, row);

    row->auto_minor = opt_bool_or(req->auto_minor_version_upgrade, true);
    row->copy_tags = opt_bool_or(req->copy_tags_to_snapshot, false);
    row->protected = opt_bool_or(req->deletion_protection, false);
    if (r == 0)
        r = port_set(call, req->port, offer, row);
    if (r == 0)
        r = rds_windows_set(call, req->preferred_backup_window, req->preferred_maintenance_window,
                            row);
    if (r == 0)
        r = rds_parameter_group_set(call, offer, req->db_parameter_group_name, row);
    if (r == 0)
        r = tags_set(call, req, row);
    return r;
}

static int
engine_set(struct api_call *call, const struct rds_CreateDBInstanceMessage *req,
           const struct rds_offer **ret, struct rds_instance_row *row)
{
    struct str type;
    int r = rds_offer_check(call, req->engine, req->engine_version, ret);

    if (r == 0)
        r = refuse(call, req, *ret);
    if (r == 0)
        r = rds_class_check(call, *ret, req->db_instance_class, &type);
    if (r)
        return r;
    assert(type.n > 0 && (*ret)->port > 0);
    row->engine = str_from((*ret)->engine);
    row->engine_version = str_from((*ret)->version);
    row->class = req->db_instance_class;
    row->iops = opt_i64_or(req->iops, 0);
    row->throughput = opt_i64_or(req->storage_throughput, 0);
    row->storage_type = req->storage_type.n ? req->storage_type : row->iops ? S("io1") : S("gp2");
    row->storage_gib = opt_i64_or(req->allocated_storage, 0);
    if (!req->allocated_storage.set)
        return RDS_INVALID(call, "The parameter AllocatedStorage must be provided and must not be "
                                 "blank.");
    return rds_storage_check(call, row);
}

int
rds_create_db_instance(struct api_call *call, const struct rds_CreateDBInstanceMessage *req,
                       struct rds_CreateDBInstanceResult *res)
{
    const struct rds_place place = {
        .subnet_group = req->db_subnet_group_name,
        .zone = req->availability_zone,
        .groups = req->vpc_security_group_ids,
    };
    struct rds_instance_row row = {.id = resource_id(call),
                                   .public = opt_bool_or(req->publicly_accessible, false)};
    const struct rds_offer *offer;
    int r = req->db_security_groups.n
                ? api_fault(call, &RDS_ERR(DBSecurityGroupNotSupported),
                            "DB security groups are not supported in a VPC; use VPC security "
                            "groups.")
                : engine_set(call, req, &offer, &row);

    if (r == 0)
        r = rds_name_free(call, req->db_instance_identifier, &row);
    if (r == 0)
        r = master_set(call, offer, req->master_username, &row);
    if (r == 0)
        r = rds_password_set(call, offer, req->master_user_password, &row.verifier);
    if (r == 0)
        r = database_set(call, offer, req->db_name, &row);
    if (r == 0)
        r = settings_set(call, req, offer, &row);
    if (r == 0)
        r = rds_place_set(call, &place, &row);
    if (r == 0)
        r = rds_instance_make(call, &row, STR_NONE);
    res->db_instance = r ? NULL : rds_instance_show(call, &row);
    return r;
}
