/*
 * The password policy of an account.  The names in the JSON are those of the API, so that who opens
 * the database reads what GetAccountPasswordPolicy shows.
 *
 * Without a policy AWS's default holds: eight characters, three of the four kinds, and not the
 * account's own number or alias.
 */
#include "iam/password.h"

#include "codec/json.h"

enum { DEFAULT_LENGTH = 8, DEFAULT_KINDS = 3, UPDATE_LENGTH = 6, POLICY_BYTES_MAX = 1024 };

/* ---- the record ---- */

static const struct {
    const char *name;
    size_t offset;
    bool number; /* struct opt_i64, else struct opt_bool */
} members[] = {
#define NUMBER(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct iam_PasswordPolicy, member), true                                    \
    }
#define TRUTH(name, member)                                                                        \
    {                                                                                              \
        name, offsetof(struct iam_PasswordPolicy, member), false                                   \
    }
    NUMBER("MinimumPasswordLength", minimum_password_length),
    TRUTH("RequireSymbols", require_symbols),
    TRUTH("RequireNumbers", require_numbers),
    TRUTH("RequireUppercaseCharacters", require_uppercase_characters),
    TRUTH("RequireLowercaseCharacters", require_lowercase_characters),
    TRUTH("AllowUsersToChangePassword", allow_users_to_change_password),
    TRUTH("ExpirePasswords", expire_passwords),
    NUMBER("MaxPasswordAge", max_password_age),
    NUMBER("PasswordReusePrevention", password_reuse_prevention),
    TRUTH("HardExpiry", hard_expiry),
#undef NUMBER
#undef TRUTH
};

static struct str
write_policy(struct arena *a, const struct iam_PasswordPolicy *policy)
{
    struct buf b;
    struct json_out o = {.buf = &b};

    assert(policy->minimum_password_length.set);
    buf_init(&b, POLICY_BYTES_MAX);
    json_open(&o, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const void *at = (const char *)policy + members[i].offset;
        const struct opt_i64 *number = at;
        const struct opt_bool *truth = at;

        if (members[i].number ? !number->set : !truth->set)
            continue;
        json_key(&o, str_from(members[i].name));
        if (members[i].number)
            json_int(&o, number->v);
        else
            json_bool(&o, truth->v);
    }
    json_close(&o, '}');
    assert(!buf_failed(&b));
    struct str text = str_dup(a, buf_str(&b));

    buf_done(&b);
    return text;
}

static void
read_policy(struct arena *a, struct str text, struct iam_PasswordPolicy *ret)
{
    struct json root;
    size_t at;
    bool ok = json_parse(a, text, 2 * ARRAY_LEN(members), &root, &at);

    assert(ok); /* write_policy() wrote it */
    (void)ok;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *v = json_get(&root, members[i].name);
        void *to = (char *)ret + members[i].offset;
        struct opt_i64 number = {.set = true};

        if (v && members[i].number && json_i64(v, &number.v))
            *(struct opt_i64 *)to = number;
        else if (v && !members[i].number)
            *(struct opt_bool *)to = opt_bool(v->truth);
    }
}

bool
iam_password_policy(struct api_call *call, struct iam_PasswordPolicy *ret)
{
    const struct iam_account_row *account = iam_account_look(call);

    *ret = (struct iam_PasswordPolicy){.minimum_password_length = opt_i64(DEFAULT_LENGTH)};
    if (!account || !account->password_policy.n)
        return false;
    *ret = (struct iam_PasswordPolicy){0};
    read_policy(call->arena, account->password_policy, ret);
    assert(ret->minimum_password_length.set);
    return true;
}

/* ---- a password ---- */

