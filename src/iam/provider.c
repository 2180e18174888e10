/*
 * Identity providers.  OpenID Connect: a URL, who may use it, and thumbprints of certificates;
 * SAML: a metadata document.  Both are kept as given: Welkin connects to nobody, so thumbprints
 * that a call leaves out are not fetched.
 */
#include "iam/holds.h"
#include "iam/tag_ops.h"

enum { THUMBPRINTS_MAX = 5, SAML_BYTES_MAX = 4000000 };
#define SAML_YEARS_MS (INT64_C(36525) * 86400 * 1000) /* 100 years */
#define OIDC S("oidc")
#define SAML S("saml")

static int
provider_put(struct api_call *call, const struct iam_provider_row *row)
{
    iam_provider_assert(row);
    return iam_written(iam_provider_update(call->txn, row), "provider", row->id);
}

static const struct iam_provider_row *
provider_get(struct api_call *call, struct str arn, struct str kind)
{
    const struct iam_provider_row *row = iam_provider_get(call->txn, arn);

    assert(str_eq(kind, OIDC) || str_eq(kind, SAML));
    assert(!row || str_eq(row->kind, OIDC) || str_eq(row->kind, SAML));
    return row && str_eq(row->account, call->account) && str_eq(row->kind, kind) ? row : NULL;
}

static int64_t
provider_count(struct api_call *call, struct str kind)
{
    return iam_count(call->txn, &iam_provider_by_account, STORE_KEYS(call->account, kind));
}

/* ---- OpenID Connect: making ---- */

static int
oidc_find(struct api_call *call, struct str arn, const struct iam_provider_row **ret)
{
    *ret = provider_get(call, arn, OIDC);
    if (*ret)
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity), "OpenIDConnect Provider not found for arn %.*s",
                     STR_ARG(arn));
}

/* https://HOST[/PATH] without port, query or user; *ret is what is behind "https://". */
static int
oidc_url(struct api_call *call, struct str url, struct str *ret)
{
    struct str rest = str_cut(url, 8, url.n);
    bool ok = str_starts(url, S("https://")) && rest.n > 0 && rest.p[0] != '/';

    for (size_t i = 0; ok && i < rest.n; i++)
        ok = rest.p[i] > ' ' && rest.p[i] <= '~' && !memchr("?#@:", rest.p[i], 4);
    if (!ok)
        return api_fault(call, &IAM_ERR(ValidationError), "Invalid Open ID Connect Provider URL");
    *ret = rest;
    assert(ret->n > 0 && ret->p[0] != '/');
    return 0;
}

static int
thumbprints_check(struct api_call *call, const struct str_list *list)
{
    struct str bytes;

    if (list->n > THUMBPRINTS_MAX)
        return api_fault(call, &IAM_ERR(InvalidInput),
                         "Thumbprint list must contain fewer than 5 entries.");
    LIST_EACH(list, s)
        if (!str_unhex(call->arena, str_lower(call->arena, *s), &bytes))
            return api_fault(call, &IAM_ERR(InvalidInput),
                             "Thumbprint %.*s must be a hexadecimal string.", STR_ARG(*s));
    return 0;
}

/* Each once, in the order of the request. */
static struct str_list
distinct(struct api_call *call, const struct str_list *list)
{
    struct str_list out = {0};

    LIST_EACH(list, s)
        if (!str_in(&out, *s))
            *LIST_PUSH(call->arena, &out) = *s;
    assert(out.n <= list->n);
    return out;
}

int
iam_create_open_id_connect_provider(struct api_call *call,
                                    const struct iam_CreateOpenIDConnectProviderRequest *req,
                                    struct iam_CreateOpenIDConnectProviderResponse *res)
{
    struct iam_provider_row row = {
        .account = call->account,
        .kind = OIDC,
        .client_ids = distinct(call, &req->client_id_list),
        .thumbprints = distinct(call, &req->thumbprint_list),
        .created_ms = call->now_ms,
    };
    const struct str_list none = {0};
    int r = oidc_url(call, req->url, &row.url);

    if (r)
        return r;
    row.id = iam_arn(call, "oidc-provider", S("/"), row.url);
    if (iam_provider_get(call->txn, row.id))
        return api_fault(call, &IAM_ERR(EntityAlreadyExists),
                         "Provider with url %.*s already exists.", STR_ARG(req->url));
    r = iam_quota_check(call, IAM_QUOTA_OIDC_PROVIDERS, provider_count(call, OIDC) + 1);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_OIDC_CLIENTS, (int64_t)row.client_ids.n);
    if (r == 0)
        r = thumbprints_check(call, &row.thumbprints);
    if (r == 0)
        r = iam_tags_put_cased(call, &req->tags, &none, &row.tags);
    if (r == 0)
        r = iam_written(iam_provider_insert(call->txn, &row), "provider", row.id);
    if (r)
        return r;
    iam_provider_assert(&row);
    res->open_id_connect_provider_arn = row.id;
    res->tags = iam_tags_show(call, &row.tags);
    return 0;
}

