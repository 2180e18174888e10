/* The commands that only ask a running daemon: status, clock, event, console, reset. */
#include "daemon/cli.h"

#include "codec/json.h"
#include "daemon/client.h"

#include <stdio.h>
#include <unistd.h>

static void
print(struct str s)
{
    fwrite(s.p, 1, s.n, stdout);
    fflush(stdout);
}

/* "key: value" lines of an object; objects in it in one line each. */
static void
print_object(const struct json *json)
{
    for (size_t i = 0; i < json->n; i++) {
        const struct json *v = &json->v[i];

        printf("%-12.*s", STR_ARG(json->names[i]));
        for (size_t k = 0; v->kind == JSON_OBJECT && k < v->n; k++)
            printf("%s%.*s %.*s", k ? ", " : "", STR_ARG(v->names[k]), STR_ARG(v->v[k].text));
        if (v->kind == JSON_BOOL)
            fputs(v->truth ? "yes" : "no", stdout);
        else if (v->kind != JSON_OBJECT)
            print(v->text);
        putchar('\n');
    }
}

static int
call_and_print(struct cli *cli, const char *method, const char *path)
{
    struct json json;
    struct str body;
    size_t at;
    int status = cli_call(cli, method, path, &body);

    assert(path[0] == '/');
    if (status)
        return status;
    if (json_parse(cli->arena, body, 100000, &json, &at))
        print_object(&json);
    return 0;
}

int
cmd_status(struct cli *cli)
{
    return cli->argc ? cli_usage("status") : call_and_print(cli, "GET", "/_welkin/status");
}

/* "90s", "15m", "6h", "30d", "250ms" in ms. */
static bool
parse_duration(struct str text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        struct str unit = str_from(units[i].unit);
        int64_t n;

        if (str_ends(text, unit) && str_to_i64(str_cut(text, 0, text.n - unit.n), &n) && n >= 0 &&
            n <= INT64_MAX / units[i].ms) {
            *ret_ms = n * units[i].ms;
            return true;
        }
    }
    return false;
}

int
cmd_clock(struct cli *cli)
{
    const char *what = cli->argc ? cli->argv[0] : "show";
    int64_t ms;

    if (strcmp(what, "show") == 0 && cli->argc <= 1)
        return call_and_print(cli, "GET", "/_welkin/clock");
    if ((strcmp(what, "stop") == 0 || strcmp(what, "resume") == 0) && cli->argc == 1)
        return call_and_print(
            cli, "POST",
            str_cstr(cli->arena, str_fmt(cli->arena, "/_welkin/clock?action=%s", what)));
    if (strcmp(what, "advance") != 0 || cli->argc != 2)
        return cli_usage("clock");
    if (!parse_duration(str_from(cli->argv[1]), &ms))
        return cli_fail("Give a duration like 90s, 15m, 6h or 30d.");
    return call_and_print(cli, "POST",
                          str_cstr(cli->arena, str_fmt(cli->arena,
                                                       "/_welkin/clock?action=advance&ms=%lld",
                                                       (long long)ms)));
}

int
cmd_event(struct cli *cli)
{
    const char *in = cli_option(cli, "--in"), *put_off = cli_option(cli, "--put-off");
    int64_t in_ms = 0, put_off_ms = 0;

    if (cli->argc != 2)
        return cli_usage("event");
    if ((in && !parse_duration(str_from(in), &in_ms)) ||
        (put_off && !parse_duration(str_from(put_off), &put_off_ms)))
        return cli_fail("Give a duration like 90s, 15m, 6h or 30d.");
    return call_and_print(
        cli, "POST",
        str_cstr(cli->arena,
                 str_fmt(cli->arena,
                         "/_welkin/event?instance=%s&code=%s&in_ms=%lld&deadline_ms=%lld",
                         cli->argv[0], cli->argv[1], (long long)in_ms, (long long)put_off_ms)));
}

int
cmd_reset(struct cli *cli)
{
    struct str body;

    if (!cli_flag(cli, "--yes") || cli->argc)
        return cli_fail("This deletes everything in the cloud. Say `welkin reset --yes`.");
    int status = cli_call(cli, "POST", "/_welkin/reset", &body);
    if (status == 0)
        puts("The cloud is empty.");
    return status;
}

int
cmd_console(struct cli *cli)
{
    bool follow = !cli_flag(cli, "--no-follow");
    struct client_reply reply;

    if (cli->argc != 1)
        return cli_usage("console");
    const char *path =
        str_cstr(cli->arena, str_fmt(cli->arena, "/_welkin/console?instance=%s%s", cli->argv[0],
                                     follow ? "&follow=1" : ""));
    int r = client_call(cli->arena, cli->endpoint, "GET", path, STR_NONE, print, &reply);
    if (r < 0)
        return cli_fail("The daemon on %s cannot be asked: %s.", cli->endpoint, strerror(-r));
    if (reply.status != 200)
        return cli_fail("There is no console of %s.", cli->argv[0]);
    return 0;
}
