/* `welkin up` and `welkin down`. */
#include "daemon/cli.h"

#include "base/log.h"
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

int
cmd_up(struct cli *cli)
{
    struct daemon_config config = {
        .data_dir = cli->data_dir,
        .verbose = cli_flag(cli, "--verbose"),
        .allow_test_keys = cli_flag(cli, "--allow-test-keys"),
    };
    const char *origins = cli_option(cli, "--allow-origin");
    const char *listen = cli_option(cli, "--listen"), *host = cli_option(cli, "--host");

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
    config.sim_stop_ms = config.sim_boot_ms;
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
