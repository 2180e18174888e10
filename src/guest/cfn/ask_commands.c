/*
 * cfn-signal and cfn-get-metadata: one call each.
 */
#include "cfn.h"

#include "client.h"
#include "json.h"
#include "log.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY_MAX = 64 << 20, OUTPUT_MAX = 16 << 20 };

enum {
    SIGNAL_SUCCESS,
    SIGNAL_ID,
    SIGNAL_EXIT_CODE,
    SIGNAL_REASON,
    SIGNAL_DATA,
    SIGNAL_STACK,
    SIGNAL_RESOURCE,
    SIGNAL_URL,
    SIGNAL_REGION,
    N_SIGNAL,
};

static const struct option_def signal_defs[] = {
    {'s', "success", OPTION_BOOL,
     "If true, signal success to CloudFormation; if false, signal failure. Default: true", NULL},
    {'i', "id", OPTION_TEXT, "A unique ID to send with the signal", NULL},
    {'e', "exit-code", OPTION_INT, "Derive success or failure from specified exit code", NULL},
    {'r', "reason", OPTION_TEXT, "The reason for success/failure",
     "WaitConditionHandle Signal Options"},
    {'d', "data", OPTION_TEXT, "Data to include with the WaitCondition signal",
     "WaitConditionHandle Signal Options"},
    {0, "stack", OPTION_TEXT, "A CloudFormation stack", "Resource Signal Options"},
    {0, "resource", OPTION_TEXT, "A CloudFormation logical resource ID", "Resource Signal Options"},
    {0, "url", OPTION_TEXT,
     "The CloudFormation service URL. The endpoint URL must match the region option. Use of this "
     "parameter is discouraged.",
     "Resource Signal Options"},
    {0, "region", OPTION_TEXT, "The CloudFormation region. Default: us-east-1.",
     "Resource Signal Options"},
    CLIENT_CREDENTIALS,
};

/* The instance's id, or else the machine's name. */
static struct str
default_id(struct arena *a)
{
    char name[256] = "localhost";
    struct str id = client_instance_id(a);

    if (id.n)
        return id;
    gethostname(name, sizeof(name) - 1);
    return arena_dup(a, str_c(name));
}

static bool
is_web(struct str url)
{
    return str_starts(url, S("http://")) || str_starts(url, S("https://"));
}

static int
signal_handle(struct arena *a, const struct command_line *line, struct str id, bool success)
{
    const struct option_value *v = line->values;
    struct str url = str_c(line->args[0]), reason = v[SIGNAL_REASON].text, why;
    struct header fields[] = {{S("Status"), success ? S("SUCCESS") : S("FAILURE")},
                              {S("Reason"), reason},
                              {S("Data"), v[SIGNAL_DATA].text},
                              {S("UniqueId"), id}};

    assert(line->n_args > 0);
    if (!is_web(url) && (!base64_decode(a, url, &url) || !is_web(url))) {
        fprintf(stderr, "Error: Invalid WaitConditionHandle URL specified: %s\n", line->args[0]);
        return 1;
    }
    if (!reason.n && !success)
        fields[1].value = S("Configuration failed.");
    if (!client_put(a, url, json_strings(a, fields, COUNT_OF(fields), OUTPUT_MAX), &why)) {
        fprintf(stderr, "Error signaling CloudFormation: %.*s\n", STR_ARG(why));
        return 1;
    }
    printf("CloudFormation signaled successfully with %.*s.\n", STR_ARG(fields[0].value));
    return 0;
}

static int
signal_resource(struct arena *a, const struct command_line *line, struct str id, bool success)
{
    const struct option_value *v = line->values;
    struct client c;
    struct str why;

    if (!v[SIGNAL_STACK].text.n)
        options_refuse(a, line, "You must specify a stack name when signaling a resource");
    client_open(&c, a, v + N_SIGNAL, v[SIGNAL_URL].text, v[SIGNAL_REGION].text);
    if (client_signal(&c, v[SIGNAL_STACK].text, v[SIGNAL_RESOURCE].text, id, success, &why))
        return 0;
    fprintf(stderr, "%.*s\n", STR_ARG(why));
    return 1;
}

