/*
 * Tags: part of the row that they tag, as k, v, k, v … sorted by key.
 *
 * CreateTags and DeleteTags find a resource by the prefix of its id: the table below has a line
 * for each kind that can be tagged, and a new kind is a new line.  Keys that begin with "aws:"
 * are the cloud's own: callers neither set nor delete them, and they do not count.
 */
#include "api/tags.h"
#include "ec2/ec2.h"

#include <stdlib.h>

enum {
    TAGS_MAX = 50, /* of a resource, the cloud's own left out */
    TAG_KEY_CHARACTERS_MAX = 128,
    TAG_VALUE_CHARACTERS_MAX = 256,
    RESOURCES_MAX = 1000, /* of one call */
    TAGS_PAGE_MIN = 5,
    TAGS_PAGE_MAX = 1000,
};

struct taggable {
    const char *prefix; /* of the id, without '-' */
    const char *type;   /* as DescribeTags and TagSpecifications name it */
    const struct store_table *table;
    const struct store_index *by_owner; /* begins with account and region */
    size_t id, account, region, tags;   /* offsets in the row */
    const struct api_error *missing;
    const char *what, *open, *close; /* "The volume 'vol-…' does not exist." */
};

#define TAGGABLE(prefix, type, name, missing, what, open, close)                                   \
    {                                                                                              \
        prefix, type, &name##_table, &name##_by_owner, offsetof(struct name##_row, id),            \
            offsetof(struct name##_row, account), offsetof(struct name##_row, region),             \
            offsetof(struct name##_row, tags), &EC2_ERR(missing), what, open, close                \
    }

/* In the order of their types, which is the order of DescribeTags. */
static const struct taggable taggables[] = {
    TAGGABLE("eipalloc", "elastic-ip", ec2_address, InvalidAllocationID_NotFound, "allocation ID",
             "'", "' does not exist"),
    TAGGABLE("cr", "capacity-reservation", ec2_capacity_reservation,
             InvalidCapacityReservationId_NotFound, "capacity reservation ID", "'",
             "' does not exist"),
    TAGGABLE("h", "dedicated-host", ec2_dedicated_host, InvalidHostID_NotFound, "host ID", "'",
             "' does not exist"),
    TAGGABLE("dopt", "dhcp-options", ec2_dhcp_options, InvalidDhcpOptionID_NotFound,
             "dhcpOption ID", "'", "' does not exist"),
    TAGGABLE("hr", "host-reservation", ec2_host_reservation, InvalidHostReservationId_NotFound,
             "host reservation ID", "'", "' does not exist"),
    TAGGABLE("ami", "image", ec2_image, InvalidAMIID_NotFound, "image id", "'[",
             "]' does not exist"),
    TAGGABLE("i", "instance", ec2_instance, InvalidInstanceID_NotFound, "instance ID", "'",
             "' does not exist"),
    TAGGABLE("iew", "instance-event-window", ec2_event_window,
             InvalidInstanceEventWindowID_NotFound, "instance event window ID", "'",
             "' does not exist"),
    TAGGABLE("igw", "internet-gateway", ec2_internet_gateway, InvalidInternetGatewayID_NotFound,
             "internetGateway ID", "'", "' does not exist"),
    TAGGABLE("key", "key-pair", ec2_key_pair, InvalidKeyPair_NotFound, "keyPair ID", "'",
             "' does not exist"),
    TAGGABLE("lt", "launch-template", ec2_launch_template, InvalidLaunchTemplateId_NotFound,
             "launch template ID", "'", "' does not exist"),
    TAGGABLE("nat", "natgateway", ec2_nat_gateway, NatGatewayNotFound, "natGateway ID", "'",
             "' does not exist"),
    TAGGABLE("acl", "network-acl", ec2_network_acl, InvalidNetworkAclID_NotFound, "networkAcl ID",
             "'", "' does not exist"),
    TAGGABLE("eni", "network-interface", ec2_interface, InvalidNetworkInterfaceID_NotFound,
             "networkInterface ID", "'", "' does not exist"),
    TAGGABLE("pg", "placement-group", ec2_placement_group, InvalidPlacementGroup_Unknown,
             "placement group ID", "'", "' does not exist"),
    TAGGABLE("rtb", "route-table", ec2_route_table, InvalidRouteTableID_NotFound, "routeTable ID",
             "'", "' does not exist"),
    TAGGABLE("sg", "security-group", ec2_security_group, InvalidGroup_NotFound, "security group",
             "'", "' does not exist"),
    TAGGABLE("sgr", "security-group-rule", ec2_sg_rule, InvalidSecurityGroupRuleId_NotFound,
             "security group rule ID", "'", "' does not exist"),
    TAGGABLE("snap", "snapshot", ec2_snapshot, InvalidSnapshot_NotFound, "snapshot", "'",
             "' does not exist."),
    TAGGABLE("subnet", "subnet", ec2_subnet, InvalidSubnetID_NotFound, "subnet ID", "'",
             "' does not exist"),
    TAGGABLE("vol", "volume", ec2_volume, InvalidVolume_NotFound, "volume", "'",
             "' does not exist."),
    TAGGABLE("vpc", "vpc", ec2_vpc, InvalidVpcID_NotFound, "vpc ID", "'", "' does not exist"),
    TAGGABLE("pcx", "vpc-peering-connection", ec2_vpc_peering,
             InvalidVpcPeeringConnectionID_NotFound, "vpcPeeringConnection ID", "'",
             "' does not exist"),
};

static struct str
row_str(const void *row, size_t offset)
{
    return *(const struct str *)((const char *)row + offset);
}

static const struct str_list *
row_tags(const struct taggable *t, const void *row)
{
    return (const struct str_list *)((const char *)row + t->tags);
}

/* ---- what a tag may be ---- */

static bool
is_reserved(struct str key)
{
    return str_eq_nocase(str_cut(key, 0, 4), S("aws:"));
}

static int
key_check(struct api_call *call, struct str key)
{
    if (!key.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter key");
    if (key.n == 0)
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "Tag key cannot be null or empty");
    if (str_chars(key) > TAG_KEY_CHARACTERS_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Tag key exceeds the maximum length of %d characters",
                         TAG_KEY_CHARACTERS_MAX);
    if (api_tag_reserved(call, key))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value ( %.*s ) for parameter key is invalid. "
                         "Tag keys starting with 'aws:' are reserved for internal use",
                         STR_ARG(key));
    return 0;
}

static int
tag_check(struct api_call *call, const struct ec2_Tag *tag)
{
    int r = key_check(call, tag->key);

    if (r)
        return r;
    if (!tag->value.p)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Tag value cannot be null. Use empty string instead.");
    if (str_chars(tag->value) > TAG_VALUE_CHARACTERS_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Tag value exceeds the maximum length of %d characters",
                         TAG_VALUE_CHARACTERS_MAX);
    return 0;
}

/* ---- lists of k, v ---- */

/*
 * Puts the pair where it belongs in the sorted list; false when the key is there.  The lists are
 * short: fifty pairs.
 */
static bool
pair_insert(struct arena *arena, struct str_list *list, struct str key, struct str value)
{
    size_t at = list->n;

    assert(list->n % 2 == 0);
    while (at > 0 && str_cmp(list->v[at - 2], key) >= 0) {
        if (str_eq(list->v[at - 2], key))
            return false;
        at -= 2;
    }
    LIST_PUSH(arena, list);
    LIST_PUSH(arena, list);
    memmove(list->v + at + 2, list->v + at, (list->n - 2 - at) * sizeof(*list->v));
    list->v[at] = key;
    list->v[at + 1] = value;
    return true;
}

/* Adds checked tags to a list; the same key twice is refused. */
static int
pairs_add(struct api_call *call, const struct ec2_TagList *tags, struct str_list *list)
{
    LIST_EACH(tags, tag) {
        int r = tag_check(call, tag);

        if (r)
            return r;
        if (list->n / 2 >= TAGS_MAX)
            return api_fault(call, &EC2_ERR(TagLimitExceeded),
                             "The maximum number of Tags for a resource has been reached.");
        if (!pair_insert(call->arena, list, tag->key, tag->value))
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Duplicate tag key '%.*s' specified.", STR_ARG(tag->key));
    }
    return 0;
}

/* Both sorted; a pair of `over` takes the place of the one with its key. */
static struct str_list
pairs_merge(struct arena *arena, const struct str_list *under, const struct str_list *over)
{
    struct str_list out = {.v = ARENA_ARRAY(arena, struct str, under->n + over->n)};
    size_t i = 0, j = 0;

    assert(under->n % 2 == 0 && over->n % 2 == 0);
    while (i < under->n || j < over->n) {
        int d = i == under->n ? 1 : j == over->n ? -1 : str_cmp(under->v[i], over->v[j]);
        const struct str *from = d < 0 ? under->v + i : over->v + j;

        out.v[out.n++] = from[0];
        out.v[out.n++] = from[1];
        i += d <= 0 ? 2 : 0;
        j += d >= 0 ? 2 : 0;
    }
    assert(out.n % 2 == 0 && out.n <= under->n + over->n);
    return out;
}

void
ec2_tags_add(struct arena *arena, struct str_list *tags, struct str key, struct str value)
{
    struct str pair[] = {key, value};

    assert(is_reserved(key) && value.n > 0);
    *tags = pairs_merge(arena, tags, &(struct str_list){pair, ARRAY_LEN(pair)});
}

static size_t
pairs_counted(const struct str_list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i += 2)
        n += !is_reserved(list->v[i]);
    return n;
}

