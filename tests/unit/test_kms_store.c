/* Key material at rest: sealed under the root key, and lost with it, loudly. */
#include "gen/store/kms_rows.h"
#include "harness/harness.h"
#include "kms/material.h"
#include "store/store.h"

#include <stdio.h>
#include <unistd.h>

static const char *
in_dir(const char *name)
{
    return test_fmt("%s/%s", test_dir(), name);
}

static struct store_config
config_of_dir(void)
{
    static const struct store_table *const tables[] = {&kms_material_table};

    return (struct store_config){
        .env = env_real(), .dir = test_dir(), .tables = tables, .n_tables = ARRAY_LEN(tables)};
}

static bool
on_disk(struct str bytes)
{
    static const char *const files[] = {"welkin.db", "welkin.db-wal", "journal.0", "journal.1"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (access(in_dir(files[i]), R_OK) == 0 &&
            str_find(test_read_file(in_dir(files[i])), bytes) != SIZE_MAX)
            return true;
    return false;
}

/* Makes a key of each form and answers their secrets. */
static void
fill(struct store *store, struct kms_material ret[2])
{
    static const char *const specs[2] = {"SYMMETRIC_DEFAULT", "ECC_NIST_P256"};
    struct txn *txn = store_begin(store);

    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        CHECK_INT(
            kms_material_make(env_real(), test_arena(), kms_spec_find(str_from(specs[i])), &ret[i]),
            0);
        CHECK_INT(
            kms_material_insert(txn, &(struct kms_material_row){.id = str_from(specs[i]),
                                                                .owner = S("a/b"),
                                                                .number = 1,
                                                                .material_id = str_from(specs[i]),
                                                                .secret = ret[i].secret,
                                                                .public = ret[i].public}),
            0);
    }
    store_commit(txn);
    CHECK_INT(store_flush(store), 0);
}

TEST(no_key_of_kms_lies_in_the_database_in_plain)
{
    struct store_config config = config_of_dir();
    struct kms_material made[2];
    struct store *store;
    char why[STORE_WHY_BYTES];

    CHECK_INT(store_open(&store, &config, why), 0);
    fill(store, made);
    CHECK(on_disk(made[1].public)); /* what is no secret is found there */
    /* the private number of PKCS#8 for P-256 stands at its 36th byte */
    CHECK(!on_disk(made[0].secret) && !on_disk(str_cut(made[1].secret, 36, 68)));
    store_close(store);
}

TEST(without_root_key_the_store_does_not_open_and_says_why)
{
    struct store_config config = config_of_dir();
    struct kms_material made[2];
    struct store *store;
    char why[STORE_WHY_BYTES];

    CHECK_INT(store_open(&store, &config, why), 0);
    fill(store, made);
    store_close(store);
    CHECK_INT(rename(in_dir("root.key"), in_dir("backup")), 0);
    CHECK_INT(store_open(&store, &config, why), -ENOKEY);
    CHECK(str_find(str_from(why), S("root.key is missing")) != SIZE_MAX);
    CHECK(access(in_dir("root.key"), F_OK) != 0); /* no new one is made in silence */
    CHECK_INT(rename(in_dir("backup"), in_dir("root.key")), 0);
    CHECK_INT(store_open(&store, &config, why), 0);
    struct txn *txn = store_begin(store);
    CHECK(str_eq(kms_material_get(txn, S("SYMMETRIC_DEFAULT"))->secret, made[0].secret));
    store_rollback(txn);
    store_close(store);
}
