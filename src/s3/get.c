/*
 * Reading objects: conditions, ranges and parts decide what of it; small bytes are in the reply,
 * large ones are read while they are sent.
 */
#include "s3/holds.h"

#include "base/error.h"
#include "base/timefmt.h"

/* ---- conditions ---- */

/* RFC 9110 §13: a list of entity tags, or "*". */
static bool
matches(struct str list, struct str etag)
{
    assert(etag.n > 0);
    while (list.p) {
        struct str one = str_trim(str_split(&list, ','));

        if (str_starts(one, S("W/")))
            one = str_cut(one, 2, one.n);
        if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"')
            one = str_cut(one, 1, one.n - 1);
        if (str_is(one, "*") || str_eq(one, etag))
            return true;
    }
    return false;
}

struct conditions {
    struct str match, none_match;
    struct opt_i64 modified_since, unmodified_since;
};

enum outcome { GO_ON, FAILED, UNCHANGED };

static enum outcome
look_at(const struct conditions *c, const struct s3_object_row *row, const char **ret_which)
{
    int64_t at_ms = row->modified_ms / 1000 * 1000;

    assert(!row->marker && row->modified_ms >= 0);
    *ret_which = "If-Match";
    if (c->match.n && !matches(c->match, row->etag))
        return FAILED;
    *ret_which = "If-Unmodified-Since";
    if (!c->match.n && c->unmodified_since.set && at_ms > c->unmodified_since.v)
        return FAILED;
    *ret_which = "If-None-Match";
    if (c->none_match.n)
        return matches(c->none_match, row->etag) ? UNCHANGED : GO_ON;
    *ret_which = "If-Modified-Since";
    return c->modified_since.set && at_ms <= c->modified_since.v ? UNCHANGED : GO_ON;
}

static int
failed(struct api_call *call, const char *which)
{
    struct s3_PreconditionFailed *detail = ARENA_NEW(call->arena, struct s3_PreconditionFailed);

    assert(which[0]);
    detail->condition = str_from(which);
    return api_fault_detail(call, &S3_ERR(PreconditionFailed), detail,
                            "At least one of the pre-conditions you specified did not hold");
}

static int
check_read(struct api_call *call, const struct conditions *c, const struct s3_object_row *row)
{
    const char *which;
    enum outcome outcome = look_at(c, row, &which);

    if (outcome == FAILED)
        return failed(call, which);
    if (outcome == GO_ON)
        return 0;
    struct s3_NotModified *detail = ARENA_NEW(call->arena, struct s3_NotModified);

    detail->e_tag = s3_quoted(call->arena, row->etag);
    detail->last_modified = opt_i64(row->modified_ms);
    return api_fault_detail(call, &S3_ERR(NotModified), detail, "Not Modified");
}

int
s3_check_source(struct api_call *call, struct str match, struct str none_match,
                struct opt_i64 modified_since, struct opt_i64 unmodified_since,
                const struct s3_object_row *row)
{
    const struct conditions c = {match, none_match, modified_since, unmodified_since};
    const char *which;
    enum outcome outcome = look_at(&c, row, &which);

    assert(which);
    return outcome == GO_ON ? 0
                            : failed(call, str_fmt(call->arena, "x-amz-copy-source-%s", which).p);
}

/* ---- ranges ---- */

bool
s3_range_parse(struct str text, uint64_t size, struct s3_range *ret)
{
    struct str unit = str_split(&text, '='), first, last;
    uint64_t from, to;

    if (!str_is(unit, "bytes") || !text.p || str_find_char(text, ',') != SIZE_MAX)
        return false; /* several ranges are answered with the whole */
    last = str_trim(text);
    first = str_split(&last, '-');
    if (!last.p || (!first.n && !last.n))
        return false;
    if (!first.n) {
        if (!str_to_u64(last, &to))
            return false;
        *ret = (struct s3_range){.from = size - MIN(to, size), .bytes = MIN(to, size)};
        ret->possible = ret->bytes > 0;
        return true;
    }
    if (!str_to_u64(first, &from) || (last.n && !str_to_u64(last, &to)))
        return false;
    if (!last.n || to >= size)
        to = size - (size > 0);
    else if (to < from)
        return false;
    assert(!last.n || from <= to || from >= size);
    *ret = (struct s3_range){.from = from, .possible = from < size};
    if (ret->possible)
        ret->bytes = to - from + 1;
    return true;
}

