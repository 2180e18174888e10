/*
 * Reservations of Dedicated Hosts: what is paid for a host for one or three years.
 *
 * Nobody is billed here, but prices are shown and summed up as on AWS.  They follow a rule: a host
 * costs so much for each vCPU of its family's largest type, and a longer term and an earlier
 * payment take the shares off that are in the table.  All sums are in thousandths of a dollar.
 *
 * A reservation is of certain hosts.  It keeps them from being released, follows them when they
 * recover, and is retired when its term ends.
 */
#include "ec2/dedicated_host.h"

#include "codec/crypto.h"
#include "ec2/catalogue.h"
#include "ec2/row_ok.h"

enum {
    VCPU_HOUR_MILLS = 55,
    OFFERING_DIGITS = 17,
    HOSTS_MAX = 100, /* of one purchase */
    YEAR_HOURS = 365 * 24,
};

static const struct rule {
    const char *payment;
    int years;
    int off;     /* per mille of the price on demand */
    int upfront; /* per mille of what is left */
} rules[] = {
    {"NoUpfront", 1, 300, 0}, {"PartialUpfront", 1, 330, 500}, {"AllUpfront", 1, 350, 1000},
    {"NoUpfront", 3, 500, 0}, {"PartialUpfront", 3, 540, 500}, {"AllUpfront", 3, 570, 1000},
};

struct offering {
    struct str id, family, payment;
    int64_t duration_s, hourly_mills, upfront_mills;
};

/* ---- offerings ---- */

static struct offering
offering_of(struct arena *arena, struct str family, const struct rule *rule)
{
    const struct ec2_type *type = ec2_host_largest_type(STR_NONE, family);
    int64_t hours = (int64_t)rule->years * YEAR_HOURS;
    uint8_t digest[32];
    struct str name = str_fmt(arena, "%.*s/%s/%d", STR_ARG(family), rule->payment, rule->years);

    assert(family.n > 0);
    assert(type);
    crypto_digest(CRYPTO_SHA256, name.p, name.n, digest);
    struct str digits = str_cut(str_hex(arena, digest, sizeof(digest)), 0, OFFERING_DIGITS);
    int64_t hourly = (int64_t)type->vcpus * VCPU_HOUR_MILLS * (1000 - rule->off) / 1000;

    return (struct offering){
        .id = str_cat(arena, S("hro-"), digits),
        .family = family,
        .payment = str_from(rule->payment),
        .duration_s = hours * 3600,
        .hourly_mills = hourly * (1000 - rule->upfront) / 1000,
        .upfront_mills = hourly * hours * rule->upfront / 1000,
    };
}

/* The next family that Dedicated Hosts are there for, from the i-th type on. */
static struct str
next_family(size_t *i)
{
    for (; *i < CATALOGUE_TYPES; (*i)++) {
        const struct ec2_type *type = catalogue_type_at(*i);
        struct str family = type->family;

        if (!ec2_type_on_hosts(type))
            continue;
        while (*i < CATALOGUE_TYPES && str_eq(catalogue_type_at(*i)->family, family))
            (*i)++;
        return family;
    }
    return STR_NONE;
}

static struct str
dollars(struct arena *arena, int64_t mills)
{
    assert(mills >= 0);
    return str_fmt(arena, "%lld.%03lld", (long long)(mills / 1000), (long long)(mills % 1000));
}

static struct ec2_HostOffering
offering_show(struct arena *arena, const struct offering *o)
{
    return (struct ec2_HostOffering){
        .currency_code = S("USD"),
        .duration = opt_i64(o->duration_s),
        .hourly_price = dollars(arena, o->hourly_mills),
        .instance_family = o->family,
        .offering_id = o->id,
        .payment_option = o->payment,
        .upfront_price = dollars(arena, o->upfront_mills),
    };
}

static int
offering_find(struct api_call *call, struct str id, struct offering *ret)
{
    size_t i = 0;
    struct str family;
    int r = ec2_id_check(call, id, "hro", &EC2_ERR(InvalidHostReservationOfferingId_Malformed));

    if (r)
        return r;
    while ((family = next_family(&i)).p)
        for (size_t k = 0; k < ARRAY_LEN(rules); k++) {
            *ret = offering_of(call->arena, family, &rules[k]);
            if (str_eq(ret->id, id))
                return 0;
        }
    return api_fault(call, &EC2_ERR(InvalidHostReservationOfferingId_NotFound),
                     "The host reservation offering ID '%.*s' does not exist", STR_ARG(id));
}

