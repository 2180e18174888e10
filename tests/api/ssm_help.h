/* What the tests of Parameter Store share. */
#pragma once

#include "gen/store/api_rows.h"
#include "harness/world.h"

/* A call of SSM that succeeds, and one that does not. */
#define SSM(w, op, ...) world_json_okf((w), "ssm", (op), __VA_ARGS__)
#define SSM_REFUSED(w, code, message, op, ...)                                                     \
    world_json_refusedf((w), (code), (message), "ssm", (op), __VA_ARGS__)

/* A String parameter. */
static inline void
ssm_put(struct world *w, const char *name, const char *value)
{
    SSM(w, "PutParameter", "{'Name':'%s','Value':'%s','Type':'String'}", name, value);
}

static inline struct str
ssm_value(struct world *w, const char *name)
{
    return json_path(SSM(w, "GetParameter", "{'Name':'%s','WithDecryption':true}", name),
                     "Parameter.Value");
}

/* Events of a kind that are on the bus; the last one's detail. */
static inline size_t
ssm_events(struct world *w, const char *detail_type, struct str *ret_detail)
{
    struct txn *txn = world_begin(w);
    size_t n = 0;

    STORE_EACH(txn, cloud_event_by_key, row) {
        if (!str_is(row->detail_type, detail_type))
            continue;
        n++;
        if (ret_detail)
            *ret_detail = str_dup(test_arena(), row->detail);
    }
    store_rollback(txn);
    return n;
}

#define SSM_DAY (86400000LL)
