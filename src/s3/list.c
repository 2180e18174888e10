/*
 * Lists.  Keys are in the order of their bytes; what stands between the prefix and the first
 * delimiter behind it is told once, and all that begins so is stepped over by seeking behind it.
 *
 * One walk serves the three lists: they differ in what they begin behind and in what a row becomes.
 */
#include "s3/holds.h"

#include "codec/uri.h"

struct listing {
    struct api_call *call;
    const struct s3_bucket_row *bucket;
    struct str prefix, delimiter;
    bool coded; /* encoding-type=url */
    int64_t max;
    struct s3_CommonPrefixList *prefixes;
    struct str common; /* the newest common prefix */
    int64_t n;
    bool truncated;
    struct str last_key, last_version; /* of what was told last; of a prefix: itself */
};

static struct str
coded(const struct listing *l, struct str key)
{
    return l->coded && key.p ? uri_encode(l->call->arena, key, URI_KEEP_SLASH) : key;
}

static int
begin(struct api_call *call, struct listing *l, struct str bucket, const char *action,
      struct str encoding, struct opt_i64 max)
{
    int r = s3_open(call, bucket, STR_NONE, action, &l->bucket);

    assert(l->prefix.p && l->prefixes);
    l->call = call;
    l->coded = encoding.n > 0;
    l->max = MIN(opt_i64_or(max, S3_LIST_MAX), S3_LIST_MAX);
    if (r == 0 && l->max < 0)
        r = api_fault(call, &S3_ERR(InvalidArgument),
                      "Argument maxKeys must be an integer between "
                      "0 and 2147483647");
    if (r == 0 && l->coded && !str_is(encoding, "url"))
        r = api_fault(call, &S3_ERR(InvalidArgument),
                      "Invalid Encoding Method specified in Request");
    assert(r != 0 || (l->max >= 0 && l->max <= S3_LIST_MAX));
    return r;
}

/* The first text that is behind all that begin with s; p NULL: there is none. */
static struct str
behind(struct arena *a, struct str s)
{
    size_t n = s.n;

    while (n && (unsigned char)s.p[n - 1] == 0xff)
        n--;
    if (!n)
        return STR_NONE;
    assert((unsigned char)s.p[n - 1] != 0xff);
    char *p = arena_dup(a, s.p, n);

    p[n - 1]++;
    assert(str_cmp(s, str_of(p, n)) < 0);
    return str_of(p, n);
}

/* "a/b/" of "a/b/c" under "a/"; p NULL: the key is told itself, or is not under the prefix. */
static struct str
common_of(const struct listing *l, struct str key)
{
    struct str rest = str_cut(key, l->prefix.n, key.n);
    size_t at = l->delimiter.n ? str_find(rest, l->delimiter) : SIZE_MAX;

    return at == SIZE_MAX || !str_starts(key, l->prefix)
               ? STR_NONE
               : str_cut(key, 0, l->prefix.n + at + l->delimiter.n);
}

enum step { TELL, STEP_OVER, END };

/* What is to be done with a row whose key is `key`. */
static enum step
step(struct listing *l, struct str key)
{
    struct str common;

    assert(l->n <= l->max);
    if (!str_starts(key, l->prefix))
        return END;
    common = common_of(l, key);
    if (common.p && str_eq(common, l->common))
        return STEP_OVER;
    if (l->n == l->max) {
        l->truncated = l->max > 0;
        return END;
    }
    assert(!l->truncated);
    l->n++;
    if (!common.p)
        return TELL;
    l->common = common;
    l->last_key = common;
    l->last_version = STR_NONE;
    *LIST_PUSH(l->call->arena, l->prefixes) = (struct s3_CommonPrefix){coded(l, common)};
    return STEP_OVER;
}

/* ---- keys ---- */

static void
tell_key(struct listing *l, const struct s3_object_row *row, bool owner, struct s3_ObjectList *ret)
{
    struct s3_Object *o = LIST_PUSH(l->call->arena, ret);

    assert(str_starts(row->object_key, l->prefix));
    assert(row->latest && !row->marker);
    *o = (struct s3_Object){
        .key = coded(l, row->object_key),
        .last_modified = opt_i64(row->modified_ms),
        .e_tag = s3_quoted(l->call->arena, row->etag),
        .size = opt_i64(row->size),
        .storage_class = row->storage_class.n ? row->storage_class : S("STANDARD"),
        .checksum_type = row->checksum_type.n ? row->checksum_type : STR_NONE,
        .owner = owner ? s3_owner(l->call, l->bucket->account) : NULL,
    };
    if (row->checksum_kind.n)
        *LIST_PUSH(l->call->arena, &o->checksum_algorithm) = row->checksum_kind;
    l->last_key = row->object_key;
}

