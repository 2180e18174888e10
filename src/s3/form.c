/*
 * Objects that a browser sends in a form: whose policy was signed, or nobody's.  The form becomes a
 * PutObject.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
#include "s3/s3.h"

#include "api/auth.h"
#include "api/wire.h"
#include "base/error.h"
#include "codec/uri.h"

bool
s3_form_is(const struct api_request *req)
{
    struct str key;

    return str_is(req->http.method, "POST") && s3_bucket_in_path(req, &key).p && !key.n &&
           str_starts(api_header(req, S("Content-Type")), S("multipart/form-data"));
}

static int
missing(struct api_call *call, const char *field)
{
    return s3_wrong_argument(call, field, S(""),
                          str_fmt(call->arena,
                                  "Bucket POST must contain a field named '%s'.  If it is "
                                  "specified, please check the order of the fields.",
                                  field)
                              .p);
}

static int
read_form(struct api_call *call, const struct api_request *req, struct s3_form *ret)
{
    int r = s3_form_parse(call->arena, api_header(req, S("Content-Type")), req->http.body, ret);

    if (r == S3_FORM_TOO_LONG)
        return api_fault(call, &S3_ERR(MaxPostPreDataLengthExceededError),
                         "Your POST request fields preceding the upload file was too large.");
    if (r)
        return api_fault(call, &S3_ERR(MalformedPOSTRequest),
                         "The body of your POST request is not well-formed multipart/form-data.");
    if (!s3_form_get(ret, "key").n)
        return missing(call, "key");
    return ret->file.p ? 0
                       : s3_wrong_argument(call, "file", S("0"),
                                        "POST requires exactly one file upload per request.");
}

/* "${filename}" is the file's. */
static struct str
key_of(struct arena *a, const struct s3_form *form)
{
    struct str key = s3_form_get(form, "key"), hole = S("${filename}");
    size_t at = str_find(key, hole);

    return at == SIZE_MAX
               ? key
               : str_fmt(a, "%.*s%.*s%.*s", STR_ARG(str_cut(key, 0, at)), STR_ARG(form->file_name),
                         STR_ARG(str_cut(key, at + hole.n, key.n)));
}

/* ---- who sends it ---- */

static int
sign_in(struct api_call *call, const struct s3_form *form, struct str policy)
{
    static const struct {
        const char *field, *parameter;
        bool optional;
    } rows[] = {
        {"X-Amz-Algorithm", "X-Amz-Algorithm", false},
        {"X-Amz-Credential", "X-Amz-Credential", false},
        {"X-Amz-Date", "X-Amz-Date", false},
        {"X-Amz-Signature", "X-Amz-Signature", false},
        {"X-Amz-Security-Token", "X-Amz-Security-Token", true},
    };
    /* the claim as a presigned URL has it; how long it is good is the policy's to say */
    struct str query =
        str_fmt(call->arena, "X-Amz-Expires=%d&X-Amz-SignedHeaders=host", SIGV4_EXPIRES_MAX_S);
    const struct http_header host = {S("Host"), S("form")};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value = s3_form_get(form, rows[i].field);

        if (!value.n && rows[i].optional)
            continue;
        if (!value.n)
            return missing(call, rows[i].field);
        query = str_fmt(call->arena, "%.*s&%s=%.*s", STR_ARG(query), rows[i].parameter,
                        STR_ARG(uri_encode(call->arena, value, 0)));
    }
    const struct sigv4_request claim = {
        .method = S("POST"), .path = S("/"), .query = query, .headers = &host, .n_headers = 1};

    return api_sign_in(call, &claim, policy);
}

