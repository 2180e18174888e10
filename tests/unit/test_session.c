/* Session tokens: what was sealed comes back, and nothing else does. */
#include "codec/session.h"
#include "harness/harness.h"

static const uint8_t key[SESSION_KEY_BYTES] = "a key of the cloud, thirty-two b";
static const uint8_t nonce[12] = "twelve bytes";

static struct str_list
texts(const char *const *v, size_t n)
{
    struct str_list l = {.v = ARENA_ARRAY(test_arena(), struct str, n), .n = n};

    for (size_t i = 0; i < n; i++)
        l.v[i] = str_from(v[i]);
    return l;
}

#define TEXTS(...)                                                                                 \
    texts((const char *const[]){__VA_ARGS__},                                                      \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static struct session
full(void)
{
    return (struct session){
        .kind = SESSION_ROLE,
        .access_key = S("ASIAQWERTYUIOPASDFGH"),
        .account = S("123456789012"),
        .owner_id = S("AROA0123456789ABCDEF0"),
        .name = S("alice"),
        .issued_ms = 1700000000000,
        .expires_ms = 1700003600000,
        .policies = TEXTS("{\"Version\":\"2012-10-17\"}", ""),
        .policy_arns = TEXTS("arn:aws:iam::aws:policy/ReadOnlyAccess"),
        .tags = TEXTS("team", "red", "empty", ""),
        .transitive = TEXTS("team"),
        .source_identity = S("alice@example.com"),
        .provider = S("accounts.example.com"),
        .instance_arn = S("arn:aws:ec2:us-east-1:123456789012:instance/i-1"),
        .chained = true,
        .mfa = true,
        .mfa_ms = 1699999999999,
    };
}

static void
check_list(const struct str_list *got, const struct str_list *want)
{
    CHECK_INT(got->n, want->n);
    for (size_t i = 0; i < want->n; i++)
        CHECK(str_eq(got->v[i], want->v[i]));
}

TEST(a_session_comes_back_as_it_was_sealed)
{
    struct session in = full(), out;
    struct str token = session_seal(test_arena(), key, nonce, &in);

    CHECK(token.n > 0 && token.n <= SESSION_TOKEN_MAX_BYTES);
    CHECK(session_open(test_arena(), key, in.access_key, token, &out));
    CHECK_INT(out.kind, in.kind);
    CHECK(str_eq(out.access_key, in.access_key) && str_eq(out.account, in.account));
    CHECK(str_eq(out.owner_id, in.owner_id) && str_eq(out.name, in.name));
    CHECK_INT(out.issued_ms, in.issued_ms);
    CHECK_INT(out.expires_ms, in.expires_ms);
    check_list(&out.policies, &in.policies);
    check_list(&out.policy_arns, &in.policy_arns);
    check_list(&out.tags, &in.tags);
    check_list(&out.transitive, &in.transitive);
    CHECK(str_eq(out.source_identity, in.source_identity) && str_eq(out.provider, in.provider));
    CHECK(str_eq(out.instance_arn, in.instance_arn));
    CHECK(out.chained && out.mfa);
    CHECK_INT(out.mfa_ms, in.mfa_ms);
}

TEST(a_token_with_any_bit_turned_is_worth_nothing)
{
    struct session in = full(), out;
    struct str token = session_seal(test_arena(), key, nonce, &in);
    char *copy = arena_dup(test_arena(), token.p, token.n);
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < token.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (char)(token.p[i] ^ 1 << bit);
            if (session_open(&a, key, in.access_key, str_of(copy, token.n), &out))
                FAIL("byte %zu, bit %d", i, bit);
            copy[i] = token.p[i];
            arena_reset(&a);
        }
    for (size_t n = 0; n < token.n; n++)
        CHECK(!session_open(&a, key, in.access_key, str_cut(token, 0, n), &out));
    CHECK(!session_open(&a, key, in.access_key, str_cat(&a, token, S("\n")), &out));
    CHECK(!session_open(&a, key, in.access_key, str_cat(&a, token, S("AAAA")), &out));
    CHECK(session_open(&a, key, in.access_key, str_of(copy, token.n), &out));
    arena_done(&a);
}

TEST(a_token_belongs_to_one_access_key_and_one_cloud)
{
    static const uint8_t other[SESSION_KEY_BYTES] = "another key of another cloud ...";
    struct session in = full(), out;
    struct str token = session_seal(test_arena(), key, nonce, &in);

    CHECK(!session_open(test_arena(), key, S("ASIAQWERTYUIOPASDFGX"), token, &out));
    CHECK(!session_open(test_arena(), key, STR_NONE, token, &out));
    CHECK(!session_open(test_arena(), other, in.access_key, token, &out));
    CHECK(!session_open(test_arena(), key, in.access_key, STR_NONE, &out));
    struct str a = session_secret(test_arena(), key, in.access_key);

    CHECK_INT(a.n, 40);
    CHECK(str_eq(a, session_secret(test_arena(), key, in.access_key)));
    CHECK(!str_eq(a, session_secret(test_arena(), other, in.access_key)));
    CHECK(!str_eq(a, session_secret(test_arena(), key, S("ASIAQWERTYUIOPASDFGX"))));
}

TEST(a_claim_that_is_too_long_gets_no_token)
{
    struct session in = full();
    char *big = arena_alloc(test_arena(), SESSION_TOKEN_MAX_BYTES);

    memset(big, 'x', SESSION_TOKEN_MAX_BYTES);
    in.name = str_of(big, 4000);
    CHECK(session_seal(test_arena(), key, nonce, &in).p);
    in.name = str_of(big, 6200);
    CHECK(!session_seal(test_arena(), key, nonce, &in).p);
}

TEST(an_access_key_tells_its_account)
{
    static const char *const accounts[] = {"000000000000", "123456789012", "999999999999",
                                           "000000000001", "935546000001"};
    uint8_t random[10];

    for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
        for (int fill = 0; fill < 256; fill += 51) {
            memset(random, fill, sizeof(random));
            session_mark_account(random, str_from(accounts[i]));
            struct str access_key = session_access_key(test_arena(), random);

            CHECK(str_starts(access_key, S("ASIA")) && access_key.n == 20);
            CHECK_STR(session_key_account(test_arena(), access_key), accounts[i]);
        }
    /* a key of AWS's own: T. Be'ery, "A short note on AWS key ID" */
    CHECK_STR(session_key_account(test_arena(), S("ASIAY34FZKBOKMUTVV7A")), "609629065308");
    CHECK(!session_key_account(test_arena(), S("ASIA")).p);
    CHECK(!session_key_account(test_arena(), S("ASIAQNZGKIQY56JQ7WM1")).p);
    CHECK(!session_key_account(test_arena(), S("ASIA7777777777777777")).p);
}
