/* What the API asks of S3 beside its operations, and what its requests have in common. */
#include "s3/s3.h"

#include "codec/aws_endpoint.h"

const struct api_error s3_errors[S3_N_ERRORS] = {
#define X(name, http) [S3_ERROR_##name] = {#name, http},
    S3_ERRORS(X)
#undef X
};

/* ---- members by name ---- */

/* Some twenty members are the same in all that make an object, and eleven in all that sum one. */
struct str
s3_read(uint16_t shape, const void *base, const char *member)
{
    const struct api_member *m =
        api_member_find(&s3_service, api_shape(&s3_service, shape), str_from(member));

    assert(base && member[0]);
    if (!m)
        return STR_NONE;
    assert(api_shape(&s3_service, m->shape)->kind <= API_BLOB);
    return *(const struct str *)(const void *)((const char *)base + m->offset);
}

struct str
s3_asked(const struct api_call *call, const char *member)
{
    assert(call->service == &s3_service && call->input);
    return s3_read(call->op->input, call->input, member);
}

void
s3_say(uint16_t shape, void *base, const char *member, struct str value)
{
    const struct api_member *m =
        api_member_find(&s3_service, api_shape(&s3_service, shape), str_from(member));

    assert(base && member[0]);
    if (m)
        *(struct str *)(void *)((char *)base + m->offset) = value;
}

/* ---- names ---- */

static bool
is_ip4(struct str s)
{
    size_t dots = 0;

    for (size_t i = 0; i < s.n; i++) {
        dots += s.p[i] == '.';
        if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    }
    return dots == 3;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
bool
s3_bucket_name_good(struct str name)
{
    static const char *const suffixes[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};
    static const char *const prefixes[] = {"xn--", "sthree-", "amzn-s3-demo-"};

    if (name.n < 3 || name.n > 63 || is_ip4(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], before = i ? name.p[i - 1] : '.';
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!word && (i == 0 || i + 1 == name.n || (c != '-' && c != '.')))
            return false;
        if (c == '.' && before == '.')
            return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (str_ends(name, str_from(suffixes[i])))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(name, str_from(prefixes[i])))
            return false;
    return true;
}

struct str
s3_canonical_id(struct arena *a, struct str account)
{
    uint8_t digest[SHA256_LEN];
    struct str text = str_cat(a, S("canonical "), account);

    assert(account.n > 0);
    crypto_sha256(text.p, text.n, digest);
    return str_hex(a, digest, sizeof(digest));
}

struct s3_Owner *
s3_owner(struct api_call *call, struct str account)
{
    struct s3_Owner *owner = ARENA_NEW(call->arena, struct s3_Owner);

    owner->id = s3_canonical_id(call->arena, account);
    return owner;
}

struct str
s3_random(struct api_call *call, size_t bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
    char *p = arena_alloc_raw(call->arena, bytes);

    assert(bytes > 0);
    call->env->random(call->env, p, bytes);
    for (size_t i = 0; i < bytes; i++)
        p[i] = letters[(unsigned char)p[i] & 63];
    return str_of(p, bytes);
}

struct str
s3_pair(const struct str_list *pairs, struct str name)
{
    assert(pairs->n % 2 == 0 && name.p);
    for (size_t i = 0; i + 1 < pairs->n; i += 2)
        if (str_eq(pairs->v[i], name))
            return pairs->v[i + 1];
    return STR_NONE;
}

/* ---- the host's name ---- */

/*
 * "bucket.s3.amazonaws.com", and so that a name of this machine's may be in its place:
 * "bucket.localhost", "bucket.s3.localhost".
 */
static struct str
bucket_of_host(struct str host)
{
    static const struct str own[] = {S_INIT(".s3.localhost.localstack.cloud"),
                                     S_INIT(".localhost.localstack.cloud"), S_INIT(".s3.localhost"),
                                     S_INIT(".localhost")};
    struct str name = str_split(&host, ':');
    struct aws_endpoint e;

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_ends(name, own[i])) {
            struct str bucket = str_cut(name, 0, name.n - own[i].n);

            return str_is(bucket, "s3") ? S("") : bucket;
        }
    return aws_endpoint_parse(name, &e) && str_is(e.service, "s3") ? e.prefix : S("");
}

