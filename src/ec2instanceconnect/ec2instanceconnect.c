/*
 * EC2 Instance Connect: a key is a row for a minute.  The metadata service shows it to its
 * instance (guestnet/imds.c), where sshd asks for it; nothing is sent anywhere.
 */
#include "ec2instanceconnect/ec2instanceconnect.h"

#include "api/authorize.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/ec2instanceconnect_rows.h"
#include "store/states.h"

enum { KEY_SHOWN_MS = 60 * 1000 };

static const struct api_error not_found = {"EC2InstanceNotFoundException", 400},
                              bad_state = {"EC2InstanceStateInvalidException", 400},
                              bad_args = {"InvalidArgsException", 400};

static const struct ec2_instance_row *
instance_mine(struct api_call *call, struct str id)
{
    const struct ec2_instance_row *row = ec2_instance_get(call->txn, id);

    return row && str_eq(row->account, call->account) && str_eq(row->region, call->region) ? row
                                                                                           : NULL;
}

/* "ssh-ed25519 AAAA… comment": the type is also the first text in the key's bytes. */
static bool
public_key_ok(struct arena *arena, struct str key)
{
    struct str rest = str_trim(key), type = str_split(&rest, ' '), bytes;
    struct str blob = str_split(&rest, ' ');

    if (str_find_char(str_trim(key), '\n') != SIZE_MAX ||
        (!str_is(type, "ssh-rsa") && !str_is(type, "ssh-ed25519")) ||
        !str_unbase64(arena, blob, &bytes) || bytes.n < 4 + type.n)
        return false;
    const uint8_t *p = (const uint8_t *)bytes.p;
    uint32_t n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

    assert(bytes.n >= 4 + type.n);
    return n == type.n && str_eq(str_cut(bytes, 4, 4 + n), type);
}

static int
forget_expired(struct api_call *call)
{
    STORE_EACH(call->txn, connect_key_by_expiry, row) {
        assert(row->expires_ms > 0 && row->public_key.n > 0);
        if (row->expires_ms > call->now_ms)
            break;
        int r = connect_key_delete(call->txn, row->id);

        if (r < 0)
            return error_origin(-r, "pushed key %.*s cannot be deleted", STR_ARG(row->id));
    }
    return 0;
}

int
ec2instanceconnect_send_ssh_public_key(struct api_call *call,
                                       const struct ec2instanceconnect_SendSSHPublicKeyRequest *req,
                                       struct ec2instanceconnect_SendSSHPublicKeyResponse *res)
{
    const struct ec2_instance_row *instance = instance_mine(call, req->instance_id);
    const struct connect_key_row row = {
        .id = call->request_id,
        .instance_id = req->instance_id,
        .user = req->instance_os_user,
        .public_key = str_trim(req->ssh_public_key),
        .caller_arn = call->principal_arn,
        .expires_ms = call->now_ms + KEY_SHOWN_MS,
    };

    if (!instance || (req->availability_zone.n && !str_eq(req->availability_zone, instance->zone)))
        return api_fault(call, &not_found, "Instance %.*s not found", STR_ARG(req->instance_id));
    if (instance->state != EC2_RUNNING)
        return api_fault(call, &bad_state, "Instance %.*s is not running",
                         STR_ARG(req->instance_id));
    if (!public_key_ok(call->arena, req->ssh_public_key))
        return api_fault(call, &bad_args, "Provided key is not in the OpenSSH public key format");
    int r = forget_expired(call);

    if (r)
        return r;
    assert(row.id.n > 0 && row.expires_ms > call->now_ms);
    r = connect_key_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "pushed key %.*s cannot be written", STR_ARG(row.id));
    res->request_id = call->request_id;
    res->success = opt_bool(true);
    return 0;
}

/* ---- what policies may ask ---- */

static int
resource(struct api_call *call, struct str type UNUSED, struct str id, struct api_resource *r)
{
    const struct ec2_instance_row *row = instance_mine(call, id);

    if (row)
        r->tags = &row->tags;
    return 0;
}

static void
context(struct api_call *call, const void *req, struct policy_context *keys)
{
    const struct ec2instanceconnect_SendSSHPublicKeyRequest *push = req;

    if (str_is(api_op_name(call->service, call->op), "SendSSHPublicKey"))
        api_context_add(call, keys, S("ec2:osuser"), push->instance_os_user);
}

const struct api_service_hooks ec2instanceconnect_hooks = {.service = &ec2instanceconnect_service,
                                                           .resource = resource,
                                                           .context = context};
