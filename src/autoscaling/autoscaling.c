/* What the API asks of this service beside its operations, and what its files share. */
#include "autoscaling/autoscaling.h"

#include "api/actor.h"
#include "api/decode_doc.h"
#include "api/encode_doc.h"
#include "codec/doc.h"
#include "gen/store/iam_rows.h"

const struct api_error asg_errors[ASG_N_ERRORS] = {
#define X(name) [ASG_ERROR_##name] = {#name, 0},
    ASG_ERRORS(X)
#undef X
};

/* ---- authorization ---- */

static struct str_list *
plain_tags(struct api_call *call, const struct asg_group_row *row)
{
    struct str_list *tags = ARENA_NEW(call->arena, struct str_list);

    for (size_t i = 0; i + 2 < row->tags.n; i += 3) {
        *LIST_PUSH(call->arena, tags) = row->tags.v[i];
        *LIST_PUSH(call->arena, tags) = row->tags.v[i + 1];
    }
    return tags;
}

/* Policies know groups and configurations by their ARNs, which have a UUID in them.  Some requests
 * name a group by one of its instances. */
static int
resource_find(struct api_call *call, struct str type, struct str id, struct api_resource *resource)
{
    if (str_is(type, "autoScalingGroup")) {
        const struct asg_instance_row *member =
            str_starts(id, S("i-")) ? asg_instance_get(call->txn, id) : NULL;
        const struct asg_group_row *row =
            member ? asg_group_get(call->txn, member->group_id) : asg_group_look(call, id);

        if (row && str_eq(row->account, call->account)) {
            resource->arn = row->id;
            resource->tags = plain_tags(call, row);
        }
        return 0;
    }
    assert(str_is(type, "launchConfiguration"));
    const struct asg_launch_config_row *row = asg_launch_config_look(call, id);

    if (row)
        resource->arn = row->id;
    return 0;
}

/* Alarms of target tracking are the service's own, and what they do its own policies. */
static bool
granted(struct api_call *call, struct str action, const struct api_resource *resource UNUSED,
        const struct policy_context *extra UNUSED)
{
    struct str role =
        str_fmt(call->arena, "arn:aws:sts::%.*s:assumed-role/AWSServiceRoleForAutoScaling",
                STR_ARG(call->account));

    return str_is(action, "autoscaling:ExecutePolicy") && str_is(call->via, ASG_ALARMS) &&
           str_starts(call->principal_arn, role);
}

const struct api_service_hooks autoscaling_hooks = {.service = &autoscaling_service,
                                                    .resource = resource_find,
                                                    .granted = granted};

int
asg_as_service(struct api_call *call, struct str role_arn, struct api_call *ret)
{
    struct str_list actor = api_actor_role(call, role_arn, S("AutoScaling"));

    if (!actor.n || !api_actor_call(call->api, call->arena, &actor, call->region, ret))
        return error_origin(ENOENT, "there is no role %.*s", STR_ARG(role_arn));
    ret->txn = call->txn;
    assert(str_eq(ret->account, call->account));
    return 0;
}

/* ---- refusals ---- */

int
asg_unsupported(struct api_call *call, const char *member)
{
    assert(member[0] != '\0');
    return ASG_INVALID(call, "The parameter %s is not implemented by Welkin", member);
}

int
asg_refuse_first(struct api_call *call, const struct asg_refusal *list, size_t n)
{
    assert(n > 0);
    for (size_t i = 0; i < n; i++)
        if (list[i].wanted)
            return asg_unsupported(call, list[i].member);
    return 0;
}

/* ---- rows ---- */

int
asg_written(int r, const char *what, struct str id)
{
    return r < 0 ? error_origin(-r, "%s %.*s cannot be written", what, STR_ARG(id)) : 0;
}

const struct asg_group_row *
asg_group_look(struct api_call *call, struct str name)
{
    const struct asg_group_row *row =
        asg_group_by_name_get(call->txn, call->account, call->region, name);

    /* some operations take the ARN as well */
    if (!row && str_starts(name, S("arn:"))) {
        row = asg_group_get(call->txn, name);
        if (row && (!str_eq(row->account, call->account) || !str_eq(row->region, call->region)))
            row = NULL;
    }
    assert(!row || asg_group_ok(row));
    return row;
}

int
asg_group_find(struct api_call *call, struct str name, struct asg_group_row *ret)
{
    const struct asg_group_row *row = asg_group_look(call, name);

    if (!row)
        return ASG_INVALID(call, "AutoScalingGroup name not found - null");
    if (row->deleting)
        return ASG_INVALID(call, "AutoScalingGroup '%.*s' is pending delete", STR_ARG(row->name));
    *ret = *row;
    return 0;
}

int
asg_group_save(struct api_call *call, const struct asg_group_row *row)
{
    assert(asg_group_ok(row));
    return asg_written(asg_group_update(call->txn, row), "group", row->name);
}

bool
asg_suspended(const struct asg_group_row *group, const char *process)
{
    assert(group->suspended.n % 2 == 0);
    for (size_t i = 0; i < group->suspended.n; i += 2)
        if (str_is(group->suspended.v[i], process))
            return true;
    return false;
}

/* ---- parts of requests in columns ---- */

#define KEPT_BYTES_MAX ((size_t)64 << 10)

static const struct api_shape *
input_of(const char *operation)
{
    const struct api_op *op = api_op_find(&autoscaling_service, str_from(operation));

    assert(op && op->input != API_NONE);
    return api_shape(&autoscaling_service, op->input);
}

int
asg_keep(struct api_call *call, const char *operation, const void *input, struct str *ret)
{
    struct buf buf;
    int r = 0;

    buf_init(&buf, KEPT_BYTES_MAX);
    api_encode_doc(&autoscaling_service, input_of(operation), API_DOC_JSON, input, &buf);
    if (buf_failed(&buf))
        r = ASG_INVALID(call, "The request is too long");
    else
        *ret = str_dup(call->arena, buf_str(&buf));
    buf_done(&buf);
    return r;
}

int
asg_kept(struct api_call *call, const char *operation, struct str text, void *ret)
{
    struct api_fault fault = {0};

    assert(text.n > 0);
    return api_decode_doc(&autoscaling_service, input_of(operation), &doc_json, call->arena, text,
                          ret, &fault)
               ? error_origin(EUCLEAN, "a kept part of %s cannot be read", operation)
               : 0;
}

/* ---- pages ---- */

int
asg_page_open(struct api_call *call, struct str token, struct opt_i64 max, int64_t usual,
              struct api_page *ret)
{
    const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = usual};
    const struct api_page_scope scope = api_page_scope(call);
    int r = api_page_open(call->arena, &scope, &rule, STR_NONE, max, false, ret, &call->fault);

    assert(usual > 0 && usual <= rule.max);
    if (r == 0 && token.p &&
        api_page_open(call->arena, &scope, &rule, token, max, false, ret, &call->fault))
        return api_fault(call, &ASG_ERR(InvalidNextToken), "The token '%.*s' is invalid.",
                         STR_ARG(token));
    return r;
}

struct str
asg_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}