static int
range_of(struct api_call *call, struct str text, const struct s3_object_row *row,
         struct s3_range *ret, bool *ret_partial)
{
    assert(row->size >= 0);
    *ret = (struct s3_range){.bytes = (uint64_t)row->size, .possible = true};
    *ret_partial = false;
    if (!text.n || !s3_range_parse(text, (uint64_t)row->size, ret))
        return 0;
    if (!ret->possible) {
        struct s3_InvalidRange *detail = ARENA_NEW(call->arena, struct s3_InvalidRange);

        detail->range_requested = text;
        detail->actual_object_size = opt_i64(row->size);
        return api_fault_detail(call, &S3_ERR(InvalidRange), detail,
                                "The requested range is not satisfiable");
    }
    *ret_partial = true;
    assert(ret->bytes > 0 && ret->from + ret->bytes <= (uint64_t)row->size);
    return 0;
}

/* Part number n of an object; one that came whole has one part. */
static int
part_of(struct api_call *call, int64_t number, const struct s3_object_row *row,
        struct s3_range *ret)
{
    int64_t n = row->parts.n ? (int64_t)row->parts.n / 2 : 1, bytes = row->size;

    assert(row->parts.n % 2 == 0);
    *ret = (struct s3_range){.possible = true};
    if (number < 1 || number > 10000)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "Part number must be an integer between 1 and 10000, inclusive");
    if (number > n)
        return api_fault(call, &S3_ERR(InvalidPartNumber),
                         "The requested partnumber is not satisfiable");
    for (int64_t i = 0; i < number && row->parts.n; i++) {
        bool ok = str_to_i64(row->parts.v[2 * i], &bytes);

        assert(ok);
        if (i + 1 < number)
            ret->from += (uint64_t)bytes;
    }
    ret->bytes = (uint64_t)bytes;
    assert(ret->from + ret->bytes <= (uint64_t)row->size);
    return 0;
}

/* ---- what both reads have in common ---- */

struct reading {
    const struct s3_bucket_row *bucket;
    const struct s3_object_row *row;
    struct s3_range range;
    bool partial;
};

static int
open_reading(struct api_call *call, const struct s3_GetObjectRequest *req, struct reading *ret)
{
    const struct conditions c = {req->if_match, req->if_none_match, req->if_modified_since,
                                 req->if_unmodified_since};
    bool versioned = req->version_id.p != NULL;
    int r = s3_open(call, req->bucket, req->key, versioned ? "s3:GetObjectVersion" : "s3:GetObject",
                    &ret->bucket);

    if (r == 0)
        r = s3_find(call, ret->bucket, req->key, req->version_id, &ret->row);
    if (r == 0)
        r = s3_customer_check(call, "", ret->row);
    if (r == 0)
        r = s3_kms_open(call, ret->row);
    if (r == 0)
        r = check_read(call, &c, ret->row);
    if (r == 0 && req->part_number.set && req->range.n)
        r = api_fault(call, &S3_ERR(InvalidRequest),
                      "Cannot specify both Range header and partNumber query parameter");
    if (r == 0 && req->part_number.set) {
        r = part_of(call, req->part_number.v, ret->row, &ret->range);
        ret->partial = ret->range.bytes > 0; /* of the last part there may be nothing */
    } else if (r == 0) {
        r = range_of(call, req->range, ret->row, &ret->range, &ret->partial);
    }
    assert(r || ret->range.from + ret->range.bytes <= (uint64_t)ret->row->size);
    return r;
}

