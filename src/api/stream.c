/*
 * The place in the stream is looked up for each read: pieces are few, and reads are large.  Of what
 * is encrypted only the chunks in which the bytes lie are read, some at once, and opened in turn.
 */
#include "api/stream.h"

#include "base/error.h"

#define CHUNKS_AT_ONCE 8

struct api_stream *
api_stream_new(struct arena *arena, struct blobs *blobs, uint64_t bytes)
{
    struct api_stream *stream = ARENA_NEW(arena, struct api_stream);

    assert(blobs);
    stream->blobs = blobs;
    stream->bytes = bytes;
    /* one more, for one of which only a part is wanted */
    stream->room = arena_alloc_raw(arena, (CHUNKS_AT_ONCE + 1) * SEALED_STORED_BYTES);
    return stream;
}

/* Bytes of plain text in a chunk. */
static size_t
chunk_bytes(const struct api_piece *piece, uint64_t number)
{
    assert(number * SEALED_CHUNK_BYTES < piece->blob_bytes);
    return (size_t)MIN(piece->blob_bytes - number * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES);
}

/* Chunks from `number` on, as they are on the disk. */
static int
read_chunks(struct api_stream *stream, const struct api_piece *piece, uint64_t number, size_t n)
{
    size_t bytes =
        (n - 1) * SEALED_STORED_BYTES + chunk_bytes(piece, number + n - 1) + AEAD_TAG_BYTES;

    assert(n > 0 && n <= CHUNKS_AT_ONCE);
    return stream->blobs->driver->read(stream->blobs, piece->blob, number * SEALED_STORED_BYTES,
                                       stream->room, bytes);
}

static int
open_chunk(const struct api_stream *stream, const struct api_piece *piece, uint64_t number,
           size_t i, uint8_t *ret)
{
    const struct str sealed = str_of(stream->room + i * SEALED_STORED_BYTES,
                                     chunk_bytes(piece, number + i) + AEAD_TAG_BYTES);

    return sealed_get(piece->key, number + i, sealed_is_last(number + i, piece->blob_bytes), sealed,
                      ret)
               ? 0
               : error_origin(EBADMSG, "chunk %llu of the blob %.*s is not what was written",
                              (unsigned long long)(number + i), STR_ARG(piece->blob));
}

/* Bytes of a piece from `at` of its blob on. */
static ssize_t
read_sealed(struct api_stream *stream, const struct api_piece *piece, uint64_t at, uint8_t *p,
            size_t n)
{
    uint64_t number = at / SEALED_CHUNK_BYTES;
    size_t within = (size_t)(at % SEALED_CHUNK_BYTES), whole = chunk_bytes(piece, number);
    int r;

    if (within || n < whole) { /* a part of one */
        uint8_t *plain = stream->room + SEALED_STORED_BYTES;

        n = MIN(n, whole - within);
        r = read_chunks(stream, piece, number, 1);
        if (r == 0)
            r = open_chunk(stream, piece, number, 0, plain);
        if (r == 0)
            memcpy(p, plain + within, n);
        return r ? r : (ssize_t)n;
    }
    size_t chunks = 1;

    /* as many as are wanted whole */
    while (chunks < CHUNKS_AT_ONCE && n > whole && n - whole >= chunk_bytes(piece, number + chunks))
        whole += chunk_bytes(piece, number + chunks++);
    r = read_chunks(stream, piece, number, chunks);
    for (size_t i = 0; i < chunks && r == 0; i++)
        r = open_chunk(stream, piece, number, i, p + i * SEALED_CHUNK_BYTES);
    return r ? r : (ssize_t)whole;
}

ssize_t
api_stream_read(struct api_stream *stream, void *p, size_t n)
{
    uint64_t skip = stream->done;

    LIST_EACH(&stream->pieces, piece) {
        if (skip >= piece->bytes) {
            skip -= piece->bytes;
            continue;
        }
        n = (size_t)MIN((uint64_t)n, piece->bytes - skip);
        ssize_t got;

        if (piece->sealed) {
            got = read_sealed(stream, piece, piece->offset + skip, p, n);
        } else {
            int r =
                stream->blobs->driver->read(stream->blobs, piece->blob, piece->offset + skip, p, n);

            got = r < 0 ? r : (ssize_t)n;
        }
        if (got > 0)
            stream->done += (size_t)got;
        return got;
    }
    assert(stream->done == stream->bytes);
    return 0;
}

void
api_stream_wipe(struct api_stream *stream)
{
    LIST_EACH(&stream->pieces, piece)
        explicit_bzero(piece->key, sizeof(piece->key));
}
