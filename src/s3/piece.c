/*
 * The bytes of objects.  A piece is a range of a blob; a blob lasts as long as a piece of a row is
 * of it, which its row counts.
 *
 * Each blob, and the data of each row, has a key of its own (codec/sealed.h), which every row that
 * names it keeps wrapped under what its own object is encrypted with.  So a copy, whatever its
 * encryption, wraps a key anew and moves no byte.  What 0.3 wrote has no key: it is plain, and is
 * encrypted when it is copied.
 */
#include "s3/s3.h"

#include "base/error.h"

#define COPY_AT_ONCE ((size_t)128 << 10)

static int64_t
number_of(struct str text)
{
    int64_t n = 0;
    bool ok = str_to_i64(text, &n);

    assert(ok && n >= 0);
    return n;
}

struct s3_bytes
s3_bytes_of(const struct s3_object_row *row, const struct s3_wrapping *wrapping)
{
    return (struct s3_bytes){.bucket = row->bucket,
                             .object_key = row->object_key,
                             .wrapping = wrapping,
                             .size = row->size,
                             .data = row->data,
                             .pieces = row->pieces,
                             .file_keys = row->file_keys};
}

void
s3_bytes_into(const struct s3_bytes *bytes, struct s3_object_row *row)
{
    assert(str_eq(bytes->bucket, row->bucket) && str_eq(bytes->object_key, row->object_key));
    row->size = bytes->size;
    row->data = bytes->data;
    row->pieces = bytes->pieces;
    row->file_keys = bytes->file_keys;
}

/* ---- keys of files ---- */

/* What a file's key is bound to: the file (none: the row's data), its length, whose it is. */
static struct str
bound_to(struct arena *a, const struct s3_bytes *x, struct str blob, uint64_t blob_bytes)
{
    return str_fmt(a, "%.*s %llu %.*s/%.*s", STR_ARG(blob.n ? blob : S("data")),
                   (unsigned long long)blob_bytes, STR_ARG(x->bucket), STR_ARG(x->object_key));
}

static struct str
wrap(struct api_call *call, const struct s3_bytes *x, struct str blob, uint64_t blob_bytes,
     const uint8_t key[AEAD_KEY_BYTES])
{
    uint8_t salt[SEALED_SALT_BYTES], wrapped[SEALED_WRAPPED_BYTES];

    call->env->random(call->env, salt, sizeof(salt));
    sealed_wrap(x->wrapping->key, salt, bound_to(call->arena, x, blob, blob_bytes), key, wrapped);
    return str_base64(call->arena, str_of(wrapped, sizeof(wrapped)));
}

/* Whether piece number i, or the data, is encrypted. */
static bool
is_sealed(const struct s3_bytes *x, size_t i)
{
    return i < x->file_keys.n && x->file_keys.v[i].n;
}

static int
unwrap(struct api_call *call, const struct s3_bytes *x, size_t i, struct str blob,
       uint64_t blob_bytes, uint8_t ret[AEAD_KEY_BYTES])
{
    struct str wrapped;

    assert(is_sealed(x, i));
    return str_unbase64(call->arena, x->file_keys.v[i], &wrapped) &&
                   sealed_unwrap(x->wrapping->key, bound_to(call->arena, x, blob, blob_bytes),
                                 wrapped, ret)
               ? 0
               : error_origin(EBADMSG, "the key of a file of %.*s is not what was written",
                              STR_ARG(x->bucket));
}

/* ---- blobs ---- */

static void
add_piece(struct api_call *call, struct s3_bytes *ret, struct str blob, uint64_t offset,
          uint64_t bytes, struct str key)
{
    *LIST_PUSH(call->arena, &ret->pieces) = blob;
    *LIST_PUSH(call->arena, &ret->pieces) =
        str_fmt(call->arena, "%llu", (unsigned long long)offset);
    *LIST_PUSH(call->arena, &ret->pieces) = str_fmt(call->arena, "%llu", (unsigned long long)bytes);
    *LIST_PUSH(call->arena, &ret->file_keys) = key;
}

/* One that was just made, whose key is in memory. */
static int
add_blob(struct api_call *call, struct s3_bytes *ret, const struct api_sealed_blob *blob)
{
    struct str name = str_dup(call->arena, str_of(blob->name, sizeof(blob->name)));
    const struct s3_blob_row row = {.id = name, .refs = 1, .bytes = (int64_t)blob->bytes};

    add_piece(call, ret, name, 0, blob->bytes, wrap(call, ret, name, blob->bytes, blob->key));
    return s3_blob_insert(call->txn, &row);
}

