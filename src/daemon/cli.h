/* What the commands share. */
#pragma once

#include "base/str.h"

struct cli {
    struct arena *arena;
    const char *endpoint; /* of the daemon: --endpoint, $WELKIN_ENDPOINT, or the default */
    const char *data_dir; /* absolute: --data, $WELKIN_DATA, or the default */
    int argc;             /* what follows the command's name, without the common options */
    char **argv;
};

#define CLI_DEFAULT_ENDPOINT "127.0.0.1:4566"

/* A sentence on stderr; answers 1, the exit status. */
int cli_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The usage of a command on stderr; answers 2. */
int cli_usage(const char *command);

/* A call of the admin API; prints what went wrong.  0 or an exit status. */
int cli_call(struct cli *cli, const char *method, const char *path, struct str *ret_body);
/* The same with something to send, as a POST. */
int cli_send(struct cli *cli, const char *path, struct str body, struct str *ret_body);

/* Takes `--name VALUE` or `--name=VALUE` out of argv; NULL when it is not there. */
const char *cli_option(struct cli *cli, const char *name);
/* Takes `--name` out of argv. */
bool cli_flag(struct cli *cli, const char *name);

int cmd_up(struct cli *cli);
int cmd_down(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_image(struct cli *cli);
int cmd_clock(struct cli *cli);
int cmd_console(struct cli *cli);
int cmd_exec(struct cli *cli);
int cmd_trust(struct cli *cli);
int cmd_profile(struct cli *cli);
int cmd_event(struct cli *cli);
int cmd_reset(struct cli *cli);
int cmd_iam(struct cli *cli);
int cmd_region(struct cli *cli);
int cmd_fault(struct cli *cli);
