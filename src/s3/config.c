/* Settings of buckets, and tags of objects: policy, public access, encryption, ownership, tags. */
#include "s3/s3.h"

#include "api/wire.h"
#include "base/error.h"

#define POLICY_BYTES_MAX 20480

/* ---- bodies ---- */

/* Content-MD5 and checksum headers of a request whose body is a document. */
int
s3_check_document(struct api_call *call)
{
    uint8_t digest[CHECKSUM_MAX_BYTES];
    struct checksum sum;
    struct str body, said;

    if (!call->request || call->via.p)
        return 0;
    body = call->request->http.body;
    said = api_header(call->request, S("Content-MD5"));
    if (said.p) {
        crypto_digest(CRYPTO_MD5, body.p, body.n, digest);
        if (!str_eq(said, str_base64(call->arena, str_of(digest, MD5_LEN))))
            return api_fault(call, &S3_ERR(BadDigest),
                             "The Content-MD5 you specified did not match what we received.");
    }
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_N; kind++) {
        const char *name = checksum_name((enum checksum_kind)kind);

        said = api_header(call->request, str_fmt(call->arena, "x-amz-checksum-%s", name));
        if (!said.p)
            continue;
        checksum_begin(&sum, (enum checksum_kind)kind);
        checksum_add(&sum, body.p, body.n);
        checksum_end(&sum, digest);
        if (!str_eq(said, str_base64(call->arena,
                                     str_of(digest, checksum_bytes((enum checksum_kind)kind)))))
            return api_fault(call, &S3_ERR(BadDigest),
                             "The %s you specified did not match the calculated checksum.", name);
    }
    return 0;
}

/* Opens a bucket for a setting that the body brings. */
static int
open_to_set(struct api_call *call, struct str name, const char *action,
            const struct s3_bucket_row **ret)
{
    int r = s3_open(call, name, STR_NONE, action, ret);

    return r ? r : s3_check_document(call);
}

