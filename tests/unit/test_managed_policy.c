/* AWS managed policies as they were compiled in. */
#include "api/managed_policy.h"
#include "harness/harness.h"
#include "policy/policy.h"

TEST(every_managed_policy_is_found_and_is_one)
{
    size_t n;
    const struct managed_policy *all = managed_policy_all(&n);
    struct managed_policy found;

    CHECK(n > 60);
    for (size_t i = 0; i < n; i++) {
        struct policy *policy = NULL;
        struct str why = S("");

        CHECK(i == 0 || str_cmp(all[i - 1].arn, all[i].arn) < 0);
        CHECK(managed_policy_find(all[i].arn, &found));
        CHECK(str_eq(found.name, all[i].name));
        CHECK(str_eq(all[i].arn, str_fmt(test_arena(), "arn:aws:iam::aws:policy%.*s%.*s",
                                         STR_ARG(found.path), STR_ARG(found.name))));
        CHECK_INT(found.id.n, 21);
        CHECK(found.created_ms > 0 && found.updated_ms >= found.created_ms);
        if (policy_parse(&policy, found.document, POLICY_IDENTITY, test_arena(), &why))
            FAIL("%.*s: %.*s", STR_ARG(found.name), STR_ARG(why));
        policy_free(policy);
    }
    CHECK(!managed_policy_find(S("arn:aws:iam::aws:policy/None"), &found));
    CHECK(!managed_policy_find(S(""), &found));
    CHECK(!managed_policy_find(S("arn:aws:iam::aws:policy/~"), &found));
}

/* Of AWS's own answer: 2015-02-06T18:39:46Z. */
TEST(a_managed_policy_has_its_date)
{
    struct managed_policy found;

    CHECK(managed_policy_find(S("arn:aws:iam::aws:policy/AdministratorAccess"), &found));
    CHECK_INT(found.created_ms, 1423247986000);
    CHECK_STR(found.version, "v1");
}
