/*
 * Access control lists, of which there are canned ones.  Where the bucket's owner owns all, as in
 * every new bucket, there is none but the owner's; else they let people in beside policies, unless
 * the public access block ignores those that are public.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */
#include "s3/s3.h"

#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"
#define ALL_ACCOUNTS "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"

/* What a list grants to whom, beside all to the owner. */
static const struct canned {
    const char *name, *group, *permissions[2];
} all[] = {
    {"private", NULL, {NULL}},
    {"bucket-owner-read", NULL, {NULL}}, /* of an object; its owner is the bucket's here */
    {"bucket-owner-full-control", NULL, {NULL}},
    {"public-read", ALL_USERS, {"READ"}},
    {"public-read-write", ALL_USERS, {"READ", "WRITE"}},
    {"authenticated-read", ALL_ACCOUNTS, {"READ"}},
};

static const struct canned *
canned_of(struct str name)
{
    if (!name.n)
        return &all[0];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_is(name, all[i].name))
            return &all[i];
    return NULL;
}

static bool
owner_enforced(const struct s3_bucket_row *bucket)
{
    return str_is(bucket->ownership, "BucketOwnerEnforced");
}

static int
not_supported(struct api_call *call)
{
    return api_fault(call, &S3_ERR(AccessControlListNotSupported),
                     "The bucket does not allow ACLs");
}

/* ---- being asked for ---- */

int
s3_acl_take(struct api_call *call, const struct s3_bucket_row *bucket, struct str *ret)
{
    static const char *const grants[] = {"GrantFullControl", "GrantRead", "GrantReadACP",
                                         "GrantWrite", "GrantWriteACP"};
    struct str asked = s3_asked(call, "ACL");
    const struct canned *acl = canned_of(asked);

    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        if (s3_asked(call, grants[i]).n)
            return owner_enforced(bucket) ? not_supported(call)
                                          : S3_NOT_YET(call, "grants of access control lists");
    if (owner_enforced(bucket) && asked.n && !str_is(asked, "bucket-owner-full-control"))
        return not_supported(call);
    if (str_is(asked, "aws-exec-read") || str_is(asked, "log-delivery-write"))
        return S3_NOT_YET(call, "this canned access control list");
    if (!acl)
        return api_fault(call, &S3_ERR(InvalidArgument), "%s", ""); /* AWS says no more */
    if (acl->group && s3_blocks(bucket, S3_BLOCK_ACLS))
        return api_fault(call, &S3_ERR(AccessDenied), "Access Denied");
    *ret = acl->group ? asked : S("");
    return 0;
}

/* ---- letting in ---- */

/* What a permission of a list is for. */
static const struct {
    const char *action, *permission;
    bool object;
} rights[] = {
    {"s3:GetObject", "READ", true},
    {"s3:GetObjectVersion", "READ", true},
    {"s3:ListBucket", "READ", false},
    {"s3:ListBucketVersions", "READ", false},
    {"s3:ListBucketMultipartUploads", "READ", false},
    {"s3:PutObject", "WRITE", false},
    {"s3:DeleteObject", "WRITE", false},
};

static bool
grants(const struct canned *acl, const char *permission)
{
    assert(permission);
    for (size_t i = 0; acl && acl->group && i < ARRAY_LEN(acl->permissions); i++)
        if (acl->permissions[i] && strcmp(acl->permissions[i], permission) == 0)
            return true;
    return false;
}

bool
s3_acl_grants(struct api_call *call, struct str action, const struct api_resource *resource,
              const struct policy_context *extra)
{
    struct str key = str_cut(resource->arn, sizeof("arn:aws:s3:::") - 1, resource->arn.n);
    const struct s3_bucket_row *bucket = s3_bucket_get(call->txn, str_split(&key, '/'));
    bool nobody = call->principal.kind == POLICY_ANONYMOUS;
    const struct s3_object_row *row = NULL;
    const struct canned *acl;
    size_t i = 0;

    (void)extra;
    /* who has policies needs one of them as well */
    if (!bucket || (!nobody && call->principal.kind != POLICY_ROOT) || owner_enforced(bucket) ||
        s3_blocks(bucket, S3_IGNORE_ACLS))
        return false;
    while (i < ARRAY_LEN(rights) && !str_is(action, rights[i].action))
        i++;
    if (i == ARRAY_LEN(rights))
        return false;
    if (rights[i].object) {
        struct str version = s3_asked(call, "VersionId");

        row = version.p ? s3_object_by_version_get(call->txn, bucket->name, key, version)
                        : s3_latest(call->txn, bucket->name, key);
    }
    acl = rights[i].object ? (row ? canned_of(row->acl) : NULL) : canned_of(bucket->acl);
    return grants(acl, rights[i].permission) && (!nobody || strcmp(acl->group, ALL_USERS) == 0);
}

/* ---- telling and setting ---- */

