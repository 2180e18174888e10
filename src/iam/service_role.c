/*
 * Service-linked roles: roles that a service has for itself.  Which services have one, what it is
 * called and which policy it gets is a table; a service without a line is refused by its name.
 *
 * AWS deletes in the background and lets the caller ask how it goes.  Here the role is gone when
 * DeleteServiceLinkedRole answers; its task is remembered as one that ended well.
 */
#include "iam/holds.h"
#include "iam/document.h"
#include "iam/managed.h"

#include "api/authorize.h"

enum { TASKS_MAX = 100 };

struct service_role {
    const char *service, *role;
    const char *policy; /* of data/managed_policies */
    bool suffix;        /* several roles may be told apart by a suffix */
};

static const struct service_role service_roles[] = {
    {"autoscaling.amazonaws.com", "AutoScaling", "AutoScalingServiceRolePolicy", true},
    {"batch.amazonaws.com", "Batch", "BatchServiceRolePolicy"},
    {"cloudtrail.amazonaws.com", "CloudTrail", "CloudTrailServiceRolePolicy"},
    {"ec2fleet.amazonaws.com", "EC2Fleet", "AWSEC2FleetServiceRolePolicy"},
    {"ecs.amazonaws.com", "ECS", "AmazonECSServiceRolePolicy"},
    {"elasticache.amazonaws.com", "ElastiCache", "ElastiCacheServiceRolePolicy"},
    {"elasticbeanstalk.amazonaws.com", "ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"},
    {"elasticfilesystem.amazonaws.com", "AmazonElasticFileSystem",
     "AmazonElasticFileSystemServiceRolePolicy"},
    {"elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing",
     "AWSElasticLoadBalancingServiceRolePolicy"},
    {"es.amazonaws.com", "AmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy"},
    {"events.amazonaws.com", "CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"},
    {"mrk.kms.amazonaws.com", "KeyManagementServiceMultiRegionKeys",
     "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy"},
    {"opensearchservice.amazonaws.com", "AmazonOpenSearchService",
     "AmazonOpenSearchServiceRolePolicy"},
    {"organizations.amazonaws.com", "Organizations", "AWSOrganizationsServiceTrustPolicy"},
    {"rds.amazonaws.com", "RDS", "AmazonRDSServiceRolePolicy"},
    {"replication.dynamodb.amazonaws.com", "DynamoDBReplication",
     "DynamoDBReplicationServiceRolePolicy"},
    {"spot.amazonaws.com", "EC2Spot", "AWSEC2SpotServiceRolePolicy"},
    {"spotfleet.amazonaws.com", "EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"},
    {"ssm.amazonaws.com", "AmazonSSM", "AmazonSSMServiceRolePolicy"},
    {"transitgateway.amazonaws.com", "VPCTransitGateway", "AWSVPCTransitGatewayServiceRolePolicy"},
};

/* ---- CreateServiceLinkedRole ---- */

static int
service_find(struct api_call *call, const struct iam_CreateServiceLinkedRoleRequest *req,
             const struct service_role **ret)
{
    *ret = NULL;
    for (size_t i = 0; i < ARRAY_LEN(service_roles); i++) {
        if (!str_is(req->aws_service_name, service_roles[i].service))
            continue;
        *ret = &service_roles[i];
        if (!req->custom_suffix.n || service_roles[i].suffix)
            return 0;
        return api_fault(call, &IAM_ERR(InvalidInput), "Custom suffix is not allowed for %s",
                         service_roles[i].service);
    }
    return api_fault(call, &IAM_ERR(InvalidInput), "Invalid Service Principal: %.*s",
                     STR_ARG(req->aws_service_name));
}

static struct str
role_name(struct api_call *call, const struct service_role *service, struct str suffix)
{
    assert(suffix.n == 0 || service->suffix);
    return str_fmt(call->arena, "AWSServiceRoleFor%s%s%.*s", service->role, suffix.n ? "_" : "",
                   STR_ARG(suffix));
}

int
iam_service_role_resource(struct api_call *call, struct str id, struct api_resource *ret)
{
    const struct iam_CreateServiceLinkedRoleRequest *req = call->input;

    assert(str_is(api_op_name(call->service, call->op), "CreateServiceLinkedRole"));
    for (size_t i = 0; i < ARRAY_LEN(service_roles); i++)
        if (str_is(id, service_roles[i].service))
            ret->arn =
                iam_arn(call, "role", str_fmt(call->arena, "/aws-service-role/%.*s/", STR_ARG(id)),
                        role_name(call, &service_roles[i], req->custom_suffix));
    return 0;
}

