/*
 * Options of maintenance and of the metadata service.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"

/* Tags become paths of the metadata service, so their keys must be able to be one. */
static bool
tag_is_path(struct str key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_+=,.@:";

    for (size_t i = 0; i < key.n; i++)
        if (!memchr(allowed, key.p[i], sizeof(allowed) - 1))
            return false;
    return key.n > 0 && !str_is(key, ".") && !str_is(key, "..") && !str_is(key, "_index");
}

static int
check_tags(struct api_call *call, const struct str_list *tags)
{
    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        if (!tag_is_path(tags->v[i]))
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "'%.*s' is not a valid tag key. Tag keys must match pattern "
                             "([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name "
                             "('.', '..', '_index')",
                             STR_ARG(tags->v[i]));
    return 0;
}

int
ec2_metadata_set(struct api_call *call, const struct ec2_metadata_want *want,
                 struct ec2_instance_row *row)
{
    if (want->hop_limit.set &&
        (want->hop_limit.v < 1 || want->hop_limit.v > INSTANCE_HOP_LIMIT_MAX))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%lld) for parameter httpPutResponseHopLimit is invalid. The value "
                         "must be between 1 and %d.",
                         (long long)want->hop_limit.v, INSTANCE_HOP_LIMIT_MAX);
    if (str_is(want->ipv6, "enabled"))
        return ec2_unsupported_parameter(call, "HttpProtocolIpv6");
    if (str_is(want->tags, "enabled")) {
        int r = check_tags(call, &row->tags);

        if (r)
            return r;
    }
    if (want->tokens.n)
        row->imds_tokens = want->tokens;
    if (want->endpoint.n)
        row->imds_endpoint = want->endpoint;
    if (want->ipv6.n)
        row->imds_ipv6 = want->ipv6;
    if (want->tags.n)
        row->imds_tags = want->tags;
    if (want->hop_limit.set)
        row->imds_hop_limit = want->hop_limit.v;
    return 0;
}

/* The instance whose options the call changes. */
static int
find_to_modify(struct api_call *call, struct str id, const char *what,
               const struct ec2_instance_row **ret)
{
    int r = ec2_instance_find(call, id, ret);

    if (r)
        return r;
    if ((*ret)->state == EC2_TERMINATED || (*ret)->state == EC2_SHUTTING_DOWN)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is not in a state from which its %s options can be "
                         "modified.",
                         STR_ARG(id), what);
    return 0;
}

int
ec2_modify_instance_maintenance_options(
    struct api_call *call, const struct ec2_ModifyInstanceMaintenanceOptionsRequest *req,
    struct ec2_ModifyInstanceMaintenanceOptionsResult *res)
{
    const struct ec2_instance_row *row;
    int r = find_to_modify(call, req->instance_id, "maintenance", &row);

    if (r)
        return r;
    if (!req->auto_recovery.n && !req->reboot_migration.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter AutoRecovery or RebootMigration");
    struct ec2_instance_row new = *row;

    if (req->auto_recovery.n)
        new.auto_recovery = req->auto_recovery;
    if (req->reboot_migration.n)
        new.reboot_migration = req->reboot_migration;
    assert(ec2_instance_ok(&new));
    r = ec2_instance_update(call->txn, &new);
    if (r)
        return r;
    res->instance_id = new.id;
    res->auto_recovery = ec2_text_show(req->auto_recovery);
    res->reboot_migration = ec2_text_show(req->reboot_migration);
    return 0;
}

int
ec2_modify_instance_metadata_options(struct api_call *call,
                                     const struct ec2_ModifyInstanceMetadataOptionsRequest *req,
                                     struct ec2_ModifyInstanceMetadataOptionsResult *res)
{
    const struct ec2_metadata_want want = {
        .tokens = req->http_tokens,
        .endpoint = req->http_endpoint,
        .ipv6 = req->http_protocol_ipv6,
        .tags = req->instance_metadata_tags,
        .hop_limit = req->http_put_response_hop_limit,
    };
    const struct ec2_instance_row *row;
    int r = find_to_modify(call, req->instance_id, "metadata", &row);

    if (r)
        return r;
    struct ec2_instance_row new = *row;
    r = ec2_metadata_set(call, &want, &new);
    assert(r || ec2_instance_ok(&new));
    if (r == 0)
        r = ec2_instance_update(call->txn, &new);
    if (r)
        return r;
    res->instance_id = row->id;
    res->instance_metadata_options =
        ARENA_NEW(call->arena, struct ec2_InstanceMetadataOptionsResponse);
    /* EC2 answers `pending` here and `applied` to whoever looks next. */
    *res->instance_metadata_options = ec2_metadata_show(&new, "pending");
    return 0;
}
