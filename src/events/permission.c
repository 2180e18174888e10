/*
 * Policies of buses: who else may put events there.  PutPermission takes a whole policy, or one
 * statement that is made of its other members.
 */
#include "events/events.h"

#include "codec/json.h"
#include "policy/policy.h"

enum { NODES_MAX = 20000 };

static int
policy_check(struct api_call *call, struct str text)
{
    struct policy *policy = NULL;
    struct str why;
    int r = policy_parse(&policy, text, POLICY_RESOURCE, call->arena, &why);

    policy_free(policy);
    if (r > 0)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "The provided policy is not valid: %.*s", STR_ARG(why));
    return r;
}

/* ---- a statement ---- */

static void
put_statement(struct json_out *o, struct api_call *call, const struct events_bus_row *bus,
              const struct events_PutPermissionRequest *req)
{
    assert(req->statement_id.n > 0 && req->principal.n > 0);
    json_open(o, '{');
    json_key_str(o, "Sid", req->statement_id);
    json_key_str(o, "Effect", S("Allow"));
    json_key(o, S("Principal"));
    if (str_is(req->principal, "*")) {
        json_str(o, req->principal);
    } else {
        json_open(o, '{');
        json_key_str(o, "AWS",
                     str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(req->principal)));
        json_close(o, '}');
    }
    json_key_str(o, "Action", req->action);
    json_key_str(o, "Resource", bus->id);
    if (req->condition) {
        json_key(o, S("Condition"));
        json_open(o, '{');
        json_key(o, req->condition->type);
        json_open(o, '{');
        json_key(o, req->condition->key);
        json_str(o, req->condition->value);
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, '}');
}

/* The policy without the statement of that id, and with the new one (may be NULL) at its end. */
static struct str
policy_with(struct api_call *call, const struct events_bus_row *bus, struct str without,
            const struct events_PutPermissionRequest *add, size_t *ret_left)
{
    struct json old = {.kind = JSON_OBJECT};
    const struct json *statements;
    struct buf buf;
    struct json_out o = {.buf = &buf};
    size_t at, left = 0;

    if (bus->policy.n)
        json_parse(call->arena, bus->policy, NODES_MAX, &old, &at);
    statements = json_get(&old, "Statement");
    buf_init(&buf, 4 * EVENTS_POLICY_MAX);
    json_open(&o, '{');
    json_key_str(&o, "Version", S("2012-10-17"));
    json_key(&o, S("Statement"));
    json_open(&o, '[');
    size_t n = !statements ? 0 : statements->kind == JSON_ARRAY ? statements->n : 1;

    for (size_t i = 0; i < n; i++) {
        const struct json *s = statements->kind == JSON_ARRAY ? &statements->v[i] : statements;

        if (str_eq(json_text(s, "Sid"), without))
            continue;
        json_value(&o, s);
        left++;
    }
    if (add)
        put_statement(&o, call, bus, add);
    json_close(&o, ']');
    json_close(&o, '}');
    assert(left <= n);
    *ret_left = left;
    struct str text = buf_failed(&buf) ? STR_NONE : str_dup(call->arena, buf_str(&buf));

    buf_done(&buf);
    return text;
}

static int
statement_check(struct api_call *call, const struct events_PutPermissionRequest *req)
{
    const struct events_Condition *c = req->condition;
    const char *missing = !req->action.p         ? "Action"
                          : !req->principal.p    ? "Principal"
                          : !req->statement_id.p ? "StatementId"
                                                 : NULL;

    if (missing)
        return api_fault(call, &EVENTS_ERR(ValidationException), "Parameter %s must be specified.",
                         missing);
    if (!str_is(req->action, "events:PutEvents"))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Provided value in parameter 'action' is not supported.");
    if (c && !str_is(req->principal, "*"))
        return api_fault(call, &(struct api_error){"InvalidParameterValue", 400},
                         "Value of the parameter 'principal' must be '*' when the parameter "
                         "'condition' is set.");
    if (c && (!str_is(c->type, "StringEquals") || !str_is(c->key, "aws:PrincipalOrgID")))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Provided value in parameter 'condition' is not supported.");
    return 0;
}

int
events_put_permission(struct api_call *call, const struct events_PutPermissionRequest *req,
                      struct events_PutPermissionResult *res UNUSED)
{
    const struct events_bus_row *bus;
    size_t left;
    int r = events_bus_find(call, req->event_bus_name, &bus);

    if (r == 0)
        r = events_may(call, bus->id, &bus->tags);
    if (r == 0 && !req->policy.p)
        r = statement_check(call, req);
    if (r)
        return r;
    struct events_bus_row row = *bus;

    row.policy =
        req->policy.p ? req->policy : policy_with(call, bus, req->statement_id, req, &left);
    if (!row.policy.p || row.policy.n > EVENTS_POLICY_MAX)
        return api_fault(call, &EVENTS_ERR(PolicyLengthExceededException),
                         "The policy exceeds the maximum length of %d bytes.", EVENTS_POLICY_MAX);
    r = policy_check(call, row.policy);
    return r ? r : events_bus_save(call, &row);
}

int
events_remove_permission(struct api_call *call, const struct events_RemovePermissionRequest *req,
                         struct events_RemovePermissionResult *res UNUSED)
{
    const struct events_bus_row *bus;
    struct str rest = STR_NONE;
    size_t left = 0, all;
    int r = events_bus_find(call, req->event_bus_name, &bus);

    if (r == 0)
        r = events_may(call, bus->id, &bus->tags);
    if (r)
        return r;
    struct events_bus_row row = *bus;

    if (!opt_bool_or(req->remove_all_permissions, false)) {
        if (!bus->policy.n)
            return api_fault(call, &EVENTS_ERR(ResourceNotFoundException),
                             "EventBus does not have a policy.");
        policy_with(call, bus, STR_NONE, NULL, &all);
        rest = policy_with(call, bus, req->statement_id, NULL, &left);
        if (!req->statement_id.n || left == all)
            return api_fault(call, &EVENTS_ERR(ResourceNotFoundException),
                             "Statement with the provided id does not exist.");
    }
    row.policy = left ? rest : S("");
    return events_bus_save(call, &row);
}
