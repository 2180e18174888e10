/*
 * Prefix lists that are AWS's own: names for the addresses that a service comes from.
 *
 * There is one, of EC2 Instance Connect.  Those of S3 and DynamoDB would be lies: inside an
 * instance these services are at an address of the instance's own network.  A list that a rule
 * names becomes a row, because the host, which carries rules out, knows nothing but rows.
 *
 * Addresses: https://ip-ranges.amazonaws.com/ip-ranges.json, service EC2_INSTANCE_CONNECT.
 */
#include "ec2/ec2.h"

static const struct connect_range {
    const char *region, *cidr;
} connect_ranges[] = {
    {"af-south-1", "13.244.121.196/30"},  {"ap-northeast-1", "3.112.23.0/29"},
    {"ap-northeast-2", "13.209.1.56/29"}, {"ap-south-1", "13.233.177.0/29"},
    {"ap-southeast-1", "3.0.5.32/29"},    {"ap-southeast-2", "13.239.158.0/29"},
    {"ca-central-1", "35.183.92.176/29"}, {"eu-central-1", "3.120.181.40/29"},
    {"eu-north-1", "13.48.4.200/30"},     {"eu-south-1", "15.161.135.164/30"},
    {"eu-west-1", "18.202.216.48/29"},    {"eu-west-2", "3.8.37.24/29"},
    {"eu-west-3", "35.180.112.80/29"},    {"sa-east-1", "18.228.70.32/29"},
    {"us-east-1", "18.206.107.24/29"},    {"us-east-2", "3.16.146.0/29"},
    {"us-west-1", "13.52.6.112/29"},      {"us-west-2", "18.237.140.160/29"},
};

/* The region's list; false: it has none. */
static bool
region_list(struct api_call *call, struct ec2_prefix_list_row *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(connect_ranges); i++) {
        if (!str_is(call->region, connect_ranges[i].region))
            continue;
        *ret = (struct ec2_prefix_list_row){
            .region = call->region,
            .name = str_fmt(call->arena, "com.amazonaws.%.*s.ec2-instance-connect",
                            STR_ARG(call->region)),
        };
        ret->id = ec2_id_of_name(call->arena, "pl", ret->name);
        *LIST_PUSH(call->arena, &ret->cidrs) = str_from(connect_ranges[i].cidr);
        assert(ret->cidrs.n == 1);
        return true;
    }
    return false;
}

static int
list_find(struct api_call *call, struct str id, struct ec2_prefix_list_row *ret)
{
    if (region_list(call, ret) && str_eq(ret->id, id))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidPrefixListID_NotFound),
                     "The prefix list ID '%.*s' does not exist", STR_ARG(id));
}

int
ec2_prefix_list_use(struct api_call *call, struct str id)
{
    struct ec2_prefix_list_row row;
    int r = list_find(call, id, &row);

    if (r)
        return r;
    assert(str_eq(row.region, call->region) && row.cidrs.n > 0);
    const struct ec2_prefix_list_row *old = ec2_prefix_list_get(call->txn, id);

    /* Another Welkin may have written other addresses. */
    if (old && str_eq(str_join(call->arena, &old->cidrs, S(" ")),
                      str_join(call->arena, &row.cidrs, S(" "))))
        return 0;
    r = old ? ec2_prefix_list_update(call->txn, &row) : ec2_prefix_list_insert(call->txn, &row);
    return r < 0 ? error_origin(-r, "prefix list %.*s cannot be written", STR_ARG(id)) : 0;
}

/* ---- operations ---- */

static const struct api_filter managed_filters[] = {
    {"owner-id", "OwnerId"},
    {"prefix-list-id", "PrefixListId"},
    {"prefix-list-name", "PrefixListName"},
};
const struct api_filter_table ec2_managed_prefix_list_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_ManagedPrefixList, managed_filters);

static const struct api_filter list_filters[] = {
    {"prefix-list-id", "PrefixListId"},
    {"prefix-list-name", "PrefixListName"},
};
const struct api_filter_table ec2_prefix_list_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_PrefixList, list_filters);

static int
ids_check(struct api_call *call, const struct str_list *ids)
{
    struct ec2_prefix_list_row row;
    int r = 0;

    LIST_EACH(ids, id)
        r = r ? r : list_find(call, *id, &row);
    return r;
}

int
ec2_describe_managed_prefix_lists(struct api_call *call,
                                  const struct ec2_DescribeManagedPrefixListsRequest *req,
                                  struct ec2_DescribeManagedPrefixListsResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100};
    struct ec2_prefix_list_row row;
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &ec2_managed_prefix_list_filter_table, &req->filters, &rule,
                             req->next_token, req->max_results, false, &listing);

    if (r == 0)
        r = ids_check(call, &req->prefix_list_ids);
    if (r)
        return r;
    API_PRESENT(&res->prefix_lists);
    if (!region_list(call, &row))
        return 0;
    struct ec2_ManagedPrefixList shown = {
        .prefix_list_id = row.id,
        .address_family = S("IPv4"),
        .state = S("create-complete"),
        .prefix_list_arn = str_fmt(call->arena, "arn:aws:ec2:%.*s:aws:prefix-list/%.*s",
                                   STR_ARG(row.region), STR_ARG(row.id)),
        .prefix_list_name = row.name,
        .owner_id = S("AWS"),
    };

    API_PRESENT(&shown.tags);
    if (ec2_listing_has(call, &listing, &shown, 0, row.id))
        *LIST_PUSH(call->arena, &res->prefix_lists) = shown;
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

int
ec2_describe_prefix_lists(struct api_call *call, const struct ec2_DescribePrefixListsRequest *req,
                          struct ec2_DescribePrefixListsResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 1000};
    struct ec2_prefix_list_row row;
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &ec2_prefix_list_filter_table, &req->filters, &rule,
                             req->next_token, req->max_results, false, &listing);

    if (r == 0)
        r = ids_check(call, &req->prefix_list_ids);
    if (r)
        return r;
    API_PRESENT(&res->prefix_lists);
    if (!region_list(call, &row))
        return 0;
    struct ec2_PrefixList shown = {
        .prefix_list_id = row.id, .prefix_list_name = row.name, .cidrs = row.cidrs};

    if (ec2_listing_has(call, &listing, &shown, 0, row.id))
        *LIST_PUSH(call->arena, &res->prefix_lists) = shown;
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

int
ec2_get_managed_prefix_list_entries(struct api_call *call,
                                    const struct ec2_GetManagedPrefixListEntriesRequest *req,
                                    struct ec2_GetManagedPrefixListEntriesResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100};
    struct ec2_prefix_list_row row;
    struct api_page page;
    int r = ec2_page_open(call, &rule, req->next_token, req->max_results, false, &page);

    if (r == 0 && req->target_version.set)
        r = ec2_unsupported_parameter(call, "TargetVersion (lists of AWS's have no versions)");
    if (r == 0)
        r = list_find(call, req->prefix_list_id, &row);
    if (r)
        return r;
    API_PRESENT(&res->entries);
    LIST_EACH(&row.cidrs, cidr)
        if (api_page_take(&page, *cidr))
            *LIST_PUSH(call->arena, &res->entries) = (struct ec2_PrefixListEntry){.cidr = *cidr};
    res->next_token = ec2_page_next(call, &page);
    return 0;
}
