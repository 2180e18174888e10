/*
 * Instance profiles of instances.
 *
 * What an instance may do is told in three places, each with one owner: IAM has the profile and its
 * role, EC2 has which profile an instance has (a row of its own, because an association has an id
 * and an age), and the metadata service makes credentials of both when it is asked.  So nothing
 * here waits: an association is there at once, and gone at once.
 */
#include "ec2/instance.h"

#include "api/authorize.h"
#include "codec/aws_names.h"
#include "ec2/row_ok.h"

/* ---- finding the profile ---- */

static int
invalid_profile(struct api_call *call, bool by_arn, struct str value)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter iamInstanceProfile.%s is invalid. Invalid IAM "
                     "Instance Profile %s",
                     STR_ARG(value), by_arn ? "arn" : "name", by_arn ? "ARN" : "name");
}

struct str
ec2_profile_arn(struct api_call *call, const struct iam_profile_row *row)
{
    return aws_iam_arn(call->arena, row->account, "instance-profile", row->path, row->name);
}

/* What is behind the last slash. */
static struct str
last_element(struct str arn)
{
    size_t i = arn.n;

    while (i > 0 && arn.p[i - 1] != '/')
        i--;
    return str_cut(arn, i, arn.n);
}

struct str
ec2_profile_name(const struct ec2_profile_association_row *row)
{
    assert(row->profile_arn.n > 0);
    return last_element(row->profile_arn);
}

/* The role goes to EC2, and not everybody may give it away. */
static int
check_role(struct api_call *call, const struct iam_profile_row *profile, struct str instance_id)
{
    const struct iam_role_row *role =
        profile->role_id.n ? iam_role_get(call->txn, profile->role_id) : NULL;

    assert(profile->name.n > 0);
    if (!role)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "IAM Instance Profile \"%.*s\" has no associated IAM Roles",
                         STR_ARG(ec2_profile_arn(call, profile)));
    return api_authorize_pass_role_to(
        call, aws_iam_arn(call->arena, role->account, "role", role->path, role->name),
        "ec2.amazonaws.com",
        str_fmt(call->arena, "arn:aws:ec2:%.*s:%.*s:instance/%.*s", STR_ARG(call->region),
                STR_ARG(call->account), STR_ARG(instance_id)));
}

int
ec2_profile_find(struct api_call *call, const struct ec2_IamInstanceProfileSpecification *want,
                 struct str instance_id, const struct iam_profile_row **ret)
{
    bool by_arn = want->arn.n > 0;
    struct str value = by_arn ? want->arn : want->name;
    struct str name = by_arn ? last_element(want->arn) : want->name;

    if (by_arn && want->name.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter 'iamInstanceProfile.name' may not be used in combination "
                         "with 'iamInstanceProfile.arn'");
    if (!value.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter iamInstanceProfile.name or "
                         "iamInstanceProfile.arn");
    const struct iam_profile_row *row =
        iam_profile_by_name_get(call->txn, call->account, str_lower(call->arena, name));
    if (!row || !str_eq(by_arn ? ec2_profile_arn(call, row) : row->name, value))
        return invalid_profile(call, by_arn, value);
    int r = check_role(call, row, instance_id);
    if (r == 0)
        *ret = row;
    return r;
}

/* ---- associations ---- */

int
ec2_profile_associate(struct api_call *call, struct str instance_id,
                      const struct iam_profile_row *profile,
                      struct ec2_profile_association_row *ret)
{
    const struct ec2_profile_association_row row = {
        .id = api_id(call, "iip-assoc"),
        .account = call->account,
        .region = call->region,
        .instance_id = instance_id,
        .profile_id = profile->id,
        .profile_arn = ec2_profile_arn(call, profile),
        .associated_ms = call->now_ms,
    };
    assert(instance_id.n > 0 && !ec2_profile_association_by_instance_get(call->txn, instance_id));
    assert(ec2_profile_association_ok(&row));
    int r = ec2_profile_association_insert(call->txn, &row);

    if (r < 0)
        return error_origin(-r, "association %.*s cannot be written", STR_ARG(row.id));
    *ret = row;
    return 0;
}

int
ec2_profile_release(struct txn *txn, struct str instance_id)
{
    const struct ec2_profile_association_row *row =
        ec2_profile_association_by_instance_get(txn, instance_id);

    return row ? ec2_profile_association_delete(txn, row->id) : 0;
}

static struct ec2_IamInstanceProfileAssociation
association_show(struct api_call *call, const struct ec2_profile_association_row *row,
                 const char *state)
{
    struct ec2_IamInstanceProfile *profile = ARENA_NEW(call->arena, struct ec2_IamInstanceProfile);

    assert(state[0] && row->profile_arn.n > 0);
    profile->arn = row->profile_arn;
    profile->id = row->profile_id;
    return (struct ec2_IamInstanceProfileAssociation){
        .association_id = row->id,
        .instance_id = row->instance_id,
        .iam_instance_profile = profile,
        .state = str_from(state),
    };
}

static struct ec2_IamInstanceProfileAssociation *
association_answer(struct api_call *call, const struct ec2_profile_association_row *row,
                   const char *state)
{
    struct ec2_IamInstanceProfileAssociation *shown =
        ARENA_NEW(call->arena, struct ec2_IamInstanceProfileAssociation);

    *shown = association_show(call, row, state);
    return shown;
}

