/*
 * DB parameter groups.  An engine runs with what its group said when it started, and with what was
 * set at once since.  Default groups are no rows: every account has one of each family, and nobody
 * can change it.
 */
#include "rds/rds.h"

static bool
is_default(struct str name)
{
    return str_starts(name, S("default."));
}

struct str
rds_default_group(struct api_call *call, const struct rds_offer *offer)
{
    return str_fmt(call->arena, "default.%s", offer->family);
}

static const struct rds_parameter_group_row *
look(struct api_call *call, struct str name)
{
    return rds_parameter_group_by_name_get(call->txn, call->account, call->region,
                                           str_lower(call->arena, name));
}

static int
not_found(struct api_call *call, struct str name)
{
    return api_fault(call, &RDS_ERR(DBParameterGroupNotFound), "DBParameterGroup not found: %.*s",
                     STR_ARG(name));
}

/* One of the account's own, to change; a default one cannot be. */
static int
own_find(struct api_call *call, struct str name, struct rds_parameter_group_row *ret)
{
    const struct rds_parameter_group_row *row = look(call, name);

    if (is_default(name))
        return RDS_INVALID(call, "The parameter DBParameterGroupName is not a valid identifier. "
                                 "Default parameter groups cannot be modified or deleted.");
    if (!row)
        return not_found(call, name);
    *ret = *row;
    return 0;
}

int
rds_parameter_group_set(struct api_call *call, const struct rds_offer *offer, struct str name,
                        struct rds_instance_row *row)
{
    struct str wanted = name.n ? str_lower(call->arena, name) : rds_default_group(call, offer);
    const struct rds_parameter_group_row *group = look(call, wanted);
    struct str family = group                ? group->family
                        : is_default(wanted) ? str_cut(wanted, sizeof("default.") - 1, wanted.n)
                                             : STR_NONE;

    if (!family.p || (!group && !rds_offer_of_family(family)))
        return not_found(call, name);
    if (!str_is(family, offer->family))
        return RDS_COMBINATION(call,
                               "The parameter group %.*s with DBParameterGroupFamily %.*s can't be "
                               "used for this instance. Please use a parameter group with "
                               "DBParameterGroupFamily %s",
                               STR_ARG(wanted), STR_ARG(family), offer->family);
    assert(wanted.n > 0 && family.n > 0);
    row->parameter_group = wanted;
    return 0;
}

struct str_list
rds_parameters_of(struct api_call *call, const struct rds_instance_row *row)
{
    const struct rds_parameter_group_row *group = look(call, row->parameter_group);

    return group ? group->parameters : (struct str_list){0};
}

/* ---- the groups ---- */

static struct rds_DBParameterGroup
show(const struct rds_parameter_group_row *row)
{
    return (struct rds_DBParameterGroup){
        .db_parameter_group_name = row->name,
        .db_parameter_group_family = row->family,
        .description = row->description,
        .db_parameter_group_arn = row->id,
    };
}

int
rds_create_db_parameter_group(struct api_call *call,
                              const struct rds_CreateDBParameterGroupMessage *req,
                              struct rds_CreateDBParameterGroupResult *res)
{
    struct rds_parameter_group_row row = {.account = call->account,
                                          .region = call->region,
                                          .family = req->db_parameter_group_family,
                                          .description = req->description};
    size_t n = 0;
    int r =
        rds_identifier(call, "DBParameterGroupName", req->db_parameter_group_name, 255, &row.name);

    STORE_EACH(call->txn, rds_parameter_group_by_owner, other, call->account, call->region)
        n += other->account.n > 0;
    if (r == 0 && !rds_offer_of_family(row.family))
        r = RDS_INVALID(call, "ParameterGroupFamily %.*s is not a valid parameter group family",
                        STR_ARG(row.family));
    if (r == 0 && !row.description.n)
        r = RDS_INVALID(call, "The parameter Description must be provided and must not be blank.");
    if (r == 0 && look(call, row.name))
        r = api_fault(call, &RDS_ERR(DBParameterGroupAlreadyExists),
                      "Parameter group %.*s already exists", STR_ARG(row.name));
    if (r == 0 && n >= RDS_PARAMETER_GROUPS_MAX)
        r = api_fault(call, &RDS_ERR(DBParameterGroupQuotaExceeded),
                      "The request would result in the user exceeding the allowed number of DB "
                      "parameter groups.");
    if (r == 0)
        r = rds_tags_put(call, &req->tags, &row.tags);
    if (r)
        return r;
    row.id = rds_arn(call, "pg", row.name);
    res->db_parameter_group = ARENA_NEW(call->arena, struct rds_DBParameterGroup);
    *res->db_parameter_group = show(&row);
    return rds_written(rds_parameter_group_insert(call->txn, &row), "parameter group", row.name);
}

