/*
 * commands, in the order of their names.
 */
#include "build.h"

#include "json.h"
#include "log.h"
#include "plan.h"
#include "proc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULE "------------------------------------------------------------"

static void
log_output(struct str output)
{
    struct str line;

    cfn_log_command(CFN_INFO, "-----------------------Command Output-----------------------");
    while (str_line(&output, &line))
        cfn_log_command(CFN_INFO, "\t%.*s", STR_ARG(line));
    cfn_log_command(CFN_INFO, RULE);
}

static bool
run(struct build *b, const struct proc *p, const char *title, struct str name,
    struct str *ret_output, int *ret_status)
{
    struct str why;

    assert(p->command && title[0]);
    cfn_log_command(CFN_INFO, "============================================================");
    cfn_log_command(CFN_INFO, "%s %.*s", title, STR_ARG(name));
    if (!proc_run(b->a, p, ret_output, ret_status, &why))
        return build_fail(b, "%.*s", STR_ARG(why));
    log_output(*ret_output);
    if (*ret_status)
        cfn_log_command(CFN_ERROR, "Exited with error code %d", *ret_status);
    else
        cfn_log_command(CFN_INFO, "Completed successfully.");
    return true;
}

/* What a script prints as JSON, below what the template says. */
static bool
with_defaults(struct build *b, const struct node **c)
{
    const struct node *script = node_get(*c, "defaults");
    struct proc p = {.command = script, .apart = true};
    struct str output, name = (*c)->key, why;
    int status;

    if (!script)
        return true;
    cfn_log(CFN_DEBUG, "Generating defaults for command %.*s", STR_ARG(name));
    if (!proc_run(b->a, &p, &output, &status, &why) || status) {
        cfn_log(CFN_ERROR, "Defaults script failed for %.*s", STR_ARG(name));
        return build_fail(b, "Defaults script for command %.*s failed", STR_ARG(name));
    }
    struct node *base = json_parse(b->a, output, &why);
    if (!base || base->kind != NODE_MAP)
        return build_fail(b, "Defaults of command %.*s are not a JSON object: %.*s", STR_ARG(name),
                          STR_ARG(why));
    node_merge(b->a, base, *c);
    base->key = name;
    *c = base;
    return true;
}

/* The command as it is run: by another user through su. */
static const struct node *
command_as(struct build *b, const struct node *command, struct str user)
{
    const struct node *rest = command->kind == NODE_LIST ? command->first : command;
    struct str words[] = {S("su"), user, S("-c")};
    struct node *list = arena_alloc(b->a, sizeof(*list)), **last = &list->first;

    if (!user.n)
        return command;
    list->kind = NODE_LIST;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        *last = arena_alloc(b->a, sizeof(**last));
        **last = (struct node){.kind = NODE_SCALAR, .quoted = true, .text = words[i]};
        last = &(*last)->next;
    }
    for (; rest; rest = command->kind == NODE_LIST ? rest->next : NULL) {
        *last = arena_alloc(b->a, sizeof(**last));
        **last = (struct node){.kind = NODE_SCALAR, .quoted = true, .text = node_scalar(rest)};
        last = &(*last)->next;
    }
    assert(list->first && list->first->next);
    return list;
}

static struct str
expand_home(struct build *b, struct str cwd)
{
    const char *home = getenv("HOME");

    if (!str_eq(cwd, S("~")) && !str_starts(cwd, S("~/")))
        return cwd;
    return arena_fmt(b->a, "%s%.*s", home ? home : "/root", STR_ARG(str_cut(cwd, 1, cwd.n)));
}

/* *ret_skip: its test says that there is nothing to do. */
static bool
test(struct build *b, const struct proc *like, const struct node *c, bool *ret_skip)
{
    struct proc p = *like;
    struct str output;
    int status;

    *ret_skip = false;
    p.command = node_get(c, "test");
    if (!p.command) {
        cfn_log(CFN_DEBUG, "No test for command %.*s", STR_ARG(c->key));
        return true;
    }
    cfn_log(CFN_DEBUG, "Running test for command %.*s", STR_ARG(c->key));
    if (!run(b, &p, "Test for Command", c->key, &output, &status))
        return false;
    cfn_log(CFN_DEBUG, "Test command output: %.*s", STR_ARG(output));
    *ret_skip = status != 0;
    if (status)
        cfn_log(CFN_INFO, "Test failed with code %d", status);
    else
        cfn_log(CFN_DEBUG, "Test for command %.*s passed", STR_ARG(c->key));
    return true;
}

static struct str
shown(struct build *b, const struct node *command)
{
    struct buf text = buf_new(b->a, 65536);

    if (command->kind == NODE_SCALAR)
        return command->text;
    json_dump(&text, command, -1);
    return buf_str(&text);
}

static bool
one(struct build *b, const struct node *c)
{
    const struct node *env = node_get(c, "env"), *command;
    struct str name = c->key, output;
    bool skip;
    int status;

    cfn_log(CFN_DEBUG, "Running command %.*s", STR_ARG(name));
    if (!with_defaults(b, &c))
        return false;
    command = node_get(c, "command");
    if (!command) {
        cfn_log(CFN_ERROR, "No command specified for %.*s", STR_ARG(name));
        return build_fail(b, "%.*s does not specify the 'command' attribute, which is required",
                          STR_ARG(name));
    }
    struct proc p = {.env = env && env->kind == NODE_MAP ? env : NULL,
                     .cwd = expand_home(b, node_text(c, "cwd"))};
    if (!test(b, &p, c, &skip))
        return false;
    if (skip)
        return true;
    p.command = command_as(b, command, node_text(c, "runas"));
    if (!run(b, &p, "Command", name, &output, &status))
        return false;
    if (status)
        cfn_log(CFN_ERROR, "Command %.*s (%.*s) failed", STR_ARG(name), STR_ARG(shown(b, command)));
    else
        cfn_log(CFN_INFO, "Command %.*s succeeded", STR_ARG(name));
    cfn_log(CFN_DEBUG, "Command %.*s output: %.*s", STR_ARG(name), STR_ARG(output));
    if (status && !node_bool(node_get(c, "ignoreErrors"), false))
        return build_fail(b, "Command %.*s failed", STR_ARG(name));
    if (status)
        cfn_log(CFN_INFO, "ignoreErrors set to true, continuing build");
    if (node_get(c, "waitAfterCompletion"))
        cfn_log(CFN_INFO, "waitAfterCompletion of %.*s is for Windows: not waiting", STR_ARG(name));
    build_changed(b, &b->commands, name);
    return true;
}

bool
build_commands(struct build *b, const struct node *commands)
{
    for (const struct node **c = plan_sorted(b->a, commands); *c; c++)
        if (!one(b, *c))
            return false;
    return true;
}
