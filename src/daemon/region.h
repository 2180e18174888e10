/* The region's hardware as the operator sees and breaks it. */
#pragma once

#include "daemon/cloud.h"

/*
 * JSON: without an id the zones in which something runs or is broken; with one ("us-east-1a",
 * "us-east-1a/r3", "us-east-1a/r3/h12") its hosts with what runs on each.  false: there is none.
 */
bool region_show(struct cloud *cloud, struct str id, struct buf *out);

/* Begins or ends a fault.  0, -EINVAL when there can be none of that kind, or another -errno. */
int region_fault(struct cloud *cloud, struct str kind, struct str target, bool on, int64_t now_ms);
