/*
 * AWS managed keys: alias/aws/SERVICE, made when a service first needs one for an account and
 * region.  Their policies are the cloud's; nobody changes, disables or deletes them, and only
 * calls that come through the service use them.
 */
#include "kms/kms.h"

#include "codec/json.h"

enum { POLICY_BYTES_MAX = 4096, ROTATION_DAYS = 365 };

/* The part of the alias behind alias/aws/, and the service that kms:ViaService names. */
static const struct {
    const char *alias, *via;
} services[] = {
    {"acm", "acm"},
    {"codecommit", "codecommit"},
    {"dynamodb", "dynamodb"},
    {"ebs", "ec2"},
    {"elasticfilesystem", "elasticfilesystem"},
    {"kinesis", "kinesis"},
    {"lambda", "lambda"},
    {"rds", "rds"},
    {"s3", "s3"},
    {"secretsmanager", "secretsmanager"},
    {"sns", "sns"},
    {"sqs", "sqs"},
    {"ssm", "ssm"},
};

static void
statement(struct json_out *o, const char *sid, struct str principal, const char *const *actions)
{
    json_key(o, S("Sid"));
    json_str(o, str_from(sid));
    json_key(o, S("Effect"));
    json_str(o, S("Allow"));
    json_key(o, S("Principal"));
    json_open(o, '{');
    json_key(o, S("AWS"));
    json_str(o, principal);
    json_close(o, '}');
    json_key(o, S("Action"));
    json_open(o, '[');
    for (; *actions; actions++)
        json_str(o, str_from(*actions));
    json_close(o, ']');
    json_key(o, S("Resource"));
    json_str(o, S("*"));
}

static struct str
managed_policy(struct api_call *call, const char *alias, const char *via)
{
    static const char *const use[] = {"kms:Encrypt",
                                      "kms:Decrypt",
                                      "kms:ReEncrypt*",
                                      "kms:GenerateDataKey*",
                                      "kms:CreateGrant",
                                      "kms:DescribeKey",
                                      NULL};
    static const char *const look[] = {"kms:Describe*", "kms:Get*", "kms:List*", NULL};
    struct buf b;
    struct json_out o = {.buf = &b};

    buf_init(&b, POLICY_BYTES_MAX);
    json_open(&o, '{');
    json_key(&o, S("Version"));
    json_str(&o, S("2012-10-17"));
    json_key(&o, S("Id"));
    json_str(&o, str_fmt(call->arena, "auto-%s-1", alias));
    json_key(&o, S("Statement"));
    json_open(&o, '[');
    json_open(&o, '{');
    statement(&o, "Allow access through the service for all principals in the account", S("*"),
              use);
    json_key(&o, S("Condition"));
    json_open(&o, '{');
    json_key(&o, S("StringEquals"));
    json_open(&o, '{');
    json_key(&o, S("kms:CallerAccount"));
    json_str(&o, call->account);
    json_key(&o, S("kms:ViaService"));
    json_str(&o, str_fmt(call->arena, "%s.%.*s.amazonaws.com", via, STR_ARG(call->region)));
    json_close(&o, '}');
    json_close(&o, '}');
    json_close(&o, '}');
    json_open(&o, '{');
    statement(&o, "Allow direct access to key metadata to the account",
              str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(call->account)), look);
    json_close(&o, '}');
    json_close(&o, ']');
    json_close(&o, '}');
    assert(!buf_failed(&b));
    struct str policy = str_dup(call->arena, buf_str(&b));
    buf_done(&b);
    return policy;
}

static int
make(struct api_call *call, struct str alias, const char *service, const char *via)
{
    struct kms_key_row row = {
        .id = kms_key_id(call, false),
        .account = call->account,
        .region = call->region,
        .created_ms = call->now_ms,
        .description =
            str_fmt(call->arena,
                    "Default key that protects my %s data when no other key is defined", service),
        .spec = S("SYMMETRIC_DEFAULT"),
        .usage = S("ENCRYPT_DECRYPT"),
        .origin = S("AWS_KMS"),
        .aws_service = str_from(service),
        .policy = managed_policy(call, service, via),
        .rotation_days = ROTATION_DAYS,
        .rotation_ms = call->now_ms + ROTATION_DAYS * KMS_DAY_MS,
    };

    assert(str_starts(alias, S("alias/aws/")));
    row.due_ms = row.rotation_ms;
    int r = kms_key_make(call, &row);

    if (r == 0)
        r = kms_alias_insert(
            call->txn, &(struct kms_alias_row){
                           .arn = kms_alias_arn(call->arena, call->region, call->account, alias),
                           .account = call->account,
                           .region = call->region,
                           .name = alias,
                           .key_arn = row.arn,
                           .created_ms = call->now_ms,
                           .updated_ms = call->now_ms,
                       });
    return r < 0 ? error_origin(-r, "%.*s cannot be made", STR_ARG(alias)) : 0;
}

int
kms_managed_key(struct api_call *call, struct str alias)
{
    struct str name = str_cut(alias, strlen("alias/aws/"), alias.n);

    if (!call->via.n || !str_starts(alias, S("alias/aws/")))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (str_is(name, services[i].alias))
            return make(call, alias, services[i].alias, services[i].via);
    return 0;
}
