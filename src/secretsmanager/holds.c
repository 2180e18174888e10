/*
 * What holds of the rows of secrets whatever was called: asked where a secret is found and after
 * its labels have moved.
 */
#include "secretsmanager/secretsmanager.h"

#include "codec/aead.h"

void
secret_assert(const struct secret_row *row)
{
    assert(str_starts(row->arn, S("arn:aws:secretsmanager:")) && row->name.n > 0);
    assert(str_find(row->arn, row->name) != SIZE_MAX &&
           str_find(row->arn, row->region) != SIZE_MAX);
    assert(row->created_ms > 0 && row->changed_ms > 0 && row->deletion_ms >= 0);
    assert(row->accessed_ms % SECRET_DAY_MS == 0);
    assert(row->tags.n % 2 == 0);
    /* a replica is deleted by its primary alone, which has none any more when its time comes */
    assert(!row->primary_region.n || !str_eq(row->primary_region, row->region));
    assert(!row->primary_region.n || row->deletion_ms == 0);
}

void
secret_version_assert(const struct secret_version_row *version)
{
    assert(str_starts(version->id, version->arn) && str_ends(version->id, version->version_id));
    assert(version->number >= 1 && version->accessed_ms % SECRET_DAY_MS == 0);
    if (version->sealed.n) {
        assert(version->nonce.n == AEAD_NONCE_BYTES && version->data_key.n > 0);
        assert(version->sealed.n >= AEAD_TAG_BYTES);
    } else {
        assert(!version->nonce.n && !version->data_key.n);
    }
    for (size_t i = 1; i < version->stages.n; i++)
        assert(str_cmp(version->stages.v[i - 1], version->stages.v[i]) < 0);
}

void
secret_stages_assert(struct txn *txn, struct str arn)
{
    bool current = false, any = false;
    int64_t last = 0;

    STORE_EACH(txn, secret_version_of_secret, version, arn) {
        bool is_current = str_in(&version->stages, S("AWSCURRENT"));

        secret_version_assert(version);
        assert(version->number > last);
        assert(!(current && is_current));
        for (size_t i = 0; i < version->stages.n; i++)
            assert(str_eq(secret_staged(txn, arn, version->stages.v[i])->id, version->id));
        current = current || is_current;
        last = version->number;
        any = any || version->sealed.n > 0;
    }
    assert(current || !any);
}