/* ---- for the other files of EC2 ---- */

int
ec2_tags_of(struct api_call *call, const struct ec2_TagSpecificationList *specs,
            const char *resource_type, struct str_list *ret)
{
    struct str_list list = {0};

    LIST_EACH(specs, spec) {
        if (!str_is(spec->resource_type, resource_type))
            continue;
        int r = pairs_add(call, &spec->tags, &list);

        if (r)
            return r;
    }
    assert(list.n % 2 == 0 && list.n <= 2 * TAGS_MAX);
    *ret = list;
    return 0;
}

int
ec2_tags_inherit(struct api_call *call, const struct str_list *from, const struct str_list *over,
                 struct str_list *ret)
{
    struct str_list own = {0};

    for (size_t i = 0; i < from->n; i += 2) {
        if (is_reserved(from->v[i]))
            continue;
        *LIST_PUSH(call->arena, &own) = from->v[i];
        *LIST_PUSH(call->arena, &own) = from->v[i + 1];
    }
    *ret = pairs_merge(call->arena, &own, over);
    if (ret->n / 2 > TAGS_MAX)
        return api_fault(call, &EC2_ERR(TagLimitExceeded),
                         "The maximum number of Tags for a resource has been reached.");
    return 0;
}

int
ec2_tags_only(struct api_call *call, const struct ec2_TagSpecificationList *specs,
              const char *const *resource_types, size_t n)
{
    LIST_EACH(specs, spec) {
        bool found = false;

        if (spec->resource_type.n == 0)
            return api_fault(call, &EC2_ERR(MissingParameter),
                             "The request must contain the parameter resourceType");
        for (size_t i = 0; i < n; i++)
            found = found || str_is(spec->resource_type, resource_types[i]);
        if (!found)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "'%.*s' is not a valid taggable resource type for this operation.",
                             STR_ARG(spec->resource_type));
        if (spec->tags.n == 0)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Tag specification must have at least one tag");
    }
    return 0;
}

