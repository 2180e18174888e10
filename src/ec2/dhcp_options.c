/*
 * DHCP options: what a VPC's guests are told of names and clocks when they ask for an address
 * (guestnet/dhcp.c gives it).  A VPC has one set, or "default": none at all.
 */
#include "codec/aws_names.h"
#include "ec2/network.h"
#include "ec2/row_ok.h"

enum {
    SERVERS_MAX = 4,
    NAME_MAX_BYTES = 128, /* what fits into a reply: codec/dhcp.c */
};

#define AMAZON_DNS S("AmazonProvidedDNS")

static const struct ec2_kind options_kind =
    EC2_KIND(ec2_dhcp_options, InvalidDhcpOptionID_NotFound, "dhcpOption");

static int
options_find(struct api_call *call, struct str id, const struct ec2_dhcp_options_row **ret)
{
    const void *row;
    int r = ec2_kind_find(call, &options_kind, id, &row);

    assert(r || ec2_dhcp_options_ok(row));
    if (!r)
        *ret = row;
    return r;
}

/* ---- showing ---- */

static void
push(struct arena *arena, struct ec2_DhcpOptions *out, struct str key,
     const struct str_list *values)
{
    assert(key.n > 0);
    if (!values->n)
        return;
    struct ec2_DhcpConfiguration *c = LIST_PUSH(arena, &out->dhcp_configurations);

    c->key = key;
    LIST_EACH(values, value)
        *LIST_PUSH(arena, &c->values) = (struct ec2_AttributeValue){.value = *value};
}

static struct ec2_DhcpOptions
options_show(struct api_call *call, const struct ec2_dhcp_options_row *row)
{
    struct ec2_DhcpOptions out = {.owner_id = row->account,
                                  .dhcp_options_id = row->id,
                                  .tags = ec2_tags_show(call->arena, &row->tags)};
    struct str domain = row->domain_name;
    struct str type = str_fmt(call->arena, "%d", (int)row->netbios_type);

    push(call->arena, &out, S("domain-name"), &(struct str_list){&domain, domain.n > 0});
    push(call->arena, &out, S("domain-name-servers"), &row->name_servers);
    push(call->arena, &out, S("ntp-servers"), &row->ntp_servers);
    push(call->arena, &out, S("netbios-name-servers"), &row->netbios_servers);
    push(call->arena, &out, S("netbios-node-type"),
         &(struct str_list){&type, row->netbios_type > 0});
    API_PRESENT(&out.tags);
    return out;
}

/* ---- CreateDhcpOptions ---- */

static int
value_invalid(struct api_call *call, struct str value, struct str key)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter %.*s is invalid.", STR_ARG(value), STR_ARG(key));
}

/* Addresses; of name servers also Amazon's by its name, which stands alone. */
static int
servers_of(struct api_call *call, const struct ec2_NewDhcpConfiguration *c, bool names,
           struct str_list *ret)
{
    uint32_t ip;

    if (c->values.n > SERVERS_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "At most %d values may be specified for %.*s", SERVERS_MAX,
                         STR_ARG(c->key));
    LIST_EACH(&c->values, value) {
        bool amazon = names && str_eq(*value, AMAZON_DNS);

        if (!amazon && !ip4_parse(*value, &ip))
            return value_invalid(call, *value, c->key);
        *LIST_PUSH(call->arena, ret) = *value;
    }
    return 0;
}

static bool
domain_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
              (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '.' || s.p[i] == '_'))
            return false;
    return s.n > 0 && s.n <= NAME_MAX_BYTES;
}

static int
configuration(struct api_call *call, const struct ec2_NewDhcpConfiguration *c,
              struct ec2_dhcp_options_row *row)
{
    struct str first = c->values.n ? c->values.v[0] : STR_NONE;

    if (!first.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter dhcpConfiguration.value");
    if (str_is(c->key, "domain-name-servers"))
        return servers_of(call, c, true, &row->name_servers);
    if (str_is(c->key, "ntp-servers"))
        return servers_of(call, c, false, &row->ntp_servers);
    if (str_is(c->key, "netbios-name-servers"))
        return servers_of(call, c, false, &row->netbios_servers);
    if (str_is(c->key, "domain-name")) {
        row->domain_name = first;
        return c->values.n == 1 && domain_ok(first) ? 0 : value_invalid(call, first, c->key);
    }
    if (str_is(c->key, "netbios-node-type"))
        return c->values.n == 1 && str_to_i64(first, &row->netbios_type) &&
                       (row->netbios_type == 1 || row->netbios_type == 2 ||
                        row->netbios_type == 4 || row->netbios_type == 8)
                   ? 0
                   : value_invalid(call, first, c->key);
    if (str_is(c->key, "ipv6-address-preferred-lease-time"))
        return ec2_unsupported(call, "ipv6-address-preferred-lease-time");
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter dhcpConfiguration.key is invalid. Unknown option.",
                     STR_ARG(c->key));
}

