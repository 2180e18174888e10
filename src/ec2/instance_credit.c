/*
 * The credit option of burstable instances: standard or unlimited; by default what the account
 * chose for the family in that region, and without a choice AWS's: standard for T2, else unlimited.
 * What credits do is in codec/cpu_credit.h, who counts them is host/meter.c.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"

enum { SPECIFICATIONS_MAX = 1000 };

static bool
option_ok(struct str option)
{
    return str_is(option, "standard") || str_is(option, "unlimited");
}

/* ---- the default of a family ---- */

static struct str
default_key(struct api_call *call, struct str family)
{
    assert(family.n > 0);
    return str_fmt(call->arena, "%.*s/%.*s/%.*s", STR_ARG(call->account), STR_ARG(call->region),
                   STR_ARG(family));
}

static struct str
family_credits(struct api_call *call, struct str family)
{
    const struct ec2_credit_default_row *row =
        ec2_credit_default_get(call->txn, default_key(call, family));

    assert(!row || option_ok(row->cpu_credits));
    if (row)
        return row->cpu_credits;
    return str_is(family, "t2") ? S("standard") : S("unlimited");
}

struct str
ec2_type_credits(struct api_call *call, const struct ec2_type *type)
{
    return type->burstable ? family_credits(call, type->family) : S("");
}

static struct ec2_InstanceFamilyCreditSpecification *
default_show(struct api_call *call, struct str family)
{
    struct ec2_InstanceFamilyCreditSpecification *out =
        ARENA_NEW(call->arena, struct ec2_InstanceFamilyCreditSpecification);

    out->instance_family = family;
    out->cpu_credits = family_credits(call, family);
    return out;
}

int
ec2_get_default_credit_specification(struct api_call *call,
                                     const struct ec2_GetDefaultCreditSpecificationRequest *req,
                                     struct ec2_GetDefaultCreditSpecificationResult *res)
{
    res->instance_family_credit_specification = default_show(call, req->instance_family);
    return 0;
}

int
ec2_modify_default_credit_specification(
    struct api_call *call, const struct ec2_ModifyDefaultCreditSpecificationRequest *req,
    struct ec2_ModifyDefaultCreditSpecificationResult *res)
{
    const struct ec2_credit_default_row row = {
        .id = default_key(call, req->instance_family),
        .account = call->account,
        .cpu_credits = req->cpu_credits,
    };

    if (!option_ok(req->cpu_credits))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for CpuCredits. Valid values are: standard, "
                         "unlimited",
                         STR_ARG(req->cpu_credits));
    int r = ec2_credit_default_get(call->txn, row.id) ? ec2_credit_default_update(call->txn, &row)
                                                      : ec2_credit_default_insert(call->txn, &row);

    if (r < 0)
        return error_origin(-r, "the default of %.*s cannot be written", STR_ARG(row.id));
    res->instance_family_credit_specification = default_show(call, req->instance_family);
    return 0;
}

/* ---- ModifyInstanceCreditSpecification ---- */

/* What is said of one instance: a fault of it does not stop the others. */
static int
modify_one(struct api_call *call, const struct ec2_InstanceCreditSpecificationRequest *want,
           struct ec2_UnsuccessfulInstanceCreditSpecificationItemError *ret)
{
    const struct ec2_instance_row *row = ec2_instance_get(call->txn, want->instance_id);
    const struct ec2_type *type;

    assert(option_ok(want->cpu_credits));
    if (!ec2_id_is(want->instance_id, "i")) {
        ret->code = S("InvalidInstanceID.Malformed");
        ret->message = str_fmt(call->arena, "Invalid id: \"%.*s\"", STR_ARG(want->instance_id));
        return 1;
    }
    if (!row || !ec2_instance_visible(call, row)) {
        ret->code = S("InvalidInstanceID.NotFound");
        ret->message = str_fmt(call->arena, "The instance ID '%.*s' does not exist",
                               STR_ARG(want->instance_id));
        return 1;
    }
    if (row->state != EC2_RUNNING && row->state != EC2_STOPPED) {
        ret->code = S("IncorrectInstanceState");
        ret->message = str_fmt(call->arena, "The instance '%.*s' is neither running nor stopped.",
                               STR_ARG(row->id));
        return 1;
    }
    type = ec2_type_find(row->type);
    if (!type || !type->burstable) {
        ret->code = S("InstanceCreditSpecification.NotSupported");
        ret->message = str_fmt(call->arena, "The %.*s instance type does not support T2 Unlimited.",
                               STR_ARG(row->type));
        return 1;
    }
    struct ec2_instance_row new = *row;

    new.cpu_credits = want->cpu_credits;
    assert(ec2_instance_ok(&new));
    int r = ec2_instance_update(call->txn, &new);

    return r < 0 ? error_origin(-r, "instance %.*s cannot be written", STR_ARG(row->id)) : 0;
}

/* A client token asks for what is so anyway: the same call twice changes nothing more. */
int
ec2_modify_instance_credit_specification(
    struct api_call *call, const struct ec2_ModifyInstanceCreditSpecificationRequest *req,
    struct ec2_ModifyInstanceCreditSpecificationResult *res)
{
    if (req->instance_credit_specifications.n > SPECIFICATIONS_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The number of instances exceeds the limit of %d", SPECIFICATIONS_MAX);
    LIST_EACH(&req->instance_credit_specifications, want)
        if (!option_ok(want->cpu_credits))
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Invalid value '%.*s' for CpuCredits. Valid values are: standard, "
                             "unlimited",
                             STR_ARG(want->cpu_credits));
    API_PRESENT(&res->successful_instance_credit_specifications);
    API_PRESENT(&res->unsuccessful_instance_credit_specifications);
    LIST_EACH(&req->instance_credit_specifications, want) {
        struct ec2_UnsuccessfulInstanceCreditSpecificationItemError *error =
            ARENA_NEW(call->arena, struct ec2_UnsuccessfulInstanceCreditSpecificationItemError);
        int r = modify_one(call, want, error);

        if (r < 0)
            return r;
        if (r)
            *LIST_PUSH(call->arena, &res->unsuccessful_instance_credit_specifications) =
                (struct ec2_UnsuccessfulInstanceCreditSpecificationItem){
                    .instance_id = want->instance_id, .error = error};
        else
            LIST_PUSH(call->arena, &res->successful_instance_credit_specifications)->instance_id =
                want->instance_id;
    }
    return 0;
}