struct ec2_TagList
ec2_tags_show(struct arena *arena, const struct str_list *tags)
{
    struct ec2_TagList list = {0};

    assert(tags->n % 2 == 0);
    if (tags->n == 0)
        return list;
    list.v = ARENA_ARRAY(arena, struct ec2_Tag, tags->n / 2);
    for (size_t i = 0; i < tags->n; i += 2)
        list.v[list.n++] = (struct ec2_Tag){.key = tags->v[i], .value = tags->v[i + 1]};
    return list;
}

/* ---- CreateTags, DeleteTags ---- */

static const struct taggable *
taggable_of(struct str id)
{
    struct str prefix = str_cut(id, 0, MIN(str_find_char(id, '-'), id.n));

    for (size_t i = 0; i < ARRAY_LEN(taggables); i++)
        if (str_is(prefix, taggables[i].prefix))
            return &taggables[i];
    return NULL;
}

/* The row of a resource of the caller's. */
static int
resource_find(struct api_call *call, struct str id, const struct taggable **ret_kind,
              const void **ret_row)
{
    const struct taggable *t = taggable_of(id);

    if (!t)
        return api_fault(call, &EC2_ERR(InvalidID), "The ID '%.*s' is not valid", STR_ARG(id));
    int r = ec2_id_check(call, id, t->prefix, &EC2_ERR(InvalidID));

    if (r)
        return api_fault(call, &EC2_ERR(InvalidID), "The ID '%.*s' is not valid", STR_ARG(id));
    const void *row = store_get(call->txn, t->table, id);

    if (row && t->table == &ec2_image_table && !str_eq(row_str(row, t->account), call->account) &&
        ec2_image_visible(call, row))
        return ec2_unsupported(call, "Tagging an image of another account");
    if (!row || !ec2_mine(call, row_str(row, t->account), row_str(row, t->region)))
        return api_fault(call, t->missing, "The %s %s%.*s%s", t->what, t->open, STR_ARG(id),
                         t->close);
    *ret_kind = t;
    *ret_row = row;
    return 0;
}

