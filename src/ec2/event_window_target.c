/*
 * What event windows are for: instances, Dedicated Hosts or tags of instances.
 *
 * Each target is a row, because a target is in one window at most and because the question that
 * matters is asked from the other end: which window is this instance in?  Its id answers before
 * its host, and its host before its tags; of several tags the first by key does.
 */
#include "ec2/dedicated_host.h"
#include "ec2/event_window.h"

enum {
    INSTANCES_MAX = 100, /* of a window */
    HOSTS_MAX = 50,
    TAGS_MAX = 50,
    TAG_KEY_CHARACTERS_MAX = 128,
    TAG_VALUE_CHARACTERS_MAX = 256,
};

#define INSTANCE "instance"
#define HOST "dedicated-host"
#define TAG "tag"

/* What a request names; it is of one kind. */
struct targets {
    const struct str_list *instance_ids, *host_ids;
    const struct ec2_TagList *tags;
};

static const struct ec2_event_window_target_row *
target_of(struct txn *txn, struct str account, struct str region, const char *kind,
          struct str target, struct str value)
{
    assert(kind[0] && target.n > 0);
    return ec2_event_window_target_by_target_get(txn, account, region, str_from(kind), value,
                                                 target);
}

/* ---- showing ---- */

struct ec2_InstanceEventWindowAssociationTarget *
ec2_event_window_targets(struct api_call *call, struct str window_id)
{
    struct ec2_InstanceEventWindowAssociationTarget *out = NULL;

    assert(window_id.n > 0);
    STORE_EACH(call->txn, ec2_event_window_target_by_window, row, window_id) {
        if (!out)
            out = ARENA_NEW(call->arena, struct ec2_InstanceEventWindowAssociationTarget);
        if (str_is(row->kind, TAG))
            *LIST_PUSH(call->arena, &out->tags) =
                (struct ec2_Tag){.key = row->target, .value = row->value};
        else
            *LIST_PUSH(call->arena, str_is(row->kind, HOST) ? &out->dedicated_host_ids
                                                            : &out->instance_ids) = row->target;
    }
    return out;
}

const struct ec2_event_window_row *
ec2_event_window_of(struct txn *txn, const struct ec2_instance_row *row)
{
    struct str account = row->account, region = row->region;
    const struct ec2_event_window_target_row *found =
        target_of(txn, account, region, INSTANCE, row->id, S(""));

    assert(row->tags.n % 2 == 0);
    if (!found && row->host_id.n)
        found = target_of(txn, account, region, HOST, row->host_id, S(""));
    for (size_t i = 0; !found && i + 1 < row->tags.n; i += 2)
        found = target_of(txn, account, region, TAG, row->tags.v[i], row->tags.v[i + 1]);
    return found ? ec2_event_window_get(txn, found->window_id) : NULL;
}

/* ---- putting and dropping ---- */

int
ec2_event_window_drop_targets(struct txn *txn, struct str window_id)
{
    assert(window_id.n > 0);
    STORE_EACH(txn, ec2_event_window_target_by_window, row, window_id) {
        int r = ec2_event_window_target_delete(txn, row->id);

        if (r < 0)
            return error_origin(-r, "target %.*s cannot be deleted", STR_ARG(row->id));
    }
    return 0;
}

int
ec2_event_window_forget(struct txn *txn, const struct ec2_instance_row *instance)
{
    const struct ec2_event_window_target_row *row =
        target_of(txn, instance->account, instance->region, INSTANCE, instance->id, S(""));
    int r = row ? ec2_event_window_target_delete(txn, row->id) : 0;

    return r < 0 ? error_origin(-r, "target %.*s cannot be deleted", STR_ARG(instance->id)) : 0;
}

static int
put(struct api_call *call, const struct ec2_event_window_row *window, const char *kind,
    struct str target, struct str value)
{
    const struct ec2_event_window_target_row *old =
        target_of(call->txn, call->account, call->region, kind, target, value);

    if (old && str_eq(old->window_id, window->id))
        return 0;
    if (old)
        return api_fault(call, &EC2_ERR(Resource_AlreadyAssociated),
                         "The target '%.*s' is already associated with the event window '%.*s'",
                         STR_ARG(target), STR_ARG(old->window_id));
    const struct ec2_event_window_target_row row = {
        .id = str_fmt(call->arena, "%.*s/%s/%zu/%.*s/%.*s", STR_ARG(window->id), kind, target.n,
                      STR_ARG(target), STR_ARG(value)),
        .account = call->account,
        .region = call->region,
        .window_id = window->id,
        .kind = str_from(kind),
        .target = target,
        .value = value,
    };
    assert(window->id.n > 0 && str_eq(window->account, call->account));
    int r = ec2_event_window_target_insert(call->txn, &row);

    return r < 0 ? error_origin(-r, "target %.*s cannot be written", STR_ARG(row.id)) : 0;
}

static int
drop(struct api_call *call, const struct ec2_event_window_row *window, const char *kind,
     struct str target, struct str value)
{
    const struct ec2_event_window_target_row *row =
        target_of(call->txn, call->account, call->region, kind, target, value);

