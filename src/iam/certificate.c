/*
 * Signing certificates of users, and server certificates of the account.
 *
 * Nothing here signs or serves with them yet; what AWS checks at the door is checked: form, dates,
 * whether the private key belongs to the certificate, whether the chain is one.  A server
 * certificate's private key is sealed in the store and no operation tells it.
 */
#include "iam/holds.h"
#include "iam/tag_ops.h"
#include "iam/x509.h"

/* ---- signing certificates ---- */

static struct str
signing_key(struct api_call *call, struct str id)
{
    return str_fmt(call->arena, "%.*s/%.*s", STR_ARG(call->account), STR_ARG(id));
}

static struct str
signing_id(const struct iam_signing_certificate_row *row)
{
    assert(str_starts(row->id, row->account) && row->id.p[row->account.n] == '/');
    return str_cut(row->id, row->account.n + 1, row->id.n);
}

static struct iam_SigningCertificate
show_signing(const struct iam_owner *owner, const struct iam_signing_certificate_row *row)
{
    assert(row->body.n > 0 && str_eq(row->user_id, owner->id));
    return (struct iam_SigningCertificate){
        .user_name = owner->name,
        .certificate_id = signing_id(row),
        .certificate_body = row->body,
        .status = iam_status(row->active),
        .upload_date = opt_i64(row->created_ms),
    };
}

static int
find_signing(struct api_call *call, struct str user_name, struct str id, struct iam_owner *owner,
             const struct iam_signing_certificate_row **ret)
{
    int r = iam_owner_of(call, user_name, owner);

    if (r)
        return r;
    *ret = iam_signing_certificate_get(call->txn, signing_key(call, id));
    if (*ret && str_eq((*ret)->user_id, owner->id))
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity), "The Certificate with id %.*s cannot be found.",
                     STR_ARG(id));
}

/*
 * The same certificate again is answered as it was at first, though its status stays what it is
 * now: so AWS does.
 */
static int
uploaded_again(struct api_call *call, const struct iam_owner *owner,
               const struct iam_signing_certificate_row *row,
               struct iam_UploadSigningCertificateResponse *res)
{
    assert(res->certificate);
    if (!str_eq(row->user_id, owner->id))
        return api_fault(call, &IAM_ERR(DuplicateCertificate), "Duplicate certificate uploaded.");
    *res->certificate = show_signing(owner, row);
    res->certificate->status = iam_status(true);
    return 0;
}

int
iam_upload_signing_certificate(struct api_call *call,
                               const struct iam_UploadSigningCertificateRequest *req,
                               struct iam_UploadSigningCertificateResponse *res)
{
    const struct iam_signing_certificate_row *old;
    struct x509_facts facts;
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r)
        return r;
    if (!x509_read(call->arena, req->certificate_body, &facts) || facts.until_ms < call->now_ms)
        return api_fault(call, &IAM_ERR(MalformedCertificate), "Certificate %.*s is malformed.",
                         STR_ARG(req->certificate_body));
    res->certificate = ARENA_NEW(call->arena, struct iam_SigningCertificate);
    assert(facts.id.n > 0 && facts.from_ms <= facts.until_ms);
    old = iam_signing_certificate_get(call->txn, signing_key(call, facts.id));
    if (old)
        return uploaded_again(call, &owner, old, res);
    r = iam_quota_check(
        call, IAM_QUOTA_SIGNING_CERTIFICATES,
        iam_count(call->txn, &iam_signing_certificate_by_user, STORE_KEYS(owner.id)) + 1);
    if (r)
        return r;
    const struct iam_signing_certificate_row row = {
        .id = signing_key(call, facts.id),
        .account = call->account,
        .user_id = owner.id,
        .body = req->certificate_body,
        .active = true,
        .created_ms = call->now_ms,
    };

    *res->certificate = show_signing(&owner, &row);
    return iam_written(iam_signing_certificate_insert(call->txn, &row), "certificate", row.id);
}

