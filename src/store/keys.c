/* What seals tokens must outlive the daemon, or a restart would refuse what it gave out. */
#include "store/keys.h"

#include "gen/store/keys_rows.h"

int
store_key_load(struct store *store, struct env *env, const char *name,
               uint8_t ret[STORE_KEY_BYTES])
{
    struct txn *txn = store_begin(store);
    const struct store_key_row *row = store_key_get(txn, str_from(name));
    struct arena arena;
    struct str raw;
    int r = 0;

    arena_init(&arena, 4096);
    if (row && str_unhex(&arena, row->value, &raw) && raw.n == STORE_KEY_BYTES) {
        memcpy(ret, raw.p, STORE_KEY_BYTES);
    } else {
        env->random(env, ret, STORE_KEY_BYTES);
        struct store_key_row fresh = {.id = str_from(name),
                                      .value = str_hex(&arena, ret, STORE_KEY_BYTES)};
        r = row ? store_key_update(txn, &fresh) : store_key_insert(txn, &fresh);
    }
    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    arena_wipe(&arena);
    arena_done(&arena);
    return r;
}
