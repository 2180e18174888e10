/*
 * A user's name and password, or token, for one service.
 *
 * The public name is the user's at the time of making, "+1" behind it when that is taken, and stays
 * through renamings; a token wraps name and password.  What is sealed is the password alone.
 */
#include "iam/common.h"

enum { PASSWORD_CHARS = 60, DAY_MS = 24 * 60 * 60 * 1000 };

/* `token` begins the tokens of a service; NULL: it takes a name and a password. */
static const struct service {
    const char *name, *token;
} services[] = {
    {"codecommit.amazonaws.com", NULL},       {"cassandra.amazonaws.com", NULL},
    {"bedrock.amazonaws.com", "ABSK"},        {"logs.amazonaws.com", "ACWL"},
    {"cloudwatch.amazonaws.com", "APIAACWM"}, {"aws-external-anthropic.amazonaws.com", "AEAA"},
};

static const struct service *
service_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (str_eq_nocase(name, str_from(services[i].name)))
            return &services[i];
    return NULL;
}

static int
service_of(struct api_call *call, struct str name, const struct service **ret)
{
    *ret = service_find(name);
    if (*ret)
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "No such service %.*s is supported for Service Specific Credentials",
                     STR_ARG(name));
}

static struct str
token_of(struct api_call *call, const struct service *service,
         const struct iam_service_credential_row *row)
{
    struct str plain =
        str_fmt(call->arena, "%.*s:%.*s", STR_ARG(row->user_name), STR_ARG(row->secret));

    assert(service->token && row->secret.n > 0);
    return str_cat(call->arena, str_from(service->token), str_base64(call->arena, plain));
}

/* With the secret: the reply to Create and Reset alone. */
static struct iam_ServiceSpecificCredential *
show(struct api_call *call, struct str user_name, const struct iam_service_credential_row *row)
{
    const struct service *service = service_find(row->service);
    struct iam_ServiceSpecificCredential *c =
        ARENA_NEW(call->arena, struct iam_ServiceSpecificCredential);

    assert(service);
    assert(row->secret.n == PASSWORD_CHARS && str_eq(row->account, call->account));
    *c = (struct iam_ServiceSpecificCredential){
        .create_date = opt_i64(row->created_ms),
        .service_name = row->service,
        .service_specific_credential_id = row->id,
        .user_name = user_name,
        .status = iam_status(row->active),
    };
    if (row->expires_ms)
        c->expiration_date = opt_i64(row->expires_ms);
    if (service->token) {
        c->service_credential_alias = row->user_name;
        c->service_credential_secret = token_of(call, service, row);
    } else {
        c->service_user_name = row->user_name;
        c->service_password = row->secret;
    }
    return c;
}

/* ---- CreateServiceSpecificCredential ---- */

/* "NAME-at-ACCOUNT", or "NAME+N-at-ACCOUNT" with the first N that is free. */
static struct str
free_name(struct api_call *call, const struct service *service, struct str user_name)
{
    struct str name =
        str_fmt(call->arena, "%.*s-at-%.*s", STR_ARG(user_name), STR_ARG(call->account));

    assert(user_name.n > 0);
    for (unsigned n = 1;
         iam_service_credential_by_name_get(call->txn, str_from(service->name), name); n++)
        name =
            str_fmt(call->arena, "%.*s+%u-at-%.*s", STR_ARG(user_name), n, STR_ARG(call->account));
    return name;
}

int
iam_create_service_specific_credential(struct api_call *call,
                                       const struct iam_CreateServiceSpecificCredentialRequest *req,
                                       struct iam_CreateServiceSpecificCredentialResponse *res)
{
    const struct service *service;
    const struct iam_user_row *user;
    int r = iam_user_find(call, req->user_name, &user);

    if (r == 0)
        r = service_of(call, req->service_name, &service);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_SERVICE_CREDENTIALS,
                            iam_count(call->txn, &iam_service_credential_by_user,
                                      STORE_KEYS(user->id, str_from(service->name))) +
                                1);
    if (r)
        return r;
    const struct iam_service_credential_row row = {
        .id = iam_id(call, "ACCA"),
        .account = call->account,
        .user_id = user->id,
        .service = str_from(service->name),
        .user_name = free_name(call, service, user->name),
        .secret = iam_secret(call, PASSWORD_CHARS),
        .active = true,
        .created_ms = call->now_ms,
        .expires_ms =
            req->credential_age_days.set ? call->now_ms + req->credential_age_days.v * DAY_MS : 0,
    };

    r = iam_written(iam_service_credential_insert(call->txn, &row), "credential", row.id);
    if (r == 0)
        res->service_specific_credential = show(call, user->name, &row);
    return r;
}

/* ---- ListServiceSpecificCredentials ---- */

