/*
 * Security groups: the groups themselves.  Their rules are in security_group_rule.c, what a
 * request says of rules is read in security_group_parse.c.
 *
 * A group may be named instead of identified only in the default VPC, as AWS still allows.
 */
#include "ec2/ec2.h"
#include "ec2/row_ok.h"

enum {
    GROUPS_MAX = 2500, /* of an account in a region */
    TEXT_MAX = 255,    /* of a name, a description */
};

bool
ec2_description_ok(struct str s)
{
    static const char others[] = ". _-:/()#,@[]+=&;{}!$*";

    if (s.n > TEXT_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr(others, c))))
            return false;
    }
    return true;
}

/* ---- looking up ---- */

static const struct ec2_security_group_row *
group_mine(struct api_call *call, struct str id)
{
    const struct ec2_security_group_row *row = ec2_security_group_get(call->txn, id);

    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

static const struct ec2_security_group_row *
group_named(struct api_call *call, struct str vpc_id, struct str name)
{
    return ec2_security_group_by_name_get(call->txn, call->account, call->region, vpc_id,
                                          str_lower(call->arena, name));
}

int
ec2_group_find(struct api_call *call, struct str id, const struct ec2_security_group_row **ret)
{
    const struct ec2_security_group_row *row;
    int r = ec2_id_check(call, id, "sg", &EC2_ERR(InvalidGroupId_Malformed));

    if (r)
        return r;
    row = group_mine(call, id);
    if (!row)
        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         "The security group '%.*s' does not exist", STR_ARG(id));
    assert(ec2_security_group_ok(row));
    *ret = row;
    return 0;
}

int
ec2_group_named_find(struct api_call *call, struct str name,
                     const struct ec2_security_group_row **ret)
{
    const struct ec2_security_group_row *row;
    const struct ec2_vpc_row *vpc;
    int r = ec2_vpc_default(call, &vpc);

    if (r)
        return r;
    row = group_named(call, vpc->id, name);
    if (!row)
        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         "The security group '%.*s' does not exist in default VPC '%.*s'",
                         STR_ARG(name), STR_ARG(vpc->id));
    assert(ec2_security_group_ok(row) && str_eq(row->vpc_id, vpc->id));
    *ret = row;
    return 0;
}

int
ec2_group_either_find(struct api_call *call, struct str id, struct str name,
                      const struct ec2_security_group_row **ret)
{
    if (id.p && name.p)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameters groupName and groupId may not be used in combination");
    if (id.p)
        return ec2_group_find(call, id, ret);
    if (name.p)
        return ec2_group_named_find(call, name, ret);
    return api_fault(call, &EC2_ERR(MissingParameter),
                     "The request must contain the parameter groupName or groupId");
}

int
ec2_group_default(struct api_call *call, struct str vpc_id,
                  const struct ec2_security_group_row **ret)
{
    const struct ec2_security_group_row *row = group_named(call, vpc_id, S("default"));

    if (!row)
        return error_origin(EUCLEAN, "VPC %.*s has no default security group", STR_ARG(vpc_id));
    assert(ec2_security_group_ok(row) && str_eq(row->vpc_id, vpc_id));
    *ret = row;
    return 0;
}

/* Adds to a sorted list what it does not have. */
static void
list_insert(struct arena *arena, struct str_list *list, struct str s)
{
    size_t i = 0;

    if (str_in(list, s))
        return;
    (void)LIST_PUSH(arena, list);
    for (i = list->n - 1; i > 0 && str_cmp(list->v[i - 1], s) > 0; i--)
        list->v[i] = list->v[i - 1];
    assert(i == 0 || str_cmp(list->v[i - 1], s) < 0);
    list->v[i] = s;
}

static int
group_resolve(struct api_call *call, struct str vpc_id, struct str id, struct str_list *out)
{
    const struct ec2_security_group_row *row;
    int r = ec2_id_check(call, id, "sg", &EC2_ERR(InvalidGroupId_Malformed));

    if (r)
        return r;
    row = group_mine(call, id);
    if (!row)
        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         "The security group '%.*s' does not exist in VPC '%.*s'", STR_ARG(id),
                         STR_ARG(vpc_id));
    if (!str_eq(row->vpc_id, vpc_id))
        return api_fault(call, &EC2_ERR(InvalidParameter),
                         "Security group %.*s and VPC %.*s belong to different networks.",
                         STR_ARG(id), STR_ARG(vpc_id));
    list_insert(call->arena, out, row->id);
    return 0;
}