static void
tell_headers(const struct api_call *call, const struct s3_object_row *row,
             struct s3_GetObjectOutput *res)
{
    static const struct {
        const char *header, *member, *override;
    } rows[] = {
        {"cache-control", "CacheControl", "ResponseCacheControl"},
        {"content-disposition", "ContentDisposition", "ResponseContentDisposition"},
        {"content-encoding", "ContentEncoding", "ResponseContentEncoding"},
        {"content-language", "ContentLanguage", "ResponseContentLanguage"},
        {"content-type", "ContentType", "ResponseContentType"},
        {"expires", "Expires", NULL},
        {"x-amz-website-redirect-location", "WebsiteRedirectLocation", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value = rows[i].override ? s3_asked(call, rows[i].override) : STR_NONE;

        if (!value.n)
            value = s3_pair(&row->headers, str_from(rows[i].header));
        if (value.n)
            s3_say(S3_SHAPE_GetObjectOutput, res, rows[i].member, value);
    }
}

static void
tell_metadata(struct arena *a, const struct s3_object_row *row, struct s3_TextMap *ret)
{
    struct str prefix = S("x-amz-meta-");

    for (size_t i = 0; i + 1 < row->headers.n; i += 2)
        if (str_starts(row->headers.v[i], prefix))
            *LIST_PUSH(a, ret) = (struct s3_TextMapEntry){
                .key = str_cut(row->headers.v[i], prefix.n, row->headers.v[i].n),
                .value = row->headers.v[i + 1]};
}

static struct str
content_range(struct api_call *call, const struct reading *x)
{
    assert(x->partial && x->range.bytes > 0);
    return str_fmt(call->arena, "bytes %llu-%llu/%lld", (unsigned long long)x->range.from,
                   (unsigned long long)(x->range.from + x->range.bytes - 1),
                   (long long)x->row->size);
}

static void
tell(struct api_call *call, const struct reading *x, const struct s3_GetObjectRequest *req,
     struct s3_GetObjectOutput *res)
{
    const struct s3_object_row *row = x->row;

    assert(str_eq(row->bucket, x->bucket->name));
    res->accept_ranges = S("bytes");
    res->content_type = S("binary/octet-stream");
    res->last_modified = opt_i64(row->modified_ms);
    res->content_length = opt_i64((int64_t)x->range.bytes);
    res->e_tag = s3_quoted(call->arena, row->etag);
    if (row->storage_class.n)
        res->storage_class = row->storage_class;
    if (s3_is_versioned(x->bucket))
        res->version_id = row->version;
    if (row->tags.n)
        res->tag_count = opt_i64((int64_t)row->tags.n / 2);
    if (x->partial) {
        res->status_code = opt_i64(206);
        res->content_range = content_range(call, x);
    }
    if (req->part_number.set && row->parts.n)
        res->parts_count = opt_i64((int64_t)row->parts.n / 2);
    tell_headers(call, row, res);
    tell_metadata(call->arena, row, &res->metadata);
    if (req->response_expires.set)
        res->expires = time_http(call->arena, req->response_expires.v);
    s3_tell_encryption(call, S3_SHAPE_GetObjectOutput, row, res);
    /* the sum is that of the whole */
    if (str_is(req->checksum_mode, "ENABLED") && !x->partial)
        s3_tell_checksum(S3_SHAPE_GetObjectOutput, res, row);
}

/* ---- GetObject, HeadObject ---- */

/* Of a call of another service, which has no reply that could be read piece by piece. */
static int
read_whole(struct api_call *call, struct api_stream *stream, struct str *ret)
{
    char *p;
    size_t n = 0;
    ssize_t got = 0;

    if (stream->bytes > S3_INTERNAL_BYTES_MAX)
        return error_origin(EFBIG, "an object of %llu bytes is too large for a call inside",
                            (unsigned long long)stream->bytes);
    p = arena_alloc_raw(call->arena, (size_t)stream->bytes);
    while (n < stream->bytes && (got = api_stream_read(stream, p + n, stream->bytes - n)) > 0)
        n += (size_t)got;
    if (got < 0)
        return error_origin((int)-got, "an object cannot be read: %s", strerror((int)-got));
    *ret = str_of(p, n);
    assert(n <= stream->bytes);
    return 0;
}

static int
send_bytes(struct api_call *call, const struct reading *x, struct s3_GetObjectOutput *res)
{
    struct api_stream *stream;

    if (!x->row->pieces.n) {
        res->body =
            str_cut(x->row->data, (size_t)x->range.from, (size_t)(x->range.from + x->range.bytes));
        return 0;
    }
    stream = ARENA_NEW(call->arena, struct api_stream);
    stream->blobs = call->env->blobs;
    stream->bytes = x->range.bytes;
    s3_pieces_cut(call->arena, &x->row->pieces, x->range.from, x->range.bytes, &stream->pieces);
    if (!call->reply)
        return read_whole(call, stream, &res->body);
    blobs_hold(stream->blobs);
    call->reply->stream = stream;
    return 0;
}

static bool
is_archived(const struct s3_object_row *row)
{
    return str_is(row->storage_class, "GLACIER") || str_is(row->storage_class, "DEEP_ARCHIVE");
}

int
s3_get_object(struct api_call *call, const struct s3_GetObjectRequest *req,
              struct s3_GetObjectOutput *res)
{
    struct reading x = {0};
    int r = open_reading(call, req, &x);