static const struct ec2_profile_association_row *
association_mine(struct api_call *call, struct str id)
{
    const struct ec2_profile_association_row *row = ec2_profile_association_get(call->txn, id);

    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

static int
association_find(struct api_call *call, struct str id,
                 const struct ec2_profile_association_row **ret)
{
    const struct ec2_profile_association_row *row = association_mine(call, id);

    if (!ec2_id_is(id, "iip-assoc"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "Invalid value for associationId.");
    if (!row)
        return api_fault(call, &EC2_ERR(InvalidAssociationID_NotFound),
                         "An invalid association-id of '%.*s' was given", STR_ARG(id));
    assert(ec2_profile_association_ok(row));
    *ret = row;
    return 0;
}

/* ---- operations ---- */

/*
 * An association is not a thing that policies name: they name its instance, whose id may have to
 * be found first.
 */
static int
authorize(struct api_call *call, struct str instance_id, const struct iam_profile_row *profile)
{
    struct str action = str_cat(call->arena, S("ec2:"), api_op_name(call->service, call->op));
    struct policy_context extra = {0};
    struct api_resource instance;
    int r = api_resource_find(call, S("instance"), instance_id, &instance);

    assert(instance_id.n > 0);
    if (profile)
        api_context_add(call, &extra, S("ec2:NewInstanceProfile"), ec2_profile_arn(call, profile));
    return r ? r : api_authorize_on(call, action, &instance, &extra);
}

int
ec2_associate_iam_instance_profile(struct api_call *call,
                                   const struct ec2_AssociateIamInstanceProfileRequest *req,
                                   struct ec2_AssociateIamInstanceProfileResult *res)
{
    const struct ec2_instance_row *instance;
    const struct iam_profile_row *profile;
    struct ec2_profile_association_row row;
    int r = ec2_instance_find(call, req->instance_id, &instance);

    if (r == 0)
        r = ec2_profile_find(call, req->iam_instance_profile, instance->id, &profile);
    if (r == 0)
        r = authorize(call, instance->id, profile);
    if (r)
        return r;
    if (instance->state != EC2_RUNNING && instance->state != EC2_STOPPED)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' is not in the 'running' or 'stopped' states.",
                         STR_ARG(instance->id));
    if (ec2_profile_association_by_instance_get(call->txn, instance->id))
        return api_fault(call, &EC2_ERR(IncorrectState),
                         "There is an existing association for instance %.*s",
                         STR_ARG(instance->id));
    r = ec2_profile_associate(call, instance->id, profile, &row);
    if (r == 0)
        res->iam_instance_profile_association = association_answer(call, &row, "associating");
    return r;
}

static int
association_delete(struct api_call *call, struct str id)
{
    int r = ec2_profile_association_delete(call->txn, id);

    return r < 0 ? error_origin(-r, "association %.*s cannot be deleted", STR_ARG(id)) : 0;
}

int
ec2_disassociate_iam_instance_profile(struct api_call *call,
                                      const struct ec2_DisassociateIamInstanceProfileRequest *req,
                                      struct ec2_DisassociateIamInstanceProfileResult *res)
{
    const struct ec2_profile_association_row *row;
    int r = association_find(call, req->association_id, &row);

    if (r == 0)
        r = authorize(call, row->instance_id, NULL);
    if (r == 0)
        r = association_delete(call, row->id);
    if (r == 0)
        res->iam_instance_profile_association = association_answer(call, row, "disassociating");
    return r;
}

int
ec2_replace_iam_instance_profile_association(
    struct api_call *call, const struct ec2_ReplaceIamInstanceProfileAssociationRequest *req,
    struct ec2_ReplaceIamInstanceProfileAssociationResult *res)
{
    const struct ec2_profile_association_row *old;
    const struct iam_profile_row *profile;
    struct ec2_profile_association_row row;
    int r = association_find(call, req->association_id, &old);

    if (r == 0)
        r = ec2_profile_find(call, req->iam_instance_profile, old->instance_id, &profile);
    if (r == 0)
        r = authorize(call, old->instance_id, profile);
    if (r)
        return r;
    const struct ec2_instance_row *instance = ec2_instance_get(call->txn, old->instance_id);
    assert(instance); /* an association ends with its instance */
    if (instance->state != EC2_RUNNING)
        return api_fault(call, &EC2_ERR(IncorrectState),
                         "The association %.*s is not the active association", STR_ARG(old->id));
    r = association_delete(call, old->id);
    if (r == 0)
        r = ec2_profile_associate(call, instance->id, profile, &row);
    if (r == 0)
        res->iam_instance_profile_association = association_answer(call, &row, "associating");
    return r;
}

/* ---- DescribeIamInstanceProfileAssociations ---- */

static const struct api_filter association_filters[] = {
    {"instance-id", "InstanceId"},
    {"state", "State"},
};
static const struct api_filter_table association_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_IamInstanceProfileAssociation, association_filters);

int
ec2_describe_iam_instance_profile_associations(
    struct api_call *call, const struct ec2_DescribeIamInstanceProfileAssociationsRequest *req,
    struct ec2_DescribeIamInstanceProfileAssociationsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2("associationIdSet");
    const struct ec2_profile_association_row *asked;
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &association_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->association_ids.n > 0, &listing);

    for (size_t i = 0; i < req->association_ids.n && r == 0; i++)
        r = association_find(call, req->association_ids.v[i], &asked);
    if (r)
        return r;
    API_PRESENT(&res->iam_instance_profile_associations);
    STORE_EACH(call->txn, ec2_profile_association_by_owner, row, call->account, call->region) {
        struct ec2_IamInstanceProfileAssociation shown = association_show(call, row, "associated");

        if (listing.page.more)
            break;
        if (req->association_ids.n && !str_in(&req->association_ids, row->id))
            continue;
        if (ec2_listing_has(call, &listing, &shown, row->associated_ms, row->id))
            *LIST_PUSH(call->arena, &res->iam_instance_profile_associations) = shown;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