int
ec2_groups_resolve(struct api_call *call, struct str vpc_id, const struct str_list *ids,
                   const struct str_list *names, struct str_list *ret_ids)
{
    const struct ec2_security_group_row *row;
    struct str_list out = {0};
    int r = 0;

    LIST_EACH(ids, id)
        if ((r = group_resolve(call, vpc_id, *id, &out)))
            return r;
    LIST_EACH(names, name) {
        if ((r = ec2_group_named_find(call, *name, &row)) ||
            (r = group_resolve(call, vpc_id, row->id, &out)))
            return r;
    }
    if (!out.n) {
        r = ec2_group_default(call, vpc_id, &row);
        if (r)
            return r;
        list_insert(call->arena, &out, row->id);
    }
    if (out.n > EC2_GROUPS_PER_INTERFACE_MAX)
        return api_fault(call, &EC2_ERR(SecurityGroupsPerInterfaceLimitExceeded),
                         "The maximum number of security groups per interface has been reached.");
    assert(out.n > 0);
    *ret_ids = out;
    return 0;
}

struct ec2_GroupIdentifierList
ec2_groups_show(struct api_call *call, const struct str_list *ids)
{
    struct ec2_GroupIdentifierList out = {0};

    LIST_EACH(ids, id) {
        const struct ec2_security_group_row *row = ec2_security_group_get(call->txn, *id);

        *LIST_PUSH(call->arena, &out) = (struct ec2_GroupIdentifier){
            .group_id = *id,
            .group_name = row ? row->name : S(""),
        };
    }
    API_PRESENT(&out);
    return out;
}

/* ---- CreateSecurityGroup ---- */

static int
group_insert(struct api_call *call, struct ec2_security_group_row *row)
{
    int r = ec2_number(call->txn, "security-group", &row->number);

    assert(row->vpc_id.n > 0 && row->name.n > 0);
    if (r)
        return r;
    row->id = api_id(call, "sg");
    row->account = call->account;
    row->region = call->region;
    row->name_lower = str_lower(call->arena, row->name);
    row->created_ms = call->now_ms;
    assert(ec2_security_group_ok(row));
    r = ec2_security_group_insert(call->txn, row);
    if (r < 0)
        return error_origin(-r, "group %.*s cannot be written", STR_ARG(row->id));

    struct ec2_sg_rule_row out = {
        .group_id = row->id,
        .egress = true,
        .protocol = S("-1"),
        .from_port = -1,
        .to_port = -1,
        .cidr4 = S("0.0.0.0/0"),
    };
    return ec2_rule_insert(call, &out);
}

int
ec2_group_default_make(struct api_call *call, struct str vpc_id)
{
    struct ec2_security_group_row row = {
        .vpc_id = vpc_id, .name = S("default"), .description = S("default VPC security group")};
    int r = group_insert(call, &row);

    assert(vpc_id.n > 0);
    if (r)
        return r;
    struct ec2_sg_rule_row in = {
        .group_id = row.id,
        .protocol = S("-1"),
        .from_port = -1,
        .to_port = -1,
        .peer_group_id = row.id,
        .peer_account = row.account,
    };
    return ec2_rule_insert(call, &in);
}

static bool
is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* A name or a description; `parameter` is what AWS calls it, `what` says it in words. */
static int
text_check(struct api_call *call, struct str s, const char *parameter, const char *what)
{
    if (!is_ascii(s))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter %s is invalid. "
                         "Character sets beyond ASCII are not supported.",
                         STR_ARG(s), parameter);
    if (!ec2_description_ok(s))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid security group %s. Valid %ss are strings less than 256 "
                         "characters from the following set:  "
                         "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
                         what, what);
    if (!str_trim(s).n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter %s", parameter);
    return 0;
}

static int
create_check(struct api_call *call, const struct ec2_CreateSecurityGroupRequest *req)
{
    int r = text_check(call, req->group_name, "GroupName", "name");

    if (!r)
        r = text_check(call, req->description, "GroupDescription", "description");
    if (r)
        return r;
    if (str_starts(str_lower(call->arena, req->group_name), S("sg-")))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter GroupName is invalid. "
                         "Group names may not be in the format sg-*.",
                         STR_ARG(req->group_name));
    if (str_eq_nocase(req->group_name, S("default")))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Cannot use reserved security group name: %.*s", STR_ARG(req->group_name));
    return 0;
}

