/*
 * Who may make volumes of a snapshot: the one attribute that can be changed.
 */
#include "ec2/row_ok.h"
#include "codec/aws_names.h"
#include "ec2/volume.h"

#include "gen/store/kms_rows.h"

enum { ACCOUNTS_MAX = 1000 };

bool
ec2_key_is_aws(struct txn *txn, struct str arn)
{
    const struct kms_key_row *key = arn.n ? kms_key_get(txn, arn) : NULL;

    return key && key->aws_service.n;
}

static int
attribute_check(struct api_call *call, struct str attribute)
{
    if (!attribute.p || str_is(attribute, "createVolumePermission"))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter attribute is invalid. Valid values: "
                     "createVolumePermission",
                     STR_ARG(attribute));
}

/* ---- DescribeSnapshotAttribute ---- */

int
ec2_describe_snapshot_attribute(struct api_call *call,
                                const struct ec2_DescribeSnapshotAttributeRequest *req,
                                struct ec2_DescribeSnapshotAttributeResult *res)
{
    const struct ec2_snapshot_row *row;
    int r = ec2_snapshot_own(call, req->snapshot_id, &row);

    if (r)
        return r;
    res->snapshot_id = row->id;
    if (str_is(req->attribute, "productCodes")) {
        API_PRESENT(&res->product_codes);
        return 0;
    }
    r = attribute_check(call, req->attribute);
    if (r)
        return r;
    API_PRESENT(&res->create_volume_permissions);
    if (row->is_public)
        *LIST_PUSH(call->arena, &res->create_volume_permissions) =
            (struct ec2_CreateVolumePermission){.group = S("all")};
    LIST_EACH(&row->accounts, account)
        *LIST_PUSH(call->arena, &res->create_volume_permissions) =
            (struct ec2_CreateVolumePermission){.user_id = *account};
    return 0;
}

/* ---- ModifySnapshotAttribute ---- */

static int
not_shared(struct api_call *call, const char *why)
{
    return api_fault(call, &EC2_ERR(OperationNotPermitted), "%s", why);
}

static int
group_set(struct api_call *call, struct str group, bool on, struct ec2_snapshot_row *row)
{
    if (!str_is(group, "all"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter group is invalid. Valid values: all",
                         STR_ARG(group));
    if (on && row->encrypted)
        return not_shared(call, "Encrypted snapshots cannot be shared publicly");
    row->is_public = on;
    return 0;
}

static int
account_set(struct api_call *call, struct str account, bool on, struct ec2_snapshot_row *row)
{
    if (!aws_is_account(account))
        return api_fault(call, &EC2_ERR(InvalidUserID_Malformed), "Invalid user id: \"%.*s\"",
                         STR_ARG(account));
    if (on && ec2_key_is_aws(call->txn, row->kms_key_id))
        return not_shared(call, "Encrypted snapshots with EBS default key cannot be shared");
    return ec2_accounts_set(call, &row->accounts, account, on, ACCOUNTS_MAX, "A snapshot");
}

static int
permissions_set(struct api_call *call, const struct ec2_CreateVolumePermissionList *list, bool on,
                struct ec2_snapshot_row *row)
{
    int r = 0;

    LIST_EACH(list, p) {
        if (!p->group.p && !p->user_id.p)
            return api_fault(call, &EC2_ERR(MissingParameter),
                             "A permission needs a UserId or a Group");
        if (p->group.p)
            r = group_set(call, p->group, on, row);
        if (r == 0 && p->user_id.p)
            r = account_set(call, p->user_id, on, row);
        if (r)
            return r;
    }
    return 0;
}

/* OperationType with UserIds and GroupNames: the older form of CreateVolumePermission. */
static int
operation(struct api_call *call, const struct ec2_ModifySnapshotAttributeRequest *req,
          struct ec2_snapshot_row *row)
{
    bool on = str_is(req->operation_type, "add");
    int r = 0;

    assert(on || str_is(req->operation_type, "remove"));
    LIST_EACH(&req->group_names, group)
        r = r ? r : group_set(call, *group, on, row);
    LIST_EACH(&req->user_ids, account)
        r = r ? r : account_set(call, *account, on, row);
    return r;
}

static int
put(struct api_call *call, const struct ec2_snapshot_row *row)
{
    assert(ec2_snapshot_ok(row));
    return ec2_unwritten(ec2_snapshot_update(call->txn, row), row->id);
}

int
ec2_modify_snapshot_attribute(struct api_call *call,
                              const struct ec2_ModifySnapshotAttributeRequest *req,
                              struct ec2_ModifySnapshotAttributeResult *res UNUSED)
{
    const struct ec2_CreateVolumePermissionModifications *permission =
        req->create_volume_permission;
    const struct ec2_snapshot_row *old;
    bool older = req->user_ids.n || req->group_names.n;
    int r = ec2_snapshot_own(call, req->snapshot_id, &old);

    if (r == 0)
        r = attribute_check(call, req->attribute);
    if (r)
        return r;
    struct ec2_snapshot_row row = *old;

    if (older != (req->operation_type.p != NULL) || (!older && !permission))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "CreateVolumePermission, or OperationType with UserId or UserGroup, must "
                         "be given");
    if (older)
        r = operation(call, req, &row);
    if (r == 0 && permission)
        r = permissions_set(call, &permission->add, true, &row);
    if (r == 0 && permission)
        r = permissions_set(call, &permission->remove, false, &row);
    return r ? r : put(call, &row);
}

int
ec2_reset_snapshot_attribute(struct api_call *call,
                             const struct ec2_ResetSnapshotAttributeRequest *req,
                             struct ec2_ResetSnapshotAttributeResult *res UNUSED)
{
    const struct ec2_snapshot_row *old;
    int r = ec2_snapshot_own(call, req->snapshot_id, &old);

    if (r == 0)
        r = attribute_check(call, req->attribute);
    if (r)
        return r;
    struct ec2_snapshot_row row = *old;

    row.is_public = false;
    row.accounts = (struct str_list){0};
    return put(call, &row);
}
