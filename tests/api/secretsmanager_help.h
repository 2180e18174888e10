/* What the tests of Secrets Manager share. */
#pragma once

#include "harness/world.h"

/* A call of Secrets Manager that succeeds, and one that does not. */
#define SM(w, op, ...) world_json_okf((w), "secretsmanager", (op), __VA_ARGS__)
#define SM_REFUSED(w, code, message, op, ...)                                                      \
    world_json_refusedf((w), (code), (message), "secretsmanager", (op), __VA_ARGS__)

#define SM_IS(got, want) CHECK_STR(str_from(got), (want))

#define SM_DAY (86400000LL)
#define SM_MISSING "Secrets Manager can't find the specified secret."
#define SM_DELETED                                                                                 \
    "You can't perform this operation on the secret because it was marked for deletion."
#define SM_REPLICA                                                                                 \
    "Operation not permitted on a replica secret. Call must be made in primary secret's region."

/* A member that tells a version: 'ClientRequestToken':'…', told apart by a digit or letter. */
#define SM_TOKEN(c) "'ClientRequestToken':'" SM_ID(c) "'"
#define SM_ID(c) c "0000000-0000-4000-8000-000000000000"

/* A value of a reply as the test wants to send it again. */
static inline const char *
sm_get(struct str reply, const char *path)
{
    const char *text = json_cstr(reply, path);

    if (!text)
        FAIL("no %s in %.*s", path, STR_ARG(reply));
    return text;
}

/* A new secret of the value "first", version 1; answers its ARN. */
static inline const char *
sm_new(struct world *w, const char *name)
{
    return sm_get(
        SM(w, "CreateSecret", "{'Name':'%s','SecretString':'first'," SM_TOKEN("1") "}", name),
        "ARN");
}

/* The current value. */
static inline const char *
sm_value(struct world *w, const char *id)
{
    return sm_get(SM(w, "GetSecretValue", "{'SecretId':'%s'}", id), "SecretString");
}

/* The labels of a version, "A,B"; "" when it has none or is none. */
static inline const char *
sm_stages(struct world *w, const char *id, const char *version)
{
    struct str reply = SM(w, "DescribeSecret", "{'SecretId':'%s'}", id);
    const char *path = test_fmt("VersionIdsToStages.%s", version);
    struct str_list all = {NULL, 0};

    for (size_t i = 0; i < json_count(reply, path); i++)
        *LIST_PUSH(test_arena(), &all) = str_from(json_cstr(reply, test_fmt("%s.%zu", path, i)));
    return test_cstr(str_join(test_arena(), &all, S(",")));
}

/* A user of the world's account with one statement, "" for none; what CreateAccessKey answered. */
static inline struct str
sm_user(struct world *w, const char *name, const char *statements)
{
    const char *json = test_fmt("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);

    world_okf(w, "Action=CreateUser&UserName=%s", name);
    if (*statements)
        world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=own&PolicyDocument=%.*s", name,
                  STR_ARG(world_code(w, str_from(json))));
    return world_okf(w, "Action=CreateAccessKey&UserName=%s", name);
}
