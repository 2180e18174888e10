/*
 * Which addresses are taken.
 *
 * The lowest free address is given, not a random one: a simulation run again from its seed sees
 * the same addresses, and people find their first instance at .4.  To find it among thousands of
 * interfaces without walking them, a pool keeps a bit an address in rows of 256 and an index of
 * those rows that have room.  Rows and bits change in the transaction that makes or deletes the
 * interface, so neither a rollback nor a crash can part them.
 *
 * Invariants: the blocks of a pool are 0 … n-1 without a gap (so the first with room holds the
 * lowest free address, or else block n does, and n is found by bisection); bits of reserved
 * addresses and of those behind the pool's end are set from the start.
 */
#include "codec/ip.h"
#include "ec2/ec2.h"

enum {
    BLOCK = 256, /* addresses a row */
    KEY_MAX = 64,
    PUBLIC_BITS = 15,
};

#define PUBLIC_FIRST 0xc6120000u /* 198.18.0.0 */

struct bits {
    uint8_t b[BLOCK / 8];
};

struct ec2_pool
ec2_pool_subnet(const struct ec2_subnet_row *subnet)
{
    struct ip4_block block = {0};
    bool ok = ip4_block_parse(subnet->cidr, &block);

    assert(ok);
    (void)ok;
    /* The network, its router, its resolver, one kept for later, and the broadcast address. */
    return (struct ec2_pool){.name = subnet->id,
                             .first = ip4_block_nth(block, 0),
                             .size = ip4_block_size(block),
                             .reserved_low = 4,
                             .reserved_high = 1};
}

/* The last one is the functions' (src/host/functions.c). */
struct ec2_pool
ec2_pool_public(void)
{
    return (struct ec2_pool){.name = S("public"),
                             .first = PUBLIC_FIRST,
                             .size = UINT64_C(1) << (32 - PUBLIC_BITS),
                             .reserved_low = 4,
                             .reserved_high = 2};
}

bool
ec2_pool_has(const struct ec2_pool *pool, uint32_t ip)
{
    return ip >= pool->first && ip - pool->first < pool->size;
}

bool
ec2_pool_reserves(const struct ec2_pool *pool, uint32_t ip)
{
    uint64_t n = ip - pool->first;

    assert(ec2_pool_has(pool, ip));
    return n < pool->reserved_low || n >= pool->size - pool->reserved_high;
}

/* "subnet-0…/3" in the caller's room. */
static struct str
block_key(const struct ec2_pool *pool, uint64_t number, char room[KEY_MAX])
{
    char digits[STR_I64_MAX];
    struct str s = str_i64((int64_t)number, digits);
    size_t at = pool->name.n;

    assert(at + 1 + s.n <= KEY_MAX);
    memcpy(room, pool->name.p, at);
    room[at++] = '/';
    memcpy(room + at, s.p, s.n);
    return str_of(room, at + s.n);
}

static const struct ec2_address_block_row *
block_get(struct txn *txn, const struct ec2_pool *pool, uint64_t number)
{
    char room[KEY_MAX];

    return ec2_address_block_get(txn, block_key(pool, number, room));
}

static uint64_t
blocks_max(const struct ec2_pool *pool)
{
    return (pool->size + BLOCK - 1) / BLOCK;
}

