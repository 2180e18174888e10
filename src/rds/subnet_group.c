/*
 * DB subnet groups: the subnets of one VPC, in two Availability Zones at least, that DB instances
 * may be put into.  The group "default" is made of the default VPC's subnets when it is first
 * needed.
 */
#include "rds/rds.h"

enum { NAME_MAX_CHARS = 255, DESCRIPTION_MAX = 255 };

static const struct rds_subnet_group_row *
look(struct api_call *call, struct str name)
{
    return rds_subnet_group_by_name_get(call->txn, call->account, call->region,
                                        str_lower(call->arena, name));
}

static int
not_found(struct api_call *call, struct str name)
{
    return api_fault(call, &RDS_ERR(DBSubnetGroupNotFoundFault),
                     "DB subnet group '%.*s' does not exist.", STR_ARG(name));
}

struct rds_DBSubnetGroup
rds_subnet_group_show(struct api_call *call, const struct rds_subnet_group_row *row)
{
    struct rds_DBSubnetGroup out = {
        .db_subnet_group_name = row->name,
        .db_subnet_group_description = row->description,
        .vpc_id = row->vpc_id,
        .subnet_group_status = S("Complete"),
        .db_subnet_group_arn = row->id,
    };

    LIST_EACH(&row->subnets, id) {
        const struct ec2_subnet_row *subnet = ec2_subnet_get(call->txn, *id);
        struct rds_Subnet *to = LIST_PUSH(call->arena, &out.subnets);

        to->subnet_identifier = *id;
        to->subnet_status = subnet ? S("Active") : S("Inactive");
        to->subnet_outpost = ARENA_NEW(call->arena, struct rds_Outpost);
        to->subnet_availability_zone = ARENA_NEW(call->arena, struct rds_AvailabilityZone);
        to->subnet_availability_zone->name = subnet ? subnet->zone : STR_NONE;
    }
    *LIST_PUSH(call->arena, &out.supported_network_types) = S("IPV4");
    assert(out.subnets.n == row->subnets.n);
    return out;
}

/* ---- what it may be made of ---- */

static int
subnets_set(struct api_call *call, const struct str_list *ids, struct rds_subnet_group_row *row)
{
    struct str_list zones = {0};

    row->vpc_id = STR_NONE;
    row->subnets = (struct str_list){0};
    if (ids->n > RDS_SUBNETS_MAX)
        return api_fault(call, &RDS_ERR(DBSubnetQuotaExceededFault),
                         "The request would result in the user exceeding the allowed number of "
                         "subnets in a DB subnet group.");
    LIST_EACH(ids, id) {
        const struct ec2_subnet_row *subnet = ec2_subnet_get(call->txn, *id);

        if (!subnet || !str_eq(subnet->account, call->account) ||
            !str_eq(subnet->region, call->region) ||
            (row->vpc_id.p && !str_eq(row->vpc_id, subnet->vpc_id)))
            return api_fault(call, &RDS_ERR(InvalidSubnet),
                             "The requested subnet %.*s is invalid, or multiple subnets were "
                             "requested that are not all in a common VPC.",
                             STR_ARG(*id));
        row->vpc_id = subnet->vpc_id;
        if (!str_in(&row->subnets, *id))
            *LIST_PUSH(call->arena, &row->subnets) = *id;
        if (!str_in(&zones, subnet->zone))
            *LIST_PUSH(call->arena, &zones) = subnet->zone;
    }
    assert(zones.n <= row->subnets.n);
    if (zones.n >= 2)
        return 0;
    return api_fault(call, &RDS_ERR(DBSubnetGroupDoesNotCoverEnoughAZs),
                     "The DB subnet group doesn't meet Availability Zone (AZ) coverage "
                     "requirement. Current AZ coverage: %.*s. Add subnets to cover at least 2 AZs.",
                     STR_ARG(str_join(call->arena, &zones, S(", "))));
}

