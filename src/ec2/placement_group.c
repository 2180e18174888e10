/*
 * Placement groups: a name and a rule.  What the rule does is in src/placement; who is in a group
 * stands on the instances' rows.  ModifyInstancePlacement moves an instance in and out.
 */
#include "ec2/instance.h"
#include "ec2/placer.h"
#include "ec2/row_ok.h"

enum { GROUP_NAME_MAX = 255, GROUPS_MAX = 500, PARTITIONS_DEFAULT = 2 };

static struct ec2_PlacementGroup
group_show(struct api_call *call, const struct ec2_placement_group_row *row)
{
    struct ec2_PlacementGroup out = {
        .group_name = row->name,
        .state = S("available"),
        .strategy = row->strategy,
        .group_id = row->id,
        .tags = ec2_tags_show(call->arena, &row->tags),
        .group_arn = ec2_arn(call, "placement-group", row->name),
        .spread_level = ec2_text_show(row->spread_level),
    };

    assert(row->name.n > 0 && row->strategy.n > 0);
    if (row->partition_count)
        out.partition_count = opt_i64(row->partition_count);
    return out;
}

/* ---- CreatePlacementGroup ---- */

static int
name_check(struct api_call *call, struct str name)
{
    bool ok = name.n <= GROUP_NAME_MAX && str_trim(name).n == name.n;

    if (!name.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter GroupName");
    for (size_t i = 0; i < name.n; i++)
        ok = ok && name.p[i] >= ' ' && name.p[i] <= '~';
    if (!ok)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter groupName is invalid. Up to %d ASCII "
                         "characters, without leading or trailing spaces.",
                         STR_ARG(name), GROUP_NAME_MAX);
    if (ec2_placement_group_by_name_get(call->txn, call->account, call->region, name))
        return api_fault(call, &EC2_ERR(InvalidPlacementGroup_Duplicate),
                         "The placement group '%.*s' already exists.", STR_ARG(name));
    return 0;
}

static int
only_with(struct api_call *call, const char *parameter, const char *strategy)
{
    return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                     "The parameter %s can only be used with the strategy '%s'", parameter,
                     strategy);
}

static int
rule_check(struct api_call *call, const struct ec2_CreatePlacementGroupRequest *req,
           struct ec2_placement_group_row *row)
{
    bool partition = str_is(row->strategy, "partition"), spread = str_is(row->strategy, "spread");
    int64_t count = opt_i64_or(req->partition_count, PARTITIONS_DEFAULT);

    if (req->linked_group_id.n)
        return ec2_unsupported_parameter(call, "LinkedGroupId");
    if (req->operator)
        return ec2_unsupported_parameter(call, "Operator");
    if (req->partition_count.set && !partition)
        return only_with(call, "PartitionCount", "partition");
    if (req->spread_level.n && !spread)
        return only_with(call, "SpreadLevel", "spread");
    if (count < 1 || count > PLACEMENT_PARTITIONS_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%lld) for parameter PartitionCount is invalid. Specify a number "
                         "from 1 to %d.",
                         (long long)count, PLACEMENT_PARTITIONS_MAX);
    if (partition)
        row->partition_count = count;
    if (spread)
        row->spread_level = req->spread_level.n ? req->spread_level : S("rack");
    assert(!partition || row->partition_count > 0);
    return 0;
}

int
ec2_create_placement_group(struct api_call *call, const struct ec2_CreatePlacementGroupRequest *req,
                           struct ec2_CreatePlacementGroupResult *res)
{
    static const char *const types[] = {"placement-group"};
    struct ec2_placement_group_row row = {
        .account = call->account,
        .region = call->region,
        .name = req->group_name,
        .created_ms = call->now_ms,
    };
    int r = name_check(call, req->group_name);

    row.strategy = req->strategy.n            ? req->strategy
                   : req->partition_count.set ? S("partition")
                                              : S("cluster");
    if (r == 0)
        r = rule_check(call, req, &row);
    if (r == 0)
        r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));
    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &row.tags);
    if (r == 0)
        r = ec2_limit_check(call, &ec2_placement_group_by_owner, GROUPS_MAX,
                            &EC2_ERR(PlacementGroupLimitExceeded), "placement groups");
    if (r)
        return r;
    row.id = api_id(call, "pg");
    assert(ec2_placement_group_ok(&row));
    r = ec2_placement_group_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "placement group %.*s cannot be written", STR_ARG(row.id));
    res->placement_group = ARENA_NEW(call->arena, struct ec2_PlacementGroup);
    *res->placement_group = group_show(call, &row);
    return 0;
}

/* ---- DeletePlacementGroup ---- */

static int
unknown(struct api_call *call, struct str name)
{
    return api_fault(call, &EC2_ERR(InvalidPlacementGroup_Unknown),
                     "The Placement Group '%.*s' is unknown.", STR_ARG(name));
}

int
ec2_delete_placement_group(struct api_call *call, const struct ec2_DeletePlacementGroupRequest *req,
                           struct ec2_DeletePlacementGroupResult *res UNUSED)
{
    const struct ec2_placement_group_row *row =
        ec2_placement_group_by_name_get(call->txn, call->account, call->region, req->group_name);