static const struct api_filter offering_filters[] = {
    {"instance-family", "InstanceFamily"},
    {"payment-option", "PaymentOption"},
};
static const struct api_filter_table offering_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_HostOffering, offering_filters);

int
ec2_describe_host_reservation_offerings(
    struct api_call *call, const struct ec2_DescribeHostReservationOfferingsRequest *req,
    struct ec2_DescribeHostReservationOfferingsResult *res)
{
    static const struct api_page_rule rule = {.min = 5, .max = 500, .otherwise = 500};
    struct ec2_listing listing;
    struct offering one;
    struct str family;
    size_t i = 0, n = 0;
    int r = ec2_listing_open(call, &offering_filter_table, &req->filter, &rule, req->next_token,
                             req->max_results, false, &listing);

    if (r == 0 && req->offering_id.n)
        r = offering_find(call, req->offering_id, &one);
    if (r)
        return r;
    API_PRESENT(&res->offering_set);
    while ((family = next_family(&i)).p)
        for (size_t k = 0; k < ARRAY_LEN(rules); k++) {
            struct offering o = offering_of(call->arena, family, &rules[k]);
            struct ec2_HostOffering shown = offering_show(call->arena, &o);

            n++;
            if ((req->offering_id.n && !str_eq(o.id, req->offering_id)) ||
                o.duration_s < opt_i64_or(req->min_duration, 0) ||
                o.duration_s > opt_i64_or(req->max_duration, INT64_MAX))
                continue;
            if (ec2_listing_has(call, &listing, &shown, (int64_t)n, o.id))
                *LIST_PUSH(call->arena, &res->offering_set) = shown;
        }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* ---- reservations ---- */

static int64_t
end_of(const struct ec2_host_reservation_row *row)
{
    assert(row->duration_s > 0);
    return row->start_ms + row->duration_s * 1000;
}

struct str
ec2_host_reservation_of(struct txn *txn, const struct ec2_dedicated_host_row *host, int64_t now_ms)
{
    STORE_EACH(txn, ec2_host_reservation_by_owner, row, host->account, host->region)
        if (end_of(row) > now_ms && str_in(&row->hosts, host->id))
            return row->id;
    return STR_NONE;
}

int
ec2_host_reservation_move(struct txn *txn, struct arena *arena,
                          const struct ec2_dedicated_host_row *from,
                          const struct ec2_dedicated_host_row *to)
{
    int r = 0;

    assert(str_eq(from->account, to->account) && str_eq(from->region, to->region));
    STORE_EACH(txn, ec2_host_reservation_by_owner, row, from->account, from->region) {
        struct ec2_host_reservation_row new = *row;

        if (r < 0 || !str_in(&row->hosts, from->id))
            continue;
        new.hosts = (struct str_list){0};
        LIST_EACH(&row->hosts, id)
            *LIST_PUSH(arena, &new.hosts) = str_eq(*id, from->id) ? to->id : *id;
        assert(ec2_host_reservation_ok(&new));
        r = ec2_host_reservation_update(txn, &new);
    }
    return r < 0 ? error_origin(-r, "reservations of Dedicated Host %.*s cannot be written",
                                STR_ARG(from->id))
                 : 0;
}

/* Hosts of the caller's, of the offering's family, that no reservation is for yet. */
static int
hosts_check(struct api_call *call, const struct str_list *ids, const struct offering *offering)
{
    const struct ec2_dedicated_host_row *host;
    int r = 0;

    if (ids->n == 0 || ids->n > HOSTS_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "HostIdSet must have 1 to %d Dedicated Hosts", HOSTS_MAX);
    for (size_t i = 0; i < ids->n && r == 0; i++) {
        const struct str_list before = {ids->v, i};

        r = ec2_dedicated_host_find(call, ids->v[i], &host);
        if (r)
            return r;
        if (!ec2_mine(call, host->account, host->region))
            return api_fault(call, &EC2_ERR(InvalidHostID_NotFound),
                             "The specified Dedicated Host ID '%.*s' does not exist.",
                             STR_ARG(host->id));
        if (!str_eq(host->instance_family, offering->family))
            r = api_fault(call, &EC2_ERR(InvalidHostConfiguration),
                          "The Dedicated Host '%.*s' is of the family %.*s, the offering of %.*s",
                          STR_ARG(host->id), STR_ARG(host->instance_family),
                          STR_ARG(offering->family));
        else if (str_in(&before, host->id) ||
                 ec2_host_reservation_of(call->txn, host, call->now_ms).p)
            r = api_fault(call, &EC2_ERR(InvalidHostState),
                          "The Dedicated Host '%.*s' is reserved already", STR_ARG(host->id));
    }
    return r;
}

/* What an offering costs for so many hosts. */
static struct ec2_PurchaseList
purchase_show(struct arena *arena, const struct offering *o, const struct str_list *hosts,
              struct str reservation_id)
{
    struct ec2_PurchaseList list = {0};