static int
tags_put(struct api_call *call, const struct taggable *t, const void *row,
         const struct str_list *tags)
{
    void *new = arena_dup(call->arena, row, t->table->row_bytes);
    int r;

    assert(tags->n % 2 == 0 && str_eq(row_str(row, t->account), call->account));
    *(struct str_list *)((char *)new + t->tags) = *tags;
    r = store_update(call->txn, t->table, new);
    return r < 0 ? error_origin(-r, "tags cannot be written") : 0;
}

static int
resources_check(struct api_call *call, const struct str_list *resources)
{
    if (resources->n == 0)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter resourceIdSet");
    if (resources->n > RESOURCES_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The number of resource IDs exceeds the limit of %d", RESOURCES_MAX);
    return 0;
}

int
ec2_create_tags(struct api_call *call, const struct ec2_CreateTagsRequest *req,
                struct ec2_CreateTagsResult *res)
{
    struct str_list add = {0};
    int r = resources_check(call, &req->resources);

    (void)res;
    if (r)
        return r;
    if (req->tags.n == 0)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter tagSet");
    r = pairs_add(call, &req->tags, &add);
    if (r)
        return r;
    LIST_EACH(&req->resources, id) {
        const struct taggable *t;
        const void *row;

        r = resource_find(call, *id, &t, &row);
        if (r)
            return r;
        struct str_list all = pairs_merge(call->arena, row_tags(t, row), &add);

        if (pairs_counted(&all) > TAGS_MAX)
            return api_fault(call, &EC2_ERR(TagLimitExceeded),
                             "The maximum number of Tags for a resource has been reached.");
        r = tags_put(call, t, row, &all);
        if (r)
            return r;
    }
    return 0;
}

/* Whether the pair is one of those to delete; no tags given: all but the cloud's own. */
static bool
to_delete(const struct ec2_TagList *tags, struct str key, struct str value)
{
    if (tags->n == 0)
        return !is_reserved(key);
    LIST_EACH(tags, tag)
        if (str_eq(tag->key, key) && (!tag->value.p || str_eq(tag->value, value)))
            return true;
    return false;
}

int
ec2_delete_tags(struct api_call *call, const struct ec2_DeleteTagsRequest *req,
                struct ec2_DeleteTagsResult *res)
{
    int r = resources_check(call, &req->resources);

    (void)res;
    if (r)
        return r;
    LIST_EACH(&req->tags, tag) {
        r = key_check(call, tag->key);
        if (r)
            return r;
    }
    LIST_EACH(&req->resources, id) {
        const struct taggable *t;
        const void *row;

        r = resource_find(call, *id, &t, &row);
        if (r)
            return r;
        const struct str_list *old = row_tags(t, row);
        struct str_list rest = {.v = ARENA_ARRAY(call->arena, struct str, old->n)};

        for (size_t i = 0; i < old->n; i += 2) {
            if (to_delete(&req->tags, old->v[i], old->v[i + 1]))
                continue;
            rest.v[rest.n++] = old->v[i];
            rest.v[rest.n++] = old->v[i + 1];
        }
        r = tags_put(call, t, row, &rest);
        if (r)
            return r;
    }
    return 0;
}

/* ---- DescribeTags ---- */

static const struct api_filter tag_filters[] = {
    {"key", "Key"},
    {"resource-id", "ResourceId"},
    {"resource-type", "ResourceType"},
    {"value", "Value"},
};
static const struct api_filter_table tag_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_TagDescription, tag_filters);

