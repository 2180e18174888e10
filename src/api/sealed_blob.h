/*
 * A blob that is encrypted while it is written (codec/sealed.h): its key is made with it and lives
 * in memory alone, until the row that names the blob keeps it wrapped.  No plain text is written.
 */
#pragma once

#include "codec/sealed.h"
#include "sys/blobs.h"
#include "sys/env.h"

struct api_sealed_blob {
    char name[BLOB_NAME_BYTES];
    uint8_t key[AEAD_KEY_BYTES];
    uint64_t bytes; /* of plain text */

    /* Inside. */
    struct blobs *blobs;
    struct blob *blob; /* while it is written */
    uint64_t number;   /* of the chunk that is being filled */
    size_t n;
    uint8_t plain[SEALED_CHUNK_BYTES], stored[SEALED_STORED_BYTES];
};

/* 0 or negative, logged. */
int api_sealed_blob_new(struct env *env, struct api_sealed_blob **ret);
int api_sealed_blob_add(struct api_sealed_blob *x, struct str data);
/*
 * The last bytes are written and all is on its way to the disk.  0: durable, or -EINPROGRESS:
 * `done` will be called, with 0 or -errno, when it is (not if `done` is NULL: then this waits).
 * After a failure there is no file.
 */
int api_sealed_blob_end(struct api_sealed_blob *x, struct blobs_finish *done);
/* Wipes its memory; one that was not ended is discarded. */
struct api_sealed_blob *api_sealed_blob_free(struct api_sealed_blob *x);
