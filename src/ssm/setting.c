/* Service settings of Parameter Store: what an account chose for a region. */
#include "ssm/ssm.h"

struct setting {
    const char *id;
    const char *values[4]; /* the first is the default */
};

static const struct setting settings[] = {
    {"/ssm/parameter-store/default-parameter-tier",
     {"Standard", "Advanced", "Intelligent-Tiering"}},
    {"/ssm/parameter-store/high-throughput-enabled", {"false", "true"}},
};

static const struct setting *
by_id(struct str id)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (str_is(id, settings[i].id))
            return &settings[i];
    return NULL;
}

/* By its id or its ARN. */
static int
find(struct api_call *call, struct str id, const struct setting **ret)
{
    size_t at = str_starts(id, S("arn:")) ? str_find(id, S(":servicesetting/")) : SIZE_MAX;
    struct str name = at == SIZE_MAX ? id : str_cut(id, at + strlen(":servicesetting"), id.n);

    *ret = by_id(name);
    assert(!*ret || (*ret)->values[0]);
    if (*ret)
        return 0;
    return api_fault(call, &SSM_ERR(ServiceSettingNotFound),
                     "The specified service setting wasn't found: %.*s. Welkin has those of "
                     "/ssm/parameter-store/.",
                     STR_ARG(id));
}

static struct str
key_of(struct api_call *call, const struct setting *setting)
{
    assert(setting->id[0] == '/');
    return str_fmt(call->arena, "%.*s/%.*s%s", STR_ARG(call->account), STR_ARG(call->region),
                   setting->id);
}

static struct ssm_ServiceSetting *
show(struct api_call *call, const struct setting *setting)
{
    const struct ssm_setting_row *row = ssm_setting_get(call->txn, key_of(call, setting));
    struct ssm_ServiceSetting *shown = ARENA_NEW(call->arena, struct ssm_ServiceSetting);

    *shown = (struct ssm_ServiceSetting){
        .setting_id = str_from(setting->id),
        .setting_value = row ? row->value : str_from(setting->values[0]),
        .last_modified_date = opt_i64(row ? row->modified_ms : 0),
        .last_modified_user = row ? row->modified_by : S("System"),
        .arn = str_fmt(call->arena, "arn:aws:ssm:%.*s:%.*s:servicesetting%s", STR_ARG(call->region),
                       STR_ARG(call->account), setting->id),
        .status = row ? S("Customized") : S("Default"),
    };
    return shown;
}

struct str
ssm_default_tier(struct api_call *call)
{
    const struct ssm_setting_row *row = ssm_setting_get(call->txn, key_of(call, &settings[0]));

    assert(!row || row->value.n > 0);
    return row ? row->value : str_from(settings[0].values[0]);
}

int
ssm_get_service_setting(struct api_call *call, const struct ssm_GetServiceSettingRequest *req,
                        struct ssm_GetServiceSettingResult *res)
{
    const struct setting *setting;
    int r = find(call, req->setting_id, &setting);

    if (r == 0)
        res->service_setting = show(call, setting);
    return r;
}

int
ssm_update_service_setting(struct api_call *call, const struct ssm_UpdateServiceSettingRequest *req,
                           struct ssm_UpdateServiceSettingResult *res UNUSED)
{
    const struct setting *setting;
    bool known = false;
    int r = find(call, req->setting_id, &setting);

    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(setting->values) && setting->values[i]; i++)
        known = known || str_is(req->setting_value, setting->values[i]);
    if (!known)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Invalid value %.*s for the service setting %s.",
                         STR_ARG(req->setting_value), setting->id);
    struct ssm_setting_row row = {
        .id = key_of(call, setting),
        .value = req->setting_value,
        .modified_ms = call->now_ms,
        .modified_by = call->principal_arn,
    };

    r = ssm_setting_get(call->txn, row.id) ? ssm_setting_update(call->txn, &row)
                                           : ssm_setting_insert(call->txn, &row);
    return r < 0 ? error_origin(-r, "setting %.*s cannot be written", STR_ARG(row.id)) : 0;
}

int
ssm_reset_service_setting(struct api_call *call, const struct ssm_ResetServiceSettingRequest *req,
                          struct ssm_ResetServiceSettingResult *res)
{
    const struct setting *setting;
    int r = find(call, req->setting_id, &setting);

    if (r)
        return r;
    struct str key = key_of(call, setting);

    if (ssm_setting_get(call->txn, key))
        r = ssm_setting_delete(call->txn, key);
    if (r < 0)
        return error_origin(-r, "setting %.*s cannot be deleted", STR_ARG(key));
    res->service_setting = show(call, setting);
    return 0;
}
