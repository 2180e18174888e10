/*
 * The facts of the catalogue (data/regions.txt, data/offerings.txt, data/instance_types.txt) as
 * the rest of EC2 asks for them, and the operations that show regions, zones and what an account
 * may do.
 *
 * A zone's letter and its id go together in the same way for every account; AWS deals the letters
 * out anew for each.  Opt-in regions are opted in: there is nobody to pay for them.
 */
#include "ec2/catalogue.h"
#include "ec2/ec2.h"
#include "placement/quota.h"

/* Both are written once a row, by whoever asks for the row first; rows never change after. */
static struct ec2_region regions[CATALOGUE_REGIONS];
static struct ec2_type types[CATALOGUE_TYPES];

/* ---- regions and zones ---- */

static const struct ec2_region *
region_at(size_t i)
{
    const struct catalogue_region *row = &catalogue_regions[i];
    struct ec2_region *region = &regions[i];

    assert(i < CATALOGUE_REGIONS);
    if (!region->name.p)
        *region = (struct ec2_region){
            .name = catalogue_text(row->name),
            .description = catalogue_text(row->description),
            .zone_prefix = catalogue_text(row->zone_prefix),
            .opt_in = row->opt_in,
            .n_zones = row->n_zones,
        };
    return region;
}

const struct ec2_region *
ec2_region_find(struct str name)
{
    for (size_t i = 0; i < CATALOGUE_REGIONS; i++)
        if (str_eq(catalogue_text(catalogue_regions[i].name), name))
            return region_at(i);
    return NULL;
}

static const struct catalogue_region *
region_row(const struct ec2_region *region)
{
    assert(region >= regions && region < regions + CATALOGUE_REGIONS);
    return &catalogue_regions[region - regions];
}

struct ec2_zone
ec2_region_zone(struct arena *arena, const struct ec2_region *region, unsigned i)
{
    const struct catalogue_region *row = region_row(region);

    assert(i < region->n_zones);
    return (struct ec2_zone){
        .name = str_fmt(arena, "%.*s%c", STR_ARG(region->name), row->letters[i]),
        .id = str_fmt(arena, "%.*s-az%c", STR_ARG(region->zone_prefix), row->numbers[i]),
    };
}

/* The region that has the zone "us-east-1a", and the zone's place in it. */
static const struct ec2_region *
zone_find(struct str zone, unsigned *ret_i)
{
    const struct ec2_region *region = ec2_region_find(str_cut(zone, 0, zone.n ? zone.n - 1 : 0));

    if (!region)
        return NULL;
    const char *letters = region_row(region)->letters;
    const char *at = strchr(letters, zone.p[zone.n - 1]);

    if (!at || !*at)
        return NULL;
    *ret_i = (unsigned)(at - letters);
    return region;
}

struct str
ec2_zone_id(struct arena *arena, struct str zone)
{
    unsigned i;
    const struct ec2_region *region = zone_find(zone, &i);

    return region ? ec2_region_zone(arena, region, i).id : STR_NONE;
}

/* ---- instance types ---- */

const struct ec2_type *
catalogue_type_at(size_t i)
{
    const struct catalogue_type *row = &catalogue_types[i];
    struct ec2_type *type = &types[i];
    int64_t n;

    assert(i < CATALOGUE_TYPES);
    if (type->name.p)
        return type;
    struct str name = catalogue_text(row->name), clock = catalogue_text(row->clock);
    struct str whole = str_split(&clock, '.');

    *type = (struct ec2_type){
        .name = name,
        .family = str_cut(name, 0, str_find_char(name, '.')),
        .hypervisor = catalogue_text(row->hypervisor),
        .current = !(row->flags & CATALOGUE_PREVIOUS),
        .burstable = row->flags & CATALOGUE_BURSTABLE,
        .bare_metal = row->flags & CATALOGUE_METAL,
        .recovers = row->flags & CATALOGUE_RECOVERY,
        .hibernates = row->flags & CATALOGUE_HIBERNATION,
        .instance_store = row->disks != 0,
        .vcpus = (unsigned)row->cores * row->threads,
        .cores = row->cores,
        .threads_per_core = row->threads,
        .memory_mib = row->memory_mib,
        .max_interfaces = row->interfaces,
        .addresses_per_interface = row->addresses,
        .network_performance = catalogue_text(row->network),
        .ebs_optimized = catalogue_text(row->ebs_optimized),
    };
    /* "i386,x86_64": the last is the one that instances of today run. */
    struct str archs = catalogue_text(row->arch);

    while (archs.p)
        type->architecture = str_split(&archs, ',');
    if (str_to_i64(whole, &n))
        type->clock_ghz = (double)n;
    if (clock.p && str_to_i64(clock, &n))
        type->clock_ghz += (double)n / (clock.n == 1 ? 10 : 100);
    return type;
}