static size_t
groups_count(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, ec2_security_group_by_owner, row, call->account, call->region)
        n++;
    return n;
}

int
ec2_create_security_group(struct api_call *call, const struct ec2_CreateSecurityGroupRequest *req,
                          struct ec2_CreateSecurityGroupResult *res)
{
    static const char *const kinds[] = {"security-group"};
    struct ec2_security_group_row row = {.name = req->group_name, .description = req->description};
    const struct ec2_vpc_row *vpc;
    int r = create_check(call, req);

    if (!r)
        r = req->vpc_id.p ? ec2_vpc_find(call, req->vpc_id, &vpc) : ec2_vpc_default(call, &vpc);
    if (!r)
        r = ec2_tags_only(call, &req->tag_specifications, kinds, ARRAY_LEN(kinds));
    if (!r)
        r = ec2_tags_of(call, &req->tag_specifications, kinds[0], &row.tags);
    if (r)
        return r;
    if (group_named(call, vpc->id, req->group_name))
        return api_fault(call, &EC2_ERR(InvalidGroup_Duplicate),
                         "The security group '%.*s' already exists for VPC '%.*s'",
                         STR_ARG(req->group_name), STR_ARG(vpc->id));
    if (groups_count(call) >= GROUPS_MAX)
        return api_fault(call, &EC2_ERR(SecurityGroupLimitExceeded),
                         "The maximum number of security groups has been reached.");
    row.vpc_id = vpc->id;
    r = group_insert(call, &row);
    if (r)
        return r;
    res->group_id = row.id;
    res->security_group_arn = ec2_arn(call, "security-group", row.id);
    res->tags = ec2_tags_show(call->arena, &row.tags);
    return 0;
}

/* ---- DeleteSecurityGroup ---- */

/* Whether an interface is in the group, or a rule of another group speaks of it. */
static bool
group_used(struct api_call *call, const struct ec2_security_group_row *row)
{
    STORE_EACH(call->txn, ec2_sg_rule_by_peer, rule, row->id)
        if (!str_eq(rule->group_id, row->id))
            return true;
    STORE_EACH(call->txn, ec2_interface_by_owner, interface, call->account, call->region)
        if (str_in(&interface->group_ids, row->id))
            return true;
    return false;
}

int
ec2_group_drop(struct txn *txn, struct str id)
{
    int r;

    assert(id.n > 0);
    STORE_EACH(txn, ec2_sg_rule_by_group, rule, id)
        if ((r = ec2_sg_rule_delete(txn, rule->id)) < 0)
            return error_origin(-r, "rule %.*s cannot be deleted", STR_ARG(rule->id));
    r = ec2_security_group_delete(txn, id);
    return r < 0 ? error_origin(-r, "group %.*s cannot be deleted", STR_ARG(id)) : 0;
}

int
ec2_delete_security_group(struct api_call *call, const struct ec2_DeleteSecurityGroupRequest *req,
                          struct ec2_DeleteSecurityGroupResult *res)
{
    const struct ec2_security_group_row *row;
    int r = ec2_group_either_find(call, req->group_id, req->group_name, &row);

    if (r)
        return r;
    if (str_is(row->name, "default"))
        return api_fault(call, &EC2_ERR(CannotDelete),
                         "the specified group: \"%.*s\" name: \"default\" "
                         "cannot be deleted by a user",
                         STR_ARG(row->id));
    if (group_used(call, row))
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "resource %.*s has a dependent object", STR_ARG(row->id));

    res->return_ = opt_bool(true);
    res->group_id = row->id;
    return ec2_group_drop(call->txn, row->id);
}

/* ---- DescribeSecurityGroups ---- */

static struct ec2_SecurityGroup
group_show(struct api_call *call, const struct ec2_security_group_row *row)
{
    return (struct ec2_SecurityGroup){
        .group_id = row->id,
        .ip_permissions_egress = ec2_rules_show(call, row->id, true),
        .tags = ec2_tags_show(call->arena, &row->tags),
        .vpc_id = row->vpc_id,
        .security_group_arn = ec2_arn(call, "security-group", row->id),
        .owner_id = row->account,
        .group_name = row->name,
        .description = row->description,
        .ip_permissions = ec2_rules_show(call, row->id, false),
    };
}