static int
name_check(struct api_call *call, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("-_. ", c);

        if (!good)
            return RDS_INVALID(call, "The parameter DBSubnetGroupName is not a valid identifier. "
                                     "Identifiers must contain only letters, digits, hyphens, "
                                     "underscores, periods and spaces.");
    }
    if (!name.n || name.n > NAME_MAX_CHARS || str_eq_nocase(name, S("default")))
        return RDS_INVALID(call,
                           "The parameter DBSubnetGroupName must have 1 to %d characters and "
                           "must not be default.",
                           NAME_MAX_CHARS);
    return 0;
}

static int
put(struct api_call *call, struct rds_subnet_group_row *row)
{
    row->account = call->account;
    row->region = call->region;
    row->id = rds_arn(call, "subgrp", row->name);
    assert(row->subnets.n >= 2 && row->vpc_id.n > 0);
    return rds_written(rds_subnet_group_insert(call->txn, row), "subnet group", row->name);
}

int
rds_create_db_subnet_group(struct api_call *call, const struct rds_CreateDBSubnetGroupMessage *req,
                           struct rds_CreateDBSubnetGroupResult *res)
{
    struct rds_subnet_group_row row = {.name = str_lower(call->arena, req->db_subnet_group_name),
                                       .description = req->db_subnet_group_description};
    size_t n = 0;
    int r = name_check(call, req->db_subnet_group_name);

    STORE_EACH(call->txn, rds_subnet_group_by_owner, other, call->account, call->region)
        n += other->account.n > 0;
    if (r == 0 && (!row.description.n || row.description.n > DESCRIPTION_MAX))
        r = RDS_INVALID(call, "The parameter DBSubnetGroupDescription must be provided and must "
                              "not be blank.");
    if (r == 0 && look(call, row.name))
        r = api_fault(call, &RDS_ERR(DBSubnetGroupAlreadyExists),
                      "The DB subnet group '%.*s' already exists.", STR_ARG(row.name));
    if (r == 0 && n >= RDS_SUBNET_GROUPS_MAX)
        r = api_fault(call, &RDS_ERR(DBSubnetGroupQuotaExceeded),
                      "The request would result in the user exceeding the allowed number of DB "
                      "subnet groups.");
    if (r == 0)
        r = subnets_set(call, &req->subnet_ids, &row);
    if (r == 0)
        r = rds_tags_put(call, &req->tags, &row.tags);
    if (r == 0)
        r = put(call, &row);
    if (r)
        return r;
    res->db_subnet_group = ARENA_NEW(call->arena, struct rds_DBSubnetGroup);
    *res->db_subnet_group = rds_subnet_group_show(call, &row);
    return 0;
}

static int
used_subnets_check(struct api_call *call, const struct rds_subnet_group_row *row)
{
    STORE_EACH(call->txn, rds_instance_by_owner, db, call->account, call->region) {
        const struct ec2_instance_row *machine = rds_machine(call, db);

        if (str_eq(db->subnet_group, row->name) && machine &&
            !str_in(&row->subnets, machine->subnet_id))
            return api_fault(call, &RDS_ERR(InvalidDBSubnetGroupStateFault),
                             "Some of the subnets to be deleted are currently in use: %.*s",
                             STR_ARG(machine->subnet_id));
    }
    return 0;
}

int
rds_modify_db_subnet_group(struct api_call *call, const struct rds_ModifyDBSubnetGroupMessage *req,
                           struct rds_ModifyDBSubnetGroupResult *res)
{
    const struct rds_subnet_group_row *old = look(call, req->db_subnet_group_name);

    if (!old)
        return not_found(call, req->db_subnet_group_name);
    struct rds_subnet_group_row row = *old;

    if (req->db_subnet_group_description.n)
        row.description = req->db_subnet_group_description;
    int r = subnets_set(call, &req->subnet_ids, &row);