int
iam_list_signing_certificates(struct api_call *call,
                              const struct iam_ListSigningCertificatesRequest *req,
                              struct iam_ListSigningCertificatesResponse *res)
{
    struct iam_owner owner;
    struct api_page page;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->certificates);
    STORE_EACH(call->txn, iam_signing_certificate_by_user, row, owner.id) {
        if (api_page_take(&page, iam_time_key(call, row->created_ms, row->id)))
            *LIST_PUSH(call->arena, &res->certificates) = show_signing(&owner, row);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_update_signing_certificate(struct api_call *call,
                               const struct iam_UpdateSigningCertificateRequest *req,
                               struct iam_UpdateSigningCertificateResult *res)
{
    const struct iam_signing_certificate_row *row;
    struct iam_owner owner;
    bool active;
    int r = find_signing(call, req->user_name, req->certificate_id, &owner, &row);

    (void)res;
    if (r == 0)
        r = iam_status_read(call, req->status, &active);
    if (r)
        return r;
    struct iam_signing_certificate_row new = *row;

    new.active = active;
    return iam_written(iam_signing_certificate_update(call->txn, &new), "certificate", new.id);
}

int
iam_delete_signing_certificate(struct api_call *call,
                               const struct iam_DeleteSigningCertificateRequest *req,
                               struct iam_DeleteSigningCertificateResult *res)
{
    const struct iam_signing_certificate_row *row;
    struct iam_owner owner;
    int r = find_signing(call, req->user_name, req->certificate_id, &owner, &row);

    (void)res;
    if (r)
        return r;
    return iam_written(iam_signing_certificate_delete(call->txn, row->id), "certificate", row->id);
}

/* ---- server certificates ---- */

static int
find_server(struct api_call *call, struct str name, const struct iam_server_certificate_row **ret)
{
    *ret =
        iam_server_certificate_by_name_get(call->txn, call->account, str_lower(call->arena, name));
    if (*ret)
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "The Server Certificate with name %.*s cannot be found.", STR_ARG(name));
}

static int
server_name_free(struct api_call *call, struct str name, struct str but)
{
    const struct iam_server_certificate_row *row =
        iam_server_certificate_by_name_get(call->txn, call->account, str_lower(call->arena, name));

    return row && !str_eq(row->id, but) ? iam_exists(call, "The Server Certificate", name) : 0;
}

static int
update_server(struct api_call *call, const struct iam_server_certificate_row *row)
{
    iam_server_certificate_assert(row);
    return iam_written(iam_server_certificate_update(call->txn, row), "server certificate",
                       row->id);
}

static struct iam_ServerCertificateMetadata
show_server(struct api_call *call, const struct iam_server_certificate_row *row)
{
    iam_server_certificate_assert(row);
    return (struct iam_ServerCertificateMetadata){
        .path = row->path,
        .server_certificate_name = row->name,
        .server_certificate_id = row->id,
        .arn = iam_arn(call, "server-certificate", row->path, row->name),
        .upload_date = opt_i64(row->uploaded_ms),
        .expiration = opt_i64(row->expires_ms),
    };
}

static int
material_check(struct api_call *call, const struct iam_UploadServerCertificateRequest *req,
               struct x509_facts *ret)
{
    if (!x509_read(call->arena, req->certificate_body, ret))
        return api_fault(call, &IAM_ERR(MalformedCertificate),
                         "Unable to parse certificate. Please ensure the certificate is in PEM "
                         "format.");
    if (ret->until_ms < call->now_ms)
        return api_fault(call, &IAM_ERR(MalformedCertificate),
                         "Certificate is no longer valid. The 'Not After' date restriction on the "
                         "certificate has passed.");
    if (ret->from_ms > call->now_ms)
        return api_fault(call, &IAM_ERR(MalformedCertificate),
                         "Certificate is not yet valid. The 'Not Before' date restriction on the "
                         "certificate has not passed.");
    assert(ret->from_ms <= call->now_ms && ret->until_ms >= call->now_ms);
    switch (x509_key_match(req->certificate_body, req->private_key)) {
    case X509_NO_KEY:
        return api_fault(call, &IAM_ERR(MalformedCertificate),
                         "Unable to parse key; the body must be in PEM format and not encrypted.");
    case X509_MISMATCH:
        return api_fault(call, &IAM_ERR(KeyPairMismatch),
                         "The private key did not match the public key provided. Please verify the "
                         "key material and try again.");
    case X509_MATCH:
        break;
    }
    int place = req->certificate_chain.n
                    ? x509_chain_check(req->certificate_body, req->certificate_chain)
                    : -1;

    assert(place >= -2);
    if (place == -2)
        return api_fault(call, &IAM_ERR(MalformedCertificate), "Unknown");
    if (place >= 0)
        return api_fault(call, &IAM_ERR(MalformedCertificate),
                         "Unable to validate certificate chain. The certificate chain must start "
                         "with the immediate signing certificate, followed by any intermediaries "
                         "in order. The index within the chain of the invalid certificate is: %d",
                         place - 1);
    return 0;
}

