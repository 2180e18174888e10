/* What seals tokens must outlive the daemon, or a restart would refuse what it gave out. */
#include "store/keys.h"

#include "base/error.h"
#include "gen/store/keys_rows.h"

/* Ends what made or read a key. */
static int
end(struct txn *txn, struct arena *arena, int r)
{
    assert(r <= 0);
    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    arena_wipe(arena);
    arena_done(arena);
    return r;
}

int
store_key_load(struct store *store, struct env *env, const char *name,
               uint8_t ret[STORE_KEY_BYTES])
{
    struct txn *txn = store_begin(store);
    const struct store_key_row *row = store_key_get(txn, str_from(name));
    struct arena arena;
    struct str raw;
    int r = 0;

    assert(name[0] != '\0');
    arena_init(&arena, 4096);
    if (row && str_unhex(&arena, row->value, &raw) && raw.n == STORE_KEY_BYTES) {
        memcpy(ret, raw.p, STORE_KEY_BYTES);
    } else {
        env->random(env, ret, STORE_KEY_BYTES);
        struct store_key_row fresh = {.id = str_from(name),
                                      .value = str_hex(&arena, ret, STORE_KEY_BYTES)};
        r = row ? store_key_update(txn, &fresh) : store_key_insert(txn, &fresh);
    }
    return end(txn, &arena, r);
}

/* ---- identity documents ---- */

#define IDENTITY_ARENA_BYTES ((size_t)64 << 10)
#define IDENTITY_ID S("identity")

static int
identity_make_row(struct txn *txn, struct env *env, struct arena *arena)
{
    struct store_identity_row row = {.id = IDENTITY_ID};
    int r = identity_make(arena, env->now_ms(env), &row.private_keys, &row.certificates);

    return r < 0 ? r : store_identity_insert(txn, &row);
}

int
store_identity_load(struct store *store, struct env *env, struct identity **ret)
{
    struct txn *txn = store_begin(store);
    const struct store_identity_row *row = store_identity_get(txn, IDENTITY_ID);
    struct arena arena;
    int r = 0;

    arena_init(&arena, IDENTITY_ARENA_BYTES);
    if (!row) {
        r = identity_make_row(txn, env, &arena);
        row = store_identity_get(txn, IDENTITY_ID);
    }
    if (r >= 0)
        r = identity_open(ret, row->private_keys, row->certificates);
    if (r == -EBADMSG)
        error_origin(EBADMSG, "the keys of identity documents in the database are damaged");
    return end(txn, &arena, r);
}

struct str
store_identity_certificates(struct txn *txn)
{
    const struct store_identity_row *row = store_identity_get(txn, IDENTITY_ID);

    return row ? row->certificates : S("");
}
