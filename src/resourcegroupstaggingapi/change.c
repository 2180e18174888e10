/*
 * Changing tags: TagResources, UntagResources.
 *
 * Each thing is for itself: what its service refuses stands in FailedResourcesMap with that
 * service's error, and the others are changed.  Only a list that is no list of ARNs is refused.
 */
#include "resourcegroupstaggingapi/resourcegroupstaggingapi.h"

enum { TAGS_MAX = 50 };

typedef struct resourcegroupstaggingapi_FailureInfoMap failures;

static void
fail(struct api_call *call, failures *failed, struct str arn, int http, struct str code,
     struct str message)
{
    assert(arn.n > 0);
    assert(code.n && http >= 400);
    struct resourcegroupstaggingapi_FailureInfo *info =
        ARENA_NEW(call->arena, struct resourcegroupstaggingapi_FailureInfo);

    *info = (struct resourcegroupstaggingapi_FailureInfo){
        .status_code = opt_i64(http), .error_code = code, .error_message = message};
    *LIST_PUSH(call->arena, failed) =
        (struct resourcegroupstaggingapi_FailureInfoMapEntry){.key = arn, .value = info};
}

/* One thing; 0 also when it fails. */
static int
change_one(struct api_call *call, struct str text, const struct tagging_change *change,
           failures *failed)
{
    struct tagging_arn arn;
    bool is = tagging_arn_parse(text, &arn);

    assert(!change->put != !change->drop); /* one of both */
    assert(is);
    if ((arn.region.n && !str_eq(arn.region, call->region)) ||
        (arn.account.n && !str_eq(arn.account, call->account))) {
        fail(call, failed, text, 400, S("InvalidParameterException"),
             S("The resource is not in this account and Region"));
        return 0;
    }
    if (!arn.kind || !arn.kind->change) {
        fail(call, failed, text, 500, S("InternalServiceException"),
             S("Tags of this type of resource cannot be changed here"));
        return 0;
    }
    assert(arn.id.n > 0);
    int r = arn.kind->change(call, text, arn.id, change);

    if (r > 0) {
        fail(call, failed, text, call->fault.http, call->fault.code, call->fault.message);
        call->fault = (struct api_fault){0};
    }
    return MIN(r, 0);
}

static int
change_all(struct api_call *call, const struct str_list *arns, const struct tagging_change *change,
           failures *failed)
{
    int r = tagging_arns_check(call, arns);

    if (r)
        return r;
    API_PRESENT(failed);
    for (size_t i = 0; i < arns->n && r == 0; i++) {
        const struct str_list before = {arns->v, i};

        if (!str_in(&before, arns->v[i]))
            r = change_one(call, arns->v[i], change, failed);
    }
    return r;
}

int
resourcegroupstaggingapi_tag_resources(struct api_call *call,
                                       const struct resourcegroupstaggingapi_TagResourcesInput *req,
                                       struct resourcegroupstaggingapi_TagResourcesOutput *res)
{
    const struct tagging_change change = {.put = &req->tags};

    if (req->tags.n == 0 || req->tags.n > TAGS_MAX)
        return api_fault(call, &tagging_invalid, "Tags must have between 1 and %d items", TAGS_MAX);
    return change_all(call, &req->resource_arn_list, &change, &res->failed_resources_map);
}

int
resourcegroupstaggingapi_untag_resources(
    struct api_call *call, const struct resourcegroupstaggingapi_UntagResourcesInput *req,
    struct resourcegroupstaggingapi_UntagResourcesOutput *res)
{
    const struct tagging_change change = {.drop = &req->tag_keys};

    assert(req->tag_keys.n > 0);
    return change_all(call, &req->resource_arn_list, &change, &res->failed_resources_map);
}