struct tags_walk {
    struct api_call *call;
    struct api_filter_set set;
    const struct ec2_FilterList *by_pair; /* the filters tag:KEY */
    struct api_page page;
    struct ec2_DescribeTagsResult *res;
};

/* tag:KEY is about one tag here and not about a resource: key and value in one filter. */
static bool
pair_allowed(const struct ec2_FilterList *by_pair, struct str key, struct str value)
{
    LIST_EACH(by_pair, f) {
        bool any = false;

        if (!str_eq(str_cut(f->name, 4, f->name.n), key))
            return false;
        LIST_EACH(&f->values, pattern)
            any = any || str_glob(*pattern, value);
        if (!any)
            return false;
    }
    return true;
}

static void
row_tags_show(struct tags_walk *w, const struct taggable *t, const void *row)
{
    const struct str_list *tags = row_tags(t, row);

    for (size_t i = 0; i < tags->n && !w->page.more; i += 2) {
        struct ec2_TagDescription d = {
            .resource_id = row_str(row, t->id),
            .resource_type = str_from(t->type),
            .key = tags->v[i],
            .value = tags->v[i + 1],
        };

        if (!pair_allowed(w->by_pair, d.key, d.value) || !api_filter_match(&w->set, &d))
            continue;
        struct str at = str_fmt(w->call->arena, "%s %.*s %.*s", t->type, STR_ARG(d.resource_id),
                                STR_ARG(d.key));

        if (api_page_take(&w->page, at))
            *LIST_PUSH(w->call->arena, &w->res->tags) = d;
    }
}

static int
row_compare(const void *a, const void *b)
{
    const struct str *x = *(const struct str *const *)a, *y = *(const struct str *const *)b;

    return str_cmp(*x, *y);
}

/*
 * The rows of a kind that have tags, by id: pages go by id, and the index goes by age.  A filter
 * on the resource's type or id spares rows that cannot pass.
 */
static void
kind_show(struct tags_walk *w, const struct taggable *t)
{
    const struct store_key owner[] = {STORE_KEY(w->call->account), STORE_KEY(w->call->region)};
    struct store_cursor cursor = store_seek(w->call->txn, t->by_owner, owner, ARRAY_LEN(owner));
    struct {
        const struct str **v; /* each the id in its row */
        size_t n;
    } rows = {0};
    const void *row;

    if (!api_filter_allows(&w->set, "resource-type", str_from(t->type)))
        return;
    while ((row = store_next(&cursor)))
        if (row_tags(t, row)->n && api_filter_allows(&w->set, "resource-id", row_str(row, t->id)))
            *LIST_PUSH(w->call->arena, &rows) = (const struct str *)((const char *)row + t->id);
    if (rows.n)
        qsort(rows.v, rows.n, sizeof(rows.v[0]), row_compare);
    for (size_t i = 0; i < rows.n && !w->page.more; i++)
        row_tags_show(w, t, (const char *)rows.v[i] - t->id);
}

int
ec2_describe_tags(struct api_call *call, const struct ec2_DescribeTagsRequest *req,
                  struct ec2_DescribeTagsResult *res)
{
    static const struct api_page_rule rule = {
        .min = TAGS_PAGE_MIN, .max = TAGS_PAGE_MAX, .otherwise = TAGS_PAGE_MAX};
    struct ec2_FilterList by_pair = {0}, others = {0};
    struct tags_walk w = {.call = call, .by_pair = &by_pair, .res = res};

    LIST_EACH(&req->filters, f)
        *LIST_PUSH(call->arena, str_starts(f->name, S("tag:")) ? &by_pair : &others) = *f;
    int r = ec2_filters(call, &tag_filter_table, &others, &w.set);

    if (r == 0)
        r = ec2_page_open(call, &rule, req->next_token, req->max_results, false, &w.page);
    if (r)
        return r;
    API_PRESENT(&res->tags);
    for (size_t i = 0; i < ARRAY_LEN(taggables) && !w.page.more; i++)
        kind_show(&w, &taggables[i]);
    res->next_token = ec2_page_next(call, &w.page);
    return 0;
}