int
iam_delete_open_id_connect_provider(struct api_call *call,
                                    const struct iam_DeleteOpenIDConnectProviderRequest *req,
                                    struct iam_DeleteOpenIDConnectProviderResult *res UNUSED)
{
    const struct iam_provider_row *row =
        provider_get(call, req->open_id_connect_provider_arn, OIDC);

    /* What is not there is deleted already, as on AWS. */
    return row ? iam_written(iam_provider_delete(call->txn, row->id), "provider", row->id) : 0;
}

/* ---- OpenID Connect: showing ---- */

int
iam_get_open_id_connect_provider(struct api_call *call,
                                 const struct iam_GetOpenIDConnectProviderRequest *req,
                                 struct iam_GetOpenIDConnectProviderResponse *res)
{
    const struct iam_provider_row *row;
    int r = oidc_find(call, req->open_id_connect_provider_arn, &row);

    if (r)
        return r;
    res->url = row->url;
    res->client_id_list = row->client_ids;
    res->thumbprint_list = row->thumbprints;
    API_PRESENT(&res->client_id_list);
    API_PRESENT(&res->thumbprint_list);
    res->create_date = opt_i64(row->created_ms);
    res->tags = iam_tags_show(call, &row->tags);
    return 0;
}

int
iam_list_open_id_connect_providers(struct api_call *call,
                                   const struct iam_ListOpenIDConnectProvidersRequest *req UNUSED,
                                   struct iam_ListOpenIDConnectProvidersResponse *res)
{
    API_PRESENT(&res->open_id_connect_provider_list);
    STORE_EACH(call->txn, iam_provider_by_account, row, call->account, OIDC)
        LIST_PUSH(call->arena, &res->open_id_connect_provider_list)->arn = row->id;
    return 0;
}

/* ---- OpenID Connect: changing ---- */

int
iam_add_client_id_to_open_id_connect_provider(
    struct api_call *call, const struct iam_AddClientIDToOpenIDConnectProviderRequest *req,
    struct iam_AddClientIDToOpenIDConnectProviderResult *res UNUSED)
{
    const struct iam_provider_row *row;
    int r = oidc_find(call, req->open_id_connect_provider_arn, &row);

    if (r || str_in(&row->client_ids, req->client_id))
        return r;
    struct iam_provider_row new = *row;

    new.client_ids = distinct(call, &row->client_ids);
    *LIST_PUSH(call->arena, &new.client_ids) = req->client_id;
    assert(new.client_ids.n == row->client_ids.n + 1);
    r = iam_quota_check(call, IAM_QUOTA_OIDC_CLIENTS, (int64_t) new.client_ids.n);
    return r ? r : provider_put(call, &new);
}

int
iam_remove_client_id_from_open_id_connect_provider(
    struct api_call *call, const struct iam_RemoveClientIDFromOpenIDConnectProviderRequest *req,
    struct iam_RemoveClientIDFromOpenIDConnectProviderResult *res UNUSED)
{
    const struct iam_provider_row *row;
    int r = oidc_find(call, req->open_id_connect_provider_arn, &row);

    if (r)
        return r;
    struct iam_provider_row new = *row;

    new.client_ids = (struct str_list){0};
    assert((int64_t)row->client_ids.n <= iam_quota(IAM_QUOTA_OIDC_CLIENTS));
    LIST_EACH(&row->client_ids, id)
        if (!str_eq(*id, req->client_id))
            *LIST_PUSH(call->arena, &new.client_ids) = *id;
    return provider_put(call, &new);
}

int
iam_update_open_id_connect_provider_thumbprint(
    struct api_call *call, const struct iam_UpdateOpenIDConnectProviderThumbprintRequest *req,
    struct iam_UpdateOpenIDConnectProviderThumbprintResult *res UNUSED)
{
    const struct iam_provider_row *row;
    struct iam_provider_row new;
    int r = oidc_find(call, req->open_id_connect_provider_arn, &row);

    if (r)
        return r;
    new = *row;
    new.thumbprints = distinct(call, &req->thumbprint_list);
    r = thumbprints_check(call, &new.thumbprints);
    return r ? r : provider_put(call, &new);
}

/* ---- SAML ---- */

static int
saml_find(struct api_call *call, struct str arn, const struct iam_provider_row **ret)
{
    *ret = provider_get(call, arn, SAML);
    return *ret ? 0
                : api_fault(call, &IAM_ERR(NoSuchEntity), "Manifest not found for arn %.*s",
                            STR_ARG(arn));
}

/* Whether it is an XML text about an identity provider; what it says is for who uses it. */
static int
metadata_check(struct api_call *call, struct str xml)
{
    struct str text = str_trim(xml);

    if (xml.n > SAML_BYTES_MAX)
        return api_fault(call, &IAM_ERR(LimitExceeded),
                         "Cannot exceed quota for SAMLMetadataDocument: %d", SAML_BYTES_MAX);
    if (text.n == 0 || text.p[0] != '<' || text.p[text.n - 1] != '>' ||
        str_find(text, S("EntityDescriptor")) == SIZE_MAX ||
        str_find(text, S("IDPSSODescriptor")) == SIZE_MAX)
        return api_fault(call, &IAM_ERR(InvalidInput), "Could not parse metadata");
    return 0;
}

