/* `welkin up` and `welkin down`. */
#include "daemon/cli.h"

#include "base/log.h"
#include "placement/model.h"
#include "placement/quota.h"
#include "daemon/daemon.h"

#include <stdio.h>
#include <unistd.h>

/* "127.0.0.1:4566", "[::1]:4566", ":4566" or "4566"; the port may be 0. */
static bool
parse_listen(struct str text, struct str *ret_address, uint16_t *ret_port)
{
    size_t colon = text.n;
    uint64_t port;

    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (!str_to_u64(str_cut(text, colon, text.n), &port) || port > 65535)
        return false;
    struct str address = colon ? str_cut(text, 0, colon - 1) : STR_NONE;
    if (address.n > 1 && address.p[0] == '[' && address.p[address.n - 1] == ']')
        address = str_cut(address, 1, address.n - 1);
    *ret_address = address.n ? address : S("127.0.0.1");
    *ret_port = (uint16_t)port;
    return true;
}

static bool
parse_ms(const char *text, int64_t otherwise, int64_t *ret)
{
    *ret = otherwise;
    return !text || (str_to_i64(str_from(text), ret) && *ret >= 0 && *ret <= 86400000);
}

/* A byte more than the reader takes is left to be refused by it. */
static bool
read_model(struct cli *cli, const char *path, struct str *ret)
{
    char *text = arena_alloc(cli->arena, MODEL_TEXT_BYTES_MAX + 1);
    FILE *f = fopen(path, "re");

    if (!f)
        return false;
    size_t n = fread(text, 1, MODEL_TEXT_BYTES_MAX + 1, f);
    bool ok = !ferror(f);
    fclose(f);
    *ret = str_of(text, n);
    return ok;
}

int
cmd_up(struct cli *cli)
{
    struct daemon_config config = {
        .data_dir = cli->data_dir,
        .verbose = cli_flag(cli, "--verbose"),
        .allow_test_keys = cli_flag(cli, "--allow-test-keys"),
        .no_guest_mounts = cli_flag(cli, "--no-guest-mounts"),
    };
    const char *origins = cli_option(cli, "--allow-origin");
    const char *listen = cli_option(cli, "--listen"), *host = cli_option(cli, "--host");
    const char *model = cli_option(cli, "--region-model");

    config.allow_origins = str_from(origins);
    if (!parse_listen(str_from(listen ? listen : CLI_DEFAULT_ENDPOINT), &config.address,
                      &config.port))
        return cli_fail("--listen takes ADDR:PORT, like 127.0.0.1:4566.");
    if (host && strcmp(host, "sandbox") == 0)
        config.host = DAEMON_HOST_SANDBOX;
    else if (host && strcmp(host, "sim") == 0)
        config.host = DAEMON_HOST_SIM;
    else if (host)
        return cli_fail("--host is sandbox or sim.");
    if (!parse_ms(cli_option(cli, "--sim-boot-ms"), 50, &config.sim_boot_ms))
        return cli_fail("--sim-boot-ms takes a number of milliseconds.");
    const char *vcpus = cli_option(cli, "--vcpu-limit");
    if (vcpus && (!str_to_i64(str_from(vcpus), &config.vcpu_limit) || config.vcpu_limit < 1 ||
                  config.vcpu_limit > QUOTA_VALUE_MAX))
        return cli_fail("--vcpu-limit takes a number from 1 to %d.", QUOTA_VALUE_MAX);
    const char *storage = cli_option(cli, "--storage-limit");
    if (storage &&
        (!str_to_i64(str_from(storage), &config.storage_limit) || config.storage_limit < 1 ||
         config.storage_limit > QUOTA_VALUE_MAX))
        return cli_fail("--storage-limit takes a number from 1 to %d.", QUOTA_VALUE_MAX);
    config.sim_stop_ms = config.sim_boot_ms;
    if (model && !read_model(cli, model, &config.region_model))
        return cli_fail("--region-model cannot be read: %s: %s.", model, strerror(errno));
    if (cli->argc)
        return cli_usage("up");
    return daemon_run(&config);
}

int
cmd_down(struct cli *cli)
{
    struct priv_config priv = {.data_dir = cli->data_dir, .log_fd = 2};

    if (geteuid() != 0)
        return cli_fail("`welkin down` needs root: run `sudo welkin down`.");
    log_init(2, LOG_WARN, NULL);
    int r = priv_clean(&priv);
    if (r < 0)
        return cli_fail("The privileged process cannot be ended: %s.", strerror(-r));
    puts("All sandboxes ended; what they used on this host is gone.  Disks stay.");
    return 0;
}