    assert(o->duration_s > 0 && hosts->n > 0 && hosts->n <= HOSTS_MAX);
    *LIST_PUSH(arena, &list) = (struct ec2_Purchase){
        .currency_code = S("USD"),
        .duration = opt_i64(o->duration_s),
        .host_id_set = *hosts,
        .host_reservation_id = reservation_id,
        .hourly_price = dollars(arena, o->hourly_mills),
        .instance_family = o->family,
        .payment_option = o->payment,
        .upfront_price = dollars(arena, o->upfront_mills),
    };
    return list;
}

int
ec2_get_host_reservation_purchase_preview(
    struct api_call *call, const struct ec2_GetHostReservationPurchasePreviewRequest *req,
    struct ec2_GetHostReservationPurchasePreviewResult *res)
{
    struct offering o;
    int r = offering_find(call, req->offering_id, &o);

    if (r == 0)
        r = hosts_check(call, &req->host_id_set, &o);
    if (r)
        return r;
    int64_t n = (int64_t)req->host_id_set.n;

    res->currency_code = S("USD");
    res->purchase = purchase_show(call->arena, &o, &req->host_id_set, STR_NONE);
    res->total_hourly_price = dollars(call->arena, o.hourly_mills * n);
    res->total_upfront_price = dollars(call->arena, o.upfront_mills * n);
    return 0;
}

/* ---- PurchaseHostReservation ---- */

/* "1234.5" in thousandths, what is behind them cut off. */
static bool
mills_of(struct str text, int64_t *ret)
{
    struct str rest = text, whole = str_split(&rest, '.'), digits = str_cut(rest, 0, 3);
    int64_t fraction = 0;

    if (whole.n == 0 || whole.n > 12 || !str_to_i64(whole, ret) || *ret < 0)
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] < '0' || rest.p[i] > '9')
            return false;
    for (size_t i = 0; i < 3; i++)
        fraction = fraction * 10 + (i < digits.n ? digits.p[i] - '0' : 0);
    *ret = *ret * 1000 + fraction;
    return true;
}

static int
price_check(struct api_call *call, struct str limit, int64_t total)
{
    int64_t most;

    assert(total >= 0);
    if (!limit.n)
        return 0;
    if (!mills_of(limit, &most))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter LimitPrice is invalid.", STR_ARG(limit));
    if (total <= most)
        return 0;
    return api_fault(call, &EC2_ERR(LimitPriceExceeded),
                     "The cost of the total order is greater than the specified limit price.");
}

static void
purchase_result(struct api_call *call, const struct ec2_host_reservation_row *row,
                struct ec2_PurchaseHostReservationResult *res)
{
    const struct offering o = {
        .family = row->family,
        .payment = row->payment,
        .duration_s = row->duration_s,
        .hourly_mills = row->hourly_mills,
        .upfront_mills = row->upfront_mills,
    };
    int64_t n = (int64_t)row->hosts.n;

    res->client_token = ec2_text_show(row->client_token);
    res->currency_code = S("USD");
    res->purchase = purchase_show(call->arena, &o, &row->hosts, row->id);
    res->total_hourly_price = dollars(call->arena, o.hourly_mills * n);
    res->total_upfront_price = dollars(call->arena, o.upfront_mills * n);
}

/* 0 and a row: the token was used for the same purchase. */
static int
repeated(struct api_call *call, struct str token, struct str hash,
         const struct ec2_host_reservation_row **ret)
{
    *ret = token.n
               ? ec2_host_reservation_by_token_get(call->txn, call->account, call->region, token)
               : NULL;
    if (*ret && !str_eq((*ret)->request_hash, hash))
        return api_fault(call, &EC2_ERR(Idempotent_ParameterMismatch),
                         "Arguments on this idempotent request are inconsistent with arguments "
                         "used in previous request(s).");
    return 0;
}

