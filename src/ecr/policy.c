/* What rules say of a repository: who may use it, and which images expire. */
#include "ecr/ecr.h"

#include "codec/json.h"
#include "policy/policy.h"

enum { NODES_MAX = 10000, TEXT_BYTES_MAX = 1 << 18 };

/* ---- who may ---- */

/* A statement of a repository's policy is about the repository, and does not say so. */
static void
add_resource(struct arena *a, struct json *statement)
{
    struct str *names = ARENA_ARRAY(a, struct str, statement->n + 1);
    struct json *v = ARENA_ARRAY(a, struct json, statement->n + 1);

    if (statement->kind != JSON_OBJECT || json_get(statement, "Resource"))
        return; /* policy_parse() will say what is wrong */
    for (size_t i = 0; i < statement->n; i++) {
        names[i] = statement->names[i];
        v[i] = statement->v[i];
    }
    names[statement->n] = S("Resource");
    v[statement->n] = (struct json){.kind = JSON_STRING, .text = S("*")};
    statement->names = names;
    statement->v = v;
    statement->n++;
    assert(json_get(statement, "Resource"));
}

static bool
make_whole(struct arena *a, struct str text, struct str *ret)
{
    struct buf out;
    struct json_out o = {.buf = &out};
    struct json root;
    size_t at;

    if (!json_parse(a, text, NODES_MAX, &root, &at))
        return false;
    struct json *statements = (struct json *)json_get(&root, "Statement");

    if (statements && statements->kind == JSON_OBJECT)
        add_resource(a, statements);
    for (size_t i = 0; statements && statements->kind == JSON_ARRAY && i < statements->n; i++)
        add_resource(a, &statements->v[i]);
    buf_init(&out, TEXT_BYTES_MAX);
    json_value(&o, &root);
    bool ok = !buf_failed(&out);

    if (ok)
        *ret = str_dup(a, buf_str(&out));
    buf_done(&out);
    return ok;
}

static int
check_policy(struct api_call *call, struct str text, struct str *ret_whole)
{
    struct policy *policy = NULL;
    struct str why;
    int r = make_whole(call->arena, text, ret_whole)
                ? policy_parse(&policy, *ret_whole, POLICY_RESOURCE, call->arena, &why)
                : 1;

    if (r > 0)
        return ecr_refuse(call, "InvalidParameterException",
                          "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
                          "'Invalid repository policy provided'");
    policy_free(policy);
    assert(r < 0 || ret_whole->n > 0);
    return r;
}

int
ecr_set_repository_policy(struct api_call *call, const struct ecr_SetRepositoryPolicyRequest *req,
                          struct ecr_SetRepositoryPolicyResponse *res)
{
    const struct ecr_repository_row *found;
    struct str whole;
    int r = ecr_find(call, req->registry_id, req->repository_name, &found);

    if (r == 0)
        r = check_policy(call, req->policy_text, &whole);
    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.policy_whole = whole;
    row.policy = req->policy_text; /* `force` is for one that would lock its owner out */
    res->registry_id = row.account;
    res->repository_name = row.name;
    res->policy_text = row.policy;
    return ecr_save(call, &row);
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
    row.policy = row.policy_whole = S("");
    return ecr_save(call, &row);
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
    return ecr_save(call, &row);
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
    return ecr_save(call, &row);
}