static void
tell(struct api_call *call, const struct s3_bucket_row *bucket, struct str name,
     struct s3_Owner **owner, struct s3_GrantList *list)
{
    const struct canned *acl = canned_of(name);
    struct s3_Grant *grant = LIST_PUSH(call->arena, list);

    assert(acl);
    *owner = s3_owner(call, bucket->account);
    grant->permission = S("FULL_CONTROL");
    grant->grantee = ARENA_NEW(call->arena, struct s3_Grantee);
    grant->grantee->id = (*owner)->id;
    grant->grantee->type = S("CanonicalUser");
    for (size_t i = 0; i < ARRAY_LEN(acl->permissions) && acl->permissions[i]; i++) {
        grant = LIST_PUSH(call->arena, list);
        grant->permission = str_from(acl->permissions[i]);
        grant->grantee = ARENA_NEW(call->arena, struct s3_Grantee);
        grant->grantee->uri = str_from(acl->group);
        grant->grantee->type = S("Group");
    }
}

int
s3_get_bucket_acl(struct api_call *call, const struct s3_GetBucketAclRequest *req,
                  struct s3_GetBucketAclOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketAcl", &bucket);

    if (r == 0)
        tell(call, bucket, owner_enforced(bucket) ? S("") : bucket->acl, &res->owner, &res->grants);
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
        tell(call, bucket, owner_enforced(bucket) ? S("") : row->acl, &res->owner, &res->grants);
    return r;
}

/* A list of grants that is that of a canned one. */
static int
from_grants(struct api_call *call, const struct s3_AccessControlPolicy *policy,
            const struct s3_bucket_row *bucket, struct str *ret)
{
    struct str own = s3_canonical_id(call->arena, bucket->account);
    bool owner = false, read = false, write = false, accounts = false, other = false;

    assert(own.n > 0);
    LIST_EACH(&policy->grants, g) {
        struct str who = g->grantee ? g->grantee->uri : STR_NONE;
        bool users = str_is(who, ALL_USERS);

        if (g->grantee && str_eq(g->grantee->id, own) && str_is(g->permission, "FULL_CONTROL"))
            owner = true;
        else if (users && str_is(g->permission, "READ"))
            read = true;
        else if (users && str_is(g->permission, "WRITE"))
            write = true;
        else if (str_is(who, ALL_ACCOUNTS) && str_is(g->permission, "READ"))
            accounts = true;
        else
            other = true;
    }
    if (!owner || other || (write && !read) || (accounts && (read || write)))
        return S3_NOT_YET(call, "grants of access control lists that are no canned list");
    if ((read || accounts) && s3_blocks(bucket, S3_BLOCK_ACLS))
        return api_fault(call, &S3_ERR(AccessDenied), "Access Denied");
    *ret = write      ? S("public-read-write")
           : read     ? S("public-read")
           : accounts ? S("authenticated-read")
                      : S("");
    if ((read || accounts) && owner_enforced(bucket))
        return not_supported(call);
    return 0;
}

/* The list of a request that sets one: by its header, or in its body. */
static int
take_new(struct api_call *call, const struct s3_bucket_row *bucket,
         const struct s3_AccessControlPolicy *policy, struct str *ret)
{
    if (!policy && !s3_asked(call, "ACL").n && !s3_asked(call, "GrantRead").n &&
        !s3_asked(call, "GrantFullControl").n)
        return api_fault(call, &S3_ERR(MissingSecurityHeader),
                         "Your request was missing a required header");
    return policy ? from_grants(call, policy, bucket, ret) : s3_acl_take(call, bucket, ret);
}

int
s3_put_bucket_acl(struct api_call *call, const struct s3_PutBucketAclRequest *req,
                  struct s3_PutBucketAclResult *res)
{
    const struct s3_bucket_row *bucket;
    struct str acl = S("");
    int r = s3_open_to_set(call, req->bucket, "s3:PutBucketAcl", &bucket);

    (void)res;
    if (r == 0)
        r = take_new(call, bucket, req->access_control_policy, &acl);
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.acl = acl;
    return s3_bucket_update(call->txn, &row);
}

int
s3_put_object_acl(struct api_call *call, const struct s3_PutObjectAclRequest *req,
                  struct s3_PutObjectAclOutput *res)
{
    const struct s3_bucket_row *bucket;
    const struct s3_object_row *object;
    struct str acl = S("");
    int r = s3_open(call, req->bucket, req->key,
                    req->version_id.p ? "s3:PutObjectVersionAcl" : "s3:PutObjectAcl", &bucket);

    (void)res;
    if (r == 0)
        r = s3_check_document(call);
    if (r == 0)
        r = s3_find(call, bucket, req->key, req->version_id, &object);
    if (r == 0)
        r = take_new(call, bucket, req->access_control_policy, &acl);
    if (r)
        return r;
    struct s3_object_row row = *object;

    row.acl = acl;
    return s3_object_update(call->txn, &row);
}
