/* Policies of topics: the default one, what one may be, and AddPermission's statements. */
#include "sns/sns.h"

#include "codec/aws_names.h"

/* The actions that AddPermission takes, and that the default policy has. */
static const char *const actions[] = {"GetTopicAttributes",
                                      "SetTopicAttributes",
                                      "AddPermission",
                                      "RemovePermission",
                                      "DeleteTopic",
                                      "Subscribe",
                                      "ListSubscriptionsByTopic",
                                      "Publish"};

struct str
sns_policy_default(struct arena *a, struct str topic, struct str account)
{
    struct str list = S("");

    assert(topic.n && account.n == 12);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        list = str_fmt(a, "%.*s%s\"SNS:%s\"", STR_ARG(list), i ? "," : "", actions[i]);
    return str_fmt(a,
                   "{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{"
                   "\"Sid\":\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{"
                   "\"AWS\":\"*\"},\"Action\":[%.*s],\"Resource\":\"%.*s\",\"Condition\":{"
                   "\"StringEquals\":{\"AWS:SourceOwner\":\"%.*s\"}}}]}",
                   STR_ARG(list), STR_ARG(topic), STR_ARG(account));
}

int
sns_policy_check(struct api_call *call, struct str text)
{
    struct policy *policy = NULL;
    struct str why;

    if (text.n > SNS_POLICY_MAX)
        return SNS_INVALID(call, "Policy too long");
    int r = policy_parse(&policy, text, POLICY_RESOURCE, call->arena, &why);

    policy_free(policy);
    if (r < 0)
        return error_origin(-r, "a policy cannot be read");
    return r ? SNS_INVALID(call, "Policy Error: %.*s", STR_ARG(why)) : 0;
}

/* ---- statements ---- */

static bool
is_action(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_is(name, actions[i]))
            return true;
    return false;
}

/* One that is alone is text, several are a list. */
static void
put_texts(struct json_out *o, const char *key, struct arena *a, const struct str_list *list,
          const char *before, const char *after)
{
    json_key(o, str_from(key));
    if (list->n != 1)
        json_open(o, '[');
    LIST_EACH(list, text)
        json_str(o, str_fmt(a, "%s%.*s%s", before, STR_ARG(*text), after));
    if (list->n != 1)
        json_close(o, ']');
}

static void
put_statement(struct json_out *o, struct arena *a, const struct sns_AddPermissionInput *req)
{
    json_open(o, '{');
    json_key_str(o, "Sid", req->label);
    json_key_str(o, "Effect", S("Allow"));
    json_key(o, S("Principal"));
    json_open(o, '{');
    put_texts(o, "AWS", a, &req->aws_account_id, "arn:aws:iam::", ":root");
    json_close(o, '}');
    put_texts(o, "Action", a, &req->action_name, "SNS:", "");
    json_key_str(o, "Resource", req->topic_arn);
    json_close(o, '}');
}

/* The policy without the statement of that Sid, and with that of `req` unless it is NULL. */
static int
rewrite(struct api_call *call, const struct sns_topic_row *topic, struct str label,
        const struct sns_AddPermissionInput *req, bool *ret_found)
{
    struct sns_topic_row row = *topic;
    const struct json *statements;
    struct json policy;
    struct buf buf;
    struct json_out o = {&buf};

    *ret_found = false;
    if (!sns_json(call->arena, topic->policy, &policy))
        return error_origin(EINVAL, "the policy of %.*s is no JSON", STR_ARG(topic->id));
    statements = json_get(&policy, "Statement");
    buf_init(&buf, 2 * SNS_POLICY_MAX);
    json_open(&o, '{');
    for (size_t i = 0; i < policy.n; i++) {
        if (str_is(policy.names[i], "Statement"))
            continue;
        json_key(&o, policy.names[i]);
        json_value(&o, &policy.v[i]);
    }
    json_key(&o, S("Statement"));
    json_open(&o, '[');
    bool list = statements && statements->kind == JSON_ARRAY;

    for (size_t i = 0; statements && i < (list ? statements->n : 1); i++) {
        const struct json *s = list ? &statements->v[i] : statements;

        if (str_eq(json_text(s, "Sid"), label))
            *ret_found = true;
        else
            json_value(&o, s);
    }
    if (req)
        put_statement(&o, call->arena, req);
    json_close(&o, ']');
    json_close(&o, '}');
    bool fits = !buf_failed(&buf) && buf.n <= SNS_POLICY_MAX;

    row.policy = fits ? str_dup(call->arena, buf_str(&buf)) : STR_NONE;
    buf_done(&buf);
    if (!fits)
        return SNS_INVALID(call, "Policy too long");
    return *ret_found && req ? 0 : sns_topic_update(call->txn, &row);
}

int
sns_add_permission(struct api_call *call, const struct sns_AddPermissionInput *req,
                   struct sns_AddPermissionResult *res UNUSED)
{
    const struct sns_topic_row *topic;
    bool found;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    if (r)
        return r;
    if (!req->aws_account_id.n || !req->action_name.n)
        return SNS_INVALID(call, "%s", req->action_name.n ? "AWSAccountId" : "ActionName");
    LIST_EACH(&req->aws_account_id, id) {
        if (!aws_is_account(*id))
            return SNS_INVALID(call, "AWSAccountId");
    }
    LIST_EACH(&req->action_name, name) {
        if (!is_action(*name))
            return SNS_INVALID(call, "Policy statement action out of service scope!");
    }
    r = rewrite(call, topic, req->label, req, &found);
    return r == 0 && found ? SNS_INVALID(call, "Statement already exists") : r;
}

int
sns_remove_permission(struct api_call *call, const struct sns_RemovePermissionInput *req,
                      struct sns_RemovePermissionResult *res UNUSED)
{
    const struct sns_topic_row *topic;
    bool found;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    /* AWS answers so too when there is no such statement */
    return r ? r : rewrite(call, topic, req->label, NULL, &found);
}
