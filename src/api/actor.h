/*
 * A caller that is kept in a row, to call later as it did then: CloudFormation goes on with a stack
 * long after the call that began it was answered.
 */
#pragma once

#include "api/api.h"

/* Who calls, as texts for a column of type `strs`: name, value, name, value … */
struct str_list api_actor_keep(struct api_call *call);
/* A role that a service assumes for the caller: iam:PassRole is asked before. */
struct str_list api_actor_role(struct api_call *call, struct str role_arn, struct str session_name);
/* The account itself: what the cloud does for it by itself. */
struct str_list api_actor_account(struct arena *arena, struct str account);
/* Whether the trust policy of a role of the call's account lets a service assume it. */
bool api_role_trusts(struct api_call *call, struct str role_arn, const char *service);

/*
 * A call that no request made, as a kept caller in a region.  txn is the caller's to set; it is
 * good for api_call_internal() alone.  False: the texts are not what api_actor_keep() wrote.
 */
bool api_actor_call(struct api *api, struct arena *arena, const struct str_list *actor,
                    struct str region, struct api_call *ret);

/*
 * The same as a service of AWS ("events.amazonaws.com"), for a thing of an account: the policy of
 * what is called alone decides, and sees aws:SourceArn and aws:SourceAccount.
 */
struct api_call api_service_call(struct api *api, struct arena *arena, const char *service,
                                 struct str account, struct str region, struct str source_arn);
