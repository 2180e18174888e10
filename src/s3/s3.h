/*
 * S3: buckets, objects, versions, uploads in parts.  Handlers are declared by the generated header.
 *
 *   s3.c         hooks, condition keys, names; what requests have in common
 *   open.c       finding and authorizing: buckets, objects
 *   bucket.c     buckets and their simple settings
 *   encryption.c keys of customers and of KMS
 *   put.c        what is said of an object when it is made; PutObject
 *   version.c    the versions of a key: adding, removing, the latest
 *   piece.c      the bytes of objects
 *   get.c        conditions, ranges, GetObject, HeadObject
 *   copy.c       CopyObject, UploadPartCopy
 *   upload.c     uploads in parts
 *   complete.c   how parts become an object
 *   config.c     settings of buckets: policy, encryption, tags …
 *   unset.c      settings that there are not yet
 *   tag.c        tags of buckets and objects
 *   lifecycle.c  what expires by itself
 *   delete.c     DeleteObject, DeleteObjects
 *   list.c       lists of keys and versions
 *   janitor.c    files of blobs that no row names any more
 *   holds.c      what is true of every row, as assertions
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "api/stream.h"
#include "api/upload.h"
#include "gen/api/s3.h"
#include "gen/store/s3_rows.h"
#include "s3/errors.h"

struct loop;

extern const struct api_service_hooks s3_hooks;

enum {
    S3_KEY_BYTES_MAX = 1024,
    S3_METADATA_BYTES_MAX = 2048,
    S3_BUCKETS_MAX = 10000,
    S3_PARTS_MAX = 10000,
    S3_PART_BYTES_MIN = 5 << 20, /* of all but the last */
    S3_LIST_MAX = 1000,
    S3_INTERNAL_BYTES_MAX = 16 << 20, /* that another service may read at once */
    S3_TAGS_MAX = 50,
    S3_OBJECT_TAGS_MAX = 10,
    S3_VERSION_BYTES = 32, /* as versions are told, but for "null" */
    S3_UPLOAD_ID_BYTES = 64,
};

/* ---- s3.c ---- */

/* Text of the request's member of that name; p NULL when it has none or it was not given. */
struct str s3_asked(const struct api_call *call, const char *member);
/* The same of any structure of the description. */
struct str s3_read(uint16_t shape, const void *base, const char *member);
/* Sets text in a structure of the description, where it has that member. */
void s3_say(uint16_t shape, void *base, const char *member, struct str value);

bool s3_bucket_name_good(struct str name);
/* As S3 names an account: 64 hexadecimal digits. */
struct str s3_canonical_id(struct arena *a, struct str account);
struct s3_Owner *s3_owner(struct api_call *call, struct str account);
/* 32 letters of a version or upload, longer for the latter. */
struct str s3_random(struct api_call *call, size_t bytes);
/* A value of a list k, v, k, v …; p NULL: it has none. */
struct str s3_pair(const struct str_list *pairs, struct str name);

/* ---- config.c ---- */

/* A bucket's public access block. */
enum {
    S3_BLOCK_ACLS = 1 << 0,
    S3_IGNORE_ACLS = 1 << 1,
    S3_BLOCK_POLICY = 1 << 2,
    S3_RESTRICT = 1 << 3,
};
/* Content-MD5 and checksum headers against a body that is a document: BadDigest. */
int s3_check_document(struct api_call *call);

/* ---- lifecycle.c ---- */

int s3_rules_drop(struct txn *txn, struct str bucket);
/* Carries rules out when they are due, on the cloud's clock. */
struct s3_lifecycle;
int s3_lifecycle_new(struct s3_lifecycle **ret, struct loop *loop, struct store *store);
struct s3_lifecycle *s3_lifecycle_free(struct s3_lifecycle *lifecycle);

/* ---- bucket.c ---- */

bool s3_ownership_good(struct str s);

/* ---- open.c ---- */

/*
 * Finds the bucket and asks whether `action` ("s3:GetObject") may be done on it or, with a key, on
 * the object.  NoSuchBucket, AccessDenied, PermanentRedirect …
 */
int s3_open(struct api_call *call, struct str bucket, struct str key, const char *action,
            const struct s3_bucket_row **ret);
/* One more action on the same. */
int s3_may(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
           const char *action);
/* The same without a refusal. */
bool s3_allowed(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
                const char *action);
/* A key within its limit: KeyTooLongError. */
int s3_check_key(struct api_call *call, struct str key);
/* A version, or the latest one (version p NULL); NoSuchKey, NoSuchVersion, MethodNotAllowed. */
int s3_find(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
            struct str version, const struct s3_object_row **ret);

/* ---- put.c ---- */