    if (!row)
        return unknown(call, req->group_name);
    if (ec2_group_member(call->txn, row->id, STR_NONE))
        return api_fault(call, &EC2_ERR(InvalidPlacementGroup_InUse),
                         "The placement group '%.*s' is in use and may not be deleted.",
                         STR_ARG(row->name));
    int r = ec2_placement_group_delete(call->txn, row->id);

    return r < 0 ? error_origin(-r, "placement group %.*s cannot be deleted", STR_ARG(row->id)) : 0;
}

/* ---- DescribePlacementGroups ---- */

static const struct api_filter group_filters[] = {
    {"group-arn", "GroupArn"}, {"group-name", "GroupName"}, {"spread-level", "SpreadLevel"},
    {"state", "State"},        {"strategy", "Strategy"},    {"tag", API_FILTER_TAGS},
};
const struct api_filter_table ec2_placement_group_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_PlacementGroup, group_filters);

static int
asked_check(struct api_call *call, const struct ec2_DescribePlacementGroupsRequest *req)
{
    LIST_EACH(&req->group_names, name)
        if (!ec2_placement_group_by_name_get(call->txn, call->account, call->region, *name))
            return unknown(call, *name);
    LIST_EACH(&req->group_ids, id) {
        const struct ec2_placement_group_row *row = ec2_placement_group_get(call->txn, *id);

        if (!row || !ec2_mine(call, row->account, row->region))
            return unknown(call, *id);
    }
    return 0;
}

int
ec2_describe_placement_groups(struct api_call *call,
                              const struct ec2_DescribePlacementGroupsRequest *req,
                              struct ec2_DescribePlacementGroupsResult *res)
{
    bool asked = req->group_names.n || req->group_ids.n;
    struct api_filter_set set;
    int r = ec2_filters(call, &ec2_placement_group_filter_table, &req->filters, &set);

    if (r == 0)
        r = asked_check(call, req);
    if (r)
        return r;
    API_PRESENT(&res->placement_groups);
    STORE_EACH(call->txn, ec2_placement_group_by_owner, row, call->account, call->region) {
        struct ec2_PlacementGroup shown = group_show(call, row);

        if (asked && !str_in(&req->group_names, row->name) && !str_in(&req->group_ids, row->id))
            continue;
        if (api_filter_match(&set, &shown))
            *LIST_PUSH(call->arena, &res->placement_groups) = shown;
    }
    return 0;
}

/* ---- ModifyInstancePlacement ---- */

static int
modify_refuse(struct api_call *call, const struct ec2_ModifyInstancePlacementRequest *req)
{
    if (req->host_resource_group_arn.n)
        return ec2_unsupported_parameter(call, "HostResourceGroupArn");
    if (!req->host_id.n && !req->affinity.n && !req->group_name.p && !req->group_id.p &&
        !req->tenancy.n && !req->partition_number.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain one of the parameters Affinity, HostId, "
                         "Tenancy, GroupName");
    return 0;
}

/* Which may change while the instance runs. */
static bool
only_affinity(const struct ec2_ModifyInstancePlacementRequest *req)
{
    return req->affinity.n && !req->host_id.n && !req->tenancy.n && !req->group_name.p &&
           !req->group_id.p && !req->partition_number.set;
}

int
ec2_modify_instance_placement(struct api_call *call,
                              const struct ec2_ModifyInstancePlacementRequest *req,
                              struct ec2_ModifyInstancePlacementResult *res)
{
    const struct ec2_instance_row *row;
    int r = modify_refuse(call, req);

    if (r == 0)
        r = ec2_instance_find(call, req->instance_id, &row);
    if (r)
        return r;
    if (str_is(row->tenancy, "host") && req->tenancy.n && !str_is(req->tenancy, "host"))
        return api_fault(call, &EC2_ERR(InvalidRequest),
                         "The tenancy of an instance cannot be changed from host to %.*s",
                         STR_ARG(req->tenancy));
    if (row->state != EC2_STOPPED && !only_affinity(req))
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is not in the 'stopped' state.", STR_ARG(row->id));
    struct ec2_instance_row new = *row;
    bool regroups = req->group_name.p || req->group_id.p;
    struct ec2_placement_wish wish = {
        .group_name = req->group_name,
        .group_id = regroups ? req->group_id : row->group_id,
        .tenancy = req->tenancy.n ? req->tenancy : row->tenancy,
        .partition = req->partition_number,
        .host_id = req->host_id.n ? req->host_id : row->host_id,
        .affinity = req->affinity.n ? req->affinity : row->affinity,
    };

    if (!regroups && !wish.partition.set && row->partition_number)
        wish.partition = opt_i64(row->partition_number);
    r = ec2_placement_check(call, &wish, &new);
    assert(r || ec2_instance_ok(&new));
    if (r == 0)
        r = ec2_instance_update(call->txn, &new);
    if (r == 0)
        res->return_ = opt_bool(true);
    return r;
}