/* How many blocks the pool has: the first number that is not there. */
static uint64_t
blocks_made(struct txn *txn, const struct ec2_pool *pool)
{
    uint64_t low = 0, high = blocks_max(pool);

    while (low < high) {
        uint64_t middle = (low + high) / 2;

        if (block_get(txn, pool, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct bits
bits_of(const struct ec2_address_block_row *row)
{
    struct bits bits;

    assert(row->taken.n == sizeof(bits.b));
    memcpy(bits.b, row->taken.p, sizeof(bits.b));
    return bits;
}

/* The first clear bit, or BLOCK. */
static unsigned
bits_lowest(const struct bits *bits)
{
    for (unsigned i = 0; i < sizeof(bits->b); i++)
        if (bits->b[i] != 0xff)
            return i * 8 + (unsigned)__builtin_ctz(~(unsigned)bits->b[i]);
    return BLOCK;
}

static int
block_make(struct txn *txn, const struct ec2_pool *pool, uint64_t number)
{
    struct bits bits = {{0}};
    char room[KEY_MAX];

    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t n = number * BLOCK + i;

        if (n >= pool->size || ec2_pool_reserves(pool, (uint32_t)(pool->first + n)))
            bits.b[i / 8] |= (uint8_t)(1 << i % 8);
    }
    struct ec2_address_block_row row = {.id = block_key(pool, number, room),
                                        .pool = pool->name,
                                        .number = (int64_t)number,
                                        .taken = str_of(bits.b, sizeof(bits.b)),
                                        .has_room = bits_lowest(&bits) < BLOCK};
    int r = ec2_address_block_insert(txn, &row);

    return r < 0 ? error_origin(-r, "addresses of %.*s cannot be written", STR_ARG(row.id)) : 0;
}

/* Sets or clears the bit of one address; it is the other way before. */
static int
bit_put(struct txn *txn, const struct ec2_address_block_row *row, unsigned i, bool on)
{
    struct ec2_address_block_row new = *row;
    struct bits bits = bits_of(row);

    assert(i < BLOCK && !!(bits.b[i / 8] & 1 << i % 8) != on);
    bits.b[i / 8] ^= (uint8_t)(1 << i % 8);
    new.taken = str_of(bits.b, sizeof(bits.b));
    new.n_taken += on ? 1 : -1;
    new.has_room = bits_lowest(&bits) < BLOCK;
    assert(new.n_taken >= 0 && new.n_taken <= BLOCK);

    int r = ec2_address_block_update(txn, &new);

    return r < 0 ? error_origin(-r, "addresses of %.*s cannot be written", STR_ARG(row->id)) : 0;
}

static const struct ec2_address_block_row *
block_with_room(struct txn *txn, const struct ec2_pool *pool)
{
    STORE_EACH(txn, ec2_address_block_by_room, row, pool->name, true)
        return row;
    return NULL;
}

int
ec2_pool_take_lowest(struct txn *txn, const struct ec2_pool *pool, uint32_t *ret_ip)
{
    const struct ec2_address_block_row *row = block_with_room(txn, pool);

    for (uint64_t n = row ? 0 : blocks_made(txn, pool); !row; n++) {
        if (n >= blocks_max(pool))
            return -ENOSPC;
        int r = block_make(txn, pool, n);

        if (r < 0)
            return r;
        row = block_with_room(txn, pool); /* a block may be nothing but reserved addresses */
    }
    struct bits bits = bits_of(row);
    unsigned i = bits_lowest(&bits);
    int r = bit_put(txn, row, i, true);

    if (r < 0)
        return r;
    *ret_ip = (uint32_t)(pool->first + (uint64_t)row->number * BLOCK + i);
    assert(ec2_pool_has(pool, *ret_ip) && !ec2_pool_reserves(pool, *ret_ip));
    return 0;
}

int
ec2_pool_take(struct txn *txn, const struct ec2_pool *pool, uint32_t ip)
{
    uint64_t n = ip - pool->first;
    const struct ec2_address_block_row *row;

    assert(ec2_pool_has(pool, ip) && !ec2_pool_reserves(pool, ip));
    if (!block_get(txn, pool, n / BLOCK))
        for (uint64_t i = blocks_made(txn, pool); i <= n / BLOCK; i++) {
            int r = block_make(txn, pool, i);

            if (r < 0)
                return r;
        }
    row = block_get(txn, pool, n / BLOCK);
    assert(row);
    if (bits_of(row).b[n % BLOCK / 8] & 1 << n % 8)
        return -EADDRINUSE;
    return bit_put(txn, row, n % BLOCK, true);
}

int
ec2_pool_give(struct txn *txn, const struct ec2_pool *pool, uint32_t ip)
{
    uint64_t n = ip - pool->first;

    assert(ec2_pool_has(pool, ip) && !ec2_pool_reserves(pool, ip));
    const struct ec2_address_block_row *row = block_get(txn, pool, n / BLOCK);

    assert(row);
    return bit_put(txn, row, n % BLOCK, false);
}

uint64_t
ec2_pool_free(struct txn *txn, const struct ec2_pool *pool)
{
    uint64_t free = pool->size - pool->reserved_low - pool->reserved_high;

    STORE_EACH(txn, ec2_address_block_by_pool, row, pool->name)
        free -= (uint64_t)row->n_taken;
    return free;
}

int
ec2_pool_drop(struct txn *txn, const struct ec2_pool *pool)
{
    int r = 0;

    STORE_EACH(txn, ec2_address_block_by_pool, row, pool->name) {
        assert(row->n_taken == 0);
        if (r >= 0)
            r = ec2_address_block_delete(txn, row->id);
    }
    return r < 0 ? error_origin(-r, "the addresses of %.*s cannot be deleted", STR_ARG(pool->name))
                 : 0;
}