static int
verdict(struct api_call *call, enum s3_form_verdict v, struct str about, int64_t limit,
        const struct s3_form *form)
{
    struct s3_EntityTooLarge *large = ARENA_NEW(call->arena, struct s3_EntityTooLarge);
    struct s3_EntityTooSmall *small = ARENA_NEW(call->arena, struct s3_EntityTooSmall);
    struct opt_i64 size = opt_i64((int64_t)form->file.n);

    switch (v) {
    case S3_POLICY_GOOD:
        return 0;
    case S3_POLICY_EXPIRED:
        return api_fault(call, &S3_ERR(AccessDenied),
                         "Invalid according to Policy: Policy expired.");
    case S3_POLICY_FAILED:
        return api_fault(call, &S3_ERR(AccessDenied),
                         "Invalid according to Policy: Policy Condition failed: %.*s",
                         STR_ARG(about));
    case S3_POLICY_EXTRA:
        return api_fault(call, &S3_ERR(AccessDenied),
                         "Invalid according to Policy: Extra input fields: %.*s", STR_ARG(about));
    case S3_POLICY_TOO_LARGE:
        *large = (struct s3_EntityTooLarge){size, opt_i64(limit)};
        return api_fault_detail(call, &S3_ERR(EntityTooLarge), large,
                                "Your proposed upload exceeds the maximum allowed size");
    case S3_POLICY_TOO_SMALL:
        small->proposed_size = size;
        small->min_size_allowed = opt_i64(limit);
        return api_fault_detail(call, &S3_ERR(EntityTooSmall), small,
                                "Your proposed upload is smaller than the minimum allowed size");
    case S3_POLICY_MALFORMED:
        break;
    }
    return api_fault(call, &S3_ERR(InvalidPolicyDocument), "%.*s", STR_ARG(about));
}

static int
admit(struct api_call *call, const struct s3_form *form, struct str bucket, struct str key)
{
    struct str coded = s3_form_get(form, "policy"), policy, about = S("");
    int64_t limit = 0;
    int r;

    if (s3_form_get(form, "AWSAccessKeyId").p)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "The authorization mechanism you have provided is not supported. Please "
                         "use AWS4-HMAC-SHA256.");
    if (!coded.p) {
        api_anonymous(call);
        return 0;
    }
    r = sign_in(call, form, coded);
    if (r)
        return r;
    if (!str_unbase64(call->arena, coded, &policy))
        return api_fault(call, &S3_ERR(InvalidPolicyDocument), "Invalid Policy: Invalid JSON.");
    enum s3_form_verdict v =
        s3_form_check(call->arena, policy, form, bucket, key, call->now_ms, &about, &limit);

    return verdict(call, v, about, limit, form);
}

/* ---- what it is ---- */

static const struct {
    const char *field, *member; /* NULL: it says how, not what */
} fields[] = {
    {"acl", "ACL"},
    {"Cache-Control", "CacheControl"},
    {"Content-Type", "ContentType"},
    {"Content-Disposition", "ContentDisposition"},
    {"Content-Encoding", "ContentEncoding"},
    {"Expires", "Expires"},
    {"x-amz-storage-class", "StorageClass"},
    {"x-amz-website-redirect-location", "WebsiteRedirectLocation"},
    {"x-amz-server-side-encryption", "ServerSideEncryption"},
    {"x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"},
    {"x-amz-server-side-encryption-context", "SSEKMSEncryptionContext"},
    {"x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"},
    {"x-amz-server-side-encryption-customer-key", "SSECustomerKey"},
    {"x-amz-server-side-encryption-customer-key-MD5", "SSECustomerKeyMD5"},
    {"x-amz-algorithm", NULL},
    {"x-amz-credential", NULL},
    {"x-amz-date", NULL},
    {"x-amz-signature", NULL},
    {"x-amz-security-token", NULL},
};

static int
take_field(struct api_call *call, const struct s3_form_field *field,
           struct s3_PutObjectRequest *put)
{
    struct str meta = S("x-amz-meta-"), name = field->name;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (str_eq_nocase(name, str_from(fields[i].field))) {
            if (fields[i].member)
                s3_say(S3_SHAPE_PutObjectRequest, put, fields[i].member, field->value);
            return 0;
        }
    if (str_eq_nocase(str_cut(name, 0, meta.n), meta)) {
        *LIST_PUSH(call->arena, &put->metadata) =
            (struct s3_TextMapEntry){str_cut(name, meta.n, name.n), field->value};
        return 0;
    }
    if (str_eq_nocase(name, S("x-amz-server-side-encryption-bucket-key-enabled"))) {
        put->bucket_key_enabled = opt_bool(str_is(field->value, "true"));
        return 0;
    }
    if (str_eq_nocase(str_cut(name, 0, 6), S("x-amz-")) || str_eq_nocase(name, S("tagging")))
        return S3_NOT_YET(call, str_fmt(call->arena, "the form field %.*s", STR_ARG(name)).p);
    return 0; /* a page's own */
}