static bool
is_asked(const struct iam_service_credential_row *row, const struct iam_owner *owner,
         const struct service *service)
{
    return (!owner->id.n || str_eq(row->user_id, owner->id)) &&
           (!service || str_is(row->service, service->name));
}

static struct iam_ServiceSpecificCredentialMetadata
show_metadata(struct api_call *call, const struct iam_service_credential_row *row)
{
    const struct iam_user_row *user = iam_user_get(call->txn, row->user_id);
    const struct service *service = service_find(row->service);
    struct iam_ServiceSpecificCredentialMetadata m = {
        .status = iam_status(row->active),
        .create_date = opt_i64(row->created_ms),
        .service_specific_credential_id = row->id,
        .service_name = row->service,
    };

    assert(user && service);
    assert(str_eq(user->account, row->account));
    m.user_name = user->name;
    if (row->expires_ms)
        m.expiration_date = opt_i64(row->expires_ms);
    if (service->token)
        m.service_credential_alias = row->user_name;
    else
        m.service_user_name = row->user_name;
    return m;
}

int
iam_list_service_specific_credentials(struct api_call *call,
                                      const struct iam_ListServiceSpecificCredentialsRequest *req,
                                      struct iam_ListServiceSpecificCredentialsResponse *res)
{
    bool all_users = opt_bool_or(req->all_users, false);
    const struct service *service = NULL;
    struct iam_owner owner = {0};
    struct api_page page;
    int r = 0;

    if (all_users && req->user_name.p)
        return api_fault(call, &IAM_ERR(ValidationError), "AllUsers cannot be used with UserName.");
    if (!all_users)
        r = iam_owner_of(call, req->user_name, &owner);
    if (r == 0 && req->service_name.n)
        r = service_of(call, req->service_name, &service);
    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->service_specific_credentials);
    STORE_EACH(call->txn, iam_service_credential_by_account, row, call->account) {
        if (is_asked(row, &owner, service) && api_page_take(&page, row->id))
            *LIST_PUSH(call->arena, &res->service_specific_credentials) = show_metadata(call, row);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

/* ---- UpdateServiceSpecificCredential, Reset…, Delete… ---- */

static int
find(struct api_call *call, struct str user_name, struct str id, struct iam_owner *owner,
     const struct iam_service_credential_row **ret)
{
    int r = iam_owner_of(call, user_name, owner);

    if (r)
        return r;
    *ret = iam_service_credential_get(call->txn, id);
    if (!*ret || !str_eq((*ret)->account, call->account))
        return api_fault(call, &IAM_ERR(NoSuchEntity), "No such credential %.*s exists",
                         STR_ARG(id));
    if (str_eq((*ret)->user_id, owner->id))
        return 0;
    return api_fault(call, &IAM_ERR(ValidationError),
                     "User %.*s does not have a service specific credential with id %.*s",
                     STR_ARG(owner->name), STR_ARG(id));
}

static int
update(struct api_call *call, const struct iam_service_credential_row *row)
{
    assert(row->secret.n == PASSWORD_CHARS && row->user_name.n > 0);
    return iam_written(iam_service_credential_update(call->txn, row), "credential", row->id);
}

int
iam_update_service_specific_credential(struct api_call *call,
                                       const struct iam_UpdateServiceSpecificCredentialRequest *req,
                                       struct iam_UpdateServiceSpecificCredentialResult *res)
{
    const struct iam_service_credential_row *row;
    struct iam_owner owner;
    bool active;
    int r = find(call, req->user_name, req->service_specific_credential_id, &owner, &row);

    (void)res;
    if (r == 0)
        r = iam_status_read(call, req->status, &active);
    if (r)
        return r;
    struct iam_service_credential_row new = *row;

    new.active = active;
    return update(call, &new);
}

int
iam_reset_service_specific_credential(struct api_call *call,
                                      const struct iam_ResetServiceSpecificCredentialRequest *req,
                                      struct iam_ResetServiceSpecificCredentialResponse *res)
{
    const struct iam_service_credential_row *row;
    struct iam_owner owner;
    int r = find(call, req->user_name, req->service_specific_credential_id, &owner, &row);

    if (r)
        return r;
    struct iam_service_credential_row new = *row;

    new.secret = iam_secret(call, PASSWORD_CHARS);
    res->service_specific_credential = show(call, owner.name, &new);
    return update(call, &new);
}

int
iam_delete_service_specific_credential(struct api_call *call,
                                       const struct iam_DeleteServiceSpecificCredentialRequest *req,
                                       struct iam_DeleteServiceSpecificCredentialResult *res)
{
    const struct iam_service_credential_row *row;
    struct iam_owner owner;
    int r = find(call, req->user_name, req->service_specific_credential_id, &owner, &row);

    (void)res;
    if (r)
        return r;
    return iam_written(iam_service_credential_delete(call->txn, row->id), "credential", row->id);
}