/* Where the plain bytes of a new blob come from. */
struct source {
    struct str bytes;          /* memory, … */
    struct api_stream *stream; /* … or what is read */
};

static int
fill(struct api_call *call, struct api_sealed_blob *blob, const struct source *source)
{
    char *room;
    ssize_t n = 0;
    int r = 0;

    if (!source->stream)
        return api_sealed_blob_add(blob, source->bytes);
    room = arena_alloc_raw(call->arena, COPY_AT_ONCE);
    while (r == 0 && (n = api_stream_read(source->stream, room, COPY_AT_ONCE)) > 0)
        r = api_sealed_blob_add(blob, str_of(room, (size_t)n));
    return r ? r : (int)MIN(n, 0);
}

/* Leaves a file when the call is taken back: the next start's sweep finds it. */
static int
make_blob(struct api_call *call, const struct source *source, struct s3_bytes *ret)
{
    struct api_sealed_blob *blob;
    int r = api_sealed_blob_new(call->env, &blob);

    if (r < 0)
        return r;
    r = fill(call, blob, source);
    if (r == 0)
        r = api_sealed_blob_end(blob, NULL);
    if (r == 0)
        r = add_blob(call, ret, blob);
    api_sealed_blob_free(blob);
    return r;
}

/* ---- data ---- */

static void
take_data(struct api_call *call, struct str plain, struct s3_bytes *ret)
{
    uint8_t key[AEAD_KEY_BYTES], *sealed;

    assert(plain.n <= SEALED_CHUNK_BYTES);
    if (!plain.n)
        return;
    sealed = arena_alloc_raw(call->arena, plain.n + AEAD_TAG_BYTES);
    call->env->random(call->env, key, sizeof(key));
    sealed_put(key, 0, true, plain, sealed);
    ret->data = str_of(sealed, plain.n + AEAD_TAG_BYTES);
    *LIST_PUSH(call->arena, &ret->file_keys) = wrap(call, ret, STR_NONE, plain.n, key);
    explicit_bzero(key, sizeof(key));
}

int
s3_bytes_open(struct api_call *call, const struct s3_bytes *from, struct str *ret)
{
    uint8_t key[AEAD_KEY_BYTES], *plain;
    bool good;

    assert(!from->pieces.n);
    *ret = from->data;
    if (!is_sealed(from, 0))
        return 0;
    int r = unwrap(call, from, 0, STR_NONE, (uint64_t)from->size, key);

    if (r)
        return r;
    plain = arena_alloc_raw(call->arena, (size_t)from->size);
    good = from->data.n == (size_t)from->size + AEAD_TAG_BYTES &&
           sealed_get(key, 0, true, from->data, plain);
    explicit_bzero(key, sizeof(key));
    *ret = str_of(plain, (size_t)from->size);
    return good ? 0
                : error_origin(EBADMSG, "the bytes of an object of %.*s are not what was written",
                               STR_ARG(from->bucket));
}

int
s3_bytes_take(struct api_call *call, bool apart, struct s3_bytes *ret)
{
    struct api_upload *u = call->upload;

    assert(u && u->ended && !u->failure && !u->kept);
    ret->size = (int64_t)u->bytes;
    if (u->blob) {
        u->kept = true;
        return add_blob(call, ret, u->blob);
    }
    if (apart)
        return make_blob(call, &(struct source){.bytes = buf_str(&u->data)}, ret);
    take_data(call, buf_str(&u->data), ret);
    return 0;
}

/* ---- ranges of pieces ---- */

/* One that lies in a range. */
struct cut {
    size_t i; /* the piece's number */
    struct str blob;
    uint64_t offset, bytes;
    uint64_t blob_bytes;
};