int
ec2_purchase_host_reservation(struct api_call *call,
                              const struct ec2_PurchaseHostReservationRequest *req,
                              struct ec2_PurchaseHostReservationResult *res)
{
    static const char *const types[] = {"host-reservation"};
    const struct ec2_host_reservation_row *old;
    struct str hash = ec2_request_hash(call, req);
    struct str_list tags;
    struct offering o;
    int r = repeated(call, req->client_token, hash, &old);

    if (r == 0 && old) {
        purchase_result(call, old, res);
        return 0;
    }
    /* CurrencyCode: there is but one, which the description says */
    if (r == 0)
        r = offering_find(call, req->offering_id, &o);
    if (r == 0)
        r = hosts_check(call, &req->host_id_set, &o);
    if (r == 0)
        r = price_check(call, req->limit_price, o.upfront_mills * (int64_t)req->host_id_set.n);
    if (r == 0)
        r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));
    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &tags);
    if (r)
        return r;
    const struct ec2_host_reservation_row row = {
        .id = api_id(call, "hr"),
        .account = call->account,
        .region = call->region,
        .offering_id = o.id,
        .family = o.family,
        .payment = o.payment,
        .duration_s = o.duration_s,
        .hourly_mills = o.hourly_mills,
        .upfront_mills = o.upfront_mills,
        .hosts = req->host_id_set,
        .client_token = req->client_token,
        .request_hash = hash,
        .start_ms = call->now_ms,
        .tags = tags,
    };
    assert(ec2_host_reservation_ok(&row));
    r = ec2_host_reservation_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "host reservation %.*s cannot be written", STR_ARG(row.id));
    purchase_result(call, &row, res);
    return 0;
}

/* ---- DescribeHostReservations ---- */

static const struct api_filter reservation_filters[] = {
    {"instance-family", "InstanceFamily"},
    {"payment-option", "PaymentOption"},
    {"state", "State"},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table reservation_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_HostReservation, reservation_filters);

static struct ec2_HostReservation
reservation_show(struct api_call *call, const struct ec2_host_reservation_row *row)
{
    return (struct ec2_HostReservation){
        .count = opt_i64((int64_t)row->hosts.n),
        .currency_code = S("USD"),
        .duration = opt_i64(row->duration_s),
        .end = opt_i64(end_of(row)),
        .host_id_set = row->hosts,
        .host_reservation_id = row->id,
        .hourly_price = dollars(call->arena, row->hourly_mills),
        .instance_family = row->family,
        .offering_id = row->offering_id,
        .payment_option = row->payment,
        .start = opt_i64(row->start_ms),
        .state = end_of(row) > call->now_ms ? S("active") : S("retired"),
        .upfront_price = dollars(call->arena, row->upfront_mills),
        .tags = ec2_tags_show(call->arena, &row->tags),
    };
}

static int
ids_check(struct api_call *call, const struct str_list *ids)
{
    LIST_EACH(ids, id) {
        const struct ec2_host_reservation_row *row = ec2_host_reservation_get(call->txn, *id);
        int r = ec2_id_check(call, *id, "hr", &EC2_ERR(InvalidHostReservationId_Malformed));

        if (r)
            return r;
        if (!row || !ec2_mine(call, row->account, row->region))
            return api_fault(call, &EC2_ERR(InvalidHostReservationId_NotFound),
                             "The host reservation ID '%.*s' does not exist", STR_ARG(*id));
    }
    return 0;
}

int
ec2_describe_host_reservations(struct api_call *call,
                               const struct ec2_DescribeHostReservationsRequest *req,
                               struct ec2_DescribeHostReservationsResult *res)
{
    static const struct api_page_rule rule = {.min = 5, .max = 500, .otherwise = 500};
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &reservation_filter_table, &req->filter, &rule, req->next_token,
                             req->max_results, false, &listing);

    if (r == 0)
        r = ids_check(call, &req->host_reservation_id_set);
    if (r)
        return r;
    API_PRESENT(&res->host_reservation_set);
    STORE_EACH(call->txn, ec2_host_reservation_by_owner, row, call->account, call->region) {
        struct ec2_HostReservation shown = reservation_show(call, row);

        if (req->host_reservation_id_set.n && !str_in(&req->host_reservation_id_set, row->id))
            continue;
        if (ec2_listing_has(call, &listing, &shown, row->start_ms, row->id))
            *LIST_PUSH(call->arena, &res->host_reservation_set) = shown;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
