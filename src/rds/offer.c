/*
 * What there is to be had: engines and their versions, the classes and the storage that they may
 * have, the parameters that can be set.
 *
 * There is one version of each engine, that which the image welkin-database holds; MySQL is
 * MariaDB that answers with MySQL's version.
 */
#include "rds/rds.h"

/* ---- engines ---- */

#define N(name, allowed, min, max, dynamic)                                                        \
    {                                                                                              \
        name, "integer", allowed, min, max, dynamic                                                \
    }
#define T(name, allowed, dynamic)                                                                  \
    {                                                                                              \
        name, "string", allowed, 0, 0, dynamic                                                     \
    }

static const struct rds_parameter mysql_parameters[] = {
    T("character_set_server", "utf8,utf8mb3,utf8mb4,latin1,ascii,binary", true),
    N("innodb_lock_wait_timeout", "1-1073741824", 1, 1073741824, true),
    N("interactive_timeout", "1-31536000", 1, 31536000, true),
    N("long_query_time", "0-31536000", 0, 31536000, true),
    N("max_allowed_packet", "1024-1073741824", 1024, 1073741824, true),
    N("max_connections", "1-100000", 1, 100000, true),
    N("slow_query_log", "0,1", 0, 1, true),
    N("table_open_cache", "1-1048576", 1, 1048576, true),
    N("thread_stack", "131072-18446744073709547520", 131072, INT64_MAX, false),
    N("wait_timeout", "1-31536000", 1, 31536000, true),
};
static const struct rds_parameter postgres_parameters[] = {
    N("deadlock_timeout", "1-2147483647", 1, 2147483647, true),
    N("lock_timeout", "0-2147483647", 0, 2147483647, true),
    N("log_min_duration_statement", "-1-2147483647", -1, 2147483647, true),
    T("log_statement", "none,ddl,mod,all", true),
    N("max_connections", "6-8388607", 6, 8388607, false),
    N("max_locks_per_transaction", "10-2147483647", 10, 2147483647, false),
    N("statement_timeout", "0-2147483647", 0, 2147483647, true),
    N("work_mem", "64-2147483647", 64, 2147483647, true),
};

static const struct rds_offer offers[] = {
    {"mariadb", "10.11.13", "10.11", "mariadb10.11", "general-public-license",
     "MariaDB Community Edition", "default:mariadb-10-11", 3306, 16, 41, 64,
     " rdsadmin rdsrepladmin mysql mariadb.sys ", mysql_parameters, ARRAY_LEN(mysql_parameters)},
    {"mysql", "8.0.42", "8.0", "mysql8.0", "general-public-license", "MySQL Community Edition",
     "default:mysql-8-0", 3306, 16, 41, 64, " rdsadmin rdsrepladmin mysql mysql.sys mariadb.sys ",
     mysql_parameters, ARRAY_LEN(mysql_parameters)},
    {"postgres", "15.13", "15", "postgres15", "postgresql-license", "PostgreSQL",
     "default:postgres-15", 5432, 63, 128, 63, " rdsadmin admin rds_superuser postgres_system ",
     postgres_parameters, ARRAY_LEN(postgres_parameters)},
};

const struct rds_offer *
rds_offer_find(struct str engine)
{
    for (size_t i = 0; i < ARRAY_LEN(offers); i++)
        if (str_eq_nocase(engine, str_from(offers[i].engine)))
            return &offers[i];
    return NULL;
}

const struct rds_offer *
rds_offer_of_family(struct str family)
{
    for (size_t i = 0; i < ARRAY_LEN(offers); i++)
        if (str_is(family, offers[i].family))
            return &offers[i];
    return NULL;
}

const struct rds_parameter *
rds_parameter_find(const struct rds_offer *offer, struct str name)
{
    assert(offer);
    for (size_t i = 0; i < offer->n_parameters; i++)
        if (str_is(name, offer->parameters[i].name))
            return &offer->parameters[i];
    return NULL;
}

int
rds_offer_check(struct api_call *call, struct str engine, struct str version,
                const struct rds_offer **ret)
{
    *ret = rds_offer_find(engine);
    if (!*ret)
        return RDS_INVALID(call, "Invalid DB engine");
    if (version.n && !str_is(version, (*ret)->version) && !str_is(version, (*ret)->major))
        return RDS_COMBINATION(call, "Cannot find version %.*s for %s", STR_ARG(version),
                               (*ret)->engine);
    return 0;
}

/* ---- classes ---- */

static const char *const sizes[] = {"micro",    "small",    "medium",  "large",
                                    "xlarge",   "2xlarge",  "4xlarge", "8xlarge",
                                    "12xlarge", "16xlarge", "24xlarge"};
#define BURST 0x03fu /* micro … 2xlarge */
#define LARGE 0x7f8u /* large … 24xlarge */

