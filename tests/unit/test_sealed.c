/* Files that are encrypted in chunks: what is changed, moved or cut off is found. */
#include "codec/sealed.h"
#include "api/sealed_blob.h"
#include "api/stream.h"
#include "harness/harness.h"

static const uint8_t KEY[AEAD_KEY_BYTES] = {1, 2, 3}, OTHER[AEAD_KEY_BYTES] = {1, 2, 4};

TEST(a_chunk_opens_only_where_it_stands)
{
    uint8_t sealed[100 + AEAD_TAG_BYTES], plain[100];
    struct str text = str_of((char[100]){"some text"}, 100);

    sealed_put(KEY, 7, true, text, sealed);
    struct str stored = str_of(sealed, sizeof(sealed));

    CHECK(sealed_get(KEY, 7, true, stored, plain) && memcmp(plain, text.p, 100) == 0);
    CHECK(!sealed_get(KEY, 6, true, stored, plain));
    CHECK(!sealed_get(KEY, 7, false, stored, plain));
    CHECK(!sealed_get(OTHER, 7, true, stored, plain));
    CHECK(!sealed_get(KEY, 7, true, str_cut(stored, 0, 99), plain));
    CHECK(!sealed_get(KEY, 7, true, str_cut(stored, 0, 3), plain));
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 0x10;
        CHECK(!sealed_get(KEY, 7, true, stored, plain));
        sealed[i] ^= 0x10;
    }
}

TEST(a_wrapped_key_opens_for_whom_it_was_wrapped)
{
    static const uint8_t salt[2][SEALED_SALT_BYTES] = {{1}, {2}};
    uint8_t wrapped[2][SEALED_WRAPPED_BYTES], key[AEAD_KEY_BYTES];

    for (int i = 0; i < 2; i++)
        sealed_wrap(KEY, salt[i], S("b/k 100"), OTHER, wrapped[i]);
    CHECK(memcmp(wrapped[0] + 1 + SEALED_SALT_BYTES, wrapped[1] + 1 + SEALED_SALT_BYTES, 48) != 0);
    struct str text = str_of(wrapped[1], SEALED_WRAPPED_BYTES);

    CHECK(sealed_unwrap(KEY, S("b/k 100"), text, key) && memcmp(key, OTHER, sizeof(key)) == 0);
    CHECK(!sealed_unwrap(KEY, S("b/k 101"), text, key));
    CHECK(!sealed_unwrap(OTHER, S("b/k 100"), text, key));
    CHECK(!sealed_unwrap(KEY, S("b/k 100"), str_cut(text, 0, text.n - 1), key));
    CHECK(!sealed_unwrap(KEY, S("b/k 100"), S(""), key));
    for (size_t i = 0; i < SEALED_WRAPPED_BYTES; i++) {
        wrapped[1][i] ^= 1;
        CHECK(!sealed_unwrap(KEY, S("b/k 100"), text, key));
        wrapped[1][i] ^= 1;
    }
}

/* ---- blobs ---- */

struct fixture {
    struct env_fake env;
    struct arena arena;
    struct api_sealed_blob *blob;
    char *plain;
    size_t n;
};

static void
fixture_make(struct fixture *f, size_t n, size_t at_once)
{
    env_fake_init(&f->env, 7);
    f->env.env.blobs = blobs_fake_new();
    arena_init(&f->arena, 1 << 24);
    f->n = n;
    f->plain = arena_alloc(&f->arena, n);
    for (size_t i = 0; i < n; i++)
        f->plain[i] = (char)(i * 31 + i / 1000);
    CHECK_INT(api_sealed_blob_new(&f->env.env, &f->blob), 0);
    for (size_t i = 0; i < n; i += at_once)
        CHECK_INT(api_sealed_blob_add(f->blob, str_of(f->plain + i, MIN(at_once, n - i))), 0);
    CHECK_INT(api_sealed_blob_end(f->blob, NULL), 0);
    CHECK_INT(f->blob->bytes, n);
}

static void
fixture_done(struct fixture *f)
{
    api_sealed_blob_free(f->blob);
    blobs_free(f->env.env.blobs);
    arena_done(&f->arena);
}

