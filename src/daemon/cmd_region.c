/* `welkin region` and `welkin fault`: the hardware behind the cloud. */
#include "daemon/cli.h"

#include "codec/json.h"
#include "codec/uri.h"

#include <stdio.h>

static const struct json *
member(const struct json *json, const char *name)
{
    for (size_t i = 0; json && json->kind == JSON_OBJECT && i < json->n; i++)
        if (str_is(json->names[i], name))
            return &json->v[i];
    return NULL;
}

/* name value, name value …; lists in it as their elements. */
static void
print_line(const struct json *object)
{
    for (size_t i = 0; i < object->n; i++) {
        const struct json *v = &object->v[i];

        printf("%s%.*s ", i ? ", " : "", STR_ARG(object->names[i]));
        for (size_t k = 0; v->kind == JSON_ARRAY && k < v->n; k++)
            printf("%s%.*s", k ? " " : "", STR_ARG(v->v[k].text));
        if (v->kind == JSON_BOOL)
            fputs(v->truth ? "yes" : "no", stdout);
        else if (v->kind != JSON_ARRAY)
            printf("%.*s", STR_ARG(v->text));
    }
    putchar('\n');
}

static void
print_lines(const struct json *list, const char *heading)
{
    if (!list || list->kind != JSON_ARRAY || !list->n)
        return;
    printf("%s\n", heading);
    for (size_t i = 0; i < list->n; i++) {
        fputs("  ", stdout);
        print_line(&list->v[i]);
    }
}

static int
show(struct cli *cli, const char *method, struct str path)
{
    struct json json;
    struct str body;
    size_t at;
    int status = cli_call(cli, method, str_cstr(cli->arena, path), &body);

    if (status)
        return status;
    if (!json_parse(cli->arena, body, 1000000, &json, &at))
        return cli_fail("The daemon's answer is no JSON.");
    print_lines(member(&json, "zones"), "zones");
    print_lines(member(&json, "hosts"), "hosts");
    print_lines(member(&json, "faults"), "faults");
    return 0;
}

int
cmd_region(struct cli *cli)
{
    if (cli->argc > 1)
        return cli_usage("region");
    struct str id = cli->argc ? uri_encode(cli->arena, str_from(cli->argv[0]), 0) : S("");

    return show(cli, "GET", str_fmt(cli->arena, "/_welkin/region?id=%.*s", STR_ARG(id)));
}

int
cmd_fault(struct cli *cli)
{
    if (cli->argc != 3)
        return cli_usage("fault");
    struct str part[3];
    for (int i = 0; i < 3; i++)
        part[i] = uri_encode(cli->arena, str_from(cli->argv[i]), 0);

    return show(cli, "POST",
                str_fmt(cli->arena, "/_welkin/fault?kind=%.*s&id=%.*s&state=%.*s", STR_ARG(part[0]),
                        STR_ARG(part[1]), STR_ARG(part[2])));
}
