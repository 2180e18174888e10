/*
 * `welkin`: one program, a table of commands, each with its help.
 */
#include "daemon/cli.h"

#include "base/arena.h"
#include "daemon/client.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct command {
    const char *name;
    int (*fn)(struct cli *cli);
    const char *summary;
    const char *help;
};

static int cmd_help(struct cli *cli);
static int cmd_version(struct cli *cli);

static const struct command commands[] = {
    {"up", cmd_up, "run the cloud in the foreground",
     "welkin up [--data DIR] [--listen ADDR:PORT] [--host sandbox|sim] [--region-model FILE]\n"
     "\n"
     "Runs the daemon until ctrl-C.  It prints `Ready.` when it answers, and then runs the\n"
     "scripts DIR/init/ready.d/*.sh with AWS_ENDPOINT_URL and keys set.\n"
     "  --data DIR          where everything is kept (/var/lib/welkin for root, else\n"
     "                      ~/.local/state/welkin)\n"
     "  --listen ADDR:PORT  127.0.0.1:4566\n"
     "  --host sandbox      instances are real sandboxes; needs root\n"
     "  --host sim          instances are only rows; anybody can run it\n"
     "  --region-model FILE the hardware of the regions (data/region_model.txt, built in)\n"
     "  --vcpu-limit N      of each vCPU quota of an account in a region (1000000)\n"
     "  --storage-limit N   of each quota of volumes of a type, in TiB (1000000)\n"
     "  --no-guest-mounts   instances cannot mount file systems of volumes: the kernel's ext4,\n"
     "                      xfs and vfat then never read what a guest wrote (holds from the next\n"
     "                      start of the privileged process on)\n"
     "  --sim-boot-ms N     how long a simulated boot takes on the cloud's clock (50)\n"
     "  --allow-test-keys   accept the keys test/test on an address that is not loopback\n"
     "  --allow-origin LIST web pages that may call the API: their origins with commas between,\n"
     "                      like https://a.example.com, or *; this machine's own always may\n"
     "  --verbose           log reads too\n"
     "\n"
     "The port answers HTTP and HTTPS.  DIR/ca.pem is the authority that signs its certificates:\n"
     "see `welkin help trust`.\n"},
    {"down", cmd_down, "end all instances and the privileged process",
     "welkin down [--data DIR]\n"
     "\n"
     "Ends every running sandbox and removes what the privileged process made on this host\n"
     "(namespaces, interfaces, firewall tables, cgroups).  Disks stay; the next `welkin up`\n"
     "shows the instances as stopped.  Needs root.\n"},
    {"status", cmd_status, "what the daemon is doing", "welkin status [--endpoint ADDR:PORT]\n"},
    {"image", cmd_image, "list, build, import or alias images",
     "welkin image list\n"
     "welkin image build tiny|debian|database   make one of the project's own images\n"
     "welkin image import NAME FILE [--init welkin|systemd|none] [--no-helpers]\n"
     "                                          a rootfs.tar[.gz|.xz], an OCI layout (folder or\n"
     "                                          tar), or a `docker save` archive\n"
     "welkin image alias AMI-ID NAME            let an AMI id boot that image\n"
     "\n"
     "  --no-helpers   its instances do not get /opt/aws/bin, as a bare AMI has none\n"
     "\n"
     "build and import write DATA/images/NAME and need root; the daemon then has to run for the\n"
     "image to get its AMI id.\n"},
    {"clock", cmd_clock, "show, stop, advance or resume the cloud's clock",
     "welkin clock [show]\nwelkin clock stop\nwelkin clock advance 90s|15m|6h|30d\n"
     "welkin clock resume\n"
     "\n"
     "Everything that AWS would date or wait for goes by this clock.\n"},
    {"event", cmd_event, "schedule an event of an instance",
     "welkin event INSTANCE CODE [--in 2d] [--put-off 7d]\n"
     "\n"
     "What AWS does when hardware is to be mended: the instance's status and metadata tell it,\n"
     "and then it happens.  CODE is instance-reboot, system-reboot, system-maintenance,\n"
     "instance-retirement or instance-stop.\n"
     "  --in       how long before it happens, on the cloud's clock; at once when not given\n"
     "  --put-off  how far ModifyInstanceEventStartTime may put it off; not at all\n"},
    {"console", cmd_console, "follow an instance's console",
     "welkin console INSTANCE [--no-follow]\n"},
    {"exec", cmd_exec, "run a command inside an instance",
     "welkin exec INSTANCE -- COMMAND [ARGUMENT…]\n\nNeeds root, and the sandbox host.\n"},
    {"trust", cmd_trust, "print or install the authority of the cloud's certificates",
     "welkin trust [--print] [--data DIR]\n"
     "welkin trust --install [--data DIR]\n"
     "\n"
     "The daemon's port answers HTTPS too, with certificates that DIR/ca.pem signed: for\n"
     "localhost, 127.0.0.1 and the names of AWS's endpoints, and it can sign for no others.\n"
     "  --print    the certificate, for AWS_CA_BUNDLE and the like; this is the default\n"
     "  --install  put it into this machine's trust store (Debian, Ubuntu, Alpine, Fedora,\n"
     "             openSUSE); needs root\n"
     "Instances trust it by themselves.\n"},
    {"profile", cmd_profile, "write a profile for the AWS CLI and SDKs",
     "welkin profile NAME [--account ID] [--region REGION] [--endpoint ADDR:PORT] [--replace]\n"
     "\n"
     "Writes the profile NAME into ~/.aws/config and ~/.aws/credentials (or AWS_CONFIG_FILE and\n"
     "AWS_SHARED_CREDENTIALS_FILE), so that `aws --profile NAME …` talks to this cloud.  Other\n"
     "profiles, comments and the order of the files stay as they are.\n"
     "  --account ID     12 digits; 000000000000 when it is not given\n"
     "  --region REGION  us-east-1\n"
     "  --replace        also when NAME is a profile of something else, whose settings then go\n"
     "The AWS CLI reads the address out of a profile from version 2.13 (1.29) on.\n"},
    {"iam", cmd_iam, "explain what a principal may do; give keys to an identity provider",
     "welkin iam explain --principal ARN --action SERVICE:ACTION [--resource ARN]\n"
     "                   [--region REGION] [--context KEY=VALUE]…\n"
     "welkin iam jwks PROVIDER_ARN FILE\n"
     "\n"
     "Says what the policies of a user, role or root decide, and which statement does.  The\n"
     "thing's own policy is not looked at; its tags and other condition keys are those that\n"
     "--context names, as in --context aws:ResourceTag/team=red.  Exits with 1 when denied.\n"
     "\n"
     "jwks gives an OpenID Connect provider the JSON Web Key Set that checks its tokens in\n"
     "AssumeRoleWithWebIdentity, instead of the one it had; FILE may be - for stdin.\n"},
    {"region", cmd_region, "show the hardware and what runs where",
     "welkin region                   zones in which something runs or is broken\n"
     "welkin region ZONE|RACK|HOST    its hosts with their instances\n"
     "\n"
     "Racks and hosts are named like us-east-1a/r3 and us-east-1a/r3/h12.  Tenants do not see\n"
     "them.\n"},
    {"fault", cmd_fault, "break hardware, or repair it",
     "welkin fault zone|rack|host|network|snapshot ID on|off\n"
     "\n"
     "A zone, rack or host without power, or any of them without network.  Instances there fail\n"
     "their system status check, and nothing new is placed there.  A damaged snapshot of an\n"
     "image: instances that are launched from it end with Client.InternalError.\n"},
    {"reset", cmd_reset, "delete everything in the cloud",
     "welkin reset --yes\n\nTerminates all instances and deletes all resources of all accounts.\n"},
    {"version", cmd_version, "print the version", "welkin version\n"},
    {"help", cmd_help, "help for a command", "welkin help [COMMAND]\n"},
};