static int
encryption_refuse(struct api_call *call, const char *name, struct str value)
{
    assert(name);
    if (!value.p)
        return 0;
    return api_fault(call, &IAM_ERR(InvalidInput),
                     "%s is not supported: SAML assertions are not encrypted.", name);
}

int
iam_create_saml_provider(struct api_call *call, const struct iam_CreateSAMLProviderRequest *req,
                         struct iam_CreateSAMLProviderResponse *res)
{
    struct iam_provider_row row = {
        .id = iam_arn(call, "saml-provider", S("/"), req->name),
        .account = call->account,
        .kind = SAML,
        .url = req->name,
        .document = req->saml_metadata_document,
        .created_ms = call->now_ms,
        .expires_ms = call->now_ms + SAML_YEARS_MS,
    };
    const struct str_list none = {0};
    int r = encryption_refuse(call, "AssertionEncryptionMode", req->assertion_encryption_mode);

    if (r == 0)
        r = encryption_refuse(call, "AddPrivateKey", req->add_private_key);
    if (r == 0 && iam_provider_get(call->txn, row.id))
        r = iam_exists(call, "SAML provider", req->name);
    if (r == 0)
        r = metadata_check(call, req->saml_metadata_document);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_SAML_PROVIDERS, provider_count(call, SAML) + 1);
    if (r == 0)
        r = iam_tags_put_cased(call, &req->tags, &none, &row.tags);
    if (r == 0)
        r = iam_written(iam_provider_insert(call->txn, &row), "provider", row.id);
    if (r)
        return r;
    iam_provider_assert(&row);
    res->saml_provider_arn = row.id;
    res->tags = iam_tags_show(call, &row.tags);
    return 0;
}

int
iam_get_saml_provider(struct api_call *call, const struct iam_GetSAMLProviderRequest *req,
                      struct iam_GetSAMLProviderResponse *res)
{
    const struct iam_provider_row *row;
    int r = saml_find(call, req->saml_provider_arn, &row);

    if (r)
        return r;
    res->saml_metadata_document = row->document;
    res->create_date = opt_i64(row->created_ms);
    res->valid_until = opt_i64(row->expires_ms);
    res->tags = iam_tags_show(call, &row->tags);
    return 0;
}

int
iam_list_saml_providers(struct api_call *call,
                        const struct iam_ListSAMLProvidersRequest *req UNUSED,
                        struct iam_ListSAMLProvidersResponse *res)
{
    API_PRESENT(&res->saml_provider_list);
    STORE_EACH(call->txn, iam_provider_by_account, row, call->account, SAML)
        *LIST_PUSH(call->arena, &res->saml_provider_list) = (struct iam_SAMLProviderListEntry){
            .arn = row->id,
            .valid_until = opt_i64(row->expires_ms),
            .create_date = opt_i64(row->created_ms),
        };
    return 0;
}

int
iam_update_saml_provider(struct api_call *call, const struct iam_UpdateSAMLProviderRequest *req,
                         struct iam_UpdateSAMLProviderResponse *res)
{
    const struct iam_provider_row *row;
    struct iam_provider_row new;
    int r = saml_find(call, req->saml_provider_arn, &row);

    if (r == 0)
        r = encryption_refuse(call, "AssertionEncryptionMode", req->assertion_encryption_mode);
    if (r == 0)
        r = encryption_refuse(call, "AddPrivateKey", req->add_private_key);
    if (r == 0)
        r = encryption_refuse(call, "RemovePrivateKey", req->remove_private_key);
    if (r)
        return r;
    res->saml_provider_arn = row->id;
    if (!req->saml_metadata_document.p)
        return 0;
    new = *row;
    new.document = req->saml_metadata_document;
    r = metadata_check(call, new.document);
    return r ? r : provider_put(call, &new);
}

int
iam_delete_saml_provider(struct api_call *call, const struct iam_DeleteSAMLProviderRequest *req,
                         struct iam_DeleteSAMLProviderResult *res UNUSED)
{
    const struct iam_provider_row *row;
    int r = saml_find(call, req->saml_provider_arn, &row);

    return r ? r : iam_written(iam_provider_delete(call->txn, row->id), "provider", row->id);
}

/* ---- tags ---- */

IAM_TAG_OPS(open_id_connect_provider, OpenIDConnectProvider, iam_provider_row,
            open_id_connect_provider_arn, oidc_find, provider_put, IAM_KEYS_CASED)
IAM_TAG_LIST_OP(open_id_connect_provider, OpenIDConnectProvider, iam_provider_row,
                open_id_connect_provider_arn, oidc_find)
IAM_TAG_OPS(saml_provider, SAMLProvider, iam_provider_row, saml_provider_arn, saml_find,
            provider_put, IAM_KEYS_CASED)
IAM_TAG_LIST_OP(saml_provider, SAMLProvider, iam_provider_row, saml_provider_arn, saml_find)
