#include "api/page.h"
#include "harness/harness.h"

static const uint8_t secret[API_PAGE_KEY_BYTES] = {1, 2, 3};
static const struct api_page_scope scope = {secret, API_EC2, S_INIT("DescribeInstances"),
                                            S_INIT("000000000000"), S_INIT("us-east-1")};
static const struct api_page_rule rule = API_PAGE_EC2("instancesSet");

static int
open_page(struct str token, int64_t max, struct api_page *ret, struct api_fault *fault)
{
    struct opt_i64 n = max ? opt_i64(max) : (struct opt_i64){0};

    return api_page_open(test_arena(), &scope, &rule, token, n, false, ret, fault);
}

/* Takes the rows "00" … "11" and answers how many were on the page. */
static int
walk(struct api_page *page, const char **ret_first)
{
    static const char *const rows[] = {"00", "01", "02", "03", "04", "05",
                                       "06", "07", "08", "09", "10", "11"};
    int n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (api_page_take(page, str_from(rows[i])) && n++ == 0)
            *ret_first = rows[i];
    return n;
}

TEST(pages_follow_each_other_and_end)
{
    struct api_page page;
    struct api_fault fault;
    struct str token = STR_NONE;
    const char *first = "";
    static const struct {
        int n;
        const char *first;
    } want[] = {{5, "00"}, {5, "05"}, {2, "10"}};

    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_INT(open_page(token, 5, &page, &fault), 0);
        CHECK_INT(walk(&page, &first), want[i].n);
        CHECK_STR(str_from(first), want[i].first);
        token = api_page_next(test_arena(), &scope, &page);
        CHECK((token.p == NULL) == (i == 2));
    }
    CHECK_INT(open_page(STR_NONE, 0, &page, &fault), 0);
    CHECK_INT(walk(&page, &first), 12);
    CHECK(api_page_next(test_arena(), &scope, &page).p == NULL);
    CHECK_INT(open_page(STR_NONE, 12, &page, &fault), 0);
    CHECK_INT(walk(&page, &first), 12);
    CHECK(api_page_next(test_arena(), &scope, &page).p == NULL);
}

TEST(a_token_is_good_where_it_was_given_and_nowhere_else)
{
    struct api_page page;
    struct api_fault fault;
    const char *first;

    CHECK_INT(open_page(STR_NONE, 5, &page, &fault), 0);
    walk(&page, &first);
    struct str token = api_page_next(test_arena(), &scope, &page);
    struct api_page_scope other = scope;

    other.account = S("111111111111");
    CHECK_INT(api_page_open(test_arena(), &other, &rule, token, opt_i64(5), false, &page, &fault),
              1);
    other = scope;
    other.operation = S("DescribeVolumes");
    CHECK_INT(api_page_open(test_arena(), &other, &rule, token, opt_i64(5), false, &page, &fault),
              1);
    for (size_t i = 0; i < token.n; i++) {
        struct str forged = str_dup(test_arena(), token);

        /* Within the six bits that count of every character but perhaps the last. */
        ((char *)forged.p)[i] = forged.p[i] == 'A' ? 'Q' : 'A';
        if (i + 1 < token.n)
            CHECK_INT(open_page(forged, 5, &page, &fault), 1);
        CHECK_INT(open_page(str_cut(token, 0, i ? i : 1), 5, &page, &fault), 1);
    }
    CHECK_STR(fault.code, "InvalidParameterValue");
    CHECK_INT(open_page(S("no such token!"), 5, &page, &fault), 1);
    CHECK_INT(open_page(token, 5, &page, &fault), 0);
}

TEST(page_sizes_are_checked)
{
    struct api_page page;
    struct api_fault fault;
    struct api_page_rule clamped = rule;

    CHECK_INT(open_page(STR_NONE, 1, &page, &fault), 1);
    CHECK_STR(fault.message, "Value ( 1 ) for parameter maxResults is invalid. "
                             "Expecting a value greater than 5.");
    CHECK_INT(open_page(STR_NONE, 1001, &page, &fault), 1);
    CHECK_INT(open_page(STR_NONE, 1000, &page, &fault), 0);
    clamped.clamp = true;
    CHECK_INT(api_page_open(test_arena(), &scope, &clamped, STR_NONE, opt_i64(5000), false, &page,
                            &fault),
              0);
    CHECK_INT(page.left, 1000);
    CHECK_INT(api_page_open(test_arena(), &scope, &rule, STR_NONE, opt_i64(5), true, &page,
                            &fault),
              1);
    CHECK_STR(fault.code, "InvalidParameterCombination");
    CHECK_STR(fault.message,
              "The parameter instancesSet cannot be used with the parameter maxResults");
}
