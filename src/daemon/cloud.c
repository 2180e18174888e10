/*
 * Which services there are, and in which order things are made: the store first, the API on it,
 * then the host, then the reconcilers: EC2's wants to see what the host saw.
 */
#include "daemon/cloud.h"

#include "autoscaling/engine.h"
#include "cloudformation/engine.h"
#include "cloudwatch/cloudwatch.h"
#include "cloudwatch/ec2.h"
#include "cloudwatch/engine.h"
#include "cloudwatch/tier.h"
#include "ec2/capacity.h"
#include "ec2/ec2.h"
#include "ec2/instance.h"
#include "ec2/placer.h"
#include "ec2/volume.h"
#include "events/engine.h"
#include "events/events.h"
#include "gen/store/servicequotas_rows.h"
#include "gen/store/tables.h"
#include "ec2instanceconnect/ec2instanceconnect.h"
#include "ecr/ecr.h"
#include "elbv2/elbv2.h"
#include "elbv2/engine.h"
#include "placement/quota.h"
#include "iam/iam.h"
#include "kms/kms.h"
#include "lambda/runner.h"
#include "ram/ram.h"
#include "rds/engine.h"
#include "resourcegroups/resourcegroups.h"
#include "resourcegroupstaggingapi/resourcegroupstaggingapi.h"
#include "secretsmanager/secretsmanager.h"
#include "s3/s3.h"
#include "servicequotas/servicequotas.h"
#include "sns/engine.h"
#include "sqs/sqs.h"
#include "ssm/ssm.h"
#include "sts/sts.h"

#include <stdio.h>
#include <stdlib.h>

static const struct api_service_hooks *const services[] = {
    &ec2_hooks, &sts_hooks, &iam_hooks, &kms_hooks, &ssm_hooks, &secretsmanager_hooks,
    &servicequotas_hooks, &cloudformation_hooks, &ec2instanceconnect_hooks,
    &resourcegroupstaggingapi_hooks, &ram_hooks, &resourcegroups_hooks, &lambda_hooks, &s3_hooks,
    &ecr_hooks, &autoscaling_hooks, &cloudwatch_hooks, &events_hooks, &elbv2_hooks, &sns_hooks,
    &sqs_hooks, &rds_hooks,
    NULL,
};

struct cloud {
    struct cloud_config config;
    struct store *store;
    struct api *api;
    struct host *host;
    struct ec2_placer *placer;
    struct lambda_runner *lambda;
    struct sqs_waits *sqs;
    struct sns_engine *sns;
    struct ec2_reconciler *ec2;
    struct ec2_storage_reconciler *storage;
    struct cfn_engine *cfn;
    struct asg_engine *asg;
    struct rds_engine *rds;
    struct secret_rotator *rotator;
    struct elb_engine *elb;
    struct ssm_reconciler *ssm;
    struct ec2_upkeep *upkeep;
    struct host_meter *meter;
    struct host_usage *usage;
    struct ec2_capacity_clock *capacity;
    struct s3_janitor *s3;
    struct s3_lifecycle *s3_lifecycle;
    struct cloudwatch_upkeep *cloudwatch_upkeep;
    struct cloudwatch_ec2 *cloudwatch_ec2;
    struct cloudwatch_engine *cloudwatch;
    struct events_engine *events;
    struct api_machines machines;
    const struct host_driver *driver;
};

static int
console(void *ctx, struct arena *arena, struct str id, struct str *ret_text, int64_t *ret_ms)
{
    struct cloud *cloud = ctx;

    assert(cloud->driver == NULL || cloud->driver->console);
    if (!cloud->driver) {
        *ret_text = S("");
        *ret_ms = 0;
        return 0;
    }
    return cloud->driver->console(cloud->driver->ctx, arena, id, ret_text, ret_ms);
}

/*
 * The images that every new cloud has: Welkin's own, and the one AMI id that the world's
 * tutorials name, which boots the tiny image until somebody maps it to another.
 */