/* Bytes that were read, or -errno. */
static ssize_t
read_range(struct fixture *f, uint64_t from, uint64_t bytes, size_t at_once, char *ret)
{
    struct api_stream *stream = api_stream_new(&f->arena, f->env.env.blobs, bytes);
    struct api_piece piece = {.blob = str_of(f->blob->name, sizeof(f->blob->name)),
                              .offset = from,
                              .bytes = bytes,
                              .sealed = true,
                              .blob_bytes = f->n};
    size_t n = 0;
    ssize_t got;

    memcpy(piece.key, f->blob->key, sizeof(piece.key));
    *LIST_PUSH(&f->arena, &stream->pieces) = piece;
    while ((got = api_stream_read(stream, ret + n, at_once)) > 0) {
        CHECK((size_t)got <= at_once);
        n += (size_t)got;
    }
    return got < 0 ? got : (ssize_t)n;
}

TEST(a_blob_is_read_in_ranges_as_it_was_written)
{
    static const size_t sizes[] = {1, 16383, 16384, 16385, 32768, 200000, 262144};
    static const size_t steps[] = {1 << 20, 131072, 20000, 16384, 777};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct fixture f = {0};
        char *got;

        fixture_make(&f, sizes[i], i % 2 ? 5000 : 100000);
        got = arena_alloc(&f.arena, sizes[i] + (1 << 20));
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            size_t from = sizes[i] / 3, n = sizes[i] - from - sizes[i] / 5;

            CHECK_INT(read_range(&f, 0, sizes[i], steps[k], got), sizes[i]);
            CHECK(memcmp(got, f.plain, sizes[i]) == 0);
            CHECK_INT(read_range(&f, from, n, steps[k], got), n);
            CHECK(memcmp(got, f.plain + from, n) == 0);
        }
        fixture_done(&f);
    }
}

/* Puts other bytes in the place of the blob's. */
static void
replace(struct fixture *f, const void *p, size_t n)
{
    struct blobs *blobs = f->env.env.blobs;
    struct str name = str_of(f->blob->name, sizeof(f->blob->name));
    struct blob *blob;

    CHECK_INT(blobs->driver->remove(blobs, name), 0);
    CHECK_INT(blobs->driver->create(blobs, name, &blob), 0);
    CHECK_INT(blobs->driver->add(blob, p, n), 0);
    CHECK_INT(blobs->driver->finish(blob), 0);
}

TEST(a_file_that_was_changed_moved_or_cut_off_is_not_read)
{
    enum { BYTES = 50000, STORED = BYTES + 4 * AEAD_TAG_BYTES };
    struct fixture f = {0};
    struct str name;
    char *disk, *got;

    fixture_make(&f, BYTES, 4096);
    name = str_of(f.blob->name, sizeof(f.blob->name));
    disk = arena_alloc(&f.arena, STORED);
    got = arena_alloc(&f.arena, 1 << 20);
    CHECK_INT(f.env.env.blobs->driver->read(f.env.env.blobs, name, 0, disk, STORED), 0);
    CHECK(str_find(str_of(disk, STORED), str_of(f.plain, 64)) == SIZE_MAX);

    disk[20000] ^= 1; /* of the second chunk */
    replace(&f, disk, STORED);
    CHECK_INT(read_range(&f, 0, BYTES, 1 << 20, got), -EBADMSG);
    CHECK_INT(read_range(&f, 0, 16384, 1 << 20, got), 16384); /* which does not lie in it */
    disk[20000] ^= 1;
    char *moved = arena_dup(&f.arena, disk, STORED);

    memcpy(moved, disk + SEALED_STORED_BYTES, SEALED_STORED_BYTES);
    memcpy(moved + SEALED_STORED_BYTES, disk, SEALED_STORED_BYTES);
    replace(&f, moved, STORED);
    CHECK_INT(read_range(&f, 0, BYTES, 1 << 20, got), -EBADMSG);
    replace(&f, disk, STORED - 1);
    CHECK_INT(read_range(&f, 0, BYTES, 1 << 20, got), -EIO);
    /* cut between chunks, and the length with it: the chunk that is the last now was none */
    replace(&f, disk, 3 * SEALED_STORED_BYTES);
    f.n = 3 * SEALED_CHUNK_BYTES;
    CHECK_INT(read_range(&f, 0, f.n, 1 << 20, got), -EBADMSG);
    fixture_done(&f);
}
