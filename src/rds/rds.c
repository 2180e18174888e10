/* What the API asks of this service beside its operations, and what its files share. */
#include "rds/rds.h"

const struct api_error rds_errors[RDS_N_ERRORS] = {
#define X(name, http) [RDS_ERROR_##name] = {#name, http},
    RDS_ERRORS(X)
#undef X
};

/* ---- authorization ---- */

/* Requests name things as they were written; ARNs have them in lower case. */
static int
resource_find(struct api_call *call, struct str type, struct str id, struct api_resource *resource)
{
    struct str name = str_lower(call->arena, id);

    if (str_starts(id, S("arn:"))) { /* of the operations on tags */
        resource->arn = id;
        return 0;
    }
    if (str_is(type, "db")) {
        const struct rds_instance_row *row =
            rds_instance_by_name_get(call->txn, call->account, call->region, name);

        resource->tags = row ? &row->tags : NULL;
    } else if (str_is(type, "subgrp")) {
        const struct rds_subnet_group_row *row =
            rds_subnet_group_by_name_get(call->txn, call->account, call->region, name);

        resource->tags = row ? &row->tags : NULL;
    } else if (str_is(type, "pg")) {
        const struct rds_parameter_group_row *row =
            rds_parameter_group_by_name_get(call->txn, call->account, call->region, name);

        resource->tags = row ? &row->tags : NULL;
    } else if (str_is(type, "snapshot")) {
        const struct rds_snapshot_row *row =
            rds_snapshot_by_name_get(call->txn, call->account, call->region, name);

        resource->tags = row ? &row->tags : NULL;
    }
    if (!str_is(name, "*"))
        resource->arn = rds_arn(call, str_cstr(call->arena, type), name);
    assert(type.n > 0);
    return 0;
}

const struct api_service_hooks rds_hooks = {.service = &rds_service, .resource = resource_find};

/* ---- refusals ---- */

int
rds_refuse_first(struct api_call *call, const struct rds_refusal *list, size_t n)
{
    assert(n > 0);
    for (size_t i = 0; i < n; i++)
        if (list[i].wanted)
            return RDS_INVALID(call, "The parameter %s is not implemented by Welkin",
                               list[i].member);
    return 0;
}

int
rds_written(int r, const char *what, struct str id)
{
    return r < 0 ? error_origin(-r, "%s %.*s cannot be written", what, STR_ARG(id)) : 0;
}

/* ---- names ---- */

struct str
rds_arn(struct api_call *call, const char *type, struct str name)
{
    assert(type[0] && call->region.n > 0 && call->account.n == 12);
    return str_fmt(call->arena, "arn:aws:rds:%.*s:%.*s:%s:%.*s", STR_ARG(call->region),
                   STR_ARG(call->account), type, STR_ARG(name));
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_identifier(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    return s.n > 0 && is_letter(s.p[0]) && s.p[s.n - 1] != '-' && str_find(s, S("--")) == SIZE_MAX;
}

int
rds_identifier(struct api_call *call, const char *parameter, struct str given, size_t max,
               struct str *ret)
{
    assert(max > 0 && max <= 255);
    if (!given.n)
        return RDS_INVALID(call, "The parameter %s must be provided and must not be blank.",
                           parameter);
    if (!is_identifier(given))
        return RDS_INVALID(call,
                           "The parameter %s is not a valid identifier. Identifiers must begin "
                           "with a letter; must contain only ASCII letters, digits, and hyphens; "
                           "and must not end with a hyphen or contain two consecutive hyphens.",
                           parameter);
    if (given.n > max)
        return RDS_INVALID(call,
                           "The parameter %s is not a valid identifier because it is longer than "
                           "%zu characters.",
                           parameter, max);
    *ret = str_lower(call->arena, given);
    return 0;
}

/* ---- pages ---- */

static const struct api_page_rule page_rule = {.min = 20, .max = 100, .otherwise = 100};

int
rds_page_open(struct api_call *call, struct str marker, struct opt_i64 max, struct api_page *ret)
{
    const struct api_page_scope scope = api_page_scope(call);

    if (max.set && (max.v < page_rule.min || max.v > page_rule.max))
        return RDS_INVALID(call, "Invalid value %lld for MaxRecords. Must be between %lld and %lld",
                           (long long)max.v, (long long)page_rule.min, (long long)page_rule.max);
    if (api_page_open(call->arena, &scope, &page_rule, marker, max, false, ret, &call->fault))
        return RDS_INVALID(call, "Invalid Marker: %.*s", STR_ARG(marker));
    return 0;
}

struct str
rds_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* ---- pairs ---- */

struct str
rds_pair(const struct str_list *pairs, const char *name)
{
    assert(pairs->n % 2 == 0 && name[0]);
    for (size_t i = 0; i < pairs->n; i += 2)
        if (str_is(pairs->v[i], name))
            return pairs->v[i + 1];
    return STR_NONE;
}

void
rds_pair_set(struct api_call *call, struct str_list *pairs, struct str name, struct str value)
{
    assert(name.n > 0);
    *pairs = api_tags_put(call->arena, pairs, name, value);
}

/* ---- what holds of a row, whatever was called ---- */

bool
rds_instance_ok(const struct rds_instance_row *row)
{
    return row->id.n > 0 && row->account.n == 12 && row->name.n > 0 && row->address.n > 0 &&
           rds_offer_find(row->engine) && row->port > 0 && row->storage_gib > 0 &&
           row->status >= 0 && row->status < RDS_N_STATUSES && row->step >= 0 &&
           row->step <= RDS_STEP_END && row->pending.n % 2 == 0 && row->tags.n % 2 == 0 &&
           row->parameters.n % 2 == 0 && row->groups.n > 0 && row->vpc_id.n > 0 &&
           row->verifier.n > 0 && row->retention_days >= 0 &&
           row->retention_days <= RDS_RETENTION_DAYS_MAX;
}
