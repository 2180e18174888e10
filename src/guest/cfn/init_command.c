/*
 * cfn-init: makes the instance what its metadata says.
 */
#include "cfn.h"

#include "../file.h"
#include "build.h"
#include "client.h"
#include "json.h"
#include "log.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIGSETS, TARGET, CREDENTIALS = TARGET + CLIENT_N_TARGET };
enum { MEMORY_MAX = 1 << 30, METADATA_MAX = 8 << 20, SETS_MAX = 256 };

#define DATA_DIR "/var/lib/cfn-init/data"
#define WORK_LOG "/var/lib/cfn-init/resume_db.json"

static const struct option_def defs[] = {
    {'c', "configsets", OPTION_TEXT, "An optional list of configSets (default: \"default\")", NULL},
    CLIENT_TARGET,
    CLIENT_CREDENTIALS,
};

static const struct node *
read_stdin(struct arena *a, struct str *ret_why)
{
    struct buf b = buf_new(a, METADATA_MAX);
    char chunk[16384];
    ssize_t n;

    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
        buf_add(&b, (struct str){chunk, (size_t)n});
    return json_parse(a, buf_str(&b), ret_why);
}

static const struct node *
from_stack(struct arena *a, const struct command_line *line)
{
    const struct option_value *v = line->values + TARGET;
    struct stack_resource r;
    struct client c;
    struct str why;

    assert(line->n_args == 0);
    client_open(&c, a, line->values + CREDENTIALS, v[TARGET_URL].text, v[TARGET_REGION].text);
    if (!client_describe(&c, v[TARGET_STACK].text, v[TARGET_RESOURCE].text, &r, &why)) {
        fprintf(stderr, "%.*s\n", STR_ARG(why));
        exit(1);
    }
    if (!r.metadata || !r.metadata->first) {
        fprintf(stderr, "Error: %.*s does not specify any metadata\n", STR_ARG(r.logical_id));
        exit(1);
    }
    return r.metadata;
}

/* From the stack, a file, or stdin; ends the program when there is none. */
static const struct node *
metadata(struct arena *a, const struct command_line *line)
{
    const struct option_value *v = line->values + TARGET;
    const struct node *n;
    struct str text, why;

    if (line->n_args > 0 &&
        (line->n_args > 1 || v[TARGET_STACK].text.n || v[TARGET_RESOURCE].text.n))
        options_refuse(a, line, "You cannot specify more than one input source for metadata");
    if (line->n_args == 0 && !v[TARGET_STACK].text.n && !v[TARGET_RESOURCE].text.n)
        options_refuse(a, line,
                       "You must specify an input source for metadata: a stack name and "
                       "logical resource id, or a file");
    if (line->n_args == 0 && (!v[TARGET_STACK].text.n || !v[TARGET_RESOURCE].text.n))
        options_refuse(a, line, "You must specify both a stack name and logical resource id");
    if (line->n_args == 0)
        return from_stack(a, line);
    bool piped = strcmp(line->args[0], "-") == 0;
    if (!piped && !file_read(a, line->args[0], METADATA_MAX, &text)) {
        fputs("No such file or directory\n", stderr);
        exit(1);
    }
    n = piped ? read_stdin(a, &why) : json_parse(a, text, &why);
    if (!n) {
        fprintf(stderr, "Error decoding JSON from %s: %.*s\n", piped ? "stdin" : line->args[0],
                STR_ARG(why));
        exit(1);
    }
    return n;
}

static void
store(struct arena *a, const struct node *n)
{
    struct buf b = buf_new(a, 2 * METADATA_MAX), work = buf_new(a, 2 * METADATA_MAX);

    assert(n);
    json_dump(&b, n, 4);
    buf_add(&work, S("{\"metadata\": "));
    json_dump(&work, n, -1);
    buf_byte(&work, '}');
    if (make_dirs(DATA_DIR, 0755) < 0 ||
        file_replace(a, DATA_DIR "/metadata.json", buf_str(&b), 0600) < 0 ||
        file_replace(a, WORK_LOG, buf_str(&work), 0600) < 0) {
        fprintf(stderr, "Could not create %s to store metadata\n", DATA_DIR);
        cfn_log(CFN_ERROR, "Could not create %s to store metadata", DATA_DIR);
    }
}

