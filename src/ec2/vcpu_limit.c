/*
 * How many vCPUs an account may run in a region: a number a quota (placement/quota.h), counted in
 * a row, because to count a hundred thousand instances at each launch would be a walk over them.
 * Only what is pending or runs counts, and only what is not on the account's own hosts.
 */
#include "ec2/instance.h"
#include "gen/store/servicequotas_rows.h"
#include "placement/quota.h"

#include <stdio.h>

enum { KEY_BYTES = 128 };

struct use {
    const struct quota *quota;
    char room[KEY_BYTES];
    struct str key; /* ACCOUNT/REGION/CODE, in room */
    int64_t vcpus;  /* of the instance */
};

bool
ec2_vcpus_count(const struct ec2_instance_row *row)
{
    return (row->state == EC2_PENDING || row->state == EC2_RUNNING) &&
           !str_is(row->tenancy, "host") && !str_is(row->account, EC2_OPERATOR_ACCOUNT);
}

static void
use_of(const struct ec2_instance_row *row, struct use *u)
{
    const struct ec2_type *type = ec2_type_find(row->type);
    struct str family = str_cut(row->type, 0, str_find_char(row->type, '.'));

    u->quota = quota_of_family(family);
    u->vcpus = type ? type->vcpus : row->vcpus;
    int n = snprintf(u->room, sizeof(u->room), "%.*s/%.*s/%s", STR_ARG(row->account),
                     STR_ARG(row->region), u->quota->code);
    assert(n > 0 && n < KEY_BYTES);
    u->key = str_of(u->room, (size_t)n);
}

static int64_t
value_of(struct txn *txn, struct str key, const struct quota *quota)
{
    const struct servicequotas_value_row *row = servicequotas_value_get(txn, key);

    if (!row)
        row = servicequotas_value_get(txn, str_from(quota->code));
    return row ? row->value : quota->otherwise;
}

int64_t
ec2_quota(struct api_call *call, const char *code)
{
    const struct quota *quota = quota_find(str_from(code));

    assert(quota);
    return value_of(call->txn,
                    str_fmt(call->arena, "%.*s/%.*s/%s", STR_ARG(call->account),
                            STR_ARG(call->region), code),
                    quota);
}

/* Without a row nothing has been counted yet: what is there is counted once, but `besides`. */
static int64_t
count(struct txn *txn, const struct ec2_instance_row *besides, const struct use *u)
{
    const struct ec2_vcpu_use_row *row = ec2_vcpu_use_get(txn, u->key);
    int64_t n = 0;
    struct use other;

    if (row)
        return row->vcpus;
    STORE_EACH(txn, ec2_instance_by_owner, it, besides->account, besides->region) {
        use_of(it, &other);
        if (ec2_vcpus_count(it) && other.quota == u->quota && !str_eq(it->id, besides->id))
            n += other.vcpus;
    }
    return n;
}

static int
put(struct txn *txn, const struct use *u, int64_t vcpus)
{
    const struct ec2_vcpu_use_row row = {.id = u->key, .vcpus = vcpus};

    assert(vcpus >= 0);
    return ec2_vcpu_use_get(txn, u->key) ? ec2_vcpu_use_update(txn, &row)
                                         : ec2_vcpu_use_insert(txn, &row);
}

int
ec2_vcpus_take(struct api_call *call, const struct ec2_instance_row *row)
{
    struct use u;

    if (str_is(row->tenancy, "host") || str_is(row->account, EC2_OPERATOR_ACCOUNT))
        return 0;
    use_of(row, &u);
    int64_t now = count(call->txn, row, &u), limit = value_of(call->txn, u.key, u.quota);

    if (now + u.vcpus > limit)
        return api_fault(call, &EC2_ERR(VcpuLimitExceeded),
                         "You have requested more vCPU capacity than your current vCPU limit of "
                         "%lld allows for the instance bucket that the specified instance type "
                         "belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request "
                         "to request an adjustment to this limit.",
                         (long long)limit);
    return put(call->txn, &u, now + u.vcpus);
}

int
ec2_vcpus_give_back(struct txn *txn, const struct ec2_instance_row *row)
{
    struct use u;

    assert(ec2_vcpus_count(row));
    use_of(row, &u);
    return put(txn, &u,
               ec2_vcpu_use_get(txn, u.key) ? count(txn, row, &u) - u.vcpus : count(txn, row, &u));
}
