/*
 * Small checks and forms that every resource of EC2 shares: what an id looks like, whose a row is,
 * what is said of an id that nothing has and of a parameter that Welkin does not carry out.
 */
#include "codec/crypto.h"
#include "codec/aws_names.h"
#include "ec2/network.h"

static bool
is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

bool
ec2_id_is(struct str id, const char *prefix)
{
    size_t n = strlen(prefix);
    struct str digits = str_cut(id, n + 1, id.n);

    return str_starts(id, str_from(prefix)) && id.n > n && id.p[n] == '-' &&
           (digits.n == 8 || digits.n == 17) && is_hex(digits);
}

struct str
ec2_id_of_name(struct arena *arena, const char *prefix, struct str name)
{
    uint8_t digest[SHA256_LEN];
    struct str text = str_fmt(arena, "welkin %s %.*s", prefix, STR_ARG(name));

    assert(name.n > 0);
    crypto_sha256(text.p, text.n, digest);
    struct str hex = str_hex(arena, digest, sizeof(digest));

    /* 17 digits; AWS's newer ids begin with 0. */
    return str_fmt(arena, "%s-0%.*s", prefix, 16, hex.p);
}

int
ec2_id_check(struct api_call *call, struct str id, const char *prefix,
             const struct api_error *malformed)
{
    size_t n = strlen(prefix);

    if (ec2_id_is(id, prefix))
        return 0;
    if (!str_starts(id, str_from(prefix)) || id.n == n || id.p[n] != '-')
        return api_fault(call, malformed, "Invalid id: \"%.*s\" (expecting \"%s-...\")",
                         STR_ARG(id), prefix);
    return api_fault(call, malformed, "Invalid id: \"%.*s\"", STR_ARG(id));
}

int
ec2_accounts_set(struct api_call *call, struct str_list *accounts, struct str account, bool on,
                 unsigned max, const char *what)
{
    struct str_list list = {0};

    assert(aws_is_account(account) && accounts->n <= max);
    LIST_EACH(accounts, have)
        if (!str_eq(*have, account))
            *LIST_PUSH(call->arena, &list) = *have;
    if (on)
        *LIST_PUSH(call->arena, &list) = account;
    if (list.n > max)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "%s can be shared with at most %u accounts", what, max);
    *accounts = list;
    return 0;
}

int
ec2_unsupported(struct api_call *call, const char *what)
{
    return api_fault(call, &EC2_ERR(UnsupportedOperation), "%s is not implemented by Welkin", what);
}

int
ec2_unsupported_parameter(struct api_call *call, const char *name)
{
    return api_fault(call, &EC2_ERR(UnsupportedOperation),
                     "The parameter %s is not implemented by Welkin", name);
}

bool
ec2_mine(const struct api_call *call, struct str account, struct str region)
{
    return str_eq(account, call->account) && str_eq(region, call->region);
}

int
ec2_missing(struct api_call *call, const struct api_error *error, const char *what,
            const struct str_list *ids)
{
    struct str all = str_join(call->arena, ids, S(", "));

    assert(ids->n > 0);
    return api_fault(call, error,
                     ids->n > 1 ? "The %s IDs '%.*s' do not exist"
                                : "The %s ID '%.*s' does not exist",
                     what, STR_ARG(all));
}

struct str
ec2_arn(struct api_call *call, const char *type, struct str id)
{
    const char *partition = str_starts(call->region, S("cn-"))       ? "aws-cn"
                            : str_starts(call->region, S("us-gov-")) ? "aws-us-gov"
                                                                     : "aws";

    return str_fmt(call->arena, "arn:%s:ec2:%.*s:%.*s:%s/%.*s", partition, STR_ARG(call->region),
                   STR_ARG(call->account), type, STR_ARG(id));
}

int
ec2_limit_check(struct api_call *call, const struct store_index *by_owner, unsigned max,
                const struct api_error *error, const char *what)
{
    struct store_cursor c =
        store_seek(call->txn, by_owner, STORE_KEYS(call->account, call->region));
    unsigned n = 0;

    assert(max > 0);
    while (n < max && store_next(&c))
        n++;
    return n < max ? 0
                   : api_fault(call, error, "You have reached the limit of %u %s in this Region",
                               max, what);
}

int
ec2_number(struct txn *txn, const char *counter, int64_t *ret)
{
    const struct ec2_counter_row *row = ec2_counter_get(txn, str_from(counter));
    struct ec2_counter_row new = {.id = str_from(counter), .last = row ? row->last + 1 : 1};
    int r = row ? ec2_counter_update(txn, &new) : ec2_counter_insert(txn, &new);

    if (r < 0)
        return error_origin(-r, "the counter %s cannot be written", counter);
    assert(new.last > 0);
    *ret = new.last;
    return 0;
}

/* ---- resources that are looked for alike ---- */

static const void *
kind_get(struct api_call *call, const struct ec2_kind *kind, struct str id)
{
    const char *row = store_get(call->txn, kind->table, id);

    return row && ec2_mine(call, *(const struct str *)(row + kind->account),
                           *(const struct str *)(row + kind->region))
               ? row
               : NULL;
}

int
ec2_kind_find(struct api_call *call, const struct ec2_kind *kind, struct str id, const void **ret)
{
    const void *row = kind_get(call, kind, id);

    if (!row)
        return ec2_missing(call, kind->missing, kind->what, &(struct str_list){&id, 1});
    *ret = row;
    return 0;
}

int
ec2_kind_check(struct api_call *call, const struct ec2_kind *kind, const struct str_list *ids)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id)
        if (!kind_get(call, kind, *id))
            *LIST_PUSH(call->arena, &missing) = *id;
    return missing.n ? ec2_missing(call, kind->missing, kind->what, &missing) : 0;
}

int
ec2_unwritten(int r, struct str id)
{
    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(id)) : 0;
}

int
ec2_tags_made(struct api_call *call, const struct ec2_TagSpecificationList *specs,
              const char *type, struct str_list *ret)
{
    int r = ec2_tags_only(call, specs, &type, 1);

    return r ? r : ec2_tags_of(call, specs, type, ret);
}

int
ec2_one_attribute(struct api_call *call, unsigned n)
{
    if (n == 1)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterCombination), "%s",
                     n ? "You may specify only one attribute at a time"
                       : "No attributes specified.");
}

int
ec2_block_of(struct api_call *call, struct str text, const char *parameter, struct ip4_block *ret)
{
    struct ip4_block block;

    if (!ip4_block_parse(text, &block))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter %s is invalid. This is not a valid CIDR "
                         "block.",
                         STR_ARG(text), parameter);
    assert(block.bits <= 32);
    *ret = ip4_block_canonical(block);
    return 0;
}

int
ec2_token_check(struct api_call *call, struct str before, struct str now)
{
    assert(before.n > 0 && now.n > 0);
    return str_eq(before, now)
               ? 0
               : api_fault(call, &EC2_ERR(Idempotent_ParameterMismatch),
                           "Arguments on this idempotent request are inconsistent with arguments "
                           "used in previous request(s).");
}
