/*
 * The checksums that S3 knows, of bytes that come piece by piece: CRC32, CRC32C, CRC64NVME, SHA1,
 * SHA256.  Sums are given big-endian, as S3 encodes them in base64.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
#pragma once

#include "codec/crypto.h"

enum checksum_kind {
    CHECKSUM_NONE,
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_N,
};

#define CHECKSUM_MAX_BYTES SHA256_LEN

struct checksum {
    enum checksum_kind kind;
    uint64_t crc;
    struct crypto_hash *hash;
};

/* "CRC32" …; "" of CHECKSUM_NONE. */
const char *checksum_name(enum checksum_kind kind);
/* The kind of a name in any case, or CHECKSUM_NONE. */
enum checksum_kind checksum_find(struct str name);
size_t checksum_bytes(enum checksum_kind kind);
/* A cyclic one: sums of pieces can be made one. */
bool checksum_is_crc(enum checksum_kind kind);

void checksum_begin(struct checksum *c, enum checksum_kind kind);
void checksum_add(struct checksum *c, const void *p, size_t n);
/* Writes checksum_bytes() and frees what checksum_begin() took. */
void checksum_end(struct checksum *c, uint8_t *ret);

/* Of a cyclic kind: the sum of A followed by B, of their sums and the length of B. */
void checksum_join(enum checksum_kind kind, const uint8_t *a, const uint8_t *b, uint64_t b_bytes,
                   uint8_t *ret);
