/*
 * Ciphertext blobs of symmetric keys:
 *
 *   1 | n, 1 byte | key ARN, n | material id, 32 | salt, 16 | nonce, 12 | ciphertext | tag, 16
 *
 * Each blob has an AES-256-GCM key of its own, HMAC-SHA256(material, label | salt), so that no
 * number of blobs under one key makes nonces meet.  All before the ciphertext, and the canonical
 * encryption context, are authenticated with it.  Blobs are opaque to callers; the first byte is
 * the version.
 */
#pragma once

#include "base/str.h"
#include "sys/env.h"

enum {
    KMS_BLOB_ARN_MAX = 255,
    KMS_BLOB_MATERIAL_BYTES = 32,
    KMS_BLOB_SALT_BYTES = 16,
    KMS_BLOB_NONCE_BYTES = 12,
    KMS_BLOB_TAG_BYTES = 16,
};

struct kms_blob {
    struct str arn, material_id; /* the id as its 32 bytes */
    struct str head;             /* all that comes before the ciphertext */
    struct str salt, nonce, body, tag;
};

/* Takes a blob apart; false when it cannot be one.  Slices of the input. */
bool kms_blob_read(struct str bytes, struct kms_blob *ret);

/* k, v, k, v … sorted by key, as bytes in which no two contexts look alike; empty: no bytes. */
struct str kms_context_bytes(struct arena *a, const struct str_list *context);

/* 0 or -errno. */
int
kms_seal(struct env *env, struct arena *a, struct str secret, struct str arn,
         struct str material_id, const struct str_list *context, struct str plain, struct str *ret);
/* 0; 1: not authentic (a changed byte, another context, another key); -errno. */
int kms_open(struct arena *a, struct str secret, const struct kms_blob *blob,
             const struct str_list *context, struct str *ret);
