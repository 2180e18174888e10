/*
 * A reply's body that is larger than memory should hold: pieces of blobs, one behind the other.
 * It lives in the call's arena; who sends the reply reads it, holding the blobs (blobs_hold())
 * from the call to the end.
 */
#pragma once

#include "api/api.h"
#include "sys/blobs.h"

#include <sys/types.h>

struct api_piece {
    struct str blob;
    uint64_t offset, bytes;
};

struct api_stream {
    struct blobs *blobs;
    struct api_pieces {
        struct api_piece *v;
        size_t n;
    } pieces;
    uint64_t bytes; /* of all */
    uint64_t done;  /* read so far */
};

/* Reads the next bytes, at most n: how many, 0 at the end, or -errno. */
ssize_t api_stream_read(struct api_stream *stream, void *p, size_t n);
