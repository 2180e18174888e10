/* `welkin image`: root file systems and the AMI ids that boot them. */
#include "daemon/cli.h"

#include "codec/json.h"
#include "codec/uri.h"
#include "daemon/daemon.h"
#include "daemon/import.h"

#include <stdio.h>
#include <unistd.h>

static int
list(struct cli *cli)
{
    struct json json;
    struct str body;
    size_t at;
    int status = cli_call(cli, "GET", "/_welkin/images", &body);

    if (status)
        return status;
    if (!json_parse(cli->arena, body, 1000000, &json, &at))
        return cli_fail("The daemon's answer is not understood.");
    const struct json *images = json_get(&json, "images");
    for (size_t i = 0; images && i < images->n; i++) {
        struct str rootfs = json_text(&images->v[i], "rootfs");

        printf("%-22.*s %-10.*s %-8.*s %.*s\n", STR_ARG(json_text(&images->v[i], "ami")),
               STR_ARG(rootfs.n ? rootfs : S("-")), STR_ARG(json_text(&images->v[i], "init")),
               STR_ARG(json_text(&images->v[i], "name")));
    }
    return 0;
}

/* Tells the daemon; answers an exit status. */
static int
announce(struct cli *cli, struct str name, const char *init, const char *ami)
{
    struct str body;
    struct str path = str_fmt(cli->arena, "/_welkin/images?name=%.*s&init=%s", STR_ARG(name), init);

    assert(init);
    if (ami)
        path = str_fmt(cli->arena, "%.*s&ami=%.*s", STR_ARG(path),
                       STR_ARG(uri_encode(cli->arena, str_from(ami), 0)));
    int status = cli_call(cli, "POST", str_cstr(cli->arena, path), &body);
    return status ? status : list(cli);
}

static int
build(struct cli *cli)
{
    const char *name = cli->argv[1];

    assert(cli->argc == 2);
    if (strcmp(name, "tiny") != 0 && strcmp(name, "debian") != 0 && strcmp(name, "database") != 0)
        return cli_fail("The project's own images are tiny, debian and database; import makes "
                        "others.");
    if (geteuid() != 0)
        return cli_fail("`welkin image build` needs root: file owners in an image are real.");
    int r = image_build(cli->arena, cli->data_dir, name);
    if (r < 0)
        return cli_fail("The image %s could not be made: %s.", name, strerror(-r));
    printf("%s/images/%s is there.\n", cli->data_dir, name);
    if (strcmp(name, "debian") == 0)
        puts("Boot it as the AMI named welkin-debian-12 (`welkin image list`).");
    /* DB instances run on it as soon as the daemon knows of it */
    return strcmp(name, "database") == 0 ? announce(cli, str_from(name), "welkin", NULL) : 0;
}

static int
import(struct cli *cli)
{
    const char *init = cli_option(cli, "--init");
    bool helpers = !cli_flag(cli, "--no-helpers");
    char why[IMPORT_WHY_BYTES];

    if (cli->argc != 3)
        return cli_usage("image");
    struct str name = str_from(cli->argv[1]);
    if (!image_name_good(name))
        return cli_fail("A name has letters, digits, '-', '_' and '.', at most 64.");
    if (geteuid() != 0)
        return cli_fail("`welkin image import` needs root: file owners in an image are real.");
    if (image_import(cli->arena, cli->data_dir, cli->argv[1], cli->argv[2], &init, helpers,
                     why) < 0)
        return cli_fail("%s", why);
    return announce(cli, name, init, NULL);
}

static int
alias(struct cli *cli)
{
    const char *init = cli_option(cli, "--init");

    if (cli->argc != 3)
        return cli_usage("image");
    return announce(cli, str_from(cli->argv[2]),
                    init ? init : image_init_kind(cli->arena, cli->data_dir, cli->argv[2]),
                    cli->argv[1]);
}

int
cmd_image(struct cli *cli)
{
    if (cli->argc >= 1 && strcmp(cli->argv[0], "list") == 0)
        return list(cli);
    if (cli->argc == 2 && strcmp(cli->argv[0], "build") == 0)
        return build(cli);
    if (cli->argc >= 3 && strcmp(cli->argv[0], "import") == 0)
        return import(cli);
    if (cli->argc >= 3 && strcmp(cli->argv[0], "alias") == 0)
        return alias(cli);
    return cli_usage("image");
}