/* The next of the range `*from`, `*left`, which it shortens; `*next` begins at 0. */
static int
next_cut(struct api_call *call, const struct s3_bytes *x, size_t *next, uint64_t *from,
         uint64_t *left, struct cut *ret)
{
    uint64_t n = 0;

    for (;; *next += 1, *from -= n) {
        assert(3 * *next < x->pieces.n);
        n = (uint64_t)number_of(x->pieces.v[3 * *next + 2]);
        if (*from < n)
            break;
    }
    ret->i = *next;
    ret->blob = x->pieces.v[3 * *next];
    ret->offset = (uint64_t)number_of(x->pieces.v[3 * *next + 1]) + *from;
    ret->bytes = MIN(n - *from, *left);
    const struct s3_blob_row *row = s3_blob_get(call->txn, ret->blob);

    if (!row)
        return error_origin(EUCLEAN, "the blob %.*s is named but not known", STR_ARG(ret->blob));
    ret->blob_bytes = (uint64_t)row->bytes;
    *left -= ret->bytes;
    *from = 0;
    *next += 1;
    return ret->offset + ret->bytes <= ret->blob_bytes
               ? 0
               : error_origin(EUCLEAN, "the blob %.*s is too short", STR_ARG(ret->blob));
}

int
s3_bytes_stream(struct api_call *call, const struct s3_bytes *from, uint64_t offset, uint64_t bytes,
                struct api_stream **ret)
{
    struct api_stream *stream = api_stream_new(call->arena, call->env->blobs, bytes);
    size_t next = 0;
    int r = 0;

    assert(from->pieces.n % 3 == 0 && offset + bytes <= (uint64_t)from->size);
    stream->pieces.v = ARENA_ARRAY(call->arena, struct api_piece, from->pieces.n / 3);
    while (bytes && r == 0) {
        struct api_piece *piece = &stream->pieces.v[stream->pieces.n++];
        struct cut cut;

        r = next_cut(call, from, &next, &offset, &bytes, &cut);
        if (r)
            break;
        /* the names are read when the row may be gone */
        *piece = (struct api_piece){.blob = str_dup(call->arena, cut.blob),
                                    .offset = cut.offset,
                                    .bytes = cut.bytes,
                                    .sealed = is_sealed(from, cut.i),
                                    .blob_bytes = cut.blob_bytes};
        if (piece->sealed)
            r = unwrap(call, from, cut.i, cut.blob, cut.blob_bytes, piece->key);
    }
    *ret = stream;
    return r;
}

/* A piece of before there was encryption: its bytes are moved. */
static int
copy_plain(struct api_call *call, const struct cut *cut, struct s3_bytes *ret)
{
    struct api_stream *stream = api_stream_new(call->arena, call->env->blobs, cut->bytes);

    *LIST_PUSH(call->arena, &stream->pieces) =
        (struct api_piece){.blob = cut->blob, .offset = cut->offset, .bytes = cut->bytes};
    return make_blob(call, &(struct source){.stream = stream}, ret);
}

static int
copy_piece(struct api_call *call, const struct s3_bytes *from, const struct cut *cut,
           struct s3_bytes *ret)
{
    uint8_t key[AEAD_KEY_BYTES];
    struct str_list one = {.v = (struct str[]){cut->blob, S("0"), S("0")}, .n = 3};

    if (!is_sealed(from, cut->i))
        return copy_plain(call, cut, ret);
    int r = unwrap(call, from, cut->i, cut->blob, cut->blob_bytes, key);

    if (r)
        return r;
    add_piece(call, ret, cut->blob, cut->offset, cut->bytes,
              wrap(call, ret, cut->blob, cut->blob_bytes, key));
    explicit_bzero(key, sizeof(key));
    return s3_pieces_share(call->txn, &one);
}

int
s3_bytes_copy(struct api_call *call, const struct s3_bytes *from, uint64_t offset, uint64_t bytes,
              bool apart, struct s3_bytes *ret)
{
    struct str plain;
    size_t next = 0;
    int r = 0;

    assert(offset + bytes <= (uint64_t)from->size);
    ret->size = (int64_t)bytes;
    if (!from->pieces.n) {
        r = s3_bytes_open(call, from, &plain);
        plain = str_cut(plain, (size_t)offset, (size_t)(offset + bytes));
        if (r == 0 && apart)
            return make_blob(call, &(struct source){.bytes = plain}, ret);
        if (r == 0)
            take_data(call, plain, ret);
        return r;
    }
    while (bytes && r == 0) {
        struct cut cut;

        r = next_cut(call, from, &next, &offset, &bytes, &cut);
        if (r == 0)
            r = copy_piece(call, from, &cut, ret);
    }
    return r;
}

/* ---- counts ---- */

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
