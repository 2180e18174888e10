/*
 * Filter policies: whether a subscription wants a message.  Pure.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
 *
 * A policy is an object: of each name an array of rules, one of which must hold, or (of bodies) an
 * object again; "$or" is a list of objects, one of which must hold.  What it is held against is an
 * object too: the message's body, or one that is made of its attributes.
 */
#pragma once

#include "codec/json.h"

enum { SNS_FILTER_KEYS_MAX = 5, SNS_FILTER_COMBINATIONS_MAX = 150 };

/* What is wrong with a policy, in AWS's words and in the arena; p NULL: nothing. */
struct str sns_filter_check(struct arena *a, const struct json *policy, bool of_body);
bool sns_filter_passes(struct arena *a, const struct json *policy, const struct json *message);
