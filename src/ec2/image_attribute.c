/*
 * Single attributes of an image: who may launch it, what it says of itself.
 */
#include "base/timefmt.h"
#include "codec/aws_names.h"
#include "ec2/volume.h"
#include "ec2/row_ok.h"

enum { DESCRIPTION_MAX = 255, LAUNCH_ACCOUNTS_MAX = 10000 };

/* ---- DescribeImageAttribute ---- */

static void
permissions_show(struct arena *arena, const struct ec2_image_row *row,
                 struct ec2_LaunchPermissionList *ret)
{
    assert(row->launch_accounts.n <= LAUNCH_ACCOUNTS_MAX);
    API_PRESENT(ret);
    if (row->is_public)
        *LIST_PUSH(arena, ret) = (struct ec2_LaunchPermission){.group = S("all")};
    LIST_EACH(&row->launch_accounts, account)
        *LIST_PUSH(arena, ret) = (struct ec2_LaunchPermission){.user_id = *account};
}

int
ec2_describe_image_attribute(struct api_call *call,
                             const struct ec2_DescribeImageAttributeRequest *req,
                             struct ec2_ImageAttribute *res)
{
    const struct ec2_image_row *row;
    struct arena *a = call->arena;
    struct str which = req->attribute;
    int r = ec2_image_own(call, req->image_id, &row);

    if (r)
        return r;
    res->image_id = row->id;
    if (str_is(which, "description"))
        res->description = ec2_value_show(a, row->description);
    else if (str_is(which, "launchPermission"))
        permissions_show(a, row, &res->launch_permissions);
    else if (str_is(which, "bootMode"))
        res->boot_mode = ec2_value_show(a, row->boot_mode);
    else if (str_is(which, "imdsSupport"))
        res->imds_support = ec2_value_show(a, row->imds_support);
    else if (str_is(which, "lastLaunchedTime"))
        res->last_launched_time = ec2_value_show(
            a, row->last_launched_ms ? time_iso_s(a, row->last_launched_ms) : STR_NONE);
    else if (str_is(which, "deregistrationProtection"))
        res->deregistration_protection = ec2_value_show(a, S("disabled"));
    else if (str_is(which, "productCodes"))
        API_PRESENT(&res->product_codes);
    else if (str_is(which, "kernel"))
        res->kernel_id = ec2_value_show(a, STR_NONE);
    else if (str_is(which, "ramdisk"))
        res->ramdisk_id = ec2_value_show(a, STR_NONE);
    else if (str_is(which, "sriovNetSupport"))
        res->sriov_net_support = ec2_value_show(a, row->sriov_net_support);
    else if (str_is(which, "tpmSupport"))
        res->tpm_support = ec2_value_show(a, STR_NONE);
    else if (str_is(which, "uefiData"))
        res->uefi_data = ec2_value_show(a, STR_NONE);
    else if (str_is(which, "blockDeviceMapping"))
        /* What AWS answers since the attribute is deprecated. */
        return api_fault(call, &EC2_ERR(AuthFailure),
                         "Unauthorized attempt to access restricted "
                         "resource");
    else
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                         STR_ARG(which));
    return 0;
}

/* ---- ModifyImageAttribute ---- */

static int
bad_item(struct api_call *call, struct str item, const char *kind)
{
    return api_fault(call, &EC2_ERR(InvalidAMIAttributeItemValue),
                     "Invalid attribute item value \"%.*s\" for %s item type.", STR_ARG(item),
                     kind);
}

static int
group_set(struct api_call *call, struct str group, bool on, struct ec2_image_row *row)
{
    if (!str_is(group, "all"))
        return bad_item(call, group, "userGroup");
    if (on && row->encrypted)
        return api_fault(call, &EC2_ERR(InvalidParameter),
                         "An image with an encrypted snapshot cannot be public");
    row->is_public = on;
    return 0;
}

/* Nobody else can be let use a key that AWS manages, so he could not launch the image. */
static int
may_share(struct api_call *call, const struct ec2_image_row *row)
{
    if (!ec2_key_is_aws(call->txn, row->kms_key_id))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameter),
                     "Snapshots encrypted with the AWS Managed CMK can’t be shared. Specify "
                     "another snapshot.");
}

static int
account_set(struct api_call *call, struct str account, bool on, struct ec2_image_row *row)
{
    if (!aws_is_account(account))
        return bad_item(call, account, "userId");
    int r = on ? may_share(call, row) : 0;

    if (r)
        return r;
    return ec2_accounts_set(call, &row->launch_accounts, account, on, LAUNCH_ACCOUNTS_MAX,
                            "An image");
}

