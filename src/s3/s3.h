/*
 * S3: buckets, objects, versions, uploads in parts.  Handlers are declared by the generated header.
 *
 *   s3.c         hooks, condition keys, names; what requests have in common
 *   open.c       finding and authorizing: buckets, objects
 *   bucket.c     buckets and their simple settings
 *   encryption.c keys of customers, of KMS and of buckets
 *   put.c        what is said of an object when it is made; PutObject
 *   version.c    the versions of a key: adding, removing, the latest
 *   piece.c      the bytes of objects, encrypted
 *   get.c        conditions, ranges, GetObject, HeadObject
 *   copy.c       CopyObject, UploadPartCopy
 *   upload.c     uploads in parts
 *   complete.c   how parts become an object
 *   config.c     settings of buckets: policy, encryption, tags …
 *   acl.c        access control lists, canned ones
 *   cors.c       what pages of other origins may do
 *   website.c    buckets that are websites; site.c serves them
 *   form.c       objects that come in HTML forms; form_parse.c reads those and their policies
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

/* What the keys of an object's files are wrapped under. */
struct s3_wrapping {
    uint8_t key[AEAD_KEY_BYTES];
};

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

/* ---- notice.c ---- */

enum s3_notice_kind { S3_NOTICE_TOPIC, S3_NOTICE_QUEUE, S3_NOTICE_FUNCTION };
/* Tells whoever wants to know of "ObjectCreated:Put" and the like.  0 or negative. */
int s3_tell(struct api_call *call, const struct s3_bucket_row *bucket,
            const struct s3_object_row *row, const char *event);
int s3_notices_drop(struct txn *txn, struct str bucket);

/* ---- config.c ---- */

/* A bucket's public access block. */
enum {
    S3_BLOCK_ACLS = 1 << 0,
    S3_IGNORE_ACLS = 1 << 1,
    S3_BLOCK_POLICY = 1 << 2,
    S3_RESTRICT = 1 << 3,
};
static inline bool
s3_blocks(const struct s3_bucket_row *bucket, int what)
{
    return bucket->public_block >= 0 && (bucket->public_block & what);
}
/* Opens a bucket for a setting that the body brings. */
int s3_open_to_set(struct api_call *call, struct str name, const char *action,
                   const struct s3_bucket_row **ret);
int s3_malformed(struct api_call *call); /* MalformedXML */
/* Content-MD5 and checksum headers against a body that is a document: BadDigest. */
int s3_check_document(struct api_call *call);

/* ---- acl.c ---- */

/*
 * The canned list that a request asks for, for what it makes: row->acl.  Lists that the bucket's
 * ownership or its public access block do not allow are refused.
 */
int s3_acl_take(struct api_call *call, const struct s3_bucket_row *bucket, struct str *ret);
/* Whether the list of the bucket or object lets the caller do what no policy denies. */
bool s3_acl_grants(struct api_call *call, struct str action, const struct api_resource *resource,
                   const struct policy_context *extra);

/* ---- cors.c ---- */

/* The answer to a preflight.  0, positive, negative. */
int s3_preflight(struct api_call *call, const struct api_request *req, struct api_reply *reply);
/* What a page of another origin may see of a reply. */
void s3_dress(struct api_call *call, const struct api_request *req, struct api_reply *reply);
/* The bucket of a request by its path; p NULL: it is for none.  And what stands behind it. */
struct str s3_bucket_in_path(const struct api_request *req, struct str *ret_key);

/* ---- form_parse.c: pure ---- */

struct s3_form_field {
    struct str name, value;
};
struct s3_form {
    struct s3_form_fields {
        struct s3_form_field *v;
        size_t n;
    } fields;                   /* those before the file */
    struct str file, file_name; /* file.p NULL: there is none */
};
enum {
    S3_FORM_GOOD,
    S3_FORM_MALFORMED,
    S3_FORM_TOO_LONG, /* what stands before the file */
};
/* multipart/form-data, RFC 7578.  Slices of the body. */
int s3_form_parse(struct arena *a, struct str content_type, struct str body, struct s3_form *ret);
/* A field's value, whatever the case of its name; p NULL: there is none. */
struct str s3_form_get(const struct s3_form *form, const char *name);

enum s3_form_verdict {
    S3_POLICY_GOOD,
    S3_POLICY_EXPIRED,
    S3_POLICY_FAILED, /* *ret: the condition */
    S3_POLICY_EXTRA,  /* *ret: the field */
    S3_POLICY_TOO_LARGE,
    S3_POLICY_TOO_SMALL,
    S3_POLICY_MALFORMED, /* *ret: why */
};
/* Whether a form is as its policy (JSON) wants it; *ret_limit: the bytes of what is too large … */
enum s3_form_verdict
s3_form_check(struct arena *a, struct str policy, const struct s3_form *form, struct str bucket,
              struct str key, int64_t now_ms, struct str *ret, int64_t *ret_limit);