/* Of the x86_64 architecture, for which the image is. */
static const struct {
    const char *family;
    unsigned sizes;
} classes[] = {
    {"t3", BURST}, {"m5", LARGE},  {"m5d", LARGE}, {"m6i", LARGE}, {"m7i", LARGE},
    {"r5", LARGE}, {"r5d", LARGE}, {"r6i", LARGE}, {"r7i", LARGE},
};

int
rds_class_check(struct api_call *call, const struct rds_offer *offer, struct str name,
                struct str *ret_type)
{
    struct str size = str_starts(name, S("db.")) ? str_cut(name, 3, name.n) : STR_NONE;

    assert(offer && name.p);
    *ret_type = size;
    if (!size.p)
        return RDS_INVALID(call, "Invalid DB Instance class: %.*s", STR_ARG(name));
    struct str family = str_split(&size, '.');

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        for (size_t k = 0; k < ARRAY_LEN(sizes) && str_is(family, classes[i].family); k++)
            if ((classes[i].sizes >> k & 1) && str_is(size, sizes[k]))
                return 0;
    return RDS_COMBINATION(call,
                           "RDS does not support creating a DB instance with the following "
                           "combination: DBInstanceClass=%.*s, Engine=%s, EngineVersion=%s, "
                           "LicenseModel=%s. For supported combinations of instance class and "
                           "database engine version, see the documentation.",
                           STR_ARG(name), offer->engine, offer->version, offer->licence);
}

/* ---- storage ---- */

static const struct rds_storage {
    const char *type;
    int64_t min_gib, max_gib, min_iops, max_iops; /* min_iops 0: it takes none */
    int64_t max_throughput;
    int64_t settable_gib; /* from so many on IOPS can be said */
} storages[] = {
    {"gp2", 20, 16384, 0, 0, 0, 0},         {"gp3", 20, 16384, 12000, 64000, 4000, 400},
    {"io1", 100, 16384, 1000, 64000, 0, 0}, {"io2", 100, 16384, 1000, 64000, 0, 0},
    {"standard", 5, 1024, 0, 0, 0, 0},
};

static const struct rds_storage *
storage_find(struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(storages); i++)
        if (str_is(type, storages[i].type))
            return &storages[i];
    return NULL;
}

static int
iops_check(struct api_call *call, const struct rds_storage *s, const struct rds_instance_row *row)
{
    if (!row->iops && !row->throughput)
        return s->min_iops && !s->settable_gib
                   ? RDS_COMBINATION(call, "The storage type %s requires iops to be specified.",
                                     s->type)
                   : 0;
    if (!s->min_iops || row->storage_gib < s->settable_gib ||
        (row->throughput && !s->max_throughput))
        return RDS_COMBINATION(call,
                               "You can't specify IOPS or storage throughput for engine %.*s and a "
                               "storage size less than %lld.",
                               STR_ARG(row->engine),
                               (long long)(s->settable_gib ? s->settable_gib : 400));
    if ((row->iops && (row->iops < s->min_iops || row->iops > s->max_iops)) ||
        row->throughput > s->max_throughput)
        return RDS_COMBINATION(call, "Invalid iops value for engine name %.*s and storage type %s",
                               STR_ARG(row->engine), s->type);
    return 0;
}

int
rds_storage_check(struct api_call *call, const struct rds_instance_row *row)
{
    const struct rds_storage *s = storage_find(row->storage_type);

    assert(row->engine.n > 0);
    if (!s)
        return RDS_INVALID(call, "Invalid storage type: %.*s", STR_ARG(row->storage_type));
    if (row->storage_gib < s->min_gib || row->storage_gib > s->max_gib)
        return RDS_COMBINATION(call,
                               "Invalid storage size for engine name %.*s and storage type %s: "
                               "%lld",
                               STR_ARG(row->engine), s->type, (long long)row->storage_gib);
    return iops_check(call, s, row);
}

/* ---- DescribeDBEngineVersions ---- */

/* The only versions that one could upgrade to are those that are there. */
static struct rds_DBEngineVersion
version_show(struct api_call *call, const struct rds_offer *offer)
{
    struct rds_DBEngineVersion out = {
        .engine = str_from(offer->engine),
        .major_engine_version = str_from(offer->major),
        .engine_version = str_from(offer->version),
        .db_parameter_group_family = str_from(offer->family),
        .db_engine_description = str_from(offer->title),
        .db_engine_version_description =
            str_fmt(call->arena, "%s %s", offer->title, offer->version),
        .supports_log_exports_to_cloudwatch_logs = opt_bool(false),
        .supports_read_replica = opt_bool(false),
        .status = S("available"),
        .supports_parallel_query = opt_bool(false),
        .supports_global_databases = opt_bool(false),
        .supports_babelfish = opt_bool(false),
    };

    API_PRESENT(&out.valid_upgrade_target);
    API_PRESENT(&out.supported_feature_names);
    assert(out.engine.n > 0);
    return out;
}