/* Whether a type's name comes before all of "FAMILY.": "m7i-flex.large" is before "m7i.large". */
static bool
is_before_family(struct str name, struct str family)
{
    int d = str_cmp(str_cut(name, 0, family.n), family);

    return d < 0 || (d == 0 && (name.n == family.n || name.p[family.n] < '.'));
}

/* Types are sorted by name, so a family is a run of them. */
const struct ec2_type *
ec2_family_type(struct str family, size_t i)
{
    size_t low = 0, high = CATALOGUE_TYPES;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_before_family(catalogue_text(catalogue_types[middle].name), family))
            low = middle + 1;
        else
            high = middle;
    }
    const struct ec2_type *type =
        low + i < CATALOGUE_TYPES ? catalogue_type_at(low + i) : NULL;

    return type && str_eq(type->family, family) ? type : NULL;
}

const struct ec2_type *
ec2_type_find(struct str name)
{
    size_t low = 0, high = CATALOGUE_TYPES;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int d = str_cmp(catalogue_text(catalogue_types[middle].name), name);

        if (d == 0)
            return catalogue_type_at(middle);
        if (d < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct catalogue_type *
catalogue_of(const struct ec2_type *type)
{
    assert(type >= types && type < types + CATALOGUE_TYPES);
    return &catalogue_types[type - types];
}

static bool
offered_in(const struct catalogue_type *type, const struct catalogue_region *region, unsigned zone)
{
    unsigned bit = region->offer_bit[zone];

    assert(zone < region->n_zones && bit / 8 < CATALOGUE_OFFER_BYTES);
    return catalogue_offers[type->offer][bit / 8] >> (bit % 8) & 1;
}

bool
ec2_type_offered(const struct ec2_type *type, struct str zone)
{
    unsigned i;
    const struct ec2_region *region = zone_find(zone, &i);

    return region && offered_in(catalogue_of(type), region_row(region), i);
}

bool
ec2_type_in_region(const struct ec2_type *type, const struct ec2_region *region)
{
    for (unsigned i = 0; i < region->n_zones; i++)
        if (offered_in(catalogue_of(type), region_row(region), i))
            return true;
    return false;
}

/* ---- DescribeRegions, DescribeAvailabilityZones ---- */

static const struct api_filter region_filters[] = {
    {"endpoint", "Endpoint"},
    {"opt-in-status", "OptInStatus"},
    {"region-name", "RegionName"},
};
static const struct api_filter_table region_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Region, region_filters);

/* AllRegions adds those that are not opted in: there are none. */
int
ec2_describe_regions(struct api_call *call, const struct ec2_DescribeRegionsRequest *req,
                     struct ec2_DescribeRegionsResult *res)
{
    struct api_filter_set set;
    int r = ec2_filters(call, &region_filter_table, &req->filters, &set);

    if (r)
        return r;
    LIST_EACH(&req->region_names, name)
        if (!ec2_region_find(*name))
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Invalid region provided: [%.*s]", STR_ARG(*name));
    API_PRESENT(&res->regions);
    for (size_t i = 0; i < CATALOGUE_REGIONS; i++) {
        const struct ec2_region *region = region_at(i);
        struct ec2_Region shown = {
            .region_name = region->name,
            .endpoint = str_fmt(call->arena, "ec2.%.*s.amazonaws.com", STR_ARG(region->name)),
            .opt_in_status = region->opt_in ? S("opted-in") : S("opt-in-not-required"),
        };

        if (req->region_names.n && !str_in(&req->region_names, region->name))
            continue;
        if (api_filter_match(&set, &shown))
            *LIST_PUSH(call->arena, &res->regions) = shown;
    }
    return 0;
}

static const struct api_filter zone_filters[] = {
    {"group-long-name", "GroupLongName"},
    {"group-name", "GroupName"},
    {"message", "Messages.Message"},
    {"opt-in-status", "OptInStatus"},
    {"parent-zone-id", "ParentZoneId"},
    {"parent-zone-name", "ParentZoneName"},
    {"region-name", "RegionName"},
    {"state", "State"},
    {"zone-id", "ZoneId"},
    {"zone-name", "ZoneName"},
    {"zone-type", "ZoneType"},
};
static const struct api_filter_table zone_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_AvailabilityZone, zone_filters);

