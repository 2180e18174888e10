/* What the tests of recoveries share. */
#pragma once

#include "ec2/placer.h"
#include "harness/world.h"

#define MINUTE_MS INT64_C(60000)

/* An instance of a type ("t3.micro&…"), whose checks pass. */
static inline const char *
run(struct world *w, const char *type)
{
    struct str xml = world_okf(w,
                               "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1"
                               "&MaxCount=1&InstanceType=%s",
                               type);

    world_advance(w, MINUTE_MS + 1000);
    return xml_cstr(xml, "instanceId");
}

static inline void
fault(struct world *w, const char *kind, struct str target, bool on)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));

    CHECK_INT(ec2_fault_set(txn, str_from(kind), target, on, w->env.now_ms), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_settle(w);
}
