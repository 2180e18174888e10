/*
 * A cloud without sockets: the store, the API with its services, the host and the reconcilers,
 * put together.  The daemon adds listeners; tests and the simulation call it as it is.
 */
#pragma once

#include "api/api.h"
#include "api/balancers.h"
#include "api/functions.h"
#include "host/host.h"
#include "loop/loop.h"
#include "store/store.h"

struct cloud;

struct cloud_config {
    struct env *env;
    struct loop *loop;
    const char *dir;           /* of the database */
    bool threads;              /* false: commits wait for store_flush() (simulation) */
    const uint8_t *root_key;   /* NULL: the file in dir */
    bool root_keys;            /* accept the access keys test and 12 digits */
    int64_t vcpu_limit;        /* of each vCPU quota of an account in a region; 0: plenty */
    int64_t storage_limit;     /* of each quota of volumes, in TiB; 0: plenty */
    struct str region_model;   /* text as data/region_model.txt; p NULL: that one */
};

/* Opens the database.  0 or -errno with a sentence in `why`. */
int cloud_open(struct cloud **ret, const struct cloud_config *config, char why[STORE_WHY_BYTES]);

/*
 * Gives it a host: reconcilers look at everything once, and go on by themselves.  The driver
 * must outlive the cloud.  attach is called with where the driver shall send its events before
 * anything is asked of the driver.  0 or -errno.
 */
int cloud_start(struct cloud *cloud, const struct host_driver *driver,
                void (*attach)(void *ctx, const struct host_events *events), void *attach_ctx);

/*
 * Gives it where functions run, once it was started; *ret is where the driver sends its events.
 * The driver must outlive the cloud.  Without, functions are kept but cannot be invoked.
 */
void cloud_run_functions(struct cloud *cloud, const struct api_functions *driver,
                         struct api_function_events *ret);

/*
 * Gives it where nodes of load balancers run, before the loop does; as above.  Without, there is a
 * model of their states alone.
 */
void cloud_run_balancers(struct cloud *cloud, const struct api_balancers *driver,
                         struct api_balancer_events *ret);

/* Makes all durable and frees it.  Takes NULL. */
struct cloud *cloud_close(struct cloud *cloud);
/* Frees it as a crash would: what is not durable is gone. */
struct cloud *cloud_crash(struct cloud *cloud);

struct store *cloud_store(struct cloud *cloud);
struct api *cloud_api(struct cloud *cloud);
struct host *cloud_host(struct cloud *cloud);
struct host_usage *cloud_usage(struct cloud *cloud);
struct ec2_placer *cloud_placer(struct cloud *cloud);

/* Deletes every row of every account; machines that run are ended by the reconciler.  Durable
 * when store_durable_seq() reaches *ret_seq. */
int cloud_reset(struct cloud *cloud, uint64_t *ret_seq);

/* The services, for `welkin status`. */
const struct api_service_hooks *const *cloud_services(void);