int
rds_describe_db_engine_versions(struct api_call *call,
                                const struct rds_DescribeDBEngineVersionsMessage *req,
                                struct rds_DBEngineVersionMessage *res)
{
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r == 0 && req->engine.n && !rds_offer_find(req->engine) && req->engine_version.n)
        r = RDS_INVALID(call, "Invalid DB engine");
    if (r)
        return r;
    API_PRESENT(&res->db_engine_versions);
    for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
        const struct rds_offer *o = &offers[i];

        if ((req->engine.n && !str_is(req->engine, o->engine)) ||
            (req->engine_version.n && !str_is(req->engine_version, o->version) &&
             !str_is(req->engine_version, o->major)) ||
            (req->db_parameter_group_family.n &&
             !str_is(req->db_parameter_group_family, o->family)))
            continue;
        if (api_page_take(&page, str_from(o->engine)))
            *LIST_PUSH(call->arena, &res->db_engine_versions) = version_show(call, o);
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}

/* ---- DescribeOrderableDBInstanceOptions ---- */

static struct rds_OrderableDBInstanceOption
option_show(struct api_call *call, const struct rds_offer *offer, struct str class,
            const struct rds_storage *s, const struct ec2_DescribeAvailabilityZonesResult *zones)
{
    struct rds_OrderableDBInstanceOption out = {
        .engine = str_from(offer->engine),
        .engine_version = str_from(offer->version),
        .db_instance_class = class,
        .license_model = str_from(offer->licence),
        .multi_az_capable = opt_bool(false),
        .read_replica_capable = opt_bool(false),
        .vpc = opt_bool(true),
        .supports_storage_encryption = opt_bool(false),
        .storage_type = str_from(s->type),
        .supports_iops = opt_bool(s->min_iops > 0),
        .supports_storage_throughput = opt_bool(s->max_throughput > 0),
        .supports_enhanced_monitoring = opt_bool(false),
        .supports_iam_database_authentication = opt_bool(false),
        .supports_performance_insights = opt_bool(false),
        .min_storage_size = opt_i64(s->min_gib),
        .max_storage_size = opt_i64(s->max_gib),
        .supports_storage_autoscaling = opt_bool(false),
        .supports_kerberos_authentication = opt_bool(false),
        .outpost_capable = opt_bool(false),
        .supports_global_databases = opt_bool(false),
        .supports_clusters = opt_bool(false),
    };

    if (s->min_iops) {
        out.min_iops_per_db_instance = opt_i64(s->min_iops);
        out.max_iops_per_db_instance = opt_i64(s->max_iops);
    }
    LIST_EACH(&zones->availability_zones, zone)
        LIST_PUSH(call->arena, &out.availability_zones)->name = zone->zone_name;
    *LIST_PUSH(call->arena, &out.supported_network_types) = S("IPV4");
    API_PRESENT(&out.available_processor_features);
    return out;
}

int
rds_describe_orderable_db_instance_options(
    struct api_call *call, const struct rds_DescribeOrderableDBInstanceOptionsMessage *req,
    struct rds_OrderableDBInstanceOptionsMessage *res)
{
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    const struct ec2_DescribeAvailabilityZonesRequest ask = {0};
    struct ec2_DescribeAvailabilityZonesResult zones = {0};
    const struct rds_offer *offer;
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = rds_offer_check(call, req->engine, STR_NONE, &offer);
    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r == 0)
        r = rds_ec2(call, call->account, "DescribeAvailabilityZones", &ask, &zones);
    if (r)
        return r;
    API_PRESENT(&res->orderable_db_instance_options);
    if ((req->engine_version.n && !str_is(req->engine_version, offer->version)) ||
        (req->license_model.n && !str_is(req->license_model, offer->licence)) ||
        (req->vpc.set && !req->vpc.v) || req->availability_zone_group.n)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(classes) * ARRAY_LEN(sizes) * ARRAY_LEN(storages); i++) {
        const struct rds_storage *s = &storages[i % ARRAY_LEN(storages)];
        size_t k = i / ARRAY_LEN(storages) % ARRAY_LEN(sizes);
        size_t c = i / ARRAY_LEN(storages) / ARRAY_LEN(sizes);
        struct str class = str_fmt(call->arena, "db.%s.%s", classes[c].family, sizes[k]);

        if (!(classes[c].sizes >> k & 1) ||
            (req->db_instance_class.n && !str_eq(req->db_instance_class, class)))
            continue;
        if (api_page_take(&page, str_fmt(call->arena, "%04zu", i)))
            *LIST_PUSH(call->arena, &res->orderable_db_instance_options) =
                option_show(call, offer, class, s, &zones);
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}
