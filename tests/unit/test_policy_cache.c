/* Compiled policies that are kept. */
#include "api/policy_cache.h"
#include "harness/harness.h"

#define ALLOW(action)                                                                              \
    S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"" action       \
      "\",\"Resource\":\"*\"}}")

static const struct policy *
get(struct policy_cache *cache, const char *name, struct str json)
{
    const struct policy *policy = NULL;

    CHECK_INT(policy_cache_get(cache, test_arena(), str_from(name), POLICY_IDENTITY, json, &policy),
              0);
    CHECK(policy);
    return policy;
}

static bool
allows(const struct policy *policy, const char *action)
{
    const struct policy_principal bob = {.kind = POLICY_USER,
                                         .account = S("000000000000"),
                                         .arn = S("arn:aws:iam::000000000000:user/bob")};
    const struct policy_context context = {0};
    const struct policy *identity[] = {policy};
    const struct policy_set set = {.identity = {identity, 1},
                                   .resource_account = S("000000000000")};
    const struct policy_request asked = {
        .action = str_from(action), .resource = S("*"), .principal = &bob, .context = &context};

    return policy_decide(&set, &asked).allowed;
}

TEST(a_policy_is_compiled_once_while_its_text_stays)
{
    struct policy_cache cache;

    policy_cache_init(&cache, 1);
    const struct policy *one = get(&cache, "a", ALLOW("ec2:*"));

    CHECK(get(&cache, "a", ALLOW("ec2:*")) == one);
    CHECK(get(&cache, "b", ALLOW("ec2:*")) != one);
    policy_cache_done(&cache);
}

/* Who has the old one in hand goes on with it until the next call. */
TEST(a_policy_whose_text_changed_is_another_at_once)
{
    struct policy_cache cache;

    policy_cache_init(&cache, 1);
    const struct policy *old = get(&cache, "a", ALLOW("ec2:*"));
    const struct policy *new = get(&cache, "a", ALLOW("s3:*"));

    CHECK(allows(old, "ec2:DescribeVpcs") && !allows(old, "s3:ListBucket"));
    CHECK(!allows(new, "ec2:DescribeVpcs") && allows(new, "s3:ListBucket"));
    policy_cache_trim(&cache, POLICY_CACHE_MAX_BYTES);
    CHECK(get(&cache, "a", ALLOW("s3:*")) == new);
    /* the same text of another kind is not the same policy */
    const struct policy *boundary = NULL;

    CHECK_INT(policy_cache_get(&cache, test_arena(), S("a"), POLICY_SCP, ALLOW("s3:*"), &boundary),
              0);
    CHECK(boundary != new);
    policy_cache_done(&cache);
}

TEST(the_cache_forgets_what_was_used_longest_ago)
{
    struct policy_cache cache;

    policy_cache_init(&cache, 1);
    get(&cache, "a", ALLOW("ec2:A"));
    get(&cache, "b", ALLOW("ec2:B"));
    size_t two = cache.bytes;
    const struct policy *a = get(&cache, "a", ALLOW("ec2:A"));

    get(&cache, "c", ALLOW("ec2:C"));
    CHECK(cache.bytes > two);
    policy_cache_trim(&cache, two);
    CHECK(cache.bytes <= two && get(&cache, "a", ALLOW("ec2:A")) == a);
    policy_cache_trim(&cache, 0);
    CHECK_INT(cache.bytes, 0);
    policy_cache_done(&cache);
}

TEST(a_malformed_policy_is_not_kept)
{
    const struct policy *policy = NULL;
    struct policy_cache cache;

    policy_cache_init(&cache, 1);
    CHECK_INT(policy_cache_get(&cache, test_arena(), S("a"), POLICY_IDENTITY, S("{}"), &policy),
              -EINVAL);
    CHECK(!policy && cache.bytes == 0);
    policy_cache_done(&cache);
}
