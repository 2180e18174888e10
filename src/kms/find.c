/*
 * From what a caller calls a key to its row: an id, "arn:…:key/ID", "alias/NAME" or the alias's
 * ARN.  An id or a name is one of the caller's account and region; an ARN may tell another account,
 * never another region.
 */
#include "kms/kms.h"

enum { MRK_DIGITS = 32, UUID_CHARS = 36 };

struct str
kms_key_arn(struct arena *a, struct str region, struct str account, struct str id)
{
    assert(region.n > 0 && account.n > 0 && id.n > 0);
    return str_fmt(a, "arn:aws:kms:%.*s:%.*s:key/%.*s", STR_ARG(region), STR_ARG(account),
                   STR_ARG(id));
}

struct str
kms_alias_arn(struct arena *a, struct str region, struct str account, struct str name)
{
    assert(region.n > 0 && account.n > 0 && name.n > 0);
    return str_fmt(a, "arn:aws:kms:%.*s:%.*s:%.*s", STR_ARG(region), STR_ARG(account),
                   STR_ARG(name));
}

struct str
kms_family(struct arena *a, const struct kms_key_row *row)
{
    return str_fmt(a, "%.*s/%.*s", STR_ARG(row->account), STR_ARG(row->id));
}

struct str
kms_material_owner(struct arena *a, const struct kms_key_row *row)
{
    return str_is(row->origin, "EXTERNAL") ? row->arn : kms_family(a, row);
}

const struct kms_material_row *
kms_material_current(struct api_call *call, const struct kms_key_row *row)
{
    if (!row->material_id.n)
        return NULL;
    return kms_material_by_material_get(call->txn, kms_material_owner(call->arena, row),
                                        row->material_id);
}

/* ---- ids ---- */

static bool
is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i])
            return false;
    return true;
}

static bool
is_key_id(struct str id)
{
    if (str_starts(id, S("mrk-")))
        return id.n == 4 + MRK_DIGITS && is_hex(str_cut(id, 4, id.n));
    if (id.n != UUID_CHARS)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? id.p[i] != '-' : !is_hex(str_cut(id, i, i + 1)))
            return false;
    }
    return true;
}

static int
invalid_id(struct api_call *call, struct str id)
{
    return api_fault(call, &KMS_ERR(NotFoundException), "Invalid keyId '%.*s'", STR_ARG(id));
}

int
kms_key_missing(struct api_call *call, struct str arn)
{
    return api_fault(call, &KMS_ERR(NotFoundException), "Key '%.*s' does not exist", STR_ARG(arn));
}

/* "arn:aws:kms:REGION:ACCOUNT:REST" into its parts. */
static int
arn_split(struct api_call *call, struct str arn, struct str *account, struct str *rest)
{
    struct str s = arn, head = str_split(&s, ':');
    struct str partition = str_split(&s, ':'), service = str_split(&s, ':');
    struct str region = str_split(&s, ':');

    *account = str_split(&s, ':');
    *rest = s;
    if (!str_is(head, "arn") || !partition.n || !str_is(service, "kms") || !account->n || !rest->n)
        return api_fault(call, &KMS_ERR(InvalidArnException), "Invalid arn: %.*s", STR_ARG(arn));
    if (!str_is(partition, "aws") || !str_eq(region, call->region))
        return api_fault(call, &KMS_ERR(NotFoundException), "Invalid arn %.*s", STR_ARG(region));
    return 0;
}

static int
alias_resolve(struct api_call *call, struct str account, struct str name, struct str *ret_arn)
{
    struct str arn = kms_alias_arn(call->arena, call->region, account, name);
    const struct kms_alias_row *alias = kms_alias_get(call->txn, arn);

    if (!alias && str_eq(account, call->account)) {
        int r = kms_managed_key(call, name);

        if (r < 0)
            return r;
        alias = kms_alias_get(call->txn, arn);
    }
    if (!alias)
        return api_fault(call, &KMS_ERR(NotFoundException), "Alias %.*s is not found.",
                         STR_ARG(arn));
    *ret_arn = alias->key_arn;
    assert(kms_key_get(call->txn, alias->key_arn)); /* a key takes its aliases with it */
    return 0;
}

int
kms_key_resolve(struct api_call *call, struct str id, unsigned allow, struct str *ret_arn)
{
    struct str account = call->account, rest = id;

    if (str_starts(id, S("arn:"))) {
        int r = arn_split(call, id, &account, &rest);

        if (r)
            return r;
        if (str_starts(rest, S("key/")))
            rest = str_cut(rest, 4, rest.n);
        else if (!str_starts(rest, S("alias/")))
            return invalid_id(call, id);
    }
    if (str_starts(rest, S("alias/")))
        return allow & KMS_BY_ALIAS ? alias_resolve(call, account, rest, ret_arn)
                                    : invalid_id(call, id);
    if (!is_key_id(rest))
        return invalid_id(call, id);
    *ret_arn = kms_key_arn(call->arena, call->region, account, rest);
    assert(rest.n == UUID_CHARS || rest.n == 4 + MRK_DIGITS);
    return 0;
}

/* ---- states ---- */

static int
state_check(struct api_call *call, const struct kms_key_row *row, unsigned allow)
{
    static const struct {
        const char *state, *what;
        unsigned allowed;
        enum kms_error error;
    } states[] = {
        {"Disabled", "is disabled.", KMS_WHILE_DISABLED, KMS_ERROR_DisabledException},
        {"PendingDeletion", "is pending deletion.", KMS_WHILE_DELETED,
         KMS_ERROR_KMSInvalidStateException},
        {"PendingReplicaDeletion", "is pending replica deletion.", KMS_WHILE_DELETED,
         KMS_ERROR_KMSInvalidStateException},
        {"PendingImport", "is pending import.", KMS_WHILE_IMPORTED,
         KMS_ERROR_KMSInvalidStateException},
    };

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_is(row->state, states[i].state) && !(allow & states[i].allowed))
            return api_fault(call, &kms_errors[states[i].error], "%.*s %s", STR_ARG(row->arn),
                             states[i].what);
    return 0;
}

int
kms_key_use(struct api_call *call, const struct kms_want *want, const struct kms_key_row *row)
{
    int r = kms_access(call, want, row);

    return r ? r : state_check(call, row, want->allow);
}

int
kms_key_find(struct api_call *call, const struct kms_want *want, const struct kms_key_row **ret)
{
    struct str arn;
    int r = kms_key_resolve(call, want->id, want->allow, &arn);

    if (r)
        return r;
    const struct kms_key_row *row = kms_key_get(call->txn, arn);

    /* a call inside another's transaction may come before what was due was done */
    if (!row || (row->deletion_ms && row->deletion_ms <= call->now_ms))
        return kms_key_missing(call, arn);
    kms_key_assert(row);
    assert(str_eq(row->region, call->region));
    r = kms_key_use(call, want, row);
    if (r == 0)
        *ret = row;
    return r;
}
