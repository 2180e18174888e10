/* The pools of addresses, over a real store. */
#include "codec/ip.h"
#include "ec2/ec2.h"
#include "gen/store/tables.h"
#include "harness/harness.h"
#include "sys/env.h"

struct pools {
    struct env_fake env;
    struct store *store;
    struct txn *txn;
};

static void
pools_open(struct pools *p)
{
    static const uint8_t key[STORE_ROOT_KEY_BYTES];
    char why[STORE_WHY_BYTES];

    env_fake_init(&p->env, 1);
    struct store_config config = {.env = &p->env.env,
                                  .dir = test_dir(),
                                  .tables = all_tables,
                                  .n_tables = n_all_tables,
                                  .root_key = key};

    if (store_open(&p->store, &config, why) != 0)
        FAIL("%s", why);
    p->txn = store_begin(p->store);
}

static void
pools_close(struct pools *p)
{
    (void)store_commit(p->txn);
    store_close(p->store);
}

static struct ec2_pool
subnet(const char *cidr)
{
    const struct ec2_subnet_row row = {.id = S("subnet-1"), .cidr = str_from(cidr)};

    return ec2_pool_subnet(&row);
}

static uint32_t
ip(const char *text)
{
    uint32_t v = 0;

    CHECK(ip4_parse(str_from(text), &v));
    return v;
}

TEST(the_lowest_free_address_is_given)
{
    struct pools p;
    struct ec2_pool pool = subnet("172.31.16.0/20");
    uint32_t got;

    pools_open(&p);
    CHECK_INT(ec2_pool_free(p.txn, &pool), 4091);
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
    CHECK_INT(got, ip("172.31.16.4"));
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
    CHECK_INT(got, ip("172.31.16.5"));
    CHECK_INT(ec2_pool_give(p.txn, &pool, ip("172.31.16.4")), 0);
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
    CHECK_INT(got, ip("172.31.16.4"));
    CHECK_INT(ec2_pool_take(p.txn, &pool, ip("172.31.16.5")), -EADDRINUSE);
    CHECK_INT(ec2_pool_take(p.txn, &pool, ip("172.31.16.6")), 0);
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
    CHECK_INT(got, ip("172.31.16.7"));
    CHECK_INT(ec2_pool_free(p.txn, &pool), 4091 - 4);
    pools_close(&p);
}

/* An address far up makes the blocks below it, so that none is passed over. */
TEST(an_address_far_up_hides_none_below)
{
    struct pools p;
    struct ec2_pool pool = subnet("10.0.0.0/16");
    uint32_t got;

    pools_open(&p);
    CHECK_INT(ec2_pool_take(p.txn, &pool, ip("10.0.200.7")), 0);
    CHECK_INT(ec2_pool_take(p.txn, &pool, ip("10.0.200.7")), -EADDRINUSE);
    for (unsigned i = 4; i < 600; i++) {
        CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
        CHECK_INT(got, ip("10.0.0.0") + i);
    }
    pools_close(&p);
}

TEST(a_pool_runs_out_and_recovers)
{
    struct pools p;
    struct ec2_pool pool = subnet("10.0.0.16/28");
    uint32_t got;

    pools_open(&p);
    CHECK_INT(ec2_pool_free(p.txn, &pool), 11);
    for (unsigned i = 0; i < 11; i++) {
        CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
        CHECK_INT(got, ip("10.0.0.20") + i);
    }
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), -ENOSPC);
    CHECK_INT(ec2_pool_free(p.txn, &pool), 0);
    CHECK_INT(ec2_pool_give(p.txn, &pool, ip("10.0.0.25")), 0);
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
    CHECK_INT(got, ip("10.0.0.25"));
    pools_close(&p);
}

TEST(a_whole_subnet_is_given_and_survives_a_restart)
{
    struct pools p;
    struct ec2_pool pool = subnet("172.31.0.0/20");
    uint32_t got;

    pools_open(&p);
    for (unsigned i = 0; i < 4091; i++) {
        CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), 0);
        CHECK_INT(got, ip("172.31.0.4") + i);
    }
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), -ENOSPC);
    pools_close(&p);
    pools_open(&p);
    CHECK_INT(ec2_pool_take_lowest(p.txn, &pool, &got), -ENOSPC);
    CHECK_INT(ec2_pool_give(p.txn, &pool, ip("172.31.9.9")), 0);
    CHECK_INT(ec2_pool_free(p.txn, &pool), 1);
    pools_close(&p);
}

TEST(reserved_addresses_and_those_of_others_are_known)
{
    struct ec2_pool pool = subnet("172.31.16.0/20"), public = ec2_pool_public();

    CHECK(ec2_pool_has(&pool, ip("172.31.16.0")) && ec2_pool_has(&pool, ip("172.31.31.255")));
    CHECK(!ec2_pool_has(&pool, ip("172.31.15.255")) && !ec2_pool_has(&pool, ip("172.31.32.0")));
    CHECK(ec2_pool_reserves(&pool, ip("172.31.16.0")));
    CHECK(ec2_pool_reserves(&pool, ip("172.31.16.3")));
    CHECK(ec2_pool_reserves(&pool, ip("172.31.31.255")));
    CHECK(!ec2_pool_reserves(&pool, ip("172.31.16.4")));
    CHECK(!ec2_pool_reserves(&pool, ip("172.31.31.254")));
    CHECK(ec2_pool_has(&public, ip("198.18.0.4")) && ec2_pool_has(&public, ip("198.19.255.254")));
    CHECK(!ec2_pool_has(&public, ip("198.20.0.0")));
}