static size_t
split_sets(struct arena *a, struct str text, struct str **ret)
{
    struct str *sets = arena_alloc(a, SETS_MAX * sizeof(*sets)), one;
    size_t n = 0;

    *ret = sets;
    if (!text.n)
        text = S("default");
    while (n < SETS_MAX && str_field(&text, ',', &one))
        sets[n++] = one;
    assert(n <= SETS_MAX);
    return n;
}

static bool
run_steps(struct arena *a, const struct plan_step *steps, size_t n, const struct node *auth,
          struct str *ret_why)
{
    struct str set = S("");

    assert(steps || n == 0);
    for (size_t i = 0; i < n; i++) {
        struct build b = {.a = a, .auth = auth};

        if (i == 0 || !str_eq(set, steps[i].set)) {
            set = steps[i].set;
            cfn_log(CFN_INFO, "Running configSet %.*s", STR_ARG(set));
            cfn_log_command(CFN_INFO,
                            "************************************************************");
            cfn_log_command(CFN_INFO, "ConfigSet %.*s", STR_ARG(set));
        }
        cfn_log(CFN_INFO, "Running config %.*s", STR_ARG(steps[i].name));
        cfn_log_command(CFN_INFO, "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++");
        cfn_log_command(CFN_INFO, "Config %.*s", STR_ARG(steps[i].name));
        if (build_config(&b, steps[i].config))
            continue;
        *ret_why = b.error;
        cfn_log(CFN_ERROR, "Error encountered during build of %.*s: %.*s", STR_ARG(steps[i].name),
                STR_ARG(b.error));
        return false;
    }
    return true;
}

static bool
run(struct arena *a, const struct node *n, struct str set_names, struct str *ret_why)
{
    struct plan_step *steps;
    struct str *sets;
    size_t n_steps, n_sets = split_sets(a, set_names, &sets);

    cfn_log(CFN_INFO, "Running configSets: %.*s", STR_ARG(set_names.n ? set_names : S("default")));
    return plan_make(a, node_get(n, INIT_KEY), sets, n_sets, &steps, &n_steps, ret_why) &&
           run_steps(a, steps, n_steps, node_get(n, "AWS::CloudFormation::Authentication"),
                     ret_why);
}

int
cfn_init_command(int argc, char **argv)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct command_line line = {.program = "cfn-init",
                                .usage = "[options]\n  or:  cfn-init [options] <filename>\n"
                                         "  or:  cat <filename> | cfn-init [options] -",
                                .defs = defs,
                                .n_defs = COUNT_OF(defs)};
    struct str why;

    _Static_assert(COUNT_OF(defs) == CREDENTIALS + CLIENT_N_CREDENTIALS,
                   "the order of the options");
    options_or_exit(&a, &line, argc, argv);
    cfn_log_open("cfn-init.log", line.values[TARGET + TARGET_VERBOSE].given);
    const struct node *n = metadata(&a, &line), *init = node_get(n, INIT_KEY);
    store(&a, n);
    if (!init || !init->first) {
        struct str where = str_c(line.n_args ? line.args[0] : "");

        if (line.n_args == 0)
            where = arena_fmt(&a, "metadata for %.*s",
                              STR_ARG(line.values[TARGET + TARGET_RESOURCE].text));
        else if (str_eq(where, S("-")))
            where = S("stdin input");
        fprintf(stderr, "Could not find '%s' key in %.*s.\n", INIT_KEY, STR_ARG(where));
        cfn_log(CFN_ERROR, "Could not find '%s' key in %.*s.", INIT_KEY, STR_ARG(where));
        return 1;
    }
    cfn_log(CFN_INFO, "-----------------------Starting build-----------------------");
    if (!run(&a, n, line.values[CONFIGSETS].text, &why)) {
        cfn_log(CFN_ERROR, "-----------------------BUILD FAILED!------------------------");
        fprintf(stderr, "Error occurred during build: %.*s\n", STR_ARG(why));
        cfn_log(CFN_ERROR, "Unhandled exception during build: %.*s", STR_ARG(why));
        return 1;
    }
    cfn_log(CFN_INFO, "ConfigSets completed");
    file_replace(&a, WORK_LOG, S("{}"), 0600);
    cfn_log(CFN_INFO, "-----------------------Build complete-----------------------");
    return 0;
}