static void
walk_keys(struct listing *l, struct str after, bool owner, struct s3_ObjectList *ret)
{
    struct str from = l->prefix;
    bool past = str_cmp(after, from) >= 0 && after.n > 0;
    const struct s3_object_row *row;

    assert(l->n == 0 && !l->common.p);
    /* a page that ended in a common prefix goes on behind all of it */
    if (past && common_of(l, after).p && str_eq(common_of(l, after), after)) {
        l->common = after;
        after = behind(l->call->arena, after);
        if (!after.p)
            return;
        from = after;
        past = false;
    }
again:;
    struct store_cursor c =
        store_seek(l->call->txn, &s3_object_latest_of, STORE_KEYS(l->bucket->name));

    if (past)
        store_after(&c, STORE_KEYS(after, true));
    else
        store_from(&c, STORE_KEYS(from));
    while ((row = s3_object_latest_of_next(&c))) {
        enum step s = row->marker ? str_starts(row->object_key, l->prefix) ? STEP_OVER : END
                                  : step(l, row->object_key);

        if (s == END)
            return;
        if (s == TELL)
            tell_key(l, row, owner, ret);
        else if (!row->marker) {
            from = behind(l->call->arena, l->common);
            past = false;
            if (!from.p)
                return;
            assert(str_cmp(from, row->object_key) > 0);
            goto again;
        }
    }
}

int
s3_list_objects(struct api_call *call, const struct s3_ListObjectsRequest *req,
                struct s3_ListObjectsOutput *res)
{
    struct listing l = {.prefix = req->prefix.p ? req->prefix : S(""),
                        .delimiter = req->delimiter,
                        .prefixes = &res->common_prefixes};
    int r = begin(call, &l, req->bucket, "s3:ListBucket", req->encoding_type, req->max_keys);

    if (r)
        return r;
    walk_keys(&l, req->marker, true, &res->contents);
    res->name = req->bucket;
    res->prefix = coded(&l, l.prefix);
    res->marker = coded(&l, req->marker.p ? req->marker : S(""));
    res->delimiter = coded(&l, req->delimiter);
    res->max_keys = opt_i64(l.max);
    res->encoding_type = req->encoding_type;
    res->is_truncated = opt_bool(l.truncated);
    /* without a delimiter clients take the last key for it */
    if (l.truncated && req->delimiter.n)
        res->next_marker = coded(&l, l.last_key);
    assert((int64_t)(res->contents.n + res->common_prefixes.n) == l.n && l.n <= l.max);
    return 0;
}

int
s3_list_objects_v2(struct api_call *call, const struct s3_ListObjectsV2Request *req,
                   struct s3_ListObjectsV2Output *res)
{
    struct listing l = {.prefix = req->prefix.p ? req->prefix : S(""),
                        .delimiter = req->delimiter,
                        .prefixes = &res->common_prefixes};
    struct str after = req->start_after;
    int r = begin(call, &l, req->bucket, "s3:ListBucket", req->encoding_type, req->max_keys);

    if (r == 0 && req->continuation_token.p &&
        (!req->continuation_token.n || !str_unbase64(call->arena, req->continuation_token, &after)))
        r = api_fault(call, &S3_ERR(InvalidArgument),
                      "The continuation token provided is incorrect");
    if (r)
        return r;
    walk_keys(&l, after, opt_bool_or(req->fetch_owner, false), &res->contents);
    res->name = req->bucket;
    res->prefix = coded(&l, l.prefix);
    res->delimiter = coded(&l, req->delimiter);
    res->start_after = coded(&l, req->start_after);
    res->continuation_token = req->continuation_token;
    res->max_keys = opt_i64(l.max);
    res->key_count = opt_i64(l.n);
    res->encoding_type = req->encoding_type;
    res->is_truncated = opt_bool(l.truncated);
    assert(!l.truncated || l.last_key.n > 0);
    if (l.truncated)
        res->next_continuation_token = str_base64(call->arena, l.last_key);
    assert((int64_t)(res->contents.n + res->common_prefixes.n) == l.n);
    return 0;
}

