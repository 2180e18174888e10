/* Random passwords.  Pure but for the randomness of `env`. */
#pragma once

#include "base/str.h"
#include "sys/env.h"

enum password_class {
    PASSWORD_LOWER,
    PASSWORD_UPPER,
    PASSWORD_DIGIT,
    PASSWORD_PUNCTUATION,
    PASSWORD_SPACE, /* included on demand, never required */
    PASSWORD_CLASSES,
};

struct password_rules {
    size_t length;
    bool included[PASSWORD_CLASSES];
    bool require_each;
    struct str excluded; /* characters */
};

/* NULL, and the password in the arena; or a sentence of AWS's. */
const char *password_make(struct env *env, struct arena *a, const struct password_rules *rules,
                          struct str *ret);