    if (r == 0 && !str_eq(row.vpc_id, old->vpc_id))
        r = api_fault(call, &RDS_ERR(InvalidSubnet),
                      "The requested subnet %.*s is invalid, or multiple subnets were requested "
                      "that are not all in a common VPC.",
                      STR_ARG(row.subnets.v[0]));
    if (r == 0)
        r = used_subnets_check(call, &row);
    if (r == 0)
        r = rds_written(rds_subnet_group_update(call->txn, &row), "subnet group", row.name);
    if (r)
        return r;
    res->db_subnet_group = ARENA_NEW(call->arena, struct rds_DBSubnetGroup);
    *res->db_subnet_group = rds_subnet_group_show(call, &row);
    return 0;
}

int
rds_delete_db_subnet_group(struct api_call *call, const struct rds_DeleteDBSubnetGroupMessage *req,
                           struct rds_DeleteDBSubnetGroupResult *res UNUSED)
{
    const struct rds_subnet_group_row *row = look(call, req->db_subnet_group_name);

    if (!row)
        return not_found(call, req->db_subnet_group_name);
    STORE_EACH(call->txn, rds_instance_by_owner, db, call->account, call->region)
        if (str_eq(db->subnet_group, row->name))
            return api_fault(call, &RDS_ERR(InvalidDBSubnetGroupStateFault),
                             "Cannot delete the subnet group '%.*s' because at least one database "
                             "instance: %.*s is still using it.",
                             STR_ARG(row->name), STR_ARG(db->name));
    return rds_written(rds_subnet_group_delete(call->txn, row->id), "subnet group", row->name);
}

int
rds_describe_db_subnet_groups(struct api_call *call,
                              const struct rds_DescribeDBSubnetGroupsMessage *req,
                              struct rds_DBSubnetGroupMessage *res)
{
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    struct str name = str_lower(call->arena, req->db_subnet_group_name);
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r == 0 && name.n && !look(call, name))
        r = not_found(call, req->db_subnet_group_name);
    if (r)
        return r;
    API_PRESENT(&res->db_subnet_groups);
    STORE_EACH(call->txn, rds_subnet_group_by_owner, row, call->account, call->region) {
        if (name.n && !str_eq(name, row->name))
            continue;
        if (api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->db_subnet_groups) = rds_subnet_group_show(call, row);
        if (page.more)
            break;
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}

/* ---- the default one ---- */

/* Of the default subnets; the first call of EC2 for an account makes them. */
static int
default_make(struct api_call *call, struct rds_subnet_group_row *ret)
{
    struct ec2_DescribeSubnetsRequest ask = {0};
    struct ec2_DescribeSubnetsResult found = {0};
    struct ec2_Filter *filter = LIST_PUSH(call->arena, &ask.filters);
    struct str_list ids = {0};

    *ret = (struct rds_subnet_group_row){.name = S("default"), .description = S("default")};
    assert(!look(call, ret->name));
    filter->name = S("default-for-az");
    *LIST_PUSH(call->arena, &filter->values) = S("true");
    int r = rds_ec2(call, call->account, "DescribeSubnets", &ask, &found);

    LIST_EACH(&found.subnets, s)
        *LIST_PUSH(call->arena, &ids) = s->subnet_id;
    if (r == 0 && !ids.n)
        return api_fault(call, &RDS_ERR(InvalidSubnet),
                         "No default subnet detected in VPC. Please contact AWS Support to "
                         "recreate the default Subnets.");
    if (r == 0)
        r = subnets_set(call, &ids, ret);
    return r ? r : put(call, ret);
}

int
rds_subnet_group_find(struct api_call *call, struct str name, struct rds_subnet_group_row *ret)
{
    struct str wanted = name.n ? name : S("default");
    const struct rds_subnet_group_row *row = look(call, wanted);

    if (!row)
        return str_eq_nocase(wanted, S("default")) ? default_make(call, ret)
                                                   : not_found(call, name);
    *ret = *row;
    return 0;
}
