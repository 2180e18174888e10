/*
 * `welkin iam explain`: which statement decides, told by the running daemon.  `welkin iam jwks`:
 * an identity provider's keys, which the daemon does not fetch.
 */
#include "daemon/cli.h"

#include "codec/json.h"
#include "codec/jwt.h"
#include "codec/uri.h"

#include <stdio.h>

static struct str
add(struct cli *cli, struct str query, const char *name, const char *value)
{
    struct str code = uri_encode(cli->arena, str_from(value), 0);

    assert(name[0] && value);
    return str_fmt(cli->arena, "%.*s%s%s=%.*s", STR_ARG(query), query.n ? "&" : "?", name,
                   STR_ARG(code));
}

static void
print(const struct json *answer, struct str action, struct str resource)
{
    struct str policy = json_text(answer, "policy");
    const struct json *all = json_get(answer, "policies");

    printf("%.*s: %.*s on %.*s\n", STR_ARG(json_text(answer, "decision")), STR_ARG(action),
           STR_ARG(resource));
    printf("by %.*s%s%.*s\n", STR_ARG(json_text(answer, "by")), policy.n ? ": " : "",
           STR_ARG(policy));
    for (size_t i = 0; all && i < all->n; i++)
        printf("%s%.*s\n", i ? "                " : "its policies:   ", STR_ARG(all->v[i].text));
}

static int
explain(struct cli *cli)
{
    static const char *const names[] = {"principal", "action", "resource", "region"};
    const char *values[ARRAY_LEN(names)], *context;
    struct str query = STR_NONE, body;
    struct json answer;
    size_t at;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        values[i] = cli_option(cli, str_fmt(cli->arena, "--%s", names[i]).p);
        if (!values[i] && i == 2)
            values[i] = "*";
        if (values[i])
            query = add(cli, query, names[i], values[i]);
    }
    while ((context = cli_option(cli, "--context")))
        query = add(cli, query, "context", context);
    if (!values[0] || !values[1] || cli->argc != 1)
        return cli_usage("iam");
    int status = cli_call(cli, "GET",
                          str_fmt(cli->arena, "/_welkin/iam/explain%.*s", STR_ARG(query)).p, &body);

    if (status)
        return status;
    if (!json_parse(cli->arena, body, 10000, &answer, &at))
        return cli_fail("The daemon's answer is not JSON.");
    print(&answer, str_from(values[1]), str_from(values[2]));
    return str_is(json_text(&answer, "decision"), "allowed") ? 0 : 1;
}

/* All of a file, "-" is stdin; false: it cannot be read or is longer than a key set may be. */
static bool
read_keys(struct cli *cli, const char *path, struct str *ret)
{
    bool in = strcmp(path, "-") == 0;
    char *room = arena_alloc_raw(cli->arena, JWT_KEYS_MAX_BYTES + 1);
    FILE *f = in ? stdin : fopen(path, "re");

    if (!f)
        return false;
    size_t n = fread(room, 1, JWT_KEYS_MAX_BYTES + 1, f);
    bool ok = !ferror(f) && n <= JWT_KEYS_MAX_BYTES;

    if (!in)
        fclose(f);
    *ret = str_of(room, n);
    return ok;
}

static int
give_keys(struct cli *cli)
{
    struct str keys, body;
    struct json answer;
    int64_t n = 0;
    size_t at;

    if (cli->argc != 3)
        return cli_usage("iam");
    if (!read_keys(cli, cli->argv[2], &keys))
        return cli_fail("%s cannot be read, or has more than %d bytes.", cli->argv[2],
                        JWT_KEYS_MAX_BYTES);
    const char *path = str_fmt(cli->arena, "/_welkin/iam/jwks%.*s",
                               STR_ARG(add(cli, STR_NONE, "provider", cli->argv[1])))
                           .p;
    int status = cli_send(cli, path, keys, &body);

    if (status)
        return status;
    if (!json_parse(cli->arena, body, 100, &answer, &at) ||
        !json_i64(json_get(&answer, "keys"), &n))
        return cli_fail("The daemon's answer is not what was expected.");
    printf("%lld key%s\n", (long long)n, n == 1 ? "" : "s");
    return 0;
}

int
cmd_iam(struct cli *cli)
{
    if (cli->argc > 0 && strcmp(cli->argv[0], "explain") == 0)
        return explain(cli);
    if (cli->argc > 0 && strcmp(cli->argv[0], "jwks") == 0)
        return give_keys(cli);
    return cli_usage("iam");
}