    if (!row || !str_eq(row->window_id, window->id))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The target '%.*s' is not associated with the event window '%.*s'",
                         STR_ARG(target), STR_ARG(window->id));
    int r = ec2_event_window_target_delete(call->txn, row->id);

    return r < 0 ? error_origin(-r, "target %.*s cannot be deleted", STR_ARG(row->id)) : 0;
}

typedef int change_fn(struct api_call *call, const struct ec2_event_window_row *window,
                      const char *kind, struct str target, struct str value);

/* Puts or drops each of them. */
static int
change(struct api_call *call, const struct ec2_event_window_row *window,
       const struct targets *targets, change_fn *fn)
{
    int r = 0;

    assert(fn == put || fn == drop);
    LIST_EACH(targets->instance_ids, id)
        if (r == 0)
            r = fn(call, window, INSTANCE, *id, S(""));
    LIST_EACH(targets->host_ids, id)
        if (r == 0)
            r = fn(call, window, HOST, *id, S(""));
    LIST_EACH(targets->tags, tag)
        if (r == 0)
            r = fn(call, window, TAG, tag->key, tag->value.p ? tag->value : S(""));
    return r;
}

/* ---- what may be one ---- */

static int
only_one_kind(struct api_call *call)
{
    return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                     "Only one type of target (instance IDs, Dedicated Host IDs, or tags) can be "
                     "specified with an event window");
}

static int
tag_check(struct api_call *call, const struct ec2_Tag *tag)
{
    if (tag->key.n && str_chars(tag->key) <= TAG_KEY_CHARACTERS_MAX &&
        str_chars(tag->value) <= TAG_VALUE_CHARACTERS_MAX)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter InstanceTag is invalid. A key has 1 to %d "
                     "characters, a value at most %d.",
                     STR_ARG(tag->key), TAG_KEY_CHARACTERS_MAX, TAG_VALUE_CHARACTERS_MAX);
}

static int
targets_check(struct api_call *call, const struct targets *t)
{
    int n = !!t->instance_ids->n + !!t->host_ids->n + !!t->tags->n;
    struct ec2_instance_rows rows;
    int r = 0;

    if (n > 1)
        return only_one_kind(call);
    if (n == 0)
        return api_fault(
            call, &EC2_ERR(MissingParameter),
            "The request must contain the parameter AssociationTarget with InstanceId, "
            "DedicatedHostId or InstanceTag");
    if (t->instance_ids->n)
        r = ec2_instances_find(call, t->instance_ids, &rows);
    LIST_EACH(t->host_ids, id) {
        const struct ec2_dedicated_host_row *host;

        if (r == 0)
            r = ec2_dedicated_host_find(call, *id, &host);
    }
    LIST_EACH(t->tags, tag)
        if (r == 0)
            r = tag_check(call, tag);
    return r;
}

/* After they were put: the window is within its limits, of one kind. */
static int
limits_check(struct api_call *call, const struct ec2_event_window_row *window)
{
    size_t instances = 0, hosts = 0, tags = 0;

    STORE_EACH(call->txn, ec2_event_window_target_by_window, row, window->id)
        *(str_is(row->kind, TAG) ? &tags : str_is(row->kind, HOST) ? &hosts : &instances) += 1;
    if (!!instances + !!hosts + !!tags > 1)
        return only_one_kind(call);
    if (instances <= INSTANCES_MAX && hosts <= HOSTS_MAX && tags <= TAGS_MAX)
        return 0;
    return api_fault(call, &EC2_ERR(InstanceEventWindowAssociationLimitExceeded),
                     "An event window can be associated with at most %d instance IDs, %d Dedicated "
                     "Host IDs or %d instance tags",
                     INSTANCES_MAX, HOSTS_MAX, TAGS_MAX);
}

/* ---- AssociateInstanceEventWindow, DisassociateInstanceEventWindow ---- */

static int
change_window(struct api_call *call, struct str id, const struct targets *targets, change_fn *fn,
              struct ec2_InstanceEventWindow **ret)
{
    const struct ec2_event_window_row *window;
    int r = ec2_event_window_find(call, id, &window);

    if (r == 0)
        r = targets_check(call, targets);
    if (r == 0)
        r = change(call, window, targets, fn);
    if (r == 0)
        r = limits_check(call, window);
    if (r == 0)
        *ret = ec2_event_window_show(call, window, "creating");
    return r;
}

int
ec2_associate_instance_event_window(struct api_call *call,
                                    const struct ec2_AssociateInstanceEventWindowRequest *req,
                                    struct ec2_AssociateInstanceEventWindowResult *res)
{
    const struct ec2_InstanceEventWindowAssociationRequest *t = req->association_target;
    const struct targets targets = {&t->instance_ids, &t->dedicated_host_ids, &t->instance_tags};

    return change_window(call, req->instance_event_window_id, &targets, put,
                         &res->instance_event_window);
}

int
ec2_disassociate_instance_event_window(struct api_call *call,
                                       const struct ec2_DisassociateInstanceEventWindowRequest *req,
                                       struct ec2_DisassociateInstanceEventWindowResult *res)
{
    const struct ec2_InstanceEventWindowDisassociationRequest *t = req->association_target;
    const struct targets targets = {&t->instance_ids, &t->dedicated_host_ids, &t->instance_tags};

    return change_window(call, req->instance_event_window_id, &targets, drop,
                         &res->instance_event_window);
}
