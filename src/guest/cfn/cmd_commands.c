/*
 * cfn-elect-cmd-leader and cfn-send-cmd-result, which the actions of cfn-hup's on.command hooks
 * call on AWS, where a service that was never documented stands behind them.
 *
 * They ask what they are told to ask, and say what they are answered; cfn-hup gives them their
 * environment only when it has got a command, which Welkin's never does.
 */
#include "cfn.h"

#include "client.h"
#include "json.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_MAX = 64 << 20, RESULT_MAX = 1 << 20, NOT_THE_LEADER = 5 };

/* What is not given comes from the environment; ends the program when neither says. */
static struct str
needed(struct arena *a, const struct command_line *line, size_t i, const char *variable,
       const char *name)
{
    const char *inherited = getenv(variable);
    struct str s = line->values[i].text;

    if (!s.n && inherited)
        s = str_c(inherited);
    if (!s.n)
        options_refuse(a, line, "You must specify %s", name);
    assert(s.n > 0);
    return s;
}

enum {
    ELECT_COMMAND,
    ELECT_INVOCATION,
    ELECT_LISTENER,
    ELECT_STACK,
    ELECT_URL,
    ELECT_REGION,
    ELECT_VERBOSE,
    N_ELECT,
};

static const struct option_def elect_defs[] = {
    {'c', "command-name", OPTION_TEXT, "The command name", NULL},
    {'i', "invocation-id", OPTION_TEXT, "The invocation ID", NULL},
    {'l', "listener-id", OPTION_TEXT, "The listener ID", NULL},
    {'s', "stack", OPTION_TEXT, "A CloudFormation stack", NULL},
    {'u', "url", OPTION_TEXT, "The CloudFormation service URL.", NULL},
    {0, "region", OPTION_TEXT, "The CloudFormation region. Default: us-east-1.", NULL},
    {'v', "verbose", OPTION_FLAG, "Enables verbose logging", NULL},
    CLIENT_CREDENTIALS,
};

int
cfn_elect_cmd_leader_command(int argc, char **argv)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct command_line line = {.program = "cfn-elect-cmd-leader",
                                .usage = "[options]",
                                .defs = elect_defs,
                                .n_defs = COUNT_OF(elect_defs)};
    struct str leader, why;
    struct client c;

    _Static_assert(COUNT_OF(elect_defs) == N_ELECT + CLIENT_N_CREDENTIALS, "their order");
    options_or_exit(&a, &line, argc, argv);
    const struct option_value *v = line.values;
    struct str stack = needed(&a, &line, ELECT_STACK, "STACK_NAME", "StackName");
    struct str command = needed(&a, &line, ELECT_COMMAND, "CMD_NAME", "CommandName");
    struct str call = needed(&a, &line, ELECT_INVOCATION, "INVOCATION_ID", "InvocationId");
    struct str listener = needed(&a, &line, ELECT_LISTENER, "LISTENER_ID", "ListenerId");

    cfn_log_open("cfn-init.log", v[ELECT_VERBOSE].given);
    client_open(&c, &a, v + N_ELECT, v[ELECT_URL].text, v[ELECT_REGION].text);
    if (!client_elect(&c, stack, command, call, listener, &leader, &why)) {
        fprintf(stderr, "%.*s\n", STR_ARG(why));
        return 1;
    }
    return str_eq(leader, listener) ? 0 : NOT_THE_LEADER;
}

enum {
    SEND_DISPATCHER,
    SEND_COMMAND,
    SEND_INVOCATION,
    SEND_LISTENER,
    SEND_QUEUE,
    SEND_SUCCESS,
    SEND_EXIT_CODE,
    SEND_ACCESS_KEY,
    SEND_SECRET_KEY,
    SEND_TOKEN,
};

static const struct option_def send_defs[] = {
    {'d', "dispatcher-id", OPTION_TEXT, "The dispatcher ID", NULL},
    {'c', "command-name", OPTION_TEXT, "The command name", NULL},
    {'i', "invocation-id", OPTION_TEXT, "The invocation ID", NULL},
    {'l', "listener-id", OPTION_TEXT, "The listener ID", NULL},
    {'q', "queue-url", OPTION_TEXT, "SQS Queue URL for storing the command result", NULL},
    {'s', "success", OPTION_BOOL,
     "If true, signal success; if false, signal failure. Default: true", NULL},
    {'e', "exit-code", OPTION_INT,
     "Derive success or failure from specified exit code. Note: This takes precedence over the "
     "success flag",
     NULL},
    {0, "access-key", OPTION_TEXT, "An AWS Access Key", NULL},
    {0, "secret-key", OPTION_TEXT, "An AWS Secret Key", NULL},
    {0, "token", OPTION_TEXT, "An AWS Session Token", NULL},
};

static struct str
joined(struct arena *a, const struct command_line *line)
{
    struct buf b = buf_new(a, RESULT_MAX);

    for (size_t i = 0; i < line->n_args; i++)
        buf_fmt(&b, "%s%s", i ? " " : "", line->args[i]);
    return buf_str(&b);
}

int
cfn_send_cmd_result_command(int argc, char **argv)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct command_line line = {.program = "cfn-send-cmd-result",
                                .usage = "[options] [Command Result Data]",
                                .defs = send_defs,
                                .n_defs = COUNT_OF(send_defs)};
    struct str why;

    options_or_exit(&a, &line, argc, argv);
    const struct option_value *v = line.values;
    bool success = v[SEND_EXIT_CODE].given ? v[SEND_EXIT_CODE].number == 0
                                           : !str_eq(v[SEND_SUCCESS].text, S("false"));
    struct str text = joined(&a, &line), none = S("");
    struct header fields[] = {
        {S("DispatcherId"), needed(&a, &line, SEND_DISPATCHER, "DISPATCHER_ID", "DispatcherId")},
        {S("CommandName"), needed(&a, &line, SEND_COMMAND, "CMD_NAME", "CommandName")},
        {S("InvocationId"), needed(&a, &line, SEND_INVOCATION, "INVOCATION_ID", "InvocationId")},
        {S("ListenerId"), needed(&a, &line, SEND_LISTENER, "LISTENER_ID", "ListenerId")},
        {S("Data"), success ? text : none},
        {S("Message"), success ? none : text},
        {S("Status"), success ? S("SUCCESS") : S("FAILURE")},
    };
    struct str queue = needed(&a, &line, SEND_QUEUE, "RESULT_QUEUE", "QueueUrl");
    struct credentials who = {
        needed(&a, &line, SEND_ACCESS_KEY, "RESULT_ACCESS_KEY", "an access key"),
        needed(&a, &line, SEND_SECRET_KEY, "RESULT_SECRET_KEY", "a secret key"),
        needed(&a, &line, SEND_TOKEN, "RESULT_SESSION_TOKEN", "a token"),
    };
    struct str body = json_strings(&a, fields, COUNT_OF(fields), RESULT_MAX);

    cfn_log_open("cfn-init.log", true);
    if (client_send_message(&a, &who, queue, body, &why))
        return 0;
    fprintf(stderr, "Error: Could not send command result: %.*s\n", STR_ARG(why));
    return 1;
}