static int
store_file(struct api_call *call, const struct s3_form *form, const struct s3_PutObjectRequest *put,
           struct s3_PutObjectOutput *res, struct api_reply *reply)
{
    static const struct api_request plain = {0};
    int r;

    call->upload = api_upload_new(call->env, &plain);
    api_upload_add(call->upload, form->file);
    api_upload_end(call->upload);
    r = api_upload_check(call, &plain);
    call->op = api_op_find(call->service, S("PutObject"));
    call->txn = store_begin(call->store);
    if (r == 0)
        r = api_authorize(call, put);
    if (r == 0)
        r = s3_put_object(call, put, res);
    if (r == 0)
        reply->wait_seq = store_commit(call->txn);
    else
        store_rollback(call->txn);
    call->txn = NULL;
    if (r)
        call->upload->kept = false;
    call->upload = api_upload_free(call->upload);
    return r;
}

/* ---- the answer ---- */

static void
answer(struct api_call *call, const struct s3_form *form, const struct s3_PutObjectRequest *put,
       const struct s3_PutObjectOutput *res, struct api_reply *reply)
{
    struct str status = s3_form_get(form, "success_action_status");
    struct str target = s3_form_get(form, "success_action_redirect");
    struct arena *a = call->arena;
    struct str location = str_fmt(a, "https://%.*s.s3.amazonaws.com/%.*s", STR_ARG(put->bucket),
                                  STR_ARG(uri_encode(a, put->key, 0)));

    if (!target.n)
        target = s3_form_get(form, "redirect");
    api_reply_header(a, reply, S("ETag"), res->e_tag);
    if (res->version_id.p)
        api_reply_header(a, reply, S("x-amz-version-id"), res->version_id);
    if (res->server_side_encryption.n)
        api_reply_header(a, reply, S("x-amz-server-side-encryption"), res->server_side_encryption);
    if (str_starts(target, S("http://")) || str_starts(target, S("https://"))) {
        reply->status = 303;
        api_reply_header(a, reply, S("Location"),
                         str_fmt(a, "%.*s%cbucket=%.*s&key=%.*s&etag=%.*s", STR_ARG(target),
                                 str_find_char(target, '?') == SIZE_MAX ? '?' : '&',
                                 STR_ARG(uri_encode(a, put->bucket, 0)),
                                 STR_ARG(uri_encode(a, put->key, 0)),
                                 STR_ARG(uri_encode(a, res->e_tag, 0))));
        return;
    }
    api_reply_header(a, reply, S("Location"), location);
    reply->status = str_is(status, "200") ? 200 : str_is(status, "201") ? 201 : 204;
    if (reply->status != 201)
        return;
    const struct s3_form_field told[] = {{S("Location"), location},
                                         {S("Bucket"), put->bucket},
                                         {S("Key"), put->key},
                                         {S("ETag"), res->e_tag}};

    reply->content_type = S("application/xml");
    buf_add_lit(&reply->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>");
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        buf_add_fmt(&reply->body, "<%.*s>", STR_ARG(told[i].name));
        s3_add_escaped(&reply->body, told[i].value);
        buf_add_fmt(&reply->body, "</%.*s>", STR_ARG(told[i].name));
    }
    buf_add_lit(&reply->body, "</PostResponse>");
}

int
s3_form(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct s3_PutObjectRequest *put = ARENA_NEW(call->arena, struct s3_PutObjectRequest);
    struct s3_PutObjectOutput *res = ARENA_NEW(call->arena, struct s3_PutObjectOutput);
    struct s3_form form;
    struct str ignored;
    int r = read_form(call, req, &form);

    if (r)
        return r;
    put->bucket = s3_bucket_in_path(req, &ignored);
    put->key = key_of(call->arena, &form);
    r = admit(call, &form, put->bucket, put->key);
    LIST_EACH(&form.fields, field) {
        if (r == 0)
            r = take_field(call, field, put);
    }
    if (r == 0)
        r = store_file(call, &form, put, res, reply);
    if (r == 0)
        answer(call, &form, put, res, reply);
    return r;
}
