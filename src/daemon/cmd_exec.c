/*
 * `welkin exec`: a program inside an instance, by the privileged process's own operation.  It
 * gets this terminal's three descriptors as they are.
 */
#include "daemon/cli.h"

#include "base/buf.h"
#include "host/priv.h"

#include <stdio.h>
#include <sys/wait.h>

struct waiting {
    uint32_t exec;
    int status;
    bool ended;
};

static void
on_event(void *arg, struct priv_message *m)
{
    struct waiting *w = arg;
    const struct priv_ev_exec_exited *ev = PRIV_BODY(struct priv_ev_exec_exited, m->body);

    if (m->op != PRIV_EV_EXEC_EXITED || !ev)
        return;
    w->exec = ev->exec;
    w->status = ev->status;
    w->ended = true;
}

static int
hello(struct priv_conn *conn, struct arena *arena)
{
    struct priv_hello req = {.want_events = 1};
    struct priv_answer answer;

    return priv_call_wait(conn, arena, PRIV_HELLO, &req, sizeof(req), NULL, 0, NULL, 0, 5000,
                          &answer);
}

static int
run(struct cli *cli, struct priv_conn *conn)
{
    static const int stdio[] = {0, 1, 2};
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
        "TERM=xterm"};
    struct priv_exec req = {.argc = (uint16_t)(cli->argc - 2), .envc = ARRAY_LEN(env)};
    struct waiting w = {0};
    struct priv_answer answer;
    struct buf tail;

    assert(cli->argc >= 3);
    snprintf(req.id, sizeof(req.id), "%s", cli->argv[0]);
    buf_init(&tail, PRIV_MESSAGE_MAX);
    for (int i = 2; i < cli->argc; i++)
        buf_add(&tail, cli->argv[i], strlen(cli->argv[i]) + 1);
    for (size_t i = 0; i < ARRAY_LEN(env); i++)
        buf_add(&tail, env[i], strlen(env[i]) + 1);
    priv_on_event(conn, on_event, &w);
    int r = priv_call_wait(conn, cli->arena, PRIV_EXEC, &req, sizeof(req), tail.p, tail.n, stdio,
                           3, 10000, &answer);
    buf_done(&tail);
    if (r < 0)
        return cli_fail("%.*s", STR_ARG(answer.body.n ? answer.body : str_from(strerror(-r))));
    while (!w.ended && r >= 0) {
        r = priv_wait(conn, 60000);
        if (r == -ETIMEDOUT)
            r = 0;
    }
    if (r < 0)
        return cli_fail("The privileged process ended: %s.", strerror(-r));
    return WIFEXITED(w.status) ? WEXITSTATUS(w.status) : 128 + WTERMSIG(w.status);
}

int
cmd_exec(struct cli *cli)
{
    struct priv_conn *conn = NULL;

    if (cli->argc < 3 || strcmp(cli->argv[1], "--") != 0)
        return cli_usage("exec");
    int r = priv_connect(&conn, cli->data_dir);
    if (r >= 0)
        r = hello(conn, cli->arena);
    if (r == -EACCES || r == -EPERM)
        return cli_fail("`welkin exec` needs root: run `sudo welkin exec …`.");
    if (r < 0)
        return cli_fail("No sandbox host runs on %s (%s).", cli->data_dir, strerror(-r));
    int status = run(cli, conn);
    priv_conn_free(conn);
    return status;
}