int
rds_delete_db_parameter_group(struct api_call *call,
                              const struct rds_DeleteDBParameterGroupMessage *req,
                              struct rds_DeleteDBParameterGroupResult *res UNUSED)
{
    struct rds_parameter_group_row row;
    int r = own_find(call, req->db_parameter_group_name, &row);

    if (r)
        return r;
    STORE_EACH(call->txn, rds_instance_by_owner, db, call->account, call->region)
        if (str_eq(db->parameter_group, row.name))
            return api_fault(call, &RDS_ERR(InvalidDBParameterGroupState),
                             "One or more database instances are still members of this parameter "
                             "group %.*s, so the group cannot be deleted",
                             STR_ARG(row.name));
    return rds_written(rds_parameter_group_delete(call->txn, row.id), "parameter group", row.name);
}

/* The default groups come with the others, by name. */
int
rds_describe_db_parameter_groups(struct api_call *call,
                                 const struct rds_DescribeDBParameterGroupsMessage *req,
                                 struct rds_DBParameterGroupsMessage *res)
{
    static const char *const families[] = {"mariadb10.11", "mysql8.0", "postgres15"};
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    struct str name = str_lower(call->arena, req->db_parameter_group_name);
    struct rds_DBParameterGroupList all = {0};
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r)
        return r;
    size_t f = 0;
    struct store_cursor c = store_seek(call->txn, &rds_parameter_group_by_owner,
                                       STORE_KEYS(call->account, call->region));
    const struct rds_parameter_group_row *row = rds_parameter_group_by_owner_next(&c);

    while (row || f < ARRAY_LEN(families)) {
        struct str usual =
            f < ARRAY_LEN(families) ? str_fmt(call->arena, "default.%s", families[f]) : STR_NONE;

        if (!row || (usual.p && str_cmp(usual, row->name) < 0)) {
            *LIST_PUSH(call->arena, &all) = (struct rds_DBParameterGroup){
                .db_parameter_group_name = usual,
                .db_parameter_group_family = str_from(families[f]),
                .description = str_fmt(call->arena, "Default parameter group for %s", families[f]),
                .db_parameter_group_arn = rds_arn(call, "pg", usual)};
            f++;
        } else {
            *LIST_PUSH(call->arena, &all) = show(row);
            row = rds_parameter_group_by_owner_next(&c);
        }
    }
    API_PRESENT(&res->db_parameter_groups);
    LIST_EACH(&all, g)
        if ((!name.n || str_eq(name, g->db_parameter_group_name)) &&
            api_page_take(&page, g->db_parameter_group_name))
            *LIST_PUSH(call->arena, &res->db_parameter_groups) = *g;
    if (name.n && !res->db_parameter_groups.n && !req->marker.n)
        return not_found(call, req->db_parameter_group_name);
    res->marker = rds_page_next(call, &page);
    return 0;
}

/* ---- parameters ---- */

static int
value_check(struct api_call *call, const struct rds_parameter *p, struct str value)
{
    int64_t v;
    struct str rest = str_from(p->allowed);
    bool good = false;

    assert(p->allowed && p->allowed[0]);
    if (p->max > p->min) {
        good = str_to_i64(value, &v) && v >= p->min && v <= p->max;
    } else {
        while (rest.p && !good)
            good = str_eq(value, str_split(&rest, ','));
    }
    return good ? 0
                : RDS_INVALID(call, "Invalid parameter value: %.*s for: %s allowed values are: %s",
                              STR_ARG(value), p->name, p->allowed);
}

static int
parameter_find(struct api_call *call, const struct rds_parameter_group_row *group, struct str name,
               const struct rds_parameter **ret)
{
    const struct rds_offer *offer = rds_offer_of_family(group->family);

    assert(offer);
    *ret = rds_parameter_find(offer, name);
    return *ret ? 0 : RDS_INVALID(call, "Could not find parameter with name: %.*s", STR_ARG(name));
}

/* The DB instances of the group get what was set at once, and wait for a reboot for the rest. */
static int
spread(struct api_call *call, const struct rds_parameter_group_row *group,
       const struct rds_ParameterList *list, bool reset)
{
    STORE_EACH(call->txn, rds_instance_by_owner, db, call->account, call->region) {
        struct rds_instance_row row = *db;
        bool told = false;
        int r = 0;

        assert(rds_instance_ok(db));
        if (!str_eq(db->parameter_group, group->name) || db->status == RDS_DELETING)
            continue;
        LIST_EACH(list, p) {
            if (!str_is(p->apply_method, "immediate")) {
                row.parameters_wait = true;
            } else if (!reset) {
                rds_pair_set(call, &row.parameters, p->parameter_name, p->parameter_value);
                told = true;
            }
        }
        row.parameters_wait = row.parameters_wait || reset;
        if (told && row.status != RDS_FAILED)
            r = rds_machine_tell(call, &row);
        if (r == 0)
            r = rds_instance_save(call, &row);
        if (r)
            return r;
    }
    return 0;
}