int
cfn_signal_command(int argc, char **argv)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct command_line line = {.program = "cfn-signal",
                                .usage = "[options] [WaitConditionHandle URL]",
                                .defs = signal_defs,
                                .n_defs = COUNT_OF(signal_defs)};

    _Static_assert(COUNT_OF(signal_defs) == N_SIGNAL + CLIENT_N_CREDENTIALS, "their order");
    options_or_exit(&a, &line, argc, argv);
    const struct option_value *v = line.values;
    bool success = v[SIGNAL_EXIT_CODE].number == 0 && !str_eq(v[SIGNAL_SUCCESS].text, S("false"));
    bool to_handle = line.n_args > 0 && line.args[0][0];

    cfn_log_open("cfn-init.log", true);
    if (to_handle && v[SIGNAL_RESOURCE].given) {
        fputs("Error: Cannot specify both a WaitConditionHandle URL and a logical resource id\n",
              stderr);
        return 1;
    }
    if (!to_handle && !v[SIGNAL_RESOURCE].given)
        options_refuse(&a, &line, "No WaitConditionHandle URL or logical resource id specified");
    struct str id = v[SIGNAL_ID].given ? v[SIGNAL_ID].text : default_id(&a);
    return to_handle ? signal_handle(&a, &line, id, success)
                     : signal_resource(&a, &line, id, success);
}

enum { GET_KEY, GET_TARGET, GET_CREDENTIALS = GET_TARGET + CLIENT_N_TARGET };

static const struct option_def get_defs[] = {
    {'k', "key", OPTION_TEXT,
     "Retrieve the value at <key> in the Metadata object; must be in dotted object notation "
     "(parent.child.leaf)",
     NULL},
    CLIENT_TARGET,
    CLIENT_CREDENTIALS,
};

int
cfn_get_metadata_command(int argc, char **argv)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct command_line line = {.program = "cfn-get-metadata",
                                .usage = "[options]",
                                .defs = get_defs,
                                .n_defs = COUNT_OF(get_defs)};
    struct stack_resource r;
    struct client c;
    struct str why;

    _Static_assert(COUNT_OF(get_defs) == GET_CREDENTIALS + CLIENT_N_CREDENTIALS,
                   "the order of the options");
    options_or_exit(&a, &line, argc, argv);
    const struct option_value *v = line.values + GET_TARGET, *key = line.values + GET_KEY;
    if (!v[TARGET_STACK].text.n || !v[TARGET_RESOURCE].text.n)
        options_refuse(&a, &line, "You must specify both a stack name and logical resource id");
    cfn_log_open("cfn-init.log", v[TARGET_VERBOSE].given);
    client_open(&c, &a, line.values + GET_CREDENTIALS, v[TARGET_URL].text, v[TARGET_REGION].text);
    if (!client_describe(&c, v[TARGET_STACK].text, v[TARGET_RESOURCE].text, &r, &why))
        return fprintf(stderr, "%.*s\n", STR_ARG(why)), 1;
    if (!r.metadata)
        return fprintf(stderr, "Error: %.*s does not specify any metadata\n",
                       STR_ARG(r.logical_id)),
               1;
    const struct node *n = plan_value(&a, r.metadata, key->text);
    if (!n)
        return fprintf(stderr, "Error: %.*s is not present in the metadata for %.*s\n",
                       STR_ARG(key->text), STR_ARG(r.logical_id)),
               1;
    struct buf b = buf_new(&a, OUTPUT_MAX);
    if (n->kind == NODE_SCALAR && n->quoted)
        buf_add(&b, n->text);
    else
        json_dump(&b, n, 4);
    printf("%.*s\n", STR_ARG(buf_str(&b)));
    return 0;
}