static struct iam_role_row
service_role_row(struct api_call *call, const struct service_role *service,
                 const struct iam_CreateServiceLinkedRoleRequest *req)
{
    struct str name = role_name(call, service, req->custom_suffix);

    assert(service->service && service->policy);
    return (struct iam_role_row){
        .id = iam_id(call, "AROA"),
        .account = call->account,
        .path = str_fmt(call->arena, "/aws-service-role/%s/", service->service),
        .name = name,
        .name_lower = str_lower(call->arena, name),
        .description = req->description,
        .trust_policy =
            str_fmt(call->arena,
                    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":[\"sts:AssumeRole\"],"
                    "\"Effect\":\"Allow\",\"Principal\":{\"Service\":[\"%s\"]}}]}",
                    service->service),
        .max_session_s = 3600,
        .service_name = str_from(service->service),
        .created_ms = call->now_ms,
    };
}

int
iam_create_service_linked_role(struct api_call *call,
                               const struct iam_CreateServiceLinkedRoleRequest *req,
                               struct iam_CreateServiceLinkedRoleResponse *res)
{
    const struct service_role *service;
    int r = service_find(call, req, &service);

    if (r)
        return r;
    assert(service);
    const struct iam_role_row row = service_role_row(call, service, req);
    struct str policy =
        str_fmt(call->arena, "arn:aws:iam::aws:policy/aws-service-role/%s", service->policy);
    struct iam_managed found;

    if (iam_role_by_name_get(call->txn, call->account, row.name_lower))
        return api_fault(call, &IAM_ERR(InvalidInput),
                         "Service role name %.*s has been taken in this account, please try a "
                         "different suffix.",
                         STR_ARG(row.name));
    if (!iam_managed_get(call, policy, &found))
        return error_origin(ENOENT, "there is no policy %.*s", STR_ARG(policy));
    iam_role_assert(&row);
    r = iam_written(iam_role_insert(call->txn, &row), "role", row.id);
    if (r == 0)
        r = iam_attach(call, row.id, policy);
    if (r)
        return r;
    res->role = ARENA_NEW(call->arena, struct iam_Role);
    *res->role = iam_role_show(call, &row);
    return 0;
}

/* ---- DeleteServiceLinkedRole ---- */

/* The newest TASKS_MAX stay. */
static int
task_remember(struct api_call *call, struct str task)
{
    const struct iam_account_row *old = iam_account_look(call);
    struct iam_account_row new = old ? *old : (struct iam_account_row){.id = call->account};
    const struct str_list had = new.deletion_tasks;

    assert(had.n <= TASKS_MAX && task.n > 0);
    new.deletion_tasks = (struct str_list){0};
    for (size_t i = had.n < TASKS_MAX ? 0 : had.n - TASKS_MAX + 1; i < had.n; i++)
        *LIST_PUSH(call->arena, &new.deletion_tasks) = had.v[i];
    *LIST_PUSH(call->arena, &new.deletion_tasks) = task;
    assert(new.deletion_tasks.n <= TASKS_MAX);
    return iam_account_put(call, &new);
}

int
iam_delete_service_linked_role(struct api_call *call,
                               const struct iam_DeleteServiceLinkedRoleRequest *req,
                               struct iam_DeleteServiceLinkedRoleResponse *res)
{
    const struct iam_role_row *row;
    int r = iam_role_find(call, req->role_name, &row);

    if (r == 0 && !row->service_name.n)
        r = api_fault(call, &IAM_ERR(NoSuchEntity),
                      "The role with name %.*s is not a service-linked role.", STR_ARG(row->name));
    if (r)
        return r;
    struct str uuid = api_uuid(call->env, call->arena);

    res->deletion_task_id = str_fmt(call->arena, "task%.*s%.*s/%.*s", STR_ARG(row->path),
                                    STR_ARG(row->name), STR_ARG(uuid));
    STORE_EACH(call->txn, iam_attachment_by_owner, attachment, row->id) {
        r = iam_written(iam_attachment_delete(call->txn, attachment->id), "attachment",
                        attachment->id);
        if (r)
            return r;
    }
    assert(str_starts(row->path, S("/aws-service-role/")));
    r = iam_written(iam_role_delete(call->txn, row->id), "role", row->id);
    return r ? r : task_remember(call, res->deletion_task_id);
}

int
iam_get_service_linked_role_deletion_status(
    struct api_call *call, const struct iam_GetServiceLinkedRoleDeletionStatusRequest *req,
    struct iam_GetServiceLinkedRoleDeletionStatusResponse *res)
{
    const struct iam_account_row *account = iam_account_look(call);

    if (!account || !str_in(&account->deletion_tasks, req->deletion_task_id))
        return api_fault(call, &IAM_ERR(NoSuchEntity), "Deletion id %.*s cannot be found.",
                         STR_ARG(req->deletion_task_id));
    res->status = IAM_DELETION_TASK_STATUS_TYPE_SUCCEEDED;
    return 0;
}