/* Fills in headers, tags, class and encryption of what the request makes. */
int
s3_describe(struct api_call *call, const struct s3_bucket_row *bucket, struct s3_object_row *row);
/* Tells the encryption of a row in a structure. */
void s3_tell_encryption(const struct api_call *call, uint16_t shape,
                        const struct s3_object_row *row, void *res);
/* Tells a checksum by its kind in a structure. */
void s3_tell_checksum(uint16_t shape, void *base, const struct s3_object_row *row);
/* The ETag of one whose bytes have that digest. */
struct str s3_etag(struct api_call *call, struct str sse, const uint8_t md5[MD5_LEN]);
struct str s3_quoted(struct arena *a, struct str etag);
/* Without the quotes, which may be missing. */
struct str s3_bare_etag(struct str etag);
/* Content-MD5 and the checksums of the request against the upload. */
int s3_check_digests(struct api_call *call);
/* If-Match and If-None-Match of a write. */
int s3_check_write(struct api_call *call, const struct s3_bucket_row *bucket, struct str key);
/* "a=b&c=d" */
int s3_tags_parse(struct api_call *call, struct str text, struct str_list *ret);
int s3_tags_read(struct api_call *call, const struct s3_TagList *tags, size_t max,
                 struct str_list *ret);

/* ---- encryption.c ---- */

/*
 * The customer's key of a request into a row that is made, or against one that is read.  `prefix`
 * of the members' names: "", or "CopySource".  Wrong and missing ones are refused.
 */
int s3_customer_key(struct api_call *call, const char *prefix, struct s3_object_row *row);
int s3_customer_check(struct api_call *call, const char *prefix, const struct s3_object_row *row);
/* A data key of KMS for a row; key_id empty: AWS's own. */
int s3_kms_seal(struct api_call *call, const struct s3_bucket_row *bucket, struct str key_id,
                struct s3_object_row *row);
/* Whether the caller may have what a row's data key opens. */
int s3_kms_open(struct api_call *call, const struct s3_object_row *row);

/* ---- version.c ---- */

/* The latest, delete marker or not; or NULL. */
const struct s3_object_row *s3_latest(struct txn *txn, struct str bucket, struct str key);
/*
 * Makes `row` the latest version of its key, under a version that its bucket's state gives it; what
 * it replaces is gone.  0 or negative.
 */
int s3_version_add(struct api_call *call, const struct s3_bucket_row *bucket,
                   struct s3_object_row *row);
/* A version goes; the next newest is the latest then.  0 or negative. */
int s3_version_remove(struct txn *txn, const struct s3_object_row *row);
/* Whether versions of the bucket are told. */
static inline bool
s3_is_versioned(const struct s3_bucket_row *bucket)
{
    return bucket->versioning.n > 0;
}

/* ---- piece.c ---- */

/* What call->upload holds becomes the row's bytes.  0 or negative. */
int s3_pieces_take(struct api_call *call, struct s3_object_row *row);
/* The same bytes for one more row. */
int s3_pieces_share(struct txn *txn, const struct str_list *pieces);
int s3_pieces_release(struct txn *txn, const struct str_list *pieces);
/* Those between two offsets. */
void s3_pieces_cut(struct arena *a, const struct str_list *pieces, uint64_t from, uint64_t bytes,
                   struct api_pieces *ret);
/* A blob of its own for bytes that are in memory. */
int s3_blob_of(struct api_call *call, struct str bytes, struct str_list *ret);

/* ---- get.c ---- */

struct s3_range {
    uint64_t from, bytes;
    bool possible; /* there are such bytes */
};
/* "bytes=0-99"; false: it is none, and the whole is meant. */
bool s3_range_parse(struct str text, uint64_t size, struct s3_range *ret);
/* The conditions of a copy's source. */
int s3_check_source(struct api_call *call, struct str match, struct str none_match,
                    struct opt_i64 modified_since, struct opt_i64 unmodified_since,
                    const struct s3_object_row *row);

/* ---- upload.c ---- */

/* The upload of a request; NoSuchUpload. */
int s3_upload_find(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
                   struct str id, const struct s3_upload_row **ret);
/* What an upload says of the object that it will be. */
struct s3_object_row s3_upload_object(const struct s3_upload_row *upload);
/* A part, in the place of an older one of that number.  0, positive, negative. */
int s3_part_put(struct api_call *call, const struct s3_upload_row *upload, int64_t number,
                struct s3_part_row *part);
/* An upload goes, with its parts.  0 or negative. */
int s3_upload_drop(struct txn *txn, const struct s3_upload_row *upload);

/* ---- janitor.c ---- */

struct s3_janitor;
int s3_janitor_new(struct s3_janitor **ret, struct env *env, struct store *store);
struct s3_janitor *s3_janitor_free(struct s3_janitor *janitor);