static int
seed_images(struct txn *txn, struct env *env)
{
    static const struct {
        struct str image, rootfs, init;
    } rows[] = {
        {S_INIT("ami-009d6802948d06e52"), S_INIT("tiny"), S_INIT("welkin")},
        {S_INIT("welkin-tiny"), S_INIT("tiny"), S_INIT("welkin")},
        {S_INIT("welkin-debian-12"), S_INIT("debian"), S_INIT("systemd")},
        /* templates name it; it has no root file system, so launches of it are refused */
        {S_INIT("welkin-windows"), S_INIT(""), S_INIT("none")},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows) && r >= 0; i++)
        r = ec2_image_seed(txn, env, rows[i].image, rows[i].rootfs, rows[i].init);
    return r;
}

/* The operator's limits, of each quota; 0: Welkin's own. */
static int
seed_quotas(struct txn *txn, const struct cloud_config *config)
{
    int r = 0;

    assert(config->vcpu_limit >= 0 && config->storage_limit >= 0);
    for (unsigned i = 0; i < n_quotas && r >= 0; i++) {
        int64_t limit = quotas[i].volume_type ? config->storage_limit : config->vcpu_limit;
        const struct servicequotas_value_row row = {.id = str_from(quotas[i].code),
                                                    .value = limit};
        bool is = servicequotas_value_get(txn, row.id) != NULL;

        if (!quotas[i].families && !quotas[i].volume_type)
            continue;
        if (limit)
            r = is ? servicequotas_value_update(txn, &row) : servicequotas_value_insert(txn, &row);
        else if (is)
            r = servicequotas_value_delete(txn, row.id);
    }
    return r;
}

static int
seed(struct cloud *cloud)
{
    struct txn *txn = store_begin(cloud->store);
    struct str windows = S("welkin-windows");
    int r = 0;

    if (!store_count(txn, &ec2_image_table))
        r = seed_images(txn, cloud->config.env);
    else if (!ec2_image_by_name_get(txn, S(EC2_WELKIN_ACCOUNT), S(""), windows))
        r = ec2_image_seed(txn, cloud->config.env, windows, S(""), S("none")); /* of older clouds */

    if (r >= 0)
        r = ec2_networks_complete(txn);
    if (r >= 0)
        r = seed_quotas(txn, &cloud->config);

    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    return r;
}

int
cloud_open(struct cloud **ret, const struct cloud_config *config, char why[STORE_WHY_BYTES])
{
    struct cloud *cloud = calloc(1, sizeof(*cloud));
    struct store_config store = {
        .env = config->env,
        .dir = config->dir,
        .tables = all_tables,
        .n_tables = n_all_tables,
        .thread = config->threads,
        .root_key = config->root_key,
    };

    assert(config->env && config->loop);
    if (!cloud)
        return -ENOMEM;
    cloud->config = *config;
    cloud->machines = (struct api_machines){.ctx = cloud, .console = console};
    int r = store_open(&cloud->store, &store, why);
    if (r < 0) {
        free(cloud);
        return r;
    }
    r = ec2_placer_new(&cloud->placer, cloud->store, config->region_model, why);
    if (r < 0) {
        cloud_close(cloud);
        return r;
    }
    r = lambda_runner_new(&cloud->lambda, config->loop, cloud->store);
    if (r < 0) {
        cloud_close(cloud);
        return r;
    }
    r = sqs_waits_new(&cloud->sqs, config->loop, cloud->store);
    if (r < 0) {
        cloud_close(cloud);
        return r;
    }
    struct api_config api = {
        .env = config->env,
        .store = cloud->store,
        .services = services,
        .machines = &cloud->machines,
        .placer = cloud->placer,
        .runner = cloud->lambda,
        .queues = cloud->sqs,
        .root_keys = config->root_keys,
        .default_region = "us-east-1",
    };
    cloud->api = api_new(&api);
    r = cloud->api ? seed(cloud) : -ENOMEM;
    if (r < 0) {
        snprintf(why, STORE_WHY_BYTES, "The cloud cannot be set up: %s.", strerror(-r));
        cloud_close(cloud);
        return r;
    }
    *ret = cloud;
    return 0;
}

