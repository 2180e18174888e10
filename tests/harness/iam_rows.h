/* Roles and instance profiles as rows, for tests of those who read them: EC2 and its metadata. */
#pragma once

#include "gen/store/iam_rows.h"
#include "harness/world.h"

/* A trust policy for one service. */
#define TRUST(service)                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","                            \
    "\"Principal\":{\"Service\":\"" service "\"},\"Action\":\"sts:AssumeRole\"}]}"
#define TRUST_EC2 TRUST("ec2.amazonaws.com")
#define TRUST_LAMBDA TRUST("lambda.amazonaws.com")

static inline void
iam_rows_commit(struct world *w, struct txn *txn, int r)
{
    CHECK_INT(r, 0);
    store_commit(txn);
    CHECK_INT(store_flush(cloud_store(w->cloud)), 0);
}

/* A role AROA<NAME> of the world's account, or that role with another trust policy. */
static inline struct str
iam_rows_role(struct world *w, const char *name, const char *trust)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct str id = str_fmt(test_arena(), "AROA%s", name);
    const struct iam_role_row *old = iam_role_get(txn, id);
    struct iam_role_row row = {
        .id = id,
        .account = w->account,
        .path = S("/"),
        .name = str_from(name),
        .name_lower = str_lower(test_arena(), str_from(name)),
        .trust_policy = str_from(trust),
        .max_session_s = 3600,
        .created_ms = old ? old->created_ms : w->env.now_ms,
    };

    iam_rows_commit(w, txn, old ? iam_role_update(txn, &row) : iam_role_insert(txn, &row));
    return id;
}

/* A profile AIPA<NAME> with that role (or none), or that profile with another role. */
static inline struct str
iam_rows_profile(struct world *w, const char *path, const char *name, struct str role_id)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct str id = str_fmt(test_arena(), "AIPA%s", name);
    struct iam_profile_row row = {
        .id = id,
        .account = w->account,
        .path = str_from(path),
        .name = str_from(name),
        .name_lower = str_lower(test_arena(), str_from(name)),
        .role_id = role_id,
        .created_ms = w->env.now_ms,
    };

    iam_rows_commit(w, txn,
                    iam_profile_get(txn, id) ? iam_profile_update(txn, &row)
                                             : iam_profile_insert(txn, &row));
    return id;
}

static inline void
iam_rows_delete(struct world *w, const struct store_table *table, struct str id)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));

    iam_rows_commit(w, txn, store_delete(txn, table, id));
}