int
iam_upload_server_certificate(struct api_call *call,
                              const struct iam_UploadServerCertificateRequest *req,
                              struct iam_UploadServerCertificateResponse *res)
{
    struct x509_facts facts;
    struct iam_server_certificate_row row = {
        .id = iam_id(call, "ASCA"),
        .account = call->account,
        .path = iam_path(req->path),
        .name = req->server_certificate_name,
        .name_lower = str_lower(call->arena, req->server_certificate_name),
        .body = str_trim(req->certificate_body),
        .chain = str_trim(req->certificate_chain),
        .private_key = req->private_key,
        .uploaded_ms = call->now_ms,
    };
    int r = iam_tags_put_cased(call, &req->tags, &row.tags, &row.tags);

    if (r == 0)
        r = server_name_free(call, row.name, STR_NONE);
    if (r == 0)
        r = material_check(call, req, &facts);
    if (r == 0)
        r = iam_quota_check(
            call, IAM_QUOTA_SERVER_CERTIFICATES,
            iam_count(call->txn, &iam_server_certificate_by_name, STORE_KEYS(call->account)) + 1);
    if (r)
        return r;
    row.expires_ms = facts.until_ms;
    r = iam_written(iam_server_certificate_insert(call->txn, &row), "server certificate", row.id);
    if (r)
        return r;
    res->server_certificate_metadata = ARENA_NEW(call->arena, struct iam_ServerCertificateMetadata);
    *res->server_certificate_metadata = show_server(call, &row);
    res->tags = iam_tags_show(call, &row.tags);
    return 0;
}

int
iam_get_server_certificate(struct api_call *call, const struct iam_GetServerCertificateRequest *req,
                           struct iam_GetServerCertificateResponse *res)
{
    const struct iam_server_certificate_row *row;
    int r = find_server(call, req->server_certificate_name, &row);

    if (r)
        return r;
    struct iam_ServerCertificate *cert = ARENA_NEW(call->arena, struct iam_ServerCertificate);

    cert->server_certificate_metadata =
        ARENA_NEW(call->arena, struct iam_ServerCertificateMetadata);
    *cert->server_certificate_metadata = show_server(call, row);
    cert->certificate_body = row->body;
    if (row->chain.n)
        cert->certificate_chain = row->chain;
    cert->tags = iam_tags_show(call, &row->tags);
    res->server_certificate = cert;
    return 0;
}

int
iam_list_server_certificates(struct api_call *call,
                             const struct iam_ListServerCertificatesRequest *req,
                             struct iam_ListServerCertificatesResponse *res)
{
    struct api_page page;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->server_certificate_metadata_list);
    STORE_EACH(call->txn, iam_server_certificate_by_name, row, call->account) {
        if (str_starts(row->path, req->path_prefix) && api_page_take(&page, row->name_lower))
            *LIST_PUSH(call->arena, &res->server_certificate_metadata_list) =
                show_server(call, row);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_update_server_certificate(struct api_call *call,
                              const struct iam_UpdateServerCertificateRequest *req,
                              struct iam_UpdateServerCertificateResult *res)
{
    const struct iam_server_certificate_row *row;
    int r = find_server(call, req->server_certificate_name, &row);

    (void)res;
    if (r == 0 && req->new_server_certificate_name.p)
        r = server_name_free(call, req->new_server_certificate_name, row->id);
    if (r)
        return r;
    struct iam_server_certificate_row new = *row;

    if (req->new_server_certificate_name.p) {
        new.name = req->new_server_certificate_name;
        new.name_lower = str_lower(call->arena, new.name);
    }
    if (req->new_path.p)
        new.path = req->new_path;
    return update_server(call, &new);
}

int
iam_delete_server_certificate(struct api_call *call,
                              const struct iam_DeleteServerCertificateRequest *req,
                              struct iam_DeleteServerCertificateResult *res)
{
    const struct iam_server_certificate_row *row;
    int r = find_server(call, req->server_certificate_name, &row);

    (void)res;
    if (r)
        return r;
    return iam_written(iam_server_certificate_delete(call->txn, row->id), "server certificate",
                       row->id);
}

/* ---- tags of server certificates ---- */

IAM_TAG_OPS(server_certificate, ServerCertificate, iam_server_certificate_row,
            server_certificate_name, find_server, update_server, IAM_KEYS_CASED)
IAM_TAG_LIST_OP(server_certificate, ServerCertificate, iam_server_certificate_row,
                server_certificate_name, find_server)