/* ---- versions ---- */

static void
tell_version(struct listing *l, const struct s3_object_row *row,
             struct s3_ListObjectVersionsOutput *res)
{
    struct arena *a = l->call->arena;
    struct s3_Owner *owner = s3_owner(l->call, l->bucket->account);

    assert(str_starts(row->object_key, l->prefix));
    s3_object_assert(row);
    l->last_key = row->object_key;
    l->last_version = row->version;
    if (row->marker) {
        *LIST_PUSH(a, &res->delete_markers) =
            (struct s3_DeleteMarkerEntry){.owner = owner,
                                          .key = coded(l, row->object_key),
                                          .version_id = row->version,
                                          .is_latest = opt_bool(row->latest),
                                          .last_modified = opt_i64(row->modified_ms)};
        return;
    }
    struct s3_ObjectVersion *v = LIST_PUSH(a, &res->versions);

    *v = (struct s3_ObjectVersion){
        .owner = owner,
        .key = coded(l, row->object_key),
        .version_id = row->version,
        .is_latest = opt_bool(row->latest),
        .last_modified = opt_i64(row->modified_ms),
        .e_tag = s3_quoted(a, row->etag),
        .size = opt_i64(row->size),
        .storage_class = row->storage_class.n ? row->storage_class : S("STANDARD"),
        .checksum_type = row->checksum_type.n ? row->checksum_type : STR_NONE,
    };
    if (row->checksum_kind.n)
        *LIST_PUSH(a, &v->checksum_algorithm) = row->checksum_kind;
}

/* Behind a version of a key, which need not be there any more: then behind all of them. */
static void
after_version(struct listing *l, struct store_cursor *c, struct str key, struct str version)
{
    const struct s3_object_row *row =
        version.n ? s3_object_by_version_get(l->call->txn, l->bucket->name, key, version) : NULL;

    if (row)
        store_after(c, STORE_KEYS(key, row->rank, row->id));
    else
        store_after(c, STORE_KEYS(key, INT64_MAX));
}

int
s3_list_object_versions(struct api_call *call, const struct s3_ListObjectVersionsRequest *req,
                        struct s3_ListObjectVersionsOutput *res)
{
    struct listing l = {.prefix = req->prefix.p ? req->prefix : S(""),
                        .delimiter = req->delimiter,
                        .prefixes = &res->common_prefixes};
    const struct s3_object_row *row;
    int r =
        begin(call, &l, req->bucket, "s3:ListBucketVersions", req->encoding_type, req->max_keys);

    if (r == 0 && req->version_id_marker.n && !req->key_marker.n)
        r = api_fault(call, &S3_ERR(InvalidArgument),
                      "A version-id marker cannot be specified without a key marker.");
    if (r)
        return r;
    struct store_cursor c = store_seek(call->txn, &s3_object_versions, STORE_KEYS(l.bucket->name));

    if (req->key_marker.n && str_cmp(req->key_marker, l.prefix) >= 0) {
        after_version(&l, &c, req->key_marker, req->version_id_marker);
        l.common = common_of(&l, req->key_marker);
    } else {
        store_from(&c, STORE_KEYS(l.prefix));
    }
    while ((row = s3_object_versions_next(&c))) {
        enum step s = step(&l, row->object_key);

        if (s == END)
            break;
        if (s == TELL)
            tell_version(&l, row, res);
    }
    res->name = req->bucket;
    res->prefix = coded(&l, l.prefix);
    res->delimiter = coded(&l, req->delimiter);
    res->key_marker = coded(&l, req->key_marker.p ? req->key_marker : S(""));
    res->version_id_marker = req->version_id_marker.p ? req->version_id_marker : S("");
    res->max_keys = opt_i64(l.max);
    res->encoding_type = req->encoding_type;
    res->is_truncated = opt_bool(l.truncated);
    if (l.truncated) {
        assert(l.last_key.n > 0);
        res->next_key_marker = coded(&l, l.last_key);
        res->next_version_id_marker = l.last_version;
    }
    assert((int64_t)(res->versions.n + res->delete_markers.n + res->common_prefixes.n) == l.n);
    return 0;
}
