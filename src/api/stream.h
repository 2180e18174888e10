/*
 * A reply's body that is larger than memory should hold: pieces of blobs, one behind the other.
 * It lives in the call's arena; who sends the reply reads it, holding the blobs (blobs_hold())
 * from the call to the end.
 */
#pragma once

#include "api/api.h"
#include "codec/sealed.h"
#include "sys/blobs.h"

#include <sys/types.h>

struct api_piece {
    struct str blob;
    uint64_t offset, bytes; /* of the plain text */
    bool sealed;            /* false: the blob is of before there was encryption */
    uint8_t key[AEAD_KEY_BYTES];
    uint64_t blob_bytes; /* all of the blob's plain text */
};

struct api_stream {
    struct blobs *blobs;
    struct api_pieces {
        struct api_piece *v;
        size_t n;
    } pieces;
    uint64_t bytes; /* of all */
    uint64_t done;  /* read so far */
    uint8_t *room;  /* for what is read of the disk at once */
};

struct api_stream *api_stream_new(struct arena *arena, struct blobs *blobs, uint64_t bytes);
/*
 * Reads some of the next bytes, at most n: how many, 0 at the end, or -errno; -EBADMSG: the disk
 * does not hold what was written.  Whole chunks at once where n allows it.
 */
ssize_t api_stream_read(struct api_stream *stream, void *p, size_t n);
/* Forgets the keys. */
void api_stream_wipe(struct api_stream *stream);