int
iam_password_check(struct api_call *call, struct str password)
{
    const struct iam_account_row *account = iam_account_look(call);
    struct iam_PasswordPolicy policy;
    bool own = iam_password_policy(call, &policy);
    bool upper = false, lower = false, digit = false, symbol = false;

    for (size_t i = 0; i < password.n; i++) {
        char c = password.p[i];

        upper = upper || (c >= 'A' && c <= 'Z');
        lower = lower || (c >= 'a' && c <= 'z');
        digit = digit || (c >= '0' && c <= '9');
        symbol = symbol || (c && strchr("!@#$%^&*()_+-=[]{}|'", c));
    }
    assert(policy.minimum_password_length.v > 0);
    bool ok = (int64_t)str_chars(password) >= policy.minimum_password_length.v;

    if (own)
        ok = ok && (upper || !opt_bool_or(policy.require_uppercase_characters, false)) &&
             (lower || !opt_bool_or(policy.require_lowercase_characters, false)) &&
             (digit || !opt_bool_or(policy.require_numbers, false)) &&
             (symbol || !opt_bool_or(policy.require_symbols, false));
    else
        ok = ok && upper + lower + digit + symbol >= DEFAULT_KINDS &&
             !str_eq(password, call->account) &&
             !(account && account->alias.n && str_eq(password, account->alias));
    if (ok)
        return 0;
    return api_fault(call, &IAM_ERR(PasswordPolicyViolation),
                     "Password does not conform to the account password policy.");
}

/* ---- GetAccountPasswordPolicy, UpdateAccountPasswordPolicy, DeleteAccountPasswordPolicy ---- */

static int
missing(struct api_call *call)
{
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "The Password Policy with domain name %.*s cannot be found.",
                     STR_ARG(call->account));
}

static int
put(struct api_call *call, struct str policy)
{
    const struct iam_account_row *account = iam_account_look(call);
    struct iam_account_row new = {.id = call->account};

    if (account)
        new = *account;
    new.password_policy = policy;
    return iam_account_put(call, &new);
}

int
iam_get_account_password_policy(struct api_call *call,
                                const struct iam_GetAccountPasswordPolicyRequest *req,
                                struct iam_GetAccountPasswordPolicyResponse *res)
{
    (void)req;
    res->password_policy = ARENA_NEW(call->arena, struct iam_PasswordPolicy);
    return iam_password_policy(call, res->password_policy) ? 0 : missing(call);
}

/* What is not given takes its default: nothing of the policy before stays. */
int
iam_update_account_password_policy(struct api_call *call,
                                   const struct iam_UpdateAccountPasswordPolicyRequest *req,
                                   struct iam_UpdateAccountPasswordPolicyResult *res)
{
    const struct iam_PasswordPolicy policy = {
        .minimum_password_length = opt_i64(opt_i64_or(req->minimum_password_length, UPDATE_LENGTH)),
        .require_symbols = opt_bool(opt_bool_or(req->require_symbols, false)),
        .require_numbers = opt_bool(opt_bool_or(req->require_numbers, false)),
        .require_uppercase_characters =
            opt_bool(opt_bool_or(req->require_uppercase_characters, false)),
        .require_lowercase_characters =
            opt_bool(opt_bool_or(req->require_lowercase_characters, false)),
        .allow_users_to_change_password =
            opt_bool(opt_bool_or(req->allow_users_to_change_password, false)),
        .expire_passwords = opt_bool(req->max_password_age.set),
        .max_password_age = req->max_password_age,
        .password_reuse_prevention = req->password_reuse_prevention,
        .hard_expiry = opt_bool(opt_bool_or(req->hard_expiry, false)),
    };

    assert(policy.minimum_password_length.v >= UPDATE_LENGTH);
    (void)res;
    return put(call, write_policy(call->arena, &policy));
}

int
iam_delete_account_password_policy(struct api_call *call,
                                   const struct iam_DeleteAccountPasswordPolicyRequest *req,
                                   struct iam_DeleteAccountPasswordPolicyResult *res)
{
    struct iam_PasswordPolicy policy;

    (void)req;
    (void)res;
    return iam_password_policy(call, &policy) ? put(call, STR_NONE) : missing(call);
}
