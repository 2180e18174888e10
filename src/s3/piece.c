/*
 * The bytes of objects.  A piece is a range of a blob; a blob lasts as long as a piece of a row is
 * of it, which its row counts.
 */
#include "s3/s3.h"

#include "base/error.h"

static int64_t
number_of(struct str text)
{
    int64_t n = 0;
    bool ok = str_to_i64(text, &n);

    assert(ok && n >= 0);
    return n;
}

static struct str_list
one_piece(struct arena *a, struct str blob, uint64_t bytes)
{
    struct str_list pieces = {0};

    *LIST_PUSH(a, &pieces) = blob;
    *LIST_PUSH(a, &pieces) = S("0");
    *LIST_PUSH(a, &pieces) = str_fmt(a, "%llu", (unsigned long long)bytes);
    return pieces;
}

static int
new_blob(struct txn *txn, struct str name, uint64_t bytes)
{
    const struct s3_blob_row row = {.id = name, .refs = 1, .bytes = (int64_t)bytes};

    return s3_blob_insert(txn, &row);
}

int
s3_pieces_take(struct api_call *call, struct s3_object_row *row)
{
    struct api_upload *u = call->upload;

    assert(u && u->ended && !u->failure && !u->kept);
    row->size = (int64_t)u->bytes;
    if (!u->in_blob) {
        row->data = buf_str(&u->data);
        return 0;
    }
    struct str name = str_of(u->name, sizeof(u->name));

    row->pieces = one_piece(call->arena, name, u->bytes);
    u->kept = true;
    return new_blob(call->txn, name, u->bytes);
}

/* Leaves no file when the call is taken back: the next start's sweep finds it. */
int
s3_blob_of(struct api_call *call, struct str bytes, struct str_list *ret)
{
    struct blobs *blobs = call->env->blobs;
    uint8_t random[BLOB_NAME_BYTES / 2];
    struct blob *blob;

    if (!blobs)
        return error_origin(ENOSYS, "there is no place for blobs");
    call->env->random(call->env, random, sizeof(random));
    struct str name = str_hex(call->arena, random, sizeof(random));
    int r = blobs->driver->create(blobs, name, &blob);

    if (r < 0)
        return error_origin(-r, "a blob cannot be made: %s", strerror(-r));
    r = blobs->driver->add(blob, bytes.p, bytes.n);
    if (r < 0)
        blobs->driver->discard(blob);
    else
        r = blobs->driver->finish(blob);
    if (r < 0)
        return error_origin(-r, "a blob cannot be written: %s", strerror(-r));
    *ret = one_piece(call->arena, name, bytes.n);
    return new_blob(call->txn, name, bytes.n);
}

static int
count(struct txn *txn, const struct str_list *pieces, int by)
{
    int r = 0;

    assert(pieces->n % 3 == 0);
    for (size_t i = 0; i < pieces->n && r >= 0; i += 3) {
        const struct s3_blob_row *old = s3_blob_get(txn, pieces->v[i]);

        if (!old)
            return error_origin(EUCLEAN, "the blob %.*s is named but not known",
                                STR_ARG(pieces->v[i]));
        struct s3_blob_row row = *old;

        row.refs += by;
        assert(row.refs >= 0);
        r = row.refs ? s3_blob_update(txn, &row) : s3_blob_delete(txn, row.id);
    }
    return r;
}

int
s3_pieces_share(struct txn *txn, const struct str_list *pieces)
{
    return count(txn, pieces, 1);
}

int
s3_pieces_release(struct txn *txn, const struct str_list *pieces)
{
    return count(txn, pieces, -1);
}

void
s3_pieces_cut(struct arena *a, const struct str_list *pieces, uint64_t from, uint64_t bytes,
              struct api_pieces *ret)
{
    for (size_t i = 0; i < pieces->n && bytes; i += 3) {
        uint64_t offset = (uint64_t)number_of(pieces->v[i + 1]);
        uint64_t n = (uint64_t)number_of(pieces->v[i + 2]);

        if (from >= n) {
            from -= n;
            continue;
        }
        uint64_t take = MIN(n - from, bytes);

        *LIST_PUSH(a, ret) = (struct api_piece){str_dup(a, pieces->v[i]), offset + from,
                                                take}; /* read when the row may be gone */
        bytes -= take;
        from = 0;
    }
    assert(bytes == 0);
}
