/*
 * What reconcile.c and storage.c have of each other.
 */
#pragma once

#include "host/host.h"

struct host_storage;

int host_storage_new(struct host_storage **ret, struct host *host, struct loop *loop,
                     struct store *store, const struct host_driver *driver);
/* The first pass over all rows, after that of the machines. */
void host_storage_start(struct host_storage *s);
struct host_storage *host_storage_free(struct host_storage *s);

/* The driver's events. */
void host_storage_volume(struct host_storage *s, struct str id, int status, struct str reason);
void host_storage_snapshot(struct host_storage *s, struct str id, int status, struct str reason);

/* A machine is in another phase; gone: so is its disk. */
void host_storage_machine(struct host_storage *s, struct str instance_id, bool gone);

/* Whether something is still to be copied of the instance's disks: they stay as they are. */
bool host_snapshots_wait(struct txn *txn, struct str instance_id);

/* Whether an instance that is to boot has not got all of its volumes yet; they are brought. */
bool host_volumes_wait(struct host_storage *s, struct txn *txn, struct str instance_id);

/* reconcile.c: what held the machine back may be over. */
void host_look_again(struct host *host, struct str instance_id);