int
rds_modify_db_parameter_group(struct api_call *call,
                              const struct rds_ModifyDBParameterGroupMessage *req,
                              struct rds_DBParameterGroupNameMessage *res)
{
    struct rds_parameter_group_row row;
    int r = own_find(call, req->db_parameter_group_name, &row);

    LIST_EACH(&req->parameters, p) {
        const struct rds_parameter *known;

        if (r == 0)
            r = parameter_find(call, &row, p->parameter_name, &known);
        if (r == 0 && !p->parameter_value.p)
            r = RDS_INVALID(call, "The parameter ParameterValue must be provided and must not be "
                                  "blank.");
        if (r == 0 && !p->apply_method.n)
            r = RDS_INVALID(call, "The parameter ApplyMethod must be provided and must not be "
                                  "blank.");
        if (r == 0)
            r = value_check(call, known, p->parameter_value);
        if (r == 0 && !known->dynamic && str_is(p->apply_method, "immediate"))
            r = RDS_COMBINATION(call, "cannot use immediate apply method for static parameter");
        if (r)
            return r;
        rds_pair_set(call, &row.parameters, str_from(known->name), p->parameter_value);
    }
    if (r == 0)
        r = rds_written(rds_parameter_group_update(call->txn, &row), "parameter group", row.name);
    if (r == 0)
        r = spread(call, &row, &req->parameters, false);
    res->db_parameter_group_name = row.name;
    return r;
}

int
rds_reset_db_parameter_group(struct api_call *call,
                             const struct rds_ResetDBParameterGroupMessage *req,
                             struct rds_DBParameterGroupNameMessage *res)
{
    bool all = opt_bool_or(req->reset_all_parameters, false);
    struct rds_parameter_group_row row;
    struct str_list names = {0};
    int r = own_find(call, req->db_parameter_group_name, &row);

    if (r == 0 && all && req->parameters.n)
        r = RDS_COMBINATION(call, "Cannot specify parameters when ResetAllParameters is true.");
    if (r == 0 && !all && !req->parameters.n)
        r = RDS_COMBINATION(call, "Either ResetAllParameters or Parameters must be specified.");
    LIST_EACH(&req->parameters, p) {
        const struct rds_parameter *known;

        if (r == 0)
            r = parameter_find(call, &row, p->parameter_name, &known);
        *LIST_PUSH(call->arena, &names) = p->parameter_name;
    }
    if (r)
        return r;
    row.parameters =
        all ? (struct str_list){0} : api_tags_without(call->arena, &row.parameters, &names);
    res->db_parameter_group_name = row.name;
    r = rds_written(rds_parameter_group_update(call->txn, &row), "parameter group", row.name);
    return r ? r : spread(call, &row, &req->parameters, true);
}

static struct rds_Parameter
parameter_show(const struct rds_parameter *p, const struct str_list *set)
{
    struct str value = rds_pair(set, p->name);
    struct rds_Parameter out = {
        .parameter_name = str_from(p->name),
        .parameter_value = value,
        .source = value.p ? S("user") : S("engine-default"),
        .apply_type = p->dynamic ? S("dynamic") : S("static"),
        .data_type = str_from(p->type),
        .allowed_values = str_from(p->allowed),
        .is_modifiable = opt_bool(true),
        .apply_method = S("pending-reboot"),
    };

    assert(out.parameter_name.n > 0);
    return out;
}

int
rds_describe_db_parameters(struct api_call *call, const struct rds_DescribeDBParametersMessage *req,
                           struct rds_DBParameterGroupDetails *res)
{
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    const struct rds_parameter_group_row *row = look(call, req->db_parameter_group_name);
    struct str name = str_lower(call->arena, req->db_parameter_group_name);
    const struct rds_offer *offer = rds_offer_of_family(
        row ? row->family : str_cut(name, is_default(name) ? sizeof("default.") - 1 : 0, name.n));
    const struct str_list none = {0};
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0 && (!offer || (!row && !is_default(name))))
        r = not_found(call, req->db_parameter_group_name);
    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r)
        return r;
    API_PRESENT(&res->parameters);
    for (size_t i = 0; i < offer->n_parameters; i++) {
        struct rds_Parameter p =
            parameter_show(&offer->parameters[i], row ? &row->parameters : &none);

        if ((!req->source.n || str_eq(req->source, p.source)) &&
            api_page_take(&page, p.parameter_name))
            *LIST_PUSH(call->arena, &res->parameters) = p;
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}