/* In a VPC pairs show no names, yet filters know them: on while filters look, then off. */
static void
pairs_name(struct api_call *call, struct ec2_IpPermissionList *list, bool on)
{
    LIST_EACH(list, p)
        LIST_EACH(&p->user_id_group_pairs, pair) {
            const struct ec2_security_group_row *peer =
                on ? ec2_security_group_get(call->txn, pair->group_id) : NULL;

            pair->group_name = peer ? peer->name : STR_NONE;
        }
}

static const struct api_filter group_filters[] = {
    {"description", "Description"},
    {"egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"},
    {"egress.ip-permission.from-port", "IpPermissionsEgress.FromPort"},
    {"egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId"},
    {"egress.ip-permission.group-name", "IpPermissionsEgress.UserIdGroupPairs.GroupName"},
    {"egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6"},
    {"egress.ip-permission.prefix-list-id", "IpPermissionsEgress.PrefixListIds.PrefixListId"},
    {"egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol"},
    {"egress.ip-permission.to-port", "IpPermissionsEgress.ToPort"},
    {"egress.ip-permission.user-id", "IpPermissionsEgress.UserIdGroupPairs.UserId"},
    {"group-id", "GroupId"},
    {"group-name", "GroupName"},
    {"ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"},
    {"ip-permission.from-port", "IpPermissions.FromPort"},
    {"ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"},
    {"ip-permission.group-name", "IpPermissions.UserIdGroupPairs.GroupName"},
    {"ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6"},
    {"ip-permission.prefix-list-id", "IpPermissions.PrefixListIds.PrefixListId"},
    {"ip-permission.protocol", "IpPermissions.IpProtocol"},
    {"ip-permission.to-port", "IpPermissions.ToPort"},
    {"ip-permission.user-id", "IpPermissions.UserIdGroupPairs.UserId"},
    {"owner-id", "OwnerId"},
    {"tag", API_FILTER_TAGS},
    {"vpc-id", "VpcId"},
};
static const struct api_filter_table group_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_SecurityGroup, group_filters);

/* The ids that were asked for, and those of the names; each must be there. */
static int
describe_wanted(struct api_call *call, const struct ec2_DescribeSecurityGroupsRequest *req,
                struct str_list *ret)
{
    struct str_list wanted = {0}, missing = {0};

    LIST_EACH(&req->group_ids, id) {
        int r = ec2_id_check(call, *id, "sg", &EC2_ERR(InvalidGroupId_Malformed));

        if (r)
            return r;
        *LIST_PUSH(call->arena, group_mine(call, *id) ? &wanted : &missing) = *id;
    }
    struct str all = str_join(call->arena, &missing, S(", "));

    if (missing.n)
        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         missing.n > 1 ? "The security groups '%.*s' do not exist"
                                       : "The security group '%.*s' does not exist",
                         STR_ARG(all));
    LIST_EACH(&req->group_names, name) {
        const struct ec2_security_group_row *row;
        int r = ec2_group_named_find(call, *name, &row);

        if (r)
            return r;
        *LIST_PUSH(call->arena, &wanted) = row->id;
    }
    *ret = wanted;
    return 0;
}

int
ec2_describe_security_groups(struct api_call *call,
                             const struct ec2_DescribeSecurityGroupsRequest *req,
                             struct ec2_DescribeSecurityGroupsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    struct str_list wanted;
    int r = ec2_listing_open(call, &group_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->group_ids.n > 0, &listing);

    if (!r)
        r = describe_wanted(call, req, &wanted);
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_security_group_by_owner, row, call->account, call->region) {
        if (listing.page.more)
            break;
        if (wanted.n && !str_in(&wanted, row->id))
            continue;
        struct ec2_SecurityGroup shown = group_show(call, row);

        pairs_name(call, &shown.ip_permissions, true);
        pairs_name(call, &shown.ip_permissions_egress, true);
        if (!ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            continue;
        pairs_name(call, &shown.ip_permissions, false);
        pairs_name(call, &shown.ip_permissions_egress, false);
        *LIST_PUSH(call->arena, &res->security_groups) = shown;
    }
    API_PRESENT(&res->security_groups);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
