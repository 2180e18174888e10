/*
 * ZIP archives: reading those that clients send, and making small ones.
 *
 * The central directory says what is in an archive; it is read whole and checked before a byte is
 * unpacked: no name leads out of the archive, no entry lies outside of it, and the sizes that it
 * tells are those that unpacking gives, or it fails.  Not read: encryption, archives in pieces,
 * ZIP64, methods other than stored and deflate.
 *
 * Links with: zlib.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"

#define ZIP_ENTRIES_MAX 50000
#define ZIP_NAME_MAX 1024

struct zip_entry {
    struct str name;   /* without a slash at either end */
    uint32_t mode;     /* permissions, 07777 */
    bool folder, link; /* a link's bytes are where it leads to */
    uint16_t method;
    uint32_t crc, packed_bytes, bytes;
    size_t at; /* of its packed bytes in the archive */
};

struct zip {
    struct str archive;
    struct zip_entry *v;
    size_t n;
    uint64_t bytes; /* of all, unpacked */
};

/* Entries in the arena, the rest in the archive.  False: it is none, or a hostile one. */
bool zip_open(struct arena *a, struct str archive, struct zip *ret);

/*
 * Unpacks an entry, a piece at a time.  False: put() said so, or the bytes are not what the
 * directory promised.
 */
bool zip_read(const struct zip *zip, const struct zip_entry *entry,
              bool (*put)(void *ctx, const void *p, size_t n), void *ctx);

/* A file of an archive that is made. */
struct zip_file {
    struct str name, bytes;
};
/* An archive with those files, which are not compressed, in the arena. */
struct str zip_make(struct arena *a, const struct zip_file *files, size_t n);

/*
 * The archive as a tar stream: what is in it lies in `folder` ("var/task"), owned by root, readable
 * by everybody.  False as above, or the buffer's maximum was reached.
 */
bool zip_to_tar(const struct zip *zip, const char *folder, struct buf *out);
/* One more file of such a stream, and its end. */
void tar_add(struct buf *out, const char *name, struct str bytes);
void tar_end(struct buf *out);