    if (r)
        return r;
    if (is_archived(x.row)) {
        struct s3_InvalidObjectState *detail = ARENA_NEW(call->arena, struct s3_InvalidObjectState);

        detail->storage_class = x.row->storage_class;
        return api_fault_detail(call, &S3_ERR(InvalidObjectState), detail,
                                "The operation is not valid for the object's storage class");
    }
    tell(call, &x, req, res);
    return send_bytes(call, &x, res);
}

/* Members of the same name in two structures of the description, which have the same types. */
static void
copy_members(uint16_t from_shape, const void *from, uint16_t to_shape, void *to)
{
    static const size_t sizes[] = {
        [API_STRING] = sizeof(struct str),    [API_ENUM] = sizeof(struct str),
        [API_BOOL] = sizeof(struct opt_bool), [API_INT] = sizeof(struct opt_i64),
        [API_LONG] = sizeof(struct opt_i64),  [API_TIME] = sizeof(struct opt_i64),
        [API_MAP] = sizeof(struct str_list),
    };
    const struct api_shape *shape = api_shape(&s3_service, to_shape);

    assert(from_shape != to_shape);
    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &s3_service.members[shape->first + i];
        const struct api_member *same = api_member_find(
            &s3_service, api_shape(&s3_service, from_shape), api_member_name(&s3_service, m));
        uint8_t kind = api_shape(&s3_service, m->shape)->kind;

        if (!same)
            continue;
        assert(kind < ARRAY_LEN(sizes) && sizes[kind]);
        memcpy((char *)to + m->offset, (const char *)from + same->offset, sizes[kind]);
    }
}

/* GetObject without the bytes. */
int
s3_head_object(struct api_call *call, const struct s3_HeadObjectRequest *req,
               struct s3_HeadObjectOutput *res)
{
    struct s3_GetObjectRequest get = {0};
    struct s3_GetObjectOutput got = {0};
    struct reading x = {0};

    copy_members(S3_SHAPE_HeadObjectRequest, req, S3_SHAPE_GetObjectRequest, &get);
    int r = open_reading(call, &get, &x);

    if (r)
        return r;
    tell(call, &x, &get, &got);
    copy_members(S3_SHAPE_GetObjectOutput, &got, S3_SHAPE_HeadObjectOutput, res);
    return 0;
}
