/* What the tests of KMS share. */
#pragma once

#include "harness/world.h"

/* A call of KMS that succeeds, and one that does not. */
#define KMS(w, op, ...) world_json_okf((w), "kms", (op), __VA_ARGS__)
#define KMS_REFUSED(w, code, message, op, ...)                                                     \
    world_json_refusedf((w), (code), (message), "kms", (op), __VA_ARGS__)

/* A value of a reply as the test wants to send it again. */
static inline const char *
kms_get(struct str reply, const char *path)
{
    const char *text = json_cstr(reply, path);

    if (!text)
        FAIL("no %s in %.*s", path, STR_ARG(reply));
    return text;
}

/* A new key's id; members as JSON, "" for none. */
static inline const char *
kms_new_key(struct world *w, const char *members)
{
    return kms_get(KMS(w, "CreateKey", "{%s}", members), "KeyMetadata.KeyId");
}

static inline const char *
kms_base64(const char *text)
{
    return test_cstr(str_base64(test_arena(), str_from(text)));
}

static inline const char *
kms_arn(struct world *w, const char *id)
{
    return test_fmt("arn:aws:kms:%.*s:%.*s:key/%s", STR_ARG(w->region), STR_ARG(w->account), id);
}

#define KMS_DAY (86400000LL)