static struct str
path_of(struct arena *arena, struct str host, struct str path)
{
    struct str bucket = bucket_of_host(str_lower(arena, host));

    return bucket.n ? str_fmt(arena, "/%.*s%.*s", STR_ARG(bucket), STR_ARG(path)) : STR_NONE;
}

/* ---- condition keys ---- */

static const struct {
    const char *member, *key;
} keys[] = {
    {"Prefix", "s3:prefix"},
    {"Delimiter", "s3:delimiter"},
    {"MaxKeys", "s3:max-keys"},
    {"ACL", "s3:x-amz-acl"},
    {"ServerSideEncryption", "s3:x-amz-server-side-encryption"},
    {"SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"},
    {"SSECustomerAlgorithm", "s3:x-amz-server-side-encryption-customer-algorithm"},
    {"StorageClass", "s3:x-amz-storage-class"},
    {"VersionId", "s3:VersionId"},
    {"CopySource", "s3:x-amz-copy-source"},
    {"MetadataDirective", "s3:x-amz-metadata-directive"},
    {"ObjectOwnership", "s3:x-amz-object-ownership"},
    {"IfMatch", "s3:if-match"},
    {"IfNoneMatch", "s3:if-none-match"},
};

static void
add_tags(struct api_call *call, struct str text, struct policy_context *context)
{
    struct str_list tags = {0}, names = {0};

    if (!text.n || s3_tags_parse(call, text, &tags))
        return; /* the handler will refuse it */
    assert(tags.n % 2 == 0 && tags.n / 2 <= S3_OBJECT_TAGS_MAX);
    for (size_t i = 0; i + 1 < tags.n; i += 2) {
        api_context_add(call, context, str_cat(call->arena, S("s3:RequestObjectTag/"), tags.v[i]),
                        tags.v[i + 1]);
        *LIST_PUSH(call->arena, &names) = tags.v[i];
    }
    *LIST_PUSH(call->arena, context) = (struct policy_key){
        .name = S("s3:RequestObjectTagKeys"), .values = names.v, .n = names.n, .multi = true};
}

static void
context(struct api_call *call, const void *req, struct policy_context *context)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct api_member *m =
            api_member_find(call->service, input, str_from(keys[i].member));
        const void *at = m ? (const char *)req + m->offset : NULL;

        if (!m)
            continue;
        if (api_shape(call->service, m->shape)->kind <= API_ENUM) {
            if (((const struct str *)at)->p)
                api_context_add(call, context, str_from(keys[i].key), *(const struct str *)at);
        } else if (((const struct opt_i64 *)at)->set) {
            api_context_add(
                call, context, str_from(keys[i].key),
                str_fmt(call->arena, "%lld", (long long)((const struct opt_i64 *)at)->v));
        }
    }
    if (!str_is(api_op_name(call->service, call->op), "PutObjectTagging") &&
        api_member_find(call->service, input, S("Metadata")))
        add_tags(call, s3_asked(call, "Tagging"), context);
    api_context_add(call, context, S("s3:signatureversion"), S("AWS4-HMAC-SHA256"));
}

/* Asked by the API only of buckets that other services name. */
static int
resource(struct api_call *call, struct str type, struct str id, struct api_resource *ret)
{
    struct str name = str_starts(id, S("arn:aws:s3:::")) ? str_cut(id, 13, id.n) : id;
    const struct s3_bucket_row *row = s3_bucket_get(call->txn, name);

    (void)type;
    if (!row)
        return 0;
    assert(str_eq(row->name, name));
    ret->account = row->account;
    ret->policy = row->policy;
    return 0;
}

const struct api_service_hooks s3_hooks = {
    .service = &s3_service,
    .resource = resource,
    .context = context,
    .resource_policies = true,
    .uploads = true,
    .path = path_of,
};