/* ---- form.c ---- */

bool s3_form_is(const struct api_request *req);
/* An object that comes as the file of a form.  0, positive, negative. */
int s3_form(struct api_call *call, const struct api_request *req, struct api_reply *reply);

/* ---- website.c, site.c ---- */

/* A website's configuration: struct s3_site in a row's list.  Absent text has p NULL. */
struct s3_routing_rule {
    struct str prefix, status, protocol, host, new_prefix, new_key, code;
};
struct s3_site {
    struct str index, error, all_host, all_protocol;
    struct s3_routing_rule rules[50];
    size_t n_rules;
};
void s3_site_read(const struct s3_bucket_row *bucket, struct s3_site *ret);
/* Text in a page or XML. */
void s3_add_escaped(struct buf *out, struct str text);
bool s3_site_owns(const struct api_request *req);
void s3_site_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply);

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
/* InvalidArgument with the argument's name and value. */
int s3_wrong_argument(struct api_call *call, const char *name, struct str value, const char *text);
/* A key within its limit: KeyTooLongError. */
int s3_check_key(struct api_call *call, struct str key);
/* A version, or the latest one (version p NULL); NoSuchKey, NoSuchVersion, MethodNotAllowed. */
int s3_find(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
            struct str version, const struct s3_object_row **ret);

/* ---- put.c ---- */

/* Fills in headers, tags, class and encryption of what the request makes. */
int s3_describe(struct api_call *call, const struct s3_bucket_row *bucket,
                struct s3_object_row *row, struct s3_wrapping *ret);
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

/* For a row that is made: the customer's key of the request, … */
int s3_customer_seal(struct api_call *call, struct s3_object_row *row, struct s3_wrapping *ret);
/* … a data key of KMS (key_id empty: AWS's own), … */
int s3_kms_seal(struct api_call *call, const struct s3_bucket_row *bucket, struct str key_id,
                struct s3_object_row *row, struct s3_wrapping *ret);
/* … or the bucket's. */
int
s3_bucket_seal(struct api_call *call, const struct s3_bucket_row *bucket, struct s3_wrapping *ret);
struct str s3_bucket_secret(struct api_call *call);
/*
 * For one that is read, and whether the caller may: the customer's key must be in the request (the
 * members' names have the prefix "", or "CopySource"), KMS is asked.  Wrong and missing keys are
 * refused.
 */
int s3_unlock(struct api_call *call, const char *prefix, const struct s3_object_row *row,
              struct s3_wrapping *ret);
/* The customer's key alone. */
int s3_customer_open(struct api_call *call, const char *prefix, const struct s3_object_row *row,
                     struct s3_wrapping *ret);

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

/* Whose the bytes are: a row of an object or of a part. */
struct s3_bytes {
    struct str bucket, object_key; /* to which keys of files are bound */
    const struct s3_wrapping *wrapping;
    int64_t size;
    struct str data;
    struct str_list pieces, file_keys;
};
struct s3_bytes s3_bytes_of(const struct s3_object_row *row, const struct s3_wrapping *wrapping);
void s3_bytes_into(const struct s3_bytes *bytes, struct s3_object_row *row);
/* What call->upload holds becomes bytes; `apart`: a file in any case.  0 or negative. */
int s3_bytes_take(struct api_call *call, bool apart, struct s3_bytes *ret);
/* A range of other bytes, without moving any that is in a file; `apart` as above. */
int s3_bytes_copy(struct api_call *call, const struct s3_bytes *from, uint64_t offset,
                  uint64_t bytes, bool apart, struct s3_bytes *ret);
/* Those of a row, in memory: it has no pieces. */
int s3_bytes_open(struct api_call *call, const struct s3_bytes *from, struct str *ret);
/* A range of the pieces, to be read. */
int s3_bytes_stream(struct api_call *call, const struct s3_bytes *from, uint64_t offset,
                    uint64_t bytes, struct api_stream **ret);
int s3_pieces_share(struct txn *txn, const struct str_list *pieces);
int s3_pieces_release(struct txn *txn, const struct str_list *pieces);

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
/* Bytes that are in files become those of a part. */
void s3_part_hold(const struct s3_bytes *bytes, struct s3_part_row *part);
/* A part, in the place of an older one of that number.  0, positive, negative. */
int s3_part_put(struct api_call *call, const struct s3_upload_row *upload, int64_t number,
                struct s3_part_row *part);
/* An upload goes, with its parts.  0 or negative. */
int s3_upload_drop(struct txn *txn, const struct s3_upload_row *upload);

/* ---- janitor.c ---- */

struct s3_janitor;
int s3_janitor_new(struct s3_janitor **ret, struct env *env, struct store *store);
struct s3_janitor *s3_janitor_free(struct s3_janitor *janitor);