int
cloud_start(struct cloud *cloud, const struct host_driver *driver,
            void (*attach)(void *ctx, const struct host_events *events), void *attach_ctx)
{
    struct host_events events;
    int r = host_new(&cloud->host, cloud->config.loop, cloud->store, driver);

    assert(cloud->api && driver->console && attach);
    if (r < 0)
        return r;
    cloud->driver = driver;
    cloud->machines.max = driver->machines_max;
    cloud->machines.runs_guests = driver->runs_guests;
    cloud->machines.no_volumes = driver->no_volumes;
    cloud->machines.no_encrypted_volumes = driver->no_encrypted_volumes;
    cloud->machines.no_snapshots = driver->no_snapshots;
    cloud->machines.no_encrypted_snapshots = driver->no_encrypted_snapshots;
    assert(driver->machines_max >= 0);
    events = host_events(cloud->host);
    attach(attach_ctx, &events);
    r = host_start(cloud->host);
    if (r < 0)
        return r;
    r = s3_janitor_new(&cloud->s3, cloud->config.env, cloud->store);
    if (r >= 0)
        r = s3_lifecycle_new(&cloud->s3_lifecycle, cloud->config.loop, cloud->store);
    if (r >= 0)
        r = ec2_capacity_clock_new(&cloud->capacity, cloud->config.loop, cloud->store);
    if (r >= 0)
        r = ec2_reconciler_new(&cloud->ec2, cloud->config.loop, cloud->store);
    if (r >= 0)
        r = ec2_storage_reconciler_new(&cloud->storage, cloud->config.loop, cloud->store);
    if (r >= 0)
        r = ssm_reconciler_new(&cloud->ssm, cloud->config.env, cloud->config.loop, cloud->store);
    if (r >= 0)
        r = ec2_upkeep_new(&cloud->upkeep, cloud->config.loop, cloud->store, cloud->placer);
    if (r >= 0)
        r = host_meter_new(&cloud->meter, cloud->config.loop, cloud->store, driver);
    if (r >= 0)
        r = host_usage_new(&cloud->usage, cloud->config.loop, cloud->store, driver, cloud->meter);
    if (r >= 0)
        r = cloudwatch_ec2_new(&cloud->cloudwatch_ec2, cloud->config.loop, cloud->store,
                               cloud->api);
    if (r >= 0)
        r = cloudwatch_upkeep_new(&cloud->cloudwatch_upkeep, cloud->config.loop, cloud->store);
    if (r >= 0)
        r = cloudwatch_engine_new(&cloud->cloudwatch, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = sns_engine_new(&cloud->sns, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = cfn_engine_new(&cloud->cfn, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = asg_engine_new(&cloud->asg, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = rds_engine_new(&cloud->rds, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = secret_rotator_new(&cloud->rotator, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = events_engine_new(&cloud->events, cloud->config.loop, cloud->store, cloud->api);
    if (r >= 0)
        r = elb_engine_new(&cloud->elb, cloud->config.loop, cloud->store, cloud->api);
    return r;
}

void
cloud_run_functions(struct cloud *cloud, const struct api_functions *driver,
                    struct api_function_events *ret)
{
    assert(cloud->lambda && cloud->api);
    lambda_runner_start(cloud->lambda, cloud->api, driver, ret);
}

void
cloud_post(struct cloud *cloud, const struct api_poster *poster, struct api_poster_events *ret)
{
    assert(cloud->sns);
    sns_engine_start(cloud->sns, poster, ret);
}

void
cloud_run_balancers(struct cloud *cloud, const struct api_balancers *driver,
                    struct api_balancer_events *ret)
{
    assert(cloud->elb);
    elb_engine_run(cloud->elb, driver, ret);
}

static struct cloud *
end(struct cloud *cloud, struct store *(*close_store)(struct store *store))
{
    if (!cloud)
        return NULL;
    rds_engine_free(cloud->rds);
    secret_rotator_free(cloud->rotator);
    events_engine_free(cloud->events);
    elb_engine_free(cloud->elb);
    asg_engine_free(cloud->asg);
    cfn_engine_free(cloud->cfn);
    cloudwatch_engine_free(cloud->cloudwatch);
    cloudwatch_upkeep_free(cloud->cloudwatch_upkeep);
    cloudwatch_ec2_free(cloud->cloudwatch_ec2);
    sns_engine_free(cloud->sns);
    sqs_waits_free(cloud->sqs);
    lambda_runner_free(cloud->lambda);
    s3_lifecycle_free(cloud->s3_lifecycle);
    s3_janitor_free(cloud->s3);
    host_usage_free(cloud->usage);
    host_meter_free(cloud->meter);
    ec2_upkeep_free(cloud->upkeep);
    ssm_reconciler_free(cloud->ssm);
    ec2_storage_reconciler_free(cloud->storage);
    ec2_reconciler_free(cloud->ec2);
    ec2_capacity_clock_free(cloud->capacity);
    host_free(cloud->host);
    api_free(cloud->api);
    ec2_placer_free(cloud->placer);
    close_store(cloud->store);
    free(cloud);
    return NULL;
}

struct cloud *
cloud_close(struct cloud *cloud)
{
    return end(cloud, store_close);
}

struct cloud *
cloud_crash(struct cloud *cloud)
{
    return end(cloud, store_abandon);
}

struct store *
cloud_store(struct cloud *cloud)
{
    return cloud->store;
}

struct api *
cloud_api(struct cloud *cloud)
{
    return cloud->api;
}

struct ec2_placer *
cloud_placer(struct cloud *cloud)
{
    return cloud->placer;
}

struct host *
cloud_host(struct cloud *cloud)
{
    return cloud->host;
}

struct host_usage *
cloud_usage(struct cloud *cloud)
{
    return cloud->usage;
}

const struct api_service_hooks *const *
cloud_services(void)
{
    return services;
}

/*
 * Whether `welkin reset` leaves the table alone: what was seen of machines, keys of the cloud, and
 * the numbers that the privileged process knows things by, of which the old ones are in use until
 * the last machine has ended.
 */
static bool
survives_reset(const struct store_table *table)
{
    return table == &ec2_counter_table || table == &ec2_uid_slot_table ||
           str_starts(str_from(table->name), S("host_")) ||
           str_starts(str_from(table->name), S("store_")) ||
           str_starts(str_from(table->name), S("daemon_"));
}

static int
clear(struct txn *txn, const struct store_table *table)
{
    assert(table->indexes[0]->n_columns == 1 && table->indexes[0]->columns[0] == table->key);
    assert(table->n_indexes > 0 && table->indexes[0]->table == table);
    /* the first index of every table is that of its key */
    struct store_cursor c = store_seek(txn, table->indexes[0], NULL, 0);
    const char *row;
    int r = 0;

    while (r >= 0 && (row = store_next(&c)))
        r = store_delete(txn, table,
                         *(const struct str *)(row + table->columns[table->key].offset));
    return r;
}

/* User ids of machines that an earlier reset ended.  Those that this one ends wait for the next. */
static int
free_old_slots(struct txn *txn)
{
    int r = 0;

    STORE_EACH(txn, ec2_uid_slot_by_key, slot) {
        if (r >= 0 && slot->holder.n && !ec2_instance_get(txn, slot->holder))
            r = ec2_slot_give_back(txn, slot->slot);
    }
    return r;
}

int
cloud_reset(struct cloud *cloud, uint64_t *ret_seq)
{
    struct txn *txn = store_begin(cloud->store);
    int r = free_old_slots(txn);

    for (size_t i = 0; i < n_all_tables && r >= 0; i++)
        if (!survives_reset(all_tables[i]))
            r = clear(txn, all_tables[i]);
    if (r >= 0)
        r = seed_images(txn, cloud->config.env);
    if (r >= 0)
        r = ec2_networks_complete(txn);
    if (r >= 0)
        r = seed_quotas(txn, &cloud->config);
    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    *ret_seq = store_commit(txn);
    assert(*ret_seq > 0);
    return 0;
}
