/* What rules say of a repository: who may use it, and which images expire. */
#include "ecr/ecr.h"

#include "codec/json.h"
#include "policy/policy.h"

enum { NODES_MAX = 10000 };

/* ---- who may ---- */

static int
check_policy(struct api_call *call, struct str text)
{
    struct policy *policy;
    struct str why;
    int r = policy_parse(&policy, text, POLICY_TRUST, call->arena, &why);

    if (r > 0)
        return ecr_refuse(call, "InvalidParameterException",
                          "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
                          "'Invalid repository policy provided'");
    if (r == 0)
        policy_free(policy);
    return r;
}

int
ecr_set_repository_policy(struct api_call *call, const struct ecr_SetRepositoryPolicyRequest *req,
                          struct ecr_SetRepositoryPolicyResponse *res)
{
    const struct ecr_repository_row *found;
    int r = ecr_find(call, req->registry_id, req->repository_name, &found);

    if (r == 0)
        r = check_policy(call, req->policy_text);
    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.policy = req->policy_text; /* `force` is for one that would lock its owner out */
    res->registry_id = row.account;
    res->repository_name = row.name;
    res->policy_text = row.policy;
    return ecr_repository_update(call->txn, &row);
}

static int
policy_of(struct api_call *call, struct str registry, struct str name,
          const struct ecr_repository_row **ret)
{
    int r = ecr_find(call, registry, name, ret);

    return r || (*ret)->policy.n
               ? r
               : ecr_refuse(call, "RepositoryPolicyNotFoundException",
                            "Repository policy does not exist for the repository with name '%.*s' "
                            "in the registry with id '%.*s'",
                            STR_ARG(name), STR_ARG((*ret)->account));
}

int
ecr_get_repository_policy(struct api_call *call, const struct ecr_GetRepositoryPolicyRequest *req,
                          struct ecr_GetRepositoryPolicyResponse *res)
{
    const struct ecr_repository_row *row;
    int r = policy_of(call, req->registry_id, req->repository_name, &row);

    if (r)
        return r;
    res->registry_id = row->account;
    res->repository_name = row->name;
    res->policy_text = row->policy;
    return 0;
}

int
ecr_delete_repository_policy(struct api_call *call,
                             const struct ecr_DeleteRepositoryPolicyRequest *req,
                             struct ecr_DeleteRepositoryPolicyResponse *res)
{
    const struct ecr_repository_row *found;
    int r = policy_of(call, req->registry_id, req->repository_name, &found);

    if (r)
        return r;
    struct ecr_repository_row row = *found;

    res->registry_id = found->account;
    res->repository_name = found->name;
    res->policy_text = found->policy;
    row.policy = S("");
    return ecr_repository_update(call->txn, &row);
}

/* ---- which images expire ---- */

/* {"rules": [{"rulePriority": 1, "selection": {…}, "action": {"type": "expire"}} …]} */
static bool
is_lifecycle(struct api_call *call, struct str text)
{
    struct json root;
    size_t at;

    if (!json_parse(call->arena, text, NODES_MAX, &root, &at) || root.kind != JSON_OBJECT)
        return false;
    const struct json *rules = json_get(&root, "rules");

    if (!rules || rules->kind != JSON_ARRAY || !rules->n)
        return false;
    for (size_t i = 0; i < rules->n; i++) {
        const struct json *rule = &rules->v[i];

        if (!json_get(rule, "rulePriority") || !json_get(rule, "selection") ||
            !str_is(json_text(json_get(rule, "action"), "type"), "expire"))
            return false;
    }
    return true;
}

int
ecr_put_lifecycle_policy(struct api_call *call, const struct ecr_PutLifecyclePolicyRequest *req,
                         struct ecr_PutLifecyclePolicyResponse *res)
{
    const struct ecr_repository_row *found;
    int r = ecr_find(call, req->registry_id, req->repository_name, &found);

    if (r == 0 && !is_lifecycle(call, req->lifecycle_policy_text))
        r = ecr_refuse(call, "InvalidParameterException",
                       "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
                       "'Lifecycle policy validation failure'");
    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.lifecycle = req->lifecycle_policy_text;
    res->registry_id = row.account;
    res->repository_name = row.name;
    res->lifecycle_policy_text = row.lifecycle;
    return ecr_repository_update(call->txn, &row);
}

static int
lifecycle_of(struct api_call *call, struct str registry, struct str name,
             const struct ecr_repository_row **ret)
{
    int r = ecr_find(call, registry, name, ret);

    return r || (*ret)->lifecycle.n
               ? r
               : ecr_refuse(call, "LifecyclePolicyNotFoundException",
                            "Lifecycle policy does not exist for the repository with name '%.*s' "
                            "in the registry with id '%.*s'",
                            STR_ARG(name), STR_ARG((*ret)->account));
}

int
ecr_get_lifecycle_policy(struct api_call *call, const struct ecr_GetLifecyclePolicyRequest *req,
                         struct ecr_GetLifecyclePolicyResponse *res)
{
    const struct ecr_repository_row *row;
    int r = lifecycle_of(call, req->registry_id, req->repository_name, &row);

    if (r)
        return r;
    res->registry_id = row->account;
    res->repository_name = row->name;
    res->lifecycle_policy_text = row->lifecycle;
    return 0;
}

int
ecr_delete_lifecycle_policy(struct api_call *call,
                            const struct ecr_DeleteLifecyclePolicyRequest *req,
                            struct ecr_DeleteLifecyclePolicyResponse *res)
{
    const struct ecr_repository_row *found;
    int r = lifecycle_of(call, req->registry_id, req->repository_name, &found);

    if (r)
        return r;
    struct ecr_repository_row row = *found;

    res->registry_id = found->account;
    res->repository_name = found->name;
    res->lifecycle_policy_text = found->lifecycle;
    row.lifecycle = S("");
    return ecr_repository_update(call->txn, &row);
}
