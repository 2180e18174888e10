/*
 * Authorization: CFN_V1 DOCUMENT:SIGNATURE — an instance without a role proves who it is by the
 * identity document of its metadata service, as the helper scripts of CloudFormation do.  It is no
 * principal and has no policies: the one service that takes it says in its hook what such a call
 * may.
 */
#include "api/guard.h"

#include "codec/json.h"
#include "gen/store/ec2_rows.h"
#include "store/keys.h"

#define HEADER_MAX_BYTES 16384
#define SCHEME S("CFN_V1 ")

static const struct api_error ERR_TOKEN = {"InvalidClientTokenId", 403};
static const struct api_error ERR_DENIED = {"AccessDenied", 403};

bool
api_is_of_instance(const struct api_call *call, struct str authorization)
{
    const struct api_service_hooks *hooks = api_guard_hooks(call);

    assert(str_ok(authorization));
    return hooks && hooks->of_instance && str_starts(authorization, SCHEME);
}

/* Whether the document was signed by this cloud; its members. */
static bool
document_of(struct api_call *call, struct str text, struct json *ret)
{
    struct str signature = str_cut(text, SCHEME.n, text.n), document;
    struct str encoded = str_split(&signature, ':');
    size_t at;

    if (text.n > HEADER_MAX_BYTES || !signature.p || !str_unbase64(call->arena, encoded, &document))
        return false;
    return identity_verify(call->guard->identity, call->arena, document, signature) &&
           json_parse(call->arena, document, 64, ret, &at);
}

/* The instance must still be there: what it was told stays with whoever copied it. */
static bool
exists(struct api_call *call, struct str id, struct str account, struct str region)
{
    struct txn *txn = store_begin(call->store);
    const struct ec2_instance_row *row = ec2_instance_get(txn, id);
    bool ok = row && str_eq(row->account, account) && str_eq(row->region, region);

    assert(id.n > 0);
    store_rollback(txn);
    return ok;
}

int
api_authenticate_instance(struct api_call *call, struct str authorization)
{
    struct api_guard *guard = call->guard;
    struct json document;
    int r = guard->identity ? 0 : store_identity_load(call->store, call->env, &guard->identity);

    assert(str_ok(authorization) && !call->instance.p);
    if (r < 0)
        return r;
    if (!document_of(call, authorization, &document))
        return api_fault(call, &ERR_TOKEN,
                         "The security token included in the request is invalid.");
    struct str id = json_text(&document, "instanceId");
    struct str account = json_text(&document, "accountId");
    struct str region = json_text(&document, "region");

    if (!id.p || !account.p || !region.p || !exists(call, id, account, region))
        return api_fault(call, &ERR_TOKEN,
                         "The security token included in the request is invalid.");
    call->instance = id;
    call->account = account;
    call->region = region;
    call->principal = (struct policy_principal){.kind = POLICY_ANONYMOUS};
    call->principal_id = call->principal_arn = id;
    return 0;
}

int
api_authorize_instance(struct api_call *call, const void *req)
{
    const struct api_service_hooks *hooks = api_guard_hooks(call);

    assert(call->instance.p);
    if (hooks && hooks->of_instance && hooks->of_instance(call, req))
        return 0;
    return api_fault(call, &ERR_DENIED, "Instance %.*s is not authorized to perform: %.*s",
                     STR_ARG(call->instance), STR_ARG(api_action(call)));
}