static int
permissions_set(struct api_call *call, const struct ec2_LaunchPermissionList *list, bool on,
                struct ec2_image_row *row)
{
    int r = 0;

    LIST_EACH(list, p) {
        if (p->organization_arn.p || p->organizational_unit_arn.p)
            return ec2_unsupported(call, "Sharing an image with an organization");
        if (!p->group.p && !p->user_id.p)
            return api_fault(call, &EC2_ERR(MissingParameter),
                             "A launch permission needs a UserId or a Group");
        if (p->group.p)
            r = group_set(call, p->group, on, row);
        if (r == 0 && p->user_id.p)
            r = account_set(call, p->user_id, on, row);
        if (r)
            return r;
    }
    return 0;
}

/* OperationType with UserIds and UserGroups: the older form of LaunchPermission. */
static int
operation(struct api_call *call, const struct ec2_ModifyImageAttributeRequest *req,
          struct ec2_image_row *row)
{
    bool on = str_is(req->operation_type, "add");
    int r = 0;

    if (!on && !str_is(req->operation_type, "remove"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter operationType is invalid. Valid values: add, "
                         "remove",
                         STR_ARG(req->operation_type));
    LIST_EACH(&req->user_groups, group)
        r = r ? r : group_set(call, *group, on, row);
    LIST_EACH(&req->user_ids, account)
        r = r ? r : account_set(call, *account, on, row);
    return r;
}

static int
description_set(struct api_call *call, struct str text, struct ec2_image_row *row)
{
    if (text.n > DESCRIPTION_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Image description exceeds maximum length of %d characters",
                         DESCRIPTION_MAX);
    row->description = text;
    return 0;
}

static int
imds_set(struct api_call *call, struct str text, struct ec2_image_row *row)
{
    if (!str_is(text, "v2.0"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter imdsSupport is invalid. Valid values: v2.0",
                         STR_ARG(text));
    row->imds_support = text;
    return 0;
}

static int
modify_refuse(struct api_call *call, const struct ec2_ModifyImageAttributeRequest *req)
{
    if (req->product_codes.n)
        return ec2_unsupported(call, "ProductCode");
    if (req->organization_arns.n || req->organizational_unit_arns.n)
        return ec2_unsupported(call, "Sharing an image with an organization");
    if ((req->user_ids.n || req->user_groups.n) && !req->operation_type.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter operationType");
    return 0;
}

/* Attribute with Value: the older form of Description and ImdsSupport. */
static int
attribute_set(struct api_call *call, const struct ec2_ModifyImageAttributeRequest *req,
              struct ec2_image_row *row)
{
    if (str_is(req->attribute, "launchPermission"))
        return 0;
    if (!str_is(req->attribute, "description") && !str_is(req->attribute, "imdsSupport"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter attribute is invalid. Valid values: "
                         "description, imdsSupport, launchPermission",
                         STR_ARG(req->attribute));
    if (!req->value.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter value");
    return str_is(req->attribute, "description") ? description_set(call, req->value, row)
                                                 : imds_set(call, req->value, row);
}

int
ec2_modify_image_attribute(struct api_call *call, const struct ec2_ModifyImageAttributeRequest *req,
                           struct ec2_ModifyImageAttributeResult *res)
{
    const struct ec2_image_row *old;
    int r = ec2_image_own(call, req->image_id, &old);

    (void)res;
    if (r == 0)
        r = modify_refuse(call, req);
    if (r)
        return r;
    struct ec2_image_row row = *old;
    bool any = req->description || req->imds_support || req->launch_permission ||
               req->operation_type.p || req->attribute.p;

    assert(str_eq(old->account, call->account));
    if (!any || (req->value.p && !req->attribute.p))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination), "No attributes specified.");
    if (req->attribute.p)
        r = attribute_set(call, req, &row);
    if (r == 0 && req->description)
        r = description_set(call, req->description->value, &row);
    if (r == 0 && req->imds_support)
        r = imds_set(call, req->imds_support->value, &row);
    if (r == 0 && req->operation_type.p)
        r = operation(call, req, &row);
    if (r == 0 && req->launch_permission)
        r = permissions_set(call, &req->launch_permission->add, true, &row);
    if (r == 0 && req->launch_permission)
        r = permissions_set(call, &req->launch_permission->remove, false, &row);
    if (r)
        return r;
    assert(ec2_image_ok(&row));
    r = ec2_image_update(call->txn, &row);
    return r < 0 ? error_origin(-r, "image %.*s cannot be written", STR_ARG(row.id)) : 0;
}