static struct ec2_AvailabilityZone
zone_show(struct arena *arena, const struct ec2_region *region, unsigned i)
{
    struct ec2_zone zone = ec2_region_zone(arena, region, i);
    struct ec2_AvailabilityZone shown = {
        .zone_name = zone.name,
        .zone_id = zone.id,
        .zone_type = S("availability-zone"),
        .region_name = region->name,
        .state = S("available"),
        .opt_in_status = S("opt-in-not-required"),
        .group_name = str_fmt(arena, "%.*s-zg-1", STR_ARG(region->name)),
        .group_long_name = str_fmt(arena, "%.*s 1", STR_ARG(region->description)),
        .network_border_group = region->name,
    };

    API_PRESENT(&shown.messages);
    return shown;
}

/* Every name and id that is asked for must be one of the region's. */
static int
zones_check(struct api_call *call, const struct str_list *asked, const struct ec2_region *region,
            bool ids)
{
    struct str_list have = {0}, missing = {0};

    for (unsigned i = 0; i < region->n_zones; i++) {
        struct ec2_zone zone = ec2_region_zone(call->arena, region, i);

        *LIST_PUSH(call->arena, &have) = ids ? zone.id : zone.name;
    }
    LIST_EACH(asked, want)
        if (!str_in(&have, *want))
            *LIST_PUSH(call->arena, &missing) = *want;
    if (!missing.n)
        return 0;
    struct str all = str_join(call->arena, &missing, S(", "));

    return api_fault(call, &EC2_ERR(InvalidParameterValue), "Invalid availability zone%s: [%.*s]",
                     ids ? "-id" : "", STR_ARG(all));
}

/* AllAvailabilityZones adds local and wavelength zones: there are none. */
int
ec2_describe_availability_zones(struct api_call *call,
                                const struct ec2_DescribeAvailabilityZonesRequest *req,
                                struct ec2_DescribeAvailabilityZonesResult *res)
{
    const struct ec2_region *region = ec2_region_find(call->region);
    struct api_filter_set set;
    int r = ec2_filters(call, &zone_filter_table, &req->filters, &set);

    if (r == 0)
        r = zones_check(call, &req->zone_names, region, false);
    if (r == 0)
        r = zones_check(call, &req->zone_ids, region, true);
    if (r)
        return r;
    API_PRESENT(&res->availability_zones);
    for (unsigned i = 0; i < region->n_zones; i++) {
        struct ec2_AvailabilityZone zone = zone_show(call->arena, region, i);

        if ((req->zone_names.n && !str_in(&req->zone_names, zone.zone_name)) ||
            (req->zone_ids.n && !str_in(&req->zone_ids, zone.zone_id)))
            continue;
        if (api_filter_match(&set, &zone))
            *LIST_PUSH(call->arena, &res->availability_zones) = zone;
    }
    return 0;
}

/* ---- DescribeAccountAttributes ---- */

int
ec2_describe_account_attributes(struct api_call *call,
                                const struct ec2_DescribeAccountAttributesRequest *req,
                                struct ec2_DescribeAccountAttributesResult *res)
{
    const struct ec2_vpc_row *vpc;
    struct str vpc_id = ec2_vpc_default(call, &vpc) == 0 ? vpc->id : S("none");
    const struct {
        const char *name;
        struct str value;
    } attributes[] = {
        {"supported-platforms", S("VPC")},
        {"default-vpc", vpc_id},
        {"vpc-max-security-groups-per-interface",
         str_fmt(call->arena, "%d", EC2_GROUPS_PER_INTERFACE_MAX)},
        {"max-instances", S("20")},
        {"max-elastic-ips", S("5")},
        {"vpc-max-elastic-ips",
         str_fmt(call->arena, "%lld", (long long)ec2_quota(call, QUOTA_ELASTIC_IPS))},
    };

    API_PRESENT(&res->account_attributes);
    LIST_EACH(&req->attribute_names, name) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
            known = known || str_is(*name, attributes[i].name);
        if (!known)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                             STR_ARG(*name));
    }
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (req->attribute_names.n && !str_in(&req->attribute_names, str_from(attributes[i].name)))
            continue;
        struct ec2_AccountAttribute *a = LIST_PUSH(call->arena, &res->account_attributes);

        a->attribute_name = str_from(attributes[i].name);
        *LIST_PUSH(call->arena, &a->attribute_values) =
            (struct ec2_AccountAttributeValue){.attribute_value = attributes[i].value};
    }
    return 0;
}
