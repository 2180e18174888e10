/*
 * Settings that no bucket has, because S3 here cannot be told them yet: reading them says so, as it
 * does on AWS of a bucket to which nobody gave any.
 */
#include "s3/s3.h"

/* Whether it may be read, and then what there is instead of a setting. */
static int
unset(struct api_call *call, struct str bucket, const char *action, const struct api_error *error,
      const char *text)
{
    const struct s3_bucket_row *row;
    int r = s3_open(call, bucket, STR_NONE, action, &row);

    return r || !error ? r : api_fault(call, error, "%s", text);
}

int
s3_get_bucket_accelerate_configuration(struct api_call *call,
                                       const struct s3_GetBucketAccelerateConfigurationRequest *req,
                                       struct s3_GetBucketAccelerateConfigurationOutput *res)
{
    (void)res;
    return unset(call, req->bucket, "s3:GetAccelerateConfiguration", NULL, NULL);
}

int
s3_get_bucket_logging(struct api_call *call, const struct s3_GetBucketLoggingRequest *req,
                      struct s3_GetBucketLoggingOutput *res)
{
    (void)res;
    return unset(call, req->bucket, "s3:GetBucketLogging", NULL, NULL);
}

int
s3_get_bucket_replication(struct api_call *call, const struct s3_GetBucketReplicationRequest *req,
                          struct s3_GetBucketReplicationOutput *res)
{
    (void)res;
    return unset(call, req->bucket, "s3:GetReplicationConfiguration",
                 &S3_ERR(ReplicationConfigurationNotFoundError),
                 "The replication configuration was not found");
}

int
s3_get_bucket_request_payment(struct api_call *call,
                              const struct s3_GetBucketRequestPaymentRequest *req,
                              struct s3_GetBucketRequestPaymentOutput *res)
{
    int r = unset(call, req->bucket, "s3:GetBucketRequestPayment", NULL, NULL);

    if (r == 0)
        res->payer = S("BucketOwner");
    return r;
}

int
s3_get_object_lock_configuration(struct api_call *call,
                                 const struct s3_GetObjectLockConfigurationRequest *req,
                                 struct s3_GetObjectLockConfigurationOutput *res)
{
    (void)res;
    return unset(call, req->bucket, "s3:GetBucketObjectLockConfiguration",
                 &S3_ERR(ObjectLockConfigurationNotFoundError),
                 "Object Lock configuration does not exist for this bucket");
}