static int
malformed(struct api_call *call)
{
    return api_fault(call, &S3_ERR(MalformedXML),
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema");
}

/* ---- policies ---- */

/* Every resource is the bucket or in it, every action of S3. */
static int
check_policy(struct api_call *call, const struct s3_bucket_row *bucket, const struct policy *policy)
{
    struct str arn = str_cat(call->arena, S("arn:aws:s3:::"), bucket->name);
    struct str_list actions = {0}, resources = {0};

    assert(bucket->name.n > 0);
    policy_actions(policy, call->arena, &actions);
    policy_resources(policy, call->arena, &resources);
    LIST_EACH(&resources, resource) {
        struct str rest = str_cut(*resource, arn.n, resource->n);

        if (!str_starts(*resource, arn) || (rest.n && rest.p[0] != '/'))
            return api_fault(call, &S3_ERR(MalformedPolicy), "Policy has invalid resource");
    }
    LIST_EACH(&actions, action) {
        if (!str_is(*action, "*") && !str_eq_nocase(str_cut(*action, 0, 3), S("s3:")))
            return api_fault(call, &S3_ERR(MalformedPolicy), "Policy has invalid action");
    }
    return 0;
}

static int
read_policy(struct api_call *call, const struct s3_bucket_row *bucket, struct str text,
            bool *ret_public)
{
    struct policy *policy;
    struct str why, trimmed = str_trim(text);

    if (text.n > POLICY_BYTES_MAX)
        return api_fault(call, &S3_ERR(MalformedPolicy), "Policy exceeds the maximum allowed size");
    if (!trimmed.n || trimmed.p[0] != '{')
        return api_fault(call, &S3_ERR(MalformedPolicy),
                         "Policies must be valid JSON and the first byte must be '{'");
    int r = policy_parse(&policy, text, POLICY_RESOURCE, call->arena, &why);

    if (r > 0)
        return api_fault(call, &S3_ERR(MalformedPolicy), "%.*s", STR_ARG(why));
    if (r < 0)
        return error_origin(-r, "a policy cannot be read");
    r = check_policy(call, bucket, policy);
    *ret_public = policy_is_public(policy, call->arena);
    policy_free(policy);
    return r;
}

int
s3_put_bucket_policy(struct api_call *call, const struct s3_PutBucketPolicyRequest *req,
                     struct s3_PutBucketPolicyResult *res)
{
    const struct s3_bucket_row *bucket;
    struct s3_bucket_row row;
    bool public = false;
    int r = open_to_set(call, req->bucket, "s3:PutBucketPolicy", &bucket);

    (void)res;
    if (r == 0)
        r = read_policy(call, bucket, req->policy, &public);
    if (r)
        return r;
    if (public && bucket->public_block >= 0 && (bucket->public_block & S3_BLOCK_POLICY))
        return api_fault(call, &S3_ERR(AccessDenied),
                         "User: %.*s is not authorized to perform: s3:PutBucketPolicy on resource: "
                         "\"arn:aws:s3:::%.*s\" because public policies are prevented by the "
                         "BlockPublicPolicy setting in S3 Block Public Access.",
                         STR_ARG(call->principal_arn), STR_ARG(bucket->name));
    row = *bucket;
    row.policy = req->policy;
    row.policy_public = public;
    if (!opt_bool_or(req->confirm_remove_self_bucket_access, false) &&
        call->principal.kind != POLICY_ROOT &&
        !s3_allowed(call, &row, STR_NONE, "s3:PutBucketPolicy"))
        return api_fault(call, &S3_ERR(MalformedPolicy),
                         "The new bucket policy will not allow you to update the policy in the "
                         "future.");
    assert(!row.policy_public || row.policy.n);
    return s3_bucket_update(call->txn, &row);
}

static int
no_policy(struct api_call *call, const struct s3_bucket_row *bucket)
{
    struct s3_NoSuchBucketPolicy *detail = ARENA_NEW(call->arena, struct s3_NoSuchBucketPolicy);

    detail->bucket_name = bucket->name;
    return api_fault_detail(call, &S3_ERR(NoSuchBucketPolicy), detail,
                            "The bucket policy does not exist");
}

int
s3_get_bucket_policy(struct api_call *call, const struct s3_GetBucketPolicyRequest *req,
                     struct s3_GetBucketPolicyOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketPolicy", &bucket);

    if (r)
        return r;
    res->policy = bucket->policy;
    return bucket->policy.n ? 0 : no_policy(call, bucket);
}

int
s3_get_bucket_policy_status(struct api_call *call,
                            const struct s3_GetBucketPolicyStatusRequest *req,
                            struct s3_GetBucketPolicyStatusOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketPolicyStatus", &bucket);

    if (r)
        return r;
    if (!bucket->policy.n)
        return no_policy(call, bucket);
    res->policy_status = ARENA_NEW(call->arena, struct s3_PolicyStatus);
    res->policy_status->is_public = opt_bool(bucket->policy_public);
    return 0;
}

int
s3_delete_bucket_policy(struct api_call *call, const struct s3_DeleteBucketPolicyRequest *req,
                        struct s3_DeleteBucketPolicyResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:DeleteBucketPolicy", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.policy = S("");
    row.policy_public = false;
    return s3_bucket_update(call->txn, &row);
}

/* ---- public access block ---- */

int
s3_put_public_access_block(struct api_call *call, const struct s3_PutPublicAccessBlockRequest *req,
                           struct s3_PutPublicAccessBlockResult *res)
{
    const struct s3_PublicAccessBlockConfiguration *c = req->public_access_block_configuration;
    const struct s3_bucket_row *bucket;
    int r = open_to_set(call, req->bucket, "s3:PutBucketPublicAccessBlock", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.public_block = (opt_bool_or(c->block_public_acls, false) ? S3_BLOCK_ACLS : 0) |
                       (opt_bool_or(c->ignore_public_acls, false) ? S3_IGNORE_ACLS : 0) |
                       (opt_bool_or(c->block_public_policy, false) ? S3_BLOCK_POLICY : 0) |
                       (opt_bool_or(c->restrict_public_buckets, false) ? S3_RESTRICT : 0);
    return s3_bucket_update(call->txn, &row);
}

int
s3_get_public_access_block(struct api_call *call, const struct s3_GetPublicAccessBlockRequest *req,
                           struct s3_GetPublicAccessBlockOutput *res)
{
    struct s3_PublicAccessBlockConfiguration *c =
        ARENA_NEW(call->arena, struct s3_PublicAccessBlockConfiguration);
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketPublicAccessBlock", &bucket);

    if (r)
        return r;
    if (bucket->public_block < 0)
        return api_fault(call, &S3_ERR(NoSuchPublicAccessBlockConfiguration),
                         "The public access block configuration was not found");
    c->block_public_acls = opt_bool(bucket->public_block & S3_BLOCK_ACLS);
    c->ignore_public_acls = opt_bool(bucket->public_block & S3_IGNORE_ACLS);
    c->block_public_policy = opt_bool(bucket->public_block & S3_BLOCK_POLICY);
    c->restrict_public_buckets = opt_bool(bucket->public_block & S3_RESTRICT);
    res->public_access_block_configuration = c;
    return 0;
}

int
s3_delete_public_access_block(struct api_call *call,
                              const struct s3_DeletePublicAccessBlockRequest *req,
                              struct s3_DeletePublicAccessBlockResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutBucketPublicAccessBlock", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.public_block = -1;
    return s3_bucket_update(call->txn, &row);
}

/* ---- encryption ---- */

int
s3_put_bucket_encryption(struct api_call *call, const struct s3_PutBucketEncryptionRequest *req,
                         struct s3_PutBucketEncryptionResult *res)
{
    const struct s3_ServerSideEncryptionRuleList *rules =
        &req->server_side_encryption_configuration->rules;
    const struct s3_bucket_row *bucket;
    int r = open_to_set(call, req->bucket, "s3:PutEncryptionConfiguration", &bucket);

    (void)res;
    if (r)
        return r;
    if (rules->n != 1 || !rules->v[0].apply_server_side_encryption_by_default)
        return malformed(call);
    if (rules->v[0].blocked_encryption_types)
        return S3_NOT_YET(call, "BlockedEncryptionTypes");
    const struct s3_ServerSideEncryptionByDefault *by =
        rules->v[0].apply_server_side_encryption_by_default;
    struct s3_bucket_row row = *bucket;

    if (str_is(by->sse_algorithm, "aws:kms:dsse"))
        return S3_NOT_YET(call, "the encryption aws:kms:dsse");
    if (!str_is(by->sse_algorithm, "AES256") && !str_is(by->sse_algorithm, "aws:kms"))
        return malformed(call);
    if (str_is(by->sse_algorithm, "AES256") && by->kms_master_key_id.n)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
                         "aws:kms or aws:kms:dsse");
    row.sse = by->sse_algorithm;
    row.sse_key = by->kms_master_key_id;
    row.sse_bucket_key = opt_bool_or(rules->v[0].bucket_key_enabled, false);
    return s3_bucket_update(call->txn, &row);
}

int
s3_get_bucket_encryption(struct api_call *call, const struct s3_GetBucketEncryptionRequest *req,
                         struct s3_GetBucketEncryptionOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetEncryptionConfiguration", &bucket);

    if (r)
        return r;
    struct s3_ServerSideEncryptionByDefault *by =
        ARENA_NEW(call->arena, struct s3_ServerSideEncryptionByDefault);

    by->sse_algorithm = bucket->sse;
    if (bucket->sse_key.n)
        by->kms_master_key_id = bucket->sse_key;
    res->server_side_encryption_configuration =
        ARENA_NEW(call->arena, struct s3_ServerSideEncryptionConfiguration);
    *LIST_PUSH(call->arena, &res->server_side_encryption_configuration->rules) =
        (struct s3_ServerSideEncryptionRule){.apply_server_side_encryption_by_default = by,
                                             .bucket_key_enabled =
                                                 opt_bool(bucket->sse_bucket_key)};
    return 0;
}

/* What every bucket has again. */
int
s3_delete_bucket_encryption(struct api_call *call,
                            const struct s3_DeleteBucketEncryptionRequest *req,
                            struct s3_DeleteBucketEncryptionResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutEncryptionConfiguration", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.sse = S("AES256");
    row.sse_key = S("");
    row.sse_bucket_key = false;
    return s3_bucket_update(call->txn, &row);
}

/* ---- ownership, access control list ---- */

int
s3_put_bucket_ownership_controls(struct api_call *call,
                                 const struct s3_PutBucketOwnershipControlsRequest *req,
                                 struct s3_PutBucketOwnershipControlsResult *res)
{
    const struct s3_OwnershipControlsRuleList *rules = &req->ownership_controls->rules;
    const struct s3_bucket_row *bucket;
    int r = open_to_set(call, req->bucket, "s3:PutBucketOwnershipControls", &bucket);

    (void)res;
    if (r)
        return r;
    if (rules->n != 1 || !s3_ownership_good(rules->v[0].object_ownership))
        return malformed(call);
    struct s3_bucket_row row = *bucket;

    row.ownership = rules->v[0].object_ownership;
    return s3_bucket_update(call->txn, &row);
}

int
s3_get_bucket_ownership_controls(struct api_call *call,
                                 const struct s3_GetBucketOwnershipControlsRequest *req,
                                 struct s3_GetBucketOwnershipControlsOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketOwnershipControls", &bucket);

    if (r)
        return r;
    if (!bucket->ownership.n)
        return api_fault(call, &S3_ERR(OwnershipControlsNotFoundError),
                         "The bucket ownership controls were not found");
    res->ownership_controls = ARENA_NEW(call->arena, struct s3_OwnershipControls);
    *LIST_PUSH(call->arena, &res->ownership_controls->rules) =
        (struct s3_OwnershipControlsRule){bucket->ownership};
    return 0;
}

int
s3_delete_bucket_ownership_controls(struct api_call *call,
                                    const struct s3_DeleteBucketOwnershipControlsRequest *req,
                                    struct s3_DeleteBucketOwnershipControlsResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutBucketOwnershipControls", &bucket);

    (void)res;
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.ownership = S("");
    return s3_bucket_update(call->txn, &row);
}

/* Lists of access control are not kept: the owner has all, as in every bucket of today. */
static void
owner_has_all(struct api_call *call, const struct s3_bucket_row *bucket, struct s3_Owner **owner,
              struct s3_GrantList *grants)
{
    struct s3_Grant *grant = LIST_PUSH(call->arena, grants);

    *owner = s3_owner(call, bucket->account);
    grant->permission = S("FULL_CONTROL");
    grant->grantee = ARENA_NEW(call->arena, struct s3_Grantee);
    grant->grantee->id = (*owner)->id;
    grant->grantee->type = S("CanonicalUser");
}

int
s3_get_bucket_acl(struct api_call *call, const struct s3_GetBucketAclRequest *req,
                  struct s3_GetBucketAclOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketAcl", &bucket);

    if (r == 0)
        owner_has_all(call, bucket, &res->owner, &res->grants);
    return r;
}

int
s3_get_object_acl(struct api_call *call, const struct s3_GetObjectAclRequest *req,
                  struct s3_GetObjectAclOutput *res)
{
    const struct s3_bucket_row *bucket;
    const struct s3_object_row *row;
    int r = s3_open(call, req->bucket, req->key,
                    req->version_id.p ? "s3:GetObjectVersionAcl" : "s3:GetObjectAcl", &bucket);

    if (r == 0)
        r = s3_find(call, bucket, req->key, req->version_id, &row);
    if (r == 0)
        owner_has_all(call, bucket, &res->owner, &res->grants);
    return r;
}
