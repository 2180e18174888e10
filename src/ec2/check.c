/*
 * Small checks and forms that every resource of EC2 shares: what an id looks like, whose a row is,
 * what is said of an id that nothing has and of a parameter that Welkin does not carry out.
 */
#include "codec/crypto.h"
#include "ec2/ec2.h"

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

bool
ec2_is_account(struct str s)
{
    bool ok = s.n == 12;

    for (size_t i = 0; i < s.n; i++)
        ok = ok && s.p[i] >= '0' && s.p[i] <= '9';
    return ok;
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
ec2_number(struct txn *txn, const char *counter, int64_t *ret)
{
    const struct ec2_counter_row *row = ec2_counter_get(txn, str_from(counter));
    struct ec2_counter_row new = {.id = str_from(counter), .last = row ? row->last + 1 : 1};
    int r = row ? ec2_counter_update(txn, &new) : ec2_counter_insert(txn, &new);

    if (r < 0)
        return error_origin(-r, "the counter %s cannot be written", counter);
    *ret = new.last;
    return 0;
}