static const struct command *
find_command(const char *name)
{
    assert(name);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int
cli_fail(const char *fmt, ...)
{
    va_list ap;

    assert(fmt[0]);
    va_start(ap, fmt);
    fputs("welkin: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return 1;
}

int
cli_usage(const char *command)
{
    const struct command *c = find_command(command);

    assert(c);
    fputs(c->help, stderr);
    return 2;
}

/* Removes argv[i] … argv[i + n - 1]. */
static void
drop(struct cli *cli, int i, int n)
{
    assert(i >= 0 && n > 0 && i + n <= cli->argc);
    memmove(cli->argv + i, cli->argv + i + n, sizeof(*cli->argv) * (size_t)(cli->argc - i - n));
    cli->argc -= n;
}

const char *
cli_option(struct cli *cli, const char *name)
{
    size_t len = strlen(name);

    assert(strncmp(name, "--", 2) == 0);
    for (int i = 0; i < cli->argc && strcmp(cli->argv[i], "--") != 0; i++) {
        const char *arg = cli->argv[i], *value;

        if (strncmp(arg, name, len) != 0)
            continue;
        if (arg[len] == '=') {
            drop(cli, i, 1);
            return arg + len + 1;
        }
        if (arg[len] == 0 && i + 1 < cli->argc) {
            value = cli->argv[i + 1];
            drop(cli, i, 2);
            return value;
        }
    }
    return NULL;
}

bool
cli_flag(struct cli *cli, const char *name)
{
    assert(strncmp(name, "--", 2) == 0);
    for (int i = 0; i < cli->argc && strcmp(cli->argv[i], "--") != 0; i++)
        if (strcmp(cli->argv[i], name) == 0) {
            drop(cli, i, 1);
            return true;
        }
    return false;
}

static int
ask(struct cli *cli, const char *method, const char *path, struct str body, struct str *ret_body)
{
    struct client_reply reply;
    int r = client_call(cli->arena, cli->endpoint, method, path, body, NULL, &reply);

    assert(path[0] == '/');
    if (r == -ECONNREFUSED)
        return cli_fail("No daemon answers on %s: start one with `welkin up`, or name another "
                        "with --endpoint.",
                        cli->endpoint);
    if (r < 0)
        return cli_fail("The daemon on %s cannot be asked: %s.", cli->endpoint, strerror(-r));
    if (reply.status != 200) {
        struct json json;
        size_t at;
        struct str why = json_parse(cli->arena, reply.body, 100, &json, &at)
                             ? json_text(&json, "error")
                             : reply.body;

        return cli_fail("%.*s", STR_ARG(why));
    }
    *ret_body = reply.body;
    return 0;
}

int
cli_call(struct cli *cli, const char *method, const char *path, struct str *ret_body)
{
    return ask(cli, method, path, STR_NONE, ret_body);
}

int
cli_send(struct cli *cli, const char *path, struct str body, struct str *ret_body)
{
    return ask(cli, "POST", path, body, ret_body);
}

static int
cmd_version(struct cli *cli UNUSED)
{
    puts("welkin " WELKIN_VERSION);
    return 0;
}

static int
cmd_help(struct cli *cli)
{
    const struct command *c = cli->argc > 0 ? find_command(cli->argv[0]) : NULL;

    if (c) {
        fputs(c->help, stdout);
        return 0;
    }
    if (cli->argc > 0)
        return cli_fail("There is no command %s; `welkin help` lists them.", cli->argv[0]);
    puts("Welkin " WELKIN_VERSION ", an AWS-compatible cloud that you run yourself.\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  welkin %-8s  %s\n", commands[i].name, commands[i].summary);
    puts("\n`welkin help COMMAND` says more.  Common options: --data DIR, --endpoint ADDR:PORT.");
    return 0;
}

/* /var/lib/welkin for root, else the user's state folder. */
static const char *
default_data_dir(struct arena *arena)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (geteuid() == 0)
        return "/var/lib/welkin";
    if (state && state[0] == '/')
        return str_cstr(arena, str_fmt(arena, "%s/welkin", state));
    return str_cstr(arena, str_fmt(arena, "%s/.local/state/welkin", home ? home : "/tmp"));
}

static const char *
absolute(struct arena *arena, const char *path)
{
    char cwd[PATH_MAX];

    assert(path[0] != '\0');
    if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
        return path;
    return str_cstr(arena, str_fmt(arena, "%s/%s", cwd, path));
}

static const char *
option_or(struct cli *cli, const char *option, const char *variable, const char *otherwise)
{
    const char *value = cli_option(cli, option);

    assert(otherwise && otherwise[0]);
    if (!value)
        value = getenv(variable);
    return value && value[0] ? value : otherwise;
}

int
main(int argc, char **argv)
{
    struct arena arena;
    const struct command *c = argc > 1 ? find_command(argv[1]) : NULL;

    arena_init(&arena, (size_t)64 << 20);
    struct cli cli = {.arena = &arena, .argc = MAX(argc - 2, 0), .argv = argv + 2};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli.argc = 0;
        return cmd_help(&cli);
    }
    if (strcmp(argv[1], "--version") == 0)
        return cmd_version(&cli);
    if (!c)
        return cli_fail("There is no command %s; `welkin help` lists them.", argv[1]);
    if (cli_flag(&cli, "--help")) {
        fputs(c->help, stdout);
        return 0;
    }
    cli.endpoint = option_or(&cli, "--endpoint", "WELKIN_ENDPOINT", CLI_DEFAULT_ENDPOINT);
    cli.data_dir = absolute(&arena, option_or(&cli, "--data", "WELKIN_DATA",
                                              default_data_dir(&arena)));
    int status = c->fn(&cli);
    arena_done(&arena);
    return status;
}
