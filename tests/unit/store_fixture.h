/*
 * What the store's tests share: a store on a fake disk or in the test's directory.
 */
#pragma once

#include <stdio.h>

#include "gen/tests/store_test_rows.h"
#include "harness/harness.h"
#include "store/store.h"
#include "sys/disk_fake.h"

static const struct store_table *const fixture_tables[] = {&st_thing_table, &st_credential_table};
static const uint8_t fixture_key[STORE_ROOT_KEY_BYTES] = "an arbitrary key, 32 bytes long";

/* A world with a disk of its own. */
struct fixture {
    struct env_fake env;
    struct disk_fake disk;
};

UNUSED static void
fixture_init(struct fixture *f, uint64_t seed, unsigned sector_bytes)
{
    env_fake_init(&f->env, seed);
    disk_fake_init(&f->disk, seed, sector_bytes);
    f->env.env.vfs = f->disk.name;
}

UNUSED static struct store_config
fixture_config(struct fixture *f)
{
    return (struct store_config){
        .env = &f->env.env,
        .dir = "data",
        .tables = fixture_tables,
        .n_tables = ARRAY_LEN(fixture_tables),
        .root_key = fixture_key,
    };
}

UNUSED static struct store_config
fixture_real(bool thread)
{
    return (struct store_config){
        .env = env_real(),
        .dir = test_dir(),
        .tables = fixture_tables,
        .n_tables = ARRAY_LEN(fixture_tables),
        .thread = thread,
    };
}

UNUSED static struct store *
fixture_open(const struct store_config *config)
{
    char why[STORE_WHY_BYTES];
    struct store *store = NULL;

    if (store_open(&store, config, why) < 0)
        FAIL("store_open: %s", why);
    CHECK_STR(str_from(why), "");
    return store;
}

/* That opening fails with this error and a sentence that holds these words. */
UNUSED static void
fixture_refused(const struct store_config *config, int err, const char *words)
{
    char why[STORE_WHY_BYTES];
    struct store *store = NULL;

    CHECK_INT(store_open(&store, config, why), -err);
    CHECK(!store);
    if (!strstr(why, words))
        FAIL("\"%s\" does not say \"%s\"", why, words);
}

UNUSED static void
fixture_check(struct store *store)
{
    char why[STORE_WHY_BYTES];

    if (store_integrity_check(store, why) < 0)
        FAIL("%s", why);
}

UNUSED static struct str
fixture_id(const char *prefix, int i)
{
    return str_fmt(test_arena(), "%s-%04d", prefix, i);
}

UNUSED static struct st_thing_row
thing(const char *id, const char *account, int64_t launched_ms)
{
    return (struct st_thing_row){.id = str_from(id),
                                 .account = str_from(account),
                                 .region = S("us-east-1"),
                                 .launched_ms = launched_ms};
}

/* Inserts in a transaction of its own; answers what store_commit() did. */
UNUSED static uint64_t
put(struct store *store, const struct st_thing_row *row)
{
    struct txn *txn = store_begin(store);

    CHECK_INT(st_thing_insert(txn, row), 0);
    return store_commit(txn);
}