int
ec2_create_dhcp_options(struct api_call *call, const struct ec2_CreateDhcpOptionsRequest *req,
                        struct ec2_CreateDhcpOptionsResult *res)
{
    struct ec2_dhcp_options_row row = {
        .id = api_id(call, "dopt"),
        .account = call->account,
        .region = call->region,
        .created_ms = call->now_ms,
    };
    struct str_list keys = {0};
    int r = ec2_tags_made(call, &req->tag_specifications, "dhcp-options", &row.tags);

    LIST_EACH(&req->dhcp_configurations, c) {
        if (!r && str_in(&keys, c->key))
            r = api_fault(call, &EC2_ERR(InvalidParameterValue),
                          "The option %.*s is specified more than once", STR_ARG(c->key));
        if (!r)
            r = configuration(call, c, &row);
        *LIST_PUSH(call->arena, &keys) = c->key;
    }
    assert(r || ec2_dhcp_options_ok(&row));
    if (!r)
        r = ec2_unwritten(ec2_dhcp_options_insert(call->txn, &row), row.id);
    if (r)
        return r;
    res->dhcp_options = ARENA_NEW(call->arena, struct ec2_DhcpOptions);
    *res->dhcp_options = options_show(call, &row);
    return 0;
}

int
ec2_dhcp_options_default_make(struct txn *txn, struct arena *arena,
                              const struct ec2_account_row *account)
{
    struct str amazon = AMAZON_DNS;
    const struct ec2_dhcp_options_row row = {
        .id = account->dhcp_options_id,
        .account = account->account,
        .region = account->region,
        .domain_name = aws_private_domain(arena, account->region),
        .name_servers = {&amazon, 1},
        .created_ms = account->created_ms,
    };

    assert(account->dhcp_options_id.n > 0);
    assert(ec2_dhcp_options_ok(&row));
    return ec2_unwritten(ec2_dhcp_options_insert(txn, &row), row.id);
}

/* ---- AssociateDhcpOptions, DeleteDhcpOptions ---- */

int
ec2_associate_dhcp_options(struct api_call *call, const struct ec2_AssociateDhcpOptionsRequest *req,
                           struct ec2_AssociateDhcpOptionsResult *res UNUSED)
{
    const struct ec2_dhcp_options_row *row = NULL;
    const struct ec2_vpc_row *vpc;
    struct ec2_vpc_row new;
    int r = str_is(req->dhcp_options_id, "default")
                ? 0
                : options_find(call, req->dhcp_options_id, &row);

    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &vpc);
    if (r)
        return r;
    new = *vpc;
    new.dhcp_options_id = row ? row->id : S("default");
    return ec2_vpc_put(call->txn, &new);
}

int
ec2_delete_dhcp_options(struct api_call *call, const struct ec2_DeleteDhcpOptionsRequest *req,
                        struct ec2_DeleteDhcpOptionsResult *res UNUSED)
{
    const struct ec2_dhcp_options_row *row;
    int r = options_find(call, req->dhcp_options_id, &row);

    if (r)
        return r;
    STORE_EACH(call->txn, ec2_vpc_by_dhcp_options, vpc, row->id)
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The dhcpOptions '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(row->id));
    return ec2_unwritten(ec2_dhcp_options_delete(call->txn, row->id), row->id);
}

/* ---- DescribeDhcpOptions ---- */

static const struct api_filter options_filters[] = {
    {"dhcp-options-id", "DhcpOptionsId"},
    {"key", "DhcpConfigurations.Key"},
    {"owner-id", "OwnerId"},
    {"tag", API_FILTER_TAGS},
    {"value", "DhcpConfigurations.Values.Value"},
};
static const struct api_filter_table options_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_DhcpOptions, options_filters);

int
ec2_describe_dhcp_options(struct api_call *call, const struct ec2_DescribeDhcpOptionsRequest *req,
                          struct ec2_DescribeDhcpOptionsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &options_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->dhcp_options_ids.n > 0, &listing);

    if (!r)
        r = ec2_kind_check(call, &options_kind, &req->dhcp_options_ids);
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_dhcp_options_by_owner, row, call->account, call->region) {
        if (req->dhcp_options_ids.n && !str_in(&req->dhcp_options_ids, row->id))
            continue;
        struct ec2_DhcpOptions shown = options_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->dhcp_options) = shown;
    }
    API_PRESENT(&res->dhcp_options);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
