/*
 * What can be shared, in one table.  A kind is here only when its service looks at the rows of
 * shares, so that what is shared can be used.
 */
#include "ram/ram.h"

#include "gen/store/ec2_rows.h"

static bool
is_dedicated_host(struct api_call *call, struct str id)
{
    const struct ec2_dedicated_host_row *row = ec2_dedicated_host_get(call->txn, id);

    assert(id.n > 0);
    return row && str_eq(row->account, call->account) && str_eq(row->region, call->region) &&
           !row->released_ms;
}

const struct ram_kind ram_kinds[] = {
    {
        .type = "ec2:DedicatedHost",
        .service = "ec2",
        .prefix = "dedicated-host/",
        .permission = "AWSRAMDefaultPermissionDedicatedHost",
        .is = is_dedicated_host,
    },
};
const size_t ram_n_kinds = ARRAY_LEN(ram_kinds);

/* arn:aws:SERVICE:REGION:ACCOUNT:REST */
struct arn {
    struct str service, region, account, rest;
};

static bool
arn_parse(struct str text, struct arn *ret)
{
    struct str rest = text, head = str_split(&rest, ':'), partition = str_split(&rest, ':');

    *ret = (struct arn){.service = str_split(&rest, ':')};
    ret->region = str_split(&rest, ':');
    ret->account = str_split(&rest, ':');
    ret->rest = rest;
    return str_is(head, "arn") && str_is(partition, "aws") && ret->service.n &&
           ret->account.n == 12 && rest.n > 0;
}

static const struct ram_kind *
kind_of(const struct arn *arn)
{
    assert(arn->service.n > 0 && arn->rest.n > 0);
    for (size_t i = 0; i < ram_n_kinds; i++)
        if (str_is(arn->service, ram_kinds[i].service) &&
            str_starts(arn->rest, str_from(ram_kinds[i].prefix)))
            return &ram_kinds[i];
    return NULL;
}

const struct ram_kind *
ram_kind_of(struct str arn)
{
    struct arn parts;

    return arn_parse(arn, &parts) ? kind_of(&parts) : NULL;
}

const struct ram_kind *
ram_kind_named(struct str type)
{
    for (size_t i = 0; i < ram_n_kinds; i++)
        if (str_eq_nocase(type, str_from(ram_kinds[i].type)))
            return &ram_kinds[i];
    return NULL;
}

int
ram_thing_check(struct api_call *call, struct str text)
{
    const struct ram_kind *kind;
    struct arn arn;

    if (!arn_parse(text, &arn))
        return api_fault(call, &RAM_ERR(MalformedArnException),
                         "The specified resource ARN %.*s is not valid. Verify the ARN and try "
                         "again.",
                         STR_ARG(text));
    kind = kind_of(&arn);
    if (!kind)
        return api_fault(call, &RAM_ERR(MalformedArnException),
                         "You cannot share the selected resource type.");
    if (str_eq(arn.account, call->account) && str_eq(arn.region, call->region) &&
        kind->is(call, str_cut(arn.rest, strlen(kind->prefix), arn.rest.n)))
        return 0;
    return api_fault(call, &RAM_ERR(UnknownResourceException), "Resource %.*s could not be found.",
                     STR_ARG(text));
}

struct str
ram_permission_arn(struct api_call *call, const struct ram_kind *kind)
{
    assert(kind->permission);
    return str_fmt(call->arena, "arn:aws:ram::aws:permission/%s", kind->permission);
}
