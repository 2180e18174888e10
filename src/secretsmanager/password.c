/*
 * Every character of a password is drawn with equal chances from those allowed; where each class
 * must occur, one of each is drawn first and all are shuffled.  Draws of the generator that would
 * favour some characters are thrown away.
 */
#include "secretsmanager/password.h"

#include "secretsmanager/secretsmanager.h"

enum { LENGTH_DEFAULT = 32, LENGTH_MAX = 4096 };

static const struct str classes[PASSWORD_CLASSES] = {
    [PASSWORD_LOWER] = S_INIT("abcdefghijklmnopqrstuvwxyz"),
    [PASSWORD_UPPER] = S_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    [PASSWORD_DIGIT] = S_INIT("0123456789"),
    [PASSWORD_PUNCTUATION] = S_INIT("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    [PASSWORD_SPACE] = S_INIT(" "),
};

static_assert(ARRAY_LEN(classes) == PASSWORD_CLASSES, "characters of each class");
/* A number below n, which is at most LENGTH_MAX. */
static size_t
draw(struct env *env, size_t n)
{
    assert(n > 0 && n <= LENGTH_MAX);
    const uint32_t fair = UINT32_MAX - UINT32_MAX % (uint32_t)n;
    uint32_t v;

    do
        env->random(env, &v, sizeof(v));
    while (v >= fair);
    assert(v < fair);
    return v % n;
}

static char
draw_from(struct env *env, struct str characters)
{
    return characters.p[draw(env, characters.n)];
}

/* The characters of a class that are not excluded. */
static struct str
allowed(struct arena *a, struct str class, struct str excluded)
{
    char *p = arena_alloc_raw(a, class.n);
    size_t n = 0;

    for (size_t i = 0; i < class.n; i++)
        if (str_find_char(excluded, class.p[i]) == SIZE_MAX)
            p[n++] = class.p[i];
    assert(n <= class.n);
    return str_of(p, n);
}

static void
shuffle(struct env *env, char *p, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = draw(env, i);
        assert(k < i);
        char c = p[k];

        p[k] = p[i - 1];
        p[i - 1] = c;
    }
}

const char *
password_make(struct env *env, struct arena *a, const struct password_rules *rules, struct str *ret)
{
    struct str pool = S(""), each[PASSWORD_CLASSES];
    size_t n_each = 0;

    assert(rules->length > 0 && rules->length <= LENGTH_MAX);
    for (size_t i = 0; i < PASSWORD_CLASSES; i++) {
        if (!rules->included[i])
            continue;
        struct str class = allowed(a, classes[i], rules->excluded);

        if (rules->require_each && i != PASSWORD_SPACE) {
            if (!class.n)
                return "All characters of the desired type have been excluded";
            each[n_each++] = class;
        }
        pool = str_cat(a, pool, class);
    }
    if (!pool.n)
        return "All characters have been excluded from selection";
    if (rules->length < n_each)
        return "Password length is too short based on the required types.";
    assert(n_each <= PASSWORD_SPACE); /* a space is never required */
    char *p = arena_alloc_raw(a, rules->length);

    for (size_t i = 0; i < rules->length; i++)
        p[i] = draw_from(env, i < n_each ? each[i] : pool);
    shuffle(env, p, rules->length);
    *ret = str_of(p, rules->length);
    return NULL;
}

int
secretsmanager_get_random_password(struct api_call *call,
                                   const struct secretsmanager_GetRandomPasswordRequest *req,
                                   struct secretsmanager_GetRandomPasswordResponse *res)
{
    const struct password_rules rules = {
        .length = (size_t)opt_i64_or(req->password_length, LENGTH_DEFAULT),
        .included =
            {
                [PASSWORD_LOWER] = !opt_bool_or(req->exclude_lowercase, false),
                [PASSWORD_UPPER] = !opt_bool_or(req->exclude_uppercase, false),
                [PASSWORD_DIGIT] = !opt_bool_or(req->exclude_numbers, false),
                [PASSWORD_PUNCTUATION] = !opt_bool_or(req->exclude_punctuation, false),
                [PASSWORD_SPACE] = opt_bool_or(req->include_space, false),
            },
        .require_each = opt_bool_or(req->require_each_included_type, true),
        .excluded = req->exclude_characters,
    };
    const char *why = password_make(call->env, call->arena, &rules, &res->random_password);

    if (why)
        return api_fault(call, &SECRET_ERR(InvalidParameterException), "%s", why);
    return 0;
}
